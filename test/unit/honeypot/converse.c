/* Sockets on the loopback, a service made for the test, and a store that acknowledges at once. */
#include "observe/honeypot/converse.h"

#include "observe/honeypot/profile.h"
#include "process/channel.h"
#include "record/transcript.h"
#include "record/wire.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_ANSWER = 8 * 1024 * 1024 };

static const struct profile device = {.name = {(const uint8_t *)"test", 4}, .machine = MACHINE_MIPS};

/* ---- a service: commands of one letter ---- */

struct state {
    size_t left; /* of a long answer */
    bool opened;
};

static void say(struct conn *c, const char *text)
{
    conn_say(c, span_text(text));
}

static void test_open(struct conn *c)
{
    struct state *s = conn_state(c);
    s->opened = true;
    say(c, "hello\n");
}

static void one(struct conn *c, uint8_t letter)
{
    struct state *s = conn_state(c);
    switch (letter) {
    case 'd': /* delays */
        say(c, "before ");
        conn_delay(c, 150 * USEC_PER_MSEC);
        say(c, "between ");
        conn_delay(c, 100 * USEC_PER_MSEC);
        say(c, "after\n");
        break;
    case 'x':
        say(c, "bye\n");
        conn_hangup(c, REASON_LOGOUT);
        say(c, "never said\n");
        break;
    case 'l': { /* logs in */
        const struct fact fact = fact_text(FACT_USER_NAME, span_text("root"));
        conn_fact(c, KIND_LOGIN, &fact, 1);
        conn_sum(c, fact_int(FACT_LOGGED_IN, 1));
        conn_sum(c, fact_text(FACT_TELNET_OPTIONS, span_text("WILL NAWS")));
        say(c, "in\n");
        break;
    }
    case 'm': /* more and more */
        s->left = LONG_ANSWER;
        say(c, "M");
        break;
    case 'f': { /* a flood that does not wait */
        static uint8_t block[1024 * 1024];
        for (unsigned i = 0; i < 64; i++)
            conn_say(c, span_of(block, sizeof block));
        break;
    }
    case 'w':
        conn_wake(c, 50 * USEC_PER_MSEC);
        break;
    default:
        conn_say(c, span_of(&letter, 1));
        break;
    }
}

static void test_input(struct conn *c, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        one(c, bytes.at[i]);
}

static void test_idle(struct conn *c)
{
    say(c, "woken\n");
}

static void test_more(struct conn *c)
{
    struct state *s = conn_state(c);
    static uint8_t block[16 * 1024];
    memset(block, 'm', sizeof block);
    while (s->left > 0 && conn_unsent(c) < 64 * 1024) {
        size_t len = s->left < sizeof block ? s->left : sizeof block;
        conn_say(c, span_of(block, len));
        s->left -= len;
    }
}

static unsigned closed;

static void test_close(struct conn *c)
{
    const struct state *s = conn_state(c);
    assert_true(s->opened);
    closed++;
}

static const struct service service = {.name = "test",
                                       .help = "of this test",
                                       .over = TRANSPORT_TCP,
                                       .state_size = sizeof(struct state),
                                       .open = test_open,
                                       .input = test_input,
                                       .idle = test_idle,
                                       .more = test_more,
                                       .close = test_close};

/* ---- the house ---- */

struct house {
    uv_loop_t loop;
    struct journal *journal;
    struct channel *edge, *store;
    struct converse *converse;
    int listener, relay_listener, ring, spool;
    struct sockaddr_in at, relay_at;
    struct prefix relay;
    struct converse_limits limits;
    struct buf log; /* the records as text */
    unsigned connections, sessions;
    uint64_t expected; /* sequence number of the next record */
    bool drained;
};

static const struct profile *pick(void *user, struct endpoint source, struct endpoint destination)
{
    (void)user;
    (void)source;
    (void)destination;
    return &device;
}

static void log_fact(struct buf *log, const struct fact *fact)
{
    const struct fact_info *info = fact_info(fact->name);
    char text[ADDR_TEXT_SIZE];
    if (info->type == FACT_TYPE_INT)
        buf_printf(log, " %s=%lld", info->text, (long long)fact->number);
    else if (info->type == FACT_TYPE_TEXT)
        buf_printf(log, " %s=%.*s", info->text, (int)fact->text.len, (const char *)fact->text.at);
    else if (info->type == FACT_TYPE_ADDR)
        buf_printf(log, " %s=%s", info->text, addr_print(fact->addr, text));
    if (fact->name != FACT_TRANSCRIPT)
        return;
    struct cursor c = cursor_of(fact->text);
    struct transcript_piece piece;
    buf_text(log, " transcript=");
    while (transcript_next(&c, &piece) == 1)
        buf_printf(log, "%c%.*s", piece.direction == TRANSCRIPT_SENT ? '<' : '>', piece.bytes.len < 40 ? (int)piece.bytes.len : 40,
                   (const char *)piece.bytes.at);
}

