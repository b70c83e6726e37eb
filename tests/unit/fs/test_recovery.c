/*
 * test_recovery.c - opening after a crash, and damaged containers (src/fs/locate.c, load.c): cut at any
 * byte, followed by garbage, filled with imitations, flipped. docs/DESIGN.md, "Opening".
 */
#include "config.h"

#include "harness.h"
#include "seal.h"

/* States of the history: the tree at each tail. */
static struct {
	size_t tail;
	char *tree;
} history[64];
static int states;
static uint8_t *file; /* the container as it was at the end */
static size_t file_size;

static void setup(void)
{
	h_setup();
	states = 0;
}

static void remember(void)
{
	ck_assert_int_lt(states, 64);
	history[states].tail = h_size(h_path);
	history[states++].tree = h_tree(h_fs);
}

static void teardown(void)
{
	for (int i = 0; i < states; i++)
		free(history[i].tree);
	free(file);
	file = NULL;
	h_teardown();
}

/* Takes the container as it is on disk, and closes it. */
static void freeze(void)
{
	file = h_load(h_path, &file_size);
	fs_close(h_fs);
	h_fs = NULL;
}

/* The newest state of which everything lies before `size`. */
static const char *state_at(size_t size)
{
	const char *tree = NULL;
	for (int i = 0; i < states; i++)
		if (history[i].tail <= size)
			tree = history[i].tree;
	return tree;
}

static void make_history(void)
{
	static uint8_t data[3000];
	struct fs_setattr set = {.set = FS_SET_MODE, .mode = 0600};
	struct fs_attr attr;
	h_fill(data, sizeof(data), 3);
	h_puts(h_fs, "before the session", "x");
	h_again();
	remember();
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	remember();
	ck_assert_int_eq(fs_sync(h_fs), 0);
	struct fs_file *f = h_file(h_fs, "d/f", 0);
	remember();
	ck_assert_int_eq(h_write(f, 0, data, sizeof(data)), 0);
	ck_assert_int_eq(h_end(f), 0);
	remember();
	ck_assert_int_eq(fs_setattr(h_fs, h_ino(h_fs, "d/f"), &set, &attr), 0);
	remember();
	f = h_file(h_fs, "d/f", 0);
	ck_assert_int_eq(h_write(f, 1000, "patch", 5), 0);
	ck_assert_int_eq(h_end(f), 0);
	remember();
	ck_assert_int_eq(h_rename(h_fs, "d/f", "g", 0), 0);
	remember();
	f = h_file(h_fs, "g", 0);
	ck_assert_int_eq(h_write(f, 0, data + 1, 2900), 0);
	ck_assert_int_eq(h_end(f), 0);
	remember();
	ck_assert_int_eq(h_unlink(h_fs, "before the session"), 0);
	remember();
	ck_assert_int_eq(fs_setxattr(h_fs, FS_ROOT_INO, "user.x", data, 10, 0), 0);
	remember();
	freeze();
}

/* What is at h_path, `bytes` long, opens read-only with just this tree, and is not changed by it. */
static void expect_read_only(const char *tree, const uint8_t *bytes, size_t size, const char *when)
{
	int error;
	char *is = h_tree_of(h_path, &error);
	ck_assert_msg(is != NULL, "%s: %s\n%s", when, strerror(-error), h_messages());
	h_same(is, tree, when);
	ck_assert_msg(h_is(h_path, bytes, size), "%s: reading changed the container", when);
	free(is);
}

/* And opens for writing with this tree; the second opening finds nothing to cut; work can go on. */
static void expect_recovered(const char *tree, const char *when)
{
	struct fs *fs;
	int r = h_try(h_path, false, &fs);
	ck_assert_msg(r == 0, "%s: %s\n%s", when, strerror(-r), h_messages());
	char *is = h_tree(fs);
	h_same(is, tree, when);
	free(is);
	ck_assert_int_eq(fs_close(fs), 0);
	ck_assert_int_eq(h_try(h_path, false, &fs), 0);
	ck_assert_msg(strstr(h_messages(), "cut") == NULL, "%s: cut again: %s", when, h_messages());
	h_puts(fs, "after", "recovery");
	ck_assert_int_eq(fs_close(fs), 0);
	ck_assert_int_eq(h_try(h_path, true, &fs), 0);
	h_expects(fs, "after", "recovery");
	h_check(fs);
	ck_assert_int_eq(fs_close(fs), 0);
}

