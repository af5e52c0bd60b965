/*
 * Replies as people keep them: with a byte order mark or as UTF-16, as the web page of a registry's gateway, quoted in a mail, indented in a listing.
 * What was put around the reply is taken away; what is no text at all is no reply.
 */
#include "contact/charset.h"
#include "contact/html.h"
#include "contact/whois_reading.h"

#include "base/buf.h"

#include <errno.h>
#include <strings.h>

enum { LOOK_MAX = 4096, CONTROLS_OF = 40, MARGINS_MAX = 6 };

/* ---- bytes ---- */

int whois_saved_bytes(struct arena *arena, struct span *bytes)
{
    bool big = span_starts(*bytes, "\xfe\xff"), little = span_starts(*bytes, "\xff\xfe");
    struct buf out;
    if (span_starts(*bytes, "\xef\xbb\xbf"))
        *bytes = span_part(*bytes, 3, bytes->len);
    if (!big && !little)
        return 0;
    buf_init(&out, 0);
    charset_decode(span_text(big ? "UTF-16BE" : "UTF-16LE"), span_part(*bytes, 2, bytes->len), &out);
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

struct shown {
    struct buf *out;
    bool hidden;
};

static void show(void *user, const struct html_token *t)
{
    struct shown *s = user;
    if (t->kind == HTML_TEXT) {
        if (!s->hidden)
            buf_span(s->out, t->text);
        return;
    }
    if (html_is(t, "script") || html_is(t, "style"))
        s->hidden = t->kind == HTML_OPEN;
    if (t->block)
        buf_byte(s->out, '\n');
    /* "<abuse@example.net>", which nobody wrote as a tag */
    if (t->kind == HTML_OPEN && !s->hidden && span_find(t->tag, '@') < t->tag.len) {
        buf_byte(s->out, '<');
        buf_span(s->out, t->tag);
        buf_byte(s->out, '>');
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
        bool cut;
        struct shown shown = {.out = &out};
        buf_init(&out, 0);
        int e = html_read(r->text, show, &shown, &cut);
        replace(r, &out);
        if (e != 0)
            r->error = e;
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
