/*
 * test_repair.c - fs_repair() (src/fs/salvage.c) on containers with damage in every place: the new container is sound,
 * and a file in it under its own name has contents that it once had, to the byte.
 */
#include "config.h"

#include "disk.h"
#include "harness.h"
#include "seal.h"

#define OUT h_beside("out")

enum { SECTOR = 512, NAMES = 24, VERSIONS = 8 };

/* All contents that a path has had. */
static struct {
	char path[64];
	struct {
		uint8_t *bytes;
		size_t len;
	} was[VERSIONS];
	int n;
} known[NAMES];
static int names;
static char lines[64 << 10]; /* what the last repair told */

static void keep_line(void *arg, const char *text)
{
	size_t len = strlen(lines);

	(void)arg;
	snprintf(lines + len, sizeof(lines) - len, "%s\n", text);
}

/* Repairs h_path, or `from`, into OUT. */
static int repair(const char *from, struct fs_repair *ret)
{
	struct fs_options options = {.read_only = true};

	unlink(OUT);
	lines[0] = 0;
	return fs_repair(from, OUT, &options, keep_line, NULL, ret);
}

static void know(const char *path, const void *bytes, size_t len)
{
	int i = 0;

	while (i < names && strcmp(known[i].path, path) != 0)
		i++;
	ck_assert_int_lt(i, NAMES);
	if (i == names)
		snprintf(known[names++].path, sizeof(known[0].path), "%s", path);
	ck_assert_int_lt(known[i].n, VERSIONS);
	known[i].was[known[i].n].bytes = malloc(len + 1);
	memcpy(known[i].was[known[i].n].bytes, bytes, len);
	known[i].was[known[i].n++].len = len;
}

static void put(const char *path, size_t len, uint64_t seed)
{
	uint8_t *bytes = h_random(len, seed);

	h_put(h_fs, path, bytes, len);
	know(path, bytes, len);
	free(bytes);
}

static void setup(void)
{
	h_setup();
	names = 0;
}

static void teardown(void)
{
	for (int i = 0; i < names; i++) {
		while (known[i].n > 0)
			free(known[i].was[--known[i].n].bytes);
	}
	h_teardown();
}

/* A history with names that move, contents that change, attributes, links and holes. */
static void make_history(void)
{
	struct fs_file *f;
	char path[32];

	h_mkdir(h_fs, "d");
	h_mkdir(h_fs, "d/e");
	for (int i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "%s/f%d", i % 2 ? "d" : "d/e", i);
		put(path, 50 + (size_t)i * 300, (uint64_t)i);
	}
	put("big", 150000, 100);
	h_again();
	put("d/f1", 700, 7);
	h_link(h_fs, "d/f3", "linked");
	know("linked", known[3].was[0].bytes, known[3].was[0].len);
	h_symlink(h_fs, "d/f1", "symlink");
	fs_setxattr(h_fs, h_ino(h_fs, "big"), "user.x", "value", 5, 0);
	h_rename(h_fs, "d/e", "moved", 0);
	for (int i = 0; i < 6; i += 2) {
		snprintf(path, sizeof(path), "moved/f%d", i);
		know(path, known[i].was[0].bytes, known[i].was[0].len);
	}
	f = h_file(h_fs, "sparse", O_CREAT);
	h_write(f, 1 * MIB, "end", 3);
	h_end(f);
	h_unlink(h_fs, "d/f5");
	put("d/f3", 333, 8);
	know("linked", known[3].was[1].bytes, known[3].was[1].len);
	put("last", 90, 9);
}

static bool was_once(const char *path, const uint8_t *bytes, size_t len)
{
	for (int i = 0; i < names; i++) {
		for (int k = 0; strcmp(known[i].path, path) == 0 && k < known[i].n; k++)
			if (known[i].was[k].len == len && memcmp(known[i].was[k].bytes, bytes, len) == 0)
				return true;
	}
	return len == 0;
}

/* OUT is sound, and what it has under a known path is what was there once. How many of those there are. */
static int examine(const char *when)
{
	struct fs_options options = {.read_only = true};
	struct fs *fs;
	int n = 0;

	ck_assert_msg(fs_open(OUT, &options, &fs) == 0, "%s: what was made cannot be opened\n%s", when, lines);
	ck_assert_msg(h_faults(fs) == 0, "%s: %s\n%s", when, h_messages(), lines);
	for (int i = 0; i < names; i++) {
		size_t len;
		uint8_t *bytes;

		if (!h_exists(fs, known[i].path))
			continue;
		bytes = h_get(fs, known[i].path, &len);
		ck_assert_msg(was_once(known[i].path, bytes, len), "%s: %s has bytes that it never had\n%s", when,
			      known[i].path, lines);
		free(bytes);
		n++;
	}
	fs_close(fs);
	return n;
}

/* Of a container without damage the repair tells nothing, and has the same tree. */
START_TEST(whole_container)
{
	struct fs_repair done;
	char *before, *after;
	int error;

	make_history();
	h_close();
	before = h_tree_of(h_path, &error);
	ck_assert_int_eq(repair(h_path, &done), 0);
	ck_assert_str_eq(lines, "");
	after = h_tree_of(OUT, &error);
	h_same(after, before, "after the repair");
	ck_assert_uint_eq(done.damaged + done.lost + done.found + done.transactions, 0);
	free(before);
	free(after);
}
END_TEST

