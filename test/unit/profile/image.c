/* The image that all edges share: opened with care, and the device an address is shown stays the same. */
#include "devices.h"

#include "base/err.h"

static struct addr address(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(span_text(text), &a), 0);
    return a;
}

static void compiling_twice_gives_the_same_bytes(void **state)
{
    (void)state;
    struct buf again;
    assert_int_equal(compile_all(&again), 0);
    assert_true(span_equal(buf_as_span(&image), buf_as_span(&again)));
    buf_done(&again);
}

static void a_cut_image_is_refused(void **state)
{
    (void)state;
    struct profiles *profiles;
    for (size_t len = 0; len < image.len; len += len < 200 ? 1 : 40009) {
        assert_true(profiles_open(&profiles, span_of(image.data, len)) < 0);
    }
    assert_true(profiles_open(&profiles, (struct span){0}) < 0);
}

static void a_changed_image_never_leads_outside(void **state)
{
    (void)state;
    uint8_t *copy = malloc(image.len);
    assert_non_null(copy);
    uint32_t random = 99;
    size_t refused = 0, profile_part = image.len - profiles_count(all) * 300;
    for (size_t i = 0; i < 60; i++) {
        memcpy(copy, image.data, image.len);
        for (size_t k = 0; k < 8; k++) {
            random = random * 1664525 + 1013904223;
            size_t at = i % 2 == 0 ? profile_part + random % (image.len - profile_part) : random % image.len;
            copy[at] = (uint8_t)(random >> 24);
        }
        struct profiles *profiles;
        if (profiles_open(&profiles, span_of(copy, image.len)) != 0) {
            refused++;
            continue;
        }
        size_t sum = 0;
        for (size_t p = 0; p < profiles_count(profiles); p++)
            for (size_t n = 0; n < profiles_at(profiles, p)->node_count; n++) {
                const struct profile_node *node = &profiles_at(profiles, p)->nodes[n];
                sum += node->content.len > 0 ? node->content.at[node->content.len - 1] : 0;
            }
        assert_true(sum > 0);
        profiles_close(profiles);
    }
    print_message("%zu of 60 refused\n", refused);
    assert_true(refused > 0);
    free(copy);
}

static void names_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < profiles_count(all); i++)
        assert_ptr_equal(profiles_by_name(all, profiles_at(all, i)->name), profiles_at(all, i));
    assert_null(profiles_by_name(all, span_text("no-such-device")));
    assert_null(profiles_at(all, profiles_count(all)));
}

static void an_address_always_sees_the_same_device(void **state)
{
    (void)state;
    const struct profile *seen = profiles_by_hash(all, address("203.0.113.77"), NULL);
    assert_non_null(seen);
    for (int i = 0; i < 10; i++)
        assert_ptr_equal(profiles_by_hash(all, address("203.0.113.77"), NULL), seen);
    /* an IPv6 attacker is a /64 */
    assert_ptr_equal(profiles_by_hash(all, address("2001:db8::1"), NULL), profiles_by_hash(all, address("2001:db8::ffff:2"), NULL));
    /* one taken away moves only those who saw it */
    size_t moved = 0, hits = 0;
    const char *three = "mikrotik-rb951,tvt-dvrdvs,qnap-ts259", *two = "mikrotik-rb951,tvt-dvrdvs";
    for (uint32_t i = 0; i < 3000; i++) {
        const struct profile *from_three = profiles_by_hash(all, addr_v4(0xc6336400 + i), three);
        const struct profile *from_two = profiles_by_hash(all, addr_v4(0xc6336400 + i), two);
        bool gone = span_is(from_three->name, "qnap-ts259");
        hits += gone ? 1 : 0;
        moved += !gone && from_three != from_two ? 1 : 0;
    }
    assert_int_equal(moved, 0);
    assert_true(hits > 800 && hits < 1200);
    assert_true(span_is(profiles_by_hash(all, address("192.0.2.1"), " qnap-ts259 , nothing")->name, "qnap-ts259"));
    assert_null(profiles_by_hash(all, address("192.0.2.1"), "nothing"));
    assert_null(profiles_by_hash(all, address("192.0.2.1"), ""));
}

static void devices_are_shown_evenly(void **state)
{
    (void)state;
    size_t *counts = calloc(profiles_count(all), sizeof *counts);
    assert_non_null(counts);
    uint32_t total = (uint32_t)profiles_count(all) * 200;
    for (uint32_t i = 0; i < total; i++)
        counts[profiles_by_hash(all, addr_v4(0x01020304 + i * 7919), NULL) - profiles_at(all, 0)]++;
    for (size_t i = 0; i < profiles_count(all); i++)
        assert_true(counts[i] > 120 && counts[i] < 290);
    free(counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiling_twice_gives_the_same_bytes),   cmocka_unit_test(a_cut_image_is_refused),
        cmocka_unit_test(a_changed_image_never_leads_outside),    cmocka_unit_test(names_are_found),
        cmocka_unit_test(an_address_always_sees_the_same_device), cmocka_unit_test(devices_are_shown_evenly),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
