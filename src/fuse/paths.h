/*
 * paths.h - the two paths of a mount, made absolute and checked before anything is opened.
 */
#ifndef REELFS_PATHS_H
#define REELFS_PATHS_H

#include <stdbool.h>

struct paths {
	char *container;  /* absolute, without symbolic links; of a file that may not exist yet */
	char *mountpoint; /* likewise; a directory */
	char *device;     /* as given: it is the caller's mount (device.h), at `mountpoint` if that is not NULL; else NULL */
	bool exists;      /* there is a file at `container` */
};

/*
 * Fills *p. 0, or -1 when nothing can be mounted so (logged). may_create: the container may be
 * missing. Ends with paths_free() in both cases.
 */
int paths_resolve(struct paths *p, const char *container, const char *mountpoint, bool may_create);
void paths_free(struct paths *p);

/* What messages call the mount. */
const char *paths_mount(const struct paths *p);

#endif
