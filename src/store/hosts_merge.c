#include "store/hosts_parts.h"

#include "analyse/device/device.h"
#include "base/arena.h"
#include "base/err.h"

#include <errno.h>
#include <stdlib.h>

enum { CONFLICTS_MAX = 2000, MEMORY_MAX = 4 * 1024 * 1024, TTLS_MAX = 64 };

struct known {
    struct evidence all[HOST_EVIDENCE_MAX];
    usec_t first[HOST_EVIDENCE_MAX], last[HOST_EVIDENCE_MAX];
    size_t count;
    struct port_ttl open[TTLS_MAX], attacks[TTLS_MAX];
    size_t open_count, attack_count;
    struct arena arena;
};

static enum device_field field_of(struct span text)
{
    static const char *const names[DEVICE_FIELD_COUNT] = {
#define DEVICE_FIELD(name, text, recog, help) [DEVICE_FIELD_##name] = (text),
#include "analyse/device/fields.def"
#undef DEVICE_FIELD
    };
    for (int i = 0; i < DEVICE_FIELD_COUNT; i++) {
        if (span_is(text, names[i]))
            return (enum device_field)i;
    }
    return DEVICE_FIELD_BANNER;
}

static int copy(struct known *known, sqlite3_stmt *select, int column, struct span *ret)
{
    struct span text = db_span(select, column);
    *ret = (struct span){0};
    if (text.len == 0)
        return 0;
    char *at = arena_copy(&known->arena, text);
    *ret = span_of(at, at != NULL ? text.len : 0);
    return at != NULL ? 0 : -ENOMEM;
}

static int read_one(struct known *known, sqlite3_stmt *select, const struct addr *address)
{
    struct evidence *e = &known->all[known->count];
    struct span *const texts[] = {&e->rule, &e->class_, &e->maker, &e->model, &e->firmware, &e->ics, &e->residue, &e->honeypot, &e->matched};
    *e = (struct evidence){.at = {*address, (uint16_t)sqlite3_column_int(select, 0)}, .field = field_of(db_span(select, 2))};
    int transport = sqlite3_column_int(select, 1);
    e->transport = transport >= TRANSPORT_NONE && transport <= TRANSPORT_ICMP ? (enum transport)transport : TRANSPORT_NONE;
    int r = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && r == 0; i++)
        r = copy(known, select, 3 + (int)i, texts[i]);
    e->certainty = (uint8_t)sqlite3_column_int(select, 12);
    e->own = device_rule_own(e->rule);
    known->first[known->count] = sqlite3_column_int64(select, 13);
    known->last[known->count] = e->time = sqlite3_column_int64(select, 14);
    known->count++;
    return r;
}

static bool same_port(const struct evidence *a, const struct evidence *b)
{
    return a->at.port == b->at.port && a->transport == b->transport;
}

/*
 * A row stands for answers from `first` to `last`; merging wants one time for it, and takes evidence of a residue's answer for the residue's.
 * What a port had shown before malware came to it, or after it went, is said at that time; what was only seen with it keeps the residue's.
 */
static void choose_times(struct known *known)
{
    for (size_t i = 0; i < known->count; i++) {
        bool first_spoilt = false, last_spoilt = false;
        usec_t spoilt_at = known->last[i];
        if (known->all[i].residue.len > 0)
            continue;
        for (size_t j = 0; j < known->count; j++) {
            const struct evidence *residue = &known->all[j];
            if (residue->residue.len == 0 || !same_port(residue, &known->all[i]))
                continue;
            bool first = known->first[i] == known->first[j] || known->first[i] == known->last[j];
            bool last = known->last[i] == known->first[j] || known->last[i] == known->last[j];
            if (first || last)
                spoilt_at = known->last[j];
            first_spoilt = first_spoilt || first;
            last_spoilt = last_spoilt || last;
        }
        if (last_spoilt)
            known->all[i].time = first_spoilt ? spoilt_at : known->first[i];
    }
}

static int read_evidence(struct hosts *hosts, struct known *known, const struct addr *address)
{
    sqlite3_stmt *select = hosts->statements[READ_EVIDENCE];
    int r;
    db_bind_bytes(select, 1, span_of(address->bytes, sizeof address->bytes));
    while ((r = db_row(select)) == 1 && known->count < HOST_EVIDENCE_MAX) {
        r = read_one(known, select, address);
        if (r != 0)
            break;
    }
    (void)sqlite3_reset(select);
    choose_times(known);
    return r < 0 ? r : 0;
}

