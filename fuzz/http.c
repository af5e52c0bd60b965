/* Answers of web servers: the probe in both its connections, and the parser on the same bytes by itself. */
#include "probe/http_response.h"

#include "probe.h"

extern const struct probe probe_http;

static void parse(struct span stream)
{
    struct http_response response;
    struct span name, value;
    struct buf content;
    if (http_parse(stream, "HTTP", &response) != 0)
        return;
    MUST(response.len <= stream.len && response.head.len <= stream.len && response.body.len <= stream.len);
    for (struct span rest = response.head; http_header_next(&rest, &name, &value);)
        MUST(name.len + value.len <= response.head.len);
    buf_init(&content, FUZZ_SAME_MAX);
    http_content(&response, &content);
    MUST(content.error == 0 && content.len <= response.body.len);
    MUST(http_title(buf_as_span(&content)).len <= HTTP_TITLE_MAX);
    buf_done(&content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    harness_fuzz(&probe_http, data, len);
    if (len > 1 && len < FUZZ_SAME_MAX) {
        fuzz_same(&probe_http, span_of(data + 1, len - 1), data[0] > 0 ? data[0] : 1);
        parse(span_of(data + 1, len - 1));
    }
    return 0;
}
