/* Country and autonomous system by databases in MaxMind's format, made here; a damaged one gives nothing, and harms nothing. */
#include "observe.h"

#include "store/geo.h"

#include <sys/mman.h>

enum { NODES_MAX = 1024 };

/* The library (1.7.1) forgets what it had allocated of some damaged metadata when it refuses a file. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libmaxminddb";
}

/* A search tree of IPv6, IPv4 below ::/96, records of 24 bits (MaxMind DB File Format Specification 2.0). */
struct maker {
    uint32_t nodes[NODES_MAX][2]; /* 0: empty, below NODES_MAX: a node, else NODES_MAX + offset into data */
    uint32_t count;
    struct buf data;
};

static void text(struct buf *out, const char *word)
{
    size_t len = strlen(word);
    buf_byte(out, (uint8_t)(2U << 5 | (len < 29 ? len : 29)));
    if (len >= 29)
        buf_byte(out, (uint8_t)(len - 29));
    buf_text(out, word);
}

static void map(struct buf *out, unsigned pairs)
{
    buf_byte(out, (uint8_t)(7U << 5 | pairs));
}

static void number(struct buf *out, unsigned type, uint32_t value)
{
    buf_byte(out, (uint8_t)(type << 5 | 4));
    buf_be(out, value, 4);
}

static void small(struct buf *out, const char *key, uint16_t value)
{
    text(out, key);
    buf_byte(out, 5U << 5 | 2);
    buf_be(out, value, 2);
}

static void add(struct maker *m, const char *prefix, uint32_t offset)
{
    struct prefix p;
    assert_int_equal(prefix_parse(span_text(prefix), &p), 0);
    if (addr_is_v4(p.addr))
        memset(p.addr.bytes, 0, 12);
    uint32_t node = 0;
    for (unsigned bit = 0; bit + 1 < p.bits; bit++) {
        uint32_t *next = &m->nodes[node][p.addr.bytes[bit / 8] >> (7 - bit % 8) & 1];
        if (*next == 0)
            *next = m->count++;
        assert_true(m->count < NODES_MAX);
        node = *next;
    }
    m->nodes[node][p.addr.bytes[(p.bits - 1) / 8] >> (7 - (p.bits - 1) % 8) & 1] = NODES_MAX + offset;
}

static void finish(struct maker *m, struct buf *out)
{
    buf_init(out, 0);
    for (uint32_t i = 0; i < m->count; i++) {
        for (int side = 0; side < 2; side++) {
            uint32_t at = m->nodes[i][side];
            buf_be(out, at == 0 ? m->count : at < NODES_MAX ? at : at - NODES_MAX + m->count + 16, 3);
        }
    }
    for (int i = 0; i < 16; i++)
        buf_byte(out, 0);
    buf_span(out, buf_as_span(&m->data));
    buf_text(out, "\xab\xcd\xefMaxMind.com");
    map(out, 9);
    text(out, "node_count");
    number(out, 6, m->count);
    small(out, "record_size", 24);
    small(out, "ip_version", 6);
    text(out, "database_type");
    text(out, "test");
    text(out, "languages");
    buf_put(out, "\x00\x04", 2);
    small(out, "binary_format_major_version", 2);
    small(out, "binary_format_minor_version", 0);
    text(out, "build_epoch");
    buf_put(out, "\x04\x02\x65\x00\x00\x00", 6);
    text(out, "description");
    map(out, 0);
    buf_done(&m->data);
    assert_int_equal(out->error, 0);
}

static void make_country(struct buf *out)
{
    struct maker *m = calloc(1, sizeof *m);
    assert_non_null(m);
    m->count = 1;
    map(&m->data, 1);
    text(&m->data, "country");
    map(&m->data, 1);
    text(&m->data, "iso_code");
    text(&m->data, "JP");
    uint32_t second = (uint32_t)m->data.len;
    map(&m->data, 1);
    text(&m->data, "country_code");
    text(&m->data, "de");
    uint32_t third = (uint32_t)m->data.len;
    map(&m->data, 1);
    text(&m->data, "country");
    text(&m->data, "Example Land");
    add(m, "192.0.2.0/25", 0);
    add(m, "2001:db8::/32", second);
    add(m, "203.0.113.0/24", third);
    finish(m, out);
    free(m);
}

static void make_asn(struct buf *out)
{
    struct maker *m = calloc(1, sizeof *m);
    assert_non_null(m);
    m->count = 1;
    map(&m->data, 2);
    text(&m->data, "autonomous_system_number");
    number(&m->data, 6, 64500);
    text(&m->data, "autonomous_system_organization");
    text(&m->data, "Example Net");
    uint32_t second = (uint32_t)m->data.len;
    map(&m->data, 2);
    text(&m->data, "asn");
    text(&m->data, "AS4200000001");
    text(&m->data, "as_name");
    text(&m->data, "Other Net");
    add(m, "192.0.2.0/24", 0);
    add(m, "2001:db8::/33", second);
    finish(m, out);
    free(m);
}

static int descriptor_of(struct span bytes)
{
    int fd = memfd_create("mmdb", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.at, bytes.len), (ssize_t)bytes.len);
    return fd;
}

static struct geo *geo_of(int country, int asn)
{
    struct geo *geo = NULL;
    const char *bad = NULL;
    assert_int_equal(geo_open(&geo, country, asn, &bad), 0);
    return geo;
}

