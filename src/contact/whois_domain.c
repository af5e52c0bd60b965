/*
 * Replies about domains. There are hundreds of forms, and nearly all are one of three: "Admin Email: a", a heading ("Administrative Contact:",
 * "[Tech-C]", "contact: technical") with lines under it, or objects by handle ("admin-c: X1", "nic-hdl: X1"). What an address is for is said by its
 * own key, else by the heading above it, else by the handle of its object.
 */
#include "contact/whois_reading.h"

enum { HANDLES_MAX = 32, HEADING_WORDS_MAX = 8 };

enum part { PART_NONE, PART_ABUSE, PART_TECHNICAL, PART_ADMINISTRATIVE, PART_OWNER, PART_REGISTRAR, PART_REGISTRAR_ABUSE, PART_BILLING, PART_SERVER };

struct domain_reading {
    struct reading *r;
    enum part heading;
    bool after_blank; /* an empty line came since the heading's first content */
    bool content;     /* the heading has content */
    bool marked;      /* the heading is one for sure: a colon or brackets */
    struct {
        struct span handle;
        enum part part;
    } handles[HANDLES_MAX];
    size_t handle_count;
    enum part object;  /* by the handle of this object, or by its first key */
    bool between;      /* an empty line came: the next one begins an object */
    bool own;          /* this object is the domain itself */
    bool other_record; /* the record that is read is another domain's or a host's */
};

static const struct {
    const char *word;
    enum part part;
} words[] = {
    {"abuse", PART_ABUSE},
    {"billing", PART_BILLING},
    {"bill-c", PART_BILLING},
    {"facturacion", PART_BILLING},
    {"cobranza", PART_BILLING},
    {"pago", PART_BILLING},
    {"registrar", PART_REGISTRAR},
    {"reseller", PART_REGISTRAR},
    {"registration service", PART_REGISTRAR},
    {"tech", PART_TECHNICAL},
    {"tecnico", PART_TECHNICAL},
    {"t\xc3\xa9"
     "cnico",
     PART_TECHNICAL},
    {"zone", PART_TECHNICAL},
    {"admin", PART_ADMINISTRATIVE},
    {"ac e-mail", PART_ADMINISTRATIVE},
    {"registrant", PART_OWNER},
    {"holder", PART_OWNER},
    {"owner", PART_OWNER},
    {"titular", PART_OWNER},
    {"domain contact", PART_OWNER},
    {"agent", PART_REGISTRAR}, /* not "Administrative Contact/Agent" */
    {"organisation using", PART_OWNER},
    {"name server", PART_SERVER},
    {"nameserver", PART_SERVER},
    {"domain server", PART_SERVER},
    {"nserver", PART_SERVER},
    {"dns", PART_SERVER},
};

static enum part part_of(struct span text)
{
    enum part found = PART_NONE;
    bool abuse = whois_has(text, "abuse");
    if (whois_has(text, "registrant") && !whois_has(text, "registrar"))
        return whois_has(text, "tech") ? PART_TECHNICAL : whois_has(text, "admin") ? PART_ADMINISTRATIVE : PART_OWNER;
    for (size_t i = 0; i < sizeof words / sizeof words[0] && found == PART_NONE; i++) {
        if (words[i].part != PART_ABUSE && whois_has(text, words[i].word))
            found = words[i].part;
    }
    if (abuse)
        return found == PART_REGISTRAR ? PART_REGISTRAR_ABUSE : PART_ABUSE;
    return found;
}

