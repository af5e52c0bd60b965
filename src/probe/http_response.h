/*
 * HTTP/1.x, RTSP/1.x and SSDP answers taken apart: a pure reader over the bytes as they came, for the probes (cut anywhere) and for
 * whoever has a whole answer in store. It is ours and small, since fingerprints need the oddities that a library would mend: order and
 * case of headers, folded lines, broken status lines. What it has to be strict about is only where the answer ends.
 *
 *   LINE ─► HEAD ─┬─ 1xx: LINE again
 *                 ├─ no body ─────────────────────────────────► WHOLE
 *                 ├─ LENGTH ──────────────────────────────────► WHOLE
 *                 ├─ CHUNK SIZE ─► DATA ─► END ─► SIZE … TRAILER ─► WHOLE
 *                 └─ UNTIL CLOSE ─ end of the stream ─────────► WHOLE
 *
 * Costs time linear in what is new and no memory at all. Sources: RFC 9112 §6, RFC 2326 §4, UPnP Device Architecture 1.1 §1.3.3.
 */
#pragma once

#include "base/buf.h"

enum http_phase { HTTP_LINE, HTTP_HEAD, HTTP_LENGTH, HTTP_CHUNK_SIZE, HTTP_CHUNK_DATA, HTTP_CHUNK_END, HTTP_TRAILER, HTTP_UNTIL_CLOSE, HTTP_WHOLE };

/* What was read so far, as offsets into the stream, which may move between calls. */
struct http_reader {
    const char *protocol; /* "HTTP" or "RTSP" */
    enum http_phase phase;
    size_t at, line;              /* read up to here; where the line being read began */
    size_t begin, head, head_end; /* of the final answer: status line, header lines, the empty line */
    size_t body, body_end;
    uint64_t left; /* of the body, or of a chunk */
    unsigned status, interim;
    bool old, chunked; /* old: version 1.0 or less */
    int error;
};

/* A view of the final answer. */
struct http_response {
    unsigned status;  /* 0: the status line has none */
    struct span line; /* status line without its end */
    struct span head; /* header lines with their ends, for http_header_next */
    struct span body; /* as it came: still in chunks when `chunked` */
    bool chunked;
    bool whole;      /* else it was cut off */
    bool keep_alive; /* another request may follow in this connection */
    size_t len;      /* bytes of the stream up to its end, interim answers included */
};

void http_begin(struct http_reader *, const char *protocol);
/*
 * `stream`: everything since http_begin, the earlier calls' bytes unchanged in front. 0: the answer is whole; -ERR_TRUNCATED: more is
 * needed; -ERR_MALFORMED: not this protocol, or a chunk that is none (what came before stays readable). Errors stay.
 */
int http_more(struct http_reader *, struct span stream);
/* After http_more of the same stream; before the head is whole `head` holds the complete lines so far. */
void http_view(const struct http_reader *, struct span stream, struct http_response *ret);

/* A whole stored answer, or its beginning: the end of `stream` is the host's close. 0, or -ERR_MALFORMED when it does not begin as an
 * answer of `protocol`. */
int http_parse(struct span stream, const char *protocol, struct http_response *ret);

/*
 * The next header line of *rest, which begins as a response's `head`; false at its end. Name and value are trimmed; a folded value holds
 * its line ends (http_unfold takes them out); a line without a colon gives an empty name and itself as value.
 */
bool http_header_next(struct span *rest, struct span *ret_name, struct span *ret_value);
/* The value of the first header so named (any case); false and an empty span when there is none. */
bool http_header(struct span head, const char *name, struct span *ret_value);
void http_unfold(struct buf *, struct span value);

/* The body without its chunks, up to the buf's cap (whatever its framing, this gives the content that came). */
void http_content(const struct http_response *, struct buf *);
/* What stands between <title> and </title>, as it came, entities and white space included; at most HTTP_TITLE_MAX bytes; empty when there is
 * none. Points into `content`. */
enum { HTTP_TITLE_MAX = 1024 };
struct span http_title(struct span content);

bool http_same_word(struct span, const char *word); /* ASCII, any case */
struct span http_trim(struct span);                 /* without white space and NULs at both ends */
