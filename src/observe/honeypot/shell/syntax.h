/*
 * The grammar of ash: text to a tree of commands. Words stay as they were written (quotes and all) and are expanded when their command
 * runs. Everything is a view of the text or lies in the arena, so both must outlive the tree.
 *
 *   unit      := list (NEWLINE | end)
 *   list      := and_or ((";" | "&") and_or)*
 *   and_or    := pipeline (("&&" | "||") pipeline)*
 *   pipeline  := "!"? command ("|" command)*
 *   command   := simple | compound redirection* | NAME "(" ")" compound
 */
#pragma once

#include "base/arena.h"

struct word {
    struct span text;
    struct word *next;
};

enum redirect_type { REDIRECT_READ, REDIRECT_WRITE, REDIRECT_APPEND, REDIRECT_BOTH, REDIRECT_DUPLICATE, REDIRECT_HERE };

struct redirect {
    struct redirect *next;
    enum redirect_type type;
    uint8_t fd;
    bool with_error;    /* &> */
    bool literal;       /* HERE: nothing in the body is expanded */
    bool strip;         /* HERE: leading tabs go */
    struct span target; /* a word; of HERE the body once it was read */
    struct redirect *next_here;
};

enum node_type {
    CMD_SIMPLE,
    CMD_LIST,    /* first; each with `background` */
    CMD_ANDOR,   /* first; the later ones with `link` */
    CMD_PIPE,    /* first; `negated` */
    CMD_GROUP,   /* { first } */
    CMD_SUB,     /* ( first ) */
    CMD_WHILE,   /* until when `negated` */
    CMD_FOR,     /* name, words, body */
    CMD_IF,      /* condition, body, other */
    CMD_CASE,    /* words: one; arms */
    CMD_FUNCTION /* name, source of the body */
};

enum link { LINK_NONE, LINK_AND, LINK_OR };

struct arm {
    struct arm *next;
    struct word *patterns;
    struct node *body; /* may be NULL */
};

struct node {
    enum node_type type;
    enum link link;
    bool background, negated;
    bool all_arguments; /* FOR without `in` */
    struct node *next;
    struct redirect *redirects;
    struct word *assignments; /* SIMPLE */
    struct word *words;
    struct span name; /* FOR, FUNCTION */
    struct span text; /* FUNCTION: source of the body */
    struct node *first, *condition, *other;
    struct arm *arms;
};

enum syntax {
    SYNTAX_OK,
    SYNTAX_MORE,   /* the text ends inside a construct */
    SYNTAX_ERROR,  /* `message` says what ash would, without the shell's name */
    SYNTAX_DEEP,   /* nested deeper than SHELL_DEPTH_MAX */
    SYNTAX_MEMORY, /* the arena is used up */
};

enum token_type {
    TOKEN_END,
    TOKEN_NEWLINE,
    TOKEN_WORD,
    TOKEN_NUMBER, /* the digit of 2> */
    TOKEN_SEMI,
    TOKEN_DOUBLE_SEMI,
    TOKEN_AMP,
    TOKEN_AND,
    TOKEN_PIPE,
    TOKEN_OR,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_LESS,
    TOKEN_GREAT,
    TOKEN_APPEND,
    TOKEN_HERE,
    TOKEN_HERE_STRIP,
    TOKEN_READ_DUP,
    TOKEN_WRITE_DUP,
    TOKEN_READ_WRITE,
    TOKEN_CLOBBER,
    TOKEN_BOTH, /* &> */
};

struct token {
    enum token_type type;
    struct span text;
};

struct parser {
    struct span text;
    size_t at; /* after a unit: where the next one starts */
    struct arena *arena;
    bool more; /* more text may come: what is unfinished is SYNTAX_MORE; otherwise it is an error */
    struct token token;
    size_t token_at, token_end; /* where the current token starts; where the one before ended */
    unsigned depth;
    struct redirect *heres, **heres_end; /* bodies still to be read, after the next newline */
    enum syntax state;
    struct span awaited; /* MORE: a line equal to this (here-document), or that holds this quote; empty: anything may end it */
    bool awaited_line;
    char message[128];
};

void parser_init(struct parser *, struct span text, struct arena *, bool more);
/* The next unit; *ret is NULL for an empty line. */
enum syntax parse_unit(struct parser *, struct node **ret);

/* lex.c */
void lex(struct parser *); /* the next token into `token` */
/* End of a word that starts at `at` (the first byte that is not its own), for words and for text in which only expansions count
 * (`quoted`: to the end of the text or the closing quote). */
enum syntax lex_word(struct span text, size_t at, size_t *ret_end, uint8_t *ret_open);
/* `at` is behind the opening "$(", "${" or "`": the offset of what closes it, or text.len. */
size_t lex_closing(struct span text, size_t at, uint8_t close, bool in_quotes);
enum syntax lex_heres(struct parser *);
void syntax_error(struct parser *, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool is_name(struct span);
size_t name_length(struct span); /* of the variable name it starts with */
