/*
 * exercise.c - exercise(): opens a container that may hold anything, and does to it what users do. What it must
 * never do, whatever the container holds: crash, change a file that it refuses, show another tree for writing than for
 * reading or after a reopening than before, or bring its own tree and the container apart.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commit.h"
#include "fs.h"
#include "fuzz.h"
#include "state.h"

enum {
	KNOWN = 48, /* inodes that operations choose from */
	OPERATIONS = 12,
	WRITE_MAX = 3000,
};

struct known {
	uint64_t parent, ino;
	uint32_t mode;
	char name[FS_NAME_MAX + 1];
};

struct run {
	struct fs *fs;
	uint64_t seed;
	struct known known[KNOWN];
	unsigned n, next;
	uint64_t dir; /* the one that take_known() is in */
};

static const struct fs_cred owner = {.uid = 1000, .gid = 1001};

static uint32_t below(struct run *run, uint32_t n)
{
	return (uint32_t)(fuzz_random(&run->seed) % n);
}

static bool take_known(void *arg, const struct fs_dirent *e)
{
	struct run *run = arg;
	struct known *k = &run->known[run->n];

	if (run->n == KNOWN)
		return false;
	if (e->name[0] == '.' && (e->name[1] == 0 || (e->name[1] == '.' && e->name[2] == 0)))
		return true;
	*k = (struct known){.parent = run->dir, .ino = e->ino, .mode = e->type};
	snprintf(k->name, sizeof(k->name), "%s", e->name);
	run->n++;
	return true;
}

/* The names of the root directory and of those below it, as far as there is room. */
static void learn(struct run *run)
{
	run->n = 1;
	run->known[0] = (struct known){.parent = FS_ROOT_INO, .ino = FS_ROOT_INO, .mode = S_IFDIR};
	for (unsigned i = 0; i < run->n; i++) {
		struct fs_dir *d;

		if (!S_ISDIR(run->known[i].mode))
			continue;
		run->dir = run->known[i].ino;
		FUZZ_CHECK(fs_dir_open(run->fs, run->dir, &d) == 0, "a directory cannot be opened");
		FUZZ_CHECK(fs_dir_read(d, 0, take_known, run) == 0, "a directory cannot be read");
		fs_dir_close(d);
	}
}

static const struct known *pick(struct run *run)
{
	return &run->known[below(run, run->n)];
}

static uint64_t pick_dir(struct run *run)
{
	const struct known *k = pick(run);

	return S_ISDIR(k->mode) ? k->ino : k->parent;
}

static const char *pick_name(struct run *run)
{
	static char name[24];

	if (below(run, 3) == 0)
		return pick(run)->name[0] ? pick(run)->name : "x";
	snprintf(name, sizeof(name), "new%u", below(run, 6));
	return name;
}

/* Whatever an operation may answer in a container that contradicts nothing. */
static void expected(int r, const char *what)
{
	switch (-r) {
	case 0:
	case ENOENT:
	case EEXIST:
	case ENOTDIR:
	case EISDIR:
	case ENOTEMPTY:
	case EINVAL:
	case EMLINK:
	case EFBIG:
	case EPERM:
	case EBUSY:
	case ENODATA:
	case ENOSPC:
	case EIO: /* contents are damaged, and had to be read */
	case EACCES:
	case EOPNOTSUPP:
	case EROFS: /* a directory or file that cannot be changed, but see the end of operate() */
		return;
	default:
		fuzz_fail("%s: %s", what, strerror(-r));
	}
}

static void write_file(struct run *run, struct fs_file *f, uint64_t size)
{
	static uint8_t data[WRITE_MAX];
	size_t len = 1 + below(run, WRITE_MAX);
	uint64_t at[] = {0, size, size / 2, size + 5000, below(run, 70000)};
	struct iovec iov = {data, len};

	for (size_t i = 0; i < len; i++)
		data[i] = below(run, 8) ? (uint8_t)fuzz_random(&run->seed) : 0;
	expected(fs_file_write(f, at[below(run, 5)], &iov, 1, 0), "write");
}

static void change_file(struct run *run, const struct known *k)
{
	struct fs_attr a;
	struct fs_file *f;

	if (fs_getattr(run->fs, k->ino, &a) < 0 || !S_ISREG(a.mode))
		return;
	FUZZ_CHECK(fs_file_open(run->fs, k->ino, O_RDWR | (below(run, 6) ? 0 : O_TRUNC), &f) == 0, "a file cannot be opened");
	for (unsigned n = 1 + below(run, 3); n > 0; n--)
		write_file(run, f, a.size);
	expected(fs_file_flush(f), "flush");
	fs_file_release(f);
}

