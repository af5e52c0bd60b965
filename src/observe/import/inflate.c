#include "observe/import/source.h"

#include "base/err.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

struct inflate {
    enum inflate_kind kind;
    bool between; /* a member, stream or frame has ended, another one may follow */
    z_stream gzip;
    lzma_stream xz;
    ZSTD_DStream *zstd;
};

enum inflate_kind inflate_sniff(struct span first)
{
    static const struct {
        enum inflate_kind kind;
        uint8_t len;
        uint8_t bytes[INFLATE_MAGIC_MAX];
    } magics[] = {
        {INFLATE_GZIP, 3, {0x1f, 0x8b, 0x08}},
        {INFLATE_XZ, 6, {0xfd, '7', 'z', 'X', 'Z', 0}},
        {INFLATE_ZSTD, 4, {0x28, 0xb5, 0x2f, 0xfd}},
    };
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        if (span_equal(span_part(first, 0, magics[i].len), span_of(magics[i].bytes, magics[i].len)))
            return magics[i].kind;
    }
    return INFLATE_NONE;
}

static int start(struct inflate *i)
{
    switch (i->kind) {
    case INFLATE_GZIP:
        return inflateInit2(&i->gzip, 15 + 16) == Z_OK ? 0 : -ENOMEM; /* 16: a gzip header is expected */
    case INFLATE_XZ:
        i->xz = (lzma_stream)LZMA_STREAM_INIT;
        return lzma_stream_decoder(&i->xz, INFLATE_MEMORY_MAX, LZMA_CONCATENATED) == LZMA_OK ? 0 : -ENOMEM;
    case INFLATE_ZSTD:
        i->zstd = ZSTD_createDStream();
        if (i->zstd == NULL)
            return -ENOMEM;
        return ZSTD_isError(ZSTD_DCtx_setParameter(i->zstd, ZSTD_d_windowLogMax, 27)) != 0 ? -ENOMEM : 0; /* 2^27 = INFLATE_MEMORY_MAX */
    default:
        return -EINVAL;
    }
}

int inflate_new(struct inflate **ret, enum inflate_kind kind)
{
    struct inflate *i = calloc(1, sizeof *i);
    if (i == NULL)
        return -ENOMEM;
    i->kind = kind;
    int r = start(i);
    if (r != 0) {
        inflate_free(i);
        return r;
    }
    *ret = i;
    return 0;
}

void inflate_free(struct inflate *i)
{
    if (i == NULL)
        return;
    if (i->kind == INFLATE_GZIP)
        (void)inflateEnd(&i->gzip);
    if (i->kind == INFLATE_XZ)
        lzma_end(&i->xz);
    (void)ZSTD_freeDStream(i->zstd);
    free(i);
}

/* gzip files may be several members one after another (RFC 1952 §2.2); zeros behind the last one are padding. */
static int gzip_step(struct inflate *i, struct span *in, bool last, uint8_t *to, size_t room, size_t *ret_wrote)
{
    if (i->between) {
        if (in->len > 0 && in->at[0] == 0) {
            *in = span_part(*in, in->len, 0);
            return last ? 1 : 0;
        }
        if (in->len == 0)
            return last ? 1 : 0;
        if (inflateReset(&i->gzip) != Z_OK)
            return -ERR_MALFORMED;
        i->between = false;
    }
    unsigned offered = in->len < SOURCE_BLOCK ? (unsigned)in->len : SOURCE_BLOCK;
    i->gzip.next_in = (z_const Bytef *)(uintptr_t)in->at; /* zlib does not write there */
    i->gzip.avail_in = offered;
    i->gzip.next_out = to;
    i->gzip.avail_out = room < SOURCE_BLOCK ? (unsigned)room : SOURCE_BLOCK;
    unsigned had = i->gzip.avail_out;
    int r = inflate(&i->gzip, Z_NO_FLUSH);
    *in = span_part(*in, offered - i->gzip.avail_in, in->len);
    *ret_wrote = had - i->gzip.avail_out;
    if (r == Z_STREAM_END) {
        i->between = true;
        return 0;
    }
    if (in->len == 0 && last && *ret_wrote == 0)
        return -ERR_TRUNCATED;
    return r == Z_OK || r == Z_BUF_ERROR ? 0 : r == Z_MEM_ERROR ? -ENOMEM : -ERR_MALFORMED;
}

static int xz_step(struct inflate *i, struct span *in, bool last, uint8_t *to, size_t room, size_t *ret_wrote)
{
    i->xz.next_in = in->at;
    i->xz.avail_in = in->len;
    i->xz.next_out = to;
    i->xz.avail_out = room;
    lzma_ret r = lzma_code(&i->xz, last ? LZMA_FINISH : LZMA_RUN);
    *in = span_part(*in, in->len - i->xz.avail_in, in->len);
    *ret_wrote = room - i->xz.avail_out;
    switch (r) {
    case LZMA_OK:
        return 0;
    case LZMA_STREAM_END:
        return 1;
    case LZMA_BUF_ERROR:
        return last ? -ERR_TRUNCATED : 0;
    case LZMA_MEM_ERROR:
        return -ENOMEM;
    case LZMA_MEMLIMIT_ERROR:
        return -ERR_LIMIT;
    default:
        return -ERR_MALFORMED;
    }
}

static int zstd_step(struct inflate *i, struct span *in, bool last, uint8_t *to, size_t room, size_t *ret_wrote)
{
    ZSTD_inBuffer input = {.src = in->at, .size = in->len};
    ZSTD_outBuffer output = {.dst = to, .size = room};
    if (in->len == 0 && last && i->between)
        return 1;
    size_t hint = ZSTD_decompressStream(i->zstd, &output, &input);
    *in = span_part(*in, input.pos, in->len);
    *ret_wrote = output.pos;
    if (ZSTD_isError(hint) != 0)
        return ZSTD_getErrorCode(hint) == ZSTD_error_frameParameter_windowTooLarge ? -ERR_LIMIT : -ERR_MALFORMED;
    i->between = hint == 0;
    if (in->len == 0 && last && !i->between && output.pos < output.size)
        return -ERR_TRUNCATED;
    return 0;
}

int inflate_step(struct inflate *i, struct span *in, bool last, uint8_t *to, size_t room, size_t *ret_wrote)
{
    *ret_wrote = 0;
    switch (i->kind) {
    case INFLATE_GZIP:
        return gzip_step(i, in, last, to, room, ret_wrote);
    case INFLATE_XZ:
        return xz_step(i, in, last, to, room, ret_wrote);
    case INFLATE_ZSTD:
        return zstd_step(i, in, last, to, room, ret_wrote);
    default:
        return -EINVAL;
    }
}
