/*
 * Accounts of social networks among a page's links: told from buttons that share the page, from the networks' own pages, and from single posts; the
 * several URLs of one account become one.
 */
#include "contact/page_work.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>

enum { PATH_MAX_PARTS = 4, HANDLE_MAX = 100, ACCOUNT_URL_MAX = 400 };

struct network {
    const char *name, *host, *prefix, *form;
    size_t host_len;
};

static const struct network networks[] = {
#define NETWORK(name, host, prefix, form) {name, host, prefix, form, sizeof(host) - 1},
#include "contact/networks.def"
#undef NETWORK
};

/* First segments that are no account: pages of the network itself, and what shares, shows or searches. */
static const char *const reserved[] = {"about",
                                       "accounts",
                                       "ads",
                                       "adsmanager",
                                       "api",
                                       "apps",
                                       "architecture",
                                       "article",
                                       "blog",
                                       "business",
                                       "careers",
                                       "cgi-bin",
                                       "collections",
                                       "contact",
                                       "cookies",
                                       "create",
                                       "customer-stories",
                                       "cws",
                                       "developer",
                                       "developers",
                                       "dialog",
                                       "directory",
                                       "discover",
                                       "download",
                                       "embed",
                                       "en",
                                       "enterprise",
                                       "events",
                                       "explore",
                                       "features",
                                       "feed",
                                       "fbml",
                                       "flx",
                                       "follow",
                                       "gaming",
                                       "groups",
                                       "hashtag",
                                       "help",
                                       "home",
                                       "home.php",
                                       "i",
                                       "index.php",
                                       "intent",
                                       "invite",
                                       "jobs",
                                       "join",
                                       "joinchat",
                                       "js",
                                       "kids",
                                       "l.php",
                                       "language",
                                       "learning",
                                       "legal",
                                       "link",
                                       "live",
                                       "login",
                                       "login.php",
                                       "logout",
                                       "marketplace",
                                       "media",
                                       "messages",
                                       "msg",
                                       "new",
                                       "notes",
                                       "notifications",
                                       "oauth",
                                       "p",
                                       "pages",
                                       "people",
                                       "permalink.php",
                                       "photo",
                                       "photo.php",
                                       "photos",
                                       "pin",
                                       "playlist",
                                       "plugins",
                                       "policies",
                                       "policy.php",
                                       "post",
                                       "posts",
                                       "premium",
                                       "pricing",
                                       "privacy",
                                       "profile.php",
                                       "proxy",
                                       "public",
                                       "r.php",
                                       "recover",
                                       "redirect",
                                       "reel",
                                       "reels",
                                       "results",
                                       "rules",
                                       "search",
                                       "security",
                                       "sections",
                                       "settings",
                                       "share",
                                       "share.php",
                                       "sharearticle",
                                       "sharer",
                                       "sharer.php",
                                       "sharing",
                                       "shareurl",
                                       "shorts",
                                       "signup",
                                       "site",
                                       "sites",
                                       "sponsors",
                                       "status",
                                       "statuses",
                                       "stories",
                                       "story.php",
                                       "subscribe",
                                       "support",
                                       "t",
                                       "terms",
                                       "terms.php",
                                       "tiktok",
                                       "topics",
                                       "tos",
                                       "tr",
                                       "trending",
                                       "tv",
                                       "upload",
                                       "url",
                                       "video",
                                       "videos",
                                       "w",
                                       "watch",
                                       "web",
                                       "who_to_follow",
                                       "widget.php",
                                       "widgets",
                                       "widgets.js",
                                       "wall",
                                       "yt",
                                       "sharer.aspx",
                                       "bookmarks",
                                       "dk",
                                       "pin-builder",
                                       "profile",
                                       "addstickers",
                                       "iv",
                                       "confirmphone",
                                       "proxy.php",
                                       "socks",
                                       "send",
                                       "message",
                                       "channel",
                                       "user",
                                       "c",
                                       "company",
                                       "in",
                                       "school",
                                       "showcase",
                                       "pub",
                                       "n",
                                       "u",
                                       "r",
                                       "s",
                                       "facebook",
                                       "twitter",
                                       "instagram",
                                       "youtube",
                                       "linkedin",
                                       "pinterest",
                                       "github",
                                       "telegram",
                                       "x"};

