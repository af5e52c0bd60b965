#include "analyse/device/fields.h"
#include "analyse/device/fields_html.h"
#include "base/cursor.h"
#include "base/err.h"
#include "probe/http_response.h"

#include <assert.h>
#include <stdio.h>

enum { TELNET_IAC = 255, TELNET_SB = 250, TELNET_SE = 240, TELNET_WILL = 251, TELNET_DONT = 254 };

void fields_add(struct field_list *f, enum device_field field, struct span value)
{
    value = span_part(value, 0, DEVICE_FIELD_MAX);
    if (value.len > 0 && f->count < FIELDS_MAX)
        f->list[f->count++] = (struct field_value){.field = field, .value = value};
}

bool fields_has(const struct field_list *f, enum device_field field)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->list[i].field == field)
            return true;
    }
    return false;
}

static struct span trim(struct span text)
{
    while (text.len > 0 && (text.at[0] <= ' ' || text.at[0] == 0x7f))
        text = span_part(text, 1, text.len);
    while (text.len > 0 && text.at[text.len - 1] <= ' ')
        text.len--;
    return text;
}

/* A buf's content in the arena; empty when memory is short. */
static struct span keep(struct field_list *f, struct buf *b)
{
    const char *copy = b->error == 0 || b->error == -ERR_LIMIT ? arena_copy(f->arena, buf_as_span(b)) : NULL;
    struct span kept = span_of(copy, copy != NULL ? b->len : 0);
    buf_done(b);
    return kept;
}

/* ---- telnet, ftp, ssh ---- */

/* RFC 854: commands and options taken out, IAC IAC is a byte 255, CR NUL a CR. */
static struct span without_options(struct field_list *f, struct span data)
{
    struct buf text;
    struct cursor c = cursor_of(span_part(data, 0, 4 * DEVICE_FIELD_MAX));
    buf_init(&text, DEVICE_FIELD_MAX);
    if (span_find(data, TELNET_IAC) == data.len && span_find(data, 0) == data.len)
        return data;
    while (cursor_left(&c) > 0 && text.error == 0) {
        uint8_t byte = cursor_u8(&c);
        if (byte == 0)
            continue;
        if (byte != TELNET_IAC) {
            buf_byte(&text, byte);
            continue;
        }
        uint8_t command = cursor_u8(&c);
        if (command == TELNET_IAC && c.error == 0) {
            buf_byte(&text, command);
        } else if (command >= TELNET_WILL && command <= TELNET_DONT) {
            (void)cursor_u8(&c);
        } else if (command == TELNET_SB) {
            uint8_t last = 0, now = 0;
            while (c.error == 0 && !(last == TELNET_IAC && now == TELNET_SE)) {
                last = now;
                now = cursor_u8(&c);
            }
        }
    }
    return keep(f, &text);
}

static void add_telnet(struct field_list *f, struct span data)
{
    struct span text = trim(without_options(f, data));
    fields_add(f, DEVICE_FIELD_TELNET, text);
    fields_add(f, DEVICE_FIELD_BANNER, text);
}

