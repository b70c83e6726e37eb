/*
 * limits.c - measures what bounds the store's rows from beneath: copying and hashing in memory, the
 * system call that appends, the page cache, the disk. A row "limit-X" is what row X could reach if the
 * store itself took no time; its unit is that of X.
 * It also answers whether an explicit loop of vector instructions copies faster than memcpy().
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "measure.h"
#include "reel.h"

/* Sizes of copies and checksums: an entry, a page, what fits into caches, and what does not. */
static const struct {
	const char *name;
	size_t size;
} sizes[] = {{"64", 64}, {"4k", 4096}, {"64k", 1 << 16}, {"1m", 1 << 20}, {"64m", 64 << 20}};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

enum { PAGE = 4096 };
#define VOLUME ((size_t)1 << 30) /* bytes that pass in one measurement */

typedef void (*copy_fn)(void *to, const void *from, size_t n);

/* Called through a pointer, as the compiler would else see what the copy is for. */
static void copy_libc(void *to, const void *from, size_t n)
{
	memcpy(to, from, n);
}

#ifdef __x86_64__
/* 32 bytes a step, the rest by memcpy(): what "SIMD copy" means elsewhere. */
__attribute__((target("avx2"))) static void copy_vectors(void *to, const void *from, size_t n)
{
	size_t i = 0;

	for (; i + 32 <= n; i += 32)
		_mm256_storeu_si256((__m256i *)((char *)to + i), _mm256_loadu_si256((const __m256i *)((const char *)from + i)));
	memcpy((char *)to + i, (const char *)from + i, n - i);
}
#else
#define copy_vectors copy_libc
#endif

static void *allocate_pages(size_t size)
{
	void *p = aligned_alloc(PAGE, (size + PAGE - 1) / PAGE * PAGE);

	check(p == NULL ? -ENOMEM : 0, "allocating");
	return memset(p, 0x5a, size);
}

/*
 * `skew`: how far the destination is from the source, modulo the size of a page. Processors that copy with "rep
 * movsb" can be slow where it is between 1 and 63.
 */
static void measure_copy(const char *how, copy_fn volatile copy, int i, size_t skew)
{
	size_t size = sizes[i].size, times = VOLUME / (size < 4096 ? 4096 : size);
	char *from = allocate_pages(size), *to = allocate_pages(size + skew), name[64];
	double begin = now();

	for (size_t k = 0; k < times; k++)
		copy(to + skew, from, size);
	snprintf(name, sizeof(name), "%s-%s%s", how, sizes[i].name, skew == 0 ? "" : "-skewed");
	report_rate(name, (double)times * (double)size / 1e6, begin, "MB/s");
	free(from);
	free(to);
}

static void copies(const char *dir)
{
	bool vectors = false;

	(void)dir;
#ifdef __x86_64__
	vectors = __builtin_cpu_supports("avx2");
#endif
	for (int i = 0; i < SIZES; i++) {
		for (size_t skew = 0; skew <= 16; skew += 16) {
			measure_copy("copy-memcpy", copy_libc, i, skew);
			if (vectors)
				measure_copy("copy-vectors", copy_vectors, i, skew);
		}
	}
}

static void checksums(const char *dir)
{
	char name[64];
	uint64_t sum = 0;

	(void)dir;
	for (int i = 0; i < SIZES; i++) {
		size_t size = sizes[i].size, times = VOLUME / (size < 1024 ? 1024 : size);
		char *data = allocate(size);
		double begin = now();
		for (size_t k = 0; k < times; k++)
			sum += reel_crc32(0, data, size);
		snprintf(name, sizeof(name), "crc32-%s", sizes[i].name);
		report_rate(name, (double)times * (double)size / 1e6, begin, "MB/s");
		begin = now();
		for (size_t k = 0; k < times; k++)
			sum += reel_hash(data, size);
		snprintf(name, sizeof(name), "xxh3-%s", sizes[i].name);
		report_rate(name, (double)times * (double)size / 1e6, begin, "MB/s");
		free(data);
	}
	check(sum != 0 ? 0 : -EBADMSG, "checksums");
}

static void hash_keys(const char *dir)
{
	struct keys keys;
	uint64_t sum = 0;

	(void)dir;
	keys_in_order(&keys, ENTRIES);
	double begin = now();
	for (int round = 0; round < 10; round++) {
		for (size_t i = 0; i < keys.n; i++)
			sum += reel_hash(keys.text[i], keys.len[i]);
	}
	report_rate("hash-keys", 10.0 * ENTRIES, begin, "keys/s");
	check(sum != 0 ? 0 : -EBADMSG, "hashing");
	keys_free(&keys);
}

static int new_file(const char *dir)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/bench.new", dir) >= (int)sizeof(path))
		check(-ENAMETOOLONG, dir);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	check(fd < 0 ? -errno : 0, path);
	unlink(path);
	return fd;
}

