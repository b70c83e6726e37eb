/*
 * operations.c - see operations.h.
 */
#include "config.h"

#include "harness.h"
#include "model.h"
#include "operations.h"

#include <linux/fs.h>
#include <sys/xattr.h>

#include "commit.h"

static struct model model;
static operations_choose_fn choose;
static void *choose_arg;
static long operation;
static char when[128];

/* 0 to n - 1. */
static uint32_t below(uint32_t n)
{
	return choose(choose_arg, n);
}

/* --- choosing -------------------------------------------------------------------------------------------------- */

/* An inode in use that the mask of types allows; -1: there is none. */
static int pick(bool (*fits)(const struct model_inode *i))
{
	int start = (int)below(MODEL_INODES);
	for (int k = 0; k < MODEL_INODES; k++) {
		int i = (start + k) % MODEL_INODES;
		if (model.inode[i].used && fits(&model.inode[i]))
			return i;
	}
	return -1;
}

static bool is_dir(const struct model_inode *i)
{
	return S_ISDIR(i->mode) && i->nlink > 0;
}

static bool is_file(const struct model_inode *i)
{
	return S_ISREG(i->mode);
}

static bool is_named_file(const struct model_inode *i)
{
	return S_ISREG(i->mode) && i->nlink > 0;
}

static bool is_open(const struct model_inode *i)
{
	return i->open != NULL;
}

static bool is_linkable(const struct model_inode *i)
{
	return !S_ISDIR(i->mode) && i->nlink > 0;
}

static bool is_any(const struct model_inode *i)
{
	return i->nlink > 0;
}

static struct model_name *pick_name(void)
{
	int start = (int)below(MODEL_NAMES);
	for (int k = 0; k < MODEL_NAMES; k++)
		if (model.name[(start + k) % MODEL_NAMES].used)
			return &model.name[(start + k) % MODEL_NAMES];
	return NULL;
}

static const char *pick_text(void)
{
	static char name[32];
	snprintf(name, sizeof(name), "n%u", below(40));
	return name;
}

static void check(int is, int expected, const char *what)
{
	ck_assert_msg(is == expected, "%s: %s: %s, expected %s\n%s", when, what, strerror(-is), strerror(-expected),
		      h_messages());
}

static void take_mtime(struct model_inode *i)
{
	struct fs_attr attr;
	ck_assert_int_eq(fs_getattr(h_fs, i->ino, &attr), 0);
	i->seen.mtime = attr.mtime;
}

/* --- names ------------------------------------------------------------------------------------------------------- */

static void op_make(void)
{
	int dir = pick(is_dir), made;
	const char *name = pick_text();
	struct fs_attr attr = {0};
	uint64_t parent = model.inode[dir].ino;
	uint32_t mode = below(01000), kind = below(4);
	bool taken = model_find(&model, dir, name) != NULL;
	char target[64] = "";
	int r;
	if (kind == 0)
		r = fs_mkdir(h_fs, parent, name, mode, &h_owner, &attr);
	else if (kind == 1)
		r = fs_mknod(h_fs, parent, name, mode | (below(2) ? S_IFREG : S_IFIFO), 0, &h_owner, &attr);
	else if (kind == 2) {
		snprintf(target, sizeof(target), "target %u", below(1000));
		r = fs_symlink(h_fs, parent, name, target, &h_owner, &attr);
	} else {
		struct fs_file *f;
		r = fs_file_create(h_fs, parent, name, mode, O_RDWR, &h_owner, &attr, &f);
		if (r == 0)
			fs_file_release(f);
	}
	check(r, taken ? -EEXIST : 0, "make");
	if (r < 0)
		return;
	fs_forget(h_fs, attr.ino, 1);
	made = model_add(&model, &attr);
	if (made < 0 || !model_name_add(&model, dir, name, made)) {
		/* The model is full: not in the tree either. */
		check(kind == 0 ? fs_rmdir(h_fs, parent, name) : fs_unlink(h_fs, parent, name), 0, "unmake");
		if (made >= 0) {
			model.inode[made].nlink = 0;
			model_settle(&model, made);
		}
		return;
	}
	snprintf(model.inode[made].target, sizeof(target), "%s", target);
	model.inode[dir].nlink += S_ISDIR(attr.mode);
}

static void op_tmpfile(void)
{
	struct fs_attr attr;
	struct fs_file *f;
	int made;
	check(fs_file_tmpfile(h_fs, FS_ROOT_INO, 0600, O_RDWR, &h_owner, &attr, &f), 0, "tmpfile");
	fs_forget(h_fs, attr.ino, 1);
	made = model_add(&model, &attr);
	if (made < 0)
		fs_file_release(f);
	else
		model.inode[made].open = f;
}

