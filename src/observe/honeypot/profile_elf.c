/*
 * What reading a binary gives: an executable of the profile's machine, computed from an offset alone. Layout, in the order of the file:
 *
 *   header, program headers, interpreter, dynamic strings   head, at most ELF_HEAD bytes
 *   .text    words that look like the machine's instructions
 *   .rodata  strings in slots of 32 bytes
 *   .dynamic .data                                           the writable segment
 *   .shstrtab, section headers                               tail
 *
 * Layout and numbers: System V ABI (gABI) chapter 4 and 5 and the processor supplements.
 */
#include "observe/honeypot/profile_draft.h"

#include <elf.h>

enum { ELF_HEAD = 1024, ELF_DYNAMIC = 256, ELF_NAMES = 128, ELF_SECTIONS = 10, ELF_SMALLEST = 6144, ELF_SLOT = 32 };

struct word_shape { /* an instruction: the bits that stay, the bits that vary */
    uint32_t fixed, varies;
};

struct machine_code {
    uint32_t flags; /* e_flags */
    uint64_t base;  /* where the first segment is loaded */
    uint32_t align; /* of segments */
    uint8_t width;  /* bytes of an instruction word: 4 or 2 */
    struct word_shape shapes[8];
};

static const struct machine_code codes[MACHINE_COUNT] = {
    [MACHINE_ARM] = {0x05000002,
                     0x8000,
                     0x8000,
                     4,
                     {{0xe1a00000, 0xf00f},
                      {0xe5900000, 0xff07c},
                      {0xe5800000, 0xff07c},
                      {0xe3a00000, 0xf0ff},
                      {0xeb000000, 0x3fff},
                      {0xe3500000, 0xf00ff},
                      {0x0a000000, 0xff},
                      {0xe92d4000, 0x0ff0}}},
    [MACHINE_ARMEB] = {0x05000002,
                       0x8000,
                       0x8000,
                       4,
                       {{0xe1a00000, 0xf00f},
                        {0xe5900000, 0xff07c},
                        {0xe5800000, 0xff07c},
                        {0xe3a00000, 0xf0ff},
                        {0xeb000000, 0x3fff},
                        {0xe3500000, 0xf00ff},
                        {0x1a000000, 0xff},
                        {0xe8bd8000, 0x0ff0}}},
    [MACHINE_AARCH64] = {0,
                         0x400000,
                         0x10000,
                         4,
                         {{0xaa0003e0, 0x1f001f},
                          {0xf9400000, 0x3f03ff},
                          {0xf9000000, 0x3f03ff},
                          {0x52800000, 0x1fffff},
                          {0x94000000, 0x3fff},
                          {0x91000000, 0xffff},
                          {0x54000000, 0x1fe1},
                          {0xa9be7bfd, 0}}},
    [MACHINE_MIPS] = {0x50001007,
                      0x400000,
                      0x10000,
                      4,
                      {{0x8f990000, 0x7ffc},
                       {0x0320f809, 0},
                       {0x00000000, 0},
                       {0x24000000, 0x3ff00ff},
                       {0xafb00000, 0xf003c},
                       {0x8fb00000, 0xf003c},
                       {0x10400000, 0x3e000ff},
                       {0x00001021, 0x1fff800}}},
    [MACHINE_MIPSEL] = {0x70001007,
                        0x400000,
                        0x10000,
                        4,
                        {{0x8f990000, 0x7ffc},
                         {0x0320f809, 0},
                         {0x00000000, 0},
                         {0x24000000, 0x3ff00ff},
                         {0xafb00000, 0xf003c},
                         {0x8fb00000, 0xf003c},
                         {0x14400000, 0x3e000ff},
                         {0x00001021, 0x1fff800}}},
    [MACHINE_MIPS64] = {0x808b0007,
                        0x120000000,
                        0x10000,
                        4,
                        {{0xdf990000, 0x7ff8},
                         {0x0320f809, 0},
                         {0x00000000, 0},
                         {0x64000000, 0x3ff00ff},
                         {0xffb00000, 0xf0078},
                         {0xdfb00000, 0xf0078},
                         {0x10400000, 0x3e000ff},
                         {0x0000102d, 0x1fff800}}},
    [MACHINE_PPC] = {0,
                     0x10000000,
                     0x10000,
                     4,
                     {{0x38000000, 0x3ff00ff},
                      {0x80010000, 0x3e000fc},
                      {0x90010000, 0x3e000fc},
                      {0x48000001, 0xfffc},
                      {0x7c000378, 0x3ff0000},
                      {0x2c000000, 0x1f00ff},
                      {0x4182000c, 0xf0},
                      {0x4e800020, 0}}},
    [MACHINE_SPARC] = {0,
                       0x10000,
                       0x10000,
                       4,
                       {{0x9de3bf00, 0xf8},
                        {0x01000000, 0},
                        {0x40000000, 0xffff},
                        {0x90100000, 0xe00001f},
                        {0xd0002000, 0xe07c0fc},
                        {0x82102000, 0x3e0001ff},
                        {0x02800000, 0xff},
                        {0x81c7e008, 0}}},
    [MACHINE_SH4] =
        {0x9,
         0x400000,
         0x10000,
         2,
         {{0x6003, 0xff0}, {0xd000, 0xfff}, {0x400b, 0xf00}, {0x0009, 0}, {0xe000, 0xfff}, {0x5000, 0xfff}, {0x8900, 0xff}, {0x2f06, 0xf0}}},
    [MACHINE_X86] = {0,
                     0x8048000,
                     0x1000,
                     4,
                     {{0x8b4500f8, 0x3807},
                      {0x89442404, 0xf8},
                      {0xe8000000, 0xffff},
                      {0x83c410c3, 0},
                      {0x5589e553, 0x300},
                      {0x85c07400, 0xff},
                      {0xc7042400, 0xff},
                      {0x31c05b5d, 0}}},
    [MACHINE_X86_64] = {0,
                        0x400000,
                        0x200000,
                        4,
                        {{0x488b4500, 0xf8},
                         {0x4889c700, 0x3f},
                         {0xe8000000, 0xffff},
                         {0x4883c408, 0x18},
                         {0x554889e5, 0},
                         {0x85c07400, 0xff},
                         {0xbf000000, 0xffff},
                         {0x31c05bc3, 0}}},
    [MACHINE_M68K] = {0,
                      0x80000000,
                      0x2000,
                      2,
                      {{0x2f00, 0xf}, {0x4eb9, 0}, {0x2040, 0xe07}, {0x4e75, 0}, {0x7000, 0xeff}, {0x206e, 0xe00}, {0x6700, 0xfe}, {0x588f, 0}}},
};

