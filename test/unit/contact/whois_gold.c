/*
 * The WHOIS engine against labelled replies ($NOROSHI_SHARED/data/contact, read at run time, never copied here): of each reply the first contacts,
 * whom to ask next, which handles, and that nobody else is taken for a contact; domain replies against the addresses that are expected of them.
 */
#include "../base/check.h"
#include "lists.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/text.h"
#include "contact/whois.h"

#include <dirent.h>
#include <jansson.h>
#include <strings.h>

enum { ARENA_MAX = 64 * 1024 * 1024, EXPECTED_MAX = 20 };

static struct book *book;
static char folder[4000];

static int begin(void **state)
{
    (void)state;
    const char *shared = getenv("NOROSHI_SHARED");
    (void)snprintf(folder, sizeof folder, "%s/data/contact", shared != NULL ? shared : "../shared");
    book = shipped_book();
    return 0;
}

static int end(void **state)
{
    (void)state;
    book_close(book);
    return 0;
}

static bool read_bytes(const char *name, struct buf *ret)
{
    char path[16384];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    buf_init(ret, 0);
    return file_read(path, ret) == 0;
}

static bool same(struct span a, const char *b)
{
    return a.len == strlen(b) && strncasecmp((const char *)a.at, b, a.len) == 0;
}

static bool listed(json_t *list, struct span value)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        if (same(value, json_string_value(item)))
            return true;
    }
    return false;
}

/* "name" or, when the port is not WHOIS's, "name:port". */
static void next_text(const struct whois_reply *reply, char *text, size_t size)
{
    if (reply->next_port == 43 || reply->next.len == 0)
        (void)snprintf(text, size, "%.*s", (int)reply->next.len, (const char *)reply->next.at);
    else
        (void)snprintf(text, size, "%.*s:%u", (int)reply->next.len, (const char *)reply->next.at, reply->next_port);
}

struct tally {
    size_t replies, primary_right, primary_wanted, wrong_party, secondary_missing, next_right, handles_right;
};

static bool equal_sets(json_t *wanted, const struct findings *found)
{
    size_t hits = 0, taken = 0;
    for (const struct finding *f = found->first; f != NULL; f = f->next) {
        if (f->objection != OBJECTION_NONE || f->rank > 0 || f->kind != CONTACT_MAIL)
            continue;
        taken++;
        hits += listed(wanted, f->value);
    }
    return hits == taken && hits == json_array_size(wanted);
}

/* The address that a reply is named after: "whois_ripe192_0_2_1.txt", "2001_db8__1.txt"; none: one that is in no block. */
static struct addr address_in(const char *file)
{
    char text[ADDR_TEXT_SIZE];
    struct addr addr = addr_v4(0xc0000201);
    const char *at = strrchr(file, '/') != NULL ? strrchr(file, '/') + 1 : file;
    size_t len = 0;
    if (strncmp(at, "whois_", 6) == 0)
        at += strcspn(at, "0123456789");
    while (at[len] != 0 && len + 1 < sizeof text && strncmp(&at[len], ".txt", 4) != 0) {
        text[len] = at[len];
        len++;
    }
    text[len] = 0;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        for (size_t i = 0; i < len; i++)
            text[i] = (char)(text[i] == '_' || text[i] == '.' || text[i] == ':' ? (v6 == 1 ? ':' : '.') : text[i]);
        if (addr_parse(span_text(text), &addr) == 0)
            break;
    }
    return addr;
}

