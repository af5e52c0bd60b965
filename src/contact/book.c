/*
 * The book: a folder's files in one image, and the image's parts read. The image is the files as they are, each with its name before it: readers are
 * quick enough, and nobody has to trust a second form of the same thing.
 */
#include "contact/book.h"

#include "base/cursor.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { BOOK_FORMAT = 1, FILE_NAME_MAX = 40, HEAD_LINES = 30 };
static const char magic[8] = "nrsbook";

typedef int part_reader(struct arena *, struct span text, const char *path, void **ret, struct conf_error *);

#define PART(name, file, help) part_reader book_open_##name;
#include "contact/book_parts.def"
#undef PART

static const struct {
    const char *file;
    part_reader *open;
} parts[] = {
#define PART(name, file, help) {file, book_open_##name},
#include "contact/book_parts.def"
#undef PART
    {NULL, NULL}};

struct book {
    struct arena arena;
    void *content[BOOK_PARTS + 1];
    usec_t date[BOOK_PARTS + 1];
};

static int complain(struct conf_error *error, int code, const char *path, const char *what)
{
    (void)snprintf(error->text, sizeof error->text, "%s: %s", path, what);
    return code;
}

/* IANA's files say "publication": "2026-08-15T21:00:02Z". */
static usec_t date_of_publication(struct span text)
{
    static const char word[] = "\"publication\"";
    enum { HEAD_BYTES = 2000 };
    usec_t date = 0;
    text = span_part(text, 0, HEAD_BYTES);
    const uint8_t *hit = text.len > 0 ? memmem(text.at, text.len, word, sizeof word - 1) : NULL;
    if (hit == NULL)
        return 0;
    text = span_part(text, (size_t)(hit - text.at) + sizeof word - 1, text.len);
    text = span_part(text, span_find(text, '"') + 1, 10);
    return usec_parse(text, 0, &date, NULL) == 0 ? date : 0;
}

/* The `# date:` among the first lines; 0 when there is none or it is none. */
static usec_t date_of(struct span text)
{
    if (span_starts(text, "{"))
        return date_of_publication(text);
    static const char word[] = "# date:";
    for (unsigned n = 0; n < HEAD_LINES && text.len > 0; n++) {
        struct span line = span_part(text, 0, span_find(text, '\n'));
        text = span_part(text, line.len + 1, text.len);
        usec_t date = 0;
        if (!span_starts(line, word))
            continue;
        line = span_part(line, sizeof word - 1, line.len);
        while (line.len > 0 && line.at[0] == ' ')
            line = span_part(line, 1, line.len);
        return usec_parse(span_part(line, 0, 10), 0, &date, NULL) == 0 ? date : 0;
    }
    return 0;
}

static int open_part(struct book *book, size_t index, struct span text, const char *path, struct conf_error *error)
{
    error->text[0] = 0;
    book->date[index] = date_of(text);
    int r = parts[index].open(&book->arena, text, path, &book->content[index], error);
    if (r != 0 && error->text[0] == 0)
        return complain(error, r, path, err_text(r));
    return r;
}

static struct book *book_new(void)
{
    struct book *book = calloc(1, sizeof *book);
    if (book != NULL)
        arena_init(&book->arena, BOOK_MEMORY_MAX);
    return book;
}

/* Adds a file to the image and to the trial book. */
static int pack_path(struct book *trial, size_t index, const char *path, struct buf *image, struct conf_error *error)
{
    struct buf text;
    buf_init(&text, BOOK_IMAGE_MAX);
    int r = file_read(path, &text);
    if (r != 0)
        (void)complain(error, r, path, err_text(r));
    else
        r = open_part(trial, index, buf_as_span(&text), path, error);
    if (r == 0) {
        buf_varint(image, strlen(parts[index].file));
        buf_text(image, parts[index].file);
        buf_varint(image, text.len);
        buf_span(image, buf_as_span(&text));
    }
    buf_done(&text);
    return r;
}

