/*
 * workloads.c - what containers live through in the tests of crashes and faults. A workload goes on whatever its calls
 * return, because a disk may fail beneath it.
 */
#include "config.h"

#include <stdio.h>

#include "engine.h"
#include "life.h"
#include "moment.h"

static void begin(struct life *l)
{
	(void)life_create(l);
	(void)life_open(l);
}

#define with_fs(l)                                                                                                             \
	if (!(l)->fs)                                                                                                          \
	return

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
	life_close(l);
	life_foreign(l);
	life_open(l);
	with_fs(l);
	life_unlink(l, "a");
	life_close(l);
}

/* A container of keys and values that becomes one with a file system. */
static void adopted(struct life *l)
{
	struct reel *r;
	struct fs_options options = life_options(l);
	const struct reel_engine_options engine = {.base.flags = REEL_CREATE, .disk = options.disk};

	if (reel_engine_open(l->path, &engine, &r) < 0)
		return;
	(void)reel_write(r, "a", 1, "value", 5);
	(void)reel_write(r, "b", 1, l->path, 700);
	if (reel_close(r) < 0)
		return;
	life_open(l);
	with_fs(l);
	life_promise(l);
	if (l->record)
		l->record->first = l->record->n;
	life_mkdir(l, "d");
	life_put(l, "d/a", 800);
	life_sync(l);
	life_patch(l, "d/a", 100, 10);
	life_put(l, "b", 900);
	life_kill(l);
	with_fs(l);
	life_put(l, "c", 30);
	life_sync(l);
	life_rename(l, "d/a", "a", 0);
	life_put(l, "b", 100);
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

const struct workload WORKLOADS[] = {
    {"files", "files written, overwritten, patched, appended to, truncated, removed", files, false, false},
    {"names", "directories and files renamed over each other, links, symbolic links", names, false, false},
    {"attributes", "xattrs, modes, files removed while they are open", attributes, false, false},
    {"sessions", "closed and opened again between random changes", sessions, false, false},
    {"kills", "killed and gone on between random changes", kills, false, false},
    {"compactions", "compacted after a clean end and after a kill", compactions, false, false},
    {"foreign", "another program's keys between sessions", foreign, false, true},
    {"adopted", "a file system in a container that another program began", adopted, false, true},
    {"random", "random changes, syncs, ends", at_random, false, false},
    {"keys", "keys and values alone: writes, batches, deletions, compaction", keys, true, false},
};
const int WORKLOAD_COUNT = sizeof(WORKLOADS) / sizeof(WORKLOADS[0]);