static void look_at(json_t *gold, struct tally *tally)
{
    struct arena arena;
    struct findings found;
    struct whois_reply reply;
    struct buf bytes;
    char name[512], next[512];
    const char *file = json_string_value(json_object_get(gold, "file"));
    struct addr addr = address_in(file);
    (void)snprintf(name, sizeof name, "ip-whois/%s", file);
    if (!read_bytes(name, &bytes)) {
        buf_done(&bytes);
        return;
    }
    arena_init(&arena, ARENA_MAX);
    findings_init(&found, &arena);
    assert_int_equal(whois_read(book, (struct span){0}, addr, buf_as_span(&bytes), &found, &reply), 0);
    next_text(&reply, next, sizeof next);
    json_t *primary = json_object_get(gold, "primary"), *secondary = json_object_get(gold, "secondary"), *handles = json_object_get(gold, "handles");
    json_t *none = json_object_get(gold, "not_contact");
    bool right = equal_sets(primary, &found);
    size_t i;
    json_t *item;
    tally->replies++;
    tally->primary_wanted++;
    tally->primary_right += right;
    for (const struct finding *f = found.first; f != NULL; f = f->next) {
        if (f->objection == OBJECTION_NONE && listed(none, f->value)) {
            tally->wrong_party++;
            print_message("%s: wrong party %.*s\n", file, (int)f->value.len, (const char *)f->value.at);
        }
    }
    json_array_foreach(secondary, i, item)
    {
        bool hit = false;
        for (const struct finding *f = found.first; f != NULL; f = f->next)
            hit = hit || (f->objection == OBJECTION_NONE && same(f->value, json_string_value(item)));
        tally->secondary_missing += !hit;
        if (!hit)
            print_message("%s: missing %s\n", file, json_string_value(item));
    }
    bool next_right = strcmp(next, json_string_value(json_object_get(gold, "next"))) == 0;
    tally->next_right += next_right;
    size_t hits = 0;
    for (size_t k = 0; k < reply.handle_count; k++)
        hits += listed(handles, reply.handles[k]);
    bool handles_right = hits == json_array_size(handles) && hits == reply.handle_count;
    tally->handles_right += handles_right;
    if (!right || !next_right || !handles_right) {
        print_message("%s: %.*s next=%s handles=%zu primary %s\n", file, (int)reply.authority.len, (const char *)reply.authority.at, next,
                      reply.handle_count, right ? "right" : "WRONG");
        for (const struct finding *f = found.first; f != NULL; f = f->next)
            print_message("   %u %s %.*s [%.*s] %s\n", f->rank, contact_role_text(f->role), (int)f->value.len, (const char *)f->value.at,
                          (int)f->attribute.len, (const char *)f->attribute.at, objection_text(f->objection));
    }
    arena_done(&arena);
    buf_done(&bytes);
}

static void labelled_replies(void **state)
{
    (void)state;
    struct tally tally = {0};
    struct buf text;
    json_error_t error;
    if (!read_bytes("ip-whois/gold.dev.json", &text)) {
        print_message("no labelled replies here: skipped\n");
        buf_done(&text);
        skip();
    }
    json_t *list = json_loadb((const char *)text.data, text.len, 0, &error), *gold;
    size_t i;
    assert_non_null(list);
    json_array_foreach(list, i, gold) look_at(gold, &tally);
    print_message("labelled replies: %zu; primary right %zu, wrong party %zu, secondary missing %zu, next right %zu, handles right %zu\n",
                  tally.replies, tally.primary_right, tally.wrong_party, tally.secondary_missing, tally.next_right, tally.handles_right);
    assert_true(tally.primary_right * 100 >= tally.replies * 95);
    assert_int_equal(tally.wrong_party, 0);
    assert_int_equal(tally.secondary_missing, 0);
    assert_int_equal(tally.next_right, tally.replies);
    assert_int_equal(tally.handles_right, tally.replies);
    json_decref(list);
    buf_done(&text);
}

/* ---- domains ---- */

struct domain_tally {
    size_t files, addresses, found, role_right, objected, states, states_right;
};

static int role_of_section(const char *section)
{
    return strncmp(section, "registrant", 10) == 0 ? (int)CONTACT_ROLE_OWNER
           : strncmp(section, "admin", 5) == 0     ? (int)CONTACT_ROLE_ADMINISTRATIVE
           : strncmp(section, "technical", 9) == 0 ? (int)CONTACT_ROLE_TECHNICAL
                                                   : -1;
}

/* A role that is as good as the expected one, since one address keeps its best. */
static bool role_fits(int wanted, const struct finding *f)
{
    return (int)f->role <= wanted && f->role != CONTACT_ROLE_REGISTRAR;
}

