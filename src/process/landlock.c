/* Landlock by its system calls: Debian 12 has the header (ABI 2) but no wrapper. Later kernels' rights are taken where they exist. */
#include "base/err.h"
#include "process/walls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the header of ABI 2 does not know yet, with the numbers of the kernel's later linux/landlock.h. */
#define FS_TRUNCATE (UINT64_C(1) << 14) /* ABI 3 */
#define NET_BIND_TCP UINT64_C(1)        /* ABI 4 */
#define NET_BIND_CONNECT_TCP UINT64_C(3)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)       /* ABI 5 */
#define SCOPE_ABSTRACT_UNIX_SIGNAL UINT64_C(3) /* ABI 6 */

struct ruleset {
    uint64_t fs, net, scoped;
};

enum { READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR };

static uint64_t handled_fs(int abi)
{
    uint64_t rights = (UINT64_C(1) << 13) - 1; /* ABI 1: thirteen of them */
    if (abi >= 2)
        rights |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        rights |= FS_TRUNCATE;
    if (abi >= 5)
        rights |= FS_IOCTL_DEV;
    return rights;
}

static int allow_beneath(int ruleset, const char *path, uint64_t rights)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    int r = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0 ? 0 : -errno;
    (void)close(fd);
    return r;
}

static int add_rules(int ruleset, const struct wall *wall, const char *data, uint64_t handled, struct buf *why)
{
    if (!wall->read_data && !wall->write_data)
        return 0;
    uint64_t rights = READ;
    if (wall->write_data)
        rights |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                  LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE;
    int r = allow_beneath(ruleset, data, rights & handled);
    if (r != 0) {
        buf_printf(why, "data folder %s: %s", data, err_text(r));
        return r;
    }
    /* SQLite's seed; it makes do without. */
    (void)allow_beneath(ruleset, "/dev/urandom", LANDLOCK_ACCESS_FS_READ_FILE);
    return 0;
}

int landlock_raise(const struct wall *wall, const char *data, struct buf *why)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) {
        buf_printf(why, "the kernel offers no Landlock (%s); it needs Linux 5.13 or later with landlock in its lsm= list", err_text(-errno));
        return -ENOSYS;
    }
    struct ruleset attributes = {
        .fs = handled_fs((int)abi), .net = wall->connect ? NET_BIND_TCP : NET_BIND_CONNECT_TCP, .scoped = SCOPE_ABSTRACT_UNIX_SIGNAL};
    size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
    if (ruleset < 0) {
        buf_printf(why, "Landlock can't be set up: %s", err_text(-errno));
        return -errno;
    }
    int r = add_rules(ruleset, wall, data, attributes.fs, why);
    if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
        r = -errno;
        buf_printf(why, "Landlock can't be raised: %s", err_text(r));
    }
    (void)close(ruleset);
    return r;
}
