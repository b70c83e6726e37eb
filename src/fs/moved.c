/*
 * moved.c - a container with a file system that another program compacted: every live entry is still
 * there, but elsewhere and in another order. Seals are found by what they say, ordered by their sequence
 * numbers, and contents are found by key, length and checksum.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "apply.h"
#include "checkpoint.h"
#include "import.h"

struct found {
	struct fs_seal seal;
	uint64_t offset; /* where it is now */
};

static int by_sequence(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->seal.sequence > y->seal.sequence) - (x->seal.sequence < y->seal.sequence);
}

static int collect(struct fs *fs, struct found **ret, size_t *n)
{
	struct found *list = NULL;
	struct reel_iter *it;
	struct reel_entry e;
	size_t room = 0;
	int r;

	*n = 0;
	r = reel_iter_new(fs->store, true, &it);
	if (r < 0)
		return r;
	while ((r = reel_iter_next(it, &e)) > 0) {
		struct found f = {.offset = e.offset};
		bool own = seal_parse(e.payload, e.len, &fs->super, &f.seal) == 0 && seal_key_hash(&f.seal) == e.key_hash;

		reel_entry_release(&e);
		if (!own)
			continue;
		if (*n == room) {
			struct found *more = realloc(list, (room = room ? room * 2 : 64) * sizeof(*list));

			if (!more) {
				r = -ENOMEM;
				break;
			}
			list = more;
		}
		list[(*n)++] = f;
	}
	reel_iter_free(it);
	if (r < 0)
		free(list);
	else if (*n > 0)
		qsort(list, *n, sizeof(*list), by_sequence);
	*ret = r < 0 ? NULL : list;
	return r < 0 ? r : 0;
}

/*
 * A compaction drops what tombstones bury, and the tombstones. Contents that are still under a key that died had none: their
 * writer ended before the next append, or a power cut has torn it (load.c). They get one. Other contents there are another
 * program's, and so is all that is there after a clean end, which comes after the last tombstone.
 */
static int keep_unburied(struct fs *fs, bool clean)
{
	struct tree *t = &fs->tree;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && !clean && i < t->dead_n; i++) {
		const struct dead_key key = t->dead[i];
		struct reel_entry e;

		r = reel_read_hash(fs->store, key.key_hash, &e);
		if (r == 0 && e.len == key.len && e.crc == key.crc)
			t->dead[n++] = key;
		if (r == 0)
			reel_entry_release(&e);
		if (r == -ENOENT)
			r = 0;
	}
	t->dead_n = n;
	return r;
}

static int replay(struct fs *fs, const struct found *list, size_t n)
{
	size_t first = n - 1, bad;
	int r = 0;

	while (first > 0 && !(list[first].seal.flags & FS_SEAL_CHECKPOINT))
		first--;
	if (!(list[first].seal.flags & FS_SEAL_CHECKPOINT) && list[first].seal.previous != FS_NO_POSITION)
		return -EBADMSG;
	for (size_t i = first; i < n && r == 0; i++) {
		const struct fs_seal *s = &list[i].seal;
		const uint8_t *body = reel_base(fs->store) + list[i].offset + sizeof(*s);

		if (!seal_body_sound(&fs->super, s, body) || (i > first && s->sequence != list[i - 1].seal.sequence + 1))
			return -EBADMSG;
		r = apply_body(&fs->tree, body, s->body_len, UINT64_MAX, &bad);
	}
	fs->sequence = list[n - 1].seal.sequence;
	fs->last_time_ns = list[n - 1].seal.time_ns;
	return r < 0 ? r : keep_unburied(fs, list[n - 1].seal.flags & FS_SEAL_CLEAN);
}

/*
 * Contents are where their key leads now. Those that are not there, or are other contents' already, are left to the
 * import: DATA_MISSING.
 */
static int relocate(struct fs *fs)
{
	struct data_table *t = &fs->tree.data;
	struct table fresh = {0};
	uint64_t position = 0, missing = DATA_MISSING;
	int r = 0;

	for (struct data *d; r == 0 && (d = table_first(&t->by_position, &position)); position++) {
		struct reel_entry e;

		r = reel_read_hash(fs->store, d->key_hash, &e);
		if (r < 0 && r != -ENOENT)
			break;
		if (r == 0 && e.len == d->len && e.crc == d->crc && !table_get(&fresh, e.offset)) {
			d->position = e.offset;
		} else {
			d->position = missing;
			missing += 64;
		}
		if (r == 0)
			reel_entry_release(&e);
		r = table_put(&fresh, d->position, d);
	}
	if (r < 0) {
		table_clear(&fresh);
		return r;
	}
	table_clear(&t->by_position);
	t->by_position = fresh;
	return 0;
}

int moved_load(struct fs *fs)
{
	struct reel_entry e;
	struct found *list;
	uint64_t bad;
	size_t n;
	int r;

	r = reel_read_hash(fs->store, reel_hash(FS_KEY_SUPER, sizeof(FS_KEY_SUPER) - 1), &e);
	if (r < 0)
		return r;
	r = super_parse(e.payload, e.len, FS_NO_POSITION, &fs->super);
	reel_entry_release(&e);
	if (r < 0)
		return r;
	fs->has_super = true;
	fs->moved = true;
	r = collect(fs, &list, &n);
	if (r < 0)
		return r;
	/* A superblock alone: the first transaction after it was torn. */
	r = n > 0 ? replay(fs, list, n) : -ENOENT;
	free(list);
	/* The contents of files that were removed need not be there any more. */
	if (r == 0)
		r = apply_drop_unnamed(&fs->tree, &bad);
	if (r == 0)
		r = relocate(fs);
	if (r == -EBADMSG)
		fs_log(fs, LOG_ERR,
		       "%s: another program compacted it, and not all of the file system is left in it; nothing was changed",
		       reel_path(fs->store));
	return r;
}
