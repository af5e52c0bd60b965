/* Inside the fingerprint engine: rules as read from files, and the image made of them. */
#pragma once

#include "analyse/device/device.h"
#include "analyse/device/patterns.h"

/* What a rule can say, in the order of struct evidence. */
enum value { VALUE_CLASS, VALUE_MAKER, VALUE_MODEL, VALUE_FIRMWARE, VALUE_ICS, VALUE_RESIDUE, VALUE_HONEYPOT, VALUE_COUNT };
extern const char *const value_names[VALUE_COUNT];

/*
 * A value may hold captures: byte 1, then the capture's number, 1 to 9, with what is made of it in the upper four bits; behind a substitution
 * stand what is replaced and by what, each with a byte for its length. It is TEMPLATE_MAX bytes at most.
 */
enum { TEMPLATE_MAX = 256, CAPTURE_MARK = 1 };
enum {
    CAPTURE_PLAIN,
    CAPTURE_PRINTABLE = 1 << 4,  /* without what is not printable ASCII */
    CAPTURE_SUBSTITUTE = 2 << 4, /* every place */
    CAPTURE_BIG_ENDIAN = 3 << 4, /* 1 to 8 bytes as a decimal number */
    CAPTURE_LITTLE_ENDIAN = 4 << 4,
};

struct example {
    struct span text;
    bool must_match;
    bool given[VALUE_COUNT]; /* own rules: what the values have to be */
    struct span expected[VALUE_COUNT];
    struct {
        uint8_t capture;
        struct span text;
    } captured[PATTERN_CAPTURES]; /* recog's: what captures have to be */
    size_t captured_count;
    unsigned line;
};

struct draft {
    struct span name;
    enum device_field field;
    struct pattern pattern;
    struct span values[VALUE_COUNT];
    uint8_t certainty;
    bool own;
    uint16_t services; /* a bit for each service (fields_service) whose answers it may judge; 0: any */
    const char *file;  /* for messages */
    unsigned line;
    const struct example *examples;
    size_t example_count;
    bool left_out; /* recog's whose example failed */
};

struct drafts {
    struct arena arena;
    struct draft *list;
    size_t count, size;
};

enum {
    RULE_FILES_MAX = 256,
    RULES_MAX = 16384, /* of one source */
    SOURCES_MAX = 3,
    RULE_FILE_MAX = 4 * 1024 * 1024,
    RULE_EXAMPLES_MAX = 64,
    DRAFTS_MEMORY_MAX = 256 * 1024 * 1024,
};

void drafts_init(struct drafts *);
void drafts_done(struct drafts *);
/* A zeroed draft at the end; NULL when memory is short. Valid until the next one. */
struct draft *drafts_add(struct drafts *);

/* Rules of one of our files; appended. 0, -ERR_CONFIG, -ENOMEM and `error`. `file` is copied. */
int rulefile_read(struct drafts *, const char *file, struct span yaml, struct conf_error *error);
/* "$1" to "$9" become captures. -ERR_MALFORMED when it holds a control character or is too long. */
int template_read(struct arena *, struct span text, struct span *ret);
bool template_has_captures(struct span);

/* What compiled rules look like when opened. */
struct rule_view {
    uint8_t certainty;
    uint16_t services; /* as in a draft */
    bool own, says;    /* says: any value at all */
    bool captures;     /* a value holds one */
    bool left_out;
    uint8_t mixed;             /* bit per value: text with captures */
    uint8_t only[VALUE_COUNT]; /* the value is this capture and nothing else; 0: it is not */
    struct span name, values[VALUE_COUNT];
};

struct field_rules {
    const struct rule_view *rules; /* own first, others in the order of their file behind them */
    size_t count, own_count;
    struct pattern_set *patterns;
};

struct device_rules {
    struct field_rules fields[DEVICE_FIELD_COUNT];
    struct rule_view *rules;
    struct pattern *patterns;
};

/* As device_match; `service` (fields_service) is whose answer the value is from, below 0: not known, so that every rule counts. */
size_t rules_match(const struct device_rules *, enum device_field, int service, struct span value, struct arena *, struct evidence *ret, size_t room);

/* Drafts in the order of an image: by field, own first, else as they were read. */
void drafts_sort(struct drafts *);
/* The drafts of one field, sorted: from *ret_first on; returns how many. */
size_t drafts_of(const struct drafts *, enum device_field, size_t *ret_first);
/* Sorted drafts and the compiled patterns of each field (patterns_compile) become an image. */
int image_write(const struct drafts *, const struct buf patterns[static DEVICE_FIELD_COUNT], struct buf *image);

/* Every example against the opened rules. An own rule's that fails: -ERR_CONFIG and `error`; recog's: the draft is marked left out. */
int examples_try(struct drafts *, const struct device_rules *, size_t *ret_tried, size_t *ret_left_out, struct conf_error *error);

/* The text that rules write for a field, or DEVICE_FIELD_COUNT. */
enum device_field field_by_text(struct span);
const char *field_text(enum device_field);
const char *field_recog_file(enum device_field);

/* Foreign text as a value: trimmed, valid UTF-8 without NUL, at most DEVICE_TEXT_MAX bytes; shared when it is so already. */
int value_clean(struct span text, struct arena *, struct span *ret);

/* The values of a rule with these captures; each cut, trimmed, valid UTF-8. 0 or -ENOMEM. */
int rule_values(const struct rule_view *, const struct span captures[static PATTERN_CAPTURES], struct arena *, struct span ret[static VALUE_COUNT]);
