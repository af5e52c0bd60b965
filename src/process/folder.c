#include "process/folder.h"

#include "base/err.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOCK_WAIT_MSEC = 25000, LOCK_TURN_MSEC = 50, CONTROL_BACKLOG = 64 };

static const char advice[] = "choose another with --data DIR";

static int refuse(struct buf *why, int r, const char *path, const char *what)
{
    buf_printf(why, "data folder %s: %s: %s; %s", path, what, err_text(r), advice);
    return r;
}

/* mkdir -p; *ret_made tells whether the last one is new. */
static int make_all(const char *path, bool *ret_made)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof part)
        return -ENAMETOOLONG;
    memcpy(part, path, len + 1);
    for (size_t i = 1; i < len; i++) {
        if (part[i] != '/')
            continue;
        part[i] = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return -errno;
        part[i] = '/';
    }
    *ret_made = mkdir(path, 0750) == 0;
    return *ret_made || errno == EEXIST ? 0 : -errno;
}

/* A folder that isn't the user's yet is handed over only when all that is in it is of our making. */
static bool is_ours(const char *name)
{
    static const char *const names[] = {"lock", "control", "days", "blobs", "bulk", "journal", "tmp", "optout.conf"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return strncmp(name, "control.db", 10) == 0;
}

static int check_content(const char *path, struct buf *why)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return refuse(why, -errno, path, "can't be read");
    int r = 0;
    for (struct dirent *entry; r == 0 && (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || is_ours(entry->d_name))
            continue;
        buf_printf(why, "data folder %s: belongs to another user and holds \"%s\", which is not Noroshi's; %s", path, entry->d_name, advice);
        r = -ERR_DENIED;
    }
    (void)closedir(folder);
    return r;
}

/* nftw has no user pointer. */
static struct identity new_owner;

static int hand_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
    (void)st, (void)type, (void)place;
    return lchown(path, new_owner.uid, new_owner.gid) == 0 ? 0 : -errno;
}

static int hand_over(const char *path, const struct identity *identity, struct buf *why)
{
    struct stat st;
    if (geteuid() != 0)
        return 0;
    if (stat(path, &st) != 0)
        return refuse(why, -errno, path, "can't be reached");
    if (st.st_uid == identity->uid)
        return 0;
    int r = check_content(path, why);
    if (r != 0)
        return r;
    new_owner = *identity;
    r = nftw(path, hand_one, 32, FTW_PHYS | FTW_MOUNT);
    return r == 0 ? 0 : refuse(why, r, path, "can't be handed to process.user");
}

/* The user must get there: every folder above lets him through. */
static int check_reach(const char *path, const struct identity *identity, struct buf *why)
{
    char part[PATH_MAX];
    (void)snprintf(part, sizeof part, "%s", path);
    for (size_t i = 1; part[i] != '\0'; i++) {
        if (part[i] != '/')
            continue;
        part[i] = '\0';
        if (faccessat(AT_FDCWD, part, X_OK, AT_EACCESS) != 0) {
            int r = -errno;
            buf_printf(why, "data folder %s: user %s gets no further than %s: %s; %s, or set process.user", path,
                       identity->change ? identity->name : "(this one)", part, err_text(r), advice);
            return r;
        }
        part[i] = '/';
    }
    if (faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) != 0)
        return refuse(why, -errno, path, "can't be written");
    return 0;
}

