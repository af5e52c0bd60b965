/* What the control database knows of a target, and one contact of it as JSON. */
#include "base/err.h"
#include "cli/contact.h"

#include <errno.h>

enum { CONTACTS_MAX = 4000, ORIGINS_MAX = 64 };

static const char quest_sql[] = "SELECT outcome, reason, task, channels, debts, domains, holder, block, ptr, not_before, first, last FROM quest"
                                " WHERE address = ?1 AND domain = ?2";
static const char contacts_sql[] =
    "SELECT c.number, c.id, c.kind, c.value, c.role, c.objection, c.there, c.match, c.valid, c.flags, c.choice, c.reason, c.rfc2142, c.word, c.score,"
    " c.first, c.last, a.there, a.messages, a.owner, a.who, o.channel, o.found_for, o.objection, o.role, o.attribute, o.server, o.lookup, o.holder,"
    " o.block, o.evidence, o.rank FROM contact AS c LEFT JOIN account AS a ON a.url = c.value AND c.kind = 'account'"
    " LEFT JOIN contact_origin AS o ON o.contact = c.number WHERE c.address = ?1 AND c.domain = ?2"
    " ORDER BY CASE c.choice WHEN 'primary' THEN 0 WHEN 'fallback' THEN 1 WHEN 'copy' THEN 2 ELSE 3 END, c.objection <> '', c.score DESC, c.number,"
    " o.objection <> '', o.rank, o.channel";
enum { CONTACT_COLUMNS_READ = 32, ORIGIN_FROM = 21 };

struct reader {
    struct arena *arena;
    struct found_target *target;
    size_t room;
    int64_t number; /* of the contact read last */
    int error;
};

static struct span keep(struct reader *reader, const struct query_value *value)
{
    if (value->type != QUERY_TEXT || value->bytes.len == 0)
        return (struct span){0};
    char *at = arena_copy(reader->arena, value->bytes);
    if (at == NULL)
        reader->error = -ENOMEM;
    return span_of(at, at != NULL ? value->bytes.len : 0);
}

static int on_quest(void *user, const struct query_value *v, size_t count)
{
    struct reader *reader = user;
    struct found_target *t = reader->target;
    struct span *const texts[] = {&t->outcome, &t->reason, &t->task, &t->channels, &t->debts, &t->domains, &t->holder, &t->block, &t->ptr};
    if (count != 12)
        return 1;
    t->known = true;
    for (size_t i = 0; i < 9; i++)
        *texts[i] = keep(reader, &v[i]);
    t->not_before = v[9].number;
    t->first = v[10].number;
    t->last = v[11].number;
    return reader->error;
}

static int add_contact(struct reader *reader, const struct query_value *v)
{
    struct found_target *t = reader->target;
    if (t->contact_count == reader->room)
        return -ERR_LIMIT;
    struct found_contact *c = &t->contacts[t->contact_count++];
    struct span *const texts[] = {&c->kind, &c->value, &c->role, &c->objection, &c->there, &c->match, &c->valid, &c->flags, &c->choice, &c->reason};
    struct span *const checks[] = {&c->check_there, &c->check_messages, &c->check_owner, &c->check_who};
    if (v[1].bytes.len == sizeof c->id.bytes)
        memcpy(c->id.bytes, v[1].bytes.at, sizeof c->id.bytes);
    for (size_t i = 0; i < 10; i++)
        *texts[i] = keep(reader, &v[2 + i]);
    c->rfc2142 = v[12].number;
    c->word = v[13].number;
    c->score = v[14].number;
    c->first = v[15].number;
    c->last = v[16].number;
    for (size_t i = 0; i < 4; i++)
        *checks[i] = keep(reader, &v[17 + i]);
    return 0;
}

