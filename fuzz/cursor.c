/* The small readers and printers of base/: what is printed must read back, whatever is read must stay inside. */
#include "base/cursor.h"
#include "base/addr.h"
#include "base/id.h"
#include "base/text.h"

#include "target.h"

static void try_cursor(struct span in)
{
    struct cursor c = cursor_of(in);
    while (c.error == 0 && cursor_left(&c) > 0) {
        size_t before = cursor_left(&c);
        uint8_t op = cursor_u8(&c);
        if (op % 4 == 0) {
            (void)cursor_varint(&c);
        } else if (op % 4 == 1) {
            (void)cursor_be(&c, 1 + op / 4 % 8);
        } else if (op % 4 == 2) {
            struct span part = cursor_take(&c, op / 4U);
            MUST(part.len == 0 || (part.at >= in.at && part.at + part.len <= in.at + in.len));
        } else {
            (void)cursor_be16(&c);
        }
        MUST(c.error != 0 || cursor_left(&c) < before);
    }
    MUST(c.at <= c.end);
    struct cursor number = cursor_of(in);
    uint64_t value = cursor_varint(&number);
    if (number.error == 0) {
        struct buf b;
        buf_init(&b, 16);
        buf_varint(&b, value);
        struct cursor back = cursor_of(buf_as_span(&b));
        MUST(cursor_varint(&back) == value && back.error == 0 && cursor_left(&back) == 0);
        buf_done(&b);
    }
}

static void try_times(struct span in)
{
    usec_t t, again;
    bool zoned;
    char text[USEC_TEXT_SIZE];
    if (usec_parse(in, 540, &t, &zoned) == 0) {
        MUST(usec_parse(span_text(usec_print(t, text)), 0, &again, &zoned) == 0 || t < INT64_C(-62135596800) * USEC_PER_SEC);
        if (t >= INT64_C(-62135596800) * USEC_PER_SEC && t < INT64_C(253402300800) * USEC_PER_SEC)
            MUST(zoned && again == t);
    }
    struct cursor c = cursor_of(in);
    (void)usec_print((usec_t)cursor_be64(&c), text);
    MUST(strlen(text) == 27);
    struct id id;
    char id_text[ID_TEXT_SIZE];
    if (id_parse(in, &id) == 0) {
        struct id back;
        MUST(id_parse(span_text(id_print(id, id_text)), &back) == 0 && id_equal(id, back));
    }
    if (in.len >= 16) {
        memcpy(id.bytes, in.at, 16);
        struct id back;
        MUST(id_parse(span_text(id_print(id, id_text)), &back) == 0 && id_equal(id, back));
        MUST(id_time(id) >= 0);
    }
}

static void try_addresses(struct span in)
{
    struct addr a;
    char text[64];
    if (addr_parse(in, &a) == 0) {
        struct addr back;
        MUST(addr_parse(span_text(addr_print(a, text)), &back) == 0 && addr_equal(a, back));
    }
    struct endpoint e;
    if (endpoint_parse(in, &e) == 0) {
        struct endpoint back;
        MUST(endpoint_parse(span_text(endpoint_print(e, text)), &back) == 0 && addr_equal(e.addr, back.addr) && e.port == back.port);
    }
    struct prefix p;
    if (prefix_parse(in, &p) == 0) {
        struct prefix back, found;
        struct trie *trie;
        MUST(prefix_parse(span_text(prefix_print(p, text)), &back) == 0 && addr_equal(p.addr, back.addr) && p.bits == back.bits);
        MUST(prefix_holds(p, p.addr));
        MUST(trie_new(&trie) == 0 && trie_put(trie, p, &p) == 0 && trie_find(trie, p.addr, &found) == &p && found.bits == p.bits);
        MUST(trie_drop(trie, p) && trie_find(trie, p.addr, NULL) == NULL);
        trie_free(trie);
    }
    if (in.len >= 16) {
        memcpy(a.bytes, in.at, 16);
        struct addr back;
        MUST(addr_parse(span_text(addr_print(a, text)), &back) == 0 && addr_equal(a, back));
    }
}

static void try_text(struct span in)
{
    struct buf b;
    buf_init(&b, 1 << 24);
    text_escape(&b, in);
    MUST(text_utf8_valid(buf_as_span(&b)) == b.len);
    for (size_t i = 0; i < b.len; i++)
        MUST(b.data[i] >= 0x20 && b.data[i] != 0x7f);
    buf_clear(&b);
    text_escape_lines(&b, in);
    for (size_t i = 0; i < b.len; i++)
        MUST((b.data[i] >= 0x20 || b.data[i] == '\n' || b.data[i] == '\t') && b.data[i] != 0x7f);
    buf_clear(&b);
    text_to_utf8(&b, in);
    MUST(text_utf8_valid(buf_as_span(&b)) == b.len && (b.len == 0 || memchr(b.data, 0, b.len) == NULL));
    if (text_utf8_valid(in) == in.len && (in.len == 0 || memchr(in.at, 0, in.len) == NULL))
        MUST(span_equal(buf_as_span(&b), in));
    buf_clear(&b);
    struct json j;
    json_init(&j, &b, true);
    json_begin_array(&j);
    json_span(&j, in);
    json_end_array(&j);
    MUST(b.error == 0 && text_utf8_valid(buf_as_span(&b)) == b.len);
    buf_clear(&b);
    text_base64(&b, in);
    MUST(b.len == (in.len + 2) / 3 * 4);
    char *hex = malloc(2 * in.len + 1);
    uint8_t *back = malloc(in.len + 1);
    MUST(hex != NULL && back != NULL);
    MUST(text_unhex(span_text(text_hex(in, hex)), back, in.len) == 0 && (in.len == 0 || memcmp(back, in.at, in.len) == 0));
    if (text_unhex(in, back, in.len / 2) == 0)
        MUST(in.len % 2 == 0);
    free(hex);
    free(back);
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span in = span_of(data, len);
    try_cursor(in);
    try_times(in);
    try_addresses(in);
    try_text(in);
    return 0;
}
