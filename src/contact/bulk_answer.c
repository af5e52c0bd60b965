/* Contacts of a bulk file by handle, and what its server would have replied for one of its networks. */
#include "contact/bulk.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>

enum { SLOTS_FIRST = 1 << 12, ABOVE_BITS_LEAST_V4 = 96 + 8, ABOVE_BITS_LEAST_V6 = 16 };

struct contact_text {
    uint64_t hash, at; /* in texts: the handle, then the object */
    uint32_t len;
    uint8_t handle_len, registry;
};

struct bulk_contacts {
    struct hash_key key;
    struct buf texts;
    struct contact_text *list;
    size_t count, room;
    uint32_t *slots; /* index + 1 */
    size_t slot_count;
};

int bulk_contacts_new(struct bulk_contacts **ret, const struct hash_key *key)
{
    struct bulk_contacts *c = calloc(1, sizeof *c);
    uint32_t *slots = calloc(SLOTS_FIRST, sizeof *slots);
    if (c == NULL || slots == NULL) {
        free(c);
        free(slots);
        return -ENOMEM;
    }
    c->key = *key;
    c->slots = slots;
    c->slot_count = SLOTS_FIRST;
    buf_init(&c->texts, 0);
    *ret = c;
    return 0;
}

void bulk_contacts_free(struct bulk_contacts *c)
{
    if (c == NULL)
        return;
    buf_done(&c->texts);
    free(c->list);
    free(c->slots);
    free(c);
}

size_t bulk_contacts_count(const struct bulk_contacts *c)
{
    return c->count;
}

/* Of the registry and the handle in lower case. */
static uint64_t hash_of(const struct bulk_contacts *c, enum bulk_registry registry, struct span handle)
{
    uint8_t text[BULK_HANDLE_MAX + 1] = {(uint8_t)registry};
    size_t len = handle.len < BULK_HANDLE_MAX ? handle.len : BULK_HANDLE_MAX;
    for (size_t i = 0; i < len; i++)
        text[i + 1] = (uint8_t)(handle.at[i] >= 'A' && handle.at[i] <= 'Z' ? handle.at[i] + ('a' - 'A') : handle.at[i]);
    return hash_bytes(&c->key, span_of(text, len + 1));
}

static struct span handle_of(const struct bulk_contacts *c, const struct contact_text *t)
{
    return span_of(c->texts.data + t->at, t->handle_len);
}

static struct span text_of(const struct bulk_contacts *c, const struct contact_text *t)
{
    return span_of(c->texts.data + t->at + t->handle_len, t->len);
}

/* The slot of that handle, or the free one where it would be. */
static uint32_t *slot_of(const struct bulk_contacts *c, enum bulk_registry registry, struct span handle, uint64_t hash)
{
    for (size_t i = hash & (c->slot_count - 1);; i = (i + 1) & (c->slot_count - 1)) {
        uint32_t *slot = &c->slots[i];
        if (*slot == 0)
            return slot;
        const struct contact_text *t = &c->list[*slot - 1];
        if (t->hash == hash && t->registry == registry && whois_same_span(handle_of(c, t), handle))
            return slot;
    }
}

static int grow(struct bulk_contacts *c)
{
    if (c->count == c->room) {
        size_t room = c->room == 0 ? 1024 : c->room * 2;
        struct contact_text *list = reallocarray(c->list, room, sizeof *list);
        if (list == NULL)
            return -ENOMEM;
        c->list = list;
        c->room = room;
    }
    if (c->count * 2 < c->slot_count)
        return 0;
    size_t slot_count = c->slot_count > 0 ? c->slot_count * 2 : SLOTS_FIRST;
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    if (slots == NULL)
        return -ENOMEM;
    free(c->slots);
    c->slots = slots;
    c->slot_count = slot_count;
    for (size_t i = 0; i < c->count; i++) {
        size_t at = c->list[i].hash & (c->slot_count - 1);
        while (slots[at] != 0)
            at = (at + 1) & (c->slot_count - 1);
        slots[at] = (uint32_t)i + 1;
    }
    return 0;
}

int bulk_contacts_add(struct bulk_contacts *c, const struct bulk_object *object)
{
    if (c->count == BULK_CONTACTS_MAX)
        return -ERR_LIMIT;
    int r = grow(c);
    if (r != 0)
        return r;
    struct contact_text t = {.hash = hash_of(c, object->registry, object->handle),
                             .at = c->texts.len,
                             .len = (uint32_t)object->text.len,
                             .handle_len = (uint8_t)object->handle.len,
                             .registry = (uint8_t)object->registry};
    buf_span(&c->texts, object->handle);
    buf_span(&c->texts, object->text);
    if (c->texts.error != 0)
        return c->texts.error;
    uint32_t *slot = slot_of(c, object->registry, object->handle, t.hash);
    if (*slot != 0) {
        c->list[*slot - 1] = t;
        return 0;
    }
    c->list[c->count++] = t;
    *slot = (uint32_t)c->count;
    return 0;
}

