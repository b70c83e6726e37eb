/*
 * ask.h - what the daemon of a mount says of itself to another process: whether it could write. The flags of the mount do not
 * tell, as those of mount -o remount,ro are the same as those of a container that is open for reading only.
 */
#ifndef REELFS_ASK_H
#define REELFS_ASK_H

#include <sys/types.h>

/* An ioctl on a directory of the mount, without an argument. Older daemons refuse it. */
#define ASK_WRITABLE 0x7267u

enum ask_answer {
	ASK_UNKNOWN,   /* it is an older one, or another file system */
	ASK_WRITES,    /* the container is open for writing */
	ASK_READS,     /* for reading */
	ASK_FAILED,    /* for writing, but nothing more is written */
	ASK_NO_DAEMON, /* it has ended */
};

/* Asks the one that serves `mountpoint`. `owner`: who mounted, for whom alone it may answer. */
enum ask_answer ask_writable(const char *mountpoint, uid_t owner, gid_t group);

#endif
