/* The folder of lists as an image: what is wrong is said with file and line, an image of another form is refused, a file that is not there is empty.
 */
#include "../base/check.h"
#include "shipped.h"

#include "contact/rdap_bootstrap.h"
#include "contact/whois_tables.h"
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

extern const struct channel channel_rdap;

static char folder[] = "/tmp/noroshi-book-XXXXXX";

static int begin(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static void put(const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = text != NULL ? fopen(path, "we") : NULL;
    if (text == NULL)
        (void)unlink(path);
    else
        assert_true(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

static int end(void **state)
{
    (void)state;
    static const char *const names[] = {"blocks", "servers", "tlds", "mailboxes"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        put(names[i], NULL);
    return rmdir(folder);
}

static void refuses(const char *name, const char *text, const char *expected)
{
    char line[512];
    struct conf_error error = {.text = ""};
    struct buf image;
    buf_init(&image, 0);
    put(name, text);
    assert_int_equal(book_pack(folder, &image, &error), -ERR_CONFIG);
    (void)snprintf(line, sizeof line, "%s/%s:%s", folder, name, expected);
    assert_string_equal(error.text, line);
    put(name, NULL);
    buf_done(&image);
}

static void a_wrong_line_is_told(void **state)
{
    (void)state;
    refuses("blocks", "# a comment\n\n2.0.0.0/8\n",
            "3: expected a block or AS range, then its server, or \"special\" and why; for example 2.0.0.0/8 whois.ripe.net, got \"2.0.0.0/8\"");
    refuses("blocks", "2.0.0.1/8 whois.ripe.net\n",
            "1: expected a block or AS range, then its server, or \"special\" and why; for example 2.0.0.0/8 whois.ripe.net, got \"2.0.0.1/8 "
            "whois.ripe.net\"");
    refuses("servers", "per-second: 1\n", "1: expected a key and its value, for example per-second: 0.5, got \"per-second: 1\"");
    refuses("servers", "[whois.ripe.net]\nper-second: fast\n",
            "2: expected a key and its value, for example per-second: 0.5, got \"per-second: fast\"");
    refuses("servers", "[whois.ripe.net\n", "1: expected a server's name in brackets, for example [whois.ripe.net], got \"[whois.ripe.net\"");
    refuses("tlds", "jp\n",
            "1: expected a top-level domain, its WHOIS server or -, and perhaps its RDAP address; for example jp whois.jprs.jp, got \"jp\"");
    refuses("mailboxes", "ripe.net registry RIPE NCC\n",
            "1: expected an address or @domain, registry or csirt, its owner; for example abuse@ripe.net registry RIPE NCC, got \"ripe.net registry "
            "RIPE N\"");
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    (void)state;
    char path[256];
    struct conf_error error = {.text = ""};
    struct buf image;
    buf_init(&image, 0);
    (void)snprintf(path, sizeof path, "%s/nowhere", folder);
    assert_int_equal(book_pack(path, &image, &error), -ENOENT);
    assert_non_null(strstr(error.text, "contact.lists: "));
    assert_non_null(strstr(error.text, "/nowhere: "));
    assert_non_null(strstr(error.text, "expected the folder of the tables"));
    assert_non_null(strstr(error.text, "for example /etc/noroshi/lists/contact"));
    put("blocks", "");
    (void)snprintf(path, sizeof path, "%s/blocks", folder);
    assert_int_equal(book_pack(path, &image, &error), -ERR_CONFIG);
    put("blocks", NULL);
    buf_done(&image);
}

static void files_with_dates_and_files_that_are_not_there(void **state)
{
    (void)state;
    struct conf_error error;
    struct buf image;
    struct span server;
    struct addr addr, asked;
    char day[USEC_TEXT_SIZE];
    buf_init(&image, 0);
    put("blocks", "# source: made up\n# date: 2026-08-15\n2.0.0.0/8 whois.ripe.net # why not\n2.3.0.0/16 special for a test\nAS1-10 "
                  "whois.arin.net\nAS5-6 whois.ripe.net\n");
    assert_int_equal(book_pack(folder, &image, &error), 0);
    assert_int_equal(book_open(&book, buf_as_span(&image), &error), 0);
    assert_string_equal(usec_print_day(book_date(book, BOOK_blocks), day), "2026-08-15");
    assert_null(book_part(book, BOOK_servers));
    assert_int_equal(book_date(book, BOOK_servers), 0);
    assert_int_equal(addr_parse(span_text("2.2.2.2"), &addr), 0);
    assert_int_equal(whois_first(book, addr, &server, &asked), 0);
    assert_true(span_is(server, "whois.ripe.net"));
    assert_int_equal(addr_parse(span_text("2.3.2.2"), &addr), 0);
    assert_int_equal(whois_first(book, addr, &server, &asked), -ERR_DENIED);
    assert_int_equal(whois_first_as(book, 5, &server), 0);
    assert_true(span_is(server, "whois.ripe.net"));
    assert_int_equal(whois_first_as(book, 11, &server), -ERR_NOT_FOUND);
    book_close(book);
    for (size_t len = 0; len < image.len; len++) {
        book = NULL;
        int r = book_open(&book, span_part(buf_as_span(&image), 0, len), &error);
        assert_true(r == 0 || r == -ERR_VERSION);
        book_close(book);
    }
    image.data[8]++;
    assert_int_equal(book_open(&book, buf_as_span(&image), &error), -ERR_VERSION);
    buf_done(&image);
}

static struct span of_address(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(span_text(text), &addr), 0);
    return bootstrap_of_address(book, addr);
}

/* RFC 9224: the longest match, https before anything else; what is not understood is passed over. */
static void bootstrap_files_of_rdap(void **state)
{
    (void)state;
    struct conf_error error = {.text = ""};
    struct buf image;
    struct target target = {.when = 1};
    char day[USEC_TEXT_SIZE];
    buf_init(&image, 0);
    put("blocks", "2.0.0.0/8 whois.ripe.net\n");
    put("servers", "[whois.ripe.net]\nrdap: https://ours.example/\n");
    put("ipv4.json", "{\"version\":\"1.0\",\"publication\":\"2026-03-04T00:00:00Z\",\"services\":[[[\"2.0.0.0/8\",\"x\"],[\"http://a.example/"
                     "\",\"https://a.example\"]],"
                     "[[\"2.1.0.0/16\",7],[\"https://b.example/rdap/\"]],[[\"3.0.0.0/8\"],[\"http://only.example/\"]],[],7]}");
    put("ipv6.json", "{\"services\":[[[\"2001:db8::/32\"],[\"https://six.example/\"]]]}");
    put("asn.json", "{\"services\":[[[\"10-20\",\"30\",\"50-40\"],[\"https://as.example/\"]]]}");
    put("dns.json", "{\"services\":[[[\"com\"],[\"https://com.example/\"]],[[\"co.uk\",\"UK\"],[\"https://uk.example/\"]]]}");
    assert_int_equal(book_pack(folder, &image, &error), 0);
    assert_int_equal(book_open(&book, buf_as_span(&image), &error), 0);
    assert_string_equal(usec_print_day(book_date(book, BOOK_rdap_ipv4), day), "2026-03-04");
    assert_true(span_is(of_address("2.2.3.4"), "https://a.example/"));
    assert_true(span_is(of_address("2.1.3.4"), "https://b.example/rdap/"));
    assert_true(span_is(of_address("3.1.3.4"), ""));
    assert_true(span_is(of_address("2001:db8::1"), "https://six.example/"));
    assert_true(span_is(bootstrap_of_as(book, 20), "https://as.example/"));
    assert_true(span_is(bootstrap_of_as(book, 30), "https://as.example/"));
    assert_true(span_is(bootstrap_of_as(book, 45), ""));
    assert_true(span_is(bootstrap_of_domain(book, span_text("www.One.COM")), "https://com.example/"));
    assert_true(span_is(bootstrap_of_domain(book, span_text("one.co.uk")), "https://uk.example/"));
    assert_true(span_is(bootstrap_of_domain(book, span_text("telecom")), ""));
    /* They go before our own tables. */
    assert_int_equal(addr_parse(span_text("2.1.3.4"), &target.addr), 0);
    struct quest *q = harness_quest(&channel_rdap, target, book);
    harness_run(q);
    assert_true(q->asked_count > 0 && span_is(q->asked[0].text, "https://b.example/rdap/ip/2.1.3.4"));
    harness_free(q);
    book_close(book);
    put("ipv4.json", "{\"services\":[[[\"2.0.0.0/8\"],[\"http://a.example/\"]]]}");
    assert_int_equal(book_pack(folder, &image, &error), -ERR_CONFIG);
    assert_non_null(strstr(error.text, "/ipv4.json: expected a bootstrap file of IANA (RFC 9224)"));
    static const char *const names[] = {"blocks", "servers", "ipv4.json", "ipv6.json", "asn.json", "dns.json"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        put(names[i], NULL);
    buf_done(&image);
}

static void a_registrys_mailbox_by_address_and_by_domain(void **state)
{
    (void)state;
    book = shipped_book();
    const struct mailboxes *boxes = book_part(book, BOOK_mailboxes);
    const struct mailbox_entry *e = mailboxes_find(boxes, span_text("HostMaster@NIC.ad.jp"));
    assert_non_null(e);
    assert_true(mailbox_owner_is(boxes, e, span_text("Japan Network Information Center")));
    assert_false(mailbox_owner_is(boxes, e, span_text("One KK")));
    e = mailboxes_find(boxes, span_text("x@mail.apnic.net"));
    assert_non_null(e);
    assert_false(mailbox_owner_is(boxes, e, span_text("CAPNICS Ltd")));
    assert_null(mailboxes_find(boxes, span_text("abuse@one.net")));
    assert_true(mailboxes_find(boxes, span_text("cert@cert.br"))->national);
    book_close(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_wrong_line_is_told), cmocka_unit_test(a_folder_that_is_not_there_is_told),
                                       cmocka_unit_test(files_with_dates_and_files_that_are_not_there), cmocka_unit_test(bootstrap_files_of_rdap),
                                       cmocka_unit_test(a_registrys_mailbox_by_address_and_by_domain)};
    return cmocka_run_group_tests(tests, begin, end);
}
