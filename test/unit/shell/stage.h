/* A stage for the shell: a hand-made device, and a host that notes what is said and stated. */
#pragma once

#include "base/err.h"
#include "observe/honeypot/shell/applet.h"

#include <stdio.h>
#include <stdlib.h>

#define SPAN(text)                                \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }
#define DIRECTORY(p, rw)                                                                            \
    {                                                                                               \
        .path = SPAN(p), .type = TREE_DIRECTORY, .mode = 0755, .changed = 1000000, .writable = (rw) \
    }
#define PLAIN(p, text)                                                                                                        \
    {                                                                                                                         \
        .path = SPAN(p), .type = TREE_FILE, .mode = 0644, .changed = 1000000, .content = SPAN(text), .size = sizeof(text) - 1 \
    }
#define PROGRAM(p, bytes)                                                                       \
    {                                                                                           \
        .path = SPAN(p), .type = TREE_BINARY, .mode = 0755, .changed = 1000000, .size = (bytes) \
    }
#define BOX(p)                                                                                             \
    {                                                                                                      \
        .path = SPAN(p), .type = TREE_APPLET, .mode = 0777, .changed = 1000000, .content = SPAN("busybox") \
    }
#define DEVICE_NODE(p, numbers)                                                      \
    {                                                                                \
        .path = SPAN(p), .type = TREE_DEVICE, .mode = 0666, .content = SPAN(numbers) \
    }

/* Sorted bytewise, as the contract of profiles wants. */
static const struct profile_node stage_nodes[] = {
    DIRECTORY("/", false),
    DIRECTORY("/bin", false),
    PROGRAM("/bin/busybox", 40000),
    BOX("/bin/cat"),
    BOX("/bin/echo"),
    BOX("/bin/ls"),
    BOX("/bin/sh"),
    PROGRAM("/bin/vendord", 20000),
    DIRECTORY("/dev", true),
    DEVICE_NODE("/dev/null", "c 1 3"),
    DEVICE_NODE("/dev/zero", "c 1 5"),
    DIRECTORY("/etc", false),
    PLAIN("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nadmin:x:0:0::/:/bin/sh\n"),
    {.path = SPAN("/etc/rc.sh"), .type = TREE_FILE, .mode = 0755, .content = SPAN("#!/bin/sh\necho started $1\n"), .size = 26},
    DIRECTORY("/proc", false),
    DIRECTORY("/proc/1", false),
    PLAIN("/proc/1/cmdline", "init"),
    DIRECTORY("/proc/12", false),
    PLAIN("/proc/12/cmdline", "/sbin/vendord"),
    PLAIN("/proc/mounts", "rootfs / rootfs ro 0 0\ntmpfs /tmp tmpfs rw 0 0\ntmpfs /dev tmpfs rw 0 0\n"),
    PLAIN("/proc/uptime", "1000.50 900.25\n"),
    DIRECTORY("/tmp", true),
    {.path = SPAN("/var"), .type = TREE_LINK, .mode = 0777, .content = SPAN("/tmp")},
};

static const struct span stage_applets[] = {
    SPAN("busybox"), SPAN("cat"), SPAN("chmod"), SPAN("cp"), SPAN("dd"), SPAN("echo"),  SPAN("grep"), SPAN("head"), SPAN("kill"), SPAN("ls"),
    SPAN("mkdir"),   SPAN("mv"),  SPAN("ps"),    SPAN("rm"), SPAN("sh"), SPAN("sleep"), SPAN("tr"),   SPAN("wc"),   SPAN("yes"),
};

static const struct profile_answer stage_answers[] = {
    {.command = SPAN("cat /proc/cpuinfo"), .output = SPAN("system type : test\n"), .status = 0},
    {.command = SPAN("nvram get model"), .output = SPAN("TEST-1\n"), .status = 3},
};

static const struct profile_pair stage_variables[] = {{SPAN("HOME"), SPAN("/")}, {SPAN("VENDOR"), SPAN("example")}};

static const struct profile stage_profile = {
    .name = SPAN("test"),
    .machine = MACHINE_MIPSEL,
    .hostname = SPAN("device"),
    .busybox_version = SPAN("v1.19.4 (2014-01-01 00:00:00 UTC)"),
    .prompt = SPAN("# "),
    .login_home = SPAN("/"),
    .applets = stage_applets,
    .applet_count = sizeof stage_applets / sizeof stage_applets[0],
    .variables = stage_variables,
    .variable_count = sizeof stage_variables / sizeof stage_variables[0],
    .answers = stage_answers,
    .answer_count = sizeof stage_answers / sizeof stage_answers[0],
    .nodes = stage_nodes,
    .node_count = sizeof stage_nodes / sizeof stage_nodes[0],
};

