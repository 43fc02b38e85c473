/*
 * The common fields of an event, as far as the store looks at them.
 */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

#include "proto/codec.h"

/* False: the bytes are not exactly one event. Texts point into the bytes. */
bool event_decode(const uint8_t *p, uint32_t n, struct proto_event *out_event);

/* What the store itself goes by. */
struct event_glance {
    uint64_t id;   /* request; 0: none */
    uint64_t prev; /* its event before; 0: none */
    int64_t at_us;
    struct proto_str service, requester, performer; /* in the event's bytes */
    uint32_t status; /* enum proto_status; 0: none */
};

/*
 * The same fields as event_decode would give, several times faster: nothing behind them is looked at. For bytes whose
 * checksum was found right. False: this is not how an event begins.
 */
bool event_look(const uint8_t *p, uint32_t n, struct event_glance *out_glance);

/* The request is over: this is its last event. */
bool event_is_terminal(const struct event_glance *glance);

#endif
