/*
 * Rule files. The first byte says what the rest is: '<' recog's XML, 'n' nmap's probes, 'i' pairs of a place (3 bytes) and a value that are put into
 * a good image, anything else our YAML. What is read well is compiled when it is small; an error is always one line.
 */
#include "analyse/device/compile.h"
#include "analyse/device/nmap.h"
#include "analyse/device/recog.h"
#include "analyse/device/rules.h"

#include "target.h"

enum { COMPILE_MAX = 400 }; /* bytes of YAML: Hyperscan is not what is tried here */

static void must_say_why(const struct conf_error *error)
{
    MUST(error->text[0] != '\0' && memchr(error->text, '\0', sizeof error->text) != NULL && strchr(error->text, '\n') == NULL);
}

static void read_xml(struct span xml)
{
    struct drafts drafts;
    struct conf_error error = {0};
    size_t left_out = 0;
    drafts_init(&drafts);
    if (recog_drafts(&drafts, DEVICE_FIELD_TELNET, "telnet_banners.xml", xml, &left_out, &error) != 0)
        must_say_why(&error);
    drafts_done(&drafts);
}

/* What its rules say, with captures that are pieces of the file itself. */
static void read_probes(struct span text)
{
    struct drafts drafts;
    struct conf_error error = {0};
    struct span captures[PATTERN_CAPTURES], values[VALUE_COUNT];
    size_t left_out = 0;
    drafts_init(&drafts);
    if (nmap_drafts(&drafts, "fuzz-service-probes", text, &left_out, &error) != 0)
        must_say_why(&error);
    for (int i = 0; i < PATTERN_CAPTURES; i++)
        captures[i] = span_part(text, (size_t)i * 7, (size_t)i * (size_t)i * 3);
    for (size_t i = 0; i < drafts.count; i++) {
        struct rule_view rule = {.mixed = (1 << VALUE_COUNT) - 1};
        MUST(drafts.list[i].name.len <= DEVICE_TEXT_MAX && drafts.list[i].services != 0);
        for (int v = 0; v < VALUE_COUNT; v++)
            rule.values[v] = drafts.list[i].values[v];
        if (rule_values(&rule, captures, &drafts.arena, values) != 0)
            break;
        for (int v = 0; v < VALUE_COUNT; v++)
            MUST(values[v].len <= DEVICE_TEXT_MAX && rule.values[v].len <= TEMPLATE_MAX);
    }
    drafts_done(&drafts);
}

static void read_yaml(struct span yaml)
{
    struct drafts drafts;
    struct conf_error error = {0};
    drafts_init(&drafts);
    int r = rulefile_read(&drafts, "fuzz.yaml", yaml, &error);
    if (r != 0)
        must_say_why(&error);
    size_t count = drafts.count;
    drafts_done(&drafts);
    if (r == 0 && count > 0 && yaml.len <= COMPILE_MAX) {
        struct buf image;
        struct device_compiled compiled;
        struct device_rules *rules;
        buf_init(&image, 0);
        if (device_compile_text("fuzz.yaml", yaml, &image, &compiled, &error) != 0) {
            must_say_why(&error);
        } else {
            MUST(device_open(&rules, buf_as_span(&image)) == 0);
            device_close(rules);
        }
        buf_done(&image);
    }
}

/* Only what comes before the compiled patterns: those are Hyperscan's, with a checksum of its own. */
static void open_changed(struct span changes)
{
    static struct buf image;
    static const char good[] = "rules: [{name: a, on: banner, match: '^a(b)', maker: M, model: $1, examples: [ab]},"
                               " {name: b, on: http.title, match: c, class: dvr, examples: [c]}]";
    struct conf_error error;
    struct device_compiled compiled;
    struct device_rules *rules;
    if (image.len == 0)
        MUST(device_compile_text("good.yaml", span_text(good), &image, &compiled, &error) == 0);
    uint8_t *copy = malloc(image.len);
    if (copy == NULL)
        return;
    memcpy(copy, image.data, image.len);
    for (size_t i = 0; i + 4 <= changes.len; i += 4)
        copy[((size_t)changes.at[i] << 16 | (size_t)changes.at[i + 1] << 8 | changes.at[i + 2]) % 128] = changes.at[i + 3];
    if (device_open(&rules, span_of(copy, image.len)) == 0)
        device_close(rules);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    if (data[0] == '<')
        read_xml(span_of(data, len));
    else if (data[0] == 'n')
        read_probes(span_of(data + 1, len - 1));
    else if (data[0] == 'i')
        open_changed(span_of(data + 1, len - 1));
    else
        read_yaml(span_of(data, len));
    return 0;
}
