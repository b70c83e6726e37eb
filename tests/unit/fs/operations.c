/*
 * operations.c - see operations.h.
 */
#include "config.h"

#include "operations.h"
#include "operations_parts.h"

#include <linux/fs.h>
#include <sys/xattr.h>

#include "commit.h"

struct model ops_model;
long ops_number;
static operations_choose_fn choose;
static void *choose_arg;
static char when[128];

uint32_t ops_below(uint32_t n)
{
	return choose(choose_arg, n);
}

/* --- choosing -------------------------------------------------------------------------------------------------- */

int ops_pick(bool (*fits)(const struct model_inode *i))
{
	int start = (int)ops_below(MODEL_INODES);
	for (int k = 0; k < MODEL_INODES; k++) {
		int i = (start + k) % MODEL_INODES;
		if (ops_model.inode[i].used && fits(&ops_model.inode[i]))
			return i;
	}
	return -1;
}

static bool is_dir(const struct model_inode *i)
{
	return S_ISDIR(i->mode) && i->nlink > 0;
}

bool ops_is_open(const struct model_inode *i)
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
	int start = (int)ops_below(MODEL_NAMES);
	for (int k = 0; k < MODEL_NAMES; k++)
		if (ops_model.name[(start + k) % MODEL_NAMES].used)
			return &ops_model.name[(start + k) % MODEL_NAMES];
	return NULL;
}

static const char *pick_text(void)
{
	static char name[32];
	snprintf(name, sizeof(name), "n%u", ops_below(40));
	return name;
}

void ops_check(int is, int expected, const char *what)
{
	ck_assert_msg(is == expected, "%s: %s: %s, expected %s\n%s", when, what, strerror(-is), strerror(-expected),
		      h_messages());
}

/* --- names ------------------------------------------------------------------------------------------------------- */

static void op_make(void)
{
	int dir = ops_pick(is_dir), made;
	const char *name = pick_text();
	struct fs_attr attr = {0};
	uint64_t parent = ops_model.inode[dir].ino;
	uint32_t mode = ops_below(01000), kind = ops_below(4);
	bool taken = model_find(&ops_model, dir, name) != NULL;
	char target[64] = "";
	int r;
	if (kind == 0)
		r = fs_mkdir(h_fs, parent, name, mode, &h_owner, &attr);
	else if (kind == 1)
		r = fs_mknod(h_fs, parent, name, mode | (ops_below(2) ? S_IFREG : S_IFIFO), 0, &h_owner, &attr);
	else if (kind == 2) {
		snprintf(target, sizeof(target), "target %u", ops_below(1000));
		r = fs_symlink(h_fs, parent, name, target, &h_owner, &attr);
	} else {
		struct fs_file *f;
		r = fs_file_create(h_fs, parent, name, mode, O_RDWR, &h_owner, &attr, &f);
		if (r == 0)
			fs_file_release(f);
	}
	ops_check(r, taken ? -EEXIST : 0, "make");
	if (r < 0)
		return;
	fs_forget(h_fs, attr.ino, 1);
	made = model_add(&ops_model, &attr);
	if (made < 0 || !model_name_add(&ops_model, dir, name, made)) {
		/* The model is full: not in the tree either. */
		ops_check(kind == 0 ? fs_rmdir(h_fs, parent, name) : fs_unlink(h_fs, parent, name), 0, "unmake");
		if (made >= 0) {
			ops_model.inode[made].nlink = 0;
			model_settle(&ops_model, made);
		}
		return;
	}
	snprintf(ops_model.inode[made].target, sizeof(target), "%s", target);
	ops_model.inode[dir].nlink += S_ISDIR(attr.mode);
}

static void op_tmpfile(void)
{
	struct fs_attr attr;
	struct fs_file *f;
	int made;
	ops_check(fs_file_tmpfile(h_fs, FS_ROOT_INO, 0600, O_RDWR, &h_owner, &attr, &f), 0, "tmpfile");
	fs_forget(h_fs, attr.ino, 1);
	made = model_add(&ops_model, &attr);
	if (made < 0)
		fs_file_release(f);
	else
		ops_model.inode[made].open = f;
}

