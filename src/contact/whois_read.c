/* A reply from its bytes to findings: whose form it has, what state the server is in, then the reader of that form. */
#include "contact/whois_reading.h"

#include "base/err.h"

#include <errno.h>
#include <strings.h>

enum { SIGN_TEXT_MAX = 12 * 1024, SIGN_TAIL = 2048, RECORD_TEXT_MIN = 24 };

static const struct {
    const char *sign; /* near the start of a reply */
    const char *registry;
} banners[] = {
    {"This is the RIPE Database", "RIPE"},
    {"[whois.apnic.net]\n% Whois data", "APNIC"},
    {"% [whois.apnic.net]", "APNIC"},
    {"AfriNIC Whois server", "AFRINIC"},
    {"AFRINIC Whois", "AFRINIC"},
    {"ARIN WHOIS data", "ARIN"},
    {"American Registry for Internet Numbers", "ARIN"},
    {"Copyright (c) Nic.br", "NIC.br"},
    {"Copyright LACNIC", "LACNIC"},
    {"LACNIC resource", "LACNIC"},
    {"JPNIC database provides", "JPNIC"},
    {"JPNIC\xe3\x83\x87\xe3\x83\xbc\xe3\x82\xbf\xe3\x83\x99\xe3\x83\xbc\xe3\x82\xb9", "JPNIC"},
    {"JPRS database provides", "JPRS"},
    {"KISA/KRNIC WHOIS", "KRNIC"},
    {"# KOREAN", "KRNIC"},
    {"KRNIC is not", "KRNIC"},
    {"%rwhois V-", "RWHOIS"},
    {"IANA WHOIS server", "IANA"},
    {"whois.twnic.net", "TWNIC"},
};

/* Shapes, for replies without a banner. */
static const struct {
    const char *sign, *registry;
} shapes[] = {
    {"\nNetRange:", "ARIN"},
    {"\nASNumber:", "ARIN"},
    {"\nnetwork:", "RWHOIS"},
    {"[Network Number]", "JPNIC"},
    {"[AS Number]", "JPNIC"},
    {"\n   Netblock:", "TWNIC"},
    {"\nnic-hdl-br:", "NIC.br"},
    {"\nownerid:", "LACNIC"},
    {"source:         AFRINIC", "AFRINIC"},
    {"source:         RIPE", "RIPE"},
    {"source:         APNIC", "APNIC"},
    {"\ninetnum:", "APNIC"},
    {"\ninet6num:", "RIPE"},
};

static const struct {
    const char *registry;
    void (*read)(struct reading *);
} readers[] = {
    {"RIPE", whois_form_rpsl},  {"APNIC", whois_form_rpsl},    {"AFRINIC", whois_form_rpsl},  {"IRINN", whois_form_rpsl},
    {"ARIN", whois_form_arin},  {"LACNIC", whois_form_lacnic}, {"NIC.br", whois_form_lacnic}, {"JPNIC", whois_form_jpnic},
    {"JPRS", whois_form_jpnic}, {"KRNIC", whois_form_krnic},   {"TWNIC", whois_form_twnic},   {"RWHOIS", whois_form_rwhois},
    {"IANA", whois_form_iana},
};

static bool holds(struct span text, const char *sign)
{
    return text.len > 0 && memmem(text.at, text.len, sign, strlen(sign)) != NULL;
}

/* The banner that comes first: a reply of one registry may name others below. */
static const char *registry_by_text(struct span text)
{
    const char *found = NULL;
    struct span head = span_part(text, 0, 4096);
    size_t first = head.len;
    for (size_t i = 0; i < sizeof banners / sizeof banners[0]; i++) {
        const uint8_t *hit = head.len > 0 ? memmem(head.at, head.len, banners[i].sign, strlen(banners[i].sign)) : NULL;
        if (hit != NULL && (size_t)(hit - head.at) < first) {
            first = (size_t)(hit - head.at);
            found = banners[i].registry;
        }
    }
    for (size_t i = 0; found == NULL && i < sizeof shapes / sizeof shapes[0]; i++) {
        if (holds(text, shapes[i].sign) || (span_starts(text, shapes[i].sign + (shapes[i].sign[0] == '\n'))))
            found = shapes[i].registry;
    }
    return found;
}

/* LACNIC asks others itself: "% IP Client: a", then the other's reply, each line one blank further in. Cuts that away. */
static void unwrap_lacnic(struct reading *r)
{
    struct span inner = r->text, line;
    if (!whois_has(span_part(r->text, 0, 2048), "% ip client:"))
        return;
    while (whois_line(&inner, &line) && !whois_has(line, "% ip client:"))
        ;
    unsigned indented = 0, lines = 0;
    for (struct span left = inner; whois_line(&left, &line);) {
        lines += whois_trim(line).len > 0;
        indented += line.len > 1 && line.at[0] == ' ';
    }
    if (lines == 0 || indented * 2 < lines)
        return;
    uint8_t *out = arena_alloc(r->arena, inner.len + 1);
    size_t len = 0;
    if (out == NULL) {
        r->error = -ENOMEM;
        return;
    }
    while (whois_line(&inner, &line)) {
        if (line.len > 0 && line.at[0] == ' ')
            line = span_part(line, 1, line.len);
        if (line.len > 0)
            memcpy(&out[len], line.at, line.len);
        len += line.len;
        out[len++] = '\n';
    }
    r->text = span_of(out, len - (len > inner.len && len > 0 ? 1 : 0));
    const char *registry = registry_by_text(r->text);
    if (registry != NULL)
        r->ret->authority = span_text(registry);
}

