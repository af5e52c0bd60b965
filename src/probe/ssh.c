/*
 * SSH up to the server's KEXINIT (RFC 4253 §4.2, §7.1): its version and the algorithms it offers, which tell implementations apart. No key
 * is exchanged and nobody logs in; we leave with a DISCONNECT that says who asked, where the server's log shows it.
 *
 *   lines* ─ "SSH-2.0-…" ─► ours said ─ packet ─► done
 *              └ "SSH-1…" ─► done
 */
#include "base/cursor.h"
#include "base/text.h"
#include "probe/learn.h"

#include <openssl/evp.h>

enum {
    LINE_MAX_BYTES = 1024, /* of the version: 255 by the RFC */
    LINES_MAX = 50,        /* in front of it */
    PACKET_MAX = 35000,
    MSG_DISCONNECT = 1,
    MSG_KEXINIT = 20,
    BY_APPLICATION = 11,
    LISTS = 10
};

struct ssh {
    size_t at, line; /* read up to here; where the line being read began */
    unsigned lines;
    size_t version, version_len; /* 0: not yet */
    bool other, offered;         /* offered: KEXINIT was read */
};

static void ask(struct talk *talk)
{
    talk_wake(talk, talk_first_byte(talk));
}

static void not_ssh(struct talk *talk)
{
    struct ssh *ssh = talk_state(talk);
    ssh->other = true; /* keeps what such a service says for itself */
    talk_wake(talk, talk_quiet(talk));
}

/* Lines before the version are permitted. Whether the version has come. */
static bool read_version(struct talk *talk, struct ssh *ssh)
{
    struct span heard = talk_heard(talk);
    while (ssh->version_len == 0) {
        size_t end = ssh->at + span_find(span_part(heard, ssh->at, heard.len), '\n');
        if (end - ssh->line > LINE_MAX_BYTES || ssh->lines >= LINES_MAX) {
            not_ssh(talk);
            return false;
        }
        if (end >= heard.len) {
            ssh->at = heard.len;
            return false;
        }
        struct span line = span_part(heard, ssh->line, end - ssh->line);
        if (span_starts(line, "SSH-")) {
            ssh->version = ssh->line;
            ssh->version_len = line.len - (line.at[line.len - 1] == '\r');
        }
        ssh->lines++;
        ssh->at = ssh->line = end + 1;
    }
    return true;
}

/* ---- KEXINIT ---- */

static void state_version(struct talk *talk, const struct ssh *ssh, struct buf *lines)
{
    learn_line(lines, "version", span_part(talk_heard(talk), ssh->version, ssh->version_len));
}

/* hasshServer: MD5 of the lists for the server's direction. */
static void state_hassh(struct buf *lines, const struct span lists[static LISTS])
{
    struct buf text;
    uint8_t digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned len = 0;
    buf_init(&text, 0);
    static const unsigned char used[] = {0, 3, 5, 7};
    for (size_t i = 0; i < sizeof used; i++) {
        if (i > 0)
            buf_byte(&text, ';');
        buf_span(&text, lists[used[i]]);
    }
    if (text.error == 0 && EVP_Digest(text.data, text.len, digest, &len, EVP_md5(), NULL) == 1)
        learn_line(lines, "hassh_server", span_text(text_hex(span_of(digest, len), hex)));
    buf_done(&text);
}

/* The payload of KEXINIT: cookie, ten name-lists. */
static void state_lists(struct buf *lines, struct span payload)
{
    static const char *const names[LISTS] = {"kex", "host_key", NULL, "cipher", NULL, "mac", NULL, "compression", NULL, NULL};
    struct span lists[LISTS];
    struct cursor c = cursor_of(payload);
    (void)cursor_take(&c, 1 + 16);
    for (size_t i = 0; i < LISTS; i++)
        lists[i] = cursor_take(&c, cursor_be32(&c));
    if (c.error != 0)
        return;
    state_hassh(lines, lists);
    for (size_t i = 0; i < LISTS; i++) {
        if (names[i] != NULL)
            learn_line(lines, names[i], span_part(lists[i], 0, 1024));
    }
}

