/*
 * write.c - writing to open regular files. Relies on wbuf.c, which holds the bytes until they are committed. Commits
 * nothing but the loss of privileges.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "attr.h"
#include "memory.h"
#include "open.h"
#include "refused.h"
#include "room.h"

/* No kernel's pages are longer. */
#define PAGE_LONGEST 65536u

static uint64_t iov_length(const struct iovec *iov, int n)
{
	uint64_t len = 0;

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	return len;
}

/* How many of the first `len` bytes at `offset`, which lie in the extent, are those in the container, and sound. */
static uint64_t same_as(struct fs *fs, const struct extent *x, uint64_t offset, const uint8_t *bytes, uint64_t len)
{
	uint64_t at = x->data_offset + (offset - x->offset), same = 0, bad;
	const uint8_t *old = reel_base(fs->store) + x->data->position + at;

	if (data_check(fs->store, x->data, at, len, &bad) < 0)
		return 0;
	while (same < len && bytes[same] == old[same])
		same++;
	/* Or else zeros were read in the place of what another program has cut off. */
	return reel_has(fs->store, x->data->position + at + len) < 0 ? 0 : same;
}

/*
 * What is appended to a file the kernel hands over from the start of its page. How much of that start is in the container
 * already and unchanged: without it a log of short lines would be stored many times over.
 */
static uint64_t known_start(struct fs *fs, const struct open_state *o, uint64_t offset, const struct iovec *iov)
{
	const struct extents *e = open_base(o);
	uint64_t at = offset, end = offset - offset % PAGE_LONGEST + PAGE_LONGEST, start, dirty_end;

	if (end > offset + iov->iov_len)
		end = offset + iov->iov_len;
	if (wbuf_next(o->wbuf, offset, &start, &dirty_end) && end > start)
		end = start;
	for (uint32_t i = extents_find(e, at); at < end && i < e->n && e->at[i].offset <= at; i++) {
		uint64_t to = e->at[i].offset + e->at[i].len < end ? e->at[i].offset + e->at[i].len : end;
		uint64_t same = same_as(fs, &e->at[i], at, (const uint8_t *)iov->iov_base + (at - offset), to - at);

		at += same;
		if (at < to)
			break;
	}
	return at - offset;
}

struct range_in {
	uint64_t offset, len;
	const struct iovec *iov;
	int n;
};

/* A part that is known already does not become dirty. */
static int put(struct fs *fs, struct open_state *o, const struct range_in *in, bool cached)
{
	struct iovec rest = in->iov[0];
	uint64_t known = 0;

	if (cached && in->n == 1 && in->offset + in->len > open_size(o))
		known = known_start(fs, o, in->offset, &rest);
	if (known == 0)
		return wbuf_write(o->wbuf, in->offset, in->iov, in->n);
	rest.iov_base = (uint8_t *)rest.iov_base + known;
	rest.iov_len -= known;
	return wbuf_write(o->wbuf, in->offset + known, &rest, 1);
}

/* Nobody looks for what is written to this mount in another folder. */
static void tell_elsewhere(struct fs *fs, const char *place)
{
	if (!atomic_exchange(&fs->told_elsewhere, true))
		fs_log(fs, LOG_WARNING,
		       "%s: its folder takes no files (%s): what is written to large files, until it is stored, goes to %s",
		       reel_path(fs->store), reel_explain(atomic_load(&fs->pool.places.refusal)), place);
}

/* What the buffer refuses for want of room lacks it where the spill file lies. */
static int tell_refused(struct fs *fs, int error, uint64_t len)
{
	const char *place = atomic_load(&fs->pool.places.elsewhere);

	if (error == -EMFILE || error == -ENFILE)
		fs_log(fs, LOG_ERR,
		       "%s: what was written to open files needs temporary files, and no more files can be open here (%s): "
		       "close some "
		       "files, or mount with a higher limit (ulimit -Hn)",
		       reel_path(fs->store), strerror(-error));
	if (!room_error(error) || !place)
		return room_error(error) ? room_tell(fs, error, len) : error;
	if (!atomic_exchange(&fs->told_spill, true))
		fs_log(fs, LOG_ERR,
		       "%s: there is no more room in %s (%s), where what is written to large files goes until it is stored, as "
		       "the container's folder takes no files: free some there, name another folder with TMPDIR, or let the "
		       "container's folder take files",
		       reel_path(fs->store), place, strerror(-error));
	return error;
}

/* open_state.io held for writing. */
static int write_buffer(struct fs *fs, struct open_state *o, const struct range_in *in, bool cached)
{
	uint64_t size = open_size(o), end = in->offset + in->len, filled;
	struct timespec now = fs_now();
	int r;

	if (in->offset > INT64_MAX || in->len > INT64_MAX - in->offset)
		return -EFBIG;
	if (in->len == 0)
		return 0;
	if (!o->wbuf) {
		o->wbuf = wbuf_new(&fs->pool);
		if (!o->wbuf)
			return -ENOMEM;
	}
	r = refused_before(o, in->offset, end);
	if (r == 0 && o->inode->extents.n + wbuf_runs(o->wbuf) > MEMORY_PIECES_FREE)
		r = memory_grow(fs, 0);
	if (r < 0)
		return r;
	filled = in->len - open_data_bytes(o, in->offset, end);
	r = room_promise(fs, o, in->len);
	/* The kernel would tell it as an I/O error: the commit tells what it is. */
	if (r < 0 && !(r == -EFBIG && cached))
		return r;
	r = put(fs, o, in, cached);
	room_settle(fs, o);
	if (atomic_load_explicit(&fs->pool.places.elsewhere, memory_order_relaxed))
		tell_elsewhere(fs, atomic_load(&fs->pool.places.elsewhere));
	if (r < 0)
		return tell_refused(fs, r, in->len);
	if (end > size)
		size = end;
	open_change(fs, o, &size, filled, &now);
	refused_stored(o, in->offset, end);
	return 0;
}

/* The kernel drops these pages, but goes on showing them, and the size that they made, until the last writer has closed. */
static void note_refused(struct fs *fs, struct open_state *o, const struct range_in *in, int error)
{
	refused_note(fs, o, in->offset, in->offset + in->len, error);
	o->missing = true;
	open_set_failing(fs, o, true);
}

int fs_file_write(struct fs_file *f, uint64_t offset, const struct iovec *iov, int n, unsigned flags)
{
	const struct range_in in = {offset, iov_length(iov, n), iov, n};
	int r = 0;

	if (!f->writable)
		return -EBADF;
	pthread_rwlock_wrlock(&f->open->io);
	if (fs_is_read_only(f->fs))
		r = -EROFS;
	else if (!(flags & FS_WRITE_CACHED))
		r = attr_kill_priv(f->fs, f->open->inode, flags & (FS_WRITE_KILL_SET_ID | FS_WRITE_KILL_SETGID));
	if (r == 0)
		r = write_buffer(f->fs, f->open, &in, flags & FS_WRITE_CACHED);
	if (r < 0 && (flags & FS_WRITE_CACHED))
		note_refused(f->fs, f->open, &in, r);
	pthread_rwlock_unlock(&f->open->io);
	return r;
}
