/*
 * attributes.h - what a file, link or directory is besides its contents, put into a tree: what copy and
 * import share.
 * Relies on paths.h. Prints nothing.
 */
#ifndef REEL_TOOLS_ATTRIBUTES_H
#define REEL_TOOLS_ATTRIBUTES_H

#include "common.h"
#include "paths.h"

struct attributes {
	uint32_t mode; /* type and permissions */
	uint32_t uid, gid;
	uint64_t rdev;
	struct timespec atime, mtime;
};

/* Those of an inode in a container. */
struct attributes attributes_of(const struct fs_attr *attr);

/* Gives the inode mode, owner and times. Of a symbolic link the mode stays. */
int attributes_put(const struct container *c, uint64_t ino, const struct attributes *a);

/* Makes a directory, link (to `target`), fifo, socket or device at the free name `at`; its attributes are still to be put. */
int attributes_make(const struct container *c, const struct place *at, const struct attributes *a, const char *target,
		    uint64_t *ino);

/* Where extended attributes come from: as listxattr(2) and getxattr(2), with negative errno values. */
struct xattr_source {
	ssize_t (*list)(void *arg, char *buf, size_t size);
	ssize_t (*get)(void *arg, const char *name, void *buf, size_t size);
	void *arg;
};

/*
 * Gives the inode the source's extended attributes. Goes on after one that cannot be had or kept; returns the first
 * error, and the name it belongs to in `failed`, empty where it belongs to all.
 */
int attributes_put_xattrs(const struct container *c, uint64_t ino, const struct xattr_source *from,
			  char failed[FS_NAME_MAX + 1]);

/* Those of an inode in a container; `in` must stay valid. */
struct xattr_inode {
	struct fs *fs;
	uint64_t ino;
};
struct xattr_source xattrs_of_inode(struct xattr_inode *in);

#endif
