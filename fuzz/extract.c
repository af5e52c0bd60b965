/*
 * Web pages: any bytes. The first byte chooses what the page was sent as. What is found must keep its own promises: addresses in the one form, URLs
 * absolute, text valid, nothing beyond the limits.
 */
#include "base/file.h"
#include "base/text.h"
#include "contact/page_work.h"

#include "target.h"

#include <stdio.h>

static struct words *words;
static struct arena shipped;

static void open_words(void)
{
    struct conf_error error;
    struct buf text;
    char path[4096];
    void *part = NULL;
    const char *source = getenv("NOROSHI_SOURCE");
    (void)snprintf(path, sizeof path, "%s/conf/lists/contact/words", source != NULL ? source : ".");
    arena_init(&shipped, 64 * 1024 * 1024);
    buf_init(&text, 0);
    MUST(file_read(path, &text) == 0);
    MUST(book_open_words(&shipped, buf_as_span(&text), path, &part, &error) == 0);
    buf_done(&text);
    words = part;
}

static void valid(struct span text, size_t max)
{
    MUST(text.len <= max && text_utf8_valid(text) == text.len);
}

static void absolute(struct span url)
{
    MUST(span_starts(url, "http://") || span_starts(url, "https://"));
}

static void check_forms(const struct page *p)
{
    MUST(p->form_count <= EXTRACT_FORMS_MAX);
    for (size_t i = 0; i < p->form_count; i++) {
        const struct page_form *form = &p->forms[i];
        MUST(form->kind < FORM_KIND_COUNT && form->score >= 0 && form->score <= 1000 && form->field_count <= EXTRACT_FIELDS_MAX);
        MUST(!form->answerable || form->kind == FORM_CONTACT || form->kind == FORM_COMMENT);
        valid(form->evidence, 1000);
        for (size_t k = 0; k < form->field_count; k++) {
            valid(form->fields[k].name, 200);
            valid(form->fields[k].label, 200);
        }
    }
}

static void check(struct arena *arena, const struct page *p)
{
    MUST(p->address_count <= EXTRACT_ADDRESSES_MAX && p->link_count <= EXTRACT_LINKS_MAX && p->account_count <= EXTRACT_ACCOUNTS_MAX);
    valid(p->title, 1000);
    for (size_t i = 0; i < p->address_count; i++) {
        struct span again;
        const struct page_address *a = &p->addresses[i];
        MUST(mail_normalise(arena, a->mail, &again) == 0 && span_equal(again, a->mail));
        valid(a->written, EVIDENCE_MAX);
        valid(a->evidence, EVIDENCE_MAX);
    }
    for (size_t i = 0; i < p->account_count; i++) {
        absolute(p->accounts[i].url);
        MUST(p->accounts[i].handle.len > 0);
        valid(p->accounts[i].handle, 1000);
    }
    for (size_t i = 0; i < p->link_count; i++) {
        absolute(p->links[i].url);
        MUST(i == 0 || p->links[i - 1].rank <= p->links[i].rank);
    }
    check_forms(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const types[] = {"text/html; charset=utf-8",  "",           "text/html; charset=shift_jis", "text/html; charset=iso-2022-jp",
                                        "text/html; charset=euc-kr", "text/plain", "text/html; charset=gb18030",   "text/html; charset=utf-16be",
                                        "text/html; charset=big5"};
    struct arena arena;
    struct page page;
    if (words == NULL)
        open_words();
    const char *type = len > 0 ? types[data[0] % (sizeof types / sizeof types[0])] : "";
    arena_init(&arena, 64 * 1024 * 1024);
    struct span bytes = len > 0 ? span_of(data + 1, len - 1) : span_text("");
    MUST(page_read_watched(words, &arena, span_text("http://www.site.example/a/b"), span_text(type), bytes, NULL, NULL, &page) == 0);
    check(&arena, &page);
    arena_done(&arena);
    return 0;
}
