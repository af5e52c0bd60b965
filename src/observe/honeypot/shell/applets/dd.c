/* dd: copies blocks. What has no end is not read to it. */
#include "observe/honeypot/shell/applets/common.h"

#include <inttypes.h>

enum { DD_ENDLESS_MAX = 64 * 1024 * 1024 };

struct dd {
    struct run *run;
    struct span from, to;
    uint64_t in_block, out_block, count, skip, seek;
    bool has_count, notrunc, sync, swab, append, skip_bytes, count_bytes, seek_bytes, no_error, silent;
    bool endless, discards; /* reads a device without end; writes to one that keeps nothing */
};

static bool dd_number(struct dd *d, struct span text, uint64_t least, uint64_t *ret)
{
    if (!number_suffixed(text, true, ret)) {
        (void)number_fail(d->run, text);
        return false;
    }
    if (*ret < least) {
        run_error(d->run, "dd: number %.*s is not in %" PRIu64 "..9223372036854775807 range\n", TEXT(text), least);
        return false;
    }
    return true;
}

static bool dd_flags(struct dd *d, struct span name, struct span list, const char *known)
{
    while (list.len > 0) {
        struct span flag = span_part(list, 0, span_find(list, ','));
        list = span_part(list, flag.len + 1, SIZE_MAX);
        if (flag.len == 0 || memmem(known, strlen(known), flag.at, flag.len) == NULL) {
            run_error(d->run, "dd: invalid argument '%.*s' to '%.*s'\n", TEXT(flag), TEXT(name));
            return false;
        }
        d->notrunc = d->notrunc || span_is(flag, "notrunc");
        d->sync = d->sync || span_is(flag, "sync");
        d->swab = d->swab || span_is(flag, "swab");
        d->append = d->append || span_is(flag, "append");
        d->skip_bytes = d->skip_bytes || span_is(flag, "skip_bytes");
        d->count_bytes = d->count_bytes || span_is(flag, "count_bytes");
        d->seek_bytes = d->seek_bytes || span_is(flag, "seek_bytes");
        d->no_error = d->no_error || span_is(flag, "noerror");
    }
    return true;
}

/* 0, or the status to end with. */
static int dd_operand(struct dd *d, struct span word)
{
    size_t equal = span_find(word, '=');
    struct span name = span_part(word, 0, equal), value = span_part(word, equal + 1, SIZE_MAX);
    bool ok = true;
    if (equal == word.len)
        return run_usage(d->run);
    if (span_is(name, "if"))
        d->from = value;
    else if (span_is(name, "of"))
        d->to = value;
    else if (span_is(name, "bs")) {
        ok = dd_number(d, value, 1, &d->in_block);
        d->out_block = d->in_block;
    } else if (span_is(name, "ibs"))
        ok = dd_number(d, value, 1, &d->in_block);
    else if (span_is(name, "obs"))
        ok = dd_number(d, value, 1, &d->out_block);
    else if (span_is(name, "count")) {
        ok = dd_number(d, value, 0, &d->count);
        d->has_count = true;
    } else if (span_is(name, "skip"))
        ok = dd_number(d, value, 0, &d->skip);
    else if (span_is(name, "seek"))
        ok = dd_number(d, value, 0, &d->seek);
    else if (span_is(name, "conv"))
        ok = dd_flags(d, name, value, "notrunc,noerror,sync,fsync,swab,fdatasync,ucase,lcase");
    else if (span_is(name, "iflag"))
        ok = dd_flags(d, name, value, "skip_bytes,count_bytes,fullblock,direct,nonblock");
    else if (span_is(name, "oflag"))
        ok = dd_flags(d, name, value, "seek_bytes,append,direct,sync,dsync");
    else if (span_is(name, "status"))
        d->silent = span_is(value, "none");
    else
        return run_usage(d->run);
    return ok ? 0 : 1;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
    return a != 0 && b > INT64_MAX / a ? INT64_MAX : a * b;
}

static void dd_records(struct dd *d, uint64_t read, uint64_t written)
{
    if (d->silent)
        return;
    uint64_t in_part = read % d->in_block > 0, out_part = written % d->out_block > 0;
    run_error(d->run, "%" PRIu64 "+%" PRIu64 " records in\n%" PRIu64 "+%" PRIu64 " records out\n", read / d->in_block, in_part,
              written / d->out_block, out_part);
}

static void swap_pairs(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i + 1 < len; i += 2) {
        uint8_t first = bytes[i];
        bytes[i] = bytes[i + 1];
        bytes[i + 1] = first;
    }
}

/* One portion of the input, or of standard input when there is no file. */
static ssize_t dd_read(struct dd *d, struct span typed, uint64_t at, uint8_t *to, size_t len)
{
    if (d->from.len > 0)
        return at > SIZE_MAX / 2 ? 0 : tree_read(run_tree(d->run), run_cwd(d->run), d->from, (size_t)at, to, len);
    struct span part = at < typed.len ? span_part(typed, (size_t)at, len) : (struct span){0};
    if (part.len > 0)
        memcpy(to, part.at, part.len);
    return (ssize_t)part.len;
}

static int dd_write(struct dd *d, uint64_t at, struct span bytes)
{
    if (d->to.len == 0) {
        run_out(d->run, bytes);
        return 0;
    }
    if (d->append)
        return tree_write(run_tree(d->run), run_cwd(d->run), d->to, SIZE_MAX, bytes);
    return at > TREE_FILE_MAX ? -ENOSPC : tree_write(run_tree(d->run), run_cwd(d->run), d->to, (size_t)at, bytes);
}