static struct span next_line(struct span *rest)
{
    struct span line = span_part(*rest, 0, span_find(*rest, '\n'));
    *rest = span_part(*rest, line.len + 1, rest->len);
    if (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    return line;
}

static bool has_code(struct span line)
{
    return line.len >= 4 && line.at[0] >= '1' && line.at[0] <= '5' && line.at[1] >= '0' && line.at[1] <= '9' && line.at[2] >= '0' &&
           line.at[2] <= '9' && (line.at[3] == ' ' || line.at[3] == '-');
}

/* RFC 959 §4.2: the reply's lines without their codes; also as it came but for the first code, where that is not the same. */
static void add_ftp(struct field_list *f, struct span data)
{
    struct buf text;
    struct span rest = span_part(data, 0, DEVICE_FIELD_MAX), whole = trim(has_code(rest) ? span_part(rest, 4, rest.len) : rest);
    buf_init(&text, DEVICE_FIELD_MAX);
    while (rest.len > 0) {
        struct span line = next_line(&rest);
        bool coded = has_code(line);
        if (text.len > 0)
            buf_text(&text, "\r\n");
        buf_span(&text, coded ? span_part(line, 4, line.len) : line);
    }
    struct span plain = trim(keep(f, &text));
    fields_add(f, DEVICE_FIELD_FTP, plain);
    if (!span_equal(plain, whole))
        fields_add(f, DEVICE_FIELD_FTP, whole);
    fields_add(f, DEVICE_FIELD_BANNER, trim(data));
}

/* RFC 4253 §4.2: other lines may come before the identification. */
static void add_ssh(struct field_list *f, struct span data)
{
    struct span rest = span_part(data, 0, DEVICE_FIELD_MAX);
    while (rest.len > 0) {
        struct span line = next_line(&rest);
        if (!span_starts(line, "SSH-"))
            continue;
        fields_add(f, DEVICE_FIELD_BANNER, line);
        struct span version = span_part(line, 4, line.len);
        fields_add(f, DEVICE_FIELD_SSH, span_part(version, span_find(version, '-') + 1, version.len));
        return;
    }
    fields_add(f, DEVICE_FIELD_BANNER, trim(data));
}

/* ---- http, rtsp, upnp ---- */

static struct span unfolded(struct field_list *f, struct span value)
{
    struct buf text;
    if (span_find(value, '\n') == value.len)
        return value;
    buf_init(&text, DEVICE_FIELD_MAX);
    http_unfold(&text, value);
    return keep(f, &text);
}

struct header_fields {
    int server, realm, cookie, powered; /* enum device_field, or -1 */
};

/* Header lines end in \n alone in `http.header`, so that $ means what it says. */
static void add_headers(struct field_list *f, struct span head, struct header_fields wanted, bool all)
{
    struct span rest = head, name, value;
    struct buf lines;
    buf_init(&lines, DEVICE_FIELD_MAX);
    while (http_header_next(&rest, &name, &value)) {
        value = unfolded(f, value);
        int field = http_same_word(name, "server")             ? wanted.server
                    : http_same_word(name, "www-authenticate") ? wanted.realm
                    : http_same_word(name, "set-cookie")       ? wanted.cookie
                    : http_same_word(name, "x-powered-by")     ? wanted.powered
                                                               : -1;
        if (field >= 0)
            fields_add(f, (enum device_field)field, value);
        if (!all)
            continue;
        buf_span(&lines, name);
        buf_text(&lines, name.len > 0 ? ": " : "");
        buf_span(&lines, value);
        buf_byte(&lines, '\n');
    }
    fields_add(f, DEVICE_FIELD_HTTP_HEADER, keep(f, &lines));
}

static void add_page(struct field_list *f, struct span page)
{
    struct span title = http_title(page), read = {0};
    fields_add(f, DEVICE_FIELD_HTTP_TITLE, trim(title));
    if (html_text(f->arena, title, &read) == 0 && !span_equal(trim(read), trim(title)))
        fields_add(f, DEVICE_FIELD_HTTP_TITLE, trim(read));
    fields_add(f, DEVICE_FIELD_HTTP_BODY, page);
}

static void add_http(struct field_list *f, struct span data)
{
    struct http_response answer;
    struct buf content;
    if (http_parse(data, "HTTP", &answer) != 0) {
        add_page(f, span_part(data, 0, DEVICE_FIELD_MAX)); /* HTTP/0.9, or something else that rules may know */
        return;
    }
    add_headers(f, answer.head,
                (struct header_fields){.server = DEVICE_FIELD_HTTP_SERVER,
                                       .realm = DEVICE_FIELD_HTTP_REALM,
                                       .cookie = DEVICE_FIELD_HTTP_COOKIE,
                                       .powered = DEVICE_FIELD_HTTP_POWERED},
                true);
    buf_init(&content, DEVICE_FIELD_MAX);
    if (answer.chunked)
        http_content(&answer, &content);
    add_page(f, answer.chunked ? keep(f, &content) : span_part(answer.body, 0, DEVICE_FIELD_MAX));
}

static void add_rtsp(struct field_list *f, struct span data)
{
    struct http_response answer;
    if (http_parse(data, "RTSP", &answer) == 0)
        add_headers(f, answer.head,
                    (struct header_fields){.server = DEVICE_FIELD_RTSP_SERVER, .realm = DEVICE_FIELD_RTSP_REALM, .cookie = -1, .powered = -1}, false);
    else
        fields_add(f, DEVICE_FIELD_BANNER, trim(data));
}

static void add_upnp(struct field_list *f, struct span data)
{
    struct http_response answer;
    if (http_parse(data, "HTTP", &answer) == 0)
        add_headers(f, answer.head, (struct header_fields){.server = DEVICE_FIELD_UPNP_SERVER, .realm = -1, .cookie = -1, .powered = -1}, false);
    fields_add(f, DEVICE_FIELD_BANNER, trim(data));
}

/* ---- snmp ---- */

enum { BER_INTEGER = 2, BER_OCTETS = 4, BER_OID = 6, BER_SEQUENCE = 0x30, SNMP_RESPONSE = 0xa2 };

/* The content of the next element, whatever its type; an error sticks in the cursor. */
static struct span element(struct cursor *c, uint8_t *ret_type)
{
    *ret_type = cursor_u8(c);
    uint64_t len = cursor_u8(c);
    if (len > 0x84)
        cursor_fail(c, -ERR_MALFORMED);
    else if (len > 0x80)
        len = cursor_be(c, len - 0x80);
    return cursor_take(c, len > DEVICE_FIELD_MAX * 4 ? SIZE_MAX : (size_t)len);
}

static struct span print_oid(struct arena *arena, struct span bytes)
{
    struct buf text;
    buf_init(&text, DEVICE_TEXT_MAX);
    uint64_t part = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        part = (part & UINT64_C(0xffffffff)) << 7 | (bytes.at[i] & 0x7f);
        if ((bytes.at[i] & 0x80) != 0)
            continue;
        if (text.len == 0) {
            uint64_t first = part < 80 ? part / 40 : 2;
            buf_printf(&text, "%llu.%llu", (unsigned long long)first, (unsigned long long)(part - first * 40));
        } else {
            buf_printf(&text, ".%llu", (unsigned long long)part);
        }
        part = 0;
    }
    const char *copy = text.error == 0 ? arena_copy(arena, buf_as_span(&text)) : NULL;
    struct span oid = span_of(copy, copy != NULL ? text.len : 0);
    buf_done(&text);
    return oid;
}

