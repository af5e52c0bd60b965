#include "process/aside.h"

#include "base/err.h"
#include "base/log.h"
#include "process/folder.h"
#include "process/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct aside {
    pid_t pid;
};

/* Who holds the folder is known by its lock; a supervisor that lost the race against another says so itself. */
static int folder_is_free(const struct conf *settings)
{
    struct folder folder;
    struct buf why;
    buf_init(&why, 512);
    int r = folder_open(&folder, settings, &why);
    if (r == 0)
        folder_close(&folder);
    buf_done(&why);
    return r == -ERR_BUSY ? r : 0;
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -ERR_STORE;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ERR_STORE;
}

/* "ready\n", or the end of a supervisor that did not get there. */
static bool becomes_ready(int fd)
{
    char byte;
    ssize_t n;
    do {
        n = read(fd, &byte, 1);
    } while (n < 0 && errno == EINTR);
    return n == 1;
}

int aside_start(struct aside **ret, const struct conf *settings)
{
    int r = folder_is_free(settings);
    if (r != 0)
        return r;
    struct aside *aside = calloc(1, sizeof *aside);
    int ready[2];
    if (aside == NULL || pipe2(ready, O_CLOEXEC) != 0) {
        free(aside);
        return -ENOMEM;
    }
    pid_t parent = getpid();
    aside->pid = fork();
    if (aside->pid == 0) {
        (void)close(ready[0]);
        /* An interrupt from the terminal is the verb's to handle. */
        (void)setpgid(0, 0);
        const struct supervision how = {.settings = settings, .listening = LISTENING_NOT, .ready_fd = ready[1], .parent = parent};
        log_open("noroshi", LOG_LEVEL_WARNING); /* that it starts and stops is nothing to the verb's user */
        _exit(getppid() == parent ? supervise(&how) : 1);
    }
    (void)close(ready[1]);
    r = aside->pid < 0 ? -errno : 0;
    if (r == 0 && !becomes_ready(ready[0])) {
        (void)wait_for(aside->pid);
        r = -ERR_STORE;
    }
    (void)close(ready[0]);
    if (r != 0) {
        free(aside);
        return r;
    }
    *ret = aside;
    return 0;
}

int aside_stop(struct aside *aside)
{
    if (aside == NULL)
        return 0;
    (void)kill(aside->pid, SIGTERM);
    int r = wait_for(aside->pid);
    free(aside);
    return r;
}
