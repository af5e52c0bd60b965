/*
 * For verbs that write (import) or ask for work (probe): finds out who holds the data folder. Free: takes DATA/lock and starts a store role
 * of its own, walls and all; held by `run`: talks to DATA/control. Then it is a writer like an edge.
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
/* Tasks to make: the body of MESSAGE_TASKS. Whether they are done is read from the control database. */
int store_client_tasks(struct store_client *, struct span tasks);
/* What an operator enters: the body of MESSAGE_ENTRIES (store/entry.h). */
int store_client_entries(struct store_client *, struct span entries);
/* Waits until everything put is committed, seals the past days that were touched. */
int store_client_finish(struct store_client *, struct store_totals *ret);
void store_client_close(struct store_client *);
