/* Putting msgpack values into a buffer, over msgpack-c's packer. See writer.h. */
#include "proto/writer.h"

#include "proto/packer.h"
#include "proto/text.h"

#define PUT(call)                                                                                                      \
    do {                                                                                                               \
        size_t before = buf->n;                                                                                        \
        msgpack_packer packer = packer_of(buf);                                                                        \
        if ((call) != 0) {                                                                                             \
            proto_buf_cut(buf, before);                                                                                \
            return false;                                                                                              \
        }                                                                                                              \
        return true;                                                                                                   \
    } while (0)

bool
proto_put_nil(struct proto_buf *buf)
{
    PUT(msgpack_pack_nil(&packer));
}

bool
proto_put_bool(struct proto_buf *buf, bool value)
{
    PUT(value ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer));
}

bool
proto_put_u64(struct proto_buf *buf, uint64_t value)
{
    PUT(msgpack_pack_uint64(&packer, value));
}

bool
proto_put_i64(struct proto_buf *buf, int64_t value)
{
    PUT(msgpack_pack_int64(&packer, value));
}

bool
proto_put_f64(struct proto_buf *buf, double value)
{
    PUT(msgpack_pack_double(&packer, value));
}

enum { PACKER_HEAD_BYTES = 9 };

/* Head and content; room for both is made once. */
static inline bool
headed_append(struct proto_buf *buf, const uint8_t *head, size_t head_n, const void *content, uint32_t n)
{
    if (!proto_buf_reserve(buf, head_n + n)) {
        return false;
    }
    uint8_t *at = buf->p + buf->n;
    memcpy(at, head, head_n);
    bytes_copy(at + head_n, content, n);
    buf->n += head_n + n;
    return true;
}

PACKER_FOLDED bool
proto_put_str(struct proto_buf *buf, struct proto_str value)
{
    uint8_t head[PACKER_HEAD_BYTES];
    uint8_t *end = head;
    msgpack_packer packer = packer_at(&end);
    msgpack_pack_str(&packer, value.n);
    return headed_append(buf, head, (size_t)(end - head), value.p, value.n);
}

PACKER_FOLDED bool
proto_put_bin(struct proto_buf *buf, struct proto_bin value)
{
    uint8_t head[PACKER_HEAD_BYTES];
    uint8_t *end = head;
    msgpack_packer packer = packer_at(&end);
    msgpack_pack_bin(&packer, value.n);
    return headed_append(buf, head, (size_t)(end - head), value.p, value.n);
}

bool
proto_put_map(struct proto_buf *buf, uint32_t pairs)
{
    PUT(msgpack_pack_map(&packer, pairs));
}

bool
proto_put_list(struct proto_buf *buf, uint32_t values)
{
    PUT(msgpack_pack_array(&packer, values));
}

bool
proto_put_key(struct proto_buf *buf, const char *name)
{
    return proto_put_str(buf, proto_str_of(name));
}

bool
proto_put_value(struct proto_buf *buf, struct proto_bin encoded)
{
    return proto_buf_append(buf, encoded.p, encoded.n);
}

bool
proto_list_begin(struct proto_buf *buf, size_t *out_mark)
{
    size_t mark = buf->n;
    if (!proto_buf_append(buf, "\xdc\x00\x00", 3)) {
        return false;
    }
    *out_mark = mark;
    return true;
}

void
proto_list_end(struct proto_buf *buf, size_t mark, uint32_t values)
{
    if (values < 16) {
        buf->p[mark] = (uint8_t)(0x90 | values);
        memmove(buf->p + mark + 1, buf->p + mark + 3, buf->n - mark - 3);
        buf->n -= 2;
        return;
    }
    buf->p[mark + 1] = (uint8_t)(values >> 8);
    buf->p[mark + 2] = (uint8_t)values;
}
