/*
 * syncer.c - see syncer.h. Holds no lock while it syncs.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "atime.h"
#include "commit.h"
#include "nameless.h"
#include "open.h"
#include "syncer.h"

static bool wait_for_next(struct fs *fs)
{
	struct timespec until;
	bool stopping;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += fs->options.sync_interval_s;
	pthread_mutex_lock(&fs->syncer_lock);
	while (!fs->stopping && pthread_cond_timedwait(&fs->syncer_wake, &fs->syncer_lock, &until) != ETIMEDOUT)
		;
	stopping = fs->stopping;
	pthread_mutex_unlock(&fs->syncer_lock);
	return !stopping;
}

static void *syncer(void *arg)
{
	struct fs *fs = arg;
	bool told = false;

	while (wait_for_next(fs)) {
		int r = 0;

		nameless_warn(fs);
		if (fs->options.hand_over && !fs_is_read_only(fs) && open_any_writers(fs))
			fs->options.hand_over(fs->options.cache_arg);
		if (commit_wants_checkpoint(fs)) {
			r = atime_commit(fs);
			if (r == 0)
				r = commit_checkpoint(fs);
		}
		if (r == 0 && reel_durable_tail(fs->store) < reel_tail_offset(fs->store))
			r = reel_sync(fs->store);
		if (r < 0 && !told)
			fs_log(fs, LOG_ERR, "%s: %s: %s", reel_path(fs->store),
			       fs_is_read_only(fs) ? "nothing more can be written; what is there stays readable"
						   : "a checkpoint could not be written",
			       strerror(-r));
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
