#include "store/query.h"

#include "base/err.h"
#include "base/text.h"
#include "store/blob.h"
#include "store/day.h"
#include "store/scan.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { COLUMNS_MAX = 64, TRIES_MAX = 3 };

struct query {
    char folder[PATH_MAX - 128];
    sqlite3 *control;
};

int query_open(struct query **ret, const char *data_folder, struct buf *why)
{
    struct query *query = calloc(1, sizeof *query);
    if (query == NULL)
        return -ENOMEM;
    char path[PATH_MAX];
    if ((size_t)snprintf(query->folder, sizeof query->folder, "%s", data_folder) >= sizeof query->folder) {
        free(query);
        return -ENAMETOOLONG;
    }
    (void)snprintf(path, sizeof path, "%s/control.db", data_folder);
    struct stat st;
    int r = 0;
    if (stat(path, &st) == 0)
        r = db_open(&query->control, path, DB_READ, why);
    else if (errno == ENOENT)
        r = -ERR_NOT_FOUND;
    else
        r = -errno;
    if (r == -ERR_NOT_FOUND)
        buf_printf(why, "%s: nothing is stored here", data_folder);
    if (r == 0)
        r = db_run(query->control, "PRAGMA cache_size=-65536; PRAGMA query_only=ON");
    if (r != 0) {
        if (why->len == 0)
            buf_printf(why, "%s: %s", path, err_text(r));
        query_close(query);
        return r;
    }
    *ret = query;
    return 0;
}

void query_close(struct query *query)
{
    if (query == NULL)
        return;
    db_close(query->control);
    free(query);
}

/* ---- reports ---- */

static void bind_named(sqlite3_stmt *statement, const char *name, int64_t value)
{
    int at = sqlite3_bind_parameter_index(statement, name);
    if (at > 0)
        (void)sqlite3_bind_int64(statement, at, value);
}

static void read_values(sqlite3_stmt *statement, struct query_value *values, int count)
{
    for (int i = 0; i < count; i++) {
        values[i] = (struct query_value){.type = QUERY_NULL};
        switch (sqlite3_column_type(statement, i)) {
        case SQLITE_INTEGER:
            values[i].type = QUERY_INT;
            values[i].number = sqlite3_column_int64(statement, i);
            break;
        case SQLITE_FLOAT:
            values[i].type = QUERY_REAL;
            values[i].real = sqlite3_column_double(statement, i);
            break;
        case SQLITE_TEXT:
            values[i].type = QUERY_TEXT;
            values[i].bytes = db_span(statement, i);
            break;
        case SQLITE_BLOB:
            values[i].type = QUERY_BYTES;
            values[i].bytes = db_span(statement, i);
            break;
        default:
            break;
        }
    }
}

int query_rows(struct query *query, const char *sql, const struct query_range *range,
               int (*row)(void *user, const struct query_value *, size_t count), void *user)
{
    return query_rows_with(query, sql, range, NULL, 0, row, user);
}

static void bind_values(sqlite3_stmt *statement, const struct query_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].type == QUERY_INT)
            (void)sqlite3_bind_int64(statement, (int)i + 1, values[i].number);
        else if (values[i].type == QUERY_TEXT)
            db_bind_span(statement, (int)i + 1, values[i].bytes);
        else if (values[i].type == QUERY_BYTES)
            db_bind_bytes(statement, (int)i + 1, values[i].bytes);
    }
}

int query_rows_with(struct query *query, const char *sql, const struct query_range *range, const struct query_value *given, size_t given_count,
                    int (*row)(void *user, const struct query_value *, size_t count), void *user)
{
    sqlite3_stmt *statement = NULL;
    int r = db_prepare(query->control, &statement, sql);
    int columns = r == 0 ? sqlite3_column_count(statement) : 0;
    if (r == 0 && columns > COLUMNS_MAX)
        r = -ERR_LIMIT;
    if (r == 0) {
        bind_values(statement, given, given_count);
        bind_named(statement, ":since", range->since);
        bind_named(statement, ":until", range->until != 0 ? range->until : INT64_MAX);
        bind_named(statement, ":limit", range->limit != 0 ? range->limit : -1);
        bind_named(statement, ":offset_usec", range->offset_usec);
    }
    while (r == 0 && (r = db_row(statement)) == 1) {
        struct query_value values[COLUMNS_MAX];
        read_values(statement, values, columns);
        r = row(user, values, (size_t)columns) != 0 ? 1 : 0;
        if (r != 0)
            break;
    }
    (void)sqlite3_finalize(statement);
    return r < 0 ? r : 0;
}

