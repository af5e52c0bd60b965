/*
 * Acknowledged scanners: networks of projects that survey the Internet in public, from a list of the operator's (analyse.scanners). One prefix or
 * address a line, then, after '#', the project's name. What only looks like an attack from there is a survey, and nobody from there is visited.
 */
#pragma once

#include "base/addr.h"

enum { SCANNERS_FILE_MAX = 16 * 1024 * 1024, SCANNERS_NAME_MAX = 64 };

struct scanners;

/* Lines that are no prefix, or one wider than a /8 (IPv6: /16), are left out and counted. 0, -ENOMEM, -ERR_LIMIT. */
int scanners_parse(struct scanners **ret, struct span text, size_t *ret_bad);
void scanners_free(struct scanners *);                     /* NULL accepted */
const struct trie *scanners_trie(const struct scanners *); /* values are names (const char *), valid as long as the scanners */
