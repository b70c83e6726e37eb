/*
 * reseal.c - reseal(): makes good what a random change of a container has made bad: checksums and seals.
 */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "format.h"
#include "fuzz.h"
#include "seal.h"

enum { ENTRIES = 512 };

static void reseal_payload(const struct fs_super *super, uint8_t *base, const struct reel_entry *e, uint8_t *trailer,
			   uint64_t *seed)
{
	struct fs_whole whole;
	struct fs_seal seal;
	struct fs_super s;

	if (e->len >= sizeof(s) && memcmp(base + e->offset, FS_SUPER_MAGIC, sizeof(s.magic)) == 0) {
		memcpy(&s, base + e->offset, sizeof(s));
		if (fuzz_random(seed) % 8 != 0)
			super_place(&s, e->offset);
		else
			super_place(&s, s.position);
		memcpy(base + e->offset, &s, sizeof(s));
		return;
	}
	if (e->len == sizeof(whole) && memcmp(base + e->offset, FS_WHOLE_MAGIC, sizeof(whole.magic)) == 0) {
		memcpy(&whole, base + e->offset, sizeof(whole));
		seal_authenticate(super, &whole, offsetof(struct fs_whole, authenticator), whole.authenticator);
		memcpy(base + e->offset, &whole, sizeof(whole));
		return;
	}
	if (e->len < sizeof(seal) || memcmp(base + e->offset, FS_SEAL_MAGIC, sizeof(seal.magic)) != 0)
		return;
	memcpy(&seal, base + e->offset, sizeof(seal));
	if (fuzz_random(seed) % 8 != 0)
		seal.position = e->offset;
	seal_make(super, &seal, base + e->offset + sizeof(seal), e->len - sizeof(seal));
	memcpy(base + e->offset, &seal, sizeof(seal));
	if (fuzz_random(seed) % 16 != 0)
		store_u64(trailer + TRAILER_KEY_HASH, seal_key_hash(&seal));
}

static void set_crc(const struct generation *gen, uint8_t *trailer, uint32_t crc)
{
	trailer[TRAILER_CRC] = (uint8_t)crc;
	trailer[TRAILER_CRC + 1] = (uint8_t)(crc >> 8);
	trailer[TRAILER_CRC + 2] = (uint8_t)(crc >> 16);
	if (gen->trailer == TRAILER_SIZE)
		trailer[TRAILER_CRC + 3] = (uint8_t)(crc >> 24);
}

void reseal(uint8_t *data, size_t size, unsigned seed)
{
	uint64_t random = seed;
	const struct generation *gen = &GENERATIONS[fuzz_random(&random) % 4 ? 0 : fuzz_random(&random) % GENERATION_COUNT];
	struct chain c = {.gen = gen, .base = data, .size = size};
	struct fs_super super;
	uint64_t end = size;
	struct reel_entry e;

	/* As it is, some of the time. */
	if (fuzz_random(&random) % 4 == 0)
		return;
	if (size >= sizeof(super))
		memcpy(&super, data, sizeof(super));
	else
		memset(&super, 0, sizeof(super));
	for (unsigned i = 0; i < ENTRIES && end > 0; i++) {
		uint8_t *trailer;

		if (entry_parse(&c, end, &e) < 0)
			return;
		trailer = data + end - gen->trailer;
		reseal_payload(&super, data, &e, trailer, &random);
		if (fuzz_random(&random) % 32 != 0)
			set_crc(gen, trailer, e.tombstone ? TOMBSTONE_CRC : reel_crc32(0, data + e.offset, e.len));
		end = e.prev_tail;
	}
}
