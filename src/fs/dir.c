/*
 * dir.c - reading directories. A cookie is a number that a name keeps while it exists, and a reading ends at the
 * newest cookie of its beginning (N1): so a walk goes on rightly, and ends, whatever is added or removed meanwhile. An open
 * directory holds a lookup count of its inode, which so outlives its removal.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "atime.h"
#include "attr.h"

/* What is cached of another state would be read from there on where the first call is not from the start (E4). */
static void begin_at_opening(struct fs_dir *d)
{
	struct directory *dir = d->inode->dir;

	d->end = dir->next_cookie - 1;
	if (!d->cached || dir->cached_at == 0 || dir->cached_at == dir->changes + 1)
		return;
	d->outdated = true;
	dir->cached_at = 0;
}

int fs_dir_open(struct fs *fs, uint64_t ino, struct fs_dir **ret)
{
	struct fs_dir *d = malloc(sizeof(*d));
	int r = 0;

	if (!d)
		return -ENOMEM;
	pthread_rwlock_wrlock(&fs->tree_lock);
	*d = (struct fs_dir){.fs = fs, .inode = tree_inode(&fs->tree, ino)};
	if (!d->inode)
		r = -ENOENT;
	else if (!S_ISDIR(d->inode->mode))
		r = -ENOTDIR;
	else
		r = tree_dir_open(d->inode, &d->cached);
	if (r == 0) {
		d->inode->lookups++;
		begin_at_opening(d);
	}
	pthread_rwlock_unlock(&fs->tree_lock);
	if (r < 0)
		free(d);
	else
		*ret = d;
	return r;
}

bool fs_dir_cached(const struct fs_dir *d)
{
	return d->cached;
}

bool fs_dir_outdated(struct fs_dir *d)
{
	return atomic_exchange(&d->outdated, false);
}

/* A reading begins. Of all that are open one at most is cached, so nobody else touches cached_at. */
static void begin(struct fs_dir *d)
{
	struct directory *dir = d->inode->dir;

	d->end = dir->next_cookie - 1;
	tree_dir_begin(d->inode);
	if (!d->cached)
		return;
	if (dir->cached_at != 0 && dir->cached_at != dir->changes + 1)
		d->outdated = true;
	dir->cached_at = dir->changes + 1;
}

static bool give_dots(struct inode *dir, uint64_t cookie, fs_readdir_fn fn, void *arg)
{
	struct fs_dirent e = {dir->ino, S_IFDIR, 1, "."};

	if (cookie < 1 && !fn(arg, &e))
		return false;
	e = (struct fs_dirent){tree_parent(dir)->ino, S_IFDIR, 2, ".."};
	return cookie >= 2 || fn(arg, &e);
}

int fs_dir_read(struct fs_dir *d, uint64_t cookie, fs_readdir_fn fn, void *arg)
{
	struct inode *dir = d->inode;

	if (cookie == UINT64_MAX)
		return 0;
	pthread_rwlock_rdlock(&d->fs->tree_lock);
	if (cookie == 0)
		begin(d);
	if (dir->nlink > 0 && give_dots(dir, cookie, fn, arg)) {
		uint64_t at = cookie < TREE_FIRST_COOKIE ? TREE_FIRST_COOKIE : cookie + 1, end = d->end;

		for (struct dirent *n; (n = table_first(&dir->dir->by_cookie, &at)) && at <= end; at++) {
			struct fs_dirent e = {n->child->ino, n->child->mode & S_IFMT, n->cookie, n->name};

			if (!fn(arg, &e))
				break;
		}
	}
	pthread_rwlock_unlock(&d->fs->tree_lock);
	return 0;
}

int fs_ref_locked(struct fs_dir *d, uint64_t ino, bool count, struct fs_attr *ret)
{
	struct inode *i = tree_inode(&d->fs->tree, ino);

	if (!i)
		return -ENOENT;
	if (count)
		i->lookups++;
	attr_fill(i, ret);
	return 0;
}

int fs_dir_fsync(struct fs_dir *d)
{
	int r = fs_is_read_only(d->fs) ? 0 : atime_commit_of(d->fs, d->inode);

	return r < 0 ? r : reel_sync(d->fs->store);
}

void fs_dir_close(struct fs_dir *d)
{
	pthread_rwlock_wrlock(&d->fs->tree_lock);
	tree_dir_close(d->inode, d->cached);
	pthread_rwlock_unlock(&d->fs->tree_lock);
	fs_forget(d->fs, d->inode->ino, 1);
	free(d);
}
