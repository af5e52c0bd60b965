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
    {" (NET-", "ARIN"},
    {" (NET6-", "ARIN"},
    {"\nASNumber:", "ARIN"},
    {"\nnetwork:", "RWHOIS"},
    {"[Network Number]", "JPNIC"},
    {"[AS Number]", "JPNIC"},
    {"[JPNIC Handle]", "JPNIC"},
    {"[Group Handle]", "JPNIC"},
    {"\n   Netblock:", "TWNIC"},
    {"\nNetblock:", "TWNIC"},
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
    /* RWhois says in words that it has nothing (RFC 2167: error 230) */
    bool broken = r->page || whois_trim(r->text).len < RECORD_TEXT_MIN || span_is(r->ret->authority, "RWHOIS");
    return broken ? WHOIS_BROKEN : WHOIS_EMPTY;
}

/* ---- entry points ---- */

static int begin(struct reading *r, const struct book *book, struct span server, struct span bytes, struct findings *findings,
                 struct whois_reply *ret)
{
    *ret = (struct whois_reply){.state = WHOIS_BROKEN};
    *r = (struct reading){.book = book, .arena = findings->arena, .findings = findings, .ret = ret};
    r->mailboxes = book_part(book, BOOK_mailboxes);
    r->server = servers_find(book_part(book, BOOK_servers), server);
    bytes = span_part(bytes, 0, WHOIS_REPLY_MAX);
    int e = whois_saved_bytes(findings->arena, &bytes);
    if (e == 0)
        e = whois_decode(findings->arena, whois_is_text(bytes) ? bytes : span_part(bytes, 0, 0), r->server->server.charset, &ret->text);
    r->text = ret->text;
    return e;
}

/* Of networks, AS numbers and handles: there, an indentation means nothing by itself. */
static int begin_number(struct reading *r, const struct book *book, struct span server, struct span bytes, struct findings *findings,
                        struct whois_reply *ret)
{
    int e = begin(r, book, server, bytes, findings, ret);
    if (e == 0)
        whois_saved_text(r);
    return e != 0 ? e : r->error;
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
    if (contact || r->elsewhere || r->reserved || ret->next.len > 0)
        ret->handle_count = 0;
    ret->final = ret->state == WHOIS_GOOD && ret->next.len == 0 && ret->handle_count == 0 && !r->elsewhere && (contact || r->reserved);
}

static void find_block(struct reading *r)
{
    if (!r->has_range || r->as != 0)
        return;
    r->ret->block = whois_range_around(&r->range);
    if (whois_range_holds(&r->range, r->addr))
        r->ret->cover = whois_range_within(&r->range, r->addr);
}

static bool is_rpsl(struct span text)
{
    static const char *const keys[] = {"inetnum:", "inet6num:"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const uint8_t *hit = text.len > 0 ? memmem(text.at, text.len, keys[i], strlen(keys[i])) : NULL;
        if (hit != NULL && (hit == text.at || hit[-1] == '\n'))
            return true;
    }
    return false;
}

static void read_with(struct reading *r)
{
    /* TWNIC has two forms */
    if (span_is(r->ret->authority, "TWNIC") && is_rpsl(r->text)) {
        whois_form_rpsl(r);
        return;
    }
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (span_is(r->ret->authority, readers[i].registry)) {
            readers[i].read(r);
            return;
        }
    }
    if (r->as != 0 || is_rpsl(r->text))
        whois_form_rpsl(r);
    else
        whois_form_domain(r);
}

bool whois_handle_is_network(struct span handle)
{
    struct prefix block;
    return span_starts(handle, "NET-") || span_starts(handle, "NET6-") || prefix_parse(handle, &block) == 0;
}

/* The AS whose entry the text is; 0: none. */
static uint32_t as_of_text(struct reading *r)
{
    uint32_t as = 0;
    r->as = 1; /* ranges are read as AS numbers */
    for (struct span left = r->text, line, key, value; as == 0 && whois_line(&left, &line);) {
        struct range range;
        if (whois_pair(line, &key, &value) && (whois_same(key, "aut-num") || whois_same(key, "ASNumber")) &&
            whois_reading_range(r, value, &range) == 0 && memcmp(&range.first, &range.last, sizeof range.first) == 0)
            as = (uint32_t)range.first.bytes[12] << 24 | (uint32_t)range.first.bytes[13] << 16 | (uint32_t)range.first.bytes[14] << 8 |
                 range.first.bytes[15];
    }
    r->as = 0;
    return as;
}

