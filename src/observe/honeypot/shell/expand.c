/* Words to arguments: quotes, parameters, substitutions, splitting, globs (POSIX.1-2017 XCU 2.6). */
#include "observe/honeypot/shell/inside.h"

#include <stdio.h>

struct expander {
    struct engine *m;
    struct buf field; /* in pattern form (quoted specials behind a backslash) when `form` */
    bool form, split;
    bool started; /* the field has bytes, or a quoted part that may be empty */
    bool pattern; /* … and something unquoted to match */
    bool escaped; /* … and a backslash to take away */
    bool failed;
    unsigned depth;
    struct span separators;
    struct span *fields;
    size_t count, room;
};

static bool expand_text(struct expander *, struct span text, bool quoted);

static void fail(struct expander *x, const char *message)
{
    if (!x->failed)
        complain(x->m, "%s", message);
    x->failed = true;
    engine_abort(x->m, 2);
}

static void field_add(struct expander *x, struct span field)
{
    if (x->count >= SHELL_WORDS_MAX || x->failed)
        return;
    if (x->count + 1 >= x->room) {
        size_t room = x->room == 0 ? 8 : x->room * 2;
        struct span *fields = engine_alloc(x->m, room * sizeof *fields);
        if (fields == NULL) {
            x->failed = true;
            return;
        }
        if (x->count > 0)
            memcpy(fields, x->fields, x->count * sizeof *fields);
        x->fields = fields;
        x->room = room;
    }
    x->fields[x->count++] = field;
    x->fields[x->count] = (struct span){0};
}

static void glob_each(void *user, struct span path)
{
    field_add(user, path);
}

static void field_end(struct expander *x)
{
    if (!x->started)
        return;
    struct span text = buf_as_span(&x->field);
    bool found = false;
    if (x->pattern && x->split)
        found = glob(x->m, text, glob_each, x) > 0;
    if (!found) {
        if (x->escaped) {
            size_t len = 0;
            for (size_t i = 0; i < x->field.len; i++) {
                if (x->field.data[i] == '\\' && i + 1 < x->field.len)
                    i++;
                x->field.data[len++] = x->field.data[i];
            }
            text.len = len;
        }
        field_add(x, engine_copy(x->m, text));
    }
    buf_clear(&x->field);
    x->started = x->pattern = x->escaped = false;
}

static bool is_special(uint8_t c)
{
    return c == '*' || c == '?' || c == '[' || c == ']' || c == '\\' || c == '-' || c == '!' || c == '^';
}

static void put_quoted(struct expander *x, struct span bytes)
{
    x->started = true;
    if (!engine_step(x->m, bytes.len / SHELL_BYTES_PER_STEP))
        x->failed = true;
    if (!x->form) {
        buf_put(&x->field, bytes.at, bytes.len < SHELL_WORD_MAX - x->field.len ? bytes.len : SHELL_WORD_MAX - x->field.len);
        return;
    }
    for (size_t i = 0; i < bytes.len && x->field.len + 2 <= SHELL_WORD_MAX; i++) {
        if (is_special(bytes.at[i])) {
            buf_byte(&x->field, '\\');
            x->escaped = true;
        }
        buf_byte(&x->field, bytes.at[i]);
    }
}

/* What an expansion outside quotes gave: it is split, and may hold patterns. */
static void put_split(struct expander *x, struct span bytes)
{
    if (!x->form) {
        put_quoted(x, bytes);
        x->started = true;
        return;
    }
    if (!engine_step(x->m, bytes.len / SHELL_BYTES_PER_STEP))
        x->failed = true;
    for (size_t i = 0; i < bytes.len && !x->failed; i++) {
        uint8_t c = bytes.at[i];
        if (x->split && span_find(x->separators, c) < x->separators.len) {
            if (c != ' ' && c != '\t' && c != '\n')
                x->started = true;
            field_end(x);
            continue;
        }
        x->started = true;
        if (x->field.len + 2 > SHELL_WORD_MAX)
            continue;
        if (c == '\\') {
            buf_byte(&x->field, '\\');
            x->escaped = true;
        } else if (c == '*' || c == '?' || c == '[')
            x->pattern = true;
        buf_byte(&x->field, c);
    }
}

static void put(struct expander *x, struct span bytes, bool quoted)
{
    if (quoted)
        put_quoted(x, bytes);
    else
        put_split(x, bytes);
}

static void put_literal(struct expander *x, uint8_t c)
{
    if (c == '*' || c == '?' || c == '[')
        x->pattern = true;
    x->started = true;
    if (x->field.len < SHELL_WORD_MAX)
        buf_byte(&x->field, c);
}

