/*
 * test_whole.c - containers that were written as a whole (compacted, repaired), as they are and used a little afterwards: cut
 * anywhere they are refused and told as a copy that is not complete, and with a bit flipped anywhere a repair drops nothing
 * without a word.
 *
 * Each byte has one of its bits flipped, and with DAMAGE_BITS=8 in the environment each bit is (tools/soak).
 */
#include "config.h"

#include "foreign.h"
#include "harness.h"
#include "state.h"
#include "whole.h"

#define OUT  h_beside("out")
#define COPY h_beside("copy")

enum { FEW = 6, MANY = 60, BYTES_STEP = 11, COMPACTED = 0, REPAIRED, KINDS };

static struct {
	char path[16];
	uint64_t hash;
} file[MANY + 2];
static int files;
static char lines[64 << 10]; /* what the last repair told */

static void keep_line(void *arg, const char *text)
{
	size_t len = strlen(lines);

	(void)arg;
	snprintf(lines + len, sizeof(lines) - len, "%s\n", text);
}

static int repair(const char *from, struct fs_repair *ret)
{
	struct fs_options options = {.read_only = true};

	unlink(OUT);
	lines[0] = 0;
	return fs_repair(from, OUT, &options, keep_line, NULL, ret);
}

static void put(const char *path, size_t len)
{
	uint8_t *bytes = h_random(len, (uint64_t)files + 1);

	h_put(h_fs, path, bytes, len);
	snprintf(file[files].path, sizeof(file[0].path), "%s", path);
	file[files++].hash = reel_hash(bytes, len);
	free(bytes);
}

/* Where the whole writing ended. */
static size_t whole_end_of(const uint8_t *bytes, size_t size)
{
	struct reel_view view = {bytes, size, NULL};
	struct fs_super super;
	struct fs_whole whole;

	ck_assert_int_eq(super_find(&view, &super), 0);
	ck_assert(whole_find(&view, &super, &whole));
	return whole.end;
}

/* A container with names, directories, and things removed, written as a whole; `used` mounts it again for two small files. */
static void make(int kind, bool used, int n)
{
	char path[16];

	files = 0;
	h_puts(h_fs, "removed", "gone");
	h_mkdir(h_fs, "d");
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%sf%d", i % 2 ? "d/" : "", i);
		put(path, 20 + (size_t)i * 20);
	}
	h_symlink(h_fs, "f0", "symlink");
	h_unlink(h_fs, "removed");
	h_close();
	if (kind == COMPACTED) {
		ck_assert_int_eq(fs_compact(h_path, &h_options, NULL), 0);
	} else {
		ck_assert_int_eq(repair(h_path, NULL), 0);
		ck_assert_int_eq(rename(OUT, h_path), 0);
	}
	if (!used)
		return;
	h_open();
	put("new1", 50);
	put("new2", 60);
	h_close();
}

/* --- cuts --------------------------------------------------------------------------------------------------- */

/* The first `len` bytes of what was written as a whole: no state that there was. */
static void expect_refused(const uint8_t *bytes, size_t len, size_t end)
{
	struct fs *fs;
	char said[64];

	h_store(COPY, bytes, len);
	snprintf(said, sizeof(said), "it has %zu of %zu bytes", len, end);
	for (int read_only = 0; read_only < 2; read_only++) {
		ck_assert_msg(h_try(COPY, read_only, &fs) == -EBADMSG, "the first %zu of %zu bytes open", len, end);
		if (len >= 400)
			ck_assert_msg(strstr(h_messages(), "a copy that is not complete") && strstr(h_messages(), said),
				      "the first %zu of %zu bytes: %s", len, end, h_messages());
	}
	ck_assert_msg(h_is(COPY, bytes, len), "the first %zu of %zu bytes were changed", len, end);
}

/* The superblock and no more: nothing else can be in it, but it is not clean. */
static void expect_unclean(const uint8_t *bytes, size_t len)
{
	struct fs *fs;

	h_store(COPY, bytes, len);
	ck_assert_int_eq(h_try(COPY, true, &fs), 0);
	ck_assert_msg(h_faults(fs) > 0, "the first %zu bytes are clean", len);
	fs_close(fs);
}

