#include "probe/web.h"

#include "base/err.h"
#include "base/text.h"
#include "probe/learn.h"

#include <openssl/evp.h>

enum { HEADERS_MAX = 8 * 1024 };

static void get(struct talk *talk, struct web *web, enum web_stage stage, const char *path)
{
    struct endpoint target = talk_target(talk);
    char host[ENDPOINT_TEXT_SIZE];
    (void)endpoint_print(target, host);
    struct span name = span_text(host);
    if (target.port == (web->tls ? 443 : 80)) /* the scheme's own port is left out (RFC 9110 §7.2) */
        while (name.len > 0 && name.at[--name.len] != ':')
            ;
    struct buf request;
    buf_init(&request, 0);
    buf_printf(&request, "GET %s HTTP/1.1\r\nHost: ", path);
    buf_span(&request, name);
    buf_text(&request, "\r\nUser-Agent: ");
    buf_span(&request, talk_agent(talk));
    buf_text(&request, "\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n");
    if (request.error == 0)
        talk_say(talk, buf_as_span(&request));
    else
        talk_fail(talk, ENDING_MEMORY);
    buf_done(&request);
    web->stage = stage;
    http_begin(&web->reader, "HTTP");
}

void web_ask(struct talk *talk, bool tls)
{
    struct web *web = talk_state(talk);
    struct web before = *web; /* what the first connection left */
    *web = (struct web){.tls = tls};
    if (talk_round(talk) == 1)
        memcpy(web->path, before.path, sizeof web->path - 1);
    if (talk_round(talk) == 0)
        get(talk, web, WEB_PAGE, "/");
    else if (web->path[0] == '/')
        get(talk, web, WEB_REDIRECTED, web->path);
    else
        get(talk, web, WEB_FAVICON, "/favicon.ico");
    talk_wake(talk, talk_first_byte(talk));
}

/* ---- redirection ---- */

/* "http://192.0.2.1:8080/x" -> "/x" when that is where we are. */
static bool same_origin(struct talk *talk, const struct web *web, struct span *location)
{
    static const char *const schemes[] = {"http://", "https://"};
    const char *scheme = schemes[web->tls];
    size_t len = strlen(scheme);
    if (!http_same_word(span_part(*location, 0, len), scheme))
        return false;
    struct span rest = span_part(*location, len, location->len);
    size_t slash = span_find(rest, '/');
    struct span authority = span_part(rest, 0, slash);
    struct endpoint target = talk_target(talk), named = {.port = web->tls ? 443 : 80};
    struct span bare = authority;
    if (bare.len > 1 && bare.at[0] == '[' && bare.at[bare.len - 1] == ']')
        bare = span_part(bare, 1, bare.len - 2);
    if (endpoint_parse(authority, &named) != 0 && addr_parse(bare, &named.addr) != 0)
        return false;
    if (!addr_equal(named.addr, target.addr) || named.port != target.port)
        return false;
    *location = span_part(rest, slash, rest.len);
    return true;
}

/* The path a page redirects to, if it is of the same origin and another one. */
static bool redirection(struct talk *talk, struct web *web, const struct http_response *response)
{
    struct span to;
    bool moved = response->status == 301 || response->status == 302 || response->status == 303 || response->status == 307 || response->status == 308;
    if (!moved || !http_header(response->head, "location", &to))
        return false;
    bool absolute = same_origin(talk, web, &to);
    to = span_part(to, 0, span_find(to, '#'));
    if (!absolute && (span_starts(to, "//") || span_find(span_part(to, 0, span_find(to, '/')), ':') < span_find(to, '/')))
        return false;
    if (to.len > 0 && to.at[0] == '/')
        to = span_part(to, 1, to.len);
    if (to.len == 0 || to.len >= WEB_PATH_MAX)
        return false;
    for (size_t i = 0; i < to.len; i++) {
        if (to.at[i] <= ' ' || to.at[i] >= 0x7f)
            return false;
    }
    web->path[0] = '/';
    memcpy(web->path + 1, to.at, to.len);
    web->path[1 + to.len] = '\0';
    return true;
}

