/*
 * disk.h - every access of the store to files, as one table of functions, so that a test can put a
 * faulty or a recording disk under it. A table of its own holds its state around `struct disk_ops`
 * (the first argument of each function). It must outlive every container and entry that uses it.
 *
 * Each function is the system call of its name, with a negative errno value in place of errno. open, ftruncate,
 * fallocate, fsync, fdatasync, flock, pwritev and close can return -EINTR: outside of disk.c they are called through the
 * functions below, which go on after it.
 */
#ifndef REEL_DISK_H
#define REEL_DISK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/vfs.h>

struct disk_ops {
	int (*open)(const struct disk_ops *d, const char *path, int flags, mode_t mode);
	int (*close)(const struct disk_ops *d, int fd);
	int (*stat)(const struct disk_ops *d, const char *path, struct stat *ret);
	int (*fstat)(const struct disk_ops *d, int fd, struct stat *ret);
	ssize_t (*pread)(const struct disk_ops *d, int fd, void *buf, size_t len, uint64_t offset);
	ssize_t (*pwritev)(const struct disk_ops *d, int fd, const struct iovec *iov, int n, uint64_t offset);
	int (*fdatasync)(const struct disk_ops *d, int fd);
	int (*fsync)(const struct disk_ops *d, int fd);
	int (*ftruncate)(const struct disk_ops *d, int fd, uint64_t size);
	int (*fallocate)(const struct disk_ops *d, int fd, int mode, uint64_t offset, uint64_t len);
	int (*fchown)(const struct disk_ops *d, int fd, uid_t uid, gid_t gid);
	int (*fchmod)(const struct disk_ops *d, int fd, mode_t mode);
	int (*dup3)(const struct disk_ops *d, int from, int to, int flags);
	int (*rename)(const struct disk_ops *d, const char *from, const char *to);
	int (*renameat2)(const struct disk_ops *d, const char *from, const char *to, unsigned flags); /* paths as rename's */
	int (*link)(const struct disk_ops *d, const char *from, const char *to);
	int (*unlink)(const struct disk_ops *d, const char *path);
	int (*flock)(const struct disk_ops *d, int fd, int operation);
	int (*mmap)(const struct disk_ops *d, size_t len, int fd, void **ret); /* PROT_READ, MAP_SHARED, from offset 0 */
	int (*munmap)(const struct disk_ops *d, void *base, size_t len);
	/* From here on a table may have NULL: it is then as if the system knew no such call (see the functions below). */
	int (*fstatfs)(const struct disk_ops *d, int fd, struct statfs *ret);
	int (*ask)(const struct disk_ops *d, int fd);      /* statx(2) that asks the file system's server, whatever is cached */
	int64_t (*size)(const struct disk_ops *d, int fd); /* lseek(2) to the end */
	/* pwritev2(2) with RWF_APPEND: at the end of the file, wherever that is; `offset` is for systems that cannot. */
	ssize_t (*append)(const struct disk_ops *d, int fd, const struct iovec *iov, int n, uint64_t offset);
	int (*drop)(const struct disk_ops *d, int fd, uint64_t offset, uint64_t len); /* posix_fadvise(2): not from the cache */
	/* mmap(2) as above, of a part of the file over a part of an earlier mapping */
	int (*remap)(const struct disk_ops *d, void *address, size_t len, int fd, uint64_t offset);
	/* mmap(2) with MAP_PRIVATE; over a part of an earlier one (*ret), unless that is NULL */
	int (*map_private)(const struct disk_ops *d, size_t len, int fd, uint64_t offset, void **ret);
};

/* The system's own. */
extern const struct disk_ops disk_real;

int disk_open(const struct disk_ops *d, const char *path, int flags, mode_t mode);
int disk_ftruncate(const struct disk_ops *d, int fd, uint64_t size);
int disk_fallocate(const struct disk_ops *d, int fd, int mode, uint64_t offset, uint64_t len);
int disk_flock(const struct disk_ops *d, int fd, int operation);
/* Another error than -EINTR is not reported twice: a sync that failed must not be tried again. */
int disk_fsync(const struct disk_ops *d, int fd);
int disk_fdatasync(const struct disk_ops *d, int fd);
/* The descriptor is gone, whatever is returned. */
int disk_close(const struct disk_ops *d, int fd);

/*
 * Writes all of iov at `offset`, going on after signals and short writes. Changes iov. 0 or a
 * negative errno value; what was written before an error is not told.
 */
int disk_write_all(const struct disk_ops *d, int fd, struct iovec *iov, int n, uint64_t offset);

/*
 * The same at the end of the file, which should be at `offset` and is never written over: with RWF_APPEND where there is
 * that, and where the table leaves pwritev to the system. *done gets the bytes written, also after an error.
 */
int disk_append_all(const struct disk_ops *d, int fd, struct iovec *iov, int n, uint64_t offset, uint64_t *done);

/* The calls that a table may lack. -ENOSYS: it does. */
int disk_fstatfs(const struct disk_ops *d, int fd, struct statfs *ret);
int disk_ask(const struct disk_ops *d, int fd);
int64_t disk_size(const struct disk_ops *d, int fd);
int disk_drop(const struct disk_ops *d, int fd, uint64_t offset, uint64_t len);
int disk_remap(const struct disk_ops *d, void *address, size_t len, int fd, uint64_t offset);
int disk_map_private(const struct disk_ops *d, size_t len, int fd, uint64_t offset, void **ret);

/* Reads all of `len` bytes. -ENODATA: the file ends before. */
int disk_read_all(const struct disk_ops *d, int fd, void *buf, size_t len, uint64_t offset);

/*
 * Gives the file `temporary` the name `path`, which nothing may have: -EEXIST. Never replaces a file, but for one of its
 * own: where the file system has neither a rename that does not replace nor hard links, the name is taken with O_EXCL first,
 * by a file that is no container, and locked until the rename has replaced it.
 */
int disk_name_new(const struct disk_ops *d, const char *temporary, const char *path);

/*
 * The file gets owner and mode of `like`. What it has already is not asked for: some file systems give all files the same,
 * and refuse.
 */
int disk_copy_owner(const struct disk_ops *d, int fd, const struct stat *like);

/* Whether the file is append-only, or immutable (chattr(1)): 'a', 'i', or 0: neither, or it is not known. */
int disk_protection(const char *path);

/* The directory entry of `path` is on stable storage afterwards. */
int disk_sync_parent(const struct disk_ops *d, const char *path);

#endif
