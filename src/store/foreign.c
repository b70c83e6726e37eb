/*
 * foreign.c - another writer at the end of a container that this process has open for writing: one that takes no lock, one
 * on a machine to which the lock does not reach, one that got the lock after a server had lost it (docs/DESIGN.md, D5).
 * Relies on appends that never write over anything (disk_append_all()), so that what is seen too late has done no harm.
 * Looks before the file is written or cut, after it was written, and at each sync; never changes the file.
 *
 * What this process left is the file's length and its last trailer, which has the checksum of the entry before it:
 * another writer's entry at the same place has another. All of it is under append_lock.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>

#include "search.h"
#include "store.h"

enum { FULL_LOOK_MS = 1000 };

/* Past this what is behind our end is not looked at. */
#define LOOKED_AT_MOST ((uint64_t)16 << 20)

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void foreign_left(struct reel *r, const uint8_t trailer[TRAILER_SIZE])
{
	memcpy(r->watch.left, trailer, TRAILER_SIZE);
	r->watch.has_left = true;
}

void foreign_begin(struct reel *r)
{
	uint64_t tail = reel_tail_offset(r);

	if (!store_writable(r) || tail < TRAILER_SIZE)
		return;
	foreign_left(r, r->map->base + tail - TRAILER_SIZE);
	/* Zeros in place of what could not be read are not what was left. */
	r->watch.has_left = !reel_unread(r, 0, tail - TRAILER_SIZE, TRAILER_SIZE);
}

bool foreign_seen(const struct reel *r)
{
	return atomic_load(&r->watch.foreign);
}

bool reel_is_intruded(const struct reel *r)
{
	return foreign_seen(r) || atomic_load(&r->watch.cut);
}

/* Nothing more is written, and this is said once. */
static int fail(struct reel *r, const char *what)
{
	if (atomic_exchange(&r->watch.foreign, true))
		return -EIO;
	/* Blocks that were found good may be so no more. */
	atomic_fetch_add(&r->watch.changes, 1);
	(void)store_fail(r, -EIO);
	reel_log(r, LOG_ERR,
		 "%s: %s. None of that is written over or cut off, and this process writes nothing more to the container; what "
		 "it had committed stays readable. End the other writer, then this one (unmount): what is no entry would be "
		 "cut off when the container is opened for writing again, and is saved beside it",
		 r->path, what);
	return -EIO;
}

/* In words: whose entries lie in the file behind `end`. NULL: there are none, as far as is looked at. */
static const char *whose(struct reel *r, uint64_t end, uint64_t size)
{
	struct chain c = store_chain(r, size);
	struct search_result found = {.tail = end};
	const char *by_layer;

	if (size > r->map->window || size - end > LOOKED_AT_MOST || !guard_installed())
		return NULL;
	by_layer = r->whose == NULL ? NULL : r->whose(r->whose_arg, &(struct reel_view){c.base, size, c.gen}, end);
	if (by_layer != NULL)
		return by_layer;
	return search_tail(&c, end, false, &found) == 0 && found.tail > end ? "whole entries of another program" : NULL;
}

static int fail_more(struct reel *r, uint64_t end, uint64_t size)
{
	const char *words = whose(r, end, size);
	char what[256];

	bool first = !foreign_seen(r);

	snprintf(what, sizeof(what),
		 "another program has written to the container: the file has %" PRIu64 " bytes behind offset %" PRIu64
		 ", where this process left its end: %s",
		 size - end, end, words == NULL ? "bytes that are no entries" : words);
	if (words == NULL && first)
		r->watch.foreign_at = end;
	int err = fail(r, what);
	/* Now: this process may be killed, and what opens the container next cannot tell them from a torn append. */
	if (first)
		torn_save_foreign(r);
	return err;
}

static int fail_other(struct reel *r, uint64_t end)
{
	char what[256];

	snprintf(what, sizeof(what),
		 "another program has written over the container: the bytes before offset %" PRIu64
		 " are not those that this process left there",
		 end);
	return fail(r, what);
}

/* 0: the bytes before `end` are these; also where that cannot be learned. */
static int compare(struct reel *r, uint64_t end, const uint8_t *bytes, size_t n)
{
	uint8_t found[TRAILER_SIZE];

	if (r->place.shared)
		reread_drop(r, end - n, end);
	int err = disk_read_all(r->disk, r->fd, found, n, end - n);
	if (err == -ENODATA)
		return err;
	return err < 0 || memcmp(found, bytes, n) == 0 ? 0 : -EIO;
}

static int look_at_left(struct reel *r)
{
	uint64_t tail = reel_tail_offset(r);
	int err = r->watch.has_left ? compare(r, tail, r->watch.left, TRAILER_SIZE) : 0;

	if (err == -ENODATA)
		return watch_cut(r);
	return err < 0 ? fail_other(r, tail) : 0;
}

