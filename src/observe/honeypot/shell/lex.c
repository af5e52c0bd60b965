/* Tokens of the shell's grammar. One pass over the text; nesting inside a word is a stack of closing characters, not recursion. */
#include "observe/honeypot/shell/shell.h"
#include "observe/honeypot/shell/syntax.h"

#include <stdarg.h>
#include <stdio.h>

void syntax_error(struct parser *p, const char *format, ...)
{
    if (p->state != SYNTAX_OK)
        return;
    static const char start[] = "syntax error: ";
    va_list args;
    va_start(args, format);
    memcpy(p->message, start, sizeof start);
    (void)vsnprintf(p->message + sizeof start - 1, sizeof p->message - sizeof start, format, args);
    va_end(args);
    p->state = SYNTAX_ERROR;
}

size_t name_length(struct span text)
{
    size_t len = 0;
    while (len < text.len) {
        uint8_t c = text.at[len];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(len > 0 && c >= '0' && c <= '9'))
            break;
        len++;
    }
    return len;
}

bool is_name(struct span text)
{
    return text.len > 0 && name_length(text) == text.len;
}

static bool ends_word(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == ';' || c == '&' || c == '|' || c == '<' || c == '>' || c == '(' || c == ')';
}

struct nesting {
    uint8_t close[SHELL_DEPTH_MAX * 2];
    size_t depth;
};

static uint8_t innermost(const struct nesting *n)
{
    return n->depth > 0 ? n->close[n->depth - 1] : 0;
}

static bool inside_quotes(const struct nesting *n)
{
    for (size_t i = n->depth; i > 0 && n->close[i - 1] != ')' && n->close[i - 1] != '`'; i--) {
        if (n->close[i - 1] == '"')
            return true;
    }
    return false;
}

/* One step of a word: moves *at over a byte or a quoted or escaped run. False: the nesting is too deep. */
static bool word_step(struct span text, size_t *at, struct nesting *n)
{
    uint8_t c = text.at[*at], in = innermost(n), open = 0;
    size_t width = 1;
    if (c == '\\') {
        *at += 2;
        return true;
    }
    if (c == '\'' && in != '"' && !(in == '}' && inside_quotes(n))) {
        *at += 1 + span_find(span_part(text, *at + 1, text.len), '\'') + 1;
        return true;
    }
    if (in != 0 && c == in) {
        n->depth--;
        *at += 1;
        return true;
    }
    if (c == '"')
        open = '"';
    else if (c == '`')
        open = '`';
    else if (c == '(' && in == ')')
        open = ')';
    else if (c == '$' && *at + 1 < text.len && (text.at[*at + 1] == '(' || text.at[*at + 1] == '{')) {
        open = text.at[*at + 1] == '(' ? ')' : '}';
        width = 2;
    } else if (c == '#' && in == ')' && (text.at[*at - 1] == ' ' || text.at[*at - 1] == '\n' || text.at[*at - 1] == '\t'))
        width = span_find(span_part(text, *at, text.len), '\n');
    if (open != 0) {
        if (n->depth == sizeof n->close)
            return false;
        n->close[n->depth++] = open;
    }
    *at += width;
    return true;
}

enum syntax lex_word(struct span text, size_t at, size_t *ret_end, uint8_t *ret_open)
{
    struct nesting n;
    n.depth = 0;
    *ret_open = 0;
    while (at < text.len && !(n.depth == 0 && ends_word(text.at[at]))) {
        if (text.at[at] == '\'' || text.at[at] == '\\')
            *ret_open = text.at[at];
        if (!word_step(text, &at, &n))
            return SYNTAX_DEEP;
    }
    if (at > text.len || n.depth > 0) {
        if (n.depth > 0)
            *ret_open = innermost(&n);
        *ret_end = text.len;
        return SYNTAX_MORE;
    }
    *ret_end = at;
    return SYNTAX_OK;
}

size_t lex_closing(struct span text, size_t at, uint8_t close, bool in_quotes)
{
    struct nesting n;
    n.depth = 0;
    if (in_quotes && close == '}')
        n.close[n.depth++] = '"';
    size_t least = n.depth;
    n.close[n.depth++] = close;
    while (at < text.len) {
        size_t before = at;
        if (!word_step(text, &at, &n))
            return text.len;
        if (n.depth == least)
            return before;
    }
    return text.len;
}

static void skip_blank(struct parser *p)
{
    for (;;) {
        struct span rest = span_part(p->text, p->at, p->text.len);
        if (rest.len > 0 && (rest.at[0] == ' ' || rest.at[0] == '\t' || rest.at[0] == '\r'))
            p->at++;
        else if (rest.len > 1 && rest.at[0] == '\\' && rest.at[1] == '\n')
            p->at += 2;
        else if (rest.len > 0 && rest.at[0] == '#')
            p->at += span_find(rest, '\n');
        else
            return;
    }
}

