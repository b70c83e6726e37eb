/*
 * file.c - open regular files: open, create, flush, fsync, release. Relies on open.c for what an
 * inode's descriptors share and on contents.c for commits.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "atime.h"
#include "attr.h"
#include "commit.h"
#include "contents.h"
#include "names.h"
#include "open.h"
#include "refused.h"

static bool wants_write(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

/* Fills the fs_file for an open state that the caller has one user of. */
static void file_begin(struct fs_file *f, struct fs *fs, struct open_state *o, int flags)
{
	/* A descriptor that truncated has something to commit, whatever it may do else. */
	*f = (struct fs_file){fs, o, wants_write(flags) || (flags & O_TRUNC)};
	if (f->writable) {
		pthread_rwlock_wrlock(&fs->tree_lock);
		o->writers++;
		pthread_rwlock_unlock(&fs->tree_lock);
	}
}

static int truncate_at_open(struct fs *fs, struct open_state *o)
{
	struct timespec now = fs_now();
	uint64_t zero = 0;
	int r;

	pthread_rwlock_wrlock(&o->io);
	r = attr_kill_priv(fs, o->inode, 0);
	if (r == 0)
		r = open_punch(fs, o, 0, UINT64_MAX);
	if (r == 0) {
		open_change(fs, o, &zero, 0, &now);
		refused_cut(o, 0);
	}
	pthread_rwlock_unlock(&o->io);
	return r;
}

int fs_file_open(struct fs *fs, uint64_t ino, int flags, struct fs_file **ret)
{
	struct open_state *o;
	struct fs_file *f;
	int r;

	if ((wants_write(flags) || (flags & O_TRUNC)) && fs_is_read_only(fs))
		return -EROFS;
	/* First: what was truncated stays so. */
	f = malloc(sizeof(*f));
	r = f ? open_hold(fs, ino, &o) : -ENOMEM;
	if (r == 0 && (flags & O_TRUNC)) {
		r = truncate_at_open(fs, o);
		if (r < 0)
			open_put(fs, o);
	}
	if (r < 0) {
		free(f);
		return r;
	}
	file_begin(f, fs, o, flags);
	*ret = f;
	return 0;
}

/* Memory for opening what is about to be made, so that it need not be taken back. */
struct new_file {
	struct fs_file *file;
	void *spare; /* as much as an open state takes */
};

static int new_file_begin(struct new_file *n)
{
	*n = (struct new_file){malloc(sizeof(*n->file)), malloc(sizeof(struct open_state))};
	return n->file && n->spare ? 0 : -ENOMEM;
}

static void new_file_end(struct new_file *n)
{
	free(n->file);
	free(n->spare);
}

/* The open file for an inode that was just made, with a lookup reference. */
static int open_new(struct fs *fs, int flags, struct fs_attr *attr, struct new_file *n, struct fs_file **ret)
{
	struct open_state *o;
	int r = open_hold(fs, attr->ino, &o);

	if (r == -ENOMEM) {
		free(n->spare);
		n->spare = NULL;
		r = open_hold(fs, attr->ino, &o);
	}
	if (r < 0)
		return r;
	file_begin(n->file, fs, o, flags);
	attr->writers = n->file->writable;
	*ret = n->file;
	n->file = NULL;
	return 0;
}

int fs_file_create(struct fs *fs, uint64_t parent, const char *name, uint32_t mode, int flags, const struct fs_cred *cred,
		   struct fs_attr *attr, struct fs_file **ret)
{
	struct new_file n;
	int r = new_file_begin(&n);

	if (r == 0)
		r = fs_mknod(fs, parent, name, S_IFREG | (mode & 07777), 0, cred, attr);
	if (r == 0) {
		r = open_new(fs, flags, attr, &n, ret);
		if (r < 0) {
			(void)fs_unlink(fs, parent, name);
			fs_forget(fs, attr->ino, 1);
		}
	}
	new_file_end(&n);
	return r;
}

int fs_file_tmpfile(struct fs *fs, uint64_t parent, uint32_t mode, int flags, const struct fs_cred *cred, struct fs_attr *attr,
		    struct fs_file **ret)
{
	struct new_file n;
	int r = new_file_begin(&n);

	if (r == 0)
		r = names_make_unnamed(fs, parent, S_IFREG | (mode & 07777), cred, attr);
	if (r == 0) {
		r = open_new(fs, flags, attr, &n, ret);
		if (r < 0)
			fs_forget(fs, attr->ino, 1);
	}
	new_file_end(&n);
	return r;
}

/* --- committing -------------------------------------------------------------------------------------- */

/* open_state.io held for writing. */
static int commit(struct fs *fs, struct open_state *o, const struct contents_as *as)
{
	int r = contents_commit(fs, o, as);

	open_set_failing(fs, o, r < 0 || o->missing);
	return r;
}

