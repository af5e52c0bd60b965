/* A registry's bulk file: its objects, then each of the first networks with those behind it as the ones around it. */
#include "contact/bulk.h"

#include "base/err.h"
#include "base/file.h"
#include "base/text.h"

#include "lists.h"
#include "target.h"

#include <stdio.h>

enum { ARENA_MAX = 64 * 1024 * 1024, NETWORKS_MAX = 8 };

static struct book *book;

struct reading_all {
    struct bulk_contacts *contacts;
    struct bulk_network networks[NETWORKS_MAX];
    enum bulk_registry registries[NETWORKS_MAX];
    size_t count;
    struct arena arena;
};

static void take(struct reading_all *all, int r, const struct bulk_object *object, const char *why)
{
    MUST(r == 0 || r == 1 || r == -ERR_MALFORMED);
    if (r == -ERR_MALFORMED) {
        MUST(why != NULL && object->text.len == 0 && object->line > 0);
        return;
    }
    if (r == 0)
        return;
    MUST(object->text.len > 0 && object->text.len <= BULK_OBJECT_MAX && object->registry < BULK_REGISTRIES);
    if (object->class == BULK_CONTACT) {
        MUST(object->handle.len > 0 && object->handle.len <= BULK_HANDLE_MAX);
        MUST(bulk_contacts_add(all->contacts, object) == 0);
        return;
    }
    MUST(object->class == BULK_NETWORK && whois_range_holds(&object->range, object->range.first));
    if (all->count == NETWORKS_MAX)
        return;
    const char *copy = arena_copy(&all->arena, object->text);
    MUST(copy != NULL);
    all->registries[all->count] = object->registry;
    all->networks[all->count++] = (struct bulk_network){.range = object->range, .text = span_of(copy, object->text.len)};
}

static void ask(struct reading_all *all, size_t i, struct buf *work)
{
    struct arena arena;
    struct findings found;
    struct whois_reply reply;
    arena_init(&arena, ARENA_MAX);
    findings_init(&found, &arena);
    int r = bulk_answer(book, all->contacts, all->registries[i], &all->networks[i], all->count - i, work, &found, &reply);
    MUST(r == 0 || r == 1 || r == -ERR_LIMIT);
    for (const struct finding *f = found.first; f != NULL; f = f->next)
        MUST(text_utf8_valid(f->evidence) == f->evidence.len && text_utf8_valid(f->value) == f->value.len);
    MUST(r != 1 || found.count > 0);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct hash_key key = {1, 2};
    struct reading_all all = {.count = 0};
    struct bulk_reader reader;
    struct bulk_object object = {.line = 0};
    struct buf work;
    const char *why = NULL;
    uint64_t number = 0;
    arena_init(&all.arena, ARENA_MAX);
    if (book == NULL)
        book = shipped_book();
    buf_init(&work, 4 * WHOIS_REPLY_MAX);
    MUST(bulk_contacts_new(&all.contacts, &key) == 0);
    bulk_reader_init(&reader);
    for (struct span left = span_of(data, len), line; whois_line(&left, &line);) {
        int r = bulk_reader_line(&reader, line, ++number, &object, &why);
        take(&all, r, &object, why);
    }
    int r = bulk_reader_end(&reader, &object, &why);
    take(&all, r, &object, why);
    for (size_t i = 0; i < all.count; i++)
        ask(&all, i, &work);
    bulk_reader_done(&reader);
    bulk_contacts_free(all.contacts);
    buf_done(&work);
    arena_done(&all.arena);
    return 0;
}
