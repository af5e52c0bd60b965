/*
 * `contact --plan`: what a search would cost. What is known is counted exactly; how large the networks are that nobody has asked for yet is not, so
 * they are taken for a /24 of IPv4, a /48 of IPv6 each, and one question each is the least.
 */
#include "base/err.h"
#include "cli/contact.h"
#include "contact/whois.h"
#include "store/bulk.h"
#include "store/contacts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { SERVERS_MAX = 512, GUESS_V4 = 96 + 24, GUESS_V6 = 48, BULK_ARENA_MAX = 8 * 1024 * 1024 };

static const struct column columns[] = {
    {.name = "noroshi.lookup.server", .title = "server", .type = COLUMN_TEXT, .help = "asked first; it may refer to others"},
    {.name = "registry", .title = "registry", .type = COLUMN_TEXT, .help = "whose it is"},
    {.name = "targets", .title = "targets", .type = COLUMN_COUNT, .help = "addresses and domains it is asked for"},
    {.name = "queries", .title = "queries", .type = COLUMN_COUNT, .help = "questions at least: one per network not known yet, or domain"},
    {.name = "per_day", .title = "a day", .type = COLUMN_COUNT, .help = "questions it allows in 24 hours; nothing: no limit is known"},
    {.name = "personal_per_day", .title = "personal a day", .type = COLUMN_COUNT, .help = "personal data sets it allows in 24 hours", .spare = 1},
    {.name = "personal", .title = "personal", .type = COLUMN_REAL, .help = "personal data sets these answers will hold, as earlier ones did"},
    {.name = "per_second", .title = "a second", .type = COLUMN_REAL, .help = "questions it allows in a second", .spare = 2},
    {.name = "days", .title = "days", .type = COLUMN_REAL, .unit = "d", .help = "at this rate, at least"},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

struct planned {
    const struct whois_server *server;
    int64_t targets, queries;
    double personal_each; /* data sets an answer of it has held so far */
};

struct plan {
    struct contacting *c;
    struct book *book;
    struct query *query; /* NULL: nothing is stored yet */
    struct planned servers[SERVERS_MAX];
    size_t server_count;
    struct trie *guessed; /* networks that are counted already */
    int64_t addresses, domains, special, known, unknown, nobody, known_blocks, guesses;
    struct trie *held; /* known blocks that serve targets */
    struct bulk *files;
    int64_t bulk;
    double days;
    int error;
};

static struct prefix network_of(struct addr addr, unsigned bits)
{
    for (unsigned bit = bits; bit < 128; bit++)
        addr.bytes[bit / 8] = (uint8_t)(addr.bytes[bit / 8] & ~(0x80U >> (bit % 8)));
    return (struct prefix){.addr = addr, .bits = (uint8_t)bits};
}

static struct planned *server_of(struct plan *plan, struct span name)
{
    const struct whois_server *server = whois_server(plan->book, name);
    for (size_t i = 0; i < plan->server_count; i++)
        if (span_equal(plan->servers[i].server->name, server->name))
            return &plan->servers[i];
    if (plan->server_count == SERVERS_MAX)
        return NULL;
    plan->servers[plan->server_count] = (struct planned){.server = server};
    return &plan->servers[plan->server_count++];
}

/* ---- what is known ---- */

static int on_history(void *user, const struct query_value *v, size_t count)
{
    struct plan *plan = user;
    for (size_t i = 0; count == 2 && i < plan->server_count; i++)
        if (span_equal(plan->servers[i].server->name, v[0].bytes))
            plan->servers[i].personal_each = v[1].real;
    return 0;
}

/* How many personal data sets answers have held, where any were asked for. */
static int read_history(struct plan *plan)
{
    const struct query_range all = {.until = INT64_MAX};
    if (plan->query == NULL)
        return 0;
    return query_rows(plan->query, "SELECT server, sum(personal) * 1.0 / sum(questions) FROM registry_hour GROUP BY server HAVING sum(questions) > 0",
                      &all, on_history, plan);
}

static int on_block(void *user, const struct query_value *v, size_t count)
{
    struct plan *plan = user;
    struct prefix network = {.bits = 0};
    if (count != 2 || v[0].bytes.len != sizeof network.addr.bytes || v[1].number < 0 || v[1].number > 128)
        return 0;
    memcpy(network.addr.bytes, v[0].bytes.at, sizeof network.addr.bytes);
    network.bits = (uint8_t)v[1].number;
    static int held;
    plan->error = trie_put(plan->held, network, &held);
    return plan->error;
}

static int read_blocks(struct plan *plan)
{
    const struct query_range all = {.until = INT64_MAX};
    const struct query_value now = value_int(usec_now());
    if (plan->query == NULL || plan->c->options->values[CONTACT_FRESH] != NULL)
        return 0;
    int r =
        query_rows_with(plan->query, "SELECT address, bits FROM block WHERE channel = 'ip_whois' AND expires > ?1", &all, &now, 1, on_block, plan);
    return r != 0 ? r : plan->error;
}

/* ---- counting ---- */

/* 1: a registry's bulk file has the answer. A damaged one has none. */
static int answered_by_file(struct plan *plan, struct addr addr)
{
    struct contact_block block;
    struct arena arena;
    if (plan->files == NULL || plan->c->options->values[CONTACT_FRESH] != NULL)
        return 0;
    arena_init(&arena, BULK_ARENA_MAX);
    int r = bulk_find(plan->files, addr, usec_now(), &arena, &block);
    arena_done(&arena);
    plan->bulk += r == 1;
    return r == -ENOMEM || r == 1 ? r : 0;
}

static int count_address(struct plan *plan, struct addr addr, struct trie *seen)
{
    static int mark;
    struct span server;
    struct addr asked;
    struct prefix known;
    plan->addresses++;
    int r = whois_first(plan->book, addr, &server, &asked);
    if (r == -ERR_DENIED || r == -ERR_NOT_FOUND) {
        plan->special += r == -ERR_DENIED;
        plan->nobody += r == -ERR_NOT_FOUND;
        return 0;
    }
    if (r != 0)
        return r;
    if (trie_find(plan->held, asked, &known) != NULL) {
        struct prefix before;
        plan->known++;
        if (trie_find(seen, known.addr, &before) == NULL || before.bits != known.bits)
            plan->known_blocks++;
        return trie_put(seen, known, &mark);
    }
    r = answered_by_file(plan, addr);
    if (r != 0)
        return r < 0 ? r : 0;
    plan->unknown++;
    struct planned *planned = server_of(plan, server);
    if (planned == NULL)
        return -ERR_LIMIT;
    planned->targets++;
    struct prefix guess = network_of(asked, addr_is_v4(asked) ? GUESS_V4 : GUESS_V6);
    if (trie_find(plan->guessed, asked, NULL) != NULL)
        return 0;
    plan->guesses++;
    planned->queries++;
    return trie_put(plan->guessed, guess, &mark);
}

static int count_domain(struct plan *plan, struct span domain)
{
    struct span server;
    plan->domains++;
    int r = whois_first_domain(plan->book, domain, &server);
    if (r != 0) {
        plan->nobody++;
        return r == -ERR_DENIED || r == -ERR_NOT_FOUND ? 0 : r;
    }
    struct planned *planned = server_of(plan, server);
    if (planned == NULL)
        return -ERR_LIMIT;
    planned->targets++;
    planned->queries++;
    return 0;
}

static double at_least(double days, double other)
{
    return other > days ? other : days;
}

static double days_of(const struct planned *planned)
{
    const struct whois_server *server = planned->server;
    double days = 0, queries = (double)planned->queries;
    if (server->per_day > 0)
        days = queries / server->per_day;
    if (server->per_second_milli > 0)
        days = at_least(days, queries / server->per_second_milli * 1000 / 86400);
    if (server->personal_per_day > 0)
        days = at_least(days, queries * planned->personal_each / server->personal_per_day);
    return ceil(days * 1000) / 1000; /* a thousandth is a minute and a half: less is not worth a digit */
}

static int compare_planned(const void *a, const void *b)
{
    const struct planned *x = a, *y = b;
    int order = (y->queries > x->queries) - (y->queries < x->queries);
    return order != 0 ? order : span_compare(x->server->name, y->server->name);
}

static int count_all(struct plan *plan)
{
    struct trie *seen = NULL;
    int r = trie_new(&plan->guessed);
    if (r == 0)
        r = trie_new(&plan->held);
    if (r == 0)
        r = trie_new(&seen);
    if (r == 0)
        r = read_blocks(plan);
    for (size_t i = 0; i < plan->c->count && r == 0; i++) {
        const struct contact_target *target = &plan->c->targets[i];
        r = target->domain.len > 0 ? count_domain(plan, target->domain) : count_address(plan, target->addr, seen);
    }
    trie_free(seen);
    if (r == 0)
        r = read_history(plan);
    if (plan->server_count > 0)
        qsort(plan->servers, plan->server_count, sizeof plan->servers[0], compare_planned);
    for (size_t i = 0; i < plan->server_count; i++)
        plan->days = days_of(&plan->servers[i]) > plan->days ? days_of(&plan->servers[i]) : plan->days;
    return r;
}

/* ---- output ---- */

static int fill(const struct plan *plan, struct table *table)
{
    int r = 0;
    for (size_t i = 0; i < plan->server_count && r == 0; i++) {
        const struct planned *p = &plan->servers[i];
        const struct whois_server *s = p->server;
        const struct query_value row[COLUMNS] = {
            value_text(s->name),
            s->registry.len > 0 ? value_text(s->registry) : value_null(),
            value_int(p->targets),
            value_int(p->queries),
            s->per_day > 0 ? value_int(s->per_day) : value_null(),
            s->personal_per_day > 0 ? value_int(s->personal_per_day) : value_null(),
            {.type = QUERY_REAL, .real = (double)p->queries * p->personal_each},
            s->per_second_milli > 0 ? (struct query_value){.type = QUERY_REAL, .real = s->per_second_milli / 1000.0} : value_null(),
            {.type = QUERY_REAL, .real = days_of(p)},
        };
        r = table_row(table, row, COLUMNS);
    }
    return r;
}

static int print_json(const struct plan *plan, const struct table *table)
{
    const struct {
        const char *key;
        int64_t number;
    } sums[] = {{"addresses", plan->addresses}, {"domains", plan->domains},           {"special", plan->special},
                {"known", plan->known},         {"known_blocks", plan->known_blocks}, {"bulk", plan->bulk},
                {"unknown", plan->unknown},     {"unknown_blocks", plan->guesses},    {"nobody", plan->nobody}};
    struct buf out;
    struct json json;
    buf_init(&out, 0);
    json_init(&json, &out, true);
    json_begin_object(&json);
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        json_key(&json, sums[i].key);
        json_int(&json, sums[i].number);
    }
    json_key(&json, "days");
    json_decimal(&json, plan->days);
    json_key(&json, "servers");
    table_json_rows(table, &json);
    json_end_object(&json);
    int status = out.error != 0 ? failed("%s", err_text(out.error)) : EXIT_OK;
    if (status == EXIT_OK)
        printf("%s\n", buf_cstr(&out));
    buf_done(&out);
    return status;
}

