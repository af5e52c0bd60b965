/*
 * How fast fingerprints are matched, and what the worst banner costs: fingerprint RULES RECOG EXAMPLES.jsonl [TRIES].
 *
 * The corpus is recog's own examples of the files that a field of ours reads; each is matched as in use, with captures, evidence in an arena.
 * Then hostile banners of 4 KiB are made of the rules' expressions and examples (repeated, cut, mixed, repeated characters), and the
 * slowest is named. Times are CPU time of this process. Prints one JSON object.
 */
#include "analyse/device/compile.h"
#include "analyse/device/rules.h"
#include "base/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { HOSTILE_SIZE = 4096, CORPUS_MAX = 16384, SEED_MAX = 40 };

struct banner {
    enum device_field field;
    struct span text;
};

static struct banner corpus[CORPUS_MAX];
static size_t corpus_count;
static struct arena memory;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct span decode(const char *base64)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = 0, size = strlen(base64);
    uint8_t *bytes = arena_alloc(&memory, size + 1);
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; bytes != NULL && i < size; i++) {
        const char *letter = strchr(letters, base64[i]);
        if (letter == NULL)
            continue;
        bits = (bits << 6 | (uint32_t)(letter - letters)) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            bytes[len++] = (uint8_t)(bits >> have);
        }
    }
    return span_of(bytes, len);
}

static enum device_field field_of_file(const char *file)
{
    for (int field = 0; field < DEVICE_FIELD_COUNT; field++) {
        const char *recog = field_recog_file((enum device_field)field);
        size_t len = strlen(file);
        if (strncmp(recog, file, len) == 0 && strcmp(recog + len, ".xml") == 0)
            return (enum device_field)field;
    }
    return DEVICE_FIELD_COUNT;
}

static bool read_corpus(const char *path)
{
    FILE *file = fopen(path, "rbe");
    char *text = NULL;
    size_t size = 0;
    ssize_t len;
    if (file == NULL)
        return false;
    while (corpus_count < CORPUS_MAX && (len = getline(&text, &size, file)) > 0) {
        json_t *line = json_loadb(text, (size_t)len, JSON_ALLOW_NUL, NULL);
        if (line == NULL)
            continue;
        enum device_field field = field_of_file(json_string_value(json_object_get(line, "file")));
        if (field != DEVICE_FIELD_COUNT)
            corpus[corpus_count++] = (struct banner){.field = field, .text = decode(json_string_value(json_object_get(line, "b64")))};
        json_decref(line);
    }
    free(text);
    (void)fclose(file);
    return corpus_count > 0;
}

static double rate(const struct device_rules *rules, unsigned rounds, size_t *ret_evidence)
{
    struct evidence evidence[DEVICE_EVIDENCE_MAX];
    struct arena arena;
    double start = now();
    *ret_evidence = 0;
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < corpus_count; i++) {
            arena_init(&arena, 1024 * 1024);
            *ret_evidence += device_match(rules, corpus[i].field, corpus[i].text, &arena, evidence, DEVICE_EVIDENCE_MAX);
            arena_done(&arena);
        }
    }
    return (double)rounds * (double)corpus_count / (now() - start);
}

/* ---- hostile banners ---- */

static uint64_t state = 88172645463325252;

static size_t random_below(size_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % n);
}

/* The literal beginning of an expression: what a match needs first. */
static size_t literal_of(struct span regex, uint8_t *to, size_t max)
{
    size_t len = 0;
    for (size_t i = 0; i < regex.len && len < max; i++) {
        uint8_t c = regex.at[i];
        if (c == '\\' && i + 1 < regex.len) {
            c = regex.at[++i];
            if (c == 'd')
                c = '1';
            else if (c == 's')
                c = ' ';
            else if (c == 'w' || c == 'S')
                c = 'a';
            else if (c == 'r')
                c = '\r';
            else if (c == 'n')
                c = '\n';
            else if (c == 'x' && i + 2 < regex.len && text_unhex(span_part(regex, i + 1, 2), &c, 1) == 0)
                i += 2;
        } else if (strchr("^$*+?()[]{}|", c) != NULL) {
            continue;
        }
        to[len++] = c == '.' ? 'a' : c;
    }
    return len;
}

static void fill(uint8_t *banner, const uint8_t *seed, size_t len)
{
    for (size_t i = 0; i < HOSTILE_SIZE; i++)
        banner[i] = seed[i % len];
}

