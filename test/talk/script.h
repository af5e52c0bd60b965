/*
 * Transcripts as text files, NAME.talk; the file's first comment says what it shows. A line:
 *
 *   > text      the peer sends it; \r \n \t \0 \\ \b \xHH; {user} {password}: a login this device takes; {login}: all lines of it
 *   < text      what was said since the last `>` holds it; {prompt} {login_prompt} {password_prompt} {failed}: the device's
 *   ! text      … does not hold it
 *   = text      among the facts of the whole conversation stands a line with it
 *   ? name      only on devices with that applet; ?! name: only on those without; ? ash, ? cli: by what follows the login;
 *               ? once: the first good login is taken; ? list: only logins of a list are
 *   # comment
 */
#pragma once

#include "conn.h"
#include "observe/honeypot/profile.h"

struct script {
    char name[64];
    char *text;
};

struct scripts {
    struct script *all;
    size_t count;
};

struct scripts *scripts_read(const char *folder, char *problem, size_t size); /* NULL: see problem */
void scripts_free(struct scripts *);

/* 0, or -1 with the problem. `sent` gets all bytes sent. */
int script_play(const struct script *, const struct profile *, struct talk *, struct buf *sent, char *problem, size_t size);
int script_check_facts(const struct script *, const struct profile *, const struct talk *, char *problem, size_t size);