/* A further name; also the first one of an unnamed file, which is committed by that. */
static void op_link(void)
{
	int i = ops_pick(ops_below(3) == 0 ? ops_is_open : is_linkable), dir = ops_pick(is_dir);
	const char *name = pick_text();
	struct model_inode *n = i < 0 ? NULL : &ops_model.inode[i];
	struct fs_attr attr;
	if (!n)
		return;
	int r = fs_link(h_fs, n->ino, ops_model.inode[dir].ino, name, &attr);
	ops_check(r, model_find(&ops_model, dir, name) ? -EEXIST : n->removed ? -ENOENT : 0, "link");
	if (n->nlink == 0 && n->dirty)
		model_commit(n);
	if (r < 0)
		return;
	fs_forget(h_fs, n->ino, 1);
	if (!model_name_add(&ops_model, dir, name, i))
		ops_check(fs_unlink(h_fs, ops_model.inode[dir].ino, name), 0, "unlink");
	else
		n->nlink++;
}

static void drop(int inode)
{
	struct model_inode *i = &ops_model.inode[inode];
	i->nlink = S_ISDIR(i->mode) ? 0 : i->nlink - 1;
	i->removed = i->nlink == 0;
	model_settle(&ops_model, inode);
}

static void op_remove(void)
{
	struct model_name *n = pick_name();
	if (!n)
		return;
	bool directory = S_ISDIR(ops_model.inode[n->inode].mode);
	uint64_t parent = ops_model.inode[n->dir].ino;
	if (ops_below(10) == 0) {
		ops_check(directory ? fs_unlink(h_fs, parent, n->name) : fs_rmdir(h_fs, parent, n->name),
			  directory ? -EISDIR : -ENOTDIR, "wrong removal");
		return;
	}
	int r = directory ? fs_rmdir(h_fs, parent, n->name) : fs_unlink(h_fs, parent, n->name);
	ops_check(r, directory && model_count(&ops_model, n->inode) > 0 ? -ENOTEMPTY : 0, "remove");
	if (r < 0)
		return;
	ops_model.inode[n->dir].nlink -= directory;
	model_name_remove(&ops_model, n);
	drop(n->inode);
}

static int expected_move(const struct model_name *from, int dir, const struct model_name *to, unsigned flags)
{
	int a = from->inode, b = to ? to->inode : -1;
	bool a_dir = S_ISDIR(ops_model.inode[a].mode), b_dir = b >= 0 && S_ISDIR(ops_model.inode[b].mode);
	if ((flags & RENAME_NOREPLACE) && to)
		return -EEXIST;
	if ((flags & RENAME_EXCHANGE) && !to)
		return -ENOENT;
	if (a_dir && model_below(&ops_model, dir, a))
		return -EINVAL;
	if (flags & RENAME_EXCHANGE)
		return b_dir && model_below(&ops_model, from->dir, b) ? -EINVAL : 0;
	if (!to || a == b)
		return 0;
	if (a_dir != b_dir)
		return a_dir ? -ENOTDIR : -EISDIR;
	return b_dir && model_count(&ops_model, b) > 0 ? -ENOTEMPTY : 0;
}

