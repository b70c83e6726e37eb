/*
 * handover.c - see handover.h. The kernel is asked in *rounds*: the keeper marks a place in the stream of requests and has
 * the kernel write, and everything that came before the mark's end is waited for (served.h, M4).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <fuse_lowlevel.h>

#include "handles.h"
#include "handover.h"
#include "keeper.h"
#include "log.h"
#include "mounts.h"
#include "served.h"
#include "wire.h"

#define WHILE_RUNNING_S  4 /* a hand-over in between: the syncer has other things to do, too */
#define ROUNDS           4
#define USUAL_CONGESTION 256 /* the least that kernels have */
#define AT_THE_END_S     10  /* without a single WRITE */
#define ROUNDS_LAST      8   /* that bring something: who writes on and on does not keep the mount from ending */
#define TRIES_LAST       60
#define GONE_MS          500 /* for the connection to end, when nothing is open */

static struct keeper *keeper;

/* Protects what follows, and the questions to the keeper. Held while the kernel writes. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	bool known; /* the file system has been seen mounted, as `dev` */
	dev_t dev;
	uint64_t token; /* of the last mark */
} state;

/* Set before the loop begins. */
static struct fuse_session *session;
static const char *usual;
static atomic_bool running;

void handover_start(bool auto_unmount)
{
	keeper = keeper_start(auto_unmount);
}

void handover_count(int change)
{
	keeper_count(keeper, change);
}

void handover_mounted(struct fuse_session *se, const char *path)
{
	int res;

	session = se;
	usual = path;
	pthread_mutex_lock(&lock);
	if (getrandom(&state.token, sizeof(state.token), GRND_NONBLOCK) < 0)
		state.token = (uint64_t)getpid();
	res = mounts_find(path, &state.dev);
	state.known = res == 0;
	if (res < 0)
		log_line(LOG_WARNING,
			 "%s: the mount is not found among those of this process: %s; it has to be unmounted by hand", path,
			 strerror(-res));
	else
		res = keeper_mounted(keeper, path, state.dev);
	pthread_mutex_unlock(&lock);
	if (state.known && res < 0)
		log_line(LOG_DEBUG,
			 "%s: there is no clone of the mount: %s; what is written to files that stay open is stored "
			 "when the kernel hands it over by itself",
			 path, strerror(-res));
	atomic_store(&running, true);
}

/* --- rounds ---------------------------------------------------------------------------------------------------- */

/* Lock held. 0, or a negative errno value. */
static int mark(enum keeper_sync how, const struct timespec *deadline)
{
	int res;

	if (!state.known)
		return -ENXIO;
	served_expect(++state.token);
	res = keeper_sync(keeper, state.token, how, deadline);
	if (res == 0)
		res = served_wait(deadline);
	if (res == -ENOENT) {
		log_line(LOG_WARNING, "%s: what was mounted over it at once is not this file system", usual);
		state.known = false;
		keeper_release(keeper);
	}
	return res;
}

static int mark_later(const struct timespec *deadline)
{
	static const struct timespec pause = {.tv_nsec = 1000000};

	nanosleep(&pause, NULL);
	return mark(KEEPER_MARKS, deadline);
}

/*
 * A WRITE that the kernel has held back because the file is being shortened, synced or closed comes as soon as the thread
 * that does that goes on: hence a second mark. One that shortens sends its request first, which comes before the second mark,
 * and the WRITE before the third. What begins later holds back nothing that was asked for. Lock held. 0, or a negative errno
 * value.
 */
static int round_of(enum keeper_sync how, int seconds)
{
	unsigned long before = served_shortenings();
	struct timespec deadline;
	int res;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += seconds;
	res = mark(how, &deadline);
	if (res == 0)
		res = mark_later(&deadline);
	if (res == 0 && served_shortenings() != before)
		res = mark_later(&deadline);
	return res;
}

/* With so many requests in its queue the kernel, asked to write, passes over files. */
static unsigned long congestion(void)
{
	unsigned long limit = WIRE_CONGESTION;
	FILE *file;

	if (geteuid() == 0)
		return limit;
	file = fopen("/sys/module/fuse/parameters/max_user_congthresh", "re");
	if (file == NULL)
		return USUAL_CONGESTION;
	if (fscanf(file, "%lu", &limit) != 1 || limit == 0)
		limit = USUAL_CONGESTION;
	fclose(file);
	return limit;
}

/* True: what the kernel had has come, and it has passed over nothing. */
static bool round_in_between(unsigned long limit, int *res)
{
	unsigned long before = served_writes();

	*res = -ENXIO;
	pthread_mutex_lock(&lock);
	if (atomic_load(&running))
		*res = round_of(KEEPER_SYNCS, WHILE_RUNNING_S);
	pthread_mutex_unlock(&lock);
	return *res == 0 && served_writes() - before < limit;
}

