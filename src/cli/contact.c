#include "cli/contact.h"

#include "base/err.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/when.h"
#include "outside/attribution.h"
#include "process/aside.h"
#include "process/role.h"
#include "store/client.h"
#include "store/task.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { KEYS_PER_QUERY = 100, POLL_MSEC = 100, POLL_MANY_MSEC = 1000, MANY = 300, BAD_SHOWN = 10, TASKS_BYTES = 40000 };
enum { TARGETS_MAX = 2 * 1000 * 1000, TEXTS_MAX = 1024 * 1024 * 1024, TARGET_TEXT_MAX = 1000 };
#define WAIT_USUAL (600 * USEC_PER_SEC)

static const struct verb_option options[] = {
    [CONTACT_CHANNELS] = {"channels", 'c', "LIST", "only these channels, separated by commas (default: contact.channels)"},
    [CONTACT_PLAN] = {"plan", 'p', NULL, "say what would be asked of which server, and how many days that takes; nothing is sent"},
    [CONTACT_FRESH] = {"fresh", 0, NULL, "ask again, though it was asked today or is known of the whole block"},
    [CONTACT_WAIT] = {"wait", 'w', "DURATION", "how long to wait for the answers, e.g. 90s (default 10m)"},
    [CONTACT_JSON] = {"json", 'j', NULL, "an array with an object per target"},
    [CONTACT_CSV] = {"csv", 0, NULL, "a line per target and contact (RFC 4180)"},
    [CONTACT_LIST] = {"list", 'l', NULL, "print the contacts entered by hand, and which of them are stale"},
    [CONTACT_ADD] = {"add", 'a', "CONTACT", "enter one by hand: a mail address or a URL; - says that nobody is to be told"},
    [CONTACT_REMOVE] = {"remove", 0, "CONTACT", "take out one that was entered, together with --for"},
    [CONTACT_IMPORT] = {"import", 'i', "FILE", "enter those of a CSV file: scope,contact,role,expires,note; says what changed"},
    [CONTACT_FOR] = {"for", 'f', "SCOPE", "for whom: an address, a network, an AS such as AS64500, a domain"},
    [CONTACT_ROLE_OPTION] = {"role", 'r', "ROLE", "whom it reaches: abuse (default), security, noc, technical, administrative, owner …"},
    [CONTACT_EXPIRES] = {"expires", 'e', "TIME", "until when it holds: a date, or a time from now such as 90d (default: always)"},
    [CONTACT_NOTE] = {"note", 'n', "TEXT", "why, kept beside it"},
    [CONTACT_CHECK] = {"check", 0, "URL", "say what you found out about an account, with --exists, --messages, --owner"},
    [CONTACT_EXISTS] = {"exists", 0, "YES|NO", "it is there, and it is one account"},
    [CONTACT_MESSAGES] = {"messages", 0, "YES|NO", "it takes messages from strangers"},
    [CONTACT_OWNER] = {"owner", 0, "YES|NO", "its owner is the owner of the page that links to it"},
    [CONTACT_BULK] = {"bulk", 'b', NULL,
                      "load registries' bulk files (RIPE, APNIC, AFRINIC; RPSL, gzip as it is): what they answer is not asked for"},
    [CONTACT_UNBAN] = {"unban", 0, "SERVER", "a registry's server serves us again: you have settled it with them"},
};

/* ---- targets ---- */

