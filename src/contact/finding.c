/* The list of findings, and the one form of mail addresses and domains. */
#include "contact/finding.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <idn2.h>
#include <libpsl.h>
#include <sys/random.h>

/* RFC 5321 §4.5.3.1, RFC 1035 §2.3.4. */
enum { LOCAL_MAX = 64, DOMAIN_MAX = 253, LABEL_MAX = 63, MAIL_MAX = LOCAL_MAX + 1 + DOMAIN_MAX };
/* What may stand around an address or in one before it is decoded: a mailto: with three characters for each byte, and blanks. */
enum { WRITTEN_MAX = 4 * MAIL_MAX };
enum { SLOTS = 2 * 2048 /* a power of two, never more than half full */ };

/* ---- characters ---- */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_letter(uint8_t c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

/* RFC 5322 §3.2.3. */
static bool is_atext(uint8_t c)
{
    return is_letter(c) || is_digit(c) || (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* A character that RFC 6531 lets in but that nobody reads as a part of an address: controls, blanks, what has no shape or turns the direction,
 * private use, no characters, and the full-width forms of @ and the full stop. */
static bool is_strange(uint32_t c)
{
    static const uint32_t ranges[][2] = {{0x80, 0xa0},     {0xad, 0xad},       {0x34f, 0x34f},     {0x61c, 0x61c},   {0x115f, 0x1160},
                                         {0x1680, 0x1680}, {0x180b, 0x180f},   {0x2000, 0x200f},   {0x2028, 0x202f}, {0x205f, 0x206f},
                                         {0x3000, 0x3000}, {0x3164, 0x3164},   {0xe000, 0xf8ff},   {0xfdd0, 0xfdef}, {0xfe00, 0xfe0f},
                                         {0xfe6b, 0xfe6b}, {0xfeff, 0xfeff},   {0xff0e, 0xff0e},   {0xff20, 0xff20}, {0xffa0, 0xffa0},
                                         {0xfff0, 0xffff}, {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    }
    return false;
}

/* The code point at the start of valid UTF-8 that is not ASCII. */
static uint32_t utf8_at(struct span text, size_t *ret_len)
{
    uint8_t first = text.at[0];
    size_t len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    uint32_t c = first & (0xffu >> (len + 1));
    for (size_t i = 1; i < len && i < text.len; i++)
        c = c << 6 | (text.at[i] & 0x3fu);
    *ret_len = len;
    return c;
}

/* ---- domains ---- */

/* Labels of letters, digits and hyphens (in names that are no mail domain underscores, too), at least two of them, the last not all digits. */
static bool is_domain(struct span name, bool underscores)
{
    size_t label = 0, labels = 0;
    bool digits = true;
    if (name.len == 0 || name.len > DOMAIN_MAX)
        return false;
    for (size_t i = 0; i <= name.len; i++) {
        if (i == name.len || name.at[i] == '.') {
            if (label == 0 || label > LABEL_MAX || name.at[i - 1] == '-')
                return false;
            labels++;
            if (i < name.len) {
                label = 0;
                digits = true;
            }
            continue;
        }
        uint8_t c = name.at[i];
        if (!is_letter(c) && !is_digit(c) && !(c == '-' && label > 0) && !(c == '_' && underscores))
            return false;
        digits = digits && is_digit(c);
        label++;
    }
    return labels >= 2 && !digits && label >= 2;
}

/* In lower case and ASCII; at most DOMAIN_MAX characters and a NUL. -ERR_MALFORMED. */
static int to_ascii(struct span text, bool underscores, char ret[static DOMAIN_MAX + 1])
{
    char written[WRITTEN_MAX + 1];
    bool plain = true;
    text = span_trim(text);
    if (text.len > 0 && text.at[text.len - 1] == '.')
        text.len--;
    if (text.len == 0 || text.len > WRITTEN_MAX)
        return -ERR_MALFORMED;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] <= ' ' || text.at[i] == 0x7f)
            return -ERR_MALFORMED;
        plain = plain && text.at[i] < 0x80;
        written[i] = (char)lower(text.at[i]);
    }
    written[text.len] = 0;
    if (plain) {
        if (!is_domain(span_of(written, text.len), underscores))
            return -ERR_MALFORMED;
        memcpy(ret, written, text.len + 1);
        return 0;
    }
    if (text_utf8_valid(text) != text.len)
        return -ERR_MALFORMED;
    char *ascii = NULL;
    if (idn2_to_ascii_8z(written, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
        return -ERR_MALFORMED;
    size_t len = strlen(ascii);
    if (len > 0 && ascii[len - 1] == '.') /* written as an ideographic full stop */
        ascii[--len] = 0;
    int r = is_domain(span_of(ascii, len), underscores) ? 0 : -ERR_MALFORMED;
    for (size_t i = 0; r == 0 && i <= len; i++)
        ret[i] = (char)lower((uint8_t)ascii[i]);
    idn2_free(ascii);
    return r;
}

static int keep(struct arena *arena, struct span text, struct span *ret)
{
    char *copy = arena_copy(arena, text);
    if (copy == NULL)
        return -ENOMEM;
    *ret = span_of(copy, text.len);
    return 0;
}

int domain_normalise(struct arena *arena, struct span text, struct span *ret)
{
    char name[DOMAIN_MAX + 1];
    int r = to_ascii(text, true, name);
    return r == 0 ? keep(arena, span_text(name), ret) : r;
}

struct span domain_registrable(struct span domain)
{
    char name[DOMAIN_MAX + 1];
    const psl_ctx_t *list = psl_builtin();
    if (list == NULL || domain.len == 0 || domain.len > DOMAIN_MAX || span_find(domain, 0) < domain.len)
        return (struct span){0};
    memcpy(name, domain.at, domain.len);
    name[domain.len] = 0;
    const char *part = psl_registrable_domain(list, name);
    return part != NULL ? span_part(domain, (size_t)(part - name), domain.len) : (struct span){0};
}

bool domain_suffix_known(struct span domain)
{
    char label[LABEL_MAX + 1];
    const psl_ctx_t *list = psl_builtin();
    size_t from = domain.len;
    while (from > 0 && domain.at[from - 1] != '.')
        from--;
    struct span last = span_part(domain, from, domain.len);
    if (list == NULL || last.len == 0 || last.len > LABEL_MAX || span_find(last, 0) < last.len)
        return false;
    memcpy(label, last.at, last.len);
    label[last.len] = 0;
    return psl_is_public_suffix2(list, label, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) != 0;
}

/* ---- mail ---- */

static bool is_local(struct span local)
{
    bool dot = true; /* none at the start, none after another */
    if (local.len == 0 || local.len > LOCAL_MAX || text_utf8_valid(local) != local.len)
        return false;
    for (size_t i = 0; i < local.len;) {
        uint8_t c = local.at[i];
        size_t len = 1;
        if (c == '.') {
            if (dot)
                return false;
        } else if (c < 0x80 ? !is_atext(c) : is_strange(utf8_at(span_part(local, i, local.len), &len))) {
            return false;
        }
        dot = c == '.';
        i += len;
    }
    return !dot;
}

static bool starts_with_case(struct span text, const char *what)
{
    size_t len = strlen(what);
    if (text.len < len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (lower(text.at[i]) != (uint8_t)what[i])
            return false;
    }
    return true;
}

/* RFC 6068 §2: the first address of a mailto: without its query, %-escapes undone. The length, or 0. */
static size_t mailto(struct span text, uint8_t ret[static WRITTEN_MAX])
{
    size_t len = 0;
    text = span_part(text, 0, span_find(text, '?'));
    text = span_part(text, 0, span_find(text, ','));
    for (size_t i = 0; i < text.len && len < WRITTEN_MAX; i++) {
        uint8_t byte = text.at[i];
        if (byte == '%' && text_unhex(span_part(text, i + 1, 2), &byte, 1) == 0)
            i += 2;
        ret[len++] = byte;
    }
    return len;
}

/* Without what stands around it: blanks, one pair of <>, a display name before it, a final dot. */
static struct span bare(struct span text)
{
    text = span_trim(text);
    if (text.len > 0 && text.at[text.len - 1] == '>') {
        size_t open = text.len;
        while (open > 0 && text.at[open - 1] != '<')
            open--;
        if (open > 0)
            text = span_trim(span_part(text, open, text.len - 1 - open));
    }
    if (text.len > 0 && text.at[text.len - 1] == '.')
        text.len--;
    return text;
}

int mail_normalise(struct arena *arena, struct span text, struct span *ret)
{
    uint8_t unescaped[WRITTEN_MAX];
    char mail[MAIL_MAX + 1];
    text = bare(text);
    if (text.len > WRITTEN_MAX)
        text = span_part(text, 0, span_find(text, '?')); /* a mailto: with a long subject */
    if (text.len > WRITTEN_MAX)
        return -ERR_MALFORMED;
    if (starts_with_case(text, "mailto:"))
        text = bare(span_of(unescaped, mailto(span_part(text, 7, text.len), unescaped)));
    struct span local = mail_local(text);
    if (!is_local(local))
        return -ERR_MALFORMED;
    int r = to_ascii(mail_domain(text), false, mail + local.len + 1);
    if (r != 0)
        return r;
    for (size_t i = 0; i < local.len; i++)
        mail[i] = (char)local.at[i];
    mail[local.len] = '@';
    return keep(arena, span_text(mail), ret);
}

static size_t last_at(struct span mail)
{
    size_t at = mail.len;
    while (at > 0 && mail.at[at - 1] != '@')
        at--;
    return at;
}

struct span mail_local(struct span mail)
{
    size_t at = last_at(mail);
    return at > 0 ? span_part(mail, 0, at - 1) : (struct span){0};
}

struct span mail_domain(struct span mail)
{
    size_t at = last_at(mail);
    return at > 0 ? span_part(mail, at, mail.len) : (struct span){0};
}

/* ---- the list ---- */

void findings_init(struct findings *list, struct arena *arena)
{
    *list = (struct findings){.arena = arena};
    list->last = &list->first;
}

/* Mail addresses that differ only in the case of ASCII letters are one mailbox wherever a notice could go. */
static bool same_value(const struct finding *a, const struct finding *b)
{
    if (a->kind != CONTACT_MAIL)
        return span_equal(a->value, b->value);
    if (a->value.len != b->value.len)
        return false;
    for (size_t i = 0; i < a->value.len; i++) {
        if (lower(a->value.at[i]) != lower(b->value.at[i]))
            return false;
    }
    return true;
}

static bool same(const struct finding *a, const struct finding *b)
{
    return a->kind == b->kind && a->channel == b->channel && a->objection == b->objection && same_value(a, b) && span_equal(a->domain, b->domain);
}

static size_t slot_of(const struct findings *list, const struct finding *f)
{
    uint8_t folded[FINDING_VALUE_MAX];
    for (size_t i = 0; i < f->value.len; i++)
        folded[i] = f->kind == CONTACT_MAIL ? lower(f->value.at[i]) : f->value.at[i];
    uint64_t hash = hash_bytes(&list->key, span_of(folded, f->value.len)) ^ hash_bytes(&list->key, f->domain);
    hash ^= (uint64_t)f->kind << 8 | (uint64_t)f->objection;
    size_t slot = (size_t)hash_mix(hash) & (SLOTS - 1);
    while (list->slots[slot] != NULL && !same(list->slots[slot], f))
        slot = (slot + 1) & (SLOTS - 1);
    return slot;
}

/* The table is made with the first finding: most targets of most channels have none. */
static bool has_table(struct findings *list)
{
    if (list->slots != NULL)
        return true;
    if (getrandom(&list->key, sizeof list->key, 0) != (ssize_t)sizeof list->key)
        return false;
    list->slots = arena_alloc(list->arena, SLOTS * sizeof(struct finding *));
    return list->slots != NULL;
}

/* At most `max` bytes of valid UTF-8, cut between characters. */
static bool copy_text(struct arena *arena, struct span text, size_t max, struct span *ret)
{
    struct buf valid;
    struct span whole = span_part(text, 0, max);
    if (whole.len == 0) {
        *ret = (struct span){0};
        return true;
    }
    buf_init(&valid, 0);
    if (text_utf8_valid(whole) != whole.len || span_find(whole, 0) < whole.len) {
        while (whole.len > 0 && text.len > whole.len && (text.at[whole.len] & 0xc0) == 0x80)
            whole.len--; /* not in the middle of a character */
        text_to_utf8(&valid, whole);
        whole = span_part(buf_as_span(&valid), 0, max);
        whole.len = text_utf8_valid(whole);
    }
    int r = valid.error != 0 ? -ENOMEM : keep(arena, whole, ret);
    buf_done(&valid);
    return r == 0;
}

static void join(struct finding *known, const struct finding *again)
{
    if (again->role < known->role)
        known->role = again->role;
    if (again->rank < known->rank)
        known->rank = again->rank;
    known->guess = known->guess && again->guess;
}

static struct finding *fail(struct findings *list, int error)
{
    if (list->error == 0)
        list->error = error;
    return NULL;
}

struct finding *findings_add(struct findings *list, const struct finding *f)
{
    if (f->value.len > FINDING_VALUE_MAX || f->domain.len > DOMAIN_MAX) /* a cut URL leads elsewhere */
        return fail(list, -ERR_LIMIT);
    if (f->value.len == 0 || text_utf8_valid(f->value) != f->value.len || text_utf8_valid(f->domain) != f->domain.len)
        return fail(list, -ERR_MALFORMED);
    if (!has_table(list))
        return fail(list, -ENOMEM);
    size_t slot = slot_of(list, f);
    if (list->slots[slot] != NULL) {
        join(list->slots[slot], f);
        return list->slots[slot];
    }
    if (list->count == FINDINGS_MAX)
        return fail(list, -ERR_LIMIT);
    struct finding *copy = arena_alloc(list->arena, sizeof *copy);
    if (copy == NULL)
        return fail(list, -ENOMEM);
    *copy = *f;
    copy->next = NULL;
    if (!copy_text(list->arena, f->value, FINDING_VALUE_MAX, &copy->value) ||
        !copy_text(list->arena, f->attribute, FINDING_EVIDENCE_MAX, &copy->attribute) ||
        !copy_text(list->arena, f->evidence, FINDING_EVIDENCE_MAX, &copy->evidence) ||
        !copy_text(list->arena, f->origin, FINDING_VALUE_MAX, &copy->origin) ||
        !copy_text(list->arena, f->holder, FINDING_EVIDENCE_MAX, &copy->holder) || !copy_text(list->arena, f->domain, DOMAIN_MAX, &copy->domain))
        return fail(list, -ENOMEM);
    list->slots[slot] = copy;
    *list->last = copy;
    list->last = &copy->next;
    list->count++;
    return copy;
}
