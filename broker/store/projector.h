/*
 * The projector: a thread that turns durable events into rows of history, in wide transactions, and gives way to
 * everything else. It never goes beyond what it was told is durable.
 */
#ifndef STORE_PROJECTOR_H
#define STORE_PROJECTOR_H

#include "store/engine.h"
#include "store/history.h"
#include "store/recent.h"

struct projector;

struct projector_figures {
    uint64_t rows, reads_disk, projected_seq, synced_seq;
};

/*
 * Take over the history (closed by projector_stop) and project from its mark on. event_fd is written when projected_seq
 * moved. first_seq: the oldest event of the journal; a history that ends before it has a hole: DAMAGED.
 */
enum store_status projector_start(const struct engine_ops *ops, struct engine *engine, struct recent *recent,
                                  struct history **history_p, uint64_t mark_seq, uint64_t durable_seq,
                                  const struct store_options *options, int event_fd, struct projector **out_projector,
                                  struct store_error *out_error);

/* Wait at most catch_up_us for it to reach what is durable, then move the log into the file and end. */
void projector_stop(struct projector **projector_p, int64_t catch_up_us);

/* Everything up to this is durable. */
void projector_advance(struct projector *projector, uint64_t durable_seq);

/* What history holds, and what of that would outlive a power cut. No locks. */
uint64_t projector_projected(const struct projector *projector);
uint64_t projector_synced(const struct projector *projector);

/* Ask for a synced log soon, so that projector_synced moves although little is written. True later: it was done. */
void projector_sync_soon(struct projector *projector);
bool projector_sync_ended(struct projector *projector);

/* STORE_OK, or why it ended; final. */
enum store_status projector_status(struct projector *projector, struct store_error *out_error);

void projector_figures(struct projector *projector, struct projector_figures *out_figures);

/* One event of the journal: when it ends a request, its row. Used by the rebuild as well. */
struct source;
struct trail;
enum store_status projector_event(struct history *history, struct source *source, struct trail *trail, uint64_t seq,
                                  const uint8_t *p, uint32_t n, uint64_t *rows, struct store_error *out_error);

#endif