static int add_target(struct contacting *c, struct addr addr, struct span domain)
{
    if (c->count == TARGETS_MAX)
        return -ERR_LIMIT;
    if (c->count == c->room) {
        size_t room = c->room == 0 ? 64 : c->room * 2;
        struct contact_target *more = realloc(c->targets, room * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        c->targets = more;
        c->room = room;
    }
    c->targets[c->count++] = (struct contact_target){.addr = addr, .domain = domain};
    return 0;
}

/* An address or a domain: 0; -ERR_MALFORMED. */
static int read_target(struct contacting *c, struct span text)
{
    struct addr addr = {.bytes = {0}};
    struct span domain = {0};
    while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
        text = span_part(text, 1, text.len);
    while (text.len > 0 && memchr(" \t\r\n", text.at[text.len - 1], 4) != NULL)
        text.len--;
    if (addr_parse(text, &addr) == 0)
        return add_target(c, addr, domain);
    if (text.len == 0 || text.len > TARGET_TEXT_MAX || span_find(text, '/') < text.len)
        return -ERR_MALFORMED;
    int r = domain_normalise(&c->arena, text, &domain);
    return r == 0 ? add_target(c, addr, domain) : r;
}

static void tell_bad(struct contacting *c, const char *path, uint64_t line, struct span text)
{
    struct buf shown;
    buf_init(&shown, 0);
    text_escape(&shown, span_part(text, 0, 60));
    if (c->bad++ < BAD_SHOWN)
        fprintf(stderr, "%s:%llu: expected an address or a domain, got \"%s\"; left out\n", path, (unsigned long long)line, buf_cstr(&shown));
    buf_done(&shown);
}

static int add_file(struct contacting *c, const char *path)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    uint64_t number = 0;
    int r = 0, status = 0;
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (in == NULL)
        return failed("%s: %s", path, strerror(errno));
    while ((r == 0 || r == -ERR_MALFORMED) && (length = getline(&line, &size, in)) >= 0) {
        struct span text = span_of(line, (size_t)length);
        text = span_part(text, 0, span_find(text, '#'));
        number++;
        while (text.len > 0 && memchr(" \t\r\n", text.at[text.len - 1], 4) != NULL)
            text.len--;
        if (text.len == 0)
            continue;
        r = read_target(c, text);
        if (r == -ERR_MALFORMED)
            tell_bad(c, path, number, text);
    }
    if (ferror(in) != 0)
        status = failed("%s: %s", path, strerror(errno));
    else if (r != 0 && r != -ERR_MALFORMED)
        status = failed("%s: %s", path, err_text(r));
    free(line);
    if (in != stdin)
        (void)fclose(in);
    return status;
}

/* A file that is not there is not to become a domain that is asked for. */
static bool named_like_a_file(const char *word)
{
    static const char *const ends[] = {".txt", ".csv", ".tsv", ".json", ".list", ".lst", ".log", ".conf"};
    size_t len = strlen(word);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t end = strlen(ends[i]);
        if (len > end && strcmp(word + len - end, ends[i]) == 0)
            return true;
    }
    return strchr(word, '/') != NULL;
}

static int add_word(struct contacting *c, const char *word)
{
    struct stat st;
    if (strcmp(word, "-") == 0)
        return add_file(c, word);
    if (named_like_a_file(word))
        return add_file(c, word);
    int r = read_target(c, span_text(word));
    /* A file may be named like a domain. */
    bool file = stat(word, &st) == 0 && !S_ISDIR(st.st_mode);
    if (r == 0 && file && c->targets[c->count - 1].domain.len > 0) {
        c->count--;
        r = -ERR_MALFORMED;
    }
    if (r == 0)
        return 0;
    if (r != -ERR_MALFORMED)
        return failed("%s", err_text(r));
    if (file)
        return add_file(c, word);
    return usage_error(&verb_contact, "expected an address, a domain or a file of them, got \"%.60s\"", word);
}

static int compare_target(const void *a, const void *b)
{
    const struct contact_target *x = a, *y = b;
    int order = memcmp(x->addr.bytes, y->addr.bytes, sizeof x->addr.bytes);
    return order != 0 ? order : span_compare(x->domain, y->domain);
}

static void order_targets(struct contacting *c)
{
    size_t kept = 0;
    if (c->count > 0)
        qsort(c->targets, c->count, sizeof *c->targets, compare_target);
    for (size_t i = 0; i < c->count; i++)
        if (kept == 0 || compare_target(&c->targets[kept - 1], &c->targets[i]) != 0)
            c->targets[kept++] = c->targets[i];
    c->count = kept;
}

