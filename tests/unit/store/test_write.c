/*
 * test_write.c - what is written is read back, before and after the container is opened again.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "runner.h"

/* The container is closed and opened again. */
static void reopen(struct reel **r)
{
	ck_assert_int_eq(reel_close(*r), 0);
	*r = must_open("c", 0);
}

/* A value written is read, also after reopening; the newest of two counts. */
START_TEST(newest_value_is_read)
{
	struct reel *r = must_open("c", REEL_CREATE);

	must_write(r, "a", "one");
	must_write(r, "b", "other");
	must_write(r, "a", "two");
	for (int i = 0; i < 2; i++) {
		ck_assert(reads(r, "a", "two") && reads(r, "b", "other") && reads(r, "c", NULL));
		ck_assert_int_eq(reel_exists(r, "a", 1), 1);
		ck_assert_int_eq(reel_exists(r, "c", 1), 0);
		ck_assert_uint_eq(count_entries(r, true), 2);
		ck_assert_uint_eq(count_entries(r, false), 3);
		reopen(&r);
	}
	reel_close(r);
}
END_TEST

/* Payloads begin at multiples of 64, pads are zero, tombstones have none, and the file ends with the last trailer. */
START_TEST(layout_is_the_format_s)
{
	struct reel *r = must_open("c", REEL_CREATE);

	must_write(r, "a", "hello");
	must_write(r, "b", "world");
	ck_assert_int_eq(reel_delete(r, "a", 1), 1);
	reel_close(r);
	struct file f = file_read("c");
	ck_assert_uint_eq(f.len, 64 + 5 + 20 + 1 + 20);
	ck_assert_mem_eq(f.bytes, "hello", 5);
	for (int i = 25; i < 64; i++)
		ck_assert_uint_eq(f.bytes[i], 0);
	ck_assert_mem_eq(f.bytes + 64, "world", 5);
	ck_assert_uint_eq(f.bytes[89], 0);
	ck_assert_mem_eq(f.bytes + 89 + 1 + 8, "\x59\0\0\0\0\0\0\0\x8d\xef\x02\xd2", 12);
	file_free(&f);
}
END_TEST

/* Empty values and the one byte 00 cannot be stored: -EINVAL, and the file is unchanged. Longer zeros can. */
START_TEST(values_the_format_cannot_hold_are_refused)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_batch_item items[] = {{1, "x", 1}, {2, "", 1}};

	ck_assert_int_eq(reel_write(r, "k", 1, "", 0), -EINVAL);
	ck_assert_int_eq(reel_write(r, "k", 1, "", 1), -EINVAL);
	ck_assert_int_eq(reel_write(r, "k", 1, NULL, 0), -EINVAL);
	ck_assert_int_eq(reel_write_batch(r, items, 2), -EINVAL);
	ck_assert_uint_eq(file_size("c"), 0);
	ck_assert_int_eq(reel_write(r, "k", 1, "\0", 2), 0);
	ck_assert_int_eq(reel_write(r, "", 0, "value of the empty key", 22), 0);
	ck_assert(reads(r, "", "value of the empty key"));
	reel_close(r);
}
END_TEST

/* A deleted key is gone; deleting it again, or a key that never was, writes nothing and says so. */
START_TEST(delete_writes_only_what_is_needed)
{
	struct reel *r = must_open("c", REEL_CREATE);

	ck_assert_int_eq(reel_delete(r, "a", 1), 0);
	must_write(r, "a", "one");
	ck_assert_int_eq(reel_delete(r, "a", 1), 1);
	uint64_t size = file_size("c");
	ck_assert(reads(r, "a", NULL));
	ck_assert_int_eq(reel_delete(r, "a", 1), 0);
	reopen(&r);
	ck_assert_int_eq(reel_delete(r, "a", 1), 0);
	ck_assert_uint_eq(file_size("c"), size);
	must_write(r, "a", "again");
	reopen(&r);
	ck_assert(reads(r, "a", "again"));
	reel_close(r);
}
END_TEST

/* A batch with one key several times, deletions among them, reads the same before and after reopening. */
START_TEST(batch_is_applied_in_order)
{
	uint64_t a = reel_hash("a", 1), b = reel_hash("b", 1), c = reel_hash("c", 1);
	struct reel_batch_item items[] = {{a, NULL, 0}, {a, "new", 3}, {b, "1", 1}, {b, "2", 1}, {c, NULL, 0}};
	struct reel *r = must_open("c", REEL_CREATE);

	must_write(r, "a", "old");
	must_write(r, "c", "old");
	ck_assert_int_eq(reel_write_batch(r, items, 5), 0);
	ck_assert_int_eq(reel_write_batch(r, NULL, 0), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert(reads(r, "a", "new") && reads(r, "b", "2") && reads(r, "c", NULL));
		ck_assert_uint_eq(count_entries(r, true), 2);
		ck_assert_uint_eq(count_entries(r, false), 7);
		reopen(&r);
	}
	reel_close(r);
}
END_TEST

