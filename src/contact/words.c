/* Words by use, found in folded text: an index by the first three bytes, so that a text is walked once for all uses. */
#include "contact/words.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { INDEX_SIZE = 16384, WORDS_MAX = 20000, FOLD_MAX = 1024 };

struct words {
    struct word *list; /* by use, in the order of the file */
    size_t count;
    size_t first[WORD_USE_COUNT + 1];
    uint32_t *order;                    /* indexes into list by hash of the first three bytes; those of fewer lie behind, by hash of the first two */
    uint32_t start[2 * INDEX_SIZE + 2]; /* the last bucket is empty */
};

static const char *const use_names[] = {
#define USE(name, text, help) text,
#include "contact/word_uses.def"
#undef USE
};
_Static_assert(sizeof use_names / sizeof use_names[0] <= 64, "uses are bits of a mask");

/* ---- UTF-8 ---- */

uint32_t utf8_read(struct span text, size_t at, size_t *ret_len)
{
    uint8_t first = text.at[at];
    size_t len = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    if (len == 1) {
        *ret_len = 1;
        return first;
    }
    *ret_len = 1;
    if (len == 0 || len > text.len - at)
        return 0xfffd;
    uint32_t code = first & (0xffU >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((text.at[at + i] & 0xc0) != 0x80)
            return 0xfffd;
        code = code << 6 | (text.at[at + i] & 0x3fU);
    }
    *ret_len = len;
    return code;
}

/* At most 4 bytes; how many. */
static size_t encode(uint32_t code, uint8_t *to)
{
    if (code < 0x80) {
        to[0] = (uint8_t)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        to[i] = (uint8_t)(0x80 | (code & 0x3f));
    to[0] = (uint8_t)((0xf00 >> len & 0xff) | code);
    return len;
}

/* ---- folding ---- */

/* Base letters of U+00C0 to U+017F; a blank: as it is. */
static const char latin[] = "aaaaaaaceeeeiiiidnooooo ouuuuy s"
                            "aaaaaaaceeeeiiiidnooooo ouuuuy y"
                            "aaaaaaccccccccddddeeeeeeeeeegggg"
                            "gggghhhhiiiiiiiiiiiijjkk lllllll"
                            "lllnnnnnnnnnoooooooorrrrrrssssss"
                            "ssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

static uint32_t fold_latin(uint32_t c)
{
    if (c >= 0xc0 && c < 0xc0 + sizeof latin - 1)
        return latin[c - 0xc0] != ' ' ? (uint8_t)latin[c - 0xc0] : c;
    if (c == 0x1a0 || c == 0x1a1)
        return 'o';
    if (c == 0x1af || c == 0x1b0)
        return 'u';
    if (c >= 0x218 && c <= 0x21b)
        return c < 0x21a ? 's' : 't';
    static const struct {
        uint16_t last;
        char letter;
    } vietnamese[] = {{0x1eb7, 'a'}, {0x1ec7, 'e'}, {0x1ecb, 'i'}, {0x1ee3, 'o'}, {0x1ef1, 'u'}, {0x1ef9, 'y'}};
    for (size_t i = 0; c >= 0x1ea0 && i < sizeof vietnamese / sizeof vietnamese[0]; i++) {
        if (c <= vietnamese[i].last)
            return (uint8_t)vietnamese[i].letter;
    }
    return c;
}

static uint32_t fold_greek(uint32_t c)
{
    static const uint16_t accents[][2] = {{0x386, 0x3b1}, {0x388, 0x3b5}, {0x389, 0x3b7}, {0x38a, 0x3b9}, {0x38c, 0x3bf},
                                          {0x38e, 0x3c5}, {0x38f, 0x3c9}, {0x3ac, 0x3b1}, {0x3ad, 0x3b5}, {0x3ae, 0x3b7},
                                          {0x3af, 0x3b9}, {0x3cc, 0x3bf}, {0x3cd, 0x3c5}, {0x3ce, 0x3c9}, {0x3c2, 0x3c3}};
    for (size_t i = 0; i < sizeof accents / sizeof accents[0]; i++) {
        if (accents[i][0] == c)
            return accents[i][1];
    }
    return c >= 0x391 && c <= 0x3a9 ? c + 0x20 : c;
}

uint32_t code_fold(uint32_t c)
{
    if (c >= 0xff01 && c <= 0xff5e)
        c -= 0xfee0;
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c == 0xa0 || c == 0x3000 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f)
        return ' ';
    if (c == 0xad || (c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) ||
        c == 0xfeff)
        return 0;
    if (c < 0x370 || (c >= 0x1ea0 && c <= 0x1ef9))
        return fold_latin(c);
    if (c < 0x400)
        return fold_greek(c);
    if (c >= 0x410 && c <= 0x42f)
        return c + 0x20;
    if (c <= 0x40f)
        c += 0x50;
    if (c == 0x451)
        return 0x435;
    if (c == 0xfe6b)
        return '@';
    if (c == 0x2018 || c == 0x2019) /* "зв’язок" */
        return '\'';
    return c;
}

