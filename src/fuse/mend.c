/*
 * mend.c - see mend.h. Two threads. "reelfs-mend" takes inodes from a queue, one after the other. For contents it has
 * "reelfs-inside" open the file in the mount and truncate it: of these requests the kernel takes from the answers what the
 * file has, drops its pages, and does so for everybody who has the file open. No notification could: with the writeback
 * cache the kernel believes no size but the answer to a truncation, and it waits for pages that are being read.
 *
 * "reelfs-inside" waits for the kernel, which waits for the workers. It has file descriptors of its own, and that of the
 * session is not among them: when the process is killed the session ends all the same, and it with it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <utlist.h>

#include "log.h"
#include "mend.h"
#include "mounts.h"
#include "ops.h"

/*
 * Requests wait for no longer: one may come of somebody who holds the lock that a truncation takes (NFS does when it asks for
 * attributes before it changes them).
 */
#define PATIENCE_S 1

/* After a close that failed the RELEASE may come a little later than what the program does next. */
#define RELEASE_MS 50

/* Beside enum fs_stale: the kernel is to ask for attributes from now on. */
#define EXPIRED (1u << 16)

/* A request that waits. */
struct waiting {
	struct waiting *next;
	fuse_req_t req;
	struct fuse_file_info fi;
	mend_again_fn again;
};

struct stale {
	struct stale *next;
	uint64_t ino;
	unsigned what; /* enum fs_stale, EXPIRED; what is being set right is no longer in it */
	bool contents; /* those are, or were, among them */
	bool expected; /* it fails, and may be given up at any moment: until then, but not for longer than `until` */
	struct timespec until;
	struct waiting *waiting;
};

enum errand { NONE, ASKED, DONE };

static struct {
	struct mount *m;
	dev_t dev; /* of the file system; 0: not known */
	pthread_t mender, inside;

	pthread_mutex_t lock;   /* protects what follows; held during no request. Taken by whoever calls mend_stale() last */
	pthread_cond_t changed; /* by the monotonic clock */
	bool running, stop;
	bool late;                     /* requests do not wait at present */
	struct stale *queue, *current; /* current: the one that is being set right */
	enum errand errand;
	bool contents; /* it is to set them right, and not just to expire attributes */
	int result;
} mend = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_uint contents_stale; /* inodes in the queue of which contents are */
/* Of the file that is open in the mount, or about to be: whose requests these are, and what they are about. */
static _Atomic pid_t asker = -1;
static _Atomic uint64_t asked_about;
static atomic_bool opened;

/* --- in the mount -------------------------------------------------------------------------------------------- */

/* By the first mount of the file system that its path leads to, wherever that is by now (M3). */
static int open_by_mounts(const char *name, int flags)
{
	struct mount_list list;
	int fd = mounts_read(&list), root;

	if (fd < 0)
		return fd;
	fd = -ENOENT;
	for (size_t i = 0; i < list.n && fd < 0; i++) {
		root = list.entry[i].dev == mend.dev ? mounts_open(&list.entry[i]) : -ENOENT;
		if (root < 0)
			continue;
		fd = openat(root, name, flags);
		if (fd < 0)
			fd = -errno;
		close(root);
	}
	mounts_free(&list);
	return fd;
}

/* The name is of no file: the handler of LOOKUP gives it the inode. */
static int open_inside(uint64_t ino, int flags)
{
	static unsigned count;
	char name[64];
	int fd;

	snprintf(name, sizeof(name), ".reelfs-%d-%u", (int)getpid(), ++count);
	atomic_store(&opened, false);
	atomic_store(&asked_about, ino);
	atomic_store(&asker, gettid());
	fd = open_by_mounts(name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && !(flags & O_PATH) && !atomic_load(&opened)) {
		close(fd);
		fd = -EXDEV;
	}
	return fd;
}

static int set_right(uint64_t ino)
{
	struct fs_attr attr;
	int res = fs_getattr(mend.m->fs, ino, &attr), fd = -1;

	if (res == 0)
		res = fd = open_inside(ino, O_WRONLY);
	if (fd >= 0) {
		res = ftruncate(fd, (off_t)attr.size) < 0 ? -errno : 0;
		close(fd);
	}
	atomic_store(&asker, -1);
	/* It may have been removed, and closed by all. */
	return res < 0 && fs_getattr(mend.m->fs, ino, &attr) == -ENOENT ? 0 : res;
}

/* The answer to the LOOKUP says that the attributes are good for no time. A notification leaves untouched how long they are. */
static int expire(uint64_t ino)
{
	int fd = open_inside(ino, O_PATH);

	if (fd >= 0)
		close(fd);
	atomic_store(&asker, -1);
	return fd < 0 ? fd : 0;
}

