/*
 * progress.c - see progress.h. Never writes anything when standard error is no terminal.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"
#include "text.h"

#define FIRST_MS      1000 /* what ends sooner shows nothing */
#define EACH_MS       200
#define BAR_WIDTH     30
#define LINE_MAX_SIZE 256
#define ERASE_LINE    "\r\033[K"

static atomic_uint_fast64_t bytes_done, bytes_total;

/* Protects what follows, and the terminal's last line. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake; /* with the monotonic clock; made at the first begin */
static bool running, visible;
static const char *label;
static struct timespec started;
static pthread_t thread;

static struct timespec clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t;
}

static struct timespec later_by(struct timespec t, long ms)
{
	t.tv_nsec += ms % 1000 * 1000000;
	t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static size_t columns(void)
{
	struct winsize w;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ? w.ws_col : 80;
}

static void put(const char *text, size_t len)
{
	ssize_t r = write(STDERR_FILENO, text, len); /* not stdio: messages of other threads use it */

	(void)r; /* a terminal that is gone needs no bar */
}

/* The lock is held. */
static void draw(void)
{
	uint64_t done = bytes_done, total = bytes_total;
	long long seconds = (long long)(clock_now().tv_sec - started.tv_sec);
	char line[LINE_MAX_SIZE], size[SIZE_TEXT], of[SIZE_TEXT], bar[BAR_WIDTH + 1];
	size_t full, len, room = columns() - 1;

	if (total > 0) {
		done = done < total ? done : total;
		full = (size_t)((double)done / (double)total * BAR_WIDTH);
		memset(bar, ' ', BAR_WIDTH);
		memset(bar, '#', full);
		bar[BAR_WIDTH] = '\0';
		snprintf(line, sizeof(line), "reel: %s: [%s] %3.0f%%, %s of %s, %lld s", label, bar,
			 (double)done / (double)total * 100, short_size_text(done, size), short_size_text(total, of), seconds);
	} else if (done > 0) {
		snprintf(line, sizeof(line), "reel: %s: %s, %lld s", label, short_size_text(done, size), seconds);
	} else {
		snprintf(line, sizeof(line), "reel: %s: %lld s", label, seconds);
	}
	len = strlen(line);
	put(ERASE_LINE, sizeof(ERASE_LINE) - 1);
	put(line, len < room ? len : room);
	visible = true;
}

/* The lock is held. */
static void erase(void)
{
	if (visible)
		put(ERASE_LINE, sizeof(ERASE_LINE) - 1);
	visible = false;
}

static void *run_bar(void *arg)
{
	struct timespec next = later_by(started, FIRST_MS);

	(void)arg;
	pthread_mutex_lock(&lock);
	while (running) {
		if (pthread_cond_timedwait(&wake, &lock, &next) != ETIMEDOUT)
			continue;
		draw();
		next = later_by(clock_now(), EACH_MS);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

/* Signals are for the thread that does the work. */
static bool start_thread(void)
{
	static bool wake_made;
	pthread_condattr_t attr;
	sigset_t all, old;
	int r = 0;

	if (!wake_made) {
		pthread_condattr_init(&attr);
		pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
		r = pthread_cond_init(&wake, &attr);
		pthread_condattr_destroy(&attr);
		wake_made = r == 0;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	if (r == 0)
		r = pthread_create(&thread, NULL, run_bar, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r == 0;
}

void progress_begin(const char *what, uint64_t total)
{
	progress_end();
	progress_set(0, total);
	if (!isatty(STDERR_FILENO))
		return;
	label = what;
	started = clock_now();
	running = true;
	if (!start_thread())
		running = false; /* it goes without a bar */
}

void progress_set(uint64_t done, uint64_t total)
{
	atomic_store_explicit(&bytes_done, done, memory_order_relaxed);
	atomic_store_explicit(&bytes_total, total, memory_order_relaxed);
}

void progress_add(uint64_t bytes)
{
	atomic_fetch_add_explicit(&bytes_done, bytes, memory_order_relaxed);
}

void progress_pause(void)
{
	pthread_mutex_lock(&lock);
	erase();
}

void progress_resume(void)
{
	pthread_mutex_unlock(&lock);
}

void progress_end(void)
{
	bool was;

	pthread_mutex_lock(&lock);
	was = running;
	running = false;
	erase();
	if (was)
		pthread_cond_signal(&wake);
	pthread_mutex_unlock(&lock);
	if (was)
		pthread_join(thread, NULL);
}
