/*
 * rename.c - rename, replace and exchange: one transaction, whatever hangs below the names.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attr.h"
#include "names.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#define RENAME_EXCHANGE  (1 << 1)
#endif

struct move {
	struct inode *from_dir, *to_dir;
	struct dirent *from, *to; /* to: NULL when the new name is free */
	const char *to_name;
	const struct fs_cred *whiteout; /* who leaves a whiteout under the old name; NULL: nobody */
	struct timespec now;
};

/* Whether `dir` is `i` or below it. */
static bool is_below(const struct inode *dir, const struct inode *i)
{
	for (const struct inode *up = dir;; up = tree_parent(up)) {
		if (up == i)
			return true;
		if (up->ino == FS_ROOT_INO || tree_parent(up) == up)
			return false;
	}
}

static void record_ctime(struct tx *tx, struct inode *i, const struct timespec *now)
{
	struct fs_record_inode image = attr_image(i, false);

	image.ctime = record_time(now);
	body_inode(&tx->body, &image);
}

/* The link counts of both parents after directories have left and come. */
static void touch_parents(struct tx *tx, const struct move *m, int from_change, int to_change)
{
	if (m->from_dir == m->to_dir) {
		names_touch(tx, m->from_dir, from_change + to_change, &m->now);
		return;
	}
	names_touch(tx, m->from_dir, from_change, &m->now);
	names_touch(tx, m->to_dir, to_change, &m->now);
}

static int build_exchange(struct tx *tx, const struct move *m)
{
	struct inode *a = m->from->child, *b = m->to ? m->to->child : NULL;
	int a_dir, b_dir;

	if (!b)
		return -ENOENT;
	a_dir = S_ISDIR(a->mode);
	b_dir = S_ISDIR(b->mode);
	if ((a_dir && is_below(m->to_dir, a)) || (b_dir && is_below(m->from_dir, b)))
		return -EINVAL;
	if (a == b)
		return 0;
	body_dirent(&tx->body, m->from_dir->ino, b->ino, m->from->cookie, m->from->name, m->from->len);
	body_dirent(&tx->body, m->to_dir->ino, a->ino, m->to->cookie, m->to->name, m->to->len);
	record_ctime(tx, a, &m->now);
	record_ctime(tx, b, &m->now);
	touch_parents(tx, m, b_dir - a_dir, a_dir - b_dir);
	return 0;
}

static int may_replace(const struct inode *old, const struct inode *new)
{
	if (S_ISDIR(old->mode) && !S_ISDIR(new->mode))
		return -EISDIR;
	if (!S_ISDIR(old->mode) && S_ISDIR(new->mode))
		return -ENOTDIR;
	return S_ISDIR(old->mode) && !tree_dir_empty(old) ? -ENOTEMPTY : 0;
}

/*
 * In its directory a file keeps its cookie, and so its place in every reading: it comes once, under the old name or the new
 * one (N1). A name that is taken over keeps its own, if a reading may come to it. One that a reading may have passed before
 * must not come again. tx_begin() has taken the tree lock.
 */
static uint64_t cookie_to_be(const struct fs *fs, const struct move *m)
{
	bool stays = m->from_dir == m->to_dir && !m->whiteout;

	if (m->to && !(stays && tree_cookie_is_unread(m->to_dir, m->to->cookie)))
		return m->to->cookie;
	if (stays && !tree_name_was_seen(&fs->tree, m->to_dir, m->to_name, strlen(m->to_name), m->from->cookie))
		return m->from->cookie;
	return m->to ? m->to->cookie : m->to_dir->dir->next_cookie;
}

static int build_move(struct tx *tx, const struct move *m, struct inode **gone)
{
	struct inode *i = m->from->child, *old = m->to ? m->to->child : NULL;
	int is_dir = S_ISDIR(i->mode), r;

	if (is_dir && is_below(m->to_dir, i))
		return -EINVAL;
	if (old == i)
		return 0; /* two names of one inode: rename(2) does nothing */
	r = old ? may_replace(old, i) : 0;
	if (r < 0)
		return r;
	if (m->whiteout)
		r = names_whiteout(tx, m->from_dir, m->from, m->whiteout);
	else
		body_undirent(&tx->body, m->from_dir->ino, m->from->name, m->from->len);
	if (r < 0)
		return r;
	body_dirent(&tx->body, m->to_dir->ino, i->ino, cookie_to_be(tx->fs, m), m->to_name, strlen(m->to_name));
	record_ctime(tx, i, &m->now);
	if (old)
		names_drop(tx, old, &m->now);
	touch_parents(tx, m, -is_dir, is_dir - (old && S_ISDIR(old->mode)));
	*gone = old;
	return 0;
}

static int find_both(struct fs *fs, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name,
		     struct move *m)
{
	int r = names_dir(fs, parent, &m->from_dir);

	if (r == 0)
		r = names_dir(fs, new_parent, &m->to_dir);
	if (r == 0)
		r = names_find(fs, m->from_dir, name, &m->from);
	if (r < 0)
		return r;
	r = names_find(fs, m->to_dir, new_name, &m->to);
	return r == -ENOENT ? 0 : r;
}

static int rename_or_hide(struct fs *fs, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name,
			  unsigned flags, const struct fs_cred *whiteout)
{
	struct move m = {.to_name = new_name, .whiteout = whiteout, .now = fs_now()};
	struct inode *gone = NULL;
	struct tx tx;
	int r;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE) || flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	r = tx_begin(fs, &tx);
	if (r < 0)
		return r;
	r = find_both(fs, parent, name, new_parent, new_name, &m);
	if (r == 0 && (flags & RENAME_NOREPLACE) && m.to)
		r = -EEXIST;
	if (r == 0)
		r = flags & RENAME_EXCHANGE ? build_exchange(&tx, &m) : build_move(&tx, &m, &gone);
	if (r < 0 || tx.body.len == 0) {
		tx_abort(&tx);
		return r < 0 ? r : tx.body.error;
	}
	return tx_commit(&tx, &(struct tx_result){.settle = gone});
}

int fs_rename(struct fs *fs, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name, unsigned flags)
{
	return rename_or_hide(fs, parent, name, new_parent, new_name, flags, NULL);
}

int fs_rename_whiteout(struct fs *fs, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name,
		       unsigned flags, const struct fs_cred *cred)
{
	if (flags & RENAME_EXCHANGE)
		return -EINVAL;
	return rename_or_hide(fs, parent, name, new_parent, new_name, flags, cred);
}