static bool libc_is(struct span libc, const char *name)
{
    return span_starts(libc, name);
}

const char *elf_interpreter(enum machine machine, struct span libc)
{
    static const char *const musl[MACHINE_COUNT] = {
        [MACHINE_ARM] = "/lib/ld-musl-arm.so.1",          [MACHINE_ARMEB] = "/lib/ld-musl-armeb.so.1",
        [MACHINE_AARCH64] = "/lib/ld-musl-aarch64.so.1",  [MACHINE_MIPS] = "/lib/ld-musl-mips-sf.so.1",
        [MACHINE_MIPSEL] = "/lib/ld-musl-mipsel-sf.so.1", [MACHINE_MIPS64] = "/lib/ld-musl-mips64.so.1",
        [MACHINE_PPC] = "/lib/ld-musl-powerpc-sf.so.1",   [MACHINE_SPARC] = "/lib/ld-musl-sparc.so.1",
        [MACHINE_SH4] = "/lib/ld-musl-sh.so.1",           [MACHINE_X86] = "/lib/ld-musl-i386.so.1",
        [MACHINE_X86_64] = "/lib/ld-musl-x86_64.so.1",    [MACHINE_M68K] = "/lib/ld-musl-m68k.so.1",
    };
    static const char *const glibc[MACHINE_COUNT] = {
        [MACHINE_ARM] = "/lib/ld-linux.so.3",
        [MACHINE_ARMEB] = "/lib/ld-linux.so.3",
        [MACHINE_AARCH64] = "/lib/ld-linux-aarch64.so.1",
        [MACHINE_MIPS] = "/lib/ld.so.1",
        [MACHINE_MIPSEL] = "/lib/ld.so.1",
        [MACHINE_MIPS64] = "/lib64/ld.so.1",
        [MACHINE_PPC] = "/lib/ld.so.1",
        [MACHINE_SPARC] = "/lib/ld-linux.so.2",
        [MACHINE_SH4] = "/lib/ld-linux.so.2",
        [MACHINE_X86] = "/lib/ld-linux.so.2",
        [MACHINE_X86_64] = "/lib64/ld-linux-x86-64.so.2",
        [MACHINE_M68K] = "/lib/ld.so.1",
    };
    if (libc_is(libc, "musl"))
        return musl[machine];
    if (libc_is(libc, "glibc"))
        return glibc[machine];
    return "/lib/ld-uClibc.so.0";
}