static void check(const struct geo *geo, const char *address, const char *country, uint32_t asn, const char *name)
{
    struct addr addr;
    struct geo_place place;
    assert_int_equal(addr_parse(span_text(address), &addr), 0);
    geo_find(geo, addr, &place);
    assert_string_equal(place.country, country);
    assert_int_equal(place.asn, asn);
    assert_string_equal(place.as_name, name);
}

static void addresses_are_found(void **state)
{
    (void)state;
    struct buf country, asn;
    make_country(&country);
    make_asn(&asn);
    int country_fd = descriptor_of(buf_as_span(&country)), asn_fd = descriptor_of(buf_as_span(&asn));
    struct geo *geo = geo_of(country_fd, asn_fd);
    check(geo, "192.0.2.1", "JP", 64500, "Example Net");
    check(geo, "192.0.2.200", "", 64500, "Example Net");
    check(geo, "2001:db8::1", "DE", 4200000001U, "Other Net");
    check(geo, "2001:db8:8000::1", "DE", 0, "");
    check(geo, "203.0.113.1", "", 0, ""); /* its country is no code */
    check(geo, "198.51.100.1", "", 0, "");
    geo_close(geo);
    geo = geo_of(-1, asn_fd);
    check(geo, "192.0.2.1", "", 64500, "Example Net");
    geo_close(geo);
    geo = geo_of(-1, -1);
    check(geo, "192.0.2.1", "", 0, "");
    geo_close(geo);
    check(NULL, "192.0.2.1", "", 0, "");
    (void)close(country_fd);
    (void)close(asn_fd);
    buf_done(&country);
    buf_done(&asn);
}

static void other_files_are_refused(void **state)
{
    (void)state;
    struct geo *geo = NULL;
    const char *bad = NULL;
    struct buf country;
    make_country(&country);
    int good = descriptor_of(buf_as_span(&country)), other = descriptor_of(span_text("country,JP\n")), empty = descriptor_of(span_text(""));
    assert_int_equal(geo_open(&geo, good, other, &bad), -ERR_MALFORMED);
    assert_string_equal(bad, "asn");
    assert_true(geo_open(&geo, empty, -1, &bad) < 0);
    assert_string_equal(bad, "country");
    (void)close(good);
    (void)close(other);
    (void)close(empty);
    buf_done(&country);
}

static void damaged_files_harm_nothing(void **state)
{
    (void)state;
    struct buf country, asn;
    static const char *const addresses[] = {"192.0.2.1", "2001:db8::1", "203.0.113.1", "198.51.100.1", "::1", "ffff::"};
    make_country(&country);
    make_asn(&asn);
    srandom(1);
    unsigned opened = 0;
    for (unsigned turn = 0; turn < 4000; turn++) {
        const struct buf *whole = turn % 2 == 0 ? &country : &asn;
        struct buf bytes;
        buf_init(&bytes, 0);
        buf_span(&bytes, buf_as_span(whole));
        for (long changes = 1 + random() % 4; changes > 0; changes--)
            bytes.data[(size_t)random() % bytes.len] = (uint8_t)random();
        if (turn % 10 == 0)
            bytes.len = (size_t)random() % bytes.len;
        int fd = descriptor_of(buf_as_span(&bytes));
        struct geo *geo = NULL;
        const char *bad = NULL;
        if (geo_open(&geo, turn % 2 == 0 ? fd : -1, turn % 2 == 0 ? -1 : fd, &bad) == 0) {
            opened++;
            for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
                struct addr addr;
                struct geo_place place;
                assert_int_equal(addr_parse(span_text(addresses[i]), &addr), 0);
                geo_find(geo, addr, &place);
                assert_true(strlen(place.country) <= 2);
            }
            geo_close(geo);
        }
        (void)close(fd);
        buf_done(&bytes);
    }
    assert_true(opened > 100);
    buf_done(&country);
    buf_done(&asn);
}

static void hosts_get_their_place(void **state)
{
    (void)state;
    struct buf country, asn, why;
    make_country(&country);
    make_asn(&asn);
    buf_init(&why, 0);
    int country_fd = descriptor_of(buf_as_span(&country)), asn_fd = descriptor_of(buf_as_span(&asn));
    struct geo *geo = geo_of(country_fd, asn_fd);
    struct place place = place_make(NULL);
    struct store *store = NULL;
    assert_int_equal(store_open_with(&store, place.settings, geo, &why), 0);
    put_attack(store, DAY_ZERO, 1, 23, 64, "root");
    put_answer(store, DAY_ZERO, host_at(2, 23), "telnet", "quiet", 0, NULL, "login:");
    put_answer(store, DAY_ZERO, host_at(200, 23), "telnet", "quiet", 0, NULL, "login:");
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_flush(store), 0);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM host WHERE country='JP' AND asn=64500"), 2);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM host WHERE country IS NULL AND asn=64500"), 1);
    store_close(store);
    place_done(&place);
    geo_close(geo);
    (void)close(country_fd);
    (void)close(asn_fd);
    buf_done(&country);
    buf_done(&asn);
    buf_done(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_found),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(damaged_files_harm_nothing),
        cmocka_unit_test(hosts_get_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
