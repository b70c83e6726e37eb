/*
 * compact.c - writes the present state of a container into a new one, which then takes its place:
 * no superseded entries, no history, every file without holes as one entry under its path. What files share is written
 * once, and they go on sharing it. The old file is whole until the new one has its name, and what cannot be
 * read right is not copied. All names are in the checkpoint at the end: where it is small it is written twice.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "checkpoint.h"
#include "commit.h"
#include "compact.h"
#include "contents.h"
#include "create.h"
#include "open.h"
#include "shared.h"
#include "whole.h"

/* A second checkpoint costs at most this, or this share of the container. */
#define SECOND_BYTES (1u << 20)
#define SECOND_SHARE 8

struct compaction {
	struct fs *from;
	struct reel_append *append;
	struct body body;
	struct sums sums;
	struct reel_entry whole; /* the entry that says where all of it ends */
	uint64_t size;           /* of the new container */
	uint64_t copied;         /* bytes of contents */
	uint64_t to_copy;
	struct table used; /* key hashes of contents that were copied */
	struct shared_set shared;
};

static int sink(void *arg, const void *data, size_t len)
{
	struct compaction *c = arg;
	const struct fs_options *options = &c->from->options;
	int r = sums_add(&c->sums, data, len);

	if (r == 0)
		r = reel_append_data(c->append, data, len);
	c->copied += len;
	if (r == 0 && options->progress)
		r = options->progress(options->progress_arg, c->copied, c->to_copy);
	return r;
}

/* A file whose holes would be lost keeps its extents; so does the one byte that no entry can hold. */
static bool is_dense(const struct inode *i)
{
	return i->extents.bytes == i->size;
}

/* The path of a file that the entry is all of (or NULL), or else a key of `number`. */
static int choose_key(struct compaction *c, const struct inode *whole, uint64_t number, uint64_t *key)
{
	char path[PATH_ROOM];
	size_t len = whole ? tree_path(whole, NULL, path, sizeof(path)) : 0;

	*key = len > 0 && len < PATH_LONGEST ? reel_hash(path, len) : 0;
	if (len == 0 || len >= PATH_LONGEST || table_get(&c->used, *key))
		*key = contents_key_hash(c->from->sequence + 1, number);
	return table_put(&c->used, *key, c);
}

static int begin_entry(struct compaction *c, const struct inode *whole, uint64_t number)
{
	uint64_t key;
	int r = choose_key(c, whole, number, &key);

	return r < 0 ? r : reel_append_entry_begin(c->append, key);
}

static int end_entry(struct compaction *c, uint64_t *position)
{
	struct fs_record_data data;
	struct reel_entry place;
	int r = sums_end(&c->sums);

	if (r == 0)
		r = reel_append_entry_end(c->append, &place);
	if (r == 0) {
		data = (struct fs_record_data){place.offset, place.len, place.key_hash, place.crc, (uint32_t)c->sums.n, 0, 0};
		body_data(&c->body, &data, c->sums.sum);
		*position = place.offset;
	}
	sums_free(&c->sums);
	return r;
}

/* The one NUL byte that no entry can hold: it becomes a hole. */
static int is_nul(struct compaction *c, struct inode *i, const struct extent *x)
{
	int r = contents_check(c->from, i, x->data, x->data_offset, 1);

	return r < 0 ? r : reel_base(c->from->store)[x->data->position + x->data_offset] == 0;
}

static int copy_shared(struct compaction *c, struct inode *i, struct shared *s)
{
	const struct extent first = {0, 1, s->data, s->part[0].start};
	int r = s->bytes == 1 ? is_nul(c, i, &first) : 0;

	if (r > 0)
		s->position = FS_NO_POSITION;
	s->copied = true;
	if (r != 0)
		return r < 0 ? r : 0;
	r = begin_entry(c, s->whole, ~s->data->position);
	for (size_t n = 0; r == 0 && n < s->parts; n++)
		r = contents_stream_data(c->from, i, s->data, s->part[n].start, s->part[n].end - s->part[n].start, sink, c);
	return r < 0 ? r : end_entry(c, &s->position);
}

/* What the file shares with no other, as one entry. */
static int copy_own(struct compaction *c, struct inode *i, uint64_t own, uint64_t *position)
{
	bool begun = false;
	int r = 0;

	for (uint32_t n = 0; n < i->extents.n && r == 0; n++) {
		const struct extent *x = &i->extents.at[n];

		if (shared_get(&c->shared, x->data))
			continue;
		if (own == 1) {
			r = is_nul(c, i, x);
			if (r > 0)
				return 0;
		}
		if (r == 0 && !begun)
			r = begin_entry(c, is_dense(i) && own == i->size ? i : NULL, i->ino);
		begun = true;
		if (r == 0)
			r = contents_stream_data(c->from, i, x->data, x->data_offset, x->len, sink, c);
	}
	return r < 0 || !begun ? r : end_entry(c, position);
}