/* ---- what is learned ---- */

static void add_headers(struct buf *lines, struct span head)
{
    struct span name, value;
    while (lines->len < HEADERS_MAX && http_header_next(&head, &name, &value)) {
        buf_span(lines, name);
        if (name.len > 0)
            buf_text(lines, ": ");
        http_unfold(lines, value);
        buf_byte(lines, '\n');
    }
}

/* All values of a header, one a line: a host may offer several ways to log in. */
static void state_header(struct talk *talk, enum fact_name fact, struct span head, const char *wanted)
{
    struct buf values;
    struct span name, value;
    buf_init(&values, 0);
    while (values.len < LEARN_TEXT_MAX && http_header_next(&head, &name, &value)) {
        if (!http_same_word(name, wanted))
            continue;
        if (values.len > 0)
            buf_byte(&values, '\n');
        http_unfold(&values, value);
    }
    if (values.error == 0)
        learn_text(talk, fact, buf_as_span(&values));
    buf_done(&values);
}

static void state_headers(struct talk *talk, struct web *web, struct span head)
{
    struct buf lines, text;
    buf_init(&lines, 0);
    buf_init(&text, 0);
    add_headers(&lines, span_part(talk_heard(talk), web->head, web->head_len)); /* of the page that redirected */
    add_headers(&lines, head);
    if (lines.len > 0 && lines.len <= HEADERS_MAX)
        lines.len--; /* the last line's end */
    text_to_utf8(&text, span_part(buf_as_span(&lines), 0, HEADERS_MAX));
    if (lines.error == 0 && text.error == 0 && text.len > 0)
        talk_fact(talk, fact_text(FACT_HTTP_HEADERS, buf_as_span(&text)));
    buf_done(&text);
    buf_done(&lines);
}

static void state_page(struct talk *talk, struct web *web, const struct http_response *response)
{
    struct buf content;
    if (response->status != 0)
        talk_fact(talk, fact_int(FACT_HTTP_STATUS, response->status));
    state_headers(talk, web, response->head);
    state_header(talk, FACT_HTTP_SERVER, response->head, "server");
    state_header(talk, FACT_HTTP_REALM, response->head, "www-authenticate");
    buf_init(&content, WEB_CONTENT_MAX);
    http_content(response, &content);
    learn_text(talk, FACT_HTTP_TITLE, http_title(buf_as_span(&content)));
    if (web->stage == WEB_REDIRECTED) {
        buf_clear(&content);
        learn_line(&content, "redirected", span_text(web->path));
        learn_detail(talk, &content);
    }
    buf_done(&content);
}

/* A page shown in an icon's place is none. */
static bool looks_like_icon(const struct http_response *response, struct span content)
{
    struct span type;
    bool page = http_header(response->head, "content-type", &type) && http_same_word(span_part(type, 0, 9), "text/html");
    return response->status == 200 && content.len > 0 && !page && content.at[0] != '<';
}

static void state_icon(struct talk *talk, const struct http_response *response)
{
    struct buf content;
    uint8_t digest[EVP_MAX_MD_SIZE];
    char text[2 * EVP_MAX_MD_SIZE + 1];
    unsigned len = 0;
    buf_init(&content, WEB_CONTENT_MAX);
    http_content(response, &content);
    struct span icon = buf_as_span(&content);
    if (content.error == 0 && looks_like_icon(response, icon) && EVP_Digest(icon.at, icon.len, digest, &len, EVP_md5(), NULL) == 1)
        talk_fact(talk, fact_text(FACT_HTTP_FAVICON, span_text(text_hex(span_of(digest, len), text))));
    buf_done(&content);
}

/* ---- the conversation ---- */

