/*
 * workloads.c - what containers live through in the tests of crashes and faults. A workload goes on whatever its calls
 * return, because a disk may fail beneath it.
 */
#include "config.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "moment.h"
#include "workloads.h"

static void begin(struct life *l)
{
	int r = life_create(l);

	if (life_open(l) == 0 && r == 0)
		life_promise(l);
}

static void files(struct life *l)
{
	begin(l);
	with_fs(l);
	life_put(l, "a", 5000);
	life_put(l, "b", 0);
	life_put(l, "c", 1);
	life_sync(l);
	life_put(l, "a", 700);
	life_patch(l, "a", 100, 50);
	life_append(l, "a", 2000);
	life_fsync(l, "a");
	life_patch(l, "a", 50000, 10);
	life_truncate(l, "a", 1500);
	life_truncate(l, "a", 9000);
	life_put(l, "b", 3000);
	life_unlink(l, "c");
	life_put(l, "c", 20);
	/* Its tombstones are due where the session ends with a checkpoint. */
	life_unlink(l, "a");
	life_close(l);
}

static void names(struct life *l)
{
	begin(l);
	with_fs(l);
	life_mkdir(l, "d");
	life_mkdir(l, "d/e");
	life_put(l, "d/e/f", 600);
	life_put(l, "g", 300);
	life_sync(l);
	life_rename(l, "d/e", "h", 0);
	life_rename(l, "g", "h/f", 0);
	life_link(l, "h/f", "d/f");
	life_symlink(l, "s", "h/f");
	life_rename(l, "d", "h", RENAME_EXCHANGE);
	life_sync(l);
	life_mknod(l, "fifo");
	life_unlink(l, "d/f");
	life_rename(l, "h", "d/h", 0);
	life_rmdir(l, "d/h");
	life_unlink(l, "d/h/f");
	life_rmdir(l, "d/h");
	life_unlink(l, "s");
	life_close(l);
}

static void attributes(struct life *l)
{
	begin(l);
	with_fs(l);
	life_put(l, "a", 400);
	life_setxattr(l, "a", "user.one", 20);
	life_setxattr(l, "a", "user.two", 2000);
	life_chmod(l, "a", 0600);
	life_sync(l);
	life_setxattr(l, "a", "user.two", 10);
	life_removexattr(l, "a", "user.one");
	life_chmod(l, "a", 04755);
	life_mkdir(l, "d");
	life_setxattr(l, "d", "user.three", 0);
	life_unlink_open(l, "a");
	life_put(l, "a", 900);
	life_unlink_open(l, "a");
	life_setacl(l, "d", true, 6);
	life_mkdir(l, "d/e");
	life_put(l, "d/a", 10);
	life_sync(l);
	life_setacl(l, "d/a", false, 2);
	life_chmod(l, "d/a", 0640);
	life_read(l, "d/a");
	life_setxattr(l, "d/e", "trusted.t", 30);
	life_close(l);
}

/* Holes made in all ways, and contents that share what is around them. */
static void holes(struct life *l)
{
	const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	begin(l);
	with_fs(l);
	life_put(l, "a", 9000);
	life_put(l, "b", 3000);
	life_patch(l, "b", 30000, 500);
	life_fsync(l, "b");
	life_allocate(l, "a", punch, 1000, 5000);
	life_allocate(l, "b", FALLOC_FL_ZERO_RANGE, 29000, 1200);
	life_patch(l, "a", 2000, 30);
	life_tmpfile(l, "c", 5000);
	life_allocate(l, "c", 0, 4000, 9000);
	life_sync(l);
	life_allocate(l, "c", punch, 0, 100000);
	life_truncate(l, "a", 1);
	life_allocate(l, "a", FALLOC_FL_ZERO_RANGE, 0, 1);
	life_tmpfile(l, "d", 1);
	life_allocate(l, "b", FALLOC_FL_KEEP_SIZE, 50000, 10);
	life_close(l);
}

