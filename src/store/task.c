#include "store/task.h"

#include "base/err.h"

static const usec_t backoff_first = 60 * USEC_PER_SEC, backoff_most = USEC_PER_DAY;

int task_put(sqlite3 *control, const struct task *task, usec_t now)
{
    if (task->key.len == 0 || task->key.len > TASK_KEY_MAX || task->kind.len == 0 || task->kind.len > TASK_KIND_MAX ||
        task->input.len > TASK_INPUT_MAX || task->attempts_max < 1)
        return -ERR_LIMIT;
    sqlite3_stmt *put = NULL;
    int r = db_prepare(control, &put,
                       "INSERT OR IGNORE INTO task(key,kind,input,state,due,attempts,attempts_max,made) VALUES(?1,?2,?3,'waiting',?4,0,?5,?6)");
    if (r == 0) {
        db_bind_span(put, 1, task->key);
        db_bind_span(put, 2, task->kind);
        db_bind_bytes(put, 3, task->input);
        (void)sqlite3_bind_int64(put, 4, task->due);
        (void)sqlite3_bind_int64(put, 5, task->attempts_max);
        (void)sqlite3_bind_int64(put, 6, now);
        r = db_done(put);
    }
    (void)sqlite3_finalize(put);
    if (r != 0)
        return r;
    return sqlite3_changes(control) == 0 ? 1 : 0;
}

/* `lease` grows with every lease of the table, so an answer to an earlier one is known as such. */
int task_take(sqlite3 *control, struct span kind, struct span worker, usec_t now, usec_t deadline, struct task_lease *ret)
{
    int r = task_expire(control, now);
    if (r < 0)
        return r;
    sqlite3_stmt *take = NULL;
    r = db_prepare(control, &take,
                   "UPDATE task SET state='leased',worker=?2,attempts=attempts+1,deadline=?4,lease=(SELECT ifnull(max(lease),0)+1 FROM task)"
                   " WHERE key=(SELECT key FROM task WHERE kind=?1 AND state='waiting' AND due<=?3 ORDER BY due,key LIMIT 1)"
                   " RETURNING key,input,attempts,lease");
    if (r == 0) {
        db_bind_span(take, 1, kind);
        db_bind_span(take, 2, worker);
        (void)sqlite3_bind_int64(take, 3, now);
        (void)sqlite3_bind_int64(take, 4, deadline);
        r = db_row(take);
    }
    if (r == 1) {
        buf_clear(&ret->key);
        buf_clear(&ret->input);
        buf_span(&ret->key, db_span(take, 0));
        buf_span(&ret->input, db_span(take, 1));
        ret->attempt = sqlite3_column_int64(take, 2);
        ret->lease = sqlite3_column_int64(take, 3);
        int ended = db_row(take); /* the update is complete when the statement has ended */
        if (ret->key.error != 0 || ret->input.error != 0)
            r = ret->key.error != 0 ? ret->key.error : ret->input.error;
        else if (ended < 0)
            r = ended;
    }
    (void)sqlite3_finalize(take);
    return r;
}

static int answer(sqlite3 *control, const char *sql, struct span key, int64_t lease, struct span text, usec_t now, bool bytes)
{
    sqlite3_stmt *update = NULL;
    int r = db_prepare(control, &update, sql);
    if (r == 0) {
        db_bind_span(update, 1, key);
        (void)sqlite3_bind_int64(update, 2, lease);
        if (bytes)
            db_bind_bytes(update, 3, text);
        else
            db_bind_span(update, 3, text);
        (void)sqlite3_bind_int64(update, 4, now);
        r = db_done(update);
    }
    (void)sqlite3_finalize(update);
    return r == 0 && sqlite3_changes(control) == 0 ? -ERR_NOT_FOUND : r;
}