static void add_mail(struct domain_reading *d, struct span text, enum part part, struct span attribute, struct span line)
{
    struct candidate c = {.role = CONTACT_ROLE_NONE, .weight = WEIGHT_OTHER, .attribute = attribute, .evidence = line};
    switch (part) {
    case PART_ABUSE:
        c.role = CONTACT_ROLE_ABUSE;
        c.weight = WEIGHT_ABUSE;
        break;
    case PART_TECHNICAL:
        c.role = CONTACT_ROLE_TECHNICAL;
        c.weight = WEIGHT_TECHNICAL;
        break;
    case PART_ADMINISTRATIVE:
        c.role = CONTACT_ROLE_ADMINISTRATIVE;
        c.weight = WEIGHT_ADMINISTRATIVE;
        break;
    case PART_OWNER:
        c.role = CONTACT_ROLE_OWNER;
        c.weight = WEIGHT_OWNER;
        break;
    case PART_REGISTRAR_ABUSE:
        c.role = CONTACT_ROLE_REGISTRAR;
        c.weight = WEIGHT_OTHER + 10;
        break;
    case PART_REGISTRAR:
        c.role = CONTACT_ROLE_REGISTRAR;
        c.weight = WEIGHT_OTHER + 20;
        break;
    case PART_BILLING:
    case PART_SERVER:
        c.objection = OBJECTION_NOT_FOR_US;
        c.weight = WEIGHT_OTHER;
        break;
    case PART_NONE:
    default:
        break;
    }
    whois_note_mails(d->r, text, &c);
}

/* ---- headings ---- */

static unsigned words_in_line(struct span text)
{
    unsigned count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] != ' ' && text.at[i] != '\t' && (i == 0 || text.at[i - 1] == ' ' || text.at[i - 1] == '\t');
    return count;
}

/* "Administrative Contact:", "[Tech-C]", "REGISTRANT CONTACT INFO", "** Registrant:", "contact:  technical", "Tech Contact : X1"; not "Registrant
 * Name: x". */
static bool is_heading(struct span line, enum part *ret)
{
    struct span text = whois_trim(line), key, value;
    while (text.len > 0 && (text.at[0] == '*' || text.at[0] == '[' || text.at[0] == '-' || text.at[0] == '>'))
        text = whois_trim(span_part(text, 1, text.len));
    bool bracket = line.len > 0 && whois_trim(line).at[0] == '[';
    if (text.len == 0 || text.len > 80 || span_find(text, '@') < text.len)
        return false;
    if (bracket)
        text = span_part(text, 0, span_find(text, ']'));
    if (!bracket && whois_pair(text, &key, &value)) {
        if (whois_same(key, "contact") || whois_same(key, "type") || whois_same(key, "role") || whois_same(key, "contact type")) {
            *ret = part_of(value);
            return *ret != PART_NONE;
        }
        if (value.len > 0 && !whois_has(key, "contact"))
            return false;
        text = key;
    }
    enum part part = part_of(text);
    if (part == PART_NONE || words_in_line(text) > HEADING_WORDS_MAX)
        return false;
    /* "Registrant Email:" without a value is no heading */
    if (whois_has(text, "mail") || whois_has(text, "phone") || whois_has(text, "fax"))
        return false;
    *ret = part;
    return true;
}

/* ---- handles ---- */

/* "Tech-c Handle", "NORID Handle": what stands before the word; empty: it is no such key. */
static struct span before_handle(struct span key)
{
    static const char word[] = " handle";
    size_t len = sizeof word - 1;
    if (key.len <= len || !whois_same(span_part(key, key.len - len, len), word))
        return span_part(key, 0, 0);
    return span_part(key, 0, key.len - len);
}

static bool is_reference(struct span key, enum part *ret)
{
    static const struct {
        const char *key;
        enum part part;
    } keys[] = {{"tech-c", PART_TECHNICAL},
                {"tech", PART_TECHNICAL},
                {"technical", PART_TECHNICAL},
                {"zone-c", PART_TECHNICAL},
                {"admin-c", PART_ADMINISTRATIVE},
                {"admin", PART_ADMINISTRATIVE},
                {"administrator", PART_ADMINISTRATIVE},
                {"holder-c", PART_OWNER},
                {"registrant", PART_OWNER},
                {"owner-c", PART_OWNER},
                {"holder", PART_OWNER},
                {"bill-c", PART_BILLING},
                {"billing-c", PART_BILLING},
                {"abuse-c", PART_ABUSE},
                {"registrar", PART_REGISTRAR}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (whois_same(key, keys[i].key)) {
            *ret = keys[i].part;
            return true;
        }
    }
    *ret = part_of(before_handle(key));
    return *ret != PART_NONE && *ret != PART_SERVER;
}

