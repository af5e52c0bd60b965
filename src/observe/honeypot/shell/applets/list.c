/* Commands that show the tree: ls, stat, du, readlink, realpath. */
#include "observe/honeypot/shell/applets/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LIST_MAX = 4096, TERMINAL_COLUMNS = 80 };

struct entry {
    struct span name; /* as shown; scratch memory */
    struct span target, path;
    struct tree_stat stat;
};

struct listing {
    struct run *run;
    const struct options *o;
    struct entry *entries;
    size_t count;
    bool columns, colour;
    usec_t now;
    unsigned minor; /* of BusyBox 1.MINOR */
    int status;
    bool printed;
    unsigned depth;
};

/* Directories have no content of their own: a size as small file systems show. */
static size_t shown_size(struct run *run, const struct tree_stat *stat)
{
    if (stat->type == TREE_DEVICE || span_starts(stat->path, "/proc") || span_starts(stat->path, "/sys"))
        return stat->size;
    if (stat->type != TREE_DIRECTORY || stat->size > 0)
        return stat->size;
    return 60 + path_number(run, stat->path) % 30 * 20;
}

static bool long_form(const struct listing *l)
{
    return option(l->o, 'l') || option(l->o, 'n') || option(l->o, 'e');
}

static int compare(const void *a, const void *b, void *user)
{
    const struct entry *x = a, *y = b;
    const struct listing *l = user;
    int order = 0;
    if (option(l->o, 'S'))
        order = (x->stat.size < y->stat.size) - (x->stat.size > y->stat.size);
    else if (option(l->o, 't'))
        order = (x->stat.changed < y->stat.changed) - (x->stat.changed > y->stat.changed);
    if (order == 0)
        order = span_compare(x->name, y->name);
    return option(l->o, 'r') ? -order : order;
}

static char mark_of(const struct listing *l, const struct entry *e)
{
    bool all = option(l->o, 'F');
    if (e->stat.type == TREE_DIRECTORY)
        return all || option(l->o, 'p') ? '/' : '\0';
    if (!all)
        return '\0';
    if (e->stat.type == TREE_LINK || e->stat.type == TREE_APPLET)
        return '@';
    return e->stat.type != TREE_DEVICE && (e->stat.mode & 0111) ? '*' : '\0';
}

static unsigned put_colour(struct listing *l, const struct entry *e)
{
    unsigned bold = 1, colour = 0;
    switch (e->stat.type) {
    case TREE_DIRECTORY:
        colour = 34;
        break;
    case TREE_LINK:
    case TREE_APPLET:
        colour = 36;
        break;
    case TREE_DEVICE:
        colour = 33;
        break;
    default:
        colour = e->stat.mode & 0111 ? 32 : 0;
        bold = colour != 0;
    }
    run_printf(l->run, "\033[%u;%um", bold, colour);
    return colour;
}

static size_t put_name(struct listing *l, const struct entry *e)
{
    if (l->colour)
        (void)put_colour(l, e);
    run_out(l->run, e->name);
    if (l->colour)
        run_text(l->run, l->minor < 21 ? "\033[0m" : "\033[m");
    char mark = mark_of(l, e);
    if (mark != '\0' && !(long_form(l) && mark == '@'))
        run_out(l->run, span_of(&mark, 1));
    return e->name.len + (mark != '\0');
}

static void put_size(struct listing *l, size_t size)
{
    static const char units[] = "KMG";
    if (!option(l->o, 'h') || size < 1024) {
        run_printf(l->run, option(l->o, 'h') ? "%7zu " : "%9zu ", size);
        return;
    }
    double value = (double)size;
    unsigned unit = 0;
    for (value /= 1024; value >= 1024 && unit < 2; unit++)
        value /= 1024;
    run_printf(l->run, "%6.1f%c ", value, units[unit]);
}

