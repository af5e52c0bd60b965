/*
 * Mail addresses in text, in the spellings that people use against collectors.
 *
 * The text is folded first (full-width forms, blanks, marks without shape), with a map back to how it stood. Each sign that may stand for @ is
 * an anchor: @ itself, a word for it in brackets, between blanks, or in a script without blanks, or a character that the page says
 * stands for it. To its left a local part is read, to its right a domain with whatever stands for its dots; what people are asked to take out is
 * taken out; then it must be an address whose top-level label is known. Work for an anchor is bounded, so that all of it is linear.
 */
#include "contact/address.h"

#include "base/err.h"

#include <errno.h>
#include <stdlib.h>

/* ---- characters ---- */

static bool is_local(uint8_t c)
{
    return byte_is_alnum(c) || c == '.' || c == '_' || c == '-' || c == '+' || c == '%';
}

/* Letters of alphabets that have names for hosts and mailboxes; not of those that are written without blanks, where a sentence would join. */
static bool is_alphabet(uint32_t c)
{
    return (c >= 0xc0 && c <= 0x24f && c != 0xd7 && c != 0xf7) || (c >= 0x370 && c <= 0x58f) || (c >= 0x1e00 && c <= 0x1fff);
}

static bool is_wide_letter(uint32_t c)
{
    return is_alphabet(c) || (c >= 0x590 && c <= 0x1fff) || (c >= 0x3041 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x9fff) ||
           (c >= 0xac00 && c <= 0xd7a3);
}

/* ---- folding ---- */

static uint32_t fold_for_addresses(uint32_t c)
{
    if (c >= 0xff01 && c <= 0xff5e)
        return c - 0xfee0;
    if (c < 0x80 || (c >= 0xc0 && c <= 0x2ff))
        return c;
    if (c == 0xfe6b)
        return '@';
    if (c == 0xfe52 || c == 0x2024)
        return '.';
    if (c == 0x2010 || c == 0x2011 || c == 0xfe63)
        return '-';
    if (c == 0x3010 || c == 0x3014 || c == 0x300c || c == 0x300e || c == 0x2039 || c == 0x3008 || c == 0x27e8)
        return '[';
    if (c == 0x3011 || c == 0x3015 || c == 0x300d || c == 0x300f || c == 0x203a || c == 0x3009 || c == 0x27e9)
        return ']';
    if (c < 0x300)
        return c == 0xa0 ? ' ' : c == 0xad ? 0 : c == 0xab ? '[' : c == 0xbb ? ']' : c;
    if ((c >= 0x2000 && c <= 0x206f) || c == 0x3000 || c == 0xfeff)
        return code_fold(c);
    return c;
}

static bool is_ascii(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] >= 0x80)
            return false;
    }
    return true;
}

int address_fold(struct span text, struct folded *f)
{
    *f = (struct folded){.text = text, .original = text};
    if (is_ascii(text))
        return 0;
    f->bytes = malloc(text.len + 1);
    f->map = calloc(text.len + 1, sizeof *f->map);
    if (f->bytes == NULL || f->map == NULL) {
        address_fold_done(f);
        return -ENOMEM;
    }
    size_t to = 0;
    for (size_t at = 0, len = 1; at < text.len; at += len) {
        len = 1;
        uint32_t code = text.at[at] < 0x80 ? text.at[at] : utf8_read(text, at, &len);
        uint32_t folded = fold_for_addresses(code);
        f->map[to] = (uint32_t)at;
        if (folded == 0)
            continue;
        if (folded < 0x80) {
            f->bytes[to++] = (uint8_t)folded;
            continue;
        }
        for (size_t i = 0; i < len; i++) { /* as it stands: it folds to nothing shorter */
            f->map[to] = (uint32_t)(at + i);
            f->bytes[to++] = text.at[at + i];
        }
    }
    f->map[to] = (uint32_t)text.len;
    f->text = span_of(f->bytes, to);
    return 0;
}

void address_fold_done(struct folded *f)
{
    free(f->bytes);
    free(f->map);
    f->bytes = NULL;
    f->map = NULL;
}

static size_t origin(const struct folded *f, size_t at)
{
    return f->map != NULL ? f->map[at] : at;
}

/* ---- words for @ and the dot ---- */

