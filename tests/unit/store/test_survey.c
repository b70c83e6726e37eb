/*
 * test_survey.c - a repair of keys and values with more than one damage: each costs the values that it hit, and what is whole
 * between them is kept.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "format.h"
#include "hash.h"
#include "runner.h"

enum { KEYS = 60, VALUE = 700 };

static uint64_t tails[KEYS];
static char told[1 << 16];

static void keep_text(void *arg, const char *text)
{
	size_t len = strlen(told);

	(void)arg;
	snprintf(told + len, sizeof(told) - len, "%s\n", text);
}

static char *key_of(int i)
{
	static char key[16];

	snprintf(key, sizeof(key), "key%d", i);
	return key;
}

static char *value_of(int i)
{
	static char value[VALUE];

	snprintf(value, sizeof(value), "value %d of %*d", i, 100 + i * 7, i);
	return value;
}

/* Where the payload of the entry of key i begins. */
static uint64_t payload_of(int i)
{
	return i == 0 ? 0 : round_up(tails[i - 1], ENTRY_ALIGNMENT);
}

static struct file write_keys(void)
{
	struct reel *r = must_open("c", REEL_CREATE);

	for (int i = 0; i < KEYS; i++) {
		must_write(r, key_of(i), value_of(i));
		tails[i] = reel_tail_offset(r);
	}
	ck_assert_int_eq(reel_close(r), 0);
	return file_read("c");
}

/* Repairs the bytes; the keys that are not lost, and no others, have their values. */
static struct reel_salvaged salvage(const struct file *f, size_t len, const bool lost[KEYS])
{
	struct reel_salvaged ret;
	struct reel *r;

	file_write("c", f->bytes, len);
	told[0] = 0;
	remove("saved");
	ck_assert_int_eq(reel_salvage("c", "saved", NULL, keep_text, NULL, &ret), 0);
	r = must_open("saved", REEL_RDONLY);
	for (int i = 0; i < KEYS; i++)
		ck_assert_msg(reads(r, key_of(i), lost[i] ? NULL : value_of(i)), "%s\n%s", key_of(i), told);
	ck_assert_uint_eq(count_entries(r, true), ret.entries);
	ck_assert_int_eq(reel_close(r), 0);
	return ret;
}

