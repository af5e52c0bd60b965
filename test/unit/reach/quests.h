/*
 * What the tests of quests share, beside scene.h: a book and channels of their own, a WHOIS server that behaves as the test says, a resolver that
 * knows a few names, leases of kind "contact".
 */
#pragma once

#include "reach/parts.h"
#include "reach/seek_parts.h"

#include "contact/order.h"
#include "scene.h"

#include <sys/stat.h>

static struct host *whois; /* the server that the test's channels ask */
static size_t heard, ended;
static enum outcome last_outcome;
static char last_bytes[512];
static struct prefix covers; /* what an answer speaks of */
static unsigned questions = 1;

/* ---- a book of the test's own ---- */

static inline struct book *book_of(const char *servers)
{
    char folder[] = "/tmp/noroshi-book-XXXXXX", path[64];
    struct conf_error error;
    struct buf image;
    struct book *book = NULL;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/servers", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "# source: this test\n# date: 2026-11-20\n%s", servers);
    (void)fclose(file);
    buf_init(&image, 0);
    if (book_pack(folder, &image, &error) != 0 || book_open(&book, buf_as_span(&image), &error) != 0)
        fail_msg("%s", error.text);
    buf_done(&image);
    (void)unlink(path);
    (void)rmdir(folder);
    return book;
}

static const char no_limits[] = "[*]\nat-once: 1\nlimited: too much is too much\nbanned: go away for ever\n";

/* ---- channels of the test's own ---- */

static void ask_whois(struct quest *q)
{
    char addr[ADDR_TEXT_SIZE], server[ADDR_TEXT_SIZE], query[80];
    (void)addr_print(whois->at.addr, server);
    for (unsigned i = 0; i < questions; i++) {
        (void)snprintf(query, sizeof query, i == 0 ? "%s" : "%s #%u", addr_print(quest_target(q)->addr, addr), i);
        quest_because(q, "the test wants to know");
        assert_int_equal(quest_whois(q, span_text(server), whois->at.port, span_text(query), 40 + i), 0);
    }
}

static void hear_whois(struct quest *q, const struct answer *answer)
{
    heard++;
    last_outcome = answer->outcome;
    assert_in_range(answer->tag, 40, 40 + questions);
    (void)snprintf(last_bytes, sizeof last_bytes, "%.*s", answer->bytes.len < 500 ? (int)answer->bytes.len : 500, (const char *)answer->bytes.at);
    if (answer->outcome == OUTCOME_LIMITED || answer->outcome == OUTCOME_FAILED)
        quest_debt(q, "the registry did not answer");
    if (answer->outcome != OUTCOME_ANSWERED)
        return;
    const struct finding f = {.value = span_text("abuse@net.example"),
                              .role = CONTACT_ROLE_ABUSE,
                              .attribute = span_text("abuse-mailbox"),
                              .origin = answer->server,
                              .holder = span_text("Example Net"),
                              .block = covers};
    assert_non_null(findings_add(quest_findings(q), &f));
    if (covers.bits > 0)
        quest_covers(q, covers);
}

static void end_whois(struct quest *q)
{
    (void)q;
    ended++;
}

static const struct channel asker = {.name = "asker", .help = "", .wants = CHANNEL_ADDRESS, .ask = ask_whois, .hear = hear_whois, .end = end_whois};
static const struct channel other = {.name = "other", .help = "", .wants = CHANNEL_ADDRESS, .ask = ask_whois, .hear = hear_whois, .end = end_whois};
static const struct channel walker = {
    .name = "ip_whois", .help = "", .wants = CHANNEL_ADDRESS, .serves = CHANNEL_SERVES_BLOCK, .ask = ask_whois, .hear = hear_whois, .end = end_whois};
static const struct channel asker_of_as = {
    .name = "as_whois", .help = "", .wants = CHANNEL_ADDRESS, .serves = CHANNEL_SERVES_AS, .ask = ask_whois, .hear = hear_whois, .end = end_whois};
static const struct channel *const one_channel[] = {&asker, NULL};
static const struct channel *const two_channels[] = {&asker, &other, NULL};
static const struct channel *const walking[] = {&walker, NULL};
static const struct channel *const of_as[] = {&asker_of_as, NULL};

/* ---- a channel of pages and names ---- */

static char page_url[128], answered_by[256];
static int last_status;
static size_t last_records;

static void ask_web(struct quest *q)
{
    char server[ADDR_TEXT_SIZE];
    (void)snprintf(page_url, sizeof page_url, "http://%s:%u/start", addr_print(whois->at.addr, server), whois->at.port);
    assert_int_equal(quest_fetch(q, span_text(page_url), 1), 0);
    assert_int_equal(quest_fetch(q, span_text("ftp://127.0.0.1/"), 2), -ERR_DENIED);
    assert_int_equal(quest_dns(q, DNS_MX, span_text("net.example"), 3), 0);
}

