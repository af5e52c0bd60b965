#include "contact/charset.h"

#include "base/text.h"
#include "contact/words.h"

#include <myencoding/encoding.h>
#include <strings.h>

enum { PRESCAN = 4096, SAMPLE = 64 * 1024, UTF8_LEADS = 8 };

/* ---- decoding ---- */

static void put_code(struct buf *out, unsigned long code)
{
    char bytes[8];
    if (code == 0)
        return;
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        code = 0xfffd;
    size_t len = myencoding_codepoint_to_ascii_utf_8(code, bytes);
    buf_put(out, bytes, len);
}

/* Whole runs of good bytes at a time. */
static void decode_utf8(struct span bytes, struct buf *out)
{
    while (bytes.len > 0 && out->error == 0) {
        size_t good = text_utf8_valid(bytes), from = 0;
        while (from < good) {
            size_t run = span_find(span_part(bytes, from, good - from), 0);
            buf_put(out, bytes.at + from, run);
            from += run + 1;
        }
        if (good < bytes.len) {
            put_code(out, 0xfffd);
            good++;
            while (good < bytes.len && (bytes.at[good] & 0xc0) == 0x80)
                good++;
        }
        bytes = span_part(bytes, good, bytes.len);
    }
}

/* A character of JIS X 0208 by its row and cell (1 to 94), through EUC-JP: MyHTML 0.0.6 reads Shift_JIS and ISO-2022-JP wrongly. */
static void put_jis(unsigned row, unsigned cell, struct buf *out)
{
    myencoding_result_t state = {0};
    if (row < 1 || row > 94 || cell < 1 || cell > 94) {
        put_code(out, 0xfffd);
        return;
    }
    (void)myencoding_decode_euc_jp((unsigned char)(row + 0xa0), &state);
    put_code(out, myencoding_decode_euc_jp((unsigned char)(cell + 0xa0), &state) == MyENCODING_STATUS_OK ? state.result : 0xfffd);
}

/* WHATWG Encoding §13.3.1. */
static void decode_shift_jis(struct span bytes, struct buf *out)
{
    for (size_t i = 0; i < bytes.len && out->error == 0; i++) {
        uint8_t lead = bytes.at[i];
        if (lead < 0x80) {
            if (lead != 0)
                buf_byte(out, lead);
            continue;
        }
        if (lead >= 0xa1 && lead <= 0xdf) {
            put_code(out, 0xff61UL + lead - 0xa1);
            continue;
        }
        uint8_t trail = i + 1 < bytes.len ? bytes.at[i + 1] : 0;
        if (lead == 0x80 || lead == 0xa0 || lead > 0xfc || trail < 0x40 || trail == 0x7f || trail > 0xfc) {
            put_code(out, 0xfffd);
            i += trail >= 0x80 ? 1 : 0; /* markup behind a broken lead byte is not swallowed */
            continue;
        }
        unsigned pair = (unsigned)(lead - (lead < 0xa0 ? 0x81 : 0xc1)) * 188 + (unsigned)(trail - (trail < 0x7f ? 0x40 : 0x41));
        put_jis(pair / 94 + 1, pair % 94 + 1, out);
        i++;
    }
}

/* WHATWG Encoding §12.2.1. */
static void decode_iso_2022_jp(struct span bytes, struct buf *out)
{
    enum { ASCII, KANA, PAIRS } state = ASCII;
    for (size_t i = 0; i < bytes.len && out->error == 0; i++) {
        uint8_t c = bytes.at[i], next = i + 1 < bytes.len ? bytes.at[i + 1] : 0, third = i + 2 < bytes.len ? bytes.at[i + 2] : 0;
        if (c == 0x1b && next == '(' && (third == 'B' || third == 'J' || third == 'I')) {
            state = third == 'I' ? KANA : ASCII;
            i += 2;
        } else if (c == 0x1b && next == '$' && (third == '@' || third == 'B')) {
            state = PAIRS;
            i += 2;
        } else if (c >= 0x80) {
            put_code(out, 0xfffd);
        } else if (state == KANA && c >= 0x21 && c <= 0x5f) {
            put_code(out, 0xff61UL + c - 0x21);
        } else if (state == PAIRS && c > 0x20 && next > 0x20 && next < 0x7f) {
            put_jis(c - 0x20U, next - 0x20U, out);
            i++;
        } else if (c != 0 && c != 0x1b) {
            buf_byte(out, c);
            state = c == '\n' ? ASCII : state;
        }
    }
}

