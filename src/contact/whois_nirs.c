/* The national registries that answer in forms of their own: JPNIC (and JPRS), KRNIC, TWNIC. */
#include "contact/whois_reading.h"

/* ---- JPNIC, JPRS: "a. [Network Number]   192.0.2.0/24"; contacts are handles, asked for one by one ---- */

enum jp_field {
    JP_OTHER,
    JP_ABUSE,
    JP_TECHNICAL,
    JP_ADMINISTRATIVE,
    JP_NETWORK,
    JP_AS,
    JP_NAME,
    JP_HOLDER,
    JP_MAIL,
    JP_NOTIFY,
    JP_UPDATE,
    JP_REPLY_MAIL
};

static const struct {
    const char *label; /* English, and as it stands in replies without /e */
    enum jp_field field;
} jp_labels[] = {
    {"Abuse", JP_ABUSE},
    {"Technical Contact", JP_TECHNICAL},
    {"\xe6\x8a\x80\xe8\xa1\x93\xe9\x80\xa3\xe7\xb5\xa1\xe6\x8b\x85\xe5\xbd\x93\xe8\x80\x85", JP_TECHNICAL},
    {"Administrative Contact", JP_ADMINISTRATIVE},
    {"\xe7\xae\xa1\xe7\x90\x86\xe8\x80\x85\xe9\x80\xa3\xe7\xb5\xa1\xe7\xaa\x93\xe5\x8f\xa3", JP_ADMINISTRATIVE},
    {"\xe7\x99\xbb\xe9\x8c\xb2\xe6\x8b\x85\xe5\xbd\x93\xe8\x80\x85", JP_ADMINISTRATIVE},
    {"Network Number", JP_NETWORK},
    {"IP\xe3\x83\x8d\xe3\x83\x83\xe3\x83\x88\xe3\x83\xaf\xe3\x83\xbc\xe3\x82\xaf\xe3\x82\xa2\xe3\x83\x89\xe3\x83\xac\xe3\x82\xb9", JP_NETWORK},
    {"AS Number", JP_AS},
    {"AS\xe7\x95\xaa\xe5\x8f\xb7", JP_AS},
    {"Network Name", JP_NAME},
    {"AS Name", JP_NAME},
    {"\xe3\x83\x8d\xe3\x83\x83\xe3\x83\x88\xe3\x83\xaf\xe3\x83\xbc\xe3\x82\xaf\xe5\x90\x8d", JP_NAME},
    {"Organization", JP_HOLDER},
    {"\xe7\xb5\x84\xe7\xb9\x94\xe5\x90\x8d", JP_HOLDER},
    {"Registrant", JP_HOLDER},
    {"E-Mail", JP_MAIL},
    {"Email", JP_MAIL},
    {"Electronic Mail", JP_MAIL},
    {"\xe9\x9b\xbb\xe5\xad\x90\xe3\x83\xa1\xe3\x82\xa4\xe3\x83\xab", JP_MAIL},
    {"\xe9\x9b\xbb\xe5\xad\x90\xe3\x83\xa1\xe3\x83\xbc\xe3\x83\xab", JP_MAIL},
    {"Notify", JP_NOTIFY},
    {"\xe9\x80\x9a\xe7\x9f\xa5\xe3\x82\xa2\xe3\x83\x89\xe3\x83\xac\xe3\x82\xb9", JP_NOTIFY},
    {"Reply Mail", JP_REPLY_MAIL},
    {"Last Update", JP_UPDATE},
    {"\xe6\x9c\x80\xe7\xb5\x82\xe6\x9b\xb4\xe6\x96\xb0", JP_UPDATE},
};

/* "n. [Technical Contact]         JP00010080": false: no such line. */
static bool jp_line(struct span line, enum jp_field *ret_field, struct span *ret_label, struct span *ret_value)
{
    size_t open = span_find(line, '['), close = span_find(line, ']');
    if (open > 4 || close == line.len || close < open)
        return false;
    struct span label = whois_trim(span_part(line, open + 1, close - open - 1));
    *ret_label = label;
    *ret_value = whois_trim(span_part(line, close + 1, line.len));
    *ret_field = JP_OTHER;
    for (size_t i = 0; i < sizeof jp_labels / sizeof jp_labels[0]; i++) {
        if (whois_same(label, jp_labels[i].label))
            *ret_field = jp_labels[i].field;
    }
    return true;
}