/* How long a folded word is as it stands in the text, of any case and with accents or without; 0: something else stands there. */
static size_t stands_as(struct span text, size_t at, struct span folded)
{
    size_t from = at, i = 0, len, wanted_len;
    while (i < folded.len && at < text.len) {
        uint32_t code = text.at[at] < 0x80 ? (len = 1, byte_small(text.at[at])) : code_fold(utf8_read(text, at, &len));
        at += len;
        if (code == 0)
            continue;
        if (code != utf8_read(folded, i, &wanted_len))
            return 0;
        i += wanted_len;
    }
    return i == folded.len ? at - from : 0;
}

/* The longest word of a use at a place: its length, 0 for none. `wide`: only those of scripts without blanks. */
static size_t word_at(const struct words *words, enum word_use use, struct span text, size_t at, bool wide)
{
    size_t count, best = 0, len = 0;
    const struct word *list = words_of(words, use, &count);
    if (at >= text.len)
        return 0;
    uint32_t first = text.at[at] < 0x80 ? byte_small(text.at[at]) : code_fold(utf8_read(text, at, &len));
    const uint8_t lead[2] = {(uint8_t)(first < 0x80    ? first
                                       : first < 0x800 ? 0xc0 | first >> 6
                                                       : 0xe0 | first >> 12),
                             (uint8_t)(0x80 | (first < 0x800 ? first & 0x3f : first >> 6 & 0x3f))};
    for (size_t i = 0; i < count; i++) {
        struct span folded = list[i].folded;
        if (folded.at[0] != lead[0] || (first >= 0x80 && folded.at[1] != lead[1]) || (wide && (folded.at[0] < 0x80 || list[i].whole)))
            continue;
        len = stands_as(text, at, folded);
        best = len > best ? len : best;
    }
    return best;
}

void address_init(struct page_work *w)
{
    size_t count;
    const struct word *list = words_of(w->words, WORD_AT, &count);
    for (size_t i = 0; i < count; i++) {
        uint8_t first = list[i].folded.at[0], second = list[i].folded.at[1];
        w->at_begins[first] = true;
        if (byte_is_letter(first) && byte_is_letter(second))
            w->at_pairs[(first - 'a') * 26 + second - 'a'] = true;
        if (byte_is_letter(first))
            w->at_begins[first - 32] = true;
        for (uint8_t lead = 0xc3; byte_is_letter(first) && lead <= 0xc5; lead++) /* with an accent */
            w->at_begins[lead] = true;
        for (uint8_t lead = 0xce; first >= 0xce && first <= 0xd1 && lead <= 0xd1; lead++) /* Greek and Cyrillic, of either case */
            w->at_begins[lead] = true;
    }
}

static uint8_t closing(uint8_t open)
{
    static const char pairs[] = "()[]{}<>";
    const char *at = open != 0 ? strchr(pairs, open) : NULL;
    return at != NULL && (at - pairs) % 2 == 0 ? (uint8_t)at[1] : 0;
}

/* The sign's name may stand beside it: "＠マーク". */
static size_t sign_len(struct span t, size_t at)
{
    return starts_with_folded(span_part(t, at + 1, 9), "マーク") ? 1 + strlen("マーク") : 1;
}

/* "[at]", "( dot )", "(.)": where it ends, or 0. `sign`: what may stand there instead of a word. */
static size_t bracketed(const struct words *words, enum word_use use, uint8_t sign, struct span t, size_t at)
{
    uint8_t close = closing(byte_at(t, at)), open = byte_at(t, at);
    if (close == 0)
        return 0;
    size_t from = at + 1;
    if (byte_at(t, from) == open) /* "((at))" */
        from++;
    from = address_skip_blanks(t, from, GAP_MAX);
    size_t len = byte_at(t, from) == sign ? sign_len(t, from) : word_at(words, use, t, from, false);
    if (len == 0 && use == WORD_AT)
        len = word_at(words, WORD_AT_BRACKETED, t, from, false);
    if (len == 0 && use == WORD_AT)
        len = stands_as(t, from, span_text("a")); /* "info(a)example.com", "info[à]example.com": see is_numbering */
    if (len == 0)
        return 0;
    size_t end = address_skip_blanks(t, from + len, GAP_MAX);
    if (byte_at(t, end) != close)
        return 0;
    return byte_at(t, end + 1) == close && byte_at(t, at + 1) == open ? end + 2 : end + 1;
}

