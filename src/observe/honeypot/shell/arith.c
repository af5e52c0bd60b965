/* $((…)): 64-bit integers, C's operators, variables by name, assignments. Wraps as ash's does on two's complement. */
#include "observe/honeypot/shell/inside.h"

#include <stdio.h>

struct arith {
    struct engine *m;
    struct span text;
    size_t at;
    unsigned depth;
    const char *error;
    bool skip; /* the branch not taken: nothing is assigned, nothing divides by zero */
};

enum { ARITH_DEPTH_MAX = 2 * SHELL_DEPTH_MAX };

static int64_t comma(struct arith *);
static int64_t assignment(struct arith *);

static void wrong(struct arith *a, const char *error)
{
    if (a->error == NULL)
        a->error = error;
}

static bool deeper(struct arith *a)
{
    if (++a->depth <= ARITH_DEPTH_MAX)
        return true;
    shell_end(a->m->shell, REASON_WORK);
    wrong(a, "arithmetic syntax error");
    return false;
}

static void blank(struct arith *a)
{
    while (a->at < a->text.len && (a->text.at[a->at] == ' ' || a->text.at[a->at] == '\t' || a->text.at[a->at] == '\n'))
        a->at++;
}

static struct span rest(struct arith *a)
{
    blank(a);
    return span_part(a->text, a->at, a->text.len);
}

static bool take(struct arith *a, const char *op)
{
    if (a->error != NULL || !span_starts(rest(a), op))
        return false;
    a->at += strlen(op);
    return true;
}

static int64_t value_of(struct arith *a, struct span text)
{
    int64_t value = 0;
    unsigned base = 10;
    size_t i = 0;
    bool negative = text.len > 0 && text.at[0] == '-';
    if (negative)
        i++;
    if (text.len > i + 1 && text.at[i] == '0') {
        base = text.at[i + 1] == 'x' || text.at[i + 1] == 'X' ? 16 : 8;
        i += base == 16 ? 2 : 1;
    }
    for (; i < text.len; i++) {
        uint8_t c = text.at[i];
        unsigned digit = c >= '0' && c <= '9' ? c - 48U : c >= 'a' && c <= 'f' ? c - 'a' + 10U : c >= 'A' && c <= 'F' ? c - 'A' + 10U : 99;
        if (digit >= base) {
            wrong(a, "arithmetic syntax error");
            return 0;
        }
        value = (int64_t)((uint64_t)value * base + digit);
    }
    return negative ? (int64_t)(0 - (uint64_t)value) : value;
}

static int64_t variable(struct arith *a, struct span name)
{
    struct span text;
    if (!parameter(a->m, name, &text))
        return 0;
    while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\n'))
        text = span_part(text, 1, text.len);
    while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\n'))
        text.len--;
    return text.len > 0 && text.len < 32 ? value_of(a, text) : 0;
}

static void assign(struct arith *a, struct span name, int64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%lld", (long long)value);
    if (!a->skip && a->error == NULL && variable_set(a->m->shell, name, span_of(text, (size_t)len)) < 0)
        wrong(a, "variable is read only");
}

static int64_t primary(struct arith *a)
{
    struct span at = rest(a);
    if (at.len == 0 || a->error != NULL) {
        wrong(a, "arithmetic syntax error");
        return 0;
    }
    if (take(a, "(")) {
        int64_t value = comma(a);
        if (!take(a, ")"))
            wrong(a, "arithmetic syntax error");
        return value;
    }
    size_t len = name_length(at);
    if (len > 0) {
        struct span name = span_part(at, 0, len);
        a->at += len;
        int64_t value = variable(a, name);
        if (take(a, "++"))
            assign(a, name, (int64_t)((uint64_t)value + 1));
        else if (take(a, "--"))
            assign(a, name, (int64_t)((uint64_t)value - 1));
        return value;
    }
    while (len < at.len &&
           ((at.at[len] >= '0' && at.at[len] <= '9') || (at.at[len] >= 'a' && at.at[len] <= 'z') || (at.at[len] >= 'A' && at.at[len] <= 'Z')))
        len++;
    if (len == 0)
        wrong(a, "arithmetic syntax error");
    a->at += len;
    return value_of(a, span_part(at, 0, len));
}

static int64_t unary(struct arith *a)
{
    int64_t value;
    if (!deeper(a))
        return 0;
    bool up = take(a, "++"), down = !up && take(a, "--");
    if (up || down) {
        struct span at = rest(a);
        size_t len = name_length(at);
        if (len == 0) {
            value = unary(a); /* "+ +1" */
        } else {
            a->at += len;
            value = (int64_t)((uint64_t)variable(a, span_part(at, 0, len)) + (up ? 1U : UINT64_MAX));
            assign(a, span_part(at, 0, len), value);
        }
    } else if (take(a, "-"))
        value = (int64_t)(0 - (uint64_t)unary(a));
    else if (take(a, "+"))
        value = unary(a);
    else if (take(a, "~"))
        value = ~unary(a);
    else if (!span_starts(rest(a), "!=") && take(a, "!"))
        value = unary(a) == 0;
    else
        value = primary(a);
    a->depth--;
    return value;
}

