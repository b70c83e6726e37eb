/*
 * harness.c - see harness.h. Uses the public interfaces alone. Folders are made in memory (/dev/shm)
 * where TMPDIR does not say otherwise: the tests open containers thousands of times, with a sync each.
 */
#include "config.h"

#include "harness.h"

#include <pthread.h>

char h_dir[4096];
char h_path[4200];
struct fs *h_fs;
struct fs_options h_options;
const struct fs_cred h_owner = {.uid = 1000, .gid = 1001};

static pthread_mutex_t messages_lock = PTHREAD_MUTEX_INITIALIZER;
static char messages[1 << 16];
static size_t messages_len;

void h_keep_message(const char *text)
{
	pthread_mutex_lock(&messages_lock);
	int n = snprintf(messages + messages_len, sizeof(messages) - messages_len, "%s\n", text);
	if (n > 0 && messages_len + (size_t)n < sizeof(messages))
		messages_len += (size_t)n;
	pthread_mutex_unlock(&messages_lock);
}

static void on_log(void *arg, int priority, const char *text)
{
	(void)arg;
	(void)priority;
	h_keep_message(text);
}

void h_forget_messages(void)
{
	pthread_mutex_lock(&messages_lock);
	messages_len = 0;
	messages[0] = 0;
	pthread_mutex_unlock(&messages_lock);
}

const char *h_messages(void)
{
	return messages;
}

const char *h_beside(const char *name)
{
	static char path[8][4400];
	static unsigned next;
	char *p = path[next++ % 8];
	snprintf(p, sizeof(path[0]), "%s/%s", h_dir, name);
	return p;
}

void h_setup(void)
{
	const char *tmp = getenv("TMPDIR");
	if (!tmp)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(h_dir, sizeof(h_dir), "%s/test_fs.XXXXXX", tmp);
	ck_assert_ptr_nonnull(mkdtemp(h_dir));
	snprintf(h_path, sizeof(h_path), "%s/c.reel", h_dir);
	h_options = (struct fs_options){.log = on_log};
	ck_assert_int_eq(fs_create_container(h_path, &h_options), 0);
	h_open();
}

void h_teardown(void)
{
	char command[5000];
	if (h_fs)
		fs_close(h_fs);
	h_fs = NULL;
	snprintf(command, sizeof(command), "rm -rf '%s'", h_dir);
	ck_assert_int_eq(system(command), 0);
}

int h_try(const char *path, bool read_only, struct fs **ret)
{
	struct fs_options options = h_options;
	options.read_only = read_only;
	h_forget_messages();
	*ret = NULL;
	return fs_open(path, &options, ret);
}

void h_open(void)
{
	int r = h_try(h_path, false, &h_fs);
	ck_assert_msg(r == 0, "opening: %s\n%s", strerror(-r), messages);
}

void h_close(void)
{
	int r = fs_close(h_fs);
	h_fs = NULL;
	ck_assert_msg(r == 0, "closing: %s\n%s", strerror(-r), messages);
}

void h_again(void)
{
	h_close();
	h_open();
}

void h_crash(void)
{
	const char *copy = h_beside("crashed.reel");
	h_copy(h_path, copy);
	fs_close(h_fs);
	h_fs = NULL;
	ck_assert_int_eq(rename(copy, h_path), 0);
	h_open();
}

struct fs *h_killed(void)
{
	const char *copy = h_beside("killed.reel");
	struct fs *fs;
	h_copy(h_path, copy);
	ck_assert_int_eq(h_try(copy, true, &fs), 0);
	return fs;
}

/* --- files beneath -------------------------------------------------------------------------------- */

uint8_t *h_load(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(fstat(fd, &st), 0);
	*size = (size_t)st.st_size;
	uint8_t *data = malloc(*size + 1);
	ck_assert_ptr_nonnull(data);
	ck_assert_int_eq(pread(fd, data, *size, 0), (ssize_t)*size);
	data[*size] = 0;
	close(fd);
	return data;
}

void h_store(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
	close(fd);
}

void h_copy(const char *from, const char *to)
{
	size_t size;
	uint8_t *data = h_load(from, &size);
	h_store(to, data, size);
	free(data);
}

size_t h_size(const char *path)
{
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	return (size_t)st.st_size;
}

bool h_is(const char *path, const void *data, size_t size)
{
	size_t now;
	uint8_t *bytes = h_load(path, &now);
	bool same = now == size && memcmp(bytes, data, size) == 0;
	free(bytes);
	return same;
}

void h_flip(const char *path, size_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte;
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= 0x10;
	ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
	close(fd);
}

