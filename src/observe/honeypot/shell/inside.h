/*
 * Inside the shell: what its files share.
 *
 *   lines.c    a line comes, a prompt goes: constructs over several lines, nested shells, what a command reads from the terminal
 *   lex.c parse.c   text to commands            expand.c glob.c arith.c   words to arguments
 *   engine.c   runs commands: a stack of frames instead of recursion, so that it can wait, and nothing nests deeper than its caps
 *   command.c  finds and starts one command     builtin.c  ash's own commands
 *   stream.c   where input comes from and output goes        variable.c   variables, functions, scopes
 *   sample.c   files kept                       applet.c   what applets may use
 */
#pragma once

#include "base/err.h"
#include "observe/honeypot/shell/applet.h"
#include "observe/honeypot/shell/syntax.h"

enum {
    SHELL_SCRATCH_MAX = 8 * 1024 * 1024, /* one line's memory */
    SHELL_WAITING_MAX = 1024 * 1024,     /* … while it waits for the terminal */
    SHELL_PENDING_MAX = 256 * 1024,      /* a construct over several lines; lines typed while a command runs */
    SHELL_FRAMES_MAX = 256,
    SHELL_VARIABLES_MAX = 256,
    SHELL_VARIABLE_BYTES_MAX = 256 * 1024,
    SHELL_FUNCTIONS_MAX = 64,
    SHELL_SAMPLES_MAX = 64,        /* different files kept of a session */
    SHELL_BACKGROUND_STEPS = 1000, /* what a job in the background gets before it is left to itself */
    SHELL_FDS = 10,
    SHELL_BYTES_PER_STEP = 256, /* of expansion and output */
    SHELL_WORK_PER_STEP = 1024, /* bytes the tree generated or copied */
    SHELL_CHUNK = 16 * 1024,    /* of a long answer, per turn */
    SHELL_UNSENT_MAX = 32 * 1024
};

/* One open file. */
struct stream {
    enum stream_type {
        STREAM_TERMINAL,
        STREAM_NULL,
        STREAM_TEXT, /* reading: text, from `at` on */
        STREAM_PIPE, /* writing: into a buf */
        STREAM_FILE
    } type;
    struct span text; /* TEXT; the absolute path of a FILE */
    size_t at;        /* where reading or writing goes on */
    bool append;
    struct buf *buf;
};

struct io {
    struct stream *fd[SHELL_FDS]; /* NULL: closed */
};

/* Something still to be put out to the terminal before the engine goes on. */
struct answer {
    struct answer *next;
    struct span bytes; /* or: */
    struct span path;  /* a file, from `at` on */
    size_t at;
};

struct variable {
    char *text; /* NAME=value */
    uint32_t value_len;
    uint16_t name_len;
    uint16_t scope; /* the innermost scope that has kept the value from before */
    bool exported, readonly, unset;
};

struct undo {
    struct variable old; /* text NULL: there was none (then `name`); CWD: text is the directory */
    char *name;
    enum { UNDO_VARIABLE, UNDO_LOCAL, UNDO_CWD } type;
};

struct function {
    uint32_t name_len, body_len;
    uint32_t users;  /* calls that run: it stays until they are done */
    bool dropped;    /* unset or replaced */
    uint8_t bytes[]; /* name, then the source of the body */
};

/* What messages start with and $0, $1 … are. */
struct context {
    struct span name;
    const struct span *args;
    size_t argc;
    bool numbered; /* a script: messages tell the line */
    uint32_t line;
};

enum frame_type {
    FRAME_TEXT,
    FRAME_LIST,
    FRAME_ANDOR,
    FRAME_PIPE,
    FRAME_WHILE,
    FRAME_FOR,
    FRAME_IF,
    FRAME_REDIRECT, /* restores where output went */
    FRAME_SCOPE,    /* a subshell, a job in the background, or a script: variables are as before at its end, `exit` ends here */
    FRAME_CALL,     /* of a function or a sourced file: `return` ends here */
    FRAME_READ      /* a command waits for the terminal */
};

enum text_kind { TEXT_LINE, TEXT_EVAL, TEXT_SCRIPT };

struct frame {
    enum frame_type type;
    uint8_t state;
    bool deep; /* counted in shell->depth */
    const struct node *node;
    struct io *io; /* restored at the end, when not NULL */
    union {
        struct {
            struct span text;
            size_t at;
            uint32_t lines; /* of the unit that runs */
            enum text_kind kind;
        } text;
        struct {
            const struct span *words;
            size_t count, at;
        } each;
        struct {
            struct buf *in, *out;
        } pipe;
        struct {
            struct context saved;
            struct function *function;
            uint32_t undo;
            uint32_t outer_limit; /* of a job: the limit around it */
            bool scoped;
            bool whole; /* saved is to be restored */
            bool job;
        } scope;
        struct {
            const struct span *argv;
            size_t argc;
            struct buf *typed;
            bool by_line, once;
        } read;
    };
};

