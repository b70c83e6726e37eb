/*
 * syncer.h - the one thread of src/fs: every few seconds it commits what open files have unwritten, syncs the container when
 * there is something to sync, writes a checkpoint when a replay would otherwise grow long, and looks whether the
 * container still has a name.
 */
#ifndef FS_SYNCER_H
#define FS_SYNCER_H

#include "state.h"

/* Does nothing when options.sync_interval_s is 0. */
int syncer_start(struct fs *fs);
void syncer_stop(struct fs *fs);

/* One round of it, which anybody may make. What single files could not be written for is told, and no error here. */
int syncer_round(struct fs *fs);

#endif
