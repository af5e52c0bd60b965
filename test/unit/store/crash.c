/* A store that dies at any moment loses nothing it had committed, keeps nothing twice, and its rollups say what its rows say. */
#include "make.h"

#include <poll.h>
#include <signal.h>

#define ROLLUPS "SELECT ifnull(sum(connections),0)+ifnull(sum(logins),0)+ifnull(sum(commands),0)+ifnull(sum(others),0) FROM rollup_source"
#define TEXTS "SELECT ifnull((SELECT sum(n) FROM rollup_command),0)"

static void put_command(struct store *store, usec_t time, uint64_t number)
{
    char line[64];
    (void)snprintf(line, sizeof line, "/bin/busybox T%03u", (unsigned)(number % 300));
    struct fact facts[] = {fact_text(FACT_COMMAND_LINE, span_text(line)), fact_text(FACT_NETWORK_PROTOCOL, span_text("telnet"))};
    struct record record = record_of(KIND_COMMAND, time, number);
    record.facts = facts;
    record.fact_count = 2;
    int r = store_put(store, &record);
    if (r < 0)
        _exit(9);
}

enum step { STEP_PUT, STEP_COMMIT, STEP_FLUSH, STEP_MORE_PUT };

/* A child does some steps and dies without a word. */
static void die_after(const struct place *place, enum step last)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = store_at(place);
        for (uint64_t i = 0; i < 500; i++)
            put_command(store, DAY_ZERO + (usec_t)(i % 2) * USEC_PER_DAY + (usec_t)i, i);
        if (last >= STEP_COMMIT && store_commit(store) != 0)
            _exit(9);
        if (last >= STEP_FLUSH && store_flush(store) != 0)
            _exit(9);
        for (uint64_t i = 500; i < 600 && last >= STEP_MORE_PUT; i++)
            put_command(store, DAY_ZERO + (usec_t)i, i);
        if (last >= STEP_MORE_PUT && store_commit(store) != 0)
            _exit(9);
        (void)raise(SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void check_after(const struct place *place, int64_t rows)
{
    struct store *store = store_at(place);
    store_close(store);
    int64_t kept = 0;
    if (file_there(place, "days/2024-05-10.db"))
        kept = day_number(place, "2024-05-10", "SELECT count(*) FROM command") + day_number(place, "2024-05-11", "SELECT count(*) FROM command");
    assert_int_equal(kept, rows);
    assert_int_equal(control_number(place, ROLLUPS), rows);
    assert_int_equal(control_number(place, TEXTS), rows);
    assert_int_equal(control_number(place, "SELECT ifnull(sum(records),0) FROM day"), rows);
    assert_int_equal(control_number(place, "SELECT ifnull(sum(n),0) FROM rollup_service"), rows);
}

static void dies_at_each_step(void **state)
{
    (void)state;
    static const int64_t rows[] = {[STEP_PUT] = 0, [STEP_COMMIT] = 500, [STEP_FLUSH] = 500, [STEP_MORE_PUT] = 600};
    for (int last = STEP_PUT; last <= STEP_MORE_PUT; last++) {
        struct place place = place_make(NULL);
        die_after(&place, (enum step)last);
        check_after(&place, rows[last]);
        /* Delivered again, as after a death before the acknowledgement. */
        struct store *store = store_at(&place);
        for (uint64_t i = 0; i < 600; i++)
            put_command(store, DAY_ZERO + (i < 500 ? (usec_t)(i % 2) * USEC_PER_DAY : 0) + (usec_t)i, i);
        assert_int_equal(store_commit(store), 0);
        store_close(store);
        check_after(&place, 600);
        place_done(&place);
    }
}

/* The control database goes back in time (as power loss may do: its last commits need not be on disk) or is lost. */
static void control_database_is_lost(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    die_after(&place, STEP_MORE_PUT);
    check_after(&place, 600);
    char path[PATH_MAX];
    static const char *const parts[] = {"control.db", "control.db-wal", "control.db-shm"};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", place.folder, parts[i]);
        (void)unlink(path);
    }
    check_after(&place, 600);
    assert_int_equal(control_number(&place, "SELECT count(*) FROM sensor WHERE name='sensor-1' AND number=1"), 1);
    place_done(&place);
}

/* A child commits batches and says through a pipe up to where; the parent kills it whenever. */
static void ingest_until_killed(const struct place *place, int out, uint64_t from)
{
    struct store *store = store_at(place);
    for (uint64_t at = from;;) {
        for (uint64_t i = 0; i < 200; i++, at++)
            put_command(store, DAY_ZERO + (usec_t)(at % 3) * USEC_PER_DAY + (usec_t)at, at);
        if (store_commit(store) != 0)
            _exit(9);
        if (at % 2000 == 0 && store_flush(store) != 0)
            _exit(9);
        if (write(out, &at, sizeof at) != (ssize_t)sizeof at)
            _exit(0);
    }
}

static void killed_twenty_times(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    uint64_t acknowledged = 0;
    for (unsigned round = 0; round < 20; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)close(ends[0]);
            ingest_until_killed(&place, ends[1], acknowledged);
        }
        (void)close(ends[1]);
        /* Half of them die whenever, perhaps while opening; the others after their first commit. */
        struct pollfd first = {.fd = ends[0], .events = POLLIN};
        if (round % 2 == 0)
            assert_int_equal(poll(&first, 1, 30000), 1);
        (void)usleep(2000 + round * 7919 % 60000);
        (void)kill(child, SIGKILL);
        int status = 0;
        (void)waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        uint64_t at;
        while (read(ends[0], &at, sizeof at) == (ssize_t)sizeof at)
            acknowledged = at;
        (void)close(ends[0]);
    }
    assert_true(acknowledged > 0);
    struct store *store = store_at(&place);
    store_close(store);
    int64_t kept = 0, below = 0;
    static const char *const days[] = {"2024-05-10", "2024-05-11", "2024-05-12"};
    char sql[128];
    /* Numbers are the last bytes of the ids. */
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM command WHERE substr(id,9)<x'%016llx'", (unsigned long long)acknowledged);
    for (size_t i = 0; i < 3; i++) {
        kept += day_number(&place, days[i], "SELECT count(*) FROM command");
        below += day_number(&place, days[i], sql);
        assert_int_equal(day_number(&place, days[i], "SELECT count(*)-count(DISTINCT id) FROM command"), 0);
    }
    assert_int_equal(below, acknowledged);
    assert_int_equal(control_number(&place, ROLLUPS), kept);
    assert_int_equal(control_number(&place, TEXTS), kept);
    place_done(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dies_at_each_step),
        cmocka_unit_test(control_database_is_lost),
        cmocka_unit_test(killed_twenty_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
