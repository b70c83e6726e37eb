/*
 * keeper.h - the process "reelfs-keeper", which reaches the mount from inside, wherever it is, for the daemon.
 *
 * It holds a clone of the mount (clone.h). On request it has the kernel write out what it has cached for the file system.
 * When the last mount that the namespace sees has gone, and nothing is open any more, it gives up the clone, so that the file
 * system ends as if there were none (M2).
 *
 * Why a process (M1): who waits in the kernel for the file system to answer cannot be killed before the connection has
 * gone. A thread of the daemon that waits so would keep the daemon from ending, when it is killed or crashes, and with
 * it the connection and the container's lock. The keeper has none of the daemon's descriptors: it hears of the
 * daemon's death from the kernel, which ends the connection, and then from the socket.
 */
#ifndef REELFS_KEEPER_H
#define REELFS_KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/*
 * The keeper marks a place in the stream of requests: an open directory of the file system gets this ioctl with
 * a token as argument, then the kernel is made to write, then the directory is closed.
 */
#define KEEPER_MARK 0x7266u

struct keeper;

/*
 * Starts the process. To be called while this one has a single thread, and before it opens what must not live
 * longer than itself. NULL: there is none (logged), and the functions below fail. auto_unmount: it unmounts when the daemon has
 * ended without that, and goes by another name, so that who kills all that is called reelfs leaves it. (libfuse leaves this to
 * fusermount3, which as root may not look into a user's mount.)
 */
struct keeper *keeper_start(bool auto_unmount);

/* For each file or directory of the mount that is opened (1) or closed (-1): while any is open the clone is kept. NULL is
 * allowed. */
void keeper_count(struct keeper *k, int change);

/* The file system `dev` has been mounted at `path`: it is to be cloned. 0, or a negative errno value. */
int keeper_mounted(struct keeper *k, const char *path, dev_t dev);

enum keeper_sync {
	KEEPER_MARKS, /* only marks a directory and closes it */
	KEEPER_SYNCS, /* has the kernel send what it has cached in between */
	KEEPER_ENDS,  /* likewise; the mount is about to be unmounted, so for want of a clone it may be kept busy */
};

/*
 * Marks a directory of the mount with `token`, and so on. 0, or a negative errno value: -ETIMEDOUT when it takes longer than
 * until `deadline` (CLOCK_MONOTONIC), -ENXIO when the keeper has no way into the mount.
 */
int keeper_sync(struct keeper *k, uint64_t token, enum keeper_sync how, const struct timespec *deadline);

/* The clone is given up; keeper_sync() fails from now on. */
void keeper_release(struct keeper *k);

/* Ends the process and waits for it; to be called when the connection has been closed. NULL is allowed. */
void keeper_stop(struct keeper *k);

#endif
