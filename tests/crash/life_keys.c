/*
 * life_keys.c - see life.h: keys and values through libreel alone, as a life of their own or beside a file system
 * that is closed; and containers that another program began.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
	int r = life_noted(l, open_store(l, REEL_CREATE));

	if (r == 0)
		life_compare(l);
	return r;
}

int life_store_close(struct life *l)
{
	int r = reel_close(l->store);

	l->store = NULL;
	if (r == 0)
		life_promise(l);
	return life_told(l, r);
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
	return life_told(l, r);
}

int life_write(struct life *l, uint64_t key, size_t len)
{
	uint8_t *value = life_bytes(l, len);
	int r = reel_write_hash(l->store, key, value, len);

	free(value);
	return life_noted(l, r);
}

int life_delete(struct life *l, uint64_t key)
{
	int r = reel_delete_hash(l->store, key);

	return life_noted(l, r < 0 ? r : 0);
}

/* `n` items with values, and room for one more. The values are in *values. */
static struct reel_batch_item *make_items(struct life *l, uint64_t first_key, size_t n, size_t len, uint8_t **values)
{
	struct reel_batch_item *items = life_room(l, (n + 1) * sizeof(*items));

	*values = life_bytes(l, n * len);
	for (size_t i = 0; i < n; i++)
		items[i] = (struct reel_batch_item){first_key + i, *values + i * len, len};
	return items;
}

int life_batch(struct life *l, uint64_t first_key, size_t n, size_t len)
{
	uint8_t *values;
	struct reel_batch_item *items = make_items(l, first_key, n, len, &values);

	items[n] = (struct reel_batch_item){.key_hash = 1};
	int r = reel_write_batch(l->store, items, n + 1);
	free(values);
	free(items);
	return life_noted(l, r);
}

int life_submit(struct life *l, uint64_t first_key, size_t n, size_t len, bool sync)
{
	struct reel_ticket *ticket;
	struct reel_writer *w;
	uint8_t *values;
	int r = reel_writer_start(l->store, 0, &w);

	if (r < 0)
		return r;
	struct reel_batch_item *items = make_items(l, first_key, n, len, &values);
	r = reel_submit_hashes(w, items, n, sync ? REEL_SUBMIT_SYNC : 0, NULL, NULL, &ticket);
	if (r == 0)
		r = reel_ticket_wait(ticket);
	reel_writer_end(w);
	free(values);
	free(items);
	/* Written before it was synced, it is there after a sync that failed, and nothing is promised. */
	if (sync && r < 0) {
		life_note(l);
		return life_counted(l, r);
	}
	r = life_noted(l, r);
	if (sync && r == 0)
		life_promise(l);
	return r;
}

int life_delete_batch(struct life *l, uint64_t first_key, size_t n)
{
	uint64_t *keys = life_room(l, n * sizeof(*keys));

	for (size_t i = 0; i < n; i++)
		keys[i] = first_key + i;
	ssize_t r = reel_delete_batch_hashes(l->store, keys, n);
	free(keys);
	return life_noted(l, r < 0 ? (int)r : 0);
}

int life_stream(struct life *l, uint64_t key, size_t pieces, size_t len, bool commit)
{
	struct reel_stream *s;
	int r = reel_stream_begin_hash(l->store, key, &s);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < pieces; i++) {
		uint8_t *piece = life_bytes(l, len);
		r = reel_stream_append(s, piece, len);
		free(piece);
	}
	if (r == 0 && commit)
		return life_noted(l, reel_stream_commit(s));
	reel_stream_abort(s);
	return life_noted(l, r);
}

int life_store_rename(struct life *l, uint64_t from, uint64_t to)
{
	int r = reel_write(l->store, &from, sizeof(from), &l->seed, sizeof(l->seed));

	if (r == 0)
		life_note(l);
	return r < 0 || from == to ? r : life_noted(l, reel_rename(l->store, &from, sizeof(from), &to, sizeof(to)));
}

int life_store_compact(struct life *l)
{
	int r = life_noted(l, reel_compact(l->store, NULL));

	if (r == 0)
		life_promise(l);
	return r;
}

/* --- beside a file system -------------------------------------------------------------------------------------- */

/* What a mount would show now. */
static int note_as_seen(struct life *l)
{
	struct fs_options options = {.read_only = true};
	struct fs *fs;
	int r;

	life_pause(l, true);
	r = fs_open(l->path, &options, &fs);
	if (r == 0) {
		life_add_picture(l, fs);
		r = fs_close(fs);
	}
	life_pause(l, false);
	return r;
}

static int foreign_write(struct life *l, const char *key, size_t len)
{
	uint8_t *value = life_bytes(l, len);
	int r = reel_write(l->store, key, strlen(key), value, len);
	free(value);
	return r < 0 ? r : note_as_seen(l);
}

int life_foreign(struct life *l)
{
	int r = open_store(l, 0);

	if (r < 0)
		return r;
	r = foreign_write(l, "a", 1000);
	if (r == 0)
		r = foreign_write(l, "unknown", 50);
	if (r == 0)
		r = reel_delete(l->store, "b", 1) < 0 ? -1 : note_as_seen(l);
	if (r == 0)
		r = foreign_write(l, "seventeen", 9);
	if (r == 0)
		r = foreign_write(l, "eighteen", 8);
	if (r == 0)
		r = foreign_write(l, "unknown", 3000);
	int closed = life_store_close(l);
	return r < 0 ? r : closed;
}

/* --- containers of another program --------------------------------------------------------------------------------- */

static const char *const vectors[] = {
    "base",           "batch",       "binkeys",        "collision",    "compacted",
    "copymove",       "emptykey",    "longkeys",       "nested",       "nul1",
    "rename",         "utf8",        "zeros",          "alldeleted",   "tail-garbage",
    "prehashed",      "nested-cut1", "tail-zeros4096", "trunc-pad-13", "trunc-midpayload",
    "trunc-lastbyte",
};

static void put_file(struct life *l, const void *bytes, size_t len)
{
	struct iovec iov = {(void *)(uintptr_t)bytes, len};
	int fd = l->disk->open(l->disk, l->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	must(fd >= 0 && disk_write_all(l->disk, fd, &iov, 1, 0) == 0 && l->disk->fsync(l->disk, fd) == 0);
	must(l->disk->close(l->disk, fd) == 0 && disk_sync_parent(l->disk, l->path) == 0);
}

void life_take_vector(struct life *l, char name[80])
{
	char path[4400];
	struct stat st;
	FILE *f;

	life_pause(l, true);
	snprintf(name, 80, "%s", vectors[next_random(&l->seed) % (sizeof(vectors) / sizeof(*vectors))]);
	snprintf(path, sizeof(path), "%s/v64a-%s.bin", VECTORS_DIR, name);
	f = fopen(path, "rb");
	must(f && fstat(fileno(f), &st) == 0);
	uint8_t *bytes = malloc((size_t)st.st_size);
	must(bytes && fread(bytes, (size_t)st.st_size, 1, f) == 1);
	fclose(f);
	put_file(l, bytes, (size_t)st.st_size);
	free(bytes);
	if (l->record)
		l->record->first = l->record->n;
	life_pause(l, false);
}
