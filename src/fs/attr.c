/*
 * attr.c - getattr and setattr. Relies on commit.c for changes and on open.c for those of open files.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/xattr.h>

#include "acl.h"
#include "attr.h"
#include "commit.h"
#include "contents.h"
#include "open.h"
#include "refused.h"

#define MODE_BITS 07777u

static const struct timespec *later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec) ? a : b;
}

static void fill_regular(struct inode *i, struct fs_attr *ret)
{
	uint64_t bytes = i->extents.bytes;
	struct open_state *o = i->open;

	if (o) {
		ret->writers = o->writers > 0;
		ret->failing = atomic_load_explicit(&o->failing, memory_order_relaxed);
		ret->refusing = atomic_load(&o->refusing) != 0;
		pthread_mutex_lock(&o->attr);
		o->shown = o->shown || ret->writers;
		if (o->changed) {
			ret->size = o->size;
			ret->atime = o->atime;
			ret->mtime = o->mtime;
			ret->ctime = *later(&o->ctime, &i->ctime);
			bytes = o->allocated;
		}
		if (ret->writers)
			o->shown_bytes = bytes;
		pthread_mutex_unlock(&o->attr);
	}
	if (bytes > ret->size)
		bytes = ret->size;
	ret->blocks = (bytes + 511) / 512;
}

void attr_fill(struct inode *i, struct fs_attr *ret)
{
	*ret = (struct fs_attr){
	    .ino = i->ino,
	    .generation = 1,
	    .mode = i->mode,
	    .nlink = i->nlink,
	    .uid = i->uid,
	    .gid = i->gid,
	    .rdev = i->rdev,
	    .size = i->size,
	    .atime = i->atime,
	    .mtime = i->mtime,
	    .ctime = i->ctime,
	    .btime = i->btime,
	};
	if (S_ISREG(i->mode)) {
		fill_regular(i, ret);
	} else if (S_ISDIR(i->mode)) {
		ret->size = 4096;
		ret->blocks = 8;
	} else if (S_ISLNK(i->mode)) {
		ret->size = i->target ? strlen(i->target) : 0;
	}
}

struct fs_record_inode attr_image(struct inode *i, bool all)
{
	struct fs_record_inode image = record_image(i);
	struct open_state *o = i->open;

	if (!o || !all)
		return image;
	pthread_mutex_lock(&o->attr);
	if (o->changed) {
		image.size = o->size;
		image.atime = record_time(&o->atime);
		image.mtime = record_time(&o->mtime);
		image.ctime = record_time(later(&o->ctime, &i->ctime));
	}
	pthread_mutex_unlock(&o->attr);
	return image;
}

void attr_committed(struct fs *fs, struct open_state *o, bool rest)
{
	pthread_mutex_lock(&o->attr);
	o->changed = o->changed && rest;
	o->lowest = o->inode->size;
	atomic_store_explicit(&o->inode->atime_due, 0, memory_order_relaxed);
	pthread_mutex_unlock(&o->attr);
	extents_clear(&fs->tree, &o->base);
	ranges_clear(&o->punched);
	o->cut = false;
}

int fs_getattr(struct fs *fs, uint64_t ino, struct fs_attr *ret)
{
	struct inode *i;

	pthread_rwlock_rdlock(&fs->tree_lock);
	i = tree_inode(&fs->tree, ino);
	if (i)
		attr_fill(i, ret);
	pthread_rwlock_unlock(&fs->tree_lock);
	return i ? 0 : -ENOENT;
}

/* The mode without the set-id bits that an unprivileged change of the contents takes away. */
static uint32_t without_set_id(uint32_t mode, bool setgid)
{
	mode &= ~(uint32_t)S_ISUID;
	if (mode & S_IXGRP || setgid)
		mode &= ~(uint32_t)S_ISGID;
	return mode;
}

/* File capabilities go with any change of contents or owner. Tree lock held. */
static bool has_capability(const struct inode *i)
{
	return i->xattrs && tree_xattr(i, XATTR_NAME_CAPS, strlen(XATTR_NAME_CAPS));
}

static void drop_capability(struct tx *tx, const struct inode *i)
{
	if (has_capability(i))
		body_unxattr(&tx->body, i->ino, XATTR_NAME_CAPS, strlen(XATTR_NAME_CAPS));
}

int attr_kill_priv(struct fs *fs, struct inode *i, unsigned kill)
{
	struct fs_record_inode image;
	struct timespec now = fs_now();
	bool any;
	struct tx tx;
	int r;

	pthread_rwlock_rdlock(&fs->tree_lock);
	any = (kill && without_set_id(i->mode, kill & FS_KILL_SETGID) != i->mode) || has_capability(i);
	pthread_rwlock_unlock(&fs->tree_lock);
	if (!any)
		return 0;
	r = tx_begin(fs, &tx);
	if (r < 0)
		return r;
	image = attr_image(i, false);
	if (kill)
		image.mode = without_set_id(image.mode, kill & FS_KILL_SETGID);
	image.ctime = record_time(&now);
	body_inode(&tx.body, &image);
	drop_capability(&tx, i);
	return tx_commit(&tx, NULL);
}

/* --- setattr ------------------------------------------------------------------------------------------ */

struct new_times {
	const struct timespec *atime, *mtime, *ctime;
};

/* Where the kernel says when the change is made, that is the present time: its clock may have ticked since. */
static struct new_times times_of(const struct fs_setattr *set, const struct timespec *now)
{
	struct new_times t = {NULL, NULL, now};

