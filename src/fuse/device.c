/*
 * device.c - see device.h. Relies on proc(5) for the mount that belongs to a descriptor. Never looks into the mount: before it
 * is served that would wait for ever.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <unistd.h>

#include "device.h"
#include "log.h"
#include "mounts.h"
#include "trust.h"
#include "wire.h"

#define FUSE_MAJOR 10
#define FUSE_MINOR 229

/* How /proc writes the number of a file system as the kernel has it. */
#define KERNEL_MINOR_BITS 20

#define PROC_ROOM 64

static int taken = -1;

static int number_of(const char *mountpoint)
{
	unsigned fd;
	int end = 0;

	return sscanf(mountpoint, "/dev/fd/%u%n", &fd, &end) == 1 && mountpoint[end] == '\0' ? (int)fd : -1;
}

bool device_is_meant(const char *mountpoint)
{
	return number_of(mountpoint) >= 0;
}

/* 0: not known. */
static dev_t file_system_of(int fd)
{
	char path[PROC_ROOM], line[PROC_ROOM];
	unsigned number = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file != NULL && number == 0 && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "fuse_connection: %u", &number) != 1)
			number = 0;
	if (file != NULL)
		fclose(file);
	return number != 0 ? makedev(number >> KERNEL_MINOR_BITS, number & ((1u << KERNEL_MINOR_BITS) - 1)) : 0;
}

/* By the first path that leads to a mount of it. NULL: there is none to be seen. */
static char *mounted_at(dev_t dev)
{
	struct mount_list list;
	char *path = NULL;

	if (dev == 0 || mounts_read(&list) < 0)
		return NULL;
	for (size_t i = 0; i < list.n && path == NULL; i++) {
		int root = list.entry[i].dev == dev ? mounts_open(&list.entry[i]) : -ENOENT;

		if (root >= 0) {
			path = strdup(list.entry[i].path);
			close(root);
		}
	}
	mounts_free(&list);
	return path;
}

int device_take(const char *mountpoint, char **path)
{
	const int fd = number_of(mountpoint);
	struct pollfd connection = {.fd = fd};
	struct stat st;

	*path = NULL;
	if (fd <= STDERR_FILENO || fstat(fd, &st) < 0) {
		log_line(LOG_ERR, "mount point %s: there is no such descriptor; it has to be one of /dev/fuse, past 2",
			 mountpoint);
		return -1;
	}
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(FUSE_MAJOR, FUSE_MINOR)) {
		log_line(LOG_ERR,
			 "mount point %s: it is not a descriptor of /dev/fuse; give one that something is mounted with, or a "
			 "directory",
			 mountpoint);
		return -1;
	}
	if (poll(&connection, 1, 0) == 1 && connection.revents & POLLERR) {
		log_line(LOG_ERR, "mount point %s: nothing is mounted with this descriptor; mount first: mount(2) with fd=%d",
			 mountpoint, fd);
		return -1;
	}
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		log_line(LOG_ERR, "mount point %s: %s", mountpoint, strerror(errno));
		return -1;
	}
	taken = fd;
	*path = mounted_at(file_system_of(fd));
	return 0;
}

/* 0, or a negative errno value. */
static int set_flags(int root, unsigned long flags)
{
	struct mount_attr attr = {.attr_set =
				      (flags & MS_NOSUID ? MOUNT_ATTR_NOSUID : 0) | (flags & MS_NODEV ? MOUNT_ATTR_NODEV : 0)};

	return mount_setattr(root, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

/* Those of MS_NOSUID and MS_NODEV that the mount at `path` still lacks when it was tried to give it `wanted`. */
static unsigned long lacking(const char *path, unsigned long wanted)
{
	const int root = path != NULL ? open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
	struct mount_list list = {0};
	const struct mount_entry *entry = NULL;

	if (root >= 0 && mounts_read(&list) == 0)
		entry = mounts_with(&list, root);
	if (entry != NULL)
		wanted &= ~entry->flags;
	if (entry != NULL && wanted != 0 && set_flags(root, wanted) == 0)
		wanted = 0;
	mounts_free(&list);
	if (root >= 0)
		close(root);
	return wanted;
}

unsigned long device_distrust(const char *path, const struct trust *trust)
{
	const unsigned long left = lacking(path, (MS_NOSUID | MS_NODEV) & ~trust->given);

	if (left != 0)
		log_line(LOG_WARNING,
			 "%s%sthe mount of the caller is not known to be nosuid,nodev, and it may not be changed here: so "
			 "set-id bits, file "
			 "capabilities and the numbers of devices are hidden in it; mount it nosuid,nodev, or give -o "
			 "allow_suid,allow_dev to "
			 "have what is in the container",
			 path != NULL ? path : "", path != NULL ? ": " : "");
	return left;
}

void device_served(void)
{
	taken = -1;
}

void device_give_up(const char *path)
{
	if (taken < 0)
		return;
	wire_refuse(taken);
	log_line(
	    LOG_ERR,
	    "%s%sthe mount that descriptor %d of the caller belongs to is not served, and has to be unmounted by the caller",
	    path ? path : "", path ? ": " : "", taken);
	close(taken);
	taken = -1;
}
