/* Commands that change the tree: cp, mv, rm, mkdir, rmdir, touch, ln, chmod, chown, chgrp, mknod … */
#include "observe/honeypot/shell/applets/walk.h"

#include <stdio.h>

static int add_name(void *user, struct span name, const struct tree_stat *stat)
{
    (void)stat;
    struct buf *names = user;
    buf_span(names, name);
    buf_byte(names, '\0');
    return names->error;
}

int folder_names(struct run *run, struct span path, struct buf *ret)
{
    buf_init(ret, 256 * 1024);
    return tree_list(run_tree(run), run_cwd(run), path, add_name, ret);
}

bool folder_next(struct span *rest, struct span *ret_name)
{
    if (rest->len == 0)
        return false;
    size_t len = span_find(*rest, '\0');
    *ret_name = span_part(*rest, 0, len);
    *rest = span_part(*rest, len + 1, SIZE_MAX);
    return true;
}

static int stat_of(struct run *run, struct span path, bool follow, struct tree_stat *ret)
{
    return tree_stat(run_tree(run), run_cwd(run), path, follow, ret);
}

static bool is_folder(struct run *run, struct span path)
{
    struct tree_stat stat;
    return stat_of(run, path, true, &stat) == 0 && stat.type == TREE_DIRECTORY;
}

static struct span trimmed(struct span path)
{
    while (path.len > 1 && path.at[path.len - 1] == '/')
        path.len--;
    return path;
}

/* ---- rm */

int remove_all(struct run *run, struct span path, unsigned depth, struct span *ret_path)
{
    struct tree_stat stat;
    int error = stat_of(run, path, false, &stat);
    if (error == 0 && stat.type == TREE_DIRECTORY && depth < WALK_DEPTH_MAX) {
        struct buf names;
        struct span rest, name;
        int first = folder_names(run, path, &names);
        rest = buf_as_span(&names);
        while (folder_next(&rest, &name) && run_step(run, 1)) {
            struct span below, entry = path_join(run, path, name);
            error = remove_all(run, entry, depth + 1, &below);
            /* A full layer can't note one more removal: for the attacker the rest is gone too. */
            if (error == -ENOSPC)
                break;
            if (error < 0 && first == 0) {
                first = error;
                *ret_path = below;
            }
        }
        buf_done(&names);
        if (first < 0)
            return first;
    }
    if (error == 0 || error == -ENOSPC)
        error = tree_remove(run_tree(run), run_cwd(run), path);
    *ret_path = path;
    return error == -ENOSPC || error == -ENOTEMPTY ? 0 : error;
}

static int rm(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "fiRrv", "recursive=r force=f"))
        return o.status;
    bool force = option(&o, 'f'), recursive = option(&o, 'r') || option(&o, 'R');
    if (o.arg_count == 0)
        return force ? 0 : run_usage(run);
    int status = 0;
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++) {
        struct span path = trimmed(o.args[i]), base = path_base(path), about = path;
        struct tree_stat stat;
        if (span_is(base, ".") || span_is(base, "..")) {
            run_error(run, "rm: can't remove '.' or '..'\n");
            status = 1;
            continue;
        }
        int error = stat_of(run, path, false, &stat);
        if (error == -ENOENT && force)
            continue;
        if (error == 0 && stat.type == TREE_DIRECTORY && !recursive) {
            run_error(run, "rm: '%.*s' is a directory\n", TEXT(path));
            status = 1;
            continue;
        }
        error = error < 0 ? error : remove_all(run, path, 0, &about);
        if (error < 0) {
            run_error(run, "rm: can't remove '%.*s': %s\n", TEXT(about), errno_text(error));
            status = 1;
        } else if (option(&o, 'v')) {
            run_printf(run, "removed '%.*s'\n", TEXT(path));
        }
    }
    return status;
}

const struct applet applet_rm = {
    .name = "rm",
    .run = rm,
    .usage = "rm [-irf] FILE...\n\nRemove (unlink) FILEs\n\n\t-i\tAlways prompt before removing\n\t-f\tNever prompt\n\t-R,-r\tRecurse"};

