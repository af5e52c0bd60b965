/*
 * The system calls a role may make. Whatever is not listed kills the process: what only a climber tries (exec, fork, ptrace, socket,
 * connect, bind, mount, setuid, kill …) is simply absent. What libraries try in good faith (looking for a file; SQLite setting the owner
 * of one) is refused with EACCES instead when the role has no files or may only read them.
 *
 * In a sanitizer build an unlisted call gives EPERM instead of death, so that a sanitizer's report, which reads /proc and starts a
 * symbolizer, comes through as far as it can; nothing more is permitted.
 */
#include "base/err.h"
#include "process/walls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef NOROSHI_SANITIZED
#define UNLISTED SCMP_ACT_ERRNO(EPERM)
#else
#define UNLISTED SCMP_ACT_KILL_PROCESS
#endif

enum { BASE = 1, ACCEPT = 2, READ = 4, WRITE = 8, NO_FILES = 16, CONNECT = 32 };

struct call {
    int number;
    unsigned needs; /* any of these */
};

static const struct call calls[] = {
    /* bytes on descriptors it holds */
    {SCMP_SYS(read), BASE},
    {SCMP_SYS(write), BASE},
    {SCMP_SYS(readv), BASE},
    {SCMP_SYS(writev), BASE},
    {SCMP_SYS(pread64), BASE},
    {SCMP_SYS(pwrite64), BASE},
    {SCMP_SYS(preadv), BASE},
    {SCMP_SYS(pwritev), BASE},
    {SCMP_SYS(lseek), BASE},
    {SCMP_SYS(close), BASE},
    {SCMP_SYS(fstat), BASE},
    {SCMP_SYS(ftruncate), BASE},
    {SCMP_SYS(fallocate), BASE},
    {SCMP_SYS(fsync), BASE},
    {SCMP_SYS(fdatasync), BASE},
    {SCMP_SYS(memfd_create), BASE},
    /* memory (mmap and mprotect: below) */
    {SCMP_SYS(munmap), BASE},
    {SCMP_SYS(mremap), BASE},
    {SCMP_SYS(madvise), BASE},
    {SCMP_SYS(msync), BASE},
    {SCMP_SYS(brk), BASE},
    /* waiting and time */
    {SCMP_SYS(epoll_create1), BASE},
    {SCMP_SYS(epoll_wait), BASE},
    {SCMP_SYS(epoll_pwait), BASE},
    {SCMP_SYS(epoll_pwait2), BASE},
    {SCMP_SYS(epoll_ctl), BASE},
    {SCMP_SYS(poll), BASE},
    {SCMP_SYS(ppoll), BASE},
    {SCMP_SYS(futex), BASE},
    {SCMP_SYS(nanosleep), BASE},
    {SCMP_SYS(clock_nanosleep), BASE},
    {SCMP_SYS(clock_gettime), BASE},
    {SCMP_SYS(clock_getres), BASE},
    {SCMP_SYS(gettimeofday), BASE},
    {SCMP_SYS(time), BASE},
    {SCMP_SYS(alarm), BASE},
    {SCMP_SYS(setitimer), BASE},
    {SCMP_SYS(restart_syscall), BASE},
    {SCMP_SYS(sched_yield), BASE},
    /* itself */
    {SCMP_SYS(rt_sigaction), BASE},
    {SCMP_SYS(rt_sigprocmask), BASE},
    {SCMP_SYS(rt_sigreturn), BASE},
    {SCMP_SYS(sigaltstack), BASE},
    {SCMP_SYS(exit), BASE},
    {SCMP_SYS(exit_group), BASE},
    {SCMP_SYS(getpid), BASE},
    {SCMP_SYS(getppid), BASE},
    {SCMP_SYS(gettid), BASE},
    {SCMP_SYS(getuid), BASE},
    {SCMP_SYS(geteuid), BASE},
    {SCMP_SYS(getgid), BASE},
    {SCMP_SYS(getegid), BASE},
    {SCMP_SYS(getrandom), BASE},
    {SCMP_SYS(getrusage), BASE},
    {SCMP_SYS(sysinfo), BASE}, /* glibc's qsort asks how much memory there is */
    {SCMP_SYS(uname), BASE},
    {SCMP_SYS(sched_getaffinity), BASE}, /* and malloc how many processors */
    /* sockets it holds (sendto, sendmsg, setsockopt: below) */
    {SCMP_SYS(recvfrom), BASE},
    {SCMP_SYS(recvmsg), BASE},
    {SCMP_SYS(recvmmsg), ACCEPT | CONNECT},
    {SCMP_SYS(getsockopt), BASE},
    {SCMP_SYS(getsockname), BASE},
    {SCMP_SYS(getpeername), BASE},
    {SCMP_SYS(shutdown), BASE},
    {SCMP_SYS(connect), CONNECT}, /* of sockets it may make (socket: below), whatever their family */
    {SCMP_SYS(accept), ACCEPT},
    {SCMP_SYS(accept4), ACCEPT},
    /* files, as far as Landlock lets (open: below) */
    {SCMP_SYS(stat), READ},
    {SCMP_SYS(lstat), READ},
    {SCMP_SYS(statx), READ},
    {SCMP_SYS(newfstatat), READ},
    {SCMP_SYS(statfs), READ},
    {SCMP_SYS(fstatfs), READ},
    {SCMP_SYS(access), READ},
    {SCMP_SYS(faccessat), READ},
    {SCMP_SYS(faccessat2), READ},
    {SCMP_SYS(readlink), READ},
    {SCMP_SYS(readlinkat), READ},
    {SCMP_SYS(getcwd), READ},
    {SCMP_SYS(getdents64), READ},
    {SCMP_SYS(flock), READ},
    {SCMP_SYS(fadvise64), READ},
    {SCMP_SYS(mkdir), WRITE},
    {SCMP_SYS(mkdirat), WRITE},
    {SCMP_SYS(rmdir), WRITE},
    {SCMP_SYS(unlink), WRITE},
    {SCMP_SYS(unlinkat), WRITE},
    {SCMP_SYS(rename), WRITE},
    {SCMP_SYS(renameat), WRITE},
    {SCMP_SYS(renameat2), WRITE},
    {SCMP_SYS(fchmod), WRITE}, /* by descriptor only: Landlock does not watch modes by path */
    {SCMP_SYS(fchown), WRITE},
    {SCMP_SYS(umask), WRITE},
    {SCMP_SYS(sync_file_range), WRITE},
    {SCMP_SYS(syncfs), WRITE},
};

