#include "store/hosts_parts.h"

#include "base/err.h"
#include "base/text.h"
#include "store/contacts.h"

#include <errno.h>
#include <stdlib.h>

enum {
    EVENTS_MAX = 50000,
    ENTRIES_MAX = 200000, /* of the tallies together */
    TEXTS_MAX = 16 * 1024 * 1024,
    TASK_MAX = 256,
};

int hosts_new(struct hosts **ret, sqlite3 *control, const struct hash_key *key, const struct geo *geo)
{
    struct hosts *hosts = calloc(1, sizeof *hosts);
    if (hosts == NULL)
        return -ENOMEM;
    hosts->control = control;
    hosts->key = key;
    hosts->geo = geo;
    buf_init(&hosts->texts, TEXTS_MAX + 64 * 1024);
    tally_init(&hosts->attacks, sizeof(struct attack), sizeof(struct attack_key));
    tally_init(&hosts->finished, sizeof(struct finished), sizeof(int64_t));
    tally_init(&hosts->dirty, sizeof(struct dirty), sizeof(struct addr));
    int r = hosts_prepare(hosts);
    if (r != 0) {
        hosts_free(hosts);
        return r;
    }
    *ret = hosts;
    return 0;
}

void hosts_free(struct hosts *hosts)
{
    if (hosts == NULL)
        return;
    hosts_finalize(hosts);
    tally_done(&hosts->attacks);
    tally_done(&hosts->finished);
    tally_done(&hosts->dirty);
    buf_done(&hosts->texts);
    free(hosts->events);
    free(hosts);
}

bool hosts_full(const struct hosts *hosts)
{
    return hosts->event_count >= EVENTS_MAX || hosts->attacks.count >= ENTRIES_MAX || hosts->texts.len >= TEXTS_MAX;
}

void hosts_forget(struct hosts *hosts)
{
    hosts->event_count = 0;
    tally_clear(&hosts->attacks);
    tally_clear(&hosts->finished);
    tally_clear(&hosts->dirty);
    buf_clear(&hosts->texts);
}

static struct kept keep_bytes(struct hosts *hosts, struct span bytes, size_t most)
{
    bytes = span_part(bytes, 0, most);
    struct kept kept = {.at = (uint32_t)hosts->texts.len, .len = (uint32_t)bytes.len};
    buf_span(&hosts->texts, bytes);
    return kept;
}

/* Cut at a character's border. */
static struct kept keep_text(struct hosts *hosts, struct span text, size_t most)
{
    if (text.len > most) {
        text = span_part(text, 0, most);
        text = span_part(text, 0, text_utf8_valid(text));
    }
    return keep_bytes(hosts, text, most);
}

static struct span fact_of(const struct record *record, enum fact_name name)
{
    const struct fact *fact = record_fact(record, name);
    return fact != NULL ? fact->text : (struct span){0};
}

static int64_t number_of(const struct record *record, enum fact_name name, int64_t least, int64_t most)
{
    const struct fact *fact = record_fact(record, name);
    return fact != NULL && fact->number >= least && fact->number <= most ? fact->number : 0;
}

/* ---- what each kind tells ---- */

static int add_attack(struct hosts *hosts, const struct record *record)
{
    int64_t ttl = number_of(record, FACT_SYN_TTL, 1, UINT8_MAX);
    if (ttl == 0 || record->destination.port == 0)
        return 0;
    struct attack_key key = {.source = record->source.addr, .port = record->destination.port, .ttl = (uint8_t)ttl};
    bool new;
    struct attack *attack = tally_at(&hosts->attacks, hosts->key, &key, &new);
    if (attack == NULL)
        return -ENOMEM;
    attack->n++;
    if (new || record->time < attack->first)
        attack->first = record->time;
    if (new || record->time > attack->last)
        attack->last = record->time;
    return 0;
}

static void tell_dial(struct hosts *hosts, struct event *event, const struct record *record)
{
    struct span reason = fact_of(record, FACT_EVENT_REASON);
    event->allowed = reason.len == 0 && !span_is(fact_of(record, FACT_EVENT_OUTCOME), "failure");
    event->asn = number_of(record, FACT_ASN, 1, UINT32_MAX);
    event->texts[TEXT_PROBE] = keep_text(hosts, fact_of(record, FACT_PROBE), HOST_TEXT_MAX);
    event->texts[TEXT_WORD] = keep_text(hosts, reason, HOST_TEXT_MAX);
    event->texts[TEXT_TASK] = keep_text(hosts, fact_of(record, FACT_TASK), TASK_MAX);
}

bool hosts_ending(struct span text, enum ending *ret)
{
    static const char *const texts[ENDING_COUNT] = {
#define ENDING(name, text, help) [ENDING_##name] = (text),
#include "probe/endings.def"
#undef ENDING
    };
    for (int i = 0; i < ENDING_COUNT; i++) {
        if (!span_is(text, texts[i]))
            continue;
        *ret = (enum ending)i;
        return true;
    }
    return false;
}

