/*
 * held.c - a program that has files open while their file system is ended or killed. What it has written is in the kernel's
 * cache: it neither closes nor syncs. It says "ready" on standard output, then waits until its standard input ends.
 * Usage: held write FOLDER FILES PIECES: writes FILES files, 0, 1, ... of PIECES blocks, each behind a hole of a block.
 *        held map FILE PIECES: the same through a mapping, which stays.
 *        held unmap FILE PIECES: likewise, and the mapping is taken away, but the file not closed.
 *        held on FILE: writes a block at the end of FILE again and again; waits for nothing.
 *        held compare FOLDER FILES PIECES: exits with 0 when the files are as they should be.
 * (calls.h)
 */
#include "config.h"

#include <sys/stat.h>

#include "calls.h"

#define NAME_ROOM 4096

static void wait_for_end(void)
{
	char byte;

	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

/* Each block of each file is another one, and has no zeros. */
static void fill(char *block, long long file, long long piece)
{
	for (int i = 0; i < PAGE; i++)
		block[i] = (char)(1 + (file * 7 + piece * 3 + i) % 255);
}

static void name_of(char *name, const char *folder, long long file)
{
	snprintf(name, NAME_ROOM, "%s/%lld", folder, file);
}

static void write_files(char **arg)
{
	char name[NAME_ROOM], block[PAGE];

	for (long long file = 0; file < number(arg[1]); file++) {
		int fd;

		name_of(name, arg[0], file);
		fd = open_file(name, O_RDWR | O_CREAT);
		for (long long piece = 0; piece < number(arg[2]); piece++) {
			fill(block, file, piece);
			if (pwrite(fd, block, PAGE, (2 * piece + 1) * PAGE) != PAGE)
				die("pwrite");
		}
	}
	wait_for_end();
}

static char *map_file(char **arg, size_t *size)
{
	int fd = open_file(arg[0], O_RDWR | O_CREAT);
	char *map;

	*size = (size_t)number(arg[1]) * 2 * PAGE;
	if (ftruncate(fd, (off_t)*size) < 0)
		die("ftruncate");
	map = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die("mmap");
	for (long long piece = 0; piece < number(arg[1]); piece++)
		fill(map + (2 * piece + 1) * PAGE, 0, piece);
	return map;
}

static void map_and_hold(char **arg)
{
	size_t size;

	(void)map_file(arg, &size);
	wait_for_end();
}

static void map_and_unmap(char **arg)
{
	size_t size;
	char *map = map_file(arg, &size);

	if (munmap(map, size) < 0)
		die("munmap");
	wait_for_end();
}

static void write_on(char **arg)
{
	int fd = open_file(arg[0], O_WRONLY | O_CREAT | O_APPEND);
	char block[PAGE];

	fill(block, 0, 0);
	while (write(fd, block, PAGE) == PAGE)
		usleep(100);
}

static void compare(char **arg)
{
	char name[NAME_ROOM], block[PAGE], wanted[PAGE];

	for (long long file = 0; file < number(arg[1]); file++) {
		int fd;

		name_of(name, arg[0], file);
		fd = open_file(name, O_RDONLY);
		for (long long piece = 0; piece < number(arg[2]); piece++) {
			fill(wanted, file, piece);
			expect(pread(fd, block, PAGE, (2 * piece + 1) * PAGE) == PAGE, "the file has its length");
			expect(memcmp(block, wanted, PAGE) == 0, "the block is what was written");
		}
		end_file(fd);
	}
}

static const struct call calls[] = {
    {"write", 3, write_files}, {"map", 2, map_and_hold}, {"unmap", 2, map_and_unmap},
    {"on", 1, write_on},       {"compare", 3, compare},
};

int main(int argc, char **argv)
{
	return run_call(argc, argv, calls, sizeof(calls) / sizeof(calls[0]));
}
