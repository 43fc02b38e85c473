/*
 * The catalogue of catalogue.h: deep copies in an arena, sorted and digested when it is sealed.
 *
 * It does not decide what a good service type is; catalogue_check.c does.
 */
#include "core/catalogue.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#include "core/catalogue_check.h"

enum { ARENA_BLOCK_BYTES = 64 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t size;
    _Alignas(16) uint8_t bytes[];
};

struct catalogue {
    uint32_t references;
    bool sealed;
    uint32_t count;
    uint32_t room;
    struct service_type *services;
    struct arena_block *arena;
    uint8_t digest[CATALOGUE_DIGEST_BYTES];
};

/* ------------------------------------------------------------- memory */

/* Reading a catalogue is no moment at which to go on without memory: the old one stays if the process does. */
static void *
memory_or_abort(void *p)
{
    if (p == NULL) {
        abort();
    }
    return p;
}

static void *
arena_take(struct catalogue *catalogue, size_t n)
{
    n = (n + 15) & ~(size_t)15;
    struct arena_block *block = catalogue->arena;
    if (block == NULL || n > block->size - block->used) {
        size_t size = n > ARENA_BLOCK_BYTES ? n : ARENA_BLOCK_BYTES;
        block = memory_or_abort(malloc(sizeof *block + size));
        *block = (struct arena_block){.next = catalogue->arena, .size = size};
        catalogue->arena = block;
    }
    void *p = block->bytes + block->used;
    block->used += n;
    return p;
}

static struct proto_str
str_copy(struct catalogue *catalogue, struct proto_str text)
{
    char *p = arena_take(catalogue, (size_t)text.n + 1);
    if (text.n > 0) {
        memcpy(p, text.p, text.n);
    }
    p[text.n] = '\0';
    return (struct proto_str){p, text.n};
}

static const struct proto_str *
strs_copy(struct catalogue *catalogue, const struct proto_str *texts, uint32_t count)
{
    if (count == 0) {
        return NULL;
    }
    struct proto_str *copy = arena_take(catalogue, count * sizeof *copy);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = str_copy(catalogue, texts[i]);
    }
    return copy;
}

static struct field_list
fields_copy(struct catalogue *catalogue, struct field_list list)
{
    if (list.count == 0) {
        return (struct field_list){0};
    }
    struct field *copy = arena_take(catalogue, list.count * sizeof *copy);
    uint64_t required = 0;
    for (uint32_t i = 0; i < list.count; i++) {
        const struct field *field = &list.fields[i];
        copy[i] = *field;
        copy[i].name = str_copy(catalogue, field->name);
        copy[i].unit = str_copy(catalogue, field->unit);
        copy[i].doc = str_copy(catalogue, field->doc);
        copy[i].values = strs_copy(catalogue, field->values, field->value_count);
        required |= (uint64_t)field->required << i;
    }
    return (struct field_list){copy, list.count, required};
}

static int
attribute_order(const void *a, const void *b)
{
    const struct attribute *left = a;
    const struct attribute *right = b;
    return strcmp(left->name.p, right->name.p); /* copies end with NUL */
}

static const struct attribute *
attributes_copy(struct catalogue *catalogue, const struct attribute *attributes, uint32_t count)
{
    if (count == 0) {
        return NULL;
    }
    struct attribute *copy = arena_take(catalogue, count * sizeof *copy);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = attributes[i];
        copy[i].name = str_copy(catalogue, attributes[i].name);
        copy[i].unit = str_copy(catalogue, attributes[i].unit);
        copy[i].doc = str_copy(catalogue, attributes[i].doc);
    }
    qsort(copy, count, sizeof *copy, attribute_order);
    return copy;
}

/* ------------------------------------------------------------- building */

void
service_type_init(struct service_type *service)
{
    *service = (struct service_type){
        .pattern = PROTO_PATTERN_DIRECT,
        .tenure = PROTO_TENURE_LEASED,
        .policy = PROTO_POLICY_LEAST_LOADED,
        .attempts = 3,
        .releases_max = 16,
        .lease_us = 30 * INT64_C(1000000),
        .backoff_us = 1 * INT64_C(1000000),
        .backoff_max_us = 300 * INT64_C(1000000),
        .currency = "CNY",
        .input_bytes_max = PROTO_LIMIT_INPUT_BYTES,
        .body_bytes_max = PROTO_LIMIT_BODY_BYTES,
    };
}

