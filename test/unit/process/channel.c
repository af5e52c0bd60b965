/* Messages over a channel: what is valid arrives whole and in order; each broken rule ends the sender. */
#include "process/channel.h"

#include "base/err.h"
#include "process/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct seen {
    unsigned messages, ends, writables;
    int error;
    enum message last;
    uint8_t *body;
    size_t len, fd_count;
    int kept_fd;
    bool keep_fd, free_inside;
    uint64_t expect; /* RECORDS: next number */
};

static void on_message(struct channel *c, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    struct seen *seen = user;
    seen->messages++;
    seen->last = message;
    seen->fd_count = fd_count;
    free(seen->body);
    seen->body = malloc(body.len + 1);
    assert_non_null(seen->body);
    if (body.len > 0)
        memcpy(seen->body, body.at, body.len);
    seen->len = body.len;
    if (seen->keep_fd && fd_count > 0) {
        seen->kept_fd = fds[0];
        fds[0] = -1;
    }
    if (seen->free_inside)
        channel_free(c);
}

static void on_closed(struct channel *c, void *user, int error)
{
    (void)c;
    struct seen *seen = user;
    seen->ends++;
    seen->error = error;
}

static void on_writable(struct channel *c, void *user)
{
    (void)c;
    ((struct seen *)user)->writables++;
}

static const struct channel_events events = {.message = on_message, .closed = on_closed, .writable = on_writable};

static int count_fds(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* A channel of `me` towards `peer`, whose other end is a bare socket. */
struct bench {
    struct channel *channel;
    int bare;
    struct seen seen;
};

static void bench_open(struct bench *b, enum party me, enum party peer)
{
    int fds[2];
    *b = (struct bench){0};
    assert_int_equal(channel_pair(fds), 0);
    assert_int_equal(channel_new(&b->channel, NULL, fds[0], me, peer, &events, &b->seen), 0);
    b->bare = fds[1];
}

static void bench_close(struct bench *b)
{
    channel_free(b->channel);
    if (b->bare >= 0)
        assert_int_equal(close(b->bare), 0);
    free(b->seen.body);
}

static void send_raw(int fd, const void *bytes, size_t len, const int *fds, size_t fd_count)
{
    uint8_t copy[CHANNEL_BODY_MAX + 64];
    assert_true(len <= sizeof copy);
    memcpy(copy, bytes, len);
    struct iovec part = {.iov_base = copy, .iov_len = len};
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(16 * sizeof(int))];
    } control = {0};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
    }
    assert_true(sendmsg(fd, &header, MSG_NOSIGNAL) >= 0);
}

/* Sends the datagram to a fresh channel and expects that it ends with `error`, without a message and without a leaked descriptor. */
static void expect_end(enum party me, enum party peer, const void *bytes, size_t len, const int *fds, size_t fd_count, int error)
{
    struct bench b;
    bench_open(&b, me, peer);
    int before = count_fds();
    send_raw(b.bare, bytes, len, fds, fd_count);
    assert_int_equal(channel_receive(b.channel, 1000), error);
    assert_int_equal(b.seen.messages, 0);
    assert_int_equal(b.seen.ends, 1);
    assert_int_equal(b.seen.error, error);
    assert_int_equal(count_fds(), before);
    assert_int_equal(channel_receive(b.channel, 0), -ERR_CLOSED);
    assert_int_equal(b.seen.ends, 1);
    bench_close(&b);
}

static void every_row_of_the_table_passes_its_own_check(void **state)
{
    (void)state;
    struct {
        unsigned number;
        size_t least, most, fds;
    } rows[] = {
#define MESSAGE(number, name, from, to, least, most, fds, help) {number, least, most, fds},
#include "process/messages.def"
#undef MESSAGE
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned allowed = 0;
        for (unsigned pair = 0; pair < 36; pair++) {
            enum party from = (enum party)(pair / 6), to = (enum party)(pair % 6);
            int r = message_check(rows[i].number, from, to, rows[i].least, rows[i].fds);
            assert_true(r == 0 || r == -ERR_DENIED);
            if (r != 0)
                continue;
            allowed++;
            assert_int_equal(message_check(rows[i].number, from, to, rows[i].most, 0), 0);
            assert_int_equal(message_check(rows[i].number, from, to, rows[i].most + 1, 0), -ERR_LIMIT);
            assert_int_equal(message_check(rows[i].number, from, to, rows[i].least, rows[i].fds + 1), -ERR_LIMIT);
            if (rows[i].least > 0)
                assert_int_equal(message_check(rows[i].number, from, to, rows[i].least - 1, 0), -ERR_TRUNCATED);
            assert_true(from != to);
        }
        assert_true(allowed > 0);
        assert_true(rows[i].most <= CHANNEL_BODY_MAX || rows[i].fds == 0);
        assert_true(strlen(message_name((enum message)rows[i].number)) > 1);
    }
    assert_int_equal(message_check(0, PARTY_SUPERVISOR, PARTY_EDGE, 0, 0), -ERR_UNKNOWN);
    assert_string_equal(message_name((enum message)999), "?");
}

