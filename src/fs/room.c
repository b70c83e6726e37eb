/*
 * room.c - see room.h. What is kept back is space that the file system beneath has allocated to the container past its
 * end (reel_reserve()), so no other program can take it. Where it cannot allocate ahead, nothing is kept.
 */
#include "config.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <syslog.h>

#include "file.h"
#include "room.h"

/* Enough to record thousands of removals, or a small share of a small disk. */
#define KEPT_MOST  (4u << 20)
#define KEPT_LEAST (64u << 10)
#define KEPT_SHARE 256u

/* So many bytes at a time are allocated ahead for promises, or an eighth of these. */
#define AHEAD_LEAST (256u << 10)
#define AHEAD_MOST  (16u << 20)
/* Where nothing can be allocated ahead, the disk is asked each time that promises pass a multiple of this. */
#define ASK_STEP (64u << 10)
/* What records of a commit take beside its bytes: of the inode and the seal, for each run, for each page (more than sums do).
 */
#define RECORDS_ROOM 1024u
#define RUN_ROOM     40u
#define BYTES_SHIFT  12

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
		       error == -EFBIG ? "mount it without that limit (ulimit -f, or -v for the address space), or take it to "
					 "a file system of larger files"
				       : "free some on the disk that holds the container");
	fs->told_full = true;
	if (removes && !fs->told_used)
		fs_log(
		    fs, LOG_ERR, "%s: %s, and what was kept back to record removals is used up: %s", reel_path(fs->store), what,
		    error == -EFBIG ? "end the mount, and mount it without that limit (ulimit -f, or -v for the address space)"
				    : "free some space on the disk that holds the container");
	fs->told_used |= removes;
}

static bool is_free(const struct fs *fs, uint64_t need)
{
	struct statvfs st;

	/* Some file systems tell nothing, which looks like a full one of no size. */
	return fstatvfs(reel_fd(fs->store), &st) < 0 || st.f_blocks == 0 || (uint64_t)st.f_bavail * st.f_frsize >= need;
}

int room_tell(struct fs *fs, int error, uint64_t need)
{
	pthread_mutex_lock(&fs->commit);
	room_missing(fs, error, false);
	fs->room_wanted = need;
	pthread_mutex_unlock(&fs->commit);
	return error;
}

/* Makes sure that there is room for all promises, of which the last `more` bytes are new. */
static int assure(struct fs *fs, uint64_t promised, uint64_t more)
{
	uint64_t need = promised + FILE_ROOM_SPARE + fs->room_kept, ahead = promised / 8;
	int r;

	if (ahead < AHEAD_LEAST)
		ahead = AHEAD_LEAST;
	if (ahead > AHEAD_MOST)
		ahead = AHEAD_MOST;
	r = reel_reserve_ahead(fs->store, need, ahead);
	if (r == 0 && !reel_reserves(fs->store) && (promised == more || promised / ASK_STEP != (promised - more) / ASK_STEP))
		r = is_free(fs, need) ? 0 : -ENOSPC;
	return room_error(r) ? room_tell(fs, r, need) : r;
}

int room_promise(struct fs *fs, struct open_state *o, uint64_t bytes)
{
	uint64_t more = bytes + (bytes >> BYTES_SHIFT) + RECORDS_ROOM;
	int r = assure(fs, atomic_fetch_add(&fs->promised, more) + more, more);

	if (r < 0)
		atomic_fetch_sub(&fs->promised, more);
	else
		o->promised += more;
	return r;
}

void room_settle(struct fs *fs, struct open_state *o)
{
	uint64_t dirty = o->wbuf ? wbuf_dirty(o->wbuf) : 0, need = 0;

	if (dirty > 0)
		need =
		    dirty + (dirty >> BYTES_SHIFT) + RUN_ROOM * (wbuf_runs(o->wbuf) + ranges_count(&o->punched)) + RECORDS_ROOM;
	if (need > o->promised)
		atomic_fetch_add(&fs->promised, need - o->promised);
	else
		atomic_fetch_sub(&fs->promised, o->promised - need);
	o->promised = need;
}

void room_trim(struct fs *fs)
{
	uint64_t need = fs->room_kept + FILE_ROOM_SPARE;

	if (!fs->session_open || fs_is_read_only(fs) || atomic_load(&fs->promised) > 0)
		return;
	if (reel_unreserve(fs->store, need) == 0)
		(void)reel_reserve(fs->store, need + atomic_load(&fs->promised));
}

void room_begin(struct fs *fs)
{
	(void)kept(fs);
}

/* There is room. While it is only for less than a writer was refused, its lack would be told again and again. */
static void forget_told(struct fs *fs)
{
	if (fs->room_wanted && !is_free(fs, fs->room_wanted))
		return;
	fs->room_wanted = 0;
	fs->told_full = fs->told_used = false;
}

int room_for(struct fs *fs, uint64_t bytes, uint64_t promised, bool removes)
{
	int r;

	if (removes)
		return 0;
	r = reel_reserve(fs->store, bytes + kept(fs) + (atomic_load(&fs->promised) - promised));
	/* Where what was promised is no longer there for all, it is for those who come first. */
	if (room_error(r) && promised > 0)
		r = reel_reserve(fs->store, bytes + kept(fs));
	if (room_error(r)) {
		room_missing(fs, r, false);
		return r;
	}
	if (fs->told_full)
		forget_told(fs);
	return 0;
}
