/*
 * test_contents.c - what is written to files is what is read, at once by every descriptor and after
 * closing and opening the container, in bounded space (src/fs/contents.c, file.c, read.c).
 */
#include "config.h"

#include "harness.h"

static uint8_t *random_bytes(size_t len, uint64_t seed)
{
	uint8_t *data = malloc(len + 1);
	ck_assert_ptr_nonnull(data);
	h_fill(data, len, seed);
	return data;
}

/* The file is these bytes now, after a crash, and after closing and opening. */
static void expect_for_good(const char *path, const void *data, size_t len)
{
	h_expect(h_fs, path, data, len);
	h_crash();
	h_expect(h_fs, path, data, len);
	h_again();
	h_expect(h_fs, path, data, len);
	h_check(h_fs);
}

/* The value of a key as another program reads it; NULL: there is none. */
static uint8_t *by_key(const char *key, size_t *len)
{
	struct reel_entry e;
	int r = reel_read(fs_store(h_fs), key, strlen(key), &e);
	if (r < 0) {
		ck_assert_int_eq(r, -ENOENT);
		return NULL;
	}
	uint8_t *copy = malloc(e.len);
	ck_assert_ptr_nonnull(copy);
	ck_assert(reel_entry_valid(&e));
	memcpy(copy, e.payload, e.len);
	*len = e.len;
	reel_entry_release(&e);
	return copy;
}

static bool key_exists(const char *key)
{
	return reel_exists(fs_store(h_fs), key, strlen(key));
}

/* --- sizes --------------------------------------------------------------------------------------------- */

static const size_t sizes[] = {0, 1, 2, 63, 64, 65, 4095, 4096, 4097, 65535, 65536, 65537, 131072, MIB - 1, MIB, MIB + 1};

/* Files of all sizes read back whole, and the entry under the path's key has the same bytes. */
START_TEST(sizes_around_boundaries)
{
	size_t len = sizes[_i], key_len = 0;
	uint8_t *data = random_bytes(len, (uint64_t)_i + 1);
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	h_put(h_fs, "d/f", data, len);
	expect_for_good("d/f", data, len);
	uint8_t *value = by_key("d/f", &key_len);
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
	expect_for_good("f", data, sizes[_i]);
	free(data);
}
END_TEST

/* The buffers of a large file spill; it is written and read whole all the same, whatever the pieces. */
START_TEST(file_larger_than_the_buffers)
{
	size_t len = 5 * MIB + 123, step = 70001;
	uint8_t *data = random_bytes(len, 7);
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
	expect_for_good("f", data, len);
	expect_for_good("g", data, len);
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
	expect_for_good("f", "", 1);
	/* And it is a file like any other. */
	f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_write(f, 1, "b", 1), 0);
	ck_assert_int_eq(h_end(f), 0);
	expect_for_good("f", "\0b", 2);
}
END_TEST

/* A change of one byte to NUL, in the middle, at the start, at the end, and one NUL appended. */
START_TEST(one_nul_byte_as_a_change)
{
	static const size_t place[] = {0, 1, 5000, 9999, 10000, 10001};
	uint8_t *data = random_bytes(10002, 3);
	size_t len = place[_i] < 10000 ? 10000 : place[_i] + 1;
	memset(data + 10000, 0, 2);
	h_put(h_fs, "f", data, 10000);
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_write(f, place[_i], "", 1), 0);
	data[place[_i]] = 0;
	ck_assert_int_eq(h_end(f), 0);
	expect_for_good("f", data, len);
	free(data);
}
END_TEST

/* --- changes ------------------------------------------------------------------------------------------------ */

/* Parts written over stay where they are, what is beneath shows elsewhere. */
START_TEST(partial_overwrite)
{
	static const struct {
		size_t at, len;
	} part[] = {{0, 1}, {99999, 1}, {50000, 10}, {49990, 15}, {65530, 12}, {10, 60000}, {99000, 5000}};
	uint8_t *data = random_bytes(110000, 1);
	size_t len = 100000;
	h_put(h_fs, "f", data, len);
	for (size_t i = 0; i < sizeof(part) / sizeof(*part); i++) {
		struct fs_file *f = h_file(h_fs, "f", 0);
		h_fill(data + part[i].at, part[i].len, 100 + i);
		ck_assert_int_eq(h_write(f, part[i].at, data + part[i].at, part[i].len), 0);
		if (part[i].at + part[i].len > len)
			len = part[i].at + part[i].len;
		ck_assert_int_eq(h_end(f), 0);
		expect_for_good("f", data, len);
	}
	free(data);
}
END_TEST

