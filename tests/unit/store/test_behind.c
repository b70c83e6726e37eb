/*
 * test_behind.c - opening a container with good entries behind bad ones: what was synced is kept, or nothing is changed.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "runner.h"

static void lengthen(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

/* Five keys from "a" to "e", closed; tails[i] is where the entry of key i ends. */
static struct file write_five(uint64_t tails[5])
{
	struct reel *r = must_open("c", REEL_CREATE);

	for (int i = 0; i < 5; i++) {
		must_write(r, (char[]){(char)('a' + i), 0}, "a value");
		tails[i] = reel_tail_offset(r);
	}
	reel_close(r);
	return file_read("c");
}

/* With 30 bytes of an append at the end. */
static void write_torn(const struct file *f)
{
	uint8_t bytes[1000] = {0};

	memcpy(bytes, f->bytes, f->len);
	memcpy(bytes + f->len + 10, "an append, torn here", 20);
	file_write("c", bytes, f->len + 30);
}

static int verdict(void *arg, const struct reel_view *view, struct reel_tail *ret)
{
	(void)view;
	*ret = *(struct reel_tail *)arg;
	return 0;
}

/* Opens it; up to `durable` all is known to have been on stable storage, where that is not 0. */
static int open_from(uint64_t durable, unsigned flags, struct reel **ret)
{
	struct reel_tail tail = {.verdict = REEL_TAIL_UNKNOWN, .durable = durable};
	struct reel_engine_options options = {
	    .base = {.flags = flags, .log = keep_log}, .find_tail = verdict, .find_tail_arg = &tail};

	logged[0] = 0;
	return reel_engine_open("c", &options, ret);
}

/*
 * A bit that changed in an old value costs that value, and a torn append at the end costs the append: what is between was
 * synced, and is not cut off. So it is whether or not a durable tail is known before the damage.
 */
START_TEST(damage_before_a_torn_end_is_not_cut)
{
	struct reel_entry e;
	uint64_t tails[5];
	struct file f = write_five(tails);
	struct reel *r;

	f.bytes[(tails[1] + 63) / 64 * 64] ^= 1;
	for (uint64_t durable = 0; durable <= tails[0]; durable += tails[0]) {
		write_torn(&f);
		ck_assert_int_eq(open_from(durable, 0, &r), 0);
		ck_assert_uint_eq(reel_tail_offset(r), tails[4]);
		ck_assert_ptr_nonnull(strstr(logged, "cut off the 30 bytes"));
		ck_assert(reads(r, "b", "a value") && reads(r, "d", "a value") && reads(r, "e", "a value"));
		ck_assert_int_eq(reel_read(r, "c", 1, &e), 0);
		ck_assert(!reel_entry_valid(&e));
		reel_entry_release(&e);
		reel_close(r);
		ck_assert(file_is("c", f.bytes, f.len));
	}
	file_free(&f);
}
END_TEST

/* Where a link is broken too, so that what is behind cannot be kept, nothing is cut: writing is refused. */
START_TEST(broken_link_before_a_torn_end_is_damage)
{
	uint64_t tails[5];
	struct file f = write_five(tails);
	struct reel *r;

	memset(f.bytes + tails[2] - 20, 0x55, 20);
	write_torn(&f);
	struct file torn = file_read("c");
	for (uint64_t durable = 0; durable <= tails[0]; durable += tails[0]) {
		ck_assert_int_eq(open_from(durable, 0, &r), -EBADMSG);
		ck_assert(file_is("c", torn.bytes, torn.len));
		ck_assert_int_eq(open_from(durable, REEL_RDONLY, &r), 0);
		ck_assert_uint_eq(reel_tail_offset(r), tails[1]);
		ck_assert(reads(r, "b", "a value") && reads(r, "d", NULL));
		reel_close(r);
	}
	file_free(&torn);
	file_free(&f);
}
END_TEST

