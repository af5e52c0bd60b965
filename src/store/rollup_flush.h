/* Between rollup.c, which sums, and rollup_flush.c, which writes the sums into the control database. */
#pragma once

#include "store/hosts.h"
#include "store/rollup.h"
#include "store/tally.h"

enum sum { SUM_PORT, SUM_SERVICE, SUM_SOURCE, SUM_CREDENTIAL, SUM_COMMAND, SUM_SAMPLE, SUM_SAMPLE_SOURCE, SUM_BLOB, SUM_SENSOR, SUM_DAY, SUM_COUNT };

struct sum_range {
    usec_t first, last;
};

struct sum_span { /* in rollup.texts */
    uint32_t at, len;
};

struct sum_port_key {
    usec_t hour;
    uint16_t port;
    uint8_t kind, transport;
    uint32_t zero;
};
struct sum_port {
    struct sum_port_key key;
    int64_t n;
    struct sum_range range;
};

struct sum_service_key {
    usec_t hour;
    uint8_t kind;
    char protocol[31]; /* NUL-terminated */
};
struct sum_service {
    struct sum_service_key key;
    int64_t n;
};

enum source_count {
    SOURCE_CONNECTIONS,
    SOURCE_SESSIONS,
    SOURCE_LOGINS,
    SOURCE_LOGINS_OK,
    SOURCE_COMMANDS,
    SOURCE_DOWNLOADS,
    SOURCE_SAMPLES,
    SOURCE_FINDINGS,
    SOURCE_OTHERS,
    SOURCE_COUNTS
};
struct sum_source_key {
    usec_t day;
    struct addr source;
};
struct sum_source {
    struct sum_source_key key;
    int64_t counts[SOURCE_COUNTS];
    bool attacks; /* not only connections */
    struct sum_range range, attack;
};

struct sum_text_key {
    usec_t day;
    int64_t hash;
};
struct sum_text { /* a credential (text: user, more: password) or a command */
    struct sum_text_key key;
    int64_t n, ok;
    struct sum_range range;
    struct sum_span text, more;
};

struct sum_sample {
    char sha256[BLOB_HEX_SIZE - 1];
    int64_t times, size; /* size -1: not told */
    bool kept;
    struct sum_range range;
    struct sum_span architecture, origin, path, url;
};

struct sum_sample_source_key {
    char sha256[BLOB_HEX_SIZE - 1];
    struct addr source;
};
struct sum_sample_source {
    struct sum_sample_source_key key;
    usec_t first;
};

struct sum_blob {
    char sha256[BLOB_HEX_SIZE - 1];
    int64_t size;
    struct sum_range range;
};

struct sum_sensor {
    int64_t number;
    struct sum_range range;
};

struct sum_day {
    usec_t day;
    int64_t records, applied;
    struct sum_range range;
};

/* How many rows of a capped table a day has; read once, then counted along. */
enum capped { CAPPED_SOURCE, CAPPED_CREDENTIAL, CAPPED_COMMAND, CAPPED_COUNT };
enum { CAP_DAYS = 8 };
struct cap_day {
    usec_t day;
    bool used;
    int64_t rows[CAPPED_COUNT]; /* -1: not read */
};

enum rollup_statement {
    PUT_PORT,
    ADD_SERVICE,
    PUT_SERVICE,
    ADD_SOURCE,
    PUT_SOURCE,
    PUT_HOST,
    PUT_ATTACKED,
    ADD_CREDENTIAL,
    PUT_CREDENTIAL,
    ADD_COMMAND,
    PUT_COMMAND,
    PUT_SAMPLE,
    ADD_SAMPLE_SOURCE,
    PUT_SAMPLE_SOURCE,
    PUT_BLOB,
    ADD_SENSOR,
    PUT_DAY,
    SERVICE_NAMES,
    STATEMENT_COUNT
};

struct rollup {
    sqlite3 *control;
    const struct geo *geo;
    struct hosts *hosts;
    struct contacts *contacts;
    struct hash_key key;
    struct tally sums[SUM_COUNT];
    struct buf texts;
    struct cap_day caps[CAP_DAYS];
    size_t caps_at; /* next to reuse */
    sqlite3_stmt *statements[STATEMENT_COUNT];
};

int rollup_prepare(struct rollup *);
void rollup_finalize(struct rollup *);
