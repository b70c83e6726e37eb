/*
 * swap.c - puts another container's file in the place of the one that is open: for a compaction, and for a reader
 * who follows one. Readers of this process go on while it happens; entries and iterators keep the old file's mapping.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

#include "store.h"

/* r->fd means the new file from now on. The old one's lock is given up, also where entries keep its mapping. */
static int take_over_fd(struct reel *r, int fd)
{
	int err;

	if (store_writable(r))
		(void)disk_flock(r->disk, r->fd, LOCK_UN);
	do
		err = r->disk->dup3(r->disk, fd, r->fd, O_CLOEXEC);
	while (err == -EINTR || err == -EBUSY);
	return err < 0 ? err : 0;
}

int swap_file(struct reel *r, struct reel *from)
{
	struct reel_mapping *old = r->map;
	struct view *its = store_view(from);
	uint64_t tail = reel_tail_offset(from);

	pthread_mutex_lock(&r->index.build);
	pthread_mutex_lock(&r->reserve.lock);
	pthread_mutex_lock(&r->sync.lock);
	while (r->sync.running)
		pthread_cond_wait(&r->sync.done, &r->sync.lock);
	int err = index_replace(r, from->map, &its->ends, its->built, tail);
	if (err == 0) {
		atomic_store(&r->write_end, tail);
		r->reserve.end = tail;
		memcpy(r->watch.left, from->watch.left, TRAILER_SIZE);
		r->place = from->place;
		r->watch.has_left = from->watch.has_left;
		r->sync.files++;
		atomic_store(&r->sync.durable, atomic_load(&from->sync.durable));
		err = take_over_fd(r, from->fd);
		/* What was taken over is not from's to end; closing this descriptor leaves the lock to the other. */
		atomic_store(&from->map, NULL);
		(void)disk_close(r->disk, from->fd);
		from->fd = -1;
		mapping_retire(old);
	}
	pthread_cond_broadcast(&r->sync.done);
	pthread_mutex_unlock(&r->sync.lock);
	pthread_mutex_unlock(&r->reserve.lock);
	pthread_mutex_unlock(&r->index.build);
	return err;
}
