/*
 * party and enrol: who may take part, with which keys.
 *
 * A party's fact is its whole state, so that the last one counts and a snapshot can repeat it.
 */
#include "core/handlers.h"
#include "core/offer.h"
#include "core/party.h"
#include "core/recall.h"

#include "proto/writer.h"

enum { MEMBER_KEYS_MAX = 8, LIST_BYTES = 8192 };

/* ------------------------------------------------------------- facts */

/* A party's state as a fact; the caller changes what is new. `roles` needs room for the encoded list. */
static void
party_fact(struct turn *turn, struct proto_event *event, uint32_t item, struct proto_buf *roles)
{
    const struct party *party = party_at(turn->core, item);
    event_begin(turn, event, PROTO_EV_PARTY, 0);
    event->message = turn->record->type == PROTO_PARTY ? turn->record->u.party.message : (struct proto_str){0};
    struct proto_ev_party *fact = &event->u.party;
    fact->name = name_str(&party->name);
    fact->title = (struct proto_str){party->title, party->title_n};
    fact->services = (struct proto_bin){party->services, party->services_n};
    fact->attributes = (struct proto_bin){party->attributes, party->attributes_n};
    fact->quota = party->quota;
    fact->paused = party->paused;
    fact->draining = party->draining;
    fact->revoked = party->revoked;
    roles_encode(party->roles, roles);
    fact->roles = (struct proto_bin){roles->p, (uint32_t)roles->n};
}

void
party_state_change(struct turn *turn, uint32_t item, bool paused, bool draining, struct proto_str message)
{
    struct proto_event event;
    struct proto_buf roles;
    proto_buf_init(&roles, LIST_BYTES);
    party_fact(turn, &event, item, &roles);
    event.message = message;
    event.u.party.paused = paused;
    event.u.party.draining = draining;
    event_commit(turn, &event, 0);
    proto_buf_fini(&roles);
}

static void
member_fact(struct turn *turn, uint32_t party, struct proto_str name, struct proto_bin key, enum core_member_state state,
            int64_t expires_us)
{
    struct proto_event event;
    event_begin(turn, &event, PROTO_EV_MEMBER, 0);
    event.u.member.of = name_str(&party_at(turn->core, party)->name);
    event.u.member.name = name;
    event.u.member.key = key;
    event.u.member.state = state;
    event.u.member.expires = expires_us;
    event_commit(turn, &event, 0);
}

/* ------------------------------------------------------------- checks */

static bool
strings_are(struct proto_bin list, bool (*is)(struct proto_str))
{
    struct proto_iter it = proto_iter_of(list);
    struct proto_str text;
    while (proto_iter_str(&it, &text)) {
        if (!is(text)) {
            return false;
        }
    }
    return true;
}

static bool
is_role(struct proto_str text)
{
    unsigned role;
    return proto_enum_number(PROTO_ENUM_ROLE, text.p, text.n, &role);
}

static bool
is_pattern(struct proto_str text)
{
    return service_name_valid(text, true);
}

/* Names of parties and members: what can stand in a file name and in a log line. */
static bool
is_name(struct proto_str text)
{
    for (uint32_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (i == 0 || (c != '-' && c != '_' && c != '.' && c != '@'))) {
            return false;
        }
    }
    return text.n > 0;
}

static bool
refuse_invalid(struct turn *turn, const char *path, const char *message)
{
    answer_refusal(turn, PROTO_REFUSAL_CODE_INVALID, path, message);
    return false;
}

static bool
party_record_check(struct turn *turn)
{
    const struct proto_party *record = &turn->record->u.party;
    struct input_fault fault;
    if (!is_name(record->party)) {
        return refuse_invalid(turn, "party", "letters, digits, and after the first . - _ @");
    }
    if (record->member.n > 0 && !is_name(record->member)) {
        return refuse_invalid(turn, "member", "letters, digits, and after the first . - _ @");
    }
    if (!strings_are(record->roles, is_role)) {
        return refuse_invalid(turn, "roles", "requester, performer, operator or observer");
    }
    if (!strings_are(record->services, is_pattern)) {
        return refuse_invalid(turn, "services", "service names, or prefix.*");
    }
    if (record->key.n != 0 && record->key.n != 32) {
        return refuse_invalid(turn, "key", "32 bytes");
    }
    if (record->attributes.n > 0 && !attribute_map_check(record->attributes, &fault)) {
        answer_invalid(turn, &fault);
        return false;
    }
    return true;
}

/* A key that stands for somebody already cannot stand for somebody else. */
static bool
key_is_free(struct turn *turn, struct proto_bin key)
{
    if (key.n != 32) {
        return refuse_invalid(turn, "key", "32 bytes are needed");
    }
    if (member_find_key(turn->core, key.p) != 0) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_CONFLICT, "key", "this key is taken");
        return false;
    }
    if (turn->core->members.count >= turn->core->settings.members_max) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_QUOTA, "key", "as many keys as there may be");
        return false;
    }
    return true;
}

/* ------------------------------------------------------------- add, invite, grant, quota */

