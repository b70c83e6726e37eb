/*
 * disk.c - the real disk: system calls with negative errno values; and what is built on any disk's
 * functions. The only file of the store that makes system calls on containers. A call that a signal interrupted
 * has not been made, and is made again, but for close(), which always closes. No other error makes
 * fsync or fdatasync be called again, because it is not reported twice.
 */
#include "config.h"

#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WRITE_TRIES = 10 };

static int negative(int result)
{
	return result < 0 ? -errno : result;
}

static int real_open(const struct disk_ops *d, const char *path, int flags, mode_t mode)
{
	(void)d;
	return negative(open(path, flags, mode));
}

static int real_close(const struct disk_ops *d, int fd)
{
	(void)d;
	return negative(close(fd));
}

static int real_stat(const struct disk_ops *d, const char *path, struct stat *ret)
{
	(void)d;
	return negative(stat(path, ret));
}

static int real_fstat(const struct disk_ops *d, int fd, struct stat *ret)
{
	(void)d;
	return negative(fstat(fd, ret));
}

static ssize_t real_pread(const struct disk_ops *d, int fd, void *buf, size_t len, uint64_t offset)
{
	(void)d;
	ssize_t n = pread(fd, buf, len, (off_t)offset);

	return n < 0 ? -errno : n;
}

static ssize_t real_pwritev(const struct disk_ops *d, int fd, const struct iovec *iov, int count, uint64_t offset)
{
	(void)d;
	ssize_t n = pwritev(fd, iov, count, (off_t)offset);

	return n < 0 ? -errno : n;
}

static int real_fdatasync(const struct disk_ops *d, int fd)
{
	(void)d;
	return negative(fdatasync(fd));
}

static int real_fsync(const struct disk_ops *d, int fd)
{
	(void)d;
	return negative(fsync(fd));
}

static int real_ftruncate(const struct disk_ops *d, int fd, uint64_t size)
{
	(void)d;
	return negative(ftruncate(fd, (off_t)size));
}

static int real_fallocate(const struct disk_ops *d, int fd, int mode, uint64_t offset, uint64_t len)
{
	(void)d;
	return negative(fallocate(fd, mode, (off_t)offset, (off_t)len));
}

static int real_fchown(const struct disk_ops *d, int fd, uid_t uid, gid_t gid)
{
	(void)d;
	return negative(fchown(fd, uid, gid));
}

static int real_fchmod(const struct disk_ops *d, int fd, mode_t mode)
{
	(void)d;
	return negative(fchmod(fd, mode));
}

static int real_dup3(const struct disk_ops *d, int from, int to, int flags)
{
	(void)d;
	return negative(dup3(from, to, flags));
}

static int real_rename(const struct disk_ops *d, const char *from, const char *to)
{
	(void)d;
	return negative(rename(from, to));
}

static int real_renameat2(const struct disk_ops *d, const char *from, const char *to, unsigned flags)
{
	(void)d;
	return negative(renameat2(AT_FDCWD, from, AT_FDCWD, to, flags));
}

static int real_link(const struct disk_ops *d, const char *from, const char *to)
{
	(void)d;
	return negative(link(from, to));
}

static int real_unlink(const struct disk_ops *d, const char *path)
{
	(void)d;
	return negative(unlink(path));
}

static int real_flock(const struct disk_ops *d, int fd, int operation)
{
	(void)d;
	return negative(flock(fd, operation));
}

static int real_mmap(const struct disk_ops *d, size_t len, int fd, void **ret)
{
	(void)d;
	*ret = mmap(NULL, len, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
	return *ret == MAP_FAILED ? -errno : 0;
}

static int real_munmap(const struct disk_ops *d, void *base, size_t len)
{
	(void)d;
	return negative(munmap(base, len));
}

static int real_fstatfs(const struct disk_ops *d, int fd, struct statfs *ret)
{
	(void)d;
	return negative(fstatfs(fd, ret));
}

static int real_ask(const struct disk_ops *d, int fd)
{
	struct statx st;

	(void)d;
	return negative(statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &st));
}

static int64_t real_size(const struct disk_ops *d, int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);

	(void)d;
	return end < 0 ? -errno : end;
}