static int flush(struct fs *fs, struct open_state *o, const struct contents_as *as)
{
	int r;

	pthread_rwlock_wrlock(&o->io);
	r = commit(fs, o, as);
	pthread_rwlock_unlock(&o->io);
	return r;
}

/* The kernel asks for the blocks anew after a flush, so nothing that it was told before counts any more. */
int fs_file_flush(struct fs_file *f)
{
	if (!f->writable)
		return 0;
	pthread_mutex_lock(&f->open->attr);
	f->open->shown = false;
	pthread_mutex_unlock(&f->open->attr);
	return flush(f->fs, f->open, NULL);
}

bool fs_settle(struct fs *fs, uint64_t ino)
{
	struct open_state *o;
	bool failing;

	if (atomic_load_explicit(&fs->failing, memory_order_relaxed) == 0 || open_hold(fs, ino, &o) < 0)
		return false;
	pthread_rwlock_rdlock(&o->io);
	failing = o->failing && open_has_writers(fs, o);
	pthread_rwlock_unlock(&o->io);
	open_put(fs, o);
	return failing;
}

int fs_file_fsync(struct fs_file *f, bool datasync)
{
	int r = flush(f->fs, f->open, &(struct contents_as){NULL});

	/* Its other times are in the same transaction as its data: nothing is saved by leaving them. */
	if (r == 0 && !datasync)
		r = atime_commit_of(f->fs, f->open->inode);
	return r < 0 ? r : reel_sync(f->fs->store);
}

bool fs_file_outdated(const struct fs_file *f)
{
	struct open_state *o = f->open;
	bool is;

	pthread_rwlock_rdlock(&f->fs->tree_lock);
	pthread_mutex_lock(&o->attr);
	is = o->shown && o->shown_bytes != (o->changed ? o->allocated : o->inode->extents.bytes);
	pthread_mutex_unlock(&o->attr);
	pthread_rwlock_unlock(&f->fs->tree_lock);
	return is;
}

static void log_loss(struct fs *fs, struct open_state *o, int error)
{
	char path[4096];

	pthread_rwlock_rdlock(&fs->tree_lock);
	tree_path(o->inode, NULL, path, sizeof(path));
	pthread_rwlock_unlock(&fs->tree_lock);
	fs_log(fs, LOG_ERR, "%s: what was written to /%s since it was last committed is lost: %s", reel_path(fs->store), path,
	       reel_explain(error));
}

/*
 * No writer is left, and `r` came of the last commit: what the kernel was told, or has cached, may not be so. True: the
 * caller's use of the open state goes on. io held.
 */
static bool end_writing(struct fs *fs, struct open_state *o, int r)
{
	uint64_t size = open_size(o);
	unsigned stale;

	pthread_mutex_lock(&o->attr);
	stale = o->shown ? FS_STALE_ATTR : 0;
	o->shown = false;
	pthread_mutex_unlock(&o->attr);
	/* Nobody is left who could be told, or could write again. */
	if (r < 0) {
		log_loss(fs, o, r);
		open_revert(fs, o);
		refused_note(fs, o, open_size(o), size, r);
	}
	if (o->failing)
		stale |= FS_STALE_ATTR | FS_STALE_CONTENTS;
	o->missing = false;
	if (stale && fs->options.stale)
		fs->options.stale(fs->options.cache_arg, o->inode->ino, stale);
	open_set_failing(fs, o, false);
	return refused_outlives(fs, o);
}

void fs_file_release(struct fs_file *f)
{
	struct open_state *o = f->open;
	struct fs *fs = f->fs;
	bool stays = false;
	int r;

	if (f->writable) {
		/* First: whoever asks from here on need not wait to hear that nobody has it open for writing. */
		pthread_rwlock_wrlock(&fs->tree_lock);
		o->writers--;
		pthread_rwlock_unlock(&fs->tree_lock);
		pthread_rwlock_wrlock(&o->io);
		r = commit(fs, o, NULL);
		if (!open_has_writers(fs, o))
			stays = end_writing(fs, o, r);
		pthread_rwlock_unlock(&o->io);
	}
	if (!stays)
		open_put(fs, o);
	free(f);
}

void fs_mended(struct fs *fs, uint64_t ino)
{
	struct open_state *o;
	bool ended;

	if (open_hold(fs, ino, &o) < 0)
		return;
	pthread_rwlock_wrlock(&o->io);
	ended = !open_has_writers(fs, o) && refused_mended(fs, o);
	pthread_rwlock_unlock(&o->io);
	if (ended)
		open_put(fs, o);
	open_put(fs, o);
}

int fs_file_refused(const struct fs_file *f)
{
	return atomic_load(&f->open->refusing);
}