static int rmdir_run(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "p", "parents=p ignore-fail-on-non-empty=p"))
        return o.status;
    if (o.arg_count == 0)
        return run_usage(run);
    int status = 0;
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++) {
        struct span path = o.args[i];
        struct tree_stat stat;
        int error = stat_of(run, path, false, &stat);
        if (error == 0)
            error = stat.type == TREE_DIRECTORY ? tree_remove(run_tree(run), run_cwd(run), path) : -ENOTDIR;
        if (error < 0) {
            run_error(run, "rmdir: '%.*s': %s\n", TEXT(path), errno_text(error));
            status = 1;
        }
    }
    return status;
}

const struct applet applet_rmdir = {.name = "rmdir", .run = rmdir_run, .usage = "rmdir [-p] DIRECTORY...\n\nRemove DIRECTORY if it is empty"};

static int unlink_run(struct run *run)
{
    if (run->argc != 2)
        return run_usage(run);
    struct tree_stat stat;
    int error = stat_of(run, run->argv[1], false, &stat);
    if (error == 0)
        error = stat.type == TREE_DIRECTORY ? -EISDIR : tree_remove(run_tree(run), run_cwd(run), run->argv[1]);
    if (error < 0)
        run_error(run, "unlink: can't remove file '%.*s': %s\n", TEXT(run->argv[1]), errno_text(error));
    return error < 0;
}

const struct applet applet_unlink = {.name = "unlink", .run = unlink_run, .usage = "unlink FILE\n\nDelete FILE by calling unlink()"};

/* ---- cp and mv */

static int copy_any(struct run *run, const struct options *o, struct span from, struct span to, unsigned depth);

static int copy_folder(struct run *run, const struct options *o, struct span from, struct span to, unsigned depth)
{
    struct tree_stat stat;
    int status = 0;
    if (depth >= WALK_DEPTH_MAX)
        return 1;
    if (stat_of(run, to, true, &stat) < 0) {
        int error = tree_mkdir(run_tree(run), run_cwd(run), to, 0755);
        if (error < 0) {
            run_error(run, "cp: can't create directory '%.*s': %s\n", TEXT(to), errno_text(error));
            return 1;
        }
    } else if (stat.type != TREE_DIRECTORY) {
        run_error(run, "cp: target '%.*s' is not a directory\n", TEXT(to));
        return 1;
    }
    struct buf names;
    (void)folder_names(run, from, &names);
    struct span rest = buf_as_span(&names), name;
    while (folder_next(&rest, &name) && run_step(run, 1))
        status |= copy_any(run, o, path_join(run, from, name), path_join(run, to, name), depth + 1);
    buf_done(&names);
    return status;
}

static int copy_any(struct run *run, const struct options *o, struct span from, struct span to, unsigned depth)
{
    bool recursive = option(o, 'r') || option(o, 'R') || option(o, 'a'), keep_links = option(o, 'a') || option(o, 'd') || option(o, 'P');
    struct tree_stat source, sink;
    int error = stat_of(run, from, !keep_links, &source);
    if (error < 0) {
        run_error(run, "cp: can't stat '%.*s': %s\n", TEXT(from), errno_text(error));
        return 1;
    }
    if (source.type == TREE_DIRECTORY) {
        if (recursive)
            return copy_folder(run, o, from, to, depth);
        run_error(run, "cp: omitting directory '%.*s'\n", TEXT(from));
        return 1;
    }
    bool is_link = source.type == TREE_LINK;
    struct span link = is_link ? scratch_copy(run, source.target) : (struct span){0}, path = scratch_copy(run, source.path);
    if (stat_of(run, to, true, &sink) == 0) {
        if (span_equal(path, sink.path)) {
            run_error(run, "cp: '%.*s' and '%.*s' are the same file\n", TEXT(from), TEXT(to));
            return 1;
        }
        if (option(o, 'n'))
            return 0;
    }
    if (is_link || option(o, 's') || option(o, 'l'))
        error = tree_link(run_tree(run), run_cwd(run), is_link ? link : from, to, is_link || option(o, 's'));
    else
        error = tree_copy(run_tree(run), run_cwd(run), from, to);
    if (error < 0) {
        const char *what = error == -ENOSPC ? "write error" : NULL;
        if (what != NULL)
            run_error(run, "cp: %s: %s\n", what, errno_text(error));
        else
            run_error(run, "cp: can't create '%.*s': %s\n", TEXT(to), errno_text(error));
        return 1;
    }
    if (option(o, 'v'))
        run_printf(run, "'%.*s' -> '%.*s'\n", TEXT(from), TEXT(to));
    return 0;
}