static int dd_copy(struct dd *d, uint64_t from, uint64_t to, uint64_t most)
{
    uint8_t chunk[CHUNK];
    struct span typed = d->from.len > 0 ? span_of(NULL, 0) : run_input(d->run);
    uint64_t done = 0, written = 0;
    int error = 0;
    /* Between two devices there is nothing to see but the time it takes. */
    if (d->endless && d->discards) {
        done = most < DD_ENDLESS_MAX || d->has_count ? most : DD_ENDLESS_MAX;
        run_sleep(d->run, (usec_t)(done / 200 < (uint64_t)(60 * USEC_PER_SEC) ? done / 200 : (uint64_t)(60 * USEC_PER_SEC)));
        dd_records(d, done, done);
        return 0;
    }
    while (done < most && run_step(d->run, 1)) {
        size_t want = most - done < sizeof chunk ? (size_t)(most - done) : sizeof chunk;
        ssize_t got = dd_read(d, typed, from + done, chunk, want);
        if (got <= 0) {
            error = (int)got;
            break;
        }
        if (d->swab)
            swap_pairs(chunk, (size_t)got);
        done += (size_t)got;
        error = dd_write(d, to + written, span_of(chunk, (size_t)got));
        if (error < 0) {
            run_error(d->run, "dd: error writing '%.*s': %s\n", TEXT(d->to), errno_text(error));
            break;
        }
        written += (size_t)got;
    }
    if (d->sync && error == 0 && done % d->in_block > 0 && d->in_block <= CHUNK) {
        size_t pad = (size_t)(d->in_block - done % d->in_block);
        memset(chunk, 0, pad);
        (void)dd_write(d, to + written, span_of(chunk, pad));
        written += pad;
    }
    if (error < 0 && written == done)
        run_error(d->run, "dd: %.*s: %s\n", TEXT(d->from), errno_text(error));
    dd_records(d, done, written);
    return error < 0 ? 1 : 0;
}

static int dd(struct run *run)
{
    struct dd d = {.run = run, .in_block = 512, .out_block = 512};
    if (run->argc == 2 && span_is(run->argv[1], "--help")) {
        (void)run_usage(run);
        return 0;
    }
    for (size_t i = 1; i < run->argc; i++) {
        int status = dd_operand(&d, run->argv[i]);
        if (status != 0)
            return status;
    }
    if (d.from.len == 0 && run->input_is_terminal)
        return run_await_input(run, false);
    struct tree_stat stat;
    if (d.from.len > 0) {
        int error = tree_stat(run_tree(run), run_cwd(run), d.from, true, &stat);
        if (error < 0) {
            run_error(run, "dd: can't open '%.*s': %s\n", TEXT(d.from), errno_text(error));
            return 1;
        }
        d.endless = span_is(stat.path, "/dev/zero") || span_is(stat.path, "/dev/urandom") || span_is(stat.path, "/dev/random");
        if (stat.type == TREE_DIRECTORY) {
            run_error(run, "dd: %.*s: Is a directory\n", TEXT(d.from));
            return 1;
        }
    }
    uint64_t seek = multiply(d.seek, d.seek_bytes ? 1 : d.out_block);
    if (d.to.len > 0) {
        int error = tree_stat(run_tree(run), run_cwd(run), d.to, true, &stat);
        bool device = error == 0 && stat.type == TREE_DEVICE;
        d.discards = device && span_is(stat.path, "/dev/null");
        if (error == 0 && stat.type == TREE_DIRECTORY)
            error = -EISDIR;
        else if (!device && !d.notrunc && !d.append && seek <= TREE_FILE_MAX)
            error = tree_truncate(run_tree(run), run_cwd(run), d.to, (size_t)seek);
        else if (error == -ENOENT)
            error = tree_truncate(run_tree(run), run_cwd(run), d.to, 0);
        if (error < 0) {
            run_error(run, "dd: can't open '%.*s': %s\n", TEXT(d.to), errno_text(error));
            return 1;
        }
    }
    uint64_t most = !d.has_count ? INT64_MAX : d.count_bytes ? d.count : multiply(d.count, d.in_block);
    return dd_copy(&d, multiply(d.skip, d.skip_bytes ? 1 : d.in_block), seek, most);
}

const struct applet applet_dd = {
    .name = "dd",
    .run = dd,
    .usage = "dd [if=FILE] [of=FILE] [ibs=N obs=N/bs=N] [count=N] [skip=N] [seek=N]\n\t[conv=notrunc|noerror|sync|fsync]\n\nCopy a file with "
             "converting and formatting\n\n\tif=FILE\t\tRead from FILE instead of stdin\n\tof=FILE\t\tWrite to FILE instead of "
             "stdout\n\tbs=N\t\tRead and write N bytes at a time\n\tcount=N\t\tCopy only N input blocks\n\tskip=N\t\tSkip N input "
             "blocks\n\tseek=N\t\tSkip N output blocks\n\tconv=notrunc\tDon't truncate output file\n\tconv=noerror\tContinue after read "
             "errors\n\tconv=sync\tPad blocks with zeros\n\nN may be suffixed by c (1), w (2), b (512), kB (1000), k (1024), MB, M, GB, G"};
