/*
 * keeper.c - the daemon's side of keeper.h: starts the process, asks it, ends it.
 * A question that was not answered in time is still being worked on; its answer is dropped when it comes.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "keeper.h"
#include "keeper_protocol.h"
#include "log.h"

#define PATIENCE_S 10 /* for answers that wait for no request of the file system */

/* For one thread at a time, but for keeper_count(). */
struct keeper {
	pid_t pid;
	int socket; /* -1: the process has gone */
	uint64_t serial;
	struct keeper_shared *shared;
};

/* For the signal's handler. */
static volatile sig_atomic_t keeper_pid;

/*
 * Stopped, it would keep the file system alive for as long when the mount has gone (M2), and those who ask waiting. Who
 * stops the daemon with it lets both go on with the daemon.
 */
static void go_on(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)sig;
	(void)context;
	if (info->si_code == CLD_STOPPED && info->si_pid == keeper_pid)
		(void)kill(info->si_pid, SIGCONT);
	errno = saved;
}

static void watch_for_stops(pid_t pid)
{
	const struct sigaction action = {.sa_sigaction = go_on, .sa_flags = SA_SIGINFO | SA_RESTART};

	keeper_pid = pid;
	(void)sigaction(SIGCHLD, &action, NULL);
}

struct keeper *keeper_start(bool auto_unmount)
{
	struct keeper *k = calloc(1, sizeof(*k));
	struct keeper_shared *shared = MAP_FAILED;
	int sockets[2] = {-1, -1};

	if (k != NULL)
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared != MAP_FAILED && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) == 0) {
		const pid_t self = getpid();

		k->pid = fork();
		if (k->pid == 0)
			keeper_main(sockets[1], self, shared, auto_unmount);
		close(sockets[1]);
		if (k->pid > 0) {
			k->socket = sockets[0];
			k->shared = shared;
			watch_for_stops(k->pid);
			return k;
		}
		close(sockets[0]);
	}
	log_line(LOG_WARNING, "the mount cannot be watched from inside: %s; files that stay open are stored later",
		 strerror(errno));
	if (shared != MAP_FAILED)
		munmap(shared, sizeof(*shared));
	free(k);
	return NULL;
}

void keeper_count(struct keeper *k, int change)
{
	if (k != NULL)
		atomic_fetch_add_explicit(&k->shared->open, change, memory_order_relaxed);
}

/* --- questions ------------------------------------------------------------------------------------------------- */

/* Says so once: whoever ends it may not know what it is for. */
static int has_gone(struct keeper *k)
{
	log_line(LOG_WARNING,
		 "the process reelfs-keeper (%d) was ended: from now on what is written to files that stay open "
		 "is stored when the kernel hands it over by itself",
		 (int)k->pid);
	close(k->socket);
	k->socket = -1;
	return -EPIPE;
}

static int milliseconds_until(const struct timespec *deadline)
{
	struct timespec now;
	long long left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left = (long long)(deadline->tv_sec - now.tv_sec) * 1000 + (deadline->tv_nsec - now.tv_nsec) / 1000000;
	return left < 0 ? 0 : left > 1000000 ? 1000000 : (int)left;
}

static int receive(struct keeper *k, uint64_t serial, const struct timespec *deadline, struct keeper_answer *answer)
{
	for (;;) {
		struct pollfd readable = {.fd = k->socket, .events = POLLIN};
		int n = poll(&readable, 1, milliseconds_until(deadline));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0)
			continue;
		if (recv(k->socket, answer, sizeof(*answer), MSG_DONTWAIT) != sizeof(*answer))
			return has_gone(k);
		if (answer->serial == serial)
			return 0;
	}
}

/* `request` without its serial number; with a path or, NULL, without. */
static int ask(struct keeper *k, struct keeper_request *request, const char *path, const struct timespec *deadline,
	       struct keeper_answer *answer)
{
	size_t size = offsetof(struct keeper_request, path);
	int res;

	if (k == NULL || k->socket < 0)
		return -ENXIO;
	if (path != NULL) {
		if (strlen(path) >= sizeof(request->path))
			return -ENAMETOOLONG;
		strcpy(request->path, path);
		size = sizeof(*request);
	}
	request->serial = ++k->serial;
	/* A socket that is full: it has been working on an earlier question all the time. */
	if (send(k->socket, request, size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : has_gone(k);
	res = receive(k, request->serial, deadline, answer);
	return res == 0 ? answer->result : res;
}

static struct timespec in_seconds(int seconds)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += seconds;
	return t;
}

int keeper_mounted(struct keeper *k, const char *path, dev_t dev)
{
	struct keeper_request request = {.op = KEEPER_MOUNTED, .dev = dev};
	const struct timespec deadline = in_seconds(PATIENCE_S);
	struct keeper_answer answer;

	return ask(k, &request, path, &deadline, &answer);
}

int keeper_sync(struct keeper *k, uint64_t token, enum keeper_sync how, const struct timespec *deadline)
{
	static const enum keeper_op op[] = {
	    [KEEPER_MARKS] = KEEPER_ASK_MARK, [KEEPER_SYNCS] = KEEPER_ASK_SYNC, [KEEPER_ENDS] = KEEPER_ASK_END};
	struct keeper_request request = {.op = op[how], .token = token};
	struct keeper_answer answer;

	return ask(k, &request, NULL, deadline, &answer);
}

void keeper_release(struct keeper *k)
{
	struct keeper_request request = {.op = KEEPER_RELEASE};
	const struct timespec deadline = in_seconds(PATIENCE_S);
	struct keeper_answer answer;

	(void)ask(k, &request, NULL, &deadline, &answer);
}

void keeper_stop(struct keeper *k)
{
	if (k == NULL)
		return;
	keeper_pid = 0;
	if (k->socket >= 0)
		close(k->socket);
	kill(k->pid, SIGKILL); /* it may be stopped */
	while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
		;
	munmap(k->shared, sizeof(*k->shared));
	free(k);
}
