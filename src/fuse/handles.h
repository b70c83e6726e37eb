/*
 * handles.h - open files and directories, as the kernel knows them.
 *
 * When a mount ends while files are open, the kernel does not send their RELEASE. So every open handle is in a
 * list, from which those that are left are ended before the container is closed.
 */
#ifndef REELFS_HANDLES_H
#define REELFS_HANDLES_H

#include <stdbool.h>
#include <stdint.h>

#include <fuse_lowlevel.h>

#include "fs.h"

/* One of `file` and `dir` is set. */
struct handle {
	struct fs_file *file;
	struct fs_dir *dir;
	/*
	 * Of a file that is open for writing: since when the kernel may have attributes for good that do not count what it has
	 * written since, in milliseconds of CLOCK_MONOTONIC; 0: it asks for them again and again.
	 */
	_Atomic int64_t kept_since;
	bool write_only;            /* the program that opened it may only write */
	struct handle *prev, *next; /* of the list of all; handles.c's own */
	bool writes;                /* handle_writes() */
};

/* In the list, with nothing set. NULL: no memory. Any thread. */
struct handle *handle_new(void);

/* Takes the handle out of the list and frees it; what it stood for is ended already. Any thread. */
void handle_free(struct handle *h);

static inline struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

/* It was opened for writing. Once a handle, before it is told to the kernel. */
void handle_writes(struct handle *h);

/* How many were opened for writing; whether there are any at all. Any thread. */
unsigned handles_writing(void);
bool handles_any(void);

/*
 * Commits what is buffered, if any handle is left, and ends them all. To be called when no thread handles
 * requests any more. 0, or a negative errno value: not all could be committed.
 */
int handles_end(struct fs *fs);

#endif
