/*
 * Pages of history.
 *
 * A page is a merge of index scans, newest first: by requester, by performer, by both (a party that is either), by
 * service, or one scan per service when no party is given. So no query scans the table, and rows looked at are bounded.
 */
#include "store/history_reader.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "store/error.h"

enum { SCANS_MAX = 1024 };

/* ?1 the name's number, ?2 since, ?3 and ?4 where to go on: rows before (at, id). */
#define SCAN_SQL(index, column, more)                                                                       \
    "SELECT " HISTORY_ROW_COLUMNS ", service FROM finished INDEXED BY " index " WHERE " column " = ?1 " more          \
    "AND at >= ?2 AND at <= ?3 AND (at < ?3 OR id < ?4) ORDER BY at DESC, id DESC"

enum scan_kind { SCAN_REQUESTER, SCAN_PERFORMER, SCAN_SERVICE };

static const char *const scan_sql[] = {
    [SCAN_REQUESTER] = SCAN_SQL("finished_requester", "requester", ""),
    [SCAN_PERFORMER] = SCAN_SQL("finished_performer", "performer", "AND performer > 0 "),
    [SCAN_SERVICE] = SCAN_SQL("finished_service", "service", ""),
};

struct scan {
    sqlite3_stmt *stmt;
    bool row; /* it stands on one */
    uint64_t id;
    int64_t at;
};

struct page {
    struct history_reader *reader;
    const struct store_query *query;
    struct scan scans[SCANS_MAX];
    uint32_t count;
    int64_t before_at;
    int64_t before_id;
    bool by_service; /* only these: */
    uint32_t services[SCANS_MAX];
    uint32_t service_count;
};

/* The number of a name; 0: history never heard of it. */
static enum store_status
name_find(struct history_reader *reader, const char *name, uint32_t *out_number, struct store_error *out_error)
{
    enum store_status status = STORE_OK;
    uint32_t number = 0;
    int rc;

    sqlite3_bind_text(reader->name, 1, name, -1, SQLITE_STATIC);
    rc = sqlite3_step(reader->name);
    if (rc == SQLITE_ROW) {
        number = (uint32_t)sqlite3_column_int64(reader->name, 0);
    } else if (rc != SQLITE_DONE) {
        status = sql_error(reader->db, rc, "history.db: reading a name", out_error);
    }
    sqlite3_reset(reader->name);
    sqlite3_clear_bindings(reader->name);
    if (status == STORE_OK) {
        *out_number = number;
    }
    return status;
}

static enum store_status
scan_next(struct page *page, struct scan *scan, struct store_error *out_error)
{
    int rc = sqlite3_step(scan->stmt);

    scan->row = rc == SQLITE_ROW;
    if (scan->row) {
        scan->id = (uint64_t)sqlite3_column_int64(scan->stmt, 0);
        scan->at = sqlite3_column_int64(scan->stmt, 2);
    } else if (rc != SQLITE_DONE) {
        return sql_error(page->reader->db, rc, "history.db: reading a page", out_error);
    }
    return STORE_OK;
}

static enum store_status
scan_add(struct page *page, enum scan_kind kind, uint32_t number, struct store_error *out_error)
{
    struct scan *scan = &page->scans[page->count];
    enum store_status status;

    if (number == 0 || page->count == SCANS_MAX) {
        return STORE_OK;
    }
    status = sql_prepare(page->reader->db, scan_sql[kind], &scan->stmt, out_error);
    if (status != STORE_OK) {
        return status;
    }
    page->count++;
    sqlite3_bind_int64(scan->stmt, 1, number);
    sqlite3_bind_int64(scan->stmt, 2, page->query->since_us);
    sqlite3_bind_int64(scan->stmt, 3, page->before_at);
    sqlite3_bind_int64(scan->stmt, 4, page->before_id);
    return scan_next(page, scan, out_error);
}

static enum store_status
scan_add_name(struct page *page, enum scan_kind kind, const char *name, struct store_error *out_error)
{
    uint32_t number = 0;
    enum store_status status = name_find(page->reader, name, &number, out_error);

    return status == STORE_OK ? scan_add(page, kind, number, out_error) : status;
}

