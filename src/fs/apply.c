/*
 * apply.c - see apply.h. The records may come from a hostile container: every number in them is
 * checked before use. Does no I/O and no logging.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "atime_pack.h"
#include "memory.h"
#include "record.h"
#include "fs.h"

#define LOOK_AFTER ((uint64_t)256 << 10)

static bool time_in(const struct fs_time *t, struct timespec *ret)
{
	ret->tv_sec = t->sec;
	ret->tv_nsec = t->nsec;
	return t->nsec < 1000000000;
}

/* The sums over the tree hold the inodes that have names: take one out before a change, put it in after. */
static void count(struct tree *t, const struct inode *i, int sign)
{
	if (i->nlink == 0)
		return;
	t->files += (uint64_t)(int64_t)sign;
	if (S_ISDIR(i->mode))
		t->directories += (uint64_t)(int64_t)sign;
	if (!S_ISREG(i->mode))
		return;
	t->regular += (uint64_t)(int64_t)sign;
	t->bytes += (uint64_t)(int64_t)sign * i->size;
}

static int apply_state(struct tree *t, const struct fs_record_state *r)
{
	if (r->next_ino > t->next_ino)
		t->next_ino = r->next_ino;
	return 0;
}

static bool known_type(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFIFO:
	case S_IFSOCK:
	case S_IFCHR:
	case S_IFBLK:
		return (mode & ~(uint32_t)S_IFMT) <= 07777;
	default:
		return false;
	}
}

static int apply_inode(struct tree *t, const struct fs_record_inode *r)
{
	struct inode *i = tree_inode(t, r->ino);
	struct timespec atime, mtime, ctime, btime;
	int err;

	if (!known_type(r->mode) || r->size > INT64_MAX || !time_in(&r->atime, &atime) || !time_in(&r->mtime, &mtime) ||
	    !time_in(&r->ctime, &ctime) || !time_in(&r->btime, &btime))
		return -EBADMSG;
	if (!i) {
		err = tree_inode_new(t, r->ino, r->mode, &i);
		if (err < 0)
			return err == -EEXIST ? -EBADMSG : err;
	}
	if ((i->mode & S_IFMT) != (r->mode & S_IFMT))
		return -EBADMSG;
	if (r->size < i->size) {
		err = extents_remove(t, &i->extents, r->size, UINT64_MAX);
		if (err < 0)
			return err;
	}
	count(t, i, -1);
	if (r->nlink == 0 && i->nlink > 0)
		i->removed = true;
	extents_set_named(t, &i->extents, r->nlink > 0);
	/* Readers of the file look at its size under open_state.io alone: it is written by those only who change it. */
	if (i->size != r->size)
		i->size = r->size;
	i->mode = r->mode;
	i->nlink = r->nlink;
	i->uid = r->uid;
	i->gid = r->gid;
	i->rdev = r->rdev;
	i->atime = atime;
	i->mtime = mtime;
	i->ctime = ctime;
	i->btime = btime;
	number_set_del(&t->atimes, i->ino);
	atomic_store_explicit(&i->atime_due, 0, memory_order_relaxed);
	count(t, i, 1);
	return 0;
}

static struct inode *inode_of_type(const struct tree *t, uint64_t ino, uint32_t type)
{
	struct inode *i = tree_inode(t, ino);

	return i && (i->mode & S_IFMT) == type ? i : NULL;
}

static int apply_touch(struct tree *t, const struct fs_record_touch *r)
{
	struct inode *i = inode_of_type(t, r->ino, S_IFDIR);
	struct timespec time;

	if (!i || !time_in(&r->time, &time) || (r->nlink == 0) != (i->nlink == 0))
		return -EBADMSG;
	i->nlink = r->nlink;
	i->mtime = i->ctime = time;
	atomic_store_explicit(&i->atime_due, 0, memory_order_relaxed);
	return 0;
}

static int apply_symlink(struct tree *t, const struct fs_record_symlink *r, const struct record *rec)
{
	struct inode *i = inode_of_type(t, r->ino, S_IFLNK);
	char *target;

	if (!i || rec->rest_len == 0 || rec->rest_len > FS_SYMLINK_MAX || memchr(rec->rest, 0, rec->rest_len))
		return -EBADMSG;
	target = strndup((const char *)rec->rest, rec->rest_len);
	if (!target)
		return -ENOMEM;
	free(i->target);
	i->target = target;
	return 0;
}

static int apply_dirent(struct tree *t, const struct fs_record_dirent *r, const struct record *rec)
{
	struct inode *dir = inode_of_type(t, r->parent, S_IFDIR), *child = tree_inode(t, r->ino);

	if (!dir || !child || r->ino == FS_ROOT_INO || !tree_name_sound((const char *)rec->rest, rec->rest_len))
		return -EBADMSG;
	return tree_dirent_set(t, dir, (const char *)rec->rest, rec->rest_len, child, r->cookie);
}

