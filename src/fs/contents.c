/*
 * contents.c - turns what was written to a file into entries and extents: the whole file as one entry
 * under its path, or just the parts that changed (docs/DESIGN.md, "Contents"). Relies on plan.c for what to write, on
 * wbuf.c for the unwritten data and on commit.c for the transaction. Committed data that is copied on is checked first:
 * damage never gets a new checksum.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "attr.h"
#include "commit.h"
#include "contents.h"
#include "open.h"
#include "plan.h"
#include "room.h"

/* Of an extent that is checked and handed on at once: bounds what is resident. */
#define STREAM_PIECE (16u << 20)
/* How often it is told that the container cannot be read. */
#define UNREAD_TOLD_S 10

const uint8_t contents_zeros[ZEROS_SIZE];

/* Whether something of the entry could not be read since. */
static bool unread(struct fs *fs, const struct data *d, uint64_t token)
{
	return reel_unread(fs->store, token, d->position, d->len + REEL_TRAILER_SIZE);
}

/* A disk that fails does so for many files at once: this is told now and then. */
void contents_tell_unread(struct fs *fs, struct inode *i, const struct data *d, uint64_t offset, uint64_t len)
{
	uint64_t now = (uint64_t)time(NULL), told = atomic_load(&fs->told_unread), at;
	char path[4096];
	int error;

	if (now - told < UNREAD_TOLD_S || !atomic_compare_exchange_strong(&fs->told_unread, &told, now))
		return;
	error = reel_unread_error(fs->store, d->position + offset, len, &at);
	pthread_rwlock_rdlock(&fs->tree_lock);
	tree_path(i, NULL, path, sizeof(path));
	pthread_rwlock_unlock(&fs->tree_lock);
	fs_log(fs, LOG_ERR,
	       "%s: reading the container failed at offset %llu, in contents of /%s: %s. It is tried again with each read, and "
	       "not told again for %d seconds",
	       reel_path(fs->store), (unsigned long long)at, path, reel_explain(error), UNREAD_TOLD_S);
}

