/*
 * contents.c - turns what was written to a file into entries and extents: the whole file as one entry
 * under its path, or just the parts that changed (docs/DESIGN.md, "Contents"). Relies on wbuf.c for the
 * unwritten data and on commit.c for the transaction. Committed data that is copied on is checked first:
 * damage never gets a new checksum.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "attr.h"
#include "commit.h"
#include "contents.h"
#include "open.h"

/* A hole at least this long stays one; a file with such a hole is not written whole. */
#define HOLE_MIN 4096u
/* Up to so many extents nothing is gained by writing the file whole. */
#define EXTENTS_FEW 64u
/* Of an extent that is checked and handed on at once: bounds what is resident. */
#define STREAM_PIECE (16u << 20)
/* What a patch costs in the container beside its bytes, roughly. */
#define PATCH_COST 512u

const uint8_t contents_zeros[ZEROS_SIZE];

int contents_check(struct fs *fs, struct inode *i, struct data *d, uint64_t offset, uint64_t len)
{
	char path[4096];
	uint64_t bad = 0;
	int r = data_check(fs->store, d, offset, len, &bad);

	/* What was cut off is told as a whole, once. */
	if (r != -EIO || reel_has(fs->store, d->position + offset + len) < 0)
		return r;
	pthread_rwlock_rdlock(&fs->tree_lock);
	tree_path(i, NULL, path, sizeof(path));
	pthread_rwlock_unlock(&fs->tree_lock);
	fs_log(fs, LOG_ERR,
	       "%s: contents of /%s are damaged at offset %llu of the container: they cannot be read (see reel check)",
	       reel_path(fs->store), path, (unsigned long long)bad);
	return r;
}

static int stream_hole(uint64_t len, int (*sink)(void *arg, const void *data, size_t len), void *arg)
{
	int r = 0;

	while (len > 0 && r == 0) {
		size_t n = len < ZEROS_SIZE ? len : ZEROS_SIZE;

		r = sink(arg, contents_zeros, n);
		len -= n;
	}
	return r;
}

static int stream_piece(struct fs *fs, struct inode *i, struct data *d, uint64_t offset, uint64_t len,
			int (*sink)(void *arg, const void *data, size_t len), void *arg)
{
	uint64_t end = d->position + offset + len, changes;
	int r = reel_has(fs->store, end);

	changes = reel_changes(fs->store);
	if (r == 0)
		r = contents_check(fs, i, d, offset, len);
	if (r == 0)
		r = sink(arg, reel_base(fs->store) + d->position + offset, len);
	/* Again: the sink's reading may have come too late. */
	if (r == 0)
		r = reel_has(fs->store, end);
	if (r == 0 && reel_changes(fs->store) != changes)
		r = contents_check(fs, i, d, offset, len);
	return r;
}

int contents_stream_data(struct fs *fs, struct inode *i, struct data *d, uint64_t offset, uint64_t len,
			 int (*sink)(void *arg, const void *data, size_t len), void *arg)
{
	int r = 0;

	while (len > 0 && r == 0) {
		uint64_t n = len < STREAM_PIECE ? len : STREAM_PIECE;

		r = stream_piece(fs, i, d, offset, n, sink, arg);
		fs_touched(fs, n);
		offset += n;
		len -= n;
	}
	return r;
}

int contents_stream_base(struct fs *fs, struct open_state *o, uint64_t offset, uint64_t len,
			 int (*sink)(void *arg, const void *data, size_t len), void *arg)
{
	const struct extents *e = open_base(o);
	uint64_t end = offset + len;
	uint32_t i = extents_find(e, offset);
	int r = 0;

	while (offset < end && r == 0) {
		const struct extent *x = i < e->n ? &e->at[i] : NULL;
		uint64_t start = x && x->offset < end ? x->offset : end, n;

		if (start > offset) {
			r = stream_hole(start - offset, sink, arg);
			offset = start;
			continue;
		}
		n = x->offset + x->len < end ? x->offset + x->len - offset : end - offset;
		r = contents_stream_data(fs, o->inode, x->data, x->data_offset + (offset - x->offset), n, sink, arg);
		offset += n;
		i++;
	}
	return r;
}

/* --- what to write --------------------------------------------------------------------------------- */

/* Whether every hole of the file as it is now is short enough to be written as zero bytes. */
static bool has_no_hole(struct open_state *o, uint64_t size)
{
	uint64_t at = 0, start, end;

	while (at < size) {
		if (!open_next_data(o, at, &start, &end) || start > size)
			start = end = size;
		if (start - at >= HOLE_MIN)
			return false;
		at = end;
	}
	return true;
}

/*
 * What the file's patches have cost since it was last written whole: its entries but the longest one, and what goes with
 * each. Entries that it shares were not written for it, and writing it whole would not spare them.
 */