enum elf_kind { KIND_PROGRAM, KIND_LIBRARY, KIND_MODULE };

struct elf_file {
    const struct machine_info *machine;
    const struct machine_code *code;
    enum elf_kind kind;
    bool stand_alone; /* statically linked */
    uint64_t seed;
    size_t word;                                     /* 4 or 8: an address */
    size_t size, text, rodata, data, tail, sections; /* file offsets where each part begins; `size` ends all */
    size_t interp, dynstr, dynstr_len;
};

static bool ends_with(struct span path, const char *end)
{
    size_t len = strlen(end);
    return path.len >= len && memcmp(path.at + path.len - len, end, len) == 0;
}

static enum elf_kind kind_of(struct span path)
{
    if (ends_with(path, ".ko"))
        return KIND_MODULE;
    return memmem(path.at, path.len, ".so", 3) != NULL ? KIND_LIBRARY : KIND_PROGRAM;
}

static size_t align_up(size_t value, size_t to)
{
    return (value + to - 1) / to * to;
}

static struct elf_file elf_plan(const struct profile *p, const struct profile_node *node)
{
    const struct machine_info *m = machine_info(p->machine);
    struct elf_file f = {.machine = m, .code = &codes[p->machine], .kind = kind_of(node->path), .word = m->elf_class == 2 ? 8 : 4};
    f.seed = hash_seeded(hash_seeded(7, p->name), node->path);
    f.stand_alone = f.kind == KIND_PROGRAM && !span_is(node->path, "/bin/busybox") && f.seed % 8 == 0;
    f.size = node->size > ELF_SMALLEST ? node->size : ELF_SMALLEST;
    size_t header = f.word == 8 ? 64 : 40; /* of a section */
    f.sections = (f.size - ELF_SECTIONS * header) & ~(size_t)7;
    f.size = f.sections + ELF_SECTIONS * header; /* the table ends the file */
    f.tail = f.sections - ELF_NAMES;
    f.text = ELF_HEAD;
    size_t body = f.tail - f.text;
    f.rodata = align_up(f.text + body / 100 * 72, 64);
    f.data = align_up(f.text + body / 100 * 93, 64);
    return f;
}

static void put_word(struct buf *out, const struct elf_file *f, uint64_t value, size_t width)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < width; i++)
        bytes[f->machine->big_endian ? width - 1 - i : i] = (uint8_t)(value >> (8 * i));
    buf_put(out, bytes, width);
}

static void pad_to(struct buf *out, size_t len)
{
    while (out->len < len && out->error == 0)
        buf_byte(out, 0);
}

