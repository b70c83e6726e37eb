/*
 * test_open.c - opening: what is a container, who may write, what is done with a torn tail.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "engine.h"
#include "format.h"
#include "runner.h"

static void make(const char *path, const char *key, const char *value)
{
	struct reel *r = must_open(path, REEL_CREATE);

	must_write(r, key, value);
	ck_assert_int_eq(reel_close(r), 0);
}

static void lengthen(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

/* CREATE makes the file, for its owner alone; EXCL insists on it; without CREATE it must be there. */
START_TEST(flags_say_whether_the_file_is_made)
{
	struct reel *r;
	struct stat st;

	ck_assert_int_eq(open_with("c", 0, &r), -ENOENT);
	ck_assert_int_eq(open_with("c", REEL_RDONLY, &r), -ENOENT);
	r = must_open("c", REEL_CREATE | REEL_EXCL);
	reel_close(r);
	ck_assert_int_eq(stat("c", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(open_with("c", REEL_CREATE | REEL_EXCL, &r), -EEXIST);
	r = must_open("c", REEL_CREATE);
	reel_close(r);
	ck_assert_int_eq(open_with("c", REEL_CREATE | REEL_RDONLY, &r), -EINVAL);
}
END_TEST

/* An empty file is an empty store. */
START_TEST(empty_file_is_an_empty_store)
{
	struct reel_entry e;
	struct reel_info info;

	file_write("c", "", 0);
	struct reel *r = must_open("c", REEL_RDONLY);
	ck_assert_uint_eq(reel_tail_offset(r), 0);
	ck_assert_int_eq(reel_read_last(r, &e), -ENOENT);
	ck_assert(reads(r, "a", NULL));
	ck_assert_int_eq(reel_info(r, &info), 0);
	ck_assert_uint_eq(info.entries, 0);
	ck_assert_uint_eq(count_entries(r, false), 0);
	ck_assert_int_eq(reel_write(r, "a", 1, "b", 1), -EROFS);
	reel_close(r);
}
END_TEST

/* Text, a program, zeros and noise are refused, whatever the flags, and are the same afterwards. */
START_TEST(what_is_not_a_container_is_unchanged)
{
	static const unsigned flags[] = {0, REEL_CREATE, REEL_RDONLY};
	static uint8_t bytes[300000];
	struct reel *r;

	file_write("text", "Not a container.\nIt has lines.\n", 31);
	file_write("zeros", bytes, sizeof(bytes));
	uint64_t x = 88172645463325252u;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		bytes[i] = (uint8_t)x;
	}
	file_write("noise", bytes, sizeof(bytes));
	struct file program = file_read("/bin/ls");
	file_write("program", program.bytes, program.len);
	file_free(&program);
	static const char *const files[] = {"text", "zeros", "noise", "program"};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct file before = file_read(files[i]);
		for (size_t k = 0; k < sizeof(flags) / sizeof(flags[0]); k++) {
			logged[0] = 0;
			ck_assert_int_eq(open_with(files[i], flags[k], &r), -EBADMSG);
			ck_assert_ptr_nonnull(strstr(logged, "this is not a reel container; it was not changed"));
			ck_assert(file_is(files[i], before.bytes, before.len));
		}
		file_free(&before);
	}
}
END_TEST

/* A directory: -EISDIR. A fifo: -EBADMSG, without waiting for someone to write into it. */
START_TEST(only_regular_files_are_containers)
{
	struct reel *r;

	ck_assert_int_eq(mkdir("dir", 0700), 0);
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(open_with("dir", 0, &r), -EISDIR);
	ck_assert_int_eq(open_with("dir", REEL_RDONLY, &r), -EISDIR);
	ck_assert_int_eq(open_with("fifo", REEL_RDONLY, &r), -EBADMSG);
	ck_assert_int_eq(open_with("fifo", 0, &r), -EBADMSG);
}
END_TEST

