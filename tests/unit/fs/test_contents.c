/*
 * test_contents.c - what is written to files is what is read, at once by every descriptor and after
 * closing and opening the container, in bounded space (src/fs/contents.c, file.c, read.c).
 */
#include "config.h"

#include "harness.h"

/* --- sizes --------------------------------------------------------------------------------------------- */

static const size_t sizes[] = {0, 1, 2, 63, 64, 65, 4095, 4096, 4097, 65535, 65536, 65537, 131072, MIB - 1, MIB, MIB + 1};

/* Files of all sizes read back whole, and the entry under the path's key has the same bytes. */
START_TEST(sizes_around_boundaries)
{
	size_t len = sizes[_i], key_len = 0;
	uint8_t *data = h_random(len, (uint64_t)_i + 1);
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	h_put(h_fs, "d/f", data, len);
	h_expect_for_good("d/f", data, len);
	uint8_t *value = h_by_key("d/f", &key_len);
	ck_assert((value != NULL) == (len > 0));
	ck_assert_uint_eq(key_len, len);
	if (value)
		ck_assert_mem_eq(value, data, len);
	free(value);
	free(data);
}
END_TEST

/* Files of nothing but NUL bytes read back as such. */
START_TEST(sizes_of_zeros)
{
	uint8_t *data = calloc(1, sizes[_i] + 1);
	h_put(h_fs, "f", data, sizes[_i]);
	h_expect_for_good("f", data, sizes[_i]);
	free(data);
}
END_TEST

/* The buffers of a large file spill; it is written and read whole all the same, whatever the pieces. */
START_TEST(file_larger_than_the_buffers)
{
	size_t len = 5 * MIB + 123, step = 70001;
	uint8_t *data = h_random(len, 7);
	h_close();
	h_options.buffer_file = 256 * KIB;
	h_options.buffer_total = 512 * KIB;
	h_open();
	struct fs_file *f = h_file(h_fs, "f", 0), *g = h_file(h_fs, "g", 0);
	for (size_t at = 0; at < len; at += step) {
		size_t n = len - at < step ? len - at : step;
		ck_assert_int_eq(h_write(f, at, data + at, n), 0);
		ck_assert_int_eq(h_write(g, len - at - n, data + len - at - n, n), 0);
	}
	uint8_t *read = malloc(len);
	ck_assert_int_eq(h_read(g, 0, read, len), (ssize_t)len);
	ck_assert_mem_eq(read, data, len);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_int_eq(h_end(g), 0);
	h_expect_for_good("f", data, len);
	h_expect_for_good("g", data, len);
	free(read);
	free(data);
}
END_TEST

/* --- one NUL byte ------------------------------------------------------------------------------------------ */

/* The one-byte entry 00 cannot be; a file of it can, in every way it comes to be. */
START_TEST(one_nul_byte)
{
	struct fs_file *f;
	switch (_i) {
	case 0: /* written */
		h_put(h_fs, "f", "", 1);
		break;
	case 1: /* cut down to it */
		h_put(h_fs, "f", "\0abc", 4);
		ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 1), 0);
		break;
	case 2: /* grown to it */
		h_put(h_fs, "f", "", 0);
		ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 1), 0);
		break;
	case 3: /* written over another byte */
		h_put(h_fs, "f", "x", 1);
		f = h_file(h_fs, "f", 0);
		ck_assert_int_eq(h_write(f, 0, "", 1), 0);
		ck_assert_int_eq(h_end(f), 0);
		break;
	default: /* written and cut in one go */
		f = h_file(h_fs, "f", 0);
		ck_assert_int_eq(h_write(f, 0, "\0bc", 3), 0);
		ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 1), 0);
		ck_assert_int_eq(h_end(f), 0);
	}
	h_expect_for_good("f", "", 1);
	/* And it is a file like any other. */
	f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_write(f, 1, "b", 1), 0);
	ck_assert_int_eq(h_end(f), 0);
	h_expect_for_good("f", "\0b", 2);
}
END_TEST

/* A change of one byte to NUL, in the middle, at the start, at the end, and one NUL appended. */
START_TEST(one_nul_byte_as_a_change)
{
	static const size_t place[] = {0, 1, 5000, 9999, 10000, 10001};
	uint8_t *data = h_random(10002, 3);
	size_t len = place[_i] < 10000 ? 10000 : place[_i] + 1;
	memset(data + 10000, 0, 2);
	h_put(h_fs, "f", data, 10000);
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_write(f, place[_i], "", 1), 0);
	data[place[_i]] = 0;
	ck_assert_int_eq(h_end(f), 0);
	h_expect_for_good("f", data, len);
	free(data);
}
END_TEST

/* A file of which one NUL byte is left, of longer contents, is compacted like any other. */
START_TEST(one_nul_byte_of_more_is_compacted)
{
	h_put(h_fs, "start", "\0bc", 3);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "start"), 1), 0);
	h_put(h_fs, "middle", "a\0c", 3);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "middle"), 2), 0);
	h_close();
	ck_assert_int_eq(fs_compact(h_path, &h_options, NULL), 0);
	h_open();
	h_expect(h_fs, "start", "", 1);
	h_expect(h_fs, "middle", "a", 2);
	h_check(h_fs);
}
END_TEST

