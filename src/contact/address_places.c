/* Addresses where markup holds them: mailto, attributes, Cloudflare's cover; and the list that all of them join. */
#include "contact/page_work.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>

enum { MAILTO_MAX = 4096, MAILTO_FIELDS = 32, COVER_MAX = 400, ATTRIBUTE_MAX = 4096 };

bool page_contains(struct span text, const char *lower)
{
    size_t len = strlen(lower);
    for (size_t i = 0; i + len <= text.len; i++) {
        if ((text.at[i] | 0x20) == (uint8_t)(lower[0] | 0x20) && starts_with_folded(span_part(text, i, len), lower))
            return true;
    }
    return false;
}

struct span page_copy(struct page_work *w, struct span text, size_t max)
{
    char *copy = arena_alloc(w->arena, (text.len < max ? text.len : max) + 1);
    size_t len = 0;
    bool blank = false;
    if (copy == NULL) {
        w->error = -ENOMEM;
        return span_text("");
    }
    for (size_t i = 0; i < text.len && len < max; i++) {
        uint8_t c = text.at[i];
        if (c <= ' ' || c == 0x7f) {
            blank = len > 0;
            continue;
        }
        if (blank && len + 1 < max)
            copy[len++] = ' ';
        blank = false;
        copy[len++] = (char)c;
    }
    struct span out = span_of(copy, len);
    out.len = text_utf8_valid(out); /* a character that was cut in two at the end */
    return out;
}

struct span page_url(struct page_work *w, struct span reference)
{
    struct span url = {0};
    if (w->joins++ >= URL_JOINS_MAX)
        return url;
    int r = url_join(w->arena, w->base, reference, &url);
    if (r == -ENOMEM)
        w->error = r;
    return r == 0 ? url : (struct span){0};
}

/* ---- the list ---- */

static uint32_t hash_of(struct span mail)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < mail.len; i++) {
        uint8_t c = mail.at[i];
        hash = (hash ^ (c >= 'A' && c <= 'Z' ? c + 32U : c)) * 16777619U;
    }
    return hash;
}

static bool same_mail(struct span a, struct span b)
{
    for (size_t i = 0; i < a.len && a.len == b.len; i++) {
        uint8_t x = a.at[i], y = b.at[i];
        if ((x >= 'A' && x <= 'Z' ? x + 32 : x) != (y >= 'A' && y <= 'Z' ? y + 32 : y))
            return false;
    }
    return a.len == b.len;
}

static unsigned worth(struct span source)
{
    return span_is(source, "mailto") ? 3 : span_is(source, "text") ? 2 : span_is(source, "attribute") ? 0 : 1;
}

bool address_add(struct page_work *w, struct span mail, const char *source, struct span written, struct span evidence)
{
    struct span normal;
    int r = mail_normalise(w->arena, mail, &normal);
    if (r == -ENOMEM)
        w->error = r;
    if (r != 0)
        return false;
    uint32_t slot = hash_of(normal) % ADDRESS_SLOTS;
    struct page *page = w->page;
    for (; w->slots[slot] != 0; slot = (slot + 1) % ADDRESS_SLOTS) {
        struct page_address *known = &page->addresses[w->slots[slot] - 1];
        if (!same_mail(known->mail, normal))
            continue;
        if (worth(known->source) < worth(span_text(source)))
            known->source = span_text(source);
        return true;
    }
    if (page->address_count == EXTRACT_ADDRESSES_MAX) {
        page->cut = true;
        return false;
    }
    struct page_address *a = &page->addresses[page->address_count++];
    w->slots[slot] = (uint16_t)page->address_count;
    a->mail = normal;
    a->source = span_text(source);
    a->written = same_mail(written, normal) ? span_text("") : page_copy(w, written, EVIDENCE_MAX);
    a->evidence = page_copy(w, evidence, EVIDENCE_MAX);
    return true;
}

/* ---- mailto ---- */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t unescape(struct span text, uint8_t *to)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int high = text.at[i] == '%' && i + 2 < text.len ? hex_digit(text.at[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.at[i + 2]) : -1;
        to[len++] = low >= 0 ? (uint8_t)(high * 16 + low) : text.at[i];
        i += low >= 0 ? 2 : 0;
    }
    return len;
}

