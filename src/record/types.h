/*
 * A record: one thing that was seen. Immutable. Kinds and facts are declared in kinds.def and facts.def; SQL columns, JSON keys,
 * messages and the manual come from those two files.
 */
#pragma once

#include "base/addr.h"
#include "base/id.h"

enum kind {
#define KIND(number, name, text, category, help) KIND_##name = (number),
#define HAS(kind, fact)
#include "record/kinds.def"
#undef KIND
#undef HAS
    KIND_LIMIT /* one more than the largest number */
};

enum fact_name {
#define FACT(number, name, text, type, unit, help) FACT_##name = (number),
#include "record/facts.def"
#undef FACT
    FACT_LIMIT
};

enum fact_type { FACT_TYPE_TEXT, FACT_TYPE_BYTES, FACT_TYPE_INT, FACT_TYPE_ADDR };

enum transport { TRANSPORT_NONE, TRANSPORT_TCP, TRANSPORT_UDP, TRANSPORT_ICMP };

enum {
    RECORD_FACTS_MAX = 48,
    RECORD_SENSOR_MAX = 64,
    RECORD_TEXT_MAX = 64 * 1024,      /* a TEXT fact; longer is cut by the producer */
    RECORD_BYTES_INLINE = 64 * 1024,  /* BYTES above this are kept as a blob */
    RECORD_SIZE_MAX = 4 * 1024 * 1024 /* encoded */
};

struct fact {
    enum fact_name name;
    union {
        struct span text; /* TEXT, BYTES */
        int64_t number;   /* INT */
        struct addr addr; /* ADDR */
    };
};

struct record {
    struct id id;
    usec_t time;
    struct span sensor; /* UTF-8, 1 to RECORD_SENSOR_MAX bytes */
    enum kind kind;
    enum transport transport;
    struct endpoint source, destination; /* all-zero address when unknown */
    struct id session;                   /* id of the conversation's first record; zero when there is none */
    const struct fact *facts;            /* each name at most once; only those the kind may have */
    size_t fact_count;
};

static inline struct fact fact_text(enum fact_name name, struct span text)
{
    return (struct fact){.name = name, .text = text};
}

static inline struct fact fact_int(enum fact_name name, int64_t number)
{
    return (struct fact){.name = name, .number = number};
}

static inline struct fact fact_addr(enum fact_name name, struct addr addr)
{
    return (struct fact){.name = name, .addr = addr};
}

/* The tables behind the two .def files; NULL for a number that is not in use. */
struct kind_info {
    enum kind kind;
    const char *name, *category, *help;
    const enum fact_name *facts;
    size_t fact_count;
};

struct fact_info {
    enum fact_name name;
    const char *text;   /* "user.name" */
    const char *column; /* "user_name" */
    enum fact_type type;
    const char *unit, *help;
};

const struct kind_info *kind_info(unsigned number);
const struct fact_info *fact_info(unsigned number);
const struct kind_info *kind_by_name(struct span name);
const struct fact_info *fact_by_name(struct span name);
bool kind_has(enum kind, enum fact_name);
const char *transport_name(enum transport); /* "tcp"; "" for none */

/* The fact of that name, or NULL. */
const struct fact *record_fact(const struct record *, enum fact_name);
