/*
 * keys.h - entries by key in a container without a file system, as other simd-r-drive programs
 * make them.
 * Relies on src/store/reel.h.
 */
#ifndef REEL_TOOLS_KEYS_H
#define REEL_TOOLS_KEYS_H

#include "common.h"
#include "reel.h"

/* The hash as the tools print it. */
#define HASH_TEXT 17
const char *hash_text(uint64_t hash, char buf[HASH_TEXT]);

/* Why a value is refused. */
#define KEYS_NO_VALUE                                                                                                          \
	"an empty value or a single NUL byte cannot be an entry of a container without a file system ('reel rm' removes the "  \
	"entry)"

/* The hash of a path's key: a path from the root of a tree has no slash in front. */
uint64_t keys_hash_of_path(const char *path);

/*
 * The live entry whose key is `name`; where there is none and `name` is 16 hex digits, the one with
 * that hash. -ENOENT: neither. *ret is to be released.
 */
int keys_find(const struct container *c, const char *name, struct reel_entry *ret);

/* 0, or -EBADMSG after a message when the payload is not what its checksum says. */
int keys_verify(const struct container *c, const char *name, const struct reel_entry *e);

#endif
