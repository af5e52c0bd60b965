#include "observe/honeypot/shell/applets/pattern.h"

#include <ctype.h>
#include <stdlib.h>

enum { CODE_MAX = 512, SETS_MAX = 64, NEST_MAX = 24, REPEAT_MAX = 255, WORK_PER_STEP = 1000 };

enum opcode { OP_BYTE, OP_ANY, OP_SET, OP_SPLIT, OP_JUMP, OP_SAVE, OP_START, OP_END, OP_EDGE, OP_INNER, OP_OPENS, OP_CLOSES, OP_MATCH };

/* Jumps are relative, so that a fragment may be moved. */
struct code {
    uint8_t op;
    uint8_t byte; /* BYTE, SAVE: slot */
    int16_t x, y; /* SPLIT: preferred, other; JUMP: x; SET: x is its index */
};

struct set {
    uint8_t bits[32];
};

struct thread {
    uint16_t at;
    size_t slots[2 * PATTERN_GROUPS];
};

struct list {
    struct thread *threads;
    uint16_t count;
};

struct pattern {
    struct code code[CODE_MAX];
    struct set *sets;
    uint16_t count, set_count;
    unsigned flags;
    uint8_t groups;
    struct list lists[2];
    uint32_t *marks; /* per instruction: the round it was added in */
    uint32_t round;
    size_t work;         /* done and not yet paid for */
    struct span literal; /* PATTERN_FIXED */
    uint8_t *copy;
};

struct compile {
    struct pattern *pattern;
    struct span text;
    size_t at;
    unsigned depth;
    const char *message; /* NULL as long as all is well */
};

static void fail(struct compile *c, const char *message)
{
    if (c->message == NULL)
        c->message = message;
}

static void emit(struct compile *c, struct code code)
{
    struct pattern *p = c->pattern;
    if (p->count >= CODE_MAX - 1) {
        fail(c, "Regular expression too big");
        return;
    }
    p->code[p->count++] = code;
}

/* Puts an instruction before the fragment that starts at `from`. */
static void insert(struct compile *c, uint16_t from, struct code code)
{
    struct pattern *p = c->pattern;
    emit(c, code);
    if (c->message != NULL)
        return;
    memmove(&p->code[from + 1], &p->code[from], (size_t)(p->count - 1 - from) * sizeof p->code[0]);
    p->code[from] = code;
}

static bool extended(const struct compile *c)
{
    return (c->pattern->flags & PATTERN_EXTENDED) != 0;
}

static bool more(const struct compile *c)
{
    return c->message == NULL && c->at < c->text.len;
}

/* Whether the next bytes are an operator: `c` plain in extended, "\c" in basic expressions. */
static bool peek_operator(const struct compile *c, char op)
{
    if (c->at >= c->text.len)
        return false;
    if (extended(c))
        return c->text.at[c->at] == (uint8_t)op;
    return c->text.at[c->at] == '\\' && c->at + 1 < c->text.len && c->text.at[c->at + 1] == (uint8_t)op;
}

static void skip_operator(struct compile *c)
{
    c->at += extended(c) ? 1 : 2;
}

static void set_add(struct set *set, unsigned byte)
{
    set->bits[byte / 8] = (uint8_t)(set->bits[byte / 8] | 1U << (byte % 8));
}

static bool set_has(const struct set *set, uint8_t byte)
{
    return (set->bits[byte / 8] >> (byte % 8)) & 1;
}

static bool in_class(const char *name, int byte)
{
    static const struct {
        const char *name;
        int (*is)(int);
    } classes[] = {{"alpha", isalpha}, {"digit", isdigit}, {"alnum", isalnum}, {"upper", isupper}, {"lower", islower},   {"space", isspace},
                   {"punct", ispunct}, {"print", isprint}, {"graph", isgraph}, {"cntrl", iscntrl}, {"xdigit", isxdigit}, {"blank", isblank}};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (strcmp(classes[i].name, name) == 0)
            return classes[i].is(byte) != 0;
    return false;
}

