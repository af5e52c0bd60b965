/*
 * Replies as people keep them: with a byte order mark or as UTF-16, as the web page of a registry's gateway, quoted in a mail, indented in a listing.
 * What was put around the reply is taken away; what is no text at all is no reply.
 */
#include "contact/whois_reading.h"

#include "base/buf.h"

#include <errno.h>
#include <strings.h>

enum { LOOK_MAX = 4096, CONTROLS_OF = 40, TAG_MAX = 2000, ENTITY_MAX = 10, MARGINS_MAX = 6 };

/* ---- bytes ---- */

static void put_point(struct buf *out, uint32_t point)
{
    if (point >= 0x10000)
        buf_byte(out, (uint8_t)(0xf0 | point >> 18));
    if (point >= 0x800)
        buf_byte(out, (uint8_t)(point >= 0x10000 ? 0x80 | (point >> 12 & 0x3f) : 0xe0 | point >> 12));
    if (point >= 0x80)
        buf_byte(out, (uint8_t)(point >= 0x800 ? 0x80 | (point >> 6 & 0x3f) : 0xc0 | point >> 6));
    buf_byte(out, (uint8_t)(point >= 0x80 ? 0x80 | (point & 0x3f) : point));
}

static uint32_t unit_at(struct span bytes, size_t at, bool big)
{
    return big ? (uint32_t)bytes.at[at] << 8 | bytes.at[at + 1] : (uint32_t)bytes.at[at + 1] << 8 | bytes.at[at];
}

int whois_saved_bytes(struct arena *arena, struct span *bytes)
{
    bool big = span_starts(*bytes, "\xfe\xff"), little = span_starts(*bytes, "\xff\xfe");
    struct buf out;
    if (span_starts(*bytes, "\xef\xbb\xbf"))
        *bytes = span_part(*bytes, 3, bytes->len);
    if (!big && !little)
        return 0;
    buf_init(&out, 0);
    for (size_t i = 2; i + 1 < bytes->len; i += 2) {
        uint32_t point = unit_at(*bytes, i, big);
        uint32_t low = point >= 0xd800 && point < 0xdc00 && i + 3 < bytes->len ? unit_at(*bytes, i + 2, big) : 0;
        if (low >= 0xdc00 && low < 0xe000) {
            point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
            i += 2;
        } else if (point >= 0xd800 && point < 0xe000) {
            point = 0xfffd;
        }
        put_point(&out, point);
    }
    char *copy = out.error == 0 ? arena_copy(arena, buf_as_span(&out)) : NULL;
    if (copy != NULL)
        *bytes = span_of(copy, out.len);
    buf_done(&out);
    return copy != NULL ? 0 : -ENOMEM;
}

bool whois_is_text(struct span bytes)
{
    size_t controls = 0;
    bytes = span_part(bytes, 0, LOOK_MAX);
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = bytes.at[i];
        controls += c < ' ' && (c < '\t' || c > '\r') && c != 0x1b; /* ISO-2022-JP has escapes */
    }
    return controls <= 2 || controls * CONTROLS_OF < bytes.len;
}

/* ---- pages ---- */

/* A tag's length with its brackets; 0: it is none ("<abuse@example.net>"). */
static size_t tag_length(struct span text)
{
    uint8_t first = (uint8_t)(text.len > 2 ? text.at[1] | 0x20 : 0);
    if (text.len < 3 || !((first >= 'a' && first <= 'z') || text.at[1] == '/' || text.at[1] == '!'))
        return 0;
    struct span tag = span_part(text, 0, TAG_MAX);
    size_t len = span_find(tag, '>');
    struct span head = span_part(tag, 0, span_find(tag, ' ') < len ? span_find(tag, ' ') : len);
    return len < tag.len && span_find(head, '@') == head.len ? len + 1 : 0;
}

static bool tag_is(struct span tag, const char *name)
{
    size_t len = strlen(name), from = tag.len > 1 && tag.at[1] == '/' ? 2 : 1;
    if (tag.len < from + len || strncasecmp((const char *)&tag.at[from], name, len) != 0)
        return false;
    uint8_t after = tag.len > from + len ? tag.at[from + len] : '>';
    return after == '>' || after == '/' || after <= ' ';
}

