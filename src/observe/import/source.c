#include "observe/import/source.h"

#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/*
 *   fd or bytes ──► raw (one block) ──► inflate ──► block ──► line
 *                                                     │ a line that goes over the block's end is gathered in `line`
 */
struct source {
    const char *name;
    int fd; /* -1: bytes */
    struct span bytes;
    uint64_t taken;
    void (*progress)(void *user, uint64_t taken);
    void *user;

    uint8_t *raw;         /* as read */
    struct span raw_left; /* not yet decompressed */
    bool raw_end;
    struct inflate *inflate;

    uint8_t *block;
    struct span left; /* of the block, not yet given out */
    bool started, ended;
    int error;

    struct buf line;
    bool too_long; /* the line being gathered is: forget it up to its end */
    uint64_t number, long_lines;
};

static int source_new(struct source **ret, const char *name, int fd, struct span bytes)
{
    struct source *s = calloc(1, sizeof *s);
    uint8_t *raw = malloc(SOURCE_BLOCK), *block = malloc(SOURCE_BLOCK);
    if (s == NULL || raw == NULL || block == NULL) {
        free(s);
        free(raw);
        free(block);
        if (fd >= 0)
            (void)close(fd);
        return -ENOMEM;
    }
    s->name = name;
    s->fd = fd;
    s->bytes = bytes;
    s->raw = raw;
    s->block = block;
    buf_init(&s->line, SOURCE_LINE_MAX);
    *ret = s;
    return 0;
}

int source_open_fd(struct source **ret, const char *name, int fd)
{
    return source_new(ret, name, fd, (struct span){0});
}

int source_open_bytes(struct source **ret, const char *name, struct span bytes)
{
    return source_new(ret, name, -1, bytes);
}

void source_close(struct source *s)
{
    if (s == NULL)
        return;
    if (s->fd >= 0)
        (void)close(s->fd);
    inflate_free(s->inflate);
    buf_done(&s->line);
    free(s->raw);
    free(s->block);
    free(s);
}

void source_on_progress(struct source *s, void (*call)(void *user, uint64_t taken), void *user)
{
    s->progress = call;
    s->user = user;
}

/* Fills `raw` behind `have` bytes; sets raw_end. 0 or -errno. */
static int read_raw(struct source *s, size_t have, size_t *ret_len)
{
    size_t room = SOURCE_BLOCK - have, got;
    if (s->fd < 0) {
        got = s->bytes.len < room ? s->bytes.len : room;
        if (got > 0)
            memcpy(s->raw + have, s->bytes.at, got);
        s->bytes = span_part(s->bytes, got, s->bytes.len);
    } else {
        ssize_t n;
        do {
            n = read(s->fd, s->raw + have, room);
        } while (n < 0 && errno == EINTR);
        if (n < 0)
            return -errno;
        got = (size_t)n;
    }
    s->raw_end = got == 0;
    s->taken += got;
    if (got > 0 && s->progress != NULL)
        s->progress(s->user, s->taken);
    *ret_len = have + got;
    return 0;
}

/* The first bytes decide whether this is compressed. */
static int begin(struct source *s)
{
    size_t len = 0;
    while (!s->raw_end && len < INFLATE_MAGIC_MAX) {
        int r = read_raw(s, len, &len);
        if (r != 0)
            return r;
    }
    s->started = true;
    s->raw_left = span_of(s->raw, len);
    enum inflate_kind kind = inflate_sniff(s->raw_left);
    return kind != INFLATE_NONE ? inflate_new(&s->inflate, kind) : 0;
}

/* One step towards filling the block behind `have`: *ret_len grows, or `ended` is set, or neither (a decompressor that wants more). */
static int step(struct source *s, size_t have, size_t *ret_len)
{
    size_t len = 0;
    if (s->raw_left.len == 0 && !s->raw_end) {
        int r = read_raw(s, 0, &len);
        if (r != 0)
            return r;
        s->raw_left = span_of(s->raw, len);
    }
    if (s->inflate != NULL) {
        size_t wrote;
        int r = inflate_step(s->inflate, &s->raw_left, s->raw_end, s->block + have, SOURCE_BLOCK - have, &wrote);
        *ret_len = have + wrote;
        s->ended = r == 1;
        return r < 0 ? r : 0;
    }
    len = s->raw_left.len < SOURCE_BLOCK - have ? s->raw_left.len : SOURCE_BLOCK - have;
    if (len > 0)
        memcpy(s->block + have, s->raw_left.at, len);
    s->raw_left = span_part(s->raw_left, len, s->raw_left.len);
    *ret_len = have + len;
    s->ended = s->raw_end && s->raw_left.len == 0;
    return 0;
}

/* Fills the empty block: at least one byte, or (`whole`) as much as there is. An error comes after what could be read. */
static void fill(struct source *s, bool whole)
{
    size_t len = 0;
    if (!s->started)
        s->error = begin(s);
    while (s->error == 0 && !s->ended && (len == 0 || (whole && len < SOURCE_BLOCK)))
        s->error = step(s, len, &len);
    s->left = span_of(s->block, len);
}

struct span source_head(struct source *s)
{
    if (!s->started)
        fill(s, true);
    return s->left;
}

/* Adds to the line being gathered; one that is over SOURCE_LINE_MAX is forgotten. */
static void gather(struct source *s, struct span part)
{
    if (s->too_long)
        return;
    if (part.len > SOURCE_LINE_MAX - s->line.len) {
        s->too_long = true;
        buf_clear(&s->line);
        return;
    }
    buf_span(&s->line, part);
    if (s->line.error != 0)
        s->error = s->line.error;
}

static struct span without_return(struct span line)
{
    return line.len > 0 && line.at[line.len - 1] == '\r' ? span_part(line, 0, line.len - 1) : line;
}

int source_line(struct source *s, struct span *ret)
{
    buf_clear(&s->line);
    bool some = false;
    for (;;) {
        if (s->left.len == 0 && s->error == 0 && !s->ended)
            fill(s, false);
        if (s->left.len == 0) {
            if (s->error != 0)
                return s->error;
            if (!some)
                return 0;
            /* the last line, without a line break */
        }
        size_t end = span_find(s->left, '\n');
        bool complete = s->left.len == 0 || end < s->left.len;
        struct span part = span_part(s->left, 0, end);
        s->left = span_part(s->left, end + 1, s->left.len);
        some = true;
        if (complete && s->line.len == 0 && !s->too_long) {
            s->number++;
            *ret = without_return(part);
            return 1;
        }
        gather(s, part);
        if (!complete)
            continue;
        s->number++;
        if (!s->too_long && s->error == 0) {
            *ret = without_return(buf_as_span(&s->line));
            return 1;
        }
        s->long_lines += s->too_long;
        s->too_long = false;
        some = false;
        buf_clear(&s->line);
    }
}

uint64_t source_line_number(const struct source *s)
{
    return s->number;
}

const char *source_name(const struct source *s)
{
    return s->name;
}

uint64_t source_long_lines(const struct source *s)
{
    return s->long_lines;
}

const char *source_error(const struct source *s)
{
    if (s->inflate == NULL || s->error == -ENOMEM)
        return err_text(s->error);
    return s->error == -ERR_TRUNCATED ? "the compressed data ends too early"
           : s->error == -ERR_LIMIT   ? "the compressed data wants more than 128 MiB of memory"
           : s->error == 0            ? err_text(0)
                                      : "the compressed data is damaged";
}
