/*
 * Taking a service's answer apart into what rules look at. Pure, bounded: a value is at most DEVICE_FIELD_MAX bytes, an answer gives at most
 * FIELDS_MAX of them; what is not the service's protocol still gives what can be read of it.
 */
#pragma once

#include "analyse/device/device.h"

enum { FIELDS_MAX = 48 };

struct field_value {
    enum device_field field;
    struct span value;
};

struct field_list {
    struct arena *arena;
    struct field_value list[FIELDS_MAX];
    size_t count;
};

void fields_add(struct field_list *, enum device_field, struct span value); /* empty values are left out, long ones cut */
bool fields_has(const struct field_list *, enum device_field);

/* Appends. `service` is a probe's name; false when there is no such service. Industrial services give no field here (judge.c). */
bool fields_of_bytes(struct field_list *, struct span service, struct span data);
/* A small number for each of those services, below 16; -1 when there is no such service. */
int fields_service(struct span service);

/* sysDescr.0 and sysObjectID.0 of an SNMP response (RFC 3416); the object identifier is printed into the arena, dotted. */
void fields_of_snmp(struct field_list *, struct span datagram);
