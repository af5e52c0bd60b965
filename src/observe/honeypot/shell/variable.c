/*
 * Variables and functions. The profile's environment lies underneath, never copied. A scope (a subshell, a job, a script) keeps what it changes
 * in a log of old values and puts them back at its end; `local` does the same for a function.
 */
#include "observe/honeypot/shell/inside.h"

#include <errno.h>
#include <stdlib.h>

static struct span variable_name(const struct variable *v)
{
    return span_of(v->text, v->name_len);
}

static struct span variable_value(const struct variable *v)
{
    return span_of(v->text + v->name_len + 1, v->value_len);
}

struct variable *variable_find(struct shell *sh, struct span name)
{
    for (size_t i = 0; i < sh->variable_count; i++) {
        if (span_equal(variable_name(&sh->variables[i]), name))
            return &sh->variables[i];
    }
    return NULL;
}

static bool preset(const struct shell *sh, struct span name, struct span *ret)
{
    const struct profile *profile = sh->host.profile;
    for (size_t i = 0; i < profile->variable_count; i++) {
        if (span_equal(profile->variables[i].name, name)) {
            *ret = profile->variables[i].value;
            return true;
        }
    }
    if (span_is(name, "PATH"))
        *ret = span_text("/sbin:/usr/sbin:/bin:/usr/bin");
    else if (span_is(name, "HOME"))
        *ret = profile->login_home.len > 0 ? profile->login_home : span_text("/");
    else if (span_is(name, "USER") || span_is(name, "LOGNAME"))
        *ret = sh->host.user_name;
    else if (span_is(name, "SHELL"))
        *ret = span_text("/bin/sh");
    else if (span_is(name, "IFS"))
        *ret = span_text(" \t\n");
    else if (span_is(name, "PS1"))
        *ret = profile->prompt;
    else if (span_is(name, "PS2"))
        *ret = span_text("> ");
    else if (span_is(name, "OPTIND") || span_is(name, "PPID"))
        *ret = span_text("1");
    else
        return false;
    return true;
}

bool variable_get(struct shell *sh, struct span name, struct span *ret)
{
    const struct variable *v = variable_find(sh, name);
    if (v != NULL) {
        if (v->unset)
            return false;
        *ret = variable_value(v);
        return true;
    }
    if (span_is(name, "PWD")) {
        *ret = sh->cwd;
        return true;
    }
    return preset(sh, name, ret);
}

static struct undo *undo_push(struct shell *sh)
{
    if (sh->undo_count == sh->undo_room) {
        size_t room = sh->undo_room == 0 ? 8 : (size_t)sh->undo_room * 2;
        if (room > SHELL_VARIABLES_MAX * 8)
            return NULL;
        struct undo *undos = realloc(sh->undos, room * sizeof *undos);
        if (undos == NULL)
            return NULL;
        sh->undos = undos;
        sh->undo_room = (uint16_t)room;
    }
    struct undo *u = &sh->undos[sh->undo_count++];
    *u = (struct undo){.type = UNDO_VARIABLE};
    return u;
}