static struct set *set_new(struct compile *c, int16_t *ret_index)
{
    struct pattern *p = c->pattern;
    if (p->set_count >= SETS_MAX) {
        fail(c, "Regular expression too big");
        return NULL;
    }
    *ret_index = (int16_t)p->set_count;
    p->sets[p->set_count] = (struct set){0};
    return &p->sets[p->set_count++];
}

static void set_finish(struct compile *c, struct set *set, bool invert)
{
    if (c->pattern->flags & PATTERN_FOLD)
        for (unsigned i = 'a'; i <= 'z'; i++) {
            unsigned upper = i - 'a' + 'A';
            if (set_has(set, (uint8_t)i) || set_has(set, (uint8_t)upper)) {
                set_add(set, i);
                set_add(set, upper);
            }
        }
    for (size_t i = 0; invert && i < sizeof set->bits; i++)
        set->bits[i] = (uint8_t)~set->bits[i];
}

static bool parse_class(struct compile *c, struct set *set)
{
    struct span rest = span_part(c->text, c->at, SIZE_MAX);
    if (!span_starts(rest, "[:"))
        return false;
    char name[8] = {0};
    size_t len = 0;
    while (len < sizeof name - 1 && 2 + len < rest.len && rest.at[2 + len] != ':') {
        name[len] = (char)rest.at[2 + len];
        len++;
    }
    if (!span_starts(span_part(rest, 2 + len, SIZE_MAX), ":]"))
        return false;
    for (unsigned byte = 0; byte < 256; byte++)
        if (in_class(name, (int)byte))
            set_add(set, byte);
    c->at += len + 4;
    return true;
}

/* Behind the '['. */
static void parse_set(struct compile *c)
{
    int16_t index = 0;
    struct set *set = set_new(c, &index);
    if (set == NULL)
        return;
    bool invert = c->at < c->text.len && c->text.at[c->at] == '^';
    c->at += invert;
    bool first = true;
    while (c->at < c->text.len && (c->text.at[c->at] != ']' || first)) {
        first = false;
        if (parse_class(c, set))
            continue;
        unsigned low = c->text.at[c->at], high = low;
        if (c->at + 2 < c->text.len && c->text.at[c->at + 1] == '-' && c->text.at[c->at + 2] != ']') {
            high = c->text.at[c->at + 2];
            c->at += 2;
        }
        for (unsigned byte = low; byte <= high; byte++)
            set_add(set, byte);
        c->at++;
    }
    if (c->at >= c->text.len) {
        fail(c, "Unmatched [, [^, [:, [., or [=");
        return;
    }
    c->at++;
    set_finish(c, set, invert);
    emit(c, (struct code){.op = OP_SET, .x = index});
}

/* \w \W \s \S */
static void emit_class(struct compile *c, char letter)
{
    int16_t index = 0;
    struct set *set = set_new(c, &index);
    if (set == NULL)
        return;
    bool word = letter == 'w' || letter == 'W';
    for (unsigned byte = 0; byte < 256; byte++)
        if (word ? isalnum((int)byte) || byte == '_' : isspace((int)byte))
            set_add(set, byte);
    set_finish(c, set, letter == 'W' || letter == 'S');
    emit(c, (struct code){.op = OP_SET, .x = index});
}

static void emit_byte(struct compile *c, uint8_t byte)
{
    if ((c->pattern->flags & PATTERN_FOLD) && isalpha(byte)) {
        int16_t index = 0;
        struct set *set = set_new(c, &index);
        if (set == NULL)
            return;
        set_add(set, byte);
        set_finish(c, set, false);
        emit(c, (struct code){.op = OP_SET, .x = index});
        return;
    }
    emit(c, (struct code){.op = OP_BYTE, .byte = byte});
}

static void parse_choice(struct compile *c);