static void on_message(struct channel *channel, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    struct house *house = user;
    (void)fds;
    (void)fd_count;
    if (message == MESSAGE_ACK) {
        assert_int_equal(journal_acknowledge(house->journal, body), 0);
        return;
    }
    assert_int_equal(message, MESSAGE_RECORDS);
    struct cursor c = cursor_of(body);
    uint64_t seq = cursor_be64(&c);
    while (cursor_left(&c) > 0) {
        struct record record;
        struct fact facts[RECORD_FACTS_MAX];
        char text[ENDPOINT_TEXT_SIZE], id[ID_TEXT_SIZE];
        assert_int_equal(wire_decode(&c, &record, facts), 0);
        house->connections += record.kind == KIND_CONNECTION;
        house->sessions += record.kind == KIND_SESSION;
        buf_printf(&house->log, "%s %s", kind_info(record.kind)->name, endpoint_print(record.source, text));
        buf_printf(&house->log, " to %s", endpoint_print(record.destination, text));
        buf_printf(&house->log, " of %s", id_print(record.session, id) + 20);
        for (size_t i = 0; i < record.fact_count; i++)
            log_fact(&house->log, &record.facts[i]);
        buf_byte(&house->log, '\n');
        house->expected = seq;
        seq++;
    }
    struct buf ack = {0};
    buf_be(&ack, house->expected, 8);
    buf_be(&ack, 0, 8);
    buf_be(&ack, 0, 8);
    assert_int_equal(channel_send(channel, MESSAGE_ACK, buf_as_span(&ack), NULL, 0), 0);
    buf_done(&ack);
}

static void on_closed(struct channel *channel, void *user, int error)
{
    (void)channel;
    (void)user;
    (void)error;
}

static void on_drained(void *user)
{
    ((struct house *)user)->drained = true;
}

static const struct channel_events events = {.message = on_message, .closed = on_closed};

static int listen_on(struct sockaddr_in *at)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t len = sizeof *at;
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_SAVE_SYN, &on, sizeof on), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof *at), 0);
    assert_int_equal(listen(fd, 4096), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
    return fd;
}

