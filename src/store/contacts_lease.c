/* What goes out with a task of kind contact, and what a reach that starts is told of the registries' budgets. */
#include "store/contacts_parts.h"

#include "base/err.h"
#include "contact/order.h"
#include "store/bulk.h"

#include <errno.h>

enum { ARENA_MAX = 8 * 1024 * 1024, CHECKS_FOR_ALL = 32, HOURS_TOLD = 27, REGISTRIES_BODY_MAX = 1024 * 1024, BITS_LEAST_V4 = 96, BITS_LEAST_V6 = 3 };

/* Passive DNS sees a name for weeks around an attack. */
static const usec_t window = 28 * USEC_PER_DAY;

struct completing {
    sqlite3 *control;
    struct bulk *bulk;
    const struct contact_order *order;
    usec_t now;
    struct buf *out;
    size_t resolutions, blocks, manuals, checks;
    bool walked; /* an answer of a registry is among the blocks */
    bool cut;
};

/* An entry that does not fit is left out, and that is told. */
static int added(struct completing *c, int r, size_t *count)
{
    if (r == -ERR_LIMIT) {
        c->cut = true;
        return 0;
    }
    if (r == 0)
        ++*count;
    return r;
}

static void bind_address(sqlite3_stmt *statement, int at, const struct addr *address)
{
    db_bind_bytes(statement, at, span_of(address->bytes, sizeof address->bytes));
}

static bool is_zero(struct addr address)
{
    static const struct addr none;
    return addr_equal(address, none);
}

static struct prefix network_of(struct addr addr, unsigned bits)
{
    for (unsigned bit = bits; bit < 128; bit++)
        addr.bytes[bit / 8] = (uint8_t)(addr.bytes[bit / 8] & ~(0x80U >> (bit % 8)));
    return (struct prefix){.addr = addr, .bits = (uint8_t)bits};
}

/* ---- passive DNS ---- */

#define SEEN "r.address=?1 AND r.type IN (1,28) AND r.last>=?2 AND r.first<=?3"

static int add_resolutions(struct completing *c)
{
    static const char sql[] =
        "SELECT name,type,data,n,first,last FROM (SELECT r.name,r.type,r.data,r.n,r.first,r.last,0 AS part FROM resolution AS r"
        " WHERE " SEEN " UNION SELECT o.name,o.type,o.data,o.n,o.first,o.last,1 FROM resolution AS r JOIN resolution AS o ON o.data=r.name AND"
        " o.data<>'' AND o.type IN (2,5,12,15) WHERE " SEEN ") ORDER BY part,n DESC,name LIMIT ?4";
    sqlite3_stmt *select = NULL;
    char text[ADDR_TEXT_SIZE];
    if (is_zero(c->order->addr))
        return 0;
    int r = db_prepare(c->control, &select, sql);
    if (r == 0) {
        bind_address(select, 1, &c->order->addr);
        (void)sqlite3_bind_int64(select, 2, c->order->when - window);
        (void)sqlite3_bind_int64(select, 3, c->order->when + window);
        (void)sqlite3_bind_int64(select, 4, CONTACT_ORDER_RESOLUTIONS_MAX + 1);
        addr_print(c->order->addr, text);
    }
    while (r == 0 && (r = db_row(select)) == 1) {
        struct span data = db_span(select, 2);
        int64_t count = sqlite3_column_int64(select, 3);
        const struct contact_resolution row = {.name = db_span(select, 0),
                                               .type = (uint16_t)sqlite3_column_int(select, 1),
                                               .data = data.len > 0 ? data : span_text(text),
                                               .count = count > 0 ? (uint64_t)count : 1,
                                               .first = sqlite3_column_int64(select, 4),
                                               .last = sqlite3_column_int64(select, 5)};
        r = 0;
        if (c->resolutions == CONTACT_ORDER_RESOLUTIONS_MAX)
            c->cut = true;
        else if (row.name.len > 0)
            r = added(c, contact_order_add_resolution(c->out, &row), &c->resolutions);
    }
    (void)sqlite3_finalize(select);
    return r < 0 ? r : 0;
}

/* ---- cached answers ---- */

/* An entry is kept in the order's own form. */
static int add_entry(struct completing *c, struct span entry)
{
    enum { ROOM = 64 }; /* for what must always fit */
    if (c->blocks == CONTACT_ORDER_BLOCKS_MAX || c->out->len + entry.len + ROOM > CONTACT_ORDER_SIZE_MAX) {
        c->cut = true;
        return 0;
    }
    buf_span(c->out, entry);
    c->blocks++;
    return c->out->error;
}

