/*
 * failing.c - see failing.h. Unlocking, unmapping and the system's own cleaning up never fail.
 */
#include "config.h"

#include "failing.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* How a call can fail, beside EIO. */
enum { TAKES_ROOM = 1, INTERRUPTIBLE = 2, WRITES = 4, READS = 8 };

/* The disk that spill files are on: one at a time. */
static struct failing *current;
static bool all_paused;

static struct failing *self(const struct disk_ops *d)
{
	return (struct failing *)(uintptr_t)d;
}

static bool concerns(enum fault fault, unsigned how)
{
	switch (fault) {
	case FAULT_ROOM:
		return how & TAKES_ROOM;
	case FAULT_INTERRUPTED:
		return how & INTERRUPTIBLE;
	case FAULT_SHORT:
		return how & (WRITES | READS);
	case FAULT_NOTHING:
		return how & WRITES;
	default:
		return true;
	}
}

/* Whether this call is one that fails. */
static bool fails(struct failing *f, const char *name, unsigned how)
{
	if (f->dead && *f->dead)
		return true;
	if ((f->paused && *f->paused) || all_paused || !concerns(f->fault, how))
		return false;
	f->calls++;
	if (f->at == 0 || (f->for_ever ? f->calls < f->at : f->calls != f->at))
		return false;
	if (!f->failed)
		f->failed = name;
	return true;
}

/* The same, of a call for this file. */
static bool fails_on(struct failing *f, int fd, const char *name, unsigned how)
{
	bool first = !f->failed;
	struct stat st;

	if (!fails(f, name, how))
		return false;
	if (first)
		f->nameless = fstat(fd, &st) == 0 && st.st_nlink == 0;
	return true;
}

static int error_of(const struct failing *f)
{
	return f->fault == FAULT_ROOM ? -ENOSPC : f->fault == FAULT_INTERRUPTED ? -EINTR : -EIO;
}