void words_fold(struct buf *out, struct span text, bool names)
{
    bool small = false;
    uint8_t *room = buf_reserve(out, 3 * text.len); /* a broken byte becomes U+FFFD */
    size_t to = 0;
    for (size_t at = 0, len = 1; at < text.len && room != NULL; at += len) {
        uint8_t c = text.at[at];
        len = 1;
        if (c < 0x80) {
            bool large = c >= 'A' && c <= 'Z';
            if (names && large && small)
                room[to++] = '_';
            small = c >= 'a' && c <= 'z';
            room[to++] = large ? (uint8_t)(c + 32) : c;
            continue;
        }
        uint32_t folded = code_fold(utf8_read(text, at, &len));
        small = false;
        if (folded != 0)
            to += encode(folded, room + to);
    }
    out->len += to;
}

/* ---- the file ---- */

static uint32_t hash_long(const uint8_t *at)
{
    return ((uint32_t)at[0] * 73 + (uint32_t)at[1] * 1093 + (uint32_t)at[2] * 16381) % INDEX_SIZE;
}

static uint32_t hash_short(uint8_t first, uint8_t second)
{
    return INDEX_SIZE + ((uint32_t)first * 37 + second) % INDEX_SIZE;
}

static uint32_t hash_of(struct span folded)
{
    return folded.len > 2 ? hash_long(folded.at) : hash_short(folded.at[0], folded.len > 1 ? folded.at[1] : 0);
}

static struct span trimmed(struct span text)
{
    while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
        text = span_part(text, 1, text.len);
    while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t' || text.at[text.len - 1] == '\r'))
        text.len--;
    return text;
}

static int complain(struct conf_error *error, const char *path, size_t line, const char *what)
{
    (void)snprintf(error->text, sizeof error->text, "%.200s:%zu: expected %s; for example local de: kontakt, missbrauch, =post", path, line, what);
    return -ERR_CONFIG;
}

static int keep(struct arena *arena, struct span text, struct span *ret)
{
    char *copy = arena_copy(arena, text);
    *ret = span_of(copy, text.len);
    return copy != NULL ? 0 : -ENOMEM;
}

static int add_word(struct arena *arena, struct words *w, enum word_use use, struct span language, struct span text)
{
    struct word *word = &w->list[w->count];
    struct buf out;
    *word = (struct word){.use = use, .whole = text.at[0] == '='};
    if (word->whole)
        text = trimmed(span_part(text, 1, text.len));
    if (text.len > WORD_MAX)
        return -ERR_MALFORMED;
    buf_init(&out, 0);
    words_fold(&out, text, false);
    int r = out.error;
    if (r == 0 && out.len == 0)
        r = -ERR_MALFORMED;
    if (r == 0)
        r = keep(arena, text, &word->text);
    if (r == 0)
        r = keep(arena, buf_as_span(&out), &word->folded); /* a NUL stands behind it: two bytes may be read of one */
    word->language = language;
    buf_done(&out);
    if (r == 0)
        w->count++;
    return r;
}

static int use_by_name(struct span name)
{
    for (int use = 0; use < WORD_USE_COUNT; use++) {
        if (span_is(name, use_names[use]))
            return use;
    }
    return -1;
}

static int read_line(struct arena *arena, struct words *w, struct span line, const char *path, size_t number, struct conf_error *error)
{
    size_t colon = span_find(line, ':');
    struct span head = trimmed(span_part(line, 0, colon)), left = span_part(line, colon + 1, line.len), language;
    size_t blank = span_find(head, ' ');
    int use = use_by_name(span_part(head, 0, blank));
    if (colon == line.len || blank == head.len || use < 0)
        return complain(error, path, number, "USE LANGUAGE: word, word, ...");
    int r = keep(arena, trimmed(span_part(head, blank, head.len)), &language);
    while (left.len > 0 && r == 0) {
        struct span text = trimmed(span_part(left, 0, span_find(left, ',')));
        left = span_part(left, span_find(left, ',') + 1, left.len);
        if (text.len == 0)
            continue;
        if (w->count == WORDS_MAX)
            return complain(error, path, number, "fewer words");
        r = add_word(arena, w, (enum word_use)use, language, text);
        if (r == -ERR_MALFORMED)
            return complain(error, path, number, "words of 1 to 64 bytes");
    }
    return r;
}

