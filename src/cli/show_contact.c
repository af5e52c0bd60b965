/* `show contact`: a contact, or all of a target, with the bytes it came from and both rules explained. */
#include "base/err.h"
#include "cli/contact.h"
#include "cli/show.h"

enum { MEMORY_MAX = 64 * 1024 * 1024 };

struct wanted {
    struct addr addr;
    struct span domain;
    struct id id; /* zero: all of the target */
    bool found;
    struct arena *arena;
    int error;
};

static const struct column origin_columns[] = {
    {.name = "noroshi.channel", .title = "channel", .type = COLUMN_TEXT},
    {.name = "noroshi.contact.domain", .title = "for", .type = COLUMN_TEXT, .spare = 3},
    {.name = "noroshi.contact.role", .title = "role", .type = COLUMN_TEXT, .spare = 4},
    {.name = "noroshi.contact.objection", .title = "objection", .type = COLUMN_TEXT, .spare = 5},
    {.name = "noroshi.contact.attribute", .title = "stood at", .type = COLUMN_TEXT},
    {.name = "noroshi.lookup.server", .title = "said by", .type = COLUMN_TEXT},
    {.name = "noroshi.block", .title = "network", .type = COLUMN_TEXT, .spare = 2},
    {.name = "noroshi.lookup.id", .title = "look-up", .type = COLUMN_TEXT, .spare = 6},
    {.name = "noroshi.evidence", .title = "words", .type = COLUMN_TEXT, .spare = 1},
};
enum { ORIGIN_COLUMNS = sizeof origin_columns / sizeof origin_columns[0] };

/* ---- finding ---- */

static int on_target(void *user, const struct query_value *v, size_t count)
{
    struct wanted *w = user;
    if (count != 2 || v[0].bytes.len != sizeof w->addr.bytes)
        return 0;
    memcpy(w->addr.bytes, v[0].bytes.at, sizeof w->addr.bytes);
    char *domain = arena_copy(w->arena, v[1].bytes);
    w->domain = span_of(domain, domain != NULL ? v[1].bytes.len : 0);
    w->found = true;
    return 1;
}

/* A record of an earlier search: its contact may still be known by a later one. */
static int on_record(void *user, const struct record *r)
{
    struct wanted *w = user;
    static const struct addr none;
    const struct fact *domain = record_fact(r, FACT_CONTACT_DOMAIN);
    if (!id_equal(r->id, w->id))
        return 0;
    w->addr = r->destination.addr;
    if (addr_equal(w->addr, none) && domain != NULL) {
        char *copy = arena_copy(w->arena, domain->text);
        w->domain = span_of(copy, copy != NULL ? domain->text.len : 0);
    }
    w->found = true;
    return 1;
}

static int find_by_id(struct wanted *w, struct query *query)
{
    const struct query_range all = {.until = INT64_MAX};
    const struct query_value id = value_bytes(span_of(w->id.bytes, sizeof w->id.bytes));
    int r = query_rows_with(query, "SELECT address, domain FROM contact WHERE id = ?1", &all, &id, 1, on_target, w);
    if (r != 0 || w->found)
        return r;
    const struct query_filter filter = {
        .since = id_time(w->id) - USEC_PER_SEC, .until = id_time(w->id) + USEC_PER_SEC, .kinds = UINT64_C(1) << KIND_CONTACT};
    r = query_records(query, &filter, on_record, w);
    w->id = (struct id){.bytes = {0}}; /* the whole target is shown: that contact is history */
    return r < 0 ? r : 0;
}

/* ---- printing ---- */

static const char *word_of(struct span text)
{
    return span_is(text, "yes") ? "yes" : span_is(text, "no") ? "no" : "unknown";
}

