/*
 * atime_pack.h - the packed list of access times in FS_RECORD_ATIMES (layout.h): written and read. Knows nothing
 * of the tree.
 */
#ifndef FS_ATIME_PACK_H
#define FS_ATIME_PACK_H

#include <stdbool.h>

#include "record.h"

#define ATIME_PACK_BYTES 4096

/* A list that is being written into `body`, record after record. Begins as {.body = b}. */
struct atime_pack {
	struct body *body;
	bool begun; /* `first` and what follows are a record that is not in the body yet */
	struct fs_record_atimes first;
	uint64_t ino; /* the last one */
	struct timespec time;
	size_t used;
	uint8_t bytes[ATIME_PACK_BYTES];
};

/* Inode numbers must ascend. */
void atime_pack_add(struct atime_pack *p, uint64_t ino, const struct timespec *time);
void atime_pack_end(struct atime_pack *p);

/* The list of one record that is being read. */
struct atime_unpack {
	const uint8_t *at, *end;
	uint64_t ino;
	struct timespec time;
};

/* -EBADMSG: the time that the list begins with is none. `rest` is what the record carries. */
int atime_unpack_begin(struct atime_unpack *u, const struct fs_record_atimes *first, const uint8_t *rest, size_t len);
/* 1: u->ino and u->time are the next ones, 0: the end, -EBADMSG: the bytes are no such list. */
int atime_unpack_next(struct atime_unpack *u);

#endif
