/*
 * torn.c - takes a torn append off the end of a container that is opened for writing, after saving
 * its bytes when asked. Cuts nothing that it could not save first, and never replaces a file saved
 * earlier.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "store.h"

enum { NAMES_TRIED = 1000 };

/* A new file, at `wanted` or, where that is taken, with ".1", ".2" … behind it. */
static int open_new(struct reel *r, const char *wanted, char **name)
{
	for (int i = 0; i < NAMES_TRIED; i++) {
		int len = i == 0 ? asprintf(name, "%s", wanted) : asprintf(name, "%s.%d", wanted, i);
		if (len < 0) {
			*name = NULL;
			return -ENOMEM;
		}
		int fd = disk_open(r->disk, *name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd != -EEXIST)
			return fd;
		free(*name);
		*name = NULL;
	}
	return -EEXIST;
}

/* On success *name is the file that has the bytes; the caller frees it. */
static int save(struct reel *r, const char *wanted, uint64_t tail, uint64_t size, char **name)
{
	const struct disk_ops *d = r->disk;
	struct iovec torn = {.iov_base = r->map->base + tail, .iov_len = size - tail};
	int fd = open_new(r, wanted, name), err;

	if (fd < 0)
		return fd;
	err = disk_write_all(d, fd, &torn, 1, 0);
	if (err == 0)
		err = disk_fsync(d, fd);
	int close_err = disk_close(d, fd);
	if (err == 0)
		err = close_err;
	if (err == 0)
		err = disk_sync_parent(d, *name);
	if (err < 0)
		(void)d->unlink(d, *name);
	return err;
}

/* Where the bytes go: where the user said, or beside the container if they must not be lost. NULL: nowhere. */
static int where_to(struct reel *r, uint64_t tail, bool keep, char **ret)
{
	*ret = NULL;
	if (r->options.keep_torn != NULL)
		*ret = strdup(r->options.keep_torn);
	else if (!keep || asprintf(ret, "%s.torn-%" PRIu64, r->path, tail) >= 0)
		return 0;
	return *ret == NULL ? -ENOMEM : 0;
}

int reel_cut_torn(struct reel *r, const char *left)
{
	uint64_t tail = reel_tail_offset(r), size = r->torn.end;
	bool keep = r->torn.keep;
	char *name = NULL, *wanted;
	int err;

	if (size == 0)
		return 0;
	r->torn.end = 0;
	err = reread_tell(r, 0, 0, size) ? -EIO : foreign_before_cut(r, size, size);
	if (err < 0)
		return err;
	err = where_to(r, tail, keep, &wanted);

	if (err == 0 && wanted != NULL)
		err = save(r, wanted, tail, size, &name);
	if (err < 0) {
		reel_log(r, LOG_ERR,
			 "%s: the %" PRIu64
			 " bytes of an unfinished append at its end could not be saved as %s (%s); nothing was "
			 "changed. Name another place: reelfs -o keep_torn=FILE",
			 r->path, size - tail, wanted == NULL ? "a file" : wanted, reel_explain(err));
		goto out;
	}
	err = disk_ftruncate(r->disk, r->fd, tail);
	/* Before anything is written in their place: or else a crash could bring some of them back behind it. */
	if (err == 0)
		err = disk_fdatasync(r->disk, r->fd);
	if (err < 0)
		reel_log(r, LOG_ERR, "%s: an unfinished append at offset %" PRIu64 " could not be cut off (%s)", r->path, tail,
			 reel_explain(err));
	else
		reel_log(r, LOG_WARNING,
			 "%s: cut off the %" PRIu64 " bytes of an unfinished append at offset %" PRIu64 "%s%s%s", r->path,
			 size - tail, tail, name == NULL ? "" : "; they were saved as ", name == NULL ? "" : name,
			 left == NULL ? "" : left);
	if (err == 0 && keep)
		reel_log(r, LOG_WARNING, "%s: the bytes that were saved have the form of another program's entries", r->path);
out:
	free(wanted);
	free(name);
	return err;
}

void torn_save_foreign(struct reel *r)
{
	uint64_t size = 0, from = foreign_to_save(r, &size);
	char *name = NULL, *wanted;

	if (from == 0)
		return;
	int err = asprintf(&wanted, "%s.foreign-%" PRIu64, r->path, from) < 0 ? -ENOMEM : 0;
	if (err == 0) {
		err = save(r, wanted, from, size, &name);
		free(wanted);
	}
	if (err < 0)
		reel_log(r, LOG_ERR,
			 "%s: the %" PRIu64 " bytes of another program behind offset %" PRIu64
			 " could not be saved (%s): copy the container before it is opened for writing again",
			 r->path, size - from, from, reel_explain(err));
	else
		reel_log(r, LOG_WARNING,
			 "%s: the %" PRIu64 " bytes of another program behind offset %" PRIu64 " were saved as %s", r->path,
			 size - from, from, name);
	if (err == 0)
		r->watch.saved = size;
	free(name);
}
