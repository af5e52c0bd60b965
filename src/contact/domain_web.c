/* What a domain's web pages say: http(s)://DOMAIN/ and www.DOMAIN, and the contact pages they lead to. */
#include "contact/crawl.h"

#include <stdio.h>

extern const struct channel channel_domain_web;

static void ask(struct quest *q)
{
    struct crawl *c = quest_state(q);
    struct span domain = quest_target(q)->domain;
    char www[4 + 253 + 1];
    struct span hosts[2] = {domain};
    size_t count = 1;
    if (domain.len == 0 || domain.len > 253)
        return;
    if (!span_starts(domain, "www.") && domain.len <= 249) {
        int len = snprintf(www, sizeof www, "www.%.*s", (int)domain.len, (const char *)domain.at);
        hosts[count++] = span_of(www, (size_t)len);
    }
    crawl_begin(q, c, &channel_domain_web, hosts, count);
}

static void hear(struct quest *q, const struct answer *a)
{
    crawl_hear(q, quest_state(q), a);
}

const struct channel channel_domain_web = {
    .name = "domain_web",
    .trust = 250,
    .help = "a domain's web pages, and the contact pages they lead to",
    .wants = CHANNEL_DOMAIN,
    .state_size = sizeof(struct crawl),
    .ask = ask,
    .hear = hear,
};
