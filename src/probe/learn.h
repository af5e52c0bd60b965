/* How a probe states what it learned: foreign bytes become facts that are valid text and have a bounded length. */
#pragma once

#include "base/buf.h"
#include "probe/probe.h"

enum { LEARN_TEXT_MAX = 4 * 1024, LEARN_DETAIL_MAX = 8 * 1024 };

/* A TEXT fact of the first LEARN_TEXT_MAX bytes of `text`; nothing when it is empty. */
void learn_text(struct talk *, enum fact_name, struct span text);
/* A line "name: value" for noroshi.detail: line ends inside the value become spaces. Nothing when the value is empty. */
void learn_line(struct buf *, const char *name, struct span value);
/* The lines, cut at LEARN_DETAIL_MAX, as noroshi.detail. */
void learn_detail(struct talk *, const struct buf *lines);
