/*
 * open.c - opens and closes a container. The steps: the file, its lock, its
 * mapping, its tail. Until the tail is known nothing is changed in the file.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

#include "store.h"

enum { REPLACED_TRIES = 100 };

static int check_type(struct reel *r, int fd)
{
	struct stat st;
	int err = r->disk->fstat(r->disk, fd, &st);

	if (err == 0 && S_ISDIR(st.st_mode))
		err = -EISDIR;
	else if (err == 0 && !S_ISREG(st.st_mode))
		err = -EBADMSG;
	return err;
}

/* Makes the file, which must not be there. */
static int create(struct reel *r)
{
	int fd = disk_open(r->disk, r->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), err;

	if (fd < 0)
		return fd;
	err = disk_fsync(r->disk, fd);
	if (err == 0)
		err = disk_sync_parent(r->disk, r->path);
	if (err < 0) {
		(void)r->disk->unlink(r->disk, r->path);
		(void)disk_close(r->disk, fd);
		return err;
	}
	return fd;
}

/* O_NONBLOCK: a fifo is told from a container without waiting for someone to open its other end. */
static int open_or_create(struct reel *r)
{
	unsigned flags = r->options.flags;
	int mode = store_writable(r) ? O_RDWR : O_RDONLY;

	if ((flags & REEL_CREATE) && (flags & REEL_EXCL))
		return create(r);
	for (;;) {
		int fd = disk_open(r->disk, r->path, mode | O_CLOEXEC | O_NONBLOCK, 0);
		if (fd != -ENOENT || !(flags & REEL_CREATE))
			return fd;
		fd = create(r);
		if (fd != -EEXIST)
			return fd;
	}
}

/* Is the file that was opened still the one at the path? */
static int still_there(struct reel *r, int fd)
{
	int err = place_is_named(r, r->path, fd);

	return err == -ENOENT ? 0 : err;
}

/* A file that was made for this opening, which failed, does not stay. */
static void drop_made(struct reel *r)
{
	if (r->options.flags & REEL_EXCL)
		(void)r->disk->unlink(r->disk, r->path);
}

/* With the lock, nothing that was known of the file before counts (S6). 1; 0: the path names another file by now. */
static int make_ready(struct reel *r, int fd)
{
	int err = 0;

	place_find(r, fd);
	if (store_writable(r))
		err = lock_file(r, fd);
	if (err == 0)
		err = place_fresh(r, fd);
	if (err < 0)
		return err;
	if (store_writable(r))
		place_locked(r, fd);
	/* A reader takes the file that it has opened, unless that is one which an outdated name has led to. */
	return store_writable(r) || r->place.shared ? still_there(r, fd) : 1;
}

/* Opens and locks; again when the file was replaced while this one waited for the lock. */
static int open_file(struct reel *r)
{
	for (int i = 0; i < REPLACED_TRIES; i++) {
		int fd = open_or_create(r);
		if (fd < 0)
			return fd;
		int err = check_type(r, fd);
		if (err == 0)
			err = make_ready(r, fd);
		if (err > 0) {
			r->fd = fd;
			return 0;
		}
		(void)disk_close(r->disk, fd);
		if (err < 0) {
			drop_made(r);
			return err;
		}
	}
	return -EBUSY;
}

void store_free(struct reel *r)
{
	/* Said expressly: entries that live on keep the mapping, and with it the open file and its lock. */
	if (r->fd >= 0 && store_writable(r))
		(void)disk_flock(r->disk, r->fd, LOCK_UN);
	if (r->map != NULL)
		mapping_retire(r->map);
	if (r->fd >= 0)
		(void)disk_close(r->disk, r->fd);
	append_free(&r->append);
	index_free(r);
	pthread_cond_destroy(&r->sync.done);
	pthread_mutex_destroy(&r->sync.lock);
	pthread_mutex_destroy(&r->reserve.lock);
	pthread_mutex_destroy(&r->append_lock);
	free((char *)(uintptr_t)r->options.keep_torn);
	free(r->path);
	free(r);
}

