/* Lines of a bulk file to objects: only what the rules for replies look at is kept. */
#include "contact/bulk.h"

#include "base/err.h"

#include <errno.h>

enum { SOURCE_MISSING = BULK_REGISTRIES, SOURCE_UNKNOWN };

static const char *const registries[BULK_REGISTRIES] = {[BULK_RIPE] = "RIPE", [BULK_APNIC] = "APNIC", [BULK_AFRINIC] = "AFRINIC"};

/* The national registries, whose entries APNIC mirrors. */
static const char *const mirrored[] = {"JPNIC", "KRNIC", "TWNIC", "IRINN", "IDNIC", "VNNIC", "CNNIC"};

enum use { USE_TEXT = 1, USE_NETWORK = 2, USE_ADDRESS = 4, USE_REFERENCE = 8 };

/* Attributes that whois_form_rpsl reads. What says who edited an entry, or is told of edits, is never a contact and left out. */
static const struct {
    const char *key;
    unsigned use; /* NETWORK: of networks alone; ADDRESS: only with a mail address in it */
} attributes[] = {
    {"inetnum", USE_TEXT},
    {"inet6num", USE_TEXT},
    {"netname", USE_TEXT | USE_NETWORK},
    {"descr", USE_TEXT},
    {"country", USE_TEXT | USE_NETWORK},
    {"remarks", USE_TEXT},
    {"mnt-by", USE_TEXT | USE_NETWORK},
    {"admin-c", USE_TEXT | USE_REFERENCE},
    {"tech-c", USE_TEXT | USE_REFERENCE},
    {"abuse-c", USE_TEXT | USE_REFERENCE},
    {"mnt-irt", USE_TEXT | USE_REFERENCE},
    {"org", USE_TEXT | USE_REFERENCE},
    {"source", USE_TEXT},
    {"abuse-mailbox", USE_TEXT},
    {"e-mail", USE_TEXT},
    {"email", USE_TEXT},
    {"nic-hdl", USE_TEXT},
    {"role", USE_TEXT},
    {"person", USE_TEXT},
    {"irt", USE_TEXT},
    {"organisation", USE_TEXT},
    {"org-name", USE_TEXT},
    {"trouble", USE_TEXT},
    {"comment", USE_TEXT},
    {"address", USE_TEXT | USE_ADDRESS},
};

const char *bulk_registry_text(enum bulk_registry registry)
{
    return registries[registry];
}

void bulk_reader_init(struct bulk_reader *r)
{
    *r = (struct bulk_reader){.source = SOURCE_MISSING};
    buf_init(&r->text, BULK_OBJECT_MAX);
}

void bulk_reader_done(struct bulk_reader *r)
{
    buf_done(&r->text);
}

static unsigned use_of(struct span key)
{
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        if (whois_same(key, attributes[i].key))
            return attributes[i].use;
    }
    return 0;
}

static struct span bare(struct span value)
{
    return whois_trim(span_part(value, 0, span_find(value, '#')));
}

static unsigned source_of(struct span value)
{
    for (unsigned i = 0; i < BULK_REGISTRIES; i++) {
        if (whois_same(value, registries[i]))
            return i;
    }
    for (size_t i = 0; i < sizeof mirrored / sizeof mirrored[0]; i++) {
        if (whois_same(value, mirrored[i]))
            return BULK_APNIC;
    }
    return SOURCE_UNKNOWN;
}

static void begin_object(struct bulk_reader *r, struct span key, struct span value, uint64_t number)
{
    buf_clear(&r->text);
    r->open = true;
    r->line = number;
    r->keeps = r->mails = r->refers = false;
    r->broken = NULL;
    r->source = SOURCE_MISSING;
    r->handle_len = 0;
    bool network = whois_same(key, "inetnum") || whois_same(key, "inet6num");
    bool named = whois_same(key, "irt") || whois_same(key, "organisation");
    bool contact = named || whois_same(key, "role") || whois_same(key, "person");
    r->class = network ? BULK_NETWORK : contact ? BULK_CONTACT : BULK_OTHER;
    r->has_range = network && whois_range(value, &r->range) == 0;
    if (network && !r->has_range)
        r->broken = "expected a range of addresses, such as 192.0.2.0 - 192.0.2.255";
    r->refers = whois_same(key, "organisation"); /* it has a name that matters, too */
}