struct catalogue *
catalogue_new(void)
{
    struct catalogue *catalogue = memory_or_abort(calloc(1, sizeof *catalogue));
    catalogue->references = 1;
    return catalogue;
}

static bool
catalogue_has(const struct catalogue *catalogue, struct proto_str name)
{
    for (uint32_t i = 0; i < catalogue->count; i++) {
        if (proto_str_eq(catalogue->services[i].name, name)) {
            return true;
        }
    }
    return false;
}

bool
catalogue_add_service(struct catalogue *catalogue, const struct service_type *service, const char *path,
                      struct catalogue_error *out_error)
{
    assert(!catalogue->sealed);
    if (catalogue->count == CATALOGUE_SERVICES_MAX) {
        return catalogue_blame(out_error, path, "", "at most %d services", CATALOGUE_SERVICES_MAX);
    }
    if (!service_type_check(service, path, out_error)) {
        return false;
    }
    if (catalogue_has(catalogue, service->name)) {
        return catalogue_blame(out_error, path, ".name", "%.*s is there twice", PROTO_STR_ARG(service->name));
    }
    if (catalogue->count == catalogue->room) {
        uint32_t room = catalogue->room == 0 ? 32 : catalogue->room * 2;
        catalogue->services = memory_or_abort(realloc(catalogue->services, room * sizeof *catalogue->services));
        catalogue->room = room;
    }
    struct service_type *copy = &catalogue->services[catalogue->count++];
    *copy = *service;
    copy->name = str_copy(catalogue, service->name);
    copy->title = str_copy(catalogue, service->title);
    copy->title_zh = str_copy(catalogue, service->title_zh);
    copy->category = str_copy(catalogue, service->category);
    copy->description = str_copy(catalogue, service->description);
    copy->lease_us = service->tenure == PROTO_TENURE_LEASED ? service->lease_us : 0;
    copy->input = fields_copy(catalogue, service->input);
    copy->output = fields_copy(catalogue, service->output);
    copy->attributes = attributes_copy(catalogue, service->attributes, service->attribute_count);
    copy->outcomes = strs_copy(catalogue, service->outcomes, service->outcome_count);
    return true;
}

/* ------------------------------------------------------------- sealing */

static int
service_order(const void *a, const void *b)
{
    const struct service_type *left = a;
    const struct service_type *right = b;
    return strcmp(left->name.p, right->name.p);
}

static void
digest_number(crypto_generichash_state *state, int64_t number)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)((uint64_t)number >> (8 * i));
    }
    crypto_generichash_update(state, bytes, sizeof bytes);
}

static void
digest_str(crypto_generichash_state *state, struct proto_str text)
{
    digest_number(state, text.n);
    crypto_generichash_update(state, (const uint8_t *)text.p, text.n);
}

static void
digest_double(crypto_generichash_state *state, bool has, double number)
{
    int64_t bits = 0;
    if (has) {
        memcpy(&bits, &number, sizeof bits);
    }
    digest_number(state, has);
    digest_number(state, bits);
}

static void
digest_strs(crypto_generichash_state *state, const struct proto_str *texts, uint32_t count)
{
    digest_number(state, count);
    for (uint32_t i = 0; i < count; i++) {
        digest_str(state, texts[i]);
    }
}

static void
digest_fields(crypto_generichash_state *state, const struct field_list *list)
{
    digest_number(state, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct field *field = &list->fields[i];
        digest_str(state, field->name);
        digest_number(state, field->type);
        digest_number(state, field->items);
        digest_str(state, field->unit);
        digest_str(state, field->doc);
        digest_number(state, field->required);
        digest_double(state, field->has_min, field->min);
        digest_double(state, field->has_max, field->max);
        digest_strs(state, field->values, field->value_count);
    }
}

