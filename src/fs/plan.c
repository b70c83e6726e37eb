/*
 * plan.c - see plan.h. Relies on open.c for what descriptors see and on wbuf.c for what of it is unwritten. Changes nothing.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "open.h"
#include "plan.h"

/* A hole at least this long stays one; a file with such a hole is not written whole. */
#define HOLE_MIN 4096u
/* Up to so many extents nothing is gained by writing the file whole. */
#define EXTENTS_FEW 64u
/* An extent of this length is as good for reading as a longer one, and its records cost little beside its bytes. */
#define EXTENT_GOOD 8192u
/* So little is copied on rather than that the file has one more part. */
#define REST_LITTLE 65536u
/* What a patch costs in the container beside its bytes, roughly. */
#define PATCH_COST 512u
/* Ranges in a piece: each takes time under the tree lock. */
#define PIECE_RUNS 1024u

static uint64_t dirty_bytes(const struct open_state *o)
{
	return o->wbuf ? wbuf_dirty(o->wbuf) : 0;
}

static bool next_dirty(const struct open_state *o, uint64_t at, uint64_t *start, uint64_t *end)
{
	return o->wbuf && wbuf_next(o->wbuf, at, start, end);
}

/* --- whole or not ------------------------------------------------------------------------------------ */

/* Whether every hole of the file as it is now is short enough to be written as zero bytes. */
static bool has_no_hole(const struct open_state *o, uint64_t size)
{
	uint64_t at = 0, start, end;

	while (at < size) {
		if (!open_next_data(o, at, &start, &end) || start > size)
			start = end = size;
		if (start - at >= HOLE_MIN)
			return false;
		at = end;
	}
	return true;
}

static const struct data *longest_own(const struct extents *e)
{
	const struct data *longest = NULL;

	for (uint32_t i = 0; i < e->n; i++)
		if (!e->at[i].data->shared && (!longest || e->at[i].data->len > longest->len))
			longest = e->at[i].data;
	return longest;
}

/*
 * What small patches have cost since the file was last written whole: the entries that its short extents are in, but for
 * the longest one, and what goes with each. Long ones are no worse to read than a whole file. Entries that it shares were
 * not written for it, and writing it whole would not spare them.
 */
static uint64_t patches_cost(struct fs *fs, const struct extents *e)
{
	const struct data *longest;
	struct number_set seen = {0};
	uint64_t bytes = 0;

	pthread_rwlock_rdlock(&fs->tree_lock);
	longest = longest_own(e);
	for (uint32_t i = 0; i < e->n; i++) {
		const struct data *d = e->at[i].data;

		if (e->at[i].len >= EXTENT_GOOD)
			continue;
		bytes += PATCH_COST;
		if (d == longest || d->shared || number_set_has(&seen, d->position))
			continue;
		/* Without memory it is counted again: the file is written whole earlier. */
		(void)number_set_add(&seen, d->position);
		bytes += d->len;
	}
	pthread_rwlock_unlock(&fs->tree_lock);
	number_set_clear(&seen);
	return bytes;
}

/*
 * Writing the file whole costs its size. It is done when most of it is new, or when what small patches have cost since it
 * was last written whole comes near that, so that any number of small changes costs a constant factor of their own bytes.
 * While it stays open, and after that for what was committed meanwhile, most of it being new is no reason: a file that
 * grows would be copied again and again.
 */
static bool wants_whole(struct fs *fs, const struct open_state *o, const struct plan *p, bool stays_open)
{
	const struct extents *e = open_base(o);
	uint64_t old = p->size - p->dirty;
	bool wants = e->n == 0 || old == 0;

	if (p->dirty == 0 || p->rest || (p->lean && old > 0))
		return false;
	if (!wants && !stays_open)
		wants = p->dirty >= old && (!o->in_parts || old <= REST_LITTLE);
	if (!wants && e->n > EXTENTS_FEW && e->n % EXTENTS_FEW == 0 && (!stays_open || p->size <= PLAN_PIECE))
		wants = patches_cost(fs, e) >= p->size / 2;
	return wants && has_no_hole(o, p->size);
}

/* --- runs -------------------------------------------------------------------------------------------- */

static int add_run(struct plan *p, uint64_t start, uint64_t end)
{
	if (p->n == p->room) {
		size_t more = p->room ? p->room * 2 : 4;
		struct fs_record_extent *runs = realloc(p->runs, more * sizeof(*runs));

		if (!runs)
			return -ENOMEM;
		p->runs = runs;
		p->room = more;
	}
	p->runs[p->n++] = (struct fs_record_extent){.offset = start, .len = end - start, .data_offset = p->bytes};
	p->bytes += end - start;
	return 0;
}

static bool is_sound(struct fs *fs, const struct extents *e, uint32_t i)
{
	uint64_t bad;

	return data_check(fs->store, e->at[i].data, e->at[i].data_offset, e->at[i].len, &bad) == 0;
}

/*
 * Where an append that begins at `start` is to begin instead: with many short extents before it these are written once
 * more, as one with it. So a file to which little is added a great many times has no more than so many of them, for at
 * most twice the bytes.
 */
