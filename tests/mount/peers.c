/*
 * peers.c - what two processes, or two descriptors, are to each other: record locks and sockets.
 * Usage: peers NAME PATH (calls.h); PATH is an empty file, or for sockets a free name.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "calls.h"

static struct flock range(int type, off_t start, off_t len)
{
	return (struct flock){.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
}

/* 0 or the errno value of fcntl(2). */
static int lock(int fd, int command, int type, off_t start, off_t len)
{
	struct flock l = range(type, start, len);

	return fcntl(fd, command, &l) < 0 ? errno : 0;
}

static int exit_status(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) < 0)
		die("waitpid");
	expect(WIFEXITED(status), "the other process ends by itself");
	return WEXITSTATUS(status);
}

static pid_t other_process(void)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	return child;
}

/* What another process, which opens the file itself, is answered. */
static int others_lock(const char *path, int command, int type, off_t start, off_t len)
{
	pid_t child = other_process();

	if (child == 0)
		_exit(lock(open_file(path, O_RDWR), command, type, start, len));
	return exit_status(child);
}

/* Whether another process is told by F_GETLK that this one holds a lock for writing of [10, 20). */
static void others_see_owner(const char *path)
{
	pid_t me = getpid(), child = other_process();

	if (child == 0) {
		struct flock l = range(F_RDLCK, 0, 100);

		if (fcntl(open_file(path, O_RDWR), F_GETLK, &l) < 0)
			_exit(1);
		_exit(l.l_pid == me && l.l_type == F_WRLCK && l.l_start == 10 && l.l_len == 10 ? 0 : 2);
	}
	expect(exit_status(child) == 0, "F_GETLK tells range, type and owner");
}

/* A lock keeps others out of its range and nowhere else; what is unlocked of it is free. */
static void posix_ranges(char **arg)
{
	const char *path = arg[0];
	int fd = open_file(path, O_RDWR);

	expect(lock(fd, F_SETLK, F_WRLCK, 10, 10) == 0, "a lock on a free range is given");
	expect(others_lock(path, F_SETLK, F_RDLCK, 19, 1) == EAGAIN, "another process gets none within the range");
	expect(others_lock(path, F_SETLK, F_WRLCK, 20, 5) == 0, "another process gets one after the range");
	others_see_owner(path);
	expect(lock(fd, F_SETLK, F_WRLCK, 12, 4) == 0, "the owner can lock what it has locked");
	expect(lock(fd, F_SETLK, F_UNLCK, 12, 4) == 0, "a part is unlocked");
	expect(others_lock(path, F_SETLK, F_WRLCK, 12, 4) == 0, "another process gets the unlocked part");
	expect(others_lock(path, F_SETLK, F_WRLCK, 11, 4) == EAGAIN, "another process gets nothing that is still locked");
}

/* Locks for reading exclude those for writing only. */
static void posix_shared(char **arg)
{
	const char *path = arg[0];
	int fd = open_file(path, O_RDWR);

	expect(lock(fd, F_SETLK, F_RDLCK, 0, 0) == 0, "a lock for reading is given");
	expect(others_lock(path, F_SETLK, F_RDLCK, 0, 0) == 0, "a second process gets one for reading");
	expect(others_lock(path, F_SETLK, F_WRLCK, 5, 1) == EAGAIN, "a second process gets none for writing");
}

