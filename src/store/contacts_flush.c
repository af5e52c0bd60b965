#include "store/contacts_parts.h"

#include "base/err.h"
#include "base/text.h"
#include "contact/channel.h"
#include "contact/order.h"
#include "store/task.h"

#include <errno.h>
#include <strings.h>

/* How often a quest that failed is tried again: for what a budget put off, and for what went wrong. */
enum { ATTEMPTS_PUT_OFF = 64, ATTEMPTS_FAILED = 4 };

#define TARGET_IS "address=?1 AND domain=?2"

static const char *const statement_sql[CONTACT_STATEMENTS] = {
    [PUT_QUEST] = "INSERT INTO quest(address,domain,id,first,last,n,outcome,reason,task,channels,contacts,debts,domains,holder,block,ptr,not_before)"
                  " VALUES(?1,?2,?3,?4,?4,1,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15) ON CONFLICT DO UPDATE SET n=n+1,first=min(first,?4),"
                  "last=max(last,?4),id=?3,outcome=?5,reason=?6,task=?7,channels=?8,contacts=?9,debts=?10,domains=?11,"
                  "holder=CASE WHEN ?12<>'' THEN ?12 ELSE holder END,block=CASE WHEN ?13<>'' THEN ?13 ELSE block END,"
                  "ptr=CASE WHEN ?14<>'' THEN ?14 ELSE ptr END,not_before=?15 WHERE last<=?4",
    [NAME_TARGET] = "UPDATE host SET ptr=?2 WHERE source_ip=?1",
    [FIND_CONTACT] = "SELECT number,quest,objection,choice,score,last FROM contact WHERE " TARGET_IS " AND kind=?3 AND value=?4",
    [ADD_CONTACT] = "INSERT INTO contact(address,domain,kind,value,id,quest,objection,choice,role,there,match,rfc2142,word,valid,flags,score,reason,"
                    "mail_domain,first,last) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?19)",
    [SET_CONTACT] = "UPDATE contact SET id=?5,quest=?6,objection=?7,choice=?8,role=?9,there=?10,match=?11,rfc2142=?12,word=?13,valid=?14,flags=?15,"
                    "score=?16,reason=?17,mail_domain=?18,first=min(first,?19),last=max(last,?19) WHERE " TARGET_IS " AND kind=?3 AND value=?4",
    [TOUCH_CONTACT] = "UPDATE contact SET first=min(first,?2),last=max(last,?2) WHERE number=?1",
    [PUT_ORIGIN] =
        "INSERT INTO contact_origin(contact,channel,found_for,objection,role,rank,attribute,server,lookup,holder,block,evidence,quest,first,"
        "last) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?14) ON CONFLICT DO UPDATE SET role=?5,rank=?6,attribute=?7,server=?8,"
        "lookup=CASE WHEN ?9<>'' THEN ?9 ELSE lookup END,holder=?10,block=?11,evidence=?12,quest=?13,last=?14 WHERE last<=?14",
    [DROP_ORIGINS] = "DELETE FROM contact_origin WHERE contact IN (SELECT number FROM contact WHERE " TARGET_IS ") AND quest<>?3 AND last<=?4",
    [DROP_CONTACTS] = "DELETE FROM contact WHERE " TARGET_IS " AND quest<>?3 AND last<=?4",
    [UNCHOOSE] = "UPDATE contact SET choice='' WHERE " TARGET_IS " AND quest<>?3 AND last<=?4 AND choice<>'' AND EXISTS(SELECT 1 FROM contact WHERE"
                 " " TARGET_IS " AND quest=?3 AND choice='primary')",
    [READ_QUEST] = "SELECT channels,debts FROM quest WHERE " TARGET_IS,
    [ADD_TO_QUEST] = "UPDATE quest SET n=n+1,last=max(last,?4),channels=?3,debts=?5 WHERE " TARGET_IS " AND last<=?4",
    [READ_TASK] = "SELECT input FROM task WHERE key=?1",
    [DROP_ASKED_ORIGINS] = "DELETE FROM contact_origin WHERE contact IN (SELECT number FROM contact WHERE " TARGET_IS ") AND quest<>?3 AND last<=?4"
                           " AND instr(','||?5||',',','||channel||',')>0",
    [DROP_UNFOUND] = "DELETE FROM contact WHERE " TARGET_IS " AND quest<>?3 AND last<=?4 AND NOT EXISTS(SELECT 1 FROM contact_origin WHERE"
                     " contact=number)",
    [LEAVE_CHOICE] = "UPDATE contact SET choice='' WHERE " TARGET_IS " AND quest=?3 AND last<=?4 AND choice<>'' AND EXISTS(SELECT 1 FROM contact"
                     " WHERE " TARGET_IS " AND quest<>?3 AND choice='primary')",
    [PUT_REGISTRY] = "INSERT INTO registry(server,state,refusals,personal_most,first,last) VALUES(?1,?2,0,?4,?3,?3) ON CONFLICT DO UPDATE SET"
                     " state=CASE WHEN ?3>=last THEN ?2 ELSE state END,personal_most=max(personal_most,?4),first=min(first,?3),last=max(last,?3)",
    [FIND_REGISTRY] = "SELECT 1 FROM registry WHERE server=?1",
    [PUT_REFUSAL] = "UPDATE registry SET refusals=refusals+1,refused=max(coalesce(refused,0),?2),back_off=max(coalesce(back_off,0),?3)"
                    " WHERE server=?1",
    [PUT_BAN] = "UPDATE registry SET banned=coalesce(banned,?2) WHERE server=?1 AND (lifted IS NULL OR lifted<?2)",
    [PUT_HOUR] = "INSERT INTO registry_hour(server,hour,begin,dials,questions,personal,refusals) VALUES(?1,?2,?3,?4,?5,?6,?7) ON CONFLICT DO UPDATE"
                 " SET dials=dials+?4,questions=questions+?5,personal=personal+?6,refusals=refusals+?7",
    [PUT_RESOLUTION] = "INSERT INTO resolution(address,name,type,data,list,first,last,n) VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT DO UPDATE SET"
                       " n=max(n,?8),last=max(last,?7)",
    [PUT_QUEST_ANSWER] = "INSERT INTO quest_answer(quest,channel,server,holder,bits,bad,last) VALUES(?1,?2,?3,?4,?5,?6,?7) ON CONFLICT DO UPDATE SET"
                         " bad=max(bad,?6),server=CASE WHEN ?5>=bits THEN ?3 ELSE server END,holder=CASE WHEN ?5>=bits THEN ?4 ELSE holder END,"
                         "bits=max(bits,?5),last=max(last,?7)",
    [READ_QUEST_ANSWERS] = "SELECT channel,server,holder,bad FROM quest_answer WHERE quest=?1",
    [DROP_QUEST_ANSWERS] = "DELETE FROM quest_answer WHERE quest=?1",
    [READ_FINDINGS] = "SELECT c.kind,c.value,o.role,o.objection,o.rank,o.attribute,o.evidence,o.server,o.holder,o.block FROM contact AS c JOIN"
                      " contact_origin AS o ON o.contact=c.number WHERE c.address=?1 AND c.domain=?2 AND o.quest=?3 AND o.channel=?4"
                      " AND o.found_for='' ORDER BY o.rank,c.number",
    [PUT_BLOCK] = "INSERT INTO block(address,bits,channel,server,holder,expires,told,findings) VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT DO UPDATE"
                  " SET server=?4,holder=?5,expires=?6,told=?7,findings=?8 WHERE told<=?7",
};

