/* URLs, redirects, lines of a head: what needs no connection. libcurl takes URLs apart, so that what is checked here is what it will ask. */
#include "base/err.h"
#include "base/hash.h"
#include "outside/dns.h"
#include "outside/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <idn2.h>
#include <strings.h>

enum { RETRY_DAYS_MAX = 366 };
#define FORGIVING (CURLU_URLENCODE | CURLU_ALLOW_SPACE)

/* ---- URLs ---- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trimmed(struct span s)
{
    while (s.len > 0 && is_blank(s.at[0]))
        s = span_part(s, 1, s.len);
    while (s.len > 0 && is_blank(s.at[s.len - 1]))
        s = span_part(s, 0, s.len - 1);
    return s;
}

static int error_of(CURLUcode code)
{
    switch (code) {
    case CURLUE_OK:
        return 0;
    case CURLUE_OUT_OF_MEMORY:
        return -ENOMEM;
    case CURLUE_UNSUPPORTED_SCHEME:
        return -ERR_DENIED;
    default:
        return -ERR_MALFORMED;
    }
}

static int read_scheme(CURLU *u, struct fetch_url *ret)
{
    char *scheme = NULL;
    int r = error_of(curl_url_get(u, CURLUPART_SCHEME, &scheme, 0));
    if (r == 0) {
        ret->https = strcmp(scheme, "https") == 0;
        r = ret->https || strcmp(scheme, "http") == 0 ? 0 : -ERR_DENIED;
    }
    curl_free(scheme);
    return r;
}

/* No page is served below 1024 but at these; behind the others is no web server (Fetch Standard, "port blocking"), and a redirect must not make us
 * speak to it. */
static bool is_web_port(unsigned port)
{
    static const uint16_t others[] = {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000,
                                      6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (port == others[i])
            return false;
    }
    return port >= 1024 || port == 80 || port == 443;
}

static int read_port(CURLU *u, struct fetch_url *ret)
{
    char *port = NULL;
    unsigned number = 0;
    int r = error_of(curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT));
    for (const char *c = r == 0 ? port : ""; *c >= '0' && *c <= '9' && number <= UINT16_MAX; c++)
        number = number * 10 + (unsigned)(*c - '0');
    curl_free(port);
    ret->port = (uint16_t)number;
    if (r != 0)
        return r;
    return number == 0 || number > UINT16_MAX ? -ERR_MALFORMED : is_web_port(number) ? 0 : -ERR_DENIED;
}

