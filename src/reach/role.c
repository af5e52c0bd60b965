/* The role that connects to other hosts: tasks in, records out. It has no files, and no socket but those of outside/. */
#include "process/role.h"
#include "base/err.h"
#include "base/log.h"
#include "outside/attribution.h"
#include "process/channel.h"
#include "process/memfd.h"
#include "reach/reach.h"
#include "reach/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CA_MAX = 16 * 1024 * 1024 };
#define LAST_PUSH_MSEC 20 /* how often the end looks whether all was acknowledged */

struct reaching {
    struct station *station;
    struct journal *journal;
    struct reach *reach;
    struct book *book;
    uint8_t *ca;
    uv_timer_t end_timer;
    usec_t end_by;
    bool ending;
};

static void on_end(uv_timer_t *timer)
{
    struct reaching *self = timer->data;
    journal_push(self->journal);
    if (!journal_empty(self->journal) && usec_monotonic() < self->end_by)
        return;
    (void)uv_timer_stop(&self->end_timer);
    uv_stop(station_loop(self->station));
}

/* The last visit is over: what was learned goes to the store, or stays in the journal for the next reach. */
static void on_stopped(void *user)
{
    struct reaching *self = user;
    (void)uv_timer_start(&self->end_timer, on_end, 0, LAST_PUSH_MSEC);
}

static void stop(struct station *station)
{
    struct reaching *self = station_user(station);
    if (self->ending)
        return;
    self->ending = true;
    /* A little less than what the supervisor waits before it kills; a third of it for the talks that are open. */
    usec_t timeout = conf_int(station_settings(station), "process.stop_timeout");
    self->end_by = usec_monotonic() + timeout * 9 / 10;
    reach_stop(self->reach, timeout / 3 < 3 * USEC_PER_SEC ? timeout / 3 : 3 * USEC_PER_SEC);
}

static void on_peer(struct station *station, const char *name, unsigned index, int fd)
{
    struct reaching *self = station_user(station);
    (void)index;
    if (strcmp(name, "store") == 0)
        reach_store(self->reach, fd);
    else
        (void)close(fd);
}

static void on_lists(struct station *station, struct span blocklist, struct span optout)
{
    struct reaching *self = station_user(station);
    reach_lists(self->reach, blocklist, optout);
}

/* The tables of quests and the certificates that are trusted. Without them nothing is looked up. */
static int take_book(struct reaching *self, struct span *ret_ca)
{
    struct station *station = self->station;
    struct conf_error error;
    uint8_t *image;
    size_t len;
    int fd = station_grant(station, "book");
    if (fd < 0)
        return 0;
    int r = memfd_read(fd, 1, BOOK_IMAGE_MAX, &image, &len);
    if (r != 0)
        return station_failed(station, "the tables of contact.lists can't be read: %s", err_text(r));
    r = book_open(&self->book, span_of(image, len), &error);
    free(image);
    if (r != 0)
        return station_failed(station, "%s", error.text);
    fd = station_grant(station, "ca");
    if (fd < 0)
        return 0;
    r = memfd_read(fd, 1, CA_MAX, &self->ca, &len);
    if (r != 0)
        return station_failed(station, "outside.ca_file can't be read: %s", err_text(r));
    *ret_ca = span_of(self->ca, len);
    return 0;
}

static int begin(struct reaching *self)
{
    struct station *station = self->station;
    struct conf_error error;
    const struct conf *conf = station_settings(station);
    int r =
        journal_open(&self->journal, station_grant(station, "journal"), station_grant(station, "spool"), (uint64_t)conf_int(conf, "journal.spool"));
    if (r != 0)
        return station_failed(station, "the journal can't be opened: %s", err_text(r));
    struct span ca = {0};
    r = take_book(self, &ca);
    if (r != 0)
        return r;
    const struct reach_config config = {.loop = station_loop(station),
                                        .settings = conf,
                                        .journal = self->journal,
                                        .book = self->book,
                                        .ca = ca,
                                        .tap_fd = station_grant(station, "tap"),
                                        .user = self,
                                        .stopped = on_stopped};
    if (config.tap_fd < 0)
        log_info("there is no packet tap: replies over TCP are recorded without their TTL");
    r = reach_new(&self->reach, &config, &error);
    return r == 0 ? 0 : station_failed(station, "%s", error.text);
}

static int reach_run(struct station *station)
{
    static const struct station_events events = {.peer = on_peer, .stop = stop, .drain = stop, .lists = on_lists};
    struct reaching self = {.station = station};
    uv_loop_t *loop = station_loop(station);
    self.end_timer.data = &self;
    (void)uv_timer_init(loop, &self.end_timer);
    int r = begin(&self);
    if (r == 0) {
        station_events(station, &events, &self);
        r = station_ready(station);
    }
    if (r == 0)
        (void)uv_run(loop, UV_RUN_DEFAULT);
    reach_free(self.reach);
    uv_close((uv_handle_t *)&self.end_timer, NULL);
    (void)uv_run(loop, UV_RUN_NOWAIT);
    journal_free(self.journal);
    book_close(self.book);
    free(self.ca);
    return r < 0 ? 1 : r;
}

/* The tables of quests, packed, and the certificates that are trusted; a file of those that is not there leaves nobody trusted. */
static int equip_book(const struct conf *conf, struct equipment *equipment, struct conf_error *error)
{
    const char *ca = conf_text(conf, "outside.ca_file");
    struct buf image;
    int fd;
    buf_init(&image, BOOK_IMAGE_MAX);
    int r = book_pack_settings(conf, &image, error);
    if (r == 0 && image.len > 0) {
        r = memfd_sealed("book", buf_as_span(&image), &fd);
        if (r == 0)
            equipment_add(equipment, "book", fd);
        else
            (void)snprintf(error->text, sizeof error->text, "the tables of contact.lists: %s", err_text(r));
    }
    buf_done(&image);
    if (r != 0)
        return r;
    if (ca[0] != '\0' && access(ca, R_OK) != 0) {
        log_warning("outside.ca_file can't be read: no registry that is asked over https will be believed");
        return 0;
    }
    return equipment_add_file(equipment, "ca", "outside.ca_file", ca, error);
}

/* A tap that can't be had does not stop the start: probes work without it. */
static int reach_equip(const struct conf *conf, struct equipment *equipment, struct conf_error *error)
{
    int fd;
    struct buf why;
    if (!operator_named(conf))
        return 0;
    int r = equip_book(conf, equipment, error);
    if (r != 0 || !conf_bool(conf, "probe.tap"))
        return r;
    buf_init(&why, 256);
    if (tap_open(&fd, &why) == 0)
        equipment_add(equipment, "tap", fd);
    else
        log_warning("%s; replies over TCP are recorded without their TTL", buf_cstr(&why));
    buf_done(&why);
    return 0;
}

const struct role role_reach = {
    .name = "reach",
    .help = "probes other hosts, as policy lets; the only role that opens connections; has no files",
    .party = PARTY_REACH,
    .wall = {.connect = true, .receive_fds = true, .memory_max = UINT64_C(512) * 1024 * 1024, .open_files_max = 24000},
    .check = reach_check,
    .wanted = operator_named,
    .equip = reach_equip,
    .run = reach_run,
};
