/* Tables of bulk files: who has which address, to the address; what replaces what; what goes out with a lease. */
#include "make.h"

#include "../contact/shipped.h"
#include "contact/order.h"
#include "store/bulk.h"
#include "store/contacts.h"

#include <signal.h>

enum { ARENA_MAX = 8 * 1024 * 1024, MANY = 20000 };

/* ---- loading ---- */

#define ROLE(handle, mail, source) "role: R\nnic-hdl: " handle "\nabuse-mailbox: " mail "\nsource: " source "\n\n"
#define NET(range, name, handle, source) "inetnum: " range "\nnetname: " name "\ndescr: " name "\nabuse-c: " handle "\nsource: " source "\n\n"
#define ROLES ROLE("P-RIPE", "abuse@provider.example", "RIPE") ROLE("C-RIPE", "abuse@customer.example", "RIPE")

static struct bulk_totals told[8];
static size_t told_count;

static void on_table(void *user, const struct bulk_totals *totals)
{
    (void)user;
    told[told_count++] = *totals;
}

static void feed(struct bulk_load *load, const char *text, usec_t date)
{
    struct bulk_reader reader;
    struct bulk_object object;
    const char *why = NULL;
    uint64_t number = 0;
    assert_int_equal(bulk_load_file(load, "dump", date), 0);
    bulk_reader_init(&reader);
    for (struct span left = span_text(text), line = {0}; left.len > 0 || line.len > 0;) {
        if (!whois_line(&left, &line))
            line = (struct span){0};
        int r = bulk_reader_line(&reader, line, ++number, &object, &why);
        if (r == 1 || (r == -ERR_MALFORMED && object.class == BULK_NETWORK))
            assert_int_equal(bulk_load_object(load, &object), 0);
    }
    bulk_reader_done(&reader);
}

static void load_text(const struct place *place, const char *text, usec_t date)
{
    struct bulk_load *load;
    struct buf why;
    buf_init(&why, 0);
    told_count = 0;
    assert_int_equal(bulk_load_new(&load, book, place->folder, &why), 0);
    feed(load, text, date);
    if (bulk_load_finish(load, on_table, NULL, NULL, &why) != 0)
        fail_msg("%s", buf_cstr(&why));
    bulk_load_free(load);
    buf_done(&why);
}

/* ---- looking up ---- */

static struct addr address_of(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(span_text(text), &addr), 0);
    return addr;
}

/* "HOLDER MAIL", "" when there is none. */
static const char *found(struct bulk *bulk, struct addr addr, usec_t now, struct contact_block *ret)
{
    static char text[200];
    struct arena arena;
    text[0] = '\0';
    arena_init(&arena, ARENA_MAX);
    int r = bulk_find(bulk, addr, now, &arena, ret);
    assert_true(r == 0 || r == 1);
    if (r == 1) {
        assert_true(ret->finding_count > 0 && prefix_holds(ret->block, addr));
        (void)snprintf(text, sizeof text, "%.*s %.*s", (int)ret->holder.len, (const char *)ret->holder.at, (int)ret->findings[0].value.len,
                       (const char *)ret->findings[0].value.at);
    }
    arena_done(&arena);
    return text;
}

static void is_found(struct bulk *bulk, const char *addr, const char *expected)
{
    struct contact_block block;
    assert_string_equal(found(bulk, address_of(addr), usec_now(), &block), expected);
}

static struct bulk *open_bulk(const struct place *place)
{
    struct bulk *bulk;
    assert_int_equal(bulk_open(&bulk, place->folder, 30), 0);
    return bulk;
}

static const char provider_text[] = ROLES NET("192.0.2.0 - 192.0.2.255", "Provider", "P-RIPE", "RIPE")
    NET("192.0.2.10 - 192.0.2.45", "Customer", "C-RIPE", "RIPE") NET("192.0.2.20 - 192.0.2.23", "Provider", "P-RIPE", "RIPE")
        NET("192.0.2.100 - 192.0.2.107", "Nobody", "X-RIPE", "RIPE") "inetnum: 192.0.2.200 - 192.0.2.203\nbroken\nsource: RIPE\n\n"
                                                                     "inetnum: 192.0.2.220 - 192.0.2.221\nnetname: NON-RIPE-NCC-MANAGED-ADDRESS-"
                                                                     "BLOCK\nabuse-c: P-RIPE\nsource: RIPE\n\n";

