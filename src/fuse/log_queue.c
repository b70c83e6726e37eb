/*
 * log_queue.c - see log_queue.h. A ring of bytes: each message a head, then its text.
 * A thread that hangs in write(2) or syslog(3) is left there: the end of the process ends it.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log_queue.h"
#include "log_repeats.h"

#define RING_SIZE    (1u << 20)
#define DEBUG_ROOM   (RING_SIZE / 2)
#define BATCH_SIZE   (64u << 10)
#define STACK_SIZE   (256u << 10) /* whatever the caller's limit is */
#define DROPPED_ROOM 128
#define END_S        2
#define TRY_MS       1000 /* for a standard error that does not block, before there is the thread */
#define NAME         "reelfs: "
#define NAME_LENGTH  (sizeof(NAME) - 1)
#define TEXT_MAX     8192

struct head {
	uint16_t length; /* of the text that follows */
	uint8_t priority, to;
};

enum state { DIRECT, RUNNING, ENDING, LEFT };

/* Protects what follows; held for copying only. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed; /* with the monotonic clock */
static struct {
	enum state state;
	size_t begin, used;
	unsigned long dropped; /* since the last that was taken */
	int dropped_to;
	bool delivering;
} queue;
static char ring[RING_SIZE];

static pthread_t thread;

/* --- the ring (lock held) --------------------------------------------------------------------------------------- */

static void copy_in(const void *data, size_t len)
{
	size_t at = (queue.begin + queue.used) % RING_SIZE;
	size_t first = len < RING_SIZE - at ? len : RING_SIZE - at;

	memcpy(ring + at, data, first);
	memcpy(ring, (const char *)data + first, len - first);
	queue.used += len;
}

static void copy_out(void *data, size_t len)
{
	size_t first = len < RING_SIZE - queue.begin ? len : RING_SIZE - queue.begin;

	memcpy(data, ring + queue.begin, first);
	memcpy((char *)data + first, ring, len - first);
	queue.begin = (queue.begin + len) % RING_SIZE;
	queue.used -= len;
	if (queue.used == 0)
		queue.begin = 0; /* few messages touch little memory */
}

static bool has_room(int priority, size_t length)
{
	size_t need = sizeof(struct head) + length + (queue.dropped > 0 ? sizeof(struct head) + DROPPED_ROOM : 0);

	return queue.used + need <= (priority == LOG_DEBUG ? DEBUG_ROOM : RING_SIZE);
}

static void add(int priority, int to, const char *text, size_t length)
{
	const struct head head = {.length = (uint16_t)length, .priority = (uint8_t)priority, .to = (uint8_t)to};

	copy_in(&head, sizeof(head));
	copy_in(text, length);
}

/* In the place of what is missing. */
static void add_dropped(void)
{
	char text[DROPPED_ROOM];
	int n;

	if (queue.dropped == 0)
		return;
	n = snprintf(text, sizeof(text), "%lu messages are missing here: they were not read fast enough", queue.dropped);
	add(LOG_WARNING, queue.dropped_to, text, (size_t)n);
	queue.dropped = 0;
	queue.dropped_to = 0;
}

/* What is missing is told with the next that finds room for both: else its count alone would fill the ring. */
static void add_or_drop(int priority, int to, const char *text, size_t length)
{
	if (has_room(priority, length)) {
		add_dropped();
		add(priority, to, text, length);
	} else {
		queue.dropped++;
		queue.dropped_to |= to;
	}
}

/* --- delivery ------------------------------------------------------------------------------------------------------ */

/* Who started this may have made standard error one that does not block. */
static void write_all(const char *text, size_t len, int patience_ms)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, text, len);
		struct pollfd writable = {.fd = STDERR_FILENO, .events = POLLOUT};

		if (n >= 0) {
			text += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN && poll(&writable, 1, patience_ms) > 0) {
			continue;
		} else if (errno != EINTR) {
			return;
		}
	}
}

static size_t as_line(char line[NAME_LENGTH + TEXT_MAX + 1], const char *text, size_t length)
{
	memcpy(line, NAME, NAME_LENGTH);
	memcpy(line + NAME_LENGTH, text, length);
	line[NAME_LENGTH + length] = '\n';
	return NAME_LENGTH + length + 1;
}

static size_t length_of(const char *text)
{
	return strnlen(text, TEXT_MAX - 1);
}

/* One write(2) a line, so that lines of several threads do not mix. */
void queue_deliver(int priority, int to, const char *text)
{
	char line[NAME_LENGTH + TEXT_MAX + 1];

	if (to & TO_STDERR)
		write_all(line, as_line(line, text, length_of(text)), TRY_MS);
	if (to & TO_SYSLOG)
		syslog(priority, "%s", text);
}

