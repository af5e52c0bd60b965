/*
 * Rules of all files become an image. Compiled patterns are kept in a cache file, per field: magic, then entries of a field's key (SHA-256 of its
 * regular expressions, the library and the processor), length and bytes. The cache is nobody's but ours, yet a broken one only costs time.
 */
#include "analyse/device/compile.h"
#include "analyse/device/nmap.h"
#include "analyse/device/recog.h"
#include "analyse/device/rules.h"
#include "base/cursor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CACHE_MAX = 256 * 1024 * 1024, KEY_SIZE = SHA256_DIGEST_LENGTH };

static const char magic[8] = "noroFC02";

struct compiling {
    struct drafts drafts;
    struct buf patterns[DEVICE_FIELD_COUNT];
    uint8_t keys[DEVICE_FIELD_COUNT][KEY_SIZE];
    bool cached[DEVICE_FIELD_COUNT];
    struct device_compiled result;
    struct conf_error *error;
};

static int read_file(const char *path, size_t max, struct buf *ret)
{
    enum { STEP = 64 * 1024 };
    buf_init(ret, max + STEP);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    ssize_t got = 0;
    do {
        uint8_t *room = buf_reserve(ret, STEP);
        got = room != NULL ? read(fd, room, STEP) : 0;
        ret->len += got > 0 ? (size_t)got : 0;
    } while (got > 0 && ret->len <= max);
    int r = got < 0 ? -errno : ret->len > max ? -ERR_LIMIT : ret->error;
    close(fd);
    return r;
}

static int unreadable(struct compiling *c, const char *path, int r)
{
    if (c->error->text[0] == '\0')
        snprintf(c->error->text, sizeof c->error->text, "%.300s: cannot be read: %s", path, err_text(r));
    return -ERR_CONFIG;
}

/* ---- reading ---- */

