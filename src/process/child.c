#include "process/child.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHANNEL_FD = 3,
    BACKOFF_LEAST_MSEC = 100,
    BACKOFF_MOST_MSEC = 10000,
    SILENT_MSEC = 5000, /* a process that closed its channel has this long to end */
    ENVIRONMENT_MAX = 16
};

/* A message the process had no room for yet. */
struct letter {
    struct letter *next;
    enum message message;
    int fd;
    size_t len;
    uint8_t body[];
};

struct child {
    uv_timer_t timer; /* back-off, or the time to end; first: its close callback frees the child */
    uv_loop_t *loop;
    const struct role *role;
    unsigned index;
    char name[48];
    int program_fd;
    const struct child_events *events;
    void *user;
    enum child_state state;
    pid_t pid;
    struct channel *channel;
    bool reaped, overdue;
    int status;
    usec_t born;
    uint64_t waited_msec;
    unsigned early_deaths;
    struct letter *letters, **letters_end;
};

uint64_t child_backoff(uint64_t previous_msec, usec_t lived)
{
    if (lived >= 60 * USEC_PER_SEC || previous_msec == 0)
        return BACKOFF_LEAST_MSEC;
    return previous_msec * 2 < BACKOFF_MOST_MSEC ? previous_msec * 2 : BACKOFF_MOST_MSEC;
}

static void forget_letters(struct child *c)
{
    while (c->letters != NULL) {
        struct letter *letter = c->letters;
        c->letters = letter->next;
        if (letter->fd >= 0)
            (void)close(letter->fd);
        free(letter);
    }
    c->letters_end = &c->letters;
}

static int keep_letter(struct child *c, enum message message, struct span body, int fd)
{
    struct letter *letter = malloc(sizeof *letter + body.len);
    if (letter == NULL)
        return -ENOMEM;
    *letter = (struct letter){.message = message, .fd = -1, .len = body.len};
    if (body.len > 0)
        memcpy(letter->body, body.at, body.len);
    if (fd >= 0 && (letter->fd = fcntl(fd, F_DUPFD_CLOEXEC, CHANNEL_FD)) < 0) {
        free(letter);
        return -errno;
    }
    *c->letters_end = letter;
    c->letters_end = &letter->next;
    return 0;
}

static void on_writable(struct channel *channel, void *user)
{
    struct child *c = user;
    while (c->letters != NULL) {
        struct letter *letter = c->letters;
        if (channel_send(channel, letter->message, span_of(letter->body, letter->len), &letter->fd, letter->fd >= 0) == -EAGAIN)
            return;
        c->letters = letter->next;
        if (c->letters == NULL)
            c->letters_end = &c->letters;
        if (letter->fd >= 0)
            (void)close(letter->fd);
        free(letter);
    }
}

void child_tell(struct child *c, enum message message, struct span body, int fd)
{
    if (c->channel == NULL)
        return;
    int r = c->letters == NULL ? channel_send(c->channel, message, body, &fd, fd >= 0) : -EAGAIN;
    if (r == -EAGAIN)
        r = keep_letter(c, message, body, fd);
    /* What can't even be kept leaves the process half equipped: better it starts anew. A peer that went is noticed by its end. */
    if (r != 0 && r != -ERR_CLOSED)
        child_kill(c);
}

static void conclude(struct child *c)
{
    if (!c->reaped || c->channel != NULL)
        return;
    c->early_deaths = c->state == CHILD_STARTING ? c->early_deaths + 1 : 0;
    (void)uv_timer_stop(&c->timer);
    forget_letters(c);
    c->pid = 0;
    c->reaped = false;
    c->state = CHILD_DOWN;
    c->events->ended(c, c->user, c->status);
}

static void on_time(uv_timer_t *timer)
{
    struct child *c = timer->data;
    c->overdue = true;
    child_kill(c);
}

static void on_message(struct channel *channel, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    (void)channel, (void)fds, (void)fd_count;
    struct child *c = user;
    if (message == MESSAGE_READY && c->state == CHILD_STARTING) {
        c->state = CHILD_READY;
        c->events->ready(c, c->user);
    } else if (message == MESSAGE_FAILED) {
        c->events->failed(c, c->user, body);
    } else if (message == MESSAGE_ACCUSE) {
        c->events->accused(c, c->user, body);
    }
}

static void on_closed(struct channel *channel, void *user, int error)
{
    struct child *c = user;
    channel_free(channel);
    c->channel = NULL;
    if (error != 0)
        child_kill(c);
    else if (!c->reaped && uv_is_active((uv_handle_t *)&c->timer) == 0)
        (void)uv_timer_start(&c->timer, on_time, SILENT_MSEC, 0);
    conclude(c);
}

