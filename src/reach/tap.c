#include "reach/tap.h"

#include "base/cursor.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FRAME_SIZE = 256, /* header, link address, an IP and a TCP header with all their options */
    BLOCK_SIZE = 64 * 1024,
    BLOCKS = 32,
    FRAMES = BLOCKS * (BLOCK_SIZE / FRAME_SIZE),
    SNAP = 160,
    BUCKETS = 4096,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_ACK = 0x10
};

struct tap {
    uint8_t *ring;
    unsigned next; /* frame to be read */
    bool found;    /* where the kernel writes: a predecessor may have stopped reading anywhere */
    struct tap_wait *buckets[BUCKETS];
};

/* ---- in the supervisor ---- */

static int set_filter(int fd)
{
    /* The packet begins with its IP header (SOCK_DGRAM). SYN and ACK set, RST not; no fragment but a first one; no IPv6 extension headers. */
    static struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 7),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 12),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 10, 0),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_IND, 13),
        BPF_JUMP(BPF_JMP | BPF_JA, 4, 0, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 6),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 4),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 40 + 13),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TCP_SYN | TCP_RST | TCP_ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TCP_SYN | TCP_ACK, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SNAP),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
        return -errno;
    return setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) == 0 ? 0 : -errno;
}

static int set_ring(int fd)
{
    int version = TPACKET_V2, on = 1;
    const struct tpacket_req request = {.tp_block_size = BLOCK_SIZE, .tp_block_nr = BLOCKS, .tp_frame_size = FRAME_SIZE, .tp_frame_nr = FRAMES};
    if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0)
        return -errno;
    /* What we send is of no interest, and would cost a copy of each packet. Kernels before 4.20 don't know it; the filter is the same then. */
    (void)setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    return setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) == 0 ? 0 : -errno;
}

int tap_open(int *ret_fd, struct buf *why)
{
    /* Of no protocol until the filter is there: nothing else ever gets in. */
    int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int r = fd >= 0 ? 0 : -errno;
    if (r == 0)
        r = set_filter(fd);
    if (r == 0)
        r = set_ring(fd);
    const struct sockaddr_ll everywhere = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    if (r == 0 && bind(fd, (const struct sockaddr *)&everywhere, sizeof everywhere) != 0)
        r = -errno;
    if (r == 0) {
        *ret_fd = fd;
        return 0;
    }
    buf_printf(why, "the packet tap can't be opened: %s", err_text(r));
    if (fd >= 0)
        (void)close(fd);
    return r;
}

/* ---- in reach ---- */

int tap_new(struct tap **ret, int fd)
{
    struct tap *tap = calloc(1, sizeof *tap);
    if (tap == NULL)
        return -ENOMEM;
    void *ring = mmap(NULL, (size_t)BLOCK_SIZE * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ring == MAP_FAILED) {
        int r = -errno;
        free(tap);
        return r;
    }
    tap->ring = ring;
    *ret = tap;
    return 0;
}

void tap_free(struct tap *tap)
{
    if (tap == NULL)
        return;
    (void)munmap(tap->ring, (size_t)BLOCK_SIZE * BLOCKS);
    free(tap);
}

static unsigned bucket_of(const struct endpoint *remote, uint16_t local_port)
{
    uint64_t a, b;
    memcpy(&a, remote->addr.bytes, sizeof a);
    memcpy(&b, remote->addr.bytes + sizeof a, sizeof b);
    a = (a ^ (b * UINT64_C(0x9e3779b97f4a7c15)) ^ ((uint64_t)remote->port << 16 | local_port)) * UINT64_C(0xff51afd7ed558ccd);
    return (unsigned)(a >> 52);
}
_Static_assert(BUCKETS == 1 << 12, "the hash has so many bits");

void tap_expect(struct tap *tap, struct tap_wait *wait)
{
    struct tap_wait **bucket = &tap->buckets[bucket_of(&wait->remote, wait->local_port)];
    wait->next = *bucket;
    wait->waits = true;
    wait->seen = false;
    *bucket = wait;
}

void tap_forget(struct tap *tap, struct tap_wait *wait)
{
    if (!wait->waits)
        return;
    wait->waits = false;
    struct tap_wait **place = &tap->buckets[bucket_of(&wait->remote, wait->local_port)];
    while (*place != NULL && *place != wait)
        place = &(*place)->next;
    if (*place != NULL)
        *place = wait->next;
}

int tap_parse(struct span packet, struct endpoint *ret_remote, uint16_t *ret_local_port, struct syn *ret)
{
    struct cursor c = cursor_of(packet);
    struct endpoint remote = {0};
    uint8_t first = cursor_u8(&c);
    if (first >> 4 == 4) {
        (void)cursor_take(&c, 11);
        remote.addr = addr_v4(cursor_be32(&c));
        (void)cursor_take(&c, (first & 15U) >= 5 ? (first & 15U) * 4U - 16U : 4U);
    } else {
        (void)cursor_take(&c, 7);
        cursor_copy(&c, remote.addr.bytes, sizeof remote.addr.bytes);
        (void)cursor_take(&c, 16);
    }
    remote.port = cursor_be16(&c);
    uint16_t local_port = cursor_be16(&c);
    if (c.error != 0)
        return c.error;
    /* The ports above stand where the TCP header begins only without extension headers. */
    if (first >> 4 == 6 && packet.at[6] != IPPROTO_TCP)
        return -ERR_MALFORMED;
    int r = syn_parse(packet, ret);
    if (r == 0) {
        *ret_remote = remote;
        *ret_local_port = local_port;
    }
    return r;
}

static void take(struct tap *tap, struct span packet)
{
    struct endpoint remote;
    uint16_t local_port;
    struct syn syn;
    if (tap_parse(packet, &remote, &local_port, &syn) != 0)
        return;
    for (struct tap_wait *wait = tap->buckets[bucket_of(&remote, local_port)]; wait != NULL; wait = wait->next) {
        if (wait->seen || wait->local_port != local_port || wait->remote.port != remote.port || !addr_equal(wait->remote.addr, remote.addr))
            continue;
        wait->seen = true;
        wait->ttl = syn.ttl;
        wait->window = syn.window;
        size_t len = strnlen(syn.options, sizeof wait->options - 1);
        memcpy(wait->options, syn.options, len);
        wait->options[len] = '\0';
        return;
    }
}

static struct tpacket2_hdr *frame_at(const struct tap *tap, unsigned index)
{
    return (struct tpacket2_hdr *)(void *)(tap->ring + (size_t)(index % FRAMES) * FRAME_SIZE);
}

static bool filled(const struct tap *tap, unsigned index)
{
    return (__atomic_load_n(&frame_at(tap, index)->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) != 0;
}

/* The oldest frame that waits to be read: the one behind an empty one. In a full ring it can't be told, so all is read once. */
static void find(struct tap *tap)
{
    for (unsigned i = 0; i < FRAMES && !tap->found; i++) {
        tap->found = filled(tap, i) && !filled(tap, i + FRAMES - 1);
        tap->next = tap->found ? i : 0;
    }
}

void tap_read(struct tap *tap)
{
    if (!tap->found)
        find(tap);
    for (unsigned i = 0; i < FRAMES && filled(tap, tap->next); i++) {
        struct tpacket2_hdr *frame = frame_at(tap, tap->next);
        const uint8_t *at = (const uint8_t *)frame;
        size_t from = frame->tp_net, len = frame->tp_snaplen;
        if (from < FRAME_SIZE)
            take(tap, span_part(span_of(at, FRAME_SIZE), from, len));
        __atomic_store_n(&frame->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
        tap->next = (tap->next + 1) % FRAMES;
    }
}