int contacts_prepare(struct contacts *contacts)
{
    int r = 0;
    for (size_t i = 0; i < CONTACT_STATEMENTS && r == 0; i++)
        r = db_prepare(contacts->control, &contacts->statements[i], statement_sql[i]);
    return r;
}

void contacts_finalize(struct contacts *contacts)
{
    for (size_t i = 0; i < CONTACT_STATEMENTS; i++)
        (void)sqlite3_finalize(contacts->statements[i]);
}

/* ---- binding ---- */

/* A text that is not there is an empty one, so that keys compare. */
static void bind_text(sqlite3_stmt *statement, int at, struct span text)
{
    db_bind_span(statement, at, text.len > 0 ? text : span_text(""));
}

static void bind_fact(const struct contacts *contacts, sqlite3_stmt *statement, int at, const struct told_record *told, enum fact_name name)
{
    bind_text(statement, at, told_text(contacts, told, name));
}

static void bind_id(sqlite3_stmt *statement, int at, const struct id *id)
{
    db_bind_bytes(statement, at, span_of(id->bytes, sizeof id->bytes));
}

static bool no_address(const struct told_record *told)
{
    static const struct addr none;
    return addr_equal(told->address, none);
}

/* The domain that is a target itself: its task says which ("contact DOMAIN CAUSE"), or else the record. A digest stands for the end of a very long
 * one. */
