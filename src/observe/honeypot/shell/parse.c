/* The grammar of ash; see syntax.h. Recursion is as deep as the text nests, at most SHELL_DEPTH_MAX. */
#include "observe/honeypot/shell/shell.h"
#include "observe/honeypot/shell/syntax.h"

static struct node *parse_list(struct parser *, bool newlines);

void parser_init(struct parser *p, struct span text, struct arena *arena, bool more)
{
    *p = (struct parser){.text = text, .arena = arena, .more = more};
    p->heres_end = &p->heres;
}

static void *make(struct parser *p, size_t len)
{
    void *made = p->state == SYNTAX_OK ? arena_alloc(p->arena, len) : NULL;
    if (made == NULL && p->state == SYNTAX_OK)
        p->state = SYNTAX_MEMORY;
    return made;
}

static struct node *make_node(struct parser *p, enum node_type type)
{
    struct node *node = make(p, sizeof *node);
    if (node != NULL)
        node->type = type;
    return node;
}

static bool is_word(const struct parser *p, const char *text)
{
    return p->token.type == TOKEN_WORD && span_is(p->token.text, text);
}

static bool is_reserved(struct span word)
{
    static const char *const words[] = {"!",   "case", "do", "done", "elif",  "else",  "esac", "fi",
                                        "for", "if",   "in", "then", "until", "while", "{",    "}"};
    if (word.len == 0 || word.len > 5)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (span_is(word, words[i]))
            return true;
    }
    return false;
}

static void unexpected(struct parser *p, const char *expected)
{
    if (p->state != SYNTAX_OK)
        return;
    if (p->token.type == TOKEN_END && p->more) {
        p->state = SYNTAX_MORE;
        return;
    }
    char what[48];
    struct span text = p->token.text;
    size_t len = 0;
    const char *plain = NULL;
    if (p->token.type == TOKEN_END)
        plain = "end of file";
    else if (p->token.type == TOKEN_NEWLINE)
        plain = "newline";
    else if (p->token.type >= TOKEN_LESS || p->token.type == TOKEN_NUMBER)
        plain = "redirection";
    else if (p->token.type == TOKEN_WORD && !is_reserved(text))
        plain = "word";
    if (plain != NULL) {
        len = strlen(plain);
        memcpy(what, plain, len);
    } else {
        what[len++] = '"';
        for (size_t i = 0; i < text.len && len < sizeof what - 2; i++)
            what[len++] = (char)text.at[i];
        what[len++] = '"';
    }
    what[len] = '\0';
    if (expected != NULL)
        syntax_error(p, "unexpected %s (expecting \"%s\")", what, expected);
    else
        syntax_error(p, "unexpected %s", what);
}

static void skip_newlines(struct parser *p)
{
    while (p->token.type == TOKEN_NEWLINE && p->state == SYNTAX_OK)
        lex(p);
}

static bool expect(struct parser *p, const char *word)
{
    if (p->state != SYNTAX_OK)
        return false;
    if (!is_word(p, word)) {
        unexpected(p, word);
        return false;
    }
    lex(p);
    return true;
}

/* A redirection stands at the token, or none (NULL). */
static struct redirect *parse_redirect(struct parser *p)
{
    int fd = -1;
    if (p->token.type == TOKEN_NUMBER) {
        fd = p->token.text.at[0] - '0';
        lex(p);
    }
    enum token_type type = p->token.type;
    if (type < TOKEN_LESS || p->state != SYNTAX_OK)
        return NULL;
    struct redirect *redirect = make(p, sizeof *redirect);
    lex(p);
    if (p->token.type == TOKEN_NUMBER)
        p->token.type = TOKEN_WORD;
    if (p->token.type != TOKEN_WORD)
        unexpected(p, NULL);
    if (redirect == NULL || p->state != SYNTAX_OK)
        return NULL;
    bool input = type == TOKEN_LESS || type == TOKEN_READ_DUP || type == TOKEN_HERE || type == TOKEN_HERE_STRIP || type == TOKEN_READ_WRITE;
    *redirect = (struct redirect){.fd = (uint8_t)(fd >= 0 ? fd : input ? 0 : 1), .target = p->token.text};
    redirect->with_error = type == TOKEN_BOTH;
    redirect->strip = type == TOKEN_HERE_STRIP;
    if (type == TOKEN_LESS)
        redirect->type = REDIRECT_READ;
    else if (type == TOKEN_APPEND)
        redirect->type = REDIRECT_APPEND;
    else if (type == TOKEN_READ_WRITE)
        redirect->type = REDIRECT_BOTH;
    else if (type == TOKEN_READ_DUP || type == TOKEN_WRITE_DUP)
        redirect->type = REDIRECT_DUPLICATE;
    else if (type == TOKEN_HERE || type == TOKEN_HERE_STRIP) {
        redirect->type = REDIRECT_HERE;
        *p->heres_end = redirect;
        p->heres_end = &redirect->next_here;
    } else
        redirect->type = REDIRECT_WRITE;
    lex(p);
    return redirect;
}

