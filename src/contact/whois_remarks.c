/*
 * Remarks and comments: text for people that often says best who takes reports, and which of the addresses beside it does not. The words nearest to
 * an address decide: before it on its line, behind it when the line begins with an address, on the lines above when it stands alone.
 */
#include "contact/whois_reading.h"

#include <strings.h>

enum { PENDING_MAX = 400, PIECES_MAX = 64 };

enum purpose { FOR_NOTHING, FOR_ABUSE, FOR_SECURITY, FOR_NOC, FOR_OTHERS, REFUSES };

struct phrase {
    const char *text;
    enum purpose purpose;
    bool weak; /* counts when no other does */
};

/* In lower case. A blank in front means: at the start of a word. */
static const struct phrase phrases[] = {
    {"abuse", FOR_ABUSE, false},
    {"spam", FOR_ABUSE, false},
    {" uce", FOR_ABUSE, false},
    {"hack", FOR_ABUSE, false},
    {"attack", FOR_ABUSE, false},
    {"virus", FOR_ABUSE, false},
    {"phish", FOR_ABUSE, false},
    {"intrusion", FOR_ABUSE, false},
    {"misuse", FOR_ABUSE, false},
    {"malicious", FOR_ABUSE, false},
    {"port scan", FOR_ABUSE, false},
    {"portscan", FOR_ABUSE, false},
    {"scanning", FOR_ABUSE, false},
    {"ddos", FOR_ABUSE, false},
    {"fraud", FOR_ABUSE, false},
    {"missbrauch", FOR_ABUSE, false},
    {"abus", FOR_ABUSE, false},
    {"complain", FOR_ABUSE, true},
    {"incident", FOR_ABUSE, true},
    {"report", FOR_ABUSE, true},
    {"security", FOR_SECURITY, false},
    {"csirt", FOR_SECURITY, false},
    {" cert", FOR_SECURITY, true},
    {" noc", FOR_NOC, true},
    {"network operation", FOR_NOC, true},
    {"technical", FOR_NOC, true},
    {"trouble", FOR_NOC, true},
    {"delist", FOR_OTHERS, false},
    {"correct", FOR_OTHERS, false},
    {"inaccura", FOR_OTHERS, false},
    {"whois data", FOR_OTHERS, false},
    {"whois information", FOR_OTHERS, false},
    {"peering", FOR_OTHERS, false},
    {"routing", FOR_OTHERS, false},
    {"legal", FOR_OTHERS, false},
    {"copyright", FOR_OTHERS, false},
    {"dmca", FOR_OTHERS, false},
    {"trademark", FOR_OTHERS, false},
    {"law enforcement", FOR_OTHERS, false},
    {" lea ", FOR_OTHERS, false},
    {"subpoena", FOR_OTHERS, false},
    {"billing", FOR_OTHERS, false},
    {"sales", FOR_OTHERS, false},
    {"geoloc", FOR_OTHERS, false},
    {"geofeed", FOR_OTHERS, false},
    {"geo-loc", FOR_OTHERS, false},
    {"address management", FOR_OTHERS, false},
    {"ip allocation", FOR_OTHERS, true},
    {" dns", FOR_OTHERS, true},
    {"assignment", FOR_OTHERS, true},
    {"registration", FOR_OTHERS, true},
    {"do not send", REFUSES, false},
    {"don't send", REFUSES, false},
    {"do not use", REFUSES, false},
    {"not for abuse", REFUSES, false},
    {"not for reporting", REFUSES, false},
    {"be ignored", REFUSES, false},
    {"not monitored", REFUSES, false},
    {"no longer", REFUSES, false},
    {"is invalid", REFUSES, false},
    {"not accepted", REFUSES, false},
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
static enum purpose purpose_of(struct span text, bool before)
{
    enum purpose best = FOR_NOTHING;
    long best_place = -1;
    for (unsigned weak = 0; weak < 2 && best == FOR_NOTHING; weak++) {
        for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
            if (phrases[i].weak != (weak == 1))
                continue;
            long place = place_of(text, phrases[i].text, before);
            if (place < 0)
                continue;
            if (phrases[i].purpose == REFUSES)
                return REFUSES;
            if (best == FOR_NOTHING || (before ? place > best_place : place < best_place)) {
                best = phrases[i].purpose;
                best_place = place;
            }
        }
    }
    return best;
}

