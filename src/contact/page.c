/* A page walked once, tag by tag: its visible text is gathered, and those who look for something are told what stands in it. */
#include "contact/address.h"
#include "contact/charset.h"
#include "contact/forms.h"
#include "contact/page_work.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>

enum {
    TEXT_MAX = 8 * 1024 * 1024,
    HREF_MAX = 4096,
    HIDDEN_TEXT_MAX = 400,
    CLASSES_MAX = 32,
    TITLE_MAX = 300,
    FEW_LETTERS = 60,
    SMALL_PAGE = 3000,
    WHOLE_MAX = 120
};

/* Classes that the page's own style sheets hide or turn around: traps for collectors. */
struct classes {
    struct span name[CLASSES_MAX];
    size_t count;
};

/* An element whose text is not shown, or is shown backwards; ends with it, or with the block around it. */
struct inside {
    char tag[16];
    unsigned depth; /* 0: in none */
    size_t start;   /* in the text; of what is hidden: how much */
};

struct walk {
    struct page_work *work;
    struct forms forms;
    struct buf text, href, title, style;
    char skipped[12]; /* the element whose text is none of the page's: script, style, template, iframe */
    bool json_ld, in_title, in_pre, in_link, link_me, noscript, password, base_known;
    bool edge, link_edge; /* an element, a link began or ended since the last text */
    size_t link_start, title_start, letters, scripts, links, frames;
    struct inside hidden, turned;
    struct classes hiding, turning;
};

/* ---- text ---- */

