#define PCRE2_CODE_UNIT_WIDTH 8
#include "analyse/device/patterns.h"
#include "base/cursor.h"

#include <errno.h>
#include <hs.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MATCH_LIMIT = 5000,     /* backtracking steps of a match that can begin in one place */
    MATCH_LIMIT_LEAST = 24, /* of each place when there are many */
    SPREAD = 100000,        /* steps over all places */
    SCAN_MAX = 1024 * 1024, /* places times length of the text: bytes that loops without backtracking may look at */
    HEAP_LIMIT_KIB = 4 * 1024,
};

enum start { START_ANYWHERE, START_TEXT, START_LINE, START_BYTE };

struct entry {
    pcre2_code *code;
    enum start start;
    uint8_t first[2]; /* START_BYTE: in both cases */
    bool unsure, left_out;
};

struct pattern_set {
    hs_database_t *line, *lines; /* for texts of one line, and of any; NULL when there is no pattern; the same when lines make no difference */
    hs_scratch_t *scratch;
    struct entry *entries;
    size_t count;
    pcre2_match_data *data;
    pcre2_match_context *context;
    struct pattern_hit hits[PATTERN_HITS_MAX]; /* of the last scan */
    size_t found;
};

static pcre2_code *compile(const struct pattern *p, char *why, size_t size)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL)
        return NULL;
    (void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    uint32_t options = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C;
    options |= p->nocase ? PCRE2_CASELESS : 0;
    options |= p->dotall ? PCRE2_DOTALL : 0;
    options |= p->whole ? 0 : PCRE2_MULTILINE;
    int error = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *code = pcre2_compile(p->regex.at, p->regex.len, options, &error, &at, context);
    pcre2_compile_context_free(context);
    if (code == NULL && size > 0) {
        PCRE2_UCHAR text[160] = "";
        (void)pcre2_get_error_message(error, text, sizeof text);
        snprintf(why, size, "%s, at byte %zu", (const char *)text, (size_t)at);
    }
    return code;
}

int pattern_check(const struct pattern *p, char *why, size_t size)
{
    if (p->regex.len == 0 || p->regex.len > PATTERN_REGEX_MAX || memchr(p->regex.at, '\0', p->regex.len) != NULL) {
        snprintf(why, size, "expected 1 to %d bytes without NUL", PATTERN_REGEX_MAX);
        return -ERR_MALFORMED;
    }
    pcre2_code *code = compile(p, why, size);
    if (code == NULL)
        return -ERR_MALFORMED;
    pcre2_code_free(code);
    return 0;
}

static unsigned flags_of(const struct pattern *p)
{
    return HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY | (p->whole ? 0U : HS_FLAG_MULTILINE) | (p->nocase ? HS_FLAG_CASELESS : 0U) |
           (p->dotall ? HS_FLAG_DOTALL : 0U);
}

struct batch {
    char **texts;
    unsigned *flags, *ids;
    bool *left_out;
};

static void batch_done(struct batch *b, size_t count)
{
    for (size_t i = 0; b->texts != NULL && i < count; i++)
        free(b->texts[i]);
    free(b->texts);
    free(b->flags);
    free(b->ids);
    free(b->left_out);
}

static int batch_init(struct batch *b, const struct pattern *patterns, size_t count)
{
    b->texts = calloc(count, sizeof *b->texts);
    b->flags = calloc(count, sizeof *b->flags);
    b->ids = calloc(count, sizeof *b->ids);
    b->left_out = calloc(count, sizeof *b->left_out);
    if (b->texts == NULL || b->flags == NULL || b->ids == NULL || b->left_out == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        b->texts[i] = strndup((const char *)patterns[i].regex.at, patterns[i].regex.len);
        b->flags[i] = flags_of(&patterns[i]);
        b->ids[i] = (unsigned)i;
        if (b->texts[i] == NULL)
            return -ENOMEM;
    }
    return 0;
}

