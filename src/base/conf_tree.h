/* Inside conf: the YAML tree before and after it was checked against a schema. Nobody else includes this. */
#pragma once

#include "base/arena.h"
#include "base/conf.h"

enum { CONF_INPUT_MAX = 4 * 1024 * 1024, CONF_DEPTH_MAX = 16, CONF_NODES_MAX = 65536, CONF_KEY_MAX = 255, CONF_PATH_MAX = 4096 };

/* Where a tree came from, for messages and for relative paths. */
struct conf_origin {
    const char *name;
    const char *folder; /* absolute, or "" when unknown */
    bool has_lines;     /* false for what was given with -o */
};

/* A checked value: which member holds it depends on the rule's type. */
struct conf_value {
    bool set;   /* given or by default */
    bool given; /* written by the operator */
    int64_t number;
    const char *text;
    struct endpoint endpoint;
    struct prefix prefix;
    const char **texts;
    size_t count; /* texts, or items of `node` */
    const struct conf_node *node;
};

struct conf_node {
    enum node_kind kind;
    bool plain; /* a scalar written without quotes */
    unsigned line;
    size_t index;           /* place in its list or map */
    const char *key;        /* in a map; of a root: the path an override names */
    struct conf_node *next; /* while its container is being read */
    const struct conf_node *parent;
    struct conf_node **items;
    size_t size;
    struct span scalar; /* with a NUL behind it */
    const struct conf_origin *origin;
    const struct conf_rule *rules; /* of an item: its schema, and a value for each of its rules */
    struct conf_value *values;
};

/* Reads one document; an empty one is an empty map. 0, -ERR_CONFIG, -ENOMEM. Everything lives in the arena. */
int conf_tree_parse(struct arena *, const struct conf_origin *, struct span yaml, struct conf_node **ret, struct conf_error *);
/* "sensor.name", "services[0].listen" */
void conf_tree_path(const struct conf_node *, struct buf *out);
/* Fills `error` with "NAME:LINE: PATH: TEXT", escaped and cut to fit; `line` 0 and `path` "" leave their parts out. Returns -ERR_CONFIG. */
int conf_tree_error(const struct conf_origin *, unsigned line, const char *path, const char *text, struct conf_error *);

/* One scalar read as the rule's type; 0 or -ERR_CONFIG, -ENOMEM. Paths are made absolute with `folder`. */
int conf_value_parse(struct arena *, const struct conf_rule *, struct span text, const char *folder, struct conf_value *ret);
/* "a number from 1 to 65535" */
void conf_value_expected(const struct conf_rule *, struct buf *out);
/* A value to show in an error or the manual; never empty. */
void conf_value_example(const struct conf_rule *, struct buf *out);
/* As it would be written, without quotes. */
void conf_value_print(const struct conf_rule *, const struct conf_value *, struct buf *out);
int conf_values_dump(const struct conf_rule *rules, const struct conf_value *values, struct buf *out);
