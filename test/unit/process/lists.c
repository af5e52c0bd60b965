/* The blocklist and the opt-outs as files that change under a running supervisor. */
#include "process/lists.h"
#include "base/cursor.h"
#include "base/err.h"
#include "settings.h"

#include <setjmp.h>
#include <stdarg.h>
/* after the two above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct room {
    char folder[64];
    struct folder data;
    struct conf *settings;
    struct lists lists;
    struct buf why;
};

static void write_file(const struct room *r, const char *name, const char *text)
{
    char path[128], fresh[136];
    (void)snprintf(path, sizeof path, "%s/%s", r->folder, name);
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(fresh, path), 0);
}

static void settle(struct room *r, const char *yaml)
{
    struct conf_error error;
    conf_free(r->settings);
    r->settings = NULL;
    if (conf_parse(&r->settings, "test", span_text(yaml), settings_schema(), &error) != 0)
        fail_msg("%s", error.text);
}

static void open_room(struct room *r)
{
    *r = (struct room){.data = {.path = r->folder}};
    (void)snprintf(r->folder, sizeof r->folder, "/tmp/noroshi-lists-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    buf_init(&r->why, 1024);
    settle(r, "{}");
}

static void close_room(struct room *r)
{
    static const char *const names[] = {"optout.conf", "block.conf"};
    char path[128];
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", r->folder, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(r->folder), 0);
    lists_close(&r->lists);
    conf_free(r->settings);
    buf_done(&r->why);
}

static void expect_lists(const struct room *r, const char *blocklist, const char *optout)
{
    struct buf body;
    buf_init(&body, 0);
    lists_message(&r->lists, &body);
    struct cursor c = cursor_of(buf_as_span(&body));
    struct span first = cursor_take(&c, cursor_be32(&c));
    assert_true(span_is(first, blocklist));
    struct span second = cursor_take(&c, cursor_be32(&c));
    assert_true(span_is(second, optout));
    assert_int_equal(c.error, 0);
    assert_int_equal(cursor_left(&c), 0);
    buf_done(&body);
}

static void the_first_opt_out_makes_the_file(void **state)
{
    (void)state;
    struct room r;
    open_room(&r);
    assert_int_equal(lists_open(&r.lists, r.settings, &r.data, &r.why), 0);
    expect_lists(&r, "", "");
    assert_false(lists_watch(&r.lists, &r.why));
    write_file(&r, "optout.conf", "192.0.2.1\n");
    assert_true(lists_watch(&r.lists, &r.why));
    expect_lists(&r, "", "192.0.2.1\n");
    assert_false(lists_watch(&r.lists, &r.why));
    write_file(&r, "optout.conf", "192.0.2.2\n"); /* of the same length */
    assert_true(lists_watch(&r.lists, &r.why));
    expect_lists(&r, "", "192.0.2.2\n");
    assert_int_equal(r.why.len, 0);
    close_room(&r);
}

static void a_list_that_vanishes_goes_on_to_hold(void **state)
{
    (void)state;
    struct room r;
    char path[128];
    open_room(&r);
    write_file(&r, "optout.conf", "192.0.2.1\n");
    assert_int_equal(lists_open(&r.lists, r.settings, &r.data, &r.why), 0);
    (void)snprintf(path, sizeof path, "%s/optout.conf", r.folder);
    assert_int_equal(unlink(path), 0);
    assert_false(lists_watch(&r.lists, &r.why));
    assert_non_null(strstr(buf_cstr(&r.why), "goes on to hold"));
    expect_lists(&r, "", "192.0.2.1\n");
    buf_clear(&r.why);
    assert_false(lists_watch(&r.lists, &r.why));
    assert_int_equal(r.why.len, 0); /* said once */
    write_file(&r, "optout.conf", "192.0.2.0/24\n");
    assert_true(lists_watch(&r.lists, &r.why));
    expect_lists(&r, "", "192.0.2.0/24\n");
    close_room(&r);
}

static void a_list_that_was_named_must_be_there(void **state)
{
    (void)state;
    static const char *const names[] = {"blocklist", "optout"};
    for (size_t i = 0; i < 2; i++) {
        struct room r;
        char yaml[256], wanted[64];
        open_room(&r);
        (void)snprintf(yaml, sizeof yaml, "outside: {%s: %s/block.conf}", names[i], r.folder);
        settle(&r, yaml);
        assert_int_equal(lists_open(&r.lists, r.settings, &r.data, &r.why), -ERR_CONFIG);
        (void)snprintf(wanted, sizeof wanted, "outside.%s: ", names[i]);
        assert_non_null(strstr(buf_cstr(&r.why), wanted));
        lists_close(&r.lists);
        buf_clear(&r.why);
        write_file(&r, "block.conf", "# nobody\n");
        assert_int_equal(lists_open(&r.lists, r.settings, &r.data, &r.why), 0);
        expect_lists(&r, i == 0 ? "# nobody\n" : "", i == 1 ? "# nobody\n" : "");
        close_room(&r);
    }
}

static void what_is_no_file_is_no_list(void **state)
{
    (void)state;
    struct room r;
    char yaml[128];
    open_room(&r);
    (void)snprintf(yaml, sizeof yaml, "outside: {blocklist: %s}", r.folder);
    settle(&r, yaml);
    assert_int_equal(lists_open(&r.lists, r.settings, &r.data, &r.why), -ERR_CONFIG);
    close_room(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_opt_out_makes_the_file),
        cmocka_unit_test(a_list_that_vanishes_goes_on_to_hold),
        cmocka_unit_test(a_list_that_was_named_must_be_there),
        cmocka_unit_test(what_is_no_file_is_no_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
