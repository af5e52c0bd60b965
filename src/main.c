/* One program: verbs for people, and roles that the supervisor starts as `noroshi --role NAME.INDEX`. */
#include "cli/verb.h"
#include "process/supervisor.h"

#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--role") == 0)
        return role_main(argv[2]);
    return cli_main(argc, argv);
}
