#include "cli/listing.h"

#include "base/err.h"

const struct verb_option listing_options[] = {
    [LISTING_JSON] = {"json", 'j', NULL, "an array of objects"},
};

int listing_row(struct table *table, const char *const *texts, size_t count)
{
    struct query_value row[8];
    for (size_t i = 0; i < count && i < 8; i++)
        row[i] = texts[i] != NULL ? value_text(span_text(texts[i])) : value_null();
    return table_row(table, row, count);
}

int listing_print(const struct invocation *i, const struct options *o, struct table *table, int error)
{
    int status = error != 0 ? failed("%s", err_text(error)) : EXIT_OK;
    if (status == EXIT_OK) {
        struct table_look look = reading_look(i, false);
        status = reading_printed(table_print(table, "", "", o->values[LISTING_JSON] != NULL ? TABLE_JSON_ROWS : TABLE_TERMINAL, &look, stdout));
        if (status == EXIT_OK && table_rows(table) == 0)
            status = EXIT_NOTHING;
    }
    table_free(table);
    return status;
}
