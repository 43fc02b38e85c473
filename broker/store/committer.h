/*
 * The committer: all that writes the journal, one after the other. Its thread takes whole batches from the shell's thread, and
 * steps of the mark from the compactor; a batch always goes first. A small batch may be written by the shell's thread itself.
 *
 * It seals a batch (checksums, packing, chain) before it writes it. The first error is final: nothing is written after it.
 * It knows nothing of caches, history or the batch that fills.
 */
#ifndef STORE_COMMITTER_H
#define STORE_COMMITTER_H

#include "store/engine.h"

struct committer;

struct committer_figures {
    uint64_t batches, steps, commit_us_total, commit_us_max, bytes_total, stored_bytes_total, checkpoints, checkpoint_us_max;
};

/* Takes over the writing of the engine until committer_stop. event_fd is written whenever a batch ended. */
enum store_status committer_start(const struct engine_ops *ops, struct engine *engine,
                                  const struct store_options *options, const uint8_t chain[BATCH_CHAIN_BYTES], int event_fd,
                                  struct committer **out_committer, struct store_error *out_error);

/* After this the engine is the caller's again. No batch may be under way. */
void committer_stop(struct committer **committer_p);

/* Shell's thread: hand over a batch; it stays the caller's, who leaves it alone until it ended. None may be under way. */
void committer_give(struct committer *committer, struct batch *batch);

/*
 * Shell's thread: write a batch here and now, without a change of threads (which costs more than a small batch). None may be
 * under way. False: the thread is writing something else; nothing was done. Moving the log is left to the thread.
 */
bool committer_write(struct committer *committer, struct batch *batch);

/*
 * Shell's thread: did the batch that was given end? With `wait` this waits for it. False: still under way. The status is
 * sticky: after an error every batch ends with it. An error may also come from a step or a checkpoint, without a batch:
 * *out_status tells in any case.
 */
bool committer_ended(struct committer *committer, bool wait, enum store_status *out_status,
                     struct store_error *out_error);

/* Any other thread: run a step and wait for it. */
enum store_status committer_step(struct committer *committer, const struct engine_step *step,
                                 struct store_error *out_error);

void committer_figures(struct committer *committer, struct committer_figures *out_figures);

#endif