static void op_rename(void)
{
	static const unsigned kind[] = {0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	struct model_name *from = pick_name(), *to;
	int dir = ops_pick(is_dir), old;
	const char *name = pick_text();
	unsigned flags = kind[ops_below(5)];
	if (!from)
		return;
	to = model_find(&ops_model, dir, name);
	int expected = expected_move(from, dir, to, flags);
	int r = fs_rename(h_fs, ops_model.inode[from->dir].ino, from->name, ops_model.inode[dir].ino, name, flags);
	ops_check(r, expected, "rename");
	if (r < 0 || from == to || (to && from->inode == to->inode))
		return;
	bool a_dir = S_ISDIR(ops_model.inode[from->inode].mode), b_dir = to && S_ISDIR(ops_model.inode[to->inode].mode);
	ops_model.inode[from->dir].nlink -= a_dir;
	ops_model.inode[dir].nlink += a_dir;
	if (flags & RENAME_EXCHANGE) {
		ops_model.inode[dir].nlink -= b_dir;
		ops_model.inode[from->dir].nlink += b_dir;
		old = to->inode;
		to->inode = from->inode;
		from->inode = old;
		return;
	}
	old = to ? to->inode : -1;
	if (to)
		model_name_remove(&ops_model, to);
	from->dir = dir;
	snprintf(from->name, sizeof(from->name), "%s", name);
	if (old >= 0) {
		ops_model.inode[dir].nlink -= b_dir;
		drop(old);
	}
}

/* --- attributes ----------------------------------------------------------------------------------------------------- */

static void op_attributes(void)
{
	int i = ops_pick(is_any);
	struct model_inode *n = &ops_model.inode[i];
	struct fs_setattr set = {
	    .set = ops_below(4) ? FS_SET_MODE : 0, .mode = ops_below(010000), .uid = ops_below(5), .gid = ops_below(5)};
	struct fs_attr attr;
	if (ops_below(3) == 0)
		set.set |= FS_SET_UID | FS_SET_GID;
	if (ops_below(2)) {
		set.set |= FS_SET_MTIME;
		set.mtime = (struct timespec){(time_t)ops_below(2000000000) - 500000000, ops_below(1000000000)};
	}
	ops_check(fs_setattr(h_fs, n->ino, &set, &attr), 0, "setattr");
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
	int i = ops_pick(is_any);
	uint32_t x = ops_below(MODEL_XATTRS), len = ops_below(MODEL_XATTR_MAX);
	char name[] = "user.0";
	struct model_inode *n = &ops_model.inode[i];
	name[5] = (char)('0' + x);
	if (ops_below(3) == 0) {
		ops_check(fs_removexattr(h_fs, n->ino, name), n->xattr[x].set ? 0 : -ENODATA, "removexattr");
		n->xattr[x].set = false;
		return;
	}
	h_fill(n->xattr[x].value, len, (uint64_t)ops_number);
	ops_check(fs_setxattr(h_fs, n->ino, name, n->xattr[x].value, len, 0), 0, "setxattr");
	n->xattr[x].set = true;
	n->xattr[x].len = len;
}

/* --- ends and beginnings ----------------------------------------------------------------------------------------------- */

static void release_all(void)
{
	for (int i = 0; i < MODEL_INODES; i++)
		if (ops_model.inode[i].open)
			ops_release(i);
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
			if (ops_model.inode[i].open)
				fs_file_release(ops_model.inode[i].open);
		fs_close(h_fs);
		h_fs = NULL;
		ck_assert_int_eq(rename(copy, h_path), 0);
		model_crash(&ops_model);
		if (ops_below(3) == 0)
			compact();
		h_open();
		return;
	}
	other = ops_model;
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
	uint32_t kind = ops_below(13);
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
	} else if (kind < 12) {
		ops_check(commit_checkpoint(h_fs), 0, "checkpoint");
	} else {
		close_all();
		ops_check(fs_compact(h_path, &h_options, NULL), 0, "compact");
		h_open();
	}
}

static const struct {
	void (*run)(void);
	uint32_t weight;
	const char *name;
} ops[] = {
    {op_make, 13, "make"},         {op_tmpfile, 1, "tmpfile"}, {op_link, 4, "link"},    {op_remove, 9, "remove"},
    {op_rename, 9, "rename"},      {op_open, 6, "open"},       {op_write, 12, "write"}, {op_flush, 5, "flush"},
    {op_truncate, 5, "truncate"},  {op_release, 3, "release"}, {op_sync, 1, "sync"},    {op_write_whole, 11, "write whole"},
    {op_attributes, 5, "setattr"}, {op_xattr, 4, "xattr"},     {op_again, 3, "again"},  {op_allocate, 4, "allocate"},
    {op_copy, 5, "copy"},
};

void operations_begin(operations_choose_fn fn, void *arg)
{
	choose = fn;
	choose_arg = arg;
	ops_number = 0;
	model_init(&ops_model);
}

void operations_run(const char *run)
{
	uint32_t at = ops_below(100), i = 0;
	while (at >= ops[i].weight)
		at -= ops[i++].weight;
	snprintf(when, sizeof(when), "%s, operation %ld (%s)", run, ops_number, ops[i].name);
	if (getenv("REPLAY_TRACE"))
		fprintf(stderr, "%s\n", when);
	ops[i].run();
	if (ops[i].run == op_again || ops_number % 100 == 0) {
		model_compare(&ops_model, h_fs, when);
		h_check(h_fs);
	}
	ops_number++;
}

void operations_end(void)
{
	close_all();
	h_open();
	model_compare(&ops_model, h_fs, "at the end");
	model_free(&ops_model);
}
