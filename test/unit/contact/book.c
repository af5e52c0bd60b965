/* The folder of lists as an image: what is wrong is said with file and line, an image of another form is refused, a file that is not there is empty.
 */
#include "../base/check.h"
#include "lists.h"

#include "contact/whois_tables.h"

#include <stdlib.h>
#include <unistd.h>

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

static void files_with_dates_and_files_that_are_not_there(void **state)
{
    (void)state;
    struct conf_error error;
    struct book *book = NULL;
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

static void a_registrys_mailbox_by_address_and_by_domain(void **state)
{
    (void)state;
    struct book *book = shipped_book();
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_wrong_line_is_told), cmocka_unit_test(files_with_dates_and_files_that_are_not_there),
                                       cmocka_unit_test(a_registrys_mailbox_by_address_and_by_domain)};
    return cmocka_run_group_tests(tests, begin, end);
}
