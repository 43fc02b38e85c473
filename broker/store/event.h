/*
 * The common fields of an event, as far as the store looks at them.
 */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

#include "proto/codec.h"

/* False: the bytes are not exactly one event. Texts point into the bytes. */
bool event_decode(const uint8_t *p, uint32_t n, struct proto_event *out_event);

/* The request is over: this is its last event. */
bool event_is_terminal(const struct proto_event *event);

#endif
