/* Which devices banners from elsewhere came from, with the rules that say so. */
#include "cli/fingerprint.h"
#include "analyse/device/compile.h"

#include "base/err.h"
#include "cli/reading.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { FINGERPRINT_JSON, FINGERPRINT_CHECK };

static const struct verb_option options[] = {
    [FINGERPRINT_JSON] = {"json", 'j', NULL, "an array, one object per id"},
    [FINGERPRINT_CHECK] = {"check", 0, NULL, "only compile the rules and try their examples"},
};

enum { COMPLAINTS_MAX = 20 };

static const char *const value_names[] = {"class", "maker", "model", "firmware", "ics", "residue", "honeypot"};
enum { VALUES = sizeof value_names / sizeof value_names[0] };

static const struct device_value *value_at(const struct device *d, size_t index)
{
    const struct device_value *const values[VALUES] = {&d->class_, &d->maker, &d->model, &d->firmware, &d->ics, &d->residue, &d->honeypot};
    return values[index];
}

static struct span said(const struct evidence *e, size_t index)
{
    const struct span values[VALUES] = {e->class_, e->maker, e->model, e->firmware, e->ics, e->residue, e->honeypot};
    return values[index];
}

/* ---- rules ---- */

static int open_rules(const struct invocation *i, struct buf *image, struct device_rules **ret, struct device_compiled *compiled)
{
    char path[4096];
    struct conf_error error = {0};
    int r = device_compile(i->settings, device_cache_path(path, sizeof path), image, compiled, &error);
    if (r != 0) {
        fprintf(stderr, "noroshi: %s\n", error.text[0] != '\0' ? error.text : err_text(r));
        return EXIT_USAGE;
    }
    r = device_open(ret, buf_as_span(image));
    return r == 0 ? EXIT_OK : failed("fingerprint rules: %s", err_text(r));
}

/* ---- output ---- */

