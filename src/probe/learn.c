#include "probe/learn.h"

#include "base/text.h"

void learn_text(struct talk *talk, enum fact_name name, struct span text)
{
    if (text.len == 0)
        return;
    struct buf out;
    buf_init(&out, 0);
    text_to_utf8(&out, span_part(text, 0, LEARN_TEXT_MAX));
    if (out.error == 0)
        talk_fact(talk, fact_text(name, buf_as_span(&out)));
    buf_done(&out);
}

void learn_line(struct buf *lines, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    buf_text(lines, name);
    buf_text(lines, ": ");
    for (size_t i = 0; i < value.len && i < LEARN_TEXT_MAX; i++)
        buf_byte(lines, value.at[i] == '\r' || value.at[i] == '\n' ? ' ' : value.at[i]);
    buf_byte(lines, '\n');
}

void learn_detail(struct talk *talk, const struct buf *lines)
{
    struct span all = span_part(buf_as_span(lines), 0, LEARN_DETAIL_MAX);
    if (lines->error != 0 || all.len == 0)
        return;
    struct buf out;
    buf_init(&out, 0);
    text_to_utf8(&out, span_part(all, 0, all.at[all.len - 1] == '\n' ? all.len - 1 : all.len));
    if (out.error == 0)
        talk_fact(talk, fact_text(FACT_DETAIL, buf_as_span(&out)));
    buf_done(&out);
}