static uint64_t address_of(const struct elf_file *f, size_t offset)
{
    if (f->kind == KIND_MODULE)
        return 0;
    uint64_t base = f->kind == KIND_LIBRARY ? 0 : f->code->base;
    return offset < f->data ? base + offset : base + f->code->align + offset;
}

static void put_header(struct buf *out, const struct elf_file *f, unsigned programs)
{
    static const uint16_t types[] = {[KIND_PROGRAM] = ET_EXEC, [KIND_LIBRARY] = ET_DYN, [KIND_MODULE] = ET_REL};
    const uint8_t ident[EI_NIDENT] = {0x7f, 'E', 'L', 'F', f->machine->elf_class, f->machine->big_endian ? ELFDATA2MSB : ELFDATA2LSB, EV_CURRENT};
    bool wide = f->word == 8;
    buf_put(out, ident, sizeof ident);
    put_word(out, f, types[f->kind], 2);
    put_word(out, f, f->machine->e_machine, 2);
    put_word(out, f, EV_CURRENT, 4);
    put_word(out, f, f->kind == KIND_MODULE ? 0 : address_of(f, f->text) + (f->seed >> 8) % 64 * 8, f->word); /* e_entry */
    put_word(out, f, programs == 0 ? 0 : (wide ? 64 : 52), f->word);                                          /* e_phoff */
    put_word(out, f, f->sections, f->word);                                                                   /* e_shoff */
    put_word(out, f, f->code->flags, 4);
    put_word(out, f, wide ? 64 : 52, 2);
    put_word(out, f, programs == 0 ? 0 : (wide ? 56 : 32), 2);
    put_word(out, f, programs, 2);
    put_word(out, f, wide ? 64 : 40, 2);
    put_word(out, f, ELF_SECTIONS, 2);
    put_word(out, f, ELF_SECTIONS - 1, 2); /* e_shstrndx */
}

static void put_program(struct buf *out, const struct elf_file *f, uint32_t type, uint32_t flags, size_t offset, size_t len, size_t extra,
                        size_t align)
{
    uint64_t address = type == PT_GNU_STACK ? 0 : address_of(f, offset);
    put_word(out, f, type, 4);
    if (f->word == 8)
        put_word(out, f, flags, 4);
    put_word(out, f, offset, f->word);
    put_word(out, f, address, f->word);
    put_word(out, f, address, f->word);
    put_word(out, f, len, f->word);
    put_word(out, f, len + extra, f->word);
    if (f->word == 4)
        put_word(out, f, flags, 4);
    put_word(out, f, align, f->word);
}

/* The names of .dynstr, each ended by a NUL. */
static struct span needed_libraries(const struct profile *p)
{
    static const char small[] = "libcrypt.so.0\0libm.so.0\0libgcc_s.so.1\0libc.so.0";
    static const char musl[] = "libgcc_s.so.1\0libc.so";
    static const char glibc[] = "libcrypt.so.1\0libm.so.6\0libc.so.6";
    if (libc_is(p->libc, "uClibc"))
        return span_of(small, sizeof small);
    return libc_is(p->libc, "musl") ? span_of(musl, sizeof musl) : span_of(glibc, sizeof glibc);
}

