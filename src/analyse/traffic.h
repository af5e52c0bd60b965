/*
 * What one record says of its source's intent. An attack tries to get in or do something: a login, a command, a download, a file, an exploit. A
 * survey looks who is there: it names itself, makes its SYN as the scanning tools do, asks for a page, or speaks and tries nothing. Stray is a
 * connection without a byte. Pure, of this record alone: attack.c adds what it remembers of the source.
 */
#pragma once

#include "record/types.h"

enum traffic { TRAFFIC_UNKNOWN, TRAFFIC_STRAY, TRAFFIC_SURVEY, TRAFFIC_ATTACK };

/* *ret_why: half a sentence that ends before *ret_what, the record's own words (may be empty); both are set unless it is UNKNOWN. */
enum traffic traffic_of(const struct record *, const char **ret_why, struct span *ret_what);

/* The tool that makes such SYNs, or NULL: "ZMap", "masscan", "nmap". */
const char *traffic_syn_tool(const struct record *);
