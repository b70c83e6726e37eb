/*
 * test_convert.c - reel_convert() over every undamaged vector: the new container has the live entries of the old
 * one, in their order, in the newest generation; the old one is unchanged.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "manifest.h"
#include "runner.h"

enum { VECTORS = 256 };
static char names[VECTORS][64];

/* The next live entry that the newest generation can hold. */
static bool next_kept(struct reel_iter *it, struct reel_entry *ret)
{
	while (reel_iter_next(it, ret) > 0) {
		if (ret->len > 0)
			return true;
		reel_entry_release(ret);
	}
	return false;
}

static void check_same(struct reel *old, struct reel *new)
{
	struct reel_iter *from, *to;
	struct reel_entry a, b;

	ck_assert_int_eq(reel_iter_new(old, true, &from), 0);
	ck_assert_int_eq(reel_iter_new(new, false, &to), 0);
	while (next_kept(from, &a)) {
		ck_assert_int_eq(reel_iter_next(to, &b), 1);
		ck_assert(a.key_hash == b.key_hash && a.len == b.len && memcmp(a.payload, b.payload, a.len) == 0);
		ck_assert(reel_entry_valid(&b) && b.offset % 64 == 0);
		reel_entry_release(&a);
		reel_entry_release(&b);
	}
	ck_assert_int_eq(reel_iter_next(to, &b), 0);
	reel_iter_free(from);
	reel_iter_free(to);
}

static void check_vectors(const char *pattern)
{
	struct reel_options options = {.log = keep_log};
	size_t n = vector_names(pattern, true, names, VECTORS);

	ck_assert_uint_gt(n, 0);
	for (size_t i = 0; i < n; i++) {
		struct manifest m = manifest_load(names[i]);
		struct file before = file_read("vector.bin");
		struct reel_compaction sizes;
		struct reel *old, *new;
		if (open_with("vector.bin", REEL_RDONLY, &old) == 0) {
			ck_assert_msg(reel_convert("vector.bin", "new.reel", &options, &sizes) == 0, "%s: %s", names[i],
				      logged);
			new = must_open("new.reel", 0);
			check_same(old, new);
			ck_assert_uint_eq(file_size("new.reel"), sizes.after);
			ck_assert_uint_eq(count_entries(new, true), sizes.entries);
			ck_assert_int_eq(reel_close(old) | reel_close(new), 0);
			ck_assert_int_eq(remove("new.reel"), 0);
		}
		ck_assert(file_is("vector.bin", before.bytes, before.len));
		file_free(&before);
		manifest_free(&m);
	}
}

START_TEST(first_generation_is_converted)
{
	check_vectors("v019*");
}
END_TEST

START_TEST(unpadded_generation_is_converted)
{
	check_vectors("v020*");
}
END_TEST

START_TEST(generation_with_pad_16_is_converted)
{
	check_vectors("v16a*");
}
END_TEST

START_TEST(newest_generation_is_written_again)
{
	check_vectors("v64a*");
}
END_TEST

/* A file that is there already is not touched, and a damaged source makes none. */
START_TEST(nothing_is_replaced_and_damage_is_not_carried_on)
{
	struct manifest m = manifest_load("v16a-base");

	file_write("taken", "something", 9);
	ck_assert_int_eq(reel_convert("vector.bin", "taken", NULL, NULL), -EEXIST);
	ck_assert(file_is("taken", "something", 9));
	ck_assert_int_eq(reel_convert("absent", "new", NULL, NULL), -ENOENT);
	manifest_free(&m);
	struct reel *r = must_open("damaged", REEL_CREATE);
	must_write(r, "a", "first value");
	must_write(r, "b", "second value");
	ck_assert_int_eq(reel_close(r), 0);
	struct file f = file_read("damaged");
	f.bytes[2] ^= 1;
	file_write("damaged", f.bytes, f.len);
	ck_assert_int_eq(reel_convert("damaged", "new", NULL, NULL), -EBADMSG);
	ck_assert_int_eq(access("new", F_OK), -1);
	ck_assert(file_is("damaged", f.bytes, f.len));
	file_free(&f);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    first_generation_is_converted,
	    unpadded_generation_is_converted,
	    generation_with_pad_16_is_converted,
	    newest_generation_is_written_again,
	    nothing_is_replaced_and_damage_is_not_carried_on,
	};
	return run_tests("convert", tests, sizeof(tests) / sizeof(tests[0]));
}
