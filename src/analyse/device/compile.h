/* The compiler's other entries: for tests, measurements, and rules that are not in the configured folders. As device_compile. */
#pragma once

#include "analyse/device/device.h"

struct device_sources {
    const char *own;   /* folder */
    const char *recog; /* folder; NULL or "": none */
    const char *nmap;  /* file; NULL or "": none */
};
int device_compile_sources(const struct device_sources *, const char *cache, struct buf *image, struct device_compiled *ret,
                           struct conf_error *error);
/* Where the compiled may be kept; NULL: nowhere that is safe. */
const char *device_cache_path(char *path, size_t size);
/* Only a file of our own that nobody else can write. 0, -ERR_DENIED, -errno. */
int device_cache_read(const char *path, struct buf *out);
/* One file's text. */
int device_compile_text(const char *file, struct span yaml, struct buf *image, struct device_compiled *ret, struct conf_error *error);
