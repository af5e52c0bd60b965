/*
 * Each role, inside its walls, tries what it may not do and what it must be able to do. Every act runs in a child of its own, so that
 * one death hides nothing. "Held" means refused with an error or killed by the filter.
 */
#include "base/err.h"
#include "process/channel.h"
#include "process/confine.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <openssl/evp.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* What an act finds ready, made before the walls. */
struct scene {
    char data[64], outside[64]; /* folders */
    int listener, stream, datagram, control, own_file, root_file;
    uint16_t port;
    pid_t other;
};

static struct scene scene;
static const struct sockaddr_in nowhere = {.sin_family = AF_INET, .sin_addr = {.s_addr = 0x0100007f}, .sin_port = 0x0900};

static const char *in(const char *folder, const char *name)
{
    static char path[2][160];
    static unsigned turn;
    char *at = path[turn++ % 2];
    (void)snprintf(at, sizeof path[0], "%s/%s", folder, name);
    return at;
}

/* Acts: 0 done, -1 refused. */
static int open_how(const char *path, int how)
{
    int fd = open(path, how | O_CLOEXEC, 0600);
    return fd >= 0 ? close(fd) : -1;
}

static int open_passwd(void)
{
    return open_how("/etc/passwd", O_RDONLY);
}

static int open_root(void)
{
    return open_how("/", O_RDONLY | O_DIRECTORY);
}

static int open_proc(void)
{
    return open_how("/proc/self/mem", O_RDWR);
}

static int write_outside(void)
{
    return open_how(in(scene.outside, "new"), O_WRONLY | O_CREAT);
}

static int unlink_outside(void)
{
    return unlink(in(scene.outside, "there"));
}

static int rename_in(void)
{
    return rename(in(scene.outside, "there"), in(scene.data, "taken"));
}

static int rename_out(void)
{
    return rename(in(scene.data, "there"), in(scene.outside, "taken"));
}

static int chmod_outside(void)
{
    return chmod(in(scene.outside, "there"), 0777);
}

static int symlink_data(void)
{
    return symlink("/etc/passwd", in(scene.data, "link"));
}

static int follow_link(void)
{
    return open_how(in(scene.data, "planted"), O_RDONLY);
}

static int make_device(void)
{
    return mknod(in(scene.data, "fifo"), S_IFIFO | 0600, 0);
}

static int list_outside(void)
{
    return open_how(scene.outside, O_RDONLY | O_DIRECTORY);
}

static int read_data(void)
{
    return open_how(in(scene.data, "there"), O_RDONLY);
}

static int list_data(void)
{
    DIR *folder = opendir(scene.data);
    if (folder == NULL)
        return -1;
    int r = readdir(folder) != NULL ? 0 : -1;
    (void)closedir(folder);
    return r;
}

static int write_data(void)
{
    return open_how(in(scene.data, "there"), O_RDWR);
}

static int truncate_data(void)
{
    return open_how(in(scene.data, "there"), O_RDONLY | O_TRUNC);
}

static int truncate_path(void)
{
    return truncate(in(scene.data, "there"), 0);
}

static int create_data(void)
{
    int fd = open(in(scene.data, "new"), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    if (pwrite(fd, "x", 1, 0) != 1 || fcntl(fd, F_SETLK, &lock) != 0 || fdatasync(fd) != 0 || ftruncate(fd, 65536) != 0 || fchmod(fd, 0440) != 0)
        return -1;
    void *map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED || munmap(map, 65536) != 0)
        return -1;
    return close(fd);
}

static int change_data(void)
{
    if (mkdir(in(scene.data, "folder"), 0700) != 0 || mkdir(in(scene.data, "folder/deep"), 0700) != 0)
        return -1;
    if (open_how(in(scene.data, "tmp"), O_WRONLY | O_CREAT) != 0 || rename(in(scene.data, "tmp"), in(scene.data, "folder/deep/kept")) != 0)
        return -1;
    if (unlink(in(scene.data, "folder/deep/kept")) != 0 || rmdir(in(scene.data, "folder/deep")) != 0)
        return -1;
    return rmdir(in(scene.data, "folder"));
}

/* A database that another process writes, in WAL mode: its shared memory must do read-only, too. */
static int ask_database(int how, const char *sql)
{
    sqlite3 *db = NULL;
    int r = sqlite3_open_v2(in(scene.data, "control.db"), &db, how, NULL);
    if (r == SQLITE_OK)
        r = sqlite3_exec(db, sql, NULL, NULL, NULL);
    (void)sqlite3_close(db);
    return r == SQLITE_OK ? 0 : -1;
}

