/*
 * Cowrie's JSON lines in the dialect of 2026, so that what reads Cowrie reads Noroshi. A record that was imported from Cowrie comes out as
 * the event it went in: event.action names it, event.original holds what no fact does. Of our own records
 *   CONNECTION → session.connect      LOGIN → login.success, login.failed       COMMAND → command.input
 *   CLIENT → client.version, .kex, .size, .var, .fingerprint, telnet.option, session.params
 *   SAMPLE → session.file_download, file_upload
 *   DOWNLOAD → session.file_download.failed (nothing is fetched while a session lasts)
 *   EXPLOIT → telnet.exploit_attempt, exploit_success                             FORWARD → direct-tcpip.request, .data
 *   SESSION → a telnet.option each, log.closed when there is a transcript, session.closed
 * REFUSAL and FINDING have no counterpart. An imported download's DOWNLOAD is left out: its SAMPLE is the same event.
 */
#include "base/cursor.h"
#include "record/transcript.h"
#include "share/cowrie_line.h"
#include "share/sink.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>

enum { TTY_HEADER = 24 }; /* of each piece in a ttylog: op, tty, length, direction, seconds, µs */

static const char *const option_names[256] = {
#define TELNET_OPTION(number, name) [(number)] = (name),
#include "record/telnet_options.def"
#undef TELNET_OPTION
};

/* The uuid of the sensor last seen: one for all records of most exports. */
struct state {
    char sensor[RECORD_SENSOR_MAX + 1];
    char uuid[COWRIE_UUID_SIZE];
};

struct writing {
    struct buf *out;
    const struct record *record;
    const char *uuid;
};

/* A stable UUID of a name (RFC 9562 §5.8, version 8: SHA-256). */
static int uuid_of(struct span name, char text[static COWRIE_UUID_SIZE])
{
    static const char salt[] = "noroshi sensor\n";
    uint8_t input[sizeof salt + RECORD_SENSOR_MAX], digest[EVP_MAX_MD_SIZE];
    size_t len = name.len < RECORD_SENSOR_MAX ? name.len : RECORD_SENSOR_MAX;
    memcpy(input, salt, sizeof salt);
    if (len > 0)
        memcpy(input + sizeof salt, name.at, len);
    if (EVP_Digest(input, sizeof salt + len, digest, NULL, EVP_sha256(), NULL) != 1)
        return -ENOMEM;
    digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x80);
    digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
    char hex[33];
    text_hex(span_of(digest, 16), hex);
    (void)snprintf(text, COWRIE_UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return 0;
}

static void begin(const struct writing *w, struct cowrie_line *line)
{
    cowrie_line_begin(line, w->out, w->record, w->uuid, NULL, 0);
}

static struct span fact(const struct writing *w, enum fact_name name)
{
    return cowrie_fact(w->record, name);
}

static bool has(const struct writing *w, enum fact_name name)
{
    return record_fact(w->record, name) != NULL;
}

static int64_t number(const struct writing *w, enum fact_name name)
{
    const struct fact *found = record_fact(w->record, name);
    return found != NULL ? found->number : 0;
}

#define TEXT(span) (int)(span).len, (const char *)(span).at

static void put_connect(const struct writing *w)
{
    struct cowrie_line line;
    char source[ADDR_TEXT_SIZE], destination[ADDR_TEXT_SIZE], hex[13];
    struct span session = fact(w, FACT_COWRIE_SESSION);
    if (session.len == 0)
        session = span_text(text_hex(span_of(w->record->session.bytes + 10, 6), hex));
    begin(w, &line);
    cowrie_line_endf(&line, "cowrie.session.connect", "New connection: %s:%u (%s:%u) [session: %.*s]", addr_print(w->record->source.addr, source),
                     w->record->source.port, addr_print(w->record->destination.addr, destination), w->record->destination.port, TEXT(session));
}

