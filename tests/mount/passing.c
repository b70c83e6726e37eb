/*
 * passing.c - a file system that passes everything on to a folder, as a network file system passes it on to its server:
 * the kernel may believe for some seconds what it was told of names and attributes. Two mounts over one folder are two
 * machines. For the tests on a container that lies in one.
 *
 * passing FOLDER MOUNTPOINT [OPTION...], in the foreground:
 *   timeout=SECONDS  how long names and attributes are believed (5)
 *   cache            the kernel keeps contents across openings
 *   locks            flock(2) goes on to the folder; otherwise the kernel keeps it to this mount
 *   nosync           fsync(2) fails with EINVAL
 * What other file systems lack:
 *   direct           nothing is cached, and no file can be mapped MAP_SHARED
 *   norename         renameat2(2) knows no flags (there are no hard links anyhow)
 *   flat             all files belong to root and have mode 0755, and that cannot be changed
 *   noino            inode numbers are the kernel's, and others after a while
 *   nodirsync        fsync(2) of a folder fails with EINVAL
 *   coarse           times have two seconds
 *   nolocks          flock(2) fails with ENOLCK
 *   nostatfs         statfs(2) tells zeros
 *   largest=BYTES    no file can be larger: EFBIG
 * While there is a file "MOUNTPOINT.slow", fsync(2) does not return.
 * While there is a file "MOUNTPOINT.fail", reading contents fails with EIO: all; with "FROM TO" in it just what has some of
 * these bytes; with "FROM TO all" this, and all from then on. SIGUSR1 takes all locks away without a word.
 */
#define FUSE_USE_VERSION 312
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { LOCKED_MAX = 4096 };

static const char *folder;
static char fail_file[PATH_MAX];
static double timeout = 5;
static bool keep_cache, no_sync, direct, no_rename_flags, flat, no_ino, coarse;
static char slow_file[PATH_MAX];
static long long largest = LLONG_MAX;
static volatile sig_atomic_t locked[LOCKED_MAX]; /* descriptors with a lock */

static int result(int r)
{
	return r < 0 ? -errno : r;
}

struct real {
	char path[PATH_MAX];
};

static const char *real(const char *path, struct real *r)
{
	snprintf(r->path, sizeof(r->path), "%s%s", folder, path);
	return r->path;
}

static int fd_of(const struct fuse_file_info *fi)
{
	return (int)fi->fh;
}

static void take_locks_away(int sig)
{
	(void)sig;
	for (int fd = 0; fd < LOCKED_MAX; fd++) {
		if (locked[fd])
			(void)flock(fd, LOCK_UN);
		locked[fd] = 0;
	}
}

static void *pass_init(struct fuse_conn_info *conn, struct fuse_config *config)
{
	(void)conn;
	config->attr_timeout = config->entry_timeout = timeout;
	config->kernel_cache = keep_cache;
	config->use_ino = !no_ino;
	config->hard_remove = 1;
	config->nullpath_ok = 1;
	return NULL;
}

static int pass_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	struct real r = {""};
	int res = result(fi ? fstat(fd_of(fi), st) : lstat(real(path, &r), st));

	if (res == 0 && flat) {
		st->st_uid = st->st_gid = 0;
		st->st_mode = (st->st_mode & S_IFMT) | 0755;
	}
	if (res == 0 && coarse) {
		st->st_mtim = (struct timespec){.tv_sec = st->st_mtim.tv_sec & ~1L};
		st->st_ctim = (struct timespec){.tv_sec = st->st_ctim.tv_sec & ~1L};
	}
	return res;
}

static int pass_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *fi,
			enum fuse_readdir_flags flags)
{
	struct real r = {""};
	DIR *d = opendir(real(path, &r));

	(void)offset, (void)fi, (void)flags;
	if (d == NULL)
		return -errno;
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		fill(buf, e->d_name, NULL, 0, 0);
	closedir(d);
	return 0;
}

static int opened(int fd, struct fuse_file_info *fi)
{
	if (fd < 0)
		return -errno;
	fi->fh = (uint64_t)fd;
	fi->direct_io = direct;
	return 0;
}

static int pass_open(const char *path, struct fuse_file_info *fi)
{
	struct real r = {""};

	return opened(open(real(path, &r), fi->flags & ~O_APPEND), fi);
}

static int pass_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	struct real r = {""};

	return opened(open(real(path, &r), (fi->flags & ~O_APPEND) | O_CREAT, mode), fi);
}

static bool fails(uint64_t from, uint64_t to)
{
	static atomic_bool all;
	unsigned long long first = 0, end = ULLONG_MAX;
	char word[4] = "";
	FILE *f = fopen(fail_file, "re");

	if (f == NULL) {
		all = false;
		return false;
	}
	if (fscanf(f, "%llu %llu %3s", &first, &end, word) < 2)
		first = 0, end = ULLONG_MAX;
	(void)fclose(f);
	if (from < end && to > first && word[0] != '\0')
		all = true;
	return all || (from < end && to > first);
}