/* What Hyperscan can't take as it is it takes as a prefilter: it may then hit without a match, never miss one. Asked one by one first: compiling
 * many ends at the first that is wrong. */
static void mark_prefilters(struct batch *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hs_compile_error_t *error = NULL;
        hs_expr_info_t *info = NULL;
        if (hs_expression_info(b->texts[i], b->flags[i], &info, &error) != HS_SUCCESS)
            b->flags[i] |= HS_FLAG_PREFILTER;
        free(info);
        hs_free_compile_error(error);
    }
}

/* A text that nobody sends; who does has PCRE2 look at the real expression. */
static int leave_out(struct batch *b, size_t at)
{
    char *never = strdup("\\x00noroshi: left out\\x00");
    if (never == NULL)
        return -ENOMEM;
    free(b->texts[at]);
    b->texts[at] = never;
    b->left_out[at] = true;
    return 0;
}

static int build(struct batch *b, const struct pattern *patterns, size_t count, hs_database_t **ret, size_t *ret_bad, char *why, size_t size)
{
    mark_prefilters(b, count);
    for (;;) {
        hs_compile_error_t *error = NULL;
        hs_error_t r = hs_compile_multi((const char *const *)b->texts, b->flags, b->ids, (unsigned)count, HS_MODE_BLOCK, NULL, ret, &error);
        if (r == HS_SUCCESS)
            return 0;
        int at = error != NULL ? error->expression : -1;
        if (at < 0 || (size_t)at >= count) {
            hs_free_compile_error(error);
            return -ENOMEM;
        }
        bool again = (b->flags[at] & HS_FLAG_PREFILTER) != 0;
        if (again && patterns[at].optional && !b->left_out[at]) {
            hs_free_compile_error(error);
            if (leave_out(b, (size_t)at) != 0)
                return -ENOMEM;
            continue;
        }
        if (again) {
            *ret_bad = (size_t)at;
            snprintf(why, size, "%s", error->message);
            hs_free_compile_error(error);
            return -ERR_MALFORMED;
        }
        b->flags[at] |= HS_FLAG_PREFILTER;
        hs_free_compile_error(error);
    }
}

static int put_database(const hs_database_t *database, struct buf *out)
{
    char *bytes = NULL;
    size_t len = 0;
    if (hs_serialize_database(database, &bytes, &len) != HS_SUCCESS)
        return -ENOMEM;
    buf_varint(out, len);
    buf_put(out, bytes, len);
    free(bytes);
    return out->error;
}

/* In a text without \n the lines' ends are the text's, and Hyperscan is faster with those. */
static bool without_lines(struct batch *b, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        any = any || (b->flags[i] & HS_FLAG_MULTILINE) != 0;
        b->flags[i] &= ~(unsigned)HS_FLAG_MULTILINE;
    }
    return any;
}

/* count, then a byte per pattern (1: prefilter, 2: left out), then the database for any text and, when it is another, that for one line. */
int patterns_compile(const struct pattern *patterns, size_t count, struct buf *out, size_t *ret_bad, char *why, size_t size)
{
    buf_varint(out, count);
    if (count == 0)
        return out->error;
    if (count > PATTERN_SET_MAX)
        return -ERR_LIMIT;
    struct batch b = {0};
    hs_database_t *lines = NULL, *line = NULL;
    int r = batch_init(&b, patterns, count);
    if (r == 0)
        r = build(&b, patterns, count, &lines, ret_bad, why, size);
    if (r == 0 && without_lines(&b, count))
        r = build(&b, patterns, count, &line, ret_bad, why, size);
    for (size_t i = 0; i < count && r == 0; i++)
        buf_byte(out, b.left_out[i] ? 2 : (b.flags[i] & HS_FLAG_PREFILTER) != 0);
    if (r == 0)
        r = put_database(lines, out);
    if (r == 0 && line != NULL)
        r = put_database(line, out);
    (void)hs_free_database(lines);
    (void)hs_free_database(line);
    batch_done(&b, count);
    return r != 0 ? r : out->error;
}

