/* find. An expression is compiled to a list of tests and actions joined by -o, grouped by parentheses. */
#include "observe/honeypot/shell/applets/walk.h"

#include <stdlib.h>

enum { TESTS_MAX = 64, NEST_MAX = 8 };

struct test {
    enum primary {
        FIND_OR,
        FIND_OPEN,
        FIND_CLOSE,
        FIND_NAME,
        FIND_PATH,
        FIND_TYPE,
        FIND_PERMISSION,
        FIND_SIZE,
        FIND_AGE,
        FIND_NEWER,
        FIND_EMPTY,
        FIND_EXECUTABLE,
        FIND_ALWAYS,
        FIND_NEVER,
        FIND_PRINT,
        FIND_PRINT0,
        FIND_EXEC,
        FIND_DELETE,
        FIND_PRUNE,
        FIND_QUIT
    } type;
    bool invert, fold;
    char sign; /* '+', '-' or '\0' before a number */
    struct span text;
    uint64_t number;
    usec_t unit; /* of FIND_AGE; bytes of FIND_SIZE's unit */
    const struct span *argv;
    size_t argc;
};

struct find {
    struct run *run;
    struct test tests[TESTS_MAX];
    size_t count;
    bool acts, follow, depth_first, prune, quit;
    uint64_t most, least;
    int status;
};

static bool complain(struct find *f, const char *what, struct span about)
{
    run_error(f->run, "find: %s%.*s\n", what, TEXT(about));
    return false;
}

/* "+5", "-5k" … */
static bool parse_number(struct find *f, struct test *t, struct span text, bool size)
{
    struct span digits = text;
    if (digits.len > 0 && (digits.at[0] == '+' || digits.at[0] == '-')) {
        t->sign = (char)digits.at[0];
        digits = span_part(digits, 1, SIZE_MAX);
    }
    if (size && digits.len > 0) {
        uint8_t last = digits.at[digits.len - 1];
        t->unit = last == 'c' ? 1 : last == 'k' ? 1024 : 512;
        if (last == 'c' || last == 'k' || last == 'b' || last == 'w')
            digits.len--;
    }
    if (!number_parse(digits, &t->number)) {
        (void)number_fail(f->run, text);
        return false;
    }
    return true;
}

static bool parse_permission(struct find *f, struct test *t, struct span text)
{
    struct span digits = text;
    uint16_t mode;
    if (digits.len > 0 && memchr("+-/", digits.at[0], 3) != NULL) {
        t->sign = (char)digits.at[0];
        digits = span_part(digits, 1, SIZE_MAX);
    }
    if (!mode_parse(digits, 0, false, &mode))
        return complain(f, "invalid mode '", text);
    t->number = mode;
    return true;
}

static const struct {
    const char *name;
    enum primary type;
    bool argument;
} primaries[] = {
    {"-o", FIND_OR, false},          {"-or", FIND_OR, false},          {"(", FIND_OPEN, false},       {")", FIND_CLOSE, false},
    {"-name", FIND_NAME, true},      {"-iname", FIND_NAME, true},      {"-path", FIND_PATH, true},    {"-ipath", FIND_PATH, true},
    {"-type", FIND_TYPE, true},      {"-perm", FIND_PERMISSION, true}, {"-size", FIND_SIZE, true},    {"-mtime", FIND_AGE, true},
    {"-atime", FIND_AGE, true},      {"-ctime", FIND_AGE, true},       {"-mmin", FIND_AGE, true},     {"-amin", FIND_AGE, true},
    {"-cmin", FIND_AGE, true},       {"-newer", FIND_NEWER, true},     {"-empty", FIND_EMPTY, false}, {"-executable", FIND_EXECUTABLE, false},
    {"-true", FIND_ALWAYS, false},   {"-user", FIND_ALWAYS, true},     {"-group", FIND_ALWAYS, true}, {"-false", FIND_NEVER, false},
    {"-print", FIND_PRINT, false},   {"-print0", FIND_PRINT0, false},  {"-exec", FIND_EXEC, false},   {"-ok", FIND_EXEC, false},
    {"-delete", FIND_DELETE, false}, {"-prune", FIND_PRUNE, false},    {"-quit", FIND_QUIT, false},   {"-links", FIND_ALWAYS, true},
    {"-inum", FIND_NEVER, true},     {"-regex", FIND_NEVER, true}};

