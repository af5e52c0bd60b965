/* Contacts that operators enter by hand, what they found out about accounts, and bans they settled. */
#include "base/err.h"
#include "cli/contact.h"
#include "cli/when.h"
#include "store/client.h"
#include "store/entry.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_FIELDS = 5, MEMORY_MAX = 256 * 1024 * 1024, BAD_SHOWN = 10, WHO_MAX = 100 };

static const struct column columns[] = {
    {.name = "scope", .title = "for", .type = COLUMN_TEXT, .help = "address, network, AS or domain it was entered for"},
    {.name = "noroshi.contact.value", .title = "contact", .type = COLUMN_TEXT, .help = "the contact; empty: nobody is to be told"},
    {.name = "noroshi.contact.kind", .title = "kind", .type = COLUMN_TEXT, .help = "mail, form or account", .spare = 5},
    {.name = "noroshi.contact.role", .title = "role", .type = COLUMN_TEXT, .help = "whom it reaches"},
    {.name = "state", .title = "state", .type = COLUMN_TEXT, .help = "holds; expired; stale: a look-up finds the same now"},
    {.name = "found_by", .title = "found by", .type = COLUMN_TEXT, .help = "channels that find the same", .spare = 1},
    {.name = "change", .title = "change", .type = COLUMN_TEXT, .help = "of an import: new, changed, same, or not in the file"},
    {.name = "expires", .title = "expires", .type = COLUMN_TIME, .help = "until when it holds; empty: always"},
    {.name = "entered", .title = "entered", .type = COLUMN_TIME, .help = "when it was entered", .spare = 3},
    {.name = "who", .title = "by", .type = COLUMN_TEXT, .help = "who entered it", .spare = 4},
    {.name = "note", .title = "note", .type = COLUMN_TEXT, .help = "why", .spare = 2},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

/* An entry that is to be made, or of the store. */
struct manual {
    struct entry entry;
    struct entry_scope scope;
    usec_t entered;
    const char *change;
};

struct entering {
    const struct invocation *invocation;
    const struct options *options;
    struct arena arena;
    struct manual *list; /* those of the file or the command line */
    size_t count, room;
    struct manual *stored;
    size_t stored_count, stored_room;
    uint64_t bad;
    int error;
};

static const char *who_am_i(void)
{
    static const char *const names[] = {"SUDO_USER", "USER", "LOGNAME"};
    for (size_t i = 0; i < 3; i++) {
        const char *name = getenv(names[i]);
        if (name != NULL && name[0] != '\0' && strlen(name) < WHO_MAX)
            return name;
    }
    return "operator";
}

static struct manual *grow(struct manual **list, size_t count, size_t *room)
{
    if (count == *room) {
        size_t more = *room == 0 ? 64 : *room * 2;
        struct manual *next = realloc(*list, more * sizeof *next);
        if (next == NULL)
            return NULL;
        *list = next;
        *room = more;
    }
    (*list)[count] = (struct manual){.change = NULL};
    return &(*list)[count];
}

/* ---- reading ---- */

static int copy(struct arena *arena, struct span text, struct span *ret)
{
    char *at = arena_copy(arena, text);
    *ret = span_of(at, at != NULL ? text.len : 0);
    return at != NULL ? 0 : -ENOMEM;
}

/* A mail address, a URL of a form, "account:" and a URL, or "-". */
static int read_contact(struct arena *arena, struct span text, struct entry *entry)
{
    text = span_trim(text);
    entry->kind = CONTACT_MAIL;
    if (span_is(text, "-") || text.len == 0)
        return 0;
    if (span_starts(text, "account:")) {
        entry->kind = CONTACT_ACCOUNT;
        text = span_part(text, 8, text.len);
    } else if (span_starts(text, "http://") || span_starts(text, "https://")) {
        entry->kind = CONTACT_FORM;
    }
    if (entry->kind == CONTACT_MAIL)
        return mail_normalise(arena, text, &entry->value);
    if (text.len > ENTRY_TEXT_MAX || (!span_starts(text, "http://") && !span_starts(text, "https://")))
        return -ERR_MALFORMED;
    return copy(arena, text, &entry->value);
}

/* A date, or a time from now on: 90d. */
static int read_expiry(struct span text, usec_t *ret)
{
    usec_t when = 0;
    text = span_trim(text);
    *ret = 0;
    if (text.len == 0 || span_is(text, "never"))
        return 0;
    if (when_parse(text, 0, 0, &when) != 0 || when == 0)
        return -ERR_MALFORMED;
    *ret = when < 0 ? usec_now() - when : when;
    return 0;
}

static int read_role(struct span text, enum contact_role *ret)
{
    text = span_trim(text);
    int role = text.len > 0 ? contact_role_by_text(text) : CONTACT_ROLE_ABUSE;
    *ret = role >= 0 ? (enum contact_role)role : CONTACT_ROLE_ABUSE;
    return role >= 0 ? 0 : -ERR_UNKNOWN;
}

/* What is wrong, in words; NULL: nothing. */
static const char *read_manual(struct entering *e, const struct span fields[static LINE_FIELDS], struct manual *m)
{
    m->entry = (struct entry){.what = ENTRY_ADD, .who = span_text(who_am_i())};
    if (entry_scope_read(&e->arena, span_trim(fields[0]), &m->scope) != 0)
        return "expected an address, a network such as 192.0.2.0/24, an AS such as AS64500, or a domain";
    m->entry.scope = m->scope.text;
    if (read_contact(&e->arena, fields[1], &m->entry) != 0)
        return "expected a mail address, a URL, account:URL, or - for nobody";
    if (read_role(fields[2], &m->entry.role) != 0)
        return "expected a role such as abuse, security, noc, technical, administrative, owner";
    if (read_expiry(fields[3], &m->entry.expires) != 0)
        return "expected a date such as 2027-01-31, a time from now such as 90d, or nothing";
    return copy(&e->arena, span_part(span_trim(fields[4]), 0, ENTRY_TEXT_MAX), &m->entry.note) == 0 ? NULL : "out of memory";
}

/* A field of RFC 4180; quoted ones may hold commas. */
static struct span next_field(struct arena *arena, struct span *left)
{
    struct buf out;
    size_t at = 0;
    bool quoted = left->len > 0 && left->at[0] == '"';
    buf_init(&out, 0);
    for (at = quoted ? 1 : 0; at < left->len; at++) {
        uint8_t c = left->at[at];
        if (quoted && c == '"' && at + 1 < left->len && left->at[at + 1] == '"')
            at++;
        else if (quoted && c == '"')
            quoted = false;
        else if (!quoted && c == ',')
            break;
        if (c != '"' || quoted)
            buf_byte(&out, c);
    }
    *left = span_part(*left, at + 1, left->len);
    char *copied = arena_copy(arena, buf_as_span(&out));
    struct span field = span_of(copied, copied != NULL ? out.len : 0);
    buf_done(&out);
    return field;
}

static int read_line(struct entering *e, const char *path, uint64_t number, struct span line)
{
    struct span fields[LINE_FIELDS] = {{0}};
    line = span_trim(line);
    if (line.len == 0 || line.at[0] == '#' || (number == 1 && span_starts(line, "scope,")))
        return 0;
    for (size_t i = 0; i < LINE_FIELDS && line.len > 0; i++)
        fields[i] = next_field(&e->arena, &line);
    struct manual *m = grow(&e->list, e->count, &e->room);
    if (m == NULL)
        return -ENOMEM;
    const char *wrong = read_manual(e, fields, m);
    if (wrong == NULL)
        e->count++;
    else if (e->bad++ < BAD_SHOWN)
        fprintf(stderr, "%s:%llu: %s; left out\n", path, (unsigned long long)number, wrong);
    return 0;
}

static int read_file(struct entering *e, const char *path)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    uint64_t number = 0;
    int r = 0, status = 0;
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (in == NULL)
        return failed("%s: %s", path, strerror(errno));
    while (r == 0 && (length = getline(&line, &size, in)) >= 0)
        r = read_line(e, path, ++number, span_of(line, (size_t)length));
    if (r != 0 || ferror(in) != 0)
        status = failed("%s: %s", path, r != 0 ? err_text(r) : strerror(errno));
    free(line);
    if (in != stdin)
        (void)fclose(in);
    return status;
}

