/*
 * many.c - one system call very often, in one directory, and the time that it took.
 * Usage: many make DIR COUNT    makes the empty files 1 to COUNT
 *        many remove DIR COUNT  removes them, in the same order
 *        many link FILE DIR     gives FILE names in DIR until that is refused, and prints how many and the errno value
 * "make" and "remove" print the seconds. (calls.h)
 */
#include "config.h"

#include <time.h>

#include "calls.h"

static void make_name(int dir, const char *name)
{
	int fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY, 0644);

	if (fd < 0)
		die("openat");
	if (close(fd) < 0)
		die("close");
}

static void remove_name(int dir, const char *name)
{
	if (unlinkat(dir, name, 0) < 0)
		die("unlinkat");
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void for_each_name(const char *path, const char *count, void (*call)(int dir, const char *name))
{
	long long n = number(count);
	int dir = open_file(path, O_RDONLY | O_DIRECTORY);
	double start = seconds();

	for (long long i = 1; i <= n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%lld", i);
		call(dir, name);
	}
	printf("%.1f\n", seconds() - start);
	close(dir);
}

static void make(char **arg)
{
	for_each_name(arg[0], arg[1], make_name);
}

static void remove_all(char **arg)
{
	for_each_name(arg[0], arg[1], remove_name);
}

static void link_until_refused(char **arg)
{
	int dir = open_file(arg[1], O_RDONLY | O_DIRECTORY);
	char name[32];
	long n = 0;

	do
		snprintf(name, sizeof(name), "%ld", ++n);
	while (linkat(AT_FDCWD, arg[0], dir, name, 0) == 0);
	printf("%ld %s\n", n - 1, strerrorname_np(errno));
	close(dir);
}

static const struct call calls[] = {
    {"make", 2, make},
    {"remove", 2, remove_all},
    {"link", 2, link_until_refused},
};

int main(int argc, char **argv)
{
	return run_call(argc, argv, calls, sizeof(calls) / sizeof(calls[0]));
}