/* Expects no part of it, whatever its length, to be opened or changed; not even when just the last byte is missing. */
START_TEST(no_part_is_taken_for_the_whole)
{
	size_t size, end;
	uint8_t *bytes;

	make(_i / 2, _i % 2, FEW);
	bytes = h_load(h_path, &size);
	end = whole_end_of(bytes, size);
	ck_assert_uint_eq(_i % 2, end < size);
	for (size_t len = 1; len < end; len += len < 400 || len + 100 > end ? 1 : 37) {
		if (len >= 268 && len < 327)
			expect_unclean(bytes, len);
		else
			expect_refused(bytes, len, end);
	}
	free(bytes);
}
END_TEST

/* Expects a copy that has its length from the start, and zeros where it ends, to be refused as well. */
START_TEST(zeros_for_the_end)
{
	size_t size, end;
	uint8_t *bytes;
	struct fs *fs;

	make(COMPACTED, _i, FEW);
	bytes = h_load(h_path, &size);
	end = whole_end_of(bytes, size);
	for (size_t len = end - 1; len > 512; len = len * 3 / 4) {
		memset(bytes + len, 0, size - len);
		h_store(COPY, bytes, size);
		ck_assert_int_eq(h_try(COPY, false, &fs), -EBADMSG);
		ck_assert_msg(strstr(h_messages(), "not complete") != NULL, "%s", h_messages());
		ck_assert(h_is(COPY, bytes, size));
	}
	free(bytes);
}
END_TEST

/* Expects what came after the whole writing to be cut off as ever, with a message that says of when the rest is. */
START_TEST(what_came_later_may_be_torn)
{
	size_t size, end;
	uint8_t *bytes;
	struct fs *fs;

	make(COMPACTED, true, FEW);
	bytes = h_load(h_path, &size);
	end = whole_end_of(bytes, size);
	for (size_t len = end; len < size; len += 13) {
		h_store(COPY, bytes, len);
		ck_assert_msg(h_try(COPY, false, &fs) == 0, "%zu of %zu: %s", len, size, h_messages());
		ck_assert(!strstr(h_messages(), "cut off") || strstr(h_messages(), "what is left is of 20"));
		ck_assert_msg(h_exists(fs, "d/f1"), "%zu of %zu", len, size);
		h_check(fs);
		fs_close(fs);
	}
	free(bytes);
}
END_TEST

/* Expects the same of containers that older versions wrote: no transaction is left, and no crash leaves that. */
START_TEST(a_superblock_without_any_transaction)
{
	size_t size, end;
	uint8_t *bytes;
	struct fs *fs;

	make(COMPACTED, false, FEW);
	bytes = h_load(h_path, &size);
	end = whole_end_of(bytes, size);
	/* As if it were contents. */
	memset(bytes + 320, 'x', sizeof(struct fs_whole));
	for (size_t len = 420; len < end; len += 101) {
		h_store(COPY, bytes, len);
		int r = h_try(COPY, false, &fs);
		/* With the first of its two checkpoints it can be used. */
		if (r == 0)
			fs_close(fs);
		else
			ck_assert_msg(h_is(COPY, bytes, len) && h_messages()[0], "%zu of %zu", len, end);
		ck_assert_msg(r == -EBADMSG || len > end - (end - 400) / 2, "%zu of %zu opens", len, end);
	}
	free(bytes);
}
END_TEST

/* Expects the entry to be nobody's file where another program has compacted the container, nor to be believed. */
START_TEST(another_program_compacts_it)
{
	make(COMPACTED, true, FEW);
	for (int times = 0; times < 2; times++) {
		h_compact(h_path, h_beside("compacted"));
		ck_assert_int_eq(rename(h_beside("compacted"), h_path), 0);
		h_open();
		ck_assert_uint_eq(foreign_count(), 0);
		ck_assert(h_exists(h_fs, "d/f1"));
		if (times > 0)
			h_puts(h_fs, "later", "x");
		h_close();
	}
	h_open();
	ck_assert(h_exists(h_fs, "later") && h_exists(h_fs, "new2"));
}
END_TEST

/*
 * A container that is filled before it gets its name: nothing is there until then, and what a killed process leaves cannot be
 * opened.
 */
