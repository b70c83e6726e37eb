/*
 * loop.c - see loop.h. The thread that may wait for requests is the *reader*; the others sleep. The
 * thread "reelfs-watch" looks every millisecond, while there are requests, whether the reader is still with the
 * one that it was with before, and if so makes another thread the reader. A thread that finds itself
 * replaced when its request is done goes to sleep. For a moment two may read: that is harmless.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fuse_lowlevel.h>

#include "fs.h"
#include "loop.h"

#define TICK_NS       1000000
#define TICKS_TO_REST 50 /* without a request; then the watcher sleeps until there is one */
#define KICK_NS       10000000

struct worker {
	struct worker *next;
	struct loop *loop;
	pthread_t thread;
	atomic_bool serving;  /* between taking a request and its end */
	atomic_bool replaced; /* another thread is the reader now */
	atomic_uint requests; /* taken so far: tells one from the next */
	bool ended;           /* under loop.lock */
};

struct loop {
	struct fuse_session *se;
	unsigned max;
	sem_t over; /* posted when the session has ended */

	pthread_mutex_t lock; /* protects what follows; held during no request */
	pthread_cond_t reader_wanted;
	struct worker *workers, *reader;
	unsigned count, sleeping;
	int error;

	pthread_t watcher;
	bool has_watcher;
	atomic_bool resting; /* the watcher sleeps */
	sem_t wake;          /* posted to end that */
	atomic_bool stop;
};

static _Thread_local struct worker *self;

static void *worker_main(void *arg);

/* Lock held. */
static int start_worker(struct loop *l)
{
	struct worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->loop = l;
	r = pthread_create(&w->thread, NULL, worker_main, w);
	if (r != 0) {
		free(w);
		return -r;
	}
	pthread_setname_np(w->thread, "reelfs-worker");
	w->next = l->workers;
	l->workers = w;
	l->count++;
	return 0;
}

/* The reader's place becomes free: someone takes it, if there is anyone to. Lock held. */
static void offer_place(struct loop *l)
{
	l->reader = NULL;
	if (l->sleeping > 0)
		pthread_cond_signal(&l->reader_wanted);
	else if (l->count < l->max)
		(void)start_worker(l); /* without it the requests wait for the thread that is held up */
}

static void replace_reader(struct loop *l, struct worker *w)
{
	pthread_mutex_lock(&l->lock);
	if (l->reader == w && (l->sleeping > 0 || l->count < l->max)) {
		atomic_store(&w->replaced, true);
		offer_place(l);
	}
	pthread_mutex_unlock(&l->lock);
}

void loop_will_wait(void)
{
	if (self)
		replace_reader(self->loop, self);
}

/* --- workers ----------------------------------------------------------------------------------------------- */

static void end_session(struct loop *l, int error)
{
	pthread_mutex_lock(&l->lock);
	if (error < 0 && l->error == 0)
		l->error = error;
	pthread_mutex_unlock(&l->lock);
	fuse_session_exit(l->se);
	sem_post(&l->over);
}

static void serve(struct worker *w, const struct fuse_buf *buf)
{
	struct loop *l = w->loop;

	atomic_fetch_add_explicit(&w->requests, 1, memory_order_relaxed);
	atomic_store(&w->serving, true);
	if (atomic_load_explicit(&l->resting, memory_order_relaxed) && atomic_exchange(&l->resting, false))
		sem_post(&l->wake);
	fuse_session_process_buf(l->se, buf);
	atomic_store(&w->serving, false);
}

/* Takes requests until another thread is the reader or the session ends. */
static void read_requests(struct worker *w, struct fuse_buf *buf)
{
	struct loop *l = w->loop;

	while (!fuse_session_exited(l->se) && !atomic_load(&w->replaced)) {
		int n = fuse_session_receive_buf(l->se, buf);

		if (n == -EINTR || n == -EAGAIN)
			continue;
		if (n <= 0) {
			end_session(l, n);
			return;
		}
		serve(w, buf);
	}
}

