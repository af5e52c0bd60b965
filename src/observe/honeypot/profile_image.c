/*
 * The image: everything as offsets into one block of bytes, so that it may be mapped anywhere and shared. Numbers are big-endian.
 *
 *   magic, version, total length                                   16 bytes
 *   offset and length of: strings, nodes, lists, profiles           32 bytes
 *   strings    each different text once; a reference is (offset, length) inside this part
 *   nodes      NODE_BYTES each, each different node once
 *   lists      32-bit numbers: node indexes, text references, list items
 *   profiles   PROFILE_BYTES each, sorted by name
 */
#include "base/cursor.h"
#include "observe/honeypot/profile_draft.h"

#include <stdlib.h>

enum {
    IMAGE_VERSION = 1,
    IMAGE_HEADER = 48,
    NODE_BYTES = 36,
};

static const uint8_t image_magic[8] = {'N', 'R', 'P', 'R', 'O', 'F', 'I', 'L'};

/* The texts of a profile, once: writer and reader go through the same table. */
static const size_t profile_texts[] = {
    offsetof(struct profile, name),
    offsetof(struct profile, maker),
    offsetof(struct profile, model),
    offsetof(struct profile, class),
    offsetof(struct profile, hostname),
    offsetof(struct profile, kernel_release),
    offsetof(struct profile, kernel_version),
    offsetof(struct profile, machine_text),
    offsetof(struct profile, busybox_version),
    offsetof(struct profile, libc),
    offsetof(struct profile, telnet_options),
    offsetof(struct profile, telnet_will),
    offsetof(struct profile, telnet_do),
    offsetof(struct profile, banner),
    offsetof(struct profile, login_prompt),
    offsetof(struct profile, password_prompt),
    offsetof(struct profile, failed),
    offsetof(struct profile, motd),
    offsetof(struct profile, prompt),
    offsetof(struct profile, cli_prompt),
    offsetof(struct profile, login_home),
};

enum {
    TEXT_COUNT = sizeof profile_texts / sizeof profile_texts[0],
    /* texts; machine, shell, greeting, auth; auth_after, tries, shell_pid, memory, period; 4 delays; gateway; 7 lists */
    PROFILE_BYTES = TEXT_COUNT * 8 + 4 + 5 * 4 + 4 * 8 + 16 + 7 * 8,
};

/* ---- writing ---- */

struct table { /* open addressing over offsets of what was written; 0 is free */
    uint32_t *slots;
    size_t size, used;
};

struct image_writer {
    struct buf strings, nodes, lists, profiles;
    struct table string_table, node_table;
    size_t count;
};

int image_writer_new(struct image_writer **ret)
{
    struct image_writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return -ENOMEM;
    buf_init(&w->strings, PROFILE_IMAGE_MAX);
    buf_init(&w->nodes, PROFILE_IMAGE_MAX);
    buf_init(&w->lists, PROFILE_IMAGE_MAX);
    buf_init(&w->profiles, PROFILE_IMAGE_MAX);
    *ret = w;
    return 0;
}

void image_writer_free(struct image_writer *w)
{
    if (w == NULL)
        return;
    buf_done(&w->strings);
    buf_done(&w->nodes);
    buf_done(&w->lists);
    buf_done(&w->profiles);
    free(w->string_table.slots);
    free(w->node_table.slots);
    free(w);
}

/* What is written at a table's place: a string with its length before it in the index, or a node. */
struct entry {
    const struct buf *in;
    size_t width; /* of a node; 0: strings, which are kept as 4 bytes of length + bytes */
};

static struct span entry_at(const struct entry *e, uint32_t place)
{
    const uint8_t *at = e->in->data + place;
    if (e->width > 0)
        return span_of(at, e->width);
    uint32_t len = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    return span_of(at + 4, len);
}

