/*
 * xattr.c - extended attributes: stored and told as they are, but for POSIX ACLs, which are one with the mode
 * (acl.h). Which namespaces a caller may use is the kernel's to decide.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <linux/xattr.h>

#include "acl.h"
#include "attr.h"
#include "commit.h"
#include "memory.h"

/* The names of one inode together (listxattr(2) cannot tell more). */
#define LIST_MAX 65536

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_acl(const char *name)
{
	return strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS) == 0 || strcmp(name, XATTR_NAME_POSIX_ACL_DEFAULT) == 0;
}

static int check_name(const char *name)
{
	static const char *const namespaces[] = {XATTR_USER_PREFIX, XATTR_TRUSTED_PREFIX, XATTR_SECURITY_PREFIX};
	size_t len = strlen(name);

	if (len == 0)
		return -EINVAL;
	if (len > FS_NAME_MAX)
		return -ERANGE;
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++)
		if (has_prefix(name, namespaces[i]))
			return len == strlen(namespaces[i]) ? -EINVAL : 0;
	return is_acl(name) ? 0 : -EOPNOTSUPP;
}

static size_t list_length(const struct inode *i, bool trusted)
{
	size_t len = 0;

	for (const struct xattr *x = i->xattrs; x; x = x->next)
		if (trusted || !has_prefix(x->bytes, XATTR_TRUSTED_PREFIX))
			len += x->name_len + 1u;
	return len;
}

/* --- changing ---------------------------------------------------------------------------------------------------- */

#define REMOVE (1 << 17)

struct new_xattr {
	const char *name;
	size_t name_len;
	const void *value;
	size_t size;
	int flags; /* of fs_setxattr(), or REMOVE */
	bool exists;
};

static int build_set(struct tx *tx, const struct inode *i, const struct new_xattr *n)
{
	if (!n->exists && list_length(i, true) + n->name_len + 1 > LIST_MAX)
		return -ENOSPC;
	body_xattr(&tx->body, i->ino, n->name, n->name_len, n->value, n->size);
	return 0;
}

static int build_unset(struct tx *tx, const struct inode *i, const struct new_xattr *n)
{
	if (n->exists)
		body_unxattr(&tx->body, i->ino, n->name, n->name_len);
	tx->removes = true;
	return 0;
}

static int build_plain(struct tx *tx, const struct inode *i, const struct new_xattr *n)
{
	if ((n->flags & XATTR_CREATE) && n->exists)
		return -EEXIST;
	if ((n->flags & XATTR_REPLACE) && !n->exists)
		return -ENODATA;
	return build_set(tx, i, n);
}

static int build_acl(struct tx *tx, const struct inode *i, const struct new_xattr *n, uint32_t *mode)
{
	bool access = strcmp(n->name, XATTR_NAME_POSIX_ACL_ACCESS) == 0, minimal = false;
	int r;

	if (S_ISLNK(i->mode))
		return -EOPNOTSUPP;
	if (!access && !S_ISDIR(i->mode))
		return -EACCES;
	if (acl_is_empty(n->value, n->size))
		return build_unset(tx, i, n);
	r = acl_check(n->value, n->size);
	if (r < 0)
		return r;
	if (access) {
		*mode = (*mode & ~(uint32_t)0777) | acl_mode(n->value, n->size, &minimal);
		if (n->flags & FS_XATTR_KILL_SETGID)
			*mode &= ~(uint32_t)S_ISGID;
	}
	return minimal ? build_unset(tx, i, n) : build_set(tx, i, n);
}

static int build(struct tx *tx, struct inode *i, struct new_xattr *n)
{
	struct fs_record_inode image = attr_image(i, false);
	struct timespec now = fs_now();
	int r;

	n->exists = tree_xattr(i, n->name, n->name_len) != NULL;
	if (n->flags & REMOVE)
		r = n->exists ? build_unset(tx, i, n) : -ENODATA;
	else
		r = is_acl(n->name) ? build_acl(tx, i, n, &image.mode) : build_plain(tx, i, n);
	image.ctime = record_time(&now);
	body_inode(&tx->body, &image);
	return r;
}

static int change(struct fs *fs, uint64_t ino, struct new_xattr *n)
{
	struct inode *i;
	struct tx tx;
	int r;

	n->name_len = strlen(n->name);
	r = check_name(n->name);
	if (r == 0)
		r = tx_begin(fs, &tx);
	if (r < 0)
		return r;
	i = tree_inode(&fs->tree, ino);
	r = i ? build(&tx, i, n) : -ENOENT;
	r = tx_finish(&tx, r, NULL);
	return r == -ENODATA && (n->flags & REMOVE) && is_acl(n->name) ? 0 : r;
}

int fs_setxattr(struct fs *fs, uint64_t ino, const char *name, const void *value, size_t size, int flags)
{
	if (size > FS_XATTR_SIZE_MAX)
		return -E2BIG;
	if (memory_grow(fs, size) < 0)
		return -ENOMEM;
	return change(fs, ino, &(struct new_xattr){.name = name, .value = value, .size = size, .flags = flags & ~REMOVE});
}

int fs_removexattr(struct fs *fs, uint64_t ino, const char *name)
{
	return change(fs, ino, &(struct new_xattr){.name = name, .flags = REMOVE});
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

ssize_t fs_getxattr(struct fs *fs, uint64_t ino, const char *name, void *buf, size_t size)
{
	struct xattr *x = NULL;
	struct inode *i;
	ssize_t r = check_name(name);

	if (r < 0)
		return r;
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

ssize_t fs_listxattr(struct fs *fs, uint64_t ino, bool trusted, char *buf, size_t size)
{
	struct inode *i;
	ssize_t r;

	pthread_rwlock_rdlock(&fs->tree_lock);
	i = tree_inode(&fs->tree, ino);
	r = i ? (ssize_t)list_length(i, trusted) : -ENOENT;
	if (r > 0 && size > 0 && size < (size_t)r) {
		r = -ERANGE;
	} else if (r > 0 && size > 0) {
		for (const struct xattr *x = i->xattrs; x; x = x->next) {
			if (!trusted && has_prefix(x->bytes, XATTR_TRUSTED_PREFIX))
				continue;
			memcpy(buf, x->bytes, x->name_len + 1u);
			buf += x->name_len + 1u;
		}
	}
	pthread_rwlock_unlock(&fs->tree_lock);
	return r;
}
