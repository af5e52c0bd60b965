/* RWhois (RFC 2167): "class:attribute[;I]:value"; and IANA's own server, which refers. */
#include "contact/whois_reading.h"

#include <strings.h>

static bool starts(struct span text, const char *word)
{
    return text.len >= strlen(word) && strncasecmp((const char *)text.at, word, strlen(word)) == 0;
}

/* "network:Abuse-Contact;I:value": false: no such line. */
static bool rwhois_line(struct span line, struct span *ret_attribute, struct span *ret_value)
{
    size_t first = span_find(line, ':');
    struct span rest = span_part(line, first + 1, line.len);
    size_t second = span_find(rest, ':');
    if (first == line.len || second == rest.len || line.at[0] == '%')
        return false;
    struct span attribute = whois_trim(span_part(rest, 0, second));
    attribute = span_part(attribute, 0, span_find(attribute, ';'));
    *ret_attribute = attribute;
    *ret_value = whois_trim(span_part(rest, second + 1, rest.len));
    return true;
}

/* A record of one class: an empty line or the next "Class-Name" ends it. Its block is known only when all of it was read: hence two passes. */
enum { RECORDS_MAX = 256, COMMENTS_MAX = 64 };

struct rwhois {
    struct reading *r;
    struct {
        struct range range;
        bool has_range;
    } records[RECORDS_MAX];
    size_t record;
    bool begun; /* the record has a line */
    struct span comments[COMMENTS_MAX];
    size_t comment_count;
};

/* How far the record's block is from the narrowest one. */
static unsigned rwhois_step(const struct rwhois *w)
{
    const struct range *range = &w->records[w->record].range;
    if (!w->records[w->record].has_range || !w->r->has_range || memcmp(range, &w->r->range, sizeof *range) == 0)
        return 0;
    return whois_range_inside(&w->r->range, range) ? WEIGHT_ABOVE : WEIGHT_ELSEWHERE;
}

static void rwhois_contact(const struct rwhois *w, struct span attribute, struct span value, struct span line)
{
    struct candidate c = {.attribute = attribute, .evidence = line};
    bool handle_field = whois_has(attribute, "contact");
    if (whois_has(attribute, "updated") || whois_has(attribute, "changed")) {
        c.objection = OBJECTION_UPDATER;
    } else if (whois_has(attribute, "abuse")) {
        c.role = CONTACT_ROLE_ABUSE;
        c.weight = WEIGHT_ABUSE_LINE;
    } else if (whois_has(attribute, "noc")) {
        c.role = CONTACT_ROLE_NOC;
        c.weight = WEIGHT_NOC;
    } else if (whois_has(attribute, "tech")) {
        c.role = CONTACT_ROLE_TECHNICAL;
        c.weight = WEIGHT_TECHNICAL;
    } else if (whois_has(attribute, "admin")) {
        c.role = CONTACT_ROLE_ADMINISTRATIVE;
        c.weight = WEIGHT_ADMINISTRATIVE;
    } else if (whois_has(attribute, "mail") || whois_has(attribute, "contact")) {
        c.role = CONTACT_ROLE_NONE;
        c.weight = WEIGHT_OTHER;
    } else {
        return;
    }
    c.weight += rwhois_step(w);
    whois_note_mails(w->r, value, &c);
    if (handle_field && c.objection == OBJECTION_NONE && value.len > 0 && span_find(value, '@') == value.len && span_find(value, '/') == value.len)
        whois_note_handle(w->r, value, c.role);
}

static void rwhois_names(struct rwhois *w, struct span attribute, struct span value, struct span line)
{
    struct whois_reply *ret = w->r->ret;
    bool own = rwhois_step(w) == 0;
    if (starts(attribute, "Org-Name") || starts(attribute, "Organization") || starts(attribute, "Customer Organization")) {
        if (ret->holder.len == 0 && own)
            ret->holder = value;
    } else if (starts(attribute, "Network-Name")) {
        ret->netname = own ? value : ret->netname;
    } else if (starts(attribute, "Country")) {
        ret->country = own ? value : ret->country;
    } else if (starts(attribute, "Comment") || starts(attribute, "Remark")) {
        if (w->comment_count < COMMENTS_MAX)
            w->comments[w->comment_count++] = value;
    } else {
        rwhois_contact(w, attribute, value, line);
    }
}

