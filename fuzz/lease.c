/*
 * What the store sends to reach: pieces of u8 kind (0 LEASE, 1 SPENT, 3 REGISTRIES, else an order alone) · u16 length · body. Orders that can be read
 * are written the same again; the visits that leases become keep their bounds and all end, since nothing may be sent (outside.dry_run).
 */
#include "probe/order.h"
#include "reach/budgets.h"
#include "reach/parts.h"
#include "settings.h"

#include "target.h"

#include <sys/mman.h>
#include <unistd.h>

static const char settings[] = "operator: {organisation: Example CSIRT, mail: abuse@csirt.example, page: \"https://csirt.example/probing\"}\n"
                               "outside: {dry_run: true}\n"
                               "probe: {ics: true, ics_ports: [502, 47808/udp], interval: 0s, tap: false}\n";

static uv_loop_t loop;
static struct reach *reach;
static int ring = -1;

/* An empty journal. */
static struct journal *journal_anew(void)
{
    struct journal *journal;
    MUST(ftruncate(ring, 0) == 0 && ftruncate(ring, JOURNAL_RING_LEAST + 4096) == 0);
    MUST(journal_open(&journal, ring, -1, 0) == 0);
    return journal;
}

static void begin(void)
{
    struct conf *conf;
    struct conf_error error;
    MUST(conf_parse(&conf, "fuzz", span_text(settings), settings_schema(), &error) == 0);
    MUST(uv_loop_init(&loop) == 0);
    ring = memfd_create("journal", MFD_CLOEXEC);
    const struct reach_config config = {.loop = &loop, .settings = conf, .journal = journal_anew(), .tap_fd = -1};
    MUST(reach_new(&reach, &config, &error) == 0);
    reach_lists(reach, (struct span){0}, (struct span){0});
}

static void check_visit(const struct visit *v)
{
    MUST(v->port_count <= VISIT_PORTS_MAX && v->key.len > 0);
    for (size_t i = 0; i < v->port_count; i++) {
        MUST(v->ports[i].probe != NULL && v->ports[i].port != 0 && !v->ports[i].asked);
        for (size_t k = 0; k < i; k++)
            MUST(v->ports[i].port != v->ports[k].port || v->ports[i].probe->over != v->ports[k].probe->over);
    }
}

static void one_order(struct span input)
{
    struct order order;
    if (order_decode(input, &order) != 0)
        return;
    struct buf again;
    char key[ORDER_KEY_SIZE];
    buf_init(&again, 0);
    order_encode(&again, &order);
    MUST(again.error == 0 && span_equal(buf_as_span(&again), input));
    MUST(strlen(order_key(&order, key)) < sizeof key && order.count <= ORDER_PORTS_MAX);
    buf_done(&again);
}

static void one_registry(void *user, const struct registry_count *one)
{
    static const struct whois_server facts = {.per_day = 1000, .personal_per_day = 100, .per_second_milli = 1000, .at_once = 2};
    int64_t now = budget_clock(usec_now(), 1), when = 0;
    struct budget budget;
    (void)user;
    MUST(one->server.len > 0 && one->hour_count <= REGISTRIES_HOURS_MAX && one->away_until >= one->away_from);
    budget_init(&budget, &facts);
    for (size_t i = 0; i < one->hour_count; i++)
        budget_add(&budget, one->hours[i].hour, one->hours[i].questions, one->hours[i].personal);
    if (budget_ask(&budget, now, &when) == BUDGET_LATER)
        MUST(when > now);
}

static void one_registries(struct span body)
{
    bool end;
    (void)registries_read(body, one_registry, NULL, &end);
}

static void one_message(uint8_t kind, struct span body)
{
    if (kind == 0 && lease_take(reach, body) == 0) {
        for (size_t i = 0; i <= reach->table_mask; i++) {
            for (const struct visit *v = reach->table[i]; v != NULL; v = v->bucket_next) {
                for (const struct visit *at = v; at != NULL; at = at->behind)
                    check_visit(at);
            }
        }
    } else if (kind == 1) {
        (void)spent_take(reach, body);
    } else if (kind == 3) {
        one_registries(body);
    } else {
        one_order(body);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (reach == NULL)
        begin();
    struct cursor c = cursor_of(span_of(data, len));
    reach_clock(reach);
    for (unsigned i = 0; i < 64 && cursor_left(&c) > 0; i++) {
        uint8_t kind = cursor_u8(&c);
        size_t size = cursor_be16(&c);
        struct span body = cursor_take(&c, size < cursor_left(&c) ? size : cursor_left(&c));
        /* A copy of its own, so that a read behind it is seen. */
        uint8_t *copy = malloc(body.len > 0 ? body.len : 1);
        MUST(copy != NULL);
        if (body.len > 0)
            memcpy(copy, body.at, body.len);
        one_message(kind, span_of(copy, body.len));
        free(copy);
    }
    reach->spent_known = true;
    while (reach->ready.first != NULL) {
        if (!journal_fits(reach->config.journal, JOURNAL_SPARE)) {
            journal_free(reach->config.journal);
            reach->config.journal = journal_anew();
        }
        (void)visits_pump(reach);
    }
    MUST(reach->visits == 0 && reach->open == 0 && reach->full.first == NULL && reach->deadlines.count == 0);
    reach->spent_known = false;
    return 0;
}