static void put_time(struct listing *l, usec_t changed)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm;
    time_split(changed, &tm);
    int64_t age = (l->now - changed) / USEC_PER_SEC;
    const char *month = months + 3 * (tm.tm_mon % 12);
    if (option(l->o, 'e'))
        run_printf(l->run, "%d-%02d-%02d %02d:%02d:%02d +0000 ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    else if (age < 3600L * 24 * 365 / 2 && age > -15 * 60)
        run_printf(l->run, "%.3s %2d %02d:%02d ", month, tm.tm_mday, tm.tm_hour, tm.tm_min);
    else
        run_printf(l->run, "%.3s %2d  %d ", month, tm.tm_mday, tm.tm_year + 1900);
}

static void put_long(struct listing *l, const struct entry *e)
{
    char mode[11];
    uint16_t bits = e->stat.type == TREE_LINK || e->stat.type == TREE_APPLET ? 0777 : e->stat.mode;
    run_printf(l->run, "%-10s %4u ", mode_print(e->stat.type, bits, e->stat.target, mode), e->stat.links > 0 ? e->stat.links : 1);
    run_text(l->run, option(l->o, 'n') ? "0        0        " : "root     root     ");
    if (e->stat.type == TREE_DEVICE) {
        uint64_t major = 0, minor = 0;
        (void)number_parse(field(e->target, 1, " "), &major);
        (void)number_parse(field(e->target, 2, " "), &minor);
        run_printf(l->run, "%4u, %3u ", (unsigned)major, (unsigned)minor);
    } else {
        put_size(l, shown_size(l->run, &e->stat));
    }
    put_time(l, e->stat.changed);
    (void)put_name(l, e);
    if (e->stat.type == TREE_LINK || e->stat.type == TREE_APPLET)
        run_printf(l->run, " -> %.*s", TEXT(e->target.len > 0 ? e->target : span_text("/bin/busybox")));
}

static size_t blocks_of(struct run *run, const struct tree_stat *stat)
{
    if (stat->type == TREE_LINK || stat->type == TREE_APPLET || stat->type == TREE_DEVICE)
        return 0;
    return (shown_size(run, stat) + 4095) / 4096 * 4;
}

static size_t put_single(struct listing *l, const struct entry *e)
{
    size_t column = 0;
    if (option(l->o, 'i')) {
        run_printf(l->run, "%7u ", path_number(l->run, e->stat.path));
        column += 8;
    }
    if (option(l->o, 's')) {
        run_printf(l->run, "%6zu ", blocks_of(l->run, &e->stat));
        column += 7;
    }
    if (long_form(l))
        put_long(l, e);
    else
        column += put_name(l, e);
    return column;
}

static void put_entries(struct listing *l, struct entry *entries, size_t count)
{
    size_t columns = 1, width = 1;
    qsort_r(entries, count, sizeof *entries, compare, l);
    if (l->columns) {
        for (size_t i = 0; i < count; i++)
            width = entries[i].name.len > width ? entries[i].name.len : width;
        width += 2U + (option(l->o, 'F') || option(l->o, 'p')) + (option(l->o, 'i') ? 8U : 0U) + (option(l->o, 's') ? 7U : 0U);
        columns = width < TERMINAL_COLUMNS ? TERMINAL_COLUMNS / width : 1;
    }
    size_t rows = columns > 1 ? (count + columns - 1) / columns : count;
    for (size_t row = 0; row < rows && run_step(l->run, 0); row++) {
        size_t column = 0, next = 0;
        for (size_t c = 0; c < columns; c++) {
            size_t i = option(l->o, 'x') ? row * columns + c : c * rows + row;
            if (i >= count)
                continue;
            if (column > 0) {
                run_printf(l->run, "%*s", (int)(next - column), "");
                column = next;
            }
            next = column + width;
            column += put_single(l, &entries[i]);
        }
        run_text(l->run, "\n");
    }
    l->printed = l->printed || count > 0;
}

