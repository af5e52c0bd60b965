/*
 * Cowrie's JSON lines, in the dialects of 2018 (isError, system, `duration` in seconds, src_port often missing), 2023–24 (`duration` as a
 * fraction, `message: []`) and 2026 (who and where on every event, `duration_ms`, `uuid`).
 *
 * Every event becomes one record, a file_download with an url two (SAMPLE and DOWNLOAD); event.action is always Cowrie's eventid. What
 * facts do not hold stays in event.original, the whole line, so that an export gives the event back.
 *
 *   session.connect → CONNECTION           session.closed → SESSION, with counts of what the session did
 *   login.* → LOGIN                        command.input → COMMAND
 *   client.*, telnet.option, session.params → CLIENT
 *   file_download, file_upload → SAMPLE    file_download.failed → DOWNLOAD
 *   direct-tcpip.request, .data → FORWARD  telnet.exploit_* → EXPLOIT
 *   all else → NOTE
 *
 * command.failed and command.success → NOTE: each is a second statement about a part of a line that command.input gave whole (in every
 * dialect), so counting COMMAND records counts what was typed, once.
 *
 * 2018 and 2023–24 name addresses, ports and protocol in session.connect only; a bounded map of sessions (least recently used go first)
 * lends them to what follows. Without their connect, later events stand with what they say themselves.
 */
#pragma once

#include "base/hash.h"
#include "record/types.h"

enum { COWRIE_SESSIONS_MAX = 65536, COWRIE_SESSION_TEXT_MAX = 32, COWRIE_PROTOCOL_MAX = 15, COWRIE_UUID_MAX = 36 };

struct cowrie_session {
    struct cowrie_session *next;          /* in its bucket */
    struct cowrie_session *newer, *older; /* by use */
    uint64_t hash;
    char key[RECORD_SENSOR_MAX + 1 + COWRIE_SESSION_TEXT_MAX]; /* sensor NUL session */
    size_t key_len;

    struct id id; /* of its first record */
    struct endpoint source, destination;
    char protocol[COWRIE_PROTOCOL_MAX + 1];
    int64_t logins, commands, downloads, samples;
    bool logged_in, connected;
};

struct cowrie_map {
    struct cowrie_session **buckets; /* made at the first use */
    struct cowrie_session *newest, *oldest;
    size_t count;
    struct hash_key seed; /* so that a file can't be made to fill one bucket */
};

/* The session, made when it is new; NULL when memory is short. Valid until the next call. `sensor` and `session` within their bounds. */
struct cowrie_session *cowrie_session_get(struct cowrie_map *, struct span sensor, struct span session);
/* Forgets what is known of it but its key: Cowrie used the number again. */
void cowrie_session_reset(struct cowrie_session *);
void cowrie_map_done(struct cowrie_map *);
