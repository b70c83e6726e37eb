/*
 * turns.h - commits of all that is open.
 */
#ifndef FS_TURNS_H
#define FS_TURNS_H

#include "state.h"

/* Commits the unwritten data of every open file that has a name. Returns the first error. */
int turns_commit_all(struct fs *fs);

/*
 * The same of files that stay open: one after the other and in pieces, so that nobody waits long; ends with what was
 * unwritten at the beginning, however much comes meanwhile. Errors are told, and the bytes stay buffered. `handed`: the
 * kernel has handed over all that it had when open_handing() was called. Returns whether anything was left out because it
 * cannot be told yet whether a gap before it is a hole.
 */
bool turns_commit(struct fs *fs, bool handed);

#endif