static void make(struct run *run)
{
	uint64_t dir = pick_dir(run);
	const char *name = pick_name(run);
	struct fs_attr a;
	struct fs_file *f;
	int r;

	switch (below(run, 4)) {
	case 0:
		r = fs_mkdir(run->fs, dir, name, 0755, &owner, &a);
		break;
	case 1:
		r = fs_symlink(run->fs, dir, name, "some/target", &owner, &a);
		break;
	case 2:
		r = fs_mknod(run->fs, dir, name, S_IFIFO | 0644, 0, &owner, &a);
		break;
	default:
		r = fs_file_create(run->fs, dir, name, 0644, O_RDWR, &owner, &a, &f);
		if (r == 0) {
			write_file(run, f, 0);
			expected(fs_file_flush(f), "flush");
			fs_file_release(f);
		}
	}
	expected(r, "make");
	if (r == 0)
		fs_forget(run->fs, a.ino, 1);
}

static void set_attributes(struct run *run, const struct known *k)
{
	static const uint64_t sizes[] = {0, 1, 63, 4096, 65536, 100000, (uint64_t)1 << 40};
	struct fs_setattr set = {.set = FS_SET_MODE, .mode = below(run, 010000), .size = sizes[below(run, 7)]};
	struct fs_attr a;

	if (S_ISREG(k->mode))
		set.set = below(run, 4) ? FS_SET_SIZE : FS_SET_SIZE | FS_SET_MODE;
	expected(fs_setattr(run->fs, k->ino, &set, &a), "setattr");
}

static void rename_one(struct run *run, const struct known *k)
{
	static const unsigned flags[] = {0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};

	if (k->ino == FS_ROOT_INO)
		return;
	if (below(run, 6) == 0) {
		expected(fs_rename_whiteout(run->fs, k->parent, k->name, pick_dir(run), pick_name(run), 0, &owner), "whiteout");
		return;
	}
	expected(fs_rename(run->fs, k->parent, k->name, pick_dir(run), pick_name(run), flags[below(run, 5)]), "rename");
}

/* A part of one file is shared with another, or with the same. */
static void copy_part(struct run *run, const struct known *from, const struct known *to)
{
	struct fs_file *in, *out;
	struct fs_attr a, b;
	uint64_t copied;

	if (fs_getattr(run->fs, from->ino, &a) < 0 || fs_getattr(run->fs, to->ino, &b) < 0 || !S_ISREG(a.mode) ||
	    !S_ISREG(b.mode))
		return;
	FUZZ_CHECK(fs_file_open(run->fs, from->ino, O_RDONLY, &in) == 0, "a file cannot be opened");
	FUZZ_CHECK(fs_file_open(run->fs, to->ino, O_RDWR, &out) == 0, "a file cannot be opened");
	expected(fs_file_copy(in, below(run, 2) ? 0 : below(run, 9000), out, below(run, 2) ? 0 : below(run, 9000),
			      1 + below(run, 70000), false, false, &copied),
		 "copy");
	expected(fs_file_flush(out), "flush");
	fs_file_release(in);
	fs_file_release(out);
}

static void operation(struct run *run)
{
	const struct known *k = pick(run);
	struct fs_attr a;
	int r;

	switch (below(run, 11)) {
	case 10:
		copy_part(run, k, pick(run));
		break;
	case 0:
	case 1:
		make(run);
		break;
	case 2:
	case 3:
		change_file(run, k);
		break;
	case 4:
		set_attributes(run, k);
		break;
	case 5:
		rename_one(run, k);
		break;
	case 6:
		if (k->ino != FS_ROOT_INO)
			expected(S_ISDIR(k->mode) ? fs_rmdir(run->fs, k->parent, k->name)
						  : fs_unlink(run->fs, k->parent, k->name),
				 "remove");
		break;
	case 7:
		r = S_ISDIR(k->mode) ? -EPERM : fs_link(run->fs, k->ino, pick_dir(run), pick_name(run), &a);
		expected(r, "link");
		if (r == 0)
			fs_forget(run->fs, a.ino, 1);
		break;
	case 8:
		expected(fs_setxattr(run->fs, k->ino, "user.x", "value", below(run, 6), 0), "setxattr");
		if (below(run, 3) == 0)
			expected(fs_removexattr(run->fs, k->ino, "user.x"), "removexattr");
		break;
	default:
		expected(below(run, 2) ? fs_sync(run->fs) : commit_checkpoint(run->fs), "sync");
	}
}

static void operate(struct run *run)
{
	for (unsigned i = 0; i < OPERATIONS; i++) {
		learn(run);
		operation(run);
	}
	FUZZ_CHECK(!fs_is_read_only(run->fs), "the file system has become read-only");
}

static void count_fault(void *arg, const char *text)
{
	(void)arg;
	fuzz_log(NULL, 0, text);
}

