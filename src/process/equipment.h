/* What role.h declares of equipment, and its end. */
#pragma once

#include "process/role.h"

void equipment_done(struct equipment *); /* closes */
