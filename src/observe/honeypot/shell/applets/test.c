/* test, [ and [[; expr. */
#include "observe/honeypot/shell/applets/common.h"
#include "observe/honeypot/shell/applets/pattern.h"

#include <inttypes.h>
#include <stdio.h>

enum { NEST_MAX = 32 };

struct test {
    struct run *run;
    const struct span *args;
    size_t at, count;
    unsigned depth;
    bool failed; /* status 2: a message was printed */
};

static bool or_expression(struct test *t);

static void complain(struct test *t, struct span about, const char *what)
{
    if (!t->failed)
        run_error(t->run, about.len > 0 ? "%.*s: %.*s: %s\n" : "%.*s: %.*s%s\n", TEXT(name_of(t->run)), TEXT(about), what);
    t->failed = true;
}

static struct span peek(const struct test *t, size_t ahead)
{
    return t->at + ahead < t->count ? t->args[t->at + ahead] : (struct span){0};
}

static bool is_one_of(struct span word, const char *const *names, size_t *ret)
{
    for (size_t i = 0; names[i] != NULL; i++)
        if (span_is(word, names[i])) {
            *ret = i;
            return true;
        }
    return false;
}

static const char *const binary_operators[] = {"=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef", "=~", NULL};
static const char unary_operators[] = "bcdefghknoprstuwxzGLNOS";

static bool is_unary(struct span word)
{
    return word.len == 2 && word.at[0] == '-' && memchr(unary_operators, word.at[1], sizeof unary_operators - 1) != NULL;
}

static bool file_test(struct test *t, char letter, struct span path)
{
    struct tree_stat stat;
    if (tree_stat(run_tree(t->run), run_cwd(t->run), path, letter != 'L' && letter != 'h', &stat) < 0)
        return false;
    char device = stat.type == TREE_DEVICE && stat.target.len > 0 ? (char)stat.target.at[0] : '\0';
    switch (letter) {
    case 'd':
        return stat.type == TREE_DIRECTORY;
    case 'f':
        return stat.type == TREE_FILE || stat.type == TREE_BINARY || stat.type == TREE_APPLET;
    case 'L':
    case 'h':
        return stat.type == TREE_LINK || stat.type == TREE_APPLET;
    case 'c':
        return device == 'c';
    case 'b':
        return device == 'b';
    case 'p':
        return device == 'p';
    case 'S':
        return device == 's';
    case 's':
        return stat.size > 0;
    case 'x':
        return stat.type == TREE_DIRECTORY || (stat.mode & 0111) != 0;
    case 'u':
        return (stat.mode & 04000) != 0;
    case 'g':
        return (stat.mode & 02000) != 0;
    case 'k':
        return (stat.mode & 01000) != 0;
    default: /* e r w O G N o: root may read and write all there is */
        return true;
    }
}

static bool unary(struct test *t, char letter, struct span word)
{
    uint64_t descriptor;
    switch (letter) {
    case 'z':
        return word.len == 0;
    case 'n':
        return word.len > 0;
    case 't':
        return number_parse(word, &descriptor) &&
               ((descriptor == 0 && t->run->input_is_terminal) || (descriptor == 1 && t->run->output_is_terminal) || descriptor == 2);
    default:
        return file_test(t, letter, word);
    }
}

static int64_t operand_number(struct test *t, struct span text)
{
    struct span trimmed = text;
    while (trimmed.len > 0 && trimmed.at[0] == ' ')
        trimmed = span_part(trimmed, 1, SIZE_MAX);
    while (trimmed.len > 0 && trimmed.at[trimmed.len - 1] == ' ')
        trimmed.len--;
    int64_t value = 0;
    if (!number_signed(trimmed, &value)) {
        if (text.len == 0)
            complain(t, (struct span){0}, "bad number");
        else
            complain(t, text, "bad number");
    }
    return value;
}

