/* The device's network as it shows it: ifconfig, ip, route, arp, netstat, ping, nslookup, traceroute, iptables. Nothing is ever sent. */
#include "observe/honeypot/shell/applets/common.h"

#include <inttypes.h>
#include <stdio.h>

static char *v4_text(uint32_t address, char text[static ADDR_TEXT_SIZE])
{
    return addr_print(addr_v4(address), text);
}

static uint32_t v4_of(struct addr address)
{
    return (uint32_t)address.bytes[12] << 24 | (uint32_t)address.bytes[13] << 16 | (uint32_t)address.bytes[14] << 8 | address.bytes[15];
}

static uint32_t mask_of(const struct profile_interface *i)
{
    return i->bits == 0 ? 0 : i->bits >= 32 ? ~UINT32_C(0) : ~UINT32_C(0) << (32 - i->bits);
}

static bool is_loopback(const struct profile_interface *i)
{
    return span_is(i->name, "lo");
}

static bool has_address(const struct profile_interface *i)
{
    return v4_of(i->address) != 0;
}

static const struct profile_interface *interface_by_name(struct run *run, struct span name)
{
    const struct profile *p = run_profile(run);
    for (size_t i = 0; i < p->interface_count; i++)
        if (span_equal(p->interfaces[i].name, name))
            return &p->interfaces[i];
    return NULL;
}

/* The interface of the default route. */
static const struct profile_interface *outer_interface(struct run *run)
{
    const struct profile *p = run_profile(run);
    const struct profile_interface *any = NULL;
    for (size_t i = 0; i < p->interface_count; i++) {
        const struct profile_interface *at = &p->interfaces[i];
        if (is_loopback(at) || !has_address(at))
            continue;
        if ((v4_of(p->gateway) & mask_of(at)) == (v4_of(at->address) & mask_of(at)))
            return at;
        any = any != NULL ? any : at;
    }
    return any;
}

/* ---- ifconfig */

/* Packets grow with the time the device is up. */
static uint64_t packets_of(struct run *run, const struct profile_interface *i, bool sent)
{
    uint64_t seconds = (uint64_t)(uptime_of(run) / USEC_PER_SEC);
    uint32_t rate = path_number(run, i->name) % 40 + 3;
    return is_loopback(i) ? seconds / 600 + 4 : seconds * rate / (sent ? 13 : 7) + 120;
}

static void put_bytes(struct run *run, const char *name, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    double value = (double)bytes;
    unsigned unit = 0;
    for (; value >= 1024 && unit < 3; unit++)
        value /= 1024;
    run_printf(run, "%s bytes:%" PRIu64 " (%.1f %s)", name, bytes, value, units[unit]);
}

static void show_interface(struct run *run, const struct profile_interface *i)
{
    char text[3][ADDR_TEXT_SIZE];
    uint32_t address = v4_of(i->address), mask = mask_of(i);
    uint64_t in = packets_of(run, i, false), out = packets_of(run, i, true);
    if (is_loopback(i)) {
        run_printf(run, "%-9.*s Link encap:Local Loopback  \n", TEXT(i->name));
        run_text(run, "          inet addr:127.0.0.1  Mask:255.0.0.0\n          UP LOOPBACK RUNNING  MTU:16436  Metric:1\n");
        out = in;
    } else {
        run_printf(run, "%-9.*s Link encap:Ethernet  HWaddr %02X:%02X:%02X:%02X:%02X:%02X  \n", TEXT(i->name), i->mac[0], i->mac[1], i->mac[2],
                   i->mac[3], i->mac[4], i->mac[5]);
        if (has_address(i))
            run_printf(run, "          inet addr:%s  Bcast:%s  Mask:%s\n", v4_text(address, text[0]), v4_text(address | ~mask, text[1]),
                       v4_text(mask, text[2]));
        run_text(run, "          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1\n");
    }
    run_printf(run,
               "          RX packets:%" PRIu64 " errors:0 dropped:0 overruns:0 frame:0\n          TX packets:%" PRIu64
               " errors:0 dropped:0 overruns:0 carrier:0\n",
               in, out);
    run_printf(run, "          collisions:0 txqueuelen:%d \n          ", is_loopback(i) ? 0 : 1000);
    put_bytes(run, "RX", in * (is_loopback(i) ? 61 : 218));
    run_text(run, "  ");
    put_bytes(run, "TX", out * (is_loopback(i) ? 61 : 344));
    run_text(run, "\n");
    if (!is_loopback(i) && path_number(run, i->name) % 3 == 0)
        run_printf(run, "          Interrupt:%u \n", path_number(run, i->name) % 28 + 3);
    run_text(run, "\n");
}

