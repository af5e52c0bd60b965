/* Reading profiles: what is accepted, and the one line that says what is wrong. */
#include "base/err.h"
#include "observe/honeypot/profile_draft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* The least a profile needs; the lines of a test go before it and may replace a line by its key. */
static const char *const least[][2] = {
    {"maker", "maker: Example"},
    {"model", "model: R1"},
    {"class", "class: router"},
    {"machine", "machine: mipsel"},
    {"uname", "uname: mips"},
    {"hostname", "hostname: r1"},
    {"kernel", "kernel: {release: 2.6.30, number: \"#1\", built: 2012-03-05 14:02:51 CST, builder: a@b, compiler: gcc version 4, command: root=1}"},
    {"busybox", "busybox: {version: 1.16.1, built: 2012-03-05 14:00:11 CST, size: 300K}"},
    {"libc", "libc: uClibc 0.9.30"},
    {"memory", "memory: 32M"},
    {"cpuinfo", "cpuinfo: \"system type : X\\n\""},
    {"telnet", "telnet: {options: [DO TTYPE, WILL ECHO]}"},
    {"login", "login: \"r1 login: \""},
    {"applets", "applets: [\"@core\"]"},
    {"mounts", "mounts: [\"rootfs / rootfs rw 0 0\", \"proc /proc proc rw 0 0\", \"tmpfs /tmp tmpfs rw 0 0\"]"},
    {"processes", "processes: [\"1 root 900 S init\", \"50 root 900 S telnetd\"]"},
    {"interfaces", "interfaces: [\"eth0 02:00:00:00:00:01 192.168.1.1/24\"]"},
};

enum { LEAST = sizeof least / sizeof least[0] };

static void put_profile(struct buf *out, const char *lines, const char *without)
{
    for (size_t i = 0; i < LEAST; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s:", least[i][0]);
        const char *at = lines;
        bool replaced = strcmp(without, least[i][0]) == 0;
        while (at != NULL && *at != '\0' && !replaced) {
            replaced = strncmp(at, key, strlen(key)) == 0;
            at = strchr(at, '\n');
            at = at != NULL ? at + 1 : NULL;
        }
        if (!replaced)
            buf_printf(out, "%s\n", least[i][1]);
    }
    buf_text(out, lines);
}

static struct profiles *compile(const char *lines)
{
    struct buf text;
    static struct buf image; /* the profiles point into it */
    struct conf_error error = {0};
    struct profiles *profiles;
    buf_init(&text, 0);
    put_profile(&text, lines, "");
    buf_done(&image);
    buf_init(&image, 0);
    if (profiles_compile_text("test.yaml", buf_as_span(&text), &image, &error) != 0)
        fail_msg("%s", error.text);
    buf_done(&text);
    assert_int_equal(profiles_open(&profiles, buf_as_span(&image)), 0);
    return profiles;
}

static void refuse(const char *lines, const char *without, const char *wanted)
{
    struct buf text, image;
    struct conf_error error = {0};
    buf_init(&text, 0);
    buf_init(&image, 0);
    put_profile(&text, lines, without);
    int r = profiles_compile_text("test.yaml", buf_as_span(&text), &image, &error);
    buf_done(&image);
    if (r == 0)
        fail_msg("accepted: %s (without %s)", lines, without);
    if (strncmp(error.text, "test.yaml:", 10) != 0 || error.text[10] < '1' || error.text[10] > '9' || strstr(error.text, wanted) == NULL ||
        strchr(error.text, '\n') != NULL)
        fail_msg("wanted \"%s\", got: %s", wanted, error.text);
    buf_done(&text);
}

static const struct profile_node *node_of(const struct profile *p, const char *path)
{
    return profile_node(p, span_text(path));
}