/* --- torn tails ----------------------------------------------------------------------------------------------- */

/* A container cut at any byte is a prefix of its history: each state whose transaction is whole, no other. */
START_TEST(cut_anywhere_is_a_prefix)
{
	char when[64];
	make_history();
	for (size_t cut = history[0].tail; cut <= file_size; cut++) {
		snprintf(when, sizeof(when), "cut at %zu of %zu", cut, file_size);
		h_store(h_path, file, cut);
		expect_read_only(state_at(cut), file, cut, when);
		if (cut % 11 == 0 || state_at(cut) != state_at(cut - 1))
			expect_recovered(state_at(cut), when);
	}
}
END_TEST

/* Before its first checkpoint is whole a container is none; looking at it or opening it for writing ends somehow. */
START_TEST(cut_before_the_first_checkpoint)
{
	struct fs *fs;
	h_close();
	file = h_load(h_path, &file_size);
	for (size_t cut = 0; cut < file_size; cut++) {
		h_store(h_path, file, cut);
		if (h_try(h_path, true, &fs) == 0)
			ck_assert_int_eq(fs_close(fs), 0);
		ck_assert(h_is(h_path, file, cut));
		if (h_try(h_path, false, &fs) == 0) {
			h_puts(fs, "f", "x");
			ck_assert_int_eq(fs_close(fs), 0);
			ck_assert_int_eq(h_try(h_path, true, &fs), 0);
			h_expects(fs, "f", "x");
			ck_assert_int_eq(fs_close(fs), 0);
		} else {
			ck_assert(h_is(h_path, file, cut));
		}
	}
}
END_TEST

/* Zeros and garbage after any whole transaction, or in the middle of one, are cut off. */
START_TEST(tails_of_zeros_and_garbage)
{
	static const size_t tail_len[] = {1, 12, 20, 21, 63, 64, 100, 4096, 100000};
	char when[128];
	make_history();
	uint8_t *bytes = malloc(file_size + 100000);
	for (int i = 0; i < states; i++)
		for (size_t t = 0; t < sizeof(tail_len) / sizeof(*tail_len); t++)
			for (int kind = 0; kind < 4; kind++) {
				size_t tail = history[i].tail + (kind & 2 ? 77 : 0), size = tail + tail_len[t];
				memcpy(bytes, file, file_size);
				if (tail > file_size)
					continue;
				memset(bytes + tail, 0, tail_len[t]);
				if (kind & 1)
					h_fill(bytes + tail, tail_len[t], (uint64_t)t);
				snprintf(when, sizeof(when), "state %d, tail %zu, kind %d", i, tail_len[t], kind);
				h_store(h_path, bytes, size);
				expect_read_only(state_at(tail), bytes, size, when);
				if ((i + (int)t) % 5 == 0)
					expect_recovered(state_at(tail), when);
			}
	free(bytes);
}
END_TEST

/* Pages of what was not synced are lost in any order: what follows the first lost one is gone, what was synced stays. */
START_TEST(lost_pages)
{
	char when[64];
	make_history();
	uint8_t *bytes = malloc(file_size);
	for (size_t at = history[2].tail; at < file_size; at += 61) {
		size_t n = file_size - at < 61 ? file_size - at : 61;
		memcpy(bytes, file, file_size);
		memset(bytes + at, 0, n);
		if (memcmp(bytes, file, file_size) == 0)
			continue; /* nothing but pad */
		snprintf(when, sizeof(when), "lost at %zu of %zu", at, file_size);
		h_store(h_path, bytes, file_size);
		/* A row of zeros at the end of the pad of an entry may begin before it. */
		size_t first = at;
		while (file[first] == 0)
			first++;
		expect_read_only(state_at(first), bytes, file_size, when);
	}
	free(bytes);
}
END_TEST

