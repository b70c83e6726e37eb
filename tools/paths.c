/*
 * paths.c - paths in a container that holds a file system.
 * Relies on src/fs/fs.h. Prints nothing; what goes wrong is returned.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reel.h"
#include "paths.h"

/* As the kernel: more links than this on one path are a loop. */
#define LINKS_MAX 40

/* --- finding ------------------------------------------------------------------------------------- */

/* A directory, file or link that the way leads through, and its name in the one before. */
struct step {
	uint64_t ino;
	char name[FS_NAME_MAX + 1];
};

struct walk {
	struct fs *fs;
	char *rest; /* still to go: components between slashes; owned, `next` points into it */
	char *next;
	struct step *way; /* from the root, which is way[0], on; no link among them but the last at times */
	size_t n, room;
	int links;
};

static int walk_push(struct walk *w, uint64_t ino, const char *name)
{
	struct step *grown;
	size_t room;

	if (w->n == w->room) {
		room = w->room > 0 ? w->room * 2 : 16;
		grown = reallocarray(w->way, room, sizeof(*grown));
		if (grown == NULL)
			return -ENOMEM;
		w->way = grown;
		w->room = room;
	}
	w->way[w->n].ino = ino;
	snprintf(w->way[w->n].name, sizeof(w->way[w->n].name), "%s", name);
	w->n++;
	return 0;
}

/* ret is where the way leads. */
static int walk_arrive(const struct walk *w, struct place *ret)
{
	const struct step *last = &w->way[w->n - 1];

	ret->parent = w->n > 1 ? last[-1].ino : 0;
	snprintf(ret->name, sizeof(ret->name), "%s", last->name);
	return fs_getattr(w->fs, last->ino, &ret->attr);
}

/* On to a name in the directory that the way leads to; where there is none, ret->parent and ret->name are set. */
static int walk_enter(struct walk *w, const char *name, size_t len, struct place *ret)
{
	int r;

	if (len > FS_NAME_MAX)
		return -ENAMETOOLONG;
	ret->parent = w->way[w->n - 1].ino;
	memcpy(ret->name, name, len);
	ret->name[len] = '\0';
	r = fs_lookup(w->fs, ret->parent, ret->name, &ret->attr);
	if (r < 0)
		return r;
	fs_forget(w->fs, ret->attr.ino, 1);
	return walk_push(w, ret->attr.ino, ret->name);
}

/* The link that the way ends in is replaced by its target. */
static int walk_link(struct walk *w, struct place *ret)
{
	char target[FS_SYMLINK_MAX + 1];
	size_t size;
	char *joined;
	int r;

	if (++w->links > LINKS_MAX)
		return -ELOOP;
	r = fs_readlink(w->fs, ret->attr.ino, target);
	if (r < 0)
		return r;
	if (target[0] == '/')
		return -EXDEV;
	size = strlen(target) + 1 + strlen(w->next) + 1;
	joined = malloc(size);
	if (joined == NULL)
		return -ENOMEM;
	/* What is left begins with a slash, or is empty. */
	snprintf(joined, size, "%s%s", target, w->next);
	free(w->rest);
	w->rest = w->next = joined;
	w->n--;
	return walk_arrive(w, ret);
}

/* Goes one component on. 1: there may be more, 0: this was the last. `ret` is where the way leads. */
static int walk_step(struct walk *w, enum links links, struct place *ret)
{
	const char *name = w->next += strspn(w->next, "/");
	size_t len = strcspn(name, "/");
	bool last;
	int r = 0;

	if (len == 0)
		return 0;
	if (!S_ISDIR(ret->attr.mode))
		return -ENOTDIR;
	w->next += len;
	last = w->next[strspn(w->next, "/")] == '\0';
	if (len == 2 && memcmp(name, "..", 2) == 0) {
		w->n -= w->n > 1; /* ".." of the root is the root */
		r = walk_arrive(w, ret);
	} else if (len != 1 || name[0] != '.') {
		r = walk_enter(w, name, len, ret);
		if (r < 0) {
			if (r != -ENOENT || !last)
				ret->parent = 0;
		} else if (S_ISLNK(ret->attr.mode) && (!last || links == FOLLOW_LINKS || *w->next == '/')) {
			r = walk_link(w, ret);
		}
	}
	return r < 0 ? r : 1;
}