/* Whose an address is, by the text above. */
static const char *owner(unsigned host)
{
    if ((host >= 100 && host <= 107) || (host >= 200 && host <= 203) || host == 220 || host == 221)
        return "";
    bool customer = host >= 10 && host <= 45 && !(host >= 20 && host <= 23);
    return customer ? "Customer abuse@customer.example" : "Provider abuse@provider.example";
}

static void no_answer_reaches_a_neighbour(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct contact_block block;
    load_text(&place, provider_text, usec_now());
    struct bulk *bulk = open_bulk(&place);
    for (unsigned host = 0; host < 256; host++) {
        const char *whose = found(bulk, addr_v4(0xc0000200U + host), usec_now(), &block);
        assert_string_equal(whose, owner(host));
        /* and the block it holds for is that owner's alone */
        for (unsigned other = 0; whose[0] != '\0' && other < 256; other++)
            if (prefix_holds(block.block, addr_v4(0xc0000200U + other)))
                assert_string_equal(owner(other), whose);
    }
    is_found(bulk, "192.0.1.255", "");
    is_found(bulk, "192.0.3.0", "");
    is_found(bulk, "2001:db8::1", "");
    assert_int_equal(told_count, 1);
    assert_int_equal(told[0].networks, 6);
    assert_int_equal(told[0].answered, 3);
    bulk_close(bulk);
    place_done(&place);
}

static void ranges_that_cut_each_other_answer_nothing_there(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    load_text(&place,
              ROLES NET("192.0.2.0/24", "Provider", "P-RIPE", "RIPE") NET("192.0.2.10 - 192.0.2.19", "Customer", "C-RIPE", "RIPE")
                  NET("192.0.2.15 - 192.0.2.29", "Other", "C-RIPE", "RIPE") NET("192.0.2.0/24", "Again", "C-RIPE", "RIPE"),
              usec_now());
    struct bulk *bulk = open_bulk(&place);
    is_found(bulk, "192.0.2.9", "Provider abuse@provider.example");
    is_found(bulk, "192.0.2.14", "Customer abuse@customer.example");
    is_found(bulk, "192.0.2.15", "");
    is_found(bulk, "192.0.2.29", "");
    is_found(bulk, "192.0.2.30", "Provider abuse@provider.example");
    assert_int_equal(told[0].overlapping, 1);
    assert_int_equal(told[0].twice, 1);
    bulk_close(bulk);
    place_done(&place);
}

static void the_ends_of_the_address_space(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    load_text(&place,
              ROLES NET("255.255.255.0 - 255.255.255.255", "Provider", "P-RIPE", "RIPE") NET("255.255.255.255/32", "Customer", "C-RIPE", "RIPE")
                  NET("0.0.0.0 - 0.0.0.3", "Customer", "C-RIPE", "RIPE") "inet6num: ffff::/16\ndescr: Six\nabuse-c: P-RIPE\nsource: RIPE\n",
              usec_now());
    struct bulk *bulk = open_bulk(&place);
    is_found(bulk, "0.0.0.0", "Customer abuse@customer.example");
    is_found(bulk, "0.0.0.4", "");
    is_found(bulk, "255.255.255.254", "Provider abuse@provider.example");
    is_found(bulk, "255.255.255.255", "Customer abuse@customer.example");
    is_found(bulk, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "Six abuse@provider.example");
    is_found(bulk, "fffe::", "");
    assert_int_equal(told_count, 2);
    bulk_close(bulk);
    place_done(&place);
}

