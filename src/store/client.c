#include "store/client.h"

#include "base/err.h"
#include "base/usec.h"
#include "process/channel.h"
#include "process/solo.h"
#include "record/journal.h"
#include "record/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { WINDOW = 64, BLOCKED_MSEC = 5 }; /* messages that wait for their acknowledgement */

struct store_client {
    struct solo *solo; /* NULL: the store of `run` is used */
    struct channel *channel;
    struct buf message, frame;
    uint64_t first, next;  /* sequence numbers: of the message being made, of the next record */
    uint64_t sent[WINDOW]; /* last sequence numbers of messages under way, oldest first */
    size_t sent_count;
    uint64_t acknowledged;
    unsigned answers; /* ACKs that came */
    struct store_totals totals;
    int error; /* what ended the channel */
};

static void on_message(struct channel *channel, void *user, enum message message, struct span body, int *fds, size_t fd_count)
{
    (void)channel;
    (void)fds;
    (void)fd_count;
    struct store_client *client = user;
    if (message != MESSAGE_ACK)
        return;
    struct cursor c = cursor_of(body);
    client->acknowledged = cursor_be64(&c);
    client->totals.records += cursor_be64(&c);
    client->totals.duplicates += cursor_be64(&c);
    client->answers++;
    size_t done = 0;
    while (done < client->sent_count && client->sent[done] <= client->acknowledged)
        done++;
    client->sent_count -= done;
    memmove(client->sent, client->sent + done, client->sent_count * sizeof client->sent[0]);
}

static void on_closed(struct channel *channel, void *user, int error)
{
    (void)channel;
    struct store_client *client = user;
    client->error = error != 0 ? error : -ERR_CLOSED;
}

/* The path of a socket is short, that of a data folder need not be: it is reached through the folder's descriptor. */
static int connect_control(const char *folder, int *ret_fd)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return -errno;
    (void)snprintf(at.sun_path, sizeof at.sun_path, "/proc/self/fd/%d/control", dir);
    int r = 0, fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof at) != 0)
        r = -errno;
    (void)close(dir);
    if (r != 0 && fd >= 0)
        (void)close(fd);
    if (r == 0)
        *ret_fd = fd;
    return r;
}

int store_client_open(struct store_client **ret, const struct conf *settings, struct buf *why)
{
    static const struct channel_events events = {.message = on_message, .closed = on_closed};
    struct store_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return -ENOMEM;
    buf_init(&client->message, 2 * RECORD_SIZE_MAX);
    buf_init(&client->frame, RECORD_SIZE_MAX + 64);
    client->first = client->next = 1;
    int fd = -1;
    int r = solo_start_store(&client->solo, settings, NULL, why);
    if (r == 0) {
        fd = solo_take_channel(client->solo);
        r = fd < 0 ? -ERR_STORE : 0;
    } else if (r == -ERR_BUSY) {
        const char *folder = conf_text(settings, "store.folder");
        buf_clear(why);
        r = connect_control(folder, &fd);
        if (r != 0)
            buf_printf(why, "%s is in use by another process that does not answer at %s/control: %s", folder, folder, err_text(r));
    }
    if (r == 0)
        r = channel_new(&client->channel, NULL, fd, PARTY_CLIENT, PARTY_STORE, &events, client);
    if (r != 0) {
        store_client_close(client);
        return r;
    }
    *ret = client;
    return 0;
}

void store_client_close(struct store_client *client)
{
    if (client == NULL)
        return;
    channel_free(client->channel);
    (void)solo_stop(client->solo, NULL);
    buf_done(&client->message);
    buf_done(&client->frame);
    free(client);
}

/* One message from the store, or the end of it. */
static int listen_for(struct store_client *client, int timeout_msec)
{
    if (client->error != 0)
        return client->error;
    int r = channel_receive(client->channel, timeout_msec);
    if (client->error != 0)
        return client->error;
    return r == -ETIMEDOUT ? 0 : r;
}

static int send_whole(struct store_client *client, enum message message, struct span body)
{
    for (;;) {
        if (client->error != 0)
            return client->error;
        int r = channel_send(client->channel, message, body, NULL, 0);
        if (r != -EAGAIN)
            return r;
        r = listen_for(client, BLOCKED_MSEC);
        if (r != 0)
            return r;
    }
}

static int send_message(struct store_client *client)
{
    if (client->next == client->first)
        return 0;
    while (client->sent_count == WINDOW) {
        int r = listen_for(client, -1);
        if (r != 0)
            return r;
    }
    int r = send_whole(client, MESSAGE_RECORDS, buf_as_span(&client->message));
    if (r != 0)
        return r;
    client->sent[client->sent_count++] = client->next - 1;
    client->first = client->next;
    buf_clear(&client->message);
    return 0;
}

int store_client_put(struct store_client *client, const struct record *record)
{
    buf_clear(&client->frame);
    wire_encode(&client->frame, record);
    if (client->frame.error != 0)
        return client->frame.error;
    if (client->next > client->first && client->message.len + client->frame.len > JOURNAL_MESSAGE_MAX) {
        int r = send_message(client);
        if (r != 0)
            return r;
    }
    if (client->next == client->first)
        buf_be(&client->message, client->first, 8);
    buf_span(&client->message, buf_as_span(&client->frame));
    if (client->message.error != 0)
        return client->message.error;
    client->next++;
    return 0;
}

int store_client_tasks(struct store_client *client, struct span tasks)
{
    return send_whole(client, MESSAGE_TASKS, tasks);
}

int store_client_entries(struct store_client *client, struct span entries)
{
    return send_whole(client, MESSAGE_ENTRIES, entries);
}

int store_client_finish(struct store_client *client, struct store_totals *ret)
{
    int r = send_message(client);
    while (r == 0 && client->acknowledged + 1 < client->next)
        r = listen_for(client, -1);
    /* Everything is acknowledged, so the next answer is the one to this. */
    unsigned answers = client->answers;
    if (r == 0)
        r = send_whole(client, MESSAGE_SEAL, (struct span){0});
    while (r == 0 && client->answers == answers)
        r = listen_for(client, -1);
    if (r == 0)
        *ret = client->totals;
    return r;
}