/* A letter a alone in brackets is too short for the list: with blanks around it is rather a numbering, "see (a) example.com". */
static bool is_numbering(struct span t, const struct anchor *a)
{
    size_t from = address_skip_blanks(t, a->start + 1, GAP_MAX), len = stands_as(t, from, span_text("a"));
    bool alone = len > 0 && byte_at(t, address_skip_blanks(t, from + len, GAP_MAX)) == closing(t.at[a->start]);
    return alone && (a->start == 0 || !byte_is_alnum(t.at[a->start - 1]) || !byte_is_alnum(byte_at(t, a->end)));
}

/* "-at-", "_dot_", "*at*", "|at|": where it ends, or 0. */
static size_t dashed(const struct words *words, enum word_use use, struct span t, size_t at)
{
    static const char dashes[] = "-_*|/~";
    uint8_t c = byte_at(t, at);
    size_t dash = 1;
    if (c == 0 || strchr(dashes, c) == NULL)
        return 0;
    while (dash < 3 && byte_at(t, at + dash) == c)
        dash++;
    size_t len = word_at(words, use, t, at + dash, false);
    if (len == 0)
        return 0;
    for (size_t i = 0; i < dash; i++) {
        if (byte_at(t, at + dash + len + i) != c)
            return 0;
    }
    return at + dash + len + dash;
}

/* " at ": where the word ends, 0 for none. */
static size_t bare_word(const struct words *words, enum word_use use, struct span t, size_t at)
{
    size_t from = address_skip_blanks(t, at, GAP_MAX);
    if (from == at)
        return 0;
    size_t len = word_at(words, use, t, from, false);
    return len > 0 && byte_at(t, from + len) == ' ' ? from + len : 0;
}

/* "[nospam]", "(remove)": what people are asked to take out, in brackets. Where it ends, or 0. */
static size_t bracketed_trap(const struct words *words, struct span t, size_t at)
{
    size_t len = closing(byte_at(t, at)) != 0 ? word_at(words, WORD_TRAP, t, at + 1, false) : 0;
    return len > 0 && byte_at(t, at + 1 + len) == closing(t.at[at]) ? at + len + 2 : 0;
}

/* The same in front of `end`: where it begins, or `end`. */
static size_t trap_before(const struct words *words, struct span t, size_t end)
{
    if (end == 0 || (t.at[end - 1] != ']' && t.at[end - 1] != ')' && t.at[end - 1] != '}' && t.at[end - 1] != '>'))
        return end;
    for (size_t back = 3; back <= 2 + WORD_MAX / 2 && back < end; back++) {
        if (closing(t.at[end - back]) == t.at[end - 1])
            return bracketed_trap(words, t, end - back) == end ? end - back : end;
    }
    return end;
}

/* "@_no_spam_example.com", "@nospam_example.com": underscores are no part of a host's name. Where it ends, or `at`. */
static size_t skip_trap(const struct words *words, struct span t, size_t at)
{
    size_t end = bracketed_trap(words, t, at), from = at + (byte_at(t, at) == '_');
    if (end > 0)
        return end;
    size_t len = from < t.len && byte_is_letter(t.at[from]) ? word_at(words, WORD_TRAP, t, from, false) : 0;
    return len > 0 && byte_at(t, from + len) == '_' ? from + len + 1 : at;
}

/* ---- to the left ---- */

