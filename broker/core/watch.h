/*
 * Watches: streams of events to connections. Live ones are fed here as facts are made; others read from the journal.
 */
#ifndef CORE_WATCH_H
#define CORE_WATCH_H

#include "core/event.h"

void watch_publish(struct turn *turn, uint64_t seq, const struct proto_event *event, const struct request *request);

/* End all of a connection's. */
void watch_end_all(struct core *core, struct connection *connection);

/* More credit for the watch with this number; false: there is none. */
bool watch_credit(struct turn *turn, struct connection *connection, uint64_t re, uint32_t credit);

#endif