static int lines(void)
{
	int n = 0;

	for (const char *p = told; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	return n;
}

/* The first value, one in the middle, and one near the cut. */
START_TEST(a_cut_and_a_damaged_value_cost_two_values)
{
	struct file f = write_keys();

	for (int i = 0; i < KEYS - 2; i += (KEYS - 4) / 2) {
		bool lost[KEYS] = {[KEYS - 1] = true};
		lost[i] = true;
		f.bytes[payload_of(i) + 2] ^= 4;
		struct reel_salvaged done = salvage(&f, f.len - 5, lost);
		f.bytes[payload_of(i) + 2] ^= 4;
		ck_assert_uint_eq(done.entries, KEYS - 2);
		ck_assert_msg(done.damaged == 1, "key %d\n%s", i, told);
		ck_assert_uint_eq(done.all, KEYS - 1);
		ck_assert_uint_eq(done.unknown, f.len - 5 - tails[KEYS - 2]);
		ck_assert_int_eq(lines(), 2);
	}
	file_free(&f);
}
END_TEST

START_TEST(a_lost_trailer_and_a_damaged_value_cost_two_values)
{
	struct file f = write_keys();
	bool lost[KEYS] = {[7] = true, [KEYS - 4] = true};

	f.bytes[payload_of(7)] ^= 1;
	memset(f.bytes + tails[KEYS - 4] - TRAILER_SIZE, 0, TRAILER_SIZE);
	struct reel_salvaged done = salvage(&f, f.len, lost);
	ck_assert_uint_eq(done.entries, KEYS - 2);
	ck_assert_uint_eq(done.damaged, 1);
	ck_assert_uint_eq(done.unknown, tails[KEYS - 4] - tails[KEYS - 5]);
	ck_assert_int_eq(lines(), 2);
	file_free(&f);
}
END_TEST

/* Each of them is told, too. */
START_TEST(three_lost_trailers_cost_three_values)
{
	struct file f = write_keys();
	bool lost[KEYS] = {[5] = true, [20] = true, [50] = true};

	for (int i = 0; i < KEYS; i++)
		if (lost[i])
			memset(f.bytes + tails[i] - TRAILER_SIZE, 0, TRAILER_SIZE);
	ck_assert_uint_eq(salvage(&f, f.len, lost).entries, KEYS - 3);
	ck_assert_int_eq(lines(), 3);
	file_free(&f);
}
END_TEST

/* An entry of key "imitation" inside the value of key i, which is as long as it was. */
static struct file write_imitation(int i)
{
	struct file f = write_keys();
	const uint64_t begin = payload_of(i) + ENTRY_ALIGNMENT, payload = begin + ENTRY_ALIGNMENT, trailer = payload + 10;

	ck_assert_uint_lt(trailer + TRAILER_SIZE, tails[i] - TRAILER_SIZE);
	store_u64(f.bytes + trailer, reel_hash("imitation", 9));
	store_u64(f.bytes + trailer + TRAILER_PREV_TAIL, begin);
	store_u32(f.bytes + trailer + TRAILER_CRC, reel_crc32(0, f.bytes + payload, 10));
	return f;
}

static void expect_no_imitation(void)
{
	struct reel *r = must_open("saved", REEL_RDONLY);

	ck_assert(reads(r, "imitation", NULL));
	ck_assert_int_eq(reel_close(r), 0);
}

START_TEST(an_entry_inside_a_damaged_value_is_none)
{
	struct file f = write_imitation(30);
	bool lost[KEYS] = {[3] = true, [30] = true, [KEYS - 1] = true};

	f.bytes[payload_of(3)] ^= 1;
	struct reel_salvaged done = salvage(&f, f.len - 5, lost);
	ck_assert_uint_eq(done.damaged, 2);
	expect_no_imitation();
	file_free(&f);
}
END_TEST

START_TEST(an_entry_inside_a_whole_value_is_none)
{
	struct file f = write_imitation(30);
	const uint64_t trailer = tails[30] - TRAILER_SIZE;
	bool lost[KEYS] = {[3] = true, [30] = true, [KEYS - 1] = true};

	store_u64(f.bytes + trailer, reel_hash("outer", 5));
	store_u32(f.bytes + trailer + TRAILER_CRC, reel_crc32(0, f.bytes + payload_of(30), trailer - payload_of(30)));
	f.bytes[payload_of(3)] ^= 1;
	struct reel_salvaged done = salvage(&f, f.len - 5, lost);
	ck_assert_uint_eq(done.entries, KEYS - 2);
	expect_no_imitation();
	file_free(&f);
}
END_TEST

/* One that passes over whole entries, in what is left of a value that was cut. */
START_TEST(an_entry_that_passes_over_whole_ones_is_none)
{
	struct file f = write_keys();
	const int last = KEYS - 1;
	const uint64_t begin = payload_of(40) + ENTRY_ALIGNMENT, trailer = payload_of(last) + ENTRY_ALIGNMENT;
	bool lost[KEYS] = {[3] = true, [KEYS - 1] = true};

	f.bytes[payload_of(3)] ^= 1;
	store_u64(f.bytes + trailer, reel_hash("imitation", 9));
	store_u64(f.bytes + trailer + TRAILER_PREV_TAIL, begin);
	store_u32(f.bytes + trailer + TRAILER_CRC, reel_crc32(0, f.bytes + begin, trailer - begin));
	salvage(&f, f.len - 5, lost);
	expect_no_imitation();
	file_free(&f);
}
END_TEST

/* Positions that look like trailers, one at each byte or nearly, and as many damaged entries: it takes no longer for them. */
START_TEST(very_many_false_trailers_are_no_entries)
{
	enum { LEN = 4 << 20 };
	struct file f = write_keys();
	struct file hostile = {calloc(1, f.len + LEN), f.len + LEN};
	bool lost[KEYS] = {[3] = true};

	ck_assert_ptr_nonnull(hostile.bytes);
	memcpy(hostile.bytes, f.bytes, f.len);
	hostile.bytes[payload_of(3)] ^= 1;
	for (size_t at = f.len; at + 8 <= hostile.len; at += 8)
		store_u64(hostile.bytes + at, at - 80 - at % 3);
	ck_assert_uint_eq(salvage(&hostile, hostile.len, lost).entries, KEYS - 1);
	file_free(&hostile);
	file_free(&f);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    a_cut_and_a_damaged_value_cost_two_values, a_lost_trailer_and_a_damaged_value_cost_two_values,
	    three_lost_trailers_cost_three_values,     an_entry_inside_a_damaged_value_is_none,
	    an_entry_inside_a_whole_value_is_none,     an_entry_that_passes_over_whole_ones_is_none,
	    very_many_false_trailers_are_no_entries,
	};
	return run_tests("survey", tests, sizeof(tests) / sizeof(tests[0]));
}
