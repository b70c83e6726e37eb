/*
 * append.c - appends: entries are gathered and written past the tail, and become visible when the
 * tail moves. Relies on the disk's writes being in order within one call.
 *
 * Invariants:
 *  - Bytes below the committed tail are never written again.
 *  - Data is written in the order of the file, so that a kill leaves a prefix of the append, whose
 *    last entry is whole or has no trailer. What is amended (reel_append_amend()) can be torn.
 *  - Of an append that is all or nothing, the first trailer carries TRAILER_UNFINISHED until all the
 *    rest is in the file. A kill before that leaves a first entry that links to nothing, and with it
 *    nothing of the append; the one byte that ends this state cannot be written in part.
 *  - When an append fails or is given up, the file is cut back to the tail, and the cut is synced: or
 *    else entries of the append given up could be found behind those of a later one after a crash.
 *    Where cutting fails nothing is ever written again.
 */
#include "config.h"

#include "append.h"

#include <stdio.h>
#include <stdlib.h>

#include "store.h"

static bool is_no_room(int err)
{
	return err == -ENOSPC || err == -EDQUOT || err == -EFBIG;
}

/* Writes what is gathered. */
static int flush(struct reel_append *a)
{
	if (a->error < 0)
		return a->error;
	if (a->pieces == 0)
		return 0;
	struct reel *r = a->r;
	const struct iovec last = a->piece[a->pieces - 1];
	size_t n = last.iov_len < TRAILER_SIZE ? last.iov_len : TRAILER_SIZE;
	uint64_t done = 0, most = a->written;
	for (int i = 0; i < a->pieces; i++)
		most += a->piece[i].iov_len;
	int err = foreign_before(r, a->written);
	if (err == 0) {
		watch_begin(r);
		err = disk_append_all(r->disk, r->fd, a->piece, a->pieces, a->written, &done);
		watch_end(r);
		/* Also after an error: some of it is there, and has to be cut. */
		a->most = most;
		a->written += done;
		atomic_store(&r->write_end, a->written);
		reread_written(r, a->written - done, a->written);
		if (err == 0)
			err = foreign_after(r, a->written, done, (const uint8_t *)last.iov_base + last.iov_len - n, n);
	}
	a->pieces = 0;
	a->used = 0;
	a->error = err;
	return err;
}

/* Takes note of `len` bytes that lie at `data` until they are written. */
static int gather(struct reel_append *a, const void *data, size_t len)
{
	struct iovec *last = a->pieces > 0 ? &a->piece[a->pieces - 1] : NULL;

	if (last != NULL && (const uint8_t *)last->iov_base + last->iov_len == data) {
		last->iov_len += len;
	} else {
		if (a->pieces == APPEND_PIECES) {
			int err = flush(a);
			if (err < 0)
				return err;
		}
		a->piece[a->pieces++] = (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = len};
	}
	a->position += len;
	return 0;
}

/* Room in the buffer for at least one byte, and in the list of pieces to gather it. */
static int make_room(struct reel_append *a)
{
	return a->used == APPEND_BUFFER || a->pieces == APPEND_PIECES ? flush(a) : a->error;
}

static int copy(struct reel_append *a, const uint8_t *data, size_t len)
{
	while (len > 0) {
		int err = make_room(a);
		if (err < 0)
			return err;
		size_t n = APPEND_BUFFER - a->used < len ? APPEND_BUFFER - a->used : len;
		memcpy(a->buffer + a->used, data, n);
		err = gather(a, a->buffer + a->used, n);
		if (err < 0)
			return err;
		a->used += n;
		data += n;
		len -= n;
	}
	return 0;
}

/* The window of addresses is where a container ends to grow. */
static int check_size(const struct reel_append *a, size_t len)
{
	uint64_t room = a->r->map->window - a->position;

	return room < ENTRY_ALIGNMENT + TRAILER_SIZE || len > room - ENTRY_ALIGNMENT - TRAILER_SIZE ? -EFBIG : 0;
}

int reel_append_begin(struct reel *r, struct reel_append **ret)
{
	struct reel_append *a = &r->append;

	if (!store_writable(r))
		return -EROFS;
	pthread_mutex_lock(&r->append_lock);
	int err = reel_failed(r) < 0 ? -EROFS : 0;
	if (err == 0 && a->buffer == NULL) {
		a->buffer = malloc(APPEND_BUFFER);
		err = a->buffer == NULL ? -ENOMEM : 0;
	}
	if (err < 0) {
		pthread_mutex_unlock(&r->append_lock);
		return err;
	}
	a->r = r;
	a->used = 0;
	a->pieces = 0;
	a->start = a->position = a->written = a->most = atomic_load(&r->tail);
	a->placed_n = 0;
	a->all_or_nothing = false;
	a->mark = 0;
	a->error = 0;
	a->in_entry = false;
	*ret = a;
	return 0;
}

int append_begin_indexed(struct reel *r, struct reel_append **ret)
{
	for (;;) {
		int err = store_writable(r) ? index_need(r) : -EROFS;
		if (err == 0)
			err = reel_append_begin(r, ret);
		/* Another append may have dropped the index in between, for want of memory. */
		if (err < 0 || store_view(r)->built)
			return err;
		reel_append_abort(*ret);
	}
}

