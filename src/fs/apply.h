/*
 * apply.h - what the records mean: the one way in which the tree in memory changes, in a running
 * mount after the transaction was appended and in a replay alike (invariant T1).
 */
#ifndef FS_APPLY_H
#define FS_APPLY_H

#include "tree.h"

/*
 * Applies all records of a body. `limit`: contents lie below this container offset. -EBADMSG: a
 * record contradicts the tree (the tree is then half changed); *bad gets its offset in the body.
 * The caller holds the tree lock for writing.
 */
int apply_body(struct tree *t, const uint8_t *body, size_t len, uint64_t limit, size_t *bad);

/* One record of it. -EBADMSG: it contradicts the tree, and may be applied in part. */
struct record;
int apply_record(struct tree *t, const struct record *rec, uint64_t limit);

/* After a replay: ends the inodes that have no name: they were open when their writer ended. As apply_finish(). */
int apply_drop_unnamed(struct tree *t, uint64_t *bad);

/*
 * After a replay: apply_drop_unnamed(), then checks that the tree is one: every
 * directory has one name and is reached from the root, link counts are right, numbers not used up. -EBADMSG, with the
 * inode number in *bad.
 */
int apply_finish(struct tree *t, uint64_t *bad);

#endif
