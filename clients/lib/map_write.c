/*
 * Building a map or a list as msgpack, without knowing beforehand how many values it will have.
 *
 * While it is open a container's head takes three bytes; when it ends the head gets its shortest form and what follows
 * moves up. What is open is a short stack. The first mistake is remembered, everything after it ignored.
 */
#include <math.h>
#include <stdlib.h>

#include "lib/internal.h"
#include "proto/check.h"

enum { DEPTH_MAX = PROTO_LIMIT_DEPTH, HEAD_BYTES = 3, BYTES_MAX = PROTO_LIMIT_INPUT_BYTES };

struct open_container {
    size_t at; /* of its head */
    uint32_t count;
    bool is_list;
};

struct qiao_map {
    struct proto_buf buf;
    struct open_container open[DEPTH_MAX];
    uint32_t depth;
    bool is_list; /* the outermost */
    bool wrong;
    struct proto_buf done; /* as it was given out */
};

static void
container_open(struct qiao_map *map, bool is_list)
{
    static const uint8_t head[HEAD_BYTES];

    if (map->depth == DEPTH_MAX || !proto_buf_append(&map->buf, head, sizeof head)) {
        map->wrong = true;
        return;
    }
    map->open[map->depth++] = (struct open_container){map->buf.n - HEAD_BYTES, 0, is_list};
}

/* Write the head in its shortest form and move the content up to it. */
static void
container_close(struct proto_buf *buf, const struct open_container *open)
{
    uint8_t *head = buf->p + open->at;
    size_t content = buf->n - open->at - HEAD_BYTES;

    if (open->count < 16) {
        head[0] = (uint8_t)((open->is_list ? 0x90 : 0x80) | open->count);
        memmove(head + 1, head + HEAD_BYTES, content);
        buf->n -= HEAD_BYTES - 1;
    } else {
        head[0] = open->is_list ? 0xdc : 0xde;
        head[1] = (uint8_t)(open->count >> 8);
        head[2] = (uint8_t)open->count;
    }
}

static struct qiao_map *
map_new(bool is_list)
{
    struct qiao_map *map = calloc(1, sizeof *map);

    if (map) {
        proto_buf_init(&map->buf, BYTES_MAX + HEAD_BYTES * DEPTH_MAX);
        proto_buf_init(&map->done, BYTES_MAX + HEAD_BYTES * DEPTH_MAX);
        map->is_list = is_list;
        container_open(map, is_list);
    }
    if (map && map->wrong) {
        qiao_map_free(map);
        map = NULL;
    }
    return map;
}

struct qiao_map *
qiao_map_new(void)
{
    return map_new(false);
}

struct qiao_map *
qiao_list_new(void)
{
    return map_new(true);
}

void
qiao_map_free(struct qiao_map *map)
{
    if (map) {
        proto_buf_fini(&map->buf);
        proto_buf_fini(&map->done);
        free(map);
    }
}

void
qiao_map_reset(struct qiao_map *map)
{
    proto_buf_reset(&map->buf);
    map->depth = 0;
    map->wrong = false;
    container_open(map, map->is_list);
}

/* Room for one more value where we are, and its name. */
static bool
place_next(struct qiao_map *map, const char *name)
{
    struct open_container *open = &map->open[map->depth - 1];

    if (map->wrong || open->is_list != (name == NULL) || open->count == UINT16_MAX ||
        (name && (!proto_utf8_check((const uint8_t *)name, strlen(name)) ||
                  !proto_put_str(&map->buf, qiaoi_str(name))))) {
        map->wrong = true;
        return false;
    }
    open->count++;
    return true;
}

static void
check(struct qiao_map *map, bool put)
{
    map->wrong = map->wrong || !put;
}

void
qiao_map_nil(struct qiao_map *map, const char *name)
{
    check(map, place_next(map, name) && proto_put_nil(&map->buf));
}

void
qiao_map_bool(struct qiao_map *map, const char *name, bool value)
{
    check(map, place_next(map, name) && proto_put_bool(&map->buf, value));
}

void
qiao_map_i64(struct qiao_map *map, const char *name, int64_t value)
{
    check(map, place_next(map, name) && proto_put_i64(&map->buf, value));
}

void
qiao_map_u64(struct qiao_map *map, const char *name, uint64_t value)
{
    check(map, place_next(map, name) && proto_put_u64(&map->buf, value));
}

void
qiao_map_f64(struct qiao_map *map, const char *name, double value)
{
    check(map, isfinite(value) && place_next(map, name) && proto_put_f64(&map->buf, value));
}

void
qiao_map_str(struct qiao_map *map, const char *name, const char *value)
{
    qiao_map_str_n(map, name, value ? value : "", value ? strlen(value) : 0);
}

void
qiao_map_str_n(struct qiao_map *map, const char *name, const char *value, size_t n)
{
    check(map, n <= BYTES_MAX && proto_utf8_check((const uint8_t *)value, n) && place_next(map, name) &&
                   proto_put_str(&map->buf, (struct proto_str){value, (uint32_t)n}));
}

void
qiao_map_bin(struct qiao_map *map, const char *name, const void *value, size_t n)
{
    check(map, n <= BYTES_MAX && place_next(map, name) &&
                   proto_put_bin(&map->buf, (struct proto_bin){value, (uint32_t)n}));
}

void
qiao_map_value(struct qiao_map *map, const char *name, struct qiao_bytes encoded)
{
    check(map, encoded.n <= BYTES_MAX && place_next(map, name) && proto_put_value(&map->buf, qiaoi_bin(encoded)));
}

void
qiao_map_begin_map(struct qiao_map *map, const char *name)
{
    if (place_next(map, name)) {
        container_open(map, false);
    }
}

void
qiao_map_begin_list(struct qiao_map *map, const char *name)
{
    if (place_next(map, name)) {
        container_open(map, true);
    }
}

void
qiao_map_end(struct qiao_map *map)
{
    if (map->wrong || map->depth < 2) {
        map->wrong = true;
        return;
    }
    container_close(&map->buf, &map->open[--map->depth]);
}

bool
qiao_map_bytes(struct qiao_map *map, struct qiao_bytes *out_bytes)
{
    struct proto_error error;
    struct proto_bin value;

    if (map->wrong || map->depth != 1) {
        return false;
    }
    /* A copy: the map itself stays open for more. */
    proto_buf_reset(&map->done);
    if (!proto_buf_append(&map->done, map->buf.p, map->buf.n)) {
        return false;
    }
    container_close(&map->done, &map->open[0]);
    value = (struct proto_bin){map->done.p, (uint32_t)map->done.n};
    if (map->done.n > BYTES_MAX || !(map->is_list ? proto_list_check(value, &error) : proto_map_check(value, &error))) {
        return false;
    }
    *out_bytes = (struct qiao_bytes){map->done.p, map->done.n};
    return true;
}