static uint64_t patches_cost(struct fs *fs, const struct extents *e)
{
	struct number_set seen = {0};
	uint64_t bytes = 0, longest = 0;

	pthread_rwlock_rdlock(&fs->tree_lock);
	for (uint32_t i = 0; i < e->n; i++) {
		const struct data *d = e->at[i].data;

		if (d->shared || number_set_has(&seen, d->position))
			continue;
		/* Without memory it is counted again: the file is written whole earlier. */
		(void)number_set_add(&seen, d->position);
		bytes += d->len;
		if (d->len > longest)
			longest = d->len;
	}
	pthread_rwlock_unlock(&fs->tree_lock);
	number_set_clear(&seen);
	return bytes - longest + (uint64_t)e->n * PATCH_COST;
}

/*
 * Writing the file whole costs its size; it is done when most of it is new, or when what patches have
 * cost since it was last written whole comes near that, so that any number of small changes costs a
 * constant factor of their own bytes.
 */
static bool wants_whole(struct fs *fs, struct open_state *o, uint64_t size)
{
	const struct extents *e = open_base(o);
	uint64_t dirty = wbuf_dirty(o->wbuf);
	bool wants = e->n == 0 || dirty >= size - dirty;

	if (!wants && e->n > EXTENTS_FEW && e->n % EXTENTS_FEW == 0)
		wants = patches_cost(fs, e) >= size / 2;
	return wants && has_no_hole(o, size);
}

/* The format cannot hold an entry of one NUL byte: that is kept as a hole. */
static bool is_one_nul(struct open_state *o, bool whole, uint64_t size)
{
	uint64_t start, end;
	uint8_t byte;

	if (wbuf_dirty(o->wbuf) != 1 || (whole && size > 1))
		return false;
	return wbuf_next(o->wbuf, 0, &start, &end) && wbuf_read(o->wbuf, start, 1, &byte) == 0 && byte == 0;
}

/* --- writing it -------------------------------------------------------------------------------------- */

struct writer {
	struct fs *fs;
	struct open_state *open;
	struct tx tx;
	struct sums sums;
	struct reel_entry place;
	bool wrote; /* an entry: place is valid */
	bool whole;
	const char *path; /* of a file without a name, that it is about to get */
	uint64_t size;
	struct fs_record_extent *runs; /* what the entry holds of the file; position not yet set */
	size_t n_runs;
};

static int sink(void *arg, const void *data, size_t len)
{
	struct writer *w = arg;
	int r = sums_add(&w->sums, data, len);

	return r < 0 ? r : reel_append_data(w->tx.append, data, len);
}

static bool refs_are_own(const struct open_state *o, const struct data *d)
{
	unsigned own = 0;

	for (uint32_t i = 0; i < o->inode->extents.n; i++)
		own += o->inode->extents.at[i].data == d;
	for (uint32_t i = 0; i < o->base.n; i++)
		own += o->base.at[i].data == d;
	return own == d->refs;
}

/* The path, if no other file's contents have that key; something unique otherwise. */
static uint64_t choose_key(struct writer *w)
{
	uint64_t unique = contents_key_hash(tx_sequence(&w->tx), w->open->inode->ino), hash;
	struct tree *t = &w->fs->tree;
	char buf[PATH_ROOM];
	const char *path = w->path ? w->path : buf;
	struct data *d;
	size_t len;

	if (!w->whole)
		return unique;
	pthread_rwlock_rdlock(&w->fs->tree_lock);
	if (!w->path)
		tree_path(w->open->inode, NULL, buf, sizeof(buf));
	len = strlen(path);
	hash = reel_hash(path, len);
	d = table_get(&t->data.by_key, hash);
	if (len == 0 || len >= PATH_LONGEST || (d && !refs_are_own(w->open, d)))
		hash = unique;
	pthread_rwlock_unlock(&w->fs->tree_lock);
	return hash;
}

static int add_run(struct writer *w, size_t *room, uint64_t offset, uint64_t len, uint64_t data_offset)
{
	if (w->n_runs == *room) {
		size_t more = *room ? *room * 2 : 4;
		struct fs_record_extent *runs = realloc(w->runs, more * sizeof(*runs));

		if (!runs)
			return -ENOMEM;
		w->runs = runs;
		*room = more;
	}
	w->runs[w->n_runs++] = (struct fs_record_extent){.offset = offset, .len = len, .data_offset = data_offset};
	return 0;
}

static int write_patch(struct writer *w)
{
	struct open_state *o = w->open;
	uint64_t at = 0, start, end, data_offset = 0;
	size_t room = 0;
	int r = 0;

	while (r == 0 && wbuf_next(o->wbuf, at, &start, &end)) {
		r = add_run(w, &room, start, end - start, data_offset);
		if (r == 0)
			r = wbuf_stream(o->wbuf, start, end, sink, w);
		data_offset += end - start;
		at = end;
	}
	return r;
}