static void compare_expected(const char *path, struct span text, const struct findings *found, struct domain_tally *tally)
{
    char section[64] = "";
    while (text.len > 0) {
        struct span line = span_part(text, 0, span_find(text, '\n'));
        text = span_part(text, line.len + 1, text.len);
        if (line.len > 1 && line.at[0] == '#')
            (void)snprintf(section, sizeof section, "%.*s", (int)line.len - 1, (const char *)line.at + 1);
        size_t open = span_find(line, '"');
        if (open == line.len || memmem(line.at, open, "email", strlen("email")) == NULL)
            continue;
        struct span mail = span_part(line, open + 1, line.len);
        mail.len = span_find(mail, '"');
        if (span_find(mail, '@') == mail.len)
            continue;
        bool there = false, right = false;
        for (const struct finding *f = found->first; f != NULL; f = f->next) {
            bool is = f->objection == OBJECTION_NONE && f->value.len == mail.len &&
                      strncasecmp((const char *)f->value.at, (const char *)mail.at, mail.len) == 0;
            there = there || is;
            right = right || (is && role_fits(role_of_section(section), f));
        }
        tally->addresses++;
        tally->found += there;
        tally->role_right += right;
        if (!there || !right)
            print_message("%s: %s %.*s: %s\n", path, section, (int)mail.len, (const char *)mail.at, there ? "other role" : "missing");
    }
}

static void check_state(const char *path, const struct whois_reply *reply, struct domain_tally *tally)
{
    const char *name = strrchr(path, '/') + 1;
    bool right = true;
    if (strncmp(name, "response_throttled", 18) == 0)
        right = reply->state == WHOIS_LIMITED || reply->state == WHOIS_BANNED;
    else if (strcmp(name, "status_available.txt") == 0)
        right = reply->state == WHOIS_EMPTY;
    else if (strcmp(name, "status_registered.txt") == 0)
        right = reply->state == WHOIS_GOOD;
    else
        return;
    tally->states++;
    tally->states_right += right;
    if (!right)
        print_message("%s: state %d\n", path, (int)reply->state);
}

/* The server whose answer it is: the folder below domain-whois/weppos. */
static struct span server_of(const char *path)
{
    const char *at = strstr(path, "weppos/");
    struct span left = span_text(at != NULL ? at + strlen("weppos/") : "");
    return span_part(left, 0, span_find(left, '/'));
}

static void look_at_domain(const char *path, struct domain_tally *tally)
{
    char expected_path[4096];
    struct arena arena;
    struct findings found;
    struct whois_reply reply;
    struct buf bytes, expected;
    if (!read_bytes(path, &bytes)) {
        buf_done(&bytes);
        return;
    }
    arena_init(&arena, ARENA_MAX);
    findings_init(&found, &arena);
    assert_int_equal(whois_read_domain(book, server_of(path), (struct span){0}, buf_as_span(&bytes), &found, &reply), 0);
    (void)snprintf(expected_path, sizeof expected_path, "%.*s.expected", (int)strlen(path) - 4, path);
    if (read_bytes(expected_path, &expected))
        compare_expected(path, buf_as_span(&expected), &found, tally);
    check_state(path, &reply, tally);
    tally->files++;
    buf_done(&expected);
    arena_done(&arena);
    buf_done(&bytes);
}

static void walk(const char *path, unsigned depth, struct domain_tally *tally)
{
    char name[8192];
    if (strlen(folder) + strlen(path) + 300 > sizeof name || snprintf(name, sizeof name, "%s/%s", folder, path) < 0)
        return;
    DIR *dir = depth < 6 ? opendir(name) : NULL;
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= (int)sizeof name)
            continue;
        size_t len = strlen(name);
        if (len > 4 && strcmp(&name[len - 4], ".txt") == 0)
            look_at_domain(name, tally);
        else if (strchr(entry->d_name, '.') == NULL || strstr(entry->d_name, ".expected") == NULL)
            walk(name, depth + 1, tally);
    }
    if (dir != NULL)
        (void)closedir(dir);
}

static void replies_about_domains(void **state)
{
    (void)state;
    struct domain_tally tally = {0};
    walk("domain-whois/weppos", 0, &tally);
    if (tally.files == 0) {
        print_message("no replies about domains here: skipped\n");
        skip();
    }
    print_message("replies about domains: %zu; addresses expected %zu, found %zu, with their role %zu; states %zu, right %zu\n", tally.files,
                  tally.addresses, tally.found, tally.role_right, tally.states, tally.states_right);
    assert_int_equal(tally.found, tally.addresses);
    assert_true(tally.role_right * 100 >= tally.addresses * 98);
    assert_true(tally.states_right * 100 >= tally.states * 95);
}

