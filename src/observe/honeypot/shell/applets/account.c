/* Accounts, schedules and screens: passwd, adduser, crontab, logger, vi … What changes is said to be changed. */
#include "observe/honeypot/shell/applets/common.h"

#include <stdio.h>

static bool account_exists(struct run *run, struct span name)
{
    struct span rest = file_text(run, "/etc/passwd", 4096), line;
    bool ended;
    if (span_is(name, "root"))
        return true;
    while (line_next(&rest, &line, &ended))
        if (span_equal(span_part(line, 0, span_find(line, ':')), name))
            return true;
    return false;
}

/* The two questions, as a script of the shell, which can wait for one line and then another. The terminal echoes what is typed, as it does here. */
static int ask_twice(struct run *run, struct span user)
{
    static const char script[] = "printf \"Changing password for $0\\nNew password: \"; read a; printf 'Retype password: '; read b;"
                                 " [ \"$a\" = \"$b\" ] && echo \"Password for $0 changed by $1\" && exit 0;"
                                 " echo \"Passwords don't match\"; echo \"passwd: password for $0 is unchanged\"; exit 1";
    const struct span words[] = {user, user_name(run, 0), {0}};
    return run_script(run, span_text(script), (struct span){0}, 2, words);
}

static int passwd(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "a:dlu", NULL))
        return o.status;
    struct span user = o.arg_count > 0 ? o.args[0] : user_name(run, 0);
    if (!account_exists(run, user)) {
        run_error(run, "passwd: unknown user %.*s\n", TEXT(user));
        return 1;
    }
    if (option(&o, 'd') || option(&o, 'l') || option(&o, 'u')) {
        run_printf(run, "Password for %.*s changed by %.*s\n", TEXT(user), TEXT(user_name(run, 0)));
        return 0;
    }
    if (run->input_is_terminal)
        return ask_twice(run, user);
    struct span rest = run_input(run), first, second;
    bool ended;
    bool given = line_next(&rest, &first, &ended);
    if (!given)
        return 1;
    if (!line_next(&rest, &second, &ended)) {
        run_text(run, "Retype password: \n");
        return 0;
    }
    if (!span_equal(first, second)) {
        run_error(run, "Passwords don't match\npasswd: password for %.*s is unchanged\n", TEXT(user));
        return 1;
    }
    run_printf(run, "Changing password for %.*s\nNew password: \nRetype password: \nPassword for %.*s changed by %.*s\n", TEXT(user), TEXT(user),
               TEXT(user_name(run, 0)));
    return 0;
}

const struct applet applet_passwd = {.name = "passwd",
                                     .run = passwd,
                                     .usage = "passwd [OPTIONS] [USER]\n\nChange USER's password (default: current user)\n\n\t-a ALG\tEncryption "
                                              "method\n\t-d\tSet password to ''\n\t-l\tLock (disable) account\n\t-u\tUnlock (enable) account"};

static int chpasswd(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "emc:R:", "encrypted=e md5=m"))
        return o.status;
    if (run->input_is_terminal)
        return run_await_input(run, false);
    struct span rest = run_input(run), line;
    bool ended;
    while (line_next(&rest, &line, &ended) && run_step(run, 1)) {
        size_t colon = span_find(line, ':');
        struct span user = span_part(line, 0, colon);
        if (colon == line.len) {
            run_error(run, "chpasswd: missing new password\n");
            return 1;
        }
        if (!account_exists(run, user)) {
            run_error(run, "chpasswd: unknown user %.*s\n", TEXT(user));
            return 1;
        }
        if (busybox_minor(run) >= 20)
            run_error(run, "chpasswd: password for '%.*s' changed\n", TEXT(user));
        else
            run_printf(run, "Password for '%.*s' changed\n", TEXT(user));
    }
    return 0;
}

const struct applet applet_chpasswd = {
    .name = "chpasswd", .run = chpasswd, .usage = "chpasswd [--md5|--encrypted]\n\nRead user:password from stdin and update /etc/passwd"};

static int adduser(struct run *run)
{
    struct options o;
    struct span name = name_of(run);
    bool removes = span_is(name, "deluser") || span_is(name, "delgroup"), group = span_is(name, "addgroup") || span_is(name, "delgroup");
    if (!options_parse(run, &o,
                       "h:g:s:G:DSHu:k:", "home=h gecos=g shell=s ingroup=G disabled-password=D empty-password=D system=S no-create-home=H uid=u"))
        return o.status;
    if (o.arg_count == 0)
        return run_usage(run);
    struct span user = o.args[0];
    bool known = account_exists(run, user);
    if (removes && !known) {
        run_error(run, "%.*s: unknown %s %.*s\n", TEXT(name), group ? "group" : "user", TEXT(user));
        return 1;
    }
    if (!removes && known) {
        run_error(run, "%.*s: %s '%.*s' in use\n", TEXT(name), group ? "group" : "user", TEXT(user));
        return 1;
    }
    if (!removes && !group) {
        char line[256];
        int len = snprintf(line, sizeof line, "%.*s:x:1000:1000:Linux User,,,:/home/%.*s:/bin/sh\n", TEXT(span_part(user, 0, 32)),
                           TEXT(span_part(user, 0, 32)));
        (void)tree_write(run_tree(run), span_text("/"), span_text("/etc/passwd"), SIZE_MAX, span_of(line, (size_t)len));
        if (!option(&o, 'D') && run->input_is_terminal)
            return ask_twice(run, user);
    }
    return 0;
}

