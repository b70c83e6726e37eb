/*
 * test_threads.c - many threads on one file system at once: each with files of its own that must be exactly
 * what it made of them, and all together on a few shared ones. No timing decides the result; built with
 * -fsanitize=thread it also shows races.
 */
#include "config.h"

#include "harness.h"

#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>

#define THREADS  6
#define ROUNDS   120
#define FILES    8
#define FILE_MAX 9000

/* check.h's assertions must not be used outside the main thread: the first failure is kept for it. */
static char failure[512];
static pthread_mutex_t failure_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool stop;

struct worker {
	pthread_t thread;
	int number, round;
	unsigned short random[3];
	uint64_t dir;
	struct {
		bool there;
		uint8_t data[FILE_MAX];
		size_t len;
	} file[FILES];
};

static struct worker workers[THREADS];

static void expect(const struct worker *w, bool good, const char *what, long r)
{
	if (good)
		return;
	pthread_mutex_lock(&failure_lock);
	if (!failure[0])
		snprintf(failure, sizeof(failure), "%s: thread %d, round %d: %ld", what, w->number, w->round, r);
	pthread_mutex_unlock(&failure_lock);
	atomic_store(&stop, true);
}

static size_t below(struct worker *w, size_t n)
{
	return (size_t)nrand48(w->random) % n;
}

static int open_name(uint64_t dir, const char *name, int flags, struct fs_file **ret)
{
	struct fs_attr attr;
	int r = fs_lookup(h_fs, dir, name, &attr);
	if (r == 0)
		r = fs_file_open(h_fs, attr.ino, flags, ret);
	else if (r == -ENOENT && (flags & O_CREAT))
		r = fs_file_create(h_fs, dir, name, 0644, flags, &h_owner, &attr, ret);
	else
		return r;
	fs_forget(h_fs, attr.ino, 1);
	return r;
}

/* The bytes read, or an error; as h_read() without its assertions. */
static ssize_t read_file(struct fs_file *f, uint64_t offset, uint8_t *buf, size_t size)
{
	struct fs_extract e;
	size_t at = 0;
	int r = fs_file_read(f, offset, size, &e);
	if (r < 0)
		return r;
	for (int i = 0; i < e.pieces; i++) {
		memcpy(buf + at, e.piece[i].iov_base, e.piece[i].iov_len);
		at += e.piece[i].iov_len;
	}
	fs_extract_done(&e);
	return (ssize_t)at;
}

/* --- files of a thread's own --------------------------------------------------------------------------------- */

static void write_own(struct worker *w, int n, const char *name)
{
	struct fs_file *f;
	int r = open_name(w->dir, name, O_RDWR | O_CREAT, &f);
	expect(w, r == 0, "open", r);
	if (r < 0)
		return;
	for (size_t k = 1 + below(w, 3); k > 0; k--) {
		size_t at = below(w, w->file[n].len + 1), len = 1 + below(w, 2000);
		if (len > FILE_MAX - at)
			len = FILE_MAX - at;
		h_fill(w->file[n].data + at, len, (uint64_t)nrand48(w->random));
		if (at + len > w->file[n].len)
			w->file[n].len = at + len;
		if (len > 0)
			r = h_write(f, at, w->file[n].data + at, len);
		expect(w, r == 0, "write", r);
		if (below(w, 3) == 0)
			r = below(w, 2) ? fs_file_flush(f) : fs_file_fsync(f, true);
		expect(w, r == 0, "flush", r);
	}
	w->file[n].there = true;
	r = h_end(f);
	expect(w, r == 0, "close", r);
}

static void read_own(struct worker *w, int n, const char *name)
{
	static __thread uint8_t data[FILE_MAX + 1];
	struct fs_file *f;
	int r = open_name(w->dir, name, O_RDONLY, &f);
	expect(w, r == (w->file[n].there ? 0 : -ENOENT), "lookup", r);
	if (r < 0)
		return;
	ssize_t len = read_file(f, 0, data, sizeof(data));
	expect(w, len == (ssize_t)w->file[n].len, "length", len);
	expect(w, len < 0 || memcmp(data, w->file[n].data, (size_t)len) == 0, "contents", len);
	fs_file_release(f);
}

