/*
 * Recovery: snapshot, open table and the batches after the mark, handed to a callback in order.
 *
 * A second thread reads and checks (checksums and chain cost as much as the rest), the caller's thread applies.
 */
#ifndef STORE_REPLAY_H
#define STORE_REPLAY_H

#include "store/engine.h"

/* `state` is where the journal stood when it was opened. Uses a reader of its own. */
enum store_status replay_run(const struct engine_ops *ops, struct engine *engine, const struct engine_state *state,
                             store_replay_fn *fn, void *context, struct store_error *out_error);

#endif