static bool become_reader(struct worker *w)
{
	struct loop *l = w->loop;

	pthread_mutex_lock(&l->lock);
	if (l->reader == w)
		l->reader = NULL;
	l->sleeping++;
	while (l->reader && !fuse_session_exited(l->se))
		pthread_cond_wait(&l->reader_wanted, &l->lock);
	l->sleeping--;
	if (!fuse_session_exited(l->se)) {
		l->reader = w;
		atomic_store(&w->replaced, false);
	}
	pthread_mutex_unlock(&l->lock);
	return !fuse_session_exited(l->se);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct fuse_buf buf = {0};

	self = w;
	while (become_reader(w))
		read_requests(w, &buf);
	free(buf.mem);
	sem_post(&w->loop->over);
	pthread_mutex_lock(&w->loop->lock);
	w->ended = true;
	pthread_mutex_unlock(&w->loop->lock);
	return NULL;
}

/* --- the watcher ------------------------------------------------------------------------------------------- */

static void watch(struct loop *l)
{
	static const struct timespec tick = {.tv_nsec = TICK_NS};
	struct worker *before = NULL;
	unsigned requests = 0, idle = 0;

	while (!atomic_load(&l->stop) && idle < TICKS_TO_REST) {
		struct worker *w;
		unsigned now;

		nanosleep(&tick, NULL);
		pthread_mutex_lock(&l->lock);
		w = l->reader;
		pthread_mutex_unlock(&l->lock);
		now = w ? atomic_load(&w->requests) : 0;
		if (w && w == before && now == requests && atomic_load(&w->serving))
			replace_reader(l, w);
		idle = w == before && now == requests ? idle + 1 : 0;
		before = w;
		requests = now;
	}
}

static void *watcher_main(void *arg)
{
	struct loop *l = arg;

	while (!atomic_load(&l->stop)) {
		watch(l);
		atomic_store(&l->resting, true);
		while (!atomic_load(&l->stop) && atomic_load(&l->resting) && sem_wait(&l->wake) < 0 && errno == EINTR)
			;
	}
	return NULL;
}

static int start_watcher(struct loop *l)
{
	int r;

	/* A single thread can be replaced by nobody. */
	if (l->max < 2)
		return 0;
	r = pthread_create(&l->watcher, NULL, watcher_main, l);
	if (r != 0)
		return -r;
	pthread_setname_np(l->watcher, "reelfs-watch");
	l->has_watcher = true;
	return 0;
}

/* --- the whole --------------------------------------------------------------------------------------------- */

static bool all_ended(struct loop *l)
{
	bool ended = true;

	pthread_mutex_lock(&l->lock);
	pthread_cond_broadcast(&l->reader_wanted);
	for (struct worker *w = l->workers; w; w = w->next) {
		ended = ended && w->ended;
		/* It may be waiting for a request that never comes, or be about to: hence again and again. */
		if (!w->ended)
			pthread_kill(w->thread, SIGUSR1);
	}
	pthread_mutex_unlock(&l->lock);
	return ended;
}

static void stop(struct loop *l)
{
	static const struct timespec pause = {.tv_nsec = KICK_NS};

	atomic_store(&l->stop, true);
	if (l->has_watcher) {
		sem_post(&l->wake);
		pthread_join(l->watcher, NULL);
	}
	while (!all_ended(l))
		nanosleep(&pause, NULL);
	for (struct worker *w = l->workers, *next; w; w = next) {
		next = w->next;
		pthread_join(w->thread, NULL);
		free(w);
	}
}

int loop_run(struct fuse_session *se, unsigned max_threads)
{
	struct loop l = {
	    .se = se, .max = max_threads, .lock = PTHREAD_MUTEX_INITIALIZER, .reader_wanted = PTHREAD_COND_INITIALIZER};
	int r;

	sem_init(&l.over, 0, 0);
	sem_init(&l.wake, 0, 0);
	pthread_mutex_lock(&l.lock);
	r = start_worker(&l);
	pthread_mutex_unlock(&l.lock);
	if (r == 0)
		r = start_watcher(&l);
	if (r < 0)
		fuse_session_exit(se);
	while (!fuse_session_exited(se))
		(void)sem_wait(&l.over);
	/* Before the last requests, which may take long, have been served. */
	fs_tell_storing();
	stop(&l);
	sem_destroy(&l.wake);
	sem_destroy(&l.over);
	return r < 0 ? r : l.error;
}
