/*
 * test_sums.c - the checksums' arithmetic, and the table under the index and the search.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "hash.h"
#include "runner.h"
#include "u64table.h"

/* Numbers that look random and are the same in every run. */
static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* The CRC is zlib's: of "123456789" it is cbf43926; the hash of nothing is 2d06800538d394c2. */
START_TEST(known_answers)
{
	ck_assert_uint_eq(reel_crc32(0, "123456789", 9), 0xcbf43926);
	ck_assert_uint_eq(reel_crc32(reel_crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
	ck_assert_uint_eq(reel_crc32(0, NULL, 0), 0);
	ck_assert_uint_eq(reel_hash("", 0), 0x2d06800538d394c2);
	ck_assert_uint_eq(reel_hash(NULL, 0), 0x2d06800538d394c2);
}
END_TEST

/* Of any cut of any data, the combination of the parts' sums is the sum of the whole; so it is for parts of 2^40 zeros. */
START_TEST(combined_sums_are_sums_of_the_whole)
{
	static uint8_t data[70000];
	uint64_t state = 1;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)next(&state);
	for (int i = 0; i < 2000; i++) {
		size_t len = next(&state) % sizeof(data), cut = len == 0 ? 0 : next(&state) % len;
		uint32_t a = reel_crc32(0, data, cut), b = reel_crc32(0, data + cut, len - cut);
		ck_assert_uint_eq(reel_crc32_combine(a, b, len - cut), reel_crc32(0, data, len));
		ck_assert_uint_eq(crc32_few(a, data + cut, (len - cut) % 200), reel_crc32(a, data + cut, (len - cut) % 200));
	}
	/* Doubled 40 times, the sum of a zero byte becomes that of 2^40; bytes appended one by one agree with it. */
	uint32_t zeros = reel_crc32(0, "", 1);
	for (uint64_t n = 1; n < (uint64_t)1 << 40; n *= 2) {
		if (n < sizeof(data)) {
			memset(data, 0, n);
			ck_assert_uint_eq(zeros, reel_crc32(0, data, n));
		}
		ck_assert_uint_eq(reel_crc32_combine(zeros, reel_crc32(0, "x", 1), 1), reel_crc32(zeros, "x", 1));
		zeros = reel_crc32_combine(zeros, zeros, n);
	}
	ck_assert_uint_eq(reel_crc32_combine(0x12345678, 0, 0), 0x12345678);
}
END_TEST

/* Under random additions, changes and removals a table answers as an array indexed by key does. */
START_TEST(table_answers_as_an_array)
{
	enum { RANGE = 5000 };
	static uint64_t model[RANGE];
	struct u64table t = {0};
	uint64_t state = 7, used = 0;

	for (int i = 0; i < 400000; i++) {
		uint64_t key = next(&state) % RANGE, value = next(&state) % 1000 + 1;
		switch (next(&state) % 4) {
		case 0:
			u64table_remove(&t, key);
			used -= model[key] != 0;
			model[key] = 0;
			break;
		case 1:
			ck_assert_int_eq(u64table_add(&t, key, value), model[key] == 0);
			used += model[key] == 0;
			model[key] = model[key] == 0 ? value : model[key];
			break;
		default:
			ck_assert_int_eq(u64table_put(&t, key, value), 0);
			used += model[key] == 0;
			model[key] = value;
		}
		ck_assert_uint_eq(t.used, used);
		uint64_t other = next(&state) % RANGE;
		ck_assert_uint_eq(u64table_peek(&t, other, NULL), model[other]);
	}
	u64table_remove_marked(&t, 1);
	for (uint64_t key = 0; key < RANGE; key++)
		ck_assert_uint_eq(u64table_peek(&t, key, NULL), model[key] & 1 ? 0 : model[key]);
	u64table_free(&t);
}
END_TEST

static void fill(bool tagged, uint64_t slot)
{
	struct u64table t = {.tagged = tagged};

	for (uint64_t key = 0; key < 3000000; key++) {
		ck_assert_int_eq(u64table_add(&t, key << 40, key + 1), 1);
		if (key > 1000000)
			ck_assert_uint_le(t.capacity * slot, 24 * t.used);
	}
	u64table_free(&t);
}

/* However many keys there are above a million, a table takes at most 24 bytes for each, */
START_TEST(table_takes_24_bytes_a_key)
{
	fill(false, 16);
}
END_TEST

/* and no more with the tags of the keys' names. */
START_TEST(table_with_tags_takes_24_bytes_a_key)
{
	fill(true, 20);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    known_answers,
	    combined_sums_are_sums_of_the_whole,
	    table_answers_as_an_array,
	    table_takes_24_bytes_a_key,
	    table_with_tags_takes_24_bytes_a_key,
	};
	return run_tests("sums", tests, sizeof(tests) / sizeof(tests[0]));
}
