#include "process/equipment.h"

#include "base/err.h"
#include "base/file.h"
#include "process/memfd.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

void equipment_add(struct equipment *equipment, const char *name, int fd)
{
    assert(equipment->count < EQUIPMENT_MAX);
    (void)snprintf(equipment->items[equipment->count].name, sizeof equipment->items[0].name, "%s", name);
    equipment->items[equipment->count++].fd = fd;
}

int equipment_add_file(struct equipment *equipment, const char *name, const char *setting, const char *path, struct conf_error *error)
{
    if (path[0] == '\0')
        return 0;
    struct buf bytes;
    buf_init(&bytes, 0);
    int fd, r = file_read(path, &bytes);
    if (r == 0)
        r = memfd_sealed(name, buf_as_span(&bytes), &fd);
    buf_done(&bytes);
    if (r == 0) {
        equipment_add(equipment, name, fd);
        return 0;
    }
    (void)snprintf(error->text, sizeof error->text, "%s: %s: %s", setting, path, err_text(r));
    return -ERR_CONFIG;
}

void equipment_done(struct equipment *equipment)
{
    for (size_t i = 0; i < equipment->count; i++)
        (void)close(equipment->items[i].fd);
    equipment->count = 0;
}