struct source {
	size_t left, piece;
	uint8_t byte;
	int error; /* in place of the end */
};

static ssize_t pull(void *arg, void *buf, size_t size)
{
	struct source *s = arg;
	size_t n = s->left < s->piece ? s->left : s->piece;

	if (n > size)
		n = size;
	memset(buf, s->byte, n);
	s->left -= n;
	return n == 0 ? s->error : (ssize_t)n;
}

/* Streams of any length, in pieces of any size, are entries like others. */
START_TEST(streams_of_all_sizes_are_read_back)
{
	static const size_t sizes[] = {1, 2, 63, 64, 65, 4096, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 20};
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_entry e;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct source s = {.left = sizes[i], .piece = 77777, .byte = (uint8_t)(i + 1)};
		ck_assert_int_eq(reel_write_stream(r, i, pull, &s), 0);
	}
	reopen(&r);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ck_assert_int_eq(reel_read_hash(r, i, &e), 0);
		ck_assert_uint_eq(e.len, sizes[i]);
		ck_assert_uint_eq(e.offset % 64, 0);
		ck_assert(reel_entry_valid(&e));
		ck_assert_uint_eq(e.payload[e.len - 1], i + 1);
		reel_entry_release(&e);
	}
	reel_close(r);
}
END_TEST

/* A stream that fails, is empty, or is the one byte 00 leaves the file as it was, and writing goes on. */
START_TEST(failed_streams_leave_no_trace)
{
	struct source failing = {.left = 3 << 20, .piece = 1 << 20, .byte = 1, .error = -ECANCELED};
	struct source empty = {0}, nul = {.left = 1, .piece = 1};
	struct reel *r = must_open("c", REEL_CREATE);

	must_write(r, "a", "before");
	struct file before = file_read("c");
	ck_assert_int_eq(reel_write_stream(r, 1, pull, &failing), -ECANCELED);
	ck_assert_int_eq(reel_write_stream(r, 1, pull, &empty), -EINVAL);
	ck_assert_int_eq(reel_write_stream(r, 1, pull, &nul), -EINVAL);
	ck_assert(file_is("c", before.bytes, before.len));
	ck_assert_int_eq(reel_exists_hash(r, 1), 0);
	must_write(r, "b", "after");
	reopen(&r);
	ck_assert(reads(r, "a", "before") && reads(r, "b", "after"));
	ck_assert_uint_eq(count_entries(r, false), 2);
	reel_close(r);
	file_free(&before);
}
END_TEST

/* Entries of an append session lie where it says, and are seen when it commits and not before. */
START_TEST(append_session_is_seen_as_a_whole)
{
	static uint8_t big[3 << 20];
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_append *a;
	struct reel_entry first, second, e;

	memset(big, 7, sizeof(big));
	must_write(r, "a", "before");
	ck_assert_int_eq(reel_append_begin(r, &a), 0);
	ck_assert_uint_eq(reel_append_start(a), 26);
	ck_assert_uint_eq(reel_append_next_payload(a), 64);
	ck_assert_int_eq(reel_append_entry_begin(a, 1), 0);
	ck_assert_int_eq(reel_append_data(a, big, sizeof(big)), 0);
	ck_assert_int_eq(reel_append_data(a, "tail", 4), 0);
	ck_assert_int_eq(reel_append_entry_end(a, &first), 0);
	ck_assert_uint_eq(first.offset, 64);
	uint64_t place = reel_append_next_payload(a);
	ck_assert_int_eq(reel_append_entry_begin(a, 2), 0);
	ck_assert_int_eq(reel_append_data(a, "second", 6), 0);
	ck_assert_int_eq(reel_append_entry_end(a, &second), 0);
	ck_assert_uint_eq(second.offset, place);
	ck_assert_int_eq(reel_append_tombstone(a, reel_hash("a", 1)), 0);
	ck_assert_uint_eq(reel_tail_offset(r), 26);
	ck_assert(reads(r, "a", "before"));
	ck_assert_int_eq(reel_exists_hash(r, 1), 0);
	ck_assert_int_eq(reel_append_commit(a), 0);
	for (int i = 0; i < 2; i++) {
		struct reel_view view = {.base = reel_base(r), .size = reel_tail_offset(r)};
		ck_assert_uint_eq(view.size, file_size("c"));
		ck_assert(reads(r, "a", NULL));
		ck_assert_int_eq(reel_read_hash(r, 1, &e), 0);
		ck_assert_uint_eq(e.len, sizeof(big) + 4);
		ck_assert(e.crc == first.crc && e.end == first.end && reel_entry_valid(&e));
		reel_entry_release(&e);
		ck_assert_int_eq(reel_entry_at(&view, second.end, &e), 0);
		ck_assert_uint_eq(e.prev_tail, first.end);
		ck_assert_mem_eq(e.payload, "second", 6);
		reopen(&r);
	}
	reel_close(r);
}
END_TEST

