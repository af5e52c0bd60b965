/*
 * Profiles as text, and images with bytes changed. The first byte says which: 'i' takes the rest as pairs of a place (3 bytes) and a value
 * that are put into a good image; anything else is a profile's YAML. What opens is walked through.
 */
#include "base/err.h"
#include "observe/honeypot/profile_draft.h"

#include "target.h"

static const char good[] =
    "maker: Example\nmodel: R1\nclass: router\nmachine: mipsel\nuname: mips\nhostname: r1\n"
    "kernel: {release: 2.6.30, number: \"#1\", built: 2012-03-05 14:02:51 CST, builder: a@b, compiler: gcc version 4, command: root=1, threads: "
    "[kthreadd]}\n"
    "busybox: {version: 1.16.1, built: 2012-03-05 14:00:11 CST, size: 300K}\nlibc: uClibc 0.9.30\nmemory: 32M\ncpuinfo: \"system type : X\\n\"\n"
    "telnet: {options: [DO TTYPE, WILL ECHO]}\nlogin: \"r1 login: \"\napplets: [\"@core\"]\n"
    "mounts: [\"rootfs / rootfs rw 0 0\", \"proc /proc proc rw 0 0\"]\nprocesses: [\"1 root 900 S init\"]\ninterfaces: [\"eth0 02:00:00:00:00:01 "
    "192.168.1.1/24\"]\n"
    "answers: [{command: a, output: b}]\nlogins: [\"a:b\"]\n";

static void walk(const struct profiles *all)
{
    uint8_t part[256];
    for (size_t i = 0; i < profiles_count(all); i++) {
        const struct profile *p = profiles_at(all, i);
        if (profiles_by_name(all, p->name) != p)
            abort();
        for (size_t k = 0; k < p->node_count; k++) {
            const struct profile_node *node = &p->nodes[k];
            if (profile_node(p, node->path) != node)
                abort();
            for (size_t at = 0; node->type == TREE_BINARY && at < node->size; at += node->size / 7 + 1)
                if (profile_binary(p, node, at, part, sizeof part) > sizeof part)
                    abort();
        }
        for (size_t k = 0; k < p->applet_count; k++)
            if (!profile_has_applet(p, p->applets[k]))
                abort();
    }
    if (profiles_by_hash(all, addr_v4(0xc0000201), NULL) == NULL)
        abort();
}

static void open_changed(struct span changes)
{
    static struct buf image;
    struct conf_error error;
    if (image.len == 0 && profiles_compile_text("good.yaml", span_text(good), &image, &error) != 0)
        abort();
    uint8_t *copy = malloc(image.len);
    if (copy == NULL)
        return;
    memcpy(copy, image.data, image.len);
    for (size_t i = 0; i + 4 <= changes.len; i += 4)
        copy[((size_t)changes.at[i] << 16 | (size_t)changes.at[i + 1] << 8 | changes.at[i + 2]) % image.len] = changes.at[i + 3];
    struct profiles *all;
    if (profiles_open(&all, span_of(copy, image.len)) == 0) {
        walk(all);
        profiles_close(all);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == 'i') {
        open_changed(span_of(data + 1, size - 1));
        return 0;
    }
    struct buf image;
    struct conf_error error = {0};
    struct profiles *all;
    buf_init(&image, 0);
    int r = profiles_compile_text("fuzz.yaml", span_of(data, size), &image, &error);
    if (r == 0) {
        if (profiles_open(&all, buf_as_span(&image)) != 0)
            abort(); /* what was compiled opens */
        walk(all);
        profiles_close(all);
    } else if (error.text[0] == '\0' || memchr(error.text, '\0', sizeof error.text) == NULL || strchr(error.text, '\n') != NULL) {
        abort(); /* always one line that says why */
    }
    buf_done(&image);
    return 0;
}