int path_find(const struct container *c, const char *path, enum links links, struct place *ret)
{
	size_t len = strlen(path);
	struct walk w = {.fs = c->fs, .rest = strdup(path)};
	int r = w.rest == NULL ? -ENOMEM : walk_push(&w, FS_ROOT_INO, "");

	if (r < 0)
		goto out;
	w.next = w.rest;
	r = walk_arrive(&w, ret);
	while (r >= 0) {
		r = walk_step(&w, links, ret);
		if (r == 0)
			break;
	}
	if (r == 0 && len > 0 && path[len - 1] == '/' && !S_ISDIR(ret->attr.mode))
		r = -ENOTDIR;
out:
	if (r < 0 && r != -ENOENT)
		ret->parent = 0;
	free(w.rest);
	free(w.way);
	return r;
}

/* --- entries of other programs --------------------------------------------------------------------- */

struct key_match {
	uint64_t hash;
	bool all; /* every extent so far lies in the entry with that hash */
	bool any;
};

static void match_extent(void *arg, const struct fs_extent_info *extent)
{
	struct key_match *m = arg;

	m->any = true;
	if (extent->container_offset == UINT64_MAX || extent->key_hash != m->hash)
		m->all = false;
}

int path_find_entry(const struct container *c, const char *path, enum links links, struct place *ret)
{
	struct key_match match = {.hash = reel_hash(path, strlen(path)), .all = true};
	struct place hashed;
	char name[17];
	int r = path_find(c, path, links, ret);

	if (r != -ENOENT)
		return r;
	snprintf(name, sizeof(name), "%016" PRIx64, match.hash);
	if (fs_resolve(c->fs, name, &hashed.parent, hashed.name, &hashed.attr) < 0 || !S_ISREG(hashed.attr.mode))
		return r;
	/* A file that merely is called like the hash holds an entry with another key. */
	if (fs_extents(c->fs, hashed.attr.ino, match_extent, &match) < 0 || !match.any || !match.all)
		return r;
	*ret = hashed;
	return 0;
}

/* --- making ---------------------------------------------------------------------------------------- */

struct fs_cred caller_cred(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return (struct fs_cred){.uid = geteuid(), .gid = getegid(), .umask = mask};
}

/* *inside, with the inode of the new directory, is changed only when it is made. */
static int make_dir(const struct container *c, const struct place *at, struct made *made, uint64_t *inside)
{
	struct fs_cred cred = caller_cred();
	struct made_dir *grown = realloc(made->dir, (made->n + 1) * sizeof(*grown));
	struct fs_attr attr;
	int r;

	if (grown == NULL)
		return -ENOMEM;
	made->dir = grown;
	r = fs_mkdir(c->fs, at->parent, at->name, S_IFDIR | 0777, &cred, &attr);
	if (r < 0)
		return r;
	fs_forget(c->fs, attr.ino, 1);
	*inside = attr.ino;
	grown[made->n].parent = at->parent;
	memcpy(grown[made->n].name, at->name, sizeof(at->name));
	made->n++;
	return 0;
}

static int find_prefix(const struct container *c, const char *path, size_t len, struct place *at)
{
	char *prefix = strndup(path, len);
	int r = prefix == NULL ? -ENOMEM : path_find(c, prefix, FOLLOW_LINKS, at);

	free(prefix);
	return r;
}

/* Makes the first `len` bytes of `path` a directory, unless it is one. */
static int make_prefix(const struct container *c, const char *path, size_t len, struct made *made, uint64_t *inside)
{
	struct place at;
	int r = find_prefix(c, path, len, &at);

	return r == -ENOENT && at.parent != 0 ? make_dir(c, &at, made, inside) : r;
}