static struct span target_domain(const struct contacts *contacts, const struct told_record *told)
{
    static const char begin[] = "contact ";
    struct span task = told_text(contacts, told, FACT_TASK), domain = told_text(contacts, told, FACT_CONTACT_DOMAIN);
    if (!no_address(told))
        return (struct span){0};
    if (span_starts(task, begin)) {
        task = span_part(task, sizeof begin - 1, task.len);
        task = span_part(task, 0, span_find(task, ' '));
        if (task.len > 0 && span_find(task, '~') == task.len && span_find(task, '.') < task.len)
            return task;
    }
    return domain;
}

/* ?1, ?2: an address, or a domain alone. */
static void bind_target(const struct contacts *contacts, sqlite3_stmt *statement, const struct told_record *told)
{
    db_bind_bytes(statement, 1, span_of(told->address.bytes, sizeof told->address.bytes));
    bind_text(statement, 2, target_domain(contacts, told));
}

/* The domain of the target that it was found for; empty: the target itself. */
static struct span found_for(const struct contacts *contacts, const struct told_record *told)
{
    struct span domain = told_text(contacts, told, FACT_CONTACT_DOMAIN);
    if (span_equal(domain, target_domain(contacts, told)))
        return (struct span){0};
    return domain;
}

static bool has_word(struct span list, const char *word)
{
    while (list.len > 0) {
        size_t end = span_find(list, ',');
        struct span one = span_part(list, 0, end);
        while (one.len > 0 && one.at[0] == ' ')
            one = span_part(one, 1, one.len);
        if (span_is(one, word))
            return true;
        list = span_part(list, end + 1, list.len);
    }
    return false;
}

/* ---- registries ---- */

/* The host of a URL; a text that is none is a name already. */
static struct span host_of(struct span text)
{
    for (size_t i = 0; i + 2 < text.len; i++) {
        if (text.at[i] == ':' && text.at[i + 1] == '/' && text.at[i + 2] == '/') {
            text = span_part(text, i + 3, text.len);
            break;
        }
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '/' || text.at[i] == ':' || text.at[i] == '?')
            return span_part(text, 0, i);
    }
    return text;
}

/* Whose budget a question counts for; empty: nobody's. */
static struct span registry_of(const struct contacts *contacts, const struct told_record *told)
{
    struct span protocol = told_text(contacts, told, FACT_NETWORK_PROTOCOL), server = told_text(contacts, told, FACT_LOOKUP_SERVER);
    bool whois = span_is(protocol, "whois") || span_is(protocol, "rwhois");
    bool rdap = span_is(protocol, "rdap") || has_word(told_text(contacts, told, FACT_CHANNEL), "rdap") ||
                span_is(told_text(contacts, told, FACT_PROBE), "rdap");
    if (!whois && !rdap)
        return (struct span){0};
    return span_part(host_of(server), 0, CONTACT_NAME_MAX);
}

