#include "cli/policy.h"

#include "base/err.h"
#include "process/role.h"
#include "store/query.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIST_SIZE_MOST = 32 * 1024 * 1024 };

static int read_file(const char *path, struct buf *out)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), r = fd < 0 ? -errno : 0;
    if (r == 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)))
        r = -ERR_MALFORMED;
    for (ssize_t n = 1; r == 0 && n != 0;) {
        uint8_t *room = buf_reserve(out, 65536);
        n = room != NULL ? read(fd, room, 65536) : 0;
        r = out->error != 0 ? out->error : n < 0 && errno != EINTR ? -errno : 0;
        out->len += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0)
        close(fd);
    return r;
}

static bool read_list(struct policy_list *list, const char *name, struct buf *text)
{
    struct list *parsed = NULL;
    size_t bad = 0;
    if (list->path[0] == '\0')
        return true;
    int r = read_file(list->path, text);
    if (r == -ENOENT && list->missing_is_fine)
        return true;
    if (r == 0)
        r = list_read(&parsed, name, buf_as_span(text), &bad, NULL, 0);
    list->networks = list_networks(parsed);
    list_free(parsed);
    list->trouble = r != 0 ? err_text(r) : NULL;
    return r == 0;
}

int policy_open(const struct invocation *i, struct policy *p)
{
    struct conf_error error = {0};
    struct buf block, out;
    *p = (struct policy){.dial = NULL};
    if (roles_check(i->settings, &error) != 0 || dial_new(&p->dial, i->settings, &error) != 0) {
        fprintf(stderr, "noroshi: %s\n", error.text);
        return EXIT_USAGE;
    }
    const char *optout = conf_text(i->settings, "outside.optout");
    p->optout.missing_is_fine = optout[0] == '\0';
    (void)snprintf(p->blocklist.path, sizeof p->blocklist.path, "%s", conf_text(i->settings, "outside.blocklist"));
    (void)snprintf(p->optout.path, sizeof p->optout.path, "%s%s", optout[0] != '\0' ? optout : i->data, optout[0] != '\0' ? "" : "/optout.conf");
    buf_init(&block, LIST_SIZE_MOST);
    buf_init(&out, LIST_SIZE_MOST);
    bool readable = read_list(&p->blocklist, "blocklist", &block);
    readable = read_list(&p->optout, "optout", &out) && readable;
    int r = readable ? dial_lists(p->dial, buf_as_span(&block), buf_as_span(&out), &p->bad_count, p->bad, POLICY_BAD_TOLD) : 0;
    buf_done(&block);
    buf_done(&out);
    if (r == 0)
        return 0;
    policy_close(p);
    return failed("the lists of networks: %s", err_text(r));
}

void policy_close(struct policy *p)
{
    dial_free(p->dial);
    p->dial = NULL;
}

const char *policy_bad_path(const struct policy *p, size_t index)
{
    return strcmp(p->bad[index].list, "blocklist") == 0 ? p->blocklist.path : p->optout.path;
}

static int on_spent(void *user, const struct query_value *v, size_t count)
{
    struct policy *p = user;
    struct addr addr;
    if (count != 6 || v[0].bytes.len != sizeof addr.bytes)
        return 0;
    memcpy(addr.bytes, v[0].bytes.at, sizeof addr.bytes);
    (void)dial_spent(p->dial, addr, (uint32_t)v[1].number, (uint32_t)v[2].number, (uint32_t)v[3].number, (uint32_t)v[4].number, v[5].number,
                     usec_now());
    return 0;
}

void policy_count(const struct invocation *i, struct policy *p)
{
    char path[PATH_MAX];
    struct query *query = NULL;
    struct buf why;
    const struct query_range today = {.since = usec_day(usec_now()) * USEC_PER_DAY, .until = INT64_MAX};
    if (snprintf(path, sizeof path, "%s/control.db", i->data) >= (int)sizeof path || access(path, R_OK) != 0)
        return;
    buf_init(&why, 0);
    if (query_open(&query, i->data, &why) == 0)
        (void)query_rows(query, "SELECT address,ifnull(asn,0),n,ics,neighbours,last FROM host_dial WHERE day>=:since", &today, on_spent, p);
    query_close(query);
    buf_done(&why);
}

bool policy_probe_on(const struct invocation *i, const struct probe *probe)
{
    for (size_t n = 0; n < conf_count(i->settings, "probe.extra"); n++)
        if (strcmp(conf_texts(i->settings, "probe.extra", n), probe->name) == 0)
            return true;
    return probe->care != CARE_ASKED;
}

static int add_port(struct span text, struct order_port *ret, size_t room, size_t *count)
{
    struct order_port port;
    int r = order_port_parse(text, &port);
    for (size_t n = 0; r == 0 && n < *count; n++)
        if (ret[n].port == port.port && ret[n].transport == port.transport)
            return 0;
    if (r == 0 && *count == room)
        return -ERR_LIMIT;
    if (r == 0)
        ret[(*count)++] = port;
    return r;
}

static int add_ports(const struct invocation *i, const char *path, struct order_port *ret, size_t room, size_t *count, struct buf *why)
{
    for (size_t n = 0; n < conf_count(i->settings, path); n++) {
        const char *text = conf_texts(i->settings, path, n);
        if (add_port(span_text(text), ret, room, count) == 0)
            continue;
        buf_printf(why, "%s: expected a port with a probe (`noroshi probes`), got \"%.40s\"; for example 8080:http", path, text);
        return -ERR_CONFIG;
    }
    return 0;
}

int policy_ports(const struct invocation *i, struct order_port *ret, size_t room, size_t *ret_count, struct buf *why)
{
    static const char *const usual[] = {"21", "23", "80", "443", "8080"};
    size_t count = 0;
    int r = add_ports(i, "probe.ports", ret, room, &count, why);
    for (size_t n = 0; r == 0 && conf_count(i->settings, "probe.ports") == 0 && n < sizeof usual / sizeof usual[0]; n++)
        r = add_port(span_text(usual[n]), ret, room, &count);
    if (r == 0 && conf_bool(i->settings, "probe.ics"))
        r = add_ports(i, "probe.ics_ports", ret, room, &count, why);
    *ret_count = count;
    return r;
}
