#include "base/buf.h"
#include "base/err.h"
#include "contact/rdap.h"

#include <strings.h>
#include <sys/random.h>

struct reading {
    struct quest *quest;
    struct finding like;
    struct span url;
    struct rdap_answer *answer;
    size_t entities, mails, lines;
};

/* ---- JSON ---- */

/* Depth and number of values before anything is built of them: the parser recurses, and a value costs many times its byte. */
static bool within_limits(struct span bytes)
{
    size_t depth = 0, values = 1;
    bool text = false;
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = bytes.at[i];
        if (text && c == '\\')
            i++;
        else if (c == '"')
            text = !text;
        else if (!text && (c == '{' || c == '['))
            depth++, values++;
        else if (!text && (c == '}' || c == ']'))
            depth -= depth > 0;
        else if (!text && c == ',')
            values++;
        if (depth > RDAP_DEPTH_MAX || values > RDAP_VALUES_MAX)
            return false;
    }
    return true;
}

/* Otherwise libjansson looks for a seed of its tables in a file that this process can't open. */
static void seed_once(void)
{
    static bool seeded;
    size_t seed;
    if (!seeded && getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed)
        json_object_seed(seed);
    seeded = true;
}

int rdap_load(struct span bytes, json_t **ret)
{
    seed_once();
    if (bytes.len > RDAP_SIZE_MAX || !within_limits(bytes))
        return -ERR_LIMIT;
    json_t *root = json_loadb((const char *)bytes.at, bytes.len, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        return -ERR_MALFORMED;
    }
    *ret = root;
    return 0;
}

static struct span text_of(const json_t *value)
{
    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value)) : (struct span){0};
}

static struct span member(const json_t *object, const char *key)
{
    return text_of(json_object_get(object, key));
}

static bool is_text(const json_t *value, const char *what)
{
    struct span text = text_of(value);
    return text.len == strlen(what) && strncasecmp((const char *)text.at, what, text.len) == 0;
}

/* ---- networks ---- */

/* As RFC 4291 and dotted decimal; also with zeros in front ("074.125.000.000") and a length behind ("62.239.237.0/32"), as registries wrote them. */
static bool parse_address(struct span text, struct addr *ret)
{
    char plain[64];
    size_t len = 0;
    text = span_part(text, 0, span_find(text, '/'));
    if (text.len == 0 || text.len >= sizeof plain)
        return false;
    bool v4 = span_find(text, ':') == text.len;
    for (size_t i = 0; i < text.len; i++) {
        bool first = i == 0 || text.at[i - 1] == '.' || (len > 0 && plain[len - 1] == '.');
        bool digit_follows = i + 1 < text.len && text.at[i + 1] >= '0' && text.at[i + 1] <= '9';
        if (v4 && first && text.at[i] == '0' && digit_follows)
            continue;
        plain[len++] = (char)text.at[i];
    }
    return addr_parse(span_of(plain, len), ret) == 0;
}