/* A refused connection says the port is closed; nothing at all says nothing. Over UDP only bytes tell that somebody is there. */
static enum port_state state_of(const struct record *record)
{
    static const enum port_state states[ENDING_COUNT] = {
        [ENDING_REFUSED] = PORT_CLOSED,   [ENDING_UNREACHABLE] = PORT_SILENT, [ENDING_TIMEOUT] = PORT_SILENT,
        [ENDING_POLICY] = PORT_NOT_ASKED, [ENDING_STOPPED] = PORT_NOT_ASKED,
    };
    struct span reason = fact_of(record, FACT_EVENT_REASON);
    enum port_state state = PORT_NOT_ASKED;
    enum ending ending;
    if (hosts_ending(reason, &ending))
        state = states[ending];
    bool bytes = number_of(record, FACT_DESTINATION_BYTES, 1, INT64_MAX) > 0 || fact_of(record, FACT_BANNER).len > 0;
    if (bytes)
        return PORT_OPEN;
    return state == PORT_OPEN && record->transport == TRANSPORT_UDP ? PORT_SILENT : state;
}

/* A banner as text: telnet's options (RFC 854: IAC, a command, perhaps an option or a block of them) are left out. */
static void readable(struct span banner, bool telnet, struct buf *out)
{
    enum { IAC = 255, SB = 250, SE = 240, WILL = 251 };
    struct buf text;
    buf_init(&text, 16 * 1024);
    for (size_t at = 0; at < banner.len && text.len < HOST_EXCERPT_MAX; at++) {
        uint8_t command = at + 1 < banner.len ? banner.at[at + 1] : 0;
        if (!telnet || banner.at[at] != IAC) {
            buf_byte(&text, banner.at[at]);
        } else if (command == IAC) {
            buf_byte(&text, IAC);
            at++;
        } else if (command == SB) {
            for (at += 2; at < banner.len && (banner.at[at] != SE || banner.at[at - 1] != IAC); at++)
                ;
        } else {
            at += command >= WILL ? 2 : 1;
        }
    }
    text_to_utf8(out, buf_as_span(&text));
    buf_done(&text);
}

/* What a person, or another host's answer, would be compared by: the words a probe decoded, or else the banner. */
static void summarise(const struct record *record, struct buf *out)
{
    static const enum fact_name names[] = {FACT_HTTP_TITLE,   FACT_HTTP_REALM,      FACT_HTTP_SERVER,  FACT_SNMP_SYSDESCR, FACT_DEVICE_MAKER,
                                           FACT_DEVICE_MODEL, FACT_DEVICE_FIRMWARE, FACT_ICS_PROTOCOL, FACT_DETAIL,        FACT_TLS_SUBJECT};
    for (size_t i = 0; i < sizeof names / sizeof names[0] && out->len < HOST_EXCERPT_MAX; i++) {
        struct span text = fact_of(record, names[i]);
        /* Details alone are of the protocol, such as options. */
        if (text.len == 0 || (names[i] == FACT_DETAIL && out->len == 0))
            continue;
        if (out->len > 0)
            buf_byte(out, '\n');
        buf_span(out, span_part(text, 0, HOST_EXCERPT_MAX));
    }
    if (out->len == 0)
        readable(fact_of(record, FACT_BANNER), span_is(fact_of(record, FACT_NETWORK_PROTOCOL), "telnet"), out);
}

static int64_t digest_of(const struct hosts *hosts, struct span text)
{
    return text.len > 0 ? (int64_t)(hash_bytes(hosts->key, text) >> 1 | 1) : 0;
}

static void tell_answer(struct hosts *hosts, struct event *event, const struct record *record)
{
    struct buf summary;
    struct span banner = fact_of(record, FACT_BANNER);
    buf_init(&summary, 16 * 1024);
    summarise(record, &summary);
    event->state = state_of(record);
    event->ttl = number_of(record, FACT_REPLY_TTL, 1, UINT8_MAX);
    event->digest = digest_of(hosts, summary.len > 0 ? buf_as_span(&summary) : banner);
    event->texts[TEXT_PROBE] = keep_text(hosts, fact_of(record, FACT_PROBE), HOST_TEXT_MAX);
    event->texts[TEXT_WORD] = keep_text(hosts, fact_of(record, FACT_EVENT_REASON), HOST_TEXT_MAX);
    event->texts[TEXT_SUMMARY] = keep_text(hosts, buf_as_span(&summary), HOST_EXCERPT_MAX);
    event->texts[TEXT_EXCERPT] = keep_bytes(hosts, banner, HOST_EXCERPT_MAX);
    buf_done(&summary);
}

