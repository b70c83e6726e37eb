/*
 * test_dropped.c - a repair drops nothing without a word: containers that were written as a whole, as they are and used a
 * little afterwards, with a bit flipped anywhere, and without their checkpoints.
 *
 * Some bytes have one of their bits flipped, and with DAMAGE_BITS=8 in the environment each bit is (tools/soak).
 */
#include "config.h"

#include "state.h"
#include "written.h"

enum { BYTES_STEP = 23 };

/* Whether some file of the tree has these contents. */
static bool has_contents(struct fs *fs, uint64_t hash)
{
	uint64_t ino = 0;

	for (struct inode *i; (i = table_first(&fs->tree.inodes, &ino)); ino++) {
		int error = 0;
		uint8_t *bytes = S_ISREG(i->mode) ? h_get_inode(fs, ino, i->size, &error) : NULL;
		const bool same = bytes && error == 0 && reel_hash(bytes, i->size) == hash;

		free(bytes);
		if (same)
			return true;
	}
	return false;
}

/* All is under its name, in lost+found, or in what was told; each entry is counted; and what was made is sound. */
static void expect_nothing_dropped(const char *when)
{
	struct fs_repair done;
	struct fs *fs;
	int missing = 0;

	ck_assert_msg(w_repair(W_COPY, &done) == 0, "%s: could not be repaired\n%s", when, w_lines);
	ck_assert_msg(h_try(W_OUT, true, &fs) == 0 && h_faults(fs) == 0, "%s: what was made is not sound\n%s", when,
		      h_messages());
	for (int i = 0; i < w_files; i++)
		missing += !has_contents(fs, w_file[i].hash);
	ck_assert_msg(missing == 0 || (missing == 1 && strstr(w_lines, "left out")), "%s: %d files are missing\n%s", when,
		      missing, w_lines);
	ck_assert_msg((uint64_t)missing == done.entries.lost, "%s: %d files are missing, and %llu entries lost\n%s", when,
		      missing, (unsigned long long)done.entries.lost, w_lines);
	ck_assert_msg(done.entries.all >= (uint64_t)w_files &&
			  done.entries.whole + done.entries.damaged + done.entries.lost + done.entries.dead == done.entries.all,
		      "%s: the sums do not add up", when);
	fs_close(fs);
}

/* It is refused with a message, or told when it is checked. */
static void expect_told(const char *when)
{
	struct fs *fs;
	int r = h_try(W_COPY, true, &fs);
	bool told = h_messages()[0];

	ck_assert_msg(r == 0 || (r == -EBADMSG && told), "%s: %s", when, strerror(-r));
	if (r == 0) {
		told |= h_faults(fs) > 0;
		fs_close(fs);
	}
	ck_assert_msg(told, "%s: it is not told", when);
}

static void flip(uint8_t *bytes, size_t size, size_t at, unsigned bit)
{
	char when[64];

	snprintf(when, sizeof(when), "bit %u of byte %zu of %zu", bit, at, size);
	bytes[at] ^= (uint8_t)(1 << bit);
	h_store(W_COPY, bytes, size);
	expect_told(when);
	expect_nothing_dropped(when);
	ck_assert_msg(h_is(W_COPY, bytes, size), "%s: the damaged container was changed", when);
	bytes[at] ^= (uint8_t)(1 << bit);
}

START_TEST(no_flipped_bit_costs_more_than_its_file)
{
	const char *bits = getenv("DAMAGE_BITS");
	unsigned n = bits ? (unsigned)atoi(bits) : 1;
	size_t size;
	uint8_t *bytes;

	w_make(_i / 2, _i % 2, W_FEW);
	bytes = h_load(h_path, &size);
	for (size_t at = 0; at < size; at += bits ? 1 : BYTES_STEP)
		for (unsigned bit = 0; bit < n; bit++)
			flip(bytes, size, at, (unsigned)(at / 5 + bit) % 8);
	free(bytes);
}
END_TEST

