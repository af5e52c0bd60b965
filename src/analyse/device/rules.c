#include "analyse/device/rules.h"
#include "base/cursor.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const char *const value_names[VALUE_COUNT] = {"class", "maker", "model", "firmware", "ics", "residue", "honeypot"};

static const struct {
    const char *text, *recog;
} fields[DEVICE_FIELD_COUNT] = {
#define DEVICE_FIELD(name, text, recog, help) [DEVICE_FIELD_##name] = {(text), (recog)},
#include "analyse/device/fields.def"
#undef DEVICE_FIELD
};

enum device_field field_by_text(struct span text)
{
    enum device_field field = 0;
    while (field < DEVICE_FIELD_COUNT && !span_is(text, fields[field].text))
        field++;
    return field;
}

const char *field_text(enum device_field field)
{
    return fields[field].text;
}

const char *field_recog_file(enum device_field field)
{
    return fields[field].recog;
}

void drafts_init(struct drafts *d)
{
    *d = (struct drafts){0};
    arena_init(&d->arena, DRAFTS_MEMORY_MAX);
}

void drafts_done(struct drafts *d)
{
    free(d->list);
    arena_done(&d->arena);
    *d = (struct drafts){0};
}

struct draft *drafts_add(struct drafts *d)
{
    if (d->count == d->size) {
        size_t size = d->size == 0 ? 256 : d->size * 2;
        struct draft *list = reallocarray(d->list, size, sizeof *list);
        if (list == NULL)
            return NULL;
        d->list = list;
        d->size = size;
    }
    d->list[d->count] = (struct draft){0};
    return &d->list[d->count++];
}

void drafts_sort(struct drafts *d)
{
    /* Counting sort: stable, and the order of recog's files has a meaning. */
    struct draft *sorted = d->count > 0 ? calloc(d->count, sizeof *sorted) : NULL;
    if (sorted == NULL)
        return;
    size_t at = 0;
    for (int field = 0; field < DEVICE_FIELD_COUNT; field++) {
        for (int own = 1; own >= 0; own--) {
            for (size_t i = 0; i < d->count; i++) {
                if ((int)d->list[i].field == field && d->list[i].own == (own == 1))
                    sorted[at++] = d->list[i];
            }
        }
    }
    free(d->list);
    d->list = sorted;
    d->size = d->count;
}

size_t drafts_of(const struct drafts *d, enum device_field field, size_t *ret_first)
{
    size_t first = 0, count = 0;
    while (first < d->count && d->list[first].field < field)
        first++;
    while (first + count < d->count && d->list[first + count].field == field)
        count++;
    *ret_first = first;
    return count;
}

bool device_rule_own(struct span rule)
{
    return !span_starts(rule, "recog:") && !span_starts(rule, "nmap:");
}

/* ---- values with captures ---- */

int template_read(struct arena *arena, struct span text, struct span *ret)
{
    uint8_t bytes[TEMPLATE_MAX];
    size_t len = 0;
    if (text.len > TEMPLATE_MAX)
        return -ERR_MALFORMED;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.at[i];
        if (byte < 0x20)
            return -ERR_MALFORMED;
        bool capture = byte == '$' && i + 1 < text.len && text.at[i + 1] >= '1' && text.at[i + 1] <= '9';
        bytes[len++] = capture ? CAPTURE_MARK : byte;
        if (capture)
            bytes[len++] = (uint8_t)(text.at[++i] - '0');
    }
    const char *copy = arena_copy(arena, span_of(bytes, len));
    *ret = span_of(copy, len);
    return copy != NULL ? 0 : -ENOMEM;
}

bool template_has_captures(struct span t)
{
    return span_find(t, CAPTURE_MARK) < t.len;
}

static bool is_blank(uint8_t byte)
{
    return byte <= ' ' || byte == 0x7f;
}

/* ASCII without NUL, which most values are. */
static bool is_plain(struct span text)
{
    uint8_t high = 0, zero = 0;
    for (size_t i = 0; i < text.len; i++) {
        high |= text.at[i];
        zero |= text.at[i] == 0;
    }
    return high < 0x80 && zero == 0;
}

