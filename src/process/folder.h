/* The data folder as the supervisor prepares it: made, the user's own, locked; and the files in it that roles get as descriptors. */
#pragma once

#include "base/conf.h"
#include "process/walls.h"

struct folder {
    char *path; /* absolute, without symbolic links */
    int lock_fd;
    struct identity identity; /* whose the folder is; its files are made with that user's rights only */
};

/* Makes the folder of store.folder where it is missing, hands it to process.user when root's, checks that he reaches and may write
 * it, and takes DATA/lock. -ERR_BUSY when another process holds it, -ERR_CONFIG, or -errno; one line for the operator in `why`. */
int folder_open(struct folder *, const struct conf *settings, struct buf *why);
void folder_close(struct folder *); /* gives the lock back (once every copy of the descriptor is closed); safe after a failure */

/* Opens DATA/`name`, making it where it is missing; `size` > 0: a new one gets that many bytes, allocated. */
int folder_file(const struct folder *, const char *name, uint64_t size, int *ret_fd, struct buf *why);
int folder_view(const struct folder *, const char *name, int *ret_fd); /* opens for reading only; 0 or -errno */
bool folder_has(const struct folder *, const char *name);

/* The listening SOCK_SEQPACKET socket DATA/control, mode 0600. */
int folder_control(const struct folder *, int *ret_fd, struct buf *why);
void folder_forget_control(const struct folder *);
