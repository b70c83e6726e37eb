/*
 * index.c - the key index: for each live key, where its newest entry ends. It is built by one walk
 * backward over the trailers when a key is first asked for (or at opening, when that walk is made
 * anyway), and then follows the commits. Never reads payloads. Where there is no memory to follow a
 * commit, the index is dropped, and built again when it is next needed.
 *
 * What changes here is read without a lock (lookup.c): so every change lies between begin_change() and end_change().
 */
#include "config.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store.h"

enum {
	CATCH_UP = 1 << 16, /* what was committed meanwhile is added under the lock once it is no more than this */
	AHEAD = 8,          /* keys whose slots are fetched ahead of being changed */
	PENDING = 32,       /* the same when the index is built */
	FETCH = 4 << 20,    /* bytes that the disk is asked for at a time */
	DENSE = 1 << 14,    /* bytes an entry, up to which nearly all of the file is read to read the trailers */
};

/* --- changing ------------------------------------------------------------------------------------------- */

int index_init(struct reel *r)
{
	struct view *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return -ENOMEM;
	v->ends.tagged = keys_checked(r);
	pthread_mutex_init(&r->index.build, NULL);
	pthread_mutex_init(&r->index.lock, NULL);
	atomic_init(&r->index.view, v);
	return 0;
}

void index_free(struct reel *r)
{
	struct view *v = store_view(r), *older;

	for (; v != NULL; v = older) {
		older = v->older;
		u64table_free(&v->ends);
		free(v);
	}
	pthread_mutex_destroy(&r->index.lock);
	pthread_mutex_destroy(&r->index.build);
}

void index_start(struct reel *r, struct u64table *ends)
{
	struct view *v = store_view(r);

	v->map = r->map;
	v->built = ends != NULL;
	if (ends != NULL) {
		v->ends = *ends;
		*ends = (struct u64table){0};
	}
}

/* Between these two, under index.lock, what readers find is not to be believed. */
static void begin_change(struct index *x)
{
	atomic_store(&x->changes, atomic_load_explicit(&x->changes, memory_order_relaxed) + 1);
}

static void end_change(struct index *x)
{
	atomic_store(&x->changes, atomic_load_explicit(&x->changes, memory_order_relaxed) + 1);
}

/* Puts a view in place of the present one, within a change. Takes over *ends. */
static void publish(struct index *x, struct view *v, struct reel_mapping *map, struct u64table *ends, bool built)
{
	struct view *old = atomic_load(&x->view);

	*v = (struct view){.map = map, .ends = *ends, .older = old};
	atomic_init(&v->built, built);
	*ends = (struct u64table){0};
	atomic_store(&x->view, v);
	u64table_retire(&old->ends);
}

/* Makes room in the table outside of a change, or within one. */
static int grow(struct index *x, bool changing)
{
	struct view *old = atomic_load(&x->view), *v = malloc(sizeof(*v));
	struct u64table bigger = {0};
	int err = v == NULL ? -ENOMEM : u64table_grown(&old->ends, &bigger);

	if (err < 0) {
		free(v);
		return err;
	}
	if (!changing)
		begin_change(x);
	publish(x, v, old->map, &bigger, true);
	if (!changing)
		end_change(x);
	return 0;
}

/* Within a change: forgets the index, where there is no memory to keep it right. */
static void drop(struct index *x)
{
	struct view *v = atomic_load(&x->view);

	/* In place, because another view would need memory. Nobody believes this one now. */
	u64table_remove_marked(&v->ends, UINT64_MAX);
	v->built = false;
}

static int apply(struct index *x, const struct placed *p)
{
	struct view *v = atomic_load(&x->view);

	if (p->end & END_TOMBSTONE) {
		u64table_remove(&v->ends, p->key_hash);
		return 0;
	}
	if (!u64table_has_room(&v->ends, 1)) {
		int err = grow(x, true);
		if (err < 0)
			return err;
		v = atomic_load(&x->view);
	}
	u64table_put_tagged(&v->ends, p->key_hash, p->end, p->tag);
	return 0;
}

void index_expect(struct reel *r, uint64_t n)
{
	struct view *v = store_view(r);
	struct u64table roomy;

	if (u64table_copy(&v->ends, n, &roomy) < 0)
		return;
	u64table_free(&v->ends);
	v->ends = roomy;
}

