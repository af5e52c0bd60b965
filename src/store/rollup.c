#include "store/rollup.h"

#include "base/err.h"
#include "base/text.h"
#include "store/rollup_flush.h"

#include <errno.h>
#include <stdlib.h>

enum {
    ENTRIES_MAX = 200000,           /* of all tables together, between two flushes */
    TEXTS_MAX = 16 * 1024 * 1024,   /* bytes of their texts */
    CREDENTIAL_MAX = 256,           /* bytes kept of a user name or password */
    COMMAND_MAX = 512,              /* of a command */
    COUNT_MAX = 1000 * 1000 * 1000, /* largest noroshi.count believed */
};

static const size_t entry_sizes[SUM_COUNT][2] = {
    [SUM_PORT] = {sizeof(struct sum_port), sizeof(struct sum_port_key)},
    [SUM_SERVICE] = {sizeof(struct sum_service), sizeof(struct sum_service_key)},
    [SUM_SOURCE] = {sizeof(struct sum_source), sizeof(struct sum_source_key)},
    [SUM_CREDENTIAL] = {sizeof(struct sum_text), sizeof(struct sum_text_key)},
    [SUM_COMMAND] = {sizeof(struct sum_text), sizeof(struct sum_text_key)},
    [SUM_SAMPLE] = {sizeof(struct sum_sample), BLOB_HEX_SIZE - 1},
    [SUM_SAMPLE_SOURCE] = {sizeof(struct sum_sample_source), sizeof(struct sum_sample_source_key)},
    [SUM_BLOB] = {sizeof(struct sum_blob), BLOB_HEX_SIZE - 1},
    [SUM_SENSOR] = {sizeof(struct sum_sensor), sizeof(int64_t)},
    [SUM_DAY] = {sizeof(struct sum_day), sizeof(usec_t)},
};

static int read_secret(struct rollup *rollup)
{
    sqlite3_stmt *select = NULL;
    int r = db_prepare(rollup->control, &select, "SELECT value FROM secret WHERE name='rollup'");
    if (r == 0)
        r = db_row(select);
    if (r == 1) {
        struct span value = db_span(select, 0);
        r = value.len == sizeof rollup->key ? 0 : -ERR_MALFORMED;
        if (r == 0)
            memcpy(&rollup->key, value.at, sizeof rollup->key);
    } else if (r == 0) {
        r = -ERR_MALFORMED;
    }
    (void)sqlite3_finalize(select);
    return r;
}

int rollup_new(struct rollup **ret, sqlite3 *control, const struct geo *geo, const struct contacts_limits *limits)
{
    struct rollup *rollup = calloc(1, sizeof *rollup);
    if (rollup == NULL)
        return -ENOMEM;
    rollup->control = control;
    rollup->geo = geo;
    for (size_t i = 0; i < SUM_COUNT; i++)
        tally_init(&rollup->sums[i], entry_sizes[i][0], entry_sizes[i][1]);
    buf_init(&rollup->texts, TEXTS_MAX + 64 * 1024);
    int r = read_secret(rollup);
    if (r == 0)
        r = rollup_prepare(rollup);
    if (r == 0)
        r = hosts_new(&rollup->hosts, control, &rollup->key, geo);
    if (r == 0)
        r = contacts_new(&rollup->contacts, control, &rollup->key, limits);
    if (r != 0) {
        rollup_free(rollup);
        return r;
    }
    *ret = rollup;
    return 0;
}

void rollup_free(struct rollup *rollup)
{
    if (rollup == NULL)
        return;
    hosts_free(rollup->hosts);
    contacts_free(rollup->contacts);
    rollup_finalize(rollup);
    for (size_t i = 0; i < SUM_COUNT; i++)
        tally_done(&rollup->sums[i]);
    buf_done(&rollup->texts);
    free(rollup);
}

static void *sum_at(struct rollup *rollup, enum sum which, const void *key, bool *ret_new)
{
    return tally_at(&rollup->sums[which], &rollup->key, key, ret_new);
}

