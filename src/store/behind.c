/*
 * behind.c - good entries behind the end of a good prefix (docs/DESIGN.md, "Opening"): what links to nothing that is known
 * to be good. Goes over the bytes twice: for positions that look like trailers, and for the checksums that these
 * would need, all of them from one running checksum.
 */
#include "config.h"

#include <stdlib.h>

#include "engine.h"
#include "hash.h"
#include "search.h"

enum { LOOKED_AT = 1 << 16 }; /* so many positions that look like trailers; chance makes none of them good */

struct candidate {
	uint64_t payload, trailer;
	bool unfinished, tombstone, good;
};

/* A place up to which a checksum is needed, and what it is. */
struct point {
	uint64_t at;
	uint32_t crc;
};

struct behind {
	const struct chain *c;
	struct candidate *candidate;
	size_t n;
	struct point *point;
	size_t points;
};

/* Up to `most` positions that look like trailers of entries that begin behind `tail`. */
static int gather(struct behind *b, uint64_t tail, size_t most)
{
	const struct chain *c = b->c;
	uint64_t at = tail + 1 + c->gen->shortest, last = c->size - c->gen->trailer;
	size_t room = 0;

	for (; (at = search_next_link(c, tail + 1, at)) <= last && b->n < most; at++) {
		uint64_t field = load_u64(c->base + at + TRAILER_PREV_TAIL), payload;
		bool tombstone;
		if (!entry_bounds(c, field & ~TRAILER_UNFINISHED_MASK, at, &payload, &tombstone))
			continue;
		if (b->n == room) {
			room = room == 0 ? 64 : 2 * room;
			struct candidate *more = reallocarray(b->candidate, room, sizeof(*more));
			if (more == NULL)
				return -ENOMEM;
			b->candidate = more;
		}
		b->candidate[b->n++] = (struct candidate){
		    .payload = payload,
		    .trailer = at,
		    .unfinished = (field & TRAILER_UNFINISHED_MASK) != 0,
		    .tombstone = tombstone,
		};
	}
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* The checksums of [tail, each point). */
static int sum_up(struct behind *b, uint64_t tail)
{
	uint64_t at = tail;
	uint32_t crc = 0;

	b->point = reallocarray(NULL, b->n, 2 * sizeof(*b->point));
	if (b->point == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < b->n; i++) {
		b->point[b->points++].at = b->candidate[i].payload;
		b->point[b->points++].at = b->candidate[i].trailer;
	}
	qsort(b->point, b->points, sizeof(*b->point), by_place);
	for (size_t i = 0; i < b->points; i++) {
		crc = reel_crc32(crc, b->c->base + at, b->point[i].at - at);
		at = b->point[i].at;
		b->point[i].crc = crc;
	}
	return 0;
}

static uint32_t sum_to(const struct behind *b, uint64_t at)
{
	const struct point key = {.at = at};
	const struct point *p = bsearch(&key, b->point, b->points, sizeof(key), by_place);

	return p->crc;
}

static bool is_good(const struct behind *b, const struct candidate *e)
{
	const struct generation *gen = b->c->gen;
	uint32_t sum = sum_to(b, e->trailer) ^ crc32_shift(sum_to(b, e->payload), e->trailer - e->payload);

	return ((e->tombstone ? TOMBSTONE_CRC : sum) & gen->crc_mask) == trailer_crc(gen, b->c->base + e->trailer);
}

/* The points become the ends of the good ones that count, ascending: those before the first unfinished batch. */
static void keep_good(struct behind *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		b->candidate[i].good = is_good(b, &b->candidate[i]);
	for (size_t i = 0; i < b->n && !(b->candidate[i].good && b->candidate[i].unfinished); i++) {
		if (b->candidate[i].good)
			b->point[n++].at = b->candidate[i].trailer + b->c->gen->trailer;
	}
	b->points = n;
}

/* The last good entry from which links lead to `tail`. Where they break, no entry that they passed is tried again. */
static uint64_t last_linked(const struct behind *b, uint64_t tail)
{
	uint64_t broken = UINT64_MAX;
	struct reel_entry e;

	for (size_t i = b->points; i-- > 0;) {
		uint64_t at = b->point[i].at;
		if (at >= broken)
			continue;
		while (at > tail && entry_parse(b->c, at, &e) == 0 && e.prev_tail >= tail)
			at = e.prev_tail;
		if (at == tail)
			return b->point[i].at;
		broken = at;
	}
	return 0;
}

int search_behind(const struct chain *c, uint64_t tail, struct behind_result *ret)
{
	struct behind b = {.c = c};
	int err = 0;

	*ret = (struct behind_result){0};
	if (c->size < tail + 1 + c->gen->shortest + c->gen->trailer)
		return 0;
	gf_prepare();
	err = gather(&b, tail, LOOKED_AT);
	if (err == 0 && b.n > 0)
		err = sum_up(&b, tail);
	if (err == 0 && b.n > 0) {
		keep_good(&b);
		ret->last = b.points > 0 ? b.point[b.points - 1].at : 0;
		ret->linked = last_linked(&b, tail);
	}
	free(b.candidate);
	free(b.point);
	return err;
}

int search_good(const struct chain *c, uint64_t from, uint64_t **ends, size_t *n)
{
	const uint64_t tail = from > 0 ? from - 1 : 0;
	struct behind b = {.c = c};
	int err = 0;

	*ends = NULL;
	*n = 0;
	if (c->size < tail + 1 + c->gen->shortest + c->gen->trailer)
		return 0;
	gf_prepare();
	err = gather(&b, tail, (c->size - tail) / (c->gen->shortest + c->gen->trailer) + 1);
	if (err == 0 && b.n > 0)
		err = sum_up(&b, tail);
	if (err == 0 && b.n > 0) {
		*ends = reallocarray(NULL, b.n, sizeof(**ends));
		err = *ends == NULL ? -ENOMEM : 0;
	}
	for (size_t i = 0; err == 0 && i < b.n; i++) {
		if (!b.candidate[i].unfinished && is_good(&b, &b.candidate[i]))
			(*ends)[(*n)++] = b.candidate[i].trailer + c->gen->trailer;
	}
	free(b.candidate);
	free(b.point);
	return err;
}
