/*
 * support.c - see support.h.
 */
#include "config.h"

#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/reel-test-XXXXXX";
char logged[1 << 16];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void support_begin(void)
{
	memcpy(directory + strlen(directory) - 6, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
	logged[0] = 0;
}

void support_end(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct file file_read(const char *path)
{
	struct file f = {0};
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(fstat(fd, &st), 0);
	f.len = (size_t)st.st_size;
	f.bytes = malloc(f.len + 1);
	ck_assert_ptr_nonnull(f.bytes);
	ck_assert_int_eq(read(fd, f.bytes, f.len), (ssize_t)f.len);
	close(fd);
	return f;
}

void file_write(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
}

void file_free(struct file *f)
{
	free(f->bytes);
}

bool file_is(const char *path, const void *bytes, size_t len)
{
	struct file f = file_read(path);
	bool same = f.len == len && memcmp(f.bytes, bytes, len) == 0;

	file_free(&f);
	return same;
}

uint64_t file_size(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

void keep_log(void *arg, int priority, const char *text)
{
	size_t used = strlen(logged);

	(void)arg, (void)priority;
	snprintf(logged + used, sizeof(logged) - used, "%s\n", text);
}

int open_with(const char *path, unsigned flags, struct reel **ret)
{
	struct reel_options options = {.flags = flags, .log = keep_log};

	return reel_open(path, &options, ret);
}

struct reel *must_open(const char *path, unsigned flags)
{
	struct reel *r = NULL;
	int err = open_with(path, flags, &r);

	ck_assert_msg(err == 0, "%s: %s; %s", path, strerror(-err), logged);
	return r;
}

void must_write(struct reel *r, const char *key, const char *value)
{
	ck_assert_int_eq(reel_write(r, key, strlen(key), value, strlen(value)), 0);
}

bool reads(struct reel *r, const char *key, const char *value)
{
	struct reel_entry e;
	int err = reel_read(r, key, strlen(key), &e);

	if (err < 0)
		return err == -ENOENT && value == NULL;
	bool same = value != NULL && e.len == strlen(value) && memcmp(e.payload, value, e.len) == 0 && reel_entry_valid(&e);
	reel_entry_release(&e);
	return same;
}

uint64_t count_entries(struct reel *r, bool live_only)
{
	struct reel_iter *it;
	struct reel_entry e;
	uint64_t n = 0;
	int more;

	ck_assert_int_eq(reel_iter_new(r, live_only, &it), 0);
	for (; (more = reel_iter_next(it, &e)) > 0; n++)
		reel_entry_release(&e);
	ck_assert_int_eq(more, 0);
	reel_iter_free(it);
	return n;
}
