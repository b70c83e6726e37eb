/*
 * remount.c - changes the flags of an existing mount. The kernel alone looks at these flags; the daemon that serves the mount
 * is just asked whether it could write.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <syslog.h>
#include <unistd.h>

#include "ask.h"
#include "log.h"
#include "mounts.h"
#include "options.h"
#include "remount.h"

/* 0, or -1 (logged). */
static int look_at(const char *mountpoint, struct mount_list *list, const struct mount_entry **ret)
{
	int fd = open(mountpoint, O_PATH | O_CLOEXEC);
	int res = fd < 0 ? -errno : mounts_read(list);

	if (fd < 0 || res < 0) {
		log_line(LOG_ERR, "cannot remount %s: %s", mountpoint, strerror(-res));
	} else {
		*ret = mounts_with(list, fd);
		res = *ret != NULL && strncmp((*ret)->type, "fuse", 4) == 0 ? 0 : -1;
		if (res < 0)
			log_line(LOG_ERR, "cannot remount %s: nothing of reelfs is mounted there", mountpoint);
	}
	if (fd >= 0)
		close(fd);
	return res < 0 ? -1 : 0;
}

/* 0, or -1 (logged): it would be called writable, and not be. */
static int check_writable(const char *mountpoint, const struct mount_entry *entry)
{
	switch (ask_writable(mountpoint, entry->owner, entry->group)) {
	case ASK_READS:
		log_line(
		    LOG_ERR,
		    "cannot remount %s for writing: the container is open for reading only, as it was mounted with -o ro or "
		    "from a read-only disk; unmount it, and mount it again without ro",
		    mountpoint);
		return -1;
	case ASK_FAILED:
		log_line(
		    LOG_ERR,
		    "cannot remount %s for writing: nothing more is written to its container since something went wrong (the "
		    "system log says what); unmount it, run 'reel check' on the container, and mount it again",
		    mountpoint);
		return -1;
	case ASK_NO_DAEMON:
		log_line(LOG_ERR, "cannot remount %s: its daemon has ended; first run: fusermount3 -u %s, then mount it again",
			 mountpoint, mountpoint);
		return -1;
	default:
		return 0;
	}
}

/* What mount(8) has left out of all that /proc/mounts shows, it was asked to take off. 0, or -1 (logged). */
static int check_trust(const struct options *o, unsigned long kept)
{
	kept &= ~o->trust.refused;
	if (kept != 0 && o->repeated) {
		log_line(LOG_ERR, "cannot remount %s: 'suid' and 'dev' do not take off %s; write -o remount,%s%s%s",
			 o->mountpoint,
			 kept == MS_NODEV    ? "nodev"
			 : kept == MS_NOSUID ? "nosuid"
					     : "nosuid,nodev",
			 kept & MS_NOSUID ? "suid,allow_suid" : "", kept == (MS_NOSUID | MS_NODEV) ? "," : "",
			 kept & MS_NODEV ? "dev,allow_dev" : "");
		return -1;
	}
	if ((kept & o->trust.usual) != 0)
		log_line(LOG_WARNING, "%s: 'suid' and 'dev' have no effect; write allow_suid or allow_dev", o->mountpoint);
	return 0;
}

static int set_flags(const char *mountpoint, unsigned long flags)
{
	if (mount(NULL, mountpoint, NULL, MS_REMOUNT | flags, NULL) == 0)
		return 0;
	if (errno == EINVAL)
		log_line(LOG_ERR, "cannot remount %s: nothing is mounted there", mountpoint);
	else if (errno == EBUSY)
		log_line(LOG_ERR, "cannot remount %s read-only: files in it are open for writing", mountpoint);
	else if (errno == EPERM)
		log_line(LOG_ERR, "cannot remount %s: only root may do that", mountpoint);
	else
		log_line(LOG_ERR, "cannot remount %s: %s", mountpoint, strerror(errno));
	return -1;
}

int remount(const struct options *o)
{
	struct mount_list list = {0};
	const struct mount_entry *entry = NULL;
	unsigned long kept;
	int res = look_at(o->mountpoint, &list, &entry);

	if (res == 0) {
		kept = (entry->flags & (MS_NOSUID | MS_NODEV)) & ~o->trust.given;
		res = check_trust(o, kept);
		if (res == 0 && !o->read_only)
			res = check_writable(o->mountpoint, entry);
		if (res == 0)
			res = set_flags(o->mountpoint, o->flags | o->trust.refused | kept);
	}
	mounts_free(&list);
	return res;
}
