/*
 * ask.c - see ask.h; the daemon's side is op_ioctl(). Changes nothing in the mount.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask.h"

/* -EACCES: it does not answer this user. */
static int ask_as_it_is(const char *mountpoint)
{
	int fd = open(mountpoint, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int res;

	if (fd < 0)
		return errno == EACCES ? -EACCES : errno == ENOTCONN ? ASK_NO_DAEMON : ASK_UNKNOWN;
	res = ioctl(fd, ASK_WRITABLE);
	if (res < 0)
		res = errno == ENOTCONN || errno == ECONNABORTED ? ASK_NO_DAEMON : ASK_UNKNOWN;
	close(fd);
	return res;
}

/* A mount without allow_other hides from root, too. */
static int ask_as_owner(const char *mountpoint, uid_t owner, gid_t group)
{
	pid_t child = fork();
	int status, res = ASK_UNKNOWN;

	if (child == 0) {
		if (setgroups(0, NULL) == 0 && setresgid(group, group, group) == 0 && setresuid(owner, owner, owner) == 0)
			res = ask_as_it_is(mountpoint);
		_exit(res < 0 ? ASK_UNKNOWN : res);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return ASK_UNKNOWN;
	return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : ASK_UNKNOWN;
}

enum ask_answer ask_writable(const char *mountpoint, uid_t owner, gid_t group)
{
	int res = ask_as_it_is(mountpoint);

	if (res == -EACCES)
		res = ask_as_owner(mountpoint, owner, group);
	return res >= ASK_UNKNOWN && res <= ASK_NO_DAEMON ? (enum ask_answer)res : ASK_UNKNOWN;
}