static void put_login(const struct writing *w)
{
    struct cowrie_line line;
    bool success = span_is(fact(w, FACT_EVENT_OUTCOME), "success");
    struct span user = fact(w, FACT_USER_NAME), password = fact(w, FACT_PASSWORD), fingerprint = fact(w, FACT_KEY_FINGERPRINT);
    begin(w, &line);
    cowrie_line_text(&line, "username", user);
    if (fingerprint.len > 0) {
        cowrie_line_text(&line, "fingerprint", fingerprint);
        cowrie_line_text(&line, "key", fact(w, FACT_KEY));
        cowrie_line_text(&line, "type", fact(w, FACT_KEY_TYPE));
        password = fingerprint;
    } else {
        cowrie_line_text(&line, "password", password);
    }
    cowrie_line_endf(&line, success ? "cowrie.login.success" : "cowrie.login.failed", "login attempt [%.*s/%.*s] %s", TEXT(user), TEXT(password),
                     success ? "succeeded" : "failed");
}

static void put_command(const struct writing *w)
{
    struct cowrie_line line;
    struct span input = fact(w, FACT_COMMAND_LINE);
    begin(w, &line);
    cowrie_line_text(&line, "input", input);
    cowrie_line_endf(&line, "cowrie.command.input", "CMD: %.*s", TEXT(input));
}

/* An option's number: by its name, or its name is the number; -1 when neither. */
static int64_t option_byte(struct span name)
{
    for (size_t i = 0; i < 256; i++) {
        if (option_names[i] != NULL && span_is(name, option_names[i]))
            return (int64_t)i;
    }
    int64_t value = name.len > 0 && name.len <= 3 ? 0 : -1;
    for (size_t i = 0; i < name.len && value >= 0; i++)
        value = name.at[i] >= '0' && name.at[i] <= '9' ? value * 10 + (name.at[i] - '0') : -1;
    return value < 256 ? value : -1;
}

/* "WILL NAWS, DONT ECHO": one event each. */
static void put_options(const struct writing *w)
{
    for (struct span left = fact(w, FACT_TELNET_OPTIONS); left.len > 0;) {
        size_t comma = span_find(left, ',');
        struct span one = span_part(left, 0, comma);
        left = span_part(left, comma + 2, left.len);
        size_t space = span_find(one, ' ');
        struct span command = span_part(one, 0, space), name = span_part(one, space + 1, one.len);
        struct cowrie_line line;
        begin(w, &line);
        cowrie_line_text(&line, "command", command);
        cowrie_line_text(&line, "option_name", name);
        if (option_byte(name) >= 0)
            cowrie_line_int(&line, "option_byte", option_byte(name));
        cowrie_line_endf(&line, "cowrie.telnet.option", "Telnet %.*s %.*s", TEXT(command), TEXT(name));
    }
}

static void put_variable(const struct writing *w, struct span name, struct span value)
{
    struct cowrie_line line;
    begin(w, &line);
    cowrie_line_text(&line, "name", name);
    cowrie_line_text(&line, "value", value);
    cowrie_line_endf(&line, "cowrie.client.var", "request_env: %.*s=%.*s", TEXT(name), TEXT(value));
}

static void put_fingerprint(const struct writing *w)
{
    struct cowrie_line line;
    begin(w, &line);
    cowrie_line_text(&line, "username", fact(w, FACT_USER_NAME));
    cowrie_line_text(&line, "fingerprint", fact(w, FACT_KEY_FINGERPRINT));
    cowrie_line_text(&line, "key", fact(w, FACT_KEY));
    cowrie_line_text(&line, "type", fact(w, FACT_KEY_TYPE));
    cowrie_line_endf(&line, "cowrie.client.fingerprint", "public key attempt for user %.*s of type %.*s with fingerprint %.*s",
                     TEXT(fact(w, FACT_USER_NAME)), TEXT(fact(w, FACT_KEY_TYPE)), TEXT(fact(w, FACT_KEY_FINGERPRINT)));
}

