/*
 * reread.c - what the disk or server did not deliver is asked for again: pages of zeros that the fault handler has put
 * in place (map.h, "Faults") become the file's again, so that an error that passes is over when it has passed.
 */
#include "config.h"

#include <sys/mman.h>
#include <unistd.h>

#include "store.h"

enum { PAGES_ASKED = 256, PAGES_TRIED = 16, REMAP_TRIES = 8, PIECE = 512 };

int reread_remap(struct reel *r, uint64_t offset, uint64_t len)
{
	void *at = r->map->base + offset;

	return r->map->private ? disk_map_private(r->disk, len, r->fd, offset, &at)
			       : disk_remap(r->disk, at, len, r->fd, offset);
}

uint64_t reel_reading(struct reel *r)
{
	uint64_t since = guard_faults(r->map->guard), offset, len;

	if (since == 0 || !guard_take_zeros(r->map->guard, &offset, &len))
		return since;
	/* Under this lock, among others, a compaction changes mapping and file. */
	pthread_mutex_lock(&r->reserve.lock);
	if (reread_remap(r, offset, len) < 0)
		guard_put_zeros(r->map->guard, offset, len);
	pthread_mutex_unlock(&r->reserve.lock);
	return since;
}

bool reel_unread(struct reel *r, uint64_t token, uint64_t offset, uint64_t len)
{
	uint64_t at;

	return guard_failed(r->map->guard, token, offset, len, &at);
}

int reel_unread_error(struct reel *r, uint64_t offset, uint64_t len, uint64_t *at)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), n = guard_faults(r->map->guard);
	uint8_t byte;

	*at = offset;
	if (n > 0)
		(void)guard_failed(r->map->guard, n - 1, offset, len, at);
	for (uint64_t i = 0, p = *at; i < PAGES_ASKED && p < offset + len; i++, p = (p / page + 1) * page) {
		int err = disk_read_all(r->disk, r->fd, &byte, 1, p);
		if (err == 0 || err == -ENODATA)
			continue;
		*at = p;
		return err;
	}
	return -EIO;
}

void reread_drop(struct reel *r, uint64_t from, uint64_t end)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), start = from & ~(page - 1);

	/* A page that is mapped is not dropped. */
	(void)madvise(r->map->base + start, round_up(end, page) - start, MADV_DONTNEED);
	(void)disk_drop(r->disk, r->fd, start, round_up(end, page) - start);
}

/* Has the mapping these bytes, of one page, as the file has them? True, too, if that cannot be learned. */
static bool is_fresh(struct reel *r, uint64_t from, uint64_t end)
{
	uint8_t piece[PIECE];

	for (uint64_t at = from; at < end; at += PIECE) {
		size_t n = end - at < PIECE ? (size_t)(end - at) : PIECE;
		if (disk_read_all(r->disk, r->fd, piece, n, at) < 0)
			return true;
		if (memcmp(piece, r->map->base + at, n) != 0)
			return false;
	}
	return true;
}

/*
 * Of what was appended just the page that the file ended in before can have been touched. Where writes pass the cache by, and
 * another thread touches that page in the same moment, the cache keeps it as it was, and drops no page that is
 * mapped: then mapping it anew has the kernel drop it everywhere.
 */
void reread_written(struct reel *r, uint64_t from, uint64_t end)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), first = round_up(from, page) < end ? round_up(from, page) : end;

	if (!r->map->private && !(r->place.fuse && r->place.shared))
		return;
	if (r->map->private)
		reread_drop(r, from, end);
	if (!guard_installed() || from % page == 0)
		return;
	for (int i = 0; i < REMAP_TRIES && !is_fresh(r, from, first); i++)
		(void)reread_remap(r, from - from % page, page);
}

static bool can_read(struct reel *r, uint64_t at)
{
	uint8_t byte;

	return disk_read_all(r->disk, r->fd, &byte, 1, at) == 0;
}

bool reel_unread_passes(struct reel *r)
{
	uint64_t n = guard_faults(r->map->guard), size = reel_tail_offset(r), at;

	/* Of what failed last each page is asked for again. */
	for (uint64_t i = 1; i <= PAGES_TRIED && i <= n; i++) {
		if (guard_failed(r->map->guard, n - i, 0, size, &at) && can_read(r, at))
			return true;
	}
	for (uint64_t i = 0; i < PAGES_TRIED; i++) {
		at = size / PAGES_TRIED * i;
		reread_drop(r, at, at + 1);
		if (at < size && can_read(r, at))
			return false;
	}
	return true;
}

bool reread_tell(struct reel *r, uint64_t token, uint64_t offset, uint64_t len)
{
	uint64_t at;

	if (!reel_unread(r, token, offset, len))
		return false;
	int err = reel_unread_error(r, offset, len, &at);
	reel_log(r, LOG_ERR,
		 "%s: reading the container failed at offset %" PRIu64 " (%s); nothing was changed, and it can be tried again",
		 r->path, at, reel_explain(err));
	return true;
}
