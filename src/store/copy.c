/*
 * copy.c - writes the live entries of a container into another, in their order and in the newest generation of the
 * format: what compaction and conversion share. Checks every checksum on the way, so that damage is not carried on
 * under a good one.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "copy.h"

/* The key of the entry that a container with a file system has (docs/FORMAT.md): offsets in it must not move. */
static const char superblock[] = "\0reelfs\0superblock";

enum {
	COMMIT_ENTRIES = 1 << 16, /* entries of one append */
	AHEAD = 16,
	NAMES_TRIED = 1000,
};

bool copy_is_tree(struct reel *r)
{
	return index_peek(r, reel_hash(superblock, sizeof(superblock) - 1)).end != 0;
}

uint64_t copy_size(const struct snapshot *s)
{
	struct chain c = {.gen = s->map->gen, .base = s->map->base, .size = s->tail};
	struct reel_entry e;
	uint64_t size = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (i + AHEAD < s->n)
			__builtin_prefetch(c.base + s->ends[i + AHEAD] - c.gen->trailer);
		if (entry_parse(&c, s->ends[i], &e) == 0 && e.len > 0)
			size = round_up(size, ENTRY_ALIGNMENT) + e.len + TRAILER_SIZE;
	}
	return size;
}

static int copy_entry(struct reel_append *a, const struct chain *c, const struct reel_entry *e)
{
	struct reel_entry placed;
	int err = reel_append_entry_begin(a, e->key_hash);

	if (err == 0)
		err = append_data_kept(a, e->payload, e->len);
	if (err == 0)
		err = reel_append_entry_end(a, &placed);
	return err == 0 && (placed.crc & c->gen->crc_mask) != e->crc ? -EBADMSG : err;
}

static int progress(const struct reel *to, uint64_t done, uint64_t total)
{
	const struct reel_options *options = &to->options;

	return options->progress == NULL ? 0 : options->progress(options->progress_arg, done, total);
}

/* Copies entries from the i-th on into one append. How far it came, or an error; *failed: the entry it is about. */
static ssize_t copy_some(const struct snapshot *s, size_t i, struct reel *to, struct copied *ret)
{
	struct chain c = {.gen = s->map->gen, .base = s->map->base, .size = s->tail};
	size_t stop = s->n - i < COMMIT_ENTRIES ? s->n : i + COMMIT_ENTRIES;
	struct reel_append *a;
	int err = reel_append_begin(to, &a);

	if (err < 0)
		return err;
	for (; err == 0 && i < stop; i++) {
		struct reel_entry e;
		if (i + AHEAD < s->n)
			__builtin_prefetch(c.base + s->ends[i + AHEAD] - c.gen->trailer);
		ret->at = s->ends[i];
		err = entry_parse(&c, s->ends[i], &e);
		if (err == 0 && e.len == 0) {
			ret->empty++;
			continue;
		}
		if (err == 0 && c.gen->no_deletions && e.len == 1 && e.payload[0] == 0) {
			ret->nul++;
			continue;
		}
		if (err == 0)
			err = copy_entry(a, &c, &e);
		if (err == 0)
			err = progress(to, s->ends[i], s->tail);
	}
	if (err < 0) {
		reel_append_abort(a);
		return err;
	}
	err = reel_append_commit(a);
	return err < 0 ? err : (ssize_t)stop;
}

int copy_live(const struct snapshot *s, struct reel *to, struct copied *ret)
{
	ssize_t done = 0;

	*ret = (struct copied){.at = 0};
	index_expect(to, s->n);
	while (done >= 0 && (size_t)done < s->n)
		done = copy_some(s, (size_t)done, to, ret);
	/* An append of many entries is one long write. */
	return done < 0 ? (int)done : progress(to, s->tail, s->tail);
}

int copy_open_beside(const struct reel *like, const char *path, struct reel **ret)
{
	struct reel_engine_options options = {
	    .base.flags = REEL_CREATE | REEL_EXCL | (like->options.flags & REEL_CHECK_KEYS),
	    .base.progress = like->options.progress,
	    .base.progress_arg = like->options.progress_arg,
	    .disk = like->disk,
	};
	char *name;
	int err = -EEXIST;

	/* What lies there already is somebody else's, or was left by a process that ended: it is never used. */
	for (int i = 0; err == -EEXIST && i < NAMES_TRIED; i++) {
		if (asprintf(&name, "%s.new-%ld.%d", path, (long)getpid(), i) < 0)
			return -ENOMEM;
		err = reel_engine_open(name, &options, ret);
		free(name);
	}
	return err;
}

void copy_discard(struct reel *to)
{
	if (to == NULL)
		return;
	if (to->fd >= 0)
		(void)to->disk->unlink(to->disk, to->path);
	store_free(to);
}

/* --- a new container with a name of its own ------------------------------------------------------------- */

static int check_absent(struct reel *from, const char *to)
{
	struct stat st;
	int err = from->disk->stat(from->disk, to, &st);

	return err == -ENOENT ? 0 : err == 0 ? -EEXIST : err;
}

/* The new file, whole and synced, gets its name, unless there is one by now. A name that a power cut may take back it loses. */
static int name_new(struct reel *new, const char *to)
{
	int err = reel_sync(new);

	if (err == 0)
		err = disk_name_new(new->disk, new->path, to);
	if (err < 0)
		return err;
	err = disk_sync_parent(new->disk, to);
	if (err < 0)
		(void)new->disk->unlink(new->disk, to);
	return err;
}

int copy_to_new(struct reel *from, const struct snapshot *s, const char *to, struct copied *copied, uint64_t *size)
{
	struct reel *new = NULL;
	int err = check_absent(from, to);

	if (err == 0)
		err = copy_open_beside(from, to, &new);
	if (err == 0)
		err = copy_live(s, new, copied);
	if (err == 0) {
		*size = reel_tail_offset(new);
		err = name_new(new, to);
	}
	if (err < 0) {
		copy_discard(new);
		return err;
	}
	/* All is synced: what can fail yet is about space past the end, and was logged. */
	(void)reel_close(new);
	return 0;
}
