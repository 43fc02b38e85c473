/*
 * Inside the core: pieces of rendering that several files use.
 */
#ifndef CORE_RENDER_H
#define CORE_RENDER_H

#include "core/state.h"

/* Decode one event; exactly these bytes. */
bool event_read(struct proto_bin bytes, struct proto_event *out_event);

/* Append the `event` record for an event, as it is shown to anybody who may see the request. */
bool render_event(uint64_t re, uint64_t seq, struct proto_bin source, struct proto_bin source2, struct proto_buf *buf);

/* Append a page record whose other fields are set; rows: encoded maps one after the other. */
bool page_encode(struct proto_buf *buf, struct proto_record *record, struct proto_bin rows, uint32_t count);

/* What a LIST effect carries: this, then `count` times a row and that many bytes of it, encoded. */
struct listed_head {
    uint32_t count;
    char next[PROTO_PAGE_NEXT_MAX + 1];
};

struct listed_row {
    uint64_t id, accepted_seq;
    uint64_t result_seq, finished_seq; /* 0: none */
    uint32_t bytes;
};

#endif
