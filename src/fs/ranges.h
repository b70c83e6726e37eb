/*
 * ranges.h - a set of byte offsets, kept as sorted disjoint half-open ranges [start, end).
 * Ranges that touch are one range. Made for the dirty bytes of a file: sequential additions cost
 * O(1), any other change O(log n) to find its place, with a million ranges as with ten.
 *
 * A zeroed struct ranges is an empty set. No locking: one thread at a time changes a set, and
 * nobody reads it meanwhile.
 */
#ifndef RANGES_H
#define RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes from `start` up to, not including, `end`; start < end. */
struct range {
	uint64_t start, end;
};

struct ranges_leaf;

/* The members are read through the functions below only. */
struct ranges {
	struct ranges_leaf **leaf; /* in order of offset; none is empty */
	struct ranges_leaf *spare; /* what ranges_prepare() keeps ready */
	size_t leaves, room;       /* how many of `leaf` are used, how many there is room for */
	size_t count;              /* ranges */
	uint64_t bytes;            /* the lengths of all ranges together */
};

/*
 * Makes sure that the next ranges_add() or ranges_remove() cannot fail, for callers that have to
 * know before they do what cannot be undone. -ENOMEM.
 */
int ranges_prepare(struct ranges *s);

/* Adds [start, end); nothing when start >= end. -ENOMEM: the set is as it was. */
int ranges_add(struct ranges *s, uint64_t start, uint64_t end);

/*
 * Takes [start, end) out; nothing when start >= end. -ENOMEM: the set is as it was; this happens
 * only where a range has to be split in two.
 */
int ranges_remove(struct ranges *s, uint64_t start, uint64_t end);

/* Takes out everything at or past `offset`. */
void ranges_cut(struct ranges *s, uint64_t offset);

/* The first range with a byte at or past `offset`, without what lies before it. False: there is none. */
bool ranges_next(const struct ranges *s, uint64_t offset, struct range *ret);

/* The end of the last range, 0 for an empty set. */
uint64_t ranges_end(const struct ranges *s);

/* Frees all memory; the set is empty and usable. */
void ranges_clear(struct ranges *s);

/* How many bytes are in the set. */
static inline uint64_t ranges_bytes(const struct ranges *s)
{
	return s->bytes;
}

/* In how many ranges they lie. */
static inline size_t ranges_count(const struct ranges *s)
{
	return s->count;
}

#endif
