/*
 * cmd_import.c - `reel import`: walks over a folder and hands what is there to the container's kind.
 * Relies on fts(3), import_tree.c, import_entries.c. Never follows a symbolic link in the folder, and changes
 * nothing there.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import.h"
#include "progress.h"
#include "put.h"
#include "reel.h"

/* --- files of the folder ----------------------------------------------------------------------------- */

/* It may have become something else since it was found: a fifo must not block, a link not be followed. */
int host_file_open(struct host_file *f, const struct found *found)
{
	*f = (struct host_file){.fd = open(found->access, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
	if (f->fd < 0)
		f->err = -errno;
	return f->err;
}

void host_file_close(struct host_file *f)
{
	close(f->fd);
}

ssize_t host_file_read(struct host_file *f, void *buf, size_t size, uint64_t *offset)
{
	ssize_t n;

	do {
		if (put_stopped())
			return f->err = -ECANCELED;
		n = pread(f->fd, buf, size, (off_t)*offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return f->err = -errno;
	*offset += (uint64_t)n;
	return n;
}

/* Where the file system cannot tell holes, it says that all is data. */
ssize_t host_file_source(void *arg, void *buf, size_t size, uint64_t *offset)
{
	struct host_file *f = arg;
	off_t data = lseek(f->fd, (off_t)*offset, SEEK_DATA), hole;
	uint64_t at;

	if (data < 0 && errno == ENXIO) {
		data = lseek(f->fd, 0, SEEK_END);
		if (data > (off_t)*offset)
			*offset = (uint64_t)data;
		return 0;
	}
	if (data >= 0) {
		*offset = (uint64_t)data;
		hole = lseek(f->fd, data, SEEK_HOLE);
		if (hole > data && (uint64_t)(hole - data) < size)
			size = (size_t)(hole - data);
	}
	at = *offset;
	return host_file_read(f, buf, size, &at);
}

/* --- the walk ----------------------------------------------------------------------------------------- */

void import_skip(struct import *im, const struct found *found, const char *fmt, ...)
{
	char why[MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	complain(found->shown, "%s", why);
	im->incomplete = true;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static struct found found_from(const FTSENT *e, size_t folder_len)
{
	const char *path = e->fts_path + folder_len;

	return (struct found){
	    .shown = e->fts_path,
	    .path = path + strspn(path, "/"),
	    .name = e->fts_name,
	    .access = e->fts_accpath,
	    .st = e->fts_statp,
	    .parent = e->fts_level > 0 ? e->fts_parent->fts_number : 0,
	};
}

static bool is_container(const struct import *im, const struct found *found)
{
	return im->container.st_dev == found->st->st_dev && im->container.st_ino == found->st->st_ino;
}

static int take_tree(struct import *im, FTS *fts, FTSENT *e, const struct found *found)
{
	int r;

	if (e->fts_info == FTS_DP)
		return import_tree_leave(im, found, e->fts_number);
	r = import_to_tree(im, found, &e->fts_number);
	if (e->fts_info == FTS_D && (r < 0 || e->fts_number == 0)) {
		fts_set(fts, e, FTS_SKIP);
		e->fts_number = 0;
	}
	return r;
}

/* Of a directory, fts_number is the number of names in it. */
static int take_entries(struct import *im, FTSENT *e, const struct found *found)
{
	if (e->fts_level > 0 && e->fts_info != FTS_DP)
		e->fts_parent->fts_number++;
	if (e->fts_info == FTS_DP && e->fts_number == 0 && e->fts_level > 0)
		import_skip(im, found, "is an empty directory, which a container without a file system cannot hold");
	return e->fts_info == FTS_D || e->fts_info == FTS_DP ? 0 : import_to_entries(im, found);
}

static int take(struct import *im, FTS *fts, FTSENT *e, size_t folder_len)
{
	struct found found = found_from(e, folder_len);

	switch (e->fts_info) {
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		import_skip(im, &found, "%s (not imported)", strerror(e->fts_errno));
		return 0;
	case FTS_DC:
		import_skip(im, &found, "is a directory that contains itself (not imported again)");
		return 0;
	default:
		break;
	}
	if (is_container(im, &found)) {
		import_skip(im, &found, "is the container itself (not imported)");
		return 0;
	}
	return im->c.tree ? take_tree(im, fts, e, &found) : take_entries(im, e, &found);
}

static int walk(struct import *im, char *folder)
{
	char *roots[] = {folder, NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW, by_name);
	FTSENT *e;
	int r = 0;

	if (fts == NULL) {
		complain(folder, "%s", strerror(errno));
		return -EIO;
	}
	while (r == 0 && (errno = 0, e = fts_read(fts)) != NULL)
		r = put_stopped() ? -ECANCELED : take(im, fts, e, strlen(folder));
	if (r == 0 && errno != 0) {
		complain(folder, "%s (not all of it is imported)", strerror(errno));
		r = -EIO;
	}
	fts_close(fts);
	return r;
}

/* Where there is none a new one is made, which appears when all is in it. */
static int open_container(const char *path, struct container *ret)
{
	struct stat st;

	if (lstat(path, &st) == 0 || errno != ENOENT)
		return container_open(path, FOR_WRITING, ret);
	return container_open_new(path, ret);
}

static int run_import(const struct args *args)
{
	char *folder = args->operand[1];
	struct import im = {0};
	struct stat st;
	int r;

	if (stat(folder, &st) < 0) {
		complain(folder, "%s (give a directory)", strerror(errno));
		return STATUS_FAILED;
	}
	if (!S_ISDIR(st.st_mode)) {
		complain(folder, "is not a directory ('reel write' takes one file)");
		return STATUS_FAILED;
	}
	if (open_container(args->operand[0], &im.c) < 0)
		return STATUS_FAILED;
	if (stat(reel_path(fs_store(im.c.fs)), &im.container) < 0) {
		complain(im.c.path, "%s", strerror(errno));
		container_abandon();
	}
	put_catch_signals();
	progress_begin("import", 0);
	r = walk(&im, folder);
	import_tree_end(&im);
	if (r < 0)
		container_drop_new();
	if (container_close(&im.c) < 0)
		r = -EIO;
	progress_end();
	put_end_if_stopped();
	return r < 0 || im.incomplete ? STATUS_FAILED : STATUS_OK;
}

const struct command cmd_import = {
    .name = "import",
    .synopsis = "CONTAINER DIR",
    .summary = "copy a directory of the system into a container",
    .details = "Copies what is in the directory DIR into the root of CONTAINER, under its path below DIR:\n"
	       "files with mode, owner, times, holes, hard links and extended attributes, and symbolic\n"
	       "links, fifos, sockets and devices as such. What is there already is replaced, but never\n"
	       "a directory by a file or a file by a directory; other names stay.\n"
	       "Where there is no CONTAINER one is made. It appears when all is in it, and not at all if that fails.\n"
	       "In a container without a file system each regular file becomes an entry, its path the key.\n"
	       "One line tells each thing that cannot be imported; the exit status is 1 then.\n",
    .min_operands = 2,
    .max_operands = 2,
    .run = run_import,
};
