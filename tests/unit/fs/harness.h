/*
 * harness.h - what the tests of src/fs share: a container in a folder of its own, short forms of the
 * calls of fs.h by path, and the whole tree as text, so that two states can be compared at once.
 * Every function ends the test when something unexpected happens, unless it returns a result.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs.h"
#include "reel.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

extern char h_dir[4096];             /* the folder */
extern char h_path[4200];            /* the container in it */
extern struct fs *h_fs;              /* it is open here, or NULL */
extern struct fs_options h_options;  /* for h_open(); set back at each set-up */
extern const struct fs_cred h_owner; /* of what the short forms make: 1000, 1001 */

/* A checked fixture: an open, empty file system. */
void h_setup(void);
void h_teardown(void);
/* The same, after comparing the tree with what it is when opened again. */
void h_teardown_same(void);

void h_open(void);
void h_close(void);
/* Closes and opens. */
void h_again(void);
/* As the process were killed now: goes on with the file as it is on disk, and drops the rest. */
void h_crash(void);
/* A copy of h_fs as it would be if the process were killed now, read-only; to be closed. */
struct fs *h_killed(void);
/* fs_open() of any container, read-only or not; the messages are kept for h_messages(). */
int h_try(const char *path, bool read_only, struct fs **ret);
/* The messages since the last opening. */
const char *h_messages(void);
void h_keep_message(const char *text);
void h_forget_messages(void);
/* A path in the folder; valid until the eighth call after. */
const char *h_beside(const char *name);

/* --- files beneath -------------------------------------------------------------------------------- */

uint8_t *h_load(const char *path, size_t *size);
void h_store(const char *path, const void *data, size_t size);
void h_copy(const char *from, const char *to);
size_t h_size(const char *path);
/* Whether the file is these bytes. */
bool h_is(const char *path, const void *data, size_t size);
void h_flip(const char *path, size_t at);

/* --- by path, in `fs` --------------------------------------------------------------------------------- */

/* Where the last component of the path is or would be. */
uint64_t h_parent(struct fs *fs, const char *path, char name[FS_NAME_MAX + 1]);
int h_stat(struct fs *fs, const char *path, struct fs_attr *ret);
uint64_t h_ino(struct fs *fs, const char *path);
uint32_t h_links(const char *path); /* in h_fs */
bool h_exists(struct fs *fs, const char *path);
int h_mkdir(struct fs *fs, const char *path);
int h_unlink(struct fs *fs, const char *path);
int h_rmdir(struct fs *fs, const char *path);
int h_rename(struct fs *fs, const char *from, const char *to, unsigned flags);
int h_link(struct fs *fs, const char *from, const char *to);
int h_symlink(struct fs *fs, const char *target, const char *path);
int h_truncate(struct fs *fs, uint64_t ino, uint64_t size);
/* A file that did not exist, or one that did, with just these contents, committed and closed. */
void h_put(struct fs *fs, const char *path, const void *data, size_t len);
void h_puts(struct fs *fs, const char *path, const char *text);
/* What a file holds; *len excludes a NUL byte that follows. */
uint8_t *h_get(struct fs *fs, const char *path, size_t *len);
/* The `size` bytes of an inode, or *error. */
uint8_t *h_get_inode(struct fs *fs, uint64_t ino, size_t size, int *error);
void h_expect(struct fs *fs, const char *path, const void *data, size_t len);
void h_expects(struct fs *fs, const char *path, const char *text);

/* The same after a kill, and h_check(). */
void h_expect_killed(const char *path, const void *data, size_t len);

/* The value of a key in h_fs as another program reads it; to be freed. NULL: there is none. */
uint8_t *h_by_key(const char *key, size_t *len);
bool h_key_exists(const char *key);

/* --- open files ------------------------------------------------------------------------------------------ */

/* Opens, made first if it is not there, for reading and writing. The lookup count is given back. */
struct fs_file *h_file(struct fs *fs, const char *path, int flags);
int h_write(struct fs_file *f, uint64_t offset, const void *data, size_t len);
/* As the kernel writes back what it has cached. */
int h_write_back(struct fs_file *f, uint64_t offset, const void *data, size_t len);
/* The bytes read, or an error. */
ssize_t h_read(struct fs_file *f, uint64_t offset, void *buf, size_t size);
/* Flushes as close(2) does, and releases. */
int h_end(struct fs_file *f);

/* --- the whole tree --------------------------------------------------------------------------------------- */

/* Every name with all that is known of its inode but the access time; a line for each, sorted. */
char *h_tree(struct fs *fs);
/* The file in h_fs is these bytes now, after a crash, and after closing and opening; and h_check(). */
void h_expect_for_good(const char *path, const void *data, size_t len);
/* The same of a container that is opened read-only for it. NULL: it cannot be opened (*error). */
char *h_tree_of(const char *path, int *error);
/* Compares, and shows the first line that differs. */
void h_same(const char *is, const char *expected, const char *when);
/* fs_check() finds nothing. */
void h_check(struct fs *fs);
/* Its faults; the texts are kept for h_messages(). */
int64_t h_faults(struct fs *fs);

/* Bytes that differ from place to place and from seed to seed, none of them in a long row of zeros. */
void h_fill(void *buf, size_t len, uint64_t seed);
/* `len` of them, and one more byte of room; to be freed. */
uint8_t *h_random(size_t len, uint64_t seed);

/* What another program's compaction does: all live entries, newest first, into a new file. */
void h_compact(const char *from, const char *to);

/* The main function of a test program. */
int h_main(Suite *suite);

#endif
