/* What saved web pages say of whom to write to. Nothing is sent. */
#include "contact/extract.h"
#include "base/err.h"
#include "base/file.h"
#include "cli/reading.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

extern const struct verb verb_extract;

enum { EXTRACT_URL, EXTRACT_TYPE, EXTRACT_JSON, EXTRACT_JSONL };
enum { FILE_MAX = 1024 * 1024 * 1024, MEMORY_MAX = 64 * 1024 * 1024 };

static const struct verb_option options[] = {
    [EXTRACT_URL] = {"url", 'u', "URL", "where the page was fetched from: what its links are joined with"},
    [EXTRACT_TYPE] = {"content-type", 't', "TYPE", "the Content-Type it was sent with, such as \"text/html; charset=euc-kr\""},
    [EXTRACT_JSON] = {"json", 'j', NULL, "one object, of one file"},
    [EXTRACT_JSONL] = {"jsonl", 0, NULL, "an object in a line for each file"},
};

/* Pages that only may name somebody ("about us") are worth a look when no other link is there. */
static size_t links_shown(const struct page *page)
{
    size_t sure = 0;
    while (sure < page->link_count && page->links[sure].rank < PAGE_LINK_WEAK)
        sure++;
    return sure > 0 ? sure : page->link_count;
}

/* ---- JSON ---- */

static void pair(struct json *json, const char *key, struct span value)
{
    json_key(json, key);
    json_span(json, value);
}

