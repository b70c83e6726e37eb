/*
 * build.h - containers made entry by entry in memory, in any generation of the format, by the rules of
 * docs/FORMAT.md alone: nothing in them depends on the code that is tested.
 */
#ifndef FUZZ_BUILD_H
#define FUZZ_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct generation;

enum { BUILD_MAX = 1 << 20 };

struct build {
	const struct generation *gen;
	uint8_t *bytes; /* BUILD_MAX of them */
	size_t size;
};

/* Where a payload was put. */
struct place {
	uint64_t offset, len, key_hash;
	uint32_t crc;
};

void build_init(struct build *b, const struct generation *gen);
void build_free(struct build *b);
/* Where the next payload will lie. */
uint64_t build_next(const struct build *b);
/* One entry; *ret may be NULL. False: there is no room. */
bool build_entry(struct build *b, uint64_t key_hash, const void *payload, size_t len, struct place *ret);
bool build_tombstone(struct build *b, uint64_t key_hash);

#endif
