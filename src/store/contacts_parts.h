/* Between contacts.c, which collects, contacts_flush.c, which writes, and contacts_blocks.c, which makes one cached answer of a quest's findings. */
#pragma once

#include "store/contacts.h"

#include "base/buf.h"
#include "contact/finding.h"

enum { CONTACT_WORD_MAX = 64, CONTACT_NAME_MAX = 253, CONTACT_REASON_MAX = 512, CONTACT_EVIDENCE_MAX = 256, CONTACT_LIST_MAX = 8192 };

/* A fact of a record that was collected; its text lies in contacts.texts. */
struct told_fact {
    enum fact_name name;
    int64_t number;
    uint32_t at, len;
};

/* A record of interest, in the order of arrival. */
struct told_record {
    enum kind kind;
    usec_t time;
    struct id id, session;
    struct addr address;
    size_t fact_at, fact_count;
};

enum contact_statement {
    PUT_QUEST,
    NAME_TARGET,
    FIND_CONTACT,
    ADD_CONTACT,
    SET_CONTACT,
    TOUCH_CONTACT,
    PUT_ORIGIN,
    DROP_ORIGINS,
    DROP_CONTACTS,
    UNCHOOSE,
    READ_TASK,
    READ_QUEST,
    ADD_TO_QUEST,
    DROP_ASKED_ORIGINS,
    DROP_UNFOUND,
    LEAVE_CHOICE,
    PUT_REGISTRY,
    FIND_REGISTRY,
    PUT_REFUSAL,
    PUT_BAN,
    PUT_HOUR,
    PUT_RESOLUTION,
    PUT_QUEST_ANSWER,
    READ_QUEST_ANSWERS,
    DROP_QUEST_ANSWERS,
    READ_FINDINGS,
    PUT_BLOCK,
    CONTACT_STATEMENTS
};

struct contacts {
    sqlite3 *control;
    const struct hash_key *key;
    struct contacts_limits limits;
    struct told_record *records;
    size_t record_count, record_room;
    struct told_fact *facts;
    size_t fact_count, fact_room;
    struct buf texts;
    sqlite3_stmt *statements[CONTACT_STATEMENTS];
};

int contacts_prepare(struct contacts *);
void contacts_finalize(struct contacts *);

/* "" and 0 when the record did not say. */
struct span told_text(const struct contacts *, const struct told_record *, enum fact_name);
int64_t told_number(const struct contacts *, const struct told_record *, enum fact_name);

/* A prefix as text, as addresses of hosts inside a network are accepted too; false when it is none. */
bool contacts_prefix(struct span text, struct prefix *ret);

/* A look-up of the quest answered for a block, or did not answer as it should. */
int contacts_block_heard(struct contacts *, const struct told_record *);
/* The quest is over: what its channels found holds for the blocks they asked for. */
int contacts_blocks_keep(struct contacts *, const struct told_record *quest);
