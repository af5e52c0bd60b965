/* What keeps the data folder in order: past days are sealed, what is too old or too much is removed. */
#include "store/parts.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Records of a day that is over may come this much later without its file being opened again. */
static const usec_t grace = USEC_PER_HOUR;

static int64_t file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

static int seal(struct store *store, usec_t day)
{
    struct open_day *open = NULL;
    char path[PATH_MAX];
    int r = store_day(store, day, &open);
    if (r == 0)
        r = store_path_of_day(store, day, path);
    if (r != 0)
        return r;
    r = day_seal(open->file);
    (void)store_close_day(store, open);
    /* A reader is at it, or there is no room for the indexes: it stays live, and is tried again later. */
    if (r == -ERR_BUSY || r == -ERR_FULL)
        return 0;
    return r == 0 ? control_seal(store->control, day, true, file_size(path)) : r;
}

static int seal_days(struct store *store, const struct control_day *days, size_t count, usec_t now, bool all)
{
    int r = 0;
    bool done = false;
    for (size_t i = 0; i < count && r == 0 && (all || !done); i++) {
        usec_t end = days[i].day + USEC_PER_DAY;
        if (days[i].sealed || end > now || (!all && end + grace > now))
            continue;
        r = seal(store, days[i].day);
        done = true; /* one at a time: indexing a large day takes seconds in which nothing else is stored */
    }
    return r;
}

/* ---- retention ---- */

static int remove_day(struct store *store, usec_t day, bool rollups)
{
    static const char *const parts[] = {"", "-wal", "-shm", "-journal"};
    char path[PATH_MAX];
    int r = store_path_of_day(store, day, path);
    if (r != 0)
        return r;
    for (size_t i = 0; i < OPEN_DAYS_MAX; i++) {
        if (store->open[i] != NULL && store->open[i]->day == day)
            (void)store_close_day(store, store->open[i]);
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char part[PATH_MAX + 16];
        (void)snprintf(part, sizeof part, "%s%s", path, parts[i]);
        if (unlink(part) != 0 && errno != ENOENT)
            return -errno;
    }
    return control_forget_day(store->control, day, rollups);
}

/* Blobs nothing refers to since `before`: the file first, so that none is forgotten while it is there. */
static int remove_blobs(struct store *store, usec_t before)
{
    sqlite3 *db = control_database(store->control);
    sqlite3_stmt *select = NULL, *forget = NULL;
    int r = db_prepare(db, &select, "SELECT sha256 FROM blob WHERE last<?1");
    if (r == 0)
        r = db_prepare(db, &forget, "DELETE FROM blob WHERE last<?1");
    if (r == 0) {
        (void)sqlite3_bind_int64(select, 1, before);
        (void)sqlite3_bind_int64(forget, 1, before);
    }
    while (r == 0 && (r = db_row(select)) == 1) {
        uint8_t sha256[BLOB_HASH_LEN];
        r = text_unhex(db_span(select, 0), sha256, sizeof sha256);
        r = r == 0 ? blob_remove(store->folder, sha256) : 0;
    }
    (void)sqlite3_finalize(select);
    if (r == 0)
        r = db_done(forget);
    (void)sqlite3_finalize(forget);
    return r != 0 ? r : db_run(db, "UPDATE sample SET kept=0 WHERE kept=1 AND sha256 NOT IN (SELECT sha256 FROM blob)");
}

static int forget_before(struct store *store, usec_t before)
{
    static const char *const by_last[] = {"sample",   "host_port", "host_banner",  "host_attack", "host_listing",
                                          "evidence", "quest",     "quest_answer", "contact",     "resolution"};
    struct buf sql;
    buf_init(&sql, 4096);
    buf_printf(&sql,
               "DELETE FROM sample_source WHERE sha256 IN (SELECT sha256 FROM sample WHERE last<%lld);DELETE FROM host WHERE last_day<%lld;"
               "DELETE FROM task WHERE ended IS NOT NULL AND ended<%lld;",
               (long long)before, (long long)before, (long long)before);
    for (size_t i = 0; i < sizeof by_last / sizeof by_last[0]; i++)
        buf_printf(&sql, "DELETE FROM %s WHERE last<%lld;", by_last[i], (long long)before);
    buf_text(&sql, "DELETE FROM contact_origin WHERE contact NOT IN (SELECT number FROM contact);");
    int r = sql.error != 0 ? sql.error : db_run(control_database(store->control), buf_cstr(&sql));
    buf_done(&sql);
    return r;
}

