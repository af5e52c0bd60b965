/* grep, egrep, fgrep. */
#include "observe/honeypot/shell/applets/common.h"
#include "observe/honeypot/shell/applets/pattern.h"

enum { PATTERNS_MAX = 16, FOLDERS_MAX = 16 };

struct grep {
    struct run *run;
    const struct options *o;
    struct pattern *patterns[PATTERNS_MAX];
    size_t count;
    bool names; /* lines are preceded by their file */
    uint64_t most, before, after;
    bool any, failed, listed; /* listed: -L has named a file */
    unsigned depth;
};

static bool add_patterns(struct grep *g, struct span list, unsigned flags)
{
    struct span rest = list, text;
    bool ended;
    /* One pattern a line; the empty text is the empty pattern. */
    do {
        if (!line_next(&rest, &text, &ended))
            text = list;
        const char *message;
        if (g->count >= PATTERNS_MAX)
            return true;
        if (pattern_new(&g->patterns[g->count], text, flags, &message) < 0) {
            run_error(g->run, "%.*s: bad regex '%.*s'\n", TEXT(name_of(g->run)), TEXT(text));
            return false;
        }
        g->count++;
    } while (rest.len > 0);
    return true;
}

static bool find(struct grep *g, struct span line, size_t from, struct span *ret)
{
    bool found = false;
    for (size_t i = 0; i < g->count; i++) {
        struct span groups[PATTERN_GROUPS];
        if (pattern_find(g->run, g->patterns[i], line, from, groups) && (!found || groups[0].at < ret->at)) {
            *ret = groups[0];
            found = true;
        }
    }
    return found;
}

static void put_line(struct grep *g, struct span name, size_t number, char mark, struct span line)
{
    if (g->names)
        run_printf(g->run, "%.*s%c", TEXT(name), mark);
    if (option(g->o, 'n'))
        run_printf(g->run, "%zu%c", number, mark);
    run_out(g->run, line);
    run_text(g->run, "\n");
}

static void put_matches(struct grep *g, struct span name, size_t number, struct span line)
{
    struct span hit;
    size_t from = 0;
    while (from <= line.len && find(g, line, from, &hit)) {
        size_t start = hit.at != NULL ? (size_t)(hit.at - line.at) : from;
        if (hit.len > 0)
            put_line(g, name, number, ':', hit);
        from = start + (hit.len > 0 ? hit.len : 1);
    }
}

static void put_context(struct grep *g, struct span name, struct span bytes, size_t from, size_t to)
{
    struct span line;
    bool ended;
    for (size_t i = 1; line_next(&bytes, &line, &ended) && i < to; i++)
        if (i >= from)
            put_line(g, name, i, '-', line);
}

/* Returns the number of lines that match; prints them unless only the count or the name is wanted. */
static uint64_t grep_bytes(struct grep *g, struct span name, struct span bytes)
{
    bool quiet = option(g->o, 'c') || option(g->o, 'l') || option(g->o, 'L') || option(g->o, 'q');
    struct span rest = bytes, line, hit;
    uint64_t hits = 0, after = 0;
    size_t number = 0, shown = 0;
    bool ended;
    while (hits < g->most && line_next(&rest, &line, &ended)) {
        number++;
        bool found = find(g, line, 0, &hit) != option(g->o, 'v');
        if (!run_step(g->run, 0))
            break;
        if (found) {
            hits++;
            after = g->after;
            if (option(g->o, 'q') || option(g->o, 'l') || option(g->o, 'L'))
                break;
            if (quiet)
                continue;
            size_t from = number > g->before ? number - (size_t)g->before : 1;
            from = from > shown ? from : shown + 1;
            if ((g->before > 0 || g->after > 0) && shown > 0 && from > shown + 1)
                run_text(g->run, "--\n");
            if (g->before > 0 && from < number && run_step(g->run, 1))
                put_context(g, name, bytes, from, number);
            if (option(g->o, 'o') && !option(g->o, 'v'))
                put_matches(g, name, number, line);
            else
                put_line(g, name, number, ':', line);
            shown = number;
        } else if (after > 0 && !quiet) {
            after--;
            put_line(g, name, number, '-', line);
            shown = number;
        }
    }
    return hits;
}

static void grep_file(struct grep *g, struct span path);

static int grep_entry(void *user, struct span name, const struct tree_stat *stat)
{
    struct buf *names = user;
    if (stat->type != TREE_DEVICE) {
        buf_span(names, name);
        buf_byte(names, '\n');
    }
    return names->error;
}

/* Links to folders are not followed. */
static void grep_folder(struct grep *g, struct span path)
{
    struct buf names;
    struct tree_stat stat;
    if (g->depth >= FOLDERS_MAX ||
        (g->depth > 0 && (tree_stat(run_tree(g->run), run_cwd(g->run), path, false, &stat) < 0 || stat.type != TREE_DIRECTORY)))
        return;
    buf_init(&names, 64 * 1024);
    (void)tree_list(run_tree(g->run), run_cwd(g->run), path, grep_entry, &names);
    struct span rest = buf_as_span(&names), name;
    bool ended;
    g->depth++;
    while (line_next(&rest, &name, &ended) && run_step(g->run, 1))
        grep_file(g, path_join(g->run, path, name));
    g->depth--;
    buf_done(&names);
}