/* ---- records ---- */

struct walk {
    struct query *query;
    const struct query_filter *filter;
    int (*each)(void *user, const struct record *);
    void *user;
    bool stopped;
    struct id last; /* handed out last: where to go on when a file changed under us */
    struct buf blob;
};

static int compare_days(const void *a, const void *b)
{
    const usec_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The days that have files, in order. */
static int list_days(const struct query *query, usec_t **ret, size_t *ret_count)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/days", query->folder);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return errno == ENOENT ? 0 : -errno;
    usec_t *days = NULL;
    size_t count = 0, room = 0;
    int r = 0;
    for (struct dirent *entry; r == 0 && (entry = readdir(folder)) != NULL;) {
        usec_t day;
        if (strlen(entry->d_name) != 13 || strcmp(entry->d_name + 10, ".db") != 0 || usec_parse(span_of(entry->d_name, 10), 0, &day, NULL) != 0)
            continue;
        if (count == room) {
            room = room == 0 ? 64 : room * 2;
            usec_t *more = realloc(days, room * sizeof *more);
            if (more == NULL) {
                r = -ENOMEM;
                break;
            }
            days = more;
        }
        days[count++] = day;
    }
    (void)closedir(folder);
    if (r != 0) {
        free(days);
        return r;
    }
    if (count > 0)
        qsort(days, count, sizeof *days, compare_days);
    *ret = days;
    *ret_count = count;
    return 0;
}

/* A record lies in the file of its id's day; its own time may differ from that by an hour (store.h), a session may last into the days after. */
static bool day_wanted(const struct query_filter *filter, usec_t day)
{
    if (filter->since != 0 && day + USEC_PER_DAY + USEC_PER_HOUR <= filter->since)
        return false;
    if (filter->until != 0 && day - USEC_PER_HOUR >= filter->until)
        return false;
    if (!id_is_zero(filter->session)) {
        usec_t began = id_time(filter->session);
        return day + USEC_PER_DAY + USEC_PER_HOUR > began && day <= began + 2 * USEC_PER_DAY;
    }
    return true;
}

/* A sealed day of which the rollups say that the source was not seen needs no look. */
static bool source_absent(struct query *query, struct addr source, usec_t day)
{
    sqlite3_stmt *select = NULL;
    static const uint8_t others[16];
    bool absent = false;
    if (db_prepare(query->control, &select,
                   "SELECT EXISTS(SELECT 1 FROM day WHERE day=?1 AND sealed=1) AND NOT EXISTS(SELECT 1 FROM rollup_source WHERE day=?1 AND"
                   " source_ip IN (?2,?3)) AND EXISTS(SELECT 1 FROM rollup_source WHERE day=?1)") == 0) {
        (void)sqlite3_bind_int64(select, 1, day);
        db_bind_bytes(select, 2, span_of(source.bytes, sizeof source.bytes));
        db_bind_bytes(select, 3, span_of(others, sizeof others));
        absent = db_row(select) == 1 && sqlite3_column_int(select, 0) == 1;
    }
    (void)sqlite3_finalize(select);
    return absent;
}

/* Large bytes that are not a sample's are read back from their blob. */
static int add_blob_fact(struct walk *walk, struct scan_row *row)
{
    if (row->blob_fact == 0 || row->record.kind == KIND_SAMPLE || row->record.fact_count >= RECORD_FACTS_MAX)
        return 0;
    uint8_t sha256[BLOB_HASH_LEN];
    if (text_unhex(row->blob_hex, sha256, sizeof sha256) != 0)
        return -ERR_MALFORMED;
    buf_clear(&walk->blob);
    int r = blob_get(walk->query->folder, sha256, &walk->blob);
    if (r == -ERR_NOT_FOUND)
        return 0; /* removed by the retention */
    if (r == 0)
        row->facts[row->record.fact_count++] = fact_text(row->blob_fact, buf_as_span(&walk->blob));
    return r;
}

