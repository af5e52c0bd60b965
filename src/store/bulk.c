#include "store/bulk_parts.h"

#include "base/cursor.h"
#include "base/err.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

struct bulk_file {
    sqlite3 *db;
    sqlite3_stmt *find;
    struct stat stat; /* of what is open */
    usec_t date;
    char name[256];
};

struct bulk {
    char folder[PATH_MAX];
    usec_t holds;
    struct bulk_file files[BULK_REGISTRIES][2]; /* IPv4, IPv6 */
};

bool bulk_path(char *path, size_t size, const char *data_folder, enum bulk_registry registry, bool v6, const char *end)
{
    static const char *const names[BULK_REGISTRIES] = {[BULK_RIPE] = "ripe", [BULK_APNIC] = "apnic", [BULK_AFRINIC] = "afrinic"};
    int len = snprintf(path, size, "%s/" BULK_FOLDER "/%s.%d.db%s", data_folder, names[registry], v6 ? 6 : 4, end);
    return len > 0 && (size_t)len < size;
}

int bulk_open(struct bulk **ret, const char *data_folder, int64_t days)
{
    struct bulk *bulk = calloc(1, sizeof *bulk);
    if (bulk == NULL)
        return -ENOMEM;
    bulk->holds = days * USEC_PER_DAY;
    if ((size_t)snprintf(bulk->folder, sizeof bulk->folder, "%s", data_folder) >= sizeof bulk->folder) {
        free(bulk);
        return -ENAMETOOLONG;
    }
    *ret = bulk;
    return 0;
}

static void file_close(struct bulk_file *file)
{
    (void)sqlite3_finalize(file->find);
    db_close(file->db);
    *file = (struct bulk_file){.date = 0};
}

void bulk_close(struct bulk *bulk)
{
    if (bulk == NULL)
        return;
    for (size_t i = 0; i < BULK_REGISTRIES; i++) {
        file_close(&bulk->files[i][0]);
        file_close(&bulk->files[i][1]);
    }
    free(bulk);
}

static int read_about(struct bulk_file *file)
{
    sqlite3_stmt *select = NULL;
    int64_t version = 0;
    int r = db_number(file->db, "PRAGMA user_version", &version);
    if (r == 0 && version != BULK_TABLE_VERSION)
        return -ERR_VERSION;
    if (r == 0)
        r = db_number(file->db, "SELECT value FROM about WHERE key='date'", &file->date);
    if (r == 0)
        r = db_prepare(file->db, &select, "SELECT value FROM about WHERE key='file'");
    if (r == 0)
        r = db_row(select);
    if (r == 1) {
        struct span name = span_part(db_span(select, 0), 0, sizeof file->name - 1);
        if (name.len > 0)
            memcpy(file->name, name.at, name.len);
        file->name[name.len] = '\0';
    }
    (void)sqlite3_finalize(select);
    return r < 0 ? r : 0;
}

/* What is there now: another file has come in place of the one that is open, or none is there any more. */
static int refresh(struct bulk *bulk, enum bulk_registry registry, bool v6)
{
    struct bulk_file *file = &bulk->files[registry][v6];
    struct stat st;
    char path[PATH_MAX];
    if (!bulk_path(path, sizeof path, bulk->folder, registry, v6, ""))
        return -ENAMETOOLONG;
    if (stat(path, &st) != 0) {
        file_close(file);
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    }
    bool same = file->db != NULL && st.st_ino == file->stat.st_ino && st.st_dev == file->stat.st_dev && st.st_size == file->stat.st_size &&
                st.st_mtim.tv_sec == file->stat.st_mtim.tv_sec && st.st_mtim.tv_nsec == file->stat.st_mtim.tv_nsec;
    if (same)
        return 0;
    file_close(file);
    int r = db_open(&file->db, path, DB_IMMUTABLE, NULL);
    if (r == 0)
        r = read_about(file);
    if (r == 0)
        r = db_prepare(file->db, &file->find,
                       "SELECT last,begin,end,holder,findings,first FROM (SELECT * FROM segment WHERE first<=?1 ORDER BY first DESC LIMIT 1)"
                       " JOIN said ON number=said WHERE last>=?1");
    file->stat = st;
    if (r != 0)
        file_close(file);
    return r;
}

/* ---- an answer ---- */

static bool read_address(struct span bytes, struct addr *ret)
{
    if (bytes.len == 4) {
        *ret = addr_v4((uint32_t)bytes.at[0] << 24 | (uint32_t)bytes.at[1] << 16 | (uint32_t)bytes.at[2] << 8 | bytes.at[3]);
        return true;
    }
    if (bytes.len != sizeof ret->bytes)
        return false;
    memcpy(ret->bytes, bytes.at, sizeof ret->bytes);
    return true;
}

