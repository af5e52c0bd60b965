/* What look-ups tell becomes rows: contacts with all who said so, quests that end or put off their tasks, budgets of registries, cached answers. */
#include "contact_records.h"

#include "base/cursor.h"
#include "contact/order.h"
#include "store/contacts.h"
#include "store/entry.h"
#include "store/lease.h"
#include "store/task.h"

#include <signal.h>

#define T(n) (DAY_ZERO + (usec_t)(n)*USEC_PER_HOUR)
static void settle(struct store *store)
{
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_flush(store), 0);
}

static void fill(struct store *store)
{
    const struct look whois = {
        .protocol = "whois", .channel = "ip_whois", .server = "whois.ripe.example", .state = "good", .block = "192.0.2.0/26", .personal = 2};
    put_lookup(store, T(1), 7, 1, &whois);
    put_found(store, T(1), 7, 1,
              &(struct told){.channel = "ip_whois",
                             .value = "abuse@example.net",
                             .choice = "primary",
                             .score = 900,
                             .block = "192.0.2.0/26",
                             .rfc2142 = 1,
                             .word = 1});
    put_found(store, T(1), 7, 1,
              &(struct told){.channel = "ip_whois", .value = "changed@example.net", .role = "unknown", .objection = "updater", .valid = "no"});
    put_found(store, T(1), 7, 1, &(struct told){.channel = "domain_web", .value = "abuse@example.net", .domain = "www.example.net", .score = 400});
    put_found(store, T(1), 7, 1,
              &(struct told){.channel = "domain_web", .kind = "account", .value = "https://x.com/example", .valid = "unknown", .exists = "unknown"});
    put_ended(store, T(1), 7, 1, &(struct ended){.outcome = "success", .task = "contact 192.0.2.7 2024-05-10", .block = "192.0.2.0/26"});
    /* A domain alone. */
    put_found(store, T(2), 0, 2, &(struct told){.channel = "domain_web", .value = "info@example.org", .domain = "example.org", .choice = "primary"});
    put_ended(store, T(2), 0, 2, &(struct ended){.outcome = "success", .domain = "example.org"});
}

static void check(const struct place *place)
{
    const struct {
        const char *sql;
        int64_t expected;
    } all[] = {
        {"SELECT count(*) FROM quest", 2},
        {"SELECT count(*) FROM contact", 4},
        {"SELECT choice='primary' AND score=900 AND mail_domain='example.net' AND rfc2142=1 FROM contact WHERE value='abuse@example.net'", 1},
        {"SELECT count(*) FROM contact_origin WHERE contact=(SELECT number FROM contact WHERE value='abuse@example.net')", 2},
        {"SELECT found_for='www.example.net' FROM contact_origin WHERE channel='domain_web' AND found_for<>''", 1},
        {"SELECT objection='updater' AND choice='' FROM contact WHERE value='changed@example.net'", 1},
        {"SELECT domain='example.org' AND address=zeroblob(16) FROM contact WHERE value='info@example.org'", 1},
        {"SELECT outcome='success' AND debts='' AND length(address)=16 FROM quest WHERE domain=''", 1},
        {"SELECT questions=1 AND personal=2 AND dials=0 FROM registry_hour WHERE server='whois.ripe.example'", 1},
        {"SELECT state='good' AND personal_most=2 AND refusals=0 AND banned IS NULL FROM registry", 1},
        {"SELECT bits=122 AND channel='ip_whois' AND expires-told=30*86400000000 FROM block", 1},
        {"SELECT count(*) FROM quest_answer", 0},
        /* It is no traffic. */
        {"SELECT (SELECT count(*) FROM rollup_source)+(SELECT count(*) FROM rollup_port)+(SELECT count(*) FROM rollup_service)", 0},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        int64_t got = control_number(place, all[i].sql);
        if (got != all[i].expected)
            fail_msg("%s: %lld", all[i].sql, (long long)got);
    }
}

static void rows_say_what_look_ups_found(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    fill(store);
    settle(store);
    check(&place);
    store_close(store);
    place_done(&place);
}

static void rows_are_told_again_after_a_crash(void **state)
{
    (void)state;
    told_again_after_a_crash(fill, check);
}

