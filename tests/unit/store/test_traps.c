/*
 * test_traps.c - what the reference engine gets wrong and this one must not, one test or more for each,
 * by number. 6 (generations) is in tests/compat, 14 (threads) in test_concurrent.c, 16 (compaction) in test_compact.c, 20
 * (the command line) in tests/cli.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faulty.h"
#include "runner.h"

/* Three keys, closed. */
static void make_three(const char *path)
{
	struct reel *r = must_open(path, REEL_CREATE);

	must_write(r, "a", "first value");
	must_write(r, "b", "second value");
	must_write(r, "c", "third value");
	ck_assert_int_eq(reel_close(r), 0);
}

/* A last entry without its last byte costs that entry, and none before it. */
START_TEST(test_trap_01_torn_append_keeps_earlier_keys)
{
	make_three("c");
	ck_assert_int_eq(truncate("c", (off_t)file_size("c") - 1), 0);
	struct reel *r = must_open("c", 0);
	ck_assert(reads(r, "a", "first value") && reads(r, "b", "second value") && reads(r, "c", NULL));
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* A file that was extended with zeros before a power cut keeps every key. */
START_TEST(test_trap_02_tail_of_zeros_keeps_every_key)
{
	static const off_t zeros[] = {1, 11, 12, 20, 4096, 100000};

	for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++) {
		make_three("c");
		ck_assert_int_eq(truncate("c", (off_t)file_size("c") + zeros[i]), 0);
		struct reel *r = must_open("c", 0);
		ck_assert(reads(r, "a", "first value") && reads(r, "b", "second value") && reads(r, "c", "third value"));
		ck_assert_int_eq(reel_close(r), 0);
		ck_assert_int_eq(remove("c"), 0);
	}
}
END_TEST

/* A flipped bit of a payload shows in its checksum, and is not carried on by rename, copy or compaction. */
START_TEST(test_trap_03_damaged_values_are_told_and_not_carried_on)
{
	struct reel_entry e;

	make_three("c");
	struct file f = file_read("c");
	f.bytes[3] ^= 1;
	file_write("c", f.bytes, f.len);
	file_free(&f);
	struct reel *r = must_open("c", 0), *other = must_open("d", REEL_CREATE);
	ck_assert_int_eq(reel_read(r, "a", 1, &e), 0);
	ck_assert(!reel_entry_valid(&e));
	reel_entry_release(&e);
	ck_assert_int_eq(reel_rename(r, "a", 1, "z", 1), -EBADMSG);
	ck_assert_int_eq(reel_copy_to(r, "a", 1, other), -EBADMSG);
	ck_assert_int_eq(reel_transfer(r, "a", 1, other), -EBADMSG);
	ck_assert_int_eq(reel_compact(r, NULL), -EBADMSG);
	ck_assert_uint_eq(count_entries(r, false), 3);
	ck_assert_uint_eq(count_entries(other, false), 0);
	ck_assert_int_eq(reel_close(r) | reel_close(other), 0);
}
END_TEST

/* One flipped bit in the first of many links neither empties the file nor takes long: it is refused for writing, unchanged. */
START_TEST(test_trap_04_flip_in_the_first_link_changes_nothing)
{
	enum { ENTRIES = 128000 };
	struct reel *r = must_open("c", REEL_CREATE);

	for (uint64_t i = 0; i < ENTRIES; i++)
		ck_assert_int_eq(reel_write_hash(r, i, "value", 5), 0);
	ck_assert_int_eq(reel_close(r), 0);
	struct file f = file_read("c");
	f.bytes[5 + 8 + 2] ^= 4;
	file_write("c", f.bytes, f.len);
	ck_assert_int_eq(open_with("c", 0, &r), -EBADMSG);
	ck_assert(file_is("c", f.bytes, f.len));
	file_free(&f);
}
END_TEST

