#include "process/confine.h"

#include "base/err.h"
#include "process/walls.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { OPEN_FILES_DEFAULT = 256 };

/* Lowers a limit for good; one that is lower already stays. */
static int limit(int resource, const char *name, uint64_t most, struct buf *why)
{
    struct rlimit now;
    int r = getrlimit((__rlimit_resource_t)resource, &now);
    if (r == 0) {
        rlim_t value = now.rlim_max < most ? now.rlim_max : (rlim_t)most;
        now = (struct rlimit){.rlim_cur = value, .rlim_max = value};
        r = setrlimit((__rlimit_resource_t)resource, &now);
    }
    if (r == 0)
        return 0;
    r = -errno;
    buf_printf(why, "the limit %s can't be set: %s", name, err_text(r));
    return r;
}

static int limit_all(const struct wall *wall, struct buf *why)
{
    int r = limit(RLIMIT_CORE, "core", 0, why);
    if (r == 0)
        r = limit(RLIMIT_NPROC, "nproc", 0, why);
    if (r == 0)
        r = limit(RLIMIT_MEMLOCK, "memlock", 0, why);
    if (r == 0)
        r = limit(RLIMIT_MSGQUEUE, "msgqueue", 0, why);
    if (r == 0)
        r = limit(RLIMIT_NOFILE, "nofile", wall->open_files_max > 0 ? wall->open_files_max : OPEN_FILES_DEFAULT, why);
    if (r == 0 && wall->file_max > 0)
        r = limit(RLIMIT_FSIZE, "fsize", wall->file_max, why);
#ifndef NOROSHI_SANITIZED /* a sanitizer's shadow counts as data */
    if (r == 0 && wall->memory_max > 0)
        r = limit(RLIMIT_DATA, "data", wall->memory_max, why);
#endif
    /* A file at its limit is an error (EFBIG) for the writer to handle, not a death. */
    (void)signal(SIGXFSZ, SIG_IGN);
    return r;
}

int confine(const struct wall *wall, const char *data, const char *user, struct buf *why)
{
    struct identity identity;
    int r = identity_find(user, &identity, why);
    if (r != 0)
        return r;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        r = -errno;
        buf_printf(why, "no_new_privs can't be set: %s", err_text(r));
        return r;
    }
    r = limit_all(wall, why);
    /* The bounding set first: giving it up needs a capability. The rest goes again after the change of user. */
    if (r == 0)
        r = capabilities_reduce(identity.change ? UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID : 0, 0, why);
    if (r == 0)
        r = identity_become(&identity, why);
    if (r == 0)
        r = capabilities_reduce(0, 0, why);
    if (r == 0)
        r = landlock_raise(wall, data, why);
    if (r == 0)
        r = filter_raise(wall, why);
    return r;
}
