#include "cli/verb.h"

#define VERB(name) extern const struct verb verb_##name;
#include "cli/verbs.def"
#undef VERB

static const struct verb *const verbs[] = {
#define VERB(name) &verb_##name,
#include "cli/verbs.def"
#undef VERB
};

const struct verb *const *verbs_all(size_t *ret_count)
{
    *ret_count = sizeof verbs / sizeof verbs[0];
    return verbs;
}

const struct verb *verb_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    return NULL;
}
