/* The registry of channels. */
#include "contact/channel.h"

#define CHANNEL(name) extern const struct channel channel_##name;
#include "contact/channels.def"
#undef CHANNEL

static const struct channel *const channels[] = {
#define CHANNEL(name) &channel_##name,
#include "contact/channels.def"
#undef CHANNEL
    NULL};

const struct channel *const *channels_all(size_t *ret_count)
{
    *ret_count = sizeof channels / sizeof channels[0] - 1;
    return channels;
}

const struct channel *channel_by_name(struct span name)
{
    for (size_t i = 0; channels[i] != NULL; i++) {
        if (span_is(name, channels[i]->name))
            return channels[i];
    }
    return NULL;
}
