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
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "reel.h"

enum { MANY = 10 * ENTRIES };

static const char *path_of(const char *dir, const char *name)
{
	static char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		check(-ENAMETOOLONG, dir);
	return path;
}

static void print_log(void *arg, int priority, const char *text)
{
	(void)arg, (void)priority;
	fprintf(stderr, "bench/store: %s\n", text);
}

static struct reel *open_container(const char *path, unsigned flags)
{
	struct reel_options options = {.flags = flags, .log = print_log};
	struct reel *r;

	check(reel_open(path, &options, &r), path);
	return r;
}

/* A container without entries. */
static struct reel *open_new(const char *dir)
{
	const char *path = path_of(dir, "bench.new");

	unlink(path);
	return open_container(path, REEL_CREATE);
}

static void close_and_remove(struct reel *r)
{
	/* Before it is closed, so that no time is spent on syncing it. */
	unlink(reel_path(r));
	check(reel_close(r), "closing");
}

static uint64_t *values_new(size_t n)
{
	uint64_t *values = allocate(n * sizeof(*values));

	for (size_t i = 0; i < n; i++)
		values[i] = i + 1;
	return values;
}

static void append_in_batches(struct reel *r, const struct keys *keys, const uint64_t *values)
{
	struct reel_batch_item item[BATCH];

	for (size_t at = 0; at < keys->n; at += BATCH) {
		size_t n = keys->n - at < BATCH ? keys->n - at : BATCH;
		for (size_t i = 0; i < n; i++) {
			item[i].key_hash = reel_hash(keys->text[at + i], keys->len[at + i]);
			item[i].value = &values[at + i];
			item[i].value_len = SMALL;
		}
		check(reel_write_batch(r, item, n), "writing a batch");
	}
}

static void append_batch(const char *dir)
{
	uint64_t *values = values_new(ENTRIES);
	struct keys keys;

	keys_in_order(&keys, ENTRIES);
	struct reel *r = open_new(dir);
	double begin = now();
	append_in_batches(r, &keys, values);
	report_rate("append-batch", ENTRIES, begin, "entries/s");
	close_and_remove(r);
}

static void append_single(const char *dir)
{
	uint64_t *values = values_new(ENTRIES);
	struct keys keys;

	keys_in_order(&keys, ENTRIES);
	struct reel *r = open_new(dir);
	double begin = now();
	for (size_t i = 0; i < ENTRIES; i++)
		check(reel_write(r, keys.text[i], keys.len[i], &values[i], SMALL), "writing");
	report_rate("append-single", ENTRIES, begin, "entries/s");
	close_and_remove(r);
}

static void append_4k(const char *dir)
{
	enum { COUNT = 100000, SIZE = 4096 };
	void *value = allocate(SIZE);
	struct keys keys;

	keys_in_order(&keys, COUNT);
	struct reel *r = open_new(dir);
	double begin = now();
	for (size_t i = 0; i < COUNT; i++)
		check(reel_write(r, keys.text[i], keys.len[i], value, SIZE), "writing");
	report_rate("append-4k", COUNT, begin, "entries/s");
	close_and_remove(r);
}

struct source {
	uint64_t left;
	void *block;
};

static ssize_t pull(void *arg, void *buf, size_t size)
{
	struct source *s = arg;
	size_t n = size < BLOCK ? size : BLOCK;

	n = n < s->left ? n : s->left;
	memcpy(buf, s->block, n);
	s->left -= n;
	return (ssize_t)n;
}

static void stream(const char *dir)
{
	const uint64_t size = (uint64_t)2 << 30;
	struct source source = {.left = size, .block = allocate(BLOCK)};
	struct reel *r = open_new(dir);
	double begin = now();

	check(reel_write_stream(r, reel_hash("stream", 6), pull, &source), "writing a stream");
	report_rate("stream", (double)size / 1e6, begin, "MB/s");
	close_and_remove(r);
}

/* A container of n entries, made if it is not there. The path is good until the next call. */
static const char *container(const char *dir, const char *name, size_t n)
{
	const char *path = path_of(dir, name);
	struct keys keys;

	if (access(path, F_OK) == 0)
		return path;
	uint64_t *values = values_new(n);
	keys_in_order(&keys, n);
	struct reel *r = open_container(path, REEL_CREATE);
	append_in_batches(r, &keys, values);
	check(reel_close(r), path);
	keys_free(&keys);
	free(values);
	return path;
}

static const char *million(const char *dir)
{
	return container(dir, "bench.1m", ENTRIES);
}

/* Opened, and able to answer for any key. */
static struct reel *open_with_index(const char *path)
{
	struct reel *r = open_container(path, 0);

	check(reel_exists_hash(r, 0), path);
	return r;
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	check(fd < 0 ? -errno : 0, path);
	return fd;
}

