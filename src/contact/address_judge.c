/* Whether what was read around an @ is an address: traps taken out, the domain trimmed, sentences told from addresses. */
#include "contact/address.h"

enum { LABEL_LOOK = 40 };

bool address_suffix_known(struct span domain)
{
    size_t dot = domain.len;
    while (dot > 0 && domain.at[dot - 1] != '.')
        dot--;
    char last[64];
    size_t len = domain.len - dot;
    if (dot == 0 || len == 0 || len >= sizeof last)
        return false;
    for (size_t i = 0; i < len; i++)
        last[i] = (char)byte_small(domain.at[dot + i]);
    struct span label = span_of(last, len);
    return domain_suffix_known(label) || span_is(label, "example") || span_is(label, "test");
}

/* ---- what is to be taken out ---- */

static bool is_part_end(uint8_t c)
{
    return c == 0 || c == '.' || c == '-' || c == '_' || c == '+';
}

/* Takes a trap out of a local part or domain: one that stands between separators, one in capitals among small letters, or one whose word says
 * what it is ("nospam") wherever it stands. */
static bool take_out(const struct words *words, char *text, size_t *len)
{
    size_t count;
    const struct word *list = words_of(words, WORD_TRAP, &count);
    for (size_t at = 0; at < *len; at++) {
        size_t best = 0;
        for (size_t i = 0; i < count; i++) {
            struct span w = list[i].text, t = span_of(text, *len);
            if (w.len >= *len || w.len <= best || !address_same(t, at, w))
                continue;
            bool capitals = byte_is_letter((uint8_t)text[at]), others = false;
            for (size_t k = 0; k < *len; k++) {
                bool inside = k >= at && k < at + w.len;
                capitals = capitals && !(inside && text[k] >= 'a' && text[k] <= 'z');
                others = others || (!inside && text[k] >= 'a' && text[k] <= 'z');
            }
            bool stands = (at == 0 || is_part_end((uint8_t)text[at - 1])) && is_part_end(byte_at(t, at + w.len));
            if (list[i].whole ? (stands || (capitals && others)) : true)
                best = w.len;
        }
        if (best == 0)
            continue;
        size_t from = at, end = at + best;
        bool begins = from == 0 || is_part_end((uint8_t)text[from - 1]);
        if (begins && end < *len && is_part_end((uint8_t)text[end]))
            end++;
        else if (from > 0 && end == *len && is_part_end((uint8_t)text[from - 1]))
            from--;
        memmove(text + from, text + end, *len - end);
        *len -= end - from;
        if (from == *len && from > 0 && is_part_end((uint8_t)text[from - 1])) /* "info_NOSPAM_" */
            (*len)--;
        return true;
    }
    return false;
}

void address_take_out(const struct words *words, char *text, size_t *len, bool domain)
{
    for (unsigned times = 0; times < 3; times++) {
        char before[DOMAIN_MAX + 1];
        size_t was = *len;
        memcpy(before, text, was);
        if (!take_out(words, text, len))
            return;
        if (*len == 0 || (domain && memchr(text, '.', *len) == NULL) || (!domain && !byte_is_alnum((uint8_t)text[0]) && (uint8_t)text[0] < 0x80)) {
            memcpy(text, before, was);
            *len = was;
            return;
        }
    }
}

/* ---- judging ---- */

static bool is_file(struct span label)
{
    static const char *const types[] = {"png",  "jpg", "jpeg", "gif",  "svg", "webp", "css",   "js",  "htm",  "html", "php",
                                        "ico",  "bmp", "pdf",  "avif", "mp4", "woff", "woff2", "ttf", "json", "xml",  "asp",
                                        "aspx", "jsp", "tif",  "tiff", "psd", "eot",  "swf",   "doc", "docx"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (span_is(label, types[i]))
            return true;
    }
    return false;
}

/* "logo@2x.zip": the first label counts pixels. */
static bool is_density(struct span domain)
{
    size_t at = 0;
    while (at < domain.len && (byte_is_digit(domain.at[at]) || domain.at[at] == '_'))
        at++;
    return at > 0 && at + 1 < domain.len && domain.at[at] == 'x' && !byte_is_alnum(domain.at[at + 1]);
}

