/*
 * sync.c - makes what was appended durable. One thread at a time calls fdatasync(); those who come
 * meanwhile wait, and one of them syncs for all the others. After a sync that failed, what is on the
 * disk is not known and cannot be learned: the container is failed for good, and no later sync succeeds.
 */
#include "config.h"

#include "store.h"

/* With sync.lock held, which is given up meanwhile. Returns the error of the sync. */
static int sync_now(struct reel *r)
{
	struct syncer *s = &r->sync;

	s->running = true;
	pthread_mutex_unlock(&s->lock);
	uint64_t tail = reel_tail_offset(r);
	int err = disk_fdatasync(r->disk, r->fd);
	if (err == 0)
		err = watch_sync(r);
	if (err == 0)
		err = foreign_at_sync(r);
	bool first = err < 0 && store_fail(r, err);
	pthread_mutex_lock(&s->lock);
	s->running = false;
	if (err == 0 && tail > atomic_load(&s->durable))
		atomic_store_explicit(&s->durable, tail, memory_order_release);
	pthread_cond_broadcast(&s->done);
	if (first) {
		pthread_mutex_unlock(&s->lock);
		reel_log(r, LOG_ERR,
			 "%s: syncing to the disk failed (%s); what was written since the last sync may be lost, and nothing "
			 "more will "
			 "be written. Check the disk and open it again",
			 r->path, reel_explain(err));
		pthread_mutex_lock(&s->lock);
	}
	return err;
}

int reel_sync(struct reel *r)
{
	struct syncer *s = &r->sync;
	int err = 0;

	if (!store_writable(r))
		return 0;
	pthread_mutex_lock(&s->lock);
	uint64_t tail = reel_tail_offset(r), files = s->files;
	/* Another file in place has all that was in the one before, synced. */
	while (err == 0 && s->files == files && atomic_load(&s->durable) < tail) {
		err = reel_failed(r);
		if (err == 0 && s->running)
			pthread_cond_wait(&s->done, &s->lock);
		else if (err == 0)
			err = sync_now(r);
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}
