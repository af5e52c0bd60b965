#include "cli/whois.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "contact/whois.h"

#include <string.h>
#include <unistd.h>

enum { MEMORY_MAX = 64 * 1024 * 1024, FILE_MAX = 16 * 1024 * 1024 };

static const struct verb_option options[] = {
    [WHOIS_PARSE] = {"parse", 'p', "FILE", "read a saved reply; more files may follow; - is standard input"},
    [WHOIS_ADDRESS] = {"address", 'a', "IP", "with --parse: the address that was asked about"},
    [WHOIS_DOMAIN] = {"domain", 'd', "NAME", "with --parse: the domain that was asked about"},
    [WHOIS_SERVER] = {"server", 's', "NAME", "with --parse: the server that answered (default: found out from the text)"},
    [WHOIS_TRACE] = {"trace", 't', NULL, "print every hop with its question and its reason"},
    [WHOIS_WAIT] = {"wait", 'w', "DURATION", "how long to wait for the answers, e.g. 90s (default 10m)"},
    [WHOIS_JSON] = {"json", 'j', NULL, "an array with an object per file, or per target"},
};

static const char *state_text(enum whois_state state)
{
    switch (state) {
    case WHOIS_GOOD:
        return "good";
    case WHOIS_EMPTY:
        return "empty";
    case WHOIS_LIMITED:
        return "limited";
    case WHOIS_BANNED:
        return "banned";
    case WHOIS_REDUCED:
        return "reduced";
    case WHOIS_BROKEN:
    default:
        return "broken";
    }
}

/* ---- saved replies ---- */

struct parsing {
    const struct invocation *invocation;
    const struct book *book;
    struct span server, domain;
    struct addr addr;
    struct json *json; /* NULL: for people */
};

/* "name", or "name:port" when the port is not WHOIS's own. */
static void put_server(struct buf *out, struct span name, uint16_t port)
{
    enum { WHOIS_PORT = 43 };
    buf_span(out, name);
    if (name.len > 0 && port != WHOIS_PORT && port != 0)
        buf_printf(out, ":%u", port);
}

static void put_member(struct json *json, const char *key, struct span value)
{
    json_key(json, key);
    json_span(json, value);
}

static void json_finding(struct json *json, const struct finding *f)
{
    bool contact = f->objection == OBJECTION_NONE;
    json_begin_object(json);
    put_member(json, "value", f->value);
    if (contact) {
        put_member(json, "kind", span_text(contact_kind_text(f->kind)));
        put_member(json, "role", span_text(contact_role_text(f->role)));
        json_key(json, "rank");
        json_int(json, f->rank);
    } else {
        put_member(json, "objection", span_text(objection_text(f->objection)));
    }
    put_member(json, "attribute", f->attribute);
    put_member(json, "evidence", f->evidence);
    json_end_object(json);
}

static void json_findings(struct json *json, const char *key, const struct findings *found, bool contacts)
{
    json_key(json, key);
    json_begin_array(json);
    for (const struct finding *f = found->first; f != NULL; f = f->next) {
        if ((f->objection == OBJECTION_NONE) == contacts)
            json_finding(json, f);
    }
    json_end_array(json);
}

/* What is still to be asked for at the same server: handles (also a network's, NET-192-0-2-0-1); blocks of addresses, which have none. */
static void json_handles(struct json *json, const char *key, const struct whois_reply *reply, bool blocks)
{
    struct prefix block;
    json_key(json, key);
    json_begin_array(json);
    for (size_t i = 0; i < reply->handle_count; i++) {
        if ((prefix_parse(reply->handles[i], &block) == 0) == blocks)
            json_span(json, reply->handles[i]);
    }
    json_end_array(json);
}

static void json_reply(const struct parsing *p, const char *file, const struct whois_reply *reply, const struct findings *found)
{
    char block[PREFIX_TEXT_SIZE];
    struct buf next;
    struct json *json = p->json;
    buf_init(&next, 0);
    put_server(&next, reply->next, reply->next_port);
    json_begin_object(json);
    put_member(json, "file", span_text(file));
    put_member(json, "authority", reply->authority);
    put_member(json, "server", p->server);
    put_member(json, "state", span_text(state_text(reply->state)));
    put_member(json, "next", buf_as_span(&next));
    put_member(json, "next_reason", reply->next_reason);
    put_member(json, "block", span_text(reply->block.bits > 0 ? prefix_print(reply->block, block) : ""));
    put_member(json, "holder", reply->holder);
    put_member(json, "netname", reply->netname);
    put_member(json, "country", reply->country);
    json_findings(json, "contacts", found, true);
    json_findings(json, "not_contacts", found, false);
    json_handles(json, "handles", reply, false);
    json_handles(json, "networks", reply, true);
    json_key(json, "personal");
    json_int(json, reply->personal);
    json_key(json, "final");
    json_bool(json, reply->final);
    json_end_object(json);
    buf_done(&next);
}

