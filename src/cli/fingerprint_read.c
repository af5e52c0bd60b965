#include "cli/fingerprint.h"

#include "base/err.h"

#include <errno.h>
#include <jansson.h>
#include <search.h>
#include <stdlib.h>

enum { HOST_MEMORY_MAX = 1024 * 1024, JUDGE_MEMORY_MAX = 16 * 1024 * 1024 };

static int compare_hosts(const void *a, const void *b)
{
    return strcmp(((const struct banner_host *)a)->id, ((const struct banner_host *)b)->id);
}

static void host_free(struct banner_host *h)
{
    if (h == NULL)
        return;
    free(h->evidence);
    arena_done(&h->arena);
    free(h);
}

static struct banner_host *host_of(struct banners *b, const char *id)
{
    const struct banner_host key = {.id = id};
    struct banner_host *const *found = tfind(&key, &b->tree, compare_hosts);
    if (found != NULL)
        return *found;
    if (b->count == b->size) {
        size_t size = b->size == 0 ? 64 : b->size * 2;
        struct banner_host **more = size <= BANNER_HOSTS_MAX ? reallocarray(b->hosts, size, sizeof(struct banner_host *)) : NULL;
        if (more == NULL)
            return NULL;
        b->hosts = more;
        b->size = size;
    }
    struct banner_host *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    arena_init(&h->arena, HOST_MEMORY_MAX);
    h->id = arena_copy(&h->arena, span_text(id));
    if (h->id == NULL || tsearch(h, &b->tree, compare_hosts) == NULL) {
        host_free(h);
        return NULL;
    }
    b->hosts[b->count++] = h;
    return h;
}

static int keep_span(struct arena *arena, struct span *s)
{
    const char *copy = s->len > 0 ? arena_copy(arena, *s) : "";
    *s = span_of(copy, copy != NULL ? s->len : 0);
    return copy != NULL ? 0 : -ENOMEM;
}

/* Evidence outlives the line. */
static int host_add(struct banner_host *h, struct evidence e)
{
    struct span *const spans[] = {&e.rule, &e.class_, &e.maker, &e.model, &e.firmware, &e.ics, &e.residue, &e.honeypot, &e.matched};
    if (h->count == BANNER_EVIDENCE_MAX)
        return 0;
    if (h->count == h->size) {
        size_t size = h->size == 0 ? 4 : h->size * 2;
        struct evidence *more = reallocarray(h->evidence, size, sizeof *more);
        if (more == NULL)
            return -ENOMEM;
        h->evidence = more;
        h->size = size;
    }
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        if (keep_span(&h->arena, spans[i]) != 0)
            return 0; /* this host has said enough */
    }
    h->evidence[h->count++] = e;
    return 0;
}

/* RFC 4648 §4, whole and strict but for padding that is left out. */
static int decode_base64(struct arena *arena, struct span text, struct span *ret)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while (text.len > 0 && text.at[text.len - 1] == '=')
        text.len--;
    uint8_t *bytes = arena_alloc(arena, text.len + 1);
    if (bytes == NULL)
        return -ENOMEM;
    uint32_t bits = 0;
    unsigned have = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *letter = text.at[i] != '\0' ? strchr(letters, text.at[i]) : NULL;
        if (letter == NULL)
            return -ERR_MALFORMED;
        bits = (bits << 6 | (uint32_t)(letter - letters)) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            bytes[len++] = (uint8_t)(bits >> have);
        }
    }
    *ret = span_of(bytes, len);
    return text.len % 4 == 1 ? -ERR_MALFORMED : 0;
}

struct line {
    char id[BANNER_ID_MAX + 1];
    uint16_t port;
    struct span service, data;
};