/* Two bytes wrong in one of the checkpoints, which cannot be put right: the other has all names. */
START_TEST(one_of_two_checkpoints)
{
	size_t size, end;
	struct fs_repair done;
	struct fs *fs;

	w_make(W_COMPACTED, true, W_MANY);
	uint8_t *bytes = h_load(h_path, &size);
	end = w_end_of(bytes, size);
	free(bytes);
	h_flip(h_path, end - 200);
	h_flip(h_path, end - 300);
	ck_assert_int_eq(h_try(h_path, false, &fs), -EBADMSG);
	ck_assert_int_eq(w_repair(h_path, &done), 0);
	ck_assert_msg(strstr(w_lines, "an older one and the transactions after it are used") != NULL, "%s", w_lines);
	ck_assert_int_eq(h_try(W_OUT, true, &fs), 0);
	for (int i = 0; i < w_files; i++)
		ck_assert_msg(h_exists(fs, w_file[i].path), "%s", w_file[i].path);
	fs_close(fs);
}
END_TEST

/* Both, in different places: what is whole in one of them is put together. */
START_TEST(two_damaged_copies_are_put_together)
{
	size_t size, end;
	struct fs_repair done;
	struct fs *fs;

	w_make(W_COMPACTED, true, W_MANY);
	uint8_t *bytes = h_load(h_path, &size);
	end = w_end_of(bytes, size);
	memset(bytes + end - 2000, 'x', 1000);
	size_t first = end;
	while (first >= 64 && memcmp(bytes + (first -= first % 64 ? first % 64 : 64), FS_SEAL_MAGIC, 8) != 0)
		;
	memset(bytes + first - 6000, 'y', 1000);
	h_store(W_COPY, bytes, size);
	ck_assert_int_eq(w_repair(W_COPY, &done), 0);
	ck_assert_msg(strstr(w_lines, "was put together") != NULL, "%s", w_lines);
	ck_assert_int_eq(h_try(W_OUT, true, &fs), 0);
	for (int i = 0; i < w_files; i++)
		ck_assert_msg(h_exists(fs, w_file[i].path), "%s", w_file[i].path);
	ck_assert_uint_eq(done.found, 0);
	fs_close(fs);
	free(bytes);
}
END_TEST

/* One bad sector, or block, over the end of the first and the beginning of the second; where it begins is by chance. */
START_TEST(a_bad_sector_between_both_checkpoints_costs_no_names)
{
	const size_t sector = _i < 8 ? 512 : 4096, before = _i < 8 ? 64 * (size_t)_i : 512 * (size_t)(_i - 8);
	struct fs_repair done;
	struct fs_seal seal;
	size_t size, at;
	uint8_t *bytes;
	struct fs *fs;

	w_make(W_COMPACTED, false, W_MANY);
	bytes = h_load(h_path, &size);
	at = (w_end_of(bytes, size) - sizeof(seal)) / 64 * 64;
	while (memcmp(bytes + at, FS_SEAL_MAGIC, 8) != 0)
		at -= 64;
	memcpy(&seal, bytes + at, sizeof(seal));
	ck_assert_uint_gt(seal.body_len, 4096);
	memset(bytes + at - before, 0, sector);
	h_store(W_COPY, bytes, size);
	ck_assert_int_eq(w_repair(W_COPY, &done), 0);
	ck_assert_uint_eq(done.found, 0);
	ck_assert_uint_eq(done.entries.whole, W_MANY);
	ck_assert_int_eq(h_try(W_OUT, true, &fs), 0);
	for (int i = 0; i < w_files; i++)
		ck_assert_msg(h_exists(fs, w_file[i].path), "%s\n%s", w_file[i].path, w_lines);
	ck_assert(h_exists(fs, "symlink") && !strstr(w_lines, "Attributes"));
	fs_close(fs);
	free(bytes);
}
END_TEST

/* From `skip` bytes on behind its header each checkpoint of the whole writing has nothing right for `len` bytes, or to its end.
 */
static void wipe_checkpoints(uint8_t *bytes, size_t end, size_t skip, size_t len)
{
	struct fs_seal seal;

	for (size_t at = 448; at + sizeof(seal) < end; at += 64) {
		memcpy(&seal, bytes + at, sizeof(seal));
		if (memcmp(seal.magic, FS_SEAL_MAGIC, 8) != 0)
			continue;
		ck_assert_uint_gt(seal.body_len, skip);
		memset(bytes + at + sizeof(seal) + skip, 'x', len < seal.body_len - skip ? len : seal.body_len - skip);
	}
}

