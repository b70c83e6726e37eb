/*
 * tree.c - inodes and names in memory. Changed by apply.c alone; see tree.h. Does no I/O.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "tree.h"
#include "fs.h"

void tree_init(struct tree *t)
{
	*t = (struct tree){.next_ino = 2};
	/* Without a seed names could be chosen to fall on one hash; failing to draw one costs only that. */
	if (getrandom(&t->hash_seed, sizeof(t->hash_seed), 0) != sizeof(t->hash_seed))
		t->hash_seed = (uint64_t)(uintptr_t)t;
}

static void free_dirents(struct inode *dir)
{
	uint64_t cookie = 0;

	for (struct dirent *d; (d = table_first(&dir->dir->by_cookie, &cookie)); cookie++)
		free(d);
}

static void free_readings(struct readings *r)
{
	if (r)
		table_clear(&r->gone);
	free(r);
}

static void free_inode_memory(struct inode *i)
{
	for (struct xattr *x = i->xattrs, *next; x; x = next) {
		next = x->next;
		free(x);
	}
	if (S_ISDIR(i->mode)) {
		table_clear(&i->dir->by_hash);
		table_clear(&i->dir->by_cookie);
		free_readings(i->dir->readings);
		free(i->dir);
	} else if (S_ISLNK(i->mode)) {
		free(i->target);
	}
	free(i->extents.at);
	free(i);
}

void tree_free(struct tree *t)
{
	uint64_t ino = 0;

	for (struct inode *i; (i = table_first(&t->inodes, &ino)); ino++) {
		if (S_ISDIR(i->mode))
			free_dirents(i);
		free_inode_memory(i);
	}
	table_clear(&t->inodes);
	number_set_clear(&t->atimes);
	data_table_free(&t->data);
	free(t->dead);
	t->dead = NULL;
}

struct inode *tree_inode(const struct tree *t, uint64_t ino)
{
	return table_get(&t->inodes, ino);
}

int tree_inode_new(struct tree *t, uint64_t ino, uint32_t mode, struct inode **ret)
{
	struct inode *i;
	int r;

	if (ino == 0 || ino == UINT64_MAX || tree_inode(t, ino))
		return -EEXIST;
	i = calloc(1, sizeof(*i));
	if (!i)
		return -ENOMEM;
	i->ino = ino;
	i->mode = mode;
	if (S_ISDIR(mode)) {
		i->dir = calloc(1, sizeof(*i->dir));
		if (!i->dir) {
			free(i);
			return -ENOMEM;
		}
		i->dir->next_cookie = TREE_FIRST_COOKIE;
	}
	r = table_put(&t->inodes, ino, i);
	if (r < 0) {
		free_inode_memory(i);
		return r;
	}
	if (ino >= t->next_ino)
		t->next_ino = ino + 1;
	*ret = i;
	return 0;
}

void tree_inode_free(struct tree *t, struct inode *i)
{
	extents_clear(t, &i->extents);
	number_set_del(&t->atimes, i->ino);
	table_del(&t->inodes, i->ino);
	free_inode_memory(i);
}

void tree_inode_settle(struct tree *t, struct inode *i)
{
	if (i->nlink == 0 && !i->names && i->lookups == 0 && !i->open)
		tree_inode_free(t, i);
}

/* --- names ---------------------------------------------------------------------------------------- */

