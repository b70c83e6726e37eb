/*
 * memory.h - keeps a file system within a limit of memory (fs_options.memory): how much its buffers may take, and when the
 * tree, which is held in memory as a whole, leaves no room for more. Where there is no limit it is as if there was all the
 * memory that anything asks for.
 */
#ifndef FS_MEMORY_H
#define FS_MEMORY_H

#include "state.h"

/* What the buffers of one file, and of all together, may take. */
uint64_t memory_for_file(const struct fs_options *options);
uint64_t memory_for_files(const struct fs_options *options);
/* How many bytes of the mapping may be resident after having been read. */
uint64_t memory_for_reading(const struct fs_options *options);

/* How much may be allocated in the process while the tree is loaded; 0: no limit. More than when it grows: what was made fits.
 */
uint64_t memory_for_loading(const struct fs_options *options);

/* Whether the tree may grow by a name, an inode or an attribute of so many bytes: 0, or -ENOMEM, told once in a while. */
int memory_grow(struct fs *fs, size_t bytes);
/* So many pieces any file that there is may have: what is saved anew over an old file is not refused. */
#define MEMORY_PIECES_FREE 64
/* It has grown by a transaction of so many bytes. */
void memory_grown(struct fs *fs, size_t bytes);

/* The body of a checkpoint, which is empty, shall not add to what the tree takes, where that is much. */
void memory_for_checkpoint(struct fs *fs, struct body *body);

/* Bytes that are allocated in this process; 0: not known. */
uint64_t memory_in_use(void);

/* Of loading: the tree was found too large (tree.most). Says so with numbers. */
void memory_tell_refused(const struct fs *fs);
/* After loading: says when most of the memory is taken by what was there. */
void memory_tell_loaded(const struct fs *fs);

/* Gives back to the system what a burst of writing took and has freed. */
void memory_trim(struct fs *fs);

#endif