/* A further name; also the first one of an unnamed file, which is committed by that. */
static void op_link(void)
{
	int i = pick(below(3) == 0 ? is_open : is_linkable), dir = pick(is_dir);
	const char *name = pick_text();
	struct model_inode *n = i < 0 ? NULL : &model.inode[i];
	struct fs_attr attr;
	if (!n)
		return;
	int r = fs_link(h_fs, n->ino, model.inode[dir].ino, name, &attr);
	check(r, model_find(&model, dir, name) ? -EEXIST : n->removed ? -ENOENT : 0, "link");
	if (n->nlink == 0 && n->dirty)
		model_commit(n);
	if (r < 0)
		return;
	fs_forget(h_fs, n->ino, 1);
	if (!model_name_add(&model, dir, name, i))
		check(fs_unlink(h_fs, model.inode[dir].ino, name), 0, "unlink");
	else
		n->nlink++;
}

static void drop(int inode)
{
	struct model_inode *i = &model.inode[inode];
	i->nlink = S_ISDIR(i->mode) ? 0 : i->nlink - 1;
	i->removed = i->nlink == 0;
	model_settle(&model, inode);
}

static void op_remove(void)
{
	struct model_name *n = pick_name();
	if (!n)
		return;
	bool directory = S_ISDIR(model.inode[n->inode].mode);
	uint64_t parent = model.inode[n->dir].ino;
	if (below(10) == 0) {
		check(directory ? fs_unlink(h_fs, parent, n->name) : fs_rmdir(h_fs, parent, n->name),
		      directory ? -EISDIR : -ENOTDIR, "wrong removal");
		return;
	}
	int r = directory ? fs_rmdir(h_fs, parent, n->name) : fs_unlink(h_fs, parent, n->name);
	check(r, directory && model_count(&model, n->inode) > 0 ? -ENOTEMPTY : 0, "remove");
	if (r < 0)
		return;
	model.inode[n->dir].nlink -= directory;
	model_name_remove(&model, n);
	drop(n->inode);
}

static int expected_move(const struct model_name *from, int dir, const struct model_name *to, unsigned flags)
{
	int a = from->inode, b = to ? to->inode : -1;
	bool a_dir = S_ISDIR(model.inode[a].mode), b_dir = b >= 0 && S_ISDIR(model.inode[b].mode);
	if ((flags & RENAME_NOREPLACE) && to)
		return -EEXIST;
	if ((flags & RENAME_EXCHANGE) && !to)
		return -ENOENT;
	if (a_dir && model_below(&model, dir, a))
		return -EINVAL;
	if (flags & RENAME_EXCHANGE)
		return b_dir && model_below(&model, from->dir, b) ? -EINVAL : 0;
	if (!to || a == b)
		return 0;
	if (a_dir != b_dir)
		return a_dir ? -ENOTDIR : -EISDIR;
	return b_dir && model_count(&model, b) > 0 ? -ENOTEMPTY : 0;
}