static bool is_handle_key(struct span key)
{
    static const char *const keys[] = {"nic-hdl",    "nic-hdl-br", "contact-id", "handle", "contact id",
                                       "nic-handle", "person-id",  "nic handle", "contact"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (whois_same(key, keys[i]))
            return true;
    }
    return before_handle(key).len > 0 && part_of(key) == PART_NONE;
}

static void learn_handles(struct domain_reading *d)
{
    for (struct span left = d->r->text, line, key, value; whois_line(&left, &line);) {
        enum part part;
        if (line.len == 0 || !whois_pair(line, &key, &value) || value.len == 0 || span_find(value, ' ') < value.len)
            continue;
        if (is_reference(key, &part) && d->handle_count < HANDLES_MAX) {
            d->handles[d->handle_count].handle = value;
            d->handles[d->handle_count++].part = part;
        }
    }
}

static enum part part_of_handle(const struct domain_reading *d, struct span handle)
{
    enum part best = PART_NONE;
    for (size_t i = 0; i < d->handle_count; i++) {
        if (whois_same_span(d->handles[i].handle, handle) && (best == PART_NONE || d->handles[i].part < best))
            best = d->handles[i].part;
    }
    return best;
}

/* What an object is for: it may name its handle last; or it begins with what it is, "registrar: …", and refers to nobody else. `object`: from its
 * first line on. */
static enum part part_of_object(const struct domain_reading *d, struct span object)
{
    struct span line, key, value;
    enum part part, begins = PART_NONE;
    for (unsigned number = 0; whois_line(&object, &line) && whois_trim(line).len > 0; number++) {
        if (!whois_pair(line, &key, &value))
            continue;
        if (is_handle_key(key) && part_of_handle(d, value) != PART_NONE)
            return part_of_handle(d, value);
        if (!is_reference(key, &part))
            continue;
        if (number == 0)
            begins = part;
        else if (part != begins && begins != PART_REGISTRAR)
            begins = PART_NONE;
    }
    return begins;
}

/* ---- lines ---- */

static bool is_registry_text(struct span line)
{
    return line.len > 0 && (line.at[0] == '%' || line.at[0] == '#' || line.at[0] == ';');
}

/* Keys that only the entry of a registered domain has. */
static bool says_registered(struct span key)
{
    static const char *const keys[] = {"registrar",   "registrant", "holder",  "owner",      "creat",   "registered", "registration date",
                                       "name server", "nameserver", "nserver", "dns server", "expir",   "paid-till",  "sponsoring",
                                       "admin",       "tech",       "renewal", "activ",      "changed", "updated",    "nic handle"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        size_t len = strlen(keys[i]);
        if (key.len >= len && key.len < len + 24 && whois_same_span(span_part(key, 0, len), span_text(keys[i])))
            return true;
    }
    return false;
}

static void take_pair(struct domain_reading *d, struct span key, struct span value, struct span line)
{
    struct reading *r = d->r;
    enum part part = part_of(key);
    if (is_handle_key(key) && part_of_handle(d, value) != PART_NONE)
        d->object = part_of_handle(d, value);
    if (whois_same(key, "Domain Name") || whois_same(key, "domain") || whois_same(key, "Server Name") || whois_same(key, "domain_name")) {
        d->own = true;
        struct span rest = value, name = part_word(&rest); /* "example.com.fj  Status: Active", "example.rs." */
        while (name.len > 0 && name.at[name.len - 1] == '.')
            name.len--;
        d->other_record = r->domain.len > 0 && name.len > 0 && !whois_same_span(name, r->domain);
    }
    bool refers = whois_same(key, "Registrar WHOIS Server") || whois_same(key, "Whois Server") || whois_same(key, "refer");
    if (refers && (r->ret->next.len == 0 || !d->other_record))
        whois_note_next(r, value, 0, line);
    if (value.len > 0 &&
        (whois_same(key, "Registrant Organization") || whois_same(key, "Registrant Name") || whois_same(key, "holder") || whois_same(key, "owner") ||
         whois_same(key, "registrant")) &&
        (r->ret->holder.len == 0 || whois_same(key, "Registrant Organization")))
        r->ret->holder = value;
    bool active = (whois_same(key, "status") || whois_same(key, "domain status")) && (whois_same(value, "active") || whois_same(value, "ok"));
    if (value.len > 0 && !d->other_record && (active || says_registered(key)))
        r->found = true;
    if (span_find(value, '@') == value.len && !(whois_has(key, "mail") && whois_spelled(value)))
        return;
    if (whois_same(key, "changed") || whois_same(key, "notify") || whois_same(key, "last-update")) {
        whois_note_mails(r, value,
                         &(struct candidate){.objection = whois_same(key, "notify") ? OBJECTION_NOTIFY : OBJECTION_UPDATER,
                                             .weight = WEIGHT_OTHER,
                                             .attribute = key,
                                             .evidence = line});
        return;
    }
    if (whois_same(key, "remarks") || whois_same(key, "remark") || whois_same(key, "trouble") || whois_same(key, "comment")) {
        whois_note_remarks(r, &value, 1, 0, key);
        return;
    }
    if (part == PART_NONE)
        part = d->object != PART_NONE ? d->object : d->heading != PART_NONE ? d->heading : d->own ? PART_OWNER : PART_NONE;
    add_mail(d, value, part, key, line);
    r->found = true;
}

