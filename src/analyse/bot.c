/*
 * Which bot speaks, from the lines it gives to the shell. Sure marks (bots.def) name it at once. Else the form of the dialogue does: scanners
 * of Mirai's kind open a shell by enable, system, shell, sh and prove it by asking busybox, in a line of its own, for an applet
 * that can't exist. Hajime asks the same but together with `cat /proc/mounts`, and is named by what follows.
 */
#include "analyse/rule.h"

enum { TOKEN_LEAST = 4, TOKEN_MOST = 12, OPENERS_LEAST = 2 };

enum named { NAMED_NOT, NAMED_FORM, NAMED_SURE };

struct state {
    uint8_t openers; /* bits: enable, system, shell, sh, linuxshell */
    uint8_t named;   /* enum named: a surer name may follow */
};

static const struct mark {
    const char *bot, *text;
} marks[] =
    {
#define MARK(bot, text) {(bot), (text)},
#define TOKEN(bot, word)
#include "analyse/bots.def"
#undef MARK
#undef TOKEN
},
  tokens[] = {
#define MARK(bot, text)
#define TOKEN(bot, word) {(bot), (word)},
#include "analyse/bots.def"
#undef MARK
#undef TOKEN
};

static bool holds(struct span line, const char *text)
{
    return memmem(line.at, line.len, text, strlen(text)) != NULL;
}

/* The first line-like command of the line has no leading or trailing blanks. */
static struct span trim(struct span s)
{
    while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = span_part(s, 1, s.len);
    while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == ';' || s.at[s.len - 1] == '\t'))
        s = span_part(s, 0, s.len - 1);
    return s;
}

/* The word of capitals (and digits) after "busybox ", up to the line's end or a separator; empty when there is none. */
static struct span token_of(struct span line, bool *ret_alone)
{
    static const char busybox[] = "busybox ";
    struct span rest = line;
    *ret_alone = span_starts(line, "/bin/busybox ") || span_starts(line, "busybox ");
    while (rest.len > 0) {
        const uint8_t *hit = memmem(rest.at, rest.len, busybox, sizeof busybox - 1);
        if (hit == NULL)
            break;
        rest = span_part(rest, (size_t)(hit - rest.at) + sizeof busybox - 1, rest.len);
        size_t len = 0;
        while (len < rest.len && ((rest.at[len] >= 'A' && rest.at[len] <= 'Z') || (len > 0 && rest.at[len] >= '0' && rest.at[len] <= '9')))
            len++;
        bool ends =
            len == rest.len || rest.at[len] == ';' || rest.at[len] == ' ' || rest.at[len] == '\r' || rest.at[len] == '&' || rest.at[len] == '|';
        if (len >= TOKEN_LEAST && len <= TOKEN_MOST && ends) {
            *ret_alone = *ret_alone && len == rest.len;
            return span_part(rest, 0, len);
        }
    }
    return (struct span){0};
}

static void say(const struct view *view, struct verdict *verdict, const char *bot, enum named how, struct span line)
{
    struct state *state = view->state;
    if (state->named >= how)
        return;
    state->named = (uint8_t)how;
    verdict->finding = bot;
    verdict_evidence(verdict, "", line);
}

static bool opener(struct state *state, struct span line)
{
    static const char *const words[] = {"enable", "system", "shell", "sh", "linuxshell"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (span_is(line, words[i])) {
            state->openers = (uint8_t)(state->openers | 1U << i);
            return true;
        }
    }
    return false;
}

static void judge(const struct view *view, const struct record *record, struct verdict *verdict)
{
    struct state *state = view->state;
    const struct fact *command = record_fact(record, FACT_COMMAND_LINE);
    if (command == NULL || state->named == NAMED_SURE)
        return;
    struct span line = trim(command->text);
    if (line.len == 0 || opener(state, line))
        return;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (holds(line, marks[i].text)) {
            say(view, verdict, marks[i].bot, NAMED_SURE, line);
            return;
        }
    }
    bool alone;
    struct span token = token_of(line, &alone);
    for (size_t i = 0; token.len > 0 && i < sizeof tokens / sizeof tokens[0]; i++) {
        if (span_is(token, tokens[i].text)) {
            say(view, verdict, tokens[i].bot, NAMED_SURE, line);
            return;
        }
    }
    if (token.len > 0 && alone && __builtin_popcount(state->openers) >= OPENERS_LEAST)
        say(view, verdict, "mirai-like", NAMED_FORM, line);
}

const struct rule rule_bot = {
    .name = "bot",
    .help = "names the bot whose dialogue a session is: mirai, mirai-like, hajime, gafgyt, mozi; the evidence is the line that gave it away",
    .wants = UINT64_C(1) << KIND_COMMAND,
    .by = RULE_BY_SESSION,
    .state_size = sizeof(struct state),
    .states_max = 32768,
    .judge = judge,
};