/* Both, in the same place: there is no older one, and the contents are in lost+found; what was written later has its names. */
START_TEST(no_checkpoint_is_left)
{
	size_t size, end;
	uint8_t *bytes;
	struct fs *fs;

	w_make(W_COMPACTED, true, W_MANY);
	bytes = h_load(h_path, &size);
	end = w_end_of(bytes, size);
	wipe_checkpoints(bytes, end, 0, SIZE_MAX);
	h_store(W_COPY, bytes, size);
	expect_nothing_dropped("without any checkpoint");
	ck_assert_msg(strstr(w_lines, "there is no other") && !strstr(w_lines, "an older one"), "%s", w_lines);
	ck_assert_int_eq(h_try(W_OUT, true, &fs), 0);
	ck_assert(h_exists(fs, "new1") && h_exists(fs, "new2") && h_exists(fs, "lost+found") && !h_exists(fs, "f0"));
	fs_close(fs);
	free(bytes);
}
END_TEST

/* A part of them is: names are given where the key of the contents proves them, and contents elsewhere are in lost+found. */
START_TEST(names_that_keys_prove)
{
	size_t size, end, len;
	uint8_t *bytes;
	struct fs *fs;
	int named = 0;

	w_make(W_COMPACTED, true, W_MANY);
	bytes = h_load(h_path, &size);
	end = w_end_of(bytes, size);
	wipe_checkpoints(bytes, end, (size_t)_i * 2500, 1000);
	h_store(W_COPY, bytes, size);
	expect_nothing_dropped("with a part of each checkpoint");
	ck_assert_int_eq(h_try(W_OUT, true, &fs), 0);
	for (int i = 0; i < w_files; i++) {
		if (!h_exists(fs, w_file[i].path))
			continue;
		uint8_t *is = h_get(fs, w_file[i].path, &len);
		ck_assert_msg(reel_hash(is, len) == w_file[i].hash, "%s has other contents", w_file[i].path);
		free(is);
		named++;
	}
	ck_assert_msg(named > W_MANY / 2, "just %d files have names\n%s", named, w_lines);
	ck_assert_msg(strstr(w_lines, "which the keys of their contents prove") != NULL, "%s", w_lines);
	fs_close(fs);
	free(bytes);
}
END_TEST

/* With the names lost nobody knows what is dead but by its key: replaced and removed contents do not come back. */
START_TEST(dead_contents_do_not_come_back)
{
	size_t size, end;
	uint8_t *bytes;
	struct fs_repair done;
	struct fs *fs;

	w_make(W_COMPACTED, false, W_MANY);
	h_open();
	h_puts(h_fs, "f0", "newer");
	h_unlink(h_fs, "d/f1");
	h_close();
	bytes = h_load(h_path, &size);
	end = w_end_of(bytes, size);
	wipe_checkpoints(bytes, end, 80, 300);
	h_store(W_COPY, bytes, size);
	ck_assert_int_eq(w_repair(W_COPY, &done), 0);
	ck_assert_int_eq(h_try(W_OUT, true, &fs), 0);
	ck_assert(!has_contents(fs, w_file[0].hash) && !has_contents(fs, w_file[1].hash) && has_contents(fs, w_file[2].hash));
	ck_assert_uint_eq(done.entries.dead, 2);
	ck_assert_uint_eq(done.entries.whole, W_MANY - 1);
	fs_close(fs);
	free(bytes);
}
END_TEST

/* A part of a container is repaired: what contents it has are in lost+found. */
START_TEST(a_part_is_repaired)
{
	size_t size;
	uint8_t *bytes;
	struct fs_repair done;

	w_make(W_COMPACTED, false, W_MANY);
	bytes = h_load(h_path, &size);
	h_store(W_COPY, bytes, size / 3);
	ck_assert_int_eq(w_repair(W_COPY, &done), 0);
	ck_assert_msg(done.found > 2 && strstr(w_lines, "no checkpoint is left"), "%s", w_lines);
	free(bytes);
}
END_TEST

