/*
 * import_tree.c - `reel import` into a container with a file system: everything as what it is.
 * Relies on put.h, attributes.h. A name that exists is replaced; old contents stay until the new ones are read.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* uthash: no memory leaves the element out of the table, with a NULL table pointer, and goes on. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "attributes.h"
#include "import.h"
#include "progress.h"
#include "put.h"
#include "text.h"

struct linked {
	UT_hash_handle hh;
	struct linked_key {
		uint64_t dev, ino;
	} key;
	uint64_t in_container;
};

/* --- extended attributes of the source ----------------------------------------------------------------- */

/* These calls want a path: one that is short wherever it leads. */
enum { WAY_MAX = 32 + FS_NAME_MAX + 1 };

static const char *way_to(const struct found *found, char way[WAY_MAX])
{
	snprintf(way, WAY_MAX, "/proc/self/fd/%d/%.*s", found->dir, FS_NAME_MAX, found->name);
	return way;
}

static ssize_t list_host(void *arg, char *buf, size_t size)
{
	char way[WAY_MAX];
	ssize_t n = llistxattr(way_to(arg, way), buf, size);

	return n < 0 ? -errno : n;
}

static ssize_t get_host(void *arg, const char *name, void *buf, size_t size)
{
	char way[WAY_MAX];
	ssize_t n = lgetxattr(way_to(arg, way), name, buf, size);

	return n < 0 ? -errno : n;
}

/* --- attributes ------------------------------------------------------------------------------------------ */

static struct attributes attributes_found(const struct found *found)
{
	return (struct attributes){
	    .mode = found->st->st_mode,
	    .uid = found->st->st_uid,
	    .gid = found->st->st_gid,
	    .rdev = found->st->st_rdev,
	    .atime = found->st->st_atim,
	    .mtime = found->st->st_mtim,
	};
}

/* An error of the container ends the import, since the next file would have it too; one about a single thing does not. */
static bool ends_import(int err)
{
	switch (-err) {
	case EEXIST:
	case EFBIG:
	case EINVAL:
	case EISDIR:
	case EMLINK:
	case ENAMETOOLONG:
	case ENOTDIR:
	case ERANGE:
	case E2BIG:
	case EOPNOTSUPP:
		return false;
	default:
		return true;
	}
}

/* Says that something was not imported because of an error of the container. */
static int refused(struct import *im, const struct found *found, int err)
{
	if (ends_import(err)) {
		complain_path(&im->c, found->path[0] != '\0' ? found->path : "/", err);
		return err;
	}
	forget_library_message();
	import_skip(im, found, "%s (not imported)", strerror(-err));
	return 0;
}

static int put_attributes(struct import *im, const struct found *found, uint64_t ino)
{
	struct xattr_source xattrs = {list_host, get_host, (void *)found};
	struct attributes a = attributes_found(found);
	char failed[FS_NAME_MAX + 1];
	int r = attributes_put(&im->c, ino, &a);

	if (r < 0)
		return refused(im, found, r);
	/* After the owner, which takes file capabilities away. */
	r = attributes_put_xattrs(&im->c, ino, &xattrs, failed);
	if (r < 0 && failed[0] != '\0') {
		forget_library_message();
		import_skip(im, found, "its extended attribute %s is not imported: %s", failed, strerror(-r));
	} else if (r < 0) {
		import_skip(im, found, "its extended attributes are not imported: %s", strerror(-r));
	}
	return 0;
}

/* --- names ----------------------------------------------------------------------------------------------- */

/* 1: the name is taken, and at->attr says by what; 0: it is free. */
static int look_up(struct import *im, const struct found *found, struct place *at)
{
	int r;

	*at = (struct place){.parent = (uint64_t)found->parent};
	if (strlen(found->name) > FS_NAME_MAX)
		return -ENAMETOOLONG;
	snprintf(at->name, sizeof(at->name), "%s", found->name);
	r = fs_lookup(im->c.fs, at->parent, at->name, &at->attr);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	fs_forget(im->c.fs, at->attr.ino, 1);
	return 1;
}

/* --- directories ----------------------------------------------------------------------------------------- */

static int enter_directory(struct import *im, const struct found *found, const struct place *at, bool exists, long *in)
{
	struct attributes a = attributes_found(found);
	uint64_t ino = at->attr.ino;
	int r;

	if (exists && !S_ISDIR(at->attr.mode)) {
		import_skip(im, found, "is a directory, and /%s in the container is a %s (not imported)", found->path,
			    type_text(at->attr.mode));
		return 0;
	}
	if (!exists) {
		r = attributes_make(&im->c, at, &a, NULL, &ino);
		if (r < 0)
			return refused(im, found, r);
	}
	*in = (long)ino;
	return 0;
}

/* After what is in it, which changes the times. */
int import_tree_leave(struct import *im, const struct found *found, long in)
{
	return in == 0 ? 0 : put_attributes(im, found, (uint64_t)in);
}

/* --- files ------------------------------------------------------------------------------------------------ */

