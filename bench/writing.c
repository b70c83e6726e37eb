/*
 * writing.c - rows of bench/store that write: appends, streams, compaction. None of them syncs but compaction,
 * which is not done before its result is on stable storage.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container.h"

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
	keys_free(&keys);
	free(values);
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
	keys_free(&keys);
	free(values);
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
	keys_free(&keys);
	free(value);
}

/* One entry a submission: how many a commit takes is the writer's affair. */
static void append_async(const char *dir)
{
	uint64_t *values = values_new(ENTRIES);
	struct keys keys;
	struct reel_writer *w;

	keys_in_order(&keys, ENTRIES);
	struct reel *r = open_new(dir);
	check(reel_writer_start(r, 0, &w), "starting a writer");
	double begin = now();
	for (size_t i = 0; i < ENTRIES; i++) {
		struct reel_key_item item = {{keys.text[i], keys.len[i]}, &values[i], SMALL};
		check(reel_submit(w, &item, 1, 0, NULL, NULL, NULL), "submitting");
	}
	check(reel_writer_flush(w, false), "flushing");
	report_rate("append-async", ENTRIES, begin, "entries/s");
	reel_writer_end(w);
	close_and_remove(r);
	keys_free(&keys);
	free(values);
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
	free(source.block);
}

static void compact(const char *dir)
{
	char path[PATH_MAX];
	int from = open(million(dir), O_RDONLY | O_CLOEXEC);
	struct stat st;

	snprintf(path, sizeof(path), "%s", path_of(dir, "bench.new"));
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	check(from < 0 || to < 0 || fstat(from, &st) < 0 ? -errno : 0, path);
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);
		check(n <= 0 ? -EIO : 0, path);
		left -= n;
	}
	check(fsync(to) < 0 || close(to) < 0 || close(from) < 0 ? -errno : 0, path);
	struct reel *r = open_with_index(path, 0);
	double begin = now();
	check(reel_compact(r, NULL), "compacting");
	report("compact", now() - begin, "s");
	close_and_remove(r);
}

const struct row writing_rows[] = {
    {"append-batch", append_batch},
    {"append-single", append_single},
    {"append-async", append_async},
    {"append-4k", append_4k},
    {"stream", stream},
    {"compact", compact},
    {0},
};
