/*
 * Looking at the common fields of an event. Knows the codec, and which statuses of a request are final.
 */
#include "store/event.h"

bool
event_decode(const uint8_t *p, uint32_t n, struct proto_event *out_event)
{
    struct proto_error error;
    size_t used;

    return proto_event_decode(p, n, &used, out_event, &error) && used == n;
}

bool
event_is_terminal(const struct proto_event *event)
{
    if (event->id == 0) {
        return false;
    }
    switch (event->status) {
    case PROTO_STATUS_COMPLETED:
    case PROTO_STATUS_FAILED:
    case PROTO_STATUS_CANCELLED:
    case PROTO_STATUS_REJECTED:
    case PROTO_STATUS_ENTERED_IN_ERROR:
        return true;
    default:
        return false;
    }
}
