#include "outside/dial.h"

#include "base/err.h"
#include "outside/attribution.h"
#include "outside/counters.h"
#include "outside/hours.h"
#include "outside/special.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Places of the tables; three quarters are used. */
enum { ADDRESSES_CAP = 1 << 20, NETWORKS_CAP = 1 << 19, SYSTEMS_CAP = 1 << 18 };

/* What a connection counts against, in the order in which the budgets are asked. */
enum scope { SCOPE_ALL, SCOPE_ADDRESS, SCOPE_NETWORK, SCOPE_AS, SCOPE_ICS, SCOPE_NEIGHBOURS, SCOPE_LOOKUP, SCOPE_COUNT };

static const struct {
    const char *daily, *rate; /* settings; NULL: none of its own */
    usec_t window;
    int64_t share; /* one of so many may go at once; 0: one at a time */
    enum denial daily_why, rate_why;
} scopes[SCOPE_COUNT] = {
    [SCOPE_ALL] = {"outside.daily", "outside.rate", USEC_PER_SEC, 10, DENIAL_DAILY, DENIAL_RATE},
    [SCOPE_ADDRESS] = {"outside.daily_per_address", "outside.rate_per_address", 60 * USEC_PER_SEC, 3, DENIAL_DAILY_ADDRESS, DENIAL_RATE_ADDRESS},
    [SCOPE_NETWORK] = {"outside.daily_per_network", "outside.rate_per_network", 60 * USEC_PER_SEC, 3, DENIAL_DAILY_NETWORK, DENIAL_RATE_NETWORK},
    [SCOPE_AS] = {"outside.daily_per_as", "outside.rate_per_as", USEC_PER_SEC, 10, DENIAL_DAILY_AS, DENIAL_RATE_AS},
    [SCOPE_ICS] = {"outside.daily_ics", "outside.rate_ics", 60 * USEC_PER_SEC, 0, DENIAL_DAILY_ICS, DENIAL_RATE_ICS},
    [SCOPE_NEIGHBOURS] = {"outside.daily_neighbours", NULL, 0, 0, DENIAL_DAILY_NEIGHBOURS, DENIAL_NONE},
    [SCOPE_LOOKUP] = {NULL, "contact.rate", USEC_PER_SEC, 10, DENIAL_NONE, DENIAL_RATE_LOOKUP},
};

struct dial {
    bool enabled, dry_run, ics, neighbours;
    bool lists_read; /* the last dial_lists succeeded */
    struct list *test, *blocklist, *optout;
    struct endpoint *own; /* port 0: the whole address; address all-zero: that port of loopback */
    size_t own_count;
    struct hours hours;
    int64_t daily[SCOPE_COUNT];
    struct rate rate[SCOPE_COUNT];
    struct counter all, industrial, neighbourhood, lookups;
    struct counters *tables[SCOPE_COUNT]; /* of ADDRESS, NETWORK, AS */
    int32_t day;                          /* never goes back */
    struct dial_counters counters;
    uint8_t industrial_ports[2][(UINT16_MAX + 1) / 8]; /* TCP, UDP */
};

const char *denial_text(enum denial denial)
{
    static const char *const texts[] = {
#define DENIAL(name, text, help) [DENIAL_##name] = (text),
#include "outside/denials.def"
#undef DENIAL
    };
    return texts[denial];
}

static bool is_loopback(struct addr a)
{
    static const struct addr one = {.bytes = {[15] = 1}};
    return (addr_is_v4(a) && a.bytes[12] == 127) || addr_equal(a, one);
}

static bool is_unspecified(struct addr a)
{
    static const struct addr zero = {.bytes = {0}};
    return addr_equal(a, zero) || addr_equal(a, addr_v4(0));
}

/* What listens here is not to be probed. On loopback, where a laboratory's other servers are too, only the port is ours. */
static int read_own(struct dial *d, const struct conf *c)
{
    size_t services = conf_count(c, "services");
    d->own = services > 0 ? calloc(2 * services, sizeof *d->own) : NULL;
    if (d->own == NULL)
        return services > 0 ? -ENOMEM : 0;
    for (size_t i = 0; i < services; i++) {
        const struct conf_node *service = conf_item(c, "services", i);
        struct endpoint at = node_endpoint(service, "listen");
        if (is_unspecified(at.addr))
            at.addr = (struct addr){.bytes = {0}};
        else if (!is_loopback(at.addr))
            at.port = 0;
        d->own[d->own_count++] = at;
        at = node_given(service, "public") ? node_endpoint(service, "public") : (struct endpoint){.port = 0};
        if (!is_unspecified(at.addr) && !is_loopback(at.addr))
            d->own[d->own_count++] = (struct endpoint){.addr = at.addr};
    }
    return 0;
}

