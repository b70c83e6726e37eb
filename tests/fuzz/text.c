/*
 * text.c - what a reader sees of a file system, or of a store, as text that can be compared. Believes no
 * number that it is told: files of 8 EiB and a thousand extents are looked at in places.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs.h"
#include "fuzz.h"
#include "reel.h"

enum {
	PLACES = 16,     /* of a file that are read: all of it up to 2 MiB */
	PIECE = 1 << 17, /* bytes that are read at each */
	DEPTH = 200,
};

struct text {
	struct fs *fs;
	FILE *out;
	bool times;
	unsigned depth;
};

struct names {
	char (*name)[FS_NAME_MAX + 1];
	size_t n, room;
};

static bool take_name(void *arg, const struct fs_dirent *e)
{
	struct names *l = arg;

	if (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0)
		return true;
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 16;
		l->name = realloc(l->name, l->room * sizeof(*l->name));
		FUZZ_CHECK(l->name, "no memory");
	}
	snprintf(l->name[l->n++], FS_NAME_MAX + 1, "%s", e->name);
	return true;
}

static void add_read(struct text *t, struct fs_file *f, uint64_t at, uint64_t size)
{
	struct fs_extract e;
	int r = fs_file_read(f, at, PIECE, &e);
	uint64_t expected = at >= size ? 0 : size - at < PIECE ? size - at : PIECE, hash = 0;
	size_t sum = 0;

	if (r < 0) {
		fprintf(t->out, " %llu:error", (unsigned long long)at);
		return;
	}
	FUZZ_CHECK(e.len == expected, "read %zu of %llu bytes at %llu", e.len, (unsigned long long)expected,
		   (unsigned long long)at);
	uint8_t *all = malloc(e.len + 1);
	FUZZ_CHECK(all, "no memory");
	for (int i = 0; i < e.pieces; i++) {
		FUZZ_CHECK(e.piece[i].iov_len <= e.len - sum, "pieces are longer than the whole");
		memcpy(all + sum, e.piece[i].iov_base, e.piece[i].iov_len);
		sum += e.piece[i].iov_len;
	}
	FUZZ_CHECK(sum == e.len, "pieces of %zu bytes for %zu", sum, e.len);
	hash = reel_hash(all, sum);
	free(all);
	fs_extract_done(&e);
	fprintf(t->out, " %llu:%016llx", (unsigned long long)at, (unsigned long long)hash);
}

static void count_part(void *arg, const struct fs_extent_info *x)
{
	FUZZ_CHECK(x->len > 0, "an extent without bytes");
	++*(uint64_t *)arg;
}

static void add_contents(struct text *t, const struct fs_attr *a)
{
	uint64_t parts = 0, step = a->size / PLACES + 1;
	struct fs_file *f;
	int r = fs_file_open(t->fs, a->ino, O_RDONLY, &f);

	FUZZ_CHECK(r == 0, "a regular file cannot be opened: %s", strerror(-r));
	FUZZ_CHECK(fs_extents(t->fs, a->ino, count_part, &parts) == 0, "no extents");
	for (uint64_t at = 0; at < a->size; at += step < PIECE ? PIECE : step)
		add_read(t, f, at, a->size);
	add_read(t, f, a->size, a->size);
	fs_file_release(f);
}

static void add_xattrs(struct text *t, uint64_t ino)
{
	static char value[FS_XATTR_SIZE_MAX];
	ssize_t len = fs_listxattr(t->fs, ino, true, NULL, 0), n;
	char *list = malloc(len > 0 ? (size_t)len : 1);

	FUZZ_CHECK(list && len >= 0, "listxattr: %zd", len);
	FUZZ_CHECK(len == 0 || fs_listxattr(t->fs, ino, true, list, (size_t)len) == len, "listxattr is not what it said");
	for (char *p = list; p < list + len; p += strlen(p) + 1) {
		n = fs_getxattr(t->fs, ino, p, value, sizeof(value));
		/* A name that nobody could have given it. */
		if (n == -EOPNOTSUPP) {
			fprintf(t->out, " %s", p);
			continue;
		}
		FUZZ_CHECK(n >= 0, "getxattr(%s): %zd", p, n);
		fprintf(t->out, " %s=%zd:%016llx", p, n, (unsigned long long)reel_hash(value, (size_t)n));
	}
	free(list);
}

