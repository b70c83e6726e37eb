/*
 * room.h - disk space that is kept back, so that on a full disk files can still be removed and the mount ended well.
 */
#ifndef FS_ROOM_H
#define FS_ROOM_H

#include "state.h"

/* Before all others. */
void room_begin(struct fs *fs);

/*
 * To be asked before an append of about `bytes`: 0, or -ENOSPC or -EDQUOT where the disk has no room for it beside what is
 * kept back and what is promised, or -EFBIG where the limit on the size of files has none. `promised`: what of the promises
 * is for this append. `removes`: the append only takes something away, and may use all of that. fs.commit held.
 */
int room_for(struct fs *fs, uint64_t bytes, uint64_t promised, bool removes);

/*
 * Room is promised before data is taken in (invariant D7): to be asked before `bytes` become dirty. 0, or an error as
 * room_for(), of which the user is told. fs.commit not held, open_state.io held for writing.
 */
int room_promise(struct fs *fs, struct open_state *o, uint64_t bytes);
/* What is promised for the inode becomes what its buffer needs now. open_state.io held for writing, or nobody has it. */
void room_settle(struct fs *fs, struct open_state *o);

/* Gives the disk back what was allocated for data that was dropped. fs.commit held. */
void room_trim(struct fs *fs);

/* Tells the user that `need` bytes had no room beside the container, unless that was told; returns the error. fs.commit not
 * held. */
int room_tell(struct fs *fs, int error, uint64_t need);

/* Whether the error is one of those. */
bool room_error(int error);

/* To be told of an append that had no room although room_for() was 0, with the error. fs.commit held. */
void room_missing(struct fs *fs, int error, bool removes);

#endif