/* A second writer gets -EBUSY and is told who holds the container; readers open beside the writer. */
START_TEST(second_writer_is_told_the_first_one_s_pid)
{
	struct reel *r = must_open("c", REEL_CREATE), *second;
	char pid[128], name[16];

	must_write(r, "a", "value");
	ck_assert_int_eq(open_with("c", 0, &second), -EBUSY);
	prctl(PR_GET_NAME, name);
	snprintf(pid, sizeof(pid), "c: process %d has the container open for writing (program %s); end it", getpid(), name);
	ck_assert_msg(strstr(logged, pid) != NULL, "%s", logged);
	second = must_open("c", REEL_RDONLY);
	ck_assert(reads(second, "a", "value"));
	reel_close(second);
	reel_close(r);
	second = must_open("c", 0);
	reel_close(second);
}
END_TEST

/* The lock ends with reel_close(), though an entry of the container is still in use. */
START_TEST(entry_in_use_does_not_keep_the_lock)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_entry e;

	must_write(r, "a", "value");
	ck_assert_int_eq(reel_read(r, "a", 1, &e), 0);
	reel_close(r);
	r = must_open("c", 0);
	reel_close(r);
	reel_entry_release(&e);
}
END_TEST

/* A writer that waits for the lock gets the file that is at the path then, not the one that was replaced. */
START_TEST(writer_follows_a_replaced_file)
{
	struct reel *r = must_open("c", REEL_CREATE), *second = NULL;
	int begun[2];

	must_write(r, "a", "old");
	make("new", "a", "new");
	ck_assert_int_eq(pipe(begun), 0);
	pid_t child = fork();
	if (child == 0) {
		struct reel_options options = {.lock_wait_ms = 60000};
		(void)!write(begun[1], "x", 1);
		_exit(reel_open("c", &options, &second) == 0 && reads(second, "a", "new") ? 0 : 1);
	}
	char byte;
	ck_assert_int_eq(read(begun[0], &byte, 1), 1);
	ck_assert_int_eq(rename("new", "c"), 0);
	reel_close(r);
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* Reading ignores a torn tail and changes nothing; writing cuts it off, and keeps it when asked, each under a new name. */
START_TEST(torn_tail_is_kept_when_asked)
{
	struct reel_options options = {.keep_torn = "torn", .log = keep_log};
	struct reel *r;

	make("c", "a", "value");
	uint64_t size = file_size("c");
	for (int i = 0; i < 2; i++) {
		lengthen("c", "torn bytes", 10);
		r = must_open("c", REEL_RDONLY);
		ck_assert(reads(r, "a", "value"));
		ck_assert_uint_eq(reel_tail_offset(r), size);
		reel_close(r);
		ck_assert_uint_eq(file_size("c"), size + 10);
		logged[0] = 0;
		ck_assert_int_eq(reel_open("c", &options, &r), 0);
		ck_assert_ptr_nonnull(strstr(logged, "cut off the 10 bytes"));
		ck_assert_ptr_nonnull(strstr(logged, i == 0 ? "saved as torn" : "saved as torn.1"));
		reel_close(r);
		ck_assert_uint_eq(file_size("c"), size);
	}
	ck_assert(file_is("torn", "torn bytes", 10) && file_is("torn.1", "torn bytes", 10));
}
END_TEST

/* Where a torn tail cannot be saved as asked, it is not cut. */
START_TEST(torn_tail_that_cannot_be_kept_is_not_cut)
{
	struct reel_options options = {.keep_torn = "no/such/directory", .log = keep_log};
	struct reel *r;

	make("c", "a", "value");
	lengthen("c", "torn bytes", 10);
	uint64_t size = file_size("c");
	ck_assert_int_eq(reel_open("c", &options, &r), -ENOENT);
	ck_assert_uint_eq(file_size("c"), size);
	ck_assert_ptr_nonnull(strstr(logged, "nothing was changed"));
}
END_TEST

/* A reader beside a writer sees the newest commit after a refresh, and nothing of an append under way. */
START_TEST(reader_moves_on_to_commits_only)
{
	static uint8_t big[2 << 20];
	struct reel *w = must_open("c", REEL_CREATE);
	struct reel_append *a;

	must_write(w, "a", "1");
	struct reel *r = must_open("c", REEL_RDONLY);
	ck_assert_int_eq(reel_refresh(r), 0);
	must_write(w, "a", "2");
	ck_assert_int_eq(reel_delete(w, "b", 1), 0);
	must_write(w, "b", "3");
	ck_assert(reads(r, "a", "1") && reads(r, "b", NULL));
	ck_assert_int_eq(reel_refresh(r), 1);
	ck_assert(reads(r, "a", "2") && reads(r, "b", "3"));
	ck_assert_int_eq(reel_append_begin(w, &a), 0);
	ck_assert_int_eq(reel_append_entry_begin(a, 1), 0);
	ck_assert_int_eq(reel_append_data(a, big, sizeof(big)), 0);
	ck_assert_int_eq(reel_refresh(r), 0);
	ck_assert_int_eq(reel_append_entry_end(a, NULL), 0);
	ck_assert_int_eq(reel_append_tombstone(a, reel_hash("a", 1)), 0);
	ck_assert_int_eq(reel_append_commit(a), 0);
	ck_assert_int_eq(reel_refresh(r), 1);
	ck_assert_int_eq(reel_refresh(r), 0);
	ck_assert_int_eq(reel_refresh(w), 0);
	ck_assert(reads(r, "a", NULL) && reads(r, "b", "3"));
	ck_assert_int_eq(reel_exists_hash(r, 1), 1);
	reel_close(r);
	reel_close(w);
}
END_TEST

static int verdict(void *arg, const struct reel_view *view, struct reel_tail *ret)
{
	*ret = *(struct reel_tail *)arg;
	return view->base[0] == '1' && view->size > 100 ? 0 : -EIO;
}

static int open_judged(struct reel_tail *tail, unsigned flags, struct reel **ret)
{
	struct reel_engine_options options = {
	    .base = {.flags = flags, .log = keep_log}, .find_tail = verdict, .find_tail_arg = tail};

	logged[0] = 0;
	return reel_engine_open("c", &options, ret);
}

/* A tail finder's FOUND is followed, its DAMAGED too, and neither looks at the entries before the tail. */
START_TEST(tail_finder_has_the_first_word)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_tail tail = {.verdict = REEL_TAIL_FOUND, .durable = 21};

	must_write(r, "a", "1");
	must_write(r, "b", "2");
	tail.tail = reel_tail_offset(r);
	must_write(r, "c", "3");
	reel_close(r);
	struct file whole = file_read("c");

	ck_assert_int_eq(open_judged(&tail, REEL_RDONLY, &r), 0);
	ck_assert_uint_eq(reel_tail_offset(r), tail.tail);
	ck_assert_uint_eq(reel_durable_tail(r), 21);
	ck_assert(reads(r, "b", "2") && reads(r, "c", NULL));
	reel_close(r);
	tail.verdict = REEL_TAIL_DAMAGED;
	ck_assert_int_eq(open_judged(&tail, REEL_RDONLY, &r), 0);
	ck_assert_uint_eq(reel_tail_offset(r), tail.tail);
	reel_close(r);
	ck_assert_int_eq(open_judged(&tail, 0, &r), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(logged, "damaged after offset"));
	ck_assert(file_is("c", whole.bytes, whole.len));
	tail.verdict = REEL_TAIL_FOUND;
	ck_assert_int_eq(open_judged(&tail, 0, &r), 0);
	ck_assert_uint_eq(file_size("c"), tail.tail);
	reel_close(r);
	/* A verdict that no entry supports is damage, never a reason to cut. */
	file_write("c", whole.bytes, whole.len);
	static const uint64_t impossible[] = {0, 7, 1000000};
	for (int i = 0; i < 3; i++) {
		tail.tail = impossible[i];
		ck_assert_int_eq(open_judged(&tail, 0, &r), -EBADMSG);
		ck_assert(file_is("c", whole.bytes, whole.len));
	}
	file_free(&whole);
}
END_TEST

