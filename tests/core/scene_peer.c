/*
 * The peers of a scene: what they send and get; see scene.h.
 */
#include "scene_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/writer.h"

/* ------------------------------------------------------------- parties */

static struct proto_str
str_of(const char *text)
{
    return proto_str_of(text);
}

struct proto_record
scene_record(enum proto_type type)
{
    struct proto_record record;
    proto_record_init(&record, type);
    return record;
}

static void
list_text(struct proto_buf *buf, const char *text)
{
    proto_buf_reset(buf);
    proto_put_list(buf, text[0] != 0);
    if (text[0] != 0) {
        proto_put_str(buf, str_of(text));
    }
}

static void
operate(struct scene *scene, struct proto_record *record)
{
    uint64_t n = scene_send(scene, scene->operator, record);
    const struct proto_record *answer = peer_answer_to(scene->operator, n);
    if (answer->type != PROTO_RECEIPT) {
        fail_msg("refused: %.*s %.*s", PROTO_STR_ARG(answer->u.refusal.path), PROTO_STR_ARG(answer->u.refusal.message));
    }
}

void
scene_party(struct scene *scene, const char *party, uint32_t roles, const char *services)
{
    struct proto_buf role_list, service_list;
    proto_buf_init(&role_list, 256);
    proto_buf_init(&service_list, 256);
    uint32_t count = 0;
    for (unsigned role = 0; role < 4; role++) {
        count += roles >> role & 1;
    }
    proto_put_list(&role_list, count);
    for (unsigned role = 0; role < 4; role++) {
        if (roles >> role & 1) {
            proto_put_str(&role_list, str_of(proto_enum_name(PROTO_ENUM_ROLE, role)));
        }
    }
    list_text(&service_list, services);
    struct proto_record record = scene_record(PROTO_PARTY);
    record.u.party.action = PROTO_PARTY_ACTION_ADD;
    record.u.party.party = str_of(party);
    record.u.party.roles = (struct proto_bin){role_list.p, (uint32_t)role_list.n};
    record.u.party.services = (struct proto_bin){service_list.p, (uint32_t)service_list.n};
    operate(scene, &record);
    proto_buf_fini(&role_list);
    proto_buf_fini(&service_list);
    scene_member(scene, party, "m1");
}

void
scene_member(struct scene *scene, const char *party, const char *member)
{
    uint8_t key[32] = {0};
    uint32_t number = ++scene->keys_made;
    memcpy(key, &number, sizeof number);
    struct proto_record record = scene_record(PROTO_PARTY);
    record.u.party.action = PROTO_PARTY_ACTION_ADD;
    record.u.party.party = str_of(party);
    record.u.party.member = str_of(member);
    record.u.party.key = (struct proto_bin){key, 32};
    operate(scene, &record);
}

void
scene_attributes(struct scene *scene, const char *party, struct proto_bin map)
{
    struct proto_record record = scene_record(PROTO_PARTY);
    record.u.party.action = PROTO_PARTY_ACTION_GRANT;
    record.u.party.party = str_of(party);
    record.u.party.attributes = map;
    operate(scene, &record);
}

/* ------------------------------------------------------------- connections */

static struct core_member_info
member_of(struct scene *scene, const char *party, const char *member)
{
    struct core_member_info info;
    if (!core_member_by_name(scene->core, str_of(party), str_of(member), &info)) {
        struct core_member_info other;
        if (!core_member_by_name(scene->core, str_of(party), str_of("m1"), &other)) {
            bool performs = party[0] == 'p';
            scene_party(scene, party, 1u << (performs ? PROTO_ROLE_PERFORMER : PROTO_ROLE_REQUESTER), performs ? "*" : "");
        }
        if (strcmp(member, "m1") != 0) {
            scene_member(scene, party, member);
        }
        assert_true(core_member_by_name(scene->core, str_of(party), str_of(member), &info));
    }
    return info;
}

struct peer *
scene_connect(struct scene *scene, const char *who)
{
    char party[64];
    snprintf(party, sizeof party, "%s", who);
    char *slash = strchr(party, '/');
    const char *member = "m1";
    if (slash != NULL) {
        *slash = 0;
        member = slash + 1;
    }
    struct core_member_info info = member_of(scene, party, member);
    assert_true(scene->peer_count < PEERS_MAX);
    struct peer *peer = calloc(1, sizeof *peer);
    peer->scene = scene;
    peer->conn = (scene->peer_count + 1) << 16 | scene->peer_count;
    peer->member = info.member;
    peer->open = true;
    peer->inbox = calloc(INBOX_MAX, sizeof *peer->inbox);
    scene->peers[scene->peer_count++] = peer;
    struct core_input input = {.kind = CORE_CONNECTED, .conn = peer->conn, .member = peer->member};
    scene_step(scene, &input);
    return peer;
}

