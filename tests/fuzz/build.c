/*
 * build.c - see build.h.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "format.h"
#include "fuzz.h"

void build_init(struct build *b, const struct generation *gen)
{
	*b = (struct build){.gen = gen, .bytes = calloc(1, BUILD_MAX)};
	FUZZ_CHECK(b->bytes, "no memory");
}

void build_free(struct build *b)
{
	free(b->bytes);
	b->bytes = NULL;
}

uint64_t build_next(const struct build *b)
{
	return round_up(b->size, b->gen->pad);
}

static bool put(struct build *b, uint64_t offset, uint64_t key_hash, const void *payload, size_t len, uint32_t crc)
{
	uint8_t *trailer = b->bytes + offset + len;

	if (len > BUILD_MAX || offset + len + TRAILER_SIZE > BUILD_MAX)
		return false;
	memset(b->bytes + b->size, 0, offset - b->size);
	if (len)
		memcpy(b->bytes + offset, payload, len);
	store_u64(trailer + TRAILER_KEY_HASH, key_hash);
	store_u64(trailer + TRAILER_PREV_TAIL, b->size);
	store_u32(trailer + TRAILER_CRC, crc); /* in the oldest generation the next entry begins over its highest byte */
	b->size = offset + len + b->gen->trailer;
	return true;
}

bool build_entry(struct build *b, uint64_t key_hash, const void *payload, size_t len, struct place *ret)
{
	uint64_t offset = build_next(b);
	uint32_t crc = reel_crc32(0, payload, len);

	if (ret)
		*ret = (struct place){offset, len, key_hash, crc};
	return put(b, offset, key_hash, payload, len, crc);
}

bool build_tombstone(struct build *b, uint64_t key_hash)
{
	return put(b, b->size, key_hash, "", 1, TOMBSTONE_CRC);
}
