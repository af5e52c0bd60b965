/*
 * awk as one-liners use it: [BEGIN{…}] [/pattern/ | NR==N | $N=="x"] {print $N, "text", …; next} [END{…}] with -F and -v. What goes beyond is
 * read over and prints nothing.
 */
#include "observe/honeypot/shell/applets/common.h"
#include "observe/honeypot/shell/applets/pattern.h"

#include <ctype.h>

enum { RULES_MAX = 8, WORK_PER_STEP = 1024 };

struct rule {
    enum { RULE_ALWAYS, RULE_BEGIN, RULE_END, RULE_PATTERN, RULE_COMPARE, RULE_NEVER } when;
    struct pattern *pattern;
    bool invert;
    struct span left, sign, right;
    struct span action;
    bool has_action;
};

struct awk {
    struct run *run;
    struct rule rules[RULES_MAX];
    size_t count;
    struct span separator;
    struct span line;
    uint64_t number;
    struct buf out;
    const struct options *o;
    size_t work; /* bytes looked at and not yet paid for */
    bool over;   /* the budget is used up */
};

static void skip_blanks(struct span *text)
{
    while (text->len > 0 && (isspace(text->at[0]) || text->at[0] == ';'))
        *text = span_part(*text, 1, SIZE_MAX);
}

/* Every byte looked at is paid for, since a program may look at a line thousands of times. False: the budget is used up. */
static bool pay(struct awk *a, size_t bytes)
{
    a->work += bytes;
    if (a->work >= WORK_PER_STEP && !a->over) {
        a->over = !run_step(a->run, a->work / WORK_PER_STEP);
        a->work %= WORK_PER_STEP;
    }
    return !a->over;
}

/* The byte between two fields; '\0': blanks, any number of them. */
static uint8_t separator_of(const struct awk *a)
{
    struct span s = a->separator;
    if (s.len == 0 || span_is(s, " "))
        return '\0';
    if (span_is(s, "\\t"))
        return '\t';
    return s.at[0] == '[' && s.len > 2 ? s.at[1] : s.at[s.len > 1 ? s.len - 1 : 0];
}

static bool is_between(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n';
}

/* The field at *at, which moves behind it. False: there is none. */
static bool next_field(const struct awk *a, uint8_t separator, size_t *at, struct span *ret)
{
    struct span line = a->line;
    if (separator != '\0') {
        if (line.len == 0 || *at > line.len)
            return false;
        *ret = span_part(line, *at, span_find(span_part(line, *at, SIZE_MAX), separator));
        *at += ret->len + 1;
        return true;
    }
    while (*at < line.len && is_between(line.at[*at]))
        ++*at;
    size_t start = *at;
    while (*at < line.len && !is_between(line.at[*at]))
        ++*at;
    *ret = span_part(line, start, *at - start);
    return ret->len > 0;
}

static struct span nth_field(struct awk *a, uint64_t n)
{
    struct span found = {0};
    uint8_t separator = separator_of(a);
    size_t at = 0;
    if (n == 0)
        return a->line;
    for (uint64_t i = 0; i < n; i++) {
        if (!next_field(a, separator, &at, &found)) {
            found = (struct span){0};
            break;
        }
    }
    (void)pay(a, at);
    return found;
}

static uint64_t field_count(struct awk *a)
{
    struct span each;
    uint8_t separator = separator_of(a);
    size_t at = 0;
    uint64_t n = 0;
    while (next_field(a, separator, &at, &each))
        n++;
    (void)pay(a, at);
    return n;
}

/* One term: "text", $N, $NF, NR, NF, a number, a -v variable. False: not understood. */
static bool put_term(struct awk *a, struct span *text, struct buf *out)
{
    while (text->len > 0 && (text->at[0] == ' ' || text->at[0] == '\t'))
        *text = span_part(*text, 1, SIZE_MAX);
    if (text->len == 0 || a->over)
        return false;
    uint8_t byte = text->at[0];
    if (byte == '"') {
        size_t i = 1;
        for (; i < text->len && text->at[i] != '"'; i++) {
            if (text->at[i] == '\\' && i + 1 < text->len) {
                i++;
                buf_byte(out, text->at[i] == 'n' ? '\n' : text->at[i] == 't' ? '\t' : text->at[i]);
            } else {
                buf_byte(out, text->at[i]);
            }
        }
        *text = span_part(*text, i + 1, SIZE_MAX);
        return pay(a, i);
    }
    bool is_field = byte == '$';
    size_t i = is_field ? 1 : 0, start = i;
    while (i < text->len && (isalnum(text->at[i]) || text->at[i] == '_'))
        i++;
    struct span word = span_part(*text, start, i - start);
    uint64_t number;
    if (word.len == 0)
        return false;
    *text = span_part(*text, i, SIZE_MAX);
    bool is_number = number_parse(word, &number);
    if (!is_number && span_is(word, "NF")) {
        number = field_count(a);
        is_number = true;
    } else if (!is_number && span_is(word, "NR")) {
        number = a->number;
        is_number = true;
    }
    if (is_field)
        buf_span(out, is_number ? nth_field(a, number) : a->line);
    else if (is_number)
        buf_printf(out, "%llu", (unsigned long long)number);
    else if (option(a->o, 'v') && span_starts(option_value(a->o, 'v'), "") && option_value(a->o, 'v').len > word.len &&
             span_equal(span_part(option_value(a->o, 'v'), 0, word.len), word) && option_value(a->o, 'v').at[word.len] == '=')
        buf_span(out, span_part(option_value(a->o, 'v'), word.len + 1, SIZE_MAX));
    return true;
}