void patterns_platform(struct buf *out)
{
    hs_platform_info_t here = {0};
    (void)hs_populate_platform(&here);
    buf_printf(out, "hyperscan %s %u %llx pcre2 %d.%d %zu\n", hs_version(), here.tune, here.cpu_features, PCRE2_MAJOR, PCRE2_MINOR, sizeof(void *));
}

static void how_it_starts(struct entry *e)
{
    uint32_t options = 0, type = 0, first = 0;
    (void)pcre2_pattern_info(e->code, PCRE2_INFO_ALLOPTIONS, &options);
    (void)pcre2_pattern_info(e->code, PCRE2_INFO_FIRSTCODETYPE, &type);
    (void)pcre2_pattern_info(e->code, PCRE2_INFO_FIRSTCODEUNIT, &first);
    if ((options & PCRE2_ANCHORED) != 0) {
        e->start = START_TEXT;
    } else if (type == 2) {
        e->start = START_LINE;
    } else if (type == 1) {
        e->start = START_BYTE;
        uint8_t byte = (uint8_t)first, letter = byte | 0x20;
        e->first[0] = byte;
        e->first[1] = letter >= 'a' && letter <= 'z' ? byte ^ 0x20 : byte;
    }
}

static int open_database(struct pattern_set *s, struct cursor *c, hs_database_t **ret)
{
    uint64_t len = cursor_varint(c);
    struct span bytes = cursor_take(c, len <= cursor_left(c) ? (size_t)len : SIZE_MAX);
    hs_error_t r = bytes.len > 0 ? hs_deserialize_database((const char *)bytes.at, bytes.len, ret) : HS_INVALID;
    if (r == HS_SUCCESS)
        r = hs_alloc_scratch(*ret, &s->scratch); /* grows to what the larger one needs */
    return r == HS_SUCCESS ? 0 : r == HS_NOMEM ? -ENOMEM : -ERR_VERSION;
}

static int open_all(struct pattern_set *s, const struct pattern *patterns, size_t count, struct span compiled)
{
    struct cursor c = cursor_of(compiled);
    uint64_t said = cursor_varint(&c);
    struct span unsure = cursor_take(&c, count);
    if (c.error != 0 || said != count || count > PATTERN_SET_MAX)
        return count == 0 && said == 0 && c.error == 0 ? 0 : -ERR_MALFORMED;
    if (count == 0)
        return 0;
    s->entries = calloc(count, sizeof *s->entries);
    s->data = pcre2_match_data_create(PATTERN_CAPTURES, NULL);
    s->context = pcre2_match_context_create(NULL);
    if (s->entries == NULL || s->data == NULL || s->context == NULL)
        return -ENOMEM;
    (void)pcre2_set_heap_limit(s->context, HEAP_LIMIT_KIB);
    for (; s->count < count; s->count++) {
        struct entry *e = &s->entries[s->count];
        e->code = compile(&patterns[s->count], NULL, 0);
        if (e->code == NULL)
            return -ERR_MALFORMED;
        e->unsure = unsure.at[s->count] != 0;
        e->left_out = unsure.at[s->count] == 2;
        how_it_starts(e);
    }
    int r = open_database(s, &c, &s->lines);
    if (r == 0 && cursor_left(&c) > 0)
        r = open_database(s, &c, &s->line);
    else if (r == 0)
        s->line = s->lines;
    return r == 0 && cursor_left(&c) > 0 ? -ERR_MALFORMED : r;
}

int patterns_open(struct pattern_set **ret, const struct pattern *patterns, size_t count, struct span compiled)
{
    struct pattern_set *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    int r = open_all(s, patterns, count, compiled);
    if (r != 0)
        patterns_close(s);
    else
        *ret = s;
    return r;
}

void patterns_close(struct pattern_set *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->count; i++)
        pcre2_code_free(s->entries[i].code);
    free(s->entries);
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->context);
    (void)hs_free_scratch(s->scratch);
    if (s->line != s->lines)
        (void)hs_free_database(s->line);
    (void)hs_free_database(s->lines);
    free(s);
}

