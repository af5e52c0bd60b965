/* One line of Cowrie's JSON, 2026 dialect: who and where first, then what is the event's own, then when. */
#pragma once

#include "base/text.h"
#include "record/types.h"

enum { COWRIE_UUID_SIZE = 37 };

struct cowrie_line {
    struct json json;
    const struct record *record;
    const char *uuid;
};

/* `host` and `port` stand in the place of the destination when `host` is not NULL: direct-tcpip events name another one. */
void cowrie_line_begin(struct cowrie_line *, struct buf *out, const struct record *, const char *uuid, const struct span *host, int64_t port);
void cowrie_line_text(struct cowrie_line *, const char *key, struct span value);
void cowrie_line_int(struct cowrie_line *, const char *key, int64_t value);
void cowrie_line_end(struct cowrie_line *, struct span eventid, struct span message);
/* The same with the message as a format. */
void cowrie_line_endf(struct cowrie_line *, const char *eventid, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A fact's text, or the empty span. */
struct span cowrie_fact(const struct record *, enum fact_name);

/* The line that an imported event was read from, in today's dialect. False when it can't be read (it was cut, say): nothing was written. */
bool cowrie_line_original(struct buf *out, const struct record *, const char *uuid, struct span eventid, struct span original);
