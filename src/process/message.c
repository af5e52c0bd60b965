#include "process/message.h"
#include "base/err.h"
#include "process/channel.h"

#define BIT(party) (1u << (party))

enum {
    BITS_SUPERVISOR = BIT(PARTY_SUPERVISOR),
    BITS_EDGE = BIT(PARTY_EDGE),
    BITS_STORE = BIT(PARTY_STORE),
    BITS_ANALYSE = BIT(PARTY_ANALYSE),
    BITS_CLIENT = BIT(PARTY_CLIENT),
    BITS_REACH = BIT(PARTY_REACH),
    BITS_WRITER = BIT(PARTY_EDGE) | BIT(PARTY_CLIENT) | BIT(PARTY_REACH),
    BITS_ASKER = BIT(PARTY_ANALYSE) | BIT(PARTY_CLIENT),
    BITS_ANY = BIT(PARTY_EDGE) | BIT(PARTY_STORE) | BIT(PARTY_ANALYSE) | BIT(PARTY_REACH)
};

static const struct message_spec specs[] = {
#define MESSAGE(number, text, sender, receiver, low, high, descriptors, about) \
    {.name = #text, .from = BITS_##sender, .to = BITS_##receiver, .least = (low), .most = (high), .fds = (descriptors), .code = (number)},
#include "process/messages.def"
#undef MESSAGE
};

const struct message_spec *message_spec(unsigned number)
{
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        if (specs[i].code == number)
            return &specs[i];
    }
    return NULL;
}

const char *message_name(enum message message)
{
    const struct message_spec *spec = message_spec((unsigned)message);
    return spec != NULL ? spec->name : "?";
}

int message_check(unsigned number, enum party from, enum party to, size_t body_len, size_t fd_count)
{
    const struct message_spec *spec = message_spec(number);
    if (spec == NULL)
        return -ERR_UNKNOWN;
    if ((spec->from & BIT(from)) == 0 || (spec->to & BIT(to)) == 0)
        return -ERR_DENIED;
    if (body_len < spec->least)
        return -ERR_TRUNCATED;
    if (body_len > spec->most || fd_count > spec->fds)
        return -ERR_LIMIT;
    return 0;
}
