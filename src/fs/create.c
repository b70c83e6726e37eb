/*
 * create.c - see create.h. The new container is locked by its writer before it gets its name, so that
 * nobody can write to it in between. Never changes an existing container.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "apply.h"
#include "commit.h"
#include "create.h"
#include "disk.h"
#include "target.h"
#include "whole.h"

enum { NAMES_TRIED = 1000 };

static const struct disk_ops *disk_of(const struct fs *fs)
{
	return fs->options.disk ? fs->options.disk : &disk_real;
}

static int name_over(const struct fs *fs, const char *temporary, const char *path)
{
	const struct disk_ops *d = disk_of(fs);
	struct stat st;
	/* Another writer would lose all that it has written since the new one was filled. */
	int r = fs->replaces ? reel_is_mine(fs->replaces) : 0;

	if (r == 0)
		r = d->stat(d, path, &st);
	if (r == 0)
		r = disk_copy_owner(d, reel_fd(fs->store), &st);
	return r == 0 ? d->rename(d, temporary, path) : r;
}

/* A new name that a power cut may take back is taken back here. What was replaced is gone, and stays so. */
static int name_and_sync(const struct fs *fs, const char *temporary, const char *path, bool replace, bool *named)
{
	const struct disk_ops *d = disk_of(fs);
	int r = replace ? name_over(fs, temporary, path) : disk_name_new(d, temporary, path);

	*named = r == 0;
	if (r == 0)
		r = disk_sync_parent(d, path);
	if (r < 0 && *named && !replace)
		(void)d->unlink(d, path);
	return r;
}

static int fill_and_name(struct fs *fs, const char *temporary, const char *path, bool replace, create_fill_fn fill, void *arg)
{
	struct reel_engine_options engine = fs_engine_options(fs, REEL_CREATE | REEL_EXCL, NULL);
	bool named = false;
	int r;

	r = reel_engine_open(temporary, &engine, &fs->store);
	if (r < 0)
		return r;
	r = fill(fs, arg);
	if (r == 0)
		r = reel_sync(fs->store);
	if (r == 0)
		r = name_and_sync(fs, temporary, path, replace, &named);
	/* All is synced: what can fail yet is about space past the end, and was logged. */
	(void)reel_close(fs->store);
	fs->store = NULL;
	if (!named)
		(void)disk_of(fs)->unlink(disk_of(fs), temporary);
	return r;
}

/* A name beside `target` that nothing has. What lies there may have been left by a process that ended: it is never used. */
static int free_name(const struct fs *fs, const char *target, char **ret)
{
	struct stat st;
	int r = -EEXIST;

	for (int i = 0; r == -EEXIST && i < NAMES_TRIED; i++) {
		if (asprintf(ret, "%s.new-%ld.%d", target, (long)getpid(), i) < 0)
			return -ENOMEM;
		r = disk_of(fs)->stat(disk_of(fs), *ret, &st);
		r = r == -ENOENT ? 0 : r == 0 ? -EEXIST : r;
		if (r < 0)
			free(*ret);
	}
	return r;
}

int create_container(struct fs *fs, const char *path, bool replace, create_fill_fn fill, void *arg)
{
	/* Through symbolic links: what they lead to is replaced, not they. */
	char *target = replace ? target_of(path) : strdup(path), *temporary;
	int r;

	if (!target)
		return -errno;
	r = free_name(fs, target, &temporary);
	if (r == 0) {
		r = fill_and_name(fs, temporary, target, replace, fill, arg);
		free(temporary);
	}
	free(target);
	return r;
}

/* --- an empty one --------------------------------------------------------------------------------------- */

static void empty_body(const struct fs *fs, struct body *body)
{
	struct timespec now = fs_now();
	struct fs_time t = record_time(&now);
	struct fs_record_inode root = {
	    .ino = FS_ROOT_INO,
	    .mode = S_IFDIR | 0755,
	    .nlink = 2,
	    .uid = fs->uid,
	    .gid = fs->gid,
	    .atime = t,
	    .mtime = t,
	    .ctime = t,
	    .btime = t,
	};

	body_state(body, FS_ROOT_INO + 1);
	body_inode(body, &root);
}

static int fill_empty(struct fs *fs, void *arg)
{
	struct reel_append *a;
	struct body body = {0};
	int r;

	(void)arg;
	empty_body(fs, &body);
	r = reel_append_begin(fs->store, &a);
	if (r == 0)
		r = commit_first(fs, a, &body);
	body_free(&body);
	return r;
}

int fs_create_container(const char *path, const struct fs_options *options)
{
	struct stat st;
	struct fs *fs;
	int r;

	if (lstat(path, &st) == 0)
		return -EEXIST;
	fs = fs_new(options);
	if (!fs)
		return -ENOMEM;
	r = create_container(fs, path, false, fill_empty, NULL);
	fs_free(fs);
	return r;
}

/* --- one that is filled before it gets its name ---------------------------------------------------------- */

struct new_container {
	char *temporary, *target;
	struct reel_entry whole; /* says that its writing has not ended, until it has */
};

static int begin_new(struct fs *fs, struct body *body)
{
	struct reel_append *a;
	uint64_t bad;
	size_t at;
	int r = reel_append_begin(fs->store, &a);

	if (r < 0)
		return r;
	r = commit_first_super(fs, a);
	if (r == 0)
		r = whole_begin(&fs->super, a, &fs->new->whole);
	if (r < 0) {
		reel_append_abort(a);
		return r;
	}
	r = commit_first(fs, a, body);
	if (r == 0)
		r = apply_body(&fs->tree, body->bytes, body->len, reel_tail_offset(fs->store), &at);
	return r < 0 ? r : apply_finish(&fs->tree, &bad);
}

static void drop_new(struct fs *fs, bool named)
{
	(void)reel_close(fs->store);
	if (!named && fs->store)
		(void)disk_of(fs)->unlink(disk_of(fs), fs->new->temporary);
	free(fs->new->temporary);
	free(fs->new->target);
	free(fs->new);
	fs_free(fs);
}

int fs_open_new(const char *path, const struct fs_options *options, struct fs **ret)
{
	struct fs *fs = fs_new(options);
	struct body body = {0};
	struct stat st;
	int r = -ENOMEM;

	if (!fs || !(fs->new = calloc(1, sizeof(*fs->new))) || !(fs->new->target = strdup(path)))
		goto fail;
	r = lstat(path, &st) == 0 ? -EEXIST : free_name(fs, path, &fs->new->temporary);
	if (r < 0) {
		fs->new->temporary = NULL;
		goto fail;
	}
	const struct reel_engine_options engine = fs_engine_options(fs, REEL_CREATE | REEL_EXCL, NULL);
	r = reel_engine_open(fs->new->temporary, &engine, &fs->store);
	if (r < 0)
		goto fail;
	empty_body(fs, &body);
	r = begin_new(fs, &body);
	body_free(&body);
	if (r == 0)
		r = fs_start(fs, fs->new->temporary);
	if (r < 0)
		goto fail;
	*ret = fs;
	return 0;
fail:
	if (fs && fs->new)
		drop_new(fs, false);
	else if (fs)
		fs_free(fs);
	return r;
}

int fs_close_new(struct fs *fs)
{
	bool named = false;
	int r = fs_finish(fs);

	if (r == 0)
		r = reel_sync(fs->store);
	if (r == 0)
		r = whole_end_unnamed(&fs->super, fs->store, &fs->new->whole, fs->sequence);
	if (r == 0)
		r = name_and_sync(fs, fs->new->temporary, fs->new->target, false, &named);
	drop_new(fs, named);
	return r;
}