static bool count_name(void *arg, const struct fs_dirent *e)
{
	*(int *)arg += e->name[0] == 'f';
	return true;
}

static void list_own(struct worker *w)
{
	struct fs_dir *dir;
	int seen = 0, expected = 0, r = fs_dir_open(h_fs, w->dir, &dir);
	for (int i = 0; i < FILES; i++)
		expected += w->file[i].there;
	if (r == 0) {
		fs_dir_read(dir, 0, count_name, &seen);
		fs_dir_close(dir);
	}
	expect(w, r == 0 && seen == expected, "readdir", seen);
}

static void own_operation(struct worker *w)
{
	int n = (int)below(w, FILES), m = (int)below(w, FILES), r = 0;
	char name[8], other[8];
	struct fs_attr attr;
	struct fs_setattr set = {.set = FS_SET_SIZE};
	snprintf(name, sizeof(name), "f%d", n);
	snprintf(other, sizeof(other), "f%d", m);
	switch (below(w, 8)) {
	case 0:
		r = fs_unlink(h_fs, w->dir, name);
		expect(w, r == (w->file[n].there ? 0 : -ENOENT), "unlink", r);
		w->file[n].there = false;
		w->file[n].len = 0;
		break;
	case 1:
		r = fs_rename(h_fs, w->dir, name, w->dir, other, 0);
		expect(w, r == (w->file[n].there ? 0 : -ENOENT), "rename", r);
		if (r == 0 && n != m) {
			w->file[m] = w->file[n];
			w->file[n].there = false;
			w->file[n].len = 0;
		}
		break;
	case 2:
		r = fs_lookup(h_fs, w->dir, name, &attr);
		if (r < 0)
			break;
		set.size = w->file[n].len / 2;
		r = fs_setattr(h_fs, attr.ino, &set, &attr);
		expect(w, r == 0 && attr.size == set.size, "truncate", r);
		w->file[n].len = set.size;
		fs_forget(h_fs, attr.ino, 1);
		break;
	case 3:
		list_own(w);
		break;
	case 4:
		read_own(w, n, name);
		break;
	default:
		write_own(w, n, name);
	}
}

/* --- files of all ---------------------------------------------------------------------------------------------- */

/* Each shared file holds only whole lines of 64 equal bytes; writers write such, so readers see no other. */
static void shared_contents(struct worker *w)
{
	uint8_t line[64], seen[64];
	struct fs_file *f;
	uint64_t at = below(w, 200) * 64;
	char name[] = "s0";
	name[1] = (char)('0' + below(w, 3));
	if (open_name(FS_ROOT_INO, name, O_RDWR | O_CREAT, &f) < 0)
		return; /* someone else made, moved or removed it just now */
	memset(line, (int)('a' + w->number), sizeof(line));
	int r = h_write(f, at, line, sizeof(line));
	expect(w, r == 0, "shared write", r);
	at = below(w, 200) * 64;
	ssize_t n = read_file(f, at, seen, sizeof(seen));
	expect(w, n == 0 || n == 64, "shared length", n);
	for (int i = 1; i < n; i++)
		expect(w, seen[i] == seen[0], "shared line", seen[i]);
	expect(w, n <= 0 || seen[0] == 0 || (seen[0] >= 'a' && seen[0] < 'a' + THREADS), "shared byte", seen[0]);
	r = below(w, 2) ? h_end(f) : (fs_file_release(f), 0);
	expect(w, r == 0, "shared close", r);
}

static bool ref_name(void *arg, const struct fs_dirent *e)
{
	struct fs_attr attr;
	(void)fs_ref_locked(arg, e->ino, false, &attr);
	return true;
}