static int tell_visit(struct hosts *hosts, struct event *event, const struct record *record)
{
    struct span task = span_part(fact_of(record, FACT_TASK), 0, TASK_MAX);
    event->texts[TEXT_TASK] = keep_bytes(hosts, task, TASK_MAX);
    event->texts[TEXT_WORD] = keep_text(hosts, fact_of(record, FACT_EVENT_REASON), HOST_TEXT_MAX);
    event->texts[TEXT_NAME] = keep_text(hosts, fact_of(record, FACT_HOST_NAME), PTR_MAX);
    int64_t key = (int64_t)hash_bytes(hosts->key, task);
    return tally_at(&hosts->finished, hosts->key, &key, NULL) != NULL ? 0 : -ENOMEM;
}

static void tell_device(struct hosts *hosts, struct event *event, const struct record *record)
{
    static const struct {
        enum event_text at;
        enum fact_name name;
    } texts[] = {{TEXT_CLASS, FACT_DEVICE_CLASS},       {TEXT_MAKER, FACT_DEVICE_MAKER}, {TEXT_MODEL, FACT_DEVICE_MODEL},
                 {TEXT_FIRMWARE, FACT_DEVICE_FIRMWARE}, {TEXT_ICS, FACT_ICS_PROTOCOL},   {TEXT_RESIDUE, FACT_RESIDUE},
                 {TEXT_HONEYPOT, FACT_HONEYPOT},        {TEXT_FIELD, FACT_MATCHED},      {TEXT_RULE, FACT_RULE},
                 {TEXT_MATCHED, FACT_EVIDENCE}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        event->texts[texts[i].at] = keep_text(hosts, fact_of(record, texts[i].name), HOST_TEXT_MAX);
    event->certainty = number_of(record, FACT_CERTAINTY, 1, 100);
}

static void tell_listing(struct hosts *hosts, struct event *event, const struct record *record)
{
    static const struct {
        enum event_text at;
        enum fact_name name;
    } texts[] = {
        {TEXT_CLASS, FACT_DEVICE_CLASS}, {TEXT_MAKER, FACT_DEVICE_MAKER}, {TEXT_MODEL, FACT_DEVICE_MODEL}, {TEXT_FIRMWARE, FACT_DEVICE_FIRMWARE},
        {TEXT_ICS, FACT_ICS_PROTOCOL},   {TEXT_LIST, FACT_LIST_SOURCE},   {TEXT_PTR, FACT_HOST_NAME},      {TEXT_COUNTRY, FACT_COUNTRY}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        event->texts[texts[i].at] = keep_text(hosts, fact_of(record, texts[i].name), texts[i].at == TEXT_PTR ? PTR_MAX : HOST_TEXT_MAX);
    event->asn = number_of(record, FACT_ASN, 1, UINT32_MAX);
    event->ttl = number_of(record, FACT_REPLY_TTL, 1, UINT8_MAX);
    struct buf summary;
    buf_init(&summary, 16 * 1024);
    summarise(record, &summary);
    event->texts[TEXT_LISTED] = keep_text(hosts, buf_as_span(&summary), HOST_EXCERPT_MAX);
    buf_done(&summary);
}

/* ---- collecting ---- */

static struct event *new_event(struct hosts *hosts)
{
    if (hosts->event_count == hosts->event_room) {
        size_t room = hosts->event_room == 0 ? 64 : hosts->event_room * 2;
        struct event *more = realloc(hosts->events, room * sizeof *more);
        if (more == NULL)
            return NULL;
        hosts->events = more;
        hosts->event_room = room;
    }
    return &hosts->events[hosts->event_count];
}

int hosts_add(struct hosts *hosts, const struct record *record, usec_t day)
{
    static const struct addr none;
    if (record->kind == KIND_CONNECTION && !addr_equal(record->source.addr, none))
        return add_attack(hosts, record);
    if (!hosts_kind(record->kind) || contacts_dial(record) || addr_equal(record->destination.addr, none))
        return 0;
    struct event *event = new_event(hosts);
    if (event == NULL)
        return -ENOMEM;
    *event = (struct event){.kind = record->kind, .transport = record->transport, .at = record->destination, .time = record->time, .day = day};
    int r = 0;
    if (record->kind == KIND_DIAL)
        tell_dial(hosts, event, record);
    else if (record->kind == KIND_ANSWER)
        tell_answer(hosts, event, record);
    else if (record->kind == KIND_VISIT)
        r = tell_visit(hosts, event, record);
    else if (record->kind == KIND_DEVICE)
        tell_device(hosts, event, record);
    else
        tell_listing(hosts, event, record);
    event->texts[TEXT_PROTOCOL] = keep_text(hosts, fact_of(record, FACT_NETWORK_PROTOCOL), HOST_TEXT_MAX);
    hosts->event_count++;
    return r != 0 ? r : hosts->texts.error;
}
