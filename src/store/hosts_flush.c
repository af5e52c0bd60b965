#include "store/hosts_parts.h"

#include "base/err.h"
#include "probe/order.h"
#include "store/task.h"

#include <errno.h>

#define HOST_IS "address=?1"
#define PORT_IS HOST_IS " AND port=?2 AND transport=?3"
/* Records may come late: what is newer stands. */
#define NEWER(column, value) column "=CASE WHEN ?7>=last THEN " value " ELSE " column " END"
#define SHOWN(column, value) column "=CASE WHEN ?9 IS NOT NULL AND (?7>=last OR digest IS NULL) THEN " value " ELSE " column " END"

/* ADD_… updates a row that is there; PUT_… makes it, when COUNT_… says that there is room. */
static const char *const statement_sql[HOST_STATEMENTS] = {
    [ENSURE_HOST] = "INSERT INTO host(source_ip,first,last_day,days,asn,country,ptr) VALUES(?1,?2,?3,0,?4,?5,?6) ON CONFLICT DO UPDATE SET"
                    " first=min(first,?2),last_day=max(last_day,?3),asn=coalesce(asn,?4),country=coalesce(country,?5),ptr=coalesce(?6,ptr)",
    [PROBED_HOST] = "UPDATE host SET first_probe=min(coalesce(first_probe,?2),?2),last_probe=max(coalesce(last_probe,?2),?2) WHERE source_ip=?1",
    [NAME_HOST] = "UPDATE host SET ptr=?2 WHERE source_ip=?1",
    [ADD_PORT] = "UPDATE host_port SET " NEWER("protocol", "coalesce(?4,protocol)") "," NEWER("state", "?5") "," NEWER(
        "ending", "?6") ","
                        "ttl=CASE WHEN ?7>=last THEN coalesce(?8,ttl) ELSE coalesce(ttl,?8) END," SHOWN("digest", "?9") "," SHOWN(
                            "summary", "?10") "," SHOWN("excerpt", "?11") ",first=min(first,?7),last=max(last,?7) WHERE " PORT_IS,
    [COUNT_PORTS] = "SELECT count(*) FROM host_port WHERE " HOST_IS,
    [PUT_PORT_ROW] = "INSERT INTO host_port(address,port,transport,protocol,state,ending,first,last,ttl,digest,summary,excerpt)"
                     " VALUES(?1,?2,?3,?4,?5,?6,?7,?7,?8,?9,?10,?11)",
    [ADD_BANNER] = "UPDATE host_banner SET n=n+1,first=min(first,?7),last=max(last,?7) WHERE " PORT_IS " AND digest=?9",
    [PUT_BANNER] = "INSERT INTO host_banner(address,port,transport,first,last,digest,n,summary,excerpt) VALUES(?1,?2,?3,?7,?7,?9,1,?10,?11)",
    [PRUNE_BANNERS] = "DELETE FROM host_banner WHERE " PORT_IS " AND digest IN (SELECT digest FROM host_banner WHERE " PORT_IS
                      " ORDER BY last DESC,digest LIMIT -1 OFFSET ?4)",
    [ADD_ATTACK] = "UPDATE host_attack SET n=n+?4,first=min(first,?5),last=max(last,?6) WHERE " HOST_IS " AND port=?2 AND ttl=?3",
    [COUNT_ATTACKS] = "SELECT count(*) FROM host_attack WHERE " HOST_IS,
    [PUT_ATTACK] = "INSERT INTO host_attack(address,port,ttl,n,first,last) VALUES(?1,?2,?3,?4,?5,?6)",
    [ADD_EVIDENCE] = "UPDATE evidence SET n=n+1,certainty=?5,first=min(first,?6),last=max(last,?6) WHERE " PORT_IS " AND hash=?4",
    [COUNT_EVIDENCE] = "SELECT count(*) FROM evidence WHERE " HOST_IS,
    [PUT_EVIDENCE] = "INSERT INTO evidence(address,port,transport,hash,certainty,first,last,n,class,maker,model,firmware,ics,residue,honeypot,"
                     "field,rule,matched) VALUES(?1,?2,?3,?4,?5,?6,?6,1,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)",
    [ADD_LISTING] = "UPDATE host_listing SET n=n+1,first=min(first,?5),last=max(last,?5),protocol=coalesce(?6,protocol),class=coalesce(?7,class),"
                    "maker=coalesce(?8,maker),model=coalesce(?9,model),firmware=coalesce(?10,firmware),ics=coalesce(?11,ics),"
                    "summary=coalesce(?12,summary),ttl=coalesce(?13,ttl) WHERE " PORT_IS " AND list=?4",
    [COUNT_LISTINGS] = "SELECT count(*) FROM host_listing WHERE " HOST_IS,
    [PUT_LISTING] = "INSERT INTO host_listing(address,port,transport,list,first,last,n,protocol,class,maker,model,firmware,ics,summary,ttl)"
                    " VALUES(?1,?2,?3,?4,?5,?5,1,?6,?7,?8,?9,?10,?11,?12,?13)",
    [PUT_DIAL] = "INSERT INTO host_dial(day,address,asn,n,ics,neighbours,last) VALUES(?1,?2,?3,1,?4,?5,?6) ON CONFLICT DO UPDATE SET n=n+1,"
                 "asn=coalesce(?3,asn),ics=ics+?4,neighbours=neighbours+?5,last=max(last,?6)",
    [PUT_DIALLED] = "INSERT OR IGNORE INTO dialled(task,port,transport) VALUES(?1,?2,?3)",
    [DROP_DIALLED] = "DELETE FROM dialled WHERE task=?1",
    [TASK_INPUT] = "SELECT input FROM task WHERE key=?1",
    [PUT_PROBE] = "INSERT INTO rollup_probe(day,probe,step,word,n) VALUES(?1,?2,?3,?4,1) ON CONFLICT DO UPDATE SET n=n+1",
    [READ_EVIDENCE] = "SELECT port,transport,field,rule,class,maker,model,firmware,ics,residue,honeypot,matched,certainty,first,last FROM evidence"
                      " WHERE " HOST_IS " ORDER BY last DESC,port,transport,hash",
    /* What a list says counts where we have not measured ourselves. */
    [READ_PORTS] = "SELECT port,transport,ttl FROM host_port WHERE " HOST_IS " AND state='open' AND ttl IS NOT NULL"
                   " UNION SELECT port,transport,max(ttl) FROM host_listing WHERE " HOST_IS " AND ttl IS NOT NULL AND (port,transport) NOT IN"
                   " (SELECT port,transport FROM host_port WHERE " HOST_IS " AND state='open' AND ttl IS NOT NULL) GROUP BY port,transport"
                   " ORDER BY port,transport",
    [READ_ATTACKS] = "SELECT port,ttl FROM host_attack WHERE " HOST_IS " ORDER BY last DESC,port,ttl",
    [PUT_DEVICE] = "UPDATE host SET class=?2,class_rule=?3,maker=?4,maker_rule=?5,model=?6,model_rule=?7,firmware=?8,firmware_rule=?9,ics=?10,"
                   "ics_rule=?11,residue=?12,residue_rule=?13,honeypot=?14,honeypot_rule=?15,conflicts=?16,hosts_at_least=?17,hosts_reason=?18"
                   " WHERE source_ip=?1",
};