/* All networks that hold the address, the smallest first. */
static int add_blocks(struct completing *c)
{
    sqlite3_stmt *select = NULL;
    if (is_zero(c->order->addr) || (c->order->flags & CONTACT_ORDER_FRESH) != 0)
        return 0;
    int r = db_prepare(c->control, &select, "SELECT findings,channel FROM block WHERE address=?1 AND bits=?2 AND expires>?3 ORDER BY channel");
    unsigned least = addr_is_v4(c->order->addr) ? BITS_LEAST_V4 : BITS_LEAST_V6;
    for (unsigned bits = 128; r == 0 && bits >= least; bits--) {
        struct prefix network = network_of(c->order->addr, bits);
        bind_address(select, 1, &network.addr);
        (void)sqlite3_bind_int(select, 2, (int)bits);
        (void)sqlite3_bind_int64(select, 3, c->now);
        while (r == 0 && (r = db_row(select)) == 1) {
            c->walked = c->walked || span_is(db_span(select, 1), "ip_whois");
            r = add_entry(c, db_span(select, 0));
        }
        (void)sqlite3_reset(select);
        r = r < 0 ? r : 0;
    }
    (void)sqlite3_finalize(select);
    return r;
}

/* What the operator's bulk files say, where no answer is known: it goes out like one. A damaged file says nothing, and the registry is asked. */
static int add_bulk(struct completing *c)
{
    struct contact_block block;
    struct arena arena;
    if (c->bulk == NULL || c->walked || is_zero(c->order->addr) || (c->order->flags & CONTACT_ORDER_FRESH) != 0)
        return 0;
    if (c->blocks == CONTACT_ORDER_BLOCKS_MAX) {
        c->cut = true;
        return 0;
    }
    arena_init(&arena, ARENA_MAX);
    int r = bulk_find(c->bulk, c->order->addr, c->now, &arena, &block);
    if (r == 1)
        r = added(c, contact_order_add_block(c->out, &block), &c->blocks);
    arena_done(&arena);
    return r == -ENOMEM ? r : 0;
}

/* ---- what operators entered ---- */

static int add_manual(struct completing *c, sqlite3_stmt *select)
{
    int kind = contact_kind_by_text(db_span(select, 0)), role = contact_role_by_text(db_span(select, 2));
    const struct contact_manual manual = {.kind = kind >= 0 ? (enum contact_kind)kind : CONTACT_MAIL,
                                          .role = role >= 0 ? (enum contact_role)role : CONTACT_ROLE_ABUSE,
                                          .value = db_span(select, 1),
                                          .scope = db_span(select, 3),
                                          .entered = sqlite3_column_int64(select, 4),
                                          .expires = sqlite3_column_int64(select, 5),
                                          .note = db_span(select, 6),
                                          .who = db_span(select, 7)};
    if (c->manuals == CONTACT_ORDER_MANUALS_MAX) {
        c->cut = true;
        return 0;
    }
    return added(c, contact_order_add_manual(c->out, &manual), &c->manuals);
}

#define MANUAL "SELECT kind,value,role,scope,entered,expires,note,who FROM manual AS m WHERE (expires=0 OR expires>?1) AND "
#define UNDER(name) "(" name "=m.domain OR substr(" name ",-length(m.domain)-1)='.'||m.domain)"

static int add_manuals_of(struct completing *c, sqlite3_stmt *select)
{
    int r = 0;
    while (r == 0 && (r = db_row(select)) == 1)
        r = add_manual(c, select);
    (void)sqlite3_reset(select);
    return r < 0 ? r : 0;
}

static int add_manuals_by_network(struct completing *c)
{
    sqlite3_stmt *select = NULL;
    int r = db_prepare(c->control, &select, MANUAL "address=?2 AND bits=?3 ORDER BY number");
    unsigned least = addr_is_v4(c->order->addr) ? BITS_LEAST_V4 : 1;
    for (unsigned bits = 128; r == 0 && bits >= least; bits--) {
        struct prefix network = network_of(c->order->addr, bits);
        (void)sqlite3_bind_int64(select, 1, c->now);
        bind_address(select, 2, &network.addr);
        (void)sqlite3_bind_int(select, 3, (int)bits);
        r = add_manuals_of(c, select);
    }
    (void)sqlite3_finalize(select);
    return r;
}

