/* The tree an attacker sees, and the layer he writes. */
#include "stage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct scene {
    struct arena arena;
    struct tree *tree;
    struct buf lost;
};

static void note_loss(void *user, struct span path, struct span content)
{
    struct scene *s = user;
    buf_printf(&s->lost, "%.*s=%.*s;", (int)path.len, (const char *)path.at, (int)content.len, (const char *)content.at);
}

static int open_tree(void **state)
{
    static struct scene s;
    s = (struct scene){0};
    arena_init(&s.arena, 64 * 1024);
    buf_init(&s.lost, 1 << 20);
    *state = &s;
    if (tree_new(&s.tree, &stage_profile, &s.arena, 1000 * USEC_PER_SEC) < 0)
        return -1;
    tree_on_loss(s.tree, note_loss, &s);
    return 0;
}

static int close_tree(void **state)
{
    struct scene *s = *state;
    tree_free(s->tree);
    arena_done(&s->arena);
    buf_done(&s->lost);
    return 0;
}

static struct span root(void)
{
    return span_text("/");
}

static int put(struct scene *s, const char *path, const char *text)
{
    int r = tree_truncate(s->tree, root(), span_text(path), 0);
    return r < 0 ? r : tree_write(s->tree, root(), span_text(path), 0, span_text(text));
}

static const char *get(struct scene *s, const char *path)
{
    static char text[256];
    ssize_t len = tree_read(s->tree, root(), span_text(path), 0, (uint8_t *)text, sizeof text - 1);
    text[len > 0 ? len : 0] = '\0';
    return len < 0 ? "(error)" : text;
}

static int type_of(struct scene *s, const char *cwd, const char *path, bool follow)
{
    struct tree_stat st;
    int r = tree_stat(s->tree, span_text(cwd), span_text(path), follow, &st);
    return r < 0 ? r : (int)st.type;
}

static void paths_lead_where_they_should(void **state)
{
    struct scene *s = *state;
    assert_int_equal(type_of(s, "/", "/", true), TREE_DIRECTORY);
    assert_int_equal(type_of(s, "/", "etc/./../etc//passwd", true), TREE_FILE);
    assert_int_equal(type_of(s, "/bin", "busybox", true), TREE_BINARY);
    assert_int_equal(type_of(s, "/bin", "../../..", true), TREE_DIRECTORY);
    assert_int_equal(type_of(s, "/", "/var", false), TREE_LINK);
    assert_int_equal(type_of(s, "/", "/var", true), TREE_DIRECTORY);
    assert_int_equal(type_of(s, "/", "/nothere", true), -ENOENT);
    assert_int_equal(type_of(s, "/", "/nothere/x", true), -ENOENT);
    assert_int_equal(type_of(s, "/", "/etc/passwd/x", true), -ENOTDIR);
    assert_int_equal(type_of(s, "/", "/dev/urandom", true), TREE_DEVICE);
    assert_int_equal(type_of(s, "/", "", true), -ENOENT);
    char to[TREE_PATH_MAX];
    assert_int_equal(tree_absolute(span_text("/a/b"), span_text("../c/./d//e/.."), to), 0);
    assert_string_equal(to, "/a/c/d");
    char name[600];
    memset(name, 'n', sizeof name);
    assert_int_equal(tree_absolute(root(), span_of(name, sizeof name), to), -ENAMETOOLONG);
    assert_int_equal(tree_absolute(root(), span_of(name, 256), to), -ENAMETOOLONG);
}

static void an_applet_is_a_link_to_busybox(void **state)
{
    struct scene *s = *state;
    struct tree_stat st;
    uint8_t a[64], b[64];
    assert_int_equal(tree_stat(s->tree, root(), span_text("/bin/echo"), true, &st), 0);
    assert_int_equal(st.type, TREE_APPLET);
    assert_int_equal(st.size, 40000);
    assert_int_equal(tree_stat(s->tree, root(), span_text("/bin/echo"), false, &st), 0);
    assert_int_equal(st.mode, 0777);
    assert_int_equal(tree_read(s->tree, root(), span_text("/bin/echo"), 100, a, 64), 64);
    assert_int_equal(tree_read(s->tree, root(), span_text("/bin/busybox"), 100, b, 64), 64);
    assert_memory_equal(a, b, 64);
    assert_int_equal(tree_read(s->tree, root(), span_text("/bin/echo"), 40000, a, 64), 0);
}

