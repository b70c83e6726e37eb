/*
 * ranges.c - system calls on ranges of files: lseek(2) with SEEK_DATA and SEEK_HOLE, fallocate(2), copy_file_range(2).
 * Used as calls.h says.
 */
#include "config.h"

#include "calls.h"

/* --- lseek ---------------------------------------------------------------------------------------------------- */

/* FILE: a line "start end" for each run of data. */
static void data_runs(char **arg)
{
	int fd = open_file(arg[0], O_RDONLY);
	off_t start, end = 0;

	while ((start = lseek(fd, end, SEEK_DATA)) >= 0) {
		end = lseek(fd, start, SEEK_HOLE);
		if (end < 0)
			die("lseek SEEK_HOLE");
		printf("%lld %lld\n", (long long)start, (long long)end);
	}
	if (errno != ENXIO)
		die("lseek SEEK_DATA");
	end_file(fd);
}

/* FILE "data" or "hole" OFFSET: the offset that is found. */
static void seek(char **arg)
{
	int fd = open_file(arg[0], O_RDONLY);
	off_t found = lseek(fd, number(arg[2]), strcmp(arg[1], "data") == 0 ? SEEK_DATA : SEEK_HOLE);

	if (found < 0)
		die("lseek");
	printf("%lld\n", (long long)found);
	end_file(fd);
}

/* FILE OFFSET TEXT PROGRAM ARGUMENT...: writes, then runs the program while the file is open and not synced. */
static void written_then(char **arg)
{
	int fd = open_file(arg[0], O_RDWR | O_CREAT);
	size_t len = strlen(arg[2]);

	if (pwrite(fd, arg[2], len, number(arg[1])) != (ssize_t)len)
		die("pwrite");
	run(arg + 3);
	end_file(fd);
}