static int read_database(void)
{
    return ask_database(SQLITE_OPEN_READONLY, "PRAGMA temp_store=MEMORY; SELECT count(*) FROM host ORDER BY 1");
}

static int write_database(void)
{
    return ask_database(SQLITE_OPEN_READWRITE, "INSERT INTO host VALUES (2)");
}

static int unlink_data(void)
{
    return unlink(in(scene.data, "there"));
}

static int make_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : -1;
}

static int make_raw_socket(void)
{
    return socket(AF_INET, SOCK_RAW, IPPROTO_TCP) >= 0 ? 0 : -1;
}

static int make_unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : -1;
}

static int connect_own(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 ? connect(fd, (const struct sockaddr *)&nowhere, sizeof nowhere) : -1;
}

static int bind_own(void)
{
    const struct sockaddr_in any = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 ? bind(fd, (const struct sockaddr *)&any, sizeof any) : -1;
}

static int make_packet_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0) >= 0 ? 0 : -1;
}

static int make_netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW, 0) >= 0 ? 0 : -1;
}

static int make_unix_pair(void)
{
    int fds[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
}

static int connect_granted(void)
{
    return connect(scene.datagram, (const struct sockaddr *)&nowhere, sizeof nowhere);
}

static int connect_by_fastopen(void)
{
    (void)shutdown(scene.listener, SHUT_RDWR);
    return sendto(scene.listener, "x", 1, MSG_FASTOPEN, (const struct sockaddr *)&nowhere, sizeof nowhere) > 0 ? 0 : -1;
}

static int bind_granted(void)
{
    const struct sockaddr_in any = {.sin_family = AF_INET};
    return bind(scene.stream, (const struct sockaddr *)&any, sizeof any);
}

static int accept_granted(void)
{
    int fd = accept4(scene.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return fd >= 0 ? close(fd) : -1;
}

static int talk_accepted(void)
{
    int fd = accept4(scene.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    char bytes[16];
    struct sockaddr_storage who;
    socklen_t len = sizeof who;
    if (fd < 0 || getpeername(fd, (struct sockaddr *)&who, &len) != 0 ||
        setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &(int){1}, sizeof(int)) != 0)
        return -1;
    if (write(fd, "login: ", 7) != 7 || recv(fd, bytes, sizeof bytes, 0) != 4 || shutdown(fd, SHUT_WR) != 0)
        return -1;
    return close(fd);
}

static int accept_control(void)
{
    int fd = accept4(scene.control, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct ucred who;
    socklen_t len = sizeof who;
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 || (pid_t)who.pid <= 0)
        return -1;
    return close(fd);
}

static int attach_filter(void)
{
    return setsockopt(scene.stream, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
}

static int exec_shell(void)
{
    (void)execl("/bin/true", "true", (char *)NULL);
    return -1;
}

static int exec_fd(void)
{
    char empty[] = "", *argv[] = {empty, NULL};
    (void)syscall(SYS_execveat, scene.root_file, "", argv, argv, AT_EMPTY_PATH);
    return -1;
}

static int fork_child(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0 ? 0 : -1;
}

static int clone_namespace(void)
{
    return (int)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL) >= 0 ? 0 : -1;
}

static int unshare_user(void)
{
    return unshare(CLONE_NEWUSER);
}

static int trace_other(void)
{
    return ptrace(PTRACE_ATTACH, scene.other, NULL, NULL) == 0 ? 0 : -1;
}

static int read_other(void)
{
    char byte;
    struct iovec here = {.iov_base = &byte, .iov_len = 1}, there = here;
    return syscall(SYS_process_vm_readv, scene.other, &here, 1UL, &there, 1UL, 0UL) == 1 ? 0 : -1;
}

static int kill_other(void)
{
    return kill(scene.other, 0);
}

static int thread_kill_other(void)
{
    return (int)syscall(SYS_tgkill, scene.other, scene.other, 0);
}

static int mount_tmpfs(void)
{
    return mount("none", scene.data, "tmpfs", 0, NULL);
}

static int change_root(void)
{
    return chroot(scene.data);
}

static int map_executable(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ? 0 : -1;
}

static int make_executable(void)
{
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return map != MAP_FAILED ? mprotect(map, 4096, PROT_READ | PROT_EXEC) : -1;
}

static int become_root(void)
{
    return geteuid() == 0 ? -1 : setuid(0);
}

static int regain_capabilities(void)
{
    return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 10, 0, 0);
}

static int raise_limit(void)
{
    struct rlimit more = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
    return setrlimit(RLIMIT_NOFILE, &more);
}

static int ring_around(void)
{
    static uint8_t params[256];
    return (int)syscall(SYS_io_uring_setup, 8, params) >= 0 ? 0 : -1;
}

static int load_bpf(void)
{
    static uint8_t attr[128];
    return (int)syscall(SYS_bpf, 0, attr, sizeof attr) >= 0 ? 0 : -1;
}

static int add_key(void)
{
    return (int)syscall(SYS_add_key, "user", "a", "b", 1, -2) >= 0 ? 0 : -1;
}

static int set_clock(void)
{
    struct timespec now; /* should it ever succeed, nothing changes */
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return -1;
    return clock_settime(CLOCK_REALTIME, &now);
}

static int move_elsewhere(void)
{
    return chdir("/");
}

static int use_memory(void)
{
    char *bytes = malloc(4 << 20);
    if (bytes == NULL)
        return -1;
    memset(bytes, 1, 4 << 20);
    char *more = realloc(bytes, 8 << 20);
    free(more != NULL ? more : bytes);
    return more != NULL ? 0 : -1;
}

/* OpenSSL looks for its configuration when it is first used. */
static int use_digest(void)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    return EVP_Digest("sample", 6, digest, &len, EVP_sha256(), NULL) == 1 && len == 32 ? 0 : -1;
}