static struct prefix prefix_at(struct addr addr, unsigned bits)
{
    struct prefix p = {.addr = addr, .bits = (uint8_t)bits};
    for (unsigned i = bits; i < 128; i++)
        p.addr.bytes[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
    return p;
}

static struct addr last_of(struct prefix p)
{
    for (unsigned i = p.bits; i < 128; i++)
        p.addr.bytes[i / 8] |= (uint8_t)(0x80u >> i % 8);
    return p.addr;
}

static struct prefix block_of(struct addr start, struct addr end, struct addr target)
{
    for (unsigned bits = addr_is_v4(target) ? 96 : 1; bits <= 128; bits++) {
        struct prefix p = prefix_at(target, bits);
        if (memcmp(p.addr.bytes, start.bytes, 16) >= 0 && memcmp(last_of(p).bytes, end.bytes, 16) <= 0)
            return p;
    }
    return (struct prefix){0};
}

/* What registries call the blocks that they keep for another. */
static bool is_unmanaged(struct span name, struct prefix block, struct addr target)
{
    static const char *const names[] = {"NON-RIPE-NCC-MANAGED", "ERX-NETBLOCK", "IANA-NETBLOCK", "IANA-BLK", "AFRINIC-NET-TRANSFERRED"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (span_starts(name, names[i]))
            return true;
    }
    return block.bits > 0 && block.bits < (addr_is_v4(target) ? 96 + 8 : 12);
}

static void read_network(struct reading *r, const json_t *root)
{
    struct addr start, end, target = quest_target(r->quest)->addr;
    struct span name = member(root, "name");
    if (parse_address(member(root, "startAddress"), &start) && parse_address(member(root, "endAddress"), &end))
        r->answer->block = block_of(start, end, target);
    r->answer->unmanaged = is_unmanaged(name, r->answer->block, target);
    if (r->answer->unmanaged)
        r->answer->block = (struct prefix){0};
    r->like.block = r->answer->block;
}

/* ---- roles ---- */

/* RFC 9083 §10.2.4, best first. */
static const struct {
    const char *name;
    enum contact_role role;
    unsigned rank;
} roles[] = {
    {"abuse", CONTACT_ROLE_ABUSE, 0},          {"noc", CONTACT_ROLE_NOC, 30},
    {"technical", CONTACT_ROLE_TECHNICAL, 40}, {"administrative", CONTACT_ROLE_ADMINISTRATIVE, 50},
    {"registrant", CONTACT_ROLE_OWNER, 60},    {"proxy", CONTACT_ROLE_NONE, 70},
    {"billing", CONTACT_ROLE_NONE, 80},        {"registrar", CONTACT_ROLE_REGISTRAR, 90},
    {"reseller", CONTACT_ROLE_REGISTRAR, 90},  {"sponsor", CONTACT_ROLE_REGISTRAR, 90},
};
enum { RANK_NO_ROLE = 70, RANK_SECURITY = 20 };

static bool has_role(const json_t *entity, const char *name)
{
    const json_t *list = json_object_get(entity, "roles");
    for (size_t i = 0; i < json_array_size(list) && i < 32; i++) {
        if (is_text(json_array_get(list, i), name))
            return true;
    }
    return is_text(list, name);
}

/* Below a registrar everything is the registrar's own. */
static void set_role(struct finding *f, const json_t *entity, const struct finding *parent, unsigned depth)
{
    if (parent->role == CONTACT_ROLE_REGISTRAR)
        return;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (has_role(entity, roles[i].name)) {
            f->role = roles[i].role;
            f->rank = roles[i].rank + depth;
            return;
        }
    }
    f->role = CONTACT_ROLE_NONE;
    f->rank = RANK_NO_ROLE + depth;
    if (has_role(entity, "notifications"))
        f->objection = OBJECTION_NOTIFY;
}

/* ---- entities ---- */

static const json_t *properties(const json_t *entity)
{
    const json_t *card = json_object_get(entity, "vcardArray");
    return is_text(json_array_get(card, 0), "vcard") ? json_array_get(card, 1) : NULL;
}

static struct span property(const json_t *entity, const char *name)
{
    const json_t *list = properties(entity);
    for (size_t i = 0; i < json_array_size(list) && i < 200; i++) {
        const json_t *p = json_array_get(list, i);
        if (is_text(json_array_get(p, 0), name))
            return text_of(json_array_get(p, 3));
    }
    return (struct span){0};
}

/* What a remark of the same entity said against an address holds for the address in its card, too. */
static enum objection said_before(const struct reading *r, struct span mail)
{
    for (const struct finding *f = quest_findings(r->quest)->first; f != NULL; f = f->next) {
        if (f->channel == r->like.channel && (f->objection == OBJECTION_NOT_FOR_US || f->objection == OBJECTION_REFUSED) &&
            span_equal(f->value, mail))
            return f->objection;
    }
    return OBJECTION_NONE;
}

static void take(struct reading *r, const struct finding *as, struct span value, const json_t *evidence)
{
    struct finding f = *as;
    struct span mail;
    if (value.len == 0 || r->mails++ >= RDAP_MAILS_MAX)
        return;
    char *text = json_dumps(evidence, JSON_COMPACT | JSON_ENCODE_ANY);
    f.evidence = span_text(text);
    if (span_starts(value, "https://") || span_starts(value, "http://")) {
        f.kind = CONTACT_FORM;
        f.value = span_part(value, 0, span_find(value, '#'));
        if (findings_add(quest_findings(r->quest), &f) != NULL)
            r->answer->contacts += f.objection == OBJECTION_NONE;
    } else if (mail_normalise(quest_arena(r->quest), value, &mail) == 0) {
        if (f.objection == OBJECTION_NONE)
            f.objection = said_before(r, mail);
        const struct finding *kept = note_mail(r->quest, &f, mail);
        r->answer->contacts += kept != NULL && kept->objection == OBJECTION_NONE;
    }
    free(text);
}

