/*
 * reread.c - what the disk or server did not deliver is asked for again: pages of zeros that the fault handler has put
 * in place (map.h, "Faults") become the file's again, so that an error that passes is over when it has passed.
 */
#include "config.h"

#include <sys/mman.h>
#include <unistd.h>

#include "store.h"

enum { PAGES_ASKED = 256, PAGES_TRIED = 16 };

uint64_t reel_reading(struct reel *r)
{
	uint64_t since = guard_faults(r->map->guard), offset, len;

	if (since == 0 || !guard_take_zeros(r->map->guard, &offset, &len))
		return since;
	/* Under this lock, among others, a compaction changes mapping and file. */
	pthread_mutex_lock(&r->reserve.lock);
	if (disk_remap(r->disk, r->map->base + offset, len, r->fd, offset) < 0)
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
