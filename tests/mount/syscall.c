/*
 * syscall.c - single system calls, and sequences within one process, that a shell script cannot make.
 * Usage: syscall NAME ARGUMENT...; exits with 0, or with 1 after a line on standard error that names the call that
 * failed and its errno value, or what was seen instead of what was expected.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

static void die(const char *call) __attribute__((noreturn));
static void die(const char *call)
{
	fprintf(stderr, "%s: %s\n", call, strerrorname_np(errno));
	exit(1);
}

static void expect(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "not as expected: %s\n", what);
	exit(1);
}

static bool before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd < 0)
		die("open");
	return fd;
}

static void rename_with(char **arg, unsigned flags)
{
	if (renameat2(AT_FDCWD, arg[0], AT_FDCWD, arg[1], flags) < 0)
		die("renameat2");
}

static void rename_exchange(char **arg)
{
	rename_with(arg, RENAME_EXCHANGE);
}

static void rename_noreplace(char **arg)
{
	rename_with(arg, RENAME_NOREPLACE);
}

static void rename_whiteout(char **arg)
{
	rename_with(arg, RENAME_WHITEOUT);
}

static void create_exclusive(char **arg)
{
	close(open_file(arg[0], O_CREAT | O_EXCL | O_WRONLY));
}

static void make_socket(char **arg)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", arg[0]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("bind");
	close(fd);
}

/* What is stored through a shared mapping is read(2) at once, and what is written is seen in the mapping. */
static void mmap_shared(char **arg)
{
	int fd = open_file(arg[0], O_RDWR);
	char *map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char byte;

	if (map == MAP_FAILED)
		die("mmap");
	map[PAGE] = 'M';
	if (pread(fd, &byte, 1, PAGE) != 1)
		die("pread");
	expect(byte == 'M', "a byte stored in the mapping is read");
	if (pwrite(fd, "W", 1, 2 * PAGE) != 1)
		die("pwrite");
	expect(map[2 * PAGE] == 'W', "a byte written is in the mapping");
	if (munmap(map, 3 * PAGE) < 0 || close(fd) < 0)
		die("munmap, close");
}

/* As mmap_shared, with the file closed before the store, and msync(2). */
static void mmap_after_close(char **arg)
{
	int fd = open_file(arg[0], O_RDWR);
	char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		die("mmap");
	if (close(fd) < 0)
		die("close");
	memcpy(map, "closed", 6);
	if (msync(map, PAGE, MS_SYNC) < 0)
		die("msync");
	if (munmap(map, PAGE) < 0)
		die("munmap");
}

static void mmap_private(char **arg)
{
	int fd = open_file(arg[0], O_RDONLY);
	char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char byte;

	if (map == MAP_FAILED)
		die("mmap");
	map[0] = 'P';
	if (pread(fd, &byte, 1, 0) != 1)
		die("pread");
	expect(byte != 'P', "a byte stored in a private mapping stays there");
	if (munmap(map, PAGE) < 0 || close(fd) < 0)
		die("munmap, close");
}

static DIR *open_dir(const char *path)
{
	DIR *dir = opendir(path);

	if (dir == NULL)
		die("opendir");
	return dir;
}

