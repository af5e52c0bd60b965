/* Binaries that are computed: whole executables, the same at any offset and length. */
#include "devices.h"

#include <unistd.h>

static uint8_t *whole(const struct profile *p, const struct profile_node *node)
{
    uint8_t *bytes = malloc(node->size);
    assert_non_null(bytes);
    assert_int_equal(profile_binary(p, node, 0, bytes, node->size), node->size);
    return bytes;
}

static uint64_t number(const struct machine_info *m, const uint8_t *at, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value = value << 8 | at[m->big_endian ? i : width - 1 - i];
    return value;
}

/* Tables lie inside the file, sections do not leave it, the program's start lies in a loaded part. */
static void check_layout(const struct machine_info *m, const uint8_t *b, size_t size)
{
    bool wide = m->elf_class == 2;
    size_t word = wide ? 8 : 4;
    uint64_t entry = number(m, b + 24, word), programs = number(m, b + 24 + word, word), sections = number(m, b + 24 + 2 * word, word);
    const uint8_t *rest = b + 24 + 3 * word + 4;
    assert_int_equal(number(m, rest, 2), wide ? 64 : 52);
    uint64_t program_size = number(m, rest + 2, 2), program_count = number(m, rest + 4, 2), section_size = number(m, rest + 6, 2),
             section_count = number(m, rest + 8, 2), names = number(m, rest + 10, 2);
    assert_true(programs + program_size * program_count <= size);
    assert_int_equal(sections + section_size * section_count, size);
    assert_true(names < section_count);
    bool entered = program_count == 0;
    for (uint64_t i = 0; i < program_count; i++) {
        const uint8_t *at = b + programs + i * program_size;
        uint64_t type = number(m, at, 4), offset = number(m, at + (wide ? 8 : 4), word), address = number(m, at + (wide ? 16 : 8), word),
                 len = number(m, at + (wide ? 32 : 16), word);
        assert_true(offset <= size && len <= size - offset);
        entered = entered || (type == 1 && entry >= address && entry < address + len);
    }
    assert_true(entered);
    for (uint64_t i = 0; i < section_count; i++) {
        const uint8_t *at = b + sections + i * section_size;
        uint64_t type = number(m, at + 4, 4), offset = number(m, at + (wide ? 24 : 16), word), len = number(m, at + (wide ? 32 : 20), word);
        assert_true(type == 8 || (offset <= size && len <= size - offset));
    }
}

static void every_binary_is_laid_out_well(void **state)
{
    (void)state;
    size_t count = 0;
    for (size_t i = 0; i < profiles_count(all); i++) {
        const struct profile *p = profiles_at(all, i);
        for (size_t k = 0; k < p->node_count; k++) {
            if (p->nodes[k].type != TREE_BINARY)
                continue;
            uint8_t *bytes = whole(p, &p->nodes[k]);
            check_layout(machine_info(p->machine), bytes, p->nodes[k].size);
            free(bytes);
            count++;
        }
    }
    print_message("%zu binaries\n", count);
    assert_true(count > 10 * profiles_count(all));
}

static void any_part_is_the_same(void **state)
{
    (void)state;
    uint32_t random = 12345;
    for (size_t i = 0; i < profiles_count(all); i += 3) {
        const struct profile *p = profiles_at(all, i);
        const struct profile_node *node = profile_node(p, span_text("/bin/busybox"));
        uint8_t *bytes = whole(p, node), part[600];
        for (size_t k = 0; k < 300; k++) {
            random = random * 1664525 + 1013904223;
            size_t offset = random % node->size, len = random >> 20 & 511;
            size_t got = profile_binary(p, node, offset, part, len);
            assert_int_equal(got, len < node->size - offset ? len : node->size - offset);
            assert_memory_equal(part, bytes + offset, got);
        }
        assert_int_equal(profile_binary(p, node, node->size, part, 10), 0);
        assert_int_equal(profile_binary(p, node, node->size + 5, part, 10), 0);
        for (size_t k = 0; k < 1200; k++) /* byte by byte through the tables */
            assert_true(profile_binary(p, node, k, part, 1) == 1 && part[0] == bytes[k]);
        free(bytes);
    }
}

static void busybox_tells_its_version(void **state)
{
    (void)state;
    for (size_t i = 0; i < profiles_count(all); i++) {
        const struct profile *p = profiles_at(all, i);
        const struct profile_node *node = profile_node(p, span_text("/bin/busybox"));
        uint8_t *bytes = whole(p, node);
        assert_non_null(memmem(bytes, node->size, p->busybox_version.at, p->busybox_version.len));
        free(bytes);
    }
}

static void readelf_accepts_them(void **state)
{
    (void)state;
    if (access("/usr/bin/readelf", X_OK) != 0) {
        print_message("readelf is not installed: skipped\n");
        skip();
    }
    char path[] = "/tmp/noroshi-elf-XXXXXX", command[128];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < profiles_count(all); i++) {
        const struct profile *p = profiles_at(all, i);
        const struct profile_node *node = profile_node(p, span_text("/bin/busybox"));
        uint8_t *bytes = whole(p, node);
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, node->size, file), node->size);
        fclose(file);
        free(bytes);
        snprintf(command, sizeof command, "test -z \"$(readelf -hlSd %s 2>&1 >/dev/null)\"", path);
        if (system(command) != 0)
            fail_msg("readelf has something to say on %.*s", (int)p->name.len, (const char *)p->name.at);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_binary_is_laid_out_well),
        cmocka_unit_test(any_part_is_the_same),
        cmocka_unit_test(busybox_tells_its_version),
        cmocka_unit_test(readelf_accepts_them),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