static void decode_utf16(struct span bytes, bool big, struct buf *out)
{
    for (size_t i = 0; i + 1 < bytes.len && out->error == 0; i += 2) {
        unsigned long unit = big ? bytes.at[i] * 256UL + bytes.at[i + 1] : bytes.at[i + 1] * 256UL + bytes.at[i];
        if (unit >= 0xd800 && unit < 0xdc00 && i + 3 < bytes.len) {
            unsigned long low = big ? bytes.at[i + 2] * 256UL + bytes.at[i + 3] : bytes.at[i + 3] * 256UL + bytes.at[i + 2];
            if (low >= 0xdc00 && low < 0xe000) {
                unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            }
        }
        put_code(out, unit);
    }
}

static void decode_by_table(myencoding_t set, struct span bytes, struct buf *out)
{
    myencoding_custom_f step = myencoding_get_function_by_id(set);
    myencoding_result_t state = {0};
    bool inside = false;
    for (size_t i = 0; i < bytes.len && out->error == 0; i++) {
        if (!inside && bytes.at[i] < 0x80) {
            size_t from = i;
            while (i < bytes.len && bytes.at[i] < 0x80 && bytes.at[i] != 0)
                i++;
            buf_put(out, bytes.at + from, i - from);
            if (i < bytes.len && bytes.at[i] != 0)
                i--;
            continue;
        }
        state.result = 0;
        myencoding_status_t status = step(bytes.at[i], &state);
        bool was_inside = inside;
        inside = status == MyENCODING_STATUS_CONTINUE;
        if (status == MyENCODING_STATUS_OK) {
            put_code(out, state.result);
        } else if (status == MyENCODING_STATUS_ERROR) {
            put_code(out, 0xfffd);
            memset(&state, 0, sizeof state);
            if (was_inside && bytes.at[i] < 0x80)
                i--; /* what follows a broken lead byte is not lost (no markup is swallowed) */
        }
    }
    if (inside)
        put_code(out, 0xfffd);
}

static void decode(myencoding_t set, struct span bytes, struct buf *out)
{
    if (set == MyENCODING_UTF_8)
        decode_utf8(bytes, out);
    else if (set == MyENCODING_SHIFT_JIS)
        decode_shift_jis(bytes, out);
    else if (set == MyENCODING_ISO_2022_JP)
        decode_iso_2022_jp(bytes, out);
    else if (set == MyENCODING_UTF_16LE || set == MyENCODING_UTF_16BE)
        decode_utf16(bytes, set == MyENCODING_UTF_16BE, out);
    else
        decode_by_table(set, bytes, out);
}

/* ---- deciding ---- */

static bool by_label(struct span label, myencoding_t *ret)
{
    while (label.len > 0 && (label.at[0] <= ' ' || label.at[0] == '"' || label.at[0] == '\''))
        label = span_part(label, 1, label.len);
    size_t len = 0;
    while (len < label.len && label.at[len] > ' ' && label.at[len] != ';' && label.at[len] != '"' && label.at[len] != '\'' && label.at[len] != ',')
        len++;
    return len > 0 && len < 40 && myencoding_by_name((const char *)label.at, len, ret);
}

static bool by_content_type(struct span type, myencoding_t *ret)
{
    for (size_t i = 0; i + 8 < type.len; i++) {
        if (strncasecmp((const char *)type.at + i, "charset", 7) != 0)
            continue;
        size_t at = i + 7;
        while (at < type.len && type.at[at] == ' ')
            at++;
        if (at < type.len && type.at[at] == '=')
            return by_label(span_part(type, at + 1, type.len), ret);
    }
    return false;
}

static bool by_mark(struct span bytes, myencoding_t *ret, size_t *ret_len)
{
    *ret_len = 2;
    if (bytes.len >= 2 && bytes.at[0] == 0xff && bytes.at[1] == 0xfe) {
        *ret = MyENCODING_UTF_16LE;
    } else if (bytes.len >= 2 && bytes.at[0] == 0xfe && bytes.at[1] == 0xff) {
        *ret = MyENCODING_UTF_16BE;
    } else if (bytes.len >= 3 && memcmp(bytes.at, "\xef\xbb\xbf", 3) == 0) {
        *ret = MyENCODING_UTF_8;
        *ret_len = 3;
    } else {
        *ret_len = 0;
    }
    return *ret_len > 0;
}

