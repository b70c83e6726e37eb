/*
 * map.c - makes, shares and ends the mapping of a container (map.h). Relies on a disk whose files
 * may be mapped past their end. Never moves or resizes a mapping.
 */
#include "config.h"

#include "map.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"
#include "format.h"

/* Small enough that many containers fit into 47 bits, large enough that none outgrows it. */
#define WINDOW_WANTED ((uint64_t)8 << 40)
/* Less room than this to grow is taken for a failure. */
#define WINDOW_LEAST ((uint64_t)64 << 20)

/* What `state` counts up by; the rest of it is one of these. A state never comes back. */
enum { STATE_UNUSED, STATE_IN_USE, STATE_RETIRED, STATE_STEP };

/* Protects the list of structures that are not in use. */
static pthread_mutex_t unused_lock = PTHREAD_MUTEX_INITIALIZER;
static struct reel_mapping *unused;

static struct reel_mapping *take_unused(void)
{
	pthread_mutex_lock(&unused_lock);
	struct reel_mapping *m = unused;
	if (m != NULL)
		unused = m->next_unused;
	pthread_mutex_unlock(&unused_lock);
	if (m == NULL) {
		m = aligned_alloc(alignof(struct reel_mapping), sizeof(*m));
		if (m != NULL)
			memset(m, 0, sizeof(*m));
	}
	return m;
}

static void put_unused(struct reel_mapping *m)
{
	pthread_mutex_lock(&unused_lock);
	m->next_unused = unused;
	unused = m;
	pthread_mutex_unlock(&unused_lock);
}

static unsigned stripe_of_thread(void)
{
	static atomic_uint threads;
	static _Thread_local unsigned mine __attribute__((tls_model("initial-exec"))); /* plus 1 */

	if (mine == 0)
		mine = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % MAPPING_STRIPES + 1;
	return mine - 1;
}

int mapping_new(const struct disk_ops *disk, int fd, uint64_t size, struct reel_mapping **ret)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), window = WINDOW_WANTED;
	void *base;
	int err;

	if (size > INT64_MAX / 4)
		return -EFBIG;
	struct reel_mapping *m = take_unused();
	if (m == NULL)
		return -ENOMEM;
	while (window < 2 * size)
		window *= 2;
	/* Limits of the address space or of the file system's largest file make the window smaller. */
	while ((err = disk->mmap(disk, window, fd, &base)) < 0 && window / 2 >= size + WINDOW_LEAST)
		window /= 2;
	if (err < 0 && size > 0) {
		window = round_up(size, page);
		err = disk->mmap(disk, window, fd, &base);
	}
	if (err < 0) {
		put_unused(m);
		return err;
	}
	m->disk = disk;
	m->base = base;
	m->window = window;
	m->gen = GENERATION_NEWEST;
	guard_add(m->base, m->window);
	atomic_fetch_add(&m->state, STATE_IN_USE - STATE_UNUSED);
	*ret = m;
	return 0;
}

void mapping_ref_many(struct reel_mapping *m, uint64_t n)
{
	atomic_fetch_add(&m->stripe[stripe_of_thread()].taken, n);
}

void mapping_ref(struct reel_mapping *m)
{
	mapping_ref_many(m, 1);
}

/*
 * What was given back is counted first: if it is as much as was taken by the time that is counted, there was a
 * moment between without references, and as nobody takes a first one of a retired mapping, it lasts.
 */
static bool is_free(struct reel_mapping *m)
{
	uint64_t given = 0, taken = 0;

	for (int i = 0; i < MAPPING_STRIPES; i++)
		given += atomic_load(&m->stripe[i].given);
	for (int i = 0; i < MAPPING_STRIPES; i++)
		taken += atomic_load(&m->stripe[i].taken);
	return given == taken;
}

static void unmap_if_free(struct reel_mapping *m, uint64_t state)
{
	if (!is_free(m))
		return;
	/* Of several who find it free, one takes it out of use. */
	if (!atomic_compare_exchange_strong(&m->state, &state, state + STATE_STEP - STATE_RETIRED))
		return;
	guard_remove(m->base);
	(void)m->disk->munmap(m->disk, m->base, m->window);
	put_unused(m);
}

void mapping_unref(struct reel_mapping *m)
{
	atomic_fetch_add(&m->stripe[stripe_of_thread()].given, 1);
	uint64_t state = atomic_load(&m->state);
	if (state % STATE_STEP == STATE_RETIRED)
		unmap_if_free(m, state);
}

void mapping_retire(struct reel_mapping *m)
{
	uint64_t state = atomic_fetch_add(&m->state, STATE_RETIRED - STATE_IN_USE) + STATE_RETIRED - STATE_IN_USE;

	unmap_if_free(m, state);
}
