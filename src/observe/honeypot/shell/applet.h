/*
 * A command of the shell: one function and one line in applets.def. It reads standard input, writes standard output and error, touches
 * the tree, and returns the exit status busybox would.
 */
#pragma once

#include "base/buf.h"
#include "observe/honeypot/shell/shell.h"

/* One running command. Output goes where the redirections point. */
struct run {
    struct shell *shell;
    size_t argc;
    const struct span *argv;   /* argv[0] is the applet's name as called; argv[argc] is an empty span */
    bool input_is_terminal;    /* nothing to read but what is typed: see run_await_input */
    bool output_is_terminal;   /* not redirected, not in a pipe */
    const struct applet *self; /* for the usage text */
};

struct applet {
    const char *name;
    enum applet_where {
        APPLET_BUSYBOX, /* found by PATH and as `busybox NAME`, when the profile has it */
        APPLET_BUILTIN, /* of ash itself: always there */
        APPLET_BOTH     /* builtin and applet (echo, test, printf, kill …) */
    } where;
    int (*run)(struct run *);
    const char *usage; /* what busybox prints for --help or bad usage, after "Usage: "; NULL: generic */
};

/* By name among all applets known here, whatever the profile has; NULL. */
const struct applet *applet_by_name(struct span name);
const struct applet *const *applets_all(size_t *ret_count);

/* Standard input to its end: of a pipe, a file, a here-document, or what was typed. Read (and so used up) at the first call, at most
 * TREE_FILE_MAX bytes; the span lives until the line is done. A command that doesn't read its input must not ask. Empty for a terminal. */
struct span run_input(struct run *);
/* For a command that reads standard input when input_is_terminal: `if (run->input_is_terminal) return run_await_input(run, by_line);`
 * The command must return at once, before any output, with the value given. It is called again from the start with what was typed as run_input() and
 * input_is_terminal false: with every line as it comes until ^D (by_line: cat, grep, sed, tr …), or once with all lines after ^D (wc, sort, sh …). */
int run_await_input(struct run *, bool by_line);

/* What a command may use. */
void run_out(struct run *, struct span);
void run_text(struct run *, const char *text);
void run_printf(struct run *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void run_error(struct run *, const char *format, ...) __attribute__((format(printf, 2, 3))); /* to standard error, as given */
/* "NAME: PATH: No such file or directory\n" with the message for a negative errno; returns 1. */
int run_fail(struct run *, struct span path, int error);
int run_usage(struct run *); /* busybox's usage text for this applet to standard error; returns 1 */
/* Streams a file to the output lazily when that is the terminal (large generated files), else into the pipe or file (cheaply: `cat a > b` of a
 * generated file is a reference). 0 or a negative errno, then nothing was written and the caller complains. What is put out later follows it. */
int run_cat(struct run *, struct span path);
struct tree *run_tree(struct run *);
struct span run_cwd(struct run *);
int run_chdir(struct run *, struct span path);
const struct profile *run_profile(struct run *);
const struct shell_host *run_host(struct run *);
struct arena *run_scratch(struct run *); /* freed after the line */
struct span run_variable(struct run *, struct span name);
int run_set(struct run *, struct span name, struct span value);
void run_unset(struct run *, struct span name);
/* The environment, as `env` shows it: each exported variable. `each` must not change variables. */
void run_environment(struct run *, void (*each)(void *user, struct span name, struct span value), void *user);
bool run_step(struct run *, size_t steps); /* spends budget; false: stop at once */
int run_command(struct run *, size_t argc,
                const struct span *argv); /* runs another command with this one's input and output (busybox, nohup, time, xargs, env) */
/* sh FILE (name: the file; $0 and the prefix of messages, with line numbers), sh -c (name empty: messages start "sh: "). In a shell of its own:
 * variables and the working directory are as before afterwards. argv: $0, $1 …; may be NULL. The text runs once the command has returned, and its
 * status becomes the command's: `return run_script(…)`. */
int run_script(struct run *, struct span text, struct span name, size_t argc, const struct span *argv);
void run_nested_shell(struct run *);     /* an interactive `sh`: greeting, one level deeper, once the command has returned */
void run_exit(struct run *, int status); /* leaves the innermost shell once the command has returned */
void run_sleep(struct run *, usec_t);
/* States a download: method "wget", url NULL or the whole URL, host and target as the command named them, local path. */
void run_download(struct run *, const char *method, struct span url, struct span host, struct span target, struct span path);
/* A file written in this session is started: keep it as a sample now. */
void run_sample(struct run *, struct span path, const char *origin);