/* --- imitations ------------------------------------------------------------------------------------------------- */

/*
 * A file that holds the container itself, torn at every 7th byte and at the end of every entry in it: what
 * it holds is never taken for entries of the container.
 */
START_TEST(container_as_a_file)
{
	char when[64];
	make_history();
	size_t len = file_size, start;
	uint8_t *copy = file;
	file = NULL;
	h_store(h_path, copy, len);
	h_open();
	struct fs_file *f = h_file(h_fs, "copy", 0);
	char *before = h_tree(h_fs);
	start = h_size(h_path);
	ck_assert_int_eq(h_write(f, 0, copy, len), 0);
	ck_assert_int_eq(h_end(f), 0);
	freeze();
	for (size_t cut = start; cut < file_size; cut += (cut * 64 + 20) % 7 ? 7 : 5) {
		snprintf(when, sizeof(when), "cut at %zu of %zu", cut, file_size);
		h_store(h_path, file, cut);
		expect_read_only(before, file, cut, when);
	}
	expect_recovered(before, "cut in the copy");
	free(before);
	free(copy);
}
END_TEST

/* Entries with right links, places, checksums and keys, as whoever knows where a file will lie could write them. */
static size_t forge_entry(uint8_t *at, uint64_t base, uint64_t prev_tail, const void *payload, size_t len, uint64_t key_hash)
{
	uint64_t offset = (prev_tail + 63) / 64 * 64;
	uint8_t *p = at + (offset - base);
	uint32_t crc = reel_crc32(0, payload, len);
	memset(at + (prev_tail - base), 0, offset - prev_tail);
	memcpy(p, payload, len);
	memcpy(p + len, &key_hash, 8);
	memcpy(p + len + 8, &prev_tail, 8);
	memcpy(p + len + 16, &crc, 4);
	return offset + len + 20;
}

/* A chain of good entries inside a file, after its own tail-to-be: foreign values, a superblock, a seal of another container.
 */
START_TEST(forged_entries_in_a_file)
{
	static uint8_t payload[4096], body[64];
	char when[64];
	struct fs_super super;
	struct fs_seal seal = {.flags = FS_SEAL_CHECKPOINT | FS_SEAL_CLEAN, .sequence = 1000000, .previous = FS_NO_POSITION};
	h_puts(h_fs, "f", "x");
	struct fs_file *f = h_file(h_fs, "forged", 0);
	ck_assert_int_eq(fs_sync(h_fs), 0);
	char *before = h_tree(h_fs);
	/* The payload of what is written next begins here; forge from its first byte on. */
	uint64_t tail = h_size(h_path), base = (tail + 63) / 64 * 64, prev = base;
	for (int i = 0; i < 3; i++) {
		h_fill(payload + 2048, 100, (uint64_t)i);
		prev = forge_entry(payload, base, prev, payload + 2048, 100, reel_hash("f", 1));
	}
	ck_assert_int_eq(super_make(&super, (prev + 63) / 64 * 64), 0);
	prev = forge_entry(payload, base, prev, &super, sizeof(super), reel_hash(FS_KEY_SUPER, sizeof(FS_KEY_SUPER) - 1));
	seal.position = (prev + 63) / 64 * 64;
	seal.append_start = prev;
	seal.durable = _i & 2 ? tail : prev;
	seal_make(&super, &seal, body, 0);
	prev = forge_entry(payload, base, prev, &seal, sizeof(seal), seal_key_hash(&seal));
	ck_assert_uint_lt(prev - base, 2048);
	size_t len = prev - base;
	/* The first forged entry may link to the tail before the file. */
	if (_i & 1)
		memcpy(payload + 108, &tail, 8);
	ck_assert_int_eq(h_write(f, 0, payload, len), 0);
	ck_assert_int_eq(h_end(f), 0);
	freeze();
	ck_assert_mem_eq(file + base, payload, len);
	for (size_t cut = tail; cut <= base + len + 20; cut++) {
		snprintf(when, sizeof(when), "cut at %zu, file from %llu to %llu", cut, (unsigned long long)base,
			 (unsigned long long)(base + len));
		h_store(h_path, file, cut);
		expect_read_only(before, file, cut, when);
	}
	h_store(h_path, file, base + len);
	expect_recovered(before, "cut where the forged chain ends");
	free(before);
}
END_TEST

