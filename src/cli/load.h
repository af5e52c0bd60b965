/* Where the configuration and the data are, and loading the one with what the command line overrides. */
#pragma once

#include "base/conf.h"

#include <limits.h>

enum { OVERRIDES_MAX = 64 };

struct loading {
    const char *given_config, *given_data; /* --config, --data; NULL when not given */
    const char *overrides[OVERRIDES_MAX];  /* -o */
    size_t override_count;
    /* Found by load_find: */
    char program[PATH_MAX];
    char config[PATH_MAX];
    char default_data[PATH_MAX];
};

/* Finds out whether the program lies in a build folder of a checkout (then conf/noroshi.yaml there and ./noroshi-data) or is
 * installed (then /etc/noroshi/noroshi.yaml and /var/lib/noroshi). 0 or -ERR_CONFIG and `error`. */
int load_find(struct loading *, struct conf_error *error);

/* Loads; without a file at the default place the built-in settings hold (one telnet honeypot on loopback). store.folder is set to the
 * data folder, absolute. *ret_absent: there was no file. 0 or -ERR_CONFIG and `error`. May be called again (reload). */
int load_settings(const struct loading *, struct conf **ret, bool *ret_absent, struct conf_error *error);