static void the_least_is_enough(void **state)
{
    (void)state;
    struct profiles *profiles = compile("");
    const struct profile *p = profiles_at(profiles, 0);
    assert_true(span_is(p->name, "test"));
    assert_int_equal(p->machine, MACHINE_MIPSEL);
    assert_int_equal(p->auth, AUTH_ANY);
    assert_true(span_is(p->kernel_version, "#1 Mon Mar 5 14:02:51 CST 2012") || span_is(p->kernel_version, "#1 Mon Mar  5 14:02:51 CST 2012"));
    assert_true(span_is(p->busybox_version, "v1.16.1 (2012-03-05 14:00:11 CST)"));
    assert_true(span_equal(p->telnet_options, span_of("\xff\xfd\x18\xff\xfb\x01", 6)));
    assert_true(span_equal(p->telnet_will, span_of("\x01", 1)));
    assert_true(span_equal(p->telnet_do, span_of("\x18", 1)));
    assert_true(node_of(p, "/tmp")->writable);
    assert_false(node_of(p, "/proc")->writable);
    profiles_close(profiles);
}

static void every_missing_field_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEAST; i++)
        refuse("", least[i][0], least[i][0]);
}

static void mistakes_are_one_line(void **state)
{
    (void)state;
    static const char *const mistakes[][2] = {
        {"machine: z80\n", "expected one of arm, armeb"},
        {"uname: armv7l\n", "expected what uname -m says on mipsel"},
        {"telnet: {options: [DO TTYPO]}\n", "telnet option"},
        {"telnet: {options: [MAY ECHO]}\n", "WILL, WONT, DO or DONT"},
        {"telnet: {options: []}\n", "telnet.options"},
        {"telnet: {options: [SB TTYPE]}\n", "SB TTYPE SEND"},
        {"telnet: {options: [WILL ECHO], will: [NOISE]}\n", "name of a telnet option"},
        {"applets: [cat, cat]\n", "stands here twice"},
        {"applets: [frobnicate]\n", "name of a BusyBox applet"},
        {"applets: [\"@nothing\"]\n", "@core"},
        {"applets: cat\n", "expected a list"},
        {"auth: maybe\n", "any, list, never or after N"},
        {"auth: after\n", "any, list, never or after N"},
        {"auth: list\n", "logins"},
        {"logins: [admin]\nauth: list\n", "user:password"},
        {"tries: 0\n", "from 1 to 20"},
        {"memory: much\n", "main memory"},
        {"login: \"go on\"\n", "ends in"},
        {"prompt: \"x\"\n", "ends in"},
        {"shell: zsh\n", "ash or cli"},
        {"home: root\n", "absolute path"},
        {"greeting: perhaps\n", "true or false"},
        {"delays: {banner: soon}\n", "before the banner"},
        {"delays: {banner: 90s}\n", "before the banner"},
        {"kernel: {release: one, number: \"#1\", built: 2012-03-05 14:02:51 CST, builder: a, compiler: b, command: c}\n", "kernel from 2.4 on"},
        {"kernel: {release: 2.6.30, number: \"#1\", built: yesterday, builder: a, compiler: b, command: c}\n", "expected a date"},
        {"busybox: {version: 1.16.1, built: 2012-03-05, size: 300K}\n", "expected a date"},
        {"libc: dietlibc 0.3\n", "uClibc, glibc or musl"},
        {"mounts: [\"tmpfs tmp tmpfs rw\"]\n", "line of /proc/mounts"},
        {"processes: [\"1 root init\"]\n", "PID USER VSZ STAT COMMAND"},
        {"processes: [\"1 root 900 S init\", \"1 root 900 S other\"]\n", "another process has number 1"},
        {"interfaces: [\"eth0 02:00:00\"]\n", "NAME MAC"},
        {"gateway: here\n", "IPv4 address"},
        {"listening: [0]\n", "ports from 1 to 65535"},
        {"flash: [\"1 2 boot\"]\n", "SIZE ERASESIZE NAME"},
        {"users: [root]\n", "line of /etc/passwd"},
        {"files: {etc/version: x}\n", "absolute path"},
        {"files: {/etc/../x: y}\n", "absolute path"},
        {"files: {/etc/passwd/x: y}\n", "not a folder"},
        {"files: {/x: {binary: small}}\n", "expected {text"},
        {"files: {/x: {text: a, link: b}}\n", "one of text"},
        {"files: {/x: {text: a, mode: rw}}\n", "permissions"},
        {"answers: [{command: x}]\n", "a command and its output"},
        {"answers: [{command: x, output: y, staus: 1}]\n", "command, output or status"},
        {"answers: [{command: x, output: y, status: 300}]\n", "status from 0 to 255"},
        {"environment: [A]\n", "names and values"},
        {"banner: \"@{nothing}\"\n", "between @{ and }"},
        {"banner: \"@{banner}\"\n", "nested at most 4"},
        {"banner: \"@{open\"\n", "between @{ and }"},
        {"tree: ../x\n", "folder beside the profile"},
        {"extends: _base\n", "has no bases"},
        {"colour: red\n", "colour"},
        {"banner: [a]\n", "expected a text"},
        {"banner: {a: b}\n", "expected a text"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++)
        refuse(mistakes[i][0], "", mistakes[i][1]);
}

static void values_are_filled_in(void **state)
{
    (void)state;
    struct profiles *profiles = compile("values: {v: \"7\", deep: \"<@{v}>\"}\nbanner: \"@{maker} @{deep} @{kernel.release}\\r\\n\"\n");
    assert_true(span_is(profiles_at(profiles, 0)->banner, "Example <7> 2.6.30\r\n"));
    profiles_close(profiles);
}

static void files_override_the_tree(void **state)
{
    (void)state;
    struct profiles *profiles =
        compile("files:\n  /etc/hosts: \"mine\\n\"\n  /opt/x/run: {binary: 50K}\n  /opt/link: {link: x/run}\n  /bin/echo: {remove: true}\n"
                "  /opt/script: {text: \"#!/bin/sh\\n\", mode: 755}\n  /dev/led: {device: c 10 5}\n  /opt/empty: {dir: 700}\n");
    const struct profile *p = profiles_at(profiles, 0);
    assert_true(span_is(node_of(p, "/etc/hosts")->content, "mine\n"));
    assert_int_equal(node_of(p, "/opt/x/run")->type, TREE_BINARY);
    assert_int_equal(node_of(p, "/opt/x")->type, TREE_DIRECTORY);
    assert_int_equal(node_of(p, "/opt/link")->type, TREE_LINK);
    assert_null(node_of(p, "/bin/echo"));
    assert_int_equal(node_of(p, "/opt/script")->mode, 0755);
    assert_int_equal(node_of(p, "/dev/led")->type, TREE_DEVICE);
    assert_int_equal(node_of(p, "/opt/empty")->mode, 0700);
    profiles_close(profiles);
}

static void what_is_listed_is_what_is_there(void **state)
{
    (void)state;
    struct profiles *profiles =
        compile("auth: after 2\napplets: [\"@core\", -vi, tftp, -kill]\nanswers: [{command: show version, output: \"1\\n\", status: 3}]\n"
                "environment: {TERM: xterm, X: \"1\"}\n");
    const struct profile *p = profiles_at(profiles, 0);
    assert_int_equal(p->auth, AUTH_AFTER);
    assert_int_equal(p->auth_after, 3);
    assert_true(profile_has_applet(p, span_text("tftp")) && !profile_has_applet(p, span_text("kill")) && !profile_has_applet(p, span_text("wget")));
    assert_non_null(node_of(p, "/usr/bin/tftp"));
    assert_null(node_of(p, "/bin/kill"));
    assert_int_equal(p->answer_count, 1);
    assert_int_equal(p->answers[0].status, 3);
    bool term = false;
    for (size_t i = 0; i < p->variable_count; i++)
        term = term || (span_is(p->variables[i].name, "TERM") && span_is(p->variables[i].value, "xterm"));
    assert_true(term);
    profiles_close(profiles);
}

/* ---- folders ---- */

static char folder[] = "/tmp/noroshi-profiles-XXXXXX";

static void put_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
}

