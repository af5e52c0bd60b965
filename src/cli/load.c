#include "cli/load.h"

#include "base/err.h"
#include "base/text.h"
#include "settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* What holds when there is no configuration file. */
static const char built_in[] = "services:\n  - {service: telnet, listen: \"127.0.0.1:2323\", public: \"[::]:23\", profile: any}\n";

static int refuse(struct conf_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int refuse(struct conf_error *error, const char *format, ...)
{
    struct buf raw, line;
    buf_init(&raw, 0);
    buf_init(&line, sizeof error->text - 1);
    va_list args;
    va_start(args, format);
    buf_vprintf(&raw, format, args);
    va_end(args);
    text_escape(&line, buf_as_span(&raw));
    snprintf(error->text, sizeof error->text, "%s", buf_cstr(&line));
    buf_done(&raw);
    buf_done(&line);
    return -ERR_CONFIG;
}

/* The folder above the one the program lies in, when it is a checkout of the source. */
static bool checkout_of(const char *program, char folder[static PATH_MAX])
{
    size_t length = strlen(program);
    for (int up = 0; up < 2; up++) {
        while (length > 0 && program[length - 1] != '/')
            length--;
        if (length == 0)
            return false;
        length--;
    }
    char mark[PATH_MAX];
    if (snprintf(folder, PATH_MAX, "%.*s", (int)length, program) >= PATH_MAX ||
        snprintf(mark, sizeof mark, "%s/src/cli/verbs.def", folder) >= (int)sizeof mark)
        return false;
    return access(mark, F_OK) == 0;
}

int load_find(struct loading *l, struct conf_error *error)
{
    char checkout[PATH_MAX] = "", folder[PATH_MAX] = "";
    ssize_t length = readlink("/proc/self/exe", l->program, sizeof l->program - 1);
    if (length <= 0)
        return refuse(error, "/proc is not there: it tells where this program lies (%s)", strerror(errno));
    l->program[length] = '\0';
    bool installed = !checkout_of(l->program, checkout);
    int wrote = l->given_config != NULL ? snprintf(l->config, sizeof l->config, "%s", l->given_config)
                : installed             ? snprintf(l->config, sizeof l->config, "/etc/noroshi/noroshi.yaml")
                                        : snprintf(l->config, sizeof l->config, "%s/conf/noroshi.yaml", checkout);
    if (wrote >= (int)sizeof l->config)
        return refuse(error, "the configuration's path is too long");
    if (installed) {
        snprintf(l->default_data, sizeof l->default_data, "/var/lib/noroshi");
        return 0;
    }
    if (getcwd(folder, sizeof folder) == NULL)
        return refuse(error, "the working folder can't be read (%s); name a data folder with --data DIR", strerror(errno));
    wrote = snprintf(l->default_data, sizeof l->default_data, "%s/noroshi-data", strcmp(folder, "/") != 0 ? folder : "");
    return wrote < (int)sizeof l->default_data ? 0 : refuse(error, "the working folder's path is too long");
}

static int set(struct conf *conf, const char *path, const char *value, struct conf_error *error)
{
    struct buf text;
    buf_init(&text, 0);
    buf_printf(&text, "%s=%s", path, value);
    int result = text.error != 0 ? text.error : conf_override(conf, buf_cstr(&text), error);
    buf_done(&text);
    return result;
}

/* --data, else store.folder, else the default; absolute, without a slash at its end. */
static int set_data(const struct loading *l, struct conf *conf, struct conf_error *error)
{
    const char *given = l->given_data != NULL ? l->given_data : conf_text(conf, "store.folder");
    char text[PATH_MAX], here[PATH_MAX] = "";
    if (l->given_data != NULL && given[0] == '\0')
        return refuse(error, "--data: expected a folder, got \"\"; for example --data noroshi-data");
    if (given[0] == '\0')
        given = l->default_data;
    while (given[0] == '.' && given[1] == '/')
        given += 2;
    if (given[0] != '/' && getcwd(here, sizeof here) == NULL)
        return refuse(error, "the working folder can't be read: %s", strerror(errno));
    if (strcmp(here, "/") == 0)
        here[0] = '\0';
    int length = given[0] == '/' ? snprintf(text, sizeof text, "%s", given) : snprintf(text, sizeof text, "%s/%s", here, given);
    if (length >= (int)sizeof text)
        return refuse(error, "the data folder's path is too long");
    while (length > 1 && text[length - 1] == '/')
        text[--length] = '\0';
    return set(conf, "store.folder", text, error);
}

int load_settings(const struct loading *l, struct conf **ret, bool *ret_absent, struct conf_error *error)
{
    struct conf *conf = NULL;
    error->text[0] = '\0';
    bool absent = l->given_config == NULL && access(l->config, F_OK) != 0 && errno == ENOENT;
    int result =
        absent ? conf_parse(&conf, l->config, span_text(built_in), settings_schema(), error) : conf_load(&conf, l->config, settings_schema(), error);
    if (result != 0)
        return error->text[0] != '\0' ? -ERR_CONFIG : refuse(error, "%s: %s; give another with --config FILE", l->config, err_text(result));
    for (size_t i = 0; i < l->override_count && result == 0; i++)
        result = conf_override(conf, l->overrides[i], error);
    if (result == 0)
        result = set_data(l, conf, error);
    if (result != 0) {
        conf_free(conf);
        return error->text[0] != '\0' ? -ERR_CONFIG : refuse(error, "%s", err_text(result));
    }
    *ret = conf;
    *ret_absent = absent;
    return 0;
}
