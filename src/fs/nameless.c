/*
 * nameless.c - see nameless.h. Relies on the link count of the open file. Changes nothing: a file whose last name was
 * taken away cannot be given one again, and whoever did it may have meant it.
 */
#include "config.h"

#include <errno.h>
#include <syslog.h>
#include <unistd.h>

#include "nameless.h"

void nameless_warn(struct fs *fs)
{
	if (fs->nameless || reel_has_name(fs->store))
		return;
	fs->nameless = true;
	fs_log(
	    fs, LOG_ERR,
	    "%s: the container was removed, or another file was moved over it; what is mounted goes on working but is lost at "
	    "the end. To keep it, before unmounting: cp /proc/%ld/fd/%d COPY",
	    reel_path(fs->store), (long)getpid(), reel_fd(fs->store));
}

int nameless_close(struct fs *fs)
{
	if (reel_has_name(fs->store))
		return 0;
	fs_log(fs, LOG_ERR, "%s: the container had been removed, or another file moved over it: what was in it is gone",
	       reel_path(fs->store));
	return -ESTALE;
}
