/*
 * holder.c - who holds the lock on a container, in words that say what to do: a program; a reelfs, and where it is mounted,
 * in another mount namespace, too; or a reelfs whose mount is gone and that still stores. All of it is what /proc tells, so
 * nothing but messages and waiting may depend on it. Takes no lock.
 */
#include "config.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "holder.h"

enum { PROC_ROOM = 64, NAMESPACE_ROOM = 64, NAMESPACES = 64, PID_DIGITS = 10 };

/* --- the process ------------------------------------------------------------------------------------------- */

/* The name of a process's program; "unknown" where /proc does not tell. False: there is no such process, as far as it tells. */
static bool program_of(long pid, char name[PROGRAM_NAME_MAX])
{
	char path[PROC_ROOM];
	FILE *f;

	snprintf(name, PROGRAM_NAME_MAX, "unknown");
	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	f = fopen(path, "re");
	if (f == NULL)
		return access("/proc/self", F_OK) < 0;
	if (fgets(name, PROGRAM_NAME_MAX, f) == NULL)
		snprintf(name, PROGRAM_NAME_MAX, "unknown");
	name[strcspn(name, "\n")] = '\0';
	(void)fclose(f);
	return true;
}

static bool is_process(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= PID_DIGITS && strspn(name, "0123456789") == len;
}

/* By name: asking for the file itself would wait for whatever file systems that process has files of. */
static bool has_open(const char *process, const char *container)
{
	char path[PROC_ROOM], name[PATH_MAX];
	const struct dirent *entry;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%s/fd", process);
	DIR *fds = opendir(path);
	while (fds != NULL && !found && (entry = readdir(fds)) != NULL) {
		ssize_t n = readlinkat(dirfd(fds), entry->d_name, name, sizeof(name) - 1);
		name[n > 0 ? n : 0] = '\0';
		found = strcmp(name, container) == 0;
	}
	if (fds != NULL)
		closedir(fds);
	return found;
}

/* A lock that a server keeps is not in the kernel's list: one that stores is looked for among this user's processes. */
static long storing_unlisted(const struct reel *r)
{
	char program[PROGRAM_NAME_MAX];
	const struct dirent *entry;
	long found = 0;
	char *container = realpath(r->path, NULL);
	DIR *proc = container == NULL ? NULL : opendir("/proc");

	while (proc != NULL && found == 0 && (entry = readdir(proc)) != NULL) {
		long pid = is_process(entry->d_name) ? strtol(entry->d_name, NULL, 10) : 0;
		if (pid > 0 && program_of(pid, program) && strcmp(program, REEL_STORING) == 0 &&
		    has_open(entry->d_name, container))
			found = pid;
	}
	if (proc != NULL)
		closedir(proc);
	free(container);
	return found;
}

void holder_find(struct reel *r, int fd, struct holder *ret)
{
	*ret = (struct holder){.pid = lock_holder(r, fd)};
	if (ret->pid == 0 && r->place.shared)
		ret->pid = storing_unlisted(r);
	ret->lives = ret->pid > 0 && program_of(ret->pid, ret->program);
	ret->stores = ret->lives && strcmp(ret->program, REEL_STORING) == 0;
}

/* --- where a reelfs is mounted ----------------------------------------------------------------------------- */

