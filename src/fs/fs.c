/*
 * fs.c - opening and closing a file system.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "atime.h"
#include "ballast.h"
#include "commit.h"
#include "file.h"
#include "locate.h"
#include "memory.h"
#include "nameless.h"
#include "rekey.h"
#include "refused.h"
#include "room.h"
#include "state.h"
#include "syncer.h"
#include "turns.h"

/* Contents that were read through the mapping count as this process's memory until they are let go (fs.most_touched). */
/* What the kernel maps around a page that is touched. */
#define TOUCHED_LEAST (64u << 10)

void fs_log(const struct fs *fs, int priority, const char *fmt, ...)
{
	char text[8192];
	va_list ap;

	if (!fs->options.log)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fs->options.log(fs->options.log_arg, priority, text);
}

void fs_touched(struct fs *fs, uint64_t len)
{
	uint64_t add = len < TOUCHED_LEAST ? TOUCHED_LEAST : len;
	struct reel_view view;

	if (atomic_fetch_add_explicit(&fs->touched, add, memory_order_relaxed) + add < fs->most_touched)
		return;
	atomic_store_explicit(&fs->touched, 0, memory_order_relaxed);
	view = reel_view_of(fs->store);
	reel_drop_pages(&view);
}

struct fs *fs_new(const struct fs_options *options)
{
	struct fs *fs = calloc(1, sizeof(*fs));
	pthread_rwlockattr_t attr;

