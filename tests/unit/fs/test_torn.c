/*
 * test_torn.c - what a power cut can leave that is not just a container cut short: pieces of an append that are missing
 * while others are there. docs/DESIGN.md, "Opening". tests/crash/ tries all there are; these are ones that matter.
 */
#include "config.h"

#include "commit.h"
#include "engine.h"
#include "foreign.h"
#include "seal.h"

static uint8_t *bytes; /* a container as a crash left it */
static size_t size;

static void tear_down(void)
{
	free(bytes);
	bytes = NULL;
	h_teardown();
}

/* The process is killed; bytes are the container. */
static void kill_it(void)
{
	bytes = h_load(h_path, &size);
	fs_close(h_fs);
	h_fs = NULL;
}

/* What is in `bytes` opens, for reading and for writing, with just this tree, and goes on. */
static void expect_tree(const char *tree, const char *when)
{
	int error;

	h_store(h_path, bytes, size);
	char *is = h_tree_of(h_path, &error);
	h_same(is, tree, when);
	free(is);
	h_open();
	is = h_tree(h_fs);
	h_same(is, tree, when);
	free(is);
	h_check(h_fs);
	h_puts(h_fs, "after", "the crash");
	h_again();
	h_expects(h_fs, "after", "the crash");
	h_check(h_fs);
	h_close();
}

/* Two files, the append of the second from `tail` to `end`, and a third one if wanted. The tree before the second. */
static char *write_files(uint64_t *tail, uint64_t *end, bool third)
{
	h_puts(h_fs, "first", "a file that is whole");
	struct fs_file *f = h_file(h_fs, "second", 0);
	char *before = h_tree(h_fs);
	*tail = h_size(h_path);
	ck_assert_int_eq(h_write(f, 0, "a file that is not", 18), 0);
	ck_assert_int_eq(h_end(f), 0);
	*end = h_size(h_path);
	if (third)
		h_puts(h_fs, "third", "whole");
	kill_it();
	return before;
}

/* Where the disk had other bytes in a pad, its sector was never written: what it belongs to is torn. */
START_TEST(a_pad_with_other_bytes_is_torn)
{
	uint64_t tail, end;
	char *before = write_files(&tail, &end, false);

	ck_assert_uint_ne(tail % 64, 0);
	ck_assert_uint_eq(bytes[tail], 0);
	bytes[tail] = 'x';
	expect_tree(before, "with a byte in the pad");
	free(before);
}
END_TEST

/*
 * A trailer's key is under no checksum. Where it did not reach the disk with the last bytes of contents that are zeros,
 * every checksum is right; but such contents could never be read.
 */
START_TEST(contents_under_a_torn_key_are_torn)
{
	uint64_t tail, end;
	char *before = write_files(&tail, &end, false);
	uint64_t key = (tail + 63) / 64 * 64 + 18, hash = reel_hash("second", 6);

	ck_assert_mem_eq(bytes + key, &hash, 8);
	memset(bytes + key, 0, 8);
	expect_tree(before, "without the key of the contents");
	free(before);
}
END_TEST

/* The same of a seal, be it the last one or not. */
START_TEST(a_seal_under_a_torn_key_is_torn)
{
	uint64_t tail, end;
	char *before = write_files(&tail, &end, _i);

	memset(bytes + end - 20, 0, 8);
	expect_tree(before, "without the key of the seal");
	free(before);
}
END_TEST

