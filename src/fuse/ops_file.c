/*
 * ops_file.c - open regular files: create, open, read, write, flush, fsync, release.
 *
 * With the kernel's writeback cache (mount.writeback) the kernel merges writes into pages, which it may
 * have to read first, and decides by itself where appended bytes go. So a file opened for writing
 * alone is readable underneath, and O_APPEND never comes further than here.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <syslog.h>
#include <time.h>

#include "caller.h"
#include "log.h"
#include "loop.h"
#include "mend.h"
#include "ops.h"
#include "wire.h"

#define SOON_MS 50

static int open_flags(const struct mount *m, const struct fuse_file_info *fi)
{
	int flags = fi->flags & (O_ACCMODE | O_TRUNC);

	if (m->writeback && (flags & O_ACCMODE) == O_WRONLY)
		flags = (flags & ~O_ACCMODE) | O_RDWR;
	return flags;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + 1;
}

/* Only the kernel changes contents, so what it has cached of them stays good. */
static void fill_open_reply(struct fuse_file_info *fi, struct handle *h)
{
	if ((fi->flags & O_ACCMODE) != O_RDONLY)
		handle_writes(h);
	fi->fh = (uintptr_t)h;
	h->write_only = (fi->flags & O_ACCMODE) == O_WRONLY;
	fi->keep_cache = 1;
	if ((fi->flags & O_ACCMODE) != O_RDONLY)
		atomic_store_explicit(&h->kept_since, now_ms(), memory_order_relaxed);
	/* Nothing to commit when a reader closes. */
	fi->noflush = (fi->flags & O_ACCMODE) == O_RDONLY && !(fi->flags & O_TRUNC);
}

/* The kernel asks for them anew. It waits for nothing when it is told so: pages stay (E1). */
static void attributes_expire(const struct mount *m, fuse_ino_t ino)
{
	(void)fuse_lowlevel_notify_inval_inode(m->session, ino, -1, 0);
}

static bool no_blocks(struct fs *fs, fuse_ino_t ino)
{
	struct fs_attr attr;

	return fs_getattr(fs, ino, &attr) == 0 && attr.blocks == 0;
}

/*
 * From here on the kernel may hold more than is known here, and what it has kept must not say that there is nothing (E1). It
 * asks by itself after it has truncated.
 */
static void begin_writing(const struct mount *m, fuse_ino_t ino, const struct fuse_file_info *fi)
{
	if ((fi->flags & O_ACCMODE) != O_RDONLY && !(fi->flags & O_TRUNC) && no_blocks(m->fs, ino))
		attributes_expire(m, ino);
}

/*
 * The kernel has handed pages over, so there are more blocks than it knows. Those that come soon after the opening are, as
 * a rule, a small file's that is being closed, which has it ask by itself.
 */
static void have_grown(const struct mount *m, fuse_ino_t ino, struct handle *h)
{
	int64_t since = atomic_load_explicit(&h->kept_since, memory_order_relaxed);

	if (since != 0 && now_ms() - since > SOON_MS && atomic_exchange(&h->kept_since, 0) != 0)
		attributes_expire(m, ino);
}

static void end_file(struct handle *h)
{
	fs_file_release(h->file);
	handle_free(h);
}

/* res and attr are from the making of h->file; h may be NULL if that failed. */
static void reply_create(fuse_req_t req, int res, const struct fs_attr *attr, struct handle *h, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param entry;
	struct fs_attr kept;

	if (res < 0) {
		if (h != NULL)
			handle_free(h);
		reply_status(req, res);
		return;
	}
	entry_from_attr(&entry, attr);
	/* Kept as those of an existing file are that is opened. */
	kept = *attr;
	kept.writers = false;
	entry.attr_timeout = attr_timeout(&kept);
	fill_open_reply(fi, h);
	if (fuse_reply_create(req, &entry, fi) < 0) {
		end_file(h);
		fs_forget(fs, attr->ino, 1);
	}
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	const struct mount *m = mount_of(req);
	const struct fs_cred cred = cred_of(req);
	struct handle *h = handle_new();
	struct fs_attr attr;
	int res;

	if (h == NULL)
		res = -ENOMEM;
	else if (wire_is_tmpfile())
		res = fs_file_tmpfile(m->fs, parent, mode, open_flags(m, fi), &cred, &attr, &h->file);
	else if (name_too_long(name))
		res = -ENAMETOOLONG;
	else
		res = fs_file_create(m->fs, parent, name, mode, open_flags(m, fi), &cred, &attr, &h->file);
	reply_create(req, res, &attr, h, fi);
}

