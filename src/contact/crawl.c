#include "contact/crawl.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"

#include <limits.h>
#include <stdio.h>

enum { TAG_ROBOTS = 1000, URL_MAX = 2048, SHOWN = 200 };

/* ---- URLs ---- */

/* "https://host:port" of an absolute http(s) URL; the path follows it. Empty: it is none. */
static struct span origin_of(struct span url)
{
    size_t start = span_starts(url, "https://") ? 8 : span_starts(url, "http://") ? 7 : 0;
    size_t end = start;
    while (end < url.len && url.at[end] != '/' && url.at[end] != '?' && url.at[end] != '#')
        end++;
    return start > 0 && end > start ? span_part(url, 0, end) : (struct span){0};
}

static struct span host_of(struct span url)
{
    struct span host = origin_of(url);
    host = span_part(host, span_starts(host, "https") ? 8 : 7, host.len);
    if (host.len > 0 && host.at[0] == '[')
        return span_part(host, 0, span_find(host, ']') + 1);
    return span_part(host, 0, span_find(host, ':'));
}

static struct span path_of(struct span url)
{
    struct span path = span_part(url, origin_of(url).len, url.len);
    return path.len > 0 && path.at[0] == '/' ? path : span_text("/");
}

static struct span keep(struct quest *q, struct span text)
{
    char *copy = arena_copy(quest_arena(q), text);
    return copy != NULL ? span_of(copy, text.len) : (struct span){0};
}

static struct span joined(struct quest *q, struct span a, const char *b)
{
    struct buf out;
    buf_init(&out, URL_MAX);
    buf_span(&out, a);
    buf_text(&out, b);
    struct span text = out.error == 0 ? keep(q, buf_as_span(&out)) : (struct span){0};
    buf_done(&out);
    return text;
}

static int shown(struct span text)
{
    return (int)(text.len < SHOWN ? text.len : SHOWN);
}

/* ---- asking ---- */

static void begin_host(struct quest *q, struct crawl *c, size_t index);

static void ask_page(struct quest *q, struct crawl *c, size_t index)
{
    struct crawl_page *page = &c->pages[index];
    const struct crawl_site *site = &c->sites[page->site];
    page->asked = true;
    if (!robots_allow(&site->robots, path_of(page->url))) {
        page->done = true;
        quest_debt(q, "%.*s: its robots.txt does not allow it", shown(page->url), (const char *)page->url.at);
        return;
    }
    if (quest_fetch(q, page->url, (unsigned)index) != 0)
        page->done = true;
}

static size_t site_by_origin(struct quest *q, struct crawl *c, struct span origin)
{
    for (size_t i = 0; i < c->site_count; i++) {
        if (span_equal(c->sites[i].origin, origin))
            return i;
    }
    struct span robots = joined(q, origin, "/robots.txt");
    if (c->site_count == CRAWL_SITES_MAX || robots.len == 0)
        return CRAWL_SITES_MAX;
    size_t index = c->site_count;
    quest_because(q, "what %.*s lets programs fetch", shown(origin), (const char *)origin.at);
    if (quest_fetch(q, robots, TAG_ROBOTS + (unsigned)index) != 0)
        return CRAWL_SITES_MAX;
    c->sites[c->site_count++] = (struct crawl_site){.origin = keep(q, origin)};
    return c->sites[index].origin.len > 0 ? index : CRAWL_SITES_MAX;
}

/* A page that is to be fetched: at once, or as soon as its origin's robots.txt is known. */
static bool add_page(struct quest *q, struct crawl *c, struct span url, size_t host, unsigned depth, const char *why)
{
    if (c->page_count == sizeof c->pages / sizeof c->pages[0] || c->hosts[host].pages == CRAWL_PAGES_MAX || depth > CRAWL_DEPTH_MAX ||
        url.len > URL_MAX)
        return false;
    for (size_t i = 0; i < c->page_count; i++) {
        if (span_equal(c->pages[i].url, url))
            return false;
    }
    struct span origin = origin_of(url), copy = keep(q, url);
    size_t site = origin.len > 0 && copy.len > 0 ? site_by_origin(q, c, origin) : CRAWL_SITES_MAX;
    if (site == CRAWL_SITES_MAX)
        return false;
    size_t index = c->page_count++;
    c->pages[index] = (struct crawl_page){.url = copy, .site = (uint8_t)site, .host = (uint8_t)host, .depth = (uint8_t)depth};
    c->hosts[host].pages++;
    quest_because(q, "%s", why);
    if (c->sites[site].known)
        ask_page(q, c, index);
    return true;
}

