/*
 * faulty.c - see faulty.h.
 */
#include "config.h"

#include "faulty.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

static struct faulty *self(const struct disk_ops *d)
{
	return (struct faulty *)(uintptr_t)d;
}

static ssize_t faulty_pwritev(const struct disk_ops *d, int fd, const struct iovec *iov, int n, uint64_t offset)
{
	struct faulty *f = self(d);
	struct iovec first = *iov;

	f->writes++;
	if (f->piece > 0 && f->writes % 2 == 1)
		return -EINTR;
	size_t len = 0;
	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (len <= f->room && (f->piece == 0 || len <= f->piece)) {
		f->room -= len;
		return disk_real.pwritev(&disk_real, fd, iov, n, offset);
	}
	/* Part of the first piece, as far as it goes. */
	if (f->piece > 0 && first.iov_len > f->piece)
		first.iov_len = f->piece;
	if (first.iov_len > f->room)
		first.iov_len = f->room;
	if (first.iov_len == 0)
		return f->write_error;
	f->room -= first.iov_len;
	return disk_real.pwritev(&disk_real, fd, &first, 1, offset);
}

static int faulty_ftruncate(const struct disk_ops *d, int fd, uint64_t size)
{
	struct faulty *f = self(d);

	if (f->dead && f->room == 0)
		return -EIO;
	if (f->truncate_error < 0)
		return f->truncate_error;
	ssize_t len = pread(fd, f->cut, sizeof(f->cut), (off_t)size);
	f->cut_at = size;
	f->cut_len = len > 0 ? (size_t)len : 0;
	return disk_real.ftruncate(&disk_real, fd, size);
}

static int faulty_fdatasync(const struct disk_ops *d, int fd)
{
	struct faulty *f = self(d);

	__atomic_add_fetch(&f->syncs, 1, __ATOMIC_SEQ_CST);
	if (f->sync_error < 0)
		return f->sync_error;
	f->cut_len = 0;
	return disk_real.fdatasync(&disk_real, fd);
}

void faulty_lose_cut(const struct faulty *f, const char *path, const char *to)
{
	struct file file = file_read(path);
	size_t end = (size_t)f->cut_at + f->cut_len;
	uint8_t *bytes = malloc(file.len + end);

	ck_assert_ptr_nonnull(bytes);
	if (f->cut_len > 0)
		memcpy(bytes + f->cut_at, f->cut, f->cut_len);
	else
		end = 0;
	memcpy(bytes, file.bytes, file.len);
	file_write(to, bytes, end > file.len ? end : file.len);
	free(bytes);
	file_free(&file);
}

void faulty_init(struct faulty *f)
{
	memset(f, 0, sizeof(*f));
	f->ops = disk_real;
	f->ops.pwritev = faulty_pwritev;
	f->ops.ftruncate = faulty_ftruncate;
	f->ops.fdatasync = faulty_fdatasync;
	f->room = UINT64_MAX;
	f->write_error = -EIO;
}

struct reel *faulty_open(struct faulty *f, const char *path, unsigned flags)
{
	struct reel_engine_options options = {.base = {.flags = flags, .log = keep_log}, .disk = &f->ops};
	struct reel *r = NULL;

	ck_assert_int_eq(reel_engine_open(path, &options, &r), 0);
	return r;
}