static int ifconfig(struct run *run)
{
    const struct profile *p = run_profile(run);
    size_t at = 1;
    while (at < run->argc && run->argv[at].len > 1 && run->argv[at].at[0] == '-')
        at++;
    if (at < run->argc) {
        const struct profile_interface *i = interface_by_name(run, run->argv[at]);
        if (i == NULL) {
            run_error(run, "ifconfig: %.*s: error fetching interface information: Device not found\n", TEXT(run->argv[at]));
            return 1;
        }
        if (at + 1 == run->argc)
            show_interface(run, i);
        return 0;
    }
    /* lo comes last, as the kernel's list has it. */
    for (size_t i = 0; i < p->interface_count; i++)
        if (!is_loopback(&p->interfaces[i]))
            show_interface(run, &p->interfaces[i]);
    for (size_t i = 0; i < p->interface_count; i++)
        if (is_loopback(&p->interfaces[i]))
            show_interface(run, &p->interfaces[i]);
    return 0;
}

const struct applet applet_ifconfig = {
    .name = "ifconfig", .run = ifconfig, .usage = "ifconfig [-a] [IFACE] [ADDRESS]\n\nConfigure a network interface"};

/* ---- ip */

static void ip_link(struct run *run, size_t index, const struct profile_interface *i, bool addresses)
{
    char text[2][ADDR_TEXT_SIZE];
    if (is_loopback(i)) {
        run_printf(run, "%zu: lo: <LOOPBACK,UP,LOWER_UP> mtu 16436 qdisc noqueue \n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n",
                   index + 1);
        if (addresses)
            run_text(run, "    inet 127.0.0.1/8 scope host lo\n");
        return;
    }
    run_printf(run, "%zu: %.*s: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc pfifo_fast qlen 1000\n", index + 1, TEXT(i->name));
    run_printf(run, "    link/ether %02x:%02x:%02x:%02x:%02x:%02x brd ff:ff:ff:ff:ff:ff\n", i->mac[0], i->mac[1], i->mac[2], i->mac[3], i->mac[4],
               i->mac[5]);
    if (addresses && has_address(i))
        run_printf(run, "    inet %s/%u brd %s scope global %.*s\n", v4_text(v4_of(i->address), text[0]), i->bits,
                   v4_text(v4_of(i->address) | ~mask_of(i), text[1]), TEXT(i->name));
}

static void ip_routes(struct run *run)
{
    const struct profile *p = run_profile(run);
    const struct profile_interface *outer = outer_interface(run);
    char text[2][ADDR_TEXT_SIZE];
    if (outer != NULL && v4_of(p->gateway) != 0)
        run_printf(run, "default via %s dev %.*s \n", v4_text(v4_of(p->gateway), text[0]), TEXT(outer->name));
    for (size_t i = 0; i < p->interface_count; i++) {
        const struct profile_interface *at = &p->interfaces[i];
        if (!is_loopback(at) && has_address(at))
            run_printf(run, "%s/%u dev %.*s  src %s \n", v4_text(v4_of(at->address) & mask_of(at), text[0]), at->bits, TEXT(at->name),
                       v4_text(v4_of(at->address), text[1]));
    }
}