static void begin_host(struct quest *q, struct crawl *c, size_t index)
{
    struct crawl_host *host = &c->hosts[index];
    char url[URL_MAX];
    int len = snprintf(url, sizeof url, "%s://%.*s/", host->by_https ? "https" : "http", (int)host->name.len, (const char *)host->name.at);
    host->begun = true;
    host->pages = 0;
    if (len > 0 && (size_t)len < sizeof url)
        (void)add_page(q, c, span_of(url, (size_t)len), index, 0, "the top page");
}

/* When all of a host's pages are heard of: by https what did not answer by http, then the next host. */
static void go_on(struct quest *q, struct crawl *c, size_t index)
{
    struct crawl_host *host = &c->hosts[index];
    for (size_t i = 0; i < c->page_count; i++) {
        if (c->pages[i].host == index && !c->pages[i].done)
            return;
    }
    if (!host->answered && !host->by_https) {
        host->by_https = true;
        begin_host(q, c, index);
    }
    bool waits = false;
    for (size_t i = 0; i < c->page_count; i++)
        waits = waits || (c->pages[i].host == index && !c->pages[i].done);
    if (!waits && index + 1 < c->host_count && !c->hosts[index + 1].begun)
        begin_host(q, c, index + 1);
}

void crawl_begin(struct quest *q, struct crawl *c, const struct channel *channel, const struct span *hosts, size_t count)
{
    c->channel = channel;
    for (size_t i = 0; i < count && i < CRAWL_HOSTS_MAX; i++) {
        struct span name = keep(q, hosts[i]);
        if (name.len > 0)
            c->hosts[c->host_count++].name = name;
    }
    if (c->host_count > 0) {
        begin_host(q, c, 0);
        go_on(q, c, 0);
    }
}

/* ---- what a page says ---- */

static bool holds(struct span text, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (strncasecmp((const char *)text.at + i, word, len) == 0)
            return true;
    }
    return false;
}

static enum contact_role role_of(const struct crawl *c, struct span mail)
{
    static const struct {
        const char *word;
        enum contact_role role;
    } words[] = {{"abuse", CONTACT_ROLE_ABUSE},          {"security", CONTACT_ROLE_SECURITY},    {"csirt", CONTACT_ROLE_SECURITY},
                 {"cert", CONTACT_ROLE_SECURITY},        {"psirt", CONTACT_ROLE_SECURITY},       {"noc", CONTACT_ROLE_NOC},
                 {"hostmaster", CONTACT_ROLE_TECHNICAL}, {"postmaster", CONTACT_ROLE_TECHNICAL}, {"webmaster", CONTACT_ROLE_TECHNICAL}};
    if (c->is_maker)
        return CONTACT_ROLE_MAKER;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (holds(mail_local(mail), words[i].word))
            return words[i].role;
    }
    return CONTACT_ROLE_OWNER;
}

static struct finding finding_at(const struct quest *q, const struct crawl *c, struct span origin, enum contact_kind kind)
{
    const struct target *target = quest_target(q);
    return (struct finding){.channel = c->channel,
                            .kind = kind,
                            .role = c->is_maker ? CONTACT_ROLE_MAKER : CONTACT_ROLE_OWNER,
                            .origin = origin,
                            .domain = target->domain};
}

