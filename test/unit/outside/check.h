/* What the unit tests of this folder share: a policy from settings as text. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "outside/dial.h"
#include "settings.h"

#include <stdio.h>

#define NAMED "operator: {organisation: Example CSIRT, mail: abuse@csirt.example, page: \"https://csirt.example/probing\"}\n"

/* 2026-11-20T12:00:00Z */
#define NOON (INT64_C(1795176000) * USEC_PER_SEC)

static inline struct addr ip(const char *text)
{
    struct addr a = {.bytes = {0}};
    if (addr_parse(span_text(text), &a) != 0)
        fail_msg("%s is no address", text);
    return a;
}

static inline struct conf *settings_of(const char *yaml)
{
    struct conf *conf = NULL;
    struct conf_error error;
    if (conf_parse(&conf, "test", span_text(yaml), settings_schema(), &error) != 0)
        fail_msg("%s", error.text);
    return conf;
}

/* With empty lists read. */
static inline struct dial *policy(const char *yaml)
{
    struct dial *dial = NULL;
    struct conf_error error;
    struct conf *conf = settings_of(yaml);
    size_t bad = 0;
    if (dial_new(&dial, conf, &error) != 0)
        fail_msg("%s", error.text);
    conf_free(conf);
    assert_int_equal(dial_lists(dial, (struct span){0}, (struct span){0}, &bad, NULL, 0), 0);
    return dial;
}

static inline struct dial_request to(const char *addr, uint16_t port)
{
    return (struct dial_request){.to = {.addr = ip(addr), .port = port}, .transport = TRANSPORT_TCP, .care = CARE_POLITE};
}

static inline void check_answer(struct dial *dial, struct dial_request request, usec_t now, enum dial_verdict verdict, enum denial why)
{
    struct dial_answer answer = dial_ask(dial, &request, now, false);
    if (answer.verdict != verdict || answer.why != why)
        fail_msg("verdict %d because of \"%s\" instead of %d because of \"%s\"", (int)answer.verdict, denial_text(answer.why), (int)verdict,
                 denial_text(why));
}
