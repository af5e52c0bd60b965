/* One value of a table in its three forms, and a column's description. */
#pragma once

#include "base/text.h"
#include "report/report.h"

void column_json(struct json *, const struct column *);
void cell_json(struct json *, const struct column *, const struct query_value *);
void cell_csv(struct buf *, const struct column *, const struct query_value *);
void cell_terminal(struct buf *, const struct column *, const struct query_value *);

size_t cell_width(struct span text);                  /* in terminal columns */
void cell_cut(struct buf *, size_t terminal_columns); /* with an ellipsis when it was wider */
