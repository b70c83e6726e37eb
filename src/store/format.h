/*
 * format.h - the bytes of an entry, in every generation of the format, and how they are taken
 * apart. Inline and free of state. Checks every number it reads; never looks at a payload but for
 * the one byte that makes a tombstone, and never compares a checksum.
 *
 *     entry     = [0 to pad-1 zero bytes][payload][trailer]
 *     tombstone = [one byte 0x00, no pad][trailer]
 *     trailer   = key_hash u64 | prev_tail u64 | crc u32 (u24 in the oldest); little-endian
 *
 * An entry ends at its tail and begins at prev_tail, the tail before it; the payload begins at
 * prev_tail rounded up to a multiple of the generation's pad.
 */
#ifndef REEL_FORMAT_H
#define REEL_FORMAT_H

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "reel.h"

#define ENTRY_ALIGNMENT 64 /* of payloads, in the generation that is written */
#define TRAILER_SIZE    20 /* likewise */

enum trailer_field {
	TRAILER_KEY_HASH = 0,  /* u64 */
	TRAILER_PREV_TAIL = 8, /* u64 */
	TRAILER_CRC = 16,      /* u32, IEEE CRC-32 of the payload */
};

/*
 * The highest byte of prev_tail in the first trailer of a batch that is not finished. No file is
 * as long as such a prev_tail says, so that the entry links to nothing. Writing 0 over this one
 * byte, which no signal can cut in two, makes the whole batch visible (append.c).
 */
#define TRAILER_UNFINISHED_BYTE (TRAILER_PREV_TAIL + 7)
#define TRAILER_UNFINISHED      0xff
#define TRAILER_UNFINISHED_MASK ((uint64_t)TRAILER_UNFINISHED << 56)

#define TOMBSTONE_CRC 0xd202ef8du /* CRC-32 of the byte 00 */

/* What tells one generation from another. */
struct generation {
	unsigned id;         /* as reel_info.generation */
	unsigned pad;        /* payloads begin at a multiple of this */
	unsigned trailer;    /* length */
	unsigned shortest;   /* payload */
	uint32_t crc_mask;   /* the bits of the CRC-32 that are stored */
	bool no_deletions;   /* one NUL byte is a value */
	const char *written; /* the versions of simd-r-drive that write it */
};

enum { GENERATION_COUNT = 4 };

/* Newest first: where a file is the same in several, it belongs to the first of them (format.c). */
extern const struct generation GENERATIONS[GENERATION_COUNT];
#define GENERATION_NEWEST (&GENERATIONS[0])
#define GENERATION_OLDEST (&GENERATIONS[GENERATION_COUNT - 1])

/* The oldest as its first version meant it. Nothing in a file tells: who opens it says so (REEL_NUL_VALUES). */
extern const struct generation GENERATION_WITHOUT_DELETIONS;

/* The bytes of a container and how to take them. */
struct chain {
	const struct generation *gen;
	const uint8_t *base;
	uint64_t size; /* bytes at or past this are not touched */
};

static inline uint64_t load_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline uint32_t load_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline void store_u64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

static inline void store_u32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

/* x, below 2^63, rounded up; `to` is a power of two. */
static inline uint64_t round_up(uint64_t x, uint64_t to)
{
	return (x + to - 1) & ~(to - 1);
}

static inline uint32_t trailer_crc(const struct generation *gen, const uint8_t *trailer)
{
	if (gen->trailer == TRAILER_SIZE)
		return load_u32(trailer + TRAILER_CRC);
	return trailer[TRAILER_CRC] | (uint32_t)trailer[TRAILER_CRC + 1] << 8 | (uint32_t)trailer[TRAILER_CRC + 2] << 16;
}

/* No entry's, in practice; but what a file is full of that was extended and not written. */
static inline bool trailer_is_zero(const struct generation *gen, const uint8_t *trailer)
{
	return load_u64(trailer + TRAILER_KEY_HASH) == 0 && load_u64(trailer + TRAILER_PREV_TAIL) == 0 &&
	       trailer_crc(gen, trailer) == 0;
}

/*
 * Where the payload lies of an entry that begins at `prev_tail` and whose trailer is at `trailer`
 * (inside the file). False: there can be no such entry.
 */
static inline bool entry_bounds(const struct chain *c, uint64_t prev_tail, uint64_t trailer, uint64_t *payload, bool *tombstone)
{
	*tombstone = false;
	if (prev_tail > trailer)
		return false;
	if (trailer - prev_tail == 1 && c->base[prev_tail] == 0) {
		*tombstone = !c->gen->no_deletions;
		*payload = prev_tail;
		return true;
	}
	*payload = round_up(prev_tail, c->gen->pad);
	/* An empty first entry is told by nothing from a few zero bytes. */
	if (*payload > trailer || trailer - *payload < c->gen->shortest || trailer == 0)
		return false;
	/* Nobody writes it behind a pad; but a payload it never is. */
	*tombstone = trailer - *payload == 1 && c->base[*payload] == 0;
	return true;
}

static inline bool pad_is_zero(const struct chain *c, uint64_t prev_tail, uint64_t payload)
{
	while (prev_tail < payload && c->base[prev_tail] == 0)
		prev_tail++;
	return prev_tail >= payload;
}

/* The entry that ends at `end`. Sets all of *ret, `mapping` to NULL. -ENOENT: end is 0. -EBADMSG: none can. */
static inline int entry_parse(const struct chain *c, uint64_t end, struct reel_entry *ret)
{
	const struct generation *gen = c->gen;

	if (end == 0)
		return -ENOENT;
	if (end > c->size || end < gen->trailer + gen->shortest)
		return -EBADMSG;
	uint64_t at = end - gen->trailer;
	const uint8_t *trailer = c->base + at;
	uint64_t prev_tail = load_u64(trailer + TRAILER_PREV_TAIL), payload;
	bool tombstone;

	if (!entry_bounds(c, prev_tail, at, &payload, &tombstone))
		return -EBADMSG;
	*ret = (struct reel_entry){
	    .payload = c->base + payload,
	    .len = at - payload,
	    .key_hash = load_u64(trailer + TRAILER_KEY_HASH),
	    .prev_tail = prev_tail,
	    .offset = payload,
	    .end = end,
	    .crc = trailer_crc(gen, trailer),
	    .tombstone = tombstone,
	};
	return 0;
}

#endif
