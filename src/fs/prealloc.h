/*
 * prealloc.h - what fallocate(2) has allocated of a file and nobody has written yet.
 */
#ifndef FS_PREALLOC_H
#define FS_PREALLOC_H

#include "state.h"

/*
 * The holes of [start, end), in whole blocks of 4096 bytes up to the end of the file, count as allocated from now on.
 * open_state.io held for writing, in both.
 */
void prealloc_add(struct open_state *o, uint64_t start, uint64_t end);
/* [start, end) was written, punched or cut off. */
void prealloc_remove(struct open_state *o, uint64_t start, uint64_t end);

/* How many bytes these are. The tree lock held, and open_state.attr if the inode is open. */
uint64_t prealloc_bytes(const struct inode *i);

#endif
