#include "outside/attribution.h"

#include "base/err.h"
#include "base/text.h"

#include <stdio.h>

enum { VALID_DAYS = 182 };

static const char https[] = "https://";

bool operator_named(const struct conf *c)
{
    return conf_text(c, "operator.organisation")[0] != '\0' && conf_text(c, "operator.mail")[0] != '\0' && conf_text(c, "operator.page")[0] != '\0';
}

/* What can stand in a header line, between parentheses and in a URL: no space, no control character, none of these. */
static bool plain(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if (*c <= ' ' || *c >= 0x7f || strchr("\"'()<>\\^`{|}", *c) != NULL)
            return false;
    return true;
}

static bool is_mail(const char *text)
{
    const char *at = strchr(text, '@');
    return plain(text) && at != NULL && at != text && at[1] != '\0' && at[1] != '.' && strchr(at + 1, '@') == NULL &&
           strpbrk(text, ",;:/?#%&") == NULL;
}

/* Scheme, and a host with a letter or digit in front. */
static bool is_page(const char *text)
{
    size_t scheme = sizeof https - 1;
    if (!plain(text) || strncmp(text, https, scheme) != 0)
        return false;
    char first = text[scheme];
    return (first >= '0' && first <= '9') || (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
}

static bool has_control(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return true;
    return text_utf8_valid(span_text(text)) != strlen(text);
}

int operator_check(const struct conf *c, struct conf_error *error)
{
    const char *organisation = conf_text(c, "operator.organisation"), *mail = conf_text(c, "operator.mail"), *page = conf_text(c, "operator.page");
    if (has_control(organisation))
        return conf_refuse(c, "operator.organisation", error, "expected one line of text, such as Example CSIRT, got \"%.160s\"", organisation);
    if (mail[0] != '\0' && !is_mail(mail))
        return conf_refuse(c, "operator.mail", error, "expected a mail address, such as scan-abuse@csirt.example, got \"%.160s\"", mail);
    if (page[0] != '\0' && !is_page(page))
        return conf_refuse(c, "operator.page", error, "expected an https URL, such as https://csirt.example/probing, got \"%.160s\"", page);
    return 0;
}

void attribution_agent(const struct conf *c, struct buf *out)
{
    buf_printf(out, "Mozilla/5.0 (compatible; Noroshi/%s; +%s)", NOROSHI_VERSION, conf_text(c, "operator.page"));
}

void attribution_canonical(const struct conf *c, struct buf *out)
{
    struct span page = span_text(conf_text(c, "operator.page"));
    struct span host = span_part(page, sizeof https - 1, page.len);
    size_t end = 0;
    while (end < host.len && strchr("/?#", host.at[end]) == NULL)
        end++;
    buf_text(out, https);
    buf_span(out, span_part(host, 0, end));
    buf_text(out, "/.well-known/probing.txt");
}

void attribution_text(const struct conf *c, usec_t now, struct buf *out)
{
    char expires[USEC_TEXT_SIZE];
    buf_text(out, "# Canonical URI\nCanonical: ");
    attribution_canonical(c, out);
    buf_printf(out, "\n# Contact address\nContact: mailto:%s\n", conf_text(c, "operator.mail"));
    /* Whole seconds: the example of RFC 9511 has no fraction. */
    buf_printf(out, "# Validity\nExpires: %.19sZ\n", usec_print(now + VALID_DAYS * USEC_PER_DAY, expires));
    buf_text(out, "# Languages\nPreferred-Languages: en\n# Probes description\nDescription: ");
    buf_printf(
        out,
        "%s looks back at hosts that attacked its honeypots, to name the kind of device and to warn its owner: a few ports are connected to, what "
        "they say first or to a harmless request is read. No login, no exploit, nothing is changed. About the probes and how to opt out: %s\n",
        conf_text(c, "operator.organisation"), conf_text(c, "operator.page"));
}
