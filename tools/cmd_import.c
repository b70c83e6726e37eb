/*
 * cmd_import.c - `reel import`: walks over a folder and hands what is there to the container's kind.
 * Relies on host_walk.h, import_tree.c, import_entries.c. Never follows a symbolic link in the folder, and changes
 * nothing there.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host_walk.h"
#include "import.h"
#include "progress.h"
#include "put.h"
#include "reel.h"

/* --- files of the folder ----------------------------------------------------------------------------- */

/* It may have become something else since it was found: a fifo must not block, a link not be followed. */
int host_file_open(struct host_file *f, const struct found *found)
{
	*f = (struct host_file){.fd =
				    openat(found->dir, found->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
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

static bool is_container(const struct import *im, const struct found *found)
{
	return im->container.st_dev == found->st->st_dev && im->container.st_ino == found->st->st_ino;
}

static int take_tree(struct import *im, struct host_walk *walk, enum host_event event, const struct host_name *at,
		     const struct found *found)
{
	long in = 0;
	int r;

	if (event == HOST_LEAVE)
		return import_tree_leave(im, found, *at->value);
	r = import_to_tree(im, found, &in);
	if (event == HOST_ENTER) {
		*at->value = in;
		if (r < 0 || in == 0)
			host_walk_skip(walk);
	}
	return r;
}

/* The value of a directory is the number of names in it. */
static int take_entries(struct import *im, enum host_event event, const struct host_name *at, const struct found *found)
{
	if (event != HOST_LEAVE && at->parent != NULL)
		++*at->parent;
	if (event == HOST_LEAVE && *at->value == 0 && at->parent != NULL)
		import_skip(im, found, "is an empty directory, which a container without a file system cannot hold");
	return event == HOST_OTHER ? import_to_entries(im, found) : 0;
}

static int take(struct import *im, struct host_walk *walk, enum host_event event, const struct host_name *at)
{
	const struct found found = {
	    .shown = at->shown,
	    .path = at->path,
	    .dir = at->dir,
	    .name = at->name,
	    .st = &at->st,
	    .parent = at->parent != NULL ? *at->parent : 0,
	};

	if (event == HOST_ERROR) {
		import_skip(im, &found, "%s (not imported)", strerror(-at->error));
		return 0;
	}
	if (event == HOST_LOOP) {
		import_skip(im, &found, "is a directory that contains itself (not imported again)");
		return 0;
	}
	if (is_container(im, &found)) {
		import_skip(im, &found, "is the container itself (not imported)");
		return 0;
	}
	return im->c.tree ? take_tree(im, walk, event, at, &found) : take_entries(im, event, at, &found);
}

static int walk(struct import *im, const char *folder)
{
	struct host_walk *w;
	struct host_name at;
	int r = host_walk_begin(folder, &w), event;

	if (r < 0) {
		complain(folder, "%s", strerror(-r));
		return r;
	}
	while (r == 0 && (event = host_walk_next(w, &at)) != HOST_END) {
		if (event < 0)
			complain(folder, "%s (not all of it is imported)",
				 event == -ESTALE ? "was changed while it was read" : strerror(-event));
		r = event < 0 ? event : put_stopped() ? -ECANCELED : take(im, w, (enum host_event)event, &at);
	}
	host_walk_end(w);
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