static void shared_operation(struct worker *w)
{
	struct fs_attr attr;
	struct fs_setattr set = {.set = FS_SET_MODE | FS_SET_MTIME_NOW, .mode = 0600 | (uint32_t)below(w, 0100)};
	struct fs_dir *dir;
	struct statvfs st;
	struct fs_info info;
	char name[] = "s0", other[] = "s0", value[16];
	name[1] = (char)('0' + below(w, 3));
	other[1] = (char)('0' + below(w, 3));
	bool known = fs_lookup(h_fs, FS_ROOT_INO, name, &attr) == 0;
	uint64_t ino = known ? attr.ino : FS_ROOT_INO;
	switch (below(w, 12)) {
	case 0:
		(void)fs_unlink(h_fs, FS_ROOT_INO, name);
		break;
	case 1:
		(void)fs_rename(h_fs, FS_ROOT_INO, name, FS_ROOT_INO, other, below(w, 2) ? RENAME_EXCHANGE : 0);
		break;
	case 2:
		(void)fs_rename(h_fs, FS_ROOT_INO, name, w->dir, "moved", 0);
		(void)fs_rename(h_fs, w->dir, "moved", FS_ROOT_INO, other, 0);
		break;
	case 3:
		(void)fs_setattr(h_fs, ino, &set, &attr);
		break;
	case 4:
		(void)fs_setxattr(h_fs, ino, "user.x", name, 2, 0);
		(void)fs_getxattr(h_fs, ino, "user.x", value, sizeof(value));
		break;
	case 5:
		if (fs_link(h_fs, ino, w->dir, "link", &attr) == 0) {
			fs_forget(h_fs, ino, 1);
			int r = fs_unlink(h_fs, w->dir, "link");
			expect(w, r == 0, "unlink of a link", r);
		}
		break;
	case 6: {
		int r = fs_sync(h_fs);
		expect(w, r == 0, "sync", r);
		break;
	}
	case 7:
		if (fs_dir_open(h_fs, FS_ROOT_INO, &dir) == 0) {
			(void)fs_dir_read(dir, 0, ref_name, dir);
			fs_dir_close(dir);
		}
		(void)fs_statfs(h_fs, &st);
		(void)fs_info(h_fs, &info);
		break;
	default:
		shared_contents(w);
	}
	if (known)
		fs_forget(h_fs, ino, 1);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	for (w->round = 0; w->round < ROUNDS && !atomic_load(&stop); w->round++) {
		own_operation(w);
		shared_operation(w);
	}
	return NULL;
}

static void expect_own_files(void)
{
	for (int t = 0; t < THREADS; t++)
		for (int n = 0; n < FILES; n++) {
			char path[32];
			snprintf(path, sizeof(path), "t%d/f%d", t, n);
			if (workers[t].file[n].there)
				h_expect(h_fs, path, workers[t].file[n].data, workers[t].file[n].len);
			else
				ck_assert(!h_exists(h_fs, path));
		}
}

/* Each thread finds its own files as it left them, at any moment and in the end; the tree is one, also when opened again. */
START_TEST(threads_do_not_disturb_each_other)
{
	h_close();
	h_options.sync_interval_s = 1;
	if (_i) {
		h_options.buffer_file = 4096;
		h_options.buffer_total = 8192;
	}
	h_open();
	memset(workers, 0, sizeof(workers));
	for (int t = 0; t < THREADS; t++) {
		char path[16];
		snprintf(path, sizeof(path), "t%d", t);
		ck_assert_int_eq(h_mkdir(h_fs, path), 0);
		workers[t].number = t;
		workers[t].dir = h_ino(h_fs, path);
		workers[t].random[0] = (unsigned short)(t + 1 + 100 * _i);
	}
	for (int t = 0; t < THREADS; t++)
		ck_assert_int_eq(pthread_create(&workers[t].thread, NULL, work, &workers[t]), 0);
	for (int t = 0; t < THREADS; t++)
		pthread_join(workers[t].thread, NULL);
	ck_assert_msg(!failure[0], "%s\n%s", failure, h_messages());
	expect_own_files();
	char *before = h_tree(h_fs), *after;
	h_check(h_fs);
	h_crash();
	after = h_tree(h_fs);
	h_same(after, before, "after a crash");
	free(after);
	expect_own_files();
	h_again();
	after = h_tree(h_fs);
	h_same(after, before, "after opening again");
	h_check(h_fs);
	free(before);
	free(after);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("threads");
	TCase *tc = tcase_create("threads");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, h_setup, h_teardown);
	tcase_set_timeout(tc, 600);
	tcase_add_loop_test(tc, threads_do_not_disturb_each_other, 0, 2);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