static int open_it(const char *path, bool read_only, struct fs **ret)
{
	struct fs_options options = {.read_only = read_only, .log = fuzz_log};
	struct timespec fixed[2] = {{1000000000, 0}, {1000000000, 0}};
	int r;

	/* What has no times of its own in the container has those of the file. */
	FUZZ_CHECK(utimensat(AT_FDCWD, path, fixed, 0) == 0, "no times can be set");
	r = fs_open(path, &options, ret);
	FUZZ_CHECK(r == 0 || r == -EBADMSG || r == -ENOTSUP, "opening: %s", strerror(-r));
	return r;
}

/* The file is still the `size` bytes, or the first of them if `cut`. */
/* *sound: a file system in which nothing is wrong, nothing is left over, and all is where it was written. */
static char *read_only(const char *path, bool *sound)
{
	struct fs_info info;
	struct fs *fs;
	char *text;

	*sound = false;
	if (open_it(path, true, &fs) < 0)
		return NULL;
	text = tree_text(fs, false);
	FUZZ_CHECK(fs_info(fs, &info) == 0, "info fails");
	*sound = fs_check(fs, count_fault, NULL) == 0 && info.torn == 0 && info.foreign == 0 && info.sequence > 0 && !fs->moved;
	FUZZ_CHECK(fs_close(fs) == 0, "closing fails");
	return text;
}

/* What is sound is repaired to the same, and of anything else what comes out is sound. */
static void repair(const char *path, const char *read, bool sound)
{
	struct fs_options options = {.log = fuzz_log};
	const char *out = fuzz_path("repaired");
	struct fs *fs;
	char *text;
	int r = fs_repair(path, out, &options, count_fault, NULL, NULL);

	FUZZ_CHECK(r == 0 || ((r == -EMEDIUMTYPE || r == -ENOTSUP || r == -EBADMSG) && !sound), "repair: %s", strerror(-r));
	if (r < 0)
		return;
	FUZZ_CHECK(open_it(out, false, &fs) == 0, "what was repaired cannot be opened");
	FUZZ_CHECK(fs_check(fs, count_fault, NULL) == 0, "what was repaired has faults");
	text = tree_text(fs, false);
	if (sound)
		fuzz_same(read, text, "as it is and repaired");
	free(text);
	FUZZ_CHECK(fs_close(fs) == 0, "closing fails");
}

static void compact(const char *path)
{
	struct fs_options options = {.log = fuzz_log};
	struct fs *fs;
	char *before, *after;
	int64_t faults, left;
	int r;

	FUZZ_CHECK(open_it(path, false, &fs) == 0, "it cannot be opened again");
	before = tree_text(fs, true);
	faults = fs_check(fs, count_fault, NULL);
	FUZZ_CHECK(fs_close(fs) == 0, "closing fails");
	r = fs_compact(path, &options, NULL);
	FUZZ_CHECK(r == 0 || r == -EMEDIUMTYPE || (r == -EIO && faults > 0), "compaction: %s", strerror(-r));
	FUZZ_CHECK(open_it(path, false, &fs) == 0, "it cannot be opened after compaction");
	after = tree_text(fs, true);
	fuzz_same(before, after, "before and after compaction");
	left = fs_check(fs, count_fault, NULL);
	/* An ACL that is none goes along. */
	FUZZ_CHECK(r < 0 || left <= faults, "%lld faults after compaction, %lld before", (long long)left, (long long)faults);
	FUZZ_CHECK(fs_close(fs) == 0, "closing fails");
	free(before);
	free(after);
}

void exercise(const char *path, uint64_t seed)
{
	struct run run = {.seed = seed};
	size_t size;
	uint8_t *data = fuzz_load(path, &size);
	bool sound;
	char *read = read_only(path, &sound), *writable = NULL, *changed = NULL, *again = NULL;
	int r;

	repair(path, read, sound);
	fuzz_unchanged(path, data, size, false);
	r = open_it(path, false, &run.fs);
	fuzz_unchanged(path, data, size, r == 0);
	FUZZ_CHECK(r < 0 || read, "it can be opened for writing and not for reading");
	if (r < 0)
		goto out;
	writable = tree_text(run.fs, false);
	fuzz_same(read, writable, "opened for reading and for writing");
	operate(&run);
	changed = tree_text(run.fs, true);
	r = fs_close(run.fs);
	FUZZ_CHECK(r == 0, "closing: %s", strerror(-r));
	FUZZ_CHECK(open_it(path, false, &run.fs) == 0, "it cannot be opened again");
	again = tree_text(run.fs, true);
	fuzz_same(changed, again, "before and after closing and opening");
	FUZZ_CHECK(fs_close(run.fs) == 0, "closing fails");
	compact(path);
out:
	free(read);
	free(writable);
	free(changed);
	free(again);
	free(data);
}