static int walk_rows(struct walk *walk, sqlite3 *db, struct scan_row *row)
{
    const struct query_filter *f = walk->filter;
    struct scan_want want = {.kinds = f->kinds,
                             .since = f->since,
                             .until = f->until,
                             .session = f->session,
                             .by_source = f->by_source,
                             .source = f->source,
                             .by_destination = f->by_destination,
                             .destination = f->destination};
    bool newest = f->newest_first;
    /* Ids begin with the time, so they narrow the rows read; the hour is what store.h allows between them. */
    if (f->since > USEC_PER_HOUR)
        want.after_id = id_digest(f->since - USEC_PER_HOUR, span_of((const uint8_t[10]){0}, 10));
    if (f->until != 0 && f->until < INT64_MAX - USEC_PER_HOUR)
        want.up_to_id = id_digest(f->until + USEC_PER_HOUR, span_of((const uint8_t[10]){0}, 10));
    bool resumed = !id_is_zero(walk->last);
    if (resumed && newest)
        want.up_to_id = walk->last;
    else if (resumed)
        want.after_id = walk->last;
    struct scan *scan = NULL;
    int r = scan_open(&scan, db, &want, newest ? SCAN_BY_ID_NEWEST_FIRST : SCAN_BY_ID);
    while (r == 0 && (r = scan_next(scan, row)) == 1) {
        r = 0;
        if (resumed && id_equal(row->record.id, walk->last))
            continue;
        r = add_blob_fact(walk, row);
        if (r != 0)
            break;
        walk->last = row->record.id;
        if (walk->each(walk->user, &row->record) != 0) {
            walk->stopped = true;
            break;
        }
    }
    scan_close(scan);
    return r;
}

/* Sealed files are opened immutable, which takes no lock: should a late record have reopened one meanwhile, it is read again. */
static int walk_day(struct walk *walk, usec_t day, struct scan_row *row)
{
    char path[PATH_MAX], name[USEC_TEXT_SIZE];
    (void)snprintf(path, sizeof path, "%s/days/%s.db", walk->query->folder, usec_print_day(day, name));
    walk->last = (struct id){0};
    int r = 0;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        struct stat before, after;
        bool immutable = false;
        if (stat(path, &before) != 0)
            return 0; /* removed by the retention */
        sqlite3 *db = NULL;
        r = day_open_to_read(&db, path, &immutable);
        if (r == 0)
            r = walk_rows(walk, db, row);
        db_close(db);
        bool changed = immutable && (stat(path, &after) != 0 || before.st_mtim.tv_sec != after.st_mtim.tv_sec ||
                                     before.st_mtim.tv_nsec != after.st_mtim.tv_nsec || before.st_size != after.st_size);
        if (walk->stopped || !changed)
            break;
    }
    return r;
}

int query_records(struct query *query, const struct query_filter *filter, int (*each)(void *user, const struct record *), void *user)
{
    usec_t *days = NULL;
    size_t count = 0;
    struct walk walk = {.query = query, .filter = filter, .each = each, .user = user};
    buf_init(&walk.blob, RECORD_SIZE_MAX);
    struct scan_row *row = malloc(sizeof *row);
    int r = row == NULL ? -ENOMEM : list_days(query, &days, &count);
    for (size_t i = 0; i < count && r == 0 && !walk.stopped; i++) {
        usec_t day = days[filter->newest_first ? count - 1 - i : i];
        if (!day_wanted(filter, day) || (filter->by_source && source_absent(query, filter->source, day)))
            continue;
        r = walk_day(&walk, day, row);
    }
    buf_done(&walk.blob);
    free(row);
    free(days);
    return r;
}

int query_blob(struct query *query, const uint8_t sha256[static 32], struct buf *out)
{
    return blob_get(query->folder, sha256, out);
}
