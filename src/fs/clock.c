/*
 * clock.c - the time at which something is changed here. Reads clocks only.
 *
 * The kernel stamps what it changes itself (files, with the writeback cache) by a clock that ticks every few
 * milliseconds, since Linux 6.13 moved forward by whoever asks for a finer time. What is changed here has to
 * sort after what the kernel has changed before: so the same ticks, but nothing before a time that the kernel has sent
 * (T5 in docs/DESIGN.md).
 */
#include "config.h"

#include <stdatomic.h>

#include "clock.h"

#define NS_PER_S    INT64_C(1000000000)
#define SECONDS_MAX (INT64_MAX / NS_PER_S - 1)

/* The newest time that the kernel has sent, in nanoseconds since 1970. */
static _Atomic int64_t newest;

static int64_t ns_of(const struct timespec *t)
{
	if (t->tv_sec < 0 || t->tv_sec > SECONDS_MAX)
		return 0;
	return t->tv_sec * NS_PER_S + t->tv_nsec;
}

static int64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return ns_of(&now);
}

struct timespec fs_now(void)
{
	int64_t now = read_clock(CLOCK_REALTIME_COARSE), seen = atomic_load_explicit(&newest, memory_order_relaxed);

	/* A time that is still to come means that the clock was set back since. */
	if (seen > now && seen <= read_clock(CLOCK_REALTIME))
		now = seen;
	return (struct timespec){.tv_sec = now / NS_PER_S, .tv_nsec = now % NS_PER_S};
}

void fs_time_seen(const struct timespec *t)
{
	int64_t seen = ns_of(t), old = atomic_load_explicit(&newest, memory_order_relaxed);

	if (seen > read_clock(CLOCK_REALTIME))
		return;
	while (seen > old &&
	       !atomic_compare_exchange_weak_explicit(&newest, &old, seen, memory_order_relaxed, memory_order_relaxed))
		;
}
