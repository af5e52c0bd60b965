#include "record/types.h"

/* Lists of facts per kind, made from the HAS lines: each kind gets an array sized for all facts, filled in order. */
#define KIND(number, name, text, category, help)
#define HAS(kind, fact) {KIND_##kind, FACT_##fact},
static const struct pair {
    enum kind kind;
    enum fact_name fact;
} pairs[] = {
#include "record/kinds.def"
};
#undef KIND
#undef HAS

static enum fact_name fact_lists[KIND_LIMIT][FACT_LIMIT];
static uint64_t fact_bits[KIND_LIMIT][(FACT_LIMIT + 63) / 64];

static struct kind_info kinds[KIND_LIMIT] = {
#define KIND(number, lower, text, group, about) \
    [(number)] = {.kind = KIND_##lower, .name = (text), .category = (group), .help = (about), .facts = fact_lists[(number)]},
#define HAS(kind, fact)
#include "record/kinds.def"
#undef KIND
#undef HAS
};

enum { COLUMN_SIZE = 48 };
static char columns[FACT_LIMIT][COLUMN_SIZE];

static struct fact_info facts[FACT_LIMIT] = {
#define FACT(number, upper, lower, kind, measure, about) \
    [(number)] = {.name = FACT_##upper, .text = (lower), .column = columns[(number)], .type = FACT_TYPE_##kind, .unit = (measure), .help = (about)},
#include "record/facts.def"
#undef FACT
};

/* Before main, so that the tables are complete whoever asks first. */
__attribute__((constructor)) static void fill_tables(void)
{
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct kind_info *kind = &kinds[pairs[i].kind];
        fact_lists[pairs[i].kind][kind->fact_count] = pairs[i].fact;
        fact_bits[pairs[i].kind][pairs[i].fact / 64] |= UINT64_C(1) << (pairs[i].fact % 64);
        kind->fact_count++;
    }
    for (size_t i = 0; i < FACT_LIMIT; i++) {
        for (size_t at = 0; facts[i].text != NULL && facts[i].text[at] != '\0' && at < COLUMN_SIZE - 1; at++)
            columns[i][at] = facts[i].text[at] == '.' ? '_' : facts[i].text[at];
    }
}

const struct kind_info *kind_info(unsigned number)
{
    return number < KIND_LIMIT && kinds[number].name != NULL ? &kinds[number] : NULL;
}

const struct fact_info *fact_info(unsigned number)
{
    return number < FACT_LIMIT && facts[number].text != NULL ? &facts[number] : NULL;
}

const struct kind_info *kind_by_name(struct span name)
{
    for (unsigned i = 0; i < KIND_LIMIT; i++) {
        if (kinds[i].name != NULL && span_is(name, kinds[i].name))
            return &kinds[i];
    }
    return NULL;
}

const struct fact_info *fact_by_name(struct span name)
{
    for (unsigned i = 0; i < FACT_LIMIT; i++) {
        if (facts[i].text != NULL && span_is(name, facts[i].text))
            return &facts[i];
    }
    return NULL;
}

bool kind_has(enum kind kind, enum fact_name fact)
{
    unsigned k = (unsigned)kind, f = (unsigned)fact;
    return k < KIND_LIMIT && f < FACT_LIMIT && (fact_bits[k][f / 64] >> (f % 64) & 1U) != 0;
}

const char *transport_name(enum transport transport)
{
    switch (transport) {
    case TRANSPORT_TCP:
        return "tcp";
    case TRANSPORT_UDP:
        return "udp";
    case TRANSPORT_ICMP:
        return "icmp";
    case TRANSPORT_NONE:
    default:
        return "";
    }
}

const struct fact *record_fact(const struct record *record, enum fact_name name)
{
    for (size_t i = 0; i < record->fact_count; i++) {
        if (record->facts[i].name == name)
            return &record->facts[i];
    }
    return NULL;
}
