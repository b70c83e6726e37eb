/*
 * paths.h - paths in a container that holds a file system: finding, listing, making directories.
 * Relies on src/fs/fs.h. Prints nothing.
 */
#ifndef REEL_TOOLS_PATHS_H
#define REEL_TOOLS_PATHS_H

#include "common.h"

/* Where a path leads. */
struct place {
	uint64_t parent;            /* 0: the root itself, or the directory does not exist either */
	char name[FS_NAME_MAX + 1]; /* in `parent` */
	struct fs_attr attr;        /* when it exists */
};

enum links { KEEP_LAST_LINK, FOLLOW_LINKS };

/*
 * Finds `path` from the root of the tree. Empty components and "." are skipped, ".." goes up,
 * symbolic links on the way are followed, and at the end too with FOLLOW_LINKS. A path that ends
 * in '/' must be a directory. -ENOENT with ret->parent set: only the last component is missing.
 * -EXDEV: a link leads to an absolute path, which is outside the container. -ELOOP, -ENOTDIR,
 * -ENAMETOOLONG, -ENOMEM.
 */
int path_find(const struct container *c, const char *path, enum links links, struct place *ret);

/*
 * path_find(), and where there is no such path, the entry of another program that has `path` as its
 * key: the tree shows it in the root under its hash.
 */
int path_find_entry(const struct container *c, const char *path, enum links links, struct place *ret);

/* Directories made on the way to a file, so that they can be taken back when making the file fails. */
struct made {
	struct made_dir {
		uint64_t parent;
		char name[FS_NAME_MAX + 1];
	} * dir;
	size_t n;
};

/*
 * path_find(FOLLOW_LINKS) for a path about to be made: makes the directories that are missing, with
 * mode 0777 less the umask and the caller's owner. 0: it exists; -ENOENT: it does not, and
 * ret->parent is its directory. *made is to be ended with made_keep() or made_undo() in all cases.
 */
int path_find_target(const struct container *c, const char *path, enum links links, struct place *ret, struct made *made);
void made_keep(struct made *made);
void made_undo(const struct container *c, struct made *made);

/* Who the caller is, and the umask, for what is made in the tree. */
struct fs_cred caller_cred(void);

/* The names in a directory, sorted by their bytes, without "." and "..". */
struct listing {
	struct listed {
		char *name;
		uint64_t ino;
		uint32_t type; /* the type bits of mode */
	} * item;
	size_t n, room;
};

/* Reads all of a directory. *ret is to be ended with listing_free(), also after an error. */
int path_list(const struct container *c, uint64_t dir, struct listing *ret);
void listing_free(struct listing *l);

#endif