static bool add_entry(struct listing *l, struct entry *list, size_t *count, struct span name, struct span path)
{
    struct entry *e = &list[*count];
    *e = (struct entry){.name = name};
    bool follow = option(l->o, 'L');
    int error = tree_stat(run_tree(l->run), run_cwd(l->run), path, follow, &e->stat);
    if (error < 0 && follow)
        error = tree_stat(run_tree(l->run), run_cwd(l->run), path, false, &e->stat);
    if (error < 0) {
        l->status = run_fail(l->run, path, error);
        return false;
    }
    e->target = scratch_copy(l->run, e->stat.target);
    e->stat.path = scratch_copy(l->run, e->stat.path);
    e->stat.target = e->target;
    ++*count;
    return true;
}

/* The entries of a folder, in memory to be freed; NULL when it can't be read (said). */
static struct entry *read_folder(struct listing *l, struct span path, size_t *ret_count)
{
    struct buf names;
    int error = folder_names(l->run, path, &names);
    struct entry *entries = error < 0 ? NULL : calloc(LIST_MAX, sizeof *entries);
    *ret_count = 0;
    if (error < 0)
        l->status = run_fail(l->run, path, error);
    if (entries != NULL) {
        struct span rest = buf_as_span(&names), name;
        bool hidden = option(l->o, 'a') || option(l->o, 'A');
        if (option(l->o, 'a') && run_step(l->run, 1)) {
            (void)add_entry(l, entries, ret_count, span_text("."), path);
            (void)add_entry(l, entries, ret_count, span_text(".."), path_join(l->run, path, span_text("..")));
        }
        while (*ret_count < LIST_MAX - 1 && folder_next(&rest, &name) && run_step(l->run, *ret_count % 16 == 0)) {
            if (name.len > 0 && name.at[0] == '.' && !hidden)
                continue;
            (void)add_entry(l, entries, ret_count, scratch_copy(l->run, name), path_join(l->run, path, name));
        }
    }
    buf_done(&names);
    return entries;
}

static void list_folder(struct listing *l, struct span path, bool header)
{
    size_t count;
    struct entry *entries = read_folder(l, path, &count);
    if (entries == NULL)
        return;
    if (header)
        run_printf(l->run, "%s%.*s:\n", l->printed ? "\n" : "", TEXT(path));
    l->printed = true;
    if (long_form(l) || option(l->o, 's')) {
        size_t blocks = 0;
        for (size_t i = 0; i < count; i++)
            blocks += blocks_of(l->run, &entries[i].stat);
        if (option(l->o, 'h') && blocks > 0)
            run_printf(l->run, "total %zuK     \n", blocks);
        else
            run_printf(l->run, "total %zu\n", blocks);
    }
    put_entries(l, entries, count);
    for (size_t i = 0; option(l->o, 'R') && i < count && l->depth < WALK_DEPTH_MAX && run_step(l->run, 1); i++) {
        if (entries[i].stat.type != TREE_DIRECTORY || span_is(entries[i].name, ".") || span_is(entries[i].name, ".."))
            continue;
        l->depth++;
        list_folder(l, path_join(l->run, path, entries[i].name), true);
        l->depth--;
    }
    free(entries);
}

