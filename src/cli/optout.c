#include "base/err.h"
#include "cli/listing.h"
#include "outside/list.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPTOUT_REASON, OPTOUT_LIST, OPTOUT_REMOVE, OPTOUT_JSON };
enum { SIZE_MOST = 32 * 1024 * 1024, REASON_MOST = 200, TRIES = 100 };

extern const struct verb verb_optout;

static const struct verb_option options[] = {
    [OPTOUT_REASON] = {"reason", 'r', "TEXT", "why, written beside it: who asked, a ticket"},
    [OPTOUT_LIST] = {"list", 'l', NULL, "print who opted out"},
    [OPTOUT_REMOVE] = {"remove", 0, NULL, "take these off the list again"},
    [OPTOUT_JSON] = {"json", 'j', NULL, "with --list: an array of objects"},
};

static const struct column columns[] = {
    {.name = "network", .title = "network", .help = "address or network that is never connected to"},
    {.name = "reason", .title = "reason", .help = "what stands beside it in the file"},
};

/* The file, locked, and what stands in it. */
struct optouts {
    char path[PATH_MAX];
    int fd;
    struct buf text;
    struct list *list;
};

static int find_path(const struct invocation *i, char path[static PATH_MAX])
{
    const char *set = conf_text(i->settings, "outside.optout");
    int length = set[0] != '\0' ? snprintf(path, PATH_MAX, "%s", set) : snprintf(path, PATH_MAX, "%s/optout.conf", i->data);
    return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int read_whole(int fd, struct buf *out)
{
    for (;;) {
        uint8_t *room = buf_reserve(out, 65536);
        ssize_t n = room != NULL ? read(fd, room, 65536) : 0;
        if (room == NULL)
            return out->error;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        out->len += (size_t)n;
    }
}

/* --remove puts a new file in its place: is what was locked still the one of that name? */
static bool is_current(int fd, const char *path)
{
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static int open_locked(struct optouts *f, bool writing)
{
    for (int tries = 0; tries < TRIES; tries++) {
        f->fd = open(f->path, (writing ? O_RDWR | O_APPEND | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NOCTTY, 0644);
        if (f->fd < 0)
            return -errno;
        if (flock(f->fd, writing ? LOCK_EX : LOCK_SH) != 0)
            return -errno;
        if (is_current(f->fd, f->path))
            return 0;
        close(f->fd);
        f->fd = -1;
    }
    return -EBUSY;
}

static int open_optouts(struct optouts *f, const struct invocation *i, bool writing, size_t *ret_bad)
{
    size_t bad = 0;
    struct list_error first = {.line = 0};
    int r = find_path(i, f->path);
    if (r == 0)
        r = open_locked(f, writing);
    if (r == -ENOENT && !writing)
        r = 0;
    else if (r == 0)
        r = read_whole(f->fd, &f->text);
    if (r == 0)
        r = list_read(&f->list, "optout", buf_as_span(&f->text), &bad, &first, 1);
    if (r != 0)
        return failed("%s: %s", f->path, err_text(r));
    if (bad > 0)
        fprintf(stderr, "noroshi: %s:%u: \"%s\" is no address or network: it protects nobody (%zu such line%s)\n", f->path, first.line, first.text,
                bad, bad == 1 ? "" : "s");
    *ret_bad = bad;
    return 0;
}

static int write_whole(int fd, struct span text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.at, text.len);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            text = span_part(text, (size_t)n, text.len);
    }
    return fsync(fd) == 0 ? 0 : -errno;
}

/* The name in its folder must last, too. */
static int sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path), slash == NULL ? "." : path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? -errno : fsync(fd) == 0 || errno == EINVAL ? 0 : -errno;
    if (fd >= 0)
        close(fd);
    return r;
}

static int parse_words(const struct options *o, struct prefix *prefixes)
{
    for (int i = 0; i < o->word_count; i++) {
        struct span word = span_text(o->words[i]);
        if (span_find(word, '#') < word.len || span_find(word, ' ') < word.len || span_find(word, '\n') < word.len ||
            list_line(word, &prefixes[i]) != 0)
            return usage_error(&verb_optout, "expected an address or a network such as 192.0.2.0/24, got \"%.60s\"", o->words[i]);
    }
    return 0;
}

/* "192.0.2.1", "192.0.2.0/24". */
static const char *print_network(struct prefix p, char text[static PREFIX_TEXT_SIZE])
{
    return p.bits == 128 ? addr_print(p.addr, text) : prefix_print(p, text);
}

