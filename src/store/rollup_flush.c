#include "store/rollup_flush.h"

#include "base/err.h"

enum { SOURCES_MAX = 1000 * 1000, CREDENTIALS_MAX = 50 * 1000, COMMANDS_MAX = 20 * 1000, SERVICE_NAMES_MAX = 64 };

static const int64_t caps[CAPPED_COUNT] = {[CAPPED_SOURCE] = SOURCES_MAX, [CAPPED_CREDENTIAL] = CREDENTIALS_MAX, [CAPPED_COMMAND] = COMMANDS_MAX};

static const char *const count_sql[CAPPED_COUNT] = {
    [CAPPED_SOURCE] = "SELECT count(*) FROM rollup_source WHERE day=%lld",
    [CAPPED_CREDENTIAL] = "SELECT count(*) FROM rollup_credential WHERE day=%lld",
    [CAPPED_COMMAND] = "SELECT count(*) FROM rollup_command WHERE day=%lld",
};

#define RANGE(first, last) "first=min(first," first "),last=max(last," last ")"
#define COUNTS                                                                                                                             \
    "connections=connections+?3,sessions=sessions+?4,logins=logins+?5,logins_ok=logins_ok+?6,commands=commands+?7,downloads=downloads+?8," \
    "samples=samples+?9,findings=findings+?10,others=others+?11,first=min(first,?12),last=max(last,?13)"

/* ADD_… updates a row that is there; PUT_… makes it, or adds to it. */
static const char *const statement_sql[STATEMENT_COUNT] = {
    [PUT_PORT] = "INSERT INTO rollup_port VALUES(?1,?2,?3,?4,?5,?6,?7) ON CONFLICT DO UPDATE SET n=n+?5," RANGE("?6", "?7"),
    [ADD_SERVICE] = "UPDATE rollup_service SET n=n+?4 WHERE hour=?1 AND protocol=?2 AND kind=?3",
    [PUT_SERVICE] = "INSERT INTO rollup_service VALUES(?1,?2,?3,?4) ON CONFLICT DO UPDATE SET n=n+?4",
    [ADD_SOURCE] = "UPDATE rollup_source SET " COUNTS " WHERE day=?1 AND source_ip=?2",
    [PUT_SOURCE] = "INSERT INTO rollup_source VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13) ON CONFLICT DO UPDATE SET " COUNTS,
    [PUT_HOST] = "INSERT INTO host(source_ip,first,last_day,days,asn,country) VALUES(?1,?2,?3,1,?4,?5) ON CONFLICT DO UPDATE SET"
                 " first=min(first,?2),last_day=max(last_day,?3),days=days+1,asn=coalesce(?4,asn),country=coalesce(?5,country)",
    [PUT_ATTACKED] = "UPDATE host SET first_attack=min(coalesce(first_attack,?2),?2),last_attack=max(coalesce(last_attack,?3),?3) WHERE source_ip=?1",
    [ADD_CREDENTIAL] = "UPDATE rollup_credential SET tried=tried+?5,ok=ok+?6," RANGE("?7", "?8") " WHERE day=?1 AND hash=?2",
    [PUT_CREDENTIAL] =
        "INSERT INTO rollup_credential VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT DO UPDATE SET tried=tried+?5,ok=ok+?6," RANGE("?7", "?8"),
    [ADD_COMMAND] = "UPDATE rollup_command SET n=n+?4," RANGE("?5", "?6") " WHERE day=?1 AND hash=?2",
    [PUT_COMMAND] = "INSERT INTO rollup_command VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT DO UPDATE SET n=n+?4," RANGE("?5", "?6"),
    [PUT_SAMPLE] =
        "INSERT INTO sample(sha256,size,architecture,origin,path,url,kept,first,last,times,sources) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,0)"
        " ON CONFLICT DO UPDATE SET size=coalesce(size,?2),architecture=coalesce(architecture,?3),origin=coalesce(origin,?4),"
        "path=coalesce(path,?5),url=coalesce(url,?6),kept=max(kept,?7),times=times+?10," RANGE("?8", "?9"),
    [ADD_SAMPLE_SOURCE] = "UPDATE sample SET sources=sources+1 WHERE sha256=?1 AND sources<10000"
                          " AND NOT EXISTS(SELECT 1 FROM sample_source WHERE sha256=?1 AND source_ip=?2)",
    [PUT_SAMPLE_SOURCE] = "INSERT INTO sample_source VALUES(?1,?2,?3)",
    [PUT_BLOB] = "INSERT INTO blob VALUES(?1,?2,?3,?4) ON CONFLICT DO UPDATE SET size=?2," RANGE("?3", "?4"),
    [ADD_SENSOR] = "UPDATE sensor SET first=min(coalesce(first,?2),?2),last=max(coalesce(last,?3),?3) WHERE number=?1",
    [PUT_DAY] = "INSERT INTO day(day,applied,records,first,last,sealed,bytes) VALUES(?1,?2,?3,?4,?5,0,0)"
                " ON CONFLICT DO UPDATE SET applied=max(applied,?2),records=records+?3," RANGE("?4", "?5"),
    [SERVICE_NAMES] = "SELECT count(DISTINCT protocol) FROM rollup_service WHERE hour=?1",
};

