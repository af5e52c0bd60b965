/* What the analysis is to be told: per day the last row committed. Told late, the newest row tells all. */
#pragma once

#include "process/channel.h"
#include "store/store.h"

struct marks {
    struct store_day *days;
    size_t count, room;
};

void marks_done(struct marks *);
int marks_add(struct marks *, struct store_day); /* 0 or -ENOMEM */
/* Sends COMMITTED for each; what the channel can't take now stays. */
void marks_send(struct marks *, struct channel *);
/* PLACE for an analysis that starts, and marks for all it has not followed. */
int marks_begin(struct marks *, struct store *, struct channel *);