/* An open container that was killed is whole but for its end. */
START_TEST(killed)
{
	struct fs_repair done;
	char *before, *after;
	int error;

	make_history();
	before = h_tree(h_fs);
	h_copy(h_path, h_beside("copy"));
	ck_assert_int_eq(repair(h_beside("copy"), &done), 0);
	after = h_tree_of(OUT, &error);
	h_same(after, before, "after the repair");
	free(before);
	free(after);
}
END_TEST

static void try_each(void (*damage)(uint8_t *bytes, size_t size, size_t at), size_t step, int least)
{
	size_t size;
	uint8_t *whole, *bytes;

	make_history();
	h_close();
	whole = h_load(h_path, &size);
	bytes = malloc(size);
	for (size_t at = 0; at < size; at += step) {
		struct fs_repair done;
		char when[64];
		int n;

		/* The inside of the big file is all alike. */
		if (at > 12 * KIB && at < size - 20 * KIB && at % (16 * KIB) >= step)
			continue;
		snprintf(when, sizeof(when), "damage at %zu of %zu", at, size);
		memcpy(bytes, whole, size);
		damage(bytes, size, at);
		h_store(h_beside("copy"), bytes, size);
		ck_assert_msg(repair(h_beside("copy"), &done) == 0, "%s: could not be repaired\n%s", when, lines);
		n = examine(when);
		ck_assert_msg(n >= least, "%s: just %d files are left\n%s", when, n, lines);
		ck_assert_msg(h_is(h_beside("copy"), bytes, size), "%s: the damaged container was changed", when);
	}
	free(whole);
	free(bytes);
}

static void flip_bit(uint8_t *bytes, size_t size, size_t at)
{
	(void)size;
	bytes[at] ^= (uint8_t)(1 << at % 8);
}

/* One bit, anywhere, costs one file at most; and one whose transaction is lost is older or has no name. */
START_TEST(flipped_bits)
{
	try_each(flip_bit, 61, 6);
}
END_TEST

static void fill_sector(uint8_t *bytes, size_t size, size_t at)
{
	h_fill(bytes + at, size - at < SECTOR ? size - at : SECTOR, at);
}

/* A sector, the first one with the superblock included, costs what is in it, and no more than that has lost with it. */
START_TEST(lost_sectors)
{
	try_each(fill_sector, SECTOR, 6);
}
END_TEST

static void zero_two(uint8_t *bytes, size_t size, size_t at)
{
	size_t other = (at * 7 + 3 * KIB) % size;

	memset(bytes + at, 0, size - at < SECTOR ? size - at : SECTOR);
	memset(bytes + other, 0, size - other < SECTOR ? size - other : SECTOR);
}

/* So do two of them. */
START_TEST(two_lost_sectors)
{
	try_each(zero_two, SECTOR + 64, 1);
}
END_TEST

/* A tail that is cut off anywhere costs just what was in it: the state of then is found. */
START_TEST(lost_tail)
{
	size_t size;
	uint8_t *whole;

	make_history();
	h_close();
	whole = h_load(h_path, &size);
	for (size_t len = 400; len<size; len += len> 20 * KIB && len < size - 20 * KIB ? 9973 : 331) {
		struct fs_repair done;
		char when[64];

		snprintf(when, sizeof(when), "the first %zu of %zu bytes", len, size);
		h_store(h_beside("copy"), whole, len);
		ck_assert_msg(repair(h_beside("copy"), &done) == 0, "%s: could not be repaired\n%s", when, lines);
		examine(when);
	}
	free(whole);
}
END_TEST

/* A damaged checkpoint is replaced by an older one and the transactions after it: nothing is lost. */
START_TEST(damaged_checkpoint)
{
	struct fs_repair done;
	char *before, *after;
	int error;

	make_history();
	h_close();
	before = h_tree_of(h_path, &error);
	h_flip(h_path, h_size(h_path) - 100);
	ck_assert_int_eq(repair(h_path, &done), 0);
	after = h_tree_of(OUT, &error);
	h_same(after, before, "after the repair");
	ck_assert_ptr_nonnull(strstr(lines, "the checkpoint at offset"));
	ck_assert_uint_eq(done.transactions, 0);
	free(before);
	free(after);
}
END_TEST