/* Looking at a file changes nothing in it, whatever it is; and a text file is no container for a writer either. */
START_TEST(test_trap_05_opening_does_not_write)
{
	static const char text[] = "This is a letter, and not a container at all.\n";
	struct reel_info info;
	struct reel *r;

	file_write("letter", text, sizeof(text) - 1);
	ck_assert_int_eq(open_with("letter", REEL_RDONLY, &r), -EBADMSG);
	ck_assert_int_eq(open_with("letter", 0, &r), -EBADMSG);
	ck_assert(file_is("letter", text, sizeof(text) - 1));
	make_three("c");
	ck_assert_int_eq(truncate("c", (off_t)file_size("c") - 1), 0);
	struct file torn = file_read("c");
	r = must_open("c", REEL_RDONLY);
	ck_assert_int_eq(reel_info(r, &info), 0);
	ck_assert_int_eq(reel_close(r), 0);
	ck_assert(file_is("c", torn.bytes, torn.len));
	file_free(&torn);
}
END_TEST

static ssize_t pull_text(void *arg, void *buf, size_t size)
{
	struct iovec *left = arg;
	size_t n = left->iov_len < size ? left->iov_len : size;

	if (n == 0)
		return 0;
	memcpy(buf, left->iov_base, n);
	left->iov_base = (char *)left->iov_base + n;
	left->iov_len -= n;
	return (ssize_t)n;
}

/* The one byte 00 is refused as a value, without deleting; two of them are a value like any other, by every way. */
START_TEST(test_trap_07_nul_values_are_refused_or_kept)
{
	struct reel *r = must_open("c", REEL_CREATE), *other = must_open("d", REEL_CREATE);
	static const char zeros[100];
	struct iovec left = {(void *)(uintptr_t)zeros, sizeof(zeros)};
	struct reel_entry e;

	must_write(r, "k", "value");
	ck_assert_int_eq(reel_write(r, "k", 1, zeros, 1), -EINVAL);
	ck_assert(reads(r, "k", "value"));
	ck_assert_int_eq(reel_write(r, "k", 1, zeros, 2), 0);
	ck_assert_int_eq(reel_write_stream_key(r, "s", 1, pull_text, &left), 0);
	ck_assert_int_eq(reel_rename(r, "s", 1, "t", 1), 0);
	ck_assert_int_eq(reel_copy_to(r, "t", 1, other), 0);
	ck_assert_int_eq(reel_compact(r, NULL), 0);
	ck_assert_int_eq(reel_read(r, "k", 1, &e), 0);
	ck_assert(e.len == 2 && !e.tombstone && memcmp(e.payload, zeros, 2) == 0);
	reel_entry_release(&e);
	ck_assert_int_eq(reel_read(r, "t", 1, &e), 0);
	ck_assert(e.len == 100 && memcmp(e.payload, zeros, 100) == 0);
	reel_entry_release(&e);
	ck_assert_int_eq(reel_read(other, "t", 1, &e), 0);
	ck_assert_uint_eq(e.len, 100);
	reel_entry_release(&e);
	ck_assert_int_eq(reel_close(r) | reel_close(other), 0);
}
END_TEST

/* A stream that is empty, one byte 00, or aborted leaves no byte, and what is written next is found after a reopen. */
START_TEST(test_trap_08_refused_streams_leave_no_trace)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct iovec none = {NULL, 0}, nul = {(void *)(uintptr_t) "", 1};
	struct reel_stream *s;

	must_write(r, "a", "value");
	uint64_t size = file_size("c");
	ck_assert_int_eq(reel_write_stream_key(r, "s", 1, pull_text, &none), -EINVAL);
	ck_assert_int_eq(reel_write_stream_key(r, "s", 1, pull_text, &nul), -EINVAL);
	ck_assert_int_eq(reel_stream_begin(r, "s", 1, &s), 0);
	ck_assert_int_eq(reel_stream_commit(s), -EINVAL);
	ck_assert_int_eq(reel_stream_begin(r, "s", 1, &s), 0);
	static char large[3 << 20];
	ck_assert_int_eq(reel_stream_append(s, large, sizeof(large)), 0);
	reel_stream_abort(s);
	ck_assert_uint_eq(file_size("c"), size);
	must_write(r, "b", "after");
	ck_assert_int_eq(reel_close(r), 0);
	r = must_open("c", 0);
	ck_assert(reads(r, "a", "value") && reads(r, "b", "after") && reads(r, "s", NULL));
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