static int ip(struct run *run)
{
    static const struct {
        const char *applet, *object;
    } parts[] = {{"ipaddr", "address"}, {"iplink", "link"}, {"iproute", "route"}, {"iprule", "rule"}, {"ipneigh", "neigh"}, {"iptunnel", "tunnel"}};
    const struct profile *p = run_profile(run);
    size_t at = 1;
    struct span object = {0};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (span_is(name_of(run), parts[i].applet))
            object = span_text(parts[i].object);
    while (at < run->argc && run->argv[at].len > 1 && run->argv[at].at[0] == '-')
        at++;
    if (object.len == 0 && at < run->argc)
        object = run->argv[at++];
    if (object.len == 0)
        return run_usage(run);
    char first = (char)object.at[0];
    /* Anything that would change is taken without a word. */
    bool change = at < run->argc && (span_starts(run->argv[at], "ad") || span_starts(run->argv[at], "del") || span_starts(run->argv[at], "flush") ||
                                     span_starts(run->argv[at], "set"));
    struct span device = {0};
    for (size_t i = at; i < run->argc; i++)
        if (!span_is(run->argv[i], "show") && !span_is(run->argv[i], "list") && !span_is(run->argv[i], "dev") && !span_is(run->argv[i], "ls"))
            device = run->argv[i];
    if (change)
        return 0;
    if (first == 'a' || first == 'l') {
        if (device.len > 0 && interface_by_name(run, device) == NULL) {
            run_error(run, "ip: can't find device '%.*s'\n", TEXT(device));
            return 1;
        }
        for (size_t i = 0; i < p->interface_count; i++)
            if (device.len == 0 || span_equal(device, p->interfaces[i].name))
                ip_link(run, i, &p->interfaces[i], first == 'a');
    } else if (first == 'r' && !span_starts(object, "ru")) {
        ip_routes(run);
    } else if (first == 'r') {
        run_text(run, "0:\tfrom all lookup local \n32766:\tfrom all lookup main \n32767:\tfrom all lookup default \n");
    } else if (first != 'n' && first != 't') {
        return run_usage(run);
    }
    return 0;
}

#define IP_USAGE                                                                                                                                    \
    "ip [OPTIONS] {address | route | link | tunnel | neigh | rule} {COMMAND}\n\nip [OPTIONS] OBJECT {COMMAND}\nwhere OBJECT := {address | route | " \
    "link | tunnel | neigh | rule}\nOPTIONS := { -f[amily] { inet | inet6 | link } | -o[neline] }"
const struct applet applet_ip = {.name = "ip", .run = ip, .usage = IP_USAGE};
const struct applet applet_ipaddr = {
    .name = "ipaddr", .run = ip, .usage = "ipaddr { {add|del} IFADDR dev STRING | {show|flush} [dev STRING] [to PREFIX] }"};
const struct applet applet_iplink = {.name = "iplink", .run = ip, .usage = "iplink { set DEVICE { up | down | arp { on | off } | show [DEVICE] }"};
const struct applet applet_iproute = {
    .name = "iproute", .run = ip, .usage = "iproute { list | flush | add | del | change | append | replace | test } ROUTE"};
const struct applet applet_iprule = {.name = "iprule", .run = ip, .usage = "iprule {[list | add | del] RULE}"};
const struct applet applet_ipneigh = {.name = "ipneigh", .run = ip, .usage = "ipneigh { show | flush } [to PREFIX] [dev DEV]"};
const struct applet applet_iptunnel = {.name = "iptunnel", .run = ip, .usage = "iptunnel { add | change | del | show } [NAME]"};

/* ---- routes and neighbours */

static void put_routes(struct run *run, bool numeric, bool netstat)
{
    const struct profile *p = run_profile(run);
    const struct profile_interface *outer = outer_interface(run);
    const char *tail = netstat ? "0 0          0 " : "0      0        0 ";
    char text[2][ADDR_TEXT_SIZE];
    run_printf(run, "Kernel IP routing table\nDestination     Gateway         Genmask         Flags %s Iface\n",
               netstat ? "  MSS Window  irtt" : "Metric Ref    Use");
    for (size_t i = 0; i < p->interface_count; i++) {
        const struct profile_interface *at = &p->interfaces[i];
        if (!is_loopback(at) && has_address(at))
            run_printf(run, "%-15s %-15s %-15s %-5s %s%s%.*s\n", v4_text(v4_of(at->address) & mask_of(at), text[0]), numeric ? "0.0.0.0" : "*",
                       v4_text(mask_of(at), text[1]), "U", netstat ? "    " : "", tail, TEXT(at->name));
    }
    if (outer != NULL && v4_of(p->gateway) != 0)
        run_printf(run, "%-15s %-15s %-15s %-5s %s%s%.*s\n", numeric ? "0.0.0.0" : "default", v4_text(v4_of(p->gateway), text[0]), "0.0.0.0", "UG",
                   netstat ? "    " : "", tail, TEXT(outer->name));
}

