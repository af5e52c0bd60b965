#include "store/parts.h"

#include "base/err.h"
#include "base/text.h"
#include "store/bulk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RULE_STATE_MAX = 4 * 1024 * 1024 };

static const usec_t flush_every = USEC_PER_SEC;

static int make_folder(const char *parent, const char *name, struct buf *why)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s%s%s", parent, name[0] != '\0' ? "/" : "", name);
    if (mkdir(path, 0750) == 0 || errno == EEXIST)
        return 0;
    int r = -errno;
    buf_printf(why, "%s: %s; choose another place with --data DIR", path, err_text(r));
    return r;
}

static int lock_folder(struct store *store, struct buf *why)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/days", store->folder);
    store->lock_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->lock_fd >= 0 && flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    int r = errno == EWOULDBLOCK ? -ERR_BUSY : -errno;
    buf_printf(why, "%s: %s", path, err_text(r));
    return r;
}

int store_open_with(struct store **ret, const struct conf *settings, const struct geo *geo, struct buf *why)
{
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return -ENOMEM;
    store->lock_fd = -1;
    store->retention = conf_int(settings, "store.retention");
    store->size_max = conf_int(settings, "store.size_max");
    store->flushed_at = usec_monotonic();
    buf_init(&store->rule_state, RULE_STATE_MAX);
    const char *folder = conf_text(settings, "store.folder");
    int r = 0;
    if (folder[0] == '\0' || (size_t)snprintf(store->folder, sizeof store->folder, "%s", folder) >= sizeof store->folder) {
        r = -ENAMETOOLONG;
        buf_printf(why, "store.folder: %s", folder[0] == '\0' ? "no data folder is set" : err_text(r));
    }
    if (r == 0)
        r = make_folder(store->folder, "", why);
    if (r == 0)
        r = make_folder(store->folder, "days", why);
    if (r == 0)
        r = make_folder(store->folder, "blobs", why);
    if (r == 0)
        r = lock_folder(store, why);
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/control.db", store->folder);
    if (r == 0)
        r = control_open(&store->control, path, why);
    if (r == 0) {
        const struct contacts_limits limits = {.clock_speed = conf_int(settings, "contact.clock_speed"),
                                               .cache = conf_int(settings, "contact.cache_days") * USEC_PER_DAY};
        store->limits = limits;
        store->geo = geo;
        r = bulk_open(&store->bulk, store->folder, conf_int(settings, "contact.bulk_days"));
    }
    if (r == 0) {
        r = rollup_new(&store->rollup, control_database(store->control), geo, &store->limits);
        if (r == 0)
            r = forward_all(store);
        if (r == 0)
            r = store_flush(store);
        if (r != 0)
            buf_printf(why, "%s: rolling forward: %s", store->folder, err_text(r));
    }
    if (r != 0) {
        store_close(store);
        return r;
    }
    *ret = store;
    return 0;
}

int store_open(struct store **ret, const struct conf *settings, struct buf *why)
{
    return store_open_with(ret, settings, NULL, why);
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    if (store->control != NULL && store->rollup != NULL) {
        if (store->batch_records == 0 && !store->failed)
            (void)store_flush(store); /* else the rows tell it again at the next start */
    }
    for (size_t i = 0; i < OPEN_DAYS_MAX; i++) {
        if (store->open[i] != NULL) {
            day_close(store->open[i]->file);
            free(store->open[i]);
        }
    }
    rollup_free(store->rollup);
    bulk_close(store->bulk);
    control_close(store->control);
    if (store->lock_fd >= 0)
        (void)close(store->lock_fd);
    buf_done(&store->rule_state);
    free(store->touched);
    free(store);
}

struct control *store_control(struct store *store)
{
    return store->control;
}

const char *store_folder(const struct store *store)
{
    return store->folder;
}

int64_t store_clock_speed(const struct store *store)
{
    return store->limits.clock_speed;
}

struct bulk *store_bulk(const struct store *store)
{
    return store->bulk;
}

const struct geo *store_geo(const struct store *store)
{
    return store->geo;
}

/* ---- day files ---- */

