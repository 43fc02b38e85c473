/*
 * What makes submitting again safe: kept keys of callers, and windows of the library's producers. Knows no record.
 */
#ifndef CORE_KEPT_H
#define CORE_KEPT_H

#include "core/state.h"

enum { DIGEST_BYTES = 16, KEPT_ENTRY_BYTES = 48 };

/* SipHash-2-4-128 under a constant key: the same in every run, since it is kept on disk. */
void digest_bytes(const void *p, size_t n, uint8_t out[static DIGEST_BYTES]);

/* ------------------------------------------------------------- caller's keys */

/* Where a key is kept: requester, service and key, so that keys of two parties never meet (N3). */
void key_hash(struct proto_str requester, struct proto_str service, struct proto_str key, uint8_t out[static 16]);
uint32_t key_find(const struct core *core, const uint8_t hash[static 16]);
/* One that is kept already stays, unless its time is over at `now_us` (an event's time). */
void key_keep(struct core *core, uint32_t requester, const uint8_t hash[static 16], const uint8_t digest[static 16],
              uint64_t request, int64_t until_us, int64_t now_us);
/* Pieces of a snapshot, see key_kept in events.toml. */
void keys_restore(struct core *core, uint32_t requester, struct proto_bin entries);

/* Let go of those whose time is over. `now_us` is an event's time, so that replay does the same. */
void keys_expire(struct core *core, int64_t now_us);

/* ------------------------------------------------------------- producers */

enum producer_answer {
    PRODUCER_NEW,   /* not seen yet */
    PRODUCER_KNOWN, /* *out_request has it */
    PRODUCER_OTHER, /* the number was used for other content; *out_request has that */
    PRODUCER_STALE  /* below the window: nobody knows any more */
};

uint32_t producer_find(const struct core *core, uint32_t party, uint64_t producer);
enum producer_answer producer_ask(const struct core *core, uint32_t party, uint64_t producer, uint64_t pseq,
                                  uint64_t digest, uint64_t *out_request);
/* Note an accepted number. The party's idlest producer gives way over the cap. */
void producer_note(struct core *core, uint32_t party, uint64_t producer, uint64_t pseq, uint64_t digest,
                   uint64_t request, uint64_t seq);
/* A piece of a snapshot. */
void producer_restore(struct core *core, uint32_t party, const struct proto_ev_producer_kept *kept);
void producer_free_all(struct core *core);

#endif
