/* Check sums and encodings: md5sum, sha1sum, sha256sum, sha512sum, sha3sum, cksum, crc32, base64. */
#include "base/text.h"
#include "observe/honeypot/shell/applets/common.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>

/* Hash of a whole file or standard input; files larger than the cap (generated ones) are read in portions. */
static int digest_of(struct run *run, struct span path, const EVP_MD *type, char text[static 2 * EVP_MAX_MD_SIZE + 1])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct input in;
    int error = input_open(run, path, &in);
    if (error < 0)
        return error;
    if (EVP_Digest(in.bytes.at != NULL ? (const void *)in.bytes.at : "", in.bytes.len, digest, &len, type, NULL) != 1)
        len = 0;
    input_close(&in);
    text_hex(span_of(digest, len), text);
    return 0;
}

static int check_list(struct run *run, const struct options *o, const EVP_MD *type)
{
    struct input in;
    if (!input_open_warn(run, o->arg_count > 0 ? o->args[0] : span_text("-"), true, &in))
        return 1;
    struct span rest = in.bytes, line;
    bool ended;
    size_t count = 0, failed = 0;
    while (line_next(&rest, &line, &ended) && run_step(run, 1)) {
        size_t blank = span_find(line, ' ');
        struct span want = span_part(line, 0, blank), path = span_part(line, blank + 2, SIZE_MAX);
        char text[2 * EVP_MAX_MD_SIZE + 1];
        count++;
        if (path.len == 0) {
            failed++;
            continue;
        }
        int error = digest_of(run, path, type, text);
        if (error < 0)
            run_error(run, "%.*s: can't open '%.*s': %s\n", TEXT(name_of(run)), TEXT(path), errno_text(error));
        bool good = error == 0 && want.len == strlen(text) && strncasecmp(text, (const char *)want.at, want.len) == 0;
        failed += !good;
        if (!option(o, 's'))
            run_printf(run, "%.*s: %s\n", TEXT(path), good ? "OK" : "FAILED");
    }
    if (failed > 0 && !option(o, 's'))
        run_error(run, "%.*s: WARNING: %zu of %zu computed checksums did NOT match\n", TEXT(name_of(run)), failed, count);
    input_close(&in);
    return failed > 0 || count == 0;
}

static int sum_files(struct run *run, const EVP_MD *type)
{
    struct options o;
    if (!options_parse(run, &o, "scwba:", NULL))
        return o.status;
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, false);
    if (option(&o, 'c'))
        return check_list(run, &o, type);
    int status = 0;
    for (size_t i = 0; i < (o.arg_count > 0 ? o.arg_count : 1) && run_step(run, 1); i++) {
        struct span path = o.arg_count > 0 ? o.args[i] : span_text("-");
        char text[2 * EVP_MAX_MD_SIZE + 1];
        int error = digest_of(run, path, type, text);
        if (error < 0) {
            run_error(run, error == -EISDIR ? "%.*s: can't read '%.*s': %s\n" : "%.*s: can't open '%.*s': %s\n", TEXT(name_of(run)), TEXT(path),
                      errno_text(error));
            status = 1;
        } else {
            run_printf(run, "%s  %.*s\n", text, TEXT(path));
        }
    }
    return status;
}

static int md5sum(struct run *run)
{
    return sum_files(run, EVP_md5());
}

static int sha1sum(struct run *run)
{
    return sum_files(run, EVP_sha1());
}

static int sha256sum(struct run *run)
{
    return sum_files(run, EVP_sha256());
}

static int sha512sum(struct run *run)
{
    return sum_files(run, EVP_sha512());
}

static int sha3sum(struct run *run)
{
    return sum_files(run, EVP_sha3_224());
}

const struct applet applet_md5sum = {.name = "md5sum", .run = md5sum, .usage = "md5sum [-c[sw]] [FILE]...\n\nPrint or check MD5 checksums"};
const struct applet applet_sha1sum = {.name = "sha1sum", .run = sha1sum, .usage = "sha1sum [-c[sw]] [FILE]...\n\nPrint or check SHA1 checksums"};
const struct applet applet_sha256sum = {
    .name = "sha256sum", .run = sha256sum, .usage = "sha256sum [-c[sw]] [FILE]...\n\nPrint or check SHA256 checksums"};
const struct applet applet_sha512sum = {
    .name = "sha512sum", .run = sha512sum, .usage = "sha512sum [-c[sw]] [FILE]...\n\nPrint or check SHA512 checksums"};
const struct applet applet_sha3sum = {
    .name = "sha3sum", .run = sha3sum, .usage = "sha3sum [-c[sw]] [-a BITS] [FILE]...\n\nPrint or check SHA3 checksums"};

/* ---- CRC-32: POSIX cksum's and Ethernet's */

