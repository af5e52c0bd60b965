#include "analyse/device/recog.h"
#include "analyse/device/rules.h"

#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>

enum where { IN_NOTHING, IN_FILE, IN_PRINT, IN_DESCRIPTION, IN_EXAMPLE };

struct reading {
    XML_Parser parser;
    struct arena *arena;
    enum where where;
    int skip; /* depth inside an element that is not known */
    struct buf text;
    bool base64, unreadable;
    struct recog_print print;
    struct recog_param params[RECOG_PARAMS_MAX];
    struct recog_example *examples; /* RECOG_EXAMPLES_MAX */
    struct recog_attribute attributes[RECOG_PARAMS_MAX];
    size_t attribute_count;
    struct recog_print *prints;
    size_t count, size;
    size_t left_out;
    int error;
    char why[200];
};

static void stop(struct reading *r, int error, const char *why)
{
    if (r->error == 0) {
        r->error = error;
        snprintf(r->why, sizeof r->why, "%s", why);
    }
    (void)XML_StopParser(r->parser, XML_FALSE);
}

static struct span keep(struct reading *r, struct span text)
{
    const char *copy = arena_copy(r->arena, text);
    if (copy == NULL)
        stop(r, -ENOMEM, "out of memory");
    return span_of(copy, copy != NULL ? text.len : 0);
}

static const void *keep_list(struct reading *r, const void *list, size_t size, size_t count)
{
    void *copy = count > 0 ? arena_alloc(r->arena, size * count) : NULL;
    if (copy != NULL)
        memcpy(copy, list, size * count);
    else if (count > 0)
        stop(r, -ENOMEM, "out of memory");
    return copy;
}

static const char *attribute(const char **attributes, const char *name)
{
    for (; *attributes != NULL; attributes += 2) {
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    }
    return "";
}

/* ---- elements ---- */

static void begin_print(struct reading *r, const char **attributes)
{
    struct buf regex;
    const char *pattern = attribute(attributes, "pattern"), *flags = attribute(attributes, "flags");
    /* Ruby takes ^^ for ^; other engines see two assertions, one of them refuses. */
    buf_init(&regex, 0);
    for (const char *at = pattern; *at != '\0'; at++) {
        if (at[0] != '^' || at[1] != '^')
            buf_byte(&regex, (uint8_t)*at);
    }
    r->print = (struct recog_print){.line = (unsigned)XML_GetCurrentLineNumber(r->parser)};
    r->print.pattern = (struct pattern){.regex = keep(r, buf_as_span(&regex)),
                                        .nocase = strstr(flags, "REG_ICASE") != NULL,
                                        .optional = true,
                                        .dotall = strstr(flags, "REG_DOT_NEWLINE") != NULL || strstr(flags, "REG_MULTILINE") != NULL};
    if (regex.error != 0)
        stop(r, regex.error, "out of memory");
    buf_done(&regex);
    double certainty = strtod(attribute(attributes, "certainty"), NULL);
    r->print.certainty = certainty > 0 && certainty <= 1 ? (unsigned)(certainty * 100) : 0;
    r->unreadable = false;
}

static void add_param(struct reading *r, const char **attributes)
{
    char *end;
    unsigned long capture = strtoul(attribute(attributes, "pos"), &end, 10);
    if (r->print.param_count == RECOG_PARAMS_MAX) {
        stop(r, -ERR_CONFIG, "too many params");
        return;
    }
    if (*end != '\0' || capture >= PATTERN_CAPTURES)
        r->unreadable = true;
    r->params[r->print.param_count++] = (struct recog_param){.name = keep(r, span_text(attribute(attributes, "name"))),
                                                             .value = keep(r, span_text(attribute(attributes, "value"))),
                                                             .capture = (unsigned)(capture < PATTERN_CAPTURES ? capture : 0)};
}