static void widen(struct sum_range *range, bool new, usec_t time)
{
    if (new || time < range->first)
        range->first = time;
    if (new || time > range->last)
        range->last = time;
}

/* A part of rollup->texts; cut at a character's border. */
static struct sum_span keep_text(struct rollup *rollup, struct span text, size_t most)
{
    if (text.len > most) {
        text = span_part(text, 0, most);
        text = span_part(text, 0, text_utf8_valid(text));
    }
    struct sum_span kept = {.at = (uint32_t)rollup->texts.len, .len = (uint32_t)text.len};
    buf_span(&rollup->texts, text);
    return kept;
}

/* What the sums need of a record's facts, found in one walk. */
struct told {
    struct span protocol, user, password, command, sha256, architecture, origin, path, url, finding;
    bool success, has_password, has_size;
    int64_t size, count;
};

static struct told told_of(const struct record *record)
{
    struct told told = {.count = 1};
    for (size_t i = 0; i < record->fact_count; i++) {
        const struct fact *fact = &record->facts[i];
        switch ((int)fact->name) {
        case FACT_NETWORK_PROTOCOL:
            told.protocol = fact->text;
            break;
        case FACT_EVENT_OUTCOME:
            told.success = span_is(fact->text, "success");
            break;
        case FACT_USER_NAME:
            told.user = fact->text;
            break;
        case FACT_PASSWORD:
            told.password = fact->text;
            told.has_password = true;
            break;
        case FACT_COMMAND_LINE:
            told.command = fact->text;
            break;
        case FACT_FILE_SHA256:
            told.sha256 = fact->text;
            break;
        case FACT_FILE_SIZE:
            told.size = fact->number;
            told.has_size = true;
            break;
        case FACT_SAMPLE_ARCHITECTURE:
            told.architecture = fact->text;
            break;
        case FACT_SAMPLE_ORIGIN:
            told.origin = fact->text;
            break;
        case FACT_FILE_PATH:
            told.path = fact->text;
            break;
        case FACT_URL_FULL:
            told.url = fact->text;
            break;
        case FACT_FINDING:
            told.finding = fact->text;
            break;
        case FACT_COUNT:
            told.count = fact->number < 0 ? 0 : fact->number > COUNT_MAX ? COUNT_MAX : fact->number;
            break;
        default:
            break;
        }
    }
    return told;
}

static int add_port(struct rollup *rollup, const struct record *record, const struct told *told, usec_t hour)
{
    if (record->destination.port == 0)
        return 0;
    struct sum_port_key key = {
        .hour = hour, .kind = (uint8_t)record->kind, .transport = (uint8_t)record->transport, .port = record->destination.port};
    bool new;
    struct sum_port *sum = sum_at(rollup, SUM_PORT, &key, &new);
    if (sum == NULL)
        return -ENOMEM;
    sum->n += record->kind == KIND_REFUSAL ? told->count : 1;
    widen(&sum->range, new, record->time);
    return 0;
}

static int add_service(struct rollup *rollup, const struct record *record, const struct told *told, usec_t hour)
{
    struct sum_service_key key = {.hour = hour, .kind = (uint8_t)record->kind};
    struct span name = span_part(told->protocol, 0, sizeof key.protocol - 1);
    name = span_part(name, 0, text_utf8_valid(name));
    if (name.len > 0)
        memcpy(key.protocol, name.at, name.len);
    struct sum_service *sum = sum_at(rollup, SUM_SERVICE, &key, NULL);
    if (sum == NULL)
        return -ENOMEM;
    sum->n += record->kind == KIND_REFUSAL ? told->count : 1;
    return 0;
}

