/*
 * test_copy.c - files that share entries: what a copy costs, whom its bytes belong to when the source changes or goes,
 * and what compaction and other programs make of it (src/fs/copy.c, shared.c, import.c).
 */
#include "config.h"

#include "foreign.h"

#define LEN ((size_t)300000)

static uint8_t *data; /* LEN bytes */

static void setup(void)
{
	h_setup();
	data = h_random(LEN, 1);
	h_put(h_fs, "a", data, LEN);
}

static void teardown(void)
{
	free(data);
	h_teardown_same();
}

static int copy_range(const char *from, uint64_t start, const char *to, uint64_t target, uint64_t len)
{
	struct fs_file *a = h_file(h_fs, from, 0), *b = h_file(h_fs, to, 0);
	uint64_t copied = 0;
	int r = fs_file_copy(a, start, b, target, len, false, false, &copied);
	if (r == 0)
		r = (int)copied;
	ck_assert_int_eq(h_end(a), 0);
	ck_assert_int_eq(h_end(b), 0);
	return r;
}

static void copy_all(const char *from, const char *to)
{
	ck_assert_int_eq(copy_range(from, 0, to, 0, 4096 * LEN), (int)LEN);
}

/* As another program compacts, with the container in its place opened again. */
static void compact_foreign(void)
{
	h_close();
	h_compact(h_path, h_beside("compacted"));
	ck_assert_int_eq(rename(h_beside("compacted"), h_path), 0);
	h_open();
}

/* --- what it is ----------------------------------------------------------------------------------------------- */

/* A copy has the source's bytes, also after a crash; the container grows by a transaction or two, not by the bytes. */
START_TEST(copy_costs_no_bytes)
{
	size_t before = h_size(h_path);
	copy_all("a", "b");
	ck_assert_uint_lt(h_size(h_path), before + 2000);
	h_expect(h_fs, "a", data, LEN);
	h_expect_for_good("b", data, LEN);
}
END_TEST

/* Less than the length is copied only at the source's end, nothing past it; a longer source may be asserted. */
START_TEST(copy_ends_with_the_source)
{
	struct fs_file *a, *b;
	uint64_t copied;
	ck_assert_int_eq(copy_range("a", 100000, "b", 5, 4096 * LEN), (int)LEN - 100000);
	ck_assert_int_eq(copy_range("a", LEN, "b", 5, LEN), 0);
	ck_assert_int_eq(copy_range("a", LEN + 1, "b", 5, LEN), 0);
	a = h_file(h_fs, "a", 0);
	b = h_file(h_fs, "c", 0);
	ck_assert_int_eq(fs_file_copy(a, 0, b, 0, LEN + 100, true, false, &copied), 0);
	ck_assert_uint_eq(copied, LEN + 100);
	h_end(a);
	h_end(b);
	uint8_t *want = calloc(1, LEN + 100);
	memcpy(want, data, LEN);
	h_expect_for_good("c", want, LEN + 100);
	free(want);
}
END_TEST

/* Within one file ranges may not overlap; else it is as between two. Short ranges are left to the caller. */
START_TEST(copy_within_a_file)
{
	ck_assert_int_eq(copy_range("a", 0, "a", 70000, 100000), -EINVAL);
	ck_assert_int_eq(copy_range("a", 70000, "a", 0, 100000), -EINVAL);
	ck_assert_int_eq(copy_range("a", 0, "a", 200000, 100), -EOPNOTSUPP);
	ck_assert_int_eq(copy_range("a", 0, "a", 200000, 100000), 100000);
	memcpy(data + 200000, data, 100000);
	h_expect_for_good("a", data, LEN);
}
END_TEST

/* Small changes of a file put together from many shared parts cost their own bytes: it is not written whole for that. */
START_TEST(changes_of_a_copy_cost_little)
{
	enum { PARTS = 128, PART = 65536, CHANGES = 200 };
	uint8_t *want = malloc(PARTS * PART);
	for (unsigned i = 0; i < PARTS; i++) {
		ck_assert_int_eq(copy_range("a", i % 3 * 1000, "b", i * PART, PART), PART);
		memcpy(want + i * PART, data + i % 3 * 1000, PART);
	}
	size_t before = h_size(h_path);
	for (unsigned i = 0; i < CHANGES; i++) {
		struct fs_file *b = h_file(h_fs, "b", 0);
		size_t at = 100 + i * 40000;
		ck_assert_int_eq(h_write(b, at, "patch", 5), 0);
		ck_assert_int_eq(h_end(b), 0);
		memcpy(want + at, "patch", 5);
	}
	ck_assert_uint_lt(h_size(h_path), before + CHANGES * 1024);
	h_expect_for_good("b", want, PARTS * PART);
	free(want);
}
END_TEST

