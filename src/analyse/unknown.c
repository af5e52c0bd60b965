#include "analyse/unknown.h"

#include "analyse/unknown_text.h"
#include "base/arena.h"
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    WORDS_MAX = 32,      /* of a shape that are compared */
    WORD_LEAST = 2,      /* letters */
    LEADERS_MAX = 1000,  /* clusters that shapes may join */
    MERGED_MAX = 4000,   /* shapes that look for a cluster; the rest stay alone */
    SHARED_OF_TEN = 6,   /* words in common, of all of both */
    PAIRS_MAX = 2000000, /* of shape and host; beyond them hosts are not told apart any more */
    ARENA_CAP = 64 * 1024 * 1024
};

/* One shape of one field. */
struct shape {
    const char *field;
    struct span text, example; /* of all values the least, so that the order of the records does not matter */
    size_t answers, hosts;
    uint32_t words[WORDS_MAX]; /* hashes, in order of size */
    size_t word_count;
    uint16_t ports[UNKNOWN_PORTS_MAX];
    size_t port_count;
    uint32_t next;    /* in its chain: index + 1 */
    uint32_t cluster; /* index of its leader among the shapes, by rank */
};

/* A set of 64-bit numbers, 0 left out. */
struct set {
    uint64_t *slots;
    size_t room, count;
};

struct pair {
    uint32_t shape;
    uint64_t host;
};

struct unknowns {
    struct hash_key key;
    struct arena arena;
    struct shape *shapes;
    size_t count, room, left_out;
    uint32_t *chains;
    struct set seen; /* of pairs */
    struct pair *pairs;
    size_t pair_count, pair_room;
    struct unknown_cluster *clusters;
};

enum { CHAINS = 32768 };

int unknowns_new(struct unknowns **ret)
{
    struct unknowns *u = calloc(1, sizeof *u);
    if (u == NULL)
        return -ENOMEM;
    arena_init(&u->arena, ARENA_CAP);
    u->chains = calloc(CHAINS, sizeof *u->chains);
    int r = u->chains == NULL ? -ENOMEM : 0;
    if (r == 0 && getrandom(&u->key, sizeof u->key, 0) != (ssize_t)sizeof u->key)
        r = -EIO;
    if (r != 0) {
        unknowns_free(u);
        return r;
    }
    *ret = u;
    return 0;
}

void unknowns_free(struct unknowns *u)
{
    if (u == NULL)
        return;
    arena_done(&u->arena);
    free(u->shapes);
    free(u->chains);
    free(u->seen.slots);
    free(u->pairs);
    free(u->clusters);
    free(u);
}

size_t unknowns_left_out(const struct unknowns *u)
{
    return u->left_out;
}

/* 1: it was new; 0: there already; -ENOMEM. */
static int set_add(struct set *set, uint64_t value)
{
    value = value != 0 ? value : 1;
    if (set->count * 2 >= set->room) {
        struct set more = {.room = set->room == 0 ? 1024 : set->room * 2};
        more.slots = calloc(more.room, sizeof *more.slots);
        if (more.slots == NULL)
            return -ENOMEM;
        for (size_t i = 0; i < set->room; i++) {
            if (set->slots[i] != 0)
                (void)set_add(&more, set->slots[i]);
        }
        free(set->slots);
        *set = more;
    }
    size_t at = (size_t)value & (set->room - 1);
    while (set->slots[at] != 0 && set->slots[at] != value)
        at = (at + 1) & (set->room - 1);
    if (set->slots[at] == value)
        return 0;
    set->slots[at] = value;
    set->count++;
    return 1;
}

static uint64_t hash_two(const struct unknowns *u, uint64_t a, uint64_t b)
{
    const uint64_t both[] = {a, b};
    return hash_bytes(&u->key, span_of(both, sizeof both));
}

static int compare_numbers(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The same in every run (FNV-1a): names of rules are made of it. */
static uint32_t plain_hash(uint32_t hash, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ text.at[i]) * UINT32_C(16777619);
    return hash;
}

