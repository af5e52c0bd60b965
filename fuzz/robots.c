/* robots.txt: the first byte's answer, a path up to a NUL, then the text. */
#include "contact/robots.h"

#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena arena;
    struct robots robots;
    if (len == 0)
        return 0;
    struct span rest = span_of(data + 1, len - 1);
    struct span path = span_part(rest, 0, span_find(rest, 0));
    struct span text = span_part(rest, path.len + 1, rest.len);
    arena_init(&arena, 16 * 1024 * 1024);
    int status = (data[0] % 6) * 100;
    if (robots_by_status(&arena, span_text("noroshi"), status, text, &robots) == 0) {
        MUST(robots.count <= ROBOTS_RULES_MAX);
        bool allow = robots_allow(&robots, path);
        MUST(status != 400 || allow);
        MUST(status != 500 || !allow);
    }
    arena_done(&arena);
    return 0;
}