static enum store_status
scan_add_services(struct page *page, struct store_error *out_error)
{
    sqlite3_stmt *next = page->reader->service_after;
    enum store_status status = STORE_OK;
    int64_t service = 0;
    int rc = SQLITE_ROW;

    while (status == STORE_OK && rc == SQLITE_ROW) {
        sqlite3_bind_int64(next, 1, service);
        rc = sqlite3_step(next);
        if (rc == SQLITE_ROW) {
            service = sqlite3_column_int64(next, 0);
        } else if (rc != SQLITE_DONE) {
            status = sql_error(page->reader->db, rc, "history.db: reading a page", out_error);
        }
        sqlite3_reset(next);
        if (rc == SQLITE_ROW) {
            status = scan_add(page, SCAN_SERVICE, (uint32_t)service, out_error);
        }
    }
    return status;
}

/* The numbers of the service or services that the query names. `prefix.*` is all names from "prefix." up to "prefix/". */
static enum store_status
services_find(struct page *page, struct store_error *out_error)
{
    const char *name = page->query->service;
    size_t n = strlen(name);
    bool prefix = n >= 2 && strcmp(name + n - 2, ".*") == 0;
    sqlite3_stmt *stmt = NULL;
    enum store_status status;
    int rc = SQLITE_ROW;

    page->by_service = true;
    if (!prefix) {
        status = name_find(page->reader, name, &page->services[0], out_error);
        page->service_count = page->services[0] != 0;
        return status;
    }
    status = sql_prepare(page->reader->db, "SELECT id FROM name WHERE text > ?1 AND text < substr(?1, 1, length(?1) - 1) || '/'",
                         &stmt, out_error);
    if (status != STORE_OK) {
        return status;
    }
    sqlite3_bind_text(stmt, 1, name, (int)n - 1, SQLITE_STATIC);
    while (rc == SQLITE_ROW && page->service_count < SCANS_MAX) {
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
            page->services[page->service_count++] = (uint32_t)sqlite3_column_int64(stmt, 0);
        }
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        status = sql_error(page->reader->db, rc, "history.db: reading names", out_error);
    }
    sqlite3_finalize(stmt);
    return status;
}

static enum store_status
scans_open(struct page *page, bool *out_none, struct store_error *out_error)
{
    const struct store_query *query = page->query;
    bool party = query->requester != NULL || query->performer != NULL;
    enum store_status status = STORE_OK;

    *out_none = false;
    if (query->service != NULL) {
        status = services_find(page, out_error);
        *out_none = status == STORE_OK && page->service_count == 0;
    }
    if (status != STORE_OK || *out_none) {
        return status;
    }
    if (query->requester != NULL) {
        status = scan_add_name(page, SCAN_REQUESTER, query->requester, out_error);
    }
    if (status == STORE_OK && query->performer != NULL) {
        status = scan_add_name(page, SCAN_PERFORMER, query->performer, out_error);
    }
    if (status == STORE_OK && !party && !page->by_service) {
        status = scan_add_services(page, out_error);
    }
    for (uint32_t i = 0; status == STORE_OK && !party && i < page->service_count; i++) {
        status = scan_add(page, SCAN_SERVICE, page->services[i], out_error);
    }
    return status;
}

/* The scan that stands on the newest row; NULL: all are at their ends. */
static struct scan *
scan_newest(struct page *page)
{
    struct scan *newest = NULL;

    for (uint32_t i = 0; i < page->count; i++) {
        struct scan *scan = &page->scans[i];
        if (scan->row && (newest == NULL || scan->at > newest->at || (scan->at == newest->at && scan->id > newest->id))) {
            newest = scan;
        }
    }
    return newest;
}

/* Past this row in every scan: a party that is requester and performer of it is found twice. */
static enum store_status
scans_pass(struct page *page, int64_t at, uint64_t id, struct store_error *out_error)
{
    enum store_status status = STORE_OK;

    for (uint32_t i = 0; status == STORE_OK && i < page->count; i++) {
        struct scan *scan = &page->scans[i];
        if (scan->row && scan->at == at && scan->id == id) {
            status = scan_next(page, scan, out_error);
        }
    }
    return status;
}

