#include "contact/remark.h"

#include "base/buf.h"
#include "contact/whois_reading.h"

#include <strings.h>

enum { LINE_MAX = 1000, PENDING_MAX = 400, PIECES_MAX = 64 };

struct phrase {
    const char *text;
    enum remark_purpose purpose;
    bool weak; /* counts when no other does */
};

/* In lower case. A blank in front means: at the start of a word. */
static const struct phrase phrases[] = {
    {"abuse", REMARK_ABUSE, false},
    {"spam", REMARK_ABUSE, false},
    {" uce", REMARK_ABUSE, false},
    {"hack", REMARK_ABUSE, false},
    {"attack", REMARK_ABUSE, false},
    {"virus", REMARK_ABUSE, false},
    {"phish", REMARK_ABUSE, false},
    {"intrusion", REMARK_ABUSE, false},
    {"misuse", REMARK_ABUSE, false},
    {"malicious", REMARK_ABUSE, false},
    {"port scan", REMARK_ABUSE, false},
    {"portscan", REMARK_ABUSE, false},
    {"scanning", REMARK_ABUSE, false},
    {"ddos", REMARK_ABUSE, false},
    {"fraud", REMARK_ABUSE, false},
    {"malware", REMARK_ABUSE, false},
    {"unsolicited", REMARK_ABUSE, false},
    {"missbrauch", REMARK_ABUSE, false},
    {"abus", REMARK_ABUSE, false},
    {"complain", REMARK_ABUSE, true},
    {"incident", REMARK_ABUSE, true},
    {"report", REMARK_ABUSE, true},
    {"security", REMARK_SECURITY, false},
    {"csirt", REMARK_SECURITY, false},
    {"vulnerab", REMARK_SECURITY, false},
    {" cert", REMARK_SECURITY, true},
    {" noc", REMARK_NOC, true},
    {"network operation", REMARK_NOC, true},
    {"technical", REMARK_NOC, true},
    {"outage", REMARK_NOC, true},
    {"operational", REMARK_NOC, true},
    {"trouble", REMARK_NOC, true},
    {"delist", REMARK_OTHERS, false},
    {"correct", REMARK_OTHERS, false},
    {"inaccura", REMARK_OTHERS, false},
    {"whois data", REMARK_OTHERS, false},
    {"whois information", REMARK_OTHERS, false},
    {"peering", REMARK_OTHERS, false},
    {"routing", REMARK_OTHERS, false},
    {"legal", REMARK_OTHERS, false},
    {"copyright", REMARK_OTHERS, false},
    {"dmca", REMARK_OTHERS, false},
    {"trademark", REMARK_OTHERS, false},
    {"law enforcement", REMARK_OTHERS, false},
    {" lea ", REMARK_OTHERS, false},
    {"subpoena", REMARK_OTHERS, false},
    {"billing", REMARK_OTHERS, false},
    {"sales", REMARK_OTHERS, false},
    {"geoloc", REMARK_OTHERS, false},
    {"geofeed", REMARK_OTHERS, false},
    {"geo-loc", REMARK_OTHERS, false},
    {"address management", REMARK_OTHERS, false},
    {"ip allocation", REMARK_OTHERS, true},
    {" dns", REMARK_OTHERS, true},
    {"assignment", REMARK_OTHERS, true},
    {"registration", REMARK_OTHERS, true},
    {"do not send", REMARK_REFUSES, false},
    {"don't send", REMARK_REFUSES, false},
    {"do not use", REMARK_REFUSES, false},
    {"not be used", REMARK_REFUSES, false},
    {"not for abuse", REMARK_REFUSES, false},
    {"not for reporting", REMARK_REFUSES, false},
    {"be ignored", REMARK_REFUSES, false},
    {"not monitored", REMARK_REFUSES, false},
    {"no longer", REMARK_REFUSES, false},
    {"is invalid", REMARK_REFUSES, false},
    {"not accepted", REMARK_REFUSES, false},
};

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_letter(uint8_t c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || c >= 0x80;
}

