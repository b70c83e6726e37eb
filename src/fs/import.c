/*
 * import.c - see import.h. Looks at the chain of entries and at no payload. Writes nothing itself.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "apply.h"
#include "import.h"

struct import {
	struct fs *fs;
	struct body body;
	struct table seen;    /* key hashes of newer entries */
	struct table owners;  /* key hash to inode: of contents that files have, and of files' paths */
	struct table decided; /* inodes that a newer entry has changed or removed */
	bool has_owners;
	struct timespec time;
	uint64_t next_ino, next_cookie;
	uint64_t n;
};

/* Any pointer that is not NULL. */
static char mark;

/* Of files that share an entry, the one at the path that is its key owns it, or else the oldest. */
static int own_contents(struct import *im, struct table *owned, struct inode *i, bool at_path)
{
	int r = 0;

	for (uint32_t n = 0; r == 0 && n < i->extents.n; n++) {
		const struct data *d = i->extents.at[n].data;

		if (!d->keyed || table_get(owned, d->key_hash) || (at_path && table_get(&im->owners, d->key_hash) != i))
			continue;
		r = table_put(&im->owners, d->key_hash, i);
		if (r == 0)
			r = table_put(owned, d->key_hash, &mark);
	}
	return r;
}

static int own_all_contents(struct import *im, bool at_path, struct table *owned)
{
	uint64_t ino = 0;
	int r = 0;

	for (struct inode *i; r == 0 && (i = table_first(&im->fs->tree.inodes, &ino)); ino++)
		r = own_contents(im, owned, i, at_path);
	return r;
}

static int find_owners(struct import *im)
{
	struct tree *t = &im->fs->tree;
	struct table owned = {0}; /* the keys whose owner has their contents */
	char path[PATH_ROOM];
	uint64_t ino = 0;
	int r = 0;

	/* By path first, so that whose contents an entry is counts more than whose name it has. */
	for (struct inode *i; r == 0 && (i = table_first(&t->inodes, &ino)); ino++) {
		size_t len = S_ISREG(i->mode) && i->names ? tree_path(i, NULL, path, sizeof(path)) : 0;

		if (len > 0)
			r = table_put(&im->owners, reel_hash(path, len), i);
	}
	if (r == 0)
		r = own_all_contents(im, true, &owned);
	if (r == 0)
		r = own_all_contents(im, false, &owned);
	table_clear(&owned);
	im->has_owners = true;
	return r;
}

static void record_contents(struct import *im, uint64_t ino, const struct reel_entry *e)
{
	struct fs_record_data data = {.position = e->offset, .len = e->len, .key_hash = e->key_hash, .crc = e->crc};
	struct fs_record_extent x = {0, e->len, e->offset, 0};

	body_data(&im->body, &data, NULL);
	body_extents(&im->body, ino, FS_EXTENTS_REPLACE, &x, 1);
}

static void new_name(struct import *im, uint64_t key_hash, char name[32])
{
	struct inode *root = tree_inode(&im->fs->tree, FS_ROOT_INO);

	snprintf(name, 32, "%016llx", (unsigned long long)key_hash);
	for (unsigned n = 2; root && tree_dirent(&im->fs->tree, root, name, strlen(name)); n++)
		snprintf(name, 32, "%016llx-%u", (unsigned long long)key_hash, n);
}

static void import_new(struct import *im, const struct reel_entry *e)
{
	struct fs_record_inode image = {
	    .ino = im->next_ino++,
	    .mode = S_IFREG | 0644,
	    .nlink = 1,
	    .uid = im->fs->uid,
	    .gid = im->fs->gid,
	    .size = e->len,
	    .atime = record_time(&im->time),
	    .mtime = record_time(&im->time),
	    .ctime = record_time(&im->time),
	    .btime = record_time(&im->time),
	};
	char name[32];

	new_name(im, e->key_hash, name);
	body_inode(&im->body, &image);
	body_dirent(&im->body, FS_ROOT_INO, image.ino, im->next_cookie++, name, strlen(name));
	record_contents(im, image.ino, e);
}

