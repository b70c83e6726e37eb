/*
 * store.c - measures libreel: one line a figure, "name value unit". The shapes are those of
 * simd-r-drive's own benchmark, so that a program over that engine can print the same rows
 * (bench/against-reference compares the two).
 * It relies on nothing but the public header, and on the folder given for its containers: bench.new,
 * bench.1m and bench.10m, which a program over the other engine may have made just as well. Each row
 * is measured in a process of its own. It never judges a figure.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

static const struct row *const all_rows[] = {writing_rows, reading_rows, limit_rows};
enum { TABLES = sizeof(all_rows) / sizeof(all_rows[0]) };

/* In a process of its own, which ends with all that the row left. */
static int run(const struct row *row, const char *dir)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		row->measure(dir);
		exit(EXIT_SUCCESS);
	}
	check(child < 0 || waitpid(child, &status, 0) < 0 ? -errno : 0, row->name);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static bool is_wanted(const char *name, char **names, int n)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return n == 0;
}

static int run_all(const struct row *row, const char *dir, char **names, int n)
{
	int err = 0;

	for (; row->name != NULL; row++) {
		if (is_wanted(row->name, names, n) && run(row, dir) < 0)
			err = -EIO;
	}
	return err;
}

int main(int argc, char **argv)
{
	int err = 0;

	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: bench/store FOLDER [ROW...]\n"
				"  FOLDER  where containers are made (4 GB); bench.1m and bench.10m stay for the next run\n"
				"  ROW     what is measured (default: everything):");
		for (int i = 0; i < TABLES; i++) {
			for (const struct row *row = all_rows[i]; row->name != NULL; row++)
				fprintf(stderr, " %s", row->name);
		}
		fprintf(stderr, "\n");
		return 2;
	}
	for (int i = 0; i < TABLES; i++) {
		if (run_all(all_rows[i], argv[1], argv + 2, argc - 2) < 0)
			err = -EIO;
	}
	return err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
