/* Messages of the DNS: a question is made, an answer read. c-ares makes the question and unfolds compressed names; it has no function that tells a
 * record's TTL or follows a CNAME for every type, so the records themselves are walked here, through a cursor. */
#include "base/cursor.h"
#include "outside/dns.h"

#include <ares.h>
#include <errno.h>
#include <stdio.h>

enum { HEADER_SIZE = 12, OPT_SIZE = 11 /* the record of EDNS behind the question */, QUESTION_REST = 4 /* type and class */ };
enum { ANSWER_BITS = 0xf8, ANSWER = 0x80 /* QR 1, opcode 0, in the third byte */, CUT_BIT = 0x02, CODE_BITS = 0x0f /* in the fourth */ };
enum { TYPE_CNAME = 5, CLASS_IN = 1, RCODE_NAME = 3, ESCAPED_MAX = 4 * DNS_NAME_MAX + 8 };
enum { TTL_MAX = 86400, TTL_NEGATIVE_MAX = 3 * 3600 };

/* A record of the answer or authority section; the owner in lower case, escaped as c-ares does. */
struct rr {
    char owner[DNS_NAME_MAX + 1];
    uint16_t type;
    uint32_t ttl;
    size_t at, len; /* of its data in the message */
};

/* ---- questions ---- */

char *dns_reverse(struct addr addr, char name[static DNS_REVERSE_SIZE])
{
    const uint8_t *b = addr.bytes;
    if (addr_is_v4(addr)) {
        (void)snprintf(name, DNS_REVERSE_SIZE, "%u.%u.%u.%u.in-addr.arpa", b[15], b[14], b[13], b[12]);
        return name;
    }
    char *at = name;
    for (size_t i = sizeof addr.bytes; i > 0; i--, at += 4)
        (void)snprintf(at, 5, "%x.%x.", b[i - 1] & 15U, b[i - 1] >> 4U);
    (void)snprintf(at, 9, "ip6.arpa");
    return name;
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool of_host(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '/' || c == '*';
}

int dns_name(struct span text, char name[static DNS_NAME_MAX + 1])
{
    size_t label = 0;
    char made[DNS_NAME_MAX + 1];
    if (text.len > 0 && text.at[text.len - 1] == '.')
        text = span_part(text, 0, text.len - 1);
    if (text.len == 0 || text.len > DNS_NAME_MAX)
        return -ERR_MALFORMED;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.at[i];
        if (!of_host(c) || (c == '.' && label == 0) || (c != '.' && label == 63))
            return -ERR_MALFORMED;
        label = c == '.' ? 0 : label + 1;
        made[i] = lower(c);
    }
    if (label == 0)
        return -ERR_MALFORMED;
    made[text.len] = '\0';
    memcpy(name, made, text.len + 1);
    return 0;
}

int dns_encode(const char *name, enum dns_type type, uint16_t id, uint64_t cases, uint8_t query[static DNS_QUERY_MAX])
{
    char mixed[DNS_NAME_MAX + 1];
    unsigned char *made = NULL;
    int len = 0;
    unsigned letter = 0;
    int r = dns_name(span_text(name), mixed);
    if (r != 0)
        return r;
    for (char *c = mixed; *c != '\0'; c++) {
        if (*c >= 'a' && *c <= 'z' && (cases >> letter++ % 64 & 1) != 0)
            *c = (char)(*c - 'a' + 'A');
    }
    int status = ares_create_query(mixed, CLASS_IN, (int)type, id, 1, &made, &len, DNS_MESSAGE_MAX);
    if (status != ARES_SUCCESS || len < HEADER_SIZE + OPT_SIZE || len > DNS_QUERY_MAX) {
        ares_free_string(made);
        return status == ARES_ENOMEM ? -ENOMEM : -ERR_MALFORMED;
    }
    memcpy(query, made, (size_t)len);
    ares_free_string(made);
    return len;
}

bool dns_answers(struct span query, struct span message)
{
    if (query.len < HEADER_SIZE + OPT_SIZE)
        return false;
    struct span asked = span_part(query, HEADER_SIZE, query.len - OPT_SIZE - HEADER_SIZE);
    struct cursor c = cursor_of(message), q = cursor_of(query);
    uint16_t id = cursor_be16(&c);
    uint8_t kind = cursor_u8(&c);
    (void)cursor_u8(&c);
    uint16_t questions = cursor_be16(&c);
    (void)cursor_take(&c, HEADER_SIZE - 6);
    struct span told = cursor_take(&c, asked.len);
    return c.error == 0 && id == cursor_be16(&q) && (kind & ANSWER_BITS) == ANSWER && questions == 1 && span_equal(told, asked);
}

/* ---- names in a message ---- */

/* The name at `at`, unfolded, as c-ares writes it (RFC 1035 §5.1: \. \\ \DDD …). How many bytes it takes there; -1. */
static long unfold(struct span message, size_t at, char text[static ESCAPED_MAX + 1])
{
    char *told = NULL;
    long taken = 0;
    if (at >= message.len || ares_expand_name(message.at + at, message.at, (int)message.len, &told, &taken) != ARES_SUCCESS)
        return -1;
    size_t len = strnlen(told, ESCAPED_MAX + 1);
    bool fits = len <= ESCAPED_MAX;
    if (fits)
        memcpy(text, told, len + 1);
    ares_free_string(told);
    return fits ? taken : -1;
}

