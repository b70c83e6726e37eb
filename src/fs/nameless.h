/*
 * nameless.h - a container that was removed, or over which another file was moved, while it is open: all goes on
 * working, and all of it is lost at the end. The user is told while the bytes can still be copied.
 */
#ifndef FS_NAMELESS_H
#define FS_NAMELESS_H

#include "state.h"

/* Logs once that no name leads to the container, with the command that saves it. Called by one thread. */
void nameless_warn(struct fs *fs);

/* -ESTALE: what was written is gone at the end, which is logged. Nothing else uses `fs` any more. */
int nameless_close(struct fs *fs);

#endif