static void *inside_main(void *arg)
{
	/* Nothing that others may wait for to be closed stays open here. */
	bool usable = unshare(CLONE_FILES) == 0 && close_range(0, ~0u, 0) == 0;

	(void)arg;
	pthread_mutex_lock(&mend.lock);
	while (!mend.stop) {
		uint64_t ino;
		bool contents;
		int res = -EPERM;

		if (mend.errand != ASKED) {
			pthread_cond_wait(&mend.changed, &mend.lock);
			continue;
		}
		ino = mend.current->ino;
		contents = mend.contents;
		pthread_mutex_unlock(&mend.lock);
		if (usable)
			res = contents ? set_right(ino) : expire(ino);
		pthread_mutex_lock(&mend.lock);
		mend.result = res;
		mend.errand = DONE;
		pthread_cond_broadcast(&mend.changed);
	}
	pthread_mutex_unlock(&mend.lock);
	return NULL;
}

/* --- the queue ------------------------------------------------------------------------------------------------ */

static void answer(struct waiting *list, uint64_t ino, bool stopped)
{
	struct waiting *w, *next;

	LL_FOREACH_SAFE (list, w, next) {
		if (stopped)
			fuse_reply_err(w->req, EIO);
		else
			w->again(w->req, ino, &w->fi);
		free(w);
	}
}

/* Nobody waits any longer, until the one that is being set right is. Lock held, and given up meanwhile. */
static void let_go(void)
{
	struct waiting *list;
	struct stale *s;

	mend.late = true;
	for (s = mend.queue; s != NULL; s = s->next) {
		list = s->waiting;
		s->waiting = NULL;
		/* Only this thread takes any off the queue. */
		pthread_mutex_unlock(&mend.lock);
		answer(list, s->ino, false);
		pthread_mutex_lock(&mend.lock);
	}
}

/* Lock held, and given up meanwhile. */
static int have_done(void)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_S;
	mend.errand = ASKED;
	pthread_cond_broadcast(&mend.changed);
	while (!mend.stop && mend.errand != DONE) {
		if (mend.late)
			pthread_cond_wait(&mend.changed, &mend.lock);
		else if (pthread_cond_timedwait(&mend.changed, &mend.lock, &until) == ETIMEDOUT)
			let_go();
	}
	mend.late = false;
	mend.errand = NONE;
	return mend.stop ? 0 : mend.result;
}

/* Lock held, and given up meanwhile. */
static void mend_one(struct stale *s)
{
	unsigned what = s->what;
	int res = 0;

	s->what = 0;
	s->expected = false;
	mend.current = s;
	mend.contents = what & FS_STALE_CONTENTS;
	if (what & (FS_STALE_CONTENTS | EXPIRED))
		res = have_done();
	pthread_mutex_unlock(&mend.lock);
	/* -EAGAIN: it is open for writing again, and what that makes of it is told when it ends. */
	if (res < 0 && res != -EAGAIN && mend.contents)
		log_often(LOG_WARNING,
			  "inode %llu: programs that look may see what could not be written, until it is mounted anew: %s",
			  (unsigned long long)s->ino, strerror(-res));
	/* (M1) The attributes alone: for pages that are locked this thread would wait in the kernel. */
	if (!(what & FS_STALE_CONTENTS) || res < 0)
		(void)fuse_lowlevel_notify_inval_inode(mend.m->session, s->ino, -1, 0);
	pthread_mutex_lock(&mend.lock);
}

/* Takes it off the queue. Lock held, and given up meanwhile. */
static void end_one(struct stale *s, bool stopped)
{
	LL_DELETE(mend.queue, s);
	if (s->contents)
		atomic_fetch_sub(&contents_stale, 1);
	pthread_mutex_unlock(&mend.lock);
	answer(s->waiting, s->ino, stopped);
	free(s);
	pthread_mutex_lock(&mend.lock);
}

static bool is_past(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > t->tv_sec || (now.tv_sec == t->tv_sec && now.tv_nsec >= t->tv_nsec);
}

/* The next with something to do. Lock held. */
static struct stale *next_one(void)
{
	struct stale *s;

	LL_FOREACH (mend.queue, s)
		if (s->what != 0)
			return s;
	LL_FOREACH (mend.queue, s)
		if (!s->expected || is_past(&s->until))
			return s;
	return NULL;
}

static void *mender_main(void *arg)
{
	struct stale *s;

	(void)arg;
	pthread_mutex_lock(&mend.lock);
	while (!mend.stop) {
		s = next_one();
		if (s != NULL && s->what != 0)
			mend_one(s);
		else if (s != NULL)
			end_one(s, false);
		else if (mend.queue != NULL)
			(void)pthread_cond_timedwait(&mend.changed, &mend.lock, &mend.queue->until);
		else
			pthread_cond_wait(&mend.changed, &mend.lock);
	}
	while (mend.queue != NULL)
		end_one(mend.queue, true);
	pthread_mutex_unlock(&mend.lock);
	return NULL;
}

/* Lock held. */
static struct stale *find(uint64_t ino)
{
	struct stale *s;

	LL_SEARCH_SCALAR(mend.queue, s, ino, ino);
	return s;
}

/* The one of this inode, made if there is none; NULL: no memory. Lock held. */
static struct stale *find_or_add(uint64_t ino)
{
	struct stale *s = find(ino);