static void parse_redirects(struct parser *p, struct node *node)
{
    struct redirect **end = &node->redirects;
    while (*end != NULL)
        end = &(*end)->next;
    for (struct redirect *r; (r = parse_redirect(p)) != NULL; end = &r->next)
        *end = r;
}

static struct word *make_word(struct parser *p)
{
    struct word *word = make(p, sizeof *word);
    if (word != NULL)
        word->text = p->token.text;
    lex(p);
    return word;
}

static bool is_assignment(struct span word)
{
    size_t len = name_length(word);
    return len > 0 && len < word.len && word.at[len] == '=';
}

static struct node *parse_command(struct parser *p);

static struct node *parse_function(struct parser *p, struct span name)
{
    lex(p); /* "(" */
    if (p->token.type != TOKEN_CLOSE) {
        unexpected(p, ")");
        return NULL;
    }
    if (!is_name(name))
        syntax_error(p, "bad function name");
    lex(p);
    skip_newlines(p);
    struct node *node = make_node(p, CMD_FUNCTION);
    size_t start = p->token_at;
    if (p->token.type == TOKEN_END)
        unexpected(p, NULL);
    (void)parse_command(p);
    if (node == NULL || p->state != SYNTAX_OK)
        return NULL;
    node->name = name;
    node->text = span_part(p->text, start, p->token_end - start);
    return node;
}

static struct node *parse_simple(struct parser *p)
{
    struct node *node = make_node(p, CMD_SIMPLE);
    if (node == NULL)
        return NULL;
    struct word **assignments = &node->assignments, **words = &node->words;
    struct redirect **redirects = &node->redirects;
    while (p->state == SYNTAX_OK) {
        struct redirect *redirect = parse_redirect(p);
        if (redirect != NULL) {
            *redirects = redirect;
            redirects = &redirect->next;
            continue;
        }
        if (p->token.type == TOKEN_OPEN && node->words != NULL && node->words->next == NULL && node->assignments == NULL && node->redirects == NULL)
            return parse_function(p, node->words->text);
        if (p->token.type != TOKEN_WORD)
            break;
        struct word *word = make_word(p);
        if (word == NULL)
            return NULL;
        if (node->words == NULL && is_assignment(word->text)) {
            *assignments = word;
            assignments = &word->next;
        } else {
            *words = word;
            words = &word->next;
        }
    }
    if (p->token.type == TOKEN_OPEN || (node->words == NULL && node->assignments == NULL && node->redirects == NULL))
        unexpected(p, NULL);
    return node;
}

static struct node *parse_if(struct parser *p)
{
    struct node *node = make_node(p, CMD_IF);
    lex(p);
    struct node *condition = parse_list(p, true);
    expect(p, "then");
    struct node *body = parse_list(p, true);
    if (node == NULL || p->state != SYNTAX_OK)
        return NULL;
    node->condition = condition;
    node->first = body;
    /* elif nests in the tree, not here: a chain as long as it likes, without recursion. */
    struct node *last = node;
    while (is_word(p, "elif") && p->state == SYNTAX_OK) {
        struct node *next = make_node(p, CMD_IF);
        lex(p);
        condition = parse_list(p, true);
        expect(p, "then");
        body = parse_list(p, true);
        if (next == NULL || p->state != SYNTAX_OK)
            return NULL;
        next->condition = condition;
        next->first = body;
        last->other = next;
        last = next;
    }
    if (is_word(p, "else")) {
        lex(p);
        last->other = parse_list(p, true);
    }
    expect(p, "fi");
    return node;
}

static struct node *parse_do(struct parser *p)
{
    if (!expect(p, "do"))
        return NULL;
    struct node *body = parse_list(p, true);
    expect(p, "done");
    return body;
}

static struct node *parse_while(struct parser *p)
{
    struct node *node = make_node(p, CMD_WHILE);
    bool until = is_word(p, "until");
    lex(p);
    struct node *condition = parse_list(p, true);
    struct node *body = parse_do(p);
    if (node == NULL)
        return NULL;
    node->negated = until;
    node->condition = condition;
    node->first = body;
    return node;
}