/* Is the file as long as it should be? It may have no more than `most` bytes. */
static int look_at_size(struct reel *r, uint64_t end, uint64_t most)
{
	place_ask(r, r->fd);
	int64_t size = disk_size(r->disk, r->fd);

	if (size < 0 || ((uint64_t)size >= end && (uint64_t)size <= most))
		return 0;
	if (r->place.shared && !reel_has_name(r))
		return fail(r, "the container was removed on another machine, or another file was moved over it");
	if ((uint64_t)size < end)
		return watch_cut(r);
	return (uint64_t)size > most ? fail_more(r, end, (uint64_t)size) : 0;
}

/*
 * The lock is asked for again, which changes nothing while it is ours, and says who has it where a server has lost it
 * meanwhile. Where nobody has, it is ours again, and what follows shows whether somebody had.
 */
static int look_at_lock(struct reel *r)
{
	if (!r->place.asks_lock || disk_flock(r->disk, r->fd, LOCK_EX | LOCK_NB) != -EWOULDBLOCK)
		return 0;
	return fail(r, "another program has the lock on the container: the file system has taken it from this one without a "
		       "word (as when a server of it was started again), and may have written to it");
}

static int look_at_end(struct reel *r, uint64_t end)
{
	int err = look_at_lock(r);

	place_open_anew(r);
	return err < 0 ? err : look_at_size(r, end, end);
}

static int look(struct reel *r, uint64_t end)
{
	int err = look_at_end(r, end);

	if (err == 0)
		err = look_at_left(r);
	r->watch.full = now_ns(CLOCK_MONOTONIC_COARSE);
	return err;
}

int foreign_before(struct reel *r, uint64_t end)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC_COARSE), since = now - r->watch.full, before = r->watch.wrote;

	r->watch.wrote = now;
	if (r->place.shared && since < FULL_LOOK_MS * 1000000ull) {
		/* Where no lock keeps others away, what a program that serves the file has cached is not enough. */
		if (r->place.keeps_locks)
			place_open_anew(r);
		return look_at_size(r, end, end);
	}
	/*
	 * After a pause the file is synced first, as at an opening (S6); an append tells those in between its length as it is.
	 * An error of that counts as one of writing.
	 */
	if (r->place.shared && now - before >= FULL_LOOK_MS * 1000000ull) {
		int err = disk_fsync(r->disk, r->fd);
		if (err < 0)
			return err;
	}
	/* Within one tick of the clock the append itself, which writes over nothing, and what is seen after it are enough. */
	return since == 0 ? 0 : look(r, end);
}

int foreign_after(struct reel *r, uint64_t end, uint64_t len, const uint8_t *last, size_t n)
{
	/* The bytes that were written last are where they should be: nothing else tells it without a system call. */
	if (guard_installed() ? memcmp(r->map->base + end - n, last, n) == 0 : len < APPEND_DIRECT)
		return 0;
	int64_t size = disk_size(r->disk, r->fd);
	if (size < 0 || (uint64_t)size == end)
		return 0;
	if ((uint64_t)size < end)
		return watch_cut(r);
	if (compare(r, end, last, n) < 0)
		return fail_more(r, reel_tail_offset(r), (uint64_t)size);
	/* What came behind them is found by the next look. */
	return 0;
}

int foreign_before_cut(struct reel *r, uint64_t end, uint64_t most)
{
	return foreign_seen(r) ? -EIO : look_at_size(r, end, most);
}

int foreign_at_sync(struct reel *r)
{
	int err = 0;

	if (pthread_mutex_trylock(&r->append_lock) != 0)
		return 0;
	/* What this process left is synced all the same, if it is still there. */
	if (!foreign_seen(r)) {
		err = look_at_left(r);
		/* On a file that is this kernel's alone nothing has changed between the two. */
		if (err == 0 && r->place.shared)
			(void)look(r, atomic_load(&r->write_end));
		else if (err == 0)
			(void)look_at_end(r, atomic_load(&r->write_end));
	}
	pthread_mutex_unlock(&r->append_lock);
	return err;
}

int reel_is_mine(struct reel *r)
{
	int err = reel_failed(r);

	if (!store_writable(r) || err < 0)
		return err;
	pthread_mutex_lock(&r->append_lock);
	err = look(r, atomic_load(&r->write_end));
	pthread_mutex_unlock(&r->append_lock);
	return err;
}

uint64_t foreign_to_save(struct reel *r, uint64_t *end)
{
	uint64_t from = r->watch.foreign_at;
	/* Where our own end is gone, the file is another one. */
	bool ours = from > 0 && compare(r, reel_tail_offset(r), r->watch.left, TRAILER_SIZE) == 0;
	int64_t size = ours ? disk_size(r->disk, r->fd) : 0;

	if (size <= (int64_t)from || (uint64_t)size <= r->watch.saved || (uint64_t)size > r->map->window)
		return 0;
	if (r->place.shared)
		reread_drop(r, from, (uint64_t)size);
	*end = (uint64_t)size;
	return from;
}
