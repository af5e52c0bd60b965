/* Objects of bulk files, and what the registry's server would have replied for a network of them. */
#include "../base/check.h"
#include "shipped.h"

#include "base/err.h"
#include "contact/bulk.h"

enum { ARENA_MAX = 64 * 1024 * 1024, OBJECTS_MAX = 32, CHAIN_MAX = 8 };

/* ---- objects ---- */

/* "class registry line handle-or-first - last", or "line: why" of a broken one, a line each; then the text. */
static void tell(struct buf *out, int r, const struct bulk_object *object, const char *why)
{
    char first[ADDR_TEXT_SIZE], last[ADDR_TEXT_SIZE];
    if (r == 0)
        return;
    if (r == -ERR_MALFORMED)
        buf_printf(out, "broken%s %llu: %s\n", object->class == BULK_NETWORK ? " network" : "", (unsigned long long)object->line, why);
    else if (object->class == BULK_NETWORK)
        buf_printf(out, "network %s %llu %s - %s\n", bulk_registry_text(object->registry), (unsigned long long)object->line,
                   addr_print(object->range.first, first), addr_print(object->range.last, last));
    else
        buf_printf(out, "contact %s %llu %.*s\n", bulk_registry_text(object->registry), (unsigned long long)object->line, (int)object->handle.len,
                   (const char *)object->handle.at);
    if (r == 1)
        buf_span(out, object->text);
}

static void reads(const char *text, const char *expected)
{
    struct bulk_reader reader;
    struct bulk_object object;
    struct buf out;
    const char *why = NULL;
    uint64_t number = 0;
    buf_init(&out, 0);
    bulk_reader_init(&reader);
    for (struct span left = span_text(text), line; whois_line(&left, &line);) {
        int r = bulk_reader_line(&reader, line, ++number, &object, &why);
        tell(&out, r, &object, why);
    }
    int r = bulk_reader_end(&reader, &object, &why);
    tell(&out, r, &object, why);
    assert_string_equal(buf_cstr(&out), expected);
    bulk_reader_done(&reader);
    buf_done(&out);
}

static void objects_are_read(void **state)
{
    (void)state;
    reads("# The terms\n#\n\ninetnum:        192.0.2.0 - 192.0.2.199\nnetname:   ONE\ndescr:  One\n        Two\nstatus: ASSIGNED PA\n# "
          "inside\nmnt-by: X\n"
          "created: 2001-01-01T00:00:00Z\nsource: RIPE # Filtered\n\nroute: 192.0.2.0/24\norigin: AS64500\nsource: RIPE\n",
          "network RIPE 4 192.0.2.0 - 192.0.2.199\ninetnum:        192.0.2.0 - 192.0.2.199\nnetname:   ONE\ndescr:  One\n        Two\nmnt-by: X\n"
          "source: RIPE # Filtered\n");
    reads("irt: IRT-ONE-AP\naddress: Street\naddress: write to a@one.example\nphone: +1\n+ 2\ne-mail: a@one.example\nchanged: b@one.example\nmnt-by: "
          "X\nsource: APNIC\n\n\n\ninet6num: 2001:db8::/32\nsource: JPNIC\n",
          "contact APNIC 1 IRT-ONE-AP\nirt: IRT-ONE-AP\naddress: write to a@one.example\ne-mail: a@one.example\nsource: APNIC\n"
          "network APNIC 13 2001:db8:: - 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff\ninet6num: 2001:db8::/32\nsource: JPNIC\n");
}

static void contacts_that_say_nothing_are_left_out(void **state)
{
    (void)state;
    reads(
        "person: Name Removed\nnic-hdl: DUMY-RIPE\naddress: There\nsource: RIPE # Filtered\n\norganisation: ORG-A-RIPE\norg-name: A\nsource: RIPE\n",
        "contact RIPE 6 ORG-A-RIPE\norganisation: ORG-A-RIPE\norg-name: A\nsource: RIPE\n");
}

