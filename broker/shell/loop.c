/*
 * The loop: read, decide, commit, let go, send; then sleep until something happens.
 */
#include "shell/broker.h"
#include "shell/notify.h"

#include <assert.h>
#include <errno.h>
#include <sysexits.h>
#include <time.h>

enum {
    EVENT_HEAD_BYTES = 4,
    TICKS_PER_STEP_MAX = 64,
};

void
clock_read(struct core_now *out_now)
{
    struct timespec mono, utc;
    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &utc);
    out_now->mono_us = (int64_t)mono.tv_sec * 1000000 + mono.tv_nsec / 1000;
    out_now->utc_us = (int64_t)utc.tv_sec * 1000000 + utc.tv_nsec / 1000;
}

void
broker_fail(struct broker *broker, const struct store_error *error)
{
    if (!broker->failed) {
        log_line(CONFIG_LOG_ERROR, "store-failed", "status=\"%s\" seq=%llu text=\"%s\"", store_status_text(error->status),
                 (unsigned long long)error->seq, error->text);
    }
    broker->failed = true;
    broker->stopping = true;
    broker->exit_code = EX_IOERR;
}

/* Events that were just decided go into the batch that fills. */
static void
events_append(struct broker *broker, struct core_out *out)
{
    uint64_t seq = store_last_seq(broker->store);
    for (size_t at = 0; at < out->events.n;) {
        const uint8_t *head = out->events.p + at;
        uint32_t n = (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 24;
        assert(at + EVENT_HEAD_BYTES + n <= out->events.n);
        enum store_status status = store_append(broker->store, ++seq, head + EVENT_HEAD_BYTES, n);
        if (status != STORE_OK) {
            struct store_error error = {.status = status, .seq = seq, .text = "an event could not be appended"};
            broker_fail(broker, &error);
            return;
        }
        at += EVENT_HEAD_BYTES + n;
    }
    assert(seq == core_seq(broker->core));
    proto_buf_reset(&out->events);
    out->event_count = 0;
}

void
broker_decide(struct broker *broker, const struct core_input *input)
{
    struct core_out *out = &broker->filling->out;
    core_decide(broker->core, broker->now, input, out);
    if (out->events.n > 0) {
        events_append(broker, out);
    }
}

/* True: timers are still due. */
static bool
timers_step(struct broker *broker)
{
    for (uint32_t n = 0; n < TICKS_PER_STEP_MAX; n++) {
        if (broker->failed || store_batch_full(broker->store) ||
            core_next_deadline(broker->core, broker->now) > broker->now.mono_us) {
            return false;
        }
        broker_decide(broker, &(struct core_input){.kind = CORE_TICK});
    }
    return true;
}

static void
stop(struct broker *broker)
{
    notify_send("STOPPING=1");
    if (broker->failed) {
        return; /* in doubt: neither yes nor no leaves (D3) */
    }
    commit_all(broker);
    if (!broker->failed) {
        net_bye_all(broker->net, "the broker stops");
    }
}

int
broker_run(struct broker *broker)
{
    while (!broker->stopping) {
        clock_read(&broker->now);
        bool more = intake_step(broker);
        more = timers_step(broker) || more;
        commit_step(broker);
        more = feed_step(broker) || more;
        ask_step(broker);
        if (broker->failed) {
            break;
        }
        net_flush(broker->net, broker->now.mono_us);
        upkeep_step(broker);
        wait_step(broker, more || broker->ask_count > 0);
    }
    stop(broker);
    return broker->exit_code;
}