static ssize_t pull_then_fail(void *arg, void *buf, size_t size)
{
	int *calls = arg;

	memset(buf, 'x', size);
	return ++*calls > 3 ? -EPIPE : (ssize_t)size;
}

/* A reader's error is the stream's error, not its end. */
START_TEST(test_trap_09_reader_error_is_not_the_end)
{
	struct reel *r = must_open("c", REEL_CREATE);
	int calls = 0;

	must_write(r, "k", "value");
	uint64_t size = file_size("c");
	ck_assert_int_eq(reel_write_stream_key(r, "k", 1, pull_then_fail, &calls), -EPIPE);
	ck_assert(reads(r, "k", "value"));
	ck_assert_uint_eq(file_size("c"), size);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* After a full disk later writes are where they are looked for, now and after a reopen. */
START_TEST(test_trap_10_writes_after_a_full_disk_are_read)
{
	struct faulty f;

	faulty_init(&f);
	struct reel *r = faulty_open(&f, "c", REEL_CREATE);
	must_write(r, "a", "value");
	f.room = 5;
	f.write_error = -ENOSPC;
	ck_assert_int_eq(reel_write(r, "b", 1, "does not fit", 12), -ENOSPC);
	f.room = UINT64_MAX;
	must_write(r, "c", "fits");
	ck_assert(reads(r, "a", "value") && reads(r, "b", NULL) && reads(r, "c", "fits"));
	ck_assert_int_eq(reel_close(r), 0);
	r = must_open("c", 0);
	ck_assert(reads(r, "a", "value") && reads(r, "b", NULL) && reads(r, "c", "fits"));
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* What was written is synced when asked for, and at closing. */
START_TEST(test_trap_11_writes_are_synced)
{
	struct faulty f;

	faulty_init(&f);
	struct reel *r = faulty_open(&f, "c", REEL_CREATE);
	must_write(r, "a", "value");
	ck_assert_int_eq(reel_sync(r), 0);
	ck_assert_uint_eq(f.syncs, 1);
	must_write(r, "a", "newer");
	ck_assert_int_eq(reel_close(r), 0);
	ck_assert_uint_eq(f.syncs, 2);
}
END_TEST

/* Any number of entries in use keeps nobody from writing. */
START_TEST(test_trap_12_many_entries_in_use_do_not_stop_writing)
{
	enum { HELD = 70000 };
	static struct reel_entry held[HELD];
	struct reel *r = must_open("c", REEL_CREATE);

	for (uint64_t i = 0; i < HELD; i++) {
		ck_assert_int_eq(reel_write_hash(r, i, &i, sizeof(i)), 0);
		ck_assert_int_eq(reel_read_hash(r, i, &held[i]), 0);
	}
	for (uint64_t i = 0; i < HELD; i++) {
		ck_assert_int_eq(memcmp(held[i].payload, &i, sizeof(i)), 0);
		reel_entry_release(&held[i]);
	}
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* prev_tail of an entry is the end of the entry before it in the file, whatever its key. */
START_TEST(test_trap_13_prev_tail_is_of_the_file)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_entry first, second;

	must_write(r, "k", "old");
	must_write(r, "other", "value");
	ck_assert_int_eq(reel_read_last(r, &first), 0);
	must_write(r, "k", "new");
	ck_assert_int_eq(reel_read(r, "k", 1, &second), 0);
	ck_assert_uint_eq(second.prev_tail, first.end);
	reel_entry_release(&first);
	reel_entry_release(&second);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* A reader survives another process that cuts the file, and sees by the checksum that the value is lost. */
static int read_cut_file(void)
{
	struct reel_entry e;
	struct reel *r;

	if (reel_guard_faults() < 0 || open_with("c", REEL_RDONLY, &r) < 0 || reel_read(r, "k", 1, &e) < 0)
		return 1;
	if (truncate("c", 0) < 0 || reel_entry_valid(&e) || reel_refresh(r) != -EIO)
		return 2;
	reel_entry_release(&e);
	return reel_close(r) < 0 ? 3 : 0;
}

START_TEST(test_trap_15_reader_survives_a_cut_file)
{
	static char value[100000] = "x";
	struct reel *r = must_open("c", REEL_CREATE);
	int status;

	ck_assert_int_eq(reel_write(r, "k", 1, value, sizeof(value)), 0);
	ck_assert_int_eq(reel_close(r), 0);
	pid_t child = fork();
	if (child == 0)
		_exit(read_cut_file());
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
}
END_TEST

/* A second writer is refused, and told by whom. */
START_TEST(test_trap_15_second_writer_is_refused)
{
	struct reel *r = must_open("c", REEL_CREATE), *second;
	char pid[32];

	ck_assert_int_eq(open_with("c", 0, &second), -EBUSY);
	snprintf(pid, sizeof(pid), "process %ld ", (long)getpid());
	ck_assert_ptr_nonnull(strstr(logged, pid));
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* A fresh store has nothing to save: padding is no waste. */
START_TEST(test_trap_17_fresh_store_saves_nothing)
{
	struct reel_compaction c;

	make_three("c");
	struct reel *r = must_open("c", 0);
	ck_assert_int_eq(reel_compact_estimate(r, &c), 0);
	ck_assert(c.before == c.after && c.before == file_size("c") && c.entries == 3);
	must_write(r, "a", "written again");
	ck_assert_int_eq(reel_delete(r, "b", 1), 1);
	struct reel_compaction estimate, done;
	ck_assert_int_eq(reel_compact_estimate(r, &estimate), 0);
	ck_assert_int_eq(reel_compact(r, &done), 0);
	ck_assert(memcmp(&estimate, &done, sizeof(done)) == 0 && file_size("c") == done.after && done.after < done.before);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* Two keys of one hash, made for the purpose: the first 8 bytes are those of XXH3's secret. */
#define COLLIDING_HEAD "\xb8\xfe\x6c\x39\x23\xa4\x4b\xbe"
static const char key_a[33] = COLLIDING_HEAD "AAAAAAAAsame sixteen end";
static const char key_b[33] = COLLIDING_HEAD "BBBBBBBBsame sixteen end";

/* Of two keys with one hash neither reads, overwrites nor deletes what was written under the other's name. */
START_TEST(test_trap_18_keys_of_one_hash_do_not_touch_each_other)
{
	struct reel *r = must_open("c", REEL_CREATE | REEL_CHECK_KEYS);
	struct reel_entry e;
	struct reel_key keys[] = {{"x", 1}, {key_b, 32}};
	struct reel_entry entries[2];
	struct reel_key_item items[] = {{{"y", 1}, "value", 5}, {{key_b, 32}, "of b", 4}};
	struct reel_stream *s;

	ck_assert_uint_eq(reel_hash(key_a, 32), reel_hash(key_b, 32));
	ck_assert_int_eq(reel_write(r, key_a, 32, "of a", 4), 0);
	must_write(r, "x", "value");
	uint64_t size = file_size("c");
	ck_assert_int_eq(reel_read(r, key_b, 32, &e), -ENOTUNIQ);
	ck_assert_int_eq(reel_exists(r, key_b, 32), -ENOTUNIQ);
	ck_assert_int_eq(reel_read_batch(r, keys, 2, entries), -ENOTUNIQ);
	ck_assert_int_eq(reel_write(r, key_b, 32, "of b", 4), -ENOTUNIQ);
	ck_assert_int_eq(reel_write_batch_keys(r, items, 2), -ENOTUNIQ);
	ck_assert_int_eq(reel_delete(r, key_b, 32), -ENOTUNIQ);
	ck_assert_int_eq(reel_delete_batch(r, keys, 2), -ENOTUNIQ);
	ck_assert_int_eq(reel_rename(r, key_b, 32, "z", 1), -ENOTUNIQ);
	ck_assert_int_eq(reel_rename(r, "x", 1, key_b, 32), -ENOTUNIQ);
	ck_assert_int_eq(reel_stream_begin(r, key_b, 32, &s), -ENOTUNIQ);
	ck_assert_uint_eq(file_size("c"), size);
	ck_assert_int_eq(reel_compact(r, NULL), 0);
	ck_assert_int_eq(reel_read(r, key_b, 32, &e), -ENOTUNIQ);
	ck_assert_int_eq(reel_read(r, key_a, 32, &e), 0);
	ck_assert(e.len == 4 && memcmp(e.payload, "of a", 4) == 0);
	reel_entry_release(&e);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* Both in one batch are refused too; after a deletion the other key is free to be written. */
START_TEST(test_trap_18_batch_with_both_keys_is_refused)
{
	struct reel *r = must_open("c", REEL_CREATE | REEL_CHECK_KEYS);
	struct reel_key_item both[] = {{{key_a, 32}, "of a", 4}, {{key_b, 32}, "of b", 4}};

	ck_assert_int_eq(reel_write_batch_keys(r, both, 2), -ENOTUNIQ);
	ck_assert_uint_eq(file_size("c"), 0);
	ck_assert_int_eq(reel_write_batch_keys(r, both, 1), 0);
	ck_assert_int_eq(reel_delete(r, key_a, 32), 1);
	ck_assert_int_eq(reel_write(r, key_b, 32, "of b", 4), 0);
	ck_assert_int_eq(reel_exists(r, key_a, 32), -ENOTUNIQ);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* The number of keys is the same after a reopen; a deleted key is not deleted again; the last entry can be a tombstone. */
START_TEST(test_trap_19_tombstones_are_not_keys)
{
	struct reel_entry last;

	make_three("c");
	struct reel *r = must_open("c", 0);
	ck_assert_int_eq(reel_delete(r, "b", 1), 1);
	uint64_t size = file_size("c");
	ck_assert_int_eq(reel_delete(r, "b", 1), 0);
	ck_assert_uint_eq(file_size("c"), size);
	ck_assert_int_eq(reel_len(r), 2);
	ck_assert_int_eq(reel_read_last(r, &last), 0);
	ck_assert(last.tombstone && last.len == 1 && last.key_hash == reel_hash("b", 1));
	reel_entry_release(&last);
	ck_assert_int_eq(reel_close(r), 0);
	r = must_open("c", 0);
	ck_assert_int_eq(reel_len(r), 2);
	ck_assert_int_eq(reel_is_empty(r), 0);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* A batch [delete k, write k] reads the same before and after a reopen. */
START_TEST(test_trap_19_batch_reads_the_same_after_a_reopen)
{
	struct reel_key_item items[] = {{{"k", 1}, NULL, 0}, {{"k", 1}, "new", 3}, {{"gone", 4}, NULL, 0}};

	struct reel *r = must_open("c", REEL_CREATE);
	must_write(r, "k", "old");
	ck_assert_int_eq(reel_write_batch_keys(r, items, 3), 0);
	ck_assert(reads(r, "k", "new"));
	ck_assert_uint_eq(count_entries(r, false), 3);
	ck_assert_int_eq(reel_close(r), 0);
	r = must_open("c", 0);
	ck_assert(reads(r, "k", "new"));
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* Checksums are the IEEE CRC-32. */
START_TEST(test_trap_21_checksums_are_ieee)
{
	ck_assert_uint_eq(reel_crc32(0, "123456789", 9), 0xcbf43926);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    test_trap_01_torn_append_keeps_earlier_keys,
	    test_trap_02_tail_of_zeros_keeps_every_key,
	    test_trap_03_damaged_values_are_told_and_not_carried_on,
	    test_trap_04_flip_in_the_first_link_changes_nothing,
	    test_trap_05_opening_does_not_write,
	    test_trap_07_nul_values_are_refused_or_kept,
	    test_trap_08_refused_streams_leave_no_trace,
	    test_trap_09_reader_error_is_not_the_end,
	    test_trap_10_writes_after_a_full_disk_are_read,
	    test_trap_11_writes_are_synced,
	    test_trap_12_many_entries_in_use_do_not_stop_writing,
	    test_trap_13_prev_tail_is_of_the_file,
	    test_trap_15_reader_survives_a_cut_file,
	    test_trap_15_second_writer_is_refused,
	    test_trap_17_fresh_store_saves_nothing,
	    test_trap_18_keys_of_one_hash_do_not_touch_each_other,
	    test_trap_18_batch_with_both_keys_is_refused,
	    test_trap_19_tombstones_are_not_keys,
	    test_trap_19_batch_reads_the_same_after_a_reopen,
	    test_trap_21_checksums_are_ieee,
	};
	return run_tests("traps", tests, sizeof(tests) / sizeof(tests[0]));
}