static void say_goodbye(struct talk *talk)
{
    struct span who = span_part(talk_agent(talk), 0, 512);
    size_t payload = 1 + 4 + 4 + who.len + 4, padding = 4 + (8 - (5 + payload + 4) % 8) % 8;
    struct buf out;
    buf_init(&out, 0);
    buf_be(&out, 1 + payload + padding, 4);
    buf_byte(&out, (uint8_t)padding);
    buf_byte(&out, MSG_DISCONNECT);
    buf_be(&out, BY_APPLICATION, 4);
    buf_be(&out, who.len, 4);
    buf_span(&out, who);
    buf_be(&out, 0, 4); /* language: none */
    for (size_t i = 0; i < padding; i++)
        buf_byte(&out, 0);
    if (out.error == 0)
        talk_say(talk, buf_as_span(&out));
    buf_done(&out);
}

/* 0: KEXINIT is there; -ERR_TRUNCATED: more is to come; -ERR_MALFORMED. */
static int read_packet(struct span rest, struct span *ret_payload)
{
    struct cursor c = cursor_of(rest);
    uint32_t len = cursor_be32(&c);
    if (c.error == 0 && (len < 2 || len > PACKET_MAX))
        return -ERR_MALFORMED;
    struct cursor packet = cursor_of(cursor_take(&c, len));
    if (c.error != 0)
        return -ERR_TRUNCATED;
    uint8_t padding = cursor_u8(&packet);
    size_t left = cursor_left(&packet);
    if (padding >= left)
        return -ERR_MALFORMED;
    *ret_payload = cursor_take(&packet, left - padding);
    return ret_payload->len > 0 && ret_payload->at[0] == MSG_KEXINIT ? 0 : -ERR_MALFORMED;
}

static void hear(struct talk *talk, struct span bytes)
{
    struct ssh *ssh = talk_state(talk);
    (void)bytes;
    if (ssh->other)
        return;
    if (ssh->version_len == 0) {
        if (!read_version(talk, ssh))
            return;
        struct span version = span_part(talk_heard(talk), ssh->version, ssh->version_len);
        if (!span_starts(version, "SSH-2.") && !span_starts(version, "SSH-1.99")) {
            talk_done(talk);
            return;
        }
        talk_say(talk, span_text("SSH-2.0-Noroshi\r\n"));
    }
    struct span heard = talk_heard(talk), payload;
    int error = read_packet(span_part(heard, ssh->at, heard.len), &payload);
    if (error == -ERR_TRUNCATED)
        return;
    ssh->offered = error == 0;
    if (ssh->offered)
        say_goodbye(talk);
    talk_done(talk);
}

static void quiet(struct talk *talk)
{
    const struct ssh *ssh = talk_state(talk);
    if (talk_heard(talk).len == 0)
        talk_fail(talk, ENDING_SILENT);
    else
        talk_fail(talk, ssh->version_len == 0 ? ENDING_OTHER : ENDING_QUIET);
}

static void end(struct talk *talk)
{
    const struct ssh *ssh = talk_state(talk);
    if (ssh->version_len == 0)
        return;
    struct buf lines;
    struct span heard = talk_heard(talk), payload;
    buf_init(&lines, 0);
    state_version(talk, ssh, &lines);
    if (ssh->offered && read_packet(span_part(heard, ssh->at, heard.len), &payload) == 0)
        state_lists(&lines, payload);
    learn_detail(talk, &lines);
    buf_done(&lines);
    talk_done(talk); /* a version is an answer, even where the host then closes */
}

const struct probe probe_ssh = {
    .name = "ssh",
    .help = "exchanges versions and reads the algorithms offered",
    .over = TRANSPORT_TCP,
    .care = CARE_POLITE,
    .ports = {22, 2222},
    .state_size = sizeof(struct ssh),
    .ask = ask,
    .hear = hear,
    .quiet = quiet,
    .end = end,
};
