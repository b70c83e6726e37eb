/*
 * torn.c - measures how long a container takes to open whose end is a torn append that someone filled with what costs
 * the search most: one line a figure, "kind/filling, seconds". Relies on the folder given for its files, which should be in
 * memory: the disk is not what is measured. It never judges a figure.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "format.h"
#include "fs.h"
#include "measure.h"
#include "seal.h"

enum {
	MANY = 200000, /* good entries that links can lead to */
	FEW = 10,
	DENSE_LOW = 0x3f00,
	DENSE_HIGH = 0x3f0000, /* two tails that one number names, read from two places */
};

/* What the filling may know of the container. */
struct known {
	uint64_t *tails;
	size_t n;
	uint64_t size;
	struct fs_super super;
	uint64_t random;
};

typedef void (*fill_fn)(uint8_t *to, uint64_t size, struct known *k);

static uint64_t any_tail(struct known *k)
{
	return k->tails[random_next(&k->random) % k->n];
}

/* Trailers with links to the last good entry, and wrong checksums. */
static void fill_trailers(uint8_t *to, uint64_t size, struct known *k)
{
	for (uint64_t at = 0; at + TRAILER_SIZE <= size; at += TRAILER_SIZE) {
		store_u64(to + at + TRAILER_KEY_HASH, random_next(&k->random));
		store_u64(to + at + TRAILER_PREV_TAIL, k->size);
		store_u32(to + at + TRAILER_CRC, (uint32_t)random_next(&k->random));
	}
}

/* Nothing but links to the last good entry. */
static void fill_links(uint8_t *to, uint64_t size, struct known *k)
{
	for (uint64_t at = 0; at + 8 <= size; at += 8)
		store_u64(to + at, k->size);
}

/* Links to good entries, another each time. */
static void fill_any_links(uint8_t *to, uint64_t size, struct known *k)
{
	for (uint64_t at = 0; at + 8 <= size; at += 8)
		store_u64(to + at, any_tail(k));
}

/* Links that are two links each, for someone who reads one byte further on. */
static void fill_dense(uint8_t *to, uint64_t size, struct known *k)
{
	(void)k;
	for (uint64_t at = 0; at + 8 <= size; at += 8)
		store_u64(to + at, DENSE_LOW >> 8);
}

static void fill_random(uint8_t *to, uint64_t size, struct known *k)
{
	for (uint64_t at = 0; at + 8 <= size; at += 8)
		store_u64(to + at, random_next(&k->random));
}

static void fill_zeros(uint8_t *to, uint64_t size, struct known *k)
{
	(void)k;
	memset(to, 0, size);
}

/* Nearly zeros: what cannot be skipped, and links to the start of the file. */
static void fill_nearly_zeros(uint8_t *to, uint64_t size, struct known *k)
{
	(void)k;
	memset(to, 0, size);
	for (uint64_t at = 0; at < size; at += 12)
		to[at] = 1;
}

/* A chain of good entries that goes on from the container's tail. */
static void fill_chain(uint8_t *to, uint64_t size, struct known *k)
{
	uint64_t tail = k->size, end = k->size + size;

	memset(to, 0, size);
	while (tail + 1 + TRAILER_SIZE <= end) {
		uint8_t *trailer = to + (tail - k->size) + 1;

		store_u64(trailer + TRAILER_KEY_HASH, random_next(&k->random));
		store_u64(trailer + TRAILER_PREV_TAIL, tail);
		store_u32(trailer + TRAILER_CRC, TOMBSTONE_CRC);
		tail += 1 + TRAILER_SIZE;
	}
}

/* Seals of this container at all places where there could be one, but for their authenticators. */
static void fill_seals(uint8_t *to, uint64_t size, struct known *k)
{
	uint64_t first = round_up(k->size, ENTRY_ALIGNMENT) - k->size;
	struct fs_seal seal = {.version = FS_LAYOUT_VERSION, .sequence = 1000};

	memset(to, 1, size);
	memcpy(seal.magic, FS_SEAL_MAGIC, sizeof(seal.magic));
	memcpy(seal.container_id, k->super.container_id, sizeof(seal.container_id));
	for (uint64_t at = first; at + sizeof(seal) <= size; at += ENTRY_ALIGNMENT)
		memcpy(to + at, &seal, ENTRY_ALIGNMENT);
}

static const struct filling {
	const char *name;
	fill_fn fill;
	bool many; /* good entries before */
} fillings[] = {
    {"zeros", fill_zeros, false},
    {"nearly zeros", fill_nearly_zeros, false},
    {"random", fill_random, false},
    {"trailers", fill_trailers, false},
    {"links", fill_links, false},
    {"two links in one", fill_dense, true},
    {"links to any entry", fill_any_links, true},
    {"seals", fill_seals, false},
    {"chain", fill_chain, false},
};

static void log_to_stderr(void *arg, int priority, const char *text)
{
	(void)arg;
	(void)priority;
	if (getenv("BENCH_VERBOSE"))
		fprintf(stderr, "  %s\n", text);
}

static struct known look(const char *path)
{
	struct reel_options options = {.flags = REEL_RDONLY, .log = log_to_stderr};
	struct known k = {.random = RANDOM_SEED};
	struct reel_iter *it;
	struct reel_entry e;
	struct reel *r;

