/*
 * iter.c - walks from the newest entry to the oldest, and counts. Sees the container as it was when
 * the walk began; takes no lock. A walk over live keys remembers the keys it has seen.
 */
#include "config.h"

#include <stdlib.h>

#include "store.h"

struct reel_iter {
	struct reel *r;
	uint64_t next; /* the end of the next entry */
	bool live_only;
	struct u64table seen;
};

int reel_iter_new(struct reel *r, bool live_only, struct reel_iter **ret)
{
	struct reel_iter *it = calloc(1, sizeof(*it));

	if (it == NULL)
		return -ENOMEM;
	it->r = r;
	it->live_only = live_only;
	it->next = reel_tail_offset(r);
	*ret = it;
	return 0;
}

/* Is it the newest under its key? 1, 0 or -ENOMEM. */
static int is_newest(struct reel_iter *it, const struct reel_entry *e)
{
	return u64table_add(&it->seen, e->key_hash, e->end);
}

int reel_iter_next(struct reel_iter *it, struct reel_entry *ret)
{
	for (;;) {
		int err = store_entry(it->r, it->next, ret);
		if (err < 0)
			return err == -ENOENT ? 0 : err;
		it->next = ret->prev_tail;
		int wanted = it->live_only ? is_newest(it, ret) : 1;
		if (wanted == 1 && !(it->live_only && ret->tombstone))
			return 1;
		reel_entry_release(ret);
		if (wanted < 0)
			return wanted;
	}
}

void reel_iter_free(struct reel_iter *it)
{
	if (it == NULL)
		return;
	u64table_free(&it->seen);
	free(it);
}

int reel_info(struct reel *r, struct reel_info *ret)
{
	struct reel_iter it = {.r = r, .next = reel_tail_offset(r)};
	struct reel_entry e;
	struct stat st;
	int err = r->disk->fstat(r->disk, r->fd, &st);

	if (err < 0)
		return err;
	*ret = (struct reel_info){.file_size = it.next, .disk_size = (uint64_t)st.st_size, .generation = r->gen->id};
	while ((err = reel_iter_next(&it, &e)) > 0) {
		int newest = is_newest(&it, &e);
		ret->entries++;
		ret->tombstones += e.tombstone;
		if (newest == 1 && !e.tombstone) {
			ret->live++;
			ret->live_bytes += e.end - e.prev_tail;
		}
		reel_entry_release(&e);
		if (newest < 0) {
			err = newest;
			break;
		}
	}
	u64table_free(&it.seen);
	return err;
}