static int read_test_networks(struct dial *d, const struct conf *c, struct conf_error *error)
{
    struct buf text;
    size_t bad = 0;
    int r = 0;
    buf_init(&text, 0);
    for (size_t i = 0; r == 0 && i < conf_count(c, "outside.test_network"); i++) {
        const char *network = conf_texts(c, "outside.test_network", i);
        struct prefix p;
        if (prefix_parse(span_text(network), &p) != 0)
            r = conf_refuse(c, "outside.test_network", error, "expected a prefix, such as 10.77.0.0/16, got \"%.60s\"", network);
        buf_printf(&text, "%s\n", network);
    }
    if (r == 0)
        r = text.error;
    if (r == 0)
        r = list_read(&d->test, "outside.test_network", buf_as_span(&text), &bad, NULL, 0);
    buf_done(&text);
    return r;
}

static void read_budgets(struct dial *d, const struct conf *c)
{
    for (size_t s = 0; s < SCOPE_COUNT; s++) {
        d->daily[s] = scopes[s].daily != NULL ? conf_int(c, scopes[s].daily) : INT64_MAX;
        if (scopes[s].rate == NULL)
            continue;
        int64_t most = conf_int(c, scopes[s].rate);
        d->rate[s] = rate_of(most, scopes[s].window, scopes[s].share > 0 ? most / scopes[s].share : 1);
    }
}

static void read_industrial(struct dial *d)
{
    static const struct {
        uint16_t port;
        enum transport transport;
    } ports[] = {
#define INDUSTRIAL(port, transport, protocol) {(port), TRANSPORT_##transport},
#include "outside/industrial.def"
#undef INDUSTRIAL
    };
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++)
        d->industrial_ports[ports[i].transport == TRANSPORT_UDP][ports[i].port / 8] |= (uint8_t)(1U << ports[i].port % 8);
}

static int read_settings(struct dial *d, const struct conf *c, struct conf_error *error)
{
    int r = operator_check(c, error);
    if (r == 0)
        r = read_test_networks(d, c, error);
    if (r != 0)
        return r;
    const char *zone = conf_text(c, "report.timezone"), *hours = conf_text(c, "outside.hours");
    int minutes;
    if (zone_parse(span_text(zone), &minutes) != 0)
        return conf_refuse(c, "report.timezone", error, "expected an offset from UTC, such as +09:00, got \"%.60s\"", zone);
    if (hours_parse(span_text(hours), span_text(zone), &d->hours) != 0)
        return conf_refuse(c, "outside.hours", error, "expected a time of day from and until, such as 09:00-17:30, got \"%.60s\"", hours);
    d->enabled = operator_named(c);
    d->dry_run = conf_bool(c, "outside.dry_run");
    d->ics = conf_bool(c, "probe.ics");
    d->neighbours = conf_bool(c, "probe.neighbours");
    read_budgets(d, c);
    read_industrial(d);
    return read_own(d, c);
}

int dial_new(struct dial **ret, const struct conf *settings, struct conf_error *error)
{
    struct dial *d = calloc(1, sizeof *d);
    error->text[0] = '\0';
    int r = d != NULL ? read_settings(d, settings, error) : -ENOMEM;
    if (r == 0)
        r = counters_new(&d->tables[SCOPE_ADDRESS], ADDRESSES_CAP);
    if (r == 0)
        r = counters_new(&d->tables[SCOPE_NETWORK], NETWORKS_CAP);
    if (r == 0)
        r = counters_new(&d->tables[SCOPE_AS], SYSTEMS_CAP);
    if (r != 0) {
        if (error->text[0] == '\0')
            (void)snprintf(error->text, sizeof error->text, "the policy of probes: %s", err_text(r));
        dial_free(d);
        return r;
    }
    *ret = d;
    return 0;
}

