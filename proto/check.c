/*
 * The strict validator, see check.h.
 *
 * One loop over the values with a small stack of open containers. Duplicate keys are found by comparing a cheap
 * print of each key with those before it in the same map; the text is looked at only when the prints agree. Maps are
 * capped at PROTO_MAP_FIELDS_HARD pairs, which bounds that work.
 */
#include "proto/check.h"

#include "proto/head.h"
#include "proto/text.h"

_Static_assert(PROTO_LIMIT_MAP_FIELDS <= PROTO_MAP_FIELDS_HARD && PROTO_LIMIT_RECORD_DEPTH <= PROTO_DEPTH_HARD,
               "the stacks below hold what the schema allows");

enum { KEYS_HARD = PROTO_DEPTH_HARD * PROTO_MAP_FIELDS_HARD };

struct check_level {
    uint32_t left;      /* values (list) or pairs (map) to come */
    uint32_t key_first; /* where this map's keys begin on the stack of keys */
    bool is_map;
};

struct check_state {
    const uint8_t *p;
    size_t n;
    size_t at;
    uint32_t depth;
    uint32_t keys; /* on the stack of keys */
    const char *why;
    struct check_level level[PROTO_DEPTH_HARD];
    uint32_t print[KEYS_HARD];
    uint32_t key_at[KEYS_HARD];
    uint32_t key_n[KEYS_HARD];
};

/* Two-byte forms need care at both ends: no overlong, no surrogates, nothing above U+10FFFF. */
static size_t
utf8_step(const uint8_t *p, size_t left)
{
    uint8_t c = p[0];
    size_t more = c >= 0xc2 && c <= 0xdf ? 1 : c >= 0xe0 && c <= 0xef ? 2 : c >= 0xf0 && c <= 0xf4 ? 3 : 0;
    if (more == 0 || more >= left) {
        return 0;
    }
    for (size_t i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) || (c == 0xf0 && p[1] < 0x90) ||
        (c == 0xf4 && p[1] > 0x8f)) {
        return 0;
    }
    return more + 1;
}

bool
proto_utf8_check(const uint8_t *p, size_t n)
{
    size_t i = 0;
    while (i < n) {
        if (n - i >= 8) { /* eight ASCII bytes at once */
            uint64_t eight;
            memcpy(&eight, p + i, sizeof eight);
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                i += 8;
                continue;
            }
        }
        if (p[i] < 0x80) {
            i++;
            continue;
        }
        size_t step = utf8_step(p + i, n - i);
        if (step == 0) {
            return false;
        }
        i += step;
    }
    return true;
}

static bool
check_fail(struct check_state *s, const char *why)
{
    s->why = why;
    return false;
}

/* A print that takes in every byte of a key of up to 16 bytes, without a loop over them. */
static inline uint32_t
key_print(const uint8_t *key, uint32_t n)
{
    uint64_t head = 0;
    uint64_t tail = 0;
    if (n >= 8) {
        memcpy(&head, key, 8);
        memcpy(&tail, key + n - 8, 8);
    } else if (n >= 4) {
        memcpy(&head, key, 4);
        memcpy(&tail, key + n - 4, 4);
    } else if (n > 0) {
        head = key[0];
        tail = (uint64_t)key[n / 2] << 8 | key[n - 1];
    }
    uint64_t mix = (head ^ n) * UINT64_C(0x9e3779b97f4a7c15) ^ tail * UINT64_C(0xc2b2ae3d27d4eb4f);
    return (uint32_t)(mix >> 32) ^ (uint32_t)mix;
}

/* Four prints beside each other; a vector type of gcc and clang. */
typedef uint32_t print_lanes __attribute__((vector_size(16)));