static int apply_undirent(struct tree *t, const struct fs_record_undirent *r, const struct record *rec)
{
	struct inode *dir = inode_of_type(t, r->parent, S_IFDIR);
	struct dirent *d = dir ? tree_dirent(t, dir, (const char *)rec->rest, rec->rest_len) : NULL;

	if (!dir)
		return -EBADMSG;
	if (d)
		tree_dirent_remove(t, d);
	return 0;
}

static int apply_xattr(struct tree *t, const struct fs_record_xattr *r, const struct record *rec, bool set)
{
	struct inode *i = tree_inode(t, r->ino);
	const char *name = (const char *)rec->rest;

	if (!i || r->name_len == 0 || r->name_len > FS_NAME_MAX || r->name_len > rec->rest_len || memchr(name, 0, r->name_len))
		return -EBADMSG;
	if (!set) {
		tree_xattr_remove(i, name, r->name_len);
		return 0;
	}
	if (r->value_len > FS_XATTR_SIZE_MAX || r->value_len != rec->rest_len - r->name_len)
		return -EBADMSG;
	return tree_xattr_set(i, name, r->name_len, rec->rest + r->name_len, r->value_len);
}

static int apply_data(struct tree *t, const struct fs_record_data *r, const struct record *rec, uint64_t limit)
{
	uint64_t blocks = r->len / FS_BLOCK + (r->len % FS_BLOCK != 0);
	struct data *d;

	if (r->len == 0 || r->position > limit || r->len > limit - r->position)
		return -EBADMSG;
	if (r->sums != 0 && (r->sums != blocks || r->len <= FS_BLOCK))
		return -EBADMSG;
	if (rec->rest_len != (uint64_t)r->sums * sizeof(uint32_t))
		return -EBADMSG;
	return data_make(&t->data, r, (const uint32_t *)rec->rest, &d);
}

static int put_extent(struct tree *t, struct extents *e, const struct inode *i, const struct fs_record_extent *r)
{
	struct data *d;

	if (r->len == 0 || r->offset > i->size || r->len > i->size - r->offset)
		return -EBADMSG;
	if (r->position == FS_NO_POSITION)
		return r->data_offset ? -EBADMSG : extents_remove(t, e, r->offset, r->offset + r->len);
	d = table_get(&t->data.by_position, r->position);
	if (!d || r->data_offset > d->len || r->len > d->len - r->data_offset)
		return -EBADMSG;
	if (d->refs == 0)
		d->first_ino = i->ino;
	d->shared = d->shared || d->first_ino != i->ino;
	return extents_put(t, e, &(struct extent){r->offset, r->len, d, r->data_offset});
}

static int apply_extents(struct tree *t, const struct fs_record_extents *r, const struct record *rec)
{
	const struct fs_record_extent *x = (const struct fs_record_extent *)rec->rest;
	struct inode *i = inode_of_type(t, r->ino, S_IFREG);
	struct extents fresh = {.named = i && i->extents.named}, old;
	int err = 0;

	if (!i || rec->rest_len != (uint64_t)r->count * sizeof(*x))
		return -EBADMSG;
	if (!(r->flags & FS_EXTENTS_REPLACE)) {
		for (uint32_t n = 0; n < r->count && err == 0; n++)
			err = put_extent(t, &i->extents, i, &x[n]);
		return err;
	}
	/* The new list first: what both lists use must not end in between. */
	for (uint32_t n = 0; n < r->count && err == 0; n++)
		err = put_extent(t, &fresh, i, &x[n]);
	if (err < 0) {
		extents_clear(t, &fresh);
		return err;
	}
	old = i->extents;
	i->extents = fresh;
	extents_clear(t, &old);
	return 0;
}

static int apply_atimes(struct tree *t, const struct fs_record_atimes *r, const struct record *rec)
{
	struct atime_unpack u;
	int more = atime_unpack_begin(&u, r, rec->rest, rec->rest_len);

	if (more < 0)
		return more;
	while ((more = atime_unpack_next(&u)) > 0) {
		struct inode *i = tree_inode(t, u.ino);

		if (!i)
			return -EBADMSG;
		/* One that has been read again since is ahead of this record. */
		if (!number_set_has(&t->atimes, u.ino))
			i->atime = u.time;
	}
	return more;
}