/* The fields of the record that are there replace what was. */
static void
party_write(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    const struct proto_party *record = &turn->record->u.party;
    struct proto_event event;
    struct proto_buf roles;
    proto_buf_init(&roles, LIST_BYTES);
    if (item != 0) {
        party_fact(turn, &event, item, &roles);
    } else {
        event_begin(turn, &event, PROTO_EV_PARTY, 0);
        event.message = record->message;
        event.u.party.name = record->party;
        roles_encode(1u << PROTO_ROLE_REQUESTER, &roles);
        event.u.party.roles = (struct proto_bin){roles.p, (uint32_t)roles.n};
    }
    event.u.party.action = record->action;
    event.u.party.title = record->title.n > 0 ? record->title : event.u.party.title;
    event.u.party.roles = record->roles.n > 0 ? record->roles : event.u.party.roles;
    event.u.party.services = record->services.n > 0 ? record->services : event.u.party.services;
    event.u.party.attributes = record->attributes.n > 0 ? record->attributes : event.u.party.attributes;
    event.u.party.quota = PROTO_HAS(record, PARTY, QUOTA) ? record->quota : event.u.party.quota;
    event_commit(turn, &event, 0);
    proto_buf_fini(&roles);
    party_offers_cover(core, party_find(core, record->party));
}

static void
party_add(struct turn *turn, uint32_t item, bool invite)
{
    struct core *core = turn->core;
    const struct proto_party *record = &turn->record->u.party;
    bool member = record->member.n > 0 || record->key.n > 0 || invite;
    if (item != 0 && !member) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_CONFLICT, "party", "this party is there already");
        return;
    }
    if (item == 0 && invite) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_NOT_FOUND, "party", "no such party");
        return;
    }
    if (item == 0 && core->parties.count >= core->settings.parties_max) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_QUOTA, "party", "as many parties as there may be");
        return;
    }
    if (member && (record->member.n == 0 ? !refuse_invalid(turn, "member", "a name is needed") : !key_is_free(turn, record->key))) {
        return;
    }
    if (item == 0) {
        party_write(turn, 0);
        item = party_find(core, record->party);
    }
    if (member) {
        member_fact(turn, item, record->member, record->key, invite ? CORE_MEMBER_INVITED : CORE_MEMBER_ACTIVE,
                    invite ? record->expires : 0);
    }
    answer_receipt(turn, 0, 0);
}

/* ------------------------------------------------------------- revoke */

static void
member_revoke(struct turn *turn, uint32_t row)
{
    struct core *core = turn->core;
    const struct member *member = member_at(core, row);
    struct name name = member->name;
    member_fact(turn, member->party, name_str(&name), (struct proto_bin){member->key, 32}, CORE_MEMBER_REVOKED, 0);
    connections_close(turn, row, 0);
}

static void
members_revoke(struct turn *turn, uint32_t party)
{
    struct core *core = turn->core;
    const struct proto_party *record = &turn->record->u.party;
    uint32_t found = 0;
    for (uint32_t i = party_at(core, party)->members; i != 0; i = member_at(core, i)->next) {
        const struct member *member = member_at(core, i);
        bool named = record->key.n > 0 ? memcmp(member->key, record->key.p, 32) == 0
                                       : proto_str_eq(name_str(&member->name), record->member);
        if (named) {
            found++;
            if (member->state != CORE_MEMBER_REVOKED) {
                member_revoke(turn, i);
            }
        }
    }
    if (found == 0) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_NOT_FOUND, record->key.n > 0 ? "key" : "member", "no such member of this party");
    } else {
        answer_receipt(turn, 0, 0);
    }
}

static bool
list_holds(struct proto_bin list, struct proto_str text)
{
    struct proto_iter it = proto_iter_of(list);
    struct proto_str one;
    while (proto_iter_str(&it, &one)) {
        if (proto_str_eq(one, text)) {
            return true;
        }
    }
    return false;
}

static void
services_revoke(struct turn *turn, uint32_t item)
{
    struct core *core = turn->core;
    const struct party *party = party_at(core, item);
    struct proto_bin had = {party->services, party->services_n};
    struct proto_buf roles, left;
    proto_buf_init(&roles, LIST_BYTES);
    proto_buf_init(&left, LIST_BYTES);
    uint32_t count = 0;
    struct proto_str one;
    for (struct proto_iter it = proto_iter_of(had); proto_iter_str(&it, &one);) {
        count += !list_holds(turn->record->u.party.services, one);
    }
    proto_put_list(&left, count);
    for (struct proto_iter it = proto_iter_of(had); proto_iter_str(&it, &one);) {
        if (!list_holds(turn->record->u.party.services, one)) {
            proto_put_str(&left, one);
        }
    }
    struct proto_event event;
    party_fact(turn, &event, item, &roles);
    event.u.party.action = PROTO_PARTY_ACTION_REVOKE;
    event.u.party.services = (struct proto_bin){left.p, (uint32_t)left.n};
    event_commit(turn, &event, 0);
    proto_buf_fini(&roles);
    proto_buf_fini(&left);
    party_offers_cover(core, item);
    recall_start(core, item);
    answer_receipt(turn, 0, 0);
}

