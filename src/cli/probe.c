#include "cli/probe.h"

#include "base/err.h"
#include "base/text.h"
#include "cli/progress.h"
#include "cli/when.h"
#include "outside/attribution.h"
#include "outside/list.h"
#include "probe/probe.h"
#include "process/aside.h"
#include "process/role.h"
#include "store/client.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { KEYS_PER_QUERY = 100, POLL_MSEC = 100, SETTLE_MSEC = 800 };
#define WAIT_USUAL (600 * USEC_PER_SEC)
#define SETTLE_MOST (20 * USEC_PER_SEC)

extern const struct verb verb_probe;

static const struct verb_option options[] = {
    [PROBE_PORTS] = {"ports", 'p', "LIST", "PORT, PORT/udp or PORT:PROBE, separated by commas (default: probe.ports)"},
    [PROBE_FILE] = {"file", 'f', "FILE", "addresses, one a line; - is standard input"},
    [PROBE_DRY_RUN] = {"dry-run", 0, NULL, "say what policy would allow and what would be asked; nothing is sent"},
    [PROBE_WAIT] = {"wait", 'w', "DURATION", "how long to wait for the answers, e.g. 90s (default 10m)"},
    [PROBE_JSON] = {"json", 'j', NULL, "an array with an object per target"},
};

static int compare_target(const void *a, const void *b)
{
    const struct probe_target *x = a, *y = b;
    return memcmp(x->addr.bytes, y->addr.bytes, sizeof x->addr.bytes);
}

struct probe_target *probing_find(const struct probing *p, struct addr addr)
{
    const struct probe_target wanted = {.addr = addr};
    return bsearch(&wanted, p->targets, p->count, sizeof wanted, compare_target);
}

static int add_target(struct probing *p, struct span text)
{
    struct prefix one;
    if (list_line(text, &one) != 0 || one.bits != 128)
        return usage_error(&verb_probe, "expected an address such as 192.0.2.7, got \"%.*s\"", (int)(text.len < 60 ? text.len : 60),
                           (const char *)text.at);
    if (p->count == PROBE_TARGETS_MAX)
        return usage_error(&verb_probe, "expected at most %d addresses at a time", PROBE_TARGETS_MAX);
    p->targets[p->count++].addr = one.addr;
    return 0;
}

static int add_file(struct probing *p, const char *path)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    int status = 0;
    struct prefix ignored;
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (in == NULL)
        return failed("%s: %s", path, strerror(errno));
    while (status == 0 && (length = getline(&line, &size, in)) >= 0) {
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
            length--;
        struct span text = span_of(line, (size_t)length);
        if (list_line(text, &ignored) != 1)
            status = add_target(p, text);
    }
    if (status == 0 && ferror(in) != 0)
        status = failed("%s: %s", path, strerror(errno));
    free(line);
    if (in != stdin)
        (void)fclose(in);
    return status;
}

/* By address, each once. */
static void order_targets(struct probing *p)
{
    size_t kept = 0;
    qsort(p->targets, p->count, sizeof *p->targets, compare_target);
    for (size_t i = 0; i < p->count; i++)
        if (kept == 0 || compare_target(&p->targets[kept - 1], &p->targets[i]) != 0)
            p->targets[kept++] = p->targets[i];
    p->count = kept;
}

static int read_ports(struct probing *p, const char *text)
{
    for (struct span left = span_text(text); text != NULL && left.len > 0;) {
        struct span one = span_part(left, 0, span_find(left, ','));
        left = span_part(left, one.len + 1, left.len);
        int width = (int)(one.len < 40 ? one.len : 40);
        if (p->port_count == ORDER_PORTS_MAX)
            return usage_error(&verb_probe, "--ports: expected at most %d ports", ORDER_PORTS_MAX);
        int r = order_port_parse(one, &p->ports[p->port_count]);
        if (r == -ERR_UNKNOWN)
            return usage_error(&verb_probe, "--ports: no such probe, or none for that port (`noroshi probes` lists them): \"%.*s\"", width,
                               (const char *)one.at);
        if (r != 0)
            return usage_error(&verb_probe, "--ports: expected ports such as 23,80,161/udp or 8080:http, got \"%.*s\"", width, (const char *)one.at);
        p->port_count++;
    }
    return text != NULL && p->port_count == 0 ? usage_error(&verb_probe, "--ports: expected at least one port") : 0;
}

static int read_wait(struct probing *p, const char *text)
{
    usec_t age = -WAIT_USUAL;
    if (text != NULL && (when_parse(span_text(text), 0, 0, &age) != 0 || age > 0))
        return usage_error(&verb_probe, "--wait: expected a duration such as 90s or 10m, got \"%.40s\"", text);
    p->wait = -age;
    return 0;
}

/* ---- tasks ---- */