#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
void op_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi)
{
	const struct mount *m = mount_of(req);
	const struct fs_cred cred = cred_of(req);
	struct handle *h = handle_new();
	struct fs_attr attr;
	int res = -ENOMEM;

	if (h != NULL)
		res = fs_file_tmpfile(m->fs, parent, mode, open_flags(m, fi), &cred, &attr, &h->file);
	reply_create(req, res, &attr, h, fi);
}
#endif

/* An open that truncates clears set-id bits as a write does. */
static int kill_priv(fuse_req_t req, fuse_ino_t ino)
{
	struct fs_setattr set = {.set = FS_SET_KILL_PRIV};
	struct fs_attr attr;

	if (caller_kills(req, ino) & FS_KILL_SETGID)
		set.set |= FS_SET_KILL_SETGID;
	return fs_setattr(fs_of(req), ino, &set, &attr);
}

static int open_file(fuse_req_t req, fuse_ino_t ino, int flags, struct handle *h)
{
	int res = fs_file_open(fs_of(req), ino, flags, &h->file);

	if (res == 0 && (flags & O_TRUNC) && wire_kills_set_id()) {
		res = kill_priv(req, ino);
		if (res < 0)
			fs_file_release(h->file);
	}
	return res;
}

static void open_now(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct mount *m = mount_of(req);
	struct handle *h = handle_new();
	int res;

	if (h == NULL) {
		reply_status(req, -ENOMEM);
		return;
	}
	res = open_file(req, ino, mend_asks(req) ? O_RDONLY : open_flags(m, fi), h);
	if (res < 0) {
		handle_free(h);
		reply_status(req, res);
		return;
	}
	fill_open_reply(fi, h);
	fi->keep_cache = !mend_is_due(ino);
	if (mend_asks(req)) {
		mend_opened();
	} else {
		begin_writing(m, ino, fi);
	}
	if (fuse_reply_open(req, fi) < 0)
		end_file(h);
}

/* One that truncates sets right what is cached. */
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if ((fi->flags & O_TRUNC) || !mend_postpones(req, ino, fi, open_now))
		open_now(req, ino, fi);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct fs_extract extract;
	int res = fs_file_read(file_of(fi), (uint64_t)offset, size, &extract);

	if (res < 0) {
		reply_status(req, res);
		return;
	}
	if (!(fi->flags & O_NOATIME) && (fi->flags & O_ACCMODE) != O_WRONLY)
		fs_file_accessed(file_of(fi));
	res = fuse_reply_iov(req, extract.piece, extract.pieces);
	/* The kernel copies out of the mapping: a page that cannot be read shows here, not as SIGBUS. */
	if (res == -EFAULT)
		fs_file_unread(file_of(fi), (uint64_t)offset);
	else if (res < 0 && res != -ENOENT)
		log_often(LOG_ERR, "inode %llu, offset %lld: the answer to a read failed: %s", (unsigned long long)ino,
			  (long long)offset, strerror(-res));
	fs_extract_done(&extract);
}

static void loss_again(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	reply_status(req, fi->flags);
}

/* The answer where what was written could not be stored: from here on the kernel has to ask for the attributes (E2). */
static void reply_loss(fuse_req_t req, fuse_ino_t ino, int res)
{
	const struct fuse_file_info later = {.flags = res};

	attributes_expire(mount_of(req), ino);
	if (mend_expires(req, ino, &later, loss_again))
		wire_answers_later(true);
	else
		reply_status(req, res);
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset, struct fuse_file_info *fi)
{
	const struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	unsigned flags = (wire_kills_set_id() ? caller_kills(req, ino) : 0) | (fi->writepage ? FS_WRITE_CACHED : 0);
	int res = fs_file_write(file_of(fi), (uint64_t)offset, &iov, 1, flags);

	if (res < 0 && fi->writepage) {
		reply_loss(req, ino, res);
	} else if (res < 0) {
		reply_status(req, res);
	} else {
		if (fi->writepage)
			have_grown(mount_of(req), ino, handle_of(fi));
		fuse_reply_write(req, size);
	}
}

void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct mount *m = mount_of(req);
	int res = fs_file_flush(file_of(fi));

	/* With the writeback cache the kernel asks for the blocks anew by itself, if all is well. */
	if (!m->writeback && no_blocks(m->fs, ino))
		attributes_expire(m, ino);
	if (res < 0)
		reply_loss(req, ino, res);
	else
		reply_status(req, 0);
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	int res;

	loop_will_wait();
	res = fs_file_fsync(file_of(fi), datasync != 0);
	/* All of it has come, so from here on its blocks are exact (E1). */
	if (fs_file_outdated(file_of(fi)))
		attributes_expire(mount_of(req), ino);
	reply_status(req, res);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	end_file(handle_of(fi));
	reply_status(req, 0);
}
