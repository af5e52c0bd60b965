/* Devices made by hand for tests of one part; the real ones are in conf/profiles. */
#pragma once

#include "observe/honeypot/profile.h"

extern const struct profile device_ash; /* any login, echo by the server, ash */
extern const struct profile device_cli; /* list of logins, no echo, a command line before the shell */