static int use_own_file(void)
{
    struct stat st;
    char byte;
    if (fstat(scene.own_file, &st) != 0 || pwrite(scene.own_file, "r", 1, 0) != 1 || pread(scene.own_file, &byte, 1, 0) != 1)
        return -1;
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, scene.own_file, 0);
    return map != MAP_FAILED ? munmap(map, 4096) : -1;
}

static unsigned large_messages;

static void count_message(struct channel *c, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    (void)c, (void)user, (void)message, (void)fds, (void)fd_count;
    large_messages += body.len > CHANNEL_BODY_MAX;
}

static int use_channel(void)
{
    /* The pair is made before the walls: see main. */
    static const struct channel_events events = {.message = count_message};
    static uint8_t body[200000];
    struct channel *a = NULL, *b = NULL;
    if (channel_new(&a, NULL, scene.stream, PARTY_EDGE, PARTY_STORE, &events, NULL) != 0 ||
        channel_new(&b, NULL, scene.own_file, PARTY_STORE, PARTY_EDGE, &events, NULL) != 0)
        return -1;
    if (channel_send(a, MESSAGE_RECORDS, span_of(body, sizeof body), NULL, 0) != 0 || channel_receive(b, 1000) != 0)
        return -1;
    return large_messages == 1 ? 0 : -1;
}

static int use_loop(void)
{
    return uv_hrtime() > 0 && isatty(2) <= 1 && getpid() > 0 ? 0 : -1;
}

enum { EDGE = 1, STORE = 2, ANALYSE = 4, REACH = 8, ALL = 15 };

static const struct act {
    const char *name;
    int (*act)(void);
    unsigned may; /* roles that must be able to */
} acts[] = {
    {"open /etc/passwd", open_passwd, 0},
    {"open /", open_root, 0},
    {"open /proc/self/mem", open_proc, 0},
    {"create a file outside the data folder", write_outside, 0},
    {"remove a file outside the data folder", unlink_outside, 0},
    {"list a folder outside the data folder", list_outside, 0},
    {"move a file into the data folder", rename_in, 0},
    {"move a file out of the data folder", rename_out, 0},
    {"change a mode outside the data folder", chmod_outside, 0},
    {"make a symbolic link", symlink_data, 0},
    {"follow a planted symbolic link", follow_link, 0},
    {"make a fifo", make_device, 0},
    {"read the data folder", read_data, STORE | ANALYSE},
    {"list the data folder", list_data, STORE | ANALYSE},
    {"write a file of the data folder", write_data, STORE},
    {"truncate a file of the data folder on opening", truncate_data, STORE},
    {"truncate a file of the data folder by path", truncate_path, 0},
    {"create, lock, map and sync a file in the data folder", create_data, STORE},
    {"make folders, rename and remove in the data folder", change_data, STORE},
    {"remove a file of the data folder", unlink_data, STORE},
    {"read a database that another process writes", read_database, STORE | ANALYSE},
    {"write a database", write_database, STORE},
    {"make a TCP socket", make_socket, REACH},
    {"make and connect a UDP socket", connect_own, REACH},
    {"make a raw IP socket", make_raw_socket, 0},
    {"make a local socket", make_unix_socket, 0},
    {"bind a socket it made", bind_own, 0},
    {"make a packet socket", make_packet_socket, 0},
    {"make a netlink socket", make_netlink, 0},
    {"make a socket pair", make_unix_pair, 0},
    {"connect a socket it holds", connect_granted, REACH},
    {"connect a listener by MSG_FASTOPEN", connect_by_fastopen, 0},
    {"bind a socket it holds", bind_granted, 0},
    {"set a socket option that isn't listed", attach_filter, 0},
    {"accept", accept_granted, EDGE | STORE},
    {"talk to who was accepted", talk_accepted, EDGE | STORE},
    {"accept on the control socket", accept_control, EDGE | STORE},
    {"execute a program", exec_shell, 0},
    {"execute a descriptor", exec_fd, 0},
    {"fork", fork_child, 0},
    {"clone into a user namespace", clone_namespace, 0},
    {"unshare", unshare_user, 0},
    {"trace another process", trace_other, 0},
    {"read another process's memory", read_other, 0},
    {"signal another process", kill_other, 0},
    {"signal another thread", thread_kill_other, 0},
    {"mount", mount_tmpfs, 0},
    {"change the root folder", change_root, 0},
    {"map executable memory", map_executable, 0},
    {"make memory executable", make_executable, 0},
    {"become root again", become_root, 0},
    {"regain a capability", regain_capabilities, 0},
    {"raise a limit", raise_limit, 0},
    {"set up an io_uring", ring_around, 0},
    {"load a BPF program", load_bpf, 0},
    {"add a key", add_key, 0},
    {"set the clock", set_clock, 0},
    {"change the working folder", move_elsewhere, 0},
    {"use memory", use_memory, ALL},
    {"make a digest", use_digest, ALL},
    {"use a file it was handed", use_own_file, ALL},
    {"send and receive a large message", use_channel, ALL},
    {"ask for the time", use_loop, ALL},
};