static void open_warm(const char *dir)
{
	const char *path = million(dir);
	void *block = allocate(BLOCK);
	int fd = open_file(path);

	while (read(fd, block, BLOCK) > 0)
		;
	close(fd);
	free(block);
	double begin = now();
	struct reel *r = open_with_index(path);
	report("open-warm", now() - begin, "s");
	report("open-resident", memory_of("VmRSS") / 1e6, "MB");
	report("open-memory", memory_of("RssAnon") / 1e6, "MB");
	check(reel_close(r), path);
}

static void open_cold(const char *dir)
{
	const char *path = million(dir);
	int fd = open_file(path);

	check(fsync(fd) < 0 ? -errno : 0, path);
	check(-posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), path);
	close(fd);
	double begin = now();
	struct reel *r = open_with_index(path);
	report("open-cold", now() - begin, "s");
	check(reel_close(r), path);
}

static void index_memory(const char *dir)
{
	const char *path = container(dir, "bench.10m", MANY);
	struct reel_info info;
	double before = memory_of("RssAnon");
	double begin = now();
	struct reel *r = open_with_index(path);

	report("open-10m", now() - begin, "s");
	double after = memory_of("RssAnon");
	check(reel_info(r, &info), path);
	report("index-memory", (after - before) / (double)info.live, "bytes/key");
	check(reel_close(r), path);
}

static uint64_t value_of(const struct reel_entry *e)
{
	uint64_t v;

	memcpy(&v, e->payload, sizeof(v));
	return v;
}

/* The figures of a walk that did not see every entry would be worth nothing. */
static void check_walk(uint64_t n, uint64_t sum)
{
	check(n == ENTRIES && sum == (uint64_t)ENTRIES * (ENTRIES + 1) / 2 ? 0 : -EBADMSG, "a walk over all entries");
}

static void iterate(const char *dir)
{
	struct reel *r = open_with_index(million(dir));
	struct reel_iter *it;
	struct reel_entry e;
	uint64_t n = 0, sum = 0;
	int more;
	double begin = now();

	check(reel_iter_new(r, true, &it), "iterating");
	while ((more = reel_iter_next(it, &e)) > 0) {
		sum += value_of(&e);
		n++;
		reel_entry_release(&e);
	}
	check(more, "iterating");
	reel_iter_free(it);
	report_rate("iterate", (double)n, begin, "entries/s");
	check_walk(n, sum);
	check(reel_close(r), "closing");
}

static void read_handles(const char *dir)
{
	struct reel *r = open_with_index(million(dir));
	struct keys keys;
	struct reel_entry e;
	uint64_t bytes = 0;

	keys_at_random(&keys, ENTRIES);
	double begin = now();
	for (size_t i = 0; i < ENTRIES; i++) {
		check(reel_read(r, keys.text[i], keys.len[i], &e), "reading");
		bytes += e.len;
		reel_entry_release(&e);
	}
	report_rate("read", ENTRIES, begin, "entries/s");
	check(bytes == (uint64_t)SMALL * ENTRIES ? 0 : -EBADMSG, "reading");
	check(reel_close(r), "closing");
}

static void read_touch(const char *dir)
{
	struct reel *r = open_with_index(million(dir));
	struct keys keys;
	struct reel_entry e;
	uint64_t sum = 0;

	keys_at_random(&keys, ENTRIES);
	double begin = now();
	for (size_t i = 0; i < ENTRIES; i++) {
		check(reel_read(r, keys.text[i], keys.len[i], &e), "reading");
		sum += value_of(&e);
		reel_entry_release(&e);
	}
	report_rate("read-touch", ENTRIES, begin, "entries/s");
	check(sum != 0 ? 0 : -EBADMSG, "reading");
	check(reel_close(r), "closing");
}

static const struct row store_rows[] = {
    {"append-batch", append_batch},
    {"append-single", append_single},
    {"append-4k", append_4k},
    {"stream", stream},
    {"open-warm", open_warm},
    {"open-cold", open_cold},
    {"iterate", iterate},
    {"read", read_handles},
    {"read-touch", read_touch},
    {"index-memory", index_memory},
    {0},
};

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
	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: bench/store FOLDER [ROW...]\n"
				"  FOLDER  where containers are made (2.7 GB); bench.1m and bench.10m stay for the next run\n"
				"  ROW     what is measured (default: everything):");
		for (const struct row *row = store_rows; row->name != NULL; row++)
			fprintf(stderr, " %s", row->name);
		for (const struct row *row = limit_rows; row->name != NULL; row++)
			fprintf(stderr, " %s", row->name);
		fprintf(stderr, "\n");
		return 2;
	}
	int err = run_all(store_rows, argv[1], argv + 2, argc - 2);
	if (run_all(limit_rows, argv[1], argv + 2, argc - 2) < 0)
		err = -EIO;
	return err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