/*
 * A trailer that never reached the disk, between entries that did, reads as zeros: as if its entry began at the start of
 * the file. What is before is not given up for it: the container is refused for writing, unchanged, and can be read.
 */
START_TEST(a_trailer_of_zeros_hides_nothing)
{
	struct reel *r = must_open("c", REEL_CREATE);

	must_write(r, "a", "synced");
	must_write(r, "b", "synced");
	uint64_t lost = reel_tail_offset(r);
	must_write(r, "c", "lost in part");
	uint64_t end = reel_tail_offset(r);
	must_write(r, "d", "there");
	reel_close(r);
	struct file whole = file_read("c"), f = file_read("c");
	/* All of it, and just its link. */
	for (int i = 0; i < 2; i++) {
		memcpy(f.bytes, whole.bytes, f.len);
		memset(f.bytes + end - (i == 0 ? 20 : 12), 0, i == 0 ? 20 : 8);
		file_write("c", f.bytes, f.len);
		ck_assert_int_eq(open_with("c", 0, &r), -EBADMSG);
		ck_assert(file_is("c", f.bytes, f.len));
		r = must_open("c", REEL_RDONLY);
		ck_assert_uint_eq(reel_tail_offset(r), lost);
		ck_assert(reads(r, "a", "synced") && reads(r, "b", "synced"));
		reel_close(r);
	}
	file_free(&whole);
	file_free(&f);
}
END_TEST

