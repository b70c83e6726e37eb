/*
 * manifest.h - the test vectors: containers written by every generation of simd-r-drive, each with
 * what that version reads from it (tests/compat/vectors/NAME.bin and NAME.json). Parsed with json-c.
 */
#ifndef COMPAT_MANIFEST_H
#define COMPAT_MANIFEST_H

#include <json-c/json.h>

#include "support.h"

/* One entry as the manifests list them. */
struct record {
	uint64_t metadata_offset, payload_offset, payload_len, prev_offset, key_hash;
	uint32_t crc;
	bool crc_ok;
};

struct manifest {
	char name[64];
	struct json_object *json;
	struct record *records; /* newest first */
	size_t n;
};

/* The manifest NAME.json; its file is copied to ./vector.bin. */
struct manifest manifest_load(const char *name);
void manifest_free(struct manifest *m);

struct json_object *json_load(const char *name);
uint64_t get_u64(struct json_object *object, const char *field);
uint64_t get_hex(struct json_object *object, const char *field);
const char *get_string(struct json_object *object, const char *field); /* NULL: null or absent */

/* The vectors whose names match the glob(7) pattern; undamaged ones only, or all that have a .bin. */
size_t vector_names(const char *pattern, bool undamaged, char names[][64], size_t room);

/* Bytes of a trailer in the generation of this vector. */
uint64_t trailer_of(const struct manifest *m);

/* All entries of r are the newest `n` records at `records`, in order. */
void check_records(struct reel *r, const struct manifest *m, const struct record *records, size_t n);

#endif