static void print_statement(struct awk *a, struct span text)
{
    bool any = false;
    struct buf line;
    buf_init(&line, SHELL_WORD_MAX);
    for (;;) {
        while (text.len > 0 && (isspace(text.at[0]) || text.at[0] == '(' || text.at[0] == ')'))
            text = span_part(text, 1, SIZE_MAX);
        if (text.len > 0 && text.at[0] == ',') {
            buf_byte(&line, ' ');
            text = span_part(text, 1, SIZE_MAX);
        }
        if (text.len == 0 || !put_term(a, &text, &line))
            break;
        any = true;
    }
    buf_span(&a->out, any ? buf_as_span(&line) : a->line);
    buf_byte(&a->out, '\n');
    (void)pay(a, line.len);
    buf_done(&line);
}

/* The statements of an action; false ends the program (exit). */
static bool run_action(struct awk *a, const struct rule *r)
{
    struct span rest = r->action;
    if (!r->has_action) {
        print_statement(a, (struct span){0});
        return true;
    }
    (void)pay(a, rest.len);
    while (!a->over) {
        skip_blanks(&rest);
        if (rest.len == 0)
            return true;
        size_t len = 0;
        bool quoted = false;
        for (; len < rest.len && (quoted || (rest.at[len] != ';' && rest.at[len] != '\n')); len++)
            quoted = rest.at[len] == '"' && (len == 0 || rest.at[len - 1] != '\\') ? !quoted : quoted;
        struct span statement = span_part(rest, 0, len);
        rest = span_part(rest, len, SIZE_MAX);
        if (span_starts(statement, "exit"))
            return false;
        if (span_starts(statement, "print") && !span_starts(statement, "printf"))
            print_statement(a, span_part(statement, 5, SIZE_MAX));
    }
    return false;
}

static bool compares(struct awk *a, const struct rule *r)
{
    struct buf left, right;
    buf_init(&left, SHELL_WORD_MAX);
    buf_init(&right, SHELL_WORD_MAX);
    struct span x = r->left, y = r->right;
    (void)put_term(a, &x, &left);
    (void)put_term(a, &y, &right);
    int64_t m, n;
    int order;
    if (number_signed(buf_as_span(&left), &m) && number_signed(buf_as_span(&right), &n))
        order = (m > n) - (m < n);
    else
        order = strcmp(buf_cstr(&left), buf_cstr(&right));
    buf_done(&left);
    buf_done(&right);
    if (span_is(r->sign, "=="))
        return order == 0;
    if (span_is(r->sign, "!="))
        return order != 0;
    if (span_is(r->sign, ">="))
        return order >= 0;
    if (span_is(r->sign, "<="))
        return order <= 0;
    return span_is(r->sign, ">") ? order > 0 : order < 0;
}

static bool holds(struct awk *a, const struct rule *r)
{
    struct span groups[PATTERN_GROUPS];
    switch (r->when) {
    case RULE_ALWAYS:
        return true;
    case RULE_PATTERN:
        return pattern_find(a->run, r->pattern, a->line, 0, groups) != r->invert;
    case RULE_COMPARE:
        return compares(a, r);
    default:
        return false;
    }
}