static void say_count(int64_t count, const char *one, const char *more)
{
    printf("  %lld %s\n", (long long)count, count == 1 ? one : more);
}

static void say_time(double days)
{
    double hours = ceil(days * 24), minutes = ceil(days * 24 * 60);
    if (hours > 48)
        printf("\n%.1f days", days);
    else if (minutes > 120)
        printf("\n%.0f hours", hours);
    else
        printf("\n%.0f minute%s", minutes > 1 ? minutes : 1, minutes > 1 ? "s" : "");
    printf(" at least under what these servers allow; referrals, handles, DNS and pages come on top\n");
}

static int print_text(const struct plan *plan, struct table *table)
{
    const struct invocation *i = plan->c->invocation;
    struct table_look look = reading_look(i, false);
    printf("%lld address%s and %lld domain%s\n", (long long)plan->addresses, plan->addresses == 1 ? "" : "es", (long long)plan->domains,
           plan->domains == 1 ? "" : "s");
    if (plan->special > 0)
        say_count(plan->special, "is a special-purpose address and never asked for", "are special-purpose addresses and never asked for");
    if (plan->known > 0)
        printf("  %lld lie%s in %lld network%s known already\n", (long long)plan->known, plan->known == 1 ? "s" : "", (long long)plan->known_blocks,
               plan->known_blocks == 1 ? "" : "s");
    if (plan->bulk > 0)
        say_count(plan->bulk, "is answered by registries' bulk files", "are answered by registries' bulk files");
    if (plan->unknown > 0)
        printf("  %lld lie%s in networks not known yet, taken for %lld (a /24 of IPv4, a /48 of IPv6 each)\n", (long long)plan->unknown,
               plan->unknown == 1 ? "s" : "", (long long)plan->guesses);
    if (plan->nobody > 0)
        printf("  of %lld nobody knows whom to ask\n", (long long)plan->nobody);
    if (table_rows(table) > 0)
        printf("\n");
    int status = table_rows(table) == 0 ? EXIT_OK : reading_printed(table_print(table, "", "", TABLE_TERMINAL, &look, stdout));
    if (status == EXIT_OK && table_rows(table) > 0)
        say_time(plan->days);
    return status;
}

