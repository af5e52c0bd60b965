/* Tasks are leased to one worker at a time, given to another when it does not answer, tried again when it fails. */
#include "make.h"

#include "store/task.h"

struct setup {
    struct place place;
    struct control *control;
    sqlite3 *db;
    struct task_lease lease;
};

static void set_up(struct setup *s)
{
    *s = (struct setup){.place = place_make(NULL)};
    s->control = place_control(&s->place);
    s->db = control_database(s->control);
    buf_init(&s->lease.key, 0);
    buf_init(&s->lease.input, 0);
}

static void set_down(struct setup *s)
{
    buf_done(&s->lease.key);
    buf_done(&s->lease.input);
    control_close(s->control);
    place_done(&s->place);
}

static int put(struct setup *s, const char *key, usec_t due, int64_t attempts)
{
    const struct task task = {.key = span_text(key), .kind = span_text("probe"), .input = span_text("input"), .due = due, .attempts_max = attempts};
    return task_put(s->db, &task, 1);
}

static int take(struct setup *s, usec_t now)
{
    return task_take(s->db, span_text("probe"), span_text("reach.0"), now, now + 100, &s->lease);
}

static void each_is_given_once_longest_due_first(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    assert_int_equal(put(&s, "b", 20, 3), 0);
    assert_int_equal(put(&s, "a", 30, 3), 0);
    assert_int_equal(put(&s, "later", 5000, 3), 0);
    assert_int_equal(put(&s, "a", 10, 3), 1); /* the key is there */
    assert_int_equal(take(&s, 50), 1);
    assert_true(span_is(buf_as_span(&s.lease.key), "b"));
    assert_true(span_is(buf_as_span(&s.lease.input), "input"));
    assert_int_equal(s.lease.attempt, 1);
    assert_int_equal(take(&s, 50), 1);
    assert_true(span_is(buf_as_span(&s.lease.key), "a"));
    assert_int_equal(take(&s, 50), 0);
    assert_int_equal(task_take(s.db, span_text("other kind"), span_text("x"), 9000, 9100, &s.lease), 0);
    set_down(&s);
}

static void completed_stays_completed(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    assert_int_equal(put(&s, "a", 0, 3), 0);
    assert_int_equal(take(&s, 10), 1);
    assert_int_equal(task_complete(s.db, span_text("a"), s.lease.lease, span_text("result"), 20), 0);
    assert_int_equal(task_complete(s.db, span_text("a"), s.lease.lease, span_text("again"), 21), -ERR_NOT_FOUND);
    assert_int_equal(task_fail(s.db, span_text("a"), s.lease.lease, span_text("no"), 21), -ERR_NOT_FOUND);
    assert_int_equal(take(&s, 1000000), 0);
    assert_int_equal(put(&s, "a", 0, 3), 1);
    assert_int_equal(control_number(&s.place, "SELECT count(*) FROM task WHERE state='done' AND result=CAST('result' AS BLOB) AND ended=20"), 1);
    set_down(&s);
}

static void an_expired_lease_goes_to_another(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    assert_int_equal(put(&s, "a", 0, 2), 0);
    assert_int_equal(take(&s, 10), 1);
    int64_t first = s.lease.lease;
    assert_int_equal(take(&s, 50), 0);
    assert_int_equal(take(&s, 110), 1); /* the deadline passed */
    assert_int_equal(s.lease.attempt, 2);
    assert_int_not_equal(s.lease.lease, first);
    assert_int_equal(task_complete(s.db, span_text("a"), first, span_text("late"), 120), -ERR_NOT_FOUND);
    assert_int_equal(task_expire(s.db, 300), 1); /* the last attempt */
    assert_int_equal(take(&s, 100000), 0);
    assert_int_equal(control_number(&s.place, "SELECT count(*) FROM task WHERE state='failed' AND error IS NOT NULL"), 1);
    set_down(&s);
}

static void failures_wait_longer_each_time(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    assert_int_equal(put(&s, "a", 0, 30), 0);
    usec_t now = 10, wait = 60 * USEC_PER_SEC;
    for (int i = 0; i < 29; i++) {
        assert_int_equal(take(&s, now), 1);
        assert_int_equal(task_fail(s.db, span_text("a"), s.lease.lease, span_text("refused"), now), 0);
        assert_int_equal(take(&s, now + wait - 1), 0);
        now += wait;
        wait = wait * 2 < USEC_PER_DAY ? wait * 2 : USEC_PER_DAY;
    }
    assert_int_equal(take(&s, now), 1);
    assert_int_equal(task_fail(s.db, span_text("a"), s.lease.lease, span_text("refused"), now), 0);
    assert_int_equal(control_number(&s.place, "SELECT count(*) FROM task WHERE state='failed' AND error='refused'"), 1);
    set_down(&s);
}

static void results_commit_with_their_transaction(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    assert_int_equal(put(&s, "a", 0, 3), 0);
    assert_int_equal(take(&s, 10), 1);
    assert_int_equal(control_begin(s.control), 0);
    assert_int_equal(task_complete(s.db, span_text("a"), s.lease.lease, span_text("result"), 20), 0);
    control_rollback(s.control);
    assert_int_equal(control_number(&s.place, "SELECT count(*) FROM task WHERE state='leased'"), 1);
    set_down(&s);
}

static void untrue_tasks_are_refused(void **state)
{
    (void)state;
    struct setup s;
    set_up(&s);
    char long_key[TASK_KEY_MAX + 2];
    memset(long_key, 'k', sizeof long_key - 1);
    long_key[sizeof long_key - 1] = '\0';
    assert_int_equal(put(&s, long_key, 0, 3), -ERR_LIMIT);
    assert_int_equal(put(&s, "", 0, 3), -ERR_LIMIT);
    assert_int_equal(put(&s, "a", 0, 0), -ERR_LIMIT);
    set_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_given_once_longest_due_first),  cmocka_unit_test(completed_stays_completed),
        cmocka_unit_test(an_expired_lease_goes_to_another),      cmocka_unit_test(failures_wait_longer_each_time),
        cmocka_unit_test(results_commit_with_their_transaction), cmocka_unit_test(untrue_tasks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