int contents_check(struct fs *fs, struct inode *i, struct data *d, uint64_t offset, uint64_t len)
{
	char path[4096];
	uint64_t bad = 0, token = 0;
	int r = 0, tries = 0;

	do {
		token = reel_reading(fs->store);
		r = data_check(fs->store, d, offset, len, &bad);
	} while (r == -EIO && unread(fs, d, token) && tries++ == 0);
	/* What was cut off is told as a whole, once. */
	if (r != -EIO || reel_has(fs->store, d->position + offset + len) < 0)
		return r;
	if (unread(fs, d, token)) {
		contents_tell_unread(fs, i, d, offset, len);
		return r;
	}
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
	uint64_t end = d->position + offset + len, changes, token = reel_reading(fs->store);
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
	/* What had been found good may have been zeros when the sink read it. */
	if (r == 0 && reel_unread(fs->store, token, d->position + offset, len)) {
		contents_tell_unread(fs, i, d, offset, len);
		r = -EIO;
	}
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

/* --- writing it -------------------------------------------------------------------------------------- */

struct writer {
	struct fs *fs;
	struct open_state *open;
	struct tx tx;
	struct sums sums;
	struct reel_entry place;
	bool wrote;       /* an entry: place is valid */
	const char *path; /* of a file without a name, that it is about to get */
	struct plan plan;
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

	if (!w->plan.whole)
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

/* A range of the file as descriptors see it. */
static int write_range(struct writer *w, uint64_t at, uint64_t limit)
{
	struct open_state *o = w->open;
	uint64_t start, end;
	int r = 0;

	while (r == 0 && at < limit) {
		if (!wbuf_next(o->wbuf, at, &start, &end) || start > limit)
			start = end = limit;
		if (end > limit)
			end = limit;
		if (start > at)
			r = contents_stream_base(w->fs, o, at, start - at, sink, w);
		if (r == 0 && end > start)
			r = wbuf_stream(o->wbuf, start, end, sink, w);
		at = end;
	}
	return r;
}

static int write_runs(struct writer *w)
{
	int r = 0;

	for (size_t i = 0; i < w->plan.n && r == 0; i++)
		r = write_range(w, w->plan.runs[i].offset, w->plan.runs[i].offset + w->plan.runs[i].len);
	return r;
}

static int write_entry(struct writer *w)
{
	int r = tx_append(&w->tx);

	if (r == 0)
		r = reel_append_entry_begin(w->tx.append, choose_key(w));
	if (r == 0)
		r = write_runs(w);
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
	const struct plan *p = &w->plan;
	struct open_state *o = w->open;
	struct fs_record_extent *list = calloc(ranges_count(&o->punched) + p->n + 1, sizeof(*list));
	struct range r = {0, 0};
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	while (ranges_next(&o->punched, r.end, &r) && r.start < p->size) {
		uint64_t end = r.end < p->size ? r.end : p->size;

		if (extents_any(&o->inode->extents, r.start, end))
			list[n++] = (struct fs_record_extent){r.start, end - r.start, FS_NO_POSITION, 0};
	}
	if (p->n > 0)
		memcpy(list + n, p->runs, p->n * sizeof(*list));
	n += p->n;
	if (n > 0)
		body_extents(&w->tx.body, o->inode->ino, 0, list, (uint32_t)n);
	free(list);
	return 0;
}

static int record(struct writer *w)
{
	struct fs_record_inode image;
	struct plan *p = &w->plan;

	tx_build(&w->tx);
	image = attr_image(w->open->inode, true);
	image.size = p->size;
	body_inode(&w->tx.body, &image);
	if (w->wrote) {
		struct fs_record_data data = {
		    w->place.offset, w->place.len, w->place.key_hash, w->place.crc, (uint32_t)w->sums.n, 0, 0};

		body_data(&w->tx.body, &data, w->sums.sum);
	}
	for (size_t i = 0; i < p->n; i++)
		p->runs[i].position = w->wrote ? w->place.offset : FS_NO_POSITION;
	if (!p->whole || !w->wrote)
		return record_changes(w);
	body_extents(&w->tx.body, w->open->inode->ino, FS_EXTENTS_REPLACE, p->runs, (uint32_t)p->n);
	return 0;
}

static int write_and_record(struct writer *w)
{
	int r = 0;

	if (w->plan.dirty > 0 && !w->plan.one_nul)
		r = write_entry(w);
	if (r == 0)
		r = record(w);
	if (r < 0) {
		tx_abort(&w->tx);
		return r;
	}
	return tx_commit(&w->tx, &(struct tx_result){.committed = w->open, .rest = w->plan.rest});
}

/* The buffer keeps what the plan has left out; without memory for that, more: it is committed once again then. */
static void forget_written(struct open_state *o, const struct plan *p)
{
	if (!o->wbuf)
		return;
	if (!p->rest)
		wbuf_clear(o->wbuf);
	else if (p->dirty > 0)
		(void)wbuf_punch(o->wbuf, p->start, p->end - p->start);
}

static int commit(struct fs *fs, struct open_state *o, struct plan *p, const char *path)
{
	struct writer w = {.fs = fs, .open = o, .path = path, .plan = *p};
	int r = tx_begin_contents(fs, &w.tx);

	if (r < 0)
		return r;
	if (p->dirty > 0) {
		w.tx.contents = p->bytes;
		w.tx.promised = p->rest && p->dirty < o->promised ? p->dirty : o->promised;
	} else
		w.tx.removes = p->size < o->inode->size || ranges_count(&o->punched) > 0;
	r = write_and_record(&w);
	if (r == 0) {
		o->promised -= w.tx.promised;
		forget_written(o, p);
		room_settle(fs, o);
	}
	sums_free(&w.sums);
	/* What was only good to do can be left: there is no room for it, or what would be copied on is damaged. */
	return (room_error(r) || r == -EIO) && p->bytes > p->dirty && !fs_is_read_only(fs) ? -EAGAIN : r;
}

static int commit_all(struct fs *fs, struct open_state *o, const char *path, bool lean)
{
	struct plan plan;
	int r = plan_all(fs, o, lean, &plan);

	if (r < 0)
		return r;
	r = commit(fs, o, &plan, path);
	if (r == 0 && plan.whole)
		o->in_parts = false;
	plan_free(&plan);
	return r;
}

static int commit_piece(struct fs *fs, struct open_state *o, uint64_t *from, bool lean)
{
	struct plan plan;
	int r = plan_piece(fs, o, lean, *from, &plan);

	if (r < 0)
		return r;
	if (!plan_is_empty(o, &plan)) {
		r = commit(fs, o, &plan, NULL);
		if (r == 0 && plan.dirty > 0)
			o->in_parts = !plan.whole;
		if (r == 0)
			*from = plan.end;
	}
	plan_free(&plan);
	return r < 0 ? r : (int)plan.dirty;
}

int contents_commit_piece(struct fs *fs, struct open_state *o, uint64_t *from)
{
	int r = open_has_name(fs, o) ? commit_piece(fs, o, from, false) : 0;

	return r == -EAGAIN ? commit_piece(fs, o, from, true) : r;
}

/*
 * What is left of a file that is in parts already, but for the last piece: it need not be one entry, so others get their turn
 * in between.
 */
static int commit_parts(struct fs *fs, struct open_state *o)
{
	const struct timespec turn = {.tv_nsec = 200000};
	uint64_t from = 0;
	int r = 1;

	if (!o->in_parts)
		return 0;
	o->complete = open_size(o);
	while (r > 0 && wbuf_dirty(o->wbuf) > PLAN_PIECE) {
		r = contents_commit_piece(fs, o, &from);
		nanosleep(&turn, NULL);
	}
	return r < 0 ? r : 0;
}

int contents_commit(struct fs *fs, struct open_state *o, const struct contents_as *as)
{
	bool dirty = o->wbuf && !wbuf_empty(o->wbuf);
	const char *path = as ? as->path : NULL;
	int r;

	if ((!dirty && !o->changed) || (!as && !open_has_name(fs, o)))
		return 0;
	r = dirty && !as ? commit_parts(fs, o) : 0;
	if (r == 0)
		r = commit_all(fs, o, path, false);
	return r == -EAGAIN ? commit_all(fs, o, path, true) : r;
}