/* What both descriptors have written and nobody has committed is in the copy, or under it; also after a kill. */
START_TEST(copy_of_what_was_just_written)
{
	struct fs_file *a = h_file(h_fs, "a", 0), *b = h_file(h_fs, "b", 0);
	uint64_t copied;
	struct fs *fs;
	ck_assert_int_eq(h_write(a, 150000, "just written", 12), 0);
	memcpy(data + 150000, "just written", 12);
	ck_assert_int_eq(h_write(b, 0, "kept", 4), 0);
	ck_assert_int_eq(h_write(b, 100, "gone", 4), 0);
	ck_assert_int_eq(fs_file_copy(a, 50, b, 50, LEN - 50, false, false, &copied), 0);
	h_copy(h_path, h_beside("killed"));
	h_end(a);
	h_end(b);
	ck_assert_int_eq(h_try(h_beside("killed"), true, &fs), 0);
	h_expect(fs, "a", data, LEN);
	memcpy(data, "kept", 4);
	memset(data + 4, 0, 46);
	h_expect(fs, "b", data, LEN);
	ck_assert_int_eq(fs_close(fs), 0);
}
END_TEST

/* A hole of the source is a hole in the copy, whatever was there. */
START_TEST(copy_of_holes)
{
	struct fs_file *b = h_file(h_fs, "b", 0);
	struct fs_attr attr;
	ck_assert_int_eq(h_write(b, 0, data, LEN), 0);
	ck_assert_int_eq(h_end(b), 0);
	struct fs_file *a = h_file(h_fs, "a", 0);
	ck_assert_int_eq(fs_file_allocate(a, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 250000, false), 0);
	ck_assert_int_eq(h_end(a), 0);
	copy_all("a", "b");
	memset(data, 0, 250000);
	h_expect_for_good("b", data, LEN);
	ck_assert_int_eq(h_stat(h_fs, "b", &attr), 0);
	ck_assert_uint_eq(attr.blocks, (50000 + 511) / 512);
}
END_TEST

/* A source or a destination without a name is not shared: its keys are dead, or will never be. */
START_TEST(unnamed_files_are_not_shared)
{
	struct fs_file *a = h_file(h_fs, "a", 0), *b = h_file(h_fs, "b", 0);
	uint64_t copied;
	ck_assert_int_eq(h_unlink(h_fs, "a"), 0);
	ck_assert_int_eq(fs_file_copy(a, 0, b, 0, LEN, false, false, &copied), -EOPNOTSUPP);
	ck_assert_int_eq(fs_file_copy(b, 0, a, 0, LEN, true, false, &copied), -EOPNOTSUPP);
	h_end(a);
	h_end(b);
}
END_TEST

/* --- whom the bytes belong to --------------------------------------------------------------------------------- */

/* The copy stays when the source is written over, cut, or removed, also after another program's compaction. */
START_TEST(copy_outlives_the_source)
{
	copy_all("a", "b");
	switch (_i % 4) {
	case 0:
		ck_assert_int_eq(h_unlink(h_fs, "a"), 0);
		break;
	case 1:
		h_put(h_fs, "a", data + 1, LEN - 1);
		break;
	case 2:
		ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "a"), 0), 0);
		break;
	default:
		ck_assert_int_eq(h_unlink(h_fs, "a"), 0);
		h_put(h_fs, "a", data + 1, LEN - 1);
	}
	if (_i >= 4)
		h_crash();
	h_expect(h_fs, "b", data, LEN);
	compact_foreign();
	h_expect_for_good("b", data, LEN);
	compact_foreign();
	h_expect_for_good("b", data, LEN);
}
END_TEST

