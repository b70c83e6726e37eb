/*
 * contents.h - committing what was written to a file.
 */
#ifndef FS_CONTENTS_H
#define FS_CONTENTS_H

#include "state.h"

/*
 * Appends the unwritten data and attributes of an open file as one transaction. Does nothing where
 * there are none, nor for a file without names (its data would be dead at once) unless `as` says why.
 * open_state.io held for writing. After an error the data is still buffered.
 */
struct contents_as {
	const char *path; /* that the file is about to get; NULL: none is known */
};
int contents_commit(struct fs *fs, struct open_state *o, const struct contents_as *as);

/*
 * Of a file that stays open: the unwritten bytes from offset *from on, at most PLAN_PIECE (plan.h), as one transaction; the
 * others stay buffered. *from becomes the end of what was taken. Returns how many bytes were committed, 0 when there is
 * nothing more to do now, or an error. open_state.io held for writing.
 */
int contents_commit_piece(struct fs *fs, struct open_state *o, uint64_t *from);

/*
 * Hands [offset, offset + len) of what is beneath the buffer to a sink, holes as zero bytes, after
 * checking it. open_state.io held.
 */
int contents_stream_base(struct fs *fs, struct open_state *o, uint64_t offset, uint64_t len,
			 int (*sink)(void *arg, const void *data, size_t len), void *arg);

/* The same of [offset, offset + len) of the payload of an entry that the inode uses. */
int contents_stream_data(struct fs *fs, struct inode *i, struct data *d, uint64_t offset, uint64_t len,
			 int (*sink)(void *arg, const void *data, size_t len), void *arg);

/* data_check() with a message that names the file. */
int contents_check(struct fs *fs, struct inode *i, struct data *d, uint64_t offset, uint64_t len);

/* Tells, not too often, that [offset, offset + len) of the payload could not be read. */
void contents_tell_unread(struct fs *fs, struct inode *i, const struct data *d, uint64_t offset, uint64_t len);

/* Bytes of zeros for reading holes from. */
#define ZEROS_SIZE (1u << 16)
extern const uint8_t contents_zeros[ZEROS_SIZE];

#endif
