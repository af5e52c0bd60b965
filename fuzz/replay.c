/* Runs a fuzz target's committed seeds as a plain test: every file of the folders and files named. Fails when there is none. */
#include "target.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static unsigned replayed;

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return -1;
    size_t size = 0, len = 0;
    uint8_t *data = NULL;
    for (;;) {
        if (len == size) {
            size = size == 0 ? 4096 : size * 2;
            uint8_t *more = realloc(data, size);
            if (more == NULL)
                break;
            data = more;
        }
        size_t got = fread(data + len, 1, size - len, file);
        if (got == 0)
            break;
        len += got;
    }
    (void)fclose(file);
    /* An exact copy, so that a read past the end is seen by the sanitizer. */
    uint8_t *exact = malloc(len > 0 ? len : 1);
    if (exact != NULL && data != NULL) {
        memcpy(exact, data, len);
        (void)LLVMFuzzerTestOneInput(exact, len);
        replayed++;
    }
    free(exact);
    free(data);
    return 0;
}

static int replay(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return -1;
    if (!S_ISDIR(st.st_mode))
        return replay_file(path);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return -1;
    int r = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char inner[4096];
        int len = snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (len < 0 || (size_t)len >= sizeof inner || replay(inner) != 0)
            r = -1;
    }
    (void)closedir(folder);
    return r;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (replay(argv[i]) != 0) {
            (void)fprintf(stderr, "replay: cannot read %s\n", argv[i]);
            return 1;
        }
    }
    (void)printf("%u inputs replayed\n", replayed);
    return replayed > 0 ? 0 : 1;
}