/* What a client says may come as one record with several facts; each has its own event. */
static void put_client(const struct writing *w)
{
    struct cowrie_line line;
    if (has(w, FACT_CLIENT_VERSION)) {
        begin(w, &line);
        cowrie_line_text(&line, "version", fact(w, FACT_CLIENT_VERSION));
        cowrie_line_endf(&line, "cowrie.client.version", "Remote SSH version: %.*s", TEXT(fact(w, FACT_CLIENT_VERSION)));
    }
    if (has(w, FACT_CLIENT_HASSH)) {
        begin(w, &line);
        cowrie_line_text(&line, "hassh", fact(w, FACT_CLIENT_HASSH));
        cowrie_line_text(&line, "hasshAlgorithms", fact(w, FACT_CLIENT_HASSH_ALGORITHMS));
        cowrie_line_endf(&line, "cowrie.client.kex", "SSH client hassh fingerprint: %.*s", TEXT(fact(w, FACT_CLIENT_HASSH)));
    }
    put_options(w);
    if (has(w, FACT_TERMINAL_COLUMNS)) {
        begin(w, &line);
        cowrie_line_int(&line, "width", number(w, FACT_TERMINAL_COLUMNS));
        cowrie_line_int(&line, "height", number(w, FACT_TERMINAL_ROWS));
        cowrie_line_endf(&line, "cowrie.client.size", "Terminal Size: %" PRId64 " %" PRId64, number(w, FACT_TERMINAL_COLUMNS),
                         number(w, FACT_TERMINAL_ROWS));
    }
    if (has(w, FACT_TERMINAL_TYPE))
        put_variable(w, span_text("TERM"), fact(w, FACT_TERMINAL_TYPE));
    if (has(w, FACT_VARIABLE_NAME))
        put_variable(w, fact(w, FACT_VARIABLE_NAME), fact(w, FACT_VARIABLE_VALUE));
    if (has(w, FACT_KEY_FINGERPRINT))
        put_fingerprint(w);
    if (has(w, FACT_ARCHITECTURE)) {
        begin(w, &line);
        cowrie_line_text(&line, "arch", fact(w, FACT_ARCHITECTURE));
        cowrie_line_end(&line, span_text("cowrie.session.params"), (struct span){0});
    }
}

static void put_sample(const struct writing *w)
{
    struct cowrie_line line;
    bool upload = span_is(fact(w, FACT_SAMPLE_ORIGIN), "upload");
    struct span url = fact(w, FACT_URL_FULL), sha256 = fact(w, FACT_FILE_SHA256), path = fact(w, FACT_FILE_PATH);
    char outfile[128];
    (void)snprintf(outfile, sizeof outfile, "var/lib/cowrie/downloads/%.64s", sha256.len == 64 ? (const char *)sha256.at : "");
    begin(w, &line);
    if (upload)
        cowrie_line_text(&line, "filename", path);
    if (url.len > 0)
        cowrie_line_text(&line, "url", url);
    json_key(&line.json, "duplicate");
    json_bool(&line.json, number(w, FACT_DUPLICATE) != 0);
    cowrie_line_text(&line, "outfile", span_text(outfile));
    cowrie_line_text(&line, "shasum", sha256);
    if (path.len > 0)
        cowrie_line_text(&line, "destfile", path);
    if (upload)
        cowrie_line_endf(&line, "cowrie.session.file_upload", "Uploaded file \"%.*s\" to %s", TEXT(path), outfile);
    else if (url.len > 0)
        cowrie_line_endf(&line, "cowrie.session.file_download", "Downloaded URL (%.*s) with SHA-256 %.*s to %s", TEXT(url), TEXT(sha256), outfile);
    else
        cowrie_line_endf(&line, "cowrie.session.file_download", "Saved redir contents with SHA-256 %.*s to %s", TEXT(sha256), outfile);
}