static void writing_needs_a_mount_that_takes_it(void **state)
{
    struct scene *s = *state;
    assert_int_equal(put(s, "/tmp/a", "text"), 0);
    assert_string_equal(get(s, "/tmp/a"), "text");
    assert_string_equal(get(s, "/var/a"), "text");
    assert_int_equal(put(s, "/var/b", "through a link"), 0);
    assert_string_equal(get(s, "/tmp/b"), "through a link");
    assert_int_equal(put(s, "/etc/passwd", "x"), -EROFS);
    assert_int_equal(put(s, "/x", "x"), -EROFS);
    assert_int_equal(put(s, "/tmp", "x"), -EISDIR);
    assert_int_equal(put(s, "/tmp/no/x", "x"), -ENOENT);
    assert_int_equal(put(s, "/etc/passwd/x", "x"), -ENOTDIR);
    assert_int_equal(put(s, "/proc/x", "x"), -ENOENT);
    assert_int_equal(put(s, "/proc/uptime", "x"), 0); /* swallowed, as by files of /proc that take writes */
    assert_int_equal(tree_remove(s->tree, root(), span_text("/etc/passwd")), -EROFS);
    assert_int_equal(tree_remove(s->tree, root(), span_text("/tmp")), -EBUSY);
    assert_int_equal(tree_mkdir(s->tree, root(), span_text("/etc/d"), 0755), -EROFS);
    assert_int_equal(tree_mkdir(s->tree, root(), span_text("/tmp/a"), 0755), -EEXIST);
}

static void files_are_written_at_any_place(void **state)
{
    struct scene *s = *state;
    assert_int_equal(put(s, "/tmp/a", "0123456789"), 0);
    assert_int_equal(tree_write(s->tree, root(), span_text("/tmp/a"), 3, span_text("xyz")), 0);
    assert_int_equal(tree_write(s->tree, root(), span_text("/tmp/a"), SIZE_MAX, span_text("!")), 0);
    assert_string_equal(get(s, "/tmp/a"), "012xyz6789!");
    assert_int_equal(tree_truncate(s->tree, root(), span_text("/tmp/a"), 4), 0);
    assert_string_equal(get(s, "/tmp/a"), "012x");
    assert_int_equal(tree_write(s->tree, root(), span_text("/tmp/a"), 6, span_text("z")), 0);
    uint8_t bytes[16];
    assert_int_equal(tree_read(s->tree, root(), span_text("/tmp/a"), 0, bytes, sizeof bytes), 7);
    assert_memory_equal(bytes, "012x\0\0z", 7);
    assert_int_equal(tree_write(s->tree, root(), span_text("/tmp/a"), TREE_FILE_MAX, span_text("z")), -ENOSPC);
}

static void copies_share_until_one_is_written(void **state)
{
    struct scene *s = *state;
    struct tree_stat st;
    assert_int_equal(put(s, "/tmp/a", "one"), 0);
    assert_int_equal(tree_copy(s->tree, root(), span_text("/tmp/a"), span_text("/tmp/b")), 0);
    assert_int_equal(tree_write(s->tree, root(), span_text("/tmp/b"), SIZE_MAX, span_text("+")), 0);
    assert_string_equal(get(s, "/tmp/a"), "one");
    assert_string_equal(get(s, "/tmp/b"), "one+");
    /* Generated content is a reference, then bytes once it is written. */
    assert_int_equal(tree_copy(s->tree, root(), span_text("/bin/echo"), span_text("/tmp/echo")), 0);
    assert_int_equal(tree_stat(s->tree, root(), span_text("/tmp/echo"), true, &st), 0);
    assert_non_null(st.generated);
    assert_int_equal(st.size, 40000);
    assert_int_equal(st.mode, 0755);
    uint8_t a[32], b[32];
    assert_int_equal(tree_read(s->tree, root(), span_text("/bin/echo"), 0, a, 32), 32);
    assert_int_equal(tree_write(s->tree, root(), span_text("/tmp/echo"), SIZE_MAX, span_text("x")), 0);
    assert_int_equal(tree_read(s->tree, root(), span_text("/tmp/echo"), 0, b, 32), 32);
    assert_memory_equal(a, b, 32);
    assert_int_equal(tree_stat(s->tree, root(), span_text("/tmp/echo"), true, &st), 0);
    assert_null(st.generated);
    assert_int_equal(st.size, 40001);
    assert_int_equal(tree_copy(s->tree, root(), span_text("/tmp"), span_text("/tmp/c")), -EISDIR);
    assert_int_equal(tree_copy(s->tree, root(), span_text("/dev/null"), span_text("/tmp/c")), 0);
    assert_string_equal(get(s, "/tmp/c"), "");
}

static int collect(void *user, struct span name, const struct tree_stat *st)
{
    (void)st;
    struct buf *names = user;
    buf_span(names, name);
    buf_byte(names, ' ');
    return 0;
}