static int put_hour(struct contacts *contacts, struct span server, usec_t time, const int64_t counts[static 4])
{
    sqlite3_stmt *put = contacts->statements[PUT_HOUR];
    int64_t hour = contacts_hour(time, contacts->limits.clock_speed);
    bind_text(put, 1, server);
    (void)sqlite3_bind_int64(put, 2, hour);
    (void)sqlite3_bind_int64(put, 3, contacts_hour_begin(hour, contacts->limits.clock_speed));
    for (int i = 0; i < 4; i++)
        (void)sqlite3_bind_int64(put, 4 + i, counts[i]);
    return db_done(put);
}

static int put_registry(struct contacts *contacts, struct span server, struct span state, usec_t time, int64_t personal)
{
    sqlite3_stmt *put = contacts->statements[PUT_REGISTRY];
    bind_text(put, 1, server);
    bind_text(put, 2, state);
    (void)sqlite3_bind_int64(put, 3, time);
    (void)sqlite3_bind_int64(put, 4, personal);
    return db_done(put);
}

static int is_registry(struct contacts *contacts, struct span server)
{
    sqlite3_stmt *find = contacts->statements[FIND_REGISTRY];
    bind_text(find, 1, server);
    int r = db_row(find);
    (void)sqlite3_reset(find);
    return r;
}

/* Counted before it is known what came of it: a reach that is killed in between has asked all the same. A connection does not say whether it is for
 * RDAP: it is when its server has answered such a question before. */
static int flush_dial(struct contacts *contacts, const struct told_record *told)
{
    struct span server = registry_of(contacts, told), outcome = told_text(contacts, told, FACT_EVENT_OUTCOME);
    static const int64_t one_dial[4] = {1, 0, 0, 0};
    if (span_is(outcome, "failure") || told_text(contacts, told, FACT_EVENT_REASON).len > 0)
        return 0;
    if (server.len == 0) {
        server = host_of(told_text(contacts, told, FACT_LOOKUP_SERVER));
        int r = is_registry(contacts, server);
        if (r != 1)
            return r;
    }
    return put_hour(contacts, server, told->time, one_dial);
}

static int put_refusal(struct contacts *contacts, const struct told_record *told, struct span server, bool banned)
{
    sqlite3_stmt *refusal = contacts->statements[PUT_REFUSAL], *ban = contacts->statements[PUT_BAN];
    bind_text(refusal, 1, server);
    (void)sqlite3_bind_int64(refusal, 2, told->time);
    (void)sqlite3_bind_int64(refusal, 3, told_number(contacts, told, FACT_NOT_BEFORE));
    int r = db_done(refusal);
    if (r == 0 && banned) {
        bind_text(ban, 1, server);
        (void)sqlite3_bind_int64(ban, 2, told->time);
        r = db_done(ban);
    }
    return r;
}

static int flush_lookup(struct contacts *contacts, const struct told_record *told)
{
    struct span server = registry_of(contacts, told), state = told_text(contacts, told, FACT_LOOKUP_STATE);
    int r = contacts_block_heard(contacts, told);
    if (r != 0 || server.len == 0 || span_is(state, "denied"))
        return r;
    int64_t personal = told_number(contacts, told, FACT_PERSONAL);
    personal = personal < 0 ? 0 : personal > 100000 ? 100000 : personal;
    bool banned = span_is(state, "banned"), refused = banned || span_is(state, "limited") || span_is(state, "reduced");
    const int64_t counts[4] = {0, 1, personal, refused};
    r = put_registry(contacts, server, state, told->time, personal);
    if (r == 0)
        r = put_hour(contacts, server, told->time, counts);
    return r == 0 && refused ? put_refusal(contacts, told, server, banned) : r;
}

/* ---- contacts ---- */

struct known_contact {
    int64_t number, score;
    usec_t last;
    bool there, same_quest, objected, chosen;
};

