/*
 * attributes.c - see attributes.h.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <linux/xattr.h>

#include "attributes.h"

/* As in Linux: the names of one file together (listxattr(2)). */
#define NAMES_SIZE 65536

struct attributes attributes_of(const struct fs_attr *attr)
{
	return (struct attributes){
	    .mode = attr->mode,
	    .uid = attr->uid,
	    .gid = attr->gid,
	    .rdev = attr->rdev,
	    .atime = attr->atime,
	    .mtime = attr->mtime,
	};
}

int attributes_put(const struct container *c, uint64_t ino, const struct attributes *a)
{
	struct fs_setattr set = {
	    .set = FS_SET_UID | FS_SET_GID | FS_SET_ATIME | FS_SET_MTIME,
	    .mode = a->mode & 07777,
	    .uid = a->uid,
	    .gid = a->gid,
	    .atime = a->atime,
	    .mtime = a->mtime,
	};
	struct fs_attr attr;

	if (!S_ISLNK(a->mode))
		set.set |= FS_SET_MODE;
	return fs_setattr(c->fs, ino, &set, &attr);
}

int attributes_make(const struct container *c, const struct place *at, const struct attributes *a, const char *target,
		    uint64_t *ino)
{
	struct fs_cred cred = {.uid = a->uid, .gid = a->gid};
	struct fs_attr attr;
	int r;

	if (S_ISLNK(a->mode))
		r = fs_symlink(c->fs, at->parent, at->name, target, &cred, &attr);
	else if (S_ISDIR(a->mode))
		r = fs_mkdir(c->fs, at->parent, at->name, a->mode, &cred, &attr);
	else
		r = fs_mknod(c->fs, at->parent, at->name, a->mode, a->rdev, &cred, &attr);
	if (r < 0)
		return r;
	fs_forget(c->fs, attr.ino, 1);
	*ino = attr.ino;
	return 0;
}

/* What the file has inherited from its new directory, and its original has not. */
static int drop_acls(const struct container *c, uint64_t ino, const struct xattr_source *from)
{
	static const char *const acls[] = {XATTR_NAME_POSIX_ACL_ACCESS, XATTR_NAME_POSIX_ACL_DEFAULT};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(acls) / sizeof(*acls); i++) {
		if (fs_getxattr(c->fs, ino, acls[i], NULL, 0) >= 0 && from->get(from->arg, acls[i], NULL, 0) < 0)
			r = fs_removexattr(c->fs, ino, acls[i]);
	}
	return r;
}

int attributes_put_xattrs(const struct container *c, uint64_t ino, const struct xattr_source *from,
			  char failed[FS_NAME_MAX + 1])
{
	ssize_t names_len = from->list(from->arg, NULL, 0), len;
	char *names = NULL, *value = NULL;
	int first = drop_acls(c, ino, from), r;

	failed[0] = '\0';
	if (first < 0 || names_len == 0 || names_len == -EOPNOTSUPP)
		return first;
	if (names_len < 0)
		return (int)names_len;
	names = malloc(NAMES_SIZE);
	value = malloc(FS_XATTR_SIZE_MAX);
	if (names == NULL || value == NULL) {
		first = -ENOMEM;
		goto out;
	}
	names_len = from->list(from->arg, names, NAMES_SIZE);
	if (names_len < 0)
		first = (int)names_len;
	for (const char *name = names; names_len > 0; names_len -= (ssize_t)strlen(name) + 1, name += strlen(name) + 1) {
		len = from->get(from->arg, name, value, FS_XATTR_SIZE_MAX);
		r = len < 0 ? (int)len : fs_setxattr(c->fs, ino, name, value, (size_t)len, 0);
		if (r < 0 && first == 0) {
			first = r;
			snprintf(failed, FS_NAME_MAX + 1, "%s", name);
		}
	}
out:
	free(names);
	free(value);
	return first;
}

static ssize_t list_inode(void *arg, char *buf, size_t size)
{
	const struct xattr_inode *in = arg;

	return fs_listxattr(in->fs, in->ino, true, buf, size);
}

static ssize_t get_inode(void *arg, const char *name, void *buf, size_t size)
{
	const struct xattr_inode *in = arg;

	return fs_getxattr(in->fs, in->ino, name, buf, size);
}

struct xattr_source xattrs_of_inode(struct xattr_inode *in)
{
	return (struct xattr_source){list_inode, get_inode, in};
}