static int on_hit(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *user)
{
    struct pattern_set *s = user;
    (void)from;
    (void)flags;
    size_t at = s->found++;
    for (; at > 0 && s->hits[at - 1].index > id; at--)
        s->hits[at] = s->hits[at - 1];
    s->hits[at] = (struct pattern_hit){.index = id, .end = (uint32_t)to};
    return s->found == PATTERN_HITS_MAX;
}

size_t patterns_scan(struct pattern_set *s, struct span text, const struct pattern_hit **ret)
{
    s->found = 0;
    *ret = s->hits;
    if (s->lines == NULL || text.len > UINT32_MAX)
        return 0;
    const hs_database_t *database = s->line != s->lines && span_find(text, '\n') == text.len ? s->line : s->lines;
    (void)hs_scan(database, text.len > 0 ? (const char *)text.at : "", (unsigned)text.len, 0, s->scratch, on_hit, s);
    return s->found;
}

bool pattern_unsure(const struct pattern_set *s, size_t index)
{
    return s->entries[index].unsure;
}

bool pattern_left_out(const struct pattern_set *s, size_t index)
{
    return s->entries[index].left_out;
}

/* In how many places from `from` on a match could begin. */
static size_t places(const struct entry *e, struct span text, size_t from)
{
    if (e->start == START_ANYWHERE)
        return text.len - from + 1;
    if (e->start == START_TEXT)
        return 1;
    size_t count = 1;
    uint8_t one = e->start == START_LINE ? '\n' : e->first[0], other = e->start == START_LINE ? '\n' : e->first[1];
    for (size_t i = from; i < text.len; i++)
        count += text.at[i] == one || text.at[i] == other;
    return count;
}

/* A place to begin at, so that places times length is bounded: the match that Hyperscan saw ends at `end`. */
static size_t begin_at(const struct entry *e, struct span text, size_t end)
{
    if (e->start == START_TEXT || text.len <= 1024 || places(e, text, 0) * text.len <= SCAN_MAX)
        return 0;
    size_t back = SCAN_MAX / text.len;
    return end > back ? end - back : 0;
}

int patterns_capture(struct pattern_set *s, struct pattern_hit hit, struct span text, struct pattern_budget *budget,
                     struct span captures[static PATTERN_CAPTURES])
{
    struct entry *e = &s->entries[hit.index];
    size_t from = begin_at(e, text, hit.end), count = places(e, text, from);
    size_t limit = SPREAD / count;
    limit = limit > MATCH_LIMIT ? MATCH_LIMIT : limit < MATCH_LIMIT_LEAST ? MATCH_LIMIT_LEAST : limit;
    if (budget->steps < limit)
        return -ERR_LIMIT;
    (void)pcre2_set_match_limit(s->context, (uint32_t)limit);
    int r = pcre2_match(e->code, text.len > 0 ? text.at : (const uint8_t *)"", text.len, from, 0, s->data, s->context);
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(s->data);
    /* What it may have cost: the whole limit for each place up to the match. */
    size_t tried = r >= 0 && e->start != START_TEXT ? (at[0] >= from ? at[0] - from : 0) + 1 : count;
    size_t cost = (tried < count ? tried : count) * limit / 8;
    budget->steps -= cost < budget->steps ? cost : budget->steps;
    if (r < 0)
        return r == PCRE2_ERROR_NOMATCH && from == 0 ? -ERR_NOT_FOUND : -ERR_LIMIT;
    size_t pairs = r == 0 ? PATTERN_CAPTURES : (size_t)r;
    for (size_t i = 0; i < PATTERN_CAPTURES; i++) {
        bool there = i < pairs && at[2 * i] != PCRE2_UNSET && at[2 * i] <= at[2 * i + 1];
        captures[i] = there ? span_part(text, at[2 * i], at[2 * i + 1] - at[2 * i]) : (struct span){0};
    }
    return 0;
}
