/*
 * test_chance.c - containers of any generation, drawn by chance, damaged and torn by chance: whatever is opened for
 * writing, no good entry is cut off, none is read as another, and an older generation is not taken for the newest.
 * Entries are made by the rules of docs/FORMAT.md alone. CHANCE_ROUNDS sets how many containers, CHANCE_SEED the first.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"
#include "format.h"
#include "runner.h"

enum {
	ROUNDS = 4000,
	ENTRIES = 9,
	ENTRIES_FIRST = 3,
	KEYS = 5,
	VALUE_MAX = 400,
	FILE_MAX = 16384,
	TORN_MAX = 100,
	ZEROS_MAX = 64
};

struct part {
	uint64_t begin, payload, end;
	unsigned key;
	bool tombstone, good;
};

struct container {
	const struct generation *gen;
	struct part part[ENTRIES];
	size_t n, size;
	uint8_t bytes[FILE_MAX], whole[FILE_MAX];
};

static uint64_t state;

/* 0 to n-1. */
static uint64_t draw(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % n;
}

static uint64_t key_hash(unsigned key)
{
	return reel_hash(&(char){(char)('a' + key)}, 1);
}

/* A value of zeros, of one letter, or of anything; often one that ends where the next needs no pad in any generation. */
static size_t draw_value(uint8_t *value, uint64_t payload)
{
	uint64_t kind = draw(4), len = 1 + draw(draw(3) > 0 ? 20 : VALUE_MAX);

	if (draw(10) == 0)
		len = ENTRY_ALIGNMENT - (payload + TRAILER_SIZE) % ENTRY_ALIGNMENT;
	for (uint64_t i = 0; i < len; i++)
		value[i] = kind == 0 ? 0 : kind == 1 ? 'x' : (uint8_t)draw(256);
	if (len == 1 && value[0] == 0)
		value[0] = 1;
	return len;
}

static void add_part(struct container *c)
{
	struct part *p = &c->part[c->n];
	size_t len = 1;

	*p = (struct part){.begin = c->size, .payload = c->size, .key = (unsigned)draw(KEYS), .good = true};
	p->tombstone = c->n > 0 && draw(7) == 0;
	if (!p->tombstone) {
		p->payload = round_up(c->size, c->gen->pad);
		len = draw_value(c->bytes + p->payload, p->payload);
	}
	uint8_t *trailer = c->bytes + p->payload + len;
	store_u64(trailer + TRAILER_KEY_HASH, key_hash(p->key));
	store_u64(trailer + TRAILER_PREV_TAIL, p->begin);
	store_u32(trailer + TRAILER_CRC, reel_crc32(0, c->bytes + p->payload, len));
	c->size = p->end = p->payload + len + c->gen->trailer;
	c->bytes[c->size] = 0;
	c->n++;
}

/* One bit, but none of a link's: such a link may name another entry. Or zeros, wherever. */
static void damage(struct container *c)
{
	uint64_t at = draw(c->size), len = 1 + draw(ZEROS_MAX), field = 0;

	if (draw(2) == 0) {
		memset(c->bytes + at, 0, len < c->size - at ? len : c->size - at);
		return;
	}
	for (size_t i = 0; i < c->n; i++) {
		field = c->part[i].end - c->gen->trailer + TRAILER_PREV_TAIL;
		if (at >= field && at < field + sizeof(uint64_t))
			return;
	}
	c->bytes[at] ^= (uint8_t)(1u << draw(8));
}

/* An append that was not finished: the last entry's beginning, zeros, or anything. */
static void tear(struct container *c)
{
	const struct part *last = &c->part[c->n - 1];
	uint64_t kind = draw(4), len = draw(TORN_MAX);

	if (kind == 1)
		c->size -= draw(last->end - last->begin);
	for (uint64_t i = 0; kind > 1 && i < len; i++)
		c->bytes[c->size++] = kind == 2 ? 0 : (uint8_t)draw(256);
}

static void make(struct container *c)
{
	memset(c, 0, sizeof(*c));
	c->gen = draw(2) == 0 ? GENERATION_NEWEST : &GENERATIONS[draw(GENERATION_COUNT)];
	for (uint64_t n = ENTRIES_FIRST + draw(ENTRIES - ENTRIES_FIRST + 1); n > 0; n--)
		add_part(c);
	memcpy(c->whole, c->bytes, c->size);
	if (draw(3) > 0)
		damage(c);
	tear(c);
	for (size_t i = 0; i < c->n; i++) {
		struct part *p = &c->part[i];
		p->good = p->end <= c->size && memcmp(c->bytes + p->payload, c->whole + p->payload, p->end - p->payload) == 0;
	}
}

