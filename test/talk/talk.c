/*
 * Plays every transcript (test/talk/transcripts) and every bot against every device of conf/profiles: once as it happened, then the same bytes
 * in one piece, byte by byte, and cut in two. Answers and facts must be the same each time.
 *
 *   talk [PROFILE …]      NOROSHI_EVERY_CUT=1: every place of two pieces on each device; else the places are shared among the devices
 *                         NOROSHI_SHOW=1: the whole conversation of what failed
 */
#include "base/text.h"
#include "bot.h"
#include "script.h"

#include <stdio.h>
#include <stdlib.h>

struct tally {
    unsigned dialogues, runs, failures, closed;
};

static void report(struct tally *tally, const char *what, const struct profile *profile, const struct talk *talk, const char *problem)
{
    struct buf text = {0};
    tally->failures++;
    (void)fprintf(stderr, "%s on %.*s: %s\n", what, (int)profile->name.len, (const char *)profile->name.at, problem);
    if (getenv("NOROSHI_SHOW") == NULL)
        return;
    text_escape_lines(&text, buf_as_span(&talk->output));
    buf_byte(&text, '\n');
    buf_span(&text, buf_as_span(&talk->facts));
    (void)fprintf(stderr, "%s\n", buf_cstr(&text));
    buf_done(&text);
}

/* Where two texts part, with what stands there. */
static void difference(char *to, size_t size, const char *what, struct span a, struct span b)
{
    struct buf text = {0};
    size_t at = 0;
    while (at < a.len && at < b.len && a.at[at] == b.at[at])
        at++;
    size_t from = at > 30 ? at - 30 : 0;
    text_escape(&text, span_part(a, from, 90));
    buf_text(&text, "\" against \"");
    text_escape(&text, span_part(b, from, 90));
    (void)snprintf(to, size, "%s differs at byte %zu: \"%s\"", what, at, buf_cstr(&text));
    buf_done(&text);
}

/* Sends the stream cut at `cut` (0: one piece; SIZE_MAX: byte by byte) and compares; false when it differs. */
static bool same(const struct talk *first, const struct profile *profile, struct span stream, size_t cut, char *problem, size_t size)
{
    char where[64];
    struct talk *talk = bot_connect(profile);
    if (cut == SIZE_MAX) {
        for (size_t i = 0; i < stream.len; i++)
            talk_input(talk, span_part(stream, i, 1));
        (void)snprintf(where, sizeof where, "byte by byte: ");
    } else {
        talk_input(talk, span_part(stream, 0, cut));
        talk_input(talk, span_part(stream, cut, stream.len));
        (void)snprintf(where, sizeof where, "cut at %zu: ", cut);
    }
    talk_close(talk);
    bool good = true;
    problem[0] = '\0';
    size_t len = (size_t)snprintf(problem, size, "%s", where);
    if (!span_equal(buf_as_span(&first->output), buf_as_span(&talk->output))) {
        difference(problem + len, size - len, "the answer", buf_as_span(&first->output), buf_as_span(&talk->output));
        good = false;
    } else if (!span_equal(buf_as_span(&first->facts), buf_as_span(&talk->facts))) {
        difference(problem + len, size - len, "what is stated", buf_as_span(&first->facts), buf_as_span(&talk->facts));
        good = false;
    } else if (first->reason != talk->reason) {
        (void)snprintf(problem + len, size - len, "ends by \"%s\", not \"%s\"", reason_text(talk->reason), reason_text(first->reason));
        good = false;
    }
    talk_free(talk);
    return good;
}

static void cut_everywhere(struct tally *tally, const char *what, const struct profile *profile, size_t place, size_t places,
                           const struct talk *first, struct span stream)
{
    char problem[512];
    if (getenv("NOROSHI_EVERY_CUT") != NULL)
        places = 1;
    if (!same(first, profile, stream, 0, problem, sizeof problem) || !same(first, profile, stream, SIZE_MAX, problem, sizeof problem)) {
        report(tally, what, profile, first, problem);
        return;
    }
    tally->runs += 2;
    for (size_t cut = 1 + place % places; cut < stream.len; cut += places) {
        tally->runs++;
        if (!same(first, profile, stream, cut, problem, sizeof problem)) {
            report(tally, what, profile, first, problem);
            return;
        }
    }
}

static void play_bots(struct tally *tally, const struct profile *profile, size_t place, size_t places)
{
    for (size_t i = 0; i < bot_count; i++) {
        struct bot bot;
        bot_play(&bot, &bots[i], profile, place);
        talk_close(bot.talk);
        tally->dialogues++;
        if (bot.problem[0] != '\0')
            report(tally, bots[i].name, profile, bot.talk, bot.problem);
        else
            cut_everywhere(tally, bots[i].name, profile, place, places, bot.talk, buf_as_span(&bot.sent));
        bot_done(&bot);
    }
}

static void play_script(struct tally *tally, const struct script *script, const struct profile *profile, size_t place, size_t places)
{
    char problem[512];
    struct buf sent = {0};
    struct talk *talk = bot_connect(profile);
    tally->dialogues++;
    int r = script_play(script, profile, talk, &sent, problem, sizeof problem);
    talk_close(talk);
    if (r == 0)
        r = script_check_facts(script, profile, talk, problem, sizeof problem);
    if (r != 0)
        report(tally, script->name, profile, talk, problem);
    else
        cut_everywhere(tally, script->name, profile, place, places, talk, buf_as_span(&sent));
    talk_free(talk);
    buf_done(&sent);
}

static bool wanted(const struct profile *profile, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (span_is(profile->name, argv[i]))
            return true;
    }
    return argc < 2;
}

int main(int argc, char **argv)
{
    struct buf image = {0};
    struct conf_error error = {{0}};
    struct profiles *profiles;
    struct tally tally = {0};
    if (profiles_compile("conf/profiles", &image, &error) != 0 || profiles_open(&profiles, buf_as_span(&image)) != 0) {
        (void)fprintf(stderr, "conf/profiles: %s\n", error.text);
        return 1;
    }
    struct scripts *scripts = scripts_read("test/talk/transcripts", error.text, sizeof error.text);
    if (scripts == NULL) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    size_t count = profiles_count(profiles);
    for (size_t p = 0; p < count; p++) {
        const struct profile *profile = profiles_at(profiles, p);
        if (!wanted(profile, argc, argv))
            continue;
        size_t places = argc < 2 ? count : 1;
        if (bot_tries(profile) == 0) {
            tally.closed++;
            continue;
        }
        play_bots(&tally, profile, p, places);
        for (size_t s = 0; s < scripts->count; s++)
            play_script(&tally, &scripts->all[s], profile, p, places);
    }
    (void)printf("%zu devices (%u let nobody in), %u dialogues, %u runs of them cut, %u failures\n", count, tally.closed, tally.dialogues, tally.runs,
                 tally.failures);
    scripts_free(scripts);
    profiles_close(profiles);
    buf_done(&image);
    return tally.failures > 0 || tally.dialogues == 0;
}
