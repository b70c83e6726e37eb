/*
 * load.c - from the container to the tree: the newest checkpoint, then the transactions after it, in
 * the order of their sequence numbers. Reads no contents. Changes nothing in the container.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "apply.h"
#include "checkpoint.h"
#include "import.h"
#include "locate.h"
#include "state.h"

static int damaged(const struct fs *fs, const char *what, uint64_t position)
{
	fs_log(fs, LOG_ERR, "%s: damaged: the %s at offset %llu cannot be used; nothing was changed (see reel check)",
	       reel_path(fs->store), what, (unsigned long long)position);
	return -EBADMSG;
}

static int apply_seal(struct fs *fs, const struct reel_view *view, const struct fs_seal *seal)
{
	const uint8_t *body = view->base + seal->position + sizeof(*seal);
	const char *what = seal->flags & FS_SEAL_CHECKPOINT ? "checkpoint" : "transaction";
	size_t bad = 0;
	int r;

	if (seal_end(seal) > view->size || !seal_body_sound(&fs->super, seal, body))
		return damaged(fs, what, seal->position);
	if (seal->flags & FS_SEAL_CHECKPOINT)
		r = checkpoint_read(&fs->tree, body, seal->body_len, view->size, &bad);
	else
		r = apply_body(&fs->tree, body, seal->body_len, view->size, &bad);
	return r == -EBADMSG ? damaged(fs, what, seal->position + sizeof(*seal) + bad) : r;
}

/* The seals from the newest back to its checkpoint; (*ret)[0] is the newest. */
static int collect(struct fs *fs, const struct reel_view *view, const struct fs_seal *newest, struct fs_seal **ret, size_t *n)
{
	struct fs_seal *list = NULL, seal = *newest;
	size_t room = 0;
	int r;

	for (*n = 0;;) {
		if (*n == room) {
			struct fs_seal *more = realloc(list, (room = room ? room * 2 : 64) * sizeof(*list));

			if (!more) {
				free(list);
				return -ENOMEM;
			}
			list = more;
		}
		list[(*n)++] = seal;
		if ((seal.flags & FS_SEAL_CHECKPOINT) || seal.previous == FS_NO_POSITION)
			break;
		r = seal.previous < seal.position ? seal_at(view, &fs->super, seal.previous, &seal) : -ENOENT;
		if (r < 0 || seal.sequence != list[*n - 1].sequence - 1) {
			r = damaged(fs, "transaction before the one", list[*n - 1].position);
			free(list);
			return r;
		}
		if (!seal_follows(&list[*n - 1], &seal))
			fs_log(
			    fs, LOG_WARNING,
			    "%s: the transaction at offset %llu is not by the writer of the one before it: two programs have "
			    "written to the container at the same time, and what one of them wrote may be lost",
			    reel_path(fs->store), (unsigned long long)list[*n - 1].position);
	}
	*ret = list;
	return 0;
}

/*
 * The append of a seal began with tombstones of the keys that had died and were not taken again. A tombstone's key is under no
 * checksum: one that was torn is not there, and goes on to the next append. Those before the checkpoint are on stable storage
 * (commit.c).
 */
static int forget_buried(struct fs *fs, const struct reel_view *view, const struct fs_seal *seal)
{
	struct number_set buried = {0};
	struct tree *t = &fs->tree;
	struct reel_entry e;
	size_t n = 0;
	int r = 0;

	if (t->dead_n == 0)
		return 0;
	for (uint64_t end = seal_end(seal); r == 0 && end > seal->append_start; end = e.prev_tail) {
		if (end > view->size || reel_entry_at(view, end, &e) < 0)
			r = damaged(fs, "entry that ends", end);
		else if (e.tombstone)
			r = number_set_add(&buried, e.key_hash);
	}
	for (size_t i = 0; r == 0 && i < t->dead_n; i++)
		if (!number_set_has(&buried, t->dead[i].key_hash) && !data_key_taken(&t->data, t->dead[i].key_hash))
			t->dead[n++] = t->dead[i];
	t->dead_n = n;
	number_set_clear(&buried);
	return r;
}