/* Takes the local part that ends before `end` in front of what the candidate has; false when nothing stands there. */
static bool local_run(struct span t, size_t end, struct candidate *c)
{
    size_t from = end;
    while (from > 0 && end - from < LOCAL_MAX && is_local(t.at[from - 1]))
        from--;
    if (from > 1 && t.at[from - 1] == '\'' && from < end && byte_is_letter(t.at[from]) && byte_small(t.at[from - 2]) == 'o' &&
        (from == 2 || !byte_is_alnum(t.at[from - 3]))) { /* "o'neil", but not "l'adresse" */
        for (from -= 2; from > 0 && end - from < LOCAL_MAX && is_local(t.at[from - 1]);)
            from--;
    }
    while (from > 0 && end - from < LOCAL_MAX && t.at[from - 1] >= 0x80) { /* letters beyond ASCII, and what is joined to them */
        size_t lead = from - 1, len = 1;
        while (lead > 0 && from - lead < 4 && (t.at[lead] & 0xc0) == 0x80)
            lead--;
        uint32_t code = utf8_read(t, lead, &len);
        if (!is_alphabet(code) || lead + len != from || (code >= 0x370 && from < end && byte_is_alnum(t.at[from])))
            break;
        from = lead;
        while (from > 0 && end - from < LOCAL_MAX && is_local(t.at[from - 1]))
            from--;
    }
    while (from < end && !byte_is_alnum(t.at[from]) && t.at[from] != '_' && t.at[from] < 0x80)
        from++;
    if (from > 0 && t.at[from - 1] == '%' && byte_at(t, from) == '2' && byte_at(t, from + 1) == '0' && from + 2 < end) /* "%20info" */
        from += 2;
    size_t len = end - from;
    if (len == 0 || len + c->local_len > LOCAL_MAX)
        return false;
    memmove(c->local + len, c->local, c->local_len);
    memcpy(c->local, t.at + from, len);
    c->local_len += len;
    c->start = from;
    return true;
}

/* "john [dot] doe": a word for a dot that ends before `end`; where it begins, or `end`. */
static size_t dot_before(const struct words *words, struct span t, size_t end, bool bare)
{
    for (size_t back = 3; back <= 14 && back <= end; back++) {
        size_t at = end - back, stop = bracketed(words, WORD_DOT, '.', t, at);
        if (stop == 0 && bare && at > 0 && t.at[at] == ' ')
            stop = bare_word(words, WORD_DOT, t, at);
        if (stop > 0 && address_skip_blanks(t, stop, GAP_MAX) == end)
            return at;
    }
    return end;
}

/* "john_dot_doe_at_": the words for dots are within what was read. */
static void dots_of_local(const struct words *words, const struct anchor *a, struct span t, struct candidate *c)
{
    struct span run = span_of(c->local, c->local_len);
    size_t to = 0;
    for (size_t at = 0; at < run.len;) {
        size_t end = at > 0 && run.at[at] == byte_at(t, a->start) ? dashed(words, WORD_DOT, run, at) : 0;
        c->local[to++] = end > 0 && end < run.len ? '.' : (char)run.at[at];
        at = end > 0 && end < run.len ? end : at + 1;
    }
    c->local_len = to;
}

static bool read_local(const struct words *words, struct span t, const struct anchor *a, struct candidate *c)
{
    size_t end = a->start;
    for (size_t i = 0; i < GAP_MAX && end > 0 && t.at[end - 1] == ' ' && a->kind != ANCHOR_DASH; i++)
        end--;
    c->spaced = end < a->start;
    end = trap_before(words, t, end);
    if (!local_run(t, end, c))
        return false;
    if (a->kind == ANCHOR_DASH)
        dots_of_local(words, a, t, c);
    for (unsigned part = 0; part < LOCAL_PARTS && (a->kind != ANCHOR_SIGN || c->spaced); part++) {
        size_t at = c->start;
        if (a->kind != ANCHOR_SIGN)
            at = dot_before(words, t, c->start, a->kind == ANCHOR_BARE || a->kind == ANCHOR_BRACKET);
        else if (at > 3 && t.at[at - 1] == ' ' && t.at[at - 2] == '.' && t.at[at - 3] == ' ') /* "john . doe @ example . com" */
            at -= 3;
        if (at == c->start)
            break;
        while (at > 0 && t.at[at - 1] == ' ')
            at--;
        if (at == 0 || !byte_is_alnum(t.at[at - 1]) || c->local_len + 1 > LOCAL_MAX)
            break;
        memmove(c->local + 1, c->local, c->local_len);
        c->local[0] = '.';
        c->local_len++;
        if (!local_run(t, at, c))
            return false;
    }
    return true;
}

/* ---- to the right ---- */

static void put_domain(struct candidate *c, const uint8_t *bytes, size_t len)
{
    if (c->domain_len + len > DOMAIN_MAX)
        return;
    memcpy(c->domain + c->domain_len, bytes, len);
    c->domain_len += len;
}