bool hand_over(void *mount)
{
	const unsigned long limit = congestion();
	bool complete = false;
	int res = 0;

	(void)mount;
	for (int i = 0; i < ROUNDS && res == 0 && !complete; i++)
		complete = round_in_between(limit, &res);
	if (res < 0 && res != -ENXIO)
		log_line(LOG_DEBUG, "%s: the kernel has not handed over everything: %s", usual, strerror(-res));
	return complete;
}

/* Until a round brings nothing. As long as WRITEs come, time does not matter. */
static int hand_over_all(void)
{
	int rounds = 0;

	for (int i = 0; i < TRIES_LAST && rounds < ROUNDS_LAST; i++) {
		unsigned long before = served_writes();
		bool more;
		int res;

		pthread_mutex_lock(&lock);
		res = round_of(KEEPER_ENDS, AT_THE_END_S);
		pthread_mutex_unlock(&lock);
		more = served_writes() != before;
		if (res == 0 && !more)
			return 0;
		if (res < 0 && (res != -ETIMEDOUT || !more))
			return res;
		rounds += res == 0;
	}
	return rounds > 0 ? 0 : -ETIMEDOUT;
}

static bool store_all(void)
{
	unsigned long lost = served_lost();
	int res = hand_over_all();
	unsigned files = handles_writing();

	lost = served_lost() - lost;
	if (lost > 0)
		log_line(
		    LOG_ERR,
		    "%s: %lu pieces of what was written to open files could not be stored (see above); the files lack them",
		    usual, lost);
	else if (res < 0 && files > 0)
		log_line(LOG_ERR,
			 "%s: %u files are open for writing, and the kernel did not hand over all that was written to them: %s",
			 usual, files, res == -ENXIO ? "no way leads to the mount" : strerror(-res));
	return lost == 0 && (res == 0 || files == 0);
}

/* --- the end --------------------------------------------------------------------------------------------------- */

/* Without /proc: where it was mounted, if it is still there. */
static int unmount_usual(void)
{
	int fd = open(usual, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	dev_t dev;
	int res;

	if (fd < 0)
		return -errno;
	res = mounts_device(fd, &dev);
	if (res == 0 && dev != state.dev)
		res = -ENOENT;
	if (res == 0)
		res = mounts_detach(fd, usual);
	close(fd);
	return res;
}

/* (M3) As long as it lasts the file system is there, and no other one has its device number. */
static bool connected(void)
{
	struct pollfd connection = {.fd = fuse_session_fd(session)};

	return poll(&connection, 1, 0) < 1 || !(connection.revents & POLLERR);
}

bool handover_is_left(void)
{
	struct mount_list list;
	bool left;

	if (!state.known || mounts_read(&list) < 0)
		return false;
	/* As long as it is mounted no other file system has its number. */
	left = mounts_count(&list, state.dev) > 0;
	mounts_free(&list);
	return left;
}

bool handover_unmount(void)
{
	int left;

	if (!connected())
		return true;
	if (!state.known) {
		log_line(LOG_ERR,
			 "%s: the mount cannot be told from others there, so it is left; unmount it with 'fusermount3 -u'",
			 usual);
		return false;
	}
	left = mounts_unmount(state.dev, usual);
	if (left < 0)
		left = unmount_usual();
	if (left < 0)
		log_line(LOG_ERR, "%s: cannot be unmounted: %s", usual, strerror(-left));
	return left == 0;
}

/* Only the kernel knows who else has the file system. */
static void tell_elsewhere(void)
{
	static const struct timespec pause = {.tv_nsec = 10000000};
	pid_t process;

	for (int ms = 0; !handles_any() && ms < GONE_MS; ms += 10) {
		if (!connected())
			return;
		nanosleep(&pause, NULL);
	}
	process = mounts_elsewhere(state.dev);
	if (process > 0)
		log_line(LOG_WARNING,
			 "%s: it is still mounted in another mount namespace, that of process %d, and gives errors there from "
			 "now on; "
			 "unmount it there",
			 usual, (int)process);
	else if (handles_any())
		log_line(LOG_INFO, "%s: files that are still open give errors from now on", usual);
	else
		log_line(LOG_INFO, "%s: who still has a folder of it gets errors from now on", usual);
}

bool handover_end(void)
{
	bool stored = store_all();
	bool unmounted = handover_unmount();

	/* What was written until then. */
	stored = stored && store_all();
	pthread_mutex_lock(&lock);
	keeper_release(keeper);
	pthread_mutex_unlock(&lock);
	if (unmounted)
		tell_elsewhere();
	return stored && unmounted;
}

void handover_close(void)
{
	atomic_store(&running, false);
	served_end();
}

void handover_stop(void)
{
	handover_close();
	keeper_stop(keeper);
	keeper = NULL;
}
