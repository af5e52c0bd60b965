/* Inputs: compressed, damaged, huge, folders, pipes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "observe/import/source.h"
#include "observe/import/walk.h"

#include <fcntl.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum packing { PLAIN, GZIP, XZ, ZSTD, PACKINGS };

static void pack_gzip(struct span in, struct buf *out)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    uint8_t *room = buf_reserve(out, in.len + 1024);
    assert_non_null(room);
    z.next_in = (z_const Bytef *)(uintptr_t)in.at;
    z.avail_in = (unsigned)in.len;
    z.next_out = room;
    z.avail_out = (unsigned)in.len + 1024;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += z.total_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
}

/* Appends one member, stream or frame. */
static void pack(enum packing how, struct span in, struct buf *out)
{
    size_t room = in.len + in.len / 8 + 4096, wrote = 0;
    uint8_t *to = buf_reserve(out, room);
    assert_non_null(to);
    switch (how) {
    case GZIP:
        pack_gzip(in, out);
        break;
    case XZ:
        assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, in.at, in.len, to, &wrote, room), LZMA_OK);
        out->len += wrote;
        break;
    case ZSTD:
        wrote = ZSTD_compress(to, room, in.at, in.len, 3);
        assert_false(ZSTD_isError(wrote));
        out->len += wrote;
        break;
    default:
        buf_span(out, in);
    }
}

/* Lines of many lengths, so that block borders fall everywhere. */
static void make_lines(struct buf *out, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        buf_printf(out, "%u%*s%s", i, (int)(i * 7 % 300), "", i % 3 == 0 ? "\r\n" : "\n");
}

static struct source *open_bytes(struct span bytes)
{
    struct source *s;
    assert_int_equal(source_open_bytes(&s, "test", bytes), 0);
    return s;
}

static void check_lines(struct source *s, unsigned count)
{
    struct span line;
    for (unsigned i = 0; i < count; i++) {
        char expected[400];
        (void)snprintf(expected, sizeof expected, "%u%*s", i, (int)(i * 7 % 300), "");
        assert_int_equal(source_line(s, &line), 1);
        assert_true(span_is(line, expected));
        assert_true(source_line_number(s) == i + 1);
    }
    assert_int_equal(source_line(s, &line), 0);
    assert_int_equal(source_line(s, &line), 0);
}

static void all_packings_give_the_same_lines(void **state)
{
    (void)state;
    struct buf text, half;
    buf_init(&text, 0);
    buf_init(&half, 0);
    make_lines(&text, 3000);
    make_lines(&half, 1500);
    for (enum packing how = PLAIN; how < PACKINGS; how++) {
        struct buf packed;
        buf_init(&packed, 0);
        pack(how, buf_as_span(&text), &packed);
        struct source *s = open_bytes(buf_as_span(&packed));
        assert_true(source_head(s).len == SOURCE_HEAD_MAX);
        check_lines(s, 3000);
        source_close(s);
        /* The same in two members, as log rotation by concatenation makes them. */
        buf_clear(&packed);
        pack(how, span_part(buf_as_span(&text), 0, half.len + 5), &packed);
        pack(how, span_part(buf_as_span(&text), half.len + 5, text.len), &packed);
        s = open_bytes(buf_as_span(&packed));
        check_lines(s, 3000);
        source_close(s);
        buf_done(&packed);
    }
    buf_done(&text);
    buf_done(&half);
}

