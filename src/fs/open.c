/*
 * open.c - see open.h. Changes no committed state.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "attr.h"
#include "open.h"
#include "room.h"

int open_get(struct fs *fs, struct inode *i, struct open_state **ret)
{
	struct open_state *o = i->open;

	if (!o) {
		o = calloc(1, sizeof(*o));
		if (!o)
			return -ENOMEM;
		o->inode = i;
		pthread_rwlock_init(&o->io, NULL);
		pthread_mutex_init(&o->attr, NULL);
		i->open = o;
		pthread_mutex_lock(&fs->open_lock);
		DL_APPEND(fs->opens, o);
		pthread_mutex_unlock(&fs->open_lock);
	}
	o->users++;
	*ret = o;
	return 0;
}

void open_put(struct fs *fs, struct open_state *o)
{
	struct inode *i = o->inode;

	pthread_rwlock_wrlock(&fs->tree_lock);
	if (--o->users > 0) {
		pthread_rwlock_unlock(&fs->tree_lock);
		return;
	}
	pthread_mutex_lock(&fs->open_lock);
	DL_DELETE(fs->opens, o);
	pthread_mutex_unlock(&fs->open_lock);
	extents_clear(&fs->tree, &o->base);
	ranges_clear(&o->punched);
	i->open = NULL;
	if (o->failing)
		atomic_fetch_sub(&fs->failing, 1);
	tree_inode_settle(&fs->tree, i);
	pthread_rwlock_unlock(&fs->tree_lock);
	wbuf_free(o->wbuf);
	o->wbuf = NULL;
	room_settle(fs, o);
	pthread_rwlock_destroy(&o->io);
	pthread_mutex_destroy(&o->attr);
	free(o);
}

int open_hold(struct fs *fs, uint64_t ino, struct open_state **ret)
{
	struct inode *i;
	int r;

	pthread_rwlock_wrlock(&fs->tree_lock);
	i = tree_inode(&fs->tree, ino);
	if (!i)
		r = -ENOENT;
	else if (S_ISDIR(i->mode))
		r = -EISDIR;
	else if (!S_ISREG(i->mode))
		r = -EINVAL;
	else
		r = open_get(fs, i, ret);
	pthread_rwlock_unlock(&fs->tree_lock);
	return r;
}

uint64_t open_size(const struct open_state *o)
{
	return o->changed ? o->size : o->inode->size;
}

const struct extents *open_base(const struct open_state *o)
{
	return o->cut ? &o->base : &o->inode->extents;
}

bool open_next_data(const struct open_state *o, uint64_t offset, uint64_t *start, uint64_t *end)
{
	const struct extents *e = open_base(o);
	const uint32_t i = extents_find(e, offset);
	const struct extent *x = i < e->n ? &e->at[i] : NULL;
	bool dirty = o->wbuf && wbuf_next(o->wbuf, offset, start, end);

	if (!x || (dirty && *start <= x->offset))
		return dirty;
	if (dirty && *start <= offset)
		return true;
	*start = x->offset > offset ? x->offset : offset;
	*end = x->offset + x->len;
	return true;
}

uint64_t open_data_bytes(const struct open_state *o, uint64_t start, uint64_t end)
{
	uint64_t bytes = 0, from, to;

	while (start < end && open_next_data(o, start, &from, &to) && from < end) {
		start = to < end ? to : end;
		bytes += start - from;
	}
	return bytes;
}

bool open_has_name(struct fs *fs, struct open_state *o)
{
	bool has;

	pthread_rwlock_rdlock(&fs->tree_lock);
	has = o->inode->nlink > 0;
	pthread_rwlock_unlock(&fs->tree_lock);
	return has;
}

bool open_has_writers(struct fs *fs, struct open_state *o)
{
	bool has;

	pthread_rwlock_rdlock(&fs->tree_lock);
	has = o->writers > 0;
	pthread_rwlock_unlock(&fs->tree_lock);
	return has;
}

void open_handing(struct fs *fs)
{
	pthread_rwlock_rdlock(&fs->tree_lock);
	for (struct open_state *o = fs->opens; o; o = o->next) {
		pthread_mutex_lock(&o->attr);
		o->handing = o->changed ? o->size : 0;
		pthread_mutex_unlock(&o->attr);
	}
	pthread_rwlock_unlock(&fs->tree_lock);
}

void open_handed(struct open_state *o)
{
	pthread_mutex_lock(&o->attr);
	if (o->changed && o->complete < o->handing)
		o->complete = o->handing;
	pthread_mutex_unlock(&o->attr);
}

bool open_any_writers(struct fs *fs)
{
	bool any = false;

	pthread_rwlock_rdlock(&fs->tree_lock);
	for (const struct open_state *o = fs->opens; o && !any; o = o->next)
		any = o->writers > 0;
	pthread_rwlock_unlock(&fs->tree_lock);
	return any;
}

/* From here on what descriptors see is in the open state. Tree lock and attr held, and io for writing. */
static void begin_change(struct open_state *o)
{
	if (o->changed)
		return;
	o->handing = 0;
	o->size = o->lowest = o->complete = o->asked = o->inode->size;
	o->allocated = o->inode->extents.bytes;
	o->atime = o->inode->atime;
	o->mtime = o->inode->mtime;
	o->ctime = o->inode->ctime;
	o->changed = true;
}