static bool file_order(struct test *t, size_t op, struct span a, struct span b)
{
    struct tree_stat left, right;
    int error_left = tree_stat(run_tree(t->run), run_cwd(t->run), a, true, &left);
    char path[TREE_PATH_MAX];
    usec_t changed = error_left < 0 ? 0 : left.changed;
    size_t len = error_left < 0 ? 0 : left.path.len < sizeof path ? left.path.len : sizeof path;
    if (len > 0)
        memcpy(path, left.path.at, len);
    int error_right = tree_stat(run_tree(t->run), run_cwd(t->run), b, true, &right);
    if (error_left < 0 || error_right < 0)
        return false;
    if (op == 13)
        return span_equal(span_of(path, len), right.path);
    return op == 11 ? changed > right.changed : changed < right.changed;
}

static bool binary(struct test *t, struct span a, size_t op, struct span b)
{
    bool doubled = span_is(path_base(t->run->argv[0]), "[[");
    if (op <= 2) {
        bool same = doubled ? glob_match(b, a, false) : span_equal(a, b);
        return op == 2 ? !same : same;
    }
    if (op <= 4)
        return op == 3 ? span_compare(a, b) < 0 : span_compare(a, b) > 0;
    if (op == 14) {
        struct pattern *pattern;
        const char *message;
        struct span groups[PATTERN_GROUPS];
        if (pattern_new(&pattern, b, PATTERN_EXTENDED, &message) < 0)
            return false;
        bool found = pattern_find(t->run, pattern, a, 0, groups);
        pattern_free(pattern);
        return found;
    }
    if (op >= 11)
        return file_order(t, op, a, b);
    int64_t left = operand_number(t, a), right = t->failed ? 0 : operand_number(t, b);
    switch (op) {
    case 5:
        return left == right;
    case 6:
        return left != right;
    case 7:
        return left < right;
    case 8:
        return left <= right;
    case 9:
        return left > right;
    default:
        return left >= right;
    }
}

static bool primary(struct test *t)
{
    struct span word = peek(t, 0);
    size_t op;
    if (t->at >= t->count) {
        complain(t, (struct span){0}, "argument expected");
        return false;
    }
    if (span_is(word, "(") && t->at + 1 < t->count && !(t->count - t->at == 3 && is_one_of(peek(t, 1), binary_operators, &op))) {
        if (++t->depth > NEST_MAX) {
            complain(t, (struct span){0}, "too many expressions");
            return false;
        }
        t->at++;
        bool result = span_is(peek(t, 0), ")") && t->at + 1 == t->count ? false : or_expression(t);
        if (!span_is(peek(t, 0), ")"))
            complain(t, (struct span){0}, "closing paren expected");
        t->at++;
        t->depth--;
        return result;
    }
    if (t->at + 2 < t->count && is_one_of(peek(t, 1), binary_operators, &op)) {
        struct span right = peek(t, 2);
        t->at += 3;
        return binary(t, word, op, right);
    }
    if (is_unary(word) && t->at + 1 < t->count) {
        /* `-a` and `-o` between two words join expressions. */
        struct span operand = peek(t, 1);
        t->at += 2;
        return unary(t, (char)word.at[1], operand);
    }
    if (t->at + 1 < t->count && is_one_of(peek(t, 1), binary_operators, &op)) {
        complain(t, peek(t, 1), "argument expected");
        return false;
    }
    t->at++;
    return word.len > 0;
}

static bool not_expression(struct test *t)
{
    bool invert = false;
    while (span_is(peek(t, 0), "!") && t->at + 1 < t->count && run_step(t->run, 0)) {
        size_t op;
        /* `! = x` compares texts. */
        if (t->count - t->at == 3 && is_one_of(peek(t, 1), binary_operators, &op))
            break;
        invert = !invert;
        t->at++;
    }
    bool result = primary(t);
    return invert != result;
}

static bool and_expression(struct test *t)
{
    bool result = not_expression(t);
    while (!t->failed && (span_is(peek(t, 0), "-a") || span_is(peek(t, 0), "&&"))) {
        t->at++;
        bool right = not_expression(t);
        result = result && right;
    }
    return result;
}

static bool or_expression(struct test *t)
{
    bool result = and_expression(t);
    while (!t->failed && (span_is(peek(t, 0), "-o") || span_is(peek(t, 0), "||"))) {
        t->at++;
        bool right = and_expression(t);
        result = result || right;
    }
    return result;
}