static void a_later_search_replaces_and_a_failed_one_adds(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    fill(store);
    /* It failed: what it found joins, what it chose counts, what was known stays. */
    put_found(store, T(30), 7, 3, &(struct told){.channel = "rdap", .value = "new@example.net", .choice = "primary", .score = 950});
    put_ended(store, T(30), 7, 3, &(struct ended){.outcome = "failure"});
    settle(store);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM contact WHERE domain=''"), 4);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM contact WHERE choice='primary' AND domain=''"), 1);
    assert_int_equal(control_number(&place, "SELECT choice='primary' FROM contact WHERE value='new@example.net'"), 1);
    /* It asked everybody: what nobody says any more is history. */
    put_found(store, T(40), 7, 4, &(struct told){.channel = "ip_whois", .value = "abuse@example.net", .choice = "primary", .score = 800});
    put_ended(store, T(40), 7, 4, &(struct ended){.outcome = "success"});
    settle(store);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM contact WHERE domain=''"), 1);
    assert_int_equal(control_number(&place, "SELECT score=800 AND last-first=39*3600000000 FROM contact WHERE domain=''"), 1);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM contact_origin WHERE channel='domain_web' AND found_for='www.example.net'"), 0);
    assert_int_equal(control_number(&place, "SELECT n=3 FROM quest WHERE domain=''"), 1);
    store_close(store);
    place_done(&place);
}

static void put_order(struct place *place, const char *key, struct span input, usec_t now);

/* It was told whom to ask (verb whois, `contact --channels`): what it did not ask for is no news. */
static void a_search_in_part_leaves_what_others_found(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    store_close(store_at(&place));
    struct contact_order order = {.when = T(0), .channels = {span_text("ip_whois")}, .channel_count = 1};
    struct buf input;
    buf_init(&input, 0);
    contact_order_encode(&input, &order);
    put_order(&place, "whois x", buf_as_span(&input), T(0));
    buf_done(&input);
    struct store *store = store_at(&place);
    fill(store);
    put_found(store, T(30), 7, 3, &(struct told){.channel = "ip_whois", .value = "other@example.net", .choice = "primary", .score = 990});
    put_ended(store, T(30), 7, 3, &(struct ended){.outcome = "success", .task = "whois x", .channels = "ip_whois"});
    settle(store);
    /* Nobody says "changed@" any more; "abuse@" still stands on the page, and is still the choice among all. */
    assert_int_equal(control_number(&place, "SELECT count(*) FROM contact WHERE domain=''"), 3);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM contact WHERE value='changed@example.net'"), 0);
    assert_int_equal(control_number(&place, "SELECT choice='primary' FROM contact WHERE value='abuse@example.net'"), 1);
    assert_int_equal(control_number(&place, "SELECT choice='' FROM contact WHERE value='other@example.net'"), 1);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM contact_origin WHERE channel='ip_whois'"), 1);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM contact_origin WHERE channel='domain_web' AND found_for='www.example.net'"), 1);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM task WHERE state='done'"), 1);
    assert_int_equal(control_number(&place, "SELECT n=2 AND channels='domain_web,ip_whois' AND debts='' FROM quest WHERE domain=''"), 1);
    /* What it owes joins; what others owe stays. */
    put_ended(store, T(40), 7, 4, &(struct ended){.outcome = "failure", .channels = "ip_whois,domain_web"});
    put_ended(store, T(41), 7, 5, &(struct ended){.outcome = "success", .task = "whois x", .channels = "domain_web"});
    settle(store);
    assert_int_equal(control_number(&place, "SELECT channels='ip_whois,domain_web' AND outcome='failure' FROM quest WHERE domain=''"), 1);
    assert_int_equal(control_number(&place, "SELECT instr(debts,'ip_whois: whois.ripe.example')=1 FROM quest WHERE domain=''"), 1);
    put_ended(store, T(42), 7, 6, &(struct ended){.outcome = "success", .task = "whois x", .channels = "ip_whois"});
    settle(store);
    assert_int_equal(control_number(&place, "SELECT debts='' FROM quest WHERE domain=''"), 1);
    store_close(store);
    place_done(&place);
}

