#include "base/log.h"

#include "base/text.h"
#include "base/usec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096, WHO_MAX = 31, LINES_PER_SECOND = 100, LEVELS = LOG_LEVEL_ERROR + 1 };

static const char *const level_names[LEVELS] = {"debug", "info", "warning", "error"};

/* A process has one log; what it is called and what it held back belong to the process. */
static struct {
    char who[WHO_MAX + 1];
    enum log_level least;
    bool terminal;
    struct {
        usec_t since; /* start of the second being counted */
        unsigned written, held_back;
    } rate[LEVELS];
} state = {.least = LOG_LEVEL_INFO};

void log_open(const char *who, enum log_level least)
{
    size_t len = strnlen(who, WHO_MAX);
    memcpy(state.who, who, len);
    state.who[len] = '\0';
    state.least = least;
    state.terminal = isatty(STDERR_FILENO) == 1;
}

/* Whether a line of this level may be written now. */
static bool permitted(enum log_level level)
{
    usec_t now = usec_monotonic();
    if (now - state.rate[level].since >= USEC_PER_SEC) {
        state.rate[level].since = now;
        state.rate[level].written = 0;
    }
    if (state.rate[level].written >= LINES_PER_SECOND) {
        state.rate[level].held_back++;
        return false;
    }
    state.rate[level].written++;
    return true;
}

static void put_head(struct buf *line, enum log_level level)
{
    if (!state.terminal || state.least == LOG_LEVEL_DEBUG) {
        char time[USEC_TEXT_SIZE];
        buf_printf(line, "%s ", usec_print(usec_now(), time));
        text_escape(line, span_text(state.who[0] != '\0' ? state.who : "noroshi"));
        buf_byte(line, ' ');
    }
    buf_printf(line, "%s: ", level_names[level]);
}

/* Writes the whole of it; a log that can't be written is no reason to stop. */
static void write_out(struct span text)
{
    while (text.len > 0) {
        ssize_t got = write(STDERR_FILENO, text.at, text.len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        text = span_part(text, (size_t)got, text.len);
    }
}

/* A line that is too long is cut at a character's border and ends with an ellipsis. */
static void cut(struct buf *line, size_t max)
{
    static const char ellipsis[] = " ...";
    if (line->len <= max)
        return;
    size_t keep = max - strlen(ellipsis);
    while (keep > 0 && (line->data[keep] & 0xc0) == 0x80)
        keep--;
    line->len = keep;
    buf_text(line, ellipsis);
}

__attribute__((format(printf, 2, 0))) static void put(enum log_level level, const char *format, va_list args)
{
    if (level < state.least)
        return;
    int saved_errno = errno;
    if (!permitted(level)) {
        errno = saved_errno;
        return;
    }
    char text[LINE_MAX_BYTES];
    int len = vsnprintf(text, sizeof text, format, args);
    if (len < 0)
        len = 0;
    struct buf line;
    buf_init(&line, (size_t)LINE_MAX_BYTES * 12); /* an escape is at most ten times as long as its byte; the head is short */
    put_head(&line, level);
    if (state.rate[level].held_back > 0) {
        buf_printf(&line, "(%u lines held back) ", state.rate[level].held_back);
        state.rate[level].held_back = 0;
    }
    text_escape(&line, span_of(text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1));
    cut(&line, LINE_MAX_BYTES - 1);
    buf_byte(&line, '\n');
    if (line.error == 0)
        write_out(buf_as_span(&line));
    buf_done(&line);
    errno = saved_errno;
}

void log_debug(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(LOG_LEVEL_DEBUG, format, args);
    va_end(args);
}

void log_info(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(LOG_LEVEL_INFO, format, args);
    va_end(args);
}

void log_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(LOG_LEVEL_WARNING, format, args);
    va_end(args);
}

void log_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(LOG_LEVEL_ERROR, format, args);
    va_end(args);
}
