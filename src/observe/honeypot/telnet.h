/*
 * The telnet service's inside (RFC 854, 855, 1143): telnet.c the login and what follows it, telnet_option.c the negotiation,
 * telnet_line.c the terminal. Its state machine; the profile decides texts, delays and the rule of the check:
 *
 *   open: options at once; after banner_delay banner, login prompt
 *      │
 *      ▼   empty line: prompt again                ┌── fewer than tries_max: failed text, login prompt ──┐
 *     USER ──name──► PASSWORD ──password──► check ─┤                                                     │
 *      ▲              (no echo)               │    └── tries_max: failed text, hang-up                    │
 *      └──────────────────────────────────────┼──────────────────────────────────────────────────────────┘
 *                                          accepted: motd
 *                     ┌───────────────────────┴────────────────────┐
 *                     ▼   LOGIN_SHELL_CLI                          ▼   LOGIN_SHELL_ASH
 *                    CLI ──sh, shell, linuxshell …──────────────► ASH ──exit──► back to CLI, or hang-up
 *                     └─exit, logout──► hang-up
 *
 * A profile without a login prompt asks for the password alone; without both it lets everybody in.
 * Nothing here waits for an answer of the client to an option.
 */
#pragma once

#include "observe/honeypot/profile.h"
#include "observe/honeypot/service.h"
#include "observe/honeypot/shell/shell.h"

#include <libtelnet.h>

enum {
    TELNET_NAME_MAX = 256,     /* of a user name or password; what is longer is cut */
    TELNET_COMMANDS_MAX = 512, /* IAC commands one peer may send */
    TELNET_LISTED_MAX = 48,    /* options kept for the closing record, each once */
    TELNET_CLIENT_MAX = 16,    /* records about the client: terminal, variables */
    TELNET_HELD_MAX = 256 * 1024
};

enum telnet_stage { TELNET_USER, TELNET_PASSWORD, TELNET_CLI, TELNET_ASH };

struct telnet_session {
    telnet_t *parser;
    struct shell *shell;
    struct buf line;
    struct buf held;  /* input that came while the shell gives a long answer */
    struct span user; /* in the arena */
    /* RFC 1143 for options 0 to 63, one bit each: on, or asked for and not yet answered. Others are always off. */
    uint64_t us, us_asked, him, him_asked;
    uint64_t later;   /* asked at first and not to be asked again; 0: there is no second round of ours */
    uint16_t *listed; /* TELNET_LISTED_MAX of command << 8 | option, in the arena */
    uint32_t tries, command_count, download_count, sample_count;
    uint16_t commands, listed_count, client_count;
    uint8_t stage;
    uint8_t escape;       /* inside an escape sequence of a key: 1 after ESC, 2 after ESC [ */
    bool deaf;            /* the daemon heeds no option: busybox's */
    bool after_cr;        /* input: LF or NUL belongs to it */
    bool said_cr;         /* output: LF needs no CR more */
    bool accepted;        /* logged in */
    bool shell_ended;     /* the shell said so while it ran */
    uint8_t shell_reason; /* enum reason */
};

static inline struct telnet_session *telnet_of(struct conn *c)
{
    return conn_state(c);
}

/* telnet_option.c */
void telnet_options_open(struct conn *);                          /* says the profile's options */
void telnet_options_event(struct conn *, const telnet_event_t *); /* everything of libtelnet but DATA */
void telnet_options_sum(struct conn *);                           /* the list, for the closing record */
bool telnet_echoes(struct conn *);

/* telnet_line.c */
void telnet_typed(struct conn *, struct span);    /* bytes without telnet's commands */
void telnet_control(struct conn *, uint8_t byte); /* a key that has a telnet command too: IP, EC, EL */
void telnet_say(struct conn *, struct span);      /* as it is, IAC doubled */
void telnet_print(struct conn *, struct span);    /* "\n" becomes CR LF where no CR stands before it */

/* telnet.c: what the terminal hands on */
void telnet_line(struct conn *, struct span);
void telnet_interrupt(struct conn *);
void telnet_end_of_file(struct conn *, bool line_empty);
size_t telnet_line_max(struct conn *);
