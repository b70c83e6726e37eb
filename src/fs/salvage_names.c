/*
 * salvage_names.c - makes one tree of what a replay with gaps has left: what has no name gets one in lost+found, circles
 * are opened, link counts are set. Each step is linear in the tree.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apply.h"
#include "salvage.h"

/* --- names ------------------------------------------------------------------------------------------------ */

void salvage_free_name(const struct salvage *s, const struct inode *dir, const char *wanted, const char *suffix,
		       char ret[FS_NAME_MAX + 1])
{
	char end[64] = "";
	int room;

	snprintf(end, sizeof(end), "%s", suffix);
	for (unsigned n = 2;; n++) {
		room = FS_NAME_MAX - (int)strlen(end);
		snprintf(ret, FS_NAME_MAX + 1, "%.*s%s", room, wanted, end);
		if (!tree_dirent(&s->fs->tree, dir, ret, strlen(ret)))
			return;
		snprintf(end, sizeof(end), "%s.%u", suffix, n);
	}
}

static void add_name(struct body *b, const struct inode *dir, const char *name, const struct inode *child)
{
	body_dirent(b, dir->ino, child->ino, dir->dir->next_cookie, name, strlen(name));
}

static struct fs_record_inode new_directory(const struct salvage *s, uint64_t ino, uint32_t mode)
{
	struct timespec now = fs_now();
	struct fs_time t = record_time(&now);

	return (struct fs_record_inode){.ino = ino,
					.mode = S_IFDIR | mode,
					.nlink = 2,
					.uid = s->fs->uid,
					.gid = s->fs->gid,
					.atime = t,
					.mtime = t,
					.ctime = t,
					.btime = t};
}

int salvage_lost_found(struct salvage *s, struct inode **ret)
{
	struct tree *t = &s->fs->tree;
	const struct inode *root = tree_inode(t, FS_ROOT_INO);
	const struct dirent *d = tree_dirent(t, root, "lost+found", strlen("lost+found"));
	struct fs_record_inode image = new_directory(s, t->next_ino, 0700);
	char name[FS_NAME_MAX + 1];
	struct body b = {0};
	int r = 0;

	if (!s->found && d && S_ISDIR(d->child->mode))
		s->found = d->child;
	if (!s->found) {
		salvage_free_name(s, root, "lost+found", "", name);
		body_inode(&b, &image);
		body_dirent(&b, FS_ROOT_INO, image.ino, root->dir->next_cookie, name, strlen(name));
		r = salvage_apply(s, &b);
		s->found = r == 0 ? tree_inode(t, image.ino) : NULL;
	}
	*ret = s->found;
	return r;
}

/* What is known of one whose name is not: " (1234 bytes, of 2026-11-21T10:03:12Z, PNG image data)"; of a directory nothing. */
static void describe(const struct salvage *s, const struct inode *i, char *text, size_t size)
{
	const struct fs_options *options = &s->fs->options;
	const struct extent *x = i->extents.n > 0 && i->extents.at[0].offset == 0 ? &i->extents.at[0] : NULL;
	uint64_t at = x ? x->data->position + x->data_offset : 0;
	char date[32] = "", type[256] = "";
	struct tm tm;

	text[0] = 0;
	if (!S_ISREG(i->mode))
		return;
	if (gmtime_r(&i->mtime.tv_sec, &tm))
		(void)strftime(date, sizeof(date), ", of %Y-%m-%dT%H:%M:%SZ", &tm);
	if (x && options->type && x->data->position <= s->view.size && at <= s->view.size && x->len <= s->view.size - at)
		options->type(options->type_arg, s->view.base + at, x->len, type, sizeof(type));
	snprintf(text, size, " (%llu bytes%s%s%s)", (unsigned long long)i->size, date, type[0] ? ", " : "", type);
}

/* An inode without a place in the tree. A directory keeps what is in it. */
static int attach(struct salvage *s, const struct inode *i)
{
	char wanted[32], name[FS_NAME_MAX + 1], about[384];
	struct body b = {0};
	struct inode *dir;
	int r = salvage_lost_found(s, &dir);

	if (r < 0)
		return r;
	for (const struct dirent *d = i->names; S_ISDIR(i->mode) && d; d = d->next_name)
		body_undirent(&b, d->parent->ino, d->name, d->len);
	snprintf(wanted, sizeof(wanted), "inode-%llu", (unsigned long long)i->ino);
	salvage_free_name(s, dir, wanted, "", name);
	add_name(&b, dir, name, i);
	s->result.found++;
	describe(s, i, about, sizeof(about));
	salvage_tell(s, "inode %llu%s has lost its name: it is in lost+found as %s", (unsigned long long)i->ino, about, name);
	return salvage_apply(s, &b);
}

/* --- the tree ---------------------------------------------------------------------------------------------- */

