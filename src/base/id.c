#include "base/id.h"

#include "base/err.h"

#include <stdlib.h>
#include <sys/random.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static struct id with_time(usec_t time)
{
    uint64_t msec = time > 0 ? (uint64_t)(time / USEC_PER_MSEC) : 0;
    if (msec >> 48 != 0)
        msec = (UINT64_C(1) << 48) - 1;
    struct id id = {0};
    for (size_t i = 0; i < 6; i++)
        id.bytes[i] = (uint8_t)(msec >> (8 * (5 - i)));
    return id;
}

/* getrandom() in blocks: one system call for 64 identifiers. A fork is no concern, since roles are fork + exec. */
static void random_bytes(uint8_t *to, size_t len)
{
    static uint8_t pool[640];
    static size_t left;
    if (left < len) {
        size_t have = 0;
        while (have < sizeof pool) {
            ssize_t got = getrandom(pool + have, sizeof pool - have, 0);
            if (got > 0)
                have += (size_t)got;
        }
        left = sizeof pool;
    }
    memcpy(to, pool + sizeof pool - left, len);
    left -= len;
}

struct id id_new(usec_t time)
{
    struct id id = with_time(time);
    random_bytes(id.bytes + 6, 10);
    return id;
}

struct id id_digest(usec_t time, struct span digest)
{
    struct id id = with_time(time);
    size_t len = digest.len < 10 ? digest.len : 10;
    memcpy(id.bytes + 6, digest.at, len);
    return id;
}

usec_t id_time(struct id id)
{
    uint64_t msec = 0;
    for (size_t i = 0; i < 6; i++)
        msec = msec << 8 | id.bytes[i];
    return (usec_t)msec * USEC_PER_MSEC;
}

char *id_print(struct id id, char text[static ID_TEXT_SIZE])
{
    /* 128 bits in 26 digits of 5 bits: the first digit carries the top 3 bits. */
    for (size_t digit = 0; digit < ID_TEXT_LEN; digit++) {
        size_t low = 125 - 5 * digit; /* bit number of the digit's lowest bit, counted from the right */
        unsigned value = 0;
        for (size_t bit = 5; bit-- > 0;) {
            size_t at = low + bit;
            value = value << 1 | (at < 128 ? (unsigned)id.bytes[15 - at / 8] >> (at % 8) & 1U : 0U);
        }
        text[digit] = alphabet[value];
    }
    text[ID_TEXT_LEN] = '\0';
    return text;
}

int id_parse(struct span text, struct id *ret)
{
    if (text.len != ID_TEXT_LEN)
        return -ERR_MALFORMED;
    struct id id = {0};
    for (size_t digit = 0; digit < ID_TEXT_LEN; digit++) {
        uint8_t c = text.at[digit];
        if (c >= 'a' && c <= 'z')
            c = (uint8_t)(c - 'a' + 'A');
        const char *hit = c != 0 ? strchr(alphabet, c) : NULL;
        if (hit == NULL)
            return -ERR_MALFORMED;
        unsigned value = (unsigned)(hit - alphabet);
        if (digit == 0 && value > 7)
            return -ERR_MALFORMED;
        size_t low = 125 - 5 * digit;
        for (size_t bit = 0; bit < 5; bit++) {
            size_t at = low + bit;
            if ((value >> bit & 1U) != 0 && at < 128)
                id.bytes[15 - at / 8] |= (uint8_t)(1U << (at % 8));
        }
    }
    *ret = id;
    return 0;
}
