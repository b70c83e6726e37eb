/*
 * mounts.c - see mounts.h. Relies on /proc/self/mountinfo (proc(5)).
 * Never unmounts by a path alone: a descriptor is opened, seen to be the mount that is meant, and used (M3).
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "mounts.h"

extern char **environ;

#define PID_DIGITS     10
#define PROC_ROOM      64
#define NAMESPACE_ROOM 32 /* mnt:[NUMBER] */
#define NAMESPACES     64
#define PATIENCE_MS    5000 /* twice */

/* --- the list -------------------------------------------------------------------------------------------------- */

/* Blanks, line ends and backslashes are written as three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *p = text; *p != '\0'; to++) {
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' && p[3] >= '0' && p[3] <= '7') {
			*to = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 4;
		} else {
			*to = *p++;
		}
	}
	*to = '\0';
}

/* Whether a list with commas, of `len` bytes, has the word. */
static bool has_word(const char *words, size_t len, const char *word)
{
	const size_t n = strlen(word);

	for (const char *p = words, *end = words + len; p < end; p += strcspn(p, ",") + 1)
		if (strncmp(p, word, n) == 0 && (p + n == end || p[n] == ','))
			return true;
	return false;
}

static unsigned long flags_of(const char *words)
{
	const size_t len = strcspn(words, " ");

	return (has_word(words, len, "nosuid") ? MS_NOSUID : 0) | (has_word(words, len, "nodev") ? MS_NODEV : 0) |
	       (has_word(words, len, "ro") ? MS_RDONLY : 0);
}

/* The number after `name` in what a FUSE file system shows of itself. */
static unsigned number_after(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at != NULL ? (unsigned)strtoul(at + strlen(name), NULL, 10) : 0;
}

static void free_entry(struct mount_entry *e)
{
	free(e->path);
	free(e->type);
	free(e->source);
}

/* ID PARENT MAJOR:MINOR ROOT PATH OPTIONS [TAG...] - TYPE SOURCE OPTIONS. -EINVAL: it is not such a line. */
static int parse_line(char *line, struct mount_entry *e)
{
	char *rest = strstr(line, " - "), *source;
	unsigned major, minor;
	int path, end;

	if (rest == NULL || sscanf(line, "%llu %llu %u:%u %*s %n%*s%n", &e->id, &e->parent, &major, &minor, &path, &end) != 4)
		return -EINVAL;
	rest += 3;
	source = rest + strcspn(rest, " ");
	source += *source != '\0';
	e->dev = makedev(major, minor);
	e->flags = flags_of(line + end + 1);
	e->owner = number_after(strrchr(line, ' '), ",user_id=");
	e->group = number_after(strrchr(line, ' '), ",group_id=");
	e->path = strndup(line + path, (size_t)(end - path));
	e->type = strndup(rest, strcspn(rest, " "));
	e->source = strndup(source, strcspn(source, " "));
	if (e->path == NULL || e->type == NULL || e->source == NULL) {
		free_entry(e);
		return -ENOMEM;
	}
	unescape(e->path);
	unescape(e->source);
	return 0;
}

static int add_line(struct mount_list *list, char *line)
{
	struct mount_entry *grown, entry;
	int res = parse_line(line, &entry);

	if (res == -EINVAL)
		return 0;
	if (res < 0)
		return res;
	grown = reallocarray(list->entry, list->n + 1, sizeof(*grown));
	if (grown == NULL) {
		free_entry(&entry);
		return -ENOMEM;
	}
	list->entry = grown;
	list->entry[list->n++] = entry;
	return 0;
}

static int read_list(struct mount_list *ret, const char *mountinfo)
{
	FILE *file = fopen(mountinfo, "re");
	char *line = NULL;
	size_t size = 0;
	int res = 0;

	*ret = (struct mount_list){0};
	if (file == NULL)
		return -errno;
	while (res == 0 && getline(&line, &size, file) >= 0)
		res = add_line(ret, line);
	if (res == 0 && ferror(file))
		res = -EIO;
	free(line);
	fclose(file);
	if (res < 0)
		mounts_free(ret);
	return res;
}

int mounts_read(struct mount_list *ret)
{
	return read_list(ret, "/proc/self/mountinfo");
}

void mounts_free(struct mount_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free_entry(&list->entry[i]);
	free(list->entry);
	*list = (struct mount_list){0};
}