static int table_grow(struct table *t, const struct entry *e)
{
    size_t size = t->size == 0 ? 4096 : t->size * 2;
    uint32_t *slots = calloc(size, sizeof *slots);
    if (slots == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < t->size; i++) {
        if (t->slots[i] == 0)
            continue;
        size_t at = hash_seeded(0, entry_at(e, t->slots[i] - 1)) & (size - 1);
        while (slots[at] != 0)
            at = (at + 1) & (size - 1);
        slots[at] = t->slots[i];
    }
    free(t->slots);
    t->slots = slots;
    t->size = size;
    return 0;
}

/* The slot of equal bytes, or the free slot where they belong; NULL when memory is short. */
static uint32_t *table_find(struct table *t, const struct entry *e, struct span bytes)
{
    if (t->used * 2 >= t->size && table_grow(t, e) != 0)
        return NULL;
    size_t at = hash_seeded(0, bytes) & (t->size - 1);
    while (t->slots[at] != 0 && !span_equal(entry_at(e, t->slots[at] - 1), bytes))
        at = (at + 1) & (t->size - 1);
    return &t->slots[at];
}

static void put_ref(struct image_writer *w, struct buf *to, struct span text)
{
    struct entry e = {.in = &w->strings};
    if (text.len == 0) {
        buf_be(to, 0, 8);
        return;
    }
    uint32_t *slot = table_find(&w->string_table, &e, text);
    if (slot == NULL) {
        to->error = -ENOMEM;
        return;
    }
    if (*slot == 0) {
        *slot = (uint32_t)w->strings.len + 1;
        w->string_table.used++;
        buf_be(&w->strings, text.len, 4);
        buf_span(&w->strings, text);
    }
    buf_be(to, *slot - 1 + 4, 4);
    buf_be(to, text.len, 4);
}

static void put_node(struct image_writer *w, const struct profile_node *node)
{
    struct buf bytes;
    struct entry e = {.in = &w->nodes, .width = NODE_BYTES};
    buf_init(&bytes, NODE_BYTES);
    put_ref(w, &bytes, node->path);
    put_ref(w, &bytes, node->content);
    buf_be(&bytes, node->type, 1);
    buf_be(&bytes, node->writable, 1);
    buf_be(&bytes, node->mode, 2);
    buf_be(&bytes, node->size, 4);
    buf_be(&bytes, (uint64_t)node->changed, 8);
    buf_be(&bytes, 0, 4);
    uint32_t *slot = bytes.error == 0 ? table_find(&w->node_table, &e, buf_as_span(&bytes)) : NULL;
    if (slot == NULL) {
        w->lists.error = bytes.error != 0 ? bytes.error : -ENOMEM;
    } else {
        if (*slot == 0) {
            *slot = (uint32_t)w->nodes.len + 1;
            w->node_table.used++;
            buf_span(&w->nodes, buf_as_span(&bytes));
        }
        buf_be(&w->lists, (*slot - 1) / NODE_BYTES, 4);
    }
    buf_done(&bytes);
}

static void put_list(struct image_writer *w, size_t start, size_t count)
{
    buf_be(&w->profiles, start, 4);
    buf_be(&w->profiles, count, 4);
}

static void put_pairs(struct image_writer *w, const struct profile_pair *pairs, size_t count)
{
    put_list(w, w->lists.len, count);
    for (size_t i = 0; i < count; i++) {
        put_ref(w, &w->lists, pairs[i].name);
        put_ref(w, &w->lists, pairs[i].value);
    }
}