/* Where a file goes: into a folder under its own name. */
static struct span destination(struct run *run, const struct options *o, struct span from, struct span last, bool folder)
{
    (void)o;
    return folder ? path_join(run, last, path_base(trimmed(from))) : last;
}

static int cp(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "adfHilLnpPrRstTuv", NULL))
        return o.status;
    if (o.arg_count < 2)
        return run_usage(run);
    struct span last = o.args[o.arg_count - 1];
    bool folder = !option(&o, 'T') && (o.arg_count > 2 || is_folder(run, last));
    int status = 0;
    for (size_t i = 0; i + 1 < o.arg_count && run_step(run, 1); i++)
        status |= copy_any(run, &o, o.args[i], destination(run, &o, o.args[i], last, folder), 0);
    return status;
}

const struct applet applet_cp = {
    .name = "cp",
    .run = cp,
    .usage = "cp [-arPLHpfinlsTu] SOURCE DEST\nor: cp [-arPLHpfinlsu] SOURCE... DIRECTORY\n\nCopy SOURCEs to DEST\n\n\t-a\tSame as "
             "-dpR\n\t-R,-r\tRecurse\n\t-d,-P\tPreserve symlinks (default if -R)\n\t-L\tFollow all symlinks\n\t-p\tPreserve file attributes if "
             "possible\n\t-f\tOverwrite\n\t-i\tPrompt before overwrite\n\t-l,-s\tCreate (sym)links"};

static int mv(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "finvTt:", NULL))
        return o.status;
    size_t least = option(&o, 't') ? 1 : 2;
    if (o.arg_count < least)
        return run_usage(run);
    struct span last = option(&o, 't') ? option_value(&o, 't') : o.args[o.arg_count - 1];
    bool folder = option(&o, 't') || (!option(&o, 'T') && (o.arg_count > 2 || is_folder(run, last)));
    int status = 0;
    for (size_t i = 0; i + least - 1 < o.arg_count && run_step(run, 1); i++) {
        struct span to = destination(run, &o, o.args[i], last, folder);
        struct tree_stat stat;
        if (option(&o, 'n') && stat_of(run, to, false, &stat) == 0)
            continue;
        int error = tree_rename(run_tree(run), run_cwd(run), o.args[i], to);
        if (error < 0) {
            run_error(run, "mv: can't rename '%.*s': %s\n", TEXT(o.args[i]), errno_text(error));
            status = 1;
        }
    }
    return status;
}

const struct applet applet_mv = {
    .name = "mv",
    .run = mv,
    .usage = "mv [-fin] SOURCE DEST\nor: mv [-fin] SOURCE... DIRECTORY\n\nRename SOURCE to DEST, or move SOURCEs to DIRECTORY\n\n\t-f\tDon't prompt "
             "before overwriting\n\t-i\tInteractive, prompt before overwrite\n\t-n\tDon't overwrite an existing file"};

/* ---- mkdir, touch, ln */

static int make_parents(struct run *run, struct span path)
{
    for (size_t at = 1; at <= path.len; at++) {
        if (at < path.len && path.at[at] != '/')
            continue;
        struct span part = span_part(path, 0, at);
        int error = is_folder(run, part) ? 0 : tree_mkdir(run_tree(run), run_cwd(run), part, 0755);
        if (error < 0 && at == path.len)
            return error;
        if (error < 0)
            return error;
    }
    return 0;
}