/* A small change costs the container about its own bytes, not the file's. */
START_TEST(small_change_costs_little)
{
	uint8_t *data = random_bytes(MIB, 1);
	h_put(h_fs, "f", data, MIB);
	size_t before = h_size(h_path);
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_write(f, MIB / 2, "changed", 7), 0);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_uint_lt(h_size(h_path) - before, 1024);
	memcpy(data + MIB / 2, "changed", 7);
	expect_for_good("f", data, MIB);
	free(data);
}
END_TEST

/* Any number of flushed appends costs a constant factor: no quadratic growth, and still all of it is there. */
START_TEST(flushed_appends_stay_linear)
{
	static const size_t step[] = {1, 100, 5000};
	size_t n = 3000, len = n * step[_i];
	uint8_t *data = random_bytes(len, 5);
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
	expect_for_good("f", data, len);
	free(data);
}
END_TEST

/* Random small changes, flushed each, stay linear, too. */
START_TEST(flushed_changes_stay_linear)
{
	size_t n = 3000, len = 300000;
	uint8_t *data = random_bytes(len, 5);
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
	expect_for_good("f", data, len);
	free(data);
}
END_TEST

/* --- truncation and holes -------------------------------------------------------------------------------------- */

/* What is cut off and regrown reads as zeros, never as what was there. */
START_TEST(truncated_parts_return_as_zeros)
{
	uint8_t *data = random_bytes(100000, 9);
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
	expect_for_good("f", data, 90000);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 0), 0);
	expect_for_good("f", data, 0);
	ck_assert_int_eq(h_truncate(h_fs, h_ino(h_fs, "f"), 10), 0);
	expect_for_good("f", "\0\0\0\0\0\0\0\0\0\0", 10);
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
	expect_for_good("f", data, 250000);
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
	expect_for_good("f", "start\0", 6);
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
	expect_for_good("f", data, len);
	free(data);
}
END_TEST

/* --- open files -------------------------------------------------------------------------------------------------- */

/* Two descriptors see each other's writes and cuts at once; the file's attributes, too. */
START_TEST(descriptors_see_each_other)
{
	struct fs_file *a = h_file(h_fs, "f", 0), *b = h_file(h_fs, "f", 0);
	struct fs_attr attr;
	char read[16];
	ck_assert_int_eq(h_write(a, 0, "hello", 5), 0);
	ck_assert_int_eq(h_read(b, 0, read, 16), 5);
	ck_assert_int_eq(h_write(b, 5, " world", 6), 0);
	ck_assert_int_eq(h_read(a, 0, read, 16), 11);
	ck_assert_mem_eq(read, "hello world", 11);
	ck_assert_int_eq(h_stat(h_fs, "f", &attr), 0);
	ck_assert_uint_eq(attr.size, 11);
	ck_assert_int_eq(h_end(a), 0);
	ck_assert_int_eq(h_write(b, 0, "J", 1), 0);
	a = h_file(h_fs, "f", O_TRUNC);
	ck_assert_int_eq(h_read(b, 0, read, 16), 0);
	ck_assert_int_eq(h_write(b, 2, "x", 1), 0);
	ck_assert_int_eq(h_end(b), 0);
	ck_assert_int_eq(h_read(a, 0, read, 16), 3);
	ck_assert_int_eq(h_end(a), 0);
	expect_for_good("f", "\0\0x", 3);
}
END_TEST

/* What one reader was given stays as it was, whatever is written, cut and committed meanwhile. */
START_TEST(extracts_do_not_change)
{
	uint8_t *data = random_bytes(100000, 1);
	struct fs_extract e;
	h_put(h_fs, "f", data, 100000);
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(fs_file_read(f, 0, 100000, &e), 0);
	ck_assert_int_eq(e.pieces, 1);
	h_put(h_fs, "f", "short", 5);
	ck_assert_int_eq(h_unlink(h_fs, "f"), 0);
	h_put(h_fs, "g", data + 1, 90000);
	ck_assert_mem_eq(e.piece[0].iov_base, data, 100000);
	fs_extract_done(&e);
	ck_assert_int_eq(h_end(f), 0);
	free(data);
}
END_TEST