static bool parse_condition(struct awk *a, struct span text, struct rule *r)
{
    while (text.len > 0 && isspace(text.at[text.len - 1]))
        text.len--;
    r->when = text.len == 0 ? RULE_ALWAYS : RULE_NEVER;
    if (span_is(text, "BEGIN") || span_is(text, "END")) {
        r->when = span_is(text, "BEGIN") ? RULE_BEGIN : RULE_END;
        return true;
    }
    r->invert = text.len > 0 && text.at[0] == '!';
    if (r->invert)
        text = span_part(text, 1, SIZE_MAX);
    if (text.len > 1 && text.at[0] == '/' && text.at[text.len - 1] == '/') {
        const char *message;
        struct span pattern = span_part(text, 1, text.len - 2);
        if (pattern_new(&r->pattern, pattern, PATTERN_EXTENDED, &message) < 0) {
            run_error(a->run, "awk: bad regex '%.*s': %s\n", TEXT(pattern), message);
            return false;
        }
        r->when = RULE_PATTERN;
        return true;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (strchr("=!<>", text.at[i]) == NULL || text.at[i] == '\0')
            continue;
        size_t len = i + 1 < text.len && text.at[i + 1] == '=' ? 2 : 1;
        r->left = span_part(text, 0, i);
        r->sign = span_part(text, i, len);
        r->right = span_part(text, i + len, SIZE_MAX);
        r->when = RULE_COMPARE;
        break;
    }
    return true;
}

static bool parse_program(struct awk *a, struct span text)
{
    for (skip_blanks(&text); text.len > 0; skip_blanks(&text)) {
        if (a->count >= RULES_MAX)
            return true;
        struct rule *r = &a->rules[a->count++];
        size_t open = 0;
        bool slash = false;
        for (; open < text.len && (slash || text.at[open] != '{'); open++)
            slash = text.at[open] == '/' ? !slash : slash;
        if (!parse_condition(a, span_part(text, 0, open), r))
            return false;
        text = span_part(text, open, SIZE_MAX);
        if (text.len == 0)
            break;
        size_t depth = 0, end = 0;
        bool quoted = false;
        for (; end < text.len; end++) {
            quoted = text.at[end] == '"' ? !quoted : quoted;
            depth += !quoted && text.at[end] == '{';
            if (!quoted && text.at[end] == '}' && --depth == 0)
                break;
        }
        if (end == text.len) {
            run_error(a->run, "awk: cmd. line:1: Unexpected end of string\n");
            return false;
        }
        r->action = span_part(text, 1, end - 1);
        r->has_action = true;
        text = span_part(text, end + 1, SIZE_MAX);
    }
    return true;
}

static bool run_rules(struct awk *a, int when)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct rule *r = &a->rules[i];
        bool chosen = when < 0 ? holds(a, r) : (int)r->when == when;
        if (chosen && !run_action(a, r))
            return false;
    }
    return true;
}

static bool needs_input(const struct awk *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->rules[i].when != RULE_BEGIN)
            return true;
    return false;
}

static int awk_files(struct awk *a)
{
    int status = 0;
    bool going = run_rules(a, RULE_BEGIN);
    for (size_t i = 1; going && needs_input(a) && i < (a->o->arg_count > 1 ? a->o->arg_count : 2) && run_step(a->run, 1); i++) {
        struct input in;
        int error = input_open(a->run, a->o->arg_count > 1 ? a->o->args[i] : span_text("-"), &in);
        if (error < 0) {
            status = run_fail(a->run, a->o->args[i], error);
            continue;
        }
        struct span rest = in.bytes;
        bool ended;
        while (going && line_next(&rest, &a->line, &ended)) {
            a->number++;
            going = run_rules(a, -1) && run_step(a->run, a->number % 16 == 0);
        }
        input_close(&in);
        a->line = (struct span){0};
    }
    (void)run_rules(a, RULE_END);
    return status;
}

static int awk(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "+F:v:f:e:", NULL))
        return o.status;
    if (o.arg_count == 0)
        return run_usage(run);
    struct awk a = {.run = run, .o = &o, .separator = option_value(&o, 'F')};
    buf_init(&a.out, LOAD_MAX);
    int status = 1;
    if (parse_program(&a, o.args[0])) {
        if (needs_input(&a) && input_is_typed(run, o.args + 1, o.arg_count - 1))
            status = run_await_input(run, true);
        else
            status = awk_files(&a);
        (void)out_paid(run, buf_as_span(&a.out));
    }
    for (size_t i = 0; i < a.count; i++)
        pattern_free(a.rules[i].pattern);
    buf_done(&a.out);
    return status;
}

const struct applet applet_awk = {.name = "awk",
                                  .run = awk,
                                  .usage = "awk [OPTIONS] [AWK_PROGRAM] [FILE]...\n\n\t-v VAR=VAL\tSet variable\n\t-F SEP\t\tUse SEP as field "
                                           "separator\n\t-f FILE\t\tRead program from FILE"};
