/* Archives: what an attacker unpacks was never really fetched, so these look at the head of the file and say what is wrong with it. */
#include "observe/honeypot/shell/applets/common.h"

struct packer {
    const char *name, *suffix;
    bool unpacks, to_output;
};

static const struct packer packers[] = {{"gunzip", ".gz", true, false},    {"gzip", ".gz", false, false},   {"zcat", ".gz", true, true},
                                        {"bunzip2", ".bz2", true, false},  {"bzip2", ".bz2", false, false}, {"bzcat", ".bz2", true, true},
                                        {"unlzma", ".lzma", true, false},  {"lzma", ".lzma", false, false}, {"lzcat", ".lzma", true, true},
                                        {"unxz", ".xz", true, false},      {"xz", ".xz", false, false},     {"xzcat", ".xz", true, true},
                                        {"uncompress", ".Z", true, false}, {"lzop", ".lzo", false, false}};

static bool ends_with(struct span name, const char *suffix)
{
    size_t len = strlen(suffix);
    return name.len > len && span_is(span_part(name, name.len - len, len), suffix);
}

static bool can_unpack(struct span path, const struct packer *p)
{
    return ends_with(path, p->suffix) || (span_is(span_text(p->suffix), ".gz") && (ends_with(path, ".tgz") || ends_with(path, ".Z"))) ||
           ends_with(path, ".tbz");
}

static int pack_one(struct run *run, const struct packer *p, struct span path, bool unpacks, bool to_output, bool force)
{
    struct tree_stat stat;
    int error = tree_stat(run_tree(run), run_cwd(run), path, true, &stat);
    if (error < 0)
        return run_fail(run, path, error);
    if (stat.type == TREE_DIRECTORY) {
        run_error(run, "%s: %.*s: Is a directory\n", p->name, TEXT(path));
        return 1;
    }
    if (unpacks && !to_output && !can_unpack(path, p)) {
        run_error(run, "%s: %.*s: unknown suffix - ignored\n", p->name, TEXT(path));
        return 1;
    }
    if (unpacks) {
        run_error(run, to_output && busybox_minor(run) >= 20 ? "%s: no gzip/bzip2/xz magic\n" : "%s: invalid magic\n", p->name);
        return 1;
    }
    if (to_output) {
        (void)run_cat(run, path);
        return 0;
    }
    /* Its size shrinks, its name grows: as much as can be seen from outside. */
    struct span packed = path_join(run, (struct span){0}, path);
    char *name = arena_alloc(run_scratch(run), packed.len + 8);
    if (name == NULL)
        return 1;
    memcpy(name, packed.at, packed.len);
    memcpy(name + packed.len, p->suffix, strlen(p->suffix));
    struct span to = span_of(name, packed.len + strlen(p->suffix));
    if (!force && tree_stat(run_tree(run), run_cwd(run), to, false, &stat) == 0) {
        run_error(run, "%s: can't open '%.*s': File exists\n", p->name, TEXT(to));
        return 1;
    }
    error = tree_rename(run_tree(run), run_cwd(run), path, to);
    return error < 0 ? run_fail(run, path, error) : 0;
}

static int pack(struct run *run)
{
    struct options o;
    const struct packer *p = &packers[0];
    for (size_t i = 0; i < sizeof packers / sizeof packers[0]; i++)
        if (span_is(name_of(run), packers[i].name))
            p = &packers[i];
    if (!options_parse(run, &o, "cfkdtqvzT:0123456789", NULL))
        return o.status;
    bool unpacks = p->unpacks || option(&o, 'd') || option(&o, 't'), to_output = p->to_output || option(&o, 'c') || option(&o, 't');
    if (o.arg_count == 0 && run->input_is_terminal) {
        if (unpacks)
            return run_await_input(run, false);
        run_error(run, "%s: compressed data not %s a terminal, use -f to force it\n", p->name, "written to");
        return 1;
    }
    if (o.arg_count == 0) {
        if (unpacks)
            run_error(run, run_input(run).len == 0 ? "%s: short read\n" : "%s: invalid magic\n", p->name);
        else
            (void)out_paid(run, run_input(run));
        return unpacks ? 1 : 0;
    }
    int status = 0;
    for (size_t i = 0; i < o.arg_count && run_step(run, 1); i++)
        status |= pack_one(run, p, o.args[i], unpacks, to_output, option(&o, 'f'));
    return status;
}