enum unwind {
    UNWIND_NONE,
    UNWIND_BREAK,
    UNWIND_CONTINUE,
    UNWIND_RETURN,
    UNWIND_EXIT, /* of the innermost shell or subshell */
    UNWIND_PIPE, /* nobody reads what the stage of a pipe writes */
    UNWIND_JOB,  /* the job in the background is left to itself */
    UNWIND_ERROR /* the line or script is given up */
};

enum wait { WAIT_NONE, WAIT_TERMINAL, WAIT_NESTED };

struct engine {
    struct shell *shell;
    struct engine *outer; /* whose expansion waits for this one */
    struct arena *arena;
    struct arena own; /* of the outermost */
    struct frame *frames;
    size_t count, room;
    struct io *io;
    int status;
    int substituted; /* status of the last $(…) of a command */
    enum unwind unwind;
    unsigned unwind_count;
    uint32_t job_limit; /* of shell->line_steps, while a job in the background runs; 0: none does */
    enum wait wait;
    enum { ASK_NOTHING, ASK_LINES, ASK_ALL, ASK_ONE, ASK_NESTED } ask; /* what the command that just returned wants */
    bool sync;                                                         /* must not wait */
    bool left;                                                         /* `exit` came to its bottom */
    struct frame first[6];
};

/* A shell started by another one and not yet left. */
struct level {
    struct level *below;
    struct engine *engine; /* what the outer line still has to do; may be NULL */
    uint32_t undo;
    struct context context;
    struct span *kept_args;
    struct buf line; /* the outer line, for what engine still views */
};

struct shell {
    struct shell_host host;
    struct tree *tree;
    struct span cwd; /* the profile's, or cwd_own */
    char *cwd_own;
    uint16_t cwd_scope;
    uint16_t scope; /* how many scopes are open */
    bool ended;
    bool failed; /* a command of this line was not found */
    bool stated; /* this line's fact has been given */
    uint8_t depth;
    uint8_t levels;
    bool umask_kept;
    uint16_t umask;
    uint16_t getopts_at; /* inside the word at OPTIND */
    int status;
    uint32_t background; /* $! */
    uint32_t steps, line_steps;
    struct variable *variables;
    struct undo *undos;
    struct function **functions;
    uint16_t variable_count, variable_room, undo_count, undo_room, function_count;
    uint32_t variable_bytes;
    struct context context;
    struct span *kept_args; /* what `set` gave to $1 … of an interactive shell */
    struct engine *engine;  /* the line that runs or waits */
    struct level *level;
    struct buf line;  /* the line that runs, or the part of a construct that has come */
    struct buf typed; /* lines typed while a command runs; from typed_at on */
    size_t typed_at;
    char awaited_text[15]; /* see parser.awaited; a longer one is not kept, then every line may end it */
    uint8_t awaited_len;
    struct answer *answers, **answers_end;
    bool more; /* a construct is unfinished */
    bool awaited_line;
    struct shell_counts counts;
    uint8_t (*kept)[32]; /* SHA-256 of samples */
};

/* lines.c */
void shell_end(struct shell *, enum reason);

/* stream.c */
int stream_out(struct engine *, struct stream *, struct span);        /* 0 or a negative errno; -EPIPE has set `unwind` */
bool stream_line(struct engine *, struct stream *, struct span *ret); /* the next line with its "\n"; false at the end */
struct span stream_rest(struct engine *, struct stream *);
void terminal_out(struct shell *, struct span);
bool answers_go_on(struct shell *);                         /* false: some is left, wait */
int redirect_all(struct engine *, const struct redirect *); /* m->io becomes a changed copy; 0, or -1 after the message */
struct io *io_copy(struct engine *);
extern struct io io_terminal, io_nothing;

/* variable.c */
bool variable_get(struct shell *, struct span name, struct span *ret);
int variable_set(struct shell *, struct span name, struct span value); /* 0, -EPERM: read only, -ENOSPC */
int variable_unset(struct shell *, struct span name);
int variable_local(struct shell *, struct span name);
struct variable *variable_find(struct shell *, struct span name);
void variables_sorted(struct engine *, void (*each)(struct engine *, const struct variable *), bool exported_only, bool readonly_only);
void variables_inherit(struct shell *); /* in a new scope: what was not exported is not there */
uint32_t scope_enter(struct shell *);
void scope_leave(struct shell *, uint32_t mark);
void locals_leave(struct shell *, uint32_t mark);
int cwd_set(struct shell *, struct span absolute);
void variables_free(struct shell *);

