/*
 * paths.h - the two paths of a mount, made absolute and checked before anything is opened.
 */
#ifndef REELFS_PATHS_H
#define REELFS_PATHS_H

#include <stdbool.h>

struct paths {
	char *container;  /* absolute, without symbolic links; of a file that may not exist yet */
	char *mountpoint; /* likewise; a directory */
	bool exists;      /* there is a file at `container` */
};

/*
 * Fills *p. 0, or -1 when nothing can be mounted so (logged). may_create: the container may be
 * missing. Ends with paths_free() in both cases.
 */
int paths_resolve(struct paths *p, const char *container, const char *mountpoint, bool may_create);
void paths_free(struct paths *p);

#endif