/* When the last of those that share goes, so does the key, once: as for any file. */
START_TEST(key_dies_with_the_last)
{
	copy_all("a", "b");
	copy_all("b", "c");
	ck_assert_int_eq(h_unlink(h_fs, "a"), 0);
	ck_assert_int_eq(h_unlink(h_fs, "c"), 0);
	h_puts(h_fs, "x", "x");
	ck_assert(h_key_exists("a"));
	ck_assert_int_eq(h_unlink(h_fs, "b"), 0);
	h_puts(h_fs, "x", "y");
	ck_assert(!h_key_exists("a"));
	h_again();
	ck_assert_uint_eq(foreign_count(), 0);
}
END_TEST

/* A copy that is removed takes nothing from the source. */
START_TEST(source_outlives_the_copy)
{
	copy_all("a", "b");
	ck_assert_int_eq(h_unlink(h_fs, "b"), 0);
	h_puts(h_fs, "x", "x");
	ck_assert(h_key_exists("a"));
	compact_foreign();
	h_expect_for_good("a", data, LEN);
}
END_TEST

/* --- compaction ----------------------------------------------------------------------------------------------- */

/* Files that share go on sharing; of an entry that is needed in part, only that part is kept. */
START_TEST(compaction_keeps_sharing)
{
	copy_all("a", "b");
	ck_assert_int_eq(copy_range("a", 100000, "c", 7, 70000), 70000);
	if (_i == 1) {
		ck_assert_int_eq(h_unlink(h_fs, "a"), 0);
		ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "b"), 120000), 0);
	}
	char *before = h_tree(h_fs), *after;
	struct fs_compaction result;
	uint64_t estimate;
	h_again();
	ck_assert_int_eq(fs_compact_estimate(h_fs, &estimate), 0);
	h_close();
	ck_assert_int_eq(fs_compact(h_path, &h_options, &result), 0);
	h_open();
	ck_assert_uint_lt(h_size(h_path), (_i == 1 ? 170000 : LEN) + 3000);
	ck_assert_uint_lt(result.before - result.after, estimate + 1000);
	ck_assert_uint_gt(result.before - result.after + 1000, estimate);
	after = h_tree(h_fs);
	h_same(after, before, "after a compaction");
	ck_assert(_i == 1 || h_key_exists("a"));
	h_check(h_fs);
	free(before);
	free(after);
}
END_TEST

/* So does a file that has the same bytes many times. */
START_TEST(compaction_keeps_sharing_in_a_file)
{
	uint8_t *want = malloc(20 * LEN);
	for (unsigned i = 1; i < 20; i++)
		ck_assert_int_eq(copy_range("a", 0, "a", i * LEN, LEN), (int)LEN);
	for (unsigned i = 0; i < 20; i++)
		memcpy(want + i * LEN, data, LEN);
	h_close();
	ck_assert_int_eq(fs_compact(h_path, &h_options, NULL), 0);
	h_open();
	ck_assert_uint_lt(h_size(h_path), LEN + 3000);
	h_expect_for_good("a", want, 20 * LEN);
	free(want);
}
END_TEST

/* An entry of which the file needs two parts, but nothing twice, is not shared: the file becomes one entry again. */
START_TEST(compaction_joins_what_is_not_shared)
{
	struct fs_file *a = h_file(h_fs, "a", 0);
	size_t len;
	ck_assert_int_eq(h_write(a, 150000, "patch", 5), 0);
	ck_assert_int_eq(h_end(a), 0);
	memcpy(data + 150000, "patch", 5);
	h_close();
	ck_assert_int_eq(fs_compact(h_path, &h_options, NULL), 0);
	h_open();
	h_expect_for_good("a", data, LEN);
	uint8_t *value = h_by_key("a", &len);
	ck_assert_uint_eq(len, LEN);
	ck_assert(memcmp(value, data, LEN) == 0);
	free(value);
}
END_TEST

/* The one byte that no entry can hold, alone left of a longer entry: compaction makes it a hole. */
START_TEST(compaction_of_one_nul_byte)
{
	memset(data, 0, 10);
	h_put(h_fs, "n", data, LEN);
	if (_i == 1)
		copy_all("n", "m");
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "n"), 1), 0);
	if (_i == 1)
		ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "m"), 1), 0);
	h_close();
	ck_assert_int_eq(fs_compact(h_path, &h_options, NULL), 0);
	h_open();
	h_expect_for_good("n", "", 1);
	h_check(h_fs);
}
END_TEST

/* --- other programs ------------------------------------------------------------------------------------------- */