/* ---- chains ---- */

/* Of the chains that another client walked from ARIN: our tables' first server lies on each, and the last one is the one whose reply it is. */
static void recorded_chains(void **state)
{
    (void)state;
    struct buf text;
    json_error_t error;
    json_t *entry, *list;
    size_t i, walked = 0, first_right = 0, last_right = 0, last_known = 0;
    if (!read_bytes("ip-whois/phuhn/expected.json", &text)) {
        buf_done(&text);
        skip();
    }
    list = json_loadb((const char *)text.data, text.len, 0, &error);
    assert_non_null(list);
    json_array_foreach(list, i, entry)
    {
        char name[512];
        struct span server;
        struct addr addr = address_in(json_string_value(json_object_get(entry, "file"))), asked;
        json_t *chain = json_object_get(entry, "chain");
        struct buf bytes;
        int r = whois_first(book, addr, &server, &asked);
        walked++;
        first_right += r == 0 ? listed(chain, server) : r == -ERR_DENIED;
        (void)snprintf(name, sizeof name, "ip-whois/phuhn/%s", json_string_value(json_object_get(entry, "file")));
        if (read_bytes(name, &bytes)) {
            struct arena arena;
            struct findings found;
            struct whois_reply reply;
            struct span last = span_text(json_string_value(json_array_get(chain, json_array_size(chain) - 1)));
            arena_init(&arena, ARENA_MAX);
            findings_init(&found, &arena);
            assert_int_equal(whois_read(book, (struct span){0}, addr, buf_as_span(&bytes), &found, &reply), 0);
            struct span registry = whois_server(book, last)->registry;
            last_known++;
            last_right += registry.len == 0 ? span_is(reply.authority, "RWHOIS")
                                            : span_equal(span_part(reply.authority, 0, registry.len), registry) || span_is(reply.authority, "IANA");
            arena_done(&arena);
        }
        buf_done(&bytes);
    }
    print_message("chains: %zu; first server on the chain %zu; last server's reply recognised %zu of %zu\n", walked, first_right, last_right,
                  last_known);
    assert_true(first_right + 1 >= walked); /* one address has been moved since */
    assert_int_equal(last_right, last_known);
    json_decref(list);
    buf_done(&text);
}

static void recorded_referrals(void **state)
{
    (void)state;
    static const struct {
        const char *file, *domain, *next;
    } cases[] = {
        {"crsnic.com_referral.txt", "weppos.com", "whois.godaddy.com"},
        {"crsnic.com_referral_missing.txt", "vrsn-20100925-dnssecmonitor86.net", ""},
        {"crsnic.com_referral_multiple.txt", "google.com", "whois.markmonitor.com"},
        {"crsnic.com_referral_not_defined.txt", "set.tv", ""},
        {"niccc.cc.txt", "raymond.cc", "whois.godaddy.com"},
        {"afilias.bz.txt", "belizenic.bz", "whois.belizenic.bz"},
        {"arin_referral_servernap.txt", NULL, "rwhois.servernap.net"},
        {"arin_referral_missing.txt", NULL, ""},
        {"arin_referral_apnic.txt", NULL, "whois.apnic.net"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[512];
        struct buf bytes;
        struct arena arena;
        struct findings found;
        struct whois_reply reply;
        (void)snprintf(name, sizeof name, "ip-whois/weppos-referrals/%s", cases[i].file);
        if (!read_bytes(name, &bytes)) {
            buf_done(&bytes);
            skip();
        }
        arena_init(&arena, ARENA_MAX);
        findings_init(&found, &arena);
        int r = cases[i].domain != NULL ? whois_read_domain(book, (struct span){0}, span_text(cases[i].domain), buf_as_span(&bytes), &found, &reply)
                                        : whois_read(book, (struct span){0}, addr_v4(0xc0000201), buf_as_span(&bytes), &found, &reply);
        assert_int_equal(r, 0);
        assert_true(span_is(reply.next, cases[i].next));
        arena_done(&arena);
        buf_done(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(labelled_replies), cmocka_unit_test(replies_about_domains), cmocka_unit_test(recorded_chains),
                                       cmocka_unit_test(recorded_referrals)};
    return cmocka_run_group_tests(tests, begin, end);
}