/* --- damage ------------------------------------------------------------------------------------------------------- */

/* Refused for writing with -EBADMSG, and the file is as it was; reading may or may not go. */
static void expect_refused(size_t flipped)
{
	struct fs *fs;
	size_t size;
	h_flip(h_path, flipped);
	uint8_t *bytes = h_load(h_path, &size);
	int r = h_try(h_path, false, &fs);
	ck_assert_msg(r == -EBADMSG, "flipped at %zu: %d %s", flipped, r, h_messages());
	ck_assert_msg(h_messages()[0] != 0, "flipped at %zu: no message", flipped);
	if (h_try(h_path, true, &fs) == 0)
		ck_assert_int_eq(fs_close(fs), 0);
	ck_assert(h_is(h_path, bytes, size));
	h_flip(h_path, flipped);
	free(bytes);
}

/* A transaction with damage before a durable tail is an error, wherever in it the damage is. */
START_TEST(damaged_transaction_is_refused)
{
	struct fs_super super;
	struct fs_seal seal;
	for (int i = 0; i < 100; i++) {
		char name[16];
		snprintf(name, sizeof(name), "f%d", i);
		ck_assert_int_eq(h_mkdir(h_fs, name), 0);
	}
	h_again();
	size_t from = h_size(h_path);
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	h_again();
	size_t to = h_size(h_path);
	ck_assert_int_eq(h_mkdir(h_fs, "e"), 0);
	h_close();
	file = h_load(h_path, &file_size);
	ck_assert_int_eq(super_parse(file, file_size, 0, &super), 0);
	struct reel_view view = {.base = file, .size = file_size};
	int seals = 0;
	for (size_t p = (from + 63) / 64 * 64; p < to; p += 64) {
		if (seal_at(&view, &super, p, &seal) < 0)
			continue;
		ck_assert(!(seal.flags & FS_SEAL_CHECKPOINT));
		for (size_t at = p; at < seal_end(&seal) - 20; at += at < p + 120 ? 3 : 1)
			expect_refused(at);
		seals++;
	}
	ck_assert_int_ge(seals, 3);
}
END_TEST

/* So is a checkpoint, which is what the tree comes from; and a torn append behind it stays where it is then. */
START_TEST(damaged_checkpoint_is_refused)
{
	for (int i = 0; i < 20; i++) {
		char name[16];
		snprintf(name, sizeof(name), "f%d", i);
		ck_assert_int_eq(h_mkdir(h_fs, name), 0);
	}
	h_close();
	file = h_load(h_path, &file_size);
	size_t from = file_size - 3000, to = file_size;
	h_open();
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	if (_i == 0) {
		h_close();
	} else {
		free(file);
		freeze();
		h_store(h_path, file, file_size - 1);
	}
	for (size_t at = from; at < to - 20; at += 13)
		expect_refused(at);
}
END_TEST

/* So is the superblock, with its trailer: the container does not turn into one of another program. */
START_TEST(damaged_superblock_is_refused)
{
	const size_t trailer = sizeof(struct fs_super), crc = trailer + 16;
	h_puts(h_fs, "f", "x");
	h_again();
	h_puts(h_fs, "g", "x");
	h_close();
	for (size_t at = 0; at < crc; at++)
		expect_refused(at);
	/* It has a check of its own: where just the entry's checksum is wrong everything can be read. */
	for (size_t at = crc; at < crc + 4; at++) {
		h_flip(h_path, at);
		h_open();
		h_expects(h_fs, "f", "x");
		h_expects(h_fs, "g", "x");
		ck_assert_int_ge(h_faults(h_fs), 1);
		h_close();
		h_flip(h_path, at);
	}
}
END_TEST

