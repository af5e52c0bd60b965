/* Answers become DEVICE records: whole banners from blobs, the same ids when judged again; over day files, as the role does it. */
#include "analyse/identify.h"
#include "analyse/follow.h"
#include "base/err.h"
#include "record/wire.h"
#include "settings.h"
#include "store/store.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define START (INT64_C(1715299200) * USEC_PER_SEC)

static const char rules[] = "rules:\n"
                            "  - name: acme-recorder\n"
                            "    on: telnet.banner\n"
                            "    match: 'Acme Recorder (X[0-9]+)'\n"
                            "    class: dvr\n"
                            "    maker: Acme\n"
                            "    model: $1\n"
                            "    examples: ['Acme Recorder X100']\n";

struct stage {
    char folder[64];
    struct conf *settings;
    struct buf image;
    struct identify *identify;
};

static void stage_init(struct stage *s)
{
    struct conf_error error = {0};
    struct device_compiled compiled;
    char text[160];
    *s = (struct stage){.folder = "/tmp/noroshi-identify-XXXXXX"};
    assert_non_null(mkdtemp(s->folder));
    (void)snprintf(text, sizeof text, "%s/rules", s->folder);
    assert_int_equal(mkdir(text, 0700), 0);
    (void)snprintf(text, sizeof text, "%s/rules/acme.yaml", s->folder);
    FILE *file = fopen(text, "w");
    assert_non_null(file);
    assert_true(fputs(rules, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(conf_parse(&s->settings, "test", span_text("{}"), settings_schema(), &error), 0);
    (void)snprintf(text, sizeof text, "fingerprint.rules=%s/rules", s->folder);
    assert_int_equal(conf_override(s->settings, text, &error), 0);
    (void)snprintf(text, sizeof text, "store.folder=%s/data", s->folder);
    assert_int_equal(conf_override(s->settings, text, &error), 0);
    buf_init(&s->image, 0);
    if (device_compile(s->settings, NULL, &s->image, &compiled, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(identify_new(&s->identify, buf_as_span(&s->image)), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static void stage_done(struct stage *s)
{
    identify_free(s->identify);
    buf_done(&s->image);
    conf_free(s->settings);
    (void)nftw(s->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct record answer(struct fact *facts, struct span banner)
{
    static const uint8_t digest[10] = {7};
    facts[0] = fact_text(FACT_EVENT_OUTCOME, span_text("success"));
    facts[1] = fact_text(FACT_NETWORK_PROTOCOL, span_text("telnet"));
    facts[2] = fact_text(FACT_PROBE, span_text("telnet"));
    facts[3] = fact_text(FACT_BANNER, banner);
    return (struct record){.id = id_digest(START, span_of(digest, sizeof digest)),
                           .time = START,
                           .sensor = span_text("s"),
                           .kind = KIND_ANSWER,
                           .transport = TRANSPORT_TCP,
                           .destination = {addr_v4(0xc0000205U), 23},
                           .facts = facts,
                           .fact_count = 4};
}

static void check(struct span frames, size_t expected, const struct record *of)
{
    struct cursor c = cursor_of(frames);
    for (size_t i = 0; i < expected; i++) {
        struct record device;
        struct fact facts[RECORD_FACTS_MAX];
        assert_int_equal(wire_decode(&c, &device, facts), 0);
        assert_int_equal(device.kind, KIND_DEVICE);
        assert_true(id_equal(device.session, of->id));
        assert_true(addr_equal(device.destination.addr, of->destination.addr));
        assert_int_equal(device.destination.port, 23);
        assert_int_equal(device.time, of->time);
        assert_true(span_is(record_fact(&device, FACT_DEVICE_CLASS)->text, "dvr"));
        assert_true(span_is(record_fact(&device, FACT_DEVICE_MAKER)->text, "Acme"));
        assert_true(span_is(record_fact(&device, FACT_DEVICE_MODEL)->text, "X117"));
        assert_true(span_is(record_fact(&device, FACT_RULE)->text, "acme-recorder"));
        assert_true(span_is(record_fact(&device, FACT_NETWORK_PROTOCOL)->text, "telnet"));
    }
    assert_int_equal(cursor_left(&c), 0);
}

static void an_answer_names_its_device(void **state)
{
    (void)state;
    struct stage s;
    struct fact facts[RECORD_FACTS_MAX];
    struct buf once, twice;
    size_t count = 0;
    stage_init(&s);
    buf_init(&once, 0);
    buf_init(&twice, 0);
    struct record known = answer(facts, span_text("\xff\xfd\x01\xff\xfb\x03\r\nAcme Recorder X117\r\nlogin: "));
    assert_int_equal(identify_record(s.identify, &known, &once, &count), 0);
    assert_int_equal(count, 1);
    check(buf_as_span(&once), 1, &known);
    assert_int_equal(identify_record(s.identify, &known, &twice, &count), 0);
    assert_true(span_equal(buf_as_span(&once), buf_as_span(&twice)));
    buf_clear(&once);
    struct record unknown = answer(facts, span_text("Somebody else's login: "));
    assert_int_equal(identify_record(s.identify, &unknown, &once, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(once.len, 0);
    unknown.fact_count = 0;
    assert_int_equal(identify_record(s.identify, &unknown, &once, &count), 0);
    buf_done(&once);
    buf_done(&twice);
    identify_free(NULL);
    stage_done(&s);
}

static int look(void *user, const struct record *record, struct buf *frames, size_t *ret_count)
{
    return identify_record(user, record, frames, ret_count);
}

/* A banner above 64 KiB lies in a blob. */
static void large_banners_are_read_back(void **state)
{
    (void)state;
    struct stage s;
    struct fact facts[RECORD_FACTS_MAX];
    struct store *store = NULL;
    struct buf why, banner, frames, tasks;
    stage_init(&s);
    buf_init(&why, 0);
    buf_init(&banner, 0);
    buf_init(&frames, 0);
    buf_init(&tasks, 0);
    buf_text(&banner, "Acme Recorder X117\r\n");
    while (banner.len < 90 * 1024)
        buf_text(&banner, "and so on and so on\r\n");
    if (store_open(&store, s.settings, &why) != 0)
        fail_msg("%s", buf_cstr(&why));
    struct record large = answer(facts, buf_as_span(&banner));
    assert_int_equal(store_put(store, &large), 0);
    assert_int_equal(store_commit(store), 0);
    struct engine *engine = NULL;
    assert_int_equal(engine_new(&engine, NULL, 0, NULL), 0);
    struct follow follow;
    struct follow_day *day = NULL;
    size_t findings = 0;
    follow_init(&follow, conf_text(s.settings, "store.folder"), engine);
    follow_looks(&follow, look, s.identify, IDENTIFY_KINDS);
    assert_int_equal(follow_committed(&follow, START, 1), 0);
    assert_int_equal(follow_step(&follow, 100, &frames, &tasks, &findings, &day), 1);
    assert_int_equal(findings, 1);
    check(buf_as_span(&frames), 1, &large);
    assert_int_equal(day->followed, 1);
    follow_done(&follow);
    engine_free(engine);
    store_close(store);
    buf_done(&why);
    buf_done(&banner);
    buf_done(&frames);
    buf_done(&tasks);
    stage_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_names_its_device),
        cmocka_unit_test(large_banners_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