/* Files that share bytes, each of which is then changed, removed, or taken by another program. */
static void copies(struct life *l)
{
	begin(l);
	with_fs(l);
	life_put(l, "a", 9000);
	life_put(l, "b", 5000);
	life_put(l, "c", 0);
	life_copy(l, "a", 1000, "b", 8192, 6000);
	life_copy(l, "a", 0, "c", 0, 9000);
	life_sync(l);
	life_patch(l, "a", 2000, 30);
	life_patch(l, "b", 9000, 30);
	life_unlink(l, "a");
	life_copy(l, "c", 0, "b", 0, 4096);
	life_kill(l);
	with_fs(l);
	life_allocate(l, "c", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 6000);
	life_put(l, "a", 700);
	life_close(l);
	life_compact(l);
	life_open(l);
	with_fs(l);
	life_truncate(l, "c", 10);
	life_close(l);
}

/* Contents longer than the buffer of an append, which is then several writes, and than a block with a checksum of its own. */
static void large(struct life *l)
{
	begin(l);
	with_fs(l);
	life_put(l, "a", 150000);
	life_sync(l);
	life_patch(l, "a", 70000, 3000);
	life_put(l, "b", 140000);
	life_rename(l, "b", "a", 0);
	life_close(l);
}

/* Files written past what the buffer of one holds in memory. */
static void spilled(struct life *l)
{
	l->buffer = 4096;
	begin(l);
	with_fs(l);
	life_put(l, "a", 9000);
	life_put(l, "b", 0);
	life_spill(l, "a");
	life_kill(l);
	with_fs(l);
	life_spill(l, "b");
	life_close(l);
}

/* A clean end and another beginning, with so many changes that a checkpoint is due at each end. */
static void sessions(struct life *l)
{
	begin(l);
	with_fs(l);
	for (int i = 0; i < 4; i++) {
		for (int n = 0; n < 6 && l->fs; n++)
			life_random(l);
		if (i % 2)
			life_sync(l);
		for (int n = 0; n < 3 && l->fs; n++)
			life_random(l);
		if (i == 2) {
			life_put(l, "due", 20);
			life_unlink(l, "due");
			life_checkpoint(l);
		}
		life_close(l);
		life_open(l);
		with_fs(l);
	}
	life_close(l);
}

/* Killed, and gone on with what the page cache kept, again and again, seldom synced. */
static void kills(struct life *l)
{
	begin(l);
	with_fs(l);
	for (int i = 0; i < 5; i++) {
		for (int n = 0; n < 4; n++)
			life_random(l);
		if (i == 2)
			life_sync(l);
		life_kill(l);
		with_fs(l);
	}
	life_put(l, "a", 10);
	life_close(l);
}

static void compactions(struct life *l)
{
	begin(l);
	with_fs(l);
	life_put(l, "a", 5000);
	life_put(l, "b", 300);
	life_mkdir(l, "d");
	life_setxattr(l, "d", "user.x", 40);
	life_put(l, "a", 2000);
	life_link(l, "a", "d/a");
	life_patch(l, "b", 40000, 10);
	life_close(l);
	life_compact(l);
	life_open(l);
	with_fs(l);
	life_put(l, "b", 30);
	life_unlink(l, "a");
	life_kill(l);
	with_fs(l);
	life_sync(l);
	life_rename(l, "d/a", "a", 0);
	life_kill(l);
	with_fs(l);
	life_die(l);
	life_compact(l);
	life_open(l);
	with_fs(l);
	life_put(l, "b", 70);
	life_close(l);
}

static void foreign(struct life *l)
{
	begin(l);
	with_fs(l);
	life_put(l, "a", 500);
	life_put(l, "b", 400);
	life_close(l);
	life_foreign(l);
	life_open(l);
	with_fs(l);
	life_put(l, "b", 60);
	life_append(l, "a", 20);
	life_sync(l);
	life_put(l, "c", 60);
	life_copy(l, "a", 0, "c", 0, 1000);
	life_close(l);
	life_foreign(l);
	life_open(l);
	with_fs(l);
	life_unlink(l, "a");
	life_close(l);
}

