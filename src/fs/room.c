/*
 * room.c - see room.h. What is kept back is space that the file system beneath has allocated to the container past its
 * end (reel_reserve()), so no other program can take it. Where it cannot allocate ahead, nothing is kept.
 */
#include "config.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <syslog.h>

#include "room.h"

/* Enough to record thousands of removals, or a small share of a small disk. */
#define KEPT_MOST  (4u << 20)
#define KEPT_LEAST (64u << 10)
#define KEPT_SHARE 256u

static uint64_t share_of(uint64_t whole)
{
	uint64_t share = whole / KEPT_SHARE;

	return share < KEPT_LEAST ? KEPT_LEAST : share > KEPT_MOST ? KEPT_MOST : share;
}

static uint64_t kept(struct fs *fs)
{
	uint64_t whole = 0;
	struct statvfs st;
	struct rlimit limit;

	if (fs->room_kept)
		return fs->room_kept;
	if (fstatvfs(reel_fd(fs->store), &st) == 0)
		whole = (uint64_t)st.f_blocks * st.f_frsize;
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < whole)
		whole = limit.rlim_cur;
	fs->room_kept = share_of(whole);
	return fs->room_kept;
}

bool room_error(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}

void room_missing(struct fs *fs, int error, bool removes)
{
	const char *what = error == -EFBIG ? "the limit on the size of files is reached" : "the disk is full";

	if (!fs->told_full)
		fs_log(fs, LOG_WARNING,
		       "%s: %s. Files can still be removed, but that gives no space back: %s, or end the mount and compact it "
		       "(reel compact)",
		       reel_path(fs->store), what,
		       error == -EFBIG ? "mount it without that limit (ulimit -f)"
				       : "free some on the disk that holds the container");
	fs->told_full = true;
	if (removes && !fs->told_used)
		fs_log(fs, LOG_ERR, "%s: %s, and what was kept back to record removals is used up: %s", reel_path(fs->store),
		       what,
		       error == -EFBIG ? "end the mount, and mount it without that limit (ulimit -f)"
				       : "free some space on the disk that holds the container");
	fs->told_used |= removes;
}

static bool is_free(const struct fs *fs, uint64_t need)
{
	struct statvfs st;

	return fstatvfs(reel_fd(fs->store), &st) < 0 || (uint64_t)st.f_bavail * st.f_frsize >= need;
}

int room_for_data(struct fs *fs, uint64_t need)
{
	if (is_free(fs, need))
		return 0;
	pthread_mutex_lock(&fs->commit);
	room_missing(fs, -ENOSPC, false);
	fs->room_wanted = need;
	pthread_mutex_unlock(&fs->commit);
	return -ENOSPC;
}

/* There is room. While it is only for less than a writer was refused, its lack would be told again and again. */
static void forget_told(struct fs *fs)
{
	if (fs->room_wanted && !is_free(fs, fs->room_wanted))
		return;
	fs->room_wanted = 0;
	fs->told_full = fs->told_used = false;
}

int room_for(struct fs *fs, uint64_t bytes, bool removes)
{
	int r;

	if (removes)
		return 0;
	r = reel_reserve(fs->store, bytes + kept(fs));
	if (room_error(r)) {
		room_missing(fs, r, false);
		return r;
	}
	if (fs->told_full)
		forget_told(fs);
	return 0;
}
