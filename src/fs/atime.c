/*
 * atime.c - see atime.h. A read changes inode.atime in memory and nothing else; what is so ahead of the container
 * is in tree.atimes until a transaction has it. That is the one exception to T1, and has the number T4.
 *
 * The path of a read costs one comparison with inode.atime_due while nothing is to be done, which under the
 * relatime rule is all but the first read after a change, or in a day.
 */
#include "config.h"

#include <errno.h>

#include "atime.h"
#include "atime_pack.h"
#include "commit.h"

#define DAY 86400

static bool is_due(const struct inode *i, const struct timespec *now)
{
	return now->tv_sec >= atomic_load_explicit(&i->atime_due, memory_order_relaxed);
}

static bool is_off(const struct fs *fs, const struct inode *i)
{
	return fs->read_only || fs->options.atime == FS_ATIME_NEVER || (fs->options.no_dir_atime && S_ISDIR(i->mode));
}

static bool is_after(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/* The second from which a read changes `atime`; 0: each does. */
static int64_t next_due(const struct fs *fs, const struct timespec *atime, const struct timespec *mtime,
			const struct timespec *ctime)
{
	int64_t due;

	if (fs->options.atime == FS_ATIME_STRICT || !is_after(atime, mtime) || !is_after(atime, ctime))
		return 0;
	return __builtin_add_overflow(atime->tv_sec, DAY, &due) ? INT64_MAX : due;
}

/* Of a file with unwritten changes atime is one of them, and is committed with them. Tree lock held for writing. */
static void note(struct fs *fs, struct inode *i, const struct timespec *now)
{
	struct open_state *o = i->open;
	int64_t due;

	if (o)
		pthread_mutex_lock(&o->attr);
	if (o && o->changed) {
		if (now->tv_sec >= next_due(fs, &o->atime, &o->mtime, &o->ctime))
			o->atime = *now;
		due = next_due(fs, &o->atime, &o->mtime, &o->ctime);
	} else {
		/* Where there is no memory to remember that it is to be written, it stays as it was. */
		if (now->tv_sec >= next_due(fs, &i->atime, &i->mtime, &i->ctime) &&
		    number_set_add(&fs->tree.atimes, i->ino) == 0)
			i->atime = *now;
		due = next_due(fs, &i->atime, &i->mtime, &i->ctime);
	}
	if (o)
		pthread_mutex_unlock(&o->attr);
	atomic_store_explicit(&i->atime_due, due, memory_order_relaxed);
}

void fs_file_accessed(struct fs_file *f)
{
	struct timespec now = fs_now();
	struct fs *fs = f->fs;

	if (is_off(fs, f->open->inode) || !is_due(f->open->inode, &now))
		return;
	/* A commit of the file that is under way does not take the time back. */
	pthread_rwlock_rdlock(&f->open->io);
	pthread_rwlock_wrlock(&fs->tree_lock);
	note(fs, f->open->inode, &now);
	pthread_rwlock_unlock(&fs->tree_lock);
	pthread_rwlock_unlock(&f->open->io);
}

void fs_dir_accessed(struct fs_dir *d)
{
	struct timespec now = fs_now();
	struct fs *fs = d->fs;

	if (is_off(fs, d->inode) || !is_due(d->inode, &now))
		return;
	pthread_rwlock_wrlock(&fs->tree_lock);
	note(fs, d->inode, &now);
	pthread_rwlock_unlock(&fs->tree_lock);
}

void atime_link_read(struct fs *fs, uint64_t ino)
{
	struct timespec now = fs_now();
	struct inode *i;

	if (fs->read_only || fs->options.atime == FS_ATIME_NEVER)
		return;
	pthread_rwlock_wrlock(&fs->tree_lock);
	i = tree_inode(&fs->tree, ino);
	if (i && is_due(i, &now))
		note(fs, i, &now);
	pthread_rwlock_unlock(&fs->tree_lock);
}

/* --- writing them ------------------------------------------------------------------------------------- */

/* Tree lock held. Those who ended, or have no name any more, need none. */
static void record_all(struct fs *fs, const struct number_set *taken, struct body *body)
{
	struct atime_pack pack = {.body = body};
	uint64_t ino = 0;

	for (; number_set_first(taken, &ino); ino++) {
		const struct inode *i = tree_inode(&fs->tree, ino);

		if (i && i->nlink > 0)
			atime_pack_add(&pack, ino, &i->atime);
	}
	atime_pack_end(&pack);
}

/* The transaction was not written: they are pending as before, but for those there is no memory for. */
static void put_back(struct fs *fs, const struct number_set *taken)
{
	uint64_t ino = 0;

	pthread_rwlock_wrlock(&fs->tree_lock);
	for (; number_set_first(taken, &ino); ino++)
		if (tree_inode(&fs->tree, ino))
			(void)number_set_add(&fs->tree.atimes, ino);
	pthread_rwlock_unlock(&fs->tree_lock);
}

static bool any_pending(struct fs *fs)
{
	bool any;

	pthread_rwlock_rdlock(&fs->tree_lock);
	any = !number_set_empty(&fs->tree.atimes);
	pthread_rwlock_unlock(&fs->tree_lock);
	return any;
}

int atime_commit(struct fs *fs)
{
	struct number_set taken;
	struct tx tx;
	int r;

	if (!any_pending(fs))
		return 0;
	r = tx_begin_contents(fs, &tx);
	if (r < 0)
		return r;
	/* What is read from here on is pending anew: apply.c leaves its time alone. */
	pthread_rwlock_wrlock(&fs->tree_lock);
	taken = fs->tree.atimes;
	fs->tree.atimes = (struct number_set){0};
	pthread_rwlock_unlock(&fs->tree_lock);
	tx_build(&tx);
	record_all(fs, &taken, &tx.body);
	if (tx.body.len == 0)
		tx_abort(&tx);
	else
		r = tx_commit(&tx, NULL);
	if (r < 0)
		put_back(fs, &taken);
	number_set_clear(&taken);
	return r;
}

int atime_commit_of(struct fs *fs, const struct inode *i)
{
	bool pending;

	pthread_rwlock_rdlock(&fs->tree_lock);
	pending = number_set_has(&fs->tree.atimes, i->ino);
	pthread_rwlock_unlock(&fs->tree_lock);
	return pending ? atime_commit(fs) : 0;
}
