/*
 * room.h - disk space that is kept back, so that on a full disk files can still be removed and the mount ended well.
 */
#ifndef FS_ROOM_H
#define FS_ROOM_H

#include "state.h"

/*
 * To be asked before an append of about `bytes`: 0, or -ENOSPC or -EDQUOT where the disk has no room for it beside what is
 * kept back. `removes`: the append only takes something away, and may use that. What another limit than the disk's forbids
 * shows when it is written. fs.commit held.
 */
int room_for(struct fs *fs, uint64_t bytes, bool removes);

/* To be told of an append that had no room although room_for() was 0. */
void room_missing(struct fs *fs, bool removes);

#endif
