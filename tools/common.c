/*
 * common.c - opening and closing the container for all subcommands, and saying why that failed.
 * Relies on src/fs/fs.h. Never leaves an error without a message.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "engine.h"
#include "progress.h"
#include "put.h"
#include "reel.h"
#include "text.h"

/* `umount` returns before the daemon that it ends has finished. */
#define LOCK_WAIT_MS 5000

/* What to do about an error of the container itself. */
static const char *container_hint(int err)
{
	switch (-err) {
	case ENOENT:
		return "make a container with 'reel init'";
	case EBUSY:
		return "or work through its mountpoint";
	case ENOTSUP:
		return "'reel convert' makes a new container of it";
	case EACCES:
		return "the file's owner or root can";
	case EISDIR:
		return "give the container file, not the mountpoint";
	case ENOSPC:
	case EDQUOT:
		return "make room on the file system that holds it";
	case EFBIG:
		return "see 'ulimit -f', and how large a file the file system that holds it can have";
	default:
		return NULL;
	}
}

void complain_container(const char *path, int err)
{
	if (err == -EDEADLK)
		complain(path, "is also standard input or output (give that another file)");
	else
		complain_errno(path, err, container_hint(err));
}

/* A container that is also standard input or output would grow under its own reader, or be overwritten. */
static bool is_standard_stream(const char *path)
{
	struct stat st, std;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++) {
		if (fstat(fd, &std) == 0 && std.st_dev == st.st_dev && std.st_ino == st.st_ino)
			return true;
	}
	return false;
}

bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int show_progress(void *arg, uint64_t done, uint64_t total)
{
	(void)arg;
	progress_set(done, total);
	return put_stopped() ? -ECANCELED : 0;
}

static bool nul_values;

bool container_take_nul(const struct args *args)
{
	const char *meaning = args->value['n'];

	if (meaning != NULL && strcmp(meaning, "value") != 0 && strcmp(meaning, "deletion") != 0) {
		complain(NULL, "--nul=%s: it is 'value' or 'deletion'", meaning);
		return false;
	}
	nul_values = meaning != NULL && strcmp(meaning, "value") == 0;
	return true;
}

struct fs_options container_options(enum access access)
{
	return (struct fs_options){
	    .read_only = access == FOR_READING,
	    .nul_values = access == FOR_READING && nul_values,
	    .lock_wait_ms = LOCK_WAIT_MS,
	    .await_storing = true,
	    .log = library_log,
	    .progress = show_progress,
	};
}

int container_try(const char *path, enum access access, struct container *ret)
{
	struct fs_options options = container_options(access);
	int r;

	if (is_standard_stream(path))
		return -EDEADLK;
	r = fs_open(path, &options, &ret->fs);
	if (r < 0)
		return r;
	ret->path = path;
	ret->tree = fs_has_tree(ret->fs);
	ret->is_new = false;
	return 0;
}

int container_open(const char *path, enum access access, struct container *ret)
{
	int r = container_try(path, access, ret);

	if (r < 0)
		complain_container(path, r);
	else
		show_library_warnings();
	return r;
}

static int complain_making(const char *path, int r)
{
	if (r == -EEXIST) {
		forget_library_message();
		complain(path, "exists already (give another name, or use it as it is)");
	} else if (r == -ENOENT) {
		forget_library_message();
		complain(path, "no such directory (make it first)");
	} else if (r < 0) {
		complain_container(path, r);
	}
	return r;
}

int container_create(const char *path)
{
	struct fs_options options = {.log = library_log};

	return complain_making(path, fs_create_container(path, &options));
}

/* The name that a new container has meanwhile, or NULL. There is one at most. */
static char *unfinished;

int container_open_new(const char *path, struct container *ret)
{
	struct fs_options options = container_options(FOR_WRITING);
	int r = complain_making(path, fs_open_new(path, &options, &ret->fs));

	if (r < 0)
		return r;
	ret->path = path;
	ret->tree = ret->is_new = true;
	unfinished = strdup(reel_path(fs_store(ret->fs)));
	return 0;
}

void container_drop_new(void)
{
	if (unfinished != NULL)
		unlink(unfinished);
	free(unfinished);
	unfinished = NULL;
}

int container_close(struct container *c)
{
	/* One that was dropped has no name to get. */
	int r = c->is_new && unfinished != NULL ? fs_close_new(c->fs) : fs_close(c->fs);

	free(unfinished);
	unfinished = NULL;
	c->fs = NULL;
	if (r < 0)
		complain_container(c->path, r);
	else
		show_library_warnings();
	return r;
}

void container_abandon(void)
{
	container_drop_new();
	show_library_warnings();
	finish_output();
	_exit(STATUS_FAILED);
}

void complain_path(const struct container *c, const char *path, int err)
{
	switch (-err) {
	case ENOENT:
		forget_library_message();
		complain(path, "not in %s ('reel ls' shows what is there)", c->path);
		break;
	case EXDEV:
		complain(path, "a symbolic link on the way has an absolute target (give the path inside the container)");
		break;
	case EISDIR:
		complain(path, "is a directory (give the path of a file)");
		break;
	case ENOTDIR:
		complain(path, "a part of the path that must be a directory is not one ('reel ls' shows what is there)");
		break;
	case ENOSPC:
	case EDQUOT:
		complain_errno(path, err, "make room on the file system that holds the container");
		break;
	default:
		complain_errno(path, err, NULL);
	}
}

void warn_storing(const struct container *c)
{
	long process = reel_stored_by(fs_store(c->fs));

	if (process > 0)
		complain(
		    c->path,
		    "warning: process %ld, a reelfs that was unmounted, still stores what was written before: a copy of the "
		    "container that is made now may lack it (wait until that has ended: flock %s true)",
		    process, c->path);
}
