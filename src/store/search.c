/*
 * search.c - the search of the valid tail (docs/DESIGN.md, "Opening"): which positions can be the
 * end of an entry that continues a good prefix? Goes once over the bytes, whatever they hold:
 *
 *  - At every position the eight bytes where prev_tail would be must name a tail found good before
 *    (forward dynamic programming over tails, in the order of the file).
 *  - The checksum between two positions comes from the running checksum of the whole range. A good tail is kept with
 *    that of the place where its payload would begin, shifted back to the start: shifted on to where a trailer is, by
 *    one multiplication with a power of x that runs along, it is what the payload's checksum differs by from the running
 *    one. No byte is summed twice, but for the at most pad + trailer bytes behind each good tail.
 *
 * So forged trailers cost one lookup and one multiplication each, however many and wherever they lead, and runs of zeros
 * are skipped. Relies on the first byte searched being in good hands: `from` is 0 or a tail known to be good.
 */
#include "config.h"

#include "search.h"

#include "engine.h"
#include "hash.h"
#include "u64table.h"

/* Values of the table of good tails: the running checksum where the next payload begins, shifted back, and these. */
#define TAIL_IS_GOOD  ((uint64_t)1 << 32)
#define TAIL_LINKS_2  ((uint64_t)1 << 33) /* at least two entries since the start */
#define TAIL_DOUBTFUL ((uint64_t)1 << 35) /* no entry links to it yet, and chance may have made it */
#define TAIL_EXCLUDES 36                  /* the shift of search_result.excludes */

enum {
	SIZE_BYTES = 6, /* of a size or link; longer files cannot be mapped */
	NEAR = 8,       /* bytes by which a power is shifted without a multiplication */
	STEP = 128,     /* bytes up to which a call of the library does not pay */
	SEEN_BITS = 16,
	TRIES_U32 = 1 << 16, /* tries after which chance may have a hand in it, by the width of the checksum */
	TRIES_U24 = 1 << 8,
};

struct search {
	const struct chain *c;
	uint64_t from;   /* the start of the prefix */
	bool pads;       /* all are zero */
	uint64_t origin; /* where its first payload would begin, and the running checksum does */
	struct u64table good;
	uint64_t seen[1 << (SEEN_BITS - 6)]; /* a bit for each mixed value that a good tail has: most numbers are none */

	uint64_t at; /* the running checksum of [origin, at) */
	uint32_t crc;
	uint64_t power_at; /* x to the power of the bits of [origin, power_at) */
	uint32_t power;
	struct search_result result;
	uint64_t unfinished_after; /* a good tail; UINT64_MAX: none seen */
	uint64_t unfinished_end;   /* of the last entry that says so */
	uint64_t tried;            /* sums compared of entries that do not go on from the longest prefix */
};

static inline void run_to(struct search *s, uint64_t at)
{
	uint64_t n = at - s->at;

	if (n <= STEP)
		s->crc = crc32_few(s->crc, s->c->base + s->at, n);
	else
		s->crc = reel_crc32(s->crc, s->c->base + s->at, n);
	s->at = at;
}

/* What the bytes before a payload, of which the state of its tail tells, add to the running checksum at s->at. */
static inline uint32_t sum_before(struct search *s, uint64_t state)
{
	uint64_t n = s->at - s->power_at;

	s->power = n <= NEAR ? shift_near(s->power, (unsigned)n) : crc32_shift(s->power, n);
	s->power_at = s->at;
	return gf_multiply((uint32_t)state, s->power);
}

static inline uint64_t mixed(uint64_t tail)
{
	return tail * 0x9e3779b97f4a7c15u;
}

/* What is known of a good tail other than the start; 0: it is none. */
static inline uint64_t look_up(const struct search *s, uint64_t tail)
{
	uint64_t seen = mixed(tail) >> (64 - SEEN_BITS);

	return s->seen[seen / 64] >> (seen % 64) & 1 ? u64table_peek(&s->good, tail, NULL) : 0;
}

/* Is the checksum good of the payload that begins behind the tail of which `state` is known (0: the start)? */
static inline bool sum_is_good(struct search *s, uint64_t state, bool tombstone, uint64_t at)
{
	const struct generation *gen = s->c->gen;
	uint32_t stored = trailer_crc(gen, s->c->base + at);

	if (tombstone)
		return stored == (TOMBSTONE_CRC & gen->crc_mask);
	run_to(s, at);
	uint32_t before = state == 0 ? 0 : sum_before(s, state);
	return ((s->crc ^ before) & gen->crc_mask) == stored;
}

/*
 * By chance alone one sum of very many is right. An entry that would take the place of good ones, or
 * make a container of a file in which nothing else was found, then counts once another links to it.
 */
static bool is_doubtful(const struct search *s, uint64_t prev_tail, uint64_t prev_state)
{
	if ((prev_tail == s->result.tail && prev_tail != 0) || (prev_state & TAIL_DOUBTFUL))
		return false;
	return s->tried > (s->c->gen->trailer == TRAILER_SIZE ? TRIES_U32 : TRIES_U24);
}