/* An unfinished batch is cut off whatever follows it, and is never taken for an older generation's damage. */
START_TEST(an_unfinished_batch_after_a_lost_entry_is_torn)
{
	static const char value[300] = "a value that ends where all generations put the next payload", lost[500] = "lost";
	struct reel_batch_item two[] = {{2, value, sizeof(value)}, {3, value, sizeof(value)}};
	struct reel *r = must_open("c", REEL_CREATE);

	ck_assert_int_eq(reel_write_hash(r, 1, value, sizeof(value)), 0);
	uint64_t good = reel_tail_offset(r);
	ck_assert_int_eq(reel_write_hash(r, 4, lost, sizeof(lost)), 0);
	uint64_t batch = reel_tail_offset(r);
	ck_assert_int_eq(reel_write_batch(r, two, 2), 0);
	ck_assert_int_eq(reel_delete_hash(r, 1), 1);
	reel_close(r);
	struct file f = file_read("c");
	memset(f.bytes + good, 0, batch - good);
	f.bytes[(batch + 63) / 64 * 64 + sizeof(value) + 15] = 0xff;
	file_write("c", f.bytes, f.len);
	ck_assert_int_eq(open_with("c", 0, &r), 0);
	ck_assert_uint_eq(reel_tail_offset(r), good);
	ck_assert_int_eq(reel_exists_hash(r, 1), 1);
	reel_close(r);
	file_free(&f);
}
END_TEST

/* Adds an entry without a pad, as the two oldest generations have it; returns its end. */
static size_t add_old(uint8_t *bytes, size_t tail, unsigned trailer_size, size_t len, uint64_t key_hash)
{
	uint8_t *trailer = bytes + tail + len;

	store_u64(trailer + TRAILER_KEY_HASH, key_hash);
	store_u64(trailer + TRAILER_PREV_TAIL, tail);
	store_u32(trailer + TRAILER_CRC, reel_crc32(0, bytes + tail, len));
	if (trailer_size < TRAILER_SIZE)
		trailer[trailer_size] = 'x';
	return tail + len + trailer_size;
}

/*
 * Unfinished batches are the newest generation's alone. Contents of an older one that hold what looks like the first entry
 * of such a batch, after what is good in both, leave the whole entries of a torn container readable.
 */