static int print(const struct plan *plan)
{
    struct table *table = NULL;
    int status = EXIT_OK, r = table_new(&table, columns, COLUMNS);
    if (r == 0)
        r = fill(plan, table);
    if (r != 0)
        status = failed("%s", err_text(r));
    else if (plan->c->options->values[CONTACT_JSON] != NULL)
        status = print_json(plan, table);
    else if (plan->c->options->values[CONTACT_CSV] != NULL)
        status = reading_printed(table_print(table, "", "", TABLE_CSV, NULL, stdout));
    else
        status = print_text(plan, table);
    table_free(table);
    note(plan->c->invocation, "nothing was sent");
    return output_done(status);
}

int contact_plan(struct contacting *c)
{
    struct plan *plan = calloc(1, sizeof *plan);
    struct conf_error error = {0};
    struct buf image, why;
    if (plan == NULL)
        return failed("%s", err_text(-ENOMEM));
    plan->c = c;
    buf_init(&image, BOOK_IMAGE_MAX);
    buf_init(&why, 0);
    int r = book_pack_settings(c->invocation->settings, &image, &error), status = EXIT_OK;
    if (r == 0)
        r = book_open(&plan->book, buf_as_span(&image), &error);
    if (r != 0)
        fprintf(stderr, "noroshi: %s\n", error.text[0] != '\0' ? error.text : err_text(r));
    if (r != 0)
        status = EXIT_USAGE;
    if (r == 0)
        (void)query_open(&plan->query, c->invocation->data, &why); /* nothing stored: nothing known */
    if (r == 0)
        r = bulk_open(&plan->files, c->invocation->data, conf_int(c->invocation->settings, "contact.bulk_days"));
    if (r == 0)
        r = count_all(plan);
    if (status == EXIT_OK)
        status = r != 0 ? failed("%s", err_text(r)) : print(plan);
    query_close(plan->query);
    trie_free(plan->guessed);
    trie_free(plan->held);
    bulk_close(plan->files);
    book_close(plan->book);
    buf_done(&image);
    buf_done(&why);
    free(plan);
    return status;
}