static void read_again(struct reading *r)
{
    r->found = r->elsewhere = r->reserved = r->others_refused = r->has_range = false;
    r->count = r->ret->handle_count = r->ret->personal = 0;
    read_with(r);
}

static int read_address(struct reading *r, struct addr addr)
{
    struct whois_reply *ret = r->ret;
    r->addr = addr;
    r->has_addr = true;
    find_authority(r);
    if (r->text.len > 0)
        read_with(r);
    if (!r->has_range && r->text.len > 0 && ret->next.len == 0) {
        /* a reply about another block (saved under another address): what it says is read all the same, but covers nothing */
        r->has_addr = false;
        read_again(r);
        r->as = r->found ? 0 : as_of_text(r);
        if (r->as != 0) { /* about the address's AS */
            r->addr = whois_as_addr(r->as);
            r->has_addr = true;
            read_again(r);
        }
    }
    find_block(r);
    whois_note_banner(r);
    ret->state = state_of(r);
    int e = whois_note_finish(r);
    finish_reply(r);
    return e;
}

static int read_one(const struct book *book, struct span server, struct addr addr, struct span bytes, struct findings *findings,
                    struct whois_reply *ret)
{
    struct reading r;
    int e = begin_number(&r, book, server, bytes, findings, ret);
    return e != 0 ? e : read_address(&r, addr);
}

static bool is_known(const struct findings *list, const struct finding *like)
{
    for (const struct finding *f = list->first; f != NULL; f = f->next) {
        if (f->kind == like->kind && span_equal(f->value, like->value))
            return true;
    }
    return false;
}

/* A chain: the last reply that knows anything is the answer; what those before it name comes after its contacts. */
static int read_chain(const struct reading *r, const struct saved_part *parts, size_t count, struct addr addr)
{
    unsigned rank = 0;
    bool answered = false;
    struct whois_reply last = {.state = WHOIS_EMPTY};
    for (size_t i = count; i-- > 0;) {
        struct findings own;
        struct whois_reply one;
        unsigned next = rank;
        if (parts[i].server.len == 0 && registry_by_text(parts[i].text) == NULL)
            continue; /* no reply: what somebody wrote before it */
        findings_init(&own, r->arena);
        int e = read_one(r->book, parts[i].server, addr, parts[i].text, &own, &one);
        if (e != 0)
            return e;
        if (i + 1 == count)
            last = one;
        if (!answered && one.state != WHOIS_EMPTY && one.state != WHOIS_BROKEN) {
            answered = true;
            last = one;
        }
        for (const struct finding *f = own.first; f != NULL; f = f->next) {
            struct finding copy = *f;
            if (is_known(r->findings, f))
                continue;
            copy.rank += rank;
            next = f->objection == OBJECTION_NONE && copy.rank >= next ? copy.rank + 1 : next;
            if (findings_add(r->findings, &copy) == NULL && r->findings->error == -ENOMEM)
                return -ENOMEM;
        }
        rank = next;
    }
    last.text = r->ret->text;
    *r->ret = last;
    return 0;
}

int whois_read(const struct book *book, struct span server, struct addr addr, struct span bytes, struct findings *findings, struct whois_reply *ret)
{
    struct reading r;
    struct saved_part parts[SAVED_PARTS_MAX];
    int e = begin_number(&r, book, server, bytes, findings, ret);
    if (e != 0)
        return e;
    size_t count = server.len == 0 ? whois_saved_parts(r.text, parts) : 1; /* a server answers for itself alone */
    return count > 1 ? read_chain(&r, parts, count, addr) : read_address(&r, addr);
}

int whois_read_as(const struct book *book, struct span server, uint32_t as, struct span bytes, struct findings *findings, struct whois_reply *ret)
{
    struct reading r;
    int e = begin_number(&r, book, server, bytes, findings, ret);
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
    int e = begin_number(&r, book, server, bytes, findings, ret);
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
