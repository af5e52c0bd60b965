/* Pages and robots.txt of a site, one answer after the other (0xff 0xfe between them), for an address (first byte even) or a domain. */
#include "harness.h"

#include "contact/book.h"

#include "target.h"

extern const struct channel channel_ip_web, channel_domain_web;

static struct book *open_book(void)
{
    static struct book *book;
    static const char *const files[][2] = {{"words",
                                            "link en: contact\nlocal en: abuse\nmaker TP-Link: tp-link\nat en: at\ndot en: dot\nask-mail en: mail\n"
                                            "ask-message en: message\nask-name en: name\nform-contact en: contact\n"}};
    struct conf_error error;
    struct buf image;
    if (book != NULL)
        return book;
    buf_init(&image, 0);
    buf_put(&image, "nrsbook", 8);
    buf_byte(&image, 1);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        for (size_t k = 0; k < 2; k++) {
            buf_varint(&image, strlen(files[i][k]));
            buf_text(&image, files[i][k]);
        }
    }
    MUST(book_open(&book, buf_as_span(&image), &error) == 0);
    buf_done(&image);
    return book;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct target target = {.when = 1};
    bool domain = len > 0 && data[0] % 2 != 0;
    if (domain)
        target.domain = span_text("site.com");
    else
        MUST(addr_parse(span_text("192.0.2.17"), &target.addr) == 0);
    if (len > 0)
        harness_fuzz(domain ? &channel_domain_web : &channel_ip_web, target, open_book(), data + 1, len - 1);
    return 0;
}
