/*
 * failing.h - a disk whose calls fail as they are told to, over another one. Calls that cannot fail in the way that is
 * wanted are not counted, so that each number is one fault.
 */
#ifndef FAULTS_FAILING_H
#define FAULTS_FAILING_H

#include <stdbool.h>

#include "disk.h"

enum fault {
	FAULT_IO,          /* EIO */
	FAULT_ROOM,        /* ENOSPC, of what takes room */
	FAULT_INTERRUPTED, /* EINTR, of what a signal can interrupt */
	FAULT_SHORT,       /* writes take half of what they are given, reads of a spill file give half */
	FAULT_NOTHING,     /* and none of it */
	FAULT_KINDS,
	FAULT_MEMORY = FAULT_KINDS, /* no fault of the disk, but an allocation that fails (memory.h) */
};

struct failing {
	struct disk_ops ops; /* first: what the store is given */
	const struct disk_ops *below;
	enum fault fault;
	unsigned long at;   /* the call that fails, from 1; 0: none */
	bool for_ever;      /* and all after it */
	const bool *paused; /* while it is true no call fails, or is counted; may be NULL */
	const bool *dead;   /* while it is true all of them fail; may be NULL */
	unsigned long calls;
	const char *failed; /* the first call that did, by name; NULL: none */
	bool nameless;      /* its file had no name any more, as a container that a compaction has replaced */
};

void failing_begin(struct failing *f, const struct disk_ops *below, enum fault fault, unsigned long at, bool for_ever);
void failing_end(struct failing *f);
/* No call of any disk fails, or is counted, while it is on. */
void failing_pause(bool on);

/* In place of the system calls that the write buffer makes on spill files (spilled.h): the disk begun last counts them. */
int spilled_openat(int dir, const char *path, int flags, mode_t mode);
ssize_t spilled_pwrite(int fd, const void *data, size_t len, off_t offset);
ssize_t spilled_pread(int fd, void *data, size_t len, off_t offset);
int spilled_fallocate(int fd, int mode, off_t offset, off_t len);

#endif
