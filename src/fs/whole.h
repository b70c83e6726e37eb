/*
 * whole.h - the entry at the front of a container that was written as a whole (a compaction, a repair, a new container that
 * appears filled): it says which seal ended that, so that a copy without its end is known for what it is (invariant S5).
 */
#ifndef FS_WHOLE_H
#define FS_WHOLE_H

#include "seal.h"

/* Appends it behind the superblock, where it says that the writing has not ended. *place is for whole_end(). */
int whole_begin(const struct fs_super *super, struct reel_append *a, struct reel_entry *place);
/* Amends it: the writing ends with the seal of this number, whose entry ends at `end`. */
int whole_end(const struct fs_super *super, struct reel_append *a, struct reel_entry *place, uint64_t sequence, uint64_t end);

/* The same in a container that has not yet got its name, once all is committed; synced. */
int whole_end_unnamed(const struct fs_super *super, struct reel *store, struct reel_entry *place, uint64_t sequence);

/* The one behind this superblock. False: there is none that is authentic and lies where it was written. */
bool whole_find(const struct reel_view *view, const struct fs_super *super, struct fs_whole *ret);

#endif