/* "IN ('key','key')": keys are addresses and a time, nothing that would need quoting. */
static void key_list(const struct probing *p, size_t from, struct buf *sql)
{
    for (size_t i = from; i < p->count && i < from + KEYS_PER_QUERY; i++)
        buf_printf(sql, "%s'%s'", i > from ? "," : "", p->targets[i].key);
}

static int on_asn(void *user, const struct query_value *v, size_t count)
{
    struct addr addr;
    if (count != 2 || v[0].bytes.len != sizeof addr.bytes)
        return 0;
    memcpy(addr.bytes, v[0].bytes.at, sizeof addr.bytes);
    struct probe_target *target = probing_find(user, addr);
    if (target != NULL)
        target->asn = (uint32_t)v[1].number;
    return 0;
}

/* The AS of hosts the store knows: it has a budget, too. */
static void find_systems(struct probing *p)
{
    struct query *query = NULL;
    struct buf why, sql;
    const struct query_range all = {.until = INT64_MAX};
    char digits[33];
    buf_init(&why, 0);
    buf_init(&sql, 0);
    bool open = query_open(&query, p->invocation->data, &why) == 0;
    for (size_t from = 0; open && from < p->count; from += KEYS_PER_QUERY) {
        buf_clear(&sql);
        buf_text(&sql, "SELECT source_ip,asn FROM host WHERE asn IS NOT NULL AND source_ip IN (");
        for (size_t i = from; i < p->count && i < from + KEYS_PER_QUERY; i++)
            buf_printf(&sql, "%sx'%s'", i > from ? "," : "", text_hex(span_of(p->targets[i].addr.bytes, 16), digits));
        buf_byte(&sql, ')');
        (void)query_rows(query, buf_cstr(&sql), &all, on_asn, p);
    }
    query_close(query);
    buf_done(&why);
    buf_done(&sql);
}

static void put_task(struct buf *body, const struct probing *p, struct probe_target *target)
{
    struct order order = {.addr = target->addr, .asn = target->asn, .flags = ORDER_BY_HAND, .cause = "operator", .count = p->port_count};
    char key[ORDER_KEY_SIZE], now[USEC_TEXT_SIZE];
    struct buf input;
    memcpy(order.ports, p->ports, sizeof order.ports);
    buf_init(&input, 0);
    order_encode(&input, &order);
    /* Each time it is asked for is work of its own. */
    (void)snprintf(target->key, sizeof target->key, "%s %s", order_key(&order, key), usec_print(p->began, now));
    buf_be(body, strlen(target->key), 2);
    buf_text(body, target->key);
    buf_be(body, sizeof ORDER_TASK_KIND - 1, 2);
    buf_text(body, ORDER_TASK_KIND);
    buf_be(body, (uint64_t)p->began, 8);
    buf_be(body, input.len, 4);
    buf_span(body, buf_as_span(&input));
    buf_done(&input);
}

static int send_tasks(struct probing *p)
{
    struct store_client *client = NULL;
    struct buf why, body;
    buf_init(&why, 0);
    buf_init(&body, 0);
    int status = 0, r = store_client_open(&client, p->invocation->settings, &why);
    if (r != 0)
        status = failed("%s", why.len > 0 ? buf_cstr(&why) : err_text(r));
    for (size_t i = 0; status == 0 && i < p->count; i++) {
        put_task(&body, p, &p->targets[i]);
        if (i + 1 < p->count && body.len < 40000)
            continue;
        r = body.error != 0 ? body.error : store_client_tasks(client, buf_as_span(&body));
        if (r != 0)
            status = failed("asking for the visits: %s", err_text(r));
        buf_clear(&body);
    }
    /* An answer to what comes after them: they are committed. */
    struct store_totals totals;
    if (status == 0 && (r = store_client_finish(client, &totals)) != 0)
        status = failed("asking for the visits: %s", err_text(r));
    store_client_close(client);
    buf_done(&why);
    buf_done(&body);
    return status;
}

/* ---- waiting ---- */

static int on_ended(void *user, const struct query_value *v, size_t count)
{
    struct probing *p = user;
    for (size_t i = 0; count == 1 && i < p->count; i++)
        if (!p->targets[i].ended && span_is(v[0].bytes, p->targets[i].key))
            p->targets[i].ended = true;
    return 0;
}

static int on_number(void *user, const struct query_value *v, size_t count)
{
    if (count == 1)
        *(int64_t *)user = v[0].number;
    return 0;
}

/* How many tasks have ended, and how far the analysis is. */
static size_t look(struct probing *p, int64_t *ret_place)
{
    struct query *query = NULL;
    struct buf why, sql;
    const struct query_range all = {.until = INT64_MAX};
    size_t ended = 0;
    buf_init(&why, 0);
    buf_init(&sql, 0);
    bool open = query_open(&query, p->invocation->data, &why) == 0;
    for (size_t from = 0; open && from < p->count; from += KEYS_PER_QUERY) {
        buf_clear(&sql);
        buf_text(&sql, "SELECT key FROM task WHERE state IN ('done','failed') AND key IN (");
        key_list(p, from, &sql);
        buf_byte(&sql, ')');
        (void)query_rows(query, buf_cstr(&sql), &all, on_ended, p);
    }
    if (open)
        (void)query_rows(query, "SELECT ifnull(sum(row),0) FROM place", &all, on_number, ret_place);
    query_close(query);
    buf_done(&why);
    buf_done(&sql);
    for (size_t i = 0; i < p->count; i++)
        ended += p->targets[i].ended;
    return ended;
}

