#include "base/err.h"
#include "cli/options.h"
#include "cli/reading.h"
#include "contact/whois.h"

enum { REPORT_SINCE, REPORT_UNTIL, REPORT_LIMIT, REPORT_JSON, REPORT_CSV };

extern const struct verb verb_report;

static const struct verb_option options[] = {
    [REPORT_SINCE] = {"since", 's', "TIME", "only what was seen from this time on"},
    [REPORT_UNTIL] = {"until", 'u', "TIME", "only what was seen before this time"},
    [REPORT_LIMIT] = {"limit", 'n', "ROWS", "at most so many rows; 0: all (default: the report's own on a terminal, all as JSON or CSV)"},
    [REPORT_JSON] = {"json", 'j', NULL, "one JSON document: {\"report\",\"columns\",\"rows\"}"},
    [REPORT_CSV] = {"csv", 0, NULL, "CSV (RFC 4180); a cell that begins with = + - @ gets an apostrophe before it, control characters are escaped"},
};

static const char *report_name_at(size_t index, const void *user)
{
    (void)user;
    size_t count = 0;
    const struct report *const *reports = reports_all(&count);
    return index < count ? reports[index]->name : NULL;
}

static int find(const struct options *o, const struct report **ret)
{
    if (o->word_count == 0)
        return usage_error(&verb_report, "expected the name of a report (`noroshi reports` lists them)");
    if (o->word_count > 1)
        return usage_error(&verb_report, "expected one report, got \"%.40s\" too", o->words[1]);
    *ret = report_by_name(span_text(o->words[0]));
    if (*ret != NULL)
        return 0;
    const char *near = nearest_name(o->words[0], report_name_at, NULL);
    if (near != NULL)
        return usage_error(&verb_report, "expected the name of a report, got \"%.40s\" (perhaps %s)", o->words[0], near);
    return usage_error(&verb_report, "expected the name of a report (`noroshi reports` lists them), got \"%.40s\"", o->words[0]);
}

static int show(const struct invocation *i, const struct report *report, struct table *table, enum table_form form, bool more, int64_t limit)
{
    struct table_look look = reading_look(i, true);
    int status = reading_printed(table_print(table, report->name, report->title, form, &look, stdout));
    if (status != EXIT_OK)
        return status;
    if (table_rows(table) == 0) {
        note(i, "nothing found for %s in that time", report->name);
        return EXIT_NOTHING;
    }
    if (look.hidden > 0)
        note(i, "%zu columns do not fit this terminal; --json and --csv have all", look.hidden);
    if (more)
        note(i, "the first %lld rows; --limit 0 shows all", (long long)limit);
    return EXIT_OK;
}

static struct report_limits limits_of(const void *user, struct span server)
{
    const struct whois_server *known = whois_server(user, server);
    return (struct report_limits){.registry = known->registry, .per_day = known->per_day, .personal_per_day = known->personal_per_day};
}

/* What registries' servers allow stands in the tables of contact.lists. Without them the report has no limits. */
static struct book *tell_budgets(const struct invocation *i, const struct report *report)
{
    struct book *book = NULL;
    struct conf_error error = {0};
    struct buf image;
    if (strcmp(report->name, "registries") != 0)
        return NULL;
    buf_init(&image, BOOK_IMAGE_MAX);
    int r = book_pack_settings(i->settings, &image, &error);
    if (r == 0)
        r = book_open(&book, buf_as_span(&image), &error);
    if (r != 0)
        note(i, "limits are not known: %s", error.text[0] != '\0' ? error.text : err_text(r));
    buf_done(&image);
    report_tell_budgets(r == 0 ? limits_of : NULL, book, conf_int(i->settings, "contact.clock_speed"));
    return r == 0 ? book : NULL;
}

static int run(const struct invocation *i, const struct options *o)
{
    const struct report *report = NULL;
    struct query_range range = {0};
    int status = find(o, &report);
    if (status == 0)
        status = reading_range(i, &verb_report, o->values[REPORT_SINCE], o->values[REPORT_UNTIL], &range);
    if (status != 0 || report == NULL)
        return status;
    if (o->values[REPORT_JSON] != NULL && o->values[REPORT_CSV] != NULL)
        return usage_error(&verb_report, "expected one of --json and --csv");
    enum table_form form = o->values[REPORT_JSON] != NULL ? TABLE_JSON : o->values[REPORT_CSV] != NULL ? TABLE_CSV : TABLE_TERMINAL;
    range.limit = form == TABLE_TERMINAL ? report->limit : 0; /* a program gets all rows */
    if (o->values[REPORT_LIMIT] != NULL && option_number(o->values[REPORT_LIMIT], 0, INT64_C(1) << 40, &range.limit) != 0)
        return usage_error(&verb_report, "--limit: expected a number of rows, 0 for all, got \"%.40s\"", o->values[REPORT_LIMIT]);

    struct table *table = NULL;
    struct query *query = NULL;
    if (table_new(&table, report->columns, report->column_count) != 0)
        return failed("out of memory");
    bool more = false;
    struct book *book = tell_budgets(i, report);
    status = reading_open(i, &query);
    if (status == 0) {
        int error = report_run(report, query, &range, table, &more);
        status = error == 0 ? show(i, report, table, form, more, range.limit) : failed("report %s: %s", report->name, err_text(error));
    } else if (status == EXIT_NOTHING && form != TABLE_TERMINAL) {
        /* Scripts get their document, an empty one. */
        (void)table_print(table, report->name, report->title, form, NULL, stdout);
    }
    query_close(query);
    table_free(table);
    report_tell_budgets(NULL, NULL, 1);
    book_close(book);
    return status;
}

const struct verb verb_report = {
    .name = "report",
    .arguments = "NAME [--since TIME] [--until TIME] [--limit ROWS] [--json | --csv]",
    .help = "print a report: a table, JSON or CSV",
    .text = "TIME is a date (2026-11-20: its start), a date and time (RFC 3339), an age (90s, 15m, 12h, 7d, 2w), now, today or yesterday; days are\n"
            "cut by the setting report.timezone. --until is exclusive. Reports that count from daily or hourly sums include the whole days or\n"
            "hours that the range touches; each report says so.\n"
            "\n"
            "Times are UTC. Without rows the exit status is 3, and --json still prints its document.",
    .examples = "noroshi report attackers\n"
                "noroshi report credentials --since 7d --limit 20\n"
                "noroshi report services --since 2026-11-01 --until 2026-12-01 --csv > services.csv\n"
                "noroshi report sessions --json | jq '.rows[].\"source.ip\"'",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .needs_settings = true,
    .run = run,
};
