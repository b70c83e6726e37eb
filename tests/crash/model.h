/*
 * model.h - what a worker of the kill loop knows of its own directory: names, inodes, and of each file the contents
 * that are committed and those that may be. Knows nothing of the file system under test and makes no system call
 * on it.
 */
#ifndef CRASH_MODEL_H
#define CRASH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	NAME_SIZE = 8,
	NAMES_MAX = 160,
	XATTRS = 3,
	XATTR_MAX = 200,
	VERSIONS_MAX = 8,
	TARGET_MAX = 32,
};

struct version {
	uint8_t *bytes;
	size_t size;
};

struct node {
	unsigned id; /* for messages; never used again */
	mode_t mode; /* type and permissions */
	unsigned nlink;
	unsigned slots; /* descriptors open for writing */
	char target[TARGET_MAX];
	struct {
		bool set;
		size_t len;
		uint8_t value[XATTR_MAX];
	} xattr[XATTRS];
	/* A file's contents: [0] is committed, what follows came since. */
	struct version version[VERSIONS_MAX];
	int versions;
};

struct name {
	struct node *dir, *child; /* child NULL: the slot is free */
	char name[NAME_SIZE];
};

struct model {
	struct node root;
	struct name name[NAMES_MAX];
	int names;
};

/* SplitMix64: each state gives one number, and the next state. */
uint64_t next_random(uint64_t *state);
void fill_random(uint8_t *buf, size_t len, uint64_t seed);

/* Every function below ends the program where there is no memory. */
struct node *node_new(mode_t mode);
void node_settle(struct node *n); /* frees it when nothing refers to it */
size_t node_size(const struct node *n);
/* A version of its own to change; room for `size` bytes, zero where there were none. */
struct version *node_change(struct node *n, size_t size);
/* Of the newest version these bytes are committed; what O_SYNC promises, beside other descriptors that write without it. */
void node_commit_range(struct node *n, size_t offset, size_t size);
/* The newest version is committed. */
void node_commit(struct node *n);

struct name *model_find(struct model *m, const struct node *dir, const char *name);
void model_add(struct model *m, struct node *dir, const char *name, struct node *child);
void model_remove(struct name *n);
int model_count(const struct model *m, const struct node *dir); /* names in it */
int model_total(const struct model *m);                         /* names in all */
/* The name by which a directory is known; NULL: it is the root. */
struct name *model_name_of(struct model *m, const struct node *dir);
/* Whether `dir` is `above` or below it. */
bool model_below(struct model *m, const struct node *dir, const struct node *above);
/* The path of a name in a directory, which begins with `top`. */
void model_path(struct model *m, const char *top, const struct node *dir, const char *name, char *buf, size_t size);

/* 0 when the directory `top` is the model; otherwise `why` says what is not. */
int model_compare(struct model *m, const char *top, char *why, size_t size);
/* What is there now is committed: contents of which several were possible are taken from `top`. */
void model_adopt(struct model *m, const char *top);

#endif