#define CALL(name, how, ...)                                                                                                   \
	struct failing *f = self(d);                                                                                           \
	if (fails(f, #name, how))                                                                                              \
		return error_of(f);                                                                                            \
	return f->below->name(f->below, __VA_ARGS__)

static int failing_open(const struct disk_ops *d, const char *path, int flags, mode_t mode)
{
	CALL(open, INTERRUPTIBLE | (flags & O_CREAT ? TAKES_ROOM : 0), path, flags, mode);
}

/* The descriptor is closed all the same. */
static int failing_close(const struct disk_ops *d, int fd)
{
	struct failing *f = self(d);
	int r = f->below->close(f->below, fd);

	return fails(f, "close", INTERRUPTIBLE) ? error_of(f) : r;
}

static int failing_stat(const struct disk_ops *d, const char *path, struct stat *ret)
{
	CALL(stat, 0, path, ret);
}

static int failing_fstat(const struct disk_ops *d, int fd, struct stat *ret)
{
	CALL(fstat, 0, fd, ret);
}

static ssize_t failing_pwritev(const struct disk_ops *d, int fd, const struct iovec *iov, int n, uint64_t offset)
{
	struct failing *f = self(d);
	struct iovec half = *iov;

	if (!fails_on(f, fd, "pwritev", TAKES_ROOM | INTERRUPTIBLE | WRITES))
		return f->below->pwritev(f->below, fd, iov, n, offset);
	if (f->fault == FAULT_NOTHING)
		return 0;
	if (f->fault != FAULT_SHORT)
		return error_of(f);
	half.iov_len = (half.iov_len + 1) / 2;
	return f->below->pwritev(f->below, fd, &half, 1, offset);
}

static int failing_fdatasync(const struct disk_ops *d, int fd)
{
	struct failing *f = self(d);

	if (fails_on(f, fd, "fdatasync", INTERRUPTIBLE | TAKES_ROOM))
		return error_of(f);
	return f->below->fdatasync(f->below, fd);
}

static int failing_fsync(const struct disk_ops *d, int fd)
{
	CALL(fsync, INTERRUPTIBLE | TAKES_ROOM, fd);
}

static int failing_ftruncate(const struct disk_ops *d, int fd, uint64_t size)
{
	CALL(ftruncate, INTERRUPTIBLE, fd, size);
}

static int failing_fallocate(const struct disk_ops *d, int fd, int mode, uint64_t offset, uint64_t len)
{
	CALL(fallocate, INTERRUPTIBLE | TAKES_ROOM, fd, mode, offset, len);
}

static int failing_fchown(const struct disk_ops *d, int fd, uid_t uid, gid_t gid)
{
	CALL(fchown, 0, fd, uid, gid);
}

static int failing_fchmod(const struct disk_ops *d, int fd, mode_t mode)
{
	CALL(fchmod, 0, fd, mode);
}

static int failing_dup3(const struct disk_ops *d, int from, int to, int flags)
{
	CALL(dup3, INTERRUPTIBLE, from, to, flags);
}

static int failing_rename(const struct disk_ops *d, const char *from, const char *to)
{
	CALL(rename, TAKES_ROOM, from, to);
}

static int failing_renameat2(const struct disk_ops *d, const char *from, const char *to, unsigned flags)
{
	CALL(renameat2, TAKES_ROOM, from, to, flags);
}

static int failing_link(const struct disk_ops *d, const char *from, const char *to)
{
	CALL(link, TAKES_ROOM, from, to);
}

static int failing_unlink(const struct disk_ops *d, const char *path)
{
	CALL(unlink, 0, path);
}

static int failing_flock(const struct disk_ops *d, int fd, int operation)
{
	CALL(flock, INTERRUPTIBLE, fd, operation);
}

static int failing_mmap(const struct disk_ops *d, size_t len, int fd, void **ret)
{
	CALL(mmap, 0, len, fd, ret);
}

static int failing_munmap(const struct disk_ops *d, void *base, size_t len)
{
	return self(d)->below->munmap(self(d)->below, base, len);
}

void failing_begin(struct failing *f, const struct disk_ops *below, enum fault fault, unsigned long at, bool for_ever)
{
	*f = (struct failing){
	    .ops =
		{
		    .open = failing_open,
		    .close = failing_close,
		    .stat = failing_stat,
		    .fstat = failing_fstat,
		    .pread = below->pread,
		    .pwritev = failing_pwritev,
		    .fdatasync = failing_fdatasync,
		    .fsync = failing_fsync,
		    .ftruncate = failing_ftruncate,
		    .fallocate = failing_fallocate,
		    .fchown = failing_fchown,
		    .fchmod = failing_fchmod,
		    .dup3 = failing_dup3,
		    .rename = failing_rename,
		    .renameat2 = failing_renameat2,
		    .link = failing_link,
		    .unlink = failing_unlink,
		    .flock = failing_flock,
		    .mmap = failing_mmap,
		    .munmap = failing_munmap,
		},
	    .below = below,
	    .fault = fault,
	    .at = at,
	    .for_ever = for_ever,
	};
	current = f;
}

void failing_end(struct failing *f)
{
	if (current == f)
		current = NULL;
}

void failing_pause(bool on)
{
	all_paused = on;
}

/* --- spill files ------------------------------------------------------------------------------------------------ */

static bool spill_fails(const char *name, unsigned how)
{
	return current && fails(current, name, how);
}

static int spill_error(void)
{
	errno = -error_of(current);
	return -1;
}

int spilled_openat(int dir, const char *path, int flags, mode_t mode)
{
	return spill_fails("openat", TAKES_ROOM | INTERRUPTIBLE) ? spill_error() : openat(dir, path, flags, mode);
}

ssize_t spilled_pwrite(int fd, const void *data, size_t len, off_t offset)
{
	if (!spill_fails("pwrite", TAKES_ROOM | INTERRUPTIBLE | WRITES))
		return pwrite(fd, data, len, offset);
	if (current->fault == FAULT_NOTHING)
		return 0;
	return current->fault == FAULT_SHORT ? pwrite(fd, data, (len + 1) / 2, offset) : spill_error();
}

ssize_t spilled_pread(int fd, void *data, size_t len, off_t offset)
{
	if (!spill_fails("pread", INTERRUPTIBLE | READS))
		return pread(fd, data, len, offset);
	return current->fault == FAULT_SHORT ? pread(fd, data, (len + 1) / 2, offset) : spill_error();
}

int spilled_fallocate(int fd, int mode, off_t offset, off_t len)
{
	return spill_fails("fallocate", INTERRUPTIBLE | TAKES_ROOM) ? spill_error() : fallocate(fd, mode, offset, len);
}