static void at_random(struct life *l)
{
	begin(l);
	for (int i = 0; i < 25 && l->fs; i++) {
		uint64_t what = next_random(&l->seed) % 12;
		if (what == 0)
			life_sync(l);
		else if (what == 1 && life_close(l) == 0)
			life_open(l);
		else if (l->fs)
			life_random(l);
	}
	if (l->fs)
		life_close(l);
}

static void keys(struct life *l)
{
	(void)life_store_open(l);
	if (!l->store)
		return;
	life_write(l, 1, 300);
	life_write(l, 2, 40);
	life_store_sync(l);
	life_batch(l, 10, 4, 200);
	life_write(l, 1, 70);
	life_write(l, 2, 5000);
	life_store_sync(l);
	life_batch(l, 20, 3, 700);
	life_write(l, 3, 2);
	life_delete(l, 2);
	life_store_close(l);
	(void)life_store_open(l);
	if (!l->store)
		return;
	life_write(l, 4, 900);
	life_store_compact(l);
	life_write(l, 5, 600);
	life_write(l, 1, 33);
	life_store_close(l);
}

static void keys_at_random(struct life *l)
{
	(void)life_store_open(l);
	for (int i = 0; i < 25 && l->store; i++) {
		uint64_t what = next_random(&l->seed) % 16;
		if (what < 2)
			life_store_sync(l);
		else if (what == 2 && life_store_close(l) == 0)
			(void)life_store_open(l);
		else if (what == 3)
			(void)life_store_kill(l);
		else if (what == 4)
			life_store_compact(l);
		else if (l->store)
			life_store_random(l);
	}
	if (l->store)
		life_store_close(l);
}

static void large_keys(struct life *l)
{
	(void)life_store_open(l);
	if (!l->store)
		return;
	life_write(l, 1, 100);
	life_store_sync(l);
	life_batch(l, 2, 3, 70000);
	life_store_sync(l);
	life_stream(l, 3, 4, 40000, false);
	life_stream(l, 3, 4, 40000, true);
	life_write(l, 4, 90000);
	life_store_close(l);
}

const struct workload WORKLOADS[] = {
    {"files", "files written, overwritten, patched, appended to, truncated, removed", files, false, false},
    {"names", "directories and files renamed over each other, links, symbolic links", names, false, false},
    {"attributes", "xattrs, ACLs, modes, files removed while they are open", attributes, false, false},
    {"holes", "holes punched, zeroed, left by writes; files written before they have a name", holes, false, false},
    {"copies", "copy_file_range: files that share bytes", copies, false, false},
    {"large", "appends of several writes", large, false, false},
    {"spilled", "open files of which so much is written that it goes to a spill file", spilled, false, false},
    {"sessions", "closed and opened again between random changes; checkpoints", sessions, false, false},
    {"kills", "killed and gone on between random changes", kills, false, false},
    {"compactions", "compacted after a clean end and after a kill", compactions, false, false},
    {"foreign", "another program's keys between sessions", foreign, false, true},
    {"adopted", "a file system in a container that another program began", workload_adopted, false, true},
    {"adopted-vectors", "a file system in a container of the reference engine", workload_adopted_vectors, false, true},
    {"imported", "reel import, into an empty container and again", workload_imported, false, false},
    {"repaired", "damaged containers, and what is whole of them", workload_repaired, false, false},
    {"random", "random changes, syncs, ends", at_random, false, false},
    {"keys", "keys and values alone: writes, batches, deletions, compaction", keys, true, false},
    {"keys-random", "keys and values: random changes, streams, submissions, kills, compactions", keys_at_random, true, false},
    {"keys-large", "keys and values: appends of several writes", large_keys, true, false},
    {"keys-vectors", "keys and values in a container of the reference engine", workload_keys_of_vectors, true, false},
    {"converted", "a container of the reference engine written again", workload_converted, true, false},
};
const int WORKLOAD_COUNT = sizeof(WORKLOADS) / sizeof(WORKLOADS[0]);
