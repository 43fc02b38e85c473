/* jansson in, proto's writer out. */
#include "pack.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/writer.h"

enum { PACKS_MAX = 64, PACK_BYTES_MAX = 1 << 20 };

static struct proto_buf packs[PACKS_MAX];
static unsigned pack_count;

static void
value_put(struct proto_buf *buf, json_t *value)
{
    const char *key;
    json_t *element;
    size_t i;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        assert_true(proto_put_map(buf, (uint32_t)json_object_size(value)));
        json_object_foreach(value, key, element) {
            assert_true(proto_put_key(buf, key));
            value_put(buf, element);
        }
        break;
    case JSON_ARRAY:
        assert_true(proto_put_list(buf, (uint32_t)json_array_size(value)));
        json_array_foreach(value, i, element) {
            value_put(buf, element);
        }
        break;
    case JSON_STRING:
        assert_true(proto_put_str(buf, (struct proto_str){json_string_value(value), (uint32_t)json_string_length(value)}));
        break;
    case JSON_INTEGER:
        assert_true(proto_put_i64(buf, json_integer_value(value)));
        break;
    case JSON_REAL:
        assert_true(proto_put_f64(buf, json_real_value(value)));
        break;
    case JSON_NULL:
        assert_true(proto_put_nil(buf));
        break;
    default:
        assert_true(proto_put_bool(buf, json_is_true(value)));
    }
}

struct proto_bin
pack(const char *json)
{
    json_error_t error;
    json_t *value = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (value == NULL) {
        fail_msg("%s: %s", json, error.text);
    }
    assert_true(pack_count < PACKS_MAX);
    struct proto_buf *buf = &packs[pack_count++];
    proto_buf_init(buf, PACK_BYTES_MAX);
    value_put(buf, value);
    json_decref(value);
    return (struct proto_bin){buf->p, (uint32_t)buf->n};
}

void
pack_end(void)
{
    while (pack_count > 0) {
        proto_buf_fini(&packs[--pack_count]);
    }
}
