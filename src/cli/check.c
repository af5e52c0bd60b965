/* Explains a configuration: what it would start, with which limits, where data goes, and what would stop it. */
#include "base/err.h"
#include "cli/policy.h"
#include "cli/usage.h"
#include "cli/when.h"
#include "contact/book.h"
#include "observe/honeypot/profile.h"
#include "observe/honeypot/service.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(const struct conf_error *error)
{
    fprintf(stderr, "noroshi: %s\n", error->text);
    return EXIT_USAGE;
}

/* One name of a list "a,b,c", or "any". */
static int check_names(const struct conf_node *node, const char *names, const struct profiles *profiles, struct conf_error *error)
{
    if (strcmp(names, "any") == 0)
        return 0;
    for (struct span left = span_text(names); left.len > 0;) {
        struct span name = span_part(left, 0, span_find(left, ','));
        left = span_part(left, name.len + 1, left.len);
        while (name.len > 0 && name.at[0] == ' ')
            name = span_part(name, 1, name.len);
        if (profiles_by_name(profiles, name) == NULL)
            return node_error(node, error,
                              "profile: expected the name of a device profile (`noroshi profiles` lists them), got \"%.*s\"; for example any",
                              (int)(name.len < 60 ? name.len : 60), (const char *)name.at);
    }
    return 0;
}

static int check_service(const struct conf_node *service, const struct profiles *profiles, struct conf_error *error)
{
    if (service_by_name(span_text(node_text(service, "service"))) == NULL)
        return node_error(service, error, "service: expected the name of a service (`noroshi services` lists them), got \"%s\"; for example telnet",
                          node_text(service, "service"));
    int result = check_names(service, node_text(service, "profile"), profiles, error);
    for (size_t i = 0; i < node_count(service, "profiles") && result == 0; i++) {
        const struct conf_node *rule = node_item(service, "profiles", i);
        result = check_names(rule, node_text(rule, "profile"), profiles, error);
    }
    for (size_t i = 0; i < node_count(service, "relays") && result == 0; i++) {
        struct prefix prefix;
        if (prefix_parse(span_text(node_texts(service, "relays", i)), &prefix) != 0)
            result = node_error(service, error, "relays: expected a prefix, got \"%s\"; for example 192.0.2.0/24", node_texts(service, "relays", i));
    }
    return result;
}

