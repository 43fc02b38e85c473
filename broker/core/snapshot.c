/*
 * All durable state that is not in open requests' own events, as events; see core_snapshot in core.h.
 *
 * Every piece is an event that sets or raises, never one that adds, so repeating it is harmless. Order: what others name
 * comes first.
 */
#include "core/event.h"
#include "core/kept.h"
#include "core/party.h"
#include "core/recall.h"

struct snapshot {
    const struct core *core;
    struct proto_buf *buf;
    uint32_t count;
    bool fits;
};

static void
put(struct snapshot *snapshot, const struct proto_event *event)
{
    struct proto_buf *buf = snapshot->buf;
    size_t start = buf->n;
    uint32_t n = 0;
    if (!snapshot->fits || !proto_buf_append(buf, &n, sizeof n) || !proto_event_encode(buf, event)) {
        snapshot->fits = false;
        return;
    }
    n = (uint32_t)(buf->n - start - sizeof n);
    uint8_t head[4] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};
    memcpy(buf->p + start, head, sizeof head);
    snapshot->count++;
}

static void
put_parties(struct snapshot *snapshot)
{
    const struct core *core = snapshot->core;
    for (uint32_t i = 1; i < core->parties.used; i++) {
        const struct party *party = party_at(core, i);
        struct proto_buf roles;
        proto_buf_init(&roles, 256);
        roles_encode(party->roles, &roles);
        struct proto_event event = {.type = PROTO_EV_PARTY};
        event.u.party = (struct proto_ev_party){.name = name_str(&party->name),
                                                .title = {party->title, party->title_n},
                                                .roles = {roles.p, (uint32_t)roles.n},
                                                .services = {party->services, party->services_n},
                                                .attributes = {party->attributes, party->attributes_n},
                                                .quota = party->quota,
                                                .paused = party->paused,
                                                .draining = party->draining,
                                                .revoked = party->revoked};
        put(snapshot, &event);
        proto_buf_fini(&roles);
    }
    for (uint32_t i = 1; i < core->members.used; i++) {
        const struct member *member = member_at(core, i);
        struct proto_event event = {.type = PROTO_EV_MEMBER};
        event.u.member = (struct proto_ev_member){.of = name_str(&party_at(core, member->party)->name),
                                                  .name = name_str(&member->name),
                                                  .key = {member->key, 32},
                                                  .state = member->state,
                                                  .expires = member->expires_us};
        put(snapshot, &event);
    }
}

/* By rising number, so that the current ones of each service come last. */
static void
put_terms(struct snapshot *snapshot)
{
    const struct core *core = snapshot->core;
    uint32_t done = 0;
    for (;;) {
        const struct terms *next = NULL;
        for (uint32_t i = 1; i < core->terms.used; i++) {
            const struct terms *terms = terms_at(core, i);
            if (terms->service != 0 && terms->number > done && (next == NULL || terms->number < next->number)) {
                next = terms;
            }
        }
        if (next == NULL) {
            return;
        }
        done = next->number;
        struct proto_event event = {.type = PROTO_EV_TERMS, .service = name_str(&service_at(core, next->service)->name)};
        event.u.terms = (struct proto_ev_terms){.terms = next->number,
                                                .tenure = next->tenure,
                                                .policy = next->policy,
                                                .verify = next->verify,
                                                .complete_by_fails = next->complete_by_fails,
                                                .attempts = next->attempts,
                                                .releases_max = next->releases_max,
                                                .accept_by = next->accept_by_us,
                                                .start_by = next->start_by_us,
                                                .attempt_limit = next->attempt_us,
                                                .lease = next->lease_us,
                                                .backoff = next->backoff_us,
                                                .backoff_max = next->backoff_max_us,
                                                .age = next->age_us};
        put(snapshot, &event);
    }
}

static void
put_services(struct snapshot *snapshot)
{
    const struct core *core = snapshot->core;
    for (uint32_t i = 1; i < core->services.used; i++) {
        const struct service *service = service_at(core, i);
        struct proto_event event = {.type = PROTO_EV_SERVICE_STATE, .service = name_str(&service->name)};
        event.u.service_state.paused = service->paused;
        event.u.service_state.draining = service->draining;
        put(snapshot, &event);
    }
}

