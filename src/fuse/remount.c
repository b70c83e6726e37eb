/*
 * remount.c - changes the flags of an existing mount. The daemon that serves it takes no part: the
 * kernel alone looks at these flags.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <syslog.h>

#include "log.h"
#include "remount.h"

int remount(const char *mountpoint, unsigned long flags)
{
	if (mount(NULL, mountpoint, NULL, MS_REMOUNT | flags, NULL) == 0)
		return 0;
	if (errno == EINVAL)
		log_line(LOG_ERR, "cannot remount %s: nothing is mounted there", mountpoint);
	else
		log_line(LOG_ERR, "cannot remount %s: %s", mountpoint, strerror(errno));
	return -1;
}