static const struct contact_text *find(const struct bulk_contacts *c, enum bulk_registry registry, struct span handle)
{
    if (handle.len == 0 || handle.len > BULK_HANDLE_MAX)
        return NULL;
    uint32_t slot = *slot_of(c, registry, handle, hash_of(c, registry, handle));
    return slot != 0 ? &c->list[slot - 1] : NULL;
}

/* ---- attributes of kept texts ---- */

static struct span bare(struct span value)
{
    return whois_trim(span_part(value, 0, span_find(value, '#')));
}

/* The next attribute with that key in *left; false: no more. */
static bool next_value(struct span *left, const char *key, struct span *ret)
{
    struct span line, name, value;
    while (whois_line(left, &line)) {
        if (whois_pair(line, &name, &value) && whois_same(name, key)) {
            *ret = bare(value);
            return true;
        }
    }
    return false;
}

static struct span first_value(struct span text, const char *key)
{
    struct span value = {0};
    return next_value(&text, key, &value) ? value : (struct span){0};
}

/* ---- the little reply ---- */

struct referred {
    const struct bulk_contacts *contacts;
    enum bulk_registry registry;
    const struct contact_text *list[BULK_REFERRED_MAX];
    size_t count;
};

static void refer(struct referred *refs, struct span handle)
{
    const struct contact_text *t = find(refs->contacts, refs->registry, handle);
    for (size_t i = 0; i < refs->count && t != NULL; i++) {
        if (refs->list[i] == t)
            return;
    }
    if (t != NULL && refs->count < BULK_REFERRED_MAX)
        refs->list[refs->count++] = t;
}

static void refer_all(struct referred *refs, struct span text)
{
    static const char *const keys[] = {"abuse-c", "mnt-irt", "tech-c", "admin-c", "org"};
    struct span line, name, value;
    while (whois_line(&text, &line)) {
        if (!whois_pair(line, &name, &value))
            continue;
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            if (whois_same(name, keys[i]))
                refer(refs, bare(value));
        }
    }
}

/* Whom the registry's server names in its line "Abuse contact for …", and by which object. */
struct named {
    struct span mail, role, by;
};

static bool name_by(const struct bulk_contacts *c, enum bulk_registry registry, struct span handle, struct span by, struct named *ret)
{
    const struct contact_text *t = find(c, registry, handle);
    struct span mail = t != NULL ? first_value(text_of(c, t), "abuse-mailbox") : (struct span){0};
    if (mail.len == 0 || span_find(mail, '@') == mail.len || span_find(mail, '\'') < mail.len)
        return false;
    *ret = (struct named){.mail = mail, .role = handle_of(c, t), .by = by};
    return true;
}

enum naming { NAMED_NOBODY, NAMED_ONE, NAMED_UNKNOWN /* one that is not in the files, so the registry knows better */ };

static enum naming name_by_attribute(const struct bulk_contacts *c, enum bulk_registry registry, struct span text, const char *key, struct span by,
                                     struct named *ret)
{
    struct span handle = first_value(text, key);
    if (handle.len == 0)
        return NAMED_NOBODY;
    return name_by(c, registry, handle, by, ret) ? NAMED_ONE : NAMED_UNKNOWN;
}

static enum naming name_by_organisation(const struct bulk_contacts *c, enum bulk_registry registry, struct span text, struct named *ret)
{
    struct span org = first_value(text, "org");
    if (org.len == 0)
        return NAMED_NOBODY;
    const struct contact_text *t = find(c, registry, org);
    return t != NULL ? name_by_attribute(c, registry, text_of(c, t), "abuse-c", handle_of(c, t), ret) : NAMED_UNKNOWN;
}

/* RIPE (ripe-705): the network's abuse-c, else its organisation's, else those of the networks around it. APNIC: the network's abuse-c, else its
 * response team. AFRINIC names nobody. */