static enum source_count count_of(enum kind kind)
{
    switch ((int)kind) {
    case KIND_CONNECTION:
        return SOURCE_CONNECTIONS;
    case KIND_SESSION:
        return SOURCE_SESSIONS;
    case KIND_LOGIN:
        return SOURCE_LOGINS;
    case KIND_COMMAND:
        return SOURCE_COMMANDS;
    case KIND_DOWNLOAD:
        return SOURCE_DOWNLOADS;
    case KIND_SAMPLE:
        return SOURCE_SAMPLES;
    case KIND_FINDING:
        return SOURCE_FINDINGS;
    default:
        return SOURCE_OTHERS;
    }
}

/* Does the record show that its source attacks? Connections alone may be a survey's; rule `attack` finds those that are not. */
static bool is_attack(const struct record *record, const struct told *told)
{
    switch ((int)record->kind) {
    case KIND_LOGIN:
    case KIND_COMMAND:
    case KIND_DOWNLOAD:
    case KIND_SAMPLE:
    case KIND_EXPLOIT:
    case KIND_FORWARD:
        return true;
    case KIND_FINDING:
        return span_is(told->finding, "attack");
    default:
        return false;
    }
}

static int add_source(struct rollup *rollup, const struct record *record, const struct told *told, usec_t day)
{
    static const struct addr none;
    if (addr_equal(record->source.addr, none))
        return 0;
    struct sum_source_key key = {.day = day, .source = record->source.addr};
    bool new;
    struct sum_source *sum = sum_at(rollup, SUM_SOURCE, &key, &new);
    if (sum == NULL)
        return -ENOMEM;
    sum->counts[count_of(record->kind)]++;
    if (record->kind == KIND_LOGIN && told->success)
        sum->counts[SOURCE_LOGINS_OK]++;
    widen(&sum->range, new, record->time);
    if (is_attack(record, told)) {
        widen(&sum->attack, !sum->attacks, record->time);
        sum->attacks = true;
    }
    return 0;
}

/* Never 0: that is the row of all that is above the cap. */
static int64_t text_hash(const struct rollup *rollup, struct span text)
{
    int64_t hash = (int64_t)hash_bytes(&rollup->key, text);
    return hash != 0 ? hash : 1;
}

static int add_credential(struct rollup *rollup, const struct record *record, const struct told *told, usec_t day)
{
    if (!told->has_password)
        return 0;
    int64_t parts[2] = {text_hash(rollup, told->user), text_hash(rollup, told->password)};
    struct sum_text_key key = {.day = day, .hash = text_hash(rollup, span_of(parts, sizeof parts))};
    bool new;
    struct sum_text *sum = sum_at(rollup, SUM_CREDENTIAL, &key, &new);
    if (sum == NULL)
        return -ENOMEM;
    sum->n++;
    sum->ok += told->success ? 1 : 0;
    widen(&sum->range, new, record->time);
    if (new) {
        sum->text = keep_text(rollup, told->user, CREDENTIAL_MAX);
        sum->more = keep_text(rollup, told->password, CREDENTIAL_MAX);
    }
    return 0;
}

static int add_command(struct rollup *rollup, const struct record *record, const struct told *told, usec_t day)
{
    struct sum_text_key key = {.day = day, .hash = text_hash(rollup, told->command)};
    bool new;
    struct sum_text *sum = sum_at(rollup, SUM_COMMAND, &key, &new);
    if (sum == NULL)
        return -ENOMEM;
    sum->n++;
    widen(&sum->range, new, record->time);
    if (new)
        sum->text = keep_text(rollup, told->command, COMMAND_MAX);
    return 0;
}

