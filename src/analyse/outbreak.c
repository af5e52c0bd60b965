/*
 * Outbreaks (as of Linux/Moose, which listens on 20012/tcp): attackers of one neighbourhood that speak on the same unusual port. A host speaks
 * on a port when it attacks one of ours there, when its answer to a visit shows it open, or when an imported list names it and the host
 * attacks, too. Networks are IPv4 /16s, with the /24s in them; IPv6 neighbourhoods have no meaning of this kind.
 *
 *   attackers, speakers of a /16 ─► 3 in a /24, or 8 in the /16 ─► finding `outbreak` ─ probe.neighbours ─► survey (neighbours.h)
 *                                                                                           its end ─► finding `neighbours`
 */
#include "analyse/neighbours.h"
#include "analyse/traffic.h"

#include <stdio.h>

enum {
    NEAR = 3,        /* speakers in one /24 that make an outbreak */
    WIDE = 8,        /* in the /16 */
    ATTACKERS = 96,  /* remembered of a /16, the newest */
    LISTED = 48,     /* of imported lists */
    SPEAKERS = 32,   /* of one port */
    PLACES = 4,      /* unusual ports */
    KEPT_HOURS = 720 /* a port nobody spoke on for 30 days is forgotten, and may break out anew */
};

/* Hosts are the last two bytes of their address. */
struct place {
    uint16_t port; /* 0: free */
    uint8_t count, near_said, wide_said, surveyed;
    uint32_t hour; /* somebody spoke */
    uint16_t hosts[SPEAKERS];
};

struct state {
    uint16_t attackers[ATTACKERS];
    struct {
        uint16_t host, port;
    } listed[LISTED];
    uint8_t attacker_count, attacker_next, listed_count, listed_next;
    struct place places[PLACES];
    struct neighbours survey;
};
_Static_assert(sizeof(struct state) <= RULE_STATE_MAX, "the state is too large");

/* Ports that many hosts speak on: no sign of one outbreak. Industrial ones are among them: nobody's neighbourhood is asked for those. */
static bool usual(uint16_t port)
{
    static const uint16_t ports[] = {
        0,    7,    19,   21,   22,   23,   25,    26,    37,    53,    80,    81,    82,    83,    84,    85,    88,    102,   110,   111,  113,
        119,  123,  135,  139,  143,  161,  179,   389,   443,   444,   445,   465,   502,   514,   515,   541,   548,   554,   587,   631,  636,
        789,  843,  873,  990,  992,  993,  995,   1023,  1080,  1433,  1521,  1701,  1723,  1883,  1900,  1911,  1962,  2000,  2022,  2049, 2082,
        2083, 2222, 2223, 2323, 2375, 2404, 3000,  3128,  3306,  3389,  4433,  4443,  4567,  4786,  4911,  5000,  5001,  5006,  5007,  5060, 5061,
        5222, 5353, 5357, 5432, 5500, 5555, 5601,  5672,  5900,  5901,  5985,  6379,  6443,  6667,  7001,  7070,  7443,  7547,  8000,  8001, 8008,
        8010, 8060, 8080, 8081, 8082, 8083, 8086,  8088,  8089,  8090,  8291,  8443,  8554,  8728,  8800,  8834,  8880,  8888,  9000,  9001, 9080,
        9090, 9100, 9200, 9443, 9600, 9999, 10000, 10001, 11211, 18245, 20000, 20547, 27017, 37215, 44818, 47808, 49152, 50000, 52869, 53413};
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        if (ports[i] == port)
            return true;
    }
    return false;
}

static uint32_t hour_of(const struct record *record)
{
    return record->time > 0 ? (uint32_t)(record->time / USEC_PER_HOUR) : 0;
}

static uint16_t host_of(struct addr addr)
{
    return (uint16_t)(addr.bytes[14] << 8 | addr.bytes[15]);
}

static bool attacks(const struct state *state, uint16_t host)
{
    for (size_t i = 0; i < state->attacker_count; i++) {
        if (state->attackers[i] == host)
            return true;
    }
    return false;
}

static void add_attacker(struct state *state, uint16_t host)
{
    if (attacks(state, host))
        return;
    state->attackers[state->attacker_next] = host;
    state->attacker_next = (uint8_t)((state->attacker_next + 1) % ATTACKERS);
    if (state->attacker_count < ATTACKERS)
        state->attacker_count++;
}

