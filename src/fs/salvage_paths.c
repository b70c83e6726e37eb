/*
 * salvage_paths.c - names for contents whose only checkpoint is damaged beyond mending. What still looks like a name in it is
 * not believed as such, but the key of contents is the hash of the path that they were written under: a path that gives a key
 * is one that these contents had (invariant R2), whatever else is damaged. Attributes are not to be had like that. Linear in
 * the bodies, but for the length of paths.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "salvage.h"

#define DEPTH_MAX (PATH_LONGEST / 2)

/* The record of a name at `at`, if it can be one. The structures are aligned, as bodies are. */
static const struct fs_record_dirent *dirent_at(const uint8_t *body, size_t len, size_t at, const char **name, size_t *name_len)
{
	const size_t head = sizeof(struct fs_record) + sizeof(struct fs_record_dirent);
	struct fs_record rec;

	if (len - at < head)
		return NULL;
	memcpy(&rec, body + at, sizeof(rec));
	if (rec.type != FS_RECORD_DIRENT || rec.len <= head || rec.len > len - at || rec.len - head > FS_NAME_MAX)
		return NULL;
	*name = (const char *)body + at + head;
	*name_len = rec.len - head;
	return tree_name_sound(*name, *name_len) ? (const void *)(body + at + sizeof(rec)) : NULL;
}

typedef int (*dirent_fn)(struct salvage *s, const struct fs_record_dirent *d, const char *name, size_t len);

static int each_dirent(struct salvage *s, dirent_fn fn)
{
	/* Bodies that overlap are those of a hostile container. */
	uint64_t left = 2 * s->view.size;
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		const struct found_seal *f = &s->seal[i];
		const uint8_t *body = salvage_body(s, f);
		size_t len = f->end <= s->view.size ? (size_t)salvage_header(s, f).body_len : 0, name_len;

		if (f->sound || len > left)
			continue;
		left -= len;
		for (size_t at = 0; r == 0 && (f->flags & FS_SEAL_CHECKPOINT) && at < len; at += 8) {
			const char *name;
			const struct fs_record_dirent *d = dirent_at(body, len, at, &name, &name_len);

			if (d)
				r = fn(s, d, name, name_len);
		}
	}
	return r;
}

/* Of a directory the first that is met counts. */
static int note_parent(struct salvage *s, const struct fs_record_dirent *d, const char *name, size_t len)
{
	(void)name, (void)len;
	return table_get(&s->named, d->ino) ? 0 : table_put(&s->named, d->ino, (void *)(uintptr_t)d);
}

static size_t name_length(const struct fs_record_dirent *d)
{
	struct fs_record rec;

	memcpy(&rec, (const uint8_t *)d - sizeof(rec), sizeof(rec));
	return rec.len - sizeof(rec) - sizeof(*d);
}

/* The records of the way down from the root to `d`; how many, 0: none leads there. */
static size_t way_to(struct salvage *s, const struct fs_record_dirent *d, const struct fs_record_dirent *way[DEPTH_MAX])
{
	size_t n = 0, room = PATH_LONGEST;

	for (; d && n < DEPTH_MAX && name_length(d) < room && s->steps > 0; d = table_get(&s->named, d->parent)) {
		s->steps--;
		room -= name_length(d) + 1;
		way[DEPTH_MAX - ++n] = d;
		if (d->parent == FS_ROOT_INO) {
			memmove(way, way + DEPTH_MAX - n, n * sizeof(way[0]));
			return n;
		}
	}
	return 0;
}

static int note_path(struct salvage *s, const struct fs_record_dirent *d, const char *name, size_t len)
{
	const struct fs_record_dirent *way[DEPTH_MAX];
	size_t n = way_to(s, d, way), at = 0;
	char path[PATH_ROOM];

	(void)name, (void)len;
	for (size_t i = 0; i < n; i++) {
		memcpy(path + at, way[i] + 1, name_length(way[i]));
		at += name_length(way[i]);
		path[at++] = '/';
	}
	return n == 0 ? 0 : table_put(&s->paths, reel_hash(path, at - 1), (void *)(uintptr_t)d);
}

int salvage_paths(struct salvage *s)
{
	int r = s->unsealed ? 0 : each_dirent(s, note_parent);

	/* Records that a hostile container has may make long ways of all names. */
	s->steps = 2 * s->view.size;
	return r < 0 || s->unsealed ? r : each_dirent(s, note_path);
}

/* The directory of a way; under its own number, by which later transactions know it, if that is free or a directory without
 * name. */
static int enter(struct salvage *s, struct inode **dir, const struct fs_record_dirent *d)
{
	const struct dirent *there = tree_dirent(&s->fs->tree, *dir, (const char *)(d + 1), name_length(d));
	const struct inode *known = tree_inode(&s->fs->tree, d->ino);
	struct fs_record_inode image = {
	    .ino = d->ino, .mode = S_IFDIR | 0700, .nlink = 2, .uid = s->fs->uid, .gid = s->fs->gid};
	struct body b = {0};
	int r;

	if (there) {
		*dir = there->child;
		return S_ISDIR(there->child->mode) ? 0 : -ENOTDIR;
	}
	if (d->ino == 0 || d->ino >= (uint64_t)1 << 62 || (known && (!S_ISDIR(known->mode) || known->names || known == *dir)))
		return -ENOTDIR;
	image.atime = image.mtime = image.ctime = image.btime = record_time(&(*dir)->mtime);
	if (!known)
		body_inode(&b, &image);
	body_dirent(&b, (*dir)->ino, d->ino, (*dir)->dir->next_cookie, (const char *)(d + 1), name_length(d));
	r = salvage_apply(s, &b);
	*dir = tree_inode(&s->fs->tree, d->ino);
	return r;
}

int salvage_path_of(struct salvage *s, const struct reel_entry *e, struct inode **dir, char name[FS_NAME_MAX + 1])
{
	const struct fs_record_dirent *way[DEPTH_MAX], *d = table_get(&s->paths, e->key_hash);
	size_t n = d ? way_to(s, d, way) : 0;
	int r = 0;

	*dir = tree_inode(&s->fs->tree, FS_ROOT_INO);
	for (size_t i = 0; r == 0 && i + 1 < n; i++)
		r = enter(s, dir, way[i]);
	if (r == -ENOTDIR || r == -EBADMSG || n == 0)
		return 0;
	memcpy(name, d + 1, name_length(d));
	name[name_length(d)] = 0;
	return r < 0 ? r : !tree_dirent(&s->fs->tree, *dir, name, strlen(name));
}