struct url_parts {
    struct span host, part[PATH_MAX_PARTS], query;
    size_t count;
};

static bool same(struct span text, const char *lower)
{
    return text.len == strlen(lower) && starts_with_folded(text, lower);
}

static bool is_reserved(struct span part)
{
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (same(part, reserved[i]))
            return true;
    }
    return false;
}

static bool ends_host(struct span host, const char *of)
{
    size_t len = strlen(of);
    if (len > 0 && of[len - 1] == '.') { /* "pinterest.": "www.pinterest.de" too */
        if (starts_with_folded(host, of))
            return true;
        return starts_with_folded(host, "www.") && starts_with_folded(span_part(host, 4, host.len), of);
    }
    if (host.len < len || !same(span_part(host, host.len - len, len), of))
        return false;
    return host.len == len || host.at[host.len - len - 1] == '.';
}

static bool take_apart(struct span url, struct url_parts *p)
{
    *p = (struct url_parts){0};
    while (url.len > 0 && url.at[0] <= ' ')
        url = span_part(url, 1, url.len);
    if (starts_with_folded(url, "http://"))
        url = span_part(url, 7, url.len);
    else if (starts_with_folded(url, "https://"))
        url = span_part(url, 8, url.len);
    else if (starts_with_folded(url, "//"))
        url = span_part(url, 2, url.len);
    else
        return false;
    size_t host = 0;
    while (host < url.len && url.at[host] != '/' && url.at[host] != '?' && url.at[host] != '#')
        host++;
    p->host = span_part(url, 0, span_find(span_part(url, 0, host), ':'));
    struct span path = span_part(url, host, url.len);
    if (span_starts(path, "/#!"))
        path = span_part(path, 3, path.len);
    p->query = span_part(path, span_find(path, '?') + 1, path.len);
    p->query = span_part(p->query, 0, span_find(p->query, '#'));
    path = span_part(path, 0, span_find(path, '?'));
    path = span_part(path, 0, span_find(path, '#'));
    while (path.len > 0 && p->count < PATH_MAX_PARTS) {
        size_t len = span_find(path, '/');
        while (len > 0 && (path.at[len - 1] <= ' ' || (len > 3 && span_is(span_part(path, len - 3, 3), "%20"))))
            len -= path.at[len - 1] <= ' ' ? 1 : 3;
        if (len > 0)
            p->part[p->count++] = span_part(path, 0, len);
        path = span_part(path, span_find(path, '/') + 1, path.len);
    }
    return p->host.len > 0;
}

static struct span query_value(struct span query, const char *name)
{
    while (query.len > 0) {
        struct span field = span_part(query, 0, span_find(query, '&'));
        query = span_part(query, field.len + 1, query.len);
        if (starts_with_folded(field, "amp;"))
            field = span_part(field, 4, field.len);
        size_t sign = span_find(field, '=');
        if (sign < field.len && same(span_part(field, 0, sign), name))
            return span_part(field, sign + 1, field.len);
    }
    return (struct span){0};
}

/* ---- the list ---- */

static bool good_handle(struct span handle)
{
    if (handle.len == 0 || handle.len > HANDLE_MAX)
        return false;
    for (size_t i = 0; i < handle.len; i++) {
        uint8_t c = handle.at[i];
        if (c <= ' ' || c == '"' || c == '<' || c == '>' || c == '{' || c == '$' || c == '[' || c == '\\' || c == 0x7f)
            return false;
    }
    return true;
}

