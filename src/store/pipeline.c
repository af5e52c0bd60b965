/* The pipeline tables of the control database: what became of every stream of records. */
#include "base/err.h"
#include "observe/honeypot/service.h"
#include "store/control.h"

static const char *const reasons[REASON_COUNT] = {
#define REASON(name, text, help) [REASON_##name] = (text),
#include "observe/honeypot/reasons.def"
#undef REASON
};

#define REFUSED_AS(name) [REFUSAL_##name] = REASON_##name
static const enum reason refusals[REFUSAL_COUNT] = {
    REFUSED_AS(PEER_LIMIT),    REFUSED_AS(SERVICE_LIMIT), REFUSED_AS(GLOBAL_LIMIT),     REFUSED_AS(DESCRIPTORS),
    REFUSED_AS(PROXY_MISSING), REFUSED_AS(PROXY_BAD),     REFUSED_AS(PROXY_UNEXPECTED), REFUSED_AS(PROXY_STRANGER),
};

/* Written by another process at any time. */
static uint64_t get(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static int put_refused(sqlite3 *db, const struct pipeline_row *row)
{
    sqlite3_stmt *put = NULL;
    int r = db_prepare(db, &put, "INSERT INTO pipeline_refused VALUES(?1,?2,?3) ON CONFLICT DO UPDATE SET n=?3");
    for (size_t i = 0; i < REFUSAL_COUNT && r == 0; i++) {
        uint64_t n = get(&row->counters->refused[i]);
        if (n == 0)
            continue;
        db_bind_span(put, 1, span_text(row->stream));
        db_bind_span(put, 2, span_text(reasons[refusals[i]]));
        (void)sqlite3_bind_int64(put, 3, (int64_t)n);
        r = db_done(put);
    }
    (void)sqlite3_finalize(put);
    return r;
}

int control_pipeline(struct control *control, const struct pipeline_row *row)
{
    sqlite3 *db = control_database(control);
    sqlite3_stmt *put = NULL;
    int r = db_prepare(
        db, &put,
        "INSERT INTO pipeline(stream,writer,number,current,appended,committed,waiting,rejected,records,duplicates,dropped,spooled,"
        "accepted,ended,cut,first,last) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?16) ON CONFLICT DO UPDATE SET"
        " number=?3,current=?4,appended=?5,committed=max(committed,?6),waiting=?7,rejected=max(rejected,?8),"
        "records=CASE WHEN writer IN ('edge','reach') THEN max(records,?9) ELSE records+?9 END,duplicates=duplicates+?10,dropped=?11,spooled=?12,"
        "accepted=?13,ended=?14,cut=?15,last=?16");
    if (r == 0) {
        const struct journal_counters *c = row->counters;
        const uint64_t numbers[] = {
            row->number,
            row->current ? 1 : 0,
            row->appended,
            row->committed,
            row->waiting,
            row->rejected,
            row->records,
            row->duplicates,
            c != NULL ? get(&c->dropped) : 0,
            c != NULL ? get(&c->spooled) : 0,
            c != NULL ? get(&c->accepted) : 0,
            c != NULL ? get(&c->ended) : 0,
            c != NULL ? get(&c->cut) : 0,
            (uint64_t)row->now,
        };
        db_bind_span(put, 1, span_text(row->stream));
        db_bind_span(put, 2, span_text(row->writer));
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
            (void)sqlite3_bind_int64(put, 3 + (int)i, (int64_t)numbers[i]);
        r = db_done(put);
    }
    (void)sqlite3_finalize(put);
    if (r == 0 && row->counters != NULL)
        r = put_refused(db, row);
    return r;
}

int control_pipeline_replaced(struct control *control, const char *writer, unsigned number, const char *stream)
{
    sqlite3_stmt *update = NULL;
    int r = db_prepare(control_database(control), &update,
                       "UPDATE pipeline SET current=0,waiting=0 WHERE writer=?3 AND number=?1 AND stream<>?2 AND current=1");
    if (r == 0) {
        (void)sqlite3_bind_int64(update, 1, (int64_t)number);
        db_bind_span(update, 2, span_text(stream));
        db_bind_span(update, 3, span_text(writer));
        r = db_done(update);
    }
    (void)sqlite3_finalize(update);
    return r;
}

int control_pipeline_read(struct control *control, const char *stream, uint64_t *ret_committed, uint64_t *ret_rejected)
{
    sqlite3_stmt *select = NULL;
    int r = db_prepare(control_database(control), &select, "SELECT committed,rejected FROM pipeline WHERE stream=?1");
    if (r == 0) {
        db_bind_span(select, 1, span_text(stream));
        r = db_row(select);
    }
    *ret_committed = r == 1 ? (uint64_t)sqlite3_column_int64(select, 0) : 0;
    *ret_rejected = r == 1 ? (uint64_t)sqlite3_column_int64(select, 1) : 0;
    (void)sqlite3_finalize(select);
    return r < 0 ? r : 0;
}
