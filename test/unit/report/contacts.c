/* Reports of contacts over a store filled with known findings. */
#include "../store/contact_records.h"

#include "filled.h"

static const struct ended success = {.outcome = "success", .channels = "desk,rdap,security_txt"};

/* Three targets; both channels know one of the addresses. */
static void fill(struct store *store)
{
    put_found(store, T(1), 1, 1, &(struct told){.channel = "rdap", .value = "abuse@a.example", .choice = "primary", .rfc2142 = 1, .word = 1});
    put_found(store, T(1), 1, 1, &(struct told){.channel = "desk", .value = "abuse@a.example"});
    put_found(store, T(1), 1, 1, &(struct told){.channel = "rdap", .value = "hostmaster@registry.example", .objection = "registry", .valid = "no"});
    put_ended(store, T(1), 1, 1, &success);
    put_found(store, T(2), 2, 2, &(struct told){.channel = "rdap", .value = "x@gone.example", .exists = "no", .valid = "no"});
    put_found(store, T(2), 2, 2, &(struct told){.channel = "rdap", .value = "y@b.example", .exists = "unknown", .valid = "unknown", .match = "name"});
    put_found(store, T(2), 2, 2, &(struct told){.channel = "security_txt", .kind = "form", .value = "https://b.example/report", .match = "exact"});
    put_ended(store, T(2), 2, 2, &success);
    put_ended(store, T(3), 3, 3, &(struct ended){.outcome = "failure", .channels = "desk,rdap"});
}

static void pairs_per_channel(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    fill(store);
    finish(store);
    check(&place, "contacts", (struct query_range){0},
          "desk,3,1,1,0,0,,0,,1,0,0\n"
          "rdap,3,2,3,66.6667,0,,0,,3,66.6667,1\n"
          "security_txt,2,1,0,,1,100,0,,1,100,0\n"
          "total,3,2,3,,1,,0,,4,,1\n");
    check(&place, "contacts", (struct query_range){.since = T(24)}, "");
    check(&place, "contact-validity", (struct query_range){0},
          "desk,mail,1,1,0,0,1,1,1,100,0,1,1,100,0\n"
          "rdap,mail,3,1,0,1,1,1,1,33.3333,0,1,1,100,1\n"
          "security_txt,form,1,1,1,0,0,0,1,100,1,0,0,100,0\n"
          "total,mail,3,1,0,1,1,1,1,33.3333,0,1,1,100,1\n"
          "total,form,1,1,1,0,0,0,1,100,1,0,0,100,0\n");
    check(&place, "contact-validity", (struct query_range){.until = T(1)}, "");
    place_done(&place);
}

static void accounts_as_operators_saw_them(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    const struct told account = {.channel = "desk", .kind = "account", .exists = "unknown", .valid = "unknown"};
    static const char *const urls[] = {"https://www.facebook.com/a", "https://www.facebook.com/b", "https://x.com/a"};
    for (unsigned i = 0; i < 3; i++) {
        struct told one = account;
        one.value = urls[i];
        put_found(store, T(1), 1 + i, 1 + i, &one);
    }
    struct told again = account;
    again.value = urls[0];
    put_found(store, T(1), 9, 9, &again);
    finish(store);
    check(&place, "sns", (struct query_range){0}, "facebook.com,3,2,0,0,,0,0,3\nx.com,1,1,0,0,,0,0,1\ntotal,4,3,0,0,,0,0,4\n");
    struct control *control = place_control(&place);
    assert_int_equal(db_run(control_database(control),
                            "INSERT INTO account VALUES('https://www.facebook.com/a','yes','yes','yes',1,'x'),('https://x.com/a','no','unknown',"
                            "'unknown',1,'x'),('https://www.facebook.com/b','yes','no','yes',1,'x')"),
                     0);
    control_close(control);
    check(&place, "sns", (struct query_range){0}, "facebook.com,3,2,3,2,66.6667,3,2,0\nx.com,1,1,0,0,,0,0,0\ntotal,4,3,3,2,66.6667,3,2,0\n");
    place_done(&place);
}

static void mail_domains_that_recur(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    static const char *const inputs[] = {"a.example", "b.example", "c.example", "d.example"};
    char value[64];
    for (unsigned i = 0; i < 4; i++) {
        (void)snprintf(value, sizeof value, "%u@privacy.example", i);
        put_found(store, T(1), 1 + i, 1 + i,
                  &(struct told){.channel = "domain_whois", .value = value, .domain = inputs[i], .flags = "privacy-proxy"});
        (void)snprintf(value, sizeof value, "me@%s", inputs[i]);
        put_found(store, T(1), 1 + i, 1 + i, &(struct told){.channel = "domain_whois", .value = value, .domain = inputs[i]});
    }
    /* The same domain of two addresses is one input. */
    put_found(store, T(1), 9, 9, &(struct told){.channel = "domain_whois", .value = "me@a.example", .domain = "a.example"});
    put_found(store, T(1), 1, 1, &(struct told){.channel = "domain_whois", .value = "p@free.example", .domain = "a.example", .flags = "free-mail"});
    put_found(store, T(1), 2, 2, &(struct told){.channel = "domain_whois", .value = "q@free.example", .domain = "b.example", .flags = "free-mail"});
    finish(store);
    check(&place, "privacy-proxies", (struct query_range){0}, "privacy.example,4,4,4,1,0,40\nfree.example,2,2,2,0,1,20\n");
    place_done(&place);
}

static void registries_and_who_bans_us(void **state)
{
    (void)state;
    struct place place = place_make(NULL);
    struct store *store = store_at(&place);
    usec_t now = usec_now();
    for (int i = 0; i < 5; i++)
        put_lookup(store, now - 60 * USEC_PER_SEC, 1, 1,
                   &(struct look){.protocol = "whois", .server = "whois.a.example", .state = i == 4 ? "limited" : "good", .personal = 2});
    put_lookup(store, now - 100 * USEC_PER_HOUR, 1, 1, &(struct look){.protocol = "whois", .server = "whois.a.example", .state = "good"});
    put_lookup(store, now - 100 * USEC_PER_HOUR, 1, 1, &(struct look){.protocol = "whois", .server = "whois.b.example", .state = "banned"});
    finish(store);
    char *rows = rows_of(place.folder, "registries", (struct query_range){0}, NULL);
    assert_non_null(strstr(rows, "whois.b.example,,1,1,0,0,,0,,banned,"));
    assert_non_null(strstr(rows, "whois.a.example,,6,1,10,5,,10,,limited,"));
    assert_true(strstr(rows, "whois.b") < strstr(rows, "whois.a"));
    free(rows);
    rows = rows_of(place.folder, "registries", (struct query_range){.since = now - 10 * USEC_PER_HOUR}, NULL);
    assert_non_null(strstr(rows, "whois.a.example,,5,1,10,5,,10,"));
    free(rows);
    place_done(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_per_channel),
        cmocka_unit_test(accounts_as_operators_saw_them),
        cmocka_unit_test(mail_domains_that_recur),
        cmocka_unit_test(registries_and_who_bans_us),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