/* The length of the path up to the end of the component at or after `at`, and *last: it is the last one. */
static size_t component_end(const char *path, size_t at, bool *last)
{
	at += strspn(path + at, "/");
	at += strcspn(path + at, "/");
	*last = path[at + strspn(path + at, "/")] == '\0';
	return at;
}

/*
 * A length of the path up to which all is there, and behind which a component is missing or fails: by halves, so that a deep
 * path is not walked once for each of its directories.
 */
static size_t existing_prefix(const struct container *c, const char *path)
{
	size_t good = 0, bad = strlen(path);
	struct place at;

	while (good < bad) {
		size_t middle = good + (bad - good) / 2;
		bool last;
		size_t end = component_end(path, middle, &last);

		if (!last && end < bad && find_prefix(c, path, end, &at) == 0)
			good = end;
		else
			bad = middle;
	}
	return good;
}

/* Within a directory that was just made: no name of it is there. False: the component is none that can be made so. */
static bool place_inside(uint64_t dir, const char *path, size_t start, size_t end, struct place *at)
{
	size_t len;

	start += strspn(path + start, "/");
	len = end - start;
	if (dir == 0 || len >= sizeof(at->name) || path[start] == '.')
		return false;
	*at = (struct place){.parent = dir};
	memcpy(at->name, path + start, len);
	return true;
}

int path_find_target(const struct container *c, const char *path, enum links links, struct place *ret, struct made *made)
{
	uint64_t inside = 0;
	size_t start, end;
	struct place at;
	bool last;
	int r;

	*made = (struct made){0};
	r = path_find(c, path, links, ret);
	if (r != -ENOENT || ret->parent != 0)
		return r;
	for (start = existing_prefix(c, path); end = component_end(path, start, &last), !last; start = end) {
		if (place_inside(inside, path, start, end, &at)) {
			r = make_dir(c, &at, made, &inside);
		} else {
			inside = 0;
			r = make_prefix(c, path, end, made, &inside);
		}
		if (r < 0)
			goto fail;
	}
	r = path_find(c, path, links, ret);
	if (r == 0 || (r == -ENOENT && ret->parent != 0))
		return r;
fail:
	ret->parent = 0;
	return r;
}

void made_keep(struct made *made)
{
	free(made->dir);
	*made = (struct made){0};
}

void made_undo(const struct container *c, struct made *made)
{
	while (made->n > 0) {
		made->n--;
		/* One that cannot go now, because another program's change is in it, stays. */
		if (fs_rmdir(c->fs, made->dir[made->n].parent, made->dir[made->n].name) < 0)
			break;
	}
	made_keep(made);
}

/* --- listing --------------------------------------------------------------------------------------- */

struct collect {
	struct listing *into;
	int err;
};

static bool collect_name(void *arg, const struct fs_dirent *entry)
{
	struct collect *collect = arg;
	struct listing *l = collect->into;
	struct listed *grown;
	size_t room;

	if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
		return true;
	if (l->n == l->room) {
		room = l->room > 0 ? l->room * 2 : 64;
		grown = reallocarray(l->item, room, sizeof(*grown));
		if (grown == NULL) {
			collect->err = -ENOMEM;
			return false;
		}
		l->item = grown;
		l->room = room;
	}
	l->item[l->n] = (struct listed){.name = strdup(entry->name), .ino = entry->ino, .type = entry->type};
	if (l->item[l->n].name == NULL) {
		collect->err = -ENOMEM;
		return false;
	}
	l->n++;
	return true;
}

static int compare_listed(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int path_list(const struct container *c, uint64_t dir, struct listing *ret)
{
	struct collect collect = {.into = ret};
	struct fs_dir *d;
	int r;

	*ret = (struct listing){0};
	r = fs_dir_open(c->fs, dir, &d);
	if (r < 0)
		return r;
	r = fs_dir_read(d, 0, collect_name, &collect);
	fs_dir_close(d);
	if (r < 0)
		return r;
	if (collect.err == 0 && ret->n > 0)
		qsort(ret->item, ret->n, sizeof(ret->item[0]), compare_listed);
	return collect.err;
}

void listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->item[i].name);
	free(l->item);
	*l = (struct listing){0};
}
