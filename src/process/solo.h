/*
 * One confined store without a supervisor around it, for a verb that writes (import) while no `run` holds the data folder. It gets the
 * same lock, settings, grants and walls as under the supervisor; the caller is its supervisor and, through a PEER channel named
 * "client.0", its writer. A verb that needs more roles than the store (probe) takes process/aside.h.
 */
#pragma once

#include "base/buf.h"
#include "base/conf.h"

struct solo;

/*
 * Makes the data folder (setting store.folder) when it is missing, takes DATA/lock, starts the store role and waits until it is READY.
 * `program` is the binary to execute; NULL: this one. 0; -ERR_BUSY when another process holds the folder (then DATA/control may
 * answer); other negative codes with one line for the operator in `why`.
 */
int solo_start_store(struct solo **ret, const struct conf *settings, const char *program, struct buf *why);

/* The writer's end of a SOCK_SEQPACKET pair whose other end the store has as PEER "client.0"; for
 * channel_new(…, PARTY_CLIENT, PARTY_STORE, …). The caller's to close; -1 when it was taken already. */
int solo_take_channel(struct solo *);

/* Sends STOP, waits for the store's end (SIGKILL after process.stop_timeout), gives the lock back and frees. 0, or -ERR_STORE when
 * the store failed or did not end cleanly, with its reason in `why` (may be NULL). NULL accepted. `settings` must still live. */
int solo_stop(struct solo *, struct buf *why);
