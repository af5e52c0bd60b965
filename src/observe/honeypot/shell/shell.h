/*
 * The shell that is not there: busybox ash's grammar as bots use it, over an in-memory file tree. Bytes in (already without telnet), bytes
 * and facts out. Nothing is executed: every command is one of the applets of applets.def or an answer of the profile.
 *
 * A line budget, a step budget and caps on memory and output bound what any input can cost: when one is used up, the session ends with a reason.
 */
#pragma once

#include "observe/honeypot/profile.h"
#include "observe/honeypot/service.h"
#include "observe/honeypot/shell/tree.h"

struct shell;

enum {
    SHELL_LINE_MAX = 64 * 1024,   /* one line of input */
    SHELL_STEPS_MAX = 200000,     /* commands, loop turns, expansions: a session's budget */
    SHELL_LINE_STEPS_MAX = 20000, /* … and one line's */
    SHELL_DEPTH_MAX = 32,         /* nesting of lists, substitutions, shells */
    SHELL_PIPE_MAX = 256 * 1024,  /* bytes between two commands of a pipe */
    SHELL_WORD_MAX = 64 * 1024,   /* one word after expansion */
    SHELL_WORDS_MAX = 4096        /* words of one command */
};

/* How the shell reaches the conversation; the telnet service gives these, tests and the fuzzer give their own. */
struct shell_host {
    void *user;
    void (*say)(void *user, struct span); /* to the terminal; "\n" is made CR LF here by the host */
    size_t (*unsent)(void *user);
    void (*delay)(void *user, usec_t); /* sleep */
    void (*fact)(void *user, enum kind, const struct fact *, size_t);
    void (*end)(void *user, enum reason); /* the last shell was left, or a budget was used up */
    usec_t (*now)(void *user);
    uint64_t seed;
    struct arena *arena;
    const struct profile *profile;
    struct span user_name; /* who logged in; lives as long as the shell */
};

int shell_new(struct shell **ret, const struct shell_host *);
void shell_free(struct shell *);  /* keeps what was left as samples first (facts), then frees */
void shell_greet(struct shell *); /* greeting and first prompt */
/* One complete line without its line end. Echoes nothing: echo is the terminal's (telnet.c). Prints the next prompt itself. */
void shell_line(struct shell *, struct span line);
/* True while a command reads from the terminal (`cat > x`, `read`): the lines given are its input, not commands. */
bool shell_wants_raw(const struct shell *);
/* A long answer is not through: shell_more goes on with it when what was said has left. Input had better wait until then. */
bool shell_busy(const struct shell *);
void shell_interrupt(struct shell *);   /* ^C */
void shell_end_of_file(struct shell *); /* ^D on an empty line */
/* The output drained: a long answer goes on. */
void shell_more(struct shell *);
struct shell_counts {
    uint32_t commands, downloads, samples;
};
struct shell_counts shell_counts(const struct shell *);
uint32_t shell_steps(const struct shell *); /* of the session's budget, used so far */