void dial_free(struct dial *d)
{
    if (d == NULL)
        return;
    for (size_t s = 0; s < SCOPE_COUNT; s++)
        counters_free(d->tables[s]);
    list_free(d->test);
    list_free(d->blocklist);
    list_free(d->optout);
    free(d->own);
    free(d);
}

bool dial_enabled(const struct dial *d)
{
    return d->enabled;
}

int dial_lists(struct dial *d, struct span blocklist, struct span optout, size_t *ret_bad, struct list_error *bad, size_t bad_room)
{
    struct list *block = NULL, *out = NULL;
    size_t block_bad = 0, out_bad = 0;
    int r = list_read(&block, "blocklist", blocklist, &block_bad, bad, bad_room);
    size_t told = block_bad < bad_room ? block_bad : bad_room;
    if (r == 0)
        r = list_read(&out, "optout", optout, &out_bad, bad_room > told ? bad + told : NULL, bad_room - told);
    d->lists_read = r == 0;
    if (r != 0) {
        list_free(block);
        return r;
    }
    list_free(d->blocklist);
    list_free(d->optout);
    d->blocklist = block;
    d->optout = out;
    *ret_bad = block_bad + out_bad;
    return 0;
}

/* A laboratory's networks are excepted, but never what is no single host, nor an address that leads to a special one by a tunnel. */
static bool is_special(const struct dial *d, struct addr a)
{
    struct addr inner;
    if (special_find(a) == NULL)
        return false;
    bool single = !is_unspecified(a) && (addr_is_v4(a) ? a.bytes[12] != 0 && a.bytes[12] < 224 : a.bytes[0] != 0xff);
    if (!single || !list_holds(d->test, a))
        return true;
    return special_embedded(a, &inner) && special_find(inner) != NULL && !list_holds(d->test, inner);
}

static bool is_own(const struct dial *d, struct endpoint to)
{
    for (size_t i = 0; i < d->own_count; i++) {
        const struct endpoint *own = &d->own[i];
        bool here = is_unspecified(own->addr) ? own->port != 0 && is_loopback(to.addr) : addr_equal(own->addr, to.addr);
        if (here && (own->port == 0 || own->port == to.port))
            return true;
    }
    return false;
}

static bool is_industrial(const struct dial *d, const struct dial_request *request)
{
    unsigned port = request->to.port;
    return request->care == CARE_ICS || (d->industrial_ports[request->transport == TRANSPORT_UDP][port / 8] & 1U << port % 8) != 0;
}

static struct dial_answer never(enum denial why)
{
    return (struct dial_answer){.verdict = DIAL_NEVER, .why = why};
}

static struct dial_answer later(enum denial why, usec_t not_before)
{
    return (struct dial_answer){.verdict = DIAL_LATER, .why = why, .not_before = not_before};
}

/* All that does not count: asked before the intent is written, and again before the socket is made. */
static struct dial_answer permitted(const struct dial *d, const struct dial_request *request, usec_t now)
{
    if (!d->enabled)
        return never(DENIAL_OPERATOR);
    if (is_special(d, request->to.addr))
        return never(DENIAL_SPECIAL);
    if (!d->lists_read)
        return later(DENIAL_LISTS, now + USEC_PER_SEC);
    if (list_holds(d->optout, request->to.addr))
        return never(DENIAL_OPTOUT);
    if (list_holds(d->blocklist, request->to.addr))
        return never(DENIAL_BLOCKLIST);
    if (is_own(d, request->to))
        return never(DENIAL_OWN);
    if ((!d->ics || request->care == CARE_LOOKUP) && is_industrial(d, request))
        return never(DENIAL_ICS);
    if (!d->neighbours && request->neighbour)
        return never(DENIAL_NEIGHBOURS);
    usec_t begin = hours_wait(&d->hours, now);
    return begin != 0 ? later(DENIAL_HOURS, begin) : (struct dial_answer){.verdict = DIAL_OK};
}

static struct addr network_of(struct addr a)
{
    size_t kept = addr_is_v4(a) ? 15 : 6;
    memset(a.bytes + kept, 0, sizeof a.bytes - kept);
    return a;
}