/* Could this address be listened on now? "" when it could, else why not. */
static const char *bind_trouble(struct endpoint at)
{
    struct sockaddr_storage address;
    socklen_t length = endpoint_to_sockaddr(at, &address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return strerror(errno);
    int yes = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const char *trouble = "";
    if (bind(fd, (const struct sockaddr *)&address, length) != 0 || listen(fd, 1) != 0)
        trouble = errno == EADDRINUSE ? "in use by another program" : errno == EACCES ? "needs root or CAP_NET_BIND_SERVICE" : strerror(errno);
    close(fd);
    return trouble;
}

static void print_listener(const char *what, struct endpoint at)
{
    char text[ENDPOINT_TEXT_SIZE];
    const char *trouble = bind_trouble(at);
    printf("    %-9s %s%s%s%s\n", what, endpoint_print(at, text), trouble[0] != '\0' ? "  (now: " : "", trouble, trouble[0] != '\0' ? ")" : "");
}

static void print_services(const struct conf *c)
{
    char text[PREFIX_TEXT_SIZE];
    printf("services\n");
    for (size_t n = 0; n < conf_count(c, "services"); n++) {
        const struct conf_node *s = conf_item(c, "services", n);
        printf("  %s\n", node_text(s, "service"));
        print_listener("listen", node_endpoint(s, "listen"));
        if (node_given(s, "public"))
            print_listener("public", node_endpoint(s, "public"));
        printf("    %-9s %s\n", "profile", node_text(s, "profile"));
        for (size_t i = 0; i < node_count(s, "profiles"); i++) {
            const struct conf_node *rule = node_item(s, "profiles", i);
            printf("    %-9s", "rule");
            if (node_given(rule, "address"))
                printf(" address %s", prefix_print(node_prefix(rule, "address"), text));
            if (node_given(rule, "port"))
                printf(" port %lld", (long long)node_int(rule, "port"));
            printf(" -> %s\n", node_text(rule, "profile"));
        }
        for (size_t i = 0; i < node_count(s, "relays"); i++) {
            struct prefix prefix;
            if (prefix_parse(span_text(node_texts(s, "relays", i)), &prefix) == 0)
                printf("    %-9s %s (a PROXY header must come first)\n", "relay", prefix_print(prefix, text));
        }
    }
    if (conf_count(c, "services") == 0)
        printf("  none: `run` has nothing to start\n");
}

static void print_limits(const struct conf *c)
{
    printf("refused, counted in `report pipeline`\n");
    printf("  above %lld connections at a time, %lld of one service, %lld of one address; per edge process, of which there are %lld\n",
           (long long)conf_int(c, "honeypot.connections"), (long long)conf_int(c, "honeypot.connections_per_service"),
           (long long)conf_int(c, "honeypot.connections_per_peer"), (long long)conf_int(c, "process.edges"));
    printf("conversations end\n");
    printf("  without login after %llds, silent after %llds, in any case after %llds; at %lld bytes received, %lld sent\n",
           (long long)(conf_int(c, "honeypot.login_timeout") / USEC_PER_SEC), (long long)(conf_int(c, "honeypot.idle_timeout") / USEC_PER_SEC),
           (long long)(conf_int(c, "honeypot.session_timeout") / USEC_PER_SEC), (long long)conf_int(c, "honeypot.input_max"),
           (long long)conf_int(c, "honeypot.output_max"));
}

static void print_data(const struct invocation *i)
{
    const struct conf *c = i->settings;
    struct stat status;
    const char *state = "";
    if (stat(i->data, &status) != 0)
        state = errno == ENOENT ? " (will be made)" : " (can't be reached)";
    else if (!S_ISDIR(status.st_mode))
        state = " (is not a folder)";
    else if (access(i->data, W_OK) != 0)
        state = " (can't be written by this user)";
    printf("data\n  %s%s\n", i->data, state);
    long long days = (long long)(conf_int(c, "store.retention") / USEC_PER_DAY), most = (long long)conf_int(c, "store.size_max");
    if (days > 0)
        printf("  days older than %lld days are removed\n", days);
    if (most > 0)
        printf("  the oldest days are removed above %lld bytes\n", most);
    if (days == 0 && most == 0)
        printf("  nothing is ever removed\n");
}

static void print_list(const char *what, const struct policy_list *list)
{
    printf("  %-9s ", what);
    if (list->path[0] == '\0')
        printf("none\n");
    else if (list->trouble != NULL)
        printf("%s (can't be read: %s; nothing is sent without it)\n", list->path, list->trouble);
    else
        printf("%s: %zu network%s\n", list->path, list->networks, list->networks == 1 ? "" : "s");
}

static void print_visits(const struct invocation *i)
{
    const struct conf *c = i->settings;
    struct order_port ports[ORDER_PORTS_MAX];
    struct buf why;
    size_t count = 0;
    buf_init(&why, 0);
    printf("  %-9s ", "asked");
    if (policy_ports(i, ports, ORDER_PORTS_MAX, &count, &why) != 0)
        printf("%s\n", buf_cstr(&why));
    for (size_t n = 0; why.len == 0 && n < count; n++)
        printf("%s%u/%s %s%s", n > 0 ? ", " : "", ports[n].port, transport_name(ports[n].transport), ports[n].probe, n + 1 == count ? "\n" : "");
    buf_done(&why);
    if (conf_bool(c, "probe.attackers"))
        printf("  %-9s %lld min after the attack, and up to %lld min more by chance; an address at most every %lld h\n", "when",
               (long long)(conf_int(c, "probe.delay") / USEC_PER_SEC / 60), (long long)(conf_int(c, "probe.jitter") / USEC_PER_SEC / 60),
               (long long)(conf_int(c, "probe.interval") / USEC_PER_HOUR));
    else
        printf("  %-9s by hand only (`noroshi probe`)\n", "when");
    printf("  %-9s %s\n", "hours", conf_text(c, "outside.hours")[0] != '\0' ? conf_text(c, "outside.hours") : "always");
    printf("  %-9s %lld a second in all; %lld a minute and %lld a day to one address; %lld a day in all\n", "at most",
           (long long)conf_int(c, "outside.rate"), (long long)conf_int(c, "outside.rate_per_address"),
           (long long)conf_int(c, "outside.daily_per_address"), (long long)conf_int(c, "outside.daily"));
    printf("  %-9s industrial probes %s, neighbourhoods %s\n", "besides", conf_bool(c, "probe.ics") ? "on" : "off",
           conf_bool(c, "probe.neighbours") ? "on" : "off");
}

/* What goes out to other hosts, and why not. */
static void print_outside(const struct invocation *i, const struct policy *policy)
{
    static const char *const needed[] = {"operator.organisation", "operator.mail", "operator.page"};
    const struct conf *c = i->settings;
    printf("probes of attackers\n");
    if (!dial_enabled(policy->dial)) {
        printf("  off: nothing is sent to other hosts until these are filled in:");
        for (size_t n = 0; n < 3; n++)
            if (conf_text(c, needed[n])[0] == '\0')
                printf(" %s", needed[n]);
        printf("\n");
    } else {
        printf("  %-9s %s, %s, %s; `noroshi probing` prints probing.txt for your web server\n", "by", conf_text(c, "operator.organisation"),
               conf_text(c, "operator.mail"), conf_text(c, "operator.page"));
        if (conf_bool(c, "outside.dry_run"))
            printf("  dry run: nothing is sent (outside.dry_run)\n");
        if (conf_text(c, "outside.resolver")[0] != '\0')
            printf("  %-9s asked of %s\n", "names", conf_text(c, "outside.resolver"));
        print_visits(i);
    }
    print_list("blocklist", &policy->blocklist);
    print_list("opted out", &policy->optout);
    for (size_t n = 0; n < policy->bad_count && n < POLICY_BAD_TOLD; n++)
        printf("    %s:%u: \"%s\" is no address or network: it protects nobody\n", policy_bad_path(policy, n), policy->bad[n].line,
               policy->bad[n].text);
    if (policy->bad_count > POLICY_BAD_TOLD)
        printf("    and %zu more such lines\n", policy->bad_count - POLICY_BAD_TOLD);
}

/* The tables that look-ups stand on, each with its age. */
static void print_tables(const struct conf *c, const struct book *book)
{
    static const char *const names[] = {
#define PART(name, file, help) file,
#include "contact/book_parts.def"
#undef PART
    };
    printf("contact lists\n  %s\n", conf_text(c, "contact.lists"));
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        char day[USEC_TEXT_SIZE];
        usec_t date = book_date(book, (enum book_part)n);
        long long days = (long long)((usec_now() - date) / USEC_PER_DAY);
        if (book_part(book, (enum book_part)n) == NULL)
            printf("    %-12s none\n", names[n]);
        else if (date == 0)
            printf("    %-12s of an unknown day\n", names[n]);
        else
            printf("    %-12s of %s, %lld day%s old%s\n", names[n], usec_print_day(date, day), days, days == 1 ? "" : "s",
                   days > BOOK_OLD_DAYS ? ": what it says has changed since" : "");
    }
}