static void put_lists(struct image_writer *w, const struct profile *p)
{
    put_pairs(w, p->logins, p->login_count);
    put_list(w, w->lists.len, p->applet_count);
    for (size_t i = 0; i < p->applet_count; i++)
        put_ref(w, &w->lists, p->applets[i]);
    put_pairs(w, p->variables, p->variable_count);
    put_list(w, w->lists.len, p->answer_count);
    for (size_t i = 0; i < p->answer_count; i++) {
        put_ref(w, &w->lists, p->answers[i].command);
        put_ref(w, &w->lists, p->answers[i].output);
        buf_be(&w->lists, (uint32_t)p->answers[i].status, 4);
    }
    put_list(w, w->lists.len, p->node_count);
    for (size_t i = 0; i < p->node_count; i++)
        put_node(w, &p->nodes[i]);
    put_list(w, w->lists.len, p->process_count);
    for (size_t i = 0; i < p->process_count; i++) {
        const struct profile_process *process = &p->processes[i];
        buf_be(&w->lists, process->pid, 4);
        buf_be(&w->lists, process->parent, 4);
        buf_be(&w->lists, process->size_kib, 4);
        put_ref(w, &w->lists, process->user);
        put_ref(w, &w->lists, process->state);
        put_ref(w, &w->lists, process->command);
        put_ref(w, &w->lists, process->executable);
    }
    put_list(w, w->lists.len, p->interface_count);
    for (size_t i = 0; i < p->interface_count; i++) {
        put_ref(w, &w->lists, p->interfaces[i].name);
        buf_put(&w->lists, p->interfaces[i].mac, 6);
        buf_put(&w->lists, p->interfaces[i].address.bytes, 16);
        buf_be(&w->lists, p->interfaces[i].bits, 2);
    }
}

int image_writer_add(struct image_writer *w, const struct profile *p)
{
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        struct span text;
        memcpy(&text, (const uint8_t *)p + profile_texts[i], sizeof text);
        put_ref(w, &w->profiles, text);
    }
    buf_be(&w->profiles, p->machine, 1);
    buf_be(&w->profiles, p->shell, 1);
    buf_be(&w->profiles, p->greeting, 1);
    buf_be(&w->profiles, p->auth, 1);
    buf_be(&w->profiles, p->auth_after, 4);
    buf_be(&w->profiles, p->tries_max, 4);
    buf_be(&w->profiles, p->shell_pid, 4);
    buf_be(&w->profiles, p->memory_kib, 4);
    buf_be(&w->profiles, p->period, 4);
    const usec_t delays[] = {p->banner_delay, p->password_delay, p->shell_delay, p->failed_delay};
    for (size_t i = 0; i < 4; i++)
        buf_be(&w->profiles, (uint64_t)delays[i], 8);
    buf_put(&w->profiles, p->gateway.bytes, 16);
    put_lists(w, p);
    w->count++;
    const struct buf *parts[] = {&w->strings, &w->nodes, &w->lists, &w->profiles};
    for (size_t i = 0; i < 4; i++)
        if (parts[i]->error != 0)
            return parts[i]->error;
    return 0;
}

int image_writer_finish(struct image_writer *w, struct buf *image)
{
    const struct buf *parts[] = {&w->strings, &w->nodes, &w->lists, &w->profiles};
    size_t at = IMAGE_HEADER;
    for (size_t i = 0; i < 4; i++)
        at += parts[i]->len;
    if (at > PROFILE_IMAGE_MAX)
        return -ERR_LIMIT;
    buf_put(image, image_magic, sizeof image_magic);
    buf_be(image, IMAGE_VERSION, 4);
    buf_be(image, at, 4);
    at = IMAGE_HEADER;
    for (size_t i = 0; i < 4; i++) {
        buf_be(image, at, 4);
        buf_be(image, parts[i]->len, 4);
        at += parts[i]->len;
    }
    for (size_t i = 0; i < 4; i++)
        buf_span(image, buf_as_span(parts[i]));
    return image->error;
}

/* ---- reading ---- */

struct profiles {
    struct profile *list;
    uint64_t *hashes; /* of the names, for profiles_by_hash */
    size_t count;
    struct arena memory;
};

struct image {
    struct span strings, nodes, lists, profiles;
    struct arena *memory;
};

static struct span read_ref(const struct image *image, struct cursor *c)
{
    size_t offset = cursor_be32(c), len = cursor_be32(c);
    if (len == 0)
        return (struct span){0};
    if (offset > image->strings.len || len > image->strings.len - offset) {
        cursor_fail(c, -ERR_MALFORMED);
        return (struct span){0};
    }
    return span_part(image->strings, offset, len);
}