static struct addr key_of(enum scope scope, struct addr to, uint32_t asn)
{
    if (scope == SCOPE_AS)
        return addr_v4(asn);
    return scope == SCOPE_NETWORK ? network_of(to) : to;
}

/* Which budgets hold for this request. */
static bool applies(const struct dial *d, const struct dial_request *request, enum scope scope)
{
    if (request->care == CARE_LOOKUP || scope == SCOPE_LOOKUP)
        return request->care == CARE_LOOKUP && scope == SCOPE_LOOKUP;
    if (scope == SCOPE_AS)
        return request->asn != 0;
    if (scope == SCOPE_ICS)
        return is_industrial(d, request);
    return scope != SCOPE_NEIGHBOURS || request->neighbour;
}

/* Of a scope that has one counter. */
static struct counter *single(struct dial *d, enum scope scope)
{
    switch (scope) {
    case SCOPE_ICS:
        return &d->industrial;
    case SCOPE_NEIGHBOURS:
        return &d->neighbourhood;
    case SCOPE_LOOKUP:
        return &d->lookups;
    default:
        return &d->all;
    }
}

/* The counter, or NULL: nothing was counted in it yet. */
static struct counter *look(struct dial *d, const struct dial_request *request, enum scope scope)
{
    if (d->tables[scope] != NULL)
        return counters_find(d->tables[scope], key_of(scope, request->to.addr, request->asn));
    return single(d, scope);
}

static int make(struct dial *d, struct addr to, uint32_t asn, enum scope scope, int64_t now_ns, struct counter **ret)
{
    *ret = single(d, scope);
    return d->tables[scope] != NULL ? counters_get(d->tables[scope], key_of(scope, to, asn), d->day, now_ns, ret) : 0;
}

static void turn_day(struct dial *d, usec_t now)
{
    int32_t day = (int32_t)usec_day(now);
    if (day > d->day)
        d->day = day;
}

static uint32_t *today(const struct dial *d, struct counter *counter)
{
    if (counter->day < d->day) {
        counter->day = d->day;
        counter->today = 0;
    }
    return &counter->today;
}

static struct dial_answer affordable(struct dial *d, struct counter *const counters[static SCOPE_COUNT], const bool applied[static SCOPE_COUNT],
                                     usec_t now)
{
    struct dial_answer answer = {.verdict = DIAL_OK};
    for (size_t s = 0; s < SCOPE_COUNT; s++)
        if (applied[s] && (counters[s] != NULL ? *today(d, counters[s]) : 0) >= d->daily[s])
            return never(scopes[s].daily_why);
    for (size_t s = 0; s < SCOPE_COUNT; s++) {
        int64_t wait = applied[s] && counters[s] != NULL && scopes[s].rate != NULL ? rate_wait(&d->rate[s], counters[s]->due, now * 1000) : 0;
        usec_t when = now + (wait + 999) / 1000;
        if (wait > 0 && answer.verdict == DIAL_OK)
            answer = later(scopes[s].rate_why, when);
        else if (wait > 0 && when > answer.not_before)
            answer.not_before = when;
    }
    return answer;
}

static int count(struct dial *d, const struct dial_request *request, const bool applied[static SCOPE_COUNT], usec_t now)
{
    struct counter *counters[SCOPE_COUNT];
    for (enum scope s = 0; s < SCOPE_COUNT; s++) {
        int r = applied[s] ? make(d, request->to.addr, request->asn, s, now * 1000, &counters[s]) : 0;
        if (r != 0)
            return r;
    }
    for (enum scope s = 0; s < SCOPE_COUNT; s++) {
        if (!applied[s])
            continue;
        (*today(d, counters[s]))++;
        counters[s]->last = now;
        if (scopes[s].rate != NULL)
            counters[s]->due = rate_take(&d->rate[s], counters[s]->due, now * 1000);
    }
    return 0;
}

static struct dial_answer ask(struct dial *d, const struct dial_request *request, usec_t now, bool dry)
{
    struct counter *counters[SCOPE_COUNT];
    bool applied[SCOPE_COUNT];
    struct dial_answer answer = permitted(d, request, now);
    if (answer.verdict != DIAL_OK)
        return answer;
    turn_day(d, now);
    for (enum scope s = 0; s < SCOPE_COUNT; s++) {
        applied[s] = applies(d, request, s);
        counters[s] = applied[s] ? look(d, request, s) : NULL;
    }
    answer = affordable(d, counters, applied, now);
    if (answer.verdict != DIAL_OK || dry)
        return answer;
    if (d->dry_run)
        return never(DENIAL_DRY);
    return count(d, request, applied, now) == 0 ? answer : never(DENIAL_FULL);
}