/* ---- what is stored ---- */

static int on_manual(void *user, const struct query_value *v, size_t count)
{
    struct entering *e = user;
    struct manual *m = count == 8 ? grow(&e->stored, e->stored_count, &e->stored_room) : NULL;
    if (m == NULL)
        return e->error = -ENOMEM;
    int kind = contact_kind_by_text(v[0].bytes), role = contact_role_by_text(v[2].bytes);
    m->entry = (struct entry){.what = ENTRY_ADD,
                              .kind = kind >= 0 ? (enum contact_kind)kind : CONTACT_MAIL,
                              .role = role >= 0 ? (enum contact_role)role : CONTACT_ROLE_ABUSE,
                              .expires = v[5].number};
    m->entered = v[4].number;
    struct span *const texts[] = {&m->entry.value, &m->entry.scope, &m->entry.note, &m->entry.who};
    static const size_t from[] = {1, 3, 6, 7};
    for (size_t i = 0; i < 4 && e->error == 0; i++)
        e->error = copy(&e->arena, v[from[i]].bytes, texts[i]);
    if (e->error == 0)
        e->error = entry_scope_read(&e->arena, m->entry.scope, &m->scope);
    e->stored_count++;
    return e->error;
}

static int read_stored(struct entering *e, struct query *query)
{
    const struct query_range all = {.until = INT64_MAX};
    e->stored_count = 0;
    int r = query_rows(query, "SELECT kind, value, role, scope, entered, expires, note, who FROM manual ORDER BY scope, value", &all, on_manual, e);
    return r != 0 ? r : e->error;
}

