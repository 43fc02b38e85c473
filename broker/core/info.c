/*
 * What the rest of the daemon asks of the core: members, names, figures; see core.h.
 */
#include "core/party.h"
#include "core/request.h"

static bool
member_counts(const struct core *core, uint32_t item, int64_t utc_us)
{
    const struct member *member = member_at(core, item);
    bool expired = member->expires_us != 0 && member->expires_us <= utc_us;
    return member->state != CORE_MEMBER_REVOKED && !expired && !party_at(core, member->party)->revoked;
}

bool
core_member_info(const struct core *core, uint32_t item, struct core_member_info *out_info)
{
    if (item == 0 || item >= core->members.used) {
        return false;
    }
    const struct member *member = member_at(core, item);
    const struct party *party = party_at(core, member->party);
    *out_info = (struct core_member_info){.member = item,
                                          .party = member->party,
                                          .party_name = name_str(&party->name),
                                          .member_name = name_str(&member->name),
                                          .state = member->state,
                                          .roles = party->roles,
                                          .expires_us = member->expires_us};
    return true;
}

bool
core_member_by_key(const struct core *core, const uint8_t key[32], int64_t utc_us, struct core_member_info *out_info)
{
    uint32_t item = member_find_key(core, key);
    return item != 0 && member_counts(core, item, utc_us) && core_member_info(core, item, out_info);
}

bool
core_member_by_name(const struct core *core, struct proto_str party, struct proto_str member,
                    struct core_member_info *out_info)
{
    uint32_t of = party_find(core, party);
    uint32_t item = of == 0 ? 0 : member_find_name(core, of, member);
    return item != 0 && core_member_info(core, item, out_info);
}

struct proto_str
core_party_name(const struct core *core, uint32_t party)
{
    return party == 0 || party >= core->parties.used ? (struct proto_str){"", 0} : name_str(&party_at(core, party)->name);
}

bool
core_has_operator(const struct core *core)
{
    for (uint32_t i = 1; i < core->members.used; i++) {
        const struct member *member = member_at(core, i);
        const struct party *party = party_at(core, member->party);
        if (member->state == CORE_MEMBER_ACTIVE && !party->revoked && party_has_role(party, PROTO_ROLE_OPERATOR)) {
            return true;
        }
    }
    return false;
}

static uint64_t
core_bytes(const struct core *core)
{
    const struct pool *pools[] = {&core->parties,  &core->members,   &core->services, &core->terms,     &core->groups,
                                  &core->flows,    &core->shares,    &core->requests, &core->keys,      &core->producers,
                                  &core->offers,   &core->providers, &core->watches,  &core->texts};
    const struct index *indexes[] = {&core->party_by_name,   &core->member_by_key,    &core->member_by_name,
                                     &core->service_by_name, &core->terms_by_number,  &core->group_by_key,
                                     &core->flow_by_pair,    &core->share_by_pair,    &core->request_by_id,
                                     &core->key_by_hash,     &core->producer_by_pair, &core->provider_by_pair,
                                     &core->text_by_name};
    uint64_t bytes = sizeof *core + core->settings.connections_max * sizeof *core->connections;
    for (unsigned i = 0; i < sizeof pools / sizeof *pools; i++) {
        bytes += pool_bytes(pools[i]);
    }
    for (unsigned i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        bytes += index_bytes(indexes[i]);
    }
    for (unsigned clock = 0; clock < CLOCKS; clock++) {
        bytes += core->timers[clock].cap * sizeof *core->timers[clock].heap;
    }
    for (uint32_t i = 1; i < core->producers.used; i++) {
        const struct producer *producer = producer_at(core, i);
        bytes += producer->entries != NULL ? producer->room * sizeof *producer->entries : 0;
    }
    return bytes;
}

void
core_stats(const struct core *core, struct core_stats *out_stats)
{
    *out_stats = core->stats;
    for (uint32_t i = 1; i < core->services.used; i++) {
        const struct service *service = service_at(core, i);
        out_stats->waiting += service->waiting;
        out_stats->running += service->running;
    }
    out_stats->held = core->by_status[PROTO_STATUS_ON_HOLD];
    out_stats->finished_kept = core->finished.count;
    out_stats->open = requests_open(core);
    out_stats->offers = core->offers.count;
    out_stats->watches = core->watches.count;
    out_stats->groups = core->groups.count - core->idle_groups.count;
    out_stats->parties = core->parties.count;
    out_stats->kept_keys = core->keys.count;
    out_stats->producers = core->producers.count;
    out_stats->bytes = core_bytes(core);
}
