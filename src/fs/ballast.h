/*
 * ballast.h - memory that is held for the moment in which a change is in the container and the tree has to follow (T1).
 */
#ifndef FS_BALLAST_H
#define FS_BALLAST_H

#include "state.h"

/* Before the body is appended: -ENOMEM where applying it may want more memory than can be held. fs.commit held. */
int ballast_take(struct fs *fs, const struct body *body);

/* Gives it back to the allocator. False: there is none. */
bool ballast_drop(struct fs *fs);

#endif
