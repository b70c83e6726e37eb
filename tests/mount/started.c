/*
 * started.c - starts a program as no shell can, and is a log daemon that reads late; calls.h says how it is called.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "calls.h"

__attribute__((noreturn)) static void start(char **program)
{
	execvp(program[0], program);
	die("execvp");
}

/* PROGRAM...: with every signal blocked. */
static void blocked(char **arg)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	start(arg);
}

/* SECONDS PROGRAM...: with an alarm in so many seconds. */
static void with_alarm(char **arg)
{
	alarm((unsigned)number(arg[0]));
	start(arg + 1);
}

/* PROGRAM...: its standard error does not block. */
static void nonblocking(char **arg)
{
	if (fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL) | O_NONBLOCK) < 0)
		die("fcntl");
	start(arg);
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

/* Until no more goes in, which is what a sender then waits for. */
static void fill(const struct sockaddr_un *address)
{
	int fd = new_socket();

	while (sendto(fd, "full", 4, MSG_DONTWAIT, (const struct sockaddr *)address, sizeof(*address)) == 4)
		;
	if (errno != EAGAIN)
		die("sendto");
	end_file(fd);
}

/* SOCKET: is there, and full. Reads, and prints what it reads, once SIGUSR1 has come; ends when nothing comes for a second. */
static void log_daemon(char **arg)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = new_socket(), sig;
	char line[16384];
	sigset_t go;

	sigemptyset(&go);
	sigaddset(&go, SIGUSR1);
	sigprocmask(SIG_BLOCK, &go, NULL);
	strncpy(address.sun_path, arg[0], sizeof(address.sun_path) - 1);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("bind");
	fill(&address);
	puts("full");
	fflush(stdout);
	sigwait(&go, &sig);
	for (;;) {
		struct pollfd readable = {.fd = fd, .events = POLLIN};
		ssize_t n = poll(&readable, 1, 1000) == 1 ? recv(fd, line, sizeof(line) - 1, 0) : 0;

		if (n <= 0)
			break;
		printf("%.*s\n", (int)n, line);
	}
	end_file(fd);
}

int main(int argc, char **argv)
{
	static const struct call calls[] = {
	    {"blocked", 1, blocked},
	    {"alarm", 2, with_alarm},
	    {"nonblocking", 1, nonblocking},
	    {"log", 1, log_daemon},
	};

	return run_call(argc, argv, calls, sizeof(calls) / sizeof(calls[0]));
}