static const struct {
    const char text[4];
    enum token_type type;
} operators[] = {
    /* the longer before what they start with */
    {"<<-", TOKEN_HERE_STRIP}, {";;", TOKEN_DOUBLE_SEMI}, {"&&", TOKEN_AND},        {"||", TOKEN_OR},     {"&>", TOKEN_BOTH},
    {"<<", TOKEN_HERE},        {"<&", TOKEN_READ_DUP},    {"<>", TOKEN_READ_WRITE}, {">>", TOKEN_APPEND}, {">&", TOKEN_WRITE_DUP},
    {">|", TOKEN_CLOBBER},     {"\n", TOKEN_NEWLINE},     {";", TOKEN_SEMI},        {"&", TOKEN_AMP},     {"|", TOKEN_PIPE},
    {"(", TOKEN_OPEN},         {")", TOKEN_CLOSE},        {"<", TOKEN_LESS},        {">", TOKEN_GREAT},
};

static void unfinished_word(struct parser *p, uint8_t open)
{
    if (p->more || open == '\\') {
        p->state = SYNTAX_MORE;
        if (open == '\'' || open == '"')
            p->awaited = span_of(open == '"' ? "\"" : "'", 1);
        if (p->more)
            return;
        p->state = SYNTAX_OK;
    }
    if (open == '`')
        syntax_error(p, "EOF in backquote substitution");
    else if (open == ')')
        syntax_error(p, "unexpected end of file (expecting \")\")");
    else if (open == '}')
        syntax_error(p, "missing '}'");
    else if (open != '\\')
        syntax_error(p, "unterminated quoted string");
}

void lex(struct parser *p)
{
    p->token_end = p->at;
    if (p->state != SYNTAX_OK) {
        p->token = (struct token){.type = TOKEN_END};
        return;
    }
    skip_blank(p);
    p->token_at = p->at;
    struct span rest = span_part(p->text, p->at, p->text.len);
    p->token = (struct token){.type = TOKEN_END};
    if (rest.len == 0)
        return;
    if (ends_word(rest.at[0])) {
        for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
            if (!span_starts(rest, operators[i].text))
                continue;
            p->token = (struct token){.type = operators[i].type, .text = span_part(rest, 0, strlen(operators[i].text))};
            p->at += p->token.text.len;
            if (p->token.type == TOKEN_NEWLINE && p->heres != NULL)
                p->state = lex_heres(p);
            return;
        }
    }
    size_t end = p->at;
    uint8_t open = 0;
    enum syntax r = lex_word(p->text, p->at, &end, &open);
    if (r == SYNTAX_DEEP)
        p->state = r;
    else if (r == SYNTAX_MORE)
        unfinished_word(p, open);
    p->token = (struct token){.type = TOKEN_WORD, .text = span_part(p->text, p->at, end - p->at)};
    if (p->token.text.len == 1 && end < p->text.len && (p->text.at[end] == '<' || p->text.at[end] == '>') && rest.at[0] >= '0' && rest.at[0] <= '9')
        p->token.type = TOKEN_NUMBER;
    p->at = end;
}

/* The delimiter without its quotes; *ret_literal: it had some. */
static struct span delimiter(struct parser *p, struct span word, bool *ret_literal)
{
    uint8_t *plain = arena_alloc(p->arena, word.len + 1);
    size_t len = 0;
    if (plain == NULL) {
        p->state = SYNTAX_MEMORY;
        return (struct span){0};
    }
    for (size_t i = 0; i < word.len; i++) {
        if (word.at[i] == '\'' || word.at[i] == '"' || word.at[i] == '\\')
            *ret_literal = true;
        else
            plain[len++] = word.at[i];
    }
    return span_of(plain, len);
}

/* Reads the bodies of the here-documents of the line that just ended. */
enum syntax lex_heres(struct parser *p)
{
    for (struct redirect *here = p->heres; here != NULL; here = here->next_here) {
        struct span end = delimiter(p, here->target, &here->literal);
        size_t start = p->at;
        for (;;) {
            if (p->at >= p->text.len) {
                if (p->more) {
                    p->awaited = end;
                    p->awaited_line = true;
                    return SYNTAX_MORE;
                }
                here->target = span_part(p->text, start, p->text.len);
                break;
            }
            struct span rest = span_part(p->text, p->at, p->text.len);
            struct span line = span_part(rest, 0, span_find(rest, '\n'));
            size_t line_at = p->at;
            p->at += line.len < rest.len ? line.len + 1 : line.len;
            while (here->strip && line.len > 0 && line.at[0] == '\t')
                line = span_part(line, 1, line.len);
            if (span_equal(line, end)) {
                here->target = span_part(p->text, start, line_at - start);
                break;
            }
        }
    }
    p->heres = NULL;
    p->heres_end = &p->heres;
    return p->state;
}