static int replay(struct fs *fs, const struct reel_view *view, const struct fs_seal *newest)
{
	struct fs_seal *seals;
	size_t n;
	int r = collect(fs, view, newest, &seals, &n);

	if (r < 0)
		return r;
	for (size_t i = n; i-- > 0 && r == 0;) {
		/* A writer's first append has no tombstones. */
		if (!(seals[i].flags & FS_SEAL_OPEN))
			r = forget_buried(fs, view, &seals[i]);
		if (r == 0)
			r = apply_seal(fs, view, &seals[i]);
		if (seals[i].flags & FS_SEAL_CHECKPOINT) {
			fs->last_checkpoint = seals[i].position;
			fs->checkpoint_size = seals[i].body_len;
		} else {
			fs->replay_size += sizeof(seals[i]) + seals[i].body_len;
			fs->replayed++;
		}
	}
	fs->sequence = newest->sequence;
	fs->last_seal = newest->position;
	fs->last_time_ns = newest->time_ns;
	fs->last_clean = newest->flags & FS_SEAL_CLEAN;
	free(seals);
	return r;
}

/* Seals may lie, but not say whose they are by chance. */
static bool looks_own(const struct fs *fs, const struct reel_entry *e)
{
	struct fs_seal seal;

	if (e->len < sizeof(seal) || memcmp(e->payload, FS_SEAL_MAGIC, sizeof(seal.magic)) != 0)
		return false;
	memcpy(&seal, e->payload, sizeof(seal));
	return memcmp(seal.container_id, fs->super.container_id, sizeof(seal.container_id)) == 0;
}

/*
 * The newest seal in the chain of entries; what follows it was written by other programs. -ENOENT: there has never been
 * one, as when the first was torn off its superblock.
 */
static int walk_to_seal(struct fs *fs, const struct reel_view *view, struct fs_seal *ret)
{
	uint64_t end = view->size;
	bool lost = false;
	struct reel_entry e;

	while (end > 0) {
		int r = reel_entry_at(view, end, &e);

		if (r < 0)
			return damaged(fs, "entry that ends", end);
		r = seal_at(view, &fs->super, e.offset, ret);
		if (r == 0 && seal_end(ret) == end && e.key_hash == seal_key_hash(ret))
			return 0;
		if (r < 0 && r != -ENOENT)
			return r;
		lost |= looks_own(fs, &e);
		end = e.prev_tail;
	}
	return lost ? damaged(fs, "file system: no transaction is left, searched", view->size) : -ENOENT;
}

int fs_load(struct fs *fs, const struct location *location)
{
	struct reel_view view = reel_view_of(fs->store);
	struct fs_seal newest = location->seal;
	/* A superblock behind the tail was torn off with the append that it began. */
	bool has_super =
	    location->has_super && location->super.position + sizeof(location->super) + REEL_TRAILER_SIZE <= view.size;
	bool torn_start = false;
	uint64_t bad, missing = DATA_MISSING;
	int r = 0;

	if (has_super) {
		fs->super = location->super;
		fs->has_super = true;
		if (!location->has_seal || seal_end(&newest) > view.size)
			r = walk_to_seal(fs, &view, &newest);
		/* What the superblock was to begin has not begun. */
		torn_start = r == -ENOENT;
		fs->unbegun = torn_start && fs->super.position == 0;
	}
	if (has_super && !torn_start) {
		if (r == 0)
			r = replay(fs, &view, &newest);
		if (r < 0)
			return r;
		r = fs_import(fs, seal_end(&newest));
	} else {
		r = moved_load(fs);
		if (r == 0 || r == -ENOENT)
			r = fs_import(fs, 0);
	}
	if (r < 0)
		return r;
	r = apply_finish(&fs->tree, &bad);
	if (r == 0 && table_first(&fs->tree.data.by_position, &missing)) {
		fs_log(fs, LOG_ERR,
		       "%s: another program compacted it, and not all of the file system is left in it; nothing was changed",
		       reel_path(fs->store));
		return -EBADMSG;
	}
	if (r == -EBADMSG) {
		fs_log(fs, LOG_ERR,
		       "%s: damaged: inode %llu contradicts the rest of the tree; nothing was changed (see reel check)",
		       reel_path(fs->store), (unsigned long long)bad);
	}
	return r;
}