/* Literals that stand side by side: NOLINTNEXTLINE(bugprone-macro-parentheses) */
#define PACKER(identifier, text, what) const struct applet applet_##identifier = {.name = text, .run = pack, .usage = text what}
PACKER(gzip, "gzip", " [-cfdk] [FILE]...\n\nCompress FILEs (or stdin)");
PACKER(gunzip, "gunzip", " [-cfkt] [FILE]...\n\nDecompress FILEs (or stdin)");
PACKER(zcat, "zcat", " [FILE]...\n\nDecompress to stdout");
PACKER(bzip2, "bzip2", " [OPTIONS] [FILE]...\n\nCompress FILEs (or stdin) with bzip2 algorithm");
PACKER(bunzip2, "bunzip2", " [-cfk] [FILE]...\n\nDecompress FILEs (or stdin)");
PACKER(bzcat, "bzcat", " [FILE]...\n\nDecompress to stdout");
PACKER(lzma, "lzma", " -d [-cfk] [FILE]...\n\nDecompress FILEs (or stdin)");
PACKER(unlzma, "unlzma", " [-cfk] [FILE]...\n\nDecompress FILEs (or stdin)");
PACKER(lzcat, "lzcat", " [FILE]...\n\nDecompress to stdout");
PACKER(xz, "xz", " -d [-cfk] [FILE]...\n\nDecompress FILEs (or stdin)");
PACKER(unxz, "unxz", " [-cfk] [FILE]...\n\nDecompress FILEs (or stdin)");
PACKER(xzcat, "xzcat", " [FILE]...\n\nDecompress to stdout");
PACKER(lzop, "lzop", " [-cfUvd123456789CF] [FILE]...\n\nCompress FILEs (or stdin)");
PACKER(uncompress, "uncompress", " [-cf] [FILE]...\n\nDecompress FILEs (or stdin)");

/* ---- tar, unzip, cpio, ar */

static int tar(struct run *run)
{
    /* The first word may be options without a dash. */
    struct span *argv = arena_alloc(run_scratch(run), (run->argc + 1) * sizeof *argv);
    if (argv == NULL)
        return 1;
    for (size_t i = 0; i < run->argc; i++)
        argv[i] = run->argv[i];
    if (run->argc > 1 && argv[1].len > 0 && argv[1].at[0] != '-') {
        char *word = arena_alloc(run_scratch(run), argv[1].len + 2);
        if (word == NULL)
            return 1;
        word[0] = '-';
        memcpy(word + 1, argv[1].at, argv[1].len);
        argv[1] = span_of(word, argv[1].len + 1);
    }
    run->argv = argv;
    struct options o;
    if (!options_parse(run, &o, "cxtzjJZaf:C:vOmhpokX:T:",
                       "file=f directory=C extract=x create=c list=t gzip=z verbose=v exclude=X strip-components=X overwrite=k"))
        return o.status;
    if (!option(&o, 'c') && !option(&o, 'x') && !option(&o, 't'))
        return run_usage(run);
    struct tree_stat stat;
    struct span folder = option_value(&o, 'C'), file = option_value(&o, 'f');
    if (folder.len > 0 && (tree_stat(run_tree(run), run_cwd(run), folder, true, &stat) < 0 || stat.type != TREE_DIRECTORY)) {
        run_error(run, "tar: can't change directory to '%.*s': No such file or directory\n", TEXT(folder));
        return 1;
    }
    if (option(&o, 'c')) {
        if (o.arg_count == 0) {
            run_error(run, "tar: empty archive\n");
            return 1;
        }
        int error = 0;
        size_t size = 10240 * o.arg_count;
        if (file.len > 0 && !span_is(file, "-"))
            error = tree_truncate(run_tree(run), run_cwd(run), file, size < TREE_FILE_MAX ? size : TREE_FILE_MAX);
        if (error < 0)
            run_error(run, "tar: can't open '%.*s': %s\n", TEXT(file), errno_text(error));
        for (size_t i = 0; error == 0 && option(&o, 'v') && i < o.arg_count; i++)
            run_printf(run, "%.*s\n", TEXT(o.args[i]));
        return error < 0;
    }
    if (file.len == 0 || span_is(file, "-")) {
        if (run->input_is_terminal)
            return run_await_input(run, false);
        run_error(run, "tar: short read\n");
        return 1;
    }
    int error = tree_stat(run_tree(run), run_cwd(run), file, true, &stat);
    if (error < 0) {
        run_error(run, "tar: can't open '%.*s': %s\n", TEXT(file), errno_text(error));
        return 1;
    }
    if (option(&o, 'z') || option(&o, 'j') || option(&o, 'J'))
        run_error(run, "tar: invalid magic\n");
    run_error(run, stat.size >= 512 && !option(&o, 'z') ? "tar: invalid tar magic\n" : "tar: short read\n");
    return 1;
}

const struct applet applet_tar = {
    .name = "tar", .run = tar, .usage = "tar -[cxtzjJahmvO] [-f TARFILE] [-C DIR] [FILE]...\n\nCreate, extract, or list files from a tar file"};

static int unzip(struct run *run)
{
    struct options o;
    if (!options_parse(run, &o, "lnojpqxd:", NULL))
        return o.status;
    if (o.arg_count == 0)
        return run_usage(run);
    struct tree_stat stat;
    struct span path = o.args[0];
    if (tree_stat(run_tree(run), run_cwd(run), path, true, &stat) < 0) {
        run_error(run, "unzip: can't open %.*s%s\n", TEXT(path), ends_with(path, ".zip") ? "" : "[.zip]");
        return 1;
    }
    run_printf(run, "Archive:  %.*s\n", TEXT(path));
    run_error(run, "unzip: invalid zip magic %02X%02X%02X%02X\n", 0x46U, 0x4cU, 0x45U, 0x7fU);
    return 1;
}

const struct applet applet_unzip = {
    .name = "unzip", .run = unzip, .usage = "unzip [-lnopq] FILE[.zip] [FILE]... [-x FILE...] [-d DIR]\n\nExtract FILEs from ZIP archive"};