static struct node *parse_for(struct parser *p)
{
    struct node *node = make_node(p, CMD_FOR);
    lex(p);
    if (p->token.type != TOKEN_WORD || !is_name(p->token.text)) {
        if (p->token.type == TOKEN_END && p->more)
            unexpected(p, NULL);
        syntax_error(p, "bad for loop variable");
    }
    if (node == NULL || p->state != SYNTAX_OK)
        return NULL;
    node->name = p->token.text;
    lex(p);
    skip_newlines(p);
    if (is_word(p, "in")) {
        lex(p);
        for (struct word **end = &node->words; p->token.type == TOKEN_WORD && p->state == SYNTAX_OK; end = &(*end)->next) {
            *end = make_word(p);
            if (*end == NULL)
                return NULL;
        }
        if (p->token.type != TOKEN_SEMI && p->token.type != TOKEN_NEWLINE)
            unexpected(p, NULL);
        lex(p);
    } else {
        node->all_arguments = true;
        if (p->token.type == TOKEN_SEMI)
            lex(p);
    }
    skip_newlines(p);
    if (is_word(p, "{")) { /* as ash takes it */
        lex(p);
        node->first = parse_list(p, true);
        expect(p, "}");
    } else
        node->first = parse_do(p);
    return node;
}

static struct arm *parse_arm(struct parser *p)
{
    struct arm *arm = make(p, sizeof *arm);
    if (p->token.type == TOKEN_OPEN)
        lex(p);
    if (arm == NULL)
        return NULL;
    for (struct word **end = &arm->patterns; p->state == SYNTAX_OK; end = &(*end)->next) {
        if (p->token.type != TOKEN_WORD) {
            unexpected(p, p->token.type == TOKEN_END ? ")" : NULL);
            return NULL;
        }
        *end = make_word(p);
        if (*end == NULL || p->token.type != TOKEN_PIPE)
            break;
        lex(p);
    }
    if (p->token.type != TOKEN_CLOSE)
        unexpected(p, ")");
    lex(p);
    arm->body = parse_list(p, true);
    if (p->token.type == TOKEN_DOUBLE_SEMI) {
        lex(p);
        skip_newlines(p);
    } else if (!is_word(p, "esac"))
        unexpected(p, ";;");
    return arm;
}

static struct node *parse_case(struct parser *p)
{
    struct node *node = make_node(p, CMD_CASE);
    lex(p);
    if (p->token.type != TOKEN_WORD)
        unexpected(p, NULL);
    if (node == NULL || p->state != SYNTAX_OK)
        return NULL;
    node->words = make_word(p);
    skip_newlines(p);
    expect(p, "in");
    skip_newlines(p);
    for (struct arm **end = &node->arms; p->state == SYNTAX_OK && !is_word(p, "esac"); end = &(*end)->next) {
        *end = parse_arm(p);
        if (*end == NULL)
            return NULL;
    }
    expect(p, "esac");
    return node;
}

static struct node *parse_braces(struct parser *p, bool sub)
{
    struct node *node = make_node(p, sub ? CMD_SUB : CMD_GROUP);
    lex(p);
    struct node *list = parse_list(p, true);
    if (node == NULL)
        return NULL;
    node->first = list;
    if (list == NULL)
        unexpected(p, NULL);
    if (!sub)
        expect(p, "}");
    else if (p->token.type != TOKEN_CLOSE)
        unexpected(p, ")");
    else
        lex(p);
    return node;
}

static struct node *parse_compound(struct parser *p)
{
    if (p->token.type == TOKEN_OPEN)
        return parse_braces(p, true);
    if (p->token.type != TOKEN_WORD || !is_reserved(p->token.text))
        return parse_simple(p);
    if (is_word(p, "{"))
        return parse_braces(p, false);
    if (is_word(p, "if"))
        return parse_if(p);
    if (is_word(p, "while") || is_word(p, "until"))
        return parse_while(p);
    if (is_word(p, "for"))
        return parse_for(p);
    if (is_word(p, "case"))
        return parse_case(p);
    if (is_word(p, "in"))
        return parse_simple(p);
    unexpected(p, NULL);
    return NULL;
}