static void ignore(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

/* A file that was removed, in `bytes`, with its tombstone, which the power cut has left without the key. */
static char *tear_tombstone(void)
{
	uint64_t hash = reel_hash("removed", 7);

	h_puts(h_fs, "removed", "a file");
	ck_assert_int_eq(h_unlink(h_fs, "removed"), 0);
	uint64_t tail = h_size(h_path);
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	char *tree = h_tree(h_fs);
	kill_it();
	ck_assert_mem_eq(bytes + tail + 1, &hash, 8);
	memset(bytes + tail + 1, 0, 8);
	return tree;
}

/* Whether another program sees the file. */
static bool is_live(const char *container)
{
	struct reel *r;

	ck_assert_int_eq(reel_open(container, &(struct reel_options){.flags = REEL_RDONLY}, &r), 0);
	bool live = reel_exists(r, "removed", 7);
	reel_close(r);
	return live;
}

/* No tree shows a tombstone: one of which the key is missing is written again, or else other programs see what was removed. */
START_TEST(a_tombstone_under_a_torn_key_is_written_again)
{
	char *tree = tear_tombstone();

	expect_tree(tree, "without the key of the tombstone");
	ck_assert(!is_live(h_path));
	free(tree);
}
END_TEST

/* A repair, too, leaves nothing of the file. */
START_TEST(repair_of_a_torn_tombstone)
{
	char *tree = tear_tombstone();
	int error;

	h_store(h_path, bytes, size);
	ck_assert(is_live(h_path));
	ck_assert_int_eq(fs_repair(h_path, h_beside("out"), &(struct fs_options){.read_only = true}, ignore, NULL, NULL), 0);
	ck_assert(!is_live(h_beside("out")));
	char *is = h_tree_of(h_beside("out"), &error);
	h_same(is, tree, "repaired");
	free(is);
	free(tree);
}
END_TEST

/* The seal that the container ends with; nothing but it is in its append. */
static struct fs_seal newest_seal(void)
{
	struct fs_seal seal;
	struct reel_entry e;
	struct reel *r;

	ck_assert_int_eq(reel_open(h_path, &(struct reel_options){.flags = REEL_RDONLY}, &r), 0);
	const struct reel_view view = reel_view_of(r);
	ck_assert_int_eq(reel_entry_at(&view, view.size, &e), 0);
	ck_assert_uint_ge(e.len, sizeof(seal));
	memcpy(&seal, e.payload, sizeof(seal));
	ck_assert_uint_eq(e.prev_tail, seal.append_start);
	reel_close(r);
	return seal;
}

/*
 * Before a checkpoint nobody looks for torn tombstones. So its append has none, and all that are before it are on stable
 * storage: it is written in the middle of a session, at its end, and first of all where another program has compacted.
 */
START_TEST(tombstones_are_synced_before_a_checkpoint)
{
	h_puts(h_fs, "removed", "a file");
	ck_assert_int_eq(h_unlink(h_fs, "removed"), 0);
	if (_i == 0)
		ck_assert_int_eq(commit_checkpoint(h_fs), 0);
	if (_i == 2) {
		h_copy(h_path, h_beside("killed"));
		h_close();
		h_compact(h_beside("killed"), h_path);
		h_open();
		ck_assert(h_key_exists("removed"));
		/* Fails, but for it the session has begun. */
		ck_assert_int_eq(fs_rmdir(h_fs, FS_ROOT_INO, "not there"), -ENOENT);
	}
	if (_i == 1)
		h_close();
	const struct fs_seal seal = newest_seal();
	ck_assert_uint_ne(seal.flags & FS_SEAL_CHECKPOINT, 0);
	ck_assert_uint_eq(seal.durable, seal.append_start);
	if (!h_fs)
		h_open();
	ck_assert(!h_key_exists("removed"));
}
END_TEST

/* The container of another program, closed; the tree as a mount shows it. */
static char *make_foreign(void)
{
	h_close();
	ck_assert_int_eq(unlink(h_path), 0);
	struct reel *r;
	ck_assert_int_eq(reel_open(h_path, &(struct reel_options){.flags = REEL_CREATE}, &r), 0);
	foreign_write(r, "a", "value of a");
	foreign_write(r, "b", "value of b");
	ck_assert_int_eq(reel_close(r), 0);
	h_open();
	return h_tree(h_fs);
}

/* Names and contents as in `tree`; times are those of the file. */
static void expect_foreign(const char *when)
{
	h_store(h_path, bytes, size);
	int r = h_try(h_path, false, &h_fs);
	ck_assert_msg(r == 0, "%s: %s\n%s", when, strerror(-r), h_messages());
	h_expects(h_fs, hex("a"), "value of a");
	h_expects(h_fs, hex("b"), "value of b");
	h_puts(h_fs, "after", "the crash");
	h_again();
	h_expects(h_fs, "after", "the crash");
	h_expects(h_fs, hex("a"), "value of a");
	h_check(h_fs);
	h_close();
}

/*
 * In another program's container the superblock is on stable storage before the first seal; whatever is left of the
 * two, the entries are there.
 */
START_TEST(a_torn_first_change_of_anothers_container)
{
	char when[64];
	free(make_foreign());
	size_t start = h_size(h_path), super = (start + 63) / 64 * 64;
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	kill_it();
	size_t whole = size, super_end = super + sizeof(struct fs_super) + 20;
	ck_assert_mem_eq(bytes + super, FS_SUPER_MAGIC, 8);
	for (size = start; size < whole; size += 13) {
		snprintf(when, sizeof(when), "cut at %zu of %zu", size, whole);
		expect_foreign(when);
	}
	/* The superblock's place is there, but not its bytes, or not all. */
	size = super_end;
	for (size_t lost = super; lost < super_end; lost += 40) {
		memset(bytes + lost, 0, super_end - lost < 100 ? super_end - lost : 100);
		expect_foreign("with a part of the superblock");
	}
}
END_TEST

/* A superblock without any seal, and entries of another program behind it. */
START_TEST(entries_behind_a_torn_first_change)
{
	free(make_foreign());
	size_t super = (h_size(h_path) + 63) / 64 * 64;
	ck_assert_int_eq(h_mkdir(h_fs, "d"), 0);
	kill_it();
	size = super + sizeof(struct fs_super) + 20;
	h_store(h_path, bytes, size);
	struct reel *r = foreign_open();
	foreign_write(r, "c", "value of c");
	ck_assert_int_eq(reel_close(r), 0);
	free(bytes);
	bytes = h_load(h_path, &size);
	expect_foreign("with an entry behind the superblock");
	h_open();
	h_expects(h_fs, hex("c"), "value of c");
}
END_TEST

/* What a compaction that was killed left behind is in nobody's way, and stays as it is. */
START_TEST(left_by_a_killed_compaction)
{
	char path[4400];

	h_puts(h_fs, "f", "x");
	h_close();
	snprintf(path, sizeof(path), "%s.new-%ld.0", h_path, (long)getpid());
	h_store(path, "left", 4);
	ck_assert_int_eq(fs_compact(h_path, &h_options, NULL), 0);
	ck_assert(h_is(path, "left", 4));
	h_open();
	h_expects(h_fs, "f", "x");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("torn");
	TCase *tc = tcase_create("torn");
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, h_setup, tear_down);
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, a_pad_with_other_bytes_is_torn);
	tcase_add_test(tc, contents_under_a_torn_key_are_torn);
	tcase_add_loop_test(tc, a_seal_under_a_torn_key_is_torn, 0, 2);
	tcase_add_test(tc, a_tombstone_under_a_torn_key_is_written_again);
	tcase_add_test(tc, repair_of_a_torn_tombstone);
	tcase_add_loop_test(tc, tombstones_are_synced_before_a_checkpoint, 0, 3);
	tcase_add_test(tc, a_torn_first_change_of_anothers_container);
	tcase_add_test(tc, entries_behind_a_torn_first_change);
	tcase_add_test(tc, left_by_a_killed_compaction);
	return suite;
}

int main(void)
{
	return h_main(make_suite());
}
