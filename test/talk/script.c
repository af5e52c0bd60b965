#include "script.h"

#include "base/text.h"
#include "bot.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rbe");
    char *text = calloc(1, 65536);
    if (file == NULL || text == NULL)
        abort();
    if (fread(text, 1, 65535, file) == 0)
        abort();
    (void)fclose(file);
    return text;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct script *)a)->name, ((const struct script *)b)->name);
}

struct scripts *scripts_read(const char *folder, char *problem, size_t size)
{
    DIR *dir = opendir(folder);
    struct scripts *scripts = calloc(1, sizeof *scripts);
    if (dir == NULL || scripts == NULL) {
        (void)snprintf(problem, size, "%s can't be read", folder);
        free(scripts);
        return NULL;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[512];
        size_t len = strlen(entry->d_name);
        if (len < 6 || strcmp(entry->d_name + len - 5, ".talk") != 0)
            continue;
        scripts->all = reallocarray(scripts->all, scripts->count + 1, sizeof *scripts->all);
        if (scripts->all == NULL)
            abort();
        struct script *script = &scripts->all[scripts->count];
        (void)snprintf(script->name, sizeof script->name, "%.*s", (int)(len - 5), entry->d_name);
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        script->text = read_file(path);
        scripts->count++;
    }
    (void)closedir(dir);
    if (scripts->count > 0)
        qsort(scripts->all, scripts->count, sizeof *scripts->all, by_name);
    return scripts;
}

void scripts_free(struct scripts *scripts)
{
    for (size_t i = 0; i < scripts->count; i++)
        free(scripts->all[i].text);
    free(scripts->all);
    free(scripts);
}

/* The whole login, as often as the device wants it. */
static void put_login(struct buf *out, const struct profile *profile)
{
    for (unsigned i = 0; i < bot_tries(profile); i++) {
        if (profile->login_prompt.len > 0) {
            buf_span(out, bot_user(profile));
            buf_text(out, "\r\n");
        }
        buf_span(out, bot_password(profile));
        buf_text(out, "\r\n");
    }
}

static bool put_name(struct buf *out, const char *name, size_t len, const struct profile *profile)
{
    if (len == 5 && memcmp(name, "login", 5) == 0) {
        put_login(out, profile);
        return true;
    }
    const struct {
        const char *name;
        struct span value;
    } names[] = {{"user", bot_user(profile)},
                 {"password", bot_password(profile)},
                 {"prompt", profile->prompt},
                 {"login_prompt", profile->login_prompt},
                 {"password_prompt", profile->password_prompt},
                 {"failed", profile->failed}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i].name) == len && memcmp(names[i].name, name, len) == 0) {
            buf_span(out, names[i].value);
            return true;
        }
    }
    return false;
}

static size_t put_escape(struct buf *out, const char *at)
{
    static const char from[] = "rntb0\\", to[] = "\r\n\t\b\0\\";
    uint8_t byte;
    const char *hit = at[1] != '\0' ? strchr(from, at[1]) : NULL;
    if (hit != NULL) {
        buf_byte(out, (uint8_t)to[hit - from]);
        return 2;
    }
    if (at[1] == 'x' && text_unhex(span_of(at + 2, strnlen(at + 2, 2)), &byte, 1) == 0) {
        buf_byte(out, byte);
        return 4;
    }
    buf_byte(out, '\\');
    return 1;
}

/* A line's text as bytes. */
static void expand(struct buf *out, const char *text, size_t len, const struct profile *profile)
{
    for (size_t i = 0; i < len;) {
        if (text[i] == '\\') {
            i += put_escape(out, text + i);
            continue;
        }
        const char *close = text[i] == '{' ? memchr(text + i, '}', len - i) : NULL;
        if (close != NULL && put_name(out, text + i + 1, (size_t)(close - text) - i - 1, profile)) {
            i = (size_t)(close - text) + 1;
            continue;
        }
        buf_byte(out, (uint8_t)text[i]);
        i++;
    }
}