static void print_line(struct buf *out, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    buf_printf(out, "%-10s", name);
    text_escape(out, value);
    buf_byte(out, '\n');
}

static void print_finding(struct buf *out, const struct finding *f)
{
    bool contact = f->objection == OBJECTION_NONE;
    if (contact)
        buf_printf(out, "  %2u  %-15s", f->rank + 1, contact_role_text(f->role));
    else
        buf_printf(out, "   -  %-15s", objection_text(f->objection));
    text_escape(out, f->value);
    buf_text(out, "  (");
    text_escape(out, f->attribute);
    buf_text(out, ")\n");
}

static void print_reply(const char *file, const struct whois_reply *reply, const struct findings *found)
{
    char block[PREFIX_TEXT_SIZE];
    struct buf out, next;
    buf_init(&out, 0);
    buf_init(&next, 0);
    put_server(&next, reply->next, reply->next_port);
    print_line(&out, "file", span_text(file));
    print_line(&out, "authority", reply->authority);
    print_line(&out, "state", span_text(state_text(reply->state)));
    print_line(&out, "block", span_text(reply->block.bits > 0 ? prefix_print(reply->block, block) : ""));
    print_line(&out, "holder", reply->holder);
    print_line(&out, "next", buf_as_span(&next));
    print_line(&out, "because", reply->next_reason);
    for (const struct finding *f = found->first; f != NULL; f = f->next)
        print_finding(&out, f);
    for (size_t i = 0; i < reply->handle_count; i++)
        print_line(&out, "handle", reply->handles[i]);
    buf_byte(&out, '\n');
    (void)fwrite(out.data, 1, out.len, stdout);
    buf_done(&out);
    buf_done(&next);
}

static int parse_file(const struct parsing *p, const char *file)
{
    struct arena arena;
    struct findings found;
    struct whois_reply reply;
    struct buf bytes;
    buf_init(&bytes, FILE_MAX);
    int r = strcmp(file, "-") == 0 ? file_read_all(STDIN_FILENO, &bytes) : file_read(file, &bytes);
    if (r != 0) {
        buf_done(&bytes);
        return r == -ERR_LIMIT ? failed("%s: larger than the %d MiB that are read of a file", file, FILE_MAX / (1024 * 1024))
                               : failed("%s: %s", file, err_text(r));
    }
    arena_init(&arena, MEMORY_MAX);
    findings_init(&found, &arena);
    r = p->domain.len > 0 ? whois_read_domain(p->book, p->server, p->domain, buf_as_span(&bytes), &found, &reply)
                          : whois_read(p->book, p->server, p->addr, buf_as_span(&bytes), &found, &reply);
    if (r == 0 && p->json != NULL)
        json_reply(p, file, &reply, &found);
    else if (r == 0)
        print_reply(file, &reply, &found);
    bool broken = r == 0 && reply.state == WHOIS_BROKEN;
    if (broken)
        note(p->invocation, "%s: %s", file,
             bytes.len == 0        ? "empty"
             : reply.text.len == 0 ? "not text, no reply of a WHOIS server"
                                   : "an error, or no reply of a WHOIS server");
    arena_done(&arena);
    buf_done(&bytes);
    return r != 0 ? failed("%s: %s", file, err_text(r)) : broken ? EXIT_NOTHING : EXIT_OK;
}

static int parse_all(struct parsing *p, const struct options *o)
{
    struct buf out;
    struct json json;
    bool as_json = o->values[WHOIS_JSON] != NULL;
    buf_init(&out, 0);
    json_init(&json, &out, true);
    if (as_json) {
        p->json = &json;
        json_begin_array(&json);
    }
    int status = parse_file(p, o->values[WHOIS_PARSE]);
    for (int i = 0; i < o->word_count; i++) {
        int one = parse_file(p, o->words[i]);
        status = one != status ? EXIT_PARTLY : status;
    }
    if (as_json) {
        json_end_array(&json);
        buf_byte(&out, '\n');
        (void)fwrite(out.data, 1, out.len, stdout);
    }
    p->json = NULL;
    buf_done(&out);
    return output_done(status);
}