/* Damage in contents is an error of just the file that has them; fs_check() tells it. */
START_TEST(damaged_contents_are_an_error_of_one_file)
{
	static uint8_t data[300000];
	char read[16];
	h_fill(data, sizeof(data), 1);
	h_put(h_fs, "big", data, sizeof(data));
	h_puts(h_fs, "small", "small file");
	h_puts(h_fs, "other", "other file");
	h_close();
	file = h_load(h_path, &file_size);
	uint8_t *big = memmem(file, file_size, data, sizeof(data)), *small = memmem(file, file_size, "small file", 10);
	ck_assert(big && small);
	h_flip(h_path, (size_t)(big - file) + 200000);
	h_flip(h_path, (size_t)(small - file) + 3);
	h_open();
	struct fs_file *f = h_file(h_fs, "big", 0);
	ck_assert_int_eq(h_read(f, 199990, read, 16), -EIO);
	ck_assert_ptr_nonnull(strstr(h_messages(), "/big"));
	ck_assert_int_eq(h_read(f, 0, read, 16), 16);
	ck_assert_mem_eq(read, data, 16);
	ck_assert_int_eq(h_read(f, 299990, read, 16), 10);
	/* A change elsewhere works; it does not make the damage good. */
	ck_assert_int_eq(h_write(f, 10, "x", 1), 0);
	ck_assert_int_eq(h_end(f), 0);
	f = h_file(h_fs, "small", 0);
	ck_assert_int_eq(h_read(f, 0, read, 1), -EIO);
	ck_assert_int_eq(h_end(f), 0);
	h_expects(h_fs, "other", "other file");
	ck_assert_int_ge(h_faults(h_fs), 2);
	ck_assert_ptr_nonnull(strstr(h_messages(), "/big"));
	ck_assert_ptr_nonnull(strstr(h_messages(), "/small"));
	ck_assert_ptr_null(strstr(h_messages(), "/other"));
	/* Written whole anew it is sound again. */
	h_puts(h_fs, "small", "new");
	h_again();
	h_expects(h_fs, "small", "new");
}
END_TEST

/* A change for which the damaged part would be copied on is written without it: that stays damaged, the rest goes on. */
START_TEST(damage_is_not_copied_on)
{
	static uint8_t data[100000], read[70000];
	h_fill(data, sizeof(data), 1);
	h_put(h_fs, "f", data, sizeof(data));
	h_close();
	file = h_load(h_path, &file_size);
	uint8_t *at = memmem(file, file_size, data, sizeof(data));
	h_flip(h_path, (size_t)(at - file) + 10);
	h_open();
	struct fs_file *f = h_file(h_fs, "f", 0);
	/* More than half: the file would be written whole. */
	ck_assert_int_eq(h_write(f, 30000, data, 70000), 0);
	ck_assert_int_eq(h_end(f), 0);
	h_again();
	f = h_file(h_fs, "f", 0);
	ck_assert_int_eq(h_read(f, 0, read, 16), -EIO);
	ck_assert_int_eq(h_read(f, 30000, read, 70000), 70000);
	ck_assert_mem_eq(read, data, 70000);
	ck_assert_int_eq(h_end(f), 0);
	ck_assert(!fs_is_read_only(h_fs));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("recovery");
	TCase *tc = tcase_create("recovery");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, cut_anywhere_is_a_prefix);
	tcase_add_test(tc, cut_before_the_first_checkpoint);
	tcase_add_test(tc, tails_of_zeros_and_garbage);
	tcase_add_test(tc, lost_pages);
	tcase_add_test(tc, container_as_a_file);
	tcase_add_loop_test(tc, forged_entries_in_a_file, 0, 4);
	tcase_add_test(tc, damaged_transaction_is_refused);
	tcase_add_loop_test(tc, damaged_checkpoint_is_refused, 0, 2);
	tcase_add_test(tc, damaged_superblock_is_refused);
	tcase_add_test(tc, damaged_contents_are_an_error_of_one_file);
	tcase_add_test(tc, damage_is_not_copied_on);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