static void jp_mail(struct reading *r, enum jp_field field, struct span label, struct span value, struct span line)
{
    struct candidate c = {.role = CONTACT_ROLE_NONE, .weight = WEIGHT_OTHER, .attribute = label, .evidence = line};
    if (field == JP_ABUSE) {
        c.role = CONTACT_ROLE_ABUSE;
        c.weight = WEIGHT_ABUSE_LINE;
    } else if (field == JP_TECHNICAL) {
        c.role = CONTACT_ROLE_TECHNICAL;
        c.weight = WEIGHT_TECHNICAL;
    } else if (field == JP_ADMINISTRATIVE) {
        c.role = CONTACT_ROLE_ADMINISTRATIVE;
        c.weight = WEIGHT_ADMINISTRATIVE;
    } else if (field == JP_UPDATE) {
        c.objection = OBJECTION_UPDATER;
    } else if (field == JP_NOTIFY || field == JP_REPLY_MAIL) {
        c.objection = OBJECTION_NOTIFY;
    } else if (field != JP_MAIL) {
        return;
    }
    whois_note_mails(r, value, &c);
}

struct jp_handles {
    struct span list[WHOIS_HANDLES_MAX];
    size_t count;
};

static void jp_keep(struct jp_handles *h, struct span value)
{
    if (value.len > 0 && span_find(value, '@') == value.len && h->count < WHOIS_HANDLES_MAX)
        h->list[h->count++] = value;
}

/* In Japanese: "upper" and "lower information". */
#define JP_WIDER "\xe4\xb8\x8a\xe4\xbd\x8d\xe6\x83\x85\xe5\xa0\xb1"
#define JP_NARROWER "\xe4\xb8\x8b\xe4\xbd\x8d\xe6\x83\x85\xe5\xa0\xb1"

static bool jp_section(struct span line, const char *english, const char *japanese)
{
    return whois_has(line, english) || span_starts(whois_trim(line), japanese);
}

/* Where wider and narrower networks are listed, those are no data of this one. The narrowest of them around the address; empty: none. */
static struct span jp_narrowest(const struct reading *r, struct span left)
{
    struct span line, best = {0};
    struct range narrowest = {0}, range;
    while (whois_line(&left, &line)) {
        size_t close = 0;
        for (size_t i = 0; i < line.len; i++)
            close = line.at[i] == ']' ? i : close;
        struct span value = whois_trim(span_part(line, close > 0 ? close + 1 : line.len, line.len));
        struct prefix block;
        if (prefix_parse(value, &block) != 0 || whois_range(value, &range) != 0 || (r->has_addr && !whois_range_holds(&range, r->addr)))
            continue;
        if (best.len == 0 || whois_range_inside(&range, &narrowest)) {
            best = value;
            narrowest = range;
        }
    }
    return best;
}

/* Cuts the list of narrower networks off that of the wider ones. */
static struct span jp_cut_narrower(struct span *wider)
{
    for (struct span left = *wider, line; whois_line(&left, &line);) {
        if (line.len == 0 || !jp_section(line, "more specific info", JP_NARROWER))
            continue;
        *wider = span_of(wider->at, (size_t)(line.at - wider->at));
        return left;
    }
    return (struct span){0};
}