/* The process that wrote its number into the lock is gone: what still holds it is a role of its about to end. */
static bool holder_is_dying(int lock_fd)
{
    char text[16] = "";
    if (pread(lock_fd, text, sizeof text - 1, 0) <= 0)
        return false;
    long pid = strtol(text, NULL, 10);
    return pid > 1 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static int take_lock(struct folder *f, struct buf *why)
{
    int r = folder_file(f, "lock", 0, &f->lock_fd, why);
    if (r != 0)
        return r;
    unsigned waited = 0;
    while (flock(f->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return refuse(why, -errno, f->path, "can't be locked");
        if (waited >= LOCK_WAIT_MSEC || !holder_is_dying(f->lock_fd)) {
            buf_printf(why, "data folder %s: in use by another process; stop it or %s", f->path, advice);
            return -ERR_BUSY;
        }
        (void)poll(NULL, 0, LOCK_TURN_MSEC);
        waited += LOCK_TURN_MSEC;
    }
    char text[16];
    int len = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(f->lock_fd, 0) != 0 || pwrite(f->lock_fd, text, (size_t)len, 0) != len)
        return refuse(why, -errno, f->path, "can't be written");
    return 0;
}

static int prepare(struct folder *f, const char *path, struct buf *why)
{
    bool made = false;
    int r = make_all(path, &made);
    if (r != 0)
        return refuse(why, r, path, "can't be made");
    f->path = realpath(path, NULL);
    if (f->path == NULL)
        return refuse(why, -errno, path, "can't be reached");
    r = hand_over(f->path, &f->identity, why);
    if (r != 0)
        return r;
    r = identity_borrow(&f->identity);
    if (r != 0)
        return refuse(why, r, f->path, "process.user can't be used");
    r = check_reach(f->path, &f->identity, why);
    char journal[PATH_MAX];
    (void)snprintf(journal, sizeof journal, "%s/journal", f->path);
    if (r == 0 && mkdir(journal, 0700) != 0 && errno != EEXIST)
        r = refuse(why, -errno, f->path, "can't be written");
    identity_give_back(&f->identity);
    return r;
}

int folder_open(struct folder *f, const struct conf *settings, struct buf *why)
{
    *f = (struct folder){.lock_fd = -1};
    const char *path = conf_text(settings, "store.folder");
    if (path[0] != '/') {
        buf_printf(why, "store.folder: expected an absolute path, got \"%s\"; name one with --data DIR", path);
        return -ERR_CONFIG;
    }
    int r = identity_find(identity_choose(settings), &f->identity, why);
    if (r == 0)
        r = prepare(f, path, why);
    if (r == 0)
        r = take_lock(f, why);
    if (r != 0)
        folder_close(f);
    return r;
}

void folder_close(struct folder *f)
{
    if (f->lock_fd >= 0)
        (void)close(f->lock_fd);
    free(f->path);
    *f = (struct folder){.lock_fd = -1};
}

static int full_path(const struct folder *f, const char *name, char path[static PATH_MAX])
{
    int len = snprintf(path, PATH_MAX, "%s/%s", f->path, name);
    return len > 0 && len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int allocate(int fd, uint64_t size)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return -errno;
    if (st.st_size > 0 || size == 0)
        return 0;
    int r = posix_fallocate(fd, 0, (off_t)size);
    if (r != 0)
        (void)!ftruncate(fd, 0);
    return -r;
}

int folder_file(const struct folder *f, const char *name, uint64_t size, int *ret_fd, struct buf *why)
{
    char path[PATH_MAX];
    int r = full_path(f, name, path);
    if (r == 0)
        r = identity_borrow(&f->identity);
    if (r != 0)
        return refuse(why, r, f->path, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    r = fd >= 0 ? allocate(fd, size) : -errno;
    identity_give_back(&f->identity);
    if (r != 0) {
        if (fd >= 0)
            (void)close(fd);
        return refuse(why, r, f->path, name);
    }
    *ret_fd = fd;
    return 0;
}

int folder_view(const struct folder *f, const char *name, int *ret_fd)
{
    char path[PATH_MAX];
    int r = full_path(f, name, path);
    if (r == 0)
        r = identity_borrow(&f->identity);
    if (r != 0)
        return r;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    r = fd >= 0 ? 0 : -errno;
    identity_give_back(&f->identity);
    if (r == 0)
        *ret_fd = fd;
    return r;
}

bool folder_has(const struct folder *f, const char *name)
{
    char path[PATH_MAX];
    if (full_path(f, name, path) != 0 || identity_borrow(&f->identity) != 0)
        return false;
    bool has = faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0;
    identity_give_back(&f->identity);
    return has;
}

/* Socket paths hold 107 bytes; a longer one goes by way of the folder's descriptor. */
static int bind_control(const struct folder *f, int fd)
{
    int folder = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof at.sun_path, "/proc/self/fd/%d/control", folder);
    (void)unlinkat(folder, "control", 0);
    mode_t mask = umask(0177);
    int r = bind(fd, (const struct sockaddr *)&at, sizeof at) == 0 ? 0 : -errno;
    (void)umask(mask);
    (void)close(folder);
    return r;
}

int folder_control(const struct folder *f, int *ret_fd, struct buf *why)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int r = fd >= 0 ? identity_borrow(&f->identity) : -errno;
    if (r == 0) {
        r = bind_control(f, fd);
        if (r == 0 && listen(fd, CONTROL_BACKLOG) != 0)
            r = -errno;
        identity_give_back(&f->identity);
    }
    if (r != 0) {
        if (fd >= 0)
            (void)close(fd);
        return refuse(why, r, f->path, "control");
    }
    *ret_fd = fd;
    return 0;
}

void folder_forget_control(const struct folder *f)
{
    char path[PATH_MAX];
    if (full_path(f, "control", path) != 0 || identity_borrow(&f->identity) != 0)
        return;
    (void)unlink(path);
    identity_give_back(&f->identity);
}