static void begin_example(struct reading *r, const char **attributes)
{
    r->base64 = strcmp(attribute(attributes, "_encoding"), "base64") == 0;
    r->attribute_count = 0;
    for (; *attributes != NULL; attributes += 2) {
        if (attributes[0][0] == '_' || r->attribute_count == RECOG_PARAMS_MAX)
            continue;
        r->attributes[r->attribute_count++] =
            (struct recog_attribute){.name = keep(r, span_text(attributes[0])), .value = keep(r, span_text(attributes[1]))};
    }
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes)
{
    struct reading *r = user;
    buf_clear(&r->text);
    if (r->skip > 0) {
        r->skip++;
    } else if (r->where == IN_NOTHING && strcmp(name, "fingerprints") == 0) {
        r->where = IN_FILE;
    } else if (r->where == IN_FILE && strcmp(name, "fingerprint") == 0) {
        r->where = IN_PRINT;
        begin_print(r, attributes);
    } else if (r->where == IN_PRINT && strcmp(name, "param") == 0) {
        add_param(r, attributes);
        r->skip = 1;
    } else if (r->where == IN_PRINT && strcmp(name, "description") == 0) {
        r->where = IN_DESCRIPTION;
    } else if (r->where == IN_PRINT && strcmp(name, "example") == 0) {
        r->where = IN_EXAMPLE;
        begin_example(r, attributes);
    } else if (r->where == IN_NOTHING) {
        stop(r, -ERR_CONFIG, "expected <fingerprints>");
    } else {
        r->skip = 1;
    }
}

static void XMLCALL on_text(void *user, const char *text, int len)
{
    struct reading *r = user;
    if (r->skip == 0 && (r->where == IN_DESCRIPTION || r->where == IN_EXAMPLE))
        buf_put(&r->text, text, (size_t)len);
}

static void decode_base64(struct reading *r)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned have = 0;
    size_t to = 0;
    for (size_t i = 0; i < r->text.len; i++) {
        const char *letter = r->text.data[i] != '\0' ? strchr(letters, r->text.data[i]) : NULL;
        if (letter == NULL)
            continue;
        bits = (bits << 6 | (uint32_t)(letter - letters)) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            r->text.data[to++] = (uint8_t)(bits >> have);
        }
    }
    r->text.len = to;
}

static void end_example(struct reading *r)
{
    if (r->print.example_count == RECOG_EXAMPLES_MAX)
        return;
    if (r->base64)
        decode_base64(r);
    r->examples[r->print.example_count++] =
        (struct recog_example){.text = keep(r, buf_as_span(&r->text)),
                               .attributes = keep_list(r, r->attributes, sizeof r->attributes[0], r->attribute_count),
                               .attribute_count = r->attribute_count};
}

static void end_print(struct reading *r)
{
    char why[200];
    if (r->unreadable || pattern_check(&r->print.pattern, why, sizeof why) != 0) {
        r->left_out++;
        return;
    }
    if (r->count == r->size) {
        size_t size = r->size == 0 ? 64 : r->size * 2;
        struct recog_print *more = size <= RECOG_PRINTS_MAX ? reallocarray(r->prints, size, sizeof *more) : NULL;
        if (more == NULL) {
            stop(r, -ERR_CONFIG, "too many fingerprints");
            return;
        }
        r->prints = more;
        r->size = size;
    }
    r->print.params = keep_list(r, r->params, sizeof r->params[0], r->print.param_count);
    r->print.examples = keep_list(r, r->examples, sizeof r->examples[0], r->print.example_count);
    r->prints[r->count++] = r->print;
}

static void XMLCALL on_end(void *user, const char *name)
{
    struct reading *r = user;
    (void)name;
    if (r->skip > 0) {
        r->skip--;
        return;
    }
    if (r->text.error != 0)
        stop(r, -ERR_CONFIG, "a text is too long");
    else if (r->where == IN_DESCRIPTION)
        r->print.description = keep(r, buf_as_span(&r->text));
    else if (r->where == IN_EXAMPLE)
        end_example(r);
    else if (r->where == IN_PRINT)
        end_print(r);
    r->where = r->where == IN_DESCRIPTION || r->where == IN_EXAMPLE ? IN_PRINT : r->where == IN_PRINT ? IN_FILE : IN_NOTHING;
    buf_clear(&r->text);
}