static void explain_mail(const struct found_contact *c)
{
    static const struct {
        const char *word, *text;
    } matches[] = {{"exact", "yes: its domain is the target's"},
                   {"registrable", "no: only the registrable domain is the same"},
                   {"name", "no: the same name with another suffix"}};
    const char *match = "no: its domain is not the target's";
    for (size_t i = 0; i < 3; i++)
        if (span_is(c->match, matches[i].word))
            match = matches[i].text;
    show_line("(1) exists", "%s: its domain %s a mail host with an address", word_of(c->there),
              span_is(c->there, "yes")  ? "has"
              : span_is(c->there, "no") ? "has not"
                                        : "may or may not have");
    show_line("(2) domain", "%s", match);
    show_line("(3-a)", "%s: its local part %s a mailbox name of RFC 2142", c->rfc2142 != 0 ? "yes" : "no", c->rfc2142 != 0 ? "is" : "is not");
    show_line("(3-b)", "%s: its local part %s a word such as abuse, security or contact", c->word != 0 ? "yes" : "no",
              c->word != 0 ? "holds" : "does not hold");
    show_line("valid", "%s: (1) and one of (2), (3-a), (3-b)", word_of(c->valid));
}

static void explain_rule(const struct found_contact *c)
{
    if (span_is(c->kind, "mail")) {
        explain_mail(c);
    } else if (span_is(c->kind, "form")) {
        show_line("valid", "%s: the page has a form with a field for a message and a way to be answered", word_of(c->valid));
    } else {
        show_line("(1-a) account", "%s: it is one account that exists", word_of(c->check_there.len > 0 ? c->check_there : c->there));
        show_line("(1-b) messages", "%s: it takes messages from strangers", word_of(c->check_messages));
        show_line("(2) owner", "%s: its owner is the page's", word_of(c->check_owner));
        show_line("valid", "%s: all three; what needs a login is unknown until `noroshi contact --check` enters it", word_of(c->valid));
    }
}

static int show_origins(const struct invocation *i, const struct found_contact *c)
{
    struct table *table = NULL;
    int r = table_new(&table, origin_columns, ORIGIN_COLUMNS);
    for (size_t n = 0; n < c->origin_count && r == 0; n++) {
        const struct found_origin *o = &c->origins[n];
        const struct span texts[ORIGIN_COLUMNS] = {o->channel, o->found_for, o->role,   o->objection, o->attribute,
                                                   o->server,  o->block,     o->lookup, o->evidence};
        struct query_value row[ORIGIN_COLUMNS];
        for (size_t k = 0; k < ORIGIN_COLUMNS; k++)
            row[k] = texts[k].len > 0 ? value_text(texts[k]) : value_null();
        r = table_row(table, row, ORIGIN_COLUMNS);
    }
    int status = r != 0 ? failed("%s", err_text(r)) : show_table(i, "where it stood", table);
    table_free(table);
    return status;
}

static int show_one(const struct invocation *i, const struct found_contact *c)
{
    char id[ID_TEXT_SIZE];
    struct buf value;
    buf_init(&value, 0);
    text_escape(&value, c->value);
    printf("\n%s%s%s\n", i->color ? "\033[1m" : "", buf_cstr(&value), i->color ? "\033[0m" : "");
    buf_done(&value);
    show_line("id", "%s", id_print(c->id, id));
    show_span("kind", c->kind);
    show_span("reaches", c->role);
    if (c->choice.len > 0)
        show_span("chosen as", c->choice);
    if (c->objection.len > 0)
        show_span("no contact", c->objection);
    explain_rule(c);
    if (c->flags.len > 0)
        show_span("flags", c->flags);
    show_line("our score", "%lld of 1000", (long long)c->score);
    if (c->reason.len > 0)
        show_span("because", c->reason);
    show_time("first found", c->first);
    show_time("last found", c->last);
    return show_origins(i, c);
}

static void show_lines(const char *name, struct span text)
{
    while (text.len > 0) {
        size_t end = span_find(text, '\n');
        if (end > 0)
            show_span(name, span_part(text, 0, end));
        text = span_part(text, end + 1, text.len);
    }
}

