/*
 * writer.c - the workload of the kill loop: makes, rewrites and removes files whose contents follow
 * from a number, and keeps a log outside the mount of what it began and what returned. Started again
 * with "verify", it compares the directory with the log.
 * It relies on one writer per directory. It never trusts anything that the mount tells about itself.
 *
 * The log is lines of "STATE FILE CONTENTS": FILE is the number in the file's name; CONTENTS is the
 * number that the contents follow from, 0 for no file. STATE of a file's last line says what must
 * be there:
 *   d  (done) the operation returned success: exactly these contents;
 *   b  (begun) a write or removal in place was cut off: what is there must be readable;
 *   r  (replacing) a rename over the file was cut off: these contents, or those before.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_FILE (1024 * 1024)
#define FILES_MAX     1000000
#define FILES_A_DIR   100

enum { EXIT_KILLED = 3 }; /* the mount went away, as it is meant to */

struct writer {
	const char *dir;
	int log; /* append only */
	uint64_t random;
};

/* SplitMix64: each state gives one number, and the next state. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Fills buf (SIZE_MAX_FILE bytes) with the contents that follow from a number; returns their size. */
static size_t make_contents(uint64_t contents, uint8_t *buf)
{
	uint64_t state = contents;
	uint64_t choice = next_random(&state);
	size_t size;

	if (choice % 64 == 0)
		size = (choice >> 8) % 2; /* empty, and one byte */
	else if (choice % 64 < 60)
		size = (choice >> 8) % 20000;
	else
		size = (choice >> 8) % SIZE_MAX_FILE;
	for (size_t at = 0; at < size; at += 8) {
		uint64_t word = size == 1 ? 0 : next_random(&state);

		memcpy(buf + at, &word, size - at < 8 ? size - at : 8);
	}
	return size;
}

static void file_name(const struct writer *w, unsigned file, char *path, size_t size)
{
	snprintf(path, size, "%s/%u/f%u", w->dir, file / FILES_A_DIR, file);
}

/* Ends the program: quietly when the mount is gone, as a failed test otherwise. */
static void stop(const char *what, const char *path)
{
	int error = errno;

	if (error == ENOTCONN || error == ECONNABORTED || error == EIO)
		exit(EXIT_KILLED);
	fprintf(stderr, "writer: %s %s: %s\n", what, path, strerror(error));
	exit(EXIT_FAILURE);
}

static void log_line(const struct writer *w, char state, unsigned file, uint64_t contents)
{
	char line[64];
	int len = snprintf(line, sizeof line, "%c %u %" PRIu64 "\n", state, file, contents);

	if (write(w->log, line, len) != len) {
		perror("writer: log");
		exit(EXIT_FAILURE);
	}
}

/* Writes the contents in pieces of uneven sizes and closes. */
static void write_file(struct writer *w, const char *path, uint64_t contents)
{
	static uint8_t buf[SIZE_MAX_FILE];
	size_t size = make_contents(contents, buf);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0)
		stop("open", path);
	for (size_t at = 0; at < size;) {
		size_t piece = 1 + next_random(&w->random) % (64 * 1024);
		ssize_t n = write(fd, buf + at, piece < size - at ? piece : size - at);

		if (n < 0)
			stop("write", path);
		at += n;
	}
	if (close(fd) != 0)
		stop("close", path);
}

/* Makes the folder of a file. */
static void make_folder(const struct writer *w, unsigned file)
{
	char path[PATH_MAX];

	file_name(w, file, path, sizeof path);
	*strrchr(path, '/') = 0;
	if (mkdir(path, 0755) != 0)
		stop("mkdir", path);
}

static void replace_file(struct writer *w, unsigned file, uint64_t contents)
{
	char path[PATH_MAX], new[PATH_MAX];

	file_name(w, file, path, sizeof path);
	snprintf(new, sizeof new, "%s/new", w->dir);
	log_line(w, 'r', file, contents);
	write_file(w, new, contents);
	if (rename(new, path) != 0)
		stop("rename", new);
	log_line(w, 'd', file, contents);
}

static void change_in_place(struct writer *w, unsigned file, uint64_t contents)
{
	char path[PATH_MAX];

	file_name(w, file, path, sizeof path);
	log_line(w, 'b', file, contents);
	if (contents != 0)
		write_file(w, path, contents);
	else if (unlink(path) != 0 && errno != ENOENT)
		stop("unlink", path);
	log_line(w, 'd', file, contents);
}

