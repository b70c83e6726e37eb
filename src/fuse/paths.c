/*
 * paths.c - checks of the container's and the mount point's path. Opens and changes nothing, but takes what device.h is about.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <syslog.h>
#include <unistd.h>

#include "device.h"
#include "log.h"
#include "mounts.h"
#include "paths.h"

static int no_memory(void)
{
	log_line(LOG_ERR, "out of memory");
	return -1;
}

static int resolve_mountpoint(struct paths *p, const char *given)
{
	struct statvfs fs;
	struct stat st;

	p->mountpoint = realpath(given, NULL);
	/* The kernel may still remember the attributes of a mount whose daemon has ended, but not its space. */
	if (p->mountpoint == NULL || stat(p->mountpoint, &st) < 0 || statvfs(p->mountpoint, &fs) < 0) {
		if (errno == ENOTCONN)
			log_line(
			    LOG_ERR,
			    "mount point %s: a mount is left over there whose daemon has ended; first run: fusermount3 -u %s",
			    given, given);
		else if (errno == ENOENT)
			log_line(LOG_ERR, "mount point %s: there is no such directory; make it with: mkdir %s", given, given);
		else
			log_line(LOG_ERR, "mount point %s: %s", given, strerror(errno));
		return -1;
	}
	if (!S_ISDIR(st.st_mode)) {
		log_line(LOG_ERR, "mount point %s: not a directory; give one to mount on", given);
		return -1;
	}
	return 0;
}

/* A file yet to be made: its directory must be there. */
static int resolve_new_container(struct paths *p, const char *given)
{
	const char *slash = strrchr(given, '/');
	const char *name = slash ? slash + 1 : given;
	char *dir = slash ? strndup(given, slash == given ? 1 : (size_t)(slash - given)) : strdup(".");
	char *real = NULL;
	int ret = -1;

	if (dir == NULL)
		return no_memory();
	real = realpath(dir, NULL);
	if (real == NULL) {
		log_line(LOG_ERR, "container %s: its directory: %s", given, strerror(errno));
		goto out;
	}
	if (*name == '\0') {
		log_line(LOG_ERR, "container %s: a file's name must follow the last '/'", given);
		goto out;
	}
	if (asprintf(&p->container, "%s/%s", strcmp(real, "/") == 0 ? "" : real, name) < 0) {
		p->container = NULL;
		no_memory();
		goto out;
	}
	ret = 0;
out:
	free(real);
	free(dir);
	return ret;
}

static int resolve_container(struct paths *p, const char *given, bool may_create)
{
	struct stat st;

	p->container = realpath(given, NULL);
	if (p->container == NULL && errno == ENOENT) {
		if (may_create)
			return resolve_new_container(p, given);
		log_line(LOG_ERR, "container %s: there is no such file; make it with 'reel init %s' or mount with -o create",
			 given, given);
		return -1;
	}
	if (p->container == NULL || stat(p->container, &st) < 0) {
		if (errno == ENOTCONN)
			log_line(
			    LOG_ERR,
			    "container %s: it lies in a mount that is left over, whose daemon has ended; run fusermount3 -u on "
			    "that one, and mount it again",
			    given);
		else
			log_line(LOG_ERR, "container %s: %s", given, strerror(errno));
		return -1;
	}
	if (S_ISDIR(st.st_mode)) {
		log_line(LOG_ERR, "container %s: it is a directory; a container is a regular file (reel init makes one)",
			 given);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		log_line(LOG_ERR, "container %s: not a regular file; a container is one (reel init makes one)", given);
		return -1;
	}
	p->exists = true;
	return 0;
}

/* Whether a folder that `path` lies in is the one that `st` is of, by whatever path that was reached. */
static bool lies_in(const char *path, const struct stat *st)
{
	char *dir = strdup(path);
	bool found = false;
	char *slash;

	while (dir && !found && (slash = strrchr(dir, '/')) != NULL) {
		struct stat up;

		*slash = '\0';
		found = stat(*dir ? dir : "/", &up) == 0 && up.st_dev == st->st_dev && up.st_ino == st->st_ino;
	}
	free(dir);
	return found;
}

/* The mount would hide the container's path, and each access to it would wait for itself. */
static int refuse_inside(const struct paths *p)
{
	struct stat st;

	if (stat(p->mountpoint, &st) < 0) {
		log_line(LOG_ERR, "mount point %s: %s", p->mountpoint, strerror(errno));
		return -1;
	}
	if (!lies_in(p->container, &st))
		return 0;
	log_line(LOG_ERR, "container %s lies inside its own mount point %s; mount it elsewhere, or move the container",
		 p->container, p->mountpoint);
	return -1;
}

/* As the second `mount -a` tries, where it does not know the source again. */
static int refuse_twice(const struct paths *p)
{
	const int fd = open(p->mountpoint, O_PATH | O_CLOEXEC);
	const struct mount_entry *entry = NULL;
	struct mount_list list = {0};
	int ret = 0;

	if (fd >= 0 && mounts_read(&list) == 0)
		entry = mounts_with(&list, fd);
	if (entry != NULL && strcmp(entry->type, "fuse.reelfs") == 0 && strcmp(entry->path, p->mountpoint) == 0 &&
	    strcmp(entry->source, p->container) == 0) {
		log_line(LOG_ERR, "container %s is mounted on %s already", p->container, p->mountpoint);
		ret = -1;
	}
	mounts_free(&list);
	if (fd >= 0)
		close(fd);
	return ret;
}

/* Looking for such a container would wait for ever: this goes by the text of its path alone. */
static int refuse_inside_device(const struct paths *p, const char *container)
{
	char *cwd = container[0] == '/' ? strdup("") : getcwd(NULL, 0);
	const size_t len = strlen(p->mountpoint);
	char *path = NULL;
	int ret = 0;

	if (cwd == NULL || asprintf(&path, "%s%s%s", cwd, *cwd ? "/" : "", container) < 0) {
		free(cwd);
		return no_memory();
	}
	if (strncmp(path, p->mountpoint, len) == 0 && path[len] == '/') {
		log_line(LOG_ERR, "container %s lies inside its own mount point %s; mount it elsewhere, or move the container",
			 container, p->mountpoint);
		ret = -1;
	}
	free(path);
	free(cwd);
	return ret;
}

static int resolve_device(struct paths *p, const char *container, const char *device, bool may_create)
{
	if (device_take(device, &p->mountpoint) < 0)
		return -1;
	p->device = strdup(device);
	if (p->device == NULL)
		return no_memory();
	if (p->mountpoint != NULL && refuse_inside_device(p, container) < 0)
		return -1;
	return resolve_container(p, container, may_create);
}

const char *paths_mount(const struct paths *p)
{
	return p->mountpoint != NULL ? p->mountpoint : p->device;
}

int paths_resolve(struct paths *p, const char *container, const char *mountpoint, bool may_create)
{
	*p = (struct paths){0};
	if (device_is_meant(mountpoint))
		return resolve_device(p, container, mountpoint, may_create);
	if (resolve_mountpoint(p, mountpoint) < 0 || resolve_container(p, container, may_create) < 0)
		return -1;
	return refuse_inside(p) < 0 ? -1 : refuse_twice(p);
}

void paths_free(struct paths *p)
{
	free(p->container);
	free(p->mountpoint);
	free(p->device);
	*p = (struct paths){0};
}
