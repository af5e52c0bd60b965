#include "base/conf_tree.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

/* A double-quoted YAML scalar (YAML 1.1 §5.6): printable ASCII and plain letters stay, the rest is escaped. */
static void put_quoted(struct buf *out, struct span text)
{
    buf_byte(out, '"');
    for (size_t i = 0; i < text.len;) {
        uint8_t c = text.at[i];
        if (c < 0x80) {
            if (c == '"' || c == '\\')
                buf_byte(out, '\\');
            if (c == '\n' || c == '\t' || c == '\0')
                buf_text(out, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\0");
            else if (c < 0x20 || c == 0x7f)
                buf_printf(out, "\\x%02x", c);
            else
                buf_byte(out, c);
            i++;
            continue;
        }
        /* libyaml has checked that this is UTF-8. */
        size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
        uint32_t point = c & (0xffU >> (len + 1));
        for (size_t k = 1; k < len && i + k < text.len; k++)
            point = point << 6 | (text.at[i + k] & 0x3fU);
        if (point >= 0xa0 && point < 0xd800 && point != 0x2028 && point != 0x2029)
            buf_span(out, span_part(text, i, len));
        else
            buf_printf(out, point > 0xffff ? "\\U%08" PRIX32 : "\\u%04" PRIX32, point);
        i += len;
    }
    buf_byte(out, '"');
}

/* Any tree in flow style; depth is bounded by the parser's. */
static void put_tree(struct buf *out, const struct conf_node *node)
{
    if (node->kind == NODE_SCALAR) {
        put_quoted(out, node->scalar);
        return;
    }
    bool map = node->kind == NODE_MAP;
    buf_byte(out, map ? '{' : '[');
    for (size_t i = 0; i < node->size; i++) {
        if (i > 0)
            buf_text(out, ", ");
        if (map) {
            put_quoted(out, span_text(node->items[i]->key));
            buf_text(out, ": ");
        }
        put_tree(out, node->items[i]);
    }
    buf_byte(out, map ? '}' : ']');
}

static void put_value(struct buf *out, const struct conf_rule *rule, const struct conf_value *value);

/* An item: what was given, so that defaults stay defaults. */
static void put_item(struct buf *out, const struct conf_node *item)
{
    bool any = false;
    buf_byte(out, '{');
    for (size_t i = 0; item->rules[i].path != NULL; i++) {
        if (!item->values[i].given)
            continue;
        buf_printf(out, "%s%s: ", any ? ", " : "", item->rules[i].path);
        put_value(out, &item->rules[i], &item->values[i]);
        any = true;
    }
    buf_byte(out, '}');
}

static void put_value(struct buf *out, const struct conf_rule *rule, const struct conf_value *value)
{
    switch (rule->type) {
    case CONF_BOOL:
    case CONF_INT:
    case CONF_SIZE:
    case CONF_DURATION:
        conf_value_print(rule, value, out);
        break;
    case CONF_TEXTS:
        buf_byte(out, '[');
        for (size_t i = 0; i < value->count; i++) {
            buf_text(out, i > 0 ? ", " : "");
            put_quoted(out, span_text(value->texts[i]));
        }
        buf_byte(out, ']');
        break;
    case CONF_ITEMS:
        buf_byte(out, '[');
        for (size_t i = 0; i < value->count; i++) {
            buf_text(out, i > 0 ? ", " : "");
            put_item(out, value->node->items[i]);
        }
        buf_byte(out, ']');
        break;
    case CONF_ANY:
        put_tree(out, value->node);
        break;
    default: {
        struct buf text;
        buf_init(&text, 0);
        conf_value_print(rule, value, &text);
        if (text.error != 0)
            out->error = out->error != 0 ? out->error : text.error;
        put_quoted(out, buf_as_span(&text));
        buf_done(&text);
    }
    }
}

struct level {
    const struct conf_rule *rules;
    const struct conf_value *values;
    const char *prefix; /* "" or "section." */
    unsigned depth;
};

static bool is_under(const char *path, const char *prefix, size_t len)
{
    return strncmp(path, prefix, len) == 0;
}

/* A section's rules in schema order, each inner section where its first rule stands. */
static void put_level(struct buf *out, const struct level *level)
{
    size_t len = strlen(level->prefix);
    for (size_t i = 0; level->rules[i].path != NULL; i++) {
        const char *path = level->rules[i].path;
        if (!level->values[i].set || !is_under(path, level->prefix, len))
            continue;
        const char *dot = strchr(path + len, '.');
        if (dot == NULL) {
            buf_printf(out, "%*s%s: ", (int)level->depth * 2, "", path + len);
            put_value(out, &level->rules[i], &level->values[i]);
            buf_byte(out, '\n');
            continue;
        }
        size_t whole = (size_t)(dot - path) + 1;
        bool first = true;
        for (size_t k = 0; k < i && first; k++)
            first = !level->values[k].set || !is_under(level->rules[k].path, path, whole);
        if (!first)
            continue;
        char prefix[256];
        (void)snprintf(prefix, sizeof prefix, "%.*s", (int)whole, path);
        buf_printf(out, "%*s%.*s:\n", (int)level->depth * 2, "", (int)(whole - 1 - len), path + len);
        put_level(out, &(struct level){.rules = level->rules, .values = level->values, .prefix = prefix, .depth = level->depth + 1});
    }
}

int conf_values_dump(const struct conf_rule *rules, const struct conf_value *values, struct buf *out)
{
    put_level(out, &(struct level){.rules = rules, .values = values, .prefix = ""});
    return out->error;
}

static void describe(const struct conf_rule *rules, const char *prefix, struct buf *out)
{
    for (const struct conf_rule *rule = rules; rule->path != NULL; rule++) {
        buf_printf(out, "%s%s\n    %s\n    ", prefix, rule->path, rule->help != NULL ? rule->help : "");
        conf_value_expected(rule, out);
        if (rule->unit != NULL && rule->unit[0] != '\0')
            buf_printf(out, " (%s)", rule->unit);
        if (rule->preset != NULL && rule->preset[0] != '\0')
            buf_printf(out, "; default %s", rule->preset);
        else if (rule->preset == NULL && prefix[0] != '\0' && rule->type != CONF_TEXTS && rule->type != CONF_ITEMS && rule->type != CONF_ANY)
            buf_text(out, "; must be given");
        if (rule->example != NULL)
            buf_printf(out, "; for example %s", rule->example);
        buf_byte(out, '\n');
        if (rule->type == CONF_ITEMS) {
            char inner[256];
            (void)snprintf(inner, sizeof inner, "%s%s[].", prefix, rule->path);
            describe(rule->items, inner, out);
        }
    }
}

void conf_describe(const struct conf_rule *schema, struct buf *out)
{
    describe(schema, "", out);
}