static ssize_t real_append(const struct disk_ops *d, int fd, const struct iovec *iov, int count, uint64_t offset)
{
	ssize_t n = pwritev2(fd, iov, count, (off_t)offset, RWF_APPEND);

	if (n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
		return d->pwritev(d, fd, iov, count, offset);
	return n < 0 ? -errno : n;
}

static int real_drop(const struct disk_ops *d, int fd, uint64_t offset, uint64_t len)
{
	(void)d;
	return -posix_fadvise(fd, (off_t)offset, (off_t)len, POSIX_FADV_DONTNEED);
}

static int real_remap(const struct disk_ops *d, void *address, size_t len, int fd, uint64_t offset)
{
	(void)d;
	return mmap(address, len, PROT_READ, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, (off_t)offset) == MAP_FAILED ? -errno
														      : 0;
}

static int real_map_private(const struct disk_ops *d, size_t len, int fd, uint64_t offset, void **ret)
{
	(void)d;
	*ret = mmap(*ret, len, PROT_READ, MAP_PRIVATE | MAP_NORESERVE | (*ret == NULL ? 0 : MAP_FIXED), fd, (off_t)offset);
	return *ret == MAP_FAILED ? -errno : 0;
}

const struct disk_ops disk_real = {
    .open = real_open,
    .close = real_close,
    .stat = real_stat,
    .fstat = real_fstat,
    .pread = real_pread,
    .pwritev = real_pwritev,
    .fdatasync = real_fdatasync,
    .fsync = real_fsync,
    .ftruncate = real_ftruncate,
    .fallocate = real_fallocate,
    .fchown = real_fchown,
    .fchmod = real_fchmod,
    .dup3 = real_dup3,
    .rename = real_rename,
    .renameat2 = real_renameat2,
    .link = real_link,
    .unlink = real_unlink,
    .flock = real_flock,
    .mmap = real_mmap,
    .munmap = real_munmap,
    .fstatfs = real_fstatfs,
    .ask = real_ask,
    .size = real_size,
    .append = real_append,
    .drop = real_drop,
    .remap = real_remap,
    .map_private = real_map_private,
};

int disk_open(const struct disk_ops *d, const char *path, int flags, mode_t mode)
{
	int fd;

	do
		fd = d->open(d, path, flags, mode);
	while (fd == -EINTR);
	return fd;
}

int disk_ftruncate(const struct disk_ops *d, int fd, uint64_t size)
{
	int err;

	do
		err = d->ftruncate(d, fd, size);
	while (err == -EINTR);
	return err;
}

int disk_fallocate(const struct disk_ops *d, int fd, int mode, uint64_t offset, uint64_t len)
{
	int err;

	do
		err = d->fallocate(d, fd, mode, offset, len);
	while (err == -EINTR);
	return err;
}

int disk_flock(const struct disk_ops *d, int fd, int operation)
{
	int err;

	do
		err = d->flock(d, fd, operation);
	while (err == -EINTR);
	return err;
}

int disk_fsync(const struct disk_ops *d, int fd)
{
	int err;

	do
		err = d->fsync(d, fd);
	while (err == -EINTR);
	return err;
}

int disk_fdatasync(const struct disk_ops *d, int fd)
{
	int err;

	do
		err = d->fdatasync(d, fd);
	while (err == -EINTR);
	return err;
}

int disk_close(const struct disk_ops *d, int fd)
{
	int err = d->close(d, fd);

	return err == -EINTR ? 0 : err;
}

typedef ssize_t (*write_fn)(const struct disk_ops *d, int fd, const struct iovec *iov, int n, uint64_t offset);

static int write_all(const struct disk_ops *d, write_fn fn, int fd, struct iovec *iov, int n, uint64_t offset,
		     uint64_t *written)
{
	int idle = 0;

	while (n > 0) {
		if (iov->iov_len == 0) {
			iov++, n--;
			continue;
		}
		ssize_t done = fn(d, fd, iov, n < IOV_MAX ? n : IOV_MAX, offset + *written);
		if (done == -EINTR)
			continue;
		if (done < 0)
			return (int)done;
		/* Not an error, but no progress either. */
		if (done == 0 && ++idle < WRITE_TRIES)
			continue;
		if (done == 0)
			return -EIO;
		*written += (uint64_t)done;
		while (n > 0 && (size_t)done >= iov->iov_len) {
			done -= (ssize_t)iov->iov_len;
			iov++, n--;
		}
		if (done > 0) {
			iov->iov_base = (char *)iov->iov_base + done;
			iov->iov_len -= (size_t)done;
		}
	}
	return 0;
}

int disk_write_all(const struct disk_ops *d, int fd, struct iovec *iov, int n, uint64_t offset)
{
	uint64_t written = 0;

	return write_all(d, d->pwritev, fd, iov, n, offset, &written);
}

int disk_append_all(const struct disk_ops *d, int fd, struct iovec *iov, int n, uint64_t offset, uint64_t *done)
{
	/* Who watches what is written need know of one call only. */
	bool own = d->append == NULL || (d->append == disk_real.append && d->pwritev != disk_real.pwritev);

	*done = 0;
	return write_all(d, own ? d->pwritev : d->append, fd, iov, n, offset, done);
}

int disk_fstatfs(const struct disk_ops *d, int fd, struct statfs *ret)
{
	return d->fstatfs == NULL ? -ENOSYS : d->fstatfs(d, fd, ret);
}

int disk_ask(const struct disk_ops *d, int fd)
{
	return d->ask == NULL ? -ENOSYS : d->ask(d, fd);
}

int64_t disk_size(const struct disk_ops *d, int fd)
{
	return d->size == NULL ? -ENOSYS : d->size(d, fd);
}

int disk_drop(const struct disk_ops *d, int fd, uint64_t offset, uint64_t len)
{
	return d->drop == NULL ? -ENOSYS : d->drop(d, fd, offset, len);
}

int disk_remap(const struct disk_ops *d, void *address, size_t len, int fd, uint64_t offset)
{
	return d->remap == NULL ? -ENOSYS : d->remap(d, address, len, fd, offset);
}

int disk_map_private(const struct disk_ops *d, size_t len, int fd, uint64_t offset, void **ret)
{
	return d->map_private == NULL ? -ENOSYS : d->map_private(d, len, fd, offset, ret);
}

int disk_read_all(const struct disk_ops *d, int fd, void *buf, size_t len, uint64_t offset)
{
	while (len > 0) {
		ssize_t n = d->pread(d, fd, buf, len, offset);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? (int)n : -ENODATA;
		buf = (char *)buf + n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* The file system beneath does not know the call. */
static bool is_missing(int err)
{
	return err == -EINVAL || err == -ENOSYS || err == -EOPNOTSUPP;
}

/* Whoever opens the file in between waits for its lock, and then finds that another file has the name. */
static int name_over_own(const struct disk_ops *d, int fd, const char *temporary, const char *path)
{
	static const char text[] = "A container is to get this name. If nothing is writing one any more, remove this file.\n";
	struct iovec bytes = {.iov_base = (void *)(uintptr_t)text, .iov_len = sizeof(text) - 1};
	struct stat st;
	int err = disk_flock(d, fd, LOCK_EX | LOCK_NB);

	/* Somebody was faster: it is theirs. */
	if (err == -EWOULDBLOCK || (err == 0 && d->fstat(d, fd, &st) == 0 && st.st_size > 0))
		return -EEXIST;
	if (err == 0)
		err = disk_write_all(d, fd, &bytes, 1, 0);
	if (err == 0)
		err = d->rename(d, temporary, path);
	if (err < 0)
		(void)d->unlink(d, path);
	return err;
}

int disk_name_new(const struct disk_ops *d, const char *temporary, const char *path)
{
	int err = d->renameat2(d, temporary, path, RENAME_NOREPLACE);

	if (!is_missing(err))
		return err;
	err = d->link(d, temporary, path);
	if (err == 0)
		(void)d->unlink(d, temporary);
	/* Those without hard links say so with EPERM, EMLINK, even EIO. Another error shows again. */
	if (err == 0 || err == -EEXIST)
		return err;
	int fd = disk_open(d, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fd;
	err = name_over_own(d, fd, temporary, path);
	(void)disk_close(d, fd);
	return err;
}

int disk_copy_owner(const struct disk_ops *d, int fd, const struct stat *like)
{
	struct stat st;
	int err = d->fstat(d, fd, &st);

	if (err == 0 && (st.st_uid != like->st_uid || st.st_gid != like->st_gid))
		err = d->fchown(d, fd, like->st_uid, like->st_gid);
	if (err == 0 && ((st.st_mode ^ like->st_mode) & 07777) != 0)
		err = d->fchmod(d, fd, like->st_mode & 07777);
	return err;
}

int disk_protection(const char *path)
{
	struct statx st;

	if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &st) < 0)
		return 0;
	return st.stx_attributes & STATX_ATTR_IMMUTABLE ? 'i' : st.stx_attributes & STATX_ATTR_APPEND ? 'a' : 0;
}

int disk_sync_parent(const struct disk_ops *d, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));

	if (dir == NULL)
		return -ENOMEM;
	int fd = disk_open(d, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	free(dir);
	if (fd < 0)
		return fd;
	int err = disk_fsync(d, fd);
	(void)disk_close(d, fd);
	/* Some file systems cannot sync a directory and need not. */
	return err == -EINVAL || err == -ENOSYS || err == -EOPNOTSUPP ? 0 : err;
}
