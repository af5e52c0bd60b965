/*
 * Configuration: YAML read with libyaml's events and checked against a schema. The schema is a table; it makes the checks, the
 * defaults, the manual's text and the commented example. An error is one line: file, line, what was expected, an example.
 *
 * A value is reached by its path, "section.key". A list of mappings ("services") has its own schema for each item.
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "base/usec.h"

enum conf_type {
    CONF_BOOL,
    CONF_INT,      /* min … max */
    CONF_SIZE,     /* bytes; "64M", "1G" (powers of 1024); min … max */
    CONF_DURATION, /* µs; "500ms", "30s", "10m", "2h", "7d"; min … max in µs */
    CONF_TEXT,     /* min … max bytes */
    CONF_CHOICE,   /* one of `choices`, separated by '|' */
    CONF_ADDR,
    CONF_ENDPOINT, /* address:port, [v6]:port */
    CONF_PREFIX,
    CONF_PATH,  /* relative to the file's folder; a preset too */
    CONF_TEXTS, /* list of texts (one text alone is a list of one) */
    CONF_ITEMS, /* list of mappings, each checked against `items` (an array ended by a NULL path) */
    CONF_ANY,   /* any YAML, walked by the caller with conf_at/conf_count */
};

struct conf_rule {
    const char *path; /* "store.folder"; inside an item "listen" */
    enum conf_type type;
    int64_t min, max; /* both 0: no bound */
    /* The default as it would be written; "" is the type's empty value. NULL: must be given in an item (lists and CONF_ANY may be left
     * out all the same: they are empty then), empty at the top. */
    const char *preset;
    const char *unit; /* "", "bytes", "s", … for the manual */
    const char *help;
    const char *example; /* shown in errors */
    const char *choices;
    const struct conf_rule *items;
};

struct conf;
struct conf_node; /* a place in the tree, valid as long as its conf */

/* What was wrong, as one line ready to print (already escaped), e.g.
 *   noroshi.yaml:12: services[0].listen: expected address:port, got "23"; for example 127.0.0.1:2323 */
struct conf_error {
    char text[512];
};

/* Reads and checks. `name` is used in messages, and its folder is where relative paths start. Unknown keys, duplicate keys, wrong types,
 * values out of range, anchors, aliases, tags and nesting over 16 are errors. At most 4 MiB and 65536 values. The schema must outlive the
 * conf. Returns 0 or -ERR_CONFIG, -ENOMEM, -errno for files; `error` is filled in each case. */
int conf_load(struct conf **ret, const char *file, const struct conf_rule *schema, struct conf_error *error);
int conf_parse(struct conf **ret, const char *name, struct span yaml, const struct conf_rule *schema, struct conf_error *error);
void conf_free(struct conf *);

/* "section.key=value", as given with -o; checked against the same schema. A single value is taken as it stands, a list is read as YAML:
 * 'services=[{service: telnet, listen: "127.0.0.1:2323"}]'. Relative paths start at the current folder. On error nothing has changed. */
int conf_override(struct conf *, const char *assignment, struct conf_error *error);

/* The effective configuration as YAML that conf_parse reads back to the same values: what a role is given. Paths are absolute. Top values
 * are all written, of items those that were given. */
int conf_dump(const struct conf *, struct buf *out);

/* Values by path; asking for a path that is not in the schema, or as another type, is a programmer's mistake (assert). */
bool conf_bool(const struct conf *, const char *path);
int64_t conf_int(const struct conf *, const char *path);      /* INT, SIZE, DURATION (µs), BOOL */
const char *conf_text(const struct conf *, const char *path); /* TEXT, CHOICE, PATH (absolute or as resolved); "" when not given; never NULL */
struct endpoint conf_endpoint(const struct conf *, const char *path); /* ENDPOINT; ADDR with port 0 */
struct prefix conf_prefix(const struct conf *, const char *path);

/* Lists: TEXTS and ITEMS. */
size_t conf_count(const struct conf *, const char *path);
const char *conf_texts(const struct conf *, const char *path, size_t index);
const struct conf_node *conf_item(const struct conf *, const char *path, size_t index);

/* Inside an item, by the item schema's path. */
bool node_bool(const struct conf_node *, const char *key);
int64_t node_int(const struct conf_node *, const char *key);
const char *node_text(const struct conf_node *, const char *key);
struct endpoint node_endpoint(const struct conf_node *, const char *key);
struct prefix node_prefix(const struct conf_node *, const char *key);
size_t node_count(const struct conf_node *, const char *key);
const char *node_texts(const struct conf_node *, const char *key, size_t index);
const struct conf_node *node_item(const struct conf_node *, const char *key, size_t index);
bool node_given(const struct conf_node *, const char *key); /* written in the file, not the default */
unsigned node_line(const struct conf_node *);               /* 1-based line of the item in its file */

/* Inside CONF_ANY: the raw tree. */
enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };
const struct conf_node *node_any(const struct conf_node *, const char *key); /* the CONF_ANY value of an item; NULL when not given */
const struct conf_node *conf_any(const struct conf *, const char *path);
enum node_kind node_kind(const struct conf_node *);
size_t node_size(const struct conf_node *);                              /* list items or map pairs */
const struct conf_node *node_at(const struct conf_node *, size_t index); /* list item, or map value */
const char *node_key_at(const struct conf_node *, size_t index);         /* map key */
struct span node_scalar(const struct conf_node *);                       /* bytes of a scalar (may hold NUL through "\0") */

/* An error message about a node, in the form of conf_error, for checks that a schema can't state. Returns -ERR_CONFIG. */
int node_error(const struct conf_node *, struct conf_error *, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same about the value at a path, with the place where it was given. */
int conf_refuse(const struct conf *, const char *path, struct conf_error *, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The schema as text: for the manual (`noroshi help settings`) and the commented example file. */
void conf_describe(const struct conf_rule *schema, struct buf *out);