/* Markup in ASCII leaves every other byte zero; a page of one byte a character has none. */
static bool by_zeros(struct span bytes, myencoding_t *ret)
{
    size_t zeros[2] = {0}, len = bytes.len < 512 ? bytes.len & ~(size_t)1 : 512;
    if (len < 8 || memchr(bytes.at, 0, len) == NULL)
        return false;
    for (size_t i = 0; i < len; i++)
        zeros[i & 1] += bytes.at[i] == 0;
    if (zeros[0] * 8 >= len && zeros[1] == 0)
        *ret = MyENCODING_UTF_16BE;
    else if (zeros[1] * 8 >= len && zeros[0] == 0)
        *ret = MyENCODING_UTF_16LE;
    else
        return false;
    return true;
}

/* What a sample would be in one of the sets of two bytes: how many characters, how many broken. */
struct tally {
    size_t high, broken, kana, hangul, han, odd;
};

static struct tally tally_of(myencoding_t set, struct span bytes)
{
    struct tally t = {0};
    struct buf text;
    buf_init(&text, 0);
    decode(set, bytes, &text);
    struct span utf8 = buf_as_span(&text);
    for (size_t at = 0; at < utf8.len;) {
        size_t len = 1;
        uint32_t c = utf8.at[at] < 0x80 ? utf8.at[at] : utf8_read(utf8, at, &len);
        at += len;
        t.broken += c == 0xfffd;
        if (c < 0x80 || c == 0xfffd)
            continue;
        t.high++;
        t.kana += c >= 0x3041 && c <= 0x30fe;
        t.hangul += c >= 0xac00 && c <= 0xd7a3;
        t.han += c >= 0x4e00 && c <= 0x9fff;
        t.odd += (c >= 0xff61 && c <= 0xff9f) || (c >= 0xe000 && c <= 0xf8ff);
    }
    buf_done(&text);
    return t;
}

/* The most common characters of each lie low in its order: level 1 of GB 2312 (lead bytes B0 to D7), of Big5 (A4 to C6). */
static size_t low_leads(struct span bytes, uint8_t from, uint8_t to, size_t *ret_pairs)
{
    size_t low = 0, pairs = 0;
    for (size_t i = 0; i + 1 < bytes.len; i++) {
        if (bytes.at[i] < 0x81)
            continue;
        if (bytes.at[i] >= 0xa4) {
            pairs++;
            low += bytes.at[i] >= from && bytes.at[i] <= to;
        }
        i++;
    }
    *ret_pairs = pairs;
    return low;
}

static bool clean(const struct tally *t)
{
    return t->high > 0 && t->broken * 50 <= t->high;
}

static bool by_two_bytes(struct span sample, myencoding_t *ret)
{
    struct tally euc_jp = tally_of(MyENCODING_EUC_JP, sample), sjis = tally_of(MyENCODING_SHIFT_JIS, sample);
    struct tally euc_kr = tally_of(MyENCODING_EUC_KR, sample), gb = tally_of(MyENCODING_GB18030, sample), big5 = tally_of(MyENCODING_BIG5, sample);
    size_t pairs, low;
    /* Japanese first: its kana are rare in what other sets make of it, and in what it makes of them. */
    if (clean(&euc_jp) && euc_jp.kana * 5 >= euc_jp.high && euc_jp.odd * 4 <= euc_jp.high) {
        *ret = MyENCODING_EUC_JP;
        return true;
    }
    if (clean(&sjis) && sjis.kana * 5 >= sjis.high && sjis.odd * 4 <= sjis.high) {
        *ret = MyENCODING_SHIFT_JIS;
        return true;
    }
    if (clean(&euc_kr) && euc_kr.hangul * 100 >= (euc_kr.hangul + euc_kr.han + euc_kr.kana + 1) * 80) {
        *ret = MyENCODING_EUC_KR;
        return true;
    }
    low = low_leads(sample, 0xb0, 0xd7, &pairs);
    if (clean(&gb) && gb.han * 2 >= gb.high && low * 10 >= pairs * 8) {
        *ret = MyENCODING_GBK;
        return true;
    }
    low = low_leads(sample, 0xa4, 0xc6, &pairs);
    if (clean(&big5) && big5.han * 2 >= big5.high && low * 10 >= pairs * 8) {
        *ret = MyENCODING_BIG5;
        return true;
    }
    return false;
}