/* RFC 7095 §3.3: name, parameters, type, one value or more. RFC 8605 adds contact-uri. */
static void read_card(struct reading *r, const json_t *entity, const struct finding *as)
{
    const json_t *list = properties(entity);
    for (size_t i = 0; i < json_array_size(list) && i < 200; i++) {
        const json_t *p = json_array_get(list, i);
        struct finding f = *as;
        if (is_text(json_array_get(p, 0), "email"))
            f.attribute = span_text("jCard email");
        else if (is_text(json_array_get(p, 0), "contact-uri"))
            f.attribute = span_text("jCard contact-uri");
        else
            continue;
        for (size_t k = 3; k < json_array_size(p) && k < 20; k++) {
            const json_t *value = json_array_get(p, k);
            take(r, &f, text_of(value), p);
            for (size_t n = 0; n < json_array_size(value) && n < 20; n++)
                take(r, &f, text_of(json_array_get(value, n)), p);
        }
    }
}

static size_t split_lines(struct span text, struct span *lines, size_t room)
{
    size_t count = 0;
    while (text.len > 0 && count < room) {
        size_t len = span_find(text, '\n');
        lines[count++] = span_part(text, 0, len);
        text = span_part(text, len + 1, text.len);
    }
    return count;
}

/* Remarks and notices: RFC 9083 §4.3; also with one text where a list should be. */
static void read_remarks(struct reading *r, const json_t *owner, const char *key, const struct finding *as, const char *attribute)
{
    const json_t *list = json_object_get(owner, key);
    struct finding f = *as;
    f.attribute = span_text(attribute);
    for (size_t i = 0; i < json_array_size(list) && r->lines < RDAP_REMARK_LINES_MAX; i++) {
        struct span lines[NOTE_LINES_MAX];
        size_t count = 0;
        const json_t *words = json_object_get(json_array_get(list, i), "description");
        for (size_t k = 0; k < json_array_size(words) && count < NOTE_LINES_MAX; k++)
            count += split_lines(text_of(json_array_get(words, k)), lines + count, NOTE_LINES_MAX - count);
        count += split_lines(text_of(words), lines + count, NOTE_LINES_MAX - count);
        note_remarks(r->quest, &f, lines, count);
        r->lines += count + 1;
    }
}

static struct span host_of(struct span url)
{
    static const char scheme[] = "https://";
    if (!span_starts(url, scheme))
        return (struct span){0};
    struct span host = span_part(url, sizeof scheme - 1, url.len);
    return span_part(host, 0, span_find(host, '/'));
}

static bool is_url(struct span url)
{
    for (size_t i = 0; i < url.len; i++) {
        if (url.at[i] <= ' ' || url.at[i] >= 0x7f)
            return false;
    }
    return url.len > 0 && url.len <= RDAP_URL_MAX && host_of(url).len > 0;
}

/* The first link of that relation that leads to RDAP over https, in the arena; old answers say http of servers that long have https. */
static struct span link_to(struct reading *r, const json_t *owner, const char *relation)
{
    const json_t *list = json_object_get(owner, "links");
    for (size_t i = 0; i < json_array_size(list) && i < 32; i++) {
        const json_t *link = json_array_get(list, i);
        struct span href = member(link, "href"), url = {0};
        const json_t *type = json_object_get(link, "type");
        if (!is_text(json_object_get(link, "rel"), relation) || (type != NULL && !is_text(type, "application/rdap+json")))
            continue;
        if (href.len > RDAP_URL_MAX || (!span_starts(href, "http://") && !span_starts(href, "https://")))
            continue;
        struct span rest = span_part(href, span_find(href, ':'), href.len);
        char *copy = arena_alloc(quest_arena(r->quest), rest.len + sizeof "https");
        if (copy == NULL)
            return url;
        memcpy(copy, "https", 5);
        memcpy(copy + 5, rest.at, rest.len);
        url = span_of(copy, rest.len + 5);
        if (is_url(url))
            return url;
    }
    return (struct span){0};
}

static struct span keep(struct reading *r, struct span text)
{
    char *copy = arena_copy(quest_arena(r->quest), span_part(text, 0, FINDING_EVIDENCE_MAX));
    return copy != NULL ? span_part(span_text(copy), 0, FINDING_EVIDENCE_MAX) : (struct span){0};
}

/* Named without a card: its own answer may have one. Only the server that spoke is asked. */
static void want(struct reading *r, const json_t *entity, const struct finding *as)
{
    struct rdap_answer *a = r->answer;
    struct span url;
    if (as->role > CONTACT_ROLE_ADMINISTRATIVE || a->wanted_count == RDAP_WANTED_MAX || json_array_size(properties(entity)) > 0)
        return;
    url = link_to(r, entity, "self");
    if (url.len == 0 || !span_equal(host_of(url), host_of(r->url)) || span_equal(url, r->url))
        return;
    for (size_t i = 0; i < a->wanted_count; i++) {
        if (span_equal(a->wanted[i].url, url))
            return;
    }
    a->wanted[a->wanted_count++] = (struct rdap_wanted){.url = url, .handle = keep(r, member(entity, "handle")), .role = as->role, .rank = as->rank};
}

