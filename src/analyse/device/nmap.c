#include "analyse/device/nmap.h"
#include "analyse/device/fields.h"
#include "analyse/device/rules.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>

enum { MATCH_CERTAINTY = 60, SOFTMATCH_CERTAINTY = 40 };

static const struct {
    const char *type, *class_;
    bool model;
} devices[] = {
#define NMAP_DEVICE(type, class, model) {(type), (class), (model)},
#include "analyse/device/nmap_devices.def"
#undef NMAP_DEVICE
};

static const struct {
    const char *word, *service;
} services[] = {
#define NMAP_SERVICE(word, service) {(word), (service)},
#include "analyse/device/nmap_services.def"
#undef NMAP_SERVICE
};

/* What a match line holds; spans into the file. */
struct match {
    bool soft, nocase, dotall, program; /* program: it has a CPE of an application */
    struct span service, regex;
    struct span product, info, system, device, hardware; /* hardware: "vendor:product:version" */
};

struct reading {
    struct drafts *drafts;
    const char *file;
    unsigned line;
    size_t first, left_out;
    struct conf_error *error;
};

static int wrong(const struct reading *r, const char *what)
{
    snprintf(r->error->text, sizeof r->error->text, "%.256s:%u: %s", r->file, r->line, what);
    return -ERR_CONFIG;
}

/* ---- lines ---- */

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static void skip_blanks(struct span *rest)
{
    while (rest->len > 0 && is_blank(rest->at[0]))
        *rest = span_part(*rest, 1, rest->len);
}

static struct span next_word(struct span *rest)
{
    size_t len = 0;
    while (len < rest->len && !is_blank(rest->at[len]))
        len++;
    struct span word = span_part(*rest, 0, len);
    *rest = span_part(*rest, len, rest->len);
    skip_blanks(rest);
    return word;
}

/* "|text|": the first byte says how it ends. */
static bool delimited(struct span *rest, struct span *ret)
{
    if (rest->len < 2 || rest->at[0] <= ' ' || rest->at[0] > '~')
        return false;
    struct span from = span_part(*rest, 1, rest->len);
    size_t len = span_find(from, rest->at[0]);
    if (len == from.len)
        return false;
    *ret = span_part(from, 0, len);
    *rest = span_part(from, len + 1, from.len);
    return true;
}

static void take_cpe(struct match *m, struct span text)
{
    if (span_starts(text, "/"))
        text = span_part(text, 1, text.len);
    if (span_starts(text, "h:") && m->hardware.len == 0)
        m->hardware = span_part(text, 2, text.len);
    m->program = m->program || span_starts(text, "a:");
}

static int read_said(const struct reading *r, struct span rest, struct match *m)
{
    while (rest.len > 0) {
        struct span text = {0};
        uint8_t kind = rest.at[0];
        bool cpe = span_starts(rest, "cpe:");
        rest = span_part(rest, cpe ? 4 : 1, rest.len);
        if (!cpe && memchr("pvihod", kind, 6) == NULL)
            return wrong(r, "expected p/, v/, i/, h/, o/, d/ or cpe:/");
        if (!delimited(&rest, &text))
            return wrong(r, "expected what is said between two delimiters");
        if (cpe && rest.len > 0 && rest.at[0] == 'a')
            rest = span_part(rest, 1, rest.len);
        if (rest.len > 0 && !is_blank(rest.at[0]))
            return wrong(r, "expected a blank behind the delimiter");
        skip_blanks(&rest);
        if (cpe)
            take_cpe(m, text);
        else if (kind == 'p')
            m->product = text;
        else if (kind == 'i')
            m->info = text;
        else if (kind == 'o')
            m->system = text;
        else if (kind == 'd')
            m->device = text;
    }
    return 0;
}

static bool is_service(struct span word)
{
    for (size_t i = 0; i < word.len; i++) {
        if (word.at[i] <= ' ' || word.at[i] > '~')
            return false;
    }
    return word.len > 0 && word.len <= NMAP_SERVICE_MAX;
}

static int read_match(const struct reading *r, struct span rest, struct match *m)
{
    m->service = next_word(&rest);
    if (!is_service(m->service))
        return wrong(r, "expected a service's name");
    if (!span_starts(rest, "m"))
        return wrong(r, "expected m|regular expression|");
    rest = span_part(rest, 1, rest.len);
    if (!delimited(&rest, &m->regex))
        return wrong(r, "expected a regular expression between two delimiters");
    for (; rest.len > 0 && !is_blank(rest.at[0]); rest = span_part(rest, 1, rest.len)) {
        if (rest.at[0] != 'i' && rest.at[0] != 's')
            return wrong(r, "expected i, s or nothing behind the regular expression");
        m->nocase = m->nocase || rest.at[0] == 'i';
        m->dotall = m->dotall || rest.at[0] == 's';
    }
    skip_blanks(&rest);
    return read_said(r, rest, m);
}