static void add_listed(struct state *state, uint16_t host, uint16_t port)
{
    for (size_t i = 0; i < state->listed_count; i++) {
        if (state->listed[i].host == host && state->listed[i].port == port)
            return;
    }
    state->listed[state->listed_next].host = host;
    state->listed[state->listed_next].port = port;
    state->listed_next = (uint8_t)((state->listed_next + 1) % LISTED);
    if (state->listed_count < LISTED)
        state->listed_count++;
}

/* The port's place, made when new: of all that are taken, the one that has been silent longest gives way. */
static struct place *place_of(struct state *state, uint16_t port, uint32_t hour)
{
    struct place *oldest = &state->places[0];
    for (size_t i = 0; i < PLACES; i++) {
        struct place *place = &state->places[i];
        if (place->port == port) {
            if (hour > place->hour + KEPT_HOURS)
                *place = (struct place){.port = port};
            return place;
        }
        if (oldest->port != 0 && (place->port == 0 || place->hour < oldest->hour))
            oldest = place;
    }
    *oldest = (struct place){.port = port};
    return oldest;
}

/* Of the /24 of `host`; of all when `wide`. The first few are named. */
static void describe(struct verdict *verdict, const struct place *place, struct addr addr, bool wide, const struct background *b)
{
    struct buf text;
    char name[ADDR_TEXT_SIZE], country[COUNTRY_SIZE] = "";
    buf_init(&text, 0);
    unsigned named = 0, count = 0;
    struct buf hosts;
    buf_init(&hosts, 0);
    struct addr one = addr;
    for (size_t i = 0; i < place->count; i++) {
        if (!wide && place->hosts[i] >> 8 != addr.bytes[14])
            continue;
        count++;
        one.bytes[14] = (uint8_t)(place->hosts[i] >> 8);
        one.bytes[15] = (uint8_t)place->hosts[i];
        if (named++ < NEAR)
            buf_printf(&hosts, "%s%s", named > 1 ? ", " : "", addr_print(one, name));
    }
    one = addr;
    one.bytes[15] = 0;
    if (wide)
        one.bytes[14] = 0;
    verdict->network = (struct endpoint){.addr = one, .port = place->port};
    verdict->count = count;
    buf_printf(&text, "%u attackers of %s/%d speak on %u/tcp: %s%s", count, addr_print(one, name), wide ? 16 : 24, place->port, buf_cstr(&hosts),
               named > NEAR ? ", …" : "");
    uint32_t asn = b->asn != NULL ? b->asn(b->geo, addr) : 0;
    if (b->country != NULL)
        b->country(b->geo, addr, country);
    if (asn != 0)
        buf_printf(&text, "; AS%u", asn);
    if (country[0] != '\0')
        buf_printf(&text, "; %s", country);
    verdict_evidence(verdict, "", buf_as_span(&text));
    buf_done(&hosts);
    buf_done(&text);
}

static void survey(const struct view *view, const struct record *record, struct verdict *verdict, struct place *place)
{
    struct state *state = view->state;
    if (!view->background->neighbours || place->surveyed != 0 || state->survey.size > 0)
        return;
    place->surveyed = 1;
    neighbours_begin(&state->survey, view, record, record_host(record), place->port, verdict);
}

static void speaks(const struct view *view, const struct record *record, struct verdict *verdict, uint16_t port)
{
    struct addr addr = record_host(record);
    uint16_t host = host_of(addr);
    struct place *place = place_of(view->state, port, hour_of(record));
    place->hour = hour_of(record);
    unsigned near = 0;
    bool known = false;
    for (size_t i = 0; i < place->count; i++) {
        known = known || place->hosts[i] == host;
        near += place->hosts[i] >> 8 == host >> 8;
    }
    if (!known && place->count < SPEAKERS) {
        place->hosts[place->count++] = host;
        near++;
    }
    bool wide = place->count >= WIDE && place->wide_said == 0;
    bool close = near >= NEAR && place->near_said == 0;
    if ((close || wide) && verdict->finding == NULL) {
        verdict->finding = "outbreak";
        verdict->about = (uint64_t)port << 8 | (close ? 24 : 16);
        describe(verdict, place, addr, !close, view->background);
        *(close ? &place->near_said : &place->wide_said) = 1;
    }
    if (place->near_said != 0 || place->wide_said != 0)
        survey(view, record, verdict, place);
}