static myencoding_t by_hint(struct span hint)
{
    static const struct {
        const char *code;
        myencoding_t set;
    } hints[] = {
        {"ru", MyENCODING_WINDOWS_1251}, {"bg", MyENCODING_WINDOWS_1251}, {"uk", MyENCODING_WINDOWS_1251}, {"ua", MyENCODING_WINDOWS_1251},
        {"sr", MyENCODING_WINDOWS_1251}, {"by", MyENCODING_WINDOWS_1251}, {"mk", MyENCODING_WINDOWS_1251}, {"pl", MyENCODING_ISO_8859_2},
        {"cs", MyENCODING_WINDOWS_1250}, {"cz", MyENCODING_WINDOWS_1250}, {"hu", MyENCODING_ISO_8859_2},   {"sk", MyENCODING_WINDOWS_1250},
        {"sl", MyENCODING_ISO_8859_2},   {"hr", MyENCODING_WINDOWS_1250}, {"ro", MyENCODING_ISO_8859_2},   {"el", MyENCODING_ISO_8859_7},
        {"gr", MyENCODING_ISO_8859_7},   {"tr", MyENCODING_WINDOWS_1254}, {"he", MyENCODING_WINDOWS_1255}, {"il", MyENCODING_WINDOWS_1255},
        {"ar", MyENCODING_WINDOWS_1256}, {"fa", MyENCODING_WINDOWS_1256}, {"ir", MyENCODING_WINDOWS_1256}, {"lt", MyENCODING_WINDOWS_1257},
        {"lv", MyENCODING_WINDOWS_1257}, {"et", MyENCODING_WINDOWS_1257}, {"vi", MyENCODING_WINDOWS_1258}, {"vn", MyENCODING_WINDOWS_1258},
        {"th", MyENCODING_WINDOWS_874},  {"ja", MyENCODING_SHIFT_JIS},    {"jp", MyENCODING_SHIFT_JIS},    {"ko", MyENCODING_EUC_KR},
        {"kr", MyENCODING_EUC_KR},       {"cn", MyENCODING_GBK},          {"zh", MyENCODING_GBK},          {"tw", MyENCODING_BIG5},
        {"sa", MyENCODING_WINDOWS_1256}, {"eg", MyENCODING_WINDOWS_1256}, {"ae", MyENCODING_WINDOWS_1256}, {"sy", MyENCODING_WINDOWS_1256},
        {"iq", MyENCODING_WINDOWS_1256}, {"jo", MyENCODING_WINDOWS_1256}, {"kw", MyENCODING_WINDOWS_1256}, {"ye", MyENCODING_WINDOWS_1256},
    };
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (hint.len >= 2 && strncasecmp((const char *)hint.at, hints[i].code, 2) == 0 && (hint.len == 2 || hint.at[2] == '-' || hint.at[2] == '_'))
            return hints[i].set;
    }
    return MyENCODING_WINDOWS_1252;
}

/* Alphabets other than the Latin one come in whole words; of Cyrillic, small letters are the most, and lie where the other set has its capitals. */
static bool by_words_of_cyrillic(struct span sample, myencoding_t *ret)
{
    size_t runs = 0, high = 0, early = 0, late = 0;
    for (size_t i = 0; i < sample.len; i++) {
        uint8_t c = sample.at[i];
        runs += c >= 0xc0 && (i == 0 || sample.at[i - 1] < 0xc0);
        high += c >= 0xc0;
        early += c >= 0xc0 && c < 0xe0;
        late += c >= 0xe0;
    }
    if (high < 8 || high < runs * 5 / 2)
        return false;
    *ret = late > early ? MyENCODING_WINDOWS_1251 : MyENCODING_KOI8_R;
    return true;
}