static void grep_file(struct grep *g, struct span path)
{
    struct input in;
    int error = input_open(g->run, path, &in);
    if (error == -EISDIR) {
        if (option(g->o, 'r') || option(g->o, 'R'))
            grep_folder(g, path);
        return;
    }
    if (error < 0) {
        if (!option(g->o, 's'))
            (void)run_fail(g->run, path, error);
        g->failed = true;
        return;
    }
    struct span name = span_is(path, "-") ? span_text("(standard input)") : path;
    uint64_t hits = grep_bytes(g, name, in.bytes);
    g->any = g->any || hits > 0;
    if (option(g->o, 'q')) {
        input_close(&in);
        return;
    }
    if (option(g->o, 'l') || option(g->o, 'L')) {
        if ((hits > 0) == option(g->o, 'l')) {
            run_printf(g->run, "%.*s\n", TEXT(name));
            g->listed = true;
        }
    } else if (option(g->o, 'c')) {
        if (g->names)
            run_printf(g->run, "%.*s:", TEXT(name));
        run_printf(g->run, "%llu\n", (unsigned long long)hits);
    }
    input_close(&in);
}

static bool read_patterns(struct grep *g, struct options *o)
{
    struct span name = path_base(g->run->argv[0]);
    unsigned flags = (option(o, 'E') || span_is(name, "egrep") ? PATTERN_EXTENDED : 0) | (option(o, 'i') ? PATTERN_FOLD : 0) |
                     (option(o, 'F') || span_is(name, "fgrep") ? PATTERN_FIXED : 0) | (option(o, 'w') ? PATTERN_WORD : 0) |
                     (option(o, 'x') ? PATTERN_LINE : 0);
    if (option(o, 'f')) {
        struct input in;
        if (!input_open_warn(g->run, option_value(o, 'f'), false, &in))
            return false;
        bool ok = add_patterns(g, in.bytes, flags);
        input_close(&in);
        return ok;
    }
    if (!option(o, 'e')) {
        struct span text = o->args[0];
        o->args++;
        o->arg_count--;
        return add_patterns(g, text, flags);
    }
    /* Every -e counts. */
    for (size_t i = 1; i < g->run->argc; i++) {
        struct span word = g->run->argv[i];
        if (!span_starts(word, "-e"))
            continue;
        struct span text = word.len > 2 ? span_part(word, 2, SIZE_MAX) : i + 1 < g->run->argc ? g->run->argv[++i] : (struct span){0};
        if (!add_patterns(g, text, flags))
            return false;
    }
    return g->count > 0 || add_patterns(g, option_value(o, 'e'), flags);
}

static uint64_t context_of(const struct options *o, char letter)
{
    uint64_t lines = 0;
    (void)number_parse(option_value(o, option(o, letter) ? letter : 'C'), &lines);
    return lines;
}

static int grep(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "lnqvscFiHhf:Lorm:wA:B:C:EaRxe:z", "color=a colour=a"))
        return o.status == 0 ? 0 : 2;
    if (o.arg_count == 0 && !option(&o, 'e') && !option(&o, 'f')) {
        (void)run_usage(run);
        return 2;
    }
    size_t files = o.arg_count - (option(&o, 'e') || option(&o, 'f') ? 0 : 1);
    bool recursive = option(&o, 'r') || option(&o, 'R');
    if (!recursive && input_is_typed(run, o.args + o.arg_count - files, files))
        return run_await_input(run, true);
    struct grep g = {.run = run, .o = &o, .most = UINT64_MAX};
    if (option(&o, 'm'))
        (void)number_parse(option_value(&o, 'm'), &g.most);
    g.before = context_of(&o, 'B');
    g.after = context_of(&o, 'A');
    bool ok = read_patterns(&g, &o);
    g.names = (o.arg_count > 1 || recursive || option(&o, 'H')) && !option(&o, 'h');
    for (size_t i = 0; ok && i < o.arg_count && run_step(run, 1); i++)
        grep_file(&g, o.args[i]);
    if (ok && o.arg_count == 0)
        grep_file(&g, span_text(recursive ? "." : "-"));
    for (size_t i = 0; i < g.count; i++)
        pattern_free(g.patterns[i]);
    if (!ok || (g.failed && !(g.any && option(&o, 'q'))))
        return 2;
    bool success = option(&o, 'L') ? g.listed : g.any;
    return success ? 0 : 1;
}

#define GREP_USAGE                                                                                                                                \
    " [-HhnlLoqvsrRiwFE] [-m N] [-A|B|C N] { PATTERN | -e PATTERN... | -f FILE... } [FILE]...\n\nSearch for PATTERN in FILEs (or stdin)\n\n"      \
    "\t-H\tAdd 'filename:' prefix\n\t-h\tDo not add 'filename:' prefix\n\t-n\tAdd 'line_no:' prefix\n\t-l\tShow only names of files that match\n" \
    "\t-L\tShow only names of files that don't match\n\t-c\tShow only count of matching lines\n\t-o\tShow only the matching part of line\n"       \
    "\t-q\tQuiet. Return 0 if PATTERN is found, 1 otherwise\n\t-v\tSelect non-matching lines\n\t-r\tRecurse\n\t-i\tIgnore case"
const struct applet applet_grep = {.name = "grep", .run = grep, .usage = "grep" GREP_USAGE};
const struct applet applet_egrep = {.name = "egrep", .run = grep, .usage = "egrep" GREP_USAGE};
const struct applet applet_fgrep = {.name = "fgrep", .run = grep, .usage = "fgrep" GREP_USAGE};