static void read_entities(struct reading *r, const json_t *owner, const struct finding *parent, unsigned depth);

static void read_entity(struct reading *r, const json_t *entity, const struct finding *as, unsigned depth)
{
    read_remarks(r, entity, "remarks", as, "remarks");
    read_card(r, entity, as);
    want(r, entity, as);
    read_entities(r, entity, as, depth + 1);
}

static void read_entities(struct reading *r, const json_t *owner, const struct finding *parent, unsigned depth)
{
    const json_t *list = json_object_get(owner, "entities");
    if (depth > RDAP_DEPTH_MAX / 4)
        return;
    for (size_t i = 0; i < json_array_size(list) && r->entities < RDAP_ENTITIES_MAX; i++) {
        const json_t *entity = json_array_get(list, i);
        struct finding f = *parent;
        r->entities++;
        if (!json_is_object(entity))
            continue;
        set_role(&f, entity, parent, depth);
        read_entity(r, entity, &f, depth);
    }
}

static bool holds(struct span text, const char *what)
{
    return memmem(text.at, text.len, what, strlen(what)) != NULL;
}

/* A national registry's block as its regional one shows it: the remarks send to the national registry's own server. */
static bool is_mirrored(const json_t *remarks)
{
    static const char *const servers[] = {"whois.nic.ad.jp", "JPNIC Allocation Block", "whois.krnic.net", "whois.kisa.or.kr",
                                          "whois.nic.or.kr", "whois.twnic.net",        "whois.cnnic.",    "whois.irinn.in"};
    for (size_t i = 0; i < json_array_size(remarks) && i < 32; i++) {
        const json_t *lines = json_object_get(json_array_get(remarks, i), "description");
        for (size_t k = 0; k < json_array_size(lines) && k < NOTE_LINES_MAX; k++) {
            struct span line = span_part(text_of(json_array_get(lines, k)), 0, NOTE_LINE_MAX);
            for (size_t n = 0; n < sizeof servers / sizeof servers[0] && line.len > 0; n++) {
                if (holds(line, servers[n]))
                    return true;
            }
        }
    }
    return false;
}

/* The registrant's name, else the first line of the description, else the network's name. Of a mirrored block the description is the national
 * registry, which is not the holder; the network's name begins with the holder's: "IIJ-JPNIC-JP-20000308". */
static struct span holder_of(const json_t *root)
{
    const json_t *list = json_object_get(root, "entities"), *remarks = json_object_get(root, "remarks");
    struct span name = {0};
    for (size_t i = 0; i < json_array_size(list) && i < RDAP_ENTITIES_MAX && name.len == 0; i++) {
        if (has_role(json_array_get(list, i), "registrant"))
            name = property(json_array_get(list, i), "fn");
    }
    if (name.len == 0 && is_mirrored(remarks)) {
        name = member(root, "name");
        name = span_part(name, 0, span_find(name, '-'));
        return name.len >= 3 && memcmp(name.at + name.len - 3, "NIC", 3) == 0 ? span_part(name, 0, 0) : name;
    }
    for (size_t i = 0; i < json_array_size(remarks) && i < 32 && name.len == 0; i++) {
        if (is_text(json_object_get(json_array_get(remarks, i), "title"), "description"))
            name = text_of(json_array_get(json_object_get(json_array_get(remarks, i), "description"), 0));
    }
    return name.len > 0 ? name : member(root, "name");
}

void rdap_read(struct quest *q, json_t *root, const struct finding *like, struct span url, struct rdap_answer *ret)
{
    struct reading r = {.quest = q, .like = *like, .url = url, .answer = ret};
    struct finding banner;
    *ret = (struct rdap_answer){0};
    if (json_object_get(root, "errorCode") != NULL) {
        double code = json_number_value(json_object_get(root, "errorCode"));
        ret->error_code = code >= 1 && code < 1000 ? (int)code : 500;
        ret->title = keep(&r, member(root, "title"));
        return;
    }
    if (json_object_get(root, "startAddress") != NULL)
        read_network(&r, root);
    if (like->holder.len == 0)
        r.like.holder = keep(&r, holder_of(root));
    ret->holder = r.like.holder;
    banner = r.like;
    banner.objection = OBJECTION_BANNER;
    read_remarks(&r, root, "remarks", &r.like, "remarks");
    if (properties(root) != NULL) { /* an entity that was asked for itself */
        read_entity(&r, root, &r.like, 0);
    } else {
        read_entities(&r, root, &r.like, 0);
        ret->related = quest_target(q)->domain.len > 0 ? link_to(&r, root, "related") : (struct span){0};
    }
    read_remarks(&r, root, "notices", &banner, "notices");
}