/* A damaged block of a file costs that block: the rest is under NAME.damaged, zero bytes in its place. */
START_TEST(damaged_block)
{
	const size_t size = 300000;
	uint8_t *bytes = h_random(size, 1), *got;
	struct fs_repair done;
	struct fs *fs;
	size_t len, at;
	uint8_t *file;

	h_put(h_fs, "d", bytes, size);
	h_link(h_fs, "d", "other");
	h_close();
	file = h_load(h_path, &len);
	for (at = 0; memcmp(file + at, bytes + 70000, 16) != 0; at++)
		;
	h_flip(h_path, at);
	ck_assert_int_eq(repair(h_path, &done), 0);
	ck_assert_uint_eq(done.damaged, 1);
	ck_assert_msg(strstr(lines, "/other: 65536 of its 300000 bytes are damaged, from byte 65536 on") != NULL, "%s", lines);
	ck_assert_int_eq(h_try(OUT, true, &fs), 0);
	ck_assert(!h_exists(fs, "d") && !h_exists(fs, "other"));
	ck_assert_uint_eq(h_ino(fs, "d.damaged"), h_ino(fs, "other.damaged"));
	got = h_get(fs, "d.damaged", &len);
	memset(bytes + 65536, 0, 65536);
	ck_assert_uint_eq(len, size);
	ck_assert_mem_eq(got, bytes, size);
	fs_close(fs);
	free(bytes);
	free(got);
	free(file);
}
END_TEST

/* A file whose first half of changes is lost is not given out under its name. */
START_TEST(half_a_change)
{
	const size_t size = 200000;
	uint8_t *bytes = h_random(size, 1);
	struct fs_repair done;
	struct fs_file *f;
	struct fs *fs;
	size_t before;

	h_put(h_fs, "d", bytes, size);
	f = h_file(h_fs, "d", 0);
	before = h_size(h_path);
	h_write(f, 0, "first", 5);
	fs_file_flush(f);
	/* The seal of that change, behind its contents: one wrong byte would be put right. */
	h_flip(h_path, before + 200);
	h_flip(h_path, before + 210);
	h_write(f, 100000, "second", 6);
	h_end(f);
	h_copy(h_path, h_beside("copy"));
	ck_assert_int_eq(repair(h_beside("copy"), &done), 0);
	ck_assert_uint_eq(done.transactions, 1);
	ck_assert_int_eq(h_try(OUT, true, &fs), 0);
	ck_assert(!h_exists(fs, "d") && h_exists(fs, "d.damaged"));
	fs_close(fs);
	free(bytes);
}
END_TEST

/* What imitates seals, and the container itself as a file in it, is not believed after damage either. */
START_TEST(imitations)
{
	struct fs_repair done;
	struct fs *fs;
	uint8_t *copy;
	size_t size;

	h_puts(h_fs, "old", "old");
	copy = h_load(h_path, &size);
	h_unlink(h_fs, "old");
	h_put(h_fs, "copy", copy, size);
	h_close();
	h_flip(h_path, h_size(h_path) - 60);
	ck_assert_int_eq(repair(h_path, &done), 0);
	ck_assert_int_eq(h_try(OUT, true, &fs), 0);
	ck_assert(!h_exists(fs, "old"));
	h_expect(fs, "copy", copy, size);
	fs_close(fs);
	free(copy);
}
END_TEST

/* A container in use is not repaired, what is no container neither, and nothing is replaced. */
START_TEST(refusals)
{
	struct fs_repair done;
	struct fs_options options = {.read_only = true};

	ck_assert_int_eq(repair(h_path, &done), -EBUSY);
	ck_assert_int_ne(access(OUT, F_OK), 0);
	h_close();
	h_store(OUT, "mine", 4);
	ck_assert_int_eq(fs_repair(h_path, OUT, &options, keep_line, NULL, &done), -EEXIST);
	ck_assert(h_is(OUT, "mine", 4));
	h_store(h_beside("text"), "no container at all", 19);
	ck_assert_int_eq(repair(h_beside("text"), &done), -EMEDIUMTYPE);
	ck_assert_int_ne(access(OUT, F_OK), 0);
	ck_assert_int_eq(repair(h_beside("missing"), &done), -ENOENT);
}
END_TEST

/* Nothing can be synced once OUT has its name. */
static int no_sync_of_name(const struct disk_ops *d, int fd)
{
	return access(OUT, F_OK) == 0 ? -EIO : disk_real.fsync(d, fd);
}

/* A new container of which the name cannot be synced is not said to be there, and is not; nor is one that was just made. */
START_TEST(name_that_cannot_be_synced)
{
	struct disk_ops disk = disk_real;
	struct fs_options options = {.disk = &disk};

	disk.fsync = no_sync_of_name;
	h_close();
	ck_assert_int_eq(fs_repair(h_path, OUT, &options, keep_line, NULL, NULL), -EIO);
	ck_assert_int_ne(access(OUT, F_OK), 0);
	ck_assert_int_eq(fs_create_container(OUT, &options), -EIO);
	ck_assert_int_ne(access(OUT, F_OK), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("repair");
	TCase *tc = tcase_create("damage");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, whole_container);
	tcase_add_test(tc, killed);
	tcase_add_test(tc, flipped_bits);
	tcase_add_test(tc, lost_sectors);
	tcase_add_test(tc, two_lost_sectors);
	tcase_add_test(tc, lost_tail);
	tcase_add_test(tc, damaged_checkpoint);
	tcase_add_test(tc, damaged_block);
	tcase_add_test(tc, half_a_change);
	tcase_add_test(tc, imitations);
	tcase_add_test(tc, refusals);
	tcase_add_test(tc, name_that_cannot_be_synced);
	suite_add_tcase(suite, tc);
	return h_main(suite);
}
