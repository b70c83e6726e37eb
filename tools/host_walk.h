/*
 * host_walk.h - a walk over a folder of the system, however deep: no path is handed to the kernel, so none is too long, and
 * the working directory stays. Never follows a symbolic link but the folder itself.
 */
#ifndef REEL_TOOLS_HOST_WALK_H
#define REEL_TOOLS_HOST_WALK_H

#include <sys/stat.h>

struct host_walk;

enum host_event {
	HOST_END,   /* there is nothing more */
	HOST_ENTER, /* a directory, before what is in it */
	HOST_LEAVE, /* after it */
	HOST_OTHER, /* anything else */
	HOST_ERROR, /* it could not be looked at, or not read: `error`. One that could not be read is left all the same */
	HOST_LOOP,  /* a directory that contains itself; it is not entered again */
};

/* What the walk is at. Good until its next step. */
struct host_name {
	const char *shown; /* the path as the user knows it */
	const char *path;  /* below the folder, without a slash in front; empty: the folder itself */
	int dir;           /* a descriptor of the directory that it is in, and its name there; of the folder itself: "." */
	const char *name;
	struct stat st; /* not for HOST_ERROR, unless it could not be read */
	int error;      /* a negative errno value */
	long *value;    /* of a directory: the caller's, 0 at first; NULL for anything else */
	long *parent;   /* that of the directory that it is in; NULL for the folder */
};

/* In order of the names' bytes. 0, or a negative errno value. */
int host_walk_begin(const char *folder, struct host_walk **ret);
/* An enum host_event, or a negative errno value: the walk cannot go on. */
int host_walk_next(struct host_walk *w, struct host_name *ret);
/* After HOST_ENTER: what is in it is left out; HOST_LEAVE comes next. */
void host_walk_skip(struct host_walk *w);
void host_walk_end(struct host_walk *w);

#endif
