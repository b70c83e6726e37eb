/*
 * model.h - a file system in plain arrays, to compare the real one with. Each regular file has two sets of
 * contents: what descriptors see, and what is committed, which is what a crash leaves.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "fs.h"

#define MODEL_INODES    256
#define MODEL_NAMES     512
#define MODEL_FILE_MAX  (160u << 10)
#define MODEL_XATTRS    3
#define MODEL_XATTR_MAX 100

struct model_data {
	uint8_t *bytes; /* MODEL_FILE_MAX of them, zeros past the size */
	uint64_t size;
	struct timespec mtime;
};

struct model_inode {
	bool used;
	uint64_t ino;
	uint32_t mode, nlink, uid, gid;
	char target[64];
	struct model_data seen, committed;
	bool removed;         /* it has had names */
	bool dirty;           /* the two differ */
	struct fs_file *open; /* one descriptor at most, for writing */
	struct {
		bool set;
		uint8_t value[MODEL_XATTR_MAX];
		size_t len;
	} xattr[MODEL_XATTRS];
};

/* A name; directory and inode are indices into inodes. */
struct model_name {
	bool used;
	int dir, inode;
	char name[32];
};

struct model {
	struct model_inode inode[MODEL_INODES]; /* [0] is the root */
	struct model_name name[MODEL_NAMES];
};

void model_init(struct model *m);
void model_free(struct model *m);

/* A new inode, its attributes from `attr`. -1: no room. */
int model_add(struct model *m, const struct fs_attr *attr);
/* One name more or fewer; ends an inode that has none and is not open. */
bool model_name_add(struct model *m, int dir, const char *name, int inode);
void model_name_remove(struct model *m, struct model_name *n);
void model_settle(struct model *m, int inode);

struct model_name *model_find(struct model *m, int dir, const char *name);
int model_count(const struct model *m, int dir);
/* Whether `dir` is `inode` or below it. */
bool model_below(const struct model *m, int dir, int inode);

void model_write(struct model_inode *i, uint64_t offset, const void *data, size_t len);
void model_truncate(struct model_inode *i, uint64_t size);
/* The part of the range that lies within the file becomes zeros. */
void model_zero(struct model_inode *i, uint64_t offset, uint64_t len);
/* Bytes that `from` has; the ranges do not overlap in one file. */
void model_copy(const struct model_inode *from, uint64_t offset, struct model_inode *to, uint64_t target, uint64_t len);
/* What is seen is committed now. */
void model_commit(struct model_inode *i);
/* What is committed is all there is, and nothing is open. */
void model_crash(struct model *m);

/* Ends the test where the tree of `fs` is not the model's. */
void model_compare(struct model *m, struct fs *fs, const char *when);

#endif