static uint64_t merged_start(struct fs *fs, const struct open_state *o, uint64_t start)
{
	const struct extents *e = open_base(o);
	uint32_t i = extents_find(e, start), first = i;
	uint64_t at = start, dirty, end;

	if (i < e->n)
		return start;
	pthread_rwlock_rdlock(&fs->tree_lock);
	while (first > 0 && e->at[first - 1].offset + e->at[first - 1].len == at && e->at[first - 1].len < EXTENT_GOOD &&
	       !e->at[first - 1].data->shared)
		at = e->at[--first].offset;
	pthread_rwlock_unlock(&fs->tree_lock);
	if (i - first < EXTENTS_FEW || (next_dirty(o, at, &dirty, &end) && dirty < start))
		return start;
	/* What is damaged stays where it is, and keeps nobody from writing on. */
	while (i-- > first)
		if (!is_sound(fs, e, i))
			return start;
	return at;
}

static int list_runs(struct fs *fs, const struct open_state *o, struct plan *p)
{
	uint64_t at = p->start, start, end;
	int r = 0;

	if (p->whole)
		return add_run(p, 0, p->size);
	while (r == 0 && at < p->end && next_dirty(o, at, &start, &end) && start < p->end) {
		at = end < p->end ? end : p->end;
		r = add_run(p, p->lean ? start : merged_start(fs, o, start), at);
	}
	return r;
}

/* The format cannot hold an entry of one NUL byte: that is kept as a hole. */
static bool is_one_nul(const struct open_state *o, const struct plan *p)
{
	uint8_t byte;

	return p->dirty == 1 && p->bytes == 1 && wbuf_read(o->wbuf, p->runs[0].offset, 1, &byte) == 0 && byte == 0;
}

static int end_plan(struct fs *fs, const struct open_state *o, struct plan *p, bool stays_open)
{
	int r;

	p->whole = wants_whole(fs, o, p, stays_open);
	r = list_runs(fs, o, p);
	if (r == 0)
		p->one_nul = is_one_nul(o, p);
	else
		plan_free(p);
	return r;
}

int plan_all(struct fs *fs, const struct open_state *o, bool lean, struct plan *ret)
{
	*ret = (struct plan){.lean = lean, .end = UINT64_MAX, .dirty = dirty_bytes(o), .size = open_size(o)};
	return end_plan(fs, o, ret, false);
}

/* --- pieces ------------------------------------------------------------------------------------------ */

/*
 * Up to where every byte that programs have written has arrived here, or lies in the file already. Past that, what looks like
 * a hole may be bytes that the kernel has and has not yet handed over.
 */
static uint64_t complete_end(const struct fs *fs, struct open_state *o)
{
	uint64_t size = open_size(o), start, end;

	if (!fs->options.hand_over || !o->changed)
		return size;
	while (o->complete < size && open_next_data(o, o->complete, &start, &end) && start == o->complete)
		o->complete = end;
	return o->complete < size ? o->complete : size;
}

static void choose_piece(const struct open_state *o, struct plan *p, uint64_t limit)
{
	uint64_t at = p->start, start, end;
	unsigned runs = 0;

	while (p->dirty < PLAN_PIECE && runs++ < PIECE_RUNS && next_dirty(o, at, &start, &end) && start < limit) {
		if (end > limit)
			end = limit;
		if (end - start > PLAN_PIECE - p->dirty)
			end = start + (PLAN_PIECE - p->dirty);
		p->dirty += end - start;
		at = end;
	}
	p->end = at;
}

/* The first dirty byte at or past `at` that the piece does not take. */
static uint64_t left_out(const struct open_state *o, const struct plan *p, uint64_t at)
{
	uint64_t start, end;

	if (!next_dirty(o, at, &start, &end))
		return UINT64_MAX;
	if (start < p->start || start >= p->end)
		return start;
	return next_dirty(o, p->end, &start, &end) ? start : UINT64_MAX;
}

/*
 * The size that keeps invariant W1: what is left out and lies past the end in the container must not be covered by it. What is
 * left out before that end has its old bytes there.
 */
static uint64_t size_after(const struct open_state *o, const struct plan *p, uint64_t limit)
{
	uint64_t size = left_out(o, p, o->lowest);

	return size < limit ? size : limit;
}

int plan_piece(struct fs *fs, struct open_state *o, bool lean, uint64_t from, struct plan *ret)
{
	uint64_t limit = complete_end(fs, o);

	o->gap = limit < open_size(o);
	*ret = (struct plan){.lean = lean, .start = from};
	choose_piece(o, ret, limit);
	ret->size = o->changed ? size_after(o, ret, limit) : open_size(o);
	ret->rest = ret->dirty < dirty_bytes(o) || ret->size != open_size(o);
	return end_plan(fs, o, ret, true);
}

bool plan_is_empty(const struct open_state *o, const struct plan *p)
{
	if (p->dirty > 0)
		return false;
	return p->rest ? !o->cut && p->size == o->inode->size : !o->changed;
}

void plan_free(struct plan *p)
{
	free(p->runs);
	p->runs = NULL;
	p->n = p->room = 0;
}
