/*
 * ranges.c - a set of byte offsets as sorted disjoint ranges.
 * An array of leaves, each a sorted array of ranges: what an insertion moves is a part of one leaf,
 * and, once in many insertions, the pointers to the leaves after it.
 *
 * Invariants, between any two calls:
 *  1. every leaf holds at least one range;
 *  2. for two neighbouring ranges a, b, in one leaf or in two: a.start < a.end < b.start;
 *  3. `count` and `bytes` are those of all leaves together.
 */
#include "config.h"

#include "ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A leaf is just small enough for the allocator's per-thread cache (1032 bytes in glibc). */
#define LEAF_RANGES 63

struct ranges_leaf {
	size_t n;
	struct range r[LEAF_RANGES];
};

/* A place in the set: either a range's, or one past the last, which is { leaves, 0 }. */
struct place {
	size_t leaf, slot;
};

static struct range *range_at(const struct ranges *s, struct place p)
{
	return &s->leaf[p.leaf]->r[p.slot];
}

static bool is_end(const struct ranges *s, struct place p)
{
	return p.leaf == s->leaves;
}

static struct place next_place(const struct ranges *s, struct place p)
{
	if (p.slot + 1 < s->leaf[p.leaf]->n)
		return (struct place){p.leaf, p.slot + 1};
	return (struct place){p.leaf + 1, 0};
}

static struct range *last_range(const struct ranges *s)
{
	if (s->leaves == 0)
		return NULL;
	struct ranges_leaf *leaf = s->leaf[s->leaves - 1];
	return &leaf->r[leaf->n - 1];
}

/* The first range that ends past `offset`. */
static struct place find(const struct ranges *s, uint64_t offset)
{
	const struct range *last = last_range(s);
	if (!last || last->end <= offset)
		return (struct place){s->leaves, 0};

	size_t low = 0, high = s->leaves - 1;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct ranges_leaf *leaf = s->leaf[mid];
		if (leaf->r[leaf->n - 1].end > offset)
			high = mid;
		else
			low = mid + 1;
	}
	const struct ranges_leaf *leaf = s->leaf[low];
	size_t first = 0, past = leaf->n - 1;
	while (first < past) {
		size_t mid = first + (past - first) / 2;
		if (leaf->r[mid].end > offset)
			past = mid;
		else
			first = mid + 1;
	}
	return (struct place){low, first};
}

int ranges_prepare(struct ranges *s)
{
	if (s->leaves == s->room) {
		size_t room = s->room ? s->room * 2 : 4;
		struct ranges_leaf **leaf = reallocarray(s->leaf, room, sizeof(struct ranges_leaf *));
		if (!leaf)
			return -ENOMEM;
		s->leaf = leaf;
		s->room = room;
	}
	if (!s->spare)
		s->spare = malloc(sizeof(*s->spare));
	return s->spare ? 0 : -ENOMEM;
}

/* Puts a new leaf, still empty, before leaf number `at`. */
static int insert_leaf(struct ranges *s, size_t at)
{
	int ret = ranges_prepare(s);
	if (ret < 0)
		return ret;
	memmove(&s->leaf[at + 1], &s->leaf[at], (s->leaves - at) * sizeof(s->leaf[0]));
	s->leaf[at] = s->spare;
	s->leaf[at]->n = 0;
	s->spare = NULL;
	s->leaves++;
	return 0;
}

/*
 * Makes room for one more range before the place *p, and moves *p to where that range goes. The
 * end of the leaf before is preferred to the start of a leaf, so that ascending additions fill leaves.
 */
static int make_room(struct ranges *s, struct place *p)
{
	if (p->slot == 0 && p->leaf > 0 && (is_end(s, *p) || s->leaf[p->leaf - 1]->n < LEAF_RANGES)) {
		p->leaf--;
		p->slot = s->leaf[p->leaf]->n;
	}
	if (p->leaf < s->leaves && s->leaf[p->leaf]->n < LEAF_RANGES)
		return 0;
	if (s->leaves == 0)
		return insert_leaf(s, 0);

	/* Appended to a full leaf, the range begins a new one; anywhere else, the leaf is halved. */
	int ret = insert_leaf(s, p->leaf + 1);
	if (ret < 0)
		return ret;
	struct ranges_leaf *full = s->leaf[p->leaf], *fresh = s->leaf[p->leaf + 1];
	size_t keep = p->slot == LEAF_RANGES ? LEAF_RANGES : LEAF_RANGES / 2;
	fresh->n = full->n - keep;
	memcpy(fresh->r, &full->r[keep], fresh->n * sizeof(fresh->r[0]));
	full->n = keep;
	if (p->slot >= keep) {
		p->leaf++;
		p->slot -= keep;
	}
	return 0;
}

