/*
 * map.c - makes, shares and ends the mapping of a container (map.h). Relies on a disk whose files
 * may be mapped past their end. Never moves or resizes a mapping.
 */
#include "config.h"

#include "map.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disk.h"
#include "format.h"

/* Small enough that many containers fit into 47 bits, large enough that none outgrows it. */
#define WINDOW_WANTED ((uint64_t)8 << 40)
/* Less room than this to grow is taken for a failure. */
#define WINDOW_LEAST ((uint64_t)64 << 20)
/* A multiple of every page's size. */
#define WINDOW_STEP ((uint64_t)64 << 10)

/* What `state` counts up by; the rest of it is one of these. A state never comes back. */
enum { STATE_UNUSED, STATE_IN_USE, STATE_RETIRED, STATE_STEP = 4 };

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

/*
 * Slots of threads. Whose slot is its own counts with plain loads and stores, which do not hold up the processor as
 * locked instructions would: the order that the reader's side then lacks is made up for by the retiring side, which has
 * every thread of the process pass a barrier: membarrier(2).
 */
enum { SLOT_UNKNOWN, SLOT_SHARED };

static pthread_once_t slots_once = PTHREAD_ONCE_INIT;
static pthread_key_t slot_key; /* gives the slot back when its thread ends */
static atomic_bool slots_usable;
static _Atomic uint64_t slots_taken = 1;                                          /* a bit for each; slot 0 is shared */
static _Thread_local unsigned my_slot __attribute__((tls_model("initial-exec"))); /* plus SLOT_SHARED */

static int membarrier(int command)
{
	return (int)syscall(SYS_membarrier, command, 0, 0);
}

static void give_slot(void *slot)
{
	/* Destructors that run later still find references to give back. */
	my_slot = SLOT_SHARED;
	atomic_fetch_and(&slots_taken, ~((uint64_t)1 << (uintptr_t)slot));
}

static void prepare_slots(void)
{
	slots_usable =
	    membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0 && pthread_key_create(&slot_key, give_slot) == 0;
}

/* A slot for the thread until it ends. */
static void take_slot(void)
{
	uint64_t taken = atomic_load(&slots_taken);

	pthread_once(&slots_once, prepare_slots);
	my_slot = SLOT_SHARED;
	while (slots_usable && ~taken != 0) {
		unsigned slot = (unsigned)__builtin_ctzll(~taken);
		if (!atomic_compare_exchange_weak(&slots_taken, &taken, taken | (uint64_t)1 << slot))
			continue;
		if (pthread_setspecific(slot_key, (void *)(uintptr_t)slot) == 0)
			my_slot = slot + SLOT_SHARED;
		else
			atomic_fetch_and(&slots_taken, ~((uint64_t)1 << slot));
		break;
	}
}

static inline unsigned slot_of_thread(void)
{
	if (__builtin_expect(my_slot == SLOT_UNKNOWN, false))
		take_slot();
	return my_slot - SLOT_SHARED;
}

static inline void count(_Atomic uint64_t *counter, bool own, uint64_t n)
{
	if (own)
		atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_release);
	else
		atomic_fetch_add(counter, n);
	/* What is loaded after this is not loaded before it: by the compiler here, by the processor see above. */
	atomic_signal_fence(memory_order_seq_cst);
}

/* No such mapping is to be had, whatever its length. */
static bool is_missing(int err)
{
	return err == -ENODEV || err == -EINVAL || err == -EOPNOTSUPP || err == -ENOSYS;
}

static int map_window(struct reel_mapping *m, uint64_t window, int fd)
{
	void *base = NULL;
	int err = m->private ? -ENODEV : m->disk->mmap(m->disk, window, fd, &base);

	if (is_missing(err) && (m->private || m->base == NULL)) {
		int first = err;
		base = NULL;
		err = disk_map_private(m->disk, window, fd, 0, &base);
		m->private |= err == 0;
		err = err == -ENOSYS ? first : err;
	}
	if (err == 0) {
		m->base = base;
		m->window = window;
	}
	return err;
}

