/* What a web server at the address itself says: http(s)://ADDRESS/ and the contact page it leads to. Often it is a device's own page: then its
 * addresses are the maker's. */
#include "contact/crawl.h"

extern const struct channel channel_ip_web;

static void ask(struct quest *q)
{
    struct crawl *c = quest_state(q);
    struct addr addr = quest_target(q)->addr;
    char text[ADDR_TEXT_SIZE + 2] = "[";
    bool v4 = addr_is_v4(addr);
    (void)addr_print(addr, text + 1);
    size_t len = strlen(text);
    if (!v4)
        text[len++] = ']';
    c->by_address = true;
    crawl_begin(q, c, &channel_ip_web, &(struct span){.at = (const uint8_t *)text + (v4 ? 1 : 0), .len = len - (v4 ? 1 : 0)}, 1);
}

static void hear(struct quest *q, const struct answer *a)
{
    crawl_hear(q, quest_state(q), a);
}

const struct channel channel_ip_web = {
    .name = "ip_web",
    .trust = 200,
    .help = "the web page at the address, and the contact page it leads to",
    .wants = CHANNEL_ADDRESS,
    .state_size = sizeof(struct crawl),
    .ask = ask,
    .hear = hear,
};