static void rwhois_pass(struct rwhois *w, bool contacts)
{
    w->record = 0;
    w->begun = false;
    for (struct span left = w->r->text, line, attribute, value; whois_line(&left, &line);) {
        struct range range;
        line = whois_trim(line);
        bool is = line.len > 0 && rwhois_line(line, &attribute, &value);
        if (w->begun && (line.len == 0 || (is && starts(attribute, "Class-Name")))) {
            w->record += w->record + 1 < RECORDS_MAX;
            w->begun = false;
        }
        if (!is)
            continue;
        w->begun = true;
        bool block = starts(attribute, "IP-Network") && whois_range(value, &range) == 0;
        if (contacts && !block) {
            rwhois_names(w, attribute, value, line);
        } else if (!contacts && block) {
            (void)whois_note_range(w->r, &range);
            w->r->found = true;
            w->records[w->record].range = range;
            w->records[w->record].has_range = true;
        }
    }
}

/* RFC 2167 §3.4.2: "%referral rwhois://host:4321/auth-area=192.0.2.0/26": who has a part of it. The root, "auth-area=.", is nobody. */
static void rwhois_referral(struct reading *r, struct span line)
{
    static const char word[] = "%referral rwhois://", area[] = "/auth-area=";
    enum { RWHOIS_PORT = 4321 };
    if (!starts(line, word))
        return;
    struct span rest = span_part(line, sizeof word - 1, line.len), where = span_part(rest, 0, span_find(rest, '/'));
    struct span path = span_part(rest, where.len, rest.len);
    struct range range;
    uint32_t port = 0;
    size_t colon = span_find(where, ':');
    if (!starts(path, area) || whois_range(span_part(path, sizeof area - 1, path.len), &range) != 0 || !r->has_addr ||
        !whois_range_holds(&range, r->addr) || (r->has_range && whois_range_inside(&r->range, &range)))
        return;
    for (size_t i = colon + 1; i < where.len && port <= UINT16_MAX; i++)
        port = where.at[i] >= '0' && where.at[i] <= '9' ? port * 10 + (uint32_t)(where.at[i] - '0') : UINT16_MAX + 1;
    whois_note_next(r, span_part(where, 0, colon), port > 0 && port <= UINT16_MAX ? (uint16_t)port : RWHOIS_PORT, line);
}

void whois_form_rwhois(struct reading *r)
{
    struct rwhois w = {.r = r};
    rwhois_pass(&w, false);
    rwhois_pass(&w, true);
    for (struct span left = r->text, line; whois_line(&left, &line);)
        rwhois_referral(r, whois_trim(line));
    whois_note_remarks(r, w.comments, w.comment_count, 0, span_text("Comment"));
}

void whois_form_iana(struct reading *r)
{
    size_t count;
    const struct attribute *list = whois_attributes(r, &count);
    struct range range;
    r->elsewhere = true;
    for (size_t i = 0; list != NULL && i < count; i++) {
        struct candidate c = {.weight = WEIGHT_OTHER, .attribute = list[i].key, .evidence = list[i].line};
        if (whois_same(list[i].key, "refer") || (whois_same(list[i].key, "whois") && r->ret->next.len == 0))
            whois_note_next(r, list[i].value, 0, list[i].line);
        else if (whois_same(list[i].key, "inetnum") && whois_range(list[i].value, &range) == 0)
            r->found = whois_note_range(r, &range) || r->found;
        else if (whois_same(list[i].key, "domain"))
            r->found = true;
        else if (whois_same(list[i].key, "organisation") && r->ret->holder.len == 0)
            r->ret->holder = list[i].value;
        else if (whois_same(list[i].key, "status") && whois_has(list[i].value, "reserved"))
            r->reserved = true;
        else if (whois_same(list[i].key, "e-mail"))
            whois_note_mails(r, list[i].value, &c);
    }
}