static enum naming name_abuse(const struct bulk_contacts *c, enum bulk_registry registry, const struct bulk_network *chain, size_t count,
                              struct named *ret)
{
    enum naming naming = NAMED_NOBODY;
    for (size_t i = 0; i < count && naming == NAMED_NOBODY && registry != BULK_AFRINIC; i++) {
        unsigned least = addr_is_v4(chain[i].range.first) ? ABOVE_BITS_LEAST_V4 : ABOVE_BITS_LEAST_V6;
        if (i > 0 && (registry != BULK_RIPE || whois_range_around(&chain[i].range).bits < least))
            return NAMED_NOBODY;
        struct span text = chain[i].text, line, name, network = {0};
        if (text.len == 0)
            return NAMED_UNKNOWN; /* a broken one */
        if (whois_line(&text, &line))
            (void)whois_pair(line, &name, &network);
        naming = name_by_attribute(c, registry, chain[i].text, "abuse-c", network, ret);
        if (naming == NAMED_NOBODY)
            naming = registry == BULK_RIPE ? name_by_organisation(c, registry, chain[i].text, ret)
                                           : name_by_attribute(c, registry, chain[i].text, "mnt-irt", network, ret);
    }
    return naming;
}

static void put_reply(const struct bulk_contacts *c, enum bulk_registry registry, const struct bulk_network *network, const struct named *named,
                      struct buf *out)
{
    struct referred refs = {.contacts = c, .registry = registry};
    char first[ADDR_TEXT_SIZE], last[ADDR_TEXT_SIZE];
    buf_clear(out);
    if (named != NULL) {
        buf_printf(out, "%% Abuse contact for '%s - %s' is '", addr_print(network->range.first, first), addr_print(network->range.last, last));
        buf_span(out, named->mail);
        buf_text(out, "'\n\n");
    }
    buf_span(out, network->text);
    buf_byte(out, '\n');
    refer_all(&refs, network->text);
    for (size_t i = 0, own = refs.count; i < own; i++) {
        struct span text = text_of(c, refs.list[i]);
        if (first_value(text, "organisation").len > 0)
            refer_all(&refs, text);
    }
    for (size_t i = 0; i < refs.count && out->len + refs.list[i]->len < WHOIS_REPLY_MAX; i++) {
        buf_span(out, text_of(c, refs.list[i]));
        buf_byte(out, '\n');
    }
}

/* The line is not in the files: what it is made of is. */
static int set_evidence(struct findings *found, const struct named *named)
{
    for (struct finding *f = found->first; f != NULL; f = f->next) {
        struct buf text;
        if (!span_is(f->attribute, "Abuse contact"))
            continue;
        buf_init(&text, FINDING_EVIDENCE_MAX);
        buf_text(&text, "abuse-mailbox: ");
        buf_span(&text, f->value);
        buf_text(&text, " (of ");
        buf_span(&text, named->role);
        buf_text(&text, ", which is the abuse contact of ");
        buf_span(&text, named->by);
        buf_byte(&text, ')');
        struct span whole = buf_as_span(&text);
        struct span valid = span_part(whole, 0, text_utf8_valid(whole));
        char *copy = arena_copy(found->arena, valid);
        buf_done(&text);
        if (copy == NULL)
            return -ENOMEM;
        f->evidence = span_of(copy, valid.len);
        f->attribute = span_text("abuse-mailbox");
    }
    return 0;
}

static bool serves(const struct findings *found)
{
    for (const struct finding *f = found->first; f != NULL; f = f->next) {
        if (f->objection == OBJECTION_NONE && f->kind == CONTACT_MAIL && (f->role == CONTACT_ROLE_ABUSE || f->role == CONTACT_ROLE_SECURITY))
            return true;
    }
    return false;
}

int bulk_answer(const struct book *book, const struct bulk_contacts *contacts, enum bulk_registry registry, const struct bulk_network *chain,
                size_t count, struct buf *work, struct findings *found, struct whois_reply *ret)
{
    struct named named;
    enum naming naming = name_abuse(contacts, registry, chain, count, &named);
    *ret = (struct whois_reply){.state = WHOIS_EMPTY};
    /* RIPE's members must name one: if nobody is found, the files are not whole. */
    if (naming == NAMED_UNKNOWN || (naming == NAMED_NOBODY && registry == BULK_RIPE))
        return 0;
    struct span server = servers_of_registry(book_part(book, BOOK_servers), span_text(bulk_registry_text(registry)));
    put_reply(contacts, registry, &chain[0], naming == NAMED_ONE ? &named : NULL, work);
    if (work->error != 0)
        return work->error;
    int r = whois_read(book, server, chain[0].range.first, buf_as_span(work), found, ret);
    if (r == 0 && naming == NAMED_ONE)
        r = set_evidence(found, &named);
    if (r != 0)
        return r;
    return ret->state == WHOIS_GOOD && ret->final && ret->next.len == 0 && serves(found);
}
