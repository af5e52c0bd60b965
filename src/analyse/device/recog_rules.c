/*
 * recog's prints as rules on a field. recog tells hardware, operating system and service apart; a device's maker is the hardware's, else the
 * operating system's when that is said to be a device's, never that of a program that runs on anything.
 */
#include "analyse/device/recog.h"
#include "analyse/device/rules.h"

#include <errno.h>
#include <stdio.h>

enum { RECOG_CERTAINTY = 70, SERVER_CERTAINTY = 25 };

static const struct {
    const char *word, *class_;
} devices[] = {
#define DEVICE(word, class) {(word), (class)},
#include "analyse/device/recog_devices.def"
#undef DEVICE
};

/* Operating systems of general purpose computers: their vendor is not a device's maker. */
static const char *const computers[] = {"Microsoft", "Ubuntu",    "Debian", "FreeBSD", "Red Hat", "Linux",    "CentOS", "Fedora Project", "SCO",
                                        "OpenBSD",   "NetBSD",    "Novell", "SuSE",    "SUSE",    "Raspbian", "Amazon", "Turbolinux",     "Gentoo",
                                        "Mandriva",  "Slackware", "Alpine", "Proxmox", "Oracle",  "Sun",      "Apple",  "Mandrake",       "Yocto"};

static bool is_computer(struct span vendor)
{
    for (size_t i = 0; i < sizeof computers / sizeof computers[0]; i++) {
        if (span_is(vendor, computers[i]))
            return true;
    }
    return false;
}

static struct span class_of(const struct recog_param *device)
{
    for (size_t i = 0; device != NULL && device->capture == 0 && i < sizeof devices / sizeof devices[0]; i++) {
        if (span_is(device->value, devices[i].word))
            return span_text(devices[i].class_);
    }
    return (struct span){0};
}

/* The first of the params that is there becomes a value; ends with NULL. */
static int take(struct drafts *d, const struct recog_print *print, const char *const *names, struct span *ret)
{
    const struct recog_param *param = NULL;
    for (; *names != NULL && param == NULL; names++)
        param = recog_param(print, *names);
    if (param == NULL)
        return 0;
    struct buf text;
    buf_init(&text, TEMPLATE_MAX);
    int r = recog_template(print, param, &text);
    const char *copy = r == 0 ? arena_copy(&d->arena, buf_as_span(&text)) : NULL;
    if (copy != NULL)
        *ret = span_of(copy, text.len);
    buf_done(&text);
    return r == 0 && copy == NULL ? -ENOMEM : 0; /* a value that is too long is left out */
}

static bool has_hardware(const struct recog_print *print)
{
    for (size_t i = 0; i < print->param_count; i++) {
        if (span_starts(print->params[i].name, "hw.") && !span_is(print->params[i].name, "hw.certainty"))
            return true;
    }
    return false;
}

static bool mentions(struct span text, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (memcmp(text.at + i, word, len) == 0)
            return true;
    }
    return false;
}

static bool same_vendor(const struct recog_print *print, const char *one, const char *other)
{
    const struct recog_param *a = recog_param(print, one), *b = recog_param(print, other);
    return a != NULL && b != NULL && a->capture == b->capture && span_equal(a->value, b->value);
}

static int read_honeypot(struct drafts *d, const struct recog_print *print, struct draft *draft)
{
    if (!mentions(print->description, "oneypot"))
        return 0;
    int r = take(d, print, (const char *const[]){"service.product", NULL}, &draft->values[VALUE_HONEYPOT]);
    if (draft->values[VALUE_HONEYPOT].len == 0)
        draft->values[VALUE_HONEYPOT] = span_text("unnamed");
    return r;
}

