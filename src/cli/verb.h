/* A verb: one file, one line in verbs.def. */
#pragma once

#include "base/conf.h"

#include <stdio.h>

/* What came before the verb on the command line. */
struct invocation {
    const char *program;           /* path of this binary */
    struct conf *settings;         /* loaded and overridden; NULL for verbs that need none (needs_settings false) */
    const char *config;            /* the file the settings come from */
    bool config_absent;            /* it is not there: the built-in settings hold */
    const char *data;              /* absolute data folder; NULL when needs_settings is false */
    const struct loading *loading; /* cli/load.h: how to load the settings again */
    bool quiet, color;             /* color: stdout is a terminal and nobody asked for none */
    unsigned width;                /* of the terminal at stdout; 0 when it is none */
};

enum exit_status { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NOTHING = 3, EXIT_PARTLY = 4 };

struct verb_option {
    const char *name;     /* "json" for --json */
    char letter;          /* or 0 */
    const char *argument; /* "TIME", or NULL for a switch */
    const char *help;
};

enum { VERB_OPTIONS_MAX = 24 };

/* The verb's own command line, read by its table of options. */
struct options {
    const char *values[VERB_OPTIONS_MAX]; /* in the table's order; "" for a switch that was given, NULL when not given */
    char **words;                         /* what is not an option */
    int word_count;
};

struct verb {
    const char *name, *arguments, *help; /* help: one line */
    const char *text;                    /* paragraphs for --help and the manual, separated by an empty line */
    const char *examples;                /* lines "command   # what it does"; the first is shown in usage errors */
    const struct verb_option *options;
    size_t option_count; /* at most VERB_OPTIONS_MAX; --help is every verb's */
    bool needs_settings;
    int (*run)(const struct invocation *, const struct options *); /* returns an exit_status */
};

const struct verb *const *verbs_all(size_t *ret_count);
const struct verb *verb_by_name(const char *name);
extern const struct verb_option global_options[];
extern const size_t global_option_count;

/* The whole program but its roles: reads the options before the verb, finds the verb, runs it. Returns the exit status. */
int cli_main(int argc, char **argv);