/* `count` appends of `size` bytes to a new file. */
static int append(const char *dir, const void *data, size_t size, size_t count)
{
	int fd = new_file(dir);

	for (size_t i = 0; i < count; i++) {
		ssize_t n = pwrite(fd, data, size, (off_t)(i * size));
		check(n < 0 ? -errno : (size_t)n < size ? -ENOSPC : 0, "writing");
	}
	return fd;
}

static void limit_append(const char *name, const char *dir, size_t size, size_t count, double unit, const char *unit_name)
{
	void *data = allocate(size);
	double begin = now();
	int fd = append(dir, data, size, count);

	report_rate(name, (double)count * unit, begin, unit_name);
	close(fd);
	free(data);
}

static void limit_append_batch(const char *dir)
{
	limit_append("limit-append-batch", dir, BATCH * ENTRY_BYTES, ENTRIES / BATCH, BATCH, "entries/s");
}

static void limit_append_single(const char *dir)
{
	limit_append("limit-append-single", dir, ENTRY_BYTES, ENTRIES, 1, "entries/s");
}

static void limit_append_4k(const char *dir)
{
	limit_append("limit-append-4k", dir, 4096 + ENTRY_BYTES, 100000, 1, "entries/s");
}

static void limit_stream(const char *dir)
{
	limit_append("limit-stream", dir, BLOCK, 2048, BLOCK / 1e6, "MB/s");
}

/* Writing the entries of a million and syncing them. */
static void limit_compact(const char *dir)
{
	void *data = allocate(BLOCK);
	double begin = now();
	int fd = append(dir, data, BLOCK, (size_t)ENTRIES * ENTRY_BYTES / BLOCK);

	check(fsync(fd) < 0 ? -errno : 0, "syncing");
	report("limit-compact", now() - begin, "s");
	close(fd);
	free(data);
}

/* The bytes of a million entries in a mapped file, whose pages are in memory but not yet mapped. */
static uint8_t *map_file(const char *dir, size_t *size)
{
	void *data = allocate(BLOCK);
	int fd = append(dir, data, BLOCK, (size_t)ENTRIES * ENTRY_BYTES / BLOCK);

	*size = (size_t)ENTRIES * ENTRY_BYTES / BLOCK * BLOCK;
	uint8_t *base = mmap(NULL, *size, PROT_READ, MAP_SHARED, fd, 0);
	check(base == MAP_FAILED ? -errno : 0, "mapping");
	close(fd);
	free(data);
	return base;
}

/* One load of each entry's bytes, backward: with page faults this is opening, without them iterating. */
static void limit_walks(const char *dir)
{
	size_t size;
	volatile uint8_t *base = map_file(dir, &size);
	uint64_t sum = 0;
	double begin = now();

	for (size_t at = size; at >= ENTRY_BYTES; at -= ENTRY_BYTES)
		sum += base[at - 1];
	report("limit-open-warm", now() - begin, "s");
	begin = now();
	for (size_t at = size; at >= ENTRY_BYTES; at -= ENTRY_BYTES)
		sum += base[at - 1];
	report_rate("limit-iterate", (double)(size / ENTRY_BYTES), begin, "entries/s");
	check(sum != 0 ? 0 : -EBADMSG, "walking");
}

/* A read loads a slot of the index, and then, from the place it names, a trailer. */
static void limit_reads(const char *dir)
{
	size_t size, entries;
	volatile uint8_t *base = map_file(dir, &size);
	uint64_t state = RANDOM_SEED, sum = 0;
	struct slot {
		uint64_t key, place;
	} * slots;

	entries = size / ENTRY_BYTES;
	slots = allocate(entries * sizeof(*slots));
	for (size_t i = 0; i < entries; i++) {
		slots[i].place = random_next(&state) % entries * ENTRY_BYTES;
		sum += base[slots[i].place];
	}
	double begin = now();
	uint64_t last = 0;
	for (size_t i = 0; i < ENTRIES; i++) {
		last = base[slots[(random_next(&state) ^ last) % entries].place];
		sum += last;
	}
	report_rate("limit-read", ENTRIES, begin, "entries/s");
	begin = now();
	for (size_t i = 0; i < ENTRIES; i++)
		sum += base[slots[random_next(&state) % entries].place];
	report_rate("limit-read-batch", ENTRIES, begin, "entries/s");
	check(sum != 0 ? 0 : -EBADMSG, "reading");
	free(slots);
}

const struct row limit_rows[] = {
    {"limit-append-batch", limit_append_batch},
    {"limit-append-single", limit_append_single},
    {"limit-append-4k", limit_append_4k},
    {"limit-stream", limit_stream},
    {"limit-compact", limit_compact},
    {"limit-walks", limit_walks},
    {"limit-reads", limit_reads},
    {"copies", copies},
    {"checksums", checksums},
    {"hash-keys", hash_keys},
    {0},
};
