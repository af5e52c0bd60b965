/* Links that lead to where a page's owner can be written to. */
#include "contact/page_work.h"

enum { LINK_TEXT_MAX = 160, LINK_PATH_MAX = 80, SHORT_TEXT = 40, SEGMENT_MAX = 28, NOT_A_CONTACT = 100 };

/* Which of the two uses the text has: most links have none. */
static uint64_t uses_of(const struct words *words, struct span text)
{
    struct buf folded;
    if (text.len < 2)
        return 0;
    buf_init(&folded, 0);
    words_fold(&folded, text, false);
    uint64_t uses = words_uses(words, buf_as_span(&folded));
    buf_done(&folded);
    return uses;
}

static bool word_of(const struct words *words, uint64_t uses, enum word_use use, struct span text, struct span *ret_word, bool *ret_all)
{
    const struct word *word = word_bit(uses, use) ? words_in(words, use, text) : NULL;
    if (word == NULL)
        return false;
    *ret_word = word->text;
    *ret_all = text.len <= word->text.len + 4;
    return true;
}

/* The path and query, where a segment may say it: "/kontakt.html", "index.php?page=contact". */
static struct span path_of(struct span url)
{
    size_t at = 0, slashes = 0, wanted = span_starts(url, "//") || starts_with_folded(url, "http://") || starts_with_folded(url, "https://") ? 3 : 0;
    while (at < url.len && slashes < wanted)
        slashes += url.at[at++] == '/';
    struct span path = span_part(url, at, url.len);
    return path.len > LINK_PATH_MAX ? span_part(path, path.len - LINK_PATH_MAX, path.len) : path;
}

/* The last segment with blanks for what joins words, "fale-conosco", "ota_yhteytta"; empty when it joins none, or is an article's title. */
static struct span segment_words(struct span path, uint8_t to[static SEGMENT_MAX])
{
    size_t from = path.len, joined = 0;
    for (; from > 0 && path.at[from - 1] != '/'; from--) {
        uint8_t c = path.at[from - 1];
        bool joins = c == '-' || c == '_' || c == '+';
        to[SEGMENT_MAX - 1 - (path.len - from)] = joins ? ' ' : c;
        joined += joins;
        if (path.len - from + 1 == SEGMENT_MAX || joined > 3 || (c >= '0' && c <= '9'))
            return span_text("");
    }
    return joined > 0 ? span_of(to + SEGMENT_MAX - (path.len - from), path.len - from) : span_text("");
}

/* How sure it is, from 0; NOT_A_CONTACT. */
static unsigned judge(struct page_work *w, struct span url, struct span text, struct span title, struct span *reason)
{
    bool all = false;
    const struct words *words = w->words;
    text = span_part(text, 0, LINK_TEXT_MAX);
    title = span_part(title, 0, LINK_TEXT_MAX);
    uint64_t of_text = uses_of(words, text), of_title = span_equal(text, title) ? of_text : uses_of(words, title);
    if (word_bit(of_text | of_title, WORD_LINK_NOT))
        return NOT_A_CONTACT;
    if (word_of(words, of_text, WORD_LINK, text, reason, &all))
        return all ? 0 : text.len <= SHORT_TEXT ? 1 : 4;
    if (word_of(words, of_title, WORD_LINK, title, reason, &all))
        return 2;
    uint8_t segment[SEGMENT_MAX];
    struct span path = path_of(url);
    if (word_of(words, uses_of(words, path), WORD_LINK, path, reason, &all))
        return 3;
    while (path.len > 0 && path.at[path.len - 1] == '/')
        path.len--;
    path = text.len <= SHORT_TEXT ? segment_words(path, segment) : span_text("");
    if (word_of(words, uses_of(words, path), WORD_LINK, path, reason, &all))
        return 3;
    if (text.len <= 2 * SHORT_TEXT && word_of(words, of_text, WORD_LINK_WEAK, text, reason, &all))
        return all ? PAGE_LINK_WEAK : PAGE_LINK_WEAK + 1;
    if (word_of(words, of_title, WORD_LINK_WEAK, title, reason, &all))
        return PAGE_LINK_WEAK + 2;
    return NOT_A_CONTACT;
}

static struct span host_of(struct span url)
{
    size_t at = span_starts(url, "https://") ? 8 : 7;
    struct span host = span_part(url, at, url.len);
    size_t len = 0;
    while (len < host.len && host.at[len] != '/' && host.at[len] != ':' && host.at[len] != '?')
        len++;
    return span_part(host, 0, len);
}

static bool same_site(struct span a, struct span b)
{
    struct span x = host_of(a), y = host_of(b);
    if (span_equal(x, y))
        return true;
    struct span site = domain_registrable(x);
    return site.len > 0 && span_equal(site, domain_registrable(y));
}

static bool is_resource(struct span url)
{
    static const char *const ends[] = {".png", ".jpg", ".jpeg", ".gif", ".css", ".js", ".zip", ".ico", ".svg"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t len = strlen(ends[i]);
        if (url.len > len && starts_with_folded(span_part(url, url.len - len, len), ends[i]))
            return true;
    }
    return false;
}

static void keep(struct page_work *w, struct span url, struct span text, struct span reason, unsigned rank)
{
    struct page *page = w->page;
    for (size_t i = 0; i < page->link_count; i++) {
        struct page_link *known = &page->links[i];
        if (!span_equal(known->url, url))
            continue;
        if (rank < known->rank) {
            known->rank = rank;
            known->reason = page_copy(w, reason, WORD_MAX);
            known->text = page_copy(w, text, LINK_TEXT_MAX);
        }
        return;
    }
    if (page->link_count == EXTRACT_LINKS_MAX) {
        page->cut = true;
        return;
    }
    page->links[page->link_count++] =
        (struct page_link){.url = url, .text = page_copy(w, text, LINK_TEXT_MAX), .reason = page_copy(w, reason, WORD_MAX), .rank = rank};
}

static bool is_scheme(struct span reference)
{
    static const char *const others[] = {"mailto:", "tel:", "javascript:", "data:", "sms:", "about:", "skype:", "whatsapp:", "blob:"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (starts_with_folded(reference, others[i]))
            return true;
    }
    return false;
}

void links_add(struct page_work *w, struct span reference, struct span text, struct span title, const char *kind)
{
    struct span reason = span_text(kind);
    unsigned rank = kind == NULL ? 0 : kind[0] == 'f' ? 8 : 1;
    while (reference.len > 0 && reference.at[0] <= ' ')
        reference = span_part(reference, 1, reference.len);
    if (reference.len == 0 || reference.at[0] == '#' || is_scheme(reference) || w->page->link_count == EXTRACT_LINKS_MAX)
        return;
    if (kind == NULL)
        rank = judge(w, reference, text, title, &reason);
    if (rank == NOT_A_CONTACT)
        return;
    struct span url = page_url(w, reference), own = span_part(w->url, 0, span_find(w->url, '#'));
    if (url.len == 0 || span_equal(url, own) || is_resource(url))
        return;
    if (!same_site(url, w->url))
        rank += 3;
    keep(w, url, text.len > 0 ? text : title, reason, rank);
}

void links_done(struct page_work *w)
{
    struct page *page = w->page;
    for (size_t i = 1; i < page->link_count; i++) { /* few, and equal ranks stay in the order of the page */
        struct page_link link = page->links[i];
        size_t at = i;
        for (; at > 0 && page->links[at - 1].rank > link.rank; at--)
            page->links[at] = page->links[at - 1];
        page->links[at] = link;
    }
}
