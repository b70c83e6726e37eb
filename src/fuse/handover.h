/*
 * handover.h - has the kernel hand over what it has cached of open files, while the mount runs and when it ends, and ends the
 * mount. It knows the mount by the device of its file system and reaches it through the keeper (keeper.h).
 */
#ifndef REELFS_HANDOVER_H
#define REELFS_HANDOVER_H

#include <stdbool.h>

struct fuse_session;

/*
 * Starts the keeper: to be called first, while the process has a single thread. Without it the mount works all the same.
 * auto_unmount: the mount is to go when this process is killed.
 */
void handover_start(bool auto_unmount);

/* se has just been mounted at `path`, which stays in place until handover_stop(); the loop has not begun. */
void handover_mounted(struct fuse_session *se, const char *path);

/* A file or directory was opened (1) or closed (-1). Any thread. */
void handover_count(int change);

/* fs_hand_over_fn: for seconds at most; does nothing, and returns false, where there is no clone of the mount. */
bool hand_over(void *mount);

/*
 * Ends the mount while the loop runs: has everything handed over that the kernel holds, unmounts, wherever it is now, this
 * file system and nothing else, and has what came meanwhile handed over, too. False, and logged: something may not have been
 * stored, or is still mounted.
 */
bool handover_end(void);

/* The loop has ended by itself: whether the file system is mounted here all the same. */
bool handover_is_left(void);

/* The loop has ended by itself: unmounts what may still be mounted. As handover_end() otherwise. */
bool handover_unmount(void);

/* Nothing is served any more: whoever waits in hand_over() returns. */
void handover_close(void);

/* Ends the keeper. To be called when the connection to the kernel has been closed. */
void handover_stop(void);

#endif