int hosts_prepare(struct hosts *hosts)
{
    int r = 0;
    for (size_t i = 0; i < HOST_STATEMENTS && r == 0; i++)
        r = db_prepare(hosts->control, &hosts->statements[i], statement_sql[i]);
    return r;
}

void hosts_finalize(struct hosts *hosts)
{
    for (size_t i = 0; i < HOST_STATEMENTS; i++)
        (void)sqlite3_finalize(hosts->statements[i]);
}

/* ---- binding ---- */

static void bind_address(sqlite3_stmt *statement, int at, const struct addr *address)
{
    db_bind_bytes(statement, at, span_of(address->bytes, sizeof address->bytes));
}

static void bind_port(sqlite3_stmt *statement, const struct event *event)
{
    bind_address(statement, 1, &event->at.addr);
    (void)sqlite3_bind_int(statement, 2, event->at.port);
    (void)sqlite3_bind_int(statement, 3, (int)event->transport);
}

static void bind_optional(const struct hosts *hosts, sqlite3_stmt *statement, int at, struct kept text)
{
    if (text.len > 0)
        db_bind_span(statement, at, kept_text(hosts, text));
    else
        (void)sqlite3_bind_null(statement, at);
}

static void bind_number(sqlite3_stmt *statement, int at, int64_t number)
{
    if (number != 0)
        (void)sqlite3_bind_int64(statement, at, number);
    else
        (void)sqlite3_bind_null(statement, at);
}

