/*
 * import.h - what the parts of `reel import` share: the walk (cmd_import.c), and what becomes of each thing found
 * (import_tree.c, import_entries.c).
 */
#ifndef REEL_TOOLS_IMPORT_H
#define REEL_TOOLS_IMPORT_H

#include <sys/stat.h>

#include "common.h"

struct linked; /* a file with several names of which one is in the container already */

struct import {
	struct container c;
	struct stat container; /* may lie in the folder */
	struct linked *linked; /* by device and inode number of the source */
	bool incomplete;       /* something was not imported; a message says what */
};

/* Something in the folder. */
struct found {
	const char *shown; /* its path as the user knows it, for messages */
	const char *path;  /* below the folder, without a slash in front: its path in the container; empty: the folder */
	int dir;           /* the directory that it is in, and its name there, by which it is reached: paths may be too long */
	const char *name;
	const struct stat *st;
	long parent; /* what was returned for the directory it is in */
};

/*
 * Each takes one thing that was found into the container. The result of a directory is handed to what is in it as
 * `parent`. What cannot be imported gets a message with import_skip(). -ECANCELED: a signal came; any other
 * error has its message and ends the import.
 */

/* A directory before what is in it, or anything else. *in: for what is in a directory; 0: nothing in it can be imported. */
int import_to_tree(struct import *im, const struct found *found, long *in);
/* A directory after what is in it; `in` as import_to_tree() said. */
int import_tree_leave(struct import *im, const struct found *found, long in);
void import_tree_end(struct import *im);

int import_to_entries(struct import *im, const struct found *found);

/* One line that says why something is not imported. */
void import_skip(struct import *im, const struct found *found, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Reads a regular file. `err` is the first error of doing so. */
struct host_file {
	int fd;
	int err;
};
/* 0, or a negative errno value. */
int host_file_open(struct host_file *f, const struct found *found);
void host_file_close(struct host_file *f);
/* As put_source_fn: holes are left out. */
ssize_t host_file_source(void *arg, void *buf, size_t size, uint64_t *offset);
/* Reads at *offset and moves it on. */
ssize_t host_file_read(struct host_file *f, void *buf, size_t size, uint64_t *offset);

#endif