static size_t last_label(struct span domain)
{
    size_t at = domain.len;
    while (at > 0 && domain.at[at - 1] != '.')
        at--;
    return at;
}

bool address_trim(struct candidate *c, unsigned flags)
{
    size_t upper = 0;
    for (size_t i = 1; i < c->domain_len && upper == 0; i++) { /* "example.comPhone" */
        if (c->domain[i] >= 'A' && c->domain[i] <= 'Z' && c->domain[i - 1] >= 'a' && c->domain[i - 1] <= 'z')
            upper = i;
    }
    char small_domain[DOMAIN_MAX + 1];
    for (size_t i = 0; i < c->domain_len; i++)
        small_domain[i] = (char)byte_small((uint8_t)c->domain[i]);
    struct span d = span_of(small_domain, c->domain_len);
    if (is_density(d) || is_file(span_part(d, last_label(d), d.len)))
        return false;
    while (d.len > 0 && !address_suffix_known(d)) {
        size_t at = last_label(d);
        size_t dash = at + span_find(span_part(d, at, d.len), '-');
        if (dash < d.len && address_suffix_known(span_part(d, 0, dash))) { /* "example.com--call us" */
            d.len = dash;
            break;
        }
        if (upper > at && address_suffix_known(span_part(d, 0, upper))) {
            d.len = upper;
            break;
        }
        if (at == 0 || memchr(d.at, '.', at - 1) == NULL) {
            if ((flags & ADDRESS_STRICT) == 0 || at == 0 || !byte_is_letter(d.at[at]) || span_is(span_part(d, at, d.len), "invalid"))
                return false;
            break;
        }
        d.len = at - 1;
    }
    c->domain_len = d.len;
    memcpy(c->domain, small_domain, d.len);
    return d.len > 0;
}

static bool is_line_break(struct span t, size_t at)
{
    return at >= t.len || t.at[at] == '\n';
}

/* A name that mailboxes have, rather than a word of a sentence ("lunch @ cafe.example"). */
static bool is_mailbox(const struct words *words, const struct candidate *c)
{
    struct span local = span_of(c->local, c->local_len);
    bool large = false;
    for (size_t i = 0; i < local.len; i++) {
        if (byte_is_digit(local.at[i]) || (i > 0 && (local.at[i] == '.' || local.at[i] == '_' || local.at[i] == '-')))
            return true;
        large = large || (local.at[i] >= 'A' && local.at[i] <= 'Z');
    }
    const struct word *word = words_in(words, WORD_LOCAL, local);
    return word != NULL && (!large || word->folded.len == local.len);
}

/* "Mail: office", "Eve: eve": what stands before the colon is spoken of, rather than "Where: lunch". */
static bool is_labelled(const struct words *words, struct span t, size_t colon, const struct candidate *c)
{
    size_t from = colon > LABEL_LOOK ? colon - LABEL_LOOK : 0;
    for (size_t i = from; i < colon; i++)
        from = t.at[i] == '\n' ? i + 1 : from;
    struct span label = span_part(t, from, colon - from);
    for (size_t i = 0; i + c->local_len <= label.len; i++) {
        size_t k = 0;
        while (k < c->local_len && byte_small(label.at[i + k]) == byte_small((uint8_t)c->local[k]))
            k++;
        if (k == c->local_len)
            return true;
    }
    return words_in(words, WORD_ASK_MAIL, label) != NULL || words_in(words, WORD_LINK, label) != NULL;
}

bool address_is_set_off(const struct words *words, struct span t, const struct candidate *c, bool alone)
{
    size_t before = c->start, after = address_skip_blanks(t, c->end, GAP_MAX);
    while (before > 0 && t.at[before - 1] == ' ')
        before--;
    if (before > 0 && t.at[before - 1] == ':' && (!alone || is_mailbox(words, c) || is_labelled(words, t, before - 1, c)))
        return true;
    if (before > 0 && (t.at[before - 1] == '(' || t.at[before - 1] == '['))
        return true;
    bool line = (before == 0 || t.at[before - 1] == '\n') && is_line_break(t, after);
    return is_mailbox(words, c) ? line || !alone : line && !alone;
}