static void import_change(struct import *im, const struct inode *i, const struct reel_entry *e)
{
	struct fs_record_inode image = record_image(i);

	image.size = e->len;
	image.mtime = image.ctime = record_time(&im->time);
	body_inode(&im->body, &image);
	record_contents(im, i->ino, e);
}

static void import_removal(struct import *im, const struct inode *i)
{
	struct fs_record_inode image = record_image(i);

	for (const struct dirent *d = i->names; d; d = d->next_name) {
		body_undirent(&im->body, d->parent->ino, d->name, d->len);
		body_touch(&im->body, d->parent->ino, d->parent->nlink, &im->time);
	}
	image.nlink = 0;
	body_inode(&im->body, &image);
}

/* What the key's entry held so far may be needed by files other than the one that this entry changes. */
static int note_unkeyed(struct import *im, const struct reel_entry *e)
{
	const struct data *d = table_get(&im->fs->tree.data.by_key, e->key_hash);

	return d && d->position != e->offset ? number_set_add(&im->fs->unkeyed, d->position) : 0;
}

static int import_entry(struct import *im, const struct reel_entry *e)
{
	struct inode *owner;
	int r;

	if (table_get(&im->seen, e->key_hash))
		return 0;
	r = table_put(&im->seen, e->key_hash, &mark);
	if (r == 0)
		r = note_unkeyed(im, e);
	if (r == 0 && !im->has_owners)
		r = find_owners(im);
	if (r < 0)
		return r;
	/* A file with two keys, of its path and of its contents, follows the newest entry under either. */
	owner = table_get(&im->owners, e->key_hash);
	if (owner && (owner->nlink == 0 || table_get(&im->decided, owner->ino)))
		owner = NULL;
	if (owner)
		r = table_put(&im->decided, owner->ino, &mark);
	if (r < 0)
		return r;
	if (e->tombstone && owner)
		import_removal(im, owner);
	else if (!e->tombstone && owner)
		import_change(im, owner, e);
	else if (!e->tombstone)
		import_new(im, e);
	im->n++;
	return 0;
}

static int import_between(struct import *im, uint64_t after, uint64_t end)
{
	struct reel_view view = reel_view_of(im->fs->store);
	struct reel_entry e;
	int r = 0;

	while (r == 0 && end > after) {
		r = reel_entry_at(&view, end, &e);
		if (r == 0)
			r = import_entry(im, &e);
		end = e.prev_tail;
	}
	return r;
}

static void record_root(struct import *im)
{
	struct fs_record_inode root = {
	    .ino = FS_ROOT_INO,
	    .mode = S_IFDIR | 0755,
	    .nlink = 2,
	    .uid = im->fs->uid,
	    .gid = im->fs->gid,
	    .atime = record_time(&im->time),
	    .mtime = record_time(&im->time),
	    .ctime = record_time(&im->time),
	    .btime = record_time(&im->time),
	};

	body_inode(&im->body, &root);
}

/* What reelfs itself keeps in the container beside contents, and contents that still wait for their tombstone. */
static bool is_own(const struct fs *fs, const struct reel_entry *e)
{
	struct fs_seal seal;

	if (!fs->has_super)
		return false;
	for (size_t i = 0; i < fs->tree.dead_n; i++)
		if (fs->tree.dead[i].key_hash == e->key_hash && !data_key_taken(&fs->tree.data, e->key_hash))
			return true;
	return e->key_hash == reel_hash(FS_KEY_SUPER, sizeof(FS_KEY_SUPER) - 1) ||
	       e->key_hash == reel_hash(FS_KEY_WHOLE, sizeof(FS_KEY_WHOLE) - 1) ||
	       (seal_parse(e->payload, e->len, &fs->super, &seal) == 0 && e->key_hash == seal_key_hash(&seal)) ||
	       table_get(&fs->tree.data.by_position, e->offset);
}

