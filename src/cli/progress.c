#include "cli/progress.h"

#include "base/buf.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { BAR_WIDTH = 30, EVERY_USEC = 100 * 1000 };

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