static void set_size(struct open_state *o, uint64_t size)
{
	o->size = size;
	if (o->lowest > size)
		o->lowest = size;
	if (o->complete > size)
		o->complete = size;
	if (o->asked > size)
		o->asked = size;
	if (o->handing > size)
		o->handing = size;
}

void open_change(struct fs *fs, struct open_state *o, const uint64_t *size, uint64_t filled, const struct timespec *now)
{
	pthread_rwlock_rdlock(&fs->tree_lock);
	pthread_mutex_lock(&o->attr);
	begin_change(o);
	if (size)
		set_size(o, *size);
	if (!fs->caller_stamps)
		o->mtime = o->ctime = *now;
	o->allocated += filled;
	atomic_store_explicit(&o->inode->atime_due, 0, memory_order_relaxed);
	pthread_mutex_unlock(&o->attr);
	pthread_rwlock_unlock(&fs->tree_lock);
}

void open_change_times(struct fs *fs, struct open_state *o, const struct timespec *atime, const struct timespec *mtime,
		       const struct timespec *ctime)
{
	pthread_rwlock_rdlock(&fs->tree_lock);
	pthread_mutex_lock(&o->attr);
	begin_change(o);
	if (atime)
		o->atime = *atime;
	if (mtime)
		o->mtime = *mtime;
	if (ctime)
		o->ctime = *ctime;
	atomic_store_explicit(&o->inode->atime_due, 0, memory_order_relaxed);
	pthread_mutex_unlock(&o->attr);
	pthread_rwlock_unlock(&fs->tree_lock);
}

/* The tree lock and attr held for writing, and what cannot be undone not yet done: nothing fails half way. */
static int cut_base(struct fs *fs, struct open_state *o, uint64_t start, uint64_t end)
{
	uint64_t last;
	int r;

	if (!extents_any(open_base(o), start, end))
		return 0;
	r = ranges_prepare(&o->punched);
	if (r == 0 && !o->cut) {
		r = extents_copy(&o->inode->extents, &o->base);
		o->cut = r == 0;
	}
	if (r < 0)
		return r;
	last = o->base.at[o->base.n - 1].offset + o->base.at[o->base.n - 1].len;
	r = extents_remove(&fs->tree, &o->base, start, end);
	return r < 0 ? r : ranges_add(&o->punched, start, end < last ? end : last);
}

int open_punch(struct fs *fs, struct open_state *o, uint64_t start, uint64_t end)
{
	uint64_t gone = open_data_bytes(o, start, end);
	int r = o->wbuf && end < UINT64_MAX ? wbuf_prepare(o->wbuf) : 0;

	if (r < 0)
		return r;
	pthread_rwlock_wrlock(&fs->tree_lock);
	pthread_mutex_lock(&o->attr);
	begin_change(o);
	r = cut_base(fs, o, start, end);
	if (r == 0)
		o->allocated -= gone;
	pthread_mutex_unlock(&o->attr);
	pthread_rwlock_unlock(&fs->tree_lock);
	/* Last, and without fail: what is in the buffer is nowhere else. */
	if (r == 0 && o->wbuf)
		(void)(end == UINT64_MAX ? wbuf_truncate(o->wbuf, start) : wbuf_punch(o->wbuf, start, end - start));
	room_settle(fs, o);
	return r;
}

void open_set_failing(struct fs *fs, struct open_state *o, bool failing)
{
	if (failing == o->failing)
		return;
	o->failing = failing;
	if (failing)
		atomic_fetch_add(&fs->failing, 1);
	else
		atomic_fetch_sub(&fs->failing, 1);
}

void open_revert(struct fs *fs, struct open_state *o)
{
	if (o->wbuf)
		wbuf_clear(o->wbuf);
	pthread_rwlock_wrlock(&fs->tree_lock);
	attr_committed(fs, o, false);
	pthread_rwlock_unlock(&fs->tree_lock);
	room_settle(fs, o);
}
