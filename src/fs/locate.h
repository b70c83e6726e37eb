/*
 * locate.h - where the valid tail of a container with a file system lies, also after a crash, and
 * where its newest seal is. Reads raw bytes only; what it may believe is in docs/DESIGN.md, "Opening".
 */
#ifndef FS_LOCATE_H
#define FS_LOCATE_H

#include "whole.h"

/* Filled by locate_tail() while the store opens. */
struct location {
	bool has_super;
	struct fs_super super;
	bool has_seal;
	struct fs_seal seal; /* the newest valid one */
	/* The end is missing of what was written as a whole, as `whole` says; the file has `size` bytes. */
	bool is_part;
	struct fs_whole whole;
	uint64_t size;
};

/* A reel_tail_fn (engine.h); arg is a struct location. -EBADMSG: is_part. */
int locate_tail(void *arg, const struct reel_view *view, struct reel_tail *ret);

#endif