/* RFC 5891, as browsers do. What is ASCII stays as it is. `host` is freed with curl_free, *ret with idn2_free. */
static int to_ascii(const char *host, char **ret)
{
    int code = idn2_lookup_u8((const uint8_t *)host, (uint8_t **)ret, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    return code == IDN2_OK ? 0 : code == IDN2_MALLOC ? -ENOMEM : -ERR_MALFORMED;
}

static bool is_ascii(const char *text)
{
    while (*text > 0)
        text++;
    return *text == '\0';
}

/* A last label that is a number makes it an address, or nothing (as browsers have it): "1.", "10.0.0.08". */
static bool ends_in_number(const char *host)
{
    const char *last = strrchr(host, '.');
    last = last != NULL ? last + 1 : host;
    if (last[0] == '0' && last[1] == 'x')
        return last[2 + strspn(last + 2, "0123456789abcdef")] == '\0';
    return last[strspn(last, "0123456789")] == '\0';
}

static int take_host(const char *host, struct fetch_url *ret)
{
    struct span text = span_text(host);
    bool brackets = text.len > 2 && text.at[0] == '[' && text.at[text.len - 1] == ']';
    struct span bare = brackets ? span_part(text, 1, text.len - 2) : text;
    ret->is_addr = addr_parse(bare, &ret->addr) == 0;
    if (ret->is_addr)
        (void)addr_print(ret->addr, ret->host);
    else if (brackets || strpbrk(host, "/*") != NULL || dns_name(text, ret->host) != 0 || ends_in_number(ret->host))
        return -ERR_MALFORMED;
    return 0;
}

static int read_host(CURLU *u, struct fetch_url *ret)
{
    char *host = NULL, *zone = NULL, *ascii = NULL;
    if (curl_url_get(u, CURLUPART_ZONEID, &zone, 0) == CURLUE_OK) {
        curl_free(zone);
        return -ERR_MALFORMED; /* of a link of ours: nobody else can mean that */
    }
    int r = error_of(curl_url_get(u, CURLUPART_HOST, &host, CURLU_URLDECODE));
    if (r == 0 && !is_ascii(host))
        r = to_ascii(host, &ascii);
    if (r == 0)
        r = take_host(ascii != NULL ? ascii : host, ret);
    /* As it was understood, so that nobody understands it otherwise. */
    if (r == 0 && host[0] != '[')
        r = error_of(curl_url_set(u, CURLUPART_HOST, ret->host, 0));
    idn2_free(ascii);
    curl_free(host);
    return r;
}

static int read_text(CURLU *u, struct fetch_url *ret)
{
    static const CURLUPart not_sent[] = {CURLUPART_FRAGMENT, CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS};
    char *text = NULL;
    int r = 0;
    for (size_t i = 0; i < sizeof not_sent / sizeof not_sent[0] && r == 0; i++)
        r = error_of(curl_url_set(u, not_sent[i], NULL, 0));
    if (r == 0)
        r = error_of(curl_url_get(u, CURLUPART_URL, &text, 0));
    if (r == 0) {
        size_t len = strlen(text);
        r = len <= FETCH_URL_MAX ? 0 : -ERR_LIMIT;
        if (r == 0)
            memcpy(ret->text, text, len + 1);
    }
    curl_free(text);
    return r;
}

static int read_parts(CURLU *u, struct fetch_url *ret)
{
    struct fetch_url made = {.is_addr = false};
    int r = read_scheme(u, &made);
    if (r == 0)
        r = read_port(u, &made);
    if (r == 0)
        r = read_host(u, &made);
    if (r == 0)
        r = read_text(u, &made);
    if (r == 0)
        *ret = made;
    return r;
}

/* `text` taken as a link on the page `base` (NULL: it stands alone). */
static int read_url(const char *base, struct span text, struct fetch_url *ret)
{
    char plain[FETCH_URL_MAX + 1];
    text = trimmed(text);
    if (text.len == 0 || (text.len > 0 && memchr(text.at, 0, text.len) != NULL))
        return -ERR_MALFORMED;
    if (text.len > FETCH_URL_MAX)
        return -ERR_LIMIT;
    memcpy(plain, text.at, text.len);
    plain[text.len] = '\0';
    CURLU *u = curl_url();
    if (u == NULL)
        return -ENOMEM;
    int r = base != NULL ? error_of(curl_url_set(u, CURLUPART_URL, base, 0)) : 0;
    if (r == 0)
        r = error_of(curl_url_set(u, CURLUPART_URL, plain, FORGIVING));
    if (r == 0)
        r = read_parts(u, ret);
    curl_url_cleanup(u);
    return r;
}

int fetch_url_read(struct span text, struct fetch_url *ret)
{
    return read_url(NULL, text, ret);
}

int fetch_follow(struct fetch_trail *trail, const struct fetch_url *from, int status, struct span location, bool secure, struct fetch_url *ret)
{
    struct fetch_url next;
    bool redirects = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    if (!redirects || location.len == 0)
        return -ERR_NOT_FOUND;
    location = span_part(location, 0, span_find(location, '#')); /* of the next page: not asked for */
    if (trail->hops >= FETCH_HOPS_MAX || location.len == 0)
        return -ERR_LIMIT;
    int r = read_url(from->text, location, &next);
    if (r != 0)
        return r;
    if (secure && from->https && !next.https)
        return -ERR_DENIED;
    if (trail->hops == 0)
        trail->seen[0] = hash_seeded(0, span_text(from->text));
    uint64_t mark = hash_seeded(0, span_text(next.text));
    for (unsigned i = 0; i <= trail->hops; i++) {
        if (trail->seen[i] == mark)
            return -ERR_LIMIT;
    }
    trail->seen[++trail->hops] = mark;
    *ret = next;
    return 0;
}

/* ---- heads ---- */

static bool is_word(struct span s, const char *word)
{
    return s.len == strlen(word) && (s.len == 0 || strncasecmp((const char *)s.at, word, s.len) == 0);
}

static bool is_one_of(struct span s, const char *const *words)
{
    while (*words != NULL && !is_word(s, *words))
        words++;
    return *words != NULL;
}

static void keep_type(struct fetch_head *head, struct span value)
{
    size_t len = 0;
    for (size_t i = 0; i < value.len && len < FETCH_TYPE_MAX; i++) {
        if (value.at[i] >= ' ' && value.at[i] <= '~')
            head->type[len++] = (char)value.at[i];
    }
    head->type[len] = '\0';
}

static void keep_location(struct fetch_head *head, struct span value)
{
    if (value.len > FETCH_URL_MAX || head->location[0] != '\0')
        return;
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] < ' ' || value.at[i] == 0x7f)
            return;
    }
    if (value.len > 0)
        memcpy(head->location, value.at, value.len);
    head->location[value.len] = '\0';
}