/* ---- tasks ---- */

static void put_order(struct place *place, const char *key, struct span input, usec_t now)
{
    struct control *control = place_control(place);
    const struct task task = {.key = span_text(key), .kind = span_text("contact"), .due = now, .attempts_max = 64, .input = input};
    struct task_lease lease;
    buf_init(&lease.key, 0);
    buf_init(&lease.input, 0);
    assert_int_equal(task_put(control_database(control), &task, now), 0);
    assert_int_equal(task_take(control_database(control), span_text("contact"), span_text("reach"), now, now + USEC_PER_HOUR, &lease), 1);
    buf_done(&lease.key);
    buf_done(&lease.input);
    control_close(control);
}

static void put_task(struct place *place, const char *key, usec_t now)
{
    put_order(place, key, (struct span){0}, now);
}

static void quests_end_their_tasks_or_put_them_off(void **state)
{
    (void)state;
    static const char *const keys[] = {"contact a", "contact b", "contact c"};
    struct place place = place_make(NULL);
    store_close(store_at(&place));
    for (size_t i = 0; i < 3; i++)
        put_task(&place, keys[i], T(0));
    struct store *store = store_at(&place);
    put_ended(store, T(1), 1, 11, &(struct ended){.outcome = "success", .task = keys[0]});
    put_ended(store, T(1), 2, 12, &(struct ended){.outcome = "failure", .task = keys[1], .not_before = T(9)});
    put_ended(store, T(1), 3, 13, &(struct ended){.outcome = "failure", .task = keys[2]});
    settle(store);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM task WHERE state='done' AND key='contact a'"), 1);
    assert_int_equal(control_number(&place, "SELECT due FROM task WHERE state='waiting' AND key='contact b'"), T(9));
    assert_int_equal(control_number(&place, "SELECT due FROM task WHERE state='waiting' AND key='contact c'"), T(2));
    /* What a budget puts off may be tried often, what fails only a few times. */
    assert_int_equal(control_number(&place, "SELECT due FROM task WHERE error='limited' AND key='contact b'"), T(9));
    store_close(store);
    struct control *control = place_control(&place);
    assert_int_equal(db_run(control_database(control), "UPDATE task SET state='leased',attempts=5 WHERE state='waiting'"), 0);
    control_close(control);
    store = store_at(&place);
    put_ended(store, T(10), 2, 14, &(struct ended){.outcome = "failure", .task = keys[1], .not_before = T(19)});
    put_ended(store, T(10), 3, 15, &(struct ended){.outcome = "failure", .task = keys[2]});
    settle(store);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM task WHERE state='waiting' AND key='contact b'"), 1);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM task WHERE state='failed' AND key='contact c'"), 1);
    store_close(store);
    place_done(&place);
}

/* ---- what goes to reach ---- */

struct registry {
    char name[64];
    bool banned;
    usec_t from, until;
    uint32_t hours, questions, personal;
};

struct setup {
    struct place place;
    struct store *store;
    struct lease *lease;
    struct channel *store_end, *reach_end;
    struct registry registries[16];
    size_t registry_count, ends, leases;
    struct buf input;
    char kind[16];
};

static void read_registries(struct setup *s, struct cursor *c)
{
    uint32_t count = cursor_be32(c);
    s->ends += count == 0;
    for (uint32_t i = 0; i < count; i++) {
        struct registry *r = &s->registries[s->registry_count++];
        *r = (struct registry){.hours = 0};
        struct span name = cursor_take(c, cursor_u8(c));
        memcpy(r->name, name.at, name.len);
        r->banned = cursor_u8(c) == 1;
        r->from = (usec_t)cursor_be64(c);
        r->until = (usec_t)cursor_be64(c);
        r->hours = cursor_u8(c);
        for (uint32_t h = 0; h < r->hours; h++) {
            (void)cursor_be64(c);
            r->questions += cursor_be32(c);
            r->personal += cursor_be32(c);
        }
    }
}

