/*
 * Which device an answer came from: rules (of ours: conf/fingerprints, recog's XML and nmap's probes where they are configured) are tried on
 * fields of an answer, what they say is evidence, and evidence of several answers and ports is merged into one device. Pure but for the
 * compiling: the same answers give the same device, live or from a file.
 *
 *   rules ─compile, self-test by their examples─► image ─► device_open
 *   answer (record, or bytes of one service) ─ fields.c ─► fields ─ match.c (Hyperscan, PCRE2 for captures) ─► evidence* ─ merge.c ─► device
 *
 * Bounds: a field is cut at DEVICE_FIELD_MAX bytes, PCRE2 has a match limit, so a banner costs less than 5 ms whatever it says.
 */
#pragma once

#include "base/arena.h"
#include "base/conf.h"
#include "record/types.h"

struct device_rules;

enum { DEVICE_FIELD_MAX = 16 * 1024, DEVICE_EVIDENCE_MAX = 64, DEVICE_TEXT_MAX = 128 };

/* What rules look at: DEVICE_FIELD(name, text, recog's "matches" names, help) */
enum device_field {
#define DEVICE_FIELD(name, text, recog, help) DEVICE_FIELD_##name,
#include "analyse/device/fields.def"
#undef DEVICE_FIELD
    DEVICE_FIELD_COUNT
};

/* ---- rules ---- */

/* Reads fingerprint.rules (folder of *.yaml) and, when set, fingerprint.recog (folder of *.xml) and fingerprint.nmap (the user's
 * nmap-service-probes; a line that is not in its form: -ERR_CONFIG, file and line), compiles them and tries every example.
 * What was compiled before with the same rules, library and processor comes from `cache` (a file; NULL: none) in milliseconds; a new
 * one is written there when that is possible. Own rules that are wrong or whose example fails: -ERR_CONFIG, file and line. Recog's that
 * fail, and nmap's that can't be compiled, are left out and counted. `image` may then go to another process in a sealed memfd. */
struct device_compiled {
    size_t own, recog, recog_left_out, nmap, nmap_left_out, examples;
    bool cached;
};
int device_compile(const struct conf *settings, const char *cache, struct buf *image, struct device_compiled *ret, struct conf_error *error);
/* The image must outlive the rules, which are one thread's at a time. Reads no file, needs no executable memory. */
int device_open(struct device_rules **ret, struct span image);
void device_close(struct device_rules *); /* NULL accepted */

/* ---- evidence ---- */

/* What one rule says of one field. Spans point into the arena given, or the rules. */
struct evidence {
    struct endpoint at; /* the host's; port 0 when unknown */
    enum transport transport;
    usec_t time;                                                        /* of the answer */
    struct span rule;                                                   /* "dahua-web-service", "recog:html_title.xml:Hikvision DVR", "nmap:ftp:9" */
    struct span class_, maker, model, firmware, ics, residue, honeypot; /* empty: not said */
    struct span matched; /* the part of the field that matched, or that it ends with; at most 128 bytes of UTF-8 */
    enum device_field field;
    uint8_t certainty; /* 1 to 100 */
    bool own;          /* a rule of ours, not recog's or nmap's */
};
bool device_rule_own(struct span rule); /* by its name */

/* Rules on one field of a known kind; appends to `ret`, at most `room`; returns how many. */
size_t device_match(const struct device_rules *, enum device_field, struct span value, struct arena *, struct evidence *ret, size_t room);
/* Of raw bytes as a host sent them (with telnet's IAC, FTP's 220, a whole HTTP answer): takes the service's fields apart, then matches. `service` is
 * a probe's name. What an ICS probe decodes is evidence, too (rule "modbus", …). -ERR_UNKNOWN: no such service. */
int device_judge_bytes(const struct device_rules *, struct span service, struct span data, struct arena *, struct evidence *ret, size_t room,
                       size_t *ret_count);
/* Of an ANSWER or LISTING record: its facts, and its banner. */
int device_judge_record(const struct device_rules *, const struct record *, struct arena *, struct evidence *ret, size_t room, size_t *ret_count);
/* Evidence as a DEVICE record's facts (spans shared), and back. */
size_t device_facts(const struct evidence *, struct fact facts[static RECORD_FACTS_MAX]);
void device_from_record(const struct record *, struct evidence *ret);

/* ---- merging ---- */

struct device_value {
    struct span text;
    const struct evidence *why; /* NULL: nobody says */
    unsigned certainty;
    unsigned votes; /* evidence that says the same */
};

struct device {
    struct device_value class_, maker, model, firmware, ics, residue, honeypot;
    const struct evidence *conflicts[16]; /* evidence that says otherwise of class or maker, most certain first */
    size_t conflict_count;
};
/*
 * Own rules before others at the same certainty; finer classes before coarser (dvr before surveillance-device before embedded); agreeing
 * evidence adds up; model and firmware only from evidence that agrees with the maker chosen; newer before older. Residue is never the
 * device: evidence of the same answer as a residue gives nothing else, and older evidence still names the device.
 */
void device_merge(const struct evidence *, size_t count, struct device *ret);

/* ---- hosts behind one address ---- */

struct port_ttl {
    uint16_t port;
    enum transport transport;
    uint8_t ttl; /* as it arrived; 0: unknown */
};

struct hosts_guess {
    unsigned at_least; /* 0: nothing can be said; 1; 2 … */
    char reason[240];  /* one sentence: "ports 502, 8080 answer from an initial TTL of 64, the attack on 3389 came from 128: at least two …" */
};
/*
 * Families by initial TTL 32, 64, 128, 255: a TTL belongs to the least of them that is not below it and at most 40 hops away, else it is
 * of no family. Different families among open ports, or between them and the attack's packet, mean several hosts or a middlebox; a few
 * hops' difference inside one family is normal, more than 8 is a hint, said but not counted. Source: fusion paper, table 2.
 */
void device_hosts(const struct port_ttl *open, size_t open_count, const struct port_ttl *attacks, size_t attack_count, struct hosts_guess *ret);
unsigned ttl_initial(unsigned ttl); /* 32, 64, 128, 255; 0 when unknown */

/* Classes: NULL when it is no word of classes.def. */
const char *class_title(struct span word);
int class_rank(struct span word); /* the finer, the higher; 0 for unknown words */
