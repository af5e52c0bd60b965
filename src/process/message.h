/* The table of messages.def, for channel.c. */
#pragma once

#include <stddef.h>

struct message_spec {
    const char *name;
    unsigned from, to; /* bit per enum party */
    size_t least, most, fds;
    unsigned code;
};

const struct message_spec *message_spec(unsigned number); /* NULL: there is none of that number */
