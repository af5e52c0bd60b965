#include "base/conf_tree.h"

#include "base/err.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

enum { SHOWN_PATH_MAX = 120 };

int conf_tree_error(const struct conf_origin *origin, unsigned line, const char *path, const char *text, struct conf_error *error)
{
    struct buf out;
    buf_init(&out, 64 * 1024);
    text_escape(&out, span_text(origin->name));
    if (line > 0 && origin->has_lines)
        buf_printf(&out, ":%u", line);
    if (path[0] != '\0') {
        buf_text(&out, origin->has_lines ? ": " : " ");
        text_escape(&out, span_text(path));
    }
    buf_text(&out, ": ");
    text_escape(&out, span_text(text));
    size_t len = out.len;
    if (len >= sizeof error->text) {
        len = sizeof error->text - 1;
        while (len > 0 && (out.data[len] & 0xc0) == 0x80)
            len--;
    }
    if (len > 0)
        memcpy(error->text, out.data, len);
    error->text[len] = '\0';
    buf_done(&out);
    return -ERR_CONFIG;
}

void conf_tree_path(const struct conf_node *node, struct buf *out)
{
    /* A tree is at most CONF_DEPTH_MAX deep, and an override's root names a place at most as deep. */
    const struct conf_node *chain[CONF_DEPTH_MAX + 2] = {0};
    size_t depth = 0;
    for (; node != NULL && depth < sizeof chain / sizeof chain[0]; node = node->parent)
        chain[depth++] = node;
    while (depth-- > 0) {
        const struct conf_node *at = chain[depth];
        if (at->key != NULL)
            buf_printf(out, "%s%s", out->len > 0 ? "." : "", at->key);
        else if (at->parent != NULL)
            buf_printf(out, "[%zu]", at->index);
    }
    if (out->error == 0 && out->len > SHOWN_PATH_MAX) {
        out->len = SHOWN_PATH_MAX;
        buf_text(out, "...");
    }
}

int node_error(const struct conf_node *node, struct conf_error *error, const char *format, ...)
{
    struct buf path, text;
    buf_init(&path, 16 * 1024);
    buf_init(&text, 16 * 1024);
    conf_tree_path(node, &path);
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    int r = conf_tree_error(node->origin, node->line, buf_cstr(&path), buf_cstr(&text), error);
    buf_done(&path);
    buf_done(&text);
    return r;
}

struct builder {
    struct arena *arena;
    const struct conf_origin *origin;
    struct conf_error *error;
    struct conf_node *open[CONF_DEPTH_MAX]; /* containers not yet ended */
    struct conf_node *last[CONF_DEPTH_MAX]; /* their newest child */
    size_t depth;
    size_t nodes;
    const char *key; /* read, its value is due */
    struct conf_node *root;
    unsigned documents;
};

static unsigned line_of(const yaml_mark_t *mark)
{
    return mark->line < UINT32_MAX ? (unsigned)mark->line + 1 : UINT32_MAX;
}

static int complain(struct builder *b, unsigned line, const char *text)
{
    struct buf path;
    buf_init(&path, 16 * 1024);
    if (b->depth > 0)
        conf_tree_path(b->open[b->depth - 1], &path);
    if (b->key != NULL)
        buf_printf(&path, "%s%s", path.len > 0 ? "." : "", b->key);
    int r = conf_tree_error(b->origin, line, buf_cstr(&path), text, b->error);
    buf_done(&path);
    return r;
}

static bool wants_key(const struct builder *b)
{
    return b->depth > 0 && b->open[b->depth - 1]->kind == NODE_MAP && b->key == NULL;
}

static int take_key(struct builder *b, const yaml_event_t *event, struct span text)
{
    unsigned line = line_of(&event->start_mark);
    if (event->type != YAML_SCALAR_EVENT)
        return complain(b, line, "expected a key that is a text, got a list or a mapping");
    if (text.len > CONF_KEY_MAX || memchr(text.at, '\0', text.len) != NULL)
        return complain(b, line, "expected a key of at most 255 bytes without NUL");
    b->key = arena_copy(b->arena, text);
    return b->key != NULL ? 0 : -ENOMEM;
}

/* A new node under the container that is open. */
static int add(struct builder *b, const yaml_event_t *event, enum node_kind kind, struct conf_node **ret)
{
    if (++b->nodes > CONF_NODES_MAX)
        return complain(b, line_of(&event->start_mark), "expected at most 65536 values in all");
    struct conf_node *node = arena_alloc(b->arena, sizeof *node);
    if (node == NULL)
        return -ENOMEM;
    node->kind = kind;
    node->line = line_of(&event->start_mark);
    node->origin = b->origin;
    node->key = b->key;
    b->key = NULL;
    if (b->depth == 0) {
        b->root = node;
    } else {
        struct conf_node *parent = b->open[b->depth - 1], *last = b->last[b->depth - 1];
        node->parent = parent;
        node->index = parent->size++;
        if (last != NULL)
            last->next = node;
        b->last[b->depth - 1] = node;
        if (parent->items == NULL) /* until the container ends, its items are the list that starts here */
            parent->items = arena_alloc(b->arena, sizeof *parent->items);
        if (parent->items == NULL)
            return -ENOMEM;
        if (last == NULL)
            parent->items[0] = node;
    }
    *ret = node;
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const struct conf_node *const *left = a, *const *right = b;
    int order = strcmp((*left)->key, (*right)->key);
    return order != 0 ? order : (*left)->index < (*right)->index ? -1 : (*left)->index > (*right)->index;
}

