/*
 * snapshot.c - the container as it is at one moment, for what goes over all of it: iterators, parallel walks,
 * counts, compaction. Holds index.lock while the live ends are copied out of the index, and sorts them after.
 */
#include "config.h"

#include <stdlib.h>

#include "store.h"

enum {
	DIGIT_BITS = 11,
	DIGITS = 1 << DIGIT_BITS,
};

/* Sorts by one digit from `from` into `to`. */
static void sort_by(const uint64_t *from, uint64_t *to, size_t n, unsigned shift)
{
	size_t place[DIGITS] = {0}, next = 0;

	for (size_t i = 0; i < n; i++)
		place[from[i] >> shift & (DIGITS - 1)]++;
	for (size_t d = 0; d < DIGITS; d++) {
		size_t count = place[d];
		place[d] = next;
		next += count;
	}
	for (size_t i = 0; i < n; i++)
		to[place[from[i] >> shift & (DIGITS - 1)]++] = from[i];
}

/* Ascending; all are at most `max`. */
static int sort(uint64_t **list, size_t n, uint64_t max)
{
	uint64_t *other = malloc((n + 1) * sizeof(*other));

	if (other == NULL)
		return -ENOMEM;
	for (unsigned shift = 0; shift < 64 && max >> shift != 0; shift += DIGIT_BITS) {
		sort_by(*list, other, n, shift);
		uint64_t *sorted = other;
		other = *list;
		*list = sorted;
	}
	free(other);
	return 0;
}

static size_t copy_ends(const struct u64table *t, uint64_t *ret)
{
	size_t n = 0;

	/* Without a branch: what is free is overwritten. */
	for (uint64_t i = 0; i < t->capacity; i++) {
		uint64_t end = atomic_load_explicit(&t->slots[i].value, memory_order_relaxed);
		ret[n] = end;
		n += end != 0;
	}
	return n;
}

/* Under index.lock. */
static void take(struct reel *r, struct snapshot *ret)
{
	ret->map = store_view(r)->map;
	ret->tail = reel_tail_offset(r);
	mapping_ref(ret->map);
}

void snapshot_take(struct reel *r, struct snapshot *ret)
{
	*ret = (struct snapshot){.map = NULL};
	pthread_mutex_lock(&r->index.lock);
	take(r, ret);
	pthread_mutex_unlock(&r->index.lock);
}

int snapshot_take_live(struct reel *r, struct snapshot *ret)
{
	size_t room = 0;

	*ret = (struct snapshot){.map = NULL};
	for (;;) {
		int64_t wanted = index_count(r);
		if (wanted < 0) {
			free(ret->ends);
			ret->ends = NULL;
			return (int)wanted;
		}
		if (ret->ends == NULL || room < (size_t)wanted) {
			free(ret->ends);
			room = (size_t)wanted + (size_t)wanted / 16;
			ret->ends = malloc((room + 1) * sizeof(*ret->ends));
			if (ret->ends == NULL)
				return -ENOMEM;
		}
		pthread_mutex_lock(&r->index.lock);
		const struct view *v = store_view(r);
		bool taken = v->built && v->ends.used <= room;
		if (taken) {
			ret->n = copy_ends(&v->ends, ret->ends);
			take(r, ret);
		}
		pthread_mutex_unlock(&r->index.lock);
		if (taken)
			break;
	}
	int err = sort(&ret->ends, ret->n, ret->tail);
	if (err < 0)
		snapshot_free(ret);
	return err;
}

void snapshot_free(struct snapshot *s)
{
	if (s->map != NULL)
		mapping_unref(s->map);
	free(s->ends);
	*s = (struct snapshot){.map = NULL};
}
