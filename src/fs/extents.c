/*
 * extents.c - the parts that a file's contents are made of. Relies on data.c for the references
 * of what the parts point to. Never looks at contents.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tree.h"

uint32_t extents_find(const struct extents *e, uint64_t offset)
{
	uint32_t low = 0, high = e->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (e->at[mid].offset + e->at[mid].len <= offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool extents_any(const struct extents *e, uint64_t start, uint64_t end)
{
	uint32_t i = extents_find(e, start);

	return i < e->n && e->at[i].offset < end;
}

static int make_room(struct extents *e, uint32_t n)
{
	struct extent *at;
	uint32_t room = e->room ? e->room : 1;

	if (n > UINT32_MAX / 2)
		return -EFBIG;
	while (room < n)
		room *= 2;
	if (room == e->room)
		return 0;
	at = realloc(e->at, room * sizeof(*at));
	if (!at)
		return -ENOMEM;
	e->at = at;
	e->room = room;
	return 0;
}

static void take_ref(const struct extents *e, struct data *d)
{
	data_ref(d);
	d->named_refs += e->named;
}

/* Files without names need the bytes and no key: that is another's to have. */
static void drop_named_ref(struct tree *t, struct data *d)
{
	if (--d->named_refs > 0 || !d->keyed)
		return;
	data_unkey(&t->data, d);
	tree_key_died(t, &(struct dead_key){d->key_hash, d->len, d->crc});
}

static void drop_ref(struct tree *t, const struct extents *e, struct data *d)
{
	if (e->named)
		drop_named_ref(t, d);
	tree_data_unref(t, d);
}

void extents_set_named(struct tree *t, struct extents *e, bool named)
{
	if (e->named == named)
		return;
	e->named = named;
	for (uint32_t i = 0; i < e->n; i++) {
		if (named)
			e->at[i].data->named_refs++;
		else
			drop_named_ref(t, e->at[i].data);
	}
}

static void close_gap(struct extents *e, uint32_t i, uint32_t n)
{
	memmove(&e->at[i], &e->at[i + n], (e->n - i - n) * sizeof(*e->at));
	e->n -= n;
}

static int split(struct extents *e, uint32_t i, uint64_t start, uint64_t end)
{
	struct extent *x;
	int r = make_room(e, e->n + 1);

	if (r < 0)
		return r;
	x = &e->at[i];
	memmove(x + 1, x, (e->n - i) * sizeof(*x));
	e->n++;
	x[1].len = x[0].offset + x[0].len - end;
	x[1].data_offset += end - x[0].offset;
	x[1].offset = end;
	x[0].len = start - x[0].offset;
	e->bytes -= end - start;
	take_ref(e, x[1].data);
	return 0;
}

int extents_remove(struct tree *t, struct extents *e, uint64_t start, uint64_t end)
{
	uint32_t i = extents_find(e, start), gone = 0;

	if (start >= end || i == e->n)
		return 0;
	if (e->at[i].offset < start && e->at[i].offset + e->at[i].len > end)
		return split(e, i, start, end);
	if (e->at[i].offset < start) {
		e->bytes -= e->at[i].offset + e->at[i].len - start;
		e->at[i].len = start - e->at[i].offset;
		i++;
	}
	while (i + gone < e->n && e->at[i + gone].offset + e->at[i + gone].len <= end) {
		e->bytes -= e->at[i + gone].len;
		drop_ref(t, e, e->at[i + gone++].data);
	}
	if (gone)
		close_gap(e, i, gone);
	if (i < e->n && e->at[i].offset < end) {
		struct extent *x = &e->at[i];
		uint64_t cut = end - x->offset;

		x->offset += cut;
		x->data_offset += cut;
		x->len -= cut;
		e->bytes -= cut;
	}
	return 0;
}

static bool continues(const struct extent *a, const struct extent *b)
{
	return a->data == b->data && a->offset + a->len == b->offset && a->data_offset + a->len == b->data_offset;
}

/* Makes one extent of number i and the next, if they are one. */
static void join(struct tree *t, struct extents *e, uint32_t i)
{
	if (i + 1 >= e->n || !continues(&e->at[i], &e->at[i + 1]))
		return;
	e->at[i].len += e->at[i + 1].len;
	drop_ref(t, e, e->at[i + 1].data);
	close_gap(e, i + 1, 1);
}

int extents_put(struct tree *t, struct extents *e, const struct extent *x)
{
	uint32_t i;
	int r;

	/* One for the new extent and one for a split: nothing fails half way. */
	r = make_room(e, e->n + 2);
	if (r < 0)
		return r;
	take_ref(e, x->data);
	r = extents_remove(t, e, x->offset, x->offset + x->len);
	if (r < 0) {
		drop_ref(t, e, x->data);
		return r;
	}
	i = extents_find(e, x->offset);
	memmove(&e->at[i + 1], &e->at[i], (e->n - i) * sizeof(*e->at));
	e->at[i] = *x;
	e->n++;
	e->bytes += x->len;
	join(t, e, i);
	if (i > 0)
		join(t, e, i - 1);
	return 0;
}

int extents_copy(const struct extents *from, struct extents *to)
{
	int r;

	*to = (struct extents){0};
	if (from->n == 0)
		return 0;
	r = make_room(to, from->n);
	if (r < 0)
		return r;
	memcpy(to->at, from->at, from->n * sizeof(*to->at));
	to->n = from->n;
	to->bytes = from->bytes;
	for (uint32_t i = 0; i < to->n; i++)
		take_ref(to, to->at[i].data);
	return 0;
}

void extents_clear(struct tree *t, struct extents *e)
{
	for (uint32_t i = 0; i < e->n; i++)
		drop_ref(t, e, e->at[i].data);
	free(e->at);
	*e = (struct extents){0};
}