static void XMLCALL on_doctype(void *user, const char *name, const char *system, const char *public, int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    stop(user, -ERR_CONFIG, "a document type is not expected");
}

static void parse(struct reading *r, struct span xml)
{
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    if (XML_Parse(r->parser, xml.len > 0 ? (const char *)xml.at : "", (int)xml.len, XML_TRUE) != XML_STATUS_OK && r->error == 0)
        stop(r, -ERR_CONFIG, XML_ErrorString(XML_GetErrorCode(r->parser)));
}

int recog_read(struct arena *arena, const char *file, struct span xml, struct recog_file *ret, struct conf_error *error)
{
    struct reading *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -ENOMEM;
    r->arena = arena;
    buf_init(&r->text, RECOG_TEXT_MAX);
    r->examples = calloc(RECOG_EXAMPLES_MAX, sizeof *r->examples);
    r->parser = XML_ParserCreate(NULL);
    if (r->examples == NULL || r->parser == NULL)
        r->error = -ENOMEM;
    else if (xml.len > RECOG_FILE_MAX)
        stop(r, -ERR_CONFIG, "the file is too large");
    else
        parse(r, xml);
    struct recog_file result = {.count = r->count, .unreadable = r->left_out};
    if (r->error == 0 && r->count > 0)
        result.prints = keep_list(r, r->prints, sizeof r->prints[0], r->count);
    int failed = r->error;
    if (failed == 0)
        *ret = result;
    else
        snprintf(error->text, sizeof error->text, "%.256s:%lu: %s", file, r->parser != NULL ? XML_GetCurrentLineNumber(r->parser) : 0UL,
                 failed == -ENOMEM ? "out of memory" : r->why);
    if (r->parser != NULL)
        XML_ParserFree(r->parser);
    buf_done(&r->text);
    free(r->examples);
    free(r->prints);
    free(r);
    return failed;
}

/* ---- params ---- */

const struct recog_param *recog_param(const struct recog_print *print, const char *name)
{
    for (size_t i = 0; i < print->param_count; i++) {
        if (span_is(print->params[i].name, name))
            return &print->params[i];
    }
    return NULL;
}

static void put_param(const struct recog_print *print, const struct recog_param *param, struct buf *ret)
{
    if (param->capture > 0) {
        buf_byte(ret, CAPTURE_MARK);
        buf_byte(ret, (uint8_t)param->capture);
        return;
    }
    struct span left = param->value;
    while (left.len > 0) {
        size_t open = span_find(left, '{'), close = span_find(span_part(left, open, left.len), '}');
        buf_span(ret, span_part(left, 0, open));
        if (open == left.len)
            return;
        struct span name = span_part(left, open + 1, close > 0 ? close - 1 : 0);
        left = span_part(left, open + close + 1, left.len);
        for (size_t i = 0; i < print->param_count; i++) {
            const struct recog_param *other = &print->params[i];
            if (!span_equal(other->name, name))
                continue;
            if (other->capture > 0) {
                buf_byte(ret, CAPTURE_MARK);
                buf_byte(ret, (uint8_t)other->capture);
            } else if (span_find(other->value, '{') == other->value.len) {
                buf_span(ret, other->value); /* one level: recog goes no deeper */
            }
        }
    }
}

int recog_template(const struct recog_print *print, const struct recog_param *param, struct buf *ret)
{
    if (span_find(param->value, CAPTURE_MARK) < param->value.len)
        return -ERR_MALFORMED;
    put_param(print, param, ret);
    return ret->error;
}
