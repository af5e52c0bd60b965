/* Replies of FTP servers. */
#include "probe.h"

FUZZ_PROBE(ftp)
