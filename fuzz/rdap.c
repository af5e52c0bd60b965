/* RDAP answers, one after the other (0xff 0xfe between them), for an address (first byte even) or a domain; with lists of a few lines. */
#include "harness.h"

#include "contact/book.h"

#include "target.h"

extern const struct channel channel_rdap;

static struct book *open_book(void)
{
    static struct book *book;
    static const char *const files[][2] = {{"blocks", "193.0.0.0/8 whois.ripe.net\nAS1-9999 whois.ripe.net\n"},
                                           {"servers", "[whois.ripe.net]\nregistry: RIPE\nrdap: https://rdap.db.ripe.net/\n"},
                                           {"tlds", "com whois.verisign-grs.com https://rdap.verisign.com/com/v1/\n"},
                                           {"mailboxes", "@nic.ad.jp registry JPNIC; Japan Network Information Center\n@cert.br csirt CERT.br\n"}};
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
    struct target target = {.when = INT64_C(1767225600) * USEC_PER_SEC};
    if (len > 0 && data[0] % 2 != 0)
        target.domain = span_text("www.example.com");
    else
        target.addr = addr_v4(0xc1001109);
    harness_fuzz(&channel_rdap, target, open_book(), data, len);
    return 0;
}