/* Inserts before the place p a range that fits there. -ENOMEM: nothing changed. */
static int insert(struct ranges *s, struct place p, struct range range)
{
	int ret = make_room(s, &p);
	if (ret < 0)
		return ret;
	struct ranges_leaf *leaf = s->leaf[p.leaf];
	memmove(&leaf->r[p.slot + 1], &leaf->r[p.slot], (leaf->n - p.slot) * sizeof(leaf->r[0]));
	leaf->r[p.slot] = range;
	leaf->n++;
	s->count++;
	s->bytes += range.end - range.start;
	return 0;
}

/* Changes the bounds of one range. */
static void set_range(struct ranges *s, struct place p, struct range range)
{
	struct range *r = range_at(s, p);
	s->bytes -= r->end - r->start;
	s->bytes += range.end - range.start;
	*r = range;
}

/* Takes out the ranges from the place `from` up to, not including, `to`. */
static void erase(struct ranges *s, struct place from, struct place to)
{
	for (struct place p = from; p.leaf != to.leaf || p.slot != to.slot; p = next_place(s, p)) {
		struct range *r = range_at(s, p);
		s->bytes -= r->end - r->start;
		s->count--;
	}
	size_t kept = from.leaf == to.leaf ? from.slot : 0;
	if (to.slot > kept) {
		struct ranges_leaf *leaf = s->leaf[to.leaf];
		memmove(&leaf->r[kept], &leaf->r[to.slot], (leaf->n - to.slot) * sizeof(leaf->r[0]));
		leaf->n -= to.slot - kept;
	}
	if (from.leaf == to.leaf)
		return;
	if (from.slot > 0) {
		s->leaf[from.leaf]->n = from.slot;
		from.leaf++;
	}
	for (size_t i = from.leaf; i < to.leaf; i++)
		free(s->leaf[i]);
	memmove(&s->leaf[from.leaf], &s->leaf[to.leaf], (s->leaves - to.leaf) * sizeof(s->leaf[0]));
	s->leaves -= to.leaf - from.leaf;
}

int ranges_add(struct ranges *s, uint64_t start, uint64_t end)
{
	if (start >= end)
		return 0;
	struct range *last = last_range(s);
	if (last && last->start <= start && start <= last->end) {
		if (end > last->end) {
			s->bytes += end - last->end;
			last->end = end;
		}
		return 0;
	}

	struct place first = find(s, start > 0 ? start - 1 : 0);
	if (is_end(s, first) || range_at(s, first)->start > end)
		return insert(s, first, (struct range){start, end});

	/* One range takes the place of all from `first` up to `past`. */
	struct range merged = {start, end};
	if (range_at(s, first)->start < start)
		merged.start = range_at(s, first)->start;
	struct place past = find(s, end);
	if (!is_end(s, past) && range_at(s, past)->start <= end) {
		merged.end = range_at(s, past)->end;
		past = next_place(s, past);
	}
	erase(s, next_place(s, first), past);
	set_range(s, first, merged);
	return 0;
}

int ranges_remove(struct ranges *s, uint64_t start, uint64_t end)
{
	if (start >= end)
		return 0;
	struct place first = find(s, start);
	if (is_end(s, first) || range_at(s, first)->start >= end)
		return 0;
	struct range r = *range_at(s, first);
	if (r.start < start && r.end > end) {
		int ret = insert(s, next_place(s, first), (struct range){end, r.end});
		if (ret == 0) /* the insertion may have moved the range to another leaf */
			set_range(s, find(s, start), (struct range){r.start, start});
		return ret;
	}

	if (r.start < start) {
		set_range(s, first, (struct range){r.start, start});
		first = next_place(s, first);
	}
	struct place past = find(s, end);
	if (!is_end(s, past) && range_at(s, past)->start < end)
		set_range(s, past, (struct range){end, range_at(s, past)->end});
	erase(s, first, past);
	return 0;
}

void ranges_cut(struct ranges *s, uint64_t offset)
{
	/* No range goes on past the largest offset, so none is split and the removal cannot fail. */
	(void)ranges_remove(s, offset, UINT64_MAX);
}

bool ranges_next(const struct ranges *s, uint64_t offset, struct range *ret)
{
	struct place p = find(s, offset);
	if (is_end(s, p))
		return false;
	*ret = *range_at(s, p);
	if (ret->start < offset)
		ret->start = offset;
	return true;
}

uint64_t ranges_end(const struct ranges *s)
{
	const struct range *last = last_range(s);
	return last ? last->end : 0;
}

void ranges_clear(struct ranges *s)
{
	for (size_t i = 0; i < s->leaves; i++)
		free(s->leaf[i]);
	free(s->leaf);
	free(s->spare);
	*s = (struct ranges){0};
}