/* The next name but "." and "..", or NULL. */
static const char *next_name(DIR *dir)
{
	struct dirent *entry;

	errno = 0;
	do
		entry = readdir(dir);
	while (entry != NULL && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	if (entry == NULL && errno != 0)
		die("readdir");
	return entry != NULL ? entry->d_name : NULL;
}

/* Reads a directory and removes each file as soon as its name comes; says how many came. */
static void read_and_remove(char **arg)
{
	DIR *dir = open_dir(arg[0]);
	const char *name;
	long n = 0;

	for (; (name = next_name(dir)) != NULL; n++)
		if (unlinkat(dirfd(dir), name, 0) < 0)
			die("unlinkat");
	printf("%ld\n", n);
	closedir(dir);
}

/*
 * Reads a directory, and between any two names makes one that sorts nowhere in particular and removes
 * it again; prints the other names.
 */
static void read_and_change(char **arg)
{
	DIR *dir = open_dir(arg[0]);
	const char *name;
	long n = 0;

	while ((name = next_name(dir)) != NULL) {
		char extra[32];

		if (strncmp(name, "extra", 5) != 0)
			puts(name);
		snprintf(extra, sizeof(extra), "extra%ld", n++ % 7);
		close(openat(dirfd(dir), extra, O_CREAT | O_WRONLY, 0644));
		if (unlinkat(dirfd(dir), extra, 0) < 0)
			die("unlinkat");
	}
	closedir(dir);
}

/*
 * Notes the position before each name, removes every second file, then goes back to each position whose
 * name is still there: that name must come next.
 */
static void seek_back(char **arg)
{
	enum { MOST = 5000 };
	static long positions[MOST];
	static char names[MOST][NAME_MAX + 1];
	DIR *dir = open_dir(arg[0]);
	const char *name;
	long n = 0;

	for (;; n++) {
		long position = telldir(dir);

		name = next_name(dir);
		if (name == NULL || n == MOST)
			break;
		positions[n] = position;
		snprintf(names[n], sizeof(names[n]), "%s", name);
	}
	for (long i = 1; i < n; i += 2)
		if (unlinkat(dirfd(dir), names[i], 0) < 0)
			die("unlinkat");
	for (long i = (n - 1) / 2 * 2; i >= 0; i -= 2) {
		seekdir(dir, positions[i]);
		name = next_name(dir);
		expect(name != NULL && strcmp(name, names[i]) == 0, "the name after seekdir is the one after telldir");
	}
	printf("%ld\n", n);
	closedir(dir);
}

/* Truncates through a descriptor that was opened before the file was removed. */
static void truncate_unlinked(char **arg)
{
	int fd = open_file(arg[0], O_RDWR);
	struct stat st;

	if (unlink(arg[0]) < 0)
		die("unlink");
	if (ftruncate(fd, 5) < 0)
		die("ftruncate");
	if (fstat(fd, &st) < 0)
		die("fstat");
	expect(st.st_size == 5, "size 5 after ftruncate");
	expect(st.st_nlink == 0, "no links after unlink");
	if (close(fd) < 0)
		die("close");
}

/* Makes 100 files in the directory and writes into each at once: no write may take mtime or ctime back. */
static void times_of_first_writes(char **arg)
{
	int dir = open_file(arg[0], O_RDONLY | O_DIRECTORY);

	for (int i = 0; i < 100; i++) {
		struct stat made, written;
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "f%d", i);
		fd = openat(dir, name, O_CREAT | O_WRONLY, 0644);
		if (fd < 0 || fstat(fd, &made) < 0 || write(fd, "x", 1) != 1 || fstat(fd, &written) < 0)
			die("openat, fstat, write");
		expect(!before(&written.st_mtim, &made.st_mtim), "mtime after a write is not before that of the making");
		expect(!before(&written.st_ctim, &made.st_ctim), "ctime after a write is not before that of the making");
		close(fd);
	}
	close(dir);
}

/* Sets an attribute to so many times 'x', with the flags (a number). */
static void set_xattr(char **arg)
{
	size_t size = strtoul(arg[2], NULL, 10);
	char *value = malloc(size + 1);

	if (value == NULL)
		die("malloc");
	memset(value, 'x', size);
	if (setxattr(arg[0], arg[1], value, size, atoi(arg[3])) < 0)
		die("setxattr");
	free(value);
}

/* Of a descriptor that the shell has open. */
static void fsync_fd(char **arg)
{
	if (fsync(atoi(arg[0])) < 0)
		die("fsync");
}

/* Writes to arg[0]; then the container arg[1] is cut to arg[2] bytes, and the file closed. */
static void close_after_cut(char **arg)
{
	int fd = open_file(arg[0], O_CREAT | O_WRONLY);

	if (write(fd, "text", 4) != 4)
		die("write");
	if (truncate(arg[1], atol(arg[2])) < 0)
		die("truncate");
	if (close(fd) < 0)
		die("close");
}

/* Waits until the clock that the kernel stamps files with has passed the moment of this call: the processor that moves it on
 * can itself be held up, for longer than a tick, where processors are virtual. */
static void tick(char **argv)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	struct timespec start, now;
	int i;

	(void)argv;
	if (clock_gettime(CLOCK_REALTIME, &start) < 0)
		die("clock_gettime");
	for (i = 0; i < 10000; i++) {
		if (clock_gettime(CLOCK_REALTIME_COARSE, &now) < 0)
			die("clock_gettime");
		if (before(&start, &now))
			return;
		nanosleep(&pause, NULL);
	}
	expect(false, "the clock of times moves on within ten seconds");
}

static const struct {
	const char *name;
	int arguments;
	void (*run)(char **arg);
} calls[] = {
    {"rename-exchange", 2, rename_exchange},
    {"rename-noreplace", 2, rename_noreplace},
    {"rename-whiteout", 2, rename_whiteout},
    {"create-exclusive", 1, create_exclusive},
    {"make-socket", 1, make_socket},
    {"mmap-shared", 1, mmap_shared},
    {"mmap-after-close", 1, mmap_after_close},
    {"mmap-private", 1, mmap_private},
    {"read-and-remove", 1, read_and_remove},
    {"read-and-change", 1, read_and_change},
    {"seek-back", 1, seek_back},
    {"truncate-unlinked", 1, truncate_unlinked},
    {"times-of-first-writes", 1, times_of_first_writes},
    {"fsync-fd", 1, fsync_fd},
    {"close-after-cut", 3, close_after_cut},
    {"setxattr", 4, set_xattr},
    {"tick", 0, tick},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(argv[1], calls[i].name) != 0 || argc - 2 != calls[i].arguments)
			continue;
		calls[i].run(argv + 2);
		return 0;
	}
	fprintf(stderr, "usage: syscall NAME ARGUMENT...; see syscall.c\n");
	return 2;
}
