/*
 * lock.c - one writer for a container: an flock(2) on the file itself, so that it ends with its
 * holder, however that ends (holder.c says who that is). Readers take no lock.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "holder.h"

enum { RETRY_MS = 20 };

long lock_holder(struct reel *r, int fd)
{
	struct stat st;
	FILE *f;
	char *line = NULL;
	size_t room = 0;
	long pid = 0;

	if (r->disk->fstat(r->disk, fd, &st) < 0 || (f = fopen("/proc/locks", "re")) == NULL)
		return 0;
	/* "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF"; those who wait have "->" in the second column. */
	while (pid == 0 && getline(&line, &room, f) > 0) {
		long candidate;
		unsigned device_major, device_minor;
		unsigned long inode;
		if (sscanf(line, "%*[^:]: FLOCK %*s %*s %ld %x:%x:%lu", &candidate, &device_major, &device_minor, &inode) ==
			4 &&
		    makedev(device_major, device_minor) == st.st_dev && inode == st.st_ino && candidate > 0)
			pid = candidate;
	}
	free(line);
	(void)fclose(f);
	return pid;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int reel_keep_writers_out(struct reel *r)
{
	int err = disk_flock(r->disk, r->fd, LOCK_SH | LOCK_NB);
	struct stat st;

	if (err == -EWOULDBLOCK) {
		holder_tell(r, r->fd);
		return -EBUSY;
	}
	/* A writer may have been there between the opening and the lock. */
	if (err == 0)
		err = place_fresh(r, r->fd);
	if (err == 0)
		err = r->disk->fstat(r->disk, r->fd, &st);
	if (err == 0 && ((uint64_t)st.st_size != r->found_size || st.st_nlink == 0)) {
		reel_log(r, LOG_ERR, "%s: another program changed the container while it was being opened; try again", r->path);
		return -EAGAIN;
	}
	return err;
}

int reel_has_writer(struct reel *r)
{
	int err = disk_flock(r->disk, r->fd, LOCK_SH | LOCK_NB);

	if (err == 0)
		err = disk_flock(r->disk, r->fd, LOCK_UN);
	return err == -EWOULDBLOCK ? 1 : err;
}

/* Not lseek(2), which waits for a sync of the file on some file systems. */
static int64_t size_of(struct reel *r, int fd)
{
	struct stat st;

	return r->disk->fstat(r->disk, fd, &st) < 0 ? 0 : (int64_t)st.st_size;
}

/*
 * The limit is for holders that somebody has to end. One that ends by itself is waited for, which is said once: who does not
 * want to wait can end this process, but must not end that one. `stored`: bytes since the waiting began.
 */
static bool waits_on(struct reel *r, int fd, int64_t stored, bool *told)
{
	struct holder h;

	if (!(r->options.flags & REEL_AWAIT_STORING))
		return false;
	holder_find(r, fd, &h);
	if (h.stores && !*told)
		reel_log(r, REEL_LOG_WAITING,
			 "%s: process %ld (reelfs) still stores what was written before it was unmounted (%" PRId64
			 " MB in the last %u s); waiting until it has ended. Do not end it",
			 r->path, h.pid, stored >> 20, r->options.lock_wait_ms / 1000);
	*told |= h.stores;
	return h.stores;
}

int lock_file(struct reel *r, int fd)
{
	static const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000L}, longer = {.tv_nsec = 10 * RETRY_MS * 1000000L};
	uint64_t until = now_ms() + r->options.lock_wait_ms;
	int64_t size = size_of(r, fd);
	bool told = false;
	int err;

	while ((err = disk_flock(r->disk, fd, LOCK_EX | LOCK_NB)) == -EWOULDBLOCK) {
		bool late = now_ms() >= until;
		if (late && !waits_on(r, fd, size_of(r, fd) - size, &told))
			break;
		nanosleep(late ? &longer : &pause, NULL);
	}
	if (err != -EWOULDBLOCK) {
		if (err < 0)
			reel_log(r, LOG_ERR, "%s: the container could not be locked (%s)", r->path, reel_explain(err));
		return err;
	}
	holder_tell(r, fd);
	return -EBUSY;
}
