#include "store/entry.h"

#include "base/cursor.h"
#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

enum { ARENA_MAX = 64 * 1024, AS_MAX_DIGITS = 10 };

/* ---- scope ---- */

static bool read_as(struct span text, uint32_t *ret)
{
    uint64_t number = 0;
    if (text.len < 3 || text.len > 2 + AS_MAX_DIGITS || strncasecmp((const char *)text.at, "AS", 2) != 0)
        return false;
    for (size_t i = 2; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(text.at[i] - '0');
    }
    *ret = (uint32_t)number;
    return number > 0 && number <= UINT32_MAX;
}

static int copied(struct arena *arena, const char *text, struct span *ret)
{
    struct span all = span_text(text);
    char *at = arena_copy(arena, all);
    *ret = span_of(at, at != NULL ? all.len : 0);
    return at != NULL ? 0 : -ENOMEM;
}

int entry_scope_read(struct arena *arena, struct span text, struct entry_scope *ret)
{
    struct entry_scope scope = {.as = 0};
    char print[PREFIX_TEXT_SIZE];
    while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
        text = span_part(text, 1, text.len);
    while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
        text.len--;
    int r = 0;
    if (prefix_parse(text, &scope.network) == 0) {
        scope.is_network = true;
        if (scope.network.bits == 128)
            addr_print(scope.network.addr, print);
        else
            prefix_print(scope.network, print);
        r = copied(arena, print, &scope.text);
    } else if (read_as(text, &scope.as)) {
        (void)snprintf(print, sizeof print, "AS%u", (unsigned)scope.as);
        r = copied(arena, print, &scope.text);
    } else {
        r = domain_normalise(arena, text, &scope.domain);
        scope.text = scope.domain;
    }
    if (r == 0)
        *ret = scope;
    return r;
}

/* ---- bytes ---- */

static void put_text(struct buf *out, struct span text, size_t most)
{
    text = span_part(text, 0, most);
    text = span_part(text, 0, text_utf8_valid(text));
    buf_be(out, text.len, 2);
    buf_span(out, text);
}

void entry_encode(struct buf *out, const struct entry *entry)
{
    struct buf body;
    buf_init(&body, 65536);
    if (entry->what == ENTRY_ADD) {
        buf_be(&body, (uint64_t)entry->kind, 1);
        buf_be(&body, (uint64_t)entry->role, 1);
        buf_be(&body, (uint64_t)entry->expires, 8);
    } else if (entry->what == ENTRY_CHECK_ACCOUNT) {
        buf_be(&body, (uint64_t)entry->check.exists, 1);
        buf_be(&body, (uint64_t)entry->check.takes_messages, 1);
        buf_be(&body, (uint64_t)entry->check.owner_matches, 1);
    }
    put_text(&body, entry->value, ENTRY_TEXT_MAX);
    if (entry->what == ENTRY_ADD || entry->what == ENTRY_REMOVE)
        put_text(&body, entry->scope, ENTRY_SCOPE_MAX);
    if (entry->what == ENTRY_ADD)
        put_text(&body, entry->note, ENTRY_TEXT_MAX);
    if (entry->what == ENTRY_ADD || entry->what == ENTRY_CHECK_ACCOUNT)
        put_text(&body, entry->who, ENTRY_SCOPE_MAX);
    buf_be(out, (uint64_t)entry->what, 1);
    buf_be(out, body.len, 4);
    buf_span(out, buf_as_span(&body));
    if (body.error != 0 && out->error == 0)
        out->error = body.error;
    buf_done(&body);
}

static struct span take_text(struct cursor *c, size_t most)
{
    struct span text = cursor_take(c, cursor_be16(c));
    if (text.len > most || text_utf8_valid(text) != text.len || span_find(text, 0) != text.len)
        cursor_fail(c, -ERR_MALFORMED);
    return text;
}

static unsigned take_below(struct cursor *c, unsigned limit)
{
    unsigned value = cursor_u8(c);
    if (value >= limit)
        cursor_fail(c, -ERR_MALFORMED);
    return c->error == 0 ? value : 0;
}