/* One label from `at`; where it ends. */
static size_t read_label(const struct words *words, struct span t, size_t at, bool dashes, struct candidate *c)
{
    size_t from = at;
    while (at < t.len && at - from < 64) {
        uint8_t b = t.at[at];
        size_t len = 1, dot = dashes && (b == '-' || b == '_') ? dashed(words, WORD_DOT, t, at) : 0;
        if (dot > 0)
            break;
        if (byte_is_alnum(b) || (b == '-' && at > from)) {
            at++;
            continue;
        }
        if (b < 0x80)
            break;
        uint32_t code = utf8_read(t, at, &len);
        bool wide_start = is_wide_letter(code) && (at == from || t.at[from] >= 0x80); /* the whole label is of it */
        if (!wide_start && !(code >= 0xc0 && code <= 0x24f && is_alphabet(code)))
            break;
        if (word_at(words, WORD_DOT, t, at, true) > 0)
            break;
        at += len;
    }
    while (at > from && t.at[at - 1] == '-')
        at--;
    put_domain(c, t.at + from, at - from);
    return at;
}

static bool label_begins(struct span t, size_t at)
{
    size_t len;
    return at < t.len && (byte_is_alnum(t.at[at]) || (t.at[at] >= 0x80 && is_wide_letter(utf8_read(t, at, &len))));
}

/* A shell's prompt: "root@host.example:~#", "[root@host.example ~]$". */
static bool is_prompt(struct span t, const struct candidate *c)
{
    struct span after = span_part(t, c->end, c->end + 3 > t.len ? t.len - c->end : 3);
    return span_starts(after, ":~") || span_starts(after, ":/") || (span_starts(after, " ~") && byte_at(t, c->end + 2) != ' ');
}

/* What stands around says that it is none: "@user@host" of the fediverse, "//user@host" of a URL. */
static bool is_other(struct span t, const struct candidate *c)
{
    size_t from = c->start;
    uint8_t before = from > 0 ? t.at[from - 1] : ' ';
    if (before == '@' || before == '$') /* a mention, a variable */
        return true;
    for (size_t i = from - (before == '='); before == '=' && i > 0 && from - i < LOCAL_MAX && t.at[i - 1] > ' '; i--) {
        if (t.at[i - 1] == '<') /* "<CAF+abc=xyz@mail.example>": an identifier of a message */
            return true;
    }
    if (before == '/' && from > 1 && t.at[from - 2] == '/')
        return true;
    if (is_prompt(t, c))
        return true;
    if (byte_at(t, c->end) == ':' && label_begins(t, c->end + 1)) { /* "git@host:path/of/it" */
        for (size_t at = c->end + 1; at < c->end + 60 && at < t.len && t.at[at] > ' '; at++) {
            if (t.at[at] == '/')
                return true;
        }
    }
    if (before == ':') {
        struct span head = span_part(t, from > 24 ? from - 24 : 0, from > 24 ? 24 : from);
        for (size_t i = 0; i + 1 < head.len; i++) {
            if (head.at[i] == '/' && head.at[i + 1] == '/' && memchr(head.at + i, ' ', head.len - i) == NULL)
                return true;
        }
        static const char *const schemes[] = {"sip:", "sips:", "xmpp:", "git:", "ssh:", "acct:"};
        for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
            size_t len = strlen(schemes[i]);
            if (head.len >= len && starts_with_folded(span_part(head, head.len - len, len), schemes[i]))
                return true;
        }
    }
    return false;
}

