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
static unsigned long found; /* of MS_NOSUID and MS_NODEV, when it was taken */

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

/*
 * *path: the first that leads to a mount of it, or NULL. Returns those of MS_NOSUID and MS_NODEV that all of its mounts have;
 * where none is to be seen, none is known of.
 */
static unsigned long look_at_mounts(dev_t dev, char **path)
{
	unsigned long common = MS_NOSUID | MS_NODEV;
	struct mount_list list;
	bool seen = false;

	*path = NULL;
	if (dev == 0 || mounts_read(&list) < 0)
		return 0;
	for (size_t i = 0; i < list.n; i++) {
		const struct mount_entry *entry = &list.entry[i];
		int root;

		if (entry->dev != dev)
			continue;
		seen = true;
		common &= entry->flags;
		root = *path == NULL ? mounts_open(entry) : -EEXIST;
		if (root >= 0) {
			*path = strdup(entry->path);
			close(root);
		}
	}
	mounts_free(&list);
	return seen ? common : 0;
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
	found = look_at_mounts(file_system_of(fd), path);
	return 0;
}

/* Gives them to the mount at `path`, if that is still the caller's and may be changed. */
static void add_flags(const char *path, unsigned long flags)
{
	struct mount_attr attr = {.attr_set =
				      (flags & MS_NOSUID ? MOUNT_ATTR_NOSUID : 0) | (flags & MS_NODEV ? MOUNT_ATTR_NODEV : 0)};
	const int root = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	dev_t dev;

	if (root < 0)
		return;
	if (mounts_device(root, &dev) == 0 && dev == file_system_of(taken))
		(void)mount_setattr(root, "", AT_EMPTY_PATH, &attr, sizeof(attr));
	close(root);
}

/* `flags`: some of MS_NOSUID and MS_NODEV. */
static void tell_hidden(const char *path, unsigned long flags)
{
	static const struct {
		const char *flags, *hidden, *options;
	} words[] = {
	    {"nosuid", "set-id bits and file capabilities", "allow_suid"},
	    {"nodev", "the numbers of devices", "allow_dev"},
	    {"nosuid,nodev", "set-id bits, file capabilities and the numbers of devices", "allow_suid,allow_dev"},
	};
	const size_t i = (flags & MS_NODEV) == 0 ? 0 : (flags & MS_NOSUID) == 0 ? 1 : 2;

	log_line(LOG_WARNING,
		 "%s%sthe mount of the caller is not known to have been %s from the start, and copies of it may not be: so %s "
		 "are hidden in it; mount it %s, or give -o %s to have what is in the container",
		 path != NULL ? path : "", path != NULL ? ": " : "", words[i].flags, words[i].hidden, words[i].flags,
		 words[i].options);
}

/*
 * (A3) A flag that is given now reaches no copy that was made before: by a bind mount, to the peers of a shared mount, in
 * another namespace.
 */
unsigned long device_distrust(const char *path, const struct trust *trust)
{
	const unsigned long lacking = (MS_NOSUID | MS_NODEV) & ~trust->given & ~found;

	if (lacking == 0)
		return 0;
	if (path != NULL)
		add_flags(path, lacking);
	tell_hidden(path, lacking);
	return lacking;
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