static int open_tables(const struct conf *c, struct book **ret, struct conf_error *error)
{
    struct buf image;
    buf_init(&image, BOOK_IMAGE_MAX);
    int r = book_pack_settings(c, &image, error);
    if (r == 0)
        r = book_open(ret, buf_as_span(&image), error);
    buf_done(&image);
    return r;
}

static int check(const struct invocation *i, const struct profiles *profiles)
{
    const struct conf *c = i->settings;
    struct conf_error error = {0};
    int zone = 0;
    for (size_t n = 0; n < conf_count(c, "services"); n++)
        if (check_service(conf_item(c, "services", n), profiles, &error) != 0)
            return refuse(&error);
    if (zone_parse(span_text(conf_text(c, "report.timezone")), &zone) != 0) {
        fprintf(stderr, "noroshi: %s: report.timezone: expected an offset from UTC; for example +09:00\n", i->config);
        return EXIT_USAGE;
    }
    struct policy policy;
    struct book *book = NULL;
    if (open_tables(c, &book, &error) != 0)
        return refuse(&error);
    int status = policy_open(i, &policy);
    if (status != 0) {
        book_close(book);
        return status;
    }
    printf("settings\n  %s%s\n  sensor %s\n", i->config, i->config_absent ? " (not there: the built-in ones hold)" : "", conf_text(c, "sensor.name"));
    print_services(c);
    printf("profiles\n  %zu in %s\n", profiles_count(profiles), conf_text(c, "honeypot.profiles"));
    print_limits(c);
    print_data(i);
    print_outside(i, &policy);
    print_tables(c, book);
    policy_close(&policy);
    book_close(book);
    return EXIT_OK;
}

static int run(const struct invocation *i, const struct options *o)
{
    if (o->word_count > 0)
        return usage_error(NULL, "check: expected no argument, got \"%.80s\"; --config FILE before the verb names a configuration", o->words[0]);
    struct buf image;
    struct conf_error error = {0};
    struct profiles *profiles = NULL;
    buf_init(&image, 0);
    int result = profiles_compile(conf_text(i->settings, "honeypot.profiles"), &image, &error);
    if (result == 0)
        result = profiles_open(&profiles, buf_as_span(&image));
    int status = EXIT_OK;
    if (result == 0)
        status = check(i, profiles);
    else if (error.text[0] != '\0')
        status = refuse(&error);
    else {
        (void)failed("%s: %s", conf_text(i->settings, "honeypot.profiles"), err_text(result));
        status = EXIT_USAGE;
    }
    if (profiles != NULL)
        profiles_close(profiles);
    buf_done(&image);
    return status;
}

const struct verb verb_check = {
    .name = "check",
    .arguments = "",
    .help = "explain the configuration, or say what is wrong with it",
    .text = "Loads the configuration and the device profiles as `run` would, and prints what would listen where, which limits hold, where data\n"
            "goes, and what would be sent to other hosts. Nothing is started or written. A configuration that is not valid is one line on\n"
            "stderr and exit status 2.",
    .examples = "noroshi check\n"
                "noroshi --config new.yaml check\n"
                "noroshi -o process.edges=4 check",
    .needs_settings = true,
    .run = run,
};