static void make_head(const struct profile *p, struct elf_file *f, struct buf *out)
{
    bool dynamic = f->kind == KIND_LIBRARY || (f->kind == KIND_PROGRAM && !f->stand_alone);
    unsigned programs = f->kind == KIND_MODULE ? 0 : f->kind == KIND_LIBRARY ? 3 : f->stand_alone ? 3 : 4;
    const char *interpreter = elf_interpreter(p->machine, p->libc);
    size_t interp_len = strlen(interpreter) + 1;
    f->interp = align_up((f->word == 8 ? 64 : 52) + programs * (f->word == 8 ? 56u : 32u), 16);
    f->dynstr = align_up(f->interp + interp_len, 16);
    size_t data_len = f->tail - f->data;
    put_header(out, f, programs);
    if (f->kind == KIND_PROGRAM && dynamic)
        put_program(out, f, PT_INTERP, PF_R, f->interp, interp_len, 0, 1);
    if (f->kind != KIND_MODULE) {
        put_program(out, f, PT_LOAD, PF_R | PF_X, 0, f->data, 0, f->code->align);
        put_program(out, f, PT_LOAD, PF_R | PF_W, f->data, data_len, (f->seed >> 16) % 16384 & ~(size_t)7, f->code->align);
        if (dynamic)
            put_program(out, f, PT_DYNAMIC, PF_R | PF_W, f->data, ELF_DYNAMIC, 0, f->word);
        else
            put_program(out, f, PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 4);
    }
    pad_to(out, f->interp);
    if (f->kind == KIND_PROGRAM && dynamic)
        buf_put(out, interpreter, interp_len);
    pad_to(out, f->dynstr);
    if (dynamic) {
        buf_byte(out, 0);
        buf_span(out, needed_libraries(p));
    }
    f->dynstr_len = out->len > f->dynstr ? out->len - f->dynstr : 1;
    pad_to(out, ELF_HEAD);
}

static void put_dynamic(struct buf *out, const struct elf_file *f, uint64_t tag, uint64_t value)
{
    put_word(out, f, tag, f->word);
    put_word(out, f, value, f->word);
}

static void make_dynamic(const struct profile *p, const struct elf_file *f, struct buf *out)
{
    struct span names = needed_libraries(p);
    for (size_t at = 0; at < names.len; at += span_find(span_part(names, at, SIZE_MAX), 0) + 1)
        put_dynamic(out, f, DT_NEEDED, at + 1);
    put_dynamic(out, f, DT_INIT, address_of(f, f->text));
    put_dynamic(out, f, DT_STRTAB, address_of(f, f->dynstr));
    put_dynamic(out, f, DT_STRSZ, f->dynstr_len);
    put_dynamic(out, f, DT_NULL, 0);
    pad_to(out, ELF_DYNAMIC);
}

static void put_section(struct buf *out, const struct elf_file *f, uint32_t name, uint32_t type, uint64_t flags, size_t offset, size_t len,
                        size_t align, uint32_t link)
{
    bool loaded = (flags & SHF_ALLOC) != 0;
    put_word(out, f, name, 4);
    put_word(out, f, type, 4);
    put_word(out, f, flags, f->word);
    put_word(out, f, loaded ? address_of(f, offset) : 0, f->word);
    put_word(out, f, offset, f->word);
    put_word(out, f, len, f->word);
    put_word(out, f, link, 4);
    put_word(out, f, 0, 4);
    put_word(out, f, align, f->word);
    put_word(out, f, type == SHT_DYNAMIC ? 2 * f->word : 0, f->word);
}

static void make_tail(const struct elf_file *f, struct buf *out)
{
    /* names begin at 1, 9, 17, 23, 29, 35, 43, 52, 58 and 63 */
    static const char names[] = "\0.interp\0.dynstr\0.init\0.text\0.fini\0.rodata\0.dynamic\0.data\0.bss\0.shstrtab";
    bool dynamic = f->kind == KIND_LIBRARY || (f->kind == KIND_PROGRAM && !f->stand_alone);
    bool interp = f->kind == KIND_PROGRAM && dynamic;
    size_t init = f->text, code = f->text + 64;
    buf_put(out, names, sizeof names);
    pad_to(out, ELF_NAMES);
    put_section(out, f, 0, SHT_NULL, 0, 0, 0, 0, 0);
    put_section(out, f, 1, interp ? SHT_PROGBITS : SHT_NOTE, interp ? SHF_ALLOC : 0, f->interp, interp ? f->dynstr - f->interp : 0, 1, 0);
    put_section(out, f, 9, SHT_STRTAB, dynamic ? SHF_ALLOC : 0, f->dynstr, f->dynstr_len, 1, 0);
    put_section(out, f, 17, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, init, 64, 4, 0);
    put_section(out, f, 23, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, code, f->rodata - code, 16, 0);
    put_section(out, f, 35, SHT_PROGBITS, SHF_ALLOC, f->rodata, f->data - f->rodata, 8, 0);
    put_section(out, f, dynamic ? 43 : 52, dynamic ? SHT_DYNAMIC : SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, f->data, ELF_DYNAMIC, f->word,
                dynamic ? 2 : 0);
    put_section(out, f, 52, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, f->data + ELF_DYNAMIC, f->tail - f->data - ELF_DYNAMIC, 8, 0);
    put_section(out, f, 58, SHT_NOBITS, SHF_ALLOC | SHF_WRITE, f->tail, (f->seed >> 16) % 16384 & ~(size_t)7, 8, 0);
    put_section(out, f, 63, SHT_STRTAB, 0, f->tail, sizeof names, 1, 0);
}