/* Adds the tail of a good entry, and makes it the best so far. */
static int add_good(struct search *s, uint64_t prev_tail, uint64_t prev_state, unsigned excludes, uint64_t trailer)
{
	uint64_t tail = trailer + s->c->gen->trailer, payload = round_up(tail, s->c->gen->pad), state = TAIL_IS_GOOD;

	state |= (uint64_t)(excludes | prev_state >> TAIL_EXCLUDES) << TAIL_EXCLUDES;
	if (prev_tail != s->from)
		state |= TAIL_LINKS_2;
	if (trailer > s->at)
		run_to(s, trailer);
	/* A payload that would begin past the end has no trailer; its checksum is never asked for. */
	if (payload <= s->c->size)
		state |= crc32_unshift(reel_crc32(s->crc, s->c->base + s->at, payload - s->at), payload - s->origin);
	if (is_doubtful(s, prev_tail, prev_state)) {
		state |= TAIL_DOUBTFUL;
	} else {
		s->result.tail = tail;
		s->result.links = state & TAIL_LINKS_2 ? 2 : 1;
		s->result.excludes = (unsigned)(state >> TAIL_EXCLUDES);
		s->tried = 0;
	}
	uint64_t seen = mixed(tail) >> (64 - SEEN_BITS);
	s->seen[seen / 64] |= (uint64_t)1 << (seen % 64);
	return u64table_put(&s->good, tail, state);
}

/* The generations in which the payload after `prev_tail` is not at `payload`. */
static unsigned excluded(uint64_t prev_tail, uint64_t payload)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < GENERATION_COUNT; i++)
		mask |= (unsigned)(round_up(prev_tail, GENERATIONS[i].pad) != payload) << i;
	return mask;
}

/* Is there an entry with its trailer at `at`, and `field` in the place of prev_tail? */
static inline int try_entry(struct search *s, uint64_t at, uint64_t field)
{
	uint64_t prev_tail = field & ~TRAILER_UNFINISHED_MASK, payload;
	uint64_t state = 0;
	bool tombstone;

	if (prev_tail != s->from && (state = look_up(s, prev_tail)) == 0)
		return 0;
	if (!entry_bounds(s->c, prev_tail, at, &payload, &tombstone))
		return 0;
	if (prev_tail != s->result.tail || prev_tail == 0)
		s->tried++;
	if (!sum_is_good(s, state, tombstone, at))
		return 0;
	if (s->pads && !pad_is_zero(s->c, prev_tail, payload))
		return 0;
	if (prev_tail != field) {
		s->unfinished_after = prev_tail;
		s->unfinished_end = at + s->c->gen->trailer;
		return 0;
	}
	return add_good(s, prev_tail, state, payload == prev_tail && tombstone ? 0 : excluded(prev_tail, payload), at);
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

uint64_t search_next_link(const struct chain *c, uint64_t from, uint64_t at)
{
	const uint8_t *base = c->base;
	uint64_t last = c->size - c->gen->trailer;
	unsigned zeros = 1;

	/* How many bytes of a link, below the highest, are zero in a file of this size: where the upper one is not, as many
	 * positions need not be looked at. */
	while (c->size >> (8 * (SIZE_BYTES - zeros)) == 0 && zeros < SIZE_BYTES)
		zeros++;
	while (at <= last) {
		if (base[at + TRAILER_PREV_TAIL + SIZE_BYTES] != 0) {
			at += zeros;
			continue;
		}
		uint64_t field = load_u64(base + at + TRAILER_PREV_TAIL);
		unsigned high = (unsigned)(field >> 56);
		if ((field & ~TRAILER_UNFINISHED_MASK) - from <= at - from && (high == 0 || high == TRAILER_UNFINISHED))
			break;
		/* After eight zeros a link would have to be 0, but for its highest bytes, which are none of a link's. */
		at += field == 0 && from > 0 ? zeros + 1 : 1;
	}
	return at;
}

static int scan(struct search *s)
{
	const struct chain *c = s->c;
	const unsigned length = c->gen->trailer;
	uint64_t at = s->from + c->gen->shortest, last = c->size - length;

	while ((at = search_next_link(c, s->from, at)) <= last) {
		uint64_t field = load_u64(c->base + at + TRAILER_PREV_TAIL);
		if (field == 0 && trailer_is_zero(c->gen, c->base + at)) {
			at = skip_zeros(c, at + length) - length + 1;
			continue;
		}
		int err = try_entry(s, at, field);
		if (err < 0)
			return err;
		at++;
	}
	return 0;
}

int search_tail(const struct chain *c, uint64_t from, bool pads, struct search_result *ret)
{
	struct search s = {
	    .c = c,
	    .from = from,
	    .pads = pads,
	    .origin = round_up(from, c->gen->pad),
	    .at = round_up(from, c->gen->pad),
	    .power_at = round_up(from, c->gen->pad),
	    .power = GF_ONE,
	    .result = {.tail = from},
	    .unfinished_after = UINT64_MAX,
	};
	int err = 0;

	if (c->size >> (8 * SIZE_BYTES) != 0)
		return -EFBIG;
	gf_prepare();
	if (c->size >= from + c->gen->trailer + c->gen->shortest && s.origin <= c->size)
		err = scan(&s);
	if (s.unfinished_after == s.result.tail)
		s.result.unfinished = s.unfinished_end;
	u64table_free(&s.good);
	*ret = s.result;
	return err;
}

int search_passed(const struct chain *c, const struct reel_entry *e, bool *ret)
{
	const struct chain within = {.gen = c->gen, .base = c->base, .size = e->end};
	struct search_result found = {.tail = e->prev_tail};
	int err = e->prev_tail > 0 ? search_tail(&within, e->prev_tail, false, &found) : 0;

	*ret = found.tail > e->prev_tail;
	return err;
}