int rollup_prepare(struct rollup *rollup)
{
    int r = 0;
    for (size_t i = 0; i < STATEMENT_COUNT && r == 0; i++)
        r = db_prepare(rollup->control, &rollup->statements[i], statement_sql[i]);
    return r;
}

void rollup_finalize(struct rollup *rollup)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        (void)sqlite3_finalize(rollup->statements[i]);
}

void rollup_recount(struct rollup *rollup)
{
    memset(rollup->caps, 0, sizeof rollup->caps);
}

static struct span text_in(const struct rollup *rollup, struct sum_span kept)
{
    return span_part(buf_as_span(&rollup->texts), kept.at, kept.len);
}

/* Room for one more row of this day? */
static int cap_reached(struct rollup *rollup, usec_t day, enum capped which, struct cap_day **ret)
{
    struct cap_day *found = NULL;
    for (size_t i = 0; i < CAP_DAYS; i++) {
        if (rollup->caps[i].used && rollup->caps[i].day == day)
            found = &rollup->caps[i];
    }
    if (found == NULL) {
        found = &rollup->caps[rollup->caps_at++ % CAP_DAYS];
        *found = (struct cap_day){.day = day, .used = true, .rows = {-1, -1, -1}};
    }
    if (found->rows[which] < 0) {
        char sql[96];
        int64_t rows = 0;
        (void)sqlite3_snprintf((int)sizeof sql, sql, count_sql[which], (long long)day);
        int r = db_number(rollup->control, sql, &rows);
        if (r != 0)
            return r;
        found->rows[which] = rows;
    }
    *ret = found;
    return found->rows[which] >= caps[which] ? 1 : 0;
}

static int flush_ports(struct rollup *rollup)
{
    int r = 0;
    sqlite3_stmt *put = rollup->statements[PUT_PORT];
    for (size_t i = 0; i < rollup->sums[SUM_PORT].count && r == 0; i++) {
        const struct sum_port *sum = tally_entry(&rollup->sums[SUM_PORT], i);
        (void)sqlite3_bind_int64(put, 1, sum->key.hour);
        (void)sqlite3_bind_int(put, 2, sum->key.kind);
        (void)sqlite3_bind_int(put, 3, sum->key.transport);
        (void)sqlite3_bind_int(put, 4, sum->key.port);
        (void)sqlite3_bind_int64(put, 5, sum->n);
        (void)sqlite3_bind_int64(put, 6, sum->range.first);
        (void)sqlite3_bind_int64(put, 7, sum->range.last);
        r = db_done(put);
    }
    return r;
}