uint64_t reel_append_next_payload(const struct reel_append *a)
{
	return round_up(a->position, ENTRY_ALIGNMENT);
}

uint64_t reel_append_start(const struct reel_append *a)
{
	return a->start;
}

int reel_append_entry_begin(struct reel_append *a, uint64_t key_hash)
{
	static const uint8_t pad[ENTRY_ALIGNMENT];
	int err = a->in_entry ? -EINVAL : check_size(a, 1);

	if (err < 0)
		return err;
	a->key_hash = key_hash;
	a->tag = 0;
	a->prev_tail = a->position;
	a->payload = reel_append_next_payload(a);
	a->crc = 0;
	a->in_entry = true;
	return copy(a, pad, a->payload - a->position);
}

/* Payload bytes are counted in before they are gathered. */
static int account(struct reel_append *a, const void *data, size_t len)
{
	int err = !a->in_entry ? -EINVAL : a->error < 0 ? a->error : check_size(a, len);

	if (err < 0)
		return err;
	if (a->position == a->payload)
		a->first = *(const uint8_t *)data;
	a->crc = reel_crc32(a->crc, data, len);
	return 0;
}

int append_data_kept(struct reel_append *a, const void *data, size_t len)
{
	if (len == 0)
		return 0;
	int err = account(a, data, len);
	if (err < 0)
		return err;
	return len < APPEND_DIRECT ? copy(a, data, len) : gather(a, data, len);
}

int reel_append_data(struct reel_append *a, const void *data, size_t len)
{
	int err = append_data_kept(a, data, len);

	return err == 0 && len >= APPEND_DIRECT ? flush(a) : err;
}

int append_room(struct reel_append *a, uint8_t **ret, size_t *size)
{
	int err = make_room(a);

	*ret = a->buffer + a->used;
	*size = APPEND_BUFFER - a->used;
	return err;
}

void append_filled(struct reel_append *a, size_t len)
{
	const uint8_t *data = a->buffer + a->used;

	/* Cannot fail but for a container that is too large: append_room() has made room. */
	int err = account(a, data, len);
	if (err == 0)
		err = gather(a, data, len);
	if (err < 0 && a->error == 0)
		a->error = err;
	a->used += len;
}

