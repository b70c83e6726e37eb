/*
 * shared.h - the entries that have bytes in several files, or in one file several times, and which bytes of them are
 * needed at all. For compaction, which writes each of these bytes once.
 */
#ifndef FS_SHARED_H
#define FS_SHARED_H

#include "ranges.h"
#include "tree.h"

/* A run of needed bytes of a payload, and how many needed ones lie before it. */
struct shared_part {
	uint64_t start, end, before;
};

/* An entry with extents of two inodes or more, or with extents that overlap in it. */
struct shared {
	struct data *data;
	struct inode *whole; /* a file that is all of the needed bytes and nothing else; or NULL */
	struct shared_part *part;
	size_t parts;
	uint64_t bytes;    /* in all parts */
	bool copied;       /* for the caller: `position` is set */
	uint64_t position; /* for the caller: where the copy lies */

	/* While such entries are being found. */
	struct inode *first;  /* that has an extent of it */
	struct ranges needed; /* these become the parts */
	bool is_shared;
};

/* Zeroed is empty. */
struct shared_set {
	struct table by_position; /* of the data */
};

/* Tree lock held, or nobody else there. -ENOMEM. Ends with shared_free(), whatever it returns. */
int shared_find(const struct tree *t, struct shared_set *ret);
void shared_free(struct shared_set *set);

/* NULL: each byte of it is in one place at most. */
static inline struct shared *shared_get(const struct shared_set *set, const struct data *d)
{
	return table_get(&set->by_position, d->position);
}

/* Where the needed byte `offset` of the payload lies when only the needed ones are copied, one range after another. */
uint64_t shared_offset(const struct shared *s, uint64_t offset);

#endif
