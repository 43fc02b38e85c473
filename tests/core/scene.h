/*
 * Scenes: the core in virtual time, with a journal in memory and peers that are played by the test.
 *
 * Everything is durable at once; effects are rendered and decoded as a peer would see them. After each step the scene checks
 * what must always hold (scene_check.c), and at its end it replays its own journal twice - as it is, and as snapshot + open
 * requests + the rest - and compares digests (D5).
 */
#ifndef TESTS_CORE_SCENE_H
#define TESTS_CORE_SCENE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "core/core.h"

#define SECONDS(n) ((int64_t)(n) * 1000000)
#define DAYS(n) ((int64_t)(n) * 24 * 3600 * 1000000)

struct scene;

struct peer; /* a connection */

/* ------------------------------------------------------------- setting up */

/*
 * Services: "leased" (lease 30 s), "owned" (accept 60 s, start 120 s, attempt 600 s), "owned.verified", "near", "cheap" (prices in CNY), "chosen".
 * Attributes: grade, litres, and licence, which the operator must confirm.
 */
struct scene *scene_new(void);
struct scene *scene_new_with(const struct core_settings *settings);
/* Replay and compare; then free. */
void scene_end(struct scene *scene);

struct core *scene_core(struct scene *scene);
struct core_now scene_now(const struct scene *scene);

/* A party with these roles (bits) and services ("" none, else one pattern), and its member "m1". */
void scene_party(struct scene *scene, const char *party, uint32_t roles, const char *services);
void scene_member(struct scene *scene, const char *party, const char *member);
/* Operator-confirmed attributes: a msgpack map. */
void scene_attributes(struct scene *scene, const char *party, struct proto_bin map);

/* Load the catalogue again with the lease of "leased" changed to that many seconds. */
void scene_reload(struct scene *scene, int lease_seconds);

/* A connection of a member. "p1" is member m1 of party p1; "p1/m2" is m2. Parties that are new are made: r* requesters, p* performers of everything. */
struct peer *scene_connect(struct scene *scene, const char *who);
void scene_disconnect(struct scene *scene, struct peer *peer);
bool peer_is_closed(const struct peer *peer);

/* ------------------------------------------------------------- acting */

/* Send a record; n is set by the scene. Returns the number. */
uint64_t scene_send(struct scene *scene, struct peer *peer, struct proto_record *record);
void scene_input(struct scene *scene, const struct core_input *input);

/* Time since the beginning of the scene; timers fire on the way. */
void scene_advance_to(struct scene *scene, int64_t time_us);
void scene_jump_wall_clock(struct scene *scene, int64_t by_us); /* UTC only */
/* History has everything up to now. */
void scene_project(struct scene *scene);
/* The broker stops and starts again: connections are gone, the journal is replayed. Peers must connect anew. */
void scene_restart(struct scene *scene);

/* Short forms. */
uint64_t scene_submit(struct scene *scene, struct peer *requester, const char *service); /* returns the id; asserts acceptance */
void scene_offer(struct scene *scene, struct peer *performer, const char *service, uint32_t capacity);
void scene_credit(struct scene *scene, struct peer *performer, const char *service, uint32_t credit);
struct proto_record scene_record(enum proto_type type);

struct proto_record scene_submission(const char *service); /* with a number of its own, to be changed and sent */
uint64_t scene_submit_record(struct scene *scene, struct peer *requester, struct proto_record *record);

/* ------------------------------------------------------------- what came */

/* The answer to the last record that this peer sent, or an assertion fails. Lives until the scene ends. */
const struct proto_record *peer_answer(struct peer *peer);
const struct proto_record *peer_answer_to(struct peer *peer, uint64_t n);
/* The n-th record of that type that it got (0: first, -1: last); NULL: none. */
const struct proto_record *peer_got(struct peer *peer, enum proto_type type, int nth);
uint32_t peer_count(const struct peer *peer, enum proto_type type);
/* Where the last one of that type stood among the records to all peers. */
uint32_t peer_last_place(const struct peer *peer, enum proto_type type);
void peer_forget(struct peer *peer);

/* Assertions with the file and line of the caller. */
#define peer_expect_receipt(peer, want_status) peer_expect_receipt_(peer, want_status, __FILE__, __LINE__)
#define peer_expect_refusal(peer, want_code) peer_expect_refusal_(peer, want_code, __FILE__, __LINE__)
void peer_expect_receipt_(struct peer *peer, enum proto_status status, const char *file, int line);
void peer_expect_refusal_(struct peer *peer, enum proto_refusal_code code, const char *file, int line);

/* The status of a request as `get` shows it, from the core or from the scene's history. */
enum proto_status scene_status(struct scene *scene, uint64_t id);
#define scene_expect_status(scene, id, status) assert_int_equal(scene_status(scene, id), status)

/* The trace since the last call, line by line. */
#define scene_expect(scene, text) scene_expect_(scene, text, __FILE__, __LINE__)
void scene_expect_(struct scene *scene, const char *text, const char *file, int line);
void scene_forget_trace(struct scene *scene);

/* Journal: events of a kind so far, and the last one decoded. */
uint32_t scene_events(struct scene *scene, enum proto_ev type);
bool scene_last_event(struct scene *scene, enum proto_ev type, struct proto_event *out_event);

/* A task in hand: the last `task` record that a peer got. */
struct hand {
    uint64_t task;
    uint64_t fence;
};
struct hand peer_hand(struct peer *peer);
void scene_complete(struct scene *scene, struct peer *peer, struct hand hand);
void scene_accept(struct scene *scene, struct peer *peer, struct hand hand);
void scene_start(struct scene *scene, struct peer *peer, struct hand hand);
/* The performer offers an owned service, gets the requester's task of it, accepts and starts it. */
struct hand scene_owned_in_progress(struct scene *scene, struct peer *requester, struct peer *performer, const char *service, uint64_t *out_id);
const struct proto_event_record *peer_last_event(struct peer *peer); /* that it was told; none: an assertion fails */
void scene_verify(struct scene *scene, struct peer *peer, struct hand hand, bool agree);
void scene_answer_abort(struct scene *scene, struct peer *performer, struct hand hand, bool agree); /* charge 125 or 70 CNY */
uint64_t scene_send_hand(struct scene *scene, struct peer *performer, enum proto_type type, struct hand hand);
void scene_cancel(struct scene *scene, struct peer *requester, uint64_t id);

/* A request as `get` shows it to a peer, with trail, input and output. */
struct proto_request scene_row(struct scene *scene, struct peer *viewer, uint64_t id);

/* Encoded maps and lists for fields; static, overwritten by the 8th call after. */
struct proto_bin map_of(const char *key, const char *value);
struct proto_bin list_of(const char *a, const char *b);
struct proto_bin require_one(const char *attribute, const char *op, const char *value);

#endif