static void a_valid_message_arrives_whole(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, PARTY_EDGE, PARTY_SUPERVISOR);
    b.seen.keep_fd = true;
    send_raw(b.bare, "\0\2listen.0", 10, (int[]){0}, 1);
    assert_int_equal(channel_receive(b.channel, 1000), 0);
    assert_int_equal(b.seen.last, MESSAGE_GRANT);
    assert_int_equal(b.seen.len, 8);
    assert_memory_equal(b.seen.body, "listen.0", 8);
    assert_int_equal(b.seen.fd_count, 1);
    assert_true(b.seen.kept_fd > 2);
    assert_int_equal(fcntl(b.seen.kept_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(close(b.seen.kept_fd), 0);
    bench_close(&b);
}

static void a_descriptor_that_is_not_taken_is_closed(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, PARTY_EDGE, PARTY_SUPERVISOR);
    int before = count_fds();
    send_raw(b.bare, "\0\2listen.0", 10, (int[]){0}, 1);
    assert_int_equal(channel_receive(b.channel, 1000), 0);
    assert_int_equal(b.seen.messages, 1);
    assert_int_equal(count_fds(), before);
    bench_close(&b);
}

static void unknown_number_ends_the_sender(void **state)
{
    (void)state;
    expect_end(PARTY_EDGE, PARTY_SUPERVISOR, "\x7f\x01", 2, NULL, 0, -ERR_UNKNOWN);
    expect_end(PARTY_EDGE, PARTY_SUPERVISOR, "\0\0", 2, NULL, 0, -ERR_UNKNOWN);
}

static void wrong_direction_ends_the_sender(void **state)
{
    (void)state;
    expect_end(PARTY_SUPERVISOR, PARTY_EDGE, "\0\3", 2, NULL, 0, -ERR_DENIED);            /* START from an edge */
    expect_end(PARTY_STORE, PARTY_ANALYSE, "\0\x14 123456789", 12, NULL, 0, -ERR_DENIED); /* RECORDS from analysis */
    expect_end(PARTY_STORE, PARTY_CLIENT, "\0\x06", 2, NULL, 0, -ERR_DENIED);             /* READY from a client */
}

static void short_and_long_bodies_end_the_sender(void **state)
{
    (void)state;
    static const uint8_t zeros[CHANNEL_BODY_MAX + 8];
    expect_end(PARTY_EDGE, PARTY_SUPERVISOR, "\0", 1, NULL, 0, -ERR_TRUNCATED);
    expect_end(PARTY_EDGE, PARTY_SUPERVISOR, "\0\2", 2, NULL, 0, -ERR_TRUNCATED); /* a GRANT without a name */
    expect_end(PARTY_EDGE, PARTY_SUPERVISOR, "\0\3x", 3, NULL, 0, -ERR_LIMIT);    /* a START with a body */
    expect_end(PARTY_EDGE, PARTY_STORE, "\0\x15 12345678901234567890123x", 28, NULL, 0, -ERR_LIMIT);
    uint8_t datagram[sizeof zeros] = {0, MESSAGE_RECORDS};
    expect_end(PARTY_STORE, PARTY_EDGE, datagram, sizeof datagram, NULL, 0, -ERR_LIMIT); /* cut by the kernel */
}

static void extra_descriptors_end_the_sender(void **state)
{
    (void)state;
    const int fds[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    expect_end(PARTY_EDGE, PARTY_SUPERVISOR, "\0\3", 2, fds, 1, -ERR_LIMIT);          /* START takes none */
    expect_end(PARTY_EDGE, PARTY_SUPERVISOR, "\0\2listen.0", 10, fds, 2, -ERR_LIMIT); /* GRANT takes one */
    expect_end(PARTY_EDGE, PARTY_SUPERVISOR, "\0\2listen.0", 10, fds, 8, -ERR_LIMIT); /* more than there is room for */
}

static int make_memfd(size_t len, unsigned seals)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)len), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static void only_a_wholly_sealed_memfd_of_the_right_size_is_read(void **state)
{
    (void)state;
    static const uint8_t records[2] = {0, MESSAGE_RECORDS};
    const unsigned seals[4] = {F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL};
    const unsigned all = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    for (size_t i = 0; i < 4; i++) {
        int fd = make_memfd(CHANNEL_BODY_MAX + 1, all & ~seals[i]);
        expect_end(PARTY_STORE, PARTY_EDGE, records, 2, &fd, 1, -ERR_DENIED);
        assert_int_equal(close(fd), 0);
    }
    const size_t sizes[] = {0, 8, CHANNEL_BODY_MAX, 4194320 + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int fd = make_memfd(sizes[i], all);
        expect_end(PARTY_STORE, PARTY_EDGE, records, 2, &fd, 1, -ERR_LIMIT);
        assert_int_equal(close(fd), 0);
    }
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    expect_end(PARTY_STORE, PARTY_EDGE, records, 2, &file, 1, -ERR_DENIED);
    assert_int_equal(close(file), 0);
    /* The right side still has to send it. */
    int fd = make_memfd(CHANNEL_BODY_MAX + 1, all);
    expect_end(PARTY_EDGE, PARTY_STORE, records, 2, &fd, 1, -ERR_DENIED);
    assert_int_equal(close(fd), 0);
}