/* One of several kinds of hostile text on one field. */
static void make_hostile(const struct device_rules *rules, enum device_field field, uint8_t *banner)
{
    static const char fillers[] = "aA1 -/.:_=\"'<>()\n\t\\x";
    const struct field_rules *f = &rules->fields[field];
    const struct pattern *pattern = &rules->patterns[(size_t)(f->rules - rules->rules) + random_below(f->count)];
    const struct banner *example = &corpus[random_below(corpus_count)];
    for (int i = 0; i < 64 && example->field != field; i++)
        example = &corpus[random_below(corpus_count)];
    uint8_t seed[SEED_MAX * 4];
    size_t len = literal_of(pattern->regex, seed, 1 + random_below(SEED_MAX));
    size_t kind = random_below(7);
    uint8_t filler = (uint8_t)fillers[random_below(sizeof fillers - 1)];
    if (len == 0)
        seed[len++] = filler;
    if (kind == 1)
        seed[len++] = filler;
    if (kind == 2 && example->text.len > 0) {
        len = example->text.len < sizeof seed ? example->text.len : sizeof seed;
        memcpy(seed, example->text.at, len);
    }
    fill(banner, seed, len);
    if (kind == 3) /* a beginning, then one character for ever */
        memset(banner + len, filler, HOSTILE_SIZE - len);
    if (kind == 4 && example->text.len > 0) { /* much of nothing, then a match at the very end */
        size_t tail = example->text.len < HOSTILE_SIZE / 2 ? example->text.len : HOSTILE_SIZE / 2;
        if (random_below(2) == 0 && example->text.len > 1) { /* the same beginning over and over */
            len = 1 + random_below(example->text.len < sizeof seed ? example->text.len - 1 : sizeof seed - 1);
            memcpy(seed, example->text.at, len);
        }
        fill(banner, seed, 1 + random_below(len));
        memcpy(banner + HOSTILE_SIZE - tail, example->text.at, tail);
    }
    if (kind == 5) { /* the literals of many rules, one behind the other */
        for (size_t at = 0; at < HOSTILE_SIZE;) {
            const struct pattern *p = &rules->patterns[(size_t)(f->rules - rules->rules) + random_below(f->count)];
            size_t n = literal_of(p->regex, seed, HOSTILE_SIZE - at < sizeof seed ? HOSTILE_SIZE - at : sizeof seed);
            memcpy(banner + at, seed, n);
            at += n;
            if (at < HOSTILE_SIZE)
                banner[at++] = random_below(2) == 0 ? '\n' : filler;
        }
    }
    for (size_t i = 0; kind == 6 && i < 16; i++)
        banner[random_below(HOSTILE_SIZE)] = (uint8_t)random_below(256);
}

struct worst {
    double seconds;
    enum device_field field;
    char text[64];
};

/* The least of three times: what the machine did beside is no cost of the banner. */
static double cost(const struct device_rules *rules, enum device_field field, struct span text)
{
    struct evidence evidence[DEVICE_EVIDENCE_MAX];
    double least = 1e9;
    for (int i = 0; i < 3; i++) {
        struct arena arena;
        arena_init(&arena, 1024 * 1024);
        double start = now();
        (void)device_match(rules, field, text, &arena, evidence, DEVICE_EVIDENCE_MAX);
        double took = now() - start;
        arena_done(&arena);
        least = took < least ? took : least;
        if (least < 0.001)
            break;
    }
    return least;
}

static struct worst find_worst(const struct device_rules *rules, size_t tries)
{
    struct worst worst = {0};
    uint8_t banner[HOSTILE_SIZE];
    for (size_t i = 0; i < tries; i++) {
        enum device_field field = (enum device_field)random_below(DEVICE_FIELD_COUNT);
        if (rules->fields[field].count == 0)
            continue;
        make_hostile(rules, field, banner);
        double took = cost(rules, field, span_of(banner, sizeof banner));
        if (took > worst.seconds) {
            worst.seconds = took;
            worst.field = field;
            for (size_t k = 0; k + 1 < sizeof worst.text; k++)
                worst.text[k] = banner[k] >= ' ' && banner[k] < 0x7f ? (char)banner[k] : '.';
        }
    }
    return worst;
}

static int measure(struct span image, const struct device_compiled *compiled, size_t tries)
{
    struct device_rules *rules;
    size_t evidence = 0;
    if (device_open(&rules, image) != 0)
        return 1;
    (void)rate(rules, 1, &evidence);
    /* The best of several passes is what it costs; the least says how much the machine did beside. */
    unsigned rounds = 10;
    double each = 0, least = 1e18;
    for (int pass = 0; pass < 12; pass++) {
        double now_rate = rate(rules, rounds, &evidence);
        each = now_rate > each ? now_rate : each;
        least = now_rate < least ? now_rate : least;
    }
    struct worst worst = find_worst(rules, tries);
    json_t *out =
        json_pack("{s:i, s:i, s:i, s:i, s:f, s:f, s:i, s:f, s:s, s:s}", "own", (int)compiled->own, "recog", (int)compiled->recog, "banners",
                  (int)corpus_count, "evidence", (int)(evidence / rounds), "banners_per_cpu_second", each, "slowest_pass", least, "hostile_banners",
                  (int)tries, "worst_milliseconds", worst.seconds * 1000, "worst_field", field_text(worst.field), "worst_begins", worst.text);
    (void)json_dumpf(out, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    (void)printf("\n");
    json_decref(out);
    device_close(rules);
    return 0;
}

int main(int argc, char **argv)
{
    struct buf image;
    struct device_compiled compiled;
    struct conf_error error;
    if (argc < 4)
        return 2;
    arena_init(&memory, (size_t)64 * 1024 * 1024);
    if (!read_corpus(argv[3])) {
        (void)fprintf(stderr, "fingerprint: %s cannot be read\n", argv[3]);
        return 1;
    }
    buf_init(&image, 0);
    if (device_compile_sources(&(struct device_sources){.own = argv[1], .recog = argv[2], .nmap = getenv("NOROSHI_NMAP")},
                               getenv("NOROSHI_FINGERPRINT_CACHE"), &image, &compiled, &error) != 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    int status = measure(buf_as_span(&image), &compiled, argc > 4 ? strtoul(argv[4], NULL, 10) : 50000);
    buf_done(&image);
    arena_done(&memory);
    return status;
}
