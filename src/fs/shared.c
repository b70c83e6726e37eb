/*
 * shared.c - see shared.h. Reads the tree; changes nothing.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "shared.h"

static int candidate(struct shared_set *set, struct inode *i, struct data *d, struct shared **ret)
{
	struct shared *s = shared_get(set, d);

	*ret = s;
	if (s)
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->data = d;
	s->first = i;
	if (table_put(&set->by_position, d->position, s) < 0) {
		free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

static bool is_one_extent(const struct inode *i)
{
	return i->extents.n == 1 && i->extents.bytes == i->size;
}

static int note_extent(struct shared_set *set, struct inode *i, const struct extent *x)
{
	struct shared *s;
	uint64_t before;
	int r = candidate(set, i, x->data, &s);

	if (r < 0)
		return r;
	before = ranges_bytes(&s->needed);
	r = ranges_add(&s->needed, x->data_offset, x->data_offset + x->len);
	s->is_shared = s->is_shared || s->first != i || ranges_bytes(&s->needed) - before < x->len;
	if (is_one_extent(i) && (!s->whole || s->whole->size < i->size))
		s->whole = i;
	return r;
}

static int find_candidates(const struct tree *t, struct shared_set *set)
{
	uint64_t ino = 0;
	int r = 0;

	for (struct inode *i; r == 0 && (i = table_first(&t->inodes, &ino)); ino++)
		for (uint32_t n = 0; r == 0 && n < i->extents.n; n++)
			if (i->extents.at[n].data->refs > 1)
				r = note_extent(set, i, &i->extents.at[n]);
	return r;
}

static int list_parts(struct shared *s)
{
	struct range r = {0, 0};

	s->part = calloc(ranges_count(&s->needed), sizeof(*s->part));
	if (!s->part)
		return -ENOMEM;
	while (ranges_next(&s->needed, r.end, &r)) {
		s->part[s->parts++] = (struct shared_part){r.start, r.end, s->bytes};
		s->bytes += r.end - r.start;
	}
	ranges_clear(&s->needed);
	if (s->whole && s->whole->size != s->bytes)
		s->whole = NULL;
	return 0;
}

static void drop(struct shared_set *set, struct shared *s)
{
	table_del(&set->by_position, s->data->position);
	ranges_clear(&s->needed);
	free(s->part);
	free(s);
}

int shared_find(const struct tree *t, struct shared_set *ret)
{
	uint64_t position = 0;
	int r;

	*ret = (struct shared_set){0};
	r = find_candidates(t, ret);
	for (struct shared *s; r == 0 && (s = table_first(&ret->by_position, &position)); position++) {
		if (s->is_shared)
			r = list_parts(s);
		else
			drop(ret, s);
	}
	return r;
}

void shared_free(struct shared_set *set)
{
	uint64_t position = 0;

	for (struct shared *s; (s = table_first(&set->by_position, &position)); position++)
		drop(set, s);
}

uint64_t shared_offset(const struct shared *s, uint64_t offset)
{
	size_t low = 0, high = s->parts - 1;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->part[mid].end <= offset)
			low = mid + 1;
		else
			high = mid;
	}
	return s->part[low].before + (offset - s->part[low].start);
}