static int find_contact(struct contacts *contacts, const struct told_record *told, struct known_contact *ret)
{
    sqlite3_stmt *find = contacts->statements[FIND_CONTACT];
    bind_target(contacts, find, told);
    bind_fact(contacts, find, 3, told, FACT_CONTACT_KIND);
    bind_fact(contacts, find, 4, told, FACT_CONTACT_VALUE);
    int r = db_row(find);
    *ret = (struct known_contact){.there = r == 1};
    if (r == 1) {
        ret->number = sqlite3_column_int64(find, 0);
        ret->same_quest = span_equal(db_span(find, 1), span_of(told->session.bytes, sizeof told->session.bytes));
        ret->objected = db_span(find, 2).len > 0;
        ret->chosen = db_span(find, 3).len > 0;
        ret->score = sqlite3_column_int64(find, 4);
        ret->last = sqlite3_column_int64(find, 5);
    }
    (void)sqlite3_reset(find);
    return r < 0 ? r : 0;
}

/* Several channels of a quest may find the same: what speaks best for it stands. */
static bool speaks_better(const struct contacts *contacts, const struct told_record *told, const struct known_contact *known)
{
    if (!known->same_quest)
        return told->time >= known->last;
    bool objected = told_text(contacts, told, FACT_CONTACT_OBJECTION).len > 0, chosen = told_text(contacts, told, FACT_CONTACT_CHOICE).len > 0;
    if (objected != known->objected)
        return !objected;
    if (chosen != known->chosen)
        return chosen;
    return told_number(contacts, told, FACT_CONTACT_SCORE) > known->score;
}

static struct span mail_domain_of(const struct contacts *contacts, const struct told_record *told)
{
    struct span value = told_text(contacts, told, FACT_CONTACT_VALUE);
    size_t at = value.len;
    while (at > 0 && value.at[at - 1] != '@')
        at--;
    return at > 0 && span_is(told_text(contacts, told, FACT_CONTACT_KIND), "mail") ? span_part(value, at, value.len) : (struct span){0};
}

static int put_contact(struct contacts *contacts, const struct told_record *told, sqlite3_stmt *put)
{
    static const enum fact_name texts[] = {FACT_CONTACT_ROLE, FACT_CONTACT_EXISTS, FACT_CONTACT_MATCH};
    bind_target(contacts, put, told);
    bind_fact(contacts, put, 3, told, FACT_CONTACT_KIND);
    bind_fact(contacts, put, 4, told, FACT_CONTACT_VALUE);
    bind_id(put, 5, &told->id);
    bind_id(put, 6, &told->session);
    bind_fact(contacts, put, 7, told, FACT_CONTACT_OBJECTION);
    bind_fact(contacts, put, 8, told, FACT_CONTACT_CHOICE);
    for (int i = 0; i < 3; i++)
        bind_fact(contacts, put, 9 + i, told, texts[i]);
    (void)sqlite3_bind_int64(put, 12, told_number(contacts, told, FACT_CONTACT_RFC2142) != 0);
    (void)sqlite3_bind_int64(put, 13, told_number(contacts, told, FACT_CONTACT_WORD) != 0);
    bind_fact(contacts, put, 14, told, FACT_CONTACT_VALID);
    bind_fact(contacts, put, 15, told, FACT_CONTACT_FLAGS);
    (void)sqlite3_bind_int64(put, 16, told_number(contacts, told, FACT_CONTACT_SCORE));
    bind_fact(contacts, put, 17, told, FACT_EVENT_REASON);
    bind_text(put, 18, mail_domain_of(contacts, told));
    (void)sqlite3_bind_int64(put, 19, told->time);
    return db_done(put);
}

static int put_origin(struct contacts *contacts, const struct told_record *told, int64_t contact)
{
    sqlite3_stmt *put = contacts->statements[PUT_ORIGIN];
    (void)sqlite3_bind_int64(put, 1, contact);
    bind_fact(contacts, put, 2, told, FACT_CHANNEL);
    bind_text(put, 3, found_for(contacts, told));
    bind_fact(contacts, put, 4, told, FACT_CONTACT_OBJECTION);
    bind_fact(contacts, put, 5, told, FACT_CONTACT_ROLE);
    (void)sqlite3_bind_int64(put, 6, told_number(contacts, told, FACT_CONTACT_RANK));
    bind_fact(contacts, put, 7, told, FACT_CONTACT_ATTRIBUTE);
    bind_fact(contacts, put, 8, told, FACT_LOOKUP_SERVER);
    bind_fact(contacts, put, 9, told, FACT_LOOKUP);
    bind_fact(contacts, put, 10, told, FACT_HOLDER);
    bind_fact(contacts, put, 11, told, FACT_BLOCK);
    bind_fact(contacts, put, 12, told, FACT_EVIDENCE);
    bind_id(put, 13, &told->session);
    (void)sqlite3_bind_int64(put, 14, told->time);
    return db_done(put);
}

