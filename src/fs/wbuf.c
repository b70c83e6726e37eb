/*
 * wbuf.c - the write buffer of one inode, in memory or in a spill file.
 * Relies on ranges.h for which bytes are dirty, and on spill.h for the file. Never reads a byte
 * that is not dirty, so neither memory nor file needs zeroing.
 *
 * In memory, the file is cut into chunks of CHUNK_SIZE at multiples of it, which exist where
 * something was written. A chunk has memory for its first `capacity` bytes only: a small file
 * takes one small piece.
 *
 * In the spill file, each byte lies at its own offset; it is sparse.
 *
 * Invariants, between any two calls:
 *  1. fd < 0: every dirty byte lies within the capacity of its chunk, and `charged` is the sum of
 *     all capacities, which is this buffer's part of the pool's `used`;
 *  2. fd >= 0: there are no chunks, and `charged` is 0. A commit needs no memory: what it reads from the
 *     file goes through the pool's `bounce`, of which there is one, however many files have spilled.
 */
#include "config.h"

#include "wbuf.h"

#include "ranges.h"
#include "spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* uthash: no memory leaves the element out of the table, with a NULL table pointer, and goes on. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define CHUNK_SIZE ((size_t)64 << 10)
#define CHUNK_MIN  ((size_t)4 << 10)
/* So many times as much as usual may be in memory when no more files can be open. */
#define WITHOUT_FILES 8
/* The most that all spill files without a disk may take. */
#define IN_MEMORY_MOST ((uint64_t)256 << 20)

struct chunk {
	uint64_t index; /* it holds the file's bytes from index * CHUNK_SIZE */
	size_t capacity;
	uint8_t *data;
	UT_hash_handle hh;
};

struct wbuf {
	struct wbuf_pool *pool;
	struct ranges dirty;
	struct chunk *chunks;
	uint64_t charged;
	bool without_file; /* while memory is reserved that a spill file should have saved */
	int fd;            /* the spill file, or -1 */
	bool takes_memory; /* that is, it lies on no disk */
	uint64_t taken;    /* and it is this much of the pool's `in_memory` */
};

/* Takes `n` bytes off what buffers may allocate. False: they are not there. */
static bool charge(struct wbuf *w, uint64_t n)
{
	struct wbuf_pool *pool = w->pool;
	bool fits = n <= pool->per_file && w->charged <= pool->per_file - n;
	if (!(w->without_file ? wbuf_pool_take(pool, n, WITHOUT_FILES * pool->total)
			      : fits && wbuf_pool_take(pool, n, pool->total)))
		return false;
	w->charged += n;
	return true;
}

static void uncharge(struct wbuf *w, uint64_t n)
{
	atomic_fetch_sub(&w->pool->used, n);
	w->charged -= n;
}

/* --- chunks -------------------------------------------------------------------------------------- */

static struct chunk *find_chunk(const struct wbuf *w, uint64_t index)
{
	struct chunk *c;
	HASH_FIND(hh, w->chunks, &index, sizeof(index), c);
	return c;
}

static void free_chunk(struct wbuf *w, struct chunk *c)
{
	HASH_DEL(w->chunks, c);
	uncharge(w, c->capacity);
	free(c->data);
	free(c);
}

static void free_chunks(struct wbuf *w)
{
	while (w->chunks)
		free_chunk(w, w->chunks);
}

/* A new chunk without memory. NULL: not even that can be had. */
static struct chunk *new_chunk(struct wbuf *w, uint64_t index)
{
	struct chunk *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->index = index;
	HASH_ADD(hh, w->chunks, index, sizeof(c->index), c);
	if (!c->hh.tbl) {
		free(c);
		return NULL;
	}
	return c;
}

/*
 * Makes sure that chunk `index` can hold its first `size` bytes. It grows by doubling, but where the chunk
 * before it is full size, the file is not small, and this one gets its full size at once.
 * False: a limit is reached, or there is no memory.
 */
