/*
 * rekey.h - files whose contents other programs take for superseded.
 */
#ifndef FS_REKEY_H
#define FS_REKEY_H

#include "state.h"

/*
 * Files may share an entry of which another program has replaced or deleted the key, for one of them. That program's
 * compaction would drop it: the others get a copy of what they need, under keys that are free. Takes fs->unkeyed,
 * and empties it. At opening, with nobody else there; that it failed is logged, and no reason not to open.
 */
void rekey_contents(struct fs *fs);

#endif