/* Values of one shape have the same words. */
static void take_words(struct shape *shape, struct span value)
{
    struct piece piece;
    for (size_t at = 0; shape->word_count < WORDS_MAX && piece_next(value, &at, &piece);) {
        if (piece.kind != PIECE_WORD || piece.text.len < WORD_LEAST)
            continue;
        uint32_t hash = plain_hash(UINT32_C(2166136261), piece.text);
        size_t i = 0;
        while (i < shape->word_count && shape->words[i] != hash)
            i++;
        if (i == shape->word_count)
            shape->words[shape->word_count++] = hash;
    }
    qsort(shape->words, shape->word_count, sizeof shape->words[0], compare_numbers);
}

static int new_shape(struct unknowns *u, const char *field, struct span text, struct span value, size_t chain, struct shape **ret)
{
    if (u->count == u->room) {
        size_t room = u->room == 0 ? 256 : u->room * 2;
        struct shape *more = realloc(u->shapes, room * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        u->shapes = more;
        u->room = room;
    }
    char *copy = arena_copy(&u->arena, text);
    if (copy == NULL)
        return -ENOMEM;
    struct shape *shape = &u->shapes[u->count++];
    *shape = (struct shape){.field = field, .text = span_of(copy, text.len), .next = u->chains[chain]};
    u->chains[chain] = (uint32_t)u->count;
    take_words(shape, value);
    *ret = shape;
    return 0;
}

/* NULL when there is no room for a new one. */
static int shape_of(struct unknowns *u, const char *field, struct span text, struct span value, struct shape **ret)
{
    uint64_t hash = hash_two(u, hash_bytes(&u->key, text), hash_bytes(&u->key, span_text(field)));
    size_t chain = (size_t)hash & (CHAINS - 1);
    for (uint32_t at = u->chains[chain]; at != 0; at = u->shapes[at - 1].next) {
        struct shape *shape = &u->shapes[at - 1];
        if (span_equal(shape->text, text) && strcmp(shape->field, field) == 0) {
            *ret = shape;
            return 0;
        }
    }
    *ret = NULL;
    return u->count < UNKNOWN_SHAPES_MAX ? new_shape(u, field, text, value, chain, ret) : 0;
}

/* Kept in order, the lowest. */
static void add_port(uint16_t *ports, size_t *count, uint16_t port)
{
    size_t at = 0;
    while (at < *count && ports[at] < port)
        at++;
    if (port == 0 || at == UNKNOWN_PORTS_MAX || (at < *count && ports[at] == port))
        return;
    size_t last = *count < UNKNOWN_PORTS_MAX ? (*count)++ : UNKNOWN_PORTS_MAX - 1;
    for (size_t i = last; i > at; i--)
        ports[i] = ports[i - 1];
    ports[at] = port;
}

/* A shape's hosts are counted once each. */
static int add_host(struct unknowns *u, uint32_t index, struct addr host)
{
    if (u->pair_count >= PAIRS_MAX)
        return 0;
    uint64_t hash = hash_bytes(&u->key, span_of(host.bytes, sizeof host.bytes));
    int r = set_add(&u->seen, hash_two(u, index, hash));
    if (r != 1)
        return r;
    if (u->pair_count == u->pair_room) {
        size_t room = u->pair_room == 0 ? 1024 : u->pair_room * 2;
        struct pair *more = realloc(u->pairs, room * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        u->pairs = more;
        u->pair_room = room;
    }
    u->pairs[u->pair_count++] = (struct pair){.shape = index, .host = hash};
    u->shapes[index].hosts++;
    return 0;
}

int unknowns_add(struct unknowns *u, const char *field, struct span value, struct addr host, uint16_t port)
{
    struct buf text;
    struct shape *shape = NULL;
    value = span_part(value, 0, UNKNOWN_VALUE_MAX);
    if (value.len == 0)
        return 0;
    buf_init(&text, 0);
    unknown_shape(value, &text);
    int r = text.error != 0 ? text.error : shape_of(u, field, buf_as_span(&text), value, &shape);
    buf_done(&text);
    if (r != 0)
        return r;
    if (shape == NULL) {
        u->left_out++;
        return 0;
    }
    shape->answers++;
    add_port(shape->ports, &shape->port_count, port);
    if (shape->example.len == 0 || span_compare(value, shape->example) < 0) {
        /* Room for the longest, so that examples that give way to others cost nothing more. */
        uint8_t *room = shape->example.len > 0 ? (uint8_t *)(uintptr_t)shape->example.at : arena_alloc(&u->arena, UNKNOWN_VALUE_MAX);
        if (room == NULL)
            return -ENOMEM;
        memcpy(room, value.at, value.len);
        shape->example = span_of(room, value.len);
    }
    return add_host(u, (uint32_t)(shape - u->shapes), host);
}

/* ---- clusters ---- */

/* The most hosts first; equal ones by what they are, never by when they came. */
static int compare_shapes(const void *a, const void *b)
{
    const struct shape *x = *(const struct shape *const *)a, *y = *(const struct shape *const *)b;
    if (x->hosts != y->hosts)
        return x->hosts < y->hosts ? 1 : -1;
    int order = strcmp(x->field, y->field);
    return order != 0 ? order : span_compare(x->text, y->text);
}

static bool alike(const struct shape *a, const struct shape *b)
{
    if (a->word_count < 2 || b->word_count < 2 || strcmp(a->field, b->field) != 0)
        return false;
    size_t i = 0, k = 0, shared = 0;
    while (i < a->word_count && k < b->word_count) {
        shared += a->words[i] == b->words[k];
        uint32_t x = a->words[i], y = b->words[k];
        i += x <= y;
        k += y <= x;
    }
    return shared >= 2 && shared * 10 >= (a->word_count + b->word_count - shared) * SHARED_OF_TEN;
}

/* Each joins the first leader that is like it, or leads. */
static void join(struct shape **ranked, size_t count)
{
    uint32_t leaders[LEADERS_MAX];
    size_t leader_count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < leader_count && (i >= MERGED_MAX || !alike(ranked[leaders[k]], ranked[i])))
            k++;
        ranked[i]->cluster = k < leader_count ? leaders[k] : (uint32_t)i;
        if (k == leader_count && leader_count < LEADERS_MAX && i < MERGED_MAX)
            leaders[leader_count++] = (uint32_t)i;
    }
}