static void a_damaged_file_gives_what_stands_before(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 0);
    make_lines(&text, 3000);
    for (enum packing how = GZIP; how < PACKINGS; how++) {
        struct buf packed;
        buf_init(&packed, 0);
        pack(how, buf_as_span(&text), &packed);
        for (size_t len = 7; len < packed.len; len += 1 + packed.len / 97) {
            struct source *s = open_bytes(span_of(packed.data, len));
            struct span line;
            int r;
            unsigned i = 0;
            while ((r = source_line(s, &line)) == 1) {
                char expected[400];
                (void)snprintf(expected, sizeof expected, "%u%*s", i, (int)(i * 7 % 300), "");
                assert_true(span_is(line, expected));
                i++;
            }
            assert_int_equal(r, -ERR_TRUNCATED);
            assert_string_equal(source_error(s), "the compressed data ends too early");
            assert_int_equal(source_line(s, &line), -ERR_TRUNCATED);
            source_close(s);
        }
        unsigned damaged = 0;
        for (size_t at = 12; at < packed.len; at += 1 + packed.len / 61) {
            packed.data[at] ^= 0x5a;
            struct source *s = open_bytes(buf_as_span(&packed));
            struct span line;
            int r;
            while ((r = source_line(s, &line)) == 1)
                ;
            damaged += r < 0;
            source_close(s);
            packed.data[at] ^= 0x5a;
        }
        assert_true(damaged > 30); /* zstd without a checksum can't see all */
        buf_text(&packed, "rubbish");
        struct source *s = open_bytes(buf_as_span(&packed));
        struct span line;
        unsigned i = 0;
        while (source_line(s, &line) == 1)
            i++;
        assert_int_equal(i, 3000);
        assert_true(source_line(s, &line) < 0); /* damaged, or the too early end of a further member */
        source_close(s);
        buf_done(&packed);
    }
    buf_done(&text);
}

static void long_lines_are_skipped_and_counted(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 0);
    buf_text(&text, "first\n");
    for (int i = 0; i < SOURCE_LINE_MAX; i++)
        buf_byte(&text, 'a');
    buf_text(&text, "\nb");
    for (int i = 0; i < SOURCE_LINE_MAX; i++)
        buf_byte(&text, 'b');
    buf_text(&text, "\n\nlast");
    struct source *s = open_bytes(buf_as_span(&text));
    struct span line;
    assert_int_equal(source_line(s, &line), 1);
    assert_true(span_is(line, "first"));
    assert_int_equal(source_line(s, &line), 1); /* exactly 1 MiB may be */
    assert_int_equal(line.len, SOURCE_LINE_MAX);
    assert_int_equal(source_line(s, &line), 1);
    assert_int_equal(line.len, 0);
    assert_int_equal(source_long_lines(s), 1);
    assert_int_equal(source_line_number(s), 4);
    assert_int_equal(source_line(s, &line), 1);
    assert_true(span_is(line, "last"));
    assert_int_equal(source_line(s, &line), 0);
    source_close(s);
    buf_consume(&text, 6 + SOURCE_LINE_MAX + 1);
    text.len -= 6; /* ends within the long line */
    s = open_bytes(buf_as_span(&text));
    assert_int_equal(source_line(s, &line), 0);
    assert_int_equal(source_long_lines(s), 1);
    source_close(s);
    buf_done(&text);
}

static long peak_kib(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* 256 MiB of one line, and of empty lines. */
static void a_bomb_leaves_memory_flat(void **state)
{
    (void)state;
    for (int lines = 0; lines < 2; lines++) {
        z_stream z = {0};
        struct buf packed;
        buf_init(&packed, 0);
        static uint8_t block[1 << 20];
        memset(block, lines != 0 ? '\n' : 'x', sizeof block);
        assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        for (int i = 0; i < 256; i++) {
            z.next_in = block;
            z.avail_in = sizeof block;
            do {
                z.next_out = buf_reserve(&packed, 65536);
                z.avail_out = 65536;
                assert_non_null(z.next_out);
                assert_true(deflate(&z, i == 255 ? Z_FINISH : Z_NO_FLUSH) >= 0);
                packed.len += 65536 - z.avail_out;
            } while (z.avail_out == 0);
        }
        (void)deflateEnd(&z);
        long before = peak_kib();
        struct source *s = open_bytes(buf_as_span(&packed));
        struct span line;
        uint64_t got = 0;
        int r;
        while ((r = source_line(s, &line)) == 1)
            got++;
        assert_int_equal(r, 0);
        assert_true(got == (lines != 0 ? UINT64_C(256) << 20 : 0));
        assert_true(source_long_lines(s) == (lines != 0 ? 0 : 1));
        assert_true(peak_kib() - before < 8 * 1024);
        source_close(s);
        buf_done(&packed);
    }
}

static void a_window_that_is_too_large_is_refused(void **state)
{
    (void)state;
    /* A zstd frame header that asks for a window of 2^31 bytes (RFC 8878 §3.1.1.1.2: exponent 21). */
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00};
    struct source *s = open_bytes(span_of(frame, sizeof frame));
    struct span line;
    assert_int_equal(source_line(s, &line), -ERR_LIMIT);
    assert_string_equal(source_error(s), "the compressed data wants more than 128 MiB of memory");
    source_close(s);
}