static char *copy_text(struct span text)
{
    char *copy = malloc(text.len + 1);
    if (copy == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return copy;
}

/* Room for a variable that is not in the table yet. */
static struct variable *variable_make(struct shell *sh)
{
    if (sh->variable_count >= SHELL_VARIABLES_MAX)
        return NULL;
    if (sh->variable_count == sh->variable_room) {
        size_t room = sh->variable_room == 0 ? 4 : (size_t)sh->variable_room * 2;
        struct variable *variables = realloc(sh->variables, room * sizeof *variables);
        if (variables == NULL)
            return NULL;
        sh->variables = variables;
        sh->variable_room = (uint16_t)room;
    }
    return &sh->variables[sh->variable_count];
}

static bool is_exported_preset(struct shell *sh, struct span name)
{
    struct span ignored;
    return preset(sh, name, &ignored) && !span_is(name, "IFS") && !span_is(name, "PS1") && !span_is(name, "PS2") && !span_is(name, "OPTIND") &&
           !span_is(name, "PPID");
}

/* Keeps the value from before in the log, once for every scope. */
static int keep_old(struct shell *sh, struct variable *v, struct span name, bool local)
{
    if (sh->scope == 0 && !local)
        return 0;
    if (v != NULL && v->scope == sh->scope && !local)
        return 0;
    char *copy = NULL;
    if (v == NULL) {
        copy = copy_text(name);
        if (copy == NULL)
            return -ENOSPC;
    }
    struct undo *u = undo_push(sh);
    if (u == NULL) {
        free(copy);
        return -ENOSPC;
    }
    u->type = local ? UNDO_LOCAL : UNDO_VARIABLE;
    if (v != NULL) {
        u->old = *v;
        v->text = NULL;
    } else
        u->name = copy;
    return 0;
}

static int variable_store(struct shell *sh, struct span name, struct span value, bool unset, bool local)
{
    struct variable *v = variable_find(sh, name);
    if (v != NULL && v->readonly)
        return -EPERM;
    if (name.len > UINT8_MAX || value.len > SHELL_WORD_MAX || sh->variable_bytes + name.len + value.len > SHELL_VARIABLE_BYTES_MAX)
        return -ENOSPC;
    if (v == NULL && variable_make(sh) == NULL)
        return -ENOSPC;
    char *text = malloc(name.len + value.len + 2);
    if (text == NULL)
        return -ENOSPC;
    memcpy(text, name.at, name.len);
    text[name.len] = '=';
    if (value.len > 0)
        memcpy(text + name.len + 1, value.at, value.len);
    text[name.len + 1 + value.len] = '\0';
    bool exported = v != NULL ? v->exported : is_exported_preset(sh, name);
    int r = keep_old(sh, v, name, local);
    if (r < 0) {
        free(text);
        return r;
    }
    if (v == NULL) {
        v = variable_make(sh);
        sh->variable_count++;
        *v = (struct variable){0};
    }
    if (v->text != NULL) {
        sh->variable_bytes -= (uint32_t)(v->name_len + v->value_len);
        free(v->text);
    }
    *v = (struct variable){.text = text,
                           .name_len = (uint16_t)name.len,
                           .value_len = (uint32_t)value.len,
                           .scope = sh->scope,
                           .exported = exported && !unset,
                           .unset = unset};
    sh->variable_bytes += (uint32_t)(name.len + value.len);
    return 0;
}

int variable_set(struct shell *sh, struct span name, struct span value)
{
    return variable_store(sh, name, value, false, false);
}

int variable_unset(struct shell *sh, struct span name)
{
    struct span ignored;
    if (variable_find(sh, name) == NULL && !preset(sh, name, &ignored))
        return 0;
    return variable_store(sh, name, (struct span){0}, true, false);
}

int variable_local(struct shell *sh, struct span name)
{
    struct span value = {0};
    bool set = variable_get(sh, name, &value);
    /* The value moves into the log, so it must be copied first. */
    char *copy = copy_text(value);
    if (copy == NULL)
        return -ENOSPC;
    int r = variable_store(sh, name, span_of(copy, value.len), !set, true);
    free(copy);
    return r;
}

static void undo_one(struct shell *sh, struct undo *u)
{
    if (u->type == UNDO_CWD) {
        free(sh->cwd_own);
        sh->cwd_own = u->old.text;
        sh->cwd = sh->cwd_own != NULL ? span_text(sh->cwd_own) : sh->host.profile->login_home;
        sh->cwd_scope = u->old.scope;
        return;
    }
    struct span name = u->name != NULL ? span_text(u->name) : variable_name(&u->old);
    struct variable *v = variable_find(sh, name);
    if (v == NULL) {
        if (u->old.text != NULL)
            sh->variable_bytes -= (uint32_t)(u->old.name_len + u->old.value_len);
        free(u->old.text);
    } else {
        sh->variable_bytes -= (uint32_t)(v->name_len + v->value_len);
        free(v->text);
        if (u->old.text != NULL)
            *v = u->old;
        else
            *v = sh->variables[--sh->variable_count];
    }
    free(u->name);
}

void variables_inherit(struct shell *sh)
{
    for (size_t i = 0; i < sh->variable_count; i++) {
        struct variable *v = &sh->variables[i];
        struct span name = variable_name(v);
        if (v->exported || v->unset || v->readonly || span_is(name, "PS1") || span_is(name, "OLDPWD"))
            continue;
        char copy[256];
        memcpy(copy, name.at, name.len);
        (void)variable_unset(sh, span_of(copy, name.len));
    }
}

uint32_t scope_enter(struct shell *sh)
{
    sh->scope++;
    return sh->undo_count;
}

void scope_leave(struct shell *sh, uint32_t mark)
{
    while (sh->undo_count > mark)
        undo_one(sh, &sh->undos[--sh->undo_count]);
    sh->scope--;
}

/* The end of a function: its locals go back, what it changed in scopes around it stays in the log. */
void locals_leave(struct shell *sh, uint32_t mark)
{
    size_t kept = mark;
    for (size_t i = sh->undo_count; i > mark; i--) {
        if (sh->undos[i - 1].type == UNDO_LOCAL)
            undo_one(sh, &sh->undos[i - 1]);
    }
    for (size_t i = mark; i < sh->undo_count; i++) {
        if (sh->undos[i].type != UNDO_LOCAL)
            sh->undos[kept++] = sh->undos[i];
    }
    sh->undo_count = (uint16_t)kept;
}

int cwd_set(struct shell *sh, struct span absolute)
{
    char *copy = copy_text(absolute);
    if (copy == NULL)
        return -ENOSPC;
    (void)variable_set(sh, span_text("OLDPWD"), sh->cwd);
    if (sh->cwd_scope != sh->scope) {
        struct undo *u = undo_push(sh);
        if (u == NULL) {
            free(copy);
            return -ENOSPC;
        }
        u->type = UNDO_CWD;
        u->old.text = sh->cwd_own;
        u->old.scope = sh->cwd_scope;
        sh->cwd_own = NULL;
        sh->cwd_scope = sh->scope;
    }
    free(sh->cwd_own);
    sh->cwd_own = copy;
    sh->cwd = span_text(copy);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct variable *const *x = a, *const *y = b;
    return strcmp((*x)->text, (*y)->text);
}

/* A preset of the profile or of ash as a variable, in the arena. */
static struct variable *preset_variable(struct engine *m, struct span name)
{
    struct shell *sh = m->shell;
    struct span value;
    if (variable_find(sh, name) != NULL || !preset(sh, name, &value))
        return NULL;
    struct variable *v = arena_alloc(m->arena, sizeof *v);
    char *text = arena_alloc(m->arena, name.len + value.len + 2);
    if (v == NULL || text == NULL)
        return NULL;
    memcpy(text, name.at, name.len);
    text[name.len] = '=';
    if (value.len > 0)
        memcpy(text + name.len + 1, value.at, value.len);
    *v = (struct variable){.text = text, .name_len = (uint16_t)name.len, .value_len = (uint32_t)value.len, .exported = is_exported_preset(sh, name)};
    return v;
}

/* What `env` shows. */
void run_environment(struct run *run, void (*each)(void *user, struct span name, struct span value), void *user)
{
    struct shell *sh = run->shell;
    struct span value;
    for (size_t i = 0; i < sh->host.profile->variable_count; i++) {
        struct span name = sh->host.profile->variables[i].name;
        if (variable_find(sh, name) == NULL)
            each(user, name, sh->host.profile->variables[i].value);
    }
    static const char *const own[] = {"USER", "LOGNAME", "HOME", "PATH", "SHELL"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        struct span name = span_text(own[i]);
        bool of_profile = false;
        for (size_t k = 0; k < sh->host.profile->variable_count; k++)
            of_profile = of_profile || span_equal(sh->host.profile->variables[k].name, name);
        if (!of_profile && variable_find(sh, name) == NULL && preset(sh, name, &value))
            each(user, name, value);
    }
    for (size_t i = 0; i < sh->variable_count; i++) {
        const struct variable *v = &sh->variables[i];
        if (v->exported && !v->unset)
            each(user, variable_name(v), variable_value(v));
    }
    if (variable_find(sh, span_text("PWD")) == NULL)
        each(user, span_text("PWD"), sh->cwd);
}

void variables_sorted(struct engine *m, void (*each)(struct engine *, const struct variable *), bool exported_only, bool readonly_only)
{
    static const char *const own[] = {"HOME", "IFS", "LOGNAME", "OPTIND", "PATH", "PPID", "PS1", "PS2", "SHELL", "USER"};
    struct shell *sh = m->shell;
    const struct profile *profile = sh->host.profile;
    size_t own_count = sizeof own / sizeof own[0], most = sh->variable_count + profile->variable_count + own_count, count = 0;
    struct variable **all = arena_alloc(m->arena, most * sizeof(struct variable *));
    if (all == NULL)
        return;
    for (size_t i = 0; i < sh->variable_count; i++)
        all[count++] = &sh->variables[i];
    for (size_t i = 0; i < profile->variable_count; i++) {
        struct variable *v = preset_variable(m, profile->variables[i].name);
        if (v != NULL)
            all[count++] = v;
    }
    for (size_t i = 0; i < own_count; i++) {
        struct variable *v = preset_variable(m, span_text(own[i]));
        for (size_t k = 0; k < profile->variable_count && v != NULL; k++) {
            if (span_is(profile->variables[k].name, own[i]))
                v = NULL;
        }
        if (v != NULL)
            all[count++] = v;
    }
    qsort(all, count, sizeof(struct variable *), by_name);
    for (size_t i = 0; i < count; i++) {
        if (!all[i]->unset && (!exported_only || all[i]->exported) && (!readonly_only || all[i]->readonly))
            each(m, all[i]);
    }
}

struct function *function_find(struct shell *sh, struct span name)
{
    for (size_t i = 0; i < sh->function_count; i++) {
        if (span_equal(span_of(sh->functions[i]->bytes, sh->functions[i]->name_len), name))
            return sh->functions[i];
    }
    return NULL;
}

void function_done(struct function *f)
{
    f->users--;
    if (f->users == 0 && f->dropped)
        free(f);
}

static void function_drop(struct shell *sh, struct function *f)
{
    sh->variable_bytes -= f->name_len + f->body_len;
    if (f->users == 0)
        free(f);
    else
        f->dropped = true;
}

int function_set(struct shell *sh, struct span name, struct span body)
{
    if (sh->variable_bytes + name.len + body.len > SHELL_VARIABLE_BYTES_MAX)
        return -ENOSPC;
    size_t slot = 0;
    while (slot < sh->function_count && !span_equal(span_of(sh->functions[slot]->bytes, sh->functions[slot]->name_len), name))
        slot++;
    if (slot == SHELL_FUNCTIONS_MAX)
        return -ENOSPC;
    if (sh->functions == NULL)
        sh->functions = calloc(SHELL_FUNCTIONS_MAX, sizeof(struct function *));
    struct function *f = malloc(sizeof *f + name.len + body.len);
    if (sh->functions == NULL || f == NULL) {
        free(f);
        return -ENOSPC;
    }
    *f = (struct function){.name_len = (uint32_t)name.len, .body_len = (uint32_t)body.len};
    memcpy(f->bytes, name.at, name.len);
    memcpy(f->bytes + name.len, body.at, body.len);
    sh->variable_bytes += f->name_len + f->body_len;
    if (slot < sh->function_count)
        function_drop(sh, sh->functions[slot]);
    else
        sh->function_count++;
    sh->functions[slot] = f;
    return 0;
}

bool function_unset(struct shell *sh, struct span name)
{
    for (size_t i = 0; i < sh->function_count; i++) {
        if (!span_equal(span_of(sh->functions[i]->bytes, sh->functions[i]->name_len), name))
            continue;
        function_drop(sh, sh->functions[i]);
        sh->functions[i] = sh->functions[--sh->function_count];
        return true;
    }
    return false;
}

void variables_free(struct shell *sh)
{
    for (size_t i = 0; i < sh->variable_count; i++)
        free(sh->variables[i].text);
    for (size_t i = 0; i < sh->undo_count; i++) {
        free(sh->undos[i].old.text);
        free(sh->undos[i].name);
    }
    for (size_t i = 0; i < sh->function_count; i++)
        free(sh->functions[i]);
    free(sh->variables);
    free(sh->undos);
    free(sh->functions);
    free(sh->cwd_own);
    sh->variable_count = sh->undo_count = sh->function_count = 0;
}
