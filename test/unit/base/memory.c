/* arena, buf and cursor: bounded memory, sticky errors. */
#include "check.h"

#include "base/arena.h"
#include "base/cursor.h"

#include <errno.h>
#include <stdlib.h>

static void an_arena_stays_under_its_cap(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 4096);
    size_t got = 0;
    for (size_t i = 0; i < 1000; i++) {
        uint8_t *at = arena_alloc(&a, 40);
        if (at == NULL)
            break;
        for (size_t k = 0; k < 40; k++)
            assert_int_equal(at[k], 0);
        memset(at, 0xaa, 40);
        assert_int_equal((uintptr_t)at % _Alignof(max_align_t), 0);
        assert_true(a.used <= 4096);
        got++;
    }
    assert_in_range(got, 30, 4096 / 40);
    assert_null(arena_alloc(&a, 4096));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 15));
    assert_null(arena_copy(&a, span_of("x", SIZE_MAX / 2)));
    arena_done(&a);
    assert_int_equal(a.used, 0);
    assert_non_null(arena_alloc(&a, 100)); /* may be used again */
    arena_done(&a);
    arena_done(NULL);
}

static void an_idle_arena_costs_little(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1 << 20);
    assert_int_equal(a.used, 0);
    assert_non_null(arena_alloc(&a, 1));
    assert_true(a.used <= 1024);
    void *first = arena_alloc(&a, 0), *large = arena_alloc(&a, 300000);
    assert_non_null(first);
    assert_non_null(large);
    memset(large, 1, 300000);
    char *copy = arena_copy(&a, span_text("hello"));
    assert_string_equal(copy, "hello");
    assert_string_equal(arena_copy(&a, (struct span){0}), "");
    arena_done(&a);
}

static void a_bufs_first_error_sticks(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 5);
    buf_text(&b, "hello");
    assert_int_equal(b.error, 0);
    assert_string_equal(buf_cstr(&b), "hello"); /* the NUL is outside the cap */
    buf_byte(&b, '!');
    assert_int_equal(b.error, -ERR_LIMIT);
    buf_consume(&b, 3);
    buf_byte(&b, '!');
    assert_int_equal(b.len, 2); /* nothing is added after an error */
    assert_string_equal(buf_cstr(&b), "");
    buf_clear(&b);
    buf_printf(&b, "%d", 12345);
    check_text(&b, "12345");
    buf_printf(&b, "%d", 1);
    assert_int_equal(b.error, -ERR_LIMIT);
    buf_clear(&b);
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_int_equal(b.error, -ERR_LIMIT);
    buf_done(&b);
    buf_done(NULL);
}

static void a_buf_grows_and_consumes(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    for (int i = 0; i < 10000; i++)
        buf_printf(&b, "%d,", i);
    assert_int_equal(b.error, 0);
    buf_consume(&b, b.len - 5);
    check_text(&b, "9999,");
    buf_consume(&b, 1000);
    assert_int_equal(b.len, 0);
    buf_put(&b, NULL, 0);
    buf_be(&b, 0x0102030405060708, 8);
    buf_be(&b, 0x1234, 2);
    assert_memory_equal(b.data, "\1\2\3\4\5\6\7\10\x12\x34", 10);
    buf_done(&b);
}

static void varints_round_trip(void **state)
{
    (void)state;
    static const uint64_t cases[] = {0, 1, 127, 128, 300, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf b;
        buf_init(&b, 16);
        buf_varint(&b, cases[i]);
        struct cursor c = cursor_of(buf_as_span(&b));
        assert_true(cursor_varint(&c) == cases[i]);
        assert_int_equal(c.error, 0);
        assert_int_equal(cursor_left(&c), 0);
        for (size_t cut = 0; cut < b.len; cut++) {
            c = cursor_of(span_of(b.data, cut));
            assert_true(cursor_varint(&c) == 0);
            assert_int_equal(c.error, -ERR_TRUNCATED);
        }
        buf_done(&b);
    }
    struct cursor c = cursor_of(span_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10)); /* 2^64 and more */
    (void)cursor_varint(&c);
    assert_int_equal(c.error, -ERR_MALFORMED);
    c = cursor_of(span_of("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11));
    (void)cursor_varint(&c);
    assert_int_equal(c.error, -ERR_MALFORMED);
}

static void a_cursor_never_reads_past_the_end(void **state)
{
    (void)state;
    uint8_t *exact = malloc(7); /* so that the address sanitizer sees one byte too much */
    assert_non_null(exact);
    memcpy(exact, "\1\2\3\4\5\6\7", 7);
    struct cursor c = cursor_of(span_of(exact, 7));
    assert_int_equal(cursor_u8(&c), 1);
    assert_int_equal(cursor_be16(&c), 0x203);
    assert_int_equal(cursor_be(&c, 3), 0x40506);
    assert_int_equal(cursor_left(&c), 1);
    assert_int_equal(cursor_be32(&c), 0);
    assert_int_equal(c.error, -ERR_TRUNCATED);
    assert_int_equal(cursor_left(&c), 0);
    assert_int_equal(cursor_u8(&c), 0); /* the first error sticks, though a byte is there */
    assert_int_equal(cursor_take(&c, 0).len, 0);
    cursor_fail(&c, -ERR_LIMIT);
    assert_int_equal(c.error, -ERR_TRUNCATED);
    c = cursor_of((struct span){0});
    assert_int_equal(cursor_rest(&c).len, 0);
    assert_int_equal(c.error, 0);
    c = cursor_of(span_of(exact, 7));
    assert_int_equal(cursor_take(&c, SIZE_MAX).len, 0);
    assert_int_equal(c.error, -ERR_TRUNCATED);
    free(exact);
}

static void spans_stay_inside(void **state)
{
    (void)state;
    struct span s = span_text("abcdef");
    assert_true(span_is(span_part(s, 2, 2), "cd"));
    assert_int_equal(span_part(s, 9, 2).len, 0);
    assert_int_equal(span_part(s, 4, SIZE_MAX).len, 2);
    assert_int_equal(span_find(s, 'd'), 3);
    assert_int_equal(span_find(s, 'x'), 6);
    assert_int_equal(span_find((struct span){0}, 'x'), 0);
    assert_true(span_equal((struct span){0}, span_text("")));
    assert_true(span_starts(s, "abc"));
    assert_false(span_starts(span_text("ab"), "abc"));
    assert_int_equal(span_text(NULL).len, 0);
}

static void every_error_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(err_text(0), "no error");
    assert_string_equal(err_text(-ERR_TRUNCATED), "the input ends too early");
    assert_string_equal(err_text(ERR_TRUNCATED), "the input ends too early");
    assert_string_equal(err_text(-ENOENT), "No such file or directory");
    assert_string_equal(err_text(-4999), "unknown error");
    assert_string_equal(err_text(INT32_MIN), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arena_stays_under_its_cap),
        cmocka_unit_test(an_idle_arena_costs_little),
        cmocka_unit_test(a_bufs_first_error_sticks),
        cmocka_unit_test(a_buf_grows_and_consumes),
        cmocka_unit_test(varints_round_trip),
        cmocka_unit_test(a_cursor_never_reads_past_the_end),
        cmocka_unit_test(spans_stay_inside),
        cmocka_unit_test(every_error_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