static void
party_revoke(struct turn *turn, uint32_t item)
{
    struct proto_event event;
    struct proto_buf roles;
    proto_buf_init(&roles, LIST_BYTES);
    party_fact(turn, &event, item, &roles);
    event.u.party.action = PROTO_PARTY_ACTION_REVOKE;
    event.u.party.revoked = true;
    event_commit(turn, &event, 0);
    proto_buf_fini(&roles);
    answer_receipt(turn, 0, 0);
    connections_close(turn, 0, item);
    recall_start(turn->core, item);
}

static void
on_party_revoke(struct turn *turn, uint32_t item)
{
    const struct proto_party *record = &turn->record->u.party;
    if (record->member.n > 0 || record->key.n > 0) {
        members_revoke(turn, item);
    } else if (record->services.n > 0) {
        services_revoke(turn, item);
    } else if (item == turn->party) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_CONFLICT, "party", "an operator cannot revoke its own party");
    } else {
        party_revoke(turn, item);
    }
}

void
on_party(struct turn *turn)
{
    const struct proto_party *record = &turn->record->u.party;
    if (record->action == PROTO_PARTY_ACTION_LIST) {
        party_list(turn);
        return;
    }
    if (!party_record_check(turn)) {
        return;
    }
    uint32_t item = party_find(turn->core, record->party);
    if (record->action == PROTO_PARTY_ACTION_ADD || record->action == PROTO_PARTY_ACTION_INVITE) {
        party_add(turn, item, record->action == PROTO_PARTY_ACTION_INVITE);
    } else if (item == 0) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_NOT_FOUND, "party", "no such party");
    } else if (record->action == PROTO_PARTY_ACTION_REVOKE) {
        on_party_revoke(turn, item);
    } else {
        party_write(turn, item);
        answer_receipt(turn, 0, 0);
    }
}

/* ------------------------------------------------------------- enrol */

static uint32_t
keys_of_member(const struct core *core, uint32_t party, struct proto_str name)
{
    uint32_t n = 0;
    for (uint32_t i = party_at(core, party)->members; i != 0; i = member_at(core, i)->next) {
        const struct member *member = member_at(core, i);
        n += member->state == CORE_MEMBER_ACTIVE && proto_str_eq(name_str(&member->name), name);
    }
    return n;
}

void
on_enrol(struct turn *turn)
{
    struct core *core = turn->core;
    const struct proto_enrol *record = &turn->record->u.enrol;
    const struct member *self = member_at(core, turn->member);
    bool invited = self->state == CORE_MEMBER_INVITED;
    struct name name = self->name;
    if (record->member.n > 0 && !proto_str_eq(record->member, name_str(&name))) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_FORBIDDEN, "member", "a key enrols its own member only");
        return;
    }
    if (!key_is_free(turn, record->key)) {
        return;
    }
    if (keys_of_member(core, turn->party, name_str(&name)) >= MEMBER_KEYS_MAX) {
        answer_refusal(turn, PROTO_REFUSAL_CODE_QUOTA, "key", "as many keys as a member may have");
        return;
    }
    member_fact(turn, turn->party, name_str(&name), record->key, CORE_MEMBER_ACTIVE, 0);
    if (invited) {
        /* One time only. */
        uint8_t used[32];
        memcpy(used, self->key, sizeof used);
        member_fact(turn, turn->party, name_str(&name), (struct proto_bin){used, 32}, CORE_MEMBER_REVOKED, 0);
    }
    answer_receipt(turn, 0, 0);
}

/* ------------------------------------------------------------- the first operator */

void
on_bootstrap(struct turn *turn, const struct core_bootstrap *first)
{
    struct core *core = turn->core;
    if (core_has_operator(core)) {
        return;
    }
    struct proto_buf roles, services;
    proto_buf_init(&roles, LIST_BYTES);
    proto_buf_init(&services, LIST_BYTES);
    uint32_t bits = 1u << PROTO_ROLE_OPERATOR;
    if (first->plain_requester_performer) {
        bits |= 1u << PROTO_ROLE_REQUESTER | 1u << PROTO_ROLE_PERFORMER;
        proto_put_list(&services, 1);
        proto_put_str(&services, PROTO_STR("*"));
    }
    roles_encode(bits, &roles);
    struct proto_event event;
    event_begin_broker(turn, &event, PROTO_EV_PARTY, 0);
    event.u.party = (struct proto_ev_party){.name = first->party,
                                            .title = first->title,
                                            .roles = {roles.p, (uint32_t)roles.n},
                                            .services = {services.p, (uint32_t)services.n},
                                            .action = PROTO_PARTY_ACTION_ADD};
    event_commit(turn, &event, 0);
    member_fact(turn, party_find(core, first->party), first->member, (struct proto_bin){first->key, 32}, CORE_MEMBER_ACTIVE, 0);
    proto_buf_fini(&roles);
    proto_buf_fini(&services);
}