static int flush_contact(struct contacts *contacts, const struct told_record *told)
{
    struct known_contact known;
    if (told_text(contacts, told, FACT_CONTACT_VALUE).len == 0)
        return 0;
    int r = find_contact(contacts, told, &known);
    if (r != 0)
        return r;
    if (!known.there) {
        r = put_contact(contacts, told, contacts->statements[ADD_CONTACT]);
        known.number = sqlite3_last_insert_rowid(contacts->control);
    } else if (speaks_better(contacts, told, &known)) {
        r = put_contact(contacts, told, contacts->statements[SET_CONTACT]);
    } else {
        sqlite3_stmt *touch = contacts->statements[TOUCH_CONTACT];
        (void)sqlite3_bind_int64(touch, 1, known.number);
        (void)sqlite3_bind_int64(touch, 2, told->time);
        r = db_done(touch);
    }
    return r == 0 ? put_origin(contacts, told, known.number) : r;
}

/* ---- quests ---- */

static int end_task(struct contacts *contacts, const struct told_record *told)
{
    struct span task = told_text(contacts, told, FACT_TASK), reason = told_text(contacts, told, FACT_EVENT_REASON);
    if (task.len == 0)
        return 0;
    if (!span_is(told_text(contacts, told, FACT_EVENT_OUTCOME), "failure")) {
        int r = task_finish(contacts->control, task, reason, told->time);
        return r < 0 ? r : 0;
    }
    usec_t due = told_number(contacts, told, FACT_NOT_BEFORE);
    bool put_off = due > told->time;
    int r = task_put_off(contacts->control, task, reason, told->time, put_off ? due : 0, put_off ? ATTEMPTS_PUT_OFF : ATTEMPTS_FAILED,
                         USEC_PER_HOUR / contacts->limits.clock_speed);
    return r < 0 ? r : 0;
}

/* Was it told which channels to ask, by the verb whois or `contact --channels`? */
static int asked_in_part(struct contacts *contacts, const struct told_record *told, bool *ret)
{
    sqlite3_stmt *find = contacts->statements[READ_TASK];
    struct contact_order order;
    struct arena arena;
    *ret = false;
    bind_fact(contacts, find, 1, told, FACT_TASK);
    int r = db_row(find);
    if (r == 1) {
        arena_init(&arena, CONTACT_ORDER_SIZE_MAX);
        *ret = contact_order_decode(&arena, db_span(find, 0), &order) == 0 && order.channel_count > 0;
        arena_done(&arena);
    }
    (void)sqlite3_reset(find);
    return r < 0 ? r : 0;
}

static bool lists(struct span list, struct span word)
{
    while (list.len > 0) {
        size_t end = span_find(list, ',');
        if (span_equal(span_trim(span_part(list, 0, end)), word))
            return true;
        list = span_part(list, end + 1, list.len);
    }
    return false;
}

/* The parts of `old`, each with its channel in front, whose channel is not in `channels`; then `more`. */
static void put_others(struct buf *out, struct span old, uint8_t mark, uint8_t after_channel, struct span channels, struct span more)
{
    while (old.len > 0) {
        size_t end = span_find(old, mark);
        struct span one = span_part(old, 0, end);
        if (one.len > 0 && !lists(channels, span_trim(span_part(one, 0, span_find(one, after_channel))))) {
            if (out->len > 0)
                buf_byte(out, mark);
            buf_span(out, one);
        }
        old = span_part(old, end + 1, old.len);
    }
    if (out->len > 0 && more.len > 0)
        buf_byte(out, mark);
    buf_span(out, more);
}