/* --- changes ------------------------------------------------------------------------------------------------ */

/* Parts written over stay where they are, what is beneath shows elsewhere. */
START_TEST(partial_overwrite)
{
	static const struct {
		size_t at, len;
	} part[] = {{0, 1}, {99999, 1}, {50000, 10}, {49990, 15}, {65530, 12}, {10, 60000}, {99000, 5000}};
	uint8_t *data = h_random(110000, 1);
	size_t len = 100000;
	h_put(h_fs, "f", data, len);
	for (size_t i = 0; i < sizeof(part) / sizeof(*part); i++) {
		struct fs_file *f = h_file(h_fs, "f", 0);
		h_fill(data + part[i].at, part[i].len, 100 + i);
		ck_assert_int_eq(h_write(f, part[i].at, data + part[i].at, part[i].len), 0);
		if (part[i].at + part[i].len > len)
			len = part[i].at + part[i].len;
		ck_assert_int_eq(h_end(f), 0);
		h_expect_for_good("f", data, len);
	}
	free(data);
}
END_TEST

/* A small change costs the container about its own bytes, not the file's. */
START_TEST(small_change_costs_little)
{
	uint8_t *data = h_random(MIB, 1);
	h_put(h_fs, "f", data, MIB);
	size_t before = h_size(h_path);
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_write(f, MIB / 2, "changed", 7), 0);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_uint_lt(h_size(h_path) - before, 1024);
	memcpy(data + MIB / 2, "changed", 7);
	h_expect_for_good("f", data, MIB);
	free(data);
}
END_TEST

/* Any number of flushed appends costs a constant factor: no quadratic growth, and still all of it is there. */
START_TEST(flushed_appends_stay_linear)
{
	static const size_t step[] = {1, 100, 5000};
	size_t n = 3000, len = n * step[_i];
	uint8_t *data = h_random(len, 5);
	size_t before = h_size(h_path);
	struct fs_file *f = h_file(h_fs, "f", 0);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(h_write(f, i * step[_i], data + i * step[_i], step[_i]), 0);
		ck_assert_int_eq(fs_file_flush(f), 0);
		/* A duplicate's close flushes again: with nothing new nothing is written. */
		size_t size = h_size(h_path);
		ck_assert_int_eq(fs_file_flush(f), 0);
		ck_assert_uint_eq(h_size(h_path), size);
	}
	ck_assert_int_eq(h_end(f), 0);
	size_t grown = h_size(h_path) - before;
	ck_assert_msg(grown < 4 * len + n * 1024, "%zu bytes in %zu appends cost %zu", len, n, grown);
	h_expect_for_good("f", data, len);
	free(data);
}
END_TEST

/* Random small changes, flushed each, stay linear, too. */
START_TEST(flushed_changes_stay_linear)
{
	size_t n = 3000, len = 300000;
	uint8_t *data = h_random(len, 5);
	h_put(h_fs, "f", data, len);
	size_t before = h_size(h_path);
	struct fs_file *f = h_file(h_fs, "f", 0);
	for (size_t i = 0; i < n; i++) {
		size_t at = (i * 7919 * 13) % (len - 50);
		h_fill(data + at, 50, i);
		ck_assert_int_eq(h_write(f, at, data + at, 50), 0);
		ck_assert_int_eq(fs_file_flush(f), 0);
	}
	ck_assert_int_eq(h_end(f), 0);
	size_t grown = h_size(h_path) - before;
	ck_assert_msg(grown < n * 3072, "%zu changes cost %zu", n, grown);
	h_expect_for_good("f", data, len);
	free(data);
}
END_TEST

/* --- truncation and holes -------------------------------------------------------------------------------------- */

/* What is cut off and regrown reads as zeros, never as what was there. */
START_TEST(truncated_parts_return_as_zeros)
{
	uint8_t *data = h_random(100000, 9);
	h_put(h_fs, "f", data, 100000);
	struct fs_file *f = _i ? h_file(h_fs, "f", 0) : NULL;
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 40000), 0);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 90000), 0);
	memset(data + 40000, 0, 60000);
	h_expect(h_fs, "f", data, 90000);
	if (f) {
		ck_assert_int_eq(h_write(f, 60000, "in the hole", 11), 0);
		memcpy(data + 60000, "in the hole", 11);
		h_expect(h_fs, "f", data, 90000);
		ck_assert_int_eq(h_end(f), 0);
	}
	h_expect_for_good("f", data, 90000);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 0), 0);
	h_expect_for_good("f", data, 0);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 10), 0);
	h_expect_for_good("f", "\0\0\0\0\0\0\0\0\0\0", 10);
	free(data);
}
END_TEST

