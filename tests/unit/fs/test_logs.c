/*
 * test_logs.c - what files cost that stay open and grow, in bytes and in parts, and what of the kernel's pages is stored
 * (src/fs/plan.c, write.c).
 */
#include "config.h"

#include "harness.h"
#include "open.h"
#include "plan.h"
#include "state.h"
#include "syncer.h"

#define PAGE 4096u

/* --- what it costs ------------------------------------------------------------------------------------- */

/* A log that grows by so much a round, handed over in pages as the kernel does; returns what the container has grown. */
static size_t grow_log(const uint8_t *data, size_t step, size_t rounds)
{
	size_t before = h_size(h_path), len = 0;
	struct fs_file *f = h_file(h_fs, "log", 0);

	for (size_t i = 0; i < rounds; i++) {
		size_t start = len - len % PAGE;
		len += step;
		ck_assert_int_eq(h_write_back(f, start, data + start, len - start), 0);
		ck_assert_int_eq(syncer_round(h_fs), 0);
	}
	h_expect(h_fs, "log", data, len);
	h_expect_killed("log", data, len);
	ck_assert_int_eq(h_end(f), 0);
	return h_size(h_path) - before;
}

/* 10 kB a second, and more or less, for 25 minutes. */
START_TEST(a_growing_log_costs_its_bytes)
{
	static const size_t step[] = {10000, 50000, 100000};
	size_t rounds = 300, len = rounds * step[_i];
	uint8_t *data = h_random(len, 3);
	size_t grown = grow_log(data, step[_i], rounds);

	ck_assert_msg(grown < len + len / 5, "%zu bytes cost %zu", len, grown);
	free(data);
}
END_TEST

/* A line now and then costs its transaction, of less than 600 bytes, and its bytes up to three times. */
START_TEST(a_slow_log_costs_its_transactions)
{
	static const size_t step[] = {1, 100, 500, 4000};
	size_t rounds = 1000, len = rounds * step[_i];
	uint8_t *data = h_random(len, 3);
	size_t grown = grow_log(data, step[_i], rounds);

	ck_assert_msg(grown < 3 * len + rounds * 600, "%zu bytes in %zu rounds cost %zu", len, rounds, grown);
	free(data);
}
END_TEST

static unsigned extents_of(const char *path)
{
	struct open_state *o;
	unsigned n;

	ck_assert_int_eq(open_hold(h_fs, h_ino(h_fs, path), &o), 0);
	n = o->inode->extents.n;
	open_put(h_fs, o);
	return n;
}

/* Neither memory nor later readers pay for a log of many short lines: it has few parts, however it was written. */
START_TEST(a_slow_log_has_few_parts)
{
	uint8_t *data = h_random(600000, 3);

	grow_log(data, 200, 3000);
	ck_assert_uint_le(extents_of("log"), 600000 / 8192 + 65);
	for (size_t at = 0; _i && at < 600000; at += 200) {
		struct fs_file *f = h_file(h_fs, "closed", 0);
		ck_assert_int_eq(h_write(f, at, data + at, 200), 0);
		ck_assert_int_eq(h_end(f), 0);
	}
	if (_i)
		ck_assert_uint_le(extents_of("closed"), 600000 / 8192 + 65);
	h_check(h_fs);
	free(data);
}
END_TEST

/* A large file that was stored in parts is not copied when it is closed. One that was closed soon is one entry. */
START_TEST(a_close_copies_nothing_again)
{
	const size_t len = 2 * PLAN_PIECE;
	uint8_t *data = h_random(3 * len, 1);

	struct fs_file *f = h_file(h_fs, "f", 0);
	for (size_t at = 0; at < len; at += MIB)
		ck_assert_int_eq(h_write(f, at, data + at, MIB), 0);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	for (size_t at = len; at < 3 * len; at += MIB)
		ck_assert_int_eq(h_write(f, at, data + at, MIB), 0);
	size_t before = h_size(h_path);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_uint_lt(h_size(h_path) - before, 2 * len + 65536);
	h_expect_for_good("f", data, 3 * len);
	h_put(h_fs, "g", data, len);
	ck_assert_uint_eq(extents_of("g"), 1);
	ck_assert(h_key_exists("g"));
	free(data);
}
END_TEST

/* --- what the kernel sends once more ------------------------------------------------------------------------ */

