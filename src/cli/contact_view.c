/* What searches brought, as the store has it. */
#include "base/err.h"
#include "cli/contact.h"

#include <errno.h>

enum { MEMORY_MAX = 64 * 1024 * 1024, FEW = 3 };

static const struct column columns[] = {
    {.name = "destination.ip", .title = "address", .type = COLUMN_ADDR, .help = "target, when it is an address"},
    {.name = "noroshi.contact.domain", .title = "domain", .type = COLUMN_TEXT, .help = "target, when it is a domain"},
    {.name = "noroshi.contact.choice", .title = "choice", .type = COLUMN_TEXT, .help = "primary, fallback, copy; empty: known, not chosen"},
    {.name = "noroshi.contact.kind", .title = "kind", .type = COLUMN_TEXT, .help = "mail, form or account", .spare = 3},
    {.name = "noroshi.contact.value", .title = "contact", .type = COLUMN_TEXT, .help = "the contact"},
    {.name = "noroshi.contact.role", .title = "role", .type = COLUMN_TEXT, .help = "whom it reaches", .spare = 2},
    {.name = "noroshi.channel", .title = "found by", .type = COLUMN_TEXT, .help = "channels that found it"},
    {.name = "noroshi.contact.valid", .title = "valid", .type = COLUMN_TEXT, .help = "by the paper's rule: yes, no, unknown", .spare = 5},
    {.name = "noroshi.contact.score", .title = "score", .type = COLUMN_COUNT, .help = "ours, 0 to 1000", .spare = 4},
    {.name = "noroshi.contact.objection", .title = "objection", .type = COLUMN_TEXT, .help = "why it is no contact", .spare = 7},
    {.name = "event.outcome", .title = "search", .type = COLUMN_TEXT, .help = "success, failure, unknown: not over", .spare = 8},
    {.name = "noroshi.holder", .title = "holder", .type = COLUMN_TEXT, .help = "of the network or domain", .spare = 6},
    {.name = "noroshi.block", .title = "network", .type = COLUMN_TEXT, .help = "that was told of", .spare = 9},
    {.name = "event.reason", .title = "why", .type = COLUMN_TEXT, .help = "what speaks for it, and against", .spare = 1},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

struct view {
    struct contacting *c;
    struct query *query;
    struct table *table;
    bool as_json, all; /* all: contacts that were not chosen are shown, too */
    struct json json;
    struct buf out;
    size_t chosen, whole; /* targets with a primary contact; targets whose search is over, nobody being left to ask */
};

static bool is_domain(const struct contact_target *target)
{
    return target->domain.len > 0;
}

static void print_target(struct buf *out, const struct contact_target *target)
{
    char text[ADDR_TEXT_SIZE];
    if (is_domain(target))
        text_escape(out, target->domain);
    else
        buf_text(out, addr_print(target->addr, text));
}

static const char *outcome_of(const struct contact_target *target, const struct found_target *found, char text[static 16])
{
    if (!found->known || target->task == CONTACT_TASK_OPEN)
        return target->task == CONTACT_TASK_ENDED ? "failure" : "unknown";
    (void)snprintf(text, 16, "%.*s", (int)(found->outcome.len < 15 ? found->outcome.len : 15), (const char *)found->outcome.at);
    return text;
}

/* ---- JSON ---- */

static void json_parts(struct json *json, const char *key, struct span text, uint8_t mark)
{
    json_key(json, key);
    json_begin_array(json);
    while (text.len > 0) {
        size_t end = span_find(text, mark);
        struct span one = span_part(text, 0, end);
        while (one.len > 0 && one.at[0] == ' ')
            one = span_part(one, 1, one.len);
        if (one.len > 0)
            json_span(json, one);
        text = span_part(text, end + 1, text.len);
    }
    json_end_array(json);
}

static void json_chosen(struct json *json, const char *choice, const struct found_target *found)
{
    bool primary = strcmp(choice, "primary") == 0;
    size_t count = 0;
    json_key(json, choice);
    if (!primary)
        json_begin_array(json);
    for (size_t i = 0; i < found->contact_count; i++) {
        if (!span_is(found->contacts[i].choice, choice) || (primary && count > 0))
            continue;
        json_begin_object(json);
        contact_json(json, &found->contacts[i], false);
        json_end_object(json);
        count++;
    }
    if (!primary)
        json_end_array(json);
    else if (count == 0)
        json_nil(json);
}

static void json_target(struct view *view, const struct contact_target *target, const struct found_target *found)
{
    struct json *json = &view->json;
    char text[USEC_TEXT_SIZE];
    json_begin_object(json);
    json_key(json, is_domain(target) ? "noroshi.contact.domain" : "destination.ip");
    if (is_domain(target))
        json_span(json, target->domain);
    else
        json_text(json, addr_print(target->addr, text));
    json_key(json, "event.outcome");
    json_text(json, outcome_of(target, found, text));
    json_key(json, "event.reason");
    json_span(json, target->task == CONTACT_TASK_OPEN ? span_text("not over yet") : found->reason);
    json_key(json, "noroshi.task");
    json_span(json, target->key);
    json_parts(json, "noroshi.channel", found->channels, ',');
    json_parts(json, "noroshi.debts", found->debts, '\n');
    json_parts(json, "noroshi.domains", found->domains, ',');
    json_key(json, "noroshi.holder");
    json_span(json, found->holder);
    json_key(json, "noroshi.block");
    json_span(json, found->block);
    if (target->due > 0) {
        json_key(json, "noroshi.not_before");
        json_text(json, usec_print(target->due, text));
    }
    json_chosen(json, "primary", found);
    json_chosen(json, "fallback", found);
    json_chosen(json, "copy", found);
    json_key(json, "contacts");
    json_begin_array(json);
    for (size_t i = 0; i < found->contact_count; i++) {
        json_begin_object(json);
        contact_json(json, &found->contacts[i], true);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

/* ---- tables ---- */

static struct query_value text_or_null(struct span text)
{
    return text.len > 0 ? value_text(text) : value_null();
}

static int put_row(struct view *view, const struct contact_target *target, const struct found_target *found, const struct found_contact *c)
{
    char outcome[16];
    struct buf channels;
    buf_init(&channels, 0);
    if (c != NULL)
        contact_channels(&channels, c);
    struct query_value row[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++)
        row[i] = value_null();
    if (is_domain(target))
        row[1] = value_text(target->domain);
    else
        row[0] = value_bytes(span_of(target->addr.bytes, sizeof target->addr.bytes));
    if (c != NULL) {
        const struct span texts[] = {c->choice, c->kind, c->value, c->role, buf_as_span(&channels), c->valid};
        for (size_t i = 0; i < 6; i++)
            row[2 + i] = text_or_null(texts[i]);
        row[8] = value_int(c->score);
        row[9] = text_or_null(c->objection);
        row[13] = text_or_null(c->reason);
    }
    row[10] = value_text(span_text(outcome_of(target, found, outcome)));
    row[11] = text_or_null(found->holder);
    row[12] = text_or_null(found->block);
    int r = channels.error != 0 ? channels.error : table_row(view->table, row, COLUMNS);
    buf_done(&channels);
    return r;
}

static int put_rows(struct view *view, const struct contact_target *target, const struct found_target *found)
{
    int r = 0;
    size_t shown = 0;
    for (size_t i = 0; i < found->contact_count && r == 0; i++) {
        const struct found_contact *c = &found->contacts[i];
        if (!view->all && c->choice.len == 0)
            continue;
        r = put_row(view, target, found, c);
        shown++;
    }
    return r == 0 && shown == 0 ? put_row(view, target, found, NULL) : r;
}

static void tell_debts(const struct view *view, const struct contact_target *target, const struct found_target *found)
{
    struct buf name, line;
    char text[USEC_TEXT_SIZE];
    buf_init(&name, 0);
    buf_init(&line, 0);
    print_target(&name, target);
    if (target->task == CONTACT_TASK_OPEN)
        note(view->c->invocation, "%s: the search is not over yet", buf_cstr(&name));
    else if (target->due > 0)
        note(view->c->invocation, "%s: goes on at %s", buf_cstr(&name), usec_print(target->due, text));
    for (struct span left = found->debts; left.len > 0;) {
        size_t end = span_find(left, '\n');
        buf_clear(&line);
        text_escape(&line, span_part(left, 0, end));
        if (line.len > 0)
            note(view->c->invocation, "%s: not found out: %s", buf_cstr(&name), buf_cstr(&line));
        left = span_part(left, end + 1, left.len);
    }
    buf_done(&name);
    buf_done(&line);
}

/* ---- all targets ---- */

static bool has_primary(const struct found_target *found)
{
    for (size_t i = 0; i < found->contact_count; i++)
        if (span_is(found->contacts[i].choice, "primary"))
            return true;
    return false;
}

static int show_one(struct view *view, const struct contact_target *target)
{
    struct arena arena;
    struct found_target found;
    arena_init(&arena, MEMORY_MAX);
    int r = contact_read(view->query, target->addr, target->domain, &arena, &found);
    if (r == 0) {
        view->chosen += has_primary(&found);
        view->whole += target->task == CONTACT_TASK_ENDED && span_is(found.outcome, "success");
        if (view->as_json)
            json_target(view, target, &found);
        else
            r = put_rows(view, target, &found);
        if (r == 0 && view->c->count <= FEW)
            tell_debts(view, target, &found);
    }
    /* A long list of targets is not kept in memory: its JSON goes out as it is made. */
    if (view->as_json && view->out.len > 1024 * 1024 && view->out.error == 0) {
        if (fwrite(view->out.data, 1, view->out.len, stdout) != view->out.len)
            r = -EIO;
        view->out.len = 0;
    }
    arena_done(&arena);
    return r != 0 ? r : view->out.error;
}

static int print_table(struct view *view)
{
    struct table_look look = reading_look(view->c->invocation, false);
    bool csv = view->c->options->values[CONTACT_CSV] != NULL;
    int status = reading_printed(table_print(view->table, "", "", csv ? TABLE_CSV : TABLE_TERMINAL, &look, stdout));
    if (!csv && look.hidden > 0)
        note(view->c->invocation, "%zu columns do not fit this terminal; --json and --csv have all", look.hidden);
    return status;
}

static int print_rest(struct view *view)
{
    if (!view->as_json)
        return print_table(view);
    json_end_array(&view->json);
    buf_byte(&view->out, '\n');
    if (view->out.error != 0)
        return failed("%s", err_text(view->out.error));
    return fwrite(view->out.data, 1, view->out.len, stdout) == view->out.len ? EXIT_OK : reading_printed(-errno);
}

static int verdict(const struct view *view)
{
    size_t count = view->c->count;
    if (view->chosen == count && view->whole == count)
        return EXIT_OK;
    return view->chosen == 0 && view->whole == count ? EXIT_NOTHING : EXIT_PARTLY;
}

int contact_view(struct contacting *c)
{
    struct view view = {
        .c = c, .as_json = c->options->values[CONTACT_JSON] != NULL, .all = c->options->values[CONTACT_CSV] != NULL || c->count <= FEW};
    struct buf why;
    buf_init(&why, 0);
    buf_init(&view.out, 0);
    json_init(&view.json, &view.out, true);
    if (view.as_json)
        json_begin_array(&view.json);
    int r = query_open(&view.query, c->invocation->data, &why);
    if (r == 0)
        r = table_new(&view.table, columns, COLUMNS);
    for (size_t i = 0; i < c->count && r == 0; i++)
        r = show_one(&view, &c->targets[i]);
    int status = r != 0 ? failed("reading what was found: %s", why.len > 0 ? buf_cstr(&why) : err_text(r)) : print_rest(&view);
    if (status == EXIT_OK)
        status = verdict(&view);
    if (c->count > 1 && r == 0)
        note(c->invocation, "%zu of %zu targets have a contact to write to; %zu searches are not over", view.chosen, c->count, c->count - view.whole);
    query_close(view.query);
    table_free(view.table);
    buf_done(&view.out);
    buf_done(&why);
    return output_done(status);
}