START_TEST(contents_of_an_older_generation_hold_no_unfinished_batch)
{
	enum { LEN = 60, TORN = 9 };
	const unsigned trailer[] = {19, 20};
	struct reel *r;

	for (int i = 0; i < 2; i++) {
		uint8_t bytes[500];
		size_t tail = 0, after = i == 0 ? 0 : LEN + TRAILER_SIZE, payload = (after + 63) / 64 * 64, end = payload + 2;
		memset(bytes, 'x', sizeof(bytes));
		for (uint64_t key = 0; key < 3; key++) {
			if (tail == after) {
				store_u64(bytes + end + TRAILER_PREV_TAIL, (uint64_t)TRAILER_UNFINISHED << 56 | after);
				store_u32(bytes + end + TRAILER_CRC, reel_crc32(0, bytes + payload, 2));
			}
			tail = add_old(bytes, tail, trailer[i], LEN + (tail == after) * LEN, key);
		}
		file_write("c", bytes, tail + TORN);
		r = must_open("c", REEL_RDONLY);
		ck_assert_uint_eq(reel_tail_offset(r), tail);
		ck_assert(reel_exists_hash(r, 0) == 1 && reel_exists_hash(r, 2) == 1);
		reel_close(r);
	}
}
END_TEST

/* Behind a durable tail a pad that is not zero was never written as it is: its entry is torn. Elsewhere it harms nobody. */
START_TEST(a_pad_with_other_bytes_is_torn)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_tail tail = {.verdict = REEL_TAIL_UNKNOWN, .durable = 21};

	must_write(r, "a", "1");
	must_write(r, "b", "2");
	uint64_t good = reel_tail_offset(r);
	must_write(r, "c", "3");
	reel_close(r);
	struct file f = file_read("c");
	f.bytes[good] = 'x';
	file_write("c", f.bytes, f.len);
	r = must_open("c", 0);
	ck_assert(reads(r, "b", "2") && reads(r, "c", "3"));
	reel_close(r);
	ck_assert_int_eq(open_judged(&tail, 0, &r), 0);
	ck_assert_uint_eq(reel_tail_offset(r), good);
	reel_close(r);
	file_free(&f);
}
END_TEST

static volatile sig_atomic_t faults;
static void count_fault(int sig)
{
	(void)sig;
	faults++;
	_exit(42);
}

/* A container that someone cuts while it is open does not end the process: its checksums fail. Other faults go on as before. */
START_TEST(a_lost_page_fails_checksums_only)
{
	static uint8_t big[1 << 20];
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_entry e;

	signal(SIGBUS, count_fault);
	ck_assert_int_eq(reel_guard_faults(), 0);
	ck_assert_int_eq(reel_guard_faults(), 0);
	memset(big, 1, sizeof(big));
	ck_assert_int_eq(reel_write_hash(r, 1, big, sizeof(big)), 0);
	ck_assert_int_eq(reel_read_hash(r, 1, &e), 0);
	ck_assert(reel_entry_valid(&e));
	ck_assert_int_eq(truncate("c", 4096), 0);
	ck_assert(!reel_entry_valid(&e));
	reel_entry_release(&e);
	reel_close(r);

	pid_t child = fork();
	if (child == 0) {
		int fd = open("c", O_RDWR);
		char *p = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
		_exit(p[4096]);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}
END_TEST

/* Pages that could not be read, for a while, are read again with the next entry, and are no damage then. */
START_TEST(a_page_that_comes_back_is_read_again)
{
	static uint8_t big[1 << 20];
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_entry e;

	ck_assert_int_eq(reel_guard_faults(), 0);
	memset(big, 1, sizeof(big));
	ck_assert_int_eq(reel_write_hash(r, 1, big, sizeof(big)), 0);
	reel_close(r);
	r = must_open("c", REEL_RDONLY);
	struct file whole = file_read("c");
	uint64_t token = reel_reading(r), at;
	ck_assert(!reel_unread(r, token, 0, whole.len));
	ck_assert_int_eq(truncate("c", 4096), 0);
	ck_assert_int_lt(reel_read_hash(r, 1, &e), 0);
	ck_assert(reel_unread(r, token, 0, whole.len) && !reel_unread(r, token, 0, 4096));
	ck_assert_int_eq(reel_unread_error(r, 0, whole.len, &at), -EIO);
	ck_assert_ptr_nonnull(strstr(logged, "reading the container failed at offset"));
	ck_assert_ptr_null(strstr(logged, "damaged"));
	int fd = open("c", O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, whole.bytes, whole.len, 0), (ssize_t)whole.len);
	close(fd);
	ck_assert_int_eq(reel_read_hash(r, 1, &e), 0);
	ck_assert(reel_entry_valid(&e));
	reel_entry_release(&e);
	token = reel_reading(r);
	ck_assert(!reel_unread(r, token, 0, whole.len));
	reel_close(r);
	file_free(&whole);
}
END_TEST