static void add(struct page_work *w, const char *network, struct span handle, const char *form, struct span host)
{
    struct page *page = w->page;
    char url[ACCOUNT_URL_MAX], name[2 * HANDLE_MAX + 260];
    if (starts_with_folded(handle, "%40"))
        handle = span_part(handle, 3, handle.len);
    if (handle.len > 0 && handle.at[0] == '@')
        handle = span_part(handle, 1, handle.len);
    if (!good_handle(handle) || host.len > 253)
        return;
    int len = form[0] == '\0'
                  ? snprintf(name, sizeof name, "%.*s@%.*s", (int)handle.len, (const char *)handle.at, (int)host.len, (const char *)host.at)
                  : snprintf(name, sizeof name, "%.*s", (int)handle.len, (const char *)handle.at);
    struct span handle_name = span_of(name, (size_t)len);
    for (size_t i = 0; i < page->account_count; i++) {
        const struct page_account *a = &page->accounts[i];
        if (!span_is(a->network, network) || a->handle.len != handle_name.len)
            continue;
        size_t k = 0;
        while (k < handle_name.len && (a->handle.at[k] | 0x20) == (handle_name.at[k] | 0x20))
            k++;
        if (k == handle_name.len)
            return;
    }
    if (page->account_count == EXTRACT_ACCOUNTS_MAX) {
        page->cut = true;
        return;
    }
    const char *rest = strstr(form, "%s");
    if (rest != NULL)
        len = snprintf(url, sizeof url, "%.*s%.*s%s", (int)(rest - form), form, (int)handle.len, (const char *)handle.at, rest + 2);
    else
        len = snprintf(url, sizeof url, "https://%.*s/@%.*s", (int)host.len, (const char *)host.at, (int)handle.len, (const char *)handle.at);
    if (len < 0 || (size_t)len >= sizeof url)
        return;
    struct page_account *a = &page->accounts[page->account_count++];
    a->network = span_text(network);
    a->handle = page_copy(w, handle_name, sizeof name);
    a->url = page_copy(w, span_of(url, (size_t)len), sizeof url);
}

/* ---- networks that name accounts in more than one way ---- */

static bool all_digits(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    }
    return text.len > 4;
}

/* True when the URL is settled. */
static bool of_facebook(struct page_work *w, const struct url_parts *p)
{
    static const char form[] = "https://www.facebook.com/%s";
    struct span id = {0};
    if (p->count == 0 || !ends_host(p->host, "facebook.com"))
        return false;
    if (same(p->part[0], "profile.php"))
        id = query_value(p->query, "id");
    else if ((same(p->part[0], "pages") || same(p->part[0], "people")) && p->count >= 3)
        id = all_digits(p->part[2]) ? p->part[2] : p->part[1];
    else if (same(p->part[0], "p") && p->count >= 2)
        id = p->part[1];
    else if (same(p->part[0], "messages") && p->count >= 3 && same(p->part[1], "t"))
        id = p->part[2];
    else
        return false;
    add(w, "facebook", id, form, p->host);
    return true;
}

static bool of_line(struct page_work *w, const struct url_parts *p)
{
    if ((!ends_host(p->host, "line.me") && !ends_host(p->host, "line.naver.jp")) || p->count < 3)
        return false;
    size_t at = same(p->part[0], "r") ? 1 : 0;
    if (at + 2 < p->count && same(p->part[at], "ti") && same(p->part[at + 1], "p"))
        add(w, "line", p->part[at + 2], "https://line.me/R/ti/p/@%s", p->host);
    return true;
}