/* Room for one more row of this host? `count` is bound to the address alone. */
static int room(struct hosts *hosts, enum host_statement which, const struct addr *address, int64_t most)
{
    sqlite3_stmt *count = hosts->statements[which];
    bind_address(count, 1, address);
    int r = db_row(count);
    int64_t rows = r == 1 ? sqlite3_column_int64(count, 0) : 0;
    (void)sqlite3_reset(count);
    return r < 0 ? r : rows < most ? 1 : 0;
}

static int mark_dirty(struct hosts *hosts, const struct addr *address)
{
    return tally_at(&hosts->dirty, hosts->key, address, NULL) != NULL ? 0 : -ENOMEM;
}

/* A row for a host that shows something, though it may never have attacked. */
static int ensure_host(struct hosts *hosts, const struct event *event, struct kept ptr, struct kept country)
{
    struct geo_place place;
    geo_find(hosts->geo, event->at.addr, &place);
    sqlite3_stmt *put = hosts->statements[ENSURE_HOST];
    bind_address(put, 1, &event->at.addr);
    (void)sqlite3_bind_int64(put, 2, event->time);
    (void)sqlite3_bind_int64(put, 3, event->day);
    bind_number(put, 4, place.asn != 0 ? (int64_t)place.asn : event->asn);
    if (place.country[0] != '\0')
        db_bind_span(put, 5, span_text(place.country));
    else
        bind_optional(hosts, put, 5, country);
    bind_optional(hosts, put, 6, ptr);
    return db_done(put);
}

/* ---- dial ---- */

static const char *const other = "other";

/* Only words that are known become rows, so that there are never many. */
static struct span known_probe(struct span name)
{
    static const char *const names[] = {
#define PROBE(name) #name,
#include "probe/probes.def"
#undef PROBE
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (span_is(name, names[i]))
            return span_text(names[i]);
    }
    return span_text(other);
}