static int mkdir_run(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "m:pv", "mode=m parents=p"))
        return o.status;
    if (o.arg_count == 0)
        return run_usage(run);
    uint16_t mode = 0755;
    if (option(&o, 'm') && !mode_parse(option_value(&o, 'm'), 0755, true, &mode)) {
        run_error(run, "mkdir: invalid mode '%.*s'\n", TEXT(option_value(&o, 'm')));
        return 1;
    }
    int status = 0;
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++) {
        struct span path = trimmed(o.args[i]);
        int error = option(&o, 'p') ? make_parents(run, path) : tree_mkdir(run_tree(run), run_cwd(run), path, mode);
        if (error < 0) {
            run_error(run, "mkdir: can't create directory '%.*s': %s\n", TEXT(o.args[i]), errno_text(error));
            status = 1;
        } else if (option(&o, 'm')) {
            (void)tree_chmod(run_tree(run), run_cwd(run), path, mode);
        }
    }
    return status;
}

const struct applet applet_mkdir = {
    .name = "mkdir",
    .run = mkdir_run,
    .usage = "mkdir [-m MODE] [-p] DIRECTORY...\n\nCreate DIRECTORY\n\n\t-m MODE\tMode\n\t-p\tNo error if exists; make parent directories as needed"};

static int touch(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "chamd:t:r:", "no-create=c reference=r date=d"))
        return o.status;
    if (o.arg_count == 0)
        return run_usage(run);
    int status = 0;
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++) {
        struct tree_stat stat;
        int error = stat_of(run, o.args[i], true, &stat);
        if (error == -ENOENT && option(&o, 'c'))
            continue;
        if (error == -ENOENT)
            error = tree_truncate(run_tree(run), run_cwd(run), o.args[i], 0);
        else if (error == 0 && stat.type != TREE_DEVICE)
            error = tree_chmod(run_tree(run), run_cwd(run), o.args[i], stat.mode);
        if (error < 0)
            status = run_fail(run, o.args[i], error);
    }
    return status;
}

const struct applet applet_touch = {
    .name = "touch",
    .run = touch,
    .usage = "touch [-c] [-d DATE] [-t DATE] [-r FILE] FILE...\n\nUpdate the last-modified date on the given FILE[s]\n\n\t-c\tDon't create files"};

static int ln(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "sfnbS:vT", NULL))
        return o.status;
    if (o.arg_count == 0)
        return run_usage(run);
    struct span last = o.arg_count > 1 ? o.args[o.arg_count - 1] : span_text(".");
    bool folder = !option(&o, 'T') && is_folder(run, last);
    int status = 0;
    for (size_t i = 0; i < (o.arg_count > 1 ? o.arg_count - 1 : 1) && run_step(run, 1); i++) {
        struct span to = destination(run, &o, o.args[i], last, folder);
        struct tree_stat stat;
        int error = option(&o, 's') ? 0 : stat_of(run, o.args[i], false, &stat);
        if (error < 0) {
            status = run_fail(run, o.args[i], error);
            continue;
        }
        if (option(&o, 'f'))
            (void)tree_remove(run_tree(run), run_cwd(run), to);
        error = tree_link(run_tree(run), run_cwd(run), o.args[i], to, option(&o, 's'));
        if (error < 0)
            status = run_fail(run, to, error);
    }
    return status;
}

const struct applet applet_ln = {
    .name = "ln",
    .run = ln,
    .usage = "ln [-sfnbtv] [-S SUF] TARGET... LINK|DIR\n\nCreate a link LINK or DIR/TARGET to the specified TARGET(s)\n\n\t-s\tMake symlinks instead "
             "of hardlinks\n\t-f\tRemove existing destinations\n\t-n\tDon't dereference symlinks - treat like normal file"};

static int link_run(struct run *run)
{
    if (run->argc != 3)
        return run_usage(run);
    int error = tree_link(run_tree(run), run_cwd(run), run->argv[1], run->argv[2], false);
    if (error < 0)
        run_error(run, "link: can't create hard link '%.*s' to '%.*s': %s\n", TEXT(run->argv[2]), TEXT(run->argv[1]), errno_text(error));
    return error < 0;
}

const struct applet applet_link = {.name = "link", .run = link_run, .usage = "link FILE LINK\n\nCreate hard LINK to FILE"};

/* ---- chmod, chown */

static uint16_t who_bits(uint8_t who)
{
    return who == 'u' ? 04700 : who == 'g' ? 02070 : who == 'o' ? 01007 : 07777;
}

