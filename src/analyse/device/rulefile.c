#include "analyse/device/rules.h"

#include <errno.h>
#include <stdio.h>

/* One rule. Values may hold captures; examples are texts, or maps of a text and what the values must be. */
static const struct conf_rule rule_items[] = {
    {.path = "name", .type = CONF_TEXT, .min = 1, .max = 80, .help = "of small letters, digits and -; of no other rule", .example = "acme-dvr-title"},
    {.path = "on", .type = CONF_TEXT, .min = 1, .max = 32, .help = "field of an answer", .example = "http.title"},
    {.path = "match",
     .type = CONF_TEXT,
     .min = 1,
     .max = 2000,
     .help = "regular expression (PCRE2; ^ and $ at each line)",
     .example = "'^Acme DVR (\\w+)'"},
    {.path = "nocase", .type = CONF_BOOL, .preset = "false", .help = "small and capital letters are the same"},
    {.path = "class", .type = CONF_TEXT, .max = 64, .preset = "", .help = "class of the device", .example = "dvr"},
    {.path = "maker", .type = CONF_TEXT, .max = TEMPLATE_MAX, .preset = "", .help = "who made it", .example = "Acme"},
    {.path = "model", .type = CONF_TEXT, .max = TEMPLATE_MAX, .preset = "", .help = "its model", .example = "$1"},
    {.path = "firmware", .type = CONF_TEXT, .max = TEMPLATE_MAX, .preset = "", .help = "its firmware", .example = "$2"},
    {.path = "ics", .type = CONF_TEXT, .max = TEMPLATE_MAX, .preset = "", .help = "industrial protocol", .example = "modbus"},
    {.path = "residue", .type = CONF_TEXT, .max = TEMPLATE_MAX, .preset = "", .help = "malware whose trace it is", .example = "wifatch"},
    {.path = "honeypot", .type = CONF_TEXT, .max = TEMPLATE_MAX, .preset = "", .help = "honeypot that gives itself away", .example = "cowrie"},
    {.path = "certainty", .type = CONF_INT, .min = 1, .max = 100, .preset = "80", .unit = "%", .help = "how sure it is"},
    {.path = "examples", .type = CONF_ANY, .help = "texts that must match"},
    {.path = "counterexamples", .type = CONF_ANY, .help = "texts that must not match"},
    {0},
};

static const struct conf_rule schema[] = {
    {.path = "rules", .type = CONF_ITEMS, .items = rule_items, .help = "fingerprint rules"},
    {0},
};

static bool is_kebab(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.at[i];
        if (c == '-' && (i == 0 || i + 1 == name.len || name.at[i - 1] == '-'))
            return false;
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return name.len > 0;
}

static const struct draft *same_name(const struct drafts *d, struct span name)
{
    for (size_t i = 0; i + 1 < d->count; i++) {
        if (d->list[i].own && span_equal(d->list[i].name, name))
            return &d->list[i];
    }
    return NULL;
}

static int read_scalar(struct drafts *d, const struct conf_node *node, struct span *ret)
{
    struct span text = node_scalar(node);
    const char *copy = arena_copy(&d->arena, text);
    *ret = span_of(copy, text.len);
    return copy != NULL ? 0 : -ENOMEM;
}

/* {text: …, model: …} */
static int read_example_map(struct drafts *d, const struct conf_node *map, struct example *ret, struct conf_error *error)
{
    bool has_text = false;
    for (size_t i = 0; i < node_size(map); i++) {
        const char *key = node_key_at(map, i);
        const struct conf_node *value = node_at(map, i);
        if (node_kind(value) != NODE_SCALAR)
            return node_error(value, error, "expected a text");
        if (strcmp(key, "text") == 0) {
            has_text = true;
            if (read_scalar(d, value, &ret->text) != 0)
                return -ENOMEM;
            continue;
        }
        int v = 0;
        while (v < VALUE_COUNT && strcmp(key, value_names[v]) != 0)
            v++;
        if (v == VALUE_COUNT)
            return node_error(value, error, "expected text, class, maker, model, firmware, ics, residue or honeypot, got \"%.40s\"", key);
        ret->given[v] = true;
        if (read_scalar(d, value, &ret->expected[v]) != 0)
            return -ENOMEM;
    }
    return has_text ? 0 : node_error(map, error, "expected a text; for example {text: \"Acme DVR 4\", model: \"4\"}");
}

static int read_examples(struct drafts *d, const struct conf_node *list, bool must_match, struct example *ret, struct conf_error *error)
{
    for (size_t i = 0; i < node_size(list); i++) {
        const struct conf_node *node = node_at(list, i);
        ret[i].must_match = must_match;
        ret[i].line = node_line(node);
        int r = 0;
        if (node_kind(node) == NODE_SCALAR)
            r = read_scalar(d, node, &ret[i].text);
        else if (node_kind(node) == NODE_MAP && must_match)
            r = read_example_map(d, node, &ret[i], error);
        else
            r = node_error(node, error, "expected a text%s", must_match ? " or a mapping" : "");
        if (r == 0 && ret[i].text.len > DEVICE_FIELD_MAX)
            r = node_error(node, error, "expected at most %d bytes", DEVICE_FIELD_MAX);
        if (r != 0)
            return r;
    }
    return 0;
}

