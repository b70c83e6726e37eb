/*
 * compact.c - writes the present state of a container into a new one, which then takes its place:
 * no superseded entries, no history, every file without holes as one entry under its path. The old file is
 * whole until the new one has its name, and what cannot be read right is not copied.
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

struct compaction {
	struct fs *from;
	struct reel_append *append;
	struct body body;
	struct sums sums;
	uint64_t size;   /* of the new container */
	uint64_t copied; /* bytes of contents */
	uint64_t to_copy;
	struct table used; /* key hashes of contents that were copied */
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

static int choose_key(struct compaction *c, const struct inode *i, uint64_t *key)
{
	char path[PATH_ROOM];
	size_t len = tree_path(i, NULL, path, sizeof(path));

	*key = reel_hash(path, len);
	if (!is_dense(i) || len == 0 || len >= PATH_LONGEST || table_get(&c->used, *key))
		*key = contents_key_hash(c->from->sequence + 1, i->ino);
	return table_put(&c->used, *key, c);
}

static int copy_bytes(struct compaction *c, struct open_state *o)
{
	const struct extents *e = &o->inode->extents;
	int r = 0;

	for (uint32_t n = 0; n < e->n && r == 0; n++)
		r = contents_stream_base(c->from, o, e->at[n].offset, e->at[n].len, sink, c);
	return r;
}

static int record_copy(struct compaction *c, const struct inode *i, const struct reel_entry *place)
{
	struct fs_record_data data = {place->offset, place->len, place->key_hash, place->crc, (uint32_t)c->sums.n, 0, 0};
	struct fs_record_extent *list = calloc(i->extents.n, sizeof(*list)), whole = {0, i->size, place->offset, 0};
	uint64_t at = 0;

	if (!list)
		return -ENOMEM;
	body_data(&c->body, &data, c->sums.sum);
	for (uint32_t n = 0; n < i->extents.n; n++) {
		list[n] = (struct fs_record_extent){i->extents.at[n].offset, i->extents.at[n].len, place->offset, at};
		at += list[n].len;
	}
	body_extents(&c->body, i->ino, FS_EXTENTS_REPLACE, is_dense(i) ? &whole : list, is_dense(i) ? 1 : i->extents.n);
	free(list);
	return 0;
}

static int byte_sink(void *arg, const void *data, size_t len)
{
	(void)len;
	*(uint8_t *)arg = *(const uint8_t *)data;
	return 0;
}

/* One byte NUL is all there is: no entry can hold it, and it becomes a hole. */
static int is_one_nul(struct compaction *c, struct open_state *o, bool *ret)
{
	const struct extents *e = &o->inode->extents;
	uint8_t byte = 1;
	int r = e->bytes == 1 ? contents_stream_base(c->from, o, e->at[0].offset, 1, byte_sink, &byte) : 0;

	*ret = byte == 0;
	return r;
}

static int copy_entry(struct compaction *c, struct inode *i, struct open_state *o)
{
	struct reel_entry place;
	uint64_t key;
	int r;

	r = choose_key(c, i, &key);
	if (r == 0)
		r = reel_append_entry_begin(c->append, key);
	if (r == 0)
		r = copy_bytes(c, o);
	if (r == 0)
		r = sums_end(&c->sums);
	if (r == 0)
		r = reel_append_entry_end(c->append, &place);
	if (r == 0)
		r = record_copy(c, i, &place);
	sums_free(&c->sums);
	return r;
}

static int copy_contents(struct compaction *c, struct inode *i)
{
	struct open_state *o;
	bool one_nul;
	int r = open_hold(c->from, i->ino, &o);

	if (r < 0)
		return r;
	r = is_one_nul(c, o, &one_nul);
	if (r == 0 && !one_nul)
		r = copy_entry(c, i, o);
	open_put(c->from, o);
	return r;
}

static int copy_all(struct compaction *c)
{
	struct tree *t = &c->from->tree;
	uint64_t ino = 0;
	int r = 0;

	for (struct inode *i; (i = table_first(&t->inodes, &ino)); ino++)
		c->to_copy += i->extents.bytes;
	ino = 0;
	body_state(&c->body, t->next_ino);
	for (struct inode *i; r == 0 && (i = table_first(&t->inodes, &ino)); ino++) {
		checkpoint_attributes(&c->body, i);
		if (i->extents.n > 0)
			r = copy_contents(c, i);
	}
	checkpoint_names(&c->body, t);
	return r;
}

static int fill(struct fs *to, void *arg)
{
	struct compaction *c = arg;
	int r;

	to->sequence = c->from->sequence;
	r = reel_append_begin(to->store, &c->append);
	if (r < 0)
		return r;
	r = commit_first_super(to, c->append);
	if (r == 0)
		r = copy_all(c);
	if (r < 0) {
		reel_append_abort(c->append);
		return r;
	}
	r = commit_first(to, c->append, &c->body);
	c->size = reel_tail_offset(to->store);
	return r;
}

int compact_to(struct fs *from, const char *path, bool replace, const struct fs_super *super, uint64_t *size)
{
	struct compaction c = {.from = from};
	struct fs *to = fs_new(&from->options);
	int r;

	if (!to)
		return -ENOMEM;
	if (super)
		to->super = *super;
	r = create_container(to, path, replace, fill, &c);
	*size = c.size;
	fs_free(to);
	body_free(&c.body);
	sums_free(&c.sums);
	table_clear(&c.used);
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
	/* The same container in a new place: identity and secret stay. */
	r = from->has_super ? compact_to(from, path, true, &from->super, &result.after) : -EMEDIUMTYPE;
	(void)fs_close(from);
	if (r == 0 && ret)
		*ret = result;
	return r;
}

/* An entry with its pad and trailer. */
static uint64_t entry_size(uint64_t payload)
{
	return (payload + REEL_TRAILER_SIZE + 63) / 64 * 64;
}

int fs_compact_estimate(struct fs *fs, uint64_t *bytes)
{
	uint64_t before = reel_tail_offset(fs->store), after = entry_size(sizeof(struct fs_super)), ino = 0;
	struct body checkpoint = {0};
	int r;

	if (!fs->has_super)
		return -EMEDIUMTYPE;
	pthread_rwlock_rdlock(&fs->tree_lock);
	checkpoint_make(&fs->tree, &checkpoint);
	for (struct inode *i; (i = table_first(&fs->tree.inodes, &ino)); ino++) {
		if (i->extents.n > 0)
			after += entry_size(i->extents.bytes);
	}
	pthread_rwlock_unlock(&fs->tree_lock);
	after += entry_size(sizeof(struct fs_seal) + checkpoint.len);
	*bytes = before > after ? before - after : 0;
	r = checkpoint.error;
	body_free(&checkpoint);
	return r;
}