static const char *list(struct scene *s, const char *path)
{
    static char text[512];
    struct buf names;
    buf_init(&names, sizeof text - 1);
    int r = tree_list(s->tree, root(), span_text(path), collect, &names);
    (void)snprintf(text, sizeof text, "%s", r < 0 ? "(error)" : buf_cstr(&names));
    buf_done(&names);
    return text;
}

static void lists_hold_what_is_there(void **state)
{
    struct scene *s = *state;
    assert_string_equal(list(s, "/"), "bin dev etc proc tmp var ");
    assert_string_equal(list(s, "/proc"), "1 12 mounts uptime ");
    assert_string_equal(list(s, "/tmp"), "");
    assert_int_equal(put(s, "/tmp/b", "x"), 0);
    assert_int_equal(tree_mkdir(s->tree, root(), span_text("/tmp/a"), 0755), 0);
    assert_int_equal(put(s, "/tmp/a/inner", "x"), 0);
    assert_int_equal(put(s, "/tmp/a-", "x"), 0);
    assert_string_equal(list(s, "/tmp"), "a a- b ");
    assert_int_equal(tree_remove(s->tree, root(), span_text("/tmp/a")), -ENOTEMPTY);
    assert_int_equal(tree_remove(s->tree, root(), span_text("/tmp/a/inner")), 0);
    assert_int_equal(tree_remove(s->tree, root(), span_text("/tmp/a")), 0);
    assert_int_equal(tree_remove(s->tree, root(), span_text("/dev/null")), 0);
    assert_string_equal(list(s, "/dev"), "zero ");
    assert_int_equal(type_of(s, "/", "/dev/null", true), -ENOENT);
    assert_int_equal(put(s, "/dev/null", "now a file"), 0);
    assert_string_equal(get(s, "/dev/null"), "now a file");
    assert_string_equal(list(s, "/etc/passwd"), "(error)");
}

static void a_directory_moves_with_what_it_holds(void **state)
{
    struct scene *s = *state;
    assert_int_equal(tree_mkdir(s->tree, root(), span_text("/tmp/a"), 0755), 0);
    assert_int_equal(tree_mkdir(s->tree, root(), span_text("/tmp/a/b"), 0755), 0);
    assert_int_equal(put(s, "/tmp/a/b/c", "deep"), 0);
    assert_int_equal(put(s, "/tmp/a/d", "flat"), 0);
    assert_int_equal(tree_rename(s->tree, root(), span_text("/tmp/a"), span_text("/tmp/a/b/x")), -EINVAL);
    assert_int_equal(tree_rename(s->tree, root(), span_text("/tmp/a"), span_text("/dev/z")), 0);
    assert_string_equal(list(s, "/tmp"), "");
    assert_string_equal(list(s, "/dev/z"), "b d ");
    assert_string_equal(get(s, "/dev/z/b/c"), "deep");
    assert_int_equal(put(s, "/tmp/old", "old"), 0);
    assert_int_equal(tree_rename(s->tree, root(), span_text("/dev/z/d"), span_text("/tmp/old")), 0);
    assert_string_equal(get(s, "/tmp/old"), "flat");
    assert_string_equal(buf_cstr(&s->lost), "/tmp/old=old;");
}

static void links_end_somewhere(void **state)
{
    struct scene *s = *state;
    assert_int_equal(tree_link(s->tree, root(), span_text("b"), span_text("/tmp/a"), true), 0);
    assert_int_equal(type_of(s, "/", "/tmp/a", true), -ENOENT);
    assert_int_equal(type_of(s, "/", "/tmp/a", false), TREE_LINK);
    assert_int_equal(tree_link(s->tree, root(), span_text("a"), span_text("/tmp/b"), true), 0);
    assert_int_equal(type_of(s, "/", "/tmp/a", true), -ELOOP);
    assert_int_equal(put(s, "/tmp/a", "x"), -ELOOP);
    assert_int_equal(tree_remove(s->tree, root(), span_text("/tmp/b")), 0);
    assert_int_equal(put(s, "/tmp/a", "x"), 0);
    assert_string_equal(get(s, "/tmp/b"), "x");
    assert_int_equal(tree_link(s->tree, root(), span_text("/tmp/b"), span_text("/tmp/hard"), false), 0);
    assert_string_equal(get(s, "/tmp/hard"), "x");
    /* Longer at every step. */
    assert_int_equal(tree_link(s->tree, root(), span_text("/tmp/l/l/l/l/l/l"), span_text("/tmp/l"), true), 0);
    assert_int_equal(type_of(s, "/", "/tmp/l", true), -ELOOP);
}