static struct span number(struct engine *m, uint64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return engine_copy(m, span_of(text, (size_t)len));
}

/* "$*": joined by the first separator. */
static struct span joined(struct engine *m)
{
    struct span separators = {0};
    bool set = variable_get(m->shell, span_text("IFS"), &separators);
    uint8_t between = set && separators.len > 0 ? separators.at[0] : ' ';
    const struct context *c = &m->shell->context;
    size_t len = 0;
    for (size_t i = 0; i < c->argc; i++)
        len += c->args[i].len + 1;
    if (len > SHELL_WORD_MAX)
        len = SHELL_WORD_MAX;
    uint8_t *all = len > 0 ? engine_alloc(m, len) : NULL;
    size_t at = 0;
    for (size_t i = 0; i < c->argc && all != NULL; i++) {
        if (at > 0 && at < len)
            all[at++] = between;
        struct span arg = span_part(c->args[i], 0, len - at);
        if (arg.len > 0)
            memcpy(all + at, arg.at, arg.len);
        at += arg.len;
    }
    return span_of(all, all != NULL ? at : 0);
}

bool parameter(struct engine *m, struct span name, struct span *ret)
{
    struct shell *sh = m->shell;
    uint8_t c = name.len > 0 ? name.at[0] : 0;
    *ret = (struct span){0};
    if (name.len == 1 && c == '?')
        *ret = number(m, (uint64_t)(m->status & 0xff));
    else if (name.len == 1 && c == '$')
        *ret = number(m, sh->host.profile->shell_pid != 0 ? sh->host.profile->shell_pid : 300 + sh->host.seed % 1700);
    else if (name.len == 1 && c == '!') {
        if (sh->background != 0)
            *ret = number(m, sh->background);
        return sh->background != 0;
    } else if (name.len == 1 && c == '#')
        *ret = number(m, sh->context.argc);
    else if (name.len == 1 && (c == '*' || c == '@'))
        *ret = joined(m);
    else if (name.len == 1 && c == '0')
        *ret = sh->context.name;
    else if (name.len == 1 && c == '-')
        *ret = span_text("i");
    else if (c >= '1' && c <= '9') {
        size_t index = 0;
        for (size_t i = 0; i < name.len && i < 6; i++)
            index = index * 10 + (size_t)(name.at[i] - '0');
        if (index == 0 || index > sh->context.argc)
            return false;
        *ret = sh->context.args[index - 1];
    } else if (span_is(name, "RANDOM"))
        *ret = number(m, (sh->host.seed * 31 + (uint64_t)sh->steps * 7919) >> 3 & 0x7fff);
    else if (span_is(name, "LINENO"))
        *ret = number(m, sh->context.line);
    else
        return variable_get(sh, name, ret);
    return true;
}

static void put_arguments(struct expander *x, bool quoted, bool each)
{
    const struct context *c = &x->m->shell->context;
    if (!x->split || (quoted && !each)) {
        put(x, joined(x->m), quoted);
        return;
    }
    for (size_t i = 0; i < c->argc && !x->failed; i++) {
        if (i > 0)
            field_end(x);
        if (quoted)
            put_quoted(x, c->args[i]);
        else
            put_split(x, c->args[i]);
    }
}

static bool sub_expand(struct expander *x, struct span text, enum expand how, struct span *ret)
{
    if (x->depth + x->m->shell->depth >= SHELL_DEPTH_MAX) {
        shell_end(x->m->shell, REASON_WORK);
        x->failed = true;
        return false;
    }
    x->m->shell->depth++;
    bool ok = expand_one(x->m, text, how, ret);
    x->m->shell->depth--;
    if (!ok)
        x->failed = true;
    return ok;
}

/* ${name#pattern} and its kin. */
static struct span trimmed(struct expander *x, struct span value, struct span pattern, bool suffix, bool longest)
{
    size_t cost = value.len / 64 * (value.len / 64 + 1) * (pattern.len / 16 + 1);
    if (!engine_step(x->m, 1 + cost)) {
        x->failed = true;
        return value;
    }
    for (size_t n = 0; n <= value.len; n++) {
        size_t cut = longest ? value.len - n : n;
        struct span part = suffix ? span_part(value, value.len - cut, cut) : span_part(value, 0, cut);
        if (pattern_matches(pattern, part))
            return suffix ? span_part(value, 0, value.len - cut) : span_part(value, cut, value.len);
    }
    return value;
}