/* Of the target's domain, of names tied to its address, and of its AS. */
static int add_manuals_by_name(struct completing *c, uint32_t as)
{
    sqlite3_stmt *select = NULL;
    int r = db_prepare(c->control, &select,
                       MANUAL "((asn IS NOT NULL AND asn=?2) OR (domain IS NOT NULL AND (" UNDER(
                           "?3") " OR EXISTS(SELECT 1 FROM resolution AS r WHERE"
                                 " r.address=?4 AND r.last>=?5 AND r.first<=?6 AND " UNDER("r.name") ")))) ORDER BY number");
    if (r == 0) {
        (void)sqlite3_bind_int64(select, 1, c->now);
        (void)sqlite3_bind_int64(select, 2, as > 0 ? (int64_t)as : -1);
        db_bind_span(select, 3, c->order->domain.len > 0 ? c->order->domain : span_text(""));
        if (is_zero(c->order->addr))
            (void)sqlite3_bind_null(select, 4);
        else
            bind_address(select, 4, &c->order->addr);
        (void)sqlite3_bind_int64(select, 5, c->order->when - window);
        (void)sqlite3_bind_int64(select, 6, c->order->when + window);
        r = add_manuals_of(c, select);
    }
    (void)sqlite3_finalize(select);
    return r;
}

static enum known known_of(struct span text)
{
    return span_is(text, "yes") ? KNOWN_YES : span_is(text, "no") ? KNOWN_NO : KNOWN_NOT;
}

/* All of them while they are few; else those of accounts that were found for the target before. */
static int add_checks(struct completing *c)
{
    sqlite3_stmt *select = NULL;
    int r =
        db_prepare(c->control, &select,
                   "SELECT url,there,messages,owner,entered,who FROM account WHERE (SELECT count(*) FROM account)<=?3 OR url IN (SELECT value FROM"
                   " contact WHERE address=?1 AND domain=?2 AND kind='account') ORDER BY entered DESC,url LIMIT ?4");
    if (r == 0) {
        bind_address(select, 1, &c->order->addr);
        db_bind_span(select, 2, c->order->domain.len > 0 ? c->order->domain : span_text(""));
        (void)sqlite3_bind_int(select, 3, CHECKS_FOR_ALL);
        (void)sqlite3_bind_int(select, 4, CONTACT_ORDER_CHECKS_MAX);
    }
    while (r == 0 && (r = db_row(select)) == 1) {
        const struct contact_check check = {.url = db_span(select, 0),
                                            .check = {.exists = known_of(db_span(select, 1)),
                                                      .takes_messages = known_of(db_span(select, 2)),
                                                      .owner_matches = known_of(db_span(select, 3))},
                                            .entered = sqlite3_column_int64(select, 4),
                                            .who = db_span(select, 5)};
        r = added(c, contact_order_add_check(c->out, &check), &c->checks);
    }
    (void)sqlite3_finalize(select);
    return r < 0 ? r : 0;
}

/* What table host says, where the operator's databases do not. */
static int find_origin(struct completing *c, uint32_t *as, struct span *country, char text[static 3])
{
    sqlite3_stmt *select = NULL;
    if (is_zero(c->order->addr) || (*as != 0 && country->len == 2))
        return 0;
    int r = db_prepare(c->control, &select, "SELECT asn,country FROM host WHERE source_ip=?1");
    if (r == 0) {
        bind_address(select, 1, &c->order->addr);
        r = db_row(select);
    }
    if (r == 1) {
        int64_t known = sqlite3_column_int64(select, 0);
        struct span letters = db_span(select, 1);
        if (*as == 0 && known > 0 && known <= UINT32_MAX)
            *as = (uint32_t)known;
        if (country->len != 2 && letters.len == 2) {
            memcpy(text, letters.at, 2);
            *country = span_of(text, 2);
        }
    }
    (void)sqlite3_finalize(select);
    return r < 0 ? r : 0;
}

static int complete(struct completing *c, uint32_t as, struct span country)
{
    char letters[3] = "";
    int r = find_origin(c, &as, &country, letters);
    if (r == 0 && (as != 0 || country.len == 2))
        r = contact_order_add_origin(c->out, as, country);
    if (r == 0 && !is_zero(c->order->addr))
        r = add_manuals_by_network(c);
    if (r == 0)
        r = add_manuals_by_name(c, as);
    if (r == 0)
        r = add_blocks(c);
    if (r == 0)
        r = add_bulk(c);
    if (r == 0)
        r = add_checks(c);
    if (r == 0)
        r = add_resolutions(c);
    if (r == 0 && c->cut)
        r = contact_order_add_cut(c->out);
    return r == 0 ? c->out->error : r;
}

int contacts_complete(sqlite3 *control, struct bulk *bulk, struct span input, uint32_t as, struct span country, usec_t now, struct buf *out)
{
    struct arena arena;
    struct contact_order order;
    arena_init(&arena, ARENA_MAX);
    int r = contact_order_decode(&arena, input, &order);
    if (r == 0) {
        struct completing completing = {.control = control, .bulk = bulk, .order = &order, .now = now, .out = out};
        buf_span(out, input);
        r = complete(&completing, as, country);
    }
    arena_done(&arena);
    return r;
}

