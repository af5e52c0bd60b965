#include "probe/http_response.h"

#include "base/err.h"

enum {
    LINE_MAX_BYTES = 16 * 1024, /* a status line, or the line of a chunk's size, that is longer is none */
    INTERIM_MAX = 8             /* 1xx answers before the real one */
};

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == 0;
}

bool http_same_word(struct span a, const char *word)
{
    size_t i = 0;
    for (; i < a.len && word[i] != '\0'; i++) {
        if (lower(a.at[i]) != lower((uint8_t)word[i]))
            return false;
    }
    return i == a.len && word[i] == '\0';
}

struct span http_trim(struct span a)
{
    size_t from = 0, to = a.len;
    while (from < to && is_space(a.at[from]))
        from++;
    while (to > from && is_space(a.at[to - 1]))
        to--;
    return span_part(a, from, to - from);
}

/* ---- headers ---- */

/* The first line of *rest without its end; *rest then begins behind it. */
static struct span take_line(struct span *rest)
{
    size_t len = span_find(*rest, '\n');
    struct span line = span_part(*rest, 0, len);
    *rest = span_part(*rest, len + 1, rest->len);
    if (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    return line;
}

bool http_header_next(struct span *rest, struct span *ret_name, struct span *ret_value)
{
    struct span from, line;
    do {
        if (rest->len == 0)
            return false;
        from = *rest;
        line = take_line(rest);
    } while (line.len == 0);
    size_t len = line.len;
    while (rest->len > 0 && (rest->at[0] == ' ' || rest->at[0] == '\t')) {
        (void)take_line(rest);
        len = from.len - rest->len;
    }
    struct span whole = span_part(from, 0, len);
    size_t colon = span_find(line, ':');
    if (colon == line.len) {
        *ret_name = span_part(whole, 0, 0);
        *ret_value = http_trim(whole);
        return true;
    }
    *ret_name = http_trim(span_part(whole, 0, colon));
    *ret_value = http_trim(span_part(whole, colon + 1, whole.len));
    return true;
}

bool http_header(struct span head, const char *name, struct span *ret_value)
{
    struct span found, value;
    while (http_header_next(&head, &found, &value)) {
        if (http_same_word(found, name)) {
            *ret_value = value;
            return true;
        }
    }
    *ret_value = (struct span){0};
    return false;
}

void http_unfold(struct buf *out, struct span value)
{
    while (value.len > 0) {
        struct span line = http_trim(take_line(&value));
        buf_span(out, line);
        if (value.len > 0)
            buf_byte(out, ' ');
    }
}

/* ---- where the answer ends ---- */

void http_begin(struct http_reader *r, const char *protocol)
{
    *r = (struct http_reader){.protocol = protocol};
}

/* "HTTP/1.1 200 OK"; "HTTP/1.1" and three digits are all that is asked for. An answer without a number counts, too (status 0). */
static bool read_status(struct http_reader *r, struct span line)
{
    size_t len = strlen(r->protocol);
    if (!http_same_word(span_part(line, 0, len), r->protocol))
        return false;
    struct span rest = span_part(line, len, line.len);
    struct span version = span_part(rest, 0, span_find(rest, ' '));
    r->old = span_starts(version, "/0") || span_is(version, "/1.0") || version.len == 0;
    struct span number = span_part(http_trim(span_part(rest, version.len, rest.len)), 0, 3);
    r->status = 0;
    for (size_t i = 0; i < number.len; i++) {
        if (number.at[i] < '0' || number.at[i] > '9') {
            r->status = 0;
            break;
        }
        r->status = r->status * 10 + (unsigned)(number.at[i] - '0');
    }
    return true;
}

/* Could these bytes still become a status line? */
static bool may_begin(const struct http_reader *r, struct span part)
{
    size_t len = strlen(r->protocol);
    struct span begin = span_part(part, 0, len);
    for (size_t i = 0; i < begin.len; i++) {
        if (lower(begin.at[i]) != lower((uint8_t)r->protocol[i]))
            return false;
    }
    return true;
}

/* Digits only; several equal lengths separated by commas occur and are one. false: none that holds. */
static bool read_length(struct span value, uint64_t *ret)
{
    uint64_t length = 0;
    struct span digits = http_trim(span_part(value, 0, span_find(value, ',')));
    if (digits.len == 0)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        uint8_t digit = digits.at[i];
        if (digit < '0' || digit > '9' || length > (UINT64_MAX - 9) / 10)
            return false;
        length = length * 10 + (uint64_t)(digit - '0');
    }
    *ret = length;
    return true;
}

