/*
 * stream.c - entries of a size not known ahead, by a function that is asked for bytes or by a caller who brings
 * them. One append holds the lock of writers as long as the stream lasts; memory is bounded by its buffer.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>

#include "store.h"

struct reel_stream {
	struct reel_append *append;
	int error;
};

/* Begins an append with one entry. */
static int begin(struct reel *r, uint64_t key_hash, uint32_t tag, struct reel_append **ret)
{
	struct reel_append *a;
	int err = tag != 0 ? append_begin_indexed(r, &a) : reel_append_begin(r, &a);

	if (err < 0)
		return err;
	struct found found = {.end = 0};
	if (tag != 0)
		found = index_peek(r, key_hash);
	if (found.end != 0 && found.tag != 0 && found.tag != tag)
		err = -ENOTUNIQ;
	if (err == 0)
		err = reel_append_entry_begin(a, key_hash);
	if (err < 0) {
		reel_append_abort(a);
		return err;
	}
	a->tag = tag;
	*ret = a;
	return 0;
}

/* Ends the append, which so far has come to `err`. */
static int finish(struct reel_append *a, int err)
{
	if (err == 0)
		err = reel_append_entry_end(a, NULL);
	if (err < 0) {
		reel_append_abort(a);
		return err;
	}
	return reel_append_commit(a);
}

static int pull_all(struct reel_append *a, reel_pull_fn pull, void *arg)
{
	for (;;) {
		uint8_t *room;
		size_t size;
		int err = append_room(a, &room, &size);
		if (err < 0)
			return err;
		ssize_t n = pull(arg, room, size);
		if (n <= 0)
			return n < INT_MIN ? -EIO : (int)n;
		if ((size_t)n > size)
			return -EINVAL;
		append_filled(a, (size_t)n);
	}
}

static int write_stream(struct reel *r, uint64_t key_hash, uint32_t tag, reel_pull_fn pull, void *arg)
{
	struct reel_append *a;
	int err = begin(r, key_hash, tag, &a);

	return err < 0 ? err : finish(a, pull_all(a, pull, arg));
}

int reel_write_stream(struct reel *r, uint64_t key_hash, reel_pull_fn pull, void *arg)
{
	return write_stream(r, key_hash, 0, pull, arg);
}

int reel_write_stream_key(struct reel *r, const void *key, size_t key_len, reel_pull_fn pull, void *arg)
{
	return write_stream(r, reel_hash(key, key_len), key_tag(r, key, key_len), pull, arg);
}

static int stream_begin(struct reel *r, uint64_t key_hash, uint32_t tag, struct reel_stream **ret)
{
	struct reel_stream *s = calloc(1, sizeof(*s));
	int err = s == NULL ? -ENOMEM : begin(r, key_hash, tag, &s->append);

	if (err < 0)
		free(s);
	else
		*ret = s;
	return err;
}

int reel_stream_begin(struct reel *r, const void *key, size_t key_len, struct reel_stream **ret)
{
	return stream_begin(r, reel_hash(key, key_len), key_tag(r, key, key_len), ret);
}

int reel_stream_begin_hash(struct reel *r, uint64_t key_hash, struct reel_stream **ret)
{
	return stream_begin(r, key_hash, 0, ret);
}

int reel_stream_append(struct reel_stream *s, const void *data, size_t len)
{
	if (s->error == 0)
		s->error = reel_append_data(s->append, data, len);
	return s->error;
}

int reel_stream_commit(struct reel_stream *s)
{
	int err = finish(s->append, s->error);

	free(s);
	return err;
}

void reel_stream_abort(struct reel_stream *s)
{
	if (s == NULL)
		return;
	reel_append_abort(s->append);
	free(s);
}