/* Could the newest generation have written what is good of it? */
static bool fits_newest(const struct container *c)
{
	bool fits = c->gen->trailer == TRAILER_SIZE;

	for (size_t i = 0; i < c->n; i++)
		fits &= !c->part[i].good || c->part[i].tombstone ||
			round_up(c->part[i].begin, ENTRY_ALIGNMENT) == c->part[i].payload;
	return fits;
}

/* Each key of which the newest entry is good has what that says. */
static void check_keys(struct reel *r, const struct container *c, uint64_t seed)
{
	const struct part *newest[KEYS] = {0};
	struct reel_entry e;

	for (size_t i = 0; i < c->n; i++) {
		if (c->part[i].end <= c->size)
			newest[c->part[i].key] = &c->part[i];
	}
	for (unsigned key = 0; key < KEYS; key++) {
		const struct part *p = newest[key];
		if (p == NULL || !p->good)
			continue;
		int err = reel_read_hash(r, key_hash(key), &e);
		ck_assert_msg(err == (p->tombstone ? -ENOENT : 0), "seed %" PRIu64 ": key %u: %d", seed, key, err);
		if (err < 0)
			continue;
		ck_assert_msg(e.offset == p->payload && e.end == p->end, "seed %" PRIu64 ": key %u has another value", seed,
			      key);
		reel_entry_release(&e);
	}
}

static int no_sync(const struct disk_ops *d, int fd)
{
	(void)d, (void)fd;
	return 0;
}

/* On a disk that does not sync, as there are many. */
static int open_quickly(unsigned flags, struct reel **ret)
{
	static struct disk_ops disk;
	struct reel_engine_options options = {.base = {.flags = flags, .log = keep_log}, .disk = &disk};

	disk = disk_real;
	disk.fsync = disk.fdatasync = no_sync;
	logged[0] = 0;
	return reel_engine_open("c", &options, ret);
}

/* Reading changes nothing; writing is refused, which changes nothing either, or cuts off what is no good entry. */
static void check_container(const struct container *c, uint64_t seed)
{
	uint64_t last_good = 0;
	struct reel *r;

	for (size_t i = 0; i < c->n; i++)
		last_good = c->part[i].good ? c->part[i].end : last_good;
	file_write("c", c->bytes, c->size);
	if (open_quickly(REEL_RDONLY, &r) == 0)
		reel_close(r);
	ck_assert_msg(file_is("c", c->bytes, c->size), "seed %" PRIu64 ": reading changed it", seed);
	if (open_quickly(0, &r) < 0) {
		ck_assert_msg(file_is("c", c->bytes, c->size), "seed %" PRIu64 ": refused, and changed", seed);
		return;
	}
	uint64_t tail = reel_tail_offset(r);
	ck_assert_msg(tail >= last_good, "seed %" PRIu64 ": good entries after %" PRIu64 " were cut off", seed, tail);
	ck_assert_msg(fits_newest(c), "seed %" PRIu64 ": an older generation was taken for the newest", seed);
	check_keys(r, c, seed);
	reel_close(r);
	ck_assert_msg(file_is("c", c->bytes, tail), "seed %" PRIu64 ": what is left was changed", seed);
	ck_assert_msg(open_quickly(0, &r) == 0, "seed %" PRIu64 ": it cannot be opened again: %s", seed, logged);
	reel_close(r);
}

START_TEST(no_good_entry_is_cut_off_whatever_is_damaged)
{
	static struct container c;
	const char *rounds = getenv("CHANCE_ROUNDS"), *first = getenv("CHANCE_SEED");
	uint64_t begin = first != NULL ? strtoull(first, NULL, 10) : 1;
	uint64_t end = begin + (rounds != NULL ? strtoull(rounds, NULL, 10) : ROUNDS);

	for (uint64_t seed = begin; seed < end; seed++) {
		state = seed * 0x9e3779b97f4a7c15u + 1;
		(void)draw(2);
		make(&c);
		check_container(&c, seed);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {no_good_entry_is_cut_off_whatever_is_damaged};

	return run_tests("chance", tests, sizeof(tests) / sizeof(tests[0]));
}