/* What asks, and when, is not looked at; but a file of another kind is a mistake. */
static bool is_other_directive(struct span word)
{
    static const char *const words[] = {"Probe", "Exclude", "ports", "sslports", "totalwaitms", "tcpwrappedms", "rarity", "fallback"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (span_is(word, words[i]))
            return true;
    }
    return false;
}

/* ---- what is said, with captures ---- */

static bool skip_text(struct span *rest, const char *text)
{
    if (!span_starts(*rest, text))
        return false;
    *rest = span_part(*rest, strlen(text), rest->len);
    return true;
}

static bool take_capture(struct span *rest, uint8_t *ret)
{
    if (rest->len == 0 || rest->at[0] < '1' || rest->at[0] > '9')
        return false;
    *ret = (uint8_t)(rest->at[0] - '0');
    *rest = span_part(*rest, 1, rest->len);
    return true;
}

/* "text", with C's escapes; with its length before it. */
static bool put_quoted(struct span *rest, struct buf *out)
{
    static const char letters[] = "nrt0", bytes[] = "\n\r\t";
    uint8_t text[TEMPLATE_MAX];
    size_t len = 0, at = 1;
    if (!span_starts(*rest, "\""))
        return false;
    for (; at < rest->len && rest->at[at] != '"' && len < sizeof text; at++) {
        uint8_t byte = rest->at[at];
        if (byte == '\\' && at + 1 < rest->len) {
            byte = rest->at[++at];
            const char *letter = byte != '\0' ? strchr(letters, byte) : NULL;
            if (letter != NULL)
                byte = (uint8_t)bytes[letter - letters];
            else if (byte == 'x' && text_unhex(span_part(*rest, at + 1, 2), &byte, 1) == 0)
                at += 2;
        }
        text[len++] = byte;
    }
    if (at >= rest->len || rest->at[at] != '"' || len > UINT8_MAX)
        return false;
    buf_byte(out, (uint8_t)len);
    buf_put(out, text, len);
    *rest = span_part(*rest, at + 1, rest->len);
    return true;
}

/* Behind a $. */
static bool put_capture(struct span *rest, struct buf *out)
{
    uint8_t number = 0;
    buf_byte(out, CAPTURE_MARK);
    if (take_capture(rest, &number)) {
        buf_byte(out, number);
        return true;
    }
    if (skip_text(rest, "P(")) {
        bool good = take_capture(rest, &number) && skip_text(rest, ")");
        buf_byte(out, CAPTURE_PRINTABLE | number);
        return good;
    }
    if (skip_text(rest, "I(")) {
        bool good = take_capture(rest, &number) && skip_text(rest, ",\""), big = span_starts(*rest, ">");
        buf_byte(out, (big ? CAPTURE_BIG_ENDIAN : CAPTURE_LITTLE_ENDIAN) | number);
        return good && (skip_text(rest, ">") || skip_text(rest, "<")) && skip_text(rest, "\")");
    }
    if (!skip_text(rest, "SUBST(") || !take_capture(rest, &number) || !skip_text(rest, ","))
        return false;
    buf_byte(out, CAPTURE_SUBSTITUTE | number);
    return put_quoted(rest, out) && skip_text(rest, ",") && put_quoted(rest, out) && skip_text(rest, ")");
}

/* A text in nmap's form as a value; what is too long says nothing. */
static int template_of(const struct reading *r, struct span text, struct span *ret)
{
    struct buf out;
    int result = 0;
    buf_init(&out, TEMPLATE_MAX);
    while (text.len > 0 && result == 0) {
        uint8_t byte = text.at[0];
        text = span_part(text, 1, text.len);
        if (byte < 0x20)
            result = wrong(r, "expected no control character in what is said");
        else if (byte != '$')
            buf_byte(&out, byte);
        else if (!put_capture(&text, &out))
            result = wrong(r, "expected $1 to $9, $P(1), $SUBST(1,\"a\",\"b\") or $I(1,\">\")");
    }
    if (result == 0 && out.error != -ERR_LIMIT) {
        const char *copy = out.error == 0 ? arena_copy(&r->drafts->arena, buf_as_span(&out)) : NULL;
        *ret = span_of(copy, copy != NULL ? out.len : 0);
        result = copy != NULL ? 0 : -ENOMEM;
    }
    buf_done(&out);
    return result;
}

/* ---- names ---- */

