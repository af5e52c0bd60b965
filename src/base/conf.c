#include "base/conf_tree.h"

#include "base/err.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ARENA_MAX = 64 * 1024 * 1024, SHOWN_MAX = 40 };

struct conf {
    struct arena arena;
    struct conf_origin origin;
    const struct conf_rule *schema;
    struct conf_value *values; /* one per rule */
    struct conf_node *root;
};

/* What is being checked: the same for a whole file and for one override. */
struct check {
    struct arena *arena;
    struct conf_error *error;
};

static size_t rule_count(const struct conf_rule *rules)
{
    size_t count = 0;
    while (rules[count].path != NULL)
        count++;
    return count;
}

static bool is_list(const struct conf_rule *rule)
{
    return rule->type == CONF_TEXTS || rule->type == CONF_ITEMS;
}

static bool is_nothing(const struct conf_node *node)
{
    return node->kind == NODE_SCALAR && node->plain && node->scalar.len == 0;
}

/* "expected a number from 1 to 9, got "x"; for example 5", at a node. */
static int mismatch(const struct check *c, const struct conf_node *node, const struct conf_rule *rule, const struct conf_node *got)
{
    struct buf expected, example, shown;
    buf_init(&expected, 4096);
    buf_init(&example, 4096);
    buf_init(&shown, 4096);
    conf_value_expected(rule, &expected);
    conf_value_example(rule, &example);
    if (got == NULL || is_nothing(got)) {
        buf_text(&shown, "nothing");
    } else if (got->kind != NODE_SCALAR) {
        buf_text(&shown, got->kind == NODE_LIST ? "a list" : "a mapping");
    } else {
        buf_byte(&shown, '"');
        struct span part = span_part(got->scalar, 0, SHOWN_MAX);
        struct buf clean;
        buf_init(&clean, 4096);
        text_to_utf8(&clean, part); /* a NUL must not end the message */
        buf_span(&shown, buf_as_span(&clean));
        buf_done(&clean);
        buf_text(&shown, got->scalar.len > SHOWN_MAX ? "...\"" : "\"");
    }
    int r = node_error(node, c->error, "expected %s, got %s; for example %s", buf_cstr(&expected), buf_cstr(&shown), buf_cstr(&example));
    buf_done(&expected);
    buf_done(&example);
    buf_done(&shown);
    return r;
}

static int check_map(const struct check *, const struct conf_node *map, const char *prefix, const struct conf_rule *rules, struct conf_value *values);

static int check_texts(const struct check *c, const struct conf_node *node, const struct conf_rule *rule, struct conf_value *ret)
{
    bool alone = node->kind == NODE_SCALAR;
    if (node->kind == NODE_MAP)
        return mismatch(c, node, rule, node);
    ret->count = is_nothing(node) ? 0 : alone ? 1 : node->size;
    ret->texts = arena_alloc(c->arena, (ret->count + 1) * sizeof(const char *));
    if (ret->texts == NULL)
        return -ENOMEM;
    const struct conf_rule one = {.type = CONF_TEXT, .min = rule->min, .max = rule->max, .example = rule->example};
    for (size_t i = 0; i < ret->count; i++) {
        const struct conf_node *item = alone ? node : node->items[i];
        struct conf_value text;
        int r = item->kind != NODE_SCALAR ? -ERR_CONFIG : conf_value_parse(c->arena, &one, item->scalar, "", &text);
        if (r == -ERR_CONFIG)
            return mismatch(c, item, &one, item);
        if (r != 0)
            return r;
        ret->texts[i] = text.text;
    }
    return 0;
}

static int check_items(const struct check *c, const struct conf_node *node, const struct conf_rule *rule, struct conf_value *ret)
{
    if (node->kind != NODE_LIST && !is_nothing(node))
        return mismatch(c, node, rule, node);
    ret->count = node->size;
    for (size_t i = 0; i < node->size; i++) {
        struct conf_node *item = node->items[i];
        if (item->kind != NODE_MAP)
            return node_error(item, c->error, "expected a mapping, got %s", item->kind == NODE_LIST ? "a list" : "a text");
        item->rules = rule->items;
        item->values = arena_alloc(c->arena, (rule_count(rule->items) + 1) * sizeof *item->values);
        if (item->values == NULL)
            return -ENOMEM;
        int r = check_map(c, item, "", rule->items, item->values);
        if (r != 0)
            return r;
    }
    return 0;
}

