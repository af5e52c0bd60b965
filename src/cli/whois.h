/* The parts of the verb `whois`. */
#pragma once

#include "cli/usage.h"

enum { WHOIS_PARSE, WHOIS_ADDRESS, WHOIS_DOMAIN, WHOIS_SERVER, WHOIS_TRACE, WHOIS_WAIT, WHOIS_JSON };

extern const struct verb verb_whois;

/* Asks the registries about the addresses and domains given as words, and prints every hop with its reason. An exit status. */
int whois_live(const struct invocation *, const struct options *);
