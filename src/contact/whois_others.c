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

static void rwhois_contact(struct reading *r, struct span attribute, struct span value, struct span line)
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
    whois_note_mails(r, value, &c);
    if (handle_field && c.objection == OBJECTION_NONE && value.len > 0 && span_find(value, '@') == value.len && span_find(value, '/') == value.len)
        whois_note_handle(r, value, c.role);
}

void whois_form_rwhois(struct reading *r)
{
    struct span comments[64];
    size_t count = 0;
    for (struct span left = r->text, line, attribute, value; whois_line(&left, &line);) {
        struct range range;
        line = whois_trim(line);
        if (line.len == 0 || !rwhois_line(line, &attribute, &value))
            continue;
        if ((starts(attribute, "IP-Network-Block") || starts(attribute, "IP-Network")) && whois_range(value, &range) == 0) {
            (void)whois_note_range(r, &range);
            r->found = true;
        } else if (starts(attribute, "Org-Name") || starts(attribute, "Organization") || starts(attribute, "Customer Organization")) {
            if (r->ret->holder.len == 0)
                r->ret->holder = value;
        } else if (starts(attribute, "Network-Name")) {
            r->ret->netname = value;
        } else if (starts(attribute, "Country")) {
            r->ret->country = value;
        } else if (starts(attribute, "Comment") || starts(attribute, "Remark")) {
            if (count < sizeof comments / sizeof comments[0])
                comments[count++] = value;
        } else {
            rwhois_contact(r, attribute, value, line);
        }
    }
    whois_note_remarks(r, comments, count, 0, span_text("Comment"));
}

void whois_form_iana(struct reading *r)
{
    size_t count;
    const struct attribute *list = whois_attributes(r, &count);
    struct range range;
    r->stub = true;
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
