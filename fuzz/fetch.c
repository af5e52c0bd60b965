/*
 * What a web server says of itself before its page: the first line is the URL that was asked for, the rest a head, line by line; where it redirects
 * is followed as long as it may be, by the same head. Whatever is followed is http or https, plain, and ends.
 */
#include "outside/fetch.h"
#include "base/err.h"

#include "target.h"

#include <string.h>

static void check_url(const struct fetch_url *url)
{
    struct fetch_url again;
    size_t len = strlen(url->text), host = strlen(url->host);
    MUST(len > 0 && len <= FETCH_URL_MAX && host > 0 && host <= FETCH_HOST_MAX && url->port > 0);
    MUST(strncmp(url->text, url->https ? "https://" : "http://", url->https ? 8 : 7) == 0);
    MUST(strchr(url->text, '#') == NULL);
    for (size_t i = 0; i < len; i++)
        MUST(url->text[i] > ' ' && (url->text[i] & 0x80) == 0 && url->text[i] != 0x7f);
    for (size_t i = 0; i < host; i++)
        MUST(url->host[i] > ' ' && url->host[i] < 0x7f && (url->host[i] < 'A' || url->host[i] > 'Z') && strchr("@/?#[]%", url->host[i]) == NULL);
    /* What was understood is understood again the same way. */
    MUST(fetch_url_read(span_text(url->text), &again) == 0);
    MUST(strcmp(again.text, url->text) == 0 && strcmp(again.host, url->host) == 0 && again.port == url->port && again.https == url->https);
}

static void check_head(const struct fetch_head *head)
{
    MUST(head->bytes <= FETCH_HEAD_MAX && head->status >= 0 && head->status <= 999 && (head->status == 0 || head->status >= 100));
    MUST(strnlen(head->type, sizeof head->type) <= FETCH_TYPE_MAX && strnlen(head->location, sizeof head->location) <= FETCH_URL_MAX);
    MUST(head->retry_after >= 0 && head->retry_at >= 0 && head->compressions <= 2);
    for (const char *c = head->type; *c != '\0'; c++)
        MUST(*c >= ' ' && *c <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span rest = span_of(data, len), line = span_part(rest, 0, span_find(rest, '\n'));
    struct fetch_head head = {0};
    struct fetch_url url, next;
    struct fetch_trail trail = {0};
    int r = fetch_url_read(line, &url);
    MUST(r == 0 || r == -ERR_MALFORMED || r == -ERR_DENIED || r == -ERR_LIMIT);
    if (r == 0)
        check_url(&url);
    rest = span_part(rest, line.len + 1, rest.len);
    for (bool good = true; good && rest.len > 0;) {
        line = span_part(rest, 0, span_find(rest, '\n') + 1);
        rest = span_part(rest, line.len, rest.len);
        good = fetch_head_line(&head, line) == 0;
        check_head(&head);
    }
    for (unsigned hops = 0; r == 0; hops++) {
        MUST(hops <= FETCH_HOPS_MAX);
        r = fetch_follow(&trail, &url, head.status, span_text(head.location), (len & 1) != 0, &next);
        if (r != 0)
            break;
        check_url(&next);
        MUST((len & 1) == 0 || !url.https || next.https);
        url = next;
    }
    return 0;
}