static uint8_t *room(struct dns_message *m, size_t len)
{
    return m->text_len + len <= sizeof m->text ? m->text + m->text_len : NULL;
}

/* A host's name becomes a record's text. */
static bool keep_host(struct dns_message *m, const char *told, struct dns_record *record)
{
    char name[DNS_NAME_MAX + 1];
    bool root = told[0] == '\0' || (told[0] == '.' && told[1] == '\0');
    if (root && record->type == DNS_MX)
        return true;
    uint8_t *to = dns_name(span_text(told), name) == 0 ? room(m, strlen(name)) : NULL;
    if (to == NULL)
        return false;
    memcpy(to, name, strlen(name));
    record->text = span_of(to, strlen(name));
    m->text_len += record->text.len;
    return true;
}

/* The responsible person's: any printable character; of the escapes those that tell its labels apart stay. */
static bool keep_person(struct dns_message *m, const char *told, struct dns_record *record)
{
    char text[ESCAPED_MAX + 1];
    size_t len = 0;
    for (const char *c = told; *c != '\0'; c++) {
        bool escaped = *c == '\\';
        if (escaped)
            c++;
        if ((escaped && *c >= '0' && *c <= '9') || *c <= ' ' || *c > '~')
            return false;
        if (escaped && (*c == '.' || *c == '\\'))
            text[len++] = '\\';
        text[len++] = *c;
    }
    if (len > 0 && text[len - 1] == '.' && (len == 1 || text[len - 2] != '\\'))
        len--;
    uint8_t *to = len > 0 && len <= DNS_NAME_MAX ? room(m, len) : NULL;
    if (to == NULL)
        return false;
    memcpy(to, text, len);
    record->text = span_of(to, len);
    m->text_len += len;
    return true;
}

static bool keep_text(struct dns_message *m, struct span data, struct dns_record *record)
{
    struct cursor c = cursor_of(data);
    size_t len = 0;
    uint8_t *to = room(m, data.len);
    while (to != NULL && cursor_left(&c) > 0) {
        struct span part = cursor_take(&c, cursor_u8(&c));
        if (c.error != 0)
            return false;
        if (part.len > 0)
            memcpy(to + len, part.at, part.len);
        len += part.len;
    }
    record->text = span_of(to, len);
    m->text_len += len;
    return to != NULL && data.len > 0;
}

/* ---- records ---- */

static bool keep(struct dns_message *m, struct span message, const struct rr *rr)
{
    struct dns_record record = {.type = rr->type};
    struct span data = span_part(message, rr->at, rr->len);
    char told[ESCAPED_MAX + 1];
    size_t at = rr->at;
    bool kept = false;
    switch (rr->type) {
    case DNS_A:
        if ((kept = data.len == 4))
            record.addr = addr_v4((uint32_t)data.at[0] << 24 | (uint32_t)data.at[1] << 16 | (uint32_t)data.at[2] << 8 | data.at[3]);
        break;
    case DNS_AAAA:
        if ((kept = data.len == sizeof record.addr.bytes))
            memcpy(record.addr.bytes, data.at, data.len);
        break;
    case DNS_TXT:
        kept = keep_text(m, data, &record);
        break;
    case DNS_SOA: {
        long first = unfold(message, at, told); /* MNAME */
        kept = first > 0 && (size_t)first < data.len && unfold(message, at + (size_t)first, told) > 0 && keep_person(m, told, &record);
        break;
    }
    case DNS_MX:
        if (data.len < 3)
            break;
        record.preference = (uint16_t)(data.at[0] << 8 | data.at[1]);
        at += 2;
        kept = unfold(message, at, told) > 0 && keep_host(m, told, &record);
        break;
    default:
        kept = unfold(message, at, told) > 0 && keep_host(m, told, &record);
        break;
    }
    if (kept)
        m->records[m->count++] = record;
    return kept;
}

/* The next record at the cursor, of whatever kind. -1: it can't be read; 0: its owner is no name of ours. */
static int next_rr(struct cursor *c, struct span message, struct rr *ret)
{
    char owner[ESCAPED_MAX + 1];
    long taken = unfold(message, message.len - cursor_left(c), owner);
    if (taken < 0)
        return -1;
    (void)cursor_take(c, (size_t)taken);
    uint16_t type = cursor_be16(c), class = cursor_be16(c);
    uint32_t ttl = cursor_be32(c);
    size_t len = cursor_be16(c), at = message.len - cursor_left(c);
    (void)cursor_take(c, len);
    if (c->error != 0)
        return -1;
    size_t owner_len = strlen(owner);
    if (class != CLASS_IN || owner_len > DNS_NAME_MAX)
        return 0;
    *ret = (struct rr){.type = type, .ttl = ttl > INT32_MAX ? 0 : ttl, .at = at, .len = len};
    for (size_t i = 0; i < owner_len; i++)
        ret->owner[i] = lower(owner[i]);
    return 1;
}