static int ls(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "Cadi1lgnsxAkFpRQrSXvctueHLhTw:", "color=z colour=z full-time=e group-directories-first=g"))
        return o.status;
    struct listing l = {.run = run, .o = &o, .now = now_of(run), .minor = busybox_minor(run)};
    l.columns = run->output_is_terminal && !option(&o, '1') && !long_form(&l);
    l.columns = l.columns || option(&o, 'C') || option(&o, 'x');
    /* Whether colour was compiled in differs from device to device, never on one. */
    uint32_t builds = (uint32_t)run_profile(run)->busybox_version.len;
    for (size_t i = 0; i < run_profile(run)->busybox_version.len; i++)
        builds = builds * 31 + run_profile(run)->busybox_version.at[i];
    l.colour = run->output_is_terminal && builds % 2 == 0;
    size_t args = o.arg_count > 0 ? o.arg_count : 1, files = 0;
    struct span here = span_text(".");
    const struct span *paths = o.arg_count > 0 ? o.args : &here;
    struct entry *list = calloc(args, sizeof *list);
    bool *is_folder = calloc(args, sizeof *is_folder);
    for (size_t i = 0; list != NULL && is_folder != NULL && i < args && run_step(run, 1); i++) {
        struct tree_stat stat;
        bool follow = !option(&o, 'd') && !long_form(&l);
        int error = tree_stat(run_tree(run), run_cwd(run), paths[i], follow, &stat);
        /* A link on the command line is followed to a folder, not with -l. */
        is_folder[i] = error == 0 && stat.type == TREE_DIRECTORY && !option(&o, 'd');
        if (!is_folder[i] && !(error == 0 && follow && add_entry(&l, list, &files, paths[i], paths[i])) && (error < 0 || !follow))
            (void)add_entry(&l, list, &files, paths[i], paths[i]);
    }
    if (files > 0)
        put_entries(&l, list, files);
    bool header = option(&o, 'R') || args > 1;
    for (size_t i = 0; is_folder != NULL && i < args && run_step(run, 1); i++)
        if (is_folder[i])
            list_folder(&l, paths[i], header);
    free(list);
    free(is_folder);
    return l.status;
}

const struct applet applet_ls = {
    .name = "ls",
    .run = ls,
    .usage =
        "ls [-1AaCxdLHRFplinshrSXvctu] [-w WIDTH] [FILE]...\n\nList directory contents\n\n\t-1\tOne column output\n\t-a\tInclude names starting with "
        ".\n\t-A\tLike -a, but exclude . and ..\n\t-x\tList by lines\n\t-d\tList directory names, not contents\n\t-L\tFollow "
        "symlinks\n\t-R\tRecurse\n\t-F\tAppend indicator (one of */=@|) to names\n\t-l\tLong format\n\t-i\tList inode numbers\n\t-n\tList numeric "
        "UIDs and GIDs instead of names\n\t-h\tHuman readable sizes (1K 243M 2G)\n\t-S\tSort by size\n\t-t\tSort by mtime\n\t-r\tReverse sort order"};

/* ---- stat */

static const char *type_text(const struct tree_stat *s)
{
    switch (s->type) {
    case TREE_DIRECTORY:
        return "directory";
    case TREE_LINK:
    case TREE_APPLET:
        return "symbolic link";
    case TREE_DEVICE:
        return s->target.len > 0 && s->target.at[0] == 'b' ? "block special file" : "character special file";
    default:
        return s->size == 0 ? "regular empty file" : "regular file";
    }
}

static unsigned raw_mode(const struct tree_stat *s)
{
    unsigned type = s->type == TREE_DIRECTORY                        ? 040000U
                    : s->type == TREE_LINK || s->type == TREE_APPLET ? 0120000U
                    : s->type == TREE_DEVICE                         ? 020000U
                                                                     : 0100000U;
    return type | (s->type == TREE_LINK || s->type == TREE_APPLET ? 0777U : s->mode);
}

static void put_date(struct buf *out, usec_t time)
{
    struct tm tm;
    time_split(time, &tm);
    buf_printf(out, "%d-%02d-%02d %02d:%02d:%02d.%09d +0000", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
               (int)(time % USEC_PER_SEC) * 1000);
}