/* What a library may try in good faith in a role without files. */
static const int sought[] = {SCMP_SYS(open),   SCMP_SYS(openat), SCMP_SYS(openat2),   SCMP_SYS(stat),     SCMP_SYS(lstat),
                             SCMP_SYS(statx),  SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
                             SCMP_SYS(getcwd), SCMP_SYS(statfs), SCMP_SYS(faccessat2)};

struct option {
    int level, name;
    unsigned needs;
};

static const struct option options[] = {
    {SOL_SOCKET, SO_SNDBUF, BASE},        {SOL_SOCKET, SO_RCVBUF, BASE},       {SOL_SOCKET, SO_KEEPALIVE, ACCEPT},
    {SOL_SOCKET, SO_LINGER, ACCEPT},      {SOL_SOCKET, SO_RCVLOWAT, ACCEPT},   {IPPROTO_TCP, TCP_NODELAY, ACCEPT | CONNECT},
    {IPPROTO_TCP, TCP_CORK, ACCEPT},      {IPPROTO_TCP, TCP_QUICKACK, ACCEPT}, {IPPROTO_TCP, TCP_KEEPIDLE, ACCEPT},
    {IPPROTO_TCP, TCP_KEEPINTVL, ACCEPT}, {IPPROTO_TCP, TCP_KEEPCNT, ACCEPT},  {IPPROTO_TCP, TCP_USER_TIMEOUT, ACCEPT},
    {IPPROTO_TCP, TCP_LINGER2, ACCEPT},   {IPPROTO_IP, IP_RECVTTL, CONNECT},   {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, CONNECT},
    {IPPROTO_IPV6, IPV6_V6ONLY, CONNECT}, {IPPROTO_IP, IP_RECVERR, CONNECT},   {IPPROTO_IPV6, IPV6_RECVERR, CONNECT},
};

struct command {
    unsigned long number;
    unsigned needs;
};

static const struct command fcntls[] = {
    {F_GETFD, BASE}, {F_SETFD, BASE}, {F_GETFL, BASE},  {F_SETFL, BASE},     {F_DUPFD_CLOEXEC, BASE}, {F_GET_SEALS, BASE},  {F_ADD_SEALS, BASE},
    {F_GETLK, READ}, {F_SETLK, READ}, {F_SETLKW, READ}, {F_OFD_GETLK, READ}, {F_OFD_SETLK, READ},     {F_OFD_SETLKW, READ},
};

static const struct command ioctls[] = {{FIONBIO, BASE}, {FIOCLEX, BASE}, {FIONREAD, BASE}, {TIOCOUTQ, ACCEPT}, {TCGETS, BASE}};