static int remember(struct reel_append *a, uint64_t key_hash, uint64_t end, uint32_t tag)
{
	if (a->placed_n == a->placed_room) {
		size_t room = a->placed_room == 0 ? 64 : a->placed_room * 2;
		struct placed *more = reallocarray(a->placed, room, sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		a->placed = more;
		a->placed_room = room;
	}
	a->placed[a->placed_n++] = (struct placed){.key_hash = key_hash, .end = end, .tag = tag};
	return 0;
}

static int put_trailer(struct reel_append *a, uint64_t key_hash, uint64_t prev_tail, uint32_t crc)
{
	uint8_t trailer[TRAILER_SIZE];

	store_u64(trailer + TRAILER_KEY_HASH, key_hash);
	store_u64(trailer + TRAILER_PREV_TAIL, prev_tail);
	store_u32(trailer + TRAILER_CRC, crc);
	memcpy(a->trailer, trailer, sizeof(trailer));
	if (a->all_or_nothing && a->placed_n == 0) {
		trailer[TRAILER_UNFINISHED_BYTE] = TRAILER_UNFINISHED;
		a->mark = a->position + TRAILER_UNFINISHED_BYTE;
	}
	return copy(a, trailer, sizeof(trailer));
}

int reel_append_entry_end(struct reel_append *a, struct reel_entry *ret)
{
	uint64_t len = a->position - a->payload;

	if (a->error < 0)
		return a->error;
	if (!a->in_entry || len == 0 || (len == 1 && a->first == 0))
		return -EINVAL;
	int err = put_trailer(a, a->key_hash, a->prev_tail, a->crc);
	if (err == 0)
		err = remember(a, a->key_hash, a->position, a->tag);
	if (err < 0)
		return err;
	a->in_entry = false;
	if (ret != NULL)
		*ret = (struct reel_entry){
		    .len = len,
		    .key_hash = a->key_hash,
		    .prev_tail = a->prev_tail,
		    .offset = a->payload,
		    .end = a->position,
		    .crc = a->crc,
		};
	return 0;
}

int reel_append_tombstone(struct reel_append *a, uint64_t key_hash)
{
	static const uint8_t nul;
	uint64_t prev_tail = a->position;
	int err = a->in_entry ? -EINVAL : a->error < 0 ? a->error : check_size(a, 1);

	if (err == 0)
		err = copy(a, &nul, 1);
	if (err == 0)
		err = put_trailer(a, key_hash, prev_tail, TOMBSTONE_CRC);
	if (err == 0)
		err = remember(a, key_hash, a->position | END_TOMBSTONE, 0);
	return err;
}

/* Writes other bytes in the place of an entry's payload, and their checksum. */
static int amend(struct reel *r, struct reel_entry *entry, const void *payload)
{
	uint8_t crc[sizeof(uint32_t)];
	struct iovec bytes = {.iov_base = (void *)(uintptr_t)payload, .iov_len = entry->len};
	struct iovec sum = {.iov_base = crc, .iov_len = sizeof(crc)};

	entry->crc = reel_crc32(0, payload, entry->len);
	store_u32(crc, entry->crc);
	watch_begin(r);
	int err = disk_write_all(r->disk, r->fd, &bytes, 1, entry->offset);
	if (err == 0)
		err = disk_write_all(r->disk, r->fd, &sum, 1, entry->end - TRAILER_SIZE + TRAILER_CRC);
	watch_end(r);
	reread_written(r, entry->offset, entry->end);
	return err;
}

int reel_append_amend(struct reel_append *a, struct reel_entry *entry, const void *payload)
{
	if (a->in_entry || entry->offset < a->start || entry->end > a->position || entry->len < 2 || a->all_or_nothing)
		return -EINVAL;
	int err = flush(a);
	if (err < 0)
		return err;
	err = amend(a->r, entry, payload);
	a->error = err;
	return err;
}

int reel_amend_unnamed(struct reel *r, struct reel_entry *entry, const void *payload)
{
	pthread_mutex_lock(&r->append_lock);
	int err = entry->end > reel_tail_offset(r) || entry->len < 2 ? -EINVAL : amend(r, entry, payload);
	if (err == 0)
		err = disk_fdatasync(r->disk, r->fd);
	pthread_mutex_unlock(&r->append_lock);
	return err;
}

/* Makes the file as if the append had not been. Returns what keeps it from being so. */
static int undo(struct reel_append *a)
{
	struct reel *r = a->r;

	/*
	 * A file that another program has cut, or written to, is left as it is: making it longer again would hide what is
	 * gone, and what is not ours is not cut. After an error a server may have taken more than it said.
	 */
	if (a->written == a->start && a->error == 0)
		return 0;
	if (atomic_load(&r->watch.cut) ||
	    foreign_before_cut(r, a->start, r->place.shared && a->error < 0 ? a->most : a->written) < 0)
		return 0;
	watch_begin(r);
	int err = disk_ftruncate(r->disk, r->fd, a->start);
	watch_end(r);
	reserve_forget(r, a->start);
	if (err == 0)
		err = disk_fdatasync(r->disk, r->fd);
	return err;
}

/* Ends an append that fails with `err`, or is given up (0). */
static void give_up(struct reel_append *a, int err)
{
	struct reel *r = a->r;
	uint64_t start = a->start;
	int undo_err = undo(a);
	int doubt = undo_err < 0 ? undo_err : a->error < 0 && !is_no_room(a->error) ? a->error : 0;

	/* The file is not in doubt, but not ours alone; this was said. */
	if (atomic_load(&r->watch.cut) || foreign_seen(r))
		doubt = 0;
	err = a->error < 0 ? a->error : err;
	if (doubt < 0)
		store_fail(r, doubt);
	pthread_mutex_unlock(&r->append_lock);
	if (undo_err < 0)
		reel_log(
		    r, LOG_ERR,
		    "%s: an append at offset %" PRIu64
		    " was given up, but what is in the file of it could not be cut off (%s); nothing more will be written. "
		    "Check the disk and open it again",
		    r->path, start, reel_explain(undo_err));
	else if (doubt < 0)
		reel_log(r, LOG_ERR,
			 "%s: writing at offset %" PRIu64
			 " failed (%s); nothing more will be written. Check the disk and open it again",
			 r->path, start, reel_explain(doubt));
	else if (is_no_room(err))
		reel_log(r, LOG_WARNING, "%s: no room to append at offset %" PRIu64 " (%s); nothing was changed", r->path,
			 start, reel_explain(err));
}

void reel_append_abort(struct reel_append *a)
{
	if (a != NULL)
		give_up(a, 0);
}

/* Writes what is gathered, then takes away the mark that hides it. */
static int finish(struct reel_append *a)
{
	static const uint8_t nul;
	int err = flush(a);

	if (err < 0 || a->mark == 0)
		return err;
	struct iovec byte = {.iov_base = (void *)(uintptr_t)&nul, .iov_len = sizeof(nul)};
	watch_begin(a->r);
	a->error = disk_write_all(a->r->disk, a->r->fd, &byte, 1, a->mark);
	watch_end(a->r);
	reread_written(a->r, a->mark, a->mark + 1);
	return a->error;
}

int reel_append_commit(struct reel_append *a)
{
	struct reel *r = a->r;
	int err = a->in_entry ? -EINVAL : finish(a);

	if (err < 0) {
		give_up(a, err);
		return err;
	}
	if (a->placed_n > 0)
		foreign_left(r, a->trailer);
	index_commit(r, a->position, a->placed, a->placed_n);
	pthread_mutex_unlock(&r->append_lock);
	return 0;
}

void append_free(struct reel_append *a)
{
	free(a->buffer);
	free(a->placed);
}
