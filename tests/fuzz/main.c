/*
 * main.c - runs a harness once on each file that is named, or that lies in a folder that is named, without
 * libFuzzer: what was once found stays found. Ends with 0 when no harness ended the process before.
 */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

static unsigned long ran;

static void run_file(const char *path)
{
	size_t size;
	uint8_t *data = fuzz_load(path, &size), *exact = malloc(size ? size : 1);

	/* In a block of just this size, so that a sanitizer sees a byte read behind it. */
	FUZZ_CHECK(exact, "no memory for %s", path);
	memcpy(exact, data, size);
	free(data);
	if (getenv("FUZZ_TRACE"))
		fprintf(stderr, "%s\n", path);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	ran++;
}

static int is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static void run_folder(const char *path)
{
	struct dirent **list;
	int n = scandir(path, &list, is_visible, alphasort);

	FUZZ_CHECK(n >= 0, "%s cannot be read", path);
	for (int i = 0; i < n; i++) {
		char *file;

		FUZZ_CHECK(asprintf(&file, "%s/%s", path, list[i]->d_name) > 0, "no memory");
		run_file(file);
		free(file);
		free(list[i]);
	}
	free(list);
}

int main(int argc, char **argv)
{
	struct stat st;

	for (int i = 1; i < argc; i++) {
		FUZZ_CHECK(stat(argv[i], &st) == 0, "%s is not there", argv[i]);
		if (S_ISDIR(st.st_mode))
			run_folder(argv[i]);
		else
			run_file(argv[i]);
	}
	printf("%lu inputs\n", ran);
	return ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