/* Where the phrase stands, the last or the first time; -1: nowhere. */
static long place_of(struct span text, const char *phrase, bool last)
{
    long place = -1;
    bool begins = phrase[0] == ' ';
    phrase += begins;
    size_t len = strlen(phrase);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (lower(text.at[i]) != (uint8_t)phrase[0] || strncasecmp((const char *)&text.at[i], phrase, len) != 0)
            continue;
        if (begins && i > 0 && is_letter(text.at[i - 1]))
            continue;
        place = (long)i;
        if (!last)
            break;
    }
    return place;
}

/* The purpose whose word is nearest: to the end of what stands before an address, to the start of what stands behind it. */
static enum remark_purpose purpose_of(struct span text, bool before)
{
    enum remark_purpose best = REMARK_FOR_NOBODY;
    long best_place = -1;
    for (unsigned weak = 0; weak < 2 && best == REMARK_FOR_NOBODY; weak++) {
        for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
            if (phrases[i].weak != (weak == 1))
                continue;
            long place = place_of(text, phrases[i].text, before);
            if (place < 0)
                continue;
            if (phrases[i].purpose == REMARK_REFUSES)
                return REMARK_REFUSES;
            if (best == REMARK_FOR_NOBODY || (before ? place > best_place : place < best_place)) {
                best = phrases[i].purpose;
                best_place = place;
            }
        }
    }
    return best;
}

/* The local part, when no words are there. */
static enum remark_purpose purpose_of_mail(struct span mail)
{
    struct span local = span_part(mail, 0, span_find(mail, '@'));
    if (whois_has(local, "abuse") || whois_has(local, "spam"))
        return REMARK_ABUSE;
    if (whois_has(local, "security") || whois_has(local, "csirt") || whois_has(local, "cert"))
        return REMARK_SECURITY;
    return whois_has(local, "noc") ? REMARK_NOC : REMARK_FOR_NOBODY;
}

/* "name (at) example [dot] org" as an address; the line itself when nothing of that is in it. */
static struct span plain(struct arena *arena, struct span line)
{
    static const struct {
        const char *written, *meant;
    } spellings[] = {{"(at)", "@"}, {"[at]", "@"}, {"{at}", "@"}, {"<at>", "@"}, {"(dot)", "."}, {"[dot]", "."}, {"{dot}", "."}};
    enum { SAFE = sizeof spellings / sizeof spellings[0] };
    bool any = false, brackets = false;
    for (size_t i = 0; i < line.len && !brackets; i++)
        brackets = line.at[i] == '(' || line.at[i] == '[' || line.at[i] == '{' || line.at[i] == '<';
    for (size_t k = 0; brackets && k < SAFE; k++)
        any = any || whois_has(line, spellings[k].written);
    uint8_t *out = any ? arena_alloc(arena, line.len + 1) : NULL;
    size_t len = 0;
    if (out == NULL)
        return line;
    for (size_t i = 0; i < line.len;) {
        size_t k = 0, width = 0;
        for (; k < SAFE; k++) {
            width = strlen(spellings[k].written);
            if (i + width <= line.len && strncasecmp((const char *)&line.at[i], spellings[k].written, width) == 0)
                break;
        }
        if (k == SAFE) {
            out[len++] = line.at[i++];
            continue;
        }
        while (len > 0 && out[len - 1] == ' ')
            len--;
        out[len++] = (uint8_t)spellings[k].meant[0];
        for (i += width; i < line.len && line.at[i] == ' ';)
            i++;
    }
    return span_of(out, len);
}

static bool has_words(struct span text)
{
    unsigned letters = 0;
    for (size_t i = 0; i < text.len; i++)
        letters += is_letter(text.at[i]);
    return letters > 2;
}

struct piece {
    struct span before, what; /* what: a mail address or a URL */
    bool page;
};

static size_t url_length(struct span text)
{
    size_t len = 0;
    while (len < text.len && text.at[len] > ' ' && text.at[len] < 0x7f && strchr("<>\"'()[]", text.at[len]) == NULL)
        len++;
    while (len > 0 && strchr(".,;:!", text.at[len - 1]) != NULL)
        len--;
    return len;
}