static void put_download(const struct writing *w)
{
    struct cowrie_line line;
    struct buf made;
    struct span url = fact(w, FACT_URL_FULL), reason = fact(w, FACT_EVENT_REASON);
    buf_init(&made, 0);
    if (url.len == 0 && fact(w, FACT_URL_DOMAIN).len == 0)
        return;         /* the command named no place */
    if (url.len == 0) { /* tftp -g -r FILE HOST and the like */
        buf_printf(&made, "%.*s://%.*s/%.*s", TEXT(fact(w, FACT_DOWNLOAD_METHOD)), TEXT(fact(w, FACT_URL_DOMAIN)),
                   TEXT(fact(w, FACT_DOWNLOAD_TARGET)));
        url = buf_as_span(&made);
    }
    begin(w, &line);
    cowrie_line_text(&line, "url", url);
    if (reason.len > 0)
        cowrie_line_text(&line, "error", reason);
    cowrie_line_endf(&line, "cowrie.session.file_download.failed", "Attempt to download file(s) from URL (%.*s) failed", TEXT(url));
    buf_done(&made);
}

static void put_exploit(const struct writing *w)
{
    struct cowrie_line line;
    struct span cve = fact(w, FACT_VULNERABILITY_ID);
    begin(w, &line);
    cowrie_line_text(&line, "cve", cve);
    if (span_is(fact(w, FACT_EVENT_OUTCOME), "success")) {
        cowrie_line_text(&line, "username", fact(w, FACT_USER_NAME));
        cowrie_line_text(&line, "attempted_command", fact(w, FACT_COMMAND_LINE));
        cowrie_line_endf(&line, "cowrie.telnet.exploit_success", "%.*s was exploited", TEXT(cve));
    } else {
        cowrie_line_text(&line, "name", fact(w, FACT_VARIABLE_NAME));
        cowrie_line_text(&line, "value", fact(w, FACT_VARIABLE_VALUE));
        cowrie_line_endf(&line, "cowrie.telnet.exploit_attempt", "%.*s was tried", TEXT(cve));
    }
}

static void put_forward(const struct writing *w)
{
    struct cowrie_line line;
    char source[ADDR_TEXT_SIZE];
    struct span host = fact(w, FACT_FORWARD_HOST), data = fact(w, FACT_FORWARD_DATA);
    int64_t port = number(w, FACT_FORWARD_PORT);
    cowrie_line_begin(&line, w->out, w->record, w->uuid, &host, port);
    if (data.len > 0) {
        cowrie_line_text(&line, "data", data);
        cowrie_line_endf(&line, "cowrie.direct-tcpip.data", "direct-tcp forward to %.*s:%" PRId64 " with data %.*s", TEXT(host), port, TEXT(data));
        return;
    }
    struct span from = span_text(addr_print(w->record->source.addr, source));
    cowrie_line_text(&line, "orig_ip", from);
    cowrie_line_int(&line, "orig_port", w->record->source.port);
    cowrie_line_endf(&line, "cowrie.direct-tcpip.request", "direct-tcp connection request to %.*s:%" PRId64 " from %.*s:%u", TEXT(host), port,
                     TEXT(from), w->record->source.port);
}

