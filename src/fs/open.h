/*
 * open.h - inodes that are open: what their descriptors see that no transaction has yet.
 */
#ifndef FS_OPEN_H
#define FS_OPEN_H

#include "state.h"

/* The open state of an inode, made if there is none; one more user. Tree lock held for writing. */
int open_get(struct fs *fs, struct inode *i, struct open_state **ret);
/* One user less; at the last one frees the state, and the inode if nothing else keeps it. */
void open_put(struct fs *fs, struct open_state *o);
/* open_get() by inode number, for regular files; takes the tree lock itself. -ENOENT, -EISDIR, -EINVAL. */
int open_hold(struct fs *fs, uint64_t ino, struct open_state **ret);

/* The size that descriptors see. open_state.io held. */
uint64_t open_size(const struct open_state *o);
/* The extents beneath the write buffer. open_state.io held. */
const struct extents *open_base(const struct open_state *o);

/* Whether it is open for writing. Takes the tree lock. */
bool open_has_writers(struct fs *fs, struct open_state *o);
/* Whether any inode is open for writing. Takes the tree lock. */
bool open_any_writers(struct fs *fs);
/*
 * Before the kernel is asked to hand over what it has cached: notes how far each file is known here. Once it has done so,
 * open_handed() says of each that up to there nothing is missing (W1). open_handing() takes the tree lock;
 * open_handed(): open_state.io held for writing.
 */
void open_handing(struct fs *fs);
void open_handed(struct open_state *o);
/* Whether the inode has a name. Takes the tree lock. */
bool open_has_name(struct fs *fs, struct open_state *o);

/*
 * The first run of bytes at or past `offset`, without what lies before it, that are written or in an extent: *start to
 * *end. What follows it may be such a run as well. False: from there on all is a hole. open_state.io held.
 */
bool open_next_data(const struct open_state *o, uint64_t offset, uint64_t *start, uint64_t *end);
/* How many bytes of [start, end) are no hole. open_state.io held. */
uint64_t open_data_bytes(const struct open_state *o, uint64_t start, uint64_t end);

/*
 * Sets size (if not NULL) and, unless the caller of fs.h stamps files itself, mtime and ctime, as descriptors see them;
 * `filled` bytes of holes have become data. open_state.io held for writing.
 */
void open_change(struct fs *fs, struct open_state *o, const uint64_t *size, uint64_t filled, const struct timespec *now);
/* The same for single times; NULL ones stay. */
void open_change_times(struct fs *fs, struct open_state *o, const struct timespec *atime, const struct timespec *mtime,
		       const struct timespec *ctime);

/*
 * Makes [start, end) of the working contents a hole, in the buffer and in what is beneath. The caller sets size and
 * times after it. open_state.io held for writing; takes the tree lock.
 */
int open_punch(struct fs *fs, struct open_state *o, uint64_t start, uint64_t end);

/* Notes whether what is written of it could not be stored. open_state.io held for writing. */
void open_set_failing(struct fs *fs, struct open_state *o, bool failing);
/* Drops what no transaction has. open_state.io held for writing. */
void open_revert(struct fs *fs, struct open_state *o);

#endif
