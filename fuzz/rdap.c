/* RDAP answers, one after the other (0xff 0xfe between them), for an address (first byte even) or a domain; with lists of a few lines. */
#include "harness.h"

#include "lists.h"
#include "target.h"

extern const struct channel channel_rdap;

static const char *const texts[][2] = {{"blocks", "193.0.0.0/8 whois.ripe.net\nAS1-9999 whois.ripe.net\n"},
                                       {"servers", "[whois.ripe.net]\nregistry: RIPE\nrdap: https://rdap.db.ripe.net/\n"},
                                       {"tlds", "com whois.verisign-grs.com https://rdap.verisign.com/com/v1/\n"},
                                       {"mailboxes", "@nic.ad.jp registry JPNIC; Japan Network Information Center\n@cert.br csirt CERT.br\n"}};

static struct book *book;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct target target = {.when = INT64_C(1767225600) * USEC_PER_SEC};
    if (book == NULL)
        book = book_of_texts(texts, sizeof texts / sizeof texts[0]);
    if (len > 0 && data[0] % 2 != 0)
        target.domain = span_text("www.example.com");
    else
        target.addr = addr_v4(0xc1001109);
    harness_fuzz(&channel_rdap, target, book, data, len);
    return 0;
}