/* engine.c */
void engine_init(struct engine *, struct shell *, struct engine *outer, struct arena *);
void engine_done(struct engine *);
/* Runs until nothing is left (true) or it waits (false). */
bool engine_run(struct engine *);
struct frame *engine_push(struct engine *, enum frame_type); /* NULL: too deep, the session ends */
void engine_pop(struct engine *);                            /* takes the top frame off and puts back what it had changed */
void engine_text(struct engine *, struct span text, enum text_kind);
int engine_script(struct engine *, struct span text, struct span name, size_t argc, const struct span *argv);
bool engine_step(struct engine *, size_t steps);
bool engine_deeper(struct engine *);            /* false: too deep, the session ends */
void engine_abort(struct engine *, int status); /* gives up the line */
void engine_exec(struct engine *, const struct node *);
void engine_feed(struct engine *, struct span line); /* what the terminal gave to the command that waits */
void engine_end_of_file(struct engine *);
void *engine_alloc(struct engine *, size_t); /* zeroed; NULL: the session ends */
struct span engine_copy(struct engine *, struct span);
unsigned engine_loops(const struct engine *);
struct frame *engine_frame(struct engine *, enum frame_type); /* the innermost of this type up to a scope, or NULL */
/* Output of a command's text, trailing newlines cut; in the arena. */
struct span engine_substitute(struct engine *, struct span text);

/* command.c */
void command_exec(struct engine *, const struct node *);
int command_run(struct engine *, size_t argc, const struct span *argv);
int command_applet(struct engine *, const struct applet *, size_t argc, const struct span *argv);
void complain(struct engine *, const char *format, ...) __attribute__((format(printf, 2, 3))); /* "-sh: " and what follows, with "\n" */
void complain_builtin(struct engine *, const char *builtin, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* How a name would be run. */
enum found {
    FOUND_NOTHING,
    FOUND_FUNCTION,
    FOUND_BUILTIN,
    FOUND_APPLET,
    FOUND_SILENT,  /* a program that is there and says nothing: of the device, or a download's placeholder */
    FOUND_FILE,    /* content of the attacker's or a script of the device */
    FOUND_UNKNOWN, /* a copy of busybox under a name that is no applet */
    FOUND_DENIED
};
struct command {
    enum found found;
    const struct applet *applet;
    struct function *function;
    struct span path; /* where it lies, absolute; empty when it needs no file */
};
struct command command_find(struct engine *, struct span name, bool functions);

/* builtin.c */
const struct applet *builtin_by_name(struct span name);
bool builtin_is_special(const struct applet *);

/* function table in variable.c */
int function_set(struct shell *, struct span name, struct span body);
struct function *function_find(struct shell *, struct span name);
bool function_unset(struct shell *, struct span name);
void function_done(struct function *); /* a call is over */
static inline struct span function_body(const struct function *f)
{
    return span_of(f->bytes + f->name_len, f->body_len);
}

/* expand.c; a failed expansion gives up the line */
enum expand { EXPAND_WORD, EXPAND_PATTERN, EXPAND_HERE };
bool expand_words(struct engine *, const struct word *, struct span **ret, size_t *ret_count); /* splitting and globs; [count] is empty */
bool expand_one(struct engine *, struct span word, enum expand, struct span *ret);
struct span field_separators(struct engine *);                       /* the bytes of IFS, each once */
bool parameter(struct engine *, struct span name, struct span *ret); /* $name without operators; not * and @ */

/* arith.c */
bool arithmetic(struct engine *, struct span text, int64_t *ret);

/* glob.c */
bool pattern_matches(struct span pattern, struct span text); /* linear in text.len * pattern.len; backslash quotes */
/* Paths that match, each given once, sorted; false: none. */
size_t glob(struct engine *, struct span pattern, void (*each)(void *, struct span), void *);

/* sample.c */
void sample_file(struct shell *, struct span path, const char *origin);
void sample_content(struct shell *, struct span path, struct span content, const char *origin);
void samples_left(struct shell *);
void sample_lost(void *shell, struct span path, struct span content);

/* The run of an applet, with what applets do not see. */
struct command_run {
    struct run run;
    struct engine *engine;
    struct buf out; /* gathered, so that many small pieces are one */
    int error;      /* of writing */
};
void run_flush(struct command_run *);