static bool is_separator(uint8_t byte)
{
    return byte == ' ' || byte == '_' || byte == '-';
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

static bool is_alnum(uint8_t byte)
{
    return (lower(byte) >= 'a' && lower(byte) <= 'z') || (byte >= '0' && byte <= '9');
}

/* How far `text` says `name`, whatever the case and what separates words; 0: it does not. */
static size_t says(struct span text, struct span name)
{
    size_t at = 0;
    for (size_t n = 0; n < name.len; n++) {
        if (is_separator(name.at[n]))
            continue;
        while (at > 0 && at < text.len && is_separator(text.at[at]))
            at++;
        if (at == text.len || lower(text.at[at]) != lower(name.at[n]))
            return 0;
        at++;
    }
    return at == text.len || !is_alnum(text.at[at]) ? at : 0;
}

/* A CPE's names are in small letters; the product, the remarks or the system say how they are written. */
static bool spelled(const struct match *m, struct span name, struct span *ret)
{
    const struct span texts[] = {m->product, m->info, m->system};
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        for (size_t i = 0; i < texts[t].len; i++) {
            struct span from = span_part(texts[t], i, texts[t].len);
            size_t len = i == 0 || !is_alnum(texts[t].at[i - 1]) ? says(from, name) : 0;
            if (len > 0) {
                *ret = span_part(from, 0, len);
                return true;
            }
        }
    }
    return false;
}

/* Else: words with digits and short ones in capitals, others with one. */
static void put_capitalised(struct span name, struct buf *out)
{
    for (size_t i = 0; i < name.len;) {
        size_t len = 0;
        bool digits = false;
        for (; i + len < name.len && is_alnum(name.at[i + len]); len++)
            digits = digits || name.at[i + len] <= '9';
        for (size_t k = 0; k < len; k++) {
            uint8_t byte = name.at[i + k];
            buf_byte(out, byte > '9' && (digits || len <= 3 || k == 0) ? byte & (uint8_t)~0x20 : byte);
        }
        i += len;
        if (i < name.len && name.at[i] == '$') { /* captures are as they come */
            struct span rest = span_part(name, i, name.len);
            size_t end = rest.len > 1 && rest.at[1] >= '1' && rest.at[1] <= '9' ? 2 : span_find(rest, ')') + 1;
            buf_span(out, span_part(rest, 0, end));
            i += end;
        } else if (i < name.len) {
            buf_byte(out, name.at[i] == '_' ? ' ' : name.at[i]);
            i++;
        }
    }
}

static void put_decoded(struct span part, struct buf *out)
{
    for (size_t i = 0; i < part.len; i++) {
        uint8_t byte = 0;
        if (part.at[i] != '%' || text_unhex(span_part(part, i + 1, 2), &byte, 1) != 0 || byte <= ' ' || byte > '~' || byte == '$') {
            buf_byte(out, part.at[i]);
            continue;
        }
        buf_byte(out, byte);
        i += 2;
    }
}

/* The next part of a CPE; a colon in a substitution ends none. */
static struct span next_part(struct span *rest)
{
    size_t len = 0;
    unsigned open = 0;
    for (; len < rest->len && (open > 0 || rest->at[len] != ':'); len++) {
        if (rest->at[len] == '(')
            open = 1;
        else if (rest->at[len] == ')')
            open = 0;
    }
    struct span part = span_part(*rest, 0, len);
    *rest = span_part(*rest, len + 1, rest->len);
    if (span_is(part, "-") || span_is(part, "*"))
        return (struct span){0};
    return part;
}

static int read_name(const struct reading *r, const struct match *m, struct span part, struct span *ret)
{
    struct buf name, shown;
    struct span text;
    buf_init(&name, TEMPLATE_MAX);
    buf_init(&shown, 2 * TEMPLATE_MAX);
    put_decoded(part, &name);
    if (!spelled(m, buf_as_span(&name), &text)) {
        put_capitalised(buf_as_span(&name), &shown);
        text = buf_as_span(&shown);
    }
    int result = name.error == -ENOMEM || shown.error == -ENOMEM ? -ENOMEM : name.error != 0 ? 0 : template_of(r, text, ret);
    buf_done(&name);
    buf_done(&shown);
    return result;
}

static int read_hardware(const struct reading *r, const struct match *m, struct draft *draft)
{
    struct span rest = m->hardware, maker = next_part(&rest), model = next_part(&rest), firmware = next_part(&rest);
    int result = read_name(r, m, maker, &draft->values[VALUE_MAKER]);
    if (result == 0)
        result = read_name(r, m, model, &draft->values[VALUE_MODEL]);
    if (result == 0 && firmware.len > 0)
        result = template_of(r, firmware, &draft->values[VALUE_FIRMWARE]);
    return result;
}

/* "http", "config", "telnetd", "pop3d", "WAP": what a device runs, not what it is called. */
static bool is_common(struct span word)
{
    bool small = true, digits = false;
    for (size_t i = 0; i < word.len; i++) {
        small = small && ((word.at[i] >= 'a' && word.at[i] <= 'z') || (word.at[i] >= '0' && word.at[i] <= '9'));
        digits = digits || word.at[i] <= '9';
    }
    return span_is(word, "WAP") || (small && (!digits || (word.at[0] > '9' && word.at[word.len - 1] == 'd')));
}

