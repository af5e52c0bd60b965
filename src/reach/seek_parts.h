/* What the files of quests share. */
#pragma once

#include "base/alarm.h"
#include "base/buf.h"
#include "base/hash.h"
#include "contact/evaluate.h"
#include "contact/order.h"
#include "contact/whois.h"
#include "outside/dns.h"
#include "outside/fetch.h"
#include "reach/budgets.h"
#include "reach/netblocks.h"
#include "reach/seek.h"

#include <stdarg.h>

enum {
    QUEST_ARENA_MAX = 12 * 1024 * 1024,
    QUEST_QUESTIONS_MAX = 300,
    QUEST_DOMAINS_MAX = 64,
    QUEST_MAIL_DOMAINS_MAX = 100,
    QUEST_DEBTS_MAX = 16 * 1024,
    QUEST_BECAUSE_MAX = 200,
    QUEST_ORIGINS_MAX = 200,
    QUESTION_MAX = 4096, /* bytes of one */
    SERVERS_MAX = 1 << 16,
    SERVER_ADDRS_MAX = 8,
    MAIL_HOSTS_TRIED = 3,
    SEEK_BEGIN_MAX = 96 * 1024 * 1024,              /* of the same: no quest is begun above it */
    SEEK_HELD_MAX = 160 * 1024 * 1024,              /* of quests' arenas and answers together: no question is put above it */
    SEEK_ANSWERS_MAX = 24 * 1024 * 1024,            /* bytes of answers that are kept for who asks the same later */
    SEEK_JOURNAL_SPARE = 1024 * 1024,               /* no question is put while the journal has less room */
    SEEK_CONTENT_MAX = RECORD_SIZE_MAX - 128 * 1024 /* of LOOKUP */
};
#define SEEK_ANSWER_AGE (1 * USEC_PER_HOUR)
#define SEEK_PAUSE (5 * USEC_PER_MSEC)        /* when the rate of all is used up */
#define SERVER_ADDRS_AGE (300 * USEC_PER_SEC) /* a server's addresses are asked for anew */
#define SEEK_RETRY (1 * USEC_PER_HOUR)        /* a registry that could not be reached is worth another attempt */

/* ---- a name that is asked of the resolver ---- */
struct naming {
    struct dns_question dns; /* first */
    void (*told)(struct naming *, const struct dns_answer *);
};

/* ---- servers: WHOIS servers by name, web servers by host ---- */
struct question;
struct question_list {
    struct question *first, *last;
    size_t count;
};

enum server_names { SERVER_UNASKED, SERVER_ASKED_A, SERVER_ASKED_AAAA, SERVER_KNOWN, SERVER_NAMELESS };

struct server {
    struct seek *seek;
    struct server *bucket_next, *next_due; /* in the list of those to be looked at */
    struct budget budget;
    const struct whois_server *facts; /* of the book: its patience */
    struct question_list queue;
    struct naming naming;
    enum server_names names;
    usec_t named; /* when its addresses were learned, monotonic */
    struct addr addrs[SERVER_ADDRS_MAX];
    size_t addr_count;
    unsigned addr_at; /* which of them is used: the next after one that could not be connected to */
    struct alarm alarm;
    bool is_due, told; /* told: named in the REGISTRIES that are being sent */
    unsigned users;    /* questions that point here */
    size_t name_len;
    char name[]; /* lower case, with NUL */
};

/* ---- questions ---- */
struct call;

/* Who waits for an answer; in the quest's arena. */
struct listener {
    struct listener *next, *call_next; /* of the question; of the call */
    struct question *question;
    struct call *call;
    unsigned tag;
};

enum question_stage {
    QUESTION_QUEUED, /* at its server */
    QUESTION_BEHIND, /* another walk goes first */
    QUESTION_NAME,   /* of DNS: asked */
    QUESTION_INTENT,
    QUESTION_OPEN,
    QUESTION_SAYING, /* over; LOOKUP not written yet */
    QUESTION_KEPT    /* over; heard, or to be heard, and kept for later askers */
};

