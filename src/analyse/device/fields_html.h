/* HTML's character references, as titles of devices use them. */
#pragma once

#include "base/arena.h"

/* References become UTF-8, runs of white space one space. 0 or -ENOMEM. Bytes that are no UTF-8 stay as they are. */
int html_text(struct arena *, struct span html, struct span *ret);
