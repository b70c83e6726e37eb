/*
 * inherited.c - see inherited.h. Makes system calls and nothing else; relies on neither /proc nor /dev/null.
 */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "inherited.h"

#define KEPT_MAX       16
#define OPEN_MAX_USUAL (1 << 20) /* fs.nr_open as kernels have it */

/* --- descriptors ------------------------------------------------------------------------------------------------ */

/* Reading and writing fail with EBADF. Every process has this folder; /dev may be empty. */
static int open_useless(void)
{
	return open("/", O_PATH);
}

void inherited_fill_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open_useless() != fd)
			abort();
}

void inherited_drop_standard(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fd = open_useless();
	if (fd < 0)
		return;
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
		(void)dup2(fd, standard);
	if (fd > STDERR_FILENO)
		close(fd);
}

struct kept {
	int fd[KEPT_MAX];
	size_t n;
};

static void keep_one(struct kept *kept, long fd)
{
	if (fd <= STDERR_FILENO || fd >= INT_MAX || kept->n == KEPT_MAX || fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
		return;
	kept->fd[kept->n++] = (int)fd;
}

/* An argument may be a list of options with several names in it. */
static void keep_named(struct kept *kept, const char *argument)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		for (const char *at = argument; (at = strstr(at, folders[i])) != NULL;) {
			at += strlen(folders[i]);
			if (*at >= '0' && *at <= '9')
				keep_one(kept, strtol(at, NULL, 10));
		}
}

/* The lowest that is kept and not below `from`; INT_MAX: none. */
static int next_kept(const struct kept *kept, int from)
{
	int next = INT_MAX;

	for (size_t i = 0; i < kept->n; i++)
		if (kept->fd[i] >= from && kept->fd[i] < next)
			next = kept->fd[i];
	return next;
}

/* Kernels before 5.9 have no close_range(). */
static void close_between(int from, int end)
{
	if (from >= end || close_range((unsigned)from, end == INT_MAX ? ~0u : (unsigned)end - 1, 0) == 0)
		return;
	for (int fd = from; fd < end && fd < OPEN_MAX_USUAL; fd++)
		(void)close(fd);
}

void inherited_close(char *const *arguments, int keep)
{
	struct kept kept = {.n = 0};

	keep_one(&kept, keep);
	for (; *arguments != NULL; arguments++)
		keep_named(&kept, *arguments);
	for (int from = STDERR_FILENO + 1, next; from < INT_MAX; from = next == INT_MAX ? next : next + 1) {
		next = next_kept(&kept, from);
		close_between(from, next);
	}
}

/* --- signals ---------------------------------------------------------------------------------------------------- */

void inherited_reset_signals(void)
{
	static const int timers[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
	static const struct itimerval off;
	sigset_t none;

	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++)
		(void)setitimer(timers[i], &off, NULL);
	/* A handler is not the caller's: those end with execve(2). */
	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		struct sigaction action;

		if (sigaction(sig, NULL, &action) < 0 || action.sa_handler != SIG_IGN)
			continue;
		action = (struct sigaction){.sa_handler = SIG_DFL};
		(void)sigaction(sig, &action, NULL);
	}
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}