static int allow_base(scmp_filter_ctx filter, unsigned has)
{
    int r = 0;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0] && r == 0; i++) {
        if ((calls[i].needs & has) != 0)
            r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i].number, 0);
        else if (calls[i].needs == WRITE && (has & READ) != 0)
            r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), calls[i].number, 0);
    }
    return r;
}

static int allow_commands(scmp_filter_ctx filter, unsigned has, int call, const struct command *commands, size_t count)
{
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++) {
        if ((commands[i].needs & has) != 0)
            r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, commands[i].number));
    }
    return r;
}

static int allow_sockets(scmp_filter_ctx filter, unsigned has)
{
    int r = 0;
    for (size_t i = 0; i < sizeof options / sizeof options[0] && r == 0; i++) {
        if ((options[i].needs & has) != 0)
            r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2, SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)options[i].level, 0),
                                 SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)options[i].name, 0));
    }
    /* Internet sockets only: no packet, netlink or local ones. */
    static const int families[] = {AF_INET, AF_INET6}, types[] = {SOCK_STREAM, SOCK_DGRAM};
    for (size_t i = 0; i < 4 && r == 0 && (has & CONNECT) != 0; i++) {
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)families[i / 2]),
                             SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX & ~(scmp_datum_t)(SOCK_NONBLOCK | SOCK_CLOEXEC), (scmp_datum_t)types[i % 2]));
    }
    /* libcurl tries to make itself an alarm bell, and does without one. */
    if (r == 0 && (has & CONNECT) != 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socketpair), 0);
    /* MSG_FASTOPEN is connect() by another name: a listener, shut down, could be turned into a way out. */
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1, SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
    if (r == 0 && (has & ACCEPT) != 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendmmsg), 1, SCMP_A3(SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0));
    return r;
}

static int allow_itself(scmp_filter_ctx filter)
{
    /* No memory is ever executable that wasn't at the start. */
    int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (r == 0) /* abort() */
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)getpid()));
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, PR_SET_NAME));
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, PR_SET_PDEATHSIG));
    if (r == 0) /* getrlimit */
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0, 0), SCMP_A2(SCMP_CMP_EQ, 0, 0));
    return r;
}

static int allow_files(scmp_filter_ctx filter, unsigned has)
{
    int r = 0;
    if ((has & NO_FILES) != 0) {
        for (size_t i = 0; i < sizeof sought / sizeof sought[0] && r == 0; i++)
            r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), sought[i], 0);
        /* fstat() of newer C libraries */
        if (r == 0)
            r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1, SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
        if (r == 0)
            r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat), 1, SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, 0));
        return r;
    }
    if ((has & WRITE) != 0) {
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 0);
        return r != 0 ? r : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 0);
    }
    /* Landlock before ABI 3 does not see O_TRUNC on a file opened for reading. */
    r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, O_TRUNC, 0));
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(open), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, O_TRUNC, O_TRUNC));
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, O_TRUNC, 0));
    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, O_TRUNC, O_TRUNC));
    return r;
}

static int build(scmp_filter_ctx filter, unsigned has)
{
    int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (r == 0)
        r = allow_base(filter, has);
    if (r == 0)
        r = allow_commands(filter, has, SCMP_SYS(fcntl), fcntls, sizeof fcntls / sizeof fcntls[0]);
    if (r == 0)
        r = allow_commands(filter, has, SCMP_SYS(ioctl), ioctls, sizeof ioctls / sizeof ioctls[0]);
    if (r == 0)
        r = allow_sockets(filter, has);
    if (r == 0)
        r = allow_itself(filter);
    if (r == 0)
        r = allow_files(filter, has);
    /* Found by bisection instead of one after the other; a slower filter is still right, so that an old library may refuse. */
    if (r == 0)
        (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    return r;
}

int filter_raise(const struct wall *wall, struct buf *why)
{
    unsigned has = BASE;
    has |= wall->accept ? ACCEPT : 0U;
    has |= wall->connect ? CONNECT : 0U;
    has |= wall->read_data || wall->write_data ? READ : NO_FILES;
    has |= wall->write_data ? WRITE : 0U;
    scmp_filter_ctx filter = seccomp_init(UNLISTED);
    int r = filter != NULL ? build(filter, has) : -ENOMEM;
    if (r == 0)
        r = seccomp_load(filter);
    if (filter != NULL)
        seccomp_release(filter);
    if (r != 0)
        buf_printf(why, "the system-call filter (seccomp) can't be raised: %s", err_text(r));
    return r;
}