static const char *channel_name_at(size_t index, const void *user)
{
    (void)user;
    size_t count = 0;
    const struct channel *const *channels = channels_all(&count);
    return index < count ? channels[index]->name : NULL;
}

static int read_channels(struct contacting *c, const char *text)
{
    for (struct span left = span_text(text); text != NULL && left.len > 0;) {
        struct span one = span_part(left, 0, span_find(left, ','));
        left = span_part(left, one.len + 1, left.len);
        if (c->channel_count == CONTACT_ORDER_CHANNELS_MAX)
            return usage_error(&verb_contact, "--channels: expected at most %d channels", CONTACT_ORDER_CHANNELS_MAX);
        if (channel_by_name(one) == NULL) {
            char word[64];
            (void)snprintf(word, sizeof word, "%.*s", (int)(one.len < 40 ? one.len : 40), (const char *)one.at);
            const char *near = nearest_name(word, channel_name_at, NULL);
            return usage_error(&verb_contact, "--channels: expected channels such as ip_whois,rdap, got \"%s\"%s%s%s", word,
                               near != NULL ? " (perhaps " : "", near != NULL ? near : "", near != NULL ? ")" : "");
        }
        c->channels[c->channel_count++] = one;
    }
    return 0;
}

static int read_wait(struct contacting *c, const char *text)
{
    usec_t age = -WAIT_USUAL;
    if (text != NULL && (when_parse(span_text(text), 0, 0, &age) != 0 || age > 0))
        return usage_error(&verb_contact, "--wait: expected a duration such as 90s or 2d, got \"%.40s\"", text);
    c->wait = -age;
    return 0;
}

/* ---- tasks ---- */

/* The same for a day, so that what was asked today is not asked again. A very long domain is told by a digest at its end. */
static int name_task(struct contacting *c, struct contact_target *target)
{
    char text[TASK_KEY_MAX + 1], addr[ADDR_TEXT_SIZE], now[USEC_TEXT_SIZE], digest[20] = "";
    enum { NAME_MOST = 180 };
    struct span name = target->domain.len > 0 ? target->domain : span_text(addr_print(target->addr, addr));
    if (name.len > NAME_MOST)
        (void)snprintf(digest, sizeof digest, "~%016llx", (unsigned long long)hash_seeded(1, name));
    name = span_part(name, 0, NAME_MOST);
    bool fresh = c->options->values[CONTACT_FRESH] != NULL;
    const char *when = fresh ? usec_print(c->began, now) : usec_print_day(c->began, now);
    (void)snprintf(text, sizeof text, "contact %.*s%s %s", (int)name.len, (const char *)name.at, digest, when);
    char *at = arena_copy(&c->arena, span_text(text));
    target->key = span_text(at);
    return at != NULL ? 0 : -ENOMEM;
}

static int on_attack(void *user, const struct query_value *v, size_t count)
{
    struct contacting *c = user;
    struct contact_target wanted = {.when = 0};
    if (count != 2 || v[0].bytes.len != sizeof wanted.addr.bytes || v[1].type != QUERY_INT)
        return 0;
    memcpy(wanted.addr.bytes, v[0].bytes.at, sizeof wanted.addr.bytes);
    struct contact_target *target = bsearch(&wanted, c->targets, c->count, sizeof wanted, compare_target);
    if (target != NULL)
        target->when = v[1].number;
    return 0;
}

/* Passive DNS is looked at around the time of the attack, which may be long ago. */
static void find_attacks(struct contacting *c)
{
    struct query_value given[KEYS_PER_QUERY];
    const struct query_range all = {.until = INT64_MAX};
    struct query *query = NULL;
    struct buf why, sql;
    size_t count = 0;
    buf_init(&why, 0);
    buf_init(&sql, 0);
    bool open = query_open(&query, c->invocation->data, &why) == 0;
    for (size_t i = 0; open && i < c->count; i++) {
        if (c->targets[i].domain.len == 0)
            given[count++] = value_bytes(span_of(c->targets[i].addr.bytes, sizeof c->targets[i].addr.bytes));
        if (count == 0 || (count < KEYS_PER_QUERY && i + 1 < c->count))
            continue;
        buf_clear(&sql);
        buf_text(&sql, "SELECT source_ip, coalesce(last_attack, first) FROM host WHERE days > 0 AND source_ip IN (");
        for (size_t n = 0; n < count; n++)
            buf_printf(&sql, "%s?%zu", n > 0 ? "," : "", n + 1);
        buf_byte(&sql, ')');
        (void)query_rows_with(query, buf_cstr(&sql), &all, given, count, on_attack, c);
        count = 0;
    }
    query_close(query);
    buf_done(&why);
    buf_done(&sql);
}