/* An append given up, after any of its steps, leaves the file as it was. */
START_TEST(aborted_append_leaves_no_trace)
{
	static uint8_t big[3 << 20];
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_append *a;

	must_write(r, "a", "before");
	struct file before = file_read("c");
	for (int steps = 0; steps < 4; steps++) {
		ck_assert_int_eq(reel_append_begin(r, &a), 0);
		if (steps > 0)
			ck_assert_int_eq(reel_append_entry_begin(a, 1), 0);
		if (steps > 1)
			ck_assert_int_eq(reel_append_data(a, big, sizeof(big)), 0);
		if (steps > 2)
			ck_assert_int_eq(reel_append_entry_end(a, NULL), 0);
		reel_append_abort(a);
		ck_assert(file_is("c", before.bytes, before.len));
		ck_assert_int_eq(reel_failed(r), 0);
	}
	reel_append_abort(NULL);
	must_write(r, "b", "after");
	ck_assert(reads(r, "b", "after"));
	reel_close(r);
	file_free(&before);
}
END_TEST

/* An entry, and the mapping it lies in, stay when the container grows and when it is closed. */
START_TEST(entries_outlive_appends_and_the_container)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_entry e;
	struct source s = {.left = 20 << 20, .piece = 1 << 20, .byte = 1};

	must_write(r, "a", "value");
	const uint8_t *base = reel_base(r);
	ck_assert_int_eq(reel_read(r, "a", 1, &e), 0);
	ck_assert_int_eq(reel_write_stream(r, 1, pull, &s), 0);
	ck_assert_ptr_eq(reel_base(r), base);
	reel_close(r);
	ck_assert_mem_eq(e.payload, "value", 5);
	ck_assert(reel_entry_valid(&e));
	reel_entry_release(&e);
	reel_entry_release(&e);
}
END_TEST

/* A walk goes from new to old and shows the container as it was when the walk began. */
START_TEST(walk_is_over_what_was_there_at_its_start)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_iter *it;
	struct reel_entry e;

	must_write(r, "a", "1");
	must_write(r, "b", "2");
	must_write(r, "a", "3");
	ck_assert_int_eq(reel_iter_new(r, true, &it), 0);
	must_write(r, "b", "4");
	ck_assert_int_eq(reel_delete(r, "a", 1), 1);
	ck_assert_int_eq(reel_iter_next(it, &e), 1);
	ck_assert_uint_eq(*e.payload, '3');
	reel_entry_release(&e);
	ck_assert_int_eq(reel_iter_next(it, &e), 1);
	ck_assert_uint_eq(*e.payload, '2');
	reel_entry_release(&e);
	ck_assert_int_eq(reel_iter_next(it, &e), 0);
	reel_iter_free(it);
	ck_assert_int_eq(reel_read_last(r, &e), 0);
	ck_assert(e.tombstone);
	reel_entry_release(&e);
	reel_close(r);
}
END_TEST

/* reel_info() counts entries, tombstones, live keys and their bytes. */
START_TEST(info_counts)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_info info;

	must_write(r, "a", "12345");
	must_write(r, "b", "1");
	must_write(r, "a", "123456");
	ck_assert_int_eq(reel_delete(r, "b", 1), 1);
	ck_assert_int_eq(reel_info(r, &info), 0);
	ck_assert_uint_eq(info.entries, 4);
	ck_assert_uint_eq(info.tombstones, 1);
	ck_assert_uint_eq(info.live, 1);
	/* The newest "a" begins behind "b", at 85, and its payload at 128. */
	ck_assert_uint_eq(info.live_bytes, 128 - 85 + 6 + 20);
	ck_assert_uint_eq(info.generation, 64);
	ck_assert_uint_eq(info.file_size, file_size("c"));
	reel_close(r);
}
END_TEST

/* Space reserved is on the disk, past the end of the file, and is given back when the container is closed. */
START_TEST(reserved_space_is_past_the_end_and_given_back)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct stat st;

	must_write(r, "a", "value");
	ck_assert_int_eq(reel_reserve(r, 8 << 20), 0);
	ck_assert_uint_eq(file_size("c"), reel_tail_offset(r));
	ck_assert_int_eq(stat("c", &st), 0);
	ck_assert_int_ge(st.st_blocks, (8 << 20) / 512);
	must_write(r, "b", "value");
	ck_assert_uint_eq(file_size("c"), reel_tail_offset(r));
	reel_close(r);
	ck_assert_int_eq(stat("c", &st), 0);
	ck_assert_int_le(st.st_blocks, 64);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    newest_value_is_read,
	    layout_is_the_format_s,
	    values_the_format_cannot_hold_are_refused,
	    delete_writes_only_what_is_needed,
	    batch_is_applied_in_order,
	    streams_of_all_sizes_are_read_back,
	    failed_streams_leave_no_trace,
	    append_session_is_seen_as_a_whole,
	    aborted_append_leaves_no_trace,
	    entries_outlive_appends_and_the_container,
	    walk_is_over_what_was_there_at_its_start,
	    info_counts,
	    reserved_space_is_past_the_end_and_given_back,
	};
	return run_tests("writing", tests, sizeof(tests) / sizeof(tests[0]));
}