/* Works until the mount goes away: makes new files, and now and then changes one of those made. */
static int run(struct writer *w)
{
	for (unsigned made = 0; made < FILES_MAX;) {
		uint64_t choice = next_random(&w->random);
		uint64_t contents = 1 + next_random(&w->random) / 2;
		unsigned old = made > 0 ? (choice >> 8) % made : 0;

		switch (made > 0 ? choice % 16 : 15) {
		case 0:
			change_in_place(w, old, contents);
			break;
		case 1:
			change_in_place(w, old, 0);
			break;
		case 2:
			replace_file(w, old, contents);
			break;
		default:
			if (made % FILES_A_DIR == 0)
				make_folder(w, made);
			change_in_place(w, made++, contents);
		}
	}
	return EXIT_SUCCESS;
}

struct expectation {
	char state; /* 0: never begun */
	uint64_t contents;
	uint64_t before; /* the contents at the last 'd' */
};

static bool read_log(const char *path, struct expectation *expected)
{
	FILE *in = fopen(path, "r");
	unsigned file;
	uint64_t contents;
	char state;

	if (!in) {
		perror(path);
		return false;
	}
	while (fscanf(in, "%c %u %" SCNu64 "\n", &state, &file, &contents) == 3 && file < FILES_MAX) {
		struct expectation *e = &expected[file];

		if (e->state == 'd')
			e->before = e->contents;
		e->state = state;
		e->contents = contents;
	}
	fclose(in);
	return true;
}

/* Reads all of a file, at most SIZE_MAX_FILE + 1 bytes. Negative: errno. */
static ssize_t read_file(const char *path, uint8_t *buf)
{
	ssize_t n = 0, at = 0;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf + at, SIZE_MAX_FILE + 1 - at);
		at += n > 0 ? n : 0;
	} while (n > 0);
	n = n < 0 ? -errno : at;
	close(fd);
	return n;
}

/* Whether what read_file() found (n, got) is the contents that follow from a number. */
static bool is_contents(ssize_t n, const uint8_t *got, uint64_t contents)
{
	static uint8_t want[SIZE_MAX_FILE];
	ssize_t size;

	if (contents == 0)
		return n == -ENOENT;
	size = make_contents(contents, want);
	return n == size && memcmp(want, got, size) == 0;
}

/* Compares one file with what must be there; says so on standard output when it is not. */
static bool verify_file(const struct writer *w, unsigned file, const struct expectation *e)
{
	static uint8_t got[SIZE_MAX_FILE + 1];
	const char *wrong = NULL;
	char path[PATH_MAX];
	ssize_t n;

	file_name(w, file, path, sizeof path);
	n = read_file(path, got);
	if (e->state == 'b' && n < 0 && n != -ENOENT)
		wrong = "its change was cut off; it must be readable";
	else if (e->state == 'r' && !is_contents(n, got, e->contents) && !is_contents(n, got, e->before))
		wrong = "its replacement was cut off; it must have the old contents or the new";
	else if (e->state == 'd' && e->contents == 0 && n != -ENOENT)
		wrong = "it was removed";
	else if (e->state == 'd' && !is_contents(n, got, e->contents))
		wrong = "it was closed; it must have the contents written";
	if (wrong)
		printf("%s: %s; found: %zd bytes, %s\n", path, wrong, n < 0 ? 0 : n, n < 0 ? strerror(-n) : "readable");
	return wrong == NULL;
}

static int verify(const struct writer *w, const char *log)
{
	struct expectation *expected = calloc(FILES_MAX, sizeof *expected);
	unsigned done = 0, bad = 0;

	if (!expected || !read_log(log, expected)) {
		free(expected);
		return EXIT_FAILURE;
	}
	for (unsigned file = 0; file < FILES_MAX; file++) {
		if (!expected[file].state)
			continue;
		done += expected[file].state == 'd';
		bad += !verify_file(w, file, &expected[file]);
	}
	free(expected);
	printf("%s: %u files verified, %u wrong\n", w->dir, done, bad);
	return bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct writer w = {0};
	int log, status;

	if (argc == 4 && strcmp(argv[1], "verify") == 0) {
		w.dir = argv[2];
		return verify(&w, argv[3]);
	}
	if (argc != 5 || strcmp(argv[1], "run") != 0) {
		fprintf(stderr, "usage: writer run DIR LOG SEED\n       writer verify DIR LOG\n");
		return 2;
	}
	log = open(argv[3], O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (log < 0) {
		perror(argv[3]);
		return EXIT_FAILURE;
	}
	w.dir = argv[2];
	w.log = log;
	w.random = strtoull(argv[4], NULL, 10);
	status = run(&w);
	close(log);
	return status;
}
