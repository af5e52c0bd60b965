/* Between bulk.c, which looks up, bulk_load.c, which gathers, and bulk_table.c, which makes a table of what was gathered. */
#pragma once

#include "store/bulk.h"
#include "store/db.h"

enum { BULK_TABLE_VERSION = 1 };

/* DATA/bulk/ripe.4.db; false: too long. `end`: what stands behind it. */
bool bulk_path(char *path, size_t size, const char *data_folder, enum bulk_registry, bool v6, const char *end);

/* A network that was gathered; its text lies in the spill. */
struct bulk_entry {
    struct range range;
    uint64_t at;
    uint32_t len;
    uint16_t file;
    uint8_t registry;
};

/* One table: the networks `order[0 … count-1]`, sorted by their first address, the wider first. */
struct bulk_table {
    const struct book *book;
    const struct bulk_contacts *contacts;
    const struct bulk_entry *entries;
    const uint32_t *order;
    size_t count;
    struct span spill;
    const char *path;
    enum bulk_registry registry;
    bool v6;
    usec_t date;
    const char *file;
    void (*progress)(void *user); /* after each network */
    void *user;
};

/* Writes the file; 0 and totals, or a code, and what there is of the file is the caller's to remove. */
int bulk_table_write(const struct bulk_table *, struct bulk_totals *ret, struct buf *why);