struct question {
    struct seek *seek;
    struct question *bucket_next, *next, *before; /* in the list of its stage */
    struct question_list *list;
    enum question_kind kind;
    enum question_stage stage;
    uint64_t hash;
    struct listener *listeners, **last_listener;
    struct span key;         /* kind, server and port, query */
    struct span query;       /* inside it */
    struct span server_name; /* of WHOIS */
    uint16_t port;
    enum dns_type type;
    struct server *server;
    struct naming naming;
    struct alarm alarm;
    usec_t began; /* monotonic, of the first try */
    struct dial_request request;
    usec_t asked;  /* wall clock, of dial_ask */
    int64_t taken; /* of its budget */
    bool counted;  /* budget_take was called and nothing ended it yet */
    uint64_t intent;
    int fd;
    size_t sent;
    bool connected, secret, strict, verify, put; /* strict: without verification it is no answer; put: a record says that it went out */
    /* of who asked first, for records: it may be gone before the answer comes */
    struct addr target;
    uint32_t as; /* what is asked for, when it is an AS; else 0 */
    struct span domain, task, cause;
    const char *channel;
    struct id session;
    struct fetch_url *url; /* FETCH: where it is by now */
    struct fetch_trail trail;
    struct fetch *fetch;
    /* answer */
    enum outcome outcome;
    const char *state;       /* for LOOKUP */
    struct span certificate; /* of the host asked first; in the arena */
    struct buf bytes, line;  /* line: what is sent */
    char *type_text;
    int status;
    struct dns_record *records;
    size_t record_count;
    struct arena arena; /* of records, of what was read */
    unsigned personal;
    struct prefix block;
    struct span next_server, holder; /* in the arena */
    usec_t not_before;
    usec_t over; /* monotonic, when it was answered */
    struct id lookup;
    char because[QUEST_BECAUSE_MAX];
    size_t held; /* bytes that are counted */
};

/* ---- quests ---- */
struct quest_domain_of {
    struct span name;
    bool web_only;
};

struct call {
    struct call *next;
    struct quest *quest;
    const struct channel *channel;
    struct target target;
    void *state;
    struct findings findings;
    struct listener *listeners;
    unsigned open;             /* questions not heard yet */
    bool over, cached, asking; /* asking: inside `ask` or `hear` */
    bool owes;                 /* it told a debt */
    bool walking;              /* it has put its first question about a block */
    struct call *walk_next;
    struct question_list behind; /* questions of others about neighbours */
    struct prefix covers;
};

struct origin {
    struct origin *next;
    struct span server;
    struct id lookup;
};

/* What is found out of a mail domain. */
struct weighing {
    struct naming naming;
    struct quest *quest;
    struct mail_host *host;
    struct span tried[MAIL_HOSTS_TRIED]; /* in the order of their preference */
    size_t tried_count, at;
    bool has_mx, unsure, aaaa;
};

enum quest_stage { QUEST_FRESH, QUEST_ASKING, QUEST_WEIGHING, QUEST_SAYING };

struct quest {
    struct seek *seek;
    struct quest *bucket_next, *next; /* next: in the ready list, or the list of those without room in the journal */
    enum quest_stage stage;
    uint64_t hash;
    struct arena arena;
    struct span key;
    struct contact_order order;
    struct target target; /* as it was ordered */
    struct addr addr;     /* what channels of addresses are asked for */
    struct call *calls, **last_call, *current;
    unsigned open;  /* questions and names not heard yet */
    unsigned asked; /* questions */
    uint32_t attempt;
    bool is_queued, has_failed, has_limited, too_much, id_used;
    usec_t not_before;
    struct id id;
    usec_t began;
    struct quest_domain_of domains[QUEST_DOMAINS_MAX];
    size_t domain_count, domains_begun, calls_open; /* calls_open: not over yet */
    size_t domains_left_out;
    struct span maker; /* of the device whose page was met */
    bool maker_begun;
    struct naming naming; /* the target's name, or its address */
    char *host_name;
    struct buf debts;
    char because[QUEST_BECAUSE_MAX];
    struct origin *origins;
    size_t origin_count;
    /* evaluation */
    struct findings findings;
    struct mail_host hosts[QUEST_MAIL_DOMAINS_MAX];
    struct weighing *weighings[QUEST_MAIL_DOMAINS_MAX];
    size_t host_count;
    struct verdict_of_contact *verdicts;
    struct chosen *chosen;
    size_t chosen_count;
    struct span reason;
    const struct finding *say_at; /* the next CONTACT */
    size_t said;
    size_t held;
};