/* Whatever stands for a dot at `at`: where the next label begins, or 0. */
static size_t read_dot(const struct words *words, struct span t, size_t at, const struct anchor *a, struct candidate *c)
{
    size_t next = 0;
    bool loose = a->kind != ANCHOR_SIGN || c->spaced;
    if (byte_at(t, at) == '.')
        return label_begins(t, at + 1) ? at + 1
               : loose && byte_at(t, at + 1) == ' ' && label_begins(t, at + 2) && byte_is_letter(byte_at(t, at + 2)) &&
                       !address_suffix_known(span_of(c->domain, c->domain_len))
                   ? at + 2
                   : 0;
    size_t from = address_skip_blanks(t, at, GAP_MAX);
    if (loose && from > at && byte_at(t, from) == '.' && byte_at(t, from + 1) == ' ' && label_begins(t, from + 2))
        return from + 2;
    next = bracketed(words, WORD_DOT, '.', t, from);
    if (next == 0 && (a->kind == ANCHOR_DASH || (a->kind == ANCHOR_BRACKET && (from > at || (byte_at(t, from) != '-' && byte_at(t, from) != '_')))))
        next = dashed(words, WORD_DOT, t, a->kind == ANCHOR_DASH ? at : from);
    bool first = memchr(c->domain, '.', c->domain_len) == NULL;
    bool mixed = a->kind == ANCHOR_BARE && !first && !c->dot_words; /* "at booth.five dot com": nobody writes an address so */
    if (next == 0 && !mixed && (loose || c->dot_words || first))
        next = bare_word(words, WORD_DOT, t, at);
    if (next == 0 && byte_at(t, from) >= 0x80) {
        size_t len =
            address_suffix_known(span_of(c->domain, c->domain_len)) ? 0 : word_at(words, WORD_DOT, t, from, true); /* else it ends a sentence */
        next = len > 0 ? from + len : 0;
    }
    if (next == 0)
        return 0;
    next = address_skip_blanks(t, next, GAP_MAX);
    if (!label_begins(t, next))
        return 0;
    c->dot_words = true;
    return next;
}

static bool read_domain(const struct words *words, struct span t, const struct anchor *a, struct candidate *c)
{
    size_t at = a->kind == ANCHOR_DASH ? a->end : address_skip_blanks(t, a->end, GAP_MAX);
    c->spaced = c->spaced || at > a->end;
    if (a->kind == ANCHOR_SIGN && byte_at(t, at) == '.')
        return false;
    at = skip_trap(words, t, at);
    for (unsigned labels = 0; labels < LABELS_MAX && label_begins(t, at); labels++) {
        size_t end = read_label(words, t, at, a->kind == ANCHOR_DASH, c);
        if (end == at)
            break;
        c->end = end;
        size_t next = read_dot(words, t, end, a, c);
        if (next == 0 || c->domain_len + 2 > DOMAIN_MAX)
            break;
        c->domain[c->domain_len++] = '.';
        at = next;
    }
    while (c->domain_len > 0 && c->domain[c->domain_len - 1] == '.')
        c->domain_len--;
    return c->domain_len > 0;
}

/* ---- trying ---- */

static struct span around(const struct folded *f, size_t start, size_t end)
{
    size_t from = start > 60 ? start - 60 : 0, to = end + 60 < f->original.len ? end + 60 : f->original.len;
    for (size_t i = start; i > from; i--) {
        if (f->original.at[i - 1] == '\n' && start - i > 20)
            from = i;
    }
    while (from < start && (f->original.at[from] & 0xc0) == 0x80)
        from++;
    while (to > end && to < f->original.len && (f->original.at[to] & 0xc0) == 0x80)
        to--;
    return span_part(f->original, from, to - from);
}

/* Where to go on behind an address, or 0. */
static size_t try_anchor(struct page_work *w, const struct folded *f, const struct anchor *a, const char *source, unsigned flags)
{
    struct candidate c = {0};
    struct span t = f->text;
    char mail[LOCAL_MAX + DOMAIN_MAX + 2];
    if (w->tries++ >= ADDRESS_TRIES) {
        w->page->cut = true;
        return 0;
    }
    if (!read_local(w->words, t, a, &c) || !read_domain(w->words, t, a, &c))
        return 0;
    if (is_other(t, &c) || (a->kind == ANCHOR_BARE && address_is_sentence(w->words, t, a, &c)))
        return 0;
    if (a->kind == ANCHOR_DASH && address_is_name(w->words, t, a, &c))
        return 0;
    if (a->kind != ANCHOR_SIGN && !is_ascii(span_of(c.local, c.local_len)))
        return 0;                             /* a sentence's word: "злая собака" */
    bool mention = byte_at(t, a->end) != ' '; /* "for example.com @name.example" */
    if (a->kind == ANCHOR_SIGN && c.spaced && (memchr(c.domain, '.', c.domain_len) == NULL || !address_is_set_off(w->words, t, &c, mention)))
        return 0;
    address_take_out(w->words, c.local, &c.local_len, false);
    address_take_out(w->words, c.domain, &c.domain_len, true);
    if (!address_trim(&c, flags))
        return 0;
    if (address_is_foreign(w->words, &c))
        return 0;
    memcpy(mail, c.local, c.local_len);
    mail[c.local_len] = '@';
    memcpy(mail + c.local_len + 1, c.domain, c.domain_len);
    size_t start = origin(f, c.start), end = origin(f, c.end);
    if (!address_add(w, span_of(mail, c.local_len + 1 + c.domain_len), source, span_part(f->original, start, end - start), around(f, start, end)))
        return 0;
    return c.end;
}