/* Tags that end a line of what is shown. */
static bool tag_breaks(struct span tag)
{
    static const char *const names[] = {"br", "p", "div", "tr", "li", "pre", "h1", "h2", "h3", "h4", "table", "ul", "dt", "dd", "title", "body"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (tag_is(tag, names[i]))
            return true;
    }
    return false;
}

/* "&lt;", "&#64;": its length, 0: it is none. */
static size_t entity(struct span text, uint32_t *ret)
{
    static const struct {
        const char *name;
        uint32_t point;
    } names[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&nbsp;", ' '}};
    uint32_t point = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (span_starts(text, names[i].name)) {
            *ret = names[i].point;
            return strlen(names[i].name);
        }
    }
    bool hex = span_starts(text, "&#x") || span_starts(text, "&#X");
    size_t begin = hex ? 3 : 2, i = begin;
    for (; span_starts(text, "&#") && i < text.len && i < ENTITY_MAX; i++) {
        uint8_t c = (uint8_t)(text.at[i] | 0x20);
        bool digit = text.at[i] >= '0' && text.at[i] <= '9', letter = hex && c >= 'a' && c <= 'f';
        if (!digit && !letter)
            break;
        point = point * (hex ? 16 : 10) + (uint32_t)(digit ? c - '0' : c - 'a' + 10);
    }
    if (i == begin || i >= text.len || text.at[i] != ';' || point == 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return 0;
    *ret = point;
    return i + 1;
}

static void show_page(struct buf *out, struct span text)
{
    const char *hidden = NULL; /* the element whose content is not shown */
    for (size_t i = 0; i < text.len;) {
        struct span left = span_part(text, i, text.len);
        size_t len = left.at[0] == '<' ? tag_length(left) : 0;
        uint32_t point;
        if (len > 0) {
            struct span tag = span_part(left, 0, len);
            bool closes = tag.at[1] == '/';
            if (hidden == NULL && !closes)
                hidden = tag_is(tag, "script") ? "script" : tag_is(tag, "style") ? "style" : NULL;
            else if (hidden != NULL && closes && tag_is(tag, hidden))
                hidden = NULL;
            if (hidden == NULL && tag_breaks(tag))
                buf_byte(out, '\n');
        } else if (hidden == NULL && left.at[0] == '&' && (len = entity(left, &point)) > 0) {
            put_point(out, point);
        } else {
            len = 1;
            if (hidden == NULL)
                buf_byte(out, left.at[0]);
        }
        i += len;
    }
}

static bool is_page(struct span text)
{
    return span_find(text, '<') < text.len &&
           (whois_has(text, "<html") || whois_has(text, "<!doctype") || whois_has(text, "<pre") || whois_has(text, "</pre"));
}

/* ---- quoting and indentation ---- */

static size_t margin_of(struct span line, bool quote)
{
    size_t len = 0;
    if (quote)
        return line.at[0] == '>';
    while (len < line.len && (line.at[len] == ' ' || line.at[len] == '\t'))
        len++;
    return len;
}

/* How many blanks all lines that hold anything begin with; of a quoted mail the ">" of all. A line or two before or behind a listing, such as the
 * command, may stand at the margin; one blank alone is how LACNIC shows what it asked others. */
static size_t common_margin(struct span text, bool quote)
{
    enum { OUTSIDE_MAX = 2, INSIDE_MIN = 6, LISTING_MIN = 2 };
    size_t margin = SIZE_MAX, outside = 0, inside = 0;
    for (struct span line; outside <= OUTSIDE_MAX && whois_line(&text, &line);) {
        if (whois_trim(line).len == 0)
            continue;
        size_t len = margin_of(line, quote);
        outside += len == 0;
        inside += len > 0;
        margin = len > 0 && len < margin ? len : margin;
    }
    if (inside == 0 || outside > OUTSIDE_MAX || (outside > 0 && (quote || inside < INSIDE_MIN || margin < LISTING_MIN)))
        return 0;
    return margin;
}

static void without_margin(struct buf *out, struct span text, bool quote, size_t margin)
{
    for (struct span line; whois_line(&text, &line);) {
        size_t own = line.len > 0 ? margin_of(line, quote) : 0;
        buf_span(out, span_part(line, own < margin ? own : margin, line.len));
        buf_byte(out, '\n');
    }
}

static void replace(struct reading *r, struct buf *with)
{
    char *copy = with->error == 0 ? arena_copy(r->arena, buf_as_span(with)) : NULL;
    if (copy != NULL)
        r->text = span_of(copy, with->len);
    else
        r->error = -ENOMEM;
    buf_done(with);
}

void whois_saved_text(struct reading *r)
{
    struct buf out;
    if (is_page(r->text)) {
        r->page = true;
        buf_init(&out, 0);
        show_page(&out, r->text);
        replace(r, &out);
    }
    for (unsigned pass = 0; pass < MARGINS_MAX; pass++) {
        size_t margin = common_margin(r->text, pass % 2 == 0);
        if (margin == 0)
            continue;
        buf_init(&out, 0);
        without_margin(&out, r->text, pass % 2 == 0, margin);
        replace(r, &out);
    }
    if (span_starts(whois_trim(r->text), "{"))
        r->text = span_part(r->text, 0, 0); /* JSON: an answer of RDAP, or an error of a gateway */
}

/* ---- several replies in one ---- */

/* "# whois.ripe.net", "Found a referral to whois.ripe.net.", "[Querying whois.ripe.net]": what clients write before the reply of another server. */
static bool is_mark(struct span line, struct span *ret_server)
{
    static const char *const marks[] = {"Found a referral to ", "[Querying ", "[Redirected to ", "Using server ", "# whois.", "# rwhois."};
    struct span text = whois_trim(line), name = {0};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0] && name.len == 0; i++) {
        size_t len = marks[i][0] == '#' ? 2 : strlen(marks[i]);
        if (span_starts(text, marks[i]))
            name = span_part(text, len, text.len);
    }
    while (name.len > 0 && (name.at[name.len - 1] == '.' || name.at[name.len - 1] == ']'))
        name.len--;
    *ret_server = span_part(name, 0, span_find(name, ':'));
    return name.len > 0 && span_find(name, ' ') == name.len && span_find(name, '.') < name.len;
}