/* The start of the page of an append is not stored again; a byte of it that is another one is, with all after it. */
START_TEST(the_start_of_a_page_is_not_stored_again)
{
	uint8_t *data = h_random(3000, 1);
	struct fs_file *f = h_file(h_fs, "f", 0);

	ck_assert_int_eq(h_write_back(f, 0, data, 2900), 0);
	ck_assert_int_eq(fs_file_flush(f), 0);
	ck_assert_int_eq(h_write_back(f, 0, data, 2950), 0);
	ck_assert_uint_eq(wbuf_dirty(f->open->wbuf), 50);
	data[7]++;
	ck_assert_int_eq(h_write_back(f, 0, data, 3000), 0);
	ck_assert_uint_eq(wbuf_dirty(f->open->wbuf), 2993);
	h_expect(h_fs, "f", data, 3000);
	ck_assert_int_eq(h_end(f), 0);
	h_expect_for_good("f", data, 3000);
	free(data);
}
END_TEST

/* What was punched, cut or written over is no start to go without, whatever lies beneath. */
START_TEST(only_what_is_still_there_is_known)
{
	uint8_t *data = h_random(3000, 1);
	struct fs_file *f = h_file(h_fs, "f", 0);

	ck_assert_int_eq(h_write_back(f, 0, data, 2000), 0);
	ck_assert_int_eq(fs_file_flush(f), 0);
	ck_assert_int_eq(h_write(f, 100, "other", 5), 0);
	ck_assert_int_eq(h_write_back(f, 0, data, 2100), 0);
	h_expect(h_fs, "f", data, 2100);
	ck_assert_int_eq(fs_file_flush(f), 0);
	ck_assert_int_eq(fs_file_allocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 20, false), 0);
	ck_assert_int_eq(h_write_back(f, 0, data, 2200), 0);
	h_expect(h_fs, "f", data, 2200);
	ck_assert_int_eq(fs_file_flush(f), 0);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 1000), 0);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 1500), 0);
	ck_assert_int_eq(h_write_back(f, 0, data, 2300), 0);
	ck_assert_int_eq(h_end(f), 0);
	h_expect_for_good("f", data, 2300);
	free(data);
}
END_TEST

/* Damage beneath is not taken for what the kernel sends, though the bytes be the same: it is replaced. */
START_TEST(damage_is_written_over)
{
	uint8_t *data = h_random(3000, 1);
	size_t size, at = 0;

	h_put(h_fs, "f", data, 2900);
	h_close();
	uint8_t *bytes = h_load(h_path, &size);
	while (memcmp(bytes + at, data, 2900) != 0)
		at++;
	free(bytes);
	h_flip(h_path, at + 2000);
	h_open();
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_write_back(f, 0, data, 3000), 0);
	ck_assert_int_eq(syncer_round(h_fs), 0);
	ck_assert_int_eq(h_end(f), 0);
	h_expect(h_fs, "f", data, 3000);
	h_again();
	h_expect(h_fs, "f", data, 3000);
	free(data);
}
END_TEST

/* Damage in a log of many short parts keeps nobody from writing on. */
START_TEST(damage_keeps_nobody_from_writing_on)
{
	uint8_t *data = h_random(20000, 1);
	size_t size, at = 0, len = 0;

	struct fs_file *f = h_file(h_fs, "log", 0);
	for (; len < 6000; len += 100) {
		ck_assert_int_eq(h_write(f, len, data + len, 100), 0);
		ck_assert_int_eq(syncer_round(h_fs), 0);
	}
	ck_assert_int_eq(h_end(f), 0);
	h_close();
	uint8_t *bytes = h_load(h_path, &size);
	while (memcmp(bytes + at, data + 3000, 100) != 0)
		at++;
	free(bytes);
	h_flip(h_path, at + 50);
	h_open();
	f = h_file(h_fs, "log", 0);
	for (; len < 20000; len += 100) {
		ck_assert_int_eq(h_write(f, len, data + len, 100), 0);
		ck_assert_int_eq(syncer_round(h_fs), 0);
	}
	uint8_t read[3000];
	ck_assert_int_eq(h_read(f, 0, read, 3000), 3000);
	ck_assert_mem_eq(read, data, 3000);
	ck_assert_int_eq(h_read(f, 3000, read, 100), -EIO);
	ck_assert_int_eq(h_read(f, 3100, read, 3000), 3000);
	ck_assert_mem_eq(read, data + 3100, 3000);
	ck_assert_int_eq(h_end(f), 0);
	free(data);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("logs");
	TCase *tc = tcase_create("logs");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, h_setup, h_teardown);
	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, a_growing_log_costs_its_bytes, 0, 3);
	tcase_add_loop_test(tc, a_slow_log_costs_its_transactions, 0, 4);
	tcase_add_loop_test(tc, a_slow_log_has_few_parts, 0, 2);
	tcase_add_test(tc, a_close_copies_nothing_again);
	tcase_add_test(tc, the_start_of_a_page_is_not_stored_again);
	tcase_add_test(tc, only_what_is_still_there_is_known);
	tcase_add_test(tc, damage_is_written_over);
	tcase_add_test(tc, damage_keeps_nobody_from_writing_on);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
