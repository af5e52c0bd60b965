/* Text: UTF-8 (RFC 3629), escaping of foreign bytes for a terminal and for a log, and a JSON writer (RFC 8259). */
#pragma once

#include "base/buf.h"

/* Length of the longest valid UTF-8 prefix; equals text.len when all of it is valid. Surrogates and overlong forms are invalid. */
size_t text_utf8_valid(struct span text);

/*
 * Appends `text` so that it is valid UTF-8 without NUL: an invalid byte or NUL becomes \xHH; all else stays as it is.
 * The form in which foreign text becomes a fact.
 */
void text_to_utf8(struct buf *, struct span text);

/*
 * Appends `text` safe to print on a terminal or in a one-line log: C0, DEL, C1 controls, invalid UTF-8, line and paragraph separators,
 * bidirectional controls (U+202A–E, U+2066–9, U+200E–F, U+061C) and backslash become \n \r \t \\ \xHH or \u{H…}; printable text stays.
 */
void text_escape(struct buf *, struct span text);

/* The same but real line breaks ("\n") and tabs are kept: for transcripts shown to a person. */
void text_escape_lines(struct buf *, struct span text);

/* JSON: a writer that places commas itself. None of its names is one of libjansson's, since both may be linked into one program. Depth at most 32.
 * Any bytes are accepted as text: invalid UTF-8 is written as U+FFFD, what text_escape would escape as \u and four digits. */
struct json {
    struct buf *out;
    uint32_t has_item; /* bit per depth: a comma is due */
    unsigned depth;
    bool pretty; /* two-space indentation and line breaks */
    bool after_key;
};

void json_init(struct json *, struct buf *out, bool pretty);
void json_begin_object(struct json *); /* { … json_end */
void json_begin_array(struct json *);  /* [ … json_end */
void json_end_object(struct json *);
void json_end_array(struct json *);
void json_key(struct json *, const char *key);
void json_span(struct json *, struct span text);
void json_text(struct json *, const char *text); /* NULL writes null */
void json_int(struct json *, int64_t);
void json_decimal(struct json *, double); /* not a number and infinities are written as null */
void json_bool(struct json *, bool);
void json_nil(struct json *);
void json_raw(struct json *, struct span value); /* a value that is JSON already */

/* Hexadecimal, lower case; `text` holds 2 * len + 1 characters. Returns `text`. */
char *text_hex(struct span bytes, char *text);
/* Reads exactly 2 * len hexadecimal digits of either case; 0 or -ERR_MALFORMED. */
int text_unhex(struct span text, uint8_t *bytes, size_t len);
/* Base 64 (RFC 4648 §4) with padding. */
void text_base64(struct buf *, struct span bytes);
