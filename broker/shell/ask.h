/*
 * Inside the shell: what the questions to the store share.
 */
#ifndef SHELL_ASK_H
#define SHELL_ASK_H

#include "shell/broker.h"

/* Events of one request; their bytes lie in broker->trail. */
struct trail {
    struct proto_bin events[CORE_DETAIL_EVENTS_MAX];
    size_t offsets[CORE_DETAIL_EVENTS_MAX];
    uint64_t seqs[CORE_DETAIL_EVENTS_MAX];
    uint32_t count;
};

bool ask_trail_add(struct broker *broker, struct trail *trail, uint64_t seq, const uint8_t *p, uint32_t n);
/* After the last one: now their pointers hold. */
void ask_trail_settle(struct broker *broker, struct trail *trail);

void ask_store_refuse(struct broker *broker, const struct core_effect *effect, const char *what, enum store_status status,
                      const struct store_error *error);
void ask_render_send(struct broker *broker, const struct core_effect *effect, bool rendered);

/* ---- ask_list.c */

/* The core's rows, as many as come within the time. True: all are there, and the page has left. */
bool ask_list_answer(struct broker *broker, struct ask *ask, struct trail *trail, int64_t until_us);
void ask_history_answer(struct broker *broker, const struct core_effect *effect, const struct core_query *query);

#endif
