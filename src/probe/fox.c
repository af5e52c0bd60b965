/*
 * Tridium Niagara Fox: each side opens with a hello of named values. Ours names nothing of us but the protocol's version; the station answers
 * with its own, before any login. No login follows.
 *
 *   fox a 1 -1 fox hello          frame: channel, sequence, reply to, which channel, command
 *   {
 *   fox.version=s:1.0             name, type (s text, i number, t/b/o …), value
 *   id=i:1
 *   };;
 */
#include "probe/ics.h"

#include <stdio.h>

enum { START = 6 }; /* "fox a " */

static const char question[] = "fox a 1 -1 fox hello\n{\nfox.version=s:1.0\nid=i:1\n};;\n";

/* The values a hello has, and what each is kept as. hostName and hostAddress, which name the inside of a network, are detail like the others. */
static const struct {
    const char *name, *detail;
} values[] = {
    {"fox.version", "fox version"},
    {"hostName", "host name"},
    {"hostAddress", "host address"},
    {"app.name", "application"},
    {"app.version", "version"},
    {"vm.name", "vm"},
    {"vm.version", "vm version"},
    {"os.name", "os"},
    {"os.version", "os version"},
    {"station.name", "station"},
    {"lang", "language"},
    {"timeZone", "time zone"},
    {"hostId", "host id"},
    {"vmUuid", "vm uuid"},
    {"brandId", "brand"},
    {"sysInfo", "system"},
    {"authAgentTypeSpecs", "authentication"},
};

static const struct {
    const char *brand, *maker;
} brands[] = {
#define FOX_BRAND(brand, maker) {(brand), (maker)},
#include "probe/fox_brands.def"
#undef FOX_BRAND
};

static struct span after(struct span line, uint8_t byte)
{
    return span_part(line, span_find(line, byte) + 1, line.len);
}

static bool same_letters(struct span a, const char *b)
{
    size_t len = strlen(b);
    return a.len == len && strncasecmp((const char *)a.at, b, len) == 0;
}

static void set_brand(struct ics_identity *id, struct span brand)
{
    ics_text(id->maker, span_text("Tridium"));
    for (size_t i = 0; i < sizeof brands / sizeof brands[0]; i++) {
        if (same_letters(brand, brands[i].brand))
            ics_text(id->maker, span_text(brands[i].maker));
    }
}

/* "Qnx-NPM6-0000-…", "Qnx-JACE-…", "Qnx-TITAN-…": a controller and its kind of processor board; "Win-…": a computer with a supervisor. */
static void set_model(struct ics_identity *id, struct span host_id)
{
    struct span rest = after(host_id, '-');
    struct span board = span_part(rest, 0, span_find(rest, '-'));
    char text[ICS_TEXT_MAX];
    if (span_starts(host_id, "Qnx-") && board.len > 0 && board.len < 32) {
        (void)snprintf(text, sizeof text, "%s%.*s", span_is(board, "JACE") ? "" : "JACE ", (int)board.len, (const char *)board.at);
        ics_text(id->model, span_text(text));
    } else if (span_starts(host_id, "Win-") || span_starts(host_id, "Linux-")) {
        ics_text(id->model, span_text("Niagara Supervisor"));
    }
}

static void read_value(struct ics_identity *id, struct span line)
{
    struct span name = span_part(line, 0, span_find(line, '='));
    struct span value = after(after(line, '='), ':');
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (span_is(name, values[i].name))
            ics_detail(id, values[i].detail, value);
    }
    if (span_is(name, "app.version")) {
        ics_text(id->firmware, value);
    } else if (span_is(name, "brandId")) {
        set_brand(id, value);
    } else if (span_is(name, "hostId")) {
        ics_text(id->serial, value);
        set_model(id, value);
    }
}

int fox_decode(struct span bytes, struct ics_identity *ret)
{
    if (bytes.len > 0 && memcmp(bytes.at, "fox a ", bytes.len < START ? bytes.len : START) != 0)
        return -ERR_MALFORMED;
    if (bytes.len < START)
        return -ERR_TRUNCATED;
    bool first = true, rejected = false;
    ret->protocol = "fox";
    ics_text(ret->maker, span_text("Tridium"));
    while (bytes.len > 0) {
        size_t end = span_find(bytes, '\n');
        struct span line = span_part(bytes, 0, end);
        if (end == bytes.len && !span_is(line, "};;"))
            return -ERR_TRUNCATED;
        if (line.len > 0 && line.at[line.len - 1] == '\r')
            line = span_part(line, 0, line.len - 1);
        if (span_is(line, "};;"))
            break;
        if (first)
            rejected = memmem(line.at, line.len, " rejected", 9) != NULL;
        else
            read_value(ret, line);
        first = false;
        bytes = span_part(bytes, end + 1, bytes.len);
    }
    if (bytes.len == 0)
        return -ERR_TRUNCATED;
    if (rejected)
        ics_detail(ret, "answer", span_text("rejected"));
    else if (ret->model[0] == '\0')
        ics_text(ret->model, span_text("Niagara station"));
    return 0;
}

static void fox_ask(struct talk *talk)
{
    talk_say(talk, span_text(question));
}

static void fox_hear(struct talk *talk, struct span bytes)
{
    /* The end may only have come with a ';': a hello sent byte by byte is not read anew at each. */
    size_t len = talk_heard(talk).len;
    if (len - bytes.len < START || len > ICS_HEARD_MAX || span_find(bytes, ';') < bytes.len)
        ics_hear(talk, fox_decode);
}

static void fox_end(struct talk *talk)
{
    ics_end(talk, fox_decode);
}

extern const struct probe probe_fox;
const struct probe probe_fox = {
    .name = "fox",
    .help = "Tridium Niagara Fox: the hello that comes before any login",
    .over = TRANSPORT_TCP,
    .care = CARE_ICS,
    .ports = {1911},
    .ask = fox_ask,
    .hear = fox_hear,
    .end = fox_end,
};