/* ---- anchors ---- */

static bool is_substitute(const struct page_work *w, uint32_t code)
{
    for (size_t i = 0; i < w->substitute_count; i++) {
        if (w->substitutes[i] == code)
            return true;
    }
    return false;
}

static void learned(struct page_work *w, uint32_t code)
{
    if (!is_substitute(w, code) && w->substitute_count < SUBSTITUTES_MAX)
        w->substitutes[w->substitute_count++] = code;
}

/* "★ stands for @": the sign before an @ that begins no address. */
static void learn_substitute(struct page_work *w, struct span t, size_t at)
{
    static const uint32_t signs[] = {0x2605, 0x2606, 0x25cf, 0x25cb, 0x25ce, 0x25a0, 0x25a1, 0x25c6, 0x25c7, 0x203b, 0x25b2, 0x25b3, 0x25bc,
                                     0x25bd, 0x266a, 0x2665, '#',    '*',    '%',    '$',    '&',    '!',    '+',    '~',    '=',    0xa7};
    size_t from = at > 48 ? at - 48 : 0;
    for (size_t i = at; i > from; i--) {
        if (t.at[i - 1] == '\n')
            return;
        if ((t.at[i - 1] & 0xc0) == 0x80)
            continue;
        size_t len;
        uint32_t code = utf8_read(t, i - 1, &len);
        for (size_t k = 0; k < sizeof signs / sizeof signs[0]; k++) {
            /* One of ASCII's must be set off as what is spoken of. */
            if (signs[k] == code && (code >= 0x80 || !byte_is_alnum(byte_at(t, i))) && (code >= 0x80 || i < 2 || !byte_is_alnum(t.at[i - 2]))) {
                learned(w, code);
                return;
            }
        }
    }
}

/* A word for @ may stand at a place: few do. */
static bool may_be_word(const struct page_work *w, struct span t, size_t at)
{
    uint8_t first = byte_small(byte_at(t, at)), second = byte_small(byte_at(t, at + 1));
    if (!w->at_begins[first])
        return false;
    return !byte_is_letter(first) || !byte_is_letter(second) || w->at_pairs[(first - 'a') * 26 + second - 'a'];
}

/* A word for @ in quotes, info "at" example.com: where it ends, or 0. */
static size_t quoted(const struct page_work *w, struct span t, size_t at)
{
    uint8_t quote = t.at[at];
    if ((quote != '"' && quote != '\'') || at == 0 || t.at[at - 1] != ' ' || !may_be_word(w, t, at + 1))
        return 0;
    size_t len = word_at(w->words, WORD_AT, t, at + 1, false);
    return len > 0 && byte_at(t, at + 1 + len) == quote ? at + len + 2 : 0;
}

/* One of a script without blanks between words. */
static size_t unspaced(const struct page_work *w, struct span t, size_t at)
{
    size_t len = t.at[at] >= 0xc0 && w->at_begins[t.at[at]] ? word_at(w->words, WORD_AT, t, at, true) : 0;
    return len > 0 ? at + len : 0;
}