/* So it is where the link says 0, which never reached the disk; what is linked before the break is read. */
START_TEST(link_of_zeros_is_a_broken_one)
{
	uint64_t tails[5];
	struct file f = write_five(tails);
	struct reel *r;

	f.bytes[(tails[0] + 63) / 64 * 64] ^= 1;
	memset(f.bytes + tails[3] - 12, 0, 8);
	write_torn(&f);
	ck_assert_int_eq(open_from(0, 0, &r), -EBADMSG);
	ck_assert_int_eq(open_from(0, REEL_RDONLY, &r), 0);
	ck_assert_uint_eq(reel_tail_offset(r), tails[2]);
	ck_assert(reads(r, "a", "a value") && reads(r, "c", "a value") && reads(r, "e", NULL));
	reel_close(r);
	file_free(&f);
}
END_TEST

static void zero_link(struct file *f, uint64_t tail)
{
	memset(f->bytes + tail - 12, 0, 8);
}

/* The file is not opened for writing and not changed; *ret is open for reading if anything can be read. */
static int refused(const struct file *f, struct reel **ret)
{
	file_write("c", f->bytes, f->len);
	ck_assert_int_eq(open_from(0, 0, ret), -EBADMSG);
	ck_assert(file_is("c", f->bytes, f->len));
	return open_from(0, REEL_RDONLY, ret);
}

/* An entry whose link says 0 hides none of those before it, with a damaged value among them and a good end behind it. */
START_TEST(link_of_zeros_hides_nothing_behind_damage)
{
	uint64_t tails[5];
	struct file f = write_five(tails);
	struct reel *r;

	f.bytes[(tails[0] + 63) / 64 * 64] ^= 1;
	zero_link(&f, tails[3]);
	ck_assert_int_eq(refused(&f, &r), 0);
	ck_assert_uint_eq(reel_tail_offset(r), tails[2]);
	ck_assert(reads(r, "a", "a value") && reads(r, "c", "a value") && reads(r, "e", NULL));
	reel_close(r);
	file_free(&f);
}
END_TEST

/* With the first value damaged there is nothing that could be read; repair finds the rest. */
START_TEST(link_of_zeros_behind_a_damaged_start_is_damage)
{
	uint64_t tails[5];
	struct file f = write_five(tails);
	struct reel *r;

	f.bytes[0] ^= 1;
	zero_link(&f, tails[3]);
	ck_assert_int_eq(refused(&f, &r), -EBADMSG);
	file_free(&f);
}
END_TEST

/* A tombstone has no pad: so it is with its link, too. */
START_TEST(tombstone_with_a_link_of_zeros_hides_nothing)
{
	uint64_t tails[5], tail;
	struct file f = write_five(tails);
	struct reel *r = must_open("c", 0);

	file_free(&f);
	ck_assert_int_eq(reel_delete(r, "a", 1), 1);
	tail = reel_tail_offset(r);
	must_write(r, "f", "a value");
	reel_close(r);
	f = file_read("c");
	zero_link(&f, tail);
	ck_assert_int_eq(refused(&f, &r), 0);
	ck_assert_uint_eq(reel_tail_offset(r), tails[4]);
	ck_assert(reads(r, "a", "a value") && reads(r, "e", "a value"));
	reel_close(r);
	file_free(&f);
}
END_TEST

/* A first value that is a container, and damaged, is one damaged value: nothing is wrong with its link, which is 0. */
START_TEST(damaged_first_value_that_holds_entries_is_one)
{
	struct reel_entry e;
	uint64_t tails[5];
	struct file f = write_five(tails);
	struct reel *r;

	remove("c");
	r = must_open("c", REEL_CREATE);
	ck_assert_int_eq(reel_write(r, "first", 5, f.bytes, f.len), 0);
	must_write(r, "second", "a value");
	reel_close(r);
	file_free(&f);
	f = file_read("c");
	f.bytes[(tails[2] + 63) / 64 * 64] ^= 1;
	file_write("c", f.bytes, f.len);
	ck_assert_int_eq(open_from(0, 0, &r), 0);
	ck_assert(reads(r, "second", "a value") && reads(r, "a", NULL));
	ck_assert_int_eq(reel_read(r, "first", 5, &e), 0);
	ck_assert(!reel_entry_valid(&e));
	reel_entry_release(&e);
	reel_close(r);
	file_free(&f);
}
END_TEST