static bool may_have_icon(unsigned status)
{
    return status < 400 || status == 401 || status == 403 || status == 404;
}

/* The page is read: what next, here or in a second connection? Whether this conversation goes on. */
static bool next(struct talk *talk, struct web *web, const struct http_response *response)
{
    bool redirected = web->stage == WEB_PAGE && redirection(talk, web, response);
    if (response->keep_alive && (redirected || may_have_icon(response->status))) {
        if (redirected) {
            web->head = web->from + (size_t)(response->head.at - (talk_heard(talk).at + web->from));
            web->head_len = response->head.len;
        }
        web->from += response->len;
        if (redirected)
            get(talk, web, WEB_REDIRECTED, web->path);
        else
            get(talk, web, WEB_FAVICON, "/favicon.ico");
        return true;
    }
    if (!redirected)
        web->path[0] = '\0';
    if (talk_round(talk) == 0 && (redirected || (response->status >= 200 && response->status < 400)))
        talk_again(talk);
    return false;
}

/* An answer is over, whole or not. Whether this conversation goes on. */
static bool answer_over(struct talk *talk, struct web *web, struct http_response *response)
{
    if (response->body.len >= WEB_PAGE_MAX && web->stage != WEB_FAVICON) {
        /* The rest is neither read nor waited for, however the bytes came. */
        response->body.len = WEB_PAGE_MAX;
        response->whole = response->keep_alive = false;
    }
    if (web->stage == WEB_FAVICON) {
        if (response->whole)
            state_icon(talk, response);
        return false;
    }
    state_page(talk, web, response);
    return next(talk, web, response);
}

static struct span answer(struct talk *talk, const struct web *web)
{
    struct span heard = talk_heard(talk);
    return span_part(heard, web->from, heard.len);
}

void web_hear(struct talk *talk, struct span bytes)
{
    struct web *web = talk_state(talk);
    struct http_response response;
    (void)bytes;
    for (bool on = !web->other; on;) {
        struct span stream = answer(talk, web);
        int error = http_more(&web->reader, stream);
        if (error == -ERR_MALFORMED && web->reader.phase == HTTP_LINE) {
            if (web->stage == WEB_FAVICON || web->from > 0) {
                web->over = true;
                talk_done(talk);
                return;
            }
            web->other = true; /* keeps what such a service says for itself */
            talk_wake(talk, talk_quiet(talk));
            return;
        }
        if (error == -ERR_TRUNCATED && (web->stage == WEB_FAVICON || web->reader.body_end - web->reader.body < WEB_PAGE_MAX))
            return;
        http_view(&web->reader, stream, &response);
        on = answer_over(talk, web, &response);
        if (!on) {
            web->over = true;
            talk_done(talk);
        }
    }
}

void web_quiet(struct talk *talk)
{
    const struct web *web = talk_state(talk);
    talk_fail(talk, talk_heard(talk).len == 0 ? ENDING_SILENT : web->other ? ENDING_OTHER : ENDING_QUIET);
}

/* The host closed, was silent or went on too long: what came of the last answer is stated, too. */
void web_end(struct talk *talk)
{
    struct web *web = talk_state(talk);
    struct span stream = answer(talk, web);
    if (web->other) {
        /* The oldest servers answer with nothing but a page (HTTP/0.9). */
        struct span page = http_trim(span_part(stream, 0, WEB_PAGE_MAX));
        if (span_starts(page, "<"))
            learn_text(talk, FACT_HTTP_TITLE, http_title(page));
        return;
    }
    if (web->over || stream.len == 0 || web->reader.phase == HTTP_LINE)
        return;
    struct http_response response;
    bool closed = web->reader.phase == HTTP_UNTIL_CLOSE;
    http_view(&web->reader, stream, &response);
    response.whole = response.whole || closed;
    (void)answer_over(talk, web, &response);
    if (closed)
        talk_done(talk);
}