static int check_value(const struct check *c, const struct conf_node *node, const struct conf_rule *rule, struct conf_value *ret)
{
    struct conf_value value = {0};
    int r = 0;
    if (rule->type == CONF_TEXTS) {
        r = check_texts(c, node, rule, &value);
    } else if (rule->type == CONF_ITEMS) {
        r = check_items(c, node, rule, &value);
    } else if (rule->type != CONF_ANY) {
        r = node->kind != NODE_SCALAR || is_nothing(node) ? -ERR_CONFIG
                                                          : conf_value_parse(c->arena, rule, node->scalar, node->origin->folder, &value);
        if (r == -ERR_CONFIG)
            r = mismatch(c, node, rule, node);
    }
    if (r != 0)
        return r;
    value.node = node;
    value.set = value.given = true;
    *ret = value;
    return 0;
}

/* The default of a rule, into a value that was not given. A schema's default must pass its own check. */
static int check_preset(const struct check *c, const struct conf_rule *rule, const struct conf_origin *origin, struct conf_value *ret)
{
    struct conf_value value = {.text = ""};
    int r = 0;
    if (rule->preset == NULL || rule->preset[0] == '\0') {
        *ret = value;
        return 0;
    }
    if (is_list(rule) || rule->type == CONF_ANY) {
        struct conf_node *node;
        r = conf_tree_parse(c->arena, origin, span_text(rule->preset), &node, c->error);
        if (r == 0)
            r = check_value(c, node, rule, &value);
    } else {
        r = conf_value_parse(c->arena, rule, span_text(rule->preset), origin->folder, &value);
    }
    assert(r != -ERR_CONFIG);
    value.given = false;
    if (r == 0)
        *ret = value;
    return r;
}

static size_t distance(const char *a, const char *b)
{
    enum { MOST = 64 };
    size_t row[MOST + 1], la = strnlen(a, MOST), lb = strnlen(b, MOST);
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t change = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            size_t shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < shift ? change : shift;
        }
    }
    return row[lb];
}

/* The rule whose path, or whose last part, is most like what was written. */
static const char *nearest(const struct conf_rule *rules, const char *path, const char *key)
{
    const char *best = rules[0].path != NULL ? rules[0].path : "";
    size_t least = SIZE_MAX;
    size_t len = strlen(path);
    for (const struct conf_rule *rule = rules; rule->path != NULL; rule++) {
        if (strncmp(rule->path, path, len) == 0 && rule->path[len] == '.')
            return rule->path;
        const char *dot = strrchr(rule->path, '.');
        size_t whole = 2 * distance(path, rule->path), last = 2 * distance(key, dot != NULL ? dot + 1 : rule->path) + 1;
        size_t near = whole < last ? whole : last;
        if (near < least) {
            least = near;
            best = rule->path;
        }
    }
    return best;
}

static bool is_section(const struct conf_rule *rules, const char *path)
{
    size_t len = strlen(path);
    for (; rules->path != NULL; rules++) {
        if (strncmp(rules->path, path, len) == 0 && rules->path[len] == '.')
            return true;
    }
    return false;
}

static size_t rule_index(const struct conf_rule *rules, const char *path)
{
    size_t i = 0;
    while (rules[i].path != NULL && strcmp(rules[i].path, path) != 0)
        i++;
    return i;
}

static int check_pair(const struct check *c, const struct conf_node *node, const char *path, const struct conf_rule *rules, struct conf_value *values)
{
    size_t at = rule_index(rules, path);
    if (rules[at].path != NULL)
        return check_value(c, node, &rules[at], &values[at]);
    if (!is_section(rules, path))
        return node_error(node, c->error, "expected a setting, got \"%.60s\"; for example %s", node->key, nearest(rules, path, node->key));
    if (is_nothing(node))
        return 0;
    if (node->kind != NODE_MAP)
        return node_error(node, c->error, "expected a mapping, got %s; for example %s", node->kind == NODE_LIST ? "a list" : "a text",
                          nearest(rules, path, node->key));
    return check_map(c, node, path, rules, values);
}