static void on_message(struct channel *channel, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    (void)channel;
    (void)fds;
    (void)fd_count;
    struct setup *s = user;
    struct cursor c = cursor_of(body);
    if (message == MESSAGE_REGISTRIES) {
        read_registries(s, &c);
    } else if (message == MESSAGE_LEASE) {
        (void)cursor_be64(&c);
        (void)cursor_be32(&c);
        struct span kind = cursor_take(&c, cursor_be16(&c));
        memcpy(s->kind, kind.at, kind.len);
        s->kind[kind.len] = '\0';
        (void)cursor_take(&c, cursor_be16(&c));
        buf_clear(&s->input);
        buf_span(&s->input, cursor_take(&c, cursor_be32(&c)));
        assert_int_equal(cursor_be16(&c), 0);
        s->leases++;
    } else {
        assert_int_equal(message, MESSAGE_SPENT);
        (void)cursor_rest(&c);
    }
    assert_int_equal(c.error, 0);
    assert_int_equal(cursor_left(&c), 0);
}

static void on_closed(struct channel *channel, void *user, int error)
{
    (void)channel;
    (void)user;
    (void)error;
}

static void set_up(struct setup *s)
{
    *s = (struct setup){.place = place_make(NULL)};
    s->store = store_at(&s->place);
    buf_init(&s->input, 0);
    assert_int_equal(lease_new(&s->lease, s->store, 7 * USEC_PER_DAY), 0);
}

static void join(struct setup *s, usec_t now)
{
    static const struct channel_events events = {.message = on_message, .closed = on_closed};
    int ends[2];
    s->registry_count = s->ends = 0;
    assert_int_equal(channel_pair(ends), 0);
    assert_int_equal(channel_new(&s->store_end, NULL, ends[0], PARTY_STORE, PARTY_REACH, &events, s), 0);
    assert_int_equal(channel_new(&s->reach_end, NULL, ends[1], PARTY_REACH, PARTY_STORE, &events, s), 0);
    assert_int_equal(lease_join(s->lease, s->store_end, now), 0);
}

static void hear(struct setup *s)
{
    while (channel_receive(s->reach_end, 0) == 0)
        ;
}

static void leave(struct setup *s)
{
    channel_free(s->store_end);
    channel_free(s->reach_end);
    s->store_end = s->reach_end = NULL;
}

static void set_down(struct setup *s)
{
    leave(s);
    lease_free(s->lease);
    store_close(s->store);
    buf_done(&s->input);
    place_done(&s->place);
}

static void enter(struct setup *s, const struct entry *entry, usec_t now)
{
    struct buf body;
    buf_init(&body, 0);
    entry_encode(&body, entry);
    assert_int_equal(lease_entries(s->lease, buf_as_span(&body)), 0);
    assert_int_equal(lease_put(s->lease, now), 0);
    buf_done(&body);
}

static void put_dial(struct store *store, usec_t time, const char *server, const char *protocol, const char *reason)
{
    struct told_facts f = {.count = 0};
    tell_text(&f, FACT_EVENT_OUTCOME, reason == NULL ? "success" : "failure");
    tell_text(&f, FACT_EVENT_REASON, reason);
    tell_text(&f, FACT_NETWORK_PROTOCOL, protocol);
    tell_text(&f, FACT_LOOKUP_SERVER, server);
    put_told(store, KIND_DIAL, time, 99, 1, &f);
}

static const struct registry *registry(const struct setup *s, const char *name)
{
    for (size_t i = 0; i < s->registry_count; i++) {
        if (strcmp(s->registries[i].name, name) == 0)
            return &s->registries[i];
    }
    return NULL;
}

