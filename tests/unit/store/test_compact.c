/*
 * test_compact.c - compaction: what it keeps, what it drops, and what it leaves alone, also when it fails.
 */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faulty.h"
#include "runner.h"

/* a, b, c, d and e in this order; b is written again at the end, and d deleted. */
static struct reel *make_used(const char *path)
{
	struct reel *r = must_open(path, REEL_CREATE);

	for (const char *key = "abcde"; *key != 0; key++) {
		char name[] = {*key, 0};
		must_write(r, name, "value");
	}
	must_write(r, "b", "newer");
	ck_assert_int_eq(reel_delete(r, "d", 1), 1);
	return r;
}

/* The keys of all entries from the oldest on. */
static void check_order(struct reel *r, const char *keys)
{
	size_t n = strlen(keys);
	struct reel_iter *it;
	struct reel_entry e;

	ck_assert_int_eq(reel_iter_new(r, false, &it), 0);
	for (size_t i = n; i-- > 0; reel_entry_release(&e)) {
		ck_assert_int_eq(reel_iter_next(it, &e), 1);
		ck_assert_uint_eq(e.key_hash, reel_hash(&keys[i], 1));
		ck_assert(reel_entry_valid(&e) && !e.tombstone);
	}
	ck_assert_int_eq(reel_iter_next(it, &e), 0);
	reel_iter_free(it);
}

