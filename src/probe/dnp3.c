/*
 * DNP3 (IEEE 1815): one link layer frame, REQUEST LINK STATUS, which an outstation answers without its application hearing of it. The answer
 * names no maker; it says that DNP3 is spoken, and by which address.
 *
 * An outstation hears its own address only, and broadcast addresses are never answered. One question is one address: 1, the most usual
 * preset. Who has another stays silent; going through the addresses would be a survey of the line behind.
 *
 *   05 64 · length · control · destination · source · CRC     little-endian
 */
#include "probe/ics.h"

enum {
    FRAME = 10,
    LENGTH_MIN = 5,
    PRIMARY = 0x40,
    FUNCTION = 0x0f,
    LINK_STATUS = 11,
    NOT_SUPPORTED = 15,
    POLYNOMIAL = 0xa6bc, /* 0x3d65, reflected */
};

/* To 1 from 0, control DIR, PRM, function 9. */
static const uint8_t question[FRAME] = {0x05, 0x64, LENGTH_MIN, 0xc9, 1, 0, 0, 0, 0xde, 0x8e};

static uint16_t checksum(struct span bytes)
{
    unsigned crc = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.at[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
    }
    return (uint16_t)(~crc & 0xffff);
}

static unsigned le16(const uint8_t *at)
{
    return at[0] | (unsigned)at[1] << 8;
}

int dnp3_decode(struct span bytes, struct ics_identity *ret)
{
    static const uint8_t start[] = {0x05, 0x64};
    if (bytes.len > 0 && memcmp(bytes.at, start, bytes.len < 2 ? bytes.len : 2) != 0)
        return -ERR_MALFORMED;
    if (bytes.len < FRAME)
        return -ERR_TRUNCATED;
    const uint8_t *frame = bytes.at;
    if (frame[2] < LENGTH_MIN || checksum(span_part(bytes, 0, FRAME - 2)) != le16(frame + FRAME - 2))
        return -ERR_MALFORMED;
    ret->protocol = "dnp3";
    unsigned function = frame[3] & FUNCTION;
    if ((frame[3] & PRIMARY) == 0 && function == LINK_STATUS)
        ics_detail(ret, "answer", span_text("link status"));
    else if ((frame[3] & PRIMARY) == 0 && function == NOT_SUPPORTED)
        ics_detail(ret, "answer", span_text("not supported"));
    else
        ics_detail_int(ret, "function", frame[3]);
    ics_detail_int(ret, "address", le16(frame + 6));
    ics_detail_int(ret, "peer address", le16(frame + 4));
    return 0;
}

static void dnp3_ask(struct talk *talk)
{
    talk_say(talk, span_of(question, sizeof question));
}

static void dnp3_hear(struct talk *talk, struct span bytes)
{
    (void)bytes;
    ics_hear(talk, dnp3_decode);
}

static void dnp3_end(struct talk *talk)
{
    ics_end(talk, dnp3_decode);
}

extern const struct probe probe_dnp3;
const struct probe probe_dnp3 = {
    .name = "dnp3",
    .help = "DNP3: request link status of address 1",
    .over = TRANSPORT_TCP,
    .care = CARE_ICS,
    .ports = {20000},
    .ask = dnp3_ask,
    .hear = dnp3_hear,
    .end = dnp3_end,
};