static bool misses_data(const struct inode *i)
{
	for (uint32_t n = 0; n < i->extents.n; n++)
		if (i->extents.at[n].data->position >= DATA_MISSING)
			return true;
	return false;
}

/* A key that is gone since another program compacted the container was deleted before, as by a tombstone. */
static int import_missing(struct import *im)
{
	struct tree *t = &im->fs->tree;
	uint64_t missing = DATA_MISSING, ino = 0;
	char path[4096];
	int r = 0;

	if (!table_first(&t->data.by_position, &missing))
		return 0;
	for (struct inode *i; r == 0 && (i = table_first(&t->inodes, &ino)); ino++) {
		if (!misses_data(i) || table_get(&im->decided, ino))
			continue;
		tree_path(i, NULL, path, sizeof(path));
		fs_log(im->fs, LOG_WARNING, "%s: /%s was removed by the program that compacted it: its contents are gone",
		       reel_path(im->fs->store), path);
		import_removal(im, i);
		im->n++;
		r = table_put(&im->decided, ino, &mark);
	}
	return r;
}

/* A transaction without a superblock: this is no container of another program, but one of ours with damage. */
static bool is_orphan(const struct fs *fs, const struct reel_entry *e)
{
	struct fs_seal seal;

	if (fs->has_super || e->len < sizeof(seal) || memcmp(e->payload, FS_SEAL_MAGIC, sizeof(seal.magic)) != 0)
		return false;
	memcpy(&seal, e->payload, sizeof(seal));
	return e->key_hash == seal_key_hash(&seal);
}

static int import_live(struct import *im)
{
	struct reel_iter *it;
	struct reel_entry e;
	int r = reel_iter_new(im->fs->store, true, &it);

	if (r < 0)
		return r;
	while ((r = reel_iter_next(it, &e)) > 0) {
		if (is_orphan(im->fs, &e)) {
			fs_log(im->fs, LOG_ERR, "%s: damaged: its superblock cannot be used; nothing was changed",
			       reel_path(im->fs->store));
			r = -EBADMSG;
		} else if (!is_own(im->fs, &e)) {
			r = import_entry(im, &e);
		}
		reel_entry_release(&e);
		if (r < 0)
			break;
	}
	reel_iter_free(it);
	return r < 0 ? r : import_missing(im);
}

int fs_import(struct fs *fs, uint64_t after)
{
	return fs_import_between(fs, after, reel_tail_offset(fs->store));
}

int fs_import_between(struct fs *fs, uint64_t after, uint64_t end)
{
	struct inode *root;
	struct import im = {.fs = fs};
	struct stat st;
	size_t bad;
	int r = 0;

	if (fstat(reel_fd(fs->store), &st) == 0)
		im.time = st.st_mtim;
	root = tree_inode(&fs->tree, FS_ROOT_INO);
	if (root && !S_ISDIR(root->mode)) {
		fs_log(fs, LOG_ERR, "%s: damaged: its root is no directory; nothing was changed", reel_path(fs->store));
		return -EBADMSG;
	}
	if (!root)
		record_root(&im);
	im.next_ino = fs->tree.next_ino;
	im.next_cookie = root ? root->dir->next_cookie : TREE_FIRST_COOKIE;
	r = after == 0 ? import_live(&im) : import_between(&im, after, end);
	if (r == 0)
		r = im.body.error;
	if (r == 0)
		r = apply_body(&fs->tree, im.body.bytes, im.body.len, reel_tail_offset(fs->store), &bad);
	table_clear(&im.seen);
	table_clear(&im.owners);
	table_clear(&im.decided);
	fs->imported = im.n;
	fs->import = im.body;
	if (r == 0 && im.n > 0)
		fs_log(fs, LOG_NOTICE, "%s: %llu entries of other programs found; unknown ones are shown under their key hash",
		       reel_path(fs->store), (unsigned long long)im.n);
	return r;
}
