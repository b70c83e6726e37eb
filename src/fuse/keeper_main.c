/*
 * keeper_main.c - what the process of keeper.h does. It has one thread, no descriptors but its own, and ends when the daemon
 * has. Never logs: what the daemon should know is in the answers.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "clone.h"
#include "inherited.h"
#include "keeper.h"
#include "keeper_protocol.h"
#include "mounts.h"

#define SETTLE_MS    20   /* between two looks at a list of mounts that keeps changing */
#define ELSEWHERE_MS 1000 /* while it is mounted in another namespace alone */
#define RECHECK_MS   50   /* while the mount has gone and files are still open */

enum { SOCKET = STDERR_FILENO + 1 };

static struct {
	struct keeper_shared *shared;
	int inside;  /* a descriptor in the mount, as with O_PATH; -1: none */
	int changes; /* becomes readable when a mount of the namespace changes; -1: nothing to watch */
	dev_t dev;
	bool auto_unmount;
	char path[PATH_MAX]; /* where it was mounted */
} state;

static pid_t daemon_pid;

static void give_up(void)
{
	if (state.inside >= 0)
		close(state.inside);
	if (state.changes >= 0)
		close(state.changes);
	state.inside = state.changes = -1;
}

/* (M2) Without a look at the mounts the clone would have to be kept for ever: then there is none. */
static int take_clone(const char *path)
{
	dev_t dev;
	int fd, res;

	state.changes = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (state.changes < 0)
		return -errno;
	fd = clone_mount(path);
	if (fd < 0) {
		give_up();
		return fd;
	}
	state.inside = fd;
	res = mounts_device(fd, &dev);
	if (res == 0 && dev != state.dev)
		res = -ENOENT;
	if (res < 0)
		give_up();
	return res;
}

static int enter_at(const char *path)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	dev_t dev;

	if (fd >= 0 && mounts_device(fd, &dev) == 0 && dev == state.dev)
		return fd;
	if (fd >= 0)
		close(fd);
	return -ENXIO;
}

/* For want of a clone: the mount itself, by the first way that leads to it. */
static int enter_mount(void)
{
	struct mount_list list;
	int fd = -ENXIO;

	if (mounts_read(&list) < 0) {
		fd = enter_at(state.path);
	} else {
		for (size_t i = 0; i < list.n && fd < 0; i++)
			if (list.entry[i].dev == state.dev)
				fd = mounts_open(&list.entry[i]);
		mounts_free(&list);
	}
	if (fd < 0)
		return -ENXIO;
	state.inside = fd;
	return 0;
}

/*
 * (M4) What the kernel reports of earlier writing back, once for the file system, is no matter of this: it has written out all
 * the same, and who wrote that has been told. What it is answered now counts in served.h.
 */
static int sync_inside(int fd)
{
	if (syncfs(fd) == 0 || errno == EIO || errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EROFS)
		return 0;
	return -errno;
}

