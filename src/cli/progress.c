#include "cli/progress.h"

#include "base/buf.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { BAR_WIDTH = 30, NAME_SHOWN = 40, EVERY_USEC = 100 * 1000 };

void progress_init(struct progress *p, const struct invocation *invocation)
{
    *p = (struct progress){.wanted = !invocation->quiet && isatty(STDERR_FILENO) == 1};
}

bool progress_due(const struct progress *p)
{
    return p->wanted && usec_monotonic() >= p->next;
}

void progress_draw(struct progress *p, uint64_t done, uint64_t all, const char *format, ...)
{
    struct buf raw, out;
    buf_init(&raw, 0);
    buf_init(&out, 0);
    va_list args;
    va_start(args, format);
    buf_vprintf(&raw, format, args);
    va_end(args);
    text_escape(&out, buf_as_span(&raw));
    fputs("\r\033[K", stderr);
    if (all > 0) {
        double share = done < all ? (double)done / (double)all : 1;
        int full = (int)(share * BAR_WIDTH);
        fprintf(stderr, "[%.*s%*s] %3d %%  ", full, "##############################", BAR_WIDTH - full, "", (int)(share * 100));
    }
    fputs(buf_cstr(&out), stderr);
    buf_done(&raw);
    buf_done(&out);
    p->shown = true;
    p->next = usec_monotonic() + EVERY_USEC;
}

void progress_clear(struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}

void progress_draw_bytes(struct progress *p, uint64_t done, uint64_t all, const char *name)
{
    if (!progress_due(p))
        return;
    if (all > 0 && done <= all)
        progress_draw(p, done, all, "%.*s", NAME_SHOWN, name);
    else
        progress_draw(p, 0, 0, "%.1f MiB  %.*s", (double)done / (1 << 20), NAME_SHOWN, name);
}

void progress_say(struct progress *p, const char *file, uint64_t line, const char *why)
{
    struct buf out;
    progress_clear(p);
    buf_init(&out, 0);
    text_escape(&out, span_text(file));
    if (line > 0)
        buf_printf(&out, ":%llu", (unsigned long long)line);
    buf_text(&out, ": ");
    text_escape(&out, span_text(why));
    fprintf(stderr, "noroshi: %s\n", buf_cstr(&out));
    buf_done(&out);
}