/* ---- the server's state ---- */

/* The start and the end of the reply in lower case as one line, runs of blanks as one: a sign may be broken over lines of a comment. */
static struct span lower_head(struct reading *r)
{
    struct span head = span_part(r->text, 0, SIGN_TEXT_MAX), tail = {0};
    if (r->text.len > SIGN_TEXT_MAX + SIGN_TAIL)
        tail = span_part(r->text, r->text.len - SIGN_TAIL, SIGN_TAIL);
    uint8_t *out = arena_alloc(r->arena, head.len + tail.len + 1);
    if (out == NULL) {
        r->error = -ENOMEM;
        return (struct span){0};
    }
    size_t len = 0;
    bool begins = true; /* a line, with its comment characters */
    for (size_t i = 0; i < head.len + tail.len; i++) {
        uint8_t c = i < head.len ? head.at[i] : tail.at[i - head.len];
        begins = c == '\n' || (begins && (c == '%' || c == '#' || c == ' '));
        if (c <= ' ' || begins)
            c = ' ';
        if (c != ' ' || len == 0 || out[len - 1] != ' ')
            out[len++] = (uint8_t)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return span_of(out, len);
}

static bool has_sign(const struct server_sign *list, enum sign sign, struct span text)
{
    for (; list != NULL; list = list->next) {
        if (list->sign == sign && memmem(text.at, text.len, list->text.at, list->text.len) != NULL)
            return true;
    }
    return false;
}

static bool any_sign(const struct reading *r, enum sign sign, struct span text)
{
    const struct server_sign *common = servers_signs(book_part(r->book, BOOK_servers));
    return text.len > 0 && (has_sign(r->server->signs, sign, text) || (r->server->signs != common && has_sign(common, sign, text)));
}

/* A reply that says nothing of what was asked: why not? In the order of how sure the signs are. */
static enum whois_state state_of(struct reading *r)
{
    if (r->found) {
        bool perhaps = whois_has(span_part(r->text, 0, 2048), "reduced") || whois_has(span_part(r->text, 0, 2048), "exceeded");
        if (!perhaps)
            return WHOIS_GOOD;
        return any_sign(r, SIGN_REDUCED, lower_head(r)) ? WHOIS_REDUCED : WHOIS_GOOD;
    }
    struct span text = lower_head(r);
    if (any_sign(r, SIGN_BANNED, text))
        return WHOIS_BANNED;
    if (any_sign(r, SIGN_REDUCED, text) && r->domain.len == 0)
        return WHOIS_REDUCED;
    if (any_sign(r, SIGN_LIMITED, text))
        return WHOIS_LIMITED;
    if (any_sign(r, SIGN_BROKEN, text))
        return WHOIS_BROKEN;
    if (any_sign(r, SIGN_EMPTY, text))
        return WHOIS_EMPTY;
    return whois_trim(r->text).len < RECORD_TEXT_MIN ? WHOIS_BROKEN : WHOIS_EMPTY;
}

/* ---- entry points ---- */

static int begin(struct reading *r, const struct book *book, struct span server, struct span bytes, struct findings *findings,
                 struct whois_reply *ret)
{
    *ret = (struct whois_reply){.state = WHOIS_BROKEN};
    *r = (struct reading){.book = book, .arena = findings->arena, .findings = findings, .ret = ret};
    r->mailboxes = book_part(book, BOOK_mailboxes);
    r->server = servers_find(book_part(book, BOOK_servers), server);
    int e = whois_decode(findings->arena, span_part(bytes, 0, WHOIS_REPLY_MAX), r->server->server.charset, &ret->text);
    r->text = ret->text;
    return e;
}

/* Who speaks: the server's registry; but the text's own banner when that is of an inner reply or the server is not known. */
static void find_authority(struct reading *r)
{
    const char *registry = NULL;
    r->ret->authority = r->server->server.registry;
    if (r->ret->authority.len == 0 && (registry = registry_by_text(r->text)) != NULL)
        r->ret->authority = span_text(registry);
    if (r->ret->authority.len == 0 || span_is(r->ret->authority, "LACNIC"))
        unwrap_lacnic(r);
    if (span_is(r->ret->authority, "LACNIC") && holds(span_part(r->text, 0, 2048), "Copyright (c) Nic.br"))
        r->ret->authority = span_text("NIC.br");
    if (registry != NULL && r->server->server.name.len == 0) {
        struct span name = servers_of_registry(book_part(r->book, BOOK_servers), r->ret->authority);
        if (name.len > 0)
            r->server = servers_find(book_part(r->book, BOOK_servers), name);
    }
}

static bool has_contact(const struct reading *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->list[i].objection == OBJECTION_NONE && r->list[i].kind == CONTACT_MAIL)
            return true;
    }
    return false;
}

