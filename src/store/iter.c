/*
 * iter.c - walks from the newest entry to the oldest, and counts. Sees the container as it was when
 * the walk began. A walk over live entries goes by a list of their ends, one over all follows the chain.
 */
#include "config.h"

#include <stdlib.h>

#include "store.h"

enum { AHEAD = 16 }; /* entries whose trailers are fetched before they are needed */

struct reel_iter {
	struct reel *r;
	struct snapshot at;
	bool live_only;
	uint64_t next; /* the end of the next entry, of all */
};

int reel_iter_new(struct reel *r, bool live_only, struct reel_iter **ret)
{
	struct reel_iter *it = calloc(1, sizeof(*it));
	int err = 0;

	if (it == NULL)
		return -ENOMEM;
	if (live_only)
		err = snapshot_take_live(r, &it->at);
	else
		snapshot_take(r, &it->at);
	if (err < 0) {
		free(it);
		return err;
	}
	it->r = r;
	it->live_only = live_only;
	it->next = it->at.tail;
	*ret = it;
	return 0;
}

/* Where the next live entry ends; 0: there is none. */
static uint64_t next_live(struct snapshot *s)
{
	if (s->n == 0)
		return 0;
	if (s->n > AHEAD)
		__builtin_prefetch(s->map->base + s->ends[s->n - 1 - AHEAD] - TRAILER_SIZE);
	return s->ends[--s->n];
}

int reel_iter_next(struct reel_iter *it, struct reel_entry *ret)
{
	uint64_t end = it->live_only ? next_live(&it->at) : it->next;

	mapping_ref(it->at.map);
	int err = store_entry(it->r, it->at.map, end, ret);
	if (err < 0)
		return err == -ENOENT ? 0 : err;
	it->next = ret->prev_tail;
	return 1;
}

void reel_iter_free(struct reel_iter *it)
{
	if (it == NULL)
		return;
	snapshot_free(&it->at);
	free(it);
}

/* Keys of which the newest entry is one NUL byte. */
static int count_nul_keys(struct reel *r, const struct snapshot *s, uint64_t *ret)
{
	struct chain c = {.gen = &GENERATION_WITHOUT_DELETIONS, .base = s->map->base, .size = s->tail};
	struct u64table newest = {0};
	struct reel_entry e;
	int err = 0;

	for (uint64_t end = s->tail; err >= 0 && end > 0; end = e.prev_tail) {
		err = entry_parse(&c, end, &e);
		if (err < 0)
			store_log_broken(r, end);
		else
			err = u64table_add(&newest, e.key_hash, end);
		*ret += err == 1 && e.len == 1 && e.payload[0] == 0;
	}
	u64table_free(&newest);
	return err < 0 ? err : 0;
}

/* Counts the chain of the snapshot. */
static int count(struct reel *r, const struct snapshot *s, struct reel_info *ret)
{
	struct chain c = {.gen = s->map->gen, .base = s->map->base, .size = s->tail};
	size_t live = s->n;
	struct reel_entry e;

	for (uint64_t end = s->tail; end > 0; end = e.prev_tail) {
		int err = entry_parse(&c, end, &e);
		if (err < 0) {
			store_log_broken(r, end);
			return err;
		}
		ret->entries++;
		ret->tombstones += e.tombstone;
		ret->nul_entries += c.gen->id == GENERATION_OLDEST->id && e.len == 1 && e.payload[0] == 0;
		if (live > 0 && s->ends[live - 1] == end) {
			live--;
			ret->live_bytes += e.end - e.prev_tail;
		}
	}
	return 0;
}

int reel_info(struct reel *r, struct reel_info *ret)
{
	struct snapshot s;
	struct stat st;
	int err = r->disk->fstat(r->disk, r->fd, &st);

	if (err == 0)
		err = snapshot_take_live(r, &s);
	if (err < 0)
		return err;
	*ret = (struct reel_info){
	    .file_size = s.tail,
	    .disk_size = (uint64_t)st.st_size,
	    .live = s.n,
	    .generation = s.map->gen->id,
	};
	err = count(r, &s, ret);
	if (err == 0 && ret->nul_entries > 0)
		err = count_nul_keys(r, &s, &ret->nul_keys);
	snapshot_free(&s);
	return err;
}
