/*
 * import.h - entries that other programs wrote into a container become part of the tree.
 */
#ifndef FS_IMPORT_H
#define FS_IMPORT_H

#include "state.h"

/*
 * Entries after the container offset `after` (0: all live ones) are made into files, in memory and as
 * records in fs->import, which the first transaction takes along:
 *  - a newer entry under the key or the path of a known file is that file's new contents;
 *  - a tombstone for it removes it;
 *  - anything else appears in the root directory under its key hash as 16 hex digits.
 */
int fs_import(struct fs *fs, uint64_t after);
/* The same for entries between two container offsets. */
int fs_import_between(struct fs *fs, uint64_t after, uint64_t end);

/*
 * Another program compacted a container with a file system: all positions have changed. Replays it by keys.
 * -ENOENT: there is no file system in it.
 */
int moved_load(struct fs *fs);

#endif