/* Addresses separated by commas or semicolons. */
static void mail_list(struct page_work *w, struct span list, const char *source, struct span evidence)
{
    uint8_t text[MAILTO_MAX];
    struct span left = span_of(text, unescape(span_part(list, 0, MAILTO_MAX), text));
    for (unsigned i = 0; i < MAILTO_FIELDS && left.len > 0; i++) {
        size_t end = 0;
        while (end < left.len && left.at[end] != ',' && left.at[end] != ';')
            end++;
        size_t count = w->page->address_count;
        address_scan(w, span_part(left, 0, end), source, ADDRESS_STRICT);
        if (w->page->address_count > count && evidence.len > 0)
            w->page->addresses[count].evidence = page_copy(w, evidence, EVIDENCE_MAX);
        left = span_part(left, end + 1, left.len);
    }
}

void address_mailto(struct page_work *w, struct span href, const char *source, struct span evidence)
{
    while (href.len > 0 && href.at[0] <= ' ')
        href = span_part(href, 1, href.len);
    if (starts_with_folded(href, "mailto:"))
        href = span_part(href, 7, href.len);
    while (href.len > 0 && href.at[0] == '/')
        href = span_part(href, 1, href.len);
    size_t query = span_find(href, '?');
    struct span left = span_part(href, query + 1, href.len);
    mail_list(w, span_part(href, 0, query), source, evidence);
    for (unsigned i = 0; i < MAILTO_FIELDS && left.len > 0; i++) {
        struct span field = span_part(left, 0, span_find(left, '&'));
        left = span_part(left, field.len + 1, left.len);
        if (starts_with_folded(field, "amp;"))
            field = span_part(field, 4, field.len);
        if (starts_with_folded(field, "to=") || starts_with_folded(field, "cc=") || starts_with_folded(field, "bcc="))
            mail_list(w, span_part(field, span_find(field, '=') + 1, field.len), source, evidence);
    }
}

/* ---- covers ---- */

void address_cloudflare(struct page_work *w, struct span hex, struct span evidence)
{
    uint8_t text[COVER_MAX];
    size_t len = 0;
    if (hex.len < 8 || hex.len / 2 > COVER_MAX)
        return;
    for (size_t i = 0; i + 1 < hex.len; i += 2) {
        int high = hex_digit(hex.at[i]), low = hex_digit(hex.at[i + 1]);
        if (high < 0 || low < 0)
            return;
        text[len++] = (uint8_t)(high * 16 + low);
    }
    for (size_t i = 1; i < len; i++)
        text[i] ^= text[0];
    struct span mail = span_of(text + 1, len - 1);
    size_t count = w->page->address_count;
    if (text_utf8_valid(mail) == mail.len)
        address_mailto(w, mail, "cloudflare", evidence);
    for (; count < w->page->address_count; count++)
        w->page->addresses[count].written = page_copy(w, hex, EVIDENCE_MAX);
}

static bool one_of(struct span name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is(name, list[i]))
            return true;
    }
    return false;
}

/* data-user="info" data-domain="example.com". */
static void in_two_parts(struct page_work *w, const struct html_token *t)
{
    static const char *const locals[] = {"data-user", "data-name",     "data-local", "data-localpart", "data-mailbox",    "data-account",
                                         "data-u",    "data-id",       "data-login", "data-part1",     "data-first",      "data-before",
                                         "data-left", "data-username", "data-mail",  "data-email",     "data-email-user", "data-m"};
    static const char *const domains[] = {"data-domain", "data-host",  "data-server", "data-site", "data-website",  "data-d",           "data-part2",
                                          "data-last",   "data-after", "data-right",  "data-at",   "data-hostname", "data-email-domain"};
    struct span local = {0}, domain = {0}, suffix = html_attribute(t, "data-tld");
    uint8_t mail[400];
    for (size_t i = 0; i < t->attribute_count; i++) {
        if (local.len == 0 && one_of(t->attributes[i].name, locals, sizeof locals / sizeof locals[0]))
            local = t->attributes[i].value;
        else if (domain.len == 0 && one_of(t->attributes[i].name, domains, sizeof domains / sizeof domains[0]))
            domain = t->attributes[i].value;
    }
    if (local.len == 0 || domain.len == 0 || local.len + domain.len + suffix.len + 2 > sizeof mail || span_find(local, '@') < local.len ||
        span_find(domain, ' ') < domain.len)
        return;
    struct buf out;
    buf_init(&out, sizeof mail);
    buf_span(&out, local);
    buf_byte(&out, '@');
    buf_span(&out, domain.at[0] == '@' ? span_part(domain, 1, domain.len) : domain);
    if (suffix.len > 0) {
        buf_text(&out, suffix.at[0] == '.' ? "" : ".");
        buf_span(&out, suffix);
    }
    address_scan(w, buf_as_span(&out), "attribute", 0);
    buf_done(&out);
}

