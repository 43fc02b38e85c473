/*
 * Small numbers in a record mean what the world has seen: bytes alone would never guess an id, a fence or a date.
 *
 * An id or task below 64 is the k-th newest request or assignment. A fence below 16 is that assignment's own, less the
 * number: 0 is right, others are stale. A time within a year of 0 counts from now.
 */
#include "world_internal.h"

#include <string.h>

#include "proto/writer.h"

#define YEAR_US (INT64_C(366) * 86400 * 1000000)

static const struct hand *
hand_of(const struct world *world, uint64_t k)
{
    uint64_t known = world->hand_count < KNOWN_MAX ? world->hand_count : KNOWN_MAX;
    return k < KNOWN_MAX && known > 0 ? &world->hands[(world->hand_count - 1 - k % known) % KNOWN_MAX] : NULL;
}

static void
hand_name(const struct world *world, uint64_t *task, uint64_t *fence)
{
    const struct hand *hand = hand_of(world, *task);
    if (hand != NULL) {
        *task = hand->task;
        *fence = *fence < 16 ? hand->fence - *fence : *fence;
    }
}

static bool
is_named(const struct proto_field *field, const char *name)
{
    return strcmp(field->name, name) == 0;
}

static void
held_name(struct world *world, struct proto_renew *renew)
{
    struct proto_iter it = proto_iter_of(renew->held);
    struct proto_held held;
    size_t mark;
    uint32_t count = 0;
    proto_buf_reset(&world->scratch);
    REQUIRE(proto_list_begin(&world->scratch, &mark));
    while (proto_iter_struct(&it, PROTO_STRUCT_HELD, &held)) {
        hand_name(world, &held.task, &held.fence);
        REQUIRE(proto_struct_encode(&world->scratch, PROTO_STRUCT_HELD, &held));
        count++;
    }
    proto_list_end(&world->scratch, mark, count);
    renew->held = (struct proto_bin){world->scratch.p, (uint32_t)world->scratch.n};
}

void
world_name(struct world *world, struct proto_record *record)
{
    const struct proto_desc *desc = proto_record_desc(record->type);
    uint64_t known = world->id_count < KNOWN_MAX ? world->id_count : KNOWN_MAX;
    uint64_t has = record->u.submit.has; /* every record's struct begins with it */
    uint64_t *task = NULL, *fence = NULL;
    for (unsigned i = 0; i < desc->count; i++) {
        const struct proto_field *field = &desc->fields[i];
        void *at = (char *)&record->u + field->offset;
        bool given = (has >> i & 1) != 0;
        if (!given) {
            continue;
        }
        if (field->type == PROTO_FIELD_U64 && is_named(field, "id")) {
            uint64_t *id = at;
            *id = *id < KNOWN_MAX && known > 0 ? world->ids[(world->id_count - 1 - *id % known) % KNOWN_MAX] : *id;
        } else if (field->type == PROTO_FIELD_U64 && is_named(field, "task")) {
            task = at;
        } else if (field->type == PROTO_FIELD_U64 && is_named(field, "fence")) {
            fence = at;
        } else if (field->type == PROTO_FIELD_I64 && !is_named(field, "charge") && !is_named(field, "remaining")) {
            int64_t *time = at;
            *time = *time != 0 && *time > -YEAR_US && *time < YEAR_US ? world->now.utc_us + *time : *time;
        }
    }
    if (task != NULL && fence != NULL) {
        hand_name(world, task, fence);
    }
    if (record->type == PROTO_RENEW) {
        held_name(world, &record->u.renew);
    }
}