/* The longer of two that start alike comes first; assignments (+=) are none of these. */
static const struct operator
{
    const char *text;
    unsigned level;
}
operators[] = {{"**", 11}, {"||", 1}, {"&&", 2}, {"==", 6}, {"!=", 6}, {"<<", 8}, {">>", 8}, {"<=", 7}, {">=", 7}, {"|", 3},
               {"^", 4},   {"&", 5},  {"<", 7},  {">", 7},  {"+", 9},  {"-", 9},  {"*", 10}, {"/", 10}, {"%", 10}};

static const struct operator* operator_at(struct arith *a)
{
    struct span at = rest(a);
    for (size_t i = 0; i < sizeof operators / sizeof operators[0] && a->error == NULL; i++) {
        size_t len = strlen(operators[i].text);
        if (!span_starts(at, operators[i].text))
            continue;
        bool compares = operators[i].level == 6 || operators[i].level == 7;
        if (at.len > len && at.at[len] == '=' && !compares)
            return NULL;
        return &operators[i];
    }
    return NULL;
}

static int64_t power(int64_t base, int64_t exponent)
{
    uint64_t value = 1, square = (uint64_t)base;
    for (uint64_t e = exponent > 0 ? (uint64_t)exponent : 0; e > 0; e >>= 1) {
        if ((e & 1) != 0)
            value *= square;
        square *= square;
    }
    return (int64_t)value;
}

static int64_t apply(struct arith *a, const char *op, int64_t x, int64_t y)
{
    uint64_t u = (uint64_t)x, v = (uint64_t)y;
    if ((op[0] == '/' || op[0] == '%') && y == 0) {
        if (!a->skip)
            wrong(a, "divide by zero");
        return 0;
    }
    if ((op[0] == '/' || op[0] == '%') && y == -1)
        return op[0] == '/' ? (int64_t)(0 - u) : 0;
    switch (op[0]) {
    case '|':
        return op[1] == '|' ? x != 0 || y != 0 : x | y;
    case '&':
        return op[1] == '&' ? x != 0 && y != 0 : x & y;
    case '^':
        return x ^ y;
    case '=':
        return x == y;
    case '!':
        return x != y;
    case '<':
        return op[1] == '<' ? (int64_t)(u << (v & 63)) : op[1] == '=' ? x <= y : x < y;
    case '>':
        return op[1] == '>' ? x >> (v & 63) : op[1] == '=' ? x >= y : x > y;
    case '+':
        return (int64_t)(u + v);
    case '-':
        return (int64_t)(u - v);
    case '*':
        return op[1] == '*' ? power(x, y) : (int64_t)(u * v);
    case '/':
        return x / y;
    default:
        return x % y;
    }
}

/* Precedence climbing; the recursion is as deep as there are levels. */
static int64_t binary(struct arith *a, unsigned least)
{
    if (!deeper(a))
        return 0;
    int64_t left = unary(a);
    for (const struct operator* op; (op = operator_at(a)) != NULL && op->level >= least;) {
        a->at += strlen(op->text);
        bool skip = a->skip;
        if ((op->level == 1 && left != 0) || (op->level == 2 && left == 0))
            a->skip = true;
        int64_t right = binary(a, op->level + (op->level == 11 ? 0 : 1));
        a->skip = skip;
        left = apply(a, op->text, left, right);
    }
    a->depth--;
    return left;
}

static int64_t conditional(struct arith *a)
{
    int64_t value = binary(a, 1);
    if (!take(a, "?"))
        return value;
    bool skip = a->skip;
    a->skip = skip || value == 0;
    int64_t yes = comma(a);
    if (!take(a, ":"))
        wrong(a, "arithmetic syntax error");
    a->skip = skip || value != 0;
    int64_t no = assignment(a);
    a->skip = skip;
    return value != 0 ? yes : no;
}

static int64_t assignment(struct arith *a)
{
    static const char *const ops[] = {"=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "|=", "^="};
    struct span at = rest(a);
    size_t len = name_length(at), start = a->at;
    if (!deeper(a))
        return 0;
    int64_t value = 0;
    bool done = false;
    if (len > 0) {
        a->at += len;
        for (size_t i = 0; i < sizeof ops / sizeof ops[0] && !done; i++) {
            if ((i == 0 && span_starts(rest(a), "==")) || !take(a, ops[i]))
                continue;
            value = assignment(a);
            if (i > 0)
                value = apply(a, ops[i], variable(a, span_part(at, 0, len)), value);
            assign(a, span_part(at, 0, len), value);
            done = true;
        }
        if (!done)
            a->at = start;
    }
    if (!done)
        value = conditional(a);
    a->depth--;
    return value;
}

static int64_t comma(struct arith *a)
{
    int64_t value = assignment(a);
    while (take(a, ","))
        value = assignment(a);
    return value;
}

bool arithmetic(struct engine *m, struct span text, int64_t *ret)
{
    struct arith a = {.m = m, .text = text};
    if (!engine_step(m, 1 + text.len / SHELL_BYTES_PER_STEP))
        return false;
    *ret = rest(&a).len > 0 ? comma(&a) : 0;
    if (a.error == NULL && rest(&a).len > 0)
        a.error = "arithmetic syntax error";
    if (a.error == NULL)
        return true;
    complain(m, "%s", a.error);
    engine_abort(m, 2);
    return false;
}
