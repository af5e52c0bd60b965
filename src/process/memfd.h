/* Sealed memfds: bytes that a receiver may read without fear that they change under its eyes. */
#pragma once

#include "base/buf.h"

/* A new memfd that holds `bytes` and can be neither changed, nor grown, nor shrunk any more. 0 or -errno. */
int memfd_sealed(const char *name, struct span bytes, int *ret_fd);

/* Reads such a memfd into fresh memory (free). -ERR_DENIED: not a memfd with all seals; -ERR_LIMIT: not of `least` to `most` bytes. */
int memfd_read(int fd, size_t least, size_t most, uint8_t **ret_bytes, size_t *ret_len);