static void hear_web(struct quest *q, const struct answer *answer)
{
    if (answer->kind == QUESTION_DNS) {
        assert_int_equal(answer->tag, 3);
        last_records = answer->record_count;
        if (last_records > 0)
            assert_true(span_is(answer->records[0].text, "mx.net.example"));
        return;
    }
    heard++;
    assert_int_equal(answer->tag, 1);
    last_outcome = answer->outcome;
    last_status = answer->status;
    (void)snprintf(last_bytes, sizeof last_bytes, "%.*s", answer->bytes.len < 500 ? (int)answer->bytes.len : 500, (const char *)answer->bytes.at);
    (void)snprintf(answered_by, sizeof answered_by, "%.*s", (int)answer->server.len, (const char *)answer->server.at);
    if (answer->status == 200)
        quest_domain(q, span_text("learned.example"), false);
}

static void ask_nothing(struct quest *q)
{
    assert_true(span_is(quest_target(q)->domain, "learned.example"));
    quest_debt(q, "asked for it");
}

static const struct channel web = {.name = "web", .help = "", .wants = CHANNEL_ADDRESS, .ask = ask_web, .hear = hear_web, .end = end_whois};
static const struct channel of_domains = {.name = "of_domains", .help = "", .wants = CHANNEL_DOMAIN, .ask = ask_nothing, .hear = hear_web};
static const struct channel *const web_channels[] = {&web, &of_domains, NULL};

/* ---- a WHOIS server ---- */

struct farm {
    const char *reply;
    size_t asked, open, most_open;
    unsigned msec; /* it takes so long */
    bool silent, endless, drips;
};
static struct farm farm;

static void serve_whois(struct host *h, struct guest *g)
{
    (void)h;
    if (g->step == 0) {
        guest_step(g);
        farm.open++;
        farm.most_open = farm.open > farm.most_open ? farm.open : farm.most_open;
    }
    guest_hear(g);
    if (g->step == 1 && strstr(g->heard, "\r\n") != NULL) {
        farm.asked++;
        guest_step(g);
    }
    if (g->step == 2 && farm.endless) {
        static const uint8_t much[65536] = {'x'};
        guest_say(g, span_of(much, sizeof much));
    } else if (g->step == 2 && farm.drips) {
        if (usec_monotonic() - g->since > 20 * USEC_PER_MSEC) {
            guest_say(g, span_text("a"));
            g->since = usec_monotonic();
        }
    } else if (g->step == 2 && !farm.silent && usec_monotonic() - g->since >= farm.msec * USEC_PER_MSEC) {
        guest_say(g, span_text(farm.reply));
        g->over = true;
    }
    if (g->over) {
        guest_leaves(g);
        farm.open--;
    }
}

static const char reply[] =
    "inetnum:        192.0.2.0 - 192.0.2.255\nnetname:        EXAMPLE-NET\norg-name: Example Net\nabuse-mailbox:  abuse@net.example\n";

/* ---- a resolver ---- */

static int resolver = -1;
static uint16_t resolver_port;

/* abuse@net.example's domain has a mail host with an address; whois.test is the farm's; what else is asked for does not exist. */
static void resolver_turn(void)
{
    uint8_t m[1500];
    struct sockaddr_storage from;
    socklen_t from_len = sizeof from;
    ssize_t got = resolver >= 0 ? recvfrom(resolver, m, 512, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len) : -1;
    if (got < 17)
        return;
    char name[256];
    size_t at = 12, len = 0;
    while (m[at] != 0 && len + m[at] < 250) {
        for (size_t i = 0; i < m[at]; i++)
            name[len++] = (char)(m[at + 1 + i] | 0x20);
        name[len++] = '.';
        at += m[at] + 1U;
    }
    name[len] = '\0';
    unsigned type = m[at + 2];
    at += 5;
    struct buf out;
    buf_init(&out, 0);
    buf_put(&out, m, at);
    bool is_mx = strcmp(name, "net.example.") == 0 && type == DNS_MX, is_host = strcmp(name, "mx.net.example.") == 0 && type == DNS_A;
    bool is_whois = strcmp(name, "whois.test.") == 0 && type == DNS_A, is_ptr = type == DNS_PTR;
    bool known = is_mx || is_host || is_whois || is_ptr;
    out.data[2] = 0x81;
    out.data[3] = known ? 0x80 : 0x83;
    out.data[7] = known; /* ANCOUNT */
    out.data[9] = out.data[11] = 0;
    if (known) {
        buf_put(&out, "\xc0\x0c\x00", 3);
        buf_byte(&out, (uint8_t)type);
        buf_put(&out, "\x00\x01\x00\x00\x01\x00", 6);
    }
    if (is_mx)
        buf_put(&out, "\x00\x07\x00\x0a\x02mx\xc0\x0c", 9);
    if (is_host || is_whois)
        buf_put(&out, "\x00\x04\x7f\x00\x00\x03", 6);
    if (is_ptr)
        buf_put(&out,
                "\x00\x12\x04host\x03net\x07"
                "example\x00",
                20);
    assert_int_equal(sendto(resolver, out.data, out.len, 0, (struct sockaddr *)&from, from_len), (ssize_t)out.len);
    buf_done(&out);
}

