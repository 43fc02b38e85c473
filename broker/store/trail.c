/*
 * Walking a request's events backwards.
 */
#include "store/trail.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "store/error.h"
#include "store/event.h"

enum { ENTRY_HEAD_BYTES = 12 };

void
trail_init(struct trail *trail)
{
    *trail = (struct trail){0};
}

void
trail_fini(struct trail *trail)
{
    free(trail->memory);
    *trail = (struct trail){0};
}

static bool
trail_grow(struct trail *trail, uint32_t need)
{
    uint32_t used = trail->cap - trail->begin;
    uint32_t cap = trail->cap > 0 ? trail->cap : 4096;
    uint8_t *memory;

    while (cap - used < need) {
        cap *= 2;
    }
    memory = malloc(cap);
    if (memory == NULL) {
        return false;
    }
    if (used > 0) {
        memcpy(memory + cap - used, trail->memory + trail->begin, used);
    }
    free(trail->memory);
    trail->memory = memory;
    trail->begin = cap - used;
    trail->cap = cap;
    return true;
}

static bool
trail_prepend(struct trail *trail, uint64_t seq, const uint8_t *p, uint32_t n)
{
    uint64_t seq_le = htole64(seq);
    uint32_t n_le = htole32(n);

    if (trail->begin < ENTRY_HEAD_BYTES + n && !trail_grow(trail, ENTRY_HEAD_BYTES + n)) {
        return false;
    }
    trail->begin -= ENTRY_HEAD_BYTES + n;
    memcpy(trail->memory + trail->begin, &seq_le, 8);
    memcpy(trail->memory + trail->begin + 8, &n_le, 4);
    memcpy(trail->memory + trail->begin + ENTRY_HEAD_BYTES, p, n);
    trail->count++;
    return true;
}

enum store_status
trail_collect(struct trail *trail, struct source *source, uint64_t request, uint64_t prev,
              struct store_error *out_error)
{
    trail->begin = trail->cap;
    trail->count = 0;
    trail->cut = trail->pruned = false;
    while (prev != 0) {
        struct event_glance event;
        const uint8_t *p;
        uint32_t n;
        uint64_t seq = prev;
        enum store_status status = source_event(source, seq, &p, &n, out_error);
        if (status == STORE_PRUNED) {
            trail->cut = trail->pruned = true;
            return STORE_OK;
        }
        if (status != STORE_OK) {
            return status;
        }
        if (!event_look(p, n, &event) || event.id != request || event.prev >= seq) {
            return error_set_seq(out_error, STORE_DAMAGED, seq, "event %llu is not one of request %llu",
                                 (unsigned long long)seq, (unsigned long long)request);
        }
        prev = event.prev;
        /* The first event holds the input: it stays, whatever is left out. */
        if (prev != 0 && (trail->cap - trail->begin + n > TRAIL_BYTES_MAX || trail->count >= TRAIL_EVENTS_MAX)) {
            trail->cut = true;
        } else if (!trail_prepend(trail, seq, p, n)) {
            return error_set(out_error, STORE_NO_MEMORY, "no memory for the trail of a request");
        }
    }
    return STORE_OK;
}

bool
store_trail_next(const uint8_t *trail, uint32_t trail_n, uint32_t *offset, uint64_t *out_seq, const uint8_t **out_p,
                 uint32_t *out_n)
{
    uint64_t seq_le;
    uint32_t n_le;

    if (*offset > trail_n || trail_n - *offset < ENTRY_HEAD_BYTES) {
        return false;
    }
    memcpy(&seq_le, trail + *offset, 8);
    memcpy(&n_le, trail + *offset + 8, 4);
    if (le32toh(n_le) > trail_n - *offset - ENTRY_HEAD_BYTES) {
        return false;
    }
    *out_seq = le64toh(seq_le);
    *out_p = trail + *offset + ENTRY_HEAD_BYTES;
    *out_n = le32toh(n_le);
    *offset += ENTRY_HEAD_BYTES + *out_n;
    return true;
}
