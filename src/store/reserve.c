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
#define UNUSED_MOST  ((uint64_t)1 << 20)

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

/* `bytes` from `from` on, and as much ahead as there is room for. Under the lock. */
static int reserve(struct reel *r, uint64_t from, uint64_t bytes, uint64_t ahead)
{
	struct reservation *s = &r->reserve;
	uint64_t least = from + bytes, to = round_up(least + ahead, RESERVE_STEP);

	if (least <= s->end)
		return 0;
	if (past_limit(least))
		return -EFBIG;
	if (from < s->end)
		from = s->end;
	if (past_limit(to))
		to = least;
	int err = allocate(r, from, to);
	if (err < 0 && err != -EOPNOTSUPP) {
		to = least;
		err = allocate(r, from, to);
	}
	if (err == -EOPNOTSUPP) {
		atomic_store(&s->none, true);
		err = 0;
	}
	if (err == 0)
		s->end = to;
	return err;
}

int reel_reserve_ahead(struct reel *r, uint64_t bytes, uint64_t ahead)
{
	struct reservation *s = &r->reserve;

	if (!store_writable(r) || reel_failed(r) < 0)
		return -EROFS;
	pthread_mutex_lock(&s->lock);
	uint64_t from = atomic_load(&r->write_end), window = r->map->window;
	if (from < s->expected)
		from = s->expected;
	int err = from > window || bytes > window - from || ahead > UINT64_MAX / 4 ? -EFBIG : reserve(r, from, bytes, ahead);
	pthread_mutex_unlock(&s->lock);
	return err;
}

int reel_reserve(struct reel *r, uint64_t bytes)
{
	return reel_reserve_ahead(r, bytes, 0);
}

void reel_expect(struct reel *r, uint64_t bytes)
{
	pthread_mutex_lock(&r->reserve.lock);
	r->reserve.expected = bytes > 0 ? reel_tail_offset(r) + bytes : 0;
	pthread_mutex_unlock(&r->reserve.lock);
}

bool reel_reserves(const struct reel *r)
{
	return !atomic_load(&r->reserve.none);
}

/* Whether it has the length that it was given here: bytes of other programs are not cut off. */
static bool ends_at(const struct reel *r, uint64_t tail)
{
	struct stat st;

	return atomic_load(&r->write_end) == tail && r->disk->fstat(r->disk, r->fd, &st) == 0 && (uint64_t)st.st_size == tail;
}

int reel_unreserve(struct reel *r, uint64_t bytes)
{
	struct reservation *s = &r->reserve;
	int err = 0;

	if (!store_writable(r))
		return -EROFS;
	pthread_mutex_lock(&r->append_lock);
	pthread_mutex_lock(&s->lock);
	uint64_t tail = reel_tail_offset(r);
	if (s->end > tail + bytes + UNUSED_MOST && reel_failed(r) == 0 && ends_at(r, tail)) {
		watch_begin(r);
		err = disk_ftruncate(r->disk, r->fd, tail);
		watch_end(r);
		if (err == 0)
			s->end = tail;
	}
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&r->append_lock);
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