int store_path_of_day(const struct store *store, usec_t day, char path[static PATH_MAX])
{
    char name[USEC_TEXT_SIZE];
    int len = snprintf(path, PATH_MAX, "%s/days/%s.db", store->folder, usec_print_day(day, name));
    return len > 0 && len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int store_close_day(struct store *store, struct open_day *open)
{
    assert(!day_dirty(open->file));
    for (size_t i = 0; i < OPEN_DAYS_MAX; i++) {
        if (store->open[i] == open)
            store->open[i] = NULL;
    }
    day_close(open->file);
    free(open);
    return 0;
}

/* A free place among the open ones; the longest unused day is closed, after a commit when it is part of the batch. */
static int free_place(struct store *store, size_t *ret)
{
    size_t oldest = 0;
    for (size_t i = 0; i < OPEN_DAYS_MAX; i++) {
        if (store->open[i] == NULL) {
            *ret = i;
            return 0;
        }
        if (store->open[i]->used < store->open[oldest]->used)
            oldest = i;
    }
    if (day_dirty(store->open[oldest]->file)) {
        int r = store_commit(store);
        if (r != 0)
            return r;
    }
    *ret = oldest;
    return store_close_day(store, store->open[oldest]);
}

static int open_file(struct store *store, usec_t day, struct open_day *open)
{
    char path[PATH_MAX];
    struct control_day known = {0};
    int r = store_path_of_day(store, day, path);
    if (r == 0)
        r = control_day(store->control, day, &known);
    /* Said first: a file that is written to is never taken for a sealed one. */
    if (r == -ERR_NOT_FOUND || (r == 0 && known.sealed))
        r = control_seal(store->control, day, false, 0);
    if (r == 0)
        r = day_open(&open->file, path, NULL);
    return r;
}

int store_day(struct store *store, usec_t day, struct open_day **ret)
{
    for (size_t i = 0; i < OPEN_DAYS_MAX; i++) {
        if (store->open[i] != NULL && store->open[i]->day == day) {
            store->open[i]->used = ++store->turn;
            *ret = store->open[i];
            return 0;
        }
    }
    size_t place = 0;
    int r = free_place(store, &place);
    if (r != 0)
        return r;
    struct open_day *open = calloc(1, sizeof *open);
    if (open == NULL)
        return -ENOMEM;
    open->day = day;
    open->used = ++store->turn;
    r = open_file(store, day, open);
    if (r != 0) {
        free(open);
        return r;
    }
    store->open[place] = open;
    *ret = open;
    return 0;
}

/* ---- the batch ---- */

/* Is what the record says of itself possible? */
static bool plausible(const struct record *record)
{
    usec_t by_id = id_time(record->id), apart = by_id > record->time ? by_id - record->time : record->time - by_id;
    return record->time >= 0 && by_id >= 0 && apart <= USEC_PER_HOUR && by_id < usec_now() + USEC_PER_DAY;
}

/* A sample's bytes, and other large ones, go to blobs/; what is said of a sample is checked against them. */
static int put_blob(struct store *store, const struct record *record, struct blob_ref *ret)
{
    const struct fact *content = NULL;
    for (size_t i = 0; i < record->fact_count && content == NULL; i++) {
        const struct fact *fact = &record->facts[i];
        if (fact_info((unsigned)fact->name)->type == FACT_TYPE_BYTES &&
            ((record->kind == KIND_SAMPLE && fact->name == FACT_CONTENT) || fact->text.len > RECORD_BYTES_INLINE))
            content = fact;
    }
    if (content == NULL)
        return 0;
    uint8_t sha256[BLOB_HASH_LEN];
    int r = blob_hash(content->text, sha256);
    if (r != 0)
        return r;
    text_hex(span_of(sha256, sizeof sha256), ret->hex);
    if (record->kind == KIND_SAMPLE && content->name == FACT_CONTENT) {
        const struct fact *said = record_fact(record, FACT_FILE_SHA256), *size = record_fact(record, FACT_FILE_SIZE);
        if (said == NULL || !span_is(said->text, ret->hex) || (size != NULL && (uint64_t)size->number != content->text.len))
            return -ERR_DENIED;
    }
    ret->fact = content->name;
    ret->size = content->text.len;
    return blob_put(store->folder, content->text, sha256);
}

static int catch_up(struct store *);

static int name_sensor(struct open_day *open, int64_t sensor, struct span name)
{
    size_t at = (size_t)sensor / CHAR_BIT;
    uint8_t bit = (uint8_t)(1U << ((size_t)sensor % CHAR_BIT));
    if (at >= sizeof open->sensors || (open->sensors[at] & bit) != 0)
        return 0;
    int r = day_name_sensor(open->file, sensor, name);
    if (r == 0)
        open->sensors[at] |= bit;
    return r;
}

static int put(struct store *store, const struct record *record)
{
    struct blob_ref blob;
    blob.fact = (enum fact_name)0;
    int64_t sensor = 0, row = 0;
    int r = put_blob(store, record, &blob);
    if (r == 0)
        r = control_sensor(store->control, record->sensor, &sensor);
    if (r != 0)
        return r == -ERR_LIMIT ? -ERR_DENIED : r;
    usec_t day = usec_day(id_time(record->id)) * USEC_PER_DAY;
    struct open_day *open = NULL;
    r = store_day(store, day, &open);
    if (r == 0)
        r = name_sensor(open, sensor, record->sensor);
    if (r == 0)
        r = day_put(open->file, record, sensor, blob.fact, blob.hex, &row);
    if (r == 0)
        r = rollup_add(store->rollup, record, sensor, day, row, &blob);
    if (r >= 0)
        store->batch_records++;
    return r;
}

int store_put(struct store *store, const struct record *record)
{
    if (store->failed)
        return -ERR_STORE;
    if (!plausible(record))
        return -ERR_DENIED;
    int r = catch_up(store);
    if (r == 0 && rollup_full(store->rollup))
        r = store_commit(store);
    if (r == 0)
        r = put(store, record);
    if (r < 0 && r != -ERR_DENIED)
        store->failed = true;
    return r;
}

int store_follow(struct store *store, usec_t day, int64_t row, struct span rule_state)
{
    if (rule_state.len > RULE_STATE_MAX)
        return -ERR_LIMIT;
    buf_clear(&store->rule_state);
    buf_span(&store->rule_state, rule_state);
    if (store->rule_state.error != 0)
        return store->rule_state.error;
    store->place = (struct store_day){.day = day, .row = row};
    store->follow = true;
    return 0;
}

/* The sums, and the place of the analysis, in one transaction. */
static int flush_control(struct store *store)
{
    int r = control_begin(store->control);
    if (r != 0)
        return r;
    r = rollup_flush(store->rollup);
    if (r == 0 && store->follow) {
        r = control_set_place(store->control, store->place.day, store->place.row);
        if (r == 0 && store->rule_state.len > 0)
            r = control_set_rule_state(store->control, buf_as_span(&store->rule_state));
    }
    if (r == 0)
        r = control_commit(store->control);
    if (r != 0) {
        control_rollback(store->control);
        rollup_recount(store->rollup);
        return r;
    }
    rollup_forget(store->rollup);
    store->follow = false;
    store->flushed_at = usec_monotonic();
    return 0;
}

static int catch_up(struct store *store)
{
    if (!store->behind)
        return 0;
    assert(rollup_empty(store->rollup));
    int r = forward_all(store);
    if (r == 0)
        store->behind = false;
    else
        rollup_forget(store->rollup);
    return r;
}

int store_flush(struct store *store)
{
    int r = catch_up(store);
    if (r == 0 && (!rollup_empty(store->rollup) || store->follow))
        r = flush_control(store);
    return r;
}

static int touch(struct store *store, usec_t day, int64_t row)
{
    for (size_t i = 0; i < store->touched_count; i++) {
        if (store->touched[i].day == day) {
            store->touched[i].row = row;
            return 0;
        }
    }
    if (store->touched_count == store->touched_room) {
        size_t room = store->touched_room == 0 ? 8 : store->touched_room * 2;
        struct store_day *more = realloc(store->touched, room * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        store->touched = more;
        store->touched_room = room;
    }
    store->touched[store->touched_count++] = (struct store_day){.day = day, .row = row};
    return 0;
}

int store_commit(struct store *store)
{
    if (store->failed)
        return -ERR_STORE;
    int r = 0;
    for (size_t i = 0; i < OPEN_DAYS_MAX && r == 0; i++) {
        struct open_day *open = store->open[i];
        if (open == NULL || !day_dirty(open->file))
            continue;
        r = day_commit(open->file);
        if (r == 0)
            r = touch(store, open->day, day_last_row(open->file));
    }
    if (r != 0) {
        store->failed = true;
        return r;
    }
    store->batch_records = 0;
    bool due = store->follow || usec_monotonic() - store->flushed_at >= flush_every;
    if (!due && !rollup_full(store->rollup))
        return 0;
    /* The rows are durable, and the sums stay in memory for the next time; only when they can't grow, or the analysis waits for its
     * place, is it a failure. */
    r = store_flush(store);
    if (r != 0 && !rollup_full(store->rollup) && !store->follow)
        r = 0;
    if (r != 0)
        store->failed = true;
    return r;
}

void store_rollback(struct store *store)
{
    for (size_t i = 0; i < OPEN_DAYS_MAX; i++) {
        struct open_day *open = store->open[i];
        if (open == NULL)
            continue;
        day_rollback(open->file);
        memset(open->sensors, 0, sizeof open->sensors);
    }
    /* The sums hold what was rolled back as well: they are made again from the rows that are there. */
    rollup_forget(store->rollup);
    rollup_recount(store->rollup);
    store->behind = true;
    store->follow = false;
    store->batch_records = 0;
    store->failed = false;
}

size_t store_touched(struct store *store, struct store_day *ret, size_t room)
{
    size_t count = store->touched_count < room ? store->touched_count : room;
    for (size_t i = 0; i < count; i++)
        ret[i] = store->touched[--store->touched_count];
    return count;
}

int store_places(struct store *store, struct store_place **ret, size_t *ret_count)
{
    struct control_day *days = NULL;
    size_t count = 0;
    int r = control_days(store->control, &days, &count);
    struct store_place *places = r == 0 ? calloc(count + 1, sizeof *places) : NULL;
    if (r == 0 && places == NULL)
        r = -ENOMEM;
    for (size_t i = 0; i < count && r == 0; i++) {
        places[i] = (struct store_place){.day = days[i].day, .last = days[i].applied};
        r = control_place(store->control, days[i].day, &places[i].followed);
    }
    free(days);
    if (r != 0) {
        free(places);
        return r;
    }
    *ret = places;
    *ret_count = count;
    return 0;
}

int store_rule_state(struct store *store, struct buf *out)
{
    return control_rule_state(store->control, out);
}
