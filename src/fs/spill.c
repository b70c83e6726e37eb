/*
 * spill.c - an unnamed temporary file in the container's folder.
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
#include <unistd.h>

/* The name of a file for the moment between its making and its unlinking. */
#define TEMPLATE ".reelfs-spill-XXXXXX"

enum { WRITE_TRIES = 10 };

/* For file systems without O_TMPFILE. */
static int open_unlinked(int dir)
{
	char path[PATH_MAX];
	int fd;
	do {
		snprintf(path, sizeof(path), "/proc/self/fd/%d/" TEMPLATE, dir);
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

int spill_open(int dir, atomic_bool *no_tmpfile)
{
	if (!atomic_load(no_tmpfile)) {
		int fd;
		do
			fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		while (fd < 0 && errno == EINTR);
		if (fd >= 0)
			return fd;
		if (errno != EOPNOTSUPP && errno != EISDIR)
			return -errno;
		atomic_store(no_tmpfile, true);
	}
	return open_unlinked(dir);
}

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