void index_commit(struct reel *r, uint64_t tail, const struct placed *placed, size_t n)
{
	struct index *x = &r->index;
	int err = 0;

	pthread_mutex_lock(&x->lock);
	/* Where it is likely to be needed, room is made while readers can go on. Keys of a large batch may be known ones. */
	uint64_t likely = n < store_view(r)->ends.used / 256 ? n : 1;
	if (store_view(r)->built && !u64table_has_room(&store_view(r)->ends, likely))
		(void)grow(x, false);
	struct view *v = store_view(r);
	begin_change(x);
	for (size_t i = 0; v->built && err == 0 && i < n; i++) {
		if (i + AHEAD < n)
			u64table_prefetch(&store_view(r)->ends, placed[i + AHEAD].key_hash);
		err = apply(x, &placed[i]);
	}
	if (err < 0)
		drop(x);
	atomic_store_explicit(&r->tail, tail, memory_order_release);
	end_change(x);
	pthread_mutex_unlock(&x->lock);
}

/* Names that are known stay known. */
static void inherit_tags(const struct u64table *from, struct u64table *to)
{
	for (uint64_t i = 0; from->tags != NULL && to->tags != NULL && i < to->capacity; i++) {
		uint32_t tag = 0;
		if (to->slots[i].value != 0 && u64table_peek(from, to->slots[i].key, &tag) != 0)
			to->tags[i] = tag;
	}
}

int index_replace(struct reel *r, struct reel_mapping *map, struct u64table *ends, bool built, uint64_t tail)
{
	struct view *v = malloc(sizeof(*v));

	if (v == NULL)
		return -ENOMEM;
	ends->tagged = keys_checked(r);
	pthread_mutex_lock(&r->index.lock);
	inherit_tags(&store_view(r)->ends, ends);
	begin_change(&r->index);
	publish(&r->index, v, map, ends, built);
	atomic_store(&r->map, map);
	atomic_store(&r->tail, tail);
	end_change(&r->index);
	pthread_mutex_unlock(&r->index.lock);
	return 0;
}

/* --- building ------------------------------------------------------------------------------------------- */

/* Trailers read, whose keys are not yet in the table: their slots are being fetched. */
struct pending {
	uint64_t key[PENDING], end[PENDING];
	unsigned n;
};

/* Makes the table large enough for all keys there are likely to be, when part of the way back is walked. */
static int expect(struct u64table *ends, uint64_t walked, uint64_t left)
{
	struct u64table bigger;

	if (u64table_has_room(ends, PENDING))
		return 0;
	double all = (double)ends->used * ((double)left / (double)walked + 1.02);
	int err = u64table_copy(ends, all > 1e15 ? UINT64_MAX : (uint64_t)all, &bigger);
	if (err < 0)
		return ends->used < 1024 ? err : 0; /* growing step by step needs less */
	u64table_free(ends);
	*ends = bigger;
	return 0;
}

static int add_pending(struct u64table *ends, struct pending *p, uint64_t walked, uint64_t left)
{
	int err = ends->used > 1024 ? expect(ends, walked, left) : 0;

	for (unsigned i = 0; err >= 0 && i < p->n; i++)
		err = u64table_add(ends, p->key[i], p->end[i]);
	p->n = 0;
	return err < 0 ? err : 0;
}

/* Asks the disk for what is walked over next, so that it works while keys are added. Advice only. */
static void fetch_ahead(const struct chain *c, uint64_t tail, uint64_t stop, uint64_t *fetched)
{
	if (tail > *fetched + FETCH / 2 || *fetched <= stop)
		return;
	uint64_t to = *fetched, from = to > stop + FETCH ? to - FETCH : stop;
	*fetched = from - from % (uint64_t)sysconf(_SC_PAGESIZE);
	(void)madvise((void *)(uintptr_t)(c->base + *fetched), to - *fetched, MADV_WILLNEED);
}

/* The newest entry of each key in (stop, tail], tombstones included and marked. *reached: the last end looked at. */
static int walk_back(const struct chain *c, uint64_t tail, uint64_t stop, struct u64table *ends, uint64_t *reached)
{
	struct pending p = {.n = 0};
	uint64_t start = tail, entries = 0, fetched = tail; /* the disk was asked for all from there on */
	int err = 0;

	while (err == 0 && tail > stop) {
		struct reel_entry e;
		*reached = tail;
		err = entry_parse(c, tail, &e);
		if (err < 0 || e.prev_tail < stop)
			return -EBADMSG;
		p.key[p.n] = e.key_hash;
		p.end[p.n++] = tail | (e.tombstone ? END_TOMBSTONE : 0);
		u64table_prefetch(ends, e.key_hash);
		tail = e.prev_tail;
		if (p.n == PENDING) {
			entries += PENDING;
			err = add_pending(ends, &p, start - tail, tail - stop);
			if ((start - tail) / entries < DENSE)
				fetch_ahead(c, tail, stop, &fetched);
			else
				fetched = tail;
		}
	}
	return err == 0 ? add_pending(ends, &p, start - tail, 0) : err;
}

