#include "base/err.h"
#include "process/walls.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The way to a folder as an unprivileged user has it: every folder above that is there lets others through. */
static bool others_reach(const char *path)
{
    char part[PATH_MAX];
    (void)snprintf(part, sizeof part, "%s", path);
    for (size_t i = 1; part[i] != '\0'; i++) {
        if (part[i] != '/')
            continue;
        struct stat st;
        part[i] = '\0';
        if (stat(part, &st) == 0 && (st.st_mode & S_IXOTH) == 0)
            return false;
        part[i] = '/';
    }
    return true;
}

const char *identity_choose(const struct conf *settings)
{
    const char *user = conf_text(settings, "process.user");
    if (strcmp(user, "auto") != 0)
        return user;
    return others_reach(conf_text(settings, "store.folder")) ? "nobody" : "";
}

int identity_find(const char *user, struct identity *ret, struct buf *why)
{
    *ret = (struct identity){.uid = geteuid(), .gid = getegid()};
    if (geteuid() != 0 || user[0] == '\0')
        return 0;
    errno = 0;
    const struct passwd *entry = getpwnam(user);
    if (entry == NULL) {
        buf_printf(why, "process.user: there is no user \"%s\" on this machine; create it or name another", user);
        return -ERR_CONFIG;
    }
    *ret = (struct identity){.change = entry->pw_uid != 0, .uid = entry->pw_uid, .gid = entry->pw_gid};
    (void)snprintf(ret->name, sizeof ret->name, "%s", user);
    return 0;
}

int identity_become(const struct identity *who, struct buf *why)
{
    if (!who->change)
        return 0;
    if (setgroups(1, &who->gid) != 0 || setresgid(who->gid, who->gid, who->gid) != 0 || setresuid(who->uid, who->uid, who->uid) != 0) {
        int r = -errno;
        buf_printf(why, "can't become user %s: %s", who->name, err_text(r));
        return r;
    }
    uid_t uids[3];
    gid_t gids[3];
    if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 || getresgid(&gids[0], &gids[1], &gids[2]) != 0)
        return -errno;
    for (size_t i = 0; i < 3; i++) {
        if (uids[i] != who->uid || gids[i] != who->gid) {
            buf_printf(why, "can't become user %s: part of the old identity stays", who->name);
            return -EPERM;
        }
    }
    if (setuid(0) == 0) {
        buf_printf(why, "can't become user %s: the way back to root stays open", who->name);
        return -EPERM;
    }
    return 0;
}

int identity_borrow(const struct identity *who)
{
    if (!who->change)
        return 0;
    if (setegid(who->gid) != 0)
        return -errno;
    if (seteuid(who->uid) != 0) {
        int r = -errno;
        (void)!setegid(0);
        return r;
    }
    return 0;
}

void identity_give_back(const struct identity *who)
{
    if (!who->change)
        return;
    /* Can't fail: the real and saved ids are still root's. */
    (void)!seteuid(0);
    (void)!setegid(0);
}

int capabilities_reduce(uint64_t keep, uint64_t bounding, struct buf *why)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2];
    if (syscall(SYS_capget, &header, sets) != 0)
        return -errno;
    uint64_t permitted = (uint64_t)sets[1].permitted << 32 | sets[0].permitted;
    if ((permitted & (UINT64_C(1) << CAP_SETPCAP)) != 0) {
        for (int cap = 0; cap < 64; cap++) {
            if ((bounding & (UINT64_C(1) << cap)) == 0 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0) {
                int r = -errno;
                buf_printf(why, "capability %d can't be given up: %s", cap, err_text(r));
                return r;
            }
        }
    }
    keep &= permitted;
    for (unsigned i = 0; i < 2; i++) {
        sets[i].permitted = sets[i].effective = (uint32_t)(keep >> (32 * i));
        sets[i].inheritable = 0;
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 || syscall(SYS_capset, &header, sets) != 0) {
        int r = -errno;
        buf_printf(why, "capabilities can't be given up: %s", err_text(r));
        return r;
    }
    return 0;
}
