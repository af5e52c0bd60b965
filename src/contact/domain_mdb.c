/*
 * Databases of mail addresses by domain: one that is asked over HTTP and answers JSON (contact.mdb_url; the shape is that of Hunter's domain search:
 * data.emails[] with value and type), and a CSV file of the operator's (contact.mdb_file, part `mdb`: domain,mail,type). Only addresses that the
 * database itself calls generic are taken. All others are persons' until somebody says otherwise: they are dropped at the door, and counted.
 */
#include "base/buf.h"
#include "base/err.h"
#include "contact/rdap.h"
#include "contact/whois_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

enum { MDB_LINES_MAX = 2000000, MDB_EMAILS_MAX = 1000, MDB_URL_MAX = 2000 };

struct mdb_entry {
    struct span domain, mail; /* mail empty: one that was dropped */
    size_t line;
};

/* What book_part(…, BOOK_mdb) is. */
struct mdb {
    struct mdb_entry *list; /* by domain, then as in the file */
    size_t count;
};

static bool is_generic(struct span type)
{
    return type.len == 7 && strncasecmp((const char *)type.at, "generic", 7) == 0;
}

/* ---- the file ---- */

static int compare_entry(const void *a, const void *b)
{
    const struct mdb_entry *x = a, *y = b;
    int order = span_compare(x->domain, y->domain);
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

/* The next field of a CSV line, without its quotes; a comma within quotes is the field's. */
static struct span field(struct span *line)
{
    struct span text;
    while (line->len > 0 && line->at[0] == ' ')
        *line = span_part(*line, 1, line->len);
    if (line->len > 0 && line->at[0] == '"') {
        *line = span_part(*line, 1, line->len);
        text = span_part(*line, 0, span_find(*line, '"'));
        *line = span_part(*line, text.len + 1, line->len);
        *line = span_part(*line, span_find(*line, ',') + 1, line->len);
        return text;
    }
    text = span_part(*line, 0, span_find(*line, ','));
    *line = span_part(*line, text.len + 1, line->len);
    while (text.len > 0 && text.at[text.len - 1] <= ' ')
        text.len--;
    return text;
}

/* A line of the file: -ERR_MALFORMED when it is none. */
static int read_entry(struct arena *arena, struct span line, struct mdb_entry *ret)
{
    struct span domain = field(&line), mail = field(&line), type = field(&line);
    int r = domain_normalise(arena, domain, &ret->domain);
    if (r == 0 && is_generic(type))
        r = mail_normalise(arena, mail, &ret->mail);
    return r;
}

int book_open_mdb(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error);
int book_open_mdb(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error)
{
    struct part_lines reader = part_lines_of(text, path, error);
    struct mdb *mdb = arena_alloc(arena, sizeof *mdb);
    size_t room = 1;
    for (size_t i = 0; i < text.len && room < MDB_LINES_MAX; i++)
        room += text.at[i] == '\n';
    struct mdb_entry *list = arena_alloc(arena, room * sizeof *list);
    if (mdb == NULL || list == NULL)
        return -ENOMEM;
    while (part_lines_next(&reader)) {
        int r = mdb->count < room ? read_entry(arena, reader.text, &list[mdb->count]) : -ERR_LIMIT;
        if (r == -ENOMEM)
            return r;
        if (r != 0 && reader.number == 1)
            continue; /* names of the columns */
        if (r != 0)
            return part_lines_expected(&reader, "domain,mail,type, for example example.com,abuse@example.com,generic");
        list[mdb->count].line = reader.number;
        mdb->count++;
    }
    qsort(list, mdb->count, sizeof *list, compare_entry);
    mdb->list = list;
    *ret = mdb;
    return 0;
}

static size_t first_of(const struct mdb *mdb, struct span domain)
{
    size_t low = 0, high = mdb->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (span_compare(mdb->list[middle].domain, domain) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- the channel ---- */

extern const struct channel channel_domain_mdb;

static void take(struct quest *q, struct span mail, struct span origin, unsigned rank, size_t dropped)
{
    struct buf evidence;
    struct finding f = {.channel = &channel_domain_mdb,
                        .kind = CONTACT_MAIL,
                        .role = CONTACT_ROLE_OWNER,
                        .rank = rank,
                        .attribute = span_text("generic"),
                        .origin = origin,
                        .domain = quest_target(q)->domain};
    buf_init(&evidence, FINDING_EVIDENCE_MAX);
    buf_span(&evidence, span_part(mail, 0, FINDING_EVIDENCE_MAX / 2));
    buf_printf(&evidence, ": generic; %zu others left out", dropped);
    f.evidence = buf_as_span(&evidence);
    (void)note_mail(q, &f, mail);
    buf_done(&evidence);
}

static void look_in_file(struct quest *q, struct span domain)
{
    const struct mdb *mdb = quest_book(q) != NULL ? book_part(quest_book(q), BOOK_mdb) : NULL;
    size_t from, until, dropped = 0;
    unsigned rank = 0;
    if (mdb == NULL || domain.len == 0)
        return;
    from = until = first_of(mdb, domain);
    while (until < mdb->count && span_equal(mdb->list[until].domain, domain))
        dropped += mdb->list[until++].mail.len == 0;
    for (size_t i = from; i < until && rank < MDB_EMAILS_MAX; i++) {
        if (mdb->list[i].mail.len > 0)
            take(q, mdb->list[i].mail, span_text("contact.mdb_file"), rank++, dropped);
    }
}

/* Everything but RFC 3986's unreserved characters as %XX. */
static void put_escaped(struct buf *url, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != 0 && strchr("-._~", c) != NULL);
        if (plain)
            buf_byte(url, c);
        else
            buf_printf(url, "%%%02X", c);
    }
}

static void fill_in(struct buf *url, struct span form, struct span domain, struct span key)
{
    while (form.len > 0) {
        if (span_starts(form, "{domain}")) {
            put_escaped(url, domain);
            form = span_part(form, 8, form.len);
        } else if (span_starts(form, "{key}")) {
            put_escaped(url, key);
            form = span_part(form, 5, form.len);
        } else {
            buf_byte(url, form.at[0]);
            form = span_part(form, 1, form.len);
        }
    }
}

static void ask(struct quest *q)
{
    const struct conf *settings = quest_settings(q);
    struct span domain = domain_registrable(quest_target(q)->domain);
    struct span form = span_text(conf_text(settings, "contact.mdb_url"));
    struct buf url;
    look_in_file(q, domain);
    if (form.len == 0 || domain.len == 0)
        return;
    buf_init(&url, MDB_URL_MAX);
    fill_in(&url, form, domain, span_text(conf_text(settings, "contact.mdb_key")));
    quest_because(q, "database of mail addresses");
    if (url.error != 0 || quest_fetch(q, buf_as_span(&url), 0) != 0)
        quest_debt(q, "the database of mail addresses was not asked");
    buf_done(&url);
}

static struct span text_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value)) : (struct span){0};
}