/* Foreign text as a value: trimmed, valid UTF-8, at most DEVICE_TEXT_MAX bytes. */
int value_clean(struct span text, struct arena *arena, struct span *ret)
{
    while (text.len > 0 && is_blank(text.at[0]))
        text = span_part(text, 1, text.len);
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    if (text.len > DEVICE_TEXT_MAX) {
        text.len = DEVICE_TEXT_MAX;
        while (text.len > 0 && (text.at[text.len] & 0xc0) == 0x80 && DEVICE_TEXT_MAX - text.len < 4)
            text.len--;
    }
    if (is_plain(text) || (text_utf8_valid(text) == text.len && span_find(text, 0) == text.len)) {
        *ret = text;
        return 0;
    }
    struct buf clean;
    buf_init(&clean, (size_t)DEVICE_TEXT_MAX * 4);
    text_to_utf8(&clean, text);
    struct span cut = buf_as_span(&clean);
    cut.len = text_utf8_valid(span_part(cut, 0, DEVICE_TEXT_MAX));
    const char *copy = clean.error == 0 ? arena_copy(arena, cut) : NULL;
    *ret = span_of(copy, copy != NULL ? cut.len : 0);
    buf_done(&clean);
    return copy != NULL ? 0 : -ENOMEM;
}

struct expanded {
    uint8_t bytes[DEVICE_TEXT_MAX * 2];
    size_t len;
};

static void put(struct expanded *to, struct span text)
{
    text = span_part(text, 0, sizeof to->bytes - to->len);
    if (text.len > 0)
        memcpy(to->bytes + to->len, text.at, text.len);
    to->len += text.len;
}

static void put_printable(struct expanded *to, struct span text)
{
    for (size_t i = 0; i < text.len && to->len < sizeof to->bytes; i++) {
        if (text.at[i] >= ' ' && text.at[i] <= '~')
            to->bytes[to->len++] = text.at[i];
    }
}

static void put_substituted(struct expanded *to, struct span text, struct span what, struct span by)
{
    while (text.len > 0 && to->len < sizeof to->bytes) {
        bool here = what.len > 0 && span_equal(span_part(text, 0, what.len), what);
        put(to, here ? by : span_part(text, 0, 1));
        text = span_part(text, here ? what.len : 1, text.len);
    }
}

static void put_number(struct expanded *to, struct span bytes, bool big_endian)
{
    char text[24];
    uint64_t number = 0;
    if (bytes.len == 0 || bytes.len > sizeof number)
        return;
    for (size_t i = 0; i < bytes.len; i++)
        number = number << 8 | bytes.at[big_endian ? i : bytes.len - 1 - i];
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    put(to, span_text(text));
}

/* Behind the mark: which capture, and what is made of it. */
static void put_capture(struct expanded *to, struct cursor *c, const struct span captures[static PATTERN_CAPTURES])
{
    uint8_t code = cursor_u8(c);
    struct span text = (code & 15) < PATTERN_CAPTURES ? captures[code & 15] : (struct span){0}, what, by;
    switch (code & 0xf0) {
    case CAPTURE_PRINTABLE:
        put_printable(to, text);
        break;
    case CAPTURE_SUBSTITUTE:
        what = cursor_take(c, cursor_u8(c));
        by = cursor_take(c, cursor_u8(c));
        put_substituted(to, text, what, by);
        break;
    case CAPTURE_BIG_ENDIAN:
    case CAPTURE_LITTLE_ENDIAN:
        put_number(to, text, (code & 0xf0) == CAPTURE_BIG_ENDIAN);
        break;
    default:
        put(to, text);
    }
}

static int expand(struct span template, const struct span captures[static PATTERN_CAPTURES], struct arena *arena, struct span *ret)
{
    struct expanded to;
    struct cursor c = cursor_of(template);
    to.len = 0;
    while (cursor_left(&c) > 0 && to.len < sizeof to.bytes) {
        uint8_t byte = cursor_u8(&c);
        if (byte == CAPTURE_MARK)
            put_capture(&to, &c, captures);
        else
            to.bytes[to.len++] = byte;
    }
    const char *copy = arena_copy(arena, span_of(to.bytes, to.len));
    return copy != NULL ? value_clean(span_of(copy, to.len), arena, ret) : -ENOMEM;
}

int rule_values(const struct rule_view *rule, const struct span captures[static PATTERN_CAPTURES], struct arena *arena,
                struct span ret[static VALUE_COUNT])
{
    for (int v = 0; v < VALUE_COUNT; v++) {
        int r = 0;
        if (rule->only[v] != 0)
            r = value_clean(captures[rule->only[v]], arena, &ret[v]);
        else if ((rule->mixed >> v & 1) != 0)
            r = expand(rule->values[v], captures, arena, &ret[v]);
        else
            ret[v] = rule->values[v];
        if (r != 0)
            return r;
    }
    return 0;
}
