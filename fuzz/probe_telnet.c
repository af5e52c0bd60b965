/* Telnet options and prompts, as our probe hears them (the target telnet is the honeypot). */
#include "probe.h"

FUZZ_PROBE(telnet)