static void pause_msec(long msec)
{
    const struct timespec time = {.tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

/* Until all visits are over, and the analysis has no more to say of them. */
static void await(struct probing *p)
{
    usec_t begin = usec_monotonic();
    struct progress progress;
    int64_t place = 0, before = -1;
    size_t ended;
    progress_init(&progress, p->invocation);
    while ((ended = look(p, &place)) < p->count && usec_monotonic() - begin < p->wait) {
        if (progress_due(&progress))
            progress_draw(&progress, ended, p->count, "%zu of %zu visits are over", ended, p->count);
        pause_msec(POLL_MSEC);
    }
    progress_clear(&progress);
    usec_t settled = usec_monotonic();
    bool analysis = ended > 0 && conf_bool(p->invocation->settings, "store.analyse");
    while (analysis && place != before && usec_monotonic() - settled < SETTLE_MOST) {
        before = place;
        pause_msec(SETTLE_MSEC);
        (void)look(p, &place);
    }
}

static int visit(struct probing *p)
{
    struct conf_error error = {0};
    const struct invocation *i = p->invocation;
    struct aside *aside = NULL;
    if (operator_check(i->settings, &error) != 0) {
        fprintf(stderr, "noroshi: %s\n", error.text);
        return EXIT_USAGE;
    }
    if (!operator_named(i->settings)) {
        fprintf(stderr,
                "noroshi: %s: operator.organisation, operator.mail and operator.page must be filled in first: a host that is probed must be able to "
                "find out by whom; --dry-run sends nothing\n",
                i->config);
        return EXIT_USAGE;
    }
    if (roles_check(i->settings, &error) != 0) {
        fprintf(stderr, "noroshi: %s\n", error.text);
        return EXIT_USAGE;
    }
    int r = aside_start(&aside, i->settings);
    if (r != 0 && r != -ERR_BUSY)
        return EXIT_FAILED; /* the supervisor has said why */
    find_systems(p);
    p->began = usec_now();
    int status = send_tasks(p);
    if (status == 0) {
        await(p);
        status = probe_view(p);
    }
    if (aside_stop(aside) != 0 && status == EXIT_OK)
        status = EXIT_FAILED;
    return status;
}

static int run(const struct invocation *i, const struct options *o)
{
    struct probing p = {.invocation = i, .json = o->values[PROBE_JSON] != NULL};
    int status = read_ports(&p, o->values[PROBE_PORTS]);
    if (status == 0)
        status = read_wait(&p, o->values[PROBE_WAIT]);
    if (status != 0)
        return status;
    p.targets = calloc(PROBE_TARGETS_MAX, sizeof *p.targets);
    if (p.targets == NULL)
        return failed("%s", err_text(-ENOMEM));
    for (int n = 0; n < o->word_count && status == 0; n++)
        status = add_target(&p, span_text(o->words[n]));
    if (status == 0 && o->values[PROBE_FILE] != NULL)
        status = add_file(&p, o->values[PROBE_FILE]);
    order_targets(&p);
    if (status == 0 && p.count == 0)
        status = usage_error(&verb_probe, "expected addresses");
    if (status == 0)
        status = o->values[PROBE_DRY_RUN] != NULL ? probe_dry(&p) : visit(&p);
    free(p.targets);
    return status;
}

const struct verb verb_probe = {
    .name = "probe",
    .arguments = "ADDRESS… [--ports LIST] [--file FILE] [--dry-run] [--wait DURATION] [--json]",
    .help = "ask hosts politely what they are",
    .text = "Connects to each port once, as policy allows (outside.*, the lists, the special-purpose registries), and prints what the host said,\n"
            "what kind of device that is, and which rule says so. Nothing goes out until operator.* is filled in. Every connection is in the audit:\n"
            "`report probes`. The least time between two visits (probe.interval) does not hold for hosts named here, everything else does.\n"
            "\n"
            "Works beside a running `noroshi run` of the same data folder, and without one. What is not over within --wait goes on.\n"
            "Exit status 3: no host answered; 4: some did not, or are not over yet.",
    .examples = "noroshi probe 192.0.2.7\n"
                "noroshi probe 192.0.2.7 --ports 23,80,161/udp:snmp\n"
                "noroshi probe --dry-run 192.0.2.7          # what would be sent, and would policy allow it?\n"
                "noroshi probe --file hosts.txt --json --wait 30m",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .needs_settings = true,
    .run = run,
};
