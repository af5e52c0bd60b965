/*
 * security.txt (RFC 9116): https://DOMAIN/.well-known/security.txt, and at the top of the site where it lay before (§3). Contacts in the order of the
 * file, which is the owner's preference (§2.5.3). Files that break the RFC are taken as they are meant; what is wrong with them is said beside
 * each contact: no Expires, expired, an address without mailto:, another place than Canonical says. A signature (§2.3) is noted, not verified.
 */
#include "base/buf.h"
#include "contact/channel.h"

#include <strings.h>

enum { WELL_KNOWN, LEGACY };
enum { FILE_SIZE_MAX = 64 * 1024, LINES_MAX = 1000, CONTACTS_MAX = 50 };

struct security_txt {
    bool found;
};

/* What a file says apart from its contacts. */
struct file {
    struct span contacts[CONTACTS_MAX];
    size_t contact_count, expires_count, canonical_count;
    struct span expires;
    usec_t expires_at;
    bool expires_good, canonical_matches, is_signed, odd_lines;
};

extern const struct channel channel_security_txt;

static void ask_at(struct quest *q, unsigned place)
{
    struct span domain = quest_target(q)->domain;
    struct buf url;
    buf_init(&url, 512);
    buf_text(&url, "https://");
    buf_span(&url, domain);
    buf_text(&url, place == WELL_KNOWN ? "/.well-known/security.txt" : "/security.txt");
    quest_because(q, place == WELL_KNOWN ? "RFC 9116" : "RFC 9116, the place before it");
    if (url.error != 0 || quest_fetch(q, buf_as_span(&url), place) != 0)
        quest_debt(q, "security.txt was not asked for");
    buf_done(&url);
}

static void ask(struct quest *q)
{
    ask_at(q, WELL_KNOWN);
}

static bool is_word(struct span text, const char *lower)
{
    if (text.len != strlen(lower))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if ((text.at[i] | 0x20) != (uint8_t)lower[i])
            return false;
    }
    return true;
}

/* One line that is no comment and not the signature's. */
static void read_field(struct file *file, struct span line, struct span url)
{
    size_t colon = span_find(line, ':');
    struct span name = span_trim(span_part(line, 0, colon)), value = span_trim(span_part(line, colon + 1, line.len));
    if (colon == line.len) {
        file->odd_lines = true;
    } else if (is_word(name, "contact")) {
        if (value.len > 0 && file->contact_count < CONTACTS_MAX)
            file->contacts[file->contact_count++] = value;
    } else if (is_word(name, "expires")) {
        bool zoned;
        if (file->expires_count++ == 0) {
            file->expires = value;
            file->expires_good = usec_parse(value, 0, &file->expires_at, &zoned) == 0;
        }
    } else if (is_word(name, "canonical")) {
        file->canonical_count++;
        file->canonical_matches = file->canonical_matches || span_equal(value, url);
    }
}

static void read_file(struct file *file, struct span text, struct span url)
{
    bool header = false;
    *file = (struct file){0};
    if (text.len >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0)
        text = span_part(text, 3, text.len);
    for (size_t lines = 0; text.len > 0 && lines < LINES_MAX; lines++) {
        size_t len = 0;
        while (len < text.len && text.at[len] != '\n' && text.at[len] != '\r')
            len++;
        struct span line = span_trim(span_part(text, 0, len));
        text = span_part(text, len + 1, text.len);
        if (span_is(line, "-----BEGIN PGP SIGNED MESSAGE-----")) {
            file->is_signed = header = true;
        } else if (span_is(line, "-----BEGIN PGP SIGNATURE-----")) {
            return;
        } else if (header) {
            header = line.len > 0; /* Hash: …, up to an empty line */
        } else {
            if (file->is_signed && span_starts(line, "- ")) /* RFC 4880 §7.1 */
                line = span_part(line, 2, line.len);
            if (line.len > 0 && line.at[0] != '#')
                read_field(file, line, url);
        }
    }
}