/* Best first: an address for such reports, then mailto: links and text of contact pages, then those of the top page; then forms; then accounts. */
static void take_addresses(struct quest *q, const struct crawl *c, const struct page *page, unsigned depth, struct span origin)
{
    for (size_t i = 0; i < page->address_count; i++) {
        const struct page_address *address = &page->addresses[i];
        struct finding f = finding_at(q, c, origin, CONTACT_MAIL);
        f.role = role_of(c, address->mail);
        f.value = address->mail;
        f.attribute = address->source;
        f.evidence = address->evidence.len > 0 ? address->evidence : address->written;
        bool desk = f.role == CONTACT_ROLE_ABUSE || f.role == CONTACT_ROLE_SECURITY;
        f.rank = desk ? 0 : depth > 0 && span_is(address->source, "mailto") ? 1 : depth > 0 ? 2 : 3;
        (void)findings_add(quest_findings(q), &f);
    }
}

static void take_forms(struct quest *q, const struct crawl *c, const struct page *page, unsigned depth, struct span origin)
{
    for (size_t i = 0; i < page->form_count; i++) {
        const struct page_form *form = &page->forms[i];
        if (form->kind != FORM_CONTACT)
            continue;
        struct finding f = finding_at(q, c, origin, CONTACT_FORM);
        f.value = span_part(origin, 0, span_find(origin, '#'));
        f.attribute = span_text(form->answerable ? CRAWL_FORM : CRAWL_FORM_SILENT);
        f.evidence = form->evidence;
        f.rank = (form->answerable ? 4U : 8U) + (depth > 0 ? 0U : 1U);
        (void)findings_add(quest_findings(q), &f);
    }
}

static void take_accounts(struct quest *q, const struct crawl *c, const struct page *page, struct span origin)
{
    for (size_t i = 0; i < page->account_count; i++) {
        struct finding f = finding_at(q, c, origin, CONTACT_ACCOUNT);
        f.value = page->accounts[i].url;
        f.attribute = page->accounts[i].network;
        f.evidence = page->accounts[i].handle;
        f.rank = 7;
        (void)findings_add(quest_findings(q), &f);
    }
}

/* Links within the owner's names are followed, a sure contact page, a frame or a refresh wherever it leads. */
static bool leads_on(const struct page_link *link, struct span here)
{
    struct span there = host_of(link->url), from = host_of(here);
    if (span_equal(there, from) || link->rank == 0 || span_is(link->reason, "frame") || span_is(link->reason, "refresh"))
        return true;
    struct span domain = domain_registrable(there);
    return domain.len > 0 && span_equal(domain, domain_registrable(from));
}

static void follow(struct quest *q, struct crawl *c, const struct page *page, const struct crawl_page *from, struct span here)
{
    size_t host = from->host;
    unsigned depth = from->depth;
    for (size_t i = 0; i < page->link_count && c->hosts[host].pages < CRAWL_PAGES_MAX; i++) {
        const struct page_link *link = &page->links[i];
        char why[128];
        bool moved = span_is(link->reason, "frame") || span_is(link->reason, "refresh");
        /* From a contact page, only what it is made of. */
        if (!leads_on(link, here) || (depth > 0 && !moved && link->rank > 0))
            continue;
        (void)snprintf(why, sizeof why, "%s: %.*s", moved ? "part of the page" : "leads to a contact page",
                       (int)(link->reason.len < 60 ? link->reason.len : 60), (const char *)link->reason.at);
        (void)add_page(q, c, link->url, host, depth + 1, why);
    }
}

static bool seen_before(struct crawl *c, struct span body)
{
    uint64_t hash = hash_seeded(0, body);
    for (size_t i = 0; i < c->body_count; i++) {
        if (c->bodies[i] == hash)
            return true;
    }
    if (c->body_count < sizeof c->bodies / sizeof c->bodies[0])
        c->bodies[c->body_count++] = hash;
    return false;
}

/* A redirect that led to a host that waits for its turn: it had it. */
static void mark_hosts(struct crawl *c, struct span url)
{
    for (size_t i = 0; i < c->host_count; i++) {
        if (span_equal(c->hosts[i].name, host_of(url))) {
            c->hosts[i].begun = true;
            c->hosts[i].answered = true;
        }
    }
}

