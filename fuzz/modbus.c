/* The probe on whatever a host sends, in pieces of any size, and its decoder on the same bytes by itself. */
#include "ics.h"

FUZZ_ICS(modbus)