static void broken_objects_are_told(void **state)
{
    (void)state;
    reads("inetnum: nowhere\nsource: RIPE\n\ninetnum: 192.0.2.0 - 192.0.2.7\nno attribute\nsource: RIPE\n\nrole: A\ne-mail: a@b.example\nsource: "
          "RIPE\n\n"
          "inetnum: 192.0.2.0 - 192.0.2.7\nsource: ELSEWHERE\n\ninetnum: 192.0.2.0/24\nnetname: X\n",
          "broken 1: expected a range of addresses, such as 192.0.2.0 - 192.0.2.255\nbroken network 4: expected a line such as \"netname: EXAMPLE\"\n"
          "broken 8: expected a nic-hdl:, there is none\nbroken 12: expected source: RIPE, APNIC or AFRINIC\nbroken 15: expected a source:, there is "
          "none\n");
}

static void long_objects_are_broken(void **state)
{
    (void)state;
    struct bulk_reader reader;
    struct bulk_object object;
    const char *why = NULL;
    bulk_reader_init(&reader);
    assert_int_equal(bulk_reader_line(&reader, span_text("inetnum: 192.0.2.0/24"), 1, &object, &why), 0);
    assert_int_equal(bulk_reader_line(&reader, span_text("source: RIPE"), 2, &object, &why), 0);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(bulk_reader_line(&reader, span_text("remarks: over and over again"), 3, &object, &why), 0);
    assert_int_equal(bulk_reader_end(&reader, &object, &why), -ERR_MALFORMED);
    assert_int_equal(object.class, BULK_NETWORK);
    /* and the next one is good */
    assert_int_equal(bulk_reader_line(&reader, span_text("inetnum: 192.0.2.0/24"), 9, &object, &why), 0);
    assert_int_equal(bulk_reader_line(&reader, span_text("source: RIPE"), 10, &object, &why), 0);
    assert_int_equal(bulk_reader_end(&reader, &object, &why), 1);
    bulk_reader_done(&reader);
}

/* ---- answers ---- */

/* The first network of the text is asked for, those that follow are around it. */
static void answers(const char *text, const char *expected)
{
    static const struct hash_key key = {1, 2};
    struct bulk_contacts *contacts;
    struct bulk_network chain[CHAIN_MAX];
    struct bulk_reader reader;
    struct bulk_object object;
    struct whois_reply reply;
    struct findings found;
    struct arena arena;
    struct buf out, work;
    const char *why = NULL;
    enum bulk_registry registry = BULK_RIPE;
    size_t count = 0;
    arena_init(&arena, ARENA_MAX);
    findings_init(&found, &arena);
    buf_init(&out, 0);
    buf_init(&work, 0);
    bulk_reader_init(&reader);
    assert_int_equal(bulk_contacts_new(&contacts, &key), 0);
    for (struct span left = span_text(text), line = {0}; left.len > 0 || line.len > 0;) {
        if (!whois_line(&left, &line))
            line = (struct span){0};
        int r = bulk_reader_line(&reader, line, 1, &object, &why);
        assert_true(r >= 0);
        if (r == 1 && object.class == BULK_CONTACT)
            assert_int_equal(bulk_contacts_add(contacts, &object), 0);
        if (r == 1 && object.class == BULK_NETWORK) {
            const char *copy = arena_copy(&arena, object.text);
            registry = object.registry;
            assert_true(count < CHAIN_MAX);
            chain[count++] = (struct bulk_network){.range = object.range, .text = span_of(copy, object.text.len)};
        }
    }
    int r = bulk_answer(book, contacts, registry, chain, count, &work, &found, &reply);
    assert_true(r >= 0);
    buf_printf(&out, "%s %.*s\n", r == 1 ? "answered" : "no answer", (int)reply.holder.len, (const char *)reply.holder.at);
    for (const struct finding *f = found.first; f != NULL && r == 1; f = f->next) {
        if (f->objection == OBJECTION_NONE)
            buf_printf(&out, "%u %s %.*s: %.*s\n", f->rank, contact_role_text(f->role), (int)f->value.len, (const char *)f->value.at,
                       (int)f->evidence.len, (const char *)f->evidence.at);
    }
    assert_string_equal(buf_cstr(&out), expected);
    bulk_contacts_free(contacts);
    bulk_reader_done(&reader);
    buf_done(&out);
    buf_done(&work);
    arena_done(&arena);
}

