/*
 * calls.h - what the programs share that make system calls for the tests: NAME ARGUMENT... on the command line is one
 * function. They exit with 0, or with 1 after a line on standard error that names the call that failed and its errno
 * value, or what was seen instead of what was expected. Numbers are bytes, decimal.
 */
#ifndef CALLS_H
#define CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

struct call {
	const char *name;
	int arguments; /* at least */
	void (*run)(char **arg);
};

__attribute__((noreturn)) static inline void die(const char *call)
{
	fprintf(stderr, "%s: %s\n", call, strerrorname_np(errno));
	exit(1);
}

static inline void expect(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "not as expected: %s\n", what);
	exit(1);
}

static inline int open_file(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd < 0)
		die("open");
	return fd;
}

static inline void end_file(int fd)
{
	if (close(fd) < 0)
		die("close");
}

static inline long long number(const char *text)
{
	return strtoll(text, NULL, 10);
}

/* Runs a program and waits; it must end with 0. */
static inline void run(char **argv)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		die("fork, waitpid");
	expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the program ends with 0");
}

static inline int run_call(int argc, char **argv, const struct call *calls, size_t n)
{
	for (size_t i = 0; argc > 1 && i < n; i++) {
		if (strcmp(argv[1], calls[i].name) != 0 || argc - 2 < calls[i].arguments)
			continue;
		calls[i].run(argv + 2);
		return 0;
	}
	fprintf(stderr, "usage: %s NAME ARGUMENT...; see its source\n", argv[0]);
	return 2;
}

#endif