static void finish_reply(struct reading *r)
{
    struct whois_reply *ret = r->ret;
    bool contact = has_contact(r);
    if (contact || r->stub || r->reserved || ret->next.len > 0)
        ret->handle_count = 0;
    ret->final = ret->state == WHOIS_GOOD && ret->next.len == 0 && ret->handle_count == 0 && !r->stub && (contact || r->reserved);
}

static void find_block(struct reading *r)
{
    if (!r->has_range || r->as != 0)
        return;
    r->ret->block = whois_range_around(&r->range);
    if (whois_range_holds(&r->range, r->addr))
        r->ret->cover = whois_range_within(&r->range, r->addr);
}

static void read_with(struct reading *r)
{
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (span_is(r->ret->authority, readers[i].registry)) {
            readers[i].read(r);
            return;
        }
    }
    if (r->as != 0 || memmem(r->text.at, r->text.len, "inetnum:", 8) != NULL || memmem(r->text.at, r->text.len, "inet6num:", 9) != NULL)
        whois_form_rpsl(r);
    else
        whois_form_domain(r);
}

bool whois_handle_is_network(struct span handle)
{
    struct prefix block;
    return span_starts(handle, "NET-") || span_starts(handle, "NET6-") || prefix_parse(handle, &block) == 0;
}

int whois_read(const struct book *book, struct span server, struct addr addr, struct span bytes, struct findings *findings, struct whois_reply *ret)
{
    struct reading r;
    int e = begin(&r, book, server, bytes, findings, ret);
    if (e != 0)
        return e;
    r.addr = addr;
    r.has_addr = true;
    find_authority(&r);
    if (r.text.len > 0)
        read_with(&r);
    if (!r.has_range && r.text.len > 0 && ret->next.len == 0) {
        /* a reply about another block (saved under another address): what it says is read all the same, but covers nothing */
        r.has_addr = r.found = r.stub = r.reserved = r.others_refused = false;
        r.count = ret->handle_count = ret->personal = 0;
        read_with(&r);
    }
    find_block(&r);
    whois_note_banner(&r);
    ret->state = state_of(&r);
    e = whois_note_finish(&r);
    finish_reply(&r);
    return e;
}

int whois_read_as(const struct book *book, struct span server, uint32_t as, struct span bytes, struct findings *findings, struct whois_reply *ret)
{
    struct reading r;
    int e = begin(&r, book, server, bytes, findings, ret);
    if (e != 0)
        return e;
    r.as = as;
    r.addr = whois_as_addr(as);
    r.has_addr = true;
    find_authority(&r);
    if (r.text.len > 0)
        read_with(&r);
    if (!r.found)
        r.count = ret->handle_count = 0; /* another's entry */
    whois_note_banner(&r);
    ret->state = state_of(&r);
    e = whois_note_finish(&r);
    finish_reply(&r);
    return e;
}

int whois_read_domain(const struct book *book, struct span server, struct span domain, struct span bytes, struct findings *findings,
                      struct whois_reply *ret)
{
    struct reading r;
    int e = begin(&r, book, server, bytes, findings, ret);
    if (e != 0)
        return e;
    r.domain = domain;
    find_authority(&r);
    if (span_is(ret->authority, "IANA"))
        whois_form_iana(&r);
    else if (span_is(ret->authority, "JPRS"))
        whois_form_jpnic(&r);
    else
        whois_form_domain(&r);
    whois_note_banner(&r);
    ret->state = state_of(&r);
    e = whois_note_finish(&r);
    finish_reply(&r);
    return e;
}

int whois_read_handle(const struct book *book, struct span server, struct span handle, enum contact_role role, unsigned rank, struct span bytes,
                      struct findings *findings, struct whois_reply *ret)
{
    struct reading r;
    struct finding *last = findings->first;
    int e = begin(&r, book, server, bytes, findings, ret);
    if (e != 0)
        return e;
    (void)handle;
    find_authority(&r);
    while (last != NULL && last->next != NULL)
        last = last->next;
    if (r.text.len > 0)
        read_with(&r);
    whois_note_banner(&r);
    r.found = r.count > 0 || ret->personal > 0;
    ret->state = state_of(&r);
    e = whois_note_finish(&r);
    /* what stood for the handle has the role that it was asked for */
    for (struct finding *f = last != NULL ? last->next : findings->first; f != NULL; f = f->next) {
        if (f->objection != OBJECTION_NONE)
            continue;
        f->rank += rank;
        if (f->role == CONTACT_ROLE_NONE || f->role == CONTACT_ROLE_OWNER)
            f->role = role;
    }
    ret->handle_count = 0;
    ret->next = (struct span){0};
    ret->final = ret->state == WHOIS_GOOD && has_contact(&r);
    return e;
}
