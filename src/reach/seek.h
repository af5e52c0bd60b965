/*
 * Quests: for a target, whom to write to. The engine that runs them beside the visits, in the same loop, behind the same policy and journal.
 *
 *   LEASE ─► quest: its channels are asked ─► questions ─► answers heard ─► … ─► evaluated ─► chosen ─► CONTACT …, QUEST, which ends the task
 *
 *                    ┌──────── again: another hop, another try without verification ────────┐
 *                    ▼   one of the block is asked already          acknowledged            │
 *   question ─► QUEUED at its server ──────► BEHIND              ┌────────────► OPEN ───────┤ an answer, or none
 *     │           │ a turn by its budget, and policy says yes    │                          ▼
 *     │           └─ DIAL "success" ─────────────────────────► INTENT                     LOOKUP ─► heard by all that asked
 *     └ of DNS: NAME ───────────────────────────────────────────────────────────────────────┘
 *
 * The same question of several channels or quests is put once; answers are kept a while, and what an answer says of a block of addresses
 * serves every address of it (netblocks.h). A question whose server's budget puts it off for longer than contact.patience ends as "limited": its
 * quest ends with a debt, as a failure, and noroshi.not_before says when the task is worth another attempt.
 *
 * No packet leaves before its DIAL record is committed; it names the server (noroshi.lookup.server), which is what its budget is counted by.
 * The resolver the operator named is asked without. Memory is bounded: quests by contact.in_flight, each by an arena, all together by HELD_MAX.
 */
#pragma once

#include "contact/book.h"
#include "contact/channel.h"
#include "outside/dial.h"
#include "record/journal.h"

struct seek;

struct seek_config {
    const struct conf *settings;           /* contact.*, sensor.name, operator.*, outside.resolver; outlives it */
    const struct book *book;               /* the registries' tables; outlives it */
    const struct channel *const *channels; /* ended by NULL; NULL: all there are */
    struct span ca;                        /* PEM certificates of the authorities that are trusted; read at once */
    struct journal *journal;               /* the caller's; it pushes it */
    struct dial *dial;
};

/* -ERR_CONFIG with one line, -ENOMEM, -errno. */
int seek_new(struct seek **ret, const struct seek_config *, struct conf_error *);
/* Without a record of what is under way; NULL accepted. */
void seek_free(struct seek *);

/* A task of kind "contact". -ERR_…: it can't be one. Taken once: a key that is held already is left alone. */
int seek_lease(struct seek *, struct span key, uint32_t attempt, struct span input);
/* Nothing is asked before the last of them. Told again, they say whose ban was lifted, or put, by the operator. */
int seek_registries(struct seek *, struct span body);
void seek_acknowledged(struct seek *);       /* the journal took records */
void seek_listed(struct seek *, bool known); /* the lists are (not) known; connections to who has just been listed end */
void seek_stop(struct seek *);               /* at once: quests go without a QUEST record, and are leased again */

/* The loop: seek_fd is to be watched for reading, then seek_events; seek_run at seek_due (monotonic, 0: never); seek_pump before it sleeps: true when
 * there is more to do at once. */
int seek_fd(const struct seek *);
void seek_events(struct seek *);
void seek_run(struct seek *);
usec_t seek_due(const struct seek *);
bool seek_pump(struct seek *);

size_t seek_room(const struct seek *); /* how many more quests it takes */
struct seek_state {
    size_t quests, open; /* held; connections */
    uint64_t leased, ended, dialled, refused, questions /* put */, shared /* that had not to be put */, from_blocks;
};
struct seek_state seek_state(const struct seek *);