size_t mounts_count(const struct mount_list *list, dev_t dev)
{
	size_t count = 0;

	for (size_t i = 0; i < list->n; i++)
		count += list->entry[i].dev == dev;
	return count;
}

/* --- one mount ------------------------------------------------------------------------------------------------- */

static int identify(int fd, unsigned mask, struct statx *ret)
{
	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, mask, ret) < 0 ? -errno : 0;
}

int mounts_device(int fd, dev_t *ret)
{
	struct statx st;
	int res = identify(fd, 0, &st);

	if (res == 0)
		*ret = makedev(st.stx_dev_major, st.stx_dev_minor);
	return res;
}

const struct mount_entry *mounts_with(const struct mount_list *list, int fd)
{
	struct statx st;

	if (identify(fd, 0, &st) < 0)
		return NULL;
	/* The mount id comes unasked, also to whom the file system answers nothing; kernels before 5.8 tell none. */
	for (size_t i = list->n; i-- > 0;)
		if (list->entry[i].dev == makedev(st.stx_dev_major, st.stx_dev_minor) &&
		    (!(st.stx_mask & STATX_MNT_ID) || st.stx_mnt_id == list->entry[i].id))
			return &list->entry[i];
	return NULL;
}

int mounts_find(const char *path, dev_t *ret)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct mount_list list;
	int res;

	if (fd < 0)
		return -errno;
	res = mounts_device(fd, ret);
	close(fd);
	if (res < 0 || mounts_read(&list) < 0)
		return res;
	res = -ENOENT;
	for (size_t i = 0; i < list.n; i++)
		if (list.entry[i].dev == *ret && strncmp(list.entry[i].type, "fuse", 4) == 0)
			res = 0;
	mounts_free(&list);
	return res;
}