static void drop_file(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(remove(path), 0);
}

static void folder_says(const char *wanted)
{
    struct buf image;
    struct conf_error error = {0};
    buf_init(&image, 0);
    assert_true(profiles_compile(folder, &image, &error) != 0);
    if (strstr(error.text, wanted) == NULL || strchr(error.text, '\n') != NULL)
        fail_msg("wanted \"%s\", got: %s", wanted, error.text);
    buf_done(&image);
}

static void bases_and_folders(void **state)
{
    (void)state;
    struct buf base, image;
    struct conf_error error = {0};
    struct profiles *profiles;
    char path[256];
    assert_non_null(mkdtemp(folder));
    folder_says("expected 1 to");
    buf_init(&base, 0);
    put_profile(
        &base, "applets: [\"@core\", tftp]\nanswers: [{command: a, output: base}, {command: b, output: base}]\nfiles: {/etc/v: base, /etc/w: base}\n",
        "");
    put_file("_base.yaml", buf_cstr(&base));
    put_file("one.yaml",
             "extends: _base\nmodel: One\napplets: [-tftp, wget]\nanswers: [{command: a, output: one}]\nfiles: {/etc/v: one}\ntree: one.tree\n");
    put_file("two.yaml", "extends: _base\nmodel: Two\n");
    put_file("note.txt", "not a profile\n");
    folder_says("the folder cannot be taken over");
    snprintf(path, sizeof path, "%s/one.tree", folder);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/one.tree/opt", folder);
    assert_int_equal(mkdir(path, 0755), 0);
    put_file("one.tree/opt/real", "content\n");
    snprintf(path, sizeof path, "%s/one.tree/opt/link", folder);
    assert_int_equal(symlink("real", path), 0);
    buf_init(&image, 0);
    if (profiles_compile(folder, &image, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(profiles_open(&profiles, buf_as_span(&image)), 0);
    assert_int_equal(profiles_count(profiles), 2);
    const struct profile *one = profiles_by_name(profiles, span_text("one")), *two = profiles_by_name(profiles, span_text("two"));
    assert_true(span_is(one->model, "One") && span_is(two->model, "Two") && span_is(two->maker, "Example"));
    assert_true(profile_has_applet(one, span_text("wget")) && !profile_has_applet(one, span_text("tftp")) &&
                profile_has_applet(two, span_text("tftp")));
    assert_true(span_is(one->answers[0].output, "one") && one->answer_count == 2);
    assert_true(span_is(node_of(one, "/etc/v")->content, "one") && span_is(node_of(one, "/etc/w")->content, "base"));
    assert_true(span_is(node_of(one, "/opt/real")->content, "content\n"));
    assert_true(span_is(node_of(one, "/opt/link")->content, "real"));
    profiles_close(profiles);
    buf_done(&image);

    put_file("three.yaml", "extends: _none\n");
    folder_says("three.yaml:1: extends: _none.yaml cannot be read");
    put_file("three.yaml", "extends: ../one\n");
    folder_says("three.yaml:1: extends: expected the name of a base");
    put_file("_loop.yaml", "extends: _pool\n");
    put_file("_pool.yaml", "extends: _loop\n");
    put_file("three.yaml", "extends: _loop\n");
    folder_says("_pool.yaml:1: extends: _loop extends itself");
    put_file("_loop.yaml", "machine: [\n");
    folder_says("_loop.yaml:");
    static const char *const files[] = {"three.yaml", "_loop.yaml",        "_pool.yaml",        "one.yaml",     "two.yaml", "_base.yaml",
                                        "note.txt",   "one.tree/opt/link", "one.tree/opt/real", "one.tree/opt", "one.tree"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        drop_file(files[i]);
    rmdir(folder);
    folder_says("cannot be read");
    buf_done(&base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_is_enough),  cmocka_unit_test(every_missing_field_is_named), cmocka_unit_test(mistakes_are_one_line),
        cmocka_unit_test(values_are_filled_in), cmocka_unit_test(files_override_the_tree),      cmocka_unit_test(what_is_listed_is_what_is_there),
        cmocka_unit_test(bases_and_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