/* Eight bytes of code at an offset that is a multiple of eight. */
static void make_code(const struct elf_file *f, size_t offset, uint8_t to[8])
{
    uint64_t random = hash_mix(f->seed + offset);
    uint8_t width = f->code->width;
    for (unsigned at = 0; at < 8; at += width) {
        uint32_t bits = (uint32_t)(hash_mix(random + at) >> 16);
        const struct word_shape *shape = &f->code->shapes[random >> (at * 4) & 7];
        uint32_t value = shape->fixed | (bits & shape->varies);
        /* x86 instructions are bytes in order; the others are words in the machine's order. */
        bool big = f->machine->big_endian || f->machine->machine == MACHINE_X86 || f->machine->machine == MACHINE_X86_64;
        for (unsigned i = 0; i < width; i++)
            to[at + (big ? width - 1u - i : i)] = (uint8_t)(value >> (8 * i));
    }
}

static const char *const strings[] = {
    "/dev/null",
    "/etc/passwd",
    "%s: %s",
    "out of memory",
    "/proc/%d/stat",
    "can't open '%s'",
    "invalid option",
    "usage: %s [options]",
    "%d.%d.%d.%d",
    "/var/run/%s.pid",
    "/proc/net/dev",
    "read error",
    "write error",
    "%02x:%02x:%02x:%02x:%02x:%02x",
    "/bin/sh",
    "-c",
    "PATH",
    "HOME",
    "TERM",
    "/dev/console",
    "bad address '%s'",
    "/proc/mounts",
    "no such file or directory",
    "socket",
    "bind",
    "listen",
    "connect",
    "%s/%s",
    "memory exhausted",
    "/dev/urandom",
    "/tmp",
    "ioctl %#x failed",
    "eth0",
    "255.255.255.0",
    "localhost",
    "Content-Length: %d",
    "GET %s HTTP/1.%d",
    "timed out",
    "abcdef",
    "0123456789",
    "/etc/TZ",
    "%a %b %e %H:%M:%S %Y",
    "Jan",
    "Feb",
    "permission denied",
    "broken pipe",
    "fork",
    "execve",
    "reboot",
    "upgrade failed",
};

/* A slot of .rodata: the first four of busybox hold its version, as the real one's strings do; programs begin with their own name. */
static void make_slot(const struct profile *p, const struct profile_node *node, const struct elf_file *f, size_t slot, uint8_t to[ELF_SLOT])
{
    memset(to, 0, ELF_SLOT);
    if (slot < 4) {
        uint8_t text[4 * ELF_SLOT] = {0};
        struct span parts[4] = {span_text("BusyBox "), p->busybox_version, span_text(" multi-call binary"), {0}};
        if (!span_is(node->path, "/bin/busybox")) {
            parts[0] = p->libc;
            parts[1] = span_text(" ");
            parts[2] = node->path;
        }
        size_t len = 0;
        for (size_t i = 0; i < 3; i++)
            for (size_t k = 0; k < parts[i].len && len + 1 < sizeof text; k++)
                text[len++] = parts[i].at[k];
        memcpy(to, text + slot * ELF_SLOT, ELF_SLOT);
        return;
    }
    uint64_t random = hash_mix(f->seed ^ slot << 20);
    const char *text = strings[random % (sizeof strings / sizeof strings[0])];
    size_t len = strlen(text);
    memcpy(to, text, len < ELF_SLOT - 1 ? len : ELF_SLOT - 1);
    for (size_t i = align_up(len + 1, 4); i + 4 <= ELF_SLOT; i += 4) { /* a jump table fills the slot */
        uint64_t value = address_of(f, f->text + (hash_mix(random + i) % (f->rodata - f->text) & ~(size_t)3));
        for (size_t k = 0; k < 4; k++)
            to[i + (f->machine->big_endian ? 3 - k : k)] = (uint8_t)(value >> (8 * k));
    }
}