/* A list's place and count out of a profile; its items are `width` bytes each. */
static struct cursor read_list(const struct image *image, struct cursor *c, size_t width, size_t *ret_count)
{
    size_t start = cursor_be32(c), count = cursor_be32(c);
    if (start > image->lists.len || count > (image->lists.len - start) / width) {
        cursor_fail(c, -ERR_MALFORMED);
        count = 0;
        start = 0;
    }
    *ret_count = count;
    return cursor_of(span_part(image->lists, start, count * width));
}

static void *list_memory(const struct image *image, struct cursor *c, size_t count, size_t width)
{
    void *list = arena_alloc(image->memory, (count + 1) * width);
    if (list == NULL)
        cursor_fail(c, -ENOMEM);
    return list;
}

static const struct profile_pair *read_pairs(const struct image *image, struct cursor *c, size_t *ret_count)
{
    struct cursor items = read_list(image, c, 16, ret_count);
    struct profile_pair *pairs = list_memory(image, c, *ret_count, sizeof *pairs);
    for (size_t i = 0; pairs != NULL && i < *ret_count; i++)
        pairs[i] = (struct profile_pair){.name = read_ref(image, &items), .value = read_ref(image, &items)};
    cursor_fail(c, items.error);
    return pairs;
}

static void read_applets(const struct image *image, struct cursor *c, struct profile *p)
{
    struct cursor items = read_list(image, c, 8, &p->applet_count);
    struct span *applets = list_memory(image, c, p->applet_count, sizeof *applets);
    for (size_t i = 0; applets != NULL && i < p->applet_count; i++) {
        applets[i] = read_ref(image, &items);
        if (i > 0 && span_compare(applets[i - 1], applets[i]) >= 0)
            cursor_fail(&items, -ERR_MALFORMED);
    }
    p->applets = applets;
    cursor_fail(c, items.error);
}

static void read_answers(const struct image *image, struct cursor *c, struct profile *p)
{
    struct cursor items = read_list(image, c, 20, &p->answer_count);
    struct profile_answer *answers = list_memory(image, c, p->answer_count, sizeof *answers);
    for (size_t i = 0; answers != NULL && i < p->answer_count; i++) {
        answers[i].command = read_ref(image, &items);
        answers[i].output = read_ref(image, &items);
        answers[i].status = (int32_t)cursor_be32(&items);
    }
    p->answers = answers;
    cursor_fail(c, items.error);
}

static void read_node(const struct image *image, struct cursor *items, struct profile_node *node)
{
    size_t index = cursor_be32(items);
    if (index >= image->nodes.len / NODE_BYTES) {
        cursor_fail(items, -ERR_MALFORMED);
        return;
    }
    struct cursor c = cursor_of(span_part(image->nodes, index * NODE_BYTES, NODE_BYTES));
    node->path = read_ref(image, &c);
    node->content = read_ref(image, &c);
    unsigned type = cursor_u8(&c);
    node->writable = cursor_u8(&c) != 0;
    node->mode = cursor_be16(&c);
    node->size = cursor_be32(&c);
    node->changed = (usec_t)cursor_be64(&c);
    if (type > TREE_APPLET || node->path.len == 0 || node->path.at[0] != '/' || node->path.len > PROFILE_PATH_MAX || node->size > PROFILE_BINARY_MAX)
        cursor_fail(&c, -ERR_MALFORMED);
    node->type = (enum tree_type)type;
    cursor_fail(items, c.error);
}

static void read_nodes(const struct image *image, struct cursor *c, struct profile *p)
{
    struct cursor items = read_list(image, c, 4, &p->node_count);
    struct profile_node *nodes = list_memory(image, c, p->node_count, sizeof *nodes);
    for (size_t i = 0; nodes != NULL && i < p->node_count && items.error == 0; i++) {
        read_node(image, &items, &nodes[i]);
        if (items.error == 0 &&
            (i == 0 ? !span_is(nodes[0].path, "/") || nodes[0].type != TREE_DIRECTORY : span_compare(nodes[i - 1].path, nodes[i].path) >= 0))
            cursor_fail(&items, -ERR_MALFORMED);
    }
    if (p->node_count == 0)
        cursor_fail(&items, -ERR_MALFORMED);
    p->nodes = nodes;
    cursor_fail(c, items.error);
}