static int file(size_t size)
{
    int fd = memfd_create("journal", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    return fd;
}

static struct converse_limits usual(void)
{
    return (struct converse_limits){.connections = 1000,
                                    .per_service = 1000,
                                    .per_peer = 1000,
                                    .login_timeout = 60 * USEC_PER_SEC,
                                    .idle_timeout = 60 * USEC_PER_SEC,
                                    .session_timeout = 60 * USEC_PER_SEC,
                                    .input_max = 1024 * 1024,
                                    .output_max = 64 * 1024 * 1024,
                                    .memory = 256 * 1024,
                                    .transcript_max = 8 * 1024};
}

static struct house *build(struct converse_limits limits)
{
    struct house *house = calloc(1, sizeof *house);
    int fds[2];
    assert_non_null(house);
    closed = 0;
    house->limits = limits;
    assert_int_equal(uv_loop_init(&house->loop), 0);
    house->ring = file(JOURNAL_RING_LEAST + 64 * 1024);
    house->spool = file(0);
    assert_int_equal(journal_open(&house->journal, house->ring, house->spool, 16 * 1024 * 1024), 0);
    assert_int_equal(channel_pair(fds), 0);
    assert_int_equal(channel_new(&house->edge, &house->loop, fds[0], PARTY_EDGE, PARTY_STORE, &events, house), 0);
    assert_int_equal(channel_new(&house->store, &house->loop, fds[1], PARTY_STORE, PARTY_EDGE, &events, house), 0);
    journal_attach(house->journal, house->edge);
    const struct converse_config config = {
        .loop = &house->loop, .journal = house->journal, .sensor = span_text("sensor"), .limits = limits, .user = house, .drained = on_drained};
    assert_int_equal(converse_new(&house->converse, &config), 0);
    house->listener = listen_on(&house->at);
    house->relay_listener = listen_on(&house->relay_at);
    assert_int_equal(prefix_parse(span_text("127.0.0.1"), &house->relay), 0);
    struct converse_listener listener = {.service = &service, .pick = pick};
    assert_int_equal(converse_listen(house->converse, house->listener, &listener), 0);
    listener.relays = &house->relay;
    listener.relay_count = 1;
    assert_int_equal(converse_listen(house->converse, house->relay_listener, &listener), 0);
    return house;
}

static void turn(struct house *house)
{
    (void)uv_run(&house->loop, UV_RUN_NOWAIT);
    journal_push(house->journal);
}

/* Turns the loop for that long. */
static void run(struct house *house, unsigned msec)
{
    usec_t until = usec_monotonic() + msec * USEC_PER_MSEC;
    do {
        turn(house);
        (void)usleep(500);
    } while (usec_monotonic() < until);
}

static void tear_down(struct house *house)
{
    converse_free(house->converse);
    run(house, 5);
    channel_free(house->edge);
    channel_free(house->store);
    (void)uv_run(&house->loop, UV_RUN_NOWAIT);
    (void)uv_run(&house->loop, UV_RUN_NOWAIT);
    journal_free(house->journal);
    assert_int_equal(uv_loop_close(&house->loop), 0);
    (void)close(house->ring);
    (void)close(house->spool);
    (void)close(house->listener);
    (void)close(house->relay_listener);
    buf_done(&house->log);
    free(house);
}

static void assert_log(struct house *house, const char *expected)
{
    run(house, 20);
    if (strstr(buf_cstr(&house->log), expected) == NULL)
        fail_msg("no \"%s\" in\n%s", expected, buf_cstr(&house->log));
}

static uint64_t refused(const struct house *house, enum refusal refusal)
{
    return journal_counters(house->journal)->refused[refusal];
}

static int client(const struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)at, sizeof *at), 0);
    return fd;
}