static void
digest_service(crypto_generichash_state *state, const struct service_type *service)
{
    const struct proto_str texts[] = {service->name, service->title, service->title_zh, service->category,
                                      service->description};
    digest_strs(state, texts, sizeof texts / sizeof *texts);
    const int64_t numbers[] = {
        service->pattern,         service->tenure,         service->policy,       service->verify,
        service->complete_by_fails, service->attempts,     service->releases_max, service->accept_by_us,
        service->start_by_us,     service->attempt_us,     service->lease_us,     service->complete_by_us,
        service->backoff_us,      service->backoff_max_us, service->age_us,       service->input_bytes_max,
        service->body_bytes_max,  service->waiting_max};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        digest_number(state, numbers[i]);
    }
    digest_str(state, proto_str_of(service->currency));
    digest_fields(state, &service->input);
    digest_fields(state, &service->output);
    digest_number(state, service->attribute_count);
    for (uint32_t i = 0; i < service->attribute_count; i++) {
        const struct attribute *attribute = &service->attributes[i];
        digest_str(state, attribute->name);
        digest_number(state, attribute->type);
        digest_number(state, attribute->confirmed);
        digest_str(state, attribute->unit);
        digest_str(state, attribute->doc);
    }
    digest_strs(state, service->outcomes, service->outcome_count);
}

void
catalogue_seal(struct catalogue *catalogue)
{
    assert(!catalogue->sealed);
    if (catalogue->count > 0) {
        qsort(catalogue->services, catalogue->count, sizeof *catalogue->services, service_order);
    }
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, CATALOGUE_DIGEST_BYTES);
    digest_number(&state, catalogue->count);
    for (uint32_t i = 0; i < catalogue->count; i++) {
        catalogue->services[i].index = i;
        digest_service(&state, &catalogue->services[i]);
    }
    crypto_generichash_final(&state, catalogue->digest, CATALOGUE_DIGEST_BYTES);
    catalogue->sealed = true;
}

/* ------------------------------------------------------------- using it */

struct catalogue *
catalogue_ref(struct catalogue *catalogue)
{
    catalogue->references++;
    return catalogue;
}

void
catalogue_unref(struct catalogue **catalogue_p)
{
    struct catalogue *catalogue = *catalogue_p;
    *catalogue_p = NULL;
    if (catalogue == NULL || --catalogue->references > 0) {
        return;
    }
    while (catalogue->arena != NULL) {
        struct arena_block *block = catalogue->arena;
        catalogue->arena = block->next;
        free(block);
    }
    free(catalogue->services);
    free(catalogue);
}

uint32_t
catalogue_count(const struct catalogue *catalogue)
{
    assert(catalogue->sealed);
    return catalogue->count;
}

const struct service_type *
catalogue_service(const struct catalogue *catalogue, uint32_t index)
{
    assert(catalogue->sealed && index < catalogue->count);
    return &catalogue->services[index];
}

const struct service_type *
catalogue_find(const struct catalogue *catalogue, struct proto_str name)
{
    assert(catalogue->sealed);
    uint32_t from = 0;
    uint32_t to = catalogue->count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        struct proto_str there = catalogue->services[middle].name;
        int order = memcmp(name.p, there.p, name.n < there.n ? name.n : there.n);
        if (order == 0 && name.n == there.n) {
            return &catalogue->services[middle];
        }
        if (order < 0 || (order == 0 && name.n < there.n)) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    return NULL;
}

const uint8_t *
catalogue_digest(const struct catalogue *catalogue)
{
    assert(catalogue->sealed);
    return catalogue->digest;
}

const struct attribute *
service_attribute(const struct service_type *service, struct proto_str name)
{
    for (uint32_t i = 0; i < service->attribute_count; i++) {
        if (proto_str_eq(service->attributes[i].name, name)) {
            return &service->attributes[i];
        }
    }
    return NULL;
}

bool
service_has_outcome(const struct service_type *service, struct proto_str outcome)
{
    if (outcome.n == 0 || service->outcome_count == 0) {
        return true;
    }
    for (uint32_t i = 0; i < service->outcome_count; i++) {
        if (proto_str_eq(service->outcomes[i], outcome)) {
            return true;
        }
    }
    return false;
}