static void add_inode(struct text *t, const char *name, const struct fs_attr *a)
{
	char target[FS_SYMLINK_MAX + 1];

	fprintf(t->out, "%u/%s ino=%llu mode=%o nlink=%u %u:%u rdev=%llu size=%llu", t->depth, name, (unsigned long long)a->ino,
		a->mode, a->nlink, a->uid, a->gid, (unsigned long long)a->rdev, (unsigned long long)a->size);
	if (t->times)
		fprintf(t->out, " %lld.%09ld %lld.%09ld %lld.%09ld", (long long)a->mtime.tv_sec, a->mtime.tv_nsec,
			(long long)a->ctime.tv_sec, a->ctime.tv_nsec, (long long)a->btime.tv_sec, a->btime.tv_nsec);
	if (S_ISLNK(a->mode)) {
		FUZZ_CHECK(fs_readlink(t->fs, a->ino, target) == 0, "readlink fails");
		FUZZ_CHECK(strlen(target) <= FS_SYMLINK_MAX, "the target is too long");
		fprintf(t->out, " -> %s", target);
	}
	add_xattrs(t, a->ino);
	if (S_ISREG(a->mode))
		add_contents(t, a);
	fprintf(t->out, "\n");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void walk(struct text *t, const char *name, uint64_t ino)
{
	struct names list = {0};
	struct fs_attr a;
	struct fs_dir *d;

	FUZZ_CHECK(fs_getattr(t->fs, ino, &a) == 0, "the inode of a name is not there");
	add_inode(t, name, &a);
	if (!S_ISDIR(a.mode) || t->depth == DEPTH)
		return;
	FUZZ_CHECK(fs_dir_open(t->fs, ino, &d) == 0, "a directory cannot be opened");
	FUZZ_CHECK(fs_dir_read(d, 0, take_name, &list) == 0, "a directory cannot be read");
	fs_dir_close(d);
	if (list.n)
		qsort(list.name, list.n, sizeof(*list.name), by_name);
	t->depth++;
	for (size_t i = 0; i < list.n; i++) {
		FUZZ_CHECK(i == 0 || strcmp(list.name[i - 1], list.name[i]) != 0, "the name %s is there twice", list.name[i]);
		FUZZ_CHECK(fs_lookup(t->fs, ino, list.name[i], &a) == 0, "%s is listed and not found", list.name[i]);
		walk(t, list.name[i], a.ino);
		fs_forget(t->fs, a.ino, 1);
	}
	t->depth--;
	free(list.name);
}

char *tree_text(struct fs *fs, bool times)
{
	struct text t = {.fs = fs, .times = times};
	struct fs_info info;
	struct statvfs st;
	char *text;
	size_t len;

	t.out = open_memstream(&text, &len);
	FUZZ_CHECK(t.out, "no memory");
	walk(&t, "", FS_ROOT_INO);
	FUZZ_CHECK(fs_info(fs, &info) == 0 && fs_statfs(fs, &st) == 0, "info and statfs fail");
	fprintf(t.out, "%llu inodes, %llu directories, %llu files, %llu bytes\n", (unsigned long long)info.inodes,
		(unsigned long long)info.directories, (unsigned long long)info.regular_files, (unsigned long long)info.bytes);
	fclose(t.out);
	return text;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_storable(const struct reel_entry *e)
{
	return e->len > 1 || (e->len == 1 && e->payload[0] != 0);
}

char *live_text(struct reel *r, bool storable)
{
	struct reel_iter *it;
	struct reel_entry e, same;
	char **line = NULL, *text;
	size_t n = 0, room = 0, live = 0, len;
	int err = reel_iter_new(r, true, &it);
	FILE *out = open_memstream(&text, &len);

	FUZZ_CHECK(out, "no memory");
	FUZZ_CHECK(err == 0 || err == -EBADMSG, "iterating: %s", strerror(-err));
	while (err == 0 && reel_iter_next(it, &e) == 1) {
		bool valid = reel_entry_valid(&e);

		FUZZ_CHECK(!e.tombstone, "a tombstone is live");
		FUZZ_CHECK(reel_read_hash(r, e.key_hash, &same) == 0, "a live entry is not found by its key");
		FUZZ_CHECK(same.offset == e.offset && same.len == e.len, "two live entries of one key");
		reel_entry_release(&same);
		live++;
		if (storable && !is_storable(&e)) {
			reel_entry_release(&e);
			continue;
		}
		if (n == room) {
			char **more = realloc(line, (room = room ? 2 * room : 64) * sizeof(*line));

			FUZZ_CHECK(more, "no memory");
			line = more;
		}
		FUZZ_CHECK(asprintf(&line[n++], "%016llx %llu %s%016llx\n", (unsigned long long)e.key_hash,
				    (unsigned long long)e.len, valid ? "" : "damaged ",
				    (unsigned long long)reel_hash(e.payload, e.len)) > 0,
			   "no memory");
		reel_entry_release(&e);
	}
	if (err == 0) {
		reel_iter_free(it);
		FUZZ_CHECK(reel_len(r) == (int64_t)live, "%lld live keys, of which %zu are found", (long long)reel_len(r),
			   live);
	}
	if (n)
		qsort(line, n, sizeof(*line), by_text);
	for (size_t i = 0; i < n; i++) {
		fputs(line[i], out);
		free(line[i]);
	}
	free(line);
	fclose(out);
	return text;
}