void whois_form_jpnic(struct reading *r)
{
    struct jp_handles technical = {.count = 0}, administrative = {.count = 0};
    struct span left = r->text, line, label, value, wider = {0};
    enum jp_field field = JP_OTHER, at = JP_OTHER;
    while (whois_line(&left, &line)) {
        struct range range;
        if (jp_section(line, "less specific info", JP_WIDER)) {
            wider = left;
            break;
        }
        if (!jp_line(line, &at, &label, &value)) {
            /* a value goes on in the next line: the address under [Last Update] */
            if (whois_trim(line).len > 0 && field != JP_OTHER && (line.at[0] == ' ' || line.at[0] == '\t'))
                jp_mail(r, field, label, whois_trim(line), whois_trim(line));
            continue;
        }
        field = at;
        jp_mail(r, field, label, value, whois_trim(line));
        if (field == JP_TECHNICAL)
            jp_keep(&technical, value);
        else if (field == JP_ADMINISTRATIVE)
            jp_keep(&administrative, value);
        else if (field == JP_HOLDER && value.len > 0)
            r->ret->holder = value;
        else if (field == JP_NAME)
            r->ret->netname = value;
        else if (field == (r->as != 0 ? JP_AS : JP_NETWORK) && whois_reading_range(r, value, &range) == 0 && whois_note_range(r, &range))
            r->found = true;
        r->found = r->found || field == JP_TECHNICAL || field == JP_MAIL;
    }
    struct span narrower = jp_cut_narrower(&wider);
    if (r->as == 0 && r->has_addr) /* what is assigned of it around the address is asked about first */
        whois_note_handle(r, jp_narrowest(r, narrower), CONTACT_ROLE_NONE);
    for (size_t i = 0; i < technical.count; i++)
        whois_note_handle(r, technical.list[i], CONTACT_ROLE_TECHNICAL);
    for (size_t i = 0; i < administrative.count; i++)
        whois_note_handle(r, administrative.list[i], CONTACT_ROLE_ADMINISTRATIVE);
    if (r->as == 0) /* the first wider one last of all */
        whois_note_handle(r, jp_narrowest(r, wider), CONTACT_ROLE_NONE);
    if (!r->found && whois_has(r->text, "no match!!") && r->has_addr && r->as == 0)
        whois_note_next_registry(r, "APNIC", span_text("No match!!"));
}

/* ---- KRNIC: the same data in Korean and in English; the provider's block, then the user's ---- */

enum { KR_BLOCKS = 16 };

struct kr_state {
    struct reading *r;
    struct range blocks[KR_BLOCKS];
    size_t count;
    struct range block; /* of the section that is read */
    bool has_block;
    enum contact_role role;
    unsigned weight;
};

static bool kr_key(struct span key, const char *english, const char *korean)
{
    return whois_same(key, english) || span_is(key, korean);
}

/* "[ Network Abuse Contact Information ]" */
static void kr_heading(struct kr_state *s, struct span line)
{
    s->role = CONTACT_ROLE_TECHNICAL;
    s->weight = WEIGHT_TECHNICAL;
    if (whois_has(line, "abuse") || whois_has(line, "spam")) {
        s->role = CONTACT_ROLE_ABUSE;
        s->weight = WEIGHT_ABUSE;
    } else if (whois_has(line, "admin")) {
        s->role = CONTACT_ROLE_ADMINISTRATIVE;
        s->weight = WEIGHT_ADMINISTRATIVE;
    }
}

/* How many blocks lie inside the one that a contact stands for: that many steps up. */
static unsigned kr_steps(const struct kr_state *s)
{
    unsigned steps = 0;
    for (size_t i = 0; s->has_block && i < s->count; i++) {
        bool same = memcmp(&s->blocks[i], &s->block, sizeof s->block) == 0;
        steps += !same && whois_range_inside(&s->blocks[i], &s->block);
    }
    return steps;
}

static void kr_block(struct kr_state *s, struct span value)
{
    struct range range;
    if (whois_reading_range(s->r, value, &range) != 0)
        return;
    s->block = range;
    s->has_block = true;
    (void)whois_note_range(s->r, &range);
    s->r->found = true;
    for (size_t i = 0; i < s->count; i++) {
        if (memcmp(&s->blocks[i], &range, sizeof range) == 0)
            return;
    }
    if (s->count < KR_BLOCKS)
        s->blocks[s->count++] = range;
}

