/*
 * ops_dir.c - open directories: their names, with attributes (readdirplus) or without.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "loop.h"
#include "ops.h"

#define REPLY_MAX (1u << 20) /* the kernel may ask for more than is good in one piece */

/*
 * No entry with attributes is shorter than this, so `size` / this bounds the references that
 * one reply can hold.
 */
#define DIRENTPLUS_MIN 128

/* A reply that is being filled. */
struct listing {
	fuse_req_t req;
	struct fs_dir *dir;
	char *buf;
	size_t size, used;
	uint64_t *counted; /* inodes whose lookup count the reply has raised; NULL: no attributes */
	size_t n_counted;
	int error;
};

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* fs_readdir_fn: the entry's name, type and number. */
static bool add_name(void *arg, const struct fs_dirent *entry)
{
	struct listing *l = arg;
	const struct stat st = {.st_ino = entry->ino, .st_mode = entry->type};
	size_t need = fuse_add_direntry(l->req, l->buf + l->used, l->size - l->used, entry->name, &st, (off_t)entry->cookie);

	if (need > l->size - l->used)
		return false;
	l->used += need;
	return true;
}

/* fs_readdir_fn: likewise, with all attributes and a lookup reference, but for "." and "..". */
static bool add_entry(void *arg, const struct fs_dirent *entry)
{
	struct listing *l = arg;
	/* Inode 0: the kernel takes nothing but the name, the type and st_ino. */
	struct fuse_entry_param param = {.attr = {.st_ino = entry->ino, .st_mode = entry->type}};
	size_t left = l->size - l->used;
	struct fs_attr attr;

	if (fuse_add_direntry_plus(l->req, NULL, 0, entry->name, NULL, 0) > left)
		return false;
	if (!is_dot(entry->name)) {
		l->error = fs_ref_locked(l->dir, entry->ino, true, &attr);
		if (l->error < 0)
			return false;
		l->counted[l->n_counted++] = entry->ino;
		entry_from_attr(&param, &attr);
	}
	l->used += fuse_add_direntry_plus(l->req, l->buf + l->used, left, entry->name, &param, (off_t)entry->cookie);
	return true;
}

static void forget_all(struct fs *fs, const struct listing *l)
{
	for (size_t i = 0; i < l->n_counted; i++)
		fs_forget(fs, l->counted[i], 1);
}

/*
 * What the kernel has kept of a reading that did not come to its end it would complete with names of this one (E4). It
 * waits for nobody: the only descriptor that uses those pages is the one that this request is for.
 */
static void drop_cached(fuse_req_t req, fuse_ino_t ino)
{
	(void)fuse_lowlevel_notify_inval_inode(mount_of(req)->session, ino, 0, 0);
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi, bool plus)
{
	struct fs *fs = fs_of(req);
	struct listing l = {.req = req, .dir = dir_of(fi), .size = size < REPLY_MAX ? size : REPLY_MAX};
	int res = -ENOMEM;

	l.buf = malloc(l.size);
	if (plus)
		l.counted = malloc((l.size / DIRENTPLUS_MIN + 1) * sizeof(*l.counted));
	if (l.buf == NULL || (plus && l.counted == NULL)) {
		reply_status(req, res);
		goto out;
	}
	res = fs_dir_read(l.dir, (uint64_t)offset, plus ? add_entry : add_name, &l);
	if (res == 0 && l.used == 0)
		res = l.error;
	if (res == 0 && offset == 0 && fs_dir_outdated(l.dir))
		drop_cached(req, ino);
	if (res == 0 && !(fi->flags & O_NOATIME))
		fs_dir_accessed(l.dir);
	if (res < 0) {
		forget_all(fs, &l);
		reply_status(req, res);
	} else if (fuse_reply_buf(req, l.buf, l.used) < 0) {
		forget_all(fs, &l);
	}
out:
	free(l.counted);
	free(l.buf);
}

static void end_dir(struct handle *h)
{
	fs_dir_close(h->dir);
	handle_free(h);
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct handle *h = handle_new();
	int res = -ENOMEM;

	if (h != NULL)
		res = fs_dir_open(fs_of(req), ino, &h->dir);
	if (res < 0) {
		if (h != NULL)
			handle_free(h);
		reply_status(req, res);
		return;
	}
	fi->fh = (uintptr_t)h;
	if (fs_dir_outdated(h->dir))
		drop_cached(req, ino);
	/* E4. Without keep_cache it would drop what it has cached for another descriptor. */
	fi->cache_readdir = fs_dir_cached(h->dir);
	fi->keep_cache = 1;
	if (fuse_reply_open(req, fi) < 0)
		end_dir(h);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	list(req, ino, size, offset, fi, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	list(req, ino, size, offset, fi, true);
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	end_dir(handle_of(fi));
	reply_status(req, 0);
}

void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	loop_will_wait();
	reply_status(req, fs_dir_fsync(dir_of(fi)));
}
