/* Lists of networks: any bytes. A network that a line states must be held, line by line and in the whole list; what is held was stated. */
#include "outside/list.h"

#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span text = span_of(data, len), left = text;
    struct list *list = NULL;
    struct list_error bad[4];
    size_t bad_count = 0, good = 0, wrong = 0;
    MUST(list_read(&list, "fuzz", text, &bad_count, bad, 4) == 0);
    for (size_t i = 0; i < bad_count && i < 4; i++)
        MUST(bad[i].line > 0 && memchr(bad[i].text, 0, sizeof bad[i].text) != NULL);
    if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        left = span_part(left, 3, len);
    while (left.len > 0) {
        struct span line = span_part(left, 0, span_find(left, '\n'));
        struct prefix p;
        int r = list_line(line, &p);
        left = span_part(left, line.len + 1, left.len);
        wrong += r < 0;
        if (r != 0)
            continue;
        good++;
        MUST(prefix_holds(p, p.addr) && list_holds(list, p.addr) && list_covers(list, p));
        for (unsigned bit = p.bits; bit < 128; bit++)
            p.addr.bytes[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
        MUST(list_holds(list, p.addr));
    }
    MUST(good == list_networks(list) && wrong == bad_count);
    if (good == 0)
        MUST(!list_holds(list, addr_v4(0x01020304)));
    list_free(list);
    return 0;
}
