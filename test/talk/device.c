#include "device.h"

#define SPAN(text)                                             \
    {                                                          \
        .at = (const uint8_t *)(text), .len = sizeof(text) - 1 \
    }

static const struct span applets[] = {SPAN("cat"), SPAN("cp"), SPAN("echo"), SPAN("ls"), SPAN("mv"), SPAN("rm"), SPAN("sh")};
static const struct profile_node nodes[] = {
    {.path = SPAN("/"), .type = TREE_DIRECTORY, .mode = 0755, .writable = true},
    {.path = SPAN("/bin"), .type = TREE_DIRECTORY, .mode = 0755},
    {.path = SPAN("/bin/busybox"), .type = TREE_BINARY, .mode = 0755, .size = 400000},
    {.path = SPAN("/tmp"), .type = TREE_DIRECTORY, .mode = 0777, .writable = true},
};
static const struct profile_pair logins[] = {{SPAN("admin"), SPAN("admin")}, {SPAN("root"), SPAN("vizxv")}};
static const struct profile_answer answers[] = {
    {.command = SPAN("*"), .output = SPAN("% Bad command\n"), .status = 1},
    {.command = SPAN("shell"), .output = SPAN("% Not allowed\n"), .status = 1},
    {.command = SPAN("show version"), .output = SPAN("Example OS 1.2\n"), .status = 0},
};

const struct profile device_ash = {
    .name = SPAN("test-ash"),
    .machine = MACHINE_MIPS,
    .hostname = SPAN("gate"),
    .kernel_release = SPAN("2.6.30"),
    .kernel_version = SPAN("#1 Tue Mar 5 10:00:00 CST 2013"),
    .machine_text = SPAN("mips"),
    .busybox_version = SPAN("v1.19.4 (2013-03-05 10:00:00 CST)"),
    .telnet_options = SPAN("\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03"),
    .telnet_will = SPAN("\x01\x03"),
    .telnet_do = SPAN("\x1f\x18\x27"),
    .banner = SPAN("\r\ngate "),
    .login_prompt = SPAN("login: "),
    .password_prompt = SPAN("Password: "),
    .failed = SPAN("Login incorrect\r\n"),
    .motd = SPAN("\r\n"),
    .prompt = SPAN("# "),
    .shell = LOGIN_SHELL_ASH,
    .greeting = true,
    .banner_delay = 100 * USEC_PER_MSEC,
    .auth = AUTH_ANY,
    .tries_max = 3,
    .login_home = SPAN("/"),
    .applets = applets,
    .applet_count = sizeof applets / sizeof applets[0],
    .nodes = nodes,
    .node_count = sizeof nodes / sizeof nodes[0],
};

const struct profile device_cli = {
    .name = SPAN("test-cli"),
    .machine = MACHINE_ARM,
    .hostname = SPAN("olt"),
    .kernel_release = SPAN("3.10.53"),
    .kernel_version = SPAN("#1 SMP Wed Jan 7 10:00:00 UTC 2015"),
    .machine_text = SPAN("armv7l"),
    .busybox_version = SPAN("v1.22.1 (2015-01-07 10:00:00 UTC)"),
    .telnet_options = SPAN("\xff\xfd\x18\xff\xfb\x05"),
    .telnet_will = SPAN("\x05\x03"),
    .telnet_do = SPAN("\x18"),
    .login_prompt = SPAN("Username:"),
    .password_prompt = SPAN("Password:"),
    .failed = SPAN("\r\n% Bad passwords\r\n"),
    .motd = SPAN("Welcome\r\n"),
    .prompt = SPAN("~ # "),
    .cli_prompt = SPAN("OLT> "),
    .shell = LOGIN_SHELL_CLI,
    .auth = AUTH_LIST,
    .tries_max = 2,
    .logins = logins,
    .login_count = sizeof logins / sizeof logins[0],
    .login_home = SPAN("/"),
    .applets = applets,
    .applet_count = sizeof applets / sizeof applets[0],
    .answers = answers,
    .answer_count = sizeof answers / sizeof answers[0],
    .nodes = nodes,
    .node_count = sizeof nodes / sizeof nodes[0],
};
