/*
 * workloads_begun.c - workloads that begin with a container which another program, or a life before, has made: that is done
 * on a good disk, before what the record counts.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "moment.h"
#include "workloads.h"

/* A container of keys and values that becomes one with a file system. */
void workload_adopted(struct life *l)
{
	struct reel *r;
	struct fs_options options = life_options(l);
	const struct reel_engine_options engine = {.base.flags = REEL_CREATE, .disk = options.disk};

	life_pause(l, true);
	must(reel_engine_open(l->path, &engine, &r) == 0);
	must(reel_write(r, "a", 1, "value", 5) == 0 && reel_write(r, "b", 1, l->path, 700) == 0);
	must(reel_close(r) == 0);
	if (l->record)
		l->record->first = l->record->n;
	life_pause(l, false);
	life_open(l);
	with_fs(l);
	life_promise(l);
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

/* The same of containers that the reference engine wrote, some of them torn. */
void workload_adopted_vectors(struct life *l)
{
	char name[80];

	life_take_vector(l, name);
	life_open(l);
	with_fs(l);
	life_promise(l);
	life_mkdir(l, "d");
	life_put(l, "d/a", 800);
	life_sync(l);
	for (int i = 0; i < 4; i++)
		life_random(l);
	life_kill(l);
	with_fs(l);
	for (int i = 0; i < 3; i++)
		life_random(l);
	life_close(l);
	life_foreign(l);
	life_open(l);
	with_fs(l);
	life_put(l, "b", 60);
	life_close(l);
	life_compact(l);
	life_open(l);
	with_fs(l);
	life_put(l, "b", 80);
	life_close(l);
}

void workload_imported(struct life *l)
{
	(void)life_create(l);
	(void)life_import(l);
	life_open(l);
	with_fs(l);
	life_unlink(l, "a");
	life_truncate(l, "sub/b", 100);
	life_patch(l, "sub/holes", 20000, 10);
	life_close(l);
	(void)life_import(l);
}

void workload_keys_of_vectors(struct life *l)
{
	char name[80];

	life_take_vector(l, name);
	(void)life_store_open(l);
	if (!l->store)
		return;
	life_promise(l);
	for (int i = 0; i < 12; i++) {
		life_store_random(l);
		if (i == 5)
			life_store_sync(l);
		if (i == 8)
			life_store_compact(l);
	}
	life_store_close(l);
}

/* The entries of `old` in the life's container. *picture: what they are. */
static int convert(struct life *l, const char *old, char **picture)
{
	struct reel_engine_options options = {.base.flags = REEL_RDONLY, .disk = l->disk};
	struct copied copied = {.at = 0};
	struct snapshot s;
	struct reel *r;
	uint64_t size;
	int err = reel_engine_open(old, &options, &r);

	if (err < 0)
		return err;
	life_pause(l, true);
	*picture = picture_of_store(r);
	life_pause(l, false);
	err = snapshot_take_live(r, &s);
	if (err == 0) {
		err = copy_to_new(r, &s, l->path, &copied, &size);
		snapshot_free(&s);
	}
	(void)reel_close(r);
	return err;
}

/* A container is written again: the new one is there as a whole, or not. */
void workload_converted(struct life *l)
{
	char name[80], old[4400], *picture = NULL;

	snprintf(old, sizeof(old), "%s/old", l->folder);
	life_take_vector(l, name);
	life_pause(l, true);
	must(l->disk->rename(l->disk, l->path, old) == 0 && disk_sync_parent(l->disk, old) == 0);
	if (l->record)
		l->record->first = l->record->n;
	life_pause(l, false);
	if (life_made(l, convert(l, old, &picture), l->path) == 0)
		(void)life_store_open(l);
	if (l->store) {
		l->changed += strcmp(l->state[0].picture, picture) != 0;
		life_promise(l);
		for (int i = 0; i < 4; i++)
			life_store_random(l);
		life_store_close(l);
	}
	free(picture);
}

/* Damaged containers. One of the new ones is lived on in. */
void workload_repaired(struct life *l)
{
	life_damaged(l, "old");
	life_damaged(l, "older");
	(void)life_repair(l, "older", "new");
	if (life_repair(l, "old", "c.reel") < 0)
		return;
	life_open(l);
	with_fs(l);
	life_promise(l);
	life_put(l, "h", 300);
	life_close(l);
}
