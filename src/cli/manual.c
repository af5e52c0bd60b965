#include "cli/manual.h"

#include "cli/usage.h"
#include "cli/verb.h"
#include "observe/honeypot/service.h"
#include "observe/import/reader.h"
#include "report/report.h"
#include "settings.h"
#include "share/sink.h"

void manual_escape(struct buf *out, const char *text)
{
    bool line_start = true;
    for (; *text != '\0'; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            buf_text(out, "\\&");
        if (*text == '\\')
            buf_text(out, "\\e");
        else if (*text == '-')
            buf_text(out, "\\-");
        else
            buf_byte(out, (uint8_t)*text);
        line_start = *text == '\n';
    }
}

static void escaped(struct buf *out, const char *before, const char *text, const char *after)
{
    buf_text(out, before);
    manual_escape(out, text);
    buf_text(out, after);
}

/* Paragraphs: an empty line begins a new one. */
static void paragraphs(struct buf *out, const char *text)
{
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t length = end != NULL ? (size_t)(end - text) : strlen(text);
        struct buf part;
        buf_init(&part, 0);
        buf_put(&part, text, length);
        escaped(out, ".PP\n", buf_cstr(&part), "\n");
        buf_done(&part);
        text += length;
        while (*text == '\n')
            text++;
    }
}

static void literal(struct buf *out, const char *text)
{
    escaped(out, ".PP\n.nf\n.RS 4\n", text, "\n.RE\n.fi\n");
}

static void option_list(struct buf *out, const struct verb_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct verb_option *o = &options[i];
        buf_text(out, ".TP\n");
        if (o->letter != 0)
            buf_printf(out, "\\fB\\-%c\\fR, ", o->letter);
        escaped(out, "\\fB\\-\\-", o->name, "\\fR");
        if (o->argument != NULL)
            escaped(out, " \\fI", o->argument, "\\fR");
        escaped(out, "\n", o->help, "\n");
    }
}

static void verb_part(struct buf *out, const struct verb *verb)
{
    escaped(out, ".SS \"", verb->name, "\"\n");
    escaped(out, "\\fBnoroshi ", verb->name, "\\fR ");
    escaped(out, "", verb->arguments, "\n");
    escaped(out, ".PP\n", verb->help, ".\n");
    if (verb->text != NULL)
        paragraphs(out, verb->text);
    option_list(out, verb->options, verb->option_count);
    literal(out, verb->examples);
}

static void report_part(struct buf *out, const struct report *report)
{
    escaped(out, ".SS \"", report->name, "\"\n");
    escaped(out, "", report->help, ".\n");
    for (size_t i = 0; i < report->column_count; i++) {
        const struct column *c = &report->columns[i];
        escaped(out, ".TP\n\\fB", c->name, "\\fR\n");
        manual_escape(out, c->help);
        if (c->unit != NULL && c->unit[0] != '\0')
            escaped(out, " (", c->unit, ")");
        buf_text(out, "\n");
    }
}

static const struct {
    const char *name, *help;
} files[] = {
    {"conf/noroshi.yaml, /etc/noroshi/noroshi.yaml",
     "the configuration: the first in a checkout, the second when installed; without it the built-in settings hold"},
    {"./noroshi-data, /var/lib/noroshi", "the data folder: the first from a checkout, the second when installed"},
    {"DATA/control.db", "what reports are made of (SQLite)"},
    {"DATA/days/YYYY-MM-DD.db", "the records of one UTC day (SQLite): a table per kind, a column per fact"},
    {"DATA/blobs", "samples and other large content, by SHA-256, never executable"},
};

static const struct {
    const char *code, *help;
} statuses[] = {{"0", "done"},
                {"1", "failed"},
                {"2", "wrong usage, or a configuration that is not valid"},
                {"3", "nothing found"},
                {"4", "partly done: some input was skipped"}};

static void tail(struct buf *out)
{
    buf_text(out, ".SH SETTINGS\n.PP\n.nf\n");
    struct buf settings;
    buf_init(&settings, 0);
    conf_describe(settings_schema(), &settings);
    manual_escape(out, buf_cstr(&settings));
    buf_done(&settings);
    buf_text(out, "\n.fi\n.SH FILES\n");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        escaped(out, ".TP\n\\fI", files[i].name, "\\fR\n");
        escaped(out, "", files[i].help, "\n");
    }
    buf_text(out, ".SH ENVIRONMENT\n.TP\n\\fBNO_COLOR\\fR\nwhen set and not empty, no colours are printed\n.SH \"EXIT STATUS\"\n");
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        escaped(out, ".TP\n\\fB", statuses[i].code, "\\fR\n");
        escaped(out, "", statuses[i].help, "\n");
    }
    buf_text(out, ".SH \"SEE ALSO\"\n.BR sqlite3 (1),\n.BR systemd (1)\n");
}