enum { STAGE_OUTPUT_MAX = 16 * 1024 * 1024 };

struct stage {
    struct shell *shell;
    struct arena arena;
    struct buf said;
    struct buf facts; /* one line each, "kind name=value name=value" */
    size_t unsent;    /* what the terminal has not taken yet, when `slow` */
    bool slow;
    enum reason ended;
    usec_t delayed, now;
};

static void stage_say(void *user, struct span bytes)
{
    struct stage *s = user;
    buf_span(&s->said, bytes);
    if (s->slow)
        s->unsent += bytes.len;
}

static size_t stage_unsent(void *user)
{
    const struct stage *s = user;
    return s->unsent;
}

static void stage_delay(void *user, usec_t time)
{
    struct stage *s = user;
    s->delayed += time;
}

static void stage_fact(void *user, enum kind kind, const struct fact *facts, size_t count)
{
    struct stage *s = user;
    buf_printf(&s->facts, "%s", kind == KIND_COMMAND ? "command" : kind == KIND_SAMPLE ? "sample" : kind == KIND_DOWNLOAD ? "download" : "?");
    for (size_t i = 0; i < count; i++) {
        const char *name = "?";
        switch (facts[i].name) {
        case FACT_COMMAND_LINE:
            name = "line";
            break;
        case FACT_EVENT_OUTCOME:
            name = "outcome";
            break;
        case FACT_FILE_PATH:
            name = "path";
            break;
        case FACT_FILE_SHA256:
            name = "sha256";
            break;
        case FACT_SAMPLE_ARCHITECTURE:
            name = "architecture";
            break;
        case FACT_SAMPLE_ORIGIN:
            name = "origin";
            break;
        case FACT_DOWNLOAD_METHOD:
            name = "method";
            break;
        case FACT_URL_FULL:
            name = "url";
            break;
        case FACT_CONTENT:
            continue;
        case FACT_EXIT_CODE:
            buf_printf(&s->facts, " status=%d", (int)facts[i].number);
            continue;
        case FACT_FILE_SIZE:
            buf_printf(&s->facts, " size=%d", (int)facts[i].number);
            continue;
        default:
            break;
        }
        buf_printf(&s->facts, " %s=%.*s", name, (int)facts[i].text.len, (const char *)facts[i].text.at);
    }
    buf_byte(&s->facts, '\n');
}

static void stage_end(void *user, enum reason reason)
{
    struct stage *s = user;
    s->ended = reason;
}

static usec_t stage_now(void *user)
{
    const struct stage *s = user;
    return s->now;
}

static inline int stage_open(struct stage *s, const struct profile *profile)
{
    *s = (struct stage){.now = 1000 * USEC_PER_SEC};
    arena_init(&s->arena, 64 * 1024);
    buf_init(&s->said, STAGE_OUTPUT_MAX);
    buf_init(&s->facts, STAGE_OUTPUT_MAX);
    const struct shell_host host = {.user = s,
                                    .say = stage_say,
                                    .unsent = stage_unsent,
                                    .delay = stage_delay,
                                    .fact = stage_fact,
                                    .end = stage_end,
                                    .now = stage_now,
                                    .seed = 7,
                                    .arena = &s->arena,
                                    .profile = profile,
                                    .user_name = span_text("root")};
    return shell_new(&s->shell, &host);
}

static inline void stage_close(struct stage *s)
{
    shell_free(s->shell);
    arena_done(&s->arena);
    buf_done(&s->said);
    buf_done(&s->facts);
}

/* Gives lines separated by "\n"; what was said since is in `said`. */
static inline const char *stage_lines(struct stage *s, const char *lines)
{
    struct span rest = span_text(lines);
    buf_clear(&s->said);
    for (;;) {
        size_t len = span_find(rest, '\n');
        shell_line(s->shell, span_part(rest, 0, len));
        if (len >= rest.len)
            break;
        rest = span_part(rest, len + 1, rest.len);
    }
    return buf_cstr(&s->said);
}
