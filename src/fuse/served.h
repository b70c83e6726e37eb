/*
 * served.h - tells when what the kernel has been made to write out has been served.
 *
 * syncfs(2) on a FUSE file system may return while the WRITE requests that it has made wait in the kernel's queues: newer
 * kernels wait only until all of them have been queued. A request that a descriptor's close makes (RELEASEDIR) goes through
 * the same queue: when it comes, everything before it has been taken from the kernel. The keeper marks such a directory
 * (keeper.h, M4).
 */
#ifndef REELFS_SERVED_H
#define REELFS_SERVED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* --- for wire.c, in the threads that take requests ------------------------------------------------------------- */

/*
 * A WRITE was taken, or a request that shortens a file: as long as that is under way, the kernel holds back the file's WRITEs.
 * Returns a number for served_answered().
 */
unsigned served_taken(bool shortens);

/* `lost`: it was one of the kernel's cache, so nobody waits for the answer that it failed. */
void served_answered(unsigned number, bool lost);

/* An ioctl, and the end of a directory, were taken; fh tells the open directory. */
void served_ioctl(uint64_t fh, uint32_t command, uint64_t argument);
void served_releasedir(uint64_t fh);

/* --- for who has the kernel write out -------------------------------------------------------------------------- */

/* From now on the mark with this token is waited for, and none before it. */
void served_expect(uint64_t token);

/*
 * Waits until the marked directory's end was taken and all counted requests taken before it have been answered, or until
 * `deadline` (CLOCK_MONOTONIC). 0, -ETIMEDOUT, or -ENOENT: there has been no mark, so it was not this file system that was
 * marked.
 */
int served_wait(const struct timespec *deadline);

/* Nothing more will be served: whoever waits gets -ETIMEDOUT. */
void served_end(void);

/* Taken so far: WRITEs, how many of them were `lost`, and requests that shorten a file. */
unsigned long served_writes(void);
unsigned long served_lost(void);
unsigned long served_shortenings(void);

#endif