static bool by_query(struct page_work *w, const struct url_parts *p)
{
    if (ends_host(p->host, "api.whatsapp.com") || ends_host(p->host, "web.whatsapp.com")) {
        struct span phone = query_value(p->query, "phone");
        while (phone.len > 0 && (phone.at[0] < '0' || phone.at[0] > '9'))
            phone = span_part(phone, phone.at[0] == '%' ? 3 : 1, phone.len);
        add(w, "whatsapp", phone, "https://wa.me/%s", p->host);
        return true;
    }
    if ((ends_host(p->host, "twitter.com") || ends_host(p->host, "x.com")) && p->count >= 1 && same(p->part[0], "intent")) {
        if (p->count >= 2 && (same(p->part[1], "user") || same(p->part[1], "follow")))
            add(w, "x", query_value(p->query, "screen_name"), "https://x.com/%s", p->host);
        return true;
    }
    return false;
}

/* A post, not an account: "/user/status/1", "/@user/1". */
static bool is_post(const struct network *n, const struct url_parts *p, size_t at)
{
    if (p->count <= at + 1)
        return false;
    struct span next = p->part[at + 1];
    if (strcmp(n->name, "mastodon") == 0 || strcmp(n->name, "github") == 0 || strcmp(n->name, "pinterest") == 0)
        return true;
    bool shelf = same(next, "photos") || same(next, "videos") || same(next, "posts"); /* without a number: what the account shows */
    if (shelf && p->count == at + 2 && next.len > 1)
        return false;
    return same(next, "status") || same(next, "statuses") || same(next, "posts") || same(next, "post") || same(next, "video") ||
           same(next, "videos") || same(next, "photos") || same(next, "p") ||
           (strcmp(n->name, "telegram") == 0 && next.at[0] >= '0' && next.at[0] <= '9');
}

/* "support.twitter.com", "developers.facebook.com": the network's own; "www.", "m.", "de-de.", "de.": all of it. */
static bool is_own_part(struct span host, const char *of)
{
    static const char *const all[] = {"www", "m", "mobile", "web", "touch", "mbasic", "old", "new"};
    size_t len = strlen(of);
    if (of[len - 1] == '.' || host.len <= len)
        return false;
    struct span sub = span_part(host, 0, host.len - len - 1);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (same(sub, all[i]))
            return false;
    }
    return sub.len != 2 && !(sub.len == 5 && sub.at[2] == '-');
}

static bool fits(struct page_work *w, const struct network *n, const struct url_parts *p)
{
    size_t at = 0;
    if (!ends_host(p->host, n->host) || p->count == 0)
        return false;
    if (is_own_part(p->host, n->host))
        return true;
    if (n->prefix[0] == '@') {
        if (p->part[0].at[0] != '@' && !starts_with_folded(p->part[0], "%40"))
            return false;
    } else if (n->prefix[0] != '\0') {
        if (!same(p->part[0], n->prefix) || p->count < 2)
            return false;
        at = 1;
    } else if (is_reserved(p->part[0])) {
        return true; /* the network's own */
    }
    if (is_post(n, p, at))
        return true;
    if (strcmp(n->name, "whatsapp") == 0 && !all_digits(p->part[0]))
        return true;
    if (strcmp(n->name, "telegram") == 0 && p->part[at].at[0] == '+')
        return true;
    if (strcmp(n->name, "x") == 0 && p->part[at].len > 16)
        return true;
    add(w, n->name, p->part[at], n->form, p->host);
    return true;
}

void accounts_link(struct page_work *w, struct span url, bool me)
{
    struct url_parts p;
    if (url.len > ACCOUNT_URL_MAX * 4 || !take_apart(url, &p) || w->page->account_count == EXTRACT_ACCOUNTS_MAX)
        return;
    if (of_facebook(w, &p) || of_line(w, &p) || by_query(w, &p))
        return;
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        const struct network *n = &networks[i];
        size_t len = n->host_len;
        bool any_suffix = n->host[len - 1] == '.';
        if (!any_suffix && (p.host.len < len || (p.host.at[p.host.len - len] | 0x20) != (n->host[0] | 0x20)))
            continue;
        if (fits(w, &networks[i], &p))
            return;
    }
    if (me && p.count == 1 && p.part[0].at[0] == '@')
        add(w, "mastodon", p.part[0], "", p.host);
}
