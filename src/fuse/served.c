/*
 * served.c - see served.h. WRITEs are counted in turns: when a mark's end comes the turn changes, and those of the turns
 * before are waited for while others come. Costs a request that is not a WRITE nothing, and a WRITE two relaxed atomics.
 * A thread that has taken a WRITE and not counted it yet can be missed: it has until the first tick.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "keeper.h"
#include "served.h"

#define TICK_NS 1000000

static atomic_uint turn;
static atomic_ulong taken[2], answered[2]; /* by turns */
static atomic_ulong lost_writes, shortenings;
static atomic_bool ended;

/* Protects what follows; held during no call. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed; /* by the monotonic clock */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct {
	uint64_t token, fh;
	bool seen, passed;
	unsigned turn; /* that its end closed */
} mark;
static atomic_bool awaited; /* a mark's end may come */

static void make_condition(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attr);
	pthread_condattr_destroy(&attr);
}

unsigned served_taken(bool shortens)
{
	unsigned number = atomic_load_explicit(&turn, memory_order_relaxed) & 1;

	if (shortens)
		atomic_fetch_add_explicit(&shortenings, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&taken[number], 1, memory_order_relaxed);
	return number;
}

void served_answered(unsigned number, bool lost)
{
	if (lost)
		atomic_fetch_add(&lost_writes, 1);
	atomic_fetch_add_explicit(&answered[number], 1, memory_order_release);
}

void served_ioctl(uint64_t fh, uint32_t command, uint64_t argument)
{
	if (command != KEEPER_MARK)
		return;
	pthread_mutex_lock(&lock);
	if (!mark.seen && argument == mark.token && argument != 0) {
		mark.seen = true;
		mark.fh = fh;
		atomic_store(&awaited, true);
	}
	pthread_mutex_unlock(&lock);
}

void served_releasedir(uint64_t fh)
{
	if (!atomic_load_explicit(&awaited, memory_order_relaxed))
		return;
	pthread_mutex_lock(&lock);
	if (mark.seen && !mark.passed && mark.fh == fh) {
		mark.passed = true;
		mark.turn = atomic_fetch_add(&turn, 1) & 1;
		atomic_store(&awaited, false);
		pthread_cond_broadcast(&changed);
	}
	pthread_mutex_unlock(&lock);
}

void served_expect(uint64_t token)
{
	pthread_once(&once, make_condition);
	pthread_mutex_lock(&lock);
	mark.token = token;
	mark.seen = mark.passed = false;
	atomic_store(&awaited, false);
	pthread_mutex_unlock(&lock);
}

static bool is_past(const struct timespec *deadline)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > deadline->tv_sec || (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

int served_wait(const struct timespec *deadline)
{
	static const struct timespec tick = {.tv_nsec = TICK_NS};
	unsigned before;
	int res = 0;

	pthread_mutex_lock(&lock);
	if (!mark.seen)
		res = -ENOENT;
	while (res == 0 && !mark.passed && !atomic_load(&ended))
		res = -pthread_cond_timedwait(&changed, &lock, deadline);
	if (res == 0 && !mark.passed)
		res = -ETIMEDOUT;
	before = mark.turn;
	pthread_mutex_unlock(&lock);
	if (res < 0)
		return res;
	do
		nanosleep(&tick, NULL);
	while (atomic_load(&answered[before]) != atomic_load(&taken[before]) && !is_past(deadline) && !atomic_load(&ended));
	return atomic_load(&answered[before]) == atomic_load(&taken[before]) ? 0 : -ETIMEDOUT;
}

void served_end(void)
{
	pthread_once(&once, make_condition);
	pthread_mutex_lock(&lock);
	atomic_store(&ended, true);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

unsigned long served_lost(void)
{
	return atomic_load(&lost_writes);
}

unsigned long served_writes(void)
{
	return atomic_load(&taken[0]) + atomic_load(&taken[1]) - atomic_load(&shortenings);
}

unsigned long served_shortenings(void)
{
	return atomic_load(&shortenings);
}
