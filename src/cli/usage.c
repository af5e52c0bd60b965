#include "cli/usage.h"

#include "base/text.h"
#include "report/report.h"

#include <errno.h>
#include <stdarg.h>

static void __attribute__((format(printf, 2, 0))) line(const char *before, const char *format, va_list args)
{
    struct buf raw, out;
    buf_init(&raw, 0);
    buf_init(&out, 0);
    buf_vprintf(&raw, format, args);
    text_escape(&out, buf_as_span(&raw));
    fprintf(stderr, "noroshi%s%s: %s\n", before[0] != '\0' ? " " : "", before, buf_cstr(&out));
    buf_done(&raw);
    buf_done(&out);
}

int usage_error(const struct verb *verb, const char *format, ...)
{
    struct buf text;
    buf_init(&text, 0);
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    const char *example = verb != NULL ? verb->examples : "noroshi help";
    size_t length = strcspn(example, "\n#");
    while (length > 0 && example[length - 1] == ' ')
        length--;
    struct buf out;
    buf_init(&out, 0);
    text_escape(&out, buf_as_span(&text));
    fprintf(stderr, "noroshi%s%s: %s; for example: %.*s\n", verb != NULL ? " " : "", verb != NULL ? verb->name : "", buf_cstr(&out), (int)length,
            example);
    buf_done(&text);
    buf_done(&out);
    return EXIT_USAGE;
}

int failed(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    line("", format, args);
    va_end(args);
    return EXIT_FAILED;
}

void note(const struct invocation *i, const char *format, ...)
{
    if (i->quiet)
        return;
    va_list args;
    va_start(args, format);
    line("", format, args);
    va_end(args);
}

static void print_options(const struct verb_option *options, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct verb_option *o = &options[i];
        char letter[4] = {'-', o->letter, ',', '\0'};
        char name[64];
        snprintf(name, sizeof name, "--%s%s%s", o->name, o->argument != NULL ? " " : "", o->argument != NULL ? o->argument : "");
        fprintf(out, "  %3s %-25s %s\n", o->letter != 0 ? letter : "", name, o->help);
    }
    fprintf(out, "  %3s %-25s %s\n", "-h,", "--help", "this text");
}

static void print_indented(const char *text, FILE *out)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        fprintf(out, "%s%.*s\n", length > 0 ? "  " : "", (int)length, text);
        text += length;
        if (*text == '\n')
            text++;
    }
}

void usage_verb(const struct verb *verb, FILE *out)
{
    fprintf(out, "noroshi %s%s%s\n%s\n\n", verb->name, verb->arguments[0] != '\0' ? " " : "", verb->arguments, verb->help);
    if (verb->text != NULL)
        fprintf(out, "%s\n\n", verb->text);
    fputs("Options:\n", out);
    print_options(verb->options, verb->option_count, out);
    if (strcmp(verb->name, "report") == 0) {
        size_t count = 0;
        const struct report *const *reports = reports_all(&count);
        fputs("\nReports:\n", out);
        for (size_t i = 0; i < count; i++)
            fprintf(out, "  %-14s %s\n", reports[i]->name, reports[i]->help);
    }
    fputs("\nExamples:\n", out);
    print_indented(verb->examples, out);
}

void usage_overview(FILE *out)
{
    size_t count = 0;
    const struct verb *const *verbs = verbs_all(&count);
    fputs("noroshi [OPTION]… VERB …\nHoneypots whose attacks become records, and records reports.\n\nVerbs:\n", out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  %-14s %s\n", verbs[i]->name, verbs[i]->help);
    fputs("\nOptions before the verb:\n", out);
    print_options(global_options, global_option_count, out);
    fputs("\nExit status: 0 done, 1 failed, 2 usage or configuration, 3 nothing found, 4 partly done.\n"
          "`noroshi VERB --help` tells more of a verb; `noroshi help facts|kinds|settings` of what is recorded and set.\n",
          out);
}

int output_done(int status)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return status;
    return errno == EPIPE ? status : failed("writing the output: %s", strerror(errno));
}
