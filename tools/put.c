/*
 * put.c - see put.h. Never commits a part of what a source gives.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "progress.h"
#include "put.h"

#define CHUNK_SIZE (256 << 10)

/* --- signals ---------------------------------------------------------------------------------------- */

static volatile sig_atomic_t stop_signal;

static void stop(int sig)
{
	stop_signal = sig;
}

void put_catch_signals(void)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM};
	struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESETHAND}, old;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		/* What nohup(1) and the like have switched off stays so. */
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
	}
}

bool put_stopped(void)
{
	return stop_signal != 0;
}

void put_end_if_stopped(void)
{
	progress_end();
	if (stop_signal == 0)
		return;
	container_drop_new();
	raise(stop_signal);
}

/* --- files ------------------------------------------------------------------------------------------- */

static bool may_keep_set_id(void)
{
	return geteuid() == 0;
}

static int set_size(const struct container *c, uint64_t ino, uint64_t size)
{
	struct fs_setattr set = {.set = may_keep_set_id() ? FS_SET_SIZE : FS_SET_SIZE | FS_SET_KILL_PRIV, .size = size};
	struct fs_attr attr;

	return fs_setattr(c->fs, ino, &set, &attr);
}

/* Fills an empty file. */
static int fill(const struct container *c, uint64_t ino, struct fs_file *file, put_source_fn source, void *arg)
{
	char *buf = malloc(CHUNK_SIZE);
	uint64_t offset = 0, end = 0;
	struct iovec iov;
	ssize_t n;
	int r = 0;

	if (buf == NULL)
		return -ENOMEM;
	while (r == 0 && (n = source(arg, buf, CHUNK_SIZE, &offset)) > 0) {
		iov = (struct iovec){buf, (size_t)n};
		r = fs_file_write(file, offset, &iov, 1, may_keep_set_id() ? 0 : FS_WRITE_KILL_SET_ID);
		end = offset += (uint64_t)n;
		progress_add((uint64_t)n);
	}
	free(buf);
	if (r == 0)
		r = (int)n;
	if (r == 0 && offset > end)
		r = set_size(c, ino, offset);
	return r;
}

/*
 * The old contents go in the buffer only, so that they stay in the container until the flush: a
 * process that ends before has changed nothing.
 */
int put_replace(const struct container *c, uint64_t ino, put_source_fn source, void *arg)
{
	struct fs_file *file;
	int r;

	r = fs_file_open(c->fs, ino, O_WRONLY, &file);
	if (r < 0)
		return r;
	r = set_size(c, ino, 0);
	if (r == 0)
		r = fill(c, ino, file, source, arg);
	if (r == 0)
		r = fs_file_flush(file);
	if (r == 0)
		fs_file_release(file);
	return r;
}

/*
 * The file has no name while it is filled, so that nothing of it stays when that fails. Its contents are committed by
 * fs_link(), under the path that it gets: another program finds them by it.
 */
int put_make(const struct container *c, const struct place *at, bool replace, uint32_t mode, const struct fs_cred *cred,
	     put_source_fn source, void *arg, uint64_t *ino)
{
	struct fs_attr attr, linked;
	struct fs_file *file;
	int r;

	r = fs_file_tmpfile(c->fs, at->parent, S_IFREG | mode, O_WRONLY, cred, &attr, &file);
	if (r < 0)
		return r;
	r = fill(c, attr.ino, file, source, arg);
	if (r == 0 && replace)
		r = fs_link_over(c->fs, attr.ino, at->parent, at->name, &linked);
	else if (r == 0)
		r = fs_link(c->fs, attr.ino, at->parent, at->name, &linked);
	fs_file_release(file);
	fs_forget(c->fs, attr.ino, r == 0 ? 2 : 1);
	*ino = attr.ino;
	return r;
}