/* The addresses and pages of a line in order. */
static size_t cut_line(struct span line, struct piece *pieces, struct span *ret_rest)
{
    size_t count = 0;
    while (count < PIECES_MAX) {
        struct span left = line, mail, before;
        bool has_mail = whois_mail(&left, &mail, &before);
        long place = span_find(line, ':') < line.len ? place_of(line, "http", false) : -1;
        struct span page = place >= 0 ? span_part(line, (size_t)place, line.len) : (struct span){0};
        bool is_page = span_starts(page, "http://") || span_starts(page, "https://");
        if (is_page)
            page.len = url_length(page);
        if (is_page && page.len > sizeof "https://x" && (!has_mail || page.at < mail.at)) {
            pieces[count++] = (struct piece){.before = span_part(line, 0, (size_t)place), .what = page, .page = true};
            line = span_part(line, (size_t)place + page.len, line.len);
        } else if (has_mail) {
            pieces[count++] = (struct piece){.before = before, .what = mail};
            line = left;
        } else {
            break;
        }
    }
    *ret_rest = line;
    return count;
}

struct remarks {
    struct arena *arena;
    struct buf pending; /* lines above that held no address */
    bool used;          /* an address took it; the next text begins a new one */
    bool others_refused;
    void (*hear)(void *user, const struct remark *);
    void *user;
};

static void take_piece(struct remarks *m, const struct piece *piece, enum remark_purpose purpose, struct span line)
{
    if (purpose == REMARK_FOR_NOBODY && !piece->page)
        purpose = purpose_of_mail(piece->what);
    if (piece->page && purpose == REMARK_FOR_NOBODY && whois_has(piece->what, "abuse"))
        purpose = REMARK_ABUSE;
    if (!piece->page || purpose == REMARK_ABUSE || purpose == REMARK_SECURITY)
        m->hear(m->user, &(struct remark){.what = piece->what, .page = piece->page, .purpose = purpose, .line = line});
}

static void take_line(struct remarks *m, struct span line)
{
    struct piece pieces[PIECES_MAX];
    struct span rest, text = plain(m->arena, line);
    size_t count = cut_line(text, pieces, &rest);
    if (whois_has(text, "be ignored") && whois_has(text, "other")) {
        m->others_refused = true;
        return;
    }
    if (count == 0) {
        if (m->used || !has_words(text))
            buf_clear(&m->pending);
        m->used = false;
        buf_span(&m->pending, text);
        buf_byte(&m->pending, ' ');
        buf_consume(&m->pending, m->pending.len > PENDING_MAX ? m->pending.len - PENDING_MAX : 0);
        return;
    }
    if (whois_has(text, "was validated on") || whois_has(text, "report invalid contact"))
        return;
    bool trailing = !has_words(pieces[0].before) && has_words(count > 1 ? pieces[1].before : rest);
    for (size_t i = 0; i < count; i++) {
        struct span behind = i + 1 < count ? pieces[i + 1].before : rest;
        enum remark_purpose purpose = purpose_of(trailing ? behind : pieces[i].before, !trailing);
        if (purpose == REMARK_FOR_NOBODY && i + 1 == count && !trailing)
            purpose = purpose_of(behind, false);
        if (purpose == REMARK_FOR_NOBODY && !has_words(pieces[i].before))
            purpose = purpose_of(buf_as_span(&m->pending), true);
        take_piece(m, &pieces[i], purpose, line);
    }
    m->used = true;
}

bool remark_read(struct arena *arena, const struct span *lines, size_t count, void (*hear)(void *user, const struct remark *), void *user)
{
    struct remarks m = {.arena = arena, .hear = hear, .user = user};
    buf_init(&m.pending, 0);
    for (size_t i = 0; i < count; i++)
        take_line(&m, span_part(lines[i], 0, LINE_MAX));
    buf_done(&m.pending);
    return m.others_refused;
}