static void large_bodies_arrive_as_if_inline(void **state)
{
    (void)state;
    int fds[2];
    struct seen seen = {0}, unused = {0};
    struct channel *from, *to;
    assert_int_equal(channel_pair(fds), 0);
    assert_int_equal(channel_new(&from, NULL, fds[0], PARTY_EDGE, PARTY_STORE, &events, &unused), 0);
    assert_int_equal(channel_new(&to, NULL, fds[1], PARTY_STORE, PARTY_EDGE, &events, &seen), 0);
    const size_t sizes[] = {9, CHANNEL_BODY_MAX - 1, CHANNEL_BODY_MAX, CHANNEL_BODY_MAX + 1, 1 << 20, 4194320};
    uint8_t *bytes = malloc(4194321);
    assert_non_null(bytes);
    for (size_t i = 0; i < 4194321; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    int before = count_fds();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(channel_send(from, MESSAGE_RECORDS, span_of(bytes, sizes[i]), NULL, 0), 0);
        assert_int_equal(channel_receive(to, 1000), 0);
        assert_int_equal(seen.last, MESSAGE_RECORDS);
        assert_int_equal(seen.len, sizes[i]);
        assert_memory_equal(seen.body, bytes, sizes[i]);
        assert_int_equal(seen.fd_count, 0);
    }
    assert_int_equal(channel_send(from, MESSAGE_RECORDS, span_of(bytes, 4194321), NULL, 0), -ERR_LIMIT);
    assert_int_equal(channel_send(from, MESSAGE_RECORDS, span_of(bytes, 8), NULL, 0), -ERR_TRUNCATED);
    assert_int_equal(count_fds(), before);
    free(bytes);
    free(seen.body);
    channel_free(from);
    channel_free(to);
}

static void messages_sent_before_the_end_are_still_read(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, PARTY_SUPERVISOR, PARTY_EDGE);
    /* The peer leaves something unread, so that its going is reported as a reset. */
    assert_int_equal(channel_send(b.channel, MESSAGE_START, (struct span){0}, NULL, 0), 0);
    send_raw(b.bare, "\0\7no such port", 14, NULL, 0);
    assert_int_equal(close(b.bare), 0);
    b.bare = -1;
    assert_int_equal(channel_receive(b.channel, 1000), 0);
    assert_int_equal(b.seen.last, MESSAGE_FAILED);
    assert_int_equal(channel_receive(b.channel, 1000), -ERR_CLOSED);
    assert_int_equal(b.seen.error, 0);
    assert_int_equal(b.seen.ends, 1);
    assert_int_equal(channel_send(b.channel, MESSAGE_STOP, (struct span){0}, NULL, 0), -ERR_CLOSED);
    bench_close(&b);
}

static void waiting_ends_with_the_time(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, PARTY_EDGE, PARTY_SUPERVISOR);
    assert_int_equal(channel_receive(b.channel, 10), -ETIMEDOUT);
    assert_int_equal(b.seen.ends, 0);
    bench_close(&b);
}

static void a_channel_may_be_freed_in_its_event(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, PARTY_EDGE, PARTY_SUPERVISOR);
    b.seen.free_inside = true;
    send_raw(b.bare, "\0\3", 2, NULL, 0);
    assert_int_equal(channel_receive(b.channel, 1000), 0);
    assert_int_equal(b.seen.messages, 1);
    b.channel = NULL;
    bench_close(&b);
}

/* A writer that is faster than its reader is told to wait and loses nothing. */
struct flood {
    struct channel *from;
    uint64_t sent, total;
    unsigned refused;
    uv_loop_t *loop;
    uint64_t got, ends;
};

