/*
 * reading.c - rows of bench/store that read: opening, walks over all entries, and reads at random.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "container.h"

enum {
	MANY = 10 * ENTRIES,
	READERS = 4,
	MOST_THREADS = 64, /* of a parallel walk */
};

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
	struct reel *r = open_with_index(path, 0);
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
	struct reel *r = open_with_index(path, 0);
	report("open-cold", now() - begin, "s");
	check(reel_close(r), path);
}

static void measure_index(const char *dir, unsigned flags, const char *time_name, const char *memory_name)
{
	const char *path = container(dir, "bench.10m", MANY);
	double before = memory_of("RssAnon"), begin = now();
	struct reel *r = open_with_index(path, flags);

	report(time_name, now() - begin, "s");
	double memory = memory_of("RssAnon") - before;
	check(reel_len(r) == MANY ? 0 : -EBADMSG, path);
	report(memory_name, memory / MANY, "bytes/key");
	check(reel_close(r), path);
}

static void index_memory(const char *dir)
{
	measure_index(dir, 0, "open-10m", "index-memory");
}

static void index_checked(const char *dir)
{
	measure_index(dir, REEL_CHECK_KEYS, "open-10m-checked", "index-memory-checked");
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
	struct reel *r = open_with_index(million(dir), 0);
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

/* What one thread has seen. */
struct seen {
	_Alignas(64) uint64_t n;
	uint64_t sum;
};

struct walk {
	struct seen seen[MOST_THREADS];
	atomic_uint threads;
};

static int visit(void *arg, const struct reel_entry *e)
{
	static _Thread_local struct seen *mine;
	struct walk *walk = arg;

	if (mine == NULL)
		mine = &walk->seen[atomic_fetch_add(&walk->threads, 1)];
	mine->n++;
	mine->sum += value_of(e);
	return 0;
}

static void iterate_parallel(const char *dir)
{
	enum { THREADS = 2 };
	struct reel *r = open_with_index(million(dir), 0);
	static struct walk walk;
	uint64_t n = 0, sum = 0;
	double begin = now();

	check(reel_for_each(r, THREADS, visit, &walk), "iterating");
	report_rate("iterate-parallel", ENTRIES, begin, "entries/s");
	for (int i = 0; i < THREADS; i++) {
		n += walk.seen[i].n;
		sum += walk.seen[i].sum;
	}
	check_walk(n, sum);
	check(reel_close(r), "closing");
}

/* Reads the keys one at a time, and their values if `touch`. */
static void read_each(struct reel *r, const struct keys *keys, bool touch)
{
	struct reel_entry e;
	uint64_t sum = 0;

	for (size_t i = 0; i < keys->n; i++) {
		check(reel_read(r, keys->text[i], keys->len[i], &e), "reading");
		sum += touch ? value_of(&e) : e.len;
		reel_entry_release(&e);
	}
	check(sum >= keys->n ? 0 : -EBADMSG, "reading");
}

static void measure_read(const char *dir, const char *name, unsigned flags, bool touch)
{
	struct reel *r = open_with_index(million(dir), flags);
	struct keys keys;

	keys_at_random(&keys, ENTRIES);
	double begin = now();
	read_each(r, &keys, touch);
	report_rate(name, ENTRIES, begin, "entries/s");
	check(reel_close(r), "closing");
	keys_free(&keys);
}

static void read_handles(const char *dir)
{
	measure_read(dir, "read", 0, false);
}

static void read_touch(const char *dir)
{
	measure_read(dir, "read-touch", 0, true);
}

static void read_checked(const char *dir)
{
	measure_read(dir, "read-checked", REEL_CHECK_KEYS, true);
}

static void read_batch(const char *dir)
{
	struct reel *r = open_with_index(million(dir), 0);
	struct reel_key key[BATCH];
	struct reel_entry e[BATCH];
	struct keys keys;
	uint64_t sum = 0;

	keys_at_random(&keys, ENTRIES);
	double begin = now();
	for (size_t at = 0; at < keys.n; at += BATCH) {
		size_t n = keys.n - at < BATCH ? keys.n - at : BATCH;
		for (size_t i = 0; i < n; i++)
			key[i] = (struct reel_key){keys.text[at + i], keys.len[at + i]};
		ssize_t live = reel_read_batch(r, key, n, e);
		check(live == (ssize_t)n ? 0 : -ENOENT, "reading a batch");
		for (size_t i = 0; i < n; i++) {
			sum += value_of(&e[i]);
			reel_entry_release(&e[i]);
		}
	}
	report_rate("read-batch", ENTRIES, begin, "entries/s");
	check(sum >= ENTRIES ? 0 : -EBADMSG, "reading");
	check(reel_close(r), "closing");
	keys_free(&keys);
}

struct reader {
	pthread_t thread;
	struct reel *r;
	struct keys keys;
};

static void *reader_main(void *arg)
{
	struct reader *reader = arg;

	read_each(reader->r, &reader->keys, true);
	return NULL;
}

static void read_threads(const char *dir)
{
	static struct reader reader[READERS];
	struct reel *r = open_with_index(million(dir), 0);

	for (int i = 0; i < READERS; i++) {
		reader[i].r = r;
		keys_at_random(&reader[i].keys, ENTRIES);
	}
	double begin = now();
	for (int i = 0; i < READERS; i++)
		check(-pthread_create(&reader[i].thread, NULL, reader_main, &reader[i]), "starting a thread");
	for (int i = 0; i < READERS; i++)
		check(-pthread_join(reader[i].thread, NULL), "joining a thread");
	report_rate("read-4-threads", (double)READERS * ENTRIES, begin, "entries/s");
	check(reel_close(r), "closing");
	for (int i = 0; i < READERS; i++)
		keys_free(&reader[i].keys);
}

const struct row reading_rows[] = {
    {"open-warm", open_warm},
    {"open-cold", open_cold},
    {"index-memory", index_memory},
    {"index-checked", index_checked},
    {"iterate", iterate},
    {"iterate-parallel", iterate_parallel},
    {"read", read_handles},
    {"read-touch", read_touch},
    {"read-checked", read_checked},
    {"read-batch", read_batch},
    {"read-4-threads", read_threads},
    {0},
};