static const struct column columns[] = {
    {.name = "id", .title = "id"},           {.name = "class", .title = "class"},       {.name = "maker", .title = "maker"},
    {.name = "model", .title = "model"},     {.name = "firmware", .title = "firmware"}, {.name = "ics", .title = "ICS"},
    {.name = "residue", .title = "residue"}, {.name = "honeypot", .title = "honeypot"}, {.name = "rules", .title = "rules"},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

/* The rules behind any value, each once. */
static void print_rules(const struct device *d, struct buf *out)
{
    const struct evidence *told[VALUES];
    size_t count = 0;
    buf_clear(out);
    for (size_t v = 0; v < VALUES; v++) {
        const struct evidence *why = value_at(d, v)->why;
        bool known = why == NULL;
        for (size_t k = 0; k < count && !known; k++)
            known = span_equal(told[k]->rule, why->rule);
        if (known)
            continue;
        told[count++] = why;
        buf_text(out, out->len > 0 ? ", " : "");
        buf_span(out, why->rule);
    }
}

static int print_table(const struct invocation *i, const struct banners *b)
{
    struct table *table = NULL;
    struct buf rules;
    int error = table_new(&table, columns, COLUMNS);
    buf_init(&rules, 0);
    for (size_t n = 0; n < b->count && error == 0; n++) {
        struct device d;
        struct query_value row[COLUMNS];
        device_merge(b->hosts[n]->evidence, b->hosts[n]->count, &d);
        row[0] = value_text(span_text(b->hosts[n]->id));
        for (size_t v = 0; v < VALUES; v++)
            row[1 + v] = value_at(&d, v)->why != NULL ? value_text(value_at(&d, v)->text) : value_null();
        print_rules(&d, &rules);
        row[COLUMNS - 1] = value_text(buf_as_span(&rules));
        error = rules.error != 0 ? rules.error : table_row(table, row, COLUMNS);
    }
    buf_done(&rules);
    int status = error != 0 ? failed("fingerprint: %s", err_text(error)) : EXIT_OK;
    if (status == EXIT_OK) {
        struct table_look look = reading_look(i, false);
        status = reading_printed(table_print(table, "", "", TABLE_TERMINAL, &look, stdout));
    }
    table_free(table);
    return status;
}

/* All rules that said this value, each once. */
static void json_rules(struct json *json, const struct banner_host *h, const struct device_value *value, size_t v)
{
    json_begin_array(json);
    for (size_t i = 0; i < h->count && value->why != NULL; i++) {
        bool known = !span_equal(said(&h->evidence[i], v), value->text);
        for (size_t k = 0; k < i && !known; k++)
            known = span_equal(h->evidence[k].rule, h->evidence[i].rule) && span_equal(said(&h->evidence[k], v), value->text);
        if (!known)
            json_span(json, h->evidence[i].rule);
    }
    json_end_array(json);
}

static void json_conflict(struct json *json, const struct evidence *e)
{
    json_begin_object(json);
    json_key(json, "rule");
    json_span(json, e->rule);
    for (size_t v = 0; v < 2; v++) {
        json_key(json, value_names[v]);
        if (said(e, v).len > 0)
            json_span(json, said(e, v));
        else
            json_nil(json);
    }
    json_key(json, "certainty");
    json_int(json, e->certainty);
    json_key(json, "port");
    json_int(json, e->at.port);
    json_key(json, "line");
    json_int(json, e->time);
    json_end_object(json);
}

static void json_host(struct json *json, const struct banner_host *h)
{
    struct device d;
    device_merge(h->evidence, h->count, &d);
    json_begin_object(json);
    json_key(json, "id");
    json_text(json, h->id);
    for (size_t v = 0; v < VALUES; v++) {
        json_key(json, value_names[v]);
        if (value_at(&d, v)->why != NULL)
            json_span(json, value_at(&d, v)->text);
        else
            json_nil(json);
    }
    json_key(json, "certainty");
    json_begin_object(json);
    for (size_t v = 0; v < VALUES; v++) {
        if (value_at(&d, v)->why == NULL)
            continue;
        json_key(json, value_names[v]);
        json_int(json, value_at(&d, v)->certainty);
    }
    json_end_object(json);
    json_key(json, "rules");
    json_begin_object(json);
    for (size_t v = 0; v < VALUES; v++) {
        json_key(json, value_names[v]);
        json_rules(json, h, value_at(&d, v), v);
    }
    json_end_object(json);
    json_key(json, "conflicts");
    json_begin_array(json);
    for (size_t i = 0; i < d.conflict_count; i++)
        json_conflict(json, d.conflicts[i]);
    json_end_array(json);
    json_end_object(json);
}

static int print_json(const struct banners *b)
{
    struct json json;
    struct buf out;
    buf_init(&out, 0);
    json_init(&json, &out, true);
    json_begin_array(&json);
    for (size_t i = 0; i < b->count; i++) {
        json_host(&json, b->hosts[i]);
        if (out.error == 0 && fwrite(out.data, 1, out.len, stdout) != out.len)
            break;
        out.len = 0; /* what is printed need not be kept: the writer looks at nothing behind it */
    }
    json_end_array(&json);
    buf_byte(&out, '\n');
    int status = out.error != 0 ? failed("fingerprint: %s", err_text(out.error)) : EXIT_OK;
    if (status == EXIT_OK && out.len > 0 && fwrite(out.data, 1, out.len, stdout) != out.len)
        status = EXIT_FAILED;
    buf_done(&out);
    return output_done(status);
}

/* ---- running ---- */

struct telling {
    const struct invocation *invocation;
    const char *file;
    size_t told;
};

static void tell(size_t line, const char *why, void *user)
{
    struct telling *t = user;
    if (t->told++ < COMPLAINTS_MAX)
        note(t->invocation, "%s:%zu: %s", t->file, line, why);
}

static int judge(const struct invocation *i, const struct options *o, const struct device_rules *rules)
{
    struct telling telling = {.invocation = i, .file = o->word_count > 0 ? o->words[0] : "stdin"};
    struct banners banners = {0};
    FILE *in = o->word_count > 0 ? fopen(o->words[0], "rbe") : stdin;
    if (in == NULL)
        return failed("%s: %s", o->words[0], err_text(-errno));
    int r = banners_read(&banners, in, rules, tell, &telling);
    if (in != stdin)
        (void)fclose(in);
    int status = r != 0 ? failed("%s: %s", telling.file, err_text(r)) : EXIT_OK;
    if (status == EXIT_OK)
        status = o->values[FINGERPRINT_JSON] != NULL ? print_json(&banners) : print_table(i, &banners);
    if (banners.bad > 0)
        note(i, "%zu of %zu lines could not be used", banners.bad, banners.lines);
    if (status == EXIT_OK && banners.count == 0)
        status = banners.bad > 0 ? EXIT_PARTLY : EXIT_NOTHING;
    else if (status == EXIT_OK && banners.bad > 0)
        status = EXIT_PARTLY;
    banners_free(&banners);
    return status;
}

static int run(const struct invocation *i, const struct options *o)
{
    struct buf image;
    struct device_rules *rules = NULL;
    struct device_compiled compiled = {0};
    if (o->word_count > 1)
        return usage_error(&verb_fingerprint, "expected one file, got \"%.80s\" too", o->words[1]);
    buf_init(&image, 0);
    int status = open_rules(i, &image, &rules, &compiled);
    if (status == EXIT_OK && o->values[FINGERPRINT_CHECK] != NULL) {
        printf("%zu rules of ours, %zu of recog's (%zu left out), %zu of nmap's (%zu left out), %zu examples tried%s\n", compiled.own, compiled.recog,
               compiled.recog_left_out, compiled.nmap, compiled.nmap_left_out, compiled.examples, compiled.cached ? ", compiled before" : "");
        status = output_done(EXIT_OK);
    } else if (status == EXIT_OK) {
        status = judge(i, o, rules);
    }
    device_close(rules);
    buf_done(&image);
    return status;
}

const struct verb verb_fingerprint = {
    .name = "fingerprint",
    .arguments = "[FILE.jsonl] [--json] [--check]",
    .help = "say which devices banners from elsewhere came from",
    .text =
        "Reads lines of JSON, {\"id\": \"a\", \"port\": 23, \"service\": \"telnet\", \"data\": \"base 64 of what the host sent\"}, from a file or "
        "from\n"
        "stdin. Lines with one id are one host, the later ones its later answers. Services are the probes' names: banner, telnet, ftp, ssh, http,\n"
        "https, rtsp, upnp, snmp, modbus, bacnet, s7, fox, enip, dnp3. Printed are class, maker, model, firmware, industrial protocol, malware "
        "residue\n"
        "and honeypot of each host, with the rules that say so; --json adds evidence that says otherwise.\n"
        "\n"
        "The rules are those of fingerprint.rules, recog's when fingerprint.recog names its folder, and nmap's when fingerprint.nmap names its\n"
        "file. Nothing is recorded, nothing is sent. Lines "
        "that\n"
        "can't be read are named, counted and skipped; the exit status is 4 then.",
    .examples = "noroshi fingerprint banners.jsonl\n"
                "noroshi fingerprint --json < banners.jsonl\n"
                "noroshi -o fingerprint.recog=/opt/recog/xml fingerprint --check   # try every rule's examples",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .needs_settings = true,
    .run = run,
};