static struct span keep(struct arena *arena, struct span text)
{
    char *at = arena_copy(arena, text);
    return span_of(at, at != NULL ? text.len : 0);
}

static int read_findings(struct arena *arena, struct span bytes, struct contact_block *block, struct prefix around, struct span origin)
{
    struct cursor c = cursor_of(keep(arena, bytes));
    size_t count = cursor_be16(&c);
    if (count > CONTACT_ORDER_FINDINGS_MAX)
        return -ERR_MALFORMED;
    block->findings = arena_alloc(arena, (count + 1) * sizeof *block->findings);
    if (block->findings == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count && c.error == 0; i++) {
        struct finding *f = &block->findings[i];
        unsigned kind = cursor_u8(&c), role = cursor_u8(&c), objection = cursor_u8(&c);
        if (kind >= CONTACT_KIND_COUNT || role >= CONTACT_ROLE_COUNT || objection >= OBJECTION_COUNT)
            return -ERR_MALFORMED;
        *f = (struct finding){.kind = (enum contact_kind)kind, .role = (enum contact_role)role, .objection = (enum objection)objection};
        f->rank = cursor_be16(&c);
        f->value = cursor_take(&c, cursor_be16(&c));
        f->attribute = cursor_take(&c, cursor_be16(&c));
        f->evidence = cursor_take(&c, cursor_be16(&c));
        f->origin = origin;
        f->holder = block->holder;
        f->block = around;
    }
    block->finding_count = count;
    return c.error != 0 || cursor_left(&c) != 0 ? -ERR_MALFORMED : 0;
}

/* "RIPE, bulk file ripe.db.inetnum.gz of 2026-08-15" */
static struct span origin_of(const struct bulk_file *file, enum bulk_registry registry, struct arena *arena)
{
    char text[sizeof file->name + 64], day[USEC_TEXT_SIZE];
    (void)snprintf(text, sizeof text, "%s, bulk file %s of %s", bulk_registry_text(registry), file->name, usec_print_day(file->date, day));
    return keep(arena, span_text(text));
}

static int read_row(struct bulk *bulk, struct bulk_file *file, enum bulk_registry registry, struct addr addr, struct arena *arena,
                    struct contact_block *ret)
{
    struct range segment, whole;
    bool good = read_address(db_span(file->find, 5), &segment.first) && read_address(db_span(file->find, 0), &segment.last) &&
                whois_range_holds(&segment, addr);
    whole = segment;
    if (good && sqlite3_column_type(file->find, 1) != SQLITE_NULL)
        good = read_address(db_span(file->find, 1), &whole.first) && read_address(db_span(file->find, 2), &whole.last);
    if (!good || !whois_range_inside(&segment, &whole))
        return -ERR_MALFORMED;
    *ret = (struct contact_block){.block = whois_range_within(&segment, addr),
                                  .expires = file->date + bulk->holds,
                                  .channel = span_text("ip_whois"),
                                  .server = origin_of(file, registry, arena),
                                  .holder = keep(arena, db_span(file->find, 3))};
    return read_findings(arena, db_span(file->find, 4), ret, whois_range_around(&whole), ret->server);
}

static int find_in(struct bulk *bulk, enum bulk_registry registry, struct addr addr, usec_t now, struct arena *arena, struct contact_block *ret)
{
    bool v6 = !addr_is_v4(addr);
    struct bulk_file *file = &bulk->files[registry][v6];
    int r = refresh(bulk, registry, v6);
    if (r != 0 || file->db == NULL || file->date > now || file->date + bulk->holds <= now)
        return r;
    db_bind_bytes(file->find, 1, v6 ? span_of(addr.bytes, sizeof addr.bytes) : span_of(&addr.bytes[12], 4));
    r = db_row(file->find);
    if (r == 1) {
        int e = read_row(bulk, file, registry, addr, arena, ret);
        r = e != 0 ? e : 1;
    }
    (void)sqlite3_reset(file->find);
    return r;
}

int bulk_find(struct bulk *bulk, struct addr addr, usec_t now, struct arena *arena, struct contact_block *ret)
{
    int found = 0, error = 0;
    for (int i = 0; bulk->holds > 0 && i < BULK_REGISTRIES; i++) {
        struct contact_block block;
        int r = find_in(bulk, (enum bulk_registry)i, addr, now, arena, &block);
        if (r < 0 && error == 0)
            error = r;
        if (r == 1 && found++ == 0)
            *ret = block;
    }
    return error != 0 ? error : found == 1;
}