/* A search in part adds to what is known of the target's: 1; 0 when nothing is known yet. */
static int add_to_quest(struct contacts *contacts, const struct told_record *told)
{
    sqlite3_stmt *find = contacts->statements[READ_QUEST], *add = contacts->statements[ADD_TO_QUEST];
    struct span asked = told_text(contacts, told, FACT_CHANNEL);
    struct buf channels, debts;
    buf_init(&channels, 65536);
    buf_init(&debts, 65536);
    bind_target(contacts, find, told);
    int r = db_row(find);
    if (r == 1) {
        put_others(&channels, db_span(find, 0), ',', ',', asked, asked);
        put_others(&debts, db_span(find, 1), '\n', ':', asked, told_text(contacts, told, FACT_DEBTS));
    }
    (void)sqlite3_reset(find);
    if (r == 1 && channels.error == 0 && debts.error == 0) {
        bind_target(contacts, add, told);
        bind_text(add, 3, buf_as_span(&channels));
        (void)sqlite3_bind_int64(add, 4, told->time);
        bind_text(add, 5, buf_as_span(&debts));
        int e = db_done(add);
        r = e != 0 ? e : 1;
    }
    buf_done(&channels);
    buf_done(&debts);
    return r;
}

static int put_quest(struct contacts *contacts, const struct told_record *told)
{
    static const enum fact_name texts[] = {FACT_EVENT_OUTCOME, FACT_EVENT_REASON, FACT_TASK, FACT_CHANNEL};
    static const enum fact_name more[] = {FACT_DEBTS, FACT_DOMAINS, FACT_HOLDER, FACT_BLOCK, FACT_HOST_NAME};
    sqlite3_stmt *put = contacts->statements[PUT_QUEST];
    usec_t not_before = told_number(contacts, told, FACT_NOT_BEFORE);
    bind_target(contacts, put, told);
    bind_id(put, 3, &told->session);
    (void)sqlite3_bind_int64(put, 4, told->time);
    for (int i = 0; i < 4; i++)
        bind_fact(contacts, put, 5 + i, told, texts[i]);
    (void)sqlite3_bind_int64(put, 9, told_number(contacts, told, FACT_COUNT));
    for (int i = 0; i < 5; i++)
        bind_fact(contacts, put, 10 + i, told, more[i]);
    if (not_before > 0)
        (void)sqlite3_bind_int64(put, 15, not_before);
    else
        (void)sqlite3_bind_null(put, 15);
    return db_done(put);
}

/* What this quest did not find any more is history; one that could not ask everybody leaves what is known, one that asked a few channels what others
 * found, and the choice among all. */
static int drop_older(struct contacts *contacts, const struct told_record *told, bool part)
{
    static const enum contact_statement whole[] = {DROP_ORIGINS, DROP_CONTACTS}, in_part[] = {LEAVE_CHOICE, DROP_ASKED_ORIGINS, DROP_UNFOUND},
                                        failed[] = {UNCHOOSE};
    int r = 0;
    bool failure = span_is(told_text(contacts, told, FACT_EVENT_OUTCOME), "failure");
    const enum contact_statement *list = part ? in_part : failure ? failed : whole;
    size_t count = part ? (failure ? 1 : 3) : failure ? 1 : 2;
    for (size_t i = 0; i < count && r == 0; i++) {
        sqlite3_stmt *drop = contacts->statements[list[i]];
        bind_target(contacts, drop, told);
        bind_id(drop, 3, &told->session);
        (void)sqlite3_bind_int64(drop, 4, told->time);
        if (list[i] == DROP_ASKED_ORIGINS)
            bind_fact(contacts, drop, 5, told, FACT_CHANNEL);
        r = db_done(drop);
    }
    return r;
}