struct seen {
    struct buf text;
    uint64_t last_bytes, last_total, calls;
};

static int put(void *user, const struct record *record)
{
    struct seen *seen = user;
    char text[ID_TEXT_SIZE];
    buf_printf(&seen->text, "%s\n", id_print(record->id, text));
    return 0;
}

static void progress(void *user, const char *file, uint64_t bytes, uint64_t total)
{
    (void)file;
    struct seen *seen = user;
    assert_true(bytes >= seen->last_bytes);
    assert_true(total == 0 || bytes <= total);
    seen->last_bytes = bytes;
    seen->last_total = total;
    seen->calls++;
}

static void failed(void *user, const char *file, const char *why)
{
    struct seen *seen = user;
    const char *slash = strrchr(file, '/');
    buf_printf(&seen->text, "failed %s: %s\n", slash != NULL ? slash + 1 : file, why);
}

static char folder[] = "/tmp/noroshi-import-XXXXXX";

static void put_file(const char *name, struct span content)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(content.len == 0 || fwrite(content.at, 1, content.len, file) == content.len);
    assert_int_equal(fclose(file), 0);
}

static void login(struct buf *out, const char *user)
{
    buf_printf(out, "{\"eventid\":\"cowrie.login.failed\",\"username\":\"%s\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"session\":\"a\"}\n", user);
}

static void import_paths(struct seen *seen, const char *const *paths, size_t count, struct import_totals *totals)
{
    buf_init(&seen->text, 0);
    seen->last_bytes = seen->calls = 0;
    const struct import_options options = {.user = seen, .put = put, .progress = progress, .failed = failed};
    assert_int_equal(import_run(&options, paths, count, totals), 0);
}

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"a.json.gz",   "b.json",   "b/c.json.zst", "b/loop", "b",       "d.xz",
                                        "e-other.txt", "f-cut.gz", "g-empty",      "h-link", ".hidden", "i-pipe"};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        if (remove(path) != 0)
            (void)rmdir(path);
    }
    return rmdir(folder);
}