static int read_entry(struct cursor *all, struct arena *arena, struct entry *entry, struct entry_scope *scope)
{
    *entry = (struct entry){.what = (enum entry_what)take_below(all, ENTRY_WHAT_LIMIT)};
    *scope = (struct entry_scope){.as = 0};
    struct cursor c = cursor_of(cursor_take(all, cursor_be32(all)));
    if (entry->what == ENTRY_ADD) {
        entry->kind = (enum contact_kind)take_below(&c, CONTACT_KIND_COUNT);
        entry->role = (enum contact_role)take_below(&c, CONTACT_ROLE_COUNT);
        entry->expires = (usec_t)cursor_be64(&c);
    } else if (entry->what == ENTRY_CHECK_ACCOUNT) {
        entry->check.exists = (enum known)take_below(&c, KNOWN_NOT + 1);
        entry->check.takes_messages = (enum known)take_below(&c, KNOWN_NOT + 1);
        entry->check.owner_matches = (enum known)take_below(&c, KNOWN_NOT + 1);
    }
    entry->value = take_text(&c, ENTRY_TEXT_MAX);
    if (entry->what == ENTRY_ADD || entry->what == ENTRY_REMOVE)
        entry->scope = take_text(&c, ENTRY_SCOPE_MAX);
    if (entry->what == ENTRY_ADD)
        entry->note = take_text(&c, ENTRY_TEXT_MAX);
    if (entry->what == ENTRY_ADD || entry->what == ENTRY_CHECK_ACCOUNT)
        entry->who = take_text(&c, ENTRY_SCOPE_MAX);
    if (all->error != 0 || c.error != 0 || cursor_left(&c) != 0 || (int)entry->what == 0 || entry->expires < 0)
        return -ERR_MALFORMED;
    if (entry->what != ENTRY_ADD && entry->what != ENTRY_REMOVE)
        return entry->value.len > 0 ? 0 : -ERR_MALFORMED;
    return entry_scope_read(arena, entry->scope, scope);
}

int entries_check(struct span body)
{
    struct cursor c = cursor_of(body);
    struct arena arena;
    int r = body.len == 0 ? -ERR_MALFORMED : 0;
    while (r == 0 && cursor_left(&c) > 0) {
        struct entry entry;
        struct entry_scope scope;
        arena_init(&arena, ARENA_MAX);
        r = read_entry(&c, &arena, &entry, &scope);
        arena_done(&arena);
    }
    return r;
}

/* ---- into the database ---- */

static void bind_text(sqlite3_stmt *statement, int at, struct span text)
{
    db_bind_span(statement, at, text.len > 0 ? text : span_text(""));
}

static int run(sqlite3_stmt *statement, int r)
{
    if (r == 0)
        r = db_done(statement);
    (void)sqlite3_finalize(statement);
    return r;
}

static int add(sqlite3 *control, const struct entry *entry, const struct entry_scope *scope, usec_t now)
{
    sqlite3_stmt *put = NULL;
    int r = db_prepare(control, &put,
                       "INSERT INTO manual(kind,value,role,scope,address,bits,asn,domain,entered,expires,note,who) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,"
                       "?10,?11,?12) ON CONFLICT DO UPDATE SET role=?3,entered=?9,expires=?10,note=?11,who=?12");
    if (r != 0)
        return r;
    bind_text(put, 1, span_text(contact_kind_text(entry->kind)));
    bind_text(put, 2, entry->value);
    bind_text(put, 3, span_text(contact_role_text(entry->role)));
    bind_text(put, 4, scope->text);
    if (scope->is_network) {
        db_bind_bytes(put, 5, span_of(scope->network.addr.bytes, sizeof scope->network.addr.bytes));
        (void)sqlite3_bind_int(put, 6, scope->network.bits);
    }
    if (scope->as != 0)
        (void)sqlite3_bind_int64(put, 7, (int64_t)scope->as);
    if (scope->domain.len > 0)
        db_bind_span(put, 8, scope->domain);
    (void)sqlite3_bind_int64(put, 9, now);
    (void)sqlite3_bind_int64(put, 10, entry->expires);
    bind_text(put, 11, entry->note);
    bind_text(put, 12, entry->who);
    return run(put, 0);
}