/* ---- registries ---- */

/*
 * Of a reach that was killed, some questions never came to an end: each may have brought as many personal data sets as any answer of that server has,
 * and 20 at least (BUDGET_RESERVE, which reach keeps free for an answer under way).
 */
static const char hours_sql[] = "SELECT h.hour,max(h.dials,h.questions),h.personal+max(h.dials-h.questions,0)*max(ifnull(r.personal_most,0),20)"
                                " FROM registry_hour AS h LEFT JOIN registry AS r USING(server) WHERE h.server=?1 AND h.hour>?2 AND h.hour<=?3"
                                " ORDER BY h.hour";
static const char registries_sql[] =
    "SELECT server,banned,refused,back_off FROM registry WHERE banned IS NOT NULL OR back_off>?1"
    " UNION SELECT h.server,r.banned,r.refused,r.back_off FROM registry_hour AS h LEFT JOIN registry AS r USING(server)"
    " WHERE h.hour>?2 AND h.hour<=?3 ORDER BY 1";

static uint32_t capped(int64_t number)
{
    return number < 0 ? 0 : number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

static int put_hours(sqlite3_stmt *select, struct span server, int64_t hour, struct buf *body)
{
    size_t at = body->len, count = 0;
    int r;
    buf_be(body, 0, 1);
    db_bind_span(select, 1, server);
    (void)sqlite3_bind_int64(select, 2, hour - HOURS_TOLD);
    (void)sqlite3_bind_int64(select, 3, hour);
    while ((r = db_row(select)) == 1 && count < HOURS_TOLD) {
        buf_be(body, (uint64_t)sqlite3_column_int64(select, 0), 8);
        buf_be(body, capped(sqlite3_column_int64(select, 1)), 4);
        buf_be(body, capped(sqlite3_column_int64(select, 2)), 4);
        count++;
    }
    (void)sqlite3_reset(select);
    if (body->error == 0)
        body->data[at] = (uint8_t)count;
    return r < 0 ? r : 0;
}

static void put_count(struct buf *body, uint32_t count)
{
    for (unsigned i = 0; i < 4 && body->error == 0; i++)
        body->data[i] = (uint8_t)(count >> (24 - 8 * i));
}

static int put_registry(sqlite3_stmt *select, sqlite3_stmt *hours, int64_t hour, struct buf *body)
{
    struct span server = span_part(db_span(select, 0), 0, UINT8_MAX);
    usec_t from = sqlite3_column_int64(select, 2), until = sqlite3_column_int64(select, 3);
    buf_be(body, server.len, 1);
    buf_span(body, server);
    buf_be(body, sqlite3_column_type(select, 1) != SQLITE_NULL, 1);
    buf_be(body, until > 0 ? (uint64_t)from : 0, 8);
    buf_be(body, until > 0 ? (uint64_t)until : 0, 8);
    return put_hours(hours, server, hour, body);
}

int contacts_registries(sqlite3 *control, int64_t clock_speed, usec_t now, int (*send)(void *user, struct buf *body), void *user)
{
    /* A back-off that is over is told for as long as it may be doubled. */
    int64_t hour = contacts_hour(now, clock_speed);
    sqlite3_stmt *select = NULL, *hours = NULL;
    struct buf body;
    uint32_t count = 0;
    buf_init(&body, REGISTRIES_BODY_MAX + 65536);
    buf_be(&body, 0, 4);
    int r = db_prepare(control, &select, registries_sql);
    if (r == 0)
        r = db_prepare(control, &hours, hours_sql);
    if (r == 0) {
        (void)sqlite3_bind_int64(select, 1, now - USEC_PER_DAY);
        (void)sqlite3_bind_int64(select, 2, hour - HOURS_TOLD);
        (void)sqlite3_bind_int64(select, 3, hour);
    }
    while (r == 0 && (r = db_row(select)) == 1) {
        r = put_registry(select, hours, hour, &body);
        count++;
        if (r == 0 && body.len > REGISTRIES_BODY_MAX) {
            put_count(&body, count);
            r = send(user, &body);
            count = 0;
            buf_init(&body, REGISTRIES_BODY_MAX + 65536);
            buf_be(&body, 0, 4);
        }
    }
    (void)sqlite3_finalize(select);
    (void)sqlite3_finalize(hours);
    if (r == 0 && count > 0) {
        put_count(&body, count);
        r = send(user, &body);
        buf_init(&body, 16);
        buf_be(&body, 0, 4);
    }
    if (r != 0) {
        buf_done(&body);
        return r;
    }
    return send(user, &body);
}