static void parse_group(struct compile *c)
{
    skip_operator(c);
    if (++c->depth > NEST_MAX) {
        fail(c, "Regular expression too big");
        return;
    }
    uint8_t group = c->pattern->groups < PATTERN_GROUPS - 1 ? ++c->pattern->groups : 0;
    if (group > 0)
        emit(c, (struct code){.op = OP_SAVE, .byte = (uint8_t)(2 * group)});
    parse_choice(c);
    if (!peek_operator(c, ')')) {
        fail(c, "Unmatched ( or \\(");
        return;
    }
    skip_operator(c);
    if (group > 0)
        emit(c, (struct code){.op = OP_SAVE, .byte = (uint8_t)(2 * group + 1)});
    c->depth--;
}

static void parse_escape(struct compile *c)
{
    c->at++;
    if (c->at >= c->text.len) {
        fail(c, "Trailing backslash");
        return;
    }
    char letter = (char)c->text.at[c->at++];
    switch (letter) {
    case 'w':
    case 'W':
    case 's':
    case 'S':
        emit_class(c, letter);
        break;
    case 'b':
        emit(c, (struct code){.op = OP_EDGE});
        break;
    case 'B':
        emit(c, (struct code){.op = OP_INNER});
        break;
    case '<':
        emit(c, (struct code){.op = OP_OPENS});
        break;
    case '>':
        emit(c, (struct code){.op = OP_CLOSES});
        break;
    case 'n':
        emit_byte(c, '\n');
        break;
    case 't':
        emit_byte(c, '\t');
        break;
    default:
        if (letter >= '1' && letter <= '9')
            fail(c, "Invalid back reference");
        else
            emit_byte(c, (uint8_t)letter);
    }
}

/* One atom; `first`: at the start of a branch, where * is itself and ^ an anchor. */
static void parse_atom(struct compile *c, bool first)
{
    uint8_t byte = c->text.at[c->at];
    if (peek_operator(c, '(')) {
        parse_group(c);
    } else if (byte == '\\') {
        parse_escape(c);
    } else if (byte == '[') {
        c->at++;
        parse_set(c);
    } else if (byte == '.') {
        c->at++;
        emit(c, (struct code){.op = OP_ANY});
    } else if (byte == '^' && (extended(c) || first)) {
        c->at++;
        emit(c, (struct code){.op = OP_START});
    } else if (byte == '$' && (extended(c) || c->at + 1 == c->text.len || span_starts(span_part(c->text, c->at + 1, 2), "\\)") ||
                               span_starts(span_part(c->text, c->at + 1, 2), "\\|"))) {
        c->at++;
        emit(c, (struct code){.op = OP_END});
    } else {
        c->at++;
        emit_byte(c, byte);
    }
}

static bool parse_count(struct compile *c, int *ret)
{
    int value = 0;
    bool any = false;
    while (c->at < c->text.len && isdigit(c->text.at[c->at])) {
        value = value * 10 + (c->text.at[c->at++] - '0');
        any = true;
        if (value > REPEAT_MAX) {
            fail(c, "Invalid content of \\{\\}");
            return false;
        }
    }
    if (any)
        *ret = value;
    return any;
}

/* The bounds of a repetition at `at`, if there is one: *ret_most is -1 for no end. */
static bool parse_bounds(struct compile *c, int *ret_least, int *ret_most)
{
    if (!more(c))
        return false;
    uint8_t byte = c->text.at[c->at];
    if (byte == '*') {
        c->at++;
        *ret_least = 0;
        *ret_most = -1;
        return true;
    }
    if (peek_operator(c, '+') || peek_operator(c, '?')) {
        *ret_least = peek_operator(c, '+') ? 1 : 0;
        *ret_most = *ret_least == 1 ? -1 : 1;
        skip_operator(c);
        return true;
    }
    if (!peek_operator(c, '{'))
        return false;
    skip_operator(c);
    *ret_least = 0;
    bool any = parse_count(c, ret_least);
    *ret_most = *ret_least;
    if (c->at < c->text.len && c->text.at[c->at] == ',') {
        c->at++;
        *ret_most = -1;
        any = parse_count(c, ret_most) || any;
    }
    if (!any || !peek_operator(c, '}') || (*ret_most >= 0 && *ret_most < *ret_least)) {
        fail(c, "Invalid preceding regular expression");
        return false;
    }
    skip_operator(c);
    return true;
}