/* As the policy counts it (outside/dial.h): by the probe's care, or by the port whatever asks. */
static bool is_industrial(const struct event *event, struct span probe)
{
    static const char *const probes[] = {"modbus", "bacnet", "s7", "fox", "enip", "dnp3"};
    static const struct {
        uint16_t port;
        enum transport transport;
    } ports[] = {
#define INDUSTRIAL(port, transport, protocol) {(port), TRANSPORT_##transport},
#include "outside/industrial.def"
#undef INDUSTRIAL
    };
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
        if (span_is(probe, probes[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        if (ports[i].port == event->at.port && ports[i].transport == event->transport)
            return true;
    }
    return false;
}

static int put_probe(struct hosts *hosts, const struct event *event, const char *step, struct span probe, struct span word)
{
    sqlite3_stmt *put = hosts->statements[PUT_PROBE];
    (void)sqlite3_bind_int64(put, 1, event->day);
    db_bind_span(put, 2, probe);
    db_bind_span(put, 3, span_text(step));
    db_bind_span(put, 4, word);
    return db_done(put);
}

/* Is the task a neighbourhood's? Its input says so. */
static int is_neighbour(struct hosts *hosts, struct span task, bool *ret)
{
    sqlite3_stmt *select = hosts->statements[TASK_INPUT];
    struct order order;
    db_bind_span(select, 1, task);
    int r = db_row(select);
    *ret = r == 1 && order_decode(db_span(select, 0), &order) == 0 && (order.flags & ORDER_NEIGHBOUR) != 0;
    (void)sqlite3_reset(select);
    return r < 0 ? r : 0;
}

static int put_dialled(struct hosts *hosts, const struct event *event, struct span task)
{
    int64_t key = (int64_t)hash_bytes(hosts->key, task);
    if (task.len == 0 || tally_find(&hosts->finished, hosts->key, &key) != NULL)
        return 0; /* its visit ended meanwhile */
    sqlite3_stmt *put = hosts->statements[PUT_DIALLED];
    db_bind_span(put, 1, task);
    (void)sqlite3_bind_int(put, 2, event->at.port);
    (void)sqlite3_bind_int(put, 3, (int)event->transport);
    return db_done(put);
}

static struct span known_denial(struct span word)
{
#define DENIAL(name, text, help) \
    if (span_is(word, text))     \
        return span_text(text);
#include "outside/denials.def"
#undef DENIAL
    return span_text(other);
}

static int flush_dial(struct hosts *hosts, const struct event *event)
{
    struct span probe = known_probe(kept_text(hosts, event->texts[TEXT_PROBE])), task = kept_text(hosts, event->texts[TEXT_TASK]),
                word = kept_text(hosts, event->texts[TEXT_WORD]);
    int r = put_probe(hosts, event, "dial", probe, event->allowed ? span_text("") : known_denial(word.len > 0 ? word : span_text(other)));
    if (r != 0 || !event->allowed)
        return r;
    bool neighbour = false;
    r = task.len > 0 ? is_neighbour(hosts, task, &neighbour) : 0;
    if (r != 0)
        return r;
    sqlite3_stmt *put = hosts->statements[PUT_DIAL];
    (void)sqlite3_bind_int64(put, 1, event->day);
    bind_address(put, 2, &event->at.addr);
    bind_number(put, 3, event->asn);
    (void)sqlite3_bind_int(put, 4, is_industrial(event, probe) ? 1 : 0);
    (void)sqlite3_bind_int(put, 5, neighbour ? 1 : 0);
    (void)sqlite3_bind_int64(put, 6, event->time);
    r = db_done(put);
    return r == 0 ? put_dialled(hosts, event, task) : r;
}

/* ---- answer, visit ---- */

static void bind_answer(const struct hosts *hosts, sqlite3_stmt *statement, const struct event *event)
{
    static const char *const states[] = {[PORT_OPEN] = "open", [PORT_CLOSED] = "closed", [PORT_SILENT] = "silent", [PORT_NOT_ASKED] = "silent"};
    bind_port(statement, event);
    bind_optional(hosts, statement, 4, event->texts[TEXT_PROTOCOL]);
    db_bind_span(statement, 5, span_text(states[event->state]));
    bind_optional(hosts, statement, 6, event->texts[TEXT_WORD]);
    (void)sqlite3_bind_int64(statement, 7, event->time);
    bind_number(statement, 8, event->ttl);
    bind_number(statement, 9, event->digest);
    bind_optional(hosts, statement, 10, event->texts[TEXT_SUMMARY]);
    if (event->texts[TEXT_EXCERPT].len > 0)
        db_bind_bytes(statement, 11, kept_text(hosts, event->texts[TEXT_EXCERPT]));
    else
        (void)sqlite3_bind_null(statement, 11);
}

static int put_banner(struct hosts *hosts, const struct event *event)
{
    bind_answer(hosts, hosts->statements[ADD_BANNER], event);
    int r = db_done(hosts->statements[ADD_BANNER]);
    if (r != 0 || sqlite3_changes(hosts->control) > 0)
        return r;
    bind_answer(hosts, hosts->statements[PUT_BANNER], event);
    r = db_done(hosts->statements[PUT_BANNER]);
    if (r != 0)
        return r;
    sqlite3_stmt *prune = hosts->statements[PRUNE_BANNERS];
    bind_port(prune, event);
    (void)sqlite3_bind_int(prune, 4, HOST_BANNERS_MAX);
    return db_done(prune);
}

static int put_port(struct hosts *hosts, const struct event *event)
{
    bind_answer(hosts, hosts->statements[ADD_PORT], event);
    int r = db_done(hosts->statements[ADD_PORT]);
    if (r != 0 || sqlite3_changes(hosts->control) > 0)
        return r;
    r = room(hosts, COUNT_PORTS, &event->at.addr, HOST_PORTS_MAX);
    if (r != 1)
        return r;
    bind_answer(hosts, hosts->statements[PUT_PORT_ROW], event);
    return db_done(hosts->statements[PUT_PORT_ROW]);
}

static struct span known_ending(struct span word)
{
    enum ending ending;
    return hosts_ending(word, &ending) ? word : span_text(other);
}

static int flush_answer(struct hosts *hosts, const struct event *event)
{
    int r = put_probe(hosts, event, "answer", known_probe(kept_text(hosts, event->texts[TEXT_PROBE])),
                      known_ending(kept_text(hosts, event->texts[TEXT_WORD])));
    if (r != 0 || event->state == PORT_NOT_ASKED || event->at.port == 0)
        return r;
    if (event->state == PORT_OPEN)
        r = ensure_host(hosts, event, (struct kept){0}, (struct kept){0});
    if (r == 0)
        r = put_port(hosts, event);
    if (r == 0 && event->digest != 0)
        r = put_banner(hosts, event);
    if (r == 0) {
        sqlite3_stmt *probed = hosts->statements[PROBED_HOST];
        bind_address(probed, 1, &event->at.addr);
        (void)sqlite3_bind_int64(probed, 2, event->time);
        r = db_done(probed);
    }
    return r == 0 ? mark_dirty(hosts, &event->at.addr) : r;
}

/* What its owner calls it; one that neither attacked nor answered has no row. */
static int put_name(struct hosts *hosts, const struct event *event)
{
    sqlite3_stmt *name = hosts->statements[NAME_HOST];
    if (event->texts[TEXT_NAME].len == 0)
        return 0;
    bind_address(name, 1, &event->at.addr);
    db_bind_span(name, 2, kept_text(hosts, event->texts[TEXT_NAME]));
    return db_done(name);
}

static int flush_visit(struct hosts *hosts, const struct event *event)
{
    struct span task = kept_text(hosts, event->texts[TEXT_TASK]);
    int r = put_name(hosts, event);
    if (r != 0 || task.len == 0)
        return r;
    r = task_finish(hosts->control, task, kept_text(hosts, event->texts[TEXT_WORD]), event->time);
    if (r < 0)
        return r;
    db_bind_span(hosts->statements[DROP_DIALLED], 1, task);
    return db_done(hosts->statements[DROP_DIALLED]);
}

/* ---- device, listing ---- */

static int64_t evidence_hash(const struct hosts *hosts, const struct event *event)
{
    struct buf all;
    buf_init(&all, 16 * 1024);
    for (int i = TEXT_CLASS; i <= TEXT_RULE; i++) {
        buf_span(&all, kept_text(hosts, event->texts[i]));
        buf_byte(&all, 0);
    }
    int64_t hash = (int64_t)hash_bytes(hosts->key, buf_as_span(&all));
    buf_done(&all);
    return hash;
}

static void bind_evidence(sqlite3_stmt *statement, const struct event *event, int64_t hash)
{
    bind_port(statement, event);
    (void)sqlite3_bind_int64(statement, 4, hash);
    (void)sqlite3_bind_int64(statement, 5, event->certainty);
    (void)sqlite3_bind_int64(statement, 6, event->time);
}

static int flush_device(struct hosts *hosts, const struct event *event)
{
    int64_t hash = evidence_hash(hosts, event);
    int r = ensure_host(hosts, event, (struct kept){0}, (struct kept){0});
    if (r == 0) {
        bind_evidence(hosts->statements[ADD_EVIDENCE], event, hash);
        r = db_done(hosts->statements[ADD_EVIDENCE]);
    }
    if (r == 0 && sqlite3_changes(hosts->control) == 0) {
        r = room(hosts, COUNT_EVIDENCE, &event->at.addr, HOST_EVIDENCE_MAX);
        if (r != 1)
            return r;
        sqlite3_stmt *put = hosts->statements[PUT_EVIDENCE];
        bind_evidence(put, event, hash);
        for (int i = TEXT_CLASS; i <= TEXT_MATCHED; i++)
            bind_optional(hosts, put, 7 + i, event->texts[i]);
        r = db_done(put);
    }
    return r == 0 ? mark_dirty(hosts, &event->at.addr) : r;
}

static void bind_listing(const struct hosts *hosts, sqlite3_stmt *statement, const struct event *event)
{
    bind_port(statement, event);
    db_bind_span(statement, 4, kept_text(hosts, event->texts[TEXT_LIST]));
    (void)sqlite3_bind_int64(statement, 5, event->time);
    bind_optional(hosts, statement, 6, event->texts[TEXT_PROTOCOL]);
    for (int i = TEXT_CLASS; i <= TEXT_ICS; i++)
        bind_optional(hosts, statement, 7 + i, event->texts[i]);
    bind_optional(hosts, statement, 12, event->texts[TEXT_LISTED]);
    bind_number(statement, 13, event->ttl);
}

static int flush_listing(struct hosts *hosts, const struct event *event)
{
    int r = ensure_host(hosts, event, event->texts[TEXT_PTR], event->texts[TEXT_COUNTRY]);
    if (r != 0)
        return r;
    bind_listing(hosts, hosts->statements[ADD_LISTING], event);
    r = db_done(hosts->statements[ADD_LISTING]);
    if (r != 0 || sqlite3_changes(hosts->control) > 0)
        return r;
    r = room(hosts, COUNT_LISTINGS, &event->at.addr, HOST_PORTS_MAX);
    if (r != 1)
        return r;
    bind_listing(hosts, hosts->statements[PUT_LISTING], event);
    r = db_done(hosts->statements[PUT_LISTING]);
    return r == 0 && event->ttl != 0 ? mark_dirty(hosts, &event->at.addr) : r;
}

/* ---- attackers' TTLs ---- */

static void bind_attack(sqlite3_stmt *statement, const struct attack *attack)
{
    bind_address(statement, 1, &attack->key.source);
    (void)sqlite3_bind_int(statement, 2, attack->key.port);
    (void)sqlite3_bind_int(statement, 3, attack->key.ttl);
    (void)sqlite3_bind_int64(statement, 4, attack->n);
    (void)sqlite3_bind_int64(statement, 5, attack->first);
    (void)sqlite3_bind_int64(statement, 6, attack->last);
}

static int flush_attack(struct hosts *hosts, const struct attack *attack)
{
    bind_attack(hosts->statements[ADD_ATTACK], attack);
    int r = db_done(hosts->statements[ADD_ATTACK]);
    if (r != 0 || sqlite3_changes(hosts->control) > 0)
        return r;
    r = room(hosts, COUNT_ATTACKS, &attack->key.source, HOST_ATTACKS_MAX);
    if (r != 1)
        return r;
    bind_attack(hosts->statements[PUT_ATTACK], attack);
    r = db_done(hosts->statements[PUT_ATTACK]);
    /* Of hosts that were neither probed nor listed nothing follows from it. */
    if (r == 0)
        r = room(hosts, COUNT_PORTS, &attack->key.source, 1);
    if (r == 1)
        r = room(hosts, COUNT_LISTINGS, &attack->key.source, 1);
    return r == 0 ? mark_dirty(hosts, &attack->key.source) : r < 0 ? r : 0;
}

static int flush_event(struct hosts *hosts, const struct event *event)
{
    switch ((int)event->kind) {
    case KIND_DIAL:
        return flush_dial(hosts, event);
    case KIND_ANSWER:
        return flush_answer(hosts, event);
    case KIND_VISIT:
        return flush_visit(hosts, event);
    case KIND_DEVICE:
        return flush_device(hosts, event);
    default:
        return flush_listing(hosts, event);
    }
}

int hosts_flush(struct hosts *hosts)
{
    int r = 0;
    tally_clear(&hosts->dirty);
    for (size_t i = 0; i < hosts->event_count && r == 0; i++)
        r = flush_event(hosts, &hosts->events[i]);
    for (size_t i = 0; i < hosts->attacks.count && r == 0; i++)
        r = flush_attack(hosts, tally_entry(&hosts->attacks, i));
    for (size_t i = 0; i < hosts->dirty.count && r == 0; i++) {
        const struct dirty *dirty = tally_entry(&hosts->dirty, i);
        r = hosts_merge(hosts, &dirty->address);
    }
    return r;
}