static int test_run(struct run *run)
{
    struct span name = path_base(run->argv[0]);
    size_t count = run->argc - 1;
    if (span_is(name, "[") || span_is(name, "[[")) {
        const char *close = span_is(name, "[") ? "]" : "]]";
        if (count == 0 || !span_is(run->argv[run->argc - 1], close)) {
            run_error(run, "%.*s: missing %s\n", TEXT(name_of(run)), close);
            return 2;
        }
        count--;
    }
    struct test t = {.run = run, .args = run->argv + 1, .count = count};
    if (count == 0)
        return 1;
    if (count == 1)
        return run->argv[1].len > 0 ? 0 : 1;
    if (count == 2 && span_is(run->argv[1], "!"))
        return run->argv[2].len > 0 ? 1 : 0;
    bool result = or_expression(&t);
    if (!t.failed && t.at < t.count)
        complain(&t, peek(&t, 0), "unknown operand");
    return t.failed ? 2 : result ? 0 : 1;
}

const struct applet applet_test = {.name = "test", .where = APPLET_BOTH, .run = test_run};
const struct applet applet_bracket = {.name = "[", .where = APPLET_BOTH, .run = test_run};
const struct applet applet_brackets = {.name = "[[", .where = APPLET_BOTH, .run = test_run};

/* ---- expr: texts that are numbers when they look so */

struct expression {
    struct run *run;
    size_t at;
    unsigned depth;
    bool failed;
};

static struct span expr_or(struct expression *e);

static struct span expr_fail(struct expression *e, const char *what)
{
    if (!e->failed)
        run_error(e->run, "expr: %s\n", what);
    e->failed = true;
    return (struct span){0};
}

static struct span number_text(struct expression *e, int64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRId64, value);
    return scratch_copy(e->run, span_of(text, (size_t)len));
}

static bool expr_next(struct expression *e, const char *word)
{
    if (e->failed || e->at >= e->run->argc || !span_is(e->run->argv[e->at], word))
        return false;
    e->at++;
    return true;
}

static struct span expr_word(struct expression *e)
{
    if (e->at >= e->run->argc)
        return expr_fail(e, "syntax error");
    return e->run->argv[e->at++];
}

static bool is_null(struct span text)
{
    int64_t value;
    return text.len == 0 || (number_signed(text, &value) && value == 0);
}

static struct span expr_match(struct expression *e, struct span text, struct span pattern)
{
    struct pattern *compiled;
    const char *message;
    if (pattern_new(&compiled, pattern, 0, &message) < 0)
        return expr_fail(e, "syntax error");
    struct span groups[PATTERN_GROUPS];
    bool found = pattern_find(e->run, compiled, text, 0, groups) && groups[0].at == text.at;
    pattern_free(compiled);
    bool captures = text_in(pattern, "\\(") != NULL;
    if (captures)
        return found ? groups[1] : (struct span){0};
    return number_text(e, found ? (int64_t)groups[0].len : 0);
}

static struct span expr_primary(struct expression *e)
{
    if (++e->depth > NEST_MAX)
        return expr_fail(e, "syntax error");
    struct span value;
    if (expr_next(e, "(")) {
        value = expr_or(e);
        if (!expr_next(e, ")"))
            return expr_fail(e, "syntax error");
    } else if (expr_next(e, "length")) {
        value = number_text(e, (int64_t)expr_word(e).len);
    } else if (expr_next(e, "substr")) {
        struct span text = expr_word(e);
        int64_t from = 0, len = 0;
        bool ok = number_signed(expr_word(e), &from);
        ok = number_signed(expr_word(e), &len) && ok;
        value = ok && from > 0 && len > 0 ? span_part(text, (size_t)from - 1, (size_t)len) : (struct span){0};
    } else if (expr_next(e, "index")) {
        struct span text = expr_word(e), set = expr_word(e);
        size_t i = 0;
        while (i < text.len && span_find(set, text.at[i]) == set.len)
            i++;
        value = number_text(e, i < text.len ? (int64_t)i + 1 : 0);
    } else if (expr_next(e, "match")) {
        struct span text = expr_word(e), pattern = expr_word(e);
        value = e->failed ? span_of(NULL, 0) : expr_match(e, text, pattern);
    } else {
        value = expr_word(e);
    }
    e->depth--;
    return value;
}