/* Drops of `words` those that do not come, in this order, in `value`. */
static size_t keep_common(struct span *words, size_t count, struct span value)
{
    size_t kept = 0, at = 0;
    for (size_t i = 0; i < count; i++) {
        struct piece piece;
        size_t from = at;
        bool found = false;
        while (!found && piece_next(value, &at, &piece))
            found = piece.kind == PIECE_WORD && span_equal(piece.text, words[i]);
        if (found)
            words[kept++] = words[i];
        else
            at = from;
    }
    return kept;
}

static void propose(struct shape *const *ranked, size_t count, uint32_t leader, struct unknown_cluster *cluster, struct buf *rule)
{
    const struct shape *first = ranked[leader];
    struct span words[WORDS_MAX];
    size_t word_count = 0;
    struct buf expression;
    struct piece piece;
    /* Made of what the rule's own example shows, so that it matches that. */
    struct span shown = unknown_example(first->example);
    if (shown.len == 0)
        shown = first->example;
    buf_init(&expression, 0);
    for (size_t at = 0; word_count < WORDS_MAX && piece_next(shown, &at, &piece);) {
        if (piece.kind == PIECE_WORD && piece.text.len >= WORD_LEAST)
            words[word_count++] = piece.text;
    }
    for (size_t i = leader + 1; cluster->shapes > 1 && i < count; i++) {
        if (ranked[i]->cluster == leader)
            word_count = keep_common(words, word_count, ranked[i]->example);
    }
    if (cluster->shapes > 1 && word_count > 1)
        unknown_expression_of_words(words, word_count, &expression);
    else
        unknown_expression(shown, &expression);
    uint32_t hash = plain_hash(plain_hash(UINT32_C(2166136261), span_text(first->field)), first->text);
    unknown_rule(first->field, hash, buf_as_span(&expression), first->example, rule);
    if (expression.error != 0 && rule->error == 0)
        rule->error = expression.error;
    buf_done(&expression);
}

