/*
 * A scripted broker for tests: a ROUTER in a thread that shows every record to a script and sends what the script puts.
 *
 * Without a script it welcomes, answers pings and remembers the rest. Replies that are put while one frame is handled
 * leave as one frame. Scripts run in the fake's thread, under its lock; tests look at
 * what was remembered through functions that take it. Waiting is waiting for a count, never for a time.
 */
#ifndef QIAO_TEST_FAKE_H
#define QIAO_TEST_FAKE_H

#include <qiao/qiao.h>

#include "proto/codec.h"

enum { FAKE_RECORDS_MAX = 20000 };

struct fake;

/* What was received: the record's bytes and, for convenience, its type and number. */
struct fake_seen {
    enum proto_type type;
    uint64_t n;
    uint32_t frame; /* counted from 1 */
    uint32_t connection;
    uint8_t *bytes;
    size_t bytes_n;
};

/* True: handled. False: the fake does its own thing (welcome, pong). */
typedef bool fake_script(struct fake *fake, const struct proto_record *record, void *user);

struct fake *fake_new(fake_script *script, void *user);
void fake_free(struct fake **fake_p);

/* A context for a client of this fake. */
struct qiao_context fake_context(const struct fake *fake);
struct qiao_client *fake_client(const struct fake *fake, const struct qiao_options *options);

/* For scripts: to the peer whose frame is handled. */
void fake_put(struct fake *fake, const struct proto_record *record);
void fake_receipt(struct fake *fake, uint64_t re, uint64_t id, uint64_t seq);
void fake_refuse(struct fake *fake, uint64_t re, enum proto_refusal_code code, const char *message, const char *path);
void fake_put_bytes(struct fake *fake, const void *bytes, size_t n);
/* Close every connection now; the endpoint is there again at once. Nothing put in this frame leaves. */
void fake_break(struct fake *fake);
uint32_t fake_connection(const struct fake *fake); /* how many hellos were said */

/* For tests. fake_send and fake_restart act on the last peer and wait until it is done. */
void fake_send(struct fake *fake, const struct proto_record *record);
void fake_restart(struct fake *fake);
void fake_script_set(struct fake *fake, fake_script *script, void *user);
void fake_welcome_set(struct fake *fake, uint64_t seq, uint64_t epoch, int64_t heartbeat_us);
void fake_await(struct fake *fake, enum proto_type type, uint32_t count); /* until so many of them came */
uint32_t fake_count(struct fake *fake, enum proto_type type);
/* The index-th of a type, from 0; decoded into *out_record (its texts live as long as the fake). */
struct fake_seen fake_seen_at(struct fake *fake, enum proto_type type, uint32_t index, struct proto_record *out_record);
uint32_t fake_frames(struct fake *fake);

/* The same behind CURVE; its key goes into fake_context. */
struct fake *fake_new_curve(fake_script *script, void *user);

#endif