static void
le64_put(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
}

enum { PIECE = 1000 }; /* entries of an event */

/* In the order in which they were kept; an event for each run of one requester. */
static void
put_keys(struct snapshot *snapshot)
{
    const struct core *core = snapshot->core;
    uint8_t entries[PIECE * KEPT_ENTRY_BYTES];
    uint32_t n = 0;
    for (uint32_t i = core->kept.head; i != 0 && snapshot->fits;) {
        const struct kept_key *kept = kept_key_at(core, i);
        uint8_t *entry = entries + n++ * KEPT_ENTRY_BYTES;
        memcpy(entry, kept->hash, 16);
        memcpy(entry + 16, kept->digest, 16);
        le64_put(entry + 32, kept->request);
        le64_put(entry + 40, (uint64_t)kept->until_us);
        i = kept->next;
        if (n == PIECE || i == 0 || kept_key_at(core, i)->requester != kept->requester) {
            struct proto_event event = {.type = PROTO_EV_KEY_KEPT,
                                        .requester = name_str(&party_at(core, kept->requester)->name)};
            event.u.key_kept.entries = (struct proto_bin){entries, n * KEPT_ENTRY_BYTES};
            put(snapshot, &event);
            n = 0;
        }
    }
}

static void
put_producer(struct snapshot *snapshot, const struct producer *producer)
{
    uint8_t entries[PIECE * 16];
    uint64_t room = producer->room < producer->top ? producer->room : producer->top;
    for (uint64_t first = producer->top - room + 1; first <= producer->top; first += PIECE) {
        uint32_t n = 0;
        for (uint64_t pseq = first; pseq <= producer->top && n < PIECE; pseq++, n++) {
            const struct producer_entry *entry = &producer->entries[pseq % producer->room];
            le64_put(entries + n * 16, entry->digest);
            le64_put(entries + n * 16 + 8, entry->request);
        }
        struct proto_event event = {.type = PROTO_EV_PRODUCER_KEPT,
                                    .requester = name_str(&party_at(snapshot->core, producer->party)->name)};
        event.u.producer_kept = (struct proto_ev_producer_kept){.producer = producer->producer,
                                                                .top = producer->top,
                                                                .used = producer->used_seq,
                                                                .first = first,
                                                                .entries = {entries, n * 16}};
        put(snapshot, &event);
    }
}

/* Each party's from the idlest to the latest, so that the order of their use is kept. */
static void
put_producers(struct snapshot *snapshot)
{
    const struct core *core = snapshot->core;
    for (uint32_t p = 1; p < core->parties.used; p++) {
        for (uint32_t i = party_at(core, p)->producers.head; i != 0; i = producer_at(core, i)->next) {
            put_producer(snapshot, producer_at(core, i));
        }
    }
}

static void
put_marks(struct snapshot *snapshot)
{
    const struct core *core = snapshot->core;
    struct proto_event event = {.type = PROTO_EV_HIGH_WATER};
    event.u.high_water = (struct proto_ev_high_water){
        .request = core->id_last, .top_fence = core->fence_last, .top_terms = core->terms_last, .expired = core->expired_to_us,
        .seq = core->seq};
    put(snapshot, &event);
    struct proto_event loaded = {.type = PROTO_EV_CATALOGUE_LOADED};
    loaded.u.catalogue_loaded.digest = (struct proto_bin){core->catalogue_digest, sizeof core->catalogue_digest};
    put(snapshot, &loaded);
}

bool
core_snapshot(const struct core *core, struct proto_buf *buf, uint32_t *out_count)
{
    struct snapshot snapshot = {.core = core, .buf = buf, .fits = true};
    size_t start = buf->n;
    put_parties(&snapshot);
    put_terms(&snapshot);
    put_services(&snapshot);
    put_keys(&snapshot);
    put_producers(&snapshot);
    put_marks(&snapshot);
    if (!snapshot.fits) {
        proto_buf_cut(buf, start);
        return false;
    }
    *out_count = snapshot.count;
    return true;
}