static inline bool
print_seen(const uint32_t *prints, uint32_t n, uint32_t print)
{
    print_lanes wanted = {print, print, print, print};
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8) {
        print_lanes eight[2];
        uint64_t hits[2];
        memcpy(eight, prints + i, sizeof eight);
        print_lanes hit = (print_lanes)(eight[0] == wanted) | (print_lanes)(eight[1] == wanted);
        memcpy(hits, &hit, sizeof hits);
        if ((hits[0] | hits[1]) != 0) {
            return true;
        }
    }
    for (; i < n; i++) {
        if (prints[i] == print) {
            return true;
        }
    }
    return false;
}

/* Put a key on the stack of keys unless the same one is there for the innermost map. */
static bool
key_push(struct check_state *s, uint32_t at, uint32_t n)
{
    const struct check_level *level = &s->level[s->depth - 1];
    const uint8_t *key = s->p + at;
    uint32_t print = key_print(key, n);
    bool seen = print_seen(s->print + level->key_first, s->keys - level->key_first, print);
    for (uint32_t i = level->key_first; seen && i < s->keys; i++) {
        if (s->print[i] == print && s->key_n[i] == n && memcmp(s->p + s->key_at[i], key, n) == 0) {
            return check_fail(s, "a key stands twice in one map");
        }
    }
    s->print[s->keys] = print;
    s->key_at[s->keys] = at;
    s->key_n[s->keys] = n;
    s->keys++;
    return true;
}

static bool
key_read(struct check_state *s, const struct proto_check *check, struct proto_span *span)
{
    struct proto_head head;
    const char *why = proto_head_read(s->p + s->at, s->n - s->at, &head);
    if (why != NULL) {
        return check_fail(s, why);
    }
    if (s->depth == 1 && check->number_keys) {
        if (head.kind != PROTO_KIND_UINT || head.bytes != 1) {
            return check_fail(s, "a key is not a small number");
        }
        span->key = (uint32_t)head.u;
        span->key_n = 0;
        if (!key_push(s, (uint32_t)s->at, 1)) {
            return false;
        }
        s->at++;
        return true;
    }
    if (head.kind != PROTO_KIND_STR) {
        return check_fail(s, "a key is not a string");
    }
    s->at += head.bytes;
    if (head.u > s->n - s->at) {
        return check_fail(s, "a length goes beyond the bytes");
    }
    uint32_t n = (uint32_t)head.u;
    if (!text_check(s->p + s->at, n)) {
        return check_fail(s, "a key is not UTF-8");
    }
    if (!key_push(s, (uint32_t)s->at, n)) {
        return false;
    }
    span->key = (uint32_t)s->at;
    span->key_n = n;
    s->at += n;
    return true;
}

static bool
container_open(struct check_state *s, struct proto_check *check, const struct proto_head *head)
{
    bool is_map = head->kind == PROTO_KIND_MAP;
    uint32_t pairs_max = s->depth == 0 ? check->pairs_max : PROTO_LIMIT_MAP_FIELDS;
    /* Every element takes at least one byte, so a count beyond the bytes left is a lie: found before it is used. */
    if (head->u > (s->n - s->at) / (is_map ? 2 : 1)) {
        return check_fail(s, "a count goes beyond the bytes");
    }
    if (is_map && head->u > pairs_max) {
        return check_fail(s, "a map has too many pairs");
    }
    if (s->depth >= check->depth_max) {
        return check_fail(s, "the nesting is too deep");
    }
    s->level[s->depth] = (struct check_level){.left = (uint32_t)head->u, .key_first = s->keys, .is_map = is_map};
    s->depth++;
    if (s->depth > check->depth) {
        check->depth = s->depth;
    }
    return true;
}

