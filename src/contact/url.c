/* URLs seen from a page: libcurl's resolver (RFC 3986) behind what browsers forgive (WHATWG URL: blanks, backslashes). */
#include "contact/extract.h"

#include "base/err.h"

#include <curl/curl.h>
#include <errno.h>
#include <strings.h>

enum { URL_MAX = 4096 };

/* Without tabs and line ends, blanks around trimmed, backslashes before a query as slashes; false when it is too long. */
static bool clean(struct span text, bool slashes, char *to)
{
    size_t len = 0;
    bool path = slashes;
    while (text.len > 0 && text.at[0] <= ' ')
        text = span_part(text, 1, text.len);
    while (text.len > 0 && text.at[text.len - 1] <= ' ')
        text.len--;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (c == '\t' || c == '\n' || c == '\r')
            continue;
        if (c == 0 || c == '#')
            break;
        if (c == '?')
            path = false;
        if (len + 1 >= URL_MAX)
            return false;
        to[len++] = (char)(path && c == '\\' ? '/' : c);
    }
    to[len] = '\0';
    return true;
}

/* A scheme before the first of "/?#" that is none of those we ask. */
static bool other_scheme(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    if (len == 0 || text[len] != ':')
        return false;
    return !(len == 4 && strncasecmp(text, "http", 4) == 0) && !(len == 5 && strncasecmp(text, "https", 5) == 0);
}

static int join(CURLU *url, const char *base, const char *reference)
{
    const unsigned flags = CURLU_URLENCODE;
    CURLUcode code = curl_url_set(url, CURLUPART_URL, base, flags);
    if (code == CURLUE_OK && reference[0] != '\0')
        code = curl_url_set(url, CURLUPART_URL, reference, flags);
    if (code == CURLUE_OUT_OF_MEMORY)
        return -ENOMEM;
    return code == CURLUE_OK ? 0 : -ERR_MALFORMED;
}

int url_join(struct arena *arena, struct span base, struct span reference, struct span *ret)
{
    char first[URL_MAX], second[URL_MAX], *whole = NULL;
    if (!clean(base, false, first) || !clean(reference, true, second) || other_scheme(first) || other_scheme(second))
        return -ERR_MALFORMED;
    CURLU *url = curl_url();
    if (url == NULL)
        return -ENOMEM;
    int r = join(url, first, second);
    if (r == 0 && (curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK || curl_url_get(url, CURLUPART_URL, &whole, 0) != CURLUE_OK))
        r = -ERR_MALFORMED;
    if (r == 0 && strncmp(whole, "http://", 7) != 0 && strncmp(whole, "https://", 8) != 0)
        r = -ERR_MALFORMED;
    if (r == 0) {
        char *copy = arena_copy(arena, span_text(whole));
        if (copy != NULL)
            *ret = span_text(copy);
        else
            r = -ENOMEM;
    }
    curl_free(whole);
    curl_url_cleanup(url);
    return r;
}