static void resolver_make(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    resolver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(resolver, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(resolver, (struct sockaddr *)&at, &len), 0);
    resolver_port = ntohs(at.sin_port);
}

/* ---- life ---- */

static struct book *book;

static void registries(struct scene *s, const struct buf *body)
{
    struct buf end;
    buf_init(&end, 0);
    if (body != NULL)
        store_send(s, MESSAGE_REGISTRIES, body);
    buf_be(&end, 0, 4);
    store_send(s, MESSAGE_REGISTRIES, &end);
    buf_done(&end);
}

static inline struct scene *begin_bare(const char *servers, const struct channel *const *channels, const char *const *changes)
{
    char setting[64];
    const char *all[16] = {"contact.rate=100000", "contact.timeout=1s"};
    size_t count = 2;
    for (; changes != NULL && *changes != NULL; changes++)
        all[count++] = *changes;
    (void)snprintf(setting, sizeof setting, resolver >= 0 ? "outside.resolver=127.0.0.1:%u" : "outside.dry_run=false", resolver_port);
    all[count] = setting;
    book = book_of(servers);
    scene_book = book;
    scene_channels = channels;
    farm = (struct farm){.reply = reply};
    heard = ended = 0;
    questions = 1;
    covers = (struct prefix){.bits = 0};
    struct scene *s = set_up_bare(all, -1);
    whois = tcp_host(s, "127.0.0.3", serve_whois);
    lists(s, "", "");
    store_comes(s);
    spent_nothing(s);
    return s;
}

static inline struct scene *begin_with(const char *servers, const struct channel *const *channels, const char *const *changes)
{
    struct scene *s = begin_bare(servers, channels, changes);
    registries(s, NULL);
    return s;
}

static void finish(struct scene *s)
{
    tear_down(s);
    book_close(book);
    scene_book = book = NULL;
    scene_channels = NULL;
    if (resolver >= 0)
        (void)close(resolver);
    resolver = -1;
}

/* As the store leases it: attempt, flags, and the AS of the address when that is known. */
static void quest_of_as(struct scene *s, const char *addr, uint32_t attempt, uint8_t flags, uint32_t as)
{
    struct contact_order order = {.addr = ip(addr), .when = usec_now(), .flags = flags, .cause = span_text("operator")};
    char key[CONTACT_ORDER_KEY_SIZE];
    struct buf body, input;
    buf_init(&body, 0);
    buf_init(&input, 0);
    contact_order_encode(&input, &order);
    if (as != 0)
        assert_int_equal(contact_order_add_origin(&input, as, (struct span){0}), 0);
    (void)contact_order_key(&order, key);
    buf_be(&body, 7, 8);
    buf_be(&body, attempt, 4);
    buf_be(&body, strlen(CONTACT_TASK_KIND), 2);
    buf_text(&body, CONTACT_TASK_KIND);
    buf_be(&body, strlen(key), 2);
    buf_text(&body, key);
    buf_be(&body, input.len, 4);
    buf_span(&body, buf_as_span(&input));
    buf_be(&body, 0, 2);
    store_send(s, MESSAGE_LEASE, &body);
    buf_done(&body);
    buf_done(&input);
}

static void quest_again(struct scene *s, const char *addr, uint32_t attempt, uint8_t flags)
{
    quest_of_as(s, addr, attempt, flags, 0);
}

static void quest_for(struct scene *s, const char *addr)
{
    quest_again(s, addr, 1, CONTACT_ORDER_BY_HAND);
}

static void await_quests(struct scene *s, size_t count)
{
    usec_t until = usec_monotonic() + PATIENCE_MSEC * USEC_PER_MSEC;
    while (count_said(s, KIND_QUEST, NULL, "") < count && usec_monotonic() < until) {
        resolver_turn();
        turn(s);
    }
    if (count_said(s, KIND_QUEST, NULL, "") != count) {
        print_said(s);
        fail_msg("%zu quests, not %zu", count_said(s, KIND_QUEST, NULL, ""), count);
    }
}

static inline size_t dials(const struct scene *s)
{
    return count_said(s, KIND_DIAL, NULL, " event.outcome=success ");
}