/* One "[ugoa]*[+-=][rwxXst]*". */
static bool mode_clause(struct span text, bool directory, uint16_t *mode)
{
    size_t i = 0;
    uint16_t who = 0;
    while (i < text.len && memchr("ugoa", text.at[i], 4) != NULL)
        who = (uint16_t)(who | who_bits(text.at[i++]));
    if (who == 0)
        who = 07777 & ~022;
    while (i < text.len && memchr("+-=", text.at[i], 3) != NULL) {
        uint8_t operation = text.at[i++];
        uint16_t bits = 0;
        for (; i < text.len && memchr("+-=", text.at[i], 3) == NULL; i++) {
            uint8_t letter = text.at[i];
            if (letter == 'r' || letter == 'w' || letter == 'x')
                bits = (uint16_t)(bits | (letter == 'r' ? 0444 : letter == 'w' ? 0222 : 0111));
            else if (letter == 'X')
                bits = (uint16_t)(bits | (directory || (*mode & 0111) ? 0111 : 0));
            else if (letter == 's' || letter == 't')
                bits = (uint16_t)(bits | (letter == 's' ? 06000 : 01000));
            else if (letter == 'u' || letter == 'g' || letter == 'o')
                bits = (uint16_t)(bits | ((*mode >> (letter == 'u' ? 6 : letter == 'g' ? 3 : 0)) & 7) * 0111);
            else
                return false;
        }
        bits &= who;
        if (operation == '+')
            *mode = (uint16_t)(*mode | bits);
        else if (operation == '-')
            *mode = (uint16_t)(*mode & ~bits);
        else
            *mode = (uint16_t)((*mode & ~who) | bits);
    }
    return i == text.len;
}

bool mode_parse(struct span text, uint16_t old, bool directory, uint16_t *ret)
{
    uint16_t mode = old;
    if (text.len == 0)
        return false;
    if (text.at[0] >= '0' && text.at[0] <= '7') {
        unsigned value = 0;
        for (size_t i = 0; i < text.len; i++) {
            if (text.at[i] < '0' || text.at[i] > '7' || value > 07777)
                return false;
            value = value * 8 + text.at[i] - '0';
        }
        *ret = (uint16_t)value;
        return value <= 07777;
    }
    while (text.len > 0) {
        size_t len = span_find(text, ',');
        struct span clause = span_part(text, 0, len);
        bool operation = span_find(clause, '+') < len || span_find(clause, '-') < len || span_find(clause, '=') < len;
        if (!operation || !mode_clause(clause, directory, &mode))
            return false;
        text = span_part(text, len + 1, SIZE_MAX);
    }
    *ret = mode;
    return true;
}

/* What chmod and chown do to one path. */
struct change {
    struct run *run;
    struct span mode; /* empty: chown */
    bool recursive, quiet, bad;
};

static int change_path(struct change *c, struct span path, unsigned depth)
{
    struct tree_stat stat;
    int status = 0;
    int error = stat_of(c->run, path, true, &stat);
    uint16_t mode = 0;
    bool folder = error == 0 && stat.type == TREE_DIRECTORY;
    if (error == 0 && c->mode.len > 0) {
        if (!mode_parse(c->mode, stat.mode, folder, &mode)) {
            run_error(c->run, "chmod: invalid mode '%.*s'\n", TEXT(c->mode));
            c->bad = true;
            return 1;
        }
        /* The mode a read-only or special file already has is no change. */
        error = mode == stat.mode ? 0 : tree_chmod(c->run ? run_tree(c->run) : NULL, run_cwd(c->run), path, mode);
    }
    if (error < 0) {
        if (!c->quiet)
            (void)run_fail(c->run, path, error);
        return 1;
    }
    if (!folder || !c->recursive || depth >= WALK_DEPTH_MAX)
        return 0;
    struct buf names;
    (void)folder_names(c->run, path, &names);
    struct span rest = buf_as_span(&names), name;
    while (!c->bad && folder_next(&rest, &name) && run_step(c->run, 1))
        status |= change_path(c, path_join(c->run, path, name), depth + 1);
    buf_done(&names);
    return status;
}