int task_complete(sqlite3 *control, struct span key, int64_t lease, struct span result, usec_t now)
{
    return answer(control,
                  "UPDATE task SET state='done',result=?3,ended=?4,worker=NULL,deadline=NULL,error=NULL"
                  " WHERE key=?1 AND lease=?2 AND state='leased'",
                  key, lease, span_part(result, 0, TASK_INPUT_MAX), now, true);
}

/* min(1 min << (attempts - 1), 1 day), or the end. */
#define NEXT_STATE "state=CASE WHEN attempts>=attempts_max THEN 'failed' ELSE 'waiting' END,ended=CASE WHEN attempts>=attempts_max THEN ?4 END"

int task_fail(sqlite3 *control, struct span key, int64_t lease, struct span error, usec_t now)
{
    char sql[512];
    (void)sqlite3_snprintf((int)sizeof sql, sql,
                           "UPDATE task SET %s,due=?4+min(%lld<<min(attempts-1,20),%lld),error=?3,worker=NULL,deadline=NULL"
                           " WHERE key=?1 AND lease=?2 AND state='leased'",
                           NEXT_STATE, (long long)backoff_first, (long long)backoff_most);
    return answer(control, sql, key, lease, span_part(error, 0, TASK_ERROR_MAX), now, false);
}

int task_expire(sqlite3 *control, usec_t now)
{
    sqlite3_stmt *update = NULL;
    int r = db_prepare(control, &update,
                       "UPDATE task SET " NEXT_STATE ",due=?4,error='the worker did not answer in time',worker=NULL,deadline=NULL"
                       " WHERE state='leased' AND deadline<=?4");
    if (r == 0) {
        (void)sqlite3_bind_int64(update, 4, now);
        r = db_done(update);
    }
    (void)sqlite3_finalize(update);
    return r == 0 ? sqlite3_changes(control) : r;
}

struct due {
    sqlite3_stmt *select, *take;
    struct span worker;
    usec_t now, deadline;
    int64_t lease; /* the last one given */
};

static int take_due(struct due *due, size_t room, int (*each)(void *user, const struct task_given *), void *user)
{
    size_t count = 0;
    int r = 0;
    while (count < room && (r = db_row(due->select)) == 1) {
        struct task_given given = {.key = db_span(due->select, 0),
                                   .input = db_span(due->select, 1),
                                   .attempt = sqlite3_column_int64(due->select, 2) + 1,
                                   .lease = ++due->lease};
        db_bind_span(due->take, 1, given.key);
        db_bind_span(due->take, 2, due->worker);
        (void)sqlite3_bind_int64(due->take, 3, due->deadline);
        (void)sqlite3_bind_int64(due->take, 4, given.lease);
        r = db_done(due->take);
        if (r == 0)
            r = each(user, &given);
        if (r < 0)
            return r;
        count++;
    }
    return r < 0 ? r : (int)count;
}

int task_take_many(sqlite3 *control, struct span kind, struct span worker, usec_t now, usec_t deadline, size_t room,
                   int (*each)(void *user, const struct task_given *), void *user)
{
    bool own = sqlite3_get_autocommit(control) != 0;
    struct due due = {.worker = worker, .now = now, .deadline = deadline};
    if (room > INT32_MAX)
        room = INT32_MAX;
    int r = own ? db_run(control, "BEGIN IMMEDIATE") : 0;
    if (r != 0)
        return r;
    r = task_expire(control, now);
    if (r >= 0)
        r = db_number(control, "SELECT max(lease) FROM task", &due.lease);
    /* The rows are chosen before any of them changes: a sorted subquery is complete before its first row is given. */
    if (r == 0)
        r = db_prepare(control, &due.select,
                       "SELECT key,input,attempts FROM task WHERE key IN (SELECT key FROM task WHERE kind=?1 AND state='waiting' AND due<=?2"
                       " ORDER BY due,key LIMIT ?3) ORDER BY due+0,key");
    if (r == 0)
        r = db_prepare(control, &due.take,
                       "UPDATE task SET state='leased',worker=?2,attempts=attempts+1,deadline=?3,lease=?4 WHERE key=?1 AND state='waiting'");
    if (r == 0) {
        db_bind_span(due.select, 1, kind);
        (void)sqlite3_bind_int64(due.select, 2, now);
        (void)sqlite3_bind_int64(due.select, 3, (int64_t)room);
        r = take_due(&due, room, each, user);
    }
    (void)sqlite3_finalize(due.select);
    (void)sqlite3_finalize(due.take);
    if (own) {
        int ended = r >= 0 ? db_run(control, "COMMIT") : 0;
        if (ended != 0)
            r = ended;
        if (r < 0 && sqlite3_get_autocommit(control) == 0)
            (void)db_run(control, "ROLLBACK");
    }
    return r;
}