int apply_record(struct tree *t, const struct record *rec, uint64_t limit)
{
	switch (rec->type) {
	case FS_RECORD_STATE:
		return apply_state(t, rec->fixed);
	case FS_RECORD_INODE:
		return apply_inode(t, rec->fixed);
	case FS_RECORD_TOUCH:
		return apply_touch(t, rec->fixed);
	case FS_RECORD_SYMLINK:
		return apply_symlink(t, rec->fixed, rec);
	case FS_RECORD_DIRENT:
		return apply_dirent(t, rec->fixed, rec);
	case FS_RECORD_UNDIRENT:
		return apply_undirent(t, rec->fixed, rec);
	case FS_RECORD_XATTR:
		return apply_xattr(t, rec->fixed, rec, true);
	case FS_RECORD_UNXATTR:
		return apply_xattr(t, rec->fixed, rec, false);
	case FS_RECORD_DATA:
		return apply_data(t, rec->fixed, rec, limit);
	case FS_RECORD_EXTENTS:
		return apply_extents(t, rec->fixed, rec);
	case FS_RECORD_ATIMES:
		return apply_atimes(t, rec->fixed, rec);
	default:
		return -EBADMSG;
	}
}

/* While a tree is loaded that may be too large for the memory that there is: better than to be killed for it. */
static bool fits(struct tree *t, size_t len)
{
	t->applied += len;
	if (t->most == 0 || t->applied < LOOK_AFTER)
		return true;
	t->applied = 0;
	return memory_in_use() <= t->most;
}

int apply_body(struct tree *t, const uint8_t *body, size_t len, uint64_t limit, size_t *bad)
{
	struct record rec;
	size_t at = 0;
	int r;

	for (;;) {
		*bad = at;
		r = record_next(body, len, &at, &rec);
		if (r <= 0)
			return r;
		if (!fits(t, at - *bad))
			return -ENOMEM;
		r = apply_record(t, &rec, limit);
		if (r < 0)
			return r;
	}
}

/* --- the end of a replay ---------------------------------------------------------------------------- */

static uint64_t names_of(const struct inode *i)
{
	uint64_t n = 0;

	for (const struct dirent *d = i->names; d; d = d->next_name)
		n++;
	return n;
}

int apply_drop_unnamed(struct tree *t, uint64_t *bad)
{
	*bad = 0;
	for (struct inode *i; (i = table_first(&t->inodes, bad)); (*bad)++) {
		if (i->nlink != 0)
			continue;
		if (i->names || (S_ISDIR(i->mode) && !tree_dir_empty(i)))
			return -EBADMSG;
		tree_inode_free(t, i);
	}
	return 0;
}

static int check_inode(const struct inode *i, uint64_t *subdirs)
{
	uint64_t cookie = 0;

	if (!S_ISDIR(i->mode))
		return names_of(i) == i->nlink && (!S_ISLNK(i->mode) || i->target) ? 0 : -EBADMSG;
	*subdirs = 0;
	for (struct dirent *d; (d = table_first(&i->dir->by_cookie, &cookie)); cookie++)
		*subdirs += S_ISDIR(d->child->mode);
	if (i->nlink != 2 + *subdirs || i->dir->next_cookie > TREE_NUMBER_MAX)
		return -EBADMSG;
	return names_of(i) == (i->ino != FS_ROOT_INO) ? 0 : -EBADMSG;
}

/* Every directory has one name, so a walk from the root meets each at most once, and a circle is never met. */
static uint64_t count_reached(struct tree *t, struct inode **stack)
{
	uint64_t reached = 0, depth = 0;

	stack[depth++] = tree_inode(t, FS_ROOT_INO);
	while (depth > 0) {
		struct inode *dir = stack[--depth];
		uint64_t cookie = 0;

		reached++;
		for (struct dirent *d; (d = table_first(&dir->dir->by_cookie, &cookie)); cookie++)
			if (S_ISDIR(d->child->mode))
				stack[depth++] = d->child;
	}
	return reached;
}

int apply_finish(struct tree *t, uint64_t *bad)
{
	struct inode *root = inode_of_type(t, FS_ROOT_INO, S_IFDIR), **stack;
	uint64_t directories = 0, reached;
	int r;

	*bad = FS_ROOT_INO;
	if (!root || root->nlink == 0 || t->next_ino > TREE_NUMBER_MAX)
		return -EBADMSG;
	r = apply_drop_unnamed(t, bad);
	if (r < 0)
		return r;
	*bad = 0;
	for (struct inode *i; (i = table_first(&t->inodes, bad)); (*bad)++) {
		uint64_t subdirs;

		r = check_inode(i, &subdirs);
		if (r < 0)
			return r;
		directories += S_ISDIR(i->mode);
	}
	*bad = FS_ROOT_INO;
	stack = malloc(directories * sizeof(*stack));
	if (!stack)
		return -ENOMEM;
	reached = count_reached(t, stack);
	free(stack);
	return reached == directories ? 0 : -EBADMSG;
}
