/* Between hosts.c, which collects, hosts_flush.c, which writes, and hosts_merge.c, which makes one device of what is known of a host. */
#pragma once

#include "probe/probe.h"
#include "store/hosts.h"
#include "store/tally.h"

enum { HOST_TEXT_MAX = 128, HOST_EXCERPT_MAX = 512, PTR_MAX = 253 };
enum { HOST_PORTS_MAX = 512, HOST_BANNERS_MAX = 32, HOST_ATTACKS_MAX = 64, HOST_EVIDENCE_MAX = 256 };

struct kept { /* in hosts.texts */
    uint32_t at, len;
};

enum event_text {
    /* dial, answer, visit */
    TEXT_PROBE = 0,
    TEXT_WORD, /* why refused, or the ending */
    TEXT_TASK,
    TEXT_SUMMARY,
    TEXT_EXCERPT,
    TEXT_NAME, /* of the host; visit */
    /* device, listing */
    TEXT_CLASS = 0,
    TEXT_MAKER,
    TEXT_MODEL,
    TEXT_FIRMWARE,
    TEXT_ICS,
    TEXT_RESIDUE,
    TEXT_HONEYPOT,
    TEXT_FIELD,
    TEXT_RULE,
    TEXT_MATCHED,
    TEXT_LIST = TEXT_RESIDUE,
    TEXT_PTR = TEXT_HONEYPOT,
    TEXT_COUNTRY = TEXT_FIELD,
    TEXT_LISTED = TEXT_RULE, /* summary of a listing */
    /* all */
    TEXT_PROTOCOL = 10,
    EVENT_TEXTS
};

enum port_state { PORT_OPEN, PORT_CLOSED, PORT_SILENT, PORT_NOT_ASKED };

/* A record of interest, in the order of arrival. */
struct event {
    enum kind kind;
    enum transport transport;
    struct endpoint at;
    usec_t time, day;
    enum port_state state; /* answer */
    bool allowed;          /* dial */
    int64_t asn, ttl, certainty, digest;
    struct kept texts[EVENT_TEXTS];
};

struct attack_key {
    struct addr source;
    uint16_t port;
    uint8_t ttl, zero[5];
};
struct attack {
    struct attack_key key;
    int64_t n;
    usec_t first, last;
};

struct finished {
    int64_t task; /* hash of the key */
};

struct dirty {
    struct addr address;
};

enum host_statement {
    ENSURE_HOST,
    PROBED_HOST,
    NAME_HOST,
    ADD_PORT,
    COUNT_PORTS,
    PUT_PORT_ROW,
    ADD_BANNER,
    PUT_BANNER,
    PRUNE_BANNERS,
    ADD_ATTACK,
    COUNT_ATTACKS,
    PUT_ATTACK,
    ADD_EVIDENCE,
    COUNT_EVIDENCE,
    PUT_EVIDENCE,
    ADD_LISTING,
    COUNT_LISTINGS,
    PUT_LISTING,
    PUT_DIAL,
    PUT_DIALLED,
    DROP_DIALLED,
    TASK_INPUT,
    PUT_PROBE,
    READ_EVIDENCE,
    READ_PORTS,
    READ_ATTACKS,
    PUT_DEVICE,
    HOST_STATEMENTS
};

struct hosts {
    sqlite3 *control;
    const struct hash_key *key;
    const struct geo *geo;
    struct event *events;
    size_t event_count, event_room;
    struct buf texts;
    struct tally attacks, finished, dirty;
    sqlite3_stmt *statements[HOST_STATEMENTS];
};

int hosts_prepare(struct hosts *);
void hosts_finalize(struct hosts *);
/* What is known of the address is put together anew, into its row of table host, if it has one. */
int hosts_merge(struct hosts *, const struct addr *);

/* An ending by its text; false when it is none. */
bool hosts_ending(struct span text, enum ending *ret);

static inline struct span kept_text(const struct hosts *hosts, struct kept kept)
{
    return span_part(buf_as_span(&hosts->texts), kept.at, kept.len);
}
