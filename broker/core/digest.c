/*
 * A digest of the durable state (D5): the same facts, the same digest, whatever order tables lie in.
 *
 * Every item is hashed by itself, with names instead of numbers; the digests are sorted and hashed together.
 */
#include <sodium.h>
#include <stdlib.h>

#include "core/party.h"
#include "core/request.h"

enum { ONE = 32 };

struct digests {
    uint8_t (*all)[ONE];
    size_t n;
    size_t cap;
};

struct item {
    crypto_generichash_state state;
};

static void
add(struct item *item, const void *p, size_t n)
{
    uint64_t length = n;
    crypto_generichash_update(&item->state, (const uint8_t *)&length, sizeof length);
    if (n > 0) {
        crypto_generichash_update(&item->state, p, n);
    }
}

static void
add_number(struct item *item, uint64_t number)
{
    add(item, &number, sizeof number);
}

static void
add_name(struct item *item, struct proto_str name)
{
    add(item, name.p, name.n);
}

static void
item_begin(struct item *item, const char *kind)
{
    crypto_generichash_init(&item->state, NULL, 0, ONE);
    add(item, kind, strlen(kind));
}

static void
item_end(struct digests *digests, struct item *item)
{
    if (digests->n == digests->cap) {
        digests->cap = digests->cap == 0 ? 256 : digests->cap * 2;
        digests->all = table_realloc(digests->all, digests->cap * sizeof *digests->all);
    }
    crypto_generichash_final(&item->state, digests->all[digests->n++], ONE);
}

static struct proto_str
party_name(const struct core *core, uint32_t party)
{
    return party == 0 ? (struct proto_str){"", 0} : name_str(&party_at(core, party)->name);
}

static void
digest_parties(const struct core *core, struct digests *digests)
{
    struct item item;
    for (uint32_t i = 1; i < core->parties.used; i++) {
        const struct party *party = party_at(core, i);
        item_begin(&item, "party");
        add_name(&item, name_str(&party->name));
        add(&item, party->title, party->title_n);
        add_number(&item, party->roles);
        add(&item, party->services, party->services_n);
        add(&item, party->attributes, party->attributes_n);
        add_number(&item, party->quota);
        add_number(&item, (uint64_t)party->paused << 2 | (uint64_t)party->draining << 1 | party->revoked);
        item_end(digests, &item);
    }
    for (uint32_t i = 1; i < core->members.used; i++) {
        const struct member *member = member_at(core, i);
        item_begin(&item, "member");
        add_name(&item, party_name(core, member->party));
        add_name(&item, name_str(&member->name));
        add(&item, member->key, sizeof member->key);
        add_number(&item, member->state);
        add_number(&item, (uint64_t)member->expires_us);
        item_end(digests, &item);
    }
}

static void
add_terms(struct item *item, const struct core *core, const struct terms *terms)
{
    add_number(item, terms->number);
    add_name(item, name_str(&service_at(core, terms->service)->name));
    const int64_t numbers[] = {terms->tenure,       terms->policy,     terms->verify,  terms->complete_by_fails, terms->attempts,
                               terms->releases_max, terms->accept_by_us, terms->start_by_us, terms->attempt_us,  terms->lease_us,
                               terms->backoff_us,   terms->backoff_max_us, terms->age_us};
    add(item, numbers, sizeof numbers);
}

static void
digest_services(const struct core *core, struct digests *digests)
{
    struct item item;
    for (uint32_t i = 1; i < core->services.used; i++) {
        const struct service *service = service_at(core, i);
        item_begin(&item, "service");
        add_name(&item, name_str(&service->name));
        add_number(&item, (uint64_t)service->paused << 1 | service->draining);
        if (service->terms != 0) {
            add_terms(&item, core, terms_at(core, service->terms));
        }
        item_end(digests, &item);
    }
}

static void
add_request(struct item *item, const struct core *core, const struct request *request)
{
    const uint64_t numbers[] = {request->id,
                                request->accepted_seq,
                                request->last_seq,
                                request->fence,
                                (uint64_t)request->authored_us,
                                (uint64_t)request->due_us,
                                (uint64_t)request->complete_by_us,
                                (uint64_t)request->until_us,
                                request->modified_s,
                                request->cost,
                                request->progress_e4,
                                request->flags,
                                request->status,
                                request->resume,
                                request->reason,
                                request->priority,
                                request->ordinal,
                                request->attempt,
                                request->releases};
    add(item, numbers, sizeof numbers);
    add_name(item, party_name(core, request_requester(core, request)));
    add_name(item, party_name(core, request->performer));
    add_name(item, party_name(core, request->former));
    add_name(item, request->member == 0 ? (struct proto_str){"", 0} : name_str(&member_at(core, request->member)->name));
    add_name(item, text_str(core, request->business));
    const struct wishes *wishes = &request_group(core, request)->wishes;
    add_terms(item, core, request_terms(core, request));
    add_number(item, wishes->directed);
    add(item, wishes->require.p, wishes->require.n);
}

static void
digest_requests(const struct core *core, struct digests *digests)
{
    for (uint32_t i = 1; i < core->requests.used; i++) {
        const struct request *request = request_at(core, i);
        if (request->id != 0) {
            struct item item;
            item_begin(&item, "request");
            add_request(&item, core, request);
            item_end(digests, &item);
        }
    }
}

static void
digest_kept(const struct core *core, struct digests *digests)
{
    struct item item;
    for (uint32_t i = core->kept.head; i != 0; i = kept_key_at(core, i)->next) {
        const struct kept_key *kept = kept_key_at(core, i);
        if (kept->until_us < core->expired_to_us) {
            continue; /* gone, and only not taken away yet */
        }
        item_begin(&item, "key");
        add(&item, kept->hash, sizeof kept->hash);
        add(&item, kept->digest, sizeof kept->digest);
        add_number(&item, kept->request);
        add_number(&item, (uint64_t)kept->until_us);
        item_end(digests, &item);
    }
    for (uint32_t i = 1; i < core->producers.used; i++) {
        const struct producer *producer = producer_at(core, i);
        if (producer->entries == NULL) {
            continue;
        }
        item_begin(&item, "producer");
        add_name(&item, party_name(core, producer->party));
        add_number(&item, producer->producer);
        add_number(&item, producer->top);
        for (uint64_t back = 0; back < producer->room && back < producer->top; back++) {
            const struct producer_entry *entry = &producer->entries[(producer->top - back) % producer->room];
            if (entry->request != 0) {
                add_number(&item, producer->top - back);
                add_number(&item, entry->digest);
                add_number(&item, entry->request);
            }
        }
        item_end(digests, &item);
    }
}

static int
digest_order(const void *a, const void *b)
{
    return memcmp(a, b, ONE);
}

void
core_digest(const struct core *core, uint8_t out_digest[32])
{
    struct digests digests = {0};
    struct item marks;
    item_begin(&marks, "marks");
    add_number(&marks, core->seq);
    add_number(&marks, core->id_last);
    add_number(&marks, core->fence_last);
    add_number(&marks, core->terms_last);
    add(&marks, core->catalogue_digest, sizeof core->catalogue_digest);
    item_end(&digests, &marks);
    digest_parties(core, &digests);
    digest_services(core, &digests);
    digest_requests(core, &digests);
    digest_kept(core, &digests);
    qsort(digests.all, digests.n, ONE, digest_order);
    crypto_generichash(out_digest, 32, digests.all[0], digests.n * ONE, NULL, 0);
    free(digests.all);
}