/* The local part, when no words are there. */
static enum purpose purpose_of_mail(struct span mail)
{
    struct span local = span_part(mail, 0, span_find(mail, '@'));
    if (whois_has(local, "abuse") || whois_has(local, "spam"))
        return FOR_ABUSE;
    if (whois_has(local, "security") || whois_has(local, "csirt") || whois_has(local, "cert"))
        return FOR_SECURITY;
    return whois_has(local, "noc") ? FOR_NOC : FOR_NOTHING;
}

static void place_candidate(struct candidate *c, enum purpose purpose)
{
    switch (purpose) {
    case FOR_ABUSE:
        c->role = CONTACT_ROLE_ABUSE;
        c->weight += WEIGHT_ABUSE_REMARK;
        break;
    case FOR_SECURITY:
        c->role = CONTACT_ROLE_SECURITY;
        c->weight += WEIGHT_SECURITY_REMARK;
        break;
    case FOR_NOC:
        c->role = CONTACT_ROLE_NOC;
        c->weight += WEIGHT_NOC;
        break;
    case FOR_OTHERS:
    case REFUSES:
        c->objection = purpose == REFUSES ? OBJECTION_REFUSED : OBJECTION_NOT_FOR_US;
        c->hard = true;
        c->weight += WEIGHT_OTHER;
        break;
    case FOR_NOTHING:
    default:
        c->weight += WEIGHT_OTHER;
        break;
    }
}

/* "name (at) example [dot] org" as an address; the line itself when nothing of that is in it. */
static struct span plain(struct reading *r, struct span line)
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
    uint8_t *out = any ? arena_alloc(r->arena, line.len + 1) : NULL;
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
    struct reading *r;
    struct buf pending; /* lines above that held no address */
    bool used;          /* an address took it; the next text begins a new one */
    unsigned add_weight;
    struct span attribute;
};

static void take_piece(struct remarks *m, const struct piece *piece, enum purpose purpose, struct span line)
{
    struct candidate c = {.kind = piece->page ? CONTACT_FORM : CONTACT_MAIL,
                          .role = CONTACT_ROLE_NONE,
                          .weight = m->add_weight,
                          .value = piece->what,
                          .attribute = m->attribute,
                          .evidence = line};
    if (purpose == FOR_NOTHING && !piece->page)
        purpose = purpose_of_mail(piece->what);
    if (piece->page && purpose != FOR_ABUSE && purpose != FOR_SECURITY)
        return;
    place_candidate(&c, purpose);
    c.weight += piece->page ? 10 : 0;
    whois_note_add(m->r, &c);
}

static void take_line(struct remarks *m, struct span line)
{
    struct piece pieces[PIECES_MAX];
    struct span rest, text = plain(m->r, line);
    size_t count = cut_line(text, pieces, &rest);
    if (whois_has(text, "be ignored") && whois_has(text, "other")) {
        m->r->others_refused = true;
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
        enum purpose purpose = purpose_of(trailing ? behind : pieces[i].before, !trailing);
        if (purpose == FOR_NOTHING && i + 1 == count && !trailing)
            purpose = purpose_of(behind, false);
        if (purpose == FOR_NOTHING && !has_words(pieces[i].before))
            purpose = purpose_of(buf_as_span(&m->pending), true);
        take_piece(m, &pieces[i], purpose, line);
    }
    m->used = true;
}

void whois_note_remarks(struct reading *r, const struct span *lines, size_t count, unsigned add_weight, struct span attribute)
{
    struct remarks m = {.r = r, .add_weight = add_weight, .attribute = attribute};
    buf_init(&m.pending, 0);
    for (size_t i = 0; i < count; i++)
        take_line(&m, span_part(lines[i], 0, READING_LINE_MAX));
    buf_done(&m.pending);
}