static bool
value_read(struct check_state *s, struct proto_check *check, struct proto_token *out_token)
{
    struct proto_head head;
    const char *why = proto_head_read(s->p + s->at, s->n - s->at, &head);
    if (why != NULL) {
        return check_fail(s, why);
    }
    s->at += head.bytes;
    out_token->kind = head.kind;
    switch (head.kind) {
    case PROTO_KIND_LIST:
    case PROTO_KIND_MAP:
        out_token->count = (uint32_t)head.u;
        return container_open(s, check, &head);
    case PROTO_KIND_STR:
    case PROTO_KIND_BIN:
        if (head.u > s->n - s->at) {
            return check_fail(s, "a length goes beyond the bytes");
        }
        if (head.kind == PROTO_KIND_STR && !text_check(s->p + s->at, (size_t)head.u)) {
            return check_fail(s, "a text is not UTF-8");
        }
        out_token->bin = (struct proto_bin){s->p + s->at, (uint32_t)head.u}; /* proto_str has the same layout */
        s->at += (size_t)head.u;
        return true;
    case PROTO_KIND_BOOL:
        out_token->b = head.u != 0;
        return true;
    default:
        out_token->u = head.u; /* the same eight bytes for i and f */
        return true;
    }
}

/* Leave the containers that are complete. */
static void
levels_close(struct check_state *s, struct proto_check *check)
{
    while (s->depth > 0 && s->level[s->depth - 1].left == 0) {
        s->depth--;
        if (s->level[s->depth].is_map) {
            s->keys = s->level[s->depth].key_first;
        }
        if (s->depth == 1 && check->spans != NULL && check->span_count > 0) {
            check->spans[check->span_count - 1].end = (uint32_t)s->at;
        }
    }
}

static bool
check_walk(struct check_state *s, struct proto_check *check)
{
    struct proto_span inner; /* for values whose place nobody wants */
    if (!value_read(s, check, &inner.token)) {
        return false;
    }
    for (;;) {
        levels_close(s, check);
        if (s->depth == 0) {
            return true;
        }
        struct check_level *level = &s->level[s->depth - 1];
        struct proto_span *span = &inner;
        level->left--;
        if (level->is_map) {
            if (s->depth == 1 && check->spans != NULL) {
                span = &check->spans[check->span_count++];
            }
            if (!key_read(s, check, span)) {
                return false;
            }
            span->value = (uint32_t)s->at;
        }
        if (!value_read(s, check, &span->token)) {
            return false;
        }
        span->end = (uint32_t)s->at; /* right for scalars; a container's end comes when its level closes */
    }
}

bool
proto_check_value(struct proto_check *check, const uint8_t *p, size_t n, size_t *out_used,
                  struct proto_error *out_error)
{
    struct check_state s; /* 40 KiB that are mostly never touched: not cleared on purpose */
    s.p = p;
    s.n = n > UINT32_MAX ? UINT32_MAX : n;
    s.at = 0;
    s.depth = 0;
    s.keys = 0;
    s.why = NULL;
    check->span_count = 0;
    check->depth = 0;
    if (!check_walk(&s, check)) {
        *out_error = (struct proto_error){.code = PROTO_REFUSAL_CODE_MALFORMED, .why = s.why, .at = s.at};
        return false;
    }
    *out_used = s.at;
    return true;
}

static bool
container_check(struct proto_bin value, bool map, struct proto_error *out_error)
{
    struct proto_check check = {.depth_max = PROTO_LIMIT_DEPTH, .pairs_max = PROTO_LIMIT_MAP_FIELDS};
    size_t used;
    if (!proto_check_value(&check, value.p, value.n, &used, out_error)) {
        return false;
    }
    bool is_map = (value.p[0] & 0xf0) == 0x80 || value.p[0] == 0xde || value.p[0] == 0xdf;
    bool is_list = (value.p[0] & 0xf0) == 0x90 || value.p[0] == 0xdc || value.p[0] == 0xdd;
    const char *why = used != value.n ? "bytes stand behind the value" : (map ? is_map : is_list) ? NULL
                      : map ? "it is not a map" : "it is not a list";
    if (why != NULL) {
        *out_error = (struct proto_error){.code = PROTO_REFUSAL_CODE_MALFORMED, .why = why, .at = used};
        return false;
    }
    return true;
}

bool
proto_map_check(struct proto_bin map, struct proto_error *out_error)
{
    return container_check(map, true, out_error);
}

bool
proto_list_check(struct proto_bin list, struct proto_error *out_error)
{
    return container_check(list, false, out_error);
}
