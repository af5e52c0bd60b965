/*
 * What the look-ups know beforehand: which registry's server answers for which block, how it is asked and how patient it is; words; kinds of
 * mail domains; desks. A folder of text files (setting contact.lists; conf/lists/contact) that whoever may read files packs into one image, and that
 * who may not opens from it. Each file is a part (book_parts.def) with a reader of its own; `#` begins a comment; the first lines say
 * source and date: `# source: …`, `# date: 2026-08-15`. IANA's bootstrap files of RDAP may lie beside them as they are.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/usec.h"

struct book;

enum book_part {
#define PART(name, file, help) BOOK_##name,
#include "contact/book_parts.def"
#undef PART
    BOOK_PARTS
};

/* Tables rot: blocks move, servers go. From this age on, whoever shows a table says so. */
enum { BOOK_IMAGE_MAX = 64 * 1024 * 1024, BOOK_MEMORY_MAX = 256 * 1024 * 1024, BOOK_OLD_DAYS = 400 };

/* Reads the folder's files and tries every part's reader. A part whose file is not there is empty. -ENOENT: there is no such folder; -ERR_CONFIG with
 * one line: file, line, what was expected, an example; -errno. */
int book_pack(const char *folder, struct buf *image, struct conf_error *);
/* The same of the settings: the folder contact.lists, and contact.mdb_file as the part `mdb`. */
int book_pack_settings(const struct conf *, struct buf *image, struct conf_error *);
/* The image may go afterwards. -ERR_VERSION, -ERR_CONFIG with one line, -ENOMEM. */
int book_open(struct book **ret, struct span image, struct conf_error *);
void book_close(struct book *); /* NULL accepted */

/* What the part's reader made; valid until book_close. The part's header says of what type it is. NULL: the file is not there. */
const void *book_part(const struct book *, enum book_part);
/* The `date:` of a part's file, or its "publication"; 0 when it has none; for warnings about old tables (`noroshi check`, `noroshi whois`). */
usec_t book_date(const struct book *, enum book_part);
