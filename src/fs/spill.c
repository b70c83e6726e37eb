/*
 * spill.c - an unnamed temporary file: in the container's folder, or where that takes none, elsewhere.
 * Never syncs: what a spill file holds was not promised to anybody. A call that a signal interrupted is made again.
 */
#include "config.h"

#include "spill.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The name of a file for the moment between its making and its unlinking. */
#define TEMPLATE ".reelfs-spill-XXXXXX"

enum { WRITE_TRIES = 10 };

/* For file systems without O_TMPFILE. */
static int open_unlinked(const char *folder)
{
	char path[PATH_MAX];
	int fd;
	do {
		if (snprintf(path, sizeof(path), "%s/" TEMPLATE, folder) >= (int)sizeof(path))
			return -ENAMETOOLONG;
		fd = mkostemp(path, O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;
	if (unlink(path) < 0) {
		int ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

/* *no_tmpfile: it is known that the file system there has no O_TMPFILE. */
static int open_in_folder(int dir, atomic_bool *no_tmpfile)
{
	char folder[64];
	int fd;
	if (!atomic_load(no_tmpfile)) {
		do
			fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		while (fd < 0 && errno == EINTR);
		if (fd >= 0)
			return fd;
		if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOSYS)
			return -errno;
		atomic_store(no_tmpfile, true);
	}
	snprintf(folder, sizeof(folder), "/proc/self/fd/%d", dir);
	return open_unlinked(folder);
}

/* --- places ----------------------------------------------------------------------------------------- */

static int open_folder(const char *folder)
{
	struct statfs fs;
	int dir = folder && folder[0] == '/' ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dir >= 0 && (fstatfs(dir, &fs) < 0 || fs.f_type == FUSE_SUPER_MAGIC)) {
		close(dir);
		dir = -1;
	}
	return dir;
}

void spill_places_find(int dir, struct spill_places *places)
{
	bool takes_files = faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) == 0;
	*places = (struct spill_places){.folder = {secure_getenv("TMPDIR"), "/var/tmp", "/tmp"}};
	for (size_t i = 0; i < SPILL_FOLDERS; i++)
		places->dir[i] = takes_files ? -1 : open_folder(places->folder[i]);
}

void spill_places_end(struct spill_places *places)
{
	for (size_t i = 0; i < SPILL_FOLDERS; i++)
		if (places->dir[i] >= 0)
			close(places->dir[i]);
}

/* Another folder would change nothing about it, or the disk that the container needs is the one that is full. */
static bool is_final(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

/* Where the container's folder takes no files, in this order. The last resort is memory. */
static int open_elsewhere(struct spill_places *places)
{
	int fd = -EACCES;
	for (size_t i = 0; i < SPILL_FOLDERS; i++) {
		if (places->dir[i] < 0)
			continue;
		fd = open_in_folder(places->dir[i], &places->no_tmpfile_there[i]);
		if (fd >= 0) {
			atomic_store(&places->elsewhere, places->folder[i]);
			return fd;
		}
		if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM)
			return fd;
	}
	do
		fd = memfd_create("reelfs-spill", MFD_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd >= 0)
		atomic_store(&places->elsewhere, SPILL_MEMORY);
	return fd < 0 ? -errno : fd;
}

int spill_open(int dir, struct spill_places *places, bool *in_memory)
{
	int fd = open_in_folder(dir, &places->no_tmpfile);
	*in_memory = false;
	if (fd >= 0 || is_final(fd))
		return fd;
	atomic_store(&places->refusal, fd);
	fd = open_elsewhere(places);
	*in_memory = fd >= 0 && atomic_load(&places->elsewhere) == SPILL_MEMORY;
	return fd;
}

const char SPILL_MEMORY[] = "memory";

int spill_write(int fd, const void *data, size_t len, uint64_t off)
{
	const uint8_t *from = data;
	int idle = 0;
	while (len > 0) {
		ssize_t n = pwrite(fd, from, len, (off_t)off);
		/* Nothing written is not an error, but no progress either. */
		if ((n < 0 && errno == EINTR) || (n == 0 && ++idle < WRITE_TRIES))
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		from += n;
		len -= (size_t)n;
		off += (uint64_t)n;
	}
	return 0;
}

int spill_read(int fd, void *buf, size_t len, uint64_t off)
{
	uint8_t *to = buf;
	while (len > 0) {
		ssize_t n = pread(fd, to, len, (off_t)off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		to += n;
		len -= (size_t)n;
		off += (uint64_t)n;
	}
	return 0;
}

void spill_release(int fd, uint64_t start, uint64_t end)
{
	/* Where this fails, the space is in use until the file is closed; nothing else depends on it. */
	(void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)start, (off_t)(end - start));
}