void queue_offer(const char *text)
{
	static atomic_bool given_up;
	struct pollfd writable = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (atomic_load(&given_up))
		return;
	if (poll(&writable, 1, TRY_MS) > 0)
		queue_deliver(0, TO_STDERR, text);
	else
		atomic_store(&given_up, true);
}

/* What is there for standard error goes in one piece, as much as fits. Lock held, and given up meanwhile. */
static void deliver_some(void)
{
	static char batch[BATCH_SIZE], text[TEXT_MAX];
	struct head head = {.to = TO_STDERR};
	size_t n = 0;

	while (queue.used > 0 && head.to == TO_STDERR && n + NAME_LENGTH + TEXT_MAX + 1 <= sizeof(batch)) {
		copy_out(&head, sizeof(head));
		copy_out(text, head.length);
		text[head.length] = '\0';
		if (head.to & TO_STDERR)
			n += as_line(batch + n, text, head.length);
	}
	queue.delivering = true;
	pthread_mutex_unlock(&lock);
	if (n > 0)
		write_all(batch, n, -1);
	if (head.to & TO_SYSLOG)
		syslog(head.priority, "%s", text);
	pthread_mutex_lock(&lock);
	queue.delivering = false;
}

/* --- the thread ------------------------------------------------------------------------------------------------- */

static struct timespec in_seconds(int seconds)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += seconds;
	return t;
}

/* (L2) Lock held, and given up meanwhile. True: there was something. */
static bool take_repeats(bool all)
{
	char text[REPEATS_TEXT];
	int priority, to;
	bool any;

	pthread_mutex_unlock(&lock);
	any = repeats_take(all, &priority, &to, text);
	pthread_mutex_lock(&lock);
	if (any)
		add_or_drop(priority, to, text, strlen(text));
	return any;
}

static void *deliver_all(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	for (;;) {
		const struct timespec later = in_seconds(1);
		const bool any = take_repeats(queue.state != RUNNING);

		if (queue.used > 0)
			deliver_some();
		else if (queue.dropped > 0)
			add_dropped();
		else if (any)
			continue;
		else if (queue.state != RUNNING)
			break;
		else if (repeats_waiting())
			(void)pthread_cond_timedwait(&changed, &lock, &later);
		else
			(void)pthread_cond_wait(&changed, &lock);
	}
	if (queue.state == ENDING)
		queue.state = DIRECT;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static int make_condition(void)
{
	pthread_condattr_t attr;
	int res = pthread_condattr_init(&attr);

	if (res != 0)
		return res;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	res = pthread_cond_init(&changed, &attr);
	pthread_condattr_destroy(&attr);
	return res;
}

/* SIGTTOU is blocked in it, too: a job in the background would be stopped by its messages, and with it the mount. */
static int make_thread(void)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int res = pthread_attr_init(&attr);

	if (res != 0)
		return res;
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	res = pthread_create(&thread, &attr, deliver_all, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (res == 0)
		pthread_setname_np(thread, "reelfs-log");
	return res;
}

int queue_start(void)
{
	int res = make_condition();

	if (res != 0)
		return -res;
	queue.state = RUNNING;
	res = make_thread();
	if (res != 0)
		queue.state = DIRECT;
	return -res;
}

bool queue_runs(void)
{
	bool runs;

	pthread_mutex_lock(&lock);
	runs = queue.state != DIRECT;
	pthread_mutex_unlock(&lock);
	return runs;
}

bool queue_put(int priority, int to, const char *text)
{
	bool runs;

	pthread_mutex_lock(&lock);
	runs = queue.state != DIRECT;
	if (runs) {
		add_or_drop(priority, to, text, length_of(text));
		pthread_cond_broadcast(&changed);
	}
	pthread_mutex_unlock(&lock);
	return runs;
}

void queue_wake(void)
{
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

void queue_end(void)
{
	const struct timespec deadline = in_seconds(END_S);
	bool ended;

	pthread_mutex_lock(&lock);
	if (queue.state != RUNNING) {
		pthread_mutex_unlock(&lock);
		return;
	}
	queue.state = ENDING;
	pthread_cond_broadcast(&changed);
	while (queue.state == ENDING)
		if (pthread_cond_timedwait(&changed, &lock, &deadline) == ETIMEDOUT)
			break;
	ended = queue.state == DIRECT;
	if (!ended)
		queue.state = LEFT;
	pthread_mutex_unlock(&lock);
	if (ended)
		pthread_join(thread, NULL);
	else
		pthread_detach(thread);
}
