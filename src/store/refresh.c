/*
 * refresh.c - moves a reader on: to the newest tail, and to another file where a compaction put one in place.
 */
#include "config.h"

#include "store.h"

/* Whether the path names another file than the one that is open. Another thread may be putting that one in place. */
static int is_replaced(struct reel *r)
{
	pthread_mutex_lock(&r->append_lock);
	int err = place_is_named(r, r->path, r->fd);
	pthread_mutex_unlock(&r->append_lock);

	/* Nothing is there: the file that is open is the last that can be read. */
	if (err == -ENOENT || err == -ENOTDIR)
		return 0;
	return err < 0 ? err : err == 0;
}

/* Reads go on in the file that the path names now. */
static int move_to_new(struct reel *r, const struct stat *old)
{
	struct reel_engine_options options = {.base = r->options, .disk = r->disk};
	struct stat st;
	struct reel *to;
	int err = reel_engine_open(r->path, &options, &to);

	if (err < 0)
		return err;
	pthread_mutex_lock(&r->append_lock);
	err = r->disk->fstat(r->disk, r->fd, &st);
	/* Another thread may have done it meanwhile. */
	if (err == 0 && st.st_dev == old->st_dev && st.st_ino == old->st_ino) {
		err = swap_file(r, to);
		err = err < 0 ? err : 1;
	}
	pthread_mutex_unlock(&r->append_lock);
	store_free(to);
	return err;
}

/* Reads go on to the newest tail of the same file. */
static int move_on(struct reel *r, const struct snapshot *s, uint64_t size)
{
	struct chain c = {.gen = s->map->gen, .base = s->map->base, .size = size};
	uint64_t news;

	if (size < s->tail) {
		reel_log(r, LOG_ERR, "%s: the file was cut to %" PRIu64 " bytes by another program; %" PRIu64 " were committed",
			 r->path, size, s->tail);
		return -EIO;
	}
	if (size == s->tail)
		return 0;
	if (size > s->map->window) {
		reel_log(r, LOG_ERR, "%s: the file has outgrown its mapping; open it again", r->path);
		return -EFBIG;
	}
	uint64_t token = reel_reading(r);
	pthread_mutex_lock(&r->append_lock);
	if (atomic_load(&r->map) == s->map)
		reread_written(r, s->tail, size);
	pthread_mutex_unlock(&r->append_lock);
	int err = tail_advance(r, &c, s->tail, &news);
	if (reread_tell(r, token, s->tail, size - s->tail))
		return -EIO;
	if (err == 0 && news > s->tail)
		err = index_advance(r, s->map, news);
	return err < 0 ? err : news > s->tail;
}

/* The tail and the size of one file: another thread that puts a new file in place holds append_lock meanwhile. */
static int take_with_size(struct reel *r, struct snapshot *s, struct stat *st)
{
	pthread_mutex_lock(&r->append_lock);
	snapshot_take(r, s);
	place_ask(r, r->fd);
	int err = r->disk->fstat(r->disk, r->fd, st);
	pthread_mutex_unlock(&r->append_lock);
	return err;
}

int reel_refresh(struct reel *r)
{
	struct snapshot s;
	struct stat st;

	if (store_writable(r))
		return 0;
	int err = take_with_size(r, &s, &st);
	/* Where the layer above finds the tail it also holds offsets and addresses: it keeps its file. */
	if (err == 0 && r->find_tail == NULL)
		err = is_replaced(r);
	if (err > 0)
		err = move_to_new(r, &st);
	else if (err == 0)
		err = move_on(r, &s, (uint64_t)st.st_size);
	snapshot_free(&s);
	return err;
}