/* What is to be known beside a contact: of the file, and of the line. */
static void print_notes(struct buf *out, const struct file *file, usec_t when, const char *of_line)
{
    char day[USEC_TEXT_SIZE];
    buf_text(out, " [");
    if (file->expires_count == 0)
        buf_text(out, "no Expires");
    else if (!file->expires_good)
        buf_text(out, "Expires is no date");
    else
        buf_printf(out, "%s %s", file->expires_at < when ? "expired" : "expires", usec_print_day(file->expires_at, day));
    if (file->expires_count > 1)
        buf_text(out, ", several Expires");
    if (file->is_signed)
        buf_text(out, ", signed, not verified");
    if (file->canonical_count > 0 && !file->canonical_matches)
        buf_text(out, ", Canonical names another place");
    if (file->odd_lines)
        buf_text(out, ", lines that are no fields");
    if (of_line[0] != 0)
        buf_printf(out, ", %s", of_line);
    buf_byte(out, ']');
}

static bool starts_case(struct span text, const char *lower)
{
    return text.len >= strlen(lower) && strncasecmp((const char *)text.at, lower, strlen(lower)) == 0;
}

/* A contact's line: mail, or a page; a telephone number is neither. */
static void take(struct quest *q, const struct file *file, unsigned rank, const struct answer *a)
{
    const struct target *target = quest_target(q);
    struct span value = file->contacts[rank], mail;
    bool expired = file->expires_good && file->expires_at < target->when;
    const char *note = "";
    struct finding f = {.channel = &channel_security_txt,
                        .role = CONTACT_ROLE_SECURITY,
                        .rank = rank + (expired ? CONTACTS_MAX : 0),
                        .value = value,
                        .attribute = span_text("Contact"),
                        .origin = a->server.len > 0 ? a->server : a->question,
                        .domain = target->domain};
    struct buf evidence;
    if (starts_case(value, "https://") || starts_case(value, "http://")) {
        f.kind = CONTACT_FORM;
        f.value = span_part(value, 0, span_find(value, '#'));
        note = starts_case(value, "http://") ? "http, which the RFC forbids" : "";
        for (size_t i = 0; i < f.value.len; i++) {
            if (f.value.at[i] <= ' ' || f.value.at[i] == 0x7f)
                return;
        }
    } else if (mail_normalise(quest_arena(q), value, &mail) == 0) {
        f.kind = CONTACT_MAIL;
        f.value = mail;
        note = starts_case(value, "mailto:") ? "" : "without mailto:";
    } else {
        return;
    }
    buf_init(&evidence, 0);
    buf_text(&evidence, "Contact: ");
    buf_span(&evidence, span_part(value, 0, FINDING_EVIDENCE_MAX / 2));
    print_notes(&evidence, file, target->when, note);
    f.evidence = buf_as_span(&evidence);
    (void)findings_add(quest_findings(q), &f);
    buf_done(&evidence);
}

/* Sites answer 200 with a page of theirs for whatever is asked. */
static bool is_page(const struct answer *a)
{
    struct span body = span_trim(span_part(a->bytes, 0, 512));
    return (body.len > 0 && body.at[0] == '<') || starts_case(a->type, "text/html");
}

static void hear(struct quest *q, const struct answer *a)
{
    struct security_txt *state = quest_state(q);
    struct file file = {0};
    if (a->outcome != OUTCOME_ANSWERED && a->outcome != OUTCOME_CUT) {
        quest_debt(q, "%.*s: %s", (int)a->question.len, (const char *)a->question.at, outcome_text(a->outcome));
    } else if (a->status >= 500 || a->status == 429) {
        quest_debt(q, "%.*s: HTTP %d", (int)a->question.len, (const char *)a->question.at, a->status);
    } else if (a->status == 200 && !is_page(a)) {
        read_file(&file, span_part(a->bytes, 0, FILE_SIZE_MAX), a->server.len > 0 ? a->server : a->question);
        state->found = state->found || file.contact_count > 0;
    }
    for (unsigned i = 0; i < file.contact_count; i++)
        take(q, &file, i, a);
    if (a->tag == WELL_KNOWN && !state->found && (a->outcome == OUTCOME_ANSWERED || a->outcome == OUTCOME_CUT))
        ask_at(q, LEGACY);
}

const struct channel channel_security_txt = {
    .name = "security_txt",
    .trust = 340,
    .help = "security.txt of the domain (RFC 9116): /.well-known/security.txt, else /security.txt",
    .wants = CHANNEL_DOMAIN,
    .state_size = sizeof(struct security_txt),
    .ask = ask,
    .hear = hear,
};