static int add_origin(struct reader *reader, const struct query_value *v)
{
    struct found_contact *c = &reader->target->contacts[reader->target->contact_count - 1];
    if (v[0].type != QUERY_TEXT || c->origin_count == ORIGINS_MAX)
        return 0;
    /* Grows by doubling; what was there before stays in the arena until its end. */
    if ((c->origin_count & (c->origin_count - 1)) == 0) {
        size_t room = c->origin_count == 0 ? 1 : c->origin_count * 2;
        struct found_origin *more = arena_alloc(reader->arena, room * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        if (c->origin_count > 0)
            memcpy(more, c->origins, c->origin_count * sizeof *more);
        c->origins = more;
    }
    struct found_origin *o = &c->origins[c->origin_count++];
    struct span *const texts[] = {&o->channel, &o->found_for, &o->objection, &o->role,  &o->attribute,
                                  &o->server,  &o->lookup,    &o->holder,    &o->block, &o->evidence};
    for (size_t i = 0; i < 10; i++)
        *texts[i] = keep(reader, &v[i]);
    o->rank = v[10].number;
    return 0;
}

static int on_contact(void *user, const struct query_value *v, size_t count)
{
    struct reader *reader = user;
    if (count != CONTACT_COLUMNS_READ)
        return 1;
    int r = 0;
    if (v[0].number != reader->number || reader->target->contact_count == 0)
        r = add_contact(reader, v);
    reader->number = v[0].number;
    if (r == 0)
        r = add_origin(reader, &v[ORIGIN_FROM]);
    if (r != 0 && r != -ERR_LIMIT)
        reader->error = r;
    return r != 0 || reader->error != 0;
}

static int on_count(void *user, const struct query_value *v, size_t count)
{
    *(int64_t *)user = count == 1 ? v[0].number : 0;
    return 0;
}

int contact_read(struct query *query, struct addr addr, struct span domain, struct arena *arena, struct found_target *ret)
{
    static const struct query_range all = {.until = INT64_MAX};
    struct reader reader = {.arena = arena, .target = ret};
    const struct query_value given[] = {value_bytes(span_of(addr.bytes, sizeof addr.bytes)), value_text(domain.len > 0 ? domain : span_text(""))};
    int64_t count = 0;
    *ret = (struct found_target){.known = false};
    int r = query_rows_with(query, quest_sql, &all, given, 2, on_quest, &reader);
    if (r == 0)
        r = query_rows_with(query, "SELECT count(*) FROM contact WHERE address = ?1 AND domain = ?2", &all, given, 2, on_count, &count);
    if (r != 0 || reader.error != 0 || count == 0)
        return r != 0 ? r : reader.error;
    /* A search may add some before they are read. */
    reader.room = (size_t)count + 64 < CONTACTS_MAX ? (size_t)count + 64 : CONTACTS_MAX;
    ret->contacts = arena_alloc(arena, reader.room * sizeof *ret->contacts);
    if (ret->contacts == NULL)
        return -ENOMEM;
    r = query_rows_with(query, contacts_sql, &all, given, 2, on_contact, &reader);
    return r != 0 ? r : reader.error;
}

/* ---- JSON ---- */

void contact_channels(struct buf *out, const struct found_contact *c)
{
    bool objected = c->objection.len > 0;
    size_t shown = 0;
    for (size_t i = 0; i < c->origin_count; i++) {
        const struct found_origin *o = &c->origins[i];
        bool again = !objected && o->objection.len > 0;
        for (size_t j = 0; j < i && !again; j++)
            again = span_equal(c->origins[j].channel, o->channel);
        if (again)
            continue;
        if (shown++ > 0)
            buf_text(out, ", ");
        buf_span(out, o->channel);
    }
}

static void put_text(struct json *json, const char *key, struct span text)
{
    json_key(json, key);
    json_span(json, text);
}

static void put_origin(struct json *json, const struct found_origin *o, bool channel)
{
    if (channel) {
        put_text(json, "noroshi.channel", o->channel);
        put_text(json, "noroshi.contact.role", o->role);
        put_text(json, "noroshi.contact.objection", o->objection);
    }
    put_text(json, "noroshi.contact.attribute", o->attribute);
    json_key(json, "noroshi.contact.rank");
    json_int(json, o->rank);
    put_text(json, "noroshi.contact.domain", o->found_for);
    put_text(json, "noroshi.lookup.server", o->server);
    put_text(json, "noroshi.lookup.id", o->lookup);
    put_text(json, "noroshi.holder", o->holder);
    put_text(json, "noroshi.block", o->block);
    put_text(json, "noroshi.evidence", o->evidence);
}

static void put_check(struct json *json, const struct found_contact *c)
{
    json_key(json, "check");
    json_begin_object(json);
    put_text(json, "exists", c->check_there);
    put_text(json, "messages", c->check_messages);
    put_text(json, "owner", c->check_owner);
    put_text(json, "who", c->check_who);
    json_end_object(json);
}

void contact_json(struct json *json, const struct found_contact *c, bool origins)
{
    char id[ID_TEXT_SIZE], time[USEC_TEXT_SIZE];
    struct buf channels;
    buf_init(&channels, 0);
    contact_channels(&channels, c);
    json_key(json, "event.id");
    json_text(json, id_print(c->id, id));
    put_text(json, "noroshi.contact.kind", c->kind);
    put_text(json, "noroshi.contact.value", c->value);
    put_text(json, "noroshi.contact.role", c->role);
    put_text(json, "noroshi.contact.objection", c->objection);
    put_text(json, "noroshi.channel", buf_as_span(&channels));
    put_text(json, "noroshi.contact.choice", c->choice);
    put_text(json, "event.reason", c->reason);
    put_text(json, "noroshi.contact.exists", c->there);
    put_text(json, "noroshi.contact.match", c->match);
    json_key(json, "noroshi.contact.rfc2142");
    json_int(json, c->rfc2142);
    json_key(json, "noroshi.contact.word");
    json_int(json, c->word);
    put_text(json, "noroshi.contact.valid", c->valid);
    put_text(json, "noroshi.contact.flags", c->flags);
    json_key(json, "noroshi.contact.score");
    json_int(json, c->score);
    if (c->origin_count > 0)
        put_origin(json, &c->origins[0], false);
    json_key(json, "first_seen");
    json_text(json, usec_print(c->first, time));
    json_key(json, "last_seen");
    json_text(json, usec_print(c->last, time));
    if (c->check_there.len > 0)
        put_check(json, c);
    if (origins) {
        json_key(json, "origins");
        json_begin_array(json);
        for (size_t i = 0; i < c->origin_count; i++) {
            json_begin_object(json);
            put_origin(json, &c->origins[i], true);
            json_end_object(json);
        }
        json_end_array(json);
    }
    buf_done(&channels);
}
