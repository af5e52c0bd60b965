/* HTTP in the clear: web.c does it all. */
#include "probe/web.h"

static void ask(struct talk *talk)
{
    web_ask(talk, false);
}

const struct probe probe_http = {
    .name = "http",
    .help = "GET / and /favicon.ico: status, headers, title, realm, hash of the icon",
    .over = TRANSPORT_TCP,
    .care = CARE_POLITE,
    .ports = {80, 8080, 8000, 81, 88, 8081, 8888},
    .state_size = sizeof(struct web),
    .ask = ask,
    .hear = web_hear,
    .quiet = web_quiet,
    .end = web_end,
};