/* Without a torn end: behind a durable tail too a bad value is one that is damaged. */
START_TEST(damage_after_the_durable_tail_is_not_cut)
{
	uint64_t tails[5];
	struct file f = write_five(tails);
	struct reel *r;

	f.bytes[(tails[1] + 63) / 64 * 64] ^= 1;
	file_write("c", f.bytes, f.len);
	ck_assert_int_eq(open_from(tails[0], 0, &r), 0);
	ck_assert_uint_eq(reel_tail_offset(r), tails[4]);
	ck_assert(reads(r, "d", "a value"));
	reel_close(r);
	ck_assert(file_is("c", f.bytes, f.len));
	file_free(&f);
}
END_TEST

/* A reader who moves on beside a writer waits for what is not good yet, also where good entries are behind it. */
START_TEST(reader_beside_a_writer_waits)
{
	uint64_t tails[5];
	struct file f = write_five(tails);
	struct reel *r;

	file_write("c", f.bytes, tails[1]);
	r = must_open("c", REEL_RDONLY);
	f.bytes[(tails[1] + 63) / 64 * 64] ^= 1;
	lengthen("c", f.bytes + tails[1], f.len - tails[1]);
	ck_assert_int_eq(reel_refresh(r), 0);
	ck_assert_uint_eq(reel_tail_offset(r), tails[1]);
	int fd = open("c", O_WRONLY | O_CLOEXEC);
	f.bytes[(tails[1] + 63) / 64 * 64] ^= 1;
	ck_assert_int_eq(pwrite(fd, f.bytes, f.len, 0), (ssize_t)f.len);
	close(fd);
	ck_assert_int_eq(reel_refresh(r), 1);
	ck_assert(reads(r, "c", "a value") && reads(r, "e", "a value"));
	reel_close(r);
	file_free(&f);
}
END_TEST

/* Adds an entry as generation 0.14 has it; returns its end. */
static uint64_t add_with_pad_16(uint8_t *bytes, uint64_t tail, const char *value, uint64_t key_hash)
{
	uint64_t payload = (tail + 15) / 16 * 16, trailer = payload + strlen(value);

	memset(bytes + tail, 0, payload - tail);
	memcpy(bytes + payload, value, strlen(value));
	store_u64(bytes + trailer + TRAILER_KEY_HASH, key_hash);
	store_u64(bytes + trailer + TRAILER_PREV_TAIL, tail);
	store_u32(bytes + trailer + TRAILER_CRC, reel_crc32(0, value, strlen(value)));
	return trailer + TRAILER_SIZE;
}

/*
 * A first entry is the same in all generations. Where the second is damaged, those behind it tell which one it is: the
 * container is not taken for the newest, of which its good entries would be damaged ones, and cut.
 */
START_TEST(entries_behind_damage_tell_the_generation)
{
	uint8_t bytes[1000];
	uint64_t tail = add_with_pad_16(bytes, 0, "first", 1), damaged = tail;
	struct reel_entry e;
	struct reel *r;

	tail = add_with_pad_16(bytes, tail, "a value that is damaged", 2);
	tail = add_with_pad_16(bytes, tail, "a value behind it", 3);
	bytes[(damaged + 15) / 16 * 16] ^= 1;
	memcpy(bytes + tail, "an append, torn", 15);
	file_write("c", bytes, tail + 15);
	ck_assert_int_eq(open_with("c", 0, &r), -ENOTSUP);
	ck_assert(file_is("c", bytes, tail + 15));
	r = must_open("c", REEL_RDONLY);
	ck_assert_uint_eq(reel_tail_offset(r), tail);
	ck_assert_int_eq(reel_read_hash(r, 3, &e), 0);
	ck_assert(e.len == 17 && memcmp(e.payload, "a value behind it", 17) == 0);
	reel_entry_release(&e);
	reel_close(r);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    damage_before_a_torn_end_is_not_cut,
	    broken_link_before_a_torn_end_is_damage,
	    link_of_zeros_is_a_broken_one,
	    damage_after_the_durable_tail_is_not_cut,
	    reader_beside_a_writer_waits,
	    link_of_zeros_hides_nothing_behind_damage,
	    link_of_zeros_behind_a_damaged_start_is_damage,
	    tombstone_with_a_link_of_zeros_hides_nothing,
	    damaged_first_value_that_holds_entries_is_one,
	    entries_behind_damage_tell_the_generation,
	};
	return run_tests("entries behind damage", tests, sizeof(tests) / sizeof(tests[0]));
}