static int read_values(struct drafts *d, const struct recog_print *print, struct draft *draft)
{
    struct span *v = draft->values;
    const struct recog_param *os_vendor = recog_param(print, "os.vendor"), *os_device = recog_param(print, "os.device");
    bool computer = os_vendor != NULL && is_computer(os_vendor->value), hardware = has_hardware(print);
    v[VALUE_CLASS] = class_of(recog_param(print, "hw.device"));
    if (v[VALUE_CLASS].len == 0)
        v[VALUE_CLASS] = class_of(os_device);
    bool device = hardware || v[VALUE_CLASS].len > 0;
    int r = take(d, print, (const char *const[]){"hw.vendor", NULL}, &v[VALUE_MAKER]);
    if (r == 0 && v[VALUE_MAKER].len == 0 && !computer)
        r = take(d, print, (const char *const[]){"os.vendor", NULL}, &v[VALUE_MAKER]);
    if (r == 0 && v[VALUE_MAKER].len == 0 && device && !computer)
        r = take(d, print, (const char *const[]){"service.vendor", NULL}, &v[VALUE_MAKER]);
    if (r == 0 && device)
        r = take(d, print, (const char *const[]){"hw.product", "hw.model", NULL}, &v[VALUE_MODEL]);
    if (r == 0 && v[VALUE_MAKER].len > 0 && !computer)
        r = take(d, print, (const char *const[]){"hw.version", "os.version", NULL}, &v[VALUE_FIRMWARE]);
    if (r == 0 && v[VALUE_FIRMWARE].len == 0 && same_vendor(print, "hw.vendor", "service.vendor"))
        r = take(d, print, (const char *const[]){"service.version", NULL}, &v[VALUE_FIRMWARE]);
    if (r == 0)
        r = read_honeypot(d, print, draft);
    draft->certainty = (uint8_t)(print->certainty > 0 ? print->certainty : RECOG_CERTAINTY);
    if (v[VALUE_CLASS].len == 0 && computer && !hardware) {
        v[VALUE_CLASS] = span_text("server"); /* a guess: many devices run the same */
        draft->certainty = SERVER_CERTAINTY;
    }
    return r;
}

static int read_examples(struct drafts *d, const struct recog_print *print, struct draft *draft)
{
    if (print->example_count == 0)
        return 0;
    struct example *examples = arena_alloc(&d->arena, print->example_count * sizeof *examples);
    if (examples == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < print->example_count; i++) {
        const struct recog_example *from = &print->examples[i];
        struct example *to = &examples[i];
        *to = (struct example){.text = from->text, .must_match = true, .line = print->line};
        for (size_t a = 0; a < from->attribute_count; a++) {
            const struct recog_param *param = NULL;
            for (size_t p = 0; p < print->param_count; p++) {
                if (span_equal(print->params[p].name, from->attributes[a].name))
                    param = &print->params[p];
            }
            if (param == NULL || param->capture == 0 || to->captured_count == PATTERN_CAPTURES)
                continue;
            to->captured[to->captured_count].capture = (uint8_t)param->capture;
            to->captured[to->captured_count++].text = from->attributes[a].value;
        }
    }
    draft->examples = examples;
    draft->example_count = print->example_count;
    return 0;
}

int recog_drafts(struct drafts *d, int field, const char *file, struct span xml, size_t *ret_left_out, struct conf_error *error)
{
    struct recog_file read = {0};
    const char *slash = strrchr(file, '/'), *base = slash != NULL ? slash + 1 : file;
    const char *copy = arena_copy(&d->arena, span_text(file));
    int r = copy != NULL ? recog_read(&d->arena, file, xml, &read, error) : -ENOMEM;
    *ret_left_out += r == 0 ? read.unreadable : 0;
    for (size_t i = 0; r == 0 && i < read.count; i++) {
        const struct recog_print *print = &read.prints[i];
        char name[DEVICE_TEXT_MAX];
        snprintf(name, sizeof name, "recog:%s:%.*s", base, (int)(print->description.len < 90 ? print->description.len : 90),
                 (const char *)print->description.at);
        struct draft *draft = drafts_add(d);
        if (draft == NULL)
            return -ENOMEM;
        struct span clean;
        const char *kept = arena_copy(&d->arena, span_text(name));
        r = kept != NULL ? value_clean(span_text(kept), &d->arena, &clean) : -ENOMEM;
        if (r != 0)
            break;
        draft->name = clean;
        draft->field = (enum device_field)field;
        draft->pattern = print->pattern;
        draft->file = copy;
        draft->line = print->line;
        r = read_values(d, print, draft);
        if (r == 0)
            r = read_examples(d, print, draft);
    }
    return r;
}