/* Depth is bounded by the tree's. */
static int check_map(const struct check *c, const struct conf_node *map, const char *prefix, const struct conf_rule *rules, struct conf_value *values)
{
    for (size_t i = 0; i < map->size; i++) {
        struct buf path;
        buf_init(&path, 0);
        buf_printf(&path, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", map->items[i]->key);
        const char *text = buf_cstr(&path);
        int r = path.error != 0 ? path.error : check_pair(c, map->items[i], text, rules, values);
        buf_done(&path);
        if (r != 0)
            return r;
    }
    for (size_t i = 0; prefix[0] == '\0' && rules[i].path != NULL; i++) {
        if (values[i].set)
            continue;
        if (rules[i].preset == NULL && map->rules == rules && !is_list(&rules[i]) && rules[i].type != CONF_ANY) {
            const struct conf_node missing = {.key = rules[i].path, .line = map->line, .origin = map->origin, .parent = map};
            return mismatch(c, &missing, &rules[i], NULL);
        }
        int r = check_preset(c, &rules[i], map->origin, &values[i]);
        if (r != 0)
            return r;
    }
    return 0;
}

/* The folder of a file's name, absolute; "" when the current folder is not known. Leaves room for what is put behind it, and must be
 * UTF-8, since YAML can carry nothing else to a role. */
static int folder_of(struct arena *arena, const char *name, const char **ret)
{
    struct buf folder;
    buf_init(&folder, CONF_PATH_MAX - 256);
    if (name[0] != '/') {
        char *current = getcwd(NULL, 0);
        if (current != NULL) {
            buf_text(&folder, current);
            buf_byte(&folder, '/');
        }
        free(current);
    }
    const char *slash = strrchr(name, '/');
    if (slash != NULL && folder.len + (size_t)(slash - name) > 0)
        buf_put(&folder, name, (size_t)(slash - name));
    else if (slash != NULL)
        buf_byte(&folder, '/');
    while (folder.len > 1 && folder.data[folder.len - 1] == '/')
        folder.len--;
    int r = folder.error != 0 ? folder.error : text_utf8_valid(buf_as_span(&folder)) != folder.len ? -EILSEQ : 0;
    *ret = r == 0 ? arena_copy(arena, buf_as_span(&folder)) : NULL;
    if (r == 0 && *ret == NULL)
        r = -ENOMEM;
    buf_done(&folder);
    return r;
}

static int fill(struct conf *conf, const char *name, struct span yaml, struct conf_error *error)
{
    const struct check check = {.arena = &conf->arena, .error = error};
    const char *last = strrchr(name, '/');
    conf->origin.has_lines = true;
    conf->origin.name = arena_copy(&conf->arena, span_text(last != NULL ? last + 1 : name));
    conf->values = arena_alloc(&conf->arena, (rule_count(conf->schema) + 1) * sizeof *conf->values);
    if (conf->origin.name == NULL || conf->values == NULL)
        return -ENOMEM;
    int r = folder_of(&conf->arena, name, &conf->origin.folder);
    if (r == 0)
        r = conf_tree_parse(&conf->arena, &conf->origin, yaml, &conf->root, error);
    if (r != 0)
        return r;
    if (conf->root->kind != NODE_MAP && !is_nothing(conf->root))
        return node_error(conf->root, error, "expected a mapping of settings, got %s", conf->root->kind == NODE_LIST ? "a list" : "a text");
    return check_map(&check, conf->root, "", conf->schema, conf->values);
}

int conf_parse(struct conf **ret, const char *name, struct span yaml, const struct conf_rule *schema, struct conf_error *error)
{
    error->text[0] = '\0';
    struct conf *conf = calloc(1, sizeof *conf);
    int r = -ENOMEM;
    if (conf != NULL) {
        arena_init(&conf->arena, ARENA_MAX);
        conf->schema = schema;
        r = fill(conf, name, yaml, error);
    }
    if (r == 0) {
        *ret = conf;
        return 0;
    }
    conf_free(conf);
    if (error->text[0] == '\0') {
        const struct conf_origin origin = {.name = name};
        (void)conf_tree_error(&origin, 0, "", err_text(r), error);
    }
    return r;
}

static int read_file(const char *file, struct buf *out)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int r = 0;
    for (ssize_t got = 1; got > 0 && r == 0;) {
        uint8_t *room = buf_reserve(out, 64 * 1024);
        got = room != NULL ? read(fd, room, 64 * 1024) : 0;
        if (room == NULL)
            r = out->error;
        else if (got < 0 && errno != EINTR)
            r = -errno;
        else if (got < 0)
            got = 1;
        else
            out->len += (size_t)got;
        if (out->len > CONF_INPUT_MAX)
            break; /* conf_tree_parse refuses it */
    }
    (void)close(fd);
    return r;
}

