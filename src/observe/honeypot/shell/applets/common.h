/* What applets share: options as getopt reads them, files as a whole, numbers, names, times. Private to this folder. */
#pragma once

#include "base/err.h"
#include "observe/honeypot/shell/applet.h"

#include <errno.h>

/* A span for "%.*s"; never longer than a word can be, never a null pointer. */
#define TEXT(s) span_width(s), span_chars(s)
static inline int span_width(struct span s)
{
    return s.len < SHELL_WORD_MAX ? (int)s.len : SHELL_WORD_MAX;
}

static inline const char *span_chars(struct span s)
{
    return s.len > 0 ? (const char *)s.at : "";
}

enum {
    LOAD_MAX = TREE_FILE_MAX,       /* bytes of one input a command takes in; the rest is as if not there */
    FLOOD_MAX = 2 * SHELL_PIPE_MAX, /* bytes an endless writer produces when nobody watches */
    CHUNK = 4096,                   /* bytes a step pays for */
    NAME_MAX_BYTES = 255
};

/* ---- options */

struct options {
    struct span value[128];  /* of the last time given */
    uint16_t count[128];     /* how often given */
    const struct span *args; /* what is not an option, in order */
    size_t arg_count;
    int status; /* to return when parsing failed */
};

/*
 * Reads options as GNU getopt does, arguments permuted. `spec` as for getopt ("n:qv"; '+' first: stops at the first argument). `longs` names long
 * options "name=c" separated by spaces ("output=O quiet=q") or is NULL. False: the complaint and usage were printed, return `status`.
 */
bool options_parse(struct run *, struct options *, const char *spec, const char *longs);

static inline bool option(const struct options *o, char letter)
{
    return o->count[(unsigned char)letter] > 0;
}

static inline struct span option_value(const struct options *o, char letter)
{
    return o->value[(unsigned char)letter];
}

/* ---- input */

struct input {
    struct span bytes;
    struct buf held;
};

/* A whole file, or standard input for "-"; 0 or a negative errno value (-EISDIR for a directory). */
int input_open(struct run *, struct span path, struct input *);
/* The same; says "NAME: PATH: MESSAGE", or "NAME: can't open 'PATH': MESSAGE", on failure. */
bool input_open_warn(struct run *, struct span path, bool quoted, struct input *);
void input_close(struct input *);
/* Whether a command given these files (none: standard input) will read what is typed: then it returns run_await_input first. */
bool input_is_typed(const struct run *, const struct span *files, size_t count);

/* Takes the next line off `rest`, without its line feed; *ret_ended tells whether it had one. False at the end. */
bool line_next(struct span *rest, struct span *ret_line, bool *ret_ended);

/* ---- numbers and names */

bool number_parse(struct span, uint64_t *ret);                      /* decimal digits alone; saturates never: too large is false */
bool number_signed(struct span, int64_t *ret);                      /* with + or - */
bool number_suffixed(struct span, bool dd_suffixes, uint64_t *ret); /* b k m (512, 1024, 1024²), dd's too */
/* "NAME: invalid number 'TEXT'"; returns 1. */
int number_fail(struct run *, struct span text);

struct span name_of(const struct run *); /* what its messages start with */
struct span path_base(struct span path); /* after the last '/' */
const char *errno_text(int error);       /* of a positive or negative errno value, as strerror in the C locale */
/* "DIR/NAME" in the scratch arena; empty when memory is short. */
struct span path_join(struct run *, struct span folder, struct span name);
struct span scratch_copy(struct run *, struct span);

/* The n-th (from 0) field of `text`; fields are separated by one of `separators`, repeated ones count as one. Empty when there are fewer. */
struct span field(struct span text, size_t n, const char *separators);

/* Where `part` first occurs, or NULL. */
const uint8_t *text_in(struct span text, const char *part);

/* fnmatch without flags: * ? [..] and backslash; `fold` ignores case. */
bool glob_match(struct span pattern, struct span text, bool fold);

/* ---- files, users, time */

char *mode_print(enum tree_type, uint16_t mode, struct span device, char text[static 11]);
/* A number that stays the same for a path: inodes, sizes of what has none. */
uint32_t path_number(struct run *, struct span path);
/* What a host's name resolves to, for show, the same at every question; an address is itself. */
void host_address(struct span host, char text[static ADDR_TEXT_SIZE]);
/* The first name with this uid in /etc/passwd, or "root". Scratch memory. */
struct span user_name(struct run *, unsigned uid);
usec_t now_of(struct run *);
usec_t uptime_of(struct run *); /* since the device was started; never negative */
/* Seconds since the epoch as a struct tm in UTC. */
struct tm;
void time_split(usec_t, struct tm *ret);
uint32_t seed_of(struct run *, const char *purpose); /* the same for an attacker and a device */
/* A file of the tree as one span in scratch memory, cut at `max`; empty when it can't be read. */
struct span file_text(struct run *, const char *path, size_t max);
/* Writes to the output in portions, paying for them; false when the budget is used up. */
bool out_paid(struct run *, struct span);
unsigned busybox_minor(struct run *); /* MINOR of BusyBox v1.MINOR: messages changed over the years */
/* Whether a command could be started by this name. */
bool command_exists(struct run *, struct span name);
/* The path `which` finds for a name in scratch memory, empty when there is none. */
struct span command_path(struct run *, struct span name);
/* Runs the arguments from `first` on as a command; says "NAME: can't execute 'X': No such file or directory" (127) when there is none. */
int run_program(struct run *, size_t argc, const struct span *argv);