static bool reserve_chunk(struct wbuf *w, uint64_t index, size_t size)
{
	struct chunk *c = find_chunk(w, index);
	if (c && c->capacity >= size)
		return true;

	size_t capacity = CHUNK_MIN;
	const struct chunk *before = c || index == 0 ? NULL : find_chunk(w, index - 1);
	if (before && before->capacity == CHUNK_SIZE)
		capacity = CHUNK_SIZE;
	while (capacity < size)
		capacity *= 2;
	if (!c)
		c = new_chunk(w, index);
	if (!c)
		return false;

	size_t more = capacity - c->capacity;
	if (!charge(w, more))
		return false;
	uint8_t *data = realloc(c->data, capacity);
	if (!data) {
		uncharge(w, more);
		return false;
	}
	c->data = data;
	c->capacity = capacity;
	return true;
}

/* reserve_chunk() for all chunks of [start, end), which is not empty. */
static bool reserve_chunks(struct wbuf *w, uint64_t start, uint64_t end)
{
	for (uint64_t at = start; at < end;) {
		size_t inside = at % CHUNK_SIZE;
		size_t len = end - at < CHUNK_SIZE - inside ? end - at : CHUNK_SIZE - inside;
		if (!reserve_chunk(w, at / CHUNK_SIZE, inside + len))
			return false;
		at += len;
	}
	return true;
}

/* Where the byte `off` lies in memory, and (*len, at most) how many follow it there. */
static uint8_t *chunk_bytes(const struct wbuf *w, uint64_t off, size_t *len)
{
	const struct chunk *c = find_chunk(w, off / CHUNK_SIZE);
	size_t inside = off % CHUNK_SIZE;
	if (*len > c->capacity - inside)
		*len = c->capacity - inside;
	return c->data + inside;
}

/* Frees the chunk if none of its bytes is dirty any more. */
static void free_if_unused(struct wbuf *w, struct chunk *c)
{
	struct range r;
	uint64_t start = c->index * CHUNK_SIZE;
	if (!ranges_next(&w->dirty, start, &r) || r.start - start >= CHUNK_SIZE)
		free_chunk(w, c);
}

/* Frees the chunks of [start, end), which is not empty, that have become unused. */
static void free_unused(struct wbuf *w, uint64_t start, uint64_t end)
{
	uint64_t first = start / CHUNK_SIZE, last = (end - 1) / CHUNK_SIZE;
	struct chunk *c, *next;
	if (last - first >= HASH_COUNT(w->chunks)) {
		for (c = w->chunks; c; c = next) {
			next = c->hh.next;
			if (c->index >= first && c->index <= last)
				free_if_unused(w, c);
		}
		return;
	}
	for (uint64_t i = first; i <= last; i++) {
		c = find_chunk(w, i);
		if (c)
			free_if_unused(w, c);
	}
}

/* --- the spill file ------------------------------------------------------------------------------ */

struct spill_writer {
	int fd;
	uint64_t off;
};

/* A sink for wbuf_stream(). */
static int write_spill(void *arg, const void *data, size_t len)
{
	struct spill_writer *writer = arg;
	int ret = spill_write(writer->fd, data, len, writer->off);
	writer->off += len;
	return ret;
}

/* Moves the data from memory to a spill file. When it fails, nothing has changed. */
static int spill(struct wbuf *w)
{
	struct spill_writer writer = {.fd = -1};
	struct range r = {0, 0};
	bool in_memory = false;
	int ret = 0;
	writer.fd = spill_open(w->pool->dir, &w->pool->places, &in_memory);
	if (writer.fd < 0)
		return writer.fd;
	while (ret == 0 && ranges_next(&w->dirty, r.end, &r)) {
		writer.off = r.start;
		ret = wbuf_stream(w, r.start, r.end, write_spill, &writer);
	}
	if (ret < 0) {
		close(writer.fd);
		return ret;
	}
	free_chunks(w);
	w->fd = writer.fd;
	w->takes_memory = in_memory;
	return 0;
}

