/* Rolling forward: rows of day files that a crash, or a batch that was rolled back, left out of the control database are summed again. */
#include "store/parts.h"

#include "base/err.h"
#include "base/text.h"
#include "store/scan.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int learn_sensors(struct store *store, struct open_day *open)
{
    sqlite3_stmt *select = NULL;
    int r = db_prepare(day_database(open->file), &select, "SELECT number,name FROM sensor");
    while (r == 0 && (r = db_row(select)) == 1)
        r = control_learn_sensor(store->control, sqlite3_column_int64(select, 0), db_span(select, 1));
    (void)sqlite3_finalize(select);
    return r;
}

/* A sample's size is among its facts; of other blobs the table has learned it when they were written. */
static struct blob_ref blob_of(const struct scan_row *row)
{
    struct blob_ref blob;
    blob.fact = (enum fact_name)0;
    blob.size = 0;
    if (row->blob_fact == 0 || row->blob_hex.len != BLOB_HEX_SIZE - 1)
        return blob;
    blob.fact = row->blob_fact;
    memcpy(blob.hex, row->blob_hex.at, row->blob_hex.len);
    blob.hex[BLOB_HEX_SIZE - 1] = '\0';
    const struct fact *size = record_fact(&row->record, FACT_FILE_SIZE);
    if (size != NULL && size->number > 0)
        blob.size = (uint64_t)size->number;
    return blob;
}

/* A banner too long for its row: read back, so that what is derived from it is the same. */
static int add_banner(struct store *store, struct scan_row *row, struct buf *banner)
{
    uint8_t sha256[BLOB_HASH_LEN];
    if (row->blob_fact != FACT_BANNER || row->record.fact_count >= RECORD_FACTS_MAX || text_unhex(row->blob_hex, sha256, sizeof sha256) != 0)
        return 0;
    buf_clear(banner);
    int r = blob_get(store->folder, sha256, banner);
    if (r == 0)
        row->facts[row->record.fact_count++] = fact_text(FACT_BANNER, buf_as_span(banner));
    return r == -ERR_NOT_FOUND ? 0 : r;
}

static int flush_now(struct store *store)
{
    int r = control_begin(store->control);
    if (r == 0)
        r = rollup_flush(store->rollup);
    if (r == 0)
        r = control_commit(store->control);
    if (r != 0) {
        control_rollback(store->control);
        return r;
    }
    rollup_forget(store->rollup);
    return 0;
}

static int add_rows(struct store *store, struct open_day *open, int64_t applied)
{
    struct scan *scan = NULL;
    struct scan_row *row = malloc(sizeof *row);
    struct buf banner;
    buf_init(&banner, RECORD_SIZE_MAX);
    const struct scan_want want = {.after_row = applied, .up_to_row = day_last_row(open->file)};
    int r = row == NULL ? -ENOMEM : scan_open(&scan, day_database(open->file), &want, SCAN_BY_ROW);
    while (r == 0 && (r = scan_next(scan, row)) == 1) {
        struct blob_ref blob = blob_of(row);
        r = add_banner(store, row, &banner);
        if (r == 0)
            r = rollup_add(store->rollup, &row->record, row->sensor, open->day, row->row, &blob);
        if (r == 0 && rollup_full(store->rollup))
            r = flush_now(store);
    }
    scan_close(scan);
    buf_done(&banner);
    free(row);
    return r;
}

int forward_day(struct store *store, struct open_day *open)
{
    struct control_day known = {0};
    int r = control_day(store->control, open->day, &known);
    if (r == -ERR_NOT_FOUND)
        r = 0;
    if (r == 0 && day_last_row(open->file) > known.applied) {
        r = learn_sensors(store, open);
        if (r == 0)
            r = add_rows(store, open, known.applied);
    }
    return r;
}

/* "2026-11-20.db" -> its day's start; false for other names. */
static bool day_of_name(const char *name, usec_t *ret)
{
    size_t len = strlen(name);
    return len == 13 && strcmp(name + 10, ".db") == 0 && usec_parse(span_of(name, 10), 0, ret, NULL) == 0;
}

static int forward_file(struct store *store, usec_t day)
{
    for (size_t i = 0; i < OPEN_DAYS_MAX; i++) {
        if (store->open[i] != NULL && store->open[i]->day == day)
            return forward_day(store, store->open[i]);
    }
    struct control_day known = {0};
    char path[PATH_MAX];
    int r = store_path_of_day(store, day, path);
    if (r == 0)
        r = control_day(store->control, day, &known);
    if (r == 0 && known.sealed && !day_file_live(path))
        return 0;
    if (r != 0 && r != -ERR_NOT_FOUND)
        return r;
    struct open_day *open = NULL;
    r = store_day(store, day, &open);
    return r == 0 ? forward_day(store, open) : r;
}

int forward_all(struct store *store)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/days", store->folder);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return -errno;
    int r = 0;
    for (struct dirent *entry; r == 0 && (entry = readdir(folder)) != NULL;) {
        usec_t day = 0;
        if (day_of_name(entry->d_name, &day))
            r = forward_file(store, day);
    }
    (void)closedir(folder);
    return r;
}
