/*
 * tmpfile.c - files made by open(2) with O_TMPFILE, for tmpfile.sh.
 * Usage: tmpfile COMMAND DIR MODE [NAME [TEXT]]
 *   make       makes one and prints its mode (octal), links and size
 *   link       makes one, writes TEXT, and gives it the NAME in DIR by linkat(2)
 *   exclusive  makes one with O_EXCL, and tries to give it the NAME
 *   hold       makes one, writes TEXT, and keeps it open until standard input ends
 * Exits with 0, or with 1 after a line on standard error: the call that failed and its errno value.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void die(const char *call) __attribute__((noreturn));
static void die(const char *call)
{
	fprintf(stderr, "%s: %s\n", call, strerrorname_np(errno));
	exit(1);
}

static int open_unnamed(const char *dir, mode_t mode, int flags)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | flags, mode);

	if (fd < 0)
		die("open");
	return fd;
}

static void write_text(int fd, const char *text)
{
	size_t len = strlen(text);

	if (write(fd, text, len) != (ssize_t)len)
		die("write");
}

static void link_to(int fd, const char *dir, const char *name)
{
	char self[64], path[4096];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0)
		die("linkat");
}

static void print_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		die("fstat");
	printf("%o %lu %lld\n", st.st_mode & 07777, (unsigned long)st.st_nlink, (long long)st.st_size);
}

int main(int argc, char **argv)
{
	const char *command, *dir;
	mode_t mode;
	int fd;

	if (argc < 4) {
		fprintf(stderr, "usage: tmpfile make|link|exclusive|hold DIR MODE [NAME [TEXT]]\n");
		return 2;
	}
	command = argv[1];
	dir = argv[2];
	mode = (mode_t)strtoul(argv[3], NULL, 8);
	fd = open_unnamed(dir, mode, strcmp(command, "exclusive") == 0 ? O_EXCL : 0);
	if (argc > 5)
		write_text(fd, argv[5]);
	if (strcmp(command, "make") == 0)
		print_file(fd);
	else if (strcmp(command, "hold") == 0)
		while (getchar() != EOF)
			;
	else if (argc > 4)
		link_to(fd, dir, argv[4]);
	if (close(fd) < 0)
		die("close");
	return 0;
}
