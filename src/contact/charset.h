/*
 * A page's character set, as browsers decide it (WHATWG Encoding, HTML §13.2.3): byte order mark, Content-Type, <meta>, and, where nobody says,
 * the bytes themselves. The tables are MyHTML's, so that no file is read.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

/* `hint`: the language or the top-level domain of the page, for sets of one byte that nobody names; may be empty. *ret_name is static. Appends valid
 * UTF-8 without NUL: what is broken becomes U+FFFD, a NUL is left out. 0 or the buf's error. */
int charset_to_utf8(struct span type, struct span hint, struct span bytes, struct span *ret_name, struct buf *out);
/* The same of bytes in the set of that label (WHATWG Encoding §4.2); a label that is unknown or empty is Latin-1. */
void charset_decode(struct span label, struct span bytes, struct buf *out);