static int check_twice(struct builder *b, const struct conf_node *map)
{
    struct conf_node **sorted = malloc(map->size * sizeof(struct conf_node *));
    if (sorted == NULL)
        return -ENOMEM;
    memcpy(sorted, map->items, map->size * sizeof(struct conf_node *));
    qsort(sorted, map->size, sizeof(struct conf_node *), by_key);
    int r = 0;
    for (size_t i = 1; i < map->size && r == 0; i++) {
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
            r = node_error(sorted[i], b->error, "expected each key once, got \"%.60s\" again (first on line %u)", sorted[i]->key,
                           sorted[i - 1]->line);
    }
    free(sorted);
    return r;
}

static int finish_container(struct builder *b)
{
    assert(b->depth > 0);
    struct conf_node *container = b->open[b->depth - 1];
    if (container->size > 1) {
        struct conf_node **items = arena_alloc(b->arena, container->size * sizeof(struct conf_node *));
        if (items == NULL)
            return -ENOMEM;
        struct conf_node *child = container->items[0];
        for (size_t i = 0; i < container->size; i++, child = child->next)
            items[i] = child;
        container->items = items;
    }
    int r = container->kind == NODE_MAP && container->size > 1 ? check_twice(b, container) : 0;
    b->depth--;
    return r;
}

static int start_container(struct builder *b, const yaml_event_t *event, enum node_kind kind)
{
    if (b->depth == CONF_DEPTH_MAX)
        return complain(b, line_of(&event->start_mark), "expected at most 16 levels of nesting");
    struct conf_node *node;
    int r = add(b, event, kind, &node);
    if (r != 0)
        return r;
    b->open[b->depth] = node;
    b->last[b->depth] = NULL;
    b->depth++;
    return 0;
}

static int add_scalar(struct builder *b, const yaml_event_t *event, struct span text)
{
    struct conf_node *node;
    int r = add(b, event, NODE_SCALAR, &node);
    if (r != 0)
        return r;
    char *copy = arena_copy(b->arena, text);
    if (copy == NULL)
        return -ENOMEM;
    node->scalar = span_of(copy, text.len);
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return 0;
}

static bool is_marked(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor != NULL || event->data.sequence_start.tag != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL;
    default:
        return event->type == YAML_ALIAS_EVENT;
    }
}

static int take_event(struct builder *b, const yaml_event_t *event)
{
    if (is_marked(event))
        return complain(b, line_of(&event->start_mark), "expected plain YAML, got an anchor, an alias or a tag");
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++b->documents > 1)
            return complain(b, line_of(&event->start_mark), "expected one document, got a second one");
        return 0;
    case YAML_SCALAR_EVENT: {
        struct span text = span_of(event->data.scalar.value, event->data.scalar.length);
        return wants_key(b) ? take_key(b, event, text) : add_scalar(b, event, text);
    }
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        if (wants_key(b))
            return take_key(b, event, (struct span){0});
        return start_container(b, event, event->type == YAML_MAPPING_START_EVENT ? NODE_MAP : NODE_LIST);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return finish_container(b);
    default:
        return 0;
    }
}

static int parser_error(struct builder *b, const yaml_parser_t *parser, struct span yaml)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    char text[256];
    (void)snprintf(text, sizeof text, "expected well-formed YAML: %s", parser->problem != NULL ? parser->problem : "it could not be read");
    unsigned line = line_of(&parser->problem_mark);
    if (parser->error == YAML_READER_ERROR) { /* has an offset only */
        struct span before = span_part(yaml, 0, parser->problem_offset);
        line = 1;
        for (size_t at; (at = span_find(before, '\n')) < before.len; line++)
            before = span_part(before, at + 1, before.len);
    }
    b->depth = 0;
    b->key = NULL;
    return complain(b, line, text);
}

int conf_tree_parse(struct arena *arena, const struct conf_origin *origin, struct span yaml, struct conf_node **ret, struct conf_error *error)
{
    struct builder b = {.arena = arena, .origin = origin, .error = error};
    if (yaml.len > CONF_INPUT_MAX)
        return conf_tree_error(origin, 0, "", "expected at most 4 MiB", error);
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0)
        return -ENOMEM;
    yaml_parser_set_input_string(&parser, yaml.len > 0 ? yaml.at : (const unsigned char *)"", yaml.len);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    int r = 0;
    for (bool more = true; more && r == 0;) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            r = parser_error(&b, &parser, yaml);
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT;
        r = take_event(&b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (r != 0)
        return r;
    if (b.root == NULL) {
        b.root = arena_alloc(arena, sizeof *b.root);
        if (b.root == NULL)
            return -ENOMEM;
        *b.root = (struct conf_node){.kind = NODE_SCALAR, .plain = true, .line = 1, .origin = origin, .scalar = span_text("")};
    }
    *ret = b.root;
    return 0;
}

enum node_kind node_kind(const struct conf_node *node)
{
    return node->kind;
}

size_t node_size(const struct conf_node *node)
{
    return node->size;
}

const struct conf_node *node_at(const struct conf_node *node, size_t index)
{
    assert(index < node->size);
    return node->items[index];
}

const char *node_key_at(const struct conf_node *node, size_t index)
{
    assert(node->kind == NODE_MAP && index < node->size);
    return node->items[index]->key;
}

struct span node_scalar(const struct conf_node *node)
{
    return node->scalar;
}

unsigned node_line(const struct conf_node *node)
{
    return node->line;
}