/* A file that was removed, or replaced by a rename, while open goes on for those who have it open, synced or not. */
START_TEST(open_file_outlives_its_name)
{
	struct fs_attr attr;
	char read[32];
	h_puts(h_fs, "f", "old contents");
	h_puts(h_fs, "g", "other");
	struct fs_file *f = h_file(h_fs, "f", 0);
	uint64_t ino = h_ino(h_fs, "f");
	if (_i == 0)
		ck_assert_int_eq(h_unlink(h_fs, "f"), 0);
	else
		ck_assert_int_eq(h_rename(h_fs, "g", "f", 0), 0);
	ck_assert_int_eq(h_read(f, 0, read, 32), 12);
	ck_assert_int_eq(h_write(f, 0, "NEW", 3), 0);
	ck_assert_int_eq(fs_file_fsync(f, false), 0);
	ck_assert_int_eq(h_write(f, 12, "!", 1), 0);
	ck_assert_int_eq(h_read(f, 0, read, 32), 13);
	ck_assert_mem_eq(read, "NEW contents!", 13);
	ck_assert_int_eq(fs_getattr(h_fs, ino, &attr), 0);
	ck_assert_uint_eq(attr.nlink, 0);
	h_puts(h_fs, "h", "x");
	if (_i == 0)
		h_puts(h_fs, "f", "a new file");
	ck_assert_int_eq(h_end(f), 0);
	ck_assert_int_eq(fs_getattr(h_fs, ino, &attr), -ENOENT);
	h_expects(h_fs, "f", _i == 0 ? "a new file" : "other");
	h_crash();
	h_expects(h_fs, "f", _i == 0 ? "a new file" : "other");
	ck_assert_int_eq(fs_getattr(h_fs, ino, &attr), -ENOENT);
	h_again();
	h_check(h_fs);
}
END_TEST

/* An unnamed file gets a name with all that was written to it, and is gone without one. */
START_TEST(unnamed_file_can_be_named)
{
	struct fs_attr attr, linked;
	struct fs_file *f, *lost;
	ck_assert_int_eq(fs_file_tmpfile(h_fs, FS_ROOT_INO, 0600, O_RDWR, &h_owner, &attr, &lost), 0);
	ck_assert_int_eq(h_write(lost, 0, "lost", 4), 0);
	fs_forget(h_fs, attr.ino, 1);
	ck_assert_int_eq(fs_file_tmpfile(h_fs, FS_ROOT_INO, 0600, O_RDWR, &h_owner, &attr, &f), 0);
	ck_assert_uint_eq(attr.nlink, 0);
	ck_assert_int_eq(h_write(f, 0, "contents", 8), 0);
	ck_assert_int_eq(fs_link(h_fs, attr.ino, FS_ROOT_INO, "named", &linked), 0);
	ck_assert_uint_eq(linked.nlink, 1);
	h_expects(h_fs, "named", "contents");
	ck_assert_int_eq(h_write(f, 8, " more", 5), 0);
	ck_assert_int_eq(h_end(f), 0);
	fs_forget(h_fs, attr.ino, 2);
	ck_assert_int_eq(h_end(lost), 0);
	expect_for_good("named", "contents more", 13);
	struct fs_info info;
	ck_assert_int_eq(fs_info(h_fs, &info), 0);
	ck_assert_uint_eq(info.inodes, 2);
}
END_TEST

/* A file whose last name was removed does not come back by a link. */
START_TEST(removed_file_cannot_be_named)
{
	struct fs_attr attr;
	h_puts(h_fs, "f", "x");
	struct fs_file *f = h_file(h_fs, "f", 0);
	uint64_t ino = h_ino(h_fs, "f");
	ck_assert_int_eq(h_unlink(h_fs, "f"), 0);
	ck_assert_int_eq(fs_link(h_fs, ino, FS_ROOT_INO, "g", &attr), -ENOENT);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert(!h_exists(h_fs, "g"));
}
END_TEST

/* fs_sync() commits what is buffered in files that are open. */
START_TEST(sync_commits_open_files)
{
	struct fs_file *f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_write(f, 0, "synced", 6), 0);
	ck_assert_int_eq(fs_sync(h_fs), 0);
	h_copy(h_path, h_beside("copy"));
	int error;
	char *tree = h_tree_of(h_beside("copy"), &error), *now = h_tree(h_fs);
	h_same(tree, now, "a copy after the sync");
	free(tree);
	free(now);
	ck_assert_int_eq(h_end(f), 0);
}
END_TEST

/* A write by someone without the privilege clears set-id bits; others keep them. */
START_TEST(writes_clear_set_id_bits)
{
	struct fs_setattr set = {.set = FS_SET_MODE, .mode = 06777};
	struct fs_attr attr;
	struct fs_file *f = h_file(h_fs, "f", 0);
	struct iovec iov = {(void *)"x", 1};
	uint64_t ino = h_ino(h_fs, "f");
	ck_assert_int_eq(fs_setattr(h_fs, ino, &set, &attr), 0);
	ck_assert_int_eq(fs_file_write(f, 0, &iov, 1, false), 0);
	ck_assert_int_eq(fs_getattr(h_fs, ino, &attr), 0);
	ck_assert_uint_eq(attr.mode & 07777, 06777);
	ck_assert_int_eq(fs_file_write(f, 0, &iov, 1, true), 0);
	ck_assert_int_eq(fs_getattr(h_fs, ino, &attr), 0);
	ck_assert_uint_eq(attr.mode & 07777, 0777);
	ck_assert_int_eq(h_end(f), 0);
}
END_TEST

/* --- keys ---------------------------------------------------------------------------------------------------------- */

