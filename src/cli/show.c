#include "cli/show.h"

#include <stdarg.h>

static const struct verb_option options[] = {
    [SHOW_REPLAY] = {"replay", 'r', NULL, "session: play the transcript with its original timing"},
    [SHOW_SPEED] = {"speed", 0, "FACTOR", "session: replay so many times as fast (0.1 to 1000; default 1)"},
    [SHOW_JSON] = {"json", 'j', NULL, "one JSON document"},
};

void show_line(const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("  %-14s ", name);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

void show_span(const char *name, struct span text)
{
    struct buf out;
    buf_init(&out, 0);
    text_escape(&out, text);
    show_line(name, "%s", buf_cstr(&out));
    buf_done(&out);
}

void show_time(const char *name, usec_t time)
{
    char text[USEC_TEXT_SIZE];
    show_line(name, "%s", usec_print(time, text));
}

int show_table(const struct invocation *i, const char *heading, struct table *table)
{
    if (table_rows(table) == 0)
        return EXIT_OK;
    struct table_look look = reading_look(i, false);
    printf("\n%s%s%s\n", i->color ? "\033[1m" : "", heading, i->color ? "\033[0m" : "");
    return reading_printed(table_print(table, heading, heading, TABLE_TERMINAL, &look, stdout));
}

static int run(const struct invocation *i, const struct options *o)
{
    static const struct {
        const char *name, *expected;
        int (*show)(const struct invocation *, const struct options *, struct query *, const char *);
    } things[] = {{"session", "its id (`noroshi report sessions` lists them)", show_session},
                  {"host", "an address", show_host},
                  {"sample", "its SHA-256 (`noroshi report samples` lists them)", show_sample},
                  {"contact", "its id, an address or a domain", show_contact}};
    for (size_t n = 0; o->word_count > 0 && n < sizeof things / sizeof things[0]; n++) {
        if (strcmp(o->words[0], things[n].name) != 0)
            continue;
        if (o->word_count != 2)
            return usage_error(&verb_show, "%s: expected %s", things[n].name, things[n].expected);
        struct query *query = NULL;
        int status = reading_open(i, &query);
        if (status == 0)
            status = things[n].show(i, o, query, o->words[1]);
        query_close(query);
        return status;
    }
    if (o->word_count > 0)
        return usage_error(&verb_show, "expected session, host, sample or contact, got \"%.40s\"", o->words[0]);
    return usage_error(&verb_show, "expected session, host, sample or contact, and which");
}

const struct verb verb_show = {
    .name = "show",
    .arguments = "session ID [--replay [--speed FACTOR]] | host ADDRESS | sample SHA256 | contact ID|ADDRESS|DOMAIN   [--json]",
    .help = "show one session with its transcript, one host, one sample, or contacts with what speaks for them",
    .text =
        "A session's ID is that of `report sessions`, or Cowrie's own of an imported one. Its transcript shows what the attacker sent (<) and\n"
        "what was answered (>), with the seconds since its start. Control characters are escaped; nothing an attacker sent reaches the\n"
        "terminal as it was.\n"
        "\n"
        "Of a host are shown: which device it is and the rules that say so, what contradicts them, how many hosts seem to be behind the address,\n"
        "its ports with the TTL of their replies, what they have shown over time, what others' lists say of it, and what it did to us.\n"
        "\n"
        "Of a contact, or all of a target, are shown: where it stood and who said so, the paper's rule step by step, our score and its reasons.",
    .examples = "noroshi show session 01JH6D3ZK0S9T4W5X7Y8Z9ABCD\n"
                "noroshi show session 01JH6D3ZK0S9T4W5X7Y8Z9ABCD --replay --speed 4\n"
                "noroshi show host 192.0.2.17\n"
                "noroshi show sample 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n"
                "noroshi show contact 192.0.2.17",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .needs_settings = true,
    .run = run,
};
