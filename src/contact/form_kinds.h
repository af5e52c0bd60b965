/* A form's features weighed: forms.c gathers, form_kind.c judges. */
#pragma once

#include "contact/forms.h"

/* Fills kind, score and evidence. */
void form_judge(struct page_work *, struct page_form *, const bool features[FORM_FEATURE_COUNT]);