struct quest_list {
    struct quest *first, *last;
};

struct seek {
    struct seek_config config;
    const struct channel *const *channels;
    struct span sensor;
    int epoll_fd;
    struct dns *dns; /* NULL: no resolver */
    struct fetch_client *fetch;
    struct netblocks *blocks;
    struct hash_key hash_key;
    usec_t now, wall;
    /* settings */
    int64_t speed;
    usec_t timeout, patience, cache;
    size_t capacity;
    /* work */
    struct quest **quests;       /* by key */
    struct question **questions; /* by key */
    struct server **servers;     /* by name */
    size_t quest_mask, question_mask, server_mask, server_count;
    struct quest_list fresh, ready, full; /* to be begun; to be gone on with; without room in the journal */
    size_t begun;                         /* of the quests that are held */
    struct server *due, **last_due;
    struct question_list answered; /* to be heard */
    struct question_list intents, saying;
    struct question_list kept; /* oldest first */
    struct call *walks;
    size_t held, kept_bytes, open;
    struct alarms alarms;
    usec_t pause_until;
    bool registries_known, lists_known, stopping;
    struct seek_state counts;
    uint8_t *input;
};

/* seek.c */
void seek_clock(struct seek *);
void quest_ready(struct quest *);                        /* it goes on in the next pump */
void seek_held(struct seek *, size_t *held, size_t now); /* *held was counted before; now it is so much */

/* server.c */
struct server *server_get(struct seek *, struct span name, const struct whois_server *facts); /* NULL: memory, too many, or no name */
void server_due(struct server *);
void server_pump(struct server *);
void server_named(struct naming *, const struct dns_answer *);
void server_rings(struct alarm *);
void servers_free(struct seek *);

/* question.c */
void question_put_in(struct question_list *, struct question *);
struct question *question_take_out(struct question *); /* of the list it is in */
int question_ask(struct call *, enum question_kind, enum dns_type, struct span server, uint16_t port, struct span query, unsigned tag);
bool question_wanted(const struct question *);                          /* somebody still waits for it */
void question_over(struct question *, enum outcome, const char *state); /* state NULL: the outcome's own word */
void question_say(struct question *);                                   /* LOOKUP; later when there is no room */
void question_hear(struct question *);                                  /* all listeners */
void question_free(struct question *);
void questions_trim(struct seek *);
void question_end_budget(struct question *);
int question_queue(struct question *, struct span server); /* at that server */

/* putting.c: WHOIS and HTTP */
void question_open(struct question *);
void question_event(struct question *, uint32_t events);
void question_close(struct question *);
void question_fetched(void *seek, void *question, const struct fetch_result *);
void question_rings(struct alarm *);

/* quest.c */
void quest_step(struct quest *); /* what can be done now */
void quest_finished(struct call *);
void call_hear(struct listener *, const struct question *, const struct answer *);
void call_serve(struct call *, const struct netblock *); /* from the cache: it hears nothing more */
void quest_free(struct quest *);
void quest_gone(struct quest *);
void quest_named(struct naming *, const struct dns_answer *);
struct id quest_record_id(struct quest *); /* of its next record; NULL: of one whose quest has gone */
bool call_walks(const struct call *);      /* does it ask for blocks of addresses? */
void call_unwalk(struct call *);

/* weigh.c */
void quest_weigh(struct quest *);
void quest_choose(struct quest *);

/* seek_say.c: false: no room in the journal, nothing was appended */
bool say_question_dial(struct question *, bool allowed, enum denial why);
bool say_lookup(struct question *);
bool say_contacts(struct quest *); /* goes on where it stopped */
bool say_quest(struct quest *);