/* Writes the part of a made block that lies at [offset, offset + len); returns how much. */
static size_t copy_block(const uint8_t *block, size_t block_at, size_t block_len, size_t offset, uint8_t *to, size_t len)
{
    size_t skip = offset - block_at;
    size_t room = block_len - skip;
    size_t count = len < room ? len : room;
    memcpy(to, block + skip, count);
    return count;
}

static size_t read_made(const struct profile *p, struct elf_file *f, size_t offset, uint8_t *to, size_t len)
{
    struct buf block;
    buf_init(&block, 4096);
    size_t at = 0, count = 0;
    if (offset < ELF_HEAD) {
        make_head(p, f, &block);
    } else if (offset < f->tail) {
        struct buf head; /* the dynamic section points into the head */
        buf_init(&head, 4096);
        make_head(p, f, &head);
        buf_done(&head);
        at = f->data;
        make_dynamic(p, f, &block);
    } else {
        struct buf head;
        buf_init(&head, 4096);
        make_head(p, f, &head);
        buf_done(&head);
        at = f->tail;
        make_tail(f, &block);
    }
    if (block.error == 0 && offset - at < block.len)
        count = copy_block(block.data, at, block.len, offset, to, len);
    buf_done(&block);
    return count;
}

static size_t read_data(const struct elf_file *f, size_t offset, uint8_t *to, size_t len)
{
    size_t at = offset & ~(size_t)7, room = 8 - (offset - at);
    size_t count = len < room ? len : room;
    uint64_t random = hash_mix(f->seed + at);
    uint8_t block[8] = {0};
    if (random % 3 == 0) { /* a pointer, as in tables of functions */
        uint64_t value = address_of(f, f->text + (random >> 8) % (f->data - f->text)) & ~UINT64_C(3);
        for (size_t k = 0; k < f->word; k++)
            block[f->machine->big_endian ? f->word - 1 - k : k] = (uint8_t)(value >> (8 * k));
    }
    memcpy(to, block + (offset - at), count);
    return count;
}

size_t profile_binary(const struct profile *p, const struct profile_node *node, size_t offset, uint8_t *to, size_t len)
{
    struct elf_file f = elf_plan(p, node);
    size_t end = node->size < f.size ? node->size : f.size, done = 0;
    while (done < len && offset + done < end) {
        size_t at = offset + done, left = len - done < end - at ? len - done : end - at, got;
        if (at < f.text || at >= f.tail || (at >= f.data && at < f.data + ELF_DYNAMIC)) {
            got = read_made(p, &f, at, to + done, left);
        } else if (at < f.rodata) {
            uint8_t block[8];
            make_code(&f, at & ~(size_t)7, block);
            got = copy_block(block, at & ~(size_t)7, 8, at, to + done, left);
        } else if (at < f.data) {
            uint8_t block[ELF_SLOT];
            size_t slot = (at - f.rodata) / ELF_SLOT;
            make_slot(p, node, &f, slot, block);
            got = copy_block(block, f.rodata + slot * ELF_SLOT, ELF_SLOT, at, to + done, left);
        } else {
            got = read_data(&f, at, to + done, left);
        }
        if (got == 0)
            break;
        done += got;
    }
    return done;
}
