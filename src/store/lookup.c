/*
 * lookup.c - looks keys up in the index. Never changes it, but for the names of keys.
 *
 * Readers take no lock. They note index.changes, look into the view, take a reference to its mapping, and believe what
 * they found if `changes` is still the same and even. That makes a commit of many keys visible as a whole, and
 * says that the mapping was in use when the reference was taken: the accesses that this rests on are sequentially
 * consistent on both sides. A reader who is often disturbed takes index.lock, whose holders only work in memory.
 */
#include "config.h"

#include "store.h"

enum {
	TRIES = 64,     /* of a reader without the lock */
	TRIES_MANY = 2, /* the same of one with many keys */
	MANY = 64,
	AHEAD = 8, /* keys whose slots are fetched ahead of being looked for */
};

/* The mapping gets a reference for each key that is found, `live` of them. False: the index has to be built. */
static bool look_up(struct view *v, const uint64_t *key_hashes, size_t n, struct found *ret, uint64_t *live)
{
	*live = 0;
	for (size_t i = 0; n > 1 && i < n && i < AHEAD; i++)
		u64table_prefetch(&v->ends, key_hashes[i]);
	for (size_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			u64table_prefetch(&v->ends, key_hashes[i + AHEAD]);
		ret[i] = (struct found){.end = 0};
		ret[i].end = u64table_peek(&v->ends, key_hashes[i], &ret[i].tag);
		if (ret[i].end != 0) {
			ret[i].map = v->map;
			++*live;
		}
	}
	if (*live > 0)
		mapping_ref_many(v->map, *live);
	return atomic_load_explicit(&v->built, memory_order_acquire);
}

/* As look_up(). Sets *sure when nothing was changed meanwhile; takes no references otherwise. */
static bool try_look_up(struct reel *r, const uint64_t *key_hashes, size_t n, struct found *ret, bool *sure)
{
	uint64_t changes = atomic_load_explicit(&r->index.changes, memory_order_acquire), live;

	*sure = false;
	if (changes & 1)
		return true;
	struct view *v = store_view(r);
	bool built = look_up(v, key_hashes, n, ret, &live);
	*sure = atomic_load(&r->index.changes) == changes;
	for (; !*sure && live > 0; live--)
		mapping_unref(v->map);
	return built;
}

/* Once: false when the index has to be built. */
static bool find_now(struct reel *r, const uint64_t *key_hashes, size_t n, struct found *ret)
{
	int tries = n < MANY ? TRIES : TRIES_MANY;
	uint64_t live;
	bool sure;

	for (int i = 0; i < tries; i++) {
		bool built = try_look_up(r, key_hashes, n, ret, &sure);
		if (sure)
			return built;
	}
	pthread_mutex_lock(&r->index.lock);
	bool built = look_up(store_view(r), key_hashes, n, ret, &live);
	pthread_mutex_unlock(&r->index.lock);
	return built;
}

int index_find_many(struct reel *r, const uint64_t *key_hashes, size_t n, struct found *ret)
{
	/* Again where there was no memory to follow a commit in between. */
	while (!find_now(r, key_hashes, n, ret)) {
		int err = index_need(r);
		if (err < 0)
			return err;
	}
	return 0;
}

/* The usual case of one key, in few instructions. False: it is another case. */
static bool find_fast(struct reel *r, uint64_t key_hash, struct found *ret)
{
	uint64_t changes = atomic_load_explicit(&r->index.changes, memory_order_acquire);
	struct view *v = store_view(r);

	if ((changes & 1) || !atomic_load_explicit(&v->built, memory_order_acquire))
		return false;
	ret->tag = 0;
	ret->end = u64table_peek(&v->ends, key_hash, &ret->tag);
	ret->map = v->map;
	if (ret->end == 0)
		return atomic_load(&r->index.changes) == changes;
	mapping_ref(v->map);
	if (__builtin_expect(atomic_load(&r->index.changes) == changes, true))
		return true;
	mapping_unref(v->map);
	return false;
}

int index_find(struct reel *r, uint64_t key_hash, struct found *ret)
{
	return find_fast(r, key_hash, ret) ? 0 : index_find_many(r, &key_hash, 1, ret);
}

struct found index_peek(struct reel *r, uint64_t key_hash)
{
	struct found found = {.end = 0};

	found.end = u64table_peek(&store_view(r)->ends, key_hash, &found.tag);
	return found;
}

uint32_t index_claim(struct reel *r, uint64_t key_hash, uint64_t end, uint32_t tag)
{
	pthread_mutex_lock(&r->index.lock);
	struct u64table *ends = &store_view(r)->ends;
	struct u64table_slot *slot = u64table_find(ends, key_hash);
	if (slot != NULL && slot->value == end && ends->tags != NULL) {
		_Atomic uint32_t *known = &ends->tags[slot - ends->slots];
		if (*known == 0)
			*known = tag;
		tag = *known;
	}
	pthread_mutex_unlock(&r->index.lock);
	return tag;
}

int64_t index_count(struct reel *r)
{
	for (;;) {
		int err = index_need(r);
		if (err < 0)
			return err;
		pthread_mutex_lock(&r->index.lock);
		bool built = store_view(r)->built;
		int64_t n = (int64_t)store_view(r)->ends.used;
		pthread_mutex_unlock(&r->index.lock);
		if (built)
			return n;
	}
}