/* The first line of servers' replies, where the client names none; indented it is LACNIC's, which asked the other itself. ARIN's stands at the end,
 * too. */
static bool is_banner(struct span line, struct span *ret_server)
{
    static const struct {
        const char *text, *server;
    } banners[] = {
        {"% IANA WHOIS server", "whois.iana.org"},
        {"% This is the RIPE Database query service", "whois.ripe.net"},
        {"% [whois.apnic.net]", "whois.apnic.net"},
        {"% This is the AfriNIC Whois server", "whois.afrinic.net"},
        {"% Joint Whois - whois.lacnic.net", "whois.lacnic.net"},
        {"[ JPNIC database provides", "whois.nic.ad.jp"},
        {"%rwhois V-", ""},
    };
    for (size_t i = 0; (line.at[0] == '%' || line.at[0] == '[') && i < sizeof banners / sizeof banners[0]; i++) {
        if (span_starts(line, banners[i].text)) {
            *ret_server = span_text(banners[i].server);
            return true;
        }
    }
    return false;
}

size_t whois_saved_parts(struct span text, struct saved_part *parts)
{
    size_t count = 0;
    struct span server = {0};
    const uint8_t *begin = text.at;
    for (struct span left = text, line; count + 1 < SAVED_PARTS_MAX && whois_line(&left, &line);) {
        struct span next, part = span_of(begin, line.len > 0 ? (size_t)(line.at - begin) : 0);
        bool mark = line.len > 0 && is_mark(line, &next), banner = line.len > 0 && !mark && is_banner(line, &next);
        bool content = (mark || banner) && whois_trim(part).len > 0;
        if (content)
            parts[count++] = (struct saved_part){.server = server, .text = part};
        if (mark || content)
            server = next;
        if (mark)
            begin = left.len > 0 ? left.at : text.at + text.len;
        else if (banner)
            begin = line.at;
    }
    struct span rest = span_of(begin, text.len > 0 ? (size_t)(text.at + text.len - begin) : 0);
    if (whois_trim(rest).len > 0 || count == 0)
        parts[count++] = (struct saved_part){.server = server, .text = rest};
    return count;
}
