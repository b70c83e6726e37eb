/*
 * model.c - see model.h. Searches everything from end to end: it is small.
 */
#include "config.h"

#include "harness.h"
#include "model.h"

static struct model_data new_data(void)
{
	struct model_data d = {.bytes = calloc(1, MODEL_FILE_MAX)};
	ck_assert_ptr_nonnull(d.bytes);
	return d;
}

static void end_inode(struct model_inode *i)
{
	free(i->seen.bytes);
	free(i->committed.bytes);
	*i = (struct model_inode){0};
}

void model_init(struct model *m)
{
	memset(m, 0, sizeof(*m));
	m->inode[0] = (struct model_inode){.used = true, .ino = FS_ROOT_INO, .mode = S_IFDIR | 0755, .nlink = 2};
	m->inode[0].uid = geteuid();
	m->inode[0].gid = getegid();
}

void model_free(struct model *m)
{
	for (int i = 0; i < MODEL_INODES; i++)
		end_inode(&m->inode[i]);
}

int model_add(struct model *m, const struct fs_attr *attr)
{
	for (int i = 1; i < MODEL_INODES; i++) {
		struct model_inode *n = &m->inode[i];
		if (n->used)
			continue;
		*n = (struct model_inode){true, attr->ino, attr->mode, attr->nlink, attr->uid, attr->gid, .open = NULL};
		if (S_ISREG(attr->mode)) {
			n->seen = new_data();
			n->committed = new_data();
			n->seen.mtime = n->committed.mtime = attr->mtime;
		}
		return i;
	}
	return -1;
}

bool model_name_add(struct model *m, int dir, const char *name, int inode)
{
	for (int i = 0; i < MODEL_NAMES; i++) {
		struct model_name *n = &m->name[i];
		if (n->used)
			continue;
		n->used = true;
		n->dir = dir;
		n->inode = inode;
		snprintf(n->name, sizeof(n->name), "%s", name);
		return true;
	}
	return false;
}

void model_name_remove(struct model *m, struct model_name *n)
{
	(void)m;
	n->used = false;
}

void model_settle(struct model *m, int inode)
{
	struct model_inode *i = &m->inode[inode];
	if (i->used && i->nlink == 0 && !i->open)
		end_inode(i);
}

struct model_name *model_find(struct model *m, int dir, const char *name)
{
	for (int i = 0; i < MODEL_NAMES; i++)
		if (m->name[i].used && m->name[i].dir == dir && strcmp(m->name[i].name, name) == 0)
			return &m->name[i];
	return NULL;
}

int model_count(const struct model *m, int dir)
{
	int n = 0;
	for (int i = 0; i < MODEL_NAMES; i++)
		n += m->name[i].used && m->name[i].dir == dir;
	return n;
}

bool model_below(const struct model *m, int dir, int inode)
{
	while (dir != inode) {
		int up = -1;
		for (int i = 0; i < MODEL_NAMES && dir != 0; i++)
			if (m->name[i].used && m->name[i].inode == dir)
				up = m->name[i].dir;
		if (up < 0)
			return false;
		dir = up;
	}
	return true;
}

void model_write(struct model_inode *i, uint64_t offset, const void *data, size_t len)
{
	ck_assert_uint_le(offset + len, MODEL_FILE_MAX);
	memcpy(i->seen.bytes + offset, data, len);
	if (offset + len > i->seen.size)
		i->seen.size = offset + len;
	i->dirty = true;
}

void model_truncate(struct model_inode *i, uint64_t size)
{
	if (size < i->seen.size)
		memset(i->seen.bytes + size, 0, i->seen.size - size);
	i->seen.size = size;
	i->dirty = true;
}

void model_zero(struct model_inode *i, uint64_t offset, uint64_t len)
{
	if (offset >= i->seen.size)
		return;
	if (len > i->seen.size - offset)
		len = i->seen.size - offset;
	memset(i->seen.bytes + offset, 0, len);
	i->dirty = true;
}

void model_copy(const struct model_inode *from, uint64_t offset, struct model_inode *to, uint64_t target, uint64_t len)
{
	model_write(to, target, from->seen.bytes + offset, len);
}

void model_commit(struct model_inode *i)
{
	memcpy(i->committed.bytes, i->seen.bytes, MODEL_FILE_MAX);
	i->committed.size = i->seen.size;
	i->committed.mtime = i->seen.mtime;
	i->dirty = false;
}

void model_crash(struct model *m)
{
	for (int i = 0; i < MODEL_INODES; i++) {
		struct model_inode *n = &m->inode[i];
		n->open = NULL;
		if (n->dirty) {
			memcpy(n->seen.bytes, n->committed.bytes, MODEL_FILE_MAX);
			n->seen.size = n->committed.size;
			n->seen.mtime = n->committed.mtime;
			n->dirty = false;
		}
		model_settle(m, i);
	}
}

/* --- comparing ------------------------------------------------------------------------------------------------ */