	if (set->set & FS_SET_CTIME)
		now = t.ctime = &set->ctime;
	if (set->set & FS_SET_ATIME_NOW)
		t.atime = now;
	else if (set->set & FS_SET_ATIME)
		t.atime = &set->atime;
	if (set->set & FS_SET_MTIME_NOW)
		t.mtime = now;
	else if (set->set & FS_SET_MTIME)
		t.mtime = &set->mtime;
	return t;
}

static void change_image(struct fs_record_inode *image, const struct fs_setattr *set, const struct timespec *now)
{
	struct new_times t = times_of(set, now);

	if (set->set & FS_SET_MODE)
		image->mode = (image->mode & S_IFMT) | (set->mode & MODE_BITS);
	else if ((set->set & (FS_SET_UID | FS_SET_GID | FS_SET_KILL_PRIV)) && !S_ISDIR(image->mode))
		image->mode = without_set_id(image->mode, set->set & FS_SET_KILL_SETGID);
	if (set->set & FS_SET_UID)
		image->uid = set->uid;
	if (set->set & FS_SET_GID)
		image->gid = set->gid;
	if (t.atime)
		image->atime = record_time(t.atime);
	if (t.mtime)
		image->mtime = record_time(t.mtime);
	image->ctime = record_time(t.ctime);
}

/* The access ACL, which says what the mode does, and what does not outlive a change of owner. */
static int build_consequences(struct tx *tx, const struct inode *i, const struct fs_setattr *set)
{
	struct acl_copy acl;
	int r;

	if ((set->set & (FS_SET_UID | FS_SET_GID)) && !S_ISDIR(i->mode))
		drop_capability(tx, i);
	if (!(set->set & FS_SET_MODE))
		return 0;
	r = acl_for_mode(i, set->mode, &acl);
	if (r == 0 && acl.bytes)
		body_xattr(&tx->body, i->ino, XATTR_NAME_POSIX_ACL_ACCESS, strlen(XATTR_NAME_POSIX_ACL_ACCESS), acl.bytes,
			   acl.size);
	free(acl.bytes);
	return r;
}

static int commit_attributes(struct fs *fs, uint64_t ino, const struct fs_setattr *set, const struct timespec *now,
			     struct fs_attr *ret)
{
	struct fs_record_inode image;
	struct inode *i;
	struct tx tx;
	int r;

	r = tx_begin(fs, &tx);
	if (r < 0)
		return r;
	i = tree_inode(&fs->tree, ino);
	if (!i) {
		tx_abort(&tx);
		return -ENOENT;
	}
	image = attr_image(i, false);
	change_image(&image, set, now);
	body_inode(&tx.body, &image);
	r = build_consequences(&tx, i, set);
	return tx_finish(&tx, r, &(struct tx_result){.ino = ino, .attr = ret});
}

static int set_size(struct fs *fs, struct open_state *o, uint64_t size, const struct timespec *now)
{
	int r;

	if (size > INT64_MAX)
		return -EFBIG;
	if (fs_is_read_only(fs))
		return -EROFS;
	r = refused_before(o, size, size);
	if (r == 0 && size < open_size(o))
		r = open_punch(fs, o, size, UINT64_MAX);
	if (r < 0)
		return r;
	open_change(fs, o, &size, 0, now);
	o->asked = size;
	refused_cut(o, size);
	return 0;
}

/* open_state.io held for writing. */
static int set_regular(struct fs *fs, struct open_state *o, const struct fs_setattr *set, struct fs_attr *ret)
{
	const unsigned owner = FS_SET_MODE | FS_SET_UID | FS_SET_GID | FS_SET_KILL_PRIV;
	struct timespec now = fs_now();
	struct new_times t = times_of(set, &now);
	int r;

	if (set->set & FS_SET_SIZE) {
		r = attr_kill_priv(fs, o->inode, 0);
		if (r == 0)
			r = set_size(fs, o, set->size, &now);
		if (r < 0)
			return r;
	}
	/* The times of a file with unwritten changes are committed with these. */
	if (!o->changed || (set->set & owner)) {
		r = commit_attributes(fs, o->inode->ino, set, &now, ret);
		if (r < 0)
			return r;
	}
	if (o->changed)
		open_change_times(fs, o, t.atime, t.mtime, t.ctime);
	if (!(set->set & FS_SET_SIZE) || o->writers > 0)
		return 0;
	r = contents_commit(fs, o, NULL);
	if (r < 0)
		open_revert(fs, o);
	return r;
}

static bool is_time(const struct timespec *t)
{
	return t->tv_nsec >= 0 && t->tv_nsec < 1000000000;
}

/* A record with such a time would make the container unreadable. */
static bool times_sound(const struct fs_setattr *set)
{
	return (!(set->set & FS_SET_ATIME) || is_time(&set->atime)) && (!(set->set & FS_SET_MTIME) || is_time(&set->mtime)) &&
	       (!(set->set & FS_SET_CTIME) || is_time(&set->ctime));
}

int fs_setattr(struct fs *fs, uint64_t ino, const struct fs_setattr *set, struct fs_attr *ret)
{
	struct timespec now = fs_now();
	struct open_state *o;
	int r;

	if (!times_sound(set))
		return -EINVAL;
	if (set->set & FS_SET_CTIME)
		fs_time_seen(&set->ctime);
	r = open_hold(fs, ino, &o);
	if (r == -EISDIR || r == -EINVAL)
		return set->set & FS_SET_SIZE ? r : commit_attributes(fs, ino, set, &now, ret);
	if (r < 0)
		return r;
	pthread_rwlock_wrlock(&o->io);
	r = set_regular(fs, o, set, ret);
	pthread_rwlock_unlock(&o->io);
	if (r == 0)
		r = fs_getattr(fs, ino, ret);
	open_put(fs, o);
	return r;
}
