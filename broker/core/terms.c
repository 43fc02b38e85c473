/*
 * Terms: what a service type promised, by number; see group.h.
 */
#include "core/group.h"

static uint64_t
terms_hash(const void *owner, uint32_t item)
{
    return hash_mix(terms_at(owner, item)->number);
}

uint32_t
terms_find(const struct core *core, uint32_t number)
{
    INDEX_EACH(&core->terms_by_number, hash_mix(number), item)
    {
        if (terms_at(core, item)->number == number) {
            return item;
        }
    }
    return 0;
}

uint32_t
terms_make(struct core *core, uint32_t number, uint32_t service)
{
    uint32_t item = pool_new(&core->terms);
    *terms_at(core, item) = (struct terms){.number = number, .service = service};
    index_put(&core->terms_by_number, core, terms_hash, item);
    return item;
}

bool
terms_same(const struct terms *a, const struct terms *b)
{
    return a->service == b->service && a->tenure == b->tenure && a->policy == b->policy && a->verify == b->verify &&
           a->complete_by_fails == b->complete_by_fails && a->attempts == b->attempts &&
           a->releases_max == b->releases_max && a->accept_by_us == b->accept_by_us &&
           a->start_by_us == b->start_by_us && a->attempt_us == b->attempt_us && a->lease_us == b->lease_us &&
           a->backoff_us == b->backoff_us && a->backoff_max_us == b->backoff_max_us && a->age_us == b->age_us;
}

void
terms_forget_unused(struct core *core)
{
    group_forget_resting(core);
    for (uint32_t i = 1; i < core->terms.used; i++) {
        struct terms *terms = terms_at(core, i);
        if (terms->service != 0 && terms->groups == 0 && service_at(core, terms->service)->terms != i) {
            index_remove(&core->terms_by_number, core, terms_hash, i);
            terms->service = 0;
            pool_free(&core->terms, i);
        }
    }
}