static uint8_t last_byte(const struct buf *b)
{
    return b->len > 0 && b->data != NULL ? b->data[b->len - 1] : '\n';
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* An address that is complete between `from` and `end`: what stands beside it in another element is none of it. */
static bool is_whole_address(struct span text, size_t from, size_t end)
{
    size_t at = from;
    while (at < end && text.at[at] != '@')
        at++;
    return at > from && at < end && address_suffix_known(span_part(text, at + 1, end - at - 1));
}

static bool of_address(uint8_t c)
{
    return byte_is_alnum(c) || c == '@' || c == '.' || c == '_' || c == '-' || c == '+';
}

/*
 * Text of two elements stands side by side without a blank between: "Mail" and "info@example.com", as the page's style sets them apart. They are
 * taken for two where a link begins or ends, or where one of them is an address by itself; parts of a word or of an address else.
 */
static bool is_apart(const struct walk *k, struct span text)
{
    struct span before = span_of(k->text.data, k->text.len);
    size_t start = before.len, end = 0;
    if (k->link_edge)
        return true;
    while (end < text.len && end < WHOLE_MAX && of_address(text.at[end]))
        end++;
    if (is_whole_address(text, 0, end))
        return true;
    while (start > 0 && before.len - start < WHOLE_MAX && of_address(before.at[start - 1]))
        start--;
    return is_whole_address(before, start, before.len);
}

/* Appends with blanks as one. */
static void put_text(struct walk *k, struct span text)
{
    struct buf *out = &k->text;
    uint8_t last = last_byte(out);
    if (k->edge && byte_is_alnum(last) && text.len > 0 && byte_is_alnum(text.at[0]) && is_apart(k, text))
        buf_byte(out, last = ' ');
    k->edge = k->link_edge = false;
    uint8_t *to = buf_reserve(out, text.len);
    size_t len = 0;
    if (to == NULL)
        return;
    for (size_t at = 0; at < text.len;) {
        size_t from = at;
        while (at < text.len && !is_space(text.at[at]))
            to[len++] = last = text.at[at++];
        k->letters += k->noscript || k->in_title ? 0 : at - from;
        bool line = false;
        from = at;
        for (; at < text.len && is_space(text.at[at]); at++)
            line = line || text.at[at] == '\n';
        if (at > from && k->in_pre && line && last != '\n')
            to[len++] = last = '\n';
        else if (at > from && last != ' ' && last != '\n')
            to[len++] = last = ' ';
    }
    out->len += len;
}

static void break_line(struct walk *k)
{
    if (last_byte(&k->text) == ' ')
        k->text.len--;
    if (last_byte(&k->text) != '\n')
        buf_byte(&k->text, '\n');
}

static struct span text_from(const struct walk *k, size_t from)
{
    return from < k->text.len ? span_of(k->text.data + from, k->text.len - from) : span_text("");
}

/* The characters of what was appended since `from` in reverse. */
static void turn(struct buf *b, size_t from)
{
    if (from >= b->len)
        return;
    for (size_t low = from, high = b->len - 1; low < high; low++, high--) {
        uint8_t c = b->data[low];
        b->data[low] = b->data[high];
        b->data[high] = c;
    }
    for (size_t at = from; at < b->len;) { /* each character's bytes came out backwards */
        size_t end = at;
        while (end < b->len && (b->data[end] & 0xc0) == 0x80)
            end++;
        for (size_t low = at, high = end; low < high && high < b->len; low++, high--) {
            uint8_t c = b->data[low];
            b->data[low] = b->data[high];
            b->data[high] = c;
        }
        at = end + 1;
    }
}

/* ---- what is not shown ---- */

/* ".name { … display: none … }" of a style sheet: the names of simple rules. */
static void read_style(struct walk *k, struct span css)
{
    while (css.len > 0) {
        struct span head = span_part(css, 0, span_find(css, '{'));
        css = span_part(css, head.len + 1, css.len);
        struct span body = span_part(css, 0, span_find(css, '}'));
        css = span_part(css, body.len + 1, css.len);
        body = span_part(body, 0, 1000);
        bool hides = page_contains(body, "display:none") || page_contains(body, "display: none");
        bool turns = page_contains(body, "bidi-override") && page_contains(body, "rtl");
        struct classes *into = hides ? &k->hiding : turns ? &k->turning : NULL;
        if (into == NULL)
            continue;
        head = head.len > 200 ? span_part(head, head.len - 200, 200) : head;
        for (size_t i = 0; i < head.len && into->count < CLASSES_MAX; i++) {
            if (head.at[i] != '.')
                continue;
            size_t end = i + 1;
            while (end < head.len && head.at[end] > ' ' && strchr(".,:#[>+~)", head.at[end]) == NULL)
                end++;
            if (end > i + 1 && (end == head.len || head.at[end] <= ' ' || head.at[end] == ','))
                into->name[into->count++] = page_copy(k->work, span_part(head, i + 1, end - i - 1), 60);
        }
    }
}

static bool of_class(const struct classes *list, struct span classes)
{
    while (classes.len > 0 && list->count > 0) {
        struct span name = span_part(classes, 0, span_find(classes, ' '));
        classes = span_part(classes, name.len + 1, classes.len);
        for (size_t i = 0; i < list->count && name.len > 0; i++) {
            if (span_equal(list->name[i], name))
                return true;
        }
    }
    return false;
}

static bool is_hidden(struct walk *k, const struct html_token *t)
{
    struct span style = span_part(html_attribute(t, "style"), 0, 500);
    if (html_attribute(t, "hidden").at != NULL)
        return true;
    if (style.len > 0 && (page_contains(style, "display:none") || page_contains(style, "display: none")))
        return true;
    return of_class(&k->hiding, html_attribute(t, "class"));
}

static bool is_turned(struct walk *k, const struct html_token *t)
{
    struct span style = span_part(html_attribute(t, "style"), 0, 500);
    if (html_is(t, "bdo") && starts_with_folded(html_attribute(t, "dir"), "rtl"))
        return true;
    if (style.len > 0 && page_contains(style, "bidi-override") && page_contains(style, "rtl"))
        return true;
    return of_class(&k->turning, html_attribute(t, "class"));
}

static void enter(struct inside *in, const struct html_token *t, size_t start)
{
    if (in->depth > 0 || t->tag.len >= sizeof in->tag)
        return;
    memcpy(in->tag, t->tag.at, t->tag.len);
    in->tag[t->tag.len] = '\0';
    in->depth = 1;
    in->start = start;
}

/* True when the element ends here. */
static bool leave(struct inside *in, const struct html_token *t)
{
    if (in->depth == 0 || !html_is(t, in->tag))
        return false;
    in->depth += t->kind == HTML_OPEN ? 1 : 0;
    in->depth -= t->kind == HTML_CLOSE ? 1 : 0;
    return in->depth == 0;
}

static bool is_void(struct span tag)
{
    static const char *const names[] = {"img",  "input", "br",  "hr",    "meta",   "link",  "area",
                                        "base", "wbr",   "col", "embed", "source", "track", "param"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (span_is(tag, names[i]))
            return true;
    }
    return false;
}

static void watch_insides(struct walk *k, const struct html_token *t, bool block)
{
    (void)leave(&k->hidden, t);
    if (block)
        k->hidden.depth = 0; /* only what is hidden within a line is a trap */
    if (leave(&k->turned, t))
        turn(&k->text, k->turned.start);
    if (t->kind != HTML_OPEN || is_void(t->tag))
        return;
    bool told =
        html_attribute(t, "style").len > 0 || html_attribute(t, "class").len > 0 || html_attribute(t, "hidden").at != NULL || html_is(t, "bdo");
    if (told && !block && k->hidden.depth == 0 && is_hidden(k, t))
        enter(&k->hidden, t, 0);
    if (told && k->turned.depth == 0 && is_turned(k, t))
        enter(&k->turned, t, k->text.len);
}

/* ---- links ---- */

/* The first quoted string behind `location` or `open(` of an event's script. */
static struct span target_of_script(struct span script)
{
    script = span_part(script, 0, 1000);
    for (size_t i = 0; i < script.len; i++) {
        struct span left = span_part(script, i, script.len);
        if (!starts_with_folded(left, "location") && !starts_with_folded(left, "open("))
            continue;
        for (size_t q = 0; q < left.len; q++) {
            uint8_t c = left.at[q];
            if (c == '\'' || c == '"')
                return span_part(left, q + 1, span_find(span_part(left, q + 1, left.len), c));
        }
    }
    return (struct span){0};
}

static void link_end(struct walk *k)
{
    struct page_work *w = k->work;
    if (!k->in_link)
        return;
    k->in_link = false;
    struct span href = buf_as_span(&k->href), title = buf_as_span(&k->title), text = text_from(k, k->link_start);
    while (text.len > 0 && is_space(text.at[text.len - 1]))
        text.len--;
    struct span cover = span_text("email-protection#");
    if (starts_with_folded(href, "http://mailto:")) /* what an editor put before it */
        href = span_part(href, 7, href.len);
    if (starts_with_folded(href, "mailto:")) {
        address_mailto(w, href, "mailto", text.len > 0 ? text : href);
        return;
    }
    for (size_t i = 0; i + cover.len < href.len; i++) {
        if (href.at[i] == 'e' && span_equal(span_part(href, i, cover.len), cover)) {
            address_cloudflare(w, span_part(href, i + cover.len, href.len), text);
            return;
        }
    }
    if (span_find(href, '@') < href.len && span_find(href, '/') == href.len && span_find(href, ':') == href.len)
        address_mailto(w, href, "attribute", text);
    if (starts_with_folded(href, "javascript:"))
        href = target_of_script(href);
    accounts_link(w, href, k->link_me);
    links_add(w, href, text, title, NULL);
}

static void link_begin(struct walk *k, const struct html_token *t, struct span href)
{
    link_end(k);
    k->links++;
    k->in_link = true;
    k->link_start = k->text.len;
    k->link_me =
        page_contains(span_part(html_attribute(t, "rel"), 0, 60), "me") && !page_contains(span_part(html_attribute(t, "rel"), 0, 60), "namespace");
    buf_clear(&k->href);
    buf_clear(&k->title);
    while (href.len > 0 && href.at[0] <= ' ')
        href = span_part(href, 1, href.len);
    buf_span(&k->href, span_part(href, 0, HREF_MAX));
    struct span title = html_attribute(t, "title");
    if (title.len == 0)
        title = html_attribute(t, "aria-label");
    buf_span(&k->title, span_part(title, 0, 200));
}

/* An image's text belongs to the link around it; a sign may stand as an image in the middle of an address. */
static void image(struct walk *k, const struct html_token *t)
{
    struct span alt = span_part(html_attribute(t, "alt"), 0, 200);
    if (alt.len == 0)
        alt = span_part(html_attribute(t, "title"), 0, 200);
    if (k->in_link && k->title.len + alt.len < 400) {
        if (k->title.len > 0)
            buf_byte(&k->title, ' ');
        buf_span(&k->title, alt);
    }
    bool word = (alt.len == 2 && starts_with_folded(alt, "at")) || (alt.len == 3 && starts_with_folded(alt, "dot"));
    if (word)
        buf_byte(&k->text, '['); /* else it would join the letters beside it */
    if (word || (alt.len > 0 && alt.len <= 8 && (span_find(alt, '@') < alt.len || page_contains(alt, "at") || page_contains(alt, "dot"))))
        put_text(k, alt);
    if (word)
        buf_byte(&k->text, ']');
}

static void meta(struct walk *k, const struct html_token *t)
{
    struct span content = span_part(html_attribute(t, "content"), 0, HREF_MAX);
    struct span property = html_attribute(t, "property"), name = html_attribute(t, "name");
    if (starts_with_folded(html_attribute(t, "http-equiv"), "refresh")) {
        size_t at = 0;
        while (at < content.len && !starts_with_folded(span_part(content, at, content.len), "url"))
            at++;
        struct span url = span_part(content, at + 3, content.len);
        while (url.len > 0 && (is_space(url.at[0]) || url.at[0] == '=' || url.at[0] == '\'' || url.at[0] == '"'))
            url = span_part(url, 1, url.len);
        while (url.len > 0 && (url.at[url.len - 1] == '\'' || url.at[url.len - 1] == '"'))
            url.len--;
        k->frames++;
        links_add(k->work, url, span_text(""), span_text(""), "refresh");
    } else if (span_is(property, "article:publisher") || span_is(property, "og:see_also")) {
        accounts_link(k->work, content, false);
    } else if (span_is(name, "twitter:site") && content.len > 1 && content.at[0] == '@' && content.len < 40) {
        struct buf url;
        buf_init(&url, 100);
        buf_text(&url, "https://x.com/");
        buf_span(&url, span_part(content, 1, content.len));
        accounts_link(k->work, buf_as_span(&url), false);
        buf_done(&url);
    }
}

static void frame(struct walk *k, const struct html_token *t)
{
    struct span src = span_part(html_attribute(t, "src"), 0, HREF_MAX);
    k->frames++;
    if (page_contains(span_part(src, 0, 60), "facebook.com/plugins/")) {
        size_t at = 0;
        while (at < src.len && !starts_with_folded(span_part(src, at, 5), "href="))
            at++;
        uint8_t url[HREF_MAX];
        size_t len = 0;
        struct span left = span_part(src, at + 5, span_find(span_part(src, at + 5, src.len), '&'));
        for (size_t i = 0; i < left.len; i++) {
            uint8_t byte;
            bool escaped = left.at[i] == '%' && text_unhex(span_part(left, i + 1, 2), &byte, 1) == 0;
            url[len++] = escaped ? byte : left.at[i];
            i += escaped ? 2 : 0;
        }
        accounts_link(k->work, span_of(url, len), false);
        return;
    }
    links_add(k->work, src, html_attribute(t, "title"), html_attribute(t, "name"), "frame");
}

/* ---- tags ---- */

static void element(struct walk *k, const struct html_token *t)
{
    struct span href;
    if (html_is(t, "a")) {
        href = html_attribute(t, "href");
        link_begin(k, t, href.len > 0 ? href : html_attribute(t, "xlink:href"));
        href = html_attribute(t, "onclick");
        if (html_attribute(t, "href").len <= 1 && href.len > 0) {
            href = target_of_script(href);
            buf_clear(&k->href);
            buf_span(&k->href, href);
        }
    } else if (html_is(t, "img")) {
        image(k, t);
    } else if (html_is(t, "area")) {
        link_end(k);
        link_begin(k, t, html_attribute(t, "href"));
        image(k, t);
        link_end(k);
    } else if (html_is(t, "form") && starts_with_folded(html_attribute(t, "action"), "mailto:")) {
        address_mailto(k->work, html_attribute(t, "action"), "mailto", html_attribute(t, "action"));
    } else if (html_is(t, "meta")) {
        meta(k, t);
    } else if (html_is(t, "frame") || html_is(t, "iframe")) {
        frame(k, t);
    } else if (html_is(t, "base") && !k->base_known) {
        struct span base = {0};
        href = html_attribute(t, "href");
        k->base_known = href.len > 0;
        if (href.len > 0 && url_join(k->work->arena, k->work->url, href, &base) == 0)
            k->work->base = base;
    } else if (html_is(t, "html")) {
        k->work->page->language = page_copy(k->work, html_attribute(t, "lang"), 20);
    } else if (html_is(t, "link") && page_contains(span_part(html_attribute(t, "rel"), 0, 40), "me")) {
        accounts_link(k->work, html_attribute(t, "href"), true);
    } else if (html_is(t, "link") && starts_with_folded(html_attribute(t, "href"), "mailto:")) {
        address_mailto(k->work, html_attribute(t, "href"), "mailto", html_attribute(t, "href"));
    } else if (html_is(t, "input") || html_is(t, "button")) {
        href = html_attribute(t, "onclick");
        k->password = k->password || starts_with_folded(html_attribute(t, "type"), "password");
        if (href.len > 0)
            links_add(k->work, target_of_script(href), html_attribute(t, "value"), html_attribute(t, "title"), NULL);
        if (html_is(t, "button") && href.len > 0 && target_of_script(href).len > 0)
            link_begin(k, t, target_of_script(href));
    } else if (starts_with_folded(html_attribute(t, "data-href"), "http")) {
        accounts_link(k->work, html_attribute(t, "data-href"), false);
    }
}

static bool is_skipped(const struct html_token *t)
{
    return html_is(t, "script") || html_is(t, "style") || html_is(t, "template") || html_is(t, "iframe");
}

/* Script, style and what only scripts read: its text goes to nobody, but JSON-LD and the classes that a style hides. True: nothing else is to be
 * done. */
static bool skipping(struct walk *k, const struct html_token *t)
{
    if (k->skipped[0] != '\0') {
        if (t->kind == HTML_TEXT && (k->json_ld || span_is(span_text(k->skipped), "style")))
            buf_span(&k->style, t->text);
        if (t->kind != HTML_CLOSE || !html_is(t, k->skipped))
            return t->kind == HTML_TEXT || !span_is(span_text(k->skipped), "template");
        k->skipped[0] = '\0';
        if (k->json_ld)
            jsonld_read(k->work, buf_as_span(&k->style));
        else if (k->style.len > 0)
            read_style(k, buf_as_span(&k->style));
        buf_clear(&k->style);
        k->json_ld = false;
        return true;
    }
    if (t->kind != HTML_OPEN || !is_skipped(t))
        return false;
    memcpy(k->skipped, t->tag.at, t->tag.len);
    k->skipped[t->tag.len] = '\0';
    k->scripts += html_is(t, "script");
    k->json_ld = html_is(t, "script") && page_contains(span_part(html_attribute(t, "type"), 0, 60), "ld+json");
    if (html_is(t, "iframe"))
        frame(k, t);
    return true;
}

static void title_end(struct walk *k, bool closed)
{
    if (!k->in_title)
        return;
    k->in_title = false;
    if (closed && k->work->page->title.len == 0) {
        k->work->page->title = page_copy(k->work, text_from(k, k->title_start), TITLE_MAX);
        struct buf folded;
        buf_init(&folded, 0);
        words_fold(&folded, k->work->page->title, false);
        uint64_t uses = words_uses(k->work->words, buf_as_span(&folded));
        k->forms.page_contact = k->forms.page_contact || word_bit(uses, WORD_LINK);
        k->forms.page_login = word_bit(uses, WORD_FORM_LOGIN) || word_bit(uses, WORD_FORM_REGISTER);
        buf_done(&folded);
    }
}

static void tag(struct walk *k, const struct html_token *t)
{
    bool block = t->block, open = t->kind == HTML_OPEN;
    if (block)
        title_end(k, true);
    watch_insides(k, t, block);
    k->edge = true;
    k->link_edge = k->link_edge || html_is(t, "a") || (t->attribute_count > 0 && html_attribute(t, "itemprop").at != NULL);
    if (html_is(t, "a") && !open)
        link_end(k);
    forms_token(&k->forms, t);
    if (block)
        break_line(k);
    if (html_is(t, "button") && !open)
        link_end(k);
    if (html_is(t, "title") && open) {
        k->in_title = true;
        k->title_start = k->text.len;
    }
    if (html_is(t, "pre") || html_is(t, "textarea"))
        k->in_pre = open;
    if (html_is(t, "noscript"))
        k->noscript = open;
    if (!open)
        return;
    element(k, t);
    if (t->attribute_count > 0)
        address_attributes(k->work, t);
    /* "<at>", "<info@example.com>", "<info(at)example.com>": no tag was meant. */
    if (span_find(t->tag, '@') < t->tag.len || span_find(t->tag, '(') < t->tag.len || html_is(t, "at") || html_is(t, "dot")) {
        buf_text(&k->text, "<");
        buf_span(&k->text, t->tag);
        buf_text(&k->text, ">");
    }
}

static void hear(void *user, const struct html_token *t)
{
    struct walk *k = user;
    if (k->work->error != 0 || skipping(k, t))
        return;
    if (t->kind != HTML_TEXT)
        tag(k, t);
    else if (k->hidden.depth == 0)
        put_text(k, t->text);
    else if ((k->hidden.start += t->text.len) > HIDDEN_TEXT_MAX)
        k->hidden.depth = 0; /* that much is no trap */
}

/* ---- the page as a whole ---- */

static void find_maker(struct walk *k)
{
    struct page *page = k->work->page;
    bool device = k->password ? k->letters < 4 * SMALL_PAGE && k->links < 100 : k->letters < SMALL_PAGE && k->links < 30;
    if (!device)
        return;
    const struct word *word = words_in(k->work->words, WORD_MAKER, page->title);
    if (word == NULL && k->password)
        word = words_in(k->work->words, WORD_MAKER, text_from(k, 0));
    if (word == NULL && k->password && k->text.len > 1000)
        word = words_in(k->work->words, WORD_MAKER, text_from(k, k->text.len - 1000));
    if (word == NULL)
        return;
    char *name = arena_copy(k->work->arena, word->language);
    for (size_t i = 0; name != NULL && i < word->language.len; i++)
        name[i] = (char)(name[i] == '_' ? ' ' : name[i]);
    page->maker = span_of(name, name != NULL ? word->language.len : 0);
}

static void page_words(struct walk *k)
{
    struct span url = k->work->url;
    struct buf folded;
    size_t at = 0, slashes = 0;
    while (at < url.len && slashes < 3)
        slashes += url.at[at++] == '/';
    buf_init(&folded, 0);
    words_fold(&folded, span_part(url, at, 200), true);
    k->forms.page_contact = word_bit(words_uses(k->work->words, buf_as_span(&folded)), WORD_LINK);
    buf_done(&folded);
}

static int walk_page(struct page_work *w, struct span utf8, bool html)
{
    struct walk k = {.work = w};
    bool cut = false;
    int r = 0;
    buf_init(&k.text, TEXT_MAX);
    buf_init(&k.href, HREF_MAX + 1);
    buf_init(&k.title, 1000);
    buf_init(&k.style, 512 * 1024);
    address_init(w);
    forms_init(&k.forms, w, &k.text);
    page_words(&k);
    if (html)
        r = html_read(utf8, hear, &k, &cut);
    else
        buf_span(&k.text, utf8);
    title_end(&k, true);
    if (k.turned.depth > 0)
        turn(&k.text, k.turned.start);
    link_end(&k);
    forms_done(&k.forms);
    w->page->cut = w->page->cut || cut;
    if (w->error == 0 && r == 0) {
        address_scan(w, buf_as_span(&k.text), "text", 0);
        links_done(w);
        w->page->needs_scripts = k.letters < FEW_LETTERS && k.scripts > 0 && k.links == 0 && k.frames == 0 && w->page->form_count == 0;
        find_maker(&k);
    }
    if (r == 0)
        r = w->error != 0 ? w->error : k.text.error == -ENOMEM ? -ENOMEM : 0;
    buf_done(&k.text);
    buf_done(&k.href);
    buf_done(&k.title);
    buf_done(&k.style);
    return r;
}

/* The language an <html lang=…> claims, else the top-level domain. */
static struct span hint_of(struct span url, struct span bytes)
{
    struct span head = span_part(bytes, 0, 2048);
    for (size_t i = 0; i + 8 < head.len; i++) {
        if (!starts_with_folded(span_part(head, i, 5), "lang="))
            continue;
        size_t at = i + 5;
        at += head.at[at] == '"' || head.at[at] == '\'';
        size_t end = at;
        while (end < head.len && end - at < 10 && head.at[end] != '"' && head.at[end] != '\'' && head.at[end] != '>' && head.at[end] != ' ')
            end++;
        if (end > at)
            return span_part(head, at, end - at);
    }
    size_t start = 0, slashes = 0;
    while (start < url.len && slashes < 2)
        slashes += url.at[start++] == '/';
    struct span host = span_part(url, start, url.len);
    size_t len = 0, dot = 0;
    for (; len < host.len && host.at[len] != '/' && host.at[len] != ':' && host.at[len] != '?'; len++)
        dot = host.at[len] == '.' ? len + 1 : dot;
    struct span suffix = span_part(host, dot, len - dot);
    return span_is(suffix, "ar") ? span_text("es") : suffix; /* Argentina, not Arabic */
}

static int make_room(struct page *page, struct arena *arena)
{
    page->addresses = arena_alloc(arena, EXTRACT_ADDRESSES_MAX * sizeof *page->addresses);
    page->accounts = arena_alloc(arena, EXTRACT_ACCOUNTS_MAX * sizeof *page->accounts);
    page->links = arena_alloc(arena, EXTRACT_LINKS_MAX * sizeof *page->links);
    return page->addresses != NULL && page->accounts != NULL && page->links != NULL ? 0 : -ENOMEM;
}

int page_read_watched(const struct words *words, struct arena *arena, struct span url, struct span type, struct span bytes, form_watch *watch,
                      void *user, struct page *ret)
{
    struct page page = {.cut = bytes.len > EXTRACT_PAGE_MAX};
    struct page_work *w = calloc(1, sizeof *w);
    struct buf utf8;
    if (w == NULL)
        return -ENOMEM;
    *w = (struct page_work){.words = words, .arena = arena, .url = url, .base = url, .page = &page, .watch = watch, .watch_user = user};
    bytes = span_part(bytes, 0, EXTRACT_PAGE_MAX);
    buf_init(&utf8, 4 * EXTRACT_PAGE_MAX);
    int r = make_room(&page, arena);
    if (r == 0)
        r = charset_to_utf8(type, hint_of(url, bytes), bytes, &page.charset, &utf8);
    if (r == 0) {
        struct span text = buf_as_span(&utf8);
        if (text.len > EXTRACT_PAGE_MAX)
            text = span_part(text, 0, EXTRACT_PAGE_MAX); /* two bytes may have become three */
        bool html = !starts_with_folded(type, "text/plain") && (span_find(text, '<') < text.len || page_contains(type, "html"));
        r = walk_page(w, text, html);
    }
    if (r == 0)
        *ret = page;
    buf_done(&utf8);
    free(w);
    return r;
}