static void make_optional(struct compile *c, uint16_t from)
{
    int16_t len = (int16_t)(c->pattern->count - from);
    insert(c, from, (struct code){.op = OP_SPLIT, .x = 1, .y = (int16_t)(len + 1)});
}

static void make_loop(struct compile *c, uint16_t from)
{
    int16_t len = (int16_t)(c->pattern->count - from);
    insert(c, from, (struct code){.op = OP_SPLIT, .x = 1, .y = (int16_t)(len + 2)});
    emit(c, (struct code){.op = OP_JUMP, .x = (int16_t) - (len + 1)});
}

/* Another copy of a fragment at the end: its jumps are relative and stay inside. */
static void repeat(struct compile *c, const struct code *fragment, uint16_t len)
{
    for (uint16_t i = 0; i < len && c->message == NULL; i++)
        emit(c, fragment[i]);
}

static void apply_bounds(struct compile *c, uint16_t from, int least, int most)
{
    struct pattern *p = c->pattern;
    uint16_t len = (uint16_t)(p->count - from);
    if (c->message != NULL || (least == 1 && most == 1))
        return;
    if (least == 0 && most == -1) {
        make_loop(c, from);
        return;
    }
    struct code fragment[CODE_MAX];
    memcpy(fragment, &p->code[from], len * sizeof fragment[0]);
    p->count = from;
    for (int i = 0; i < least; i++)
        repeat(c, fragment, len);
    if (most == -1) {
        uint16_t start = p->count;
        repeat(c, fragment, len);
        if (c->message == NULL)
            make_loop(c, start);
    }
    for (int i = least; i < most && c->message == NULL; i++) {
        uint16_t start = p->count;
        repeat(c, fragment, len);
        make_optional(c, start);
    }
}

static void parse_branch(struct compile *c)
{
    bool first = true;
    while (more(c) && !peek_operator(c, '|') && !(c->depth > 0 && peek_operator(c, ')'))) {
        uint16_t from = c->pattern->count;
        if (c->text.at[c->at] == '*' && first) {
            c->at++;
            emit_byte(c, '*');
        } else {
            parse_atom(c, first);
        }
        first = false;
        int least, most;
        while (parse_bounds(c, &least, &most))
            apply_bounds(c, from, least, most);
    }
}

static void parse_choice(struct compile *c)
{
    uint16_t from = c->pattern->count;
    parse_branch(c);
    while (c->message == NULL && peek_operator(c, '|')) {
        skip_operator(c);
        int16_t len = (int16_t)(c->pattern->count - from);
        insert(c, from, (struct code){.op = OP_SPLIT, .x = 1, .y = (int16_t)(len + 2)});
        uint16_t jump = c->pattern->count;
        emit(c, (struct code){.op = OP_JUMP});
        parse_branch(c);
        if (c->message == NULL)
            c->pattern->code[jump].x = (int16_t)(c->pattern->count - jump);
    }
}

static int finish(struct pattern *p)
{
    p->code[p->count++] = (struct code){.op = OP_SAVE, .byte = 1};
    p->code[p->count++] = (struct code){.op = OP_MATCH};
    for (size_t i = 0; i < 2; i++) {
        p->lists[i].threads = calloc(p->count, sizeof *p->lists[i].threads);
        if (p->lists[i].threads == NULL)
            return -ENOMEM;
    }
    p->marks = calloc(p->count, sizeof *p->marks);
    return p->marks != NULL ? 0 : -ENOMEM;
}