/* --- by path ------------------------------------------------------------------------------------------ */

uint64_t h_parent(struct fs *fs, const char *path, char name[FS_NAME_MAX + 1])
{
	uint64_t parent = 0;
	fs_resolve(fs, path, &parent, name, NULL);
	ck_assert_msg(parent != 0, "%s: its folder is not there", path);
	return parent;
}

int h_stat(struct fs *fs, const char *path, struct fs_attr *ret)
{
	return fs_resolve(fs, path, NULL, NULL, ret);
}

uint64_t h_ino(struct fs *fs, const char *path)
{
	struct fs_attr attr;
	int r = h_stat(fs, path, &attr);
	ck_assert_msg(r == 0, "%s: %s", path, strerror(-r));
	return attr.ino;
}

bool h_exists(struct fs *fs, const char *path)
{
	struct fs_attr attr;
	return h_stat(fs, path, &attr) == 0;
}

int h_mkdir(struct fs *fs, const char *path)
{
	char name[FS_NAME_MAX + 1];
	struct fs_attr attr;
	int r = fs_mkdir(fs, h_parent(fs, path, name), name, 0755, &h_owner, &attr);
	if (r == 0)
		fs_forget(fs, attr.ino, 1);
	return r;
}

int h_unlink(struct fs *fs, const char *path)
{
	char name[FS_NAME_MAX + 1];
	return fs_unlink(fs, h_parent(fs, path, name), name);
}

int h_rmdir(struct fs *fs, const char *path)
{
	char name[FS_NAME_MAX + 1];
	return fs_rmdir(fs, h_parent(fs, path, name), name);
}

int h_rename(struct fs *fs, const char *from, const char *to, unsigned flags)
{
	char name[FS_NAME_MAX + 1], new_name[FS_NAME_MAX + 1];
	uint64_t parent = h_parent(fs, from, name);
	return fs_rename(fs, parent, name, h_parent(fs, to, new_name), new_name, flags);
}

int h_link(struct fs *fs, const char *from, const char *to)
{
	char name[FS_NAME_MAX + 1];
	struct fs_attr attr;
	int r = fs_link(fs, h_ino(fs, from), h_parent(fs, to, name), name, &attr);
	if (r == 0)
		fs_forget(fs, attr.ino, 1);
	return r;
}

int h_symlink(struct fs *fs, const char *target, const char *path)
{
	char name[FS_NAME_MAX + 1];
	struct fs_attr attr;
	int r = fs_symlink(fs, h_parent(fs, path, name), name, target, &h_owner, &attr);
	if (r == 0)
		fs_forget(fs, attr.ino, 1);
	return r;
}

int h_truncate(struct fs *fs, uint64_t ino, uint64_t size)
{
	struct fs_setattr set = {.set = FS_SET_SIZE, .size = size};
	struct fs_attr attr;
	return fs_setattr(fs, ino, &set, &attr);
}

struct fs_file *h_file(struct fs *fs, const char *path, int flags)
{
	char name[FS_NAME_MAX + 1];
	struct fs_file *f = NULL;
	struct fs_attr attr;
	uint64_t parent;
	int r = fs_resolve(fs, path, &parent, name, &attr);
	if (r == 0) {
		r = fs_file_open(fs, attr.ino, O_RDWR | flags, &f);
	} else {
		r = fs_file_create(fs, parent, name, 0644, O_RDWR | flags, &h_owner, &attr, &f);
		if (r == 0)
			fs_forget(fs, attr.ino, 1);
	}
	ck_assert_msg(r == 0, "%s: %s", path, strerror(-r));
	return f;
}

int h_write(struct fs_file *f, uint64_t offset, const void *data, size_t len)
{
	struct iovec iov = {(void *)data, len};
	return fs_file_write(f, offset, &iov, 1, 0);
}

ssize_t h_read(struct fs_file *f, uint64_t offset, void *buf, size_t size)
{
	struct fs_extract e;
	size_t at = 0;
	int r = fs_file_read(f, offset, size, &e);
	if (r < 0)
		return r;
	for (int i = 0; i < e.pieces; i++) {
		memcpy((uint8_t *)buf + at, e.piece[i].iov_base, e.piece[i].iov_len);
		at += e.piece[i].iov_len;
	}
	ck_assert_uint_eq(at, e.len);
	ck_assert_uint_le(at, size);
	fs_extract_done(&e);
	return (ssize_t)at;
}

int h_end(struct fs_file *f)
{
	int r = fs_file_flush(f);
	fs_file_release(f);
	return r;
}

