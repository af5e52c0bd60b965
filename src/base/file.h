/* Whole files into memory. */
#pragma once

#include "base/buf.h"

/* Appends what is left of the descriptor's file; 0, -errno, or the buf's error (its cap: -ERR_LIMIT). */
int file_read_all(int fd, struct buf *out);
/* The same of a file by name. */
int file_read(const char *path, struct buf *out);
