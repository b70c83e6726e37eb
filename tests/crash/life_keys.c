/*
 * life_keys.c - see life.h: keys and values through libreel alone, as a life of their own or beside a file system
 * that is closed.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "life.h"
#include "moment.h"

static int open_store(struct life *l, unsigned flags)
{
	struct fs_options fs = life_options(l);
	struct reel_engine_options options = {.base = {.flags = flags, .log = fs.log, .log_arg = fs.log_arg}, .disk = l->disk};

	l->messages[0] = 0;
	l->store = NULL;
	return reel_engine_open(l->path, &options, &l->store);
}

int life_store_open(struct life *l)
{
	int r = open_store(l, REEL_CREATE);

	if (r == 0)
		life_note(l);
	return r;
}

int life_store_close(struct life *l)
{
	int r = reel_close(l->store);

	l->store = NULL;
	if (r == 0)
		life_promise(l);
	return r;
}

int life_store_kill(struct life *l)
{
	*l->dead = true;
	(void)reel_close(l->store);
	*l->dead = false;
	return life_store_open(l);
}

int life_store_sync(struct life *l)
{
	int r = reel_sync(l->store);

	if (r == 0)
		life_promise(l);
	return r;
}

static void value_of(struct life *l, uint8_t *value, size_t len)
{
	uint64_t word = 0;

	for (size_t i = 0; i < len; i++) {
		word = i % 8 == 0 ? next_random(&l->seed) : word >> 8;
		value[i] = (uint8_t)word;
	}
}

int life_write(struct life *l, uint64_t key, size_t len)
{
	uint8_t *value = malloc(len);

	must(value);
	value_of(l, value, len);
	int r = reel_write_hash(l->store, key, value, len);
	free(value);
	if (r == 0)
		life_note(l);
	return r;
}

int life_delete(struct life *l, uint64_t key)
{
	int r = reel_delete_hash(l->store, key);

	if (r >= 0)
		life_note(l);
	return r < 0 ? r : 0;
}

int life_batch(struct life *l, uint64_t first_key, size_t n, size_t len)
{
	uint8_t *values = malloc(n * len);
	struct reel_batch_item *items = calloc(n + 1, sizeof(*items));

	must(values && items);
	value_of(l, values, n * len);
	for (size_t i = 0; i < n; i++)
		items[i] = (struct reel_batch_item){first_key + i, values + i * len, len};
	items[n] = (struct reel_batch_item){.key_hash = 1};
	int r = reel_write_batch(l->store, items, n + 1);
	free(values);
	free(items);
	if (r == 0)
		life_note(l);
	return r;
}

int life_store_compact(struct life *l)
{
	int r = reel_compact(l->store, NULL);

	if (r == 0)
		life_note(l);
	return r;
}

/* --- beside a file system -------------------------------------------------------------------------------------- */

/* What a mount would show now. */
static int note_as_seen(struct life *l)
{
	struct fs_options options = {.read_only = true};
	struct fs *fs;
	int r = fs_open(l->path, &options, &fs);

	if (r < 0)
		return r;
	life_add_state(l, picture_of_tree(fs, !l->others));
	return fs_close(fs);
}

static int foreign_write(struct life *l, const char *key, size_t len)
{
	uint8_t *value = malloc(len);

	must(value);
	value_of(l, value, len);
	int r = reel_write(l->store, key, strlen(key), value, len);
	free(value);
	return r < 0 ? r : note_as_seen(l);
}

int life_foreign(struct life *l)
{
	struct reel_batch_item two[] = {{17, "seventeen", 9}, {18, "eighteen", 8}};
	int r = open_store(l, 0);

	if (r < 0)
		return r;
	r = foreign_write(l, "a", 1000);
	if (r == 0)
		r = foreign_write(l, "unknown", 50);
	if (r == 0)
		r = reel_delete(l->store, "b", 1) < 0 ? -1 : note_as_seen(l);
	if (r == 0)
		r = reel_write_batch(l->store, two, 2);
	if (r == 0)
		r = note_as_seen(l);
	if (r == 0)
		r = foreign_write(l, "unknown", 3000);
	int closed = life_store_close(l);
	return r < 0 ? r : closed;
}
