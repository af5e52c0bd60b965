/* Reading a command line by a table of options: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, switches in a cluster, "--" ends them. */
#pragma once

#include "base/buf.h"
#include "cli/verb.h"

struct option_reader {
    const struct verb_option *options;
    size_t count;
    char **argv;
    int argc, at;        /* at: the next argument */
    const char *letters; /* what is left of a cluster of letters */
    bool words_only;
};

enum option_event { OPTION_END, OPTION_GIVEN, OPTION_WORD, OPTION_HELP, OPTION_BAD };

void options_begin(struct option_reader *, const struct verb_option *, size_t count, int argc, char **argv);
/* GIVEN: *ret_index is the option and *ret_value its argument ("" for a switch). WORD: *ret_value. BAD: one line without an end in `why`. */
enum option_event options_next(struct option_reader *, size_t *ret_index, const char **ret_value, struct buf *why);

/* Reads a verb's whole command line; words and options may be mixed (argv is reordered). 0, 1 when help is asked for, -ERR_MALFORMED and `why`. */
int options_read(const struct verb *, int argc, char **argv, struct options *ret, struct buf *why);

/* A whole number from text; 0 or -ERR_MALFORMED. */
int option_number(const char *text, int64_t least, int64_t most, int64_t *ret);

/* The name nearest to a mistyped word (few letters apart), or NULL. `name_at` gives the names, NULL at the end. */
const char *nearest_name(const char *word, const char *(*name_at)(size_t index, const void *user), const void *user);
