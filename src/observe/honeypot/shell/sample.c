/* Files an attacker left, stated once for every different content of a session. */
#include "observe/honeypot/shell/inside.h"

#include "base/text.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum { LOST_SMALLEST = 64 };

/* "arm" … as profiles name machines; "elf" of a machine that is not known; "script"; "data". */
static const char *architecture(struct span content)
{
    if (content.len >= 20 && memcmp(content.at, "\177ELF", 4) == 0) {
        bool big = content.at[5] == 2;
        unsigned machine = big ? (unsigned)(content.at[18] << 8 | content.at[19]) : (unsigned)(content.at[19] << 8 | content.at[18]);
        for (int i = 0; i < MACHINE_COUNT; i++) {
            const struct machine_info *info = machine_info((enum machine)i);
            if (info->e_machine == machine && info->elf_class == content.at[4] && info->big_endian == big)
                return info->name;
        }
        return "elf";
    }
    if (content.len >= 2 && content.at[0] == '#' && content.at[1] == '!')
        return "script";
    return "data";
}

/* Notes a digest; false: this content was stated before, or no more are kept. */
static bool is_new(struct shell *sh, const uint8_t digest[static 32])
{
    for (uint32_t i = 0; i < sh->counts.samples; i++) {
        if (memcmp(sh->kept[i], digest, 32) == 0)
            return false;
    }
    if (sh->counts.samples >= SHELL_SAMPLES_MAX)
        return false;
    if (sh->kept == NULL)
        sh->kept = malloc(SHELL_SAMPLES_MAX * sizeof *sh->kept);
    if (sh->kept == NULL)
        return false;
    memcpy(sh->kept[sh->counts.samples++], digest, 32);
    return true;
}

void sample_content(struct shell *sh, struct span path, struct span content, const char *origin)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (content.len == 0 || sh->counts.samples >= SHELL_SAMPLES_MAX)
        return;
    if (EVP_Digest(content.at, content.len, digest, &len, EVP_sha256(), NULL) != 1 || !is_new(sh, digest))
        return;
    char hex[65];
    text_hex(span_of(digest, 32), hex);
    struct buf name;
    buf_init(&name, RECORD_TEXT_MAX);
    text_to_utf8(&name, path);
    const struct fact facts[] = {
        fact_text(FACT_FILE_PATH, buf_as_span(&name)),
        fact_int(FACT_FILE_SIZE, (int64_t)content.len),
        fact_text(FACT_FILE_SHA256, span_of(hex, 64)),
        fact_text(FACT_SAMPLE_ORIGIN, span_text(origin)),
        fact_text(FACT_SAMPLE_ARCHITECTURE, span_text(architecture(content))),
        fact_text(FACT_CONTENT, content),
    };
    sh->host.fact(sh->host.user, KIND_SAMPLE, facts, sizeof facts / sizeof facts[0]);
    buf_done(&name);
}

struct wanted {
    struct shell *shell;
    struct span path;
    const char *origin;
};

static int each_wanted(void *user, struct span path, struct span content)
{
    const struct wanted *w = user;
    if (!span_equal(path, w->path))
        return 0;
    sample_content(w->shell, path, content, w->origin);
    return 1;
}

void sample_file(struct shell *sh, struct span path, const char *origin)
{
    struct wanted wanted = {.shell = sh, .path = path, .origin = origin};
    struct tree_stat st;
    if (tree_stat(sh->tree, sh->cwd, path, true, &st) < 0 || st.type != TREE_FILE)
        return;
    wanted.path = st.path;
    (void)tree_written(sh->tree, each_wanted, &wanted);
}

static int each_left(void *user, struct span path, struct span content)
{
    sample_content(user, path, content, "written");
    return 0;
}

void samples_left(struct shell *sh)
{
    (void)tree_written(sh->tree, each_left, sh);
}

/* A file that goes without having been run: programs are kept, markers are not. */
void sample_lost(void *user, struct span path, struct span content)
{
    bool program = (content.len >= 4 && memcmp(content.at, "\177ELF", 4) == 0) || (content.len >= 2 && memcmp(content.at, "#!", 2) == 0);
    if (program && content.len > LOST_SMALLEST)
        sample_content(user, path, content, "written");
}
