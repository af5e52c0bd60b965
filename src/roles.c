/* The roles of this program, from roles.def. */
#include "process/role.h"

#define ROLE(name) extern const struct role role_##name;
#include "process/roles.def"
#undef ROLE

static const struct role *const roles[] = {
#define ROLE(name) &role_##name,
#include "process/roles.def"
#undef ROLE
};

const struct role *const *roles_all(size_t *ret_count)
{
    *ret_count = sizeof roles / sizeof roles[0];
    return roles;
}

const struct role *role_by_name(struct span name)
{
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (span_is(name, roles[i]->name))
            return roles[i];
    }
    return NULL;
}

int roles_check(const struct conf *settings, struct conf_error *error)
{
    int r = 0;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0] && r == 0; i++) {
        if (roles[i]->check != NULL)
            r = roles[i]->check(settings, error);
    }
    return r;
}
