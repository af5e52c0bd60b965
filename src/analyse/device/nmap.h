/*
 * nmap's service probes, read from the user's own copy (fingerprint.nmap) in the form that nmap's documentation describes:
 *
 *   match SERVICE m|REGEX|FLAGS [p/product/] [v/version/] [i/info/] [h/host/] [o/system/] [d/device type/] [cpe:/h:vendor:product:version/a] …
 *
 * with any delimiter, and $1 to $9, $P(1), $SUBST(1,"a","b"), $I(1,">") in what is said. Only lines that say a device type or a CPE of hardware
 * become rules, on the field `raw`; softmatches behind all matches, less certain. The patterns mean what they mean to nmap: ^ and $ are the
 * ends of the answer.
 */
#pragma once

#include "base/conf.h"
#include "base/span.h"

struct drafts;

enum { NMAP_FILE_MAX = 16 * 1024 * 1024, NMAP_SERVICE_MAX = 40 };

/* Appends. A line that is not in that form: -ERR_CONFIG, file and line. *ret_left_out grows by the rules whose pattern can't be compiled. */
int nmap_drafts(struct drafts *, const char *file, struct span text, size_t *ret_left_out, struct conf_error *error);
