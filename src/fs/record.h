/*
 * record.h - making and reading the records of a body (layout.h). Knows their form, not their
 * meaning (apply.h).
 */
#ifndef FS_RECORD_H
#define FS_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <time.h>

#include "layout.h"

struct inode;
struct data;

/*
 * A growing body. An allocation that fails is remembered in `error` and makes every later call do
 * nothing, so that it is checked once, at the end. Zeroed is empty.
 */
struct body {
	uint8_t *bytes;
	size_t len, room;
	int error;
	int file; /* body_in_file(): the descriptor, and 1; or 0 */
};

void body_free(struct body *b);

/*
 * The bytes of an empty body shall lie in a file, whose pages the kernel can write out when there is no memory for them. Takes
 * over the descriptor. Where the disk has no room they lie in memory all the same.
 */
void body_in_file(struct body *b, int fd);

/* Appends one record: its fixed part and up to two variable ones. */
void body_add(struct body *b, uint32_t type, const void *fixed, size_t size, const struct iovec *rest, int n);

void body_state(struct body *b, uint64_t next_ino);
void body_inode(struct body *b, const struct fs_record_inode *image);
void body_touch(struct body *b, uint64_t ino, uint32_t nlink, const struct timespec *now);
void body_symlink(struct body *b, uint64_t ino, const char *target);
void body_dirent(struct body *b, uint64_t parent, uint64_t ino, uint64_t cookie, const char *name, size_t len);
void body_undirent(struct body *b, uint64_t parent, const char *name, size_t len);
void body_xattr(struct body *b, uint64_t ino, const char *name, size_t name_len, const void *value, size_t len);
void body_unxattr(struct body *b, uint64_t ino, const char *name, size_t name_len);
void body_data(struct body *b, const struct fs_record_data *data, const uint32_t *sum);
void body_extents(struct body *b, uint64_t ino, uint32_t flags, const struct fs_record_extent *x, uint32_t n);

/* The attributes of an inode as a record, to be changed and added. */
struct fs_record_inode record_image(const struct inode *i);
struct fs_record_data record_of_data(const struct data *d);

static inline struct fs_time record_time(const struct timespec *t)
{
	return (struct fs_time){.sec = t->tv_sec, .nsec = (uint32_t)t->tv_nsec};
}

/* One record of a body as read. */
struct record {
	uint32_t type;
	const void *fixed;   /* aligned to 8 */
	const uint8_t *rest; /* what follows the fixed part */
	size_t rest_len;
};

/*
 * The record at *at, which moves past it. 1: got one, 0: the body's end, -EBADMSG: the bytes are
 * no record of a known type.
 */
int record_next(const uint8_t *body, size_t len, size_t *at, struct record *ret);

#endif