/* Closing any descriptor of the file gives up all locks that the process has there; a child inherits none. */
static void posix_close(char **arg)
{
	const char *path = arg[0];
	int fd = open_file(path, O_RDWR);
	pid_t child;

	expect(lock(fd, F_SETLK, F_WRLCK, 0, 0) == 0, "a lock is given");
	child = other_process();
	if (child == 0)
		_exit(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	expect(exit_status(child) == EAGAIN, "a child does not inherit the lock");
	expect(others_lock(path, F_SETLK, F_WRLCK, 0, 0) == EAGAIN, "the lock is there before the close");
	close(open_file(path, O_RDWR));
	expect(others_lock(path, F_SETLK, F_WRLCK, 0, 0) == 0, "no lock is left after the close of another descriptor");
}

/* F_SETLKW waits until the other process unlocks. */
static void posix_wait(char **arg)
{
	const char *path = arg[0];
	int fd = open_file(path, O_RDWR), ready[2];
	pid_t child;
	char byte;

	if (pipe(ready) < 0)
		die("pipe");
	expect(lock(fd, F_SETLK, F_WRLCK, 0, 0) == 0, "a lock is given");
	child = other_process();
	if (child == 0) {
		int theirs = open_file(path, O_RDWR);
		bool refused = lock(theirs, F_SETLK, F_WRLCK, 0, 0) == EAGAIN;

		if (!refused || write(ready[1], "r", 1) != 1)
			_exit(1);
		_exit(lock(theirs, F_SETLKW, F_WRLCK, 0, 0) == 0 ? 0 : 2);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("read");
	expect(lock(fd, F_SETLK, F_UNLCK, 0, 0) == 0, "the lock is given up");
	expect(exit_status(child) == 0, "who waited has the lock");
}

/* Of two processes that wait for each other's lock one is told EDEADLK; when it gives up, the other has both. */
static void posix_deadlock(char **arg)
{
	const char *path = arg[0];
	int fd = open_file(path, O_RDWR), ready[2], r, theirs;
	pid_t child;
	char byte;

	if (pipe(ready) < 0)
		die("pipe");
	expect(lock(fd, F_SETLK, F_WRLCK, 0, 1) == 0, "the first lock is given");
	child = other_process();
	if (child == 0) {
		int own = open_file(path, O_RDWR);

		if (lock(own, F_SETLK, F_WRLCK, 1, 1) != 0 || write(ready[1], "r", 1) != 1)
			_exit(1);
		_exit(lock(own, F_SETLKW, F_WRLCK, 0, 1));
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("read");
	r = lock(fd, F_SETLKW, F_WRLCK, 1, 1);
	expect(r == 0 || r == EDEADLK, "the lock or EDEADLK");
	expect(lock(fd, F_SETLK, F_UNLCK, 0, 0) == 0, "all is given up");
	theirs = exit_status(child);
	expect((r == EDEADLK && theirs == 0) || (r == 0 && theirs == EDEADLK), "exactly one is told EDEADLK");
}

/* Locks of open file descriptions exclude each other within a process too, and outlive the close of another descriptor. */
static void ofd_locks(char **arg)
{
	const char *path = arg[0];
	int fd = open_file(path, O_RDWR), second = open_file(path, O_RDWR);

	expect(lock(fd, F_OFD_SETLK, F_WRLCK, 10, 10) == 0, "a lock is given");
	expect(lock(second, F_OFD_SETLK, F_RDLCK, 15, 1) == EAGAIN, "another description of the same process gets none");
	expect(lock(second, F_SETLK, F_RDLCK, 15, 1) == EAGAIN, "the process gets none of the other kind");
	expect(others_lock(path, F_OFD_SETLK, F_RDLCK, 15, 1) == EAGAIN, "another process gets none");
	close(second);
	expect(others_lock(path, F_SETLK, F_RDLCK, 15, 1) == EAGAIN, "the lock outlives the close of another descriptor");
	close(fd);
	expect(others_lock(path, F_SETLK, F_WRLCK, 0, 0) == 0, "the last close gives it up");
}

/* A child shares the description, and so the lock: it holds until both have closed it. */
static void ofd_inherited(char **arg)
{
	const char *path = arg[0];
	int fd = open_file(path, O_RDWR), go[2];
	pid_t child;
	char byte;

	if (pipe(go) < 0)
		die("pipe");
	expect(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 0) == 0, "a lock is given");
	child = other_process();
	if (child == 0) {
		close(go[1]);
		_exit(read(go[0], &byte, 1) == 0 ? lock(fd, F_OFD_SETLK, F_WRLCK, 0, 0) : 1);
	}
	close(go[0]);
	close(fd);
	expect(others_lock(path, F_OFD_SETLK, F_WRLCK, 0, 0) == EAGAIN, "the lock is the child's too");
	close(go[1]);
	expect(exit_status(child) == 0, "the child can lock what it has locked");
	expect(others_lock(path, F_OFD_SETLK, F_WRLCK, 0, 0) == 0, "the child's end gives it up");
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	expect(strlen(path) < sizeof(address.sun_path), "a path short enough for a socket");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		die("socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect");
	return fd;
}

/* A process listens at the name, another connects there, and each reads what the other writes. */
static void socket_talk(char **arg)
{
	const char *path = arg[0];
	struct sockaddr_un address = address_of(path);
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client;
	char answer[8] = "";
	pid_t child;

	if (server < 0 || bind(server, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(server, 1) < 0)
		die("socket, bind, listen");
	child = other_process();
	if (child == 0) {
		int fd = connect_to(path);
		bool wrote = write(fd, "question", 8) == 8;

		_exit(wrote && read(fd, answer, 6) == 6 && memcmp(answer, "answer", 6) == 0 ? 0 : 2);
	}
	client = accept(server, NULL, NULL);
	if (client < 0)
		die("accept");
	expect(recv(client, answer, 8, MSG_WAITALL) == 8 && memcmp(answer, "question", 8) == 0,
	       "the server reads the question");
	if (write(client, "answer", 6) != 6)
		die("write");
	expect(exit_status(child) == 0, "the client reads the answer");
}

static void socket_connect(char **arg)
{
	const char *path = arg[0];
	close(connect_to(path));
}

static const struct call calls[] = {
    {"posix-ranges", 1, posix_ranges},   {"posix-shared", 1, posix_shared},     {"posix-close", 1, posix_close},
    {"posix-wait", 1, posix_wait},       {"posix-deadlock", 1, posix_deadlock}, {"ofd-locks", 1, ofd_locks},
    {"ofd-inherited", 1, ofd_inherited}, {"socket-talk", 1, socket_talk},       {"socket-connect", 1, socket_connect},
};

int main(int argc, char **argv)
{
	return run_call(argc, argv, calls, sizeof(calls) / sizeof(calls[0]));
}