/* RFC 2308 §5: as long as the zone's SOA says, and not at all without one. */
static uint32_t negative_ttl(struct cursor *c, struct span message, unsigned count)
{
    struct rr rr;
    for (unsigned i = 0; i < count; i++) {
        int r = next_rr(c, message, &rr);
        if (r < 0)
            return 0;
        if (r == 0 || rr.type != DNS_SOA || rr.len < 22)
            continue;
        struct cursor last = cursor_of(span_part(message, rr.at + rr.len - 4, 4));
        uint32_t minimum = cursor_be32(&last), ttl = minimum < rr.ttl ? minimum : rr.ttl;
        return ttl < TTL_NEGATIVE_MAX ? ttl : TTL_NEGATIVE_MAX;
    }
    return 0;
}

/* Follows CNAMEs from `name`; the name they end at and the shortest TTL on the way. */
static void follow(const struct rr *rrs, size_t count, struct span message, char name[static DNS_NAME_MAX + 1], uint32_t *ttl)
{
    char told[ESCAPED_MAX + 1];
    for (unsigned hop = 0; hop < DNS_ALIASES_MAX; hop++) {
        size_t i = 0;
        while (i < count && (rrs[i].type != TYPE_CNAME || strcmp(rrs[i].owner, name) != 0))
            i++;
        if (i == count || unfold(message, rrs[i].at, told) < 0 || strlen(told) > DNS_NAME_MAX)
            return;
        size_t len = strlen(told);
        for (size_t k = 0; k <= len; k++)
            name[k] = lower(told[k]);
        *ttl = rrs[i].ttl < *ttl ? rrs[i].ttl : *ttl;
    }
}

static void choose(struct dns_message *m, struct span message, const struct rr *rrs, size_t count, char name[static DNS_NAME_MAX + 1], uint16_t type)
{
    uint32_t ttl = TTL_MAX;
    bool any = false;
    follow(rrs, count, message, name, &ttl);
    for (size_t i = 0; i < count; i++) {
        if (rrs[i].type != type || strcmp(rrs[i].owner, name) != 0)
            continue;
        any = true; /* one that can't be used holds as long */
        ttl = rrs[i].ttl < ttl ? rrs[i].ttl : ttl;
        (void)keep(m, message, &rrs[i]);
    }
    if (any)
        m->ttl = ttl;
}

int dns_decode(struct span message, struct dns_message *m)
{
    struct rr rrs[DNS_RECORDS_MAX];
    char name[ESCAPED_MAX + 1];
    size_t count = 0;
    m->rcode = 0;
    m->cut = false;
    m->ttl = 0;
    m->count = m->text_len = 0;
    struct cursor c = cursor_of(message);
    (void)cursor_be16(&c);
    uint8_t kind = cursor_u8(&c), code = cursor_u8(&c);
    unsigned questions = cursor_be16(&c), answers = cursor_be16(&c), authority = cursor_be16(&c);
    (void)cursor_be16(&c);
    long taken = c.error == 0 && questions == 1 && message.len <= DNS_MESSAGE_MAX ? unfold(message, HEADER_SIZE, name) : -1;
    if (taken < 0 || strlen(name) > DNS_NAME_MAX)
        return -ERR_MALFORMED;
    (void)cursor_take(&c, (size_t)taken);
    uint16_t type = cursor_be16(&c);
    (void)cursor_take(&c, QUESTION_REST - 2);
    if (c.error != 0 || (kind & ANSWER_BITS) != ANSWER)
        return -ERR_MALFORMED;
    for (char *at = name; *at != '\0'; at++)
        *at = lower(*at);
    m->rcode = code & CODE_BITS;
    m->cut = (kind & CUT_BIT) != 0;
    if (m->rcode != 0 && m->rcode != RCODE_NAME)
        return 0;
    for (unsigned i = 0; i < answers; i++) {
        struct rr spare;
        int r = next_rr(&c, message, count < DNS_RECORDS_MAX ? &rrs[count] : &spare);
        if (r < 0 || count == DNS_RECORDS_MAX) {
            m->cut = true;
            count = r < 0 ? 0 : count; /* what is broken is not believed in part */
            break;
        }
        count += r > 0;
    }
    if (m->rcode == 0)
        choose(m, message, rrs, count, name, type);
    if (!m->cut && m->count == 0 && m->ttl == 0)
        m->ttl = negative_ttl(&c, message, authority);
    if (m->cut)
        m->ttl = 0;
    return 0;
}

struct span dns_first_name(const struct dns_answer *answer)
{
    struct span first = {0};
    for (size_t i = 0; i < answer->count; i++) {
        struct span text = answer->records[i].text;
        size_t shorter = text.len < first.len ? text.len : first.len;
        int order = shorter > 0 ? memcmp(text.at, first.at, shorter) : 0;
        if (first.len == 0 || order < 0 || (order == 0 && text.len < first.len))
            first = text;
    }
    return first;
}