static void budgets_outlive_reach(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    usec_t now = usec_now();
    struct look look = {.protocol = "whois", .channel = "ip_whois", .server = "whois.a.example", .state = "good", .personal = 3};
    /* Three questions, one of which never came to an end: it may have brought as much as any. */
    for (int i = 0; i < 3; i++)
        put_dial(s.store, now - 600 * USEC_PER_SEC, "whois.a.example", "whois", NULL);
    put_dial(s.store, now - 600 * USEC_PER_SEC, "whois.a.example", "whois", "opted out");
    put_lookup(s.store, now - 600 * USEC_PER_SEC, 1, 1, &look);
    look.personal = 1;
    put_lookup(s.store, now - 600 * USEC_PER_SEC, 1, 1, &look);
    /* Long ago. */
    look = (struct look){.protocol = "whois", .server = "whois.b.example", .state = "good", .personal = 7};
    put_lookup(s.store, now - 60 * USEC_PER_HOUR, 1, 1, &look);
    look = (struct look){.protocol = "whois", .server = "whois.c.example", .state = "limited", .not_before = now + USEC_PER_HOUR};
    put_lookup(s.store, now - 600 * USEC_PER_SEC, 1, 1, &look);
    look = (struct look){.protocol = "whois", .server = "whois.d.example", .state = "banned"};
    put_lookup(s.store, now - 60 * USEC_PER_HOUR, 1, 1, &look);
    look = (struct look){.protocol = "https", .channel = "rdap", .server = "https://rdap.e.example/ip/192.0.2.1", .state = "good"};
    put_lookup(s.store, now - 600 * USEC_PER_SEC, 1, 1, &look);
    look = (struct look){.protocol = "https", .channel = "ip_web", .server = "https://www.f.example/", .state = "good"};
    put_lookup(s.store, now - 600 * USEC_PER_SEC, 1, 1, &look);
    settle(s.store);
    join(&s, now);
    hear(&s);
    assert_int_equal(s.ends, 1);
    assert_int_equal(s.registry_count, 4);
    assert_int_equal(registry(&s, "whois.a.example")->questions, 3);
    assert_int_equal(registry(&s, "whois.a.example")->personal, 3 + 1 + 20);
    assert_null(registry(&s, "whois.b.example"));
    assert_int_equal(registry(&s, "whois.c.example")->until, now + USEC_PER_HOUR);
    assert_true(registry(&s, "whois.c.example")->from < now);
    assert_true(registry(&s, "whois.d.example")->banned);
    assert_int_equal(registry(&s, "rdap.e.example")->questions, 1);
    assert_null(registry(&s, "www.f.example"));
    /* Connections of look-ups are no probes. */
    assert_int_equal(control_number(&s.place, "SELECT (SELECT count(*) FROM host_dial)+(SELECT count(*) FROM rollup_probe)"), 0);
    /* A ban is lifted by hand, and reach is told. */
    s.registry_count = 0;
    enter(&s, &(struct entry){.what = ENTRY_UNBAN, .value = span_text("whois.d.example")}, now);
    hear(&s);
    assert_int_equal(s.ends, 2);
    assert_null(registry(&s, "whois.d.example"));
    assert_int_equal(control_number(&s.place, "SELECT banned IS NULL AND lifted>0 FROM registry WHERE server='whois.d.example'"), 1);
    set_down(&s);
}

static void put_resolution(struct store *store, usec_t time, unsigned host, const char *name, const char *type, const char *data, int64_t count)
{
    struct told_facts f = {.count = 0};
    tell_text(&f, FACT_HOST_NAME, name);
    tell_text(&f, FACT_DNS_TYPE, type);
    tell_text(&f, FACT_EVIDENCE, data);
    tell_number(&f, FACT_COUNT, count);
    tell_number(&f, FACT_FIRST_SEEN, time - USEC_PER_DAY);
    tell_number(&f, FACT_LAST_SEEN, time);
    put_told(store, KIND_RESOLUTION, time, host, 1, &f);
}

static void ask(struct setup *s, const char *key, unsigned host, uint8_t flags, usec_t when)
{
    struct contact_order order = {.addr = addr_v4(0xc0000200U + host), .when = when, .flags = flags, .cause = span_text("operator")};
    struct buf body, input;
    buf_init(&body, 0);
    buf_init(&input, 0);
    contact_order_encode(&input, &order);
    buf_be(&body, strlen(key), 2);
    buf_text(&body, key);
    buf_be(&body, 7, 2);
    buf_text(&body, "contact");
    buf_be(&body, (uint64_t)when, 8);
    buf_be(&body, input.len, 4);
    buf_span(&body, buf_as_span(&input));
    assert_int_equal(lease_tasks(s->lease, buf_as_span(&body)), 0);
    assert_int_equal(lease_put(s->lease, when), 0);
    buf_done(&input);
    buf_done(&body);
}

