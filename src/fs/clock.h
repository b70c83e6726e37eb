/*
 * clock.h - the time at which something is changed here. For the whole process; any thread may call these at any time.
 */
#ifndef REELFS_FS_CLOCK_H
#define REELFS_FS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Now, as coarse as the kernel's own time stamps, and no earlier than any of fs_time_seen(). */
struct timespec fs_now(void);
/* The kernel has stamped something with this time. One in the future counts for nothing. */
void fs_time_seen(const struct timespec *t);

#endif