/* Named twice on one command line. */
static bool is_again(const struct prefix *prefixes, int n)
{
    for (int before = 0; before < n; before++)
        if (addr_equal(prefixes[before].addr, prefixes[n].addr) && prefixes[before].bits == prefixes[n].bits)
            return true;
    return false;
}

static int add(struct optouts *f, const struct invocation *i, const struct prefix *prefixes, int count, const char *reason)
{
    char text[PREFIX_TEXT_SIZE], now[USEC_TEXT_SIZE];
    struct buf more, why;
    int added = 0;
    buf_init(&more, 0);
    buf_init(&why, 0);
    text_escape(&why, span_part(span_text(reason), 0, REASON_MOST));
    if (f->text.len > 0 && f->text.data[f->text.len - 1] != '\n')
        buf_byte(&more, '\n');
    for (int n = 0; n < count; n++) {
        print_network(prefixes[n], text);
        if (list_covers(f->list, prefixes[n]) || is_again(prefixes, n)) {
            note(i, "%s is on the list already", text);
            continue;
        }
        buf_printf(&more, "%s # %.19sZ%s%s\n", text, usec_print(usec_now(), now), why.len > 0 ? " " : "", buf_cstr(&why));
        added++;
    }
    int r = added > 0 ? write_whole(f->fd, buf_as_span(&more)) : 0;
    if (r == 0 && added > 0)
        r = sync_folder(f->path);
    buf_done(&more);
    buf_done(&why);
    if (r != 0)
        return failed("%s: %s; nobody may be taken to have opted out", f->path, err_text(r));
    note(i, "%d added to %s", added, f->path);
    return EXIT_OK;
}

/* All lines but those that state one of these networks. */
static int keep_others(const struct optouts *f, const struct prefix *prefixes, int count, bool *found, struct buf *out)
{
    int dropped = 0;
    for (struct span left = buf_as_span(&f->text); left.len > 0;) {
        struct span line = span_part(left, 0, span_find(left, '\n'));
        bool whole = line.len < left.len, drop = false;
        struct prefix p;
        left = span_part(left, line.len + 1, left.len);
        for (int n = 0; list_line(line, &p) == 0 && n < count; n++) {
            if (!addr_equal(p.addr, prefixes[n].addr) || p.bits != prefixes[n].bits)
                continue;
            drop = found[n] = true;
        }
        dropped += drop;
        if (!drop)
            buf_span(out, line);
        if (!drop && whole)
            buf_byte(out, '\n');
    }
    return dropped;
}