static void read_processes(const struct image *image, struct cursor *c, struct profile *p)
{
    struct cursor items = read_list(image, c, 44, &p->process_count);
    struct profile_process *list = list_memory(image, c, p->process_count, sizeof *list);
    for (size_t i = 0; list != NULL && i < p->process_count; i++) {
        list[i].pid = cursor_be32(&items);
        list[i].parent = cursor_be32(&items);
        list[i].size_kib = cursor_be32(&items);
        list[i].user = read_ref(image, &items);
        list[i].state = read_ref(image, &items);
        list[i].command = read_ref(image, &items);
        list[i].executable = read_ref(image, &items);
    }
    p->processes = list;
    cursor_fail(c, items.error);
}

static void read_interfaces(const struct image *image, struct cursor *c, struct profile *p)
{
    struct cursor items = read_list(image, c, 32, &p->interface_count);
    struct profile_interface *list = list_memory(image, c, p->interface_count, sizeof *list);
    for (size_t i = 0; list != NULL && i < p->interface_count && items.error == 0; i++) {
        list[i].name = read_ref(image, &items);
        cursor_copy(&items, list[i].mac, sizeof list[i].mac);
        cursor_copy(&items, list[i].address.bytes, sizeof list[i].address.bytes);
        unsigned bits = cursor_be16(&items);
        if (items.error != 0 || bits > 32)
            break;
        list[i].bits = (uint8_t)bits;
    }
    p->interfaces = list;
    cursor_fail(c, items.error);
}

static int read_profile(const struct image *image, struct cursor *c, struct profile *p)
{
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        struct span text = read_ref(image, c);
        memcpy((uint8_t *)p + profile_texts[i], &text, sizeof text);
    }
    unsigned machine = cursor_u8(c), shell = cursor_u8(c), greeting = cursor_u8(c), auth = cursor_u8(c);
    if (machine >= MACHINE_COUNT || shell > LOGIN_SHELL_CLI || auth > AUTH_NEVER)
        cursor_fail(c, -ERR_MALFORMED);
    p->machine = (enum machine)machine;
    p->shell = (enum login_shell)shell;
    p->greeting = greeting != 0;
    p->auth = (enum auth_rule)auth;
    p->auth_after = cursor_be32(c);
    p->tries_max = cursor_be32(c);
    p->shell_pid = cursor_be32(c);
    p->memory_kib = cursor_be32(c);
    p->period = cursor_be32(c);
    usec_t *delays[] = {&p->banner_delay, &p->password_delay, &p->shell_delay, &p->failed_delay};
    for (size_t i = 0; i < 4; i++) {
        *delays[i] = (usec_t)cursor_be64(c);
        if (*delays[i] < 0 || *delays[i] > 20 * USEC_PER_SEC)
            cursor_fail(c, -ERR_MALFORMED);
    }
    cursor_copy(c, p->gateway.bytes, sizeof p->gateway.bytes);
    p->logins = read_pairs(image, c, &p->login_count);
    read_applets(image, c, p);
    p->variables = read_pairs(image, c, &p->variable_count);
    read_answers(image, c, p);
    read_nodes(image, c, p);
    read_processes(image, c, p);
    read_interfaces(image, c, p);
    if (p->name.len == 0 || p->telnet_options.len == 0)
        cursor_fail(c, -ERR_MALFORMED);
    return c->error;
}

