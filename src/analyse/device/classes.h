/* How classes of devices stand to each other. */
#pragma once

#include "base/span.h"

/* `coarse` says the same as `fine`, or less: embedded covers surveillance-device, which covers dvr. */
bool class_covers(struct span coarse, struct span fine);
