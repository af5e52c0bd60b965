/* The configuration reader with the program's own settings: whatever it accepts, it writes so that it reads the same again. The first
 * line is given as an override when it begins with "-o ". */
#include "settings.h"

#include "base/err.h"
#include "base/text.h"

#include "target.h"

static void check_error(const struct conf_error *error)
{
    size_t len = strnlen(error->text, sizeof error->text);
    MUST(len > 0 && len < sizeof error->text && text_utf8_valid(span_text(error->text)) == len);
    for (size_t i = 0; i < len; i++)
        MUST((uint8_t)error->text[i] >= 0x20 && error->text[i] != 0x7f);
}

static void check_dump(const struct conf *conf)
{
    struct buf first, second;
    buf_init(&first, 4 << 20);
    buf_init(&second, 0);
    if (conf_dump(conf, &first) == 0) {
        struct conf *again = NULL;
        struct conf_error error;
        MUST(conf_parse(&again, "/dump", buf_as_span(&first), settings_schema(), &error) == 0);
        MUST(conf_dump(again, &second) == 0);
        MUST(span_equal(buf_as_span(&first), buf_as_span(&second)));
        conf_free(again);
    }
    buf_done(&first);
    buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span in = span_of(data, len);
    struct conf *conf = NULL;
    struct conf_error error;
    char *override = NULL;
    if (span_starts(in, "-o ")) {
        size_t end = span_find(in, '\n');
        override = strndup((const char *)in.at + 3, end - 3);
        MUST(override != NULL);
        in = span_part(in, end + 1, in.len);
    }
    if (conf_parse(&conf, "/etc/noroshi.yaml", in, settings_schema(), &error) != 0) {
        check_error(&error);
    } else {
        if (override != NULL && conf_override(conf, override, &error) != 0)
            check_error(&error);
        check_dump(conf);
        conf_free(conf);
    }
    free(override);
    return 0;
}