static int copy_all_shared(struct compaction *c, struct inode *i, uint64_t *own)
{
	int r = 0;

	*own = 0;
	for (uint32_t n = 0; n < i->extents.n && r == 0; n++) {
		struct shared *s = shared_get(&c->shared, i->extents.at[n].data);

		if (!s)
			*own += i->extents.at[n].len;
		else if (!s->copied)
			r = copy_shared(c, i, s);
	}
	return r;
}

/* Onto the list of `n`; one that continues the last in file and entry becomes part of it. */
static uint32_t add_extent(struct fs_record_extent *list, uint32_t n, const struct fs_record_extent *x)
{
	struct fs_record_extent *last = n > 0 ? &list[n - 1] : NULL;

	if (last && last->position == x->position && last->offset + last->len == x->offset &&
	    last->data_offset + last->len == x->data_offset) {
		last->len += x->len;
		return n;
	}
	list[n] = *x;
	return n + 1;
}

/* The extents of an inode as they are in the new container. */
static int record_extents(struct compaction *c, const struct inode *i, uint64_t own_position)
{
	struct fs_record_extent *list = calloc(i->extents.n, sizeof(*list));
	uint64_t own = 0;
	uint32_t used = 0;

	if (!list)
		return -ENOMEM;
	for (uint32_t n = 0; n < i->extents.n; n++) {
		const struct extent *x = &i->extents.at[n];
		const struct shared *s = shared_get(&c->shared, x->data);
		uint64_t position = s ? s->position : own_position;
		uint64_t offset = s ? shared_offset(s, x->data_offset) : own;

		if (!s)
			own += x->len;
		if (position != FS_NO_POSITION)
			used = add_extent(list, used, &(struct fs_record_extent){x->offset, x->len, position, offset});
	}
	body_extents(&c->body, i->ino, FS_EXTENTS_REPLACE, list, used);
	free(list);
	return 0;
}

static int copy_contents(struct compaction *c, struct inode *i)
{
	uint64_t own, position = FS_NO_POSITION;
	int r = copy_all_shared(c, i, &own);

	if (r == 0)
		r = copy_own(c, i, own, &position);
	return r < 0 ? r : record_extents(c, i, position);
}

/* An entry with its pad and trailer. */
static uint64_t entry_size(uint64_t payload)
{
	return (payload + REEL_TRAILER_SIZE + 63) / 64 * 64;
}

/* What a compaction writes of contents: their bytes, and the size of the entries that hold them. */
struct amount {
	uint64_t bytes, entries;
};

static void add_entry(struct amount *a, uint64_t bytes)
{
	if (bytes == 0)
		return;
	a->bytes += bytes;
	a->entries += entry_size(bytes);
}

static struct amount contents_amount(const struct tree *t, const struct shared_set *shared)
{
	struct amount ret = {0};
	uint64_t ino = 0, position = 0;

	for (struct inode *i; (i = table_first(&t->inodes, &ino)); ino++) {
		uint64_t own = 0;

		for (uint32_t n = 0; n < i->extents.n; n++)
			if (!shared_get(shared, i->extents.at[n].data))
				own += i->extents.at[n].len;
		add_entry(&ret, own);
	}
	for (struct shared *s; (s = table_first(&shared->by_position, &position)); position++)
		add_entry(&ret, s->bytes);
	return ret;
}

static int copy_all(struct compaction *c)
{
	struct tree *t = &c->from->tree;
	uint64_t ino = 0;
	int r = shared_find(t, &c->shared);

	if (r < 0)
		return r;
	c->to_copy = contents_amount(t, &c->shared).bytes;
	body_state(&c->body, t->next_ino);
	for (struct inode *i; r == 0 && (i = table_first(&t->inodes, &ino)); ino++) {
		checkpoint_attributes(&c->body, i);
		if (i->extents.n > 0)
			r = copy_contents(c, i);
	}
	checkpoint_names(&c->body, t);
	return r;
}

/* What a seal of the checkpoint takes, and whether it is worth while to have a second one behind it. */
static uint64_t checkpoint_size(const struct body *body)
{
	return sizeof(struct fs_seal) + body->len + REEL_TRAILER_SIZE;
}