/* Does the comma-separated list hold the word? */
static bool has_word(struct span list, const char *word)
{
    while (list.len > 0) {
        size_t comma = span_find(list, ',');
        if (http_same_word(http_trim(span_part(list, 0, comma)), word))
            return true;
        list = span_part(list, comma + 1, list.len);
    }
    return false;
}

static void head_ends(struct http_reader *r, struct span stream)
{
    if (r->status >= 100 && r->status < 200 && r->status != 101 && r->interim < INTERIM_MAX) {
        r->interim++;
        r->phase = HTTP_LINE;
        return;
    }
    struct span head = span_part(stream, r->head, r->head_end - r->head), value;
    bool rtsp = r->protocol[0] == 'R'; /* no length means no body there (RFC 2326 §4.4) */
    r->body = r->body_end = r->at;
    r->chunked = http_header(head, "transfer-encoding", &value) && has_word(value, "chunked");
    bool has_length = http_header(head, "content-length", &value) && read_length(value, &r->left);
    if (r->status == 204 || r->status == 304)
        r->phase = HTTP_WHOLE;
    else if (r->chunked)
        r->phase = HTTP_CHUNK_SIZE;
    else if (has_length)
        r->phase = r->left > 0 ? HTTP_LENGTH : HTTP_WHOLE;
    else
        r->phase = rtsp ? HTTP_WHOLE : HTTP_UNTIL_CLOSE;
}

/* A chunk's size: hexadecimal digits, then an extension or white space. */
static int read_size(struct http_reader *r, struct span line)
{
    uint64_t size = 0;
    size_t i = 0;
    line = http_trim(line);
    for (; i < line.len; i++) {
        uint8_t digit = lower(line.at[i]);
        unsigned value;
        if (digit >= '0' && digit <= '9')
            value = (unsigned)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            value = (unsigned)(digit - 'a' + 10);
        else
            break;
        if (size > UINT64_MAX >> 4)
            return -ERR_MALFORMED;
        size = size << 4 | value;
    }
    if (i == 0 || (i < line.len && line.at[i] != ';' && line.at[i] != ' ' && line.at[i] != '\t'))
        return -ERR_MALFORMED;
    r->left = size;
    r->phase = size > 0 ? HTTP_CHUNK_DATA : HTTP_TRAILER;
    return 0;
}

static int line_read(struct http_reader *r, struct span stream, struct span line)
{
    switch (r->phase) {
    case HTTP_LINE:
        if (line.len == 0) /* empty lines before an answer are passed over */
            return 0;
        if (!read_status(r, line))
            return -ERR_MALFORMED;
        r->begin = r->line;
        r->head = r->head_end = r->at;
        r->phase = HTTP_HEAD;
        return 0;
    case HTTP_HEAD:
        if (line.len == 0)
            head_ends(r, stream);
        else
            r->head_end = r->at;
        return 0;
    case HTTP_CHUNK_SIZE:
        return read_size(r, line);
    case HTTP_CHUNK_END:
        r->phase = HTTP_CHUNK_SIZE;
        return line.len == 0 ? 0 : -ERR_MALFORMED;
    case HTTP_TRAILER:
        if (line.len == 0)
            r->phase = HTTP_WHOLE;
        return 0;
    default:
        return 0;
    }
}

