/*
 * What is done now and then: pressure, the mark, the watchdog, a catalogue that changed.
 */
#include "shell/broker.h"

#include "shell/catalogue_load.h"
#include "shell/notify.h"

#include <stdio.h>

enum { UPKEEP_US = 100000 };

int64_t
upkeep_deadline(const struct broker *broker)
{
    return broker->upkeep_at_us;
}

void
upkeep_projected(struct broker *broker)
{
    uint64_t seq = 0;
    store_projected(broker->store, &seq);
    if (seq > broker->projected) {
        broker->projected = seq;
        broker_decide(broker, &(struct core_input){.kind = CORE_PROJECTED, .seq = seq});
    }
}

static void
pressure_tell(struct broker *broker)
{
    uint32_t pressure = store_history_slow(broker->store) ? CORE_PRESSURE_HISTORY : 0;
    pressure |= store_disk_high(broker->store) ? CORE_PRESSURE_DISK : 0;
    if (pressure != broker->pressure) {
        log_line(CONFIG_LOG_WARNING, "pressure", "history=%d disk=%d", (pressure & CORE_PRESSURE_HISTORY) != 0,
                 (pressure & CORE_PRESSURE_DISK) != 0);
        broker->pressure = pressure;
        broker_decide(broker, &(struct core_input){.kind = CORE_PRESSURE, .pressure = pressure});
    }
}

static void
mark_move(struct broker *broker)
{
    if (!store_mark_due(broker->store)) {
        return;
    }
    uint32_t count = 0;
    proto_buf_reset(&broker->snapshot);
    if (!core_snapshot(broker->core, &broker->snapshot, &count)) {
        log_line(CONFIG_LOG_ERROR, "snapshot", "text=\"no room for a snapshot; the journal is not shortened\"");
        return;
    }
    enum store_status status = store_mark_advance(broker->store, broker->snapshot.p, broker->snapshot.n, store_last_seq(broker->store));
    log_line(CONFIG_LOG_DEBUG, "mark", "status=\"%s\" snapshot_events=%u snapshot_bytes=%zu", store_status_text(status), count,
             broker->snapshot.n);
}

void
upkeep_step(struct broker *broker)
{
    if (broker->now.mono_us < broker->upkeep_at_us || broker->failed) {
        return;
    }
    broker->upkeep_at_us = broker->now.mono_us + UPKEEP_US;
    pressure_tell(broker);
    mark_move(broker);
    if (broker->watchdog_us > 0 && broker->now.mono_us >= broker->watchdog_at_us) {
        broker->watchdog_at_us = broker->now.mono_us + broker->watchdog_us;
        notify_send("WATCHDOG=1");
    }
}

bool
upkeep_reload(struct broker *broker, char error[BROKER_ERROR_BYTES])
{
    struct catalogue *catalogue = NULL;
    struct load_error load_error;
    if (!catalogue_load(broker->config.catalogue, broker->config.input_bytes_max, broker->config.body_bytes_max, &catalogue,
                        &load_error)) {
        load_error_text(&load_error, error, BROKER_ERROR_BYTES);
        log_line(CONFIG_LOG_ERROR, "catalogue-refused", "text=\"%s\" kept=old", error);
        return false;
    }
    struct core_out *out = &broker->filling->out;
    out->refused = NULL;
    broker_decide(broker, &(struct core_input){.kind = CORE_CATALOGUE, .catalogue = catalogue});
    catalogue_unref(&catalogue);
    if (out->refused) {
        snprintf(error, BROKER_ERROR_BYTES, "%s", out->refused);
        log_line(CONFIG_LOG_ERROR, "catalogue-refused", "text=\"%s\" kept=old", out->refused);
        return false;
    }
    log_line(CONFIG_LOG_INFO, "catalogue-loaded", "path=\"%s\"", broker->config.catalogue);
    return true;
}
