/* `probe --dry-run`: for each target and port what policy says, and what would be asked. */
#include "base/err.h"
#include "cli/policy.h"
#include "cli/probe.h"

static const struct column columns[] = {
    {.name = "destination.ip", .title = "host", .type = COLUMN_ADDR, .help = "whom"},
    {.name = "destination.port", .title = "port", .type = COLUMN_COUNT, .help = "where"},
    {.name = "network.transport", .title = "over", .type = COLUMN_TEXT, .help = "tcp or udp"},
    {.name = "noroshi.probe", .title = "probe", .type = COLUMN_TEXT, .help = "by which probe"},
    {.name = "event.outcome", .title = "policy", .type = COLUMN_TEXT, .help = "allowed, later, refused"},
    {.name = "event.reason", .title = "because", .type = COLUMN_TEXT, .help = "why not, or not now"},
    {.name = "noroshi.ask", .title = "what it asks", .type = COLUMN_TEXT, .help = "what would be sent"},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

struct outcome {
    const char *word, *reason;
    const struct probe *probe;
};

static struct outcome decide(const struct probing *p, struct policy *policy, const struct probe_target *target, const struct order_port *port)
{
    struct outcome outcome = {.word = "allowed", .reason = "", .probe = probe_by_name(span_text(port->probe))};
    const struct dial_request request = {.to = {.addr = target->addr, .port = port->port},
                                         .transport = port->transport,
                                         .care = outcome.probe != NULL ? outcome.probe->care : CARE_POLITE,
                                         .asn = target->asn};
    struct dial_answer answer = dial_ask(policy->dial, &request, usec_now(), true);
    if (answer.verdict == DIAL_OK && outcome.probe != NULL && !policy_probe_on(p->invocation, outcome.probe))
        answer = (struct dial_answer){.verdict = DIAL_NEVER, .why = DENIAL_EXTRA};
    if (answer.verdict != DIAL_OK) {
        outcome.word = answer.verdict == DIAL_LATER ? "later" : "refused";
        outcome.reason = denial_text(answer.why);
    }
    return outcome;
}

static int fill_table(struct probing *p, struct policy *policy, struct table *table, size_t *ret_allowed)
{
    int error = 0;
    for (size_t t = 0; t < p->count; t++) {
        for (size_t n = 0; n < p->port_count && error == 0; n++) {
            const struct order_port *port = &p->ports[n];
            struct outcome o = decide(p, policy, &p->targets[t], port);
            *ret_allowed += strcmp(o.word, "refused") != 0;
            const struct query_value row[COLUMNS] = {value_bytes(span_of(p->targets[t].addr.bytes, 16)),
                                                     value_int(port->port),
                                                     value_text(span_text(transport_name(port->transport))),
                                                     value_text(span_text(port->probe)),
                                                     value_text(span_text(o.word)),
                                                     value_text(span_text(o.reason)),
                                                     value_text(span_text(o.probe != NULL ? o.probe->help : ""))};
            error = table_row(table, row, COLUMNS);
        }
    }
    return error;
}

/* An object per target, as the verb prints it without --dry-run. */
static void print_json(const struct probing *p, const struct table *table)
{
    struct buf out;
    struct json json;
    char text[ADDR_TEXT_SIZE];
    buf_init(&out, 0);
    json_init(&json, &out, true);
    json_begin_array(&json);
    for (size_t t = 0; t < p->count; t++) {
        json_begin_object(&json);
        json_key(&json, "destination.ip");
        json_text(&json, addr_print(p->targets[t].addr, text));
        json_key(&json, "dry_run");
        json_bool(&json, true);
        json_key(&json, "ports");
        json_begin_array(&json);
        for (size_t n = 0; n < p->port_count; n++)
            table_json_row(table, &json, t * p->port_count + n);
        json_end_array(&json);
        json_end_object(&json);
    }
    json_end_array(&json);
    printf("%s\n", buf_cstr(&out));
    buf_done(&out);
}

static void tell_lists(const struct invocation *i, const struct policy *policy)
{
    if (policy->blocklist.trouble != NULL)
        note(i, "%s: %s: nothing is allowed without it", policy->blocklist.path, policy->blocklist.trouble);
    if (policy->optout.trouble != NULL)
        note(i, "%s: %s: nothing is allowed without it", policy->optout.path, policy->optout.trouble);
    for (size_t n = 0; n < policy->bad_count && n < POLICY_BAD_TOLD; n++)
        note(i, "%s:%u: \"%s\" is no address or network", policy_bad_path(policy, n), policy->bad[n].line, policy->bad[n].text);
}

static int show(struct probing *p, struct policy *policy)
{
    const struct invocation *i = p->invocation;
    struct table *table = NULL;
    size_t allowed = 0;
    int error = table_new(&table, columns, COLUMNS), status = EXIT_OK;
    if (error == 0)
        error = fill_table(p, policy, table, &allowed);
    if (error != 0)
        status = failed("%s", err_text(error));
    else if (p->json)
        print_json(p, table);
    else {
        struct table_look look = reading_look(i, false);
        status = reading_printed(table_print(table, "", "", TABLE_TERMINAL, &look, stdout));
    }
    table_free(table);
    if (status != EXIT_OK)
        return status;
    status = allowed == p->count * p->port_count ? EXIT_OK : allowed > 0 ? EXIT_PARTLY : EXIT_NOTHING;
    if (!dial_enabled(policy->dial)) {
        note(i, "operator.organisation, operator.mail and operator.page must be filled in before anything is sent");
        status = EXIT_USAGE;
    }
    note(i, "nothing was sent");
    return output_done(status);
}

int probe_dry(struct probing *p)
{
    struct policy policy;
    struct buf why;
    int status = policy_open(p->invocation, &policy);
    if (status != 0)
        return status;
    buf_init(&why, 0);
    if (p->port_count == 0 && policy_ports(p->invocation, p->ports, ORDER_PORTS_MAX, &p->port_count, &why) != 0) {
        fprintf(stderr, "noroshi: %s: %s\n", p->invocation->config, buf_cstr(&why));
        status = EXIT_USAGE;
    }
    tell_lists(p->invocation, &policy);
    policy_count(p->invocation, &policy);
    if (status == 0)
        status = show(p, &policy);
    buf_done(&why);
    policy_close(&policy);
    return status;
}