static struct manual *find_stored(const struct entering *e, const struct manual *m)
{
    for (size_t i = 0; i < e->stored_count; i++)
        if (span_equal(e->stored[i].entry.scope, m->entry.scope) && span_equal(e->stored[i].entry.value, m->entry.value) &&
            e->stored[i].entry.kind == m->entry.kind)
            return &e->stored[i];
    return NULL;
}

/* ---- which are stale ---- */

#define FOUND                                                                                                                           \
    "SELECT group_concat(DISTINCT o.channel) FROM contact AS c JOIN contact_origin AS o ON o.contact = c.number WHERE c.value = ?1 AND" \
    " o.channel <> 'manual' AND o.objection = '' AND "

static int on_text(void *user, const struct query_value *v, size_t count)
{
    if (count == 1 && v[0].type == QUERY_TEXT)
        buf_span(user, v[0].bytes);
    return 0;
}

/* Channels that find the same contact for somebody it was entered for. */
static int found_by(struct query *query, const struct manual *m, struct buf *out)
{
    const struct query_range all = {.until = INT64_MAX};
    struct addr last = m->scope.network.addr;
    for (unsigned bit = m->scope.network.bits; bit < 128; bit++)
        last.bytes[bit / 8] = (uint8_t)(last.bytes[bit / 8] | (0x80U >> (bit % 8)));
    struct query_value given[3] = {value_text(m->entry.value)};
    if (m->entry.value.len == 0)
        return 0;
    if (m->scope.is_network) {
        given[1] = value_bytes(span_of(m->scope.network.addr.bytes, 16));
        given[2] = value_bytes(span_of(last.bytes, 16));
        return query_rows_with(query, FOUND "c.domain = '' AND c.address >= ?2 AND c.address <= ?3", &all, given, 3, on_text, out);
    }
    if (m->scope.as != 0) {
        given[1] = value_int(m->scope.as);
        return query_rows_with(query, FOUND "c.address IN (SELECT source_ip FROM host WHERE asn = ?2)", &all, given, 2, on_text, out);
    }
    given[1] = value_text(m->scope.domain);
    return query_rows_with(query,
                           FOUND "(c.domain = ?2 OR o.found_for = ?2 OR substr(c.domain, -length(?2) - 1) = '.' || ?2 OR"
                                 " substr(o.found_for, -length(?2) - 1) = '.' || ?2)",
                           &all, given, 2, on_text, out);
}

static int put_row(struct query *query, struct table *table, const struct manual *m, size_t *stale)
{
    struct buf by;
    buf_init(&by, 0);
    int r = found_by(query, m, &by);
    bool expired = m->entry.expires != 0 && m->entry.expires <= usec_now();
    *stale += expired || by.len > 0;
    const struct query_value row[COLUMNS] = {
        value_text(m->entry.scope),
        m->entry.value.len > 0 ? value_text(m->entry.value) : value_null(),
        value_text(span_text(contact_kind_text(m->entry.kind))),
        value_text(span_text(contact_role_text(m->entry.role))),
        value_text(span_text(expired      ? "expired"
                             : by.len > 0 ? "stale"
                                          : "holds")),
        by.len > 0 ? value_text(buf_as_span(&by)) : value_null(),
        m->change != NULL ? value_text(span_text(m->change)) : value_null(),
        m->entry.expires != 0 ? value_int(m->entry.expires) : value_null(),
        value_int(m->entered),
        value_text(m->entry.who),
        value_text(m->entry.note),
    };
    if (r == 0)
        r = by.error != 0 ? by.error : table_row(table, row, COLUMNS);
    buf_done(&by);
    return r;
}