/* What Cowrie's ttylog of this conversation would be: its size, the SHA-256 of what the attacker sent, its length in time. */
static int put_log(const struct writing *w, struct span transcript)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    uint8_t sum[EVP_MAX_MD_SIZE];
    struct transcript_piece piece;
    struct cursor c = cursor_of(transcript);
    usec_t last = 0;
    int64_t size = 2 * TTY_HEADER; /* its opening and its closing */
    bool first = true, ok = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
    while (ok && transcript_next(&c, &piece) == 1) {
        last += first ? 0 : piece.after;
        first = false;
        size += TTY_HEADER + (int64_t)piece.bytes.len;
        if (piece.direction == TRANSCRIPT_RECEIVED)
            ok = EVP_DigestUpdate(digest, piece.bytes.at, piece.bytes.len) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(digest, sum, NULL) == 1;
    EVP_MD_CTX_free(digest);
    if (!ok)
        return -ENOMEM;
    struct cowrie_line line;
    char hex[65], ttylog[96];
    (void)snprintf(ttylog, sizeof ttylog, "var/lib/cowrie/tty/%s", text_hex(span_of(sum, 32), hex));
    begin(w, &line);
    cowrie_line_text(&line, "ttylog", span_text(ttylog));
    cowrie_line_int(&line, "size", size);
    cowrie_line_text(&line, "shasum", span_text(hex));
    json_key(&line.json, "duplicate");
    json_bool(&line.json, false);
    cowrie_line_int(&line, "duration_ms", last / USEC_PER_MSEC);
    cowrie_line_endf(&line, "cowrie.log.closed", "Closing TTY Log: %s after %" PRId64 " milliseconds", ttylog, last / USEC_PER_MSEC);
    return 0;
}

static int put_session(const struct writing *w)
{
    struct cowrie_line line;
    const struct fact *transcript = record_fact(w->record, FACT_TRANSCRIPT);
    put_options(w);
    int r = transcript != NULL && transcript->text.len > 0 ? put_log(w, transcript->text) : 0;
    int64_t msec = number(w, FACT_EVENT_DURATION) / 1000000;
    begin(w, &line);
    cowrie_line_int(&line, "duration_ms", msec);
    cowrie_line_endf(&line, "cowrie.session.closed", "Connection lost after %" PRId64 " milliseconds", msec);
    return r;
}

static int put_record(const struct writing *w)
{
    switch ((int)w->record->kind) {
    case KIND_CONNECTION:
        put_connect(w);
        break;
    case KIND_SESSION:
        return put_session(w);
    case KIND_LOGIN:
        put_login(w);
        break;
    case KIND_COMMAND:
        put_command(w);
        break;
    case KIND_CLIENT:
        put_client(w);
        break;
    case KIND_SAMPLE:
        put_sample(w);
        break;
    case KIND_DOWNLOAD:
        put_download(w);
        break;
    case KIND_EXPLOIT:
        put_exploit(w);
        break;
    case KIND_FORWARD:
        put_forward(w);
        break;
    default:
        break; /* no counterpart */
    }
    return 0;
}

static int cowrie_put(struct sink_stream *stream, const struct record *record)
{
    struct state *state = stream->state;
    struct span sensor = span_part(record->sensor, 0, RECORD_SENSOR_MAX);
    if (state->uuid[0] == '\0' || !span_is(sensor, state->sensor)) {
        int r = uuid_of(sensor, state->uuid);
        if (r != 0)
            return r;
        memcpy(state->sensor, sensor.len > 0 ? sensor.at : (const uint8_t *)"", sensor.len);
        state->sensor[sensor.len] = '\0';
    }
    const struct writing w = {.out = &stream->out, .record = record, .uuid = state->uuid};
    struct span action = cowrie_fact(record, FACT_EVENT_ACTION), original = cowrie_fact(record, FACT_EVENT_ORIGINAL);
    bool imported = span_is(cowrie_fact(record, FACT_OBSERVER_PRODUCT), "cowrie") && span_starts(action, "cowrie.");
    if (imported && record->kind == KIND_DOWNLOAD && span_is(action, "cowrie.session.file_download"))
        return 0;
    if (imported && original.len > 0 && cowrie_line_original(&stream->out, record, state->uuid, action, original))
        return stream->out.error;
    int r = put_record(&w);
    return r != 0 ? r : stream->out.error;
}

extern const struct sink sink_cowrie;
const struct sink sink_cowrie = {
    .name = "cowrie",
    .help = "Cowrie's JSON lines in the dialect of 2026",
    .state_size = sizeof(struct state),
    .put = cowrie_put,
};
