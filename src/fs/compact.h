/*
 * compact.h - copying the present state of a file system into a new container.
 */
#ifndef FS_COMPACT_H
#define FS_COMPACT_H

#include "state.h"

/*
 * Makes the container `path` of the tree of `from`, in place of one that is there if `replace` is set. It gets the
 * identity `super`, or a new one (NULL). *size gets its length. Errors as create_container(); -EIO: contents are damaged.
 */
int compact_to(struct fs *from, const char *path, bool replace, const struct fs_super *super, uint64_t *size);

#endif