/* ${name/pattern/replacement} */
static void put_replaced(struct expander *x, struct span value, struct span pattern, struct span replacement, bool all, bool quoted)
{
    size_t cost = value.len / 64 * (value.len / 64 + 1) * (pattern.len / 16 + 1);
    size_t at = 0, from = 0;
    struct buf out;
    if (!engine_step(x->m, 1 + cost)) {
        x->failed = true;
        return;
    }
    buf_init(&out, SHELL_WORD_MAX);
    while (at < value.len && pattern.len > 0) {
        size_t len = value.len - at;
        while (len > 0 && !pattern_matches(pattern, span_part(value, at, len)))
            len--;
        if (len == 0) {
            at++;
            continue;
        }
        buf_span(&out, span_part(value, from, at - from));
        buf_span(&out, replacement);
        at += len;
        from = at;
        if (!all)
            break;
    }
    buf_span(&out, span_part(value, from, value.len));
    put(x, engine_copy(x->m, buf_as_span(&out)), quoted);
    buf_done(&out);
}

static void put_part(struct expander *x, struct span value, struct span how, bool quoted)
{
    size_t colon = span_find(how, ':');
    struct span text;
    int64_t from = 0, len = (int64_t)value.len;
    if (!sub_expand(x, span_part(how, 0, colon), EXPAND_WORD, &text) || !arithmetic(x->m, text, &from)) {
        x->failed = true;
        return;
    }
    if (from < 0)
        from = (int64_t)value.len + from;
    if (from < 0 || from > (int64_t)value.len)
        from = (int64_t)value.len;
    if (colon < how.len && (!sub_expand(x, span_part(how, colon + 1, how.len), EXPAND_WORD, &text) || !arithmetic(x->m, text, &len))) {
        x->failed = true;
        return;
    }
    if (len < 0)
        len = (int64_t)value.len - from + len;
    if (len > 0)
        put(x, span_part(value, (size_t)from, (size_t)len), quoted);
    else
        put(x, (struct span){0}, quoted);
}

static void put_default(struct expander *x, struct span name, struct span word, uint8_t op, bool have, struct span value, bool quoted)
{
    struct engine *m = x->m;
    if (op == '+') {
        if (have)
            (void)expand_text(x, word, quoted);
        return;
    }
    if (have) {
        put(x, value, quoted);
        return;
    }
    if (op == '-') {
        (void)expand_text(x, word, quoted);
        return;
    }
    if (!sub_expand(x, word, EXPAND_WORD, &value))
        return;
    if (op == '?') {
        complain(m, "%.*s: %.*s", (int)name.len, (const char *)name.at, value.len > 0 ? (int)value.len : 17,
                 value.len > 0 ? (const char *)value.at : "parameter not set");
        x->failed = true;
        engine_abort(m, 2);
        return;
    }
    if (!is_name(name)) {
        fail(x, "syntax error: bad substitution");
        return;
    }
    (void)variable_set(m->shell, name, value);
    put(x, value, quoted);
}

static size_t parameter_name(struct span body)
{
    size_t len = name_length(body);
    if (len > 0 || body.len == 0)
        return len;
    if (body.at[0] >= '0' && body.at[0] <= '9') {
        while (len < body.len && body.at[len] >= '0' && body.at[len] <= '9')
            len++;
        return len;
    }
    return strchr("?$!#*@-", body.at[0]) != NULL ? 1 : 0;
}

