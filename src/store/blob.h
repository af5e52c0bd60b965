/* Files by their SHA-256: DATA/blobs/ab/cd/<sha256>, mode 0440. Written under another name, synced, renamed, the folder synced. */
#pragma once

#include "base/buf.h"

enum { BLOB_HASH_LEN = 32, BLOB_HEX_SIZE = 65 };

int blob_hash(struct span bytes, uint8_t ret_sha256[static BLOB_HASH_LEN]);
/* 0, also when it is there already; negative code. */
int blob_put(const char *data_folder, struct span bytes, const uint8_t sha256[static BLOB_HASH_LEN]);
/* Appends the bytes; -ERR_NOT_FOUND. */
int blob_get(const char *data_folder, const uint8_t sha256[static BLOB_HASH_LEN], struct buf *out);
int blob_remove(const char *data_folder, const uint8_t sha256[static BLOB_HASH_LEN]); /* 0 also when it is not there */
