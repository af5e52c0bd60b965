/*
 * The telnet service: the first byte chooses the device and how the rest is cut. Whatever comes, what is said in one piece and in many
 * must be the same.
 */
#include "../test/talk/conn.h"
#include "../test/talk/device.h"

#include "target.h"

static struct talk *play(const struct profile *device, struct span stream, size_t piece)
{
    static const struct endpoint peer = {.addr = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7}}, .port = 40000};
    struct talk *talk = talk_new(service_by_name(span_text("telnet")), device, peer);
    talk->output_max = 1024 * 1024;
    for (size_t at = 0; at < stream.len; at += piece) {
        /* An exact copy, so that a read past the end is seen by the sanitizer. */
        struct span part = span_part(stream, at, piece);
        uint8_t *copy = malloc(part.len);
        if (copy == NULL)
            abort();
        memcpy(copy, part.at, part.len);
        talk_input(talk, span_of(copy, part.len));
        free(copy);
    }
    talk_close(talk);
    return talk;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2 || len > 16 * 1024)
        return 0;
    const struct profile *device = (data[0] & 1) != 0 ? &device_cli : &device_ash;
    struct span stream = span_of(data + 1, len - 1);
    struct talk *whole = play(device, stream, stream.len);
    struct talk *cut = play(device, stream, 1 + (data[0] >> 1) % 32);
    bool limited = whole->reason == REASON_OUTPUT || cut->reason == REASON_OUTPUT;
    if (!limited && (!span_equal(buf_as_span(&whole->output), buf_as_span(&cut->output)) ||
                     !span_equal(buf_as_span(&whole->facts), buf_as_span(&cut->facts)) || whole->reason != cut->reason))
        abort();
    talk_free(whole);
    talk_free(cut);
    return 0;
}