static int take_out(sqlite3 *control, const struct entry *entry, const struct entry_scope *scope)
{
    sqlite3_stmt *drop = NULL;
    int r = db_prepare(control, &drop, "DELETE FROM manual WHERE value=?1 AND scope=?2");
    if (r == 0) {
        bind_text(drop, 1, entry->value);
        bind_text(drop, 2, scope->text);
    }
    return run(drop, r);
}

static const char *known_word(enum known known)
{
    return known == KNOWN_YES ? "yes" : known == KNOWN_NO ? "no" : "unknown";
}

/* What is known of an account holds for every target it was found for, at once. An account is valid when all three hold. */
static int check_account(sqlite3 *control, const struct entry *entry, usec_t now)
{
    sqlite3_stmt *put = NULL, *update = NULL;
    const enum known all[] = {entry->check.exists, entry->check.takes_messages, entry->check.owner_matches};
    enum known valid = KNOWN_YES;
    for (size_t i = 0; i < 3; i++)
        valid = all[i] == KNOWN_NO || valid == KNOWN_NO ? KNOWN_NO : all[i] == KNOWN_NOT ? KNOWN_NOT : valid;
    int r = db_prepare(control, &put,
                       "INSERT INTO account(url,there,messages,owner,entered,who) VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT DO UPDATE SET there=?2,"
                       "messages=?3,owner=?4,entered=?5,who=?6");
    if (r == 0) {
        bind_text(put, 1, entry->value);
        for (int i = 0; i < 3; i++)
            bind_text(put, 2 + i, span_text(known_word(all[i])));
        (void)sqlite3_bind_int64(put, 5, now);
        bind_text(put, 6, entry->who);
    }
    r = run(put, r);
    if (r == 0)
        r = db_prepare(control, &update, "UPDATE contact SET there=?2,valid=?3 WHERE kind='account' AND value=?1");
    if (r == 0) {
        bind_text(update, 1, entry->value);
        bind_text(update, 2, span_text(known_word(entry->check.exists)));
        bind_text(update, 3, span_text(known_word(valid)));
    }
    return run(update, r);
}

/* What waits for that server is worth trying now. */
static int lift_ban(sqlite3 *control, struct span server, usec_t now, bool *ret_lifted)
{
    sqlite3_stmt *lift = NULL, *wake = NULL;
    int r = db_prepare(control, &lift, "UPDATE registry SET banned=NULL,back_off=NULL,lifted=?2 WHERE server=?1 AND banned IS NOT NULL");
    if (r == 0) {
        bind_text(lift, 1, server);
        (void)sqlite3_bind_int64(lift, 2, now);
    }
    r = run(lift, r);
    if (r != 0 || sqlite3_changes(control) == 0)
        return r;
    *ret_lifted = true;
    r = db_prepare(
        control, &wake,
        "UPDATE task SET due=?2 WHERE kind='contact' AND state='waiting' AND due>?2 AND key IN (SELECT task FROM quest WHERE instr(debts,?1)>0)");
    if (r == 0) {
        bind_text(wake, 1, server);
        (void)sqlite3_bind_int64(wake, 2, now);
    }
    return run(wake, r);
}

int entries_apply(sqlite3 *control, struct span body, usec_t now, bool *ret_unbanned)
{
    struct cursor c = cursor_of(body);
    struct arena arena;
    int r = 0;
    while (r == 0 && cursor_left(&c) > 0) {
        struct entry entry;
        struct entry_scope scope;
        arena_init(&arena, ARENA_MAX);
        r = read_entry(&c, &arena, &entry, &scope);
        if (r == 0 && entry.what == ENTRY_ADD)
            r = add(control, &entry, &scope, now);
        else if (r == 0 && entry.what == ENTRY_REMOVE)
            r = take_out(control, &entry, &scope);
        else if (r == 0 && entry.what == ENTRY_CHECK_ACCOUNT)
            r = check_account(control, &entry, now);
        else if (r == 0)
            r = lift_ban(control, entry.value, now, ret_unbanned);
        arena_done(&arena);
    }
    return r;
}