int pattern_new(struct pattern **ret, struct span text, unsigned flags, const char **ret_message)
{
    *ret_message = "Memory exhausted";
    struct pattern *p = calloc(1, sizeof *p);
    if (p == NULL)
        return -ENOMEM;
    p->flags = flags;
    p->sets = calloc(SETS_MAX, sizeof *p->sets);
    p->copy = malloc(text.len + 1);
    if (p->sets == NULL || p->copy == NULL || text.len > PATTERN_TEXT_MAX) {
        *ret_message = text.len > PATTERN_TEXT_MAX ? "Regular expression too big" : *ret_message;
        pattern_free(p);
        return -EINVAL;
    }
    if (text.len > 0)
        memcpy(p->copy, text.at, text.len);
    struct compile c = {.pattern = p, .text = span_of(p->copy, text.len)};
    if (flags & PATTERN_FIXED) {
        p->literal = c.text;
    } else {
        parse_choice(&c);
        if (c.message == NULL && c.at < c.text.len)
            fail(&c, "Unmatched ) or \\)");
        if (c.message == NULL && p->count + 2 > CODE_MAX)
            fail(&c, "Regular expression too big");
        if (c.message != NULL) {
            *ret_message = c.message;
            pattern_free(p);
            return -EINVAL;
        }
        int error = finish(p);
        if (error < 0) {
            pattern_free(p);
            return error;
        }
    }
    *ret = p;
    return 0;
}

void pattern_free(struct pattern *p)
{
    if (p == NULL)
        return;
    free(p->sets);
    free(p->copy);
    free(p->marks);
    free(p->lists[0].threads);
    free(p->lists[1].threads);
    free(p);
}

static bool is_word(struct span text, size_t at)
{
    return at < text.len && (isalnum(text.at[at]) || text.at[at] == '_');
}

static bool holds(enum opcode op, struct span text, size_t at)
{
    bool before = at > 0 && is_word(text, at - 1), after = is_word(text, at);
    switch (op) {
    case OP_START:
        return at == 0;
    case OP_END:
        return at == text.len;
    case OP_EDGE:
        return before != after;
    case OP_INNER:
        return before == after;
    case OP_OPENS:
        return !before && after;
    case OP_CLOSES:
        return before && !after;
    default:
        return false;
    }
}

struct search {
    struct pattern *pattern;
    struct span text;
    size_t at; /* byte that is looked at */
};

/* Adds a thread and all that it reaches without reading; in order of preference. Depth is bounded by the marks. */
static void add(struct search *s, struct list *to, uint16_t at, size_t *slots)
{
    struct pattern *p = s->pattern;
    if (p->marks[at] == p->round)
        return;
    p->marks[at] = p->round;
    p->work++;
    const struct code *code = &p->code[at];
    switch ((enum opcode)code->op) {
    case OP_JUMP:
        add(s, to, (uint16_t)(at + code->x), slots);
        break;
    case OP_SPLIT:
        add(s, to, (uint16_t)(at + code->x), slots);
        add(s, to, (uint16_t)(at + code->y), slots);
        break;
    case OP_SAVE: {
        size_t old = slots[code->byte];
        slots[code->byte] = s->at;
        add(s, to, (uint16_t)(at + 1), slots);
        slots[code->byte] = old;
        break;
    }
    case OP_START:
    case OP_END:
    case OP_EDGE:
    case OP_INNER:
    case OP_OPENS:
    case OP_CLOSES:
        if (holds((enum opcode)code->op, s->text, s->at))
            add(s, to, (uint16_t)(at + 1), slots);
        break;
    default: {
        struct thread *thread = &to->threads[to->count++];
        thread->at = at;
        memcpy(thread->slots, slots, sizeof thread->slots);
    }
    }
}

static bool takes(const struct pattern *p, const struct code *code, uint8_t byte)
{
    return code->op == OP_ANY || (code->op == OP_BYTE && code->byte == byte) || (code->op == OP_SET && set_has(&p->sets[code->x], byte));
}