static int print(struct entering *e, struct query *query)
{
    struct table *table = NULL;
    struct table_look look = reading_look(e->invocation, false);
    size_t stale = 0;
    int status = EXIT_OK, r = table_new(&table, columns, COLUMNS);
    for (size_t i = 0; i < e->stored_count && r == 0; i++)
        r = put_row(query, table, &e->stored[i], &stale);
    enum table_form form = e->options->values[CONTACT_JSON] != NULL  ? TABLE_JSON_ROWS
                           : e->options->values[CONTACT_CSV] != NULL ? TABLE_CSV
                                                                     : TABLE_TERMINAL;
    if (r != 0)
        status = failed("%s", err_text(r));
    else
        status = reading_printed(table_print(table, "", "", form, &look, stdout));
    if (r == 0 && stale > 0)
        note(e->invocation, "%zu of %zu are expired, or stale because a look-up finds the same now", stale, e->stored_count);
    table_free(table);
    return status;
}

static int list(struct entering *e)
{
    struct query *query = NULL;
    int status = reading_open(e->invocation, &query);
    if (status == EXIT_OK) {
        int r = read_stored(e, query);
        status = r != 0 ? failed("%s", err_text(r)) : print(e, query);
    }
    query_close(query);
    return status == EXIT_OK && e->stored_count == 0 ? EXIT_NOTHING : status;
}

/* ---- writing ---- */

static int send_entries(const struct invocation *i, struct buf *body)
{
    struct store_client *client = NULL;
    struct store_totals totals;
    struct buf why;
    buf_init(&why, 0);
    int r = body->error != 0 ? body->error : store_client_open(&client, i->settings, &why);
    if (r == 0)
        r = store_client_entries(client, buf_as_span(body));
    if (r == 0)
        r = store_client_finish(client, &totals);
    int status = r != 0 ? failed("%s", why.len > 0 ? buf_cstr(&why) : err_text(r)) : EXIT_OK;
    store_client_close(client);
    buf_done(&why);
    return status;
}

static int send_one(const struct invocation *i, const struct entry *entry)
{
    struct buf body;
    buf_init(&body, ENTRY_BODY_MAX);
    entry_encode(&body, entry);
    int status = send_entries(i, &body);
    buf_done(&body);
    return status;
}

static int add_or_remove(struct entering *e, bool adding)
{
    const struct options *o = e->options;
    struct manual m = {.change = NULL};
    const char *scope = o->values[CONTACT_FOR];
    if (scope == NULL)
        return usage_error(&verb_contact, "--%s: expected --for SCOPE beside it", adding ? "add" : "remove");
    const struct span fields[LINE_FIELDS] = {span_text(scope), span_text(o->values[adding ? CONTACT_ADD : CONTACT_REMOVE]),
                                             span_text(o->values[CONTACT_ROLE_OPTION]), span_text(o->values[CONTACT_EXPIRES]),
                                             span_text(o->values[CONTACT_NOTE])};
    const char *wrong = read_manual(e, fields, &m);
    if (wrong != NULL)
        return usage_error(&verb_contact, "%s", wrong);
    if (!adding)
        m.entry.what = ENTRY_REMOVE;
    return send_one(e->invocation, &m.entry);
}

static bool same(const struct manual *a, const struct manual *b)
{
    return a->entry.role == b->entry.role && a->entry.expires == b->entry.expires && span_equal(a->entry.note, b->entry.note);
}