static void ignore_text(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

/* Files of the directory. */
static int count_files(void)
{
	FILE *f = popen("ls -A | wc -l", "r");
	int n;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%d", &n), 1);
	ck_assert_int_eq(pclose(f), 0);
	return n;
}

/* Live entries stay in their order, superseded ones and tombstones go, and nothing else is left beside the container. */
START_TEST(test_trap_16_order_is_kept_and_the_dead_are_dropped)
{
	struct reel *r = make_used("c");

	ck_assert_int_eq(reel_compact(r, NULL), 0);
	check_order(r, "aceb");
	ck_assert(reads(r, "b", "newer") && reads(r, "d", NULL));
	ck_assert_int_eq(count_files(), 1);
	ck_assert_int_eq(reel_close(r), 0);
	r = must_open("c", 0);
	check_order(r, "aceb");
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* Files left by others under the names a compaction could use are neither used nor changed. */
START_TEST(test_trap_16_left_over_files_are_not_used)
{
	struct reel *r = make_used("c");
	char name[64];

	snprintf(name, sizeof(name), "c.new-%ld.0", (long)getpid());
	file_write(name, "deleted data", 12);
	file_write("c.bk", "deleted data", 12);
	ck_assert_int_eq(reel_compact(r, NULL), 0);
	ck_assert(file_is(name, "deleted data", 12) && file_is("c.bk", "deleted data", 12));
	check_order(r, "aceb");
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* A symbolic link stays one, and mode and owner stay what they were. */
START_TEST(test_trap_16_link_mode_and_owner_stay)
{
	struct stat st;

	ck_assert_int_eq(mkdir("real", 0755), 0);
	ck_assert_int_eq(reel_close(make_used("real/c")), 0);
	ck_assert_int_eq(chmod("real/c", 0640), 0);
	if (getuid() == 0) {
		ck_assert_int_eq(chown("real/c", 12, 34), 0);
	} else {
		printf("# SKIP test_trap_16_link_mode_and_owner_stay, the owner: needs root\n");
		fflush(stdout);
	}
	ck_assert_int_eq(symlink("real/c", "link"), 0);
	struct reel *r = must_open("link", 0);
	ck_assert_int_eq(reel_compact(r, NULL), 0);
	ck_assert_int_eq(reel_close(r), 0);
	ck_assert_int_eq(lstat("link", &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(stat("real/c", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	if (getuid() == 0)
		ck_assert(st.st_uid == 12 && st.st_gid == 34);
}
END_TEST

/* The handle goes on in the new file: what it writes is there after a reopen. */
START_TEST(test_trap_16_later_writes_are_in_the_new_file)
{
	struct reel *r = make_used("c");

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(reel_compact(r, NULL), 0);
		must_write(r, "f", "later");
		ck_assert_int_eq(reel_sync(r), 0);
	}
	ck_assert_int_eq(reel_close(r), 0);
	r = must_open("c", 0);
	ck_assert(reads(r, "f", "later") && reads(r, "a", "value"));
	ck_assert_int_eq(reel_len(r), 5);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* Entries and iterators from before stay as they were. */
START_TEST(entries_and_walks_outlive_a_compaction)
{
	struct reel *r = make_used("c");
	struct reel_entry held, e, clone;
	struct reel_iter *it, *all;

	ck_assert_int_eq(reel_read(r, "c", 1, &held), 0);
	ck_assert_int_eq(reel_iter_new(r, true, &it), 0);
	ck_assert_int_eq(reel_iter_new(r, false, &all), 0);
	ck_assert_int_eq(reel_compact(r, NULL), 0);
	must_write(r, "c", "other");
	ck_assert(held.len == 5 && memcmp(held.payload, "value", 5) == 0);
	reel_entry_clone(&held, &clone);
	reel_entry_release(&held);
	ck_assert_int_eq(memcmp(clone.payload, "value", 5), 0);
	int live = 0, entries = 0;
	for (; reel_iter_next(it, &e) > 0; live++)
		reel_entry_release(&e);
	for (; reel_iter_next(all, &e) > 0; entries++)
		reel_entry_release(&e);
	ck_assert_int_eq(live, 4);
	ck_assert_int_eq(entries, 7);
	reel_iter_free(it);
	reel_iter_free(all);
	ck_assert_int_eq(reel_close(r), 0);
	ck_assert_int_eq(memcmp(clone.payload, "value", 5), 0);
	reel_entry_release(&clone);
}
END_TEST

/* Another handle that only reads keeps the old file, whole, until it is told to refresh. */
START_TEST(readers_keep_their_file_until_they_refresh)
{
	struct reel *r = make_used("c"), *reader = must_open("c", REEL_RDONLY);
	struct reel_entry old;

	ck_assert_int_eq(reel_compact(r, NULL), 0);
	must_write(r, "a", "after");
	ck_assert(reads(reader, "a", "value") && reads(reader, "b", "newer"));
	ck_assert_uint_eq(count_entries(reader, false), 7);
	ck_assert_int_eq(reel_read(reader, "a", 1, &old), 0);
	ck_assert_int_eq(reel_refresh(reader), 1);
	ck_assert(reads(reader, "a", "after") && reads(reader, "b", "newer") && reads(reader, "d", NULL));
	ck_assert_uint_eq(count_entries(reader, false), 5);
	ck_assert_int_eq(memcmp(old.payload, "value", 5), 0);
	reel_entry_release(&old);
	ck_assert_int_eq(reel_refresh(reader), 0);
	must_write(r, "g", "newest");
	ck_assert_int_eq(reel_refresh(reader), 1);
	ck_assert(reads(reader, "g", "newest"));
	ck_assert_int_eq(reel_close(reader) | reel_close(r), 0);
}
END_TEST

/* The lock goes over to the new file: there is no second writer afterwards, also with entries of the old file in use. */
START_TEST(lock_is_held_over_a_compaction)
{
	struct reel *r = make_used("c"), *second;
	struct reel_entry held;

	ck_assert_int_eq(reel_read(r, "a", 1, &held), 0);
	ck_assert_int_eq(reel_compact(r, NULL), 0);
	ck_assert_int_eq(open_with("c", 0, &second), -EBUSY);
	ck_assert_int_eq(reel_close(r), 0);
	second = must_open("c", 0);
	reel_entry_release(&held);
	ck_assert_int_eq(reel_close(second), 0);
}
END_TEST

/* An empty container, and one in which everything is deleted, become empty files. */
START_TEST(nothing_live_leaves_an_empty_file)
{
	struct reel *r = must_open("c", REEL_CREATE);

	ck_assert_int_eq(reel_compact(r, NULL), 0);
	must_write(r, "a", "value");
	ck_assert_int_eq(reel_delete(r, "a", 1), 1);
	ck_assert_int_eq(reel_compact(r, NULL), 0);
	ck_assert_uint_eq(file_size("c"), 0);
	must_write(r, "a", "again");
	ck_assert(reads(r, "a", "again"));
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* A container with a file system is refused, with the program that can do it, and unchanged. */
START_TEST(container_with_a_file_system_is_refused)
{
	static const char superblock[] = "\0reelfs\0superblock";
	struct reel *r = make_used("c");

	ck_assert_int_eq(reel_write(r, superblock, sizeof(superblock) - 1, "a superblock", 12), 0);
	struct file before = file_read("c");
	ck_assert_int_eq(reel_compact(r, NULL), -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(logged, "reel compact"));
	ck_assert(file_is("c", before.bytes, before.len));
	ck_assert_int_eq(count_files(), 1);
	file_free(&before);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* A compaction that finds no room changes nothing, leaves nothing, and writing goes on. */
START_TEST(full_disk_changes_nothing)
{
	struct faulty f;

	ck_assert_int_eq(reel_close(make_used("c")), 0);
	struct file before = file_read("c");
	faulty_init(&f);
	struct reel *r = faulty_open(&f, "c", 0);
	f.room = 100;
	f.write_error = -ENOSPC;
	ck_assert_int_eq(reel_compact(r, NULL), -ENOSPC);
	ck_assert(file_is("c", before.bytes, before.len));
	ck_assert_int_eq(count_files(), 1);
	f.room = UINT64_MAX;
	must_write(r, "h", "goes on");
	ck_assert_int_eq(reel_compact(r, NULL), 0);
	check_order(r, "acebh");
	file_free(&before);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/* When another file has the container's name by now, that file is not replaced. */
START_TEST(replaced_file_is_not_touched)
{
	struct reel *r = make_used("c");

	ck_assert_int_eq(rename("c", "moved"), 0);
	file_write("c", "something else", 14);
	ck_assert_int_eq(reel_compact(r, NULL), -ESTALE);
	ck_assert(file_is("c", "something else", 14));
	ck_assert_int_eq(count_files(), 2);
	must_write(r, "a", "still written");
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

/*
 * A link that a flipped bit made lead to an older entry passes over those between. They are not dropped, and a repair finds
 * them.
 */
START_TEST(entries_that_a_damaged_link_passes_over_are_not_dropped)
{
	struct reel *r = must_open("c", REEL_CREATE);
	struct reel_salvaged salvaged;
	uint64_t tails[4];

	for (int i = 0; i < 4; i++) {
		must_write(r, (const char *[]){"a", "b", "c", "d"}[i], "value");
		tails[i] = reel_tail_offset(r);
	}
	must_write(r, "d", "newer");
	ck_assert_int_eq(reel_close(r), 0);
	struct file f = file_read("c");
	memcpy(f.bytes + tails[3] - 12, &(uint64_t){htole64(tails[0])}, 8);
	file_write("c", f.bytes, f.len);
	r = must_open("c", 0);
	ck_assert_int_eq(reel_compact(r, NULL), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(logged, "--repair"));
	ck_assert(file_is("c", f.bytes, f.len));
	ck_assert_int_eq(count_files(), 1);
	ck_assert_int_eq(reel_close(r), 0);
	ck_assert_int_eq(reel_salvage("c", "saved", NULL, ignore_text, NULL, &salvaged), 0);
	r = must_open("saved", REEL_RDONLY);
	ck_assert(reads(r, "a", "value") && reads(r, "b", "value") && reads(r, "c", "value") && reads(r, "d", "newer"));
	ck_assert_int_eq(reel_close(r), 0);
	file_free(&f);
}
END_TEST

/* Readers are refused. */
START_TEST(read_only_containers_are_not_compacted)
{
	ck_assert_int_eq(reel_close(make_used("c")), 0);
	struct reel *r = must_open("c", REEL_RDONLY);

	ck_assert_int_eq(reel_compact(r, NULL), -EROFS);
	ck_assert_int_eq(reel_close(r), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
	    test_trap_16_order_is_kept_and_the_dead_are_dropped,
	    test_trap_16_left_over_files_are_not_used,
	    test_trap_16_link_mode_and_owner_stay,
	    test_trap_16_later_writes_are_in_the_new_file,
	    entries_and_walks_outlive_a_compaction,
	    readers_keep_their_file_until_they_refresh,
	    lock_is_held_over_a_compaction,
	    nothing_live_leaves_an_empty_file,
	    container_with_a_file_system_is_refused,
	    full_disk_changes_nothing,
	    replaced_file_is_not_touched,
	    entries_that_a_damaged_link_passes_over_are_not_dropped,
	    read_only_containers_are_not_compacted,
	};
	return run_tests("compact", tests, sizeof(tests) / sizeof(tests[0]));
}
