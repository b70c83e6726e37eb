/*
 * handles.c - file handles, by which NFS servers find an inode again without its path.
 * Usage: handles save PATH: prints the handle of PATH; a last symbolic link is not followed.
 *        handles show MOUNT HANDLE: prints inode number, type and size of what the handle stands for in the file system
 *        that is mounted at MOUNT; of a regular file the contents too.
 *        handles parent MOUNT HANDLE: prints the inode number of the directory above the one that the handle stands for.
 * (calls.h)
 */
#include "config.h"

#include <sys/stat.h>

#include "calls.h"

union handle {
	struct file_handle h;
	unsigned char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

/* As text: the type, then each byte in two hexadecimal digits. */
static void save(char **arg)
{
	union handle handle = {.h = {.handle_bytes = MAX_HANDLE_SZ}};
	int mount_id;

	if (name_to_handle_at(AT_FDCWD, arg[0], &handle.h, &mount_id, 0) < 0)
		die("name_to_handle_at");
	printf("%x:", (unsigned)handle.h.handle_type);
	for (unsigned i = 0; i < handle.h.handle_bytes; i++)
		printf("%02x", handle.h.f_handle[i]);
	putchar('\n');
}

static int open_handle(const char *mount, const char *text, int flags)
{
	union handle handle = {.h = {.handle_bytes = 0}};
	unsigned type, byte;
	int start, mount_fd, fd;

	if (sscanf(text, "%x:%n", &type, &start) != 1)
		die("sscanf");
	handle.h.handle_type = (int)type;
	for (text += start; handle.h.handle_bytes < MAX_HANDLE_SZ && sscanf(text, "%2x", &byte) == 1; text += 2)
		handle.h.f_handle[handle.h.handle_bytes++] = (unsigned char)byte;
	mount_fd = open(mount, O_RDONLY | O_DIRECTORY);
	if (mount_fd < 0)
		die("open");
	fd = open_by_handle_at(mount_fd, &handle.h, flags);
	if (fd < 0)
		die("open_by_handle_at");
	close(mount_fd);
	return fd;
}

static void show(char **arg)
{
	int fd = open_handle(arg[0], arg[1], O_PATH);
	struct stat st;
	char buffer[4096];
	ssize_t n;

	if (fstat(fd, &st) < 0)
		die("fstat");
	printf("%llu %o %lld\n", (unsigned long long)st.st_ino, st.st_mode & S_IFMT, (long long)st.st_size);
	close(fd);
	if (!S_ISREG(st.st_mode))
		return;
	fflush(stdout);
	fd = open_handle(arg[0], arg[1], O_RDONLY);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		if (write(STDOUT_FILENO, buffer, (size_t)n) != n)
			die("write");
	if (n < 0)
		die("read");
	close(fd);
}

static void parent(char **arg)
{
	int fd = open_handle(arg[0], arg[1], O_RDONLY | O_DIRECTORY);
	struct stat st;

	if (fstatat(fd, "..", &st, 0) < 0)
		die("fstatat");
	printf("%llu\n", (unsigned long long)st.st_ino);
	close(fd);
}

static const struct call calls[] = {
    {"save", 1, save},
    {"show", 2, show},
    {"parent", 2, parent},
};

int main(int argc, char **argv)
{
	return run_call(argc, argv, calls, sizeof(calls) / sizeof(calls[0]));
}
