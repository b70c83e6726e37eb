/*
 * syncer.c - see syncer.h. Relies on turns.c for the files that are open. Holds no lock while it syncs.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "atime.h"
#include "commit.h"
#include "memory.h"
#include "nameless.h"
#include "open.h"
#include "room.h"
#include "syncer.h"
#include "turns.h"

/* After so long the kernel has handed over everything by itself: by default it begins to after 30 to 35 seconds. */
#define BY_ITSELF_S 60

/* A round begins so long after the one before has begun, but leaves others at least half of the time. */
static bool wait_for_next(struct fs *fs, struct timespec begun)
{
	struct timespec now;
	time_t took;

	clock_gettime(CLOCK_MONOTONIC, &now);
	took = now.tv_sec - begun.tv_sec;
	if (took > fs->options.sync_interval_s / 2) {
		begun = now;
		begun.tv_sec -= fs->options.sync_interval_s / 2;
	}
	begun.tv_sec += fs->options.sync_interval_s;
	pthread_mutex_lock(&fs->syncer_lock);
	while (!fs->stopping && pthread_cond_timedwait(&fs->syncer_wake, &fs->syncer_lock, &begun) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&fs->syncer_lock);
	return !fs->stopping;
}

/* Whether what was known when the marks were made is complete now. */
static bool hand_over(struct fs *fs)
{
	struct timespec now;
	bool handed;

	if (!fs->options.hand_over || !open_any_writers(fs))
		return true;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (fs->marked == 0) {
		open_handing(fs);
		fs->marked = now.tv_sec;
	}
	handed = fs->options.hand_over(fs->options.cache_arg) || now.tv_sec - fs->marked >= BY_ITSELF_S;
	if (handed)
		fs->marked = 0;
	return handed;
}

/*
 * What has come for the first time can be one side of a gap, of which only the next handing over tells whether it is a
 * hole (W1).
 */
static void store_open_files(struct fs *fs)
{
	bool again = true, handed;

	for (int i = 0; i < 2 && again && !fs_is_read_only(fs); i++) {
		handed = hand_over(fs);
		again = turns_commit(fs, handed) && handed;
	}
}

int syncer_round(struct fs *fs)
{
	int r = 0;

	store_open_files(fs);
	memory_trim(fs);
	pthread_mutex_lock(&fs->commit);
	room_trim(fs);
	pthread_mutex_unlock(&fs->commit);
	if (commit_wants_checkpoint(fs)) {
		r = atime_commit(fs);
		if (r == 0)
			r = commit_checkpoint(fs);
	}
	if (r == 0 && reel_durable_tail(fs->store) < reel_tail_offset(fs->store))
		r = reel_sync(fs->store);
	return r;
}

static void *syncer(void *arg)
{
	struct fs *fs = arg;
	bool told = false;
	struct timespec begun;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &begun);
	while (wait_for_next(fs, begun)) {
		clock_gettime(CLOCK_MONOTONIC, &begun);
		nameless_warn(fs);
		r = syncer_round(fs);
		if (r < 0 && !told)
			fs_log(fs, LOG_ERR, "%s: %s: %s", reel_path(fs->store),
			       fs_is_read_only(fs) ? "nothing more can be written; what is there stays readable"
						   : "a checkpoint could not be written",
			       reel_explain(r));
		told = r < 0;
	}
	return NULL;
}

int syncer_start(struct fs *fs)
{
	pthread_condattr_t attr;
	int r;

	if (fs->options.sync_interval_s == 0)
		return 0;
	pthread_mutex_init(&fs->syncer_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&fs->syncer_wake, &attr);
	pthread_condattr_destroy(&attr);
	r = pthread_create(&fs->syncer, NULL, syncer, fs);
	if (r != 0)
		return -r;
	pthread_setname_np(fs->syncer, "reelfs-sync");
	fs->has_syncer = true;
	return 0;
}

void syncer_stop(struct fs *fs)
{
	if (!fs->has_syncer)
		return;
	pthread_mutex_lock(&fs->syncer_lock);
	fs->stopping = true;
	pthread_cond_signal(&fs->syncer_wake);
	pthread_mutex_unlock(&fs->syncer_lock);
	pthread_join(fs->syncer, NULL);
	pthread_cond_destroy(&fs->syncer_wake);
	pthread_mutex_destroy(&fs->syncer_lock);
	fs->has_syncer = false;
}
