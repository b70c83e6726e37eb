/*
 * import.c - the files below a folder as entries under their paths. Follows no symbolic links, and reads files in
 * bounded memory.
 */
#include "config.h"

#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <unistd.h>

#include "store.h"

struct import {
	struct reel *r;
	const struct reel_namespace *ns;
	reel_import_fn progress;
	void *arg;
	size_t prefix; /* of paths: the folder and the slash after it */
	int64_t written;
};

static ssize_t pull_file(void *arg, void *buf, size_t size)
{
	ssize_t n;

	do
		n = read(*(int *)arg, buf, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* The key of a path: *len bytes, in `name` or the path's own. */
static const void *key_of(const struct reel_namespace *ns, const char *path, uint8_t name[REEL_NAMESPACE_KEY], size_t *len)
{
	*len = strlen(path);
	if (ns == NULL)
		return path;
	reel_namespace_key(*ns, path, *len, name);
	*len = REEL_NAMESPACE_KEY;
	return name;
}

static int tell(const struct import *im, const char *path, int result)
{
	return im->progress == NULL ? 0 : im->progress(im->arg, path, result);
}

/* A file that the format has no place for. */
static bool is_unstorable(int fd)
{
	struct stat st;
	uint8_t byte;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return true;
	return st.st_size == 1 && pread(fd, &byte, 1, 0) == 1 && byte == 0;
}

static int import_file(struct import *im, const FTSENT *f)
{
	const char *path = f->fts_path + im->prefix;
	uint8_t name[REEL_NAMESPACE_KEY];
	size_t len;
	int fd = open(f->fts_accpath, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK), err;

	if (fd < 0) {
		err = -errno;
		goto out;
	}
	if (is_unstorable(fd)) {
		err = tell(im, path, -EINVAL);
		goto out;
	}
	err = tell(im, path, 0);
	const void *key = key_of(im->ns, path, name, &len);
	if (err == 0)
		err = reel_write_stream_key(im->r, key, len, pull_file, &fd);
	im->written += err == 0;
out:
	if (fd >= 0)
		close(fd);
	if (err < 0)
		reel_log(im->r, LOG_ERR, "%s: %s could not be imported (%s)", im->r->path, f->fts_path, strerror(-err));
	return err;
}

static int visit(struct import *im, const FTSENT *f)
{
	switch (f->fts_info) {
	case FTS_D:
	case FTS_DP:
		return 0;
	case FTS_F:
		return import_file(im, f);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		reel_log(im->r, LOG_ERR, "%s: %s could not be read (%s)", im->r->path, f->fts_path, strerror(f->fts_errno));
		return -f->fts_errno;
	default:
		return tell(im, f->fts_path + im->prefix, -EINVAL);
	}
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

int64_t reel_import(struct reel *r, const char *dir, const struct reel_namespace *ns, reel_import_fn progress, void *arg)
{
	struct import im = {.r = r, .ns = ns, .progress = progress, .arg = arg};
	struct stat st;
	char *root = strdup(dir), *roots[] = {root, NULL};
	FTS *walk = NULL;
	FTSENT *f;
	int err = root == NULL ? -ENOMEM : stat(dir, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;

	if (err < 0)
		goto out;
	size_t len = strlen(root);
	while (len > 1 && root[len - 1] == '/')
		root[--len] = 0;
	im.prefix = len + (root[len - 1] != '/');
	/* The folder itself may be named by a symbolic link. */
	walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	if (walk == NULL) {
		err = -errno;
		goto out;
	}
	while (err == 0 && (errno = 0, f = fts_read(walk)) != NULL)
		err = visit(&im, f);
	if (err == 0)
		err = -errno;
out:
	if (walk != NULL)
		fts_close(walk);
	free(root);
	return err != 0 ? err : im.written;
}

int reel_read_file(struct reel *r, const char *path, const struct reel_namespace *ns, struct reel_entry *ret)
{
	uint8_t name[REEL_NAMESPACE_KEY];
	size_t len;
	const void *key = key_of(ns, path, name, &len);

	return reel_read(r, key, len, ret);
}