static bool parse_exec(struct find *f, struct test *t, size_t *at)
{
    size_t first = *at;
    while (*at < f->run->argc && !span_is(f->run->argv[*at], ";") && !span_is(f->run->argv[*at], "+"))
        ++*at;
    if (*at >= f->run->argc || *at == first) {
        run_error(f->run, "find: -exec requires an argument\n");
        return false;
    }
    t->argv = f->run->argv + first;
    t->argc = *at - first;
    ++*at;
    return true;
}

/* What counts for the whole walk. */
static bool parse_global(struct find *f, struct span word, size_t *at, bool *ret_bad)
{
    if (span_is(word, "-follow") || span_is(word, "-L") || span_is(word, "-H")) {
        f->follow = f->follow || !span_is(word, "-H");
        return true;
    }
    if (span_is(word, "-xdev") || span_is(word, "-noleaf") || span_is(word, "-a") || span_is(word, "-and") || span_is(word, "-mount"))
        return true;
    if (span_is(word, "-depth")) {
        f->depth_first = true;
        return true;
    }
    if (!span_is(word, "-maxdepth") && !span_is(word, "-mindepth"))
        return false;
    uint64_t *depth = span_is(word, "-maxdepth") ? &f->most : &f->least;
    if (*at >= f->run->argc || !number_parse(f->run->argv[*at], depth)) {
        *ret_bad = true;
        (void)number_fail(f->run, *at < f->run->argc ? f->run->argv[*at] : (struct span){0});
    }
    ++*at;
    return true;
}

static bool bad_type(struct find *f, struct span text)
{
    run_error(f->run, "find: invalid argument '%.*s' to '-type'\n", TEXT(text));
    return false;
}

static bool parse_argument(struct find *f, struct test *t, struct span word)
{
    t->fold = span_starts(word, "-i");
    switch (t->type) {
    case FIND_TYPE:
        return (t->text.len == 1 && memchr("fdlbcsp", t->text.at[0], 7) != NULL) || bad_type(f, t->text);
    case FIND_PERMISSION:
        return parse_permission(f, t, t->text);
    case FIND_SIZE:
        return parse_number(f, t, t->text, true);
    case FIND_AGE:
        t->unit = word.at[word.len - 1] == 'n' ? 60 * USEC_PER_SEC : USEC_PER_DAY;
        return parse_number(f, t, t->text, false);
    default:
        return true;
    }
}

static bool parse_expression(struct find *f, size_t at)
{
    bool invert = false;
    int depth = 0;
    while (at < f->run->argc) {
        struct span word = f->run->argv[at++];
        bool bad = false;
        if (span_is(word, "!") || span_is(word, "-not")) {
            invert = !invert;
            continue;
        }
        if (parse_global(f, word, &at, &bad)) {
            if (bad)
                return false;
            continue;
        }
        size_t i = 0;
        while (i < sizeof primaries / sizeof primaries[0] && !span_is(word, primaries[i].name))
            i++;
        if (i == sizeof primaries / sizeof primaries[0]) {
            (void)complain(f, "unrecognized: ", word);
            (void)run_usage(f->run);
            return false;
        }
        if (f->count >= TESTS_MAX)
            return complain(f, "too many tests", (struct span){0});
        struct test *t = &f->tests[f->count++];
        *t = (struct test){.invert = invert};
        t->type = primaries[i].type;
        invert = false;
        if (primaries[i].argument && at >= f->run->argc) {
            run_error(f->run, "find: %.*s requires an argument\n", TEXT(word));
            return false;
        }
        if (primaries[i].argument)
            t->text = f->run->argv[at++];
        if ((t->type == FIND_EXEC && !parse_exec(f, t, &at)) || !parse_argument(f, t, word))
            return false;
        depth += t->type == FIND_OPEN ? 1 : t->type == FIND_CLOSE ? -1 : 0;
        if (depth < 0 || depth > NEST_MAX)
            return complain(f, "unpaired '('", (struct span){0});
        f->acts = f->acts || (t->type >= FIND_PRINT && t->type <= FIND_DELETE) || t->type == FIND_QUIT;
        f->depth_first = f->depth_first || t->type == FIND_DELETE;
    }
    return depth == 0 || complain(f, "unpaired '('", (struct span){0});
}