	if (!fs)
		return NULL;
	if (options)
		fs->options = *options;
	fs->read_only = fs->options.read_only;
	fs->most_touched = memory_for_reading(&fs->options);
	fs->uid = geteuid();
	fs->gid = getegid();
	fs->last_seal = fs->last_checkpoint = FS_NO_POSITION;
	tree_init(&fs->tree);
	pthread_mutex_init(&fs->commit, NULL);
	pthread_mutex_init(&fs->open_lock, NULL);
	/* Changes hold the lock briefly; readers must not keep them out for long. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&fs->tree_lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return fs;
}

void fs_free(struct fs *fs)
{
	tree_free(&fs->tree);
	body_free(&fs->import);
	(void)ballast_drop(fs);
	number_set_clear(&fs->unkeyed);
	pthread_rwlock_destroy(&fs->tree_lock);
	pthread_mutex_destroy(&fs->open_lock);
	pthread_mutex_destroy(&fs->commit);
	free(fs);
}

struct reel_engine_options fs_engine_options(const struct fs *fs, unsigned flags, struct location *location)
{
	return (struct reel_engine_options){
	    .base =
		{
		    .flags = flags | (fs->options.nul_values ? REEL_NUL_VALUES : 0) |
			     (fs->options.await_storing ? REEL_AWAIT_STORING : 0),
		    .lock_wait_ms = fs->options.lock_wait_ms,
		    .keep_torn = fs->options.keep_torn,
		    .log = fs->options.log,
		    .log_arg = fs->options.log_arg,
		},
	    .whose = seal_whose,
	    .whose_arg = (void *)(uintptr_t)&fs->super,
	    .find_tail = location ? locate_tail : NULL,
	    .find_tail_arg = location,
	    .disk = fs->options.disk,
	};
}

int fs_start(struct fs *fs, const char *path)
{
	int r;

	if (fs->read_only)
		return 0;
	r = wbuf_pool_init(&fs->pool, path, memory_for_file(&fs->options), memory_for_files(&fs->options));
	if (r < 0) {
		fs_log(fs, LOG_ERR, "%s: its folder cannot be opened: %s", path, strerror(-r));
		return r;
	}
	room_begin(fs);
	r = syncer_start(fs);
	if (r < 0)
		wbuf_pool_end(&fs->pool);
	return r;
}

/* Of a container that was written as a whole and has not its end any more: what is left of it is no state that there was. */
static void log_part(const struct fs *fs, const char *path, const struct location *l)
{
	static const char advice[] = "it was not changed. Copy it again from where it is whole, or save what is left of "
				     "it: reel check --repair=NEW";
	unsigned long long end = l->whole.end, size = l->size;

	if (l->whole.end == 0)
		fs_log(fs, LOG_ERR, "%s: a copy that is not complete: there is no transaction in its %llu bytes; %s", path,
		       size, advice);
	else if (l->whole.end == FS_NO_POSITION)
		fs_log(fs, LOG_ERR, "%s: its writing was never finished; %s", path, advice);
	else if (l->size < l->whole.end)
		fs_log(fs, LOG_ERR, "%s: a copy that is not complete: it has %llu of %llu bytes; %s", path, size, end, advice);
	else
		fs_log(fs, LOG_ERR,
		       "%s: damaged, or a copy that is not complete: it was written as a whole of %llu bytes, and there is no "
		       "whole transaction at offset %llu or behind; %s",
		       path, end, end, advice);
}

/* What is cut off may have been more than what nobody was promised: in a copy that lost its end. So it is told of when the rest
 * is.
 */
static int cut_torn(struct fs *fs)
{
	const time_t seconds = (time_t)(fs->last_time_ns / 1000000000);
	char date[32], left[128];
	struct tm tm;

	if (!fs->has_super || !gmtime_r(&seconds, &tm) || strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return reel_cut_torn(fs->store, NULL);
	snprintf(left, sizeof(left), "; what is left is of %s (transaction %llu)", date, (unsigned long long)fs->sequence);
	return reel_cut_torn(fs->store, fs->sequence > 0 ? left : NULL);
}

/* Nothing tells the one from the other; with the first change it looks like a new container. */
static void warn_unbegun(const struct fs *fs)
{
	if (fs->unbegun && !fs->read_only)
		fs_log(
		    fs, LOG_WARNING,
		    "%s: it has a superblock and no transaction, and so no file: its first writer was killed at once, or it is "
		    "the first bytes of a copy that is not complete. Of such a copy nothing is left; copy it again",
		    reel_path(fs->store));
}

int fs_open(const char *path, const struct fs_options *options, struct fs **ret)
{
	struct fs *fs = fs_new(options);
	struct reel_engine_options engine;
	struct location location = {0};
	int r;

	if (!fs)
		return -ENOMEM;
	engine = fs_engine_options(fs, fs->read_only ? REEL_RDONLY : 0, &location);
	/* Nothing is changed in a container before all of it is known to be usable. */
	engine.defer_cut = true;
	r = reel_engine_open(path, &engine, &fs->store);
	if (r < 0 && location.is_part)
		log_part(fs, path, &location);
	if (r < 0)
		goto fail;
	fs->tree.most = memory_for_loading(&fs->options);
	r = fs_load(fs, &location);
	if (r == -ENOMEM && fs->tree.most > 0)
		memory_tell_refused(fs);
	fs->tree.most = 0;
	/* What was called damaged may have been what could not be read, and so may be what was not found. */
	if ((r == 0 || r == -EBADMSG) && reel_unread(fs->store, 0, 0, reel_tail_offset(fs->store))) {
		fs_log(fs, LOG_ERR,
		       "%s: reading the container failed (%s); nothing was changed. Try again, or save what can be read: reel "
		       "check --repair=NEW",
		       path, reel_explain(-EIO));
		r = -EIO;
	}
	if (r == 0)
		r = cut_torn(fs);
	if (r == 0)
		r = fs_start(fs, path);
	if (r < 0)
		goto fail;
	warn_unbegun(fs);
	memory_tell_loaded(fs);
	if (!fs->read_only)
		rekey_contents(fs);
	*ret = fs;
	return 0;
fail:
	(void)reel_close(fs->store);
	fs_free(fs);
	return r;
}

int fs_finish(struct fs *fs)
{
	int r = 0, one;

	if (!fs->read_only) {
		syncer_stop(fs);
		if (!fs_is_read_only(fs)) {
			r = turns_commit_all(fs);
			one = atime_commit(fs);
			/* Where the disk is full nothing is lost that anybody was promised. */
			r = r < 0 || room_error(one) ? r : one;
			one = commit_clean(fs);
			r = r < 0 ? r : one;
		}
		refused_end(fs);
		wbuf_pool_end(&fs->pool);
		one = nameless_close(fs);
		r = r < 0 ? r : one;
	}
	one = reel_failed(fs->store);
	return r < 0 ? r : one;
}

bool fs_is_intruded(const struct fs *fs)
{
	return reel_is_intruded(fs->store);
}

int fs_close(struct fs *fs)
{
	int r, one;

	if (!fs)
		return 0;
	r = fs_finish(fs);
	one = reel_close(fs->store);
	r = r < 0 ? r : one;
	fs_free(fs);
	return r;
}

int fs_guard_faults(void)
{
	return reel_guard_faults();
}

void fs_tell_storing(void)
{
	/* It is for words and waiting only. */
	(void)prctl(PR_SET_NAME, REEL_STORING);
}

const char *fs_explain(int error)
{
	return reel_explain(error);
}

void fs_caller_stamps(struct fs *fs)
{
	fs->caller_stamps = true;
}

bool fs_has_tree(const struct fs *fs)
{
	return fs->has_super;
}

bool fs_is_read_only(struct fs *fs)
{
	return fs->read_only || fs->lost || reel_failed(fs->store);
}

struct reel *fs_store(struct fs *fs)
{
	return fs->store;
}
