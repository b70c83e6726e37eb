/*
 * reserve.c - disk space allocated ahead of the end of the file, so that a full disk is known before
 * data is accepted. The file's length stays the tail. Where the file system cannot allocate ahead
 * nothing is promised.
 */
#include "config.h"

#include <fcntl.h>
#include <sys/resource.h>

#include "store.h"

#define RESERVE_STEP ((uint64_t)256 << 10)

static int allocate(struct reel *r, uint64_t from, uint64_t to)
{
	watch_begin(r);
	int err = disk_fallocate(r->disk, r->fd, FALLOC_FL_KEEP_SIZE, from, to - from);
	watch_end(r);
	return err;
}

/* fallocate(2) does not look at the limit on the size of files when that stays as it is. */
static bool past_limit(uint64_t end)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && end > limit.rlim_cur;
}

int reel_reserve(struct reel *r, uint64_t bytes)
{
	struct reservation *s = &r->reserve;
	uint64_t from = atomic_load(&r->write_end);

	if (!store_writable(r) || reel_failed(r) < 0)
		return -EROFS;
	if (bytes > r->map->window || from > r->map->window - bytes)
		return -EFBIG;
	pthread_mutex_lock(&s->lock);
	uint64_t to = from + bytes, ahead = round_up(to, RESERVE_STEP);
	int err = 0;
	if (to > s->end && past_limit(to)) {
		err = -EFBIG;
	} else if (to > s->end) {
		if (from < s->end)
			from = s->end;
		if (past_limit(ahead))
			ahead = to;
		err = allocate(r, from, ahead);
		if (err < 0 && err != -EOPNOTSUPP) {
			ahead = to;
			err = allocate(r, from, ahead);
		}
		if (err == -EOPNOTSUPP)
			err = 0;
		if (err == 0)
			s->end = ahead;
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

/* The file was cut to `size`, and with it all that was allocated past it is gone. */
void reserve_forget(struct reel *r, uint64_t size)
{
	atomic_store(&r->write_end, size);
	pthread_mutex_lock(&r->reserve.lock);
	r->reserve.end = size;
	pthread_mutex_unlock(&r->reserve.lock);
}

/* Gives back what is not used. */
int reserve_release(struct reel *r)
{
	uint64_t tail = reel_tail_offset(r);

	if (r->reserve.end <= tail || reel_failed(r) < 0)
		return 0;
	if (foreign_before_cut(r, tail, tail) < 0)
		return -EIO;
	int err = disk_ftruncate(r->disk, r->fd, tail);
	if (err < 0)
		reel_log(r, LOG_WARNING, "%s: space reserved past the end could not be given back (%s)", r->path,
			 reel_explain(err));
	return err;
}