static void add_binding(struct field_list *f, struct span binding)
{
    static const uint8_t system_group[] = {0x2b, 6, 1, 2, 1, 1}; /* 1.3.6.1.2.1.1 */
    uint8_t type, value_type;
    struct cursor c = cursor_of(binding);
    struct span name = element(&c, &type), value = element(&c, &value_type);
    if (c.error != 0 || type != BER_OID || name.len != sizeof system_group + 2 || memcmp(name.at, system_group, sizeof system_group) != 0)
        return;
    if (name.at[sizeof system_group] == 1 && value_type == BER_OCTETS)
        fields_add(f, DEVICE_FIELD_SNMP_SYSDESCR, trim(value));
    else if (name.at[sizeof system_group] == 2 && value_type == BER_OID)
        fields_add(f, DEVICE_FIELD_SNMP_SYSOBJID, print_oid(f->arena, value));
}

void fields_of_snmp(struct field_list *f, struct span datagram)
{
    uint8_t type;
    struct cursor c = cursor_of(datagram);
    c = cursor_of(element(&c, &type)); /* the message: version, community, PDU */
    (void)element(&c, &type);
    (void)element(&c, &type);
    struct span pdu = element(&c, &type);
    if (c.error != 0 || type != SNMP_RESPONSE)
        return;
    c = cursor_of(pdu);
    for (int i = 0; i < 3; i++)
        (void)element(&c, &type); /* request, error, index */
    c = cursor_of(element(&c, &type));
    for (int i = 0; i < 16 && cursor_left(&c) > 0; i++) {
        struct span binding = element(&c, &type);
        if (c.error == 0 && type == BER_SEQUENCE)
            add_binding(f, binding);
    }
}

/* Bytes of an agent, or, from other people's lists, the text of sysDescr alone. */
static void add_snmp(struct field_list *f, struct span data)
{
    size_t before = f->count;
    fields_of_snmp(f, data);
    if (f->count == before && data.len > 0 && data.at[0] >= ' ' && data.at[0] != BER_SEQUENCE)
        fields_add(f, DEVICE_FIELD_SNMP_SYSDESCR, trim(data));
}

/* ---- which ---- */

/* A service whose protocol was not known before it spoke. */
static void add_banner(struct field_list *f, struct span data)
{
    if (span_starts(data, "SSH-"))
        add_ssh(f, data);
    else if (span_starts(data, "HTTP/"))
        add_http(f, data);
    else if (span_starts(data, "RTSP/"))
        add_rtsp(f, data);
    else if (span_starts(data, "220 ") || span_starts(data, "220-"))
        add_ftp(f, data);
    else if (data.len > 0 && data.at[0] == TELNET_IAC)
        add_telnet(f, data);
    else
        fields_add(f, DEVICE_FIELD_BANNER, trim(data));
}

static const struct {
    const char *service;
    void (*add)(struct field_list *, struct span);
} services[] = {
    {"banner", add_banner}, {"telnet", add_telnet}, {"ftp", add_ftp},   {"ssh", add_ssh},   {"http", add_http},
    {"https", add_http},    {"rtsp", add_rtsp},     {"upnp", add_upnp}, {"snmp", add_snmp},
};
static_assert(sizeof services / sizeof services[0] <= 16, "rules hold a bit for each");

int fields_service(struct span service)
{
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        if (span_is(service, services[i].service))
            return (int)i;
    }
    return -1;
}

bool fields_of_bytes(struct field_list *f, struct span service, struct span data)
{
    int at = fields_service(service);
    if (at >= 0)
        services[at].add(f, data);
    return at >= 0;
}