static int base64_value(uint8_t c)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != 0 ? strchr(letters, c) : NULL;
    return at != NULL ? (int)(at - letters) : -1;
}

/* An attribute that is named for an address and holds none as it stands: in base 64, or backwards. */
static void covered(struct page_work *w, struct span value)
{
    uint8_t text[400];
    size_t len = 0, have = 0;
    uint32_t bits = 0;
    if (value.len < 6 || value.len > sizeof text)
        return;
    for (size_t i = 0; i < value.len && value.at[i] != '='; i++) {
        int six = base64_value(value.at[i]);
        if (six < 0) {
            len = 0;
            break;
        }
        bits = (bits << 6 | (uint32_t)six) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            text[len++] = (uint8_t)(bits >> have);
        }
    }
    struct span plain = span_of(text, len);
    if (span_find(plain, '@') < plain.len && text_utf8_valid(plain) == plain.len) {
        address_mailto(w, plain, "attribute", value);
        return;
    }
    for (size_t i = 0; i < value.len; i++)
        text[i] = value.at[value.len - 1 - i];
    if (span_find(value, '@') < value.len && text_utf8_valid(value) == value.len)
        address_scan(w, span_of(text, value.len), "attribute", 0);
}

/* Something that may stand for @. */
static bool may_hold(struct span value)
{
    if (span_find(value, '@') < value.len)
        return true;
    bool bracket = span_find(value, '(') < value.len || span_find(value, '[') < value.len || span_find(value, '{') < value.len;
    return (bracket && page_contains(value, "at")) || page_contains(value, " at ") || page_contains(value, "\xef\xbc\xa0");
}

/* A field for people to write into. */
static bool is_to_fill_in(const struct html_token *t)
{
    static const char *const others[] = {"hidden", "submit", "button", "image", "radio", "checkbox", "reset"};
    if (html_is(t, "textarea"))
        return true;
    if (!html_is(t, "input") || html_attribute(t, "readonly").at != NULL || html_attribute(t, "disabled").at != NULL)
        return false;
    struct span type = html_attribute(t, "type");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (type.len == strlen(others[i]) && starts_with_folded(type, others[i]))
            return false;
    }
    return true;
}

/* Attributes that are read as text, wherever they stand; others hold URLs, styles, scripts and examples. */
void address_attributes(struct page_work *w, const struct html_token *t)
{
    static const char *const read[] = {"title", "alt", "aria-label", "content", "value", "summary", "label"};
    bool data = false;
    if (is_to_fill_in(t))
        return; /* what it shows is an example */
    for (size_t i = 0; i < t->attribute_count; i++) {
        struct span name = t->attributes[i].name, value = span_part(t->attributes[i].value, 0, ATTRIBUTE_MAX);
        bool own = span_starts(name, "data-");
        data = data || own;
        if (value.len < 5 || (!own && !one_of(name, read, sizeof read / sizeof read[0])))
            continue;
        if (span_is(name, "data-cfemail")) {
            address_cloudflare(w, value, t->tag);
            continue;
        }
        size_t count = w->page->address_count;
        unsigned tries = w->tries;
        bool mail = page_contains(name, "mail");
        if (mail && starts_with_folded(value, "mailto:"))
            address_mailto(w, value, "attribute", value);
        else if (mail || may_hold(value))
            address_scan(w, value, "attribute", 0);
        if (mail && own && w->page->address_count == count && (w->tries == tries || span_find(value, '@') < value.len))
            covered(w, value);
    }
    if (data)
        in_two_parts(w, t);
}
