/*
 * room.h - disk space that is kept back, so that on a full disk files can still be removed and the mount ended well.
 */
#ifndef FS_ROOM_H
#define FS_ROOM_H

#include "state.h"

/*
 * To be asked before an append of about `bytes`: 0, or -ENOSPC or -EDQUOT where the disk has no room for it beside what is
 * kept back, or -EFBIG where the limit on the size of files has none. `removes`: the append only takes something away, and
 * may use that. fs.commit held.
 */
int room_for(struct fs *fs, uint64_t bytes, bool removes);

/*
 * To be asked before data is taken in for which `need` bytes of disk will be needed: 0, or -ENOSPC, of which the user is told.
 * fs.commit not held.
 */
int room_for_data(struct fs *fs, uint64_t need);

/* Whether the error is one of those. */
bool room_error(int error);

/* To be told of an append that had no room although room_for() was 0, with the error. fs.commit held. */
void room_missing(struct fs *fs, int error, bool removes);

#endif