/* The same by a store in a shared mapping whose descriptor is closed. The file must reach past the text. */
static void stored_then(char **arg)
{
	int fd = open_file(arg[0], O_RDWR);
	size_t at = (size_t)number(arg[1]), len = strlen(arg[2]);
	char *map = mmap(NULL, at + len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		die("mmap");
	end_file(fd);
	memcpy(map + at, arg[2], len);
	run(arg + 3);
	if (munmap(map, at + len) < 0)
		die("munmap");
}

/* --- fallocate ------------------------------------------------------------------------------------------------ */

static int fallocate_mode(const char *name)
{
	static const struct {
		const char *name;
		int mode;
	} modes[] = {
	    {"plain", 0},
	    {"keep", FALLOC_FL_KEEP_SIZE},
	    {"punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE},
	    {"punch-only", FALLOC_FL_PUNCH_HOLE},
	    {"zero", FALLOC_FL_ZERO_RANGE},
	    {"zero-keep", FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE},
	    {"collapse", FALLOC_FL_COLLAPSE_RANGE},
	    {"insert", FALLOC_FL_INSERT_RANGE},
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(name, modes[i].name) == 0)
			return modes[i].mode;
	expect(false, "a mode that is known");
	return 0;
}

/* FILE MODE OFFSET LENGTH */
static void allocate(char **arg)
{
	int fd = open_file(arg[0], O_RDWR | O_CREAT);

	if (fallocate(fd, fallocate_mode(arg[1]), number(arg[2]), number(arg[3])) < 0)
		die("fallocate");
	end_file(fd);
}

/* FILE: not through a descriptor for reading. */
static void allocate_read_only(char **arg)
{
	int fd = open_file(arg[0], O_RDONLY);

	if (fallocate(fd, 0, 0, PAGE) < 0)
		die("fallocate");
}

/* FILE: what is written in a buffer and not yet flushed is punched as well, and seen so at once in the mapping. */
static void punch_written(char **arg)
{
	int fd = open_file(arg[0], O_RDWR | O_CREAT | O_TRUNC);
	char buf[3 * PAGE], *map;

	memset(buf, 'x', sizeof(buf));
	if (pwrite(fd, buf, sizeof(buf), 0) != sizeof(buf))
		die("pwrite");
	map = mmap(NULL, sizeof(buf), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die("mmap");
	map[PAGE] = 'm';
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE - 10, PAGE) < 0)
		die("fallocate");
	expect(map[PAGE - 11] == 'x' && map[PAGE - 10] == 0 && map[PAGE] == 0, "the mapping has the hole's beginning");
	expect(map[2 * PAGE - 11] == 0 && map[2 * PAGE - 10] == 'x', "the mapping has the hole's end");
	if (pread(fd, buf, sizeof(buf), 0) != sizeof(buf))
		die("pread");
	expect(memcmp(buf, map, sizeof(buf)) == 0, "read(2) gives what the mapping has");
	munmap(map, sizeof(buf));
	end_file(fd);
}

/* --- copy_file_range ------------------------------------------------------------------------------------------ */

/* Of one call. */
static ssize_t copy_between(int from, char **arg, int to)
{
	off_t start = number(arg[1]), target = number(arg[3]);
	ssize_t n = copy_file_range(from, &start, to, &target, (size_t)number(arg[4]), 0);

	if (n < 0)
		die("copy_file_range");
	return n;
}

/* FILE OFFSET FILE OFFSET LENGTH: how many bytes one call copies from the first to the second. */
static void copy(char **arg)
{
	int from = open_file(arg[0], O_RDONLY), to = open_file(arg[2], O_RDWR | O_CREAT);

	printf("%zd\n", copy_between(from, arg, to));
	end_file(from);
	end_file(to);
}

/* The same with the second opened for appending. */
static void copy_to_append(char **arg)
{
	int from = open_file(arg[0], O_RDONLY), to = open_file(arg[2], O_WRONLY | O_APPEND);

	copy_between(from, arg, to);
	end_file(from);
	end_file(to);
}

/* FILE OFFSET FILE OFFSET LENGTH TEXT: the text is written into both just before, at the offsets, and at their ends after. */
static void copy_written(char **arg)
{
	int from = open_file(arg[0], O_RDWR), to = open_file(arg[2], O_RDWR | O_CREAT);
	long long len = number(arg[4]);
	size_t n = strlen(arg[5]);

	if (pwrite(from, arg[5], n, number(arg[1])) != (ssize_t)n || pwrite(to, "overwritten", 11, number(arg[3])) != 11)
		die("pwrite");
	expect(copy_between(from, arg, to) == len, "all is copied");
	if (pwrite(from, arg[5], n, number(arg[1]) + len) != (ssize_t)n ||
	    pwrite(to, arg[5], n, number(arg[3]) + len) != (ssize_t)n)
		die("pwrite");
	end_file(from);
	end_file(to);
}

/* FILE FILE LENGTH: the second is mapped and read before it gets the first's bytes, and the mapping has them then. */
static void copy_under_mapping(char **arg)
{
	char *args[] = {arg[0], "0", arg[1], "0", arg[2]};
	int from = open_file(arg[0], O_RDONLY), to = open_file(arg[1], O_RDWR);
	size_t len = (size_t)number(arg[2]);
	char *a = mmap(NULL, len, PROT_READ, MAP_SHARED, from, 0), *b = mmap(NULL, len, PROT_READ, MAP_SHARED, to, 0);

	if (a == MAP_FAILED || b == MAP_FAILED)
		die("mmap");
	expect(memcmp(a, b, len) != 0, "the files differ");
	expect(copy_between(from, args, to) == (ssize_t)len, "all is copied");
	expect(memcmp(a, b, len) == 0, "the mapping has the copy");
	munmap(a, len);
	munmap(b, len);
	end_file(from);
	end_file(to);
}

static const struct call calls[] = {
    {"data-runs", 1, data_runs},
    {"seek", 3, seek},
    {"written-then", 4, written_then},
    {"stored-then", 4, stored_then},
    {"allocate", 4, allocate},
    {"allocate-read-only", 1, allocate_read_only},
    {"punch-written", 1, punch_written},
    {"copy", 5, copy},
    {"copy-to-append", 5, copy_to_append},
    {"copy-written", 6, copy_written},
    {"copy-under-mapping", 3, copy_under_mapping},
};

int main(int argc, char **argv)
{
	return run_call(argc, argv, calls, sizeof(calls) / sizeof(calls[0]));
}