/* Nobody says. */
static myencoding_t by_bytes(struct span bytes, struct span hint)
{
    struct span sample = span_part(bytes, 0, SAMPLE);
    myencoding_t set = MyENCODING_UTF_8;
    size_t good = text_utf8_valid(sample);
    if (sample.len - good < 4 && (good == sample.len || bytes.len > sample.len)) {
        for (size_t i = 0; i + 2 < sample.len; i++) {
            if (sample.at[i] == 0x1b && sample.at[i + 1] == '$' && (sample.at[i + 2] == 'B' || sample.at[i + 2] == '@'))
                return MyENCODING_ISO_2022_JP;
        }
        return MyENCODING_UTF_8;
    }
    if (by_two_bytes(sample, &set))
        return set;
    myencoding_t hinted = by_hint(hint);
    if ((hinted == MyENCODING_WINDOWS_1252 || hinted == MyENCODING_WINDOWS_1251) && by_words_of_cyrillic(sample, &set))
        return set;
    return hinted;
}

/* Whole, with so many characters beyond ASCII as no other set makes by chance: a page that was saved anew, or whose server says the same of all. */
static bool is_surely_utf8(struct span bytes)
{
    size_t leads = 0;
    for (size_t i = 0; i < bytes.len && leads < UTF8_LEADS; i++)
        leads += bytes.at[i] >= 0xc2;
    return leads >= UTF8_LEADS && text_utf8_valid(bytes) == bytes.len;
}

static myencoding_t by_meta(struct span bytes)
{
    struct span head = span_part(bytes, 0, PRESCAN);
    return head.len > 0 ? myencoding_prescan_stream_to_determine_encoding((const char *)head.at, head.len) : MyENCODING_NOT_DETERMINED;
}

/* A server that says Latin-1 of all it has, over a page that names a set of two bytes and is whole in it. */
static bool is_blanket(myencoding_t said, myencoding_t meta, struct span bytes)
{
    bool two = meta == MyENCODING_SHIFT_JIS || meta == MyENCODING_EUC_JP || meta == MyENCODING_EUC_KR || meta == MyENCODING_GBK ||
               meta == MyENCODING_GB18030 || meta == MyENCODING_BIG5;
    if (said != MyENCODING_WINDOWS_1252 || !two)
        return false;
    struct tally t = tally_of(meta, span_part(bytes, 0, SAMPLE));
    return clean(&t) && t.han + t.kana + t.hangul >= UTF8_LEADS;
}

static myencoding_t declared(struct span type, struct span hint, struct span bytes, size_t *ret_mark)
{
    myencoding_t set, meta;
    if (by_mark(bytes, &set, ret_mark) || by_zeros(bytes, &set))
        return set;
    if (by_content_type(type, &set)) {
        meta = set == MyENCODING_WINDOWS_1252 ? by_meta(bytes) : set;
        return is_blanket(set, meta, bytes) ? meta : set;
    }
    set = by_meta(bytes);
    if (set == MyENCODING_UTF_16LE || set == MyENCODING_UTF_16BE)
        return MyENCODING_UTF_8; /* it could not have been read otherwise */
    if (set != MyENCODING_NOT_DETERMINED && set < MyENCODING_LAST_ENTRY)
        return set;
    return by_bytes(bytes, hint);
}

static myencoding_t decide(struct span type, struct span hint, struct span bytes, size_t *ret_mark)
{
    myencoding_t set = declared(type, hint, bytes, ret_mark);
    return *ret_mark == 0 && set != MyENCODING_UTF_8 && is_surely_utf8(bytes) ? MyENCODING_UTF_8 : set;
}

int charset_to_utf8(struct span type, struct span hint, struct span bytes, struct span *ret_name, struct buf *out)
{
    size_t mark = 0, len = 0;
    myencoding_t set = decide(type, hint, bytes, &mark);
    const char *name = myencoding_name_by_id(set, &len);
    bytes = span_part(bytes, mark, bytes.len);
    decode(set, bytes, out);
    *ret_name = name != NULL ? span_of(name, len) : span_text("UTF-8");
    return out->error;
}

void charset_decode(struct span label, struct span bytes, struct buf *out)
{
    myencoding_t set;
    decode(by_label(label, &set) ? set : MyENCODING_WINDOWS_1252, bytes, out);
}