/* A part in which one of the contents is damaged, too: it costs just those. */
START_TEST(a_damaged_part_is_repaired)
{
	size_t size, at = 0;
	uint8_t *bytes, *wanted;
	struct fs_repair whole, damaged;

	w_make(W_COMPACTED, false, W_MANY);
	bytes = h_load(h_path, &size);
	h_store(W_COPY, bytes, size / 2);
	ck_assert_int_eq(w_repair(W_COPY, &whole), 0);
	/* The contents of the third file. */
	wanted = h_random(60, 3);
	while (at < size / 2 && memcmp(bytes + at, wanted, 60) != 0)
		at += 64;
	ck_assert_uint_lt(at, size / 2);
	bytes[at] ^= 1;
	h_store(W_COPY, bytes, size / 2);
	ck_assert_int_eq(w_repair(W_COPY, &damaged), 0);
	ck_assert_uint_eq(damaged.entries.all, whole.entries.all);
	ck_assert_uint_eq(damaged.entries.whole, whole.entries.whole - 1);
	ck_assert_uint_eq(damaged.entries.lost, 1);
	ck_assert_uint_eq(damaged.unknown, whole.unknown);
	ck_assert_msg(strstr(w_lines, "(60 bytes, key hash ") != NULL, "%s", w_lines);
	free(wanted);
	free(bytes);
}
END_TEST

/* A file that is filled before it gets its name, as reel write makes them. */
static void put_nameless(const char *name, const char *text)
{
	struct fs_attr attr;
	struct fs_file *f;

	ck_assert_int_eq(fs_file_tmpfile(h_fs, FS_ROOT_INO, S_IFREG | 0600, O_WRONLY, &h_owner, &attr, &f), 0);
	ck_assert_int_eq(h_write(f, 0, text, strlen(text)), 0);
	ck_assert_int_eq(fs_file_flush(f), 0);
	ck_assert_int_eq(fs_link(h_fs, attr.ino, FS_ROOT_INO, name, &attr), 0);
	fs_file_release(f);
	fs_forget(h_fs, attr.ino, 2);
	snprintf(w_file[w_files].path, sizeof(w_file[0].path), "%s", name);
	w_file[w_files++].hash = reel_hash(text, strlen(text));
}

/* Each transaction in turn is beyond mending: what it named or filled is somewhere, or told. */
START_TEST(no_lost_transaction_takes_contents_along)
{
	struct fs_seal seal;
	size_t size;
	uint8_t *whole, *bytes;
	char when[64];

	w_make(W_COMPACTED, true, W_FEW);
	h_open();
	put_nameless("nameless1", "contents before their name");
	put_nameless("nameless2", "contents of another one");
	whole = h_load(h_path, &size);
	h_close();
	bytes = malloc(size);
	for (size_t at = 448; at + sizeof(seal) < size; at += 64) {
		memcpy(&seal, whole + at, sizeof(seal));
		if (memcmp(seal.magic, FS_SEAL_MAGIC, 8) != 0 || (seal.flags & FS_SEAL_CHECKPOINT) || seal.body_len < 40)
			continue;
		snprintf(when, sizeof(when), "without transaction %llu", (unsigned long long)seal.sequence);
		memcpy(bytes, whole, size);
		memset(bytes + at + sizeof(seal), 'x', 40);
		h_store(W_COPY, bytes, size);
		expect_nothing_dropped(when);
	}
	free(bytes);
	free(whole);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dropped");
	TCase *tc = tcase_create("damage");

	tcase_add_checked_fixture(tc, h_setup, h_teardown);
	tcase_set_timeout(tc, 36000);
	tcase_add_loop_test(tc, no_flipped_bit_costs_more_than_its_file, 0, 2 * W_KINDS);
	tcase_add_test(tc, one_of_two_checkpoints);
	tcase_add_test(tc, two_damaged_copies_are_put_together);
	tcase_add_loop_test(tc, a_bad_sector_between_both_checkpoints_costs_no_names, 0, 16);
	tcase_add_test(tc, no_checkpoint_is_left);
	tcase_add_loop_test(tc, names_that_keys_prove, 0, 5);
	tcase_add_test(tc, dead_contents_do_not_come_back);
	tcase_add_test(tc, no_lost_transaction_takes_contents_along);
	tcase_add_test(tc, a_part_is_repaired);
	tcase_add_test(tc, a_damaged_part_is_repaired);
	suite_add_tcase(suite, tc);
	return h_main(suite);
}