static void show_target(const struct wanted *w, const struct found_target *t)
{
    char text[ADDR_TEXT_SIZE];
    if (w->domain.len > 0)
        printf("contacts of %.*s\n", (int)w->domain.len, (const char *)w->domain.at);
    else
        printf("contacts of %s\n", addr_print(w->addr, text));
    if (!t->known)
        return;
    show_span("search", t->outcome);
    if (t->reason.len > 0)
        show_span("ended", t->reason);
    show_time("last", t->last);
    if (t->holder.len > 0)
        show_span("holder", t->holder);
    if (t->block.len > 0)
        show_span("network", t->block);
    if (t->ptr.len > 0)
        show_span("name", t->ptr);
    if (t->domains.len > 0)
        show_span("domains", t->domains);
    show_span("asked", t->channels);
    show_lines("not found out", t->debts);
}

static bool is_wanted(const struct wanted *w, const struct found_contact *c)
{
    return id_is_zero(w->id) || id_equal(w->id, c->id);
}

static int print_json(const struct wanted *w, const struct found_target *t)
{
    struct buf out;
    struct json json;
    char text[USEC_TEXT_SIZE];
    buf_init(&out, 0);
    json_init(&json, &out, true);
    json_begin_object(&json);
    json_key(&json, w->domain.len > 0 ? "noroshi.contact.domain" : "destination.ip");
    if (w->domain.len > 0)
        json_span(&json, w->domain);
    else
        json_text(&json, addr_print(w->addr, text));
    const struct {
        const char *key;
        struct span text;
    } texts[] = {{"event.outcome", t->outcome}, {"event.reason", t->reason},     {"noroshi.holder", t->holder},   {"noroshi.block", t->block},
                 {"noroshi.debts", t->debts},   {"noroshi.domains", t->domains}, {"noroshi.channel", t->channels}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_key(&json, texts[i].key);
        json_span(&json, texts[i].text);
    }
    json_key(&json, "contacts");
    json_begin_array(&json);
    for (size_t i = 0; i < t->contact_count; i++) {
        if (!is_wanted(w, &t->contacts[i]))
            continue;
        json_begin_object(&json);
        contact_json(&json, &t->contacts[i], true);
        json_end_object(&json);
    }
    json_end_array(&json);
    json_end_object(&json);
    int status = out.error != 0 ? failed("%s", err_text(out.error)) : EXIT_OK;
    if (status == EXIT_OK)
        printf("%s\n", buf_cstr(&out));
    buf_done(&out);
    return status;
}

static int show_all(const struct invocation *i, const struct options *o, struct query *query, struct wanted *w)
{
    struct found_target target;
    int r = contact_read(query, w->addr, w->domain, w->arena, &target);
    if (r != 0)
        return failed("show contact: %s", err_text(r));
    if (!target.known && target.contact_count == 0) {
        note(i, "nobody has searched for it: `noroshi contact` does");
        return EXIT_NOTHING;
    }
    if (o->values[SHOW_JSON] != NULL)
        return print_json(w, &target);
    show_target(w, &target);
    int status = EXIT_OK;
    for (size_t n = 0; n < target.contact_count && status == EXIT_OK; n++)
        if (is_wanted(w, &target.contacts[n]))
            status = show_one(i, &target.contacts[n]);
    return status;
}

int show_contact(const struct invocation *i, const struct options *o, struct query *query, const char *what)
{
    struct arena arena;
    struct wanted w = {.arena = &arena};
    struct span text = span_text(what);
    arena_init(&arena, MEMORY_MAX);
    int status = EXIT_OK;
    if (addr_parse(text, &w.addr) == 0) {
        w.found = true;
    } else if (id_parse(text, &w.id) == 0) {
        int r = find_by_id(&w, query);
        if (r != 0)
            status = failed("show contact: %s", err_text(r));
    } else if (domain_normalise(&arena, text, &w.domain) == 0) {
        w.addr = (struct addr){.bytes = {0}};
        w.found = true;
    } else {
        status = usage_error(&verb_show, "contact: expected an id of 26 characters, an address or a domain, got \"%.60s\"", what);
    }
    if (status == EXIT_OK && !w.found) {
        note(i, "no contact %s", what);
        status = EXIT_NOTHING;
    } else if (status == EXIT_OK) {
        status = show_all(i, o, query, &w);
    }
    arena_done(&arena);
    return status;
}
