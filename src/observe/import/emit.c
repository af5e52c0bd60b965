#include "observe/import/emit.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct emit {
    const struct import_options *options;
    const struct reader *reader;
    struct import_totals *totals;
    uint64_t shown; /* skipped lines of this file */
    void *state;
    EVP_MD *sha256;
    EVP_MD_CTX *digest;
    struct buf clean; /* cleaned texts of the record in hand */
    char zone[8];
    int error;
};

int emit_new(struct emit **ret, const struct import_options *options, const struct reader *reader)
{
    struct emit *e = calloc(1, sizeof *e);
    if (e == NULL)
        return -ENOMEM;
    e->options = options;
    e->reader = reader;
    buf_init(&e->clean, 0); /* bounded by the facts of a record and RECORD_TEXT_MAX */
    e->state = calloc(1, reader->state_size > 0 ? reader->state_size : 1);
    e->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    e->digest = EVP_MD_CTX_new();
    int minutes = abs(options->zone_minutes) % 1440;
    (void)snprintf(e->zone, sizeof e->zone, "%c%02d:%02d", options->zone_minutes < 0 ? '-' : '+', minutes / 60, minutes % 60);
    if (e->state == NULL || e->sha256 == NULL || e->digest == NULL) {
        emit_free(e);
        return -ENOMEM;
    }
    *ret = e;
    return 0;
}

void emit_free(struct emit *e)
{
    if (e == NULL)
        return;
    if (e->state != NULL && e->reader->done != NULL)
        e->reader->done(e->state);
    free(e->state);
    EVP_MD_free(e->sha256);
    EVP_MD_CTX_free(e->digest);
    buf_done(&e->clean);
    free(e);
}

void emit_begin(struct emit *e, struct import_totals *totals)
{
    e->totals = totals;
    e->shown = 0;
}

int emit_error(const struct emit *e)
{
    return e->error;
}

void *emit_state(struct emit *e)
{
    return e->state;
}

int emit_zone_minutes(const struct emit *e)
{
    return e->options->zone_minutes;
}

const char *emit_zone(const struct emit *e)
{
    return e->zone;
}

struct span emit_sensor(const struct emit *e)
{
    return span_text(e->options->sensor != NULL ? e->options->sensor : "import");
}

struct id emit_id(struct emit *e, usec_t time, struct span line, unsigned ordinal)
{
    uint8_t digest[EVP_MAX_MD_SIZE] = {0};
    const uint8_t number[4] = {(uint8_t)(ordinal >> 24), (uint8_t)(ordinal >> 16), (uint8_t)(ordinal >> 8), (uint8_t)ordinal};
    bool ok = EVP_DigestInit_ex2(e->digest, e->sha256, NULL) == 1 && EVP_DigestUpdate(e->digest, e->reader->name, strlen(e->reader->name) + 1) == 1 &&
              EVP_DigestUpdate(e->digest, number, sizeof number) == 1 && EVP_DigestUpdate(e->digest, line.at, line.len) == 1 &&
              EVP_DigestFinal_ex(e->digest, digest, NULL) == 1;
    if (!ok && e->error == 0)
        e->error = -ENOMEM;
    return id_digest(time, span_of(digest, 32));
}

static bool is_clean(struct span text)
{
    return text.len <= RECORD_TEXT_MAX && text_utf8_valid(text) == text.len && (text.len == 0 || memchr(text.at, '\0', text.len) == NULL);
}

int emit_record(struct emit *e, const struct record *record)
{
    if (e->error != 0)
        return e->error;
    struct fact facts[RECORD_FACTS_MAX];
    size_t offsets[RECORD_FACTS_MAX];
    struct record clean = *record;
    buf_clear(&e->clean);
    for (size_t i = 0; i < record->fact_count; i++) {
        facts[i] = record->facts[i];
        offsets[i] = SIZE_MAX;
        const struct fact_info *info = fact_info(facts[i].name);
        if (info == NULL || info->type != FACT_TYPE_TEXT || is_clean(facts[i].text))
            continue;
        offsets[i] = e->clean.len;
        text_to_utf8(&e->clean, span_part(facts[i].text, 0, RECORD_TEXT_MAX));
        size_t len = e->clean.len - offsets[i];
        for (len = len > RECORD_TEXT_MAX ? RECORD_TEXT_MAX : len; text_utf8_valid(span_of(e->clean.data + offsets[i], len)) < len;)
            len--; /* cut at a character's border */
        e->clean.len = offsets[i] + len;
        facts[i].text.len = len;
    }
    if (e->clean.error != 0)
        return e->error = e->clean.error;
    for (size_t i = 0; i < record->fact_count; i++) {
        if (offsets[i] != SIZE_MAX)
            facts[i].text.at = e->clean.data + offsets[i];
    }
    clean.facts = facts;
    e->totals->records++;
    e->error = e->options->put(e->options->user, &clean);
    return e->error;
}

void emit_skip_text(struct emit *e, const char *file, uint64_t line, const char *why)
{
    e->totals->skipped++;
    if (e->shown < IMPORT_SHOWN && e->options->skipped != NULL)
        e->options->skipped(e->options->user, file, line, why);
    e->shown++;
}

void emit_skip(struct emit *e, const struct source *source, const char *format, ...)
{
    char why[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, sizeof why, format, args);
    va_end(args);
    emit_skip_text(e, source_name(source), source_line_number(source), why);
}