void
scene_disconnect(struct scene *scene, struct peer *peer)
{
    struct core_input input = {.kind = CORE_DISCONNECTED, .conn = peer->conn};
    peer->open = false;
    scene_step(scene, &input);
}

bool
peer_is_closed(const struct peer *peer)
{
    return peer->closed_by_broker;
}

uint64_t
scene_send(struct scene *scene, struct peer *peer, struct proto_record *record)
{
    record->n = ++peer->n;
    /* As it would come over the wire. */
    struct proto_buf buf;
    proto_buf_init(&buf, 1u << 20);
    struct proto_record read;
    struct proto_error error;
    size_t used;
    assert_true(proto_encode(&buf, record));
    assert_true(proto_decode(buf.p, buf.n, &used, &read, &error));
    struct core_input input = {.kind = CORE_RECORD, .conn = peer->conn, .member = peer->member, .record = &read};
    scene_step(scene, &input);
    proto_buf_fini(&buf);
    return record->n;
}

/* ------------------------------------------------------------- inbox */

void
peer_deliver(struct peer *peer, const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n);
    memcpy(copy, p, n);
    for (size_t at = 0; at < n;) {
        struct letter *letter = &peer->inbox[peer->count++];
        assert_true(peer->count < INBOX_MAX);
        struct proto_error error;
        size_t used;
        if (!proto_decode(copy + at, n - at, &used, &letter->record, &error)) {
            fail_msg("the broker sends what does not decode: %s: %s", error.path, error.why);
        }
        letter->bytes = at == 0 ? copy : NULL;
        letter->place = peer->scene->letters++;
        at += used;
    }
    if (n == 0) {
        free(copy);
    }
}

void
peer_forget(struct peer *peer)
{
    for (uint32_t i = 0; i < peer->count; i++) {
        free(peer->inbox[i].bytes);
    }
    peer->count = 0;
}

const struct proto_record *
peer_answer_to(struct peer *peer, uint64_t n)
{
    for (uint32_t i = 0; i < peer->count; i++) {
        const struct proto_record *record = &peer->inbox[i].record;
        if (record->re == n && record->type != PROTO_EVENT) {
            return record;
        }
    }
    fail_msg("no answer to %llu", (unsigned long long)n);
    return NULL;
}

const struct proto_record *
peer_answer(struct peer *peer)
{
    return peer_answer_to(peer, peer->n);
}

const struct proto_record *
peer_got(struct peer *peer, enum proto_type type, int nth)
{
    const struct proto_record *last = NULL;
    bool wants_last = nth < 0;
    for (uint32_t i = 0; i < peer->count; i++) {
        const struct proto_record *record = &peer->inbox[i].record;
        if (record->type == type) {
            if (nth-- == 0) {
                return record;
            }
            last = record;
        }
    }
    return wants_last ? last : NULL;
}

uint32_t
peer_last_place(const struct peer *peer, enum proto_type type)
{
    uint32_t i = peer->count;
    while (i > 0 && peer->inbox[i - 1].record.type != type) {
        i--;
    }
    assert_int_not_equal(i, 0);
    return peer->inbox[i - 1].place;
}

uint32_t
peer_count(const struct peer *peer, enum proto_type type)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < peer->count; i++) {
        n += peer->inbox[i].record.type == type;
    }
    return n;
}

void
peer_expect_receipt_(struct peer *peer, enum proto_status status, const char *file, int line)
{
    const struct proto_record *answer = peer_answer(peer);
    if (answer->type != PROTO_RECEIPT) {
        print_error("refused: %s %.*s: %.*s\n", proto_enum_name(PROTO_ENUM_REFUSAL_CODE, answer->u.refusal.code),
                    PROTO_STR_ARG(answer->u.refusal.path), PROTO_STR_ARG(answer->u.refusal.message));
        _fail(file, line);
    }
    _assert_int_equal(answer->u.receipt.status, status, file, line);
}

void
peer_expect_refusal_(struct peer *peer, enum proto_refusal_code code, const char *file, int line)
{
    const struct proto_record *answer = peer_answer(peer);
    _assert_int_equal(answer->type, PROTO_REFUSAL, file, line);
    _assert_int_equal(answer->u.refusal.code, code, file, line);
}