static int chmod_run(struct run *run)
{
    /* Modes such as -x look like options: they are put behind. */
    bool letters = run->argc > 1 && run->argv[1].len > 1 && run->argv[1].at[0] == '-' && memchr("rwxst", run->argv[1].at[1], 5) != NULL;
    struct options o;
    if (letters) {
        o = (struct options){.args = run->argv + 1, .arg_count = run->argc - 1};
    } else if (!options_parse(run, &o, "Rcvf", "recursive=R")) {
        return o.status;
    }
    if (o.arg_count < 2)
        return run_usage(run);
    struct change c = {.run = run, .mode = o.args[0], .recursive = option(&o, 'R'), .quiet = option(&o, 'f')};
    int status = 0;
    for (size_t i = 1; i < o.arg_count && !c.bad && run_step(run, 1); i++)
        status |= change_path(&c, o.args[i], 0);
    return status;
}

const struct applet applet_chmod = {.name = "chmod",
                                    .run = chmod_run,
                                    .usage = "chmod [-Rcvf] MODE[,MODE]... FILE...\n\nMODE is octal number (bit pattern sstrwxrwxrwx) or "
                                             "[ugoa]{+|-|=}[rwxXst]\n\n\t-R\tRecurse\n\t-c\tList changed files\n\t-v\tVerbose\n\t-f\tHide errors"};

/* Whether a name or number is in a file like /etc/passwd. */
static bool known_name(struct run *run, const char *file, struct span name)
{
    struct span rest = file_text(run, file, 4096), line;
    uint64_t number;
    bool ended;
    if (name.len == 0 || number_parse(name, &number) || span_is(name, "root"))
        return true;
    while (line_next(&rest, &line, &ended))
        if (span_equal(span_part(line, 0, span_find(line, ':')), name))
            return true;
    return false;
}

static int chown_run(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "RhLHPcvf", "recursive=R"))
        return o.status;
    if (o.arg_count < 2)
        return run_usage(run);
    bool group_only = span_is(name_of(run), "chgrp");
    struct span owner = o.args[0];
    size_t colon = span_find(owner, ':');
    if (colon == owner.len)
        colon = span_find(owner, '.');
    struct span user = group_only ? span_of(NULL, 0) : span_part(owner, 0, colon), group = group_only ? owner : span_part(owner, colon + 1, SIZE_MAX);
    if (!known_name(run, "/etc/passwd", user)) {
        run_error(run, "%.*s: unknown user %.*s\n", TEXT(name_of(run)), TEXT(user));
        return 1;
    }
    if (!known_name(run, "/etc/group", group)) {
        run_error(run, "%.*s: unknown group %.*s\n", TEXT(name_of(run)), TEXT(group));
        return 1;
    }
    struct change c = {.run = run, .recursive = option(&o, 'R'), .quiet = option(&o, 'f')};
    int status = 0;
    for (size_t i = 1; i < o.arg_count && run_step(run, 1); i++)
        status |= change_path(&c, o.args[i], 0);
    return status;
}

const struct applet applet_chown = {.name = "chown",
                                    .run = chown_run,
                                    .usage = "chown [-Rhcvf]... USER[:[GRP]] FILE...\n\nChange the owner and/or group of FILEs to USER and/or GRP"};
const struct applet applet_chgrp = {
    .name = "chgrp", .run = chown_run, .usage = "chgrp [-Rhcvf]... GROUP FILE...\n\nChange the group membership of FILEs to GROUP"};

/* ---- the rest */

static int mknod_run(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "m:", NULL))
        return o.status;
    bool fifo = span_is(name_of(run), "mkfifo") || (o.arg_count == 2 && span_is(o.args[1], "p"));
    if (!fifo && (o.arg_count != 4 || o.args[1].len != 1 || memchr("bcu", o.args[1].at[0], 3) == NULL))
        return run_usage(run);
    struct tree_stat stat;
    int error = stat_of(run, o.args[0], false, &stat) == 0 ? -EEXIST : tree_truncate(run_tree(run), run_cwd(run), o.args[0], 0);
    return error < 0 ? run_fail(run, o.args[0], error) : 0;
}

const struct applet applet_mknod = {
    .name = "mknod", .run = mknod_run, .usage = "mknod [-m MODE] NAME TYPE [MAJOR MINOR]\n\nCreate a special file (block, character, or pipe)"};