/*
 * Where a write covers dirty bytes and others, a full disk could stop it halfway through the
 * dirty ones. Space for all of it is asked for first; where the file system cannot do that, the
 * guarantee in wbuf.h is the weaker one, and the write goes on.
 */
static int allocate_mixed(const struct wbuf *w, uint64_t start, uint64_t end)
{
	struct range r;
	if (!ranges_next(&w->dirty, start, &r) || r.start >= end || (r.start == start && r.end >= end))
		return 0;
	if (fallocate(w->fd, FALLOC_FL_KEEP_SIZE, (off_t)start, (off_t)(end - start)) == 0)
		return 0;
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? -errno : 0;
}

/* Counts what a spill file without a disk takes, and `more`, which may be refused. */
static int take_memory(struct wbuf *w, uint64_t more)
{
	uint64_t want = w->takes_memory ? ranges_bytes(&w->dirty) + more : 0;
	uint64_t all = atomic_fetch_add(&w->pool->in_memory, want - w->taken) + want - w->taken;
	if (more > 0 && want > w->taken && all > IN_MEMORY_MOST) {
		atomic_fetch_sub(&w->pool->in_memory, want - w->taken);
		return -ENOSPC;
	}
	w->taken = want;
	return 0;
}

static int write_to_spill(struct wbuf *w, uint64_t start, uint64_t end, const struct iovec *iov, int n)
{
	int ret = ranges_prepare(&w->dirty);
	if (ret == 0 && w->takes_memory)
		ret = take_memory(w, end - start);
	if (ret == 0)
		ret = allocate_mixed(w, start, end);
	uint64_t at = start;
	for (int i = 0; i < n && ret == 0; i++) {
		ret = spill_write(w->fd, iov[i].iov_base, iov[i].iov_len, at);
		at += iov[i].iov_len;
	}
	return ret < 0 ? ret : ranges_add(&w->dirty, start, end);
}

/* --- the buffer ---------------------------------------------------------------------------------- */

struct wbuf *wbuf_new(struct wbuf_pool *pool)
{
	struct wbuf *w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->pool = pool;
	w->fd = -1;
	return w;
}

void wbuf_free(struct wbuf *w)
{
	if (!w)
		return;
	wbuf_clear(w);
	free(w);
}

void wbuf_clear(struct wbuf *w)
{
	free_chunks(w);
	ranges_clear(&w->dirty);
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	if (w->takes_memory)
		(void)take_memory(w, 0);
	w->takes_memory = false;
}

/* Copies into the chunks, which are there. */
static void copy_in(struct wbuf *w, uint64_t at, const struct iovec *iov, int n)
{
	for (int i = 0; i < n; i++) {
		const uint8_t *from = iov[i].iov_base;
		for (size_t left = iov[i].iov_len, len; left > 0; left -= len) {
			len = left;
			uint8_t *to = chunk_bytes(w, at, &len);
			memcpy(to, from, len);
			from += len;
			at += len;
		}
	}
}

/* No more files can be open: what was answered already, and cannot be kept elsewhere, must not be lost for that. */
static bool reserve_without_file(struct wbuf *w, uint64_t start, uint64_t end)
{
	bool reserved;
	w->without_file = true;
	reserved = reserve_chunks(w, start, end);
	w->without_file = false;
	return reserved;
}

int wbuf_write(struct wbuf *w, uint64_t off, const struct iovec *iov, int n)
{
	uint64_t end = off;
	if (off > INT64_MAX)
		return -EFBIG;
	for (int i = 0; i < n; i++) {
		if (iov[i].iov_len > INT64_MAX - end)
			return -EFBIG;
		end += iov[i].iov_len;
	}
	if (end == off)
		return 0;

	if (wbuf_in_memory(w) && !reserve_chunks(w, off, end)) {
		int ret = spill(w);
		if ((ret == -EMFILE || ret == -ENFILE) && reserve_without_file(w, off, end))
			ret = 0;
		if (ret < 0) {
			free_unused(w, off, end);
			return ret;
		}
	}
	if (!wbuf_in_memory(w))
		return write_to_spill(w, off, end, iov, n);
	int ret = ranges_add(&w->dirty, off, end);
	if (ret < 0)
		free_unused(w, off, end);
	else
		copy_in(w, off, iov, n);
	return ret;
}