int child_new(struct child **ret, uv_loop_t *loop, const struct role *role, unsigned index, int program_fd, const struct child_events *events,
              void *user)
{
    struct child *c = calloc(1, sizeof *c);
    if (c == NULL)
        return -ENOMEM;
    c->loop = loop;
    c->role = role;
    c->index = index;
    c->program_fd = program_fd;
    c->events = events;
    c->user = user;
    c->letters_end = &c->letters;
    (void)snprintf(c->name, sizeof c->name, "%s.%u", role->name, index);
    int r = uv_timer_init(loop, &c->timer);
    if (r != 0) {
        free(c);
        return r;
    }
    c->timer.data = c;
    *ret = c;
    return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void child_free(struct child *c)
{
    if (c == NULL)
        return;
    channel_free(c->channel);
    forget_letters(c);
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

/* What a sanitizer or a terminal needs; nothing else of the operator's environment is a role's business. */
static void pick_environment(char **picked)
{
    static const char *const names[] = {"ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS=", "TERM=", "NO_COLOR=", "LD_LIBRARY_PATH="};
    size_t count = 0;
    for (char **variable = environ; *variable != NULL && count + 1 < ENVIRONMENT_MAX; variable++) {
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            if (strncmp(*variable, names[i], strlen(names[i])) == 0)
                picked[count++] = *variable;
        }
    }
    picked[count] = NULL;
}

/* Between fork and exec: system calls only. */
static void become(int program_fd, int channel_fd, char **argv, char **environment)
{
    /* Our handlers write to our own loop's pipe. What asks the whole group to end is the supervisor's to answer. */
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, number == SIGTERM || number == SIGINT || number == SIGHUP ? SIG_IGN : SIG_DFL);
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        _exit(127);
    if (channel_fd == CHANNEL_FD) {
        if (fcntl(channel_fd, F_SETFD, 0) != 0)
            _exit(127);
    } else if (dup2(channel_fd, CHANNEL_FD) < 0) {
        _exit(127);
    }
    (void)close_range(CHANNEL_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    (void)syscall(SYS_execveat, program_fd, "", argv, environment, AT_EMPTY_PATH);
    _exit(127);
}

static int spawn(struct child *c, int channel_fd)
{
    char program[] = "noroshi", option[] = "--role";
    char *argv[] = {program, option, c->name, NULL};
    char *environment[ENVIRONMENT_MAX];
    pick_environment(environment);
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    int r = pid < 0 ? -errno : 0;
    if (pid == 0) {
        /* The program's descriptor must not be where the channel goes. */
        int program_fd = c->program_fd == CHANNEL_FD ? fcntl(CHANNEL_FD, F_DUPFD_CLOEXEC, CHANNEL_FD + 1) : c->program_fd;
        become(program_fd, channel_fd, argv, environment);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (r == 0)
        c->pid = pid;
    return r;
}

int child_start(struct child *c)
{
    static const struct channel_events events = {.message = on_message, .closed = on_closed, .writable = on_writable};
    int fds[2];
    int r = channel_pair(fds);
    if (r != 0)
        return r;
    (void)uv_timer_stop(&c->timer);
    r = channel_new(&c->channel, c->loop, fds[0], PARTY_SUPERVISOR, c->role->party, &events, c);
    if (r == 0) {
        r = spawn(c, fds[1]);
        if (r != 0) {
            channel_free(c->channel);
            c->channel = NULL;
        }
    }
    (void)close(fds[1]);
    if (r != 0)
        return r;
    c->overdue = false;
    c->born = usec_monotonic();
    c->state = CHILD_STARTING;
    c->events->started(c, c->user);
    return 0;
}

static void on_again(uv_timer_t *timer)
{
    struct child *c = timer->data;
    c->state = CHILD_DOWN;
    if (child_start(c) != 0)
        child_again(c); /* no memory, no process: tried again later */
}

void child_again(struct child *c)
{
    c->waited_msec = child_backoff(c->waited_msec, usec_monotonic() - c->born);
    c->state = CHILD_WAITING;
    (void)uv_timer_start(&c->timer, on_again, c->waited_msec, 0);
}

void child_stop(struct child *c, uint64_t timeout_msec)
{
    if (c->state == CHILD_WAITING) {
        (void)uv_timer_stop(&c->timer);
        c->state = CHILD_DOWN;
    }
    if (c->state == CHILD_DOWN || c->state == CHILD_STOPPING)
        return;
    c->state = CHILD_STOPPING;
    (void)uv_timer_start(&c->timer, on_time, timeout_msec, 0);
    child_tell(c, MESSAGE_STOP, (struct span){0}, -1);
}

void child_kill(struct child *c)
{
    if (c->pid > 0 && !c->reaped)
        (void)kill(c->pid, SIGKILL);
}

void child_reap(struct child *c)
{
    if (c->pid <= 0 || c->reaped)
        return;
    if (waitpid(c->pid, &c->status, WNOHANG) != c->pid)
        return;
    c->reaped = true;
    conclude(c);
}

enum child_state child_state(const struct child *c)
{
    return c->state;
}

const char *child_name(const struct child *c)
{
    return c->name;
}

const struct role *child_role(const struct child *c)
{
    return c->role;
}

pid_t child_pid(const struct child *c)
{
    return c->pid;
}

bool child_overdue(const struct child *c)
{
    return c->overdue;
}

unsigned child_early_deaths(const struct child *c)
{
    return c->early_deaths;
}
