/*
 * test_ranges.c - what a set of ranges (src/fs/ranges.h) does. How it behaves under random changes
 * is shown by test_wbuf_model.c, through the write buffer.
 */
#include "config.h"

#include "ranges.h"

#include <check.h>
#include <stdlib.h>

static struct ranges set;

static void teardown(void)
{
	ranges_clear(&set);
}

/* The set is exactly the n ranges, and its counters agree. */
static void expect(const struct range *ranges, size_t n)
{
	struct range r = {0, 0};
	uint64_t bytes = 0;
	for (size_t i = 0; i < n; i++) {
		ck_assert(ranges_next(&set, r.end, &r));
		ck_assert_uint_eq(r.start, ranges[i].start);
		ck_assert_uint_eq(r.end, ranges[i].end);
		bytes += r.end - r.start;
	}
	ck_assert(!ranges_next(&set, r.end, &r));
	ck_assert_uint_eq(ranges_count(&set), n);
	ck_assert_uint_eq(ranges_bytes(&set), bytes);
	ck_assert_uint_eq(ranges_end(&set), n ? ranges[n - 1].end : 0);
}

#define EXPECT(...) expect((struct range[]){__VA_ARGS__}, sizeof((struct range[]){__VA_ARGS__}) / sizeof(struct range))

/* Adds the n ranges [10 i, 10 i + 5). */
static void add_comb(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		ck_assert_int_eq(ranges_add(&set, 10 * i, 10 * i + 5), 0);
	ck_assert_uint_eq(ranges_count(&set), n);
}

/* A zeroed set is empty; ranges without bytes change nothing. */
START_TEST(zeroed_set_is_empty)
{
	expect(NULL, 0);
	ck_assert_int_eq(ranges_add(&set, 5, 5), 0);
	ck_assert_int_eq(ranges_add(&set, 6, 5), 0);
	ck_assert_int_eq(ranges_remove(&set, 0, 100), 0);
	ranges_cut(&set, 0);
	expect(NULL, 0);
}
END_TEST

/* Ranges that touch or overlap become one; ranges one byte apart do not. */
START_TEST(touching_ranges_are_one)
{
	ck_assert_int_eq(ranges_add(&set, 20, 30), 0);
	ck_assert_int_eq(ranges_add(&set, 0, 10), 0);
	ck_assert_int_eq(ranges_add(&set, 31, 40), 0);
	EXPECT({0, 10}, {20, 30}, {31, 40});
	ck_assert_int_eq(ranges_add(&set, 10, 15), 0);
	ck_assert_int_eq(ranges_add(&set, 18, 20), 0);
	EXPECT({0, 15}, {18, 30}, {31, 40});
	ck_assert_int_eq(ranges_add(&set, 30, 31), 0);
	EXPECT({0, 15}, {18, 40});
	ck_assert_int_eq(ranges_add(&set, 12, 50), 0);
	EXPECT({0, 50});
	ck_assert_int_eq(ranges_add(&set, 7, 8), 0);
	EXPECT({0, 50});
}
END_TEST

/* The whole of the offsets, from 0 to UINT64_MAX, can be in a set. */
START_TEST(offsets_reach_to_the_largest)
{
	ck_assert_int_eq(ranges_add(&set, UINT64_MAX - 1, UINT64_MAX), 0);
	EXPECT({UINT64_MAX - 1, UINT64_MAX});
	ck_assert_int_eq(ranges_add(&set, 0, UINT64_MAX), 0);
	EXPECT({0, UINT64_MAX});
	ranges_cut(&set, 7);
	EXPECT({0, 7});
}
END_TEST

/* Removing takes out exactly the range: from one end, the other, the middle, across several. */
START_TEST(removing_takes_out_just_the_range)
{
	ck_assert_int_eq(ranges_add(&set, 10, 50), 0);
	ck_assert_int_eq(ranges_remove(&set, 0, 10), 0);
	ck_assert_int_eq(ranges_remove(&set, 50, 60), 0);
	EXPECT({10, 50});
	ck_assert_int_eq(ranges_remove(&set, 5, 15), 0);
	ck_assert_int_eq(ranges_remove(&set, 45, 55), 0);
	EXPECT({15, 45});
	ck_assert_int_eq(ranges_remove(&set, 20, 25), 0);
	ck_assert_int_eq(ranges_remove(&set, 30, 35), 0);
	EXPECT({15, 20}, {25, 30}, {35, 45});
	ck_assert_int_eq(ranges_remove(&set, 18, 40), 0);
	EXPECT({15, 18}, {40, 45});
}
END_TEST

