/* Every setting of the program, once: the checks, the defaults, the manual and the example file come from this table. */
#pragma once

#include "base/conf.h"

const struct conf_rule *settings_schema(void);
