/*
 * Bots: what real ones send and how they read the answers, by their published behaviour. A bot acts on what it reads (the ELF header, the
 * mount table, which applets are missing), so it is a program; all it sends is kept, to be sent again cut at other places.
 */
#pragma once

#include "conn.h"
#include "observe/honeypot/profile.h"

struct bot {
    struct talk *talk;
    const struct profile *profile;
    struct buf sent;
    size_t mark;       /* output before this was read before the last line */
    size_t consumed;   /* … and up to here since, by looking for a prompt; 0: not */
    size_t place;      /* number of its profile: details that shall differ */
    char problem[512]; /* where it left, and why; empty: it came through */
};

struct bot_kind {
    const char *name;
    void (*play)(struct bot *);
};
extern const struct bot_kind bots[];
extern const size_t bot_count;

/* Opens the talk and plays; talk and texts stay until bot_done. */
void bot_play(struct bot *, const struct bot_kind *, const struct profile *, size_t place);
void bot_done(struct bot *);

struct span bot_user(const struct profile *); /* a login the profile takes */
struct span bot_password(const struct profile *);
unsigned bot_tries(const struct profile *); /* how often it must be given; 0: never taken */
struct talk *bot_connect(const struct profile *);