/* After a -> b and a new a both files are right, and both keep being so when written again. */
START_TEST(renamed_file_keeps_its_contents)
{
	h_puts(h_fs, "a", "first");
	ck_assert_int_eq(h_rename(h_fs, "a", "b", 0), 0);
	h_puts(h_fs, "a", "second");
	h_crash();
	h_expects(h_fs, "a", "second");
	h_expects(h_fs, "b", "first");
	h_puts(h_fs, "b", "third");
	h_again();
	h_expects(h_fs, "a", "second");
	h_expects(h_fs, "b", "third");
	/* b has its own key now, and so the key a is free for the next contents of a. */
	h_puts(h_fs, "a", "fourth");
	h_again();
	h_expects(h_fs, "a", "fourth");
	size_t len;
	uint8_t *value = by_key("a", &len);
	ck_assert(value != NULL && len == 6 && memcmp(value, "fourth", 6) == 0);
	free(value);
	value = by_key("b", &len);
	ck_assert(value != NULL && len == 5 && memcmp(value, "third", 5) == 0);
	free(value);
	h_check(h_fs);
}
END_TEST

/* Removed files leave no live entry behind, whatever was done to them before, held by the kernel or not. */
START_TEST(removed_files_leave_no_key)
{
	uint8_t *data = random_bytes(100000, 1);
	struct fs_attr attr;
	h_put(h_fs, "f", data, 100000);
	if (_i & 1) { /* a change in the middle makes three extents of two entries */
		struct fs_file *f = h_file(h_fs, "f", 0);
		ck_assert_int_eq(h_write(f, 50000, "changed", 7), 0);
		ck_assert_int_eq(h_end(f), 0);
	}
	ck_assert(key_exists("f"));
	if (_i & 2) /* the kernel still knows it at the end */
		ck_assert_int_eq(fs_lookup(h_fs, FS_ROOT_INO, "f", &attr), 0);
	if (_i & 4)
		ck_assert_int_eq(h_rename(h_fs, "f", "g", 0), 0);
	ck_assert_int_eq(h_unlink(h_fs, _i & 4 ? "g" : "f"), 0);
	h_again();
	ck_assert(!key_exists("f"));
	h_puts(h_fs, "f", "new");
	h_again();
	ck_assert(key_exists("f"));
	h_expects(h_fs, "f", "new");
	h_check(h_fs);
	free(data);
}
END_TEST

/* Contents that were written anew leave the old ones dead; emptied files have no key. */
START_TEST(emptied_files_leave_no_key)
{
	h_puts(h_fs, "f", "x");
	ck_assert(key_exists("f"));
	h_put(h_fs, "f", "", _i ? 1 : 0);
	h_again();
	ck_assert(!key_exists("f"));
	h_puts(h_fs, "f", "y");
	h_again();
	ck_assert(key_exists("f"));
	h_expects(h_fs, "f", "y");
}
END_TEST

/* A tombstone is written once, not again in each session until the next checkpoint. */
START_TEST(tombstones_are_written_once)
{
	char name[16];
	struct reel_info info;
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "kept%d", i);
		h_puts(h_fs, name, "x");
	}
	h_again();
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "gone%d", i);
		h_puts(h_fs, name, "x");
		ck_assert_int_eq(h_unlink(h_fs, name), 0);
	}
	for (int i = 0; i < 10; i++) {
		h_again();
		h_puts(h_fs, "kept0", "y");
	}
	ck_assert_int_eq(reel_info(fs_store(h_fs), &info), 0);
	ck_assert_msg(info.tombstones <= 22, "%llu tombstones", (unsigned long long)info.tombstones);
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
	tcase_add_test(tc, partial_overwrite);
	tcase_add_test(tc, small_change_costs_little);
	tcase_add_loop_test(tc, flushed_appends_stay_linear, 0, 3);
	tcase_add_test(tc, flushed_changes_stay_linear);
	tcase_add_loop_test(tc, truncated_parts_return_as_zeros, 0, 2);
	tcase_add_test(tc, truncation_between_writes);
	tcase_add_test(tc, holes_take_no_room);
	tcase_add_test(tc, many_extents);
	tcase_add_test(tc, descriptors_see_each_other);
	tcase_add_test(tc, extracts_do_not_change);
	tcase_add_loop_test(tc, open_file_outlives_its_name, 0, 2);
	tcase_add_test(tc, unnamed_file_can_be_named);
	tcase_add_test(tc, removed_file_cannot_be_named);
	tcase_add_test(tc, sync_commits_open_files);
	tcase_add_test(tc, writes_clear_set_id_bits);
	tcase_add_test(tc, renamed_file_keeps_its_contents);
	tcase_add_loop_test(tc, removed_files_leave_no_key, 0, 8);
	tcase_add_loop_test(tc, emptied_files_leave_no_key, 0, 2);
	tcase_add_test(tc, tombstones_are_written_once);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