/* What stands between the braces of ${…}. */
static void put_braced(struct expander *x, struct span body, bool quoted)
{
    struct span value;
    if (body.len > 1 && body.at[0] == '#' && parameter_name(span_part(body, 1, body.len)) == body.len - 1) {
        (void)parameter(x->m, span_part(body, 1, body.len), &value);
        put(x, number(x->m, value.len), quoted);
        return;
    }
    struct span name = span_part(body, 0, parameter_name(body)), rest = span_part(body, name.len, body.len);
    if (name.len == 0) {
        fail(x, "syntax error: bad substitution");
        return;
    }
    if (rest.len == 0 && (name.at[0] == '@' || name.at[0] == '*')) {
        put_arguments(x, quoted, name.at[0] == '@');
        return;
    }
    bool have = parameter(x->m, name, &value);
    value = engine_copy(x->m, value); /* an operator may change the variable */
    if (rest.len == 0) {
        put(x, value, quoted);
        return;
    }
    bool colon = rest.at[0] == ':';
    uint8_t op = colon ? (rest.len > 1 ? rest.at[1] : 0) : rest.at[0];
    struct span word = span_part(rest, colon ? 2 : 1, rest.len), pattern;
    if (op == '-' || op == '=' || op == '?' || op == '+') {
        put_default(x, name, word, op, have && !(colon && value.len == 0), value, quoted);
    } else if (colon) {
        put_part(x, value, span_part(rest, 1, rest.len), quoted);
    } else if (op == '#' || op == '%') {
        bool longest = word.len > 0 && word.at[0] == op;
        if (sub_expand(x, longest ? span_part(word, 1, word.len) : word, EXPAND_PATTERN, &pattern))
            put(x, trimmed(x, value, pattern, op == '%', longest), quoted);
    } else if (op == '/') {
        bool all = word.len > 0 && word.at[0] == '/';
        word = all ? span_part(word, 1, word.len) : word;
        size_t slash = 0;
        while (slash < word.len && word.at[slash] != '/')
            slash += word.at[slash] == '\\' ? 2 : 1;
        struct span replacement;
        if (sub_expand(x, span_part(word, 0, slash), EXPAND_PATTERN, &pattern) &&
            sub_expand(x, span_part(word, slash + 1, word.len), EXPAND_WORD, &replacement))
            put_replaced(x, value, pattern, replacement, all, quoted);
    } else
        fail(x, "syntax error: bad substitution");
}

static void put_arithmetic(struct expander *x, struct span text, bool quoted)
{
    struct span plain;
    int64_t value;
    if (!sub_expand(x, text, EXPAND_HERE, &plain))
        return;
    if (!arithmetic(x->m, plain, &value)) {
        x->failed = true;
        return;
    }
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)value);
    put(x, span_of(digits, (size_t)len), quoted);
}

/* A "$" stands at `at`; returns where the text goes on. */
static size_t put_dollar(struct expander *x, struct span text, size_t at, bool quoted)
{
    struct span rest = span_part(text, at + 1, text.len), value;
    uint8_t c = rest.len > 0 ? rest.at[0] : 0;
    if (c == '(' || c == '{') {
        size_t end = lex_closing(text, at + 2, c == '(' ? ')' : '}', quoted);
        struct span inside = span_part(text, at + 2, end - at - 2);
        if (end >= text.len) {
            fail(x, c == '{' ? "syntax error: missing '}'" : "syntax error: unexpected end of file (expecting \")\")");
            return text.len;
        }
        if (c == '{')
            put_braced(x, inside, quoted);
        else if (inside.len > 1 && inside.at[0] == '(' && inside.at[inside.len - 1] == ')')
            put_arithmetic(x, span_part(inside, 1, inside.len - 2), quoted);
        else
            put(x, engine_substitute(x->m, inside), quoted);
        return end + 1;
    }
    size_t len = name_length(rest);
    if (len == 0 && rest.len > 0 && (strchr("?$!#*@-", c) != NULL || (c >= '0' && c <= '9')) && c != 0)
        len = 1;
    if (len == 0) {
        put_quoted(x, span_text("$"));
        return at + 1;
    }
    if (c == '@' || c == '*')
        put_arguments(x, quoted, c == '@');
    else {
        (void)parameter(x->m, span_part(rest, 0, len), &value);
        put(x, value, quoted);
    }
    return at + 1 + len;
}

static size_t put_backquoted(struct expander *x, struct span text, size_t at, bool quoted)
{
    size_t end = at + 1, len = 0;
    uint8_t *inside = engine_alloc(x->m, text.len - at + 1);
    if (inside == NULL) {
        x->failed = true;
        return text.len;
    }
    for (; end < text.len && text.at[end] != '`'; end++) {
        uint8_t next = end + 1 < text.len ? text.at[end + 1] : 0;
        if (text.at[end] == '\\' && (next == '`' || next == '\\' || next == '$' || (quoted && next == '"')))
            end++;
        inside[len++] = text.at[end];
    }
    if (end >= text.len) {
        fail(x, "syntax error: EOF in backquote substitution");
        return text.len;
    }
    put(x, engine_substitute(x->m, span_of(inside, len)), quoted);
    return end + 1;
}

/* Double quotes open at `at`. */
static size_t put_double_quoted(struct expander *x, struct span text, size_t at)
{
    size_t end = lex_closing(text, at + 1, '"', false);
    struct span inside = span_part(text, at + 1, end - at - 1);
    if (!(span_is(inside, "$@") && x->m->shell->context.argc == 0))
        x->started = true;
    (void)expand_text(x, inside, true);
    return end < text.len ? end + 1 : end;
}

