#include "analyse/device/device.h"

#include <stdarg.h>
#include <stdio.h>

enum { HOPS_MAX = 40, HOPS_HINT = 8, PORTS_SHOWN = 6 };

static const unsigned families[] = {32, 64, 128, 255};
enum { FAMILIES = sizeof families / sizeof families[0] };

unsigned ttl_initial(unsigned ttl)
{
    for (size_t i = 0; i < FAMILIES; i++) {
        if (ttl > 0 && ttl <= families[i])
            return families[i] - ttl <= HOPS_MAX ? families[i] : 0;
    }
    return 0;
}

struct family {
    unsigned least, most; /* TTLs seen; 0: none */
    size_t open, attacks;
};

static void count(struct family found[static FAMILIES], const struct port_ttl *ports, size_t port_count, bool attack)
{
    for (size_t i = 0; i < port_count; i++) {
        unsigned initial = ttl_initial(ports[i].ttl);
        for (size_t k = 0; k < FAMILIES && initial != 0; k++) {
            if (families[k] != initial)
                continue;
            struct family *f = &found[k];
            f->least = f->least == 0 || ports[i].ttl < f->least ? ports[i].ttl : f->least;
            f->most = ports[i].ttl > f->most ? ports[i].ttl : f->most;
            if (attack)
                f->attacks++;
            else
                f->open++;
        }
    }
}

__attribute__((format(printf, 2, 3))) static void say(struct hosts_guess *g, const char *format, ...)
{
    size_t len = strlen(g->reason);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(g->reason + len, sizeof g->reason - len, format, arguments);
    va_end(arguments);
}

/* "502, 8080": the ports whose TTL is of that family (0: of none). */
static void say_ports(struct hosts_guess *g, const struct port_ttl *ports, size_t port_count, unsigned initial)
{
    size_t shown = 0;
    for (size_t i = 0; i < port_count; i++) {
        if (ports[i].ttl == 0 || ttl_initial(ports[i].ttl) != initial)
            continue;
        if (shown < PORTS_SHOWN)
            say(g, "%s%u%s", shown > 0 ? ", " : "", ports[i].port, ports[i].transport == TRANSPORT_UDP ? "/udp" : "");
        shown++;
    }
    if (shown > PORTS_SHOWN)
        say(g, " and %zu more", shown - PORTS_SHOWN);
}

static void say_family(struct hosts_guess *g, const struct family *f, unsigned initial, const struct port_ttl *open, size_t open_count,
                       const struct port_ttl *attacks, size_t attack_count)
{
    if (f->open > 0) {
        say(g, "port%s ", f->open > 1 ? "s" : "");
        say_ports(g, open, open_count, initial);
        say(g, " answer%s from an initial TTL of %u", f->open > 1 ? "" : "s", initial);
    }
    if (f->attacks > 0) {
        say(g, "%sthe attack%s on ", f->open > 0 ? ", as " : "", f->attacks > 1 ? "s" : "");
        say_ports(g, attacks, attack_count, initial);
        if (f->open > 0)
            say(g, " came");
        else
            say(g, " came from an initial TTL of %u", initial);
    }
}

static unsigned widest(const struct family found[static FAMILIES])
{
    unsigned hops = 0;
    for (size_t i = 0; i < FAMILIES; i++)
        hops = found[i].most - found[i].least > hops ? found[i].most - found[i].least : hops;
    return hops;
}

static size_t strange(const struct port_ttl *ports, size_t port_count)
{
    size_t n = 0;
    for (size_t i = 0; i < port_count; i++)
        n += ports[i].ttl != 0 && ttl_initial(ports[i].ttl) == 0;
    return n;
}

void device_hosts(const struct port_ttl *open, size_t open_count, const struct port_ttl *attacks, size_t attack_count, struct hosts_guess *ret)
{
    struct family found[FAMILIES] = {0};
    *ret = (struct hosts_guess){0};
    count(found, open, open_count, false);
    count(found, attacks, attack_count, true);
    for (size_t i = 0; i < FAMILIES; i++) {
        if (found[i].most == 0)
            continue;
        say(ret, "%s", ret->at_least > 0 ? "; " : "");
        say_family(ret, &found[i], families[i], open, open_count, attacks, attack_count);
        ret->at_least++;
    }
    if (ret->at_least == 0) {
        say(ret, "no reply's TTL is known");
        return;
    }
    if (ret->at_least == 1)
        say(ret, ": nothing speaks for more than one host");
    else
        say(ret, ": at least %u hosts, or a middlebox", ret->at_least);
    if (widest(found) > HOPS_HINT)
        say(ret, " (%u hops between them hint at more)", widest(found));
    if (strange(open, open_count) > 0) {
        say(ret, " (port ");
        say_ports(ret, open, open_count, 0);
        say(ret, ": too far from any initial TTL)");
    }
}
