/* HTTP over TLS; the driver speaks TLS below and states the certificate. */
#include "probe/web.h"

static void ask(struct talk *talk)
{
    web_ask(talk, true);
}

const struct probe probe_https = {
    .name = "https",
    .help = "as http, over TLS: the certificate, too",
    .over = TRANSPORT_TCP,
    .tls = true,
    .care = CARE_POLITE,
    .ports = {443, 8443},
    .state_size = sizeof(struct web),
    .ask = ask,
    .hear = web_hear,
    .quiet = web_quiet,
    .end = web_end,
};
