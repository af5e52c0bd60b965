/*
 * Industrial devices, identified and nothing more. Each probe (modbus.c, bacnet.c, s7.c, fox.c, enip.c, dnp3.c) opens one connection, asks for
 * the identification its protocol was given for that purpose, ends with a proper FIN and does not come back. Nothing is written, no
 * session is left open, no second unit, slot or address is tried.
 *
 * The decoders are functions over the bytes that a host sent, whole conversations or single answers, so the same code reads what
 * came to a probe and what lies in a file.
 */
#pragma once

#include "base/buf.h"
#include "base/cursor.h"
#include "probe/probe.h"

enum {
    ICS_TEXT_MAX = 128,
    ICS_DETAIL_MAX = 1600,
    ICS_HEARD_MAX = 8192 /* no answer of these is as long; what is longer is not read further */
};

/* Texts are UTF-8 without control characters, without blanks at their ends; empty: not said. */
struct ics_identity {
    const char *protocol; /* modbus, bacnet, s7, fox, enip, dnp3 */
    char maker[ICS_TEXT_MAX + 1], model[ICS_TEXT_MAX + 1], firmware[ICS_TEXT_MAX + 1], serial[ICS_TEXT_MAX + 1];
    char detail[ICS_DETAIL_MAX + 1]; /* lines "name: value" */
};

/* 0: it is this protocol and whole, though it may name no device; -ERR_TRUNCATED: so far it is, but more must come (`ret` holds what is known
 * already); -ERR_MALFORMED: it is not this protocol; -ERR_UNKNOWN: no such service. `service` is a probe's name. */
int ics_decode(struct span service, struct span bytes, struct ics_identity *ret);

/* The decoders. `ret` was zeroed; one gives its protocol when the bytes are its own. */
int modbus_decode(struct span, struct ics_identity *ret); /* answers to FC 43/14, or an exception */
int bacnet_decode(struct span, struct ics_identity *ret); /* ReadProperty, ReadPropertyMultiple, I-Am, or that it was rejected */
int s7_decode(struct span, struct ics_identity *ret);     /* COTP, setup, SZL 0x0011, 0x0111 and 0x001c, all or some of them */
int fox_decode(struct span, struct ics_identity *ret);
int enip_decode(struct span, struct ics_identity *ret);
int dnp3_decode(struct span, struct ics_identity *ret);

/* For the decoders: a device's text cut at the first NUL, trimmed, control characters and what is not UTF-8 left out; empty stays empty. */
void ics_text(char to[static ICS_TEXT_MAX + 1], struct span from);
/* A line of detail; a value is cleaned like a text, one that is empty gives no line. */
void ics_detail(struct ics_identity *, const char *name, struct span value);
void ics_detail_int(struct ics_identity *, const char *name, uint64_t value);

/* For the probes. ics_hear decodes all that was heard: ends the talk when the answer is whole, or is not of this protocol. ics_end states the
 * facts. */
void ics_hear(struct talk *, int (*decode)(struct span, struct ics_identity *));
void ics_end(struct talk *, int (*decode)(struct span, struct ics_identity *));