/* An address in a line without key: under a heading it is the heading's; else it is the server's own text. */
static void take_text(struct domain_reading *d, struct span line)
{
    struct span text = whois_trim(line);
    if (span_find(text, '@') == text.len)
        return;
    if (d->heading != PART_NONE && words_in_line(text) <= HEADING_WORDS_MAX)
        add_mail(d, text, d->heading, span_text("text"), text);
    else
        whois_note_mails(
            d->r, text,
            &(struct candidate){.objection = OBJECTION_BANNER, .weight = WEIGHT_OTHER, .attribute = span_text("banner"), .evidence = text});
}

/* `behind`: the lines after this one. */
static void take_line(struct domain_reading *d, struct span line, struct span behind)
{
    struct span key, value, text = whois_trim(line);
    enum part part;
    if (text.len == 0) {
        d->after_blank = d->content;
        d->object = PART_NONE;
        d->own = false;
        d->between = true;
        return;
    }
    if (d->between && !is_registry_text(line))
        d->object = part_of_object(d, span_of(line.at, (size_t)(behind.at - line.at) + behind.len));
    d->between = d->between && is_registry_text(line);
    if (is_registry_text(line))
        return; /* whois_note_banner reads it */
    bool clear = text.at[text.len - 1] == ':' || text.at[0] == '[' || (line.at[0] != ' ' && line.at[0] != '\t') || d->heading == PART_NONE;
    if (is_heading(line, &part) && (clear || whois_pair(text, &key, &value))) {
        d->heading = part;
        d->after_blank = d->content = false;
        d->marked = text.at[text.len - 1] == ':' || text.at[0] == '[';
        if (whois_pair(text, &key, &value) && value.len > 0)
            take_pair(d, key, value, text);
        return;
    }
    /* what is indented under a heading with a colon stays its, across empty lines */
    if (d->after_blank && !(d->marked && (line.at[0] == ' ' || line.at[0] == '\t'))) {
        d->heading = PART_NONE;
        d->after_blank = false;
    }
    d->content = true;
    d->r->found = d->r->found || (d->heading != PART_NONE && d->marked && !d->other_record);
    /* a bracketed key, "[Name Server]  x", has no colon */
    size_t close = span_find(text, ']');
    if (text.at[0] == '[' && close < text.len && close < 60)
        take_pair(d, whois_trim(span_part(text, 1, close - 1)), whois_trim(span_part(text, close + 1, text.len)), text);
    else if (whois_pair(text, &key, &value) && words_in_line(key) <= 6)
        take_pair(d, key, value, text);
    else
        take_text(d, line);
}

void whois_form_domain(struct reading *r)
{
    struct domain_reading d = {.r = r, .between = true};
    learn_handles(&d);
    for (struct span left = r->text, line; whois_line(&left, &line);)
        take_line(&d, span_part(line, 0, READING_LINE_MAX), left);
}