static void add_shape(struct unknown_cluster *cluster, const struct shape *shape)
{
    cluster->answers += shape->answers;
    cluster->shapes++;
    for (size_t i = 0; i < shape->port_count; i++)
        add_port(cluster->ports, &cluster->port_count, shape->ports[i]);
}

static int compare_clusters(const void *a, const void *b)
{
    const struct unknown_cluster *x = a, *y = b;
    if (x->hosts != y->hosts)
        return x->hosts < y->hosts ? 1 : -1;
    if (x->answers != y->answers)
        return x->answers < y->answers ? 1 : -1;
    int order = strcmp(x->field, y->field);
    return order != 0 ? order : span_compare(x->rule, y->rule);
}

/* Hosts with several shapes of a cluster count once in it. `by_rank` is indexed by leader. */
static int count_hosts(struct unknowns *u, struct unknown_cluster *by_rank)
{
    struct set seen = {.room = 0};
    int r = 0;
    for (size_t i = 0; i < u->pair_count && r >= 0; i++) {
        uint32_t leader = u->shapes[u->pairs[i].shape].cluster;
        r = set_add(&seen, hash_two(u, leader, u->pairs[i].host));
        by_rank[leader].hosts += r == 1;
    }
    free(seen.slots);
    return r < 0 ? r : 0;
}

static int fill(struct unknowns *u, struct shape **ranked, struct unknown_cluster *by_rank, size_t *ret_count)
{
    size_t count = 0;
    join(ranked, u->count);
    for (size_t i = 0; i < u->count; i++)
        add_shape(&by_rank[ranked[i]->cluster], ranked[i]);
    int r = count_hosts(u, by_rank);
    struct buf rule;
    buf_init(&rule, 0);
    for (size_t i = 0; i < u->count && r == 0; i++) {
        if (by_rank[i].shapes == 0)
            continue;
        struct unknown_cluster cluster = by_rank[i];
        cluster.field = ranked[i]->field;
        cluster.example = ranked[i]->example;
        buf_clear(&rule);
        propose(ranked, u->count, (uint32_t)i, &cluster, &rule);
        char *copy = rule.error == 0 ? arena_copy(&u->arena, buf_as_span(&rule)) : NULL;
        r = copy == NULL ? -ENOMEM : 0;
        cluster.rule = span_of(copy, rule.len);
        by_rank[count++] = cluster;
    }
    buf_done(&rule);
    *ret_count = count;
    return r;
}

int unknowns_cluster(struct unknowns *u, const struct unknown_cluster **ret, size_t *ret_count)
{
    size_t room = u->count > 0 ? u->count : 1, count = 0;
    free(u->clusters);
    struct shape **ranked = calloc(room, sizeof *ranked);
    u->clusters = calloc(room, sizeof *u->clusters);
    int r = ranked == NULL || u->clusters == NULL ? -ENOMEM : 0;
    for (size_t i = 0; i < u->count && r == 0; i++)
        ranked[i] = &u->shapes[i];
    if (r == 0) {
        qsort(ranked, u->count, sizeof *ranked, compare_shapes);
        r = fill(u, ranked, u->clusters, &count);
    }
    free(ranked);
    if (r != 0)
        return r;
    qsort(u->clusters, count, sizeof *u->clusters, compare_clusters);
    *ret = u->clusters;
    *ret_count = count;
    return 0;
}