static struct span expr_colon(struct expression *e)
{
    struct span left = expr_primary(e);
    while (expr_next(e, ":")) {
        struct span right = expr_primary(e);
        left = e->failed ? left : expr_match(e, left, right);
    }
    return left;
}

static struct span expr_arithmetic(struct expression *e, struct span left, char op, struct span right)
{
    int64_t a, b, value = 0;
    if (e->failed)
        return (struct span){0};
    if (!number_signed(left, &a) || !number_signed(right, &b))
        return expr_fail(e, "non-numeric argument");
    if ((op == '/' || op == '%') && b == 0)
        return expr_fail(e, "division by zero");
    /* Overflow wraps, as the machine does. */
    uint64_t x = (uint64_t)a, y = (uint64_t)b;
    switch (op) {
    case '*':
        value = (int64_t)(x * y);
        break;
    case '/':
        value = b == -1 ? (int64_t)(0 - x) : a / b;
        break;
    case '%':
        value = b == -1 ? 0 : a % b;
        break;
    case '+':
        value = (int64_t)(x + y);
        break;
    default:
        value = (int64_t)(x - y);
    }
    return number_text(e, value);
}

static struct span expr_product(struct expression *e)
{
    struct span left = expr_colon(e);
    for (;;) {
        char op = expr_next(e, "*") ? '*' : expr_next(e, "/") ? '/' : expr_next(e, "%") ? '%' : '\0';
        if (op == '\0')
            return left;
        struct span right = expr_colon(e);
        left = expr_arithmetic(e, left, op, right);
    }
}

static struct span expr_sum(struct expression *e)
{
    struct span left = expr_product(e);
    for (;;) {
        char op = expr_next(e, "+") ? '+' : expr_next(e, "-") ? '-' : '\0';
        if (op == '\0')
            return left;
        struct span right = expr_product(e);
        left = expr_arithmetic(e, left, op, right);
    }
}

static struct span expr_compare(struct expression *e)
{
    static const char *const operators[] = {"<", "<=", "=", "==", "!=", ">=", ">", NULL};
    struct span left = expr_sum(e);
    for (;;) {
        size_t op;
        if (e->failed || e->at >= e->run->argc || !is_one_of(e->run->argv[e->at], operators, &op))
            return left;
        e->at++;
        struct span right = expr_sum(e);
        int64_t a, b;
        int order = number_signed(left, &a) && number_signed(right, &b) ? (a > b) - (a < b) : span_compare(left, right);
        bool results[] = {order<0, order <= 0, order == 0, order == 0, order != 0, order >= 0, order> 0};
        left = span_text(results[op] ? "1" : "0");
    }
}

static struct span expr_and(struct expression *e)
{
    struct span left = expr_compare(e);
    while (expr_next(e, "&")) {
        struct span right = expr_compare(e);
        left = is_null(left) || is_null(right) ? span_text("0") : left;
    }
    return left;
}

static struct span expr_or(struct expression *e)
{
    struct span left = expr_and(e);
    while (expr_next(e, "|")) {
        struct span right = expr_and(e);
        left = is_null(left) ? right : left;
    }
    return left;
}

static int expr_run(struct run *run)
{
    struct expression e = {.run = run, .at = 1};
    if (run->argc < 2) {
        run_error(run, "expr: too few arguments\n");
        return 2;
    }
    struct span value = expr_or(&e);
    if (!e.failed && e.at < run->argc)
        (void)expr_fail(&e, "syntax error");
    if (e.failed)
        return 2;
    run_out(run, value);
    run_text(run, "\n");
    return is_null(value) ? 1 : 0;
}

const struct applet applet_expr = {.name = "expr", .run = expr_run, .usage = "expr EXPRESSION\n\nPrint the value of EXPRESSION"};