static uint32_t crc_posix(struct span bytes)
{
    uint32_t crc = 0;
    uint64_t length = bytes.len;
    for (size_t i = 0; i < bytes.len || length > 0; i++) {
        uint8_t byte;
        if (i < bytes.len) {
            byte = bytes.at[i];
        } else {
            byte = (uint8_t)length;
            length >>= 8;
        }
        crc ^= (uint32_t)byte << 24;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc & 0x80000000U ? crc << 1 ^ 0x04c11db7U : crc << 1;
    }
    return ~crc;
}

static uint32_t crc_ethernet(struct span bytes)
{
    uint32_t crc = ~0U;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.at[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320U : crc >> 1;
    }
    return ~crc;
}

static int crc_files(struct run *run, bool posix)
{
    struct options o;
    if (!options_parse(run, &o, "", NULL))
        return o.status;
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, false);
    int status = 0;
    for (size_t i = 0; i < (o.arg_count > 0 ? o.arg_count : 1) && run_step(run, 1); i++) {
        struct input in;
        struct span path = o.arg_count > 0 ? o.args[i] : (struct span){0};
        if (!input_open_warn(run, path.len > 0 ? path : span_text("-"), false, &in)) {
            status = 1;
            continue;
        }
        if (posix)
            run_printf(run, "%u %zu", crc_posix(in.bytes), in.bytes.len);
        else
            run_printf(run, "%08x", crc_ethernet(in.bytes));
        run_printf(run, path.len > 0 ? " %.*s\n" : "%.*s\n", TEXT(path));
        input_close(&in);
    }
    return status;
}

static int cksum(struct run *run)
{
    return crc_files(run, true);
}

static int crc32(struct run *run)
{
    return crc_files(run, false);
}

const struct applet applet_cksum = {.name = "cksum", .run = cksum, .usage = "cksum FILE...\n\nCalculate CRC32 checksum of FILEs"};
const struct applet applet_crc32 = {.name = "crc32", .run = crc32, .usage = "crc32 FILE...\n\nCalculate CRC32 checksum of FILEs"};

/* ---- base64 */

static int base64_digit(uint8_t c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

static bool base64_decode(struct span text, struct buf *out)
{
    unsigned held = 0, digits = 0, padding = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = base64_digit(text.at[i]);
        if (text.at[i] == '=' && digits >= 2) {
            padding++;
        } else if (digit < 0) {
            continue; /* line ends and what does not belong here */
        } else {
            held = (held << 6 | (unsigned)digit) & 0xffffff;
            digits++;
        }
        if (digits + padding == 4) {
            held <<= 6 * padding;
            for (unsigned k = 0; k < 3 - padding; k++)
                buf_byte(out, (uint8_t)(held >> (16 - 8 * k)));
            held = digits = 0;
            if (padding > 0)
                padding = 0;
        }
    }
    for (unsigned k = 0; digits > 1 && k < digits - 1; k++)
        buf_byte(out, (uint8_t)((held << 6 * (4 - digits)) >> (16 - 8 * k)));
    return digits == 0;
}

static int base64(struct run *run)
{
    struct options o;
    uint64_t width = 76;
    if (!options_parse(run, &o, "dw:", "decode=d wrap=w"))
        return o.status;
    if (o.arg_count > 1)
        return run_usage(run);
    if (option(&o, 'w') && !number_parse(option_value(&o, 'w'), &width))
        return number_fail(run, option_value(&o, 'w'));
    if (input_is_typed(run, o.args, o.arg_count))
        return run_await_input(run, false);
    struct input in;
    struct span path = o.arg_count > 0 ? o.args[0] : span_text("-");
    int error = input_open(run, path, &in);
    if (error < 0) {
        if (error == -EISDIR)
            run_error(run, "base64: read error: Is a directory\n");
        else
            (void)run_fail(run, path, error);
        return 1;
    }
    struct buf out;
    int status = 0;
    buf_init(&out, 4 * LOAD_MAX);
    if (option(&o, 'd')) {
        bool whole = base64_decode(in.bytes, &out);
        (void)out_paid(run, buf_as_span(&out));
        if (!whole) {
            run_error(run, "base64: truncated input\n");
            status = 1;
        }
    } else {
        text_base64(&out, in.bytes);
        struct span rest = buf_as_span(&out);
        while (rest.len > 0 && width > 0) {
            if (!out_paid(run, span_part(rest, 0, (size_t)width)))
                break;
            run_text(run, "\n");
            rest = span_part(rest, width < rest.len ? (size_t)width : rest.len, SIZE_MAX);
        }
        if (width == 0)
            (void)out_paid(run, rest);
    }
    buf_done(&out);
    input_close(&in);
    return status;
}

const struct applet applet_base64 = {
    .name = "base64", .run = base64, .usage = "base64 [-d] [-w COL] [FILE]\n\nBase64 encode or decode FILE to standard output"};