static void stat_item(struct run *run, struct buf *out, uint8_t letter, struct span path, const struct tree_stat *s)
{
    char mode[11];
    switch (letter) {
    case 'a':
        buf_printf(out, "%o", raw_mode(s) & 07777);
        break;
    case 'A':
        buf_text(out, mode_print(s->type, (uint16_t)(raw_mode(s) & 07777), s->target, mode));
        break;
    case 'f':
        buf_printf(out, "%x", raw_mode(s));
        break;
    case 'F':
        buf_text(out, type_text(s));
        break;
    case 'n':
        buf_span(out, path);
        break;
    case 'N':
        buf_printf(out, "'%.*s'", TEXT(path));
        if (s->type == TREE_LINK)
            buf_printf(out, " -> '%.*s'", TEXT(s->target));
        break;
    case 's':
        buf_printf(out, "%zu", shown_size(run, s));
        break;
    case 'b':
        buf_printf(out, "%zu", blocks_of(run, s) * 2);
        break;
    case 'B':
        buf_text(out, "512");
        break;
    case 'o':
        buf_text(out, "4096");
        break;
    case 'h':
        buf_printf(out, "%u", s->links > 0 ? s->links : 1);
        break;
    case 'i':
        buf_printf(out, "%u", path_number(run, s->path));
        break;
    case 'U':
    case 'G':
        buf_text(out, "root");
        break;
    case 'd':
        buf_text(out, "7939");
        break;
    case 'D':
        buf_text(out, "1f03");
        break;
    case 'X':
    case 'Y':
    case 'Z':
        buf_printf(out, "%lld", (long long)(s->changed / USEC_PER_SEC));
        break;
    case 'x':
    case 'y':
    case 'z':
        put_date(out, s->changed);
        break;
    case '%':
        buf_byte(out, '%');
        break;
    default: /* u g t T: all are 0 */
        buf_text(out, memchr("ugtT", letter, 4) != NULL ? "0" : "?");
    }
}

static void stat_format(struct run *run, struct buf *out, const char *format, struct span path, const struct tree_stat *s)
{
    for (; *format != '\0'; format++) {
        if (*format == '%' && format[1] != '\0')
            stat_item(run, out, (uint8_t) * ++format, path, s);
        else
            buf_byte(out, (uint8_t)*format);
    }
}

static int stat_run(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "Lfc:t", "format=c"))
        return o.status;
    if (o.arg_count == 0)
        return run_usage(run);
    int status = 0;
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++) {
        struct tree_stat s;
        struct span path = o.args[i];
        int error = tree_stat(run_tree(run), run_cwd(run), path, option(&o, 'L'), &s);
        if (error < 0) {
            run_error(run, "stat: can't stat '%.*s': %s\n", TEXT(path), errno_text(error));
            status = 1;
            continue;
        }
        struct buf out;
        buf_init(&out, 64 * 1024);
        if (option(&o, 'c')) {
            struct buf format;
            buf_init(&format, 4096);
            buf_span(&format, option_value(&o, 'c'));
            stat_format(run, &out, buf_cstr(&format), path, &s);
            buf_byte(&out, '\n');
            buf_done(&format);
        } else if (option(&o, 't')) {
            stat_format(run, &out, "%n %s %b %f 0 0 %D %i %h 0 0 %X %Y %Z %o\n", path, &s);
        } else {
            buf_printf(&out, "  File: %s%.*s%s", s.type == TREE_LINK ? "'" : "", TEXT(path), s.type == TREE_LINK ? "'" : "");
            if (s.type == TREE_LINK)
                buf_printf(&out, " -> '%.*s'", TEXT(s.target));
            buf_printf(&out, "\n  Size: %-10zu\tBlocks: %-10zu IO Block: 4096   %s\n", shown_size(run, &s), blocks_of(run, &s) * 2, type_text(&s));
            buf_printf(&out, "Device: 1f03h/7939d\tInode: %-10u  Links: %u\n", path_number(run, s.path), s.links > 0 ? s.links : 1);
            stat_format(run, &out, "Access: (0%a/%A)  Uid: (    0/    root)   Gid: (    0/    root)\nAccess: %x\nModify: %y\nChange: %z\n", path, &s);
        }
        (void)out_paid(run, buf_as_span(&out));
        buf_done(&out);
    }
    return status;
}

const struct applet applet_stat = {
    .name = "stat", .run = stat_run, .usage = "stat [-ltf] [-c FMT] FILE...\n\nDisplay file (default) or filesystem status"};

/* ---- du, readlink, realpath */

