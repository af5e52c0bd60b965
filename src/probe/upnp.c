/*
 * UPnP: a search sent to one host (UPnP Device Architecture 1.1 §1.3.2), for root devices, so that one datagram comes back and not one for each
 * service. The description at LOCATION is not fetched. MX is for version 1.0, whose devices insist on it.
 */
#include "probe/http_response.h"
#include "probe/learn.h"

enum { ANSWERS_MAX = 4 /* a host may hold several root devices */ };

struct upnp {
    unsigned answers;
    size_t at, len; /* the first that is one */
};

static void ask(struct talk *talk)
{
    char host[ENDPOINT_TEXT_SIZE];
    struct buf request;
    buf_init(&request, 0);
    buf_printf(&request, "M-SEARCH * HTTP/1.1\r\nHOST: %s\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: upnp:rootdevice\r\nUSER-AGENT: ",
               endpoint_print(talk_target(talk), host));
    buf_span(&request, talk_agent(talk));
    buf_text(&request, "\r\n\r\n");
    if (request.error == 0)
        talk_say(talk, buf_as_span(&request));
    buf_done(&request);
    talk_wake(talk, talk_first_byte(talk));
}

static void hear(struct talk *talk, struct span datagram)
{
    struct upnp *upnp = talk_state(talk);
    struct http_response response;
    if (http_parse(datagram, "HTTP", &response) != 0)
        return;
    if (upnp->answers++ == 0) {
        upnp->at = talk_heard(talk).len - datagram.len;
        upnp->len = datagram.len;
        talk_wake(talk, talk_quiet(talk));
    }
    if (upnp->answers >= ANSWERS_MAX)
        talk_done(talk);
}

static void quiet(struct talk *talk)
{
    const struct upnp *upnp = talk_state(talk);
    if (upnp->answers > 0)
        talk_done(talk);
    else
        talk_fail(talk, talk_heard(talk).len > 0 ? ENDING_OTHER : ENDING_SILENT);
}

static void end(struct talk *talk)
{
    static const char *const names[] = {"server", "location", "st", "usn"};
    const struct upnp *upnp = talk_state(talk);
    struct http_response response;
    struct buf lines;
    if (upnp->answers == 0 || http_parse(span_part(talk_heard(talk), upnp->at, upnp->len), "HTTP", &response) != 0)
        return;
    buf_init(&lines, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct span value;
        if (http_header(response.head, names[i], &value))
            learn_line(&lines, names[i], value);
    }
    learn_detail(talk, &lines);
    buf_done(&lines);
}

const struct probe probe_upnp = {
    .name = "upnp",
    .help = "searches for root devices: server and location",
    .over = TRANSPORT_UDP,
    .care = CARE_ASKED,
    .ports = {1900},
    .state_size = sizeof(struct upnp),
    .ask = ask,
    .hear = hear,
    .quiet = quiet,
    .end = end,
};
