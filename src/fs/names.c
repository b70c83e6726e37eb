/*
 * names.c - looking names up, making and removing them. Each change is one transaction (commit.h).
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/xattr.h>

#include "acl.h"
#include "atime.h"
#include "attr.h"
#include "contents.h"
#include "memory.h"
#include "names.h"
#include "open.h"
#include "refused.h"

int names_dir(const struct fs *fs, uint64_t ino, struct inode **ret)
{
	struct inode *i = tree_inode(&fs->tree, ino);

	if (!i || i->nlink == 0)
		return -ENOENT;
	if (!S_ISDIR(i->mode))
		return -ENOTDIR;
	*ret = i;
	return 0;
}

int names_find(const struct fs *fs, const struct inode *dir, const char *name, struct dirent **ret)
{
	size_t len = strlen(name);

	if (len > FS_NAME_MAX)
		return -ENAMETOOLONG;
	/* A record with such a name would make the container unreadable. */
	if (!tree_name_sound(name, len))
		return -EINVAL;
	*ret = tree_dirent(&fs->tree, dir, name, len);
	return *ret ? 0 : -ENOENT;
}

void names_touch(struct tx *tx, const struct inode *dir, int nlink_change, const struct timespec *now)
{
	body_touch(&tx->body, dir->ino, dir->nlink + (uint32_t)nlink_change, now);
}

void names_drop(struct tx *tx, struct inode *i, const struct timespec *now)
{
	struct fs_record_inode image = attr_image(i, false);

	image.nlink = S_ISDIR(i->mode) ? 0 : image.nlink - 1;
	image.ctime = record_time(now);
	body_inode(&tx->body, &image);
}

/* --- the kernel's references ------------------------------------------------------------------------------ */

static struct inode *child_of(const struct fs *fs, const struct inode *dir, const char *name)
{
	struct dirent *d;

	/* "." and ".." are asked for when a directory handle is made into a path again (NFS). */
	if (strcmp(name, ".") == 0)
		return (struct inode *)dir;
	if (strcmp(name, "..") == 0)
		return tree_parent(dir);
	d = tree_dirent(&fs->tree, dir, name, strlen(name));
	return d ? d->child : NULL;
}

int fs_lookup(struct fs *fs, uint64_t parent, const char *name, struct fs_attr *ret)
{
	struct inode *dir, *i = NULL;
	int r;

	if (strlen(name) > FS_NAME_MAX)
		return -ENAMETOOLONG;
	pthread_rwlock_rdlock(&fs->tree_lock);
	r = names_dir(fs, parent, &dir);
	if (r == 0) {
		i = child_of(fs, dir, name);
		r = i ? 0 : -ENOENT;
	}
	if (r == 0) {
		i->lookups++;
		attr_fill(i, ret);
	}
	pthread_rwlock_unlock(&fs->tree_lock);
	return r;
}

int fs_ref(struct fs *fs, uint64_t ino, struct fs_attr *ret)
{
	struct inode *i;

	pthread_rwlock_rdlock(&fs->tree_lock);
	i = tree_inode(&fs->tree, ino);
	if (i) {
		i->lookups++;
		attr_fill(i, ret);
	}
	pthread_rwlock_unlock(&fs->tree_lock);
	return i ? 0 : -ENOENT;
}

void fs_forget(struct fs *fs, uint64_t ino, uint64_t n)
{
	struct open_state *o = NULL;
	struct inode *i;

	pthread_rwlock_wrlock(&fs->tree_lock);
	i = tree_inode(&fs->tree, ino);
	if (i) {
		i->lookups = i->lookups > n ? i->lookups - n : 0;
		o = refused_forget(i);
		tree_inode_settle(&fs->tree, i);
	}
	pthread_rwlock_unlock(&fs->tree_lock);
	if (o)
		open_put(fs, o);
}

int fs_readlink(struct fs *fs, uint64_t ino, char *buf)
{
	struct inode *i;
	int r = 0;

	pthread_rwlock_rdlock(&fs->tree_lock);
	i = tree_inode(&fs->tree, ino);
	if (!i)
		r = -ENOENT;
	else if (!S_ISLNK(i->mode) || !i->target)
		r = -EINVAL;
	else
		strcpy(buf, i->target);
	pthread_rwlock_unlock(&fs->tree_lock);
	if (r == 0)
		atime_link_read(fs, ino);
	return r;
}

/* --- making ------------------------------------------------------------------------------------------------ */

struct new_inode {
	uint32_t mode;
	uint64_t rdev;
	const char *target;
	const struct fs_cred *cred;
};

/* In a setgid directory the group is the directory's, and directories are setgid again. */
static struct fs_record_inode new_image(const struct fs *fs, const struct inode *dir, const struct new_inode *n,
					const struct timespec *now)
{
	struct fs_time t = record_time(now);
	struct fs_record_inode image = {
	    .ino = fs->tree.next_ino,
	    .mode = n->mode,
	    .nlink = S_ISDIR(n->mode) ? 2 : 1,
	    .uid = n->cred->uid,
	    .gid = n->cred->gid,
	    .rdev = S_ISCHR(n->mode) || S_ISBLK(n->mode) ? n->rdev : 0,
	    .atime = t,
	    .mtime = t,
	    .ctime = t,
	    .btime = t,
	};

	if (dir->mode & S_ISGID) {
		image.gid = dir->gid;
		if (S_ISDIR(n->mode))
			image.mode |= S_ISGID;
	}
	return image;
}

