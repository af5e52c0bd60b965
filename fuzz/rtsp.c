/* Answers to OPTIONS. */
#include "probe.h"

FUZZ_PROBE(rtsp)