/* Cuts between buffered writes: each takes away what was written before and nothing after. */
START_TEST(truncation_between_writes)
{
	uint8_t *data = calloc(1, 300000);
	h_fill(data, 200000, 2);
	h_put(h_fs, "f", data, 200000);
	struct fs_file *f = h_file(h_fs, "f", 0);
	uint64_t ino = h_ino(h_fs, "f");
	h_fill(data + 150000, 100000, 3);
	ck_assert_int_eq(h_write(f, 150000, data + 150000, 100000), 0);
	ck_assert_int_eq(h_truncate(h_fs, ino, 180000), 0);
	memset(data + 180000, 0, 120000);
	ck_assert_int_eq(h_write(f, 220000, "xyz", 3), 0);
	memcpy(data + 220000, "xyz", 3);
	h_expect(h_fs, "f", data, 220003);
	ck_assert_int_eq(h_truncate(h_fs, ino, 100000), 0);
	memset(data + 100000, 0, 200000);
	ck_assert_int_eq(fs_file_flush(f), 0);
	h_expect(h_fs, "f", data, 100000);
	ck_assert_int_eq(h_truncate(h_fs, ino, 250000), 0);
	ck_assert_int_eq(h_end(f), 0);
	h_expect_for_good("f", data, 250000);
	free(data);
}
END_TEST

/* A hole takes no room in the container and reads as zeros; also one of terabytes. */
START_TEST(holes_take_no_room)
{
	struct fs_file *f = h_file(h_fs, "f", 0);
	size_t before = h_size(h_path);
	uint64_t far = (uint64_t)5 << 40;
	uint8_t read[8192], zeros[8192] = {0};
	struct fs_attr attr;
	ck_assert_int_eq(h_write(f, 0, "start", 5), 0);
	ck_assert_int_eq(h_write(f, far, "end", 3), 0);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), INT64_MAX), 0);
	ck_assert_uint_lt(h_size(h_path) - before, 2048);
	h_crash();
	ck_assert_int_eq(h_stat(h_fs, "f", &attr), 0);
	ck_assert_uint_eq(attr.size, INT64_MAX);
	ck_assert_uint_le(attr.blocks, 2);
	f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_read(f, far - 10, read, 20), 20);
	ck_assert_mem_eq(read, "\0\0\0\0\0\0\0\0\0\0end\0\0\0\0\0\0\0", 20);
	ck_assert_int_eq(h_read(f, far / 2, read, sizeof(read)), sizeof(read));
	ck_assert_mem_eq(read, zeros, sizeof(read));
	ck_assert_int_eq(h_read(f, 0, read, 7), 7);
	ck_assert_mem_eq(read, "start\0\0", 7);
	ck_assert_int_eq(h_read(f, INT64_MAX - 1, read, 10), 1);
	ck_assert_int_eq(h_read(f, INT64_MAX, read, 10), 0);
	ck_assert_int_eq(h_write(f, INT64_MAX, "x", 1), -EFBIG);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), (uint64_t)INT64_MAX + 1), -EFBIG);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 6), 0);
	h_expect_for_good("f", "start\0", 6);
}
END_TEST

/* A file of very many parts reads right in requests that cross any number of them. */
START_TEST(many_extents)
{
	size_t len = 400 * 8192;
	uint8_t *data = calloc(1, len);
	struct fs_file *f = h_file(h_fs, "f", 0);
	for (size_t i = 0; i < 400; i++) {
		h_fill(data + i * 8192, 100, i);
		ck_assert_int_eq(h_write(f, i * 8192, data + i * 8192, 100), 0);
		if (i % 7 == 0)
			ck_assert_int_eq(fs_file_flush(f), 0);
	}
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), len), 0);
	ck_assert_int_eq(h_end(f), 0);
	h_expect_for_good("f", data, len);
	free(data);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("contents");
	TCase *tc = tcase_create("contents");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, h_setup, h_teardown);
	tcase_set_timeout(tc, 600);
	tcase_add_loop_test(tc, sizes_around_boundaries, 0, sizeof(sizes) / sizeof(*sizes));
	tcase_add_loop_test(tc, sizes_of_zeros, 0, sizeof(sizes) / sizeof(*sizes));
	tcase_add_test(tc, file_larger_than_the_buffers);
	tcase_add_loop_test(tc, one_nul_byte, 0, 5);
	tcase_add_loop_test(tc, one_nul_byte_as_a_change, 0, 6);
	tcase_add_test(tc, one_nul_byte_of_more_is_compacted);
	tcase_add_test(tc, partial_overwrite);
	tcase_add_test(tc, small_change_costs_little);
	tcase_add_loop_test(tc, flushed_appends_stay_linear, 0, 3);
	tcase_add_test(tc, flushed_changes_stay_linear);
	tcase_add_loop_test(tc, truncated_parts_return_as_zeros, 0, 2);
	tcase_add_test(tc, truncation_between_writes);
	tcase_add_test(tc, holes_take_no_room);
	tcase_add_test(tc, many_extents);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
