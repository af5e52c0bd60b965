/* Which kind a form is: its features' weights for each kind, summed; the share of the kind (softmax) is its score. */
#include "contact/form_kinds.h"

#include <math.h>
#include <stdio.h>

enum { LABEL_SHORT = 80 };

/* Contact and comment are one here: they ask the same, and its words tell them apart. */
enum group { GROUP_CONTACT, GROUP_SEARCH, GROUP_LOGIN, GROUP_REGISTRATION, GROUP_RECOVERY, GROUP_NEWSLETTER, GROUP_ORDER, GROUP_OTHER, GROUP_COUNT };

static const short weights[FORM_FEATURE_COUNT][GROUP_COUNT] = {
#define WEIGHT(feature, contact, search, login, registration, recovery, newsletter, order, other) \
    [FORM_HAS_##feature] = {contact, search, login, registration, recovery, newsletter, order, other},
#include "contact/form_weights.def"
#undef WEIGHT
};

static const char *const feature_texts[] = {
#define FEATURE(name, text) text,
#include "contact/form_features.def"
#undef FEATURE
};

static bool is_comment(const struct words *words, const struct page_form *form, const bool *has)
{
    int sum = 0;
    for (size_t i = 0; i < form->field_count; i++)
        sum += span_is(form->fields[i].type, "textarea") &&
                       (starts_with_folded(form->fields[i].name, "comment") ||
                        (form->fields[i].label.len <= LABEL_SHORT && words_in(words, WORD_FORM_COMMENT, form->fields[i].label) != NULL))
                   ? 1
                   : 0;
    sum = sum > 0 ? 1 : 0;
    sum += 2 * has[FORM_HAS_NAMED_COMMENT] + 2 * has[FORM_HAS_BUTTON_COMMENT] + has[FORM_HAS_TEXT_COMMENT] + has[FORM_HAS_ASK_WEBSITE];
    sum -= 2 * has[FORM_HAS_NAMED_CONTACT] + 2 * has[FORM_HAS_BUTTON_CONTACT] + has[FORM_HAS_TEXT_CONTACT] + has[FORM_HAS_ASK_SUBJECT] +
           has[FORM_HAS_ASK_PHONE] + has[FORM_HAS_PAGE_CONTACT] + has[FORM_HAS_ASK_COMPANY];
    return sum > 0;
}

/* The features that spoke most for it. */
static struct span reasons(struct page_work *w, enum group group, const bool *has)
{
    char text[EVIDENCE_MAX * 2];
    size_t len = 0;
    bool told[FORM_FEATURE_COUNT] = {[FORM_HAS_ALWAYS] = true};
    for (int n = 0; n < 4; n++) {
        int best = -1;
        for (int i = 0; i < FORM_FEATURE_COUNT; i++) {
            if (has[i] && !told[i] && weights[i][group] > 0 && (best < 0 || weights[i][group] > weights[best][group]))
                best = i;
        }
        if (best < 0)
            break;
        told[best] = true;
        int more = snprintf(text + len, sizeof text - len, "%s%s", len > 0 ? ", " : "", feature_texts[best]);
        if (more > 0 && (size_t)more < sizeof text - len)
            len += (size_t)more;
    }
    return page_copy(w, span_of(text, len), sizeof text);
}

void form_judge(struct page_work *w, struct page_form *form, const bool has[FORM_FEATURE_COUNT])
{
    static const enum form_kind kinds[] = {FORM_CONTACT,  FORM_SEARCH,     FORM_LOGIN, FORM_REGISTRATION,
                                           FORM_RECOVERY, FORM_NEWSLETTER, FORM_ORDER, FORM_OTHER};
    double sums[GROUP_COUNT] = {0}, all = 0;
    int best = 0;
    for (int i = 0; i < FORM_FEATURE_COUNT; i++) {
        for (int g = 0; g < GROUP_COUNT && has[i]; g++)
            sums[g] += weights[i][g];
    }
    for (int g = 1; g < GROUP_COUNT; g++)
        best = sums[g] > sums[best] ? g : best;
    for (int g = 0; g < GROUP_COUNT; g++)
        all += exp((sums[g] - sums[best]) / 1000);
    form->kind = kinds[best] == FORM_CONTACT && is_comment(w->words, form, has) ? FORM_COMMENT : kinds[best];
    form->score = (int)lround(1000 / all);
    form->evidence = reasons(w, (enum group)best, has);
}