static int route(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "A:ne", NULL))
        return o.status;
    if (o.arg_count == 0)
        put_routes(run, option(&o, 'n'), false);
    else if (!span_is(o.args[0], "add") && !span_is(o.args[0], "del") && !span_is(o.args[0], "delete"))
        return run_usage(run);
    return 0;
}

const struct applet applet_route = {.name = "route", .run = route, .usage = "route [{add|del|delete}]\n\nEdit kernel routing tables"};

static void gateway_mac(struct run *run, char text[static 18])
{
    uint32_t seed = path_number(run, span_text("gateway")) * 2654435761U;
    (void)snprintf(text, 18, "00:1d:aa:%02x:%02x:%02x", seed >> 24, seed >> 16 & 0xff, seed >> 8 & 0xff);
}

static int arp(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "A:p:H:t:i:adnDsv", NULL))
        return o.status;
    const struct profile *p = run_profile(run);
    const struct profile_interface *outer = outer_interface(run);
    char address[ADDR_TEXT_SIZE], mac[18];
    gateway_mac(run, mac);
    if (outer != NULL && v4_of(p->gateway) != 0 && !option(&o, 'd') && !option(&o, 's'))
        run_printf(run, "? (%s) at %s [ether]  on %.*s\n", v4_text(v4_of(p->gateway), address), mac, TEXT(outer->name));
    return 0;
}

const struct applet applet_arp = {
    .name = "arp", .run = arp, .usage = "arp [-vn] [-H HWTYPE] [-i IF] -a [HOSTNAME]\n[-v] [-i IF] -d HOSTNAME [pub]\n\nManipulate ARP cache"};

/* ---- netstat: what the device's daemons listen on, and the connection the attacker came by */

static const struct {
    const char *daemon;
    uint16_t port;
    bool udp;
} daemons[] = {{"telnetd", 23, false},  {"httpd", 80, false},      {"boa", 80, false},        {"lighttpd", 80, false}, {"uhttpd", 80, false},
               {"goahead", 80, false},  {"mini_httpd", 80, false}, {"webs", 80, false},       {"dropbear", 22, false}, {"sshd", 22, false},
               {"Sofia", 34567, false}, {"ftpd", 21, false},       {"vsftpd", 21, false},     {"dnsmasq", 53, true},   {"udhcpd", 67, true},
               {"snmpd", 161, true},    {"upnpd", 1900, true},     {"miniupnpd", 1900, true}, {"ntpd", 123, true},     {"rtspd", 554, false},
               {"smbd", 445, false}};

static void put_socket(struct run *run, const char *protocol, const char *local, const char *remote, const char *state, struct span owner,
                       bool owners)
{
    run_printf(run, "%-5s      0      0 %-23s %-23s %-11s", protocol, local, remote, state);
    if (owners)
        run_printf(run, " %.*s", TEXT(owner));
    run_text(run, owners ? "\n" : " \n");
}

static void put_daemons(struct run *run, bool udp, bool owners)
{
    const struct profile *p = run_profile(run);
    for (size_t d = 0; d < sizeof daemons / sizeof daemons[0]; d++) {
        if (daemons[d].udp != udp)
            continue;
        for (size_t i = 0; i < p->process_count; i++) {
            struct span name = path_base(field(p->processes[i].command, 0, " "));
            if (!span_is(name, daemons[d].daemon))
                continue;
            char local[32], owner[64];
            (void)snprintf(local, sizeof local, "0.0.0.0:%u", daemons[d].port);
            int len = snprintf(owner, sizeof owner, "%u/%.*s", p->processes[i].pid, TEXT(span_part(name, 0, 32)));
            put_socket(run, udp ? "udp" : "tcp", local, "0.0.0.0:*", udp ? "" : "LISTEN", span_of(owner, (size_t)len), owners);
            break;
        }
    }
}

