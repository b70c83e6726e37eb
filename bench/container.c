/*
 * container.c - makes and opens the containers of the measurements (container.h).
 */
#include "config.h"

#include "container.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *path_of(const char *dir, const char *name)
{
	static char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		check(-ENAMETOOLONG, dir);
	return path;
}

static void print_log(void *arg, int priority, const char *text)
{
	(void)arg, (void)priority;
	fprintf(stderr, "bench/store: %s\n", text);
}

struct reel *open_container(const char *path, unsigned flags)
{
	struct reel_options options = {.flags = flags, .log = print_log};
	struct reel *r;

	check(reel_open(path, &options, &r), path);
	return r;
}

struct reel *open_new(const char *dir)
{
	const char *path = path_of(dir, "bench.new");

	unlink(path);
	return open_container(path, REEL_CREATE);
}

void close_and_remove(struct reel *r)
{
	/* Before it is closed, so that no time is spent on syncing it. */
	unlink(reel_path(r));
	check(reel_close(r), "closing");
}

uint64_t *values_new(size_t n)
{
	uint64_t *values = allocate(n * sizeof(*values));

	for (size_t i = 0; i < n; i++)
		values[i] = i + 1;
	return values;
}

void append_in_batches(struct reel *r, const struct keys *keys, const uint64_t *values)
{
	struct reel_batch_item item[BATCH];

	for (size_t at = 0; at < keys->n; at += BATCH) {
		size_t n = keys->n - at < BATCH ? keys->n - at : BATCH;
		for (size_t i = 0; i < n; i++) {
			item[i].key_hash = reel_hash(keys->text[at + i], keys->len[at + i]);
			item[i].value = &values[at + i];
			item[i].value_len = SMALL;
		}
		check(reel_write_batch(r, item, n), "writing a batch");
	}
}

const char *container(const char *dir, const char *name, size_t n)
{
	const char *path = path_of(dir, name);
	struct keys keys;

	if (access(path, F_OK) == 0)
		return path;
	uint64_t *values = values_new(n);
	keys_in_order(&keys, n);
	struct reel *r = open_container(path, REEL_CREATE);
	append_in_batches(r, &keys, values);
	check(reel_close(r), path);
	keys_free(&keys);
	free(values);
	return path;
}

const char *million(const char *dir)
{
	return container(dir, "bench.1m", ENTRIES);
}

struct reel *open_with_index(const char *path, unsigned flags)
{
	struct reel *r = open_container(path, flags);

	check(reel_exists_hash(r, 0), path);
	return r;
}
