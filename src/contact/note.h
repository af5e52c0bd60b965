/* What a channel heard, noted as findings: with the objections that hold whoever says it. */
#pragma once

#include "contact/channel.h"

enum { NOTE_LINES_MAX = 200, NOTE_LINE_MAX = 1000, NOTE_FOUND_MAX = 50 };

/* An address as somebody wrote it, normalised and added as a finding like `like`; placeholders and registries' own mailboxes with that objection when
 * `like` has none. NULL: it is no address, or could not be kept. */
struct finding *note_mail(struct quest *, const struct finding *like, struct span text);

/* All that the lines of a remark hold (remark.h). Role, rank (from `like`'s on), objection and evidence are set; the rest is as in `like`. An address
 * that no word is about has like's role. Lines and findings beyond the limits are left out. */
void note_remarks(struct quest *, const struct finding *like, const struct span *lines, size_t count);
