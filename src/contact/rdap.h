/*
 * What an RDAP answer says (RFC 9083; jCard RFC 7095): of an address's network, an autonomous system, a domain or an entity. Pure; for rdap.c, which
 * asks.
 */
#pragma once

#include "contact/note.h"

#include <jansson.h>

enum {
    RDAP_SIZE_MAX = 1024 * 1024,
    RDAP_DEPTH_MAX = 40,
    RDAP_VALUES_MAX = 100000, /* of JSON, in one answer */
    RDAP_ENTITIES_MAX = 200,
    RDAP_MAILS_MAX = 300,
    RDAP_REMARK_LINES_MAX = 300,
    RDAP_WANTED_MAX = 8,
    RDAP_URL_MAX = 512
};

/* An entity that is named and not shown: its own URL, on the answering server, tells more. */
struct rdap_wanted {
    struct span url, handle;
    enum contact_role role;
    unsigned rank;
};

struct rdap_answer {
    int error_code;      /* of an error object (RFC 9083 §6); 0: it is none */
    struct span title;   /* its words */
    bool unmanaged;      /* the registry says that the block is another's */
    struct prefix block; /* the largest prefix that holds the target and lies within the network; length 0: none */
    struct span holder;
    struct rdap_wanted wanted[RDAP_WANTED_MAX];
    size_t wanted_count;
    struct span related; /* a registrar's own answer, domains only */
    size_t contacts;     /* findings without objection */
};

/* JSON within the limits above; -ERR_LIMIT, -ERR_MALFORMED. The caller's (json_decref). */
int rdap_load(struct span bytes, json_t **ret);
/* Findings go to the quest, as `like` where the answer says nothing else; role and rank of `like` are those of an entity that was asked for by its
 * handle. `url`: who answers. Texts in *ret lie in the quest's arena. */
void rdap_read(struct quest *, json_t *, const struct finding *like, struct span url, struct rdap_answer *ret);
