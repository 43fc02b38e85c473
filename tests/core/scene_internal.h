/*
 * What scene.c, scene_peer.c and scene_check.c share.
 */
#ifndef TESTS_CORE_SCENE_INTERNAL_H
#define TESTS_CORE_SCENE_INTERNAL_H

#include "scene.h"

enum { PEERS_MAX = 1024, INBOX_MAX = 4000 };

struct letter {
    struct proto_record record;
    uint8_t *bytes;
    uint32_t place; /* among all that peers got in this scene */
};

struct peer {
    struct scene *scene;
    uint32_t conn;
    uint32_t member;
    uint64_t n; /* of its last record */
    bool open;
    bool closed_by_broker;
    struct letter *inbox;
    uint32_t count;
};

struct line {
    uint64_t seq;
    uint8_t *p;
    uint32_t n;
    enum proto_ev type;
    uint64_t id;
};

struct scene {
    struct core_settings settings;
    struct core *core;
    struct core_out out;
    struct catalogue *catalogue;
    struct core_now now;
    int64_t start_utc_us;
    struct line *journal;
    uint32_t journal_n, journal_cap;
    uint64_t projected;
    uint64_t last_fence;
    struct peer *peers[PEERS_MAX];
    uint32_t peer_count;
    struct peer *operator;
    char trace[65536];
    size_t trace_n;
    uint32_t keys_made;
    uint32_t letters;
};

void scene_step(struct scene *scene, const struct core_input *input);
struct proto_bin journal_at(const struct scene *scene, uint64_t seq);
void decode_event(struct proto_bin bytes, struct proto_event *event);
void scene_render(struct scene *scene, const struct core_effect *effect, struct proto_buf *buf); /* scene_answer.c */
void peer_deliver(struct peer *peer, const uint8_t *p, size_t n);

/* What must hold after every step. */
void scene_check(struct scene *scene);
/* D5: both ways of recovery give the same digest. */
void scene_check_replay(struct scene *scene);

#endif
