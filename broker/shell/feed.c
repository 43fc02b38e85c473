/*
 * Watches that catch up: older events are read from the journal in portions, so that a slow or a long watch delays nobody.
 *
 * A watch that has caught up goes on by itself, from the core's own decisions.
 */
#include "shell/broker.h"

enum {
    FEED_EVENTS_PER_STEP = 512, /* of all watches together */
    FEED_EVENTS_PER_TURN = 64,  /* of one of them */
    FEED_ROOM_MIN = 4 << 20,    /* free bytes that a connection's outbox must have */
};

void
feed_push(struct broker *broker, const struct core_effect *effect)
{
    for (uint32_t i = 0; i < broker->feed_count; i++) {
        if (broker->feeds[i].watch == effect->watch) {
            broker->feeds[i].conn = effect->conn;
            return;
        }
    }
    if (broker->feed_count == FEEDS_MAX) {
        leave_refusal(broker, effect->conn, effect->re, PROTO_REFUSAL_CODE_RETRY_LATER, "", "too many watches catch up");
        return;
    }
    broker->feeds[broker->feed_count++] = (struct feed){.watch = effect->watch, .conn = effect->conn};
}

/* The next event at or after seq that can be read; false: there is none, or it cannot be read now. */
static bool
event_seek(struct broker *broker, uint64_t *seq, struct proto_bin *out_event)
{
    struct store_error error;
    while (*seq <= store_last_seq(broker->store)) {
        enum store_status status = store_read(broker->store, *seq, &out_event->p, &out_event->n, &error);
        if (status == STORE_OK) {
            return true;
        }
        uint64_t first = store_first_seq(broker->store);
        if (status != STORE_PRUNED || first <= *seq) {
            log_line(CONFIG_LOG_ERROR, "watch-unreadable", "seq=%llu status=\"%s\" text=\"%s\"", (unsigned long long)*seq,
                     store_status_text(status), error.text);
            return false;
        }
        *seq = first;
    }
    return false;
}

enum turn { TURN_MORE, TURN_OVER };

static enum turn
feed_turn(struct broker *broker, const struct feed *feed, uint32_t *budget)
{
    uint64_t seq = core_watch_next(broker->core, feed->watch);
    if (seq == 0) {
        return TURN_OVER;
    }
    if (net_room(broker->net, feed->conn) < FEED_ROOM_MIN) {
        return net_room(broker->net, feed->conn) == 0 ? TURN_OVER : TURN_MORE;
    }
    for (uint32_t n = 0; n < FEED_EVENTS_PER_TURN && *budget > 0; n++, seq++) {
        struct proto_bin event;
        if (!event_seek(broker, &seq, &event)) {
            return TURN_OVER;
        }
        (*budget)--;
        if (core_watch_feed(broker->core, feed->watch, seq, event, &broker->filling->out) != CORE_FEED_MORE) {
            return TURN_OVER;
        }
    }
    return TURN_MORE;
}

bool
feed_step(struct broker *broker)
{
    uint32_t budget = FEED_EVENTS_PER_STEP, before = budget;
    for (uint32_t turns = broker->feed_count; turns > 0 && broker->feed_count > 0 && budget > 0; turns--) {
        uint32_t at = broker->feed_next++ % broker->feed_count;
        if (feed_turn(broker, &broker->feeds[at], &budget) == TURN_OVER) {
            broker->feeds[at] = broker->feeds[--broker->feed_count];
        }
    }
    return budget < before;
}