/* What the file says against what was there before: said of every entry, then of those that only the store has. */
static int import(struct entering *e)
{
    struct query *query = NULL;
    struct buf body, why;
    int status = read_file(e, e->options->values[CONTACT_IMPORT]), r = 0;
    if (status != 0)
        return status;
    buf_init(&why, 0);
    buf_init(&body, ENTRY_BODY_MAX);
    if (query_open(&query, e->invocation->data, &why) == 0)
        r = read_stored(e, query);
    size_t fresh = 0, changed = 0;
    for (size_t i = 0; i < e->count && r == 0; i++) {
        const struct manual *before = find_stored(e, &e->list[i]);
        e->list[i].change = before == NULL ? "new" : same(before, &e->list[i]) ? "same" : "changed";
        fresh += before == NULL;
        changed += before != NULL && !same(before, &e->list[i]);
        if (before == NULL || !same(before, &e->list[i]))
            entry_encode(&body, &e->list[i].entry);
    }
    query_close(query);
    query = NULL;
    if (r != 0)
        status = failed("%s", err_text(r));
    else if (body.len > 0)
        status = send_entries(e->invocation, &body);
    buf_done(&body);
    buf_done(&why);
    if (status != EXIT_OK)
        return status;
    status = reading_open(e->invocation, &query);
    r = status == EXIT_OK ? read_stored(e, query) : 0;
    for (size_t i = 0; i < e->stored_count; i++)
        e->stored[i].change = "not in the file";
    for (size_t i = 0; i < e->count; i++) {
        struct manual *stored = find_stored(e, &e->list[i]);
        if (stored != NULL)
            stored->change = e->list[i].change;
    }
    if (status == EXIT_OK)
        status = r != 0 ? failed("%s", err_text(r)) : print(e, query);
    query_close(query);
    if (status == EXIT_OK)
        note(e->invocation, "%zu new, %zu changed, %zu as before", fresh, changed, e->count - fresh - changed);
    return status == EXIT_OK && e->bad > 0 ? EXIT_PARTLY : status;
}

static int read_known(const char *name, const char *text, enum known *ret)
{
    static const char *const words[] = {[KNOWN_NO] = "no", [KNOWN_YES] = "yes", [KNOWN_NOT] = "unknown"};
    *ret = KNOWN_NOT;
    for (int i = 0; text != NULL && i <= KNOWN_NOT; i++) {
        if (strcmp(text, words[i]) != 0)
            continue;
        *ret = (enum known)i;
        return 0;
    }
    return text == NULL ? 0 : usage_error(&verb_contact, "--%s: expected yes, no or unknown, got \"%.40s\"", name, text);
}

static int check_account(struct entering *e)
{
    const struct options *o = e->options;
    struct entry entry = {.what = ENTRY_CHECK_ACCOUNT, .value = span_text(o->values[CONTACT_CHECK]), .who = span_text(who_am_i())};
    if (!span_starts(entry.value, "http://") && !span_starts(entry.value, "https://"))
        return usage_error(&verb_contact, "--check: expected the URL of an account, got \"%.60s\"", o->values[CONTACT_CHECK]);
    int status = read_known("exists", o->values[CONTACT_EXISTS], &entry.check.exists);
    if (status == 0)
        status = read_known("messages", o->values[CONTACT_MESSAGES], &entry.check.takes_messages);
    if (status == 0)
        status = read_known("owner", o->values[CONTACT_OWNER], &entry.check.owner_matches);
    return status == 0 ? send_one(e->invocation, &entry) : status;
}

static int unban(struct entering *e)
{
    struct entry entry = {.what = ENTRY_UNBAN};
    const char *server = e->options->values[CONTACT_UNBAN];
    if (domain_normalise(&e->arena, span_text(server), &entry.value) != 0)
        return usage_error(&verb_contact, "--unban: expected the name of a server as `report registries` shows it, got \"%.60s\"", server);
    return send_one(e->invocation, &entry);
}

int contact_entries(const struct invocation *i, const struct options *o)
{
    static const size_t kinds[] = {CONTACT_LIST, CONTACT_ADD, CONTACT_REMOVE, CONTACT_IMPORT, CONTACT_CHECK, CONTACT_UNBAN};
    struct entering e = {.invocation = i, .options = o};
    size_t asked = 0;
    for (size_t n = 0; n < sizeof kinds / sizeof kinds[0]; n++)
        asked += o->values[kinds[n]] != NULL;
    if (asked > 1 || o->word_count > 0)
        return usage_error(&verb_contact, "expected one of --list, --add, --remove, --import, --check, --unban, and no targets beside it");
    arena_init(&e.arena, MEMORY_MAX);
    int status;
    if (o->values[CONTACT_LIST] != NULL)
        status = list(&e);
    else if (o->values[CONTACT_ADD] != NULL || o->values[CONTACT_REMOVE] != NULL)
        status = add_or_remove(&e, o->values[CONTACT_ADD] != NULL);
    else if (o->values[CONTACT_IMPORT] != NULL)
        status = import(&e);
    else if (o->values[CONTACT_CHECK] != NULL)
        status = check_account(&e);
    else
        status = unban(&e);
    free(e.list);
    free(e.stored);
    arena_done(&e.arena);
    return output_done(status);
}