/* The inode itself, with what it inherits. */
static int build_inode(struct tx *tx, const struct inode *dir, const struct new_inode *n, struct fs_record_inode *image)
{
	const struct xattr *inherited;
	struct acl_copy access;
	int r = acl_inherit(dir, n->cred->umask, &image->mode, &access, &inherited);

	if (r < 0)
		return r;
	body_inode(&tx->body, image);
	if (n->target)
		body_symlink(&tx->body, image->ino, n->target);
	if (access.bytes)
		body_xattr(&tx->body, image->ino, XATTR_NAME_POSIX_ACL_ACCESS, strlen(XATTR_NAME_POSIX_ACL_ACCESS),
			   access.bytes, access.size);
	if (inherited)
		body_xattr(&tx->body, image->ino, inherited->bytes, inherited->name_len,
			   inherited->bytes + inherited->name_len + 1, inherited->value_len);
	free(access.bytes);
	return 0;
}

/* `name` NULL: none, and it may be given one. */
static int build_new(struct tx *tx, struct inode *dir, const char *name, const struct new_inode *n,
		     struct fs_record_inode *image)
{
	struct timespec now = fs_now();
	struct dirent *d;
	int r = name ? names_find(tx->fs, dir, name, &d) : -ENOENT;

	if (r != -ENOENT)
		return r == 0 ? -EEXIST : r;
	if (S_ISDIR(n->mode) && dir->nlink >= UINT32_MAX - 1)
		return -EMLINK;
	*image = new_image(tx->fs, dir, n, &now);
	if (!name)
		image->nlink = 0;
	r = build_inode(tx, dir, n, image);
	if (r < 0 || !name)
		return r;
	body_dirent(&tx->body, dir->ino, image->ino, dir->dir->next_cookie, name, strlen(name));
	names_touch(tx, dir, S_ISDIR(n->mode), &now);
	return 0;
}

static int make(struct fs *fs, uint64_t parent, const char *name, const struct new_inode *n, struct fs_attr *ret)
{
	struct fs_record_inode image = {0};
	struct inode *dir;
	struct tx tx;
	int r = memory_grow(fs, FS_NAME_MAX);

	if (r == 0)
		r = tx_begin(fs, &tx);
	if (r < 0)
		return r;
	r = names_dir(fs, parent, &dir);
	if (r == 0)
		r = build_new(&tx, dir, name, n, &image);
	return tx_finish(&tx, r, &(struct tx_result){.ino = image.ino, .lookup = true, .attr = ret});
}

int names_make_unnamed(struct fs *fs, uint64_t parent, uint32_t mode, const struct fs_cred *cred, struct fs_attr *attr)
{
	return make(fs, parent, NULL, &(struct new_inode){.mode = mode, .cred = cred}, attr);
}

int names_whiteout(struct tx *tx, const struct inode *dir, const struct dirent *d, const struct fs_cred *cred)
{
	struct new_inode n = {.mode = S_IFCHR, .cred = cred};
	struct timespec now = fs_now();
	struct fs_record_inode image = new_image(tx->fs, dir, &n, &now);
	int r = build_inode(tx, dir, &n, &image);

	if (r == 0)
		body_dirent(&tx->body, dir->ino, image.ino, d->cookie, d->name, d->len);
	return r;
}

int fs_mknod(struct fs *fs, uint64_t parent, const char *name, uint32_t mode, uint64_t rdev, const struct fs_cred *cred,
	     struct fs_attr *ret)
{
	struct new_inode n = {.mode = (mode & S_IFMT ? mode & S_IFMT : S_IFREG) | (mode & 07777), .rdev = rdev, .cred = cred};

	switch (n.mode & S_IFMT) {
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
	case S_IFCHR:
	case S_IFBLK:
		return make(fs, parent, name, &n, ret);
	default:
		return -EINVAL;
	}
}

int fs_mkdir(struct fs *fs, uint64_t parent, const char *name, uint32_t mode, const struct fs_cred *cred, struct fs_attr *ret)
{
	struct new_inode n = {.mode = S_IFDIR | (mode & 07777), .cred = cred};

	return make(fs, parent, name, &n, ret);
}

int fs_symlink(struct fs *fs, uint64_t parent, const char *name, const char *target, const struct fs_cred *cred,
	       struct fs_attr *ret)
{
	struct new_inode n = {.mode = S_IFLNK | 0777, .target = target, .cred = cred};
	size_t len = strlen(target);

	if (len == 0)
		return -ENOENT;
	return len > FS_SYMLINK_MAX ? -ENAMETOOLONG : make(fs, parent, name, &n, ret);
}

/* --- links -------------------------------------------------------------------------------------------------- */