static void bind_service(sqlite3_stmt *statement, const struct sum_service *sum, const char *name)
{
    (void)sqlite3_bind_int64(statement, 1, sum->key.hour);
    db_bind_span(statement, 2, span_text(name));
    (void)sqlite3_bind_int(statement, 3, sum->key.kind);
    (void)sqlite3_bind_int64(statement, 4, sum->n);
}

static int flush_services(struct rollup *rollup)
{
    int r = 0;
    for (size_t i = 0; i < rollup->sums[SUM_SERVICE].count && r == 0; i++) {
        const struct sum_service *sum = tally_entry(&rollup->sums[SUM_SERVICE], i);
        bind_service(rollup->statements[ADD_SERVICE], sum, sum->key.protocol);
        r = db_done(rollup->statements[ADD_SERVICE]);
        if (r != 0 || sqlite3_changes(rollup->control) > 0)
            continue;
        sqlite3_stmt *names = rollup->statements[SERVICE_NAMES];
        (void)sqlite3_bind_int64(names, 1, sum->key.hour);
        r = db_row(names);
        bool full = r == 1 && sqlite3_column_int64(names, 0) >= SERVICE_NAMES_MAX;
        (void)sqlite3_reset(names);
        if (r < 0)
            break;
        bind_service(rollup->statements[PUT_SERVICE], sum, full ? "other" : sum->key.protocol);
        r = db_done(rollup->statements[PUT_SERVICE]);
    }
    return r;
}

static void bind_source(sqlite3_stmt *statement, const struct sum_source *sum, const struct addr *source)
{
    (void)sqlite3_bind_int64(statement, 1, sum->key.day);
    db_bind_bytes(statement, 2, span_of(source->bytes, sizeof source->bytes));
    for (int i = 0; i < SOURCE_COUNTS; i++)
        (void)sqlite3_bind_int64(statement, 3 + i, sum->counts[i]);
    (void)sqlite3_bind_int64(statement, 3 + SOURCE_COUNTS, sum->range.first);
    (void)sqlite3_bind_int64(statement, 4 + SOURCE_COUNTS, sum->range.last);
}

/* A source's first row of a day, or, above the cap, the row of all others; and the host behind it. */
static int new_source(struct rollup *rollup, const struct sum_source *sum)
{
    static const struct addr others;
    struct cap_day *cap = NULL;
    int full = cap_reached(rollup, sum->key.day, CAPPED_SOURCE, &cap);
    if (full < 0)
        return full;
    bind_source(rollup->statements[PUT_SOURCE], sum, full == 1 ? &others : &sum->key.source);
    int r = db_done(rollup->statements[PUT_SOURCE]);
    if (r != 0 || full == 1)
        return r;
    cap->rows[CAPPED_SOURCE]++;
    sqlite3_stmt *host = rollup->statements[PUT_HOST];
    db_bind_bytes(host, 1, span_of(sum->key.source.bytes, sizeof sum->key.source.bytes));
    (void)sqlite3_bind_int64(host, 2, sum->range.first);
    (void)sqlite3_bind_int64(host, 3, sum->key.day);
    struct geo_place place;
    geo_find(rollup->geo, sum->key.source, &place);
    if (place.asn != 0)
        (void)sqlite3_bind_int64(host, 4, place.asn);
    else
        (void)sqlite3_bind_null(host, 4);
    if (place.country[0] != '\0')
        db_bind_span(host, 5, span_text(place.country));
    else
        (void)sqlite3_bind_null(host, 5);
    return db_done(host);
}

static int put_attacked(struct rollup *rollup, const struct sum_source *sum)
{
    sqlite3_stmt *put = rollup->statements[PUT_ATTACKED];
    db_bind_bytes(put, 1, span_of(sum->key.source.bytes, sizeof sum->key.source.bytes));
    (void)sqlite3_bind_int64(put, 2, sum->attack.first);
    (void)sqlite3_bind_int64(put, 3, sum->attack.last);
    return db_done(put);
}