static void what_the_attacker_wrote_is_told_before_it_is_lost(void **state)
{
    struct scene *s = *state;
    assert_int_equal(put(s, "/tmp/a", "first"), 0);
    assert_int_equal(tree_copy(s->tree, root(), span_text("/tmp/a"), span_text("/tmp/b")), 0);
    assert_int_equal(tree_remove(s->tree, root(), span_text("/tmp/a")), 0);
    assert_string_equal(buf_cstr(&s->lost), "");
    assert_int_equal(tree_truncate(s->tree, root(), span_text("/tmp/b"), 0), 0);
    assert_string_equal(buf_cstr(&s->lost), "/tmp/b=first;");
    assert_int_equal(tree_copy(s->tree, root(), span_text("/etc/passwd"), span_text("/tmp/c")), 0);
    assert_int_equal(tree_remove(s->tree, root(), span_text("/tmp/c")), 0);
    assert_string_equal(buf_cstr(&s->lost), "/tmp/b=first;");
}

static int count_written(void *user, struct span path, struct span content)
{
    (void)path;
    (void)content;
    unsigned *count = user;
    ++*count;
    return 0;
}

static void a_placeholder_is_generated_and_no_sample(void **state)
{
    struct scene *s = *state;
    struct tree_stat st;
    unsigned written = 0;
    uint8_t head[20];
    assert_int_equal(tree_generate(s->tree, root(), span_text("/tmp/bot"), 30000), 0);
    assert_int_equal(tree_stat(s->tree, root(), span_text("/tmp/bot"), true, &st), 0);
    assert_int_equal(st.size, 30000);
    assert_int_equal(tree_read(s->tree, root(), span_text("/tmp/bot"), 0, head, sizeof head), 20);
    assert_memory_equal(head, "\177ELF\1\1", 6);
    assert_int_equal(head[18], 8);
    assert_int_equal(tree_copy(s->tree, root(), span_text("/tmp/bot"), span_text("/tmp/two")), 0);
    assert_int_equal(tree_remove(s->tree, root(), span_text("/tmp/bot")), 0);
    assert_int_equal(tree_read(s->tree, root(), span_text("/tmp/two"), 0, head, sizeof head), 20);
    assert_int_equal(tree_written(s->tree, count_written, &written), 0);
    assert_int_equal(written, 0);
    assert_string_equal(buf_cstr(&s->lost), "");
}

static void the_layer_is_bounded(void **state)
{
    struct scene *s = *state;
    char name[64];
    int r = 0;
    unsigned made = 0;
    while (r == 0 && made < 10000) {
        (void)snprintf(name, sizeof name, "/tmp/f%u", made);
        r = put(s, name, "x");
        made += r == 0;
    }
    assert_int_equal(r, -ENOSPC);
    assert_int_equal(made, TREE_FILES_MAX);
    /* Every file is full at last, and the sum too. */
    static uint8_t block[64 * 1024];
    size_t all = 0;
    for (unsigned i = 0; i < made; i++) {
        (void)snprintf(name, sizeof name, "/tmp/f%u", i);
        while (tree_write(s->tree, root(), span_text(name), SIZE_MAX, span_of(block, sizeof block)) == 0)
            all += sizeof block;
    }
    assert_true(all <= TREE_BYTES_MAX);
    assert_true(all > TREE_BYTES_MAX / 4);
    assert_int_equal(tree_remove(s->tree, root(), span_text("/tmp/f0")), 0);
    assert_int_equal(tree_write(s->tree, root(), span_text("/tmp/f1"), SIZE_MAX, span_text("small")), 0);
}

static void modes_and_times_are_kept(void **state)
{
    struct scene *s = *state;
    struct tree_stat st;
    tree_clock(s->tree, 2000 * USEC_PER_SEC);
    assert_int_equal(put(s, "/tmp/a", "x"), 0);
    assert_int_equal(tree_chmod(s->tree, root(), span_text("/tmp/a"), 0777), 0);
    assert_int_equal(tree_stat(s->tree, root(), span_text("/tmp/a"), true, &st), 0);
    assert_int_equal(st.mode, 0777);
    assert_true(st.changed == 2000 * USEC_PER_SEC);
    assert_true(st.by_attacker);
    assert_int_equal(tree_chmod(s->tree, root(), span_text("/etc/passwd"), 0777), -EROFS);
    assert_string_equal(get(s, "/proc/uptime"), "2000.50 1870.25\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_tree, close_tree)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(paths_lead_where_they_should),
        TEST(an_applet_is_a_link_to_busybox),
        TEST(writing_needs_a_mount_that_takes_it),
        TEST(files_are_written_at_any_place),
        TEST(copies_share_until_one_is_written),
        TEST(lists_hold_what_is_there),
        TEST(a_directory_moves_with_what_it_holds),
        TEST(links_end_somewhere),
        TEST(what_the_attacker_wrote_is_told_before_it_is_lost),
        TEST(a_placeholder_is_generated_and_no_sample),
        TEST(the_layer_is_bounded),
        TEST(modes_and_times_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
