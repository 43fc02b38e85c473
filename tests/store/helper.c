/*
 * See helper.h.
 */
#include "helper.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/sql.h"

static const char *const services[] = {"testing.assay", "cdmo.batch", "coldchain.transport", "funding.grant"};
static const char *const requesters[] = {"bio-a", "bio-b", "bio-c"};
static const char *const performers[] = {"lab-1", "lab-2"};

char *
helper_dir_make(void)
{
    const char *base = getenv("TMPDIR");
    char path[512];

    snprintf(path, sizeof(path), "%s/qiao-store-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    return strdup(path);
}

void
helper_dir_remove(char **dir_p)
{
    DIR *dir = opendir(*dir_p);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[1024];
        snprintf(path, sizeof(path), "%s/%s", *dir_p, entry->d_name);
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            char *inner = strdup(path);
            helper_dir_remove(&inner);
        } else {
            unlink(path);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    rmdir(*dir_p);
    free(*dir_p);
    *dir_p = NULL;
}

void
helper_run(sqlite3 *db, const char *sql)
{
    struct store_error error = {0};

    if (sql_run(db, sql, "sql", &error) != STORE_OK) {
        fail_msg("%s: %s", sql, error.text);
    }
}

int64_t
helper_number(sqlite3 *db, const char *sql)
{
    struct store_error error = {0};
    int64_t n = -1;

    if (sql_number(db, sql, &n, &error) != STORE_OK) {
        fail_msg("%s: %s", sql, error.text);
    }
    return n;
}

struct store_options
helper_options(enum store_engine engine)
{
    struct store_options options;

    store_options_default(&options);
    options.engine = engine;
    options.disk_reserve_bytes = 1;
    options.recent_bytes_max = 64 << 10;
    options.cache_bytes_max = 64 << 10;
    options.history_cache_bytes_max = 64 << 10;
    options.history_nice = 0;
    return options;
}

static int
replay_ignore(void *context, enum store_origin origin, uint64_t seq, const uint8_t *p, uint32_t n)
{
    return 0;
}

struct store *
helper_open(const char *dir, const struct store_options *options)
{
    struct store *store = NULL;
    struct store_error error = {0};

    if (store_open(dir, options, &store, &error) != STORE_OK) {
        fail_msg("%s: %s", store_status_text(error.status), error.text);
    }
    if (store_replay(store, replay_ignore, NULL, &error) != STORE_OK) {
        fail_msg("%s: %s", store_status_text(error.status), error.text);
    }
    return store;
}

void
helper_close(struct store **store_p)
{
    struct store_error error = {0};

    if (store_close(store_p, 10000000, &error) != STORE_OK) {
        fail_msg("%s: %s", store_status_text(error.status), error.text);
    }
}

struct helper_request
helper_request_of(uint32_t number)
{
    return (struct helper_request){
        .id = (uint64_t)(1700000000u + number / 1000) << 24 | (uint64_t)(number % 1000 + 1) << 6,
        .service = services[number % 4],
        .requester = requesters[number % 3],
        .performer = performers[number % 2],
    };
}

void
helper_event(struct proto_buf *buf, enum proto_ev type, const struct helper_request *request,
             enum proto_status status, int64_t at_us, uint32_t body_bytes)
{
    static uint8_t body[1 << 16];
    struct proto_event event;

    if (body[1] == 0) {
        for (size_t i = 0; i < sizeof(body); i++) {
            body[i] = (uint8_t)(i * 7);
        }
    }
    memset(&event, 0, sizeof(event));
    event.type = type;
    event.id = request->id;
    event.prev = request->prev;
    event.at = at_us;
    event.service = proto_str_of(request->service);
    event.requester = proto_str_of(request->requester);
    if (type != PROTO_EV_ACCEPTED) {
        event.performer = proto_str_of(request->performer);
    }
    event.status = status;
    event.body = (struct proto_bin){.p = body, .n = body_bytes};
    proto_buf_reset(buf);
    assert_true(proto_event_encode(buf, &event));
}

uint64_t
helper_append(struct store *store, enum proto_ev type, struct helper_request *request, enum proto_status status,
              int64_t at_us, uint32_t body_bytes)
{
    uint64_t seq = store_last_seq(store) + 1;
    struct proto_buf buf;

    proto_buf_init(&buf, 1 << 20);
    helper_event(&buf, type, request, status, at_us, body_bytes);
    assert_int_equal(store_append(store, seq, buf.p, (uint32_t)buf.n), STORE_OK);
    proto_buf_fini(&buf);
    request->prev = seq;
    return seq;
}

void
helper_lifecycle(struct store *store, struct helper_request *request, int64_t at_us)
{
    helper_append(store, PROTO_EV_ACCEPTED, request, PROTO_STATUS_READY, at_us, 256);
    helper_append(store, PROTO_EV_ASSIGNED, request, PROTO_STATUS_IN_PROGRESS, at_us + 1, 0);
    helper_append(store, PROTO_EV_COMPLETED, request, PROTO_STATUS_COMPLETED, at_us + 2, 64);
}

void
helper_commit(struct store *store)
{
    struct store_error error = {0};

    if (store_commit_wait(store, &error) != STORE_OK) {
        fail_msg("%s: %s", store_status_text(error.status), error.text);
    }
}

void
helper_projected(struct store *store)
{
    uint64_t projected = 0, durable;
    struct store_error error = {0};

    helper_commit(store);
    store_projected(store, &projected);
    while (projected < store_durable_seq(store)) {
        struct pollfd poll_fd = {.fd = store_fd(store), .events = POLLIN};
        assert_true(poll(&poll_fd, 1, 10000) == 1);
        if (store_commit_end(store, &durable, &error) != STORE_OK) {
            fail_msg("%s: %s", store_status_text(error.status), error.text);
        }
        store_projected(store, &projected);
    }
}