static bool wants_second(const struct body *body, uint64_t before)
{
	return checkpoint_size(body) <= SECOND_BYTES || checkpoint_size(body) <= before / SECOND_SHARE;
}

/* The entry at the front gets to know with which seal the container ends. */
static int amend_whole(struct compaction *c, struct fs *to, bool second)
{
	uint64_t end = reel_append_next_payload(c->append) + checkpoint_size(&c->body);

	if (second)
		end = (end + 63) / 64 * 64 + checkpoint_size(&c->body);
	return whole_end(&to->super, c->append, &c->whole, to->sequence + 1 + second, end);
}

/* The same again: where one of the two is damaged a repair has the other. What comes before it is durable. */
static int append_second(struct compaction *c, struct fs *to)
{
	int r = reel_sync(to->store);

	if (r == 0)
		r = reel_append_begin(to->store, &c->append);
	return r < 0 ? r : commit_first(to, c->append, &c->body);
}

static int fill(struct fs *to, void *arg)
{
	struct compaction *c = arg;
	bool second = false;
	int r;

	to->sequence = c->from->sequence;
	r = reel_append_begin(to->store, &c->append);
	if (r < 0)
		return r;
	r = commit_first_super(to, c->append);
	if (r == 0)
		r = whole_begin(&to->super, c->append, &c->whole);
	if (r == 0)
		r = copy_all(c);
	if (r == 0) {
		second = wants_second(&c->body, reel_append_next_payload(c->append));
		r = amend_whole(c, to, second);
	}
	if (r < 0) {
		reel_append_abort(c->append);
		return r;
	}
	r = commit_first(to, c->append, &c->body);
	if (r == 0 && second)
		r = append_second(c, to);
	c->size = reel_tail_offset(to->store);
	return r;
}

int compact_to(struct fs *from, const char *path, bool replace, const struct fs_super *super, uint64_t *size)
{
	struct compaction c = {.from = from};
	struct fs_options options = from->options;
	int r;

	options.read_only = false;
	struct fs *to = fs_new(&options);
	if (!to)
		return -ENOMEM;
	if (super)
		to->super = *super;
	if (replace)
		to->replaces = from->store;
	r = create_container(to, path, replace, fill, &c);
	*size = c.size;
	fs_free(to);
	body_free(&c.body);
	sums_free(&c.sums);
	table_clear(&c.used);
	shared_free(&c.shared);
	return r;
}

int fs_compact(const char *path, const struct fs_options *options, struct fs_compaction *ret)
{
	struct fs_compaction result = {0};
	struct fs *from;
	int r = fs_open(path, options, &from);

	if (r < 0)
		return r;
	result.before = reel_tail_offset(from->store);
	r = from->has_super ? reel_can_replace(from->store) : -EMEDIUMTYPE;
	/* The same container in a new place: identity and secret stay. */
	if (r == 0)
		r = compact_to(from, path, true, &from->super, &result.after);
	(void)fs_close(from);
	if (r == 0 && ret)
		*ret = result;
	return r;
}

int fs_compact_to(const char *path, const char *to, const struct fs_options *options, struct fs_compaction *ret)
{
	struct fs_options reading = *options;
	struct fs_compaction result = {0};
	struct fs *from;

	reading.read_only = true;
	int r = fs_open(path, &reading, &from);
	if (r < 0)
		return r;
	result.before = reel_tail_offset(from->store);
	r = from->has_super ? compact_to(from, to, false, &from->super, &result.after) : -EMEDIUMTYPE;
	(void)fs_close(from);
	if (r == 0 && ret)
		*ret = result;
	return r;
}

int fs_compact_estimate(struct fs *fs, uint64_t *bytes)
{
	uint64_t before = reel_tail_offset(fs->store);
	uint64_t after = entry_size(sizeof(struct fs_super)) + entry_size(sizeof(struct fs_whole));
	struct shared_set shared;
	struct body checkpoint = {0};
	int r;

	if (!fs->has_super)
		return -EMEDIUMTYPE;
	pthread_rwlock_rdlock(&fs->tree_lock);
	checkpoint_make(&fs->tree, &checkpoint);
	r = shared_find(&fs->tree, &shared);
	if (r == 0)
		after += contents_amount(&fs->tree, &shared).entries;
	pthread_rwlock_unlock(&fs->tree_lock);
	after += entry_size(sizeof(struct fs_seal) + checkpoint.len) * (wants_second(&checkpoint, after) ? 2 : 1);
	*bytes = before > after ? before - after : 0;
	if (r == 0)
		r = checkpoint.error;
	shared_free(&shared);
	body_free(&checkpoint);
	return r;
}
