/* Pages and robots.txt of a site, one answer after the other (0xff 0xfe between them), for an address (first byte even) or a domain. */
#include "harness.h"

#include "lists.h"
#include "target.h"

extern const struct channel channel_ip_web, channel_domain_web;

static const char *const texts[][2] = {{"words",
                                        "link en: contact\nlocal en: abuse\nmaker TP-Link: tp-link\nat en: at\ndot en: dot\nask-mail en: mail\n"
                                        "ask-message en: message\nask-name en: name\nform-contact en: contact\n"}};

static struct book *book;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct target target = {.when = 1};
    if (book == NULL)
        book = book_of_texts(texts, sizeof texts / sizeof texts[0]);
    bool domain = len > 0 && data[0] % 2 != 0;
    if (domain)
        target.domain = span_text("site.com");
    else
        MUST(addr_parse(span_text("192.0.2.17"), &target.addr) == 0);
    if (len > 0)
        harness_fuzz(domain ? &channel_domain_web : &channel_ip_web, target, book, data + 1, len - 1);
    return 0;
}
