#include "report/report.h"

static const struct column columns[] = {
    {.name = "file.hash.sha256", .title = "SHA-256", .type = COLUMN_TEXT, .help = "SHA-256 of the file"},
    {.name = "file.size", .title = "bytes", .type = COLUMN_COUNT, .unit = "bytes", .help = "its size; none when the source did not say"},
    {.name = "noroshi.sample.architecture", .title = "for", .type = COLUMN_TEXT, .help = "architecture an ELF file is for; script or data otherwise"},
    {.name = "noroshi.sample.origin", .title = "origin", .type = COLUMN_TEXT, .help = "how it came: written, upload, import …", .spare = 8},
    {.name = "file.path", .title = "path", .type = COLUMN_TEXT, .help = "where it was put", .spare = 4},
    {.name = "url.full", .title = "URL", .type = COLUMN_TEXT, .help = "where it was fetched from, when known", .spare = 9},
    {.name = "samples", .title = "times", .type = COLUMN_COUNT, .help = "times it was left"},
    {.name = "sources", .title = "sources", .type = COLUMN_COUNT, .help = "addresses that left it, counted up to 10,000", .spare = 5},
    {.name = "kept", .title = "kept", .type = COLUMN_COUNT, .help = "1 when its bytes are kept in the data folder, else 0", .spare = 7},
    {.name = "first_seen", .title = "first seen", .type = COLUMN_TIME, .help = "first time it was left", .spare = 6},
    {.name = "last_seen", .title = "last seen", .type = COLUMN_TIME, .help = "last time it was left"},
};

static const char sql[] = "SELECT sha256, size, architecture, origin, path, url, times, sources, kept, first, last FROM sample"
                          " WHERE last >= :since AND first < :until ORDER BY times DESC, last DESC, sha256 LIMIT :limit";

const struct report report_samples = {
    .name = "samples",
    .title = "Files attackers left, the most frequent first",
    .help = "which files were left, how often and by how many; counts are of all time, the range chooses which are listed",
    .sql = sql,
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .limit = 100,
};
