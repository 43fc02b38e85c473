/*
 * For the command line only, which is built with the library from one tree: any record of the protocol's table.
 *
 * Programs outside this tree use <qiao/qiao.h>; nothing of this is exported from the shared library.
 */
#ifndef QIAO_INTERNAL_H
#define QIAO_INTERNAL_H

#include <qiao/qiao.h>

#include "proto/codec.h"

/*
 * Send one record and wait for what answers it: receipt, page or refusal.
 *
 * The record is encoded before the call returns to waiting; n is set here. On QIAO_OK and on refusals (1..31) *out_answer is
 * the decoded record, its type says which; it stays valid until the next qiaoi_call or the next event is taken. Not
 * repeated after a reconnect unless `repeat`.
 */
QIAO_NODISCARD enum qiao_status qiaoi_call(struct qiao_client *client, const struct proto_record *record, bool repeat,
                                           int64_t timeout_us, struct proto_record *out_answer);

/* The same as bytes of the last event's record (task, event, abort, ...), decoded; NULL when it came from no record. */
const struct proto_record *qiaoi_event_record(const struct qiao_client *client);

#endif
