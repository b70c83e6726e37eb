/*
 * xattr.c - extended attributes: stored and told as they are. Which namespaces a caller may use is the
 * kernel's to decide.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "attr.h"
#include "commit.h"

/* The names of one inode together (listxattr(2) cannot tell more). */
#define LIST_MAX 65536

static int check_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0)
		return -EINVAL;
	return len > FS_NAME_MAX ? -ERANGE : 0;
}

static void record_ctime(struct tx *tx, struct inode *i)
{
	struct fs_record_inode image = attr_image(i, false);
	struct timespec now = fs_now();

	image.ctime = record_time(&now);
	body_inode(&tx->body, &image);
}

static size_t list_length(const struct inode *i)
{
	size_t len = 0;

	for (const struct xattr *x = i->xattrs; x; x = x->next)
		len += x->name_len + 1u;
	return len;
}

int fs_setxattr(struct fs *fs, uint64_t ino, const char *name, const void *value, size_t size, int flags)
{
	size_t len = strlen(name);
	struct inode *i;
	bool exists;
	struct tx tx;
	int r;

	r = check_name(name);
	if (r < 0)
		return r;
	if (size > FS_XATTR_SIZE_MAX)
		return -E2BIG;
	r = tx_begin(fs, &tx);
	if (r < 0)
		return r;
	i = tree_inode(&fs->tree, ino);
	exists = i && tree_xattr(i, name, len);
	if (!i)
		r = -ENOENT;
	else if ((flags & XATTR_CREATE) && exists)
		r = -EEXIST;
	else if ((flags & XATTR_REPLACE) && !exists)
		r = -ENODATA;
	else if (!exists && list_length(i) + len + 1 > LIST_MAX)
		r = -ENOSPC;
	if (r < 0) {
		tx_abort(&tx);
		return r;
	}
	body_xattr(&tx.body, ino, name, len, value, size);
	record_ctime(&tx, i);
	return tx_commit(&tx, NULL);
}

int fs_removexattr(struct fs *fs, uint64_t ino, const char *name)
{
	size_t len = strlen(name);
	struct inode *i;
	struct tx tx;
	int r;

	r = check_name(name);
	if (r == 0)
		r = tx_begin(fs, &tx);
	if (r < 0)
		return r;
	i = tree_inode(&fs->tree, ino);
	if (!i || !tree_xattr(i, name, len)) {
		tx_abort(&tx);
		return i ? -ENODATA : -ENOENT;
	}
	body_unxattr(&tx.body, ino, name, len);
	record_ctime(&tx, i);
	return tx_commit(&tx, NULL);
}

ssize_t fs_getxattr(struct fs *fs, uint64_t ino, const char *name, void *buf, size_t size)
{
	struct xattr *x = NULL;
	struct inode *i;
	ssize_t r;

	pthread_rwlock_rdlock(&fs->tree_lock);
	i = tree_inode(&fs->tree, ino);
	if (i)
		x = tree_xattr(i, name, strlen(name));
	if (!x) {
		r = i ? -ENODATA : -ENOENT;
	} else {
		r = (ssize_t)x->value_len;
		if (size > 0 && size < x->value_len)
			r = -ERANGE;
		else if (size > 0)
			memcpy(buf, x->bytes + x->name_len + 1, x->value_len);
	}
	pthread_rwlock_unlock(&fs->tree_lock);
	return r;
}

ssize_t fs_listxattr(struct fs *fs, uint64_t ino, char *buf, size_t size)
{
	struct inode *i;
	ssize_t r;

	pthread_rwlock_rdlock(&fs->tree_lock);
	i = tree_inode(&fs->tree, ino);
	r = i ? (ssize_t)list_length(i) : -ENOENT;
	if (r > 0 && size > 0 && size < (size_t)r) {
		r = -ERANGE;
	} else if (r > 0 && size > 0) {
		for (const struct xattr *x = i->xattrs; x; x = x->next) {
			memcpy(buf, x->bytes, x->name_len + 1u);
			buf += x->name_len + 1u;
		}
	}
	pthread_rwlock_unlock(&fs->tree_lock);
	return r;
}
