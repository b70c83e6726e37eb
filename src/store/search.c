/*
 * search.c - the search of the valid tail (docs/DESIGN.md, "Opening"): which positions can be the
 * end of an entry that continues a good prefix? Goes once over the bytes, whatever they hold:
 *
 *  - At every position the eight bytes where prev_tail would be must name a tail found good before
 *    (forward dynamic programming over tails, in the order of the file).
 *  - The checksum between two positions comes from the running checksum of the whole range: those
 *    at both positions, the first one shifted. No byte is summed twice, but for the at most
 *    pad + trailer bytes behind each good tail.
 *
 * So forged trailers cost a few table steps each, and runs of zeros are skipped. Relies on the first
 * byte searched being in good hands: `from` is 0 or a tail known to be good.
 */
#include "config.h"

#include "search.h"

#include "engine.h"
#include "hash.h"
#include "u64table.h"

/* Values of the table of good tails: the running checksum where the next payload begins, and these. */
#define TAIL_IS_GOOD ((uint64_t)1 << 32)
#define TAIL_LINKS_2 ((uint64_t)1 << 33) /* at least two entries since the start */
#define TAIL_PADDED  ((uint64_t)1 << 34)

enum {
	STEP = 16,           /* the running checksum goes on bytewise for at most so many */
	RECENT = 64,         /* tails of which the shifted checksum is remembered */
	TRIES_U32 = 1 << 16, /* tries after which a lone entry is doubtful, by the width of the checksum */
	TRIES_U24 = 1 << 8,
};

struct search {
	const struct chain *c;
	uint64_t from;   /* the start of the prefix */
	uint64_t origin; /* where its first payload would begin, and the running checksum does */
	struct u64table good;

	uint64_t at; /* the running checksum of [origin, at) */
	uint32_t crc;
	/* `at` 0: not used. The checksum at a good tail's payload, shifted to `at`. */
	struct {
		uint64_t tail, at;
		uint32_t shifted;
	} recent[RECENT];
	struct search_result result;
	uint64_t unfinished_after; /* a good tail; UINT64_MAX: none seen */
};

static void run_to(struct search *s, uint64_t at)
{
	uint64_t n = at - s->at;

	if (n <= STEP)
		s->crc = crc32_few(s->crc, s->c->base + s->at, n);
	else
		s->crc = reel_crc32(s->crc, s->c->base + s->at, n);
	s->at = at;
}

/* The checksum at the payload after the good tail `tail`, shifted from there to `to`. */
static uint32_t shifted_to(struct search *s, uint64_t tail, uint32_t crc, uint64_t payload, uint64_t to)
{
	unsigned slot = (unsigned)((tail * 0x9e3779b97f4a7c15u) >> 58);

	if (s->recent[slot].at != 0 && s->recent[slot].tail == tail) {
		crc = s->recent[slot].shifted;
		payload = s->recent[slot].at;
	}
	crc = crc32_shift(crc, to - payload);
	s->recent[slot].tail = tail;
	s->recent[slot].at = to;
	s->recent[slot].shifted = crc;
	return crc;
}

/* Is the checksum good of the entry that begins at the good tail `prev_tail`, whose trailer is at `at`? */
static bool sum_is_good(struct search *s, uint64_t prev_tail, uint64_t state, uint64_t payload, bool tombstone, uint64_t at)
{
	const struct generation *gen = s->c->gen;
	uint32_t stored = trailer_crc(gen, s->c->base + at), sum;

	if (prev_tail == 0)
		s->result.tried++;
	if (tombstone)
		return stored == (TOMBSTONE_CRC & gen->crc_mask);
	run_to(s, at);
	sum = s->crc;
	if (payload != s->origin)
		sum ^= shifted_to(s, prev_tail, (uint32_t)state, payload, at);
	return (sum & gen->crc_mask) == stored;
}

/*
 * By chance alone one of many sums is right: an entry that links to nothing but the start of the
 * file counts after many tries only once another one links to it.
 */
