#include "analyse/follow.h"

#include "base/cursor.h"
#include "base/text.h"
#include "store/blob.h"
#include "store/day.h"
#include "store/scan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { DAYS_MAX = 100000, FRAMES_MAX = 1024 * 1024 };

void follow_init(struct follow *follow, const char *data_folder, struct engine *engine)
{
    *follow = (struct follow){.folder = data_folder, .engine = engine};
    buf_init(&follow->blob, RECORD_SIZE_MAX);
}

void follow_looks(struct follow *follow, follow_look *look, void *user, uint64_t kinds)
{
    follow->look = look;
    follow->look_user = user;
    follow->look_kinds = kinds;
}

void follow_close(struct follow *follow)
{
    db_close(follow->db);
    follow->db = NULL;
}

void follow_done(struct follow *follow)
{
    follow_close(follow);
    free(follow->days);
    buf_done(&follow->blob);
    *follow = (struct follow){0};
}

static struct follow_day *day_at(struct follow *follow, usec_t day)
{
    for (size_t i = 0; i < follow->count; i++) {
        if (follow->days[i].day == day)
            return &follow->days[i];
    }
    if (follow->count == follow->room) {
        size_t room = follow->room == 0 ? 32 : follow->room * 2;
        struct follow_day *more = room <= DAYS_MAX ? realloc(follow->days, room * sizeof *more) : NULL;
        if (more == NULL)
            return NULL;
        follow->days = more;
        follow->room = room;
    }
    struct follow_day *new = &follow->days[follow->count++];
    *new = (struct follow_day){.day = day};
    return new;
}

int follow_place(struct follow *follow, struct span body)
{
    struct cursor c = cursor_of(body);
    follow_close(follow);
    follow->count = 0;
    size_t count = cursor_be32(&c);
    for (size_t i = 0; i < count && c.error == 0; i++) {
        usec_t day = (usec_t)cursor_be32(&c) * USEC_PER_DAY;
        int64_t row = (int64_t)cursor_be64(&c);
        struct follow_day *known = c.error == 0 ? day_at(follow, day) : NULL;
        if (known != NULL)
            known->saved = known->followed = known->target = row;
    }
    if (c.error != 0)
        return -ERR_MALFORMED;
    int r = engine_load(follow->engine, cursor_rest(&c));
    /* A state that can't be read is as none: rules begin anew from here. */
    return r == -ERR_MALFORMED ? 0 : r;
}

int follow_committed(struct follow *follow, usec_t day, int64_t row)
{
    struct follow_day *known = day_at(follow, day);
    if (known == NULL)
        return -ENOMEM;
    if (row > known->target)
        known->target = row;
    if (follow->db != NULL && follow->open == day && follow->immutable)
        follow_close(follow); /* a late record has reopened it */
    return 0;
}

static int open_day(struct follow *follow, usec_t day)
{
    if (follow->db != NULL && follow->open == day)
        return 0;
    follow_close(follow);
    char path[PATH_MAX], name[USEC_TEXT_SIZE];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/days/%s.db", follow->folder, usec_print_day(day, name));
    if (stat(path, &st) != 0)
        return errno == ENOENT ? -ERR_NOT_FOUND : -errno;
    follow->open = day;
    return day_open_to_read(&follow->db, path, &follow->immutable);
}

/* The day to go on with: the open one while it has rows left, so that days are saved one after the other; else the oldest. */
static struct follow_day *next_day(struct follow *follow)
{
    struct follow_day *next = NULL;
    for (size_t i = 0; i < follow->count; i++) {
        struct follow_day *day = &follow->days[i];
        if (day->followed >= day->target)
            continue;
        if (follow->db != NULL && day->day == follow->open)
            return day;
        if (next == NULL || day->day < next->day)
            next = day;
    }
    return next;
}

const struct follow_day *follow_next(struct follow *follow)
{
    return next_day(follow);
}

/* A row's large bytes are read back from their blob; without them when the retention removed it, or it is a sample's, which nobody looks into. */
static int read_blob(struct follow *follow, struct scan_row *row)
{
    uint8_t sha256[BLOB_HASH_LEN];
    if (row->blob_fact == 0 || row->record.kind == KIND_SAMPLE || row->record.fact_count >= RECORD_FACTS_MAX ||
        text_unhex(row->blob_hex, sha256, sizeof sha256) != 0)
        return 0;
    buf_clear(&follow->blob);
    int r = blob_get(follow->folder, sha256, &follow->blob);
    if (r == 0)
        row->facts[row->record.fact_count++] = fact_text(row->blob_fact, buf_as_span(&follow->blob));
    return r == -ERR_NOT_FOUND || r == -ERR_LIMIT ? 0 : r;
}

static int judge_row(struct follow *follow, struct scan_row *row, struct buf *frames, struct buf *tasks, size_t *ret_findings)
{
    size_t findings = 0, looked = 0;
    uint64_t kind = UINT64_C(1) << (unsigned)row->record.kind;
    int r = 0;
    if ((engine_wants(follow->engine) & kind) != 0)
        r = engine_judge(follow->engine, &row->record, frames, tasks, &findings);
    if (r == 0 && follow->look != NULL && (follow->look_kinds & kind) != 0) {
        r = read_blob(follow, row);
        if (r == 0)
            r = follow->look(follow->look_user, &row->record, frames, &looked);
    }
    *ret_findings += findings + looked;
    return r;
}

static int judge_rows(struct follow *follow, struct follow_day *day, int64_t up_to, struct buf *frames, struct buf *tasks, size_t *ret_findings)
{
    struct scan *scan = NULL;
    struct scan_row *row = malloc(sizeof *row);
    const struct scan_want want = {.kinds = engine_wants(follow->engine) | follow->look_kinds, .after_row = day->followed, .up_to_row = up_to};
    int r = row == NULL ? -ENOMEM : scan_open(&scan, follow->db, &want, SCAN_BY_ROW);
    while (r == 0 && (r = scan_next(scan, row)) == 1) {
        r = judge_row(follow, row, frames, tasks, ret_findings);
        if (r != 0)
            break;
        day->followed = row->row;
        if (frames->len + tasks->len > FRAMES_MAX)
            break;
    }
    bool all = scan != NULL && r == 0 && frames->len + tasks->len <= FRAMES_MAX;
    scan_close(scan);
    free(row);
    if (all)
        day->followed = up_to; /* rows of other kinds */
    return r;
}

int follow_step(struct follow *follow, size_t rows, struct buf *frames, struct buf *tasks, size_t *ret_findings, struct follow_day **ret)
{
    struct follow_day *day = next_day(follow);
    *ret_findings = 0;
    if (day == NULL)
        return 0;
    int r = open_day(follow, day->day);
    if (r == -ERR_NOT_FOUND)
        day->followed = day->target; /* the retention removed it */
    else if (r == 0)
        r = judge_rows(follow, day, day->target - day->followed > (int64_t)rows ? day->followed + (int64_t)rows : day->target, frames, tasks,
                       ret_findings);
    if (r < 0 && r != -ERR_NOT_FOUND) {
        follow_close(follow);
        return r;
    }
    *ret = day;
    return 1;
}

struct follow_day *follow_unsaved(struct follow *follow)
{
    for (size_t i = 0; i < follow->count; i++) {
        if (follow->days[i].saved < follow->days[i].followed)
            return &follow->days[i];
    }
    return NULL;
}