static int read_all_examples(struct drafts *d, const struct conf_node *item, struct draft *draft, struct conf_error *error)
{
    const struct conf_node *yes = node_any(item, "examples"), *no = node_any(item, "counterexamples");
    if (yes == NULL || node_kind(yes) != NODE_LIST || node_size(yes) == 0)
        return node_error(item, error, "examples: expected a list of texts that match; for example [\"Acme DVR 4\"]");
    if (no != NULL && node_kind(no) != NODE_LIST)
        return node_error(item, error, "counterexamples: expected a list of texts that must not match");
    size_t positive = node_size(yes), negative = no != NULL ? node_size(no) : 0;
    if (positive > RULE_EXAMPLES_MAX || negative > RULE_EXAMPLES_MAX)
        return node_error(item, error, "expected at most %d examples", RULE_EXAMPLES_MAX);
    struct example *examples = arena_alloc(&d->arena, (positive + negative) * sizeof *examples);
    if (examples == NULL)
        return -ENOMEM;
    int r = read_examples(d, yes, true, examples, error);
    if (r == 0 && negative > 0)
        r = read_examples(d, no, false, examples + positive, error);
    draft->examples = examples;
    draft->example_count = positive + negative;
    return r;
}

static int read_values(struct drafts *d, const struct conf_node *item, struct draft *draft, struct conf_error *error)
{
    for (int v = 0; v < VALUE_COUNT; v++) {
        int r = template_read(&d->arena, span_text(node_text(item, value_names[v])), &draft->values[v]);
        if (r == -ERR_MALFORMED)
            return node_error(item, error, "%s: expected a text without control characters", value_names[v]);
        if (r != 0)
            return r;
    }
    struct span class_ = draft->values[VALUE_CLASS];
    if (class_.len > 0 && class_rank(class_) == 0)
        return node_error(item, error, "class: expected a word of the classes of devices, got \"%.*s\"; for example dvr", (int)class_.len,
                          (const char *)class_.at);
    if (class_.len == 0 && draft->values[VALUE_MAKER].len == 0 && draft->values[VALUE_RESIDUE].len == 0 && draft->values[VALUE_HONEYPOT].len == 0 &&
        draft->values[VALUE_ICS].len == 0)
        return node_error(item, error, "expected a class, maker, ics, residue or honeypot: the rule says nothing");
    return 0;
}

static int read_rule(struct drafts *d, const char *file, const struct conf_node *item, struct conf_error *error)
{
    char why[200];
    struct draft *draft = drafts_add(d);
    if (draft == NULL)
        return -ENOMEM;
    struct span name = span_text(node_text(item, "name")), on = span_text(node_text(item, "on")), match = span_text(node_text(item, "match"));
    if (!is_kebab(name))
        return node_error(item, error, "name: expected small letters, digits and single -, got \"%s\"; for example acme-dvr-title",
                          node_text(item, "name"));
    const struct draft *other = same_name(d, name);
    if (other != NULL)
        return node_error(item, error, "name: %s is taken by the rule at %s:%u", node_text(item, "name"), other->file, other->line);
    draft->own = true;
    draft->file = file;
    draft->line = node_line(item);
    draft->field = field_by_text(on);
    if (draft->field == DEVICE_FIELD_COUNT)
        return node_error(item, error, "on: expected a field of an answer, got \"%s\"; for example http.title", node_text(item, "on"));
    draft->certainty = (uint8_t)node_int(item, "certainty");
    const char *name_copy = arena_copy(&d->arena, name), *match_copy = arena_copy(&d->arena, match);
    if (name_copy == NULL || match_copy == NULL)
        return -ENOMEM;
    draft->name = span_of(name_copy, name.len);
    draft->pattern = (struct pattern){.regex = span_of(match_copy, match.len), .nocase = node_bool(item, "nocase")};
    if (pattern_check(&draft->pattern, why, sizeof why) != 0)
        return node_error(item, error, "match: %s", why);
    int r = read_values(d, item, draft, error);
    return r != 0 ? r : read_all_examples(d, item, draft, error);
}

int rulefile_read(struct drafts *d, const char *file, struct span yaml, struct conf_error *error)
{
    struct conf *conf = NULL;
    const char *name = arena_copy(&d->arena, span_text(file));
    if (name == NULL)
        return -ENOMEM;
    if (yaml.len > RULE_FILE_MAX) {
        snprintf(error->text, sizeof error->text, "%.300s: expected at most %d bytes", file, RULE_FILE_MAX);
        return -ERR_CONFIG;
    }
    int r = conf_parse(&conf, file, yaml, schema, error);
    for (size_t i = 0; r == 0 && i < conf_count(conf, "rules"); i++) {
        r = d->count < RULES_MAX ? 0 : node_error(conf_item(conf, "rules", i), error, "expected at most %d rules", RULES_MAX);
        if (r == 0)
            r = read_rule(d, name, conf_item(conf, "rules", i), error);
    }
    conf_free(conf);
    return r;
}
