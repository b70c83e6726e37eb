/*
 * signals.c - the thread that waits for the signals that end the mount.
 * Relies on the loop's semaphore wait being interrupted by a signal whose handler does nothing.
 * Never runs anything in a signal handler.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <fuse_lowlevel.h>

#include "handover.h"
#include "log.h"
#include "signals.h"

#define KICK          SIGUSR1
#define KICK_EVERY_NS 10000000

enum phase { OPENING, MOUNTING, RUNNING, CLOSING };

/* Protects all of this struct; taken by nobody who holds another lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	enum phase phase;
	struct fuse_session *se;
	pthread_t loop; /* the thread in the loop */
	bool ending;    /* a signal is being obeyed */
	enum signals_end end;
} state;
static pthread_cond_t obeyed = PTHREAD_COND_INITIALIZER;
static pthread_cond_t mounted = PTHREAD_COND_INITIALIZER; /* or not: the phase is another one */

static sigset_t ending;
static pthread_t waiter; /* the thread that waits for them */
static pid_t process;

static void do_nothing(int sig)
{
	(void)sig;
}

/* The loop looks at the flag and then sleeps: one kick could fall in between, so it is repeated. */
static void end_loop(void)
{
	static const struct timespec pause = {.tv_nsec = KICK_EVERY_NS};

	for (;;) {
		pthread_mutex_lock(&lock);
		if (state.phase != RUNNING) {
			pthread_mutex_unlock(&lock);
			return;
		}
		fuse_session_exit(state.se);
		pthread_kill(state.loop, KICK);
		pthread_mutex_unlock(&lock);
		nanosleep(&pause, NULL);
	}
}

static void obey(void)
{
	enum signals_end end = handover_end() ? SIGNALS_ENDED : SIGNALS_FAILED;

	pthread_mutex_lock(&lock);
	state.end = end;
	state.ending = false;
	pthread_cond_signal(&obeyed);
	pthread_mutex_unlock(&lock);
	end_loop();
}

static void *wait_for_signals(void *arg)
{
	(void)arg;
	for (;;) {
		enum phase phase;
		int sig;

		if (sigwait(&ending, &sig) != 0)
			continue;
		pthread_mutex_lock(&lock);
		while (state.phase == MOUNTING)
			pthread_cond_wait(&mounted, &lock);
		phase = state.phase;
		state.ending = phase == RUNNING;
		pthread_mutex_unlock(&lock);

		if (phase == OPENING) {
			log_line(LOG_ERR, "ended by signal %d (%s) before the mount worked", sig, strsignal(sig));
			log_end();
			_exit(EXIT_FAILURE);
		}
		if (phase == RUNNING) {
			log_line(LOG_INFO, "ending on signal %d (%s)", sig, strsignal(sig));
			obey();
		}
	}
	return NULL;
}

void signals_prepare(void)
{
	static const int harmless[] = {SIGPIPE, SIGXFSZ};
	const struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};

	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		(void)sigaction(harmless[i], &action, NULL);
}

/* Not in a child that libfuse has forked and that runs no other program yet. */
static void pass_on(int sig)
{
	if (getpid() == process)
		(void)pthread_kill(waiter, sig);
}

static int pass_all_on(void)
{
	const struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};

	process = getpid();
	return sigaction(SIGTERM, &action, NULL) < 0 || sigaction(SIGINT, &action, NULL) < 0 ||
		       sigaction(SIGHUP, &action, NULL) < 0
		   ? errno
		   : 0;
}

int signals_start(void)
{
	struct sigaction kick = {.sa_handler = do_nothing};
	int res;

	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGHUP);
	res = pthread_sigmask(SIG_BLOCK, &ending, NULL);
	if (res == 0 && sigaction(KICK, &kick, NULL) < 0)
		res = errno;
	if (res == 0)
		res = pthread_create(&waiter, NULL, wait_for_signals, NULL);
	if (res != 0) {
		log_line(LOG_ERR, "cannot wait for signals: %s", strerror(res));
		return -1;
	}
	pthread_detach(waiter);
	res = pass_all_on();
	if (res != 0)
		log_line(LOG_DEBUG, "what mounts cannot be ended by a signal: %s", strerror(res));
	return 0;
}

void signals_mount_begins(void)
{
	pthread_mutex_lock(&lock);
	state.phase = MOUNTING;
	pthread_mutex_unlock(&lock);
	if (process != 0)
		pthread_sigmask(SIG_UNBLOCK, &ending, NULL);
}

void signals_mount_ended(void)
{
	pthread_sigmask(SIG_BLOCK, &ending, NULL);
}

void signals_loop_begins(struct fuse_session *se)
{
	pthread_mutex_lock(&lock);
	state.phase = RUNNING;
	pthread_cond_signal(&mounted);
	state.se = se;
	state.loop = pthread_self();
	pthread_mutex_unlock(&lock);
}

enum signals_end signals_loop_ended(void)
{
	enum signals_end end;

	pthread_mutex_lock(&lock);
	while (state.ending)
		pthread_cond_wait(&obeyed, &lock);
	state.phase = CLOSING;
	pthread_cond_signal(&mounted);
	end = state.end;
	pthread_mutex_unlock(&lock);
	return end;
}
