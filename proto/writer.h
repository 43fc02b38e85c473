/*
 * Put msgpack values into a buffer, in the one form that the decoder takes: shortest integers and lengths.
 *
 *     proto_put_map(&buf, 2);
 *     proto_put_key(&buf, "unit"); proto_put_str(&buf, PROTO_STR("Cel"));
 *     proto_put_key(&buf, "value"); proto_put_f64(&buf, 4.5);
 *
 * Each returns false and leaves the buffer as it was when it does not fit. Whether counts add up is the caller's affair;
 * proto_value_check (check.h) tells.
 */
#ifndef PROTO_WRITER_H
#define PROTO_WRITER_H

#include "proto/buf.h"
#include "proto/types.h"

bool proto_put_nil(struct proto_buf *buf);
bool proto_put_bool(struct proto_buf *buf, bool value);
bool proto_put_u64(struct proto_buf *buf, uint64_t value);
bool proto_put_i64(struct proto_buf *buf, int64_t value);
bool proto_put_f64(struct proto_buf *buf, double value);
bool proto_put_str(struct proto_buf *buf, struct proto_str value);
bool proto_put_bin(struct proto_buf *buf, struct proto_bin value);
bool proto_put_map(struct proto_buf *buf, uint32_t pairs);
bool proto_put_list(struct proto_buf *buf, uint32_t values);
bool proto_put_key(struct proto_buf *buf, const char *name);          /* a NUL-terminated string */
bool proto_put_value(struct proto_buf *buf, struct proto_bin encoded); /* bytes that are encoded already */

/*
 * A list whose length is not known yet: begin, put elements, end with their number (at most 65,535). The head always
 * takes three bytes at first; end moves the elements so that the head has its shortest form.
 */
bool proto_list_begin(struct proto_buf *buf, size_t *out_mark);
void proto_list_end(struct proto_buf *buf, size_t mark, uint32_t values);

#endif