/* Writes the key, or deletes it where there is no value. */
static void change_foreign(const char *key, const char *value)
{
	struct reel *r = foreign_open();
	if (value)
		foreign_write(r, key, value);
	else
		foreign_delete(r, key);
	ck_assert_int_eq(reel_close(r), 0);
	h_open();
}

/*
 * Another program that writes or deletes the key of a shared entry changes the file at that path alone. The others keep
 * their bytes and times, also when that program compacts after the next opening here.
 */
START_TEST(foreign_change_of_a_shared_key)
{
	struct fs_attr before, after;
	copy_all("a", "b");
	copy_all("a", "c");
	ck_assert_int_eq(h_stat(h_fs, "b", &before), 0);
	change_foreign("a", _i % 2 ? "new" : NULL);
	if (_i % 2)
		h_expects(h_fs, "a", "new");
	else
		ck_assert(!h_exists(h_fs, "a"));
	h_expect(h_fs, "b", data, LEN);
	if (_i >= 2)
		compact_foreign();
	h_expect_for_good("b", data, LEN);
	h_expect_for_good("c", data, LEN);
	ck_assert_int_eq(h_stat(h_fs, "b", &after), 0);
	ck_assert_int_eq(memcmp(&after, &before, sizeof(after)), 0);
}
END_TEST

/* --- damage --------------------------------------------------------------------------------------------------- */

static void ignore_line(void *arg, const char *text)
{
	(void)arg;
	h_keep_message(text);
}

/* A damaged block costs every file that has it those bytes, and no file that has not; the repair keeps the sharing. */
START_TEST(repair_of_shared_contents)
{
	struct fs_options options = {.read_only = true};
	struct fs_repair done;
	struct fs *fs;
	copy_all("a", "b");
	ck_assert_int_eq(copy_range("a", 0, "c", 0, 131072), 131072);
	h_close();
	size_t size, at = 0;
	uint8_t *file = h_load(h_path, &size);
	while (memcmp(file + at, data + 200000, 16) != 0)
		at++;
	h_flip(h_path, at);
	free(file);
	h_forget_messages();
	ck_assert_int_eq(h_try(h_path, true, &fs), 0);
	ck_assert_int_ge(h_faults(fs), 2);
	ck_assert_int_eq(fs_close(fs), 0);
	ck_assert_ptr_nonnull(strstr(h_messages(), "/a: its contents"));
	ck_assert_ptr_nonnull(strstr(h_messages(), "/b: its contents"));
	ck_assert_ptr_null(strstr(h_messages(), "/c: its contents"));
	ck_assert_int_eq(fs_repair(h_path, h_beside("out"), &options, ignore_line, NULL, &done), 0);
	ck_assert_uint_eq(done.damaged, 2);
	ck_assert_uint_lt(h_size(h_beside("out")), LEN + 3000);
	ck_assert_int_eq(rename(h_beside("out"), h_path), 0);
	h_open();
	h_expect(h_fs, "c", data, 131072);
	memset(data + 196608, 0, 65536);
	h_expect(h_fs, "a.damaged", data, LEN);
	h_expect_for_good("b.damaged", data, LEN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("copy");
	TCase *copies = tcase_create("copies");
	tcase_set_timeout(copies, 60);
	tcase_add_checked_fixture(copies, setup, teardown);
	tcase_add_test(copies, copy_costs_no_bytes);
	tcase_add_test(copies, copy_ends_with_the_source);
	tcase_add_test(copies, copy_within_a_file);
	tcase_add_test(copies, changes_of_a_copy_cost_little);
	tcase_add_test(copies, copy_of_what_was_just_written);
	tcase_add_test(copies, copy_of_holes);
	tcase_add_test(copies, unnamed_files_are_not_shared);
	tcase_add_loop_test(copies, copy_outlives_the_source, 0, 8);
	tcase_add_test(copies, key_dies_with_the_last);
	tcase_add_test(copies, source_outlives_the_copy);
	tcase_add_loop_test(copies, compaction_keeps_sharing, 0, 2);
	tcase_add_test(copies, compaction_keeps_sharing_in_a_file);
	tcase_add_test(copies, compaction_joins_what_is_not_shared);
	tcase_add_loop_test(copies, compaction_of_one_nul_byte, 0, 2);
	tcase_add_loop_test(copies, foreign_change_of_a_shared_key, 0, 4);
	tcase_add_test(copies, repair_of_shared_contents);
	suite_add_tcase(suite, copies);
	return h_main(suite);
}