struct dial_answer dial_ask(struct dial *d, const struct dial_request *request, usec_t now, bool dry)
{
    struct dial_answer answer = ask(d, request, now, dry);
    if (!dry) {
        d->counters.asked++;
        d->counters.allowed += answer.verdict == DIAL_OK;
        d->counters.refused[answer.why] += answer.verdict != DIAL_OK;
    }
    return answer;
}

void dial_give_back(struct dial *d, const struct dial_request *request, usec_t asked)
{
    int32_t day = (int32_t)usec_day(asked);
    for (enum scope s = 0; s < SCOPE_COUNT; s++) {
        struct counter *counter = applies(d, request, s) ? look(d, request, s) : NULL;
        if (counter == NULL)
            continue;
        if (counter->day == day && counter->today > 0)
            counter->today--;
        counter->due -= d->rate[s].pace;
    }
}

int dial_spent(struct dial *d, struct addr addr, uint32_t asn, uint32_t connections, uint32_t industrial, uint32_t neighbours, usec_t last,
               usec_t now)
{
    int result = 0;
    turn_day(d, now);
    bool counts = usec_day(last) >= d->day;
    for (enum scope s = 0; s < SCOPE_COUNT; s++) {
        uint32_t more = !counts ? 0 : s == SCOPE_ICS ? industrial : s == SCOPE_NEIGHBOURS ? neighbours : connections;
        struct counter *counter;
        if ((s == SCOPE_AS && asn == 0) || s == SCOPE_LOOKUP)
            continue;
        int r = make(d, addr, asn, s, now * 1000, &counter);
        if (r != 0) {
            result = r;
            continue;
        }
        uint32_t *sum = today(d, counter);
        *sum = more > UINT32_MAX - *sum ? UINT32_MAX : *sum + more;
        if (last > counter->last)
            counter->last = last;
    }
    return result;
}

usec_t dial_last(const struct dial *d, struct addr addr)
{
    const struct counter *counter = counters_find(d->tables[SCOPE_ADDRESS], addr);
    return counter != NULL ? counter->last : 0;
}

/* The kernel has chosen where we connect from: is it the very address we connect to? Nothing has left this machine then. */
static bool is_ourselves(int fd, struct endpoint to)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    struct endpoint from;
    if (getsockname(fd, (struct sockaddr *)&name, &length) != 0 || endpoint_from_sockaddr((const struct sockaddr *)&name, &from) != 0)
        return true;
    return addr_equal(from.addr, to.addr) && (from.port == to.port || !is_loopback(to.addr));
}

int dial_open(struct dial *d, const struct dial_request *request, usec_t now, int *ret_fd, enum denial *ret_why)
{
    struct dial_answer answer = permitted(d, request, now);
    if (answer.verdict == DIAL_OK && d->dry_run)
        answer = never(DENIAL_DRY);
    if (answer.verdict != DIAL_OK) {
        d->counters.refused[answer.why]++;
        *ret_why = answer.why;
        return -ERR_DENIED;
    }
    if (request->to.port == 0 || (request->transport != TRANSPORT_TCP && request->transport != TRANSPORT_UDP))
        return -EINVAL;
    struct sockaddr_storage to;
    socklen_t length = endpoint_to_sockaddr(request->to, &to);
    int type = request->transport == TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(to.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int r = connect(fd, (const struct sockaddr *)&to, length) == 0 || errno == EINPROGRESS ? 0 : -errno;
    if (r == 0 && is_ourselves(fd, request->to)) {
        *ret_why = DENIAL_OWN;
        d->counters.refused[DENIAL_OWN]++;
        r = -ERR_DENIED;
    }
    if (r != 0) {
        (void)close(fd);
        return r;
    }
    d->counters.opened++;
    *ret_fd = fd;
    return 0;
}

const struct dial_counters *dial_counters(const struct dial *d)
{
    return &d->counters;
}