static struct contact_order leased(struct setup *s, struct arena *arena)
{
    struct contact_order order;
    s->leases = 0;
    const uint8_t one_quest[8] = {0, 0, 0, 0, 0, 0, 0, 1};
    assert_int_equal(lease_want(s->lease, span_of(one_quest, 8)), 0);
    assert_int_equal(lease_serve(s->lease, usec_now()), 0);
    hear(s);
    assert_int_equal(s->leases, 1);
    assert_string_equal(s->kind, "contact");
    assert_int_equal(contact_order_decode(arena, buf_as_span(&s->input), &order), 0);
    return order;
}

static void a_lease_says_all_that_is_known_of_its_target(void **state)
{
    (void)state;
    struct setup s;
    struct arena arena;
    set_up(&s);
    usec_t now = usec_now();
    /* An earlier search of a neighbour, whose block holds for 192.0.2.9, too. */
    const struct look whois = {.protocol = "whois", .channel = "ip_whois", .server = "whois.a.example", .state = "good", .block = "192.0.2.0/26"};
    put_lookup(s.store, now - USEC_PER_HOUR, 7, 21, &whois);
    put_found(s.store, now - USEC_PER_HOUR, 7, 21,
              &(struct told){.channel = "ip_whois", .value = "abuse@example.net", .block = "192.0.2.0/26", .rank = 1});
    put_ended(s.store, now - USEC_PER_HOUR, 7, 21, &(struct ended){.outcome = "success", .block = "192.0.2.0/26"});
    /* One whose walk broke off says nothing of its block. */
    const struct look bad = {.protocol = "whois", .channel = "ip_whois", .server = "whois.a.example", .state = "limited", .block = "192.0.2.0/28"};
    put_lookup(s.store, now - USEC_PER_HOUR, 8, 22, &bad);
    put_ended(s.store, now - USEC_PER_HOUR, 8, 22, &(struct ended){.outcome = "success", .block = "192.0.2.8/29", .not_before = now});
    put_resolution(s.store, now - 2 * USEC_PER_DAY, 9, "Mail.Example.NET.", "A", "192.0.2.9", 40);
    put_resolution(s.store, now - 60 * USEC_PER_DAY, 9, "old.example.net", "A", NULL, 40);
    put_resolution(s.store, now - 2 * USEC_PER_DAY, 0, "customer.example", "MX", "10 mail.example.net.", 5);
    put_resolution(s.store, now - 2 * USEC_PER_DAY, 0, "other.example", "MX", "10 mail.other.example.", 5);
    settle(s.store);
    join(&s, now);
    enter(&s,
          &(struct entry){.what = ENTRY_ADD,
                          .role = CONTACT_ROLE_SECURITY,
                          .value = span_text("csirt@example.net"),
                          .scope = span_text("192.0.2.0/24"),
                          .note = span_text("they asked for it"),
                          .who = span_text("ops")},
          now);
    enter(&s,
          &(struct entry){.what = ENTRY_ADD, .value = span_text("x@example.net"), .scope = span_text("Example.net"), .expires = now + USEC_PER_DAY},
          now);
    enter(&s, &(struct entry){.what = ENTRY_ADD, .value = span_text("gone@example.net"), .scope = span_text("192.0.2.9"), .expires = now - 1}, now);
    enter(&s, &(struct entry){.what = ENTRY_ADD, .value = span_text("as@example.net"), .scope = span_text("as64500")}, now);
    enter(&s, &(struct entry){.what = ENTRY_ADD, .value = span_text("else@example.net"), .scope = span_text("198.51.100.0/24")}, now);
    enter(&s, &(struct entry){.what = ENTRY_CHECK_ACCOUNT, .value = span_text("https://x.com/example"), .check = {KNOWN_YES, KNOWN_NO, KNOWN_NOT}},
          now);
    ask(&s, "contact 192.0.2.9 x", 9, 0, now);
    arena_init(&arena, 8 * 1024 * 1024);
    struct contact_order order = leased(&s, &arena);
    assert_int_equal(order.block_count, 1);
    assert_int_equal(order.blocks[0].block.bits, 96 + 26);
    assert_true(span_is(order.blocks[0].channel, "ip_whois"));
    assert_int_equal(order.blocks[0].finding_count, 1);
    assert_true(span_is(order.blocks[0].findings[0].value, "abuse@example.net"));
    assert_int_equal(order.resolution_count, 2);
    assert_true(span_is(order.resolutions[0].name, "mail.example.net"));
    assert_true(span_is(order.resolutions[0].data, "192.0.2.9"));
    assert_int_equal(order.resolutions[0].count, 40);
    assert_true(span_is(order.resolutions[1].name, "customer.example"));
    assert_true(span_is(order.resolutions[1].data, "mail.example.net"));
    assert_int_equal(order.manual_count, 2);
    assert_true(span_is(order.manuals[0].value, "csirt@example.net"));
    assert_int_equal(order.manuals[0].role, CONTACT_ROLE_SECURITY);
    assert_true(span_is(order.manuals[0].scope, "192.0.2.0/24"));
    assert_true(span_is(order.manuals[1].value, "x@example.net"));
    assert_int_equal(order.check_count, 1);
    assert_int_equal(order.checks[0].check.takes_messages, KNOWN_NO);
    assert_false(order.cut);
    arena_done(&arena);
    /* Asked afresh, and after an entry was taken out. */
    enter(&s, &(struct entry){.what = ENTRY_REMOVE, .value = span_text("csirt@example.net"), .scope = span_text("192.0.2.0/24")}, now);
    ask(&s, "contact 192.0.2.9 y", 9, CONTACT_ORDER_FRESH, now);
    arena_init(&arena, 8 * 1024 * 1024);
    order = leased(&s, &arena);
    assert_int_equal(order.block_count, 0);
    assert_int_equal(order.manual_count, 1);
    arena_done(&arena);
    set_down(&s);
}

