/*
 * The plan on disk, shared by all worker processes of a provider: read, changed and written under one lock.
 *
 * A JSON file, replaced as a whole (written beside, synced, renamed). Without a path the plan lives in this process only.
 */
#ifndef QIAO_WORKERS_CDMO_LEDGER_H
#define QIAO_WORKERS_CDMO_LEDGER_H

#include "cdmo/plan.h"

struct ledger {
    const char *path; /* NULL: memory only */
    struct plan plan; /* as of the last ledger_open */
    int lock_fd;
};

/* Lock and read. False: error says why; nothing is locked. A file that is no plan is an error, not an empty plan. */
bool ledger_open(struct ledger *ledger, char *error, size_t error_bytes);

/* Write when changed, and unlock. False: the change is not on disk. */
bool ledger_close(struct ledger *ledger, bool changed, char *error, size_t error_bytes);

#endif