const struct applet applet_adduser = {
    .name = "adduser", .run = adduser, .usage = "adduser [OPTIONS] USER [GROUP]\n\nCreate new user, or add USER to GROUP"};
const struct applet applet_addgroup = {
    .name = "addgroup", .run = adduser, .usage = "addgroup [-g GID] [-S] [USER] GROUP\n\nAdd a group or add a user to a group"};
const struct applet applet_deluser = {.name = "deluser", .run = adduser, .usage = "deluser USER\n\nDelete USER from the system"};
const struct applet applet_delgroup = {
    .name = "delgroup", .run = adduser, .usage = "delgroup [USER] GROUP\n\nDelete group GROUP from the system or user USER from group GROUP"};

static int crontab(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "u:c:lerd", NULL))
        return o.status;
    struct span folder = option(&o, 'c') ? option_value(&o, 'c') : span_text("/var/spool/cron/crontabs");
    struct tree_stat stat;
    struct span user = option(&o, 'u') ? option_value(&o, 'u') : user_name(run, 0);
    if (option(&o, 'u') && !account_exists(run, user)) {
        run_error(run, "crontab: unknown user %.*s\n", TEXT(user));
        return 1;
    }
    if (tree_stat(run_tree(run), span_text("/"), folder, true, &stat) < 0) {
        run_error(run, "crontab: can't change directory to '%.*s': No such file or directory\n", TEXT(folder));
        return 1;
    }
    struct span path = path_join(run, folder, user);
    if (option(&o, 'l')) {
        if (run_cat(run, path) < 0) {
            run_error(run, "crontab: can't open '%.*s': No such file or directory\n", TEXT(user));
            return 1;
        }
        return 0;
    }
    if (option(&o, 'r') || option(&o, 'd')) {
        (void)tree_remove(run_tree(run), span_text("/"), path);
        return 0;
    }
    if (option(&o, 'e'))
        return 0;
    struct span source = o.arg_count > 0 ? o.args[0] : span_text("-");
    if (span_is(source, "-") && run->input_is_terminal)
        return run_await_input(run, false);
    struct input in;
    if (!input_open_warn(run, source, true, &in))
        return 1;
    int error = tree_truncate(run_tree(run), span_text("/"), path, 0);
    error = error < 0 ? error : tree_write(run_tree(run), span_text("/"), path, 0, in.bytes);
    input_close(&in);
    return error < 0 ? run_fail(run, path, error) : 0;
}

const struct applet applet_crontab = {.name = "crontab",
                                      .run = crontab,
                                      .usage = "crontab [-c DIR] [-u USER] [-ler]|[FILE]\n\n\t-c\tCrontab directory\n\t-u\tUser\n\t-l\tList "
                                               "crontab\n\t-e\tEdit crontab\n\t-r\tDelete crontab\n\tFILE\tReplace crontab by FILE ('-': stdin)"};

/* The editor: a screen full of tildes, and it is left at once, unchanged. */
static int vi(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "RHc:s:hmMv", NULL))
        return o.status;
    struct span name = o.arg_count > 0 ? o.args[0] : (struct span){0};
    struct tree_stat stat;
    bool there = name.len > 0 && tree_stat(run_tree(run), run_cwd(run), name, true, &stat) == 0;
    run_text(run, "\033[?1049h\033[H\033[J");
    if (there && stat.size < CHUNK)
        (void)run_cat(run, name);
    for (unsigned i = 0; i < 22; i++)
        run_text(run, "~\n");
    if (name.len > 0)
        run_printf(run, "- %.*s %s1/1 100%%", TEXT(name), there ? "" : "[New file] ");
    else
        run_text(run, "- No file 1/1 100%");
    run_text(run, "\033[?1049l\n");
    return 0;
}

const struct applet applet_vi = {.name = "vi",
                                 .run = vi,
                                 .usage = "vi [OPTIONS] [FILE]...\n\nEdit FILE\n\n\t-c CMD\tInitial command to run ($EXINIT also "
                                          "available)\n\t-R\tRead-only\n\t-H\tList available features"};