static int write_whole(struct writer *w)
{
	struct open_state *o = w->open;
	uint64_t at = 0, start, end;
	size_t room = 0;
	int r = add_run(w, &room, 0, w->size, 0);

	while (r == 0 && at < w->size) {
		if (!wbuf_next(o->wbuf, at, &start, &end))
			start = end = w->size;
		if (start > at)
			r = contents_stream_base(w->fs, o, at, start - at, sink, w);
		if (r == 0 && end > start)
			r = wbuf_stream(o->wbuf, start, end, sink, w);
		at = end;
	}
	return r;
}

static int write_entry(struct writer *w)
{
	int r = tx_append(&w->tx);

	if (r == 0)
		r = reel_append_entry_begin(w->tx.append, choose_key(w));
	if (r == 0)
		r = w->whole ? write_whole(w) : write_patch(w);
	if (r == 0)
		r = sums_end(&w->sums);
	if (r == 0)
		r = reel_append_entry_end(w->tx.append, &w->place);
	w->wrote = r == 0;
	return r;
}

/* --- recording it ------------------------------------------------------------------------------------ */

/* What was punched becomes a hole first; then come the runs that the entry holds, or the one NUL byte that is a hole. */
static int record_changes(struct writer *w)
{
	struct open_state *o = w->open;
	struct fs_record_extent *list = calloc(ranges_count(&o->punched) + w->n_runs + 1, sizeof(*list));
	struct range r = {0, 0};
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	while (ranges_next(&o->punched, r.end, &r) && r.start < w->size) {
		uint64_t end = r.end < w->size ? r.end : w->size;

		if (extents_any(&o->inode->extents, r.start, end))
			list[n++] = (struct fs_record_extent){r.start, end - r.start, FS_NO_POSITION, 0};
	}
	if (w->n_runs > 0)
		memcpy(list + n, w->runs, w->n_runs * sizeof(*list));
	n += w->n_runs;
	if (n > 0)
		body_extents(&w->tx.body, o->inode->ino, 0, list, (uint32_t)n);
	free(list);
	return 0;
}

static int record(struct writer *w)
{
	struct fs_record_inode image;

	tx_build(&w->tx);
	image = attr_image(w->open->inode, true);
	body_inode(&w->tx.body, &image);
	if (w->wrote) {
		struct fs_record_data data = {
		    w->place.offset, w->place.len, w->place.key_hash, w->place.crc, (uint32_t)w->sums.n, 0, 0};

		body_data(&w->tx.body, &data, w->sums.sum);
	}
	for (size_t i = 0; i < w->n_runs; i++)
		w->runs[i].position = w->wrote ? w->place.offset : FS_NO_POSITION;
	if (!w->whole || !w->wrote)
		return record_changes(w);
	body_extents(&w->tx.body, w->open->inode->ino, FS_EXTENTS_REPLACE, w->runs, (uint32_t)w->n_runs);
	return 0;
}

static int commit(struct writer *w, bool dirty, bool one_nul)
{
	struct open_state *o = w->open;
	uint64_t start, end;
	size_t room = 0;
	int r = 0;

	if (dirty && !one_nul)
		r = write_entry(w);
	else if (one_nul && wbuf_next(o->wbuf, 0, &start, &end))
		r = add_run(w, &room, start, 1, 0);
	if (r == 0)
		r = record(w);
	if (r < 0) {
		tx_abort(&w->tx);
		return r;
	}
	return tx_commit(&w->tx, &(struct tx_result){.committed = o});
}

int contents_commit(struct fs *fs, struct open_state *o, const struct contents_as *as)
{
	struct writer w = {.fs = fs, .open = o, .size = open_size(o), .path = as ? as->path : NULL};
	bool dirty = o->wbuf && !wbuf_empty(o->wbuf), one_nul;
	int r;

	if ((!dirty && !o->changed) || (!as && !open_has_name(fs, o)))
		return 0;
	w.whole = dirty && wants_whole(fs, o, w.size);
	one_nul = dirty && is_one_nul(o, w.whole, w.size);
	r = tx_begin_contents(fs, &w.tx);
	if (r < 0)
		return r;
	if (dirty)
		w.tx.contents = w.whole ? w.size : wbuf_dirty(o->wbuf);
	else
		w.tx.removes = w.size < o->inode->size || ranges_count(&o->punched) > 0;
	r = commit(&w, dirty, one_nul);
	if (r == 0 && o->wbuf)
		wbuf_clear(o->wbuf);
	sums_free(&w.sums);
	free(w.runs);
	return r;
}