/*
 * In brackets or by a word that stands in no sentence, and alone on its line or behind a colon ("turing [a] example.com", "turing arroba
 * example.com"); loud, alone, and not all of it in capitals ("turing AT example.com").
 */
static bool is_plainly_written(struct span t, const struct anchor *a, const struct candidate *c)
{
    bool small = false;
    size_t before = c->start, word = address_skip_blanks(t, a->start, GAP_MAX);
    bool sure = byte_at(t, a->start) != ' ' || a->end - word != 2 || !address_same(t, word, span_text("at"));
    for (size_t i = 0; i < c->local_len; i++)
        small = small || (c->local[i] >= 'a' && c->local[i] <= 'z');
    while (before > 0 && t.at[before - 1] == ' ')
        before--;
    if (sure && small && before > 0 && t.at[before - 1] == ':')
        return true;
    bool alone = (before == 0 || t.at[before - 1] == '\n') && is_line_break(t, address_skip_blanks(t, c->end, GAP_MAX));
    return alone && small && (sure || a->loud);
}

/* Words that stand before "at" in a sentence, and are nobody's mailbox: "tickets at shop dot example", "look_at_this". */
static bool is_sentence_word(const struct candidate *c)
{
    static const char *const list[] = {
        "look",   "looks",   "looking", "me",      "us",      "him",       "her",    "them",  "you",    "it",      "up",      "out",    "be",
        "is",     "are",     "was",     "were",    "been",    "being",     "here",   "there", "ticket", "tickets", "book",    "books",  "found",
        "find",   "work",    "works",   "worked",  "working", "live",      "lives",  "lived", "shop",   "shops",   "buy",     "bought", "hosted",
        "sold",   "stay",    "meet",    "met",     "seen",    "available", "online", "page",  "pages",  "site",    "website", "sites",  "time",
        "arrive", "arrived", "held",    "located", "more",    "now",       "one",    "day",   "times",  "prices",  "sale",    "games",  "products",
        "stop",   "start",   "starts",  "study",   "studied", "taken",     "not",    "just",  "only"};
    struct span local = span_of(c->local, c->local_len);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        if (local.len == strlen(list[i]) && starts_with_folded(local, list[i]))
            return true;
    }
    return false;
}

bool address_is_sentence(const struct words *words, struct span t, const struct anchor *a, const struct candidate *c)
{
    static const char *const articles[] = {"the", "a", "an", "our", "this", "that", "my", "your", "all", "any", "www"};
    struct span first = span_part(span_of(c->domain, c->domain_len), 0, span_find(span_of(c->domain, c->domain_len), '.'));
    for (size_t i = 0; i < sizeof articles / sizeof articles[0]; i++) {
        if (first.len == strlen(articles[i]) && starts_with_folded(first, articles[i]))
            return true;
    }
    if (is_sentence_word(c))
        return true;
    return !c->dot_words && !is_plainly_written(t, a, c) && !address_is_set_off(words, t, c, true);
}

bool address_is_name(const struct words *words, struct span t, const struct anchor *a, const struct candidate *c)
{
    uint8_t dash = byte_at(t, a->start);
    if (a->loud || c->dot_words)
        return false;
    if (dash == '_')
        return is_sentence_word(c);
    for (size_t i = 0; i < c->local_len; i++) { /* names of sites are of words */
        if (byte_is_digit((uint8_t)c->local[i]) || (i > 0 && (c->local[i] == '.' || c->local[i] == '_')))
            return false;
    }
    const struct word *word = words_in(words, WORD_LOCAL, span_of(c->local, c->local_len));
    return word == NULL || word->folded.len != c->local_len;
}

bool address_is_foreign(const struct words *words, const struct candidate *c)
{
    struct span local = span_of(c->local, c->local_len), domain = span_of(c->domain, c->domain_len);
    const struct word *example = words_in(words, WORD_EXAMPLE, local);
    if (example != NULL && example->folded.len == local.len)
        return true;
    bool international = page_contains(domain, "xn--");
    for (size_t i = 0; i < domain.len; i++)
        international = international || domain.at[i] >= 0x80;
    for (size_t at = 0, len = 1; at < local.len && !international; at += len) {
        if (utf8_read(local, at, &len) >= 0x370)
            return true;
    }
    return false;
}
