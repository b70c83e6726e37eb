/*
 * read.c - reading files. What is committed is handed out as pieces of the mapping, without a copy;
 * where unwritten data lies in the way, the whole of the request is copied together.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "contents.h"
#include "open.h"

static int add_piece(struct fs_extract *e, const void *data, size_t len)
{
	if (e->pieces == FS_EXTRACT_PIECES)
		return -E2BIG;
	e->piece[e->pieces++] = (struct iovec){(void *)data, len};
	e->len += len;
	return 0;
}

static int piece_sink(void *arg, const void *data, size_t len)
{
	return add_piece(arg, data, len);
}

static int copy_sink(void *arg, const void *data, size_t len)
{
	struct fs_extract *e = arg;

	memcpy((uint8_t *)e->owned + e->len, data, len);
	e->len += len;
	return 0;
}

static int copy_all(struct fs *fs, struct open_state *o, uint64_t offset, size_t size, struct fs_extract *ret)
{
	uint64_t at = offset, limit = offset + size, start, end;
	int r = 0;

	*ret = (struct fs_extract){.owned = malloc(size)};
	if (!ret->owned)
		return -ENOMEM;
	while (r == 0 && at < limit) {
		if (!o->wbuf || !wbuf_next(o->wbuf, at, &start, &end) || start >= limit)
			start = end = limit;
		if (end > limit)
			end = limit;
		if (start > at)
			r = contents_stream_base(fs, o, at, start - at, copy_sink, ret);
		if (r == 0 && end > start) {
			r = wbuf_read(o->wbuf, start, end - start, (uint8_t *)ret->owned + ret->len);
			ret->len += end - start;
		}
		at = end;
	}
	ret->piece[0] = (struct iovec){ret->owned, ret->len};
	ret->pieces = 1;
	return r;
}

static int extract(struct fs *fs, struct open_state *o, uint64_t offset, size_t size, struct fs_extract *ret)
{
	uint64_t length = open_size(o), start, end;
	int r = -E2BIG;

	if (offset >= length || size == 0)
		return 0;
	if (size > length - offset)
		size = length - offset;
	if (!o->wbuf || !wbuf_next(o->wbuf, offset, &start, &end) || start >= offset + size)
		r = contents_stream_base(fs, o, offset, size, piece_sink, ret);
	/* Too many pieces, or some of it is in the buffer. */
	return r == -E2BIG ? copy_all(fs, o, offset, size, ret) : r;
}

int fs_file_read(struct fs_file *f, uint64_t offset, size_t size, struct fs_extract *ret)
{
	int r;

	*ret = (struct fs_extract){0};
	pthread_rwlock_rdlock(&f->open->io);
	r = extract(f->fs, f->open, offset, size, ret);
	pthread_rwlock_unlock(&f->open->io);
	if (r < 0)
		fs_extract_done(ret);
	return r;
}

void fs_file_unread(struct fs_file *f, uint64_t offset)
{
	struct open_state *o = f->open;
	const struct extents *e;
	uint32_t i;

	pthread_rwlock_rdlock(&o->io);
	e = open_base(o);
	i = extents_find(e, offset);
	if (i < e->n) {
		const struct extent *x = &e->at[i];

		uint64_t skip = offset > x->offset ? offset - x->offset : 0;

		contents_tell_unread(f->fs, o->inode, x->data, x->data_offset + skip, x->len - skip);
	}
	pthread_rwlock_unlock(&o->io);
}

void fs_extract_done(struct fs_extract *e)
{
	free(e->owned);
	*e = (struct fs_extract){0};
}
