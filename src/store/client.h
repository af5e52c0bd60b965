/*
 * For verbs that write (import): finds out who holds the data folder. Free: takes DATA/lock and starts a store role of its own, walls
 * and all; held by `run`: talks to DATA/control. Then it is a writer like an edge.
 */
#pragma once

#include "base/buf.h"
#include "base/conf.h"
#include "record/types.h"

struct store_client;

struct store_totals {
    uint64_t records, duplicates;
};

int store_client_open(struct store_client **ret, const struct conf *settings, struct buf *why);
/* Blocks while the store is behind. The record is copied. */
int store_client_put(struct store_client *, const struct record *);
/* Waits until everything put is committed, seals the past days that were touched. */
int store_client_finish(struct store_client *, struct store_totals *ret);
void store_client_close(struct store_client *);
