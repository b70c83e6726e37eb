/*
 * picture.c - see picture.h. Uses public interfaces alone, and none of Check: it runs millions of times.
 */
#include "config.h"

#include "picture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "record.h"

struct list {
	char **name;
	size_t n, room;
};

static bool take_name(void *arg, const struct fs_dirent *entry)
{
	struct list *l = arg;

	if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
		return true;
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 16;
		l->name = realloc(l->name, l->room * sizeof(*l->name));
		must(l->name);
	}
	l->name[l->n++] = strdup(entry->name);
	return true;
}

static void add_xattrs(FILE *out, struct fs *fs, uint64_t ino)
{
	static char names[1 << 12], value[FS_XATTR_SIZE_MAX];
	ssize_t len = fs_listxattr(fs, ino, true, names, sizeof(names));

	if (len < 0)
		fprintf(out, " xattrs: error %zd", len);
	for (char *p = names; len > 0 && p < names + len; p += strlen(p) + 1) {
		ssize_t n = fs_getxattr(fs, ino, p, value, sizeof(value));
		fprintf(out, " %s=%zd:%016llx", p, n, (unsigned long long)reel_hash(value, n > 0 ? (size_t)n : 0));
	}
}

static int read_all(struct fs *fs, const struct fs_attr *a, uint8_t *data)
{
	struct fs_file *f;
	int r = fs_file_open(fs, a->ino, O_RDONLY, &f);

	if (r < 0)
		return r;
	for (uint64_t at = 0; r == 0 && at < a->size;) {
		struct fs_extract e;
		r = fs_file_read(f, at, (size_t)(a->size - at), &e);
		if (r < 0)
			break;
		for (int i = 0; i < e.pieces; i++) {
			memcpy(data + at, e.piece[i].iov_base, e.piece[i].iov_len);
			at += e.piece[i].iov_len;
		}
		r = e.len == 0 ? -ENODATA : 0;
		fs_extract_done(&e);
	}
	fs_file_release(f);
	return r;
}

static void add_contents(FILE *out, struct fs *fs, const struct fs_attr *a)
{
	char target[FS_SYMLINK_MAX + 1];

	if (S_ISREG(a->mode)) {
		uint8_t *data = malloc(a->size + 1);
		must(data);
		int r = read_all(fs, a, data);
		if (r < 0)
			fprintf(out, " error %d", r);
		else
			fprintf(out, " %016llx", (unsigned long long)reel_hash(data, a->size));
		free(data);
	} else if (S_ISLNK(a->mode)) {
		int r = fs_readlink(fs, a->ino, target);
		fprintf(out, " -> %s", r < 0 ? "error" : target);
	}
}

static void add_inode(FILE *out, struct fs *fs, const char *path, const struct fs_attr *a, bool exact)
{
	const struct timespec *time[] = {&a->mtime, &a->ctime, &a->btime};

	fprintf(out, "/%s mode=%o nlink=%u owner=%u:%u rdev=%llu size=%llu", path, a->mode, a->nlink, a->uid, a->gid,
		(unsigned long long)a->rdev, (unsigned long long)a->size);
	if (exact)
		fprintf(out, " ino=%llu", (unsigned long long)a->ino);
	for (int i = 0; exact && i < 3; i++)
		fprintf(out, " %lld.%09ld", (long long)time[i]->tv_sec, time[i]->tv_nsec);
	add_contents(out, fs, a);
	add_xattrs(out, fs, a->ino);
	fprintf(out, "\n");
}

static void walk(FILE *out, struct fs *fs, const char *path, uint64_t ino, bool exact)
{
	struct list names = {0};
	struct fs_attr attr;
	struct fs_dir *dir;
	int r = fs_getattr(fs, ino, &attr);

	if (r < 0) {
		fprintf(out, "/%s error %d\n", path, r);
		return;
	}
	add_inode(out, fs, path, &attr, exact);
	if (!S_ISDIR(attr.mode))
		return;
	must(fs_dir_open(fs, ino, &dir) == 0);
	must(fs_dir_read(dir, 0, take_name, &names) == 0);
	fs_dir_close(dir);
	for (size_t i = 0; i < names.n; i++) {
		struct fs_attr child;
		char *below;
		must(asprintf(&below, "%s%s%s", path, *path ? "/" : "", names.name[i]) > 0);
		must(fs_lookup(fs, ino, names.name[i], &child) == 0);
		walk(out, fs, below, child.ino, exact);
		fs_forget(fs, child.ino, 1);
		free(below);
		free(names.name[i]);
	}
	free(names.name);
}

char *picture_of_tree(struct fs *fs, bool exact)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	must(out);
	walk(out, fs, "", FS_ROOT_INO, exact);
	fclose(out);
	return text;
}

char *picture_of_store(struct reel *r)
{
	struct reel_iter *it;
	struct reel_entry e;
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int more;

	must(out && reel_iter_new(r, true, &it) == 0);
	while ((more = reel_iter_next(it, &e)) > 0) {
		fprintf(out, "%016llx %llu %016llx%s\n", (unsigned long long)e.key_hash, (unsigned long long)e.len,
			(unsigned long long)reel_hash(e.payload, e.len), reel_entry_valid(&e) ? "" : " damaged");
		reel_entry_release(&e);
	}
	if (more < 0)
		fprintf(out, "error %d\n", more);
	reel_iter_free(it);
	fclose(out);
	return text;
}

void picture_difference(const char *is, const char *expected)
{
	while (*is || *expected) {
		size_t a = strcspn(is, "\n"), b = strcspn(expected, "\n");
		if (a != b || memcmp(is, expected, a) != 0) {
			printf("#   is       %.*s\n#   expected %.*s\n", (int)a, is, (int)b, expected);
			return;
		}
		is += a + (is[a] != 0);
		expected += b + (expected[b] != 0);
	}
}
