/*
 * Mail addresses and pages in free text that was written for people: remarks of a registry's entry, TXT records. The words before an address, on its
 * line or the one above, say what it is for: "If related with spam, send mail to … security to …; only for corrections of this entry …".
 */
#pragma once

#include "contact/channel.h"

enum { REMARK_LINES_MAX = 200, REMARK_LINE_MAX = 1000, REMARK_FOUND_MAX = 50 };

/* An address as somebody wrote it, normalised and added as a finding like `like`; placeholders and registries' own mailboxes with that objection when
 * `like` has none. NULL: it is no address, or could not be kept. */
struct finding *remark_mail(struct quest *, const struct finding *like, struct span text);

/* All that the lines hold. Role, rank (from `like`'s on), objection, attribute and evidence are set; the rest is as in `like`. An address that no
 * word is about has like's role. Pages count when words say that reports go there. Lines and findings beyond the limits are left out. */
void remark_read(struct quest *, const struct finding *like, const struct span *lines, size_t count);