START_TEST(a_new_one_appears_filled)
{
	struct fs *new, *fs;
	size_t size;

	h_close();
	ck_assert_int_eq(fs_open_new(h_path, &h_options, &new), -EEXIST);
	ck_assert_int_eq(unlink(h_path), 0);
	ck_assert_int_eq(fs_open_new(h_path, &h_options, &new), 0);
	h_mkdir(new, "d");
	h_puts(new, "d/f", "contents");
	ck_assert_int_eq(fs_sync(new), 0);
	ck_assert_int_ne(access(h_path, F_OK), 0);
	h_copy(reel_path(fs_store(new)), COPY);
	for (int read_only = 0; read_only < 2; read_only++) {
		ck_assert_int_eq(h_try(COPY, read_only, &fs), -EBADMSG);
		ck_assert_msg(strstr(h_messages(), "its writing was never finished") != NULL, "%s", h_messages());
	}
	ck_assert_int_eq(fs_close_new(new), 0);
	uint8_t *bytes = h_load(h_path, &size);
	ck_assert_uint_eq(whole_end_of(bytes, size), size);
	expect_refused(bytes, size - 1, size);
	free(bytes);
	h_open();
	h_expects(h_fs, "d/f", "contents");
	h_check(h_fs);
}
END_TEST

/* No file is replaced that took the name meanwhile, and no other is left. */
START_TEST(a_name_that_is_taken_meanwhile)
{
	struct fs *new;
	char temporary[4400];

	h_close();
	ck_assert_int_eq(unlink(h_path), 0);
	ck_assert_int_eq(fs_open_new(h_path, &h_options, &new), 0);
	snprintf(temporary, sizeof(temporary), "%s", reel_path(fs_store(new)));
	h_store(h_path, "mine", 4);
	ck_assert_int_eq(fs_close_new(new), -EEXIST);
	ck_assert(h_is(h_path, "mine", 4));
	ck_assert_int_ne(access(temporary, F_OK), 0);
}
END_TEST

/* --- bits --------------------------------------------------------------------------------------------------- */

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

	ck_assert_msg(repair(COPY, &done) == 0, "%s: could not be repaired\n%s", when, lines);
	ck_assert_msg(h_try(OUT, true, &fs) == 0 && h_faults(fs) == 0, "%s: what was made is not sound\n%s", when,
		      h_messages());
	for (int i = 0; i < files; i++)
		missing += !has_contents(fs, file[i].hash);
	ck_assert_msg(missing == 0 || (missing == 1 && strstr(lines, "left out")), "%s: %d files are missing\n%s", when,
		      missing, lines);
	ck_assert_msg((uint64_t)missing == done.entries.lost, "%s: %d files are missing, and %llu entries lost\n%s", when,
		      missing, (unsigned long long)done.entries.lost, lines);
	ck_assert_msg(done.entries.all >= (uint64_t)files &&
			  done.entries.whole + done.entries.damaged + done.entries.lost + done.entries.dead == done.entries.all,
		      "%s: the sums do not add up", when);
	fs_close(fs);
}

/* It is refused with a message, or told when it is checked. */
static void expect_told(const char *when)
{
	struct fs *fs;
	int r = h_try(COPY, true, &fs);
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
	h_store(COPY, bytes, size);
	expect_told(when);
	expect_nothing_dropped(when);
	ck_assert_msg(h_is(COPY, bytes, size), "%s: the damaged container was changed", when);
	bytes[at] ^= (uint8_t)(1 << bit);
}

START_TEST(no_flipped_bit_costs_more_than_its_file)
{
	const char *bits = getenv("DAMAGE_BITS");
	unsigned n = bits ? (unsigned)atoi(bits) : 1;
	size_t size;
	uint8_t *bytes;

	make(_i / 2, _i % 2, FEW);
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

	make(COMPACTED, true, MANY);
	uint8_t *bytes = h_load(h_path, &size);
	end = whole_end_of(bytes, size);
	free(bytes);
	h_flip(h_path, end - 200);
	h_flip(h_path, end - 300);
	ck_assert_int_eq(h_try(h_path, false, &fs), -EBADMSG);
	ck_assert_int_eq(repair(h_path, &done), 0);
	ck_assert_msg(strstr(lines, "an older one and the transactions after it are used") != NULL, "%s", lines);
	ck_assert_int_eq(h_try(OUT, true, &fs), 0);
	for (int i = 0; i < files; i++)
		ck_assert_msg(h_exists(fs, file[i].path), "%s", file[i].path);
	fs_close(fs);
}
END_TEST

