/*
 * watch.c - what other programs do to the file of an open container, which none of them should: cut it, or write to it.
 * Relies on the mapping for the first, which costs no system call: the last committed byte is read, and no longer there
 * (a fault, which the guard turns into zeros) or zero where the file was cut. Relies on the file's time for the
 * second, which is looked at once a tick of the coarse clock (a hundredth of a second at most): what is read within the
 * tick of the change, or was changed between two of our own changes, is not seen to be so.
 */
#include "config.h"

#include <time.h>

#include "store.h"

static uint64_t nanoseconds(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
}

void watch_begin(struct reel *r)
{
	atomic_fetch_add_explicit(&r->watch.own, 1, memory_order_relaxed);
}

void watch_end(struct reel *r)
{
	atomic_fetch_add(&r->watch.ended, 1);
}

/* -EIO, and nothing more is written. Says so once. */
static int is_cut(struct reel *r, uint64_t size, uint64_t tail)
{
	if (atomic_exchange(&r->watch.cut, true))
		return -EIO;
	/* Where an append has filled the gap with zeros, only checksums tell what is gone. */
	atomic_fetch_add(&r->watch.changes, 1);
	if (store_writable(r))
		(void)store_fail(r, -EIO);
	reel_log(r, LOG_ERR,
		 "%s: the file was cut by another program: it has %" PRIu64 " bytes, and %" PRIu64
		 " were committed. What is gone cannot be read any more, and nothing more will be written. Copy away what is "
		 "still readable",
		 r->path, size, tail);
	return -EIO;
}

/*
 * A time that is not the one seen before is another's doing, unless something of our own has ended since, or is under way
 * now. A thread that comes with an older time than another's does harm to nobody.
 */
static void look_at_time(struct reel *r, const struct stat *st, uint64_t ended)
{
	struct watch *w = &r->watch;
	uint64_t time = nanoseconds(&st->st_mtim), seen = atomic_exchange(&w->time, time), before;

	before = atomic_exchange(&w->ended_seen, ended);
	if (time != seen && seen != 0 && before == ended && atomic_load(&w->own) == ended && atomic_load(&w->ended) == ended)
		atomic_fetch_add(&w->changes, 1);
}

/* The file as the system knows it. */
static int look(struct reel *r, uint64_t end)
{
	/* First: appends go on meanwhile. */
	uint64_t tail = reel_tail_offset(r), ended = atomic_load(&r->watch.ended);
	struct stat st;

	/* Where nothing can be learned, what is in the mapping counts. */
	if (r->disk->fstat(r->disk, r->fd, &st) < 0)
		return 0;
	uint64_t size = (uint64_t)st.st_size;
	look_at_time(r, &st, ended);
	if (size >= tail)
		return 0;
	int err = is_cut(r, size, tail);
	return size >= end ? 0 : err;
}

static bool ends_in_zero(const struct reel *r)
{
	uint64_t tail = reel_tail_offset(r);

	return tail > 0 && *(const volatile uint8_t *)(r->map->base + tail - 1) == 0;
}

int reel_has(struct reel *r, uint64_t end)
{
	uint64_t last = atomic_load_explicit(&r->watch.looked, memory_order_relaxed), now;
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	now = nanoseconds(&t);
	if (now == last && !ends_in_zero(r))
		return 0;
	atomic_store_explicit(&r->watch.looked, now, memory_order_relaxed);
	return look(r, end);
}

int watch_cut(struct reel *r)
{
	struct stat st;

	return is_cut(r, r->disk->fstat(r->disk, r->fd, &st) < 0 ? 0 : (uint64_t)st.st_size, reel_tail_offset(r));
}

int watch_sync(struct reel *r)
{
	return look(r, reel_tail_offset(r));
}

uint64_t reel_changes(const struct reel *r)
{
	return atomic_load(&r->watch.changes);
}