static bool is_doubtful(const struct search *s, uint64_t prev_tail)
{
	return prev_tail == 0 && s->result.tried > (s->c->gen->trailer == TRAILER_SIZE ? TRIES_U32 : TRIES_U24);
}

/* Adds the tail of an entry, whose predecessor's state is known, and makes it the best so far. */
static int add_good(struct search *s, uint64_t prev_tail, uint64_t prev_state, bool padded, uint64_t trailer)
{
	uint64_t tail = trailer + s->c->gen->trailer, payload = round_up(tail, s->c->gen->pad), state = TAIL_IS_GOOD;

	state |= prev_state & TAIL_PADDED;
	if (padded)
		state |= TAIL_PADDED;
	if (prev_tail != s->from)
		state |= TAIL_LINKS_2;
	if (trailer > s->at)
		run_to(s, trailer);
	/* A payload that would begin past the end has no trailer; its checksum is never asked for. */
	if (payload <= s->c->size)
		state |= reel_crc32(s->crc, s->c->base + s->at, payload - s->at);
	if (!is_doubtful(s, prev_tail)) {
		s->result.tail = tail;
		s->result.links = state & TAIL_LINKS_2 ? 2 : 1;
		s->result.padded = state & TAIL_PADDED;
	}
	return u64table_put(&s->good, tail, state);
}

/* Is there an entry with its trailer at `at`, and `link` in the place of prev_tail? */
static int try_entry(struct search *s, uint64_t at, uint64_t link)
{
	uint64_t prev_tail = link & ~TRAILER_UNFINISHED_MASK, payload, state;
	bool tombstone;

	if (prev_tail == s->from) {
		state = 0;
	} else {
		const uint64_t *known = u64table_find(&s->good, prev_tail);
		if (known == NULL)
			return 0;
		state = *known;
	}
	if (!entry_bounds(s->c, prev_tail, at, &payload, &tombstone))
		return 0;
	if (!sum_is_good(s, prev_tail, state, payload, tombstone, at))
		return 0;
	if (prev_tail != link) {
		s->unfinished_after = prev_tail;
		return 0;
	}
	return add_good(s, prev_tail, state, payload != prev_tail, at);
}

/* The first byte at or after `at` that is not zero. */
static uint64_t skip_zeros(const struct chain *c, uint64_t at)
{
	while (c->size - at >= 8 && load_u64(c->base + at) == 0)
		at += 8;
	while (at < c->size && c->base[at] == 0)
		at++;
	return at;
}

static int scan(struct search *s)
{
	const struct chain *c = s->c;
	const unsigned length = c->gen->trailer;
	uint64_t at = s->from + c->gen->shortest;

	while (at <= c->size - length) {
		uint64_t link = load_u64(c->base + at + TRAILER_PREV_TAIL);
		bool possible = link - s->from <= at - s->from;

		if (possible && link == 0 && trailer_is_zero(c->gen, c->base + at)) {
			at = skip_zeros(c, at + length) - length + 1;
			continue;
		}
		if (!possible && (link & TRAILER_UNFINISHED_MASK) == TRAILER_UNFINISHED_MASK)
			possible = (link & ~TRAILER_UNFINISHED_MASK) - s->from <= at - s->from;
		if (possible) {
			int err = try_entry(s, at, link);
			if (err < 0)
				return err;
		}
		at++;
	}
	return 0;
}

int search_tail(const struct chain *c, uint64_t from, struct search_result *ret)
{
	struct search s = {
	    .c = c,
	    .from = from,
	    .origin = round_up(from, c->gen->pad),
	    .at = round_up(from, c->gen->pad),
	    .result = {.tail = from},
	    .unfinished_after = UINT64_MAX,
	};
	int err = 0;

	gf_prepare();
	if (c->size >= from + c->gen->trailer + c->gen->shortest && s.origin <= c->size)
		err = scan(&s);
	s.result.unfinished = s.unfinished_after == s.result.tail;
	u64table_free(&s.good);
	*ret = s.result;
	return err;
}