static void die(const char *what)
{
    (void)fprintf(stderr, "climb: %s: %s\n", what, strerror(errno));
    exit(99);
}

static int touch(const char *path, mode_t mode)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0 || write(fd, "content", 7) != 7 || fchmod(fd, mode) != 0)
        die(path);
    return fd;
}

/* A client of the loopback listener, waiting with 4 bytes to be accepted. */
static void set_listener(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    scene.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(scene.listener, (struct sockaddr *)&at, len) != 0 || listen(scene.listener, 8) != 0 ||
        getsockname(scene.listener, (struct sockaddr *)&at, &len) != 0 || connect(client, (struct sockaddr *)&at, len) != 0 ||
        send(client, "root", 4, 0) != 4)
        die("listener");
}

static void set_control(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s/control", scene.data);
    scene.control = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    (void)unlink(at.sun_path);
    if (bind(scene.control, (struct sockaddr *)&at, sizeof at) != 0 || listen(scene.control, 8) != 0 ||
        connect(client, (struct sockaddr *)&at, sizeof at) != 0)
        die("control");
}

static void set_scene(const struct act *act)
{
    (void)close(touch(in(scene.data, "there"), 0666));
    (void)close(touch(in(scene.outside, "there"), 0666));
    (void)unlink(in(scene.data, "planted"));
    (void)unlink(in(scene.data, "new"));
    if (symlink("/etc/passwd", in(scene.data, "planted")) != 0)
        die("symlink");
    set_listener();
    set_control();
    scene.datagram = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    scene.root_file = open("/bin/true", O_RDONLY | O_CLOEXEC);
    if (act->act == use_channel) {
        int fds[2];
        if (channel_pair(fds) != 0)
            die("pair");
        scene.stream = fds[0];
        scene.own_file = fds[1];
        return;
    }
    scene.stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    scene.own_file = touch(in(scene.outside, "granted"), 0600);
}

enum { DONE = 0, REFUSED = 1, NOT_CONFINED = 98 };

static void climb(const struct act *act, const struct wall *wall, const char *user)
{
    set_scene(act);
    struct buf why;
    buf_init(&why, 512);
    if (confine(wall, scene.data, user, &why) != 0) {
        (void)fprintf(stderr, "climb: confine: %s\n", buf_cstr(&why));
        _exit(NOT_CONFINED);
    }
    _exit(act->act() == 0 ? DONE : REFUSED);
}

/* In a child; returns its wait status. */
static int attempt(const struct act *act, const struct wall *wall, const char *user)
{
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0)
        climb(act, wall, user);
    int status;
    if (waitpid(pid, &status, 0) != pid)
        die("waitpid");
    return status;
}