static void malformed_entries_are_refused_whole(void **state)
{
    (void)state;
    struct buf body;
    buf_init(&body, 0);
    entry_encode(&body, &(struct entry){.what = ENTRY_ADD, .value = span_text("a@example.net"), .scope = span_text("192.0.2.0/24")});
    size_t whole = body.len;
    entry_encode(&body, &(struct entry){.what = ENTRY_CHECK_ACCOUNT, .value = span_text("https://x.com/example")});
    assert_int_equal(entries_check(buf_as_span(&body)), 0);
    for (size_t cut = 0; cut < body.len; cut++) {
        if (cut != whole)
            assert_int_equal(entries_check(span_of(body.data, cut)), -ERR_MALFORMED);
    }
    buf_clear(&body);
    entry_encode(&body, &(struct entry){.what = ENTRY_ADD, .value = span_text("a@example.net"), .scope = span_text("not a scope")});
    assert_true(entries_check(buf_as_span(&body)) < 0);
    buf_done(&body);
}

static void the_budgets_clock_runs_faster_in_a_laboratory(void **state)
{
    (void)state;
    usec_t wall = usec_now();
    assert_int_equal(contacts_hour(wall, 1), wall / USEC_PER_HOUR);
    for (int64_t speed = 1; speed <= 100000; speed *= 10) {
        int64_t hour = contacts_hour(wall, speed);
        assert_true(contacts_hour_begin(hour, speed) <= wall);
        assert_true(wall - contacts_hour_begin(hour, speed) <= USEC_PER_HOUR / speed + 1);
        assert_int_equal(contacts_hour(wall + USEC_PER_HOUR, speed) - hour, speed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_say_what_look_ups_found),
        cmocka_unit_test(rows_are_told_again_after_a_crash),
        cmocka_unit_test(a_later_search_replaces_and_a_failed_one_adds),
        cmocka_unit_test(a_search_in_part_leaves_what_others_found),
        cmocka_unit_test(quests_end_their_tasks_or_put_them_off),
        cmocka_unit_test(budgets_outlive_reach),
        cmocka_unit_test(a_lease_says_all_that_is_known_of_its_target),
        cmocka_unit_test(malformed_entries_are_refused_whole),
        cmocka_unit_test(the_budgets_clock_runs_faster_in_a_laboratory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