static int flush_sources(struct rollup *rollup)
{
    int r = 0;
    for (size_t i = 0; i < rollup->sums[SUM_SOURCE].count && r == 0; i++) {
        const struct sum_source *sum = tally_entry(&rollup->sums[SUM_SOURCE], i);
        bind_source(rollup->statements[ADD_SOURCE], sum, &sum->key.source);
        r = db_done(rollup->statements[ADD_SOURCE]);
        if (r == 0 && sqlite3_changes(rollup->control) == 0)
            r = new_source(rollup, sum);
        if (r == 0 && sum->attacks)
            r = put_attacked(rollup, sum);
    }
    return r;
}

/* Credentials and commands have the same shape but for the columns in the middle. */
static void bind_text(const struct rollup *rollup, sqlite3_stmt *statement, const struct sum_text *sum, enum capped which, bool others)
{
    int at = 1;
    (void)sqlite3_bind_int64(statement, at++, sum->key.day);
    (void)sqlite3_bind_int64(statement, at++, others ? 0 : sum->key.hash);
    for (int i = 0; i < (which == CAPPED_CREDENTIAL ? 2 : 1); i++, at++) {
        if (others)
            (void)sqlite3_bind_null(statement, at);
        else
            db_bind_span(statement, at, text_in(rollup, i == 0 ? sum->text : sum->more));
    }
    (void)sqlite3_bind_int64(statement, at++, sum->n);
    if (which == CAPPED_CREDENTIAL)
        (void)sqlite3_bind_int64(statement, at++, sum->ok);
    (void)sqlite3_bind_int64(statement, at++, sum->range.first);
    (void)sqlite3_bind_int64(statement, at, sum->range.last);
}

static int flush_texts(struct rollup *rollup, enum sum sums, enum capped which, sqlite3_stmt *add, sqlite3_stmt *put)
{
    int r = 0;
    for (size_t i = 0; i < rollup->sums[sums].count && r == 0; i++) {
        const struct sum_text *sum = tally_entry(&rollup->sums[sums], i);
        bind_text(rollup, add, sum, which, false);
        r = db_done(add);
        if (r != 0 || sqlite3_changes(rollup->control) > 0)
            continue;
        struct cap_day *cap = NULL;
        int full = cap_reached(rollup, sum->key.day, which, &cap);
        if (full < 0)
            return full;
        bind_text(rollup, put, sum, which, full == 1);
        r = db_done(put);
        if (r == 0 && full == 0)
            cap->rows[which]++;
    }
    return r;
}

static void bind_optional(const struct rollup *rollup, sqlite3_stmt *statement, int at, struct sum_span text)
{
    if (text.len > 0)
        db_bind_span(statement, at, text_in(rollup, text));
    else
        (void)sqlite3_bind_null(statement, at);
}

static int flush_samples(struct rollup *rollup)
{
    int r = 0;
    sqlite3_stmt *put = rollup->statements[PUT_SAMPLE];
    for (size_t i = 0; i < rollup->sums[SUM_SAMPLE].count && r == 0; i++) {
        const struct sum_sample *sum = tally_entry(&rollup->sums[SUM_SAMPLE], i);
        db_bind_span(put, 1, span_of(sum->sha256, sizeof sum->sha256));
        if (sum->size >= 0)
            (void)sqlite3_bind_int64(put, 2, sum->size);
        else
            (void)sqlite3_bind_null(put, 2);
        bind_optional(rollup, put, 3, sum->architecture);
        bind_optional(rollup, put, 4, sum->origin);
        bind_optional(rollup, put, 5, sum->path);
        bind_optional(rollup, put, 6, sum->url);
        (void)sqlite3_bind_int(put, 7, sum->kept ? 1 : 0);
        (void)sqlite3_bind_int64(put, 8, sum->range.first);
        (void)sqlite3_bind_int64(put, 9, sum->range.last);
        (void)sqlite3_bind_int64(put, 10, sum->times);
        r = db_done(put);
    }
    sqlite3_stmt *add_source = rollup->statements[ADD_SAMPLE_SOURCE], *put_source = rollup->statements[PUT_SAMPLE_SOURCE];
    for (size_t i = 0; i < rollup->sums[SUM_SAMPLE_SOURCE].count && r == 0; i++) {
        const struct sum_sample_source *sum = tally_entry(&rollup->sums[SUM_SAMPLE_SOURCE], i);
        db_bind_span(add_source, 1, span_of(sum->key.sha256, sizeof sum->key.sha256));
        db_bind_bytes(add_source, 2, span_of(sum->key.source.bytes, sizeof sum->key.source.bytes));
        r = db_done(add_source);
        if (r != 0 || sqlite3_changes(rollup->control) == 0)
            continue;
        db_bind_span(put_source, 1, span_of(sum->key.sha256, sizeof sum->key.sha256));
        db_bind_bytes(put_source, 2, span_of(sum->key.source.bytes, sizeof sum->key.source.bytes));
        (void)sqlite3_bind_int64(put_source, 3, sum->first);
        r = db_done(put_source);
    }
    return r;
}