static bool judge(const struct act *act, const struct wall *wall, const char *role, unsigned bit, const char *user)
{
    int status = attempt(act, wall, user);
    bool done = WIFEXITED(status) && WEXITSTATUS(status) == DONE;
    bool held = (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
    bool right = (act->may & bit) != 0 ? done : held;
    if (!right)
        (void)printf("not ok: %s: %s: wait status %#x\n", role, act->name, (unsigned)status);
    return right;
}

static unsigned faults;

static void expect_refusal(const char *what, const struct wall *wall, const char *data, const char *user, const char *needle)
{
    int ends[2];
    if (pipe(ends) != 0)
        die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        struct buf why;
        buf_init(&why, 512);
        int r = confine(wall, data, user, &why);
        (void)!write(ends[1], buf_cstr(&why), why.len);
        _exit(r < 0 ? 0 : 1);
    }
    (void)close(ends[1]);
    int status;
    char text[512] = "";
    ssize_t len = read(ends[0], text, sizeof text - 1);
    (void)close(ends[0]);
    if (waitpid(pid, &status, 0) != pid || status != 0 || len <= 0 || strstr(text, needle) == NULL || strchr(text, '\n') != NULL) {
        (void)printf("not ok: %s: status %#x, \"%s\"\n", what, (unsigned)status, text);
        faults++;
    } else {
        (void)printf("ok: %s: %s\n", what, text);
    }
}

static void fails_closed(const struct wall *store)
{
    expect_refusal("a data folder that is missing", store, "/nonexistent/noroshi", "", "/nonexistent/noroshi: No such file");
    if (geteuid() != 0)
        return;
    expect_refusal("a user that does not exist", store, scene.data, "no-such-user", "no user \"no-such-user\"");
    char hidden[160];
    (void)snprintf(hidden, sizeof hidden, "%s/hidden", scene.outside);
    (void)mkdir(hidden, 0700);
    char deep[180];
    (void)snprintf(deep, sizeof deep, "%s/data", hidden);
    (void)mkdir(deep, 0777);
    expect_refusal("a data folder that the user can't reach", store, deep, "nobody", "Permission denied");
}

/* The writer whose database is read; it stays open, as the store's does. */
static sqlite3 *write_forever(void)
{
    static const char *const files[] = {"control.db", "control.db-wal", "control.db-shm"};
    sqlite3 *db = NULL;
    if (sqlite3_open(in(scene.data, "control.db"), &db) != SQLITE_OK ||
        sqlite3_exec(db, "PRAGMA journal_mode=WAL; CREATE TABLE host (n); INSERT INTO host VALUES (1)", NULL, NULL, NULL) != SQLITE_OK)
        die("control.db");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (chmod(in(scene.data, files[i]), 0666) != 0)
            die(files[i]);
    }
    return db;
}

/* The walls are the real roles' own. */
static const struct wall *wall_of(const char *name)
{
    const struct role *role = role_by_name(span_text(name));
    if (role == NULL)
        die(name);
    return &role->wall;
}

static bool allows_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
}

static void clean(void)
{
    char command[200];
    (void)snprintf(command, sizeof command, "rm -rf %s %s", scene.data, scene.outside);
    (void)!system(command); /* both names come from mkdtemp */
}

int main(void)
{
    static const struct {
        const char *name;
        unsigned bit;
    } roles[] = {
        {"edge", EDGE},
        {"store", STORE},
        {"analyse", ANALYSE},
        {"reach", REACH},
    };
    if (!allows_landlock()) {
        (void)printf("skipped: this kernel offers no Landlock\n");
        return 77;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(scene.data, sizeof scene.data, "/tmp/noroshi-wall-data-XXXXXX");
    (void)snprintf(scene.outside, sizeof scene.outside, "/tmp/noroshi-wall-else-XXXXXX");
    if (mkdtemp(scene.data) == NULL || mkdtemp(scene.outside) == NULL || chmod(scene.data, 0777) != 0 || chmod(scene.outside, 0777) != 0)
        die("mkdtemp");
    scene.other = getpid();
    sqlite3 *db = write_forever();
    /* As root's, every act is tried twice: as another user, and with root's uid kept but its powers gone. */
    const char *users[2] = {"", "nobody"};
    unsigned tried = 0;
    for (size_t u = 0; u < (geteuid() == 0 ? 2 : 1); u++) {
        for (size_t r = 0; r < sizeof roles / sizeof roles[0]; r++) {
            const struct wall *wall = wall_of(roles[r].name);
            for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++, tried++)
                faults += !judge(&acts[i], wall, roles[r].name, roles[r].bit, users[u]);
        }
    }
    fails_closed(wall_of("store"));
    (void)sqlite3_close(db);
    clean();
    (void)printf("%u acts tried, %u faults\n", tried, faults);
    return faults == 0 ? 0 : 1;
}