static int pass_read(const char *path, char *buf, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)path;
	if (fails((uint64_t)offset, (uint64_t)offset + size))
		return -EIO;
	return result((int)pread(fd_of(fi), buf, size, offset));
}

static int pass_write(const char *path, const char *buf, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)path;
	if (offset >= largest)
		return -EFBIG;
	if (largest - offset < (long long)size)
		size = (size_t)(largest - offset);
	return result((int)pwrite(fd_of(fi), buf, size, offset));
}

static int pass_release(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	if (fd_of(fi) < LOCKED_MAX)
		locked[fd_of(fi)] = 0;
	close(fd_of(fi));
	return 0;
}

static int pass_fsync(const char *path, int datasync, struct fuse_file_info *fi)
{
	(void)path;
	if (no_sync)
		return -EINVAL;
	while (access(slow_file, F_OK) == 0)
		usleep(10000);
	return result(datasync ? fdatasync(fd_of(fi)) : fsync(fd_of(fi)));
}

static int no_dir_sync(const char *path, int datasync, struct fuse_file_info *fi)
{
	(void)path, (void)datasync, (void)fi;
	return -EINVAL;
}

static int no_flock(const char *path, struct fuse_file_info *fi, int operation)
{
	(void)path, (void)fi, (void)operation;
	return -ENOLCK;
}

static int no_statfs(const char *path, struct statvfs *st)
{
	(void)path;
	memset(st, 0, sizeof(*st));
	return 0;
}

static int pass_flock(const char *path, struct fuse_file_info *fi, int operation)
{
	int fd = fd_of(fi), r = flock(fd, operation | LOCK_NB);

	(void)path;
	if (r == 0 && fd < LOCKED_MAX)
		locked[fd] = (operation & LOCK_UN) == 0;
	return result(r);
}

static int pass_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	struct real r = {""};

	return result(fi ? ftruncate(fd_of(fi), size) : truncate(real(path, &r), size));
}

static int pass_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	struct real r = {""};

	if (flat)
		return -EPERM;
	return result(fi ? fchmod(fd_of(fi), mode) : chmod(real(path, &r), mode));
}

static int pass_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
	struct real r = {""};

	if (flat)
		return -EPERM;
	return result(fi ? fchown(fd_of(fi), uid, gid) : lchown(real(path, &r), uid, gid));
}

static int pass_unlink(const char *path)
{
	struct real r = {""};

	return result(unlink(real(path, &r)));
}

static int pass_rename(const char *from, const char *to, unsigned flags)
{
	struct real a = {""}, b = {""};

	if (no_rename_flags && flags != 0)
		return -EINVAL;
	return result(renameat2(AT_FDCWD, real(from, &a), AT_FDCWD, real(to, &b), flags));
}

static int pass_statfs(const char *path, struct statvfs *st)
{
	struct real r = {""};

	return result(statvfs(real(path, &r), st));
}

static struct fuse_operations operations = {
    .init = pass_init,
    .getattr = pass_getattr,
    .readdir = pass_readdir,
    .open = pass_open,
    .create = pass_create,
    .read = pass_read,
    .write = pass_write,
    .release = pass_release,
    .fsync = pass_fsync,
    .truncate = pass_truncate,
    .chmod = pass_chmod,
    .chown = pass_chown,
    .unlink = pass_unlink,
    .rename = pass_rename,
    .statfs = pass_statfs,
};

static void take_lack(const char *option)
{
	direct |= strcmp(option, "direct") == 0;
	no_rename_flags |= strcmp(option, "norename") == 0;
	flat |= strcmp(option, "flat") == 0;
	no_ino |= strcmp(option, "noino") == 0;
	coarse |= strcmp(option, "coarse") == 0;
	if (strcmp(option, "nodirsync") == 0)
		operations.fsyncdir = no_dir_sync;
	if (strcmp(option, "nolocks") == 0)
		operations.flock = no_flock;
	if (strcmp(option, "nostatfs") == 0)
		operations.statfs = no_statfs;
	if (strncmp(option, "largest=", 8) == 0)
		largest = atoll(option + 8);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = take_locks_away};
	char *arguments[] = {argv[0], argv[2], (char *)"-f", (char *)"-ofsname=passing,subtype=passing", NULL};

	if (argc < 3) {
		fprintf(stderr, "usage: passing FOLDER MOUNTPOINT [OPTION...]\n");
		return 2;
	}
	folder = argv[1];
	snprintf(fail_file, sizeof(fail_file), "%s.fail", argv[2]);
	snprintf(slow_file, sizeof(slow_file), "%s.slow", argv[2]);
	for (int i = 3; i < argc; i++) {
		if (strncmp(argv[i], "timeout=", 8) == 0)
			timeout = atof(argv[i] + 8);
		keep_cache |= strcmp(argv[i], "cache") == 0;
		no_sync |= strcmp(argv[i], "nosync") == 0;
		if (strcmp(argv[i], "locks") == 0)
			operations.flock = pass_flock;
		take_lack(argv[i]);
	}
	sigaction(SIGUSR1, &action, NULL);
	return fuse_main(4, arguments, &operations, NULL);
}
