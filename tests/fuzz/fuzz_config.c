/*
 * Fuzzes the files that an operator writes: the same text as configuration and as catalogue.
 *
 * What loads must be whole: a configuration printed and loaded again says the same; every service type of a catalogue
 * encodes as a row that decodes. What does not load must say where and why.
 */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shell/catalogue_load.h"
#include "shell/config.h"

enum { TEXT_BYTES_MAX = 1 << 16, ROW_BYTES_MAX = 1 << 20 };

/* A file in memory, made once, that the loaders read by its path. */
static const char *
file_of(const void *p, size_t n)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        REQUIRE(fd >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    REQUIRE(ftruncate(fd, 0) == 0 && pwrite(fd, p, n, 0) == (ssize_t)n);
    return path;
}

static void
error_check(const struct load_error *error)
{
    char line[1024];
    load_error_text(error, line, sizeof line);
    REQUIRE(error->file[0] != '\0' && error->what[0] != '\0' && strlen(line) < sizeof line);
}

static char *
config_text(const struct config *config, size_t *out_n)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, out_n);
    REQUIRE(out != NULL);
    config_print(config, out);
    fclose(out);
    return text;
}

static void
config_fuzz(const uint8_t *p, size_t n)
{
    struct config config, again;
    struct load_error error;
    size_t first_n, second_n;
    if (!config_load(file_of(p, n), &config, &error)) {
        error_check(&error);
        return;
    }
    char *first = config_text(&config, &first_n);
    if (!config_load(file_of(first, first_n), &again, &error)) {
        fprintf(stderr, "%s\n%u:%u %s %s\n", first, error.line, error.column, error.field, error.what);
        REQUIRE(!"what was printed loads");
    }
    char *second = config_text(&again, &second_n);
    REQUIRE(first_n == second_n && memcmp(first, second, first_n) == 0);
    free(first);
    free(second);
}

static void
catalogue_fuzz(const uint8_t *p, size_t n)
{
    struct catalogue *catalogue = NULL;
    struct load_error error;
    struct proto_error why;
    struct proto_service_row row;
    struct proto_buf buf;
    if (!catalogue_load(file_of(p, n), PROTO_LIMIT_INPUT_BYTES, PROTO_LIMIT_BODY_BYTES, &catalogue, &error)) {
        error_check(&error);
        return;
    }
    proto_buf_init(&buf, ROW_BYTES_MAX);
    for (uint32_t i = 0; i < catalogue_count(catalogue); i++) {
        const struct service_type *service = catalogue_service(catalogue, i);
        REQUIRE(catalogue_find(catalogue, service->name) == service && service->index == i);
        for (int whole = 0; whole < 2; whole++) {
            proto_buf_reset(&buf);
            REQUIRE(service_row_encode(service, whole, &buf));
            REQUIRE(proto_struct_decode(buf.p, buf.n, PROTO_STRUCT_SERVICE_ROW, &row, &why));
            REQUIRE(proto_str_eq(row.service, service->name));
        }
    }
    proto_buf_fini(&buf);
    catalogue_unref(&catalogue);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n <= TEXT_BYTES_MAX) {
        config_fuzz(p, n);
        catalogue_fuzz(p, n);
    }
    return 0;
}
