/*
 * atime.h - access times: noted in memory when something is read, written many at once (docs/DESIGN.md, T4).
 */
#ifndef FS_ATIME_H
#define FS_ATIME_H

#include "state.h"

/* fs_readlink() has read the target. Takes the tree lock. */
void atime_link_read(struct fs *fs, uint64_t ino);

/*
 * Writes all that are ahead of the container, as one transaction. Nothing happens where there are none. Takes the
 * commit lock and the tree lock.
 */
int atime_commit(struct fs *fs);
/* The same, if that inode's is. */
int atime_commit_of(struct fs *fs, const struct inode *i);

#endif
