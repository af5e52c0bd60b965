/* `search` finds hosts by what is known of them, and nothing a user types is taken for anything else. */
#include "../store/observe.h"

#include "cli/verb.h"
#include "process/role.h"

#include <fcntl.h>

#define T(n) (DAY_ZERO + (usec_t)(n)*USEC_PER_HOUR)

extern const struct verb verb_search;

/* No process is started here. */
const struct role *role_by_name(struct span name)
{
    (void)name;
    return NULL;
}

const struct role *const *roles_all(size_t *ret_count)
{
    *ret_count = 0;
    return NULL;
}

int roles_check(const struct conf *settings, struct conf_error *error)
{
    (void)settings;
    (void)error;
    return 0;
}

static struct place place;

/* Runs the verb with one word; what it prints is kept. */
static int search(const char *word, bool json, char *out, size_t size)
{
    FILE *to = tmpfile(), *errors = tmpfile();
    assert_non_null(to);
    assert_non_null(errors);
    (void)fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char copy[512];
        (void)snprintf(copy, sizeof copy, "%s", word);
        char *words[] = {copy};
        const struct invocation invocation = {.program = "noroshi", .settings = place.settings, .config = "test", .data = place.folder};
        struct options options = {.words = words, .word_count = 1};
        options.values[json ? 1 : 2] = "";
        (void)dup2(fileno(to), STDOUT_FILENO);
        (void)dup2(fileno(errors), STDERR_FILENO);
        int result = verb_search.run(&invocation, &options);
        (void)fflush(stdout);
        _exit(result);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    FILE *from = WEXITSTATUS(status) == EXIT_USAGE ? errors : to;
    rewind(from);
    size_t len = fread(out, 1, size - 1, from);
    out[len] = '\0';
    (void)fclose(to);
    (void)fclose(errors);
    return WEXITSTATUS(status);
}

/* The hosts found, as the last byte of their addresses. */
static void expect(const char *word, const char *hosts)
{
    char out[8192], found[64] = "";
    int status = search(word, false, out, sizeof out);
    for (char *line = strchr(out, '\n'); status == EXIT_OK && line != NULL && line[1] != '\0'; line = strchr(line + 1, '\n')) {
        unsigned last = 0;
        assert_int_equal(sscanf(line + 1, "192.0.2.%u,", &last), 1);
        (void)snprintf(found + strlen(found), sizeof found - strlen(found), "%s%u", found[0] != '\0' ? " " : "", last);
    }
    if (strcmp(found, hosts) != 0 || status != (hosts[0] != '\0' ? EXIT_OK : EXIT_NOTHING))
        fail_msg("%s: expected %s, got %s, status %d: %s", word, hosts, found, status, out);
}

static void expect_error(const char *word, const char *part)
{
    char out[1024];
    assert_int_equal(search(word, false, out, sizeof out), EXIT_USAGE);
    if (strstr(out, part) == NULL || strchr(out, '\n') != out + strlen(out) - 1)
        fail_msg("%s: %s", word, out);
}

static void fill(struct store *store)
{
    put_attack(store, T(3), 1, 23, 60, "root");
    put_answer(store, T(4), host_at(1, 23), "telnet", "quiet", 51, NULL, "dvr login: ");
    put_answer(store, T(4), host_at(1, 80), "http", "answered", 51, "Example's \"DVR\" 100%", NULL);
    put_device(store, T(4), host_at(1, 80), &(struct said){.rule = "a", .class = "dvr", .maker = "Example Works", .model = "X100"});
    put_attack(store, T(2), 2, 23, 60, "root");
    put_answer(store, T(5), host_at(2, 161), "snmp", "answered", 51, NULL, "x");
    put_answer(store, T(5), host_at(2, 23), "telnet", "refused", 0, NULL, NULL);
    put_device(store, T(5), host_at(2, 161), &(struct said){.rule = "b", .class = "router", .residue = NULL, .ics = NULL, .maker = "Other"});
    put_device(store, T(6), host_at(2, 23), &(struct said){.rule = "w", .residue = "wifatch"});
    const struct fact listed[] = {fact_text(FACT_LIST_SOURCE, span_text("shodan")),
                                  fact_text(FACT_ICS_PROTOCOL, span_text("bacnet")),
                                  fact_text(FACT_COUNTRY, span_text("JP")),
                                  fact_int(FACT_ASN, 64501),
                                  fact_text(FACT_HOST_NAME, span_text("plant.example")),
                                  fact_text(FACT_HTTP_TITLE, span_text("Chiller"))};
    put_observed(store, KIND_LISTING, T(40), host_at(130, 47808), listed, 6);
}

static void terms_find_hosts(void **state)
{
    (void)state;
    expect("class:dvr", "1");
    expect("class:DVR maker:example port:23", "1");
    expect("class:dvr port:161", "");
    expect("port:23", "1"); /* closed on 2 */
    expect("port:80/tcp", "1");
    expect("port:80/udp", "");
    expect("protocol:snmp", "2");
    expect("attacked:yes", "1 2");
    expect("attacked:no", "130");
    expect("country:jp as:AS64501", "130");
    expect("ics:bacnet", "130");
    expect("ics:yes", "130");
    expect("ics:no", "1 2");
    expect("residue:yes", "2");
    expect("residue:wifatch class:router", "2");
    expect("name:plant", "130");
    expect("ip:192.0.2.0/25", "1 2");
    expect("ip:192.0.2.130", "130");
    expect("ip:192.0.2.0/24", "1 2 130");
    expect("since:2024-05-11", "130");
    expect("until:2024-05-10T02:30:00Z", "2");
    expect("login", "1");
    expect("\"dvr login\"", "1");
    expect("text:chiller", "130");
    expect("nothing-like-it", "");
    expect("maker:\"example works\" model:x1", "1");
    expect("100%", "1");
}

static void what_is_typed_is_only_text(void **state)
{
    (void)state;
    expect("class:\"' OR 1=1 --\"", "");
    expect("%", "1"); /* no wildcard: the page says 100% */
    expect("_", "");
    expect("maker:%", "");
    expect("text:\"x') OR 1=1\"", "");
}

static void mistakes_are_told_in_one_line(void **state)
{
    (void)state;
    expect_error("clas:dvr", "perhaps class");
    expect_error("port:0", "port");
    expect_error("port:23/sctp", "23/tcp");
    expect_error("ip:192.0.2.1/24", "prefix");
    expect_error("since:never", "since");
    expect_error("attacked:perhaps", "yes or no");
    expect_error("class:", "class:dvr");
    expect_error("\"open", "quotation");
    expect_error("   ", "what to look for");
    char many[512] = "";
    for (int i = 0; i < 60; i++)
        (void)snprintf(many + strlen(many), sizeof many - strlen(many), "word%d ", i);
    expect_error(many, "too many");
}

static void json_has_its_document_even_when_empty(void **state)
{
    (void)state;
    char out[16384];
    assert_int_equal(search("class:dvr", true, out, sizeof out), EXIT_OK);
    assert_non_null(strstr(out, "\"noroshi.device.class\": \"dvr\""));
    assert_int_equal(search("class:nas", true, out, sizeof out), EXIT_NOTHING);
    assert_non_null(strstr(out, "\"rows\": []"));
}

static int setup(void **state)
{
    (void)state;
    place = place_make(NULL);
    struct store *store = store_at(&place);
    fill(store);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_flush(store), 0);
    store_close(store);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    place_done(&place);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_find_hosts),
        cmocka_unit_test(what_is_typed_is_only_text),
        cmocka_unit_test(mistakes_are_told_in_one_line),
        cmocka_unit_test(json_has_its_document_even_when_empty),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