#define ROLE(handle, mail) "role: R\nnic-hdl: " handle "\nabuse-mailbox: " mail "\nsource: RIPE\n\n"
#define ORG(name, title, abuse) "organisation: " name "\norg-name: " title "\nabuse-c: " abuse "\nsource: RIPE\n\n"

static void the_organisation_names_its_abuse_contact(void **state)
{
    (void)state;
    answers(ROLE("AB1-RIPE", "abuse@one.example") ROLE("NOC1-RIPE", "noc@one.example")
                ORG("ORG-ONE-RIPE", "One B.V.", "ab1-ripe") "inetnum: 192.0.2.0 - 192.0.2.99\nnetname: ONE\norg: ORG-ONE-RIPE\ntech-c: "
                                                            "NOC1-RIPE\nadmin-c: DUMY-RIPE\nsource: RIPE\n",
            "answered One B.V.\n0 abuse abuse@one.example: abuse-mailbox: abuse@one.example (of AB1-RIPE, which is the abuse contact of "
            "ORG-ONE-RIPE)\n1 abuse noc@one.example: abuse-mailbox: noc@one.example\n");
}

static void the_provider_s_abuse_contact_stands_for_its_customer(void **state)
{
    (void)state;
    answers(ROLE("AB1-RIPE", "abuse@one.example") ROLE("NOC2-RIPE", "noc@two.example")
                ORG("ORG-ONE-RIPE", "One B.V.", "AB1-RIPE") "inetnum: 192.0.2.0 - 192.0.2.15\nnetname: TWO\ndescr: Customer\ntech-c: "
                                                            "NOC2-RIPE\nsource: RIPE\n\ninetnum: 192.0.2.0 - 192.0.2.255\nnetname: ONE\norg: "
                                                            "ORG-ONE-RIPE\nsource: RIPE\n",
            "answered Customer\n0 abuse abuse@one.example: abuse-mailbox: abuse@one.example (of AB1-RIPE, which is the abuse contact of "
            "ORG-ONE-RIPE)\n1 abuse noc@two.example: abuse-mailbox: noc@two.example\n");
}

static void response_teams_of_apnic(void **state)
{
    (void)state;
    answers("irt: IRT-ONE-AP\ne-mail: team@one.example\nabuse-mailbox: abuse@one.example\nsource: APNIC\n\ninetnum: 198.51.100.0 - "
            "198.51.100.255\nnetname: ONE\ndescr: One Ltd\nmnt-irt: IRT-ONE-AP\nadmin-c: X1-AP\nsource: APNIC\n",
            "answered One Ltd\n0 abuse abuse@one.example: abuse-mailbox: abuse@one.example (of IRT-ONE-AP, which is the abuse contact of "
            "198.51.100.0 - 198.51.100.255)\n1 security team@one.example: e-mail: team@one.example\n");
}