	check(reel_open(path, &options, &r), path);
	k.size = reel_file_size(r);
	k.tails = allocate(sizeof(*k.tails) * (MANY + 100));
	check(reel_iter_new(r, false, &it), path);
	while (k.n < MANY + 100 && reel_iter_next(it, &e) > 0) {
		k.tails[k.n++] = e.end;
		reel_entry_release(&e);
	}
	reel_iter_free(it);
	if (reel_read_hash(r, reel_hash(FS_KEY_SUPER, sizeof(FS_KEY_SUPER) - 1), &e) == 0) {
		memcpy(&k.super, e.payload, e.len < sizeof(k.super) ? e.len : sizeof(k.super));
		reel_entry_release(&e);
	}
	check(reel_close(r), path);
	return k;
}

/* One entry that makes the file `tail` bytes long. */
static void write_up_to(struct reel *r, uint64_t tail)
{
	uint64_t offset = round_up(reel_file_size(r), ENTRY_ALIGNMENT);
	size_t len = tail - TRAILER_SIZE - offset;
	void *value = allocate(len);

	check(reel_write(r, "long", 4, value, len), "writing");
	free(value);
}

static void make_store(const char *path, bool many)
{
	struct reel_options options = {.flags = REEL_CREATE | REEL_EXCL, .log = log_to_stderr};
	struct reel *r;

	check(reel_open(path, &options, &r), path);
	if (many) {
		write_up_to(r, DENSE_LOW);
		write_up_to(r, DENSE_HIGH);
	}
	for (uint64_t i = 0; i < (many ? MANY : FEW); i++)
		check(reel_write_hash(r, i, "a value", 7), path);
	check(reel_close(r), path);
}

/* It ends as after a kill: with a transaction that is not clean. */
static void make_fs(const char *path)
{
	struct fs_options options = {.log = log_to_stderr};
	struct fs_cred cred = {0};
	struct fs_attr attr;
	struct fs *fs;
	char *command;

	check(fs_create_container(path, &options), path);
	check(fs_open(path, &options, &fs), path);
	for (int i = 0; i < FEW; i++) {
		char name[16];

		snprintf(name, sizeof(name), "d%d", i);
		check(fs_mkdir(fs, FS_ROOT_INO, name, 0755, &cred, &attr), name);
	}
	check(asprintf(&command, "cp '%s' '%s.killed'", path, path) > 0 && system(command) == 0 ? 0 : -EIO, "cp");
	free(command);
	check(fs_close(fs), path);
	check(asprintf(&command, "mv '%s.killed' '%s'", path, path) > 0 && system(command) == 0 ? 0 : -EIO, "mv");
	free(command);
}

static void append(const char *path, const struct filling *f, uint64_t size)
{
	struct known k = look(path);
	uint8_t *bytes = allocate(size);
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	f->fill(bytes, size, &k);
	for (uint64_t done = 0; done < size;) {
		ssize_t n = write(fd, bytes + done, size - done);

		check(n <= 0 ? -errno : 0, path);
		done += (uint64_t)n;
	}
	close(fd);
	free(bytes);
	free(k.tails);
}

/* Of all threads of the process: what an idle machine would take at most, where this one is not idle. */
static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void open_it(const char *path, bool is_fs, bool read_only)
{
	struct fs_options fs_options = {.read_only = read_only, .log = log_to_stderr};
	struct reel_options options = {.flags = read_only ? REEL_RDONLY : 0, .log = log_to_stderr};
	struct reel *r = NULL;
	struct fs *fs = NULL;

	check(is_fs ? fs_open(path, &fs_options, &fs) : reel_open(path, &options, &r), path);
	check(is_fs ? fs_close(fs) : reel_close(r), path);
}

static void measure(const char *dir, const struct filling *f, bool is_fs, uint64_t size)
{
	char *path, *name;
	double begin, cpu;

	check(asprintf(&path, "%s/bench.torn", dir) > 0 &&
		      asprintf(&name, "%s/%s", is_fs ? "file-system" : "key-value", f->name) > 0
		  ? 0
		  : -ENOMEM,
	      dir);
	(void)unlink(path);
	if (is_fs)
		make_fs(path);
	else
		make_store(path, f->many);
	append(path, f, size);
	for (int writing = 0; writing < 2; writing++) {
		begin = now();
		cpu = cpu_now();
		open_it(path, is_fs, !writing);
		printf("%s, for %s: %.3f s, %.3f s of the processor\n", name, writing ? "writing" : "reading", now() - begin,
		       cpu_now() - cpu);
	}
	check(asprintf(&name, "rm -f '%s' '%s'.torn-*", path, path) > 0 && system(name) == 0 ? 0 : -EIO, "rm");
	free(path);
	free(name);
}

int main(int argc, char **argv)
{
	uint64_t size = (argc > 2 ? strtoull(argv[2], NULL, 10) : 1024) << 20;

	if (argc < 2) {
		fprintf(stderr, "usage: torn FOLDER [MIB [FILLING]...]\n");
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < sizeof(fillings) / sizeof(fillings[0]); i++) {
		bool wanted = argc <= 3;

		for (int a = 3; a < argc; a++)
			wanted |= strcmp(argv[a], fillings[i].name) == 0;
		if (!wanted)
			continue;
		if (fillings[i].fill != fill_seals && fillings[i].fill != fill_chain)
			measure(argv[1], &fillings[i], false, size);
		measure(argv[1], &fillings[i], true, size);
	}
	return EXIT_SUCCESS;
}
