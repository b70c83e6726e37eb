/*
 * attr.h - attributes as the system calls tell them.
 */
#ifndef FS_ATTR_H
#define FS_ATTR_H

#include "state.h"

/* What stat(2) tells of an inode now, unwritten changes included. Tree lock held. */
void attr_fill(struct inode *i, struct fs_attr *ret);

/*
 * The inode's record as of now, unwritten size and times included where there are some and `all` is set.
 * Tree lock held.
 */
struct fs_record_inode attr_image(struct inode *i, bool all);

/*
 * A transaction has the open state's changes: they are the inode's now, all of them or, if there is a `rest`, just what was cut
 * and punched. Tree lock held for writing.
 */
void attr_committed(struct fs *fs, struct open_state *o, bool rest);

/*
 * What a change of the contents takes away: the attribute security.capability, and set-id bits, as `kill` says (enum
 * fs_kill). A transaction of its own, if there is anything to take away.
 */
int attr_kill_priv(struct fs *fs, struct inode *i, unsigned kill);

#endif