/* RFC 9110 §10.2.3: seconds or a date. */
static void keep_retry(struct fetch_head *head, struct span value)
{
    char text[64];
    int64_t seconds = 0;
    size_t digits = 0;
    while (digits < value.len && value.at[digits] >= '0' && value.at[digits] <= '9') {
        if (seconds < INT64_C(86400) * RETRY_DAYS_MAX)
            seconds = seconds * 10 + (value.at[digits] - '0');
        digits++;
    }
    if (digits > 0 && digits == value.len) {
        int64_t most = INT64_C(86400) * RETRY_DAYS_MAX;
        head->retry_after = (seconds < most ? seconds : most) * USEC_PER_SEC;
        return;
    }
    if (value.len == 0 || value.len >= sizeof text)
        return;
    memcpy(text, value.at, value.len);
    text[value.len] = '\0';
    time_t at = curl_getdate(text, NULL);
    if (at > 0 && at < INT64_C(253402300800)) /* year 10000 */
        head->retry_at = (usec_t)at * USEC_PER_SEC;
}

static int take_codings(struct fetch_head *head, struct span value, const char *const *known, const char *const *nothing)
{
    while (value.len > 0) {
        size_t comma = span_find(value, ',');
        struct span word = trimmed(span_part(value, 0, comma));
        value = span_part(value, comma + 1, value.len);
        if (is_one_of(word, nothing))
            continue;
        if (!is_one_of(word, known) || ++head->compressions > 1)
            return -ERR_MALFORMED;
        head->brotli = is_word(word, "br");
    }
    return 0;
}

int fetch_head_line(struct fetch_head *head, struct span line)
{
    static const char *const codings[] = {"gzip", "x-gzip", "deflate", "br", NULL}, *const transfers[] = {NULL};
    static const char *const no_coding[] = {"", "identity", "none", NULL}, *const no_transfer[] = {"", "chunked", "identity", NULL};
    size_t bytes = head->bytes + line.len;
    if (bytes > FETCH_HEAD_MAX)
        return -ERR_LIMIT;
    head->bytes = bytes;
    if (line.len == 0)
        return 0;
    if (memchr(line.at, 0, line.len) != NULL)
        return -ERR_MALFORMED;
    if (line.len >= 5 && memcmp(line.at, "HTTP/", 5) == 0) {
        struct span rest = span_part(line, span_find(line, ' ') + 1, 3);
        int status = 0;
        for (size_t i = 0; i < rest.len; i++)
            status = rest.at[i] >= '0' && rest.at[i] <= '9' && status >= 0 ? status * 10 + (rest.at[i] - '0') : -1;
        *head = (struct fetch_head){.bytes = bytes, .status = rest.len == 3 && status >= 100 ? status : 0};
        return 0;
    }
    size_t colon = span_find(line, ':');
    struct span name = span_part(line, 0, colon), value = trimmed(span_part(line, colon + 1, line.len));
    if (is_word(name, "content-type") && head->type[0] == '\0')
        keep_type(head, value);
    else if (is_word(name, "location"))
        keep_location(head, value);
    else if (is_word(name, "retry-after"))
        keep_retry(head, value);
    else if (is_word(name, "content-encoding"))
        return take_codings(head, value, codings, no_coding);
    else if (is_word(name, "transfer-encoding"))
        return take_codings(head, value, transfers, no_transfer);
    return 0;
}
