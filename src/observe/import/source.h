/*
 * An input as lines: a file, standard input or bytes in memory; gzip, xz and zstd are recognised by their first bytes and read as a
 * stream, so that memory stays the same whatever is inside. Not a reader's business: readers use reader.h.
 */
#pragma once

#include "observe/import/reader.h"

enum { SOURCE_BLOCK = 64 * 1024 };

/* Takes over `fd`. `name` is kept, not copied. 0, or -ENOMEM (`fd` is closed all the same). */
int source_open_fd(struct source **ret, const char *name, int fd);
/* `bytes` must stay until the close. */
int source_open_bytes(struct source **ret, const char *name, struct span bytes);
void source_close(struct source *);

/* Called whenever `taken` (compressed bytes read so far) grew. */
void source_on_progress(struct source *, void (*call)(void *user, uint64_t taken), void *user);

/* The first bytes, decompressed, up to SOURCE_HEAD_MAX; to be asked for before the first line. */
struct span source_head(struct source *);
/* Lines that were too long so far. */
uint64_t source_long_lines(const struct source *);
/* What was wrong, after source_line or source_head failed; a static text. */
const char *source_error(const struct source *);

/* A decompressor: inflate.c. */
struct inflate;
enum inflate_kind { INFLATE_NONE, INFLATE_GZIP, INFLATE_XZ, INFLATE_ZSTD };

enum { INFLATE_MAGIC_MAX = 6, INFLATE_MEMORY_MAX = 128 * 1024 * 1024 };

enum inflate_kind inflate_sniff(struct span first);
int inflate_new(struct inflate **ret, enum inflate_kind);
void inflate_free(struct inflate *);
/* Takes from `in` (which it shortens) and writes to `to`; `last`: nothing follows `in`. *ret_wrote may be 0 when more input is needed.
 * 0; 1: the end of the compressed data and of the input; -ERR_MALFORMED, -ERR_TRUNCATED, -ERR_LIMIT (it wants too much memory). */
int inflate_step(struct inflate *, struct span *in, bool last, uint8_t *to, size_t room, size_t *ret_wrote);