int index_walk(const struct chain *c, uint64_t tail, struct u64table *ends, uint64_t *reached)
{
	struct u64table smaller;
	int err = walk_back(c, tail, 0, ends, reached);

	if (err < 0)
		return err;
	u64table_remove_marked(ends, END_TOMBSTONE);
	/* More keys were expected than came. */
	if (u64table_is_sparse(ends) && u64table_copy(ends, ends->used, &smaller) == 0) {
		u64table_free(ends);
		*ends = smaller;
	}
	return 0;
}

/* Brings *ends, which readers do not see, from the tail `from` to the tail `to`. */
static int follow(const struct chain *c, uint64_t from, uint64_t to, struct u64table *ends, uint64_t *broken)
{
	struct u64table news = {0};
	int err = walk_back(c, to, from, &news, broken);

	for (uint64_t i = 0; err == 0 && i < news.capacity; i++) {
		uint64_t end = news.slots[i].value;
		if (end & END_TOMBSTONE)
			u64table_remove(ends, news.slots[i].key);
		else if (end != 0)
			err = u64table_put(ends, news.slots[i].key, end);
	}
	u64table_free(&news);
	return err;
}

/* Under index.build. */
static int build(struct reel *r, uint64_t token, uint64_t *broken)
{
	struct view *v = malloc(sizeof(*v));
	struct u64table ends = {.tagged = keys_checked(r)};
	uint64_t at = reel_tail_offset(r), tail;
	struct chain c = store_chain(r, at);
	int err = v == NULL ? -ENOMEM : index_walk(&c, at, &ends, broken);

	while (err == 0 && (tail = reel_tail_offset(r)) - at > CATCH_UP) {
		c.size = tail;
		err = follow(&c, at, tail, &ends, broken);
		at = tail;
	}
	if (err == 0) {
		pthread_mutex_lock(&r->index.lock);
		tail = reel_tail_offset(r);
		c.size = tail;
		err = follow(&c, at, tail, &ends, broken);
		/* Links that could not be read are zeros, and the chain seems to begin there. */
		if (err == 0 && reel_unread(r, token, 0, tail))
			err = -EBADMSG;
		if (err == 0) {
			begin_change(&r->index);
			publish(&r->index, v, r->map, &ends, true);
			end_change(&r->index);
			v = NULL;
		}
		pthread_mutex_unlock(&r->index.lock);
	}
	u64table_free(&ends);
	free(v);
	return err;
}

int index_need(struct reel *r)
{
	uint64_t broken = 0;
	int err = 0;

	if (store_view(r)->built)
		return 0;
	uint64_t token = reel_reading(r);
	pthread_mutex_lock(&r->index.build);
	if (!store_view(r)->built)
		err = build(r, token, &broken);
	pthread_mutex_unlock(&r->index.build);
	if (err == -EBADMSG && reread_tell(r, token, 0, reel_tail_offset(r)))
		return -EIO;
	if (err == -EBADMSG)
		reel_log(r, LOG_ERR, "%s: no entry ends at offset %" PRIu64 ", where one should: keys cannot be looked up",
			 r->path, broken);
	return err;
}

int index_advance(struct reel *r, const struct reel_mapping *map, uint64_t tail)
{
	struct index *x = &r->index;
	struct chain c = {.gen = map->gen, .base = map->base, .size = tail};
	struct u64table news = {0};
	uint64_t broken = 0;

	pthread_mutex_lock(&x->lock);
	uint64_t known = atomic_load(&r->map) == map ? atomic_load(&r->tail) : tail;
	bool built = store_view(r)->built;
	int err = tail > known && built ? walk_back(&c, tail, known, &news, &broken) : 0;
	if (tail > known && err == 0) {
		begin_change(x);
		for (uint64_t i = 0; err == 0 && i < news.capacity; i++) {
			struct placed p = {.key_hash = news.slots[i].key, .end = news.slots[i].value};
			if (p.end != 0)
				err = apply(x, &p);
		}
		if (err < 0)
			drop(x);
		atomic_store_explicit(&r->tail, tail, memory_order_release);
		end_change(x);
		err = 0;
	}
	pthread_mutex_unlock(&x->lock);
	u64table_free(&news);
	return err;
}
