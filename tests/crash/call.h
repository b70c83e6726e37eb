/*
 * call.h - one system call of the kill loop's workload: chosen by a random number, made, and applied to the model when
 * it has returned. A worker knows its own directory only, and nothing is shared between workers.
 */
#ifndef CRASH_CALL_H
#define CRASH_CALL_H

#include <stdio.h>

#include "model.h"

enum {
	SLOTS = 4,
	DEPTH_MAX = 4,
	FILE_MAX = 300000,
	NAMES_FULL = NAMES_MAX - 20, /* nothing is made past it */
};

enum call_kind {
	CREATE,
	OPEN,
	WRITE,
	APPEND,
	PUNCH,
	FTRUNCATE,
	TRUNCATE,
	FSYNC,
	FDATASYNC,
	CLOSE,
	MKDIR,
	RMDIR,
	UNLINK,
	RENAME,
	LINK,
	SYMLINK,
	SETXATTR,
	REMOVEXATTR,
	CHMOD,
	FSYNCDIR,
	SYNCFS,
	CALL_KINDS
};

/* Which fields mean something follows from the kind. */
struct call {
	enum call_kind kind;
	struct node *dir, *to_dir, *node;
	char name[NAME_SIZE], to_name[NAME_SIZE];
	int slot, xattr;
	bool truncate; /* open: O_TRUNC */
	bool sync;     /* create, open: O_SYNC */
	mode_t mode;
	uint64_t offset, size; /* bytes */
	uint64_t seed;         /* what the bytes written follow from */
};

struct slot {
	int fd;    /* -1: free */
	bool sync; /* O_SYNC */
	struct node *node;
};

struct worker {
	struct model model;
	struct slot slot[SLOTS];
	const char *top; /* the worker's directory */
	uint64_t random;
	uint64_t calls; /* that returned */
	FILE *log;      /* of calls, so that what a failure came from can be seen */
};

/* For messages. */
const char *call_name(enum call_kind kind);
void call_print(const struct worker *w, const struct call *c, FILE *to);

/* Whether the call that was chosen makes sense in the present state; if not, choose again. */
bool call_choose(struct worker *w, struct call *c);

/* Makes it: 0, or -1 with errno. Changes nothing in the model; a descriptor goes into its slot. */
int call_make(struct worker *w, const struct call *c);

/* It happened. */
void call_apply(struct worker *w, const struct call *c);

/* Its change to a file's data may have happened: one more version that the contents may be. */
void call_apply_doubtful(struct worker *w, const struct call *c);

/* The slot's descriptor is closed; its inode goes when it has no name and no other descriptor. */
void slot_forget(struct slot *s);

#endif
