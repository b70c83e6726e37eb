/*
 * harness_tree.c - the whole tree of a file system as text (harness.h), and the check of all of it.
 */
#include "config.h"

#include "harness.h"

struct lines {
	char **line;
	size_t n, room;
};

static void add_line(struct lines *l, char *line)
{
	if (l->n == l->room) {
		l->room = l->room ? l->room * 2 : 64;
		l->line = realloc(l->line, l->room * sizeof(*l->line));
		ck_assert_ptr_nonnull(l->line);
	}
	l->line[l->n++] = line;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool take_name(void *arg, const struct fs_dirent *entry)
{
	if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0)
		add_line(arg, strdup(entry->name));
	return true;
}

/* Names, each with the length and hash of its value, sorted. */
static void add_xattrs(FILE *out, struct fs *fs, uint64_t ino)
{
	static char list[1 << 16], value[FS_XATTR_SIZE_MAX];
	struct lines l = {0};
	ssize_t len = fs_listxattr(fs, ino, true, list, sizeof(list));
	ck_assert_int_ge(len, 0);
	for (char *p = list; p < list + len; p += strlen(p) + 1)
		add_line(&l, strdup(p));
	if (l.n)
		qsort(l.line, l.n, sizeof(*l.line), by_text);
	for (size_t i = 0; i < l.n; i++) {
		ssize_t n = fs_getxattr(fs, ino, l.line[i], value, sizeof(value));
		ck_assert_int_ge(n, 0);
		fprintf(out, " %s=%zd:%016llx", l.line[i], n, (unsigned long long)reel_hash(value, (size_t)n));
		free(l.line[i]);
	}
	free(l.line);
}

static void add_contents(FILE *out, struct fs *fs, const struct fs_attr *attr)
{
	char target[FS_SYMLINK_MAX + 1];
	int error;
	if (S_ISREG(attr->mode)) {
		uint8_t *data = h_get_inode(fs, attr->ino, attr->size, &error);
		if (error)
			fprintf(out, " error %d", error);
		else
			fprintf(out, " %016llx", (unsigned long long)reel_hash(data, attr->size));
		free(data);
	} else if (S_ISLNK(attr->mode)) {
		ck_assert_int_eq(fs_readlink(fs, attr->ino, target), 0);
		fprintf(out, " -> %s", target);
	}
}

static char *describe(struct fs *fs, const char *path, const struct fs_attr *a)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	ck_assert_ptr_nonnull(out);
	fprintf(out, "/%s ino=%llu mode=%o nlink=%u owner=%u:%u rdev=%llu size=%llu", path, (unsigned long long)a->ino, a->mode,
		a->nlink, a->uid, a->gid, (unsigned long long)a->rdev, (unsigned long long)a->size);
	const struct timespec *time[] = {&a->mtime, &a->ctime, &a->btime};
	for (int i = 0; i < 3; i++)
		fprintf(out, " %lld.%09ld", (long long)time[i]->tv_sec, time[i]->tv_nsec);
	add_contents(out, fs, a);
	add_xattrs(out, fs, a->ino);
	fprintf(out, "\n");
	fclose(out);
	return text;
}

static void walk(struct fs *fs, const char *path, uint64_t ino, struct lines *ret)
{
	struct lines names = {0};
	struct fs_dir *dir;
	struct fs_attr attr;
	ck_assert_int_eq(fs_getattr(fs, ino, &attr), 0);
	add_line(ret, describe(fs, path, &attr));
	if (!S_ISDIR(attr.mode))
		return;
	ck_assert_int_eq(fs_dir_open(fs, ino, &dir), 0);
	ck_assert_int_eq(fs_dir_read(dir, 0, take_name, &names), 0);
	fs_dir_close(dir);
	for (size_t i = 0; i < names.n; i++) {
		struct fs_attr child;
		char *below = NULL;
		ck_assert_int_gt(asprintf(&below, "%s%s%s", path, *path ? "/" : "", names.line[i]), 0);
		ck_assert_int_eq(fs_lookup(fs, ino, names.line[i], &child), 0);
		walk(fs, below, child.ino, ret);
		fs_forget(fs, child.ino, 1);
		free(below);
		free(names.line[i]);
	}
	free(names.line);
}

char *h_tree(struct fs *fs)
{
	struct lines l = {0};
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	ck_assert_ptr_nonnull(out);
	walk(fs, "", FS_ROOT_INO, &l);
	qsort(l.line, l.n, sizeof(*l.line), by_text);
	for (size_t i = 0; i < l.n; i++) {
		fputs(l.line[i], out);
		free(l.line[i]);
	}
	free(l.line);
	fclose(out);
	return text;
}

char *h_tree_of(const char *path, int *error)
{
	struct fs *fs;
	*error = h_try(path, true, &fs);
	if (*error < 0)
		return NULL;
	char *tree = h_tree(fs);
	ck_assert_int_eq(fs_close(fs), 0);
	return tree;
}

void h_same(const char *is, const char *expected, const char *when)
{
	ck_assert_msg(is != NULL && expected != NULL, "%s: no tree\n%s", when, h_messages());
	while (*is || *expected) {
		size_t a = strcspn(is, "\n"), b = strcspn(expected, "\n");
		ck_assert_msg(a == b && memcmp(is, expected, a) == 0, "%s:\n  is       %.*s\n  expected %.*s\n%s", when, (int)a,
			      is, (int)b, expected, h_messages());
		is += a + (is[a] != 0);
		expected += b + (expected[b] != 0);
	}
}

static void on_fault(void *arg, const char *text)
{
	(void)arg;
	h_keep_message(text);
}

int64_t h_faults(struct fs *fs)
{
	h_forget_messages();
	return fs_check(fs, on_fault, NULL);
}

void h_check(struct fs *fs)
{
	int64_t n = h_faults(fs);
	ck_assert_msg(n == 0, "fs_check() finds %lld faults:\n%s", (long long)n, h_messages());
}

void h_teardown_same(void)
{
	if (h_fs) {
		char *before = h_tree(h_fs), *after;
		h_check(h_fs);
		h_again();
		after = h_tree(h_fs);
		h_same(after, before, "after closing and opening");
		h_check(h_fs);
		free(before);
		free(after);
	}
	h_teardown();
}

uint32_t h_links(const char *path)
{
	struct fs_attr attr;
	ck_assert_int_eq(h_stat(h_fs, path, &attr), 0);
	return attr.nlink;
}

void h_expect_for_good(const char *path, const void *data, size_t len)
{
	h_expect(h_fs, path, data, len);
	h_crash();
	h_expect(h_fs, path, data, len);
	h_again();
	h_expect(h_fs, path, data, len);
	h_check(h_fs);
}