static int flush_quest(struct contacts *contacts, const struct told_record *told)
{
    struct span name = told_text(contacts, told, FACT_HOST_NAME);
    bool part = false;
    int r = asked_in_part(contacts, told, &part);
    if (r == 0 && part)
        r = add_to_quest(contacts, told);
    r = r == 0 ? put_quest(contacts, told) : r < 0 ? r : 0;
    if (r == 0 && name.len > 0) {
        sqlite3_stmt *put = contacts->statements[NAME_TARGET];
        db_bind_bytes(put, 1, span_of(told->address.bytes, sizeof told->address.bytes));
        bind_text(put, 2, name);
        r = db_done(put);
    }
    if (r == 0)
        r = contacts_blocks_keep(contacts, told);
    if (r == 0)
        r = drop_older(contacts, told, part);
    return r == 0 ? end_task(contacts, told) : r;
}

/* ---- resolutions ---- */

static int type_of(struct span text)
{
    static const struct {
        const char *name;
        int number;
    } types[] = {{"A", DNS_A},     {"AAAA", DNS_AAAA}, {"NS", DNS_NS}, {"CNAME", 5},
                 {"SOA", DNS_SOA}, {"PTR", DNS_PTR},   {"MX", DNS_MX}, {"TXT", DNS_TXT}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t len = strlen(types[i].name);
        if (text.len == len && strncasecmp((const char *)text.at, types[i].name, len) == 0)
            return types[i].number;
    }
    return 0;
}

/* A name in lower case without its last dot; of an MX record the host alone. */
static void plain_name(struct buf *out, struct span text, bool mx)
{
    size_t blank = span_find(text, ' ');
    if (mx && blank < text.len)
        text = span_part(text, blank + 1, text.len);
    if (text.len > 1 && text.at[text.len - 1] == '.')
        text.len--;
    for (size_t i = 0; i < text.len; i++)
        buf_byte(out, text.at[i] >= 'A' && text.at[i] <= 'Z' ? (uint8_t)(text.at[i] - 'A' + 'a') : text.at[i]);
}

static int flush_resolution(struct contacts *contacts, const struct told_record *told)
{
    sqlite3_stmt *put = contacts->statements[PUT_RESOLUTION];
    struct buf name, data;
    int type = type_of(told_text(contacts, told, FACT_DNS_TYPE));
    usec_t first = told_number(contacts, told, FACT_FIRST_SEEN), last = told_number(contacts, told, FACT_LAST_SEEN);
    int64_t count = told_number(contacts, told, FACT_COUNT);
    if (type == 0)
        return 0;
    buf_init(&name, 1024);
    buf_init(&data, 1024);
    plain_name(&name, told_text(contacts, told, FACT_HOST_NAME), false);
    plain_name(&data, told_text(contacts, told, FACT_EVIDENCE), type == DNS_MX);
    first = first > 0 ? first : told->time;
    last = last > 0 ? last : first;
    db_bind_bytes(put, 1, span_of(told->address.bytes, sizeof told->address.bytes));
    bind_text(put, 2, buf_as_span(&name));
    (void)sqlite3_bind_int(put, 3, type);
    /* An address is in the first column already. */
    bind_text(put, 4, no_address(told) ? buf_as_span(&data) : (struct span){0});
    bind_text(put, 5, told_text(contacts, told, FACT_LIST_SOURCE));
    (void)sqlite3_bind_int64(put, 6, first);
    (void)sqlite3_bind_int64(put, 7, last);
    (void)sqlite3_bind_int64(put, 8, count > 0 ? count : 1);
    int r = name.error != 0 ? name.error : data.error != 0 ? data.error : db_done(put);
    buf_done(&name);
    buf_done(&data);
    return r;
}

int contacts_flush(struct contacts *contacts)
{
    int r = 0;
    for (size_t i = 0; i < contacts->record_count && r == 0; i++) {
        const struct told_record *told = &contacts->records[i];
        switch ((int)told->kind) {
        case KIND_DIAL:
            r = flush_dial(contacts, told);
            break;
        case KIND_LOOKUP:
            r = flush_lookup(contacts, told);
            break;
        case KIND_CONTACT:
            r = flush_contact(contacts, told);
            break;
        case KIND_QUEST:
            r = flush_quest(contacts, told);
            break;
        default:
            r = flush_resolution(contacts, told);
            break;
        }
    }
    return r;
}