static void flood_on(struct flood *f)
{
    static uint8_t body[20000];
    while (f->sent < f->total) {
        for (size_t i = 0; i < 8; i++)
            body[i] = (uint8_t)(f->sent >> (56 - 8 * i));
        int r = channel_send(f->from, MESSAGE_RECORDS, span_of(body, f->sent % 3 == 0 ? sizeof body : 9 + (size_t)f->sent % 200), NULL, 0);
        if (r == -EAGAIN) {
            f->refused++;
            return;
        }
        assert_int_equal(r, 0);
        f->sent++;
    }
    channel_free(f->from);
    f->from = NULL;
}

static void flood_writable(struct channel *c, void *user)
{
    (void)c;
    flood_on(user);
}

static void flood_message(struct channel *c, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    (void)c, (void)fds, (void)fd_count;
    struct flood *f = user;
    assert_int_equal(message, MESSAGE_RECORDS);
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | body.at[i];
    assert_int_equal(number, f->got);
    f->got++;
}

static void flood_closed(struct channel *c, void *user, int error)
{
    struct flood *f = user;
    assert_int_equal(error, 0);
    f->ends++;
    channel_free(c);
}

static void thousands_of_messages_with_back_pressure(void **state)
{
    (void)state;
    static const struct channel_events writer = {.writable = flood_writable, .closed = on_closed, .message = on_message};
    static const struct channel_events reader = {.message = flood_message, .closed = flood_closed};
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    struct flood f = {.total = 20000, .loop = &loop};
    struct channel *to;
    int fds[2];
    assert_int_equal(channel_pair(fds), 0);
    assert_int_equal(channel_new(&f.from, &loop, fds[0], PARTY_EDGE, PARTY_STORE, &writer, &f), 0);
    assert_int_equal(channel_new(&to, &loop, fds[1], PARTY_STORE, PARTY_EDGE, &reader, &f), 0);
    flood_on(&f);
    assert_true(f.refused > 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(f.sent, f.total);
    assert_int_equal(f.got, f.total);
    assert_int_equal(f.ends, 1);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_violation_on_the_loop_ends_the_channel(void **state)
{
    (void)state;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    int fds[2];
    struct seen seen = {0};
    struct channel *c;
    assert_int_equal(channel_pair(fds), 0);
    assert_int_equal(channel_new(&c, &loop, fds[0], PARTY_STORE, PARTY_EDGE, &events, &seen), 0);
    send_raw(fds[1], "\0\x14zero-or-more", 14, NULL, 0);
    send_raw(fds[1], "\0\x16", 2, NULL, 0);
    send_raw(fds[1], "\0\x14zero-or-more", 14, NULL, 0);
    (void)uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(seen.messages, 1);
    assert_int_equal(seen.ends, 1);
    assert_int_equal(seen.error, -ERR_DENIED);
    assert_int_equal(channel_send(c, MESSAGE_ACK, span_of("123456781234567812345678", 24), NULL, 0), -ERR_CLOSED);
    channel_free(c);
    channel_free(c = NULL);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(close(fds[1]), 0);
    free(seen.body);
}

static void a_reset_on_the_loop_is_no_violation(void **state)
{
    (void)state;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    int fds[2];
    struct seen seen = {0};
    struct channel *c;
    assert_int_equal(channel_pair(fds), 0);
    assert_int_equal(channel_new(&c, &loop, fds[0], PARTY_STORE, PARTY_EDGE, &events, &seen), 0);
    /* Killed before it read its acknowledgement. */
    assert_int_equal(channel_send(c, MESSAGE_ACK, span_of("123456781234567812345678", 24), NULL, 0), 0);
    send_raw(fds[1], "\0\x14zero-or-more", 14, NULL, 0);
    assert_int_equal(close(fds[1]), 0);
    (void)uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(seen.messages, 1);
    assert_int_equal(seen.ends, 1);
    assert_int_equal(seen.error, 0);
    channel_free(c);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    free(seen.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table_passes_its_own_check),
        cmocka_unit_test(a_valid_message_arrives_whole),
        cmocka_unit_test(a_descriptor_that_is_not_taken_is_closed),
        cmocka_unit_test(unknown_number_ends_the_sender),
        cmocka_unit_test(wrong_direction_ends_the_sender),
        cmocka_unit_test(short_and_long_bodies_end_the_sender),
        cmocka_unit_test(extra_descriptors_end_the_sender),
        cmocka_unit_test(only_a_wholly_sealed_memfd_of_the_right_size_is_read),
        cmocka_unit_test(large_bodies_arrive_as_if_inline),
        cmocka_unit_test(messages_sent_before_the_end_are_still_read),
        cmocka_unit_test(waiting_ends_with_the_time),
        cmocka_unit_test(a_channel_may_be_freed_in_its_event),
        cmocka_unit_test(thousands_of_messages_with_back_pressure),
        cmocka_unit_test(a_violation_on_the_loop_ends_the_channel),
        cmocka_unit_test(a_reset_on_the_loop_is_no_violation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
