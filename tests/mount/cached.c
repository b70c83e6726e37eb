/*
 * cached.c - system calls on what the kernel's page cache has of a file: those that sync, direct I/O, shared mappings.
 * Used as calls.h says.
 */
#include "config.h"

#include "calls.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static int open_flags(const char *how)
{
	if (strcmp(how, "O_SYNC") == 0)
		return O_SYNC;
	if (strcmp(how, "O_DSYNC") == 0)
		return O_DSYNC;
	return strcmp(how, "O_SYNC+O_DIRECT") == 0 ? O_SYNC | O_DIRECT : 0;
}

/* The text by a store in a mapping, which msync(2) writes out. */
static int store_and_sync(int fd, const char *text, size_t len, off_t at)
{
	size_t size = (size_t)at + len;
	struct stat st;
	char *map;

	if (fstat(fd, &st) < 0 || ((size_t)st.st_size < size && ftruncate(fd, (off_t)size) < 0))
		return -1;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	memcpy(map + at, text, len);
	return msync(map, size, MS_SYNC);
}

static int write_and_sync(int fd, const char *how, const char *text, size_t len, off_t at)
{
	if (pwrite(fd, text, len, at) != (ssize_t)len)
		return -1;
	if (strcmp(how, "fsync") == 0)
		return fsync(fd);
	if (strcmp(how, "fdatasync") == 0)
		return fdatasync(fd);
	if (strcmp(how, "syncfs") == 0)
		return syncfs(fd);
	if (strcmp(how, "sync_file_range") == 0)
		return sync_file_range(fd, 0, 0,
				       SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
	expect(open_flags(how) != 0, "a way to sync that is known");
	return 0;
}

/*
 * FILE HOW OFFSET TEXT PROGRAM ARGUMENT...: writes the text, syncs it, and runs the program while the file is open.
 * The program may end what serves the mount.
 */
static void synced_then(char **arg)
{
	int fd = open_file(arg[0], O_RDWR | O_CREAT | open_flags(arg[1]));
	size_t len = strlen(arg[3]);
	off_t at = number(arg[2]);

	if (strcmp(arg[1], "msync") == 0 ? store_and_sync(fd, arg[3], len, at) < 0
					 : write_and_sync(fd, arg[1], arg[3], len, at) < 0)
		die(arg[1]);
	run(arg + 4);
}

/* FILE OFFSET TEXT PROGRAM ARGUMENT...: stores the text in a mapping whose descriptor is closed, and runs the program. */
static void mapped_then(char **arg)
{
	int fd = open_file(arg[0], O_RDWR);
	off_t at = number(arg[1]);
	char *map = mmap(NULL, (size_t)at + strlen(arg[2]), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		die("mmap");
	end_file(fd);
	memcpy(map + at, arg[2], strlen(arg[2]));
	run(arg + 3);
}

/* A file of pages of 'x', mapped; *map is of its first `pages`. */
static int mapped_file(const char *path, size_t pages, char **map)
{
	int fd = open_file(path, O_RDWR | O_CREAT | O_TRUNC);
	char page[PAGE];

	memset(page, 'x', sizeof(page));
	for (size_t i = 0; i < pages; i++)
		if (pwrite(fd, page, sizeof(page), (off_t)(i * PAGE)) != PAGE)
			die("pwrite");
	*map = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*map == MAP_FAILED)
		die("mmap");
	return fd;
}

/* FILE */
static void direct_write_seen(char **arg)
{
	char *map, buf[PAGE] __attribute__((aligned(PAGE)));
	int fd = mapped_file(arg[0], 4, &map), direct = open_file(arg[0], O_RDWR | O_DIRECT);

	expect(map[2 * PAGE] == 'x', "the mapping has what was written");
	memset(buf, 'd', sizeof(buf));
	if (pwrite(direct, buf, sizeof(buf), 2 * PAGE) != PAGE)
		die("pwrite");
	expect(map[2 * PAGE] == 'd' && map[2 * PAGE - 1] == 'x' && map[3 * PAGE] == 'x',
	       "the mapping has the page, and no more");
	memset(buf, 0, sizeof(buf));
	if (pread(fd, buf, sizeof(buf), 2 * PAGE) != PAGE)
		die("pread");
	expect(buf[0] == 'd' && buf[PAGE - 1] == 'd', "read(2) gives the page");
	end_file(direct);
	end_file(fd);
}

/* FILE */
static void direct_read_sees(char **arg)
{
	char *map, buf[PAGE] __attribute__((aligned(PAGE)));
	int fd = mapped_file(arg[0], 4, &map), direct = open_file(arg[0], O_RDWR | O_DIRECT);

	if (pwrite(fd, "written", 7, PAGE) != 7)
		die("pwrite");
	if (pread(direct, buf, sizeof(buf), PAGE) != PAGE)
		die("pread");
	expect(memcmp(buf, "writtenx", 8) == 0, "what was written");
	memcpy(map + 3 * PAGE, "stored", 6);
	if (pread(direct, buf, sizeof(buf), 3 * PAGE) != PAGE)
		die("pread");
	expect(memcmp(buf, "storedx", 7) == 0, "what was stored");
	end_file(direct);
	end_file(fd);
}

/* FILE: two mappings of two descriptors in two processes. */
static void two_mappings(char **arg)
{
	char *map, *other;
	int fd = mapped_file(arg[0], 4, &map), status;
	pid_t child = fork();

	if (child == 0) {
		int second = open_file(arg[0], O_RDWR);

		other = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, second, PAGE);
		if (other == MAP_FAILED)
			die("mmap");
		expect(map[PAGE] == 'x' && other[0] == 'x', "both have what was written");
		other[0] = 'o';
		expect(map[PAGE] == 'o', "a store in one is in the other");
		map[2 * PAGE] = 'm';
		expect(other[PAGE] == 'm', "and the other way");
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		die("fork, waitpid");
	expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the other process ends with 0");
	expect(map[PAGE] == 'o' && map[2 * PAGE] == 'm', "the first process has both");
	end_file(fd);
}

/* Whether reading a byte ends a process with SIGBUS. */
static bool is_bus_error(const volatile char *byte)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		const struct rlimit none = {0, 0};

		/* No core, and no report: a sanitizer has a handler of its own. */
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGBUS, SIG_DFL);
		_exit(*byte == 1 ? 1 : 0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		die("fork, waitpid");
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

/* FILE */
static void mapped_end(char **arg)
{
	char *map;
	int fd = mapped_file(arg[0], 4, &map);

	if (ftruncate(fd, PAGE + 100) < 0)
		die("ftruncate");
	expect(map[PAGE + 99] == 'x' && map[PAGE + 100] == 0 && map[2 * PAGE - 1] == 0, "the last page ends with zeros");
	expect(is_bus_error(map + 2 * PAGE) && is_bus_error(map + 3 * PAGE), "a page past the end gives SIGBUS");
	if (ftruncate(fd, 4 * PAGE) < 0)
		die("ftruncate");
	expect(map[2 * PAGE] == 0 && map[4 * PAGE - 1] == 0, "what the file got longer by is zeros");
	end_file(fd);
}

/* FILE: 64 pages; one process stores in every other page while this one writes the rest. */
static void store_beside_write(char **arg)
{
	enum { PAGES = 64, ROUNDS = 200 };
	char *map, page[PAGE];
	int fd = mapped_file(arg[0], PAGES, &map), status;
	pid_t child = fork();

	for (int round = 0; child >= 0 && round < ROUNDS; round++)
		for (int i = child == 0; i < PAGES; i += 2) {
			memset(page, 'a' + round % 26, sizeof(page));
			if (child == 0)
				memcpy(map + (size_t)i * PAGE, page, sizeof(page));
			else if (pwrite(fd, page, sizeof(page), (off_t)i * PAGE) != PAGE)
				die("pwrite");
		}
	if (child == 0)
		_exit(0);
	if (child < 0 || waitpid(child, &status, 0) < 0)
		die("fork, waitpid");
	for (size_t i = 0; i < (size_t)PAGES * PAGE; i++)
		expect(map[i] == 'a' + (ROUNDS - 1) % 26, "every page has what was last put there");
	end_file(fd);
}

static void fill(int fd, const char *how, size_t size, off_t at)
{
	static char *map; /* for as long as the process lives */
	char *block = malloc(size);

	if (block == NULL)
		die("malloc");
	memset(block, 'w', size);
	if (strcmp(how, "write") == 0 && pwrite(fd, block, size, at) != (ssize_t)size)
		die("pwrite");
	if (strcmp(how, "allocate") == 0 && fallocate(fd, 0, at, (off_t)size) < 0)
		die("fallocate");
	if (strcmp(how, "map") == 0) {
		if (ftruncate(fd, at + (off_t)size) < 0)
			die("ftruncate");
		map = mmap(NULL, (size_t)at + size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			die("mmap");
		memcpy(map + at, block, size);
	}
	free(block);
}

/*
 * FILE HOW SIZE OFFSET READY: fills a range of the file, makes the file READY, and has FILE open until READY is removed.
 * Nothing is forked: when another descriptor of the open file is closed, the kernel writes out what it has cached.
 */
static void held(char **arg)
{
	int fd = open_file(arg[0], O_RDWR | O_CREAT);

	fill(fd, arg[1], (size_t)number(arg[2]), (off_t)number(arg[3]));
	end_file(open_file(arg[4], O_WRONLY | O_CREAT));
	while (access(arg[4], F_OK) == 0)
		usleep(2000);
	end_file(fd);
}

/*
 * FILE SIZE READY COPY: maps the file and reads all of it, makes READY, and when that is removed writes what is in the mapping
 * to COPY.
 */
static void mapped_read(char **arg)
{
	int fd = open_file(arg[0], O_RDONLY), out;
	size_t size = (size_t)number(arg[1]);
	char *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	volatile char all = 0;

	if (map == MAP_FAILED)
		die("mmap");
	for (size_t i = 0; i < size; i++)
		all ^= map[i];
	end_file(open_file(arg[2], O_WRONLY | O_CREAT));
	while (access(arg[2], F_OK) == 0)
		usleep(2000);
	out = open_file(arg[3], O_WRONLY | O_CREAT);
	if (write(out, map, size) != (ssize_t)size)
		die("write");
	end_file(out);
}

static const struct call calls[] = {
    {"mapped-read", 4, mapped_read},
    {"held", 5, held},
    {"synced-then", 5, synced_then},
    {"mapped-then", 4, mapped_then},
    {"direct-write-seen", 1, direct_write_seen},
    {"direct-read-sees", 1, direct_read_sees},
    {"two-mappings", 1, two_mappings},
    {"mapped-end", 1, mapped_end},
    {"store-beside-write", 1, store_beside_write},
};

int main(int argc, char **argv)
{
	return run_call(argc, argv, calls, sizeof(calls) / sizeof(calls[0]));
}