/* Removing one part of each of 2,000 ranges in two splits every one. */
START_TEST(removing_from_the_middle_splits)
{
	add_comb(2000);
	for (uint64_t i = 0; i < 2000; i++) {
		uint64_t n = i * 7 % 2000; /* in an order that jumps about */
		ck_assert_int_eq(ranges_remove(&set, 10 * n + 2, 10 * n + 3), 0);
	}
	ck_assert_uint_eq(ranges_count(&set), 4000);
	ck_assert_uint_eq(ranges_bytes(&set), 8000);
	struct range r = {0, 0};
	for (uint64_t i = 0; i < 2000; i++) {
		ck_assert(ranges_next(&set, r.end, &r));
		ck_assert(r.start == 10 * i && r.end == 10 * i + 2);
		ck_assert(ranges_next(&set, r.end, &r));
		ck_assert(r.start == 10 * i + 3 && r.end == 10 * i + 5);
	}
}
END_TEST

/* Cutting drops everything at or past an offset, in the middle of a range or between two. */
START_TEST(cutting_drops_the_end)
{
	add_comb(1000);
	ranges_cut(&set, 5003);
	ck_assert_uint_eq(ranges_count(&set), 501);
	ck_assert_uint_eq(ranges_end(&set), 5003);
	ranges_cut(&set, 18);
	EXPECT({0, 5}, {10, 15});
	ranges_cut(&set, 0);
	expect(NULL, 0);
}
END_TEST

/* The next range is found from any offset, without its part before that. */
START_TEST(next_range_is_found_and_clipped)
{
	struct range r;
	add_comb(1000);
	for (uint64_t at = 0; at < 9995; at++) {
		ck_assert(ranges_next(&set, at, &r));
		ck_assert_uint_eq(r.start, at % 10 < 5 ? at : at / 10 * 10 + 10);
		ck_assert_uint_eq(r.end, r.start / 10 * 10 + 5);
	}
	ck_assert(!ranges_next(&set, 9995, &r));
}
END_TEST

/* One range over a thousand others takes their place, also when it ends inside one. */
START_TEST(large_range_swallows_many)
{
	add_comb(3000);
	ck_assert_int_eq(ranges_add(&set, 7, 29982), 0);
	EXPECT({0, 5}, {7, 29985}, {29990, 29995});
}
END_TEST

/* Sequential additions, each going on where the last ended, stay one range. */
START_TEST(sequential_additions_stay_one_range)
{
	int ret = 0;
	for (uint64_t i = 0; i < 100000; i++)
		ret |= ranges_add(&set, i * 4096, (i + 1) * 4096);
	ck_assert_int_eq(ret, 0);
	EXPECT({0, 100000ULL * 4096});
}
END_TEST

/* A million ranges, added in an order without pattern (_i 0), ascending, or descending, are all there; filled up, they are one.
 */
START_TEST(million_ranges)
{
	const uint64_t n = 1 << 20, page = 4096;
	for (uint64_t gap = 0; gap < 2; gap++) {
		int ret = 0;
		for (uint64_t i = 0; i < n; i++) {
			/* The factor is odd: every k comes once. */
			uint64_t k = _i == 0 ? i * 0x9E3779B1 % n : _i == 1 ? i : n - 1 - i;
			ret |= ranges_add(&set, (2 * k + gap) * page, (2 * k + gap + 1) * page);
		}
		ck_assert_int_eq(ret, 0);
		ck_assert_uint_eq(ranges_count(&set), gap ? 1 : n);
		ck_assert_uint_eq(ranges_bytes(&set), (gap + 1) * n * page);
	}
	EXPECT({0, 2 * n * page});
}
END_TEST

/* After a preparation the set is the same, and changes as ever. */
START_TEST(preparing_changes_nothing)
{
	for (uint64_t i = 0; i < 500; i++) {
		ck_assert_int_eq(ranges_prepare(&set), 0);
		ck_assert_uint_eq(ranges_count(&set), i);
		ck_assert_int_eq(ranges_add(&set, 1000 - 2 * i, 1001 - 2 * i), 0);
	}
	ck_assert_uint_eq(ranges_bytes(&set), 500);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ranges");
	TCase *tc = tcase_create("ranges");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, zeroed_set_is_empty);
	tcase_add_test(tc, touching_ranges_are_one);
	tcase_add_test(tc, offsets_reach_to_the_largest);
	tcase_add_test(tc, removing_takes_out_just_the_range);
	tcase_add_test(tc, removing_from_the_middle_splits);
	tcase_add_test(tc, cutting_drops_the_end);
	tcase_add_test(tc, next_range_is_found_and_clipped);
	tcase_add_test(tc, large_range_swallows_many);
	tcase_add_test(tc, sequential_additions_stay_one_range);
	tcase_add_loop_test(tc, million_ranges, 0, 3);
	tcase_add_test(tc, preparing_changes_nothing);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