static void it_says_where_it_comes_from_and_grows_old(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct contact_block block;
    usec_t date = DAY_ZERO, now = DAY_ZERO + USEC_PER_DAY;
    load_text(&place, ROLES NET("192.0.2.10 - 192.0.2.45", "Customer", "C-RIPE", "RIPE"), date);
    struct bulk *bulk = open_bulk(&place);
    struct arena arena;
    arena_init(&arena, ARENA_MAX);
    assert_int_equal(bulk_find(bulk, address_of("192.0.2.16"), now, &arena, &block), 1);
    assert_true(span_is(block.channel, "ip_whois") && block.expires == date + 30 * USEC_PER_DAY);
    assert_true(span_is(block.findings[0].origin, "RIPE, bulk file dump of 2024-05-10") && span_equal(block.server, block.findings[0].origin));
    assert_int_equal(block.findings[0].role, CONTACT_ROLE_ABUSE);
    assert_int_equal(block.block.bits, 124);             /* 192.0.2.16/28 */
    assert_int_equal(block.findings[0].block.bits, 122); /* 192.0.2.0/26 holds the range */
    assert_int_equal(bulk_find(bulk, address_of("192.0.2.16"), date + 30 * USEC_PER_DAY, &arena, &block), 0);
    assert_int_equal(bulk_find(bulk, address_of("192.0.2.16"), date - 1, &arena, &block), 0);
    arena_done(&arena);
    bulk_close(bulk);
    assert_int_equal(bulk_open(&bulk, place.folder, 0), 0);
    assert_string_equal(found(bulk, address_of("192.0.2.16"), now, &block), "");
    bulk_close(bulk);
    place_done(&place);
}

static void a_registry_s_table_is_replaced_and_others_stay(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct bulk *bulk = open_bulk(&place);
    is_found(bulk, "192.0.2.1", "");
    load_text(&place, provider_text, usec_now());
    is_found(bulk, "192.0.2.1", "Provider abuse@provider.example");
    load_text(&place, ROLE("A-AP", "abuse@apnic-member.example", "APNIC") NET("198.51.100.0/24", "Member", "A-AP", "APNIC"), usec_now());
    is_found(bulk, "198.51.100.1", "Member abuse@apnic-member.example");
    load_text(&place, ROLES NET("192.0.2.0/25", "Customer", "C-RIPE", "RIPE"), usec_now());
    is_found(bulk, "192.0.2.1", "Customer abuse@customer.example");
    is_found(bulk, "192.0.2.129", "");
    is_found(bulk, "198.51.100.1", "Member abuse@apnic-member.example");
    /* two registries claim it: the walk is to find out */
    load_text(&place, ROLE("A-AP", "abuse@apnic-member.example", "APNIC") NET("192.0.2.0/26", "Member", "A-AP", "APNIC"), usec_now());
    is_found(bulk, "192.0.2.1", "");
    is_found(bulk, "192.0.2.65", "Customer abuse@customer.example");
    bulk_close(bulk);
    place_done(&place);
}

static void on_progress(void *user, uint64_t done, uint64_t all)
{
    (void)user;
    assert_true(done < all);
    (void)raise(SIGKILL);
}