/* Counting sort by hash; the words of a bucket stay in their order. */
static int make_index(struct arena *arena, struct words *w)
{
    w->order = arena_alloc(arena, (w->count + 1) * sizeof *w->order);
    if (w->order == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < w->count; i++)
        w->start[hash_of(w->list[i].folded) + 1]++;
    for (size_t i = 0; i < 2 * INDEX_SIZE; i++)
        w->start[i + 1] += w->start[i];
    w->start[2 * INDEX_SIZE + 1] = w->start[2 * INDEX_SIZE];
    uint32_t *next = calloc(2 * INDEX_SIZE, sizeof *next);
    if (next == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < w->count; i++) {
        uint32_t hash = hash_of(w->list[i].folded);
        w->order[w->start[hash] + next[hash]++] = (uint32_t)i;
    }
    free(next);
    size_t at = 0;
    for (int use = 0; use <= WORD_USE_COUNT; use++) {
        while (at < w->count && (int)w->list[at].use < use)
            at++;
        w->first[use] = at;
    }
    return 0;
}

/* A stable sort by use: WORD_USE_COUNT passes over few thousand words. */
static int sort_words(struct arena *arena, struct words *w)
{
    struct word *sorted = arena_alloc(arena, (w->count + 1) * sizeof *sorted);
    size_t count = 0;
    if (sorted == NULL)
        return -ENOMEM;
    for (int use = 0; use < WORD_USE_COUNT; use++) {
        for (size_t i = 0; i < w->count; i++) {
            if ((int)w->list[i].use == use)
                sorted[count++] = w->list[i];
        }
    }
    w->list = sorted;
    return 0;
}

int book_open_words(struct arena *arena, struct span text, const char *path, void **ret, struct conf_error *error)
{
    struct words *w = arena_alloc(arena, sizeof *w);
    size_t number = 0, commas = 0;
    int r = w != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < text.len; i++)
        commas += text.at[i] == ',' || text.at[i] == '\n';
    if (r == 0)
        w->list = arena_alloc(arena, (commas + 2) * sizeof *w->list);
    if (r == 0 && w->list == NULL)
        r = -ENOMEM;
    while (text.len > 0 && r == 0) {
        struct span line = span_part(text, 0, span_find(text, '\n'));
        text = span_part(text, line.len + 1, text.len);
        line = trimmed(span_part(line, 0, span_find(line, '#')));
        number++;
        if (line.len > 0)
            r = read_line(arena, w, line, path, number, error);
    }
    if (r == 0)
        r = sort_words(arena, w);
    if (r == 0)
        r = make_index(arena, w);
    if (r == 0)
        *ret = w;
    return r;
}

/* ---- finding ---- */

const struct word *words_of(const struct words *w, enum word_use use, size_t *ret_count)
{
    *ret_count = w != NULL ? w->first[use + 1] - w->first[use] : 0;
    return *ret_count > 0 ? w->list + w->first[use] : NULL;
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || c >= 0x80;
}

static bool stands_at(const struct word *word, struct span text, size_t at)
{
    struct span f = word->folded;
    if (f.len > text.len - at || memcmp(f.at, text.at + at, f.len) != 0)
        return false;
    return !word->whole || ((at == 0 || !is_letter(text.at[at - 1])) && (at + f.len == text.len || !is_letter(text.at[at + f.len])));
}

/* The buckets whose words may stand at a place: of long words, and of short ones. A word of one letter is found at the end of a text alone. */
static void buckets_at(struct span text, size_t at, uint32_t bucket[2])
{
    size_t left = text.len - at;
    bucket[0] = left > 2 ? hash_long(text.at + at) : 2 * INDEX_SIZE;
    bucket[1] = hash_short(text.at[at], left > 1 ? text.at[at + 1] : 0);
}

uint64_t words_uses(const struct words *w, struct span folded)
{
    uint64_t uses = 0;
    uint32_t bucket[2];
    for (size_t at = 0; w != NULL && at < folded.len; at++) {
        buckets_at(folded, at, bucket);
        for (int k = 0; k < 2; k++) {
            for (uint32_t i = w->start[bucket[k]]; i < w->start[bucket[k] + 1]; i++) {
                const struct word *word = &w->list[w->order[i]];
                if ((uses >> word->use & 1) == 0 && stands_at(word, folded, at))
                    uses |= UINT64_C(1) << word->use;
            }
        }
    }
    return uses;
}

const struct word *words_in(const struct words *w, enum word_use use, struct span text)
{
    const struct word *best = NULL;
    struct buf folded;
    uint32_t bucket[2];
    if (w == NULL)
        return NULL;
    buf_init(&folded, 0);
    words_fold(&folded, span_part(text, 0, FOLD_MAX), false);
    struct span in = buf_as_span(&folded);
    for (size_t at = 0; at < in.len && folded.error == 0; at++) {
        buckets_at(in, at, bucket);
        for (int k = 0; k < 2; k++) {
            for (uint32_t i = w->start[bucket[k]]; i < w->start[bucket[k] + 1]; i++) {
                const struct word *word = &w->list[w->order[i]];
                if (word->use == use && (best == NULL || word->folded.len > best->folded.len) && stands_at(word, in, at))
                    best = word;
            }
        }
    }
    buf_done(&folded);
    return best;
}