/* One position: matches are noted, bytes taken. */
static void advance(struct search *s, struct list *now, struct list *next, size_t *best, bool *found)
{
    struct pattern *p = s->pattern;
    p->round++;
    next->count = 0;
    for (uint16_t i = 0; i < now->count; i++) {
        struct thread *thread = &now->threads[i];
        const struct code *code = &p->code[thread->at];
        if (code->op == OP_MATCH) {
            bool better = !*found || thread->slots[0] < best[0] || (thread->slots[0] == best[0] && thread->slots[1] > best[1]);
            if (better)
                memcpy(best, thread->slots, sizeof thread->slots);
            *found = true;
            continue;
        }
        if (*found && thread->slots[0] > best[0])
            continue;
        if (s->at < s->text.len && takes(p, code, s->text.at[s->at])) {
            s->at++;
            add(s, next, (uint16_t)(thread->at + 1), thread->slots);
            s->at--;
        }
    }
}

/* Many short lines shall not cost a step each. */
static bool pay(struct run *run, struct pattern *p, size_t work)
{
    p->work += work;
    size_t steps = p->work / WORK_PER_STEP;
    p->work %= WORK_PER_STEP;
    return run_step(run, steps);
}

static bool find_automaton(struct run *run, struct pattern *p, struct span text, size_t from, size_t *best)
{
    struct search s = {.pattern = p, .text = text, .at = from};
    struct list *now = &p->lists[0], *next = &p->lists[1];
    bool found = false;
    now->count = 0;
    /* The marks are of the list being filled: a fresh start may be added to what the last byte led to. */
    p->round++;
    for (;; s.at++) {
        if (!found) {
            size_t slots[2 * PATTERN_GROUPS];
            for (size_t i = 0; i < 2 * PATTERN_GROUPS; i++)
                slots[i] = SIZE_MAX;
            slots[0] = s.at;
            add(&s, now, 0, slots);
        }
        if (now->count == 0 && found)
            break;
        advance(&s, now, next, best, &found);
        struct list *swap = now;
        now = next;
        next = swap;
        if (s.at >= text.len)
            break;
        if (!pay(run, p, 1))
            return false;
    }
    return found;
}

static bool find_literal(const struct pattern *p, struct span text, size_t from, size_t *best)
{
    struct span want = p->literal;
    for (size_t at = from; at + want.len <= text.len; at++) {
        size_t i = 0;
        while (i < want.len && (text.at[at + i] == want.at[i] || ((p->flags & PATTERN_FOLD) && tolower(text.at[at + i]) == tolower(want.at[i]))))
            i++;
        if (i == want.len) {
            best[0] = at;
            best[1] = at + want.len;
            return true;
        }
    }
    return false;
}

bool pattern_find(struct run *run, struct pattern *p, struct span text, size_t from, struct span groups[static PATTERN_GROUPS])
{
    size_t best[2 * PATTERN_GROUPS];
    for (size_t i = 0; i < 2 * PATTERN_GROUPS; i++)
        best[i] = SIZE_MAX;
    for (;;) {
        if (from > text.len || !pay(run, p, (p->flags & PATTERN_FIXED) ? 1 + text.len / 16 : 1))
            return false;
        bool found = (p->flags & PATTERN_FIXED) ? find_literal(p, text, from, best) : find_automaton(run, p, text, from, best);
        if (!found)
            return false;
        if ((p->flags & PATTERN_LINE) && (best[0] != 0 || best[1] != text.len)) {
            /* The longest match at the leftmost place does not fill the line: no other will. */
            return false;
        }
        bool word = !(p->flags & PATTERN_WORD) || ((best[0] == 0 || !is_word(text, best[0] - 1)) && !is_word(text, best[1]));
        if (word)
            break;
        from = best[0] + 1;
    }
    for (size_t i = 0; i < PATTERN_GROUPS; i++) {
        bool set = best[2 * i] != SIZE_MAX && best[2 * i + 1] != SIZE_MAX && best[2 * i + 1] >= best[2 * i];
        /* An empty match has a place too. */
        groups[i] = set && text.at != NULL ? span_of(text.at + best[2 * i], best[2 * i + 1] - best[2 * i]) : (struct span){0};
    }
    return true;
}
