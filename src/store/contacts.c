#include "store/contacts_parts.h"

#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>

enum { RECORDS_MAX = 50000, TEXTS_MAX = 16 * 1024 * 1024 };

int contacts_new(struct contacts **ret, sqlite3 *control, const struct hash_key *key, const struct contacts_limits *limits)
{
    struct contacts *contacts = calloc(1, sizeof *contacts);
    if (contacts == NULL)
        return -ENOMEM;
    contacts->control = control;
    contacts->key = key;
    contacts->limits = *limits;
    buf_init(&contacts->texts, TEXTS_MAX + 256 * 1024);
    int r = contacts_prepare(contacts);
    if (r != 0) {
        contacts_free(contacts);
        return r;
    }
    *ret = contacts;
    return 0;
}

void contacts_free(struct contacts *contacts)
{
    if (contacts == NULL)
        return;
    contacts_finalize(contacts);
    buf_done(&contacts->texts);
    free(contacts->records);
    free(contacts->facts);
    free(contacts);
}

bool contacts_full(const struct contacts *contacts)
{
    return contacts->record_count >= RECORDS_MAX || contacts->texts.len >= TEXTS_MAX;
}

void contacts_forget(struct contacts *contacts)
{
    contacts->record_count = contacts->fact_count = 0;
    buf_clear(&contacts->texts);
}

/* How much of a text is kept; 0: nothing of it. */
static size_t kept_most(enum fact_name name)
{
    switch ((int)name) {
    case FACT_CONTENT:
    case FACT_LOOKUP_QUERY:
    case FACT_EVENT_DURATION:
        return 0;
    case FACT_CONTACT_VALUE:
        return FINDING_VALUE_MAX;
    case FACT_DEBTS:
    case FACT_DOMAINS:
        return CONTACT_LIST_MAX;
    case FACT_EVENT_REASON:
        return CONTACT_REASON_MAX;
    case FACT_EVIDENCE:
    case FACT_HOLDER:
    case FACT_TASK:
    case FACT_CHANNEL:
    case FACT_CONTACT_ATTRIBUTE:
    case FACT_CONTACT_FLAGS:
        return CONTACT_EVIDENCE_MAX;
    case FACT_LOOKUP_SERVER:
        return 2 * (size_t)CONTACT_REASON_MAX;
    case FACT_HOST_NAME:
    case FACT_CONTACT_DOMAIN:
        return CONTACT_NAME_MAX;
    default:
        return CONTACT_WORD_MAX;
    }
}

static int add_fact(struct contacts *contacts, const struct fact *fact)
{
    const struct fact_info *info = fact_info(fact->name);
    size_t most = kept_most(fact->name);
    if (info == NULL || info->type == FACT_TYPE_ADDR || most == 0)
        return 0;
    if (contacts->fact_count == contacts->fact_room) {
        size_t room = contacts->fact_room == 0 ? 1024 : contacts->fact_room * 2;
        struct told_fact *more = realloc(contacts->facts, room * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        contacts->facts = more;
        contacts->fact_room = room;
    }
    struct told_fact *told = &contacts->facts[contacts->fact_count++];
    *told = (struct told_fact){.name = fact->name, .at = (uint32_t)contacts->texts.len};
    if (info->type == FACT_TYPE_INT) {
        told->number = fact->number;
        return 0;
    }
    struct span text = fact->text;
    if (text.len > most) { /* cut at a character's border */
        text = span_part(text, 0, most);
        text = span_part(text, 0, text_utf8_valid(text));
    }
    told->len = (uint32_t)text.len;
    buf_span(&contacts->texts, text);
    return contacts->texts.error;
}

int contacts_add(struct contacts *contacts, const struct record *record)
{
    if (!contacts_kind(record->kind) && !contacts_dial(record))
        return 0;
    if (contacts->record_count == contacts->record_room) {
        size_t room = contacts->record_room == 0 ? 256 : contacts->record_room * 2;
        struct told_record *more = realloc(contacts->records, room * sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        contacts->records = more;
        contacts->record_room = room;
    }
    struct told_record *told = &contacts->records[contacts->record_count];
    *told = (struct told_record){.kind = record->kind,
                                 .time = record->time,
                                 .id = record->id,
                                 .session = record->session,
                                 .address = record->destination.addr,
                                 .fact_at = contacts->fact_count};
    int r = 0;
    for (size_t i = 0; i < record->fact_count && r == 0; i++)
        r = add_fact(contacts, &record->facts[i]);
    told->fact_count = contacts->fact_count - told->fact_at;
    contacts->record_count++;
    return r;
}

static const struct told_fact *find(const struct contacts *contacts, const struct told_record *told, enum fact_name name)
{
    for (size_t i = told->fact_at; i < told->fact_at + told->fact_count; i++) {
        if (contacts->facts[i].name == name)
            return &contacts->facts[i];
    }
    return NULL;
}

struct span told_text(const struct contacts *contacts, const struct told_record *told, enum fact_name name)
{
    const struct told_fact *fact = find(contacts, told, name);
    return fact != NULL ? span_part(buf_as_span(&contacts->texts), fact->at, fact->len) : (struct span){0};
}

int64_t told_number(const struct contacts *contacts, const struct told_record *told, enum fact_name name)
{
    const struct told_fact *fact = find(contacts, told, name);
    return fact != NULL ? fact->number : 0;
}

bool contacts_prefix(struct span text, struct prefix *ret)
{
    size_t slash = span_find(text, '/');
    struct addr addr;
    unsigned bits = 0;
    if (slash == text.len)
        return prefix_parse(text, ret) == 0;
    if (addr_parse(span_part(text, 0, slash), &addr) != 0 || text.len - slash > 4 || text.len - slash < 2)
        return false;
    for (size_t i = slash + 1; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        bits = bits * 10 + (unsigned)(text.at[i] - '0');
    }
    bits += addr_is_v4(addr) ? 96 : 0;
    if (bits > 128)
        return false;
    for (unsigned bit = bits; bit < 128; bit++)
        addr.bytes[bit / 8] = (uint8_t)(addr.bytes[bit / 8] & ~(0x80U >> (bit % 8)));
    *ret = (struct prefix){.addr = addr, .bits = (uint8_t)bits};
    return true;
}

int64_t contacts_hour(usec_t wall, int64_t clock_speed)
{
    /* In two parts: the product alone would not fit. */
    return wall / USEC_PER_HOUR * clock_speed + wall % USEC_PER_HOUR * clock_speed / USEC_PER_HOUR;
}

usec_t contacts_hour_begin(int64_t hour, int64_t clock_speed)
{
    return hour / clock_speed * USEC_PER_HOUR + hour % clock_speed * USEC_PER_HOUR / clock_speed;
}