static int netstat(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "laentuwxrWp", NULL))
        return o.status;
    if (option(&o, 'r')) {
        put_routes(run, option(&o, 'n'), true);
        return 0;
    }
    bool all = option(&o, 'a'), listening = option(&o, 'l') || all, connected = !option(&o, 'l') || all;
    bool some = option(&o, 't') || option(&o, 'u') || option(&o, 'w') || option(&o, 'x'), owners = option(&o, 'p');
    const char *which = all ? "servers and established" : option(&o, 'l') ? "only servers" : "w/o servers";
    if (!some || option(&o, 't') || option(&o, 'u') || option(&o, 'w')) {
        run_printf(run, "Active Internet connections (%s)\nProto Recv-Q Send-Q Local Address           Foreign Address         State       %s\n",
                   which, owners ? "PID/Program name    " : "");
        if (listening && (!some || option(&o, 't')))
            put_daemons(run, false, owners);
        if (listening && (!some || option(&o, 'u')))
            put_daemons(run, true, owners);
    }
    (void)connected;
    if (!some || option(&o, 'x'))
        run_printf(run, "Active UNIX domain sockets (%s)\nProto RefCnt Flags       Type       State         I-Node %sPath\n%s", which,
                   owners ? "PID/Program name    " : "", connected ? "unix  2      [ ]         DGRAM                       612 /dev/log\n" : "");
    return 0;
}

const struct applet applet_netstat = {.name = "netstat", .run = netstat, .usage = "netstat [-ral] [-tuwx] [-enWp]\n\nDisplay networking information"};

/* ---- names and echoes: nobody is asked */

static bool is_name(struct span host)
{
    struct addr address;
    return addr_parse(host, &address) < 0;
}

static int ping(struct run *run)
{
    struct options o;
    uint64_t count = 4, size = 56;
    if (!options_parse(run, &o, "qv46nAc:s:t:w:W:I:p:i:", NULL))
        return o.status;
    if (o.arg_count == 0)
        return run_usage(run);
    if ((option(&o, 'c') && !number_parse(option_value(&o, 'c'), &count)) || (option(&o, 's') && !number_parse(option_value(&o, 's'), &size)))
        return number_fail(run, option_value(&o, option(&o, 'c') ? 'c' : 's'));
    count = count > 8 ? 8 : count;
    char address[ADDR_TEXT_SIZE];
    struct span host = o.args[0];
    host_address(host, address);
    run_printf(run, "PING %.*s (%s): %" PRIu64 " data bytes\n", TEXT(host), address, size);
    unsigned base = 18000 + path_number(run, host) * 9;
    for (uint64_t i = 0; i < count && run_step(run, 1); i++) {
        unsigned usec = base + (unsigned)(i * 7919 % 1900);
        run_sleep(run, i > 0 ? USEC_PER_SEC : usec);
        if (!option(&o, 'q'))
            run_printf(run, "%" PRIu64 " bytes from %s: seq=%" PRIu64 " ttl=52 time=%u.%03u ms\n", size + 8, address, i, usec / 1000, usec % 1000);
    }
    run_printf(run, "\n--- %.*s ping statistics ---\n%" PRIu64 " packets transmitted, %" PRIu64 " packets received, 0%% packet loss\n", TEXT(host),
               count, count);
    if (count > 0)
        run_printf(run, "round-trip min/avg/max = %u.%03u/%u.%03u/%u.%03u ms\n", base / 1000, base % 1000, (base + 800) / 1000, (base + 800) % 1000,
                   (base + 1899) / 1000, (base + 1899) % 1000);
    return 0;
}

const struct applet applet_ping = {
    .name = "ping",
    .run = ping,
    .usage = "ping [OPTIONS] HOST\n\nSend ICMP ECHO_REQUEST packets to network hosts\n\n\t-c CNT\t\tSend only CNT pings\n\t-s SIZE\t\tSend SIZE data "
             "bytes in packets (default:56)\n\t-W SEC\t\tSeconds to wait for the first response\n\t-q\t\tQuiet"};
const struct applet applet_ping6 = {.name = "ping6", .run = ping, .usage = "ping6 [OPTIONS] HOST\n\nSend ICMP ECHO_REQUEST packets to network hosts"};