/* True when every byte of [start, end) is dirty. */
static bool all_dirty(const struct wbuf *w, uint64_t start, uint64_t end)
{
	struct range r;
	return start == end || (start < end && ranges_next(&w->dirty, start, &r) && r.start == start && r.end >= end);
}

int wbuf_read(const struct wbuf *w, uint64_t off, size_t len, void *buf)
{
	if (len > UINT64_MAX - off || !all_dirty(w, off, off + len))
		return -EINVAL;
	if (!wbuf_in_memory(w))
		return spill_read(w->fd, buf, len, off);
	uint8_t *to = buf;
	for (size_t part; len > 0; len -= part) {
		part = len;
		const uint8_t *from = chunk_bytes(w, off, &part);
		memcpy(to, from, part);
		to += part;
		off += part;
	}
	return 0;
}

bool wbuf_next(const struct wbuf *w, uint64_t off, uint64_t *start, uint64_t *end)
{
	struct range r;
	if (!ranges_next(&w->dirty, off, &r))
		return false;
	*start = r.start;
	*end = r.end;
	return true;
}

int wbuf_stream(struct wbuf *w, uint64_t start, uint64_t end, wbuf_sink_fn sink, void *arg)
{
	bool spilled = !wbuf_in_memory(w);
	int ret = 0;
	if (!all_dirty(w, start, end))
		return -EINVAL;
	if (spilled)
		pthread_mutex_lock(&w->pool->lock);
	while (ret == 0 && start < end) {
		size_t len = end - start < WBUF_STREAM_MAX ? end - start : WBUF_STREAM_MAX;
		const uint8_t *data = w->pool->bounce;
		if (spilled)
			ret = spill_read(w->fd, w->pool->bounce, len, start);
		else
			data = chunk_bytes(w, start, &len);
		if (ret == 0)
			ret = sink(arg, data, len);
		start += len;
	}
	if (spilled)
		pthread_mutex_unlock(&w->pool->lock);
	return ret;
}

/* Gives back what [start, end), no longer dirty, takes. */
static void release(struct wbuf *w, uint64_t start, uint64_t end)
{
	if (wbuf_empty(w))
		wbuf_clear(w);
	else if (wbuf_in_memory(w))
		free_unused(w, start, end);
	else
		spill_release(w->fd, start, end);
	if (w->takes_memory)
		(void)take_memory(w, 0);
}

int wbuf_prepare(struct wbuf *w)
{
	return ranges_prepare(&w->dirty);
}

int wbuf_punch(struct wbuf *w, uint64_t off, uint64_t len)
{
	uint64_t last = ranges_end(&w->dirty);
	if (off >= last || len == 0)
		return 0;
	uint64_t end = len < last - off ? off + len : last;
	int ret = ranges_remove(&w->dirty, off, end);
	if (ret == 0)
		release(w, off, end);
	return ret;
}

int wbuf_truncate(struct wbuf *w, uint64_t size)
{
	/* What ends with the last range splits none, so it needs no memory. */
	return wbuf_punch(w, size, UINT64_MAX);
}

uint64_t wbuf_dirty(const struct wbuf *w)
{
	return ranges_bytes(&w->dirty);
}

size_t wbuf_runs(const struct wbuf *w)
{
	return ranges_count(&w->dirty);
}

bool wbuf_empty(const struct wbuf *w)
{
	return ranges_bytes(&w->dirty) == 0;
}

bool wbuf_in_memory(const struct wbuf *w)
{
	return w->fd < 0;
}