int mounts_open(const struct mount_entry *entry)
{
	int fd = open(entry->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct statx st;
	int res;

	if (fd < 0)
		return -errno;
	res = identify(fd, STATX_MNT_ID, &st);
	/* Kernels before 5.8 tell no mount id. */
	if (res == 0 && (makedev(st.stx_dev_major, st.stx_dev_minor) != entry->dev ||
			 (st.stx_mask & STATX_MNT_ID && st.stx_mnt_id != entry->id)))
		res = -ENOENT;
	if (res == 0)
		return fd;
	close(fd);
	return res;
}

/* It looks at the path's folders, which may be of a server that does not answer: it is not waited for, for ever. */
static int wait_for(pid_t child, int *status)
{
	static const struct timespec pause = {.tv_nsec = 10000000};
	pid_t ended;

	for (int ms = 0; ms < PATIENCE_MS; ms += 10) {
		ended = waitpid(child, status, WNOHANG);
		if (ended == child)
			return 0;
		if (ended < 0 && errno != EINTR)
			return -errno;
		nanosleep(&pause, NULL);
	}
	kill(child, SIGTERM); /* does nothing to one that is root's */
	return -ETIMEDOUT;
}

/* What only root may do, this set-uid program does for the user who mounted. */
static int run_fusermount(const char *path)
{
	char *argv[] = {"fusermount3", "-u", "-q", "-z", "--", (char *)(uintptr_t)path, NULL};
	posix_spawnattr_t attr;
	sigset_t none;
	int status, res;
	pid_t child;

	res = posix_spawnattr_init(&attr);
	if (res != 0)
		return -res;
	/* (I2) This thread may have signals blocked. */
	sigemptyset(&none);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	res = posix_spawnp(&child, argv[0], NULL, &attr, argv, environ);
	(void)posix_spawnattr_destroy(&attr);
	if (res != 0)
		return -res;
	res = wait_for(child, &status);
	if (res < 0)
		return res;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

int mounts_detach(int fd, const char *path)
{
	char link[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
	int res;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	res = umount2(link, MNT_DETACH) < 0 ? -errno : 0;
	if (res == -ENOENT)
		res = umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 ? -errno : 0; /* no /proc */
	return res == -EPERM ? run_fusermount(path) : res;
}

static int unmount_one(const struct mount_entry *entry)
{
	int fd = mounts_open(entry);
	int res;

	if (fd < 0)
		return fd;
	res = mounts_detach(fd, entry->path);
	close(fd);
	return res;
}

/* --- other namespaces ------------------------------------------------------------------------------------------ */

/* That the process is in; "": it is not to be seen. */
static void namespace_of(const char *process, char name[NAMESPACE_ROOM])
{
	char path[PROC_ROOM];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", process);
	n = readlink(path, name, NAMESPACE_ROOM - 1);
	name[n > 0 ? n : 0] = '\0';
}

static bool is_mounted_for(const char *process, dev_t dev)
{
	char path[PROC_ROOM];
	struct mount_list list;
	size_t count;

	snprintf(path, sizeof(path), "/proc/%s/mountinfo", process);
	if (read_list(&list, path) < 0)
		return false;
	count = mounts_count(&list, dev);
	mounts_free(&list);
	return count > 0;
}

/* The next of the directory /proc that is a process, or NULL. */
static const char *next_process(DIR *proc)
{
	const struct dirent *entry;

	do
		entry = readdir(proc);
	while (entry != NULL && (entry->d_name[0] < '1' || entry->d_name[0] > '9' || strlen(entry->d_name) > PID_DIGITS));
	return entry != NULL ? entry->d_name : NULL;
}

pid_t mounts_elsewhere(dev_t dev)
{
	char seen[NAMESPACES][NAMESPACE_ROOM], name[NAMESPACE_ROOM];
	DIR *proc = opendir("/proc");
	const char *process;
	pid_t found = 0;
	size_t n = 1;

	if (proc == NULL)
		return 0;
	namespace_of("self", seen[0]);
	while (found == 0 && (process = next_process(proc)) != NULL) {
		size_t i = 0;

		namespace_of(process, name);
		while (i < n && strcmp(seen[i], name) != 0)
			i++;
		if (name[0] == '\0' || i < n)
			continue;
		/* Past the room for them, a namespace is looked at for each of its processes. */
		if (n < NAMESPACES)
			strcpy(seen[n++], name);
		if (is_mounted_for(process, dev))
			found = (pid_t)strtol(process, NULL, 10);
	}
	closedir(proc);
	return found;
}

/* --- all of a file system -------------------------------------------------------------------------------------- */

/* Another file system's mount that would go along with this one. */
static const struct mount_entry *mounted_on(const struct mount_list *list, const struct mount_entry *entry)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->entry[i].parent == entry->id && list->entry[i].id != entry->id)
			return &list->entry[i];
	return NULL;
}

static void tell_left(const struct mount_entry *entry, const struct mount_entry *other, int error)
{
	if (other != NULL && strcmp(other->path, entry->path) == 0)
		log_line(
		    LOG_ERR,
		    "%s: not unmounted: another mount (%s) covers it; take that away, then run 'fusermount3 -u' on the path",
		    entry->path, other->type);
	else if (other != NULL)
		log_line(LOG_ERR, "%s: not unmounted: %s (%s) is mounted inside it; unmount that first, then this", entry->path,
			 other->path, other->type);
	else if (error == -ENOENT)
		log_line(LOG_ERR,
			 "%s: not unmounted: something else is mounted over a folder above it; take that away, then run "
			 "'fusermount3 -u' on the path",
			 entry->path);
	else
		log_line(LOG_ERR, "%s: cannot be unmounted: %s; run 'fusermount3 -u' on it, or as root 'umount'", entry->path,
			 strerror(-error));
}

/* The last mounted first, as they may lie inside each other. Returns how many have gone; those that stay are told of if `tell`.
 */
static size_t unmount_all(const struct mount_list *list, dev_t dev, const char *usual, bool tell)
{
	size_t gone = 0;

	for (size_t i = list->n; i-- > 0;) {
		const struct mount_entry *entry = &list->entry[i], *other;
		int res = -EBUSY;

		if (entry->dev != dev)
			continue;
		other = mounted_on(list, entry);
		if (other == NULL)
			res = unmount_one(entry);
		if (res == 0) {
			gone++;
			if (usual == NULL || strcmp(entry->path, usual) != 0)
				log_line(LOG_INFO, "unmounted from %s", entry->path);
		} else if (tell) {
			tell_left(entry, other, res);
		}
	}
	return gone;
}

int mounts_unmount(dev_t dev, const char *usual)
{
	size_t left, gone;

	/* Each that goes may uncover another. */
	for (bool tell = false;; tell = gone == 0) {
		struct mount_list list;
		int res = mounts_read(&list);

		if (res < 0)
			return res;
		left = mounts_count(&list, dev);
		gone = left > 0 ? unmount_all(&list, dev, usual, tell) : 0;
		mounts_free(&list);
		if (left == 0 || tell)
			return (int)(left - gone);
	}
}