static void read_emails(struct quest *q, const json_t *root, struct span origin)
{
    const json_t *data = json_object_get(root, "data");
    const json_t *list = json_object_get(json_is_object(data) ? data : root, "emails");
    size_t count = json_array_size(list) < MDB_EMAILS_MAX ? json_array_size(list) : MDB_EMAILS_MAX, dropped = 0;
    unsigned rank = 0;
    for (size_t i = 0; i < count; i++)
        dropped += !is_generic(text_at(json_array_get(list, i), "type"));
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(list, i);
        struct span mail = text_at(one, "value");
        if (is_generic(text_at(one, "type")))
            take(q, mail.len > 0 ? mail : text_at(one, "email"), origin, rank++, dropped);
    }
}

static void hear(struct quest *q, const struct answer *a)
{
    json_t *root;
    /* The URL holds the key: it is told up to its query. */
    struct span url = a->server.len > 0 ? a->server : a->question;
    url = span_part(url, 0, span_find(url, '?'));
    if (a->outcome != OUTCOME_ANSWERED) {
        quest_debt(q, "the database of mail addresses: %s", outcome_text(a->outcome));
    } else if (a->status == 401 || a->status == 403) {
        quest_debt(q, "the database of mail addresses refuses contact.mdb_key (HTTP %d)", a->status);
    } else if (a->status != 200 && a->status != 404) {
        quest_debt(q, "the database of mail addresses: HTTP %d", a->status);
    } else if (a->status == 200) {
        int r = rdap_load(a->bytes, &root);
        if (r != 0) {
            quest_debt(q, "the database of mail addresses: %s", err_text(r));
            return;
        }
        read_emails(q, root, url);
        json_decref(root);
    }
}

const struct channel channel_domain_mdb = {
    .name = "domain_mdb",
    .trust = 220,
    .help = "databases of mail addresses by domain (contact.mdb_url, contact.mdb_file): generic addresses only",
    .wants = CHANNEL_DOMAIN,
    .secret = true,
    .ask = ask,
    .hear = hear,
};