static int new_reel(const char *path, const struct reel_engine_options *options, struct reel **ret)
{
	struct reel *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -ENOMEM;
	pthread_mutex_init(&r->append_lock, NULL);
	pthread_mutex_init(&r->reserve.lock, NULL);
	pthread_mutex_init(&r->sync.lock, NULL);
	pthread_cond_init(&r->sync.done, NULL);
	r->fd = -1;
	r->options = options->base;
	int err = index_init(r);
	if (err < 0) {
		free(r);
		return err;
	}
	r->find_tail = options->find_tail;
	r->find_tail_arg = options->find_tail_arg;
	r->whose = options->whose;
	r->whose_arg = options->whose_arg;
	r->disk = options->disk != NULL ? options->disk : &disk_real;
	r->path = strdup(path);
	if (r->options.keep_torn != NULL)
		r->options.keep_torn = strdup(r->options.keep_torn);
	if (r->path == NULL || (options->base.keep_torn != NULL && r->options.keep_torn == NULL)) {
		store_free(r);
		return -ENOMEM;
	}
	*ret = r;
	return 0;
}

static const char *explain(const char *path, int err)
{
	int protection = err == -EPERM || err == -EACCES ? disk_protection(path) : 0;

	if (protection == 'a')
		return "it may only be appended to (chattr +a), and a writer must also be able to cut off what a crash has "
		       "left: chattr -a it, or only read it";
	if (protection == 'i')
		return "it may not be changed (chattr +i): chattr -i it, or only read it";
	switch (err) {
	case -EISDIR:
		return "it is a directory, not a container";
	case -EBADMSG:
		return "it is not a regular file, and so not a container";
	default:
		return reel_explain(err);
	}
}

static int map_file(struct reel *r, uint64_t size)
{
	struct reel_mapping *map = NULL;
	int err = mapping_new(r->disk, r->fd, size, &map);

	atomic_store(&r->map, map);
	return err;
}

int reel_engine_open(const char *path, const struct reel_engine_options *options, struct reel **ret)
{
	struct reel *r = NULL;
	struct stat st;

	if ((options->base.flags & REEL_RDONLY) && (options->base.flags & REEL_CREATE))
		return -EINVAL;
	int err = new_reel(path, options, &r);
	if (err < 0)
		return err;
	err = open_file(r);
	if (err < 0 && err != -EBUSY)
		reel_log(r, LOG_ERR, "%s: cannot be opened: %s", path, explain(path, err));
	if (err < 0)
		goto out;
	err = r->disk->fstat(r->disk, r->fd, &st);
	if (err == 0)
		err = map_file(r, (uint64_t)st.st_size);
	if (err < 0) {
		reel_log(r, LOG_ERR, "%s: cannot be mapped: %s", path,
			 err == -ENODEV ? "its file system allows no mapping of files; copy it to one that does"
					: reel_explain(err));
		goto out;
	}
	r->found_size = (uint64_t)st.st_size;
	err = tail_open(r, r->found_size);
	if (err == 0)
		foreign_begin(r);
	if (err == 0 && !options->defer_cut)
		err = reel_cut_torn(r, NULL);
out:
	if (err < 0 && r->fd >= 0)
		drop_made(r);
	if (err < 0)
		store_free(r);
	else
		*ret = r;
	return err;
}

int reel_open(const char *path, const struct reel_options *options, struct reel **ret)
{
	struct reel_engine_options engine = {0};

	if (options != NULL)
		engine.base = *options;
	return reel_engine_open(path, &engine, ret);
}

int reel_close(struct reel *r)
{
	int err = 0;

	if (r == NULL)
		return 0;
	if (store_writable(r)) {
		/* Also what a writer before this one left unsynced, if it may have. */
		err = reel_sync(r);
		int released = reserve_release(r);
		if (err == 0)
			err = released;
		torn_save_foreign(r);
	}
	store_free(r);
	return err;
}