/* Between what could be mapped and what could not: a file system whose largest file is not a power of two. */
static void widen(struct reel_mapping *m, uint64_t failed, int fd)
{
	while (failed - m->window > WINDOW_LEAST / 4) {
		uint64_t middle = (m->window + (failed - m->window) / 2) / WINDOW_STEP * WINDOW_STEP, had = m->window;
		void *base = m->base;
		if (map_window(m, middle, fd) < 0)
			failed = middle;
		else
			(void)m->disk->munmap(m->disk, base, had);
	}
}

int mapping_new(const struct disk_ops *disk, int fd, uint64_t size, struct reel_mapping **ret)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), window = WINDOW_WANTED, failed = 0;
	int err, refusal = 0;

	if (size > INT64_MAX / 4)
		return -EFBIG;
	struct reel_mapping *m = take_unused();
	if (m == NULL)
		return -ENOMEM;
	while (window < 2 * size)
		window *= 2;
	/* Limits of the address space or of the file system's largest file make the window smaller. */
	m->disk = disk;
	m->base = NULL;
	m->private = false;
	while ((err = map_window(m, window, fd)) < 0 && window / 2 >= size + WINDOW_LEAST) {
		failed = window;
		refusal = err;
		window /= 2;
	}
	if (err < 0 && size > 0) {
		failed = window;
		refusal = err;
		err = map_window(m, round_up(size, page), fd);
	}
	if (err < 0) {
		put_unused(m);
		return err;
	}
	/* Addresses that a limit leaves are needed for other things, too. */
	if (failed > 0 && refusal != -ENOMEM)
		widen(m, failed, fd);
	m->gen = GENERATION_NEWEST;
	m->guard = guard_add(m->base, m->window);
	atomic_fetch_add(&m->state, STATE_IN_USE - STATE_UNUSED);
	*ret = m;
	return 0;
}

static inline void take(struct reel_mapping *m, uint64_t n)
{
	unsigned slot = slot_of_thread();

	count(&m->slot[slot].taken, slot != 0, n);
}

void mapping_ref_many(struct reel_mapping *m, uint64_t n)
{
	take(m, n);
}

void mapping_ref(struct reel_mapping *m)
{
	take(m, 1);
}

/*
 * What was given back is counted first: if it is as much as was taken by the time that is counted, there was a
 * moment between without references, and as nobody takes a first one of a retired mapping, it lasts.
 */
static bool is_free(struct reel_mapping *m)
{
	uint64_t given = 0, taken = 0;

	for (int i = 0; i < MAPPING_SLOTS; i++)
		given += atomic_load(&m->slot[i].given);
	for (int i = 0; i < MAPPING_SLOTS; i++)
		taken += atomic_load(&m->slot[i].taken);
	return given == taken;
}

static void unmap_if_free(struct reel_mapping *m, uint64_t state)
{
	if (!is_free(m))
		return;
	/* Of several who find it free, one takes it out of use. */
	if (!atomic_compare_exchange_strong(&m->state, &state, state + STATE_STEP - STATE_RETIRED))
		return;
	guard_remove(m->guard);
	(void)m->disk->munmap(m->disk, m->base, m->window);
	put_unused(m);
}

void mapping_unref(struct reel_mapping *m)
{
	unsigned slot = slot_of_thread();

	count(&m->slot[slot].given, slot != 0, 1);
	if (atomic_load(&m->state) % STATE_STEP != STATE_RETIRED)
		return;
	/* A locked instruction: of two threads that come here, the later one sees what the earlier one gave back. */
	uint64_t state = atomic_fetch_add(&m->state, 0);
	if (state % STATE_STEP == STATE_RETIRED)
		unmap_if_free(m, state);
}

void mapping_retire(struct reel_mapping *m)
{
	uint64_t state = atomic_fetch_add(&m->state, STATE_RETIRED - STATE_IN_USE) + STATE_RETIRED - STATE_IN_USE;

	/* From here on every thread's references are seen, or that thread sees that the mapping is retired. */
	if (slots_usable)
		(void)membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	unmap_if_free(m, state);
}
