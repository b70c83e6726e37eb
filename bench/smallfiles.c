/*
 * smallfiles.c - times one pass over many small files in a folder: making them, reading them, or
 * removing them, from one thread. Prints the seconds it took.
 * It relies on nothing but system calls, so that the time is the file system's. It never checks contents:
 * that is for the tests.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_SIZE   4096
#define FILES_A_DIR 1000

static void die(const char *what, const char *path)
{
	fprintf(stderr, "smallfiles: %s ", what);
	perror(path);
	exit(EXIT_FAILURE);
}

static void make_file(const char *path, const char *data)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd < 0 || write(fd, data, FILE_SIZE) != FILE_SIZE || close(fd) != 0)
		die("cannot write", path);
}

static void read_file(const char *path, char *data)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, data, FILE_SIZE) != FILE_SIZE || close(fd) != 0)
		die("cannot read", path);
}

/* One pass; the folders are made before the first file in them and removed after the last. */
static void pass(const char *dir, char what, int count)
{
	static char data[FILE_SIZE];
	char path[4096], folder[4096];

	memset(data, 'x', sizeof data);
	for (int i = 0; i < count; i++) {
		snprintf(folder, sizeof folder, "%s/%d", dir, i / FILES_A_DIR);
		if (snprintf(path, sizeof path, "%s/%d/%d", dir, i / FILES_A_DIR, i) >= (int)sizeof path)
			die("too long", dir);
		if (what == 'c' && i % FILES_A_DIR == 0 && mkdir(folder, 0755) != 0)
			die("cannot make", folder);
		if (what == 'c')
			make_file(path, data);
		else if (what == 'r')
			read_file(path, data);
		else if (unlink(path) != 0)
			die("cannot remove", path);
		if (what == 'd' && (i + 1 == count || (i + 1) % FILES_A_DIR == 0) && rmdir(folder) != 0)
			die("cannot remove", folder);
	}
}

int main(int argc, char **argv)
{
	struct timespec start, end;

	if (argc != 4 || (strcmp(argv[1], "create") != 0 && strcmp(argv[1], "read") != 0 && strcmp(argv[1], "delete") != 0)) {
		fprintf(stderr, "usage: smallfiles create|read|delete DIR COUNT\n");
		return 2;
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	pass(argv[2], argv[1][0], atoi(argv[3]));
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%.6f\n", (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
	return 0;
}