static int of_worker(sqlite3 *control, const char *sql, struct span worker, usec_t at)
{
    sqlite3_stmt *update = NULL;
    int r = db_prepare(control, &update, sql);
    if (r == 0) {
        db_bind_span(update, 1, worker);
        (void)sqlite3_bind_int64(update, 4, at);
        r = db_done(update);
    }
    (void)sqlite3_finalize(update);
    return r == 0 ? sqlite3_changes(control) : r;
}

int task_renew(sqlite3 *control, struct span worker, usec_t deadline)
{
    int r = of_worker(control, "UPDATE task SET deadline=?4 WHERE state='leased' AND worker=?1", worker, deadline);
    return r < 0 ? r : 0;
}

int task_give_back(sqlite3 *control, struct span worker, usec_t now)
{
    return of_worker(control,
                     "UPDATE task SET " NEXT_STATE ",due=?4,error='the worker ended',worker=NULL,deadline=NULL WHERE state='leased' AND worker=?1",
                     worker, now);
}

int task_finish(sqlite3 *control, struct span key, struct span result, usec_t now)
{
    sqlite3_stmt *update = NULL;
    int r = db_prepare(control, &update,
                       "UPDATE task SET state='done',result=?2,ended=?3,worker=NULL,deadline=NULL,error=NULL WHERE key=?1 AND state<>'done'");
    if (r == 0) {
        db_bind_span(update, 1, key);
        db_bind_bytes(update, 2, span_part(result, 0, TASK_INPUT_MAX));
        (void)sqlite3_bind_int64(update, 3, now);
        r = db_done(update);
    }
    (void)sqlite3_finalize(update);
    return r == 0 ? sqlite3_changes(control) : r;
}

int task_put_off(sqlite3 *control, struct span key, struct span why, usec_t now, usec_t due, int64_t attempts_most, usec_t step)
{
    sqlite3_stmt *update = NULL;
    int r = db_prepare(control, &update,
                       "UPDATE task SET state=CASE WHEN attempts>=min(attempts_max,?5) THEN 'failed' ELSE 'waiting' END,"
                       "ended=CASE WHEN attempts>=min(attempts_max,?5) THEN ?4 END,error=?2,worker=NULL,deadline=NULL,"
                       "due=CASE WHEN ?3>0 THEN max(?3,?4+?6*(CASE WHEN attempts<4 THEN 0 WHEN attempts>8 THEN 24 ELSE 1<<(attempts-4) END)) ELSE "
                       "?4+?6*(CASE WHEN attempts<1 THEN 1 WHEN attempts>4 THEN 24 ELSE 1<<(attempts-1) END) END"
                       " WHERE key=?1 AND state IN ('waiting','leased')");
    if (r == 0) {
        db_bind_span(update, 1, key);
        db_bind_span(update, 2, span_part(why, 0, TASK_ERROR_MAX));
        (void)sqlite3_bind_int64(update, 3, due);
        (void)sqlite3_bind_int64(update, 4, now);
        (void)sqlite3_bind_int64(update, 5, attempts_most);
        (void)sqlite3_bind_int64(update, 6, step);
        r = db_done(update);
    }
    (void)sqlite3_finalize(update);
    return r == 0 ? sqlite3_changes(control) : r;
}
