/* The shipped profiles, compiled and opened: what the tests of profiles begin with. */
#pragma once

#include "observe/honeypot/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct buf image;
static struct profiles *all;

static inline int compile_all(struct buf *ret)
{
    char folder[4096];
    struct conf_error error = {0};
    const char *source = getenv("NOROSHI_SOURCE");
    (void)snprintf(folder, sizeof folder, "%s/conf/profiles", source != NULL ? source : ".");
    buf_init(ret, 0);
    int r = profiles_compile(folder, ret, &error);
    if (r != 0)
        print_error("%s\n", error.text);
    return r;
}

static inline int open_all(void **state)
{
    (void)state;
    return compile_all(&image) == 0 ? profiles_open(&all, buf_as_span(&image)) : -1;
}

static inline int close_all(void **state)
{
    (void)state;
    profiles_close(all);
    buf_done(&image);
    return 0;
}