static size_t put_tilde(struct expander *x, struct span text)
{
    struct span home;
    if (text.len > 1 && text.at[1] != '/' && text.at[1] != ':')
        return 0;
    if (!variable_get(x->m->shell, span_text("HOME"), &home))
        return 0;
    put_quoted(x, home);
    return 1;
}

static bool expand_text(struct expander *x, struct span text, bool quoted)
{
    size_t at = 0;
    if (++x->depth > SHELL_DEPTH_MAX) {
        shell_end(x->m->shell, REASON_WORK);
        x->failed = true;
    }
    if (!quoted && text.len > 0 && text.at[0] == '~' && x->field.len == 0)
        at = put_tilde(x, text);
    while (at < text.len && !x->failed && x->m->unwind == UNWIND_NONE && !x->m->shell->ended) {
        uint8_t c = text.at[at];
        uint8_t next = at + 1 < text.len ? text.at[at + 1] : 0;
        if (c == '$')
            at = put_dollar(x, text, at, quoted);
        else if (c == '`')
            at = put_backquoted(x, text, at, quoted);
        else if (c == '\\' && at + 1 < text.len && next == '\n')
            at += 2;
        else if (c == '\\' && at + 1 < text.len && (!quoted || next == '$' || next == '`' || next == '"' || next == '\\')) {
            put_quoted(x, span_part(text, at + 1, 1));
            at += 2;
        } else if (c == '\'' && !quoted) {
            struct span inside = span_part(text, at + 1, text.len);
            inside.len = span_find(inside, '\'');
            put_quoted(x, inside);
            at += inside.len + 2;
        } else if (c == '"' && !quoted)
            at = put_double_quoted(x, text, at);
        else if (quoted) {
            size_t run = at + 1;
            while (run < text.len && text.at[run] != '$' && text.at[run] != '`' && text.at[run] != '\\')
                run++;
            put_quoted(x, span_part(text, at, run - at));
            at = run;
        } else {
            put_literal(x, c);
            at++;
        }
    }
    x->depth--;
    return !x->failed && x->m->unwind == UNWIND_NONE && !x->m->shell->ended;
}

/* Does nothing in the word want expanding? */
static bool is_plain(struct span word, bool globs)
{
    if (word.len > 0 && word.at[0] == '~')
        return false;
    for (size_t i = 0; i < word.len; i++) {
        switch (word.at[i]) {
        case '$':
        case '`':
        case '\\':
        case '\'':
        case '"':
            return false;
        case '*':
        case '?':
        case '[':
            if (globs)
                return false;
            break;
        default:
            break;
        }
    }
    return true;
}

struct span field_separators(struct engine *m)
{
    struct span all;
    if (!variable_get(m->shell, span_text("IFS"), &all))
        return span_text(" \t\n");
    uint8_t different[256];
    bool seen[256] = {false};
    size_t count = 0;
    (void)engine_step(m, all.len / SHELL_BYTES_PER_STEP);
    for (size_t i = 0; i < all.len; i++) {
        if (!seen[all.at[i]])
            different[count++] = all.at[i];
        seen[all.at[i]] = true;
    }
    return engine_copy(m, span_of(different, count));
}

bool expand_words(struct engine *m, const struct word *words, struct span **ret, size_t *ret_count)
{
    struct expander x = {.m = m, .form = true, .split = true};
    buf_init(&x.field, SHELL_WORD_MAX + 2);
    bool ok = true;
    for (const struct word *w = words; w != NULL && ok; w = w->next) {
        if (is_plain(w->text, true)) {
            field_add(&x, w->text);
            continue;
        }
        if (!engine_step(m, 1)) {
            ok = false;
            break;
        }
        if (x.separators.at == NULL)
            x.separators = field_separators(m);
        ok = expand_text(&x, w->text, false);
        if (ok)
            field_end(&x);
    }
    buf_done(&x.field);
    if (x.failed || !ok || m->shell->ended || m->unwind != UNWIND_NONE)
        return false;
    *ret = x.fields;
    *ret_count = x.count;
    return true;
}

bool expand_one(struct engine *m, struct span word, enum expand how, struct span *ret)
{
    if (how != EXPAND_HERE && is_plain(word, false)) {
        *ret = word;
        return true;
    }
    struct expander x = {.m = m, .form = how == EXPAND_PATTERN};
    buf_init(&x.field, SHELL_WORD_MAX + 2);
    bool ok = engine_step(m, 1) && expand_text(&x, word, how == EXPAND_HERE);
    *ret = ok ? engine_copy(m, buf_as_span(&x.field)) : (struct span){0};
    buf_done(&x.field);
    return ok;
}