const struct applet applet_mkfifo = {.name = "mkfifo", .run = mknod_run, .usage = "mkfifo [-m MODE] NAME\n\nCreate named pipe"};

static int mktemp_run(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "qdtup:", NULL))
        return o.status;
    struct span pattern = o.arg_count > 0 ? o.args[0] : span_text("tmp.XXXXXX"), folder = option(&o, 'p') ? option_value(&o, 'p') : span_text("/tmp");
    if (o.arg_count == 0 || option(&o, 't') || option(&o, 'p'))
        pattern = path_join(run, folder, pattern);
    size_t marks = 0;
    while (marks < pattern.len && pattern.at[pattern.len - 1 - marks] == 'X')
        marks++;
    if (marks < 6) {
        run_error(run, "mktemp: %.*s: Invalid argument\n", TEXT(pattern));
        return 1;
    }
    char *path = arena_copy(run_scratch(run), pattern);
    if (path == NULL)
        return 1;
    uint32_t random = seed_of(run, "mktemp") ^ (uint32_t)now_of(run);
    for (size_t i = pattern.len - marks; i < pattern.len; i++) {
        random = random * 1664525U + 1013904223U;
        path[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"[(random >> 16) % 62];
    }
    struct span name = span_of(path, pattern.len);
    int error = 0;
    if (!option(&o, 'u'))
        error = option(&o, 'd') ? tree_mkdir(run_tree(run), run_cwd(run), name, 0700) : tree_truncate(run_tree(run), run_cwd(run), name, 0);
    if (error < 0)
        return run_fail(run, name, error);
    run_printf(run, "%.*s\n", TEXT(name));
    return 0;
}

const struct applet applet_mktemp = {
    .name = "mktemp",
    .run = mktemp_run,
    .usage = "mktemp [-dt] [-p DIR] [TEMPLATE]\n\nCreate a temporary file with name based on TEMPLATE and print its name"};

static int truncate_run(struct run *run)
{
    struct options o;
    uint64_t size;
    if (!options_parse(run, &o, "cs:", NULL))
        return o.status;
    if (o.arg_count == 0 || !option(&o, 's'))
        return run_usage(run);
    if (!number_suffixed(option_value(&o, 's'), true, &size))
        return number_fail(run, option_value(&o, 's'));
    int status = 0;
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++) {
        int error = tree_truncate(run_tree(run), run_cwd(run), o.args[i], size < TREE_FILE_MAX ? (size_t)size : TREE_FILE_MAX);
        if (error < 0)
            status = run_fail(run, o.args[i], error);
    }
    return status;
}

const struct applet applet_truncate = {
    .name = "truncate", .run = truncate_run, .usage = "truncate [-c] -s SIZE FILE...\n\nTruncate FILEs to the given size"};

static int install_run(struct run *run)
{
    struct options o;
    uint16_t mode = 0755;
    if (!options_parse(run, &o, "cdDpsg:m:o:t:", NULL))
        return o.status;
    if (o.arg_count < (option(&o, 'd') ? 1U : 2U))
        return run_usage(run);
    if (option(&o, 'm') && !mode_parse(option_value(&o, 'm'), 0755, false, &mode))
        return run_usage(run);
    int status = 0;
    for (size_t i = 0; i + !option(&o, 'd') < o.arg_count && run_step(run, 1); i++) {
        struct span last = o.args[o.arg_count - 1];
        struct span to = option(&o, 'd') ? o.args[i] : destination(run, &o, o.args[i], last, is_folder(run, last));
        int error = option(&o, 'd') ? make_parents(run, to) : tree_copy(run_tree(run), run_cwd(run), o.args[i], to);
        error = error < 0 ? error : tree_chmod(run_tree(run), run_cwd(run), to, mode);
        if (error < 0)
            status = run_fail(run, o.args[i], error);
    }
    return status;
}

const struct applet applet_install = {.name = "install",
                                      .run = install_run,
                                      .usage = "install [-cdDsp] [-o USER] [-g GRP] [-m MODE] [SOURCE]... DEST\n\nCopy files and set attributes"};