static int nslookup(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "t:q:d", NULL))
        return o.status;
    if (o.arg_count == 0)
        return run_usage(run);
    char server[ADDR_TEXT_SIZE], address[ADDR_TEXT_SIZE];
    struct span resolver = file_text(run, "/etc/resolv.conf", 1024);
    const uint8_t *at = text_in(resolver, "nameserver");
    struct span named =
        resolver.len > 0 && at != NULL ? field(span_part(resolver, (size_t)(at - resolver.at) + 10, SIZE_MAX), 0, " \t\n") : (struct span){0};
    host_address(o.arg_count > 1 ? o.args[1] : named.len > 0 ? named : span_text("127.0.0.1"), server);
    host_address(o.args[0], address);
    if (busybox_minor(run) >= 29)
        run_printf(run, "Server:\t\t%s\nAddress:\t%s:53\n\nNon-authoritative answer:\nName:\t%.*s\nAddress: %s\n\n", server, server, TEXT(o.args[0]),
                   address);
    else
        run_printf(run, "Server:    %s\nAddress 1: %s\n\nName:      %.*s\nAddress 1: %s%s\n", server, server, TEXT(o.args[0]), address,
                   is_name(o.args[0]) ? "" : " ");
    return 0;
}

const struct applet applet_nslookup = {
    .name = "nslookup", .run = nslookup, .usage = "nslookup [HOST] [SERVER]\n\nQuery the nameserver for the IP address of the given HOST"};

static int traceroute(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "46FIlnrdvf:m:q:p:t:w:s:i:z:g:", NULL))
        return o.status;
    if (o.arg_count == 0)
        return run_usage(run);
    char address[ADDR_TEXT_SIZE], hop[ADDR_TEXT_SIZE];
    host_address(o.args[0], address);
    run_printf(run, "traceroute to %.*s (%s), 30 hops max, 38 byte packets\n", TEXT(o.args[0]), address);
    unsigned base = path_number(run, o.args[0]) % 900;
    if (v4_of(run_profile(run)->gateway) != 0) {
        v4_text(v4_of(run_profile(run)->gateway), hop);
        run_printf(run, " 1  %s (%s)  0.%03u ms  0.%03u ms  0.%03u ms\n", hop, hop, base + 71, base + 12, base + 40);
    }
    for (unsigned i = 2; i < 6 && run_step(run, 1); i++) {
        run_sleep(run, 3 * USEC_PER_SEC);
        run_printf(run, " %u  *  *  *\n", i);
    }
    return 0;
}

const struct applet applet_traceroute = {.name = "traceroute",
                                         .run = traceroute,
                                         .usage = "traceroute [-FIldnrv] [-f 1ST_TTL] [-m MAXTTL] [-p PORT] [-q PROBES]\n\t[-s SRC_IP] [-t TOS] [-w "
                                                  "WAIT_SEC] [-i IFACE] HOST [BYTES]\n\nTrace the route to HOST"};
const struct applet applet_traceroute6 = {.name = "traceroute6",
                                          .run = traceroute,
                                          .usage = "traceroute6 [-dnrv] [-m MAXTTL] [-p PORT] [-q PROBES] HOST [BYTES]\n\nTrace the route to HOST"};

/* No part of busybox, but of many a router. */
static int iptables(struct run *run)
{
    bool list = false, save = span_is(name_of(run), "iptables-save");
    for (size_t i = 1; i < run->argc; i++)
        list = list || span_starts(run->argv[i], "-L") || span_starts(run->argv[i], "--list") || span_is(run->argv[i], "-nL") ||
               span_is(run->argv[i], "-vnL");
    if (run->argc < 2 && !save) {
        run_error(run, "iptables v1.4.4: no command specified\nTry `iptables -h' or 'iptables --help' for more information.\n");
        return 2;
    }
    static const char *const chains[] = {"INPUT", "FORWARD", "OUTPUT"};
    for (size_t i = 0; list && i < 3; i++)
        run_printf(run, "%sChain %s (policy ACCEPT)\ntarget     prot opt source               destination         \n", i > 0 ? "\n" : "", chains[i]);
    return 0;
}

const struct applet applet_iptables = {.name = "iptables", .run = iptables};
