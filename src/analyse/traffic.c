#include "analyse/traffic.h"

enum { TTL_OF_TOOLS = 128 /* what arrives with more began at 255 */ };

/* First words of what surveys send to any port, whatever answers there: a request for the front page and its header lines, SSH's greeting, a TLS
 * hello, the opening of RDP's negotiation (TPKT, RFC 1006). */
static const char *const openings[] = {
    "GET / HTTP/", "HEAD / HTTP/", "OPTIONS / HTTP/", "OPTIONS / RTSP/", "OPTIONS * RTSP/", "Host:",    "User-Agent:",
    "Accept:",     "Accept-",      "Connection:",     "SSH-2.0-",        "SSH-1.",          "\x16\x03", "\x03\\x00",
};

/*
 * How survey clients name themselves: zgrab (lib/ssh/messages.go, MakeZGrabProtocolAgreement: "ZGrab" with the comment "ZGrab SSH Survey"),
 * nmap (nselib/ssh1.lua, ssh2.lua: "SSH-1.5-Nmap-SSH1-Hostkey", "SSH-2.0-Nmap-SSH2-Hostkey", scripts: "NmapNSE").
 */
static const char *const clients[] = {"ZGrab", "Nmap-SSH", "NmapNSE", "Censys", "Shodan"};

static struct span text_of(const struct record *record, enum fact_name name)
{
    const struct fact *fact = record_fact(record, name);
    return fact != NULL ? fact->text : (struct span){0};
}

static int64_t number_of(const struct record *record, enum fact_name name, int64_t otherwise)
{
    const struct fact *fact = record_fact(record, name);
    return fact != NULL ? fact->number : otherwise;
}

/*
 * ZMap: src/probe_modules/packet.c, make_ip_header (TTL 255) and make_tcp_header (window 65535, no options; later versions one MSS option).
 * masscan: src/templ-pkt.c, default_tcp_template (TTL 255, window 1024, in newer versions 1025; no options, or one MSS option).
 * nmap -sS: tcpip.cc and scan_engine_raw.cc (window 1024, one MSS option, TTL between 37 and 59).
 * Systems' own TCP always offers more options. Only SYNs whose connection was then completed are seen here.
 */
const char *traffic_syn_tool(const struct record *record)
{
    const struct fact *options = record_fact(record, FACT_SYN_OPTIONS);
    if (options == NULL)
        return NULL;
    int64_t ttl = number_of(record, FACT_SYN_TTL, 0), window = number_of(record, FACT_SYN_WINDOW, -1);
    bool bare = options->text.len == 0, mss = span_is(options->text, "mss");
    if (!bare && !mss)
        return NULL;
    if (ttl > TTL_OF_TOOLS && window == 65535)
        return "ZMap";
    if (ttl > TTL_OF_TOOLS && (window == 1024 || window == 1025))
        return "masscan";
    if (ttl > 0 && ttl < 60 && window == 1024 && mss)
        return "nmap";
    return NULL;
}

static bool opens_like_a_survey(struct span text)
{
    for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++) {
        if (span_starts(text, openings[i]))
            return true;
    }
    return false;
}

static enum traffic of_login(const struct record *record, const char **ret_why, struct span *ret_what)
{
    struct span user = text_of(record, FACT_USER_NAME), password = text_of(record, FACT_PASSWORD);
    *ret_what = user;
    if (opens_like_a_survey(user) || opens_like_a_survey(password)) {
        *ret_why = "words of another protocol at a login prompt: ";
        return TRAFFIC_SURVEY;
    }
    if (user.len == 0 && password.len == 0 && record_fact(record, FACT_KEY_FINGERPRINT) == NULL) {
        *ret_why = "the return key at a login prompt";
        return TRAFFIC_SURVEY;
    }
    *ret_why = "a login attempt as ";
    return TRAFFIC_ATTACK;
}

/* What comes after a login that was none is none either. */
static enum traffic of_command(const struct record *record, const char **ret_why, struct span *ret_what)
{
    struct span line = text_of(record, FACT_COMMAND_LINE);
    if (line.len == 0)
        return TRAFFIC_UNKNOWN;
    *ret_what = line;
    if (opens_like_a_survey(line)) {
        *ret_why = "words of another protocol at a shell prompt: ";
        return TRAFFIC_SURVEY;
    }
    *ret_why = "a command: ";
    return TRAFFIC_ATTACK;
}

static enum traffic of_client(const struct record *record, const char **ret_why, struct span *ret_what)
{
    struct span version = text_of(record, FACT_CLIENT_VERSION);
    for (size_t i = 0; version.len > 0 && i < sizeof clients / sizeof clients[0]; i++) {
        if (memmem(version.at, version.len, clients[i], strlen(clients[i])) != NULL) {
            *ret_why = "a client that names itself ";
            *ret_what = version;
            return TRAFFIC_SURVEY;
        }
    }
    return TRAFFIC_UNKNOWN;
}

static enum traffic of_session(const struct record *record, const char **ret_why, struct span *ret_what)
{
    (void)ret_what;
    int64_t bytes = number_of(record, FACT_SOURCE_BYTES, -1);
    bool tried = number_of(record, FACT_LOGINS, 0) > 0 || number_of(record, FACT_COMMANDS, 0) > 0 || number_of(record, FACT_DOWNLOADS, 0) > 0 ||
                 number_of(record, FACT_SAMPLES, 0) > 0;
    if (tried || bytes < 0)
        return TRAFFIC_UNKNOWN; /* its own records told, or nobody knows */
    *ret_why = bytes == 0 ? "a connection without a byte" : "a conversation that tried nothing";
    return bytes == 0 ? TRAFFIC_STRAY : TRAFFIC_SURVEY;
}

static enum traffic attack(const struct record *record, const char *why, enum fact_name what, const char **ret_why, struct span *ret_what)
{
    *ret_why = why;
    *ret_what = text_of(record, what);
    return TRAFFIC_ATTACK;
}

enum traffic traffic_of(const struct record *record, const char **ret_why, struct span *ret_what)
{
    *ret_what = (struct span){0};
    switch (record->kind) {
    case KIND_CONNECTION: {
        const char *tool = traffic_syn_tool(record);
        if (tool == NULL)
            return TRAFFIC_UNKNOWN;
        *ret_why = "a SYN as made by ";
        *ret_what = span_text(tool);
        return TRAFFIC_SURVEY;
    }
    case KIND_SESSION:
        return of_session(record, ret_why, ret_what);
    case KIND_LOGIN:
        return of_login(record, ret_why, ret_what);
    case KIND_COMMAND:
        return of_command(record, ret_why, ret_what);
    case KIND_CLIENT:
        return of_client(record, ret_why, ret_what);
    case KIND_DOWNLOAD:
        return attack(record, "a download of ", FACT_URL_FULL, ret_why, ret_what);
    case KIND_SAMPLE:
        return attack(record, "a file left behind: ", FACT_FILE_SHA256, ret_why, ret_what);
    case KIND_EXPLOIT:
        return attack(record, "an exploit: ", FACT_VULNERABILITY_ID, ret_why, ret_what);
    case KIND_FORWARD:
        return attack(record, "a request to be forwarded to ", FACT_FORWARD_HOST, ret_why, ret_what);
    default:
        return TRAFFIC_UNKNOWN;
    }
}