static struct node *parse_command(struct parser *p)
{
    if (p->state != SYNTAX_OK)
        return NULL;
    if (++p->depth > SHELL_DEPTH_MAX) {
        p->state = SYNTAX_DEEP;
        return NULL;
    }
    struct node *node = parse_compound(p);
    if (node != NULL && node->type != CMD_SIMPLE && node->type != CMD_FUNCTION && p->state == SYNTAX_OK)
        parse_redirects(p, node);
    p->depth--;
    return p->state == SYNTAX_OK ? node : NULL;
}

static struct node *parse_pipeline(struct parser *p)
{
    bool negated = false;
    while (is_word(p, "!") && p->state == SYNTAX_OK) {
        negated = !negated;
        lex(p);
    }
    struct node *first = parse_command(p);
    if (first == NULL || (p->token.type != TOKEN_PIPE && !negated))
        return first;
    struct node *pipe = make_node(p, CMD_PIPE);
    if (pipe == NULL)
        return NULL;
    pipe->first = first;
    pipe->negated = negated;
    for (struct node *last = first; p->token.type == TOKEN_PIPE && p->state == SYNTAX_OK; last = last->next) {
        lex(p);
        skip_newlines(p);
        last->next = parse_command(p);
        if (last->next == NULL)
            return NULL;
    }
    return pipe;
}

static struct node *parse_and_or(struct parser *p)
{
    struct node *first = parse_pipeline(p);
    if (first == NULL || (p->token.type != TOKEN_AND && p->token.type != TOKEN_OR))
        return first;
    struct node *chain = make_node(p, CMD_ANDOR);
    if (chain == NULL)
        return NULL;
    chain->first = first;
    for (struct node *last = first; (p->token.type == TOKEN_AND || p->token.type == TOKEN_OR) && p->state == SYNTAX_OK; last = last->next) {
        enum link link = p->token.type == TOKEN_AND ? LINK_AND : LINK_OR;
        lex(p);
        skip_newlines(p);
        last->next = parse_pipeline(p);
        if (last->next == NULL)
            return NULL;
        last->next->link = link;
    }
    return chain;
}

/* Does the token end a list inside a construct? */
static bool ends_list(const struct parser *p)
{
    if (p->token.type == TOKEN_END || p->token.type == TOKEN_CLOSE || p->token.type == TOKEN_DOUBLE_SEMI)
        return true;
    if (p->token.type != TOKEN_WORD || !is_reserved(p->token.text))
        return false;
    return is_word(p, "then") || is_word(p, "else") || is_word(p, "elif") || is_word(p, "fi") || is_word(p, "do") || is_word(p, "done") ||
           is_word(p, "esac") || is_word(p, "}");
}

/* `newlines`: inside a construct, where newlines separate; else the list ends with the line. NULL when it is empty. */
static struct node *parse_list(struct parser *p, bool newlines)
{
    if (newlines)
        skip_newlines(p);
    if (p->state != SYNTAX_OK || (newlines && ends_list(p))) {
        if (newlines && p->token.type != TOKEN_DOUBLE_SEMI && !is_word(p, "esac"))
            unexpected(p, NULL);
        return NULL;
    }
    struct node *list = make_node(p, CMD_LIST);
    if (list == NULL)
        return NULL;
    for (struct node **end = &list->first; p->state == SYNTAX_OK; end = &(*end)->next) {
        *end = parse_and_or(p);
        if (*end == NULL)
            return NULL;
        bool separated = p->token.type == TOKEN_SEMI || p->token.type == TOKEN_AMP;
        if (separated) {
            (*end)->background = p->token.type == TOKEN_AMP;
            lex(p);
        }
        if (newlines) {
            separated = separated || p->token.type == TOKEN_NEWLINE;
            skip_newlines(p);
        }
        if (!separated || ends_list(p) || (!newlines && p->token.type == TOKEN_NEWLINE))
            break;
    }
    return list;
}

enum syntax parse_unit(struct parser *p, struct node **ret)
{
    *ret = NULL;
    lex(p);
    while (p->token.type == TOKEN_NEWLINE && p->state == SYNTAX_OK)
        lex(p);
    if (p->state == SYNTAX_OK && p->token.type == TOKEN_END)
        return SYNTAX_OK;
    struct node *list = parse_list(p, false);
    if (p->state == SYNTAX_OK && p->token.type != TOKEN_END && p->token.type != TOKEN_NEWLINE)
        unexpected(p, NULL);
    /* A here-document begins after the line that names it. */
    if (p->state == SYNTAX_OK && p->heres != NULL)
        p->state = lex_heres(p);
    if (p->state == SYNTAX_OK)
        *ret = list;
    return p->state;
}