/* (M4) The mark is before what the kernel sends, and the end of the directory behind it: both are asked for by this thread. */
static int sync_marked(uint64_t token, bool sync)
{
	int fd = openat(state.inside, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int res;

	if (fd < 0)
		return -errno;
	(void)ioctl(fd, KEEPER_MARK, (unsigned long)token); /* is refused; that it was sent is what counts */
	res = sync ? sync_inside(fd) : 0;
	close(fd);
	return res;
}

static int answer_request(void)
{
	struct keeper_request request = {0};
	struct keeper_answer answer = {0};
	ssize_t n = recv(SOCKET, &request, sizeof(request), 0);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -1;
	if (n < (ssize_t)offsetof(struct keeper_request, path))
		return -1;
	answer.serial = request.serial;
	switch (request.op) {
	case KEEPER_MOUNTED:
		request.path[sizeof(request.path) - 1] = '\0';
		snprintf(state.path, sizeof(state.path), "%s", request.path);
		state.dev = request.dev;
		answer.result = take_clone(state.path);
		break;
	case KEEPER_ASK_MARK:
	case KEEPER_ASK_SYNC:
	case KEEPER_ASK_END:
		if (state.inside < 0)
			answer.result = request.op == KEEPER_ASK_END && state.dev != 0 ? enter_mount() : -ENXIO;
		if (answer.result == 0)
			answer.result = sync_marked(request.token, request.op != KEEPER_ASK_MARK);
		break;
	case KEEPER_RELEASE:
		give_up();
		break;
	}
	return send(SOCKET, &answer, sizeof(answer), MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* (M2) Files that are open in a mount that was taken away are still written to. Milliseconds to the next look; -1: when woken.
 */
static int look_for_mounts(void)
{
	struct mount_list list;
	size_t count;

	if (mounts_read(&list) < 0)
		return RECHECK_MS;
	count = mounts_count(&list, state.dev);
	mounts_free(&list);
	if (count > 0)
		return -1;
	if (atomic_load(&state.shared->open) > 0)
		return RECHECK_MS;
	if (mounts_elsewhere(state.dev) > 0)
		return ELSEWHERE_MS;
	give_up();
	return -1;
}

/* Who ends the mount by a signal may have taken this process for the one that serves it. */
static void pass_on(int sig)
{
	if (getppid() == daemon_pid)
		kill(daemon_pid, sig);
}

static void detach(int socket)
{
	static const int ending[] = {SIGTERM, SIGINT, SIGHUP};
	const struct sigaction passed = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
	char *const none = NULL;

	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (sigaction(ending[i], &passed, NULL) < 0)
			_exit(1);
	prctl(PR_SET_NAME, "reelfs-keeper");
	if (dup2(socket, SOCKET) < 0)
		_exit(1);
	inherited_close(&none, SOCKET);
	inherited_drop_standard();
	(void)umask(077);
	if (setsid() < 0 || chdir("/") < 0)
		_exit(1);
}

/* It is to outlive whoever kills by the name or the command line of the daemon, which it has a copy of. */
static void rename_process(void)
{
	static const char name[] = "auto-unmount";
	char *line = program_invocation_name;
	char copy[sizeof(state.path)];
	FILE *file = fopen("/proc/self/cmdline", "re");
	size_t size = file != NULL ? fread(copy, 1, sizeof(copy), file) : 0;

	if (file != NULL)
		fclose(file);
	prctl(PR_SET_NAME, name);
	if (size > sizeof(name) && memcmp(copy, line, size) == 0) {
		memset(line, 0, size);
		memcpy(line, name, sizeof(name));
	}
}

/* (M3) The clone keeps the device number from being another file system's; without it only what has no daemon is taken away. */
static bool take_away(const struct mount_entry *entry)
{
	int root = mounts_open(entry);
	struct statfs fs;
	bool gone = false;

	if (root < 0)
		return false;
	if (state.inside >= 0 || (fstatfs(root, &fs) < 0 && (errno == ENOTCONN || errno == ECONNABORTED)))
		gone = mounts_detach(root, entry->path) == 0;
	close(root);
	return gone;
}

/* The last mounted first; each that goes may uncover another. */
static void take_all_away(void)
{
	struct mount_list list;
	bool gone;

	do {
		gone = false;
		if (mounts_read(&list) < 0)
			return;
		for (size_t i = list.n; i-- > 0;)
			if (list.entry[i].dev == state.dev && take_away(&list.entry[i]))
				gone = true;
		mounts_free(&list);
	} while (gone);
}

/* The daemon has. */
static void end(void)
{
	if (state.auto_unmount)
		take_all_away();
	_exit(0);
}

void keeper_main(int socket, pid_t parent, struct keeper_shared *shared, bool auto_unmount)
{
	int wait_ms = -1;
	bool settled = true;

	daemon_pid = parent;
	detach(socket);
	if (auto_unmount)
		rename_process();
	state.auto_unmount = auto_unmount;
	state.shared = shared;
	state.inside = state.changes = -1;
	for (;;) {
		struct pollfd poll_for[] = {{.fd = SOCKET, .events = POLLIN},
					    {.fd = settled ? state.changes : -1, .events = POLLPRI}};
		int n = poll(poll_for, 2, settled ? wait_ms : SETTLE_MS);

		if (n < 0 && errno != EINTR)
			_exit(1);
		if (n > 0 && poll_for[0].revents != 0 && answer_request() < 0)
			end();
		if (!settled || state.changes < 0) {
			settled = settled || n == 0;
			continue;
		}
		if (n == 0 || (n > 0 && poll_for[1].revents != 0)) {
			wait_ms = look_for_mounts();
			settled = false;
		}
	}
}