int conf_load(struct conf **ret, const char *file, const struct conf_rule *schema, struct conf_error *error)
{
    struct buf yaml;
    buf_init(&yaml, CONF_INPUT_MAX + 256 * 1024);
    int r = read_file(file, &yaml);
    if (r == 0) {
        r = conf_parse(ret, file, buf_as_span(&yaml), schema, error);
    } else {
        const struct conf_origin origin = {.name = file};
        (void)conf_tree_error(&origin, 0, "", err_text(r), error);
    }
    buf_done(&yaml);
    return r;
}

void conf_free(struct conf *conf)
{
    if (conf == NULL)
        return;
    arena_done(&conf->arena);
    free(conf);
}

/* The value of an override as a tree whose root carries the setting's path. */
static int override_tree(struct conf *conf, const struct conf_origin *origin, const struct conf_rule *rule, struct span text, struct conf_node **ret,
                         struct conf_error *error)
{
    bool yaml = rule->type == CONF_ITEMS || rule->type == CONF_ANY || (rule->type == CONF_TEXTS && span_starts(text, "["));
    if (yaml) {
        int r = conf_tree_parse(&conf->arena, origin, text, ret, error);
        if (r == 0)
            (*ret)->key = rule->path;
        return r;
    }
    struct conf_node *node = arena_alloc(&conf->arena, sizeof *node);
    char *copy = arena_copy(&conf->arena, text);
    if (node == NULL || copy == NULL)
        return -ENOMEM;
    *node = (struct conf_node){.kind = NODE_SCALAR, .key = rule->path, .origin = origin, .scalar = span_of(copy, text.len)};
    *ret = node;
    return 0;
}

static int override(struct conf *conf, const char *assignment, struct conf_error *error)
{
    struct conf_origin *origin = arena_alloc(&conf->arena, sizeof *origin);
    if (origin == NULL)
        return -ENOMEM;
    origin->name = "-o";
    int r = folder_of(&conf->arena, "", &origin->folder);
    if (r != 0)
        return r;
    const char *equals = strchr(assignment, '=');
    if (equals == NULL || equals == assignment)
        return conf_tree_error(origin, 0, assignment, "expected section.key=value; for example log.level=debug", error);
    if (text_utf8_valid(span_text(assignment)) != strlen(assignment))
        return conf_tree_error(origin, 0, assignment, "expected UTF-8", error);
    const char *path = arena_copy(&conf->arena, span_of(assignment, (size_t)(equals - assignment)));
    if (path == NULL)
        return -ENOMEM;
    size_t at = rule_index(conf->schema, path);
    if (conf->schema[at].path == NULL) {
        const char *dot = strrchr(path, '.');
        struct conf_node named = {.key = path, .origin = origin};
        return node_error(&named, error, "expected a setting, got \"%.60s\"; for example %s", path,
                          nearest(conf->schema, path, dot != NULL ? dot + 1 : path));
    }
    struct conf_node *node;
    r = override_tree(conf, origin, &conf->schema[at], span_text(equals + 1), &node, error);
    const struct check check = {.arena = &conf->arena, .error = error};
    return r == 0 ? check_value(&check, node, &conf->schema[at], &conf->values[at]) : r;
}

int conf_override(struct conf *conf, const char *assignment, struct conf_error *error)
{
    error->text[0] = '\0';
    int r = override(conf, assignment, error);
    if (r != 0 && error->text[0] == '\0') {
        const struct conf_origin origin = {.name = "-o"};
        (void)conf_tree_error(&origin, 0, "", err_text(r), error);
    }
    return r;
}

int conf_dump(const struct conf *conf, struct buf *out)
{
    return conf_values_dump(conf->schema, conf->values, out);
}

static const struct conf_value *value_of(const struct conf_rule *rules, const struct conf_value *values, const char *path, unsigned types)
{
    size_t at = rule_index(rules, path);
    assert(rules[at].path != NULL);              /* asked for what is not in the schema */
    assert((types >> rules[at].type & 1U) != 0); /* or as another type */
    return &values[at];
}

