/*
 * The whole program for a while, beside a verb that needs it while no `run` holds the data folder: a supervisor of its own process
 * with store, analysis and, when the operator is named, reach; no honeypots. The verb talks to it through DATA/control.
 */
#pragma once

#include "base/buf.h"
#include "base/conf.h"

struct aside;

/* Waits until it is ready. -ERR_BUSY: another process holds the folder (`run`, whose DATA/control then answers). What goes wrong else has
 * been written to stderr by the supervisor: -ERR_STORE. Call before any thread is made. */
int aside_start(struct aside **ret, const struct conf *settings);
/* Stops it in good order; everything acknowledged. 0 or -ERR_STORE. NULL accepted. */
int aside_stop(struct aside *);
