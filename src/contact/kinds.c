/* The words of the .def lists. */
#include "contact/channel.h"
#include "contact/evaluate.h"
#include "contact/extract.h"

#define COUNT_OF(list) (sizeof(list) / sizeof(list)[0])

static const char *const kinds[] = {
#define KIND(name, text, help) text,
#include "contact/kinds.def"
#undef KIND
};
static const char *const roles[] = {
#define ROLE(name, text, help) text,
#include "contact/contact_roles.def"
#undef ROLE
};
static const char *const objections[] = {
#define OBJECTION(name, text, help) text,
#include "contact/objections.def"
#undef OBJECTION
};
static const char *const forms[] = {"contact", "comment", "search", "login", "registration", "recovery", "newsletter", "order", "other"};
static const char *const choices[] = {"", "primary", "fallback", "copy"};
static const char *const outcomes[] = {"answered", "cut", "failed", "limited", "denied"};

static const char *text_at(const char *const *list, size_t count, unsigned value)
{
    return value < count ? list[value] : "";
}

static int place_of(const char *const *list, size_t count, struct span text)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is(text, list[i]))
            return (int)i;
    }
    return -1;
}

const char *contact_kind_text(enum contact_kind kind)
{
    return text_at(kinds, COUNT_OF(kinds), kind);
}

const char *contact_role_text(enum contact_role role)
{
    return text_at(roles, COUNT_OF(roles), role);
}

const char *objection_text(enum objection objection)
{
    return text_at(objections, COUNT_OF(objections), objection);
}

const char *form_kind_text(enum form_kind kind)
{
    return text_at(forms, COUNT_OF(forms), kind);
}

const char *choice_text(enum choice choice)
{
    return text_at(choices, COUNT_OF(choices), choice);
}

const char *outcome_text(enum outcome outcome)
{
    return text_at(outcomes, COUNT_OF(outcomes), outcome);
}

int contact_kind_by_text(struct span text)
{
    return place_of(kinds, COUNT_OF(kinds), text);
}

int contact_role_by_text(struct span text)
{
    return place_of(roles, COUNT_OF(roles), text);
}

int objection_by_text(struct span text)
{
    return place_of(objections, COUNT_OF(objections), text);
}