static bool find_anchor(const struct page_work *w, struct span t, size_t at, struct anchor *a)
{
    uint8_t c = t.at[at];
    *a = (struct anchor){.kind = ANCHOR_SIGN, .start = at, .end = at + 1};
    if (c == '@') {
        a->end = at + sign_len(t, at);
        uint8_t dash = byte_at(t, at + 1);
        if (at > 1 && (dash == '-' || dash == '_' || dash == '*' || dash == '|' || dash == '~') && t.at[at - 1] == dash) { /* "info-@-example.com" */
            a->start--;
            a->end++;
        }
        return true;
    }
    if (c == '%' && byte_at(t, at + 1) == '4' && byte_at(t, at + 2) == '0' && at > 0 && byte_is_alnum(t.at[at - 1])) {
        a->end = at + 3;
        return true;
    }
    size_t end = 0, len = 0;
    if (c == '&' && at > 0) { /* a page that wrote its entity twice over */
        struct span entity = span_part(t, at, t.len - at < 7 ? t.len - at : 7);
        len = starts_with_folded(entity, "&#64;") ? 5 : starts_with_folded(entity, "&#064;") || starts_with_folded(entity, "&#x40;") ? 6 : 0;
        a->end = at + len;
        return len > 0;
    }
    if (closing(c) != 0 && (end = bracketed(w->words, WORD_AT, '@', t, at)) > 0) {
        a->end = end;
        a->kind = is_numbering(t, a) ? ANCHOR_BARE : ANCHOR_BRACKET;
    } else if ((c == '-' || c == '_' || c == '*' || c == '|' || c == '/' || c == '~') && at > 0 &&
               (w->at_begins[byte_at(t, at + 1)] || byte_at(t, at + 1) == c) && (end = dashed(w->words, WORD_AT, t, at)) > 0)
        /* The others are letters of names, too, unless blanks stand around. */
        a->kind = c == '|' || c == '*' || c == '~' || (t.at[at - 1] == ' ' && byte_at(t, end) == ' ') ? ANCHOR_BRACKET : ANCHOR_DASH;
    else if (c == ' ' && at > 0 && t.at[at - 1] != ' ' && may_be_word(w, t, address_skip_blanks(t, at, GAP_MAX)) &&
             (end = bare_word(w->words, WORD_AT, t, at)) > 0)
        a->kind = ANCHOR_BARE;
    else if ((end = quoted(w, t, at)) > 0 || (end = unspaced(w, t, at)) > 0)
        a->kind = ANCHOR_BRACKET;
    a->end = end;
    for (size_t i = at; i < end; i++) /* "AT" */
        a->loud = a->loud || (t.at[i] >= 'A' && t.at[i] <= 'Z');
    return end > 0;
}

static void scan_substitute(struct page_work *w, const struct folded *f, const char *source, unsigned flags)
{
    struct span t = f->text;
    for (size_t at = 1, len = 1; at < t.len; at += len) {
        len = 1;
        uint32_t code = t.at[at] < 0x80 ? t.at[at] : utf8_read(t, at, &len);
        if (!is_substitute(w, code) || !is_local(t.at[at - 1]) || !label_begins(t, at + len))
            continue;
        struct anchor a = {.kind = ANCHOR_SUBSTITUTE, .start = at, .end = at + len};
        (void)try_anchor(w, f, &a, source, flags);
    }
}

/* Bytes that may begin an anchor. */
static bool may_begin(uint8_t c)
{
    static const bool begins[256] = {['@'] = true, ['('] = true, ['['] = true, ['{'] = true, ['<'] = true, ['-'] = true, ['_'] = true, ['*'] = true,
                                     ['|'] = true, ['/'] = true, ['%'] = true, ['~'] = true, [' '] = true, ['"'] = true, ['&'] = true, ['\''] = true};
    return begins[c] || c >= 0xc0;
}

void address_scan(struct page_work *w, struct span text, const char *source, unsigned flags)
{
    struct folded f;
    if (w->error != 0)
        return;
    w->error = address_fold(text, &f);
    if (w->error != 0)
        return;
    for (size_t at = 0; at < f.text.len && w->page->address_count < EXTRACT_ADDRESSES_MAX && w->tries < ADDRESS_TRIES; at++) {
        struct anchor a;
        if (!may_begin(f.text.at[at]) || !find_anchor(w, f.text, at, &a))
            continue;
        size_t end = try_anchor(w, &f, &a, source, flags);
        if (end > at)
            at = end - 1;
        else if (a.kind == ANCHOR_SIGN && w->substitute_count < SUBSTITUTES_MAX)
            learn_substitute(w, f.text, at);
    }
    if (w->substitute_count > 0)
        scan_substitute(w, &f, source, flags);
    address_fold_done(&f);
}
