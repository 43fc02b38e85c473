/* What broker_world.c and its parts share: the world's own state. */
#ifndef TEST_FUZZ_WORLD_INTERNAL_H
#define TEST_FUZZ_WORLD_INTERNAL_H

#include "broker_world.h"
#include "fuzz.h"

enum { KNOWN_MAX = 64 };

struct line {
    uint64_t id;
    uint64_t at; /* in journal.p */
    uint32_t n;
    bool terminal;
};

struct hand {
    uint64_t task;
    uint64_t fence;
};

struct connection_seen {
    uint32_t handle; /* 0: not connected */
    unsigned key;
    uint16_t generation;
};

struct world {
    struct core_settings settings;
    struct core *core;
    struct core_now now;
    struct core_out out;
    uint32_t taken; /* bytes of out.events that are in the journal */
    uint32_t left;  /* effects of out that have left */
    struct catalogue *catalogues[WORLD_CATALOGUES];
    unsigned catalogue;
    uint32_t pressure;
    struct proto_buf journal;
    struct line *lines;
    uint64_t last; /* sequence; lines[seq - 1] */
    uint64_t lines_cap;
    uint64_t projected;
    struct connection_seen connections[WORLD_CONNECTIONS];
    uint64_t ids[KNOWN_MAX]; /* of the newest requests */
    struct hand hands[KNOWN_MAX]; /* newest assignments */
    uint64_t id_count, hand_count;
    struct proto_buf render, scratch;
};

void world_decide(struct world *world, const struct core_input *input);

/* world_leave.c: every effect rendered, and what comes out decoded. */
void world_leave(struct world *world);
void world_record_refused(struct world *world, uint64_t re, const struct proto_error *error);

/* world_name.c: small numbers in ids, fences and times mean what the world has seen. */
void world_name(struct world *world, struct proto_record *record);

#endif