static void read_page(struct quest *q, struct crawl *c, const struct crawl_page *from, const struct answer *a)
{
    struct page page;
    struct span url = keep(q, a->server.len > 0 ? a->server : from->url);
    if (seen_before(c, a->bytes))
        return;
    if (url.len == 0 || page_read(quest_book(q), quest_arena(q), url, a->type, a->bytes, &page) != 0) {
        quest_debt(q, "%.*s: too large to be read", shown(from->url), (const char *)from->url.at);
        return;
    }
    if (page.needs_scripts)
        quest_debt(q, "%.*s: shows nothing without scripts", shown(url), (const char *)url.at);
    if (page.cut || a->outcome == OUTCOME_CUT)
        quest_debt(q, "%.*s: only its beginning was read", shown(url), (const char *)url.at);
    if (c->by_address && page.maker.len > 0) {
        c->is_maker = true;
        quest_is_device(q, page.maker);
    }
    take_addresses(q, c, &page, from->depth, url);
    take_forms(q, c, &page, from->depth, url);
    take_accounts(q, c, &page, url);
    follow(q, c, &page, from, url);
}

/* ---- hearing ---- */

/* Most addresses serve no pages: that nobody answers there is known then, and owed by nobody. A domain's site, and a page that a site leads to,
 * should have answered. */
static void not_heard(struct quest *q, const struct crawl *c, struct span url, unsigned depth, enum outcome outcome)
{
    if (!c->by_address || depth > 0 || outcome != OUTCOME_FAILED)
        quest_debt(q, "%.*s: %s", shown(url), (const char *)url.at, outcome_text(outcome));
}

/* How far from the first page the nearest page of a site is. */
static unsigned site_depth(const struct crawl *c, size_t site)
{
    unsigned depth = UINT_MAX;
    for (size_t i = 0; i < c->page_count; i++) {
        if (c->pages[i].site == site && c->pages[i].depth < depth)
            depth = c->pages[i].depth;
    }
    return depth;
}

static void hear_robots(struct quest *q, struct crawl *c, size_t index, const struct answer *a)
{
    struct crawl_site *site = &c->sites[index];
    bool answered = a->outcome == OUTCOME_ANSWERED || a->outcome == OUTCOME_CUT;
    site->known = true;
    if (robots_by_status(quest_arena(q), span_text(CRAWL_AGENT), answered ? a->status : 0, a->bytes, &site->robots) != 0)
        site->robots.none = true;
    if (!answered)
        not_heard(q, c, site->origin, site_depth(c, index), a->outcome);
    for (size_t i = 0; i < c->page_count; i++) {
        if (c->pages[i].site != index || c->pages[i].asked)
            continue;
        if (answered) {
            ask_page(q, c, i);
        } else {
            c->pages[i].asked = true;
            c->pages[i].done = true;
        }
    }
    for (size_t i = 0; i < c->host_count; i++) {
        if (c->hosts[i].begun)
            go_on(q, c, i);
    }
}

static void hear_page(struct quest *q, struct crawl *c, size_t index, const struct answer *a)
{
    struct crawl_page page = c->pages[index];
    c->pages[index].done = true;
    if (a->outcome == OUTCOME_ANSWERED || a->outcome == OUTCOME_CUT) {
        if (page.depth == 0)
            c->hosts[page.host].answered = true;
        if (a->server.len > 0)
            mark_hosts(c, a->server);
        if (a->bytes.len > 0)
            read_page(q, c, &page, a);
    } else {
        not_heard(q, c, page.url, page.depth, a->outcome);
    }
    go_on(q, c, page.host);
}

void crawl_hear(struct quest *q, struct crawl *c, const struct answer *a)
{
    if (a->kind != QUESTION_FETCH)
        return;
    if (a->tag >= TAG_ROBOTS && a->tag - TAG_ROBOTS < c->site_count)
        hear_robots(q, c, a->tag - TAG_ROBOTS, a);
    else if (a->tag < c->page_count)
        hear_page(q, c, a->tag, a);
}
