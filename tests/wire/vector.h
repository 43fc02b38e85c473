/* The golden vectors of vectors.txt, for the C tests. Reads the file; makes a record of a vector's meaning by the tables. */
#ifndef TEST_WIRE_VECTOR_H
#define TEST_WIRE_VECTOR_H

#include "proto/codec.h"

enum { VECTOR_FIELDS_MAX = 32, VECTOR_BYTES_MAX = 2048 };

struct vector {
    char name[80];
    char record[24];
    uint64_t n;
    uint64_t re;
    struct {
        char name[32];
        char text[1024];
    } fields[VECTOR_FIELDS_MAX];
    unsigned field_count;
    uint8_t body[VECTOR_BYTES_MAX];
    uint32_t body_bytes;
    uint8_t bytes[VECTOR_BYTES_MAX];
    uint32_t byte_count;
    char refusal[24]; /* empty: it is accepted */
    char path[64];
};

/* Fails the process when the file cannot be read or understood. The caller frees with free(). */
struct vector *vectors_load(const char *path, unsigned *out_count);

/*
 * The record that the vector means. Texts point into the vector; bins, maps and lists into `store`, which must outlive
 * the record.
 */
void vector_record(const struct vector *vector, struct proto_buf *store, struct proto_record *out_record);

/* Are all fields of these two structs of one table equal? */
bool fields_same(const struct proto_desc *desc, const void *a, const void *b);
bool records_same(const struct proto_record *a, const struct proto_record *b);

#endif
