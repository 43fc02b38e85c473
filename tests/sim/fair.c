/* See fair.h. */
#include "fair.h"

#include <inttypes.h>

#include "audit.h"

struct fair_class {
    uint64_t wants;
    uint8_t service;
    uint32_t waiting[PARTIES_MAX];
    /* Since the last assignment to a requester in this class, while it goes on waiting here: */
    uint16_t beside[PARTIES_MAX];              /* who waited here beside it all the time: bits */
    uint32_t had[PARTIES_MAX];                 /* the cost of what it was assigned of the service, that one included */
    uint32_t taken[PARTIES_MAX][PARTIES_MAX];  /* [one][other]: the cost of what the other was assigned here */
};

/* ------------------------------------------------------------- classes */

static uint64_t
mix_bytes(uint64_t hash, const void *p, uint32_t n)
{
    const uint8_t *bytes = p;
    for (uint32_t i = 0; i < n; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    }
    return rng_mix(hash + n);
}

uint64_t
fair_wants(const struct proto_event *event)
{
    const struct proto_ev_accepted *accepted = &event->u.accepted;
    const uint64_t numbers[] = {accepted->terms, accepted->priority, accepted->fallback, accepted->located,
                                (uint64_t)(accepted->latitude * 1000), (uint64_t)(accepted->longitude * 1000)};
    uint64_t hash = mix_bytes(1, numbers, sizeof numbers);
    hash = mix_bytes(hash, event->service.p, event->service.n); /* a number of terms that a crash took back is given again */
    hash = mix_bytes(hash, accepted->directed.p, accepted->directed.n);
    hash = mix_bytes(hash, accepted->exclude.p, accepted->exclude.n);
    hash = mix_bytes(hash, accepted->prefer.p, accepted->prefer.n);
    return mix_bytes(hash, accepted->require.p, accepted->require.n) | 1;
}

uint64_t
fair_wants_after(uint64_t wants, unsigned what)
{
    return rng_mix(wants + what + 1) | 1;
}

/* NULL: as many as are looked at. */
static struct fair_class *
class_of(struct audit *audit, const struct life *life, bool make)
{
    uint32_t at = (uint32_t)rng_mix(life->wants) & (CLASSES_MAX - 1);
    while (audit->classes[at] != NULL && audit->classes[at]->wants != life->wants) {
        at = (at + 1) & (CLASSES_MAX - 1);
    }
    if (audit->classes[at] == NULL && make && audit->class_count < CLASSES_MAX / 2) {
        audit->classes[at] = calloc(1, sizeof *audit->classes[at]);
        audit->classes[at]->wants = life->wants;
        audit->classes[at]->service = life->service;
        audit->made[audit->class_count++] = (uint16_t)at;
    }
    return audit->classes[at];
}

void
fair_fini(struct audit *audit)
{
    for (uint32_t i = 0; i < audit->class_count; i++) {
        free(audit->classes[audit->made[i]]);
    }
}

/* ------------------------------------------------------------- waiting */

void
fair_enters(struct audit *audit, const struct life *life)
{
    struct fair_class *class = class_of(audit, life, true);
    if (class != NULL) {
        class->waiting[life->requester]++;
    }
}

void
fair_leaves(struct audit *audit, const struct life *life)
{
    struct fair_class *class = class_of(audit, life, false);
    if (class == NULL || --class->waiting[life->requester] > 0) {
        return;
    }
    class->beside[life->requester] = 0;
    for (unsigned i = 0; i < PARTIES_MAX; i++) {
        class->beside[i] = (uint16_t)(class->beside[i] & ~(1u << life->requester));
    }
}

void
fair_forget(struct audit *audit)
{
    for (uint32_t i = 0; i < audit->class_count; i++) {
        struct fair_class *class = audit->classes[audit->made[i]];
        *class = (struct fair_class){.wants = class->wants, .service = class->service};
    }
    for (uint32_t i = 1; i < audit->life_count; i++) {
        if (audit->lives[i].id != 0 && life_waits(&audit->lives[i])) {
            fair_enters(audit, &audit->lives[i]);
        }
    }
}

/* ------------------------------------------------------------- assigned */

static void
others_check(struct sim *sim, struct fair_class *class, const struct life *life)
{
    for (unsigned one = 0; one < PARTIES_MAX; one++) {
        if ((class->beside[one] >> life->requester & 1) == 0) {
            continue;
        }
        uint32_t *taken = &class->taken[one][life->requester];
        sim->counts->fair++;
        CHECK(sim, *taken <= class->had[one], "L6", "share", "%" PRIx64 " of party %u is assigned: it has had %u beside party %u, which has had %u",
              life->id, life->requester, *taken, one, class->had[one]);
        *taken += life->cost;
    }
}

void
fair_assigned(struct sim *sim, const struct life *life)
{
    struct audit *audit = &sim->audit;
    struct fair_class *class = class_of(audit, life, false);
    for (uint32_t i = 0; i < audit->class_count; i++) {
        struct fair_class *other = audit->classes[audit->made[i]];
        if (other->service == life->service) {
            other->had[life->requester] += life->cost;
        }
    }
    if (class == NULL) {
        return;
    }
    others_check(sim, class, life);
    class->had[life->requester] = life->cost;
    memset(class->taken[life->requester], 0, sizeof class->taken[0]);
    class->beside[life->requester] = 0;
    for (unsigned i = 0; class->waiting[life->requester] > 1 && i < PARTIES_MAX; i++) {
        bool waits = i != life->requester && class->waiting[i] > 0;
        class->beside[life->requester] = (uint16_t)(class->beside[life->requester] | (waits ? 1u << i : 0));
    }
}