static void take_handle(struct bulk_reader *r, struct span value)
{
    value = bare(value);
    if (value.len == 0 || value.len > sizeof r->handle) {
        r->broken = "expected a handle of at most 80 characters";
        return;
    }
    memcpy(r->handle, value.at, value.len);
    r->handle_len = value.len;
}

static void take_pair(struct bulk_reader *r, struct span line, struct span key, struct span value)
{
    unsigned use = use_of(key);
    r->keeps = (use & USE_TEXT) != 0 && ((use & USE_NETWORK) == 0 || r->class == BULK_NETWORK) &&
               ((use & USE_ADDRESS) == 0 || span_find(value, '@') < value.len);
    if (!r->keeps)
        return;
    if (whois_same(key, "source"))
        r->source = source_of(bare(value));
    else if (r->class == BULK_CONTACT && (whois_same(key, "nic-hdl") || whois_same(key, "irt") || whois_same(key, "organisation")))
        take_handle(r, value);
    r->mails = r->mails || span_find(value, '@') < value.len;
    buf_span(&r->text, line);
    buf_byte(&r->text, '\n');
}

static int end_object(struct bulk_reader *r, struct bulk_object *ret, const char **ret_why)
{
    if (!r->open)
        return 0;
    r->open = false;
    *ret = (struct bulk_object){.class = r->class, .line = r->line, .range = r->range};
    if (r->class == BULK_OTHER)
        return 0;
    if (r->text.error == -ENOMEM)
        return -ENOMEM;
    if (r->text.error != 0)
        r->broken = "the object is longer than 64 KiB";
    else if (r->broken == NULL && r->source == SOURCE_MISSING)
        r->broken = "expected a source:, there is none";
    else if (r->broken == NULL && r->source == SOURCE_UNKNOWN)
        r->broken = "expected source: RIPE, APNIC or AFRINIC";
    else if (r->broken == NULL && r->class == BULK_CONTACT && r->handle_len == 0)
        r->broken = "expected a nic-hdl:, there is none";
    if (r->broken != NULL) {
        *ret_why = r->broken;
        if (r->class == BULK_NETWORK && r->has_range && r->source < BULK_REGISTRIES)
            ret->registry = (enum bulk_registry)r->source;
        else
            ret->class = BULK_OTHER;
        return -ERR_MALFORMED;
    }
    ret->registry = (enum bulk_registry)r->source;
    ret->handle = span_of(r->handle, r->handle_len);
    ret->text = buf_as_span(&r->text);
    return r->class == BULK_NETWORK || r->mails || r->refers;
}

int bulk_reader_line(struct bulk_reader *r, struct span line, uint64_t number, struct bulk_object *ret, const char **ret_why)
{
    struct span text = whois_trim(line), key, value;
    if (text.len == 0)
        return end_object(r, ret, ret_why);
    if (line.at[0] == '%' || line.at[0] == '#')
        return 0;
    if (r->open && (line.at[0] == ' ' || line.at[0] == '\t' || line.at[0] == '+')) {
        if (r->keeps && r->class != BULK_OTHER) {
            r->mails = r->mails || span_find(text, '@') < text.len;
            buf_span(&r->text, line);
            buf_byte(&r->text, '\n');
        }
        return 0;
    }
    bool pair = whois_pair(text, &key, &value);
    if (!r->open)
        begin_object(r, pair ? key : text, pair ? value : (struct span){0}, number);
    if (pair && r->class != BULK_OTHER)
        take_pair(r, line, key, value);
    else if (!pair && r->broken == NULL)
        r->broken = "expected a line such as \"netname: EXAMPLE\"";
    return 0;
}

int bulk_reader_end(struct bulk_reader *r, struct bulk_object *ret, const char **ret_why)
{
    return end_object(r, ret, ret_why);
}
