/*
 * picture.h - all that can be seen in a container, as text, so that two states can be compared at once: the
 * whole tree of a file system, or the live keys of a store. What cannot be read is in it as an error.
 */
#ifndef CRASH_PICTURE_H
#define CRASH_PICTURE_H

#include <stdbool.h>

#include "fs.h"
#include "reel.h"

/*
 * Every name in the order of readdir, with its inode's attributes (access times excepted), xattrs and contents; numbers of
 * inodes and times only if `exact`.
 */
char *picture_of_tree(struct fs *fs, bool exact);

/* Every live entry in the order of the container: hash of the key, length and hash of the value. */
char *picture_of_store(struct reel *r);

/* Prints the first line in which the two differ. */
void picture_difference(const char *is, const char *expected);

#endif
