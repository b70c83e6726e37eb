/*
 * copy.c - copy_file_range(2): the destination gets extents that refer to the source's entries, in one
 * transaction. Relies on contents.c to commit both files first: what a transaction refers to is in the container when it
 * is written, and is named by a committed extent of the source, so that a replay finds it (invariant T1).
 * Copies no bytes.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "attr.h"
#include "commit.h"
#include "contents.h"
#include "memory.h"
#include "open.h"
#include "refused.h"

/* Below this a copy is made byte by byte: it costs little, and the file has an entry under its own path. */
#define SHARED_MIN 65536u

struct copy {
	struct fs *fs;
	struct open_state *from, *to;
	uint64_t start, target, len;
};

/* A hole from `at` up to the source's offset `end`, where the destination has none yet. */
static size_t list_hole(const struct copy *c, uint64_t at, uint64_t end, struct fs_record_extent *list)
{
	uint64_t target = c->target + (at - c->start);

	if (at == end || !extents_any(&c->to->inode->extents, target, target + (end - at)))
		return 0;
	*list = (struct fs_record_extent){target, end - at, FS_NO_POSITION, 0};
	return 1;
}

/* The destination's extents in the order of the source's; `list` has room for two for each of these and one more. */
static size_t list_extents(const struct copy *c, struct fs_record_extent *list)
{
	const struct extents *e = &c->from->inode->extents;
	uint64_t at = c->start, end = c->start + c->len;
	size_t n = 0;

	for (uint32_t i = extents_find(e, at); i < e->n && e->at[i].offset < end; i++) {
		const struct extent *x = &e->at[i];
		uint64_t from = x->offset > at ? x->offset : at;
		uint64_t to = x->offset + x->len < end ? x->offset + x->len : end;

		n += list_hole(c, at, from, list + n);
		list[n++] = (struct fs_record_extent){c->target + (from - c->start), to - from, x->data->position,
						      x->data_offset + (from - x->offset)};
		at = to;
	}
	return n + list_hole(c, at, end, list + n);
}

static int build(struct copy *c, struct tx *tx)
{
	struct inode *from = c->from->inode, *to = c->to->inode;
	struct timespec now = fs_now();
	struct fs_record_inode image;
	struct fs_record_extent *list;
	size_t n;

	/* Their keys are dead: a copy would keep no other program from dropping the bytes. Or none would keep the copy. */
	if (from->nlink == 0 || to->nlink == 0)
		return -EOPNOTSUPP;
	list = calloc(2 * (size_t)from->extents.n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	image = attr_image(to, true);
	if (c->target + c->len > image.size)
		image.size = c->target + c->len;
	image.mtime = image.ctime = record_time(&now);
	body_inode(&tx->body, &image);
	n = list_extents(c, list);
	if (n > 0)
		body_extents(&tx->body, to->ino, 0, list, (uint32_t)n);
	free(list);
	return 0;
}

/* open_state.io of both held for writing. */
static int copy(struct copy *c, bool past_end, unsigned kill)
{
	uint64_t size = open_size(c->from);
	struct tx tx;
	int r;

	if (!past_end && c->start >= size)
		c->len = 0;
	else if (!past_end && c->len > size - c->start)
		c->len = size - c->start;
	if (c->len == 0)
		return 0;
	if (c->len < SHARED_MIN || !open_has_name(c->fs, c->from) || !open_has_name(c->fs, c->to))
		return -EOPNOTSUPP;
	r = refused_before(c->to, c->target, c->target + c->len);
	if (r == 0 && c->from->inode->extents.n > MEMORY_PIECES_FREE)
		r = memory_grow(c->fs, c->from->inode->extents.n * sizeof(struct fs_record_extent));
	if (r == 0)
		r = attr_kill_priv(c->fs, c->to->inode, kill);
	if (r == 0)
		r = contents_commit(c->fs, c->from, NULL);
	if (r == 0 && c->to != c->from)
		r = contents_commit(c->fs, c->to, NULL);
	if (r == 0)
		r = tx_begin(c->fs, &tx);
	if (r == 0)
		r = tx_finish(&tx, build(c, &tx), NULL);
	if (r == 0)
		refused_stored(c->to, c->target, c->target + c->len);
	return r;
}

static void lock_both(struct open_state *a, struct open_state *b)
{
	pthread_rwlock_wrlock(a < b ? &a->io : &b->io);
	if (a != b)
		pthread_rwlock_wrlock(a < b ? &b->io : &a->io);
}

int fs_file_copy(struct fs_file *from, uint64_t start, struct fs_file *to, uint64_t target, uint64_t len, bool past_end,
		 unsigned kill, uint64_t *copied)
{
	struct copy c = {from->fs, from->open, to->open, start, target, len};
	int r;

	if (!to->writable)
		return -EBADF;
	if (start > INT64_MAX || len > INT64_MAX - start || target > INT64_MAX || len > INT64_MAX - target)
		return -EFBIG;
	if (c.from == c.to && (start < target ? target - start : start - target) < len)
		return -EINVAL;
	if (fs_is_read_only(c.fs))
		return -EROFS;
	lock_both(c.from, c.to);
	r = copy(&c, past_end, kill);
	if (c.to != c.from)
		pthread_rwlock_unlock(&c.to->io);
	pthread_rwlock_unlock(&c.from->io);
	*copied = c.len;
	return r;
}
