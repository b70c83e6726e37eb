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

#include "commit.h"
#include "create.h"

static int sync_folder(const char *path)
{
	char *copy = strdup(path), *slash;
	int fd, r = 0;

	if (!copy)
		return -ENOMEM;
	slash = strrchr(copy, '/');
	if (slash)
		slash[slash == copy] = 0;
	fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Some file systems cannot sync a folder, and need not. */
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		r = -errno;
	if (fd >= 0)
		close(fd);
	free(copy);
	return r;
}

/* Where the file system beneath has no such rename, a link that fails on an existing name does. */
static int name_new(const char *temporary, const char *path)
{
	if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	if (link(temporary, path) < 0)
		return -errno;
	unlink(temporary);
	return 0;
}

static int name_over(const struct fs *fs, const char *temporary, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (fchown(reel_fd(fs->store), st.st_uid, st.st_gid) < 0 || fchmod(reel_fd(fs->store), st.st_mode & 07777) < 0)
		return -errno;
	return rename(temporary, path) < 0 ? -errno : 0;
}

static int fill_and_name(struct fs *fs, const char *temporary, const char *path, bool replace, create_fill_fn fill, void *arg)
{
	struct reel_engine_options engine = fs_engine_options(fs, REEL_CREATE | REEL_EXCL, NULL);
	bool named = false;
	int r, one;

	r = reel_engine_open(temporary, &engine, &fs->store);
	if (r < 0)
		return r;
	r = fill(fs, arg);
	if (r == 0)
		r = reel_sync(fs->store);
	if (r == 0) {
		r = replace ? name_over(fs, temporary, path) : name_new(temporary, path);
		named = r == 0;
	}
	one = reel_close(fs->store);
	fs->store = NULL;
	if (!named)
		unlink(temporary);
	return r < 0 ? r : one;
}

int create_container(struct fs *fs, const char *path, bool replace, create_fill_fn fill, void *arg)
{
	/* Through symbolic links: what they lead to is replaced, not they. */
	char *target = replace ? realpath(path, NULL) : strdup(path), *temporary;
	int r;

	if (!target)
		return -errno;
	r = asprintf(&temporary, "%s.new-%ld", target, (long)getpid()) < 0 ? -ENOMEM : 0;
	if (r == 0) {
		r = fill_and_name(fs, temporary, target, replace, fill, arg);
		free(temporary);
	}
	if (r == 0)
		r = sync_folder(target);
	free(target);
	return r;
}

/* --- an empty one --------------------------------------------------------------------------------------- */

static int fill_empty(struct fs *fs, void *arg)
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
	struct reel_append *a;
	struct body body = {0};
	int r;

	(void)arg;
	body_state(&body, FS_ROOT_INO + 1);
	body_inode(&body, &root);
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