static void warn_of_age(const struct invocation *i, const struct book *book)
{
    static const struct {
        enum book_part part;
        const char *name;
    } parts[] = {{BOOK_blocks, "blocks"},       {BOOK_servers, "servers"},   {BOOK_tlds, "tlds"},        {BOOK_rdap_ipv4, "ipv4.json"},
                 {BOOK_rdap_ipv6, "ipv6.json"}, {BOOK_rdap_asn, "asn.json"}, {BOOK_rdap_dns, "dns.json"}};
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        usec_t date = book_date(book, parts[k].part), age = usec_now() - date;
        char day[USEC_TEXT_SIZE];
        if (date > 0 && age > BOOK_OLD_DAYS * USEC_PER_DAY)
            note(i, "the table %s of contact.lists is of %s: registries have changed since", parts[k].name, usec_print_day(date, day));
    }
}

/* The tables of contact.lists; old ones are told. */
static int open_tables(const struct invocation *i, struct book **ret)
{
    struct conf_error error;
    struct buf image;
    buf_init(&image, 0);
    int r = book_pack_settings(i->settings, &image, &error);
    if (r == 0)
        r = book_open(ret, buf_as_span(&image), &error);
    buf_done(&image);
    if (r != 0) {
        fprintf(stderr, "noroshi: %s\n", error.text);
        return EXIT_USAGE;
    }
    warn_of_age(i, *ret);
    return EXIT_OK;
}

static int parse(const struct invocation *i, const struct options *o)
{
    struct book *book = NULL;
    struct parsing p = {.invocation = i};
    struct arena arena;
    int status = EXIT_OK;
    if (o->values[WHOIS_ADDRESS] != NULL && o->values[WHOIS_DOMAIN] != NULL)
        return usage_error(&verb_whois, "expected one of --address and --domain");
    if (o->values[WHOIS_ADDRESS] != NULL && addr_parse(span_text(o->values[WHOIS_ADDRESS]), &p.addr) != 0)
        return usage_error(&verb_whois, "--address: expected an address such as 192.0.2.7, got \"%.60s\"", o->values[WHOIS_ADDRESS]);
    arena_init(&arena, MEMORY_MAX);
    if (o->values[WHOIS_DOMAIN] != NULL && domain_normalise(&arena, span_text(o->values[WHOIS_DOMAIN]), &p.domain) != 0)
        status = usage_error(&verb_whois, "--domain: expected a domain such as example.net, got \"%.60s\"", o->values[WHOIS_DOMAIN]);
    if (status == EXIT_OK)
        status = open_tables(i, &book);
    if (status == EXIT_OK) {
        p.book = book;
        p.server = span_text(o->values[WHOIS_SERVER]);
        status = parse_all(&p, o);
    }
    book_close(book);
    arena_done(&arena);
    return status;
}

static int run(const struct invocation *i, const struct options *o)
{
    if (o->values[WHOIS_PARSE] != NULL)
        return parse(i, o);
    if (o->values[WHOIS_ADDRESS] != NULL || o->values[WHOIS_DOMAIN] != NULL || o->values[WHOIS_SERVER] != NULL)
        return usage_error(&verb_whois, "--address, --domain and --server go with --parse");
    if (o->word_count == 0)
        return usage_error(&verb_whois, "expected an address or a domain, or --parse and a file");
    struct book *book = NULL;
    int status = open_tables(i, &book);
    book_close(book);
    return status == EXIT_OK ? whois_live(i, o) : status;
}

const struct verb verb_whois = {
    .name = "whois",
    .arguments = "(ADDRESS|DOMAIN… [--trace] | --parse FILE… [--address IP | --domain NAME])",
    .help = "whom registries name for an address or a domain: asked now, or read from saved replies",
    .text =
        "With --parse, replies of WHOIS servers that were saved are read; nothing is sent. For each: the registry that speaks, its state (limited "
        "and reduced "
        "replies are no proof that there is no contact), who is to be asked next and why, the contacts with their roles, best first, addresses that "
        "are no "
        "contacts with the reason, and handles that are still to be asked for. A file may hold what a client printed of a whole chain of servers, "
        "the "
        "page of a registry's web gateway, or a reply quoted in a mail. The exit status is 3 when a file holds no reply.\n\n"
        "Otherwise the registries are asked, within their budgets, from the regional registry down to the holder's own entry; what was asked today "
        "is not asked again. The operator must be named in the configuration. The same as `contact --channels ip_whois,domain_whois`, seen from the "
        "registries' side.",
    .examples = "noroshi whois --parse reply.txt --address 192.0.2.7 --json   # contacts in a saved reply\n"
                "noroshi whois 192.0.2.7 --trace   # ask, and print every hop with its reason",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .needs_settings = true,
    .run = run,
};