void manual_page(struct buf *out)
{
    buf_text(out, ".TH NOROSHI 1 \"\" \"noroshi " NOROSHI_VERSION "\" \"User Commands\"\n.SH NAME\n"
                  "noroshi \\- honeypots whose attacks become records, and records reports\n.SH SYNOPSIS\n"
                  "\\fBnoroshi\\fR [\\fIoption\\fR ...] \\fIverb\\fR [\\fIargument\\fR ...]\n.SH DESCRIPTION\n"
                  "Everything seen becomes a record; records are kept by one writer, in SQLite files of one day each; reports and exports are views\n"
                  "of records. Data goes to standard output, everything else to standard error.\n.SH OPTIONS\nBefore the verb:\n");
    option_list(out, global_options, global_option_count);
    buf_text(out, ".SH VERBS\n");
    size_t count = 0;
    const struct verb *const *verbs = verbs_all(&count);
    for (size_t i = 0; i < count; i++)
        verb_part(out, verbs[i]);
    buf_text(out, ".SH REPORTS\nThe columns of \\-\\-json and \\-\\-csv:\n");
    const struct report *const *reports = reports_all(&count);
    for (size_t i = 0; i < count; i++)
        report_part(out, reports[i]);
    tail(out);
}

/* Completion */

static void option_words(struct buf *out, const struct verb_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, " --%s", options[i].name);
    buf_text(out, " --help");
}

static void words_after(struct buf *out, const struct verb *verb)
{
    size_t count = 0;
    if (strcmp(verb->name, "report") == 0) {
        const struct report *const *reports = reports_all(&count);
        for (size_t i = 0; i < count; i++)
            buf_printf(out, " %s", reports[i]->name);
    } else if (strcmp(verb->name, "help") == 0) {
        const struct verb *const *verbs = verbs_all(&count);
        buf_text(out, " facts kinds settings");
        for (size_t i = 0; i < count; i++)
            buf_printf(out, " %s", verbs[i]->name);
    } else if (strcmp(verb->name, "show") == 0) {
        buf_text(out, " session host sample");
    } else if (strcmp(verb->name, "export") == 0) {
        const struct sink *const *sinks = sinks_all(&count);
        for (size_t i = 0; i < count; i++)
            buf_printf(out, " %s", sinks[i]->name);
    } else if (strcmp(verb->name, "completion") == 0) {
        buf_text(out, " bash");
    }
}

/* Values of options that are files, folders or one of a few words; others are the user's own. */
static void value_cases(struct buf *out)
{
    size_t count = 0;
    buf_text(out, "    case $previous in\n"
                  "        --config|-c|--output|-O) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
                  "        --data|-d) COMPREPLY=($(compgen -d -- \"$word\")); return ;;\n"
                  "        --since|--until|-s|-u) COMPREPLY=($(compgen -W \"today yesterday 24h 7d 30d\" -- \"$word\")); return ;;\n"
                  "        --format) COMPREPLY=($(compgen -W \"");
    const struct reader *const *readers = readers_all(&count);
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%s", i > 0 ? " " : "", readers[i]->name);
    buf_text(out, "\" -- \"$word\")); return ;;\n"
                  "        --set|-o|--limit|-n|--timezone|--speed|--session|--source) return ;;\n"
                  "    esac\n");
}

void manual_completion(struct buf *out)
{
    size_t count = 0;
    const struct verb *const *verbs = verbs_all(&count);
    buf_text(out, "# bash completion of noroshi; made by `noroshi completion bash`\n"
                  "_noroshi() {\n"
                  "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} verb= i\n"
                  "    COMPREPLY=()\n");
    value_cases(out);
    buf_text(out, "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                  "        case ${COMP_WORDS[i]} in\n"
                  "            --config|-c|--data|-d|--set|-o) ((i++)) ;;\n"
                  "            -*|=) ;;\n"
                  "            *) verb=${COMP_WORDS[i]}; break ;;\n"
                  "        esac\n"
                  "    done\n"
                  "    case $verb in\n"
                  "        '') COMPREPLY=($(compgen -W \"");
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%s", i > 0 ? " " : "", verbs[i]->name);
    option_words(out, global_options, global_option_count);
    buf_text(out, "\" -- \"$word\")) ;;\n");
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "        %s) COMPREPLY=($(compgen %s-W \"", verbs[i]->name, strcmp(verbs[i]->name, "import") == 0 ? "-f " : "");
        struct buf words;
        buf_init(&words, 0);
        words_after(&words, verbs[i]);
        option_words(&words, verbs[i]->options, verbs[i]->option_count);
        buf_text(out, buf_cstr(&words) + 1);
        buf_done(&words);
        buf_text(out, "\" -- \"$word\")) ;;\n");
    }
    buf_text(out, "    esac\n"
                  "}\n"
                  "complete -F _noroshi noroshi\n");
}

int manual_print(void (*make)(struct buf *out))
{
    struct buf text;
    buf_init(&text, 0);
    make(&text);
    int status = text.error == 0 ? EXIT_OK : failed("out of memory");
    if (status == EXIT_OK)
        fwrite(text.data, 1, text.len, stdout);
    buf_done(&text);
    return status;
}