static void a_folder_is_walked_in_order_and_never_left(void **state)
{
    (void)state;
    struct buf one, two, packed;
    buf_init(&one, 0);
    buf_init(&two, 0);
    buf_init(&packed, 0);
    login(&one, "one");
    login(&two, "two");
    char path[300];
    (void)snprintf(path, sizeof path, "%s/b", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    pack(GZIP, buf_as_span(&one), &packed);
    put_file("a.json.gz", buf_as_span(&packed));
    (void)snprintf(path, sizeof path, "%s/f-cut.gz", folder);
    put_file("f-cut.gz", span_of(packed.data, packed.len - 1));
    buf_clear(&packed);
    put_file("b.json", buf_as_span(&two));
    pack(ZSTD, buf_as_span(&one), &packed);
    put_file("b/c.json.zst", buf_as_span(&packed));
    buf_clear(&packed);
    pack(XZ, buf_as_span(&two), &packed);
    put_file("d.xz", buf_as_span(&packed));
    put_file("e-other.txt", span_text("no log of any kind\n"));
    put_file("g-empty", (struct span){0});
    put_file(".hidden", buf_as_span(&one));
    (void)snprintf(path, sizeof path, "%s/h-link", folder);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    (void)snprintf(path, sizeof path, "%s/b/loop", folder);
    assert_int_equal(symlink("..", path), 0);
    (void)snprintf(path, sizeof path, "%s/i-pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0); /* would wait for ever if it were opened */

    struct seen seen, single;
    struct import_totals totals;
    const char *paths[] = {folder, "/nonexistent/file"};
    import_paths(&seen, paths, 2, &totals);
    assert_int_equal(totals.files, 6); /* g-empty and what was read of f-cut.gz included */
    assert_int_equal(totals.failed, 3);
    assert_int_equal(totals.records, 5);
    assert_true(seen.last_bytes == seen.last_total && seen.last_total > 0);
    /* The same line has the same id, whatever file and packing it comes from. */
    (void)snprintf(path, sizeof path, "%s/b.json", folder);
    const char *plain = path;
    import_paths(&single, &plain, 1, &totals);
    struct span all = buf_as_span(&seen.text), id_two = buf_as_span(&single.text);
    assert_true(span_starts(all, "failed file: No such file or directory\n"));
    all = span_part(all, strlen("failed file: No such file or directory\n"), all.len);
    struct span id_one = span_part(all, 0, 27);
    assert_true(span_equal(span_part(all, 27, 27), id_one)); /* b/c.json.zst: "b" comes before "b.json" */
    assert_true(span_equal(span_part(all, 54, 27), id_two));
    assert_true(span_equal(span_part(all, 81, 27), id_two));
    all = span_part(all, 108, all.len);
    assert_true(span_starts(all, "failed e-other.txt: no reader knows this format\n"));
    all = span_part(all, strlen("failed e-other.txt: no reader knows this format\n"), all.len);
    assert_true(span_equal(span_part(all, 0, 27), id_one)); /* what was read of the cut file is kept */
    assert_true(span_is(span_part(all, 27, all.len), "failed f-cut.gz: the compressed data ends too early\n"));
    buf_done(&seen.text);
    buf_done(&single.text);
    buf_done(&one);
    buf_done(&two);
    buf_done(&packed);
}

static void standard_input_is_read(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 0);
    login(&text, "x");
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_true(write(ends[1], text.data, text.len) == (ssize_t)text.len);
    (void)close(ends[1]);
    int before = dup(STDIN_FILENO);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    (void)close(ends[0]);
    struct seen seen;
    struct import_totals totals;
    const char *paths[] = {"-"};
    import_paths(&seen, paths, 1, &totals);
    assert_int_equal(totals.records, 1);
    assert_int_equal(seen.last_total, 0);
    assert_true(dup2(before, STDIN_FILENO) >= 0);
    (void)close(before);
    buf_done(&seen.text);
    buf_done(&text);
}

static int refuse(void *user, const struct record *record)
{
    (void)user;
    (void)record;
    return -ERR_STORE;
}

static void a_store_that_fails_ends_the_run(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 0);
    login(&text, "x");
    login(&text, "y");
    struct import_options options = {.put = refuse};
    struct import_totals totals;
    assert_int_equal(import_bytes(&options, "x", buf_as_span(&text), &totals), -ERR_STORE);
    assert_int_equal(totals.records, 1);
    options.format = "nonsense";
    assert_int_equal(import_bytes(&options, "x", buf_as_span(&text), &totals), -ERR_UNKNOWN);
    size_t count;
    assert_string_equal(readers_all(&count)[0]->name, "cowrie");
    assert_true(count >= 1);
    assert_null(reader_by_name("nonsense"));
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_packings_give_the_same_lines),
        cmocka_unit_test(a_damaged_file_gives_what_stands_before),
        cmocka_unit_test(long_lines_are_skipped_and_counted),
        cmocka_unit_test(a_bomb_leaves_memory_flat),
        cmocka_unit_test(a_window_that_is_too_large_is_refused),
        cmocka_unit_test_setup_teardown(a_folder_is_walked_in_order_and_never_left, make_folder, remove_folder),
        cmocka_unit_test(standard_input_is_read),
        cmocka_unit_test(a_store_that_fails_ends_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