static bool holds(struct span in, struct span part)
{
    return part.len == 0 || (in.len > 0 && memmem(in.at, in.len, part.at, part.len) != NULL);
}

static bool device_fits(const char *text, size_t len, const struct profile *profile)
{
    bool want = len == 0 || text[0] != '!';
    struct span name = span_of(want ? text : text + 1, want ? len : len - 1);
    while (name.len > 0 && name.at[0] == ' ')
        name = span_part(name, 1, name.len);
    if (span_is(name, "ash") || span_is(name, "cli"))
        return ((profile->shell == LOGIN_SHELL_ASH) == span_is(name, "ash")) == want;
    if (span_is(name, "once"))
        return (bot_tries(profile) == 1 && profile->login_prompt.len > 0) == want;
    if (span_is(name, "list"))
        return (profile->auth == AUTH_LIST && profile->login_prompt.len > 0) == want;
    return profile_has_applet(profile, name) == want;
}

struct run {
    const struct script *script;
    const struct profile *profile;
    struct talk *talk;
    struct buf *sent;
    size_t mark;
    char *problem;
    size_t size;
};

static int fail(struct run *run, unsigned number, const char *what, struct span expected, struct span got)
{
    struct buf a = {0}, b = {0};
    text_escape(&a, expected);
    text_escape(&b, span_part(got, 0, 200));
    (void)snprintf(run->problem, run->size, "line %u: %s \"%s\" in \"%s\"", number, what, buf_cstr(&a), buf_cstr(&b));
    buf_done(&a);
    buf_done(&b);
    return -1;
}

static int one(struct run *run, unsigned number, char kind, struct span text)
{
    struct span heard = span_part(buf_as_span(&run->talk->output), run->mark, SIZE_MAX);
    if (kind == '>') {
        run->mark = run->talk->output.len;
        buf_span(run->sent, text);
        talk_input(run->talk, text);
    } else if (kind == '<' && !holds(heard, text)) {
        return fail(run, number, "no", text, heard);
    } else if (kind == '!' && holds(heard, text)) {
        return fail(run, number, "there is", text, heard);
    }
    return 0;
}

/* Calls `each` for the lines until one fails; lines behind a `?` that does not fit this device are left out. */
static int walk(struct run *run, int (*each)(struct run *, unsigned, char, struct span))
{
    unsigned number = 0;
    bool fits = true;
    for (const char *at = run->script->text; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        struct buf text = {0};
        size_t skip = len > 1 && at[1] == ' ' ? 2 : 1;
        int r = 0;
        number++;
        if (len > 0 && at[0] == '?')
            fits = device_fits(at + 1 + (at[1] == ' '), len - 1 - (at[1] == ' '), run->profile);
        else if (len >= skip && at[0] != '#' && fits) {
            expand(&text, at + skip, len - skip, run->profile);
            r = each(run, number, at[0], buf_as_span(&text));
        }
        buf_done(&text);
        if (r != 0)
            return r;
        at += len + (at[len] == '\n');
    }
    return 0;
}

int script_play(const struct script *script, const struct profile *profile, struct talk *talk, struct buf *sent, char *problem, size_t size)
{
    struct run run = {.script = script, .profile = profile, .talk = talk, .sent = sent, .problem = problem, .size = size};
    return walk(&run, one);
}

static int one_fact(struct run *run, unsigned number, char kind, struct span text)
{
    struct span facts = buf_as_span(&run->talk->facts);
    return kind != '=' || holds(facts, text) ? 0 : fail(run, number, "no fact", text, facts);
}

int script_check_facts(const struct script *script, const struct profile *profile, const struct talk *talk, char *problem, size_t size)
{
    struct talk copy = *talk;
    struct run run = {.script = script, .profile = profile, .talk = &copy, .problem = problem, .size = size};
    return walk(&run, one_fact);
}