/* One line, or as much of it as is there. -ERR_TRUNCATED: its end has not come. */
static int more_line(struct http_reader *r, struct span stream)
{
    struct span rest = span_part(stream, r->at, stream.len);
    size_t len = span_find(rest, '\n');
    bool bounded = r->phase == HTTP_LINE || r->phase == HTTP_CHUNK_SIZE || r->phase == HTTP_CHUNK_END;
    size_t end = r->at + len;
    if (bounded && end - r->line > LINE_MAX_BYTES)
        return -ERR_MALFORMED;
    if (len == rest.len) {
        r->at = stream.len;
        struct span part = span_part(stream, r->line, stream.len);
        if (r->phase == HTTP_LINE && !(part.len == 1 && part.at[0] == '\r') && !may_begin(r, part))
            return -ERR_MALFORMED;
        return -ERR_TRUNCATED;
    }
    struct span line = span_part(stream, r->line, end - r->line);
    if (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    r->at = end + 1;
    int error = line_read(r, stream, line);
    r->line = r->at;
    if (r->phase >= HTTP_CHUNK_SIZE)
        r->body_end = r->at;
    return error;
}

static int more_bytes(struct http_reader *r, struct span stream)
{
    size_t there = stream.len - r->at;
    size_t taken = r->phase != HTTP_UNTIL_CLOSE && r->left < there ? (size_t)r->left : there;
    r->at += taken;
    r->body_end = r->line = r->at;
    if (r->phase == HTTP_UNTIL_CLOSE)
        return -ERR_TRUNCATED;
    r->left -= taken;
    if (r->left > 0)
        return -ERR_TRUNCATED;
    r->phase = r->phase == HTTP_CHUNK_DATA ? HTTP_CHUNK_END : HTTP_WHOLE;
    return 0;
}

int http_more(struct http_reader *r, struct span stream)
{
    int error = r->error;
    while (error == 0 && r->phase != HTTP_WHOLE) {
        bool bytes = r->phase == HTTP_LENGTH || r->phase == HTTP_CHUNK_DATA || r->phase == HTTP_UNTIL_CLOSE;
        error = bytes ? more_bytes(r, stream) : more_line(r, stream);
    }
    if (error != -ERR_TRUNCATED)
        r->error = error;
    return error;
}

void http_view(const struct http_reader *r, struct span stream, struct http_response *ret)
{
    *ret = (struct http_response){.status = r->status, .chunked = r->chunked, .whole = r->phase == HTTP_WHOLE && r->error == 0, .len = r->at};
    if (r->phase == HTTP_LINE)
        return;
    struct span line = span_part(stream, r->begin, r->head - r->begin);
    ret->line = take_line(&line);
    ret->head = span_part(stream, r->head, r->head_end - r->head);
    if (r->phase >= HTTP_LENGTH)
        ret->body = span_part(stream, r->body, r->body_end - r->body);
    struct span value;
    bool stated = http_header(ret->head, "connection", &value);
    bool kept = r->old ? stated && has_word(value, "keep-alive") : !(stated && has_word(value, "close"));
    ret->keep_alive = ret->whole && kept && r->status != 101;
}

int http_parse(struct span stream, const char *protocol, struct http_response *ret)
{
    struct http_reader r;
    http_begin(&r, protocol);
    int error = http_more(&r, stream);
    bool closed = r.phase == HTTP_UNTIL_CLOSE;
    if (closed)
        r.phase = HTTP_WHOLE;
    if (r.phase == HTTP_LINE && r.interim == 0) {
        /* A status line whose end is missing is still one. */
        struct span line = span_part(stream, r.line, stream.len);
        if (error == -ERR_MALFORMED || line.len < strlen(protocol) || !read_status(&r, line))
            return -ERR_MALFORMED;
        *ret = (struct http_response){.status = r.status, .line = http_trim(line), .len = stream.len};
        return 0;
    }
    http_view(&r, stream, ret);
    ret->keep_alive = ret->keep_alive && !closed;
    return 0;
}

/* ---- content ---- */

void http_content(const struct http_response *response, struct buf *out)
{
    struct span rest = response->body;
    if (!response->chunked) {
        buf_span(out, out->max > 0 ? span_part(rest, 0, out->max - out->len) : rest);
        return;
    }
    struct http_reader r = {.protocol = "HTTP"};
    while (rest.len > 0) {
        struct span line = take_line(&rest);
        if (read_size(&r, line) != 0 || r.left == 0)
            return;
        struct span data = span_part(rest, 0, r.left < rest.len ? (size_t)r.left : rest.len);
        if (out->max > 0 && data.len > out->max - out->len)
            data.len = out->max - out->len;
        buf_span(out, data);
        rest = span_part(rest, r.left < rest.len ? (size_t)r.left : rest.len, rest.len);
        (void)take_line(&rest);
    }
}

/* Where `word` (lower case) stands in any case, or text.len. */
static size_t find_word(struct span text, const char *word)
{
    size_t len = strlen(word);
    for (size_t from = 0; text.len - from >= len;) {
        size_t at = from + span_find(span_part(text, from, text.len - from), (uint8_t)word[0]);
        if (at > text.len - len)
            break;
        if (http_same_word(span_part(text, at, len), word))
            return at;
        from = at + 1;
    }
    return text.len;
}

struct span http_title(struct span content)
{
    for (struct span rest = content; rest.len > 0;) {
        size_t at = find_word(rest, "<title");
        rest = span_part(rest, at + 6, rest.len);
        if (rest.len == 0)
            break;
        if (rest.at[0] != '>' && !is_space(rest.at[0]))
            continue;
        rest = span_part(rest, span_find(rest, '>') + 1, rest.len);
        struct span title = span_part(rest, 0, HTTP_TITLE_MAX);
        size_t end = find_word(span_part(rest, 0, HTTP_TITLE_MAX + 7), "</title");
        /* One that is never closed ends where the next element begins. */
        return span_part(title, 0, end < rest.len && end <= HTTP_TITLE_MAX ? end : span_find(title, '<'));
    }
    return span_part(content, 0, 0);
}
