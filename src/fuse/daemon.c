/*
 * daemon.c - start in the background with a true exit status.
 * The only traffic between the two processes is one byte through a pipe: the mount works. Errors are
 * printed by the process that meets them, which keeps the user's standard error until then.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "daemon.h"
#include "inherited.h"
#include "log.h"

static int report = -1; /* the pipe's end in the new process; -1: in the foreground, or reported */

/* The first process: waits for the report or the end of the new one. */
static void wait_and_exit(int fd, pid_t child) __attribute__((noreturn));
static void wait_and_exit(int fd, pid_t child)
{
	int status;
	ssize_t n;
	char byte;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(EXIT_SUCCESS);

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			_exit(EXIT_FAILURE);
	if (WIFSIGNALED(status))
		log_line(LOG_ERR, "the daemon was ended by signal %d (%s) before the mount worked", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

int daemon_start(void)
{
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		log_line(LOG_ERR, "cannot go into the background: %s; try -f", strerror(errno));
		return -1;
	}
	child = fork();
	if (child < 0) {
		log_line(LOG_ERR, "cannot go into the background: %s; try -f", strerror(errno));
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	if (child > 0) {
		close(fds[1]);
		wait_and_exit(fds[0], child);
	}
	close(fds[0]);
	report = fds[1];
	return 0;
}

void daemon_ready(void)
{
	if (report < 0)
		return;
	if (setsid() < 0)
		log_line(LOG_WARNING, "cannot leave the terminal's session: %s", strerror(errno));
	log_detach();
	inherited_drop_standard(); /* I1 */
	if (write(report, "", 1) < 0)
		log_line(LOG_DEBUG, "nobody waits for the mount: %s", strerror(errno));
	close(report);
	report = -1;
}