void h_put(struct fs *fs, const char *path, const void *data, size_t len)
{
	struct fs_file *f = h_file(fs, path, O_TRUNC);
	if (len > 0)
		ck_assert_int_eq(h_write(f, 0, data, len), 0);
	int r = h_end(f);
	ck_assert_msg(r == 0, "%s: %s\n%s", path, strerror(-r), messages);
}

void h_puts(struct fs *fs, const char *path, const char *text)
{
	h_put(fs, path, text, strlen(text));
}

uint8_t *h_get_inode(struct fs *fs, uint64_t ino, size_t size, int *error)
{
	uint8_t *data = malloc(size + 1);
	struct fs_file *f;
	ck_assert_ptr_nonnull(data);
	ck_assert_int_eq(fs_file_open(fs, ino, O_RDONLY, &f), 0);
	ssize_t n = h_read(f, 0, data, size + 1);
	fs_file_release(f);
	*error = n < 0 ? (int)n : 0;
	ck_assert(n < 0 || (size_t)n == size);
	data[size] = 0;
	return data;
}

uint8_t *h_get(struct fs *fs, const char *path, size_t *len)
{
	struct fs_attr attr;
	int r = h_stat(fs, path, &attr), error;
	ck_assert_msg(r == 0, "%s: %s", path, strerror(-r));
	*len = attr.size;
	uint8_t *data = h_get_inode(fs, attr.ino, attr.size, &error);
	ck_assert_msg(error == 0, "%s: reading: %s\n%s", path, strerror(-error), messages);
	return data;
}

void h_expect(struct fs *fs, const char *path, const void *data, size_t len)
{
	size_t n, same = 0;
	uint8_t *is = h_get(fs, path, &n);
	ck_assert_msg(n == len, "%s: %zu bytes, expected %zu", path, n, len);
	while (same < n && is[same] == ((const uint8_t *)data)[same])
		same++;
	ck_assert_msg(same == len, "%s: byte %zu of %zu differs", path, same, len);
	free(is);
}

void h_expects(struct fs *fs, const char *path, const char *text)
{
	h_expect(fs, path, text, strlen(text));
}

void h_fill(void *buf, size_t len, uint64_t seed)
{
	uint8_t *p = buf;
	uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;
	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p[i] = (uint8_t)x;
	}
}

uint8_t *h_random(size_t len, uint64_t seed)
{
	uint8_t *data = malloc(len + 1);
	ck_assert_ptr_nonnull(data);
	h_fill(data, len, seed);
	return data;
}

uint8_t *h_by_key(const char *key, size_t *len)
{
	struct reel_entry e;
	int r = reel_read(fs_store(h_fs), key, strlen(key), &e);
	if (r < 0) {
		ck_assert_int_eq(r, -ENOENT);
		return NULL;
	}
	uint8_t *copy = malloc(e.len);
	ck_assert_ptr_nonnull(copy);
	ck_assert(reel_entry_valid(&e));
	memcpy(copy, e.payload, e.len);
	*len = e.len;
	reel_entry_release(&e);
	return copy;
}

bool h_key_exists(const char *key)
{
	return reel_exists(fs_store(h_fs), key, strlen(key));
}

void h_compact(const char *from, const char *to)
{
	struct reel_options options = {.flags = REEL_RDONLY, .log = on_log};
	struct reel *a, *b;
	struct reel_iter *it;
	struct reel_entry e;
	int r;
	ck_assert_int_eq(reel_open(from, &options, &a), 0);
	options.flags = REEL_CREATE | REEL_EXCL;
	unlink(to);
	ck_assert_int_eq(reel_open(to, &options, &b), 0);
	ck_assert_int_eq(reel_iter_new(a, true, &it), 0);
	while ((r = reel_iter_next(it, &e)) > 0) {
		ck_assert_int_eq(reel_write_hash(b, e.key_hash, e.payload, e.len), 0);
		reel_entry_release(&e);
	}
	ck_assert_int_eq(r, 0);
	reel_iter_free(it);
	ck_assert_int_eq(reel_close(a), 0);
	ck_assert_int_eq(reel_close(b), 0);
}

void h_expect_killed(const char *path, const void *data, size_t len)
{
	struct fs *fs = h_killed();
	h_expect(fs, path, data, len);
	h_check(fs);
	fs_close(fs);
}

int h_write_back(struct fs_file *f, uint64_t offset, const void *data, size_t len)
{
	struct iovec iov = {(void *)(uintptr_t)data, len};
	return fs_file_write(f, offset, &iov, 1, FS_WRITE_CACHED);
}
