/* What the store's tests share: a folder of their own, settings, records made of little. */
#pragma once

#include "base/err.h"
#include "base/text.h"
#include "record/wire.h"
#include "settings.h"
#include "store/blob.h"
#include "store/control.h"
#include "store/query.h"
#include "store/store.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char folder[64];
    struct conf *settings;
};

static inline struct conf *settings_of(const char *folder, const char *more)
{
    struct conf *settings = NULL;
    struct conf_error error = {0};
    char assignment[PATH_MAX];
    (void)snprintf(assignment, sizeof assignment, "store.folder=%s", folder);
    if (conf_parse(&settings, "test", span_text("{}"), settings_schema(), &error) != 0 || conf_override(settings, assignment, &error) != 0 ||
        conf_override(settings, "store.retention=0", &error) != 0 || (more != NULL && conf_override(settings, more, &error) != 0))
        fail_msg("%s", error.text);
    return settings;
}

static inline struct place place_make(const char *more)
{
    struct place place = {.folder = "/tmp/noroshi-store-XXXXXX"};
    assert_non_null(mkdtemp(place.folder));
    place.settings = settings_of(place.folder, more);
    return place;
}

static inline int place_remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void place_done(struct place *place)
{
    conf_free(place->settings);
    (void)nftw(place->folder, place_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline struct store *store_at(const struct place *place)
{
    struct store *store = NULL;
    struct buf why;
    buf_init(&why, 0);
    int r = store_open(&store, place->settings, &why);
    if (r != 0)
        fail_msg("%s: %s", err_text(r), buf_cstr(&why));
    buf_done(&why);
    return store;
}

/* 2024-05-10 00:00 UTC: in the past of every clock that runs this. */
#define DAY_ZERO (INT64_C(1715299200) * USEC_PER_SEC)

/* An id that is the same for the same number. */
static inline struct id id_of(usec_t time, uint64_t number)
{
    uint8_t digest[10] = {0};
    for (size_t i = 0; i < 8; i++)
        digest[9 - i] = (uint8_t)(number >> (8 * i));
    return id_digest(time, span_of(digest, sizeof digest));
}

static inline struct record record_of(enum kind kind, usec_t time, uint64_t number)
{
    return (struct record){.id = id_of(time, number),
                           .time = time,
                           .sensor = span_text("sensor-1"),
                           .kind = kind,
                           .transport = TRANSPORT_TCP,
                           .source = {addr_v4(0xc0000200U + (uint32_t)(number % 100)), 40000},
                           .destination = {addr_v4(0xc6336401U), 23}};
}

static inline int64_t number_in(const char *database, const char *sql)
{
    sqlite3 *db = NULL;
    int64_t number = -1;
    assert_int_equal(db_open(&db, database, DB_READ, NULL), 0);
    int r = db_number(db, sql, &number);
    if (r != 0)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    db_close(db);
    return number;
}

/* The control database of a place where no store runs; control_close. */
static inline struct control *place_control(const struct place *place)
{
    struct control *control;
    struct buf why;
    char path[PATH_MAX];
    buf_init(&why, 0);
    (void)snprintf(path, sizeof path, "%s/control.db", place->folder);
    assert_int_equal(control_open(&control, path, &why), 0);
    buf_done(&why);
    return control;
}

static inline int64_t control_number(const struct place *place, const char *sql)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/control.db", place->folder);
    return number_in(path, sql);
}

static inline int64_t day_number(const struct place *place, const char *day, const char *sql)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/days/%s.db", place->folder, day);
    return number_in(path, sql);
}

static inline bool file_there(const struct place *place, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/%s", place->folder, name);
    return stat(path, &st) == 0;
}

/* It dies before anything is flushed, or the control database is lost: the rows tell it again. */
static inline void told_again_after_a_crash(void (*fill)(struct store *), void (*check)(const struct place *))
{
    struct place place = place_make(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = store_at(&place);
        fill(store);
        if (store_commit(store) == 0)
            (void)raise(SIGKILL);
        _exit(9);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    store_close(store_at(&place));
    check(&place);
    static const char *const parts[] = {"control.db", "control.db-wal", "control.db-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof path, "%s/%s", place.folder, parts[i]);
        (void)unlink(path);
    }
    store_close(store_at(&place));
    check(&place);
    place_done(&place);
}