static int is_rulefile(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

static int read_own_file(struct compiling *c, const char *folder, const char *name)
{
    char path[4096];
    struct buf text;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return -ENAMETOOLONG;
    int r = read_file(path, RULE_FILE_MAX, &text);
    r = r != 0 ? unreadable(c, path, r) : rulefile_read(&c->drafts, path, buf_as_span(&text), c->error);
    buf_done(&text);
    return r;
}

static int read_own(struct compiling *c, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_rulefile, alphasort);
    int r = count < 0 ? unreadable(c, folder, -errno) : 0;
    if (count > RULE_FILES_MAX) {
        snprintf(c->error->text, sizeof c->error->text, "%.300s: expected at most %d files", folder, RULE_FILES_MAX);
        r = -ERR_CONFIG;
    }
    for (int i = 0; i < count; i++) {
        if (r == 0)
            r = read_own_file(c, folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    c->result.own = c->drafts.count;
    return r;
}

/* Only the files that a field of ours asks for. One that is not there is none; a folder without any of them is a mistake. */
static int read_recog(struct compiling *c, const char *folder)
{
    size_t found = 0;
    for (int field = 0; field < DEVICE_FIELD_COUNT; field++) {
        char path[4096];
        struct buf text;
        const char *file = field_recog_file((enum device_field)field);
        if (file[0] == '\0')
            continue;
        if (snprintf(path, sizeof path, "%s/%s", folder, file) >= (int)sizeof path)
            return -ENAMETOOLONG;
        int r = read_file(path, RECOG_FILE_MAX, &text);
        if (r == 0)
            r = recog_drafts(&c->drafts, field, path, buf_as_span(&text), &c->result.recog_left_out, c->error);
        else
            r = r == -ENOENT ? 1 : unreadable(c, path, r);
        buf_done(&text);
        if (r < 0)
            return r;
        found += r == 0;
    }
    if (found == 0) {
        snprintf(c->error->text, sizeof c->error->text, "%.300s: expected recog's files, such as telnet_banners.xml", folder);
        return -ERR_CONFIG;
    }
    c->result.recog = c->drafts.count - c->result.own;
    return 0;
}

static int read_nmap(struct compiling *c, const char *path)
{
    struct buf text;
    size_t before = c->drafts.count;
    int r = read_file(path, NMAP_FILE_MAX, &text);
    r = r != 0 ? unreadable(c, path, r) : nmap_drafts(&c->drafts, path, buf_as_span(&text), &c->result.nmap_left_out, c->error);
    buf_done(&text);
    c->result.nmap = c->drafts.count - before;
    return r;
}

/* ---- the cache ---- */

static int make_keys(struct compiling *c)
{
    struct buf text;
    buf_init(&text, 0);
    for (int field = 0; field < DEVICE_FIELD_COUNT; field++) {
        size_t first, count = drafts_of(&c->drafts, (enum device_field)field, &first);
        buf_clear(&text);
        patterns_platform(&text);
        for (size_t i = first; i < first + count; i++) {
            const struct pattern *p = &c->drafts.list[i].pattern;
            buf_printf(&text, "%zu %d%d%s ", p->regex.len, p->nocase, p->dotall, p->whole ? "w" : "");
            buf_span(&text, p->regex);
        }
        if (text.error != 0)
            break;
        (void)SHA256(text.data, text.len, c->keys[field]);
    }
    int r = text.error;
    buf_done(&text);
    return r;
}

static void read_cache(struct compiling *c, const char *path)
{
    struct buf file;
    buf_init(&file, CACHE_MAX);
    if (device_cache_read(path, &file) == 0) {
        struct cursor at = cursor_of(buf_as_span(&file));
        struct span start = cursor_take(&at, sizeof magic);
        bool good = span_equal(start, span_of((const uint8_t *)magic, sizeof magic));
        while (good && cursor_left(&at) > 0) {
            struct span key = cursor_take(&at, KEY_SIZE);
            struct span bytes = cursor_take(&at, (size_t)cursor_be(&at, 8));
            for (int field = 0; field < DEVICE_FIELD_COUNT && at.error == 0; field++) {
                if (c->cached[field] || !span_equal(key, span_of(c->keys[field], KEY_SIZE)))
                    continue;
                buf_span(&c->patterns[field], bytes);
                c->cached[field] = c->patterns[field].error == 0;
            }
            good = at.error == 0;
        }
    }
    buf_done(&file);
}

static void write_cache(const struct compiling *c, const char *path)
{
    char draft[4096];
    if (snprintf(draft, sizeof draft, "%s.%ld", path, (long)getpid()) >= (int)sizeof draft)
        return;
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (file == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    bool good = fwrite(magic, sizeof magic, 1, file) == 1;
    for (int field = 0; field < DEVICE_FIELD_COUNT && good; field++) {
        const struct buf *b = &c->patterns[field];
        uint8_t len[8];
        for (int i = 0; i < 8; i++)
            len[i] = (uint8_t)((uint64_t)b->len >> (56 - 8 * i));
        good = fwrite(c->keys[field], KEY_SIZE, 1, file) == 1 && fwrite(len, sizeof len, 1, file) == 1 &&
               (b->len == 0 || fwrite(b->data, b->len, 1, file) == 1);
    }
    good = fclose(file) == 0 && good;
    if (!good || rename(draft, path) != 0)
        (void)unlink(draft);
}

/* ---- compiling ---- */

static int compile_field(struct compiling *c, int field)
{
    char why[256] = "";
    size_t first, bad = 0, count = drafts_of(&c->drafts, (enum device_field)field, &first);
    struct pattern *patterns = calloc(count + 1, sizeof *patterns);
    if (patterns == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        patterns[i] = c->drafts.list[first + i].pattern;
    int r = patterns_compile(patterns, count, &c->patterns[field], &bad, why, sizeof why);
    free(patterns);
    if (r == -ERR_MALFORMED) {
        const struct draft *draft = &c->drafts.list[first + bad];
        snprintf(c->error->text, sizeof c->error->text, "%.200s:%u: match: %.200s", draft->file, draft->line, why);
        r = -ERR_CONFIG;
    }
    return r;
}

static int compile_all(struct compiling *c)
{
    c->result.cached = true;
    for (int field = 0; field < DEVICE_FIELD_COUNT; field++) {
        if (c->cached[field])
            continue;
        buf_clear(&c->patterns[field]);
        c->result.cached = false;
        int r = compile_field(c, field);
        if (r != 0)
            return r;
    }
    return 0;
}

/* An image that does not open was made of a cache that is broken: once more without it. */
static int make_image(struct compiling *c, struct buf *image, struct device_rules **ret)
{
    size_t start = image->len;
    bool any = false;
    for (int field = 0; field < DEVICE_FIELD_COUNT; field++)
        any = any || c->cached[field];
    for (int attempt = 0;; attempt++) {
        int r = compile_all(c);
        if (r == 0)
            r = image_write(&c->drafts, c->patterns, image);
        if (r == 0)
            r = device_open(ret, span_of(image->data + start, image->len - start));
        if (r == 0 || !any || attempt == 1)
            return r;
        image->len = start;
        memset(c->cached, 0, sizeof c->cached);
    }
}

/* What PCRE2 takes and Hyperscan does not. Rules are in the order of the drafts; of what has examples those have failed already. */
static void count_left_out(struct compiling *c, const struct device_rules *rules)
{
    size_t at = 0;
    for (int field = 0; field < DEVICE_FIELD_COUNT; field++) {
        const struct field_rules *f = &rules->fields[field];
        size_t *count = field == DEVICE_FIELD_RAW ? &c->result.nmap_left_out : &c->result.recog_left_out;
        for (size_t i = 0; i < f->count; i++, at++)
            *count += pattern_left_out(f->patterns, i) && !c->drafts.list[at].left_out;
    }
}

static int try_examples(struct compiling *c, struct buf *image, struct device_rules *rules, size_t start)
{
    size_t left_out = 0;
    int r = examples_try(&c->drafts, rules, &c->result.examples, &left_out, c->error);
    c->result.recog_left_out += left_out;
    count_left_out(c, rules);
    if (r == 0 && left_out > 0) {
        image->len = start;
        r = image_write(&c->drafts, c->patterns, image);
    }
    return r;
}

static int finish(struct compiling *c, const char *cache, struct buf *image)
{
    struct device_rules *rules = NULL;
    size_t start = image->len;
    drafts_sort(&c->drafts);
    int r = make_keys(c);
    if (r == 0 && cache != NULL)
        read_cache(c, cache);
    if (r == 0)
        r = make_image(c, image, &rules);
    if (r == 0)
        r = try_examples(c, image, rules, start);
    if (r == 0 && cache != NULL && !c->result.cached)
        write_cache(c, cache);
    device_close(rules);
    return r;
}

static int compiling_init(struct compiling *c, struct conf_error *error)
{
    *c = (struct compiling){.error = error};
    drafts_init(&c->drafts);
    for (int field = 0; field < DEVICE_FIELD_COUNT; field++)
        buf_init(&c->patterns[field], 0);
    error->text[0] = '\0';
    return 0;
}

static int compiling_done(struct compiling *c, int r, struct device_compiled *ret)
{
    if (r == 0)
        *ret = c->result;
    else if (c->error->text[0] == '\0')
        snprintf(c->error->text, sizeof c->error->text, "fingerprint rules: %s", err_text(r));
    for (int field = 0; field < DEVICE_FIELD_COUNT; field++)
        buf_done(&c->patterns[field]);
    drafts_done(&c->drafts);
    return r;
}

static bool is_given(const char *path)
{
    return path != NULL && path[0] != '\0';
}

int device_compile_sources(const struct device_sources *from, const char *cache, struct buf *image, struct device_compiled *ret,
                           struct conf_error *error)
{
    struct compiling c;
    int r = compiling_init(&c, error);
    if (r == 0)
        r = read_own(&c, from->own);
    if (r == 0 && is_given(from->recog))
        r = read_recog(&c, from->recog);
    if (r == 0 && is_given(from->nmap))
        r = read_nmap(&c, from->nmap);
    if (r == 0)
        r = finish(&c, cache, image);
    return compiling_done(&c, r, ret);
}

int device_compile(const struct conf *settings, const char *cache, struct buf *image, struct device_compiled *ret, struct conf_error *error)
{
    const struct device_sources sources = {.own = conf_text(settings, "fingerprint.rules"),
                                           .recog = conf_text(settings, "fingerprint.recog"),
                                           .nmap = conf_text(settings, "fingerprint.nmap")};
    return device_compile_sources(&sources, cache, image, ret, error);
}

int device_compile_text(const char *file, struct span yaml, struct buf *image, struct device_compiled *ret, struct conf_error *error)
{
    struct compiling c;
    int r = compiling_init(&c, error);
    if (r == 0)
        r = rulefile_read(&c.drafts, file, yaml, error);
    c.result.own = c.drafts.count;
    if (r == 0)
        r = finish(&c, NULL, image);
    return compiling_done(&c, r, ret);
}