static void killed_in_the_middle_the_old_table_stays(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct buf many;
    load_text(&place, provider_text, usec_now());
    buf_init(&many, 0);
    buf_text(&many, ROLES);
    for (unsigned i = 0; i < MANY; i++) {
        char text[ADDR_TEXT_SIZE];
        buf_printf(&many, "inetnum: %s/32\nnetname: N%u\nabuse-c: C-RIPE\nsource: RIPE\n\n", addr_print(addr_v4(0xc0000200U + i), text), i);
    }
    pid_t child = fork();
    if (child == 0) {
        struct bulk_load *load;
        struct buf why;
        buf_init(&why, 0);
        if (bulk_load_new(&load, book, place.folder, &why) == 0) {
            feed(load, buf_cstr(&many), usec_now());
            (void)bulk_load_finish(load, on_table, on_progress, NULL, &why);
        }
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    struct bulk *bulk = open_bulk(&place);
    is_found(bulk, "192.0.2.1", "Provider abuse@provider.example");
    load_text(&place, buf_cstr(&many), usec_now());
    is_found(bulk, "192.0.2.1", "N1 abuse@customer.example");
    bulk_close(bulk);
    buf_done(&many);
    place_done(&place);
}

static void one_load_at_a_time(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct bulk_load *one, *two;
    struct buf why;
    buf_init(&why, 0);
    assert_int_equal(bulk_load_new(&one, book, place.folder, &why), 0);
    assert_int_equal(bulk_load_new(&two, book, place.folder, &why), -ERR_BUSY);
    bulk_load_free(one);
    assert_int_equal(bulk_load_new(&two, book, place.folder, &why), 0);
    bulk_load_free(two);
    buf_done(&why);
    place_done(&place);
}

static void a_damaged_table_is_told(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct contact_block block;
    struct arena arena;
    char path[PATH_MAX];
    load_text(&place, provider_text, usec_now());
    (void)snprintf(path, sizeof path, "%s/bulk/ripe.4.db", place.folder);
    FILE *out = fopen(path, "r+e");
    assert_non_null(out);
    for (int i = 0; i < 16384; i++)
        (void)fputc('x', out);
    (void)fclose(out);
    struct bulk *bulk = open_bulk(&place);
    arena_init(&arena, ARENA_MAX);
    assert_true(bulk_find(bulk, address_of("192.0.2.1"), usec_now(), &arena, &block) < 0);
    arena_done(&arena);
    bulk_close(bulk);
    place_done(&place);
}

/* ---- leases ---- */

static size_t blocks_of_lease(const struct place *place, struct bulk *bulk, const char *addr, uint8_t flags, char server[static 100])
{
    struct contact_order order = {.addr = address_of(addr), .when = usec_now(), .flags = flags, .cause = span_text("operator")}, decoded;
    struct control *control = NULL;
    struct arena arena;
    struct buf input, out, why;
    char path[PATH_MAX];
    buf_init(&input, 0);
    buf_init(&out, 0);
    buf_init(&why, 0);
    arena_init(&arena, ARENA_MAX);
    (void)snprintf(path, sizeof path, "%s/control.db", place->folder);
    assert_int_equal(control_open(&control, path, &why), 0);
    contact_order_encode(&input, &order);
    assert_int_equal(contacts_complete(control_database(control), bulk, buf_as_span(&input), 0, span_text(""), usec_now(), &out), 0);
    assert_int_equal(contact_order_decode(&arena, buf_as_span(&out), &decoded), 0);
    size_t count = decoded.block_count;
    server[0] = '\0';
    if (count > 0)
        (void)snprintf(server, 100, "%.*s", (int)decoded.blocks[0].server.len, (const char *)decoded.blocks[0].server.at);
    control_close(control);
    buf_done(&input);
    buf_done(&out);
    buf_done(&why);
    arena_done(&arena);
    return count;
}

static void a_lease_carries_the_answer(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    char server[100];
    load_text(&place, provider_text, usec_now());
    struct bulk *bulk = open_bulk(&place);
    assert_int_equal(blocks_of_lease(&place, bulk, "192.0.2.30", 0, server), 1);
    assert_memory_equal(server, "RIPE, bulk file dump of 20", 26);
    assert_int_equal(blocks_of_lease(&place, bulk, "192.0.2.101", 0, server), 0);
    assert_int_equal(blocks_of_lease(&place, bulk, "192.0.2.30", CONTACT_ORDER_FRESH, server), 0);
    assert_int_equal(blocks_of_lease(&place, NULL, "192.0.2.30", 0, server), 0);
    bulk_close(bulk);
    place_done(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_answer_reaches_a_neighbour),
        cmocka_unit_test(ranges_that_cut_each_other_answer_nothing_there),
        cmocka_unit_test(the_ends_of_the_address_space),
        cmocka_unit_test(it_says_where_it_comes_from_and_grows_old),
        cmocka_unit_test(a_registry_s_table_is_replaced_and_others_stay),
        cmocka_unit_test(killed_in_the_middle_the_old_table_stays),
        cmocka_unit_test(one_load_at_a_time),
        cmocka_unit_test(a_damaged_table_is_told),
        cmocka_unit_test(a_lease_carries_the_answer),
    };
    return cmocka_run_group_tests(tests, open_book, close_book);
}