static bool
row_matches(const struct page *page, const struct scan *scan)
{
    uint32_t status = (uint32_t)sqlite3_column_int64(scan->stmt, 3);
    uint32_t service = (uint32_t)sqlite3_column_int64(scan->stmt, 6);
    bool found = !page->by_service;

    for (uint32_t i = 0; i < page->service_count && !found; i++) {
        found = page->services[i] == service;
    }
    return found && (page->query->status_mask == 0 || (status < 32 && (page->query->status_mask >> status & 1) != 0));
}

static enum store_status
cursor_read(struct page *page, struct store_error *out_error)
{
    const struct store_query *query = page->query;
    unsigned long long at, id;
    int used = 0;

    page->before_at = query->until_us > 0 ? query->until_us - 1 : INT64_MAX;
    page->before_id = INT64_MAX;
    if (query->after == NULL || query->after[0] == '\0') {
        return STORE_OK;
    }
    if (sscanf(query->after, "%16llx-%16llx%n", &at, &id, &used) != 2 ||
        query->after[used] != '\0' || at > INT64_MAX) {
        return error_set(out_error, STORE_INVALID, "this is no cursor of a list");
    }
    if ((int64_t)at <= page->before_at) {
        page->before_at = (int64_t)at;
        page->before_id = (int64_t)id;
    }
    return STORE_OK;
}

/* The row that the cursor names is the last one of this page: what follows is older. */
static void
cursor_write(char *out_cursor, int64_t at, uint64_t id)
{
    snprintf(out_cursor, STORE_CURSOR_BYTES, "%llx-%llx", (unsigned long long)at, (unsigned long long)id);
}

static enum store_status
page_fill(struct page *page, store_finished_fn *fn, void *context, char *out_cursor, struct store_error *out_error)
{
    const struct store_query *query = page->query;
    enum store_status status = STORE_OK;
    uint32_t rows = 0, scanned = 0;
    uint64_t last_id = (uint64_t)page->before_id;
    int64_t last_at = page->before_at;
    struct scan *scan;

    while (status == STORE_OK && (scan = scan_newest(page)) != NULL) {
        struct store_finished row;
        int64_t at = scan->at;
        uint64_t id = scan->id;
        if (rows == query->rows_max || scanned == query->scan_max) {
            cursor_write(out_cursor, last_at, last_id);
            return STORE_OK;
        }
        scanned++;
        if (row_matches(page, scan)) {
            int said = STORE_ROW_TAKEN;
            status = query->trail ? history_get(page->reader, id, &row, out_error)
                                  : history_row_read(scan->stmt, &row, out_error);
            if (status == STORE_OK) {
                said = fn(context, &row);
            }
            if (said == STORE_ROW_STOP) {
                cursor_write(out_cursor, last_at, last_id);
                return STORE_OK;
            }
            rows += said == STORE_ROW_TAKEN;
        }
        last_at = at;
        last_id = id;
        if (status == STORE_OK) {
            status = scans_pass(page, at, id, out_error);
        }
    }
    return status;
}

enum store_status
history_list(struct history_reader *reader, const struct store_query *query, store_finished_fn *fn, void *context,
             char *out_cursor, struct store_error *out_error)
{
    struct page *page = calloc(1, sizeof(*page));
    char cursor[STORE_CURSOR_BYTES] = "";
    enum store_status status;
    bool none = false;

    assert(query->rows_max > 0 && query->scan_max > 0);
    if (page == NULL) {
        return error_set(out_error, STORE_NO_MEMORY, "no memory for a page");
    }
    page->reader = reader;
    page->query = query;
    status = cursor_read(page, out_error);
    if (status == STORE_OK) {
        status = scans_open(page, &none, out_error);
    }
    if (status == STORE_OK && !none) {
        status = page_fill(page, fn, context, cursor, out_error);
    }
    for (uint32_t i = 0; i < page->count; i++) {
        sqlite3_finalize(page->scans[i].stmt);
    }
    free(page);
    if (status == STORE_OK) {
        memcpy(out_cursor, cursor, sizeof(cursor));
    }
    return status;
}