static void op_rename(void)
{
	static const unsigned kind[] = {0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	struct model_name *from = pick_name(), *to;
	int dir = pick(is_dir), old;
	const char *name = pick_text();
	unsigned flags = kind[below(5)];
	if (!from)
		return;
	to = model_find(&model, dir, name);
	int expected = expected_move(from, dir, to, flags);
	int r = fs_rename(h_fs, model.inode[from->dir].ino, from->name, model.inode[dir].ino, name, flags);
	check(r, expected, "rename");
	if (r < 0 || from == to || (to && from->inode == to->inode))
		return;
	bool a_dir = S_ISDIR(model.inode[from->inode].mode), b_dir = to && S_ISDIR(model.inode[to->inode].mode);
	model.inode[from->dir].nlink -= a_dir;
	model.inode[dir].nlink += a_dir;
	if (flags & RENAME_EXCHANGE) {
		model.inode[dir].nlink -= b_dir;
		model.inode[from->dir].nlink += b_dir;
		old = to->inode;
		to->inode = from->inode;
		from->inode = old;
		return;
	}
	old = to ? to->inode : -1;
	if (to)
		model_name_remove(&model, to);
	from->dir = dir;
	snprintf(from->name, sizeof(from->name), "%s", name);
	if (old >= 0) {
		model.inode[dir].nlink -= b_dir;
		drop(old);
	}
}

/* --- contents ----------------------------------------------------------------------------------------------------- */

static void random_range(uint32_t *at, uint32_t *len)
{
	uint32_t kind = below(100);
	*len = 1 + below(kind < 30 ? 3 : kind < 80 ? 200 : kind < 97 ? 9000 : MODEL_FILE_MAX);
	*at = below(kind % 2 ? 5000 : MODEL_FILE_MAX);
	if (kind % 3 == 0)
		*at = 0;
	if (*len > MODEL_FILE_MAX - *at)
		*len = MODEL_FILE_MAX - *at;
}

static void op_open(void)
{
	int i = pick(is_named_file);
	if (i < 0 || model.inode[i].open)
		return;
	int flags = O_RDWR | (below(6) == 0 ? O_TRUNC : 0);
	check(fs_file_open(h_fs, model.inode[i].ino, flags, &model.inode[i].open), 0, "open");
	if (flags & O_TRUNC) {
		model_truncate(&model.inode[i], 0);
		take_mtime(&model.inode[i]);
	}
}

static void write_some(struct model_inode *i)
{
	static uint8_t data[MODEL_FILE_MAX];
	uint32_t at, len;
	random_range(&at, &len);
	if (below(3) == 0)
		at = i->seen.size < MODEL_FILE_MAX - len ? (uint32_t)i->seen.size : 0;
	h_fill(data, len, (uint64_t)operation);
	if (below(6) == 0)
		memset(data, 0, len);
	check(h_write(i->open, at, data, len), 0, "write");
	model_write(i, at, data, len);
	take_mtime(i);
}

static void op_write(void)
{
	int i = pick(is_open);
	if (i >= 0)
		write_some(&model.inode[i]);
}

/* Any file, open or not; one that is not open is committed at once. */
static void op_truncate(void)
{
	int i = pick(below(2) ? is_open : is_file);
	uint32_t at, len;
	if (i < 0)
		return;
	struct model_inode *n = &model.inode[i];
	random_range(&at, &len);
	if (below(2))
		at = len;
	if (at > n->seen.size && at - n->seen.size > 30000 && below(4))
		at = (uint32_t)n->seen.size / 2;
	check(h_truncate(h_fs, n->ino, at), 0, "truncate");
	model_truncate(n, at);
	take_mtime(n);
	if (!n->open)
		model_commit(n);
}

static void op_flush(void)
{
	int i = pick(is_open);
	if (i < 0)
		return;
	struct model_inode *n = &model.inode[i];
	bool sync = below(3) == 0;
	check(sync ? fs_file_fsync(n->open, false) : fs_file_flush(n->open), 0, "flush");
	if (n->nlink > 0 || sync)
		model_commit(n);
}

static void release(int i)
{
	struct model_inode *n = &model.inode[i];
	fs_file_release(n->open);
	n->open = NULL;
	if (n->nlink > 0)
		model_commit(n);
	model_settle(&model, i);
}

static void op_release(void)
{
	int i = pick(is_open);
	if (i >= 0)
		release(i);
}

/* The usual way: open, write, close. */
static void op_write_whole(void)
{
	int i = pick(is_named_file);
	if (i < 0 || model.inode[i].open)
		return;
	check(fs_file_open(h_fs, model.inode[i].ino, O_RDWR, &model.inode[i].open), 0, "open");
	for (uint32_t n = 1 + below(3); n > 0; n--)
		write_some(&model.inode[i]);
	release(i);
}

static void op_sync(void)
{
	check(fs_sync(h_fs), 0, "sync");
	for (int i = 0; i < MODEL_INODES; i++)
		if (model.inode[i].open && model.inode[i].nlink > 0)
			model_commit(&model.inode[i]);
}

/* --- attributes ----------------------------------------------------------------------------------------------------- */

static void op_attributes(void)
{
	int i = pick(is_any);
	struct model_inode *n = &model.inode[i];
	struct fs_setattr set = {.set = below(4) ? FS_SET_MODE : 0, .mode = below(010000), .uid = below(5), .gid = below(5)};
	struct fs_attr attr;
	if (below(3) == 0)
		set.set |= FS_SET_UID | FS_SET_GID;
	if (below(2)) {
		set.set |= FS_SET_MTIME;
		set.mtime = (struct timespec){(time_t)below(2000000000) - 500000000, below(1000000000)};
	}
	check(fs_setattr(h_fs, n->ino, &set, &attr), 0, "setattr");
	if (set.set & FS_SET_MODE)
		ck_assert_uint_eq(attr.mode & 07777, set.mode);
	n->mode = attr.mode;
	if (set.set & FS_SET_UID) {
		n->uid = set.uid;
		n->gid = set.gid;
	}
	if (S_ISREG(n->mode) && (set.set & FS_SET_MTIME)) {
		n->seen.mtime = set.mtime;
		/* The times of a file with unwritten data wait for it. */
		if (!n->dirty)
			n->committed.mtime = set.mtime;
		else if (set.set & (FS_SET_MODE | FS_SET_UID))
			n->committed.mtime = set.mtime;
	}
}

static void op_xattr(void)
{
	int i = pick(is_any);
	uint32_t x = below(MODEL_XATTRS), len = below(MODEL_XATTR_MAX);
	char name[] = "user.0";
	struct model_inode *n = &model.inode[i];
	name[5] = (char)('0' + x);
	if (below(3) == 0) {
		check(fs_removexattr(h_fs, n->ino, name), n->xattr[x].set ? 0 : -ENODATA, "removexattr");
		n->xattr[x].set = false;
		return;
	}
	h_fill(n->xattr[x].value, len, (uint64_t)operation);
	check(fs_setxattr(h_fs, n->ino, name, n->xattr[x].value, len, 0), 0, "setxattr");
	n->xattr[x].set = true;
	n->xattr[x].len = len;
}

/* --- ends and beginnings ----------------------------------------------------------------------------------------------- */

static void release_all(void)
{
	for (int i = 0; i < MODEL_INODES; i++)
		if (model.inode[i].open)
			release(i);
}

static void close_all(void)
{
	release_all();
	h_close();
}

static void compact(void)
{
	h_compact(h_path, h_beside("compacted"));
	ck_assert_int_eq(rename(h_beside("compacted"), h_path), 0);
}

/* The copy of the container as it is goes on; or it is only looked at, and the original goes on. */
static void crash(bool go_on)
{
	static struct model other;
	const char *copy = h_beside("copy");
	struct fs *fs;
	int r;
	h_copy(h_path, copy);
	if (go_on) {
		for (int i = 0; i < MODEL_INODES; i++)
			if (model.inode[i].open)
				fs_file_release(model.inode[i].open);
		fs_close(h_fs);
		h_fs = NULL;
		ck_assert_int_eq(rename(copy, h_path), 0);
		model_crash(&model);
		if (below(3) == 0)
			compact();
		h_open();
		return;
	}
	other = model;
	for (int i = 0; i < MODEL_INODES; i++)
		if (other.inode[i].used && S_ISREG(other.inode[i].mode)) {
			other.inode[i].seen = other.inode[i].committed;
			other.inode[i].open = NULL;
			other.inode[i].used = other.inode[i].nlink > 0;
		}
	r = h_try(copy, true, &fs);
	ck_assert_msg(r == 0, "%s: the copy: %s\n%s", when, strerror(-r), h_messages());
	model_compare(&other, fs, when);
	ck_assert_int_eq(fs_close(fs), 0);
}

static void op_again(void)
{
	uint32_t kind = below(12);
	if (kind < 5) {
		close_all();
		h_open();
	} else if (kind < 7) {
		close_all();
		compact();
		h_open();
	} else if (kind < 9) {
		crash(true);
	} else if (kind < 11) {
		crash(false);
	} else {
		check(commit_checkpoint(h_fs), 0, "checkpoint");
	}
}

static const struct {
	void (*run)(void);
	uint32_t weight;
	const char *name;
} ops[] = {
    {op_make, 14, "make"},         {op_tmpfile, 1, "tmpfile"}, {op_link, 4, "link"},    {op_remove, 10, "remove"},
    {op_rename, 10, "rename"},     {op_open, 6, "open"},       {op_write, 14, "write"}, {op_flush, 6, "flush"},
    {op_truncate, 6, "truncate"},  {op_release, 3, "release"}, {op_sync, 1, "sync"},    {op_write_whole, 12, "write whole"},
    {op_attributes, 6, "setattr"}, {op_xattr, 4, "xattr"},     {op_again, 3, "again"},
};

void operations_begin(operations_choose_fn fn, void *arg)
{
	choose = fn;
	choose_arg = arg;
	operation = 0;
	model_init(&model);
}

void operations_run(const char *run)
{
	uint32_t at = below(100), i = 0;
	while (at >= ops[i].weight)
		at -= ops[i++].weight;
	snprintf(when, sizeof(when), "%s, operation %ld (%s)", run, operation, ops[i].name);
	if (getenv("REPLAY_TRACE"))
		fprintf(stderr, "%s\n", when);
	ops[i].run();
	if (ops[i].run == op_again || operation % 100 == 0) {
		model_compare(&model, h_fs, when);
		h_check(h_fs);
	}
	operation++;
}

void operations_end(void)
{
	close_all();
	h_open();
	model_compare(&model, h_fs, "at the end");
	model_free(&model);
}
