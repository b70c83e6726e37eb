/*
 * room.c - see room.h. What is kept back is space that the file system beneath has allocated to the container past its
 * end (reel_reserve()), so no other program can take it. Where it cannot allocate ahead, nothing is kept.
 */
#include "config.h"

#include <errno.h>
#include <syslog.h>

#include "room.h"

/* Enough to record thousands of removals, or a small share of a small disk. */
#define KEPT_MOST  (4u << 20)
#define KEPT_LEAST (64u << 10)
#define KEPT_SHARE 256u

static uint64_t kept(struct fs *fs)
{
	struct statvfs st;

	if (fs->room_kept)
		return fs->room_kept;
	fs->room_kept = KEPT_LEAST;
	if (fstatvfs(reel_fd(fs->store), &st) == 0) {
		uint64_t share = (uint64_t)st.f_blocks * st.f_frsize / KEPT_SHARE;

		if (share > KEPT_LEAST)
			fs->room_kept = share < KEPT_MOST ? share : KEPT_MOST;
	}
	return fs->room_kept;
}

void room_missing(struct fs *fs, bool removes)
{
	if (!fs->told_full)
		fs_log(fs, LOG_WARNING,
		       "%s: the disk is full. Files can still be removed, but that gives no space back: free some on the disk "
		       "that holds the container, or end the mount and compact it (reel compact)",
		       reel_path(fs->store));
	fs->told_full = true;
	if (removes && !fs->told_used)
		fs_log(
		    fs, LOG_ERR,
		    "%s: the disk is full, and so is what was kept back to record removals: free some space on the disk that "
		    "holds the container",
		    reel_path(fs->store));
	fs->told_used |= removes;
}

int room_for(struct fs *fs, uint64_t bytes, bool removes)
{
	int r;

	if (removes)
		return 0;
	r = reel_reserve(fs->store, bytes + kept(fs));
	if (r == -ENOSPC || r == -EDQUOT) {
		room_missing(fs, false);
		return r;
	}
	fs->told_full = fs->told_used = false;
	return 0;
}