/* One that is not there is empty. */
static int pack_file(struct book *trial, size_t index, const char *folder, struct buf *image, struct conf_error *error)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/%s", folder, parts[index].file);
    if (len < 0 || (size_t)len >= sizeof path)
        return complain(error, -ENAMETOOLONG, folder, err_text(-ENAMETOOLONG));
    int r = pack_path(trial, index, path, image, error);
    return r == -ENOENT ? 0 : r;
}

/* Tables that are away would be taken for registries that nobody knows. */
static int check_folder(const char *folder, struct conf_error *error)
{
    struct stat st;
    int e = stat(folder, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    if (e == 0)
        return 0;
    (void)snprintf(error->text, sizeof error->text,
                   "contact.lists: %s: %s; expected the folder of the tables that look-ups need (blocks, servers, words …), for example "
                   "/etc/noroshi/lists/contact",
                   folder, err_text(-e));
    return e == ENOENT ? -ENOENT : -ERR_CONFIG;
}

static int pack(const char *folder, const char *mdb_file, struct buf *image, struct conf_error *error)
{
    struct book *trial = book_new();
    int r = trial != NULL ? check_folder(folder, error) : -ENOMEM;
    buf_put(image, magic, sizeof magic);
    buf_byte(image, BOOK_FORMAT);
    for (size_t i = 0; r == 0 && i < BOOK_PARTS; i++) {
        if (i == BOOK_mdb && mdb_file[0] != 0)
            r = pack_path(trial, i, mdb_file, image, error);
        else
            r = pack_file(trial, i, folder, image, error);
    }
    book_close(trial);
    if (r == 0 && (image->error != 0 || image->len > BOOK_IMAGE_MAX))
        return complain(error, image->error != 0 ? image->error : -ERR_LIMIT, folder, "more than a book may hold");
    return r;
}

int book_pack(const char *folder, struct buf *image, struct conf_error *error)
{
    return pack(folder, "", image, error);
}

int book_pack_settings(const struct conf *conf, struct buf *image, struct conf_error *error)
{
    return pack(conf_text(conf, "contact.lists"), conf_text(conf, "contact.mdb_file"), image, error);
}

/* A file of the image that this version does not know is passed over. */
static int open_file(struct book *book, struct cursor *c, struct conf_error *error)
{
    char path[FILE_NAME_MAX + sizeof "contact.lists/"];
    uint64_t name_len = cursor_varint(c);
    if (name_len > FILE_NAME_MAX)
        cursor_fail(c, -ERR_VERSION);
    struct span name = cursor_take(c, name_len);
    uint64_t len = cursor_varint(c);
    struct span text = cursor_take(c, len <= BOOK_IMAGE_MAX ? len : SIZE_MAX);
    if (c->error != 0)
        return complain(error, -ERR_VERSION, "contact.lists", "the packed lists are not of this version");
    (void)snprintf(path, sizeof path, "contact.lists/%.*s", (int)name.len, (const char *)name.at);
    for (size_t i = 0; i < BOOK_PARTS; i++) {
        if (span_is(name, parts[i].file))
            return open_part(book, i, text, path, error);
    }
    return 0;
}

int book_open(struct book **ret, struct span image, struct conf_error *error)
{
    struct cursor c = cursor_of(image);
    struct span head = cursor_take(&c, sizeof magic);
    uint8_t format = cursor_u8(&c);
    if (c.error != 0 || memcmp(head.at, magic, sizeof magic) != 0 || format != BOOK_FORMAT)
        return complain(error, -ERR_VERSION, "contact.lists", "the packed lists are not of this version");
    struct book *book = book_new();
    int r = book != NULL ? 0 : -ENOMEM;
    while (r == 0 && cursor_left(&c) > 0)
        r = open_file(book, &c, error);
    if (r != 0) {
        book_close(book);
        return r;
    }
    *ret = book;
    return 0;
}

void book_close(struct book *book)
{
    if (book == NULL)
        return;
    arena_done(&book->arena);
    free(book);
}

const void *book_part(const struct book *book, enum book_part part)
{
    return book != NULL && (size_t)part < BOOK_PARTS ? book->content[part] : NULL;
}

usec_t book_date(const struct book *book, enum book_part part)
{
    return book != NULL && (size_t)part < BOOK_PARTS ? book->date[part] : 0;
}
