/*
 * lock.c - one writer for a container: an flock(2) on the file itself, so that it ends with its
 * holder, however that ends. Says who holds it. Readers take no lock.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "store.h"

enum { RETRY_MS = 20, PROGRAM_NAME_MAX = 64 };

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

/* The name of a process's program; "unknown" where /proc does not tell. False: there is no such process, as far as it tells. */
static bool program_of(long pid, char name[PROGRAM_NAME_MAX])
{
	char path[64];
	FILE *f;

	snprintf(name, PROGRAM_NAME_MAX, "unknown");
	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return access("/proc/self", F_OK) < 0;
	if (fgets(name, PROGRAM_NAME_MAX, f) == NULL)
		snprintf(name, PROGRAM_NAME_MAX, "unknown");
	name[strcspn(name, "\n")] = '\0';
	(void)fclose(f);
	return true;
}

static void log_holder(struct reel *r, int fd)
{
	long pid = lock_holder(r, fd);
	char program[PROGRAM_NAME_MAX];

	if (pid > 0 && program_of(pid, program))
		reel_log(r, LOG_ERR,
			 "%s: process %ld has the container open for writing (program %s); end it (or unmount) first", r->path,
			 pid, program);
	else if (pid > 0)
		reel_log(r, LOG_ERR,
			 "%s: the container is open for writing: process %ld locked it, which has ended and left it open in "
			 "another one, or is not shown here; end that (fuser %s) first",
			 r->path, pid, r->path);
	else if (r->place.shared)
		reel_log(
		    r, LOG_ERR,
		    "%s: a program on another machine, or in another session of this one, has the container open for "
		    "writing; end it (or unmount) there first. If that machine is down, its lock ends when the file system "
		    "gives it up",
		    r->path);
	else
		reel_log(r, LOG_ERR, "%s: another process has the container open for writing; end it (or unmount) first",
			 r->path);
}

int reel_keep_writers_out(struct reel *r)
{
	int err = disk_flock(r->disk, r->fd, LOCK_SH | LOCK_NB);
	struct stat st;

	if (err == -EWOULDBLOCK) {
		log_holder(r, r->fd);
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

int lock_file(struct reel *r, int fd)
{
	static const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000L};
	uint64_t until = now_ms() + r->options.lock_wait_ms;
	int err;

	while ((err = disk_flock(r->disk, fd, LOCK_EX | LOCK_NB)) == -EWOULDBLOCK && now_ms() < until)
		nanosleep(&pause, NULL);
	if (err != -EWOULDBLOCK) {
		if (err < 0)
			reel_log(r, LOG_ERR, "%s: the container could not be locked (%s)", r->path, reel_explain(err));
		return err;
	}
	log_holder(r, fd);
	return -EBUSY;
}