static void compare_data(const struct model_inode *i, struct fs *fs, const struct fs_attr *a, const char *when)
{
	int error;
	ck_assert_msg(a->size == i->seen.size, "%s: inode %llu has %llu bytes, expected %llu\n%s", when,
		      (unsigned long long)i->ino, (unsigned long long)a->size, (unsigned long long)i->seen.size, h_messages());
	ck_assert_msg(a->mtime.tv_sec == i->seen.mtime.tv_sec && a->mtime.tv_nsec == i->seen.mtime.tv_nsec,
		      "%s: inode %llu has mtime %lld.%09ld, expected %lld.%09ld", when, (unsigned long long)i->ino,
		      (long long)a->mtime.tv_sec, a->mtime.tv_nsec, (long long)i->seen.mtime.tv_sec, i->seen.mtime.tv_nsec);
	uint8_t *data = h_get_inode(fs, i->ino, a->size, &error);
	ck_assert_msg(error == 0, "%s: inode %llu: %s\n%s", when, (unsigned long long)i->ino, strerror(-error), h_messages());
	size_t at = 0;
	while (at < a->size && data[at] == i->seen.bytes[at])
		at++;
	ck_assert_msg(at == a->size, "%s: inode %llu differs at byte %zu of %llu", when, (unsigned long long)i->ino, at,
		      (unsigned long long)a->size);
	free(data);
}

static void compare_xattrs(const struct model_inode *i, struct fs *fs, const char *when)
{
	uint8_t value[MODEL_XATTR_MAX + 1];
	for (int x = 0; x < MODEL_XATTRS; x++) {
		char name[] = "user.0";
		name[5] = (char)('0' + x);
		ssize_t n = fs_getxattr(fs, i->ino, name, value, sizeof(value));
		ssize_t expected = i->xattr[x].set ? (ssize_t)i->xattr[x].len : -ENODATA;
		ck_assert_msg(n == expected, "%s: inode %llu: %s: %zd, expected %zd", when, (unsigned long long)i->ino, name, n,
			      expected);
		if (n > 0)
			ck_assert_mem_eq(value, i->xattr[x].value, (size_t)n);
	}
}

static void compare_inode(const struct model_inode *i, struct fs *fs, const char *when)
{
	char target[FS_SYMLINK_MAX + 1];
	struct fs_attr a;
	int r = fs_getattr(fs, i->ino, &a);
	ck_assert_msg(r == 0, "%s: inode %llu: %s", when, (unsigned long long)i->ino, strerror(-r));
	ck_assert_msg(a.mode == i->mode && a.nlink == i->nlink && a.uid == i->uid && a.gid == i->gid,
		      "%s: inode %llu is %o %u links %u:%u, expected %o %u links %u:%u", when, (unsigned long long)i->ino,
		      a.mode, a.nlink, a.uid, a.gid, i->mode, i->nlink, i->uid, i->gid);
	if (S_ISREG(i->mode))
		compare_data(i, fs, &a, when);
	if (S_ISLNK(i->mode)) {
		ck_assert_int_eq(fs_readlink(fs, i->ino, target), 0);
		ck_assert_str_eq(target, i->target);
	}
	compare_xattrs(i, fs, when);
}

struct walk {
	struct model *m;
	int dir, n;
	const char *when;
};

static bool compare_name(void *arg, const struct fs_dirent *e)
{
	struct walk *w = arg;
	if (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0)
		return true;
	struct model_name *n = model_find(w->m, w->dir, e->name);
	ck_assert_msg(n != NULL, "%s: the name %s should not be", w->when, e->name);
	ck_assert_msg(w->m->inode[n->inode].ino == e->ino, "%s: the name %s is of another inode", w->when, e->name);
	w->n++;
	return true;
}

void model_compare(struct model *m, struct fs *fs, const char *when)
{
	struct fs_dir *dir;
	struct fs_info info;
	uint64_t named = 0;
	for (int i = 0; i < MODEL_INODES; i++) {
		if (!m->inode[i].used)
			continue;
		named += m->inode[i].nlink > 0;
		compare_inode(&m->inode[i], fs, when);
		if (!S_ISDIR(m->inode[i].mode))
			continue;
		struct walk w = {m, i, 0, when};
		ck_assert_int_eq(fs_dir_open(fs, m->inode[i].ino, &dir), 0);
		ck_assert_int_eq(fs_dir_read(dir, 0, compare_name, &w), 0);
		fs_dir_close(dir);
		ck_assert_msg(w.n == model_count(m, i), "%s: inode %llu has %d names, expected %d", when,
			      (unsigned long long)m->inode[i].ino, w.n, model_count(m, i));
	}
	ck_assert_int_eq(fs_info(fs, &info), 0);
	ck_assert_msg(info.inodes == named, "%s: %llu inodes, expected %llu", when, (unsigned long long)info.inodes,
		      (unsigned long long)named);
	ck_assert_msg(info.foreign == 0, "%s: %llu entries count as foreign", when, (unsigned long long)info.foreign);
}
