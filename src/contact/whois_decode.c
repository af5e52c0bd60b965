/* Character sets of WHOIS replies: as the server's table says, unless the bytes say otherwise. */
#include "contact/charset.h"
#include "contact/whois.h"

#include "base/text.h"

#include <errno.h>

static bool has_escapes(struct span bytes)
{
    for (size_t i = 0; i + 2 < bytes.len; i++) {
        if (bytes.at[i] == 0x1b && (bytes.at[i + 1] == '$' || bytes.at[i + 1] == '('))
            return true;
    }
    return false;
}

int whois_decode(struct arena *arena, struct span bytes, struct span charset, struct span *ret)
{
    bool valid = text_utf8_valid(bytes) == bytes.len;
    struct span label = has_escapes(bytes) ? span_text("ISO-2022-JP") : valid ? span_text("UTF-8") : charset;
    struct buf out;
    buf_init(&out, 0);
    /* What stands on both sides of a NUL is not joined. */
    for (struct span left = bytes; left.len > 0;) {
        size_t nul = span_find(left, 0);
        charset_decode(label, span_part(left, 0, nul), &out);
        if (nul < left.len)
            buf_text(&out, "\xef\xbf\xbd");
        left = span_part(left, nul + 1, left.len);
    }
    char *copy = out.error == 0 ? arena_copy(arena, buf_as_span(&out)) : NULL;
    if (copy != NULL)
        *ret = span_of(copy, out.len);
    buf_done(&out);
    return copy != NULL ? 0 : -ENOMEM;
}
