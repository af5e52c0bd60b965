/* RTSP (RFC 2326): one OPTIONS. Server, realm and the methods on offer tell cameras and recorders apart; no stream is described or opened. */
#include "base/err.h"
#include "probe/http_response.h"
#include "probe/learn.h"

struct rtsp {
    struct http_reader reader;
    bool other;
};

static void ask(struct talk *talk)
{
    struct rtsp *rtsp = talk_state(talk);
    char host[ENDPOINT_TEXT_SIZE];
    struct buf request;
    http_begin(&rtsp->reader, "RTSP");
    buf_init(&request, 0);
    buf_printf(&request, "OPTIONS rtsp://%s/ RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: ", endpoint_print(talk_target(talk), host));
    buf_span(&request, talk_agent(talk));
    buf_text(&request, "\r\n\r\n");
    if (request.error == 0)
        talk_say(talk, buf_as_span(&request));
    buf_done(&request);
    talk_wake(talk, talk_first_byte(talk));
}

static void hear(struct talk *talk, struct span bytes)
{
    struct rtsp *rtsp = talk_state(talk);
    (void)bytes;
    if (rtsp->other)
        return;
    int error = http_more(&rtsp->reader, talk_heard(talk));
    if (error == -ERR_MALFORMED && rtsp->reader.phase == HTTP_LINE) {
        rtsp->other = true; /* keeps what such a service says for itself */
        talk_wake(talk, talk_quiet(talk));
    } else if (error != -ERR_TRUNCATED) {
        talk_done(talk);
    }
}

static void quiet(struct talk *talk)
{
    const struct rtsp *rtsp = talk_state(talk);
    talk_fail(talk, talk_heard(talk).len == 0 ? ENDING_SILENT : rtsp->other || rtsp->reader.phase == HTTP_LINE ? ENDING_OTHER : ENDING_QUIET);
}

static void end(struct talk *talk)
{
    static const char *const wanted[] = {"Server", "WWW-Authenticate", "Public"};
    static const char *const names[] = {"server", "realm", "public"};
    const struct rtsp *rtsp = talk_state(talk);
    struct http_response response;
    struct buf lines;
    if (rtsp->other || rtsp->reader.phase == HTTP_LINE)
        return;
    http_view(&rtsp->reader, talk_heard(talk), &response);
    buf_init(&lines, 0);
    buf_printf(&lines, "status: %u\n", response.status);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct span value;
        if (http_header(response.head, wanted[i], &value))
            learn_line(&lines, names[i], value);
    }
    learn_detail(talk, &lines);
    buf_done(&lines);
}

const struct probe probe_rtsp = {
    .name = "rtsp",
    .help = "OPTIONS: server, realm and methods",
    .over = TRANSPORT_TCP,
    .care = CARE_POLITE,
    .ports = {554, 8554},
    .state_size = sizeof(struct rtsp),
    .ask = ask,
    .hear = hear,
    .quiet = quiet,
    .end = end,
};