/* A file system whose largest file is not a power of two. */
#define LARGEST ((size_t)100 << 20)

static int mmap_to_largest(const struct disk_ops *d, size_t len, int fd, void **ret)
{
	return len > LARGEST ? -EOVERFLOW : disk_real.mmap(d, len, fd, ret);
}

static int mmap_never(const struct disk_ops *d, size_t len, int fd, void **ret)
{
	(void)d, (void)len, (void)fd, (void)ret;
	return -ENODEV;
}

static struct reel *open_on(const struct disk_ops *disk)
{
	const struct reel_engine_options options = {.disk = disk};
	struct reel *r;

	ck_assert_int_eq(reel_engine_open("c", &options, &r), 0);
	return r;
}

/* Where files cannot be mapped as far as they can grow otherwise, a container can grow to nearly the size of the largest. */
START_TEST(a_container_grows_to_the_largest_file)
{
	struct disk_ops disk = disk_real;
	size_t len = (size_t)20 << 20;
	char *value = calloc(1, len);

	ck_assert_ptr_nonnull(value);
	value[0] = 'x';
	make("c", "a", "1");
	disk.mmap = mmap_to_largest;
	for (int i = 0; i < 4; i++) {
		struct reel *r = open_on(&disk);
		ck_assert_int_eq(reel_write(r, "k", 1, value, len), 0);
		ck_assert_int_eq(reel_close(r), 0);
	}
	struct reel *r = open_on(&disk);
	ck_assert_int_eq(reel_write(r, "k", 1, value, len), -EFBIG);
	ck_assert_int_eq(reel_close(r), 0);
	free(value);
}
END_TEST

/* Without shared mappings what was appended is read all the same. */
START_TEST(private_mappings_do)
{
	struct disk_ops disk = disk_real;
	struct reel_entry e;
	char key[32];

	make("c", "a", "1");
	disk.mmap = mmap_never;
	struct reel *r = open_on(&disk);
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		must_write(r, key, key);
		ck_assert_int_eq(reel_read(r, key, strlen(key), &e), 0);
		ck_assert_uint_eq(e.len, strlen(key));
		ck_assert_mem_eq(e.payload, key, e.len);
		reel_entry_release(&e);
	}
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    flags_say_whether_the_file_is_made,
	    empty_file_is_an_empty_store,
	    what_is_not_a_container_is_unchanged,
	    only_regular_files_are_containers,
	    second_writer_is_told_the_first_one_s_pid,
	    entry_in_use_does_not_keep_the_lock,
	    writer_follows_a_replaced_file,
	    torn_tail_is_kept_when_asked,
	    torn_tail_that_cannot_be_kept_is_not_cut,
	    reader_moves_on_to_commits_only,
	    tail_finder_has_the_first_word,
	    a_trailer_of_zeros_hides_nothing,
	    an_unfinished_batch_after_a_lost_entry_is_torn,
	    contents_of_an_older_generation_hold_no_unfinished_batch,
	    a_pad_with_other_bytes_is_torn,
	    a_lost_page_fails_checksums_only,
	    a_page_that_comes_back_is_read_again,
	    a_container_grows_to_the_largest_file,
	    private_mappings_do,
	};
	return run_tests("opening", tests, sizeof(tests) / sizeof(tests[0]));
}