static void json_form(struct json *json, const struct page_form *form)
{
    json_begin_object(json);
    json_key(json, "kind");
    json_text(json, form_kind_text(form->kind));
    json_key(json, "score");
    json_decimal(json, form->score / 1000.0);
    pair(json, "action", form->action);
    pair(json, "method", form->method);
    json_key(json, "answerable");
    json_bool(json, form->answerable);
    pair(json, "evidence", form->evidence);
    json_key(json, "fields");
    json_begin_array(json);
    for (size_t i = 0; i < form->field_count; i++) {
        json_begin_object(json);
        pair(json, "name", form->fields[i].name);
        pair(json, "type", form->fields[i].type);
        pair(json, "label", form->fields[i].label);
        pair(json, "asks", form->fields[i].asks);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

static void json_addresses(struct json *json, const struct page *page)
{
    json_key(json, "addresses");
    json_begin_array(json);
    for (size_t i = 0; i < page->address_count; i++) {
        const struct page_address *a = &page->addresses[i];
        json_begin_object(json);
        pair(json, "mail", a->mail);
        pair(json, "source", a->source);
        pair(json, "written", a->written);
        pair(json, "evidence", a->evidence);
        json_end_object(json);
    }
    json_end_array(json);
}

static void json_page(struct json *json, const char *url, const struct page *page)
{
    json_begin_object(json);
    pair(json, "url", span_text(url));
    pair(json, "title", page->title);
    pair(json, "language", page->language);
    pair(json, "charset", page->charset);
    json_key(json, "needs_scripts");
    json_bool(json, page->needs_scripts);
    json_key(json, "cut");
    json_bool(json, page->cut);
    pair(json, "maker", page->maker);
    json_addresses(json, page);
    json_key(json, "forms");
    json_begin_array(json);
    for (size_t i = 0; i < page->form_count; i++)
        json_form(json, &page->forms[i]);
    json_end_array(json);
    json_key(json, "accounts");
    json_begin_array(json);
    for (size_t i = 0; i < page->account_count; i++) {
        json_begin_object(json);
        pair(json, "network", page->accounts[i].network);
        pair(json, "handle", page->accounts[i].handle);
        pair(json, "url", page->accounts[i].url);
        json_end_object(json);
    }
    json_end_array(json);
    json_key(json, "links");
    json_begin_array(json);
    for (size_t i = 0; i < links_shown(page); i++) {
        json_begin_object(json);
        pair(json, "url", page->links[i].url);
        pair(json, "text", page->links[i].text);
        pair(json, "reason", page->links[i].reason);
        json_key(json, "rank");
        json_int(json, page->links[i].rank);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

static int print_json(const char *url, const struct page *page, bool pretty)
{
    struct json json;
    struct buf out;
    buf_init(&out, 0);
    json_init(&json, &out, pretty);
    json_page(&json, url, page);
    buf_byte(&out, '\n');
    int r = out.error;
    if (r == 0 && fwrite(out.data, 1, out.len, stdout) != out.len)
        r = -EIO;
    buf_done(&out);
    return r;
}

/* ---- tables ---- */

static const struct column columns[] = {
    {.name = "kind", .title = "kind"},     {.name = "value", .title = "value"},       {.name = "from", .title = "found as"},
    {.name = "score", .title = "certain"}, {.name = "evidence", .title = "evidence"},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static int row(struct table *table, const char *kind, struct span value, struct span from, struct span score, struct span evidence)
{
    const struct query_value cells[COLUMNS] = {value_text(span_text(kind)), value_text(value), value_text(from), value_text(score),
                                               value_text(evidence)};
    return table_row(table, cells, COLUMNS);
}

static int fill(struct table *table, const struct page *page)
{
    int error = 0;
    struct span none = span_text("");
    for (size_t i = 0; i < page->address_count && error == 0; i++) {
        const struct page_address *a = &page->addresses[i];
        error = row(table, "mail", a->mail, a->source, none, a->written.len > 0 ? a->written : a->evidence);
    }
    for (size_t i = 0; i < page->form_count && error == 0; i++) {
        const struct page_form *form = &page->forms[i];
        char score[24];
        (void)snprintf(score, sizeof score, "%d %%", form->score / 10);
        error = row(table, "form", form->action, span_text(form_kind_text(form->kind)), span_text(score), form->evidence);
    }
    for (size_t i = 0; i < page->account_count && error == 0; i++)
        error = row(table, "account", page->accounts[i].url, page->accounts[i].network, none, page->accounts[i].handle);
    for (size_t i = 0; i < links_shown(page) && error == 0; i++)
        error = row(table, "link", page->links[i].url, page->links[i].reason, none, page->links[i].text);
    return error;
}

static int print_table(const struct invocation *i, const char *file, const struct page *page)
{
    struct table *table = NULL;
    struct table_look look = reading_look(i, true);
    char title[400];
    int error = table_new(&table, columns, COLUMNS);
    if (error == 0)
        error = fill(table, page);
    (void)snprintf(title, sizeof title, "%.200s: %.*s", file, (int)(page->title.len < 150 ? page->title.len : 150), (const char *)page->title.at);
    if (error == 0)
        error = table_print(table, "extract", title, TABLE_TERMINAL, &look, stdout);
    table_free(table);
    return error;
}

/* ---- running ---- */

static int read_page_file(const char *path, struct buf *out)
{
    buf_init(out, FILE_MAX);
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = file_read_all(fd, out);
    if (fd != STDIN_FILENO)
        (void)close(fd);
    return r;
}

static int one_file(const struct invocation *i, const struct options *o, const struct book *book, const char *file)
{
    struct buf bytes;
    struct arena arena;
    struct page page = {0};
    const char *url = o->values[EXTRACT_URL] != NULL ? o->values[EXTRACT_URL] : "http://page.invalid/";
    arena_init(&arena, MEMORY_MAX);
    int r = read_page_file(file, &bytes);
    if (r == 0)
        r = page_read(book, &arena, span_text(url), span_text(o->values[EXTRACT_TYPE]), buf_as_span(&bytes), &page);
    if (r == 0 && page.cut)
        note(i, "%s: too large, or too much of a kind: what lies behind the limits was left out", file);
    if (r == 0 && page.needs_scripts)
        note(i, "%s: shows nothing without scripts", file);
    int status = r != 0 ? failed("%s: %s", file, err_text(r)) : EXIT_OK;
    if (r == 0 && (o->values[EXTRACT_JSON] != NULL || o->values[EXTRACT_JSONL] != NULL))
        r = print_json(url, &page, o->values[EXTRACT_JSONL] == NULL);
    else if (r == 0)
        r = print_table(i, file, &page);
    if (status == EXIT_OK)
        status = reading_printed(r);
    buf_done(&bytes);
    arena_done(&arena);
    return status;
}

static int run(const struct invocation *i, const struct options *o)
{
    struct conf_error error = {0};
    struct book *book = NULL;
    struct arena arena;
    struct buf image;
    struct span base;
    if (o->word_count == 0)
        return usage_error(&verb_extract, "expected a file, or - for stdin");
    if (o->values[EXTRACT_JSON] != NULL && o->word_count > 1)
        return usage_error(&verb_extract, "--json prints one file's object; --jsonl prints a line for each");
    arena_init(&arena, MEMORY_MAX);
    int r = o->values[EXTRACT_URL] != NULL ? url_join(&arena, span_text(o->values[EXTRACT_URL]), span_text(""), &base) : 0;
    arena_done(&arena);
    if (r != 0)
        return usage_error(&verb_extract, "--url: expected an absolute URL of http or https, got \"%.100s\"", o->values[EXTRACT_URL]);
    buf_init(&image, 0);
    r = book_pack_settings(i->settings, &image, &error);
    if (r == 0)
        r = book_open(&book, buf_as_span(&image), &error);
    buf_done(&image);
    if (r != 0) {
        fprintf(stderr, "noroshi: %s\n", error.text[0] != '\0' ? error.text : err_text(r));
        return EXIT_USAGE;
    }
    int status = one_file(i, o, book, o->words[0]);
    for (int n = 1; n < o->word_count; n++) {
        int one = one_file(i, o, book, o->words[n]);
        status = one != status ? EXIT_PARTLY : status;
    }
    book_close(book);
    return output_done(status);
}

const struct verb verb_extract = {
    .name = "extract",
    .arguments = "FILE.html… [--url URL] [--content-type TYPE] [--json | --jsonl]",
    .help = "whom saved web pages name: addresses, forms, accounts, links to contact pages",
    .text =
        "Reads pages that were saved; nothing is sent. Found are mail addresses in every spelling that people use against collectors (with how they\n"
        "stood in the page), each form with what it is for (contact, comment, search, login, registration, recovery, newsletter, order, other), how\n"
        "certain that is and why, accounts of social networks without share buttons, and links that lead to a contact page, the surest first (where\n"
        "there is none, those that may: about us, support). Text of scripts and names of files are not looked at.\n"
        "\n"
        "The character set is decided as browsers do it. A page that shows nothing without scripts is said to be one. A device's own page names its\n"
        "maker.",
    .examples = "noroshi extract page.html --url http://www.example.com/   # what a page says\n"
                "noroshi extract page.html --url http://www.example.com/ --content-type 'text/html; charset=shift_jis' --json\n"
                "noroshi extract --jsonl pages/*.html",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .needs_settings = true,
    .run = run,
};