	if (s == NULL) {
		s = calloc(1, sizeof(*s));
		if (s != NULL) {
			s->ino = ino;
			LL_APPEND(mend.queue, s);
			pthread_cond_broadcast(&mend.changed);
		}
	}
	return s;
}

void mend_stale(void *cache_arg, uint64_t ino, unsigned stale)
{
	struct stale *s;

	(void)cache_arg;
	pthread_mutex_lock(&mend.lock);
	s = mend.running ? find_or_add(ino) : NULL;
	if (s != NULL) {
		s->what |= stale;
		if ((stale & FS_STALE_CONTENTS) && !s->contents) {
			s->contents = true;
			atomic_fetch_add(&contents_stale, 1);
		}
		pthread_cond_broadcast(&mend.changed);
	}
	pthread_mutex_unlock(&mend.lock);
}

bool mend_is_due(uint64_t ino)
{
	const struct stale *s;
	bool due;

	if (atomic_load_explicit(&contents_stale, memory_order_relaxed) == 0)
		return false;
	pthread_mutex_lock(&mend.lock);
	s = find(ino);
	due = s != NULL && s->contents;
	pthread_mutex_unlock(&mend.lock);
	return due;
}

/* Lock held. */
static struct stale *expect(uint64_t ino)
{
	struct stale *s = find_or_add(ino);

	if (s != NULL && !s->contents && !s->expected) {
		clock_gettime(CLOCK_MONOTONIC, &s->until);
		s->until.tv_nsec += RELEASE_MS * 1000000;
		s->until.tv_sec += s->until.tv_nsec / 1000000000;
		s->until.tv_nsec %= 1000000000;
		s->expected = true;
	}
	return s;
}

bool mend_postpones(fuse_req_t req, fuse_ino_t ino, const struct fuse_file_info *fi, mend_again_fn again)
{
	bool failing = fs_settle(mend.m->fs, ino);
	struct waiting *w = NULL;
	struct stale *s;

	if ((!failing && atomic_load(&contents_stale) == 0) || mend_asks(req))
		return false;
	pthread_mutex_lock(&mend.lock);
	s = failing && mend.running ? expect(ino) : find(ino);
	if (s != NULL && (s->contents || s->expected) && !mend.late)
		w = malloc(sizeof(*w));
	if (w != NULL) {
		*w = (struct waiting){.req = req, .again = again};
		if (fi != NULL)
			w->fi = *fi;
		LL_APPEND(s->waiting, w);
	}
	pthread_mutex_unlock(&mend.lock);
	return w != NULL;
}

bool mend_expires(fuse_req_t req, fuse_ino_t ino, const struct fuse_file_info *fi, mend_again_fn again)
{
	struct waiting *w = malloc(sizeof(*w));
	struct stale *s;

	if (w == NULL)
		return false;
	*w = (struct waiting){.req = req, .again = again, .fi = *fi};
	pthread_mutex_lock(&mend.lock);
	s = mend.running && !mend.late ? find_or_add(ino) : NULL;
	if (s != NULL) {
		s->what |= EXPIRED;
		LL_APPEND(s->waiting, w);
		pthread_cond_broadcast(&mend.changed);
	}
	pthread_mutex_unlock(&mend.lock);
	if (s == NULL)
		free(w);
	return s != NULL;
}

bool mend_asks(fuse_req_t req)
{
	return fuse_req_ctx(req)->pid == atomic_load_explicit(&asker, memory_order_relaxed);
}

uint64_t mend_inode(void)
{
	return atomic_load(&asked_about);
}

void mend_opened(void)
{
	atomic_store(&opened, true);
}

/* --- beginning and end ---------------------------------------------------------------------------------------- */

int mend_start(struct mount *m, const char *mountpoint)
{
	pthread_condattr_t attr;
	int r = 0;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&mend.changed, &attr);
	pthread_condattr_destroy(&attr);
	mend.m = m;
	/* Where it is not found nothing can be set right, which is said when something is to be. */
	if (mounts_find(mountpoint, &mend.dev) < 0)
		mend.dev = 0;
	r = pthread_create(&mend.inside, NULL, inside_main, NULL);
	if (r == 0) {
		r = pthread_create(&mend.mender, NULL, mender_main, NULL);
		mend.running = r == 0;
		if (r != 0)
			mend_stop();
	}
	if (r != 0) {
		log_line(LOG_ERR, "cannot start a thread: %s", strerror(r));
		return -1;
	}
	pthread_setname_np(mend.mender, "reelfs-mend");
	pthread_setname_np(mend.inside, "reelfs-inside");
	return 0;
}

void mend_stop(void)
{
	bool running;

	pthread_mutex_lock(&mend.lock);
	running = mend.running;
	mend.running = false;
	mend.stop = true;
	pthread_cond_broadcast(&mend.changed);
	pthread_mutex_unlock(&mend.lock);
	if (running)
		pthread_join(mend.mender, NULL);
	pthread_join(mend.inside, NULL);
}