/* When a day's file was last written. Old records that were imported lately stay as long after their import as new ones do. */
static usec_t written(struct store *store, usec_t day)
{
    char path[PATH_MAX];
    struct stat st;
    if (store_path_of_day(store, day, path) != 0 || stat(path, &st) != 0)
        return 0;
    return (usec_t)st.st_mtim.tv_sec * USEC_PER_SEC;
}

static int retain_by_age(struct store *store, const struct control_day *days, size_t count, usec_t now)
{
    usec_t before = now - store->retention;
    size_t removed = 0;
    int r = 0;
    if (store->retention <= 0)
        return 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        if (days[i].day + USEC_PER_DAY > before || written(store, days[i].day) > before)
            continue;
        r = remove_day(store, days[i].day, true);
        removed++;
    }
    if (r != 0 || removed == 0)
        return r;
    /* What only removed days know of goes too; a day that stayed, though old, keeps what came after it. */
    char oldest_sql[96];
    int64_t oldest = before;
    (void)snprintf(oldest_sql, sizeof oldest_sql, "SELECT min(ifnull(min(day),%lld),%lld) FROM day", (long long)before, (long long)before);
    r = db_number(control_database(store->control), oldest_sql, &oldest);
    if (r == 0)
        r = remove_blobs(store, oldest);
    return r == 0 ? forget_before(store, oldest) : r;
}

static int retain_by_size(struct store *store, usec_t now)
{
    struct control_day *days = NULL;
    size_t count = 0, removed = 0;
    int64_t total = 0;
    if (store->size_max <= 0)
        return 0;
    int r = control_days(store->control, &days, &count);
    int64_t *sizes = r == 0 ? calloc(count + 1, sizeof *sizes) : NULL;
    if (r == 0 && sizes == NULL)
        r = -ENOMEM;
    if (r == 0)
        r = db_number(control_database(store->control), "SELECT ifnull(sum(size),0) FROM blob", &total);
    for (size_t i = 0; i < count && r == 0; i++) {
        char path[PATH_MAX], log[PATH_MAX + 8];
        r = store_path_of_day(store, days[i].day, path);
        (void)snprintf(log, sizeof log, "%s-wal", path);
        sizes[i] = file_size(path) + file_size(log);
        total += sizes[i];
    }
    /* The day that is being written stays, however large. Rollups stay too: they are small, and not what fills the disk. */
    while (r == 0 && total > store->size_max && removed < count && days[removed].day + USEC_PER_DAY <= now) {
        r = remove_day(store, days[removed].day, false);
        total -= sizes[removed++];
    }
    if (r == 0 && removed > 0)
        r = remove_blobs(store, days[removed - 1].day + USEC_PER_DAY);
    free(sizes);
    free(days);
    return r;
}

/* Whom we dialled longer ago than any interval between visits, ports of tasks that ended otherwise than by a visit, budgets of long ago, answers that
 * hold no longer, and blocks of searches that never ended. */
static int forget_dials(struct store *store, usec_t now)
{
    char sql[512];
    long long long_ago = (long long)(now - 400 * USEC_PER_DAY);
    (void)snprintf(sql, sizeof sql,
                   "DELETE FROM host_dial WHERE day<%lld;"
                   "DELETE FROM dialled WHERE task NOT IN (SELECT key FROM task WHERE state IN ('waiting','leased'));"
                   "DELETE FROM registry_hour WHERE begin<%lld;DELETE FROM block WHERE expires<%lld;DELETE FROM quest_answer WHERE last<%lld",
                   long_ago, long_ago, (long long)now, (long long)(now - 7 * USEC_PER_DAY));
    return db_run(control_database(store->control), sql);
}

int store_tidy(struct store *store, usec_t now, bool all)
{
    struct control_day *days = NULL;
    size_t count = 0;
    int r = store_flush(store);
    if (r == 0)
        r = control_days(store->control, &days, &count);
    if (r == 0)
        r = retain_by_age(store, days, count, now);
    free(days);
    days = NULL;
    if (r == 0)
        r = forget_dials(store, now);
    if (r == 0)
        r = retain_by_size(store, now);
    if (r == 0)
        r = control_days(store->control, &days, &count);
    if (r == 0)
        r = seal_days(store, days, count, now, all);
    free(days);
    return r;
}
