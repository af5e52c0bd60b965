#include "base/err.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

const char *err_text(int code)
{
    int positive = code < 0 && code != INT_MIN ? -code : code;
    switch (positive) {
    case 0:
        return "no error";
#define ERR(number, name, text) \
    case number:                \
        return text;
#include "base/err.def"
#undef ERR
    default: {
        const char *text = strerrordesc_np(positive);
        return text != NULL ? text : "unknown error";
    }
    }
}
