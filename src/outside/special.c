#include "outside/special.h"

#include <pthread.h>

static const struct special specials[] = {
#define SPECIAL(prefix, name, source) {(prefix), (name), (source)},
#include "outside/special.def"
#undef SPECIAL
};

enum { SPECIAL_COUNT = sizeof specials / sizeof specials[0] };

/* The same as numbers: looked at twice for every connection. */
static struct {
    uint64_t high, low, high_mask, low_mask;
} masks[SPECIAL_COUNT];
static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static uint64_t be64(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

static uint64_t mask_of(unsigned bits)
{
    return bits == 0 ? 0 : bits >= 64 ? UINT64_MAX : UINT64_MAX << (64 - bits);
}

static void prepare(void)
{
    for (size_t i = 0; i < SPECIAL_COUNT; i++) {
        struct prefix p;
        if (prefix_parse(span_text(specials[i].prefix), &p) != 0)
            p = (struct prefix){.bits = 0}; /* a slip in the table refuses everything */
        masks[i].high = be64(p.addr.bytes);
        masks[i].low = be64(p.addr.bytes + 8);
        masks[i].high_mask = mask_of(p.bits);
        masks[i].low_mask = p.bits > 64 ? mask_of(p.bits - 64U) : 0;
    }
}

const struct special *special_find(struct addr a)
{
    (void)pthread_once(&prepared, prepare);
    uint64_t high = be64(a.bytes), low = be64(a.bytes + 8);
    bool v4 = addr_is_v4(a);
    for (size_t i = 0; i < SPECIAL_COUNT; i++) {
        /* IPv4 is written inside ::/8 here, which must not refuse it. */
        if (v4 && masks[i].low_mask == 0 && masks[i].high_mask != 0)
            continue;
        if ((high & masks[i].high_mask) == masks[i].high && (low & masks[i].low_mask) == masks[i].low)
            return &specials[i];
    }
    return NULL;
}

bool special_embedded(struct addr a, struct addr *ret)
{
    static const uint8_t teredo[4] = {0x20, 0x01, 0, 0}, nat64[12] = {0, 0x64, 0xff, 0x9b};
    uint32_t v4 = 0;
    size_t at = 12;
    bool inverted = false;
    if (addr_is_v4(a))
        return false;
    if (a.bytes[0] == 0x20 && a.bytes[1] == 0x02)
        at = 2;
    else if (memcmp(a.bytes, teredo, sizeof teredo) == 0)
        inverted = true; /* its low bits are the client's, every bit turned round */
    else if (memcmp(a.bytes, nat64, sizeof nat64) != 0)
        return false;
    for (size_t i = 0; i < 4; i++)
        v4 = v4 << 8 | a.bytes[at + i];
    *ret = addr_v4(inverted ? ~v4 : v4);
    return true;
}
