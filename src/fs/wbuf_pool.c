/*
 * wbuf_pool.c - what all write buffers of one file system share (wbuf.h): how much memory they may take, and the folders for
 * spill files (spill.h). What is taken is counted by atomic operations alone, so it may be asked under any lock. Knows no
 * buffer.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <unistd.h>

#include "spill.h"
#include "target.h"
#include "wbuf.h"

/* Memory of buffers that is worth to be given back to the system when they are done. */
#define BURST ((uint64_t)8 << 20)

int wbuf_pool_init(struct wbuf_pool *pool, const char *container_path, uint64_t per_file, uint64_t total)
{
	char *path = target_of(container_path);
	if (!path)
		return -errno;
	int dir = open(dirname(path), O_PATH | O_DIRECTORY | O_CLOEXEC);
	int error = errno;
	free(path);
	if (dir < 0)
		return -error;
	*pool = (struct wbuf_pool){.per_file = per_file, .total = total, .dir = dir, .bounce = malloc(WBUF_STREAM_MAX)};
	if (!pool->bounce) {
		close(dir);
		return -ENOMEM;
	}
	spill_places_find(dir, &pool->places);
	pthread_mutex_init(&pool->lock, NULL);
	return 0;
}

void wbuf_pool_end(struct wbuf_pool *pool)
{
	spill_places_end(&pool->places);
	close(pool->dir);
	pool->dir = -1;
	pthread_mutex_destroy(&pool->lock);
	free(pool->bounce);
	pool->bounce = NULL;
}

uint64_t wbuf_pool_used(const struct wbuf_pool *pool)
{
	return atomic_load(&pool->used);
}

bool wbuf_pool_calmed(struct wbuf_pool *pool)
{
	return atomic_load(&pool->burst) && atomic_load(&pool->used) < BURST / 2 && atomic_exchange(&pool->burst, false);
}

bool wbuf_pool_take(struct wbuf_pool *pool, uint64_t n, uint64_t most)
{
	uint64_t before = atomic_fetch_add(&pool->used, n);
	if (n > most || before > most - n) {
		atomic_fetch_sub(&pool->used, n);
		return false;
	}
	if (before + n > BURST && !atomic_load_explicit(&pool->burst, memory_order_relaxed))
		atomic_store_explicit(&pool->burst, true, memory_order_relaxed);
	return true;
}