/* The product names a device when, but for common words at its end, it has a digit or a capture; other names are of programs. */
static int read_product(const struct reading *r, const struct match *m, struct span *ret)
{
    struct span product = m->product;
    for (size_t start = product.len; product.len > 0; start = product.len) {
        while (start > 0 && product.at[start - 1] != ' ')
            start--;
        if (!is_common(span_part(product, start, product.len)))
            break;
        product.len = start > 0 ? start - 1 : 0;
    }
    bool numbered = false;
    for (size_t i = 0; i < product.len; i++)
        numbered = numbered || product.at[i] == '$' || (product.at[i] >= '0' && product.at[i] <= '9');
    return numbered ? template_of(r, product, ret) : 0;
}

/* ---- rules ---- */

static uint16_t services_of(struct span word)
{
    unsigned set = 1U << fields_service(span_text("banner"));
    if (span_starts(word, "ssl/"))
        word = span_part(word, 4, word.len);
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        if (span_is(word, services[i].word))
            set |= 1U << fields_service(span_text(services[i].service));
    }
    return (uint16_t)set;
}

static int read_values(const struct reading *r, const struct match *m, struct draft *draft)
{
    bool model = false;
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        if (!span_is(m->device, devices[i].type))
            continue;
        draft->values[VALUE_CLASS] = span_text(devices[i].class_);
        model = devices[i].model;
    }
    if (m->hardware.len > 0)
        return read_hardware(r, m, draft);
    return model && !m->program ? read_product(r, m, &draft->values[VALUE_MODEL]) : 0;
}

static bool says_anything(const struct draft *draft)
{
    for (int v = 0; v < VALUE_COUNT; v++) {
        if (draft->values[v].len > 0)
            return true;
    }
    return false;
}

static int add(struct reading *r, const struct match *m)
{
    char why[200], name[DEVICE_TEXT_MAX];
    struct draft rule = {.field = DEVICE_FIELD_RAW, .file = r->file, .line = r->line, .services = services_of(m->service)};
    int result = read_values(r, m, &rule);
    if (result != 0 || !says_anything(&rule))
        return result;
    const char *regex = arena_copy(&r->drafts->arena, m->regex);
    snprintf(name, sizeof name, "nmap:%.*s:%u", (int)m->service.len, (const char *)m->service.at, r->line);
    const char *kept = arena_copy(&r->drafts->arena, span_text(name));
    if (regex == NULL || kept == NULL)
        return -ENOMEM;
    rule.name = span_text(kept);
    rule.pattern = (struct pattern){.regex = span_of(regex, m->regex.len), .nocase = m->nocase, .dotall = m->dotall, .whole = true, .optional = true};
    rule.certainty = m->soft ? SOFTMATCH_CERTAINTY : MATCH_CERTAINTY;
    if (pattern_check(&rule.pattern, why, sizeof why) != 0) {
        r->left_out++;
        return 0;
    }
    if (r->drafts->count - r->first >= RULES_MAX)
        return wrong(r, "expected fewer rules");
    struct draft *draft = drafts_add(r->drafts);
    if (draft != NULL)
        *draft = rule;
    return draft != NULL ? 0 : -ENOMEM;
}

static int read_line(struct reading *r, struct span line, bool soft)
{
    struct match m = {0};
    skip_blanks(&line);
    if (line.len == 0 || line.at[0] == '#')
        return 0;
    struct span word = next_word(&line);
    m.soft = span_is(word, "softmatch");
    if (!m.soft && !span_is(word, "match"))
        return is_other_directive(word) ? 0 : wrong(r, "expected match, softmatch, Probe or another word of nmap's service probes");
    int result = read_match(r, line, &m);
    return result == 0 && m.soft == soft && (m.device.len > 0 || m.hardware.len > 0) ? add(r, &m) : result;
}

/* The first rule that matches is believed, so that softmatches come last. */
int nmap_drafts(struct drafts *d, const char *file, struct span text, size_t *ret_left_out, struct conf_error *error)
{
    const char *copy = arena_copy(&d->arena, span_text(file));
    struct reading r = {.drafts = d, .file = copy, .first = d->count, .error = error};
    int result = copy != NULL ? 0 : -ENOMEM;
    for (int soft = 0; soft <= 1; soft++) {
        struct span rest = text;
        r.line = 0;
        while (rest.len > 0 && result == 0) {
            struct span line = span_part(rest, 0, span_find(rest, '\n'));
            rest = span_part(rest, line.len + 1, rest.len);
            r.line++;
            if (line.len > 0 && line.at[line.len - 1] == '\r')
                line.len--;
            result = read_line(&r, line, soft == 1);
        }
    }
    *ret_left_out += result == 0 ? r.left_out : 0;
    return result;
}