/* One pass to learn the blocks, one for the contacts. */
static void kr_pass(struct kr_state *s, bool contacts)
{
    s->has_block = false;
    s->role = CONTACT_ROLE_TECHNICAL;
    s->weight = WEIGHT_TECHNICAL;
    for (struct span left = s->r->text, line, key, value; whois_line(&left, &line);) {
        line = whois_trim(line);
        if (line.len > 0 && line.at[0] == '[') {
            kr_heading(s, line);
            s->r->found = s->r->found || whois_has(line, "contact information"); /* of old, a provider's entry named no block */
        }
        if (line.len == 0 || !whois_pair(line, &key, &value))
            continue;
        if (s->r->as != 0 ? kr_key(key, "AS Number", "AS\xeb\xb2\x88\xed\x98\xb8")
                          : kr_key(key, "IPv4 Address", "IPv4\xec\xa3\xbc\xec\x86\x8c") ||
                                kr_key(key, "IPv6 Address", "IPv6\xec\xa3\xbc\xec\x86\x8c") || whois_same(key, "IP Address")) {
            kr_block(s, value);
        } else if (!contacts && s->has_block && memcmp(&s->block, &s->r->range, sizeof s->block) == 0 &&
                   kr_key(key, "Organization Name", "\xea\xb8\xb0\xea\xb4\x80\xeb\xaa\x85")) {
            s->r->ret->holder = value;
        } else if (!contacts && kr_key(key, "Service Name", "\xec\x84\x9c\xeb\xb9\x84\xec\x8a\xa4\xeb\xaa\x85")) {
            s->r->ret->netname = value;
        } else if (contacts && (kr_key(key, "E-Mail", "\xec\xa0\x84\xec\x9e\x90\xec\x9a\xb0\xed\x8e\xb8") || whois_same(key, "Email"))) {
            whois_note_mails(
                s->r, value,
                &(struct candidate){.role = s->role, .weight = s->weight + kr_steps(s) * WEIGHT_ABOVE, .attribute = key, .evidence = line});
        }
    }
}

void whois_form_krnic(struct reading *r)
{
    struct kr_state s = {.r = r};
    kr_pass(&s, false);
    kr_pass(&s, true);
    r->ret->country = span_text("KR");
}

/* ---- TWNIC: "   Technical contact:" and the address in the line below ---- */

void whois_form_twnic(struct reading *r)
{
    struct candidate c = {.role = CONTACT_ROLE_NONE, .weight = WEIGHT_OTHER};
    for (struct span left = r->text, line, key, value; whois_line(&left, &line);) {
        struct range range;
        line = whois_trim(line);
        c.evidence = line;
        if (line.len == 0)
            continue;
        if (!whois_pair(line, &key, &value)) {
            whois_note_mails(r, line, &c);
            continue;
        }
        c.attribute = key;
        c.role = CONTACT_ROLE_NONE;
        c.weight = WEIGHT_OTHER;
        c.objection = OBJECTION_NONE;
        if (whois_has(key, "abuse") || whois_has(key, "spam")) {
            c.role = CONTACT_ROLE_ABUSE;
            c.weight = WEIGHT_ABUSE;
        } else if (whois_has(key, "technical contact")) {
            c.role = CONTACT_ROLE_TECHNICAL;
            c.weight = WEIGHT_TECHNICAL;
        } else if (whois_has(key, "administrator contact") || whois_has(key, "administrative contact")) {
            c.role = CONTACT_ROLE_ADMINISTRATIVE;
            c.weight = WEIGHT_ADMINISTRATIVE;
        } else if (whois_has(key, "update") || whois_has(key, "changed")) {
            c.objection = OBJECTION_UPDATER;
        } else if (whois_same(key, "Netblock") && whois_range(value, &range) == 0 && whois_note_range(r, &range)) {
            r->found = true;
        } else if (whois_same(key, "Netname")) {
            r->ret->netname = value;
            r->ret->holder = r->ret->holder.len == 0 ? value : r->ret->holder;
        } else if (whois_same(key, "Organization Name") || whois_same(key, "Organization name") || whois_same(key, "Company Name")) {
            r->ret->holder = value;
        }
        whois_note_mails(r, value, &c);
    }
    r->ret->country = span_text("TW");
}
