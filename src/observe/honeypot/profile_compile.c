#include "observe/honeypot/profile_draft.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int compile_one(struct image_writer *w, const char *folder, const char *file, struct span text, struct conf_error *error)
{
    struct arena arena;
    struct source source = {.arena = &arena, .error = error};
    struct draft draft = {0};
    arena_init(&arena, PROFILE_DRAFT_MEMORY);
    error->text[0] = '\0';
    int r = source_open(&source, folder, file, text);
    if (r == 0)
        r = draft_read(&draft, &source, folder, span_of(file, strlen(file) - strlen(".yaml")));
    if (r == 0)
        r = image_writer_add(w, &draft.p);
    if (r != 0 && error->text[0] == '\0')
        snprintf(error->text, sizeof error->text, "%s:1: %s", file, err_text(r));
    draft_done(&draft);
    source_release(&source);
    arena_done(&arena);
    return r;
}

/* The name of a profile's file without its ending, or an empty span: bases and other files are no profiles. */
static struct span profile_name(const char *file)
{
    struct span name = span_text(file);
    if (name.len < 6 || name.len > 69 || strcmp(file + name.len - 5, ".yaml") != 0 || file[0] == '_' || file[0] == '.')
        return (struct span){0};
    name.len -= 5;
    return name;
}

static int is_profile(const struct dirent *entry)
{
    return profile_name(entry->d_name).len > 0;
}

static int compare_files(const void *a, const void *b)
{
    const struct dirent *const *left = a, *const *right = b;
    return span_compare(profile_name((*left)->d_name), profile_name((*right)->d_name));
}

static bool name_fits(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum(name.at[i]) && strchr("-_.", name.at[i]) == NULL)
            return false;
    return name.len > 0;
}

static int compile_file(struct image_writer *w, const char *folder, const char *file, struct conf_error *error)
{
    char path[4096];
    struct buf text;
    int len = snprintf(path, sizeof path, "%s/%s", folder, file);
    int r = len < 0 || (size_t)len >= sizeof path ? -ENAMETOOLONG : 0;
    if (r == 0 && !name_fits(profile_name(file))) {
        snprintf(error->text, sizeof error->text, "%.64s:1: expected a file name of letters, digits, '-', '_' and '.'", file);
        return -ERR_CONFIG;
    }
    if (r == 0)
        r = source_read_file(path, &text);
    if (r != 0) {
        snprintf(error->text, sizeof error->text, "%.200s: the profile cannot be read: %s", path, err_text(r));
        return r;
    }
    r = compile_one(w, folder, file, buf_as_span(&text), error);
    buf_done(&text);
    return r;
}

int profiles_compile(const char *folder, struct buf *image, struct conf_error *error)
{
    struct dirent **entries = NULL;
    struct image_writer *w = NULL;
    error->text[0] = '\0';
    int count = scandir(folder, &entries, is_profile, NULL);
    int r = count < 0 ? -errno : 0;
    if (r != 0)
        snprintf(error->text, sizeof error->text, "%.300s: the folder of profiles cannot be read: %s", folder, err_text(r));
    else if (count == 0 || count > PROFILE_COUNT_MAX) {
        snprintf(error->text, sizeof error->text, "%.300s: expected 1 to %d profiles (NAME.yaml), found %d", folder, PROFILE_COUNT_MAX, count);
        r = -ERR_CONFIG;
    }
    if (r == 0) {
        qsort(entries, (size_t)count, sizeof *entries, compare_files);
        r = image_writer_new(&w);
    }
    for (int i = 0; r == 0 && i < count; i++)
        r = compile_file(w, folder, entries[i]->d_name, error);
    if (r == 0)
        r = image_writer_finish(w, image);
    if (r != 0 && error->text[0] == '\0')
        snprintf(error->text, sizeof error->text, "%.300s: %s", folder, err_text(r));
    image_writer_free(w);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return r;
}

int profiles_compile_text(const char *file, struct span yaml, struct buf *image, struct conf_error *error)
{
    struct image_writer *w;
    int r = image_writer_new(&w);
    if (r != 0)
        return r;
    r = compile_one(w, NULL, file, yaml, error);
    if (r == 0)
        r = image_writer_finish(w, image);
    image_writer_free(w);
    return r;
}
