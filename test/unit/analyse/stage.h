/* What tests of rules share: an engine with one rule, records made of little, and what came of them. */
#pragma once

#include "analyse/engine.h"
#include "base/err.h"
#include "probe/order.h"
#include "record/wire.h"
#include "settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define START (INT64_C(1715299200) * USEC_PER_SEC)

enum { SEEN_MAX = 4096 };

struct seen_task {
    char key[ORDER_KEY_SIZE];
    usec_t due;
    struct order order;
};

struct stage {
    struct engine *engine;
    struct background background;
    struct buf frames, tasks;
    size_t findings, task_count;
    char finding[64], evidence[600]; /* of the last finding */
    int64_t count;
    struct id id;
    struct endpoint source, destination;
    struct seen_task task[SEEN_MAX];
};

static inline const struct rule *stage_rule(const char *name)
{
    size_t count;
    const struct rule *const *rules = rules_all(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rules[i]->name, name) == 0)
            return rules[i];
    }
    fail_msg("no rule %s", name);
    return NULL;
}

static inline struct stage *stage_new(const char *rule)
{
    struct stage *s = calloc(1, sizeof *s);
    assert_non_null(s);
    const struct rule *const rules[] = {stage_rule(rule)};
    assert_int_equal(engine_new(&s->engine, rules, 1, &s->background), 0);
    buf_init(&s->frames, 0);
    buf_init(&s->tasks, 0);
    return s;
}

static inline void stage_free(struct stage *s)
{
    engine_free(s->engine);
    buf_done(&s->frames);
    buf_done(&s->tasks);
    free(s);
}

static inline void stage_copy(char *to, size_t size, const struct fact *fact)
{
    assert_non_null(fact);
    (void)snprintf(to, size, "%.*s", (int)fact->text.len, (const char *)fact->text.at);
}

static inline void stage_take_tasks(struct stage *s)
{
    struct cursor c = cursor_of(buf_as_span(&s->tasks));
    while (cursor_left(&c) > 0) {
        assert_true(s->task_count < SEEN_MAX);
        struct seen_task *task = &s->task[s->task_count++];
        struct span key = cursor_take(&c, cursor_be16(&c)), kind = cursor_take(&c, cursor_be16(&c));
        task->due = (usec_t)cursor_be64(&c);
        struct span input = cursor_take(&c, cursor_be32(&c));
        assert_int_equal(c.error, 0);
        assert_true(span_is(kind, ORDER_TASK_KIND));
        assert_int_equal(order_decode(input, &task->order), 0);
        char expected[ORDER_KEY_SIZE];
        (void)order_key(&task->order, expected);
        assert_true(span_is(key, expected));
        (void)snprintf(task->key, sizeof task->key, "%s", expected);
    }
}

/* Findings of this record; the tasks are added to those seen. */
static inline size_t stage_judge(struct stage *s, const struct record *record)
{
    size_t findings = 0;
    buf_clear(&s->frames);
    buf_clear(&s->tasks);
    assert_int_equal(engine_judge(s->engine, record, &s->frames, &s->tasks, &findings), 0);
    struct cursor c = cursor_of(buf_as_span(&s->frames));
    for (size_t i = 0; i < findings; i++) {
        struct record finding;
        struct fact facts[RECORD_FACTS_MAX];
        assert_int_equal(wire_decode(&c, &finding, facts), 0);
        assert_int_equal(finding.kind, KIND_FINDING);
        stage_copy(s->finding, sizeof s->finding, record_fact(&finding, FACT_FINDING));
        stage_copy(s->evidence, sizeof s->evidence, record_fact(&finding, FACT_EVIDENCE));
        const struct fact *count = record_fact(&finding, FACT_COUNT);
        s->count = count != NULL ? count->number : 0;
        s->id = finding.id;
        s->source = finding.source;
        s->destination = finding.destination;
    }
    assert_int_equal(cursor_left(&c), 0);
    stage_take_tasks(s);
    s->findings += findings;
    return findings;
}

/* An id that is the same for the same time and number. */
static inline struct id stage_id(usec_t time, uint64_t number)
{
    uint8_t digest[10] = {0};
    for (size_t i = 0; i < 8; i++)
        digest[2 + i] = (uint8_t)(number >> (8 * (7 - i)));
    return id_digest(time, span_of(digest, sizeof digest));
}

static inline struct record stage_record(enum kind kind, uint32_t source, usec_t time, const struct fact *facts, size_t count)
{
    return (struct record){.id = stage_id(time, (uint64_t)source << 8 | kind),
                           .time = time,
                           .sensor = span_text("s"),
                           .kind = kind,
                           .transport = TRANSPORT_TCP,
                           .source = {addr_v4(source), 40000},
                           .destination = {addr_v4(0xcb007101U), 23},
                           .facts = facts,
                           .fact_count = count};
}