static void put_task(struct buf *body, const struct contacting *c, const struct contact_target *target)
{
    struct contact_order order = {.addr = target->addr,
                                  .domain = target->domain,
                                  .when = target->when > 0 ? target->when : c->began,
                                  .flags = CONTACT_ORDER_BY_HAND,
                                  .cause = span_text("operator"),
                                  .channel_count = c->channel_count};
    struct buf input;
    if (c->options->values[CONTACT_FRESH] != NULL)
        order.flags |= CONTACT_ORDER_FRESH;
    memcpy(order.channels, c->channels, sizeof order.channels);
    buf_init(&input, 0);
    contact_order_encode(&input, &order);
    buf_be(body, target->key.len, 2);
    buf_span(body, target->key);
    buf_be(body, sizeof CONTACT_TASK_KIND - 1, 2);
    buf_text(body, CONTACT_TASK_KIND);
    buf_be(body, (uint64_t)c->began, 8);
    buf_be(body, input.len, 4);
    buf_span(body, buf_as_span(&input));
    if (input.error != 0 && body->error == 0)
        body->error = input.error;
    buf_done(&input);
}

static int send_tasks(struct contacting *c)
{
    struct store_client *client = NULL;
    struct store_totals totals;
    struct buf why, body;
    buf_init(&why, 0);
    buf_init(&body, 0);
    int r = store_client_open(&client, c->invocation->settings, &why), status = 0;
    for (size_t i = 0; r == 0 && i < c->count; i++) {
        r = name_task(c, &c->targets[i]);
        if (r == 0)
            put_task(&body, c, &c->targets[i]);
        if (r != 0 || (i + 1 < c->count && body.len < TASKS_BYTES))
            continue;
        r = body.error != 0 ? body.error : store_client_tasks(client, buf_as_span(&body));
        buf_clear(&body);
    }
    /* An answer to what comes after them: they are committed. */
    if (r == 0)
        r = store_client_finish(client, &totals);
    if (r != 0)
        status = failed("asking for the searches: %s", why.len > 0 ? buf_cstr(&why) : err_text(r));
    store_client_close(client);
    buf_done(&why);
    buf_done(&body);
    return status;
}

/* ---- waiting ---- */

struct looking {
    struct contacting *c;
    struct contact_target *const *asked;
    size_t count;
    usec_t end; /* wall clock: what is put off beyond it is not waited for */
};

static int on_task(void *user, const struct query_value *v, size_t count)
{
    struct looking *l = user;
    for (size_t i = 0; count == 4 && i < l->count; i++) {
        struct contact_target *target = l->asked[i];
        if (!span_equal(v[0].bytes, target->key))
            continue;
        bool waits = span_is(v[1].bytes, "waiting") && v[3].number > 0;
        target->due = waits ? v[2].number : 0;
        if (span_is(v[1].bytes, "done") || span_is(v[1].bytes, "failed"))
            target->task = CONTACT_TASK_ENDED;
        else
            target->task = waits && v[2].number > l->end ? CONTACT_TASK_PUT_OFF : CONTACT_TASK_OPEN;
    }
    return 0;
}

