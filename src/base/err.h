/* Errors: functions that can fail return 0, or a negative code: -errno, or -ERR_… from err.def. */
#pragma once

enum err {
#define ERR(code, name, text) ERR_##name = (code),
#include "base/err.def"
#undef ERR
};

/* A static text for a code as returned by any function (negative; a positive code is taken as its negative). Never NULL. */
const char *err_text(int code);
