/*
 * refused.c - see refused.h. With its writeback cache the kernel decides where a file ends, and drops the pages that it could
 * not write back: what it writes behind them later would make the file as long as if they were there. Relies on open.c for
 * the state that it is kept in.
 */
#include "config.h"

#include "open.h"
#include "refused.h"

/* The first byte of [start, end) that is a hole; `end` if there is none. */
static uint64_t first_hole(const struct open_state *o, uint64_t start, uint64_t end)
{
	uint64_t from, to;

	while (start < end && open_next_data(o, start, &from, &to) && from == start)
		start = to;
	return start < end ? start : end;
}

/*
 * Requests overtake each other: what comes behind the bytes that are lost may be here already, and the file be long enough.
 * What is no old hole, nor one that was asked for, ends it then.
 */
static void cut_at_gap(struct fs *fs, struct open_state *o, uint64_t offset, uint64_t end)
{
	const uint64_t known = o->complete > o->asked ? o->complete : o->asked;
	const struct timespec now = fs_now();
	uint64_t gap;

	if (!o->changed)
		return;
	gap = first_hole(o, offset > known ? offset : known, end);
	if (gap < end && open_punch(fs, o, gap, UINT64_MAX) == 0)
		open_change(fs, o, &gap, 0, &now);
}

void refused_note(struct fs *fs, struct open_state *o, uint64_t offset, uint64_t end, int error)
{
	uint64_t size = open_size(o);

	atomic_store(&o->refusing, error);
	if (offset < size)
		cut_at_gap(fs, o, offset, end < size ? end : size);
	if (end < size)
		end = size;
	size = open_size(o);
	if (end <= size)
		return;
	if (offset < size)
		offset = size;
	if (o->refused_end == 0 || offset < o->refused)
		o->refused = offset;
	if (end > o->refused_end)
		o->refused_end = end;
}

int refused_before(const struct open_state *o, uint64_t offset, uint64_t end)
{
	if (o->refused_end == 0 || offset <= o->refused || end <= open_size(o))
		return 0;
	return atomic_load(&o->refusing);
}

static void forget(struct open_state *o)
{
	o->refused = o->refused_end = 0;
	atomic_store(&o->refusing, 0);
}

void refused_stored(struct open_state *o, uint64_t offset, uint64_t end)
{
	if (o->refused_end == 0) {
		atomic_store_explicit(&o->refusing, 0, memory_order_relaxed);
		return;
	}
	if (offset <= o->refused && end > o->refused)
		o->refused = end;
	if (o->refused >= o->refused_end)
		forget(o);
}

void refused_cut(struct open_state *o, uint64_t size)
{
	if (size <= o->refused || o->refused_end == 0)
		forget(o);
}

bool refused_outlives(struct fs *fs, struct open_state *o)
{
	bool does = false;

	pthread_rwlock_wrlock(&fs->tree_lock);
	if (o->refused_end > 0 && !o->outlives && o->inode->lookups > 0)
		does = o->outlives = true;
	pthread_rwlock_unlock(&fs->tree_lock);
	return does;
}

bool refused_mended(struct fs *fs, struct open_state *o)
{
	bool was;

	forget(o);
	pthread_rwlock_wrlock(&fs->tree_lock);
	was = o->outlives;
	o->outlives = false;
	pthread_rwlock_unlock(&fs->tree_lock);
	return was;
}

struct open_state *refused_forget(struct inode *i)
{
	struct open_state *o = i->open;

	if (!o || !o->outlives || i->lookups > 0)
		return NULL;
	o->outlives = false;
	return o;
}

void refused_end(struct fs *fs)
{
	struct open_state *o, *next;

	for (o = fs->opens; o; o = next) {
		next = o->next;
		if (!o->outlives)
			continue;
		o->outlives = false;
		open_put(fs, o);
	}
}