int salvage_root(struct salvage *s)
{
	const struct inode *root = tree_inode(&s->fs->tree, FS_ROOT_INO);
	struct fs_record_inode image = new_directory(s, FS_ROOT_INO, 0755);
	struct body b = {0};

	if (root)
		return S_ISDIR(root->mode) ? 0 : -EBADMSG;
	salvage_tell(s, "the root directory is lost: a new one is made");
	body_inode(&b, &image);
	return salvage_apply(s, &b);
}

/* A symbolic link that leads nowhere known is none. */
static int drop_empty_symlink(struct salvage *s, const struct inode *i)
{
	struct fs_record_inode image = record_image(i);
	char path[PATH_ROOM];
	struct body b = {0};

	tree_path(i, NULL, path, sizeof(path));
	salvage_tell(s, "/%s: the target of the symbolic link is lost: left out", path);
	s->result.lost++;
	for (const struct dirent *d = i->names; d; d = d->next_name)
		body_undirent(&b, d->parent->ino, d->name, d->len);
	image.nlink = 0;
	body_inode(&b, &image);
	return salvage_apply(s, &b);
}

/* A directory has one name: the newest, which is the first in its list. */
static int drop_second_names(struct salvage *s, const struct inode *i)
{
	struct body b = {0};

	for (const struct dirent *d = i->names ? i->names->next_name : NULL; d; d = d->next_name)
		body_undirent(&b, d->parent->ino, d->name, d->len);
	return salvage_apply(s, &b);
}

/*
 * Whether an inode that no name leads to should have one. A file that was made without one had been given it by a transaction
 * that is lost, as far as anybody knows.
 */
static bool misses_name(const struct salvage *s, const struct inode *i)
{
	if (S_ISDIR(i->mode))
		return i->nlink > 0 || !tree_dir_empty(i);
	return i->nlink > 0 || (s->gaps > 0 && !i->removed && i->extents.n > 0);
}

static int settle_names(struct salvage *s)
{
	struct tree *t = &s->fs->tree;
	uint64_t ino = 0;
	int r = 0;

	for (struct inode *i; r == 0 && (i = table_first(&t->inodes, &ino)); ino++) {
		if (S_ISLNK(i->mode) && !i->target)
			r = drop_empty_symlink(s, i);
		else if (S_ISDIR(i->mode))
			r = drop_second_names(s, i);
		if (r < 0 || i->names || i->ino == FS_ROOT_INO || i == s->found)
			continue;
		if (misses_name(s, i))
			r = attach(s, i);
	}
	return r;
}

/*
 * Every directory has one name by now, but they may go round in a circle. Each way up is walked until it meets
 * the root or an earlier way; where it meets itself, the circle is opened. `seen` maps inode numbers to the way.
 */
static int open_circles(struct salvage *s)
{
	struct tree *t = &s->fs->tree;
	struct table seen = {0};
	uint64_t ino = 0;
	int r = 0;

	for (struct inode *i; r == 0 && (i = table_first(&t->inodes, &ino)); ino++) {
		struct inode *up = S_ISDIR(i->mode) && i->names ? i : NULL;

		while (r == 0 && up && up->ino != FS_ROOT_INO && !table_get(&seen, up->ino)) {
			r = table_put(&seen, up->ino, i);
			up = up->names ? up->names->parent : NULL;
		}
		if (r == 0 && up && up->ino != FS_ROOT_INO && table_get(&seen, up->ino) == i)
			r = attach(s, up);
	}
	table_clear(&seen);
	return r;
}

static uint32_t links_of(const struct inode *i)
{
	uint64_t n = 0, cookie = 0;

	if (!S_ISDIR(i->mode)) {
		for (const struct dirent *d = i->names; d; d = d->next_name)
			n++;
		return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
	}
	if (!i->names && i->ino != FS_ROOT_INO)
		return 0;
	for (struct dirent *d; (d = table_first(&i->dir->by_cookie, &cookie)); cookie++)
		n += S_ISDIR(d->child->mode);
	return (uint32_t)(2 + n);
}

static int count_links(struct salvage *s)
{
	struct tree *t = &s->fs->tree;
	uint64_t ino = 0;
	int r = 0;

	for (struct inode *i; r == 0 && (i = table_first(&t->inodes, &ino)); ino++) {
		struct fs_record_inode image = record_image(i);
		struct body b = {0};

		image.nlink = links_of(i);
		if (image.nlink == i->nlink)
			continue;
		body_inode(&b, &image);
		r = salvage_apply(s, &b);
	}
	return r;
}

int salvage_names(struct salvage *s)
{
	int r = salvage_root(s);

	if (r == 0)
		r = settle_names(s);
	if (r == 0)
		r = open_circles(s);
	return r == 0 ? count_links(s) : r;
}