static void put_blocks(struct run *run, const struct options *o, size_t kib, struct span path)
{
    if (!option(o, 'h'))
        run_printf(run, "%zu\t", option(o, 'm') ? (kib + 1023) / 1024 : kib);
    else if (kib < 1024)
        run_printf(run, kib == 0 ? "0\t" : "%zu.0K\t", kib);
    else
        run_printf(run, "%.1fM\t", (double)kib / 1024);
    run_printf(run, "%.*s\n", TEXT(path));
}

static size_t du_path(struct run *run, const struct options *o, struct span path, unsigned depth)
{
    struct tree_stat stat;
    if (depth > WALK_DEPTH_MAX || tree_stat(run_tree(run), run_cwd(run), path, false, &stat) < 0)
        return 0;
    size_t kib = blocks_of(run, &stat);
    bool folder = stat.type == TREE_DIRECTORY;
    if (folder) {
        struct buf names;
        (void)folder_names(run, path, &names);
        struct span rest = buf_as_span(&names), name;
        while (folder_next(&rest, &name) && run_step(run, 1))
            kib += du_path(run, o, path_join(run, path, name), depth + 1);
        buf_done(&names);
    }
    if (depth == 0 || (!option(o, 's') && (folder || option(o, 'a'))))
        put_blocks(run, o, kib, path);
    return kib;
}

static int du(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "aHkLsxd:lcmhb", NULL))
        return o.status;
    int status = 0;
    size_t total = 0;
    for (size_t i = 0; i < (o.arg_count > 0 ? o.arg_count : 1) && run_step(run, 1); i++) {
        struct span path = o.arg_count > 0 ? o.args[i] : span_text(".");
        struct tree_stat stat;
        int error = tree_stat(run_tree(run), run_cwd(run), path, false, &stat);
        if (error < 0)
            status = run_fail(run, path, error);
        else
            total += du_path(run, &o, path, 0);
    }
    if (option(&o, 'c'))
        put_blocks(run, &o, total, span_text("total"));
    return status;
}

const struct applet applet_du = {
    .name = "du", .run = du, .usage = "du [-aHLdclsxhmk] [FILE]...\n\nSummarize disk space used for FILEs (or directories)"};

static int readlink_run(struct run *run)
{
    struct options o;
    bool real = span_is(name_of(run), "realpath");
    if (!options_parse(run, &o, "fnvsq", NULL))
        return o.status;
    if (o.arg_count == 0 || (!real && o.arg_count > 1))
        return run_usage(run);
    int status = 0;
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++) {
        struct tree_stat stat;
        bool resolve = real || option(&o, 'f');
        int error = tree_stat(run_tree(run), run_cwd(run), o.args[i], resolve, &stat);
        struct span answer = error < 0                                            ? span_of(NULL, 0)
                             : resolve                                            ? stat.path
                             : stat.type == TREE_LINK || stat.type == TREE_APPLET ? stat.target
                                                                                  : (struct span){0};
        if (error == 0 && stat.type == TREE_APPLET && (resolve || answer.len == 0))
            answer = span_text("/bin/busybox");
        char path[TREE_PATH_MAX];
        /* The last part need not be there. */
        if (error == -ENOENT && resolve && tree_absolute(run_cwd(run), o.args[i], path) == 0) {
            struct span parent = span_part(span_text(path), 0, strlen(path) - path_base(span_text(path)).len);
            if (tree_stat(run_tree(run), run_cwd(run), parent, true, &stat) == 0)
                answer = span_text(path);
        }
        if (answer.len == 0) {
            status = 1;
            if (real)
                (void)run_fail(run, o.args[i], error);
            continue;
        }
        run_printf(run, option(&o, 'n') ? "%.*s" : "%.*s\n", TEXT(answer));
    }
    return status;
}

const struct applet applet_readlink = {.name = "readlink", .run = readlink_run, .usage = "readlink [-fnv] FILE\n\nDisplay the value of a symlink"};
const struct applet applet_realpath = {.name = "realpath", .run = readlink_run, .usage = "realpath FILE...\n\nPrint absolute pathnames of FILEs"};