static const char *read_line(json_t *json, struct arena *arena, struct line *ret)
{
    const json_t *id = json_object_get(json, "id"), *port = json_object_get(json, "port"), *service = json_object_get(json, "service"),
                 *data = json_object_get(json, "data");
    if (!json_is_object(json))
        return "expected an object";
    if (json_is_integer(id))
        snprintf(ret->id, sizeof ret->id, "%lld", (long long)json_integer_value(id));
    else if (json_is_string(id) && json_string_length(id) > 0 && json_string_length(id) <= BANNER_ID_MAX &&
             strlen(json_string_value(id)) == json_string_length(id))
        snprintf(ret->id, sizeof ret->id, "%s", json_string_value(id));
    else
        return "id: expected a text of 1 to 256 bytes";
    if (port != NULL && !json_is_null(port) && (!json_is_integer(port) || json_integer_value(port) < 0 || json_integer_value(port) > 65535))
        return "port: expected a number from 0 to 65535";
    ret->port = (uint16_t)json_integer_value(port);
    if (!json_is_string(service))
        return "service: expected a text; for example telnet";
    ret->service = span_of(json_string_value(service), json_string_length(service));
    if (!json_is_string(data))
        return "data: expected base 64";
    int r = decode_base64(arena, span_of(json_string_value(data), json_string_length(data)), &ret->data);
    return r == 0 ? NULL : r == -ENOMEM ? "data: too long" : "data: expected base 64";
}

static int judge_line(struct banners *b, const struct device_rules *rules, json_t *json, const char **ret_why)
{
    struct evidence evidence[DEVICE_EVIDENCE_MAX];
    struct arena arena;
    struct line line = {0};
    size_t count = 0;
    arena_init(&arena, JUDGE_MEMORY_MAX);
    *ret_why = read_line(json, &arena, &line);
    int r = 0;
    if (*ret_why == NULL)
        r = device_judge_bytes(rules, line.service, line.data, &arena, evidence, DEVICE_EVIDENCE_MAX, &count);
    if (r == -ERR_UNKNOWN || r == -ENOMEM) {
        *ret_why = r == -ENOMEM ? "data: too long" : "service: not known (`noroshi probes` lists them)";
        r = 0;
    } else if (r == 0 && *ret_why == NULL) {
        struct banner_host *h = host_of(b, line.id);
        r = h != NULL ? 0 : -ENOMEM;
        if (r == 0)
            h->lines++;
        for (size_t i = 0; i < count && r == 0; i++) {
            evidence[i].at.port = line.port;
            evidence[i].time = (usec_t)b->lines;
            r = host_add(h, evidence[i]);
        }
    }
    arena_done(&arena);
    return r;
}

/* The next line without its end; a line above the cap is read to its end all the same. 0, 1 at the end, -errno. */
static int next_line(FILE *in, struct buf *line)
{
    int c;
    bool any = false;
    buf_clear(line);
    while ((c = getc_unlocked(in)) != EOF && c != '\n') {
        any = true;
        buf_byte(line, (uint8_t)c);
    }
    if (ferror(in))
        return -EIO;
    return c == EOF && !any ? 1 : 0;
}

static bool is_blank(struct span line)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] > ' ')
            return false;
    }
    return true;
}

int banners_read(struct banners *b, FILE *in, const struct device_rules *rules, void (*complain)(size_t line, const char *why, void *user),
                 void *user)
{
    struct buf line;
    int r = 0;
    buf_init(&line, BANNER_LINE_MAX);
    while (r == 0 && (r = next_line(in, &line)) == 0) {
        const char *why = NULL;
        b->lines++;
        if (line.error == 0 && is_blank(buf_as_span(&line)))
            continue;
        json_error_t error;
        json_t *json = line.error == 0 ? json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES, &error) : NULL;
        if (json == NULL)
            why = line.error != 0 ? "the line is too long" : error.text;
        else
            r = judge_line(b, rules, json, &why);
        if (why != NULL) {
            b->bad++;
            complain(b->lines, why, user);
        }
        json_decref(json);
    }
    buf_done(&line);
    return r < 0 ? r : 0;
}

static void leave(void *node)
{
    (void)node;
}

void banners_free(struct banners *b)
{
    tdestroy(b->tree, leave);
    for (size_t i = 0; i < b->count; i++)
        host_free(b->hosts[i]);
    free(b->hosts);
    *b = (struct banners){0};
}