static int ask_tasks(struct looking *l, struct query *query)
{
    struct query_value keys[KEYS_PER_QUERY];
    const struct query_range all = {.until = INT64_MAX};
    struct buf sql;
    buf_init(&sql, 0);
    buf_text(&sql, "SELECT key, state, due, attempts FROM task WHERE key IN (");
    for (size_t i = 0; i < l->count; i++) {
        buf_printf(&sql, "%s?%zu", i > 0 ? "," : "", i + 1);
        keys[i] = value_text(l->asked[i]->key);
    }
    buf_byte(&sql, ')');
    int r = query_rows_with(query, buf_cstr(&sql), &all, keys, l->count, on_task, l);
    buf_done(&sql);
    return r;
}

/* How many are over, and how many are put off. */
static void look(struct contacting *c, usec_t end, size_t *ret_ended, size_t *ret_off)
{
    struct contact_target *asked[KEYS_PER_QUERY];
    struct looking l = {.c = c, .asked = asked, .end = end};
    struct query *query = NULL;
    struct buf why;
    buf_init(&why, 0);
    *ret_ended = *ret_off = 0;
    bool open = query_open(&query, c->invocation->data, &why) == 0;
    for (size_t i = 0; i < c->count; i++) {
        if (c->targets[i].task != CONTACT_TASK_ENDED)
            asked[l.count++] = &c->targets[i];
        if (open && l.count > 0 && (l.count == KEYS_PER_QUERY || i + 1 == c->count)) {
            (void)ask_tasks(&l, query);
            l.count = 0;
        }
    }
    query_close(query);
    buf_done(&why);
    for (size_t i = 0; i < c->count; i++) {
        *ret_ended += c->targets[i].task == CONTACT_TASK_ENDED;
        *ret_off += c->targets[i].task == CONTACT_TASK_PUT_OFF;
    }
}

static void draw(const struct contacting *c, struct progress *p, size_t ended, size_t off)
{
    if (!progress_due(p))
        return;
    if (off > 0)
        progress_draw(p, ended, c->count, "%zu of %zu targets, %zu put off by registries' budgets", ended, c->count, off);
    else
        progress_draw(p, ended, c->count, "%zu of %zu targets", ended, c->count);
}

static void await(struct contacting *c)
{
    usec_t begin = usec_monotonic(), end = usec_now() + c->wait;
    struct progress progress;
    size_t ended = 0, off = 0;
    progress_init(&progress, c->invocation);
    for (;;) {
        look(c, end, &ended, &off);
        if (ended + off >= c->count || usec_monotonic() - begin >= c->wait)
            break;
        draw(c, &progress, ended, off);
        long msec = c->count - ended > MANY ? POLL_MANY_MSEC : POLL_MSEC;
        const struct timespec pause = {.tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000};
        (void)nanosleep(&pause, NULL);
    }
    progress_clear(&progress);
}

static int search(struct contacting *c)
{
    struct conf_error error = {0};
    const struct invocation *i = c->invocation;
    struct aside *aside = NULL;
    if (operator_check(i->settings, &error) != 0 || roles_check(i->settings, &error) != 0) {
        fprintf(stderr, "noroshi: %s\n", error.text);
        return EXIT_USAGE;
    }
    if (!operator_named(i->settings)) {
        fprintf(stderr,
                "noroshi: %s: operator.organisation, operator.mail and operator.page must be filled in first: registries and sites must be able to "
                "find out who asks; --plan sends nothing\n",
                i->config);
        return EXIT_USAGE;
    }
    int r = aside_start(&aside, i->settings);
    if (r != 0 && r != -ERR_BUSY)
        return EXIT_FAILED; /* the supervisor has said why */
    c->began = usec_now();
    find_attacks(c);
    int status = send_tasks(c);
    if (status == 0) {
        await(c);
        status = contact_view(c);
    }
    if (aside_stop(aside) != 0 && status == EXIT_OK)
        status = EXIT_FAILED;
    return status;
}

/* ---- the verb ---- */

static bool is_entry(const struct options *o)
{
    static const size_t list[] = {CONTACT_LIST, CONTACT_ADD, CONTACT_REMOVE, CONTACT_IMPORT, CONTACT_CHECK, CONTACT_UNBAN};
    for (size_t n = 0; n < sizeof list / sizeof list[0]; n++)
        if (o->values[list[n]] != NULL)
            return true;
    return false;
}