/* *over: what had the name, which it loses; NULL in: it must be free. */
static int build_link(struct tx *tx, struct inode *i, struct inode *dir, const char *name, struct inode **over)
{
	struct timespec now = fs_now();
	struct fs_record_inode image;
	struct dirent *d = NULL;
	int r = names_find(tx->fs, dir, name, &d);

	if (r == 0 && (over == NULL || d->child == i))
		return -EEXIST;
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && S_ISDIR(d->child->mode))
		return -EISDIR;
	if (S_ISDIR(i->mode))
		return -EPERM;
	/* Only a file that was made without a name may be given one: the keys of this one's contents are dead. */
	if (i->removed)
		return -ENOENT;
	if (i->nlink >= FS_LINK_MAX)
		return -EMLINK;
	image = attr_image(i, false);
	image.nlink++;
	image.ctime = record_time(&now);
	body_inode(&tx->body, &image);
	body_dirent(&tx->body, dir->ino, i->ino, r == 0 ? d->cookie : dir->dir->next_cookie, name, strlen(name));
	if (r == 0) {
		names_drop(tx, d->child, &now);
		*over = d->child;
	}
	names_touch(tx, dir, 0, &now);
	return 0;
}

/* The path that `name` in the directory is, or an empty one where it is no longer known. */
static void path_to_be(struct fs *fs, uint64_t parent, const char *name, char path[PATH_ROOM])
{
	struct inode *dir;
	size_t len = 0;

	path[0] = 0;
	pthread_rwlock_rdlock(&fs->tree_lock);
	if (names_dir(fs, parent, &dir) == 0)
		len = tree_path(dir, NULL, path, PATH_LONGEST);
	pthread_rwlock_unlock(&fs->tree_lock);
	snprintf(path + len, PATH_ROOM - len, "%s%s", len ? "/" : "", name);
}

/* What an unnamed file holds becomes part of the container no later than its name does. */
static int commit_unnamed(struct fs *fs, uint64_t ino, uint64_t parent, const char *name)
{
	char path[PATH_ROOM];
	struct open_state *o;
	int r = open_hold(fs, ino, &o);

	if (r == -EISDIR || r == -EINVAL)
		return 0;
	if (r < 0)
		return r;
	if (!open_has_name(fs, o)) {
		path_to_be(fs, parent, name, path);
		pthread_rwlock_wrlock(&o->io);
		r = contents_commit(fs, o, &(struct contents_as){path});
		pthread_rwlock_unlock(&o->io);
	}
	open_put(fs, o);
	return r;
}

static int link_name(struct fs *fs, uint64_t ino, uint64_t parent, const char *name, bool over, struct fs_attr *ret)
{
	struct inode *i, *dir, *old = NULL;
	struct tx tx;
	int r = memory_grow(fs, FS_NAME_MAX);

	if (r == 0)
		r = commit_unnamed(fs, ino, parent, name);
	if (r < 0)
		return r;
	r = tx_begin(fs, &tx);
	if (r < 0)
		return r;
	i = tree_inode(&fs->tree, ino);
	r = i ? names_dir(fs, parent, &dir) : -ENOENT;
	if (r == 0)
		r = build_link(&tx, i, dir, name, over ? &old : NULL);
	return tx_finish(&tx, r, &(struct tx_result){.ino = ino, .lookup = true, .attr = ret, .settle = old});
}

int fs_link(struct fs *fs, uint64_t ino, uint64_t parent, const char *name, struct fs_attr *ret)
{
	return link_name(fs, ino, parent, name, false, ret);
}

int fs_link_over(struct fs *fs, uint64_t ino, uint64_t parent, const char *name, struct fs_attr *ret)
{
	return link_name(fs, ino, parent, name, true, ret);
}

/* --- removing ----------------------------------------------------------------------------------------------- */

static int build_remove(struct tx *tx, struct inode *dir, const char *name, bool directory, struct inode **gone)
{
	struct timespec now = fs_now();
	struct dirent *d;
	int r = names_find(tx->fs, dir, name, &d);

	if (r < 0)
		return r;
	if (directory && !S_ISDIR(d->child->mode))
		return -ENOTDIR;
	if (!directory && S_ISDIR(d->child->mode))
		return -EISDIR;
	if (directory && !tree_dir_empty(d->child))
		return -ENOTEMPTY;
	body_undirent(&tx->body, dir->ino, name, d->len);
	names_drop(tx, d->child, &now);
	names_touch(tx, dir, directory ? -1 : 0, &now);
	tx->removes = true;
	*gone = d->child;
	return 0;
}

static int remove_name(struct fs *fs, uint64_t parent, const char *name, bool directory)
{
	struct inode *dir, *gone = NULL;
	struct tx tx;
	int r;

	r = tx_begin(fs, &tx);
	if (r < 0)
		return r;
	r = names_dir(fs, parent, &dir);
	if (r == 0)
		r = build_remove(&tx, dir, name, directory, &gone);
	return tx_finish(&tx, r, &(struct tx_result){.settle = gone});
}

int fs_unlink(struct fs *fs, uint64_t parent, const char *name)
{
	return remove_name(fs, parent, name, false);
}

int fs_rmdir(struct fs *fs, uint64_t parent, const char *name)
{
	return remove_name(fs, parent, name, true);
}
