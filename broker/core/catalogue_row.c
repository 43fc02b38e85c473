/* A service type as the row that `services` answers with. */
#include "core/catalogue.h"
#include "proto/writer.h"

enum { ROW_LISTS_BYTES_MAX = 256 * 1024 };

static bool
texts_put(struct proto_buf *buf, const struct proto_str *texts, uint32_t count, struct proto_bin *out_list)
{
    size_t mark = buf->n;
    if (!proto_put_list(buf, count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!proto_put_str(buf, texts[i])) {
            return false;
        }
    }
    *out_list = (struct proto_bin){buf->p + mark, (uint32_t)(buf->n - mark)};
    return true;
}

static bool
field_put(struct proto_buf *buf, const struct field *field)
{
    struct proto_field_row row = {
        .name = field->name,
        .type = proto_str_of(field_type_name(field->type)),
        .unit = field->unit,
        .required = field->required,
        .min = field->min,
        .max = field->max,
        .has_min = field->has_min,
        .has_max = field->has_max,
        .doc = field->doc,
    };
    if (field->type == FIELD_LIST || field->type == FIELD_MAP) {
        row.items = proto_str_of(field_type_name(field->items));
    }
    struct proto_buf values;
    proto_buf_init(&values, ROW_LISTS_BYTES_MAX);
    bool fits = (field->value_count == 0 || texts_put(&values, field->values, field->value_count, &row.enum_)) &&
                proto_struct_encode(buf, PROTO_STRUCT_FIELD_ROW, &row);
    proto_buf_fini(&values);
    return fits;
}

static bool
fields_put(struct proto_buf *buf, const struct field_list *list)
{
    if (!proto_put_list(buf, list->count)) {
        return false;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (!field_put(buf, &list->fields[i])) {
            return false;
        }
    }
    return true;
}

static bool
attributes_put(struct proto_buf *buf, const struct service_type *service)
{
    if (!proto_put_list(buf, service->attribute_count)) {
        return false;
    }
    for (uint32_t i = 0; i < service->attribute_count; i++) {
        const struct attribute *attribute = &service->attributes[i];
        struct proto_field_row row = {
            .name = attribute->name,
            .type = proto_str_of(attribute_type_name(attribute->type)),
            .unit = attribute->unit,
            .doc = attribute->doc,
            .confirmed = attribute->confirmed,
        };
        if (!proto_struct_encode(buf, PROTO_STRUCT_FIELD_ROW, &row)) {
            return false;
        }
    }
    return true;
}

/* The four lists lie in `lists` one after the other; only then do their addresses hold still. */
static bool
lists_put(const struct service_type *service, struct proto_buf *lists, struct proto_service_row *row)
{
    if (!fields_put(lists, &service->input)) {
        return false;
    }
    size_t input_end = lists->n;
    if (!fields_put(lists, &service->output)) {
        return false;
    }
    size_t output_end = lists->n;
    if (!attributes_put(lists, service)) {
        return false;
    }
    size_t attributes_end = lists->n;
    struct proto_bin ignored; /* it may move yet */
    if (!texts_put(lists, service->outcomes, service->outcome_count, &ignored)) {
        return false;
    }
    row->input = (struct proto_bin){lists->p, (uint32_t)input_end};
    row->output = (struct proto_bin){lists->p + input_end, (uint32_t)(output_end - input_end)};
    row->attributes = (struct proto_bin){lists->p + output_end, (uint32_t)(attributes_end - output_end)};
    row->outcomes = (struct proto_bin){lists->p + attributes_end, (uint32_t)(lists->n - attributes_end)};
    row->description = service->description;
    row->currency = proto_str_of(service->currency);
    return true;
}

bool
service_row_encode(const struct service_type *service, bool whole, struct proto_buf *buf)
{
    struct proto_service_row row = {
        .service = service->name,
        .title = service->title,
        .title_zh = service->title_zh,
        .category = service->category,
        .pattern = service->pattern,
        .tenure = service->tenure,
        .policy = service->policy,
        .verify = service->verify,
        .attempts = service->attempts,
        .accept_by = service->accept_by_us,
        .start_by = service->start_by_us,
        .attempt = service->tenure == PROTO_TENURE_LEASED && service->attempt_us == 0 ? service->lease_us
                                                                                     : service->attempt_us,
        .complete_by = service->complete_by_us,
    };
    struct proto_buf lists;
    proto_buf_init(&lists, ROW_LISTS_BYTES_MAX);
    bool fits = (!whole || lists_put(service, &lists, &row)) && proto_struct_encode(buf, PROTO_STRUCT_SERVICE_ROW, &row);
    proto_buf_fini(&lists);
    return fits;
}
