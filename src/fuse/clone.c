/*
 * clone.c - see clone.h.
 * The child's namespaces hold copies of every mount of the machine: it ends at once, so that they are busy for no longer.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clone.h"

/* A message with one descriptor, or with an errno value instead. */
union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

static int send_result(int socket, int fd)
{
	union control control = {0};
	int error = fd < 0 ? fd : 0;
	struct iovec iov = {.iov_base = &error, .iov_len = sizeof(error)};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *header;

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int receive_result(int socket)
{
	union control control = {0};
	int error = -EIO, fd;
	struct iovec iov = {.iov_base = &error, .iov_len = sizeof(error)};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	const struct cmsghdr *header;
	ssize_t n;

	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(error))
		return n < 0 ? -errno : -EIO;
	if (error < 0)
		return error;
	header = CMSG_FIRSTHDR(&message);
	if (header == NULL || header->cmsg_type != SCM_RIGHTS)
		return -EIO;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* Mounts that others make inside the original are not to appear in the clone, which would keep them busy. */
static int clone_here(const char *path)
{
	struct mount_attr private = {.propagation = MS_PRIVATE};
	int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);

	if (fd < 0)
		return -errno;
	(void)mount_setattr(fd, "", AT_EMPTY_PATH, &private, sizeof(private)); /* kernels before 5.12 cannot */
	return fd;
}

static int clone_in_child(const char *path)
{
	int sockets[2], res;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	child = fork();
	if (child == 0) {
		res = unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ? -errno : clone_here(path);
		_exit(send_result(sockets[1], res) < 0);
	}
	res = child < 0 ? -errno : 0;
	close(sockets[1]);
	if (res == 0) {
		res = receive_result(sockets[0]);
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(sockets[0]);
	return res;
}

int clone_mount(const char *path)
{
	int fd = clone_here(path);

	return fd == -EPERM ? clone_in_child(path) : fd;
}