static int read_ttls(struct hosts *hosts, struct known *known, const struct addr *address)
{
    sqlite3_stmt *ports = hosts->statements[READ_PORTS], *attacks = hosts->statements[READ_ATTACKS];
    int r;
    db_bind_bytes(ports, 1, span_of(address->bytes, sizeof address->bytes));
    while ((r = db_row(ports)) == 1 && known->open_count < TTLS_MAX)
        known->open[known->open_count++] =
            (struct port_ttl){.port = (uint16_t)sqlite3_column_int(ports, 0),
                              .transport = sqlite3_column_int(ports, 1) == TRANSPORT_UDP ? TRANSPORT_UDP : TRANSPORT_TCP,
                              .ttl = (uint8_t)sqlite3_column_int(ports, 2)};
    (void)sqlite3_reset(ports);
    if (r < 0)
        return r;
    db_bind_bytes(attacks, 1, span_of(address->bytes, sizeof address->bytes));
    while ((r = db_row(attacks)) == 1 && known->attack_count < TTLS_MAX)
        known->attacks[known->attack_count++] = (struct port_ttl){
            .port = (uint16_t)sqlite3_column_int(attacks, 0), .transport = TRANSPORT_TCP, .ttl = (uint8_t)sqlite3_column_int(attacks, 1)};
    (void)sqlite3_reset(attacks);
    return r < 0 ? r : 0;
}

static void bind_value(sqlite3_stmt *put, int at, const struct device_value *value)
{
    if (value->text.len == 0) {
        (void)sqlite3_bind_null(put, at);
        (void)sqlite3_bind_null(put, at + 1);
        return;
    }
    db_bind_span(put, at, value->text);
    if (value->why != NULL)
        db_bind_span(put, at + 1, value->why->rule);
    else
        (void)sqlite3_bind_null(put, at + 1);
}

static void write_conflict(struct buf *out, const struct evidence *e)
{
    static const char *const words[] = {"class", "maker"};
    const struct span values[] = {e->class_, e->maker};
    if (out->len > 0)
        buf_byte(out, '\n');
    buf_printf(out, "port %u/%s: %.*s says", e->at.port, transport_name(e->transport), (int)e->rule.len, (const char *)e->rule.at);
    const char *between = " ";
    for (size_t i = 0; i < 2; i++) {
        if (values[i].len == 0)
            continue;
        buf_printf(out, "%s%s ", between, words[i]);
        buf_span(out, values[i]);
        between = ", ";
    }
}

static int write_device(struct hosts *hosts, const struct addr *address, const struct device *device, const struct hosts_guess *guess)
{
    struct buf conflicts;
    buf_init(&conflicts, 16 * 1024);
    for (size_t i = 0; i < device->conflict_count && conflicts.len < CONFLICTS_MAX; i++)
        write_conflict(&conflicts, device->conflicts[i]);
    sqlite3_stmt *put = hosts->statements[PUT_DEVICE];
    const struct device_value *const values[] = {&device->class_, &device->maker,   &device->model,   &device->firmware,
                                                 &device->ics,    &device->residue, &device->honeypot};
    db_bind_bytes(put, 1, span_of(address->bytes, sizeof address->bytes));
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        bind_value(put, 2 + 2 * (int)i, values[i]);
    if (conflicts.len > 0)
        db_bind_span(put, 16, buf_as_span(&conflicts));
    else
        (void)sqlite3_bind_null(put, 16);
    if (guess->at_least > 0) {
        (void)sqlite3_bind_int64(put, 17, guess->at_least);
        db_bind_span(put, 18, span_text(guess->reason));
    } else {
        (void)sqlite3_bind_null(put, 17);
        (void)sqlite3_bind_null(put, 18);
    }
    int r = conflicts.error != 0 ? conflicts.error : db_done(put);
    buf_done(&conflicts);
    return r;
}

int hosts_merge(struct hosts *hosts, const struct addr *address)
{
    struct known *known = calloc(1, sizeof *known);
    if (known == NULL)
        return -ENOMEM;
    arena_init(&known->arena, MEMORY_MAX);
    int r = read_evidence(hosts, known, address);
    if (r == 0)
        r = read_ttls(hosts, known, address);
    if (r == 0) {
        struct device device;
        struct hosts_guess guess = {.at_least = 0};
        device_merge(known->all, known->count, &device);
        if (known->open_count > 0)
            device_hosts(known->open, known->open_count, known->attacks, known->attack_count, &guess);
        r = write_device(hosts, address, &device, &guess);
    }
    arena_done(&known->arena);
    free(known);
    return r;
}
