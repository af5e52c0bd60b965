#include "store/geo.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>

struct database {
    MMDB_s mmdb;
    bool open;
};

struct geo {
    struct database country, asn;
};

/* The library opens by path only; a descriptor has one as long as it is open. */
static int open_one(struct database *database, int fd)
{
    char path[32];
    if (fd < 0)
        return 0;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int status = MMDB_open(path, MMDB_MODE_MMAP, &database->mmdb);
    if (status == MMDB_OUT_OF_MEMORY_ERROR)
        return -ENOMEM;
    if (status == MMDB_FILE_OPEN_ERROR || status == MMDB_IO_ERROR)
        return errno != 0 ? -errno : -EIO;
    if (status != MMDB_SUCCESS)
        return -ERR_MALFORMED;
    database->open = true;
    return 0;
}

int geo_open(struct geo **ret, int country_fd, int asn_fd, const char **ret_bad)
{
    struct geo *geo = calloc(1, sizeof *geo);
    if (geo == NULL)
        return -ENOMEM;
    *ret_bad = "country";
    int r = open_one(&geo->country, country_fd);
    if (r == 0) {
        *ret_bad = "asn";
        r = open_one(&geo->asn, asn_fd);
    }
    if (r != 0) {
        geo_close(geo);
        return r;
    }
    *ret = geo;
    return 0;
}

void geo_close(struct geo *geo)
{
    if (geo == NULL)
        return;
    if (geo->country.open)
        MMDB_close(&geo->country.mmdb);
    if (geo->asn.open)
        MMDB_close(&geo->asn.mmdb);
    free(geo);
}

static bool look_up(const struct database *database, struct addr addr, MMDB_entry_s *ret)
{
    struct sockaddr_storage at;
    int error = MMDB_SUCCESS;
    if (!database->open)
        return false;
    (void)endpoint_to_sockaddr((struct endpoint){.addr = addr}, &at);
    MMDB_lookup_result_s result = MMDB_lookup_sockaddr(&database->mmdb, (const struct sockaddr *)&at, &error);
    *ret = result.entry;
    return error == MMDB_SUCCESS && result.found_entry;
}

static struct span text_at(MMDB_entry_s *entry, const char *const *path)
{
    MMDB_entry_data_s data;
    if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING)
        return (struct span){0};
    return span_of(data.utf8_string, data.data_size);
}

static bool number_at(MMDB_entry_s *entry, const char *const *path, uint64_t *ret)
{
    MMDB_entry_data_s data;
    if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data)
        return false;
    switch (data.type) {
    case MMDB_DATA_TYPE_UINT16:
        *ret = data.uint16;
        return true;
    case MMDB_DATA_TYPE_UINT32:
        *ret = data.uint32;
        return true;
    case MMDB_DATA_TYPE_UINT64:
        *ret = data.uint64;
        return true;
    default:
        return false;
    }
}

/* country.iso_code is MaxMind's and DB-IP's, country_code and country IPinfo's. */
static void find_country(MMDB_entry_s *entry, char country[static 3])
{
    static const char *const paths[][3] = {
        {"country", "iso_code", NULL}, {"registered_country", "iso_code", NULL}, {"country_code", NULL}, {"country", NULL}};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0] && country[0] == '\0'; i++) {
        struct span code = text_at(entry, paths[i]);
        if (code.len != 2)
            continue;
        for (size_t c = 0; c < 2; c++)
            country[c] = (char)(code.at[c] >= 'a' && code.at[c] <= 'z' ? code.at[c] - 'a' + 'A' : code.at[c]);
        if (country[0] < 'A' || country[0] > 'Z' || country[1] < 'A' || country[1] > 'Z')
            country[0] = '\0';
    }
}

/* "AS64500" */
static uint32_t number_of(struct span text)
{
    uint64_t number = 0;
    if (!span_starts(text, "AS") || text.len < 3 || text.len > 12)
        return 0;
    for (size_t i = 2; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return 0;
        number = number * 10 + (uint64_t)(text.at[i] - '0');
    }
    return number <= UINT32_MAX ? (uint32_t)number : 0;
}

/* autonomous_system_… is MaxMind's and DB-IP's, asn, as_name and name IPinfo's. */
static void find_as(MMDB_entry_s *entry, struct geo_place *ret)
{
    static const char *const number[] = {"autonomous_system_number", NULL}, *const text[] = {"asn", NULL};
    static const char *const names[][2] = {{"autonomous_system_organization", NULL}, {"as_name", NULL}, {"name", NULL}};
    uint64_t value = 0;
    if (number_at(entry, number, &value) && value <= UINT32_MAX)
        ret->asn = (uint32_t)value;
    else
        ret->asn = number_of(text_at(entry, text));
    for (size_t i = 0; i < sizeof names / sizeof names[0] && ret->as_name[0] == '\0'; i++) {
        struct span name = span_part(text_at(entry, names[i]), 0, sizeof ret->as_name - 1);
        name = span_part(name, 0, text_utf8_valid(name));
        if (name.len > 0 && memchr(name.at, 0, name.len) == NULL)
            memcpy(ret->as_name, name.at, name.len);
    }
}

void geo_find(const struct geo *geo, struct addr addr, struct geo_place *ret)
{
    *ret = (struct geo_place){.asn = 0};
    MMDB_entry_s entry;
    if (geo == NULL)
        return;
    if (look_up(&geo->country, addr, &entry))
        find_country(&entry, ret->country);
    if (look_up(&geo->asn, addr, &entry))
        find_as(&entry, ret);
}
