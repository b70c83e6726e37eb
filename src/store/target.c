/*
 * target.c - see target.h. Opens nothing.
 */
#include "config.h"

#include "target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *target_of(const char *path)
{
	char *target = realpath(path, NULL);
	struct stat st;

	if (target != NULL || errno != ENAMETOOLONG)
		return target;
	if (lstat(path, &st) < 0)
		return NULL;
	if (!S_ISLNK(st.st_mode))
		return strdup(path);
	errno = ENAMETOOLONG;
	return NULL;
}