static bool compares(char sign, uint64_t value, uint64_t to)
{
    return sign == '+' ? value > to : sign == '-' ? value < to : value == to;
}

static bool has_type(const struct tree_stat *s, uint8_t letter)
{
    switch (s->type) {
    case TREE_DIRECTORY:
        return letter == 'd';
    case TREE_LINK:
    case TREE_APPLET:
        return letter == 'l';
    case TREE_DEVICE:
        return s->target.len > 0 && s->target.at[0] == letter;
    default:
        return letter == 'f';
    }
}

static bool run_exec(struct find *f, const struct test *t, struct span path)
{
    struct span *argv = arena_alloc(run_scratch(f->run), (t->argc + 1) * sizeof *argv);
    if (argv == NULL)
        return false;
    for (size_t i = 0; i < t->argc; i++) {
        struct span word = t->argv[i];
        argv[i] = word;
        const uint8_t *mark = text_in(word, "{}");
        if (mark == NULL)
            continue;
        size_t before = (size_t)(mark - word.at), len = word.len - 2 + path.len;
        char *text = arena_alloc(run_scratch(f->run), len + 1);
        if (text == NULL)
            return false;
        memcpy(text, word.at, before);
        memcpy(text + before, path.at, path.len);
        memcpy(text + before + path.len, mark + 2, word.len - before - 2);
        argv[i] = span_of(text, len);
    }
    return run_command(f->run, t->argc, argv) == 0;
}

static bool is_empty(struct find *f, struct span path, const struct tree_stat *s)
{
    if (s->type != TREE_DIRECTORY)
        return s->type == TREE_FILE && s->size == 0;
    struct buf names;
    (void)folder_names(f->run, path, &names);
    bool empty = names.len == 0;
    buf_done(&names);
    return empty;
}

static bool holds(struct find *f, const struct test *t, struct span path, const struct tree_stat *s)
{
    struct tree_stat other;
    struct span base = path_base(path);
    switch (t->type) {
    case FIND_NAME:
        return glob_match(t->text, base.len > 0 ? base : path, t->fold);
    case FIND_PATH:
        return glob_match(t->text, path, t->fold);
    case FIND_TYPE:
        return has_type(s, t->text.at[0]);
    case FIND_PERMISSION:
        return t->sign == '-'    ? (s->mode & t->number) == t->number
               : t->sign != '\0' ? (s->mode & t->number) != 0 || t->number == 0
                                 : s->mode == t->number;
    case FIND_SIZE:
        return compares(t->sign, (s->size + (size_t)t->unit - 1) / (size_t)t->unit, t->number);
    case FIND_AGE:
        return compares(t->sign, now_of(f->run) > s->changed ? (uint64_t)((now_of(f->run) - s->changed) / t->unit) : 0, t->number);
    case FIND_NEWER:
        return tree_stat(run_tree(f->run), run_cwd(f->run), t->text, true, &other) == 0 && s->changed > other.changed;
    case FIND_EMPTY:
        return is_empty(f, path, s);
    case FIND_EXECUTABLE:
        return (s->mode & 0111) != 0;
    case FIND_NEVER:
        return false;
    case FIND_PRINT:
        run_printf(f->run, "%.*s\n", TEXT(path));
        return true;
    case FIND_PRINT0:
        run_out(f->run, path);
        run_out(f->run, span_of("", 1));
        return true;
    case FIND_EXEC:
        return run_exec(f, t, path);
    case FIND_DELETE: {
        int error = tree_remove(run_tree(f->run), run_cwd(f->run), path);
        if (error < 0 && error != -ENOSPC)
            f->status = run_fail(f->run, path, error);
        return error == 0;
    }
    case FIND_PRUNE:
        f->prune = true;
        return true;
    case FIND_QUIT:
        f->quit = true;
        return true;
    default:
        return true;
    }
}

