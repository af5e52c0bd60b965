#include "report/report.h"

static const struct column columns[] = {
    {.name = "stream",
     .title = "stream",
     .type = COLUMN_TEXT,
     .help = "a journal file of an edge or of reach, control (verbs that write), analyse (findings), or total"},
    {.name = "writer", .title = "writer", .type = COLUMN_TEXT, .help = "edge.NUMBER, reach, client, analyse"},
    {.name = "accepted", .title = "accepted", .type = COLUMN_COUNT, .help = "connections accepted = stored + lost + open"},
    {.name = "stored", .title = "stored", .type = COLUMN_COUNT, .help = "conversations whose closing record was taken in"},
    {.name = "lost",
     .title = "lost",
     .type = COLUMN_COUNT,
     .help = "conversations without one, because their process was killed; what they had stated before is kept"},
    {.name = "open", .title = "open", .type = COLUMN_COUNT, .help = "conversations still going, as last told", .spare = 3},
    {.name = "refused", .title = "refused", .type = COLUMN_COUNT, .help = "connections refused because of a limit", .spare = 1},
    {.name = "appended", .title = "records", .type = COLUMN_COUNT, .help = "records taken in = committed + waiting + what a lost journal held"},
    {.name = "committed", .title = "committed", .type = COLUMN_COUNT, .help = "records of these that are in the store", .spare = 2},
    {.name = "waiting", .title = "waiting", .type = COLUMN_COUNT, .help = "records taken in, not yet committed"},
    {.name = "records", .title = "kept", .type = COLUMN_COUNT, .help = "committed records that were new", .spare = 8},
    {.name = "duplicates", .title = "repeated", .type = COLUMN_COUNT, .help = "deliveries of records that were kept already (harmless)", .spare = 6},
    {.name = "dropped", .title = "dropped", .type = COLUMN_COUNT, .help = "records there was no room for: ring and spool were full", .spare = 4},
    {.name = "records_lost",
     .title = "records lost",
     .type = COLUMN_COUNT,
     .help = "records that will not come: dropped, or in a journal that was lost"},
    {.name = "spooled", .title = "spooled", .type = COLUMN_COUNT, .help = "records that went through the spool", .spare = 9},
    {.name = "cut",
     .title = "cut",
     .type = COLUMN_COUNT,
     .help = "conversations that were open when their process was killed, as its successor counted them",
     .spare = 8},
    {.name = "first_seen", .title = "first", .type = COLUMN_TIME, .help = "when the stream was first heard of", .spare = 7},
    {.name = "last_seen", .title = "last", .type = COLUMN_TIME, .help = "when it was last heard of", .spare = 5},
};

/* A stream that is no longer written has no open conversations: what has not ended is lost. */
static const char sql[] =
    "WITH p AS (SELECT stream, CASE WHEN writer = 'edge' THEN 'edge.' || number ELSE writer END AS who, accepted, ended,"
    " CASE WHEN current = 1 THEN cut ELSE accepted - ended END AS gone,"
    " coalesce((SELECT sum(r.n) FROM pipeline_refused AS r WHERE r.stream = pipeline.stream), 0) AS refused,"
    " appended, committed, waiting, records, duplicates, dropped, dropped + appended - committed - waiting AS missing, spooled, cut, first, last"
    " FROM pipeline),"
    " a AS (SELECT 0 AS final, stream, who, accepted, ended, gone, accepted - ended - gone AS going, refused, appended, committed, waiting,"
    " records, duplicates, dropped, missing, spooled, cut, first, last FROM p"
    " UNION ALL SELECT 1, 'total', '', sum(accepted), sum(ended), sum(gone), sum(accepted - ended - gone), sum(refused), sum(appended),"
    " sum(committed), sum(waiting), sum(records), sum(duplicates), sum(dropped), sum(missing), sum(spooled), sum(cut), min(first), max(last)"
    " FROM p HAVING count(*) > 0)"
    " SELECT stream, who, accepted, ended, gone, going, refused, appended, committed, waiting, records, duplicates, dropped, missing, spooled, cut,"
    " first, last FROM a ORDER BY final, first, stream LIMIT :limit";

const struct report report_pipeline = {
    .name = "pipeline",
    .title = "The way of the records: what was taken in, stored, lost",
    .help = "whether everything that was seen is stored: per stream and in total (of all time)",
    .sql = sql,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
};