static void survey_over(const struct view *view, const struct record *record, struct verdict *verdict, const char *why)
{
    const struct state *state = view->state;
    const struct neighbours *n = &state->survey;
    char text[RULE_EVIDENCE_MAX];
    struct addr network = record_host(record);
    network.bytes[14] = network.bytes[15] = 0;
    (void)snprintf(text, sizeof text, "%u of %u addresses asked listen on %u/tcp, in %u /24s; over because ", n->listeners, n->asked, n->port,
                   n->with);
    verdict->finding = "neighbours";
    verdict->about = (uint64_t)n->first << 16 | n->port;
    verdict->count = n->listeners;
    verdict->network = (struct endpoint){.addr = network, .port = n->port};
    verdict_evidence(verdict, text, span_text(why));
}

/* A port that answered, if only with silence. */
static bool is_open(const struct record *record)
{
    static const char *const shut[] = {"refused", "unreachable", "timeout", "policy", "stopped"};
    const struct fact *outcome = record_fact(record, FACT_EVENT_OUTCOME), *reason = record_fact(record, FACT_EVENT_REASON);
    if (record->transport == TRANSPORT_UDP || (outcome == NULL && reason == NULL))
        return false;
    for (size_t i = 0; reason != NULL && i < sizeof shut / sizeof shut[0]; i++) {
        if (span_is(reason->text, shut[i]))
            return false;
    }
    return reason != NULL || span_is(outcome->text, "success");
}

/* The visit's cause was an attack, or its host is known to attack; not one that was asked by hand. */
static bool of_attacker(const struct state *state, const struct record *record)
{
    const struct fact *cause = record_fact(record, FACT_CAUSE);
    return attacks(state, host_of(record->destination.addr)) || (cause != NULL && cause->text.len == ID_TEXT_LEN);
}

static void judge_attack(const struct view *view, const struct record *record, struct verdict *verdict)
{
    struct state *state = view->state;
    const char *why = "";
    struct span words;
    uint16_t host = host_of(record->source.addr);
    if (traffic_of(record, &why, &words) != TRAFFIC_ATTACK)
        return;
    if (view->background->scanners != NULL && trie_find(view->background->scanners, record->source.addr, NULL) != NULL)
        return;
    add_attacker(state, host);
    if (!usual(record->destination.port) && record->transport != TRANSPORT_UDP)
        speaks(view, record, verdict, record->destination.port);
    for (size_t i = 0; i < state->listed_count; i++) {
        if (state->listed[i].host == host)
            speaks(view, record, verdict, state->listed[i].port);
    }
}

static void judge(const struct view *view, const struct record *record, struct verdict *verdict)
{
    struct state *state = view->state;
    struct addr addr = record_host(record);
    const char *why = NULL;
    if (!addr_is_v4(addr))
        return;
    if (neighbours_own(&state->survey, record)) {
        if (neighbours_hear(&state->survey, view, record, is_open(record), verdict, &why))
            survey_over(view, record, verdict, why);
        return;
    }
    if (neighbours_stale(&state->survey, record, &why)) {
        survey_over(view, record, verdict, why);
        return;
    }
    uint16_t port = record->destination.port;
    switch (record->kind) {
    case KIND_VISIT:
        return;
    case KIND_ANSWER:
        if (!usual(port) && is_open(record) && of_attacker(state, record))
            speaks(view, record, verdict, port);
        return;
    case KIND_LISTING:
        if (usual(port) || record->transport == TRANSPORT_UDP)
            return;
        add_listed(state, host_of(addr), port);
        if (attacks(state, host_of(addr)))
            speaks(view, record, verdict, port);
        return;
    default:
        judge_attack(view, record, verdict);
        return;
    }
}

const struct rule rule_outbreak = {
    .name = "outbreak",
    .help = "three attackers of a /24, or eight of a /16, that speak on the same unusual port; with probe.neighbours their neighbourhood is asked",
    .wants = UINT64_C(1) << KIND_LOGIN | UINT64_C(1) << KIND_COMMAND | UINT64_C(1) << KIND_DOWNLOAD | UINT64_C(1) << KIND_SAMPLE |
             UINT64_C(1) << KIND_EXPLOIT | UINT64_C(1) << KIND_FORWARD | UINT64_C(1) << KIND_ANSWER | UINT64_C(1) << KIND_VISIT |
             UINT64_C(1) << KIND_LISTING,
    .by = RULE_BY_NETWORK,
    .state_size = sizeof(struct state),
    .states_max = 4096,
    .judge = judge,
};