static int flush_blobs(struct rollup *rollup)
{
    int r = 0;
    sqlite3_stmt *put = rollup->statements[PUT_BLOB];
    for (size_t i = 0; i < rollup->sums[SUM_BLOB].count && r == 0; i++) {
        const struct sum_blob *sum = tally_entry(&rollup->sums[SUM_BLOB], i);
        db_bind_span(put, 1, span_of(sum->sha256, sizeof sum->sha256));
        (void)sqlite3_bind_int64(put, 2, sum->size);
        (void)sqlite3_bind_int64(put, 3, sum->range.first);
        (void)sqlite3_bind_int64(put, 4, sum->range.last);
        r = db_done(put);
    }
    return r;
}

static int flush_places(struct rollup *rollup)
{
    int r = 0;
    sqlite3_stmt *sensor = rollup->statements[ADD_SENSOR], *day = rollup->statements[PUT_DAY];
    for (size_t i = 0; i < rollup->sums[SUM_SENSOR].count && r == 0; i++) {
        const struct sum_sensor *sum = tally_entry(&rollup->sums[SUM_SENSOR], i);
        (void)sqlite3_bind_int64(sensor, 1, sum->number);
        (void)sqlite3_bind_int64(sensor, 2, sum->range.first);
        (void)sqlite3_bind_int64(sensor, 3, sum->range.last);
        r = db_done(sensor);
    }
    for (size_t i = 0; i < rollup->sums[SUM_DAY].count && r == 0; i++) {
        const struct sum_day *sum = tally_entry(&rollup->sums[SUM_DAY], i);
        (void)sqlite3_bind_int64(day, 1, sum->day);
        (void)sqlite3_bind_int64(day, 2, sum->applied);
        (void)sqlite3_bind_int64(day, 3, sum->records);
        (void)sqlite3_bind_int64(day, 4, sum->range.first);
        (void)sqlite3_bind_int64(day, 5, sum->range.last);
        r = db_done(day);
    }
    return r;
}

int rollup_flush(struct rollup *rollup)
{
    sqlite3_stmt *const *s = rollup->statements;
    int r = flush_ports(rollup);
    if (r == 0)
        r = flush_services(rollup);
    if (r == 0)
        r = flush_sources(rollup);
    if (r == 0)
        r = flush_texts(rollup, SUM_CREDENTIAL, CAPPED_CREDENTIAL, s[ADD_CREDENTIAL], s[PUT_CREDENTIAL]);
    if (r == 0)
        r = flush_texts(rollup, SUM_COMMAND, CAPPED_COMMAND, s[ADD_COMMAND], s[PUT_COMMAND]);
    if (r == 0)
        r = flush_samples(rollup);
    if (r == 0)
        r = flush_blobs(rollup);
    if (r == 0)
        r = hosts_flush(rollup->hosts);
    if (r == 0)
        r = contacts_flush(rollup->contacts);
    if (r == 0)
        r = flush_places(rollup);
    /* Counted along with rows that the caller may yet roll back. */
    if (r != 0)
        rollup_recount(rollup);
    return r;
}