bool tree_name_sound(const char *name, size_t len)
{
	if (len == 0 || len > FS_NAME_MAX || memchr(name, 0, len) || memchr(name, '/', len))
		return false;
	return !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

struct dirent *tree_dirent(const struct tree *t, const struct inode *dir, const char *name, size_t len)
{
	struct dirent *d = table_get(&dir->dir->by_hash, XXH3_64bits_withSeed(name, len, t->hash_seed));

	while (d && (d->len != len || memcmp(d->name, name, len) != 0))
		d = d->same_hash;
	return d;
}

static void name_link(struct dirent *d, struct inode *child)
{
	d->child = child;
	d->next_name = child->names;
	d->prev_name = &child->names;
	if (d->next_name)
		d->next_name->prev_name = &d->next_name;
	child->names = d;
}

static void name_unlink(struct dirent *d)
{
	*d->prev_name = d->next_name;
	if (d->next_name)
		d->next_name->prev_name = d->prev_name;
}

static int set_cookie(struct inode *dir, struct dirent *d, uint64_t cookie)
{
	struct dirent *other = table_get(&dir->dir->by_cookie, cookie);
	int r;

	if (other == d)
		return 0;
	if (other || cookie < TREE_FIRST_COOKIE || cookie == UINT64_MAX)
		return -EBADMSG;
	r = table_put(&dir->dir->by_cookie, cookie, d);
	if (r < 0)
		return r;
	if (d->cookie)
		table_del(&dir->dir->by_cookie, d->cookie);
	d->cookie = cookie;
	if (cookie >= dir->dir->next_cookie)
		dir->dir->next_cookie = cookie + 1;
	return 0;
}

static int dirent_new(struct tree *t, struct inode *dir, const char *name, size_t len, struct dirent **ret)
{
	struct dirent *d = malloc(sizeof(*d) + len + 1);
	int r;

	if (!d)
		return -ENOMEM;
	*d = (struct dirent){.parent = dir, .hash = XXH3_64bits_withSeed(name, len, t->hash_seed), .len = (uint8_t)len};
	memcpy(d->name, name, len);
	d->name[len] = 0;
	d->same_hash = table_get(&dir->dir->by_hash, d->hash);
	r = table_put(&dir->dir->by_hash, d->hash, d);
	if (r < 0) {
		free(d);
		return r;
	}
	*ret = d;
	return 0;
}

static void dirent_unhash(struct dirent *d)
{
	struct table *by_hash = &d->parent->dir->by_hash;
	struct dirent *first = table_get(by_hash, d->hash);

	if (first != d) {
		while (first->same_hash != d)
			first = first->same_hash;
		first->same_hash = d->same_hash;
	} else if (d->same_hash) {
		/* The slot exists: putting into it allocates nothing and cannot fail. */
		(void)table_put(by_hash, d->hash, d->same_hash);
	} else {
		table_del(by_hash, d->hash);
	}
}

int tree_dirent_set(struct tree *t, struct inode *dir, const char *name, size_t len, struct inode *child, uint64_t cookie)
{
	struct dirent *d;
	int r;

	if (len == 0 || len > 255)
		return -EBADMSG;
	dir->dir->changes++;
	d = tree_dirent(t, dir, name, len);
	if (d) {
		r = set_cookie(dir, d, cookie);
		if (r < 0)
			return r;
		name_unlink(d);
		name_link(d, child);
		return 0;
	}
	r = dirent_new(t, dir, name, len, &d);
	if (r < 0)
		return r;
	r = set_cookie(dir, d, cookie);
	if (r < 0) {
		dirent_unhash(d);
		free(d);
		return r;
	}
	name_link(d, child);
	return 0;
}

/* For want of memory it is not noted. */
static void note_gone(struct readings *r, const struct dirent *d)
{
	void *cookie = (void *)(uintptr_t)d->cookie, *before = table_get(&r->gone, d->hash);

	if (before == cookie || (!before && r->gone_n == READINGS_GONE))
		return;
	if (table_put(&r->gone, d->hash, before ? GONE_SEVERAL : cookie) == 0 && !before)
		r->gone_n++;
}

void tree_dirent_remove(struct tree *t, struct dirent *d)
{
	struct directory *dir = d->parent->dir;

	(void)t;
	dir->changes++;
	if (dir->readings)
		note_gone(dir->readings, d);
	name_unlink(d);
	dirent_unhash(d);
	table_del(&d->parent->dir->by_cookie, d->cookie);
	free(d);
}

bool tree_dir_empty(const struct inode *dir)
{
	return table_empty(&dir->dir->by_cookie);
}

int tree_dir_open(struct inode *dir, bool *cached)
{
	struct readings *r = dir->dir->readings;

	if (!r)
		r = dir->dir->readings = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->n++;
	*cached = !r->cached;
	r->cached = true;
	tree_dir_begin(dir);
	return 0;
}

void tree_dir_begin(struct inode *dir)
{
	_Atomic uint64_t *end = &dir->dir->readings->end;
	uint64_t now = dir->dir->next_cookie - 1, before = atomic_load(end);

	while (before < now && !atomic_compare_exchange_weak(end, &before, now))
		;
}

void tree_dir_close(struct inode *dir, bool cached)
{
	struct readings *r = dir->dir->readings;

	if (cached)
		r->cached = false;
	if (--r->n > 0)
		return;
	free_readings(r);
	dir->dir->readings = NULL;
}

bool tree_name_was_seen(const struct tree *t, const struct inode *dir, const char *name, size_t len, uint64_t cookie)
{
	const struct readings *r = dir->dir->readings;
	const void *seen = r ? table_get(&r->gone, XXH3_64bits_withSeed(name, len, t->hash_seed)) : NULL;

	return seen && seen != (const void *)(uintptr_t)cookie;
}

bool tree_cookie_is_unread(const struct inode *dir, uint64_t cookie)
{
	return dir->dir->readings && cookie > atomic_load(&dir->dir->readings->end);
}

struct inode *tree_parent(const struct inode *dir)
{
	return dir->names ? dir->names->parent : (struct inode *)dir;
}

size_t tree_path(const struct inode *i, const struct dirent *last, char *buf, size_t size)
{
	size_t at = size - 1;
	const struct dirent *d = last ? last : i->names;

	buf[at] = 0;
	while (d) {
		size_t need = d->len + (at < size - 1);

		/* A path longer than the buffer, or a circle in a hostile container, ends here. */
		if (need > at || at - need < 3) {
			at = at < 3 ? 0 : at - 3;
			memcpy(buf + at, "...", 3);
			break;
		}
		if (at < size - 1)
			buf[--at] = '/';
		at -= d->len;
		memcpy(buf + at, d->name, d->len);
		d = d->parent->names;
	}
	memmove(buf, buf + at, size - at);
	return size - at - 1;
}

/* --- extended attributes --------------------------------------------------------------------------- */

static struct xattr **find_xattr(const struct inode *i, const char *name, size_t name_len)
{
	struct xattr **p = (struct xattr **)&i->xattrs;

	while (*p && ((*p)->name_len != name_len || memcmp((*p)->bytes, name, name_len) != 0))
		p = &(*p)->next;
	return p;
}

struct xattr *tree_xattr(const struct inode *i, const char *name, size_t name_len)
{
	return *find_xattr(i, name, name_len);
}

int tree_xattr_set(struct inode *i, const char *name, size_t name_len, const void *value, size_t len)
{
	struct xattr **p = find_xattr(i, name, name_len), *old = *p, *x;

	if (name_len == 0 || name_len > 255)
		return -EBADMSG;
	x = malloc(sizeof(*x) + name_len + 1 + len);
	if (!x)
		return -ENOMEM;
	x->name_len = (uint8_t)name_len;
	x->value_len = (uint32_t)len;
	memcpy(x->bytes, name, name_len);
	x->bytes[name_len] = 0;
	if (len)
		memcpy(x->bytes + name_len + 1, value, len);
	x->next = old ? old->next : NULL;
	*p = x;
	free(old);
	return 0;
}

void tree_xattr_remove(struct inode *i, const char *name, size_t name_len)
{
	struct xattr **p = find_xattr(i, name, name_len), *x = *p;

	if (!x)
		return;
	*p = x->next;
	free(x);
}

/* --- data ------------------------------------------------------------------------------------------ */

void tree_key_died(struct tree *t, const struct dead_key *key)
{
	if (t->dead_n == t->dead_room) {
		size_t room = t->dead_room ? t->dead_room * 2 : 64;
		struct dead_key *dead = realloc(t->dead, room * sizeof(*dead));

		/* Without the tombstone a superseded entry stays readable by its key for other programs. */
		if (!dead)
			return;
		t->dead = dead;
		t->dead_room = room;
	}
	t->dead[t->dead_n++] = *key;
}

void tree_data_unref(struct tree *t, struct data *d)
{
	const struct dead_key key = {d->key_hash, d->len, d->crc};

	if (data_unref(&t->data, d))
		tree_key_died(t, &key);
}