/* As /proc/PID/mountinfo writes names: spaces and the like as three octal digits. */
void holder_unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' && from[2] <= '7' && from[3] >= '0' &&
		    from[3] <= '7') {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* Where the line's mount is, if it is a reelfs of this container; the caller frees it. */
static char *place_in(const char *line, const char *container)
{
	char *path = NULL, *source = NULL, *ret = NULL;
	const char *tail = strstr(line, " - fuse.reelfs ");

	if (tail != NULL && sscanf(line, "%*d %*d %*s %*s %ms", &path) == 1 && sscanf(tail, " - %*s %ms", &source) == 1) {
		holder_unescape(path);
		holder_unescape(source);
		if (strcmp(source, container) == 0) {
			ret = path;
			path = NULL;
		}
	}
	free(path);
	free(source);
	return ret;
}

static char *mounted_for(const char *process, const char *container)
{
	char path[PROC_ROOM], *line = NULL, *ret = NULL;
	size_t room = 0;

	snprintf(path, sizeof(path), "/proc/%s/mountinfo", process);
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return NULL;
	while (ret == NULL && getline(&line, &room, f) > 0)
		ret = place_in(line, container);
	free(line);
	(void)fclose(f);
	return ret;
}

static bool namespace_of(const char *process, char name[NAMESPACE_ROOM])
{
	char path[PROC_ROOM];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", process);
	n = readlink(path, name, NAMESPACE_ROOM - 1);
	name[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* The same in other mount namespaces, as far as this user may see them; *process is in that one. */
static char *mounted_elsewhere(const char *container, long *process)
{
	char seen[NAMESPACES][NAMESPACE_ROOM], name[NAMESPACE_ROOM], *ret = NULL;
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	size_t n = 1;

	if (proc == NULL)
		return NULL;
	(void)namespace_of("self", seen[0]);
	while (ret == NULL && (entry = readdir(proc)) != NULL) {
		size_t i = 0;
		if (!is_process(entry->d_name) || !namespace_of(entry->d_name, name))
			continue;
		while (i < n && strcmp(seen[i], name) != 0)
			i++;
		if (i < n)
			continue;
		if (n < NAMESPACES)
			memcpy(seen[n++], name, sizeof(name));
		ret = mounted_for(entry->d_name, container);
		*process = strtol(entry->d_name, NULL, 10);
	}
	closedir(proc);
	return ret;
}

/* --- in words ---------------------------------------------------------------------------------------------- */

/* The holder lives. */
static void tell_process(struct reel *r, const struct holder *h)
{
	char *container = realpath(r->path, NULL), *place = NULL;
	long other = 0;

	if (h->stores) {
		reel_log(
		    r, LOG_ERR,
		    "%s: process %ld has the container open for writing: it is a reelfs that was unmounted and still stores "
		    "what was written before. Do not end it: wait until it has ended, and try again",
		    r->path, h->pid);
	} else if (container != NULL && (place = mounted_for("self", container)) != NULL) {
		reel_log(r, LOG_ERR,
			 "%s: process %ld has the container open for writing (program %s), mounted at %s; unmount that first",
			 r->path, h->pid, h->program, place);
	} else if (container != NULL && (place = mounted_elsewhere(container, &other)) != NULL) {
		reel_log(r, LOG_ERR,
			 "%s: process %ld has the container open for writing (program %s), mounted at %s in another mount "
			 "namespace, that of process %ld; unmount it there first: nsenter -m -t %ld umount %s",
			 r->path, h->pid, h->program, place, other, other, place);
	} else {
		reel_log(r, LOG_ERR,
			 "%s: process %ld has the container open for writing (program %s); end it (or unmount) first", r->path,
			 h->pid, h->program);
	}
	free(place);
	free(container);
}

void holder_tell(struct reel *r, int fd)
{
	struct holder h;

	holder_find(r, fd, &h);
	if (h.lives)
		tell_process(r, &h);
	else if (h.pid > 0)
		reel_log(r, LOG_ERR,
			 "%s: the container is open for writing: process %ld locked it, which has ended and left it open in "
			 "another one, or is not shown here; end that (fuser %s) first",
			 r->path, h.pid, r->path);
	else if (r->place.shared)
		reel_log(
		    r, LOG_ERR,
		    "%s: a program on another machine, or in another session of this one, has the container open for "
		    "writing; end it (or unmount) there first. If that machine is down, its lock ends when the file system "
		    "gives it up",
		    r->path);
	else
		reel_log(r, LOG_ERR, "%s: another process has the container open for writing; end it (or unmount) first",
			 r->path);
}

long reel_stored_by(struct reel *r)
{
	struct holder h = {0};

	if (!store_writable(r))
		holder_find(r, r->fd, &h);
	return h.stores ? h.pid : 0;
}