static int replace(const struct optouts *f, struct span text)
{
    char fresh[PATH_MAX];
    struct stat old;
    if (snprintf(fresh, sizeof fresh, "%s.XXXXXX", f->path) >= (int)sizeof fresh)
        return -ENAMETOOLONG;
    int fd = mkostemp(fresh, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fstat(f->fd, &old) == 0 && fchmod(fd, old.st_mode & 0777) == 0 ? 0 : -errno;
    if (r == 0 && geteuid() == 0 && fchown(fd, old.st_uid, old.st_gid) != 0)
        r = -errno;
    if (r == 0)
        r = write_whole(fd, text);
    if (r == 0 && rename(fresh, f->path) != 0)
        r = -errno;
    if (r != 0)
        unlink(fresh);
    close(fd);
    return r == 0 ? sync_folder(f->path) : r;
}

static int take_off(struct optouts *f, const struct invocation *i, const struct prefix *prefixes, int count)
{
    bool *found = calloc((size_t)count, sizeof *found);
    struct buf rest;
    char text[PREFIX_TEXT_SIZE];
    int missing = 0;
    if (found == NULL)
        return failed("%s", err_text(-ENOMEM));
    buf_init(&rest, 0);
    int dropped = keep_others(f, prefixes, count, found, &rest);
    int r = rest.error == 0 && dropped > 0 ? replace(f, buf_as_span(&rest)) : rest.error;
    for (int n = 0; n < count && r == 0; n++) {
        if (found[n])
            continue;
        missing++;
        bool covered = list_covers(f->list, prefixes[n]);
        note(i, "%s is not on the list%s", print_network(prefixes[n], text), covered ? " by itself: a greater network there holds it" : "");
    }
    buf_done(&rest);
    free(found);
    if (r != 0)
        return failed("%s: %s", f->path, err_text(r));
    note(i, "%d line%s taken off %s", dropped, dropped == 1 ? "" : "s", f->path);
    return missing == 0 ? EXIT_OK : missing == count ? EXIT_NOTHING : EXIT_PARTLY;
}

static struct span reason_of(struct span line)
{
    size_t mark = span_find(line, '#');
    struct span reason = span_part(line, mark + 1, line.len);
    while (reason.len > 0 && (reason.at[0] == ' ' || reason.at[0] == '\t'))
        reason = span_part(reason, 1, reason.len);
    while (reason.len > 0 && (reason.at[reason.len - 1] == '\r' || reason.at[reason.len - 1] == ' '))
        reason.len--;
    return reason;
}

static int print_list(const struct optouts *f, const struct invocation *i, const struct options *o)
{
    static const struct options plain = {.word_count = 0};
    static const char given[] = "";
    struct options listing = plain;
    struct table *table = NULL;
    char text[PREFIX_TEXT_SIZE];
    int error = table_new(&table, columns, sizeof columns / sizeof columns[0]);
    for (struct span left = buf_as_span(&f->text); left.len > 0 && error == 0;) {
        struct span line = span_part(left, 0, span_find(left, '\n'));
        struct prefix p;
        left = span_part(left, line.len + 1, left.len);
        if (list_line(line, &p) != 0)
            continue;
        print_network(p, text);
        error = table_row(table, (const struct query_value[]){value_text(span_text(text)), value_text(reason_of(line))}, 2);
    }
    listing.values[LISTING_JSON] = o->values[OPTOUT_JSON] != NULL ? given : NULL;
    return listing_print(i, &listing, table, error);
}

static int act(const struct invocation *i, const struct options *o, struct prefix *prefixes)
{
    struct optouts f = {.fd = -1};
    size_t bad = 0;
    bool listing = o->values[OPTOUT_LIST] != NULL;
    buf_init(&f.text, SIZE_MOST);
    if (!listing && conf_text(i->settings, "outside.optout")[0] == '\0' && mkdir(i->data, 0750) != 0 && errno != EEXIST)
        return failed("%s: %s", i->data, strerror(errno));
    int status = open_optouts(&f, i, !listing, &bad);
    if (status == 0 && listing)
        status = print_list(&f, i, o);
    else if (status == 0 && o->values[OPTOUT_REMOVE] != NULL)
        status = take_off(&f, i, prefixes, o->word_count);
    else if (status == 0)
        status = add(&f, i, prefixes, o->word_count, o->values[OPTOUT_REASON] != NULL ? o->values[OPTOUT_REASON] : "");
    if (f.fd >= 0)
        close(f.fd);
    list_free(f.list);
    buf_done(&f.text);
    return status;
}

static int run(const struct invocation *i, const struct options *o)
{
    bool listing = o->values[OPTOUT_LIST] != NULL, removing = o->values[OPTOUT_REMOVE] != NULL;
    if (listing && (removing || o->word_count > 0))
        return usage_error(&verb_optout, "expected nothing beside --list");
    if (!listing && o->word_count == 0)
        return usage_error(&verb_optout, "expected addresses or networks, or --list");
    if (!listing && o->values[OPTOUT_JSON] != NULL)
        return usage_error(&verb_optout, "--json goes with --list");
    struct prefix *prefixes = calloc((size_t)o->word_count + 1, sizeof *prefixes);
    if (prefixes == NULL)
        return failed("%s", err_text(-ENOMEM));
    int status = parse_words(o, prefixes);
    if (status == 0)
        status = act(i, o, prefixes);
    free(prefixes);
    return status;
}

const struct verb verb_optout = {
    .name = "optout",
    .arguments = "ADDRESS|NETWORK… [--reason TEXT] [--remove] | --list [--json]",
    .help = "never connect to these again: their owner asked not to be probed",
    .text =
        "Writes to the file of outside.optout (optout.conf in the data folder), in ZMap's format. A running `noroshi run` sees it within a\n"
        "second: talks with such a host end, nothing is asked of it again. The line is on the disk when this returns. Doing it twice adds nothing.\n"
        "\n"
        "--remove takes off the lines that name exactly these addresses or networks. Exit status 3: none of them was there.",
    .examples = "noroshi optout 192.0.2.7 --reason \"owner wrote on 20 November\"\n"
                "noroshi optout 198.51.100.0/24 2001:db8:7::/48\n"
                "noroshi optout --list\n"
                "noroshi optout --remove 192.0.2.7",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .needs_settings = true,
    .run = run,
};