static int find_targets(struct contacting *c)
{
    const struct options *o = c->options;
    int status = read_channels(c, o->values[CONTACT_CHANNELS]);
    if (status == 0)
        status = read_wait(c, o->values[CONTACT_WAIT]);
    if (status == 0 && o->values[CONTACT_JSON] != NULL && o->values[CONTACT_CSV] != NULL)
        status = usage_error(&verb_contact, "expected one of --json and --csv");
    for (int n = 0; n < o->word_count && status == 0; n++)
        status = add_word(c, o->words[n]);
    order_targets(c);
    if (c->bad > BAD_SHOWN)
        fprintf(stderr, "noroshi: %llu more lines that are neither\n", (unsigned long long)(c->bad - BAD_SHOWN));
    if (status == 0 && c->count == 0 && c->bad == 0)
        status = usage_error(&verb_contact, "expected addresses, domains or files of them");
    else if (status == 0 && c->count == 0)
        status = EXIT_PARTLY;
    return status;
}

static int run(const struct invocation *i, const struct options *o)
{
    struct contacting c = {.invocation = i, .options = o};
    if (o->values[CONTACT_BULK] != NULL)
        return contact_bulk(i, o);
    if (is_entry(o))
        return contact_entries(i, o);
    arena_init(&c.arena, TEXTS_MAX);
    int status = find_targets(&c);
    if (status == 0)
        status = o->values[CONTACT_PLAN] != NULL ? contact_plan(&c) : search(&c);
    if (status == EXIT_OK && c.bad > 0)
        status = EXIT_PARTLY;
    free(c.targets);
    arena_done(&c.arena);
    return status;
}

const struct verb verb_contact = {
    .name = "contact",
    .arguments = "ADDRESS|DOMAIN|FILE… [--channels LIST] [--plan] [--fresh] [--wait DURATION] [--json | --csv]",
    .help = "find whom to tell that a host attacks: who holds it, every contact, which to write to and why",
    .text =
        "Asks registries (WHOIS, RDAP), the site itself and what else is switched on, evaluates every contact, and chooses a primary one, fallbacks "
        "and\n"
        "copies, with reasons. A FILE has an address or a domain a line; # begins a comment; a line that is neither is told as file:line and left "
        "out\n"
        "(exit status 4). Each registry is asked no more than it allows: an answer serves its whole block, and what a budget puts off is told as a "
        "debt\n"
        "and asked when the budget allows. What was asked today is not asked again, so an interrupted run goes on where it was.\n"
        "\n"
        "Contacts entered by hand (--add, --import) win over all that is found, until they expire; --list says which are stale because a look-up "
        "finds\n"
        "the same now. Whether an account of a social network exists, takes messages and is the owner's needs a login: --check enters what you saw.\n"
        "\n"
        "With --bulk the words are files or folders: give those of a registry together, its networks and the roles, response teams and "
        "organisations\n"
        "that they refer to; they replace what was loaded of that registry before. They answer for contact.bulk_days after their date.\n"
        "\n"
        "Works beside a running `noroshi run` of the same data folder, and without one. What is not over within --wait goes on, or with the next "
        "run.\n"
        "Exit status 3: no contact was found; 4: some targets have none, or are not over.",
    .examples = "noroshi contact 192.0.2.7\n"
                "noroshi contact --plan attackers.txt       # queries per server, days needed; nothing is sent\n"
                "noroshi contact attackers.txt --wait 2d --csv > contacts.csv\n"
                "noroshi contact --add csirt@example.net --for 192.0.2.0/24 --role security --expires 180d --note \"asked by phone\"\n"
                "noroshi contact --list\n"
                "noroshi contact --bulk ripe.db.*.gz        # networks, roles, organisations of RIPE's split dump\n"
                "noroshi contact --unban whois.example.net",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .needs_settings = true,
    .run = run,
};
