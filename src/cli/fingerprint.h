/* Lines of banners from elsewhere, one host per id: what `noroshi fingerprint` reads. */
#pragma once

#include "analyse/device/device.h"
#include "cli/verb.h"

#include <stdio.h>

extern const struct verb verb_fingerprint;

enum {
    BANNER_LINE_MAX = 4 * 1024 * 1024, /* bytes of a line */
    BANNER_ID_MAX = 256,
    BANNER_HOSTS_MAX = 4 * 1024 * 1024,
    BANNER_EVIDENCE_MAX = 512, /* of a host */
};

struct banner_host {
    const char *id;
    struct evidence *evidence;
    size_t count, size, lines;
    struct arena arena;
};

struct banners {
    struct banner_host **hosts; /* in the order of their first line */
    size_t count, size;
    void *tree;
    size_t lines, bad;
};

/* Reads {"id","port","service","data"} line by line and judges each. A line that can't be used is told by `complain`, counted and skipped.
 * A later line is a later answer (evidence.time is the line's number). 0, -ENOMEM, -errno. */
int banners_read(struct banners *, FILE *in, const struct device_rules *, void (*complain)(size_t line, const char *why, void *user), void *user);
void banners_free(struct banners *);