#define TYPE(type) (1U << (type))
#define NUMBERS (TYPE(CONF_BOOL) | TYPE(CONF_INT) | TYPE(CONF_SIZE) | TYPE(CONF_DURATION))
#define TEXTUAL (TYPE(CONF_TEXT) | TYPE(CONF_CHOICE) | TYPE(CONF_PATH))
#define LISTS (TYPE(CONF_TEXTS) | TYPE(CONF_ITEMS))

static const struct conf_value *top(const struct conf *conf, const char *path, unsigned types)
{
    return value_of(conf->schema, conf->values, path, types);
}

static const struct conf_value *inner(const struct conf_node *node, const char *key, unsigned types)
{
    assert(node->rules != NULL); /* an item, not a raw node */
    return value_of(node->rules, node->values, key, types);
}

static const char *text_at(const struct conf_value *value, size_t index)
{
    assert(index < value->count && value->texts != NULL);
    return value->texts[index];
}

static const struct conf_node *item_at(const struct conf_value *value, size_t index)
{
    assert(index < value->count && value->node != NULL);
    return value->node->items[index];
}

int conf_refuse(const struct conf *conf, const char *path, struct conf_error *error, const char *format, ...)
{
    const struct conf_node *node = top(conf, path, UINT_MAX)->node;
    struct buf text;
    buf_init(&text, 16 * 1024);
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    int r = -ERR_CONFIG;
    if (node != NULL)
        r = node_error(node, error, "%s", buf_cstr(&text));
    else
        (void)snprintf(error->text, sizeof error->text, "%s: %s", path, buf_cstr(&text));
    buf_done(&text);
    return r;
}

bool conf_bool(const struct conf *conf, const char *path)
{
    return top(conf, path, TYPE(CONF_BOOL))->number != 0;
}

int64_t conf_int(const struct conf *conf, const char *path)
{
    return top(conf, path, NUMBERS)->number;
}

const char *conf_text(const struct conf *conf, const char *path)
{
    return top(conf, path, TEXTUAL)->text;
}

struct endpoint conf_endpoint(const struct conf *conf, const char *path)
{
    return top(conf, path, TYPE(CONF_ENDPOINT) | TYPE(CONF_ADDR))->endpoint;
}

struct prefix conf_prefix(const struct conf *conf, const char *path)
{
    return top(conf, path, TYPE(CONF_PREFIX))->prefix;
}

size_t conf_count(const struct conf *conf, const char *path)
{
    return top(conf, path, LISTS)->count;
}

const char *conf_texts(const struct conf *conf, const char *path, size_t index)
{
    return text_at(top(conf, path, TYPE(CONF_TEXTS)), index);
}

const struct conf_node *conf_item(const struct conf *conf, const char *path, size_t index)
{
    return item_at(top(conf, path, TYPE(CONF_ITEMS)), index);
}

const struct conf_node *conf_any(const struct conf *conf, const char *path)
{
    return top(conf, path, TYPE(CONF_ANY))->node;
}

bool node_bool(const struct conf_node *node, const char *key)
{
    return inner(node, key, TYPE(CONF_BOOL))->number != 0;
}

int64_t node_int(const struct conf_node *node, const char *key)
{
    return inner(node, key, NUMBERS)->number;
}

const char *node_text(const struct conf_node *node, const char *key)
{
    return inner(node, key, TEXTUAL)->text;
}

struct endpoint node_endpoint(const struct conf_node *node, const char *key)
{
    return inner(node, key, TYPE(CONF_ENDPOINT) | TYPE(CONF_ADDR))->endpoint;
}

struct prefix node_prefix(const struct conf_node *node, const char *key)
{
    return inner(node, key, TYPE(CONF_PREFIX))->prefix;
}

size_t node_count(const struct conf_node *node, const char *key)
{
    return inner(node, key, LISTS)->count;
}

const char *node_texts(const struct conf_node *node, const char *key, size_t index)
{
    return text_at(inner(node, key, TYPE(CONF_TEXTS)), index);
}

const struct conf_node *node_item(const struct conf_node *node, const char *key, size_t index)
{
    return item_at(inner(node, key, TYPE(CONF_ITEMS)), index);
}

bool node_given(const struct conf_node *node, const char *key)
{
    return inner(node, key, UINT32_MAX)->given;
}

const struct conf_node *node_any(const struct conf_node *node, const char *key)
{
    return inner(node, key, TYPE(CONF_ANY))->node;
}