static void put(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Turns the loop until that many bytes came, the end (-1: reads to it), or 2 s; returns the text. */
static const char *hear(struct house *house, int fd, ssize_t len)
{
    static char text[4096];
    size_t have = 0;
    usec_t until = usec_monotonic() + 2 * USEC_PER_SEC;
    while (usec_monotonic() < until && (len < 0 || have < (size_t)len) && have < sizeof text - 1) {
        turn(house);
        ssize_t got = recv(fd, text + have, sizeof text - 1 - have, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            break;
        if (got > 0)
            have += (size_t)got;
        else
            (void)usleep(200);
    }
    text[have] = '\0';
    return text;
}

/* ---- tests ---- */

static void a_conversation_becomes_records(void **state)
{
    (void)state;
    struct house *house = build(usual());
    int fd = client(&house->at);
    assert_string_equal(hear(house, fd, 6), "hello\n");
    put(fd, "lAB");
    assert_string_equal(hear(house, fd, 5), "in\nAB");
    (void)close(fd);
    assert_log(house, "\nsession 127.0.0.1:");
    assert_log(house, "connection 127.0.0.1:");
    assert_log(house, " network.protocol=test noroshi.profile=test noroshi.syn.ttl=64 noroshi.syn.window=");
    assert_log(house, " noroshi.syn.options=mss,sok,ts,nop,ws\n");
    assert_log(house, " user.name=root network.protocol=test\n");
    assert_log(house, " event.reason=peer closed event.duration=");
    assert_log(house, " host.architecture=mips source.bytes=3 destination.bytes=11 transcript=<hello\n>lAB<in\nAB noroshi.session.logged_in=1 "
                      "noroshi.telnet.options=WILL NAWS\n");
    assert_int_equal(closed, 1);
    const struct journal_counters *counters = journal_counters(house->journal);
    assert_int_equal(counters->accepted, 1);
    assert_int_equal(counters->ended, 1);
    assert_int_equal(converse_count(house->converse), 0);
    tear_down(house);
}

static void delays_keep_order_and_hold_input(void **state)
{
    (void)state;
    struct house *house = build(usual());
    int fd = client(&house->at);
    (void)hear(house, fd, 6);
    usec_t from = usec_monotonic();
    put(fd, "dA");
    assert_string_equal(hear(house, fd, 7), "before ");
    assert_true(usec_monotonic() - from < 100 * USEC_PER_MSEC);
    put(fd, "B"); /* waits until everything before has left */
    assert_string_equal(hear(house, fd, 8), "between ");
    assert_true(usec_monotonic() - from >= 149 * USEC_PER_MSEC);
    assert_string_equal(hear(house, fd, 8), "after\nAB");
    usec_t took = usec_monotonic() - from;
    assert_true(took >= 249 * USEC_PER_MSEC && took < 600 * USEC_PER_MSEC);
    (void)close(fd);
    tear_down(house);
}

static void a_hang_up_follows_what_was_said(void **state)
{
    (void)state;
    struct house *house = build(usual());
    int fd = client(&house->at);
    put(fd, "dxignored");
    assert_string_equal(hear(house, fd, -1), "hello\nbefore between after\nbye\n");
    put(fd, "more that nobody reads"); /* lingers: no reset that could eat the answer */
    assert_log(house, " event.reason=logout ");
    assert_int_equal(converse_count(house->converse), 1);
    (void)close(fd);
    run(house, 10);
    assert_int_equal(converse_count(house->converse), 0);
    tear_down(house);
}

static void half_closed_peers_get_their_answer(void **state)
{
    (void)state;
    struct house *house = build(usual());
    int fd = client(&house->at);
    put(fd, "dA");
    (void)shutdown(fd, SHUT_WR);
    assert_string_equal(hear(house, fd, -1), "hello\nbefore between after\nA");
    assert_log(house, " event.reason=peer closed ");
    (void)close(fd);
    tear_down(house);
}

static void a_reset_is_told_from_a_close(void **state)
{
    (void)state;
    struct house *house = build(usual());
    int fd = client(&house->at);
    (void)hear(house, fd, 6);
    const struct linger hard = {.l_onoff = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    (void)close(fd);
    assert_log(house, " event.reason=peer reset ");
    fd = client(&house->at);
    put(fd, "d"); /* also while a delay holds the input */
    (void)hear(house, fd, 13);
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    (void)close(fd);
    run(house, 20);
    assert_int_equal(house->sessions, 2);
    tear_down(house);
}

static void a_slow_reader_gets_all_of_a_long_answer(void **state)
{
    (void)state;
    struct house *house = build(usual());
    int fd = client(&house->at), small = 16 * 1024;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    (void)hear(house, fd, 6);
    put(fd, "mZ"); /* the next command waits for the answer's end, or comes among it: here the service does not wait */
    size_t total = 0;
    usec_t until = usec_monotonic() + 20 * USEC_PER_SEC;
    while (total < LONG_ANSWER + 2 && usec_monotonic() < until) {
        static uint8_t chunk[48 * 1024];
        turn(house);
        ssize_t got = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
        total += got > 0 ? (size_t)got : 0;
    }
    assert_int_equal(total, LONG_ANSWER + 2);
    put(fd, "A");
    assert_string_equal(hear(house, fd, 1), "A");
    (void)close(fd);
    assert_log(house, " noroshi.transcript_cut=");
    tear_down(house);
}

static void who_does_not_read_is_cut_off(void **state)
{
    (void)state;
    struct house *house = build(usual());
    int fd = client(&house->at);
    put(fd, "f");
    assert_log(house, " event.reason=output limit ");
    (void)close(fd);
    tear_down(house);
}

static void limits_of_bytes_end_it(void **state)
{
    (void)state;
    struct converse_limits limits = usual();
    limits.input_max = 10;
    struct house *house = build(limits);
    int fd = client(&house->at);
    put(fd, "AAAAAAAAAAA");
    assert_string_equal(hear(house, fd, -1), "hello\n");
    assert_log(house, " event.reason=input limit ");
    (void)close(fd);
    tear_down(house);
    limits = usual();
    limits.output_max = 10;
    house = build(limits);
    fd = client(&house->at);
    put(fd, "ABCDEFGH");
    assert_string_equal(hear(house, fd, -1), "hello\nABCD");
    assert_log(house, " event.reason=output limit ");
    (void)close(fd);
    tear_down(house);
}

static void time_limits_end_it(void **state)
{
    (void)state;
    struct converse_limits limits = usual();
    limits.login_timeout = 100 * USEC_PER_MSEC;
    limits.idle_timeout = 200 * USEC_PER_MSEC;
    limits.session_timeout = 400 * USEC_PER_MSEC;
    struct house *house = build(limits);
    int silent = client(&house->at), idle = client(&house->at), busy = client(&house->at);
    put(idle, "l");
    put(busy, "l");
    for (unsigned i = 0; i < 12; i++) {
        run(house, 40);
        (void)send(busy, "A", 1, MSG_NOSIGNAL);
    }
    assert_log(house, " event.reason=login time-out ");
    assert_log(house, " event.reason=idle ");
    assert_log(house, " event.reason=too long ");
    (void)close(silent);
    (void)close(idle);
    (void)close(busy);
    tear_down(house);
}

static void a_service_is_woken(void **state)
{
    (void)state;
    struct house *house = build(usual());
    int fd = client(&house->at);
    (void)hear(house, fd, 6);
    usec_t from = usec_monotonic();
    put(fd, "w");
    assert_string_equal(hear(house, fd, 6), "woken\n");
    assert_true(usec_monotonic() - from >= 49 * USEC_PER_MSEC);
    (void)close(fd);
    tear_down(house);
}

static void connections_over_a_limit_are_counted(void **state)
{
    (void)state;
    struct converse_limits limits = usual();
    limits.per_peer = 2;
    struct house *house = build(limits);
    int fds[4];
    for (unsigned i = 0; i < 4; i++)
        fds[i] = client(&house->at);
    assert_string_equal(hear(house, fds[3], -1), "");
    assert_string_equal(hear(house, fds[0], 6), "hello\n");
    assert_int_equal(refused(house, REFUSAL_PEER_LIMIT), 2);
    (void)close(fds[0]);
    run(house, 10);
    int again = client(&house->at); /* there is room again */
    assert_string_equal(hear(house, again, 6), "hello\n");
    converse_free(house->converse);
    house->converse = NULL;
    run(house, 10);
    assert_log(house, "refusal 127.0.0.1:0 to 127.0.0.1:");
    assert_log(house, " event.reason=peer limit network.protocol=test noroshi.count=2\n");
    assert_log(house, " event.reason=stopped ");
    for (unsigned i = 1; i < 4; i++)
        (void)close(fds[i]);
    (void)close(again);
    tear_down(house);
}

static void the_limits_of_service_and_house(void **state)
{
    (void)state;
    struct converse_limits limits = usual();
    limits.per_service = 1;
    struct house *house = build(limits);
    int a = client(&house->at), b = client(&house->at);
    assert_string_equal(hear(house, b, -1), "");
    assert_int_equal(refused(house, REFUSAL_SERVICE_LIMIT), 1);
    (void)close(a);
    (void)close(b);
    tear_down(house);
    limits = usual();
    limits.connections = 1;
    house = build(limits);
    a = client(&house->at);
    b = client(&house->at);
    assert_string_equal(hear(house, b, -1), "");
    assert_int_equal(refused(house, REFUSAL_GLOBAL_LIMIT), 1);
    (void)close(a);
    (void)close(b);
    tear_down(house);
}

static void without_descriptors_it_refuses_and_goes_on(void **state)
{
    (void)state;
    struct house *house = build(usual());
    struct rlimit before, low;
    int fds[12];
    for (unsigned i = 0; i < 12; i++)
        fds[i] = client(&house->at);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = (rlim_t)fds[11] + 6; /* room for some of the accepted */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    run(house, 30);
    uint64_t count = refused(house, REFUSAL_DESCRIPTORS);
    assert_true(count > 0 && count < 12);
    assert_int_equal(converse_count(house->converse) + count, 12);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    int fd = client(&house->at);
    assert_string_equal(hear(house, fd, 6), "hello\n");
    (void)close(fd);
    for (unsigned i = 0; i < 12; i++)
        (void)close(fds[i]);
    tear_down(house);
}

static void relays_speak_for_others(void **state)
{
    (void)state;
    struct house *house = build(usual());
    int fd = client(&house->relay_at);
    run(house, 10);
    assert_int_equal(journal_counters(house->journal)->accepted, 0);
    static const char header[] = "PROXY TCP4 192.0.2.7 198.51.100.1 40000 23\r\nAB";
    for (size_t i = 0; i < sizeof header - 1; i++) { /* cut at every byte */
        assert_int_equal(send(fd, header + i, 1, MSG_NOSIGNAL), 1);
        turn(house);
    }
    assert_string_equal(hear(house, fd, 8), "hello\nAB");
    (void)close(fd);
    assert_log(house, "connection 192.0.2.7:40000 to 198.51.100.1:23 of ");
    assert_log(house, " noroshi.profile=test noroshi.relay.ip=127.0.0.1 noroshi.relay.port=");
    assert_log(house, "session 192.0.2.7:40000 to 198.51.100.1:23 of ");
    assert_null(strstr(buf_cstr(&house->log), "noroshi.syn"));
    fd = client(&house->relay_at); /* the relay's own health check */
    put(fd, "PROXY UNKNOWN\r\nA");
    assert_string_equal(hear(house, fd, 7), "hello\nA");
    (void)close(fd);
    tear_down(house);
}

static void headers_missing_bad_and_unexpected_are_refused(void **state)
{
    (void)state;
    struct house *house = build(usual());
    int fd = client(&house->relay_at);
    put(fd, "root\r\n");
    assert_string_equal(hear(house, fd, -1), "");
    (void)close(fd);
    fd = client(&house->relay_at);
    put(fd, "PROXY TC");
    (void)close(fd);
    run(house, 10);
    assert_int_equal(refused(house, REFUSAL_PROXY_MISSING), 2);
    fd = client(&house->relay_at);
    put(fd, "PROXY TCP4 192.0.2.7 nonsense\r\n");
    assert_string_equal(hear(house, fd, -1), "");
    (void)close(fd);
    assert_int_equal(refused(house, REFUSAL_PROXY_BAD), 1);
    assert_int_equal(journal_counters(house->journal)->accepted, 0);
    fd = client(&house->at);
    put(fd, "PROXY TCP4 192.0.2.7 198.51.100.1 40000 23\r\n");
    assert_string_equal(hear(house, fd, -1), "hello\n");
    (void)close(fd);
    assert_int_equal(refused(house, REFUSAL_PROXY_UNEXPECTED), 1);
    assert_log(house, " event.reason=relay header unexpected ");
    fd = client(&house->at);
    put(fd, "PROXY"); /* a name that begins so */
    assert_string_equal(hear(house, fd, 11), "hello\nPROXY");
    (void)close(fd);
    tear_down(house);
}

static void only_relays_may_use_their_listener(void **state)
{
    (void)state;
    struct house *house = build(usual());
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&house->relay_at, sizeof house->relay_at), 0);
    assert_string_equal(hear(house, fd, -1), "");
    assert_int_equal(refused(house, REFUSAL_PROXY_STRANGER), 1);
    (void)close(fd);
    tear_down(house);
}

static void draining_waits_for_the_last(void **state)
{
    (void)state;
    struct house *house = build(usual());
    int fd = client(&house->at);
    (void)hear(house, fd, 6);
    converse_drain(house->converse);
    run(house, 10);
    assert_false(house->drained);
    put(fd, "A");
    assert_string_equal(hear(house, fd, 1), "A");
    (void)close(fd);
    run(house, 10);
    assert_true(house->drained);
    tear_down(house);
}

static void many_at_once_are_all_served(void **state)
{
    (void)state;
    enum { MANY = 500 };
    struct house *house = build(usual());
    static int fds[MANY];
    for (unsigned i = 0; i < MANY; i++)
        fds[i] = client(&house->at);
    for (unsigned i = 0; i < MANY; i++)
        assert_string_equal(hear(house, fds[i], 6), "hello\n");
    for (unsigned i = 0; i < MANY; i++)
        (void)close(fds[i]);
    run(house, 50);
    assert_int_equal(house->connections, MANY);
    assert_int_equal(house->sessions, MANY);
    assert_int_equal(closed, MANY);
    assert_true(journal_empty(house->journal));
    tear_down(house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_becomes_records),
        cmocka_unit_test(delays_keep_order_and_hold_input),
        cmocka_unit_test(a_hang_up_follows_what_was_said),
        cmocka_unit_test(half_closed_peers_get_their_answer),
        cmocka_unit_test(a_reset_is_told_from_a_close),
        cmocka_unit_test(a_slow_reader_gets_all_of_a_long_answer),
        cmocka_unit_test(who_does_not_read_is_cut_off),
        cmocka_unit_test(limits_of_bytes_end_it),
        cmocka_unit_test(time_limits_end_it),
        cmocka_unit_test(a_service_is_woken),
        cmocka_unit_test(connections_over_a_limit_are_counted),
        cmocka_unit_test(the_limits_of_service_and_house),
        cmocka_unit_test(without_descriptors_it_refuses_and_goes_on),
        cmocka_unit_test(relays_speak_for_others),
        cmocka_unit_test(headers_missing_bad_and_unexpected_are_refused),
        cmocka_unit_test(only_relays_may_use_their_listener),
        cmocka_unit_test(draining_waits_for_the_last),
        cmocka_unit_test(many_at_once_are_all_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