/* Tests from `at` to the closing parenthesis: and before or. *at moves behind it. */
static bool evaluate(struct find *f, size_t *at, struct span path, const struct tree_stat *s, bool live)
{
    bool result = false, branch = true;
    for (; *at < f->count; ++*at) {
        const struct test *t = &f->tests[*at];
        if (t->type == FIND_CLOSE)
            break;
        if (t->type == FIND_OR) {
            result = result || branch;
            branch = true;
            continue;
        }
        bool go = live && branch && !result && !f->quit, value = false;
        if (t->type == FIND_OPEN) {
            ++*at;
            value = evaluate(f, at, path, s, go);
        } else if (go) {
            value = holds(f, t, path, s);
        }
        if (go)
            branch = value != t->invert;
    }
    return result || branch;
}

static void visit(struct find *f, struct span path, const struct tree_stat *s, unsigned depth)
{
    size_t at = 0;
    if (depth < f->least)
        return;
    if (evaluate(f, &at, path, s, true) && !f->acts)
        run_printf(f->run, "%.*s\n", TEXT(path));
}

static void walk(struct find *f, struct span path, unsigned depth)
{
    struct tree_stat stat;
    if (f->quit || !run_step(f->run, 1))
        return;
    int error = tree_stat(run_tree(f->run), run_cwd(f->run), path, f->follow, &stat);
    if (error < 0 && f->follow)
        error = tree_stat(run_tree(f->run), run_cwd(f->run), path, false, &stat);
    if (error < 0) {
        f->status = run_fail(f->run, path, error);
        return;
    }
    bool folder = stat.type == TREE_DIRECTORY;
    f->prune = false;
    if (!f->depth_first)
        visit(f, path, &stat, depth);
    if (folder && !f->prune && depth < f->most && depth < WALK_DEPTH_MAX) {
        struct buf names;
        (void)folder_names(f->run, path, &names);
        struct span rest = buf_as_span(&names), name;
        while (!f->quit && folder_next(&rest, &name))
            walk(f, path_join(f->run, path, name), depth + 1);
        buf_done(&names);
    }
    if (f->depth_first && tree_stat(run_tree(f->run), run_cwd(f->run), path, false, &stat) == 0)
        visit(f, path, &stat, depth);
}

static int find(struct run *run)
{
    if (run->argc == 2 && span_is(run->argv[1], "--help")) {
        (void)run_usage(run);
        return 0;
    }
    struct find *f = arena_alloc(run_scratch(run), sizeof *f);
    if (f == NULL)
        return 1;
    f->run = run;
    f->most = UINT64_MAX;
    size_t at = 1;
    while (at < run->argc && (span_is(run->argv[at], "-L") || span_is(run->argv[at], "-H")))
        f->follow = f->follow || span_is(run->argv[at++], "-L");
    size_t first = at;
    while (at < run->argc && run->argv[at].len > 0 && memchr("-!(", run->argv[at].at[0], 3) == NULL)
        at++;
    if (!parse_expression(f, at))
        return 1;
    if (first == at)
        walk(f, span_text("."), 0);
    for (; first < at && !f->quit; first++)
        walk(f, run->argv[first], 0);
    return f->status;
}

const struct applet applet_find = {
    .name = "find", .run = find, .usage = "find [-HL] [PATH]... [OPTIONS] [ACTIONS]\n\nSearch for files and perform actions on them"};