static void others_have_it(void **state)
{
    (void)state;
    static const char team[] = "irt: IRT-ONE-AP\nabuse-mailbox: abuse@one.example\nsource: APNIC\n\n";
    static const char *const networks[] = {
        "inetnum: 198.51.100.0/24\nnetname: ONE\ndescr: One\nmnt-irt: IRT-ONE-AP\nmnt-by: MAINT-JPNIC\nsource: APNIC\n",
        "inetnum: 198.51.100.0/24\nnetname: ONE\ndescr: One\nmnt-irt: IRT-ONE-AP\nsource: JPNIC\n",
        "inetnum: 198.51.100.0/24\nnetname: ERX-NETBLOCK\ndescr: Early\nmnt-irt: IRT-ONE-AP\nsource: APNIC\n",
        "inetnum: 198.51.100.0/24\nnetname: IANA-NETBLOCK-198\ndescr: One\nmnt-irt: IRT-ONE-AP\nsource: APNIC\n",
        "inetnum: 198.51.100.0/24\nnetname: STUB-198\ndescr: Now at RIPE\nmnt-irt: IRT-ONE-AP\nmnt-by: APNIC-STUB\nsource: APNIC\n",
        "inetnum: 0.0.0.0 - 255.255.255.255\nnetname: X\ndescr: All\nmnt-irt: IRT-ONE-AP\nsource: APNIC\n",
    };
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        struct buf text;
        buf_init(&text, 0);
        buf_printf(&text, "%s%s", team, networks[i]);
        struct span holder = span_text(strstr(networks[i], "descr: ") + 7);
        char expected[100];
        (void)snprintf(expected, sizeof expected, "no answer %.*s\n", (int)span_find(holder, '\n'), (const char *)holder.at);
        answers(buf_cstr(&text), expected);
        buf_done(&text);
    }
}

/* What the files leave out is to be asked for. */
static void without_a_place_for_reports_the_registry_is_asked(void **state)
{
    (void)state;
    answers("inetnum: 192.0.2.0/24\nnetname: ONE\ntech-c: DUMY-RIPE\nsource: RIPE\n", "no answer \n");
    answers("role: R\nnic-hdl: NOC1-RIPE\ne-mail: noc@one.example\nsource: RIPE\n\ninetnum: 192.0.2.0/24\nnetname: ONE\ntech-c: NOC1-RIPE\nsource: "
            "RIPE\n",
            "no answer \n");
    /* the registry's own mailbox is nobody's */
    answers(ROLE("AB1-RIPE", "abuse@ripe.net") "inetnum: 192.0.2.0/24\nnetname: ONE\nabuse-c: AB1-RIPE\nsource: RIPE\n", "no answer ONE\n");
    /* it names one that is not in the files: not even the provider's is taken then */
    answers(ROLE("AB1-RIPE", "abuse@one.example") "inetnum: 192.0.2.0/28\nnetname: TWO\nabuse-c: AB2-RIPE\nsource: RIPE\n\n"
                                                  "inetnum: 192.0.2.0/24\nnetname: ONE\nabuse-c: AB1-RIPE\nsource: RIPE\n",
            "no answer \n");
    answers(ROLE("AB1-RIPE", "abuse@one.example") "inetnum: 192.0.2.0/28\nnetname: TWO\norg: ORG-X-RIPE\ntech-c: AB1-RIPE\nsource: RIPE\n",
            "no answer \n");
    /* nobody is named up to the allocation, which is not in the files: a remark is not enough */
    answers("inetnum: 192.0.2.0/24\nnetname: ONE\nremarks: abuse reports to abuse@one.example\nsource: RIPE\n", "no answer \n");
    /* another registry's handle of the same name is another */
    answers(ROLE("AB1", "abuse@one.example") "inetnum: 192.0.2.0/24\nnetname: ONE\nabuse-c: AB1\nsource: AFRINIC\n", "no answer ONE\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_read),
        cmocka_unit_test(contacts_that_say_nothing_are_left_out),
        cmocka_unit_test(broken_objects_are_told),
        cmocka_unit_test(long_objects_are_broken),
        cmocka_unit_test(the_organisation_names_its_abuse_contact),
        cmocka_unit_test(the_provider_s_abuse_contact_stands_for_its_customer),
        cmocka_unit_test(response_teams_of_apnic),
        cmocka_unit_test(others_have_it),
        cmocka_unit_test(without_a_place_for_reports_the_registry_is_asked),
    };
    return cmocka_run_group_tests(tests, open_book, close_book);
}