static int add_sample(struct rollup *rollup, const struct record *record, const struct told *told, bool kept)
{
    if (told->sha256.len != BLOB_HEX_SIZE - 1)
        return 0;
    bool new;
    struct sum_sample *sum = sum_at(rollup, SUM_SAMPLE, told->sha256.at, &new);
    if (sum == NULL)
        return -ENOMEM;
    sum->times++;
    sum->kept = sum->kept || kept;
    widen(&sum->range, new, record->time);
    if (new) {
        sum->size = told->has_size ? told->size : -1;
        sum->architecture = keep_text(rollup, told->architecture, CREDENTIAL_MAX);
        sum->origin = keep_text(rollup, told->origin, CREDENTIAL_MAX);
        sum->path = keep_text(rollup, told->path, COMMAND_MAX);
        sum->url = keep_text(rollup, told->url, COMMAND_MAX);
    }
    struct sum_sample_source_key key = {.source = record->source.addr};
    memcpy(key.sha256, told->sha256.at, sizeof key.sha256);
    struct sum_sample_source *source = sum_at(rollup, SUM_SAMPLE_SOURCE, &key, &new);
    if (source == NULL)
        return -ENOMEM;
    if (new || record->time < source->first)
        source->first = record->time;
    return 0;
}

static int add_blob(struct rollup *rollup, const struct record *record, const struct blob_ref *blob)
{
    bool new;
    struct sum_blob *sum = sum_at(rollup, SUM_BLOB, blob->hex, &new);
    if (sum == NULL)
        return -ENOMEM;
    sum->size = (int64_t)blob->size;
    widen(&sum->range, new, record->time);
    return 0;
}

static int add_place(struct rollup *rollup, const struct record *record, int64_t sensor, usec_t day, int64_t row)
{
    bool new;
    struct sum_sensor *by_sensor = sum_at(rollup, SUM_SENSOR, &sensor, &new);
    if (by_sensor == NULL)
        return -ENOMEM;
    widen(&by_sensor->range, new, record->time);
    struct sum_day *by_day = sum_at(rollup, SUM_DAY, &day, &new);
    if (by_day == NULL)
        return -ENOMEM;
    widen(&by_day->range, new, record->time);
    by_day->records++;
    if (row > by_day->applied)
        by_day->applied = row;
    return 0;
}

int rollup_add(struct rollup *rollup, const struct record *record, int64_t sensor, usec_t day, int64_t row, const struct blob_ref *blob)
{
    struct told told = told_of(record);
    usec_t hour = record->time - record->time % USEC_PER_HOUR;
    /* What we asked of others is no traffic of theirs. */
    bool ours = hosts_kind(record->kind) || contacts_kind(record->kind);
    int r = hosts_add(rollup->hosts, record, day);
    if (r == 0)
        r = contacts_add(rollup->contacts, record);
    if (r == 0 && !ours)
        r = add_port(rollup, record, &told, hour);
    if (r == 0 && !ours)
        r = add_service(rollup, record, &told, hour);
    if (r == 0 && !ours)
        r = add_source(rollup, record, &told, day);
    if (r == 0 && record->kind == KIND_LOGIN)
        r = add_credential(rollup, record, &told, day);
    if (r == 0 && record->kind == KIND_COMMAND)
        r = add_command(rollup, record, &told, day);
    bool kept = blob != NULL && blob->fact != 0;
    if (r == 0 && record->kind == KIND_SAMPLE)
        r = add_sample(rollup, record, &told, kept);
    if (r == 0 && kept)
        r = add_blob(rollup, record, blob);
    if (r == 0)
        r = add_place(rollup, record, sensor, day, row);
    return r != 0 ? r : rollup->texts.error;
}

bool rollup_full(const struct rollup *rollup)
{
    size_t entries = 0;
    for (size_t i = 0; i < SUM_COUNT; i++)
        entries += rollup->sums[i].count;
    return entries >= ENTRIES_MAX || rollup->texts.len >= TEXTS_MAX || hosts_full(rollup->hosts) || contacts_full(rollup->contacts);
}

bool rollup_empty(const struct rollup *rollup)
{
    return rollup->sums[SUM_DAY].count == 0;
}

void rollup_forget(struct rollup *rollup)
{
    for (size_t i = 0; i < SUM_COUNT; i++)
        tally_clear(&rollup->sums[i]);
    buf_clear(&rollup->texts);
    hosts_forget(rollup->hosts);
    contacts_forget(rollup->contacts);
}