static int read_header(struct span bytes, struct image *ret)
{
    struct cursor c = cursor_of(bytes);
    struct span magic = cursor_take(&c, sizeof image_magic);
    uint32_t version = cursor_be32(&c), total = cursor_be32(&c);
    struct span *parts[] = {&ret->strings, &ret->nodes, &ret->lists, &ret->profiles};
    for (size_t i = 0; i < 4; i++) {
        size_t at = cursor_be32(&c), len = cursor_be32(&c);
        if (at > bytes.len || len > bytes.len - at)
            cursor_fail(&c, -ERR_MALFORMED);
        else
            *parts[i] = span_part(bytes, at, len);
    }
    if (c.error != 0)
        return c.error;
    if (memcmp(magic.at, image_magic, sizeof image_magic) != 0 || total != bytes.len)
        return -ERR_MALFORMED;
    return version == IMAGE_VERSION ? 0 : -ERR_VERSION;
}

int profiles_open(struct profiles **ret, struct span bytes)
{
    struct image image = {0};
    int error = read_header(bytes, &image);
    if (error != 0)
        return error;
    size_t count = image.profiles.len / PROFILE_BYTES;
    if (count == 0 || count > PROFILE_COUNT_MAX)
        return -ERR_MALFORMED;
    struct profiles *all = calloc(1, sizeof *all);
    if (all == NULL)
        return -ENOMEM;
    /* Lists of several profiles may overlap in a forged image: the cap bounds what that costs. */
    arena_init(&all->memory, (size_t)8 * PROFILE_IMAGE_MAX);
    image.memory = &all->memory;
    all->list = arena_alloc(&all->memory, count * sizeof *all->list);
    all->hashes = arena_alloc(&all->memory, count * sizeof *all->hashes);
    if (all->list == NULL || all->hashes == NULL)
        error = -ENOMEM;
    for (size_t i = 0; error == 0 && i < count; i++) {
        struct cursor c = cursor_of(span_part(image.profiles, i * PROFILE_BYTES, PROFILE_BYTES));
        error = read_profile(&image, &c, &all->list[i]);
        if (error == 0 && i > 0 && span_compare(all->list[i - 1].name, all->list[i].name) >= 0)
            error = -ERR_MALFORMED;
        all->hashes[i] = hash_seeded(2, all->list[i].name);
    }
    all->count = count;
    if (error != 0) {
        profiles_close(all);
        return error;
    }
    *ret = all;
    return 0;
}

void profiles_close(struct profiles *all)
{
    if (all == NULL)
        return;
    arena_done(&all->memory);
    free(all);
}

size_t profiles_count(const struct profiles *all)
{
    return all->count;
}

const struct profile *profiles_at(const struct profiles *all, size_t index)
{
    return index < all->count ? &all->list[index] : NULL;
}

static size_t index_of(const struct profiles *all, struct span name)
{
    size_t low = 0, high = all->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (span_equal(all->list[middle].name, name))
            return middle;
        if (span_compare(all->list[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return all->count;
}

const struct profile *profiles_by_name(const struct profiles *all, struct span name)
{
    return profiles_at(all, index_of(all, name));
}

/* Highest random weight: each name is weighed with the address and the heaviest wins, so a new profile takes its share of addresses and
 * all others keep the device they saw. */
const struct profile *profiles_by_hash(const struct profiles *all, struct addr source, const char *names)
{
    uint64_t key = hash_seeded(3, span_of(source.bytes, addr_is_v4(source) ? 16 : 8)); /* an IPv6 peer is a /64 */
    uint64_t heaviest = 0;
    const struct profile *chosen = NULL;
    struct span rest = span_text(names);
    for (size_t i = 0; names == NULL ? i < all->count : rest.len > 0; i++) {
        size_t index = i;
        if (names != NULL) {
            size_t len = span_find(rest, ',');
            struct span name = span_part(rest, 0, len);
            rest = span_part(rest, len + 1, SIZE_MAX);
            while (name.len > 0 && name.at[0] == ' ')
                name = span_part(name, 1, SIZE_MAX);
            while (name.len > 0 && name.at[name.len - 1] == ' ')
                name = span_part(name, 0, name.len - 1);
            index = index_of(all, name);
            if (index == all->count)
                continue;
        }
        uint64_t weight = hash_mix(key ^ all->hashes[index]);
        if (chosen == NULL || weight > heaviest) {
            heaviest = weight;
            chosen = &all->list[index];
        }
    }
    return chosen;
}