/* 1: done, 0: it is the first of its names. */
static int make_link(struct import *im, const struct found *found, const struct place *at, bool exists)
{
	struct linked_key key = {found->st->st_dev, found->st->st_ino};
	struct linked *known;
	struct fs_attr attr;
	int r;

	if (found->st->st_nlink < 2)
		return 0;
	HASH_FIND(hh, im->linked, &key, sizeof(key), known);
	if (known == NULL)
		return 0;
	if (exists && at->attr.ino == known->in_container)
		return 1;
	if (exists)
		r = fs_link_over(im->c.fs, known->in_container, at->parent, at->name, &attr);
	else
		r = fs_link(im->c.fs, known->in_container, at->parent, at->name, &attr);
	if (r == 0)
		fs_forget(im->c.fs, attr.ino, 1);
	else
		r = refused(im, found, r);
	return r < 0 ? r : 1;
}

static int remember_link(struct import *im, const struct found *found, uint64_t ino)
{
	struct linked *l;

	if (found->st->st_nlink < 2)
		return 0;
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return -ENOMEM;
	l->key = (struct linked_key){found->st->st_dev, found->st->st_ino};
	l->in_container = ino;
	HASH_ADD(hh, im->linked, key, sizeof(l->key), l);
	if (l->hh.tbl == NULL) {
		free(l);
		return -ENOMEM;
	}
	return 0;
}

/*
 * A file of the container with one name keeps its inode, and its old contents until the new ones are read. When that
 * fails, the process ends, since going on would commit what was read.
 */
static int put_contents(struct import *im, const struct found *found, const struct place *at, bool exists, uint64_t *ino)
{
	struct fs_cred cred = {.uid = found->st->st_uid, .gid = found->st->st_gid};
	struct host_file file;
	int r;

	if (host_file_open(&file, found) < 0) {
		import_skip(im, found, "%s (not imported)", strerror(-file.err));
		return 0;
	}
	if (exists && S_ISREG(at->attr.mode) && at->attr.nlink == 1) {
		*ino = at->attr.ino;
		r = put_replace(&im->c, *ino, host_file_source, &file);
		if (r < 0 && file.err == -ECANCELED)
			put_end_if_stopped();
		if (r < 0) {
			complain(found->shown, "%s (not imported, nor what would come after it)", strerror(-r));
			container_abandon();
		}
	} else {
		r = put_make(&im->c, at, exists, found->st->st_mode & 0777, &cred, host_file_source, &file, ino);
	}
	host_file_close(&file);
	if (r == 0)
		return 1;
	if (file.err == 0)
		return refused(im, found, r);
	if (file.err != -ECANCELED)
		import_skip(im, found, "%s (not imported)", strerror(-file.err));
	return file.err == -ECANCELED ? -ECANCELED : 0;
}

static int put_other(struct import *im, const struct found *found, const struct place *at, bool exists, uint64_t *ino)
{
	struct attributes a = attributes_found(found);
	char target[FS_SYMLINK_MAX + 2] = "";
	ssize_t len;
	int r;

	if (S_ISLNK(found->st->st_mode)) {
		len = readlinkat(found->dir, found->name, target, sizeof(target) - 1);
		if (len < 0) {
			import_skip(im, found, "%s (not imported)", strerror(errno));
			return 0;
		}
		target[len] = '\0';
	}
	r = exists ? fs_unlink(im->c.fs, at->parent, at->name) : 0;
	if (r == 0)
		r = attributes_make(&im->c, at, &a, target, ino);
	return r < 0 ? refused(im, found, r) : 1;
}

static int take_file(struct import *im, const struct found *found, const struct place *at, bool exists)
{
	uint64_t ino = 0;
	int r;

	if (exists && S_ISDIR(at->attr.mode)) {
		import_skip(im, found, "is a %s, and /%s in the container is a directory (not imported)",
			    type_text(found->st->st_mode), found->path);
		return 0;
	}
	r = make_link(im, found, at, exists);
	if (r != 0)
		return r < 0 ? r : 0;
	r = S_ISREG(found->st->st_mode) ? put_contents(im, found, at, exists, &ino) : put_other(im, found, at, exists, &ino);
	if (r <= 0)
		return r;
	r = remember_link(im, found, ino);
	return r < 0 ? refused(im, found, r) : put_attributes(im, found, ino);
}

int import_to_tree(struct import *im, const struct found *found, long *in)
{
	struct place at;
	int r;

	if (found->path[0] == '\0') {
		*in = FS_ROOT_INO;
		return 0;
	}
	r = look_up(im, found, &at);
	if (r < 0)
		return refused(im, found, r);
	if (S_ISDIR(found->st->st_mode))
		return enter_directory(im, found, &at, r == 1, in);
	return take_file(im, found, &at, r == 1);
}

void import_tree_end(struct import *im)
{
	struct linked *l, *next;

	HASH_ITER (hh, im->linked, l, next) {
		HASH_DEL(im->linked, l);
		free(l);
	}
}
