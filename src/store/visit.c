/*
 * visit.c - a walk over all live entries by several threads. They share one list of entries and take parts of it in
 * turn, so that none is left with more work than another.
 */
#include "config.h"

#include <sched.h>
#include <stdlib.h>

#include "store.h"

enum {
	PART = 1024, /* entries taken at a time */
	AHEAD = 16,
	THREADS_MOST = 1024,
};

struct visit {
	struct reel *r;
	struct snapshot at;
	reel_visit_fn visit;
	void *arg;
	_Atomic size_t taken; /* entries, from the newest on */
	atomic_int result;    /* the first that is not 0 */
};

static int visit_one(struct visit *v, const struct chain *c, uint64_t end)
{
	struct reel_entry e;
	int err = entry_parse(c, end, &e);

	if (err < 0) {
		store_log_broken(v->r, end);
		return err;
	}
	/* Without a reference: the snapshot has one. */
	e.mapping = v->at.map;
	return v->visit(v->arg, &e);
}

static void *work(void *arg)
{
	struct visit *v = arg;
	const struct snapshot *s = &v->at;
	struct chain c = {.gen = s->map->gen, .base = s->map->base, .size = s->tail};
	size_t i;

	while ((i = atomic_fetch_add(&v->taken, PART)) < s->n) {
		size_t stop = s->n - i < PART ? s->n : i + PART;
		for (; i < stop && atomic_load_explicit(&v->result, memory_order_relaxed) == 0; i++) {
			if (i + AHEAD < stop)
				__builtin_prefetch(c.base + s->ends[s->n - 1 - i - AHEAD] - c.gen->trailer);
			int result = visit_one(v, &c, s->ends[s->n - 1 - i]), none = 0;
			if (result != 0)
				atomic_compare_exchange_strong(&v->result, &none, result);
		}
	}
	return NULL;
}

static unsigned processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

int reel_for_each(struct reel *r, unsigned threads, reel_visit_fn visit, void *arg)
{
	struct visit v = {.r = r, .visit = visit, .arg = arg};
	int err = snapshot_take_live(r, &v.at);

	if (err < 0)
		return err;
	if (threads == 0)
		threads = processors();
	if (threads > v.at.n / PART + 1)
		threads = (unsigned)(v.at.n / PART + 1);
	if (threads > THREADS_MOST)
		threads = THREADS_MOST;
	pthread_t *thread = calloc(threads, sizeof(*thread));
	unsigned started = 0;
	/* Those that cannot be had are done without: the calling thread works too. */
	while (thread != NULL && started + 1 < threads && pthread_create(&thread[started], NULL, work, &v) == 0)
		started++;
	work(&v);
	for (unsigned i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	free(thread);
	snapshot_free(&v.at);
	return v.result;
}
