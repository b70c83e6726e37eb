/*
 * index.c - the key index: for each live key, where its newest entry ends. It is built by one walk
 * backward over the trailers when a key is first asked for (or at opening, when that walk is made
 * anyway), and then follows the commits. Never reads payloads. Where there is no memory to follow a
 * commit, the index is dropped, and built again when it is next needed.
 */
#include "config.h"

#include "store.h"

/* What was committed meanwhile is added under the lock once it is no more than this. */
enum { CATCH_UP = 1 << 16 };

int index_init(struct index *x)
{
	pthread_rwlockattr_t attr;

	pthread_mutex_init(&x->build, NULL);
	pthread_rwlockattr_init(&attr);
	/* A commit must not wait for ever behind readers that follow each other. */
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	int err = pthread_rwlock_init(&x->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return -err;
}

void index_free(struct index *x)
{
	u64table_free(&x->ends);
	pthread_rwlock_destroy(&x->lock);
	pthread_mutex_destroy(&x->build);
}

/* The newest entry of each key in (stop, tail], tombstones included and marked. */
static int walk_back(const struct chain *c, uint64_t tail, uint64_t stop, struct u64table *ends, uint64_t *broken)
{
	while (tail > stop) {
		struct reel_entry e;
		int err = entry_parse(c, tail, &e);
		if (err < 0 || e.prev_tail < stop) {
			*broken = tail;
			return -EBADMSG;
		}
		err = u64table_add(ends, e.key_hash, tail | (e.tombstone ? END_TOMBSTONE : 0));
		if (err < 0)
			return err;
		tail = e.prev_tail;
	}
	return 0;
}

int index_walk(const struct chain *c, uint64_t tail, struct u64table *ends, uint64_t *broken)
{
	int err = walk_back(c, tail, 0, ends, broken);

	if (err == 0)
		u64table_remove_marked(ends, END_TOMBSTONE);
	return err;
}

static int apply(struct u64table *ends, uint64_t key_hash, uint64_t end)
{
	if (!(end & END_TOMBSTONE))
		return u64table_put(ends, key_hash, end);
	u64table_remove(ends, key_hash);
	return 0;
}

/* Brings *ends from the tail `from` to the tail `to`. */
static int follow(const struct chain *c, uint64_t from, uint64_t to, struct u64table *ends, uint64_t *broken)
{
	struct u64table news = {0};
	int err = walk_back(c, to, from, &news, broken);

	for (uint64_t i = 0; err == 0 && i < news.capacity; i++) {
		if (news.slots[i].value != 0)
			err = apply(ends, news.slots[i].key, news.slots[i].value);
	}
	u64table_free(&news);
	return err;
}

static void install(struct index *x, struct u64table *ends)
{
	u64table_free(&x->ends);
	x->ends = *ends;
	*ends = (struct u64table){0};
	atomic_store_explicit(&x->built, true, memory_order_release);
}

static void drop(struct index *x)
{
	atomic_store(&x->built, false);
	u64table_free(&x->ends);
}

/* Under index.build. */
static int build(struct reel *r, uint64_t *broken)
{
	struct u64table ends = {0};
	uint64_t at = reel_tail_offset(r), tail;
	struct chain c = store_chain(r, at);
	int err = index_walk(&c, at, &ends, broken);

	while (err == 0 && (tail = reel_tail_offset(r)) - at > CATCH_UP) {
		c.size = tail;
		err = follow(&c, at, tail, &ends, broken);
		at = tail;
	}
	if (err == 0) {
		pthread_rwlock_wrlock(&r->index.lock);
		tail = reel_tail_offset(r);
		c.size = tail;
		err = follow(&c, at, tail, &ends, broken);
		if (err == 0)
			install(&r->index, &ends);
		pthread_rwlock_unlock(&r->index.lock);
	}
	u64table_free(&ends);
	return err;
}

int index_need(struct reel *r)
{
	struct index *x = &r->index;
	uint64_t broken = 0;
	int err = 0;

	if (atomic_load_explicit(&x->built, memory_order_acquire))
		return 0;
	pthread_mutex_lock(&x->build);
	if (!atomic_load(&x->built))
		err = build(r, &broken);
	pthread_mutex_unlock(&x->build);
	if (err == -EBADMSG)
		reel_log(r, LOG_ERR, "%s: no entry ends at offset %" PRIu64 ", where one should: keys cannot be looked up",
			 r->path, broken);
	return err;
}

uint64_t index_find(struct reel *r, uint64_t key_hash)
{
	pthread_rwlock_rdlock(&r->index.lock);
	const uint64_t *end = u64table_find(&r->index.ends, key_hash);
	uint64_t found = end == NULL ? 0 : *end;
	pthread_rwlock_unlock(&r->index.lock);
	return found;
}

void index_commit(struct reel *r, uint64_t tail, const struct placed *placed, size_t n)
{
	struct index *x = &r->index;
	int err = 0;

	pthread_rwlock_wrlock(&x->lock);
	if (atomic_load(&x->built)) {
		for (size_t i = 0; err == 0 && i < n; i++)
			err = apply(&x->ends, placed[i].key_hash, placed[i].end);
		if (err < 0)
			drop(x);
	}
	atomic_store_explicit(&r->tail, tail, memory_order_release);
	pthread_rwlock_unlock(&x->lock);
}

int index_advance(struct reel *r, uint64_t tail)
{
	struct index *x = &r->index;
	struct chain c = store_chain(r, tail);
	uint64_t broken = 0;
	int err = 0;

	pthread_rwlock_wrlock(&x->lock);
	uint64_t known = atomic_load(&r->tail);
	if (tail > known && atomic_load(&x->built)) {
		err = follow(&c, known, tail, &x->ends, &broken);
		if (err < 0)
			drop(x);
	}
	if (tail > known && err != -EBADMSG)
		atomic_store_explicit(&r->tail, tail, memory_order_release);
	pthread_rwlock_unlock(&x->lock);
	return err == -ENOMEM ? 0 : err;
}