/* Both, in different places: what is whole in one of them is put together. */
START_TEST(two_damaged_copies_are_put_together)
{
	size_t size, end;
	struct fs_repair done;
	struct fs *fs;

	make(COMPACTED, true, MANY);
	uint8_t *bytes = h_load(h_path, &size);
	end = whole_end_of(bytes, size);
	memset(bytes + end - 2000, 'x', 1000);
	size_t first = end;
	while (first >= 64 && memcmp(bytes + (first -= first % 64 ? first % 64 : 64), FS_SEAL_MAGIC, 8) != 0)
		;
	memset(bytes + first - 6000, 'y', 1000);
	h_store(COPY, bytes, size);
	ck_assert_int_eq(repair(COPY, &done), 0);
	ck_assert_msg(strstr(lines, "was put together") != NULL, "%s", lines);
	ck_assert_int_eq(h_try(OUT, true, &fs), 0);
	for (int i = 0; i < files; i++)
		ck_assert_msg(h_exists(fs, file[i].path), "%s", file[i].path);
	ck_assert_uint_eq(done.found, 0);
	fs_close(fs);
	free(bytes);
}
END_TEST

/* Both, in the same place: there is no older one, the contents are in lost+found, and what was written later has its names. */
START_TEST(no_checkpoint_is_left)
{
	size_t size, end;
	uint8_t *bytes;
	struct fs *fs;

	make(COMPACTED, true, MANY);
	bytes = h_load(h_path, &size);
	end = whole_end_of(bytes, size);
	for (size_t at = 448; at + 120 < end; at += 64)
		if (memcmp(bytes + at, FS_SEAL_MAGIC, 8) == 0)
			memset(bytes + at + 200, 'x', 300);
	h_store(COPY, bytes, size);
	expect_nothing_dropped("without any checkpoint");
	ck_assert_msg(strstr(lines, "there is no other") && !strstr(lines, "an older one"), "%s", lines);
	ck_assert_int_eq(h_try(OUT, true, &fs), 0);
	ck_assert(h_exists(fs, "new1") && h_exists(fs, "new2") && h_exists(fs, "lost+found") && !h_exists(fs, "f0"));
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

	make(COMPACTED, false, MANY);
	h_open();
	h_puts(h_fs, "f0", "newer");
	h_unlink(h_fs, "d/f1");
	h_close();
	bytes = h_load(h_path, &size);
	end = whole_end_of(bytes, size);
	for (size_t at = 448; at + 120 < end; at += 64)
		if (memcmp(bytes + at, FS_SEAL_MAGIC, 8) == 0)
			memset(bytes + at + 200, 'x', 300);
	h_store(COPY, bytes, size);
	ck_assert_int_eq(repair(COPY, &done), 0);
	ck_assert_int_eq(h_try(OUT, true, &fs), 0);
	ck_assert(!has_contents(fs, file[0].hash) && !has_contents(fs, file[1].hash) && has_contents(fs, file[2].hash));
	ck_assert_uint_eq(done.entries.dead, 2);
	ck_assert_uint_eq(done.entries.whole, MANY - 1);
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

	make(COMPACTED, false, MANY);
	bytes = h_load(h_path, &size);
	h_store(COPY, bytes, size / 3);
	ck_assert_int_eq(repair(COPY, &done), 0);
	ck_assert_msg(done.found > 2 && strstr(lines, "no checkpoint is left"), "%s", lines);
	free(bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("whole");
	TCase *tc = tcase_create("parts");

	tcase_add_checked_fixture(tc, h_setup, h_teardown);
	tcase_set_timeout(tc, 36000);
	tcase_add_loop_test(tc, no_part_is_taken_for_the_whole, 0, 2 * KINDS);
	tcase_add_loop_test(tc, zeros_for_the_end, 0, 2);
	tcase_add_test(tc, what_came_later_may_be_torn);
	tcase_add_test(tc, a_superblock_without_any_transaction);
	tcase_add_test(tc, another_program_compacts_it);
	tcase_add_test(tc, a_new_one_appears_filled);
	tcase_add_test(tc, a_name_that_is_taken_meanwhile);
	tcase_add_loop_test(tc, no_flipped_bit_costs_more_than_its_file, 0, 2 * KINDS);
	tcase_add_test(tc, one_of_two_checkpoints);
	tcase_add_test(tc, two_damaged_copies_are_put_together);
	tcase_add_test(tc, no_checkpoint_is_left);
	tcase_add_test(tc, dead_contents_do_not_come_back);
	tcase_add_test(tc, a_part_is_repaired);
	suite_add_tcase(suite, tc);
	return h_main(suite);
}
